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
    out = tmp_path / "out.raw"
    done = subprocess.run([PROGRAM, out, picture, steps], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{picture} {steps!r}: {done.stderr}"
    w, h = map(int, done.stdout.split())
    return np.frombuffer(out.read_bytes(), np.uint8).reshape(h, w, 3)


def noise(rng, w, h, mode="RGB"):
    """Noise on a gradient: resizing has something to round."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    a = rng.integers(0, 256, (h, w, channels)) * 0.5 + np.linspace(0, 127, w)[None, :, None]
    a = a.astype(np.uint8)
    return Image.fromarray(a[:, :, 0] if channels == 1 else a, mode)


def resized(picture, size):
    """Horizontal pass first, as Pillow up to 12 always did it; 13 begins with the vertical one where that is faster, which rounds
    differently. One axis at a time is the same in all versions."""
    return picture.resize((size[0], picture.height), Image.Resampling.BILINEAR).resize(size, Image.Resampling.BILINEAR)


def same(got, want, what):
    want = np.asarray(want.convert("RGB"))
    assert got.shape == want.shape, f"{what}: {got.shape}, Pillow has {want.shape}"
    different = int((got != want).sum())
    assert different == 0, f"{what}: {different} of {want.size} bytes differ"


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1"])
def test_png(tmp_path, mode):
    rng = np.random.default_rng(1)
    for i, (w, h) in enumerate([(1, 1), (7, 5), (64, 33), (31, 128)]):
        picture = noise(rng, w, h, "RGB").quantize(37) if mode == "P" else noise(rng, w, h).convert("1") if mode == "1" else noise(rng, w, h, mode)
        path = tmp_path / f"{i}.png"
        picture.save(path)
        want = Image.open(path)
        if mode in ("RGBA", "LA"):
            want = Image.merge("RGB", want.split()[:3]) if mode == "RGBA" else want.split()[0]
        same(ours(tmp_path, path), want, f"{mode} {w}x{h}")


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("options", [{"quality": 95}, {"quality": 40, "progressive": True}, {"quality": 80, "optimize": True}])
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
        same(ours(tmp_path, path, f"short_side {s}; center_crop {c}"), want.crop((left, top, left + c, top + c)), f"{w}x{h} {s} {c}")


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
