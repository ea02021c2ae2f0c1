"""Old operator forms become those of the newest operator set that the reader knows, with equal numbers."""

import numpy as np
import pytest
from onnx import TensorProto as T

from onnx_files import fails, lines, model, one, same


X4 = ("x", [1, 2, 4, 6])
I64 = lambda *v: np.array(v, np.int64)
F32 = lambda *v: np.array(v, np.float32)


def slice_(o):
    if o < 10:
        return [one("Slice", ["x"], starts=[1, -4], ends=[4, 9223372036854775807], axes=[2, 3])], {}
    return [one("Slice", ["x", "s", "e", "a", "st"])], {
        "s": I64(1, -1),
        "e": I64(4, -7),
        "a": I64(2, 3),
        "st": I64(1, -2),
    }


def slice_plain(o):
    return [one("Slice", ["x"], starts=[0, 1, 1], ends=[1, 2, -1])] if o < 10 else [one("Relu", ["x"])], {}


def pad(o, mode="constant", value=1.5):
    if o < 11:
        return [
            one("Pad", ["x"], pads=[0, 0, 1, 2, 0, 0, 0, 1], mode=mode, **({"value": value} if value else {}))
        ], {}
    return [one("Pad", ["x", "p"] + (["v"] if value else []), mode=mode)], {
        "p": I64(0, 0, 1, 2, 0, 0, 0, 1),
        "v": np.float32(value).reshape(()),
    }


def clip(o, lo=True, hi=True):
    if o < 11:
        return [one("Clip", ["x"], **({"min": -0.5} if lo else {}), **({"max": 0.25} if hi else {}))], {}
    return [one("Clip", ["x", "lo" if lo else "", "hi" if hi else ""])], {
        "lo": np.float32(-0.5).reshape(()),
        "hi": np.float32(0.25).reshape(()),
    }


def squeeze(o):
    if o < 13:
        return [one("Unsqueeze", ["x"], ["a"], axes=[0, 3]), one("Squeeze", ["a"], name="s", axes=[0, 1])], {}
    return [one("Unsqueeze", ["x", "i"], ["a"]), one("Squeeze", ["a", "j"], name="s")], {
        "i": I64(0, 3),
        "j": I64(0, 1),
    }


def squeeze_all(o):
    return [one("Squeeze", ["x"])], {}


def softmax(axis):
    def make(o):
        return [one("Softmax", ["x"], **({} if axis is None else {"axis": axis}))], {}
    return make


def softmax_unknown(o):
    """The rank of its input cannot be seen."""
    if o < 13:
        return [one("Unsqueeze", ["x"], ["a"], axes=[0]), one("Softmax", ["a"], name="s", axis=2)], {}
    return [one("Unsqueeze", ["x", "i"], ["a"]), one("Softmax", ["a"], name="s", axis=2)], {"i": I64(0)}


def dropout(o):
    if o < 12:
        return [one("Dropout", ["x"], ["y", "mask"], ratio=0.3)], {}
    return [one("Dropout", ["x", "r"], ["y"])], {"r": np.float32(0.3).reshape(())}


def batchnorm(o):
    attrs = {"spatial": 1} if o < 9 else {}
    w = {k: F32(*v) for k, v in {"g": (1, 2), "b": (0.5, -1), "m": (0.1, 0.2), "v": (1.5, 2.5)}.items()}
    return [one("BatchNormalization", ["x", "g", "b", "m", "v"], momentum=0.8, epsilon=1e-3, **attrs)], w


