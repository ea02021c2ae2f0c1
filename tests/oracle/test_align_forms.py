"""The forms of `vernier align`, python/vernier/trace.py, VERNIER_SAVE_IO, and the published example with
torchvision itself."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tool
from tool import BAD_INPUT, USAGE

pytest.importorskip("cv2")
pytest.importorskip("PIL.Image")
import cv2  # noqa: E402
import programs as p  # noqa: E402
from PIL import Image  # noqa: E402
from test_align import align, causes, explained, stages  # noqa: E402

trace = p.trace

TORCHVISION = """
import sys
sys.path.insert(0, sys.argv[1])
import torch, torchvision.transforms as T
from PIL import Image
from vernier import trace
trace.start(sys.argv[2])
for path in sys.argv[3:]:
    trace.picture(path)
    im = trace.save("read", Image.open(path).convert("RGB"))
    im = trace.save("resize", T.Resize((37, 45))(im))
    x = trace.save("tensor", T.ToTensor()(im))
    x = trace.save("normalize", T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])(x))
    trace.save("input", x[None])
"""


def ported(folder, pictures, resize):
    """The same program, ported: NumPy, and OpenCV or Pillow for the resize."""
    trace.start(folder)
    for path in pictures:
        trace.picture(path)
        x = trace.save("read", p.read_opencv(path))
        x = trace.save("resize", resize(x, (45, 37)))
        x = trace.save("tensor", p.chw(x.astype(np.float32) / np.float32(255)))
        m, s = (np.float32(v).reshape(3, 1, 1) for v in p.IMAGENET)
        x = trace.save("normalize", (x - m) / s)
        trace.save("input", x[None])
    return folder


def test_the_published_example(tmp_path):
    """transforms.Resize on a PIL picture (antialias) against cv2.resize (none); the right setting aligns
    every stage."""
    if subprocess.run(["/usr/bin/python3", "-c", "import torchvision"], capture_output=True).returncode:
        pytest.skip("Debian's python3-torchvision is not installed")
    pictures = p.pictures(tmp_path / "in", 3)
    done = subprocess.run(
        ["/usr/bin/python3", "-c", TORCHVISION, tool.ROOT / "python", tmp_path / "a", *pictures],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    b = ported(tmp_path / "b", pictures, p.opencv("LINEAR"))
    r = align(tmp_path / "a", b, want=1)
    assert [s["state"] for s in r["stages"]] == ["aligned", "unaligned", "follows", "follows", "follows"]
    assert causes(r) == {("resize", "resize library"), ("resize", "antialias")} and explained(r)
    why = stages(r)["resize"]["why"]["causes"][0]
    assert (
        why["left"].startswith("pillow bilinear with antialias")
        and why["right"] == "opencv linear without antialias"
    )
    text = tool.run("align", tmp_path / "a", b, want=1).out
    assert "follows from resize" in text and "max |d|" in text
    by_pass = lambda x, size: p.pillow("BILINEAR")(
        p.pillow("BILINEAR")(x, (size[0], x.shape[0])), size
    )  # Pillow below 13: the width first
    c = ported(tmp_path / "c", pictures, by_pass)
    assert align(tmp_path / "a", c, want=0)["unaligned"] == 0


# ---- a pipeline against a trace ----

PIPELINE = """steps:
  - decode: {library: pillow}
  - resize: {size: [45, 37], library: LIBRARY}
  - normalise: {divide: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
  - layout: NCHW
"""


def original(folder, pictures, resize):
    trace.start(folder)
    for path in pictures:
        trace.picture(path)
        x = trace.save("decode", p.read_pillow(path))
        x = trace.save("resize", resize(x, (45, 37)))
        x = trace.save("normalise", p.normalise(*p.IMAGENET)(x))
        x = trace.save("layout", p.chw(x)[None])
    return folder


def test_pipeline_against_a_trace(tmp_path):
    pictures = p.pictures(tmp_path / "in", 4, 6)
    t = original(tmp_path / "t", pictures, p.opencv("LINEAR"))
    for library, unaligned in ("pillow", 1), ("opencv", 0):
        (tmp_path / "p.yaml").write_text(PIPELINE.replace("LIBRARY", library))
        r = align("--pipeline", tmp_path / "p.yaml", "--trace", t, "--images", *pictures, want=unaligned)
        assert r["unaligned"] == unaligned and r["pictures"] == 6
        if unaligned:
            assert causes(r) == {("resize", "resize library"), ("resize", "antialias"), } and explained(r)
    (tmp_path / "p.yaml").write_text(PIPELINE.replace("LIBRARY", "pillow"))
    text = tool.run(
        "align", "--pipeline", tmp_path / "p.yaml", "--trace", t, "--images", *pictures, want=1
    ).out
    assert "p.yaml:3: resize: library, resize: antialias -> opencv linear without antialias" in text, text
    assert (
        "1 images, expected 6, one per folder of"
        in tool.run(
            "align", "--pipeline", tmp_path / "p.yaml", "--trace", t, "--images", pictures[0], want=USAGE
        ).err
    )


def test_pipeline_with_a_model(tmp_path):
    onnx = pytest.importorskip("onnx")
    ort = pytest.importorskip("onnxruntime")
    w = np.random.default_rng(1).normal(0, 0.1, (4, 3, 5, 5)).astype(np.float32)
    g = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["x", "w"], ["c"]),
            onnx.helper.make_node("GlobalAveragePool", ["c"], ["y"]),
        ],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 3, 37, 45])],
        [onnx.helper.make_tensor_value_info("y", 1, [1, 4, 1, 1])],
        [onnx.numpy_helper.from_array(w, "w")],
    )
    onnx.save(onnx.helper.make_model(g, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), tmp_path / "m.onnx")
    pictures = p.pictures(tmp_path / "in", 4)
    t = original(tmp_path / "t", pictures, p.opencv("LINEAR"))
    session = ort.InferenceSession(tmp_path / "m.onnx")
    for folder in t.iterdir():
        if folder.is_dir():
            np.save(folder / "infer.npy", session.run(None, {"x": np.load(folder / "layout.npy")})[0])
            (folder / "order.txt").write_text((folder / "order.txt").read_text() + "infer\n")
    for library, states in ("opencv", "aligned"), ("pillow", "follows"):
        (tmp_path / "p.yaml").write_text(PIPELINE.replace("LIBRARY", library))
        r = align(
            "--pipeline",
            tmp_path / "p.yaml",
            "--trace",
            t,
            "--model",
            tmp_path / "m.onnx",
            "--images",
            *pictures,
        )
        assert r["stages"][-1]["stage"] == "infer" and r["stages"][-1]["state"] == states


# ---- a conversion's configuration against one array ----

def recipe(x, mean, std):
    return p.chw((x.astype(np.float32) - np.float32(mean)) / np.float32(std))[None]


@pytest.mark.parametrize(
    "name,theirs,want",
    [
        ("the same", lambda x: recipe(x, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]), None),
        ("another mean", lambda x: recipe(x, [127.5] * 3, [127.5] * 3), {"mean and std"}),
        (
            "bgr",
            lambda x: recipe(p.swapped(x), [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
            {"channel order"},
        ),
        ("without /255", lambda x: recipe(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), {"missing /255"}),
    ],
)
def test_configuration_against_training(tmp_path, name, theirs, want):
    onnx = pytest.importorskip("onnx")
    g = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 3, 36, 44])],
        [onnx.helper.make_tensor_value_info("y", 1, [1, 3, 36, 44])],
    )
    onnx.save(onnx.helper.make_model(g, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), tmp_path / "m.onnx")
    picture = p.pictures(tmp_path / "in", 4, 1)[0]
    (tmp_path / "x.yaml").write_text(f"""model_parameters:
  onnx_model: m.onnx
  working_dir: out
input_parameters:
  input_type_train: rgb
  input_layout_train: NCHW
  input_type_rt: nv12
  norm_type: data_mean_and_scale
  mean_value: 123.675 116.28 103.53
  scale_value: 0.01712475 0.017507 0.01742919
calibration_parameters:
  cal_data_dir: {tmp_path / "in"}
  preprocess_on: True
  pipeline: 'resize 44 36 library=opencv'
  calibration_type: max
""")
    np.save(tmp_path / "t.npy", theirs(p.opencv("LINEAR")(p.read_pillow(picture), (44, 36))))
    words = [
        "--yaml",
        tmp_path / "x.yaml",
        "--model",
        tmp_path / "m.onnx",
        "--image",
        picture,
        "--reference",
        tmp_path / "t.npy",
    ]
    r = align(*words, want=0 if want is None else 1)
    assert [s["stage"] for s in r["stages"]] == ["input"]  # the steps of the other side were not recorded
    assert causes(r) == {("input", c) for c in want or ()}, r
    if name == "another mean":  # and another resize
        np.save(
            tmp_path / "t.npy",
            recipe(
                p.pillow("BILINEAR")(p.read_pillow(picture), (44, 36)),
                [123.675, 116.28, 103.53],
                [58.395, 57.12, 57.375],
            ),
        )
        assert causes(align(*words, want=1)) == {("input", "resize library"), ("input", "antialias")}


# ---- saving ----

def test_trace_takes_arrays_of_all_kinds(tmp_path):
    x = p.photograph(np.random.default_rng(0), 20, 30)

    class Tensor:  # what torch.Tensor offers
        def detach(self): return self
        def cpu(self): return self
        def numpy(self): return x

    for name, value in (
        ("numpy", x),
        ("pil", Image.fromarray(x)),
        ("torch", Tensor()),
        ("view", x[:, ::-1][:, ::-1]),
        ("a/b c", x),
    ):
        trace.start(tmp_path / "t")
        assert trace.save(name, value) is value
        assert np.array_equal(
            np.load(tmp_path / "t" / (name.replace("/", "_").replace(" ", "_") + ".npy")), x
        )
    trace.start(tmp_path / "again")
    trace.save("x", x)
    assert (tmp_path / "again/order.txt").read_text() == "x\n"


def bomb(size):
    """A zip whose entry says to be larger than it is."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("x.npy", b"\x93NUMPY")
    data = bytearray(out.getvalue())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24:entry + 28] = (size + 1).to_bytes(4, "little")
    data[22:26] = data[entry + 24:entry + 28]
    return bytes(data)


