"""Networks at the edges of the format: constants as outputs, inputs as outputs, dynamic shapes, one layer
alone."""

import os
import subprocess

import numpy as np
import pytest

import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper

WEIGHT = np.linspace(-1, 1, 4 * 3 * 3 * 3, dtype=np.float32).reshape(4, 3, 3, 3)


def vernier(*words, cwd, **more):
    return subprocess.run([tool.BUILD / "vernier", *words], cwd=cwd, capture_output=True, text=True, **more)


def save(folder, outputs, height=8):
    info = helper.make_tensor_value_info
    shapes = {"x": [1, 3, height, 8], "y": [1, 4, None, 6], "w": [4, 3, 3, 3]}
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="c")],
        "g",
        [info("x", TensorProto.FLOAT, shapes["x"])],
        [info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        [numpy_helper.from_array(WEIGHT, "w")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "m.onnx"
    )
    (folder / "m.yaml").write_text("""
model_parameters: {onnx_model: m.onnx, output_model_file_prefix: m, working_dir: out}
input_parameters: {input_type_train: featuremap, input_type_rt: featuremap, input_layout_train: NCHW}
calibration_parameters: {calibration_type: skip}
""")


@pytest.mark.parametrize("outputs", [["y"], ["y", "w"]])
def test_float_results_are_verified(tmp_path, outputs):
    save(tmp_path, outputs)
    assert vernier("convert", "-c", "m.yaml", "--log", "none", cwd=tmp_path).returncode == 0
    done = vernier("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path)
    assert done.returncode == 0 and "PASSED" in done.stdout
    done = vernier("run", "out/m.bin", "--output-dir", "r", "--dump-all", cwd=tmp_path)
    assert done.returncode == 0
    assert sorted(f.name for f in (tmp_path / "r").glob("*.npy")) == sorted(f"{name}.npy" for name in outputs)


def test_names_that_become_the_same_file(tmp_path):
    """a/b, a:b and a_b are three outputs, and three files; a long name is cut."""
    names = ["a/b", "a_b", "a:b", ".c", "n" * 300]
    info = helper.make_tensor_value_info
    nodes = [helper.make_node("Mul", ["x", f"k{i}"], [n]) for i, n in enumerate(names)]
    graph = helper.make_graph(
        nodes,
        "g",
        [info("x", TensorProto.FLOAT, [1, 2])],
        [info(n, TensorProto.FLOAT, [1, 2]) for n in names],
        [numpy_helper.from_array(np.float32([i + 2]), f"k{i}") for i in range(len(names))],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.float32([[1, 10]]))
    done = vernier(
        "run",
        "m.onnx",
        "--input",
        "x.npy",
        "--output-dir",
        "r",
        "--dump-all",
        cwd=tmp_path,
        env={**os.environ, "VERNIER_SAVE_IO": str(tmp_path / "io")},
    )
    assert done.returncode == 0, done.stderr
    files = ["a_b", "a_b-2", "a_b-3", "_.c", "n" * 200]
    for i, f in enumerate(files):
        assert np.array_equal(np.load(tmp_path / "r" / f"{f}.npy"), np.float32([[1, 10]]) * (i + 2)), f
    assert (
        len(list((tmp_path / "io").glob("*.npy"))) == len(names) + 1
        and len(list((tmp_path / "r/tensors").glob("*.npy"))) == len(names) + 1
    )  # and x


@pytest.mark.parametrize(
    "op,shape,index,message",
    [
        ("ReverseSequence", [4, 2], [9, 1], "length out of range of the time axis"),
        ("ReverseSequence", [4, 2], [-1, 1], "length out of range of the time axis"),
        ("Gather", [4, 2], [4], "out of range"),
        ("GatherElements", [4, 2], [[-5, 0]], "out of range"),
        ("ScatterElements", [4, 2], [[7, 0]], "out of range"),
    ],
)
@pytest.mark.parametrize("way", [[], ["--reference"]], ids=["runtime", "reference"])
def test_data_that_an_operator_refuses(tmp_path, op, shape, index, message, way):
    info = helper.make_tensor_value_info
    index = np.array(index, np.int64)
    more = (
        [numpy_helper.from_array(np.zeros(index.shape, np.float32), "u")] if op == "ScatterElements" else []
    )
    node = helper.make_node(op, ["x", "i", *[m.name for m in more]], ["y"], name="chooser")
    graph = helper.make_graph(
        [node],
        "g",
        [info("x", TensorProto.FLOAT, shape), info("i", TensorProto.INT64, index.shape)],
        [info("y", TensorProto.FLOAT, None)],
        more,
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        tmp_path / "m.onnx",
    )
    np.save(tmp_path / "i.npy", index)
    done = vernier("run", "m.onnx", "--input", "i=i.npy", *way, cwd=tmp_path)
    assert done.returncode == 3 and "chooser" in done.stderr and message in done.stderr, (
        done.returncode,
        done.stderr,
    )


def test_init_with_a_dynamic_height(tmp_path):
    save(tmp_path, ["y"], height="h")
    (tmp_path / "m.yaml").unlink()
    assert "set input_shape" in vernier("init", "m.onnx", cwd=tmp_path).stderr
    assert vernier("init", "m.onnx", "--input-shape", "x", "1x3x10x8", cwd=tmp_path).returncode == 0
    assert "input_shape: '1x3x10x8'" in (tmp_path / "m.yaml").read_text()


def test_why_nothing_can_be_quantized(tmp_path):
    save(tmp_path, ["y"])
    target = "description: none\nisa: []\nzero_points: symmetric\nfloat_tail: yes\noperators:\n  Relu: {types: [int8]}\n"
    (tmp_path / "none.yaml").write_text(target)
    done = vernier("check", "m.onnx", "--march", "none.yaml", cwd=tmp_path)
    assert done.returncode == 0 and "WARNING" in done.stderr
    assert "c (Conv): march none does not compute Conv in integers" in done.stderr
