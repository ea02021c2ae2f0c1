"""A whole SegFormer in int8, int16 and a mixture: every tensor verified, the artefacts open elsewhere, and
mIoU as committed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]
import accuracy
import shared_models as sm
import tool

NAMES = list(sm.SEGMENTERS)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    if sm.missing():
        pytest.skip(sm.missing())
    done = {}

    def get(name):
        if name not in done:
            done[name] = sm.convert(
                sm.SEGMENTERS[name],
                tmp_path_factory.mktemp(name),
                options=("--threads", "2", "--compare", "2"),
            )
        return done[name]
    return get


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_is_verified(converted, name):
    p = converted(name)
    picture = sm.ten_pictures(p.model)[0]
    said = json.loads(
        sm.vernier(
            "verify", "--json", p.onnx("quantized"), p.bin, "--input", picture, "--threads", "2"
        ).stdout
    )
    assert said["different"] == 0 and said["compared"] > 20_000_000


@pytest.mark.parametrize("name", NAMES)
def test_types_of_the_nodes(converted, name):
    import onnx
    m = onnx.load(converted(name).onnx("quantized"))
    onnx.checker.check_model(m, full_check=True)
    constants = {i.name: i for i in m.graph.initializer}
    made = {o: n.op_type for n in m.graph.node for o in n.output}
    types = [constants[n.input[2]].data_type for n in m.graph.node if n.op_type == "QuantizeLinear"]
    wide = types.count(onnx.TensorProto.INT16)
    assert wide == {"segformer": 0, "segformer_int16": len(types)}.get(name, wide)
    if name == "segformer_mixed":
        assert len(types) / 20 < wide < len(types) / 2
    computed = [
        n
        for n in m.graph.node
        if n.op_type in ("Conv", "MatMul", "Softmax", "Mul", "Add", "Gelu", "LayerNormalization", "Transpose")
    ]
    floats = [n.name for n in computed if made.get(n.input[0]) != "DequantizeLinear"]
    assert len(computed) > 250 and not floats, floats


@pytest.mark.parametrize("name", NAMES)
def test_onnxruntime_runs_every_stage(converted, name):
    import onnxruntime as rt
    p = converted(name)
    results = []
    for stage in sm.STAGES:
        s = rt.InferenceSession(str(p.onnx(stage)), providers=["CPUExecutionProvider"])
        x = np.random.default_rng(0).integers(-128, 128, s.get_inputs()[0].shape)
        x = x.astype(np.int8 if s.get_inputs()[0].type == "tensor(int8)" else np.float32)
        results.append(s.run(None, {s.get_inputs()[0].name: x})[0].reshape(-1).astype(np.float64))
    cosine = results[0] @ results[3] / np.sqrt((results[0] @ results[0]) * (results[3] @ results[3]))
    assert cosine > (0.9999 if name == "segformer_int16" else 0.95)


@pytest.mark.parametrize("name", NAMES if tool.CAMPAIGN else ["segformer"])
def test_miou(converted, tmp_path, name, capsys):
    p = converted(name)
    row = accuracy.measure(p.model, tmp_path, products=p)
    with capsys.disabled():
        print()
        accuracy.print_table([row])
    bad = accuracy.too_bad(row) + accuracy.changed(row, accuracy.read_csv())
    assert not bad, "\n".join(bad)
