"""Operators with an integer form between two convolutions: they compute in integers, in int8 and int16, and
the program equals the quantized ONNX file bit by bit."""
import json

import numpy as np
import onnx
import onnx.helper as oh
import pytest
import tool

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
# name: node(s) from x to y, constants, rank of x
FORMS = {
    **{f"{op}_{name}": ([oh.make_node(op, ["x", "axes"], ["y"], "form", keepdims=1)],
                        [const("axes", np.int64(a))], 4)
       for op in ("ReduceMax", "ReduceMin") for name, a in AXES.items()},
    "GatherElements": ([oh.make_node("GatherElements", ["x", "index"], ["y"], "form", axis=3)],
                       [const("index", INDEX)], 4),
    "BatchNormalization": ([oh.make_node("Relu", ["x"], ["r"], "relu"),
                            oh.make_node("BatchNormalization", ["r", "s", "b", "m", "v"], ["y"], "form")],
                           statistics(), 4),
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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("types", ["int8", "int16"])
def test_form(tmp_path, form, types):
    network(tmp_path / "net.onnx", form)
    more = "  optimization: 'set_all_nodes_int16'\n" if types == "int16" else ""
    (tmp_path / "c.yaml").write_text(f"""model_parameters:
  onnx_model: 'net.onnx'
  working_dir: 'out'
input_parameters:
  input_type_train: 'featuremap'
  input_type_rt: 'featuremap'
calibration_parameters:
  calibration_type: 'skip'
{more}""")
    done = tool.run("convert", "-c", "c.yaml", "--log", "none", "--json", want=tool.DONE, cwd=tmp_path)
    rows = {r["node"]: r for r in json.loads(done.out)["nodes"]}
    row = rows.get("form") or rows["UNIT_CONV_FOR_form"]
    assert row["on"] == "BPU" and row["dtype"] == types, (row, rows)
    for mask in ("0", "all"):
        out = tmp_path / "out"
        r = tool.run("verify", out / "model_quantized_model.onnx", out / "model.bin", "--cpumask", mask,
                     want=tool.DONE)
        assert "Strict check PASSED" in r.out
