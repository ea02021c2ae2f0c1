"""vernier eval --metric miou against NumPy, SciPy and OpenCV."""


import numpy as np
import pytest

import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

CLASSES = 4


def save_net(path, rng, arg_max=False):
    weight = rng.normal(size=(CLASSES, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2])]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CLASSES, 12, 16])
    if arg_max:
        nodes.append(helper.make_node("ArgMax", ["y"], ["z"], axis=1, keepdims=0))
        out = helper.make_tensor_value_info("z", TensorProto.INT64, [1, 12, 16])
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 24, 32])],
        [out],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def raised(x, height, width):
    def taps(n, m):
        at = (np.arange(m) + 0.5) * n / m - 0.5
        low = np.floor(at).astype(int)
        return low.clip(0, n - 1), (low + 1).clip(0, n - 1), at - low
    a, b, w = taps(x.shape[1], height)
    x = x[:, a] * (1 - w)[:, None] + x[:, b] * w[:, None]
    a, b, w = taps(x.shape[2], width)
    return x[:, :, a] * (1 - w) + x[:, :, b] * w


@pytest.fixture(scope="module")
def segmentation(tmp_path_factory):
    """Random images with random labels (9 does not count), a network, and what it gives in onnxruntime."""
    Image, ort = pytest.importorskip("PIL.Image"), pytest.importorskip("onnxruntime")
    folder, rng = tmp_path_factory.mktemp("seg"), np.random.default_rng(5)
    (folder / "images").mkdir(), (folder / "labels").mkdir()
    model = save_net(folder / "net.onnx", rng)
    session, cases = ort.InferenceSession(model), []
    for i in range(5):
        rgb = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        label = rng.choice([0, 1, 3, 9], size=(30, 45)).astype(np.uint8)
        Image.fromarray(rgb).save(folder / f"images/{i}.png")
        Image.fromarray(label).save(folder / f"labels/{i}.png")
        x = ((rgb.astype(np.float32) - 127) * 0.01).transpose(2, 0, 1)[None].astype(np.float32)
        cases.append((session.run(None, {"x": x})[0][0], label))
    return folder, model, cases


def want_miou(cases, size=None, best=None):
    from PIL import Image
    table = np.zeros((10, 10))
    for logits, label in cases:
        if size:
            label = np.asarray(Image.fromarray(label).resize(size, Image.NEAREST))
        found = raised(logits.astype(float), *label.shape).argmax(0)
        np.add.at(table, (label, found), 1)
    table[9] = 0
    hit, either = np.diag(table), table.sum(0) + table.sum(1) - np.diag(table)
    return 100 * (hit[either > 0] / either[either > 0]).mean(), 100 * hit.sum() / table.sum()


FEEDING = ("--colours", "rgb", "--mean", "127", "--scale", "0.01")


@pytest.mark.parametrize("size", [None, (32, 24), (17, 11)])
def test_miou(segmentation, size):
    folder, model, cases = segmentation
    result = tool.evaluate(
        model,
        "--metric",
        "miou",
        "--images",
        folder / "images",
        "--labels",
        folder / "labels",
        "--ignore",
        9,
        *FEEDING,
        *(["--label-size", "%dx%d" % size] if size else []),
    )
    scores = result["models"][0]["scores"]
    assert (scores["mIoU"]["value"], scores["pixel accuracy"]["value"]) == pytest.approx(
        want_miou(cases, size), abs=1e-9
    )


def test_miou_of_class_numbers(segmentation, tmp_path):
    folder, _, cases = segmentation
    rng = np.random.default_rng(5)
    model = save_net(tmp_path / "net.onnx", rng, arg_max=True)
    args = (
        "--metric",
        "miou",
        "--images",
        folder / "images",
        "--labels",
        folder / "labels",
        "--ignore",
        9,
        "--label-size",
        "16x12",
        *FEEDING,
    )
    scores = tool.evaluate(model, *args)["models"][0]["scores"]
    assert scores["mIoU"]["value"] == pytest.approx(want_miou(cases, (16, 12))[0], abs=1e-9)


