"""HB_ONNXRuntime, HBRuntime and pyeasy_dnn: the manual's calls on float, quantized and .bin."""
import logging
import subprocess

import numpy as np
import onnxruntime
import pytest
import tool

vernier = pytest.importorskip("vernier")
if not (tool.BUILD / "python/vernier/_native.abi3.so").exists():
    pytest.skip("the build has no Python package", allow_module_level=True)
from vernier.hobot_dnn import pyeasy_dnn  # noqa: E402
from vernier.horizon_tc_ui import HB_ONNXRuntime, HBRuntime  # noqa: E402

STAGES = ("original_float", "optimized_float", "quantized", "bin")


def image_tensor(net):
    """An image as the network's tensor, pixels 0..255 in the intermediate colours, uint8."""
    with vernier.Session(net.files["bin"]) as s:
        seen = {s.inputs[0].name: None}
        s.run(None, {s.inputs[0].name: net.pixels()}, observe=seen)
        return (seen[s.inputs[0].name] + 128).astype(np.uint8)


def as_command_line(net, stage, tmp_path, x):
    """What `vernier run` gives for the tensor x ("pixel - 128"), as real numbers."""
    np.save(tmp_path / "x.npy", (x.astype(np.int16) - 128).astype(np.float32))
    if stage == "bin":
        np.save(tmp_path / "x.npy", net.pixels())
    tool.run("run", net.files[stage], "--input", tmp_path / "x.npy", "-o", tmp_path, want=tool.DONE,
             build=tool.BUILD)
    with vernier.Session(net.files[stage]) as s:
        return [p.real(np.load(tmp_path / f"{p.name}.npy")) for p in s.outputs]


@pytest.mark.parametrize("stage", STAGES)
def test_the_five_calls(net, stage, tmp_path, caplog):
    sess = HB_ONNXRuntime(model_file=net.files[stage])
    names = [i.name for i in sess.get_inputs()]
    output_names = [o.name for o in sess.get_outputs()]
    x = image_tensor(net)
    want = as_command_line(net, stage, tmp_path, x)
    with caplog.at_level(logging.INFO):
        got = sess.run(output_names, {names[0]: x}, input_offset=128)
    line = "model input type is int8, input data type is uint8, will be convert."
    assert f"input[{names[0]}] {line}" in caplog.text
    shifted = x.astype(np.int16) - 128
    raw = sess.hb_session.run(output_names, {names[0]: shifted.astype(np.int8)})
    features = sess.run_feature(output_names, {names[0]: x.astype(np.float32)}, input_offset=128)
    zero = sess.run_feature(None, {names[0]: shifted.astype(np.float32)}, input_offset=0)
    for results in (got, raw, features, zero, HBRuntime(net.files[stage]).run(None, {names[0]: shifted})):
        for a, b in zip(results, want):
            assert a.dtype == np.float32
            np.testing.assert_array_equal(a, b)


def test_features_as_onnxruntime(net):
    """The source network without preprocessing: float feature maps, against onnxruntime."""
    sess = HB_ONNXRuntime(str(net.source))
    peer = onnxruntime.InferenceSession(net.source, providers=["CPUExecutionProvider"])
    for a, b in zip(sess.get_inputs() + sess.get_outputs(), peer.get_inputs() + peer.get_outputs()):
        assert (a.name, a.shape, a.type) == (b.name, b.shape, b.type)
    x = np.random.default_rng(3).normal(size=sess.input_shapes[0]).astype(np.float32)
    feed = {sess.input_names[0]: x}
    names = sess.output_names[::-1]
    for a, b in zip(sess.run_feature(names, feed, input_offset=0), peer.run(names, feed)):
        assert np.abs(a - b).max() <= 1e-4 * np.abs(b).max()  # two orders of float32 sums


def test_members(camera, gray):
    sess = HB_ONNXRuntime(model_file=camera.files["quantized"], threads=2)
    assert sess.layout == ["NCHW"] and sess.get_hw() == (240, 320) and sess.input_shapes == [[1, 3, 240, 320]]
    assert sess.get_provider() == ["CPUExecutionProvider"]
    sess.set_providers(["CUDAExecutionProvider"])
    assert sess.get_provider() == ["CUDAExecutionProvider"]
    free = HB_ONNXRuntime(gray.source)
    free.set_dim_param(0, 0, "?")
    assert free.get_inputs()[0].shape == ["?", 1, 8, 8]
    for n in (1, 3, 1):
        assert len(free.run_feature(None, {"image": np.zeros((n, 1, 8, 8), np.float32)})[0]) == n
    with pytest.raises(ValueError, match="fixed"):
        HB_ONNXRuntime(gray.files["bin"]).set_dim_param(0, 0, "?")
    with pytest.raises(IndexError):
        free.set_dim_param(1, 0, "?")