def test_npz_is_a_trace(tmp_path):
    x = p.photograph(np.random.default_rng(0), 20, 30)
    for side, y in ("a", x), ("b", p.swapped(x)):
        np.savez(tmp_path / f"{side}.npz", read=x, colour=y)
    r = align(tmp_path / "a.npz", tmp_path / "b.npz", want=1)
    assert causes(r) == {("colour", "channel order")}
    np.savez_compressed(tmp_path / "c.npz", read=x, colour=x)
    assert align(tmp_path / "a.npz", tmp_path / "c.npz", want=0)["unaligned"] == 0
    (tmp_path / "bomb.npz").write_bytes(bomb(1 << 30))
    assert "bytes" in tool.run("align", tmp_path / "a.npz", tmp_path / "bomb.npz", want=BAD_INPUT).err
    whole = (tmp_path / "a.npz").read_bytes()
    for cut in range(0, len(whole), 97):
        (tmp_path / "d.npz").write_bytes(whole[:cut])
        tool.run("align", tmp_path / "a.npz", tmp_path / "d.npz", want=BAD_INPUT)
    rng = np.random.default_rng(2)
    for _ in range(60):  # damage in the directory
        bad = bytearray(whole)
        for at in rng.integers(len(whole) - 250, len(whole), 3):
            bad[at] = rng.integers(0, 256)
        (tmp_path / "d.npz").write_bytes(bad)
        tool.run("align", tmp_path / "a.npz", tmp_path / "d.npz", "--no-explain", want=(0, 1, BAD_INPUT))


