#!/usr/bin/env python3
"""Every torchvision network, with seeded random weights, exported to ONNX: is it read, optimized, and equal
to onnxruntime?

    torchvision_table.py --build BUILD [--python PYTHON] [--write docs/torchvision.md] [--reference LOG]
    [NAME...]

Requires torch and torchvision in this interpreter (Debian: python3-torch, python3-torchvision), onnxruntime
in PYTHON (default: this one); BUILD is a build folder with the test programs. For each network one row: nodes
before and after optimisation, and the largest difference from onnxruntime relative to its largest output: of
the network as it is on the reference executor, and of the optimised one on the runtime. Images are smaller
than usual where the architecture allows it, because the reference is slow; --reference takes its numbers from
the log of an earlier run. Exit status 1 when a network fails or a difference is above 1e-4.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

LIMIT = 1e-4

# Image sizes where 64 is not possible.
SIZES = {
    "inception_v3": 139,
    "googlenet": 64,
    "alexnet": 224,
    "vgg": 224,
    "maxvit_t": 224,
    "squeezenet1_0": 96,
    "squeezenet1_1": 96,
    "densenet": 64,
    "swin": 64,
}

COMPARE = """
import sys, numpy as np, onnxruntime as ort
ort.set_default_logger_severity(3)
model, x, *outs = sys.argv[1:]
s = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
want = s.run(None, {s.get_inputs()[0].name: np.load(x)})
for folder in outs:
    worst = 0
    for w, o in zip(want, s.get_outputs()):
        got = np.load(folder + "/" + o.name + ".npy")
        worst = max(worst, float(np.abs(got.astype(np.float64) - w).max() / max(float(np.abs(w).max()), 1e-30)))
    print(worst)
