"""The networks of the benchmark, each as one float ONNX file of fixed shapes and samples of its inputs.

Shared models are found by VERNIER_SHARED (tests/shared_models.py); torchvision's have seeded random weights.
A prepared network is a folder of the cache: float.onnx, and samples/I/NNN.npy for input I. The last sample is
the one that is timed and compared; the others calibrate.
"""
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx

import cache

sys.path.insert(0, str(cache.ROOT / "tests"))
import shared_models as sm  # noqa: E402

SAMPLES = 17  # 16 calibrate
RECIPE = 2  # part of the key: raise it when samples or preparation change

IMAGENET = ("123.675 116.28 103.53", "0.01712475 0.017507 0.01742919")
HALF, UNIT, R128 = ("127.5", "0.00784313725"), (None, "0.00392156863"), ("127", "0.0078125")
CAFFE_MEAN, RAW = ("104 117 123", None), (None, None)


def images(folder, norm, colours="rgb"):
    """Samples from the pictures of a shared folder: resized, then (x - mean) * scale."""
    def sample(shapes, n):
        from PIL import Image
        height, width = shapes[0][2:]
        numbers = lambda text, default: np.array((text or default).split(), np.float32).reshape(1, -1, 1, 1)
        pictures = sm.list_pictures(sm.SHARED / "images" / folder)
        for i in range(n):
            im = Image.open(pictures[i * len(pictures) // n]).convert("RGB")
            im = im.resize((width, height), Image.BILINEAR)
            x = np.asarray(im, np.float32)[:, :, ::-1 if colours == "bgr" else 1].transpose(2, 0, 1)[None]
            yield [((x - numbers(norm[0], "0")) * numbers(norm[1], "1")).astype(np.float32)]
    return sample


def noise(shapes, n):
    """Smooth pictures with mean 0 and deviation 1: noise of three resolutions."""
    rng, side = np.random.default_rng(1), shapes[0][2]  # a multiple of 32
    for _ in range(n):
        x = sum(np.kron(rng.standard_normal((3, side // s, side // s)), np.ones((s, s))) for s in (1, 8, 32))
        yield [(x / x.std()).astype(np.float32)[None]]


def music(shapes, n):
    """Chords at 22050 Hz."""
    rng, t = np.random.default_rng(1), np.arange(shapes[0][1]) / 22050
    for _ in range(n):
        x = sum(np.sin(2 * np.pi * 55 * 2 ** (rng.integers(0, 60) / 12) * t) for _ in range(4))
        yield [(0.2 * x + 0.01 * rng.standard_normal(x.shape)).reshape(shapes[0]).astype(np.float32)]


def spectra(shapes, n):
    """Magnitudes of a decaying spectrum, and states as an LSTM has them."""
    rng = np.random.default_rng(1)
    for _ in range(n):
        magnitudes = np.abs(rng.standard_normal(shapes[0])) * np.exp(-np.arange(shapes[0][2]) / 80)
        yield [magnitudes.astype(np.float32), rng.uniform(-0.5, 0.5, shapes[1]).astype(np.float32)]


def source_text(shapes, n):
    """Files of this repository as Magika reads them: 1024 bytes from the start and from the end."""
    patterns = ("src/*/*.c", "docs/*.md", "targets/*.yaml")
    files = sorted(p for pattern in patterns for p in cache.ROOT.glob(pattern))
    for i in range(n):
        b = np.frombuffer(files[i * len(files) // n].read_bytes(), np.uint8).astype(np.int32)
        x = np.full(2048, 256, np.int32)
        x[:len(b[:1024])], x[2048 - len(b[-1024:]):] = b[:1024], b[-1024:]
        yield [x.reshape(shapes[0])]


class Network:
    """`file` of the shared models, or None for torchvision's network of that name. `shape` fixes open axes of
    the first input; axes of 1 need none. `transformer`: tools that have a mode for such networks use it."""


    def __init__(self, name, file, sample, shape=None, transformer=False):
        self.name, self.file, self.sample, self.shape = name, file, sample, shape
        self.transformer = transformer

    def missing(self):
        """Why it cannot be prepared; None where it can."""
        if self.file:
            path = sm.SHARED / "models" / self.file
            return None if path.exists() else f"no file {path}: set VERNIER_SHARED"
        done = subprocess.run(["/usr/bin/python3", "-c", "import torchvision"], capture_output=True)
        return "no torchvision in /usr/bin/python3: ./dev setup" if done.returncode else None

    def prepare(self):
        """The folder of its float.onnx and samples."""
        source = cache.file_hash(sm.SHARED / "models" / self.file if self.file else EXPORTER)
        path = cache.entry(cache.FOLDER, self.name, RECIPE, SAMPLES, self.shape, source)
        return Prepared(self, cache.fill(path, self.make))

    def make(self, folder):
        source = folder / "source.onnx"
        if self.file:
            path = sm.SHARED / "models" / self.file
            fix_shapes(path, source, self.shape) if path.suffix == ".onnx" else optimize(path, folder)
        else:
            samples = np.concatenate([x for x, in self.sample([(1, 3, 224, 224)], 8)])
            np.save(folder / "statistics.npy", samples)
            run("/usr/bin/python3", EXPORTER, self.name, folder / "statistics.npy", source)
        if source.exists():
            optimize(source, folder)
        cut_detection(folder / "float.onnx")
        write_samples(folder, self.sample(input_shapes(folder / "float.onnx"), SAMPLES))


EXPORTER = Path(__file__).with_name("torchvision_networks.py")


class Prepared:
    """A network on disk."""

    def __init__(self, network, folder):
        self.network, self.folder, self.name = network, folder, network.name
        self.float, source = folder / "float.onnx", folder / "source.onnx"
        self.source = source if source.exists() else self.float  # before our passes
        self.hashes = cache.file_hash(self.float), cache.file_hash(self.source)
        model = onnx.load(self.float)
        self.inputs = [i.name for i in graph_inputs(model)]
        self.outputs = [o.name for o in model.graph.output]

    def sample_folders(self):
        return [self.folder / "samples" / str(i) for i in range(len(self.inputs))]

    def samples(self):
        """All as lists of arrays, in the order of the inputs."""
        return list(zip(*(read_samples(self.folder, i) for i in range(len(self.inputs)))))

    def calibration(self):
        return [dict(zip(self.inputs, s)) for s in self.samples()[:-1]]

    def test_files(self):
        """The files of the sample that is timed."""
        return [self.folder / f"test_{i}.npy" for i in range(len(self.inputs))]

    def test(self):
        return [np.load(f) for f in self.test_files()]


def run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}"
        raise RuntimeError(said.splitlines()[-1])


def write_samples(folder, samples):
    *calibration, test = samples
    for i, x in enumerate(test):
        (folder / "samples" / str(i)).mkdir(parents=True)
        np.save(folder / f"test_{i}.npy", x)
    for n, sample in enumerate(calibration):
        for i, x in enumerate(sample):
            np.save(folder / "samples" / str(i) / f"{n:03}.npy", x)


def read_samples(folder, i):
    return [np.load(f) for f in sorted((folder / "samples" / str(i)).iterdir())]


def graph_inputs(model):
    constants = {i.name for i in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in constants]


def input_shapes(path):
    return [[d.dim_value for d in i.type.tensor_type.shape.dim] for i in graph_inputs(onnx.load(path))]


def fix_shapes(source, out, shape):
    """The model with every axis of its inputs a number, and shapes inferred from those."""
    model = onnx.load(source)
    for i in graph_inputs(model):
        for axis, d in enumerate(i.type.tensor_type.shape.dim):
            d.dim_value = shape[axis] if shape else d.dim_value or 1
    del model.graph.value_info[:]
    for o in model.graph.output:
        o.type.tensor_type.ClearField("shape")
    onnx.save(onnx.shape_inference.infer_shapes(model), out)


def featuremaps(names):
    """Keys of a configuration whose inputs are the network's tensors."""
    each = lambda word: ";".join([word] * (len(names) or 1))
    return {"input_name": ";".join(names) or None, "input_type_train": each("featuremap"),
            "input_type_rt": each("featuremap"), "input_layout_train": each("NCHW")}


def optimize(source, folder):
    """float.onnx: the network as our own reader and passes leave it, in standard operators."""
    caffe = source.suffix == ".caffemodel"
    names = [] if caffe else [i.name for i in graph_inputs(onnx.load(source))]
    config = sm.write_yaml(folder / "stages.yaml", source, working_dir=folder / "stages",
                           inputs=featuremaps(names), calibration={"calibration_type": "'skip'"})
    if caffe:
        model, prototxt = f"onnx_model: '{source}'", f"prototxt: '{source.with_suffix('.prototxt')}'"
        config.write_text(config.read_text().replace(model, f"caffe_model: '{source}'\n  {prototxt}"))
    run(sm.VERNIER, "convert", "-c", config, "--compare", 1, "--min-cosine", -1, "--log", "none")
    (folder / "stages" / "m_optimized_float_model.onnx").rename(folder / "float.onnx")
    shutil.rmtree(folder / "stages")


def cut_detection(path):
    """Without the suppression of boxes at the end, which not every tool has: its inputs become outputs."""
    model = onnx.load(path)
    detection = [n for n in model.graph.node if n.op_type == "DetectionOutput"]
    if detection:
        computed = {o for n in model.graph.node for o in n.output}
        model = onnx.utils.Extractor(model).extract_model([i.name for i in graph_inputs(model)],
                                                          [i for i in detection[0].input if i in computed])
        del model.functions[:]
        onnx.save(model, path)


NETWORKS = {n.name: n for n in (
    Network("resnet20", "resnet20_cifar10.onnx", images("cifar10/calib", IMAGENET)),
    Network("mobilenet_v1_025", "mobilenet_v1_025_224.onnx", images("imagenet_calib", HALF)),
    Network("rfb320", "rfb320.onnx", images("faces", R128)),
    Network("rfb320_with_boxes", "rfb320_with_boxes.onnx", images("faces", R128)),
    Network("retinaface", "retinaface.caffemodel", images("faces", CAFFE_MEAN, "bgr")),
    Network("yunet", "yunet_n_dynamic.onnx", images("faces", RAW, "bgr"), (1, 3, 320, 320)),
    Network("fastestdet", "fastestdet.onnx", images("objects", UNIT, "bgr")),
    Network("yolox_nano", "yolox_nano.onnx", images("objects", RAW, "bgr")),
    Network("lprnet", "lprnet.onnx", images("plates/calib", HALF, "bgr")),
    Network("ppocr_v4_rec", "ppocr_v4_rec.onnx", images("plates/calib", HALF), (1, 3, 48, 320), True),
    Network("segformer_b0", "segformer_b0_camvid.onnx", images("camvid/calib", IMAGENET), None, True),
    Network("basic_pitch", "basic_pitch.onnx", music),
    Network("magika_v3", "magika_v3.onnx", source_text),
    Network("dtln_1", "dtln_1.onnx", spectra),
    Network("resnet50", None, noise),
    Network("mobilenet_v2", None, noise),
    Network("mobilenet_v3_large", None, noise),
    Network("efficientnet_b0", None, noise),
    Network("vit_b_16", None, noise, None, True),
)}
# files of the shared models that are no networks of their own
DUPLICATES = {"rfb320.caffemodel": "the network of rfb320.onnx"}
