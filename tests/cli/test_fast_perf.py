"""vernier convert --fast-perf: no configuration, everything in integers, what only moves at the ends is
gone."""

import json

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper, numpy_helper


def channels_last(softmax):
    """An NHWC network around an NCHW convolution, as converters write it, with bytes as input."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Cast", ["x"], ["real"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["real"], ["chw"], "to_nchw", perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["chw", "w"], ["c"], "conv"),
        helper.make_node("Sigmoid", ["c"], ["s"], "sigmoid"),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["s"], ["p"], "softmax", axis=1))
    nodes += [
        helper.make_node("Transpose", ["p" if softmax else "s"], ["hwc"], "to_nhwc", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["hwc", "flat"], ["y"], "flatten"),
    ]
    g = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 8, 10, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 320])],
        [
            numpy_helper.from_array(rng.standard_normal((4, 3, 1, 1)).astype(np.float32), "w"),
            numpy_helper.from_array(np.array([1, -1]), "flat"),
        ],
    )
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize("march", ["generic", "bayes-e"])
@pytest.mark.parametrize("softmax", [False, True])
def test_ends_are_trimmed(tmp_path, march, softmax):
    onnx.save(channels_last(softmax), tmp_path / "net.onnx")
    done = tool.run(
        "convert",
        "--fast-perf",
        "--model",
        "net.onnx",
        "--march",
        march,
        "--log",
        "none",
        cwd=tmp_path,
        want=tool.DONE,
    )
    for name in ("cast", "to_nchw", "to_nhwc", "flatten"):
        assert f"{name} (" in done.err and f"\n{name} " not in done.out
    assert "random" in done.err and "for speed measurements only" in done.out
    out = tmp_path / "model_output"
    optimized = onnx.load(out / "net_optimized_float_model.onnx").graph
    assert [n.op_type for n in optimized.node] == ["Conv", "Sigmoid"] + ["Softmax"] * softmax
    assert [d.dim_value for d in optimized.input[0].type.tensor_type.shape.dim] == [1, 3, 8, 10]
    quantized = onnx.load(out / "net_quantized_model.onnx")
    onnx.checker.check_model(quantized, full_check=True)
    np.save(tmp_path / "x.npy", np.ones((1, 3, 8, 10), np.float32))
    said = json.loads(
        tool.run(
            "verify",
            "--json",
            out / "net_quantized_model.onnx",
            out / "net.bin",
            "--input",
            tmp_path / "x.npy",
            want=tool.DONE,
        ).out
    )
    assert said["different"] == 0
    rows = [l for l in done.out.splitlines() if l.startswith(("conv ", "sigmoid ", "softmax "))]
    on = {l.split()[0]: l.split()[1] for l in rows}
    assert set(on.values()) == {"BPU"} and len(on) == 2 + softmax


def test_products_with_only_moves_stay_valid(tmp_path):
    """A tensor that is also an output, or read twice, keeps its Transpose."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], "keep", perm=[0, 2, 3, 1]),
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Transpose", ["c"], ["y"], "tail", perm=[0, 2, 3, 1]),
        helper.make_node("Relu", ["c"], ["z"], "relu"),
    ]
    g = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 10])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in "tyz"],
        [numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w")],
    )
    onnx.save(
        helper.make_model(g, opset_imports=[helper.make_opsetid("", 20)], ir_version=10),
        tmp_path / "net.onnx",
    )
    tool.run(
        "convert",
        "--fast-perf",
        "--model",
        "net.onnx",
        "--output-dir",
        "out",
        "--log",
        "none",
        cwd=tmp_path,
        want=tool.DONE,
    )
    kinds = sorted(n.op_type for n in onnx.load(tmp_path / "out/net_optimized_float_model.onnx").graph.node)
    assert kinds == ["Conv", "Relu", "Transpose", "Transpose"]


@pytest.mark.parametrize(
    "words, says",
    [
        (["--fast-perf"], "--fast-perf requires --model"),
        (["--fast-perf", "--model", "m.onnx", "-c", "c.yaml"], "--config cannot be combined with"),
        (["-c", "c.yaml", "--march", "generic"], "--march requires --fast-perf"),
        (["m.onnx"], "unexpected 'm.onnx'; expected -c FILE.yaml, or --fast-perf"),
    ],
)
def test_words(tmp_path, words, says):
    assert says in tool.run("convert", *words, cwd=tmp_path, want=tool.USAGE).err
