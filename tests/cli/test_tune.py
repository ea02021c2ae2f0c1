"""vernier tune: plans are what their types say, the journal survives every end."""
import json
import os
import re
import subprocess
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from tool import BAD_INPUT, DONE, SANITIZED, USAGE, run

YAML = """# a comment that stays
model_parameters:
  onnx_model: 'net.onnx'   # relative to this file
  march: '{march}'
  output_model_file_prefix: 'net'
  working_dir: '{folder}/out'
{more}input_parameters:
  input_type_train: 'featuremap'
  input_type_rt: 'featuremap'
  input_layout_train: 'NCHW'
calibration_parameters:
  cal_data_dir: '{folder}/x'
  calibration_type: 'max'
"""

TARGET = """like: x86-64-v4
macs_per_cycle: 64
memory_bandwidth: 10e9
"""


def network(path):
    """One tensor has an outlier that int8 cannot hold."""
    random, constants, nodes = np.random.default_rng(3), [], []

    def constant(value):
        constants.append(nh.from_array(np.asarray(value, np.float32), f"c{len(constants)}"))
        return constants[-1].name

    def node(op, *inputs, **attrs):
        name = f"{op.lower()}{len(nodes)}"
        nodes.append(h.make_node(op, inputs, [name], name, **attrs))
        return name

    def conv(x, n_in, n_out, kernel=3, gain=1.0):
        w = random.normal(size=(n_out, n_in, kernel, kernel)) / np.sqrt(n_in * kernel * kernel)
        w[0] *= gain
        return node("Conv", x, constant(w), constant(random.normal(size=n_out) / 8), pads=[kernel // 2] * 4)

    x = node("Relu", conv("x", 3, 16))
    x = node("Relu", conv(x, 16, 16, gain=200))
    scale = np.ones((1, 16, 1, 1))
    scale[0, 0] = 1 / 200
    x = node("Mul", x, constant(scale))
    x = node("Relu", node("Add", conv(x, 16, 16), x))
    x = node("Flatten", node("AveragePool", x, kernel_shape=[8, 8], strides=[8, 8]))
    w = random.normal(size=(16, 4, 10))
    y = node("Gemm", x, constant((w - w.mean(axis=1, keepdims=True)).reshape(64, 10)))
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 16, 16])],
                     [h.make_tensor_value_info(y, T.FLOAT, None)], constants)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)


def make(folder, march="x86-64-v4", more="", samples=16):
    (folder / "x").mkdir(parents=True)
    random = np.random.default_rng(5)
    for i in range(samples):
        np.save(folder / f"x/{i:03}.npy", random.normal(size=(1, 3, 16, 16)).astype(np.float32))
    network(folder / "net.onnx")
    (folder / "costs.yaml").write_text(TARGET)
    (folder / "net.yaml").write_text(YAML.format(folder=folder, march=march, more=more))
    return folder / "net.yaml"


def tune(config, *more, want=DONE):
    return run("tune", "-c", config, "--json", *more, want=want)


def result(config, *more):
    return json.loads(tune(config, *more).out)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    config = make(tmp_path_factory.mktemp("net"))
    before = config.read_bytes()
    found = result(config, "--latency-ratio", "3", "--plans", "10")
    assert config.read_bytes() == before
    return config, found


def best_of(found):
    best, = [p for p in found["plans"] if p["best"]]
    return best


def plain_types(found):
    """Of plans whose weights are as configured."""
    return [p["types"] for p in found["plans"] if not p["refined"]]


def test_the_plan_loses_less_than_int8(tuned):
    _, found = tuned
    base, best = found["plans"][0], best_of(found)
    assert base["loss"] == 1 and base["latency"] == 1 and base["size"] == 1 and set(base["types"]) == {"0"}
    assert best["fits"] and best["latency"] <= 3
    assert best["loss"] < 0.5 and best["sqnr"] > base["sqnr"] + 3
    assert best["loss"] == min(p["loss"] for p in found["plans"] if p["fits"])
    assert found["samples"] == 8 and found["range_samples"] == 8, "ranges come from other samples"
    plain = plain_types(found)
    assert len(plain) <= 10 and len(set(plain)) == len(plain)


