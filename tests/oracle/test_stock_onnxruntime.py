"""onnxruntime with its default optimizations, and onnx.checker, open every stage of every shared model.

VERNIER_CAMPAIGN=1: all of them, on two marches, in int8 and in int16; daily a few small ones."""
import sys

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import shared_models as sm
import tool
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(tool.ROOT / "tools"))
import mixed_networks  # noqa: E402

MODELS = {  # file without suffix: the shape of its input, where it is not in the file
    "basic_pitch": None, "lprnet": None, "resnet20_cifar10": None, "mobilenet_v1_025_224": None,
    "fastestdet": None, "rfb320": None, "rfb320_with_boxes": None, "dtln_1": None, "yolox_nano": None,
    "magika_v3": None,
    "segformer_b0_camvid": None, "yunet_n_dynamic": "1x3x320x320", "ppocr_v4_rec": "1x3x48x160",
    "retinaface.caffemodel": None, "rfb320.caffemodel": None,
}
CAFFE_INPUTS = {"retinaface.caffemodel": ["data"], "rfb320.caffemodel": ["input"]}
DAILY = [("basic_pitch", "generic", ""), ("resnet20_cifar10", "generic", "set_all_nodes_int16")]
ALL = [(model, march, types) for model in MODELS for march in ("generic", "x86-64-v4")
       for types in ("", "set_all_nodes_int16")]
FEATURES = """model_parameters:
{model}  march: '{march}'
  working_dir: 'out'
input_parameters:
  input_name: '{names}'
{shape}  input_type_train: '{kinds}'
  input_type_rt: '{kinds}'
calibration_parameters:
  calibration_type: 'skip'
  optimization: '{types}'
"""


def opened(file):
    """A session with default optimizations."""
    onnx.checker.check_model(file, full_check=True)
    o = ort.SessionOptions()
    o.log_severity_level, o.intra_op_num_threads = 4, 1
    return ort.InferenceSession(file, o, providers=["CPUExecutionProvider"])


def convert(folder, model, march, types, names, shape=None, wide=()):
    """All four stages of a conversion with random data."""
    path = str(model)
    given = f"  onnx_model: '{path}'\n"
    if model.suffix == ".caffemodel":
        given = f"  caffe_model: '{path}'\n  prototxt: '{model.with_suffix('.prototxt')}'\n"
    (folder / "c.yaml").write_text(FEATURES.format(
        model=given, march=march, types=types or "asymmetric", names=";".join(names),
        kinds=";".join(["featuremap"] * len(names)),
        shape=(f"  input_shape: '{shape}'\n" if shape else "")))
    widen(folder / "c.yaml", wide)
    tool.run("convert", "-c", folder / "c.yaml", "--log", "none", "--compare", "1", build=tool.BUILD,
             timeout=600, want=(tool.DONE, tool.CHECK_FAILED))
    return [folder / f"out/model_{s}_model.onnx" for s in sm.STAGES]


def widen(config, nodes):
    """The configuration with these nodes in int16."""
    if nodes:
        info = {n: {"InputType": "int16", "OutputType": "int16"} for n in nodes}
        config.write_text(config.read_text().replace(
            "model_parameters:\n", f"model_parameters:\n  node_info: {info}\n"))


def inputs_of(graph):
    """Old files list their constants, too."""
    constants = {t.name for t in graph.initializer}
    return [i.name for i in graph.input if i.name not in constants]


@pytest.mark.parametrize("name, march, types", ALL if tool.CAMPAIGN else DAILY)
def test_shared_models(tmp_path, name, march, types):
    model = tool.SHARED / "models" / (name if "." in name else f"{name}.onnx")
    if not model.exists():
        pytest.skip(f"no models at {tool.SHARED}")
    names = CAFFE_INPUTS.get(name) or inputs_of(onnx.load(model).graph)
    for stage in convert(tmp_path, model, march, types, names, MODELS[name]):
        opened(str(stage))


WEIGHTS = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)


def moved(op, **more):
    """An int8 value that one product reads, and that also leaves the network by a move in float."""
    inputs = ["s", "sizes"] if op == "Reshape" else ["s"]
    return [helper.make_node("MatMul", ["x", "w"], ["a"], "first"), helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("MatMul", ["b", "v"], ["c"]), helper.make_node("Sigmoid", ["c"], ["s"]),
            helper.make_node(op, inputs, ["y"], **more), helper.make_node("MatMul", ["s", "v"], ["z"])]


def biased():
    """A product whose float result gets its bias at the end: onnxruntime makes a Reshape and a Gemm of it."""
    return [*moved("Relu"), helper.make_node("MatMul", ["s", "v"], ["t"]),
            helper.make_node("Add", ["t", "one"], ["u"])]


def sums_of_one(file):
    return [n.output[0] for n in onnx.load(file).graph.node if n.op_type == "Sum" and len(n.input) == 1]


def same_without_optimizations(file, x):
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = ort.InferenceSession(file, o, providers=["CPUExecutionProvider"])
    for got, want in zip(opened(file).run(None, {"x": x}), plain.run(None, {"x": x})):
        np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("wide", [[], ["first"]], ids=["int8", "int8 and int16"])
@pytest.mark.parametrize("nodes", [moved("Reshape"), moved("Transpose", perm=[0, 2, 1]), biased()],
                         ids=["Reshape", "Transpose", "MatMul and Add"])
def test_moves_behind_int8(tmp_path, nodes, wide):
    """onnxruntime refused these at operator set 21; the results are those without optimizations."""
    constants = {"w": WEIGHTS, "v": WEIGHTS[:4], "one": np.ones(4, np.float32), "sizes": np.array([2, -1])}
    g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 6, 8))],
                          [helper.make_tensor_value_info(n.output[0], TensorProto.FLOAT, None)
                           for n in nodes[4:] if n.output[0] in "yzu"],
                          [numpy_helper.from_array(v, k) for k, v in constants.items()])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(m, tmp_path / "m.onnx")
    stages = convert(tmp_path, tmp_path / "m.onnx", "generic", "", ["x"], wide=wide)
    x = np.random.default_rng(2).standard_normal((1, 6, 8)).astype(np.float32)
    for stage in stages:
        same_without_optimizations(str(stage), x)
    assert onnx.load(stages[-1]).opset_import[0].version == (21 if wide else 20)
    tool.run("verify", stages[-1], tmp_path / "out/model.bin", build=tool.BUILD, want=(tool.DONE,))
    assert len(sums_of_one(stages[-1])) == len(wide)
    edited = tmp_path / "edited.onnx"
    outputs = ";".join(o.name for o in g.output)
    tool.run("edit", stages[-1], "--output-nodes", outputs, "-o", edited, build=tool.BUILD, want=(tool.DONE,))
    assert len(sums_of_one(edited)) == len(wide), "the reader removes it, the writer makes a new one"


@pytest.mark.parametrize("first", range(0, 400 if tool.CAMPAIGN else 20, 20))
def test_random_networks(tmp_path, first):
    """Nodes in int8, int16 and float, at random."""
    for seed in range(first, first + 20):
        folder = tmp_path / str(seed)
        config = mixed_networks.write(folder, seed, "generic", "mixed")
        names = [n.name for n in onnx.load(folder / "m.onnx").graph.node[1:]]
        widen(config, mixed_networks.some_nodes(names, seed + 1))
        tool.run("convert", "-c", config, "--log", "none", cwd=folder, build=tool.BUILD,
                 want=(tool.DONE, tool.CHECK_FAILED))
        for stage in sm.STAGES:
            opened(str(folder / f"out/m_{stage}_model.onnx"))
