"""Every key has an effect: its value changes an artefact, an output or a printed figure. What has no meaning
on a CPU is a closed list."""
import json
import re
import subprocess

import numpy as np
import onnx
import onnx.helper as oh
import onnxruntime as ort
import pytest
import tool
from test_config import KEYS, compose, set_keys

WITHOUT_MEANING = {"enable_vpu", "enable_spu", "log_level", "core_num", "max_time_per_fc", "cache_mode",
                   "cache_path", "max_l2m_size", "ability_entry", "extra_params", "jobs"}
FEATURES = dict(input_type_train="'featuremap'", input_type_rt="'featuremap'")
# whose effect is what the whole suite tests
EVERYWHERE = {"onnx_model", "caffe_model", "prototxt", "output_model_file_prefix", "working_dir",
              "input_name", "input_shape", "input_value", "cal_data_dir", "cal_data_type", "preprocess_on",
              "pipeline", "calibration_type", "node_info", "set_node_data_type", "run_on_cpu", "run_on_bpu",
              "quant_config", "custom_op_method", "op_register_files", "custom_op_dir",
              "input_layout_train", "input_space_and_range"}


def convert(folder, **keys):
    """The folder of the products, and what was printed."""
    folder.mkdir()
    text = compose(set_keys(output_model_file_prefix="'net'", **keys))[0]
    (folder / "c.yaml").write_text(text)
    done = tool.run("convert", "-c", folder / "c.yaml", "--log", "none", want=tool.DONE, cwd=folder)
    return folder / "out", done.out + done.err


def info(out):
    return json.loads(tool.run("info", out / "net.bin", "--json", want=tool.DONE).out)


def files(out):
    return {p.name: p.read_bytes() for p in out.rglob("*") if p.is_file()}


def called(name, folder, *words):
    link = folder / name
    link.symlink_to(tool.SANITIZED / "vernier")
    done = subprocess.run([link, *words], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def page(out):
    """Of hb_perf: are there figures of layers?"""
    text = called("hb_perf", out, "net.bin")
    layers = json.loads((out / "hb_perf_result/net/net.json").read_text())["layers"]
    assert bool(layers) == ("per-layer perf info" not in text)
    return bool(layers)


# key: values of it and of others, two times; what differs
CASES = {
    "march": (dict(march="'bayes'"), dict(march="'x86-64-v4'"), "meta"),
    "quantized_layout": (dict(quantized_layout="'original'", march="'bernoulli2'"),
                         dict(march="'bernoulli2'"), "axes"),
    "output_nodes": (dict(output_nodes="'averagepool_1'"), {}, "outputs"),
    "debug_mode": (dict(debug_mode="'dump_calibration_data'"), {}, "files"),
    "layer_out_dump": (dict(layer_out_dump="True"), {}, "files"),
    "input_type_train": (FEATURES, {}, "inputs"),
    "input_layout_rt": (dict(input_layout_rt="'NHWC'"), dict(input_layout_rt="'NCHW'"), "inputs"),
    "norm_type": (dict(norm_type="'data_scale'", scale_value="0.5"), {}, "onnx"),
    "mean_value": (dict(norm_type="'data_mean'", mean_value="3"),
                   dict(norm_type="'data_mean'", mean_value="4"), "onnx"),
    "scale_value": (dict(norm_type="'data_scale'", scale_value="0.5"),
                    dict(norm_type="'data_scale'", scale_value="0.25"), "onnx"),
    "std_value": (dict(norm_type="'data_std'", std_value="2"),
                  dict(norm_type="'data_std'", std_value="4"), "onnx"),
    "input_batch": (dict(input_batch="2"), {}, "inputs"),
    "separate_batch": (dict(input_batch="2", separate_batch="True"), dict(input_batch="2"), "inputs"),
    "separate_name": (dict(input_batch="2", separate_name="'image'"), dict(input_batch="2"), "inputs"),
    "optimization": (dict(optimization="'set_model_output_int8'"), {}, "outputs"),
    "optimize_level": (dict(optimize_level="'O0'"), {}, "instructions"),
    "input_source": (dict(input_source="{image: ddr}"), {}, "sources"),
    "debug": (dict(debug="False"), {}, "layers"),
    "advice": (dict(advice="1"), {}, "advice"),
}
CASES["input_type_rt"] = CASES["input_type_train"]
ELSEWHERE = {"equalization", "per_channel", "search", "effort", "rounding", "sequential_bias", "bottlenecks",
             "compile_mode", "balance_factor",
             "remove_node_type", "remove_node_name", "max_percentile"}

LOOK = {
    "meta": lambda out, text: info(out)["meta"]["march"],
    "axes": lambda out, text: info(out)["meta"]["input.image"],
    "inputs": lambda out, text: info(out)["inputs"],
    "outputs": lambda out, text: info(out)["outputs"],
    "instructions": lambda out, text: info(out)["instructions"],
    "files": lambda out, text: set(files(out)),
    "onnx": lambda out, text: files(out)["net_original_float_model.onnx"],
    "advice": lambda out, text: "instructions take over 1 us more than the roofline" in text,
    "sources": lambda out, text: re.findall("input source: .*", called("hrt_model_exec", out, "model_info",
                                                                       "--model_file", "net.bin")),
    "layers": lambda out, text: page(out),
}


def test_every_key_is_here():
    names = {k["name"] for k in KEYS}
    assert names == WITHOUT_MEANING | EVERYWHERE | set(CASES) | ELSEWHERE
    assert {k["name"] for k in KEYS if k["state"] == "VENDOR"} == WITHOUT_MEANING


@pytest.mark.parametrize("key", CASES)
def test_effect(tmp_path, key):
    first, second, what = CASES[key]
    a, b = convert(tmp_path / "a", **first), convert(tmp_path / "b", **second)
    assert LOOK[what](*a) != LOOK[what](*b)


# words of `optimization`, with other keys that make their effect show
OPTIMIZATION = {"set_model_output_int8": {}, "set_model_output_int16": {}, "set_all_nodes_int16": {},
                "set_Conv_input_int16": {}, "set_Conv_output_int16": {}, "asymmetric": {},
                "bias_correction": {},
                "run_fast": dict(march="'bayes-e'", **FEATURES)}  # its Softmax is float otherwise


def softmax(path):
    """Between two convolutions."""
    nodes = [oh.make_node("Conv", ["x", "w"], ["a"], "first"),
             oh.make_node("Softmax", ["a"], ["b"], "softmax", axis=1),
             oh.make_node("Conv", ["b", "w"], ["y"], "last")]
    w = np.random.default_rng(1).normal(size=(3, 3, 1, 1)).astype(np.float32)
    graph = oh.make_graph(nodes, "g", *([oh.make_tensor_value_info(n, 1, [1, 3, 8, 8])] for n in "xy"),
                          [oh.make_tensor("w", 1, w.shape, w.ravel())])
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 13)], ir_version=8), path)