def test_predictions_add_up(tuned):
    _, found = tuned
    for plan in found["plans"]:
        if plan["refined"]:
            assert plan["predicted_loss"] is None
            continue
        total = sum(list(g["loss"].values())[0] if t == "0" else
                    g["loss"][["int8", "int16", "int16+weights", "float32"][int(t)]]
                    for t, g in zip(plan["types"], found["groups"]))
        assert plan["predicted_loss"] == pytest.approx(total, rel=1e-6, abs=1e-9)
    assert found["r_squared"] > 0.8


def test_the_yaml_is_the_old_one_with_types(tuned):
    config, found = tuned
    old, new = config.read_text().splitlines(), (config.parent / "net_tuned.yaml").read_text().splitlines()
    signs = found["difference"].splitlines()
    assert signs and all(line[0] == "+" for line in signs)
    added = [line[1:] for line in signs]
    at = new.index(added[0])
    assert new[at:at + len(added)] == added and new[:at] + new[at + len(added):] == old
    assert found["yaml"] == str(config.parent / "net_tuned.yaml")


def test_the_yaml_converts_and_verifies(tuned):
    config, _ = tuned
    folder = config.parent
    run("convert", "-c", folder / "net_tuned.yaml", "--log", "none", want=DONE)
    out = run("verify", folder / "out/net_quantized_model.onnx", folder / "out/net.bin", want=DONE).out
    assert "PASSED" in out


def test_types_that_the_file_has_are_kept(tmp_path):
    more = "  node_info:\n    'gemm10': {ON: CPU}\n    'relu1': {OutputType: int16}\n"
    config = make(tmp_path, more=more)
    result(config, "--latency-ratio", "3", "--plans", "4")
    text = (tmp_path / "net_tuned.yaml").read_text()
    assert text.count("node_info") == 1 and "'gemm10': {ON: CPU}" in text
    assert "# relative to this file" in text
    assert "'relu1': {" in text and "OutputType: int16" in text.split("'relu1'")[1].split("\n")[0]


def test_auto_plans_inside_convert(tmp_path):
    """The same products as those of the file that it wrote, which has the plan's types."""
    config = make(tmp_path, more="  node_info: 'auto latency_ratio=3'\n", samples=8)
    done = run("convert", "-c", config, "--log", "none", want=DONE)
    assert "node_info auto:" in done.err
    text = (tmp_path / "net_tuned.yaml").read_text()
    assert "'auto" not in text and "int16" in text
    first = (tmp_path / "out/net.bin").read_bytes()
    run("convert", "-c", tmp_path / "net_tuned.yaml", "--log", "none", want=DONE)
    assert (tmp_path / "out/net.bin").read_bytes() == first


@pytest.mark.parametrize("limit", ["latency=3", "max_drop=0", "latency_ratio=0.9"])
def test_auto_with_other_limits_is_refused(tmp_path, limit):
    config = make(tmp_path, more=f"  node_info: 'auto {limit}'\n", samples=1)
    done = run("convert", "-c", config, "--log", "none", want=BAD_INPUT)
    assert "net.yaml:7:" in done.err and "node_info: expected auto, with latency_ratio=R" in done.err


# ---- refined weights ----

def test_refined_weights_cost_no_time(tmp_path):
    """The base with refined weights is a plan of its own; its keys convert to the same accuracy."""
    config = make(tmp_path)
    found = result(config, "--latency-ratio", "1", "--plans", "1")
    base, best = found["plans"][0], best_of(found)
    assert not base["refined"] and best["refined"] and best["types"] == base["types"]
    assert best["loss"] < base["loss"] and best["latency"] == 1 and best["predicted_loss"] is None
    added = {"+  sequential_bias: 'on'"} | ({"+  rounding: 'on'"} if "rounding" in best["refined"] else set())
    assert set(found["difference"].splitlines()) == added
    done = run("convert", "-c", tmp_path / "net_tuned.yaml", "--log", "none", want=DONE)
    assert "sequential_bias" in done.out + done.err
    run("verify", tmp_path / "out/net_quantized_model.onnx", tmp_path / "out/net.bin", want=DONE)


@pytest.mark.parametrize("key", ["effort: 'normal'", "rounding: 'on'", "sequential_bias: 'off'"])
def test_refinement_that_the_file_sets_is_kept(tmp_path, key):
    """For every plan; what rounded weights lose is seen, too."""
    config = make(tmp_path)
    config.write_text(config.read_text() + f"  {key}\n")
    found = result(config, "--latency-ratio", "3", "--plans", "4")
    assert {p["refined"] for p in found["plans"]} == {"rounding" if "rounding" in key else ""}
    assert len(found["plans"]) == 4 and 0.5 < found["plans"][0]["predicted_loss"] < 2
    assert key in (tmp_path / "net_tuned.yaml").read_text() and "on'" not in found["difference"]


