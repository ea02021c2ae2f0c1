#!/usr/bin/env python3
"""Run the ONNX backend node tests of our operators through the reference executor.

    backend.py --tool ONNXRUN [NAME...]     the test tool (tests/op/onnxrun.c)
    backend.py --cli VERNIER [NAME...]      the command line: vernier run MODEL --reference --input X.npy
    --output-dir D backend.py --cli VERNIER --runtime [NAME...]    the same, compiled and run; what the
    runtime says it does not have is counted backend.py --programs FOLDER --tool ONNXBIN     compile one test
    of every operator (tests/op/onnxbin.c), for fuzz/seeds.py backend.py --cli VERNIER [--runtime] --networks
    [NAME...]    the whole light_* networks of the onnx package instead

Needs the Python packages onnx and numpy. Each test runs with all inputs given at run time, as it is
published. Where that fails, it runs again with the side inputs of the operator (shapes, axes, indices,
bounds) as constants of the model, as networks have them; such a pass is counted apart ("constant"). Integers
must be equal, types and the number of outputs as published. Exit status 1 when a test fails both ways.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases as node_testcases

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The operators of ONNX that src/ops has, and those that the front end rewrites.
OURS = (
    {
        name
        for source in (ROOT / "src/ops").glob("*.c")
        for name, domain in re.findall(r'\.onnx = "(\w+)"(?:, \.domain = "([^"]*)")?', source.read_text())
        if not domain
    }
    | set(
        re.findall(
            r'(?:REDUCE(?:_EXTREME)?|RECURRENT)\(\w+, "(\w+)"',
            "".join(p.read_text() for p in (ROOT / "src/ops").glob("*.c")),
        )
    )
    | {"QLinearConv", "QLinearMatMul", "Upsample"}
)

# Inputs from this index on become constants; the default is every integer input but the first.
CONSTANT_FROM = {
    "Clip": 1,
    "Pad": 1,
    "Resize": 1,
    "Slice": 1,
    "Reshape": 1,
    "Squeeze": 1,
    "Unsqueeze": 1,
    "ConstantOfShape": 0,
    "HannWindow": 0,
    "Dropout": 1,
    "CumSum": 1,
    "OneHot": 1,
    "Range": 0,
    "TopK": 1,
    "NonMaxSuppression": 2,
    "If": 0,
    "MaxUnpool": 2,
    "QLinearConv": 1,
    "QLinearMatMul": 1,
    "Upsample": 1,
    "Trilu": 1,
    "Expand": 1,
    "Split": 1,
    "Tile": 1,
    **{name: 1 for name in OURS if name.startswith("Reduce")},
}

OLDEST_OPSET, NEWEST_OPSET = (
    7,
    28,
)  # of what the reader takes; the operators tested outside did not change there

# What we refuse on purpose, by a part of the test's name.
UNSUPPORTED = {
    "training_mode": "training mode is unsupported",
    "training_dropout": "random dropout",
    "train_": "training mode",
    "optional": "optional types",
    "if_opt": "optional types",
    "if_seq": "sequence types",
    "identity_opt": "optional types",
    "test_sequence": "sequence types",
    "identity_sequence": "sequence types",
    "split_to_sequence": "sequence types",
    "string": "strings",
    "float8": "8-bit floats",
    "FLOAT8": "8-bit floats",
    "E4M3": "8-bit floats",
    "E5M2": "8-bit floats",
    "E8M0": "8-bit floats",
    "e4m3fn": "8-bit floats",
    "e5m2": "8-bit floats",
    "int4": "4-bit integers",
    "int2": "2-bit integers",
    "float4": "4-bit floats",
    "_bf16": "bfloat16, rounded after every step",
    "INT4": "4-bit integers",
    "INT2": "2-bit integers",
    "FLOAT4": "4-bit floats",
}

TYPES = {
    "float32": np.float32,
    "float64": np.float64,
    "float16": np.float16,
    "uint8": np.uint8,
    "int8": np.int8,
    "uint16": np.uint16,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "bool": np.bool_,
}


def bind_constants(model, inputs):
    """The model with side inputs as initializers, and what is left of the inputs."""
    node = model.graph.node[0]
    first = CONSTANT_FROM.get(node.op_type)
    left, keep = [], []
    for info, x in zip(list(model.graph.input), inputs):
        i = list(node.input).index(info.name) if info.name in node.input else 0
        if (
            i >= first
            if first is not None
            else i > 0
            and (info.name == "shape" or (np.issubdtype(x.dtype, np.integer) and node.op_type == "Gather"))
        ):
            model.graph.initializer.append(numpy_helper.from_array(x, info.name))
        else:
            keep.append(info)
            left.append(x)
    del model.graph.input[:]
    model.graph.input.extend(keep)
    return left


def run_tool(tool, model_path, inputs, work):
    files = []
    for i, x in enumerate(inputs):
        files.append(os.path.join(work, f"in{i}.raw"))
        np.ascontiguousarray(x).tofile(files[-1])
    done = subprocess.run([tool, model_path, work, *files], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()[:400]}")
    out = []
    for i, line in enumerate(done.stdout.splitlines()):
        kind, shape = line.split()
        dims = [] if shape == "scalar" else [int(d) for d in shape.split("x")]
        if kind == "bfloat16":
            raw = np.fromfile(os.path.join(work, f"{i}.raw"), np.uint16).astype(np.uint32) << 16
            out.append(raw.view(np.float32).reshape(dims))
        else:
            out.append(np.fromfile(os.path.join(work, f"{i}.raw"), TYPES[kind]).reshape(dims))
    return out


# What the compiler says of networks that only the reference runs.
REFUSALS = ("the runtime", "not supported yet in programs", "is not a float constant")


class NotInRuntime(Exception):
    """The reference executor has it, the runtime says that it does not."""


def run_cli(cli, runtime, model_path, inputs, names, work):
    args = []
    for i, x in enumerate(inputs):
        np.save(os.path.join(work, f"in{i}.npy"), x)
        args += ["--input", os.path.join(work, f"in{i}.npy")]
    where = [] if runtime else ["--reference"]
    done = subprocess.run(
        [cli, "run", model_path, *where, *args, "--output-dir", work], capture_output=True, text=True
    )
    if done.returncode and runtime and any(words in done.stderr for words in REFUSALS):
        raise NotInRuntime(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()[:400]}")
    return [widened(np.load(os.path.join(work, f"{name}.npy"))) for name in names]


def widened(x):
    """bfloat16, which NumPy loads as two raw bytes, as float32."""
    return (x.view(np.uint16).astype(np.uint32) << 16).view(np.float32) if x.dtype.kind == "V" else x


def plain(x):
    """Some tests hold TensorProtos in place of arrays."""
    return numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x


def as_array(x):
    return np.asarray(x, dtype=np.float32) if str(getattr(x, "dtype", "")) == "bfloat16" else np.asarray(x)


def readable(model):
    """A copy whose operator set the reader takes."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for opset in copy.opset_import:
        opset.version = (
            max(OLDEST_OPSET, min(opset.version, NEWEST_OPSET)) if not opset.domain else opset.version
        )
    return copy


