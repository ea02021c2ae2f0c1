"""effort high: weights rounded layer by layer, and sequential bias correction, against NumPy."""
import re

import numpy as np
import onnx
import ort
import pytest
import tool
from onnx import numpy_helper as nh
from test_splits import SAMPLES, convert, sample, sqnr

DAMPING = 0.01


def three(n):
    """Full, depthwise and 1 x 1; the channels of the first are much alike."""
    w = n.random.normal(size=(1, 4, 3, 3)) + 0.3 * n.random.normal(size=(8, 4, 3, 3))
    x = n.node("Relu", n.node("Conv", "x", n.constant(w), pads=[1] * 4))
    x = n.node("Relu", n.node("Conv", x, n.constant(n.random.normal(size=(8, 1, 3, 3))), group=8))
    n.output(n.node("Conv", x, n.constant(n.random.normal(size=(6, 8, 1, 1)))))


def folder(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


def values(path, names):
    """By name, of all samples."""
    m = onnx.load(path)
    have = {o.name for o in m.graph.output}
    m.graph.output.extend([onnx.helper.make_tensor_value_info(n, 1, None) for n in names if n not in have])
    session = ort.session(m, plain=True)
    runs = [session.run(names, {"x": sample(i)}) for i in range(SAMPLES)]
    return {n: np.concatenate([r[k] for r in runs]).astype(float) for k, n in enumerate(names)}


class Quantized:
    """Integers and scales of a quantized ONNX file's convolutions."""

    def __init__(self, d):
        self.path = d / "out/m_quantized_model.onnx"
        g = onnx.load(self.path).graph
        data = {t.name: nh.to_array(t) for t in g.initializer}
        made = {n.output[0]: n for n in g.node}
        self.w, self.step, self.bias, self.input, self.scale = {}, {}, {}, {}, {}
        for n in g.node:
            if n.op_type != "Conv":
                continue
            w = made[n.input[1]]
            self.w[n.name], self.step[n.name] = data[w.input[0]].astype(float), data[w.input[1]]
            self.input[n.name], self.scale[n.name] = n.input[0], float(data[made[n.input[0]].input[1]])
            if len(n.input) > 2:
                b = made[n.input[2]]
                self.bias[n.name] = data[b.input[0]] * data[b.input[1]].astype(float)


def rows(x, shape, group, pad):
    """Per group, what the weights of one output multiply: rows x (channels, taps)."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, shape[2:], (2, 3))  # n c y x k k
    n, c, h, w = windows.shape[:4]
    windows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, group, -1)
    return windows.transpose(1, 0, 2)


def solve(w, x):
    """From the last weight to the first, each to what makes up for those before; then single steps."""
    x = x - x.mean(0)
    gram = x.T @ x
    gram += DAMPING * np.diag(gram).mean() * np.eye(len(gram))
    low = np.linalg.cholesky(gram)
    q, error = np.zeros(len(w)), np.zeros(len(w))
    for k in reversed(range(len(w))):
        q[k] = np.clip(np.rint(w[k] + low[k + 1:, k] @ error[k + 1:] / low[k, k]), -127, 127)
        error[k] = w[k] - q[k]
    plain = w - np.clip(np.rint(w), -127, 127)
    if error @ gram @ error > plain @ gram @ plain:
        q, error = w - plain, plain
    for _ in range(16):
        moved = False
        for i in range(len(w)):
            slope = gram[i] @ error
            step = 1 if slope > 0 else -1
            if 2 * abs(slope) > gram[i, i] * (1 + 1e-9) and abs(q[i] + step) <= 127:
                q[i] += step
                error[i] -= step
                moved = True
        if not moved:
            break
    return q


GEOMETRY = {"conv0": (1, 1), "conv2": (8, 0), "conv4": (1, 0)}  # groups, padding


def float_weights(d):
    g = onnx.load(d / "out/m_optimized_float_model.onnx").graph
    data = {t.name: nh.to_array(t) for t in g.initializer}
    return {n.name: data[n.input[1]].astype(float) for n in g.node if n.op_type == "Conv"}


KEYS = dict(equalization="'off'")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders without, with rounding, and with both."""
    root = tmp_path_factory.mktemp("refine")
    keys = dict(plain={}, rounded=dict(rounding="'on'"), both=dict(rounding="'on'", sequential_bias="'on'"))
    for name, k in keys.items():
        convert(folder(root, name), three, **KEYS, **k)
    return root


def test_rounding(made):
    plain, ours, real = Quantized(made / "plain"), Quantized(made / "rounded"), float_weights(made / "plain")
    x = values(plain.path, list(plain.input.values()))
    changed = 0
    for name, (group, pad) in GEOMETRY.items():
        w, step = real[name], plain.step[name].astype(float)
        np.testing.assert_array_equal(plain.step[name], ours.step[name])
        inputs = rows(np.rint(x[plain.input[name]] / plain.scale[name]), w.shape, group, pad)
        per_group = len(w) // group
        for o in range(len(w)):
            want = solve(w[o].ravel() / step[o], inputs[o // per_group])
            np.testing.assert_array_equal(ours.w[name][o].ravel(), want)
        changed += (ours.w[name] != plain.w[name]).sum()
    assert changed > 20


def enlarged(n):
    """More places than are looked at."""
    x = n.node("Resize", "x", "", n.constant([1, 1, 4, 4]), mode="nearest")
    w = n.random.normal(size=(1, 4, 3, 3)) + 0.3 * n.random.normal(size=(8, 4, 3, 3))
    n.output(n.node("Conv", x, n.constant(w)))


def test_rows(tmp_path):
    """4096 of 7200 rows, as many of each sample and evenly spread."""
    a, b = folder(tmp_path, "plain"), folder(tmp_path, "rounded")
    convert(a, enlarged, **KEYS)
    convert(b, enlarged, rounding="'on'", **KEYS)
    plain, ours = Quantized(a), Quantized(b)
    w = float_weights(a)["conv1"]
    x = values(plain.path, [plain.input["conv1"]])[plain.input["conv1"]]
    all_ = rows(np.rint(x / plain.scale["conv1"]), w.shape, 1, 0)[0].reshape(SAMPLES, 900, -1)
    take = 4096 // SAMPLES
    inputs = all_[:, np.arange(take) * 900 // take].reshape(SAMPLES * take, -1)
    for o, row in enumerate(w):
        want = solve(row.ravel() / plain.step["conv1"].astype(float)[o], inputs)
        np.testing.assert_array_equal(ours.w["conv1"][o].ravel(), want)
    assert (ours.w["conv1"] != plain.w["conv1"]).sum() > 5


def test_biases(made):
    """Of each layer: the mean of float, less the mean of integers behind all corrected layers before."""
    q, real = Quantized(made / "both"), float_weights(made / "both")
    inner = [v for v in q.input.values() if v != "x_dequantized"]
    exact = values(made / "both/out/m_optimized_float_model.onnx", inner)
    exact["x_dequantized"] = np.concatenate([sample(i) for i in range(SAMPLES)]).astype(float)
    seen = values(q.path, list(q.input.values()))
    for name, (group, pad) in GEOMETRY.items():
        w, per_group = real[name], len(real[name]) // group
        means = [rows(v[q.input[name]], w.shape, group, pad).mean(1) for v in (exact, seen)]
        for o in range(len(w)):
            a, b = (m[o // per_group] for m in means)
            want = w[o].ravel() @ a - q.w[name][o].ravel() * float(q.step[name][o]) @ b
            assert abs(q.bias[name][o] - want) <= 0.51 * q.step[name][o] * q.scale[name] + 1e-6


def test_gain(made):
    assert sqnr(made / "rounded") > sqnr(made / "plain")
    assert sqnr(made / "both") > sqnr(made / "plain")
    for d in ("rounded", "both"):
        tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=made / d, want=tool.DONE)


def test_choice(tmp_path):
    """All combinations are scored on held samples, and the best is taken; a key leaves one out."""
    done = convert(folder(tmp_path, "high"), three, effort="'high'", **KEYS)
    said = done.out + done.err
    table = re.findall(r"INFO (.) (max\S*) +([\d.]+)", said)
    names = [row[1] for row in table]
    assert names == ["max", "max,rounding", "max,sequential_bias", "max,rounding,sequential_bias"]
    best = next(row[1] for row in table if row[0] == "*")
    assert f"Select {best} method" in said
    done = convert(folder(tmp_path, "off"), three, effort="'high'", rounding="'off'", **KEYS)
    assert "max,rounding" not in done.out + done.err


def constants(d):
    g = onnx.load(d / "out/m_quantized_model.onnx").graph
    return {t.name: nh.to_array(t).tobytes() for t in g.initializer}


def test_same_bytes(tmp_path):
    """Threads, the order of samples and the CPU change nothing."""
    d = folder(tmp_path, "a")
    convert(d, three, effort="'high'", **KEYS)
    want = constants(d)
    for i in range(SAMPLES):
        (d / f"x/{i}.npy").rename(d / f"x/s{SAMPLES - i}.npy")
    tool.run("convert", "-c", "m.yaml", "--threads", "2", "--cpumask", "0", cwd=d, want=tool.DONE)
    assert constants(d) == want


def test_one_sample(tmp_path):
    """It judges what it was collected from."""
    d = folder(tmp_path, "a")
    convert(d, three, **KEYS)
    for i in range(1, SAMPLES):
        (d / f"x/{i}.npy").unlink()
    text = (d / "m.yaml").read_text().replace("  calibration_type:", "  effort: 'high'\n  calibration_type:")
    (d / "m.yaml").write_text(text)
    done = tool.run("convert", "-c", "m.yaml", cwd=d, want=tool.DONE)
    assert "max,rounding,sequential_bias" in done.out + done.err


def test_no_data(tmp_path):
    done = convert(folder(tmp_path, "a"), three, calibration_type="'skip'", cal_data_dir=None,
                   rounding="'on'")
    assert re.search("rounding.*has no effect", done.out + done.err)
