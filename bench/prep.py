#!/usr/bin/env python3
"""`vernier prep` on one thread beside the same program in Python with OpenCV, and with Pillow: seconds for a folder, interleaved, median
of some rounds. All three write one .npy for each picture.

    bench/prep.py FOLDER [ROUNDS]

VERNIER is the program (default: build/vernier). Needs OpenCV and Pillow.
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
import shared_models as sm  # noqa: E402

THEIRS = {
    "opencv": """
import sys, pathlib, cv2, numpy as np
cv2.setNumThreads(1)
mean, std = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
for p in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    x = cv2.cvtColor(cv2.resize(cv2.imread(str(p)), (224, 224)), cv2.COLOR_BGR2RGB)
    np.save(sys.argv[2] + "/" + p.stem, ((x - mean) / std).transpose(2, 0, 1)[None].copy())
""",
    "pillow": """
import sys, pathlib, numpy as np
from PIL import Image
for p in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    im = Image.open(p).convert("RGB")
    w, h = im.size
    im = im.resize((256, 256 * h // w) if w < h else (256 * w // h, 256), Image.BILINEAR)
    x, y = (round((s - 224) / 2) for s in im.size)
    np.save(sys.argv[2] + "/" + p.stem, np.asarray(im.crop((x, y, x + 224, y + 224))))
""",
}
OURS = {
    "opencv": "decode opencv; resize 224 224 library=opencv; colour rgb; "
              "normalise mean=123.675,116.28,103.53 std=58.395,57.12,57.375; layout NCHW",
    "pillow": "short_side 256 version=13; center_crop 224",
}


def seconds(command):
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        subprocess.run([*map(str, command(out))], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main():
    folder, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    files = len(list(pathlib.Path(folder).iterdir()))
    print(f"{files} pictures of {pathlib.Path(folder).name}, one thread, median of {rounds}")
    print(f"{'':8} {'prep s':>8} {'theirs s':>9} {'ratio':>6} {'theirs without start s':>23} {'ratio':>6}")
    for name in THEIRS:
        empty = pathlib.Path(tempfile.mkdtemp())
        runs = {"ours": lambda out: [sm.VERNIER, "prep", folder, "--pipeline", OURS[name], "-o", out],
                "theirs": lambda out: [sys.executable, "-c", THEIRS[name], folder, out],
                "start": lambda out: [sys.executable, "-c", THEIRS[name], empty, out]}
        times = {k: [] for k in runs}
        for _ in range(rounds):
            for k, command in runs.items():
                times[k].append(seconds(command))
        a, b, s = (statistics.median(times[k]) for k in ("ours", "theirs", "start"))
        print(f"{name:8} {a:8.2f} {b:9.2f} {b / a:6.2f} {b - s:23.2f} {(b - s) / a:6.2f}")


if __name__ == "__main__":
    main()
