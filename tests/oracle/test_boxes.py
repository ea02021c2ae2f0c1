"""Boxes against the libraries themselves: pycocotools' metric, torchvision.ops.nms, cv2.dnn.NMSBoxes."""
import json
import subprocess

import numpy as np
import pytest

import pictures
import tool
from coco import RECTANGLE, SIZE, save_rectangles, save_seeing_net, values, with_pycocotools

# ---- suppression ----


def boxes_like_a_detectors(rng, n):
    """Corners of boxes in crowds, some exactly equal, some empty; float32 values, scores with ties."""
    center = rng.uniform(0, 300, (max(n // 8, 1), 2))[rng.integers(0, max(n // 8, 1), n)] + rng.normal(
        0, 6, (n, 2)
    )
    size = rng.uniform(20, 80, (n, 2)) * rng.choice([1, 1, 1, 1, 0], (n, 1))
    b = np.concatenate([center - size / 2, center + size / 2], 1).astype(np.float32)
    if n > 3:
        b[n // 2] = b[n // 3]
    return b, (rng.integers(1, 60, n) / 64).astype(np.float32)


def our_nms(rule, boxes, scores, iou, score_min=0):
    text = "\n".join(" ".join(repr(float(v)) for v in (*b, s)) for b, s in zip(boxes, scores))
    done = subprocess.run(
        [tool.SANITIZED / "tests/boxtool", rule, repr(float(iou)), repr(float(score_min))],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(v) for v in done.stdout.split()]


TORCHVISION = """
import sys, numpy as np, torch, torchvision
x = np.load(sys.argv[1])
n = lambda k: torchvision.ops.nms(torch.from_numpy(x["b" + k]), torch.from_numpy(x["s" + k]), float(x["t" + k])).numpy()
np.savez(sys.argv[2], **{k[1:]: n(k[1:]) for k in x if k[0] == "b"})
"""


def nms_cases():
    rng = np.random.default_rng(11)
    return [
        (*boxes_like_a_detectors(rng, n), iou)
        for n in (1, 2, 7, 60, 400)
        for iou in (0.0, 0.3, 0.45, 0.5, 0.7, 1.0)
        for _ in range(3)
    ]


def test_nms_torchvision(tmp_path):
    cases = nms_cases()
    arrays = {f"{k}{i}": np.asarray(v) for i, c in enumerate(cases) for k, v in zip("bst", c)}
    want = pictures.with_torchvision(TORCHVISION, arrays, tmp_path)
    for i, (b, s, iou) in enumerate(cases):
        assert our_nms("torchvision", b, s, iou) == list(want[str(i)]), (len(b), iou)


@pytest.mark.parametrize("score_min", [0.0, 0.25, 0.5])
def test_nms_opencv(score_min):
    cv2 = pytest.importorskip("cv2")
    for b, s, iou in nms_cases():
        b = b.astype(np.float64)
        want = cv2.dnn.NMSBoxes(np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], 1), s, score_min, iou)
        assert our_nms("opencv", b, s, iou, score_min) == list(np.asarray(want).reshape(-1)), (len(b), iou)


def test_the_two_rules_differ():
    """An empty box overlaps nothing in torchvision (0 / 0), everything empty in OpenCV; OpenCV asks for a
    score above the least."""
    b, s = [(5, 5, 5, 5), (9, 9, 9, 9)], [0.5, 0.4]
    assert our_nms("torchvision", b, s, 0.5) == [0, 1] and our_nms("opencv", b, s, 0.5) == [0]
    assert our_nms("none", b, s, 0.5, 0.45) == [0, 1] and our_nms("opencv", [b[0]], [0.5], 0.5, 0.5) == []


# ---- COCO's metric ----

NAMES = [
    "AP",
    "AP50",
    "AP75",
    "APsmall",
    "APmedium",
    "APlarge",
    "AR1",
    "AR10",
    "AR100",
    "ARsmall",
    "ARmedium",
    "ARlarge",
]


def made_up(seed, images=30, categories=7):
    """Annotations and detections: crowds, all sizes, equal scores, categories without truths or without
    detections, ids out of order."""
    rng = np.random.default_rng(seed)
    ids = [int(v) for v in rng.permutation(1000)[:images]]
    cats = [int(v) for v in rng.permutation(90)[:categories] + 1]
    truth = {
        "images": [{"id": i, "width": 640, "height": 480, "file_name": f"{i}.jpg"} for i in ids],
        "categories": [{"id": c, "name": str(c)} for c in cats],
        "annotations": [],
    }
    found = []
    for i in ids:
        for _ in range(rng.integers(0, 9)):
            w, h = (float(v) for v in np.exp(rng.uniform(1.5, 5.8, 2)))
            x, y = float(rng.uniform(0, 640 - w / 2)), float(rng.uniform(0, 480 - h / 2))
            category = int(rng.choice(cats[:-1]))
            area = w * h * float(rng.uniform(0.4, 1))
            truth["annotations"].append(
                {
                    "id": len(truth["annotations"]) + 1,
                    "image_id": i,
                    "category_id": category,
                    "bbox": [x, y, w, h],
                    "area": area,
                    "iscrowd": int(rng.random() < 0.12),
                }
            )
            for _ in range(rng.integers(0, 4)):
                d = rng.normal(0, 0.12, 4)
                box = [x + d[0] * w, y + d[1] * h, w * np.exp(d[2]), h * np.exp(d[3])]
                found.append(
                    {
                        "image_id": i,
                        "category_id": category if rng.random() < 0.9 else int(rng.choice(cats)),
                        "bbox": [float(v) for v in box],
                        "score": round(float(rng.random()), 2),
                    }
                )
        for _ in range(rng.integers(0, 130) if rng.random() < 0.2 else 2):
            found.append(
                {
                    "image_id": i,
                    "category_id": int(rng.choice(cats)),
                    "bbox": [float(v) for v in rng.uniform(0, 300, 4)],
                    "score": round(float(rng.random()) / 2, 2),
                }
            )
    rng.shuffle(found)
    return truth, found


def save(folder, truth, *found):
    (folder / "truth.json").write_text(json.dumps(truth))
    files = []
    for i, f in enumerate(found):
        files.append(folder / f"found{i}.json")
        files[-1].write_text(json.dumps(f))
    return folder / "truth.json", files


def our_scores(truth, files, *options):
    args = [w for f in files for w in ("--detections", f)]
    done = tool.run(
        "eval", "--metric", "coco", "--labels", truth, *args, "--json", *map(str, options), want=tool.DONE
    )
    return json.loads(done.out)["models"]


@pytest.mark.parametrize("seed", range(6))
def test_coco_equals_pycocotools(tmp_path, seed):
    truth, found = made_up(seed)
    model, = our_scores(*save(tmp_path, truth, found))
    assert list(model["scores"]) == NAMES
    want = with_pycocotools(truth, found)
    assert values(model) == pytest.approx(list(want), abs=1e-9) and 0.05 < want[0] < 0.9


def test_coco_edges(tmp_path):
    """No truths of a size, a truth with the id 0, no detections at all, other limits."""
    truth, found = made_up(9, images=4)
    truth["annotations"] = [a for a in truth["annotations"] if a["area"] < 96 ** 2]
    truth["annotations"][0]["id"] = 0
    for f, limits in (found, (1, 10, 100)), (found[:1], (1, 10, 100)), (found, (2, 5, 100)):
        model, = our_scores(*save(tmp_path, truth, f), "--max-detections", " ".join(map(str, limits)))
        want = list(with_pycocotools(truth, f, limits))
        assert values(model) == pytest.approx(want, abs=1e-9)
        assert want[5] == -1
    empty, = our_scores(*save(tmp_path, truth, []))
    assert values(empty)[:3] == [0, 0, 0]


def test_rounding_is_that_of_python(tmp_path):
    truth, found = made_up(3)
    exact = [{**f, "bbox": [v + 0.00049 for v in f["bbox"]], "score": f["score"] + 0.0000049} for f in found]
    rounded = [{**f, "bbox": [round(v, 3) for v in f["bbox"]], "score": round(f["score"], 5)} for f in exact]
    path, files = save(tmp_path, truth, exact)
    got, = our_scores(path, files, "--round-boxes", 3, "--round-scores", 5, "--results", tmp_path / "out")
    assert values(got) == pytest.approx(list(with_pycocotools(truth, rounded)), abs=1e-9)
    written = json.loads((tmp_path / "out/found0.json").read_text())
    key = lambda d: (d["image_id"], d["category_id"], *d["bbox"], d["score"])
    assert sorted(map(key, written)) == sorted(map(key, rounded))


def test_interval_of_a_difference(tmp_path):
    """Resamples of pictures, counted by pycocotools with every drawn picture under an id of its own."""
    truth, found = made_up(1, images=8)
    truth["annotations"] = [
        a for a in truth["annotations"] if a["area"] < 96**2 and (a["area"] > 32**2 or a["id"] == 5)
    ]
    worse = [{**f, "bbox": [v * 1.04 for v in f["bbox"]]} for f in found]
    files = save(tmp_path, truth, found, worse)
    a, b = our_scores(*files, "--bootstrap", 12, "--seed", 4)
    assert [a, b] == our_scores(*files, "--bootstrap", 12, "--seed", 4, "--threads", 3)
    order = sorted(i["id"] for i in truth["images"])

    def drawn(pick, list_):
        return [{**d, "image_id": n} for n, k in enumerate(pick) for d in list_ if d["image_id"] == order[k]]

    differences = []
    for pick in tool.resamples(len(order), 12, 4):
        t = {
            **truth,
            "images": [{"id": n} for n in range(len(pick))],
            "annotations": [{**x, "id": i + 1} for i, x in enumerate(drawn(pick, truth["annotations"]))],
        }
        x, y = (np.array(with_pycocotools(t, drawn(pick, f))) for f in (worse, found))
        differences.append(
            np.where((x < 0) | (y < 0), np.nan, 100 * (x - y))
        )  # -1: not defined in this resample
    differences = np.array(differences)
    for k, name in enumerate(NAMES):
        score, defined = b["scores"][name], differences[np.isfinite(differences[:, k]), k]
        want = list(np.percentile(defined, [2.5, 97.5])) if len(defined) else [None, None]
        assert score["interval"] == pytest.approx(want, abs=1e-7), name
        assert score["difference"] == (
            None
            if score["value"] is None
            else pytest.approx(score["value"] - a["scores"][name]["value"], abs=1e-9)
        )
        assert "interval" not in a["scores"][name]
    assert (
        b["scores"]["APlarge"]["interval"] == [None, None]
        and 0 < np.isfinite(differences[:, NAMES.index("APsmall")]).sum() < 12
    )


# ---- boxes led back through the pipeline ----


def boxes_in_pictures(folder, net, units, *options, want=tool.DONE):
    done = tool.run(
        "eval",
        net,
        "--metric",
        "coco",
        "--images",
        folder / "images",
        "--labels",
        folder / "truth.json",
        "--form",
        "corners",
        "--scores",
        "scores",
        "--boxes",
        "boxes",
        "--colours",
        "rgb",
        "--scale",
        str(1 / 255),
        "--units",
        units,
        "--results",
        folder / "out",
        *options,
        want=want,
    )
    return done if want else json.loads((folder / "out" / (net.name + ".json")).read_text())


@pytest.mark.parametrize(
    "steps",
    [
        "resize 64 48",
        "letterbox 64 48",
        "letterbox 64 48 library=opencv position=bottom_right",
        "decode opencv; letterbox 64 48",
        "decode pillow orientation=apply; short_side 60; center_crop 64 48",
        "center_crop 128 128; resize 64 48",
        "orient 6; resize 64 48",
        "orient 3; letterbox 64 48",
        "pad 10 20 30 40; resize 64 48",
        "center_crop 128 128; warp 0.4 0.05 3 -0.05 0.4 4 size=64,48",
        "PadResizeTransformer((48, 64))",
        "short_side 48; center_crop 48; pad_to 64 48",
        "WarpAffine((48, 64), 1.1)",
    ],
)
@pytest.mark.parametrize("units", ["pixels", "relative"])
def test_boxes_come_back_from_any_pipeline(tmp_path, steps, units):
    save_rectangles(tmp_path)
    found = boxes_in_pictures(
        tmp_path,
        save_seeing_net(tmp_path / "net.onnx", units),
        units,
        *(["--pipeline", steps] if steps else []),
    )
    x, y, w, h = RECTANGLE
    assert [d["image_id"] for d in found] == list(range(1, 9))
    for d in found:
        bx, by, bw, bh = d["bbox"]
        assert np.abs([bx - x, by - y, bx + bw - x - w, by + bh - y - h]).max() < (
            9 if "0.05" in steps else 4.5
        ), (steps, d)  # a pixel of the input is up to 4 of the picture's


def test_boxes_may_be_clipped(tmp_path):
    save_rectangles(tmp_path)
    net = save_seeing_net(tmp_path / "net.onnx", "pixels", extra=40)
    args = ("--pipeline", "decode opencv; letterbox 64 48")
    free, clipped = (
        boxes_in_pictures(tmp_path, net, "pixels", *args, *more)[0]["bbox"]
        for more in ([], ["--clip", "yes"])
    )
    assert free[0] < -10 and free[1] < -10 and free[0] + free[2] > SIZE[0] + 10 and clipped == [0, 0, *SIZE]
    assert (
        "clip: expected no or yes, got '1'"
        in boxes_in_pictures(tmp_path, net, "pixels", "--clip", "1", want=tool.USAGE).err
    )


def test_boxes_must_be_numbers(tmp_path):
    save_rectangles(tmp_path)
    for extra in (1e30, np.inf, np.nan):
        net = save_seeing_net(tmp_path / "net.onnx", "pixels", extra=extra)
        assert (
            "1.png:" in (err := boxes_in_pictures(tmp_path, net, "pixels", want=tool.BAD_INPUT).err)
            and "expected numbers below 1e+12" in err
        )


def test_annotations_of_other_pictures(tmp_path):
    """Sizes that are not the picture's as shown: turned by 90 degrees, or another picture. A smaller copy is
    no matter."""
    save_rectangles(tmp_path)
    net, text = save_seeing_net(tmp_path / "net.onnx", "pixels"), (tmp_path / "truth.json").read_text()
    (tmp_path / "truth.json").write_text(
        text.replace('"width": 180, "height": 140', '"width": 140, "height": 180', 1)
    )
    assert (
        "1.png: the image is 180 x 140 after its EXIF orientation, but the annotations have 140 x 180"
        in boxes_in_pictures(tmp_path, net, "pixels", want=tool.BAD_INPUT).err
    )
    (tmp_path / "truth.json").write_text(text.replace('"2.png"', '"elsewhere/1.png"'))
    assert (
        "images 1 and 2 have the same file_name '1.png'"
        in boxes_in_pictures(tmp_path, net, "pixels", want=tool.BAD_INPUT).err
    )
    (tmp_path / "truth.json").write_text(
        text.replace('"width": 180, "height": 140', '"width": 1800, "height": 1400')
    )
    assert boxes_in_pictures(tmp_path, net, "pixels")[0]["bbox"] == pytest.approx(
        [10 * v for v in RECTANGLE], abs=45
    )


# ---- wrong files ----

GOOD = {"images": [{"id": 1, "width": 4, "height": 4}], "categories": [{"id": 1}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], "area": 4}]}
DETECTION = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], "score": 0.5}


