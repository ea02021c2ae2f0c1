#!/usr/bin/env python3
"""Measure the real models on one thread: our .bin, our float32 program, onnxruntime in float32 and in int8.

    bench/bench.py [--rounds N] [--repeat N] [--model NAME] [--json]

All run in turns (A B C D E A B C D E ...), pinned to one CPU, so that a busy machine affects all of them. Each
turn is one warm-up run and --repeat timed ones. Prints medians. All do the same work, preprocessing included:
onnxruntime's float32 is optimized_float_model.onnx, its int8 is quantized_model.onnx with its integer kernels
(session.qdqisint8allowed). Its kernels for x86 prefer unsigned activations, so the same network with every
activation shifted by 128 runs as a fifth.
VERNIER and VERNIER_SHARED as in tests/shared_models.py; rtbench is expected beside the program.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import shared_models as sm

ENGINES = ("bin", "float32", "ort float32", "ort int8", "ort uint8")


class Ours:
    """rtbench, with two programs for each model."""

    def __init__(self, files):
        self.process = subprocess.Popen([str(sm.VERNIER.parent / "rtbench"), *map(str, files)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            sys.exit("rtbench did not start")

    def time(self, which, repeat):
        self.process.stdin.write(f"{which} {repeat}\n")
        self.process.stdin.flush()
        return [int(t) for t in self.process.stdout.readline().split()]


class Theirs:
    """An onnxruntime session with its buffers bound, so that a run is nothing but a run."""

    def __init__(self, file, int8):
        import numpy as np
        import onnxruntime as rt
        o = rt.SessionOptions()
        o.intra_op_num_threads = o.inter_op_num_threads = 1
        o.log_severity_level = 4
        if int8:
            o.add_session_config_entry("session.qdqisint8allowed", "1")
        self.session = rt.InferenceSession(str(file), o, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        rng = np.random.default_rng(1)
        self.inputs = []
        for i in self.session.get_inputs():
            pixels = rng.integers(-128, 128, i.shape)
            x = (pixels + 128).astype(np.uint8) if "uint8" in i.type else pixels.astype(np.int8 if "int8" in i.type else np.float32)
            self.inputs.append(rt.OrtValue.ortvalue_from_numpy(x))
            self.binding.bind_ortvalue_input(i.name, self.inputs[-1])
        for out in self.session.get_outputs():
            self.binding.bind_output(out.name)

    def time(self, repeat):
        run, binding, times = self.session.run_with_iobinding, self.binding, []
        run(binding)
        for _ in range(repeat):
            start = time.perf_counter_ns()
            run(binding)
            times.append(time.perf_counter_ns() - start)
        return times


def unsigned(path):
    """quantized_model with uint8 activations: the same real values, zero points 128 higher."""
    import numpy as np
    import onnx
    from onnx import TensorProto, numpy_helper
    m = onnx.load(path)
    constants = {i.name: i for i in m.graph.initializer}
    shifted = set()
    for n in m.graph.node:
        weight = n.op_type == "DequantizeLinear" and n.input[0] in constants
        if n.op_type in ("QuantizeLinear", "DequantizeLinear") and not weight and n.input[2] not in shifted:
            zero = numpy_helper.to_array(constants[n.input[2]])
            constants[n.input[2]].CopyFrom(numpy_helper.from_array((zero.astype(np.int16) + 128).astype(np.uint8), n.input[2]))
            shifted.add(n.input[2])
    for i in m.graph.input:
        if i.type.tensor_type.elem_type == TensorProto.INT8:
            i.type.tensor_type.elem_type = TensorProto.UINT8
    del m.graph.value_info[:]
    onnx.checker.check_model(m, full_check=True)
    onnx.save(m, path.with_suffix(".uint8.onnx"))
    return path.with_suffix(".uint8.onnx")


def measure(products, rounds, repeat):
    """{engine: times in ms} of one model."""
    ours = Ours([products.bin, products.onnx("optimized_float")])
    theirs = [Theirs(products.onnx("optimized_float"), False), Theirs(products.onnx("quantized"), True),
              Theirs(unsigned(products.onnx("quantized")), False)]
    turns = [lambda: ours.time(0, repeat), lambda: ours.time(1, repeat), *[lambda t=t: t.time(repeat) for t in theirs]]
    for turn in turns:
        turn()
    times = {e: [] for e in ENGINES}
    for _ in range(rounds):
        for engine, turn in zip(ENGINES, turns):
            times[engine] += [ns / 1e6 for ns in turn()]
    ours.process.stdin.close()
    ours.process.wait()
    return times


def row_of(name, times):
    median = {e: statistics.median(t) for e, t in times.items()}
    return {"model": name, "runs": len(times["bin"]), **{f"{e} ms": round(m, 4) for e, m in median.items()},
            **{f"{e} min ms": round(min(t), 4) for e, t in times.items()},
            "bin vs our float32": round(median["float32"] / median["bin"], 2), "bin vs ort float32": round(median["ort float32"] / median["bin"], 2),
            "bin vs ort int8": round(median["ort int8"] / median["bin"], 2), "bin vs ort uint8": round(median["ort uint8"] / median["bin"], 2), "our float32 vs ort float32": round(median["ort float32"] / median["float32"], 2)}


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def print_table(rows):
    columns = ["model", "runs", *[f"{e} ms" for e in ENGINES], "bin vs our float32", "bin vs ort float32", "bin vs ort int8", "bin vs ort uint8", "our float32 vs ort float32"]
    cells = [columns] + [[f"{r[c]:.3f}" if c.endswith("ms") else str(r[c]) for c in columns] for r in rows]
    for line in cells:
        print("  ".join(c.ljust(max(len(l[i]) for l in cells)) for i, c in enumerate(line)).rstrip())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=30)
    p.add_argument("--repeat", type=int, default=3, help="timed runs in each turn (default 3)")
    p.add_argument("--cpu", type=int, help="the CPU to run on (default: the last one allowed)")
    p.add_argument("--model", action="append", choices=list(sm.MODELS), help="only these")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    if sm.missing():
        sys.exit(sm.missing())
    cpu = max(os.sched_getaffinity(0)) if a.cpu is None else a.cpu
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        models = [m for m in sm.MODELS.values() if not a.model or m.name in a.model]
        products = [sm.convert(m, Path(tmp) / m.name, {"calibration_type": "max"}, samples=10) for m in models]
        os.sched_setaffinity(0, {cpu})
        for m, p in zip(models, products):
            rows.append(row_of(m.name, measure(p, a.rounds, a.repeat)))
    import onnxruntime
    about = {"cpu": cpu_name(), "pinned to": cpu, "rounds": a.rounds, "repeat": a.repeat, "onnxruntime": onnxruntime.__version__, "threads": 1}
    if a.json:
        print(json.dumps({**about, "models": rows}, indent=1))
    else:
        print_table(rows)
        print(", ".join(f"{k}: {v}" for k, v in about.items()) + "; ratios above 1: the first one is faster")
    return 0


if __name__ == "__main__":
    sys.exit(main())
