#!/usr/bin/env python3
"""Measure networks on one thread against onnxruntime, OpenVINO and ncnn: our int8, int16 and float programs,
their float sessions, and int8 models made by their own quantizers.

    ./dev bench [--model NAME]... [--engine NAME]... [--rounds N] [--seconds S] [--json]

All get the same float network, calibration samples and float input, and give float outputs. They run in turns
(A B C D A B C D ...), pinned to one CPU, so that a busy machine affects all of them. Each turn is one run
that is not timed and a few that are. Medians go into bench/results.csv; docs/benchmarks.md explains them.
"""
import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import cache
import table
from engines import ABSENT, ENGINES, Cell, OnnxruntimeSession
from networks import DUPLICATES, NETWORKS, sm

RESULTS = Path(__file__).with_name("results.csv")
TURN = 10e6  # nanoseconds that the timed runs of a turn should take together, within 1 to MOST runs
MOST, MIN_ROUNDS = 20, 5


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def output(*command):
    return subprocess.run(command, cwd=cache.ROOT, capture_output=True, text=True).stdout.strip()


def revision():
    """The last commit that changed what is measured, with + where the tree differs from it."""
    measured = "src", "include", "targets"
    dirty = output("git", "status", "--porcelain", "--untracked-files=no", *measured)
    return output("git", "log", "-1", "--abbrev=10", "--format=%h", "--", *measured) + ("+" if dirty else "")


def interleave(sessions, rounds, seconds):
    """{name: nanoseconds of each timed run}: --rounds turns each, fewer where `seconds` are over before."""
    repeat = {}
    for name, s in sessions.items():
        once = statistics.median(s.run(3))
        repeat[name] = max(1, min(MOST, round(TURN / once)))
    times, end = {name: [] for name in sessions}, time.monotonic() + seconds
    for i in range(rounds):
        if i >= MIN_ROUNDS and time.monotonic() > end:
            break
        for name, s in sessions.items():
            times[name] += s.run(repeat[name])
    return times


def float_outputs(network):
    """What everything is compared with, as onnxruntime computes it."""
    def make(folder):
        session = OnnxruntimeSession(network, network.float)
        np.savez(folder / "outputs.npz", *session.outputs())
        session.close()
    folder = cache.fill(cache.entry(network.folder, "reference", network.hashes), make)
    with np.load(folder / "outputs.npz") as z:
        return [z[k].ravel().astype(np.float64) for k in z.files]


def compare(cell, reference):
    """The columns cosine, sqnr_db and note of an engine's outputs."""
    outputs = [o.ravel().astype(np.float64) for o in cell.outputs()]
    found = table.agreement(outputs, reference)
    if not found:
        sizes = [[len(x) for x in xs] for xs in (outputs, reference)]
        return {"note": f"outputs of {sizes[0]} elements, expected {sizes[1]}: its time does not count"}
    cosine, sqnr = found
    least = table.TRUST[cell.engine.kind]
    note = f"cosine {cosine:.4f} to float, expected at least {least}: its time does not count"
    return {"cosine": round(cosine, 6), "sqnr_db": round(sqnr, 2), "note": note if cosine < least else ""}


def measure(network, engines, args, common):
    """The rows of one network."""
    cells = {e.name: Cell(e, network).prepare() for e in engines}
    reference = float_outputs(network)
    os.sched_setaffinity(0, {args.cpu})
    sessions = {name: c.open() for name, c in cells.items() if not c.reason}
    times = interleave(sessions, args.rounds, args.seconds)
    for s in sessions.values():
        s.close()
    rows = []
    for name, c in cells.items():
        row = {"model": network.name, "engine": name, "versions": words(c.engine.versions()), **common}
        if c.reason:
            row["note"] = c.reason
        else:
            ms = [ns / 1e6 for ns in times[name]]
            row.update(median_ms=round(statistics.median(ms), 4), min_ms=round(min(ms), 4), runs=len(ms),
                       **compare(c, reference))
        rows.append(row)
    return rows


def words(versions):
    return " ".join(f"{k}={v}" for k, v in versions.items() if k != "vernier")


def load_time():
    """Time to load resnet50's int8 program, as text; None where it cannot be prepared."""
    network = NETWORKS["resnet50"]
    cell = None if network.missing() else Cell(ENGINES["vernier int8"], network.prepare()).prepare()
    if not cell or cell.reason:
        return None
    session = cell.open()
    ms = [ns / 1e6 for ns in session.load(50)]
    session.close()
    return (f"load time of resnet50's program ({cell.artefact.stat().st_size / 1e6:.1f} MB): "
            f"median {statistics.median(ms):.2f} ms, least {min(ms):.2f} (goal: 5)")


