#!/usr/bin/env python3
"""Measure decoding and resizing on one thread against Pillow and OpenCV: best time in milliseconds, and the
median ratio of interleaved rounds, so that a busy machine affects both.

    bench/pictures.py [--channels 1,3,4] [--type uint8|float32] [IMAGE.jpg ...]

Requires a build with -Dtests=true (VERNIER_BUILD, default build/), OpenCV and Pillow.
"""
import argparse
import pathlib
import statistics
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / p) for p in ("tests", "tests/oracle")]
import cv2  # noqa: E402
import numpy as np  # noqa: E402
import PIL  # noqa: E402
import pictures  # noqa: E402
from PIL import Image  # noqa: E402

RUNS, ROUNDS = 10, 5
CASES = [((500, 375), (224, 224)), ((1920, 1080), (416, 416)), ((300, 300), (640, 640))]
OPENCV = {
    "nearest": 0,
    "nearest_exact": 6,
    "linear": 1,
    "linear_exact": 5,
    "area": 3,
    "cubic": 2,
    "lanczos4": 4,
}
PILLOW = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]


def best(f):
    least = float("inf")
    for _ in range(RUNS):
        t = time.perf_counter()
        f()
        least = min(least, time.perf_counter() - t)
    return least * 1e3


def line(what, ours, theirs):
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    a, b, ratio = (
        statistics.median(map(f, pairs)) for f in (lambda p: p[0], lambda p: p[1], lambda p: p[1] / p[0])
    )
    print(f"{what:44} {a:8.3f} {b:8.3f} {ratio:6.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--channels", default="3")
    parser.add_argument("--type", default="uint8")
    parser.add_argument("pictures", nargs="*")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    our, rng = pictures.Pictures(), np.random.default_rng(1)
    run = lambda *words, picture=None: float(our.call("time", RUNS, *words, picture=picture)[0, 0])
    print(f"{'':44} {'ours ms':>8} {'theirs':>8} {'ratio':>6}")
    for path in args.pictures:
        name = pathlib.Path(path).name
        line(
            f"decode {name} Pillow",
            lambda: run("decode", path, "pillow"),
            lambda: best(lambda: np.asarray(Image.open(path).convert("RGB"))),
        )
        line(
            f"decode {name} OpenCV",
            lambda: run("decode", path, "opencv"),
            lambda: best(lambda: cv2.imread(path)),
        )
    for channels in map(int, args.channels.split(",")):
        for (w, h), (nw, nh) in CASES:
            x = rng.integers(0, 256, (h, w, channels)).astype(args.type)
            what = f"{w}x{h}x{channels} to {nw}x{nh}"
            if args.type == "uint8" and channels != 2:
                im = Image.fromarray(x if channels > 1 else x[:, :, 0])
                for f in PILLOW if channels < 4 else []:  # Pillow's RGBA is premultiplied first
                    line(
                        f"Pillow {f} {what}",
                        lambda: run("resize", "pillow", f, -1, PIL.__version__, nw, nh, picture=x),
                        lambda: best(lambda: im.resize((nw, nh), Image.Resampling[f.upper()])),
                    )
            for f, i in OPENCV.items():
                line(
                    f"OpenCV {f} {what}",
                    lambda: run("resize", "opencv", f, -1, cv2.__version__, nw, nh, picture=x),
                    lambda: best(lambda: cv2.resize(x, (nw, nh), interpolation=i)),
                )


if __name__ == "__main__":
    main()
