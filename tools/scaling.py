#!/usr/bin/env python3
"""Measure how `vernier convert` scales: time with the number of nodes, peak memory with the bytes of weights.

    scaling.py [--nodes N,...] [--megabytes M,...] [--networks NAME,...] [--samples N] [--check]

Generates ONNX networks with random weights, converts each, and prints a table. By default 2000 and 8000
nodes, and 50 and 200 MB of weights of each of the networks conv, folded (BatchNormalization behind each
convolution) and matmul; an empty list leaves its part out. Calibrates with calibration_type skip, or with
--samples with max on that many random arrays. --check times `vernier check` as well. VERNIER chooses the
program. Run it with .venv/bin/python.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERNIER = pathlib.Path(os.environ.get("VERNIER", ROOT / "build/vernier"))
CHANNELS, SIZE = 8, 8


class Network:
    """Nodes in a row, each reading what the one before has made."""

    def __init__(self, shape):
        self.shape, self.nodes, self.constants, self.at = shape, [], [], "x"
        self.random = np.random.default_rng(1)

    def constant(self, data):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(data), name))
        return name

    def weights(self, *shape):
        """Small enough that thousands of residual sums stay finite."""
        scale = np.float32(0.1 / np.prod(shape[1:]) ** 0.5)
        return self.constant(scale * self.random.standard_normal(shape, np.float32))

    def add(self, op, *inputs, **attributes):
        self.at = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [self.at], f"n{len(self.nodes)}", **attributes))
        return self.at

    def save(self, path):
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)]
        outputs = [helper.make_tensor_value_info(self.at, TensorProto.FLOAT, None)]
        graph = helper.make_graph(self.nodes, "scaling", inputs, outputs, self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def residual_block(n):
    """Conv, BatchNormalization, Relu, Conv, Add of what came in: folded and fused."""
    x = n.at
    n.add("Conv", x, n.weights(CHANNELS, CHANNELS, 3, 3), pads=[1, 1, 1, 1])
    ones, zeros = n.constant(np.ones(CHANNELS, np.float32)), n.constant(np.zeros(CHANNELS, np.float32))
    n.add("BatchNormalization", n.at, ones, zeros, zeros, ones)
    n.add("Relu", n.at)
    n.add("Conv", n.at, n.weights(CHANNELS, CHANNELS, 1, 1))
    n.add("Mul", n.at, n.constant(np.float32(0.5)))
    n.add("Add", n.at, x)


def attention_block(n):
    """Reshapes and transposes, a product, a scaled Softmax, x * Sigmoid(x): patterns of several nodes."""
    x = n.at
    n.add("Reshape", x, n.constant(np.array([1, CHANNELS, SIZE * SIZE], np.int64)))
    rows = n.add("Transpose", n.at, perm=[0, 2, 1])
    query = n.add("MatMul", rows, n.weights(CHANNELS, CHANNELS))
    key = n.add("Transpose", rows, perm=[0, 2, 1])
    n.add("MatMul", query, key)
    n.add("Div", n.at, n.constant(np.float32(CHANNELS ** 0.5)))
    n.add("Softmax", n.at, axis=-1)
    n.add("MatMul", n.at, rows)
    n.add("Transpose", n.at, perm=[0, 2, 1])
    n.add("Reshape", n.at, n.constant(np.array([1, CHANNELS, SIZE, SIZE], np.int64)))
    gate = n.add("Conv", n.at, n.weights(CHANNELS, CHANNELS, 1, 1))
    n.add("Sigmoid", gate)
    n.add("Mul", gate, n.at)
    n.add("Add", n.at, x)


def by_nodes(count):
    n = Network([1, CHANNELS, SIZE, SIZE])
    while len(n.nodes) < count:
        (attention_block if len(n.nodes) % 100 > 80 else residual_block)(n)
    return n


CHANNELS_LARGE = 724  # a weight has 2 MiB


def conv_layer(n):
    n.add("Conv", n.at, n.weights(CHANNELS_LARGE, CHANNELS_LARGE, 1, 1))


def folded_layer(n):
    conv_layer(n)
    scale = n.constant(np.full(CHANNELS_LARGE, 2, np.float32))
    zeros = n.constant(np.zeros(CHANNELS_LARGE, np.float32))
    n.add("BatchNormalization", n.at, scale, zeros, zeros, scale)


def matmul_layer(n):
    n.add("MatMul", n.at, n.weights(CHANNELS_LARGE, CHANNELS_LARGE))


NETWORKS = {"conv": ([1, CHANNELS_LARGE, 2, 2], conv_layer),
            "folded": ([1, CHANNELS_LARGE, 2, 2], folded_layer),
            "matmul": ([1, 4, CHANNELS_LARGE], matmul_layer)}


def by_weights(name, megabytes):
    """Layers over few activations: time and memory go into weights."""
    shape, layer = NETWORKS[name]
    n = Network(shape)
    while sum(len(c.raw_data) for c in n.constants) < megabytes * 1e6:
        layer(n)
        n.add("Relu", n.at)
    return n


# A child's peak starts with that of the process which forks it: a small one between leaves our arrays out.
LAUNCH = """import os, sys
child = os.fork()
if not child:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024)
"""


def run(*words, cwd):
    """Seconds and peak bytes of a child."""
    start = time.monotonic()
    child = subprocess.run([sys.executable, "-S", "-E", "-c", LAUNCH, VERNIER, *words], cwd=cwd,
                           capture_output=True, text=True, check=True)
    status, peak = map(int, child.stdout.split()[-2:])
    if status > 1:
        sys.exit(f"vernier {' '.join(words)}: exit status {status}\n{child.stderr[-1000:]}")
    return time.monotonic() - start, peak


def write_config(folder, shape, samples):
    (folder / "c.yaml").write_text(f"""model_parameters:
  onnx_model: 'm.onnx'
  working_dir: 'out'
