"""Small ONNX networks: written, read by build/onnxdump, written back, run by onnxruntime."""
import os
import pathlib
import subprocess

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

DUMP = os.environ.get("VN_ONNXDUMP", "build/onnxdump")
ort.set_default_logger_severity(4)


def model(nodes, inputs, outputs, inits=(), opset=13, ir=8, value_info=(), **kw):
    vi = lambda x: (
        x
        if not isinstance(x, tuple)
        else h.make_tensor_value_info(x[0], x[2] if len(x) > 2 else T.FLOAT, x[1])
    )
    inits = [
        v if isinstance(v, onnx.TensorProto) else nh.from_array(np.asarray(v), k)
        for k, v in dict(inits).items()
    ]
    g = h.make_graph(
        nodes,
        "g",
        [vi(i) for i in inputs],
        [vi(o) for o in outputs],
        inits,
        value_info=[vi(v) for v in value_info],
    )
    return with_output_shapes(h.make_model(g, opset_imports=[h.make_opsetid("", opset)], ir_version=ir, **kw))


def with_output_shapes(m):
    """Outputs given without a shape get the inferred one, which a valid file must have."""
    try:
        known = {v.name: v for v in onnx.shape_inference.infer_shapes(m, data_prop=True).graph.output}
    except Exception:  # a test of wrong files
        return m
    for v in m.graph.output:
        if v.name in known and known[v.name].type.tensor_type.HasField("shape"):
            v.CopyFrom(known[v.name])
    return m


def dump(tmp, m, *flags, out=True):
    """(exit status, stdout, stderr, model written back)"""
    src = tmp / "in.onnx"
    if isinstance(m, bytes):
        src.write_bytes(m)
    elif isinstance(m, (str, pathlib.Path)):
        src = m
    else:
        onnx.save(m, src)
    dst = tmp / "out.onnx"
    dst.unlink(missing_ok=True)
    r = subprocess.run(
        [DUMP, *flags, *(["-o", str(dst)] if out else []), str(src)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert r.returncode in (0, 1), r.stderr
    return r.returncode, r.stdout, r.stderr, onnx.load(dst) if dst.exists() else None


def read(tmp, m, *flags):
    status, text, err, back = dump(tmp, m, *flags)
    assert status == 0, err
    onnx.checker.check_model(back, full_check=True)
    assert back.ir_version == 10 and back.opset_import[0].version in (20, 21)
    assert back.producer_name == "vernier"
    return text, back


def fails(tmp, m, *words, flags=()):
    status, _, err, _ = dump(tmp, m, *flags)
    assert status == 1
    for w in words:
        assert w in err, err
    return err


def run(m, feeds):
    so = ort.SessionOptions()
    so.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    data = m if isinstance(m, str) else m.SerializeToString()
    return ort.InferenceSession(data, so, providers=["CPUExecutionProvider"]).run(None, feeds)


def same(tmp, m, feeds=None, *flags, seed=0):
    """Read, write back, and compare what onnxruntime computes."""
    text, back = read(tmp, m, *flags)
    if feeds is None:
        rng = np.random.default_rng(seed)
        inits = {i.name for i in m.graph.initializer}
        feeds = {
            i.name: rng.standard_normal([d.dim_value for d in i.type.tensor_type.shape.dim]).astype(
                np.float32
            )
            for i in m.graph.input
            if i.name not in inits
        }
    for a, b in zip(run(m, feeds), run(back, feeds), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    return text, back


def lines(text, kind):
    return [x for x in text.splitlines() if x.startswith(kind + " ")]


def one(op, ins, outs=("y",), name="n", **attrs):
    return h.make_node(op, list(ins), list(outs), name, **attrs)
