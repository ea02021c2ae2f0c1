"""vernier debug: sensitivity is that of whole runs of single models; options, tables, files."""
import csv
import json
import sys

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from tool import BAD_INPUT, DONE, ROOT, USAGE, run

sys.path.insert(0, str(ROOT / "tests/oracle"))
import sensitivity_reference as reference  # noqa: E402

METRICS = ["cosine-similarity", "mse", "mre", "sqnr", "chebyshev"]

YAML = """model_parameters:
  onnx_model: '{folder}/net.onnx'
  output_model_file_prefix: 'net'
  working_dir: '{folder}/out'
input_parameters:
  input_type_train: 'featuremap'
  input_type_rt: 'featuremap'
  input_layout_train: 'NCHW'
calibration_parameters:
  cal_data_dir: '{folder}/x'
  calibration_type: 'max'
"""


def network(path):
    """A residual, a branch, a Concat, moves in a row, a product of two activations, two outputs."""
    random, constants, nodes = np.random.default_rng(3), [], []

    def constant(value, kind=np.float32):
        constants.append(nh.from_array(np.asarray(value, kind), f"c{len(constants)}"))
        return constants[-1].name

    def node(op, *inputs, **attrs):
        name = f"{op.lower()}{len(nodes)}"
        nodes.append(h.make_node(op, inputs, [name], name, **attrs))
        return name

    def conv(x, n_in, n_out, kernel=3):
        w = random.normal(size=(n_out, n_in, kernel, kernel)) / np.sqrt(n_in * kernel * kernel)
        return node("Conv", x, constant(w), constant(random.normal(size=n_out) / 8), pads=[kernel // 2] * 4)

    first = node("Relu", conv("x", 4, 8))
    side = conv(first, 8, 4, 1)
    total = node("Relu", node("Add", conv(first, 8, 8), first))
    joined = node("Concat", total, side, axis=1)
    rows = node("Transpose", node("Reshape", joined, constant([1, 12, 64], np.int64)), perm=[0, 2, 1])
    scores = node("Softmax", node("MatMul", rows, node("Transpose", rows, perm=[0, 2, 1])), axis=-1)
    mixed = node("MatMul", scores, rows)
    pooled = node("ReduceMean", node("Mul", mixed, constant(1.5)), axes=[1], keepdims=0)
    outputs = [node("Gemm", pooled, constant(random.normal(size=(12, 5)))), conv(total, 8, 3, 1)]
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 4, 8, 8])],
                     [h.make_tensor_value_info(o, T.FLOAT, None) for o in outputs], constants)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)


class Converted:
    def __init__(self, folder):
        self.folder, self.data = folder, folder / "x"
        self.data.mkdir()
        random = np.random.default_rng(5)
        for i in range(4):
            np.save(self.data / f"{i}.npy", random.normal(size=(1, 4, 8, 8)).astype(np.float32))
        network(folder / "net.onnx")
        (folder / "net.yaml").write_text(YAML.format(folder=folder))
        run("convert", "-c", folder / "net.yaml", "--log", "none", want=DONE)
        self.model = folder / "out/net_calibrated_model.onnx"

    def sensitivity(self, *more):
        return json.loads(run("debug", "sensitivity", self.model, self.data, "--json", *more, want=DONE).out)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return Converted(tmp_path_factory.mktemp("net"))


def test_every_node_equals_a_whole_run_of_its_own_model(net):
    calibrated = reference.Calibrated(net.model)
    assert {row["node"] for row in net.sensitivity()["rows"]} == set(calibrated.nodes)
    seen = {name: off for name, off, _, _ in reference.compare(net.model, net.data, 2, 1, "runtime")}
    assert set(seen) == set(calibrated.nodes) and max(seen.values()) <= reference.TOLERANCE["runtime"], seen


