#!/usr/bin/env python3
"""One fault in a working project: does `vernier flow` stop at the right step and name the node?

    seeded_faults.py [--vernier P] [--only WORD] [--keep DIR] [--write]

Networks are made here, a few nodes each; seconds for all. Requires NumPy, Pillow, onnx and, for wrong
kernels, the program build/tests/wrongkernel. --write: the table of docs/flow.md. Exit status: 0 every fault
is found where it is, 1 not.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto as tp
from onnx import helper as oh
from onnx import numpy_helper as nh
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/flow.md"
CLASSES, SIDE, SAMPLES = 6, 12, 6


def network(nodes, constants, inputs, outputs):
    shapes = lambda pairs: [oh.make_tensor_value_info(n, tp.FLOAT, s) for n, s in pairs.items()]
    graph = oh.make_graph(nodes, "g", shapes(inputs), shapes(outputs),
                          [nh.from_array(np.asarray(v), k) for k, v in constants.items()])
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 21)], ir_version=10)


class Project:
    """A correct model, calibration data and configuration; faults change them."""

    def __init__(self, program, folder):
        self.program, self.folder, self.random = program, folder, np.random.default_rng(11)
        self.keys = {"input_type_rt": "featuremap", "input_type_train": "featuremap",
                     "input_layout_train": "NCHW", "norm_type": "no_preprocess"}
        self.shape = [1, 3, SIDE, SIDE]
        self.data = [self.random.normal(0, 1, self.shape).astype(np.float32) for _ in range(SAMPLES)]
        self.model, self.options, self.environment = self.classifier(), [], {}

    def weight(self, *shape):
        return self.random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)

    def classifier(self):
        conv = lambda x, w, y, name: oh.make_node("Conv", [x, w], [y], name, pads=[1, 1, 1, 1])
        nodes = [conv("x", "w0", "a0", "stem"), oh.make_node("Relu", ["a0"], ["r0"], "stem_relu"),
                 oh.make_node("MaxPool", ["r0"], ["m"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
                 conv("m", "w1", "a1", "body"), oh.make_node("Relu", ["a1"], ["r1"], "body_relu"),
                 conv("r1", "w2", "a2", "head"),
                 oh.make_node("ReduceMean", ["a2", "axes"], ["logits"], "mean", keepdims=0)]
        constants = {"w0": self.weight(8, 3, 3, 3), "w1": self.weight(8, 8, 3, 3),
                     "w2": self.weight(CLASSES, 8, 3, 3), "axes": np.array([2, 3])}
        return network(nodes, constants, {"x": self.shape}, {"logits": [1, CLASSES]})

    def change(self, name, how):
        t = next(t for t in self.model.graph.initializer if t.name == name)
        t.CopyFrom(nh.from_array(how(nh.to_array(t).copy()), name))

    def run(self, *words, program=None, environment=None):
        return subprocess.run([program or self.program, *map(str, words)], cwd=self.folder, check=False,
                              capture_output=True, text=True, env={**os.environ, **(environment or {})})

    def dump(self, model, x, folder):
        np.save(self.folder / "x.npy", x)
        done = self.run("run", model, "--input", "x.npy", "--dump-all", "--dequantize", "-o", folder)
        assert done.returncode == 0, done.stderr

    def dump_model(self, model, x, folder):
        onnx.save(model, self.folder / "trained.onnx")
        self.dump("trained.onnx", x, folder)

    def reference(self):
        """What the training program saved: every tensor of the model as it is now."""
        self.dump_model(self.model, self.data[0], "reference")
        self.options += ["--reference", "reference/tensors"]

    def write(self):
        onnx.save(self.model, self.folder / "net.onnx")
        (self.folder / "data").mkdir(exist_ok=True)
        for i, x in enumerate(self.data):
            np.ascontiguousarray(x, np.float32).tofile(self.folder / f"data/{i}.bin")
        lines = ["model_parameters:", "  onnx_model: 'net.onnx'", "  march: 'generic'",
                 "  working_dir: 'out'",
                 "  output_model_file_prefix: 'net'", "input_parameters:",
                 f"  input_shape: '{'x'.join(map(str, self.shape))}'",
                 *(f"  {k}: '{v}'" for k, v in self.keys.items()), "calibration_parameters:",
                 "  cal_data_dir: 'data'", "  cal_data_type: 'float32'", "  calibration_type: 'max'"]
        (self.folder / "net.yaml").write_text("\n".join(lines) + "\n")

    def flow(self):
        self.write()
        done = self.run("flow", "-c", "net.yaml", *self.options, "--json", environment=self.environment,
                        program=self.environment.get("program"))
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


def pixel_keys(colours):
    return {"input_type_rt": colours, "input_type_train": colours, "input_layout_rt": "NCHW",
            "input_layout_train": "NCHW"}


# ---- faults: what is wrong; FAULTS has step, cause and node where it must be found ----

def flipped_weight(p):
    """the sign of one weight of `body` differs from training"""
    p.reference()

    def flip(w):
        w[2, 3, 1, 1] *= -1
        return w
    p.change("w1", flip)


def exchanged_channels(p):
    """two output channels of `body` are swapped"""
    p.reference()
    p.change("w1", lambda w: w[[1, 0, *range(2, len(w))]])


def doubled_normalization(p):
    """calibration data are normalized, and the configuration normalizes again"""
    p.keys = {**pixel_keys("rgb"), "norm_type": "data_mean_and_scale", "mean_value": "127.5",
              "scale_value": "0.0078431"}


def wrong_scale(p):
    """the device's program uses twice the scale after `body`"""
    p.write()
    p.run("convert", "-c", "net.yaml", "--log", "none")
    m = onnx.load(p.folder / "out/net_quantized_model.onnx")
    q = next(n for n in m.graph.node if n.op_type == "QuantizeLinear" and n.input[0].startswith(("r1", "a1")))
    for t in m.graph.initializer:
        if t.name == q.input[1]:
            t.CopyFrom(nh.from_array(nh.to_array(t) * np.float32(2), t.name))
    for n in m.graph.node:  # the device does not know
        if n.op_type == "DequantizeLinear" and n.input[0] == q.output[0]:
            n.input[1] = "right_scale"
    right = nh.to_array(next(t for t in m.graph.initializer if t.name == q.input[1])) / np.float32(2)
    m.graph.initializer.append(nh.from_array(right, "right_scale"))
    onnx.save(m, p.folder / "device.onnx")
    p.dump("device.onnx", p.data[0], "device")
    p.options += ["--dumps", "device/tensors"]