def without(d, *keys):
    d = json.loads(json.dumps(d))
    at = d
    for k in keys[:-1]:
        at = at[k]
    del at[keys[-1]]
    return d


def changed(d, value, *keys):
    d = json.loads(json.dumps(d))
    at = d
    for k in keys[:-1]:
        at = at[k]
    at[keys[-1]] = value
    return d


@pytest.mark.parametrize(
    "truth, found, message",
    [
        (
            GOOD,
            [changed(DETECTION, 2, "image_id")],
            "detections[0]: image_id: the annotations have no image 2",
        ),
        (
            GOOD,
            [DETECTION, changed(DETECTION, [1, 2, 3], "bbox")],
            "detections[1]: bbox: expected [x, y, width, height]",
        ),
        (GOOD, [changed(DETECTION, [1, 2, -3, 4], "bbox")], "width and height not negative"),
        (GOOD, [changed(DETECTION, "x", "score")], "score: expected a number"),
        (GOOD, [changed(DETECTION, 1e300, "score")], "score: expected a number"),
        (GOOD, [without(DETECTION, "category_id")], "category_id: expected an integer"),
        (GOOD, {"a": 1}, "expected a list of detections"),
        (GOOD, [3], "expected an object"),
        (GOOD, "[1, 2", "not JSON"),
        (GOOD, "[" * 100000, "not JSON"),
        (GOOD, '{"a": 1, "a": 2}', "not JSON"),
        (GOOD, "", "not JSON"),
        (without(GOOD, "images"), [], 'no list "images"'),
        (changed(GOOD, 3, "annotations"), [], 'no list "annotations"'),
        (without(GOOD, "annotations", 0, "area"), [], "annotations[0]: area: expected a number"),
        (changed(GOOD, 1.5, "annotations", 0, "id"), [], "id: expected an integer"),
        (changed(GOOD, 1 << 60, "annotations", 0, "id"), [], "is out of range"),
        (changed(GOOD, GOOD["images"] * 2, "images"), [], "two images have the id 1"),
        (changed(GOOD, GOOD["categories"] * 2, "categories"), [], "two categories have the id 1"),
        ([], [], 'no list "images"'),
    ],
)
def test_wrong_json(tmp_path, truth, found, message):
    text = lambda x: x if isinstance(x, str) else json.dumps(x)
    (tmp_path / "t.json").write_text(text(truth))
    (tmp_path / "d.json").write_text(text(found))
    assert (
        message
        in tool.run(
            "eval",
            "--metric",
            "coco",
            "--labels",
            tmp_path / "t.json",
            "--detections",
            tmp_path / "d.json",
            want=tool.BAD_INPUT,
        ).err
    )