def test_save_io(digits, tmp_path):
    out = tmp_path / "io"
    env = {"VERNIER_SAVE_IO": str(out)}
    tool.run("run", digits.bin, "-i", digits.picture, "-o", tmp_path / "o", env=env, want=0)
    names = sorted(f.name for f in out.glob("*.npy"))
    order = (out / "order.txt").read_text().split()
    assert names == sorted(f"{n}.npy" for n in order) and order[1] == "logits"  # as the network calls them
    result = np.load(next((tmp_path / "o").glob("*.npy")))
    assert np.array_equal(np.load(out / "logits.npy"), result)
    x = np.load(out / f"{order[0]}.npy")  # fed again, it gives the same result
    tool.run("run", digits.bin, "-i", out / f"{order[0]}.npy", "-o", tmp_path / "o2", want=0)
    assert x.shape == (1, 1, 8, 8)
    assert x.dtype == np.uint8 and np.array_equal(np.load(next((tmp_path / "o2").glob("*.npy"))), result)


def test_save_io_of_several_pictures_is_a_trace(digits, tmp_path):
    pictures = p.pictures(tmp_path / "in", 5, 3)
    for side in "ab":
        tool.run(
            "run",
            digits.bin,
            "--images",
            tmp_path / "in",
            "-o",
            tmp_path / "o",
            env={"VERNIER_SAVE_IO": str(tmp_path / side)},
            want=0,
        )
    assert sorted(f.name for f in (tmp_path / "a").iterdir() if f.is_dir()) == [f.stem for f in pictures]
    assert (tmp_path / "a/1/source.txt").read_text() == f"{pictures[1]}\n"
    result = np.load(next((tmp_path / "o").glob("*.npy")))
    for i in range(3):
        assert np.array_equal(np.load(tmp_path / "a" / str(i) / "logits.npy").ravel(), result[i].ravel())
    r = align(tmp_path / "a", tmp_path / "b", want=0)
    assert r["pictures"] == 3 and len(r["stages"]) == 2
    tool.run(
        "eval",
        digits.bin,
        digits.stage("quantized"),
        "--metric",
        "outputs",
        "--images",
        tmp_path / "in",
        "--threads",
        "2",
        env={"VERNIER_SAVE_IO": str(tmp_path / "c")},
        want=0,
    )
    for trace in "c", "c.digits_quantized_model":  # the other model has a folder of its own
        r = align(tmp_path / "a", tmp_path / trace, want=0)
        assert r["pictures"] == 3 and [s["state"] for s in r["stages"]] == ["aligned", "aligned"]


