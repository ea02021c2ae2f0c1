"""A transformer block with an embedding (LayerNormalization, attention, Gelu): every node, the lookup too, in
integers, in int8 and int16, verified, and opened by onnxruntime."""
import json
import re

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper, numpy_helper

import ort
import shared_models as sm

TOKENS, WIDTH, HEADS = 12, 32, 4


def block(ids):
    """ids: tokens are looked up in a table, else they come as rows of floats."""
    rng = np.random.default_rng(5)
    weights, nodes = [], []

    def const(name, x):
        weights.append(numpy_helper.from_array(np.asarray(x), name))
        return name

    def w(name, *shape):
        return const(name, (rng.standard_normal(shape) * 0.3).astype(np.float32))

    def node(op, inputs, out, **attributes):
        nodes.append(helper.make_node(op, inputs, [out], out, **attributes))
        return out

    def norm(x, name):
        return node(
            "LayerNormalization",
            [
                x,
                const(name + "_scale", rng.uniform(0.5, 1.5, WIDTH).astype(np.float32)),
                w(name + "_bias", WIDTH),
            ],
            name,
            axis=-1,
        )

    def heads(x, name, perm):
        x = node(
            "Add",
            [node("MatMul", [x, w(name + "_w", WIDTH, WIDTH)], name + "_product"), w(name + "_b", WIDTH)],
            name,
        )
        x = node(
            "Reshape",
            [x, const(name + "_shape", np.array([1, TOKENS, HEADS, WIDTH // HEADS]))],
            name + "_heads",
        )
        return node("Transpose", [x], name + "_turned", perm=perm)

    x = node("Gather", [w("table", 50, WIDTH), "x"], "embedding") if ids else "x"
    x = node("Add", [x, w("position", TOKENS, WIDTH)], "placed")
    n = norm(x, "norm1")
    q, k, v = heads(n, "q", [0, 2, 1, 3]), heads(n, "k", [0, 2, 3, 1]), heads(n, "v", [0, 2, 1, 3])
    a = node(
        "Mul", [node("MatMul", [q, k], "scores"), const("by", np.float32(WIDTH // HEADS) ** -0.5)], "scaled"
    )
    a = node("MatMul", [node("Softmax", [a], "attention", axis=-1), v], "mixed")
    a = node(
        "Reshape",
        [
            node("Transpose", [a], "mixed_turned", perm=[0, 2, 1, 3]),
            const("flat", np.array([1, TOKENS, WIDTH])),
        ],
        "joined",
    )
    x = node("Add", [x, node("MatMul", [a, w("out", WIDTH, WIDTH)], "projected")], "residual1")
    h = node("Gelu", [node("MatMul", [norm(x, "norm2"), w("up", WIDTH, 2 * WIDTH)], "wide")], "gelu")
    x = node("Add", [x, node("MatMul", [h, w("down", 2 * WIDTH, WIDTH)], "narrow")], "residual2")
    x = node("ReduceMean", [norm(x, "norm3"), const("axes", np.array([1]))], "mean", keepdims=0)
    y = node("MatMul", [x, w("classes", WIDTH, 7)], "y")
    info = (
        helper.make_tensor_value_info("x", TensorProto.INT64, [1, TOKENS])
        if ids
        else helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, TOKENS, WIDTH])
    )
    g = helper.make_graph(
        nodes, "block", [info], [helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, 7])], weights
    )
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


@pytest.mark.parametrize("types", ["int8", "int16", "mixed"])
@pytest.mark.parametrize("ids", [False, True], ids=["rows", "tokens"])
def test_block(tmp_path, ids, types):
    onnx.save(block(ids), tmp_path / "block.onnx")
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for i in range(8):
        x = (
            rng.integers(0, 50, (1, TOKENS)).astype(np.float32)
            if ids
            else rng.standard_normal((1, TOKENS, WIDTH)).astype(np.float32)
        )
        np.save(tmp_path / f"data/{i}.npy", x)
    words = {
        "int8": None,
        "int16": "'set_all_nodes_int16'",
        "mixed": "'set_LayerNormalization_output_int16,set_Softmax_input_int16,set_Gelu_input_int16'",
    }[types]
    config = sm.write_yaml(
        tmp_path / "c.yaml",
        "block.onnx",
        "generic",
        inputs={"input_type_train": "featuremap", "input_type_rt": "featuremap"},
        calibration={
            "cal_data_dir": "'data'",
            "cal_data_type": "'float32'",
            "calibration_type": "'max'",
            "optimization": words,
        },
    )
    done = tool.run("convert", "-c", config, "--log", "none", want=tool.DONE, cwd=tmp_path)
    rows = {
        name: kind
        for name, kind in re.findall(r"^(\S+) +(?:BPU|CPU) .*?(int8|int16|float) *$", done.out, flags=re.M)
    }
    assert [n for n, t in rows.items() if t == "float"] == [], done.out
    assert types != "int16" or set(rows.values()) == {"int16"}
    quantized = tmp_path / "out/m_quantized_model.onnx"
    said = json.loads(
        tool.run(
            "verify",
            "--json",
            quantized,
            tmp_path / "out/m.bin",
            "--input",
            tmp_path / "data/0.npy",
            want=tool.DONE,
        ).out
    )
    assert said["different"] == 0 and said["compared"] > 5000
    onnx.checker.check_model(onnx.load(quantized), full_check=True)
    worst = 1
    for i in range(8):
        x = np.load(tmp_path / f"data/{i}.npy")
        feed = {"x": x.astype(np.int64) if ids else x}
        worst = min(
            worst, ort.cosine(ort.run(quantized, feed)["y"], ort.run(tmp_path / "block.onnx", feed)["y"])
        )
    assert worst > {"int8": 0.98, "int16": 0.99999, "mixed": 0.98}[types]