def prepared(rgb, steps):
    """(what the network gets, 2 x 3 matrix from there to the picture), by OpenCV and NumPy"""
    cv2 = pytest.importorskip("cv2")
    h, w = rgb.shape[:2]
    if steps.startswith("letterbox"):
        r = min(32 / w, 24 / h)
        nw, nh = round(w * r), round(h * r)
        left, top = (32 - nw) // 2, (24 - nh) // 2
        x = cv2.copyMakeBorder(
            cv2.resize(rgb, (nw, nh)),
            top,
            24 - nh - top,
            left,
            32 - nw - left,
            cv2.BORDER_CONSTANT,
            value=(114,) * 3,
        )
        return x, [[w / nw, 0, -left * w / nw], [0, h / nh, -top * h / nh]]
    if steps.startswith("crop"):
        return rgb[3:27, 5:37], [[1, 0, 5], [0, 1, 3]]
    m = np.array([[0.8, 0.1, -3], [-0.2, 0.9, 5]])
    back = cv2.invertAffineTransform(m)
    back[:, 2] += 0.5 - 0.5 * back[:, :2].sum(1)
    return cv2.warpAffine(rgb, m, (32, 24)), back


@pytest.mark.parametrize(
    "steps",
    [
        "letterbox 32 24 library=opencv",
        "crop 5 3 32 24",
        "warp 0.8 0.1 -3 -0.2 0.9 5 size=32,24 version=4.10",
    ],
)
@pytest.mark.parametrize("arg_max", [False, True])
def test_miou_leads_labels_through_the_pipeline(tmp_path, steps, arg_max):
    """Label pixels are looked up where they are in the output, by SciPy's bilinear interpolation; those that
    are not in it do not count."""
    Image, ort, scipy = (
        pytest.importorskip("PIL.Image"),
        pytest.importorskip("onnxruntime"),
        pytest.importorskip("scipy.ndimage"),
    )
    (tmp_path / "images").mkdir(), (tmp_path / "labels").mkdir()
    rng = np.random.default_rng(8)
    model = save_net(tmp_path / "net.onnx", np.random.default_rng(5), arg_max)
    session, table = ort.InferenceSession(model), np.zeros((CLASSES, CLASSES))
    for i in range(4):
        rgb = rng.integers(0, 256, (30, 47, 3), dtype=np.uint8)
        label = rng.integers(0, CLASSES, (60, 94)).astype(np.uint8)
        Image.fromarray(rgb).save(tmp_path / f"images/{i}.png")
        Image.fromarray(label).save(tmp_path / f"labels/{i}.png")
        x, m = prepared(rgb, steps)
        out = session.run(
            None, {"x": ((x.astype(np.float32) - 127) * 0.01).transpose(2, 0, 1)[None].astype(np.float32)}
        )[0][0]
        v, u = (np.mgrid[:60, :94] + 0.5) / 2
        forth = np.linalg.inv(np.vstack([m, [0, 0, 1]]))
        u, v = (
            forth[0, 0] * u + forth[0, 1] * v + forth[0, 2],
            forth[1, 0] * u + forth[1, 1] * v + forth[1, 2],
        )
        seen = (u >= 0) & (v >= 0) & (u <= 32) & (v <= 24)
        if arg_max:
            found = out[np.clip(v / 2, 0, 11.99).astype(int), np.clip(u / 2, 0, 15.99).astype(int)]
        else:
            found = np.stack(
                [
                    scipy.map_coordinates(
                        c.astype(float), [v / 2 - 0.5, u / 2 - 0.5], order=1, mode="nearest"
                    )
                    for c in out
                ]
            ).argmax(0)
        np.add.at(table, (label[seen], found[seen]), 1)
    assert steps.startswith("letterbox") or not seen.all()
    hit, either = np.diag(table), table.sum(0) + table.sum(1) - np.diag(table)
    scores = tool.evaluate(
        model,
        "--metric",
        "miou",
        "--images",
        tmp_path / "images",
        "--labels",
        tmp_path / "labels",
        "--pipeline",
        steps,
        *FEEDING,
    )["models"][0]["scores"]
    assert scores["mIoU"]["value"] == pytest.approx(100 * (hit / either).mean(), abs=1e-9) and scores[
        "pixel accuracy"
    ]["value"] == pytest.approx(100 * hit.sum() / table.sum())


