"""What the runtime cannot compute is refused by its node when the model is read, not as a damaged .bin."""
import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

H, W = 4097, 4100  # more than 2^24
LARGE, MOST = f"{H * W} elements; at most", "are supported"


def save(path, op, attributes, shape=(1, 1, H, W), **more):
    constants = {"w": np.ones((1, 1, 1, 1), np.float32), **more}
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], "conv"), helper.make_node(op, ["a", *more], ["y"],
                                                                                   "p", **attributes)]
    info = lambda name, dims: [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)]
    g = helper.make_graph(nodes, "g", info("x", shape), info("y", None), [numpy_helper.from_array(v, k) for k,
                                                                          v in constants.items()])
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("op,attributes", [
    ("GlobalAveragePool", {}), ("GlobalMaxPool", {}), ("AveragePool", dict(kernel_shape=[H, W])),
    ("MaxPool", dict(kernel_shape=[H, W])), ("ReduceMean", dict(axes=[2, 3])), ("ReduceMax", dict(axes=[2,
                                                                                                        3]))])
def test_too_many_elements(tmp_path, op, attributes):
    err = tool.run("check", save(tmp_path / "m.onnx", op, attributes), want=tool.BAD_INPUT).err
    assert f"p: one result is made of {LARGE}" in err and MOST in err and "damaged" not in err


def test_a_long_axis(tmp_path):
    err = tool.run("check", save(tmp_path / "m.onnx", "Softmax", dict(axis=3), (1, 1, 1, H * W)),
                   want=tool.BAD_INPUT).err
    assert f"spatial dimension 1 of x has {LARGE}" in err and "conv: spatial" in err


@pytest.mark.parametrize("lo,hi,wrong", [(3, 1, True), (1, 3, False), (2, 2, False), (np.nan, 1, True)])
def test_bounds_of_a_clip(tmp_path, lo, hi, wrong):
    path = save(tmp_path / "m.onnx", "Clip", {}, (1, 1, 4, 4), lo=np.float32(lo), hi=np.float32(hi))
    err = tool.run("check", path, want=tool.BAD_INPUT if wrong else tool.DONE).err
    assert (f"p: expected a lower bound up to the upper one, got {lo:g} and {hi:g}" in err) == wrong