def test_save_io_against_a_training_trace(digits, tmp_path):
    """Stages have names that trace.py can give, arrays their shape, for every type of image."""
    env = {"VERNIER_SAVE_IO": str(tmp_path / "device")}
    tool.run("run", digits.bin, "-i", digits.picture, "-o", tmp_path / "o", env=env, want=0)
    tool.run("run", digits.stage("original_float"), "-i", digits.picture, "-o", tmp_path / "f", want=0)
    trace = tmp_path / "training"
    trace.mkdir()
    name = (tmp_path / "device/order.txt").read_text().split()[0]
    np.save(trace / f"{name}.npy", np.asarray(Image.open(digits.picture).convert("L"))[None, None])
    np.save(trace / "logits.npy", np.load(tmp_path / "f/logits.npy"))
    r = align(tmp_path / "device", trace, "--tolerance", "0.1", want=0)
    assert [(s["stage"], s["state"]) for s in r["stages"]] == [(name, "aligned"), ("logits", "aligned")]


# ---- --images, results ----

def test_pictures_are_remembered_or_named(tmp_path):
    """Where the trace does not know its picture, --images says so; what was made of it is found through the
    decoder."""
    pictures = p.pictures(tmp_path / "in", 11, 6)
    left = {"resize": p.pillow("BILINEAR"), "crop": p.center(round)}
    a, b = (
        p.only_input(tmp_path / "a", pictures, **left),
        p.only_input(tmp_path / "b", pictures, **{**left, "resize": p.pillow("BICUBIC")}),
    )
    for side in a, b:
        for f in side.glob("*/source.txt"):
            f.unlink()
    assert not stages(align(a, b))["input"]["why"]["found"]
    r = align(a, b, "--images", *pictures)
    assert causes(r) == {("input", "interpolation")} and explained(r)
    assert "2 images, expected 6" in tool.run("align", a, b, "--images", *pictures[:2], want=USAGE).err
    (tmp_path / "no.png").write_bytes(b"no picture")
    assert not stages(align(a, b, "--images", *[tmp_path / "no.png"] * 6))["input"]["why"]["found"]


