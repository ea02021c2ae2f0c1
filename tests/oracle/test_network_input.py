"""Pixels that a network was not trained on: a warning that names what is wrong, and none on what is right."""
import json
import re

import pytest
import shared_models as sm
import tool

IMAGENET = {"mean_value": "123.675 116.28 103.53", "scale_value": "0.01712475 0.017507 0.01742919"}
HALF, UNIT = {"mean_value": "127.5", "scale_value": "0.00784313725"}, {"scale_value": "0.00392156863"}
R128, MEAN_ONLY = {"mean_value": "127", "scale_value": "0.0078125"}, {"mean_value": "104 117 123"}
RAW = {}
# name: model, pictures, colours, and what it was trained on
RIGHT = {
    "resnet20": ("resnet20_cifar10.onnx", "cifar10/calib", "rgb", IMAGENET),
    "mobilenet": ("mobilenet_v1_025_224.onnx", "imagenet_calib", "rgb", HALF),
    "rfb320": ("rfb320.onnx", "faces", "rgb", R128),
    "rfb320_with_boxes": ("rfb320_with_boxes.onnx", "faces", "rgb", R128),
    "rfb320_caffe": ("rfb320.caffemodel", "faces", "rgb", R128),
    "retinaface": ("retinaface.caffemodel", "faces", "bgr", MEAN_ONLY),
    "fastestdet": ("fastestdet.onnx", "objects", "bgr", UNIT),
    "segformer": ("segformer_b0_camvid.onnx", "camvid/calib", "rgb", IMAGENET),
    "lprnet": ("lprnet.onnx", "plates/calib", "bgr", HALF),
    "yolox_nano": ("yolox_nano.onnx", "objects", "bgr", RAW),
    "yunet": ("yunet_n_dynamic.onnx", "faces", "bgr", RAW),
    "ppocr": ("ppocr_v4_rec.onnx", "plates/calib", "rgb", HALF),
}
SHAPES = {"yunet": ("input", "1x3x320x320"), "ppocr": ("x", "1x3x48x160")}
NORM = {0: "no_preprocess", 1: "data_mean", 2: "data_scale", 3: "data_mean_and_scale"}
TRAINED_ON_PIXELS = ("yolox_nano", "yunet", "retinaface")


def findings(folder, name, norm):
    file, images, colours, _ = RIGHT[name]
    inputs = {"input_type_train": colours, "input_layout_train": "NCHW", "input_type_rt": colours, **norm,
              "norm_type": NORM[("mean_value" in norm) + 2 * ("scale_value" in norm)]}
    if name in SHAPES:
        inputs["input_name"], inputs["input_shape"] = SHAPES[name]
    pictures = sm.flat_folder(sm.list_pictures(tool.SHARED / "images" / images), folder / "pictures")
    config = sm.write_yaml(folder / "c.yaml", tool.SHARED / "models" / file, "generic", inputs=inputs,
                           calibration={"cal_data_dir": f"'{pictures}'", "preprocess_on": "True",
                                        "calibration_type": "'max'"})
    if file.endswith(".caffemodel"):
        model = f"onnx_model: '{tool.SHARED / 'models' / file}'"
        text = config.read_text()
        assert model in text
        prototxt = (tool.SHARED / "models" / file).with_suffix(".prototxt")
        caffe = model.replace("onnx_model", "caffe_model") + f"\n  prototxt: '{prototxt}'"
        config.write_text(text.replace(model, caffe))
    out = json.loads(tool.run("check", "--data", "-c", config, "--json", build=tool.BUILD).out)
    return [f["text"] for f in out["findings"] if f["finding"] == "network_input"]


@pytest.mark.skipif(sm.missing() is not None, reason=str(sm.missing()))
@pytest.mark.parametrize("name", RIGHT)
def test_no_alarm_on_the_right_one(tmp_path, name):
    assert not findings(tmp_path, name, RIGHT[name][3])


@pytest.mark.skipif(sm.missing() is not None, reason=str(sm.missing()))
@pytest.mark.parametrize("norm", ["pixels", "mean without scale"] if tool.CAMPAIGN else ["pixels"])
@pytest.mark.parametrize("name", [n for n in RIGHT if n not in TRAINED_ON_PIXELS])
def test_the_commonest_mistake(tmp_path, name, norm):
    found = findings(tmp_path, name, RAW if norm == "pixels" else {"mean_value": IMAGENET["mean_value"]})
    assert len(found) == 1 and "Check norm_type, mean_value and scale_value" in found[0]


@pytest.mark.skipif(sm.missing() is not None, reason=str(sm.missing()))
def test_outputs_that_choose_one_class(tmp_path):
    """Layers of lprnet grow as those of networks that were trained on pixels do; its outputs tell."""
    [found] = findings(tmp_path, "lprnet", RAW)
    words = re.search(r"output logits chooses the same of 68 classes at all 54 places of 3 samples, with an "
                      r"entropy of ([\d.]+) .* the entropy would be ([\d.]+), and (\d+) %", found)
    assert float(words[1]) > 0.2 and float(words[2]) < 0.04 and int(words[3]) < 80


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A convolution and a batch normalization that was trained on pixels of spread 1."""
    onnx = pytest.importorskip("onnx")
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
    rng = np.random.default_rng(0)
    weights = {"w": rng.standard_normal((4, 3, 1, 1)), "gain": np.ones(4), "bias": np.zeros(4),
               "mean": np.zeros(4)}
    weights["var"] = (weights["w"] ** 2).sum((1, 2, 3))
    info = lambda name, c: [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, c, 8, 8])]
    ends = info("x", 3), info("y", 4)
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
             helper.make_node("BatchNormalization", ["c", "gain", "bias", "mean", "var"], ["y"], "bn")]
    g = helper.make_graph(nodes, "g", *ends, [numpy_helper.from_array(v.astype(np.float32), k) for k,
                                              v in weights.items()])
    folder = tmp_path_factory.mktemp("small")
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
              folder / "m.onnx")
    (folder / "data").mkdir()
    for i in range(12):
        rng.integers(0, 256, (3, 8, 8)).astype(np.uint8).tofile(folder / f"data/{i}.bin")
    return folder


@pytest.mark.parametrize("norm,words", [
    (RAW, "times the spread that bn was trained on; for example with norm_type: data_mean_and_scale"),
    ({"mean_value": "127.5"}, "norm_type data_mean, conv computes values with"),
    ({"scale_value": "0.0001"}, "conv computes values with 0.0"),
    (IMAGENET, None), (HALF, None), (UNIT, None)])
def test_a_batch_normalization_says_it(tmp_path, small, norm, words):
    inputs = {"input_type_train": "rgb", "input_layout_train": "NCHW", "input_type_rt": "rgb", **norm,
              "norm_type": NORM[("mean_value" in norm) + 2 * ("scale_value" in norm)]}
    config = sm.write_yaml(tmp_path / "c.yaml", small / "m.onnx", "generic", inputs=inputs,
                           calibration={"cal_data_dir": f"'{small / 'data'}'", "cal_data_type": "'uint8'",
                                        "calibration_type": "'max'"})
    done = tool.run("convert", "-c", config, "--log", "none", want=tool.DONE)
    found = [line for line in done.err.splitlines() if "WARNING input x: with norm_type" in line]
    assert len(found) == (words is not None) and (not words or words in found[0]), found
