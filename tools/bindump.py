#!/usr/bin/env python3
"""Show what a Vernier .bin holds. A second reader, written from docs/bin-format.md alone; needs nothing but
Python.

    bindump.py FILE.bin            header, sections, inputs and outputs, instructions, metadata
    bindump.py FILE.bin --tensors  and every tensor
    bindump.py FILE.bin --json     everything, as JSON

Exit status: 0 read and the checksum is right, 1 the checksum is wrong, 2 usage, 3 not a .bin that this reader
understands.
"""
import json
import struct
import sys

MASK = (1 << 64) - 1
PRIME = 0x9E3779B97F4A7C15
SECTIONS = ["STRINGS", "TENSORS", "INSTRS", "REFS", "PARAMS", "IO", "META", "CONSTS"]
RECORD = {"STRINGS": 1, "TENSORS": 72, "INSTRS": 16, "REFS": 4, "PARAMS": 4, "IO": 8, "META": 8, "CONSTS": 1}
DTYPES = {
    1: ("float32", 4),
    2: ("uint8", 1),
    3: ("int8", 1),
    4: ("uint16", 2),
    5: ("int16", 2),
    6: ("int32", 4),
    7: ("int64", 8),
    9: ("bool", 1),
    10: ("float16", 2),
    11: ("float64", 8),
    12: ("uint32", 4),
    13: ("uint64", 8),
    16: ("bfloat16", 2),
}
VERSION = 5
PLACES = ["arena", "const", "hidden"]
ROLES = [None, "value", "float", "raw", "copy", "wide", "rescaled", "bytes", "cells", "scratch", "const"]
INPUT_TYPES = ["featuremap", "rgb", "bgr", "yuv444", "nv12", "gray"]
FEATURES = {0: "avx2", 1: "avx512", 2: "avx512vnni", 3: "avx512vbmi", 8: "neon", 9: "dotprod"}

WINDOW = "n h w c oh ow k kh kw sh sw dh dw ph pw groups "
POOL = "n h w c oh ow kh kw sh sw dh dw ph pw ph_end pw_end count_include_pad"
CONV_S8 = WINDOW + "lo hi wide mid_scale:f mid_zero residual_first hidden_conv hidden_sum"
CONV_F32 = WINDOW + "lo:f hi:f hidden_conv hidden_sum"
MATMUL = "m n k rank dims[6] a_stride[6] b_stride[6]"
# name, least and most inputs, parameters; codes count from 1
INSTRUCTIONS = [
    ("CONV_S8", 5, 6, CONV_S8),
    ("DWCONV_S8", 5, 6, CONV_S8),
    ("CONV_F32", 3, 4, CONV_F32),
    ("DWCONV_F32", 3, 4, CONV_F32),
    ("MATMUL_S8", 2, 2, MATMUL),
    ("MATMUL_F32", 2, 2, MATMUL),
    ("BINARY_S8", 2, 2, "op lo hi rank dims[8] a_stride[8] b_stride[8]"),
    ("BINARY_F32", 2, 2, "op rank dims[8] a_stride[8] b_stride[8]"),
    ("CLAMP_S8", 1, 1, "lo hi"),
    ("CLAMP_F32", 1, 1, "lo:f hi:f"),
    ("TABLE_S8", 2, 2, "reserved"),
    ("UNARY_F32", 1, 1, "op alpha:f beta:f"),
    ("MAXPOOL", 1, 1, POOL),
    ("AVGPOOL", 1, 1, POOL),
    ("SOFTMAX", 1, 2, "outer n inner"),
    ("RESIZE_NEAREST", 3, 3, "n h w c oh ow"),
    ("RESIZE_LINEAR", 5, 5, "n h w c oh ow"),
    ("COPY", 1, 1, "rank dims[8] src src_stride[8] dst dst_stride[8]"),
    ("FILL", 0, 0, "value:f"),
    ("GATHER", 2, 2, "outer extent count inner"),
    ("QUANTIZE", 1, 1, "reserved"),
    ("DEQUANTIZE", 1, 1, "reserved"),
    ("INPUT_IMAGE", 1, 1, "type n h w c channels_last_in channels_last_out"),
    ("PREPROCESS_S8", 4, 4, "pixels c"),
    ("PREPROCESS_F32", 3, 3, "pixels c"),
    ("REDUCE_F32", 1, 1, "op outer n inner"),
    ("PORTABLE", 1, 13, "function scratch i[32] f0:f f1:f f2:f f3:f"),
    ("CONV_S16", 4, 4, WINDOW + "lo hi hidden_conv"),
    ("DWCONV_S16", 4, 4, WINDOW + "lo hi hidden_conv"),
    ("MATMUL_S16", 2, 2, MATMUL),
    ("BINARY_S16", 2, 2, "op lo hi rank dims[8] a_stride[8] b_stride[8]"),
    ("TABLE_S16", 2, 2, "reserved"),
    ("RESCALE", 1, 1, "lo hi"),
    ("NORMALIZE", 3, 3, "rows n centre epsilon:f"),
    ("CUSTOM", 1, 13, "n_out port present"),
]


