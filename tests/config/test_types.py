"""node_info, run_on_cpu, run_on_bpu, set_node_data_type and the types in `optimization`: who computes in
which type, and what is refused."""

import json
import re

import numpy as np
import pytest
import tool
from test_config import compose, convert, set_keys


def converted(tmp_path, **keys):
    """{node: type} of a conversion that works, verified integer by integer; and everything that was said."""
    done = convert(tmp_path, compose(set_keys(**keys))[0], tool.DONE)
    out = tmp_path / "out"
    verified = json.loads(
        tool.run(
            "verify", "--json", out / "model_quantized_model.onnx", out / "model.bin", want=tool.DONE
        ).out
    )
    assert verified["different"] == 0 and verified["compared"] > 0
    rows = re.findall(r"^(\S+) +(BPU|CPU) +\S+ +(\w+) .*?(int8|int16|float) *$", done.out, flags=re.M)
    assert rows, done.out
    return {name: kind for name, _, _, kind in rows}, done.out + done.err


def types_in(path):
    """{tensor: dtype of its zero point} of a quantized ONNX."""
    onnx = pytest.importorskip("onnx")
    m = onnx.load(path)
    onnx.checker.check_model(m, full_check=True)
    zeros = {i.name: onnx.numpy_helper.to_array(i).dtype for i in m.graph.initializer}
    return {
        n.output[0]: zeros[n.input[2]]
        for n in m.graph.node
        if n.op_type == "DequantizeLinear" and len(n.input) > 2
    }


def test_int8_everywhere_by_default(tmp_path):
    types, _ = converted(tmp_path)
    assert set(types.values()) == {"int8"}


def test_all_nodes_int16(tmp_path):
    types, said = converted(tmp_path, optimization="'set_all_nodes_int16'")
    assert set(types.values()) == {"int16"}
    tensors = types_in(tmp_path / "out/model_quantized_model.onnx")
    assert {str(t) for t in tensors.values()} == {"int8", "int16"}  # the pixels stay int8
    assert [k for k, t in tensors.items() if t == np.int8] == ["image_dequantized"]
    session = pytest.importorskip("onnxruntime").InferenceSession(
        str(tmp_path / "out/model_quantized_model.onnx"), providers=["CPUExecutionProvider"]
    )
    assert np.isfinite(session.run(None, {"image": np.zeros((1, 1, 8, 8), np.int8)})[0]).all()


def test_node_info_of_one_node(tmp_path):
    types, _ = converted(
        tmp_path, node_info="{'conv_2': {'ON': 'BPU', 'InputType': 'int16', 'OutputType': 'int16'}}"
    )
    assert (
        types["conv_2"] == "int16" and types["gemm_1"] == "int8" and types["conv_1"] == "int16"
    )  # its result is what conv_2 reads
    tensors = types_in(tmp_path / "out/model_quantized_model.onnx")
    assert tensors["conv2.weight"] == np.int16 and tensors["conv1.weight"] == np.int8


def test_single_inputs(tmp_path):
    converted(tmp_path, node_info="{'conv_2': {'InputType0': 'int16', 'InputType1': 'int8'}}")
    tensors = types_in(tmp_path / "out/model_quantized_model.onnx")
    assert tensors["conv2.weight"] == np.int8


def test_the_more_specific_rule_wins(tmp_path):
    types, _ = converted(
        tmp_path,
        optimization="'set_all_nodes_int16,set_Conv_input_int8,set_Conv_output_int8'",
        node_info="{'conv_1': {'OutputType': 'int16'}}",
    )
    assert types["conv_1"] == "int16"
    types, _ = converted(
        tmp_path, optimization="'set_all_nodes_int16'", node_info="{'gemm_1': {'InputType': 'int8'}}"
    )
    assert types["gemm_1"] == "int8"


@pytest.mark.parametrize("keys", [dict(node_info="{'conv_2': {'ON': 'CPU'}}"), dict(run_on_cpu="'conv_2'")])
def test_on_the_cpu(tmp_path, keys):
    types, said = converted(tmp_path, **keys)
    assert types["conv_2"] == "float" and "the configuration runs it on the CPU" in said


def test_forms_as_text(tmp_path):
    types, _ = converted(tmp_path, node_info="'conv_1:int16; conv_2 : int16;'")
    assert types["conv_1"] == types["conv_2"] == "int16" and types["gemm_1"] == "int8"
    converted(tmp_path, set_node_data_type="'conv_1:int16'")


