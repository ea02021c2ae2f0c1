"""Inputs of the quantized model and the .bin are N,H,W,C where the march's own tools have them so;
quantized_layout: original keeps them. Results stay the same."""
import json

import cv2
import numpy as np
import onnx
import onnx.helper as oh
import onnxruntime as ort
import pytest
import tool

H, W = 16, 20
YAML = """model_parameters:
  onnx_model: '../net.onnx'
  march: '{march}'
  working_dir: 'out'
  quantized_layout: '{layout}'
input_parameters:
  input_name: 'x;f'
  input_type_train: '{train};featuremap'
  input_layout_train: 'NCHW;NCHW'
  input_type_rt: '{rt};featuremap'
calibration_parameters:
  calibration_type: 'skip'
"""
# march, type at run time, axes of both inputs of the quantized model
NHWC, NCHW = (1, H, W, 3), (1, 3, H, W)
CASES = [("bayes-e", "nv12", NHWC, (1, 4, H, W)), ("bayes", "nv12", NHWC, (1, 4, H, W)),
         ("bayes-e", "rgb", NCHW, (1, 4, H, W)), ("bernoulli2", "nv12", NHWC, (1, H, W, 4)),
         ("bernoulli2", "rgb", NHWC, (1, H, W, 4)), ("generic", "nv12", NCHW, (1, 4, H, W)),
         ("x86-64-v4", "rgb", NCHW, (1, 4, H, W))]


def save_network(path):
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=(4, c, 3, 3)).astype(np.float32) for c in (3, 4)]
    nodes = [oh.make_node("Conv", ["x", "w0"], ["a"], "first", pads=[1] * 4),
             oh.make_node("Conv", ["f", "w1"], ["b"], "second", pads=[1] * 4),
             oh.make_node("Add", ["a", "b"], ["s"], "sum"), oh.make_node("Relu", ["s"], ["r"], "relu"),
             oh.make_node("Conv", ["r", "w1"], ["y"], "third", pads=[1] * 4)]
    graph = oh.make_graph(nodes, "g", [oh.make_tensor_value_info("x", 1, [1, 3, H, W]),
                                       oh.make_tensor_value_info("f", 1, [1, 4, H, W])],
                          [oh.make_tensor_value_info("y", 1, [1, 4, H, W])],
                          [oh.make_tensor(f"w{i}", 1, w.shape, w.ravel()) for i, w in enumerate(weights)])
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 18)], ir_version=8), path)


def convert(folder, layout, march, rt):
    (folder / layout).mkdir()
    (folder / layout / "c.yaml").write_text(YAML.format(layout=layout, march=march, rt=rt, train="rgb"))
    tool.run("convert", "-c", "c.yaml", "--log", "none", want=tool.DONE, cwd=folder / layout)
    return folder / layout / "out/model_quantized_model.onnx", folder / layout / "out/model.bin"


@pytest.mark.parametrize("march,rt,x_axes,f_axes", CASES)
def test_layout(tmp_path, march, rt, x_axes, f_axes):
    rng = np.random.default_rng(6)
    save_network(tmp_path / "net.onnx")
    cv2.imwrite(str(tmp_path / "im.png"), rng.integers(0, 256, (H, W, 3)).astype(np.uint8))
    f = rng.uniform(-1, 1, (1, 4, H, W)).astype(np.float32)
    np.save(tmp_path / "NCHW.npy", f)
    np.save(tmp_path / "NHWC.npy", f.transpose(0, 2, 3, 1))
    results = []
    for layout in "original", "march":
        quantized, program = convert(tmp_path, layout, march, rt)
        last = layout == "march" and f_axes[3] == 4
        feed = ["-i", "x=im.png", "-i", f"f={'NHWC' if last else 'NCHW'}.npy"]
        for stage in quantized, program:
            tool.run("run", stage, *feed, "-o", "o", want=tool.DONE, cwd=tmp_path)
            results.append(np.load(tmp_path / "o/y.npy"))
        for mask in "0", "all":
            tool.run("verify", quantized, program, "--cpumask", mask, *feed, want=tool.DONE, cwd=tmp_path)
        tool.run("verify", quantized, program, want=tool.DONE)
    assert all(np.array_equal(results[0], r) for r in results[1:])
    onnx.checker.check_model(onnx.load(quantized), full_check=True)
    session = ort.InferenceSession(str(quantized))
    assert [tuple(i.shape) for i in session.get_inputs()] == [x_axes, f_axes]
    info = json.loads(tool.run("info", program, "--json", want=tool.DONE).out)
    assert tuple(info["inputs"][1]["shape"]) == f_axes
    assert f"layout_train={'NHWC' if x_axes[3] == 3 else 'NCHW'}" in info["meta"]["input.x"]


