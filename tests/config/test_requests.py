"""Requests of a configuration that change nothing are said, each with its reason; outputs in integers."""
import json
import re

import numpy as np
import pytest
import tool
from test_config import compose, convert, set_keys
from test_types import converted


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    """A network with a Softmax between two convolutions."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper
    folder = tmp_path_factory.mktemp("nets")
    rng = np.random.default_rng(3)
    weights = {"w": rng.standard_normal((4, 1, 3, 3)), "v": rng.standard_normal((4, 4, 1, 1))}
    initializers = [numpy_helper.from_array(x.astype(np.float32), k) for k, x in weights.items()]

    def save(name, nodes):
        ends = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, s)] for n, s in (("image", [1, 1, 8, 8]),
                                                                                      ("y", [1, 4, 6, 6]))]
        graph = helper.make_graph([helper.make_node(*n, **more) for *n, more in nodes], name, *ends,
                                  initializers)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
                  folder / f"{name}.onnx")

    first = ["Conv", ["image", "w"], ["c"], "first", {}]
    save("softmax", [first, ["Softmax", ["c"], ["s"], "soft", dict(axis=1)], ["Conv", ["s", "v"], ["y"],
                                                                              "last", {}]])
    return folder


def onnx_outputs(path):
    """{output: element type} of a file that onnx accepts."""
    onnx = pytest.importorskip("onnx")
    m = onnx.load(path)
    onnx.checker.check_model(m, full_check=True)
    kind = onnx.helper.tensor_dtype_to_np_dtype
    return {o.name: str(kind(o.type.tensor_type.elem_type)) for o in m.graph.output}


def said(tmp_path, model, **keys):
    text, at = compose(set_keys(onnx_model=f"'{model}'", **keys))
    done = convert(tmp_path, text, tool.DONE)
    return done.warnings, at


@pytest.mark.parametrize("march", ["bernoulli2", "bayes-e", "generic"])
def test_softmax_in_integers(tmp_path, nets, march):
    """Float until a configuration asks for integers."""
    asked = dict(optimization="'set_Softmax_input_int8,set_Softmax_output_int8'")
    warnings, _ = said(tmp_path, nets / "softmax.onnx", march=f"'{march}'", **asked)
    assert [w for w in warnings if "set_Softmax" in w] == []
    for keys, reason in (({}, "CPU" if march != "generic" else "BPU"), (asked, "BPU")):
        text = compose(set_keys(onnx_model=f"'{nets}/softmax.onnx'", march=f"'{march}'", **keys))[0]
        (tmp_path / "c.yaml").write_text(text)
        done = tool.run("check", "-c", tmp_path / "c.yaml", "--json", want=tool.DONE, cwd=tmp_path)
        (row, ) = [n for n in json.loads(done.out)["nodes"] if n["node"] == "soft"]
        assert row["on"] == reason


def test_no_such_operator_in_the_network(tmp_path):
    warnings = convert(tmp_path, compose(set_keys(optimization="'set_Softmax_input_int8'"))[0],
                       tool.DONE).warnings
    assert len(warnings) == 1
    assert "set_Softmax_input_int8: no effect: the network has no Softmax" in warnings[0]


@pytest.mark.parametrize("keys", [dict(run_on_bpu="'soft'"), dict(node_info="{'soft': {'ON': 'BPU'}}"),
                                  dict(node_info="{'soft': {'InputType': 'int16'}}"),
                                  dict(set_node_data_type="'soft:int16'"),
                                  dict(quant_config="""'{"node_config": {"soft": {"qtype": "int8"}}}'""")])
def test_a_node_that_cannot(tmp_path, nets, keys):
    (tmp_path / "own.yaml").write_text("description: products\nisa: []\nzero_points: symmetric\n"
                                       "operators: {Conv: {types: [int8]}, Preprocess: {types: [int8]}}\n")
    warnings, _ = said(tmp_path, nets / "softmax.onnx", march=f"'{tmp_path}/own.yaml'", **keys)
    assert len(warnings) == 1, warnings
    start = f"{next(iter(keys))}: soft: no effect: the node (Softmax) computes in float: march own "
    says = "does not compute Softmax in integers", "runs Softmax in float"
    assert any(start + s in warnings[0] for s in says)


def test_a_node_that_can_is_no_warning(tmp_path, nets):
    assert not said(tmp_path, nets / "softmax.onnx", node_info="{'soft': {'ON': 'BPU'}}")[0]
    assert not said(tmp_path, nets / "softmax.onnx", node_info="{'soft': {'ON': 'CPU'}}")[0]


def test_type_of_an_output(tmp_path, nets):
    warnings, _ = said(tmp_path, nets / "softmax.onnx", node_info="{'last': {'OutputType': 'int16'}}")
    assert len(warnings) == 1 and "node_info: last: OutputType int16 has no effect" in warnings[0]
    assert "set_model_output_int16" in warnings[0]
    assert not said(tmp_path, nets / "softmax.onnx", optimization="'set_model_output_int16'",
                    node_info="{'last': {'OutputType': 'int16'}}")[0]


@pytest.mark.parametrize("bits", [8, 16])
def test_outputs_are_integers(tmp_path, digits, bits):
    converted(tmp_path, optimization=f"'set_model_output_int{bits}'")
    info = tool.run("info", "--json", tmp_path / "out/model.bin", want=tool.DONE).out
    output = json.loads(info)["outputs"][0]
    assert output["dtype"] == f"int{bits}" and output["scale"] > 0
    quantized = tmp_path / "out/model_quantized_model.onnx"
    assert output["dtype"] == onnx_outputs(quantized)[output["name"]] == f"int{bits}"
    assert all(t == "float32" for t in onnx_outputs(tmp_path / "out/model_calibrated_model.onnx").values())
    image = np.zeros((1, 1, 8, 8), np.int8)
    want = pytest.importorskip("onnxruntime").InferenceSession(str(quantized)).run(None, {"image": image})[0]
    assert want.dtype == f"int{bits}"
    np.save(tmp_path / "zeros.npy", image.astype(np.float32))
    for options in [], ["--reference"]:
        tool.run("run", quantized, "--input", tmp_path / "zeros.npy", "-o", tmp_path / "got", *options,
                 want=tool.DONE)
        got = np.load(tmp_path / f"got/{output['name']}.npy")
        assert got.dtype == want.dtype and np.abs(got.astype(int) - want).max() <= 1


@pytest.mark.parametrize("pair", [("quantized_model.onnx", ".bin"), ("original_float_model.onnx", ".bin"),
                                  ("original_float_model.onnx", "quantized_model.onnx"),
                                  ("calibrated_model.onnx", "quantized_model.onnx")])
def test_integer_outputs_are_compared(tmp_path, digits, pair):
    converted(tmp_path, optimization="'set_model_output_int8'")
    a, b = (tmp_path / "out" / (f"model{x}" if x[0] == "." else f"model_{x}") for x in pair)
    tool.run("verify", a, b, want=tool.DONE)


def test_a_float_output_in_place_of_integers(tmp_path, digits):
    converted(tmp_path, optimization="'set_model_output_int8'")
    integers = (tmp_path / "out/model_quantized_model.onnx").rename(tmp_path / "integers.onnx")
    converted(tmp_path)
    done = tool.run("verify", integers, tmp_path / "out/model.bin", want=tool.CHECK_FAILED)
    words = r"wrong output: (\S+): output 0 of the program is \1 \(.*float32\); expected \1 as int8\n"
    assert re.search(words, done.out)


def test_an_output_in_float_is_said(tmp_path, nets):
    onnx = pytest.importorskip("onnx")
    m = onnx.load(nets / "softmax.onnx")
    m.graph.node[1].input[0], m.graph.node[1].output[0] = "z", "y"
    m.graph.node[2].input[0], m.graph.node[2].output[0] = "c", "z"
    m.graph.node.append(m.graph.node.pop(1))
    onnx.save(m, tmp_path / "end.onnx")
    warnings, _ = said(tmp_path, tmp_path / "end.onnx", march="'bernoulli2'",
                       optimization="'set_model_output_int8'")
    assert len(warnings) == 1
    words = "set_model_output_int8: no effect on output y, which stays float32: march bernoulli2 runs"
    assert words in warnings[0]
