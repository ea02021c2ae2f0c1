"""Damaged copies of files, the same ones in every run, and the .bin's checksum."""
import random
import struct

import numpy as np

MASK = (1 << 64) - 1
PRIME = 0x9E3779B97F4A7C15
CHECKSUM_AT = 24  # in the header of a .bin; before it the length of the file
BIN_SECTIONS = ("strings", "tensors", "instrs", "refs", "params", "io", "meta", "consts")


def copies(data, n, seed):
    """n copies: every third cut short, the others with one to eight flipped bits."""
    for i in range(n):
        rng = random.Random(f"{seed}.{i}")
        if i % 3 == 0:
            yield data[:rng.randrange(len(data))]
            continue
        b = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(b))
            b[at] ^= 1 << rng.randrange(8)
        yield bytes(b)


def text_copies(data, n, seed):
    """Copies of a text with lines or characters lost, doubled or changed."""
    for i in range(n):
        rng = random.Random(f"{seed}.{i}")
        b = bytearray(data)
        for _ in range(rng.choice((1, 2, 4))):
            at, length = rng.randrange(len(b)), rng.choice((1, 1, 3, 30))
            kind = rng.randrange(4)
            if kind == 0:
                del b[at:at + length]
            elif kind == 1:
                b[at:at] = b[at:at + length]
            elif kind == 2:
                b[at] ^= 1 << rng.randrange(8)
            else:
                b[at : at + 1] = rng.choice(
                    (
                        b"\t",
                        b"\0",
                        b"\xff",
                        b"'",
                        b"[",
                        b"{",
                        b"&a *a",
                        b": ",
                        b"-1",
                        b"1e999",
                        b"\n\n",
                        b";",
                        b"%",
                    )
                )
            if not b:
                b = bytearray(b" ")
        yield bytes(b)


def bin_hash(data):
    """docs/bin-format.md: eight interleaved lanes of multiply-xorshift; the checksum field counts as zero."""
    b = bytearray(data)
    b[CHECKSUM_AT:CHECKSUM_AT + 8] = bytes(8)
    size = len(b)
    words = [int(w) for w in np.frombuffer(bytes(b) + bytes(-size % 8), "<u8")]
    lane = [PRIME * (i + 1) & MASK for i in range(8)]

    def mix(h, w):
        h = (h ^ w) * PRIME & MASK
        return h ^ h >> 32

    for i, w in enumerate(words):
        lane[i % 8] = mix(lane[i % 8], w)
    h = size
    for x in lane:
        h = mix(h, x)
    return h


def repaired(data):
    """A .bin with its length and checksum put right."""
    b = bytearray(data)
    if len(b) >= 64:
        b[16:24] = struct.pack("<Q", len(b))
        b[CHECKSUM_AT:CHECKSUM_AT + 8] = struct.pack("<Q", bin_hash(b))
    return bytes(b)


def sections(data):
    """name: (offset, bytes)"""
    return {name: struct.unpack_from("<QQ", data, 56 + 16 * i) for i, name in enumerate(BIN_SECTIONS)}


VALUES = [
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    63,
    64,
    127,
    128,
    255,
    256,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    1 << 24,
    1 << 30,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFF00,
    0xFFFFFFFE,
    0xFFFFFFFF,
    0x7F800000,
    0x7FC00000,
    0xFF800000,
    0x3F800000,
]


def bin_copies(data, n, seed):
    """Copies of a .bin with a few words of its records replaced, so that what the loader decides from is
    wrong; not repaired."""
    parts = [(at, size) for name, (at, size) in sections(data).items() if name != "consts" and size >= 4]
    parts.append((0, 56 + 16 * len(BIN_SECTIONS)))
    for i in range(n):
        rng = random.Random(f"{seed}.{i}")
        b = bytearray(data)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            at, size = rng.choice(parts)
            at += 4 * rng.randrange(size // 4)
            old = struct.unpack_from("<I", b, at)[0]
            kind = rng.randrange(4)
            new = (rng.choice(VALUES) if kind == 0 else old + rng.choice((-64, -2, -1, 1, 2, 64)) if kind == 1
                   else old ^ 1 << rng.randrange(32) if kind == 2 else old * 2)
            struct.pack_into("<I", b, at, new & 0xFFFFFFFF)
        yield bytes(b)
