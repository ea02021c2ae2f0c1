"""A small network with most of what the runtime can do, converted: its .bin has nearly every instruction."""
import numpy as np
import onnx
import tool
from onnx import TensorProto, helper, numpy_helper


def network():
    rng = np.random.default_rng(3)
    weights, nodes = [], []

    def const(name, x):
        weights.append(numpy_helper.from_array(np.asarray(x), name))
        return name

    def w(name, *shape):
        return const(name, (rng.standard_normal(shape) * 0.3).astype(np.float32))

    def node(op, inputs, out, **attributes):
        nodes.append(helper.make_node(op, inputs, [out], out, **attributes))
        return out

    def ints(name, *values):
        return const(name, np.array(values, np.int64))

    x = node("Conv", ["image", w("w1", 8, 3, 3, 3), w("b1", 8)], "conv", pads=[1, 1, 1, 1], strides=[2, 2])
    x = node("Relu", [x], "relu")
    d = node("Conv", [x, w("w2", 8, 1, 3, 3)], "depthwise", group=8, pads=[1, 1, 1, 1])
    x = node("Add", [x, d], "sum")
    s = node("Sigmoid", [x], "gate")
    x = node("Mul", [x, s], "gated")
    g = node("GlobalAveragePool", [x], "mean")
    x = node("Mul", [x, g], "scaled")
    p = node("MaxPool", [x], "max", kernel_shape=[2, 2], strides=[2, 2])
    q = node("AveragePool", [x], "average", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    c = node("Concat", [p, q], "both", axis=1)
    u = node(
        "Resize",
        [c, "", const("scales", np.array([1, 1, 2, 2], np.float32))],
        "nearest",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    v = node(
        "Resize",
        [c, "", const("scales2", np.array([1, 1, 1.5, 1.5], np.float32))],
        "linear",
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    t = node("ConvTranspose", [c, w("w3", 16, 4, 2, 2)], "up", strides=[2, 2])
    t = node("LeakyRelu", [t], "leaky", alpha=0.1)
    t = node("Slice", [t, ints("from", 1), ints("to", 7), ints("axes", 2), ints("steps", 2)], "slice")
    a = node("Reshape", [u, ints("rows", 1, 16, 64)], "flat")
    b = node("Transpose", [a], "turned", perm=[0, 2, 1])
    m = node("MatMul", [a, b], "products")
    m = node("LayerNormalization", [m, w("scale", 16), w("shift", 16)], "normal", axis=-1)
    m = node("Softmax", [node("Max", [m, const("least", np.float32(-1))], "most")], "weights", axis=-1)
    h = node("Gather", [m, ints("rows2", 3, 1, 15)], "picked", axis=1)
    e = node("Exp", [node("Sub", [const("one", np.float32(1)), h], "negative")], "exp")
    e = node("Div", [e, const("by", np.float32(3))], "div")
    k = node("Pad", [v, ints("pads", 0, 0, 1, 0, 0, 0, 0, 1)], "pad")
    k = node(
        "Tanh", [node("Clip", [k, const("lo", np.float32(-1)), const("hi", np.float32(2))], "clip")], "tanh"
    )
    f = node("Gemm", [node("Flatten", [g], "vector"), w("w4", 8, 5)], "fc")
    f = node("Softmax", [f], "classes", axis=1)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (t, e, k, f)]
    graph = helper.make_graph(
        nodes,
        "many",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
        outputs,
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


CONFIGS = [
    ("generic", "generic", ""),
    ("bayes-e", "bayes-e", ""),
    ("int16", "generic", "\n  optimization: 'set_all_nodes_int16,set_model_output_int16'"),
    (
        "mixed",
        "generic",
        "\n  optimization: 'set_Conv_input_int16,set_Concat_output_int16,set_Softmax_input_int16,set_Mul_output_int16'",
    ),
]


def convert(folder):
    """Folder of the products: a program in int8, one in int16, one with both, and one that has float
    parts."""
    onnx.save(network(), folder / "many.onnx")
    for name, march, types in CONFIGS:
        (folder / f"{name}.yaml").write_text(f"""model_parameters:
  onnx_model: 'many.onnx'
  march: '{march}'
  output_model_file_prefix: 'many_{name}'
  working_dir: '{folder}/out'
input_parameters:
  input_type_train: 'rgb'
  input_type_rt: 'nv12'
  norm_type: 'data_mean_and_scale'
  mean_value: 128
  scale_value: 0.01
calibration_parameters:
  calibration_type: 'skip'{types}
compiler_parameters:
  optimize_level: 'O3'
""")
        tool.run("convert", "-c", folder / f"{name}.yaml", "--log", "none", want=tool.DONE)
    return folder / "out"