def wrong_kernel(p):
    """the integer kernel of `pool` uses another window"""
    p.environment = {"program": str(p.program.parent / "tests/wrongkernel"),
                     "VERNIER_WRONG_KERNEL": "maxpool_s8"}


def worse_kernel(p):
    """the integer kernel of convolutions pads one line too many"""
    p.environment = {"program": str(p.program.parent / "tests/wrongkernel"),
                     "VERNIER_WRONG_KERNEL": "conv_s8"}


def truncated_calibration(p):
    """the calibration samples are all faint"""
    (p.folder / "test").mkdir()
    for i, x in enumerate(p.data):
        x.tofile(p.folder / f"test/{i}.bin")
    p.data = [0.1 * x for x in p.data[:2]]
    p.options += ["--test", "test"]


def inherited_range(p):
    """`joined` gives a tensor the range of another that is 60 times as large"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["small"], "small_conv"),
             oh.make_node("Conv", ["x", "v"], ["large"], "large_conv"),
             oh.make_node("Concat", ["small", "large"], ["both"], "joined", axis=1),
             oh.make_node("Conv", ["both", "u"], ["y"], "head")]
    u = p.weight(CLASSES, 8, 1, 1)
    u[:, 4:] /= 60
    constants = {"w": p.weight(4, 3, 1, 1), "v": 60 * p.weight(4, 3, 1, 1), "u": u}
    p.model = network(nodes, constants, {"x": p.shape}, {"y": [1, CLASSES, SIDE, SIDE]})
    p.options += ["--min-cosine", "0.9999"]


def mask(p):
    """`masked` adds -10000 to masked positions, and the next node reads the rest"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["score"], "scores"),
             oh.make_node("Add", ["score", "m"], ["low"], "masked"),
             oh.make_node("Max", ["low", "floor"], ["seen"], "floor"),
             oh.make_node("Conv", ["seen", "u"], ["y"], "head")]
    m = np.zeros((1, 1, SIDE, SIDE), np.float32)
    m[..., SIDE // 2:] = -10000
    constants = {"w": p.weight(8, 3, 1, 1), "m": m, "u": p.weight(CLASSES, 8, 1, 1),
                 "floor": np.full((1, 1, 1, 1), -8, np.float32)}
    p.model = network(nodes, constants, {"x": p.shape}, {"y": [1, CLASSES, SIDE, SIDE]})


def trembling_points(p):
    """outputs of `points` move smoothly in float, by less than a step of int8 each frame"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["y"], "points")]
    p.model = network(nodes, {"w": p.weight(4, 3, 1, 1)}, {"x": p.shape}, {"y": [1, 4, SIDE, SIDE]})
    (p.folder / "frames").mkdir()
    motion = p.random.normal(0, 1, p.shape).astype(np.float32)
    for i in range(12):
        (p.data[0] + np.float32(0.01 * i) * motion).tofile(p.folder / f"frames/{i:02}.bin")
    p.options += ["--frames", "frames"]


def wrong_postprocessing(p):
    """the task reads a different output from the one that training scored (95)"""
    images = p.folder / "images"
    pixels = p.random.integers(0, 256, (12, SIDE, SIDE, 3), np.uint8)
    p.keys = {**pixel_keys("rgb"), "norm_type": "data_scale", "scale_value": "0.00392157"}
    head = p.model.graph.node[-1]
    p.model.graph.node.append(oh.make_node("Neg", [head.output[0]], ["other"], "other"))
    p.model.graph.output.append(oh.make_tensor_value_info("other", tp.FLOAT, [1, CLASSES]))
    p.data = [x.transpose(2, 0, 1)[None].astype(np.float32) for x in pixels[:SAMPLES]]
    lines = []
    images.mkdir()
    for i, x in enumerate(pixels):
        Image.fromarray(x).save(images / f"{i}.png")
        p.dump_model(p.model, x.transpose(2, 0, 1)[None] / np.float32(255), "float")
        lines.append(f"{i}.png {np.load(p.folder / 'float/logits.npy').argmax()}")
    (p.folder / "labels.txt").write_text("\n".join(lines) + "\n")
    (p.folder / "task.yaml").write_text("metric: top_k\nk: 1\nimages: images\nlabels: labels.txt\n"
                                        "output: other\n")
    p.options += ["--task", "task.yaml", "--expect", "95", "--max-drop", "20"]


def nv12_range(p):
    """the device delivers luma in 16..235, and the configuration says 0..255"""
    pixels = p.random.integers(0, 256, (SAMPLES, 3, SIDE, SIDE))
    p.keys = {**pixel_keys("rgb"), "input_type_rt": "nv12", "norm_type": "data_scale",
              "scale_value": "0.00392157"}
    del p.keys["input_layout_rt"]
    p.data = [x[None].astype(np.float32) for x in pixels]
    p.write()
    p.run("convert", "-c", "net.yaml", "--log", "none")
    yuv = np.zeros((1, 3, SIDE, SIDE), np.int64) + 128
    yuv[0, 0] = np.linspace(16, 235, SIDE * SIDE).round().reshape(SIDE, SIDE)
    p.dump("out/net_quantized_model.onnx", (yuv - 128).astype(np.int8), "device")
    p.options += ["--dumps", "device/tensors"]


FAULTS = {  # step, cause, nodes that are right
    flipped_weight: ("float", "float_differs", ("body",)),
    exchanged_channels: ("float", "float_differs", ("body",)),
    doubled_normalization: ("convert", "normalised", ("x",)),
    truncated_calibration: ("quantized", "drift", ("x",)),
    trembling_points: ("quantized", "jitter", ("points",)),
    inherited_range: ("quantized", "range_conflict", ("joined",)),
    mask: ("quantized", "mask", ("masked",)),
    wrong_postprocessing: ("quantized", "postprocessing", (None,)),
    wrong_kernel: ("bin", "program_differs", ("pool",)),
    worse_kernel: ("quantized", "program_differs", ("stem", "stem_relu")),
    nv12_range: ("board", "value_range", ("x",)),
    wrong_scale: ("board", "board_differs", ("body", "body_relu")),
}


def examine(program, fault, folder):
    p = Project(program, folder)
    right = Project(program, folder / "right")
    right.folder.mkdir()
    good = right.flow()
    fault(p)
    out = p.flow()
    step = next((s for s in out["steps"] if s["state"] == "FAIL"), {"step": "--", "node": None})
    where, cause, nodes = FAULTS[fault]
    return {"fault": fault.__name__, "what": fault.__doc__, "step": step["step"], "cause": out.get("cause"),
            "node": step["node"], "evidence": out.get("evidence"), "next_command": out.get("next_command"),
            "right_passes": good["passed"],
            "found": step["step"] == where and out["cause"] == cause and step["node"] in nodes}


def table(results):
    lines = ["| fault | flow stops at | cause | node | right |", "|---|---|---|---|---|"]
    for r in results:
        lines.append(f"| {r['fault']}: {r['what']} | `{r['step']}` | `{r['cause']}` | {r['node'] or '--'} | "
                     f"{'yes' if r['found'] else 'no'} |")
    lines.append(f"\n{sum(r['found'] for r in results)} of {len(results)} faults are found at the right step "
                 f"and node; the project without a fault passes.")
    return "\n".join(lines)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--vernier", default=ROOT / "build/vernier", type=pathlib.Path)
    a.add_argument("--only", default="")
    a.add_argument("--keep", type=pathlib.Path)
    a.add_argument("--write", action="store_true")
    o = a.parse_args()
    results = []
    for fault in FAULTS:
        if o.only not in fault.__name__:
            continue
        with tempfile.TemporaryDirectory() as t:
            folder = o.keep / fault.__name__ if o.keep else pathlib.Path(t)
            folder.mkdir(parents=True, exist_ok=True)
            results.append(examine(o.vernier.resolve(), fault, folder))
        if not results[-1]["found"] or not results[-1]["right_passes"] or o.keep:
            print(json.dumps(results[-1], indent=1))
    if o.write:
        begin, end = "<!-- generated by tools/seeded_faults.py -->", "<!-- end of seeded faults -->"
        text = PAGE.read_text()
        i, k = text.index(begin) + len(begin), text.index(end)
        PAGE.write_text(text[:i] + "\n" + table(results) + "\n" + text[k:])
    print(table(results))
    return 0 if all(r["found"] and r["right_passes"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