@pytest.mark.parametrize("bits", [8, 16])
def test_outputs(tmp_path, bits):
    converted(tmp_path, optimization=f"'set_model_output_int{bits}'")
    onnx = pytest.importorskip("onnx")
    output = onnx.load(tmp_path / "out/model_quantized_model.onnx").graph.output[0].type.tensor_type.elem_type
    assert onnx.helper.tensor_dtype_to_np_dtype(output) == np.dtype(f"int{bits}")


def test_what_the_target_has_no_int16_for_stays_int8_with_its_reason(tmp_path):
    types, said = converted(tmp_path, march="'bayes-e'", optimization="'set_all_nodes_int16'")
    assert types["maxpool_1"] == "int8"
    assert "maxpool_1) in int8 only" in said and "stays int8: march bayes-e computes MaxPool" in said


@pytest.mark.parametrize(
    "keys,words",
    [
        (
            dict(node_info="{'conv_9': {'ON': 'CPU'}}"),
            "node_info: unknown node 'conv_9'; nearest name: 'conv",
        ),
        (dict(node_info="'convv_1:int16'"), "node_info: unknown node 'convv_1'; nearest name: 'conv_1'"),
        (dict(run_on_cpu="'relu_9'"), "run_on_cpu: unknown node 'relu_9'; nearest name: 'relu"),
        (
            dict(optimization="'set_Convv_input_int16'"),
            "optimization: unknown operator 'Convv'; nearest name: 'Conv'",
        ),
        (dict(node_info="{'conv_1': {'ON': 'GPU'}}"), "conv_1: expected ON: BPU or ON: CPU, got 'ON: GPU'"),
        (
            dict(node_info="{'conv_1': {'InputType': 'int4'}}"),
            "conv_1: expected int8 or int16, got 'InputType: int4'",
        ),
        (
            dict(node_info="{'conv_1': {'InputType99': 'int8'}}"),
            "expected InputType with an index from 0 to 15",
        ),
        (
            dict(node_info="{'conv_1': {'OutputType0': 'int8'}}"),
            "expected ON, InputType, InputType0, ... or OutputType",
        ),
        (
            dict(node_info="{'conv_1': 'int16'}"),
            "conv_1: expected {ON: ..., InputType: ..., OutputType: ...}",
        ),
        (dict(node_info="{'conv_1': {'ON': 'CPU', 'OutputType': 'int8'}}"), "no types with ON: CPU"),
        (dict(node_info="{'conv_1': {'ON': ['CPU']}}"), "expected {NODE: {KEY: WORD}}"),
        (dict(node_info="{'conv_1': {'ON': {'CPU': 'x'}}}"), "expected {NODE: {KEY: WORD}}"),
        (
            dict(node_info="'conv_1:int12'"),
            "expected NODE:int8 or NODE:int16, separated by ';', got 'conv_1:int12'",
        ),
        (dict(optimization="'set_model_output_int8,set_model_output_int16'"), "exclude each other"),
        (dict(optimization="'set_all_nodes_int15'"), "did you mean 'set_all_nodes_int16'?"),
    ],
)
def test_refused(tmp_path, keys, words):
    message = convert(tmp_path, compose(set_keys(**keys))[0], tool.BAD_INPUT).message
    assert message.startswith("c.yaml:") and words in message, message


def test_a_node_that_was_merged_is_said(tmp_path):
    types, said = converted(tmp_path, run_on_cpu="'batchnormalization_2'")
    assert (
        set(types.values()) == {"int8"}
        and "no effect: optimization merged node batchnormalization_2 into others" in said
    )


# ---- quant_config ----

def test_quant_config_file(tmp_path):
    (tmp_path / "q.json").write_text(
        json.dumps(
            {
                "model_config": {
                    "all_node_type": "int16",
                    "activation": {"asymmetric": False},
                    "weight": {"bias_correction": True},
                },
                "op_config": {"Gemm": {"qtype": "int8"}},
                "node_config": {"conv_1": {"qtype": "float32"}},
            }
        )
    )
    types, _ = converted(tmp_path, quant_config="'q.json'")
    assert types["conv_1"] == "float" and types["conv_3"] == "int16"
    assert types_in(tmp_path / "out/model_quantized_model.onnx")["fc.weight"] == np.int8


def test_quant_config_inline(tmp_path):
    types, _ = converted(tmp_path, quant_config="""'{"node_config": {"conv_3": {"qtype": "int16"}}}'""")
    assert types["conv_3"] == "int16" and types["gemm_1"] == "int8"


def test_quant_config_percentile_of_another_method(tmp_path):
    _, said = converted(tmp_path,
                        quant_config="""'{"model_config": {"activation": {"max_percentile": 0.9}}}'""")
    assert "quant_config: activation: max_percentile has no effect: calibration_type is skip" in said