@pytest.mark.parametrize(
    "options, message",
    [
        (("--max-detections", "1 2"), "expected three numbers"),
        (("--max-detections", "5 2 1"), "rising numbers"),
        (("--metric", "top_k"), "metric top_k cannot read results from files"),
        (("--round-boxes", "99"), "round_boxes: expected an integer"),
    ],
)
def test_wrong_options(tmp_path, options, message):
    path, files = save(tmp_path, GOOD, [DETECTION])
    metric = () if "--metric" in options else ("--metric", "coco")
    assert (
        message
        in tool.run(
            "eval",
            *metric,
            "--labels",
            path,
            "--detections",
            files[0],
            *options,
            want=(tool.USAGE, tool.BAD_INPUT),
        ).err
    )
    again = tmp_path / "again"
    again.mkdir()
    twice = (
        "eval",
        "--metric",
        "coco",
        "--labels",
        path,
        "--detections",
        files[0],
        "--detections",
        again / files[0].name,
    )
    assert (
        "two models are named found0.json"
        in tool.run(*twice, "--results", tmp_path / "out", want=tool.USAGE).err
        and not (tmp_path / "out").exists()
    )
    assert (
        "but not both"
        in tool.run(
            "eval", "m.bin", "--metric", "coco", "--labels", path, "--detections", files[0], want=tool.USAGE
        ).err
    )
