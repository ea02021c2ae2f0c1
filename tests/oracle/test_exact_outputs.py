"""Networks whose outputs are integers or booleans convert and are compared exactly, as by onnxruntime."""
import json
import re
import sys

import numpy as np
import onnx
import ort
import pytest
from onnx import TensorProto as T, helper as h, numpy_helper as nh

import shared_models as sm

sys.path.insert(0, str(sm.ROOT / "tests"))
import tool  # noqa: E402

SAMPLES = 4
N = lambda op, inputs, outputs, **attrs: h.make_node(op, inputs.split(), outputs.split(), **attrs)
LIST = {"top": np.array([5]), "t": np.float32(1.0), "zero": np.array([0]), "four": np.array([4]),
        "eight": np.array([8]), "two": np.array([2]), "boxes": np.array([1, 256, 8]), "most": np.array([20]),
        "iou": np.float32([.5]), "least": np.float32([.3]), "full": np.float32(255)}
SUPPRESSION = [N("Reshape", "c boxes", "r"), N("Slice", "r zero four two", "b0"), N("Sigmoid", "b0", "b1"),
               N("Slice", "r four eight two", "s"), N("Sigmoid", "s", "s1"),
               N("Transpose", "s1", "s2", perm=[0, 2, 1]),
               N("NonMaxSuppression", "b1 s2 most iou least", "y")]
NETWORKS = {  # name: nodes behind a convolution that makes c; outputs; by what each exact one is judged
    "argmax": ([N("ArgMax", "c", "y", axis=1, keepdims=0)], {"y": T.INT64}, {"y": "c"}),
    "argmax_and_float": ([N("ArgMax", "c", "a", axis=1), N("Cast", "a", "y", to=T.INT32)],
                         {"y": T.INT32, "c": T.FLOAT}, {"y": "c"}),
    "topk": ([N("Flatten", "c", "f"), N("TopK", "f top", "v y", axis=1)], {"v": T.FLOAT, "y": T.INT64},
             {"y": "f"}),
    "nonzero": ([N("Greater", "c t", "m"), N("NonZero", "m", "y")], {"y": T.INT64}, {"y": "c"}),
    "boolean": ([N("Greater", "c t", "m"), N("Not", "m", "y")], {"y": T.BOOL}, {"y": "c"}),
    "bytes": ([N("Sigmoid", "c", "s"), N("Mul", "s full", "p"), N("Cast", "p", "y", to=T.UINT8)],
              {"y": T.UINT8}, {"y": "p"}),
    "suppression": (SUPPRESSION, {"y": T.INT64}, {"y": ("b1", "s2")}),
}
INPUTS = {"input_type_rt": "featuremap", "input_type_train": "featuremap", "input_layout_train": "NCHW",
          "norm_type": "no_preprocess"}


def write_network(path, tail, outputs):
    random = np.random.default_rng(0)
    used = {i for n in tail for i in n.input}
    constants = {"w": random.normal(size=(8, 3, 3, 3)).astype(np.float32) * np.float32(.3),
                 "b": random.normal(size=8).astype(np.float32),
                 **{k: v for k, v in LIST.items() if k in used}}
    g = h.make_graph([N("Conv", "x w b", "c", pads=[1] * 4), *tail], "g",
                     [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 16, 16])],
                     [h.make_tensor_value_info(o, t, None) for o, t in outputs.items()],
                     [nh.from_array(np.asarray(v), k) for k, v in constants.items()])
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)


def share_of_equal(a, b):
    """Equal elements at equal places, of those of the larger."""
    box = tuple(slice(0, min(m, n)) for m, n in zip(a.shape, b.shape))
    return float((a[box] == b[box]).sum()) / max(a.size, b.size) if max(a.size, b.size) else 1.0


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    for i in range(SAMPLES):
        np.save(folder / f"{i}.npy", random.normal(size=(1, 3, 16, 16)).astype(np.float32))
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_exact_outputs(tmp_path, samples, name):
    tail, outputs, judges = NETWORKS[name]
    write_network(tmp_path / "m.onnx", tail, outputs)
    config = sm.write_yaml(tmp_path / "c.yaml", "m.onnx", "generic", inputs=INPUTS,
                           calibration={"cal_data_dir": f"'{samples}'", "calibration_type": "'default'"})
    done = tool.run("convert", "-c", config, "--log", "log.txt", "--json", cwd=tmp_path, want=tool.DONE)
    rows = {r["output"]: r for r in json.loads(done.out)["outputs"]}
    files = [tmp_path / f"out/m_{stage}_model.onnx" for stage in ("optimized_float", "quantized")]
    meta = {p.key: p.value for p in onnx.load(files[1]).metadata_props}
    real, quantized = (ort.session(f, int8=True) for f in files)
    names = [o.name for o in real.get_outputs()]
    shares = {o: [] for o in judges}
    for i in range(SAMPLES):
        x = {"x": np.load(samples / f"{i}.npy")}
        a, b = (dict(zip(names, s.run(None, x))) for s in (real, quantized))
        for o in judges:
            shares[o].append(share_of_equal(a[o], b[o]))
    for o, judge in judges.items():
        row, want = rows[o], shares[o]
        got = [row["equal"], row["equal_min"], row["equal_mean"]]
        assert np.allclose(got, [want[0], min(want), np.mean(want)], atol=0.03), (row, want)
        assert row["judged_by"] in judge and 0.99 < row["cosine_mean"] < 1
        assert float(meta["accuracy.output_equal_mean"]) == pytest.approx(row["equal_mean"], abs=1e-6)
        assert float(meta["accuracy.last_float_cosine_mean"]) <= row["cosine_mean"] + 1e-6
    reals = [rows[o]["cosine_mean"] for o in rows if o not in judges]
    assert all("equal" not in rows[o] for o in rows if o not in judges)
    assert ("accuracy.output_cosine_mean" in meta) == bool(reals)
    text = (tmp_path / "log.txt").read_text()
    scores = [float(line.split()[-4]) for line in text.splitlines() if re.search(r"INFO [* ] max.*%", line)]
    assert len(scores) >= 4 and max(scores) < 100, "judged by the float tensors in front of the outputs"
    tool.run("verify", files[1], tmp_path / "out/m.bin", want=tool.DONE)


def test_low_front_is_told(tmp_path, samples):
    """--min-cosine holds for what judges an output that is not float."""
    tail, outputs, _ = NETWORKS["argmax"]
    write_network(tmp_path / "m.onnx", tail, outputs)
    config = sm.write_yaml(tmp_path / "c.yaml", "m.onnx", "generic", inputs=INPUTS,
                           calibration={"cal_data_dir": f"'{samples}'", "calibration_type": "'max'"})
    done = tool.run("convert", "-c", config, "--log", "none", "--min-cosine", "0.9999999", cwd=tmp_path,
                    want=tool.CHECK_FAILED)
    assert "output y: mean cosine of c, the float tensor before it, 0.99" in done.err
    assert "Equal Elements" in done.out and "Judged By" in done.out
    assert "Cosine Similarity  L1" not in done.out


@pytest.mark.parametrize("name", NETWORKS)
def test_fast_perf(tmp_path, name):
    tail, outputs, _ = NETWORKS[name]
    write_network(tmp_path / "m.onnx", tail, outputs)
    tool.run("convert", "--fast-perf", "--model", "m.onnx", cwd=tmp_path, want=tool.DONE)