def test_few_samples_refine_nothing(tmp_path):
    """Weights would be refined by the samples that judge them."""
    found = result(make(tmp_path, samples=7), "--latency-ratio", "3", "--plans", "2")
    assert found["range_samples"] == 0 and {p["refined"] for p in found["plans"]} == {""}


# ---- the journal ----

LIMITS = ["--latency-ratio", "2", "--cost", "target", "--plans", "9"]


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """Costs of the target file: nothing that is measured differs between runs."""
    folder = tmp_path_factory.mktemp("forecast")
    config = make(folder, march=folder / "costs.yaml")
    found = result(config, *LIMITS)
    journal = folder / "out/net_tune.jsonl"
    return config, found, (folder / "net_tuned.yaml").read_bytes(), journal.read_bytes()


def timeless(found):
    return {k: v for k, v in found.items() if "seconds" not in k}


def test_target_costs_repeat(forecast):
    config, found, tuned, journal = forecast
    assert timeless(result(config, *LIMITS)) == timeless(found)
    assert (config.parent / "net_tuned.yaml").read_bytes() == tuned
    assert (config.parent / "out/net_tune.jsonl").read_bytes() == journal


@pytest.mark.parametrize("more", [["--threads", "2"], ["--cpumask", "0"]])
def test_threads_and_cpu_features_change_nothing(forecast, more):
    config, found, tuned, _ = forecast
    again = timeless(result(config, *LIMITS, *more))
    assert again == timeless(found) and (config.parent / "net_tuned.yaml").read_bytes() == tuned


def test_a_finished_journal_replays_measured_costs(tuned):
    config, found = tuned
    yaml = (config.parent / "net_tuned.yaml").read_bytes()
    again = result(config, "--latency-ratio", "3", "--plans", "10", "--resume")
    assert timeless(again) == timeless(found) and (config.parent / "net_tuned.yaml").read_bytes() == yaml


def test_every_cut_of_the_journal_ends_alike(forecast):
    config, found, tuned, journal = forecast
    random = np.random.default_rng(7)
    for n in [0, 1, len(journal) - 1, *random.integers(2, len(journal), 6)]:
        (config.parent / "out/net_tune.jsonl").write_bytes(journal[:n])
        (config.parent / "net_tuned.yaml").unlink()
        assert timeless(result(config, *LIMITS, "--resume")) == timeless(found), n
        assert (config.parent / "net_tuned.yaml").read_bytes() == tuned
        assert (config.parent / "out/net_tune.jsonl").read_bytes() == journal