"""


def networks():
    """(row name, constructor, input shape)"""
    import torchvision.models as tv
    found = []
    for name in tv.list_models():
        if name.startswith("quantized") or "raft" in name:
            continue  # already quantized; RAFT takes two pictures and is no backbone
        try:
            build = tv.get_model_builder(name)
        except (ValueError, KeyError):
            continue
        module = build.__module__
        if "detection" in module or "video" in module:
            continue  # boxes have sizes that depend on the data; detection backbones follow below
        size = next((v for k, v in SIZES.items() if name.startswith(k)), 64)
        options = {"weights": None}
        if "segmentation" in module:
            options["weights_backbone"] = None
        if name.startswith("vit_"):
            size = 56 if name.endswith("14") else 64
            options["image_size"] = size
        if name.startswith("maxvit"):
            size = 224
        shape = (1, 3, size, size)
        if name in ("googlenet", "inception_v3"):
            options.update(aux_logits=False, init_weights=False)
        found.append((name, lambda build=build, options=options: build(**options), shape))
    import torchvision.models.detection.backbone_utils as bu
    for name in ("resnet18", "resnet50"):
        found.append(
            (
                name + " + FPN",
                lambda name=name: bu.resnet_fpn_backbone(backbone_name=name, weights=None),
                (1, 3, 64, 64),
            )
        )
    found.append(
        (
            "mobilenet_v3_large + FPN",
            lambda: bu.mobilenet_backbone("mobilenet_v3_large", weights=None, fpn=True),
            (1, 3, 64, 64),
        )
    )
    return found


def export(build, shape, folder):
    import numpy as np
    import torch
    torch.manual_seed(1)
    net = build().eval()
    for m in net.modules():  # random statistics: a network of zeros and ones would hide errors
        if isinstance(m, torch.nn.modules.batchnorm._BatchNorm):
            m.running_mean.uniform_(-0.1, 0.1)
            m.running_var.uniform_(0.5, 1.5)
    for p in net.parameters():  # last layers that start at zero would hide errors
        if p.dim() > 1 and not p.detach().abs().max():
            torch.nn.init.normal_(p, std=0.05)
    x = torch.rand(shape) * 2 - 1

    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, y):
            out = self.net(y)
            return tuple(out.values()) if isinstance(out, dict) else out
    with torch.no_grad():
        out = Flat()(x)
    names = [f"y{i}" for i in range(len(out) if isinstance(out, tuple) else 1)]
    # with gradients: without them torch takes a fused attention that it cannot export
    torch.onnx.export(
        Flat().eval(), x, f"{folder}/m.onnx", opset_version=16, input_names=["x"], output_names=names
    )
    np.save(f"{folder}/x.npy", x.numpy())


def measure(args, build, shape, reference):
    with tempfile.TemporaryDirectory() as folder:
        try:
            export(build, shape, folder)
        except Exception as problem:  # not our side
            return {"note": "torch cannot export it: " + str(problem).splitlines()[0][:80]}
        dump = subprocess.run(
            [args.build / "tests/onnxdump", "--optimize", "-o", f"{folder}/o.onnx", f"{folder}/m.onnx"],
            capture_output=True,
            text=True,
        )
        if dump.returncode:
            return {"note": f"optimization: {dump.stderr.strip()[-160:]}", "failed": True}
        nodes = [nodes_of(args, f"{folder}/{name}.onnx") for name in "mo"]
        folders = []
        for how, model, flags in ("runtime", "o", []), ("reference", "m", ["--reference"]):
            if how == "reference" and reference is not None:
                continue
            folders.append(f"{folder}/{how}")
            pathlib.Path(folders[-1]).mkdir()
            done = subprocess.run(
                [
                    args.build / "vernier",
                    "run",
                    f"{folder}/{model}.onnx",
                    *flags,
                    "--input",
                    f"{folder}/x.npy",
                    "--output-dir",
                    folders[-1],
                ],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                return {"nodes": nodes, "note": f"{how}: {done.stderr.strip()[-160:]}", "failed": True}
        done = subprocess.run(
            [args.python, "-c", COMPARE, f"{folder}/m.onnx", f"{folder}/x.npy", *folders],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            return {"nodes": nodes, "note": "onnxruntime: " + done.stderr.strip()[-160:], "failed": True}
        numbers = [*map(float, done.stdout.split()), reference]
        return {
            "nodes": nodes,
            "runtime": numbers[0],
            "reference": numbers[1],
            "failed": max(numbers[:2]) > LIMIT,
        }


def nodes_of(args, path):
    return json.loads(
        subprocess.run(
            [args.build / "vernier", "info", path, "--json"], capture_output=True, text=True, check=True
        ).stdout
    )["nodes"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument(
        "--reference",
        type=pathlib.Path,
        help="log of an earlier run, whose numbers of the reference are taken",
    )
    parser.add_argument("names", nargs="*", help="only networks whose name contains one of these")
    args = parser.parse_args()
    import torch
    import torchvision
    torch.set_num_threads(1)
    rows, failed = [], 0
    earlier = {}
    for line in args.reference.read_text().splitlines() if args.reference else []:
        cells = [c.strip() for c in line.split("|")]
        if len(cells) > 5 and cells[5]:
            earlier[cells[1]] = float(cells[5])
    for name, build, shape in networks():
        if args.names and not any(n in name for n in args.names):
            continue
        r = measure(args, build, shape, earlier.get(name))
        failed += r.get("failed", False)
        number = lambda v: "" if v is None else f"{v:.1e}"
        note = r.get("note", "above the limit" if r.get("failed") else "")
        rows.append(
            f"| {name} | {'x'.join(map(str, shape))} | {' to '.join(map(str, r.get('nodes', [])))} | {number(r.get('runtime'))} | {number(r.get('reference'))} | {note.replace('|', '/')} |"
        )
        print(rows[-1], flush=True)
    print(f"{len(rows)} networks, {failed} failed")
    if args.write:
        args.write.write_text(
            f"""# torchvision networks

Made by `tools/torchvision_table.py` with torch {torch.__version__} and torchvision {torchvision.__version__}: every network with seeded random weights, exported to ONNX
(operator set 16).

- *nodes*: as exported, and after optimization.
- *runtime*, *reference*: largest difference from onnxruntime, relative to its largest output: of the optimized network
  on the runtime, of the exported one on the reference executor.

{len(rows)} networks, {failed} failed.

| network | input | nodes | runtime | reference | |
|---|---|---|---|---|---|
"""
            + "\n".join(rows)
            + "\n"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
