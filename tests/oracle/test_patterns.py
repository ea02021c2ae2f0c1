"""What exporters spell out becomes one operator: the optimized file computes what the original one does, in
onnxruntime, in the reference and in the runtime; near misses stay as they are."""
import math
import subprocess
from collections import Counter

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper, numpy_helper

import ort

PASSTOOL = tool.SANITIZED / "tests/passtool"
ROUNDING = 2e-6  # relative to the largest value: float32 in another order


class Net:
    """A graph of one input x; calls make nodes: net.Mul(a, 3.0). Numbers and arrays become constants."""

    def __init__(self, *shape, opset=20):
        self.shape, self.opset, self.nodes, self.weights, self.outputs, self.count = (
            list(shape),
            opset,
            [],
            [],
            [],
            0,
        )
        self.rng = np.random.default_rng(len(shape))

    def const(self, x):
        self.count += 1
        x = np.asarray(x, np.float32) if not isinstance(x, np.ndarray) else x
        self.weights.append(numpy_helper.from_array(x, f"c{self.count}"))
        return f"c{self.count}"

    def w(self, *shape, scale=0.5):
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def ints(self, *v):
        return np.array(v, np.int64)

    def node(self, op, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"{op.lower()}{self.count}" + (f"_{i}" if i else "") for i in range(outputs)]
        ins = ["" if i is None else i if isinstance(i, str) else self.const(i) for i in inputs]
        self.nodes.append(helper.make_node(op, ins, names, f"node{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def __getattr__(self, op):
        return lambda *inputs, **attributes: self.node(op, *inputs, **attributes)

    def give(self, *names):
        self.outputs += names
        return self

    def model(self):
        g = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in self.outputs],
            self.weights,
        )
        return helper.make_model(g, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)


class Optimized:
    def __init__(self, model, folder):
        if not PASSTOOL.exists():
            pytest.skip(f"{PASSTOOL} is not built (meson -Dtests=true)")
        self.original, self.optimized, self.folder = (
            folder / "original.onnx",
            folder / "optimized.onnx",
            folder,
        )
        onnx.save(model, folder / "model.onnx")
        done = subprocess.run(
            [PASSTOOL, folder / "model.onnx", self.original, self.optimized],
            capture_output=True,
            text=True,
            env={**tool.os.environ, **tool.SANITIZER_OPTIONS},
        )
        assert done.returncode == 0, done.stderr
        self.said = done.stdout
        self.before, self.after = ort.op_counts(self.original), ort.op_counts(self.optimized)
        onnx.checker.check_model(onnx.load(self.optimized), full_check=True)

    def same(self, feed, rounding=ROUNDING):
        """onnxruntime on the source, on both files; the reference and the runtime on the optimized file."""
        want = ort.run(self.folder / "model.onnx", feed, plain=True)
        for file in (self.original, self.optimized):
            found = ort.run(file, feed, plain=True)
            assert list(found) == list(want)
            for name in want:
                assert found[name].shape == want[name].shape
                assert ort.relative(want[name], found[name]) <= rounding, (file.name, name)
        for name, x in feed.items():
            np.save(self.folder / "x.npy", x)
        for how in (["--reference"], []):
            out = self.folder / "run"
            tool.run(
                "run",
                self.optimized,
                *how,
                "--input",
                self.folder / "x.npy",
                "--output-dir",
                out,
                want=tool.DONE,
            )
            for name in want:
                found = np.load(out / f"{name}.npy")
                assert ort.relative(want[name], found) <= 10 * rounding, (how, name)


def sample(net, seed=0):
    return {"x": np.random.default_rng(seed).uniform(-5, 5, net.shape).astype(np.float32)}


# ---- functions of one value ----

def halves(n, x, step):
    """x / 2 * step in every order that exporters use."""
    return [
        lambda: n.Mul(n.Mul(x, step()), 0.5),
        lambda: n.Mul(n.Mul(0.5, x), step()),
        lambda: n.Mul(x, n.Mul(step(), 0.5)),
        lambda: n.Mul(step(), n.Mul(x, 0.5)),
        lambda: n.Div(n.Mul(x, step()), 2.0),
        lambda: n.Mul(n.Div(x, 2.0), step()),
    ]


