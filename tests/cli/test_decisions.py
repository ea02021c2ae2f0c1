"""Along which axis of an output decisions lie, and what integer outputs are judged by."""
import json
import re

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto as T, helper as h, numpy_helper as nh

YAML = """model_parameters: {onnx_model: m.onnx, output_model_file_prefix: m, working_dir: out}
input_parameters: {input_name: x, input_type_train: featuremap, input_type_rt: featuremap}
calibration_parameters: {cal_data_dir: x, cal_data_type: float32, calibration_type: max}
"""


def make(folder, *behind, kind=T.FLOAT):
    """A convolution from 3 to 5 channels at 6 x 6 places, and the nodes behind it; 10 samples."""
    random = np.random.default_rng(1)
    w = random.normal(size=(5, 3, 1, 1)).astype(np.float32)
    nodes = [h.make_node("Conv", ["x", "w"], ["c" if behind else "y"], "conv"), *behind]
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 6, 6])],
                     [h.make_tensor_value_info("y", kind, None)],
                     [nh.from_array(w, "w"), nh.from_array(np.int64([1, 5, 36]), "shape")])
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), folder / "m.onnx")
    (folder / "m.yaml").write_text(YAML)
    (folder / "x").mkdir()
    for i in range(10):
        np.save(folder / f"x/{i}.npy", random.normal(size=(1, 3, 6, 6)).astype(np.float32))
    tool.run("convert", "-c", "m.yaml", "--log", "none", cwd=folder, want=tool.DONE)


def outputs(folder):
    """Of the float network and of the program, for all samples."""
    for model, to in (("m.onnx", "f"), ("out/m.bin", "q")):
        tool.run("run", model, "--images", "x", "-o", to, cwd=folder, want=tool.DONE)
    return np.load(folder / "f/y.npy"), np.load(folder / "q/y.npy")


def found(folder, *args):
    return json.loads(tool.run(*args, "--json", cwd=folder, want=tool.DONE).out)


def agreements(folder, *axis):
    """What eval and compare say, of all samples."""
    data = "m.onnx", "out/m.bin", "--images", "x"
    scores = found(folder, "eval", *data, "--metric", "agreement", *(("--axis", *axis) if axis else ()))
    rows = found(folder, "compare", *data, *(("--decision-axis", *axis) if axis else ()))["tensors"]
    return (scores["models"][1]["scores"]["agreement"]["value"] / 100,
            next(t for t in rows if t["tensor"] == "y")["agreement"])


BEHIND = {
    "channels": [],
    "last": [h.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1])],
    "rows": [h.make_node("Reshape", ["c", "shape"], ["r"]),
             h.make_node("Transpose", ["r"], ["t"], perm=[0, 2, 1]), h.make_node("LeakyRelu", ["t"], ["y"])],
    "time first": [h.make_node("Reshape", ["c", "shape"], ["r"]),
                   h.make_node("Transpose", ["r"], ["t"], perm=[2, 0, 1]),
                   h.make_node("LogSoftmax", ["t"], ["y"], axis=-1)],
}


@pytest.mark.parametrize("case,axis,other", [("channels", 1, 2), ("last", 3, 1), ("rows", 2, 1),
                                             ("time first", 2, 0)])
def test_the_network_says_the_axis(tmp_path, case, axis, other):
    make(tmp_path, *BEHIND[case])
    x, y = outputs(tmp_path)
    if case == "time first":  # files are stacked along an axis of their own
        axis, other = 3, 1
    want, wrong = (np.mean(x.argmax(a) == y.argmax(a)) for a in (axis, other))
    assert 0.9 < want <= 1 and want != wrong
    assert agreements(tmp_path) == pytest.approx((want, want), abs=1e-6)
    given = str(other - (case == "time first"))
    assert agreements(tmp_path, given) == pytest.approx((wrong, wrong), abs=1e-6)


