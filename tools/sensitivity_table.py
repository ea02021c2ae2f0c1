#!/usr/bin/env python3
"""Time, memory and equality of `vernier debug sensitivity`, all nodes, 10 samples, one thread.

    sensitivity_table.py [--vernier P] [--only NETWORK] [--every K] [--json FILE] [--write]
    sensitivity_table.py --merge FILE... [--write]          the table of results that --json wrote

Each network is converted with 10 of its images. *Equal*: every K-th node (default: about eight) against
tests/oracle/sensitivity_reference.py, which makes a model for each node and runs it as a whole, to 1e-6.
*Limit*: with --memory at what one thread requires, two threads are asked for and the rows are the same; with
1 MiB less, nothing runs. --write: the table of docs/debug.md. Requires the shared models and images
(VERNIER_SHARED), NumPy, Pillow and onnx. Exit status: 0 all are equal and within their limits, 1 not.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import page_parts
import planted_cases

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/debug.md"
REFERENCE = ROOT / "tests/oracle/sensitivity_reference.py"
NETWORKS = {"resnet20": 10, "mobilenet": 10, "lprnet": 10, "segformer": 60}  # seconds that it may take
SAMPLES, CHECKED = 10, 8


def used():
    """Processor seconds of the programs that ran: of one thread, what they take on an idle machine."""
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + u.ru_stime


def measure(program, model, *options):
    words = [program, "debug", "sensitivity", model, model.parent / "calibration_data", "--samples", SAMPLES,
             "--json", *options]
    begin = used()
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    return used() - begin, json.loads(done.stdout) if done.returncode == 0 else None


def calibrated(program, network, folder):
    planted_cases.CALIBRATION, planted_cases.HELD_OUT = SAMPLES, 0
    planted_cases.make({"network": network, "seed": "1", "faults": "healthy"}, folder)
    text = (folder / "net.yaml").read_text()
    (folder / "net.yaml").write_text(text.replace("model_parameters:",
                                                  "model_parameters:\n  debug_mode: 'dump_calibration_data'"))
    subprocess.run([program, "convert", "-c", "net.yaml", "--log", "none"], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    return folder / "out/net_calibrated_model.onnx"


def examine(program, network, every, folder):
    model = calibrated(program, network, folder)
    seconds, found = measure(program, model)
    nodes, mib = len(found["rows"]), -(-found["working_bytes"] // (1 << 20))
    every = every or max(nodes // CHECKED, 1)
    equal = subprocess.run([sys.executable, REFERENCE, model, model.parent / "calibration_data", "--samples",
                            "1", "--every", str(every), "--how", "runtime"],
                           env={**os.environ, "VERNIER": str(program)}, capture_output=True, check=False)
    _, limited = measure(program, model, "--memory", mib, "--threads", 2)
    _, too_little = measure(program, model, "--memory", mib - 1) if mib > 1 else (0, None)
    return {"network": network, "nodes": nodes, "seconds": seconds, "allowed": NETWORKS[network], "mib": mib,
            "checked": -(-nodes // every), "equal": equal.returncode == 0,
            "limit": bool(limited) and limited["rows"] == found["rows"] and too_little is None}


def table(results):
    word = {True: "yes", False: "no"}
    return "\n".join([
        "| network | nodes | processor seconds | at most | MiB | equal to 1e-6 | same within the limit |",
        "|---|---|---|---|---|---|---|",
        *(f"| {r['network']} | {r['nodes']} | {r['seconds']:.1f} | {r['allowed']} | {r['mib']} | "
          f"{word[r['equal']]} ({r['checked']} nodes) | {word[r['limit']]} |" for r in results)])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--vernier", default=ROOT / "build/vernier", type=pathlib.Path)
    a.add_argument("--only", default="")
    a.add_argument("--every", type=int)
    a.add_argument("--json", type=pathlib.Path)
    a.add_argument("--merge", nargs="+", type=pathlib.Path)
    a.add_argument("--write", action="store_true")
    o = a.parse_args()
    results = [r for file in o.merge or [] for r in json.loads(file.read_text())]
    for network in [] if o.merge else NETWORKS:
        if o.only in network:
            with tempfile.TemporaryDirectory() as folder:
                results.append(examine(o.vernier.resolve(), network, o.every, pathlib.Path(folder)))
    if o.json:
        o.json.write_text(json.dumps(results, indent=1))
    if o.write:
        text = page_parts.replaced(PAGE, "sensitivity_table.py", sensitivity=table(results))
        page_parts.settle(PAGE, text, "sensitivity_table.py")
    print(table(results))
    return 0 if all(r["equal"] and r["limit"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