def test_result_line(tmp_path):
    """Which class wins, on both sides."""
    onnx = pytest.importorskip("onnx")
    ort = pytest.importorskip("onnxruntime")
    w = np.random.default_rng(1).normal(0, 0.01, (3 * 37 * 45, 10)).astype(np.float32)
    n, v = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    g = onnx.helper.make_graph(
        [n("Flatten", ["x"], ["f"]), n("Gemm", ["f", "w"], ["scores"])],
        "g",
        [v("x", 1, [1, 3, 37, 45])],
        [v("scores", 1, [1, 10])],
        [onnx.numpy_helper.from_array(w, "w")],
    )
    onnx.save(
        onnx.helper.make_model(g, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8),
        tmp_path / "m.onnx",
    )
    pictures = p.pictures(tmp_path / "in", 4)
    t = original(tmp_path / "t", pictures, p.opencv("LINEAR"))
    session = ort.InferenceSession(tmp_path / "m.onnx")
    theirs = []
    for folder in sorted(f for f in t.iterdir() if f.is_dir()):
        theirs.append(session.run(None, {"x": np.load(folder / "layout.npy")})[0])
        np.save(folder / "infer.npy", theirs[-1])
        np.save(folder / "scores.npy", theirs[-1])
        (folder / "order.txt").write_text((folder / "order.txt").read_text() + "infer\nscores\n")
    for library, wrong in ("opencv", False), ("pillow", True):
        (tmp_path / "p.yaml").write_text(PIPELINE.replace("LIBRARY", library))
        words = (
            "--pipeline",
            tmp_path / "p.yaml",
            "--trace",
            t,
            "--model",
            tmp_path / "m.onnx",
            "--images",
            *pictures,
        )
        r = align(*words)
        assert [x["class"][1] for x in r["result"]] == [int(y.argmax()) for y in theirs]
        assert [x["score"][1] for x in r["result"]] == pytest.approx(
            [float(y.max()) for y in theirs], rel=1e-8
        )
        assert {s["stage"]: s["state"] for s in r["stages"]}["scores"] == ("follows" if wrong else "aligned")
        line = tool.run("align", *words, want=(0, 1)).out.splitlines()[-1]
        same = sum(x["class"][0] == x["class"][1] for x in r["result"])
        assert line.startswith("result") and f"{same} of {len(theirs)} images have the same class" in line, (
            line
        )
        assert wrong or same == len(theirs)


@pytest.mark.parametrize(
    "change,fact",
    [
        (lambda x, rng: x + rng.integers(0, 2, x.shape), "no element differs by more than 1"),
        (lambda x, rng: x + rng.integers(0, 30, x.shape) * [0, 1, 0], "only channel 1 of 3 differs"),
        (
            lambda x, rng: x + rng.integers(0, 30, x.shape) * (np.arange(x.shape[1]) >= 50)[:, None],
            "only rows 0 to 43, columns 50 to 59 of 44 x 60 differ",
        ),
        (
            lambda x, rng: x + rng.integers(-9, 10, x.shape[:2])[:, :, None] * [1 / 0.299, -1 / 0.587, 0],
            "different chroma sampling",
        ),
        (
            lambda x, rng: (
                x
                + rng.integers(5, 30, x.shape)
                * (np.abs(np.diff(x[:, :, :1].astype(int), axis=1, append=0)) > 60)
            ),
            "differences are concentrated at edges",
        ),
    ],
)
def test_facts_of_the_unexplained(tmp_path, change, fact):
    x = p.photograph(np.random.default_rng(3), 44, 60) // 2 + 60
    for side, y in ("a", x), ("b", np.rint(change(x, np.random.default_rng(4))).astype(np.uint8)):
        trace.start(tmp_path / side)
        trace.save("odd", y)
    why = stages(align(tmp_path / "a", tmp_path / "b", want=1))["odd"]["why"]
    assert not why["found"] and any(fact in f for f in why["facts"]), why["facts"]
    assert fact in tool.run("align", tmp_path / "a", tmp_path / "b", want=1).out


def test_far_shift(tmp_path):
    x = p.photograph(np.random.default_rng(3), 60, 70)
    for side, y in ("a", x[1:41, 2:52]), ("b", x[10:50, 11:61]):
        trace.start(tmp_path / side)
        trace.save("input", y)
    r = align(tmp_path / "a", tmp_path / "b", want=1)
    assert causes(r) == {("input", "crop")} and "(9, 9)" in r["stages"][0]["why"]["causes"][0]["right"], r


