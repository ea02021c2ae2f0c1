#!/usr/bin/env python3
"""Measure `vernier convert` on one CPU against the quantizers of other tools: CPU seconds and peak memory.

    .venv-bench/bin/python bench/convert.py [--model NAME]... [--resume] [--table]

Each gets the same float network and the same samples. `max` is compared with onnxruntime's quantize_static
(MinMax), `default` with NNCF's accurate bias correction. What a sample takes is the slope between few and
many. Results go into bench/convert.csv; docs/benchmarks.md explains them.
"""
import argparse
import csv
import datetime
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import bench
import cache
import quantizers
import table
from engines import ENGINES, Cell, reason
from networks import NETWORKS, featuremaps, sm, write_samples

RESULTS = Path(__file__).with_name("convert.csv")
COLUMNS = ("model", "job", "samples", "compared", "seconds", "peak_mb", "note", "date", "revision",
           "versions")
SAMPLES, FEW, MOST = 32, 10, 1000
RUNNING = 2.0  # many samples: as many as the float network runs in so many seconds, FEW * 5 to MOST
LIMIT = 900  # seconds for one job
TYPES = {"vernier max": "'max'", "vernier default": "'default'"}
PEERS = {"onnxruntime minmax": "onnxruntime.quantization", "nncf accurate": "nncf"}  # what it imports
RATIOS = {  # name: what is divided by what
    "max / minmax": lambda v: over(v.job("onnxruntime minmax"), v.job("vernier max")),
    "default / accurate": lambda v: over(v.job("nncf accurate"), v.job("vernier default")),
    "collecting / float run": lambda v: over(v.collecting(), v.job("float run")),
    "tables / runs": lambda v: over(v.tables(), v.both_runs()),
    "memory": lambda v: over(v.memory(v.many()), v.memory(FEW)),
}


# ---- samples: SAMPLES files for each input, or links to them ----

def sample_folders(folder):
    return sorted((folder / "samples").iterdir(), key=lambda p: int(p.name))


def data(network, n):
    """A folder of n samples for each input."""
    def make_files(folder):
        write_samples(folder, network.network.sample([list(x.shape) for x in network.test()], SAMPLES + 1))

    def make_links(folder):
        for source in sample_folders(files):
            to = folder / "samples" / source.name
            to.mkdir(parents=True)
            names = sorted(source.iterdir())
            for i in range(n):
                (to / f"{i:04}.npy").symlink_to(names[i % SAMPLES])

    files = cache.fill(cache.entry(network.folder, "data", SAMPLES), make_files)
    return sample_folders(cache.fill(cache.entry(network.folder, f"data{n}", SAMPLES), make_links))


def load(network, n):
    folders = [sorted(f.iterdir()) for f in data(network, n)]
    return [dict(zip(network.inputs, map(np.load, files))) for files in zip(*folders)]


# ---- one job ----

def peak_memory(pid, before):
    """In MB, so far: rusage would count the memory of this process at its fork."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
        return int(next(x for x in text.splitlines() if x.startswith("VmHWM")).split()[1]) / 1024
    except (OSError, StopIteration):  # it has ended
        return before


def run(command):
    """(CPU seconds, peak memory in MB, what it printed) of a process."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=subprocess.STDOUT)
        end, peak = time.monotonic() + LIMIT, 0
        while True:
            peak = peak_memory(process.pid, peak)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                process.kill()
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode:
        late = time.monotonic() > end
        raise RuntimeError(f"longer than {LIMIT} s" if late else reason(text, process.returncode))
    return usage.ru_utime + usage.ru_stime, peak, text


def ours(network, job, samples, compared):
    """`convert` from the float network to all its products."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        calibration = {"calibration_type": TYPES[job],
                       "cal_data_dir": f"'{';'.join(map(str, data(network, samples)))}'"}
        config = sm.write_yaml(folder / "m.yaml", network.float, working_dir=folder / "out",
                               inputs=featuremaps(network.inputs), calibration=calibration)
        return run([sm.VERNIER, "convert", "-c", config, "--compare", compared, "--accept-data",
                    "--min-cosine", -1, "--log", "none"])[:2]


def theirs(network, job, samples, compared):
    """A quantizer, from the float network to its int8 file; importing it does not count."""
    data(network, samples)
    seconds, peak, text = run([sys.executable, __file__, "--quantize", job, network.name, samples])
    return json.loads(text.splitlines()[-1]), peak


def quantize(job, name, samples):
    network = NETWORKS[name].prepare()
    importlib.import_module(PEERS[job])
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        quantizers.quantize(job, network.float, load(network, int(samples)), folder,
                            network.network.transformer)
    print(json.dumps(time.process_time() - start))


def cpu_of(process):
    """CPU seconds so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def of_a_run(network, kind):
    """CPU seconds of a run of our float or int8 program."""
    cell = Cell(ENGINES[f"vernier {kind}"], network).prepare()
    if cell.reason:
        raise RuntimeError(cell.reason)
    session = cell.open()
    runs = max(3, int(RUNNING / min(session.run(5)) * 1e9))
    before = cpu_of(session.process)
    session.run(runs)  # and one that is not timed
    seconds = (cpu_of(session.process) - before) / (runs + 1)
    session.close()
    return seconds