def test_a_concat_of_classes_decides_nothing(tmp_path):
    """A box, its score and its classes side by side: the largest of them means nothing."""
    split = [h.make_node("Sigmoid", ["c"], ["s"]), h.make_node("Concat", ["c", "s"], ["t"], axis=1),
             h.make_node("Transpose", ["t"], ["y"], perm=[0, 2, 3, 1])]
    make(tmp_path, *split)
    data = "eval", "m.onnx", "out/m.bin", "--images", "x", "--metric", "agreement"
    done = tool.run(*data, cwd=tmp_path, want=tool.USAGE)
    assert "output y concatenates results of several nodes" in done.err and "set --form" in done.err
    assert found(tmp_path, *data, "--axis", "3")["models"][1]["scores"]["agreement"]["value"] > 90
    tune = "tune", "-c", "m.yaml", "--plans", "2"
    done = tool.run(*tune, "--latency-ratio", "2", cwd=tmp_path, want=tool.DONE)
    assert "y: concatenates results of several nodes along its class axis: it has no decisions" in done.err
    assert "agreement" not in done.out.split("Best:")[1]
    assert found(tmp_path, *tune, "--latency-ratio", "2")["plans"][0]["agreement"] is None
    along = found(tmp_path, *tune, "--latency-ratio", "2", "--decision-axis", "3")
    assert along["plans"][0]["agreement"] > 0.9
    done = tool.run(*tune, "--max-drop", "1", cwd=tmp_path, want=tool.USAGE)
    assert "no output has decisions that max_drop could limit" in done.err
    text = (tmp_path / "m.yaml").read_text().replace("type: max", "type: default")
    (tmp_path / "m.yaml").write_text(text)
    done = tool.run("convert", "-c", "m.yaml", cwd=tmp_path, want=tool.DONE)
    assert "y has no decisions" in done.out + done.err


def test_classes_are_judged_by_what_they_come_from(tmp_path):
    make(tmp_path, h.make_node("ArgMax", ["c"], ["y"], axis=1, keepdims=0), kind=T.INT64)
    x, y = outputs(tmp_path)
    sensitivity = "debug", "sensitivity", "out/m_calibrated_model.onnx", "x"
    for row in found(tmp_path, *sensitivity, "-m", "sqnr")["rows"]:
        assert row["sqnr"] < 60  # of the logits: classes alone would not differ
    text = tool.run("eval", "m.onnx", "out/m.bin", "--images", "x", "--metric", "agreement", cwd=tmp_path).out
    assert re.search(r"Score +Value, % +Difference", text)
    done = tool.run(*sensitivity, "-o", "y", cwd=tmp_path, want=tool.USAGE)
    assert "output y is int64 and is judged by the last float tensors" in done.err
    row = next(t for t in found(tmp_path, "compare", "m.onnx", "out/m.bin", "--images", "x")["tensors"] if
               t["tensor"] == "y")
    assert row["cosine"] is None and row["sqnr"] is None
    assert abs(row["agreement"] - np.mean(x == y)) < 1e-6
    want = tool.DONE if np.array_equal(x, y) else tool.CHECK_FAILED
    tool.run("compare", "m.onnx", "out/m.bin", "--images", "x", "-t", "cosine=0.5", cwd=tmp_path, want=want)
    likeness = found(tmp_path, "eval", "m.onnx", "out/m.bin", "--images", "x")["models"][1]["outputs"]["y"]
    assert likeness["cosine_mean"] is None and likeness["sqnr_db"] is None
    steps = {s["step"]: s for s in found(tmp_path, "flow", "-c", "m.yaml")["steps"]}
    assert "c: cosine 0.99" in steps["quantized"]["why"]
    plans = found(tmp_path, "tune", "-c", "m.yaml", "--latency-ratio", "9", "--plans", "3")["plans"]
    assert plans[0]["loss"] == 1 and 10 < plans[0]["sqnr"] < 60 and min(p["loss"] for p in plans) < 0.5


def test_classes_across_a_quantization(tmp_path):
    """A class that differs is no failure: the share of equal ones is held against --min-cosine."""
    make(tmp_path, h.make_node("ArgMax", ["c"], ["y"], axis=1, keepdims=0), kind=T.INT64)
    x, y = outputs(tmp_path)
    share = np.mean(x == y)
    assert 0.9 < share < 1
    for least, want in ((share - 0.001, tool.DONE), (share + 0.001, tool.CHECK_FAILED)):
        done = tool.run("verify", "m.onnx", "out/m.bin", "--images", "x", "--min-cosine", f"{least:.9g}",
                        cwd=tmp_path, want=want)
        assert f"(every output's cosine, and share of equal integers, at least {least:.9g})" in done.out


def test_a_cosine_of_one_element_says_nothing(tmp_path):
    make(tmp_path, h.make_node("ReduceMean", ["c"], ["y"], keepdims=0))
    out = tool.run("convert", "-c", "m.yaml", "--log", "none", cwd=tmp_path, want=tool.DONE).out
    assert "output y has one element: its cosine is always 1 or -1" in out and "worst sample" not in out
    sensitivity = "debug", "sensitivity", "out/m_calibrated_model.onnx", "x"
    out = tool.run(*sensitivity, cwd=tmp_path, want=tool.DONE).out
    assert "1 output of one element: the cosine is always 1 or -1; see --metric sqnr" in out
