"""vernier flow: steps, where they break, exit status, --set; each failure with its next command."""
import json
import pathlib
import re
import shlex
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx import numpy_helper as nh
from tool import BAD_INPUT, BUILD, CAMPAIGN, CHECK_FAILED, DONE, ROOT, SHARED, USAGE, convert_digits, run

sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import planted_cases  # noqa: E402
import seeded_faults  # noqa: E402

STEPS = ["float", "convert", "original_float", "optimized_float", "quantized", "bin", "board"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return convert_digits(tmp_path_factory.mktemp("flow"))


def flow(*args, want=DONE, cwd=None):
    """The result, and {step: state}."""
    out = json.loads(run("flow", *args, "--json", want=want, cwd=cwd).out)
    assert [s["step"] for s in out["steps"]] == STEPS
    return out, {s["step"]: s["state"] for s in out["steps"]}


def broken(out, step):
    """It stopped there and says what to do."""
    states = [s["state"] for s in out["steps"]]
    assert states.index("FAIL") == STEPS.index(step) and states.count("FAIL") == 1, out
    assert set(states[STEPS.index(step) + 1:]) <= {"SKIPPED"}
    assert out["cause"] and out["evidence"] and out["next_command"].startswith("vernier "), out
    return next(s for s in out["steps"] if s["step"] == step)


@pytest.fixture(scope="module")
def reference(digits):
    """What a training program saved: here, the float model on the runtime."""
    folder = digits.folder / "reference"
    picture = digits.folder / "x.npy"
    np.save(picture, np.random.default_rng(1).uniform(0, 1, (1, 1, 28, 28)).astype(np.float32))
    graph = onnx.load(digits.model).graph
    shape = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
    np.save(picture, np.random.default_rng(1).uniform(0, 1, shape).astype(np.float32))
    run("run", digits.model, "--input", picture, "--dump-all", "-o", folder, want=DONE)
    return folder / "tensors"


def test_all_steps_pass(digits, reference):
    out, states = flow("-c", digits.yaml, "--reference", reference)
    assert states == {**dict.fromkeys(STEPS, "PASS"), "board": "SKIPPED"}
    assert out["passed"] and (out["checked"], out["counted"]) == (5, 5) and "cause" not in out
    text = run("flow", "-c", digits.yaml, want=DONE).out
    assert "4 of 5 checked, PASSED" in text and re.search(r"^float +SKIPPED +no --reference", text, re.M)


def test_strict_counts_what_is_skipped(digits):
    out, _ = flow("-c", digits.yaml, "--strict", want=CHECK_FAILED)
    assert not out["passed"] and out["cause"] == "skipped" and out["next_command"]


def test_training_and_float_differ(digits, reference, tmp_path):
    model = onnx.load(digits.model)
    names = {i.name for i in model.graph.initializer}
    conv = [n for n in model.graph.node if n.op_type == "Conv"][1]
    weight = next(i for i in model.graph.initializer if i.name == next(x for x in conv.input if x in names))
    w = nh.to_array(weight).copy()
    w[0] *= -1
    weight.CopyFrom(nh.from_array(w, weight.name))
    onnx.save(model, tmp_path / "changed.onnx")
    text = digits.yaml.read_text().replace(str(digits.model), str(tmp_path / "changed.onnx"))
    (tmp_path / "c.yaml").write_text(text)
    out, _ = flow("-c", tmp_path / "c.yaml", "--reference", reference, want=CHECK_FAILED)
    step = broken(out, "float")
    assert out["cause"] == "float_differs" and step["node"] == conv.name
    tensors = json.loads(run(*shlex.split(out["next_command"])[1:], "--json", want=DONE).out)["tensors"]
    assert next(t["tensor"] for t in tensors if t["sqnr"] and t["sqnr"] < 60) == conv.output[0]
    empty = tmp_path / "empty.npz"
    np.savez(empty, nothing=np.zeros(1))
    assert flow("-c", digits.yaml, "--reference", empty, want=CHECK_FAILED)[0]["passed"] is False


def test_task_decides(digits, tmp_path):
    task = tmp_path / "task.yaml"
    task.write_text(f"metric: top_k\nimages: {digits.held_out}\nlabels: {digits.labels}\nk: 1\nlimit: 60\n")
    out, states = flow("-c", digits.yaml, "--task", task)
    assert states["quantized"] == "PASS" and "top-1" in str(out["steps"][STEPS.index("quantized")]["why"])


def test_configuration_that_cannot_be_used(digits, tmp_path):
    (tmp_path / "c.yaml").write_text(digits.yaml.read_text().replace("'gray'", "'grey'"))
    out, _ = flow("-c", tmp_path / "c.yaml", want=CHECK_FAILED)
    broken(out, "convert")
    assert "grey" in out["evidence"]
    (tmp_path / "c.yaml").write_text("- [")
    run("flow", "-c", tmp_path / "c.yaml", want=BAD_INPUT)
    assert "usage" in run("flow", want=USAGE).err
    (tmp_path / "task.yaml").write_text("x")
    done = run("flow", "-c", digits.yaml, "--task", tmp_path / "task.yaml", want=BAD_INPUT)
    assert "task.yaml:1:1: expected keys and values" in done.err and not done.out


def test_set_and_save(digits, tmp_path):
    saved = digits.folder / "changed.yaml"
    flow("-c", digits.yaml, "--set", "calibration_type=kl", "--set", "optimization=bias_correction", "--set",
         "optimize_level=", "--save", saved)
    before, after = digits.yaml.read_text().splitlines(), saved.read_text().splitlines()
    assert "  calibration_type: 'kl'" in after and "  optimization: 'bias_correction'" in after
    assert [line for line in before if "optimize_level" not in line and "calibration_type" not in line] == \
        [line for line in after if "calibration_type" not in line and "optimization" not in line]
    lines = [*before, "input_parameters2:", "  calibraton_type: 'kl' # no key", "  optimise: '3'"]
    digits.folder.joinpath("wrong.yaml").write_text("\n".join(lines) + "\n")
    out, _ = flow("-c", digits.folder / "wrong.yaml", "--set", "optimise=", "--set", "march=generic", "--set",
                  "calibraton_type=calibration_type", "--save", saved, want=CHECK_FAILED)
    assert saved.read_text().splitlines()[-2:] == [lines[-3], "  calibration_type: 'kl' # no key"], out
    flow("-c", saved, "--set", "calibration_type=max", "--set", "input_parameters2=", "--save",
         digits.folder / "moved.yaml")
    assert digits.folder.joinpath("moved.yaml").read_text().count("calibration_type") == 1
    for wrong in (["--set", "a=b", "--save", saved], ["--set", "march2=generic", "--save", saved],
                  ["--set", "calibration_type", "--save", saved], ["--set", "calibration_type=kl"],
                  ["--save", saved], ["--set", "calibration_type=kl", "--save", tmp_path / "x.yaml"]):
        run("flow", "-c", digits.yaml, *wrong, want=USAGE)


def test_board(digits, tmp_path):
    run("run", digits.bin, "--input", digits.picture, "--dump-all", "-o", tmp_path / "d", "--dequantize",
        want=DONE)
    board = tmp_path / "board"
    board.mkdir()
    np.load(tmp_path / "d/tensors/image.npy").astype(np.float32).tofile(board / "model_infer_input_0.bin")
    logits = np.load(tmp_path / "d/logits.npy")
    logits.astype(np.float32).tofile(board / "model_infer_output_0.bin")
    _, states = flow("-c", digits.yaml, "--dumps", board)
    assert states["board"] == "PASS"
    logits[:, ::-1].astype(np.float32).tofile(board / "model_infer_output_0.bin")
    out, _ = flow("-c", digits.yaml, "--dumps", board, want=CHECK_FAILED)
    broken(out, "board")
    assert out["cause"] == "board_differs"
    (board / "model_infer_output_0.bin").unlink()
    out, _ = flow("-c", digits.yaml, "--dumps", board, want=CHECK_FAILED)
    broken(out, "board")
    assert out["cause"] == "no_tensor" and "info" in out["next_command"]
    x = np.load(tmp_path / "d/tensors/relu_1_out.npy").astype(np.float32)
    for name in ("relu_1_out_float.bin", "relu_1_float.bin"):  # hrt_bin_dump: of the node
        x.tofile(board / name)
        out, states = flow("-c", digits.yaml, "--dumps", board)
        assert states["board"] == "PASS" and "no output" in out["steps"][STEPS.index("board")]["why"]
        (board / name).unlink()
    (2 * x).tofile(board / "relu_1_float.bin")
    assert broken(flow("-c", digits.yaml, "--dumps", board, want=CHECK_FAILED)[0], "board")["node"]


def follow(command, most, folder):
    """The last result of at most `most` commands, each printed by the one before, and all causes."""
    causes, out = [], {"passed": False}
    for _ in range(most):
        out = json.loads(run(*shlex.split(command)[1:], "--json", want=[DONE, CHECK_FAILED], build=BUILD,
                             cwd=folder, timeout=600).out)
        if out["passed"]:
            break
        causes.append(out["cause"])
        command = out["next_command"]
    return out, causes


@pytest.mark.parametrize("fault", seeded_faults.FAULTS, ids=lambda f: f.__name__)
def test_a_seeded_fault_is_found_where_it_is(fault, tmp_path):
    found = seeded_faults.examine(BUILD / "vernier", fault, tmp_path)
    assert found["right_passes"] and found["found"] and found["next_command"], found
    assert not re.search("[+-]0 %", found["evidence"])
    if "set " in found["next_command"]:  # what is printed passes, perhaps after what that prints
        assert follow(found["next_command"], 2, tmp_path)[0]["passed"]
    assert not list(tmp_path.glob(".vernier*"))


def test_flat_ends_are_no_clipping(tmp_path):
    """A range ends where Tanh stops changing; what is beyond is no loss."""
    p = seeded_faults.Project(BUILD / "vernier", tmp_path)
    nodes = [onnx.helper.make_node("Conv", ["x", "w"], ["a"], "body"),
             onnx.helper.make_node("Tanh", ["a"], ["t"], "curve"),
             onnx.helper.make_node("Conv", ["t", "v"], ["y"], "head")]
    weights = {"w": 10 * p.weight(8, 3, 1, 1), "v": p.weight(4, 8, 1, 1)}
    p.model = seeded_faults.network(nodes, weights, {"x": p.shape}, {"y": [1, 4, *p.shape[2:]]})
    p.options = ["--min-cosine", "0.999999"]
    out = p.flow()
    step = out["steps"][STEPS.index("quantized")]
    assert step["state"] == "FAIL" and "clipping" not in [out["cause"], *(f["cause"] for f in step["also"])]


def test_three_routes(tmp_path):
    """Noise has its chroma at every pixel: NV12 loses it, and quantization is not to blame."""
    p = seeded_faults.Project(BUILD / "vernier", tmp_path)
    p.keys = {**seeded_faults.pixel_keys("rgb"), "input_type_rt": "nv12", "norm_type": "data_scale",
              "scale_value": "0.00392157"}
    del p.keys["input_layout_rt"]
    p.data = [p.random.integers(0, 256, p.shape).astype(np.float32) for _ in range(6)]
    p.options = ["--min-cosine", "0.9999"]
    out = p.flow()
    step = out["steps"][STEPS.index("quantized")]
    numbers = re.search(r"conversion ([\d.]+) dB, the device's colours ([\d.]+) dB, quantization ([\d.]+) dB",
                        step["advice"]["evidence"])
    conversion, colours, quantization = (float(x) for x in numbers.groups())
    assert out["passed"] and step["advice"]["cause"] == "device_colours"
    assert conversion > 60 and colours < quantization
    again = json.loads(run(*shlex.split(step["advice"]["next_command"])[1:], "--json", want=DONE,
                           cwd=tmp_path, build=BUILD).out)
    assert again["passed"] and "advice" not in again["steps"][STEPS.index("quantized")]


def test_what_is_named_must_be_there(digits):
    for option in ("--reference", "--dumps", "--test", "--frames"):
        assert "no such" in run("flow", "-c", digits.yaml, option, "nowhere", want=USAGE).err
    run("flow", "-c", digits.yaml, "--task-set", "k=1", want=USAGE)


def test_a_network_with_scales_of_its_own(tmp_path):
    """Trained with quantization: init keeps its scales, and flow compares float with float."""
    x, y, f32, i8 = "x", "y", TensorProto.FLOAT, TensorProto.INT8
    rng = np.random.default_rng(1)
    node, info = helper.make_node, helper.make_tensor_value_info
    nodes = [node("QuantizeLinear", [x, "s", "z"], ["xq"]),
             node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
             node("DequantizeLinear", ["wq", "s", "z"], ["w"]), node("Conv", ["xd", "w"], ["c"], "conv"),
             node("Relu", ["c"], ["r"]), node("QuantizeLinear", ["r", "t", "z"], ["rq"]),
             node("DequantizeLinear", ["rq", "t", "z"], ["rd"]), node("GlobalAveragePool", ["rd"], [y])]
    constants = [nh.from_array(np.asarray(v), k) for k, v in {
        "s": np.float32(0.03), "t": np.float32(0.15), "z": np.int8(0),
        "wq": rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)}.items()]
    g = helper.make_graph(nodes, "g", [info(x, f32, [1, 3, 9, 9])], [info(y, f32, [1, 4, 1, 1])], constants)
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              tmp_path / "m.onnx")
    run("init", "m.onnx", cwd=tmp_path, want=DONE)
    text = (tmp_path / "m.yaml").read_text()
    assert "calibration_type: 'load'" in text
    for old, new in (("'rgb'", "'featuremap'"), ("data_scale", "no_preprocess"), ("scale_value:", "# :"),
                     ("preprocess_on:", "# :")):
        text = text.replace(old, new)
    (tmp_path / "m.yaml").write_text(text)
    (tmp_path / "calibration_data").mkdir()
    for i in range(20):
        np.save(tmp_path / f"calibration_data/{i}.npy", rng.normal(size=(1, 3, 9, 9)).astype(np.float32))
    for settings in [], ["--set", "calibration_type=max", "--save", "other.yaml"]:
        out = json.loads(run("flow", "-c", "m.yaml", *settings, "--json", cwd=tmp_path, want=DONE).out)
        assert out["passed"] and out["steps"][STEPS.index("original_float")]["state"] == "PASS"