def test_other_stages(tmp_path):
    """Inputs of stages in either order of axes are fed alike and compared alike."""
    save_network(tmp_path / "net.onnx")
    quantized, _ = convert(tmp_path, "march", "bernoulli2", "nv12")
    calibrated = quantized.with_name("model_calibrated_model.onnx")
    done = tool.run("compare", calibrated, quantized, "--json", want=tool.DONE)
    rows = {r["tensor"]: r for r in json.loads(done.out)["tensors"]}
    assert rows["x"]["cosine"] == 1 and rows["f"]["cosine"] > 0.9999 and rows["y"]["cosine"] > 0.99, rows
    done = tool.run("flow", "-c", "c.yaml", "--no-repair", want=tool.DONE, cwd=tmp_path / "march")
    assert "bin              PASS" in done.out, done.out


def test_batch(tmp_path):
    save_network(tmp_path / "net.onnx")
    (tmp_path / "march").mkdir()
    text = YAML.format(layout="march", march="bernoulli2", rt="nv12", train="rgb")
    text = text.replace("calibration_parameters", "  input_batch: 3\ncalibration_parameters")
    (tmp_path / "march/c.yaml").write_text(text)
    out = tmp_path / "march/out"
    tool.run("convert", "-c", "c.yaml", "--log", "none", want=tool.DONE, cwd=tmp_path / "march")
    tool.run("verify", out / "model_quantized_model.onnx", out / "model.bin", want=tool.DONE)


def test_files_as_trained(tmp_path):
    """A turned feature map takes .npy in training's axes, too: one folder of data serves all stages."""
    save_network(tmp_path / "net.onnx")
    quantized, program = convert(tmp_path, "march", "bernoulli2", "rgb")
    rng = np.random.default_rng(7)
    f = rng.uniform(-1, 1, (1, 4, H, W)).astype(np.float32)
    np.save(tmp_path / "x.npy", rng.integers(0, 256, (1, 3, H, W)).astype(np.uint8))
    outputs = []
    for name, array in (("NCHW", f), ("NHWC", f.transpose(0, 2, 3, 1))):
        np.save(tmp_path / f"{name}.npy", array)
        feed = ["-i", f"f={name}.npy", "-i", "x=x.npy"]
        tool.run("run", program, *feed, "-o", "o", want=tool.DONE, cwd=tmp_path)
        outputs.append(np.load(tmp_path / "o/y.npy"))
    assert np.array_equal(*outputs)
    np.save(tmp_path / "wrong.npy", np.zeros((1, H, 4, W), np.float32))
    done = tool.run("run", program, "-i", "f=wrong.npy", want=tool.BAD_INPUT, cwd=tmp_path)
    assert "array of shape 1x16x4x20" in done.err and "1x16x20x4" in done.err


def test_layout_of_the_device(tmp_path):
    """input_layout_rt of a feature map: its axes in the .bin, on any march; what cannot be so is said."""
    save_network(tmp_path / "net.onnx")
    (tmp_path / "a").mkdir()
    text = YAML.format(layout="march", march="generic", rt="rgb", train="rgb")
    text = text.replace("calibration_p", "  input_layout_rt: '{}'\ncalibration_p")
    axes = []
    for layout in "NCHW;NHWC", "NCHW;NCHW":
        (tmp_path / "a/c.yaml").write_text(text.format(layout))
        done = tool.run("convert", "-c", "c.yaml", "--log", "none", want=tool.DONE, cwd=tmp_path / "a")
        assert "input_layout_rt has no effect" not in done.err
        info = json.loads(tool.run("info", tmp_path / "a/out/model.bin", "--json", want=tool.DONE).out)
        axes.append(tuple(info["inputs"][1]["shape"]))
        files = "out/model_quantized_model.onnx", "out/model.bin"
        tool.run("verify", *files, want=tool.DONE, cwd=tmp_path / "a")
    assert axes == [(1, H, W, 4), (1, 4, H, W)]
    (tmp_path / "a/c.yaml").write_text(text.format("NCHW;NCHW").replace("generic", "bernoulli2"))
    done = tool.run("convert", "-c", "c.yaml", "--log", "none", want=tool.DONE, cwd=tmp_path / "a")
    assert "input_layout_rt has no effect on input f: the .bin takes it as NHWC" in done.err


def test_only_one_file_is_edited(tmp_path):
    """What differs, which file was edited, and the command that edits the other one."""
    save_network(tmp_path / "net.onnx")
    quantized, program = convert(tmp_path, "march", "bernoulli2", "nv12")
    edited, other = tmp_path / "e.onnx", tmp_path / "e.bin"
    tool.run("edit", quantized, "--remove-type", "Quantize;Transpose", "-o", edited, want=tool.DONE)
    said = tool.run("verify", edited, program, want=tool.BAD_INPUT).err
    assert f"f_NCHW (1x4x16x20) in {edited}, f (1x16x20x4) in {program}" in said, said
    assert f"nodes were removed from {edited} only" in said
    assert f"vernier edit {program} --remove-node 'f_QuantizeLinear'" in said
    tool.run("edit", program, "--remove-type", "Quantize;Transpose", "-o", other, want=tool.DONE)
    tool.run("verify", edited, other, want=tool.DONE)