def check_output(case, want, got):
    want = as_array(want)
    if want.shape != got.shape:
        raise RuntimeError(f"shape {got.shape}, expected {want.shape}")
    if want.dtype != got.dtype and not str(getattr(want, "dtype", "")).startswith("bfloat16"):
        raise RuntimeError(f"type {got.dtype}, expected {want.dtype}")
    if want.dtype.kind in "biu":
        if not np.array_equal(want, got):
            raise RuntimeError(f"{(want != got).sum()} of {want.size} integers differ")
        return
    want, got = want.astype(np.float64), got.astype(np.float64)
    if not np.allclose(want, got, rtol=max(case.rtol, 1e-3), atol=max(case.atol, 1e-6), equal_nan=True):
        raise RuntimeError(f"differs by up to {np.nanmax(np.abs(want - got)):g}")


def check(case, args, bound):
    names = [o.name for o in case.model.graph.output]
    for inputs, want in case.data_sets:
        model = readable(case.model)
        inputs, want = [plain(x) for x in inputs], [plain(x) for x in want]
        left = bind_constants(model, inputs) if bound else inputs
        if bound and len(left) == len(inputs):
            raise RuntimeError("no side inputs to make constant")
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, "model.onnx")
            onnx.save(model, path)
            got = (
                run_tool(args.tool, path, left, work)
                if args.tool
                else run_cli(args.cli, args.runtime, path, left, names, work)
            )
        if len(want) != len(got):
            raise RuntimeError(f"{len(got)} outputs, expected {len(want)}")
        for w, g in zip(want, got):
            check_output(case, w, g)


def outcome(case, args):
    """(status, why): passed, constant (only with constant side inputs), refused or failed."""
    try:
        check(case, args, False)
        return "passed", ""
    except Exception as problem:  # every test is reported, whatever goes wrong in it
        first = problem
    try:
        check(case, args, True)
        return "constant", str(first)
    except NotInRuntime as problem:
        return "refused", str(problem)
    except Exception as problem:
        return "failed", f"{first}; with constants: {problem}"


