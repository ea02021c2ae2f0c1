"""vernier check: all problems of a model in one run, each with what to do; a reason and a remedy for each
node that stays float; and what each march would compute."""
import json

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def net(nodes, shape=(1, 3, 8, 8), weights=(), output="y", opset=20, ir=10):
    g = helper.make_graph(
        [helper.make_node(op, i, o, name, **more) for op, i, o, name, more in nodes],
        "net",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info(output, FLOAT, None)],
        [numpy_helper.from_array(v, k) for k, v in weights],
    )
    return helper.make_model(
        g, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("them", 1)], ir_version=ir
    )


def node(op, inputs, output, **more):
    return op, inputs, [output], f"n_{output}", more


def ones(*shape):
    return np.ones(shape, np.float32)


def check(tmp_path, model, *words, want=tool.DONE):
    onnx.save(model, tmp_path / "m.onnx")
    return tool.run("check", tmp_path / "m.onnx", *words, want=want)


def bad(tmp_path):
    """Two operators that nobody knows, three layers that do not fit, one that depends on them and cannot be
    judged."""
    return net(
        [
            node("Mystery", ["x"], "a", domain="them"),
            node("Mystery", ["a"], "b", domain="them"),
            node("Puzzle", ["b"], "c", domain="them"),
            node("Conv", ["x", "w4"], "d"),
            node("Conv", ["x", "w3"], "e"),
            node("MatMul", ["e", "m7"], "f"),
            node("Relu", ["f"], "g"),
            node("Add", ["e", "v5"], "h"),
            node("Concat", ["c", "d", "g", "h"], "y", axis=1),
        ],
        weights=[("w4", ones(8, 4, 3, 3)), ("w3", ones(8, 3, 3, 3)), ("m7", ones(7, 2)), ("v5", ones(5))],
    )


def test_all_problems_at_once(tmp_path):
    done = check(tmp_path, bad(tmp_path), want=tool.BAD_INPUT)
    lines = [l for l in done.err.splitlines() if "m.onnx" in l or l.startswith("n_")]
    assert (
        "operator them.Mystery is not supported: 2 nodes: n_a, n_b" in done.err
        and "operator them.Puzzle is not supported: 1 node: n_c" in done.err
    )
    for name in ("n_d", "n_f", "n_h"):
        assert sum(name in l for l in lines) == 1, done.err
    assert not any(name in done.err for name in ("n_g", "n_y", "n_e"))
    assert done.err.endswith("vernier check: 5 problems\n") and done.err.count("  try: ") == 5


def test_problems_as_json(tmp_path):
    said = json.loads(check(tmp_path, bad(tmp_path), "--json", want=tool.BAD_INPUT).out)
    assert len(said["problems"]) == 5 and all(p["remedy"] for p in said["problems"])
    assert sorted(p["id"] for p in said["problems"]) == ["misfit"] * 3 + ["unsupported"] * 2


def test_free_dimensions_and_operators(tmp_path):
    m = net(
        [node("Mystery", ["x"], "a", domain="them"), node("Relu", ["a"], "y")],
        shape=("batch", 3, "height", "width"),
    )
    m.graph.input.append(helper.make_tensor_value_info("z", FLOAT, [1, "tokens"]))
    done = check(tmp_path, m, want=tool.BAD_INPUT)
    assert (
        "'x' has a dynamic dimension 'height'" in done.err
        and "'z' has a dynamic dimension 'tokens'" in done.err
        and "Mystery" in done.err
    )
    assert "--input-shape NAME" in done.err
    said = json.loads(check(tmp_path, m, "--json", want=tool.BAD_INPUT).out)
    assert [p["id"] for p in said["problems"]] == ["dynamic_dimension", "dynamic_dimension", "unsupported"]


