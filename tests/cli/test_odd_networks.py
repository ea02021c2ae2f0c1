"""Networks with an unusual outside: they convert, run and verify as any other."""
import json

import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

STAGES = ("original_float_model.onnx", "optimized_float_model.onnx", "calibrated_model.onnx",
          "quantized_model.onnx")
MARCHES = ("generic", "x86-64-v4", "bayes")


def info(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs, outputs, name=f"{kind}_{outputs[0]}", **attributes)


def weights(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


CONV = node("Conv", ["x", "w"], ["y"])
X, Y, W = info("x", 1, 2, 6, 6), info("y", 1, 3, 4, 4), {"w": weights(3, 2, 3, 3)}
RNN = {"w": weights(1, 16, 3), "r": weights(1, 16, 4)}
ZERO = {**W, "s": np.array([0]), "a": np.array([1])}
EMPTY = [CONV, node("Slice", ["y", "s", "s", "a"], ["z"]), node("Relu", ["z"], ["q"]),
         node("Concat", ["q", "y"], ["o"], axis=1)]

# nodes, inputs, outputs, constants, shapes of the outputs
NETWORKS = {
    "only_lstm": ([node("LSTM", ["x", "w", "r"], ["h"], hidden_size=4), node("Softmax", ["h"], ["y"])],
                  [info("x", 5, 1, 3)], [info("y", 5, 1, 1, 4)], RNN),
    "all_of_lstm": ([node("LSTM", ["x", "w", "r"], ["h", "last", "cell"], hidden_size=4)],
                    [info("x", 5, 1, 3)],
                    [info("h", 5, 1, 1, 4), info("last", 1, 1, 4), info("cell", 1, 1, 4)], RNN),
    "all_of_gru": ([node("GRU", ["x", "w12", "r12"], ["h", "last"], hidden_size=4)], [info("x", 5, 1, 3)],
                   [info("h", 5, 1, 1, 4), info("last", 1, 1, 4)],
                   {"w12": RNN["w"][:, :12], "r12": RNN["r"][:, :12]}),
    "only_identity": ([node("Identity", ["x"], ["y"])], [X], [info("y", 1, 2, 6, 6)], {}),
    "input_is_output": ([CONV], [X], [Y, X], W),
    "nothing_but_an_input": ([], [X], [X], {}),
    "constant_is_output": ([CONV], [X], [Y, info("w", 3, 2, 3, 3)], W),
    "output_twice": ([CONV], [X], [Y, Y], W),
    "empty_output": (EMPTY, [X], [info("o", 1, 3, 4, 4), info("q", 1, 0, 4, 4)], ZERO),
    "empty_input": ([node("Concat", ["x", "e"], ["c"], axis=2), node("Conv", ["c", "w"], ["y"])],
                    [X, info("e", 1, 2, 0, 6)], [Y], W),
    "empty_batch": ([CONV], [info("x", 0, 2, 6, 6)], [info("y", 0, 3, 4, 4)], W),
    "empty_branch": ([CONV, node("MatMul", ["e", "v"], ["k"]), node("ReduceSum", ["k", "axes"], ["s"])],
                     [X, info("e", 2, 0)], [Y, info("k", 2, 3), info("s", 2, 1)],
                     {**W, "v": weights(0, 3), "axes": np.array([1])}),
}
FLOAT = {"only_lstm", "all_of_lstm", "all_of_gru", "only_identity", "nothing_but_an_input", "empty_batch"}


def save(folder, name):
    nodes, inputs, outputs, constants = NETWORKS[name]
    stored = [numpy_helper.from_array(v, k) for k, v in constants.items()]
    g = helper.make_graph(nodes, "g", inputs, outputs, stored)
    path = folder / "m.onnx"
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path, [i.name for i in inputs], [o.name for o in outputs]


def convert(folder, names, march="generic", kind="featuremap", calibration="calibration_type: skip"):
    words = ";".join(names), ";".join(kind for _ in names)
    (folder / "c.yaml").write_text(
        f"model_parameters: {{onnx_model: m.onnx, output_model_file_prefix: m, working_dir: out,"
        f" march: {march}}}\n"
        f"input_parameters: {{input_name: '{words[0]}', input_type_train: '{words[1]}',"
        f" input_type_rt: '{words[1]}', input_layout_train: '{';'.join('NCHW' for _ in names)}'}}\n"
        f"calibration_parameters: {{{calibration}}}\n")
    return tool.run("convert", "-c", folder / "c.yaml", "--log", "none")


def outputs(folder, file, feed, *more):
    feed = [w for f in feed for w in ("--input", f)]
    tool.run("run", file, "-o", folder / "r", *feed, *more, want=tool.DONE)
    return {p.stem: np.load(p) for p in (folder / "r").glob("*.npy")}


@pytest.mark.parametrize("march", MARCHES)
@pytest.mark.parametrize("name", NETWORKS)
def test_converts_runs_verifies(tmp_path, name, march):
    model, names, results = save(tmp_path, name)
    tool.run("check", model, "--march", march, want=tool.DONE)
    done = convert(tmp_path, names, march)
    assert done.status == tool.DONE, str(done)
    assert ("nothing to quantize" in done.err) == (name in FLOAT) == ("computes in float32" in done.err)
    feed = []
    for i in NETWORKS[name][1]:
        x = np.tanh(weights(*[d.dim_value for d in i.type.tensor_type.shape.dim]))
        np.save(tmp_path / f"{i.name}.npy", x)
        feed.append(f"{i.name}={tmp_path / i.name}.npy")
    want = outputs(tmp_path, model, feed, "--reference")
    assert set(want) == set(results)
    for file in (*(f"out/m_{s}" for s in STAGES), "out/m.bin"):
        got = outputs(tmp_path, tmp_path / file, feed)
        for k, v in want.items():
            assert got[k].shape == v.shape
            limit = 0 if k in ("x", "w") else 1e-5 if name in FLOAT or "float" in file else 0.2
            assert np.abs(got[k] - v).max(initial=0) <= limit, (file, k)
    if NETWORKS[name][0]:
        files = tmp_path / "out/m_quantized_model.onnx", tmp_path / "out/m.bin"
        done = tool.run("verify", *files, want=tool.DONE)
        assert "Strict check PASSED" in done.out
        assert name != "input_is_output" or "outputs 0 relative" in done.out
        files = tmp_path / "out/m_original_float_model.onnx", tmp_path / "out/m.bin"
        tool.run("compare", *files, "-t", "max=0.5", want=tool.DONE)
        if name == "input_is_output":
            rows = json.loads(tool.run("compare", *files, "--json", want=tool.DONE).out)["tensors"]
            assert [r["max"] for r in rows if r["tensor"] == "x"] == [0]
    tool.run("info", tmp_path / "out/m.bin", want=tool.DONE)
    tool.run("perf", tmp_path / "out/m.bin", "--rounds", "1", want=tool.DONE)


@pytest.mark.parametrize("name", ["input_is_output", "constant_is_output", "output_twice"])
def test_integer_outputs(tmp_path, name):
    """Only what a node makes leaves as integers; the quantized ONNX and the program agree in it."""
    _, names, _ = save(tmp_path, name)
    done = convert(tmp_path, names, calibration="calibration_type: skip, optimization: set_model_output_int8")
    assert done.status == tool.DONE, str(done)
    files = tmp_path / "out/m_quantized_model.onnx", tmp_path / "out/m.bin"
    tool.run("verify", *files, want=tool.DONE)
    np.save(tmp_path / "x.npy", np.tanh(weights(1, 2, 6, 6)))
    x = [f"x={tmp_path / 'x.npy'}"]
    want, got = (outputs(tmp_path, file, x) for file in files)
    for k, v in want.items():
        assert v.dtype == got[k].dtype == (np.float32 if k in ("x", "w") else np.int8)
        assert (v == got[k]).all()


def test_an_edited_program_with_a_constant_output(tmp_path):
    _, names, _ = save(tmp_path, "constant_is_output")
    assert convert(tmp_path, names).status == tool.DONE
    tool.run("edit", tmp_path / "out/m.bin", "--all", "-o", tmp_path / "e.bin", want=tool.DONE)
    done = tool.run("verify", tmp_path / "out/m_quantized_model.onnx", tmp_path / "e.bin", want=tool.DONE)
    assert "Strict check PASSED" in done.out


def test_integer_outputs_of_other_tools(tmp_path):
    """A QuantizeLinear in front of an output, which a node reads, too, is the output's type and scale."""
    constants = {**W, "s": np.float32(0.05), "z": np.int8(3)}
    nodes = [node("Conv", ["x", "w"], ["c"]), node("QuantizeLinear", ["c", "s", "z"], ["y"]),
             node("DequantizeLinear", ["y", "s", "z"], ["d"]), node("Relu", ["d"], ["r"])]
    ends = [helper.make_tensor_value_info("y", TensorProto.INT8, [1, 3, 4, 4]), info("r", 1, 3, 4, 4)]
    NETWORKS["integers"] = nodes, [X], ends, constants
    model, names, _ = save(tmp_path, "integers")
    done = convert(tmp_path, names)
    assert done.status == tool.DONE, str(done)
    tool.run("verify", tmp_path / "out/m_quantized_model.onnx", tmp_path / "out/m.bin", want=tool.DONE)
    np.save(tmp_path / "x.npy", np.tanh(weights(1, 2, 6, 6)))
    x = [f"x={tmp_path / 'x.npy'}"]
    want = outputs(tmp_path, model, x, "--reference")["y"]
    for file in (*(f"m_{s}" for s in STAGES), "m.bin"):
        got = outputs(tmp_path, tmp_path / "out" / file, x)["y"]
        assert got.dtype == want.dtype == np.int8 and np.abs(got.astype(int) - want).max() <= 3


def test_scalar_and_integer_inputs(tmp_path):
    """What init writes for them is read; a mask of ones and a single number are no faulty data."""
    i64, b = TensorProto.INT64, TensorProto.BOOL
    nodes = [CONV, node("Cast", ["keep"], ["k"], to=TensorProto.FLOAT), node("Mul", ["y", "k"], ["m"]),
             node("Cast", ["negate"], ["f"], to=TensorProto.FLOAT), node("Mul", ["m", "f"], ["n"]),
             node("Mul", ["n", "t"], ["o"])]
    inputs = [X, helper.make_tensor_value_info("keep", i64, [1, 1, 1, 4]),
              helper.make_tensor_value_info("negate", b, []), info("t", 1)]
    NETWORKS["masked"] = nodes, inputs, [info("o", 1, 3, 4, 4)], W
    model, _, _ = save(tmp_path, "masked")
    tool.run("init", model, "-o", tmp_path / "i.yaml", cwd=tmp_path, want=tool.DONE)
    text = (tmp_path / "i.yaml").read_text()
    assert "input_shape: '1x2x6x6; 1x1x1x4; scalar; 1'" in text
    arrays = {"x": lambda i: weights(1, 2, 6, 6) * (1 + i), "keep": lambda i: np.ones((1, 1, 1, 4), np.int64),
              "negate": lambda i: np.array(i % 2 == 0), "t": lambda i: np.array([1.0 + i], np.float32)}
    for name, make in arrays.items():
        (tmp_path / "calibration_data" / name).mkdir(parents=True)
        for i in range(12):
            np.save(tmp_path / "calibration_data" / name / f"{i}.npy", make(i))
    said = tool.run("check", "-c", "i.yaml", cwd=tmp_path, want=tool.DONE)
    assert "single value" not in said.err
    tool.run("convert", "-c", "i.yaml", "--log", "none", cwd=tmp_path, want=tool.DONE)
    out = next(tmp_path.glob("*_output"))
    tool.run("verify", next(out.glob("*_quantized_model.onnx")), next(out.glob("*.bin")), want=tool.DONE)
    for i in range(12):
        np.save(tmp_path / "calibration_data/x" / f"{i}.npy", np.full((1, 2, 6, 6), i, np.float32))
    said = tool.run("check", "-c", "i.yaml", cwd=tmp_path, want=tool.DONE)
    assert "input x: 12 of 12 samples contain a single value" in said.err


def test_names_that_a_configuration_cannot_hold(tmp_path):
    """A semicolon separates inputs; the only input needs no name. Quotes are doubled."""
    NETWORKS["quote"] = ([node("Conv", ["it's", "w"], ["y"])], [info("it's", 1, 2, 6, 6)], [Y], W)
    NETWORKS["single"] = ([node("Conv", ["a;b", "w"], ["y"])], [info("a;b", 1, 2, 6, 6)], [Y], W)
    NETWORKS["pair"] = ([node("Conv", ["a;b", "w"], ["y"]), node("Relu", ["z"], ["u"])],
                        [info("a;b", 1, 2, 6, 6), info("z", 1, 3)], [Y, info("u", 1, 3)], W)
    (tmp_path / "calibration_data").mkdir()
    for i in range(10):
        np.save(tmp_path / f"calibration_data/{i}.npy", weights(1, 2, 6, 6) * (i + 1))
    for name in "quote", "single":
        model, _, _ = save(tmp_path, name)
        (tmp_path / "i.yaml").unlink(missing_ok=True)
        tool.run("init", model, "-o", "i.yaml", cwd=tmp_path, want=tool.DONE)
        tool.run("convert", "-c", "i.yaml", "--log", "none", cwd=tmp_path, want=tool.DONE)
    model, _, _ = save(tmp_path, "pair")
    said = tool.run("init", model, "-o", tmp_path / "p.yaml", want=tool.BAD_INPUT).err
    assert "input 'a;b'" in said and "rename it" in said and not (tmp_path / "p.yaml").exists()


def test_an_image_that_is_an_output(tmp_path):
    X3 = info("x", 1, 3, 6, 6)
    NETWORKS["image"] = ([node("Conv", ["x", "w"], ["y"])], [X3], [Y, X3], {"w": weights(3, 3, 3, 3)})
    _, names, _ = save(tmp_path, "image")
    done = convert(tmp_path, names, kind="rgb")
    assert done.status == tool.BAD_INPUT and "input x is an output of the network, too" in done.err


def test_default_calibration_and_fast_perf(tmp_path):
    _, names, _ = save(tmp_path, "only_lstm")
    (tmp_path / "d").mkdir()
    for i in range(20):
        np.save(tmp_path / f"d/{i}.npy", weights(5, 1, 3) + np.float32(i / 10))
    done = convert(tmp_path, names, calibration="calibration_type: default, cal_data_dir: d")
    assert done.status == tool.DONE and done.err.count("nothing to quantize") == 1
    done = tool.run("convert", "--fast-perf", "--model", tmp_path / "m.onnx", "--output-dir", tmp_path / "f",
                    "--log", "none", want=tool.DONE)
    assert "nothing to quantize" in done.err