def upsample(mode, scales):
    def make(o):
        if o < 9:
            return [one("Upsample", ["x"], mode=mode, scales=[1.0, 1.0, *scales])], {}
        s = {"s": F32(1, 1, *scales)}
        if o < 10:
            return [one("Upsample", ["x", "s"], mode=mode)], s
        if o < 11:
            return [one("Resize", ["x", "s"], mode=mode)], s
        kw = dict(coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        return [one("Resize", ["x", "roi", "s"] if o < 13 else ["x", "", "s"], mode=mode, **kw)], {
            **s,
            "roi": F32(),
        }

    return make


def resize_sizes(o):
    if o < 11:
        return [one("Relu", ["x"])], {}
    if o < 13:
        return [one("Resize", ["x", "roi", "sc", "sz"], mode="linear")], {
            "roi": F32(),
            "sc": F32(),
            "sz": I64(1, 2, 8, 9),
        }
    return [one("Resize", ["x", "", "", "sz"], mode="linear")], {"sz": I64(1, 2, 8, 9)}


def pools(o):
    ceil = {"ceil_mode": 1} if o >= 10 else {}
    return [
        one("MaxPool", ["x"], ["a"], kernel_shape=[2, 2], strides=[1, 2], pads=[0, 1, 0, 1], **ceil),
        one(
            "AveragePool",
            ["a"],
            name="p",
            kernel_shape=[2, 2],
            count_include_pad=1,
            pads=[1, 0, 0, 1],
            **ceil,
        ),
    ], {}


def gemm(o):
    return [
        one("Flatten", ["x"], ["f"], axis=3),
        one("Gemm", ["f", "w", "c"], name="gemm", alpha=0.5, beta=2.0, transB=1),
    ], {"w": np.linspace(-1, 1, 30, dtype=np.float32).reshape(5, 6), "c": F32(1, 2, 3, 4, 5)}


def moves(o):
    return [
        one("Cast", ["x"], ["i"], "cast", to=T.INT32),
        one("Cast", ["i"], ["f"], "back", to=T.FLOAT),
        one("Gather", ["f", "idx"], ["g"], "gather", axis=2),
        one("Concat", ["g", "x"], ["c"], "cat", axis=2),
        one("Transpose", ["c"], ["t"], "t", perm=[0, 2, 3, 1]),
        one("Reshape", ["t", "s"], name="r"),
    ], {"idx": I64(2, 0), "s": I64(0, -1)}


def shapes(o):
    return [
        one("Shape", ["x"], ["s"], "shape"),
        one("ConstantOfShape" if o >= 9 else "Identity", ["s"], ["k"] if o >= 9 else ["s2"], "cos"),
        one("Relu", ["x"], ["a"], "relu"),
        one("Add", ["a", "k" if o >= 9 else "x"], name="add"),
    ], {}


def convs(o):
    w = np.linspace(-1, 1, 36, dtype=np.float32)
    return [
        one("Conv", ["x", "w", "b"], ["a"], "conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=2),
        one("ConvTranspose", ["a", "w"], ["b2"], "convt", strides=[2, 2], group=2, output_padding=[1, 1]),
        one("GlobalAveragePool", ["b2"], ["g"], "gap"),
        one("Sigmoid", ["g"], ["h"], "sig"),
        one("LeakyRelu", ["h"], ["l"], "leaky"),
        one("Mul", ["l", "g"], ["m"], "mul"),
        one("Div", ["m", "h"], ["d"], "div"),
        one("Sub", ["d", "g"], name="sub"),
    ], {"w": w[:18].reshape(2, 1, 3, 3), "b": F32(1, 2)}


def topk(o):
    old = one("TopK", ["x"], ["v", "i"], "top", k=3)
    new = one("TopK", ["x", "k"], ["v", "i"], "top")
    return [old if o < 10 else new, one("Relu", ["v"], name="r")], {"k": I64(3)}


def scatter(o):
    if o < 9:
        return [one("Relu", ["x"])], {}
    return [one("Scatter" if o < 11 else "ScatterElements", ["x", "i", "u"], axis=2)], {
        "i": np.zeros((1, 2, 1, 6), np.int64), "u": np.ones((1, 2, 1, 6), np.float32)}


def grid_sample(mode):
    def make(o):
        if o < 16:
            return [one("Relu", ["x"])], {}
        if o >= 20:
            kw = {"mode": {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)}
        else:
            kw = {"mode": mode} if mode else {}
        return [one("GridSample", ["x", "grid"], **{k: v for k, v in kw.items() if v})], {
            "grid": np.linspace(-1.1, 1.1, 30, dtype=np.float32).reshape(1, 3, 5, 2)}
    return make


def roi_align(o):
    if o < 10:
        return [one("Relu", ["x"])], {}
    return [one("RoiAlign", ["x", "rois", "batch"], output_height=2, output_width=3)], {
        "rois": F32(0, 0, 4, 3, 1, 1, 5, 2).reshape(2, 4), "batch": I64(0, 0)}


def resize_tf(rounding):
    def make(o):
        if o not in (11, 12):
            return [one("Relu", ["x"])], {}
        kw = {"coordinate_transformation_mode": "tf_half_pixel_for_nn"}
        if rounding:
            kw["nearest_mode"] = rounding
        return [one("Resize", ["x", "roi", "s"], **kw)], {
            "roi": F32(), "s": F32(1, 1, 0.75, 1.5)}
    return make


CASES = {
    "topk": topk,
    "scatter": scatter,
    "roi_align": roi_align,
    "grid_linear": grid_sample("bilinear"),
    "grid_cubic": grid_sample("bicubic"),
    "grid_nearest": grid_sample("nearest"),
    "grid_default": grid_sample(None),
    "resize_tf": resize_tf(None),
    "resize_tf_floor": resize_tf("floor"),
    "slice": slice_,
    "slice_plain": slice_plain,
    "pad": pad,
    "pad_zero": lambda o: pad(o, value=0),
    "pad_reflect": lambda o: pad(o, "reflect", 0),
    "pad_edge": lambda o: pad(o, "edge", 0),
    "clip": clip,
    "clip_low": lambda o: clip(o, hi=False),
    "clip_high": lambda o: clip(o, lo=False),
    "clip_none": lambda o: clip(o, False, False),
    "squeeze": squeeze,
    "squeeze_all": squeeze_all,
    "softmax_default": softmax(None),
    "softmax_0": softmax(0),
    "softmax_1": softmax(1),
    "softmax_2": softmax(2),
    "softmax_last": softmax(3),
    "softmax_unknown": softmax_unknown,
    "dropout": dropout,
    "batchnorm": batchnorm,
    "up_nearest": upsample("nearest", [2.0, 3.0]),
    "up_linear": upsample("linear", [2.0, 2.0]),
    "resize_sizes": resize_sizes,
    "pools": pools,
    "gemm": gemm,
    "moves": moves,
    "shapes": shapes,
    "convs": convs,
}


@pytest.mark.parametrize("opset", range(7, 22))
@pytest.mark.parametrize("case", CASES)
def test_upgrade(tmp_path, case, opset):
    nodes, inits = CASES[case](opset)
    inits = {k: v for k, v in inits.items() if any(k in n.input for n in nodes)}
    same(tmp_path, model(nodes, [X4], [("y", None)], inits, opset=opset))


@pytest.mark.parametrize("opset", range(18, 22))
def test_upgrade_group_normalization(tmp_path, opset):
    """Scale and bias for each group, from 21 on for each channel. onnx infers no shapes of the old form."""
    per = 2 if opset < 21 else 4
    inits = {"g": F32(1, 2, 3, 4)[:per], "b": F32(-1, 0, 2, 1)[:per]}
    node = one("GroupNormalization", ["x", "g", "b"], num_groups=2, epsilon=0.01)
    shape = [1, 4, 3, 5]
    same(tmp_path, model([node], [("x", shape)], [("y", shape)], inits, opset=opset))


def test_an_empty_file_is_no_model(tmp_path):
    fails(tmp_path, b"", "not an ONNX model, or damaged")


def test_upgrade_softmax_simplifies(tmp_path):
    for axis, ops in ((3, ["Softmax"]), (1, ["Flatten", "Shape", "Softmax", "Reshape"])):
        nodes = [
            one("Transpose", ["x"], ["t"], "t", perm=[0, 2, 3, 1]),
            one("Softmax", ["t"], name="soft", axis=axis),
        ]
        text, _ = same(tmp_path, model(nodes, [X4], [("y", None)], opset=11))
        assert [x.split()[2] for x in lines(text, "node")[1:]] == ops
        assert "node soft Softmax" in text


@pytest.mark.parametrize("node,opset,words", [
    (one("BatchNormalization", ["x"] + ["g"] * 4, ["y", "a", "b"]), 9, ["training"]),
    (one("BatchNormalization", ["x"] + ["g"] * 4, spatial=0), 7, ["spatial"]),
    (one("Upsample", ["x"]), 7, ["scales is missing"]),
    (one("Upsample", ["x", "x"]), 9, ["computed at run time"]),
    (one("Clip", ["x"], min=1), 9, ["min is an integer, expected a float"]),
    (one("Resize", ["x", "", "s"], mode="linear", coordinate_transformation_mode="tf_half_pixel_for_nn"), 11,
     ["tf_half_pixel_for_nn", "nearest"]),
])
def test_upgrade_refused(tmp_path, node, opset, words):
    inits = {"g": F32(1, 2), "s": F32(1, 1, 2, 2)}
    fails(tmp_path, model([node], [X4], [("y", None)], inits, opset=opset), "node n", *words)
