"""QDQ models in int16 that others made: read, run and refused as they should be."""
import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper, numpy_helper

import ort


def model(path, zero=0, weight=np.int8, axis=0):
    """Conv and Relu between int16 tensors at opset 21."""
    rng = np.random.default_rng(1)
    low = -32768 if weight == np.int16 else -128  # the lowest integer, which no converter of ours writes
    w = rng.integers(low, -low, (6, 4, 3, 3)).astype(weight)
    w[0, 0] = low
    constants = {
        "xs": np.float32(1e-4),
        "xz": np.int16(zero),
        "ws": np.full(6, 0.01 if weight == np.int8 else 4e-5, np.float32),
        "wz": np.zeros(6, weight),
        "w": w,
        "b": rng.integers(-10000, 10000, 6).astype(np.int32),
        "ys": np.float32(2e-3),
        "yz": np.int16(0),
    }
    constants["bs"] = constants["xs"] * constants["ws"]
    node = helper.make_node
    nodes = [
        node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=axis),
        node("DequantizeLinear", ["b", "bs"], ["bd"], axis=0),
        node("Conv", ["xd", "wd", "bd"], ["c"], "conv"),
        node("Relu", ["c"], ["r"], "relu"),
        node("QuantizeLinear", ["r", "ys", "yz"], ["yq"]),
        node("DequantizeLinear", ["yq", "ys", "yz"], ["y"]),
    ]
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    g = helper.make_graph(
        nodes,
        "g",
        [info("x", [1, 4, 9, 7])],
        [info("y", [1, 6, 7, 5])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(m, full_check=True)
    onnx.save(m, path)
    return constants["ys"]


@pytest.mark.parametrize("weight", [np.int8, np.int16])
@pytest.mark.parametrize("how", [[], ["--reference"], ["--cpumask", "0"]], ids=["runtime", "reference", "C"])
def test_as_onnxruntime(tmp_path, weight, how):
    step = model(tmp_path / "m.onnx", weight=weight)
    rng = np.random.default_rng(2)
    x = rng.uniform(-3.3, 3.3, (1, 4, 9, 7)).astype(np.float32)
    x[0, :2] = -4  # the lowest integer beside the lowest weight
    np.save(tmp_path / "x.npy", x)
    tool.run(
        "run",
        tmp_path / "m.onnx",
        "--input",
        tmp_path / "x.npy",
        "--output-dir",
        tmp_path / "out",
        *how,
        want=tool.DONE,
    )
    ours, theirs = np.load(tmp_path / "out/y.npy"), ort.run(tmp_path / "m.onnx", {"x": x}, plain=True)["y"]
    ours = (
        ours * step if ours.dtype == np.int16 else ours
    )  # the reference gives quantized outputs as integers
    assert theirs.std() > 0.1 and np.abs(ours - theirs).max() <= step * 1.01
    assert (np.abs(ours - theirs) > step / 2).mean() < 0.02


def test_a_zero_point_is_refused(tmp_path):
    model(tmp_path / "m.onnx", zero=5)
    np.save(tmp_path / "x.npy", np.zeros((1, 4, 9, 7), np.float32))
    done = tool.run("run", tmp_path / "m.onnx", "--input", tmp_path / "x.npy", want=tool.BAD_INPUT)
    assert "x is int16 with a zero point; the runtime supports int8, and int16 with zero point 0" in done.err
