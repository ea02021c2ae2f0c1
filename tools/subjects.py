"""Not a program: the networks that inject_faults.py, false_alarms.py and same_bytes.py convert, and how.

VERNIER and VERNIER_SHARED choose the program and the folder of models (tests/shared_models.py).
"""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests")]
import mixed_networks as mixed  # noqa: E402
import shared_models as sm  # noqa: E402

MARCHES, TYPES = mixed.MARCHES, mixed.TYPES
NO_INT16 = ("bernoulli2",)
# name: file, shape of the first input where the file leaves it open, type
# of the input at run time where it is an image
SHARED = {
    "resnet20": ("resnet20_cifar10.onnx", None, "rgb"), "lprnet": ("lprnet.onnx", None, None),
    "mobilenet": ("mobilenet_v1_025_224.onnx", None, "bgr"), "dtln": ("dtln_1.onnx", None, None),
    "magika": ("magika_v3.onnx", None, None), "rfb320": ("rfb320.onnx", None, "nv12"),
    "rfb320_with_boxes": ("rfb320_with_boxes.onnx", None, None),
    "rfb320_caffe": ("rfb320.caffemodel", None, None),
    "fastestdet": ("fastestdet.onnx", None, None), "basic_pitch": ("basic_pitch.onnx", None, None),
    "yunet": ("yunet_n_dynamic.onnx", "1x3x160x160", None),
    "ppocr": ("ppocr_v4_rec.onnx", "1x3x48x160", None),
    "retinaface": ("retinaface.caffemodel", None, None), "yolox_nano": ("yolox_nano.onnx", None, None),
    "segformer": ("segformer_b0_camvid.onnx", None, None)}
# operators whose nodes are there at the end, so that they can be forced to float32
WEIGHTED = ("Conv", "Gemm", "MatMul", "Convolution")
COMPUTING = (
    *WEIGHTED,
    "MaxPool",
    "AveragePool",
    "Relu",
    "Sigmoid",
    "Softmax",
    "Clip",
    "Resize",
    "Pooling",
     "ReLU")


class Converted:
    """The end of one conversion. `reason`: why there is no program."""

    def __init__(self, folder, run):
        self.folder, self.status = pathlib.Path(folder), run.returncode
        self.onnx, self.bin = self.folder / "out/m_quantized_model.onnx", self.folder / "out/m.bin"
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        said = [line for line in lines if " INFO " not in line and " WARNING " not in line]
        self.reason = said[-1] if said else f"exit status {run.returncode}"


def types_of(march, types):
    return [t for t in types if t != "int16" or march not in NO_INT16]


def vernier(*words, wrong_kernel=None, cwd=None, timeout=900):
    """wrong_kernel: (program, kernel) of tests/inject/wrong_kernel.c, in place of the program."""
    program, kernel = wrong_kernel or (sm.VERNIER, "")
    return subprocess.run([str(program), *map(str, words)], capture_output=True, text=True, errors="replace",
                          cwd=cwd, timeout=timeout, env={**os.environ, "VERNIER_WRONG_KERNEL": kernel})


def convert(config):
    run = vernier("convert", "-c", config.name, "--log", "none", "--compare", 1, cwd=config.parent)
    return Converted(config.parent, run)


def verify(onnx, program, samples=1, wrong_kernel=None):
    """(exit status, JSON or None, error text)"""
    run = vernier("verify", onnx, program, "--random", samples, "--json", wrong_kernel=wrong_kernel)
    try:
        said = json.loads(run.stdout)
    except json.JSONDecodeError:
        said = None
    return run.returncode, said, run.stderr.strip()


def _named_copy(path, folder):
    """(file, inputs, nodes): the model, or a copy in which every node has a name that fits into a list."""
    import onnx
    model = onnx.load(path)
    constants = {t.name for t in model.graph.initializer}
    if any(not n.name or ";" in n.name for n in model.graph.node):
        for i, n in enumerate(model.graph.node):
            n.name = f"{n.op_type}_{i}"
        path = folder / "m.onnx"
        onnx.save(model, path)
    return path, [i.name for i in model.graph.input if i.name not in constants], [
        (n.name, n.op_type) for n in model.graph.node]


def _caffe_names(path):
    text = path.read_text()
    inputs = re.findall(r'^input:\s*"([^"]+)"', text, flags=re.M)
    layers = re.findall(r'layer\s*{\s*name:\s*"([^"]+)"\s*type:\s*"([^"]+)"', text)
    return inputs or [name for name, kind in layers if kind == "Input"], layers


def _to_force(nodes, seed):
    """A tenth of the nodes; the first with weights stays, so that something is quantized."""
    first = next(name for name, kind in nodes if kind in WEIGHTED)
    return mixed.some_nodes([name for name, kind in nodes if kind in COMPUTING and name != first], seed, 0.1)


def write_shared(name, folder, march, types, seed=0):
    """The configuration of a shared model; in `mixed` a tenth of its nodes is forced to float32."""
    file, shape, image = SHARED[name]
    path, proto = sm.SHARED / "models" / file, (sm.SHARED / "models" / file).with_suffix(".prototxt")
    caffe = path.suffix == ".caffemodel"
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if caffe:
        inputs, nodes = _caffe_names(proto)
        model = [f"  prototxt: '{proto}'", f"  caffe_model: '{path}'"]
    else:
        path, inputs, nodes = _named_copy(path, folder.resolve())
        model = [f"  onnx_model: '{path}'"]
    cpu = _to_force(nodes, seed) if types == "mixed" else ()
    (folder / "m.yaml").write_text(mixed.configuration(model, march, types, inputs, shape, cpu, image))
    return folder / "m.yaml"


# ---- campaigns in parts ----

def shard_numbers(text):
    """I/N as two numbers."""
    i, n = map(int, text.split("/"))
    if not 0 <= i < n:
        raise ValueError(text)
    return i, n


def shard(everything, numbers):
    i, n = numbers
    return (x for k, x in enumerate(everything) if k % n == i)


def journals(files):
    """The records of all files; an error where one says nothing."""
    for file in files:
        lines = pathlib.Path(file).read_text().splitlines()
        if not lines:
            raise SystemExit(f"{file}: no records")
        yield from map(json.loads, lines)
