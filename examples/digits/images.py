#!/usr/bin/env python3
"""Write scikit-learn's digits as gray PNG images.

    images.py FOLDER

FOLDER/calib         100 training images, for calibration
FOLDER/held_out      the fifth of the data that training never sees
FOLDER/held_out.txt  its labels: one line "file digit" per image

Requires NumPy and scikit-learn's data file (1797 images of 8x8 pixels), installed by Debian's package
python3-sklearn.
"""
import importlib.util
import os
import struct
import sys
import zlib

import numpy as np


def data_file():
    """Found without importing scikit-learn: a virtual environment cannot always load Debian's libraries."""
    found = importlib.util.find_spec("sklearn")
    for folder in (
        os.path.dirname(found.origin) if found else None,
        "/usr/lib/python3/dist-packages/sklearn",
    ):
        path = os.path.join(folder or "", "datasets", "data", "digits.csv.gz")
        if os.path.exists(path):
            return path
    sys.exit("scikit-learn's digits.csv.gz not found: apt-get install python3-sklearn")


def load_digits():
    """Images as uint8 0..255, labels, and a mask of those held out (every fifth, after a fixed shuffle)."""
    rows = np.loadtxt(data_file(), delimiter=",")
    order = np.random.RandomState(0).permutation(len(rows))
    held_out = np.zeros(len(rows), bool)
    held_out[order[::5]] = True
    return (
        np.rint(rows[:, :64].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8),
        rows[:, 64].astype(int),
        held_out,
    )


def png(pixels):
    """A minimal PNG file: one header, one block of unfiltered rows, 8-bit gray."""
    height, width = pixels.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def write(folder, pixels, which):
    os.makedirs(folder, exist_ok=True)
    for i in which:
        with open(os.path.join(folder, f"{i:04d}.png"), "wb") as f:
            f.write(png(pixels[i]))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: images.py FOLDER")
    pixels, labels, held_out = load_digits()
    calibration, test = np.flatnonzero(~held_out)[:100], np.flatnonzero(held_out)
    write(os.path.join(sys.argv[1], "calib"), pixels, calibration)
    write(os.path.join(sys.argv[1], "held_out"), pixels, test)
    with open(os.path.join(sys.argv[1], "held_out.txt"), "w") as f:
        f.writelines(f"{i:04d}.png {labels[i]}\n" for i in test)
    print(f"{sys.argv[1]}: {len(calibration)} images for calibration, {len(test)} held out")


if __name__ == "__main__":
    main()
