"""vernier verify where a node chooses: what it chooses depends on the last bits of its inputs."""
import json

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

YAML = """model_parameters:
  onnx_model: 'm.onnx'
  march: 'generic'
  output_model_file_prefix: 'm'
  working_dir: 'out'
input_parameters:
  input_name: 'x'
  input_type_train: 'featuremap'
  input_layout_train: 'NCHW'
  input_type_rt: 'featuremap'
  norm_type: 'no_preprocess'
calibration_parameters:
  cal_data_dir: 'cal'
  cal_data_type: 'float32'
  calibration_type: 'max'
compiler_parameters:
  optimize_level: 'O3'
"""


def near_ties(folder):
    """Every number twice, as 0.1 x + 0.2 x and as 0.3 x, sorted; a table gives each place another value."""
    rng = np.random.default_rng(0)
    inits = {
        "w": rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * 0.2,
        "k1": np.float32(0.1),
        "k2": np.float32(0.2),
        "k3": np.float32(0.3),
        "k": np.array([64], np.int64),
        "shape": np.array([1, 32], np.int64),
        "table": np.arange(64, dtype=np.float32) * 10,
    }
    nodes = [
        h.make_node("Conv", ["x", "w"], ["a"], "conv"),
        h.make_node("Reshape", ["a", "shape"], ["f"], "flat"),
        h.make_node("Mul", ["f", "k1"], ["p1"], "p1"),
        h.make_node("Mul", ["f", "k2"], ["p2"], "p2"),
        h.make_node("Add", ["p1", "p2"], ["p"], "p"),
        h.make_node("Mul", ["f", "k3"], ["q"], "q"),
        h.make_node("Concat", ["p", "q"], ["pq"], "pq", axis=1),
        h.make_node("TopK", ["pq", "k"], ["top", "places"], "topk"),
        h.make_node("Gather", ["table", "places"], ["y"], "pick"),
    ]
    g = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 4, 4])],
        [h.make_tensor_value_info("y", T.FLOAT, [1, 64])],
        [nh.from_array(np.asarray(v), k) for k, v in inits.items()],
    )
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 13)], ir_version=8), folder / "m.onnx")
    (folder / "cal").mkdir()
    for i in range(4):
        rng.standard_normal((1, 3, 4, 4)).astype(np.float32).tofile(folder / f"cal/{i}.bin")
    (folder / "m.yaml").write_text(YAML)


def test_choices_are_held_against_their_own_inputs(tmp_path):
    near_ties(tmp_path)
    tool.run("convert", "-c", tmp_path / "m.yaml", want=tool.DONE)
    model, program = tmp_path / "out/m_quantized_model.onnx", tmp_path / "out/m.bin"
    reference = tmp_path / "reference"
    for what, flags, folder in (model, ["--reference"], reference), (program, [], tmp_path / "program"):
        tool.run(
            "run", what, *flags, "--input", tmp_path / "cal/0.bin", "--output-dir", folder, want=tool.DONE
        )
    assert not np.array_equal(np.load(reference / "y.npy"), np.load(tmp_path / "program/y.npy")), (
        "the ties do not differ any more: the test says nothing"
    )
    done = tool.run("verify", model, program, want=tool.DONE)
    assert "3 integer tensors: 480 integers compared, 0 different" in done.out and "PASSED" in done.out


# ---- float nodes in front of integers ----

def save(folder, nodes, inits, outputs, inputs=(("x", [1, 3, 8, 8]),)):
    def ports(side):
        return [h.make_tensor_value_info(n, *t or (T.FLOAT,), s) for n, s, *t in side]
    constants = [nh.from_array(np.asarray(v), k) for k, v in inits.items()]
    g = h.make_graph(nodes, "g", ports(inputs), ports(outputs), constants)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), folder / "m.onnx")


def conv(x, w, y, **more):
    return h.make_node("Conv", [x, w], [y], f"conv_{y}", **more)


def convert(folder, march="generic", data=np.asarray):
    rng = np.random.default_rng(1)
    (folder / "cal").mkdir(exist_ok=True)
    for i in range(4):
        data(rng.standard_normal((1, 3, 8, 8)).astype(np.float32)).tofile(folder / f"cal/{i}.bin")
    (folder / "m.yaml").write_text(YAML.replace("'generic'", f"'{march}'").replace("'out'", f"'{march}'"))
    tool.run("convert", "-c", folder / "m.yaml", want=tool.DONE)
    return folder / march / "m_quantized_model.onnx", folder / march / "m.bin"