def quant_config(tmp_path, **groups):
    return converted(tmp_path, quant_config=f"'{json.dumps(groups)}'")


def test_priorities(tmp_path):
    """node > subgraph > op > model, wherever they stand."""
    area = {"middle": {"inputs": ["conv_1"], "outputs": ["conv_3"], "qtype": "int8"}}
    types, _ = quant_config(tmp_path, node_config={"conv_3": {"qtype": "int16"}}, subgraph_config=area,
                            op_config={"Conv": {"qtype": "int16"}}, model_config={"all_node_type": "int16"})
    assert types["conv_3"] == "int16"
    weights = types_in(tmp_path / "out/model_quantized_model.onnx")
    assert weights["conv1.weight"] == np.int8 and weights["fc.weight"] == np.int16


def test_ineffective_members(tmp_path):
    _, said = quant_config(tmp_path, model_config={
        "activation": {"num_bin": [1024, 2048], "per_channel": [True, False], "calibration_type": "kl"},
        "weight": {"bias_correction": {"num_sample": 8, "metric": "mse"}}})
    for words in ("num_bin has no effect: kl searches among 4096 bins",
                  "num_sample has no effect: means come from all samples",
                  "metric has no effect: means come from all samples",
                  "lists have no effect: calibration_type skip has no data to judge by"):
        assert words in said


@pytest.mark.parametrize(
    "text,words",
    [
        ("{", "quant_config: its text:1:1: not JSON"),
        ("nowhere.json", "nowhere.json"),
        ('{"a": 1, "a": 2}', "duplicate"),
        ('{"a_config": {}}', "'a_config' is not supported yet"),
        ('{"op_config": 1}', "op_config: expected an object"),
        (
            '{"op_config": {"Conv": {"qtype": "int4"}}}',
            "Conv: expected int8, int16 or float32, got 'int4', a type of vendor hardware",
        ),
        ('{"op_config": {"Convv": {"qtype": "int8"}}}', "unknown operator 'Convv'; nearest name: 'Conv'"),
        ('{"op_config": {"Conv": {"qtype": "mxint8"}}}', "'mxint8', a type of vendor hardware"),
        ('{"op_config": {"Conv": {"qtype": "int 8"}}}', "got 'int 8'"),
        (
            '{"node_config": {"conv_1": {"qtype": ["int8", "int16"]}}}',
            "got a list; use vernier tune to search for types",
        ),
        (
            '{"subgraph_config": {"a": {"inputs": ["conv_1"], "qtype": "int16"}}}',
            "a: expected inputs, outputs and qtype",
        ),
        (
            '{"subgraph_config": {"a": {"inputs": ["conv_7"], "outputs": "conv_3", "qtype": "int16"}}}',
            "a: unknown node or tensor 'conv_7'; nearest name: 'conv_1'",
        ),
        (
            '{"subgraph_config": {"a": {"inputs": "conv_3", "outputs": "conv_1", "qtype": "int16"}}}',
            "a: no node depends on its inputs and leads to its outputs",
        ),
        ('{"subgraph_config": {"a": {"inputs": 1}}}', "a: inputs: expected names of nodes or tensors"),
        (
            '{"model_config": {"activation": {"calibration_type": "mix"}}}',
            "calibration_type: expected max, kl or mse",
        ),
        (
            '{"model_config": {"activation": {"per_channel": [true, 1]}}}',
            "per_channel: expected true or false",
        ),
        ('{"model_config": {"activation": {"asymmetric": []}}}', "asymmetric: the list is empty"),
        ('{"model_config": {"activation": {"num_bin": 128}}}', "num_bin: expected at least 129"),
        (
            '{"model_config": {"weight": {"bias_correction": {"num_sample": 0}}}}',
            "num_sample: expected at least 1",
        ),
        (
            '{"model_config": {"weight": {"bias_correction": {"metric": "mape"}}}}',
            "metric: expected a metric",
        ),
        (
            '{"model_config": {"weight": {"bias_correction": 3}}}',
            "bias_correction: expected true, false or an object",
        ),
        ('{"node_config": {"conv_77": {"qtype": "int8"}}}', "unknown node 'conv_77'"),
        ('{"model_config": {"activation": {"axis": 1}}}', "activation: 'axis' is not supported yet"),
        ('{"model_config": {"activation": {"max_percentile": 0.2}}}', "max_percentile: expected 0.5 to 1"),
        ("{" + '"a": {' * 3000, "quant_config: "),
    ],
)
def test_quant_config_refused(tmp_path, text, words):
    message = convert(tmp_path, compose(set_keys(quant_config="'" + text + "'"))[0], tool.BAD_INPUT).message
    assert message.startswith("c.yaml:") and words in message, message