def kill_after(config, seconds):
    """A process that is killed; 1: it had ended before."""
    p = subprocess.Popen([SANITIZED / "vernier", "tune", "-c", config, *LIMITS, "--resume", "--json"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    p.kill()
    return p.wait() == 0


def test_killed_at_any_time(forecast, tmp_path):
    config, found, tuned, journal = forecast
    points = int(os.environ.get("VERNIER_KILLS", "8"))
    started = time.monotonic()
    result(config, *LIMITS)
    whole = time.monotonic() - started
    random = np.random.default_rng(11)
    path = config.parent / "out/net_tune.jsonl"
    path.unlink()
    for seconds in random.uniform(0, whole, points):
        if kill_after(config, seconds):
            path.unlink()
    assert timeless(result(config, *LIMITS, "--resume")) == timeless(found)
    assert (config.parent / "net_tuned.yaml").read_bytes() == tuned and path.read_bytes() == journal


@pytest.mark.parametrize("key", ["per_channel: True", "rounding: 'on'"])
def test_journals_of_other_methods_end_alike(tmp_path, key):
    config = make(tmp_path, march=tmp_path / "costs.yaml")
    config.write_text(config.read_text() + f"  {key}\n")
    found = result(config, *LIMITS)
    path, tuned = tmp_path / "out/net_tune.jsonl", (tmp_path / "net_tuned.yaml").read_bytes()
    whole = path.read_bytes()
    for n in np.random.default_rng(13).integers(0, len(whole), 3):
        path.write_bytes(whole[:n])
        assert timeless(result(config, *LIMITS, "--resume")) == timeless(found), n
        assert (tmp_path / "net_tuned.yaml").read_bytes() == tuned and path.read_bytes() == whole


def test_more_plans_continue(forecast):
    config, found, *_ = forecast
    few = result(config, *LIMITS[:-1], "3")
    assert plain_types(few) == plain_types(found)[:3]
    assert timeless(result(config, *LIMITS, "--resume")) == timeless(found)


def test_minutes_only_stop(forecast):
    config, found, *_ = forecast
    short = result(config, *LIMITS, "--minutes", "0.00001")
    assert short["stopped"] and len(short["plans"]) < len(found["plans"])
    assert short["plans"] and not short["difference"]
    assert timeless(result(config, *LIMITS, "--resume")) == timeless(found)


def test_a_journal_of_another_job_is_refused(forecast):
    config, *_, whole = forecast
    said = tune(config, *LIMITS, "--resume", "--samples", "3", want=BAD_INPUT).err
    assert "journal of another job" in said
    path = config.parent / "out/net_tune.jsonl"
    lines = whole.split(b"\n")
    lines[2] = lines[2][:10]
    path.write_bytes(b"\n".join(lines))
    assert "net_tune.jsonl:3: damaged record" in tune(config, *LIMITS, "--resume", want=BAD_INPUT).err
    path.write_bytes(whole)


def test_losses_that_do_not_add_up_are_said(forecast):
    """Below R squared 0.9, the text has by how much measured losses differ from predictions."""
    config, *_, whole = forecast
    path, factors = config.parent / "out/net_tune.jsonl", iter([1, 8, 0.1, 5, 0.3, 9, 0.2, 4, 0.1])
    lines = whole.decode().splitlines()
    for i, line in enumerate(lines):
        record = json.loads(line)
        if record.get("kind") == "plan" and "+" not in record["key"]:  # weights as configured
            k = next(factors)
            for output in record["record"]["outputs"]:
                output[1], output[2] = k * output[1], k * output[2]
            lines[i] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n")
    found = result(config, *LIMITS, "--resume")
    text = run("tune", "-c", config, *LIMITS, "--resume", want=DONE).out
    path.write_bytes(whole)
    assert found["r_squared"] < 0.9 and f"R squared {found['r_squared']:.3f}" in text
    plans = [p for p in found["plans"] if p["loss"] > 0 and not p["refined"]]
    all_ = [p["loss"] / p["predicted_loss"] for p in plans]
    said = re.search(r"plans lose (\S+) times the predicted loss \((\S+) to (\S+)\)(, "
                     r"the best one (\S+) times)?", text)
    want = np.exp(np.mean(np.log(all_))), min(all_), max(all_)
    assert [float(x) for x in said.groups()[:3]] == pytest.approx(want, rel=0.01)
    best = best_of(found)
    if best["refined"]:
        assert said[4] is None
    else:
        assert float(said[5]) == pytest.approx(best["loss"] / best["predicted_loss"], rel=0.01)
    assert "not additive" not in run("tune", "-c", config, *LIMITS, "--resume", want=DONE).out


# ---- limits and options ----

def test_size_and_drop(forecast):
    config, *_ = forecast
    small = result(config, "--size-ratio", "1.1", "--cost", "target", "--resume")
    assert all(p["size"] <= 1.1 for p in small["plans"] if p["fits"]) and best_of(small)["fits"]
    exact = result(config, "--max-drop", "0.1", "--cost", "target", "--resume")
    best = best_of(exact)
    assert best["fits"] and best["agreement"] >= 0.999
    assert best["latency"] == min(p["latency"] for p in exact["plans"] if p["fits"])


def test_a_task_scores_what_convert_makes(tmp_path):
    """Few samples: ranges come from all, as in convert."""
    config = make(tmp_path, samples=7)
    images = tmp_path / "test"
    images.mkdir()
    random = np.random.default_rng(9)
    for i in range(60):
        np.save(images / f"{i}.npy", random.normal(size=(1, 3, 16, 16)).astype(np.float32))
    run("convert", "-c", config, "--log", "none", "--min-cosine", "-1", want=DONE)
    out = tmp_path / "out"
    float_model, program = out / "net_original_float_model.onnx", out / "net.bin"
    run("run", float_model, "--images", images, "--output-dir", tmp_path / "y", want=DONE)
    y, = (tmp_path / "y").glob("*.npy")
    classes = np.load(y).reshape(60, 10).argmax(axis=1)
    labels = [f"{name} {c}" for name, c in zip(sorted(f"{i}.npy" for i in range(60)), classes)]
    (tmp_path / "labels.txt").write_text("\n".join(labels) + "\n")
    (tmp_path / "task.yaml").write_text(f"metric: top_k\nimages: {images}\nk: 1\n"
                                        f"labels: {tmp_path}/labels.txt\n")

    def difference(model):
        seen = json.loads(run("eval", float_model, model, "--task", tmp_path / "task.yaml", "--json",
                              want=DONE).out)
        score = seen["models"][1]["scores"]["top-1"]
        return [score["difference"], *score["interval"]]

    found = result(config, "--latency-ratio", "3", "--plans", "6", "--task", tmp_path / "task.yaml")
    base, best = found["plans"][0], best_of(found)
    scores = ["score_difference", "score_low", "score_high"]
    assert [base[k] for k in scores] == pytest.approx(difference(program)) and base[scores[0]] < 0
    run("convert", "-c", tmp_path / "net_tuned.yaml", "--log", "none", want=DONE)
    assert [best[k] for k in scores] == pytest.approx(difference(program))
    assert program.stat().st_size == pytest.approx(best["size"] * found["base_bytes"], abs=2000), "notes"
    dropped = result(config, "--max-drop", "5", "--plans", "8", "--task", tmp_path / "task.yaml", "--resume")
    assert all(p["score_difference"] >= -5 for p in dropped["plans"] if p["fits"])
    assert best_of(dropped)["fits"]


def detector(path):
    """A score and a box for each of 256 cells; one channel in front of the scores has an outlier."""
    random = np.random.default_rng(3)
    w = random.normal(size=(17, 3, 3, 3)) / 5
    w[16] *= 300
    score, box = random.normal(size=(2, 17, 1, 1)) / 2, random.normal(size=(4, 17, 1, 1)) / 4
    score[:, 16] /= 300
    box[:, 16] /= 300
    constants = [nh.from_array(x.astype(np.float32), name) for x, name in
                 ((w, "w"), (score, "ws"), (box, "wb"), (np.float32([0, -1]), "bs"))]
    constants += [nh.from_array(np.array([1, n, 256]), f"to{n}") for n in (2, 4)]
    nodes = [h.make_node("Conv", ["x", "w"], ["c"], "first", pads=[1] * 4),
             h.make_node("Relu", ["c"], ["r"], "relu"),
             h.make_node("Conv", ["r", "ws", "bs"], ["ls"], "score"),
             h.make_node("Conv", ["r", "wb"], ["lb"], "box")]
    for name, n in (("s", 2), ("b", 4)):
        nodes += [h.make_node("Sigmoid", [f"l{name}"], [f"g{name}"], f"sigmoid_{name}"),
                  h.make_node("Reshape", [f"g{name}", f"to{n}"], [f"f{name}"], f"flat_{name}"),
                  h.make_node("Transpose", [f"f{name}"], [name], f"turn_{name}", perm=[0, 2, 1])]
    outputs = [h.make_tensor_value_info(name, T.FLOAT, [1, 256, n]) for name, n in (("s", 2), ("b", 4))]
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 16, 16])], outputs, constants)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)