# ---- following what is printed ----

# network, faults; the first five need no shared models
BROKEN = [("digits", "outlier_channel"), ("digits", "clipping"), ("digits", "wide_range"),
          ("digits", "normalised"), ("digits", "scale_value clipping"), ("resnet20", "normalised"),
          ("resnet20", "mean_value"),
          ("resnet20", "scale_value outlier_channel"), ("lprnet", "mean_value clipping"),
          ("lprnet", "normalised wide_range")]
SHARED_MODELS = (SHARED / "models").is_dir()


def test_a_script_follows_to_pass(tmp_path):
    """It knows nothing of the fault: it runs `next_command` until a run passes."""
    projects = [b for b in BROKEN if b[0] == "digits" or SHARED_MODELS]
    passed = 0
    for i, (network, faults) in enumerate(projects):
        folder = tmp_path / str(i)
        planted_cases.make({"network": network, "seed": str(300 + i), "faults": faults}, folder)
        _, commands, good = planted_cases.follow(BUILD / "vernier", folder)
        passed += good
        assert (folder / "net.yaml").exists() and not list(folder.glob(".vernier*")), commands
    assert passed >= len(projects) * 8 // 10, passed


def test_the_cause_is_measured(tmp_path):
    planted_cases.make({"network": "digits", "seed": "1", "faults": "outlier_channel"}, tmp_path)
    before = (tmp_path / "net.yaml").read_text()
    out, _ = flow("-c", "net.yaml", want=CHECK_FAILED, cwd=tmp_path)
    step = broken(out, "quantized")
    assert out["cause"] == "outlier_channel" and step["node"] and "times as large" in out["evidence"]
    assert re.search(r"gains [\d.]+ dB .* at [+-]\d+ % latency", out["evidence"])
    assert (tmp_path / "net.yaml").read_text() == before and not (tmp_path / "net_2.yaml").exists()
    quick, _ = flow("-c", "net.yaml", "--no-repair", want=CHECK_FAILED, cwd=tmp_path)
    assert quick["cause"] == "quantization" and "--set" not in quick["next_command"]


