"""Caffe networks for tests: prototxt and caffemodel, written from the field numbers of caffe.proto.

net = Net(data=(1, 3, 8, 8))
net.layer("Convolution", "data", "y", [weight, bias], "convolution_param { num_output: 4 kernel_size: 3 }")
prototxt, caffemodel = net.write(folder)
"""

import numpy as np


def varint(x):
    out = bytearray()
    while x >= 0x80:
        out.append(x & 0x7F | 0x80)
        x >>= 7
    return bytes(out + bytes([x]))


def field(number, data):
    """A length-delimited field."""
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(n, x):
    return varint(n << 3) + varint(x)


def blob(x, form="shape"):
    """BlobProto: `form` shape, legacy (num, channels, height, width), unpacked or double."""
    x = np.asarray(x)
    if form == "legacy":
        dims = (1,) * (4 - x.ndim) + x.shape
        head = b"".join(number(1 + i, d) for i, d in enumerate(dims))
    else:
        head = field(7, field(1, b"".join(varint(d) for d in x.shape)))
    if form == "double":
        return head + field(8, x.astype("<f8").tobytes())
    data = x.astype("<f4").tobytes()
    if form == "unpacked":
        return head + b"".join(varint(5 << 3 | 5) + data[i:i + 4] for i in range(0, len(data), 4))
    return head + field(5, data)


class Net:
    def __init__(self, **inputs):
        self.inputs, self.layers, self.form = inputs, [], "shape"

    def layer(self, kind, bottom=(), top=None, blobs=(), text="", name=None):
        split = lambda x: x.split() if isinstance(x, str) else list(x)  # noqa: E731
        name = name or f"{kind.lower()}{len(self.layers)}"
        self.layers.append(
            (kind, name, split(bottom), split(name if top is None else top), list(blobs), text)
        )
        return self

    def prototxt(self):
        lines = ['name: "net"']
        for name, shape in self.inputs.items():
            dims = " ".join(f"dim: {d}" for d in shape)
            lines.append(
                f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}'
            )
        for kind, name, bottom, top, _, text in self.layers:
            lines.append(f'layer {{\n  name: "{name}"\n  type: "{kind}"')
            lines += (
                [f'  bottom: "{b}"' for b in bottom]
                + [f'  top: "{t}"' for t in top]
                + ([f"  {text}"] if text else [])
                + ["}"]
            )
        return "\n".join(lines) + "\n"

    def caffemodel(self):
        out = field(1, "net")
        for kind, name, _, _, blobs, _ in self.layers:
            out += field(
                100, field(1, name) + field(2, kind) + b"".join(field(7, blob(b, self.form)) for b in blobs)
            )
        return out

    def caffemodel_v1(self):
        """The generation before, and (in a V0LayerParameter each) the one before that."""
        v1 = v0 = field(1, "net")
        for _, name, _, _, blobs, _ in self.layers:
            v1 += field(2, field(4, name) + b"".join(field(6, blob(b, "legacy")) for b in blobs))
            v0 += field(2, field(1, field(1, name) + b"".join(field(50, blob(b, "legacy")) for b in blobs)))
        return v1, v0

    def write(self, folder):
        prototxt, caffemodel = folder / "net.prototxt", folder / "net.caffemodel"
        prototxt.write_text(self.prototxt())
        caffemodel.write_bytes(self.caffemodel())
        return prototxt, caffemodel
