#!/usr/bin/env python3
"""Measure what int8 costs: our program and those of other tools' quantizers, against the float network.

    .venv-bench/bin/python bench/accuracy.py [--model NAME]... [--tool NAME]... [--resume] [--table]

Every tool gets the same float tensors, and is judged on samples that calibration has not seen. Results go
into bench/accuracy.csv, row by row; docs/benchmarks.md explains them, tools/accuracy_docs.py makes their
page. Models of other tools are kept: what they took is measured once for each version of a tool.
"""
import argparse
import csv
import datetime
import fcntl
import functools
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import bench
import boxes
import cache
import convert
import networks
import quantizers
import table
from engines import ENGINES
from networks import NETWORKS, featuremaps, sm

RESULTS = Path(__file__).with_name("accuracy.csv")
COLUMNS = ("model", "tool", "calibration", "test", "metric", "float_score", "score", "difference", "low",
           "high", "agreement", "sqnr_db", "least_sqnr_db", "worst_cosine", "seconds", "peak_mb", "note",
           "date", "revision", "versions")
RECIPE = 1  # part of the key of samples: raise it when they change
OURS = {  # name: calibration keys
    "vernier default": {"calibration_type": "'default'"},
    "vernier max": {"calibration_type": "'max'"},
    "vernier int16": {"calibration_type": "'max'", "optimization": "'set_all_nodes_int16'"},
    "vernier vendor": {"calibration_type": "'default'", "search": "'vendor'"},
    "vernier high": {"calibration_type": "'default'", "effort": "'high'"},
    "vernier tune": {"calibration_type": "'default'"},
}
TUNE = ("--latency-ratio", 1.1, "--accept-data")
TOOLS = (*OURS, *quantizers.QUANTIZERS)
RESAMPLES, SEED = 1000, 1
IMAGES = sm.SHARED / "images"


# ---- metrics: a record of each sample, a score of records ----

def best(x, axis):
    return np.argmax(x, axis)


class TopOne:
    """Share of images whose class has the largest output, in percent."""
    name = "top-1"

    def __init__(self, labels):
        self.labels = labels

    def records(self, outputs):
        return (best(outputs[0].reshape(len(self.labels), -1), 1) == np.array(self.labels)).astype(float)

    def score(self, records):
        return 100 * records.mean(0)


class Plates:
    """Share of plates whose whole text is right: greedy decoding, the last class is the blank."""
    name = "exact match"

    def __init__(self, texts, alphabet):
        self.texts, self.alphabet = texts, alphabet

    def text(self, classes):
        blank, last, found = len(self.alphabet) - 1, -1, ""
        for c in classes:
            found += self.alphabet[c] if c not in (blank, last) else ""
            last = c
        return found

    def records(self, outputs):
        found = [self.text(row) for row in best(outputs[0], 1)]
        return np.array([a == b for a, b in zip(found, self.texts)], float)

    def score(self, records):
        return 100 * records.mean(0)


class MeanIoU:
    """Mean intersection over union of classes over all pixels, in percent; the output is enlarged."""
    name = "mIoU"
    CLASSES, VOID = 11, 11

    def __init__(self, labels):
        self.labels = labels  # H x W each

    def table(self, x, label):
        found = best(enlarge(x, label.shape), 0)
        keep = label != self.VOID
        cells = label[keep].astype(int) * self.CLASSES + found[keep]
        return np.bincount(cells, minlength=self.CLASSES ** 2).reshape(self.CLASSES, self.CLASSES)

    def records(self, outputs):
        return np.array([self.table(x, label) for x, label in zip(outputs[0], self.labels)])

    def score(self, records):
        t = records.sum(0)
        hit, either = np.diag(t), t.sum(0) + t.sum(1) - np.diag(t)
        return 100 * (hit[either > 0] / either[either > 0]).mean()


