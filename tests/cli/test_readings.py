"""How eval reads outputs: forms of boxes, functions of scores, strides, exchanged axes; against NumPy."""
import json

import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
Image = pytest.importorskip("PIL.Image")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

HEIGHT, WIDTH, SCALE = 64, 96, 2  # of the input; the image is twice as large
FEEDING = ("--colours", "rgb", "--scale", "1")


def save_constants(path, outputs):
    """A network whose outputs are these, whatever it reads."""
    info = helper.make_tensor_value_info
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0),
             helper.make_node("Mul", ["m", "zero"], ["n"])]
    nodes += [helper.make_node("Add", ["n", k + "_"], [k]) for k in outputs]
    constants = {"zero": np.float32(0), **{k + "_": v.astype(np.float32) for k, v in outputs.items()}}
    graph = helper.make_graph(nodes, "g", [info("x", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])],
                              [info(k, TensorProto.FLOAT, v.shape) for k, v in outputs.items()],
                              [numpy_helper.from_array(v, k) for k, v in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def found(folder, outputs, *options, want=tool.DONE):
    """Rows of score, category, x, y, width, height; in the input's pixels."""
    save_constants(folder / "n.onnx", outputs)
    (folder / "images").mkdir(exist_ok=True)
    Image.new("RGB", (SCALE * WIDTH, SCALE * HEIGHT)).save(folder / "images/a.png")
    truth = {"images": [{"id": 1, "file_name": "a.png", "width": SCALE * WIDTH, "height": SCALE * HEIGHT}],
             "annotations": [], "categories": [{"id": 1}, {"id": 2}, {"id": 3}]}
    (folder / "t.json").write_text(json.dumps(truth))
    done = tool.run("eval", folder / "n.onnx", "--metric", "coco", "--nms", "none", "--images",
                    folder / "images", "--labels", folder / "t.json", "--results", folder / "r", *FEEDING,
                    *options, want=want)
    if want != tool.DONE:
        return done.err
    boxes = json.loads((folder / "r/n.onnx.json").read_text())
    return sorted([d["score"], d["category_id"], *(x / SCALE for x in d["bbox"])] for d in boxes)


def rows(boxes, scores, least=0.01):
    """The same of centres, sizes and scores of classes: the best class of each box."""
    found = [[s.max(), s.argmax() + 1, x - w / 2, y - h / 2, w, h] for (x, y, w, h), s in zip(boxes, scores)]
    return sorted(r for r in found if r[0] > least)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


FUNCTIONS = {"none": lambda x: x, "sigmoid": sigmoid, "softmax": softmax}


@pytest.fixture
def drawn():
    """Boxes in pixels of the input, objectness, classes."""
    r = np.random.default_rng(4)
    return r.uniform(10, 40, (9, 4)), r.uniform(0.1, 1, (9, 1)), r.uniform(0.1, 1, (9, 3))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_decoded_rows(tmp_path, drawn, function):
    boxes, objects, classes = drawn
    f = FUNCTIONS[function]
    right = rows(boxes, (objects if function == "none" else sigmoid(objects)) * f(classes))
    whole = np.concatenate([boxes, objects, classes], 1)[None]
    options = ("--units", "pixels", "--activation", function)
    assert np.allclose(found(tmp_path, {"y": whole}, "--form", "yolov5", *options), right, atol=1e-4)
    columns = np.concatenate([boxes, classes], 1).T[None]
    assert np.allclose(found(tmp_path, {"y": columns}, "--form", "yolov8", *options), rows(boxes, f(classes)),
                       atol=1e-4)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_scores_of_two_outputs(tmp_path, drawn, function):
    boxes, _, classes = drawn
    scores = FUNCTIONS[function](classes)
    every = sorted(r for c in range(3) for r in rows(boxes, np.where(np.arange(3) == c, scores, -1)))
    got = found(tmp_path, {"s": classes[None], "b": boxes[None]}, "--form", "centers", "--scores", "s",
                "--boxes", "b", "--units", "pixels", "--activation", function)
    assert len(got) == 27 and np.allclose(got, every, atol=1e-4)


def test_y_first(tmp_path, drawn):
    boxes, _, classes = drawn
    turned = boxes[:, [1, 0, 3, 2]]
    options = ("--form", "centers", "--scores", "s", "--boxes", "b", "--units", "pixels")
    straight = found(tmp_path, {"s": classes[None], "b": boxes[None]}, *options)
    assert straight == found(tmp_path, {"s": classes[None], "b": turned[None]}, *options, "--axes", "yx")
    relative = turned / np.array([HEIGHT, WIDTH] * 2)
    assert np.allclose(straight, found(tmp_path, {"s": classes[None], "b": relative[None]}, *options[:-1],
                                       "relative", "--axes", "yx"), atol=1e-3)


def cells(strides):
    return [(x, y, s) for s in strides for y in range(HEIGHT // s) for x in range(WIDTH // s)]


@pytest.mark.parametrize("strides, axes", [((8, 16), "xy"), ((32, 16, 8), "xy"), ((8, 16, 32), "yx")])
def test_grids(tmp_path, strides, axes):
    """Cells of any strides, row by row or column by column."""
    r, grid = np.random.default_rng(3), cells(strides)
    if axes == "yx":
        grid = [(y, x, s) for s in strides for y in range(WIDTH // s) for x in range(HEIGHT // s)]
    out = r.uniform(0, 1, (1, len(grid), 8))
    boxes = [((v[a] + x) * s, (v[1 - a] + y) * s, np.exp(v[2 + a]) * s, np.exp(v[3 - a]) * s)
             for (x, y, s), v in zip(grid, out[0]) for a in [int(axes == "yx")]]
    got = found(tmp_path, {"y": out}, "--form", "yolox", "--strides", " ".join(map(str, strides)),
                "--axes", axes, "--score-min", "0.6", "--max-boxes", "1000")
    right = rows(boxes, out[0, :, 4:5] * out[0, :, 5:], 0.6)
    assert len(right) > 5 and np.allclose(got, right, atol=1e-3)


@pytest.mark.parametrize("options, message", [
    (("--form", "yolov9"), "expected corners, centers, priors, grid, yolox, yolov5 or yolov8, got 'yolov9'"),
    (("--form", "yolov5", "--activation", "tanh"), "activation: expected none, sigmoid or softmax"),
    (("--form", "yolov5", "--axes", "zx"), "axes: expected xy or yx, got 'zx'"),
    (("--form", "yolox", "--strides", "0"), "strides: expected numbers from 1"),
    (("--form", "yolox", "--strides", "64"), "expected 1 x 1 x (5 + CLASSES) for strides 64"),
    (("--form", "yolov8", "--output", "flat"), "expected 1 x (4 + CLASSES) x BOXES"),
])
def test_wrong_settings(tmp_path, options, message):
    outputs = {"y": np.zeros((1, 4, 8)), "flat": np.zeros((1, 8))}
    output = () if "--output" in options else ("--output", "y")
    assert message in found(tmp_path, outputs, *options, *output, want=(tool.USAGE, tool.BAD_INPUT))


@pytest.mark.parametrize("numbers", [False, True])
def test_turned_masks(tmp_path, numbers):
    """WIDTH x HEIGHT instead of HEIGHT x WIDTH: the same with axes: yx."""
    r = np.random.default_rng(6)
    label = r.integers(0, 3, (HEIGHT, WIDTH))
    (tmp_path / "images").mkdir(), (tmp_path / "labels").mkdir()
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "images/a.png")
    Image.fromarray(label.astype(np.uint8)).save(tmp_path / "labels/a.png")
    mask = label.T[None] if numbers else (np.arange(3)[:, None, None] == label.T[None])[None] * 5.0
    save_constants(tmp_path / "n.onnx", {"y": mask})
    right = {}
    for axes in ("xy", "yx"):
        done = tool.run("eval", tmp_path / "n.onnx", "--metric", "miou", "--images", tmp_path / "images",
                        "--labels", tmp_path / "labels", *FEEDING, "--axes", axes, "--json", want=tool.DONE)
        right[axes] = json.loads(done.out)["models"][0]["scores"]["pixel accuracy"]["value"]
    assert right["yx"] == 100 and right["xy"] < 60
