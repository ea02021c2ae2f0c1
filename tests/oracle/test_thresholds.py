"""Thresholds of calibration_type kl and mse, computed again with NumPy from the same data."""
import re

import numpy as np
import onnx
import pytest
import tool
from onnx import helper, numpy_helper

BINS = 4096
YAML = """model_parameters:
  onnx_model: 'net.onnx'
  march: '{march}'
  output_model_file_prefix: 'net'
  working_dir: 'out'
input_parameters:
  input_name: 'x'
  input_type_train: 'featuremap'
  input_layout_train: 'NCHW'
  input_type_rt: 'featuremap'
  norm_type: 'no_preprocess'
calibration_parameters:
  cal_data_dir: 'data'
  calibration_type: '{kind}'
"""


def histogram(x):
    """Counts of |x| in bins of width 2^e: the least e with which all lie in 4096 bins; and e."""
    x = np.abs(x).astype(np.float64)
    e = int(np.floor(np.log2(x.max()))) - 11
    e += np.floor(x.max() / 2.0**e) >= BINS
    counts = np.bincount((x / 2.0**e).astype(int), minlength=BINS)
    return counts[: counts.nonzero()[0][-1] + 1].astype(np.float64), e


def mse(x, levels):
    counts, e = histogram(x)
    middle, top = np.arange(len(counts)) + 0.5, np.abs(x).max() / 2.0**e
    tried = [top * k / 128 for k in range(128, 15, -1)]
    near = lambda step: np.minimum(np.rint(middle / step), levels) * step
    errors = [(counts * (middle - near(t / levels)) ** 2).sum() for t in tried]
    return tried[int(np.argmin(errors))] * 2.0**e


def kl(x, levels):
    counts, e = histogram(x)
    counts[0] = counts[1]
    used, best = len(counts), (np.inf, np.abs(x).max())
    for k in range(129):
        bins = used - (used - levels) * k // 128
        p, q = counts[:bins].copy(), np.zeros(bins)
        for level in range(levels):
            part = slice(bins * level // levels, bins * (level + 1) // levels)
            filled = p[part] > 0
            q[part] = filled * (p[part].sum() / max(filled.sum(), 1))
        p[-1] += counts[bins:].sum()
        q_all = q.sum()
        q[(p > 0) & (q == 0)] = 1
        some = p > 0
        d = (p[some] / p.sum() * np.log(p[some] / p.sum() * q_all / q[some])).sum()
        if d < best[0] - 1e-12:
            best = (d, min(bins * 2.0**e, np.abs(x).max()))
    return best[1]


def save_network(folder, relu):
    w = np.ones((1, 4, 1, 1), np.float32)
    nodes = [helper.make_node("Relu" if relu else "Neg", ["x"], ["t"], "first"),
             helper.make_node("Conv", ["t", "w"], ["y"], "conv")]
    port = lambda name, c: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, c, 16, 16])
    graph = helper.make_graph(nodes, "g", [port("x", 4)], [port("y", 1)], [numpy_helper.from_array(w, "w")])
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "net.onnx")


def samples(spread):
    rng = np.random.default_rng(5)
    return [(rng.standard_t(spread, (1, 4, 16, 16)) * 3).astype(np.float32) for _ in range(8)]


def scale_of(path, tensor):
    model = onnx.load(path)
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    q = next(n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0].startswith(tensor))
    return float(values[q.input[1]].ravel()[0])


@pytest.mark.parametrize("relu", [0, 1], ids=["signed", "relu"])
@pytest.mark.parametrize("march", ["generic", "bayes-e"])
@pytest.mark.parametrize("spread", [3, 30])
@pytest.mark.parametrize("kind", [kl, mse], ids=lambda f: f.__name__)
def test_threshold(tmp_path, kind, spread, march, relu):
    data = samples(spread)
    (tmp_path / "data").mkdir()
    for i, x in enumerate(data):
        np.save(tmp_path / f"data/{i}.npy", x)
    save_network(tmp_path, relu)
    (tmp_path / "c.yaml").write_text(YAML.format(kind=kind.__name__, march=march))
    ends = (tool.DONE, tool.CHECK_FAILED)
    r = tool.run("convert", "-c", "c.yaml", "--log", "none", cwd=tmp_path, want=ends)
    assert f"Select {kind.__name__} method." in r.err
    t = np.concatenate([x.ravel() for x in data])
    t = np.maximum(t, 0) if relu else -t
    levels = 255 if relu and march == "generic" else 127
    want = kind(t, levels) / levels
    got = scale_of(tmp_path / "out/net_calibrated_model.onnx", "t")
    assert got == pytest.approx(want, rel=1e-6)
    assert want * levels < np.abs(t).max() or spread == 30


def test_mix_takes_the_scale_of_one_of_three(tmp_path):
    """The table scores the mixture and all three."""
    (tmp_path / "data").mkdir()
    for i, x in enumerate(samples(3)):
        np.save(tmp_path / f"data/{i}.npy", x)
    save_network(tmp_path, 0)
    scales, share = {}, "max'\n  max_percentile: '0.99995"
    for name, kind in (("kl", "kl"), ("max", "max"), ("share", share), ("mix", "mix")):
        (tmp_path / "c.yaml").write_text(YAML.format(kind=kind, march="generic"))
        ends = (tool.DONE, tool.CHECK_FAILED)
        text = tool.run("convert", "-c", "c.yaml", "--log", "none", cwd=tmp_path, want=ends).err
        scales[name] = scale_of(tmp_path / "out/net_calibrated_model.onnx", "t")
    assert scales["kl"] < scales["max"] and scales["mix"] in [scales[k] for k in ("kl", "max", "share")]
    assert re.search(r"with kl: \d+ stay, \d+ take max, \d+ max-percentile", text)
    table = text[text.index("agreement samples"):text.index("Select ")]
    rows = re.findall(r"INFO [ *] (\S+) +[-\d.]+ +[-\d.]+ +[-\d.]+%", table)
    assert rows == ["mix", "kl", "max", "max-percentile:percentile=0.99995"]
