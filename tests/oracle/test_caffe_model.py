"""A trained Caffe network beside its ONNX form: the recipe under which both say the same, and the conversion
with it.

docs/caffe.md states what this prints:  pytest -s tests/oracle/test_caffe_model.py
"""
import numpy as np
import pytest

import ort
import shared_models as sm
import tool

CAFFE = sm.SHARED / "models/rfb320.caffemodel"
PROTOTXT = CAFFE.with_suffix(".prototxt")
ONNX = sm.MODELS["rfb320"]


@pytest.fixture(scope="module")
def pictures():
    if sm.missing() or not CAFFE.exists():
        pytest.skip(sm.missing() or f"no {CAFFE}")
    return [
        sm.picture_pixels(p, 320, 240).transpose(2, 0, 1)[None].astype(np.float32) for p in ONNX.pictures()
    ]


def outputs(folder, x, *more):
    np.save(folder / "x.npy", x)
    tool.run(
        "run",
        "--model",
        CAFFE,
        "--proto",
        PROTOTXT,
        "-i",
        folder / "x.npy",
        "-o",
        folder,
        *more,
        want=tool.DONE,
        build=tool.BUILD,
    )
    return {name: np.load(folder / f"{name}.npy") for name in ("boxes", "scores")}


def distance(folder, pictures, bgr, mean, scale):
    """Largest differences of boxes and scores over all pictures."""
    worst = {"boxes": 0.0, "scores": 0.0}
    for rgb in pictures:
        want = ort.run(ONNX.file, {"input": ONNX.normalise(rgb)})
        have = outputs(folder, ((rgb[:, ::-1] if bgr else rgb) - np.float32(mean)) * np.float32(scale))
        for name in worst:
            worst[name] = max(worst[name], float(np.abs(have[name] - want[name]).max()))
    return worst


def test_the_recipe(pictures, tmp_path):
    """RGB and (x - 127) / 128, as the ONNX file: colours the other way round, or another scale, are far
    off."""
    recipes = {
        "RGB (x - 127) / 128": (0, 127, 1 / 128),
        "BGR (x - 127) / 128": (1, 127, 1 / 128),
        "RGB (x - 127.5) / 128": (0, 127.5, 1 / 128),
        "RGB x / 255": (0, 0, 1 / 255),
    }
    far = {name: distance(tmp_path, pictures, *r) for name, r in recipes.items()}
    for name, d in far.items():
        print(
            f"{name}: boxes differ by at most {d['boxes']:.2g}, scores by {d['scores']:.2g} ({len(pictures)} pictures)"
        )
    good = far.pop("RGB (x - 127) / 128")
    assert good["boxes"] < 1e-4 and good["scores"] < 1e-5
    assert all(d["boxes"] > 0.03 for d in far.values()) and far["BGR (x - 127) / 128"]["scores"] > 0.1


def test_reference_and_runtime(pictures, tmp_path):
    x = (pictures[0] - 127) / 128
    fast, exact = outputs(tmp_path, x), outputs(tmp_path, x, "--reference")
    for name in fast:
        np.testing.assert_allclose(fast[name], exact[name], rtol=1e-4, atol=1e-4)


def test_conversion(pictures, tmp_path):
    """From a configuration with caffe_model and prototxt to a .bin: 0 differences, and as close to float as
    the ONNX model's."""
    sm.flat_folder(ONNX.calib(), tmp_path / "calib")
    inputs = {
        "input_type_train": "rgb",
        "input_layout_train": "NCHW",
        "input_type_rt": "nv12",
        "norm_type": "data_mean_and_scale",
        "mean_value": "127",
        "scale_value": "0.0078125",
    }
    yaml = sm.write_yaml(
        tmp_path / "rfb.yaml",
        CAFFE,
        "x86-64-v4",
        "rfb",
        "out",
        inputs,
        {"cal_data_dir": "'calib'", "preprocess_on": "True", "calibration_type": "max"},
    )
    yaml.write_text(yaml.read_text().replace("onnx_model:", f"prototxt: '{PROTOTXT}'\n  caffe_model:"))
    sm.vernier("convert", "-c", yaml, "--min-cosine", "0.99", "--log", "none")
    out = tmp_path / "out"
    said = sm.vernier("verify", out / "rfb_quantized_model.onnx", out / "rfb.bin", "--random", "2").stdout
    print(said)
    pixels = ONNX.pictures()[0]
    sm.vernier("verify", out / "rfb_quantized_model.onnx", out / "rfb.bin", "--input", pixels)
    for stage in sm.STAGES:
        ort.session(out / f"rfb_{stage}_model.onnx")
