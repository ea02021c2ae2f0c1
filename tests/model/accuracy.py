#!/usr/bin/env python3
"""Accuracy, fidelity and size of the real models: float32 against the int8 .bin, both on the runtime.

    tests/model/accuracy.py            count and print; nothing is written
    tests/model/accuracy.py --write    count and write accuracy.csv
    tests/model/accuracy.py --check    count and compare with accuracy.csv and with the limits below

Scores are counted by `vernier eval`. That of the SegFormers is mIoU in percent against the 101 labels of
camvid/val at 192 x 256, 11 classes, void not counted; that of the classifiers is top-1. Top-1 is counted on
the 2000 pictures of cifar10/test (resnet20) and the 400 of imagenet_val (mobilenet). Cosine and SQNR are of
the logits, picture by picture (mobilenet ends in a softmax: the tensor in front of it is dumped); of the
detectors' outputs, all of them concatenated, on their pictures. All of it is deterministic: it must come out
the same on every machine.
"""
import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import shared_models as sm

CSV = Path(__file__).resolve().parent / "accuracy.csv"
FIELDS = [
    "model",
    "method",
    "pictures",
    "float32_score",
    "quantized_score",
    "drop",
    "cosine_mean",
    "cosine_min",
    "sqnr_db",
    "bin_bytes",
    "arena_bytes",
]
MOST_DROP = {
    "resnet20": 0.7,
    "mobilenet": 2.0,
    "segformer": 1.0,
    "segformer_mixed": 1.0,
    "segformer_int16": 0.5,
}  # percentage points
LEAST_COSINE = {
    "resnet20": 0.99,
    "mobilenet": 0.99,
    "segformer": 0.98,
    "segformer_mixed": 0.98,
    "segformer_int16": 0.9999,
}
ALL = {**sm.MODELS, **sm.SEGMENTERS}


IMAGES = sm.SHARED / "images"
SEGMENTING = (
    "--metric",
    "miou",
    "--images",
    IMAGES / "camvid/val",
    "--labels",
    IMAGES / "camvid/valannot",
    "--ignore",
    11,
    "--label-size",
    "256x192",
)
TASKS = {  # vernier eval
    "resnet20": ("--metric", "top_k", "--k", 1, "--images", IMAGES / "cifar10/test", "--labels", "folders"),
    "mobilenet": (
        "--metric",
        "top_k",
        "--k",
        1,
        "--images",
        IMAGES / "imagenet_val",
        "--labels",
        IMAGES / "imagenet_val.txt",
    ),
    **{name: SEGMENTING for name in sm.SEGMENTERS},
}


def scores(model, files):
    """Top-1 or mIoU of each file in percent; None for models without labels."""
    if model.name not in TASKS:
        return None
    done = sm.vernier(
        "eval", *files, *TASKS[model.name], *sm.pipeline_options(model), "--bootstrap", 0, "--json"
    )
    return [next(iter(m["scores"].values()))["value"] for m in json.loads(done.stdout)["models"]]


def stacked(file, model, pictures, folder):
    """Outputs of a run over all pictures: {name: array with one row per picture}, and the pictures' names."""
    sm.vernier("run", file, "--images", pictures, *sm.pipeline_options(model), "--output-dir", folder)
    names = (folder / "files.txt").read_text().split()
    return {p.stem: np.load(p).reshape(len(names), -1) for p in sorted(folder.glob("*.npy"))}, names


def with_logits(file, tensor, folder):
    """A copy of an ONNX model that also gives out the logits, in front of its softmax."""
    model = onnx.load(file)
    if tensor not in {o.name for o in model.graph.output}:
        model.graph.output.append(onnx.ValueInfoProto(name=tensor))
    onnx.save(model, folder / file.name)
    return folder / file.name


def run(file, model, pictures, folder):
    """(what is compared, names)"""
    folder.mkdir(parents=True, exist_ok=True)
    if not model.logits:
        out, names = stacked(file, model, pictures, folder)
        return np.concatenate([out[k] for k in sorted(out)], axis=1), names
    out, names = stacked(with_logits(file, model.logits, folder), model, pictures, folder)
    return out[model.logits], names


