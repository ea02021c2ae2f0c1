"""Colour and geometry against OpenCV, Pillow, torchvision's formulas and NumPy."""
import random

import numpy as np
import pictures
import pytest
from pictures import noise

Image = pytest.importorskip("PIL.Image")
cv2 = pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def our():
    return pictures.fixture()


def same(got, want, what=""):
    assert got.shape == want.shape and got.dtype == want.dtype, (
        f"{what}: {got.shape} {got.dtype}, want {want.shape} {want.dtype}"
    )
    assert np.array_equal(got, want), (
        f"{what}: {int((got != want).sum())} of {want.size} differ, by up to {np.abs(got - want.astype(float)).max()}"
    )


def all_colours(step=5):
    """Every colour on a grid, as a picture with even sides."""
    v = np.arange(0, 256, step, dtype=np.uint8)
    x = np.stack(np.meshgrid(v, v, v, indexing="ij"), -1).reshape(-1, 3)
    n = len(x) // 4 * 4
    return np.ascontiguousarray(x[:n].reshape(4, -1, 3)[:, : n // 8 * 2])


def test_gray(our):
    x = all_colours()
    same(our.call("gray", "opencv", 0, picture=x), cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), "opencv")
    same(our.call("gray", "opencv", 1, picture=x), cv2.cvtColor(x, cv2.COLOR_BGR2GRAY), "opencv bgr")
    same(our.call("gray", "pillow", 0, picture=x), np.asarray(Image.fromarray(x).convert("L")), "pillow")
    f = x.astype(np.float32) / 255
    assert (
        np.abs(our.call("gray", "opencv", 0, picture=f) - cv2.cvtColor(f, cv2.COLOR_RGB2GRAY)).max() <= 1e-6
    )
    skimage = pytest.importorskip("skimage.color")
    assert np.abs(our.call("gray", "skimage", 0, picture=x) - skimage.rgb2gray(x)).max() <= 1e-6
    same(our.call("swap", picture=x), x[:, :, ::-1], "swap")


GRAY = r"""
import sys, numpy as np, torch, torchvision.transforms.functional as F
x = np.load(sys.argv[1])
np.savez(sys.argv[2], **{k: F.rgb_to_grayscale(torch.from_numpy(x[k].transpose(2, 0, 1).copy())).numpy()[0] for k in x})
"""


def test_gray_torchvision(our, tmp_path):
    x = all_colours()
    want = pictures.with_torchvision(GRAY, {"u8": x, "f32": x.astype(np.float32) / 255}, tmp_path)
    same(our.call("gray", "torchvision", 0, picture=x), want["u8"])
    assert (
        np.abs(our.call("gray", "torchvision", 0, picture=x.astype(np.float32) / 255) - want["f32"]).max()
        <= 1e-6
    )


@pytest.mark.parametrize("layout", ["i420", "yv12"])
def test_opencv_to_planes(our, layout):
    want = cv2.cvtColor(all_colours(), getattr(cv2, f"COLOR_RGB2YUV_{layout.upper()}"))
    same(our.call("to_planes", "opencv", "video", layout, "corner", picture=all_colours()), want, layout)


@pytest.mark.parametrize("layout", ["nv12", "nv21", "i420", "yv12"])
def test_opencv_from_planes(our, layout):
    planes = np.random.default_rng(1).integers(0, 256, (96, 128), dtype=np.uint8)
    want = cv2.cvtColor(planes, getattr(cv2, f"COLOR_YUV2RGB_{layout.upper()}"))
    same(our.call("from_planes", "opencv", "video", layout, "corner", "repeat", picture=planes), want, layout)


def test_opencv_full_range(our):
    x = all_colours()
    want = cv2.cvtColor(x, cv2.COLOR_RGB2YCrCb)[:, :, [0, 2, 1]]
    same(our.call("to_yuv", "opencv", "full", picture=x), want)
    same(
        our.call("to_rgb", "opencv", "full", picture=x),
        cv2.cvtColor(np.ascontiguousarray(x[:, :, [0, 2, 1]]), cv2.COLOR_YCrCb2RGB),
    )


@pytest.mark.parametrize("video", [False, True])
def test_exact(our, video):
    """BT.601 in float64, rounded once."""
    x = all_colours().astype(np.float64)
    y = x @ [0.299, 0.587, 0.114]
    u, v = (x[:, :, 2] - y) / 1.772, (x[:, :, 0] - y) / 1.402
    want = np.stack(
        [16 + y * 219 / 255, 128 + u * 224 / 255, 128 + v * 224 / 255] if video else [y, 128 + u, 128 + v], -1
    )
    got = our.call("to_yuv", "exact", "video" if video else "full", picture=x.astype(np.uint8))
    d = np.abs(got - want.clip(0, 255))
    assert d.max() <= 0.5 + 1e-9
    back = our.call("to_rgb", "exact", "video" if video else "full", picture=got)
    assert np.abs(back - x).max() <= 3


def test_chroma(our):
    """Named variants by their formulas, and linear as libjpeg does it."""
    rng = np.random.default_rng(2)
    x = noise(rng, 20, 32)
    yuv = our.call("to_yuv", "exact", "full", picture=x).astype(int)
    a, b, c, d = (yuv[i::2, j::2, 1:] for i in (0, 1) for j in (0, 1))
    for down, want in {"mean": (a + b + c + d + 2) // 4, "left": (a + c + 1) // 2, "corner": a}.items():
        got = our.call("to_planes", "exact", "full", "nv12", down, picture=x)
        same(got[:20], yuv[:, :, 0].astype(np.uint8), down)
        same(got[20:].reshape(10, 16, 2), want.astype(np.uint8), down)
        i420 = our.call("to_planes", "exact", "full", "i420", down, picture=x)[20:].reshape(2, 10, 16)
        same(np.moveaxis(i420, 0, -1), want.astype(np.uint8), down)
        nv21 = our.call("to_planes", "exact", "full", "nv21", down, picture=x)
        same(nv21[20:].reshape(10, 16, 2)[:, :, ::-1], want.astype(np.uint8), down)
    corners = [x[i::2, j::2].astype(int) for i in (0, 1) for j in (0, 1)]
    mean = our.call("to_yuv", "exact", "full", picture=((sum(corners) + 2) // 4).astype(np.uint8))
    same(
        our.call("to_planes", "exact", "full", "nv12", "mean_rgb", picture=x)[20:].reshape(10, 16, 2),
        mean[:, :, 1:],
        "mean_rgb",
    )
    # back by repetition: chroma is constant in each block
    planes = our.call("to_planes", "exact", "full", "nv12", "mean", picture=x)
    rgb = our.call("from_planes", "exact", "full", "nv12", "mean", "repeat", picture=planes)
    full = np.dstack([planes[:20], planes[20:].reshape(10, 16, 2).repeat(2, 0).repeat(2, 1)])
    same(rgb, our.call("to_rgb", "exact", "full", picture=np.ascontiguousarray(full)), "repeat")
    flat = np.full((30, 16), 90, np.uint8)
    for up in "linear", "left", "repeat":
        got = our.call("from_planes", "exact", "full", "nv12", "mean", up, picture=flat)
        assert (got == got[0, 0]).all(), up


def test_linear_upsampling_is_libjpegs(our):
    """Fancy upsampling of 4:2:0 by its formula: columns of 3 * near + far, rows likewise, + 8 or + 7, /
    16."""
    rng = np.random.default_rng(3)
    h, w = 32, 48
    half = rng.integers(60, 196, (h // 2, w // 2, 2), dtype=np.uint8)
    c = half.astype(int)
    up = np.concatenate([c[:1], c, c[-1:]])
    rows = np.empty((h, w // 2, 2), int)
    rows[0::2], rows[1::2] = 3 * c + up[:-2], 3 * c + up[2:]
    pad = np.concatenate([rows[:, :1], rows, rows[:, -1:]], 1)
    want = np.empty((h, w, 2), int)
    want[:, 0::2], want[:, 1::2] = (3 * rows + pad[:, :-2] + 8) >> 4, (3 * rows + pad[:, 2:] + 7) >> 4
    luma = np.full((h, w), 128, np.uint8)
    planes = np.concatenate([luma, half.reshape(h // 2, w)])
    rgb = our.call("from_planes", "exact", "full", "nv12", "mean", "linear", picture=planes)
    full = np.dstack([luma, want.astype(np.uint8)])
    same(rgb, our.call("to_rgb", "exact", "full", picture=full))


def test_center_crop(our):
    rng, pick = np.random.default_rng(4), random.Random(4)
    for _ in range(60):
        h, w = pick.randint(2, 50), pick.randint(2, 50)
        ch, cw = pick.randint(1, h), pick.randint(1, w)
        x = noise(rng, h, w)
        for name, rounding in {
            "round": lambda v: int(round(v)),
            "floor": lambda v: int(v // 1),
            "ceil": lambda v: int(-(-v // 1)),
        }.items():
            top, left = rounding((h - ch) / 2), rounding((w - cw) / 2)
            same(our.call("center_crop", cw, ch, name, 0, picture=x), x[top:top + ch, left:left + cw], name)


CROP = r"""
import sys, numpy as np, torch, torchvision.transforms.functional as F
x = np.load(sys.argv[1])
np.savez(sys.argv[2], **{k: F.center_crop(torch.from_numpy(x[k].transpose(2, 0, 1).copy()), [int(v) for v in k.split("_")[1:]]).numpy().transpose(1, 2, 0)
                         for k in x})
"""


def test_center_crop_torchvision(our, tmp_path):
    """Also where the picture is smaller than the crop: black is put around it."""
    rng, pick = np.random.default_rng(5), random.Random(5)
    cases = {
        f"{i}_{pick.randint(1, 40)}_{pick.randint(1, 40)}": noise(
            rng, pick.randint(1, 40), pick.randint(1, 40)
        )
        for i in range(60)
    }
    want = pictures.with_torchvision(CROP, cases, tmp_path)
    for key, x in cases.items():
        h, w = map(int, key.split("_")[1:])
        same(our.call("center_crop", w, h, "round", 1, picture=x), want[key], f"{x.shape} to {key}")


def test_pad(our):
    rng, pick = np.random.default_rng(6), random.Random(6)
    for _ in range(40):
        h, w = pick.randint(1, 30), pick.randint(1, 30)
        dh, dw = pick.randint(0, 9), pick.randint(0, 9)
        x = noise(rng, h, w)
        before = {
            "center": lambda d: d // 2,
            "center_round": lambda d: round(d / 2 - 0.1),
            "center_ceil": lambda d: -(-d // 2),
            "top_left": lambda d: 0,
            "bottom_right": lambda d: d,
        }
        for name, f in before.items():
            top, left = f(dh), f(dw)
            want = cv2.copyMakeBorder(
                x, top, dh - top, left, dw - left, cv2.BORDER_CONSTANT, value=(114, 7, 255)
            )
            same(our.call("pad_to", w + dw, h + dh, name, 114, 7, 255, 0, picture=x), want, name)


def test_normalise(our):
    x = noise(np.random.default_rng(7), 19, 23)
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    want = (x.astype(np.float32) / np.float32(255) - mean) / std
    same(our.call("normalise", 255, 1, 0, *mean, *std, picture=x), want, "ToTensor, Normalize")
    want = (x.astype(np.float32) - np.float32(127.5)) * np.float32(0.0078125)
    same(
        our.call("normalise", 1, 0, 1, *[127.5] * 3, *[0.0078125] * 3, picture=x), want, "(x - mean) * scale"
    )


SIZES = r"""
import sys, numpy as np, torchvision.transforms.functional as F
from PIL import Image
x = np.load(sys.argv[1])["cases"]
out = []
for h, w, s, most in x.tolist():
    im = F.resize(Image.new("L", (w, h)), s, max_size=most or None)
    out.append(im.size)
np.savez(sys.argv[2], sizes=np.array(out))
"""


def test_sizes_torchvision(our, tmp_path):
    pick = random.Random(8)
    cases = [(pick.randint(1, 300), pick.randint(1, 300), pick.randint(20, 100), 0) for _ in range(300)]
    cases += [(h, w, s, s + pick.randint(1, 60)) for h, w, s, _ in cases[:150] if max(h, w) < 20 * min(h, w)]
    want = pictures.with_torchvision(SIZES, {"cases": np.array(cases)}, tmp_path)["sizes"]
    for (h, w, s, most), size in zip(cases, want):
        try:
            got = our.call(
                "size", "short_side", s, *([most] if most else []), picture=np.zeros((h, w), np.uint8)
            ).shape[::-1]
        except pictures.Refused:
            got = (0, 0)
        assert got == tuple(size) or min(size) < 1, (
            f"{w}x{h} short side {s} max {most}: {got}, expected {size}"
        )


def test_sizes_pillow(our):
    pick = random.Random(9)
    for _ in range(300):
        h, w, th, tw = (pick.randint(1, 200) for _ in range(4))
        im = Image.new("L", (w, h))
        im.thumbnail((tw, th))
        assert (
            our.call("size", "thumbnail", tw, th, picture=np.zeros((h, w), np.uint8)).shape[::-1] == im.size
        ), f"{w}x{h} to {tw}x{th}"


@pytest.mark.parametrize("rule,formula", [
    ("fit", lambda w, h, x, y: (int(w * min(x / w, y / h)), int(h * min(x / w, y / h)))),
    ("fit_round", lambda w, h, x, y: (round(w * min(x / w, y / h)), round(h * min(x / w, y / h)))),
    ("cover", lambda w, h, x, y: (int(w * max(x / w, y / h)), int(h * max(x / w, y / h)))),
    ("long_side", lambda w, h, x, y: (x, int(x * h / w)) if w >= h else (int(x * w / h), x)),
    ("long_side_round", lambda w, h, x, y: (x, round(x * h / w)) if w >= h else (round(x * w / h), x)),
])
def test_sizes_by_formula(our, rule, formula):
    pick = random.Random(10)
    for _ in range(200):
        h, w, x, y = (
            pick.randint(20, 200),
            pick.randint(20, 200),
            pick.randint(40, 300),
            pick.randint(40, 300),
        )
        args = (x,) if rule.startswith("long") else (x, y)
        assert our.call("size", rule, *args, picture=np.zeros((h, w), np.uint8)).shape[::-1] == formula(
            w, h, x, y
        ), f"{rule} {w}x{h} {x} {y}"


@pytest.mark.parametrize("channels", [1, 3])
def test_warp_affine(our, channels):
    rng, pick, differ, values = np.random.default_rng(12), random.Random(12), 0, 0
    fixed = int(cv2.__version__.split(".")[0]) < 5
    for i in range(60):
        h, w, nh, nw = (pick.randint(1, 90) for _ in range(4))
        x = noise(rng, h, w, channels)
        m = np.array(
            [
                [pick.uniform(0.2, 2), pick.uniform(-1, 1), pick.uniform(-20, 20)],
                [pick.uniform(-1, 1), pick.uniform(0.2, 2), pick.uniform(-20, 20)],
            ]
        )
        if i % 10 == 0:
            m = np.array([[1.0, 0, i % 7], [0, 1.0, -(i % 5)]])
        value = (114, 3, 250, 0)
        want = cv2.warpAffine(
            x, m, (nw, nh), flags=cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if i % 2 else 0), borderValue=value
        )
        got = our.call(
            "warp", cv2.__version__, nw, nh, i % 2, *value, *map(repr, m.ravel().tolist()), picture=x
        )
        assert got.shape == want.shape
        d = np.abs(got.astype(int) - want)
        assert d.max() <= (0 if fixed else 1), (
            f"{w}x{h} to {nw}x{nh}: {int((d > 0).sum())} of {d.size} by up to {d.max()}"
        )
        differ, values = differ + (d > 0).sum(), values + d.size
    assert differ <= values // 5000, f"{differ} of {values}"
