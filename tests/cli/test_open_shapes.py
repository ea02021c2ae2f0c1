"""Networks whose shapes or inputs are left open: dynamic axes, inputs that are pinned, If nodes on them."""
import json

import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

F, I64 = TensorProto.FLOAT, TensorProto.INT64
SHAPE = "--input-shape NAME SHAPE (in a configuration: input_shape)"


def info(name, shape, kind=F):
    return helper.make_tensor_value_info(name, kind, shape)


def save(path, nodes, inputs, outputs, weights=None):
    stored = [numpy_helper.from_array(np.asarray(v), k) for k, v in (weights or {}).items()]
    g = helper.make_graph(nodes, "g", inputs, outputs, stored)
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def dynamic(tmp_path):
    """A convolution over images of any size, and a second input of any length."""
    w = np.random.default_rng(0).standard_normal((2, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
             helper.make_node("Relu", ["t"], ["u"], name="relu")]
    return save(tmp_path / "d.onnx", nodes, [info("x", ["n", 3, "height", "width"]), info("t", ["length"])],
                [info("c", None), info("u", None)], {"w": w})


def arrays(folder, *shapes):
    paths = []
    for i, shape in enumerate(shapes):
        paths.append(folder / f"{i}.npy")
        np.save(paths[-1], np.random.default_rng(i).standard_normal(shape).astype(np.float32))
    return paths


def test_shapes_of_options(dynamic, tmp_path):
    sizes = "--input-shape", "x", "1x3x8x9", "--input-shape", "t=7"
    tool.run("run", dynamic, *sizes, "-o", tmp_path / "r", want=tool.DONE)
    assert np.load(tmp_path / "r/c.npy").shape == (1, 2, 6, 7)
    assert np.load(tmp_path / "r/u.npy").shape == (7,)
    tool.run("perf", dynamic, *sizes, "--rounds", "1", want=tool.DONE)
    tool.run("run", dynamic, *sizes, "--reference", want=tool.DONE)


def test_shapes_of_files(dynamic, tmp_path):
    x, t = arrays(tmp_path, (1, 3, 10, 12), (5,))
    for inputs in ((x, t), (f"t={t}", f"x={x}")):
        words = [w for i in inputs for w in ("--input", i)]
        tool.run("run", dynamic, *words, "-o", tmp_path / "r", want=tool.DONE)
        assert np.load(tmp_path / "r/c.npy").shape == (1, 2, 8, 10)
        assert np.array_equal(np.load(tmp_path / "r/u.npy"), np.maximum(np.load(t), 0))
        tool.run("perf", dynamic, *words, "--rounds", "1", want=tool.DONE)
    tool.run("run", dynamic, "--input", f"t={t}", "--input-shape", "x", "1x3x8x8", want=tool.DONE)


def test_shapes_that_are_wrong(dynamic, tmp_path):
    flat, other, t = arrays(tmp_path, (3, 10, 12), (1, 4, 10, 12), (5,))
    for x in (flat, other):  # it does not fit what the model says
        done = tool.run("run", dynamic, "--input", f"x={x}", "--input", f"t={t}", want=tool.BAD_INPUT)
        assert "input 'x' has a dynamic dimension 'height' (axis 2)" in done.err
        assert f"try: {SHAPE}" in done.err
    done = tool.run("run", dynamic, want=tool.BAD_INPUT)
    assert f"try: {SHAPE}" in done.err
    done = tool.run("run", dynamic, "--input-shape", "y", "1x3x8x8", want=tool.BAD_INPUT)
    assert "'y', which is not an input" in done.err


def test_advice_that_a_command_cannot_take_is_not_given(dynamic, tmp_path):
    for command, given in (("init", True), ("check", True), ("perf", True), ("eval", False)):
        more = (dynamic, "--images", tmp_path) if command == "eval" else ()
        done = tool.run(command, dynamic, *more, want=tool.BAD_INPUT)
        assert (f"try: {SHAPE}" in done.err) == given, command
    (tmp_path / "c.yaml").write_text(
        "model_parameters: {onnx_model: d.onnx}\ninput_parameters: {input_name: 'x; t', input_type_rt:"
        " 'featuremap; featuremap', input_type_train: 'featuremap; featuremap'}\n"
        "calibration_parameters: {calibration_type: skip}\n")
    done = tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.BAD_INPUT)
    assert "(in a configuration: input_shape)" in done.err


