"""calibration_type load: scales and zero points of QDQ networks are kept; the integers are onnxruntime's."""
import re
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T, helper as h, numpy_helper as nh

import shared_models as sm

sys.path.insert(0, str(sm.ROOT / "tests"))
import tool  # noqa: E402

INPUTS = {"input_type_rt": "featuremap", "input_type_train": "featuremap", "input_layout_train": "NCHW"}


class Network:
    """QDQ networks, as PyTorch and onnxruntime write them."""

    def __init__(self, dtype):
        self.nodes, self.constants, self.dtype = [], [], dtype
        self.rng = np.random.default_rng(3)

    def constant(self, name, value):
        self.constants.append(nh.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op, inputs, name, **attrs):
        self.nodes.append(h.make_node(op, inputs, [name], name=f"{op}_{name}", **attrs))
        return name

    def pair(self, x, scale, zero):
        """Behind x; zero is that of uint8."""
        zero = self.constant(f"{x}_z", np.array(zero if self.dtype == np.uint8 else zero - 128, self.dtype))
        scale = self.constant(f"{x}_s", np.float32(scale))
        q = self.node("QuantizeLinear", [x, scale, zero], f"{x}_q")
        return self.node("DequantizeLinear", [q, scale, zero], f"{x}_dq")

    def stored(self, name, value, scale, axis=0):
        attrs = {"axis": axis} if np.ndim(scale) else {}
        words = [self.constant(name, value), self.constant(f"{name}_s", np.float32(scale)),
                 self.constant(f"{name}_z", np.zeros(np.shape(scale), value.dtype))]
        return self.node("DequantizeLinear", words, f"{name}_dq", **attrs)

    def conv(self, x, name, shape, x_scale, per_channel, lowest=-127):
        w = self.rng.integers(-127, 128, shape).astype(np.int8)
        w.flat[0] = lowest
        scale = self.rng.uniform(0.002, 0.004, shape[0]) if per_channel else 0.003
        bias = self.rng.integers(-3000, 3000, shape[0]).astype(np.int32)
        of_bias = np.float32(scale) * np.float32(x_scale)
        words = [x, self.stored(f"{name}_w", w, scale), self.stored(f"{name}_b", bias, of_bias)]
        return self.node("Conv", words, name, pads=[1, 1, 1, 1])

    def save(self, path, output):
        graph = h.make_graph(self.nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 8, 8])],
                             [h.make_tensor_value_info(output, T.FLOAT, None)], self.constants)
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


def small(dtype, per_channel, relu, gap, lowest=-127):
    n = Network(dtype)
    x = n.pair("x", 0.02, 120)
    y = n.conv(x, "first", (8, 3, 3, 3), 0.02, per_channel, lowest)
    y = n.node("Relu", [y], "relu") if relu else y  # onnxruntime drops it: integers begin at 0
    y = y if gap else n.pair(y, 0.013, 0)
    y = n.node("MaxPool", [y], "pool", kernel_shape=[2, 2], strides=[2, 2])
    y = n.pair(y, 0.013, 0)
    y = n.conv(y, "second", (4, 8, 3, 3), 0.013, per_channel)
    return n, n.pair(y, 0.05, 131)


def samples(folder, n=6):
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(n):
        np.save(folder / f"{i}.npy", rng.normal(0, 1, (1, 3, 8, 8)).astype(np.float32))
    return folder


def convert(tmp_path, want=tool.DONE, march="generic", **calibration):
    config = sm.write_yaml(tmp_path / "c.yaml", "m.onnx", march, inputs=INPUTS,
                           calibration={"calibration_type": "'load'", **calibration})
    return tool.run("convert", "-c", config, "--log", "none", "--min-cosine", "-1", cwd=tmp_path, want=want)


def theirs(path, x):
    o = onnxruntime.SessionOptions()
    o.add_session_config_entry("session.qdqisint8allowed", "1")
    return onnxruntime.InferenceSession(str(path), o).run(None, {"x": x})[0]


@pytest.mark.parametrize("lowest, march", [(-127, "generic"), (-128, "generic"), (-128, "x86-64-v4")])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_integers_are_onnxruntimes(tmp_path, dtype, per_channel, relu, lowest, march):
    n, y = small(dtype, per_channel, relu, False, lowest)
    n.save(tmp_path / "m.onnx", y)
    text = (done := convert(tmp_path, march=march)).out + done.err
    assert "WARNING" not in text and "keep the network's own scale and zero point" in text
    stages = tmp_path / "out/m_quantized_model.onnx", tmp_path / "out/m.bin"
    for mask in sm.MASKS:
        tool.run("verify", *stages, "--cpumask", mask, want=tool.DONE)
    for i, sample in enumerate(sorted(samples(tmp_path / "data").iterdir())):
        tool.run("run", tmp_path / "out/m.bin", "-i", sample, "-o", tmp_path / f"run{i}", want=tool.DONE)
        got, = (np.load(p) for p in (tmp_path / f"run{i}").glob("*.npy"))
        assert np.array_equal(got, theirs(tmp_path / "m.onnx", np.load(sample)))
    kept = [nh.to_array(i) for i in onnx.load(stages[0]).graph.initializer]
    weights = [a for a in kept if a.dtype == np.int8 and a.ndim == 4]
    for c in n.constants:
        a = nh.to_array(c)
        if a.ndim == 4:
            assert any(a.shape == w.shape and np.array_equal(a, w) for w in weights), c.name


def test_missing_pairs_are_calibrated_and_named(tmp_path):
    n, y = small(np.uint8, True, True, True)
    n.save(tmp_path / "m.onnx", n.node("Relu", [n.node("Add", [y, y], "sum")], "last"))
    samples(tmp_path / "data")
    done = convert(tmp_path, cal_data_dir="'data'", run_on_bpu="'Add_sum;Relu_last'")
    text = done.out + done.err
    names = re.search(r"tensors have none, or none that fits, and get theirs by calibration: (.*)", text)
    assert names and "first" not in names[1].split(", ") and set(names[1].split(", ")) & {"sum", "last"}
    assert "Select load method." in text


def test_without_parameters(tmp_path):
    n = Network(np.uint8)
    w = n.constant("w", np.ones((4, 3, 3, 3), np.float32))
    n.save(tmp_path / "m.onnx", n.node("Conv", ["x", w], "y"))
    done = convert(tmp_path, want=tool.BAD_INPUT)
    assert "load requires a network with QuantizeLinear and DequantizeLinear" in done.err


def test_other_types_do_not_use_them(tmp_path):
    n, y = small(np.uint8, True, False, False)
    n.save(tmp_path / "m.onnx", y)
    samples(tmp_path / "data")
    done = convert(tmp_path, calibration_type="'max'", cal_data_dir="'data'")
    assert "which are not used; calibration_type load keeps them" in done.out + done.err
