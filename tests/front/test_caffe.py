"""Caffe networks: every layer on the reference executor and on the runtime, against OpenCV's own reader of Caffe files, or against a
formula in NumPy where OpenCV lacks a layer or departs from Caffe."""
import cv2
import numpy as np
import pytest
import tool
from caffe_cases import CASES, rand
from caffe_writer import Net


def files(net, folder):
    if isinstance(net, Net):
        return net.write(folder)
    return net


def run(net, folder, inputs, *more):
    """Outputs by name."""
    prototxt, caffemodel = files(net, folder)
    args = []
    for name, x in inputs.items():
        np.save(folder / f"{name}.npy", x)
        args += ["-i", f"{name}={folder / name}.npy"]
    out = folder / ("out" + "".join(more))
    tool.run("run", caffemodel, "--proto", prototxt, *args, "-o", out, *more, want=tool.DONE)
    return {p.stem: np.load(p) for p in out.glob("*.npy")}


def opencv(net, folder, inputs):
    prototxt, caffemodel = files(net, folder)
    dnn = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
    for name, x in inputs.items():
        dnn.setInput(x, name)
    names = dnn.getUnconnectedOutLayersNames()
    return dict(zip(names, dnn.forward(names)))


REFERENCE_ONLY = {"Upsample mask"}  # the runtime has no indices of max pooling


@pytest.mark.parametrize("name", CASES)
def test_layer(tmp_path, name):
    net, want, low, high, tolerance = CASES[name]
    inputs = {n: rand(*s, seed=7 + i, low=low, high=high) for i, (n, s) in enumerate(net.inputs.items())}
    tops = net.layers[-1][3]
    if callable(want):
        wanted = want(*inputs.values())
        wanted = dict(zip(tops, wanted if isinstance(wanted, tuple) else (wanted,)))
    else:
        wanted = opencv(want or net, tmp_path, inputs)
        if len(tops) == 1:
            wanted = {tops[0]: next(iter(wanted.values()))}
    for more in ([["--reference"]] if name in REFERENCE_ONLY else [[], ["--reference"]]):
        have = run(net, tmp_path, inputs, *more)
        assert list(have) == list(wanted) or set(have) == set(wanted)
        for top, y in wanted.items():
            y = np.asarray(y, np.float32)
            assert have[top].shape == y.shape, (top, have[top].shape, y.shape)
            np.testing.assert_allclose(have[top], y, rtol=tolerance, atol=tolerance, err_msg=f"{name} {more}")
