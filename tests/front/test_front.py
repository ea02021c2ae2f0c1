"""ONNX reader and writer against onnx and onnxruntime.

    VN_ONNXDUMP=build/onnxdump python -m pytest tests/front [-q]

VN_FUZZ_REPLAY names the fuzz target built with -DVN_FUZZ_MAIN and sanitizers; without it the hostile files go
to onnxdump. VN_MODELS names a folder with real models; without it that test is skipped.
"""
import os
import random
import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

import test_upgrade
from onnx_files import DUMP, fails, lines, model, one, read, run, same

REPLAY = os.environ.get("VN_FUZZ_REPLAY")
MODELS = os.environ.get("VN_MODELS")


# ---- initializers ----

TYPES = {
    T.FLOAT: "float32",
    T.DOUBLE: "float64",
    T.FLOAT16: "float16",
    T.BFLOAT16: "bfloat16",
    T.INT8: "int8",
    T.INT16: "int16",
    T.INT32: "int32",
    T.INT64: "int64",
    T.UINT8: "uint8",
    T.UINT16: "uint16",
    T.UINT32: "uint32",
    T.UINT64: "uint64",
    T.BOOL: "bool",
}


@pytest.mark.parametrize("raw", [0, 1])
@pytest.mark.parametrize("dtype", TYPES)
def test_initializer(tmp_path, dtype, raw):
    signed = dtype in (T.FLOAT, T.DOUBLE, T.FLOAT16, T.BFLOAT16, T.INT8, T.INT16, T.INT32, T.INT64)
    values = [1, 0, 1, 1] if dtype == T.BOOL else [-3 if signed else 3, 0, 7, 100]
    t = h.make_tensor("w", dtype, [2, 2], values)
    if raw:
        t = nh.from_array(nh.to_array(t), "w")
        t.data_type = dtype
    assert t.HasField("raw_data") == bool(raw)
    text, back = read(tmp_path, model([one("Cast", ["w"], to=T.FLOAT)], [], [("y", [2, 2])], {"w": t}))
    assert f"const w {TYPES[dtype]} 2x2 data={TYPES[dtype]} " + " ".join(map(str, values)) in text
    np.testing.assert_array_equal(run(back, {})[0].ravel(), values)


@pytest.mark.parametrize(
    "dtype,word",
    [(T.STRING, "string"), (T.COMPLEX64, "complex64"), (T.FLOAT8E4M3FN, "float8"), (T.INT4, "int4")],
)
def test_initializer_type_refused(tmp_path, dtype, word):
    t = onnx.TensorProto(name="strange", data_type=dtype, dims=[1], raw_data=b"\0\0\0\0\0\0\0\0")
    fails(
        tmp_path,
        model([one("Identity", ["strange"])], [], [("y", [1])], {"strange": t}),
        "'strange'",
        word,
        "not supported",
    )


@pytest.mark.parametrize("change,words", [
    (dict(raw_data=b"\0" * 7), ["'w'", "7 bytes", "expected 8"]),
    (dict(float_data=[1.0]), ["'w'", "1 elements", "expected 2"]),
    (dict(dims=[-2]), ["'w'", "dimension 0 is -2"]),
    (dict(dims=[1 << 40, 1 << 40]), ["'w'", "too many"]),
    (dict(dims=[1] * 9), ["'w'", "9 dimensions", "at most 8"]),
    (dict(data_type=99), ["'w'", "99"]),
    (dict(data_type=T.INT8, int32_data=[1, 300]), ["'w'", "300", "int8"]),
    (dict(data_type=T.BOOL, raw_data=b"\1\2"), ["'w'", "not a boolean"]),
])
def test_initializer_damaged(tmp_path, change, words):
    t = onnx.TensorProto(name="w", data_type=T.FLOAT, dims=[2])
    for k, v in change.items():
        if isinstance(v, list):
            t.ClearField(k)
            getattr(t, k).extend(v)
        else:
            setattr(t, k, v)
    fails(tmp_path, model([one("Identity", ["w"])], [], [("y", [2])], {"w": t}), *words)


def test_initializer_that_is_an_input(tmp_path):
    w = np.arange(3, dtype=np.float32)
    text, _ = same(
        tmp_path, model([one("Add", ["x", "w"])], [("x", [3]), ("w", [3])], [("y", [3])], {"w": w}, ir=3)
    )
    assert len(lines(text, "input")) == 1 and "const w float32 3" in text


def test_sparse_and_string_attributes_refused(tmp_path):
    m = model([one("Identity", ["x"])], [("x", [2])], [("y", [2])])
    m.graph.sparse_initializer.add()
    fails(tmp_path, m, "sparse")
    fails(tmp_path, model([one("Constant", [], value_string="a")], [], [("y", [])]), "value_string")


# ---- external data ----

