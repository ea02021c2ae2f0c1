"""The real models: where they lie, how each is converted, and the command line. Used by tests/oracle,
tests/model and bench.

Models and pictures are not part of the repository: they are found by the environment variable VERNIER_SHARED,
by default the folder `shared` beside the repository. VERNIER is the program (default: build/vernier).
"""
import functools
import os
import struct
import subprocess
from pathlib import Path

import json_schema

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("VERNIER_SHARED", ROOT.parent / "shared"))
VERNIER = Path(os.environ.get("VERNIER", ROOT / "build" / "vernier"))
REPORTS = VERNIER.parent / "reports"  # tables that tests write, beside the program

STAGES = ("original_float", "optimized_float", "calibrated", "quantized")
MASKS = ("0", "avx2", "avx512vnni", "avx512vbmi")


class Model:
    """One model and its settings. `runtime`, `train`, `mean`, `scale` and `calibration` go into the YAML as
    they are; `pictures` are those that tests run, `calib` those that calibrate, or `samples` spread over
    them."""

    def __init__(
        self,
        name,
        file,
        calib,
        pictures,
        mean=None,
        scale=None,
        runtime="rgb",
        train="rgb",
        pipeline=None,
        calibration="",
        logits=None,
        samples=None,
    ):
        self.name, self.file, self.calib_dir, self.picture_dir = (
            name,
            SHARED / "models" / file,
            calib,
            pictures,
        )
        self.mean, self.scale, self.runtime, self.train = mean, scale, runtime, train
        self.pipeline, self.calibration, self.logits, self.samples = pipeline, calibration, logits, samples

    def calib(self):
        return list_pictures(SHARED / "images" / self.calib_dir)

    def pictures(self):
        return list_pictures(SHARED / "images" / self.picture_dir)

    def normalise(self, x):
        """What the training program fed: NCHW values 0..255 in the training colours to the network's
        input."""
        import numpy as np
        n = lambda text, default: np.array([float(v) for v in (text or default).split()]).reshape(1, -1, 1, 1)
        return ((x - n(self.mean, "0")) * n(self.scale, "1")).astype(np.float32)


MODELS = {
    m.name: m
    for m in (
        Model(
            "resnet20",
            "resnet20_cifar10.onnx",
            "cifar10/calib",
            "cifar10/test",
            "123.675 116.28 103.53",
            "0.01712475 0.017507 0.01742919",
            logits="logits",
        ),
        Model(
            "mobilenet",
            "mobilenet_v1_025_224.onnx",
            "imagenet_calib",
            "imagenet_val",
            "127.5",
            "0.00784313725",
            pipeline="short_side 256; center_crop 224",
            logits="logits",
        ),
        Model("rfb320", "rfb320.onnx", "faces", "faces", "127", "0.0078125", runtime="nv12"),
        Model(
            "rfb320_with_boxes", "rfb320_with_boxes.onnx", "faces", "faces", "127", "0.0078125", runtime="bgr"
        ),
        Model(
            "fastestdet",
            "fastestdet.onnx",
            "objects",
            "objects",
            scale="0.00392156863",
            runtime="bgr",
            train="bgr",
        ),
    )
}


def segformer(name, types):
    """The transformer, in the types that `types` (words of `optimization`) choose. It segments: its score is
    mIoU."""
    return Model(
        name,
        "segformer_b0_camvid.onnx",
        "camvid/calib",
        "camvid/val",
        "123.675 116.28 103.53",
        "0.01712475 0.017507 0.01742919",
        calibration={"calibration_type": "'max'", "optimization": types and f"'{types}'"},
        samples=10,
    )


SEGMENTERS = {m.name: m for m in (
    segformer("segformer", None), segformer("segformer_int16", "set_all_nodes_int16"),
    segformer("segformer_mixed", "set_MatMul_input_int16,set_Softmax_input_int16,set_Softmax_output_int16"),
)}


def list_pictures(folder):
    """All pictures below a folder, in the order of their relative names."""
    return sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))