input_parameters:
  input_type_rt: 'featuremap'
  input_type_train: 'featuremap'
  input_layout_train: 'NCHW'
  norm_type: 'no_preprocess'
calibration_parameters:
  calibration_type: '{"max" if samples else "skip"}'
""" + ("  cal_data_dir: 'samples'\n  cal_data_type: 'float32'\n" if samples else ""))
    (folder / "samples").mkdir()
    random = np.random.default_rng(2)
    for i in range(samples):
        np.save(folder / "samples" / f"{i}.npy", random.standard_normal(shape, np.float32))


def measure(network, what, check=False, samples=0):
    """One line of the table; seconds, and peak memory as a multiple of the weights, of the conversion."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        network.save(folder / "m.onnx")
        write_config(folder, network.shape, samples)
        weights = sum(len(c.raw_data) for c in network.constants)
        checked = run("check", "m.onnx", cwd=folder)[0] if check else None
        seconds, peak = run("convert", "-c", "c.yaml", "--log", "none", cwd=folder)
        check_text = f"{checked:.2f} s" if check else "-"
        print(f"{what:14} {len(network.nodes):6} {weights / 1e6:10.1f} MB {check_text:>10} {seconds:8.2f} s"
              f" {peak / 1e6:8.0f} MB {peak / weights:12.1f}", flush=True)
        return seconds, peak / weights


def numbers(text):
    return [int(x) for x in text.split(",") if x]


def names(text):
    return [x for x in text.split(",") if x]


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=numbers, default=[2000, 8000])
    options.add_argument("--megabytes", type=numbers, default=[50, 200])
    options.add_argument("--networks", type=names, default=list(NETWORKS))
    options.add_argument("--samples", type=int, default=0)
    options.add_argument("--check", action="store_true")
    o = options.parse_args()
    print(f"{'network':14} {'nodes':>6} {'weights':>13} {'check':>10} {'convert':>10} {'peak':>11}"
          f" {'peak/weights':>12}")
    times = [measure(by_nodes(n), f"{n} nodes", o.check, o.samples)[0] for n in o.nodes]
    if len(times) > 1:
        print(f"{o.nodes[-1]} nodes take {times[-1] / times[0]:.1f} times as long as {o.nodes[0]}")
    for name in o.networks:
        for m in o.megabytes:
            measure(by_weights(name, m), f"{name} {m} MB", o.check, o.samples)


if __name__ == "__main__":
    main()
