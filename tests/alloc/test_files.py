"""A file that could be read before cannot be read again: `vernier convert` says which."""
import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper, numpy_helper

SHIM = tool.BUILD / "tests/libfailing_open.so"
YAML = """
model_parameters: {onnx_model: m.onnx, output_model_file_prefix: m, working_dir: out}
input_parameters: {input_type_train: featuremap, input_type_rt: featuremap, input_layout_train: NCHW}
calibration_parameters: {calibration_type: TYPE}
"""


@pytest.fixture
def net(tmp_path):
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 4, 4]) for name in "xy")
    weight = numpy_helper.from_array(np.linspace(-1, 1, 4, dtype=np.float32).reshape(2, 2, 1, 1), "w")
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="c")]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y], [weight]), ir_version=8,
                              opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(model, tmp_path / "m.onnx")
    (tmp_path / "data").mkdir()
    for i in range(4):
        values = np.random.default_rng(i).normal(size=(1, 2, 4, 4))
        values.astype(np.float32).tofile(tmp_path / f"data/{i}.raw")
    (tmp_path / "m.yaml").write_text(YAML.replace("TYPE", "max, cal_data_dir: data, cal_data_type: float32"))
    return tmp_path


def convert(folder, **env):
    return tool.run("convert", "-c", "m.yaml", "--log", "none", cwd=folder, build=tool.BUILD, env=env)


def hashes(path):
    return {p.key: p.value for p in onnx.load(path).metadata_props if p.key.endswith(".hash")}


@pytest.mark.parametrize("file", ["m.onnx", "m.yaml", "data/0.raw"])
def test_file_that_cannot_be_hashed(net, file):
    """Whichever opening of the file fails, also that for its hash, the conversion ends and names it."""
    for after in range(20):
        done = convert(net, LD_PRELOAD=str(SHIM), VN_FAIL_OPEN=file, VN_FAIL_AFTER=str(after))
        if done.status == tool.DONE:
            break
        assert done.status == tool.BAD_INPUT and f"{file}: cannot open" in done.err, str(done)
    assert done.status == tool.DONE and after >= 2 # opened to be read, and again for its hash
    found = hashes(net / "out/m_quantized_model.onnx")
    assert sorted(found) == ["calibration.hash", "config.hash", "model.hash"]
    assert "0" * 16 not in found.values()


def test_no_hash_of_random_data(net):
    (net / "m.yaml").write_text(YAML.replace("TYPE", "skip"))
    assert convert(net).status == tool.DONE
    found = hashes(net / "out/m_quantized_model.onnx")
    assert sorted(found) == ["config.hash", "model.hash"] and "0" * 16 not in found.values()