def spread(list_, n):
    """n entries spread over a list; all of it where it is shorter, or n is None."""
    return list_ if not n or len(list_) <= n else [list_[i * len(list_) // n] for i in range(n)]


def ten_pictures(model):
    """Ten pictures spread over the model's folder; the first ones again where there are fewer."""
    p = spread(model.pictures(), 10)
    return [p[i % len(p)] for i in range(10)]


def flat_folder(pictures, folder):
    """A folder of links to pictures that lie in one folder per class: CLASS_NAME.jpg."""
    folder.mkdir(parents=True, exist_ok=True)
    for p in pictures:
        link = folder / f"{p.parent.name}_{p.name}"
        if not link.exists():
            link.symlink_to(p)
    return folder


def missing():
    """Why nothing here can run; None where all is there."""
    if not VERNIER.exists():
        return f"no program at {VERNIER}: build first, or set VERNIER"
    if not (SHARED / "models").is_dir():
        return f"no models at {SHARED}: set VERNIER_SHARED"
    return None


def vernier(*words, check=True, cwd=None):
    """Run the program; its output as text. `check` may be an exit status that is wanted."""
    r = subprocess.run([str(VERNIER), *map(str, words)], capture_output=True, text=True, cwd=cwd)
    if "--json" in words and r.returncode in (0, 1):
        json_schema.check_output(r.args[1], r.stdout)
    if check is not False and r.returncode != (0 if check is True else check):
        raise AssertionError(
            f"vernier {' '.join(map(str, words))}: exit status {r.returncode}\n{r.stdout[-2000:]}{r.stderr[-2000:]}"
        )
    return r


def write_yaml(
    path,
    model_file,
    march="x86-64-v4",
    prefix="m",
    working_dir="out",
    inputs=None,
    calibration=None,
    level="O3",
):
    """A configuration; `inputs` and `calibration` are keys of their groups."""
    lines = [
        "model_parameters:",
        f"  onnx_model: '{model_file}'",
        f"  march: '{march}'",
        f"  output_model_file_prefix: '{prefix}'",
        f"  working_dir: '{working_dir}'",
        "input_parameters:",
    ]
    lines += [f"  {k}: '{v}'" for k, v in inputs.items() if v is not None]
    lines += ["calibration_parameters:"]
    lines += [f"  {k}: {v}" for k, v in calibration.items() if v is not None]
    lines += ["compiler_parameters:", f"  optimize_level: '{level}'"]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_config(model, folder, calibration=None, march="x86-64-v4", working_dir="out", samples=None):
    """The YAML of one of MODELS. `calibration` adds to or replaces its calibration keys; `samples` takes only
    so many pictures."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    norm = {(False, False): "no_preprocess", (True, False): "data_mean", (False, True): "data_scale",
            (True, True): "data_mean_and_scale"}[bool(model.mean), bool(model.scale)]
    inputs = {
        "input_type_train": model.train,
        "input_layout_train": "NCHW",
        "input_type_rt": model.runtime,
        "norm_type": norm,
        "mean_value": model.mean,
        "scale_value": model.scale,
    }
    calib = {
        "cal_data_dir": f"'{flat_folder(spread(model.calib(), samples or model.samples), folder / 'calib')}'",
        "preprocess_on": "True",
        "pipeline": f"'{model.pipeline}'" if model.pipeline else None,
        **dict(model.calibration or {}),
        **dict(calibration or {}),
    }
    return write_yaml(
        folder / f"{model.name}.yaml", model.file, march, model.name, working_dir, inputs, calib
    )


class Products:
    """The five files of one conversion."""

    def __init__(self, model, folder, log=""):
        self.model, self.folder, self.log = model, Path(folder), log

    def onnx(self, stage):
        return self.folder / f"{self.model.name}_{stage}_model.onnx"

    @property
    def bin(self):
        return self.folder / f"{self.model.name}.bin"

    def files(self):
        return [self.onnx(s) for s in STAGES] + [self.bin]


def convert(model, folder, calibration=None, options=(), march="x86-64-v4", working_dir="out", samples=None):
    """Convert one of MODELS in a folder; the products lie in folder/working_dir."""
    config = write_config(model, folder, calibration, march, working_dir, samples)
    r = vernier("convert", "-c", config, *options)
    return Products(model, Path(folder) / working_dir, r.stdout + r.stderr)


def pipeline_options(model):
    return ("--pipeline", model.pipeline) if model.pipeline else ()


def safe_name(tensor):
    """The file that --dump-all gives a tensor."""
    for c in "/:\\":
        tensor = tensor.replace(c, "_")
    return "_" + tensor if tensor.startswith(".") else tensor


def dump(file, picture, folder, model, options=()):
    """Every tensor of one run by its file name; integers as stored."""
    vernier(
        "run",
        file,
        "--input",
        picture,
        *pipeline_options(model),
        "--output-dir",
        folder,
        "--dump-all",
        *options,
    )
    return Path(folder) / "tensors"


HEADER = struct.Struct("<8sIIQQQIIII")  # docs/bin-format.md: the first fields of the file


def bin_sizes(path):
    """(bytes of the file, bytes of working memory)"""
    with open(path, "rb") as f:
        magic, version, _, file_bytes, _, arena_bytes, *_ = HEADER.unpack(f.read(HEADER.size))
    assert magic == b"VERNIER\n" and version >= 1, path
    return file_bytes, arena_bytes


@functools.cache
def picture_pixels(path, width, height, pipeline=None):
    """An RGB picture as H x W x 3 bytes, read and resized with Pillow, as the training programs did."""
    import numpy as np
    from PIL import Image
    im = Image.open(path).convert("RGB")
    if pipeline is None:
        return np.asarray(im.resize((width, height), Image.BILINEAR))
    short = min(im.size)
    im = im.resize([256 * s // short for s in im.size], Image.BILINEAR)
    x, y = (round((s - 224) / 2) for s in im.size)
    return np.asarray(im.crop((x, y, x + 224, y + 224)))
