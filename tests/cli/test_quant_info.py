"""PREFIX_quant_info.json says what the quantized model holds, and what convert prints."""
import json

import numpy as np
import onnx
from onnx import numpy_helper
from tool import DONE, run


def stored_scales(path):
    """{tensor: (scale, zero point)} of every DequantizeLinear of the quantized model."""
    graph = onnx.load(path).graph
    held = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    return {n.output[0]: (held[n.input[1]], held[n.input[2]]) for n in graph.node
            if n.op_type == "DequantizeLinear" and len(n.input) == 3}


def test_it_says_what_the_quantized_model_holds(digits, tmp_path):
    got = json.loads(run("convert", "-c", digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out"), "--json",
                         "--log", "none", want=DONE, cwd=tmp_path).out)
    info = json.loads((tmp_path / "out/digits_quant_info.json").read_text())
    assert info["march"] == got["march"] and info["calibration_method"] == got["method"]
    assert [n["name"] for n in info["nodes"]] == [n["node"] for n in got["nodes"]]
    for said, row in zip(info["nodes"], got["nodes"]):
        assert all(said[k] == row[k] for k in ("type", "on", "dtype", "cosine", "cosine_min", "cosine_mean"))
    stored = stored_scales(tmp_path / "out/digits_quantized_model.onnx")
    tensors = [t for n in info["nodes"] for t in n["inputs"] + n["outputs"] if t["name"] in stored]
    assert len(tensors) > 20 and any(len(t["scale"]) > 1 and t["axis"] == 0 for t in tensors)
    for t in tensors:
        scale, zero = stored[t["name"]]
        np.testing.assert_allclose(t["scale"], np.atleast_1d(scale), rtol=1e-8)
        assert np.array_equal(t["zero_point"], np.atleast_1d(zero)) and t["dtype"] == str(zero.dtype)


def test_float_tensors_have_no_scale(digits, tmp_path):
    config = digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    on_cpu = "model_parameters:\n  node_info: {'conv_2': {'ON': 'CPU'}}"
    config.write_text(config.read_text().replace("model_parameters:", on_cpu))
    run("convert", "-c", config, "--log", "none", want=DONE, cwd=tmp_path)
    nodes = json.loads((tmp_path / "out/digits_quant_info.json").read_text())["nodes"]
    (conv,) = (n for n in nodes if n["name"] == "conv_2")
    assert conv["on"] == "CPU"
    assert all(t["dtype"] == "float32" and "scale" not in t for t in conv["inputs"][1:])
