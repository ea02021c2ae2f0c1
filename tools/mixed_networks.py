#!/usr/bin/env python3
"""Random small networks, and configurations that convert them, for the campaigns.

    mixed_networks.py SEED FOLDER [MARCH [TYPES]]    write FOLDER/m.onnx and FOLDER/m.yaml

A network is a chain with branches of 8 to 14 nodes: convolutions of every kind, residual sums,
concatenations, pools, resizes, moves, normalizations, products, reductions, activations, choices. TYPES
is int8, int16 or mixed, where some nodes are forced to float32. The same seed gives the same files.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MARCHES = ("generic", "x86-64-v4", "bernoulli2", "bayes", "bayes-e")
TYPES = ("int8", "int16", "mixed")
MOST_ELEMENTS = 20000


class Net:
    """A network under construction: `live` are the float values of rank 4 that a node may read."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.live, self.read, self.ends = [], [], [], set(), []

    def constant(self, values, kind=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def weight(self, *shape):
        fan = max(1, int(np.prod(shape[1:])))
        return self.constant(self.rng.standard_normal(shape) * (1.5 / fan ** 0.5))

    def node(self, op, inputs, shape, **attributes):
        """Append a node; a result that is too large or empty is dropped."""
        if not 0 < np.prod(shape) <= MOST_ELEMENTS:
            return
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [f"v_{name}"], name, **attributes))
        self.read.update(inputs)
        self.live.append((f"v_{name}", tuple(int(d) for d in shape)))

    def like(self, shape):
        """A live value of this shape."""
        return self.pick([name for name, s in self.live if s == tuple(shape)])

    def pick(self, list_):
        return list_[self.rng.integers(len(list_))]


# ---- one node on top of value x of shape (b, c, h, w) ----