def test_float64_and_onnxruntime_agree_but_for_ties(net):
    for how in ("reference", "ort"):
        seen = {name: off for name, off, _, _ in reference.compare(net.model, net.data, 1, 5, how)}
        assert len(seen) >= 3 and max(seen.values()) <= reference.TOLERANCE[how], seen


def test_threads_memory_and_cpu_change_nothing(net):
    whole = net.sensitivity("--samples", "3")
    for more in (["--threads", "2"], ["--threads", "5"], ["--cpumask", "0"]):
        again = net.sensitivity("--samples", "3", *more)
        assert again["rows"] == whole["rows"] and again["runs"] == whole["runs"]
    limited = net.sensitivity("--samples", "3", "--threads", "200", "--memory", "1")
    assert limited["rows"] == whole["rows"]
    assert limited["threads"] < 200 and limited["working_bytes"] <= 1 << 20


def test_moves_share_a_run(net):
    got = net.sensitivity("--samples", "2")
    rows = {row["node"]: row for row in got["rows"]}
    assert got["runs"] < 2 * len(rows)
    reshape, = (row for row in rows.values() if row["type"] == "Reshape")
    assert reshape["mse"] > 0


def test_rows_are_sorted_by_the_first_metric(net):
    for metric in METRICS:
        values = [row[metric] for row in net.sensitivity("--samples", "1", "-m", metric)["rows"]]
        values = [float("inf") if v is None else v for v in values]
        assert values == sorted(values, reverse=metric not in ("cosine-similarity", "sqnr"))


def test_kinds(net):
    file = onnx.load(str(net.model)).graph
    constants = {t.name for t in file.initializer}
    quantized = [n.input[0] for n in file.node if n.op_type == "QuantizeLinear"]
    weights = net.sensitivity("--node-type", "weight", "--samples", "1")["rows"]
    activations = net.sensitivity("--node-type", "activation", "--samples", "1")["rows"]
    assert {r["node"] for r in weights} == {f"{q}_HzCalibration" for q in quantized if q in constants}
    assert len(activations) == len([q for q in quantized if q not in constants])
    for row in weights + activations:
        assert row["bit"] == 8 and row["threshold"] > 0 and row["type"] == "HzCalibration"


def test_named_nodes_of_several_kinds(net):
    whole = {r["node"]: r for kind in ("node", "weight", "activation")
             for r in net.sensitivity("--samples", "1", "-n", kind)["rows"]}
    weight = next(name for name, r in whole.items() if r["kind"] == "weight")
    some = net.sensitivity("--samples", "1", "-i", "softmax11", "-i", "x_HzCalibration", "-i", weight)["rows"]
    assert {r["kind"] for r in some} == {"node", "weight", "activation"}
    assert all(whole[r["node"]] == r for r in some)


def test_outputs(net):
    model = onnx.load(str(net.model)).graph
    names = [o.name for o in model.output]
    each = [{r["node"]: r for r in net.sensitivity("--samples", "2", "-o", name)["rows"]} for name in names]
    both = {r["node"]: r for r in net.sensitivity("--samples", "2")["rows"]}
    for node, row in both.items():
        assert row["cosine-similarity"] == min(e[node]["cosine-similarity"] for e in each)
        assert row["mse"] == max(e[node]["mse"] for e in each)
        assert row["agreement"] == min(e[node]["agreement"] for e in each)
    assert net.sensitivity("--samples", "1", "-o", names[0])["outputs"] == 1


# ---- everything but one ----

def test_a_restored_node_is_a_complement(net):
    restored = {r["node"]: r for r in net.sensitivity("-d", "2", "--restore")["rows"]}
    assert set(restored) == {r["node"] for r in net.sensitivity("-d", "1")["rows"]}
    for name in ("conv0", "matmul10", "concat6", "gemm15"):
        curve, = accumulated(net, "--keep", name)[1].values()
        assert {k: restored[name][k] for k in METRICS} == curve["outputs"], name
    again = net.sensitivity("-d", "2", "--restore", "--threads", "5")["rows"]
    assert again == list({r["node"]: r for r in again}.values()) == list(restored.values())