def enlarge(x, shape):
    """C x h x w to C x H x W, between pixel centres."""
    for axis, n in ((1, shape[0]), (2, shape[1])):
        size = x.shape[axis]
        at = np.clip((np.arange(n) + 0.5) * size / n - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, size - 1)
        part = (at - low).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
        x = np.take(x, low, axis) * (1 - part) + np.take(x, high, axis) * part
    return x


# ---- decisions: what the outputs of a network say, as an array of one row per sample ----

def classes(axis):
    """The largest element along an axis of the first output."""
    return lambda o: best(o[0], axis).reshape(len(o[0]), -1)


def detections(score, least=0.5):
    """The class of each box whose score is high enough; others are no decision unless the other network
    makes one."""
    def of(outputs):
        s = score(outputs)
        return np.where(s.max(2) >= least, s.argmax(2), -1)
    return of


def grid_scores(o):
    x = o[0].reshape(len(o[0]), 85, -1).transpose(0, 2, 1)
    return np.maximum(x[:, :, :1], 0) ** 0.6 * np.maximum(x[:, :, 5:], 0) ** 0.4


def yunet_scores(o):
    return np.concatenate([np.sqrt(np.clip(o[k] * o[k + 3], 0, None)) for k in range(3)], 1)


def agreement(a, b):
    """Share of equal decisions among those that either network makes."""
    made = (a >= 0) | (b >= 0)
    return 100 * float((a == b)[made].mean()) if made.any() else 100.0


# ---- networks and their samples ----

class Subject:
    """A network of the benchmark with samples that calibrate, samples that test, a metric and decisions."""

    def __init__(self, network, calibration, test, metric=None, decisions=None):
        self.network, self.calibration, self.test = NETWORKS[network], calibration, test
        self.metric, self.decisions = metric, decisions

    def prepare(self):
        """Folders of calibration and of test samples; the float network."""
        prepared = self.network.prepare()
        shapes = [list(x.shape) for x in prepared.test()]

        def make(folder):
            for name, source in (("calibration", self.calibration), ("test", self.test)):
                for n, sample in enumerate(source(shapes)):
                    for i, x in enumerate(sample):
                        (folder / name / str(i)).mkdir(parents=True, exist_ok=True)
                        np.save(folder / name / str(i) / f"{n:04}.npy", x)

        self.samples = cache.fill(cache.entry(prepared.folder, "accuracy", RECIPE), make)
        return prepared

    def folders(self, name):
        return sorted((self.samples / name).iterdir(), key=lambda p: int(p.name))

    def read(self, name, inputs):
        for files in zip(*(sorted(f.iterdir()) for f in self.folders(name))):
            yield dict(zip(inputs, map(np.load, files)))


def pictures(files, norm, colours="rgb", crop=None):
    """Samples from pictures: resized (`crop`: the shorter side to so many pixels, then the centre)."""
    numbers = lambda text, default: np.array((text or default).split(), np.float32).reshape(1, -1, 1, 1)

    def samples(shapes):
        from PIL import Image
        height, width = shapes[0][2:]
        for path in files():
            if crop:
                x = sm.picture_pixels(path, width, height, crop)
            else:
                x = np.asarray(Image.open(path).convert("RGB").resize((width, height), Image.BILINEAR))
            x = x[:, :, ::-1 if colours == "bgr" else 1].transpose(2, 0, 1)[None].astype(np.float32)
            yield [((x - numbers(norm[0], "0")) * numbers(norm[1], "1")).astype(np.float32)]
    return samples


def some(folder, n=None, part=None):
    """Pictures of a folder of the shared images: n of them, or the even (0) or odd ones (1)."""
    def files():
        all_ = sm.list_pictures(IMAGES / folder)
        return sm.spread(all_ if part is None else all_[part::2], n)
    return files


def both(*sources):
    return lambda: [p for s in sources for p in s()]