def test_a_bin_has_no_open_shape(digits):
    for option in (("--input-shape", "x", "1x1x28x28"), ("--input-value", "x=1")):
        assert "fixed in a .bin" in tool.run("run", digits.bin, *option, want=tool.USAGE).err


# ---- several artefacts ----

@pytest.fixture
def converted(tmp_path):
    """A network of any size with a rate that decides a branch, and what became of it at one size and rate."""
    w = np.random.default_rng(0).standard_normal((2, 3, 3, 3)).astype(np.float32)
    branches = {f"{b}_branch": helper.make_graph([helper.make_node(k, ["c"], [b], name=k)], b, [],
                                                 [info(b, None)])
                for b, k in (("then", "Relu"), ("else", "Neg"))}
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
             helper.make_node("Equal", ["sr", "k"], ["is"], name="equal"),
             helper.make_node("If", ["is"], ["y"], name="if", **branches)]
    model = save(tmp_path / "d.onnx", nodes, [info("x", ["n", 3, "height", "width"]), info("sr", [], I64)],
                 [info("y", None)], {"w": w, "k": np.int64(16000)})
    (tmp_path / "c.yaml").write_text(
        "model_parameters: {onnx_model: d.onnx, output_model_file_prefix: m, working_dir: out}\n"
        "input_parameters: {input_name: x, input_shape: 1x3x8x8, input_value: 'sr=16000',"
        " input_type_rt: featuremap, input_type_train: featuremap}\n"
        "calibration_parameters: {calibration_type: skip}\n")
    tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.DONE)
    return model, tmp_path / "out/m_quantized_model.onnx", tmp_path / "out/m.bin"


SIZES = "--input-shape", "x", "1x3x8x8", "--input-value", "sr=16000"


def test_verify_with_shapes_and_values(converted):
    """Each artefact takes what concerns its inputs."""
    model, quantized, bin = converted
    for pair in ((model, quantized), (model, bin), (bin, model), (quantized, bin)):
        known = model in pair
        done = tool.run("verify", *pair, *SIZES, "--random", "1", want=tool.DONE if known else tool.USAGE)
        assert known or "input_value is set for 'sr=16000'" in done.err
    assert SHAPE in tool.run("verify", model, bin, want=tool.BAD_INPUT).err
    done = tool.run("verify", model, bin, *SIZES, "--input-shape", "z", "1x3", want=tool.USAGE)
    assert "input_shape is set for 'z', which is not an input of any" in done.err


def test_eval_with_shapes_and_values(converted, tmp_path):
    arrays(tmp_path, *[(1, 3, 8, 8)] * 3)
    (tmp_path / "data").mkdir()
    for path in tmp_path.glob("?.npy"):
        path.rename(tmp_path / "data" / path.name)
    words = *converted, "--metric", "outputs", "--images", tmp_path / "data", "--resume", tmp_path / "state"
    assert SHAPE in tool.run("eval", *words, want=tool.BAD_INPUT).err
    done = tool.run("eval", *words, *SIZES, "--json", want=tool.DONE)
    likeness = json.loads(done.out)["models"][2]["outputs"]["y"]
    assert likeness["cosine_min"] > 0.9
    done = tool.run("eval", *words, *SIZES[:4], "sr=16001", want=(tool.USAGE, tool.BAD_INPUT))
    assert "state: contains results of other models, images, labels or settings" in done.err
    done = tool.run("eval", *words, *SIZES, "--input-shape", "z=1", want=tool.USAGE)
    assert "not an input of any" in done.err