def external(tmp, w, **entries):
    t = onnx.TensorProto(name="w", data_type=T.FLOAT, dims=w.shape, data_location=T.EXTERNAL)
    for k, v in entries.items():
        t.external_data.add(key=k, value=str(v))
    (tmp / "sub").mkdir(exist_ok=True)
    for f in (tmp / "w.bin", tmp / "sub/w.bin", tmp.parent / "outside.bin"):
        f.write_bytes(b"\0" * 12 + w.tobytes())
    if not (tmp / "link.bin").exists():
        (tmp / "link.bin").symlink_to("../outside.bin")
    return model([one("Add", ["x", "w"])], [("x", [4])], [("y", [4])], {"w": t})


@pytest.mark.parametrize(
    "entries",
    [
        dict(location="w.bin", offset=12, length=16),
        dict(location="w.bin", offset=12),
        dict(location="sub/w.bin", offset=12),
        dict(location="./sub/w.bin", offset=12),
    ],
)
def test_external(tmp_path, entries):
    w = np.arange(4, dtype=np.float32) + 1
    text, back = read(tmp_path, external(tmp_path, w, **entries))
    assert "const w float32 4 data=float32 1 2 3 4" in text
    np.testing.assert_array_equal(run(back, {"x": w})[0], w + w)


@pytest.mark.parametrize(
    "entries,word",
    [
        (dict(location="../outside.bin"), "not a path inside"),
        (dict(location="/etc/passwd"), "not a path inside"),
        (dict(location="sub/../../outside.bin"), "not a path inside"),
        (dict(location=""), "not a path inside"),
        (dict(location=".."), "not a path inside"),
        (dict(offset=0), "not a path inside"),
        (dict(location="link.bin"), "is outside the model's folder"),
        (dict(location="none.bin"), "none.bin"),
        (dict(location="w.bin", offset=13), "bytes 13 to 29"),
        (dict(location="w.bin", offset=-1), "expected a number"),
        (dict(location="w.bin", offset="0x1"), "expected a number"),
        (dict(location="w.bin", offset=2**63), "but"),
        (dict(location="w.bin", offset="99999999999999999999"), "expected a number"),
        (dict(location="w.bin", length=12), "12 bytes, expected 16"),
        (dict(location="w.bin", length=2**63), "but"),
    ],
)
def test_external_refused(tmp_path, entries, word):
    fails(tmp_path, external(tmp_path, np.zeros(4, np.float32), **entries), "'w'", word)


# ---- constants, names ----

@pytest.mark.parametrize(
    "attrs,expect",
    [
        (dict(value_float=2.5), "float32 scalar data=float32 2.5"),
        (dict(value_int=3), "int64 scalar data=int64 3"),
        (dict(value_floats=[1.0, 2.0]), "float32 2 data=float32 1 2"),
        (dict(value_ints=[4, 5, 6]), "int64 3 data=int64 4 5 6"),
        (dict(value=nh.from_array(np.array([[7]], np.int32))), "int32 1x1 data=int32 7"),
    ],
)
def test_constant_nodes(tmp_path, attrs, expect):
    text, _ = same(
        tmp_path,
        model([one("Constant", [], ["c"], **attrs), one("Cast", ["c"], to=T.FLOAT)], [], [("y", None)]),
    )
    assert f"const c {expect}" in text and len(lines(text, "node")) == 1


def test_names(tmp_path):
    nodes = [
        h.make_node("Relu", ["x"], ["a"]),
        h.make_node("Relu", ["a"], ["b"], "twice"),
        h.make_node("Relu", ["b"], ["c"], "twice"),
        h.make_node("Relu", ["c"], ["y"], "Relu_0"),
    ]
    text, back = read(tmp_path, model(nodes, [("x", [2])], [("y", [2])]))
    assert [x.split()[1] for x in lines(text, "node")] == ["Relu_0", "twice", "twice_1", "Relu_0_1"]
    assert [n.name for n in back.graph.node] == ["Relu_0", "twice", "twice_1", "Relu_0_1"]
    assert [n.output[0] for n in back.graph.node] == ["a", "b", "c", "y"]


def test_unsorted(tmp_path):
    nodes = [
        one("Relu", ["b"], ["y"], "last"),
        one("Exp", ["x"], ["a"], "first"),
        one("Tanh", ["a"], ["b"], "middle"),
    ]
    text, _ = read(tmp_path, model(nodes, [("x", [2])], [("y", [2])]))
    assert [x.split()[1] for x in lines(text, "node")] == ["first", "middle", "last"]


def test_optional_and_unread_outputs(tmp_path):
    nodes = [
        one("Clip", ["x", "", "hi"], ["a"], "clip"),
        one("MaxPool", ["a"], ["y", "indices"], "pool", kernel_shape=[2, 2]),
    ]
    text, _ = same(
        tmp_path,
        model(nodes, [("x", [1, 1, 4, 4])], [("y", [1, 1, 3, 3])], {"hi": np.array(0.5, np.float32)}),
    )
    assert "Clip (x, -, hi)" in text