BOXES = "metric: agreement\nform: centers\nscores: s\nboxes: b\nscore_min: 0.7\n"


def test_boxes_are_judged_as_eval_finds_them(tmp_path):
    """Decisions are boxes, and what is chosen keeps more of them."""
    config = make(tmp_path, samples=7)
    detector(tmp_path / "net.onnx")
    task = tmp_path / "boxes.yaml"
    task.write_text(BOXES)
    run("convert", "-c", config, "--log", "none", "--min-cosine", "-1", want=DONE)
    out = tmp_path / "out"
    seen = json.loads(run("eval", out / "net_original_float_model.onnx", out / "net.bin", "--task", task,
                          "--images", tmp_path / "x", "--json", want=DONE).out)
    agreement = seen["models"][1]["scores"]["agreement"]["value"]
    found = result(config, "--latency-ratio", "20", "--plans", "8", "--task", task)
    base, best = found["plans"][0], best_of(found)
    assert agreement < 99 and base["agreement"] * 100 == pytest.approx(agreement)
    assert best["agreement"] > base["agreement"] and best["loss"] < 0.5
    assert base["score_difference"] is None, "a task without images scores nothing"
    exact = result(config, "--max-drop", "3", "--plans", "12", "--task", task, "--resume")
    assert best_of(exact)["fits"] and best_of(exact)["agreement"] >= 0.97
    task.write_text(BOXES.replace("0.7", "0.8"))
    again = tune(config, "--max-drop", "3", "--task", task, "--resume", want=BAD_INPUT).err
    assert "journal of another job" in again


