"""Attention blocks with causal and padding masks, in the forms in which exporters write them."""
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh

TOKENS, WIDTH, HEADS = 24, 32, 4
LEVELS = {"100": -100.0, "1e4": -1e4, "1e9": -1e9, "lowest": float(np.finfo(np.float32).min), "inf": -np.inf}


class Block:
    """Nodes and constants of one network; `mask` says how the scores are masked."""

    def __init__(self, level, seed=0):
        self.level, self.random, self.nodes, self.constants = level, np.random.default_rng(seed), [], {}
        self.inputs = {"x": (T.FLOAT, [1, TOKENS, WIDTH])}

    def constant(self, value, kind=np.float32):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value, kind)
        return name

    def node(self, op, *inputs, **attrs):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(h.make_node(op, inputs, [name], name, **attrs))
        return name

    def linear(self, x, n_in, n_out):
        w = self.random.normal(size=(n_in, n_out)) / np.sqrt(n_in)
        b = self.random.normal(size=n_out) * .1
        return self.node("Add", self.node("MatMul", x, self.constant(w)), self.constant(b))

    def heads(self, x, order):
        shape = self.constant([1, TOKENS, HEADS, WIDTH // HEADS], np.int64)
        return self.node("Transpose", self.node("Reshape", x, shape), perm=order)

    def keep(self):
        """The input that says which tokens count, for all heads and queries: 1 x 1 x 1 x TOKENS."""
        self.inputs["keep"] = (T.INT64, [1, TOKENS])
        return self.node("Unsqueeze", "keep", self.constant([1, 2], np.int64))

    def causal(self):
        return np.triu(np.ones((TOKENS, TOKENS), bool), 1)[None, None]

    def levels(self, masked):
        return self.constant(np.where(masked, self.level, 0))

    # ---- forms: scores in, masked scores out ----

    def causal_add(self, s):
        return self.node("Add", s, self.levels(self.causal()))

    def causal_where(self, s):
        return self.node("Where", self.constant(~self.causal(), bool), s, self.constant(self.level))

    def padding_product(self, s):
        """(1 - keep) * level, added"""
        gone = self.node("Sub", self.constant(1), self.node("Cast", self.keep(), to=T.FLOAT))
        return self.node("Add", s, self.node("Mul", gone, self.constant(self.level)))

    def padding_subtract(self, s):
        """scores - (1 - keep) * -level"""
        gone = self.node("Sub", self.constant(1), self.node("Cast", self.keep(), to=T.FLOAT))
        return self.node("Sub", s, self.node("Mul", gone, self.constant(-self.level)))

    def keeps(self):
        return self.node("Cast", self.keep(), to=T.BOOL)

    def padding_where(self, s):
        return self.node("Where", self.keeps(), s, self.constant(self.level))

    def padding_select(self, s):
        """where(keep, 0, level), added"""
        m = self.node("Where", self.keeps(), self.constant(0), self.constant(self.level))
        return self.node("Add", s, m)

    def both_added(self, s):
        """The masks are added to each other first; below the lowest number lies -infinity."""
        m = self.node("Where", self.keeps(), self.constant(0), self.constant(self.level))
        return self.node("Add", s, self.node("Add", m, self.levels(self.causal())))

    def both_in_turn(self, s):
        return self.padding_select(self.causal_add(s))

    def both_limited(self, s):
        """Masks in turn, and the sum is not below the level (OPT)."""
        return self.node("Max", self.both_in_turn(s), self.constant(self.level))

    def input_added(self, s):
        """The mask itself is an input."""
        self.inputs["mask"] = (T.FLOAT, [1, 1, TOKENS, TOKENS])
        return self.node("Add", s, "mask")

    def position_and_mask(self, s):
        """A learned bias of positions, then a mask, in one constant."""
        bias = self.random.normal(size=(1, HEADS, TOKENS, TOKENS)) * 2
        return self.node("Add", s, self.constant(np.where(self.causal(), self.level, bias)))

    def logarithm(self, s):
        """log(keep), added: -infinity that no constant of the network says."""
        return self.node("Add", s, self.node("Log", self.node("Cast", self.keep(), to=T.FLOAT)))

    def scaled_after(self, s):
        """The scores are scaled behind the mask."""
        return self.node("Mul", self.causal_add(s), self.constant(.5))

    # ---- the network ----

    def build(self, form):
        q, k, v = (self.linear("x", WIDTH, WIDTH) for _ in range(3))
        scores = self.node("MatMul", self.heads(q, [0, 2, 1, 3]), self.heads(k, [0, 2, 3, 1]))
        scores = self.node("Mul", scores, self.constant(1 / np.sqrt(WIDTH / HEADS)))
        p = self.node("Softmax", getattr(self, form)(scores), axis=-1)
        y = self.node("Transpose", self.node("MatMul", p, self.heads(v, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        y = self.linear(self.node("Reshape", y, self.constant([1, TOKENS, WIDTH], np.int64)), WIDTH, WIDTH)
        self.linear(self.node("Relu", self.linear(self.node("Add", y, "x"), WIDTH, WIDTH)), WIDTH, WIDTH)
        return self

    def save(self, path):
        info = [h.make_tensor_value_info(n, t, s) for n, (t, s) in self.inputs.items()]
        out = [h.make_tensor_value_info(self.nodes[-1].output[0], T.FLOAT, [1, TOKENS, WIDTH])]
        constants = [nh.from_array(v, k) for k, v in self.constants.items()]
        g = h.make_graph(self.nodes, "masked", info, out, constants)
        onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)


FORMS = ["causal_add", "causal_where", "padding_product", "padding_subtract", "padding_where",
         "padding_select", "both_added", "both_in_turn", "both_limited", "scaled_after", "input_added",
         "position_and_mask"]
UNDEFINED = {"padding_product": ["inf"], "padding_subtract": ["inf"],  # 0 times infinity
             "input_added": ["100"], "position_and_mask": ["100"]}  # too high; refused
CASES = [(f, n) for f in FORMS for n in LEVELS if n not in UNDEFINED.get(f, [])]


def sample(i, block):
    """Feed number i."""
    inputs = block.inputs
    random = np.random.default_rng(100 + i)
    x = {"x": random.normal(size=(1, TOKENS, WIDTH)).astype(np.float32)}
    if "keep" in inputs:
        x["keep"] = (np.arange(TOKENS) < random.integers(TOKENS // 3, TOKENS + 1)).astype(np.int64)[None]
    if "mask" in inputs:
        masked = block.causal() | (np.arange(TOKENS) >= random.integers(TOKENS // 3, TOKENS + 1))
        x["mask"] = np.where(masked, np.float32(block.level), np.float32(0))
    return x