def conv(n, x, s, kernel=3, stride=1, group=1, dilation=1, out=None):
    b, c, h, w = s
    k = out or int(n.pick([4, 8, 16, 19]))
    pad = dilation * (kernel // 2)
    inputs = [x, n.weight(k, c // group, kernel, kernel)] + [n.weight(k)] * int(n.rng.integers(2))
    n.node("Conv", inputs, (b, k, (h - 1) // stride + 1, (w - 1) // stride + 1), kernel_shape=[kernel] * 2,
           strides=[stride] * 2, group=group, dilations=[dilation] * 2, pads=[pad] * 4)


def depthwise(n, x, s):
    conv(n, x, s, stride=int(n.pick([1, 1, 2])), group=s[1], out=s[1])


def grouped(n, x, s):
    if s[1] % 2 == 0:
        conv(n, x, s, group=2, out=2 * s[1])


def residual(n, x, s):
    """A convolution and the sum of both, as backbones have it; sometimes a Relu behind."""
    conv(n, x, s, out=s[1])
    n.node("Add", n.pick([[n.live[-1][0], x], [x, n.live[-1][0]]]), s)
    if n.rng.integers(2):
        n.node("Relu", [n.live[-1][0]], s)


def transposed(n, x, s):
    n.node("ConvTranspose", [x, n.weight(s[1], 5, 2, 2)], (s[0], 5, s[2] * 2, s[3] * 2), strides=[2, 2])


def batchnorm(n, x, s):
    scale, bias, mean = (n.weight(s[1]) for _ in range(3))
    n.node("BatchNormalization", [x, scale, bias, mean, n.constant(n.rng.uniform(0.5, 2, s[1]))], s)


def unary(op, **attributes):
    return lambda n, x, s: n.node(op, [x], s, **attributes)


def clip(n, x, s):
    n.node("Clip", [x, n.constant(-0.5), n.constant(n.pick([0.75, 6.0]))], s)


def prelu(n, x, s):
    n.node("PRelu", [x, n.weight(s[1], 1, 1)], s)


def binary(op):
    return lambda n, x, s: n.node(op, n.pick([[x, n.like(s)], [n.like(s), x]]), s)


def with_constant(op):
    def add(n, x, s):
        shape = n.pick([(s[1], 1, 1), (1, s[3]), (1,)])
        n.node(op, [x, n.constant(n.rng.uniform(0.5, 2, shape) * n.pick([-1, 1]))], s)
    return add


def concat(n, x, s):
    axis = int(n.pick([1, 1, 2, 3]))
    others = [(y, t) for y, t in n.live if all(t[d] == s[d] for d in range(4) if d != axis)]
    y, t = n.pick(others)
    n.node("Concat", [x, y], [s[d] + t[d] if d == axis else s[d] for d in range(4)], axis=axis)


def slice_(n, x, s):
    axis, step = int(n.pick([1, 2, 3])), int(n.pick([1, 2]))
    shape = list(s)
    shape[axis] = len(range(s[axis])[1::step])
    ends = [n.constant([v], np.int64) for v in (1, 1 << 30, axis, step)]
    n.node("Slice", [x, *ends], shape)


def pad(n, x, s):
    n.node("Pad", [x, n.constant([0, 0, 1, 0, 0, 1, 0, 2], np.int64)], (s[0], s[1] + 1, s[2] + 1, s[3] + 2))


def pool(op):
    def add(n, x, s):
        if n.rng.integers(2):
            n.node(op, [x], (s[0], s[1], s[2], s[3]), kernel_shape=[3, 3], pads=[1] * 4)
        else:
            n.node(op, [x], (s[0], s[1], s[2] // 2, s[3] // 2), kernel_shape=[2, 2], strides=[2, 2])
    return add


def reduce(op):
    def add(n, x, s):
        axes = n.pick([[1], [3], [2, 3], [1, 3]])
        n.node(op, [x, n.constant(axes, np.int64)], [1 if d in axes else s[d] for d in range(4)])
    return add


def whole(op):
    return lambda n, x, s: n.node(op, [x], (s[0], s[1], 1, 1))


def softmax(n, x, s):
    n.node("Softmax", [x], s, axis=int(n.pick([1, 3])))


def layernorm(n, x, s):
    n.node("LayerNormalization", [x, n.weight(s[3]), n.weight(s[3])], s, axis=-1)


def instancenorm(n, x, s):
    n.node("InstanceNormalization", [x, n.weight(s[1]), n.weight(s[1])], s)


def resize(mode):
    def add(n, x, s):
        scale = n.pick([(2, 2), (1, 2), (1.5, 1)])
        shape = (s[0], s[1], int(s[2] * scale[0]), int(s[3] * scale[1]))
        n.node("Resize", [x, "", n.constant([1, 1, *scale])], shape, mode=mode)
    return add


def transpose(n, x, s):
    perm = n.pick([[0, 2, 3, 1], [0, 3, 1, 2], [0, 1, 3, 2]])
    n.node("Transpose", [x], [s[d] for d in perm], perm=perm)


def reshape(n, x, s):
    n.node("Reshape", [x, n.constant([0, 0, -1, 1], np.int64)], (s[0], s[1], s[2] * s[3], 1))


def gather(n, x, s):
    n.node("Gather", [x, n.constant([s[1] - 1, 0], np.int64)], (s[0], 2, s[2], s[3]), axis=1)


def tile(n, x, s):
    n.node("Tile", [x, n.constant([1, 2, 1, 1], np.int64)], (s[0], 2 * s[1], s[2], s[3]))


def matmul(n, x, s):
    n.node("MatMul", [x, n.weight(s[3], 7)], (*s[:3], 7))


def attention(n, x, s):
    """Scores of rows against rows, Softmax, and their weighted sum."""
    n.node("Transpose", [x], (s[0], s[1], s[3], s[2]), perm=[0, 1, 3, 2])
    if n.live[-1][1] != (s[0], s[1], s[3], s[2]) or s[2] * s[2] * s[1] > MOST_ELEMENTS:
        return
    n.node("MatMul", [x, n.live[-1][0]], (s[0], s[1], s[2], s[2]))
    n.node("Softmax", [n.live[-1][0]], (s[0], s[1], s[2], s[2]), axis=3)
    n.node("MatMul", [n.live[-1][0], x], s)


def to_depth(n, x, s):
    if s[2] % 2 == 0 and s[3] % 2 == 0:
        n.node("SpaceToDepth", [x], (s[0], 4 * s[1], s[2] // 2, s[3] // 2), blocksize=2)


def to_space(n, x, s):
    if s[1] % 4 == 0:
        n.node("DepthToSpace", [x], (s[0], s[1] // 4, 2 * s[2], 2 * s[3]), blocksize=2)


def argmax(n, x, s):
    """An output of integers."""
    n.node("ArgMax", [x], (s[0], 1, s[2], s[3]), axis=1)
    n.ends.append((n.live.pop()[0], TensorProto.INT64))


def topk(n, x, s):
    """The largest channels."""
    n.node("TopK", [x, n.constant([min(2, s[1])], np.int64)], (s[0], min(2, s[1]), s[2], s[3]), axis=1)
    n.nodes[-1].output.append(n.nodes[-1].name + "_places")


def threshold(n, x, s):
    """What lies below becomes a constant."""
    n.node("Greater", [x, n.constant([0.1], np.float32)], s)
    n.node("Where", [n.live.pop()[0], x, n.constant([0.1], np.float32)], s)


LINKS = [
    conv, conv, lambda n, x, s: conv(
    n, x, s, stride=2), lambda n, x, s: conv(
        n, x, s, kernel=1), depthwise, depthwise,
    grouped, lambda n, x, s: conv(n, x, s, dilation=2), residual, residual, residual, transposed, batchnorm,
    unary("Relu"), unary("Relu"), unary("LeakyRelu"), unary("Sigmoid"), unary("Tanh"), unary("HardSigmoid"),
    unary("HardSwish"), unary("Gelu"), unary("Erf"), unary(
        "Abs"), unary("Elu"), unary("Exp"), clip, prelu, binary("Add"),
    binary("Sub"), binary("Mul"), binary("Max"), binary("Min"), with_constant("Add"), with_constant("Mul"),
    with_constant("Div"), concat, concat, slice_, pad, pool(
        "MaxPool"), pool("AveragePool"), whole("GlobalAveragePool"),
    whole("GlobalMaxPool"), reduce("ReduceMean"), reduce(
        "ReduceMax"), reduce("ReduceSum"), softmax, layernorm,
    instancenorm, resize("nearest"), resize(
        "linear"), transpose, reshape, gather, tile, matmul, attention, to_depth,
    to_space, argmax, topk, threshold]


# ---- whole networks ----

def network(seed):
    n = Net(seed)
    inputs = [("x", (1, 3, 8, 10))] + [("x2", (1, 8, 8, 10))] * int(n.rng.integers(4) == 0)
    n.live = list(inputs)
    conv(n, "x", inputs[0][1])
    for name, shape in inputs[1:]:
        conv(n, name, shape)
    want = int(n.rng.integers(8, 15))
    for _ in range(200):
        if len(n.nodes) >= want:
            break
        name, shape = n.pick(n.live[-6:])
        n.pick(LINKS)(n, name, shape)
    ends = n.ends + [(name, TensorProto.FLOAT) for name, _ in n.live if name not in n.read]
    graph = helper.make_graph(
        n.nodes, "mixed", [helper.make_tensor_value_info(
            name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in ends], n.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def configuration(model, march, types, inputs, shapes=None, cpu=(), image=None):
    """The text of a configuration with random calibration. `inputs`: names; `image`: type of the first."""
    each = lambda first, other: ";".join([first] + [other] * (len(inputs) - 1))
    norm = each("data_mean_and_scale" if image else "no_preprocess", "no_preprocess")
    lines = ["model_parameters:", *model, f"  march: '{march}'", "  output_model_file_prefix: 'm'",
             "  working_dir: 'out'", "input_parameters:", f"  input_name: '{';'.join(inputs)}'",
             f"  input_type_rt: '{each(image or 'featuremap', 'featuremap')}'",
             f"  input_type_train: '{each('rgb' if image else 'featuremap', 'featuremap')}'",
             f"  input_layout_train: '{each('NCHW', 'NCHW')}'", f"  norm_type: '{norm}'"]
    if image:
        lines += [f"  mean_value: '{each('120 110 100', '0')}'",
     f"  scale_value: '{each('0.017 0.018 0.016', '1')}'"]
    if shapes:
        lines += [f"  input_shape: '{shapes}'"]
    lines += ["calibration_parameters:", "  calibration_type: 'skip'"]
    lines += ["  optimization: 'set_all_nodes_int16'"] if types == "int16" else []
    lines += [f"  run_on_cpu: '{';'.join(cpu)}'"] if cpu else []
    return "\n".join(lines) + "\n"


def some_nodes(names, seed, share=0.25):
    """Nodes to force to float32; at least one, so that float nodes feed integer ones."""
    rng = np.random.default_rng(seed)
    chosen = [name for name in names if rng.random() < share]
    return chosen or [names[int(rng.integers(len(names)))]]


def write(folder, seed, march, types):
    """m.onnx and m.yaml; every sixth network with one input reads images."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = network(seed)
    onnx.save(model, folder / "m.onnx")
    names = [i.name for i in model.graph.input]
    image = ("rgb", "bgr", "nv12", "yuv444")[seed // 6 % 4] if seed % 6 == 0 and len(names) == 1 else None
    cpu = some_nodes([n.name for n in model.graph.node[1:]], seed) if types == "mixed" else ()
    text = configuration(
    [f"  onnx_model: '{folder.resolve() / 'm.onnx'}'"],
    march,
    types,
    names,
    cpu=cpu,
     image=image)
    (folder / "m.yaml").write_text(text)
    return folder / "m.yaml"


def main(argv):
    if not 2 <= len(argv) <= 4 or not argv[0].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    march, types = (argv[2:] + ["generic", "int8"][len(argv) - 2:])[:2]
    print(write(argv[1], int(argv[0]), march, types))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
