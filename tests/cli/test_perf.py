"""vernier perf: what is measured adds up; the profile in all its forms; wrong options are rejected."""
import csv
import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tool import BAD_INPUT, DONE, USAGE, run

RANKS = ["min_ms", "median_ms", "p90_ms", "p99_ms", "max_ms"]
TIMES = ["mean_ms", "median_ms", "min_ms", "max_ms"]
QUICK = ["--rounds", "20"]


def perf(*args):
    return json.loads(run("perf", *args, "--json", want=DONE).out)


@pytest.mark.parametrize("stage", ["bin", "original_float", "optimized_float", "calibrated", "quantized"])
def test_every_artefact_is_measured(digits, stage):
    model = digits.bin if stage == "bin" else digits.stage(stage)
    got = perf(model, *QUICK)
    assert list(got) == ["model", "rounds", "warm_up", "threads", *RANKS, "mean_ms", "fps"]
    assert got["model"] == str(model) and got["rounds"] == 20
    times = [got[rank] for rank in RANKS]
    assert 0 < times[0] and times == sorted(times) and times[0] <= got["mean_ms"] <= times[-1]
    assert got["threads"] == 1 and got["warm_up"] >= 1
    assert got["fps"] == pytest.approx(1000 / got["median_ms"], rel=1e-6)


def test_one_round_is_every_rank(digits):
    got = perf(digits.bin, "--rounds", "1")
    assert got["rounds"] == 1 and len({got[rank] for rank in RANKS}) == 1


def test_seconds_limit_the_measurement(digits):
    got = perf(digits.bin, "--seconds", "0.05")
    assert got["rounds"] > 1 and got["rounds"] * got["min_ms"] < 50 + got["max_ms"]


def test_table(digits):
    text = run("perf", digits.bin, *QUICK, want=DONE).out
    for title, unit in [(t, "ms") for t in ("Min", "Median", "P90", "P99", "Max")] + [("Throughput", "fps")]:
        assert re.search(rf"^{title} +[\d.]+ +{unit}$", text, re.M)
    assert re.search(r"^Rounds +20 +runs$", text, re.M) and "Node" not in text


def test_warm_up(digits):
    assert perf(digits.bin, *QUICK, "--warm-up", "0")["warm_up"] == 1
    assert perf(digits.bin, *QUICK, "--warm-up", "0.05")["warm_up"] > 1


def test_profile_adds_up(digits):
    got = perf(digits.bin, "--rounds", "200", "--profile")
    nodes, steps = got["nodes"], got["instructions"]
    assert [n["mean_ms"] for n in nodes] == sorted((n["mean_ms"] for n in nodes), reverse=True)
    assert len({n["node"] for n in nodes}) == len(nodes) <= len(steps)
    for rows in (nodes, steps):
        assert sum(r["share"] for r in rows) == pytest.approx(1)
        assert all(r["min_ms"] <= r["median_ms"] <= r["max_ms"] for r in rows)
        assert all(r["min_ms"] <= r["mean_ms"] <= r["max_ms"] for r in rows)
        assert 0.2 * got["min_ms"] < sum(r["mean_ms"] for r in rows) < 1.01 * got["max_ms"]
    for n in nodes:
        own = [s for s in steps if s["node"] == n["node"]]
        assert n["mean_ms"] == pytest.approx(sum(s["mean_ms"] for s in own))
        assert n["instruction"] == max(own, key=lambda s: s["mean_ms"])["instruction"]
        assert n.get("macs", 0) == sum(s.get("macs", 0) for s in own)


