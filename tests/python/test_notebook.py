"""A notebook's way through ResNet-20: arrays, conversion, three stages, scores, a mixed plan, a pack."""
import logging
import shutil
import subprocess

import numpy as np
import pytest
import shared_models as sm
import tool
from PIL import Image

vernier = pytest.importorskip("vernier")
if not (tool.BUILD / "python/vernier/_native.abi3.so").exists():
    pytest.skip("the build has no Python package", allow_module_level=True)
if sm.missing():
    pytest.skip(sm.missing(), allow_module_level=True)

CIFAR = sm.SHARED / "images/cifar10"


def pixels(part, most):
    """(images, labels): uint8, N x 3 x 32 x 32."""
    files = [(p, i) for i, folder in enumerate(sorted((CIFAR / part).iterdir()))
             for p in sorted(folder.iterdir())[:most]]
    return np.stack([np.asarray(Image.open(p).convert("RGB")).transpose(2, 0, 1) for p, _ in files]), \
        np.array([i for _, i in files]), [p for p, _ in files]


def test_resnet20(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logging.disable(logging.INFO)
    calibration, _, _ = pixels("calib", 4)
    images, labels, files = pixels("test", 10)
    config = {
        "model_parameters": {"onnx_model": sm.SHARED / "models/resnet20_cifar10.onnx", "march": "bayes-e",
                             "working_dir": "out", "output_model_file_prefix": "resnet20"},
        "input_parameters": {"input_type_train": "rgb", "input_layout_train": "NCHW", "input_type_rt": "rgb",
                             "norm_type": "data_mean_and_scale", "mean_value": "123.675 116.28 103.53",
                             "scale_value": "0.01712475 0.017507 0.01742919"},
        "calibration_parameters": {"calibration_type": "max"},
    }
    done = []
    c = vernier.convert(config, (x[None] for x in calibration), progress=lambda *step: done.append(step))
    assert (tmp_path / "out/resnet20.bin").samefile(c.products["bin"])
    assert done and c.outputs[0].cosine_mean > 0.99

    # three stages and the program, from arrays
    hits = {}
    for stage in "original_float", "optimized_float", "quantized", "bin":
        with vernier.Session(c.products[stage]) as net:
            (port,) = net.inputs
            order = (0, 2, 3, 1) if port.layout == "NHWC" else (0, 1, 2, 3)
            given = [(x[None].astype(np.float32) - 128).transpose(order) for x in images]
            hits[stage] = np.mean([np.argmax(net.outputs[0].real(net.run(None, {port.name: g})[0])) == y
                                   for g, y in zip(given, labels)])
    assert hits["original_float"] == hits["optimized_float"] > 0.75
    assert hits["quantized"] == hits["bin"] > 0.75
    assert vernier.verify(c.products["quantized"], c.products["bin"]).passed
    assert vernier.compare(c.products["optimized_float"], c.products["quantized"], files=[files[0]],
                           thresholds={"cosine": 0.98}).passed

    # the same images as files
    (tmp_path / "test").mkdir()
    lines = []
    for i, (p, y) in enumerate(zip(files, labels)):
        Image.open(p).save(tmp_path / f"test/{i}.png")
        lines.append(f"{i}.png {y}\n")
    (tmp_path / "labels.txt").write_text("".join(lines))
    scored = vernier.evaluate([c.products["optimized_float"], c.products["bin"]], metric="top_k",
                              images=tmp_path / "test", labels=tmp_path / "labels.txt")
    assert scored.models[1].scores[0].value == pytest.approx(100 * hits["bin"], abs=2)

    # a plan of types, from a file: the calibration images as files, too
    (tmp_path / "calib").mkdir()
    for i, x in enumerate(calibration):
        x.astype(np.float32).tofile(tmp_path / f"calib/{i}.raw")
    config["calibration_parameters"].update(cal_data_dir="calib", cal_data_type="float32")
    text = [f"{group}:\n" + "".join(f"  {k}: '{v}'\n" for k, v in keys.items())
            for group, keys in config.items()]
    (tmp_path / "net.yaml").write_text("".join(text))
    plan = vernier.tune("net.yaml", latency_ratio=1.3, plans=3)
    assert plan.best.latency <= 1.3 and plan.yaml.exists()
    tuned = vernier.convert(plan.yaml)
    assert tuned.outputs[0].cosine_mean >= c.outputs[0].cosine_mean

    # both programs in one file
    tool.run("compat", "install", tmp_path / "compat", want=tool.DONE, build=tool.BUILD)
    shutil.copy(c.products["bin"], tmp_path / "plain.bin")
    shutil.copy(tuned.products["bin"], tmp_path / "tuned.bin")
    subprocess.run([tmp_path / "compat/bin/hb_pack", "plain.bin", "tuned.bin", "-o", "both.bin"], check=True)
    assert vernier.pack_names("both.bin") == ["plain", "tuned"]
    with vernier.Session("both.bin", model="tuned") as net:
        assert net.run(None, {net.inputs[0].name: str(files[0])})[0].shape == (1, 10)