@pytest.mark.parametrize(
    "left,right,want",
    [
        (
            lambda b, s, c: np.hstack([b, s[:, None], c[:, None]]),
            lambda b, s, c: np.hstack([b[:, :2], b[:, 2:] - b[:, :2], s[:, None], c[:, None]]),
            {"box format"},
        ),
        (
            lambda b, s, c: np.hstack([b, s[:, None]]),
            lambda b, s, c: np.hstack([b, s[:, None]])[np.argsort(-s)],
            {"order of boxes"},
        ),
        (
            lambda b, s, c: np.hstack([b, s[:, None]])[np.argsort(-s)],
            lambda b, s, c: np.hstack([b, s[:, None]])[np.argsort(-s)][:10],
            {"number of boxes"},
        ),
        (lambda b, s, c: b, lambda b, s, c: np.trunc(b), {"rounding of boxes"}),
        (lambda b, s, c: s, lambda b, s, c: np.round(s, 4), {"rounding of scores"}),
        (lambda b, s, c: c, lambda b, s, c: c + 1, {"class numbers"}),
        (
            lambda b, s, c: b,
            lambda b, s, c: np.random.default_rng(1).random(b.shape).astype(np.float32),
            None,
        ),
    ],
)
def test_lists(tmp_path, left, right, want):
    for side, of in ("a", left), ("b", right):
        trace.start(tmp_path / side)
        for i in range(5):
            trace.picture(str(i))
            trace.save("rows", of(*p.detections(np.random.default_rng(i), 30)))
    r = align(tmp_path / "a", tmp_path / "b")
    assert (
        (causes(r) == {("rows", c) for c in want} and explained(r))
        if want
        else not stages(r)["rows"]["why"]["found"]
    ), r


@pytest.mark.parametrize("sizes", [False, True], ids=["corners", "sizes"])
def test_boxes_led_back_otherwise(tmp_path, sizes):
    """One program forgets the letterbox's padding and takes another ratio, other ones for each picture."""
    for side in "ab":
        trace.start(tmp_path / side)
        for i in range(5):
            trace.picture(str(i))
            b, s, _ = p.detections(np.random.default_rng(i), 30)
            if side == "b":
                b = b * np.float32(1.1 + i / 10) - np.float32([12 + i, 0, 12 + i, 0])
            trace.save("rows", np.hstack([b[:, :2], b[:, 2:] - b[:, :2] if sizes else b[:, 2:], s[:, None]]))
    r = align(tmp_path / "a", tmp_path / "b", want=1)
    assert causes(r) == {("rows", "box coordinates")} and explained(r), r
    assert "x * 1.1 -12, y * 1.1 +0" in stages(r)["rows"]["why"]["causes"][0]["right"]


def test_lists_with_nan(tmp_path):
    for side, n in ("a", 12), ("b", 7):
        trace.start(tmp_path / side)
        b, s, _ = p.detections(np.random.default_rng(1), 30)
        s[:5] = [np.nan, np.inf, -np.inf, 0, np.nan]
        b[7, 2] = np.nan
        rows = np.hstack([b, s[:, None], np.full((30, 1), 1e28, np.float32)])
        for name, value in (
            ("boxes", b),
            ("scores", s),
            ("kept", b[:n]),
            ("places", np.arange(n)),
            ("rows", rows),
            ("few", rows[8 : 8 + n]),
        ):
            trace.save(name, value)
    r = align(tmp_path / "a", tmp_path / "b", want=1)
    assert [s["state"] for s in r["stages"]][:2] == ["aligned", "aligned"] and "kept" in stages(r), (
        r
    )  # what is NaN or infinite on both sides is equal


def test_results_files(tmp_path):
    a = p.coco_results(tmp_path / "a.json")
    for text, message in (
        ("[1]", "object"),
        ("{}", "list of detections"),
        ("[", "JSON"),
        ('[{"image_id": 1, "category_id": 1, "score": 1, "bbox": [1, 2]}]', "bbox"),
        ("[]", None),
    ):
        (tmp_path / "b.json").write_text(text)
        done = tool.run("align", a, tmp_path / "b.json", want=BAD_INPUT if message else 1)
        assert message is None or ("b.json" in done.err and message in done.err), done.err
    (tmp_path / "b.json").write_text("[]")
    (tmp_path / "c.json").write_text("[]")
    assert "no detections" in tool.run("align", tmp_path / "b.json", tmp_path / "c.json", want=BAD_INPUT).err
    rows = [
        d for d in json.loads(a.read_text()) if d["image_id"] != 18
    ]  # an image without detections on one side
    (tmp_path / "b.json").write_text(json.dumps(rows))
    r = align(a, tmp_path / "b.json", want=1)
    assert r["pictures"] == 6 and stages(r)["detections"]["sample"] == 0