def made(generator, calibration, test):
    """Seeded samples of a generator, in two parts."""
    def part(shapes, of):
        for i, x in enumerate(generator(shapes, calibration + test)):
            if (i % ((calibration + test) // test) == 0) == (of == "test"):
                yield x
    return (lambda shapes: part(shapes, "calibration")), (lambda shapes: part(shapes, "test"))


def labels_of(path):
    return dict(line.rsplit(" ", 1) for line in (IMAGES / path).read_text().splitlines() if line)


def cifar(_):
    files = some("cifar10/test")()
    names = sorted({p.parent.name for p in files})
    return TopOne([names.index(p.parent.name) for p in files])


def imagenet(_):
    labels = labels_of("imagenet_val.txt")
    return TopOne([int(labels[p.name]) for p in some("imagenet_val")()])


def camvid(_):
    from PIL import Image
    labels = IMAGES / "camvid/valannot"
    load = lambda p: np.asarray(Image.open(labels / f"{p.stem}.png").resize((256, 192), Image.NEAREST))
    return MeanIoU([load(p) for p in some("camvid/val")()])


def plates(_):
    labels = labels_of("plates/test.txt")
    alphabet = (IMAGES / "plates/alphabet.txt").read_text().split("\n")[:68]
    return Plates([labels[p.name] for p in some("plates/test")()], alphabet)


FACES = (both(some("faces", part=0), some("objects"), some("imagenet_calib", 20)),
         both(some("faces", part=1), some("imagenet_val", 34)))
OBJECTS = (some("imagenet_calib", 40), both(some("objects"), some("imagenet_val", 37)))


def from_pictures(name, sets, norm, colours="rgb", crop=None, **more):
    return Subject(name, *(pictures(s, norm, colours, crop) for s in sets), **more)


def ap50(decode, least=0.5):
    """Of boxes with at least this score."""
    return functools.partial(boxes.AP50, decode, least)


def of_width(outputs, n):
    return next(x for x in outputs if x.shape[2] == n)


SCORES = detections(lambda o: of_width(o, 2)[:, :, 1:])
RFB = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))
RETINA = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
RFB_BOXES = ap50(boxes.ssd(240, 320, RFB, lambda o: of_width(o, 2), lambda o: of_width(o, 4)))
RETINA_BOXES = ap50(boxes.ssd(640, 640, RETINA, lambda o: o[1], lambda o: o[0]))
SUBJECTS = {s.network.name: s for s in (
    from_pictures("resnet20", (some("cifar10/calib"), some("cifar10/test")), networks.IMAGENET, metric=cifar,
                  decisions=classes(1)),
    from_pictures("mobilenet_v1_025", (some("imagenet_calib"), some("imagenet_val")), networks.HALF,
                  crop="short_side 256; center_crop 224", metric=imagenet, decisions=classes(1)),
    from_pictures("lprnet", (some("plates/calib"), some("plates/test")), networks.HALF, "bgr", metric=plates,
                  decisions=classes(1)),
    from_pictures("segformer_b0", (some("camvid/calib", 32), some("camvid/val")), networks.IMAGENET,
                  metric=camvid, decisions=classes(1)),
    from_pictures("ppocr_v4_rec", (some("plates/calib", 40), some("plates/test", 100)), networks.HALF,
                  decisions=classes(2)),
    from_pictures("rfb320", FACES, networks.R128, metric=RFB_BOXES, decisions=SCORES),
    from_pictures("rfb320_with_boxes", FACES, networks.R128, metric=ap50(boxes.plain(240, 320)),
                  decisions=SCORES),
    from_pictures("retinaface", FACES, networks.CAFFE_MEAN, "bgr", metric=RETINA_BOXES,
                  decisions=detections(lambda o: o[1].reshape(len(o[1]), -1, 2)[:, :, 1:])),
    from_pictures("yunet", FACES, networks.RAW, "bgr", metric=ap50(boxes.yunet(320)),
                  decisions=detections(yunet_scores)),
    from_pictures("fastestdet", OBJECTS, networks.UNIT, "bgr", metric=ap50(boxes.grid(352), 0.3),
                  decisions=detections(grid_scores, 0.3)),
    from_pictures("yolox_nano", OBJECTS, networks.RAW, "bgr", metric=ap50(boxes.yolox(416), 0.3),
                  decisions=detections(lambda o: o[0][:, :, 4:5] * o[0][:, :, 5:], 0.3)),
    Subject("basic_pitch", *made(networks.music, 24, 8)),
    Subject("magika_v3", *made(networks.source_text, 48, 16), decisions=classes(1)),
    Subject("dtln_1", *made(networks.spectra, 48, 16)),
)}