def test_metadata_and_unused(tmp_path):
    m = model([one("Relu", ["x"])], [("x", [2])], [("y", [2])], {"unused": np.zeros(3, np.float32)})
    h.set_model_props(m, {"key": "text", "empty": ""})
    text, back = same(tmp_path, m)
    assert {p.key: p.value for p in back.metadata_props} == {"key": "text", "empty": ""}
    assert "unused" not in text and not back.graph.initializer


# ---- shapes of inputs ----

def test_dynamic(tmp_path):
    m = model([one("Relu", ["x"])], [("x", ["batch", 3, "height", 8])], [("y", None)])
    fails(tmp_path, m, "input 'x' has a dynamic dimension 'height' (axis 2): set input_shape")
    text, back = read(tmp_path, m, "--shape", "x=1x3x8x8", "--prepare")
    assert "input x float32 1x3x8x8" in text
    assert [d.dim_value for d in back.graph.output[0].type.tensor_type.shape.dim] == [1, 3, 8, 8]
    fails(tmp_path, m, "3 dimensions", "the model has 4", flags=["--shape", "x=3x8x8"])
    fails(tmp_path, m, "'z'", "not an input", flags=["--shape", "z=3x8x8"])
    text, _ = read(tmp_path, model([one("Relu", ["x"])], [("x", ["batch", 3])], [("y", None)]))
    assert (
        "note: input 'x': the batch dimension 'batch' is dynamic; set to 1" in text
        and "input x float32 1x3" in text
    )
    text, _ = read(
        tmp_path,
        model([one("Relu", ["x"])], [("x", [1, 3])], [("y", [1, 3])]),
        "--shape",
        "x=1x4",
        "--prepare",
    )
    assert "replaces the model's 1x3" in text and "input x float32 1x4" in text
    fails(tmp_path, model([one("Relu", ["x"])], [("x", None)], [("y", None)]), "'x' has no shape")
    text, _ = read(tmp_path, model([one("Relu", ["x"])], [("x", [0, 2])], [("y", None)]), "--prepare")
    assert "input x float32 0x2" in text


def test_input_kinds(tmp_path):
    seq = h.make_tensor_sequence_value_info("x", T.FLOAT, [1])
    fails(tmp_path, model([one("Identity", ["x"])], [seq], [("y", None)]), "'x'", "not a tensor")
    fails(tmp_path, model([one("Identity", ["x"])], [("x", [1], T.STRING)], [("y", None)]), "'x'", "string")
    text, _ = read(tmp_path, model([one("Cast", ["x"], to=T.FLOAT)], [("x", [2], T.UINT8)], [("y", [2])]))
    assert "input x uint8 2" in text


# ---- what cannot be read ----

def test_versions(tmp_path):
    nodes = [one("Relu", ["x"])]
    fails(tmp_path, model(nodes, [("x", [2])], [("y", [2])], opset=6), "operator set 6", "expected 7 to")
    fails(tmp_path, model(nodes, [("x", [2])], [("y", [2])], opset=99), "operator set 99", "expected 7 to")
    fails(tmp_path, model(nodes, [("x", [2])], [("y", [2])], ir=99), "IR version 99")
    fails(tmp_path, model(nodes, [("x", [2])], [("y", [2])], ir=2), "IR version 2")
    m = model(nodes, [("x", [2])], [("y", [2])])
    del m.opset_import[:]
    fails(tmp_path, m, "no ONNX operator set is declared")
    for opset in range(7, 27):
        same(tmp_path, model(nodes, [("x", [2])], [("y", [2])], opset=opset)) if opset <= 23 else read(
            tmp_path, model(nodes, [("x", [2])], [("y", [2])], opset=opset))


def test_unsupported_all_at_once(tmp_path):
    nodes = [
        h.make_node("FooBar", ["x"], ["a"], "foo_a"),
        h.make_node("FooBar", ["a"], ["b"], "foo_b"),
        h.make_node("Loop", ["b"], ["c"], "loop"),
        h.make_node("Thing", ["c"], ["d"], "thing", domain="com.acme"),
        h.make_node("Mine", ["d"], ["y"], "mine", domain="local"),
    ]
    m = model(nodes, [("x", [2])], [("y", [2])])
    m.functions.append(
        h.make_function(
            "local", "Mine", ["i"], ["o"], [h.make_node("Relu", ["i"], ["o"])], [h.make_opsetid("", 13)]
        )
    )
    fails(tmp_path, m, "FooBar (2, first foo_a)", "Loop (1, first loop)", "com.acme.Thing (1, first thing)")
    many = [h.make_node("Op" + "x" * 50 + str(i), ["x"], [f"y{i}"]) for i in range(200)]
    assert "more" in fails(tmp_path, model(many, [("x", [2])], [("y0", [2])]), "unsupported operators")


