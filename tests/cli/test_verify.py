"""vernier verify where a node chooses: what it chooses depends on the last bits of its inputs."""
import numpy as np
import onnx
import tool
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

YAML = """model_parameters:
  onnx_model: 'm.onnx'
  march: 'generic'
  output_model_file_prefix: 'm'
  working_dir: 'out'
input_parameters:
  input_name: 'x'
  input_type_train: 'featuremap'
  input_layout_train: 'NCHW'
  input_type_rt: 'featuremap'
  norm_type: 'no_preprocess'
calibration_parameters:
  cal_data_dir: 'cal'
  cal_data_type: 'float32'
  calibration_type: 'max'
compiler_parameters:
  optimize_level: 'O3'
"""


def near_ties(folder):
    """Every number twice, as 0.1 x + 0.2 x and as 0.3 x, sorted; a table gives each place another value."""
    rng = np.random.default_rng(0)
    inits = {"w": rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * 0.2, "k1": np.float32(0.1), "k2": np.float32(0.2), "k3": np.float32(0.3),
             "k": np.array([64], np.int64), "shape": np.array([1, 32], np.int64), "table": np.arange(64, dtype=np.float32) * 10}
    nodes = [h.make_node("Conv", ["x", "w"], ["a"], "conv"), h.make_node("Reshape", ["a", "shape"], ["f"], "flat"), h.make_node("Mul", ["f", "k1"], ["p1"], "p1"),
             h.make_node("Mul", ["f", "k2"], ["p2"], "p2"), h.make_node("Add", ["p1", "p2"], ["p"], "p"), h.make_node("Mul", ["f", "k3"], ["q"], "q"),
             h.make_node("Concat", ["p", "q"], ["pq"], "pq", axis=1), h.make_node("TopK", ["pq", "k"], ["top", "places"], "topk"),
             h.make_node("Gather", ["table", "places"], ["y"], "pick")]
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 4, 4])], [h.make_tensor_value_info("y", T.FLOAT, [1, 64])],
                     [nh.from_array(np.asarray(v), k) for k, v in inits.items()])
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 13)], ir_version=8), folder / "m.onnx")
    (folder / "cal").mkdir()
    for i in range(4):
        rng.standard_normal((1, 3, 4, 4)).astype(np.float32).tofile(folder / f"cal/{i}.bin")
    (folder / "m.yaml").write_text(YAML)


def test_choices_are_held_against_their_own_inputs(tmp_path):
    near_ties(tmp_path)
    tool.run("convert", "-c", tmp_path / "m.yaml", want=tool.DONE)
    model, program = tmp_path / "out/m_quantized_model.onnx", tmp_path / "out/m.bin"
    reference = tmp_path / "reference"
    for what, flags, folder in (model, ["--reference"], reference), (program, [], tmp_path / "program"):
        tool.run("run", what, *flags, "--input", tmp_path / "cal/0.bin", "--output-dir", folder, want=tool.DONE)
    assert not np.array_equal(np.load(reference / "y.npy"), np.load(tmp_path / "program/y.npy")), "the ties do not differ any more: the test says nothing"
    done = tool.run("verify", model, program, want=tool.DONE)
    assert "3 integer tensors: 480 integers compared, 0 different" in done.out and "PASSED" in done.out