def test_instructions_are_in_order_of_the_program(digits):
    names = [n.name for n in onnx.load(digits.stage("optimized_float")).graph.node]
    steps = perf(digits.bin, *QUICK, "--instructions")["instructions"]
    places = [names.index(s["node"]) for s in steps if s["node"] in names]
    assert places == sorted(places) and len(places) > 3


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """Convolutions and products of known sizes; {node: multiply-accumulates}."""
    folder, rng = tmp_path_factory.mktemp("sizes"), np.random.default_rng(0)
    weights, nodes, macs = [], [], {}

    def add(kind, name, x, shape, work, **attributes):
        weights.append(numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), "w_" + name))
        nodes.append(helper.make_node(kind, [x, "w_" + name], [name], name, **attributes))
        macs[name] = work

    add("Conv", "dense", "x", (16, 8, 3, 3), 12 * 10 * 16 * 8 * 9, pads=[1] * 4)
    add("Conv", "grouped", "dense", (32, 4, 1, 1), 12 * 10 * 32 * 4, group=4)
    add("Conv", "strided", "grouped", (32, 32, 2, 2), 6 * 5 * 32 * 32 * 4, strides=[2, 2])
    add("Conv", "depthwise", "strided", (32, 1, 3, 3), 6 * 5 * 32 * 9, group=32, pads=[1] * 4)
    nodes.append(helper.make_node("Reshape", ["depthwise", "rows"], ["flat"], "flat"))
    weights.append(numpy_helper.from_array(np.array([32, 30]), "rows"))
    nodes.append(helper.make_node("Transpose", ["flat"], ["turned"], "turned", perm=[1, 0]))
    nodes.append(helper.make_node("MatMul", ["flat", "turned"], ["y"], "product"))
    macs["product"] = 32 * 32 * 30
    info = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "sizes", [info("x", 1, 8, 12, 10)], [info("y", 32, 32)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "s.onnx")
    return folder / "s.onnx", macs


def test_multiply_accumulates_are_counted(sizes):
    model, macs = sizes
    assert {n["node"]: n["macs"] for n in perf(model, *QUICK, "--profile")["nodes"] if "macs" in n} == macs


def test_speed_and_share_of_the_peak(sizes):
    got = perf(sizes[0], *QUICK, "--profile")
    assert list(got["peak_gmac_per_s"]) == ["int8", "int16", "float32"]
    peak = got["peak_gmac_per_s"]["float32"]
    for row in got["instructions"]:
        if "macs" in row:
            assert row["gmac_per_s"] == pytest.approx(row["macs"] / row["median_ms"] * 1e-6, rel=1e-3)
        assert ("of_peak" in row) == bool("macs" in row and peak)
        if "of_peak" in row:
            assert row["of_peak"] == pytest.approx(row["gmac_per_s"] / peak, rel=1e-3)


def test_the_peak_is_that_of_the_features_used(sizes):
    peak = perf(sizes[0], *QUICK, "--profile", "--cpumask", "0")["peak_gmac_per_s"]
    assert set(peak.values()) == {None}


def test_profile_table_has_each_node_once(digits):
    text = run("perf", digits.bin, *QUICK, "--profile", want=DONE).out
    rows = re.findall(r"^(\w+) +(\w*?) +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+) %", text, re.M)
    assert "CONV_S8" in {row[0] for row in rows} and len({row[1] for row in rows}) == len(rows)
    assert abs(sum(float(row[2]) for row in rows) - 100) < 2


def test_tables_of_nodes_and_instructions(digits):
    text = run("perf", digits.bin, *QUICK, "--profile", "--instructions", want=DONE).out
    assert text.index("Nodes, slowest first") < text.index("Instructions")
    peak = perf(digits.bin, *QUICK, "--profile")["peak_gmac_per_s"]["int8"]
    assert bool(re.search(r"^Peak int8 +[\d.]+ +GMAC/s$", text, re.M)) == bool(peak)
    assert re.search(r"^CONV_S8 .* [\d.]+ +(\d+ %|-)$", text, re.M)


