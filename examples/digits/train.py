#!/usr/bin/env python3
"""Train the network of this example and write digits.onnx.

    train.py [FILE.onnx]

Training requires NumPy, export the package onnx. Takes about a minute; only needed to recreate digits.onnx.

    image 1x1x8x8 (gray, 0..1) - conv 16, norm, relu - [conv 16, norm, relu, conv 16, norm] + shortcut, relu -
    max pool - conv 32, norm, relu - average pool - fully connected 10

Batch normalization is not folded, so that the converter has something to fold.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from images import load_digits  # noqa: E402  (the file beside this one)

EPOCHS, BATCH, SEED = 40, 32, 1
EPSILON = 1e-5


# ---- layers: forward(x, training) saves what backward(dy) needs; weights are pairs [value, gradient] ----

class Conv:
    """3x3, same size, no bias; followed by a normalization."""

    def __init__(self, rng, n_in, n_out):
        self.w = [rng.normal(0, np.sqrt(2 / (9 * n_in)), (n_out, n_in, 3, 3)), None]
        self.params = [self.w]

    def forward(self, x, training):
        self.x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(self.x, (3, 3), (2, 3))
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * 9)
        n, _, h, w = x.shape
        y = self.columns @ self.w[0].reshape(len(self.w[0]), -1).T
        return y.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, dy):
        n, k, h, w = dy.shape
        rows = dy.transpose(0, 2, 3, 1).reshape(-1, k)
        self.w[1] = (rows.T @ self.columns).reshape(self.w[0].shape)
        d = (rows @ self.w[0].reshape(k, -1)).reshape(n, h, w, -1, 3, 3)
        dx = np.zeros_like(self.x)
        for i in range(3):
            for j in range(3):
                dx[:, :, i:i + h, j:j + w] += d[..., i, j].transpose(0, 3, 1, 2)
        return dx[:, :, 1:-1, 1:-1]


class Norm:
    def __init__(self, channels):
        self.gain, self.bias = [np.ones(channels), None], [np.zeros(channels), None]
        self.mean, self.var = np.zeros(channels), np.ones(channels)
        self.params = [self.gain, self.bias]

    def forward(self, x, training):
        if training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
            self.mean += 0.1 * (mean - self.mean)
            self.var += 0.1 * (var - self.var)
        else:
            mean, var = self.mean, self.var
        self.scale = 1 / np.sqrt(var + EPSILON)
        self.x = (x - mean[:, None, None]) * self.scale[:, None, None]
        return self.x * self.gain[0][:, None, None] + self.bias[0][:, None, None]

    def backward(self, dy):
        self.gain[1], self.bias[1] = (dy * self.x).sum((0, 2, 3)), dy.sum((0, 2, 3))
        n = dy.size / dy.shape[1]
        inner = dy - self.bias[1][:, None, None] / n - self.x * self.gain[1][:, None, None] / n
        return inner * (self.gain[0] * self.scale)[:, None, None]


class Relu:
    params = []

    def forward(self, x, training):
        self.on = x > 0
        return x * self.on

    def backward(self, dy):
        return dy * self.on


class Pool:
    """2x2, maximum or mean."""
    params = []

    def __init__(self, kind):
        self.kind = kind

    def forward(self, x, training):
        n, c, h, w = x.shape
        cells = x.reshape(n, c, h // 2, 2, w // 2, 2)
        if self.kind == "mean":
            return cells.mean((3, 5))
        y = cells.max((3, 5), keepdims=True)
        self.share = (cells == y) / (cells == y).sum((3, 5), keepdims=True)
        return y[:, :, :, 0, :, 0]

    def backward(self, dy):
        n, c, h, w = dy.shape
        share = self.share if self.kind == "max" else np.full((n, c, h, 2, w, 2), 0.25)
        return (share * dy[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)


class Residual:
    def __init__(self, layers):
        self.layers = layers
        self.params = [p for layer in layers for p in layer.params]

    def forward(self, x, training):
        y = x
        for layer in self.layers:
            y = layer.forward(y, training)
        return x + y

    def backward(self, dy):
        d = dy
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return dy + d


class Linear:
    def __init__(self, rng, n_in, n_out):
        self.w, self.b = [rng.normal(0, np.sqrt(1 / n_in), (n_out, n_in)), None], [np.zeros(n_out), None]
        self.params = [self.w, self.b]

    def forward(self, x, training):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.w[0].T + self.b[0]

    def backward(self, dy):
        self.w[1], self.b[1] = dy.T @ self.x, dy.sum(0)
        return (dy @ self.w[0]).reshape(self.shape)


def make_network(rng):
    block = Residual([Conv(rng, 16, 16), Norm(16), Relu(), Conv(rng, 16, 16), Norm(16)])
    return [
        Conv(rng, 1, 16),
        Norm(16),
        Relu(),
        block,
        Relu(),
        Pool("max"),
        Conv(rng, 16, 32),
        Norm(32),
        Relu(),
        Pool("mean"),
        Linear(rng, 128, 10),
    ]


# ---- training ----

def forward(network, x, training=False):
    for layer in network:
        x = layer.forward(x, training)
    return x


def accuracy(network, x, labels):
    return np.mean(forward(network, x).argmax(1) == labels)


def shifted(rng, x):
    """Shift each image by up to one pixel."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    at = rng.integers(0, 3, (len(x), 2))
    return np.stack([p[:, i:i + 8, j:j + 8] for p, (i, j) in zip(padded, at)])


