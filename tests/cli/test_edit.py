"""vernier edit, and its keys: what is left of a network computes the same integers and numbers."""

import json

import numpy as np
import onnx
import pytest
import shared_models as shared
import tool
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

MARCHES = ("generic", "x86-64-v4", "bernoulli2", "bayes", "bayes-e")
SHAPES = {"x": (1, 8, 8, 3), "r": (1, 4, 4), "k": (1, 8)}
# the same edges on every march
YAML = """model_parameters:
  onnx_model: 'm.onnx'
  march: '{march}'
  quantized_layout: 'original'
  output_model_file_prefix: 'm'
  working_dir: 'out'
{keys}
input_parameters:
  input_name: 'x;r;k'
  input_type_train: 'featuremap;featuremap;featuremap'
  input_layout_train: 'NCHW;NCHW;NCHW'
  input_type_rt: 'featuremap;featuremap;featuremap'
  norm_type: 'no_preprocess;no_preprocess;no_preprocess'
calibration_parameters:
  cal_data_dir: 'cal_x;cal_r;cal_k'
  calibration_type: 'max'
{calibration}
compiler_parameters:
  optimize_level: 'O3'
"""


def save_network(path):
    """Every type at an edge; at outputs also a quantized value that other nodes read."""
    rng = np.random.default_rng(1)
    w = lambda *s: (rng.standard_normal(s) * 0.3).astype(np.float32)
    constants = {
        "w1": w(8, 3, 3, 3),
        "w2": w(6, 8, 1, 1),
        "w3": w(16, 6),
        "w4": w(8, 6),
        "s16": np.array([1, 16]),
        "s384": np.array([1, 384]),
    }
    n = lambda op, i, o, name, **attrs: h.make_node(op, i, o, name, **attrs)
    nodes = [
        n("Transpose", ["x"], ["xt"], "turn", perm=[0, 3, 1, 2]),
        n("Conv", ["xt", "w1"], ["c1"], "conv1", pads=[1] * 4),
        n("Relu", ["c1"], ["r1"], "relu1"),
        n("Conv", ["r1", "w2"], ["c2"], "conv2"),
        n("Transpose", ["c2"], ["c2t"], "back", perm=[0, 2, 3, 1]),
        n("Reshape", ["c2t", "s384"], ["flat"], "flatten"),
        n("Reshape", ["r", "s16"], ["rr"], "open"),
        n("MatMul", ["rr", "w3"], ["g"], "dense"),
        n("Cast", ["k"], ["kf"], "widen", to=T.FLOAT),
        n("MatMul", ["kf", "w4"], ["m"], "dense2"),
        n("Add", ["g", "m"], ["gm"], "sum"),
        n("Softmax", ["gm"], ["prob"], "soft", axis=1),
        n("GlobalAveragePool", ["r1"], ["p"], "pool"),
        n("Flatten", ["p"], ["pf"], "pf"),
        n("MatMul", ["pf", "w4"], ["q"], "dense3"),
        n("Cast", ["q"], ["qi"], "narrow", to=T.INT32),
    ]
    v = h.make_tensor_value_info
    graph = h.make_graph(
        nodes,
        "g",
        [v("x", T.FLOAT, SHAPES["x"]), v("r", T.FLOAT, SHAPES["r"]), v("k", T.FLOAT16, SHAPES["k"])],
        [
            v("flat", T.FLOAT, [1, 384]),
            v("prob", T.FLOAT, [1, 6]),
            v("qi", T.INT32, [1, 6]),
            v("r1", T.FLOAT, [1, 8, 8, 8]),
        ],
        [nh.from_array(c, name) for name, c in constants.items()],
    )
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8), path)


class Net:
    def __init__(self, folder, march="generic", keys="", calibration=""):
        self.folder, rng = folder, np.random.default_rng(2)
        save_network(folder / "m.onnx")
        for name, shape in SHAPES.items():
            (folder / f"cal_{name}").mkdir()
            for i in range(4):
                np.save(
                    folder / f"cal_{name}/{i}.npy",
                    (rng.standard_normal(shape) * 3).astype(np.float16 if name == "k" else np.float32),
                )
        (folder / "m.yaml").write_text(YAML.format(march=march, keys=keys, calibration=calibration))
        self.log = tool.run(
            "convert", "-c", folder / "m.yaml", "--log", "none", want=(tool.DONE, tool.CHECK_FAILED)
        )
        self.bin, self.onnx = folder / "out/m.bin", folder / "out/m_quantized_model.onnx"
        self.inputs = [f"{name}={folder}/cal_{name}/0.npy" for name in SHAPES]

    def dump(self, dequantize=False):
        """Every tensor of the program as it came; or as real numbers."""
        folder = self.folder / ("real" if dequantize else "stored")
        if not folder.exists():
            tool.run(
                "run",
                self.bin,
                *flags("--input", self.inputs),
                "--dump-all",
                *(["--dequantize"] if dequantize else []),
                "--output-dir",
                folder,
                want=tool.DONE,
            )
        return folder / "tensors"


