#!/usr/bin/env python3
"""Compute the constants of a .bin once more, in NumPy, from the quantized ONNX file, docs/numerics.md and
docs/bin-format.md: packed weights and their sums, biases, multipliers, tables of functions and of Softmax,
scales of normalizations. Shares no code with the compiler.

    bincheck.py QUANTIZED.onnx FILE.bin [CALIBRATED.onnx]

With the calibrated model (float weights), the integers in the quantized one are checked as well: weights,
their scales, biases. Prints what was compared and every difference. Exit status: 0 equal, 1 different, 2
usage.
"""
import collections
import math
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import bindump  # noqa: E402

F32, BLOCK = np.float32, 16
LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767)}
NUMPY = {"int8": "<i1", "int16": "<i2", "int32": "<i4", "uint32": "<u4", "float32": "<f4"}
Q = collections.namedtuple("Q", "scale zero dtype axis")


# ---- numerics.md ----

def sat_rne(t, zero, lo, hi):
    t = np.asarray(t, F32)
    a, b = F32(lo - zero), F32(hi - zero)
    t = np.where(t > a, t, a)
    t = np.where(t < b, t, b)
    return np.rint(t).astype(np.int64) + zero


def quantize(x, q):
    with np.errstate(over="ignore"):
        return sat_rne(np.asarray(x, F32) / F32(q.scale), int(q.zero), *LIMITS[q.dtype])


def erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu(x, a):
    if a.get("approximate", b"none") == b"tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def hard_sigmoid(x, alpha, beta):
    return np.clip(alpha * x + beta, 0, 1)


FUNCTIONS = {
    "Sigmoid": lambda x, a: sigmoid(x), "Tanh": lambda x, a: np.tanh(x), "Exp": lambda x, a: np.exp(x),
    "Erf": lambda x, a: erf(x), "Gelu": gelu, "Sqrt": lambda x, a: np.sqrt(x), "Abs": lambda x, a: np.abs(x),
    "Neg": lambda x, a: -x, "Log": lambda x, a: np.log(x), "Reciprocal": lambda x, a: 1 / x,
    "LeakyRelu": lambda x, a: np.where(x < 0, a.get("alpha", F32(0.01)) * x, x),
    "HardSigmoid": lambda x, a: hard_sigmoid(x, a.get("alpha", F32(0.2)), a.get("beta", F32(0.5))),
    "HardSwish": lambda x, a: x * hard_sigmoid(x, 1 / 6, 0.5), "Mish": lambda x, a: x * np.tanh(softplus(x)),
    "Swish": lambda x, a: x * sigmoid(a.get("alpha", 1.0) * x), "Softplus": lambda x, a: softplus(x),
    "Softsign": lambda x, a: x / (1 + np.abs(x)), "Ceil": lambda x, a: np.ceil(x),
    "Floor": lambda x, a: np.floor(x), "Round": lambda x, a: np.rint(x), "Sign": lambda x, a: np.sign(x),
    "Elu": lambda x, a: np.where(x < 0, a.get("alpha", F32(1)) * np.expm1(np.minimum(x, 0)), x),
    "ThresholdedRelu": lambda x, a: np.where(x > a.get("alpha", F32(1)), x, 0.0),
}


def rescaled(x, y, lo=-np.inf, hi=np.inf):
    """Concat and clamps: every integer of x with y's parameters, between the quantized bounds."""
    first, last = LIMITS[x.dtype]
    t = (np.arange(first, last + 1) - int(x.zero)).astype(F32) * (F32(x.scale) / F32(y.scale))
    return np.clip(sat_rne(t, int(y.zero), *LIMITS[y.dtype]), quantize(F32(lo), y), quantize(F32(hi), y))


def table_of(node, x, y):
    """Section 2: dequantize in float32, the function in float64, round to float32, quantize."""
    lo, hi = LIMITS[x.dtype]
    real = (np.arange(lo, hi + 1) - int(x.zero)).astype(F32) * F32(x.scale)
    attrs = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    with np.errstate(all="ignore"):
        return quantize(FUNCTIONS[node.op_type](real.astype(np.float64), attrs).astype(F32), y)


def softmax_table(scale, wide):
    d, s = np.arange(256, dtype=np.float64), np.float64(F32(scale))
    if not wide:
        return np.rint(np.exp(-d * s) * 2.0 ** 24)
    return np.concatenate([np.rint(np.exp(-256 * d * s) * 2.0 ** 30), np.rint(np.exp(-d * s) * 2.0 ** 30)])


# ---- bin-format.md: packed weights ----

def blocks_of(w, groups):
    """[k][cg][kh][kw] as blocks of 16 output channels, group by group, the last ones padded."""
    kg = len(w) // groups
    for g in range(groups):
        for at in range(0, kg, BLOCK):
            part = w[g * kg + at:g * kg + min(at + BLOCK, kg)]
            yield np.concatenate([part, np.zeros((BLOCK - len(part), *w.shape[1:]), w.dtype)])


