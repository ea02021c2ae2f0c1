"""Messages name what is wrong where the user wrote it, and what to do."""
import json
import re
import shutil

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper, numpy_helper

# two columns that only meet where the width is even
CONCAT = [helper.make_node("MaxPool", ["x"], ["a"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
          helper.make_node("Conv", ["x", "w"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
          helper.make_node("Concat", ["a", "b"], ["y"], "join", axis=1)]


def configured(folder, nodes, **keys):
    """A configuration with random data; the line of each key."""
    w = numpy_helper.from_array(np.ones((3, 3, 2, 2), np.float32), "w")
    g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 8, 8))],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [w])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(m, folder / "m.onnx")
    keys = {"input_name": "x", "input_type_train": "rgb", "input_type_rt": "rgb", **keys}
    lines = ["model_parameters:", "  onnx_model: 'm.onnx'", "input_parameters:",
             *(f"  {k}: '{v}'" for k, v in keys.items()),
             "calibration_parameters:", "  calibration_type: 'skip'", ""]
    (folder / "c.yaml").write_text("\n".join(lines))
    return {k: i + 4 for i, k in enumerate(keys)}


def problem(folder):
    err = tool.run("check", "-c", folder / "c.yaml", cwd=folder, want=tool.BAD_INPUT).err
    assert err.endswith("vernier check: 1 problem\n"), err
    return re.search(r"c\.yaml:(\d+):3: (\w+): (.*)", err).groups()


def test_a_shape_that_the_network_cannot_take(tmp_path):
    at = configured(tmp_path, CONCAT, input_shape="1x3x8x9")
    line, key, text = problem(tmp_path)
    assert (int(line), key) == (at["input_shape"], "input_shape")
    assert text.startswith("the network cannot take 1x3x8x9: join: dimension 3 of ") and "pass" not in text


@pytest.mark.parametrize("more", [{}, {"input_shape": "1x3x8x8"}])
def test_an_input_that_is_none(tmp_path, more):
    at = configured(tmp_path, CONCAT, **{"input_name": "image", **more})
    says = "the model has no input 'image'; it has 'x'"
    assert problem(tmp_path) == (str(at["input_name"]), "input_name", says)


def branch(op, name):
    return helper.make_graph([helper.make_node(op, ["x"], [name])], name, [],
                             [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])


def with_condition(folder, one, keepdims=0, **keys):
    """One branch or the other, as the sum of x is positive or not."""
    fork = helper.make_node("If", ["c"], ["y"], "fork", then_branch=branch(one, "p"),
                            else_branch=branch("Neg", "q"))
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], keepdims=keepdims),
             helper.make_node("Greater", ["m", "zero"], ["c"]), fork]
    configured(folder, nodes, **keys)
    m = onnx.load(folder / "m.onnx")
    m.graph.initializer.append(numpy_helper.from_array(np.float32(0), "zero"))
    onnx.save(m, folder / "m.onnx")


def test_a_condition_that_is_no_boolean(tmp_path):
    """The message names the node of the file, not what it is expanded to."""
    with_condition(tmp_path, "Exp")
    m = onnx.load(tmp_path / "m.onnx")
    m.graph.node[1].op_type = "Sub"
    onnx.save(m, tmp_path / "m.onnx")
    said = tool.run("check", tmp_path / "m.onnx", want=tool.BAD_INPUT).err
    assert "fork (If): the condition (c) is float32, expected bool" in said or \
        "fork: the condition (c) is float32, expected bool" in said


@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_condition_at_run_time(tmp_path, keepdims):
    """Both branches are computed, one of them is taken."""
    with_condition(tmp_path, "Exp", keepdims, input_type_train="featuremap", input_type_rt="featuremap",
                   norm_type="no_preprocess")
    tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", cwd=tmp_path, want=tool.DONE)
    out = tmp_path / "model_output"
    tool.run("verify", out / "model_quantized_model.onnx", out / "model.bin", want=tool.DONE)
    for x in (np.random.default_rng(1).uniform(0, 1, (1, 3, 8, 8)), np.full((1, 3, 8, 8), -0.5)):
        np.save(tmp_path / "x.npy", x.astype(np.float32))
        for model, slack in ((tmp_path / "m.onnx", 1e-5), (out / "model.bin", 0.03)):
            tool.run("run", model, "--input", tmp_path / "x.npy", "-o", tmp_path / "r", want=tool.DONE)
            want = np.exp(x) if x.sum() > 0 else -x
            assert np.abs(np.load(tmp_path / "r/y.npy") - want).max() <= slack


def test_branches_of_different_shapes(tmp_path):
    with_condition(tmp_path, "GlobalAveragePool")
    done = tool.run("check", tmp_path / "m.onnx", want=tool.BAD_INPUT)
    assert "the condition (c) is computed at run time, and the branches give results of different shapes: " \
           "1x3x1x1 and 1x3x8x8\n  try: export the model with a fixed condition" in done.err