def test_what_is_wrong_is_said(tmp_path):
    config = make(tmp_path, samples=2)
    assert "requires --latency-ratio" in tune(config, want=USAGE).err
    said = tune(config, "--latency-ratio", "2", "--cost", "x", want=USAGE).err
    assert "--cost: expected measured or target" in said
    said = tune(config, "--latency-ratio", "2", "--cost", "target", want=USAGE).err
    assert "require macs_per_cycle" in said
    done = tune(config, "--latency-ratio", "2", "--task", tmp_path / "none.yaml", want=BAD_INPUT)
    assert "none.yaml: cannot open" in done.err and "plan" not in done.out + done.err  # before the search
    few = result(config, "--latency-ratio", "2", "--plans", "2")
    assert few["range_samples"] == 0 and few["samples"] == 2
    text = run("tune", "-c", config, "--latency-ratio", "2", "--plans", "2", want=DONE).out
    assert "net_tuned.yaml written. Next: vernier convert -c " in text and "Best: SQNR " in text
    text = run("tune", "-c", config, "--latency-ratio", "2", "--plans", "1", want=DONE).out
    assert ", 1 plan, " in text and "No plan improves on the configuration. " in text


def test_a_configuration_in_json(tmp_path):
    config = make(tmp_path)
    groups = {"model_parameters": {"onnx_model": "net.onnx", "march": "x86-64-v4",
                                   "output_model_file_prefix": "net", "working_dir": str(tmp_path / "out")},
              "input_parameters": {"input_type_train": "featuremap", "input_type_rt": "featuremap",
                                   "input_layout_train": "NCHW"},
              "calibration_parameters": {"cal_data_dir": str(tmp_path / "x"), "calibration_type": "max"}}
    for indent in (None, 1):
        config.write_text(json.dumps(groups, indent=indent))
        found = result(config, "--latency-ratio", "3", "--plans", "3")
        assert found["difference"] and "node_info: {" in (tmp_path / "net_tuned.yaml").read_text()
        only = result(config, "--latency-ratio", "1", "--plans", "1")
        assert best_of(only)["refined"]
        assert "sequential_bias: 'on', " in (tmp_path / "net_tuned.yaml").read_text()
        run("convert", "-c", tmp_path / "net_tuned.yaml", "--log", "none", "--min-cosine", "-1", want=DONE)
    groups["model_parameters"]["node_info"] = {"gemm10": {"ON": "CPU"}}
    config.write_text(json.dumps(groups, indent=1))
    said = tune(config, "--latency-ratio", "3", "--plans", "3", want=BAD_INPUT).err
    assert "node_info between braces cannot be rewritten" in said


def differences(path):
    """The first tensor has an outlier beyond int16; of what a Sigmoid makes of it small differences count."""
    random = np.random.default_rng(3)
    w = random.normal(size=(17, 3, 3, 3)) / 5
    w[1:16:2] = w[:16:2] + 0.02 * random.normal(size=w[:16:2].shape)
    w[16] *= 1e6
    rest = random.normal(size=(4, 17, 1, 1))
    rest[:, 1:16:2] = -rest[:, :16:2]
    rest[:, 16] *= 1e-3
    constants = [nh.from_array(x.astype(np.float32), name) for x, name in ((w, "w"), (rest, "rest"))]
    nodes = [h.make_node("Conv", ["x", "w"], ["wide"], "wide", pads=[1] * 4),
             h.make_node("Sigmoid", ["wide"], ["gates"], "gates"),
             h.make_node("Conv", ["gates", "rest"], ["y"], "y")]
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 16, 16])],
                     [h.make_tensor_value_info("y", T.FLOAT, None)], constants)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)


def test_types_next_to_float_hold(tmp_path):
    """The node that makes an int16 tensor computes in float32: what reads it asks for int16."""
    config = make(tmp_path)
    differences(tmp_path / "net.onnx")
    found = result(config, "--latency-ratio", "50", "--plans", "12")
    groups = {g["tensor"]: i for i, g in enumerate(found["groups"])}
    mixed = [p for p in found["plans"]
             if p["types"][groups["wide"]] == "3" and p["types"][groups["gates"]] in "12"]
    assert mixed and all(p["loss"] < 2 * p["predicted_loss"] + 1e-4 for p in mixed)
