#!/usr/bin/env python3
"""Planted faults in conversions: does `vernier flow` name the cause, and does what it prints help?

    planted_cases.py --list                         the cases of tests/flow/planted_cases.csv
    planted_cases.py --make CASE DIR                write one: model, calibration data, net.yaml
    planted_cases.py [--vernier P] [--only WORD] [--json FILE] [--write]
                                                    run, follow `next_command`; --write: docs/diagnosis.md
    planted_cases.py --merge FILE... [--write]      the table of results that --json wrote

A case is a network, a seed and one or two faults; `split` says whether rules were developed on the network.
The case `healthy` has no fault: nothing must be named; it counts where the conversion keeps the
decisions. A fault is *named* where a run on the way has its
cause, *repaired* where the last configuration has half of the SQNR that the fault took (where it is below 0
dB: half of the healthy one), between the float model on the right input and the quantized one, on images that
calibration has not seen.
Requires the shared models and images (VERNIER_SHARED), NumPy, Pillow and onnx.
"""
import argparse
import csv
import json
import math
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper as nh
from PIL import Image

import page_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "tests/flow/planted_cases.csv"
PAGE = ROOT / "docs/diagnosis.md"
SHARED = pathlib.Path(os.environ.get("VERNIER_SHARED", ROOT.parent / "shared"))
IMAGENET = ("123.675 116.28 103.53", "0.01712475 0.017507 0.01742919")
SUFFIXES = (".jpg", ".png", ".jpeg")
CALIBRATION, HELD_OUT = 6, 4  # images of each
MOST_COMMANDS = 5

# file, images, height, width, colours, mean, scale
NETWORKS = {
    "digits": (ROOT / "examples/digits/digits.onnx", None, 8, 8, "gray", "0", "0.003921568627"),
    "resnet20": ("resnet20_cifar10.onnx", "cifar10/test", 32, 32, "rgb", *IMAGENET),
    "lprnet": ("lprnet.onnx", "plates/test", 24, 94, "bgr", "127.5", "0.0078125"),
    "mobilenet": ("mobilenet_v1_025_224.onnx", "imagenet_val", 224, 224, "rgb", "127.5", "0.00784313725"),
    "rfb320": ("rfb320.onnx", "faces", 240, 320, "rgb", "127", "0.0078125"),
    "segformer": ("segformer_b0_camvid.onnx", "camvid/val", 192, 256, "rgb", *IMAGENET),
    "rfb320_with_boxes": ("rfb320_with_boxes.onnx", "faces", 240, 320, "rgb", "127", "0.0078125"),
    "fastestdet": ("fastestdet.onnx", "objects", 352, 352, "bgr", "0", "0.00392156863"),
    "yolox_nano": ("yolox_nano.onnx", "objects", 416, 416, "bgr", "0", "1"),
    "yunet": ("yunet_n_dynamic.onnx", "faces", 320, 320, "bgr", "0", "1"),
    "ppocr": ("ppocr_v4_rec.onnx", "plates/test", 48, 160, "rgb", "127.5", "0.00784313725"),
    "retinaface": ("retinaface.caffemodel", "faces", 300, 300, "bgr", "104 117 123", "1"),
}


# What the outputs of a network say: a class for each place, -1 where it says nothing.

def classes(axis):
    return lambda o: next(iter(o.values())).argmax(axis)


def boxes(score, least=0.5):
    def of(outputs):
        s = score(list(outputs.values()) if len(outputs) == 1 else outputs)
        return np.where(s.max(2) >= least, s.argmax(2), -1)
    return of


def grid_scores(o):
    x = o[0].reshape(len(o[0]), 85, -1).transpose(0, 2, 1)
    return np.maximum(x[:, :, :1], 0) ** 0.6 * np.maximum(x[:, :, 5:], 0) ** 0.4


DECISIONS = {
    **dict.fromkeys(("digits", "resnet20", "lprnet", "mobilenet", "segformer"), classes(1)),
    "ppocr": classes(2),
    **dict.fromkeys(("rfb320", "rfb320_with_boxes"), boxes(lambda o: o["scores"][:, :, 1:])),
    "fastestdet": boxes(grid_scores, 0.3),
    "yolox_nano": boxes(lambda o: o[0][:, :, 4:5] * o[0][:, :, 5:], 0.3),
    "yunet": boxes(lambda o: np.concatenate([np.sqrt(np.clip(o[f"cls_{k}"] * o[f"obj_{k}"], 0, None))
                                             for k in (8, 16, 32)], 1)),
}
FEW_KEPT = 0.5  # a conversion that keeps fewer of the decisions is not healthy
KEY_FAULTS = ("mean_value", "scale_value", "network_input")  # they change the normalization alone


