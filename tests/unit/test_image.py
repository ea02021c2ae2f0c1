"""Pictures against Pillow: decoding and bilinear resizing give the same bytes."""
import random
import subprocess

import pytest
import tool

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

PROGRAM = tool.BUILD / "tests/test_image"
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built (meson -Dtests=true)")


def ours(tmp_path, picture, steps=""):
    return with_origin(tmp_path, picture, steps)[0]


def with_origin(tmp_path, picture, steps):
    """(pixels, 2 x 3 matrix to positions in the picture as shown, its size)"""
    out = tmp_path / "out.raw"
    done = subprocess.run([PROGRAM, out, picture, steps], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{picture} {steps!r}: {done.stderr}"
    w, h, *origin = map(float, done.stdout.split())
    return (
        np.frombuffer(out.read_bytes(), np.uint8).reshape(int(h), int(w), 3),
        np.reshape(origin[:6], (2, 3)),
        tuple(origin[6:]),
    )


def noise(rng, w, h, mode="RGB"):
    """Noise on a gradient: resizing has something to round."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    a = rng.integers(0, 256, (h, w, channels)) * 0.5 + np.linspace(0, 127, w)[None, :, None]
    a = a.astype(np.uint8)
    return Image.fromarray(a[:, :, 0] if channels == 1 else a, mode)


def resized(picture, size):
    """Horizontal pass first, as Pillow up to 12 always did it; 13 begins with the vertical one where that is
    faster, which rounds differently. One axis at a time is the same in all versions."""
    return picture.resize((size[0], picture.height), Image.Resampling.BILINEAR).resize(
        size, Image.Resampling.BILINEAR
    )


def same(got, want, what):
    want = np.asarray(want.convert("RGB"))
    assert got.shape == want.shape, f"{what}: {got.shape}, Pillow has {want.shape}"
    different = int((got != want).sum())
    assert different == 0, f"{what}: {different} of {want.size} bytes differ"


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1"])
def test_png(tmp_path, mode):
    rng = np.random.default_rng(1)
    for i, (w, h) in enumerate([(1, 1), (7, 5), (64, 33), (31, 128)]):
        picture = (
            noise(rng, w, h, "RGB").quantize(37)
            if mode == "P"
            else noise(rng, w, h).convert("1")
            if mode == "1"
            else noise(rng, w, h, mode)
        )
        path = tmp_path / f"{i}.png"
        picture.save(path)
        want = Image.open(path)
        if mode in ("RGBA", "LA"):
            want = Image.merge("RGB", want.split()[:3]) if mode == "RGBA" else want.split()[0]
        same(ours(tmp_path, path), want, f"{mode} {w}x{h}")


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize(
    "options", [{"quality": 95}, {"quality": 40, "progressive": True}, {"quality": 80, "optimize": True}]
)
def test_jpeg(tmp_path, subsampling, options):
    rng = np.random.default_rng(2)
    for w, h in [(1, 1), (8, 8), (17, 9), (100, 75), (33, 64)]:
        for mode in "RGB", "L":
            path = tmp_path / "x.jpg"
            noise(rng, w, h, mode).save(path, subsampling=subsampling, **options)
            got, want = ours(tmp_path, path), np.asarray(Image.open(path).convert("RGB"))
            assert got.shape == want.shape
            # Pillow's wheel brings its own libjpeg-turbo, ours is the system's: versions may round one step differently
            assert np.abs(got.astype(int) - want).max() <= 1, f"{mode} {w}x{h} {options}"


def test_jpeg_same_library(tmp_path):
    """How many bytes differ, over all sizes; 0 where both use the same libjpeg-turbo."""
    rng, bytes_, different = np.random.default_rng(3), 0, 0
    for w, h in [(40, 40), (75, 33), (128, 96)]:
        path = tmp_path / "x.jpg"
        noise(rng, w, h).save(path, quality=90)
        got, want = ours(tmp_path, path), np.asarray(Image.open(path).convert("RGB"))
        bytes_ += want.size
        different += int((got != want).sum())
    assert different <= bytes_ // 1000, f"{different} of {bytes_} bytes differ from Pillow's"


def test_resize(tmp_path):
    rng, pick = np.random.default_rng(4), random.Random(4)
    path = tmp_path / "x.png"
    for i in range(60):
        w, h = pick.randint(1, 150), pick.randint(1, 150)
        picture = noise(rng, w, h)
        picture.save(path)
        for _ in range(3):
            size = (pick.randint(1, 220), pick.randint(1, 220))
            same(ours(tmp_path, path, "resize %d %d" % size), resized(picture, size), f"{w}x{h} to {size}")


def test_torchvision_pipeline(tmp_path):
    """short_side S; center_crop C: Resize(S) and CenterCrop(C) on PIL images, by torchvision's formulas."""
    rng, pick = np.random.default_rng(5), random.Random(5)
    path = tmp_path / "x.png"
    for _ in range(30):
        w, h = pick.randint(20, 200), pick.randint(20, 200)
        picture = noise(rng, w, h)
        picture.save(path)
        s = pick.randint(10, 128)
        c = pick.randint(5, s)
        new = (s, int(s * h / w)) if w <= h else (int(s * w / h), s)
        want = resized(picture, new)
        left, top = int(round((new[0] - c) / 2.0)), int(round((new[1] - c) / 2.0))
        same(
            ours(tmp_path, path, f"short_side {s}; center_crop {c}"),
            want.crop((left, top, left + c, top + c)),
            f"{w}x{h} {s} {c}",
        )


def test_shared_pictures(tmp_path):
    folder = tool.SHARED / "images/imagenet_calib"
    if not folder.is_dir():
        pytest.skip(f"no real pictures in {folder}")
    different = bytes_ = 0
    for path in sorted(folder.iterdir())[:10]:
        got = ours(tmp_path, path, "short_side 256; center_crop 224")
        picture = Image.open(path).convert("RGB")
        w, h = picture.size
        new = (256, int(256 * h / w)) if w <= h else (int(256 * w / h), 256)
        want = resized(picture, new)
        left, top = int(round((new[0] - 224) / 2.0)), int(round((new[1] - 224) / 2.0))
        want = np.asarray(want.crop((left, top, left + 224, top + 224))).astype(int)
        assert np.abs(got.astype(int) - want).max() <= 1, path
        different += int((got != want).sum())
        bytes_ += want.size
    assert different <= bytes_ // 1000, f"{different} of {bytes_} bytes differ"


# ---- where pixels come from ----

STEPS = [
    "",
    "resize 55 47",
    "resize 200 33",
    "resize 61 77 library=opencv",
    "short_side 40; center_crop 31",
    "short_side 40; center_crop 31 rounding=ceil",
    "center_crop 97 110 pad=true",
    "crop 11 5 40 60",
    "pad 3 8 1 2",
    "letterbox 64",
    "letterbox 90 50 position=bottom_right",
    "short_side 40; pad_to 99 position=center_ceil",
    "resize 30 70 rule=short_long; pad_to 90 position=top_left",
    "resize 80 70 rule=least_scale multiple=16 rounding=round; pad_multiple 48",
    "center_crop 97 110 rounding=floor pad=true",
    "short_side 40; pad_multiple 64 position=bottom_right",
    "warp 0.8 0.1 3 -0.2 0.9 20 size=70",
    "warp 1.2 0.3 -3 0.1 1.1 2 size=50 inverse=true",
    "decode opencv; letterbox 64",
    "decode pillow orientation=apply; resize 50 40",
    "decode opencv orientation=keep; center_crop 40",
    *(f"orient {i}; resize 60 50; crop 4 7 50 40" for i in range(1, 9)),
    "CenterCropTransformer((40, 61), data_type=uint8)",
    "PILCenterCrop((95, 41))",
    "LongSideCrop",
    "PaddedCenterCrop(image_size=48, crop_pad=7)",
    "PadResizeTransformer((70, 64))",
    "PadResizeTransformer((64, 70), pad_position=bottom_right)",
    "ResizeTransformer((61, 41), mode=opencv, data_type=uint8)",
    "PILResize((41, 59))",
    "ShortLongResize(40, 70)",
    "PadTransformer(16, 32)",
    "ShortSideResizeTransformer(50)",
    "WarpAffine((60, 80), 1.1)",
    "TransposeTransformer((1, 0, 2)); resize 40 50",
    "HWC2CHW; TransposeTransformer((0, 2, 1)); CHW2HWC; letterbox 64",
    "TransposeTransformer((2, 1, 0)); resize 40 50",
]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_origin(tmp_path, orientation):
    """Every pixel of this picture says where it is: red and green are twice its place when it is shown. What
    comes out of the steps says where the origin should be, to a part of a pixel, blue whether it is picture
    or border."""
    w, h = 90, 103
    x, y = np.meshgrid(np.arange(w), np.arange(h))
    shown = Image.fromarray(np.stack([2 * x + 10, 2 * y + 10, np.full_like(x, 255)], 2).astype(np.uint8))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose of the inverse
    stored, exif = (shown.transpose(undo[orientation]) if orientation > 1 else shown), Image.Exif()
    exif[0x112] = orientation
    stored.save(tmp_path / "x.png", exif=exif)
    for steps in STEPS:
        got, m, size = with_origin(tmp_path, tmp_path / "x.png", steps)
        assert size == (w, h), steps
        u, v = np.meshgrid(np.arange(got.shape[1]) + 0.5, np.arange(got.shape[0]) + 0.5)
        found, want = (
            (got[:, :, :2] - 10.0) / 2 + 0.5,
            np.stack([m[i, 0] * u + m[i, 1] * v + m[i, 2] for i in range(2)], -1),
        )
        pure = (got[:, :, 2] == 255) & np.all((want > 3) & (want < [w - 3, h - 3]), 2)
        error = (found - want)[pure]
        assert pure.sum() > 300 and np.abs(error).max() < 0.8 and np.abs(error.mean(0)).max() < 0.1, (
            steps,
            error.mean(0),
            np.abs(error).max(),
        )
        inside = np.all((want > 3) & (want < [w - 3, h - 3]), 2)
        assert (got[:, :, 2][inside] >= 254).all(), steps