@pytest.mark.parametrize("word", OPTIMIZATION)
def test_optimization(tmp_path, word):
    keys = OPTIMIZATION[word]
    if word == "run_fast":
        softmax(tmp_path / "net.onnx")
        keys = dict(onnx_model=f"'{tmp_path}/net.onnx'", **keys)
    with_it, _ = convert(tmp_path / "a", optimization=f"'{word}'", **keys)
    without, _ = convert(tmp_path / "b", **keys)
    graphs = [onnx.load(f / "net_quantized_model.onnx").graph for f in (with_it, without)]
    assert graphs[0] != graphs[1]


def lstm(path, batch, hidden=80, inputs=5, steps=6):
    """Both directions, sequences of different lengths, initial states, all three outputs."""
    random = np.random.default_rng(4)
    shapes = {"w": (2, 4 * hidden, inputs), "r": (2, 4 * hidden, hidden), "b": (2, 8 * hidden),
              "h": (2, batch, hidden), "c": (2, batch, hidden)}
    constants = [oh.make_tensor(k, 1, s, random.normal(size=s).astype(np.float32).ravel() / 4)
                 for k, s in shapes.items()]
    constants.append(oh.make_tensor("lengths", 6, [batch], [steps - i % steps for i in range(batch)]))
    node = oh.make_node("LSTM", ["x", "w", "r", "b", "lengths", "h", "c"], ["y", "last", "cell"], "lstm",
                        direction="bidirectional", hidden_size=hidden)
    outputs = {"y": [steps, 2, batch, hidden], "last": shapes["h"], "cell": shapes["c"]}
    graph = oh.make_graph([node], "g", [oh.make_tensor_value_info("x", 1, [steps, batch, inputs])],
                          [oh.make_tensor_value_info(k, 1, s) for k, s in outputs.items()], constants)
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 13)], ir_version=8), path)


