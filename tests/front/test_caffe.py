"""Caffe networks: every layer on the reference executor and on the runtime, against OpenCV's own reader of Caffe files, or against a
formula in NumPy where OpenCV lacks a layer or departs from Caffe."""
import subprocess

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import tool
from caffe_cases import CASES, boxes_fed, rand
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


def inputs_and_outputs(name, folder):
    """What a case is fed, and by top what it must give."""
    net, want, low, high, _ = CASES[name]
    inputs = {n: rand(*s, seed=7 + i, low=low, high=high) for i, (n, s) in enumerate(net.inputs.items())}
    if name.startswith("DetectionOutput"):
        inputs = boxes_fed(**inputs)
    tops = net.layers[-1][3]
    if callable(want):
        wanted = want(*inputs.values())
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    else:
        wanted = opencv(want or net, folder, inputs).values()
    assert len(tops) == len(wanted)
    return inputs, {top: np.asarray(y, np.float32) for top, y in zip(tops, wanted)}


def compare(have, wanted, tolerance):
    assert set(have) == set(wanted)
    for top, y in wanted.items():
        assert have[top].shape == y.shape, top
        np.testing.assert_allclose(have[top], y, rtol=tolerance, atol=tolerance, err_msg=top)


@pytest.mark.parametrize("name", CASES)
def test_layer(tmp_path, name):
    inputs, wanted = inputs_and_outputs(name, tmp_path)
    for more in ([], ["--reference"]):
        compare(run(CASES[name][0], tmp_path, inputs, *more), wanted, CASES[name][4])


@pytest.mark.parametrize("name", CASES)
def test_layer_as_onnx(tmp_path, name):
    """The file that is written says the same in stock onnxruntime, and in the program when it is read again."""
    inputs, wanted = inputs_and_outputs(name, tmp_path)
    path = tmp_path / "net.onnx"
    subprocess.run([tool.SANITIZED / "tests/caffetool", *CASES[name][0].write(tmp_path), path], check=True)
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    used = {i.name for i in session.get_inputs()}
    compare(dict(zip([o.name for o in session.get_outputs()], session.run(None, {n: x for n, x in inputs.items() if n in used}))), wanted, CASES[name][4])
    args = [w for n in used for w in ("-i", f"{n}={tmp_path / n}.npy")]
    for n in used:
        np.save(tmp_path / f"{n}.npy", inputs[n])
    tool.run("run", path, *args, "-o", tmp_path / "again", "--reference", want=tool.DONE)
    compare({p.stem: np.load(p) for p in (tmp_path / "again").glob("*.npy")}, wanted, CASES[name][4])