@pytest.mark.parametrize("march, rt, layouts", [("bayes-e", "nv12", ["NHWC", "NCHW"]),
                                                ("bernoulli2", "rgb", ["NHWC", "NHWC"]),
                                                ("generic", "nv12", ["NCHW", "NCHW"])])
def test_layout(tmp_path, march, rt, layouts):
    """Of the quantized model and the .bin; float stages have that of training. An image and a feature map."""
    from onnx import TensorProto, helper, save
    tensors = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, 8, 12])
               for n in ("image", "f", "y")}
    nodes = [helper.make_node("Conv", ["image", "w"], ["a"], "one"),
             helper.make_node("Conv", ["f", "w"], ["b"], "two"),
             helper.make_node("Add", ["a", "b"], ["y"], "sum")]
    w = helper.make_tensor("w", TensorProto.FLOAT, [3, 3, 1, 1], np.eye(3).ravel())
    graph = helper.make_graph(nodes, "g", [tensors["image"], tensors["f"]], [tensors["y"]], [w])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    save(model, tmp_path / "m.onnx")
    model = f"model_parameters: {{onnx_model: m.onnx, working_dir: out, march: {march}}}"
    (tmp_path / "c.yaml").write_text(f"""{model}
input_parameters: {{input_name: image;f, input_type_train: rgb;featuremap, input_type_rt: {rt};featuremap}}
calibration_parameters: {{calibration_type: skip}}
""")
    tool.run("convert", "-c", "c.yaml", "--log", "none", want=tool.DONE, cwd=tmp_path, build=tool.BUILD)
    random = np.random.default_rng(1)
    image, f = random.integers(0, 256, (1, 3, 8, 12), np.uint8), random.normal(size=(1, 3, 8, 12))
    outputs = []
    for stage in "original_float_model.onnx", "quantized_model.onnx":
        sess = HB_ONNXRuntime(tmp_path / f"out/model_{stage}")
        assert sess.layout == (["NCHW", "NCHW"] if "float" in stage else layouts)
        turn = [x.transpose(0, 2, 3, 1) if axes == "NHWC" else x for x, axes in zip((image, f), sess.layout)]
        assert sess.input_shapes == [list(x.shape) for x in turn]
        assert sess.get_hw() == (8, 12)
        outputs += sess.run(None, {"image": turn[0], "f": turn[1].astype(np.float32)})
    assert HB_ONNXRuntime(tmp_path / "out/model.bin").layout == layouts
    assert np.corrcoef(*(x.ravel() for x in outputs))[0, 1] > 0.99


def test_board(net):
    (model,) = pyeasy_dnn.load(str(net.files["bin"]))
    assert len(pyeasy_dnn.load([net.files["bin"]] * 2)) == 2
    p = model.inputs[0].properties
    kind = {"digits": "GRAY", "rfb320": "NV12"}[net.name]
    assert (p.tensor_type, p.dtype, p.layout, p.shape[0]) == (kind, "uint8", "NCHW", 1)
    pixels = net.pixels()
    outputs = model.forward(pixels)
    want = HBRuntime(net.files["bin"]).run(None, {model.inputs[0].name: pixels})
    for o, w in zip(model.forward([pixels]), want):
        np.testing.assert_array_equal(o.buffer, w)
    assert [o.name for o in outputs] == [o.name for o in model.outputs]
    assert outputs[0].properties.dtype == "float32" and model.inputs[0].buffer is pixels
    with pytest.raises(ValueError, match="expected 1 arrays"):
        model.forward([])


def test_board_loads_packs(gray, camera, tmp_path):
    """A Model for each model, called as in the pack; a name without a pack is an error."""
    files = [n.files["bin"] for n in (gray, camera)]
    (tmp_path / "hb_pack").symlink_to(tool.BUILD / "vernier")
    pack = [tmp_path / "hb_pack", *files, "-o", tmp_path / "two.bin"]
    subprocess.run(pack, check=True, capture_output=True)
    models = pyeasy_dnn.load(tmp_path / "two.bin")
    assert [m.name for m in models] == vernier.pack_names(tmp_path / "two.bin") == [f.stem for f in files]
    for net, model in zip((gray, camera), models):
        want = pyeasy_dnn.load(net.files["bin"])[0].forward(net.pixels())
        for a, b in zip(model.forward(net.pixels()), want):
            np.testing.assert_array_equal(a.buffer, b.buffer)
    assert vernier.pack_names(files[0]) == []
    with pytest.raises(ValueError, match="is no pack: it has no model 'x'"):
        vernier.Session(files[0], model="x")