def save_network(folder, weight, calibration, outputs):
    """x -> Relu(Conv) -> Conv -> Softmax over `outputs` classes at each place, float32 samples."""
    from onnx import TensorProto as tp
    from onnx import helper as oh
    nodes = [oh.make_node("Conv", ["x", "w"], ["a"], "first"), oh.make_node("Relu", ["a"], ["r"], "relu"),
             oh.make_node("Conv", ["r", "v"], ["l"], "second"),
             oh.make_node("Softmax", ["l"], ["p"], "choice", axis=1)]
    shape = calibration[0].shape
    graph = oh.make_graph(nodes, "g", [oh.make_tensor_value_info("x", tp.FLOAT, shape)],
                          [oh.make_tensor_value_info("p", tp.FLOAT, [1, outputs, *shape[2:]])],
                          [nh.from_array(weight[0], "w"), nh.from_array(weight[1], "v")])
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, folder / "net.onnx")
    (folder / "data").mkdir()
    for i, x in enumerate(calibration):
        x.tofile(folder / f"data/{i}.bin")
    (folder / "net.yaml").write_text(f"""model_parameters:
  onnx_model: 'net.onnx'
  march: 'generic'
  working_dir: 'out'
  output_model_file_prefix: 'net'
input_parameters:
  input_shape: '{"x".join(map(str, shape))}'
  input_type_rt: 'featuremap'
  input_type_train: 'featuremap'
  input_layout_train: 'NCHW'
  norm_type: 'no_preprocess'
calibration_parameters:
  cal_data_dir: 'data'
  cal_data_type: 'float32'
  calibration_type: 'max'
""")


