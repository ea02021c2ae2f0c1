"""Values that a symmetric int8 scale does not suit: elements that moves select, skewed ranges, gates."""
import re

import numpy as np
import onnx
import ort
import pytest
from onnx import TensorProto as T, helper as h, numpy_helper as nh

import shared_models as sm
import tool

SAMPLES, SMALL = 8, 0.02


class Net:
    """A convolution of 16 channels, 8 of them small, and what reads them."""

    def __init__(self, seed=0):
        self.random, self.nodes, self.constants, self.outputs = np.random.default_rng(seed), [], {}, []

    def constant(self, value, kind=np.float32):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value, kind)
        return name

    def node(self, op, *inputs, **attrs):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(h.make_node(op, inputs, [name], name, **attrs))
        return name

    def conv(self, x, n_in, n_out, factor=1.0):
        w = self.random.normal(size=(n_out, n_in, 1, 1)) / np.sqrt(n_in)
        return self.node("Conv", x, self.constant(w * np.broadcast_to(factor, n_out).reshape(-1, 1, 1, 1)))

    def slice(self, x, begin, end):
        return self.node("Slice", x, *[self.constant([i], np.int64) for i in (begin, end, 1)])

    def wide(self):
        return self.node("Relu", self.conv("x", 4, 16, np.where(np.arange(16) < 8, 1, SMALL)))

    def output(self, x):
        self.outputs.append(x)

    def save(self, path):
        g = h.make_graph(self.nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 4, 8, 8])],
                         [h.make_tensor_value_info(o, T.FLOAT, None) for o in self.outputs],
                         [nh.from_array(v, k) for k, v in self.constants.items()])
        onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)
        return self


def slices(n):
    """Small channels alone, and all of them."""
    x = n.wide()
    n.output(n.conv(n.slice(x, 8, 16), 8, 8))
    n.output(n.conv(x, 16, 8))


def slices_of_slices(n):
    """The move lies behind another one, which a third reader shares."""
    x = n.slice(n.wide(), 4, 16)
    n.output(n.conv(n.slice(x, 4, 12), 8, 8))
    n.output(n.conv(x, 12, 8))


def gathers(n):
    x = n.wide()
    n.output(n.conv(n.node("Gather", x, n.constant(np.arange(8, 16), np.int64), axis=1), 8, 8))
    n.output(n.conv(x, 16, 8))


def boxes_and_scores(n):
    """Two ranges in one tensor, taken apart again."""
    x = n.node("Concat", n.conv("x", 4, 8), n.conv("x", 4, 8, SMALL), axis=1)
    n.output(n.conv(n.slice(x, 8, 16), 8, 8))
    n.output(n.conv(n.slice(x, 0, 8), 8, 8))


def other_readers(n):
    """A clamp and a float node read the whole."""
    x = n.wide()
    n.output(n.conv(n.slice(x, 8, 16), 8, 8))
    n.output(n.conv(n.node("Clip", x, n.constant(0), n.constant(1)), 16, 8))
    n.output(n.node("ReduceMax", x, axes=[1], keepdims=1))


FORMS = [slices, slices_of_slices, gathers, boxes_and_scores, other_readers]


def sample(i):
    return np.random.default_rng(1000 + i).normal(size=(1, 4, 8, 8)).astype(np.float32)


def convert(tmp_path, form, march="generic", options=(), **more):
    net = Net()
    form(net)
    net.save(tmp_path / "m.onnx")
    (tmp_path / "x").mkdir()
    for i in range(SAMPLES):
        np.save(tmp_path / "x" / f"{i}.npy", sample(i))
    inputs = {"input_type_rt": "featuremap", "input_type_train": "featuremap", "input_layout_train": "NCHW",
              "norm_type": "no_preprocess"}
    config = sm.write_yaml(tmp_path / "m.yaml", "m.onnx", march, working_dir="out", inputs=inputs,
                           calibration={"cal_data_dir": "'x'", "calibration_type": "'max'", **more})
    return tool.run("convert", "-c", config, *options, cwd=tmp_path, want=tool.DONE)


