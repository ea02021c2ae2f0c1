#!/usr/bin/env python3
"""A Vernier .bin whose fields can be changed and written back. Built on bindump.py, hence on its page alone.

    b = binedit.Edit(open("net.bin", "rb").read())
    b.set_param(3, "lo", -100)         # parameter of instruction 3
    b.set_tensor(7, "zero", 5)         # field of tensor record 7
    open("bad.bin", "wb").write(b.sealed())

    binedit.py FILE.bin OUT.bin        read FILE.bin, compute its checksum anew, write OUT.bin
"""
import struct
import sys

import bindump

# field: offset in the record, format
TENSOR = {"name": (0, "I"), "node": (4, "I"), "dtype": (8, "B"), "place": (9, "B"), "rank": (10, "B"),
          "channels_last": (11, "B"),
          "scale": (44, "f"), "zero": (48, "i"), "role": (52, "I"), "offset": (56, "Q"), "bytes": (64, "Q")}
INSTRUCTION = {"opcode": (0, "H"), "n_in": (2, "H"), "ref": (4, "I"), "param": (8, "I"), "node": (12, "I")}
FORMATS = {"float32": "f", "uint8": "B", "int8": "b", "uint16": "H", "int16": "h", "int32": "i", "int64": "q",
           "uint32": "I",
           "uint64": "Q", "bool": "B", "float64": "d"}


def param_places(opcode):
    """{name: (first word, words, format of one)} of an instruction's parameters."""
    places, at = {}, 0
    for name, count, is_float in bindump.fields(bindump.INSTRUCTIONS[opcode - 1][3]):
        places[name] = (at, count or 1, "f" if is_float else "i")
        at += count or 1
    return places


class Edit(bindump.Bin):
    """The records as bindump reads them; what is set goes into `raw`, and not into these."""

    def __init__(self, data):
        super().__init__(data)
        self.raw = bytearray(data)

    def record(self, section, i):
        return self.sections[section][0] + i * bindump.RECORD[section]

    def _get(self, at, kind):
        return struct.unpack_from("<" + kind, self.raw, at)[0]

    def _set(self, at, kind, value):
        struct.pack_into("<" + kind, self.raw, at, value)

    def set_tensor(self, t, field, value):
        at, kind = TENSOR[field]
        self._set(self.record("TENSORS", t) + at, kind, value)

    def get_instruction(self, i, field):
        at, kind = INSTRUCTION[field]
        return self._get(self.record("INSTRS", i) + at, kind)

    def set_instruction(self, i, field, value):
        at, kind = INSTRUCTION[field]
        self._set(self.record("INSTRS", i) + at, kind, value)

    def swap_instructions(self, i, k):
        a, b = self.record("INSTRS", i), self.record("INSTRS", k)
        self.raw[a:a + 16], self.raw[b:b + 16] = self.raw[b:b + 16], self.raw[a:a + 16]

    def set_ref(self, i, k, tensor):
        """Input k of instruction i; its output is behind the last input."""
        self._set(self.record("REFS", self.get_instruction(i, "ref") + k), "I", tensor)

    def _param(self, i, name, k):
        word, count, kind = param_places(self.get_instruction(i, "opcode"))[name]
        if not 0 <= k < count:
            raise IndexError(f"{name}[{k}]")
        return self.record("PARAMS", self.get_instruction(i, "param") + word + k), kind

    def get_param(self, i, name, k=0):
        return self._get(*self._param(i, name, k))

    def set_param(self, i, name, value, k=0):
        self._set(*self._param(i, name, k), value)

    def element_place(self, t, k):
        """Where element k of a constant lies in the file, and its format."""
        kind = FORMATS[self.tensors[t]["dtype"]]
        return self.sections["CONSTS"][0] + self.tensors[t]["offset"] + k * struct.calcsize(kind), kind

    def get_element(self, t, k):
        return self._get(*self.element_place(t, k))

    def set_element(self, t, k, value):
        self._set(*self.element_place(t, k), value)

    def set_output(self, k, tensor):
        """Output k of the program."""
        self._set(self.record("IO", self.header["n_inputs"] + k), "I", tensor)

    def sealed(self):
        """The file with the checksum of what it now holds."""
        self._set(24, "Q", bindump.file_hash(bytes(self.raw), 24))
        return bytes(self.raw)


def main(argv):
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(argv[0], "rb") as f:
        data = Edit(f.read()).sealed()
    with open(argv[1], "wb") as f:
        f.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