def test_lstm_batch_last(tmp_path):
    """The sequences of a batch advance together: other instructions, more working memory, equal results on
    every CPU level. A batch of one says that there is nothing to do."""
    lstm(tmp_path / "net.onnx", batch=7)
    lstm(tmp_path / "one.onnx", batch=1)
    word = dict(optimization="'lstm_batch_last'")
    keys = dict(calibration_type="'skip'", onnx_model=f"'{tmp_path}/net.onnx'", **FEATURES)
    together, said = convert(tmp_path / "a", **word, **keys)
    apart, _ = convert(tmp_path / "b", **keys)
    assert "has no effect" not in said
    assert info(together)["working_bytes"] > info(apart)["working_bytes"]
    x = np.random.default_rng(5).normal(size=(6, 7, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    seen = []
    for out in together, apart:
        for mask in "c", "avx2", "all":
            tool.run("run", out / "net.bin", "-i", tmp_path / "x.npy", "-o", tmp_path / "y", "--cpumask",
                     mask, want=tool.DONE)
            seen.append([np.load(tmp_path / f"y/{n}.npy") for n in ("y", "last", "cell")])
        tool.run("verify", out / "net_quantized_model.onnx", out / "net.bin", want=tool.DONE)
    assert all(np.array_equal(a, b) for run in seen for a, b in zip(run, seen[0]))
    want = ort.InferenceSession(tmp_path / "net.onnx").run(None, {"x": x})
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(seen[0], want))
    keys["onnx_model"] = f"'{tmp_path}/one.onnx'"
    _, said = convert(tmp_path / "c", **word, **keys)
    assert "lstm_batch_last has no effect: the model has no LSTM with a batch above 1" in said


def test_removals(tmp_path):
    """Nodes leave the .bin, and it says so."""
    whole, _ = convert(tmp_path / "0", **FEATURES)
    by_type, _ = convert(tmp_path / "1", remove_node_type="'Quantize'", **FEATURES)
    by_name, _ = convert(tmp_path / "2", remove_node_name="'image_QuantizeLinear'", **FEATURES)
    assert (by_type / "deleted_nodes_info.txt").exists() and (by_name / "deleted_nodes_info.txt").exists()
    assert info(whole)["inputs"] != info(by_type)["inputs"] == info(by_name)["inputs"]


def test_std_is_a_divisor(tmp_path):
    scale = dict(norm_type="'data_scale'", scale_value="0.25")
    std = dict(norm_type="'data_std'", std_value="4")
    a, b = (onnx.load(convert(tmp_path / n, **k)[0] / "net_original_float_model.onnx") for n, k in
            (("a", scale), ("b", std)))
    assert [n.SerializeToString() for n in a.graph.node] == [n.SerializeToString() for n in b.graph.node]


@pytest.mark.parametrize("keys, words", [
    (dict(norm_type="'data_std'", std_value="0"), "expected divisors other than 0"),
    (dict(norm_type="'data_std'"), "norm_type data_std requires std_value"),
    (dict(norm_type="'data_scale'", std_value="4"), "expected data_std|data_mean_and_std"),
    (dict(separate_batch="True"), "has no effect: input_batch is 1"),
    (dict(input_batch="2", separate_name="'imagine'"), "the model has no input 'imagine'"),
    (dict(input_batch="2", input_shape="'2x1x8x8'"),
     "input_batch: input image: a batch requires a first axis of 1"),
])
def test_refused(tmp_path, keys, words):
    (tmp_path / "c.yaml").write_text(compose(set_keys(**keys))[0])
    done = tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.BAD_INPUT, cwd=tmp_path)
    assert words in done.err


# ---- the order of instructions ----

def branches(path, width=16):
    """A wide image, reduced in branches that are read at the very end: lprnet's pattern."""
    random, nodes, weights, ends = np.random.default_rng(2), [], [], []
    x, size = "x", 64
    for i in range(3):
        w = random.normal(size=(width, 3 if x == "x" else width, 3, 3)).astype(np.float32) / 6
        weights.append(oh.make_tensor(f"w{i}", 1, w.shape, w.ravel()))
        nodes.append(oh.make_node("Conv", [x, f"w{i}"], [f"c{i}"], f"conv{i}", pads=[1] * 4))
        nodes.append(oh.make_node("Relu", [f"c{i}"], [f"r{i}"], f"relu{i}"))
        x = f"r{i}"
    for i in range(3):
        nodes.append(oh.make_node("AveragePool", [f"r{i}"], [f"p{i}"], f"pool{i}", kernel_shape=[8, 8],
                                  strides=[8, 8]))
        ends.append(f"p{i}")
    nodes.append(oh.make_node("Concat", ends, ["all"], "join", axis=1))
    w = random.normal(size=(4, 3 * width, 1, 1)).astype(np.float32)
    weights.append(oh.make_tensor("last", 1, w.shape, w.ravel()))
    nodes.append(oh.make_node("Conv", ["all", "last"], ["y"], "last"))
    shape = lambda name, s: oh.make_tensor_value_info(name, 1, s)  # noqa: E731
    graph = oh.make_graph(nodes, "g", [shape("x", [1, 3, size, size])], [shape("y", [1, 4, 8, 8])], weights)
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 13)], ir_version=8), path)


