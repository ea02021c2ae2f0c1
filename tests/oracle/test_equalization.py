"""Channels in front of depthwise convolutions at like ranges: the factors, the same floats, the gain."""
import json
import re

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


# ---- per_channel: scales of channels in front of every operator with weights ----

OWN = "with scales of their own"


def full(n):
    x = n.node("Relu", n.conv("x", 4, 8, SPREAD))
    n.output(n.conv(x, 8, 4))
    n.output(n.conv(n.node("LeakyRelu", n.conv(x, 8, 6), alpha=0.25), 6, 4))


def values(model, name):
    """Of all samples, by onnxruntime: channels x elements."""
    m = onnx.load(model)
    m.graph.output.extend([onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)])
    session = ort.session(m, plain=True)
    x = np.concatenate([session.run([name], {"x": sample(i)})[0] for i in range(SAMPLES)]).astype(float)
    return x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1)


def best_factors(x, readers):
    """The share of log2(top / top[c]) with the least error of steps, of the tensor and of the weights."""
    top, power = np.abs(x).max(1), np.square(x).mean(1)
    found = []
    for share in range(5):
        k, noise = 2.0 ** np.minimum(8, np.floor(share / 4 * np.log2(top.max() / top))), 0
        for w in readers:  # outputs x inputs
            of_input = (np.square(w).sum(0) * ((k * top).max() / k) ** 2).sum()
            step = (np.abs(w) / k).max(1)
            of_weights = (np.square(step[:, None] * k) * power).sum()
            noise += (of_input + of_weights) / (np.square(w).sum(0) * power).sum()
        found.append((noise, share, k))
    return min(found, key=lambda f: f[:2])


def test_scales_of_channels(tmp_path):
    on, off = folder(tmp_path, "on"), folder(tmp_path, "off")
    done = convert(on, full, per_channel="True")
    convert(off, full)
    assert OWN in done.out + done.err and "Select max,per_channel method" in done.out + done.err
    a, b = (weights(d / "out/m_optimized_float_model.onnx") for d in (on, off))
    readers = [b[name][:, :, 0, 0] for name in ("conv2", "conv3")]
    _, share, k = best_factors(values(on / "m.onnx", "relu1"), readers)
    assert share and k.max() > 8
    np.testing.assert_array_equal(a["conv0"], b["conv0"] * k.reshape(-1, 1, 1, 1).astype(np.float32))
    np.testing.assert_array_equal(a["conv2"], b["conv2"] / k.reshape(1, -1, 1, 1).astype(np.float32))
    floats = [ort.session(d / "out/m_optimized_float_model.onnx", plain=True) for d in (on, off)]
    for x, y in zip(*(f.run(None, {"x": sample(3)}) for f in floats)):
        np.testing.assert_array_equal(x, y)
    assert sqnr(on) > sqnr(off)
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=on, want=tool.DONE)


def test_lists_search(tmp_path):
    """The best combination on held data; the log has all of them."""
    activation = {"per_channel": [True, False], "asymmetric": [False, True]}
    activation["calibration_type"] = ["max", "kl"]
    text = json.dumps({"model_config": {"activation": activation}})
    done = convert(folder(tmp_path, "a"), full, quant_config=f"'{text}'")
    said = done.out + done.err
    for m in ("max,per_channel", "max", "kl,per_channel,asymmetric", "max,asymmetric", "kl"):
        assert f" {m} " in said, m
    chosen = re.search(r"Select (\S+) method", said)[1].split(",")
    assert f"* {','.join(chosen)} " in said
    text = json.dumps({"model_config": {"activation": {"asymmetric": "asymmetric" in chosen}}})
    convert(folder(tmp_path, "b"), full, per_channel=str("per_channel" in chosen), quant_config=f"'{text}'",
            calibration_type=f"'{chosen[0]}'")
    assert constants(tmp_path / "a") == constants(tmp_path / "b")
    w = [weights(tmp_path / d / "out/m_optimized_float_model.onnx") for d in "ab"]
    for name in w[0]:
        np.testing.assert_array_equal(w[0][name], w[1][name])


def test_vendor_search(tmp_path):
    """Three calibrators, then per_channel, then asymmetric; up to a cosine of 0.995 of the first sample."""
    done = convert(folder(tmp_path, "a"), full, calibration_type="'default'", search="'vendor'")
    said = done.out + done.err
    steps = re.findall(r"  (\S+) +cosine ([\d.]+)", said)
    percentile = "max-percentile:percentile=0.99995"
    names = ["max", percentile, "kl", f"{percentile},per_channel"]
    assert [s[0] for s in steps[:4]] == names[:len(steps)]
    cosines = [float(s[1]) for s in steps]
    assert max(cosines) >= 0.995 or len(steps) == 5
    best = steps[cosines.index(max(cosines))][0]
    assert f"Select {best} method" in said
