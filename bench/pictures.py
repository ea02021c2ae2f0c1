#!/usr/bin/env python3
"""Speed of decoding and resizing on one thread beside Pillow and OpenCV, interleaved: milliseconds, best of some runs.

    bench/pictures.py [PICTURE.jpg ...]

Needs a build with -Dtests=true (VERNIER_BUILD, default build/), OpenCV and Pillow.
"""
import pathlib
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / p) for p in ("tests", "tests/oracle")]
import cv2  # noqa: E402
import numpy as np  # noqa: E402
import pictures  # noqa: E402
from PIL import Image  # noqa: E402

RUNS, ROUNDS = 20, 3
CASES = [((500, 375), (224, 224)), ((1920, 1080), (416, 416)), ((300, 300), (640, 640))]
OPENCV = {"nearest": 0, "linear": 1, "area": 3, "cubic": 2, "lanczos4": 4}


def best(f):
    least = float("inf")
    for _ in range(RUNS):
        t = time.perf_counter()
        f()
        least = min(least, time.perf_counter() - t)
    return least * 1e3


def line(what, ours, theirs):
    """Both in turn, so that a busy machine harms both."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    a, b = (min(p[i] for p in pairs) for i in (0, 1))
    print(f"{what:44} {a:8.3f} {b:8.3f} {b / a:6.2f}")


def main():
    cv2.setNumThreads(1)
    our, rng = pictures.Pictures(), np.random.default_rng(1)
    run = lambda *words, picture=None: float(our.call("time", RUNS, *words, picture=picture)[0, 0])
    print(f"{'':44} {'ours ms':>8} {'theirs':>8} {'ratio':>6}")
    for path in sys.argv[1:]:
        name = pathlib.Path(path).name
        line(f"decode {name} Pillow", lambda: run("decode", path, "pillow"), lambda: best(lambda: np.asarray(Image.open(path).convert("RGB"))))
        line(f"decode {name} OpenCV", lambda: run("decode", path, "opencv"), lambda: best(lambda: cv2.imread(path)))
    for (w, h), (nw, nh) in CASES:
        x = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        im = Image.fromarray(x)
        for f in "nearest", "box", "bilinear", "bicubic", "lanczos":
            line(f"Pillow {f} {w}x{h} to {nw}x{nh}", lambda: run("resize", "pillow", f, -1, "-", nw, nh, picture=x),
                 lambda: best(lambda: im.resize((nw, nh), Image.Resampling[f.upper()])))
        for f, i in OPENCV.items():
            line(f"OpenCV {f} {w}x{h} to {nw}x{nh}", lambda: run("resize", "opencv", f, -1, "-", nw, nh, picture=x),
                 lambda: best(lambda: cv2.resize(x, (nw, nh), interpolation=i)))


if __name__ == "__main__":
    main()