@pytest.mark.parametrize(
    "nodes,words",
    [
        ([one("Relu", ["b"], ["a"], "one"), one("Relu", ["a"], ["b"], "two"), one("Relu", ["x"])], ["cycle"]),
        (
            [one("Relu", ["x"], ["y"], "one"), one("Relu", ["x"], ["y"], "two")],
            ["node two", "'y'", "defined already"],
        ),
        ([one("Relu", ["x"], ["x"], "one"), one("Relu", ["x"])], ["node one", "'x'", "defined already"]),
        ([one("Relu", ["nowhere"], ["y"], "one")], ["node one", "'nowhere'"]),
        ([one("Relu", ["x"], ["z"], "one")], ["output 'y'"]),
        ([one("Relu", ["x", "x"], ["y"], "one")], ["node one (Relu)", "2 inputs, expected 1"]),
        ([one("Relu", [], ["y"], "one")], ["node one (Relu)", "0 inputs, expected 1"]),
        ([one("Add", ["", "x"], ["y"], "one")], ["node one (Add)", "input 0 is missing"]),
        (
            [one("Relu", ["x"], ["y", "z"], "one"), one("Relu", ["z"], ["w"])],
            ["node one", "2 outputs, expected 1"],
        ),
        ([one("Relu", ["x"], alpha=1)], ["node n (Relu)", "attribute alpha"]),
        ([one("LeakyRelu", ["x"], alpha=1)], ["node n (LeakyRelu)", "alpha is an integer, expected a float"]),
        ([one("LeakyRelu", ["x"], alpha=[1.0])], ["alpha is a list of floats, expected a float"]),
        ([one("Concat", ["x"])], ["node n (Concat)", "axis is missing"]),
        ([one("Concat", ["x"], axis=99)], ["node n (Concat)", "axis is 99, expected"]),
        ([one("MaxPool", ["x"], kernel_shape=[0, 1])], ["kernel_shape is 0, expected 1"]),
        (
            [one("MaxPool", ["x"], kernel_shape=[1, 1], auto_pad="SOMEHOW")],
            ["auto_pad is 'SOMEHOW'", "SAME_UPPER"],
        ),
    ],
)
def test_wrong_graphs(tmp_path, nodes, words):
    fails(tmp_path, model(nodes, [("x", [1, 1, 2, 2])], [("y", None)]), *words)


def test_wrong_graphs_other(tmp_path):
    n = one("LeakyRelu", ["x"], alpha=0.5)
    n.attribute.append(n.attribute[0])
    fails(tmp_path, model([n], [("x", [2])], [("y", None)]), "duplicate attribute alpha")
    fails(
        tmp_path, model([one("Relu", ["x"])], [("x", [2]), ("x", [2])], [("y", None)]), "graph input", "'x'"
    )
    fails(tmp_path, model([one("Relu", ["x"])], [("x", [2])], []), "no outputs")
    fails(tmp_path, b"", "IR version")
    fails(tmp_path, b"\x0a\x0b not onnx", "in.onnx")
    n = one("Relu", ["x"])
    n.op_type = ""
    fails(tmp_path, model([n], [("x", [2])], [("y", None)]), "no operator type")


# ---- quantized graphs ----

def quantizable():
    rng = np.random.default_rng(3)
    nodes = [
        one("Conv", ["x", "w", "b"], ["a"], "conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        one("Relu", ["a"], ["r"], "relu"),
        one("Add", ["r", "x3"], ["s"], "add"),
        one("Conv", ["s", "w2"], ["c"], "conv2"),
        one("GlobalAveragePool", ["c"], ["p"], "gap"),
        one("Flatten", ["p"], ["f"], "flat"),
        one("Gemm", ["f", "w3", "b3"], name="gemm", transB=1),
    ]
    init = lambda *s: rng.standard_normal(s).astype(np.float32) * 0.3
    return model(
        nodes,
        [("x", [1, 2, 4, 4]), ("x3", [1, 3, 4, 4])],
        [("y", [1, 5]), ("s", [1, 3, 4, 4])],
        {"w": init(3, 2, 3, 3), "b": init(3), "w2": init(4, 3, 1, 1), "w3": init(5, 4), "b3": init(5)},
    )


def facts(text):
    """All that must survive: parameters, contents, nodes. Order of values is free."""
    return sorted(x for x in text.splitlines() if not x.startswith(("graph ", "note")))


@pytest.mark.parametrize("flags", [["calibrated"], ["integer"], ["integer", "--integer-inputs"]])
def test_quantized_round_trip(tmp_path, flags):
    text, q = read(tmp_path, quantizable(), "--prepare", "--quantize", *flags)
    assert " q=int8" in text and " q=int16" in text and "axis=0" in text
    assert " implied" in text or flags == ["calibrated"]
    rng = np.random.default_rng(5)
    feeds = {
        i.name: (
            rng.standard_normal([d.dim_value for d in i.type.tensor_type.shape.dim])
            * (1 if i.type.tensor_type.elem_type == 1 else 20)
        ).astype(h.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type))
        for i in q.graph.input
    }
    assert (q.graph.input[0].type.tensor_type.elem_type == T.FLOAT) == ("--integer-inputs" not in flags)
    first = run(q, feeds)
    again, q2 = read(tmp_path, q, "--prepare", *flags[1:])
    assert facts(text) == facts(again)
    assert q2.SerializeToString() != b"" and [n.name for n in q2.graph.node] == [n.name for n in q.graph.node]
    for a, b in zip(first, run(q2, feeds), strict=True):
        np.testing.assert_array_equal(a, b)
    names = (
        {n.output[0] for n in q.graph.node}
        | {i.name for i in q.graph.initializer}
        | {i.name for i in q.graph.input}
    )
    source = quantizable().graph
    wanted = (
        {n.output[0] for n in source.node}
        | {i.name for i in source.initializer}
        | {i.name for i in source.input}
    )
    assert wanted <= names