def flags(option, words):
    return [x for w in words for x in (option, w)]


def ports(path):
    info = json.loads(tool.run("info", path, "--json", want=tool.DONE).out)
    return info["inputs"], info["outputs"], info["meta"]


def integers(x, port):
    """A tensor as the program had it, or quantized as documented: rounded to even."""
    if x.dtype.kind == "i":
        return x
    q = np.rint(x / np.float32(port["scale"])) + port["zero"]
    return np.clip(q, *((-128, 127) if port["dtype"] == "int8" else (-32768, 32767))).astype(port["dtype"])


def check_program(net, edited, tmp_path):
    """Fed with tensors of the whole program, as integers and as numbers, it gives its tensors."""
    stored, real = net.dump(), net.dump(True)
    inputs, outputs, _ = ports(edited)
    own = dict(i.split("=") for i in net.inputs)
    for form in ("integers", "numbers"):
        feed = []
        for i in inputs:
            file = own.get(i["name"], real / f"{i['name']}.npy")
            if i["dtype"] in ("int8", "int16") and form == "integers":
                file = tmp_path / f"{i['name']}_integers.npy"
                np.save(file, integers(np.load(stored / f"{i['name']}.npy"), i))
            feed.append(f"{i['name']}={file}")
        out = tmp_path / form
        tool.run("run", edited, *flags("--input", feed), "--output-dir", out, want=tool.DONE)
        for o in outputs:
            inner = (stored if o["dtype"] in ("int8", "int16") else real) / f"{o['name']}.npy"
            got, want = np.load(out / inner.name), np.load(
                inner if inner.exists() else stored.parent / inner.name
            )  # int64: an output
            assert str(got.dtype) == o["dtype"] and got.shape == tuple(o["shape"]), o
            assert np.array_equal(got, want.astype(got.dtype)), o["name"]


def inner_values(path, feed):
    """Every tensor of an ONNX file, by onnxruntime as the file stands."""
    ort = pytest.importorskip("onnxruntime")
    model = onnx.load(path)
    names = {o.name for o in model.graph.output}
    for n in model.graph.node:
        for o in n.output:
            if o and o not in names:
                model.graph.output.append(onnx.ValueInfoProto(name=o))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    s = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return (
        dict(
            zip(
                [o.name for o in s.get_outputs()],
                s.run(None, {i.name: feed[i.name] for i in s.get_inputs()}),
            )
        )
        | feed
    )


def check_onnx(net, edited):
    """The same inputs and outputs as tensors of the whole file; onnx.checker and onnxruntime open it."""
    model = onnx.load(edited)
    onnx.checker.check_model(model, full_check=True)
    own = dict(i.split("=") for i in net.inputs)
    whole = inner_values(net.onnx, {name: np.load(file) for name, file in own.items()})
    inner = lambda v: (
        whole[f"{v.name}_quantized"] if v.type.tensor_type.elem_type in (T.INT8, T.INT16) else whole[v.name]
    )
    got = inner_values(edited, {i.name: inner(i) for i in model.graph.input})
    for o in model.graph.output:
        assert got[o.name].dtype == inner(o).dtype and np.array_equal(got[o.name], inner(o)), o.name


EDITS = {
    "quantize": ["--remove-type", "Quantize"],
    "transpose": ["--remove-type", "Quantize;Transpose"],
    "float_inputs": ["--remove-type", "Cast"],
    "dequantize": ["--remove-type", "Dequantize"],
    "softmax": ["--remove-type", "Softmax"],
    "reshape": ["--remove-type", "Quantize", "--remove-type", "Reshape;Dequantize"],
    "in_order": ["--remove-type", "Reshape; Transpose ;Cast;Quantize;Softmax"],
    "names": ["-r", "flatten", "-r", "back", "--remove-node", "widen", "-r", "soft;narrow"],
    "outputs": ["--output-nodes", "relu1;sum", "--output-nodes", "pool"],
    "outputs_and_all": ["--output-nodes", "c2t;prob", "--all"],
    "all": ["--all"],
}


