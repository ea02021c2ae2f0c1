#!/usr/bin/env python3
"""Write docs/operators.md: all operators, their versions, where they run, and the results of the ONNX backend
tests.

    operators_docs.py --build BUILD [--check]      BUILD: a build folder with the test programs; --check: exit
    with 1 if the page is out of date

Requires the Python package onnx, whose schemas and tests it reads.
"""
import json
import pathlib
import subprocess
import sys
from collections import Counter

import onnx.defs
import page_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/operators.md"
OLDEST = 7
FORMS = {
    "": "float32",
    "sums": "int8, int16: exact sums",
    "moves": "int8, int16: moved",
    "table": "int8, int16: table",
    "own": "int8, int16",
}
WHERE = {
    "kernel": ("yes", "yes"),
    "constant": ("yes", "becomes a constant"),
    "composite": ("as simpler operators", "as simpler operators"),
}
# Read, but never nodes of the graph: the front end turns them into others.
REWRITTEN = {
    ("Upsample", ""): "Resize",
    ("Scatter", ""): "ScatterElements",
    ("QLinearConv", ""): "DequantizeLinear, Conv, QuantizeLinear",
    ("QLinearMatMul", ""): "DequantizeLinear, MatMul, QuantizeLinear",
    ("QLinearAdd", "com.microsoft"): "DequantizeLinear, Add, QuantizeLinear",
    ("QLinearMul", "com.microsoft"): "DequantizeLinear, Mul, QuantizeLinear",
    ("QLinearGlobalAveragePool", "com.microsoft"): "DequantizeLinear, GlobalAveragePool, QuantizeLinear",
    ("FusedConv", "com.microsoft"): "Conv and its activation",
    ("Gelu", "com.microsoft"): "Gelu",
    ("QuantizeLinear", "com.microsoft"): "QuantizeLinear",
    ("DequantizeLinear", "com.microsoft"): "DequantizeLinear",
    ("Constant", ""): "a constant",
}


def versions(name, domain):
    """Of ONNX, from the one that operator set 7 has to the newest."""
    found = sorted(
        {
            s.since_version
            for s in onnx.defs.get_all_schemas_with_history()
            if s.name == name and s.domain == domain
        }
    )
    first = max((v for v in found if v <= OLDEST), default=0)
    return ", ".join(str(v) for v in found if v >= first) if not domain else ""


def backend(build, *how):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", ROOT / "tests/op/backend.py", *how, "--json"],
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def counts(result, name):
    """Passed with all inputs at run time, and with constant side inputs."""
    c = Counter(r["status"] for r in result if r["op"] == name)
    bad = c["failed"] + c["refused"]
    return (f"{c['passed']}" + (f", {bad} fail" if bad else ""), str(c["constant"] or "")) if c else ("", "")


def agreed(reference, runtime):
    """The reference executor's results, where the runtime's are the same; else both are named in the row."""
    return {name: counts(reference, name) if counts(reference, name) == counts(runtime, name) else
            tuple(f"{a} / {b}" for a, b in zip(counts(reference, name), counts(runtime, name)))
            for name in {r["op"] for r in reference + runtime}}


def page(build):
    lines = [
        line.split("\t")
        for line in subprocess.run(
            [build / "tests/opslist"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    ]
    reference = backend(build, "--tool", build / "tests/onnxrun")
    runtime = backend(build, "--cli", build / "vernier", "--runtime")
    tests, rows = agreed(reference, runtime), []
    none = ("", "")
    for name, domain, file, where, form in lines:
        integer = FORMS[form] if where == "kernel" else ""
        rows.append((name, domain, versions(name, domain), *WHERE[where], integer, *tests.get(name, none)))
    for (name, domain), becomes in REWRITTEN.items():
        if name not in [r[0] for r in rows if r[1] == domain]:
            becomes = f"as {becomes}"
            rows.append((name, domain, versions(name, domain), becomes, becomes, "", *tests.get(name, none)))
    rows.sort(key=lambda r: (r[1] == "ai.vernier", r[1], r[0]))
    table = [
        f"| {(d + '.') if d else ''}{n} | {v} | {a} | {b} | {i} | {x} | {y} |"
        for n, d, v, a, b, i, x, y in rows
    ]
    skipped = Counter(r["why"] for r in reference if r["status"] == "skipped")
    total = [Counter(r["status"] for r in result) for result in (reference, runtime)]
    failed = sum(t[s] for t in total for s in ("failed", "refused"))
    passed, constant = ([t[s] for t in total] for s in ("passed", "constant"))
    return (
        f"""# Operators

Made by `tools/operators_docs.py` from the program and the backend tests of onnx {onnx.__version__}.

{len(rows)} operators, operator sets {OLDEST} to {onnx.defs.onnx_opset_version()}. Of their ONNX backend node tests,
{passed[0]} pass as published, with all inputs given at run time, on the reference executor ({passed[1]} compiled,
on the runtime), and {constant[0]} ({constant[1]}) only with side inputs made constant: those that decide the
output's shape (axes, sizes, counts). {failed} fail. Integers must be equal, types as
published. {sum(skipped.values())} are skipped:

| skipped | tests |
|---|---|
"""
        + "\n".join(f"| {why} | {n} |" for why, n in sorted(skipped.items()))
        + f"""

- *versions*: versions of the operator in ONNX; files with any of them are read.
- *reference*, *runtime*: whether the executor supports it.
- *integers*: the form in which it can compute quantized, for the attributes and shapes that the form supports;
  `vernier check` says why a node cannot.
- *tests*: backend node tests passed as published, on both executors (or reference / runtime, where they
  differ); *constant*: passed only with constant side inputs.

**If.** A condition that is constant, or follows from shapes or from `input_value`, leaves one branch. If the
condition is known at run time only, every run computes both branches, and a Where (named after the If)
selects: the time is that of both, and their nodes are listed as `IF/then/NODE` and `IF/else/NODE`. Both
branches must have results of the same shapes.

| operator | versions | reference | runtime | integers | tests | constant |
|---|---|---|---|---|---|---|
"""
        + "\n".join(table)
        + "\n"
    )


def main(argv):
    build = pathlib.Path(argv[argv.index("--build") + 1] if "--build" in argv[:-1] else ROOT / "build")
    return page_parts.settle(PAGE, page(build), "operators_docs.py", "--check" in argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