def gelu_erf(n, x, form):
    inner = [
        lambda: n.Div(x, math.sqrt(2)),
        lambda: n.Mul(x, math.sqrt(0.5)),
        lambda: n.Mul(math.sqrt(0.5), x),
    ][form // 6]
    return halves(n, x, lambda: n.Add(n.Erf(inner()), 1.0))[form % 6]()


def gelu_tanh(n, x, form):
    k, c = math.sqrt(2 / math.pi), 0.044715
    inner = [
        lambda: n.Mul(n.Add(x, n.Mul(n.Pow(x, 3.0), c)), k),
        lambda: n.Mul(k, n.Add(x, n.Mul(c, n.Mul(x, n.Mul(x, x))))),
        lambda: n.Mul(n.Mul(x, k), n.Add(1.0, n.Mul(n.Mul(c, x), x))),
        lambda: n.Mul(n.Add(x, n.Mul(x, n.Mul(x, n.Mul(x, c)))), k),
    ][form // 6]
    return halves(n, x, lambda: n.Add(1.0, n.Tanh(inner())))[form % 6]()


def hardswish(n, x, form):
    clip = lambda: n.Clip(n.Add(x, 3.0), 0.0, 6.0)
    relu6 = lambda: n.Min(n.Max(n.Add(3.0, x), 0.0), 6.0)
    return [
        lambda: n.Mul(x, n.HardSigmoid(x, alpha=1 / 6, beta=0.5)),
        lambda: n.Mul(x, n.Div(clip(), 6.0)),
        lambda: n.Div(n.Mul(x, clip()), 6.0),
        lambda: n.Mul(n.Mul(clip(), x), 1 / 6),
        lambda: n.Mul(n.Div(x, 6.0), clip()),
        lambda: n.Mul(n.Mul(clip(), 1 / 6), x),
        lambda: n.Mul(x, n.Div(relu6(), 6.0)),
    ][form]()


def hardsigmoid(n, x, form):
    return [
        lambda: n.Div(n.Clip(n.Add(x, 3.0), 0.0, 6.0), 6.0),
        lambda: n.Mul(n.Clip(n.Add(3.0, x), 0.0, 6.0), 1 / 6),
        lambda: n.Clip(n.Add(n.Mul(x, 0.2), 0.5), 0.0, 1.0),
        lambda: n.Clip(n.Add(n.Div(x, 5.0), 0.4), 0.0, 1.0),
    ][form]()


def mish(n, x, form):
    return [lambda: n.Mul(x, n.Tanh(n.Softplus(x))), lambda: n.Mul(n.Tanh(n.Log(n.Add(1.0, n.Exp(x)))), x)][
        form
    ]()


def swish(n, x, form):
    return [
        lambda: n.Mul(x, n.Sigmoid(x)),
        lambda: n.Mul(n.Sigmoid(x), x),
        lambda: n.Mul(x, n.Sigmoid(n.Mul(x, 1.702))),
        lambda: n.Div(x, n.Add(1.0, n.Exp(n.Neg(x)))),
    ][form]()


def clip(n, x, form):
    return [
        lambda: n.Min(n.Max(x, -1.5), 2.0),
        lambda: n.Max(n.Min(2.0, x), -1.5),
        lambda: n.Min(n.Relu(x), 6.0),
    ][form]()


def clamps(n, x, form):
    return [lambda: n.Clip(n.Clip(x, -2.0, 1.0), -1.0, 3.0), lambda: n.Clip(n.Relu(x), -1.0, 6.0),
            lambda: n.Clip(n.Relu(n.Clip(x, -3.0, 0.5)), 0.25, 6.0)][form]()


def relus(n, x, form):
    return n.Relu(n.Relu(x))


FUNCTIONS = {
    gelu_erf: ("Gelu", 18),
    gelu_tanh: ("Gelu", 24),
    hardswish: ("HardSwish", 7),
    hardsigmoid: ("HardSigmoid", 4),
    mish: ("Mish", 2),
    swish: ("Swish", 4),
    clip: ("Clip", 3),
    clamps: ("Clip", 3),
    relus: ("Relu", 1),
}


@pytest.mark.parametrize(
    "make, form",
    [(f, i) for f, (_, forms) in FUNCTIONS.items() for i in range(forms)],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_function(tmp_path, make, form):
    n = Net(1, 3, 4, 5)
    n.give(make(n, "x", form))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter([FUNCTIONS[make][0]]), o.said
    o.same(sample(n))


# ---- normalizations ----

def normalized(n, d, x, form, axes):
    """d over the root of its mean square, in the orders that exporters use."""
    mean = lambda: n.Add(
        n.ReduceMean([lambda: n.Pow(d, 2.0), lambda: n.Mul(d, d)][form % 2](), n.ints(*axes)), 1e-5
    )
    return [
        lambda: n.Div(d, n.Sqrt(mean())),
        lambda: n.Mul(d, n.Reciprocal(n.Sqrt(mean()))),
        lambda: n.Mul(n.Pow(mean(), -0.5), d),
        lambda: n.Mul(d, n.Div(1.0, n.Sqrt(mean()))),
    ][form // 2]()


@pytest.mark.parametrize("form", range(8))
@pytest.mark.parametrize("axes", [[-1], [2], [1, 2], [-1, -2]], ids=str)
def test_layernorm(tmp_path, form, axes):
    n = Net(2, 5, 8, opset=18)
    d = n.Sub("x", n.ReduceMean("x", n.ints(*axes)))
    y = normalized(n, d, "x", form, axes)
    n.give(n.Add(n.Mul(y, n.w(8)), n.w(*([5, 8] if len(axes) == 2 else [1, 1, 8]))))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(["LayerNormalization"]), o.said
    o.same(sample(n))


def test_layernorm_without_affine(tmp_path):
    n = Net(4, 6)
    d = n.Sub("x", n.ReduceMean("x", n.ints(1)))
    n.give(normalized(n, d, "x", 0, [1]))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(["LayerNormalization"])
    o.same(sample(n))


@pytest.mark.parametrize("form", range(8))
def test_rmsnorm(tmp_path, form):
    n = Net(3, 16)
    n.give(n.Mul(normalized(n, "x", "x", form, [-1]), n.w(16)))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(["RMSNormalization"]), o.said
    o.same(sample(n))


@pytest.mark.parametrize(
    "shape, axis, after",
    [
        ((2, 5, 7), 2, ["Softmax"]),
        ((2, 5, 1, 1), 1, ["Softmax"]),
        ((2, 5), 1, ["Softmax"]),
        ((2, 1, 5, 1), 1, ["Softmax"]),
        ((2, 5, 7), 1, ["Flatten", "Softmax", "Reshape"]),
    ],
    ids=str,
)
def test_softmax_of_old_operator_sets(tmp_path, shape, axis, after):
    n = Net(*shape, opset=11)
    n.give(n.Softmax("x", axis=axis))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(after), o.said
    o.same(sample(n))


GROUPS = {
    "instance": (
        lambda n: n.InstanceNormalization("x", n.w(6), n.w(6)),
        ["LayerNormalization", "Mul", "Add"],
    ),
    "instance_plain": (
        lambda n: n.InstanceNormalization("x", np.ones(6, np.float32), np.zeros(6, np.float32)),
        ["LayerNormalization"],
    ),
    "group": (
        lambda n: n.GroupNormalization("x", n.w(6), n.w(6), num_groups=3),
        ["Reshape", "LayerNormalization", "Reshape", "Mul", "Add"],
    ),
    "instance_spelled_out": (
        lambda n: n.Add(
            n.Mul(
                normalized(n, n.Sub("x", n.ReduceMean("x", n.ints(2, 3))), "x", 0, [2, 3]), n.w(1, 6, 1, 1)
            ),
            n.w(6, 1, 1),
        ),
        ["LayerNormalization", "Mul", "Add"],
    ),
    "group_as_torch_has_it": (
        lambda n: n.Add(
            n.Mul(
                n.Reshape(
                    n.InstanceNormalization(
                        n.Reshape("x", n.ints(0, 2, -1)), np.ones(2, np.float32), np.zeros(2, np.float32)
                    ),
                    n.ints(2, 6, 4, 5),
                ),
                n.w(6, 1, 1),
            ),
            n.w(6, 1, 1),
        ),
        ["Reshape", "LayerNormalization", "Reshape", "Mul", "Add"],
    ),
}


@pytest.mark.parametrize("name", GROUPS)
def test_groups(tmp_path, name):
    """Normalizations of channels and groups are made of operators with integer forms."""
    make, after = GROUPS[name]
    n = Net(2, 6, 4, 5, opset=21)
    n.give(make(n))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(after), o.said
    o.same(sample(n))


@pytest.mark.parametrize("form", range(3))
@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_softmax(tmp_path, form, axis):
    n = Net(2, 5, 4, 3)
    e = n.Exp("x" if form == 2 else n.Sub("x", n.ReduceMax("x", n.ints(axis))))
    s = n.ReduceSum(e, n.ints(axis))
    n.give(n.Mul(e, n.Reciprocal(s)) if form == 1 else n.Div(e, s))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(["Softmax"]), o.said
    o.same(sample(n))


# ---- constants into weights ----

WEIGHTED = {
    "conv": ([2, 6, 5, 7], lambda n: n.Conv("x", n.w(12, 2, 3, 3), n.w(12), group=3), 12, "Conv"),
    "convtranspose": (
        [2, 6, 4, 3],
        lambda n: n.ConvTranspose("x", n.w(6, 5, 3, 2), group=2, strides=[2, 3]),
        10,
        "ConvTranspose",
    ),
    "gemm": ([3, 5], lambda n: n.Gemm("x", n.w(8, 5), n.w(8), transB=1, alpha=0.5), 8, "Gemm"),
    "matmul": ([3, 5], lambda n: n.MatMul("x", n.w(5, 8)), 8, "Gemm"),
    "rows": ([2, 3, 5], lambda n: n.MatMul("x", n.w(5, 8)), 8, "MatMul"),
}
BEHIND = {
    "mul": lambda n, y, c: n.Mul(y, c(n)),
    "mul_number": lambda n, y, c: n.Mul(0.25, y),
    "div": lambda n, y, c: n.Div(y, np.abs(c(n)) + 1),
    "add": lambda n, y, c: n.Add(c(n), y),
    "sub": lambda n, y, c: n.Sub(y, c(n)),
    "from": lambda n, y, c: n.Sub(c(n), y),
    "scale_shift": lambda n, y, c: n.Add(n.Mul(y, c(n)), c(n)),
    "normalize": lambda n, y, c: n.Div(n.Sub(y, c(n)), np.abs(c(n)) + 1),
}


@pytest.mark.parametrize("kind", WEIGHTED)
@pytest.mark.parametrize("behind", BEHIND)
def test_constants_into_weights(tmp_path, kind, behind):
    shape, make, channels, after = WEIGHTED[kind]
    n = Net(*shape)
    conv = kind.startswith("conv")
    n.give(BEHIND[behind](n, make(n), lambda n: n.w(*([channels, 1, 1] if conv else [channels]))))
    o = Optimized(n.model(), tmp_path)
    only_factors = behind in ("mul", "mul_number", "div")
    if kind == "rows" and not only_factors:
        assert o.after["MatMul"] == 1 and sum(o.after.values()) == (3 if behind == "normalize" else 2), (
            o.said
        )  # its bias stays an Add
    else:
        assert o.after == Counter(["MatMul" if only_factors and kind == "matmul" else after]), o.said
    o.same(sample(n), 1e-5)


# ---- moves ----

def chain(n, x):
    for op, arg in (("Transpose", [0, 2, 3, 1]), ("Transpose", [0, 3, 1, 2])):
        x = n.node(op, x, perm=arg)
    return x


def between(n, first, second):
    return n.Transpose(n.Softmax(n.Transpose("x", perm=first), axis=-1), perm=second)


MOVES = {
    "cancel": (lambda n: n.Relu(chain(n, "x")), ["Relu"]),
    "merge": (lambda n: n.Transpose(n.Transpose("x", perm=[0, 2, 3, 1]), perm=[0, 2, 1, 3]), ["Transpose"]),
    "reversed": (lambda n: n.Relu(n.Transpose(n.Transpose("x"))), ["Relu"]),
    "reshapes": (lambda n: n.Reshape(n.Reshape("x", n.ints(2, 12, -1)), n.ints(6, -1)), ["Reshape"]),
    "back": (lambda n: n.Relu(n.Reshape(n.Reshape("x", n.ints(2, 12, -1)), n.ints(2, 3, 4, 5))), ["Relu"]),
    "squeezes": (
        lambda n: n.Flatten(n.Squeeze(n.Unsqueeze("x", n.ints(0, 3)), n.ints(3)), axis=2),
        ["Reshape"],
    ),
    "ones": (
        lambda n: n.Reshape(n.Transpose(n.Unsqueeze("x", n.ints(0)), perm=[1, 2, 0, 3, 4]), n.ints(-1)),
        ["Reshape"],
    ),
    "softmax": (lambda n: between(n, [0, 2, 3, 1], [0, 3, 1, 2]), ["Softmax"]),
    "softmax_turned": (
        lambda n: between(n, [0, 2, 3, 1], [0, 2, 3, 1]),
        ["Softmax", "Transpose", "Transpose"],
    ),
    "between": (
        lambda n: n.Transpose(n.Relu(n.Transpose("x", perm=[0, 2, 3, 1])), perm=[0, 2, 1, 3]),
        ["Relu", "Transpose", "Transpose"],
    ),
}


@pytest.mark.parametrize("name", MOVES)
def test_moves(tmp_path, name):
    make, after = MOVES[name]
    n = Net(2, 3, 4, 5)
    n.give(make(n))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(after), o.said
    o.same(sample(n), ROUNDING if name.startswith("softmax") else 0)


def shuffled(n, x, middle, perm, end):
    return n.Reshape(n.Transpose(n.Reshape(x, n.ints(*middle)), perm=perm), n.ints(*end))


SHUFFLES = {
    "pixel_shuffle": (([2, 3, 2, 2, 4, 6], [0, 1, 4, 2, 5, 3], [2, 3, 8, 12]), ["DepthToSpace"]),
    "depth_first": (([2, 2, 2, 3, 4, 6], [0, 3, 4, 1, 5, 2], [2, 3, 8, 12]), ["DepthToSpace"]),
    "unshuffle": (([2, 12, 2, 2, 3, 2], [0, 3, 5, 1, 2, 4], [2, 48, 2, 3]), ["SpaceToDepth"]),
    "unshuffle_by_channel": (
        ([2, 12, 2, 2, 3, 2], [0, 1, 3, 5, 2, 4], [2, 48, 2, 3]),
        ["Reshape", "Reshape", "Transpose"],
    ),
    "shuffle_channel": (
        ([2, 3, 4, 4, 6], [0, 2, 1, 3, 4], [2, 12, 4, 6]),
        ["Reshape", "Reshape", "Transpose"],
    ),
    "uneven": (([2, 2, 3, 2, 4, 6], [0, 1, 4, 2, 5, 3], [2, 2, 12, 12]), ["Reshape", "Reshape", "Transpose"]),
    "other_end": (
        ([2, 3, 2, 2, 4, 6], [0, 1, 4, 2, 5, 3], [2, 6, 8, 6]),
        ["Reshape", "Reshape", "Transpose"],
    ),
}


KEPT = ["Gather", "Reshape", "Reshape", "Transpose"]
DEALS = {  # first shape, perm, second shape, index, shape of the result
    "halves": (([2, 6, 2, 24], [2, 0, 1, 3], [2, 2, 6, 4, 6]), 1, ["Slice"]),
    "thirds": (([8, 3, 24], [1, 0, 2], [3, 2, 4, 4, 6]), -1, ["Slice"]),
    "in_order": (([2, 2, 6, 24], [1, 0, 2, 3], [2, 2, 6, 4, 6]), 1, KEPT),
    "beyond_channels": (([3, 8, 24], [1, 0, 2], [8, 1, 3, 4, 6]), 2, KEPT),
    "pixels": (([24, 2, 12], [1, 0, 2], [2, 2, 6, 4, 6]), 0, KEPT),
    "turned": (([2, 6, 2, 24], [2, 1, 0, 3], [2, 2, 6, 4, 6]), 1, KEPT),
}


@pytest.mark.parametrize("name", DEALS)
def test_dealt_channels(tmp_path, name):
    how, index, after = DEALS[name]
    n = Net(2, 12, 4, 6)
    n.give(n.Gather(shuffled(n, "x", *how), np.array(index, np.int64), axis=0))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(after), o.said
    o.same(sample(n), 0)


@pytest.mark.parametrize("name", SHUFFLES)
def test_shuffles(tmp_path, name):
    how, after = SHUFFLES[name]
    n = Net(2, 12, 4, 6)
    n.give(shuffled(n, "x", *how))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(after), o.said
    o.same(sample(n), 0)


def focus(n, order, steps, axes_at_once=False):
    pieces = []
    for h, w in order:
        if axes_at_once:
            pieces.append(n.Slice("x", n.ints(h, w), n.ints(2**40, 2**40), n.ints(2, 3), n.ints(*steps)))
        else:
            rows = n.Slice("x", n.ints(h), n.ints(2**40), n.ints(2), n.ints(steps[0]))
            pieces.append(n.Slice(rows, n.ints(w), n.ints(2**40), n.ints(3), n.ints(steps[1])))
    return n.Concat(*pieces, axis=1)


ORDER = [(0, 0), (1, 0), (0, 1), (1, 1)]  # as YOLOv5 has it
FOCUS = {
    "yolov5": (lambda n: n.Conv(focus(n, ORDER, (2, 2)), n.w(4, 12, 3, 3)), ["Conv", "SpaceToDepth"]),
    "one_slice": (
        lambda n: n.Conv(focus(n, ORDER, (2, 2), True), n.w(4, 12, 3, 3), n.w(4)),
        ["Conv", "SpaceToDepth"],
    ),
    "in_order": (lambda n: n.Relu(focus(n, sorted(ORDER), (2, 2))), ["Relu", "SpaceToDepth"]),
    "not_in_order": (
        lambda n: n.Relu(focus(n, ORDER, (2, 2), True)),
        ["Relu", "Slice", "Slice", "Slice", "Slice", "Concat"],
    ),
    "in_groups": (
        lambda n: n.Conv(focus(n, ORDER, (2, 2), True), n.w(4, 6, 3, 3), group=2),
        ["Conv", "Slice", "Slice", "Slice", "Slice", "Concat"],
    ),
    "twice_the_same": (
        lambda n: n.Relu(focus(n, [(0, 0), (0, 1), (0, 1), (1, 1)], (2, 2), True)),
        ["Relu", "Slice", "Slice", "Slice", "Slice", "Concat"],
    ),
}


@pytest.mark.parametrize("name", FOCUS)
def test_focus(tmp_path, name):
    make, after = FOCUS[name]
    n = Net(1, 3, 8, 12)
    n.give(make(n))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(after), o.said
    o.same(sample(n))


def test_resize_with_computed_sizes(tmp_path):
    """Shape, Slice, Concat in front of Resize are gone before the passes begin."""
    n = Net(1, 3, 6, 10)
    other = n.Conv("x", n.w(4, 3, 1, 1))
    hw = n.Slice(n.Shape("x"), n.ints(2), n.ints(4))
    small = n.MaxPool(other, kernel_shape=[2, 2], strides=[2, 2])
    sizes = n.Concat(n.Slice(n.Shape(small), n.ints(0), n.ints(2)), hw, axis=0)
    n.give(n.Add(other, n.Resize(small, None, None, sizes, mode="linear")))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter(["Conv", "MaxPool", "Resize", "Add"])
    o.same(sample(n), 1e-5)


# ---- attention ----

HEADS, TOKENS, SIZE = 2, 6, 4


def heads(n, x, perm, biased=True):
    y = n.MatMul(x, n.w(HEADS * SIZE, HEADS * SIZE))
    y = n.Add(y, n.w(HEADS * SIZE)) if biased else y
    return n.Transpose(n.Reshape(y, n.ints(1, TOKENS, HEADS, SIZE)), perm=perm)


SCALES = {
    "divided": lambda n, q, k: n.Div(n.MatMul(q, k), math.sqrt(SIZE)),
    "multiplied": lambda n, q, k: n.Mul(SIZE**-0.5, n.MatMul(q, k)),
    "query": lambda n, q, k: n.MatMul(n.Mul(q, 0.5), k),
    "both": lambda n, q, k: n.MatMul(n.Mul(q, SIZE**-0.25), n.Mul(k, SIZE**-0.25)),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("biased", [True, False])
def test_attention_scale_goes_into_weights(tmp_path, scale, biased):
    n = Net(1, TOKENS, HEADS * SIZE)
    q, k, v = heads(n, "x", [0, 2, 1, 3], biased), heads(n, "x", [0, 2, 3, 1]), heads(n, "x", [0, 2, 1, 3])
    n.give(n.MatMul(n.Softmax(SCALES[scale](n, q, k), axis=-1), v))
    o = Optimized(n.model(), tmp_path)
    assert o.after == Counter({"MatMul": 5, "Softmax": 1, "Reshape": 3, "Transpose": 3, "Add": 2 + biased}), (
        o.said
    )
    o.same(sample(n), 1e-5)


def fast_variance(n, axes, form, scale=None, share=None, floor=0.0):
    """(x - mean) / root of (mean of squares - square of the mean), as Flax writes it."""
    wide = [1 if d in axes else k for d, k in enumerate(n.shape)]
    count = math.prod(n.shape[d] for d in axes)
    if form % 2:
        mean = lambda v: n.ReduceMean(v, n.ints(*axes))
        back = lambda v: v
    else:
        mean = lambda v: n.Mul(n.ReduceSum(v, n.ints(*axes), keepdims=0), share or 1 / count)
        back = lambda v: n.Expand(n.Reshape(v, n.ints(*wide)), n.ints(*wide))
    m = mean("x")
    variance = n.Max(floor, n.Sub(mean(n.Mul("x", "x")), n.Mul(m, m)))
    root = n.Sqrt(n.Add(back(variance), 1e-3))
    if form >= 4:
        return n.Div(n.Sub("x", back(m)), root)
    inverse = n.Reciprocal(root)
    return n.Mul(n.Sub("x", back(m)), inverse if scale is None else n.Mul(inverse, scale))


@pytest.mark.parametrize("form", range(6))
@pytest.mark.parametrize("axes", [[2], [1], [0, 2], [1, 2]], ids=str)
def test_fast_variance(tmp_path, form, axes):
    """Over any axes: one LayerNormalization, between Transposes where the axes are not the last ones."""
    n = Net(3, 5, 8, opset=18)
    scale = n.w(*[k if d in axes else 1 for d, k in enumerate(n.shape)]) if form in (2, 3) else None
    n.give(fast_variance(n, axes, form, scale))
    o = Optimized(n.model(), tmp_path)
    moved = axes in ([1], [0, 2])
    assert o.after == Counter(["LayerNormalization"] + ["Transpose"] * 2 * moved), o.said
    o.same(sample(n), 1e-5)


@pytest.mark.parametrize("wrong", [{"share": .2}, {"floor": .5}, {"scale": "full"}], ids=str)
def test_near_fast_variance(tmp_path, wrong):
    n = Net(3, 5, 8, opset=18)
    wrong = {k: n.w(3, 5, 8) if v == "full" else v for k, v in wrong.items()}
    n.give(fast_variance(n, [1], 0, **wrong) if "share" not in wrong else fast_variance(n, [2], 0, **wrong))
    o = Optimized(n.model(), tmp_path)
    assert "LayerNormalization" not in o.after, o.said
    o.same(sample(n), 1e-5)


def test_attention_scale_goes_to_the_smaller_operand(tmp_path):
    n = Net(2, 16, 4)
    q, k = n.Tanh("x"), n.Transpose(n.Sin("x"), perm=[0, 2, 1])
    n.give(n.Softmax(n.Mul(n.MatMul(q, k), 0.5), axis=-1))
    o = Optimized(n.model(), tmp_path)
    kinds = [x.op_type for x in onnx.load(o.optimized).graph.node]
    assert sorted(o.after) == sorted(o.before) and kinds.index("Mul") < kinds.index("MatMul")
    o.same(sample(n), 1e-5)


# ---- as torch writes them ----

TORCH = {
    "layernorm": ["LayerNormalization"],
    "rmsnorm": ["RMSNormalization"],
    "gelu": ["Gelu"],
    "gelu_tanh": ["Gelu"],
    "quick_gelu": ["Swish"],
    "silu": ["Swish"],
    "hardswish": ["HardSwish"],
    "hardsigmoid": ["HardSigmoid"],
    "mish": ["Mish"],
    "relu6": ["Clip"],
    "pixel_shuffle": ["DepthToSpace"],
    "attention": ["MatMul"] * 5 + ["Add"] * 3 + ["Reshape"] * 4 + ["Transpose"] * 4 + ["Softmax"],
    "channel_shuffle": ["Relu", "Reshape", "Reshape", "Transpose"],
    "focus": ["SpaceToDepth", "Conv"],
    "scaled": ["Conv"],
    "conv_bn": ["Conv", "Relu"],
    "sized_like": ["Conv", "Resize", "Add"],
    "linear_bn": ["Gemm"],
    "groupnorm": ["Reshape", "LayerNormalization", "Reshape", "Mul", "Add"],
    "instancenorm": ["LayerNormalization", "Mul", "Add"],
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    if subprocess.run(["/usr/bin/python3", "-c", "import torch"], capture_output=True).returncode:
        pytest.skip("Debian's python3-torch is not installed")
    folder = tmp_path_factory.mktemp("torch")
    done = subprocess.run(
        ["/usr/bin/python3", tool.ROOT / "tests/oracle/torch_modules.py", folder],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", TORCH)
def test_torch(tmp_path, exported, name):
    files = sorted(exported.glob(f"{name}_[0-9]*.onnx"))
    assert files
    for i, file in enumerate(files):
        m = onnx.load(file)
        folder = tmp_path / str(i)
        folder.mkdir()
        o = Optimized(m, folder)
        assert o.after == Counter(TORCH[name]), (file.name, o.said)
        shape = [d.dim_value for d in m.graph.input[0].type.tensor_type.shape.dim]
        o.same({"x": np.random.default_rng(0).uniform(-4, 4, shape).astype(np.float32)}, 1e-5)


# ---- what must stay ----

def near_gelu_constant(n, x):
    return n.Mul(n.Mul(x, n.Add(n.Erf(n.Div(x, 1.414)), 1.0)), 0.5)


def near_gelu_other_value(n, x):
    return n.Mul(n.Mul(n.Neg(x), n.Add(n.Erf(n.Div(x, math.sqrt(2))), 1.0)), 0.5)


def near_swish_second_reader(n, x):
    s = n.Sigmoid(x)
    return n.Add(n.Mul(x, s), s)


def near_swish_output_inside(n, x):
    s = n.Sigmoid(x)
    n.give(s)
    return n.Mul(x, s)


def near_swish_wide_factor(n, x):
    return n.Mul(x, n.Sigmoid(n.Mul(x, n.w(5))))


def near_hardsigmoid_steps(n, x):
    return n.Div(n.Clip(n.Add(x, 3.0), 0.0, 6.0), 5.0)


def near_hardswish(n, x):
    return n.Mul(x, n.HardSigmoid(x, alpha=0.2, beta=0.5))


def near_layernorm_axis(n, x):
    d = n.Sub(x, n.ReduceMean(x, n.ints(1)))
    return normalized(n, d, x, 0, [1])


def near_layernorm_two_axes(n, x):
    d = n.Sub(x, n.ReduceMean(x, n.ints(3)))
    return normalized(n, d, x, 0, [1, 3])


def near_layernorm_keepdims(n, x):
    d = n.Sub(x, n.ReduceMean(x, n.ints(3), keepdims=0))
    return n.Div(d, n.Sqrt(n.Add(n.ReduceMean(n.Mul(d, d), n.ints(3), keepdims=0), 1e-5)))


def near_softmax_keepdims(n, x):
    e = n.Exp(x)
    return n.Div(e, n.ReduceSum(e, n.ints(2), keepdims=0))


def near_softmax_two_axes(n, x):
    e = n.Exp(x)
    return n.Div(e, n.ReduceSum(e, n.ints(2, 3)))


def near_clip_order(n, x):
    return n.Min(n.Max(x, 2.0), 1.0)


def near_clamps_that_do_not_meet(n, x):
    return n.Clip(n.Clip(x, -2.0, -1.0), 1.0, 3.0)


def near_clamps_second_reader(n, x):
    y = n.Relu(x)
    return n.Add(n.Clip(y, -1.0, 0.5), y)


def near_mish(n, x):
    return n.Mul(x, n.Tanh(n.Softplus(n.Abs(x))))


def near_transposes_output_inside(n, x):
    t = n.Transpose(x, perm=[0, 2, 3, 1])
    n.give(t)
    return n.Transpose(t, perm=[0, 3, 1, 2])


def near_conv_second_reader(n, x):
    y = n.Conv(x, n.w(5, 5, 1, 1))
    return n.Add(n.Mul(y, 2.0), y)


def near_conv_along_the_width(n, x):
    return n.Mul(n.Conv(x, n.w(5, 5, 1, 1)), n.w(5))


def near_conv_divides(n, x):
    return n.Div(2.0, n.Abs(n.Conv(x, n.w(5, 5, 1, 1), n.w(5))))


def near_scale_of_a_shared_tensor(n, x):
    y = n.Conv(x, n.w(5, 5, 1, 1))
    return n.Add(n.Mul(n.Transpose(y, perm=[0, 2, 3, 1]), 0.5), y)


def near_scale_behind_relu(n, x):
    return n.Mul(n.Relu(n.Conv(x, n.w(5, 5, 1, 1))), 0.5)


NEAR = [f for name, f in sorted(globals().items()) if name.startswith("near_")]


@pytest.mark.parametrize("make", NEAR, ids=lambda f: f.__name__)
def test_near_miss_stays(tmp_path, make):
    n = Net(5, 5, 5, 5)
    n.give(make(n, "x"))
    o = Optimized(n.model(), tmp_path)
    assert o.after == o.before, o.said
    o.same(sample(n))


def test_removed_tensors_are_noted(tmp_path):
    n = Net(1, 4)
    s = n.Sigmoid("x")
    y = n.Mul("x", s)
    n.give(y)
    o = Optimized(n.model(), tmp_path)
    last = n.nodes[-1].name
    assert f"folded {s} {last}\n" in o.said
    (node,) = onnx.load(o.optimized).graph.node
    assert (node.name, list(node.output)) == (last, [y])
