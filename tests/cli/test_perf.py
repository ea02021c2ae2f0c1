"""vernier perf: what is measured adds up; wrong options are rejected."""
import json
import re

import pytest
from tool import BAD_INPUT, DONE, USAGE, run

RANKS = ["min_ms", "median_ms", "p90_ms", "p99_ms", "max_ms"]
QUICK = ["--rounds", "20"]


def perf(*args):
    return json.loads(run("perf", *args, "--json", want=DONE).out)


@pytest.mark.parametrize("stage", ["bin", "original_float", "optimized_float", "calibrated", "quantized"])
def test_every_artefact_is_measured(digits, stage):
    model = digits.bin if stage == "bin" else digits.stage(stage)
    got = perf(model, *QUICK)
    assert list(got) == ["model", "rounds", *RANKS, "fps"]
    assert got["model"] == str(model) and got["rounds"] == 20
    times = [got[rank] for rank in RANKS]
    assert 0 < times[0] and times == sorted(times)
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


def test_profile_adds_up(digits):
    got = perf(digits.bin, "--rounds", "200", "--profile")
    times = [node["ms"] for node in got["nodes"]]
    names = [node["node"] for node in got["nodes"]]
    assert times == sorted(times, reverse=True) and len(names) == len(set(names))
    assert 0.2 * got["min_ms"] < sum(times) < 1.01 * got["max_ms"]


def test_profile_table_has_each_node_once(digits):
    text = run("perf", digits.bin, *QUICK, "--profile", want=DONE).out
    rows = re.findall(r"^(\w+) +(\w*?) +[\d.]+ +([\d.]+) %$", text, re.M)
    assert "CONV_S8" in {row[0] for row in rows} and len({row[1] for row in rows}) == len(rows)
    assert abs(sum(float(row[2]) for row in rows) - 100) < 2


@pytest.mark.parametrize("more", [["--threads", "2"], ["--cpumask", "0"], ["--level", "0"],
                                  ["--pipeline", "resize 8 8"]])
def test_options_of_run(digits, more):
    got = perf(digits.stage("quantized"), "--input", digits.picture, *QUICK, *more)
    assert got["rounds"] == 20


@pytest.mark.parametrize("args,message", [
    (["--rounds", "0"], "--rounds: expected an integer from 1 to 1000000, got '0'"),
    (["--rounds", "x"], "--rounds: expected an integer from 1 to 1000000, got 'x'"),
    (["--seconds", "0"], "--seconds: expected a number above 0, at most 3600, got '0'"),
    (["--seconds", "nan"], "--seconds: expected a number above 0, at most 3600, got 'nan'"),
    (["--seconds", "1s"], "--seconds: expected a number above 0, at most 3600, got '1s'"),
    (["--seconds", ""], "--seconds: expected a number above 0, at most 3600, got ''"),
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