def attempt(rows, common, job, function, samples="", compared=""):
    row = {"job": job, "samples": samples, "compared": compared, **common}
    try:
        seconds, peak = function()
        row.update(seconds=round(seconds, 6), peak_mb=round(peak, 1) if peak else "")
    except RuntimeError as e:
        row["note"] = str(e)
    rows.append(row)
    print(f"{common['model']}, {job}, {samples} samples: {row.get('seconds', row.get('note'))}",
          file=sys.stderr, flush=True)
    return row.get("seconds")


def measure(network, common):
    """The rows of one network."""
    rows = []
    run_seconds = attempt(rows, common, "float run", lambda: (of_a_run(network, "float"), None))
    attempt(rows, common, "int8 run", lambda: (of_a_run(network, "int8"), None))
    many = max(FEW * 5, min(MOST, int(RUNNING / run_seconds))) if run_seconds else SAMPLES
    for job in TYPES:
        attempt(rows, common, job, lambda j=job: ours(network, j, SAMPLES, 0), SAMPLES, 0)
    for job in PEERS:
        attempt(rows, common, job, lambda j=job: theirs(network, j, SAMPLES, 0), SAMPLES, 0)
    for s, c in ((FEW, 1), (many, 1), (FEW, FEW), (many, many)):
        attempt(rows, common, "slope", lambda s=s, c=c: ours(network, "vernier max", s, c), s, c)
    return rows


# ---- what it says ----

def over(a, b):
    return a / b if a and b else None


class View:
    """The numbers of one network."""

    def __init__(self, rows):
        self.rows = [r for r in rows if r["seconds"] not in (None, "")]
        self.slopes = {(int(r["samples"]), int(r["compared"])): r for r in self.rows if r["job"] == "slope"}

    def job(self, name):
        return next((float(r["seconds"]) for r in self.rows if r["job"] == name), None)

    def both_runs(self):
        times = self.job("float run"), self.job("int8 run")
        return sum(times) if all(times) else None

    def many(self):
        return max((s for s, _ in self.slopes), default=0)

    def seconds(self, samples, compared):
        r = self.slopes.get((samples, compared))
        return float(r["seconds"]) if r else None

    def memory(self, samples):
        r = self.slopes.get((samples, samples))
        return float(r["peak_mb"]) if r else None

    def slope(self, a, b):
        """Seconds for each sample more."""
        n, low, high = self.many(), self.seconds(*a), self.seconds(*b)
        return (high - low) / (n - FEW) if low and high and n > FEW else None

    def collecting(self):
        return self.slope((FEW, 1), (self.many(), 1))

    def tables(self):
        both = self.slope((FEW, FEW), (self.many(), self.many()))
        return both - self.collecting() if both and self.collecting() else None


def show(rows):
    lines = [["model", *TYPES, *PEERS, "float ms", "int8 ms", "collecting ms", "tables ms", "MB", *RATIOS]]
    ratios = []
    for model, group in table.by_model(rows).items():
        v = View(group)
        ms = lambda s: table.number(s and s * 1e3)
        ratios.append([f(v) for f in RATIOS.values()])
        lines.append([model, *(table.number(v.job(j)) for j in (*TYPES, *PEERS)),
                      *map(ms, (v.job("float run"), v.job("int8 run"), v.collecting(), v.tables())),
                      table.number(v.memory(v.many()), "{:.0f}"), *map(table.number, ratios[-1])])
    means = [table.geomean(x for x in column if x) for column in zip(*ratios)]
    lines.append(["geometric mean", *[""] * (len(lines[0]) - len(RATIOS) - 1), *map(table.number, means)])
    print(f"CPU seconds of {SAMPLES} samples, and what each sample more takes\n\n{table.align(lines)}\n")
    print("\n".join(f"{r['model']}, {r['job']}: {r['note']}" for r in rows if r.get("note")))


def read():
    if not RESULTS.exists():
        return []
    with open(RESULTS, newline="") as f:
        return list(csv.DictReader(f))


def write(rows):
    rows = sorted(rows, key=lambda r: list(NETWORKS).index(r["model"]))
    with open(RESULTS, "w", newline="") as f:
        w = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        w.writeheader()
        w.writerows(rows)
    return rows


def arguments():
    shared = [n.name for n in NETWORKS.values() if n.file]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", action="append", choices=list(NETWORKS), metavar="NAME",
                   help="only this one (default: the shared models)")
    p.add_argument("--resume", action="store_true", help="skip networks measured at this revision")
    p.add_argument("--table", action="store_true", help="measure nothing: print the table of the CSV file")
    p.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    a = p.parse_args()
    a.model = a.model or shared
    return a


def main():
    if sys.argv[1:2] == ["--quantize"]:
        return quantize(*sys.argv[2:])
    a, rows = arguments(), read()
    versions = {k: v for e in ENGINES.values() if e.kind == "int8" for k, v in e.versions().items()}
    os.sched_setaffinity(0, {a.cpu})
    now = {"date": datetime.date.today().isoformat(), "revision": bench.revision()}
    done = {r["model"] for r in rows if a.resume and r["revision"] == now["revision"]}
    for name in a.model if not a.table else []:
        if NETWORKS[name].missing() or name in done:
            print(f"{name}: {NETWORKS[name].missing() or 'measured before'}", file=sys.stderr)
            continue
        new = measure(NETWORKS[name].prepare(), {**now, "model": name, "versions": bench.words(versions)})
        rows = write([r for r in rows if r["model"] != name] + new)
    show([r for r in rows if r["model"] in a.model])


if __name__ == "__main__":
    main()