def test_compile_mode(tmp_path):
    """Less working memory, the same instructions and results; `balance` lies between."""
    branches(tmp_path / "net.onnx")
    features = dict(onnx_model=f"'{tmp_path}/net.onnx'", **FEATURES)
    modes = {"latency": {}, "bandwidth": {}, "balance": dict(balance_factor="90")}
    bytes_of, outputs = {}, {}
    for mode, more in modes.items():
        out, _ = convert(tmp_path / mode, compile_mode=f"'{mode}'", **more, **features)
        bytes_of[mode] = info(out)["working_bytes"]
        tool.run("verify", out / "net_quantized_model.onnx", out / "net.bin", want=tool.DONE)
        tool.run("run", out / "net.bin", "-o", tmp_path / mode / "y", want=tool.DONE)
        outputs[mode] = np.load(next((tmp_path / mode / "y").glob("*.npy")))
    assert bytes_of["bandwidth"] < 0.8 * bytes_of["latency"], bytes_of
    assert bytes_of["bandwidth"] <= bytes_of["balance"] <= bytes_of["latency"]
    for y in outputs.values():
        np.testing.assert_array_equal(y, outputs["latency"])


# ---- several images ----

@pytest.mark.parametrize("separate", [False, True])
def test_batch(tmp_path, separate):
    """Each image gives what it gives alone, and the program equals the quantized ONNX file."""
    single, _ = convert(tmp_path / "one")
    more = {"separate_batch": "True"} if separate else {}
    out, _ = convert(tmp_path / "many", input_batch="3", **more)
    nodes = [onnx.load(f / "net_quantized_model.onnx").graph.node for f in (out, single)]
    assert list(nodes[0]) == list(nodes[1])
    r = tool.run("verify", out / "net_quantized_model.onnx", out / "net.bin", want=tool.DONE)
    assert "Strict check PASSED" in r.out
    pixels = np.random.default_rng(5).integers(0, 256, (3, 1, 8, 8), np.uint8)
    feeds = []
    for i, part in enumerate(pixels if separate else [pixels]):
        np.save(tmp_path / f"{i}.npy", part.reshape(1, 1, 8, 8) if separate else part)
        feeds += ["--input", f"image_{i}={tmp_path}/{i}.npy" if separate else tmp_path / "0.npy"]
    tool.run("run", out / "net.bin", *feeds, "-o", tmp_path / "y", want=tool.DONE)
    many = np.load(next((tmp_path / "y").glob("*.npy")))
    for i in range(3):
        np.save(tmp_path / "x.npy", pixels[i:i + 1])
        tool.run("run", single / "net.bin", "--input", tmp_path / "x.npy", "-o", tmp_path / f"y{i}",
                 want=tool.DONE)
        np.testing.assert_array_equal(many[i], np.load(next((tmp_path / f"y{i}").glob("*.npy")))[0])


def test_batch_that_mixes_images_is_refused(tmp_path):
    """A mean over all axes differs with the batch."""
    x, y = (oh.make_tensor_value_info(n, 1, [1, 3, 8, 8]) for n in "xy")
    w = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    nodes = [oh.make_node("Conv", ["x", "w"], ["c"], "conv"),
             oh.make_node("ReduceMean", ["c"], ["m"], "mean", keepdims=1),
             oh.make_node("Sub", ["c", "m"], ["y"], "sub")]
    graph = oh.make_graph(nodes, "g", [x], [y], [oh.make_tensor("w", 1, w.shape, w.ravel())])
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "net.onnx")
    keys = dict(onnx_model=f"'{tmp_path}/net.onnx'", input_batch="2", **FEATURES)
    (tmp_path / "c.yaml").write_text(compose(set_keys(**keys))[0])
    done = tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.BAD_INPUT, cwd=tmp_path)
    assert re.search(r"input_batch: output y differs between a batch of 2 images and single images", done.err)


# ---- layer_out_dump ----

def test_map_of_convolutions(tmp_path, digits):
    out, _ = convert(tmp_path / "a", layer_out_dump="True")
    path = out / "net_quantized_model_conv_output_map.json"
    names = json.loads(path.read_text())
    assert len(names) > 1 and all(isinstance(v, str) for v in names.values())
    words = ["--model_file", "net.bin", "--input_file", digits.picture, "--conv_dump_path"]
    called("hrt_bin_dump", out, *words, "all")
    one = next(iter(names))
    (out / "one.json").write_text(json.dumps({one: names[one]}))
    (out / "hrt_bin_dump").unlink()
    called("hrt_bin_dump", out, *words, "some", "--conv_mapping_file", "one.json")
    (file, ) = (out / "some").iterdir()
    assert file.read_bytes() == (out / "all" / file.name).read_bytes()