class Bad(Exception):
    """The file is not what the format's page says."""


def want(condition, what):
    if not condition:
        raise Bad(what)


def mix(h, w):
    h = (h ^ w) * PRIME & MASK
    return h ^ h >> 32


def file_hash(data, skip=None):
    """Hash of the bytes; the 8 bytes at offset `skip` count as zero."""
    lane = [PRIME * (i + 1) & MASK for i in range(8)]
    words = struct.unpack("<%dQ" % ((len(data) + 7) // 8), data + bytes(-len(data) % 8))
    for k, w in enumerate(words):
        lane[k % 8] = mix(lane[k % 8], 0 if skip is not None and k * 8 == skip else w)
    h = len(data)
    for x in lane:
        h = mix(h, x)
    return h


def fields(text):
    """"rank dims[8] value:f" -> (name, count or None, is float)."""
    for word in text.split():
        name, _, count = word.rstrip("]").partition("[")
        yield name.removesuffix(":f"), int(count) if count else None, word.endswith(":f")


def number(x):
    """Floats as JSON can hold them."""
    return x if x == x and abs(x) != float("inf") else str(x)


class Bin:
    def __init__(self, data):
        self.data = data
        want(len(data) >= 184 and data[:8] == b"VERNIER\n", "not a Vernier .bin")
        head = struct.unpack_from("<8sIIQQQIIII16Q", data)
        self.header = dict(
            zip(
                [
                    "version",
                    "header_bytes",
                    "file_bytes",
                    "checksum",
                    "arena_bytes",
                    "n_inputs",
                    "n_outputs",
                    "isa",
                    "march",
                ],
                head[1:10],
            )
        )
        want(
            self.header["version"] == VERSION,
            "version %d, this reader knows %d" % (self.header["version"], VERSION),
        )
        want(
            self.header["header_bytes"] == 184 and self.header["file_bytes"] == len(data),
            "header or file has another size",
        )
        self.checksum_ok = file_hash(data, 24) == self.header["checksum"]
        self.sections = {}
        for name, offset, size in zip(SECTIONS, head[10::2], head[11::2]):
            want(
                offset % 64 == 0 and offset + size <= len(data) and size % RECORD[name] == 0,
                "section %s lies outside the file" % name,
            )
            self.sections[name] = (offset, size)
        strings = self.bytes_of("STRINGS")
        want(strings and strings[-1] == 0, "strings do not end")
        self.header["march"] = self.string(self.header["march"])
        self.header["isa"] = [name for bit, name in FEATURES.items() if self.header["isa"] >> bit & 1]
        self.tensors = [self.tensor(r) for r in self.records("TENSORS", "<IIBBBB8IfiIQQ")]
        self.refs = [r[0] for r in self.records("REFS", "<I")]
        self.instructions = [self.instruction(r) for r in self.records("INSTRS", "<HHIII")]
        io = [self.io(r) for r in self.records("IO", "<IBBH")]
        n = self.header["n_inputs"]
        want(len(io) == n + self.header["n_outputs"], "IO has another number of records")
        self.inputs, self.outputs = io[:n], io[n:]
        self.meta = {self.string(k): self.string(t) for k, t in self.records("META", "<II")}

    def bytes_of(self, name):
        offset, size = self.sections[name]
        return self.data[offset:offset + size]

    def records(self, name, layout):
        return struct.iter_unpack(layout, self.bytes_of(name))

    def string(self, at):
        strings = self.bytes_of("STRINGS")
        want(at < len(strings), "a name lies outside the strings")
        return strings[at:strings.index(0, at)].decode("utf-8", "replace")

    def tensor(self, r):
        name, node, dtype, place, rank, last, *rest = r
        dims, (scale, zero, role, offset, size) = rest[:8], rest[8:]
        name = self.string(name)
        want(
            dtype in DTYPES and place < 3 and rank <= 8, "tensor '%s' has a wrong type, place or rank" % name
        )
        want(0 < role < len(ROLES), "tensor '%s' has role %d" % (name, role))
        t = {
            "name": name,
            "node": self.string(node),
            "role": ROLES[role],
            "dtype": DTYPES[dtype][0],
            "place": PLACES[place],
            "shape": dims[:rank],
            "channels_last": last,
            "scale": number(scale),
            "zero": zero,
            "offset": offset,
            "bytes": size,
        }
        count = DTYPES[dtype][1]
        for d in dims[:rank]:
            count *= d
        want(count == size, "tensor '%s' has %d bytes, its shape wants %d" % (name, size, count))
        room = self.header["arena_bytes"] if place == 0 else self.sections["CONSTS"][1]
        want(
            place == 2 or (offset % (64 if place else DTYPES[dtype][1]) == 0 and offset + size + 64 <= room),
            "tensor '%s' lies outside its memory" % name,
        )
        return t

    def instruction(self, r):
        opcode, n_in, ref, param, node = r
        want(1 <= opcode <= len(INSTRUCTIONS), "unknown instruction %d" % opcode)
        name, least, most, text = INSTRUCTIONS[opcode - 1]
        want(least <= n_in <= most and ref + n_in < len(self.refs), "%s has a wrong number of inputs" % name)
        ids = self.refs[ref:ref + n_in + 1]
        want(all(i < len(self.tensors) for i in ids), "%s names a tensor that is not there" % name)
        words, params = self.bytes_of("PARAMS")[param * 4:], {}
        for field, count, is_float in fields(text):
            kind = "<%d%s" % (count or 1, "f" if is_float else "i")
            want(len(words) >= struct.calcsize(kind), "parameters outside the file")
            values = [number(x) for x in struct.unpack_from(kind, words)]
            params[field] = values if count else values[0]
            words = words[struct.calcsize(kind):]
        return {"opcode": name, "node": self.string(node), "in": ids[:-1], "out": ids[-1], "params": params}

    def io(self, r):
        tensor, kind, last, _ = r
        want(tensor < len(self.tensors) and kind < len(INPUT_TYPES), "an input or output is no tensor")
        t = self.tensors[tensor]
        return {
            "name": t["name"],
            "tensor": tensor,
            "type": INPUT_TYPES[kind],
            "dtype": t["dtype"],
            "shape": t["shape"],
            "bytes": t["bytes"],
            "channels_last": last,
            "scale": t["scale"],
            "zero": t["zero"],
        }

    def as_json(self):
        sections = {k: {"offset": o, "bytes": n} for k, (o, n) in self.sections.items()}
        return {
            "header": self.header,
            "checksum_ok": self.checksum_ok,
            "sections": sections,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "tensors": self.tensors,
            "instructions": self.instructions,
            "meta": self.meta,
        }


def shape_text(t):
    return "x".join(map(str, t["shape"])) or "scalar"


def show(b, tensors):
    h = b.header
    print(
        "version %d, %d bytes, arena %d bytes, march %s, isa %s"
        % (h["version"], h["file_bytes"], h["arena_bytes"], h["march"], " ".join(h["isa"]) or "any")
    )
    print("checksum %016x %s" % (h["checksum"], "right" if b.checksum_ok else "WRONG"))
    for name, (offset, size) in b.sections.items():
        print("section %-8s at %10d, %10d bytes, %6d records" % (name, offset, size, size // RECORD[name]))
    for what, list_ in ("input", b.inputs), ("output", b.outputs):
        for t in list_:
            print("%s %s: %s %s, %d bytes%s" % (what, t["name"], t["dtype"], shape_text(t), t["bytes"],
                                                ", " + t["type"] if what == "input" else ""))
    for i, t in enumerate(b.tensors if tensors else []):
        print(
            "tensor %d: %-6s %-8s %-7s %s%s at %d, scale %.9g, zero %d: %s"
            % (
                i,
                t["place"],
                t["role"],
                t["dtype"],
                shape_text(t),
                " nhwc" * t["channels_last"],
                t["offset"],
                float(t["scale"]),
                t["zero"],
                t["name"],
            )
        )
    for i, s in enumerate(b.instructions):
        params = " ".join(
            "%s=%s" % (k, "x".join(map(str, v)) if isinstance(v, list) else v) for k, v in s["params"].items()
        )
        print(
            "%4d %-14s %s -> %d  %s  (%s)"
            % (i, s["opcode"], " ".join(map(str, s["in"])), s["out"], params, s["node"])
        )
    for k, t in b.meta.items():
        print("%s: %s" % (k, t))


def main(argv):
    words = [a for a in argv if not a.startswith("-")]
    flags = [a for a in argv if a.startswith("-")]
    if len(words) != 1 or set(flags) - {"--json", "--tensors"}:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(words[0], "rb") as f:
            b = Bin(f.read())
    except (OSError, Bad, struct.error) as e:
        print("%s: %s" % (words[0], e), file=sys.stderr)
        return 3
    if "--json" in flags:
        print(json.dumps(b.as_json(), indent=1))
    else:
        show(b, "--tensors" in flags)
    if not b.checksum_ok:
        print("%s: the checksum does not match the contents" % words[0], file=sys.stderr)
    return 0 if b.checksum_ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