def test_pictures_of_unaligned_stages(tmp_path):
    pictures = p.pictures(tmp_path / "in", 7)
    a, b = p.run(tmp_path / "a", pictures), p.run(tmp_path / "b", pictures, colour=p.swapped)
    tool.run("align", a, b, "--pictures", tmp_path / "png", want=1)
    x, y = (np.load(s / "0/colour.npy") for s in (a, b))
    shown = np.asarray(Image.open(tmp_path / "png/colour.png"))
    h, w = x.shape[:2]
    assert (
        shown.shape == (h, 3 * w, 3)
        and np.array_equal(shown[:, :w], x)
        and np.array_equal(shown[:, w : 2 * w], y)
    )
    d = np.abs(x.astype(int) - y)
    assert np.array_equal(shown[:, 2 * w:], d * 255 // d.max())
    assert not (tmp_path / "png/decode.png").exists() and (tmp_path / "png/layout.png").exists()


# ---- mistakes ----

def test_mistakes(tmp_path):
    x = np.zeros((20, 20, 3), np.uint8)
    for name, names in ("a", ["read", "resize"]), ("b", ["other"]), ("empty", []):
        trace.start(tmp_path / name)
        for n in names:
            trace.save(n, x)
    for words, status, message in [
        ((tmp_path / "a",), USAGE, "expected two traces"),
        ((tmp_path / "a", tmp_path / "none"), BAD_INPUT, "none: no such file or folder"),
        ((tmp_path / "a", tmp_path / "b"), BAD_INPUT, "no common stage"),
        ((tmp_path / "a", tmp_path / "empty"), BAD_INPUT, "no stages"),
        ((tmp_path / "a", tmp_path / "a", "--tolerance", "x"), USAGE, "--tolerance"),
        (("--pipeline", "p.yaml"), USAGE, "--trace"),
        (("--yaml", "p.yaml"), USAGE, "--reference"),
    ]:
        assert message in tool.run("align", *words, want=status).err
    (tmp_path / "a/order.txt").write_text("../b/other\n")
    assert "not a valid stage name" in tool.run("align", tmp_path / "a", tmp_path / "b", want=BAD_INPUT).err
    (tmp_path / "a/order.txt").write_text("gone\n")
    assert "gone.npy" in tool.run("align", tmp_path / "a", tmp_path / "b", want=BAD_INPUT).err
    trace.start(tmp_path / "two")
    for name in "01":
        trace.picture(name)
        trace.save("read", x)
    trace.start(tmp_path / "a")
    trace.save("read", x)
    assert (
        "no common image; the first has '', the second '0'"
        in tool.run("align", tmp_path / "a", tmp_path / "two", want=BAD_INPUT).err
    )
    trace.start(tmp_path / "some")
    trace.picture("1")
    trace.save("read", x)
    r = align(tmp_path / "some", tmp_path / "two", want=0)
    assert r["pictures"] == 1 and r["left_out"] == [0, 1]
    assert (
        f"only in {tmp_path / 'two'}: 1 image"
        in tool.run("align", tmp_path / "some", tmp_path / "two", want=0).out
    )
    trace.start(tmp_path / "c")
    trace.save("read", x)
    trace.save("more", x)
    r = json.loads(tool.run("align", tmp_path / "a", tmp_path / "c", "--json", want=0).out)
    assert [s["state"] for s in r["stages"]] == ["aligned", "missing"]


@pytest.mark.parametrize(
    "shapes",
    [
        ((5,), (5,)),
        ((1, 1), (1, 1)),
        ((2, 3, 4, 5, 6), (2, 3, 4, 5, 6)),
        ((0,), (0,)),
        ((3, 3, 3), (3, 3, 3)),
        ((1, 3, 40, 1), (1, 3, 40, 1)),
        ((40, 40, 3), (41, 3)),
        ((2, 40, 40), (40, 40, 2)),
        ((), ()),
        ((40, 50, 0), (41, 50, 0)),
    ],
)
@pytest.mark.parametrize(
    "types",
    [
        ("uint8", "uint8"),
        ("float32", "float32"),
        ("int64", "float64"),
        ("uint8", "int8"),
        ("float16", "bool"),
    ],
)
def test_odd_arrays(tmp_path, shapes, types):
    """Arrays that are no pictures, of any type, with NaN and infinity: compared, explained or not, never a
    crash."""
    rng = np.random.default_rng(1)
    for side, shape, t in zip("ab", shapes, types):
        trace.start(tmp_path / side)
        x = rng.random((40, 40, 3))
        trace.save("x", x)
        y = np.array(rng.random(shape) * 255)
        if "float" in t and y.size:
            y.flat[0] = [np.nan, np.inf][side == "a"]
        trace.save("y", y.astype(t))
        trace.save("z", (y * 2).astype(t))
    tool.run("align", tmp_path / "a", tmp_path / "b", want=(0, 1))


# ---- the numbers that people write ----

@pytest.mark.parametrize("values,steps", [
    (lambda x: x / np.float32(255), "normalise mean=0 scale=1/255"),
    (lambda x: (x - np.float32(127.5)) / np.float32(127.5), "normalise mean=127.5 scale=1/127.5"),
    (lambda x: x * np.float32(1 / 255) * np.float32(2) - 1, "normalise mean=127.5 scale=1/127.5"),
    (lambda x: (x / np.float32(255) - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225]),
     "normalise mean=123.675,116.28,103.53 scale=0.01712475,0.017507,0.01742919"),
])
def test_numbers_as_people_write_them(tmp_path, values, steps):
    x = p.photograph(np.random.default_rng(0), 40, 60)
    np.savez(tmp_path / "t.npz", a=x, b=values(x.astype(np.float32)).astype(np.float32))
    assert steps in tool.run("align", "--describe", tmp_path / "t.npz", want=1).out  # stage a has no picture
    p.pictures(tmp_path / "in", 1, 1)  # a pipeline takes them
    tool.run("prep", tmp_path / "in", "--pipeline", f"resize 8 8; {steps}", "-o", tmp_path / "out", want=0)


