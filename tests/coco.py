"""COCO's metric by pycocotools, to compare `vernier eval` with; a detector and pictures for it."""
import contextlib
import io
import json

import numpy as np
import pytest


def with_pycocotools(truth, found, limits=(1, 10, 100), image_ids=None):
    coco, evaluate = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        gt = coco.COCO()
        gt.dataset = json.loads(json.dumps(truth))
        gt.createIndex()
        e = evaluate.COCOeval(gt, gt.loadRes(json.loads(json.dumps(found))), "bbox")
        e.params.maxDets = list(limits)
        if image_ids is not None:
            e.params.imgIds = image_ids
        e.evaluate()
        e.accumulate()
        e.summarize()
    return e.stats


def values(model):
    """The twelve numbers of a model, as pycocotools gives them."""
    return [-1 if s["value"] is None else s["value"] / 100 for s in model["scores"].values()]


# ---- a detector whose answers are known ----


def save_seeing_net(path, units, extra=0):
    """A network that finds the one bright rectangle of its input and says its corners, each `extra` pixels
    further out."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper
    h, w = 48, 64
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["score"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["score", "one"], ["scores"]),
    ]
    for axis, other in (("x", 2), ("y", 3)):
        nodes += [
            helper.make_node("ReduceMax", ["x"], ["line" + axis], axes=[1, other], keepdims=0),
            helper.make_node("Greater", ["line" + axis, "half"], ["bright" + axis]),
            helper.make_node("Cast", ["bright" + axis], ["float" + axis], to=TensorProto.FLOAT),
        ]
        for last in (0, 1):
            nodes += [
                helper.make_node(
                    "ArgMax", ["float" + axis], [f"arg{axis}{last}"], axis=1, select_last_index=last
                ),
                helper.make_node("Cast", [f"arg{axis}{last}"], [f"at{axis}{last}"], to=TensorProto.FLOAT),
            ]
    nodes += [
        helper.make_node("Concat", ["atx0", "aty0", "atx1", "aty1"], ["corners"], axis=1),
        helper.make_node("Add", ["corners", "out"], ["pixels"]),
        helper.make_node("Mul", ["pixels", "unit"], ["scaled"]),
        helper.make_node("Reshape", ["scaled", "four"], ["boxes"]),
    ]
    values = {
        "half": np.float32(0.55),
        "one": np.array([1, 1, 1]),
        "four": np.array([1, 1, 4]),
        "out": np.array([[0, 0, 1, 1]], np.float32)
        + np.array([-1, -1, 1, 1], np.float32) * np.float32(extra),
        "unit": np.array([[1, 1, 1, 1]] if units == "pixels" else [[1 / w, 1 / h, 1 / w, 1 / h]], np.float32),
    }
    info = lambda n, s: helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
    graph = helper.make_graph(
        nodes,
        "g",
        [info("x", [1, 3, h, w])],
        [info("scores", [1, 1, 1]), info("boxes", [1, 1, 4])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in values.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


SIZE, RECTANGLE = (180, 140), (60, 50, 40, 32)  # of the pictures as shown; x, y, width, height


def save_rectangles(folder):
    """One picture for each orientation, all the same when they are shown."""
    from PIL import Image
    (folder / "images").mkdir()
    x, y, w, h = RECTANGLE
    shown = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    shown[y:y + h, x:x + w] = 255
    shown, undo = Image.fromarray(shown), {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        (shown.transpose(undo[orientation]) if orientation > 1 else shown).save(
            folder / f"images/{orientation}.png", exif=exif
        )
    truth = {
        "images": [
            {"id": i, "file_name": f"{i}.png", "width": SIZE[0], "height": SIZE[1]} for i in range(1, 9)
        ],
        "categories": [{"id": 1}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": RECTANGLE, "area": w * h, "iscrowd": 0}
            for i in range(1, 9)
        ],
    }
    (folder / "truth.json").write_text(json.dumps(truth))