# ---- outputs of each program, in the order of the float network's ----

def stack(rows):
    """Lists of outputs by sample to an array for each output."""
    return [np.concatenate([np.asarray(x, np.float32).reshape(1, *np.shape(x)[1:]) for x in column])
            for column in zip(*rows)]


def run_onnx(path, prepared, samples):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    o.log_severity_level = 3
    s = ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])
    return stack([s.run(prepared.outputs, x) for x in samples])


def run_openvino(path, prepared, samples):
    import openvino
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": 1,
                                                                "INFERENCE_PRECISION_HINT": "f32"})
    outputs = [next(o for o in compiled.outputs if name in o.get_names()) for name in prepared.outputs]
    return stack([[result[o] for o in outputs] for result in (compiled([x[n] for n in prepared.inputs])
                                                              for x in samples)])


def run_bin(path, prepared, samples):
    """Of several inputs: sample by sample."""
    folder, rows = Path(path).parent / "run", []
    for x in samples:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        words = []
        for name in prepared.inputs:
            np.save(folder / f"in{len(words)}.npy", x[name])
            words += ["--input", f"{name}={folder / f'in{len(words)}.npy'}"]
        networks.run(sm.VERNIER, "run", path, *words, "--output-dir", folder / "out")
        rows.append([np.load(folder / "out" / f"{sm.safe_name(o)}.npy") for o in prepared.outputs])
    shutil.rmtree(folder, ignore_errors=True)
    return stack(rows)


def run_folder(path, prepared, subject):
    """All samples of a network with one input in one process."""
    folder = Path(path).parent / "run"
    shutil.rmtree(folder, ignore_errors=True)
    networks.run(sm.VERNIER, "run", path, "--images", subject.folders("test")[0], "--output-dir", folder)
    n = len(list(subject.folders("test")[0].iterdir()))
    out = [np.load(folder / f"{sm.safe_name(o)}.npy") for o in prepared.outputs]
    shutil.rmtree(folder, ignore_errors=True)
    return [x.astype(np.float32).reshape(n, *x.shape[-(x.ndim - 1):]) for x in out]


def outputs_of(path, prepared, subject):
    if path.suffix == ".bin" and len(prepared.inputs) == 1:
        return run_folder(path, prepared, subject)
    run = {".bin": run_bin, ".xml": run_openvino, ".onnx": run_onnx}[path.suffix]
    return run(path, prepared, subject.read("test", prepared.inputs))


# ---- quantizing ----

def ours(tool, prepared, subject, folder):
    calibration = {"cal_data_dir": f"'{';'.join(map(str, subject.folders('calibration')))}'", **OURS[tool]}
    config = sm.write_yaml(folder / "m.yaml", prepared.float, working_dir=folder / "out",
                           inputs=featuremaps(prepared.inputs), calibration=calibration)
    spent = most = 0
    if tool == "vernier tune":
        spent, most, _ = convert.run([sm.VERNIER, "tune", "-c", config, *TUNE])
        config = next(folder.glob("*_tuned.yaml"))
    seconds, peak, _ = convert.run([sm.VERNIER, "convert", "-c", config, "--compare", 0, "--accept-data",
                                    "--min-cosine", -1, "--log", "none"])
    return folder / "out/m.bin", spent + seconds, max(most, peak)