def test_info_of_an_open_network(converted):
    assert SHAPE in tool.run("info", converted[0], want=tool.BAD_INPUT).err
    assert "1x3x8x8" in tool.run("info", converted[0], *SIZES, want=tool.DONE).out


def test_align_runs_an_open_network(converted, tmp_path):
    """The model behind a pipeline."""
    from PIL import Image
    Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(tmp_path / "i.png")
    (tmp_path / "t/i").mkdir(parents=True)
    np.save(tmp_path / "t/i/decode.npy", np.full((8, 8, 3), 7, np.uint8))
    words = ("align", "--pipeline", "normalise scale=1/255; layout NCHW; dtype float32", "--trace",
             tmp_path / "t", "--images", tmp_path / "i.png", "--model", converted[0])
    assert SHAPE in tool.run(*words, want=tool.BAD_INPUT).err
    done = tool.run(*words, *SIZES)
    assert "input_shape" not in done.err, str(done)


# ---- init ----

def test_init_fails_as_check_does(tmp_path):
    """A shape that does not fit, an operator that is not there, a network that does not lower."""
    w = np.zeros((4, 2, 3, 3), np.float32)
    grouped = [helper.make_node("Conv", ["x", "w"], ["y"], name="c")]
    alone = [helper.make_node("NonZero", ["x"], ["z"], name="nz"),
             helper.make_node("Neg", ["z"], ["y"], name="n")]
    unknown = [helper.make_node("Nonsense", ["x"], ["y"], name="n")]
    cases = [(grouped, {"w": w}, "c"), (unknown, {}, "Nonsense"), (alone, {}, "depends on the data")]
    for nodes, weights, text in cases:
        model = save(tmp_path / "m.onnx", nodes, [info("x", [1, 3, 8, 8])], [info("y", None)], weights)
        check = tool.run("check", model, want=tool.BAD_INPUT)
        init = tool.run("init", model, "-o", tmp_path / "m.yaml", want=tool.BAD_INPUT)
        assert text in check.err and text in init.err and not (tmp_path / "m.yaml").exists()
        tries = [line for line in check.err.splitlines() if line.startswith("  try:")]
        assert [line for line in init.err.splitlines() if line.startswith("  try:")] == tries


# ---- pinned inputs ----

def nested(depth, out="y"):
    """`depth` Ifs within each other, all on sr == 16000: x * 2 ** -depth where they hold."""
    inner = [helper.make_node("Mul", ["x", "half"], [f"m{depth}"], name=f"mul{depth}")]
    result = f"m{depth}"
    for i in range(depth, 0, -1):
        no = helper.make_graph([helper.make_node("Neg", ["x"], [f"no{i}"], name=f"neg{i}")], "no", [],
                               [info(f"no{i}", None)])
        yes = helper.make_graph(inner, "yes", [], [info(result, None)])
        test = helper.make_node("Equal", ["sr", "rate"], [f"is{i}"], name=f"equal{i}")
        result = out if i == 1 else f"if{i}"
        choice = {"then_branch": yes, "else_branch": no, "name": f"if{i}"}
        inner = [test, helper.make_node("If", [f"is{i}"], [result], **choice)]
    return inner


def with_rate(path, depth, shape=()):
    return save(path, nested(depth), [info("x", [2, 3]), info("sr", list(shape), I64)], [info("y", [2, 3])],
                {"half": np.float32(0.5), "rate": np.int64(16000)})


