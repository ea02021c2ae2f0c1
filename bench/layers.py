#!/usr/bin/env python3
"""Print the time of each convolution of an int8 program beside OpenVINO's profile of its own int8 model.

    .venv-bench/bin/python bench/layers.py [NETWORK]...     (default: resnet50 mobilenet_v2)

One thread. Multiply-accumulates are counted on the float network. The peak is that of a loop of vpdpbusd, as
`vernier perf` measures it in each round. Both profiles are medians of --rounds rounds in turns.
"""
import argparse
import json
import math
import os
import statistics
import sys
from collections import defaultdict

import onnx

import table
from engines import ENGINES, Cell, OpenVINO, OpenVINORequest
from networks import NETWORKS, sm

LARGE = 50e6  # multiply-accumulates from which a convolution should reach GOAL
GOAL = 0.75
COLUMNS = ("node", "MMAC", "ours us", "GOP/s", "of peak", "OpenVINO us", "GOP/s", "ours / OpenVINO")


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
    out = json.loads(sm.vernier("perf", artefact, *feeds, "--rounds", 9, "--profile", "--json").stdout)
    rows = [(p["node"], p["instruction"], p["median_ms"]) for p in out["instructions"]]
    return rows, 2 * (out["peak_gmac_per_s"]["int8"] or 0)


def their_profile(session):
    """[(set of nodes, type, ms)] of one run; nodes are the network's own, as the compiler kept them."""
    session.once()
    names = {op.get_friendly_name(): origin(op) for op in session.compiled.get_runtime_model().get_ops()}
    return [(names.get(p.node_name, {p.node_name}), p.node_type, p.real_time.total_seconds() * 1e3)
            for p in session.request.get_profiling_info() if p.real_time]


def origin(op):
    """Names of the network's nodes in a layer; its quantizer appends to some."""
    known = "originalLayersNames" in op.rt_info
    text = op.rt_info["originalLayersNames"].value if known else op.get_friendly_name()
    return {name.split("/WithoutBiases")[0] for name in text.split(",")}


def medians(profiles):
    """The profile with the median of each line's times."""
    return [(*lines[0][:2], statistics.median(line[2] for line in lines)) for lines in zip(*profiles)]


def profile(network, rounds):
    """(ours, theirs, peak), or the reason why there is none."""
    cells = [Cell(ENGINES[name], network).prepare() for name in ("vernier int8", "openvino int8")]
    for c in cells:
        if c.reason:
            sys.exit(f"{network.name}, {c.engine.name}: {c.reason}")
    session = OpenVINORequest(network, cells[1].artefact, OpenVINO.config, PERF_COUNT=True)
    session.run(2)
    ours, theirs, peaks = [], [], []
    for _ in range(rounds):
        rows, peak = our_profile(cells[0].artefact, network.test_files())
        ours.append(rows)
        peaks.append(peak)
        theirs.append([their_profile(session) for _ in range(3)][-1])
    return medians(ours), medians(theirs), max(peaks)


def layer_lines(counts, ours, theirs, top):
    """Rows of COLUMNS for the nodes that multiply, and whether each large one reaches the goal."""
    of = lambda profile, has: sum(ms for name, kind, ms in profile if has(name, kind))
    for node, count in counts.items():
        mine = of(ours, lambda name, kind: name == node and kind not in ("COPY", "QUANTIZE", "DEQUANTIZE"))
        other = of(theirs, lambda names, kind: node in names)
        speed = lambda ms: 2 * count / ms * 1e-6 if ms else 0
        share = speed(mine) / top if top else 0
        mark = " <" if count >= LARGE and share < GOAL else ""
        ratio = other / mine if mine and other else None
        yield [node, f"{count / 1e6:.1f}", f"{mine * 1e3:.1f}", f"{speed(mine):.0f}", f"{share:.0%}{mark}",
               f"{other * 1e3:.1f}", f"{speed(other):.0f}", table.number(ratio)]


def kinds(profile):
    """Time by instruction or type of layer, longest first."""
    sums = defaultdict(float)
    for _, kind, ms in profile:
        sums[kind] += ms
    total = sum(sums.values())
    longest = sorted(sums.items(), key=lambda k: -k[1])
    return ", ".join(f"{kind} {ms:.3f} ms ({ms / total:.0%})" for kind, ms in longest if ms)


def report(network, rounds):
    counts = multiply_accumulates(onnx.load(network.float))
    ours, theirs, top = profile(network, rounds)
    lines = list(layer_lines(counts, ours, theirs, top))
    large = [line for line in lines if float(line[1]) * 1e6 >= LARGE]
    print(f"{network.name}: peak {top:.0f} GOP/s; < marks those of {LARGE / 1e6:.0f} MMAC and more below "
          f"{GOAL:.0%} of it: {sum('<' in line[4] for line in large)} of {len(large)}")
    print(table.align([list(COLUMNS), *lines]))
    print(f"ours {sum(p[2] for p in ours):.3f} ms: {kinds(ours)}")
    print(f"OpenVINO {sum(p[2] for p in theirs):.3f} ms: {kinds(theirs)}\n", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("network", nargs="*", default=["resnet50", "mobilenet_v2"])
    p.add_argument("--rounds", type=int, default=7)
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
        report(network, a.rounds)


if __name__ == "__main__":
    main()