def test_quantized_names_do_not_collide(tmp_path):
    m = model(
        [
            one("Relu", ["x"], ["x_quantized"], "x_QuantizeLinear"),
            one("Exp", ["x_quantized"], ["x_scale"], "e"),
            one("Tanh", ["x_scale"], ["x_dequantized"], "t"),
            one("Add", ["x_dequantized", "x"], name="a"),
        ],
        [("x", [2])],
        [("y", [2])],
    )
    text, q = read(tmp_path, m, "--prepare", "--quantize", "calibrated")
    assert facts(text) == facts(read(tmp_path, q, "--prepare")[0])


def qdq(x, out, zero="z", **attrs):
    return [
        one("QuantizeLinear", [x, "s", zero], [out + "_q"], out + "_Q", **attrs),
        one("DequantizeLinear", [out + "_q", "s", zero], [out], out + "_DQ"),
    ]


FOREIGN = {
    "uint8": (qdq("x", "a") + [one("Relu", ["a"])], np.uint8(3)),
    "integer readers": (
        [one("QuantizeLinear", ["x", "s", "z"], ["q"], "Q"), one("Identity", ["q"])],
        np.int8(0),
    ),
    "integer output": ([one("QuantizeLinear", ["x", "s", "z"], ["y"], "Q")], np.int8(0)),
    "no zero point": (
        [one("QuantizeLinear", ["x", "s"], ["q"], "Q"), one("DequantizeLinear", ["q", "s"], ["y"], "DQ")],
        np.int8(0),
    ),
    "other readers": (qdq("x", "a") + [one("Add", ["a", "x"])], np.int8(0)),
    "twice": (qdq("x", "a") + qdq("a", "b") + [one("Relu", ["b"])], np.int8(0)),
    "graph output": (qdq("x", "y"), np.int8(0)),
    "other parameters": (
        [
            one("QuantizeLinear", ["x", "s2", "z"], ["q"], "Q"),
            one("DequantizeLinear", ["q", "s", "z"], ["a"], "DQ"),
            one("Relu", ["a"]),
        ],
        np.int8(0),
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_qdq_of_other_forms(tmp_path, name):
    """Pairs that are no parameters of ours stay nodes; what they compute is the same."""
    nodes, zero = FOREIGN[name]
    inits = {"s": np.float32(0.1).reshape(()), "s2": np.float32(0.2).reshape(()), "z": np.array(zero)}
    integer = name in ("integer readers", "integer output")
    out = ("y", [2], T.INT8) if integer else ("y", [2])
    same(tmp_path, model(nodes, [("x", [2])], [out], inits, opset=21, ir=10))


def test_qdq_scale_must_be_positive(tmp_path):
    nodes = [
        one("QuantizeLinear", ["x", "bad", "z"], ["q"], "Q"),
        one("DequantizeLinear", ["q", "bad", "z"], ["a"], "DQ"),
        one("Relu", ["a"]),
    ]
    inits = {"bad": np.float32(0).reshape(()), "z": np.array(np.int8(0))}
    fails(tmp_path, model(nodes, [("x", [2])], [("y", None)], inits, opset=21), "scale 0 is 0", "positive")


def test_large_weights_go_beside_the_model(tmp_path):
    """What would not fit into 2 GB; here above a few kilobytes."""
    rng = np.random.default_rng(7)
    inits = {
        "w": rng.standard_normal((64, 32)).astype(np.float32),
        "v": rng.standard_normal((32, 40)).astype(np.float32),
        "b": np.ones(40, np.float32),
    }
    nodes = [
        one("MatMul", ["x", "w"], ["a"], "m"),
        one("MatMul", ["a", "v"], ["c"], "m2"),
        one("Add", ["c", "b"]),
    ]
    m = model(nodes, [("x", [2, 64])], [("y", [2, 40])], inits)
    read(tmp_path, m, "--external-above", "5000")
    data = tmp_path / "out.onnx.data"
    assert data.stat().st_size == 8192 + 32 * 40 * 4
    back = onnx.load(tmp_path / "out.onnx", load_external_data=False)
    assert {t.name: t.data_location for t in back.graph.initializer} == {"w": 1, "v": 1, "b": 0}
    onnx.checker.check_model(str(tmp_path / "out.onnx"), full_check=True)
    feeds = {"x": rng.standard_normal((2, 64)).astype(np.float32)}
    np.testing.assert_array_equal(run(str(tmp_path / "out.onnx"), feeds)[0], run(m, feeds)[0])
    (tmp_path / "again").mkdir()
    _, again = read(tmp_path / "again", tmp_path / "out.onnx")
    np.testing.assert_array_equal(run(again, feeds)[0], run(m, feeds)[0])


# ---- functions of the model, If, operators of ONNX Runtime ----

def function_model(op="Twice", calls=2, body=None):
    inner = h.make_function(
        "my.own",
        "Scaled",
        ["a"],
        ["b"],
        [one("LeakyRelu", ["a"], ["b"], "act")],
        [h.make_opsetid("", 18)],
        ["slope"],
    )
    inner.node[0].attribute.append(
        onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    )
    outer = h.make_function(
        "my.own",
        "Twice",
        ["a"],
        ["b"],
        body
        or [
            h.make_node("Scaled", ["a"], ["t"], domain="my.own", slope=0.25),
            one("Neg", ["t"], ["u"], "neg"),
            h.make_node("Scaled", ["u"], ["b"], domain="my.own", slope=0.5),
        ],
        [h.make_opsetid("", 18), h.make_opsetid("my.own", 1)],
    )
    names = ["x"] + [f"t{i}" for i in range(calls - 1)] + ["y"]
    nodes = [
        h.make_node(op, [a], [b], f"call{i}", domain="my.own")
        for i, (a, b) in enumerate(zip(names, names[1:]))
    ]
    m = model(nodes, [("x", [2, 3])], [("y", [2, 3])], opset=18, functions=[inner, outer])
    m.opset_import.append(h.make_opsetid("my.own", 1))
    return m


def test_functions_are_inlined(tmp_path):
    same(tmp_path, function_model())
    text, _ = read(tmp_path, function_model(), "--prepare")
    assert "call0/" in text and "call1/" in text


def test_functions_without_end(tmp_path):
    fails(
        tmp_path, function_model(body=[h.make_node("Twice", ["a"], ["b"], domain="my.own")]), "are recursive"
    )


@pytest.mark.parametrize("truth", [True, False])
def test_if_with_a_constant_condition(tmp_path, truth):
    def branch(op, name):
        k = nh.from_array(np.array([2, 3], np.float32), "k")
        return h.make_graph(
            [h.make_node("Mul", ["x", "k"], ["t"]), h.make_node(op, ["t"], ["out"])],
            name,
            [],
            [h.make_tensor_value_info("out", T.FLOAT, [2])],
            [k],
        )

    node = h.make_node(
        "If", ["c"], ["m"], "choice", then_branch=branch("Relu", "a"), else_branch=branch("Neg", "b")
    )
    m = model([node, one("Abs", ["m"])], [("x", [2])], [("y", [2])], {"c": np.array(truth)}, opset=18)
    same(tmp_path, m, None, "--prepare")
    m.graph.input.append(h.make_tensor_value_info("c2", T.BOOL, []))
    m.graph.node[0].input[0] = "c2"
    text, _ = read(tmp_path, m, "--prepare")
    assert "choice/then/" in text and "choice/else/" in text and "Where" in text


def if_model(size):
    """As exporters write a squeeze: the condition comes from a shape; one branch hands on what it reads, the
    other holds another If."""
    outside = h.make_graph(
        [h.make_node("Identity", ["x"], ["i"])], "same", [], [h.make_tensor_value_info("i", T.FLOAT, None)]
    )
    inner = h.make_node(
        "If",
        ["flag"],
        ["z"],
        "inner",
        then_branch=h.make_graph(
            [h.make_node("Reshape", ["x", "row"], ["s"])],
            "a",
            [],
            [h.make_tensor_value_info("s", T.FLOAT, None)],
        ),
        else_branch=h.make_graph(
            [h.make_node("Neg", ["x"], ["n"])], "b", [], [h.make_tensor_value_info("n", T.FLOAT, None)]
        ),
    )
    squeeze = h.make_graph(
        [inner, h.make_node("Relu", ["z"], ["r"])],
        "squeeze",
        [],
        [h.make_tensor_value_info("r", T.FLOAT, None)],
    )
    nodes = [
        one("Shape", ["x"], ["sh"], "sh"),
        one("Gather", ["sh", "one"], ["d"], "d"),
        one("Equal", ["d", "one"], ["c"], "eq"),
        h.make_node("If", ["c"], ["m"], "choice", then_branch=squeeze, else_branch=outside),
        one("Abs", ["m"]),
    ]
    inits = {"one": np.array(1, np.int64), "row": np.array([-1], np.int64), "flag": np.array(True)}
    return model(nodes, [("x", [2, size])], [("y", [2] if size == 1 else [2, size])], inits, opset=18)


@pytest.mark.parametrize("size", [1, 3])
def test_if_on_a_shape(tmp_path, size):
    same(tmp_path, if_model(size), None, "--prepare")


def runtime_model(nodes, inputs, outputs, inits):
    m = model(nodes, inputs, outputs, inits, opset=18)
    m.opset_import.append(h.make_opsetid("com.microsoft", 1))
    return m


def test_operators_of_onnxruntime(tmp_path):
    rng = np.random.default_rng(3)
    w, b = rng.standard_normal((4, 3, 3, 3)).astype(np.float32), rng.standard_normal(4).astype(np.float32)
    ms = dict(domain="com.microsoft")
    gelu = h.make_node("Gelu", ["x"], ["y"], "g", **ms)
    same(tmp_path, runtime_model([gelu], [("x", [2, 5])], [("y", [2, 5])], {}))
    for act, params in (
        ("Relu", None),
        ("LeakyRelu", [0.2]),
        ("Clip", [-0.5, 0.75]),
        ("HardSigmoid", [0.3, 0.4]),
    ):
        conv = h.make_node(
            "FusedConv",
            ["x", "w", "b"],
            ["y"],
            "c",
            pads=[1, 1, 1, 1],
            activation=act,
            **({"activation_params": params} if params else {}),
            **ms,
        )
        same(tmp_path, runtime_model([conv], [("x", [1, 3, 6, 6])], [("y", [1, 4, 6, 6])], {"w": w, "b": b}))
    skip = h.make_node(
        "SkipLayerNormalization", ["x", "s", "gamma", "beta", "bias"], ["y"], "n", epsilon=1e-3, **ms
    )
    same(
        tmp_path,
        runtime_model(
            [skip],
            [("x", [2, 4, 8]), ("s", [2, 4, 8])],
            [("y", [2, 4, 8])],
            {k: rng.standard_normal(8).astype(np.float32) for k in ("gamma", "beta", "bias")},
        ),
        None,
        "--prepare",
    )


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_integer_operators(tmp_path, kind):
    """QLinear operators are the real ones between QuantizeLinear and DequantizeLinear; results may be one
    step apart."""
    rng = np.random.default_rng(4)
    zero = 3 if kind == np.int8 else 120
    number = lambda x: np.float32(x).reshape(())
    inits = {
        "sx": number(0.05),
        "sy": number(0.11),
        "sw": np.full(4, 0.02, np.float32),
        "z": np.array(zero, kind),
        "zw": np.zeros(4, np.int8),
        "w": rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8),
        "b": rng.integers(-500, 500, 4).astype(np.int32),
    }
    ms = dict(domain="com.microsoft")
    nodes = [
        one("QuantizeLinear", ["x", "sx", "z"], ["xq"], "q"),
        h.make_node(
            "QLinearConv",
            ["xq", "sx", "z", "w", "sw", "zw", "sy", "z", "b"],
            ["c"],
            "conv",
            pads=[1, 1, 1, 1],
        ),
        h.make_node("QLinearAdd", ["c", "sy", "z", "c", "sy", "z", "sy", "z"], ["a"], "add", **ms),
        h.make_node("QLinearGlobalAveragePool", ["a", "sy", "z", "sy", "z"], ["p"], "pool", **ms),
        one("DequantizeLinear", ["p", "sy", "z"], ["y"], "dq"),
    ]
    m = runtime_model(nodes, [("x", [1, 3, 6, 6])], [("y", [1, 4, 1, 1])], inits)
    feeds = {"x": rng.standard_normal((1, 3, 6, 6)).astype(np.float32)}
    _, back = read(tmp_path, m, "--prepare")
    np.testing.assert_allclose(run(back, feeds)[0], run(m, feeds)[0], atol=0.111)


def test_foreign_qdq(tmp_path):
    """One QuantizeLinear, two DequantizeLinear, as onnxruntime's quantizer writes them."""
    nodes = [
        one("Relu", ["x"], ["a"], "r"),
        one("QuantizeLinear", ["a", "s", "z"], ["q"], "Q"),
        one("DequantizeLinear", ["q", "s", "z"], ["b"], "D1"),
        one("DequantizeLinear", ["q", "s", "z"], ["c"], "D2"),
        one("Exp", ["b"], ["d"], "e"),
        one("Add", ["c", "d"], name="add"),
    ]
    text, _ = same(
        tmp_path,
        model(
            nodes,
            [("x", [2])],
            [("y", [2])],
            {"s": np.float32(0.1).reshape(()), "z": np.array(np.int8(-5))},
            opset=13,
        ),
    )
    assert "node r Relu (x) -> (b)" in text and "node add Add (b, d)" in text
    assert re.search(r"value b .* q=int8 axis=-1 0.1\d*/-5", text)


# ---- the preprocess function ----

@pytest.mark.parametrize("matrix", [0, 1])
@pytest.mark.parametrize("last", [0, 1])
def test_preprocess(tmp_path, last, matrix):
    rng = np.random.default_rng(9)
    m33 = rng.standard_normal((3, 3)).astype(np.float32)
    offset, mean, scale = (rng.standard_normal(3).astype(np.float32) for _ in range(3))
    attrs = dict(
        offset=offset.tolist(),
        mean=mean.tolist(),
        scale=scale.tolist(),
        input_type="YUV444_128",
        train_type="rgb",
        data_format="NCHW",
    )
    if last:
        attrs["channels_last"] = 1
    if matrix:
        attrs["matrix"] = m33.ravel().tolist()
    shape = [2, 4, 5, 3] if last else [2, 3, 4, 5]
    nodes = [h.make_node("Preprocess", ["x"], ["p"], "pre", domain="ai.vernier", **attrs), one("Relu", ["p"])]
    text, back = read(tmp_path, model(nodes, [("x", shape)], [("y", shape)]))
    assert "node pre Preprocess (x) -> (p)" in text and "input_type=YUV444_128" in text
    assert len(back.functions) == 1 and len(back.graph.node) == 2
    x = rng.standard_normal(shape).astype(np.float32)
    t = (x if last else x.transpose(0, 2, 3, 1)) + offset
    t = ((t @ m33.T if matrix else t) - mean) * scale
    expect = np.maximum(t if last else t.transpose(0, 3, 1, 2), 0)
    np.testing.assert_allclose(run(back, {"x": x})[0], expect, rtol=1e-5, atol=1e-5)
    again, back2 = read(tmp_path, back)
    assert facts(again) == facts(text)
    assert back2.SerializeToString() == back.SerializeToString()


# ---- hostile files ----

def seeds():
    nodes, inits = test_upgrade.moves(11)
    yield model(nodes, [test_upgrade.X4], [("y", None)], inits, opset=11)
    nodes, inits = test_upgrade.upsample("nearest", [2.0, 3.0])(7)
    nodes.append(one("Softmax", ["y"], ["z"], "s", axis=1))
    yield model(nodes, [test_upgrade.X4], [("z", None)], inits, opset=7)
    yield quantizable()


def test_hostile(tmp_path):
    rng = random.Random(1)
    samples = [m.SerializeToString() for m in seeds()]
    _, integers = read(tmp_path, quantizable(), "--prepare", "--quantize", "integer", "--integer-inputs")
    samples.append(integers.SerializeToString())
    for k, data in enumerate(list(samples)):
        for seed in range(50):
            b = bytearray(data)
            for _ in range(rng.choice([1, 1, 2, 8, 40])):
                b[rng.randrange(len(b))] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
            samples.append(bytes(b))
        samples += [data[:rng.randrange(len(data))] for _ in range(50)]
    files = []
    for i, b in enumerate(samples):
        f = tmp_path / f"hostile{i}.onnx"
        f.write_bytes(b)
        files.append(str(f))
    if REPLAY:
        r = subprocess.run([REPLAY, *files], capture_output=True, text=True, timeout=600)
        assert r.returncode == 0, r.stderr[-4000:]
        return
    for f in files:
        r = subprocess.run([DUMP, f], capture_output=True, text=True, errors="replace", timeout=60)
        assert r.returncode in (0, 1), (f, r.stderr[-2000:])


# ---- real models ----

@pytest.mark.skipif(not MODELS, reason="VN_MODELS is not set")
@pytest.mark.parametrize("prepare", [0, 1])
@pytest.mark.parametrize(
    "name", ["resnet20_cifar10", "mobilenet_v1_025_224", "rfb320", "rfb320_with_boxes", "fastestdet"]
)
def test_real(tmp_path, name, prepare):
    src = os.path.join(MODELS, name + ".onnx")
    _, back = read(tmp_path, src, *(["--prepare"] if prepare else []))
    rng = np.random.default_rng(0)
    feeds = {
        i.name: rng.standard_normal([d.dim_value for d in i.type.tensor_type.shape.dim]).astype(np.float32)
        for i in back.graph.input
    }
    for a, b in zip(run(src, feeds), run(back, feeds), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