@pytest.mark.parametrize("kind", ["weight", "activation"])
def test_restored_tensors_equal_whole_runs(net, tmp_path, kind):
    calibrated, files = reference.Calibrated(net.model), sorted(net.data.glob("*.npy"))[:2]
    floats = reference.run(calibrated.only(), files, tmp_path, "runtime")
    restored = {r["node"]: r for r in net.sensitivity("-d", "2", "--restore", "-n", kind)["rows"]}
    for name, row in restored.items():
        model = calibrated.only(weights=True, activations=True, but=name.removesuffix("_HzCalibration"))
        want = reference.metrics(floats, reference.run(model, files, tmp_path, "runtime"))
        assert reference.distance(row, want) <= 1e-6, name


# ---- accumulated error ----

def accumulated(net, *more):
    done = run("debug", "accumulated", net.model, net.data, "-d", "2", "--json", *more, want=DONE)
    got = json.loads(done.out)
    return got["nodes"], {c["label"]: c for c in got["curves"]}


def expected_outputs(net, folder, *nodes, **kinds):
    files, calibrated = sorted(net.data.glob("*.npy"))[:2], reference.Calibrated(net.model)
    models = calibrated.only(), calibrated.only(*nodes, **kinds)
    return reference.metrics(*[reference.run(m, files, folder, "runtime") for m in models])


SETS = {"weight": ((), {"weights": True}), "activation": ((), {"activations": True}),
        "weight,activation": ((), {"weights": True, "activations": True}),
        "conv2,matmul10,gemm15": (("conv2", "matmul10", "gemm15"), {})}


def test_curves_end_where_whole_runs_do(net, tmp_path):
    _, curves = accumulated(net, *[w for name in SETS for w in ("-q", name)])
    for name, (nodes, kinds) in SETS.items():
        want = expected_outputs(net, tmp_path, *nodes, **kinds)
        for metric in METRICS:
            assert curves[name]["outputs"][metric] == pytest.approx(want[metric], rel=1e-6), (name, metric)


def test_a_complement_is_all_but_these(net, tmp_path):
    everything = [r["node"] for r in net.sensitivity("-d", "1")["rows"]]
    nodes, curves = accumulated(net, "--keep", "conv2,conv0")
    rest = [n for n in everything if n not in ("conv2", "conv0")]
    same = accumulated(net, "-q", ",".join(rest))[1][",".join(rest)]
    assert {k: v for k, v in curves["conv2,conv0"].items() if k != "label"} == {
        k: v for k, v in same.items() if k != "label"}


def test_nothing_is_lost_in_front_of_what_is_quantized(net):
    nodes, curves = accumulated(net, "-q", "matmul10", "-q", "gemm15")
    for name, curve in curves.items():
        at = nodes.index(name)
        assert max(curve["mse"][:at], default=0) == 0 < curve["mse"][at]


def test_running_mean(net):
    _, plain = accumulated(net, "-q", "weight")
    _, averaged = accumulated(net, "-q", "weight", "--average")
    for metric in ("cosine-similarity", "mse"):
        y = plain["weight"][metric]
        want = [sum(y[:i + 1]) / (i + 1) for i in range(len(y))]
        assert averaged["weight"][metric] == pytest.approx(want, rel=1e-12)


def test_curves_do_not_depend_on_threads(net):
    whole = accumulated(net, "-q", "weight", "-q", "conv2")
    assert accumulated(net, "-q", "weight", "-q", "conv2", "--threads", "4") == whole
    assert accumulated(net, "-q", "weight", "-q", "conv2", "--cpumask", "0") == whole