def mixed(folder):
    """Convolutions around a Softmax, a LayerNormalization and a Sigmoid."""
    rng = np.random.default_rng(2)
    w = {f"w{i}": rng.normal(0, 0.2, (8, c, 3, 3)).astype(np.float32) for i, c in enumerate((3, 8, 8))}
    w.update(g=np.ones(8, np.float32), z=np.zeros(8, np.float32))
    nodes = [conv("x", "w0", "a", pads=[1] * 4), h.make_node("Softmax", ["a"], ["s"], "softmax", axis=1),
             conv("s", "w1", "b", pads=[1] * 4),
             h.make_node("LayerNormalization", ["b", "g", "z"], ["l"], "norm"),
             conv("l", "w2", "c", pads=[1] * 4), h.make_node("Sigmoid", ["c"], ["y"], "sigmoid")]
    save(folder, nodes, w, [("y", [1, 8, 8, 8])])


@pytest.mark.parametrize("march", ["generic", "x86-64-v4", "bernoulli2", "bayes", "bayes-e"])
def test_float_nodes_in_front_of_integers(tmp_path, march):
    mixed(tmp_path)
    files = convert(tmp_path, march)
    got = json.loads(tool.run("verify", *files, "--random", "40", "--json", want=tool.DONE).out)
    assert got["passed"] and got["different"] == 0 and got["compared"] > 60000 and not got["faults"]
    assert got["floats_different"] == 0 and got["max_bound"] <= 1
    if march == "bernoulli2":
        assert got["floats"] > 60000 and got["drift"] > 0 and got["max_bound"] > 0.01, "no float node rounds"


def test_digits_replace_the_bounds(tmp_path):
    mixed(tmp_path)
    files = convert(tmp_path, "bernoulli2")
    tool.run("verify", *files, "--digits", "5", want=tool.DONE)
    done = tool.run("verify", *files, "--digits", "9", want=tool.CHECK_FAILED)
    assert "first difference: instruction" in done.out and "Strict check FAILED" in done.out


# ---- other pairs ----

def test_all_stages_in_one_call(tmp_path):
    mixed(tmp_path)
    quantized, program = convert(tmp_path)
    names = "original_float", "optimized_float", "calibrated", "quantized"
    stages = [quantized.with_name(f"m_{name}_model.onnx") for name in names]
    done = tool.run("verify", *stages, program, want=tool.DONE)
    assert done.out.count("Similarity check PASSED") == 3 and done.out.count("Strict check PASSED") == 1
    pairs = json.loads(tool.run("verify", *stages, program, "--json", want=tool.DONE).out)["pairs"]
    assert [p["strict"] for p in pairs] == [False, False, False, True]
    assert pairs[0]["values"][-1]["cosine_min"] > 0.999999
    done = tool.run("verify", stages[0], program, "--min-cosine", "1", want=tool.CHECK_FAILED)
    assert "Similarity check FAILED (every output's cosine at least 1)" in done.out


def mostly_zeros(folder):
    """A Relu that lets nothing pass but one channel of many."""
    rng = np.random.default_rng(0)
    bias = np.full(400, -1e3, np.float32)
    bias[0] = 1
    inits = {"w": rng.standard_normal((400, 3, 3, 3)).astype(np.float32), "b": bias,
             "v": rng.standard_normal((400, 400, 1, 1)).astype(np.float32) / 20}
    nodes = [h.make_node("Conv", ["x", "w", "b"], ["a"], "conv"), h.make_node("Relu", ["a"], ["z"], "relu"),
             h.make_node("Conv", ["z", "v"], ["y"], "last")]
    save(folder, nodes, inits, [("y", None), ("z", None)])


def test_mostly_zeros_are_mistrusted(tmp_path):
    """That nearly all of it is 0 says little: it is marked, in text and JSON, of programs and of pairs."""
    mostly_zeros(tmp_path)
    quantized, program = convert(tmp_path)
    marks = {}
    for other in (program, quantized.with_name("m_original_float_model.onnx")):
        pair = (quantized, program) if other == program else (other, quantized)
        done = tool.run("verify", *pair, "--all", want=tool.DONE)
        assert "MISTRUSTED (mostly zeros)" in done.out
        got = json.loads(tool.run("verify", *pair, "--json", want=tool.DONE).out)
        rows = got["values"] if "values" in got else got["tensors"]
        marks.update({(pair[0].name, r.get("value", r.get("tensor"))): r["mistrusted"] for r in rows})
    assert any(on and name == "z" for (_, name), on in marks.items())
    assert any(not on and name == "y" for (_, name), on in marks.items())


def test_two_programs(tmp_path):
    mixed(tmp_path)
    (_, a), (_, b) = convert(tmp_path, "generic"), convert(tmp_path, "bernoulli2")
    assert "Strict check PASSED" in tool.run("verify", a, a, want=tool.DONE).out
    done = tool.run("verify", a, b, want=tool.CHECK_FAILED)
    assert "differ in origin" in done.out and "march: generic and bernoulli2" in done.out


