#!/usr/bin/env python3
"""Sensitivity the plain way: for each node a model in which it alone is quantized, and a whole run.

    sensitivity_reference.py CALIBRATED.onnx FOLDER [--samples N] [--every K] [--how runtime|reference|ort]

prints each node's SQNR and MSE beside those of `vernier debug sensitivity`, and exits with 1 where they
differ by more than the tolerance of that way to run:

    runtime     1e-6: the float kernels of the program, whose order of sums is defined
    reference   float64: the float32 sums of the program differ by their rounding, and an activation close
                to a tie may round the other way
    ort         float32 in another order: likewise

Quantization is spelled out in Div, Round, Add, Clip, Sub and Mul, so that nothing takes it for a parameter.
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
from onnx import helper, numpy_helper

VERNIER = os.environ.get("VERNIER", "vernier")
TOLERANCE = {"runtime": 1e-6, "reference": 2e-2, "ort": 2e-2}
LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767)}


class Pair:
    """QuantizeLinear and DequantizeLinear: what goes in and out, and the parameters."""

    def __init__(self, q, dq, constants):
        self.source, self.result = q.input[0], dq.output[0]
        self.scale, self.zero = constants[q.input[1]], constants[q.input[2]]
        self.axis = next((a.i for a in q.attribute if a.name == "axis"), None)
        self.constant = constants.get(self.source)
        self.name = self.source.removesuffix("_raw")

    def shaped(self, x, rank):
        if x.size == 1:
            return x.reshape(())
        return x.reshape([-1 if d == self.axis else 1 for d in range(rank)])

    def rounded_constant(self):
        x = self.constant
        scale, zero = self.shaped(self.scale, x.ndim), self.shaped(self.zero, x.ndim).astype(np.float32)
        q = np.clip(np.rint(x / scale) + zero, *LIMITS[str(self.zero.dtype)])
        return ((q - zero) * scale).astype(np.float32)

    def nodes(self, source, result):
        """The same as nodes of float32 arithmetic."""
        assert self.scale.size == 1, "activations have one scale"
        low, high = LIMITS[str(self.zero.dtype)]
        names = {k: f"{result}/{k}" for k in ("scale", "zero", "low", "high", "a", "b", "c", "d", "e")}
        values = {"scale": self.scale, "zero": self.zero, "low": low, "high": high}
        constants = [numpy_helper.from_array(np.float32(np.asarray(v).reshape(-1)[0]), names[k])
                     for k, v in values.items()]
        make = helper.make_node
        return constants, [make("Div", [source, names["scale"]], [names["a"]]),
                           make("Round", [names["a"]], [names["b"]]),
                           make("Add", [names["b"], names["zero"]], [names["c"]]),
                           make("Clip", [names["c"], names["low"], names["high"]], [names["d"]]),
                           make("Sub", [names["d"], names["zero"]], [names["e"]]),
                           make("Mul", [names["e"], names["scale"]], [result])]


class Calibrated:
    def __init__(self, path):
        self.model = onnx.load(str(path))
        g = self.model.graph
        constants = {t.name: numpy_helper.to_array(t) for t in g.initializer}
        makers = {o: n for n in g.node for o in n.output}
        self.pairs = {}
        for n in g.node:
            if n.op_type == "DequantizeLinear":
                self.pairs[n.output[0]] = Pair(makers[n.input[0]], n, constants)
        self.nodes = [n.name for n in g.node if n.op_type not in ("QuantizeLinear", "DequantizeLinear")
                      and any(i in self.pairs for i in n.input)]

    def only(self, *names, weights=False, activations=False, but=None):
        """The model in which these nodes alone are quantized, or all tensors of a kind but one."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        g = model.graph
        kept, outputs = [], {o.name for o in g.output}
        for n in self.model.graph.node:
            if n.op_type == "QuantizeLinear":
                continue
            if n.op_type == "DequantizeLinear":
                if n.output[0] in outputs:
                    rounded = activations and self.pairs[n.output[0]].name != but
                    quantized = f"{n.output[0]}/only" if rounded else None
                    result = self.operand(g, kept, n.output[0], quantized)
                    kept.append(helper.make_node("Identity", [result], [n.output[0]]))
                continue
            copy = onnx.NodeProto()
            copy.CopyFrom(n)
            for i, tensor in enumerate(n.input):
                if tensor in self.pairs:
                    everywhere = weights if self.pairs[tensor].constant is not None else activations
                    everywhere = everywhere and self.pairs[tensor].name != but
                    quantized = f"{tensor}/only" if everywhere or n.name in names else None
                    copy.input[i] = self.operand(g, kept, tensor, quantized)
            kept.append(copy)
        del g.node[:]
        g.node.extend(kept)
        return model

    def operand(self, g, kept, tensor, quantized):
        pair = self.pairs[tensor]
        if not quantized:
            return pair.source
        if pair.constant is not None:
            if quantized not in {t.name for t in g.initializer}:
                g.initializer.append(numpy_helper.from_array(pair.rounded_constant(), quantized))
        elif quantized not in {o for n in kept for o in n.output}:
            constants, nodes = pair.nodes(pair.source, quantized)
            g.initializer.extend(constants)
            kept.extend(nodes)
        return quantized


