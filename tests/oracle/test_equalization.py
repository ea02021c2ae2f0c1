"""Channels in front of depthwise convolutions at like ranges: the factors, the same floats, the gain."""
import numpy as np
import onnx
import ort
import pytest
from onnx import numpy_helper as nh
from test_splits import SAMPLES, convert, sample, sqnr

import tool

SPREAD = 2.0 ** -np.arange(8)  # ranges of the convolution's channels
LOG = "channels equalized, rounding errors fall by"


def depthwise(n, x, channels=8):
    w = n.random.normal(size=(channels, 1, 3, 3)) / SPREAD.reshape(-1, 1, 1, 1)
    return n.node("Conv", x, n.constant(w), group=channels, pads=[1] * 4)


def straight(n):
    n.output(n.conv(depthwise(n, n.conv("x", 4, 8, SPREAD)), 8, 4))


def clamped(n):
    n.output(n.conv(depthwise(n, n.node("Relu", n.conv("x", 4, 8, SPREAD))), 8, 4))


def pooled_and_two_readers(n):
    x = n.node("LeakyRelu", n.conv("x", 4, 8, SPREAD), alpha=0.125)
    pool = n.node("MaxPool", x, kernel_shape=[2, 2])
    n.output(n.conv(depthwise(n, x), 8, 4))
    n.output(n.conv(depthwise(n, pool), 8, 4))


def read_by_others(n):
    """A full convolution reads it, too."""
    x = n.conv("x", 4, 8, SPREAD)
    n.output(n.conv(depthwise(n, x), 8, 4))
    n.output(n.conv(x, 8, 4))


def an_output(n):
    x = n.conv("x", 4, 8, SPREAD)
    n.output(n.conv(depthwise(n, x), 8, 4))
    n.output(x)


def bounded(n):
    """A bound from above is one for all channels."""
    x = n.node("Clip", n.conv("x", 4, 8, SPREAD), n.constant(0), n.constant(6))
    n.output(n.conv(depthwise(n, x), 8, 4))


def folder(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


def both(tmp_path, form, **more):
    """Folders with it and without, and the log with it."""
    on, off = folder(tmp_path, "on"), folder(tmp_path, "off")
    done = convert(on, form, **more)
    convert(off, form, equalization="'off'", **more)
    return on, off, done.out + done.err


def weights(path):
    g = onnx.load(path).graph
    values = {t.name: nh.to_array(t) for t in g.initializer}
    return {n.name: values[n.input[1]] for n in g.node if n.op_type == "Conv"}


def constants(d):
    g = onnx.load(d / "out/m_quantized_model.onnx").graph
    return {t.name: nh.to_array(t).tobytes() for t in g.initializer}


def top_of_channels(model, value):
    """Over all samples, by onnxruntime."""
    m = onnx.load(model)
    m.graph.output.extend([onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None)])
    session = ort.session(m, plain=True)
    runs = [session.run([value], {"x": sample(i)})[0] for i in range(SAMPLES)]
    return np.abs(np.concatenate(runs)).max((0, 2, 3))


FORMS = [straight, clamped, pooled_and_two_readers]


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)
def test_gain(tmp_path, form):
    on, off, log = both(tmp_path, form)
    assert LOG in log
    assert sqnr(on) > sqnr(off) + 6
    floats = [ort.session(d / "out/m_optimized_float_model.onnx", plain=True) for d in (on, off)]
    for i in range(3):
        for a, b in zip(*(f.run(None, {"x": sample(i)}) for f in floats)):
            np.testing.assert_array_equal(a, b)
    for d in (on, off):
        tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=d, want=tool.DONE)
    tool.run("verify", "m.onnx", "out/m_quantized_model.onnx", "--min-cosine", "0.9", cwd=on, want=tool.DONE)


def test_factors(tmp_path):
    """Powers of two from ranges that onnxruntime finds, in the weights on both sides."""
    on, off, _ = both(tmp_path, clamped)
    top = top_of_channels(on / "m.onnx", "relu1")
    k = 2.0 ** np.floor(np.log2(top.max() / top)).reshape(-1, 1, 1, 1)
    assert k.max() > 32
    a, b = (weights(d / "out/m_optimized_float_model.onnx") for d in (on, off))
    np.testing.assert_array_equal(a["conv0"], b["conv0"] * k.astype(np.float32))
    np.testing.assert_array_equal(a["conv2"], b["conv2"] / k.astype(np.float32))
    np.testing.assert_array_equal(a["conv3"], b["conv3"])


@pytest.mark.parametrize("form", [read_by_others, an_output, bounded], ids=lambda f: f.__name__)
def test_left_alone(tmp_path, form):
    on, off, log = both(tmp_path, form)
    assert LOG not in log
    assert constants(on) == constants(off)


def test_keys(tmp_path):
    """Random data: only where it is asked for. Threads change nothing."""
    skip = convert(folder(tmp_path, "skip"), straight, calibration_type="'skip'", cal_data_dir=None)
    assert LOG not in skip.out + skip.err
    forced = convert(folder(tmp_path, "forced"), straight, calibration_type="'skip'", cal_data_dir=None,
                     equalization="'on'")
    assert LOG in forced.out + forced.err
    made = []
    for threads in ("1", "2"):
        d = folder(tmp_path, threads)
        convert(d, straight)
        tool.run("convert", "-c", "m.yaml", "--threads", threads, cwd=d, want=tool.DONE)
        made.append(constants(d))
    assert made[0] == made[1]