def test_table_and_csv_of_curves(net, tmp_path):
    file = tmp_path / "c.csv"
    command = ["debug", "accumulated", net.model, net.data, "-q", "weight", "-q", "gemm15"]
    text = run(*command, "-m", "mse", "--csv", file, want=DONE).out.splitlines()
    rows = list(csv.DictReader(file.open()))
    assert text[0].strip("=") == "mse" and text[1].split() == ["node", "weight", "gemm15"]
    for line, row in zip(text[3:], rows):
        assert line.split() == [row["node"], f"{float(row['weight']):.5f}", f"{float(row['gemm15']):.5f}"]
    assert any(line.strip("=") == "outputs" for line in text)


@pytest.mark.parametrize("more, says", [
    ([], "expected --quantize or --keep, but not both"),
    (["-q", "weight", "--keep", "conv2"], "expected --quantize or --keep, but not both"),
    (["--keep", "weight"], "selects all nodes of a kind"),
    (["--keep", "x_HzCalibration"], "expected nodes to keep in float"),
    (["-q", "nothing"], "no node or calibration node nothing"),
    (["-q", ","], "--quantize: expected names, got ','"),
    (["--keep", ""], "--keep: expected names, got ''"),
])
def test_wrong_sets(net, more, says):
    assert says in run("debug", "accumulated", net.model, net.data, *more, want=USAGE).err


# ---- tables, files, errors ----

def test_table_and_csv(net, tmp_path):
    file = tmp_path / "s.csv"
    text = run("debug", "sensitivity", net.model, net.data, "-d", "1", "-n", "activation", "-m",
               "cosine-similarity", "-m", "mse", "--csv", file, want=DONE).out.splitlines()
    assert text[0].strip("=") == "activation sensitivity" and set(text[2]) == {"-"}
    assert text[1].split() == ["node", "threshold", "bit", "cosine-similarity", "mse", "agreement"]
    rows = list(csv.DictReader(file.open()))
    want = net.sensitivity("-d", "1", "-n", "activation")["rows"]
    assert [r["node"] for r in rows] == [r["node"] for r in want] == [line.split()[0] for line in text[3:-1]]
    for line, row, json_row in zip(text[3:-1], rows, want):
        assert line.split()[1:] == [f"{float(row[k]):.5f}" if k != "bit" else row[k] for k in list(row)[1:]]
        assert float(row["mse"]) == json_row["mse"] and float(row["threshold"]) == json_row["threshold"]


@pytest.mark.parametrize("more, status, says", [
    (["-o", "nothing"], USAGE, "has no output nothing"),
    (["-i", "nothing"], USAGE, "no node or calibration node nothing"),
    (["-m", "size"], USAGE, "expected cosine-similarity, mse, mre, sqnr or chebyshev, got 'size'"),
    (["-n", "layer"], USAGE, "expected node, weight or activation, got 'layer'"),
    (["--samples", "0"], USAGE, "--samples"),
])
def test_wrong_options(net, more, status, says):
    assert says in run("debug", "sensitivity", net.model, net.data, *more, want=status).err


def test_wrong_files(net, tmp_path):
    out = net.folder / "out"

    def says(model, data, status):
        return run("debug", "sensitivity", model, data, want=status).err
    assert "expected a calibrated model" in says(out / "net_quantized_model.onnx", net.data, BAD_INPUT)
    assert "nothing is quantized" in says(out / "net_optimized_float_model.onnx", net.data, USAGE)
    assert "got a .bin" in says(out / "net.bin", net.data, USAGE)
    assert "no sample files" in says(net.model, tmp_path, USAGE)
    (tmp_path / "0.npy").write_bytes((net.data / "0.npy").read_bytes()[:200])
    says(net.model, tmp_path, BAD_INPUT)
    assert "expected sensitivity, accumulated" in run("debug", "speed", net.model, net.data, want=USAGE).err


def test_images_and_preprocessing(digits):
    model = digits.stage("calibrated")
    done = run("debug", "sensitivity", model, digits.calib, "-d", "2", "--json", want=DONE)
    got = json.loads(done.out)
    assert got["samples"] == 2 and 0 < min(r["cosine-similarity"] for r in got["rows"]) < 1


