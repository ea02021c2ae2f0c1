"""vernier eval on the real models: detectors against a decoding of their outputs written here, with
onnxruntime; the others' scores."""

import json

import numpy as np
import pytest

import shared_models as sm
import tool
from coco import values, with_pycocotools

pytestmark = pytest.mark.skipif(sm.missing() is not None, reason=str(sm.missing()))
cv2 = pytest.importorskip("cv2")
ort = pytest.importorskip("onnxruntime")

PRIORS = "8: 10 16 24; 16: 32 48; 32: 64 96; 64: 128 192 256"
FORMS = {
    "rfb320_with_boxes": ("--form", "corners", "--scores", "scores", "--boxes", "boxes", "--first-class", 1),
    "rfb320": (
        "--form",
        "priors",
        "--scores",
        "scores",
        "--boxes",
        "boxes",
        "--first-class",
        1,
        "--priors",
        PRIORS,
    ),
    "fastestdet": ("--form", "grid"),
}
FEEDING = {
    "rfb320": ("--colours", "rgb", "--mean", 127, "--scale", 0.0078125),
    "fastestdet": ("--colours", "bgr", "--scale", 1 / 255),
}
FEEDING["rfb320_with_boxes"] = FEEDING["rfb320"]


def priors():
    out = []
    for level in PRIORS.split(";"):
        stride, sizes = level.split(":")
        stride, sizes = int(stride), [int(v) for v in sizes.split()]
        for y in range(-(-240 // stride)):
            for x in range(-(-320 // stride)):
                out += [[(x + .5) * stride / 320, (y + .5) * stride / 240, s / 320, s / 240] for s in sizes]
    return np.clip(np.array(out), 0, 1)


def corners(cx, cy, w, h):
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1)


def decode(name, out):
    """(boxes relative to the picture, scores, classes), all candidates"""
    if name == "fastestdet":
        v = out["758"][0].astype(np.float64)
        n = v.shape[1]
        gy, gx = np.mgrid[:n, :n]
        size = 1 / (1 + np.exp(-v[3:5]))
        boxes = corners((np.tanh(v[1]) + gx) / n, (np.tanh(v[2]) + gy) / n, *size)
        return (
            boxes.reshape(-1, 4),
            (v[0] ** 0.6 * v[5:].max(0) ** 0.4).reshape(-1),
            v[5:].argmax(0).reshape(-1),
        )
    boxes = out["boxes"][0].astype(np.float64)
    if name == "rfb320":
        p = priors()
        size = p[:, 2:] * np.exp(boxes[:, 2:] * 0.2)
        boxes = corners(*(p[:, :2] + boxes[:, :2] * 0.1 * p[:, 2:]).T, *size.T)
    return boxes, out["scores"][0][:, 1].astype(np.float64), np.zeros(len(boxes), int)


def detect(name, pictures, score_min, iou):
    """Detections as COCO has them, from onnxruntime, NumPy and OpenCV."""
    from PIL import Image
    model, found = sm.MODELS[name], []
    session = ort.InferenceSession(model.file)
    h, w = session.get_inputs()[0].shape[2:]
    for k, path in enumerate(pictures):
        x = sm.picture_pixels(path, w, h).transpose(2, 0, 1)[None].astype(np.float64)
        x = model.normalise(x[:, ::-1] if model.train == "bgr" else x)
        out = dict(
            zip([o.name for o in session.get_outputs()], session.run(None, {session.get_inputs()[0].name: x}))
        )
        boxes, scores, classes = decode(name, out)
        boxes = boxes * (Image.open(path).size * 2)
        for c in sorted(set(classes[scores > score_min])):
            b, s = boxes[classes == c], scores[classes == c]
            b = np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], 1)
            for i in np.asarray(cv2.dnn.NMSBoxes(b, s.astype(np.float32), score_min, iou)).reshape(-1):
                found.append(
                    {
                        "image_id": k + 1,
                        "category_id": int(c) + 1,
                        "bbox": [float(v) for v in b[i]],
                        "score": float(s[i]),
                    }
                )
    return found


def annotations(pictures, found, classes):
    """The float model's confident detections as truth."""
    from PIL import Image

    images = [
        {"id": k + 1, "file_name": p.name, "width": Image.open(p).size[0], "height": Image.open(p).size[1]}
        for k, p in enumerate(pictures)
    ]
    sure = [d for d in found if d["score"] > 0.5]
    return {
        "images": images,
        "categories": [{"id": c + 1} for c in range(classes)],
        "annotations": [
            {**d, "id": i + 1, "area": d["bbox"][2] * d["bbox"][3], "iscrowd": 0} for i, d in enumerate(sure)
        ],
    }


@pytest.mark.parametrize("name", FORMS)
def test_detectors(name, products, tmp_path):
    model, pictures = sm.MODELS[name], sm.MODELS[name].pictures()
    found = detect(name, pictures, 0.3, 0.45)
    truth = annotations(pictures, found, 80 if name == "fastestdet" else 1)
    assert len(truth["annotations"]) >= 5
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    folder = model.pictures()[0].parent
    files = [model.file, products(name).onnx("quantized"), products(name).bin]
    done = tool.run(
        "eval",
        *files,
        "--metric",
        "coco",
        "--images",
        folder,
        "--labels",
        tmp_path / "truth.json",
        "--nms",
        "opencv",
        "--score-min",
        "0.3",
        "--max-boxes",
        "1000",
        "--json",
        "--results",
        tmp_path / "out",
        *map(str, FORMS[name] + FEEDING[name]),
        want=tool.DONE,
        build=tool.BUILD,
        timeout=600,
    )
    models = json.loads(done.out)["models"]

    ours = json.loads((tmp_path / "out" / (model.file.name + ".json")).read_text())
    place = lambda d: (d["image_id"], d["category_id"], -d["score"])
    assert len(ours) == len(found)
    for a, b in zip(sorted(ours, key=place), sorted(found, key=place)):
        assert place(a) == pytest.approx(place(b), abs=2e-4) and a["bbox"] == pytest.approx(
            b["bbox"], abs=0.1
        )
    for file, m in zip(files, models):
        written = json.loads((tmp_path / "out" / (file.name + ".json")).read_text())
        assert values(m) == pytest.approx(list(with_pycocotools(truth, written)), abs=1e-9)
    quantized, integer = (m["scores"]["AP50"]["value"] for m in models[1:])
    assert models[0]["scores"]["AP"]["value"] == pytest.approx(100) and integer > 80 and integer == quantized
