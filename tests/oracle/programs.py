"""Preprocessing programs as people write them, with the real libraries: one program with knobs, whose settings are causes of misalignment.
Both sides of every comparison in test_align.py come from here; nothing of our own code computes a picture."""
import sys

import cv2
import numpy as np
import tool
from PIL import Image

sys.path.insert(0, str(tool.ROOT / "python"))
from vernier import trace  # noqa: E402

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


# ---- steps: each a function of the array ----

def read_pillow(path):
    return np.asarray(Image.open(path).convert("RGB"))


def read_opencv(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def pillow(method, size=None):
    def step(x, size):
        return np.asarray(Image.fromarray(x).resize(size, getattr(Image.Resampling, method)))
    return step


def opencv(method):
    return lambda x, size: cv2.resize(x, size, interpolation=getattr(cv2, "INTER_" + method))


def skimage_order1(x, size):
    from skimage.transform import resize
    return resize(x, size[::-1], order=1, anti_aliasing=False)


def skimage_antialias(x, size):
    from skimage.transform import resize
    return resize(x, size[::-1], order=1, anti_aliasing=True)


def short_side(rounding):
    def size(x, s=40):
        h, w = x.shape[:2]
        return (s, rounding(s * h / w)) if w <= h else (rounding(s * w / h), s)
    return size


def center(offset, dx=0, dy=0):
    def crop(x, s=33):
        top, left = offset((x.shape[0] - s) / 2) + dy, offset((x.shape[1] - s) / 2) + dx
        return x[top:top + s, left:left + s]
    return crop


def pad(value, where):
    def step(x, s=48):
        dh, dw = s - x.shape[0], s - x.shape[1]
        top, left = {"center": (dh // 2, dw // 2), "top_left": (0, 0), "bottom_right": (dh, dw)}[where]
        return cv2.copyMakeBorder(x, top, dh - top, left, dw - left, cv2.BORDER_CONSTANT, value=(value,) * 3)
    return step


def letterbox(value, where, rounding=round):
    def step(x, s=48):
        r = min(s / x.shape[0], s / x.shape[1])
        return pad(value, where)(cv2.resize(x, (rounding(x.shape[1] * r), rounding(x.shape[0] * r))), s)
    return step


def normalise(mean, std, divide=255, times=1):
    def step(x):
        x = x.astype(np.float32)
        if divide != 1:
            x = x / np.float32(divide)
        for _ in range(times):
            x = (x - np.float32(mean)) / np.float32(std)
        return x
    return step


def i420(x):
    """OpenCV's video range, chroma of one pixel in four, and back."""
    x = x if x.dtype == np.uint8 else np.rint(x * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_RGB2YUV_I420), cv2.COLOR_YUV2RGB_I420)


def same(x):
    return x


def swapped(x):
    return np.ascontiguousarray(x[:, :, ::-1])


def chw(x):
    return np.ascontiguousarray(x.transpose(2, 0, 1))


def even(x):
    return np.ascontiguousarray(x[:x.shape[0] // 2 * 2, :x.shape[1] // 2 * 2])


# ---- the program ----

BASE = {"decode": read_pillow, "colour": same, "size": short_side(int), "resize": pillow("BILINEAR"), "crop": center(round), "pad": pad(114, "center"),
        "yuv": same, "normalise": normalise(*IMAGENET), "layout": chw}


def run(folder, pictures, **knobs):
    """A trace of the program on every picture."""
    steps = {**BASE, **knobs}
    trace.start(folder)
    for path in pictures:
        trace.picture(path)
        x = trace.save("decode", steps["decode"](path))
        x = trace.save("colour", steps["colour"](x))
        x = trace.save("resize", steps["resize"](x, steps["size"](x)))
        x = trace.save("crop", steps["crop"](x))
        x = trace.save("pad", steps["pad"](x))
        x = trace.save("yuv", steps["yuv"](x))
        x = trace.save("normalise", steps["normalise"](x))
        trace.save("layout", steps["layout"](x))
    return folder


def photograph(rng, h, w):
    """Smooth shapes, edges and grain; no symmetry."""
    y, x = np.mgrid[0:h, 0:w]
    p = np.zeros((h, w, 3))
    for c in range(3):
        for _ in range(5):
            fx, fy, phase = rng.normal(0, 0.15), rng.normal(0, 0.15), rng.random() * 6
            p[:, :, c] += np.sin(fx * x + fy * y + phase) * rng.random()
    p = (p - p.min()) / (p.max() - p.min()) * 200 + 20
    for _ in range(6):
        t, left = rng.integers(0, h - 8), rng.integers(0, w - 8)
        p[t:t + rng.integers(4, 20), left:left + rng.integers(4, 20)] = rng.integers(0, 256, 3)
    return np.clip(p + rng.normal(0, 12, p.shape), 0, 255).astype(np.uint8)


def pictures(folder, seed, n=4, exif=False):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(n):
        h, w = rng.integers(56, 110, 2)
        im = Image.fromarray(photograph(rng, h, w))
        paths.append(folder / f"{i}.{'jpg' if exif else 'png'}")
        if exif:
            tags = Image.Exif()
            tags[0x112] = exif
            im.save(paths[-1], exif=tags, quality=95)
        else:
            im.save(paths[-1])
    return paths