# ---- the error of each tensor ----

def tensors(model, data, *more):
    done = run("debug", "tensors", model, data, "--json", *more, want=DONE)
    return {row["node"]: row for row in json.loads(done.out)["rows"]}


def expected_parts(net, folder, tensor, samples):
    """From whole runs in which everything is quantized, and an output is what the tensor is rounded from."""
    calibrated = reference.Calibrated(net.model)
    pair, = (p for p in calibrated.pairs.values() if f"{tensor}_HzCalibration" == name_of(p))
    files = sorted(net.data.glob("*.npy"))[:samples]
    found = []
    for kinds in ({}, {"weights": True, "activations": True}):
        model = calibrated.only(**kinds)
        del model.graph.output[:]
        model.graph.output.append(h.make_tensor_value_info(pair.source, T.FLOAT, None))
        runs = reference.run(model, files, folder, "runtime")
        found.append(np.stack([r[0] for r in runs]).astype(np.float64))
    x, raw = found
    scale, zero, low, high = float(pair.scale), int(pair.zero), *reference.LIMITS[str(pair.zero.dtype)]
    needed = max(x.max() / max(high - zero, 1e-9), x.min() / min(low - zero, -1e-9))
    step = min(scale, float(np.float32(needed)))

    def rounded(v, low, high):
        return (np.clip(np.rint(np.float32(v) / np.float32(scale)) + zero, low, high) - zero) * scale

    def mean(d):
        return np.mean(d * d)
    own, free = mean(rounded(x, low, high) - x), mean(rounded(x, -np.inf, np.inf) - x)
    narrow = mean(np.rint(np.float32(x) / np.float32(step)) * step - x)
    axis = 2 if x.ndim > 3 else x.ndim - 1
    shift = np.mean(raw - x, axis=tuple(d for d in range(x.ndim) if d != axis))
    bias = np.mean(shift ** 2)
    parts = {"clipping": own - free, "rounding": min(free, narrow), "range": max(free - narrow, 0),
             "bias": bias, "inherited": mean(raw - x) - bias}
    return parts, mean(rounded(raw, low, high) - x)


def name_of(pair):
    return f"{pair.source.removesuffix('_raw')}_HzCalibration"


@pytest.mark.parametrize("tensor", ["relu1", "conv2", "concat6"])
def test_parts_equal_those_of_whole_runs(net, tmp_path, tensor):
    name = f"{tensor}_HzCalibration"
    got = tensors(net.model, net.data, "-d", "3", "-i", name)[name]
    parts, total = expected_parts(net, tmp_path, tensor, 3)
    assert got["total"] == pytest.approx(total, rel=1e-5)
    for part, want in parts.items():
        assert got["parts"][part] == pytest.approx(want, rel=1e-4, abs=1e-5 * total), part


@pytest.mark.parametrize("factor, part, bits", [(0.125, "clipping", 0), (8, "range", 3)])
def test_a_wrong_scale_is_the_largest_part(net, tmp_path, factor, part, bits):
    model = onnx.load(str(net.model))
    for t in model.graph.initializer:
        if t.name == "relu1_scale":
            t.CopyFrom(nh.from_array((nh.to_array(t) * np.float32(factor)), t.name))
    onnx.save(model, str(tmp_path / "wrong.onnx"))
    row = tensors(tmp_path / "wrong.onnx", net.data)["relu1_HzCalibration"]
    assert max(row["parts"], key=row["parts"].get) == part
    assert row["bits_lost"] == pytest.approx(bits, abs=0.05)
    assert (row["clipped"] > 0.01) == (part == "clipping")


def test_tensors_do_not_depend_on_threads(net):
    whole = tensors(net.model, net.data)
    assert tensors(net.model, net.data, "--threads", "4") == whole
    assert tensors(net.model, net.data, "--cpumask", "0") == whole