def cases():
    with CASES.open() as f:
        return list(csv.DictReader(f))


# ---- what a fault does to a project ----

class Project:
    """Model, images, calibration data and configuration of a network, before anything is wrong."""

    def __init__(self, case, folder):
        file, images, self.h, self.w, self.colours, mean, scale = NETWORKS[case["network"]]
        self.case, self.folder, self.random = case, folder, np.random.default_rng(int(case["seed"]))
        self.source = SHARED / "models" / file
        self.mean, self.scale = (np.array([float(x) for x in v.split()]) for v in (mean, scale))
        self.pictures = self.load(images)
        self.raw = self.pictures[:CALIBRATION]  # pixels of training, C x H x W
        self.keys = {"input_type_rt": self.colours, "input_type_train": self.colours,
                     "input_layout_rt": "NCHW", "input_layout_train": "NCHW",
                     **self.norm(self.mean, self.scale), "calibration_type": "max"}
        self.is_normalised = False
        self.no_fault = {}  # fault: why it is none in this network
        self.model = None if self.source.suffix == ".caffemodel" else onnx.load(self.source)

    @staticmethod
    def norm(mean, scale):
        values = {"mean_value": mean, "scale_value": scale}
        given = {k: v for k, v in values.items() if (v != (0 if k == "mean_value" else 1)).any()}
        words = {(): "no_preprocess", ("mean_value",): "data_mean", ("scale_value",): "data_scale"}
        return {"norm_type": words.get(tuple(given), "data_mean_and_scale"),
                **{k: " ".join(f"{x:.9g}" for x in v) for k, v in given.items()}}

    def load(self, images):
        if images is None:
            subprocess.run([sys.executable, ROOT / "examples/digits/images.py", self.folder / "images"],
                           check=True, stdout=subprocess.DEVNULL)
            found = sorted((self.folder / "images/held_out").glob("*.png"))
        else:
            all_files = (SHARED / "images" / images).rglob("*")
            found = sorted(p for p in all_files if p.suffix.lower() in SUFFIXES)
        found = [found[i * len(found) // (CALIBRATION + HELD_OUT)] for i in range(CALIBRATION + HELD_OUT)]
        return [self.pixels(p) for p in found]

    def pixels(self, path):
        picture = Image.open(path).convert("L" if self.colours == "gray" else "RGB")
        x = np.asarray(picture.resize((self.w, self.h), Image.BILINEAR), np.float32)
        x = x[None] if x.ndim == 2 else x.transpose(2, 0, 1)
        return x[::-1].copy() if self.colours == "bgr" else x

    def right(self, x):
        """The network's input as training makes it."""
        return ((x - self.mean.reshape(-1, 1, 1)) * self.scale.reshape(-1, 1, 1)).astype(np.float32)

    def set_norm(self, mean, scale):
        for key in ("mean_value", "scale_value"):
            self.keys.pop(key, None)
        self.keys.update(self.norm(mean, scale))

    # faults: the cause that is to be named is their name

    def normalised(self):
        """The data went through the training program's normalization already."""
        self.is_normalised = True
        self.raw = [self.right(x) for x in self.raw]
        self.set_norm(np.zeros(1), np.ones(1))

    def mean_value(self):
        """Means of pixels in 0..1."""
        self.set_norm(self.mean / 255, self.scale)

    def scale_value(self):
        """1 / std of pixels in 0..1."""
        self.set_norm(self.mean, self.scale * 255)

    def network_input(self):
        """No normalization where the network was trained with one."""
        self.set_norm(np.zeros(1), np.ones(1))

    def clipping(self):
        """A tenth of the values is cut off."""
        self.keys.update(calibration_type="max", max_percentile="0.9")

    def wide_range(self):
        """One sample is from another world: feature maps whose largest value is 40 times that of the rest."""
        if not self.is_normalised:
            self.raw = [self.right(x) for x in self.raw]
            self.set_norm(np.zeros(1), np.ones(1))
            self.keys.update(input_type_rt="featuremap", input_type_train="featuremap")
        self.raw[int(self.random.integers(len(self.raw)))] *= 40

    def outlier_channel(self):
        """One channel between two convolutions is 200 times as large; the float network computes the same."""
        pairs = list(homogeneous_pairs(self.model))
        if scale_channel(self.model, *pairs[int(self.random.integers(len(pairs)))], 200.0, self.random) == 1:
            self.no_fault["outlier_channel"] = "the tensor has one channel, and its scale absorbs the factor"

    def write(self):
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        for i, x in enumerate(self.raw):
            np.ascontiguousarray(x, np.float32).tofile(data / f"{i}.bin")
        right = self.folder / "right"
        right.mkdir(exist_ok=True)
        for i, x in enumerate(self.pictures[CALIBRATION:]):
            np.save(right / f"{i}.npy", self.right(x)[None])
        if self.model is None:
            names = [f"caffe_model: '{self.source}'", f"prototxt: '{self.source.with_suffix('.prototxt')}'"]
        else:
            onnx.save(self.model, self.folder / "net.onnx")
            names = ["onnx_model: 'net.onnx'"]
            self.keys["input_name"] = self.model.graph.input[0].name  # dynamic shapes need it
        shape = f"1x{len(self.raw[0])}x{self.h}x{self.w}"
        inputs = {k: v for k, v in self.keys.items() if k not in ("calibration_type", "max_percentile")}
        calibration = {k: self.keys[k] for k in ("calibration_type", "max_percentile") if k in self.keys}
        lines = ["model_parameters:", *(f"  {n}" for n in names), "  march: 'generic'",
                 "  working_dir: 'out'", "  output_model_file_prefix: 'net'", "input_parameters:",
                 f"  input_shape: '{shape}'",
                 *(f"  {k}: '{v}'" for k, v in inputs.items()), "calibration_parameters:",
                 "  cal_data_dir: 'data'", "  cal_data_type: 'float32'",
                 *(f"  {k}: '{v}'" for k, v in calibration.items())]
        (self.folder / "net.yaml").write_text("\n".join(lines) + "\n")


def homogeneous_pairs(model):
    """Convolutions A and B with only Relu, and batch normalization behind A, between them: a channel of A may
    be scaled where B takes it back."""
    graph = model.graph
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    constants = {i.name for i in graph.initializer}
    outputs = {o.name for o in graph.output}
    for first in graph.node:
        if first.op_type != "Conv" or first.input[1] not in constants:
            continue
        at, last = first, first
        while len(users.get(at.output[0], [])) == 1 and at.output[0] not in outputs:
            at = users[at.output[0]][0]
            if at.op_type == "BatchNormalization" and last is first:
                last = at
            elif at.op_type != "Relu":
                break
        group = next((a.i for a in at.attribute if a.name == "group"), 1)
        if at is not first and at.op_type == "Conv" and group == 1 and at.input[1] in constants:
            scaled = [last.input[1], last.input[2]] if last is not first else list(first.input[1:3])
            if all(n in constants for n in scaled):
                yield scaled, at.input[1]


def scale_channel(model, scaled, taken_back, factor, random):
    tensors = {i.name: i for i in model.graph.initializer}
    channels = nh.to_array(tensors[taken_back]).shape[1]
    c = int(random.integers(channels))
    for name in scaled:
        x = nh.to_array(tensors[name]).copy()
        x[c] *= factor
        tensors[name].CopyFrom(nh.from_array(x, name))
    x = nh.to_array(tensors[taken_back]).copy()
    x[:, c] /= factor
    tensors[taken_back].CopyFrom(nh.from_array(x, taken_back))
    return channels


FAULTS = ("normalised", "mean_value", "scale_value", "network_input", "clipping", "wide_range",
          "outlier_channel")


def make(case, folder, faults=None):
    """faults None: those of the case."""
    folder.mkdir(parents=True, exist_ok=True)
    p = Project(case, folder)
    for fault in case["faults"].split() if faults is None else faults:
        assert fault in FAULTS or fault == "healthy", fault
        if fault != "healthy":
            getattr(p, fault)()
    p.write()
    return p


# ---- following what is printed ----

def run(program, words, cwd):
    return subprocess.run([program, *map(str, words)], cwd=cwd, capture_output=True, text=True,
                          errors="replace", timeout=1800, check=False)


def follow(program, folder):
    """Every run of flow until it passes or says nothing new: causes, commands, the last configuration."""
    command, causes, commands, passed = "vernier flow -c net.yaml", [], [], False
    while command.startswith("vernier flow ") and len(commands) < MOST_COMMANDS and command not in commands:
        commands.append(command)
        out = json.loads(run(program, shlex.split(command)[1:] + ["--json"], folder).stdout)
        steps = out["steps"]
        advice = next((s["advice"] for s in steps if "advice" in s), None)
        passed = out["passed"]
        if passed and not advice:
            return causes, commands, True
        found = advice if passed else out
        causes += [found["cause"], *(f["cause"] for s in steps for f in s["also"])]
        command = found["next_command"]
    return causes, commands, passed


def config_of(command):
    words = shlex.split(command)
    return words[words.index("--save") + 1] if "--save" in words else words[words.index("-c") + 1]


def distance(program, project, folder, config):
    """Float on the right input against what the quantized network of the configuration computes from the same
    images: SQNR of the output that is hit most, and the share of decisions kept; None where there is none."""
    text = (folder / config).read_text()
    prefix = re.search(r"working_dir: '?([^'\n]*)", text)[1]
    quantized = folder / prefix / "net_quantized_model.onnx"
    if not quantized.exists():
        return None, None
    pixels = re.search(r"input_type_rt: '?(\w+)", text)[1] != "featuremap"
    source = folder / "net.onnx" if project.model is not None else project.source
    shape = f"1x{len(project.pictures[0])}x{project.h}x{project.w}"
    proto = [] if project.model is not None else ["--proto", project.source.with_suffix(".prototxt")]
    name = project.model.graph.input[0].name if project.model is not None else "data"
    worst, decided = math.inf, []
    for i, x in enumerate(project.pictures[CALIBRATION:]):
        np.save(folder / "q.npy", x[None] - 128 if pixels else project.right(x)[None])
        run(program, ["run", source, *proto, "--input-shape", name, shape, "-i", folder / f"right/{i}.npy",
                      "-o", folder / "f"], folder)
        run(program, ["run", quantized, "-i", folder / "q.npy", "-o", folder / "g"], folder)
        done = run(program, ["compare", folder / "f", folder / "g", "--json"], folder)
        if done.returncode:
            return None, None
        for row in json.loads(done.stdout)["tensors"]:
            worst = min(worst, math.inf if row["sqnr"] is None else row["sqnr"])
        decided.append([saved(folder / k) for k in "fg"])
    return worst, kept(DECISIONS.get(project.case["network"]), decided)


def saved(folder):
    return {p.stem: np.load(p) for p in sorted(folder.glob("*.npy"))}


def kept(decisions, pairs):
    """Share of the decisions of either that are the same; None: the network has none."""
    if decisions is None:
        return None
    a, b = (np.concatenate([decisions(p[k]).ravel() for p in pairs]) for k in range(2))
    made = (a >= 0) | (b >= 0)
    return float((a == b)[made].mean()) if made.any() else None


def same_plants(case, folder):
    """Other faults that make the same normalization: {fault: other}."""
    found, faults = {}, case["faults"].split()

    def used(planted):
        keys = make(case, folder / "same", planted).keys
        return [np.array([float(x) for x in keys.get(k, none).split()])
                for k, none in (("mean_value", "0"), ("scale_value", "1"))]

    for i, fault in enumerate(faults):
        for other in KEY_FAULTS if fault in KEY_FAULTS else ():
            a, b = (used([*faults[:i], f, *faults[i + 1:]]) for f in (fault, other))
            if other != fault and all(np.allclose(x, y, rtol=1e-6) for x, y in zip(a, b)):
                found[fault] = other
    return found


def is_repaired(r):
    """None: the fault took nothing."""
    healthy, faulty, after = (r[k] for k in ("healthy_sqnr", "faulty_sqnr", "after_sqnr"))
    if healthy is None or after is None:
        return False
    low = max(faulty or 0, 0)
    return None if low >= healthy else after >= (healthy + low) / 2


def examine(program, case, folder):
    healthy = make(case, folder / "healthy", [])
    p = make(case, folder / "planted")
    run(program, ["convert", "-c", "net.yaml", "--log", "none"], folder / "healthy")
    run(program, ["convert", "-c", "net.yaml", "--log", "none", "--accept-data"], folder / "planted")
    good = distance(program, healthy, folder / "healthy", "net.yaml")
    bad = distance(program, p, folder / "planted", "net.yaml")
    causes, commands, passed = follow(program, folder / "planted")
    after = distance(program, p, folder / "planted", config_of(commands[-1]))
    faults = [f for f in case["faults"].split() if f != "healthy"]
    same = same_plants(case, folder)
    return {**case, "causes": causes, "commands": len(commands), "passed": passed,
            **{f"{k}_{what}": v for k, pair in (("healthy", good), ("faulty", bad), ("after", after))
               for what, v in zip(("sqnr", "kept"), pair)},
            "same": same, "no_fault": p.no_fault,
            "named": all(f in causes or same.get(f) in causes or f in p.no_fault for f in faults)
            if faults else not causes}


# ---- the page ----

def number(x):
    return "--" if x is None else f"{x:.1f}"


def share(x):
    return "--" if x is None else f"{100 * x:.0f}"


WORDS = {True: "yes", False: "no", None: "--"}


def is_healthy(r):
    """A conversion without a fault may lose the decisions: `max` does not suit every network."""
    return r["faults"] == "healthy" and (r["healthy_kept"] is None or r["healthy_kept"] >= FEW_KEPT)


def named(r):
    if r["faults"] == "healthy" and not is_healthy(r):
        return f"not healthy: `max` keeps {share(r['healthy_kept'])} % of the decisions"
    as_other = [f"{k} is equivalent to {v}" for k, v in r["same"].items()
                if r["named"] and k not in r["causes"]]
    as_other += [f"{k} is not a fault here: {why}" for k, why in r["no_fault"].items()]
    return "; ".join([WORDS[r["named"]], *as_other])


def table(results):
    lines = ["| case | network | developed on | faults | causes named | commands "
             "| SQNR healthy, faulty, after | decisions kept, % | named | repaired |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        states = ("healthy", "faulty", "after")
        lines.append(f"| {r['case']} | {r['network']} | {'yes' if r['split'] == 'develop' else 'no'} | "
                     f"{r['faults'].replace(' ', ', ')} | {', '.join(dict.fromkeys(r['causes'])) or '--'} | "
                     f"{r['commands']} | "
                     f"{', '.join(number(r[f'{s}_sqnr']) for s in states)} | "
                     f"{', '.join(share(r[f'{s}_kept']) for s in states)} | "
                     f"{named(r)} | {WORDS[is_repaired(r)] if r['faults'] != 'healthy' else '--'} |")
    ill = [r for r in results if r["faults"] != "healthy"]
    well = [r for r in results if is_healthy(r)]
    held_out = [r for r in ill if r["split"] != "develop"]
    for title, of in (("faults", ill), ("faults, networks not developed on", held_out)):
        lines.append(f"\n{len(of)} cases of {title}: causes named in {sum(r['named'] for r in of)}, "
                     f"repaired in {sum(bool(is_repaired(r)) for r in of)} of the "
                     f"{sum(is_repaired(r) is not None for r in of)} that lowered SQNR.")
    lines.append(f"\n{len(well)} healthy conversions: nothing named in {sum(r['named'] for r in well)}. "
                 f"A conversion without a fault that keeps fewer than {100 * FEW_KEPT:.0f} % of the "
                 "decisions is not counted as healthy.")
    return "\n".join(lines)


def rules(program):
    rows = run(program, ["flow", "--rules"], ROOT).stdout.strip().splitlines()
    return "\n".join(["| failure | cause | evidence |", "|---|---|---|",
                      *(f"| {r} |" for r in rows)])


def write_page(program, results):
    text = page_parts.replaced(PAGE, "planted_cases.py", cases=table(results), rules=rules(program))
    page_parts.settle(PAGE, text, "planted_cases.py")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--list", action="store_true")
    a.add_argument("--make", nargs=2)
    a.add_argument("--vernier", default=ROOT / "build/vernier", type=pathlib.Path)
    a.add_argument("--only", default="")
    a.add_argument("--json", type=pathlib.Path)
    a.add_argument("--write", action="store_true")
    a.add_argument("--merge", nargs="+", type=pathlib.Path)
    o = a.parse_args()
    if o.list:
        print(CASES.read_text(), end="")
        return 0
    if o.make:
        make(next(c for c in cases() if c["case"] == o.make[0]), pathlib.Path(o.make[1]))
        return 0
    results = [r for file in o.merge or [] for r in json.loads(file.read_text())]
    for case in [] if o.merge else cases():
        if o.only not in (case["case"] + " " + case["network"] + " " + case["faults"] + " " + case["split"]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            results.append(examine(o.vernier.resolve(), case, pathlib.Path(folder)))
        print({k: v for k, v in results[-1].items() if k not in ("split", "seed")}, flush=True)
    if o.json:
        o.json.write_text(json.dumps(results, indent=1))
    if o.write:
        write_page(o.vernier, results)
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
