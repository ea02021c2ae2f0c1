"""Operators with an integer form between two convolutions: they compute in integers, in int8 and int16, and
the program equals the quantized ONNX file bit by bit."""
import json
import sys

import numpy as np
import onnx
import onnx.helper as oh
import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import binedit  # noqa: E402

C, H, W = 6, 8, 10
RANDOM = np.random.default_rng(11)


def const(name, x):
    x = np.asarray(x)
    return oh.make_tensor(name, oh.np_dtype_to_tensor_dtype(x.dtype), x.shape, x.ravel())


def conv(x, y, c_in, c_out, name):
    w = RANDOM.normal(size=(c_out, c_in, 1, 1)).astype(np.float32)
    return oh.make_node("Conv", [x, f"w_{name}"], [y], name), const(f"w_{name}", w)


def statistics():
    scale, bias, mean = RANDOM.normal(size=(3, C)).astype(np.float32)
    return [const("s", scale), const("b", bias), const("m", mean), const("v", np.abs(scale) + 0.5)]


AXES = {"one": [2], "two": [2, 3], "channels": [1], "apart": [1, 3], "last": [-1]}
INDEX = np.stack([RANDOM.permutation(W)[:4] - 3 for _ in range(C * H)]).reshape(1, C, H, 4)


def argument(op, **attributes):
    """Indices along the channels, as numbers."""
    return [oh.make_node(op, ["x"], ["k"], "form", axis=1, **attributes),
            oh.make_node("Cast", ["k"], ["y"], "cast", to=1)], [], 4


def topk(**attributes):
    return [oh.make_node("TopK", ["x", "count"], ["v", "k"], "form", axis=1, **attributes),
            oh.make_node("Cast", ["k"], ["f"], "cast", to=1),
            oh.make_node("Concat", ["v", "f"], ["y"], "join", axis=1)], [const("count", np.int64([3]))], 4


def comparison(op, other):
    """x where the comparison holds, else a constant; other: an array, or the name of a value."""
    given = isinstance(other, str)
    nodes = [oh.make_node("Sigmoid", ["x"], ["other"], "other")] if given else []
    nodes += [oh.make_node(op, ["x", "other"], ["k"], "form"),
              oh.make_node("Where", ["k", "x", "half"], ["y"], "where")]
    constants = [const("half", np.float32(0.5))] + ([] if given else [const("other", other)])
    return nodes, constants, 4


