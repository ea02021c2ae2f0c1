"""Names of files that would move the cursor, colour or forge lines are printed escaped, by every command."""
import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

EVIL = "\x1b[2J\x1b]0;owned\x07\rvernier: fine\n\x9b31m\x7f"
ALLOWED = {"\n", "\t"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    rng = np.random.default_rng(0)
    weight = numpy_helper.from_array(rng.standard_normal((4, 1, 3, 3)).astype(np.float32), "w" + EVIL)
    info = lambda name, shape: [helper.make_tensor_value_info(name + EVIL, TensorProto.FLOAT, shape)]
    nodes = [helper.make_node("Conv", ["x" + EVIL, "w" + EVIL], ["c" + EVIL], "conv" + EVIL),
             helper.make_node("Softmax", ["c" + EVIL], ["y" + EVIL], "soft" + EVIL)]
    g = helper.make_graph(nodes, "g" + EVIL, info("x", [1, 1, 5, 5]), info("y", [1, 4, 3, 3]), [weight])
    path = tmp_path_factory.mktemp("evil") / "m.onnx"
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    m.metadata_props.append(onnx.StringStringEntryProto(key="k" + EVIL, value="v" + EVIL))
    path.write_bytes(m.SerializeToString())
    return path


def harmless(done):
    for text in (done.out, done.err):
        bad = {c for c in text if (ord(c) < 32 or 127 <= ord(c) < 160) and c not in ALLOWED}
        assert not bad and "\nvernier: fine" not in text, (bad, text)
    return done


def test_every_command(tmp_path, model):
    out = tmp_path / "out"
    assert "conv\\x1b[2J" in harmless(tool.run("check", model, "--march", "bernoulli2", want=tool.DONE)).out
    harmless(tool.run("info", model, want=tool.DONE))
    np.save(tmp_path / "x.npy", np.zeros((1, 1, 5, 5), np.float32))
    harmless(tool.run("run", model, "--input", tmp_path / "x.npy", want=tool.DONE))
    text = f"""model_parameters:
  onnx_model: '{model}'
  working_dir: 'out'
  node_info: 'nothing:int16'
input_parameters:
  input_type_train: featuremap
  input_type_rt: featuremap
calibration_parameters:
  calibration_type: skip
"""
    (tmp_path / "c.yaml").write_text(text)
    harmless(tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.BAD_INPUT))
    (tmp_path / "c.yaml").write_text(text.replace("  node_info: 'nothing:int16'\n", ""))
    harmless(tool.run("convert", "-c", tmp_path / "c.yaml", "--log", tmp_path / "log"))
    assert "\x1b" not in (tmp_path / "log").read_text()
    harmless(tool.run("info", out / "model.bin", want=tool.DONE))
    harmless(tool.run("verify", out / "model_quantized_model.onnx", out / "model.bin", "--all"))
    harmless(tool.run("perf", out / "model.bin", "--seconds", "0.1"))


def test_in_configurations(tmp_path):
    for text in ("model_parameters:\n  \"march\\e[31m\": x\n", "model_parameters:\n  march: \"\\e[31m\"\n",
                 "\"\\e]0;x\\a\": 1\n"):
        (tmp_path / "c.yaml").write_text(text)
        harmless(tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.BAD_INPUT))
