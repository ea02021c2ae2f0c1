#!/usr/bin/env python3
"""Measure each convolution of an int8 program beside OpenVINO's profile of its own int8 model; updates
bench/layers.csv.

    .venv-bench/bin/python bench/layers.py [NETWORK]...     (default: resnet50 mobilenet_v2)

One thread. Multiply-accumulates are counted on the float network. The peak is that of a loop of vpdpbusd, as
`vernier perf` measures it in each round. Both profiles are the least times of --rounds rounds in turns: of
single runs of ours, of averages of five of OpenVINO's.
"""
import argparse
import csv
import json
import math
import os
import sys
from collections import defaultdict
from pathlib import Path

import onnx

import bench
import table
from engines import ENGINES, Cell, OpenVINO, OpenVINORequest
from networks import NETWORKS, sm

LARGE = 50e6  # multiply-accumulates from which a convolution should reach GOAL
GOAL = 0.75
RUNS = 9
HALF = 5
TITLES = ("node", "MMAC", "ours us", "GOP/s", "of peak", "OpenVINO us", "GOP/s", "OpenVINO / ours")
RESULTS = Path(__file__).with_name("layers.csv")
COLUMNS = ("model", "node", "mmac", "us", "gop_per_s", "of_peak", "openvino_us", "openvino_gop_per_s",
           "ratio", "peak_gop_per_s", "revision")


def multiply_accumulates(model):
    """{name of a node: multiply-accumulates} of convolutions and products with weights."""
    model = onnx.shape_inference.infer_shapes(model)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
              for v in (*model.graph.value_info, *model.graph.output, *model.graph.input)}
    shapes.update({i.name: list(i.dims) for i in model.graph.initializer})
    counts = {}
    for n in model.graph.node:
        weights = shapes.get(n.input[1]) if len(n.input) > 1 else None
        out = shapes.get(n.output[0])
        if not weights or not out:
            continue
        if n.op_type == "Conv":
            counts[n.name] = math.prod(out) * math.prod(weights[1:])
        elif n.op_type in ("Gemm", "MatMul"):
            counts[n.name] = math.prod(out) * shapes[n.input[0]][-1]
    return counts


def our_profile(artefact, files):
    """[(node, instruction, ms)], and billions of operations a second that this core could do on int8."""
    feeds = [w for f in files for w in ("--input", str(f))]
    out = json.loads(sm.vernier("perf", artefact, *feeds, "--rounds", RUNS, "--profile", "--json").stdout)
    rows = [(p["node"], p["instruction"], p["min_ms"]) for p in out["instructions"]]
    return rows, 2 * (out["peak_gmac_per_s"]["int8"] or 0)


def their_profile(network, artefact):
    """[(set of nodes, type, ms)]; nodes are the network's own, as the compiler kept them. OpenVINO reports
    the average of a session's runs: the second half's follows from that of all and of the first half."""
    session = OpenVINORequest(network, artefact, OpenVINO.config, PERF_COUNT=True)
    names = {op.get_friendly_name(): origin(op) for op in session.compiled.get_runtime_model().get_ops()}
    halves = []
    for _ in range(2):
        session.run(HALF - 1)  # and one that it does not time
        halves.append([(p.node_name, p.node_type, p.real_time.total_seconds() * 1e3)
                       for p in session.request.get_profiling_info()])
    session.close()
    return [(names.get(name, {name}), kind, ms) for name, kind, ms in second_half(*halves) if ms]


def second_half(first, all_runs):
    """Of averages of the first half and of all runs."""
    return [(*line[:2], max(2 * line[2] - before[2], 0)) for before, line in zip(first, all_runs)]


def origin(op):
    """Names of the network's nodes in a layer; its quantizer appends to some."""
    known = "originalLayersNames" in op.rt_info
    text = op.rt_info["originalLayersNames"].value if known else op.get_friendly_name()
    return {name.split("/WithoutBiases")[0] for name in text.split(",")}


def least(profiles):
    """The profile with the least of each line's times."""
    return [(*lines[0][:2], min(line[2] for line in lines)) for lines in zip(*profiles)]