@pytest.fixture(scope="module")
def profiler(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("perf") / "made"
    return perf(digits.bin, *QUICK, "--threads", "2", "--profile-path", folder), folder


def test_profiler_log(digits, profiler):
    got, folder = profiler
    first, second = (json.loads(part) for part in (folder / "profiler.log").read_text().split("\n***\n"))
    assert first["perf_result"] == {"FPS": pytest.approx(got["fps"]),
                                    "average_latency": pytest.approx(got["mean_ms"])}
    run_time = pytest.approx(20 * got["mean_ms"])
    assert first["running_condition"] == {"core_id": 0, "frame_count": 20, "model_name": "digits",
                                          "run_time": run_time, "thread_num": 2}
    assert list(second) == ["chip_latency", "model_latency", "task_latency"]
    times = lambda n: {"avg_time": pytest.approx(n["mean_ms"]), "max_time": pytest.approx(n["max_ms"]),
                       "min_time": pytest.approx(n["min_ms"])}
    assert second["model_latency"] == {n["node"]: times(n) for n in got["nodes"]}
    units = [second["chip_latency"][k + "_inference_time_cost"]["avg_time"] for k in ("BPU", "CPU")]
    assert min(units) > 0 and sum(units) == pytest.approx(sum(n["mean_ms"] for n in got["nodes"]))
    assert second["task_latency"]["TaskRunningTime"]["max_time"] == pytest.approx(got["max_ms"])


def test_profiler_csv(profiler):
    got, folder = profiler
    with open(folder / "profiler.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    for kind in ("node", "instruction"):
        mine = [r for r in rows if r["kind"] == kind]
        what = lambda rows: [(r["node"], r["instruction"]) for r in rows]
        assert what(mine) == what(got[kind + "s"])
        for r, n in zip(mine, got[kind + "s"]):
            assert float(r["avg_time"]) == pytest.approx(n["mean_ms"], abs=1e-6)
            assert int(r["macs"] or 0) == n.get("macs", 0) and bool(r["of_peak"]) == ("of_peak" in n)


def test_profile_that_cannot_be_written(digits, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("perf", digits.bin, *QUICK, "--profile-path", tmp_path / "file" / "x", want=BAD_INPUT)
    assert str(tmp_path / "file") in done.err


@pytest.mark.parametrize("option, now", [("--repeat", "vernier perf --rounds N"),
                                         ("--repeat=3", "vernier perf --rounds N"),
                                         ("--profile", "vernier perf --profile")])
def test_run_names_perf(digits, option, now):
    err = run("run", digits.bin, option, "3", want=USAGE).err
    assert f"unknown option '{option}': times are measured by '{now}'" in err


@pytest.mark.parametrize("more", [["--threads", "2"], ["--cpumask", "0"], ["--level", "0"],
                                  ["--pipeline", "resize 8 8"]])
def test_options_of_run(digits, more):
    got = perf(digits.stage("quantized"), "--input", digits.picture, *QUICK, *more)
    assert got["rounds"] == 20


@pytest.mark.parametrize("args,message", [
    (["--rounds", "0"], "--rounds: expected an integer from 1 to 1000000, got '0'"),
    (["--rounds", "x"], "--rounds: expected an integer from 1 to 1000000, got 'x'"),
    (["--seconds", "-1"], "--seconds: expected a number from 0 to 3600, got '-1'"),
    (["--seconds", "nan"], "--seconds: expected a number from 0 to 3600, got 'nan'"),
    (["--seconds", "1s"], "--seconds: expected a number from 0 to 3600, got '1s'"),
    (["--seconds", ""], "--seconds: expected a number from 0 to 3600, got ''"),
    (["--warm-up", "3601"], "--warm-up: expected a number from 0 to 3600, got '3601'"),
    (["--seconds", "1", "--rounds", "1"], "--rounds cannot be combined with --seconds"),
    (["--threads", "0"], "--threads: expected an integer from 1 to 256, got '0'"),
    (["--round", "3"], "unknown option '--round'; did you mean '--rounds'?"),
    (["--input", "imag=x.npy"], "has no input 'imag'; nearest: 'image'"),
])
def test_wrong_options(digits, args, message):
    assert message in run("perf", digits.bin, *args, want=USAGE).err


def test_wrong_files(digits, tmp_path):
    assert "none.bin" in run("perf", tmp_path / "none.bin", want=BAD_INPUT).err
    assert "none.png" in run("perf", digits.bin, "--input", tmp_path / "none.png", want=BAD_INPUT).err