def library_size():
    """Size of the runtime library, as text; None where there is no such file."""
    library = sm.VERNIER.parent / "libvernier-rt.a"
    if not library.exists() or not shutil.which("strip"):
        return None
    with tempfile.TemporaryDirectory() as tmp:
        out = Path(tmp) / library.name
        subprocess.run(["strip", "--strip-unneeded", "-o", out, library], check=True)
        text, data, bss = map(int, output("size", "-t", str(out)).splitlines()[-1].split()[:3])
        return (f"runtime library, static and stripped: {out.stat().st_size / 1e3:.0f} KB (goal: 600), "
                f"of which code and data {(text + data + bss) / 1e3:.0f} KB")


def list_all():
    for n in NETWORKS.values():
        print(f"model   {n.name:20} {n.missing() or n.file or 'torchvision, random weights'}")
    for name, why in DUPLICATES.items():
        print(f"model   {name:20} not measured: {why}")
    for e in ENGINES.values():
        print(f"engine  {e.name:20} {e.missing() or words(e.versions()) or 'this build'}")
    for name, why in ABSENT.items():
        print(f"engine  {name:20} not measured: {why}")


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = p.add_argument
    add("--model", action="append", choices=list(NETWORKS), metavar="NAME", help="only this one (see --list)")
    add("--engine", action="append", choices=list(ENGINES), metavar="NAME", help="as in 'vernier int8'")
    add("--rounds", type=int, default=50, help="turns of each engine (default 50)")
    add("--seconds", type=float, default=20,
        help=f"for each model; beyond it no more turns, but at least {MIN_ROUNDS} (default 20)")
    add("--resume", action="store_true", help="skip networks of which all is measured at this revision")
    add("--cpu", type=int, default=max(os.sched_getaffinity(0)),
        help="the CPU to run on (default: the last one allowed)")
    add("--prepare", action="store_true", help="only quantize and convert what is not there yet")
    add("--retry", action="store_true", help="with --prepare: try again what failed")
    add("--results", type=Path, default=RESULTS,
        help="CSV file (default bench/results.csv); rows of other models stay")
    add("--table", action="store_true", help="measure nothing: print the tables of the CSV file")
    add("--json", action="store_true", help="print the rows as JSON")
    add("--list", action="store_true", help="print models and engines, and exit")
    return p.parse_args()


def prepare_all(models, engines, retry):
    for n in models:
        if n.missing():
            print(f"{n.name}: {n.missing()}")
            continue
        network = n.prepare()
        for e in engines:
            c = Cell(e, network).prepare(retry)
            print(f"{n.name}, {e.name}: {c.reason or f'ready, {c.seconds} s'}", flush=True)


def show(rows, as_json):
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    used = [e for e in ENGINES if any(r["engine"] == e for r in rows)]
    print("Median times in ms on one thread; ratios above 1: ours is faster\n")
    print(table.times(rows, used))
    print("\nSQNR in dB (cosine) of the least similar output, against onnxruntime's float32\n")
    print(table.fidelity(rows, used))
    print("\nNotes\n" + table.notes(rows))


def measure_all(models, engines, a, rows):
    """Rows with those of the measured networks replaced; written after each of them."""
    common = {"date": datetime.date.today().isoformat(), "revision": revision(), "cpu": cpu_name(),
              "command": f"bench.py --rounds {a.rounds} --seconds {a.seconds:g}"}
    for n in models:
        known = {r["engine"] for r in rows if r["model"] == n.name and r["revision"] == common["revision"]}
        if n.missing() or (a.resume and known.issuperset(e.name for e in engines)):
            print(f"{n.name}: skipped, {n.missing() or 'measured before'}", file=sys.stderr)
            continue
        rows = table.merge(rows, measure(n.prepare(), engines, a, common), NETWORKS, ENGINES)
        table.write(a.results, rows)
    return rows


def main():
    a = arguments()
    models = [n for n in NETWORKS.values() if not a.model or n.name in a.model]
    engines = [e for e in ENGINES.values() if not a.engine or e.name in a.engine]
    if a.list:
        return list_all()
    if a.prepare:
        return prepare_all(models, engines, a.retry)
    rows = table.read(a.results)
    if not a.table:
        rows = measure_all(models, engines, a, rows)
    wanted = {n.name for n in models}, {e.name for e in engines}
    show([r for r in rows if r["model"] in wanted[0] and r["engine"] in wanted[1]], a.json)
    if not a.json and not a.table:
        print("\n" + "\n".join(filter(None, (load_time(), library_size()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