def test_the_shape_that_is_advised(tmp_path):
    """Followed word by word."""
    configured(tmp_path, [helper.make_node("Relu", ["x"], ["y"])])
    m = onnx.load(tmp_path / "m.onnx")
    m.graph.input[0].type.tensor_type.shape.dim[3].dim_param = "width"
    onnx.save(m, tmp_path / "m.onnx")
    err = tool.run("init", tmp_path / "m.onnx", cwd=tmp_path, want=tool.BAD_INPUT).err
    name, shape = re.search(r"for example (\S+) (\S+)\n  try: --input-shape NAME SHAPE ", err).groups()
    assert (name, shape) == ("x", "1x3x8x224")
    tool.run("init", tmp_path / "m.onnx", "--input-shape", name, shape, cwd=tmp_path, want=tool.DONE)


def test_a_network_that_random_data_do_not_suit(tmp_path):
    """The logarithm of what is negative is no fault of the network."""
    configured(tmp_path, [helper.make_node("Log", ["x"], ["y"], "log")], input_type_train="featuremap",
               input_type_rt="featuremap")
    for words in ((tmp_path / "m.onnx",), ("-c", tmp_path / "c.yaml")):
        assert "y is infinite or not a number" in tool.run("check", *words, cwd=tmp_path, want=tool.DONE).out
    err = tool.run("convert", "-c", "c.yaml", "--log", "none", cwd=tmp_path, want=tool.CHECK_FAILED).err
    assert "output y: the float network yields infinite or NaN values for the calibration samples" in err
    assert "falls most at" not in err


def test_a_layout_that_does_not_fit(tmp_path):
    at = configured(tmp_path, CONCAT, input_layout_train="NHWC")
    line, key, text = problem(tmp_path)
    assert (int(line), key) == (at["input_layout_train"], "input_layout_train")
    assert "3 channels in NHWC layout" in text


def test_an_image_for_a_tensor(digits, tmp_path):
    """The steps that are advised have the input's size."""
    configured(tmp_path, CONCAT)
    done = tool.run("run", tmp_path / "m.onnx", "--input", digits.picture, want=tool.BAD_INPUT)
    assert "such as 'resize 8 8; normalise divide=255; layout NCHW'" in done.err


def test_align_of_a_featuremap(digits, tmp_path):
    at = configured(tmp_path, CONCAT, input_type_train="featuremap", input_type_rt="featuremap")
    np.save(tmp_path / "r.npy", np.ones((1, 3, 8, 8), np.float32))
    done = tool.run("align", "--yaml", tmp_path / "c.yaml", "--model", tmp_path / "m.onnx",
                    "--image", digits.picture, "--reference", tmp_path / "r.npy", want=tool.BAD_INPUT)
    assert f"c.yaml:{at['input_type_rt']}:3: input_type_rt: expected an image input type" in done.err


def test_no_image_is_right(digits, tmp_path):
    labels, images = tmp_path / "labels.txt", tmp_path / "images"
    lines = [line.split() for line in digits.labels.read_text().splitlines() if line]
    ones = [(name, int(c)) for name, c in lines if c == "1"][:20]
    images.mkdir()
    for name, _ in ones:
        shutil.copy(digits.held_out / name, images)

    def score(shift):
        labels.write_text("".join(f"{name} {c + shift}\n" for name, c in ones))
        return tool.run("eval", digits.bin, "--metric", "top_k", "--images", images,
                        "--labels", labels, "--k", "1", "--bootstrap", "0", want=tool.DONE).err
    assert "scores 0" not in score(0)
    assert "digits.bin scores 0: preprocessing differs from training, or the labels" in score(5)


# ---- several inputs, and inputs that are no images ----

def network(path, inputs, nodes, outputs=("y",)):
    """inputs: name, type and shape."""
    g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(*i) for i in inputs],
                          [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs],
                          [numpy_helper.from_array(np.ones((3, 3, 2, 2), np.float32) / 12, "w")])
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def pictures(folder, n=4):
    from PIL import Image
    folder.mkdir(parents=True)
    for i in range(n):
        x = np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(x).save(folder / f"{i}.png")


