"""A forum user's configuration: one run says everything that is wrong with it, and what it prints, followed
word by word, leads to a converted and verified program."""
import re

import numpy as np
import pytest
import shared_models as sm
import tool

MODEL = tool.SHARED / "models/segformer_b0_camvid.onnx"
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# the vendor's whole template, everything left in place; the network wants normalised data
TEMPLATE = f"""
model_parameters:
  onnx_model: '{MODEL}'
  march: 'bayes-e'
  layer_out_dump: False
  working_dir: 'out'
  output_model_file_prefix: 'm'
input_parameters:
  input_name: ""
  input_type_rt: 'rgb'
  input_layout_rt: 'NCHW'
  input_type_train: 'rgb'
  input_layout_train: 'NCHW'
  input_shape: '1x3x192x256'
  norm_type: 'no_preprocess'
  mean_value: 0 0 0
  scale_value: 1 1 1
calibration_parameters:
  cal_data_dir: './data'
  cal_data_type: 'float32'
  preprocess_on: False
  calibration_type: 'default'
  max_percentile: 0.99999
compiler_parameters:
  compile_mode: 'latency'
  debug: True
  optimize_level: 'O3'
"""
NO_EFFECT = {"mean_value": "norm_type is no_preprocess", "scale_value": "norm_type is no_preprocess",
             "max_percentile": "calibration_type is default"}


def convert(folder, text, want):
    (folder / "c.yaml").write_text(text)
    return tool.run("convert", "-c", folder / "c.yaml", "--log", "none", "--compare", "1", want=want,
                    build=tool.BUILD)


def write_data(folder, pictures, values):
    (folder / "data").mkdir(exist_ok=True)
    for i, p in enumerate(pictures):
        values(p.astype(np.float64)).transpose(2, 0,
                                               1)[None].astype(np.float32).tofile(folder / f"data/{i}.bin")


def set_key(text, key, value):
    assert re.search(rf"^  {key}:", text, re.M), key
    return re.sub(rf"^  {key}: .*", f"  {key}: {value}", text, flags=re.M)


def lines_of(text, key):
    return next(i for i, line in enumerate(text.splitlines(), 1) if line.startswith(f"  {key}:"))


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The first run: its folder, its pictures, and what it said."""
    if not MODEL.exists():
        pytest.skip(f"no models at {tool.SHARED}")
    folder = tmp_path_factory.mktemp("forum")
    names = sm.spread(sm.list_pictures(tool.SHARED / "images/camvid/calib"), 2)
    pictures = [sm.picture_pixels(p, 256, 192) for p in names]
    write_data(folder, pictures, lambda x: (x / 255 - MEAN) / STD)
    return folder, pictures, convert(folder, TEMPLATE, tool.BAD_INPUT).err


def test_one_run_says_everything(story):
    folder, _, err = story
    for key, why in NO_EFFECT.items():
        assert f"c.yaml:{lines_of(TEMPLATE, key)}:3: {key}: has no effect: {why}" in err
    line = lines_of(TEMPLATE, "cal_data_dir")
    at = f"c.yaml:{line}:3: cal_data_dir: input pixel_values has rgb pixels in 0..255"
    assert err.count("vernier convert: ") == 1 and at in err
    assert "they are already normalized" in err
    assert "no_preprocess passes pixels to the network unchanged" in err
    assert not (folder / "out").exists()


def test_the_advice_featuremap_leads_to_a_verified_program(story):
    folder, _, err = story
    advice = re.search(r"or set (\w+) and (\w+) to (\w+), and feed the device normalized data", err)
    text = set_key(set_key(TEMPLATE, advice[1], advice[3]), advice[2], advice[3])
    done = convert(folder, text, tool.DONE)
    cosine = re.search(r"^logits .* ([\d.]+)$", done.out, re.M)
    assert float(cosine[1]) > 0.99
    following = re.search(r"^Next: vernier (verify \S+ \S+)$", done.out, re.M)
    assert "PASSED" in tool.run(*following[1].split(), "--random", "1", want=tool.DONE, build=tool.BUILD).out


def test_the_advice_pixels_leads_to_a_program(story, tmp_path):
    _, pictures, err = story
    advice = re.search(r"Calibrate with pixels, and set norm_type: (\w+) with about mean_value: ('[^']*') "
                       r"and scale_value: ('[^']*')", err)
    write_data(tmp_path, pictures, lambda x: x)
    text = TEMPLATE.replace("'default'", "'max'")  # the search was seen to work
    for key, value in zip(("norm_type", "mean_value", "scale_value"), advice.groups()):
        text = set_key(text, key, value)
    done = convert(tmp_path, text, tool.DONE)
    assert float(re.search(r"^logits .* ([\d.]+)$", done.out, re.M)[1]) > 0.98
    assert "has no effect: norm_type" not in done.err