def test_table_and_csv_of_tensors(net, tmp_path):
    file = tmp_path / "t.csv"
    text = run("debug", "tensors", net.model, net.data, "--csv", file, want=DONE).out.splitlines()
    rows = list(csv.DictReader(file.open()))
    want = tensors(net.model, net.data)
    assert [r["node"] for r in rows] == list(want) == [line.split()[0] for line in text[3:-1]]
    assert all(float(r["total"]) == want[r["node"]]["total"] for r in rows)
    done = run("debug", "tensors", net.model, net.data, "-i", "conv2", want=USAGE)
    assert "expected calibration nodes of activations" in done.err


# ---- distributions ----

def observed(net, folder, rounded=False):
    """Every tensor of the float network by onnxruntime, of all samples."""
    model = onnx.load(net.folder / "out/net_optimized_float_model.onnx")
    made = [o for n in model.graph.node for o in n.output]
    del model.graph.output[:]
    model.graph.output.extend(h.make_empty_tensor_value_info(name) for name in made)
    session = ort.InferenceSession(model.SerializeToString())
    runs = [session.run(made, {session.get_inputs()[0].name: np.load(p)}) for p in sorted(net.data.iterdir())]
    return {name: np.stack([r[i] for r in runs]) for i, name in enumerate(made)}


def test_distributions_are_those_of_the_numbers(net):
    sensitive = [r["node"] for r in net.sensitivity("--node-type", "activation")["rows"]]
    weights = [r["node"] for r in net.sensitivity("--node-type", "weight")["rows"]]
    tensors = observed(net, net.folder)
    names = [n for n in sensitive if n[:-len("_HzCalibration")] in tensors][:3]
    words = [w for n in names + weights[:1] for w in ("--nodes", n)]
    got = json.loads(run("debug", "distribution", net.model, net.data, *words, "--json", want=DONE).out)
    assert got["samples"] == 4 and [r["node"] for r in got["rows"]] == names + weights[:1] and len(names) == 3
    for row in got["rows"][:3]:
        x = tensors[row["node"][:-len("_HzCalibration")]].astype(np.float64)
        assert row["n"] == x.size and row["min"] == pytest.approx(x.min(), abs=1e-4)
        assert row["mean"] == pytest.approx(x.mean(), abs=1e-4)
        assert row["std"] == pytest.approx(x.std(), rel=1e-4)
        assert sum(row["histogram"]["float"]) == x.size and row["threshold"] > 0 and row["bit"] == 8
        near = np.histogram(x, 128, (row["histogram"]["lo"], row["histogram"]["hi"]))[0]
        assert np.abs(near - row["histogram"]["float"]).sum() <= 0.02 * x.size  # at the parts' edges
        channels = np.moveaxis(x, 1 + row["axis"], 0).reshape(len(row["channels"]), -1)
        want = np.column_stack([np.percentile(channels, [0, 25, 50, 75, 100], axis=1).T, channels.mean(1)])
        assert np.abs(want - np.array(row["channels"])).max() < 1e-4
    weight = got["rows"][3]
    model = onnx.load(net.model)
    w = next(nh.to_array(t) for t in model.graph.initializer if t.name + "_HzCalibration" == weight["node"])
    assert weight["n"] == w.size and weight["max"] == pytest.approx(w.max(), rel=1e-6)
    assert sum(weight["histogram"]["quantized"]) <= w.size and 0.99 < weight["cosine-similarity"] < 1
    assert weight["histogram"]["error_lo"] < 0 < weight["histogram"]["error_hi"]


def test_channels_of_any_axis(net):
    name = net.sensitivity("--node-type", "activation")["rows"][0]["node"]
    args = ("debug", "channels", net.model, net.data, "--nodes", name)
    rows = [json.loads(run(*args, "--axis", axis, "--json", want=DONE).out)["rows"][0] for axis in ("0", "1")]
    for row, axis in zip(rows, (0, 1)):
        assert row["axis"] == axis and min(b[0] for b in row["channels"]) == pytest.approx(row["min"])
        assert all(b == sorted(b) for b in (c[:5] for c in row["channels"]))
    assert len(rows[0]["channels"]) == 1 < len(rows[1]["channels"])
    assert "median" in run(*args, want=DONE).out