def sqnr(tmp_path):
    """Of the first output, in dB, on samples that calibration has not seen."""
    ours, given = (ort.session(tmp_path / f, plain=True) for f in ("out/m_quantized_model.onnx", "m.onnx"))
    feeds = [{"x": sample(i)} for i in range(100, 110)]
    pairs = [(ours.run(None, x)[0], given.run(None, x)[0]) for x in feeds]
    noise = sum(np.square(a.astype(np.float64) - b).sum() for a, b in pairs)
    return 10 * np.log10(sum(np.square(b.astype(np.float64)).sum() for _, b in pairs) / noise)


def types(tmp_path):
    return {n.op_type for n in onnx.load(tmp_path / "out/m_quantized_model.onnx").graph.node}


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)
def test_selecting_moves(tmp_path, form):
    done = convert(tmp_path, form)
    assert "a scale of its own saves" in done.out + done.err
    assert sqnr(tmp_path) > 30  # 10 to 15 where the move inherits
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path, want=tool.DONE)


@pytest.mark.parametrize("march", ["bernoulli2", "bayes", "bayes-e"])
def test_marches_that_fix_moves(tmp_path, march):
    """Only the loss is told."""
    done = convert(tmp_path, slices, march)
    assert "bits of its result" in done.out + done.err
    assert "Identity" not in types(tmp_path)
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path, want=tool.DONE)


def test_requests_for_int8_win(tmp_path):
    done = convert(tmp_path, slices, optimization="set_Relu_output_int8")
    assert "bits of its result" in done.out + done.err and sqnr(tmp_path) < 25


def test_small_parts_of_a_concat_are_told(tmp_path):
    def parts(n):
        x = n.node("Concat", n.conv("x", 4, 8), n.conv("x", 4, 8, SMALL), axis=1)
        n.output(n.conv(x, 16, 8))
    done = convert(tmp_path, parts)
    lost = r"concat2 \(Concat\): the scale of its result loses [45]\.\d bits of conv1\n"
    assert re.search(lost, done.out + done.err)


def test_equal_ranges_are_left_alone(tmp_path):
    def halves(n):
        x = n.node("Relu", n.conv("x", 4, 16))
        n.output(n.conv(n.slice(x, 8, 16), 8, 8))
        n.output(n.conv(x, 16, 8))

    done = convert(tmp_path, halves)
    assert "bits" not in done.out + done.err
    assert "Identity" not in types(tmp_path)


def skewed(n):
    """Far above zero, little below it, as a HardSwish leaves it."""
    x = n.conv("x", 4, 16, 3)
    n.output(n.conv(n.node("LeakyRelu", x, alpha=0.05), 16, 8))


def quantized_zero_points(tmp_path):
    """Of the activations, by what makes them."""
    g = onnx.load(tmp_path / "out/m_quantized_model.onnx").graph
    maker = {o: n.op_type for n in g.node for o in n.output}
    given = {i.name: nh.to_array(i) for i in g.initializer}
    return {maker[n.input[0]]: int(given[n.input[2]]) for n in g.node
            if n.op_type == "QuantizeLinear" and maker.get(n.input[0]) in ("Conv", "LeakyRelu")}


def test_skewed_ranges_have_a_zero_point(tmp_path):
    convert(tmp_path, skewed)
    zero = quantized_zero_points(tmp_path)
    assert zero["Conv"] == 0 and -128 < zero["LeakyRelu"] < -100
    assert sqnr(tmp_path) > 34  # 33.4 without
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path, want=tool.DONE)


@pytest.mark.parametrize("march", ["bernoulli2", "bayes", "bayes-e"])
def test_marches_without_zero_points(tmp_path, march):
    convert(tmp_path, skewed, march)
    assert set(quantized_zero_points(tmp_path).values()) <= {0}


def gated(n):
    """Squeeze and excitation: a number per channel multiplies a whole map."""
    x = n.conv("x", 4, 16)
    gate = n.node("HardSigmoid", n.conv(n.node("GlobalAveragePool", x), 16, 16))
    n.output(n.conv(n.node("Mul", x, gate), 16, 8))


def quantized_types(tmp_path):
    """Of the activations, by what makes them."""
    g = onnx.load(tmp_path / "out/m_quantized_model.onnx").graph
    maker = {o: n.op_type for n in g.node for o in n.output}
    given = {i.name: nh.to_array(i).dtype for i in g.initializer}
    return {maker[n.input[0]]: given[n.input[2]] for n in g.node
            if n.op_type == "QuantizeLinear" and n.input[0] in maker}