# ---- raw dumps ----

@pytest.mark.parametrize("suffix", [".bin", ".dat", ".bmrt"])
def test_raw_dumps(tmp_path, suffix):
    """Stages of a folder, with and without order.txt, next to .npy; single files; of several types."""
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    y = np.arange(60, dtype=np.int8).reshape(3, 20)
    a, b = tmp_path / "a", tmp_path / "b"
    for side in a, b:
        side.mkdir()
    x.tofile(a / f"input{suffix}"), y.tofile(a / f"out{suffix}")
    np.save(b / "input.npy", x), np.save(b / "out.npy", y)
    forms = "--raw", "1x3x4x5:float32", "--raw", "out=3x20:int8"
    for order in False, True:
        if order:
            (a / "order.txt").write_text("input\nout\n")
        r = align(a, b, *forms, want=0)
        assert [(s["stage"], s["state"]) for s in r["stages"]] == [("input", "aligned"), ("out", "aligned")]
    (x + 1).tofile(a / f"input{suffix}")
    r = align(a, b, *forms)
    assert [s["state"] for s in r["stages"]] == ["unaligned", "aligned"]
    r = align(a / f"out{suffix}", b / "out.npy", *forms, want=0)
    assert [(s["stage"], s["state"]) for s in r["stages"]] == [("out", "aligned")]
    y.tofile(tmp_path / f"dump{suffix}")  # another name
    assert (
        align(tmp_path / f"dump{suffix}", b / "out.npy", "--raw", "3x20:int8", want=0)["stages"][0]["stage"]
        == "dump"
    )


def test_raw_dumps_that_are_wrong(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(60))
    np.save(tmp_path / "y.npy", np.zeros(15, np.float32))
    for forms, status, text in (
        ((), USAGE, "a raw dump: set its shape and type, such as --raw x="),
        (("--raw", "16:float32"), BAD_INPUT, "x.bin: 60 bytes, expected 64 for shape 16"),
        (("--raw", "15"), USAGE, "expected a shape and a type"),
        (("--raw", "x=15:float99"), USAGE, "got '15:float99'"),
        (("--raw", "z=15:float32"), USAGE, "a raw dump: set its shape"),
    ):
        assert text in tool.run("align", tmp_path / "x.bin", tmp_path / "y.npy", *forms, want=status).err
    tool.run("align", tmp_path / "x.bin", tmp_path / "y.npy", "--raw", "15:float32", want=0)