def similarity(a, b):
    """Cosine of each row; SQNR over everything."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    cosine = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    noise = ((a - b) ** 2).sum()
    return cosine, 10 * np.log10((a * a).sum() / noise) if noise else np.inf


def method_of(products):
    for line in products.log.splitlines():
        if "Select " in line and line.rstrip().endswith("method."):
            return line.split("Select ", 1)[1].rsplit(" method.", 1)[0]
    return "?"


def measure(model, folder, calibration=None, products=None):
    products = products or sm.convert(model, folder, calibration)
    pictures = sm.flat_folder(model.pictures(), folder / "pictures")
    float32, names = run(products.onnx("optimized_float"), model, pictures, folder / "float32")
    # test_verify shows that the .bin computes what this file says
    quantized = products.onnx("quantized") if model.logits else products.bin
    int8, same = run(quantized, model, pictures, folder / "int8")
    assert names == same
    cosine, sqnr = similarity(float32, int8)
    file_bytes, arena_bytes = sm.bin_sizes(products.bin)
    row = dict(
        model=model.name,
        method=method_of(products),
        pictures=len(names),
        float32_score="",
        quantized_score="",
        drop="",
        cosine_mean=f"{cosine.mean():.5f}",
        cosine_min=f"{cosine.min():.5f}",
        sqnr_db=f"{sqnr:.2f}",
        bin_bytes=str(file_bytes),
        arena_bytes=str(arena_bytes),
    )
    found = scores(model, (products.onnx("optimized_float"), products.bin))
    if found:
        row.update(
            float32_score=f"{found[0]:.2f}",
            quantized_score=f"{found[1]:.2f}",
            drop=f"{found[0] - found[1]:.2f}",
        )
    return {k: str(v) for k, v in row.items()}


def too_bad(row):
    name, bad = row["model"], []
    if name in MOST_DROP and float(row["drop"]) > MOST_DROP[name]:
        bad.append(
            f"{name}: the score is {row['drop']} points below float32, at most {MOST_DROP[name]} allowed"
        )
    if name in LEAST_COSINE and float(row["cosine_mean"]) < LEAST_COSINE[name]:
        bad.append(
            f"{name}: mean cosine of the logits is {row['cosine_mean']}, at least {LEAST_COSINE[name]} wanted"
        )
    return bad


def changed(row, committed):
    was = committed.get(row["model"])
    if not was:
        return [f"{row['model']}: not in {CSV.name}"]
    return [f"{row['model']}: {k} is {row[k]}, {CSV.name} has {was[k]}" for k in FIELDS if row[k] != was[k]]


def read_csv():
    with open(CSV, newline="") as f:
        return {r["model"]: r for r in csv.DictReader(f)}


def print_table(rows):
    width = [max(len(k), *(len(r[k]) for r in rows)) for k in FIELDS]
    for r in [dict(zip(FIELDS, FIELDS))] + rows:
        print("  ".join(r[k].ljust(w) for k, w in zip(FIELDS, width)).rstrip())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true", help="compare with accuracy.csv and the limits")
    p.add_argument("--write", action="store_true", help="write accuracy.csv")
    p.add_argument("--model", action="append", choices=list(ALL), help="only these")
    p.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a calibration key, to try settings"
    )
    a = p.parse_args()
    if sm.missing():
        print(sm.missing())
        return 3
    settings = dict(s.split("=", 1) for s in a.set)
    with tempfile.TemporaryDirectory() as tmp:
        rows = [
            measure(m, Path(tmp) / m.name, settings) for m in ALL.values() if not a.model or m.name in a.model
        ]
    print_table(rows)
    bad = [text for r in rows for text in too_bad(r)]
    if a.check:
        bad += [text for r in rows for text in changed(r, read_csv())]
    if a.write:
        kept = {**read_csv(), **{r["model"]: r for r in rows}}  # rows of models that were not measured stay
        with open(CSV, "w", newline="") as f:
            w = csv.DictWriter(f, FIELDS, lineterminator="\n")
            w.writeheader()
            w.writerows(kept[m] for m in ALL if m in kept)
    print("\n".join(bad) if bad else "all within the limits" + (", and as in " + CSV.name if a.check else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
