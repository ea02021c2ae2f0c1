#!/usr/bin/env python3
"""Write docs/profiles.md: where the vendor's documentation runs each operator, and where the profiles do.

    profiles_docs.py [--spec FILE]            rewrite the page
    profiles_docs.py --check [--spec FILE]    exit with 1 where it is not what would be written, or where an
                                              operator is apart without a reason

FILE is a digest of the documented operator tables, with the section "ONNX operators"; it is no part of the
repository (default: spec/toolchain.md in $VERNIER_SHARED). Requires PyYAML.
"""
import argparse
import os
import pathlib
import re
import sys

import page_parts
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/profiles.md"
SHARED = pathlib.Path(os.environ.get("VERNIER_SHARED", ROOT.parent / "shared"))
MARCHES = ("bayes-e", "bernoulli2")
INTEGERS, ASKED, FLOAT = "integers", "on request", "CPU"

# Operators that are apart, and why. The key may be "OPERATOR MARCH".
REASONS = {
    "Split": "becomes one Slice, which is in the profile, per output before types are chosen",
    "Upsample": "read as Resize, which is in the profile",
    "LSTM": "stays float32: the state's rounding adds up over the sequence",
    "GridSample": "stays float32: coordinates require more than 16 bits",
    "HardSigmoid bernoulli2": "fused from Add, Clip and Mul, which are in the profile",
}
# What published logs show, beside the tables.
SEEN = ["| activation behind the last convolution | bayes, bayes-e | int16 | CPU | `float_tail`: float32 "
        "loses less; `run_on_bpu` with `set_KIND_output_int16` gives int16 |"]
# Documented limits that no line of a profile states.
UNCHECKED = {
    "Conv": "neighbours decide (a shortcut, the last convolution, dilation against sizes); 3-D volumes",
    "ConvTranspose": "padding against kernel and stride; weights per phase",
    "Gemm": "the size of what follows", "MatMul": "which axes are broadcast",
    "AveragePool": "areas against strides", "MaxPool": "", "Resize": "powers of two; coordinate modes",
}


def split_names(cell):
    cell = re.sub(r"\([^)]*\)", "", cell)
    return [w for w in re.split(r"[,/\s]+", cell) if re.fullmatch(r"[A-Z][A-Za-z0-9]+", w)]


def unit(text):
    """What a cell says of the operators of its row."""
    if re.match(r"CPU by default|BPU only via|CPU; run_on_bpu", text) or text.startswith("as Less"):
        return ASKED
    return FLOAT if text.startswith(("CPU", "idem")) else INTEGERS


def cells_of(names, x5, x3):
    """(operator, documented on X5, on X3, the texts)"""
    some = re.match(r"BPU: (.*)\. Others CPU|(Add: .*)", x3)
    for name in names:
        third = unit(x3)
        if some and some[1]:
            third = INTEGERS if re.search(rf"\b{name}\b", some[1]) else FLOAT
        third = FLOAT if re.search(rf"\b{name} CPU", x3) else third
        for part in x3.split(";") if some and some[2] else ():
            if part.strip().startswith(f"{name}:"):
                third = unit(part.split(":", 1)[1].strip())
        yield name, unit(x5), third


def documented(spec):
    text = spec.read_text()
    table = text[text.index("ONNX operators"):]
    for line in table[:table.index("(LayerNormalization")].splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) != 3 or cells[0] in ("op", "---"):
            continue
        if cells[0].startswith("CPU"):  # a list of operators of the rest
            for name in split_names(cells[1]):
                yield name, FLOAT, FLOAT
            continue
        if " on X5" not in cells[0]:
            yield from cells_of(split_names(cells[0]), *cells[1:])


def profile(name):
    t = yaml.safe_load((ROOT / f"targets/{name}.yaml").read_text())
    base = profile(t["like"]) if "like" in t else {"operators": {}, "float_operators": []}
    return {"operators": base["operators"] | t.get("operators", {}),
            "float_operators": t.get("float_operators", base["float_operators"])}


def placed(p, name):
    there, float_there = name in p["operators"], name in p["float_operators"]
    return ASKED if there and float_there else INTEGERS if there and not float_there else FLOAT


def limits(p, name):
    def text(v):
        return "one of " + ", ".join(map(str, v["one_of"])) if isinstance(v, dict) else f"{v[0]} to {v[1]}"

    op = p["operators"].get(name, {})
    listed = [f"{k} {text(v)}" for k, v in op.get("limits", {}).items()]
    return ", ".join(op.get("types", [])) + (": " if listed else "") + ", ".join(listed)


def reason(name, march):
    return REASONS.get(f"{name} {march}") or REASONS.get(name)


HEAD = """# Constraint profiles

The marches `bayes-e`, `bayes` and `bernoulli2` follow a vendor's documentation of what its accelerators
compute. This page lists each operator of that documentation beside the profile: `integers` (on the
accelerator), `on request` (in float32 unless `run_on_bpu`, `node_info` or `set_..._int8` requests integers),
`CPU` (float32). It is generated by `tools/profiles_docs.py` from the documented tables and `targets/*.yaml`.

`bayes` is `bayes-e` with elementwise operators of 2 to 5 axes and some functions in float32
(`targets/bayes.yaml`). Operators created by fusions (Swish, HardSwish, Gelu, LayerNormalization, ...) follow
their parts.
"""


def rows(spec):
    profiles = {m: profile(m) for m in MARCHES}
    seen = {}
    for name, *units in documented(spec):
        seen.setdefault(name, units)
    for name, units in seen.items():
        yield name, [(m, said, placed(profiles[m], name), limits(profiles[m], name))
                     for m, said in zip(MARCHES, units)]


def page(spec):
    apart, unexplained = [], []
    lines = [HEAD, "| operator | bayes-e documented | profile | bernoulli2 documented | profile |",
             "|---|---|---|---|---|"]
    ours = {m: [] for m in MARCHES}
    for name, sides in rows(spec):
        if all(said == FLOAT == is_ for _, said, is_, _ in sides):
            continue
        lines.append(f"| {name} | " + " | ".join(f"{said} | {is_}" for _, said, is_, _ in sides) + " |")
        for march, said, is_, text in sides:
            if is_ != FLOAT:
                ours[march].append(f"| {name} | {text} | {UNCHECKED.get(name, '')} |")
            if said != is_:
                apart.append(f"| {name} | {march} | {said} | {is_} | {reason(name, march) or ''} |")
                if not reason(name, march):
                    unexplained.append(f"{name} on {march}: {said}, the profile has {is_}")
    lines += ["", "## Differences", "", "| operator | march | documented | profile | reason |",
              "|---|---|---|---|---|", *apart, *SEEN]
    for march in MARCHES:
        lines += ["", f"## Types and limits of {march}", "",
                  "| operator | types: limits | documented but not checked, since it depends on neighbours |",
                  "|---|---|---|", *ours[march]]
    return "\n".join(lines) + "\n", unexplained


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--spec", type=pathlib.Path, default=SHARED / "spec/toolchain.md")
    args = parser.parse_args()
    text, unexplained = page(args.spec)
    for line in unexplained:
        print(f"no reason: {line}", file=sys.stderr)
    return page_parts.settle(PAGE, text, "profiles_docs.py", args.check) or bool(unexplained)


if __name__ == "__main__":
    sys.exit(main())