# Their results are indices or booleans.
CHOICES = {
    **{f"{op}_{last}": argument(op, select_last_index=last)
       for op in ("ArgMax", "ArgMin") for last in (0, 1)},
    **{f"TopK_{largest}": topk(largest=largest) for largest in (0, 1)},
    **{op: comparison(op, np.float32(0.3))
       for op in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal")},
    "Greater_each": comparison("Greater", RANDOM.normal(size=(C, 1, W)).astype(np.float32)),
    "Less_values": comparison("Less", "other"),
}
# name: node(s) from x to y, constants, rank of x
FORMS = {
    **{f"{op}_{name}": ([oh.make_node(op, ["x", "axes"], ["y"], "form", keepdims=1)],
                        [const("axes", np.int64(a))], 4)
       for op in ("ReduceMax", "ReduceMin", "ReduceSum") for name, a in AXES.items()},
    "GatherElements": ([oh.make_node("GatherElements", ["x", "index"], ["y"], "form", axis=3)],
                       [const("index", INDEX)], 4),
    "BatchNormalization": ([oh.make_node("Relu", ["x"], ["r"], "relu"),
                            oh.make_node("BatchNormalization", ["r", "s", "b", "m", "v"], ["y"], "form")],
                           statistics(), 4),
    **CHOICES,
    "OneHot": ([oh.make_node("ArgMax", ["x"], ["k"], "argmax", axis=1, keepdims=0),
                oh.make_node("OneHot", ["k", "depth", "values"], ["y"], "form", axis=1)],
               [const("depth", np.int64(C)), const("values", np.float32([-0.4, 1.7]))], 4),
    "MaxPool": ([oh.make_node("MaxPool", ["x"], ["y"], "form", kernel_shape=[1, 3, 2], strides=[1, 2, 1],
                              pads=[0, 1, 0, 0, 1, 1])], [], 5),
}


def model_of(nodes, constants, shape, out):
    value = oh.make_tensor_value_info
    graph = oh.make_graph(nodes, "g", [value("in", 1, shape)], [value(out, 1, None)], constants)
    return onnx.shape_inference.infer_shapes(
        oh.make_model(graph, opset_imports=[oh.make_opsetid("", 18)], ir_version=8))


def network(path, form):
    """A convolution, the form, a convolution; volumes, whose convolutions stay float, come out of a table."""
    nodes, constants, rank = FORMS[form]
    shape, y = [1, C, H, W] if rank == 4 else [1, C, 3, H, W], "y"
    first, w1 = conv("in", "x", C, C, "first")
    if rank == 5:
        first, y = oh.make_node("Sin", ["in"], ["x"], "first"), "flat"
        constants = [*constants, const("depth", np.int64([2]))]
        nodes = [*nodes, oh.make_node("ReduceMax", ["y", "depth"], ["flat"], "flatten", keepdims=0)]
    half = model_of([first, *nodes], [w1, *constants], shape, y)
    channels = half.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    last, w2 = conv(y, "out", channels, 2, "last")
    onnx.save(model_of([first, *nodes, last], [w1, w2, *constants], shape, "out"), path)


def convert(folder, types):
    """The network there in integers; the rows of its nodes."""
    more = "  optimization: 'set_all_nodes_int16'\n" if types == "int16" else ""
    (folder / "c.yaml").write_text(f"""model_parameters:
  onnx_model: 'net.onnx'
  working_dir: 'out'
input_parameters:
  input_type_train: 'featuremap'
  input_type_rt: 'featuremap'
calibration_parameters:
  calibration_type: 'skip'
  run_on_bpu: 'form'
{more}""")
    done = tool.run("convert", "-c", "c.yaml", "--log", "none", "--json", want=tool.DONE, cwd=folder)
    return {r["node"]: r for r in json.loads(done.out)["nodes"]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("types", ["int8", "int16"])
def test_form(tmp_path, form, types):
    network(tmp_path / "net.onnx", form)
    rows = convert(tmp_path, types)
    row = rows.get("form") or rows["UNIT_CONV_FOR_form"]
    assert row["on"] == "BPU" and row["dtype"] == types, (row, rows)
    for mask in ("0", "all"):
        out = tmp_path / "out"
        r = tool.run("verify", out / "model_quantized_model.onnx", out / "model.bin", "--cpumask", mask,
                     want=tool.DONE)
        assert "Strict check PASSED" in r.out


def parameters(path, value):
    """Scale and zero point of a value in a quantized ONNX file."""
    g = onnx.load(path).graph
    numbers = {i.name: onnx.numpy_helper.to_array(i) for i in g.initializer}
    pair = next(n for n in g.node if n.op_type == "DequantizeLinear" and n.output[0] == value)
    return tuple(numbers[i] for i in pair.input[1:])


def real(q, scale, zero):
    return (q.astype(np.int32) - np.int32(zero)).astype(np.float32) * np.float32(scale)


def places(x, form):
    """What ArgMax_0, TopK_1, ... give along the channels, by NumPy."""
    op, last = form.split("_")
    x = x.astype(np.int32) if op == "ArgMax" or (op, last) == ("TopK", "1") else -x.astype(np.int32)
    if op == "TopK":
        return np.argsort(-x, axis=1, kind="stable")[:, :3]
    if last == "1":
        return C - 1 - np.argmax(x[:, ::-1], axis=1, keepdims=True)
    return np.argmax(x, axis=1, keepdims=True)


TESTS = {"Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Less": np.less,
         "LessOrEqual": np.less_equal, "Equal": np.equal}


def type_of(form, result):
    if result == "y":
        return onnx.TensorProto.FLOAT
    return onnx.TensorProto.BOOL if form.split("_")[0] in TESTS else onnx.TensorProto.INT64


def second_operand(folder, quantized):
    """Of the comparison, as real numbers: a constant, or what the program holds."""
    g = onnx.load(quantized).graph
    name = next(n.input[1] for n in g.node if n.name == "form")
    source = next(n.input[0] for n in g.node if n.op_type == "DequantizeLinear" and n.output[0] == name)
    stored = [onnx.numpy_helper.to_array(i) for i in g.initializer if i.name == source]
    integers = stored[0] if stored else np.load(folder / f"tensors/{name}.npy")
    return real(integers, *parameters(quantized, name))


def summed(x, s, z, s_y, z_y, integers):
    sums = (x.astype(np.int64) - z).sum(axis=(2, 3), keepdims=True).astype(np.float32)
    limits = np.iinfo(integers)
    return np.clip(np.rint(sums * np.float32(s / s_y)) + z_y, limits.min, limits.max)


@pytest.mark.parametrize("form", [*CHOICES, "ReduceSum_two"])
@pytest.mark.parametrize("types", ["int8", "int16"])
def test_formula(tmp_path, form, types):
    """The formulas of docs/numerics.md, written once more."""
    network(tmp_path / "net.onnx", form)
    m = onnx.load(tmp_path / "net.onnx")
    result = "y" if form == "ReduceSum_two" else "k"
    m.graph.output.append(oh.make_tensor_value_info(result, type_of(form, result), None))
    onnx.save(onnx.shape_inference.infer_shapes(m), tmp_path / "net.onnx")
    convert(tmp_path, types)
    tool.run("run", "out/model.bin", "--dump-all", "-o", "d", want=tool.DONE, cwd=tmp_path)
    x, y = (np.load(tmp_path / f"d/{name}.npy") for name in ("tensors/x", result))
    quantized = tmp_path / "out/model_quantized_model.onnx"
    s, z = parameters(quantized, "x")
    if result == "y":
        y = np.load(tmp_path / "d/tensors/y.npy")
        assert np.array_equal(summed(x, s, z, *parameters(quantized, "y"), y.dtype), y)
    elif form.split("_")[0] in TESTS:
        test = TESTS[form.split("_")[0]]
        assert np.array_equal(test(real(x, s, z), second_operand(tmp_path / "d", quantized)), y)
        assert 0 < y.mean() < 1 or form == "Equal"
    else:
        assert np.array_equal(places(x, form), y)


def is_comparison(s):
    return s["opcode"] == "PORTABLE" and s["params"]["function"] == 36


def is_arg(s):
    return s["opcode"] == "PORTABLE" and s["params"]["function"] == 4


@pytest.mark.parametrize("form, find, name, k, value, words", [
    ("Greater", is_comparison, "i", 0, 13, "wrong operation or types"),
    ("Greater", is_comparison, "i", 1, 32768, "a zero point is out of range"),
    ("ReduceSum_two", lambda s: s["opcode"] == "AVGPOOL", "count_include_pad", 0, 3, "is out of range"),
    ("ArgMax_0", is_arg, "i", 0, 4, "wrong axis"),
])
def test_hostile_parameters(tmp_path, form, find, name, k, value, words):
    network(tmp_path / "net.onnx", form)
    convert(tmp_path, "int8")
    program = tmp_path / "out/model.bin"
    edit = binedit.Edit(program.read_bytes())
    at = next(i for i, s in enumerate(edit.instructions) if find(s))
    edit.set_param(at, name, value, k)
    program.write_bytes(edit.sealed())
    assert words in tool.run("run", program, want=tool.BAD_INPUT).err
