"""Values whose rounding to int8 their readers amplify: int16, where it gains on held-out samples."""
import re

import numpy as np
import onnx
import pytest
import tool
from test_splits import convert, sqnr

SMALL = np.where(np.arange(16) < 8, 1, 0.004).reshape(16, 1, 1, 1)


def small_channels(n, small=SMALL, swish=True, share=1):
    """Channels that a function keeps from being equalized; the weights that read the small ones are large."""
    x = n.node("Conv", "x", n.constant(n.random.normal(size=(16, 4, 1, 1)) * small))
    if swish:
        x = n.node("Mul", x, n.node("Sigmoid", x))
    x = n.node("Conv", x, n.constant(n.random.normal(size=(16, 1, 3, 3)) / small), pads=[1] * 4, group=16)
    last = n.random.normal(size=(8, 16, 1, 1)) * np.where(np.arange(16) < 8, 1, share).reshape(16, 1, 1)
    n.output(n.node("Conv", x, n.constant(last)))


def even_channels(n):
    small_channels(n, np.ones((16, 1, 1, 1)))


def relu_only(n):
    """Equalized, so nothing is left to hold."""
    small_channels(n, swish=False)


def converted(tmp_path, name, form=small_channels, **keys):
    d = tmp_path / name
    d.mkdir()
    keys = {"calibration_type": "'default'", **keys}
    done = convert(d, form, options=("--min-cosine", "-1"), **keys)
    return d, done.out + done.err


def int16_tensors(d):
    g = onnx.load(d / "out/m_quantized_model.onnx").graph
    kind = {t.name: t.data_type for t in g.initializer}
    return {n.input[0] for n in g.node
            if n.op_type == "QuantizeLinear" and kind[n.input[2]] == onnx.TensorProto.INT16}


def test_held_where_it_gains(tmp_path):
    d, log = converted(tmp_path, "auto")
    off, said = converted(tmp_path, "off", bottlenecks="'off'")
    gain = re.search(r"2 tensors in int16 beside int8 ones gain ([\d.]+) dB on held-out samples: kept", log)
    assert float(gain[1]) > 3 and sqnr(d) > sqnr(off) + 3
    assert re.search(r"Select \S*,int16_bottlenecks method", log)
    assert re.search(r"is held in int16: in int8, its rounding error in \S+ would be \d+ times", log)
    assert len(int16_tensors(d)) == 2 and not int16_tensors(off)
    assert "int16" not in said.split("Start to calibrate")[1].split("Start to compile")[0]
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=d, want=tool.DONE)


@pytest.mark.parametrize("form", [even_channels, relu_only])
def test_nothing_to_hold(tmp_path, form):
    d, log = converted(tmp_path, "auto", form)
    assert not int16_tensors(d) and "beside int8 ones" not in log


def test_too_little_gain(tmp_path):
    """Found and measured, but hardly anything reads the channels that lose bits."""
    d, log = converted(tmp_path, "auto", lambda n: small_channels(n, share=0.001))
    assert re.search(r"gain -?[\d.]+ dB on held-out samples: not kept", log)
    assert not int16_tensors(d)


def test_on_without_search(tmp_path):
    d, log = converted(tmp_path, "on", calibration_type="'max'", bottlenecks="'on'")
    assert len(int16_tensors(d)) == 2 and "Select max,int16_bottlenecks method" in log
    d, log = converted(tmp_path, "max", calibration_type="'max'")
    assert not int16_tensors(d)


def test_rule_of_the_configuration(tmp_path):
    """A node that is int8 on request keeps its tensors so."""
    d, log = converted(tmp_path, "rule", calibration_type="'max'", bottlenecks="'on'",
                       optimization="'set_Conv_input_int8'")
    assert not int16_tensors(d)
