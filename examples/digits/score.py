#!/usr/bin/env python3
"""Top-1 accuracy of the outputs of `vernier run MODEL --images FOLDER --output-dir DIR`.

    score.py LABELS.txt [NAME=]DIR [[NAME=]DIR...]

LABELS.txt has lines "file class". Prints one line per DIR: its accuracy, and the difference from the first.
"""
import glob
import os
import sys

import numpy as np


def score(labels, folder):
    with open(os.path.join(folder, "files.txt")) as f:
        files = f.read().split()
    outputs = glob.glob(os.path.join(folder, "*.npy"))
    if len(outputs) != 1:
        sys.exit(f"{folder}: expected one output, got {len(outputs)}")
    got = np.load(outputs[0]).reshape(len(files), -1).argmax(1)
    return sum(int(labels[f] == g) for f, g in zip(files, got)), len(files)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as f:
        labels = {name: int(number) for name, number in (line.split() for line in f)}
    first = None
    for word in sys.argv[2:]:
        name, _, folder = word.rpartition("=")
        right, n = score(labels, folder)
        share = 100 * right / n
        text = "" if first is None else f"   {share - first:+.2f} points"
        first = share if first is None else first
        print(f"    {name or folder:<24} {share:6.2f} %   ({right} of {n} correct){text}")


if __name__ == "__main__":
    main()
