"""What convert says of the numbers of a quantized network, and that it says nothing of usual ones."""
import re

import numpy as np
import onnx
import pytest
import tool
from onnx import numpy_helper as nh
from test_splits import SAMPLES, convert, sample

LINES = (r"clips [\d.]+ % of|times that of the median channel|channels are constant|products need 64 bits|"
         r"30 bits")


def usual(n):
    n.output(n.conv(n.node("Relu", n.conv("x", 4, 8)), 8, 4))


def exploding(n):
    factor = np.ones(8)
    factor[3] = 1e6
    n.output(n.conv(n.conv("x", 4, 8, factor), 8, 4))


def dead(n):
    """One without weights, one whose weights are nothing beside its bias."""
    factor = np.ones(8)
    factor[[2, 5]] = 0, 1e-12
    w = n.constant(n.random.normal(size=(8, 4, 1, 1)) * factor.reshape(-1, 1, 1, 1))
    x = n.node("Conv", "x", w, n.constant(np.ones(8)))
    n.output(n.conv(x, 8, 4))


def long_sums(n):
    x = n.node("Flatten", n.conv("x", 4, 640))
    n.output(n.node("Gemm", x, n.constant(n.random.normal(size=(40960, 3)))))


def two_values(n):
    """More than half of its elements are 0, the others about 1; what reads it sums them up."""
    x = n.node("Relu", n.node("Sub", n.conv("x", 4, 64), n.constant(np.full((1, 1, 1, 1), 0.3))))
    for _ in range(5):
        x = n.node("Sqrt", x)
    n.output(n.node("Conv", x, n.constant(np.ones((4, 64, 1, 1)))))


def said(tmp_path, form, **more):
    done = convert(tmp_path, form, **more)
    return [line for line in (done.out + done.err).splitlines() if re.search(LINES, line)]


def test_usual(tmp_path):
    assert said(tmp_path, usual, calibration_type="'mse'") == []


@pytest.mark.parametrize("form, words", [
    (exploding, "WARNING conv0 (Conv): the largest weight of a channel is"),
    (dead, "INFO conv0 (Conv): 2 of 8 channels are constant: their weights are 0, or lost beside the bias"),
    (long_sums, "sums of 40960 products need 64 bits, which is slower"),
], ids=["exploding", "dead", "long_sums"])
def test_named(tmp_path, form, words):
    (line, ) = said(tmp_path, form)
    assert words in line


def test_share_clipped(tmp_path):
    """Of each tensor, as NumPy counts it."""
    lines = said(tmp_path, usual, max_percentile="0.9")
    x = np.abs(np.concatenate([sample(i) for i in range(SAMPLES)]))
    words = r"WARNING x: its scale clips ([\d.]+) % of the elements: it represents up to ([\d.]+)"
    found = re.search(words, lines[0])
    assert abs(float(found[1]) - 100 * (x > float(found[2])).mean()) < 0.6


def test_bias_beyond_its_width(tmp_path):
    """Where clipped inputs lose most of the mean, biases stay what integers can be."""
    more = dict(max_percentile="0.5", sequential_bias="'on'")
    lines = said(tmp_path, two_values, options=("--min-cosine", "-1"), **more)
    assert any("the corrected bias of 4 of 4 channels does not fit its 30 bits" in line for line in lines)

    def constant(stage, words):
        graph = onnx.load(tmp_path / f"out/m_{stage}_model.onnx").graph
        return next(nh.to_array(t) for t in reversed(graph.initializer) if re.search(words, t.name))

    assert set(constant("quantized", "bias_quantized")) == {2 ** 30}
    step = constant("quantized", "bias_scale").astype(float)
    np.testing.assert_allclose(constant("calibrated", "bias$"), step * 2 ** 30, rtol=1e-6)


@pytest.mark.parametrize("words", [None, "set_all_nodes_int16"], ids=["int8", "int16"])
def test_large_bias(tmp_path, words):
    """Beside int16 weights a bias may fill 32 bits, so that none of theirs are lost."""
    def form(n):
        w = n.random.normal(size=(8, 4, 1, 1))
        bias = 12 * np.abs(w).reshape(8, 4).max(1) * (-1) ** np.arange(8)
        n.output(n.conv(n.node("Conv", "x", n.constant(w), n.constant(bias)), 8, 4))
    convert(tmp_path, form, optimization=words and f"'{words}'")
    g = onnx.load(tmp_path / "out/m_quantized_model.onnx").graph
    data = {t.name: nh.to_array(t) for t in g.initializer}
    first = next(n for n in g.node if n.op_type == "Conv")
    weight, bias = (data[next(n for n in g.node if i in n.output).input[0]] for i in first.input[1:])
    assert (np.abs(weight).reshape(8, -1).max(1) == (32767 if words else 127)).all()
    assert np.abs(bias.astype(np.int64)).max() > 2 ** 30 if words else np.abs(bias).max() < 2 ** 30
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path, want=tool.DONE)