@pytest.mark.parametrize(
    "opset, ir, says, remedy",
    [
        (6, 8, "operator set 6 (too old)", "convert_version"),
        (99, 8, "operator set 99 (too new)", "opset_version in that range"),
        (13, 99, "IR version 99 (too new)", "convert_version"),
        (13, 2, "IR version 2 (too old)", "convert_version"),
    ],
)
def test_versions(tmp_path, opset, ir, says, remedy):
    done = check(tmp_path, net([node("Relu", ["x"], "y")], opset=opset, ir=ir), want=tool.BAD_INPUT)
    assert says in done.err and remedy in done.err and "1 problem\n" in done.err


def test_remedies_and_marches(tmp_path):
    m = net(
        [
            node("Conv", ["x", "w"], "a"),
            node("Gelu", ["a"], "b"),
            node("CumSum", ["b", "axis"], "c"),
            node("Conv", ["c", "v"], "d"),
            node("Softmax", ["d"], "y"),
        ],
        weights=[("w", ones(8, 3, 3, 3)), ("v", ones(4, 8, 1, 1)), ("axis", np.array(1))],
    )
    done = check(tmp_path, m)
    reasons = [l for l in done.out.splitlines() if l.startswith("CPU (float32): ")]
    assert len(reasons) == 2 and done.out.count("  try: ") == 2
    table = dict(l.split()[:2] for l in done.out.split("What each march")[1].splitlines() if " of 5 " in l)
    assert table["generic"] == table["bayes-e"] == "3" and set(table) >= {
        "armv8-a",
        "bernoulli2",
        "x86-64-v4",
    }
    said = json.loads(check(tmp_path, m, "--json", "--march", "bayes-e").out)
    assert (
        {r["march"]: r["integer_nodes"] for r in said["marches"]}["bayes-e"]
        == 3
        == sum(n["on"] == "BPU" for n in said["nodes"])
    )
    assert all("remedy" in n for n in said["nodes"] if n["on"] == "CPU")
    why = {n["node"]: n["reason"] for n in said["nodes"] if n["on"] == "CPU"}
    assert why["n_c"] == {"id": "operator", "args": ["CumSum"], "text": "CumSum has no integer form"}


# ---- check -c: configurations. tests/config holds them against convert ----

def test_a_configuration(digits, tmp_path):
    yaml = digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    done = tool.run("check", "-c", yaml, want=tool.DONE)
    assert "What each march would compute" in done.out and "samples in the data set" in done.err
    assert done.out.endswith(f"d.yaml: 14 of 14 nodes compute in integers on march generic. "
                             f"Next: vernier convert -c {yaml}\n")
    assert [p.name for p in tmp_path.iterdir()] == ["d.yaml"]


def test_a_configuration_whose_results_cannot_be_trusted(digits, tmp_path):
    yaml = digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    yaml.write_text(yaml.read_text().replace("0.003921568627", "3.2"))
    wanted = "the results cannot be trusted: input image: scale_value 3.2 multiplies pixels in 0..255"
    for words in (("check", "-c", yaml), ("convert", "-c", yaml, "--log", "none")):
        assert wanted in tool.run(*words, want=tool.CHECK_FAILED).err


def test_a_folder_of_products_that_cannot_be(digits, tmp_path):
    (tmp_path / "file").touch()
    yaml = digits.write_yaml(tmp_path / "d.yaml", tmp_path / "file/out")
    yaml.write_text(yaml.read_text().replace("'max'", "'mux'"))
    done = tool.run("check", "-c", yaml, want=tool.BAD_INPUT)
    assert f"d.yaml:4:3: working_dir: {tmp_path}/file/out: cannot create folder: Not a directory" in done.err
    assert "calibration_type" in done.err and "vernier check: 2 problems\n" in done.err


@pytest.mark.parametrize("words, says", [
    (("-c", "d.yaml", "--march", "bayes"), "--march cannot be combined with -c"),
    (("-c", "d.yaml", "m.onnx"), "usage: vernier check MODEL"),
    ((), "or vernier check -c FILE.yaml"),
    (("m.onnx", "--accept-data"), "--accept-data requires -c"),
    (("m.onnx", "--images", "x"), "--images requires --data"),
])
def test_usage(words, says):
    assert says in tool.run("check", *words, want=tool.USAGE).err