def theirs(tool, prepared, subject, _):
    """Kept with what it took, for the same float network, samples, settings and versions."""
    function, settings, suffix = quantizers.QUANTIZERS[tool]
    transformer = prepared.network.transformer

    def make(to):
        _, peak, text = convert.run([sys.executable, __file__, "--quantize", tool, prepared.name, to])
        (to / "cost.json").write_text(json.dumps([json.loads(text.splitlines()[-1]), peak]))

    kept = cache.entry(prepared.folder, f"accuracy-{tool.replace(' ', '-')}", prepared.hashes[0],
                       subject.samples.name, function.__name__, settings, transformer, versions_of(tool))
    cache.fill(kept, make)
    return kept / f"int8{suffix}", *json.loads((kept / "cost.json").read_text())


def quantize(tool, name, folder):
    """A process of its own: CPU seconds without imports."""
    import importlib
    subject = SUBJECTS[name]
    prepared = subject.prepare()
    importlib.import_module("nncf" if tool.startswith("nncf") else "onnxruntime.quantization")
    samples = list(subject.read("calibration", prepared.inputs))
    start = time.process_time()
    quantizers.quantize(tool, prepared.float, samples, folder, prepared.network.transformer)
    print(json.dumps(time.process_time() - start))


# ---- comparing ----

def fidelity(x, y):
    """SQNR over all samples (dB): of all outputs together as the mean, and the least; the least cosine of a
    sample in any output."""
    sqnr, cosines = [], []
    for a, b in zip(x, y):
        a, b = (v.reshape(len(v), -1).astype(np.float64) for v in (a, b))
        noise, power = ((a - b) ** 2).sum(), (a * a).sum()
        sqnr.append(10 * np.log10(power / noise) if noise else np.inf)
        length = np.sqrt((a * a).sum(1) * (b * b).sum(1))
        cosines.append(np.where(length > 0, (a * b).sum(1) / np.maximum(length, 1e-30), np.all(a == b, 1)))
    return float(np.mean(sqnr)), float(min(sqnr)), float(min(c.min() for c in cosines))


def interval(metric, a, b):
    """95 % of the paired differences of resampled scores."""
    rng = np.random.default_rng(SEED)
    differences = []
    for _ in range(RESAMPLES):
        draw = rng.integers(0, len(a), len(a))
        differences.append(metric.score(b[draw]) - metric.score(a[draw]))
    return np.percentile(differences, [2.5, 97.5])


def judge(row, subject, metric, reference, found):
    if any(a.shape != b.shape for a, b in zip(reference, found)):
        raise RuntimeError(f"outputs {[b.shape for b in found]}, float's are {[a.shape for a in reference]}")
    row["sqnr_db"], row["least_sqnr_db"], row["worst_cosine"] = fidelity(reference, found)
    if subject.decisions:
        row["agreement"] = agreement(subject.decisions(reference), subject.decisions(found))
    if metric:
        a, b = metric.records(reference), metric.records(found)
        row["metric"], row["float_score"], row["score"] = metric.name, metric.score(a), metric.score(b)
        row["difference"] = row["score"] - row["float_score"]
        row["low"], row["high"] = interval(metric, a, b)


def attempt(tool, prepared, subject, metric, reference, common):
    row = {"model": prepared.name, "tool": tool, **common}
    with tempfile.TemporaryDirectory(dir=prepared.folder, prefix="run-") as folder:
        try:
            make = ours if tool in OURS else theirs
            path, row["seconds"], row["peak_mb"] = make(tool, prepared, subject, Path(folder))
            judge(row, subject, metric, reference, outputs_of(path, prepared, subject))
        except Exception as e:  # of any of the tools: the others go on
            row["note"] = " ".join(str(e).split())[:200]
    print(f"{prepared.name}, {tool}: {row.get('note') or summary(row)}", file=sys.stderr, flush=True)
    return {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}


def summary(row):
    score = f"{row['difference']:+.2f}, " if "difference" in row else ""
    return f"{score}{row['sqnr_db']:.2f} dB, agreement {row.get('agreement', '--')}, {row['seconds']:.1f} s"