def test_gates_are_fine(tmp_path):
    convert(tmp_path, gated)
    kinds = quantized_types(tmp_path)
    assert kinds.pop("HardSigmoid") == np.int16 and set(kinds.values()) == {np.dtype(np.int8)}
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path, want=tool.DONE)


def test_gates_in_int8_on_request(tmp_path):
    convert(tmp_path, gated, optimization="set_HardSigmoid_output_int8")
    assert set(quantized_types(tmp_path).values()) == {np.dtype(np.int8)}


@pytest.mark.parametrize("march", ["bernoulli2", "bayes", "bayes-e"])
def test_gates_of_other_marches(tmp_path, march):
    convert(tmp_path, gated, march)
    assert np.int16 not in quantized_types(tmp_path).values()


def test_large_operands_are_no_gates(tmp_path):
    def swish(n):
        x = n.conv("x", 4, 16)
        n.output(n.conv(n.node("Mul", x, n.node("HardSigmoid", n.conv("x", 4, 16))), 16, 8))

    convert(tmp_path, swish)
    assert set(quantized_types(tmp_path).values()) == {np.dtype(np.int8)}


def clamped(n):
    """A Clip that ends at its bound, a Conv that only stops where its data do, and values of few bits."""
    x = n.node("Clip", n.conv("x", 4, 16), n.constant(-1), n.constant(1))
    n.output(n.conv(n.node("Tanh", n.conv(x, 16, 8)), 8, 8))


def scales(tmp_path):
    """Of the activations, by what makes them."""
    g = onnx.load(tmp_path / "out/m_quantized_model.onnx").graph
    maker = {o: n.op_type for n in g.node for o in n.output}
    given = {i.name: nh.to_array(i) for i in g.initializer}
    return {maker[n.input[0]]: float(given[n.input[1]]) for n in g.node
            if n.op_type == "QuantizeLinear" and n.input[0] in maker}


def test_int16_has_headroom(tmp_path):
    """A bit of it, but not beyond the bounds of Clip and Tanh."""
    (tmp_path / "narrow").mkdir()
    convert(tmp_path / "narrow", clamped)
    narrow = scales(tmp_path / "narrow")
    convert(tmp_path, clamped, optimization="set_all_nodes_int16")
    wide = scales(tmp_path)
    assert wide["Conv"] * 32767 == pytest.approx(2 * narrow["Conv"] * 127, rel=1e-5)
    assert wide["Clip"] * 32767 == pytest.approx(1, rel=1e-5)
    assert wide["Tanh"] * 32767 == pytest.approx(1, rel=1e-5)


def test_scarce_bits_are_less_headroom(tmp_path):
    """Most of the elements have few of the 16 bits."""
    def uneven(n):
        n.output(n.conv(n.node("LeakyRelu", n.conv("x", 4, 64, np.where(np.arange(64), .002, 1.))), 64, 8))

    (tmp_path / "narrow").mkdir()
    convert(tmp_path / "narrow", uneven)
    convert(tmp_path, uneven, optimization="set_all_nodes_int16")
    want = scales(tmp_path / "narrow")["Conv"] * 127
    assert scales(tmp_path)["Conv"] * 32767 == pytest.approx(1.6 * want, rel=1e-5)


def test_headroom_of_functions_and_means(tmp_path):
    """They hold what they make of their operand's headroom, up to 4 times what was seen."""
    def squares(n):
        x = n.node("Relu", n.conv("x", 4, 16))
        n.output(n.conv(n.node("AveragePool", n.node("Pow", x, n.constant(2)), kernel_shape=[2, 2]), 16, 8))

    (tmp_path / "narrow").mkdir()
    convert(tmp_path / "narrow", squares)
    narrow = scales(tmp_path / "narrow")
    convert(tmp_path, squares, optimization="set_all_nodes_int16")
    wide = scales(tmp_path)
    for op in ("Pow", "AveragePool"):
        assert wide[op] * 32767 == pytest.approx(4 * narrow[op] * 255, rel=2e-3)
