"""onnxruntime with its default optimizations, and onnx.checker, open every stage of every shared model.

VERNIER_CAMPAIGN=1: all of them, on two marches, in int8 and in int16; daily a few small ones."""
import numpy as np
import onnx
import onnxruntime as ort
import pytest
import shared_models as sm
import tool
from onnx import TensorProto, helper, numpy_helper

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


def convert(folder, model, march, types, names, shape=None):
    """All four stages of a conversion with random data."""
    path = str(model)
    given = f"  onnx_model: '{path}'\n"
    if model.suffix == ".caffemodel":
        given = f"  caffe_model: '{path}'\n  prototxt: '{model.with_suffix('.prototxt')}'\n"
    (folder / "c.yaml").write_text(FEATURES.format(
        model=given, march=march, types=types or "asymmetric", names=";".join(names),
        kinds=";".join(["featuremap"] * len(names)), shape=f"  input_shape: '{shape}'\n" if shape else ""))
    tool.run("convert", "-c", folder / "c.yaml", "--log", "none", "--compare", "1", build=tool.BUILD,
             timeout=600, want=(tool.DONE, tool.CHECK_FAILED))
    return [folder / f"out/model_{s}_model.onnx" for s in sm.STAGES]


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
    """An int8 result that leaves the network by a move in float."""
    inputs = ["s", "sizes"] if op == "Reshape" else ["s"]
    return [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Sigmoid", ["a"], ["s"]),
            helper.make_node(op, inputs, ["y"], **more)]


def biased():
    """A product in int8 whose float result gets its bias at the end, as onnxruntime makes a Gemm of it."""
    return [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("MatMul", ["a", "w"], ["s"]),
            helper.make_node("Add", ["s", "b"], ["y"])]


@pytest.mark.parametrize("nodes", [moved("Reshape"), moved("Transpose", perm=[0, 2, 1]), biased()],
                         ids=["Reshape", "Transpose", "MatMul and Add"])
def test_moves_behind_int8(tmp_path, nodes):
    """onnxruntime refused these at operator set 21; the results are those without optimizations."""
    constants = {"w": WEIGHTS, "b": np.ones(4, np.float32), "sizes": np.array([2, -1])}
    g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 6, 8))],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                          [numpy_helper.from_array(v, k) for k, v in constants.items()])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(m, tmp_path / "m.onnx")
    stages = convert(tmp_path, tmp_path / "m.onnx", "generic", "", ["x"])
    x = np.random.default_rng(2).standard_normal((1, 6, 8)).astype(np.float32)
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    for stage in stages:
        got = opened(str(stage)).run(None, {"x": x})[0]
        want = ort.InferenceSession(str(stage), o, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        np.testing.assert_allclose(got, want, atol=1e-5)