def measure(subject, tools):
    """Row by row."""
    prepared = subject.prepare()
    reference = run_onnx(prepared.float, prepared, subject.read("test", prepared.inputs))
    metric = subject.metric(reference) if subject.metric else None
    count = lambda name: len(list(subject.folders(name)[0].iterdir()))
    common = {**origin(), "calibration": count("calibration"), "test": count("test")}
    for tool in tools:
        yield attempt(tool, prepared, subject, metric, reference, common)


# ---- the file and its table ----

def read():
    if not RESULTS.exists():
        return []
    with open(RESULTS, newline="") as f:
        return list(csv.DictReader(f))


def add(row):
    """In its place; another process may have added others meanwhile."""
    with open(cache.FOLDER / "accuracy.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        others = [r for r in read() if (r["model"], r["tool"]) != (row["model"], row["tool"])]
        place = lambda r: (list(SUBJECTS).index(r["model"]), TOOLS.index(r["tool"]))
        with open(RESULTS, "w", newline="") as f:
            w = csv.DictWriter(f, COLUMNS, lineterminator="\n")
            w.writeheader()
            w.writerows(sorted([*others, row], key=place))


def is_done(row, subject):
    """Measured, with all that is measured now: ours at this revision, others with these versions."""
    same = "revision" if row["tool"] in OURS else "versions"
    whole = row["note"] or (row["sqnr_db"] and bool(row["metric"]) == bool(subject.metric))
    return bool(whole) and row[same] == origin()[same]


def show(rows):
    head = ["model", "tool", "score", "difference", "95 %", "agreement", "SQNR", "least", "cosine", "s", "MB"]
    number = lambda r, k, form="{:.2f}": form.format(float(r[k])) if r.get(k) not in (None, "") else "--"
    lines, last = [head], None
    for r in rows:
        spread = f"{number(r, 'low')} {number(r, 'high')}" if r.get("low") not in (None, "") else "--"
        name = r["model"] if r["model"] != last else ""
        lines.append([name, r["tool"], number(r, "score"), number(r, "difference"), spread,
                      number(r, "agreement"), number(r, "sqnr_db"), number(r, "least_sqnr_db"),
                      number(r, "worst_cosine", "{:.4f}"), number(r, "seconds", "{:.1f}"),
                      number(r, "peak_mb", "{:.0f}")])
        last = r["model"]
    print(table.align(lines))
    print("\n".join(f"{r['model']}, {r['tool']}: {r['note']}" for r in rows if r.get("note")))


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", action="append", choices=list(SUBJECTS), metavar="NAME", help="only this one")
    p.add_argument("--tool", action="append", choices=TOOLS, metavar="NAME", help="only this one")
    p.add_argument("--resume", action="store_true",
                   help="skip what is there: ours of this revision, others of these versions")
    p.add_argument("--table", action="store_true", help="measure nothing: print the table of the CSV file")
    p.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    a = p.parse_args()
    a.model, a.tool = a.model or list(SUBJECTS), a.tool or list(TOOLS)
    return a


@functools.cache
def origin():
    versions = {k: v for e in ENGINES.values() if e.kind == "int8" for k, v in e.versions().items()}
    return {"date": datetime.date.today().isoformat(), "revision": bench.revision(),
            "versions": bench.words(versions)}


def versions_of(tool):
    """Of the packages that make its model."""
    return origin()["versions"] if tool.startswith("nncf") else origin()["versions"].split()[0]


def main():
    if sys.argv[1:2] == ["--quantize"]:
        return quantize(*sys.argv[2:])
    a = arguments()
    os.sched_setaffinity(0, {a.cpu})
    for name in a.model if not a.table else []:
        subject = SUBJECTS[name]
        if subject.network.missing():
            print(f"{name}: {subject.network.missing()}", file=sys.stderr)
            continue
        done = {r["tool"] for r in read() if r["model"] == name and is_done(r, subject)}
        tools = [t for t in a.tool if not (a.resume and t in done)]
        for row in measure(subject, tools) if tools else []:
            add(row)
    show([r for r in read() if r["model"] in a.model and r["tool"] in a.tool])


if __name__ == "__main__":
    main()