@pytest.fixture(scope="module", params=MARCHES)
def net(request, tmp_path_factory):
    return Net(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def generic(tmp_path_factory):
    return Net(tmp_path_factory.mktemp("generic"))


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_left_is_the_same(net, edit, tmp_path):
    program, model = tmp_path / "e.bin", tmp_path / "e.onnx"
    done = [
        tool.run("edit", a, *EDITS[edit], "-o", b, want=tool.DONE)
        for a, b in ((net.bin, program), (net.onnx, model))
    ]
    assert sorted(done[0].out.splitlines()[:-1]) == sorted(
        done[1].out.splitlines()[:-1]
    ), "both forms have the same edges"
    check_program(net, program, tmp_path)
    check_onnx(net, model)
    for pair in (
        (net.onnx, program),
        (model, program),
        (net.bin, program),
        (program, net.bin),
        (net.onnx, model),
        (model, net.onnx),
    ):
        v = json.loads(tool.run("verify", *pair, "--json", want=tool.DONE).out)
        assert v["passed"], pair


def test_every_type_leaves(net):
    """With all of them gone, the program begins and ends with its first and last computations."""
    for path in (net.bin, net.onnx):
        out = net.folder / f"all{path.suffix}"
        listed = json.loads(tool.run("edit", path, "--all", "-o", out, "--json", want=tool.DONE).out)
        assert {(r["type"], r["at"]) for r in listed["removed"]} >= {
            ("Quantize", "input"),
            ("Transpose", "input"),
            ("Reshape", "input"),
            ("Cast", "input"),
            ("Dequantize", "output"),
            ("Transpose", "output"),
            ("Reshape", "output"),
            ("Softmax", "output"),
            ("Cast", "output"),
        }
        assert listed["removable"] == []
        scales = {r["name"]: r for r in listed["removed"] if r["type"].endswith("uantize")}
        assert (
            all(r["scale"] > 0 and r["dtype"] in ("int8", "int16") for r in scales.values())
            and len(scales) >= 3
        )
    inputs, outputs, meta = ports(net.folder / "all.bin")
    assert [i["name"] for i in inputs] == ["xt", "rr", "kf"] and [o["name"] for o in outputs] == [
        "c2",
        "gm",
        "q",
        "r1",
    ]
    deleted = {k[len("deleted.") :]: v for k, v in meta.items() if k.startswith("deleted.")}
    assert set(deleted) == {r["name"] for r in listed["removed"]}
    assert deleted["turn"] == "Transpose at input x: xt" and deleted["r1_DequantizeLinear"].startswith(
        "Dequantize at output r1: int8, scale "
    )


def test_output_integers(tmp_path):
    """set_model_output_int8: nodes that compute in integers leave behind integers."""
    net = Net(
        tmp_path,
        keys="",
        calibration="  optimization: 'set_model_output_int8'\n  run_on_bpu: 'soft;back;flatten'",
    )
    for name in ("all", "softmax", "names"):
        (tmp_path / name).mkdir()
        out = tmp_path / f"{name}.bin"
        tool.run("edit", net.bin, *EDITS[name], "-o", out, want=tool.DONE)
        check_program(net, out, tmp_path / name)
        assert "PASSED" in tool.run("verify", net.onnx, out, want=tool.DONE).out


# ---- real networks ----

REAL = {
    "mobilenet": (["--all"], ["softmax", "flatten"], ["conv_preds"]),
    "resnet20": (
        ["--output-nodes", "/Reshape", "--all"],
        ["/Reshape_output_0_DequantizeLinear", "/Reshape"],
        ["/GlobalAveragePool_output_0"],
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_networks(products, tmp_path, name):
    """An edited network gives the bytes of the inner tensors of the whole one, from a picture."""
    words, removed, outputs = REAL[name]
    whole, program, model = products(name), tmp_path / "e.bin", tmp_path / "e.onnx"
    for source, out in ((whole.bin, program), (whole.onnx("quantized"), model)):
        done = tool.run("edit", source, *words, "-o", out, "--json", want=tool.DONE)
        assert [r["name"] for r in json.loads(done.out)["removed"]] == removed
    onnx.checker.check_model(onnx.load(model), full_check=True)
    assert [o.name for o in onnx.load(model).graph.output] == outputs
    picture = whole.model.pictures()[0]
    inner = shared.dump(whole.bin, picture, tmp_path / "whole", whole.model)
    feed = ["--input", picture, *shared.pipeline_options(whole.model)]
    for path in (program, model):
        out = tmp_path / path.suffix[1:]
        tool.run("run", path, *feed, "--output-dir", out, want=tool.DONE)
        for o in outputs:
            got, want = (np.load(folder / f"{shared.safe_name(o)}.npy") for folder in (out, inner))
            assert got.dtype == want.dtype and (path != program or got.tobytes() == want.tobytes()), path
            assert np.allclose(got, want, rtol=1e-5, atol=1e-5), path
    pairs = (whole.onnx("quantized"), program), (model, program), (whole.bin, program), (program, whole.bin)
    for pair in pairs:
        assert "PASSED" in tool.run("verify", *pair, want=tool.DONE).out, pair


# ---- messages ----


def test_listing(generic):
    done = tool.run("edit", generic.bin, want=tool.DONE).out
    assert done.startswith(
        "Nodes that can be deleted: ['x_QuantizeLinear', 'r_QuantizeLinear', 'widen', 'flatten', 'soft', "
        "'narrow', 'r1_DequantizeLinear']\n"
    )
    assert (
        "soft: Softmax at output prob, replaced by gm" in done
        and "x_QuantizeLinear: Quantize at input x, int8, scale 0.0" in done
    )
    done = tool.run("edit", generic.bin, "-r", "soft", cwd=generic.folder, want=tool.DONE).out
    assert (
        done
        == "Node 'soft' found, its OP type is 'Softmax'\nNode 'soft' is removed\n"
        f"modified model saved as {generic.folder}/out/m_modified.bin\n"
    )


@pytest.mark.parametrize(
    "words,expected",
    [
        (["--remove-type", "Conv"], "type 'Conv' cannot be removed; expected Quantize,"),
        (["-r", "conv1"], "node 'conv1' cannot be removed; nodes that can: 'x_Q"),
        (["-r", "turn"], "node 'turn' cannot be removed; nodes that can: 'x_Q"),
        (["-r", "soft", "-r", "soft"], "node 'soft' cannot be removed"),
        (["--output-nodes", "nothing"], "no value and no node 'nothing'"),
        (["--output-nodes", "gm", "--remove-type", "Quantise"], "type 'Quantise'"),
    ],
)
@pytest.mark.parametrize("form", ["bin", "onnx"])
def test_what_cannot_be_removed(generic, tmp_path, form, words, expected):
    out = tmp_path / f"out.{form}"
    out.write_bytes(b"as it was")
    done = tool.run("edit", getattr(generic, form), *words, "-o", out, want=tool.USAGE)
    assert expected in done.err and (form == "onnx" or "Nodes" not in done.out)
    assert out.read_bytes() == b"as it was" and [p.name for p in tmp_path.iterdir()] == [out.name]


def test_fused_values_are_no_outputs_of_a_program(generic, tmp_path):
    done = tool.run(
        "edit", generic.bin, "--output-nodes", "conv1", "-o", tmp_path / "out.bin", want=tool.BAD_INPUT
    )
    assert (
        "output 'conv1': the program computes it in registers; set output_nodes when it is converted"
        in done.err
    )
    tool.run("edit", generic.onnx, "--output-nodes", "conv1", "-o", tmp_path / "out.onnx", want=tool.DONE)
    assert [p.name for p in tmp_path.iterdir()] == ["out.onnx"]


def test_absent_type_is_a_warning(generic, tmp_path):
    tool.run("edit", generic.bin, "--remove-type", "Softmax", "-o", tmp_path / "a.bin", want=tool.DONE)
    done = tool.run(
        "edit",
        tmp_path / "a.bin",
        "--remove-type",
        "Softmax;Cast",
        "-o",
        tmp_path / "b.bin",
        want=tool.DONE,
    )
    assert "WARNING no Softmax can be removed; nodes that can: 'x_QuantizeLinear' (Quantize)" in done.err
    assert (
        tool.run("edit", generic.bin, "-o", tmp_path / "c.bin", want=tool.USAGE).err.count(
            "nothing is removed"
        )
        == 1
    )
    assert (
        "ends in .bin"
        in tool.run("edit", generic.bin, "--all", "-o", tmp_path / "c.onnx", want=tool.USAGE).err
    )


def test_nothing_to_remove(generic, tmp_path):
    tool.run("edit", generic.bin, "--all", "-o", tmp_path / "a.bin", want=tool.DONE)
    said = tool.run("edit", tmp_path / "a.bin", "--all", "-o", tmp_path / "b.bin", want=tool.DONE).out
    assert said == ("no node was removed: the written file is a copy\n"
                    f"modified model saved as {tmp_path / 'b.bin'}\n")
    assert (tmp_path / "b.bin").read_bytes() == (tmp_path / "a.bin").read_bytes()


def test_damaged_files(generic, tmp_path):
    """A .bin is checked as the runtime checks it; nothing is written."""
    data, rng = generic.bin.read_bytes(), np.random.default_rng(3)
    broken, out = tmp_path / "m.bin", tmp_path / "out.bin"
    for i in range(60):
        b = bytearray(data[: rng.integers(0, len(data))] if i % 3 == 0 else data)
        for at in rng.integers(0, max(len(b), 1), 3):
            if b:
                b[at] ^= 1 + int(rng.integers(0, 255))
        broken.write_bytes(b)
        assert "m.bin" in tool.run("edit", broken, "--all", "-o", out, want=tool.BAD_INPUT).err
    assert not out.exists()


def test_other_networks_are_told_apart(generic, tmp_path):
    """An edited program is a part of the file that it was made from, not of others."""
    tool.run("edit", generic.bin, "--all", "-o", tmp_path / "a.bin", want=tool.DONE)
    tool.run("edit", generic.onnx, "--remove-type", "Softmax", "-o", tmp_path / "b.onnx", want=tool.DONE)
    assert (
        "has no value"
        not in tool.run("verify", tmp_path / "b.onnx", tmp_path / "a.bin", want=tool.DONE).err
    )
    tool.run("edit", generic.onnx, "--output-nodes", "gm", "-o", tmp_path / "c.onnx", want=tool.DONE)
    assert (
        "has no value"
        in tool.run("verify", tmp_path / "c.onnx", tmp_path / "a.bin", want=tool.BAD_INPUT).err
    )


# ---- keys ----

KEYS = "  remove_node_type: 'Quantize;Transpose;Dequantize;Cast;Reshape'\n  remove_node_name: 'soft;conv1'"


def test_keys_remove_nodes(generic, tmp_path):
    net = Net(tmp_path, keys=KEYS)
    assert "WARNING node 'conv1' cannot be removed; nodes that can: " in net.log.err
    inputs, outputs, meta = ports(net.bin)
    assert [i["name"] for i in inputs] == ["xt", "rr", "kf"] and [o["name"] for o in outputs] == [
        "c2t",
        "gm",
        "q",
        "r1",
    ]
    text = (tmp_path / "out/deleted_nodes_info.txt").read_text()
    assert text.startswith(
        "deleted nodes: x_QuantizeLinear\n  type: Quantize\n  place: input x\n  replaced by: x\n"
        "  data type: int8\n  scale: 0.0"
    )
    assert [line.split(": ")[1] for line in text.splitlines() if line.startswith("deleted")] == [
        k[len("deleted.") :] for k in meta if k.startswith("deleted.")
    ]
    assert "PASSED" in tool.run("verify", net.onnx, net.bin, want=tool.DONE).out
    edited = tmp_path / "e.bin"
    tool.run(
        "edit",
        generic.bin,
        "--remove-type",
        "Quantize;Transpose;Dequantize;Cast;Reshape",
        "-r",
        "soft",
        "-o",
        edited,
        want=tool.DONE,
    )
    assert "PASSED" in tool.run("verify", edited, net.bin, want=tool.DONE).out
    assert not (generic.folder / "out/deleted_nodes_info.txt").exists()


def test_keys_choose_outputs(tmp_path):
    net = Net(tmp_path, keys="  output_nodes: 'relu1; gm'")
    for stage in ("original_float", "optimized_float", "calibrated", "quantized"):
        assert [o.name for o in onnx.load(tmp_path / f"out/m_{stage}_model.onnx").graph.output] == [
            "r1",
            "gm",
        ]
    assert [o["name"] for o in ports(net.bin)[1]] == ["r1", "gm"]
    assert "PASSED" in tool.run("verify", net.onnx, net.bin, want=tool.DONE).out


def test_keys_of_unknown_names(tmp_path):
    with pytest.raises(AssertionError) as e:
        Net(
            tmp_path, keys="  output_nodes: 'rulu1'\n  remove_node_type: 'Conv'\n  remove_node_name: 'sofd'"
        )
    text = str(e.value)
    assert "m.onnx has no value and no node 'rulu1'; nearest: 'relu1'" in text
    assert (
        "remove_node_type: expected one of Quantize, Transpose, Dequantize, Cast, Reshape, Softmax, "
        "got 'Conv'"
        in text
    )
    assert "remove_node_name: unknown node 'sofd'; nearest name: 'soft'" in text
