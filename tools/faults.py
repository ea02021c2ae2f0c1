"""Not a program: kinds of faults for inject_faults.py. Each kind lists the places of a program where it fits.

A place is (change, hit): `change(edit, rng)` changes a binedit.Edit, and `hit` says which tensors and
instructions a report must name to be at the right place.
"""
import math
import struct

import bindump

CONVS = ("CONV_S8", "DWCONV_S8", "CONV_F32", "DWCONV_F32", "CONV_S16", "DWCONV_S16")
CLAMPS = ("CONV_S8", "DWCONV_S8", "CONV_S16", "DWCONV_S16", "BINARY_S8", "BINARY_S16", "CLAMP_S8", "RESCALE")
POOLS = ("MAXPOOL", "AVGPOOL")
OPERATIONS = {
    "BINARY_S8": 6,
    "BINARY_S16": 6,
    "BINARY_F32": 7,
    "UNARY_F32": 27,
     "REDUCE_F32": 10}  # values of `op`
AXIS_FUNCTIONS = (4, 5, 6, 8, 10, 11, 12, 14, 15, 20)  # of PORTABLE, whose i[0] is an axis
# inputs of an instruction by what they hold
OPERANDS = ("MATMUL_S8", "MATMUL_S16", "MATMUL_F32", "BINARY_S8", "BINARY_S16", "BINARY_F32")
SCALED = (*CONVS, "PREPROCESS_S8", "PREPROCESS_F32", "NORMALIZE")
INPUTS = {
    "weight": {**dict.fromkeys(SCALED, [1]), **dict.fromkeys(OPERANDS, [0, 1]), "PORTABLE": range(13)},
    "bias": dict.fromkeys(SCALED, [2]),
    "multiplier": dict.fromkeys(("CONV_S8", "DWCONV_S8", "CONV_S16", "DWCONV_S16", "PREPROCESS_S8"), [3]),
    "weight sum": dict.fromkeys(("CONV_S8", "DWCONV_S8"), [4]),
    "table entry": dict.fromkeys(("TABLE_S8", "TABLE_S16", "SOFTMAX"), [1]),
    "index": {"RESIZE_NEAREST": [1, 2], "RESIZE_LINEAR": [1, 2, 3, 4], "GATHER": [1]}}


class Hit:
    """What a fault concerns: instructions, tensors and the names of their nodes."""

    def __init__(self, program, instructions, tensors=(), stale=None):
        b = program.b
        self.instructions, self.tensors, self.stale = set(instructions), set(tensors), stale
        for i in self.instructions:
            s = b.instructions[i]
            self.tensors |= {s["out"], *program.hidden(i)}
        self.nodes = {b.instructions[i]["node"]
            for i in self.instructions} | {b.tensors[t]["node"] for t in self.tensors}
        self.nodes.discard("")

    def has(self, tensor, instruction, node):
        return tensor in self.tensors or instruction in self.instructions or node in self.nodes


class Program:
    def __init__(self, b):
        self.b, self.readers, self.writers = b, {}, {}
        for i, s in enumerate(b.instructions):
            self.writers.setdefault(s["out"], []).append(i)
            for t in s["in"]:
                self.readers.setdefault(t, []).append(i)
        self.outputs = [o["tensor"] for o in b.outputs]

    def hidden(self, i):
        p = self.b.instructions[i]["params"]
        return [p[k] for k in ("hidden_conv", "hidden_sum") if p.get(k, -1) >= 0]

    def of(self, *opcodes):
        return [(i, s) for i, s in enumerate(self.b.instructions) if s["opcode"] in opcodes]

    def in_memory(self, t):
        return self.b.tensors[t]["place"] == "arena"

    def computed(self):
        """Tensors that instructions compute or hide."""
        hidden = [t for i in range(len(self.b.instructions)) for t in self.hidden(i)]
        return [t for t in [*self.writers, *hidden] if self.b.tensors[t]["role"] != "scratch"]

    def touching(self, t):
        """Instructions that read, write or hide a tensor."""
        hides = [i for i in range(len(self.b.instructions)) if t in self.hidden(i)]
        return {*self.readers.get(t, []), *self.writers.get(t, []), *hides}

    def sharing(self, t):
        """Constants that lie where t does: equal ones are stored once."""
        a = self.b.tensors[t]
        overlap = lambda x: x["offset"] < a["offset"] + a["bytes"] and a["offset"] < x["offset"] + x["bytes"]
        return [k for k, x in enumerate(self.b.tensors) if x["place"] == "const" and overlap(x)]

    def life(self, t):
        """First and last instruction between which a tensor's memory is in use."""
        w, r = self.writers.get(t, []), self.readers.get(t, [])
        last = len(self.b.instructions) if t in self.outputs else max([*r, *w], default=-1)
        return min([*w, *r] if self.b.tensors[t]["role"] == "scratch" else w, default=-1), last


