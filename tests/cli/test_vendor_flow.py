"""What the vendor's manual shows, from the checker to hb_model_modifier, with PATH and PYTHONPATH only."""
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import shared_models as sm
import tool

FLOW = pathlib.Path(__file__).parent / "flow"
MARCHES = ["bayes-e", "bernoulli2"] + ["bayes"] * tool.CAMPAIGN

NV12 = """
model_parameters:
  caffe_model: './net.caffemodel'
  prototxt: './net.prototxt'
  march: 'bayes-e'
  layer_out_dump: False
  working_dir: 'model_output'
  output_model_file_prefix: 'net_nv12'
input_parameters:
  input_name: ''
  input_type_rt: 'nv12'
  input_type_train: 'rgb'
  input_layout_train: 'NCHW'
  input_shape: ''
  norm_type: 'data_mean_and_scale'
  mean_value: 127 127 127
  scale_value: 0.0078125
calibration_parameters:
  cal_data_dir: './calibration_data_rgb_f32'
  cal_data_type: 'float32'
  calibration_type: 'default'
compiler_parameters:
  compile_mode: 'latency'
  debug: False
  core_num: 1
  optimize_level: 'O3'
"""

FEATURE = """
model_parameters:
  onnx_model: './net.onnx'
  march: 'bayes-e'
  working_dir: 'model_output'
  output_model_file_prefix: 'net_feature'
input_parameters:
  input_type_rt: 'featuremap'
  input_layout_rt: 'NCHW'
  input_type_train: 'featuremap'
  input_layout_train: 'NCHW'
  norm_type: 'no_preprocess'
calibration_parameters:
  cal_data_dir: './calibration_data'
  cal_data_type: 'float32'
  calibration_type: 'max'
  max_percentile: 0.9999
compiler_parameters:
  compile_mode: 'latency'
  optimize_level: 'O3'
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What a user sets, and nothing else."""
    if sm.missing():
        pytest.skip(sm.missing())
    if not (tool.BUILD / "python/vernier/_native.abi3.so").exists():
        pytest.skip("the build has no Python package")
    folder = tmp_path_factory.mktemp("vernier")
    tool.run("compat", "install", folder, want=tool.DONE, build=tool.BUILD)
    python = pathlib.Path(sys.executable).parent
    return {"PATH": f"{folder}/bin:{python}:/usr/bin:/bin", "PYTHONPATH": f"{folder}/python"}


def run(script, folder, environment):
    for path in FLOW.iterdir():
        shutil.copy(path, folder)
    done = subprocess.run(["sh", script], cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def cosine(a, b):
    a, b = np.ravel(a).astype(float), np.ravel(b).astype(float)
    return a @ b / np.sqrt((a @ a) * (b @ b))


def check_stages(folder, name):
    """Original and optimized float are equal to float32's rounding; the quantized model is close."""
    stages = ("original_float", "optimized_float", "quantized")
    a, b, c = (np.load(folder / f"model_output/{name}_{s}_model.onnx.npz") for s in stages)
    for key in a:
        np.testing.assert_allclose(b[key], a[key], atol=1e-4 * np.abs(a[key]).max())
        assert cosine(c[key], a[key]) > 0.98, key


@pytest.mark.parametrize("march", MARCHES)
def test_nv12(environment, tmp_path, march):
    models, faces = tool.SHARED / "models", sm.MODELS["rfb320"].pictures()
    for suffix in ("prototxt", "caffemodel"):
        os.symlink(models / f"rfb320.{suffix}", tmp_path / f"net.{suffix}")
    (tmp_path / "pictures").mkdir()
    for path in faces[:10]:
        os.symlink(path, tmp_path / "pictures" / path.name)
    os.symlink(faces[0], tmp_path / "sample.jpg")
    (tmp_path / "net_nv12.yaml").write_text(NV12.replace("bayes-e", march))
    out = run("nv12.sh", tmp_path, environment)
    check_stages(tmp_path, "net_nv12")
    lines = ("The main quantized node information:", "FPS=", "Strict check PASSED", "Frame      rate",
             "model input types   : [<InputDataType.NV12: 7>]", "modified model saved as")
    assert [line for line in lines if line not in out] == []


@pytest.mark.parametrize("march", MARCHES)
def test_featuremap(environment, tmp_path, march):
    """bernoulli2: what the quantized model and the .bin are fed with is N,H,W,C."""
    os.symlink(tool.SHARED / "models/lprnet.onnx", tmp_path / "net.onnx")
    random = np.random.default_rng(1)
    (tmp_path / "calibration_data").mkdir()
    x = random.normal(size=(9, 1, 3, 24, 94)).astype(np.float32)
    for i in range(8):
        x[i].tofile(tmp_path / f"calibration_data/{i}.bin")
    np.save(tmp_path / "feature.npy", x[8])
    last = march == "bernoulli2"
    raw = np.ascontiguousarray(x[8].transpose(0, 2, 3, 1)) if last else x[8]
    raw.tofile(tmp_path / "feature.bin")
    np.savetxt(tmp_path / "feature.txt", raw.ravel())
    (tmp_path / "net_feature.yaml").write_text(FEATURE.replace("bayes-e", march))
    out = run("featuremap.sh", tmp_path, environment)
    shape, layout = ("1,24,94,3", "NHWC") if last else ("1,3,24,94", "NCHW")
    tensor = f"valid shape: ({shape},)\naligned shape: ({shape},)\naligned byte size: 27072\n" \
             f"tensor type: HB_DNN_TENSOR_TYPE_F32\ntensor layout: HB_DNN_LAYOUT_{layout}\n"
    assert tensor in out, out[-3000:]
    assert f"input_layout_rt     : {layout}" in out
    check_stages(tmp_path, "net_feature")
    (quantized, ) = np.load(tmp_path / "model_output/net_feature_quantized_model.onnx.npz").values()
    (program, ) = np.load(tmp_path / "model_output/net_feature.bin.npz").values()
    np.testing.assert_array_equal(program, quantized)
    assert np.array_equal(np.fromfile(tmp_path / "model_infer_output_0.bin", np.float32), program.ravel())
