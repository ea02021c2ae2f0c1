"""Ranges in front of functions, by NumPy: without the ends that the function cannot tell apart."""
import numpy as np
import onnx
import pytest
import tool
from onnx import helper, numpy_helper
from test_thresholds import YAML

FUNCTIONS = {
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "HardSigmoid": lambda x: np.clip(x * 0.2 + 0.5, 0, 1),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "LeakyRelu": lambda x: np.where(x > 0, x, 0.01 * x),
}
FIXED = {"Sigmoid": (0, 1), "HardSigmoid": (0, 1)}  # ranges that are known beforehand


def save_network(path, functions):
    ones = lambda out, c: numpy_helper.from_array(np.ones((out, c, 1, 1), np.float32), f"w{out}{c}")
    nodes = [helper.make_node("Conv", ["x", "w11"], ["t"], "first")]
    nodes += [helper.make_node(f, ["t"], [f"f{i}"]) for i, f in enumerate(functions)]
    names = [f"f{i}" for i in range(len(functions))]
    nodes += [helper.make_node("Concat", names, ["c"], axis=1), helper.make_node("Conv", ["c", "w"], ["y"])]
    port = lambda name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, 32, 32])
    w = numpy_helper.from_array(np.ones((1, len(functions), 1, 1), np.float32), "w")
    graph = helper.make_graph(nodes, "g", [port("x")], [port("y")], [ones(1, 1), w])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)


def flat_until(f, end, tolerance):
    x = 2 * end * np.arange(1024, 0, -1) / 1024
    y = f(x)
    same = np.maximum.accumulate(y) - np.minimum.accumulate(y) <= tolerance
    flat = x[max(0, np.argmin(same) - 1)] if not same.all() else x[-1]
    return flat if abs(flat) < abs(end) else end


def expected(functions, x, symmetric):
    """Scale and zero point."""
    ends = []
    for name in functions:
        f = FUNCTIONS[name]
        lo, hi = FIXED.get(name) or (min(f(x).min(), 0), max(f(x).max(), 0))
        ends.append([flat_until(f, end, 0.25 * (hi - lo) / 255) for end in (x.min(), x.max())])
    lo, hi = min(e[0] for e in ends), max(e[1] for e in ends)
    threshold = max(-lo, hi)
    if symmetric:
        return threshold / 127, 0
    if lo == x.min():
        lo = min(lo, max(1.4 * lo, -hi))
    if hi == x.max():
        hi = max(hi, min(1.4 * hi, -lo))
    if hi - lo > 1.5 * threshold:
        return threshold / 127, 0
    scale = (hi - lo) / 255
    return scale, np.rint(-128 - lo / scale)


def parameters(path, tensor):
    model = onnx.load(path)
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    q = next(n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0].startswith(tensor))
    return float(values[q.input[1]].ravel()[0]), int(values[q.input[2]].ravel()[0]) if len(q.input) > 2 else 0


@pytest.mark.parametrize("march", ["generic", "bernoulli2"])
@pytest.mark.parametrize("reach", [(-9, 20), (-20, 9), (-2, 2)], ids=str)
@pytest.mark.parametrize("functions", [["HardSwish"], ["Sigmoid"], ["HardSigmoid"], ["LeakyRelu"],
                                       ["HardSwish", "Sigmoid"], ["HardSwish", "LeakyRelu"]], ids="-".join)
def test_ends(tmp_path, functions, reach, march):
    save_network(tmp_path / "net.onnx", functions)
    (tmp_path / "data").mkdir()
    x = np.linspace(*reach, 1024, dtype=np.float32).reshape(1, 1, 32, 32)
    np.save(tmp_path / "data/0.npy", x)
    (tmp_path / "c.yaml").write_text(YAML.format(kind="max", march=march))
    tool.run("convert", "-c", "c.yaml", "--log", "none", cwd=tmp_path, want=(tool.DONE, tool.CHECK_FAILED))
    scale, zero = parameters(tmp_path / "out/net_calibrated_model.onnx", "t")
    want = expected(functions, x.astype(np.float64), march == "bernoulli2")
    assert scale == pytest.approx(want[0], rel=1e-5) and zero == want[1]