def pack_conv(w, groups):
    out = []
    for b in blocks_of(w, groups):
        b = np.concatenate([b, np.zeros((BLOCK, -b.shape[1] % 4, *b.shape[2:]), w.dtype)], 1)
        b = b.reshape(BLOCK, b.shape[1] // 4, 4, *b.shape[2:])
        out.append(b.transpose(3, 4, 1, 0, 2).ravel())  # kh, kw, quads, output channel, input channel mod 4
    return np.concatenate(out)


def pack_channels(v, groups):
    return np.concatenate([b.ravel() for b in blocks_of(np.asarray(v).reshape(-1, 1, 1, 1), groups)])


# ---- the quantized ONNX file ----

class Model:
    def __init__(self, path):
        g = onnx.load(path).graph
        self.values = {i.name: numpy_helper.to_array(i) for i in g.initializer}
        self.nodes = {n.name: n for n in g.node}
        self.maker = {o: n for n in g.node for o in n.output if o}
        self.readers = collections.defaultdict(list)
        for n in g.node:
            for x in n.input:
                self.readers[x].append(n)

    def parameters(self, n):
        scale = self.values[n.input[1]]
        zero = self.values[n.input[2]] if len(n.input) > 2 else np.int32(0)
        axis = next((a.i for a in n.attribute if a.name == "axis"), 1) if scale.ndim else None
        return Q(scale, zero, str(zero.dtype), axis)

    def of_input(self, name):
        """Parameters of a tensor as a node reads it; None: float."""
        n = self.maker.get(name)
        if n is not None and n.op_type == "Sum" and len(n.input) == 1:
            return self.of_input(n.input[0])
        return self.parameters(n) if n is not None and n.op_type == "DequantizeLinear" else None

    def of_output(self, name):
        """Parameters of a result: its QuantizeLinear, or that behind the clamp that alone reads it."""
        readers = self.readers[name]
        if len(readers) != 1:
            return None
        if readers[0].op_type == "QuantizeLinear":
            return self.parameters(readers[0])
        return self.of_output(readers[0].output[0]) if readers[0].op_type in ("Relu", "Clip") else None

    def integers(self, name):
        """What is stored of a constant: integers where a node reads it through DequantizeLinear."""
        n = self.maker.get(name)
        stored = n is not None and n.op_type == "DequantizeLinear"
        return self.values.get(n.input[0] if stored else name)

    def weights(self, n):
        """Weights as [k][cg][kh][kw], scales of k, bias of k, groups of what is a convolution in programs."""
        w, q = self.integers(n.input[1]), self.of_input(n.input[1])
        attrs = {a.name: a for a in n.attribute}
        groups = attrs["group"].i if "group" in attrs else 1
        if n.op_type == "ConvTranspose":
            cg = w.shape[0] // groups
            w = np.concatenate([w[g * cg:(g + 1) * cg].swapaxes(0, 1) for g in range(groups)])
            w = np.flip(w, tuple(range(2, w.ndim)))
        elif n.op_type == "MatMul" or (n.op_type == "Gemm" and not ("transB" in attrs and attrs["transB"].i)):
            w = w.T
        w = w.reshape(*w.shape[:2], *[1] * (4 - w.ndim), *w.shape[2:])
        bias = self.integers(n.input[2]) if len(n.input) > 2 and n.input[2] else np.zeros(len(w), np.int32)
        return w, np.broadcast_to(np.asarray(q.scale, F32).ravel(), len(w)), bias.ravel(), groups


# ---- the comparison ----

class Check:
    def __init__(self, model, program):
        self.m, self.b = model, program
        self.compared, self.differences, self.left = collections.Counter(), [], collections.Counter()

    def const(self, k):
        t = self.b.tensors[k]
        at = self.b.sections["CONSTS"][0] + t["offset"]
        return np.frombuffer(self.b.data[at:at + t["bytes"]], NUMPY[t["dtype"]])

    def equal(self, what, i, got, want):
        got, want = np.asarray(got).ravel(), np.asarray(want).ravel()
        self.compared[what] += got.size
        if got.shape != want.shape:
            self.differences.append(f"{what} of {i['node']}: {got.size} elements, expected {want.size}")
        elif (got != want.astype(got.dtype)).any():
            at = np.flatnonzero(got != want.astype(got.dtype))
            self.differences.append(f"{what} of {i['node']}: {len(at)} of {got.size} differ; element {at[0]} "
                                    f"is {got[at[0]]}, expected {want[at[0]]}")

    def convolution(self, i, n):
        w, scales, bias, groups = self.m.weights(n)
        x, y = self.m.of_input(n.input[0]), self.m.of_output(n.output[0])
        mult = F32(x.scale) * scales
        mult = mult / F32(y.scale) if y else mult
        depthwise = i["opcode"].startswith("DW")
        pack = (lambda v: v) if depthwise else (lambda v: pack_channels(v, groups))
        packed = w[:, 0].transpose(1, 2, 0) if depthwise else pack_conv(w, groups)
        self.equal("weights", i, self.const(i["in"][1]), packed)
        self.equal("biases", i, self.const(i["in"][2]), pack(bias))
        self.equal("multipliers", i, self.const(i["in"][3]), pack(mult.astype(F32)))
        if i["opcode"].endswith("S8"):
            self.equal("weight sums", i, self.const(i["in"][4]), pack(w.astype(np.int64).sum((1, 2, 3))))

    def table(self, i, n):
        x, y, got = self.m.of_input(n.input[0]), self.m.of_output(n.output[0]), self.const(i["in"][1])
        if n.op_type in FUNCTIONS:
            self.equal("table entries", i, got, table_of(n, x, y))
        elif n.op_type in ("Relu", "Clip"):
            bounds = [self.m.values[b] if b else None for b in n.input[1:]] if n.op_type == "Clip" else [0.0]
            ends = {k: float(b) for k, b in zip(("lo", "hi"), bounds) if b is not None}
            self.equal("rescaled integers", i, got, rescaled(x, y, **ends))
        elif n.op_type == "Concat":
            name = self.b.tensors[i["in"][0]]["name"]
            x = next(self.m.of_input(k) for k in n.input if k in (name, name + "_dequantized"))
            self.equal("rescaled integers", i, got, rescaled(x, y))
        else:
            self.left[f"table of {n.op_type}"] += 1

    def softmax(self, i, n):
        if len(i["in"]) > 1:
            x = self.m.of_input(n.input[0])
            table = softmax_table(x.scale, x.dtype == "int16")
            self.equal("softmax entries", i, self.const(i["in"][1]), table)

    def normalize(self, i, n):
        scale = self.m.integers(n.input[1]).astype(F32).ravel()
        bias = self.m.integers(n.input[2]) if len(n.input) > 2 and n.input[2] else np.zeros(1)
        integers = self.b.tensors[i["out"]]["dtype"] != "float32"
        y = F32(self.m.of_output(n.output[0]).scale if integers else 1)
        size = i["params"]["n"]
        self.equal("normalization scales", i, self.const(i["in"][1]), np.broadcast_to(scale / y, size))
        self.equal("normalization biases", i, self.const(i["in"][2]),
                   np.broadcast_to(bias.astype(F32).ravel() / y, size))

    def run(self):
        rules = {"CONV_S8": self.convolution, "DWCONV_S8": self.convolution, "CONV_S16": self.convolution,
                 "DWCONV_S16": self.convolution, "TABLE_S8": self.table, "TABLE_S16": self.table,
                 "SOFTMAX": self.softmax, "NORMALIZE": self.normalize}
        for i in self.b.instructions:
            n, rule = self.m.nodes.get(i["node"]), rules.get(i["opcode"])
            if n is not None and rule:
                rule(i, n)
            elif any(self.b.tensors[k]["place"] == "const" for k in i["in"]):
                self.left[i["opcode"]] += 1
        return self


def check_integers(check, calibrated):
    """Weights and biases of the quantized model from the float ones of the calibrated model: section 3."""
    for name, n in check.m.nodes.items():
        before = calibrated.nodes.get(name)
        if n.op_type not in ("Conv", "Gemm", "MatMul", "ConvTranspose") or before is None:
            continue
        x, q = check.m.of_input(n.input[0]), check.m.of_input(n.input[1])
        integers = check.m.integers(n.input[1]) if q and n.input[1] not in check.m.values else None
        if integers is None or x is None:
            continue
        at = calibrated.maker[before.input[1]]  # Q -> DQ -> node
        real = calibrated.values[calibrated.maker[at.input[0]].input[0]]
        shape = [1] * real.ndim
        if q.scale.ndim:
            shape[q.axis] = -1
        scale = np.asarray(q.scale, F32).reshape(shape)
        hi = LIMITS[q.dtype][1]
        i = {"node": name}
        check.equal("weights from floats", i, integers, sat_rne(real / scale, 0, -hi, hi))
        if len(n.input) > 2 and n.input[2]:
            b = calibrated.values[before.input[2]].astype(np.float64)
            scales = (F32(x.scale) * np.asarray(q.scale, F32).ravel()).astype(np.float64)
            limit = 2 ** 31 - 1 if hi == 32767 else 2 ** 30
            check.equal("biases from floats", i, check.m.integers(n.input[2]),
                        np.clip(np.rint(b.ravel() / scales), -limit, limit))


def check(quantized, program, calibrated=None):
    """A Check with counts in `compared`, texts in `differences`, and in `left` what it does not compute."""
    c = Check(Model(quantized), bindump.Bin(pathlib.Path(program).read_bytes())).run()
    if calibrated:
        check_integers(c, Model(calibrated))
    return c


def main(argv):
    if len(argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    c = check(*argv)
    for what, n in sorted(c.compared.items()):
        print(f"{what}: {n} compared")
    for what, n in sorted(c.left.items()):
        print(f"{what}: {n} instructions with constants that are not computed here")
    print(*c.differences, sep="\n", end="\n" if c.differences else "")
    print(f"{len(c.differences)} differences")
    return 1 if c.differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
