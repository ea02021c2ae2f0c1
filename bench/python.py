"""Time that Python adds to a run: vernier.Session.run against the same runs in C, onnxruntime beside it.

    .venv/bin/python bench/python.py NET.bin [NET.onnx]     with PYTHONPATH=build/python

C is what `vernier perf --rounds` measures. Both run in turn, one thread; medians in microseconds.
"""
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import vernier

PROGRAM = os.environ.get("VERNIER", Path(__file__).resolve().parent.parent / "build/vernier")
ROUNDS, RUNS = 7, 500


def in_c(path):
    words = [PROGRAM, "perf", path, "--rounds", str(RUNS), "--json"]
    done = subprocess.run(words, check=True, capture_output=True)
    return json.loads(done.stdout)["median_ms"] * 1000


def median(call):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1000


def feed_of(ports):
    random = np.random.default_rng(0)
    return {p.name: random.integers(0, 256, p.nbytes, np.uint8) if p.type != "featuremap"
            else random.uniform(-1, 1, p.shape).astype(np.float32) for p in ports}


def main(path, source=None):
    with vernier.Session(path) as net:
        feed = feed_of(net.inputs)
        rounds = [(in_c(path), median(lambda: net.run(None, feed))) for _ in range(ROUNDS)]
    c, python = (statistics.median(r[i] for r in rounds) for i in (0, 1))
    print(f"C {c:.1f} us, Python {python:.1f} us, added {statistics.median(b - a for a, b in rounds):.1f} us")
    if source:
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        peer = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        floats = {i.name: np.zeros([d if isinstance(d, int) else 1 for d in i.shape], np.float32)
                  for i in peer.get_inputs()}
        print(f"onnxruntime on {source}: {median(lambda: peer.run(None, floats)):.1f} us")


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) in (2, 3) else sys.exit(__doc__)