def programs(folder, compiler, each=1):
    """Compile `each` tests of every operator into FOLDER/NAME.bin: programs with every instruction and
    function of whole tensors."""
    made, words = {}, []
    for case in node_testcases(None):
        nodes = case.model.graph.node if case.model is not None else []
        if (
            len(nodes) != 1
            or nodes[0].op_type not in OURS
            or nodes[0].domain
            or made.get(nodes[0].op_type, 0) == each
        ):
            continue
        if any(word in case.name for word in UNSUPPORTED):
            continue
        made[nodes[0].op_type] = made.get(nodes[0].op_type, 0) + 1
        model = readable(case.model)
        bind_constants(model, [plain(x) for x in case.data_sets[0][0]])
        words += [os.path.join(folder, case.name + ".onnx"), os.path.join(folder, case.name + ".bin")]
        onnx.save(model, words[-2])
    subprocess.run([compiler, *words], check=True)
    for path in words[::2]:
        os.remove(path)


def networks(args):
    """The whole networks that the onnx package ships: input counting up from 0 to 1, as its own runner makes
    it."""
    failed = []
    folder = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"
    paths = [
        p
        for p in sorted(folder.glob("light_*.onnx"))
        if not args.names or any(n in p.name for n in args.names)
    ]
    for path in paths:
        model = onnx.load(path)
        want = numpy_helper.to_array(onnx.load_tensor(path.with_name(path.stem + "_output_0.pb")))
        constants = {t.name for t in model.graph.initializer}
        shape = [
            [d.dim_value for d in i.type.tensor_type.shape.dim]
            for i in model.graph.input
            if i.name not in constants
        ][0]
        x = (np.arange(np.prod(shape), dtype=np.float32) / np.prod(shape)).reshape(shape)
        with tempfile.TemporaryDirectory() as work:
            try:
                got = run_cli(
                    args.cli,
                    args.runtime,
                    str(path),
                    [x],
                    [model.graph.output[0].name.replace("/", "_")],
                    work,
                )[0]
                if got.shape != want.shape or not np.allclose(got, want, rtol=1e-3, atol=1e-5):
                    raise RuntimeError(
                        f"shape {got.shape}, wants {want.shape}; differs by up to {np.abs(got - want).max():g}"
                    )
            except Exception as problem:  # every network is reported
                failed.append(path.name)
                print(f"FAIL {path.name}: {problem}")
    print(f"{len(paths) - len(failed)} passed, 0 skipped, 0 not in the runtime, {len(failed)} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool")
    parser.add_argument("--cli")
    parser.add_argument("--runtime", action="store_true", help="with --cli: compiled, on the runtime")
    parser.add_argument("--networks", action="store_true", help="the light_* networks")
    parser.add_argument("--json", action="store_true", help="print what became of every test as JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is skipped")
    parser.add_argument("names", nargs="*", help="only tests whose name contains one of these")
    parser.add_argument("--programs", metavar="FOLDER", help="compile one test of every operator")
    args = parser.parse_args()
    if args.programs:
        os.makedirs(args.programs, exist_ok=True)
        return programs(args.programs, args.tool)
    if args.networks:
        return networks(args)
    results = []
    for case in node_testcases(None):
        nodes = case.model.graph.node if case.model is not None else []
        if len(nodes) != 1 or nodes[0].op_type not in OURS or nodes[0].domain:
            continue
        if args.names and not any(n in case.name for n in args.names):
            continue
        status, why = (
            "passed",
            next(
                (
                    why
                    for word, why in UNSUPPORTED.items()
                    if word in case.name and "zero_ratio" not in case.name
                ),
                "",
            ),
        )
        if why:
            status = "skipped"
        else:
            status, why = outcome(case, args)
        results.append({"name": case.name, "op": nodes[0].op_type, "status": status, "why": why})
        if status == "failed" or (args.verbose and status != "passed"):
            print(f"{'FAIL' if status == 'failed' else status} {case.name}: {why}")
    if args.json:
        print(json.dumps(results))
        return 0
    words = {"passed": "passed", "constant": "with constant side inputs", "skipped": "skipped",
             "refused": "not in the runtime", "failed": "failed"}
    count = {s: sum(r["status"] == s for r in results) for s in words}
    print(", ".join(f"{count[s]} {word}" for s, word in words.items()))
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
