#!/usr/bin/env python3
"""Measure `vernier prep` on one thread against the same program in Python with OpenCV and with Pillow, for
every interpolation: seconds per folder, and the median ratio of interleaved rounds. Both write one .npy per
image.

    bench/prep.py FOLDER [ROUNDS]

VERNIER is the program (default: build/vernier). Requires OpenCV and Pillow.
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
import shared_models as sm  # noqa: E402

OPENCV = """
import sys, pathlib, cv2, numpy as np
cv2.setNumThreads(1)
mean, std = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
for p in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    x = cv2.cvtColor(cv2.resize(cv2.imread(str(p)), (224, 224), interpolation=cv2.INTER_%s), cv2.COLOR_BGR2RGB)
    np.save(sys.argv[2] + "/" + p.stem, ((x - mean) / std).transpose(2, 0, 1)[None].copy())
"""
PILLOW = """
import sys, pathlib, numpy as np
from PIL import Image
for p in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    im = Image.open(p).convert("RGB")
    w, h = im.size
    im = im.resize((256, 256 * h // w) if w < h else (256 * w // h, 256), Image.%s)
    x, y = (round((s - 224) / 2) for s in im.size)
    np.save(sys.argv[2] + "/" + p.stem, np.asarray(im.crop((x, y, x + 224, y + 224))))
"""
LIBRARIES = {
    "opencv": (
        OPENCV,
        ["nearest", "linear", "linear_exact", "area", "cubic", "lanczos4"],
        "decode opencv; resize 224 224 library=opencv interpolation=%s; colour rgb; "
        "normalise mean=123.675,116.28,103.53 std=58.395,57.12,57.375; layout NCHW",
    ),
    "pillow": (
        PILLOW,
        ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"],
        "short_side 256 version=13 interpolation=%s; center_crop 224",
    ),
}


def seconds(command):
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        subprocess.run([*map(str, command(out))], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main():
    folder, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    files = len(list(pathlib.Path(folder).iterdir()))
    empty = pathlib.Path(tempfile.mkdtemp())
    print(
        f"{files} pictures of {pathlib.Path(folder).name}, one thread, median of {rounds}; without: without the library's start"
    )
    print(f"{'':20} {'prep s':>8} {'theirs s':>9} {'ratio':>6} {'without':>8} {'ratio':>6}")
    for library, (program, interpolations, steps) in LIBRARIES.items():
        for word in interpolations:
            theirs = program % word.upper()
            runs = {"ours": lambda out: [sm.VERNIER, "prep", folder, "--pipeline", steps % word, "-o", out],
                    "theirs": lambda out: [sys.executable, "-c", theirs, folder, out],
                    "start": lambda out: [sys.executable, "-c", theirs, empty, out]}
            times = [{k: seconds(command) for k, command in runs.items()} for _ in range(rounds)]
            middle = lambda f: statistics.median(map(f, times))
            print(
                f"{library + ' ' + word:20} {middle(lambda t: t['ours']):8.2f} {middle(lambda t: t['theirs']):9.2f} "
                f"{middle(lambda t: t['theirs'] / t['ours']):6.2f} {middle(lambda t: t['theirs'] - t['start']):8.2f} "
                f"{middle(lambda t: (t['theirs'] - t['start']) / t['ours']):6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