# ---- constants ----

LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767),
                   "int32": (-2**31, 2**31 - 1), "uint32": (0, 2**32 - 1)}


def other_integer(rng, x, dtype):
    lo, hi = LIMITS.get(dtype, (-2**62, 2**62))
    y = x + int(rng.choice([-1, 1])) * int(rng.choice([1, 3, 17, 100, 3000]))
    return min(hi, max(lo, y)) if min(hi, max(lo, y)) != x else x - 1 if x > lo else x + 1


def other_real(rng, x):
    return x * float(rng.choice([0.5, 0.9, 1.01, 1.3, -1])) if abs(x) > 1e-20 else 0.37


def low_bits(rng, x):
    """A neighbour of a float32: one of its lowest three bits the other way."""
    bits = struct.unpack("<I", struct.pack("<f", x))[0] ^ (1 << int(rng.integers(3)))
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def change_element(t, low=False):
    def change(e, rng):
        x = e.tensors[t]
        k = int(rng.integers(max(1, x["bytes"] // struct.calcsize(e.element_place(t, 0)[1]))))
        old = e.get_element(t, k)
        real = x["dtype"] == "float32"
        e.set_element(
    t, k, (low_bits if low else other_real)(
        rng, old) if real else other_integer(
            rng, old, x["dtype"]))
    return change


def change_stretch(t):
    """A stretch of a table: single entries are seldom used."""
    def change(e, rng):
        x = e.tensors[t]
        n = x["bytes"] // struct.calcsize(e.element_place(t, 0)[1])
        start = int(rng.integers(n))
        for k in range(start, min(n, start + max(1, n // 16))):
            e.set_element(t, k, other_integer(rng, e.get_element(t, k), x["dtype"]))
    return change


def constants(what, real=None, low=False):
    """Elements of constants; `real`: only of this kind."""
    def places(p):
        for i, s in enumerate(p.b.instructions):
            for k in INPUTS[what].get(s["opcode"], []):
                t = s["in"][k] if k < len(s["in"]) else None
                x = t is not None and p.b.tensors[t]
                if not x or x["place"] != "const" or not x["bytes"] or x["dtype"] == "bool":
                    continue
                if real in (None, x["dtype"] == "float32"):
                    touched = [r for c in p.sharing(t) for r in p.readers.get(c, [])]
                    change = change_stretch(t) if what == "table entry" else change_element(t, low)
                    yield change, Hit(p, touched, p.sharing(t))
    return places


def moved_constant(p):
    """A constant is read from another place."""
    for t, x in enumerate(p.b.tensors):
        room = p.b.sections["CONSTS"][1] - x["bytes"] - 64
        if x["place"] == "const" and x["bytes"] and p.readers.get(t) and room >= 64:
            def change(e, rng, t=t, x=x, room=room):
                to = x["offset"] + int(rng.choice([-64, 64, 128]))
                e.set_tensor(
    t,
    "offset",
    to if 0 <= to <= room //
    64 *
    64 else (
        x["offset"] +
        64) %
        room //
        64 *
         64)
            yield change, Hit(p, p.readers[t], [t])


# ---- parameters of tensors ----

def tensor_field(field, new, allowed=lambda x: True):
    def places(p):
        for t in p.computed():
            x = p.b.tensors[t]
            if allowed(x):
                change = lambda e, rng, t=t, x=x: e.set_tensor(t, field, new(rng, x[field]))
                yield change, Hit(p, p.touching(t), [t])
    return places


def is_quantized(x):
    return x["scale"] != 0


def flipped(rng, x):
    return 1 - x


def other_of_three(rng, x):
    return (x + int(rng.integers(1, 3))) % 3


def is_hidden(x):
    return x["place"] == "hidden"


def has_memory_order(x):
    return len(x["shape"]) >= 3 and x["place"] == "arena"


def another_scale(rng, x):
    return x * float(rng.choice([0.5, 0.9, 1.001, 1.3]))


def another_zero(rng, zero):
    return max(-128, min(127, zero + int(rng.choice([-3, -1, 1, 20])))) if zero > -128 else zero + 1


def stale(p):
    """A tensor's memory overlaps that of one that is alive."""
    tensors = [t for t in {*p.computed(), *p.readers} if p.in_memory(t)]
    for t in tensors:
        a, b = p.life(t)
        for u in tensors:
            c, d = p.life(u)
            x, y = p.b.tensors[t], p.b.tensors[u]
            if t == u or b < c or d < a or x["offset"] == y["offset"] or not x["bytes"]:
                continue
            if y["offset"] + x["bytes"] + 64 <= p.b.header["arena_bytes"]:
                hit = Hit(p, p.touching(t), [t], stale=p.touching(t))
                yield (lambda e, rng, t=t, y=y: e.set_tensor(t, "offset", y["offset"])), hit


# ---- parameters of instructions ----

def param(opcodes, names, new, allowed=lambda s, name: True):
    def places(p):
        for i, s in p.of(*opcodes):
            for name in names:
                for k in range(len(s["params"][name]) if isinstance(s["params"].get(name), list) else 1):
                    if name in s["params"] and allowed(s, name):
                        yield change_param(i, name, k, new), Hit(p, [i])
    return places


def both(*lists):
    return lambda p: (place for places in lists for place in places(p))


def change_param(i, name, k, new):
    return lambda e, rng: e.set_param(i, name, new(rng, e.get_param(i, name, k)), k)


def other(rng, x):
    return x + int(rng.choice([-100, -20, -1, 1, 20, 100]))


def tighter(sign):
    return lambda rng, x: x + sign * int(rng.choice([1, 20, 100]))


def near(least):
    return lambda rng, x: max(least, x + int(rng.choice([-1, 1]))) if x > least else x + 1


def swap_params(i, a, b):
    """a, b: (name, index)"""
    def change(e, rng):
        x, y = e.get_param(i, *a), e.get_param(i, *b)
        e.set_param(i, a[0], y, a[1])
        e.set_param(i, b[0], x, b[1])
    return change


def wrong_axis(p):
    for i, s in p.of("SOFTMAX", "REDUCE_F32"):
        for a, b in ("outer", "n"), ("n", "inner"):
            if s["params"][a] != s["params"][b]:
                yield swap_params(i, (a, 0), (b, 0)), Hit(p, [i])
    for i, s in p.of("COPY"):
        n, strides = s["params"]["rank"], s["params"]["src_stride"]
        for k in range(1, n):
            if strides[k] != strides[k - 1]:
                yield swap_params(i, ("src_stride", k), ("src_stride", k - 1)), Hit(p, [i])
    for i, s in p.of("PORTABLE"):
        if s["params"]["function"] in AXIS_FUNCTIONS:
            yield change_param(i, "i", 0, lambda rng, x: max(0, x + int(rng.choice([-1, 1])))), Hit(p, [i])


def wrong_strides(p):
    """Of operands that broadcast, of matrices, of moves."""
    for i, s in p.of("BINARY_S8", "BINARY_S16", "BINARY_F32", "MATMUL_S8", "MATMUL_S16", "MATMUL_F32"):
        for name in "a_stride", "b_stride":
            for k in range(s["params"]["rank"]):
                if s["params"]["dims"][k] > 1 and s["params"][name][k]:
                    yield change_param(i, name, k, lambda rng, x: int(rng.choice([0, x // 2]))), Hit(p, [i])
    for i, s in p.of("COPY"):
        for name in "src", "dst":
            yield change_param(i, name, 0, near(0)), Hit(p, [i])


def has_residual(s):
    return len(s["in"]) == 6 or s["opcode"].endswith("F32") and len(s["in"]) == 4


def dropped_residual(p):
    for i, s in p.of("CONV_S8", "DWCONV_S8", "CONV_F32", "DWCONV_F32"):
        if has_residual(s):
            def change(e, rng, i=i, s=s):
                e.set_ref(i, len(s["in"]) - 1, s["out"])
                e.set_instruction(i, "n_in", len(s["in"]) - 1)
            yield change, Hit(p, [i])


def residual_params(p):
    for i, s in p.of("CONV_S8", "DWCONV_S8"):
        if has_residual(s):
            yield change_param(i, "mid_scale", 0, other_real), Hit(p, [i])
            yield change_param(i, "mid_zero", 0, other), Hit(p, [i])
            yield change_param(i, "residual_first", 0, flipped), Hit(p, [i])


# ---- what is read, what runs ----

def swapped_inputs(p):
    for i, s in enumerate(p.b.instructions):
        for a in range(len(s["in"])):
            for b in range(a):
                x, y = p.b.tensors[s["in"][a]], p.b.tensors[s["in"][b]]
                if s["in"][a] != s["in"][b] and x["dtype"] == y["dtype"] and p.in_memory(
                    s["in"][a]) and p.in_memory(s["in"][b]):
                    def change(e, rng, i=i, s=s, a=a, b=b):
                        e.set_ref(i, a, s["in"][b])
                        e.set_ref(i, b, s["in"][a])
                    yield change, Hit(p, [i])


def swapped_pieces(p):
    """Two inputs of a Concat change places."""
    for i, s in p.of("COPY"):
        for k, r in p.of("COPY"):
            if k < i and r["out"] == s["out"] and r["in"] != s["in"]:
                def change(e, rng, i=i, s=s, k=k, r=r):
                    e.set_ref(i, 0, r["in"][0])
                    e.set_ref(k, 0, s["in"][0])
                yield change, Hit(p, [i, k])


def other_input(p):
    """An instruction reads another tensor of the same type and size."""
    for i, s in enumerate(p.b.instructions):
        for k, t in enumerate(s["in"]):
            x = p.b.tensors[t]
            for u, y in enumerate(p.b.tensors):
                if u != t and p.in_memory(t) and p.in_memory(u) and (
                    x["dtype"], x["bytes"]) == (y["dtype"], y["bytes"]):
                    yield (lambda e, rng, i=i, k=k, u=u: e.set_ref(i, k, u)), Hit(p, [i])


def order(p):
    """An instruction runs before the one whose result it reads."""
    for i in range(len(p.b.instructions) - 1):
        if p.b.instructions[i]["out"] in p.b.instructions[i + 1]["in"]:
            yield (lambda e, rng, i=i: e.swap_instructions(i, i + 1)), Hit(p, [i, i + 1])


def operation(p):
    for i, s in p.of(*OPERATIONS):
        n = OPERATIONS[s["opcode"]]
        yield change_param(i, "op", 0, lambda rng, x, n=n: (x + int(rng.integers(1, n))) % n), Hit(p, [i])
    for i, s in p.of(*POOLS):
        other = POOLS[1 - POOLS.index(s["opcode"])]
        code = 1 + [x[0] for x in bindump.INSTRUCTIONS].index(other)
        yield (lambda e, rng, i=i, code=code: e.set_instruction(i, "opcode", code)), Hit(p, [i])
        yield change_param(i, "count_include_pad", 0, other_of_three), Hit(p, [i])
    for i, s in p.of("NORMALIZE"):
        yield change_param(i, "centre", 0, flipped), Hit(p, [i])
    for i, s in p.of("PORTABLE"):
        places = {1: 0, 2: 0, 4: 1, 12: 1, 19: 1, 21: 0, 28: 0, 32: 0, 36: 0}
        if s["params"]["function"] in places:
            yield change_param(i, "i", places[s["params"]["function"]], near(0)), Hit(p, [i])


def real_params(p):
    finite = lambda x: not isinstance(x, str) and math.isfinite(x) and abs(x) < 3e38
    for i, s in enumerate(p.b.instructions):
        for name, x in s["params"].items():
            if name == "mid_scale" or not isinstance(x, (float, str)) or not finite(
                x) or x == 0 and name in ("f0", "f1", "f2", "f3"):
                continue
            yield change_param(i, name, 0, other_real), Hit(p, [i])


def output(p):
    for k, t in enumerate(p.outputs):
        for u in p.computed():
            if u != t and p.in_memory(u):
                yield (lambda e, rng, k=k, u=u: e.set_output(k, u)), Hit(p, [], [t, u])


KINDS = {
    "weight, integer": constants("weight", real=False),
    "weight, float": constants("weight", real=True),
    "bias": constants("bias"),
    "multiplier": constants("multiplier"),
    "weight sum": constants("weight sum"),
    "table entry": constants("table entry"),
    "index or interpolation weight": constants("index"),
    "constant read elsewhere": moved_constant,
    "tensor scale": tensor_field("scale", another_scale, is_quantized),
    "zero point": tensor_field("zero", another_zero, is_quantized),
    "memory order": tensor_field("channels_last", flipped, has_memory_order),
    "memory order of a fused tensor": tensor_field("channels_last", flipped, is_hidden),
    "stale buffer": stale,
    "output is another tensor": output,
    "wrong axis": wrong_axis,
    "strides, offsets": wrong_strides,
    "padding": param(CONVS + POOLS, ["ph", "pw", "ph_end", "pw_end"], near(0)),
    "window stride, dilation": param(CONVS + POOLS, ["sh", "sw", "dh", "dw"], near(1)),
    "clamp bounds": both(param(CLAMPS, ["lo"], tighter(1)), param(CLAMPS, ["hi"], tighter(-1))),
    "real parameter": real_params,
    "dropped residual": dropped_residual,
    "residual's parameters": residual_params,
    "swapped inputs": swapped_inputs,
    "swapped pieces of a Concat": swapped_pieces,
    "reads another tensor": other_input,
    "order of instructions": order,
    "operation": operation}
LOW_BITS = {"float weight, lowest bits": constants("weight", real=True, low=True),
            "multiplier, lowest bits": constants("multiplier", low=True)}