def test_an_image_and_an_array(tmp_path):
    """What init writes takes a folder of images and one of arrays."""
    inputs = [("x", TensorProto.FLOAT, (1, 3, 8, 8)), ("mask", TensorProto.FLOAT, (1, 3))]
    network(tmp_path / "m.onnx", inputs,
            [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("GlobalAveragePool", ["a"], ["b"]),
             helper.make_node("Flatten", ["b"], ["c"]), helper.make_node("Mul", ["c", "mask"], ["y"])])
    tool.run("init", "m.onnx", cwd=tmp_path, want=tool.DONE)
    pictures(tmp_path / "calibration_data/x")
    (tmp_path / "calibration_data/mask").mkdir()
    for i in range(4):
        np.save(tmp_path / f"calibration_data/mask/{i}.npy", np.float32([[1, i % 2, 0.5]]))
    done = tool.run("convert", "-c", "m.yaml", "--log", "none", cwd=tmp_path, want=tool.DONE)
    assert "duplicate" not in done.err + done.out  # masks may be the same
    files = ("m_output/m_original_float_model.onnx", "m_output/m.bin")
    folders = ("--images", "x=calibration_data/x", "--images", "mask=calibration_data/mask")
    done = tool.run("eval", *files, *folders, "--metric", "agreement", "--json", cwd=tmp_path, want=tool.DONE)
    assert json.loads(done.out)["samples"] == 4
    stacked = []
    for file in files:
        tool.run("run", file, *folders, "-o", "o", cwd=tmp_path, want=tool.DONE)
        stacked.append(np.load(tmp_path / "o/y.npy"))
        for i in range(4):  # each alone
            one = ("-i", f"x=calibration_data/x/{i}.png", "-i", f"mask=calibration_data/mask/{i}.npy")
            tool.run("run", file, *one, "-o", "one", cwd=tmp_path, want=tool.DONE)
            assert np.array_equal(np.load(tmp_path / "one/y.npy")[0], stacked[-1][i])
    done = tool.run("eval", *files, *folders, "--json", cwd=tmp_path, want=tool.DONE)
    likeness = json.loads(done.out)["models"][1]
    x, y = (s.astype(np.float64).reshape(4, -1) for s in stacked)
    cosine = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    assert abs(likeness["outputs"]["y"]["cosine_min"] - cosine.min()) < 1e-9
    for images in "'mask=calibration_data/mask; x=calibration_data/x'", \
                  "[mask=calibration_data/mask, x=calibration_data/x]":
        (tmp_path / "task.yaml").write_text(f"metric: outputs\nimages: {images}\n")
        tool.run("eval", *files, "--task", "task.yaml", cwd=tmp_path, want=tool.DONE)
    (tmp_path / "calibration_data/mask/3.npy").unlink()
    for command in ("run", "eval"):
        model = files[-1:] if command == "run" else files
        for more, words in (([folders[1]], "has 2 inputs"), ([folders[1], folders[3]], "3 files, expected 4"),
                            ([folders[1], "z=calibration_data/x"], "has no input 'z'")):
            data = [w for f in more for w in ("--images", f)]
            err = tool.run(command, *model, *data, cwd=tmp_path, want=range(1, 4)).err
            assert words in err or (command == "run" and "input mask has no folder" in err), err
    done = tool.run("debug", "sensitivity", "m_output/m_calibrated_model.onnx", "calibration_data/x",
                    cwd=tmp_path, want=tool.USAGE)
    assert "calibration_data/x: the network has 2 inputs: expected a folder for each" in done.err


def test_init_knows_the_type_of_bytes(tmp_path):
    """Of an input that takes uint8; and no advice about colours where there are none."""
    network(tmp_path / "m.onnx", [("x", TensorProto.UINT8, (1, 3, 8, 8))],
            [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)])
    tool.run("init", "m.onnx", cwd=tmp_path, want=tool.DONE)
    text = (tmp_path / "m.yaml").read_text()
    assert "cal_data_type: 'uint8'" in text and "rgb or bgr" not in text and "pixel in" not in text


def test_an_option_is_not_near_by_its_dashes():
    err = tool.run("debug", "sensitivity", "m.onnx", "data", "--images", "data", want=tool.USAGE).err
    assert "unknown option '--images'\n" in err


def test_outputs_without_a_batch(tmp_path):
    """They are stacked along a new axis, as are those of one element without axes."""
    network(tmp_path / "m.onnx", [("x", TensorProto.FLOAT, (1, 3, 8, 8))],
            [helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0, 2, 3]),
             helper.make_node("ReduceMax", ["x"], ["z"], keepdims=0)], ("y", "z"))
    (tmp_path / "data").mkdir()
    x = np.random.default_rng(2).uniform(-1, 1, (4, 1, 3, 8, 8)).astype(np.float32)
    for i in range(4):
        np.save(tmp_path / f"data/{i}.npy", x[i])
    tool.run("run", "m.onnx", "--images", "data", "-o", "r", cwd=tmp_path, want=tool.DONE)
    assert np.array_equal(np.load(tmp_path / "r/y.npy"), x.transpose(0, 2, 1, 3, 4))
    assert np.array_equal(np.load(tmp_path / "r/z.npy"), x.max((1, 2, 3, 4)))




def test_random_data_have_no_files(tmp_path):
    """calibration_type skip: flow verifies the program, and reports show the worst samples."""
    configured(tmp_path, [helper.make_node("Conv", ["x", "w"], ["a"]),
                          helper.make_node("Relu", ["a"], ["y"])])
    tool.run("convert", "-c", "c.yaml", "--report", "r.html", cwd=tmp_path, want=tool.DONE)
    assert "4 of 5 checked, PASSED" in tool.run("flow", "-c", "c.yaml", cwd=tmp_path, want=tool.DONE).out
