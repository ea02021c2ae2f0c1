"""default says whether the calibration samples are enough: ranges of a part of them, and their score."""
import re

import numpy as np
import pytest
import tool
from test_splits import Net

import shared_models as sm

SAMPLES = 24


def noise(i):
    return np.random.default_rng(i).normal(size=(1, 4, 8, 8)).astype(np.float32)


def alike(i):
    """The same values everywhere, turned."""
    return np.roll(noise(0), i, axis=3)


def growing(i):
    return noise(i) * 1.5 ** i


def said(tmp_path, sample):
    net = Net()
    net.output(net.conv(net.node("Relu", net.conv("x", 4, 8)), 8, 4))
    net.save(tmp_path / "m.onnx")
    (tmp_path / "x").mkdir()
    for i in range(SAMPLES):
        np.save(tmp_path / "x" / f"{i}.npy", sample(i))
    inputs = {"input_type_rt": "featuremap", "input_type_train": "featuremap", "input_layout_train": "NCHW",
              "norm_type": "no_preprocess"}
    config = sm.write_yaml(tmp_path / "m.yaml", "m.onnx", "generic", working_dir="out", inputs=inputs,
                           calibration={"cal_data_dir": "'x'", "calibration_type": "'default'"})
    done = tool.run("convert", "-c", config, "--min-cosine", "-1", cwd=tmp_path, want=tool.DONE)
    return done.out + done.err


def parts(text):
    words = r"ranges of (\d+) samples: thresholds differ by ([\d.]+) % \(median\), ([\d.]+) %"
    found = re.findall(words, text)
    return [(int(n), float(median), float(most)) for n, median, most in found]


@pytest.mark.parametrize("sample, advice", [
    (alike, f"{SAMPLES} samples are enough"),
    (growing, f"{SAMPLES} samples are too few: ranges still change; use about {2 * SAMPLES} that"),
], ids=["alike", "growing"])
def test_advice(tmp_path, sample, advice):
    text = said(tmp_path, sample)
    assert advice in text
    found = parts(text)
    assert [p[0] for p in found] == [6, 12, 18]
    assert all(median <= most for _, median, most in found)