def run_vernier(model, files, folder, how):
    """Of each sample the outputs by name."""
    path = pathlib.Path(folder) / "only.onnx"
    onnx.save(model, str(path))
    results = []
    for i, file in enumerate(files):
        out = pathlib.Path(folder) / f"out{i}"
        command = [VERNIER, "run", path, "--input", file, "--output-dir", out, "--level", "0"]
        command += ["--reference"] * (how == "reference")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        results.append([np.load(f) for f in sorted(out.glob("*.npy"))])
    return results


def run_ort(model, files):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = sorted(o.name for o in session.get_outputs())
    return [session.run(names, {session.get_inputs()[0].name: np.load(f)}) for f in files]


def run(model, files, folder, how):
    return run_ort(model, files) if how == "ort" else run_vernier(model, files, folder, how)


def metrics(floats, changed):
    """Of the output that is hit most; see docs/debug.md."""
    rows = []
    for output in range(len(floats[0])):
        x = [s[output].astype(np.float64).ravel() for s in floats]
        y = [s[output].astype(np.float64).ravel() for s in changed]
        noise, signal = sum(np.sum((a - b) ** 2) for a, b in zip(x, y)), sum(np.sum(a * a) for a in x)
        cosines = [1.0 if not (a.any() or b.any()) else a @ b / np.sqrt((a @ a) * (b @ b))
                   for a, b in zip(x, y)]
        relative = [np.abs(a - b)[a != 0] / np.abs(a[a != 0]) for a, b in zip(x, y)]
        rows.append({"cosine-similarity": np.mean(cosines), "mse": noise / sum(a.size for a in x),
                     "mre": np.mean(np.concatenate(relative)) if sum(map(len, relative)) else 0.0,
                     "sqnr": 10 * np.log10(signal / noise) if noise else None,
                     "chebyshev": max(np.max(np.abs(a - b)) for a, b in zip(x, y))})
    return {key: worst(key, [r[key] for r in rows]) for key in rows[0]}


def worst(key, values):
    if key == "sqnr":
        return min((v for v in values if v is not None), default=None)
    return min(values) if key == "cosine-similarity" else max(values)


def measured(model, folder, samples, *more):
    command = [VERNIER, "debug", "sensitivity", model, folder, "--samples", str(samples), "--json", *more]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {row["node"]: row for row in json.loads(done.stdout)["rows"]}


def distance(got, want):
    """Relative; of cosines and of what is not finite: absolute and exact."""
    if want["sqnr"] is None or got["sqnr"] is None:
        return 0.0 if want["sqnr"] == got["sqnr"] else np.inf
    relative = [abs(got[k] - want[k]) / abs(want[k]) for k in ("mse", "mre", "chebyshev", "sqnr")]
    return max(relative + [abs(got["cosine-similarity"] - want["cosine-similarity"])])


def compare(model, folder, samples, every, how):
    """(node, distance, got, wanted) of every K-th node."""
    calibrated = Calibrated(model)
    inside = [p for p in pathlib.Path(folder).iterdir() if p.is_dir()]
    files = (inside[0] if inside else pathlib.Path(folder)).glob("*.npy")
    files = sorted(files, key=lambda p: p.name)[:samples]
    got = measured(model, folder, len(files))
    with tempfile.TemporaryDirectory() as work:
        floats = run(calibrated.only(), files, work, how)
        for name in [n for n in calibrated.nodes if n in got][::every]:
            want = metrics(floats, run(calibrated.only(name), files, work, how))
            yield name, distance(got[name], want), got[name], want


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("model")
    p.add_argument("folder")
    p.add_argument("--samples", type=int, default=2)
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--how", choices=TOLERANCE, default="runtime")
    o = p.parse_args()
    worst_one = 0.0
    for name, off, got, want in compare(o.model, o.folder, o.samples, o.every, o.how):
        worst_one = max(worst_one, off)
        print(f"{name}: off by {off:.2g}; sqnr {got['sqnr']} {want['sqnr']}; mse {got['mse']} {want['mse']}")
    print(f"largest difference {worst_one:.3g}, tolerance {TOLERANCE[o.how]:g}")
    return 0 if worst_one <= TOLERANCE[o.how] else 1


if __name__ == "__main__":
    sys.exit(main())