def test_labels_belong_to_the_picture_as_shown(tmp_path):
    """Pictures that a camera holds in another way: their labels are turned as a viewer turns the picture."""
    Image = pytest.importorskip("PIL.Image")
    (tmp_path / "images").mkdir(), (tmp_path / "labels").mkdir()
    nodes = [helper.make_node("Relu", ["x"], ["y"])]  # the class of a pixel: its strongest colour
    info = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, 24, 32])
    onnx.save(
        helper.make_model(
            helper.make_graph(nodes, "g", [info("x")], [info("y")]),
            opset_imports=[helper.make_opsetid("", 13)],
            ir_version=8,
        ),
        tmp_path / "net.onnx",
    )
    classes = np.kron(np.random.default_rng(2).integers(0, 3, (5, 7)), np.ones((12, 12), int)).astype(
        np.uint8
    )
    shown, undo = (
        Image.fromarray((np.eye(3)[classes] * 255).astype(np.uint8)),
        {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4},
    )
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        (shown.transpose(undo[orientation]) if orientation > 1 else shown).save(
            tmp_path / f"images/{orientation}.png", exif=exif
        )
        Image.fromarray(classes).save(tmp_path / f"labels/{orientation}.png")
    args = (
        tmp_path / "net.onnx",
        "--metric",
        "miou",
        "--images",
        tmp_path / "images",
        "--labels",
        tmp_path / "labels",
        "--colours",
        "rgb",
    )
    for steps in (), ("--pipeline", "letterbox 32 24"), ("--pipeline", "decode opencv; letterbox 32 24"):
        assert tool.evaluate(*args, *steps)["models"][0]["scores"]["pixel accuracy"]["value"] > (
            80 if steps else 85
        ), steps
    Image.fromarray(classes.T.copy()).save(tmp_path / "labels/6.png")
    assert (
        "6.png: the label image is 60 x 84, the image 84 x 60 after its EXIF"
        in tool.run("eval", *args, want=tool.BAD_INPUT).err
    )


def test_wrong_labels(segmentation, tmp_path):
    folder, model, _ = segmentation
    args = ("eval", model, "--metric", "miou", "--images", folder / "images", *FEEDING)
    assert (
        "label 9, expected a class from 0 to 3"
        in tool.run(*map(str, args), "--labels", folder / "labels", want=tool.BAD_INPUT).err
    )
    assert "no label image 0.png" in tool.run(*map(str, args), "--labels", tmp_path, want=tool.BAD_INPUT).err
    assert "requires --labels" in tool.run(*map(str, args), want=tool.USAGE).err
    assert (
        "not a segmentation"
        in tool.run(
            "eval",
            tool.ROOT / "examples/digits/digits.onnx",
            "--metric",
            "miou",
            "--images",
            folder / "images",
            "--labels",
            folder / "labels",
            "--colours",
            "gray",
            want=tool.BAD_INPUT,
        ).err
    )


def test_the_normalised_tensor_must_be_described(segmentation):
    folder, model, _ = segmentation
    assert (
        "--colours, --mean and --scale"
        in tool.run("eval", model, model, "--images", folder / "images", want=tool.USAGE).err
    )
    assert (
        "does not match rgb images with 2 mean"
        in tool.run(
            "eval",
            model,
            model,
            "--images",
            folder / "images",
            "--colours",
            "rgb",
            "--mean",
            "1 2",
            want=tool.BAD_INPUT,
        ).err
    )
    assert (
        "expected rgb, bgr or gray"
        in tool.run(
            "eval", model, model, "--images", folder / "images", "--colours", "hsv", want=tool.USAGE
        ).err
    )


def test_a_pipeline_may_go_on_to_the_tensor(segmentation, tmp_path):
    """Steps up to the normalised tensor in place of --colours, --mean and --scale."""
    folder, model, cases = segmentation
    args = ("--metric", "miou", "--images", folder / "images", "--labels", folder / "labels", "--ignore", 9)
    steps = "normalise mean=127 scale=0.01; layout NCHW"
    assert tool.evaluate(model, *args, "--pipeline", steps) == tool.evaluate(model, *args, *FEEDING)
    assert tool.evaluate(
        model, *args, "--pipeline", "swap; normalise mean=127 scale=0.01; layout CHW"
    ) != tool.evaluate(model, *args, *FEEDING)
    assert (
        "remove one of the two"
        in tool.run("eval", model, *map(str, args), "--pipeline", steps, *FEEDING, want=tool.USAGE).err
    )
    for steps, message in (
        ("normalise mean=127 scale=0.01", "the pipeline yields float32 of shape 24x32x3, input x requires"),
        ("resize 32 20; layout NCHW; dtype float32", "requires 1x3x24x32"),
        ("resize 32 24", "yields uint8 pixels"),
        ("resize 32 24; layout NCHW", "yields uint8 pixels"),
    ):
        assert (
            message
            in tool.run(
                "eval", model, *map(str, args), "--pipeline", steps, want=(tool.USAGE, tool.BAD_INPUT)
            ).err
        )