def profile(network, rounds):
    """(ours, theirs, peak), or the reason why there is none."""
    cells = [Cell(ENGINES[name], network).prepare() for name in ("vernier int8", "openvino int8")]
    for c in cells:
        if c.reason:
            sys.exit(f"{network.name}, {c.engine.name}: {c.reason}")
    ours, theirs, peaks = [], [], []
    for _ in range(rounds):
        rows, peak = our_profile(cells[0].artefact, network.test_files())
        ours.append(rows)
        peaks.append(peak)
        theirs.append(their_profile(network, cells[1].artefact))
    return least(ours), least(theirs), max(peaks)


def layers(counts, ours, theirs, top):
    """Rows of the nodes that multiply: numbers by column."""
    of = lambda profile, has: sum(ms for name, kind, ms in profile if has(name, kind))
    for node, count in counts.items():
        mine = of(ours, lambda name, kind: name == node and kind not in ("COPY", "QUANTIZE", "DEQUANTIZE"))
        other = of(theirs, lambda names, kind: node in names)
        speed = lambda ms: 2 * count / ms * 1e-6 if ms else 0
        yield {"node": node, "mmac": round(count / 1e6, 2), "us": round(mine * 1e3, 1),
               "gop_per_s": round(speed(mine), 1), "of_peak": round(speed(mine) / top, 3) if top else "",
               "openvino_us": round(other * 1e3, 1), "openvino_gop_per_s": round(speed(other), 1),
               "ratio": round(other / mine, 3) if mine and other else ""}


def is_slow(r):
    return r["mmac"] * 1e6 >= LARGE and r["of_peak"] != "" and r["of_peak"] < GOAL


def line(r):
    share = "-" if r["of_peak"] == "" else f"{r['of_peak']:.0%}{' <' if is_slow(r) else ''}"
    return [r["node"], f"{r['mmac']:.1f}", f"{r['us']:.1f}", f"{r['gop_per_s']:.0f}", share,
            f"{r['openvino_us']:.1f}", f"{r['openvino_gop_per_s']:.0f}", table.number(r["ratio"] or None)]


def kinds(profile):
    """Time by instruction or type of layer, longest first."""
    sums = defaultdict(float)
    for _, kind, ms in profile:
        sums[kind] += ms
    total = sum(sums.values())
    longest = sorted(sums.items(), key=lambda k: -k[1])
    return ", ".join(f"{kind} {ms:.3f} ms ({ms / total:.0%})" for kind, ms in longest if ms)


def report(network, rounds):
    """Prints the table of a network; its rows."""
    counts = multiply_accumulates(onnx.load(network.float))
    ours, theirs, top = profile(network, rounds)
    rows = list(layers(counts, ours, theirs, top))
    large = [r for r in rows if r["mmac"] * 1e6 >= LARGE]
    print(f"{network.name}: peak {top:.0f} GOP/s; < marks those of {LARGE / 1e6:.0f} MMAC and more below "
          f"{GOAL:.0%} of it: {sum(map(is_slow, large))} of {len(large)}")
    print(table.align([list(TITLES), *map(line, rows)]))
    print(f"ours {sum(p[2] for p in ours):.3f} ms: {kinds(ours)}")
    print(f"OpenVINO {sum(p[2] for p in theirs):.3f} ms: {kinds(theirs)}\n", flush=True)
    common = {"model": network.name, "peak_gop_per_s": round(top, 1), "revision": bench.revision()}
    return [{**common, **r} for r in rows]


def save(rows):
    """Into the CSV file, in place of other rows of the same networks."""
    new, old = {r["model"] for r in rows}, []
    if RESULTS.exists():
        with open(RESULTS, newline="") as f:
            old = [r for r in csv.DictReader(f) if r["model"] not in new]
    with open(RESULTS, "w", newline="") as f:
        w = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        w.writeheader()
        w.writerows(old + rows)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("network", nargs="*", default=["resnet50", "mobilenet_v2"])
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    a = p.parse_args()
    unknown = [n for n in a.network if n not in NETWORKS]
    if unknown:
        sys.exit(f"layers.py: unknown network {unknown[0]}; known: {' '.join(NETWORKS)}")
    prepared = [NETWORKS[n].prepare() for n in a.network]
    for network in prepared:
        for name in ("vernier int8", "openvino int8"):
            Cell(ENGINES[name], network).prepare()
    os.sched_setaffinity(0, {a.cpu})
    for network in prepared:
        save(report(network, a.rounds))


if __name__ == "__main__":
    main()