def choosing_network(folder, outlier=1.0, scale=1.0):
    r = np.random.default_rng(3)
    w = r.normal(0, 1, (8, 3, 1, 1)).astype(np.float32)
    v = (scale * r.normal(0, 1, (5, 8, 1, 1))).astype(np.float32)
    w[2] *= outlier
    v[:, 2] /= outlier
    save_network(folder, (w, v), [r.normal(0, 1, (1, 3, 6, 6)).astype(np.float32) for _ in range(6)], 5)


def test_choices_decide(tmp_path):
    """A steep softmax: its cosine is low where few choices change."""
    choosing_network(tmp_path, scale=40)
    least = ["--min-cosine", "0.99999"]
    out, states = flow("-c", "net.yaml", *least, cwd=tmp_path)
    why = out["steps"][STEPS.index("quantized")]["why"]
    found = re.search(r"cosine ([\d.]+), .* (\d+) of (\d+) choices kept \(95 %: ([\d.]+) to ([\d.]+)\)", why)
    cosine, kept, made, low, high = (float(x) for x in found.groups())
    assert states["quantized"] == "PASS" and cosine < 0.99999 and made > 50 and low < kept / made < high
    n, z = made, 1.96  # Wilson
    half = z * np.sqrt(kept / n * (1 - kept / n) / n + z * z / 4 / n / n) / (1 + z * z / n)
    assert abs((high - low) / 2 - half) < 2e-3
    out, _ = flow("-c", "net.yaml", "--min-choices", "1", "--no-repair", cwd=tmp_path, want=CHECK_FAILED)
    assert "expected at least 1," in broken(out, "quantized")["why"]