def test_several_inputs(tmp_path):
    w = np.random.default_rng(3).standard_normal((4, 3, 3, 3)).astype(np.float32)
    nodes = [conv("x", "w", "a"), conv("z", "w", "b"), h.make_node("Add", ["a", "b"], ["y"], "add")]
    save(tmp_path, nodes, {"w": w}, [("y", [1, 4, 6, 6])], (("x", [1, 3, 8, 8]), ("z", [1, 3, 8, 8])))
    tool.run("convert", "--fast-perf", "--model", tmp_path / "m.onnx", want=tool.DONE, cwd=tmp_path)
    files = tmp_path / "model_output/m_quantized_model.onnx", tmp_path / "model_output/m.bin"
    for name in "x0", "x1", "z0", "z1":
        np.save(tmp_path / f"{name}.npy", np.full((1, 3, 8, 8), len(name), np.float32))
    given = [w for n in ("x0", "z0", "x1", "z1") for w in ("-i", f"{n[0]}={tmp_path / n}.npy")]
    assert "2 samples" in tool.run("verify", *files, *given, want=tool.DONE).out
    done = tool.run("verify", *files, *given[:6], want=tool.USAGE)
    assert "each sample requires one file for every input" in done.err
    done = tool.run("verify", *files, "-i", tmp_path / "x0.npy", want=tool.USAGE)
    assert "expected --input NAME=FILE" in done.err
    done = tool.run("verify", *files, "-i", f"y={tmp_path / 'x0.npy'}", want=tool.USAGE)
    assert "has no input 'y'" in done.err
    for name in "x", "z":
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}0.npy").rename(tmp_path / name / "0.npy")
    folders = [w for name in "xz" for w in ("--images", f"{name}={tmp_path / name}")]
    assert "1 samples" in tool.run("verify", *files, *folders, want=tool.DONE).out


def test_sizes_that_depend_on_the_data(tmp_path):
    w = np.random.default_rng(4).standard_normal((4, 3, 3, 3)).astype(np.float32)
    relu, where = h.make_node("Relu", ["a"], ["r"], "relu"), h.make_node("NonZero", ["r"], ["y"], "where")
    nodes = [conv("x", "w", "a"), relu, where]
    save(tmp_path, nodes, {"w": w}, [("y", [4, None], T.INT64)])
    tool.run("convert", "--fast-perf", "--model", tmp_path / "m.onnx", want=tool.DONE, cwd=tmp_path)
    out = tmp_path / "model_output"
    done = tool.run("verify", out / "m_quantized_model.onnx", out / "m.bin", want=tool.DONE)
    assert "0 not verified, 0 faults" in done.out


def test_a_long_list_is_cut(tmp_path):
    """Every float tensor of a float chain differs from the ninth digit on."""
    names = [f"v{i}" for i in range(20)]
    nodes = [conv("x", "w", "v0")] + [h.make_node("Sigmoid", [a], [b], b) for a, b in zip(names, names[1:])]
    w = np.random.default_rng(5).normal(0, 0.5, (4, 3, 3, 3)).astype(np.float32)
    save(tmp_path, nodes, {"w": w}, [("v19", [1, 4, 6, 6])])
    files = convert(tmp_path, "bernoulli2")
    short, whole = (tool.run("verify", *files, "--digits", "9", *more, want=tool.CHECK_FAILED).out
                    for more in ((), ("--all",)))
    assert short.count("DIFFERENT") == 10 < whole.count("DIFFERENT") and "more tensors differ (--all" in short


def test_what_is_not_a_number_is_no_alarm(tmp_path):
    nodes = [conv("x", "w", "a"), h.make_node("Log", ["a"], ["b"], "log"),
             h.make_node("Relu", ["b"], ["c"], "relu"), h.make_node("ReduceMax", ["c"], ["y"], "max")]
    save(tmp_path, nodes, {"w": np.full((4, 3, 3, 3), 0.1, np.float32)}, [("y", [1, 1, 1, 1])])
    files = convert(tmp_path, "bernoulli2", np.abs)  # calibrated without negative numbers
    np.save(tmp_path / "x.npy", np.random.default_rng(6).standard_normal((1, 3, 8, 8)).astype(np.float32))
    dump = "--output-dir", tmp_path, "--dump-all"
    tool.run("run", files[1], "-i", tmp_path / "x.npy", *dump, want=tool.DONE)
    assert np.isnan(np.load(tmp_path / "tensors/b.npy")).any()
    tool.run("verify", *files, "-i", tmp_path / "x.npy", want=tool.DONE)


def test_a_path_may_hold_an_equals_sign(tmp_path):
    mixed(tmp_path)
    files = convert(tmp_path)
    (tmp_path / "run=1").mkdir()
    np.save(tmp_path / "run=1/x.npy", np.zeros((1, 3, 8, 8), np.float32))
    for path in tmp_path / "run=1/x.npy", f"x={tmp_path / 'run=1/x.npy'}":
        tool.run("verify", *files, "-i", path, want=tool.DONE)
        tool.run("run", files[1], "-i", path, want=tool.DONE)