@pytest.mark.parametrize("depth", [1, 5, 20])
def test_an_if_on_a_pinned_input(tmp_path, depth):
    """Files with Ifs within Ifs: 3 messages for each."""
    model = with_rate(tmp_path / "m.onnx", depth)
    x, = arrays(tmp_path, (2, 3))
    for rate, factor in ((16000, 0.5), (8000, -1)):
        for more in ((), ("--reference",)):
            tool.run("run", model, "--input-value", f"sr={rate}", "--input", x, "-o", tmp_path / "r", *more,
                     want=tool.DONE)
            assert np.array_equal(np.load(tmp_path / "r/y.npy"), np.load(x) * np.float32(factor))
        tool.run("perf", model, "--input-value", f"sr={rate}", "--rounds", "1", want=tool.DONE)
        tool.run("check", model, "--input-value", f"sr={rate}", want=tool.DONE)
    for rate, factor in ((16000, 0.5), (8000, -1)):  # given at run time, both branches are computed
        np.save(tmp_path / "sr.npy", np.int64(rate))
        tool.run("run", model, "--input", f"x={x}", "--input", f"sr={tmp_path / 'sr.npy'}", "-o",
                 tmp_path / "r", want=tool.DONE)
        assert np.array_equal(np.load(tmp_path / "r/y.npy"), np.load(x) * np.float32(factor))


def test_pinned_in_a_configuration(tmp_path):
    with_rate(tmp_path / "m.onnx", 2, shape=[1])
    yaml = tmp_path / "c.yaml"
    text = ("model_parameters: {onnx_model: m.onnx, working_dir: out, output_model_file_prefix: m}\n"
            "input_parameters: {VALUE input_name: x, input_type_rt: featuremap,"
            " input_type_train: featuremap}\n"
            "calibration_parameters: {calibration_type: skip}\n")
    yaml.write_text(text.replace("VALUE", "input_value: 'sr=16000',"))
    tool.run("convert", "-c", yaml, "--log", "none", want=tool.DONE)
    x, = arrays(tmp_path, (2, 3))
    tool.run("run", tmp_path / "out/m.bin", "--input", x, "-o", tmp_path / "r", want=tool.DONE)
    assert np.array_equal(np.load(tmp_path / "r/y.npy"), np.load(x) * np.float32(0.5))
    for value, message in (("'sr=16k'", "expected numbers separated by ',', got '16k'"),
                           ("'sr=1,2'", "input 'sr' of shape 1: expected one number"),
                           ("'rate=1'", "input_value is set for 'rate', which is not an input"),
                           ("'sr'", "expected NAME=NUMBER, got 'sr'")):
        yaml.write_text(text.replace("VALUE", f"input_value: {value},"))
        assert message in tool.run("convert", "-c", yaml, "--log", "none", want=tool.BAD_INPUT).err
    done = tool.run("init", tmp_path / "m.onnx", "--input-value", "sr=16000", "-o", tmp_path / "i.yaml",
                    want=tool.DONE)
    assert "input_value: 'sr=16000'" in (tmp_path / "i.yaml").read_text()
    assert "input_name: 'x'" in (tmp_path / "i.yaml").read_text()


def test_nesting_has_a_limit(tmp_path):
    image = b""
    for i in range(120):  # graph 7 of a model; then node 1, attribute 5, graph 6 within each other
        image = bytes([((6, 5, 1)[i % 3] << 3) | 2]) + varint(len(image)) + image
    (tmp_path / "m.onnx").write_bytes(bytes([7 << 3 | 2]) + varint(len(image)) + image)
    assert "nested too deeply" in tool.run("run", tmp_path / "m.onnx", want=tool.BAD_INPUT).err


def varint(n):
    return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])


def test_values_for_each_element(tmp_path):
    model = save(tmp_path / "m.onnx", [helper.make_node("Add", ["x", "b"], ["y"], name="add")],
                 [info("x", [2, 3]), info("b", ["n"])], [info("y", None)])
    x, = arrays(tmp_path, (2, 3))
    for value, b in (("1,2.5,-3", [1, 2.5, -3]), ("4", [4])):
        tool.run("run", model, "--input-value", f"b={value}", "--input", x, "-o", tmp_path / "r",
                 want=tool.DONE)
        assert np.array_equal(np.load(tmp_path / "r/y.npy"), np.load(x) + np.array(b, np.float32))