def test_advice_of_a_network_that_passes(tmp_path):
    choosing_network(tmp_path, outlier=200.0)
    out, states = flow("-c", "net.yaml", "--min-choices", "0", cwd=tmp_path)
    step = out["steps"][STEPS.index("quantized")]
    assert out["passed"] and states["quantized"] == "PASS" and step["node"] in ("first", "relu")
    assert step["advice"]["cause"] == "outlier_channel" and "gains" in step["advice"]["evidence"]
    assert "set_node_data_type" in step["advice"]["next_command"]
    text = run("flow", "-c", "net.yaml", "--min-choices", "0", want=DONE, cwd=tmp_path).out
    assert "quantized passes, but: outlier_channel" in text
    again = json.loads(run(*shlex.split(step["advice"]["next_command"])[1:], "--json", want=DONE,
                           cwd=tmp_path, build=BUILD).out)
    assert again["passed"] and "advice" not in again["steps"][STEPS.index("quantized")]


@pytest.mark.skipif(not SHARED_MODELS, reason=f"no models at {SHARED}")
def test_a_scale_that_halves_the_input(tmp_path):
    """1 / 255 with a mean of 127.5: no first layer contradicts it, but the network is less sure."""
    planted_cases.make({"network": "mobilenet", "seed": "1", "faults": "healthy"}, tmp_path)
    text = (tmp_path / "net.yaml").read_text()
    (tmp_path / "net.yaml").write_text(re.sub("scale_value: .*", "scale_value: '0.00392157'", text))
    out, _ = flow("-c", "net.yaml", want=CHECK_FAILED, cwd=tmp_path)
    assert broken(out, "quantized") and out["cause"] == "network_input" and "entropy" in out["evidence"]
    assert "scale_value=0.0078431" in out["next_command"]


