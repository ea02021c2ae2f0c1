#!/usr/bin/env python3
"""Measure what all-int16 loses on data that calibration has not seen, and which tensors lose it.

    .venv-bench/bin/python tools/int16_table.py [--only NETWORK]... [--json FILE] [--write]

Each network of bench/accuracy.py is converted with `max` and `set_all_nodes_int16` and compared with float on
its test samples. Where an output's SQNR is below 60 dB, the tensors (activations and weights) whose rounding
alone costs most follow, with their share in the noise of all that are rounded one at a time (`debug
sensitivity`, 4 of the samples).

--write: the table of docs/benchmarks.md. Requires the shared models (VERNIER_SHARED).
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import page_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/benchmarks.md"
sys.path.insert(0, str(ROOT / "bench"))
import accuracy  # noqa: E402
import numpy as np  # noqa: E402
from networks import sm  # noqa: E402

GOAL, SAMPLES, SHOWN = 60, 4, 3


def rounded(kind, model, folder):
    """Noise over signal of each tensor that is rounded alone, by name."""
    done = subprocess.run([sm.VERNIER, "debug", "sensitivity", model, folder, "--node-type", kind,
                           "--samples", str(SAMPLES), "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    rows = json.loads(done.stdout)["rows"]
    noise = lambda r: 0 if r["sqnr"] is None else 10 ** (-r["sqnr"] / 10)
    return {r["node"].removesuffix("_HzCalibration"): noise(r) for r in rows}


def worst_tensors(subject, out):
    folders = subject.folders("test")
    samples = folders[0] if len(folders) == 1 else folders[0].parent
    noise = {}
    for kind in ("activation", "weight"):
        noise |= rounded(kind, out / "m_calibrated_model.onnx", samples)
    total = sum(noise.values())
    order = [n for n in sorted(noise, key=noise.get, reverse=True)[:SHOWN] if noise[n]]
    return [{"name": n, "sqnr": -10 * np.log10(noise[n]), "share": noise[n] / total} for n in order]


def measure(name):
    subject = accuracy.SUBJECTS[name]
    prepared = subject.prepare()
    reference = accuracy.run_onnx(prepared.float, prepared, subject.read("test", prepared.inputs))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        path, *_ = accuracy.ours("vernier int16", prepared, subject, folder)
        _, least, cosine = accuracy.fidelity(reference, accuracy.outputs_of(path, prepared, subject))
        row = {"network": name, "sqnr": least, "cosine": cosine, "tensors": []}
        if least < GOAL:
            row["tensors"] = worst_tensors(subject, path.parent)
    print(row, file=sys.stderr, flush=True)
    return row


def table(rows):
    lines = ["| network | least SQNR, dB | worst cosine | tensor | alone, dB | share of the noise |",
             "|---|---|---|---|---|---|"]
    for r in rows:
        first = f"| {r['network']} | {r['sqnr']:.1f} | {r['cosine']:.5f} |"
        for t in r["tensors"]:
            name = t["name"].split(";")[0]
            lines.append(f"{first} `{name}` | {t['sqnr']:.1f} | {100 * t['share']:.0f} % |")
            first = "| | | |"
        if not r["tensors"]:
            lines.append(f"{first} | | |")
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", action="append", choices=list(accuracy.SUBJECTS), metavar="NETWORK")
    p.add_argument("--json", type=pathlib.Path, help="also write the rows")
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    rows = [measure(n) for n in a.only or accuracy.SUBJECTS]
    if a.json:
        a.json.write_text(json.dumps(rows, indent=1))
    if a.write and not a.only:
        text = page_parts.replaced(PAGE, "int16_table.py", int16=table(rows))
        page_parts.settle(PAGE, text, "int16_table.py")
    print(table(rows))


if __name__ == "__main__":
    main()
