"""Every kind of input on a small made-up network: what the ONNX products compute, and what the .bin makes of
raw bytes."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import ort
import preprocess as pre
import shared_models as sm

H, W = 12, 16
MEAN, SCALE = "123.675 116.28 103.53", "0.01712475 0.017507 0.01742919"


@pytest.fixture(scope="module", autouse=True)
def program():
    if not sm.VERNIER.exists():
        pytest.skip(f"no program at {sm.VERNIER}: build first, or set VERNIER")


def network(path, inputs):
    """Each input (name, channels, layout) through a convolution; their sum through Relu and another. Channel
    means are taken off by nothing: weights are small enough for raw pixels."""
    rng = np.random.default_rng(7)
    nodes, constants, values, sums = [], [], [], []
    for name, c, layout in inputs:
        values.append(
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [1, c, H, W] if layout == "NCHW" else [1, H, W, c]
            )
        )
        x = name
        if layout == "NHWC":
            nodes.append(
                helper.make_node(
                    "Transpose", [name], [name + "_nchw"], perm=[0, 3, 1, 2], name=name + "_transpose"
                )
            )
            x = name + "_nchw"
        constants += [
            numpy_helper.from_array(rng.normal(0, 0.3, (4, c, 3, 3)).astype(np.float32), name + "_w"),
            numpy_helper.from_array(rng.normal(0, 0.5, 4).astype(np.float32), name + "_b"),
        ]
        nodes.append(
            helper.make_node(
                "Conv", [x, name + "_w", name + "_b"], [name + "_y"], pads=[1, 1, 1, 1], name=name + "_conv"
            )
        )
        sums.append(name + "_y")
    total = sums[0]
    for s in sums[1:]:
        nodes.append(helper.make_node("Add", [total, s], [s + "_sum"], name=s + "_add"))
        total = s + "_sum"
    constants += [numpy_helper.from_array(rng.normal(0, 0.3, (5, 4, 1, 1)).astype(np.float32), "w2")]
    nodes += [
        helper.make_node("Relu", [total], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "w2"], ["y"], name="conv2"),
    ]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5, H, W])
    m = helper.make_model(
        helper.make_graph(nodes, "small", values, [out], constants),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    onnx.checker.check_model(m, full_check=True)
    onnx.save(m, path)
    return path


class Input:
    def __init__(self, name, train, rt, norm="no_preprocess", layout="NCHW", layout_rt=None, video=False):
        self.name, self.train, self.rt, self.norm, self.layout, self.layout_rt, self.video = (
            name,
            train,
            rt,
            norm,
            layout,
            layout_rt,
            video,
        )
        self.channels = 1 if train == "gray" else 3
        first = lambda text: text.split()[0] if train == "gray" else text
        self.mean = first(MEAN) if "mean" in norm else None
        self.scale = first(SCALE) if "scale" in norm else None

    def random(self, rng):
        """Runtime pixels C x H x W; values for a feature map."""
        if self.rt == "featuremap":
            return rng.uniform(-1, 1, (self.channels, H, W)).astype(np.float32)
        x = rng.integers(0, 256, (self.channels, H, W), dtype=np.uint8)
        return pre.share_chroma(x) if self.rt == "nv12" else x

    def laid_out(self, x):
        x = x if self.layout == "NCHW" else x.transpose(1, 2, 0)
        return np.ascontiguousarray(x[None])

    def onnx_tensor(self, pixels, dtype=np.float32):
        """What ONNX products are fed: pixel - 128."""
        return self.laid_out(pixels if self.rt == "featuremap" else (pixels.astype(int) - 128).astype(dtype))

    def source_tensor(self, pixels):
        x = (
            pixels
            if self.rt == "featuremap"
            else pre.normalise(
                pre.to_training(pixels, self.rt, self.train, self.video), self.mean, self.scale
            )
        )
        return self.laid_out(x.astype(np.float32))

    def raw(self, pixels):
        return (
            self.laid_out(pixels).tobytes()
            if self.rt == "featuremap"
            else pre.runtime_bytes(pixels, self.rt, self.layout_rt or self.layout)
        )


def listed(values):
    return "; ".join(v or "None" for v in values) if any(values) else None


def convert(tmp_path, inputs):
    """The products of a network with these inputs, calibrated on random data."""
    source = network(tmp_path / "small.onnx", [(i.name, i.channels, i.layout) for i in inputs])
    keys = {
        "input_name": listed([i.name for i in inputs]),
        "input_type_train": listed([i.train for i in inputs]),
        "input_layout_train": listed([i.layout for i in inputs]),
        "input_type_rt": listed([i.rt for i in inputs]),
        "input_layout_rt": listed([i.layout_rt for i in inputs]),
        "norm_type": listed([i.norm for i in inputs]),
        "mean_value": listed([i.mean for i in inputs]),
        "scale_value": listed([i.scale for i in inputs]),
        "input_space_and_range": "; ".join("bt601_video" if i.video else "regular" for i in inputs)
        if any(i.video for i in inputs)
        else None,
    }
    config = sm.write_yaml(
        tmp_path / "small.yaml", source, prefix="small", inputs=keys, calibration={"calibration_type": "skip"}
    )
    sm.vernier("convert", "-c", config)
    class Named:
        name = "small"
    return source, sm.Products(Named, tmp_path / "out")


def check(tmp_path, inputs):
    source, p = convert(tmp_path, inputs)
    for stage in sm.STAGES:
        onnx.checker.check_model(str(p.onnx(stage)), full_check=True)
    rng = np.random.default_rng(11)
    pixels = [i.random(rng) for i in inputs]
    # original_float in onnxruntime: the formula, then the source model. The program's coefficients for limited range have three
    # decimals, as those of the hardware that it is compatible with.
    want = ort.run(source, {i.name: i.source_tensor(x) for i, x in zip(inputs, pixels)})
    for stage in sm.STAGES[:2]:
        got = ort.run(p.onnx(stage), {i.name: i.onnx_tensor(x) for i, x in zip(inputs, pixels)})
        assert ort.relative(want["y"], got["y"]) <= 1e-5
    # the .bin on raw bytes: the network's integer inputs are pixel - 128
    words = []
    for k, (i, x) in enumerate(zip(inputs, pixels)):
        (tmp_path / f"{k}.bin").write_bytes(i.raw(x))
        words += ["--input", f"{i.name}={tmp_path / f'{k}.bin'}"]
    sm.vernier("run", p.bin, *words, "--output-dir", tmp_path / "run", "--dump-all")
    for i, x in zip(inputs, pixels):
        if i.rt != "featuremap":
            seen = np.load(tmp_path / "run" / "tensors" / f"{i.name}.npy")
            assert seen.dtype == np.int8 and np.array_equal(seen, i.onnx_tensor(x, np.int8))
    # quantized_model in onnxruntime is near; one step of the preprocessed pixels may differ
    theirs = ort.run(
        p.onnx("quantized"), {i.name: i.onnx_tensor(x, np.int8) for i, x in zip(inputs, pixels)}, int8=True
    )
    assert ort.cosine(theirs["y"], np.load(tmp_path / "run" / "y.npy")) >= 0.999
    # and the program finds no difference between the two
    v = json.loads(sm.vernier("verify", p.onnx("quantized"), p.bin, "--random", 3, "--json").stdout)
    assert v["passed"] and v["different"] == 0 and v["compared"] > 0


@pytest.mark.parametrize("norm", pre.NORMS)
@pytest.mark.parametrize("train,rt", pre.PAIRS)
def test_pair(tmp_path, train, rt, norm):
    check(tmp_path, [Input("image", train, rt, norm)])


@pytest.mark.parametrize("train,rt", pre.PAIRS)
def test_channels_last(tmp_path, train, rt):
    check(tmp_path, [Input("image", train, rt, "data_mean_and_scale", layout="NHWC")])


@pytest.mark.parametrize("layout,layout_rt", [("NCHW", "NHWC"), ("NHWC", "NCHW")])
@pytest.mark.parametrize("train,rt", [p for p in pre.PAIRS if p[1] != "nv12"])
def test_runtime_layout_differs(tmp_path, train, rt, layout, layout_rt):
    check(tmp_path, [Input("image", train, rt, "data_scale", layout=layout, layout_rt=layout_rt)])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("train", ["rgb", "bgr"])
def test_limited_range(tmp_path, train, layout):
    check(tmp_path, [Input("image", train, "nv12", "data_mean_and_scale", layout=layout, video=True)])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_featuremap(tmp_path, layout):
    check(tmp_path, [Input("features", "featuremap", "featuremap", layout=layout)])


def test_several_inputs(tmp_path):
    check(
        tmp_path,
        [
            Input("camera", "bgr", "nv12", "data_mean_and_scale"),
            Input("mask", "gray", "gray", "data_scale", layout="NHWC"),
            Input("features", "featuremap", "featuremap"),
        ],
    )