def test_forum_story(tmp_path):
    """From the first wrong configuration to a verified program, in at most five commands, each printed by the
    one before."""
    import test_forum as forum
    if not forum.MODEL.exists():
        pytest.skip(f"no models at {SHARED}")
    names = forum.sm.spread(forum.sm.list_pictures(SHARED / "images/camvid/calib"), 2)
    pictures = [forum.sm.picture_pixels(p, 256, 192) for p in names]
    forum.write_data(tmp_path, pictures, lambda x: (x / 255 - forum.MEAN) / forum.STD)
    # the search over methods takes minutes, and was seen to work
    (tmp_path / "c.yaml").write_text(forum.TEMPLATE if CAMPAIGN else
                                     forum.TEMPLATE.replace("'default'", "'max'"))
    out, causes = follow("vernier flow -c c.yaml", 5, tmp_path)
    assert out["passed"] and causes == ["normalised"], (causes, out)
    assert {s["step"]: s["state"] for s in out["steps"]}["bin"] == "PASS" and out["checked"] == 4
    text = (tmp_path / out["config"]).read_text()
    assert "input_type_rt: 'featuremap'" in text and "march: 'bayes-e'" in text


def test_dumps_that_cannot_be_read(digits, tmp_path):
    """The next command shows the program's tensors, which dumps are named after."""
    config = digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    (tmp_path / "dumps").mkdir()
    out, _ = flow("-c", config, "--samples", "2", "--dumps", tmp_path / "dumps", want=CHECK_FAILED)
    broken(out, "board")
    assert out["cause"] == "cannot_run"
    run(*shlex.split(out["next_command"])[1:], want=DONE)
    assert out["next_command"].startswith("vernier info ")


def test_what_only_the_user_knows(digits, tmp_path):
    """No folder is like the one that is missing: the next command, which is the last, explains the key."""
    text = digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out").read_text()
    (tmp_path / "d.yaml").write_text(re.sub("cal_data_dir: .*", "cal_data_dir: 'qqqqqq'", text))
    out, _ = flow("-c", tmp_path / "d.yaml", want=CHECK_FAILED)
    broken(out, "convert")
    assert "qqqqqq" in out["evidence"] and out["next_command"] == "vernier help cal_data_dir"
    assert "folder" in run(*shlex.split(out["next_command"])[1:], want=DONE).out
    (tmp_path / "d.yaml").write_text(text + "model_parameters:\n")
    out, _ = flow("-c", tmp_path / "d.yaml", want=CHECK_FAILED)
    assert "duplicate group" in out["evidence"]
    run(*shlex.split(out["next_command"])[1:], want=DONE)