def test_distribution_requires_names(net):
    for part in ("distribution", "channels"):
        assert "expected at least one node" in run("debug", part, net.model, net.data, want=USAGE).err
        done = run("debug", part, net.model, net.data, "--nodes", "zz", want=USAGE)
        assert "no node or calibration node" in done.err


def test_analysis_keeps_the_most_sensitive_nodes(net):
    """Its rows are sensitivity's, its steps those of accumulated with --keep."""
    args = (net.model, net.data, "-m", "mse")
    out = net.folder / "analysis"
    words = ("--pick-threshold", "1e-4", "--save-dir", out, "--json")
    got = json.loads(run("debug", "sensitivity-analysis", *args, *words, want=DONE).out)
    assert got["rows"] == net.sensitivity("-m", "mse")["rows"]
    picked = [r["node"] for r in got["rows"] if r["mse"] > 1e-4]
    steps = got["restored"]
    assert len(steps) == 3 + len(picked) + 1 and len(picked) > 1
    assert steps[3]["quantized"] == "all nodes" and picked[1] in steps[5]["quantized"]
    words = ("--keep", ",".join(picked[:2]), "--json")
    two = json.loads(run("debug", "accumulated", *args, *words, want=DONE).out)
    assert steps[5]["mse"] == two["curves"][0]["outputs"]["mse"] < steps[3]["mse"]
    assert [p.name for p in (out / "sensitivity_analysis").iterdir()] == ["sensitive_nodes_in_float_mse.png"]


def test_runall_is_its_parts(net):
    out = net.folder / "all"
    got = json.loads(run("debug", "runall", net.model, net.data, "--save-dir", out, "--json", want=DONE).out)
    assert got["weight"]["rows"] == net.sensitivity("--node-type", "weight")["rows"]
    assert got["activation"]["rows"] == net.sensitivity("--node-type", "activation")["rows"]
    top = [r["node"] for kind in ("weight", "activation") for r in got[kind]["rows"][:5]]
    assert [r["node"] for r in got["distribution"]["rows"]] == top
    assert [c["label"] for c in got["curves"]] == [
        "only_weight_calibrated", "only_activation_calibrated", "weight_activation_calibrated"]
    log = (out / "node_sensitivity/sensitivity_of_weight.log").read_text()
    assert log == run("debug", "sensitivity", net.model, net.data, "--node-type", "weight", want=DONE).out
    for folder in ("data_distribution", "channelwise_distribution"):
        assert len(list((out / folder).iterdir())) == len(top)
    alone = json.loads(run("debug", "sensitivity-analysis", net.model, net.data, "--json", want=DONE).out)
    assert got["restored"] == alone["restored"] and got["pick_threshold"] == 0.999
    assert len(list((out / "sensitivity_analysis").iterdir())) == 1


def test_runall_of_one_kind(net):
    words = ("--node-type", "node", "--axis", "0", "--pick-threshold", "2", "--json")
    got = json.loads(run("debug", "runall", net.model, net.data, *words, want=DONE).out)
    assert got["node"]["rows"] == net.sensitivity()["rows"] and not {"weight", "activation"} & set(got)
    assert {r["axis"] for r in got["distribution"]["rows"]} == {0}
    assert len(got["restored"]) == 4 + len(got["node"]["rows"])


def test_folders_that_cannot_be_made(net):
    (net.folder / "file").write_text("")
    for part in (["runall"], ["accumulated", "-q", "weight"]):
        args = (part[0], net.model, net.data, *part[1:], "--save-dir", net.folder / "file/x")
        assert run("debug", *args, want=BAD_INPUT).err.count("file/x") >= 1