def train(network, rng, x, labels):
    params = [p for layer in network for p in layer.params]
    speed = [np.zeros_like(p[0]) for p in params]
    for epoch in range(EPOCHS):
        rate = 0.05 * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for at in range(0, len(x), BATCH):
            batch = order[at:at + BATCH]
            logits = forward(network, shifted(rng, x[batch]), True)
            odds = np.exp(logits - logits.max(1, keepdims=True))
            d = odds / odds.sum(1, keepdims=True)
            d[np.arange(len(batch)), labels[batch]] -= 1
            d /= len(batch)
            for layer in reversed(network):
                d = layer.backward(d)
            for p, v in zip(params, speed):
                v *= 0.9
                v -= rate * (p[1] + 1e-4 * p[0])
                p[0] += v
        if epoch % 10 == 9:
            print(
                f"epoch {epoch + 1}: {100 * accuracy(network, x, labels):.2f} % of the training set",
                flush=True,
            )


# ---- ONNX ----

def export(network, path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, used = [], [], {}

    def name(kind):
        used[kind] = used.get(kind, 0) + 1
        return f"{kind}_{used[kind]}"

    def weight(key, x):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(x, np.float32), key))
        return key

    def node(op, inputs, **attributes):
        n = name(op.lower())
        nodes.append(helper.make_node(op, inputs, [n + "_out"], n, **attributes))
        return n + "_out"

    def add(layer, x):
        if isinstance(layer, Conv):
            key = f"conv{used.get('conv', 0) + 1}.weight"
            return node("Conv", [x, weight(key, layer.w[0])], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        if isinstance(layer, Norm):
            key = f"norm{used.get('batchnormalization', 0) + 1}"
            parts = [
                weight(f"{key}.{k}", v)
                for k, v in (
                    ("weight", layer.gain[0]),
                    ("bias", layer.bias[0]),
                    ("mean", layer.mean),
                    ("var", layer.var),
                )
            ]
            return node("BatchNormalization", [x, *parts], epsilon=EPSILON)
        if isinstance(layer, Relu):
            return node("Relu", [x])
        if isinstance(layer, Pool):
            return node(
                "MaxPool" if layer.kind == "max" else "AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2]
            )
        if isinstance(layer, Residual):
            y = x
            for inner in layer.layers:
                y = add(inner, y)
            return node("Add", [x, y])
        flat = node("Flatten", [x])
        return node("Gemm", [flat, weight("fc.weight", layer.w[0]), weight("fc.bias", layer.b[0])], transB=1)

    x = "image"
    for layer in network:
        x = add(layer, x)
    nodes[-1].output[0] = "logits"
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 10])],
        weights,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 13)],
        producer_name="examples/digits/train.py",
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    path = (
        sys.argv[1]
        if len(sys.argv) > 1
        else os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.onnx")
    )
    pixels, labels, held_out = load_digits()
    x = pixels[:, None].astype(np.float64) / 255
    rng = np.random.default_rng(SEED)
    network = make_network(rng)
    train(network, rng, x[~held_out], labels[~held_out])
    print(
        f"held out: {100 * accuracy(network, x[held_out], labels[held_out]):.2f} % of {held_out.sum()} images"
    )
    export(network, path)
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
