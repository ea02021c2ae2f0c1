#!/usr/bin/env python3
"""One fault in a working project: does `vernier flow` stop at the right step and name the node?

    seeded_faults.py [--vernier P] [--only WORD] [--keep DIR] [--write]

Networks are made here, a few nodes each; seconds for all. Requires NumPy, Pillow, onnx and, for wrong
kernels, the program build/tests/wrongkernel. --write: the table of docs/flow.md. Exit status: 0 every fault
is found where it is, 1 not.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto as tp
from onnx import helper as oh
from onnx import numpy_helper as nh
from PIL import Image

import page_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/flow.md"
CLASSES, SIDE, SAMPLES = 6, 12, 6


def network(nodes, constants, inputs, outputs):
    shapes = lambda pairs: [oh.make_tensor_value_info(n, tp.FLOAT, s) for n, s in pairs.items()]
    graph = oh.make_graph(nodes, "g", shapes(inputs), shapes(outputs),
                          [nh.from_array(np.asarray(v), k) for k, v in constants.items()])
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 21)], ir_version=10)


class Project:
    """A correct model, calibration data and configuration; faults change them."""

    def __init__(self, program, folder):
        self.program, self.folder, self.random = program, folder, np.random.default_rng(11)
        self.keys = {"input_type_rt": "featuremap", "input_type_train": "featuremap",
                     "input_layout_train": "NCHW", "norm_type": "no_preprocess"}
        self.calibration = {"calibration_type": "max"}
        self.shape, self.yaml_shape, self.cal_type = [1, 3, SIDE, SIDE], None, "float32"
        self.data = [self.random.normal(0, 1, self.shape).astype(np.float32) for _ in range(SAMPLES)]
        self.model, self.options, self.environment = self.classifier(), [], {}
        self.mistakes = []  # in net.yaml: (text, what stands there instead)

    def weight(self, *shape):
        return self.random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)

    def classifier(self):
        conv = lambda x, w, y, name: oh.make_node("Conv", [x, w], [y], name, pads=[1, 1, 1, 1])
        nodes = [conv("x", "w0", "a0", "stem"), oh.make_node("Relu", ["a0"], ["r0"], "stem_relu"),
                 oh.make_node("MaxPool", ["r0"], ["m"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
                 conv("m", "w1", "a1", "body"), oh.make_node("Relu", ["a1"], ["r1"], "body_relu"),
                 conv("r1", "w2", "a2", "head"),
                 oh.make_node("ReduceMean", ["a2", "axes"], ["logits"], "mean", keepdims=0)]
        constants = {"w0": self.weight(8, 3, 3, 3), "w1": self.weight(8, 8, 3, 3),
                     "w2": self.weight(CLASSES, 8, 3, 3), "axes": np.array([2, 3])}
        return network(nodes, constants, {"x": self.shape}, {"logits": [1, CLASSES]})

    def change(self, name, how):
        t = next(t for t in self.model.graph.initializer if t.name == name)
        t.CopyFrom(nh.from_array(how(nh.to_array(t).copy()), name))

    def run(self, *words, program=None, environment=None):
        return subprocess.run([program or self.program, *map(str, words)], cwd=self.folder, check=False,
                              capture_output=True, text=True, env={**os.environ, **(environment or {})})

    def dump(self, model, x, folder):
        np.save(self.folder / "x.npy", x)
        done = self.run("run", model, "--input", "x.npy", "--dump-all", "--dequantize", "-o", folder)
        assert done.returncode == 0, done.stderr

    def dump_model(self, model, x, folder):
        onnx.save(model, self.folder / "trained.onnx")
        self.dump("trained.onnx", x, folder)

    def reference(self):
        """What the training program saved: every tensor of the model as it is now."""
        self.dump_model(self.model, self.data[0], "reference")
        self.options += ["--reference", "reference/tensors"]

    def write(self):
        onnx.save(self.model, self.folder / "net.onnx")
        (self.folder / "data").mkdir(exist_ok=True)
        for i, x in enumerate(self.data):
            np.ascontiguousarray(x, np.float32).tofile(self.folder / f"data/{i}.bin")
        lines = ["model_parameters:", "  onnx_model: 'net.onnx'", "  march: 'generic'",
                 "  working_dir: 'out'",
                 "  output_model_file_prefix: 'net'", "input_parameters:",
                 f"  input_shape: '{'x'.join(map(str, self.yaml_shape or self.shape))}'",
                 *(f"  {k}: '{v}'" for k, v in self.keys.items()), "calibration_parameters:",
                 "  cal_data_dir: 'data'", f"  cal_data_type: '{self.cal_type}'",
                 *(f"  {k}: '{v}'" for k, v in self.calibration.items())]
        text = "\n".join(lines) + "\n"
        for right, wrong in self.mistakes:
            assert right in text, right
            text = text.replace(right, wrong)
        (self.folder / "net.yaml").write_text(text)

    def flow(self):
        self.write()
        done = self.run("flow", "-c", "net.yaml", *self.options, "--json", environment=self.environment,
                        program=self.environment.get("program"))
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


def pixel_keys(colours):
    return {"input_type_rt": colours, "input_type_train": colours, "input_layout_rt": "NCHW",
            "input_layout_train": "NCHW"}


# ---- faults: what is wrong; FAULTS has step, cause and node where it must be found ----

def flipped_weight(p):
    """the sign of one weight of `body` differs from training"""
    p.reference()

    def flip(w):
        w[2, 3, 1, 1] *= -1
        return w
    p.change("w1", flip)


def exchanged_channels(p):
    """two output channels of `body` are swapped"""
    p.reference()
    p.change("w1", lambda w: w[[1, 0, *range(2, len(w))]])


def exchanged_colours(p):
    """training saved its input before it exchanged red and blue"""
    p.reference()
    file = p.folder / "reference/tensors/x.npy"
    np.save(file, np.load(file)[:, ::-1])


def unnormalised_input(p):
    """training saved its input before it normalized it with the means of ImageNet"""
    p.reference()
    file = p.folder / "reference/tensors/x.npy"
    channels = lambda *v: np.float32(v).reshape(1, 3, 1, 1)
    np.save(file, np.load(file) * channels(58.395, 57.12, 57.375) + channels(123.675, 116.28, 103.53))


def doubled_normalization(p):
    """calibration data are normalized, and the configuration normalizes again"""
    p.keys = {**pixel_keys("rgb"), "norm_type": "data_mean_and_scale", "mean_value": "127.5",
              "scale_value": "0.0078431"}


def other_type(p):
    """calibration files hold float32, and the configuration says uint8"""
    p.cal_type = "uint8"


def other_shape(p):
    """the configuration says another size than the network and the calibration files have"""
    p.yaml_shape = [1, 3, 2 * SIDE, SIDE]


def misspelt_key(p):
    """a key has two letters exchanged"""
    p.mistakes += [("cal_data_dir", "cal_data_dri")]


def misplaced_key(p):
    """a key is in another group than its own"""
    line = "  cal_data_dir: 'data'\n"
    p.mistakes += [(line, ""), ("input_parameters:\n", "input_parameters:\n" + line)]


def unknown_key(p):
    """a key that is like no other"""
    p.mistakes += [("  march:", "  zzzzzzzzzzzz: '1'\n  march:")]


def misspelt_group(p):
    """a group lacks a letter"""
    p.mistakes += [("model_parameters", "model_parameter")]


def misspelt_words(p):
    """the march, a type and the optimization are misspelt"""
    p.calibration["optimization"] = "asymmetric, bias_corection"
    p.mistakes += [("'generic'", "'genric'"), ("input_type_rt: 'featuremap'", "input_type_rt: 'featurmap'")]


def misspelt_paths(p):
    """the names of the model and of the folder of calibration data are misspelt"""
    p.mistakes += [("'net.onnx'", "'nett.onnx'"), ("'data'", "'date'")]


def other_layout(p):
    """the network reads 1x3x12x12, and the configuration says NHWC"""
    p.keys = {**pixel_keys("rgb"), "input_layout_train": "NHWC", "norm_type": "data_scale",
              "scale_value": "0.00392157"}
    p.data = [p.random.integers(0, 256, p.shape).astype(np.float32) for _ in range(SAMPLES)]


def impossible_shape(p):
    """the configuration says a shape that the network cannot take"""
    p.yaml_shape = [1, 4, SIDE, SIDE]


def wrong_scale(p):
    """the device's program uses twice the scale after `body`"""
    p.write()
    p.run("convert", "-c", "net.yaml", "--log", "none")
    m = onnx.load(p.folder / "out/net_quantized_model.onnx")
    q = next(n for n in m.graph.node if n.op_type == "QuantizeLinear" and n.input[0].startswith(("r1", "a1")))
    for t in m.graph.initializer:
        if t.name == q.input[1]:
            t.CopyFrom(nh.from_array(nh.to_array(t) * np.float32(2), t.name))
    for n in m.graph.node:  # the device does not know
        if n.op_type == "DequantizeLinear" and n.input[0] == q.output[0]:
            n.input[1] = "right_scale"
    right = nh.to_array(next(t for t in m.graph.initializer if t.name == q.input[1])) / np.float32(2)
    m.graph.initializer.append(nh.from_array(right, "right_scale"))
    onnx.save(m, p.folder / "device.onnx")
    p.dump("device.onnx", p.data[0], "device")
    p.options += ["--dumps", "device/tensors"]


def wrong_kernel(p):
    """the integer kernel of `pool` uses another window"""
    p.environment = {"program": str(p.program.parent / "tests/wrongkernel"),
                     "VERNIER_WRONG_KERNEL": "maxpool_s8"}


def worse_kernel(p):
    """the integer kernel of convolutions pads one line too many"""
    p.environment = {"program": str(p.program.parent / "tests/wrongkernel"),
                     "VERNIER_WRONG_KERNEL": "conv_s8"}


def truncated_calibration(p):
    """the calibration samples are all faint"""
    (p.folder / "test").mkdir()
    for i, x in enumerate(p.data):
        x.tofile(p.folder / f"test/{i}.bin")
    p.data = [0.1 * x for x in p.data[:2]]
    p.options += ["--test", "test"]


def inherited_range(p):
    """`joined` gives a tensor the range of another that is 60 times as large"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["small"], "small_conv"),
             oh.make_node("Conv", ["x", "v"], ["large"], "large_conv"),
             oh.make_node("Concat", ["small", "large"], ["both"], "joined", axis=1),
             oh.make_node("Conv", ["both", "u"], ["y"], "head")]
    u = p.weight(CLASSES, 8, 1, 1)
    u[:, 4:] /= 60
    constants = {"w": p.weight(4, 3, 1, 1), "v": 60 * p.weight(4, 3, 1, 1), "u": u}
    p.model = network(nodes, constants, {"x": p.shape}, {"y": [1, CLASSES, SIDE, SIDE]})
    p.options += ["--min-cosine", "0.9999"]


def mask(p):
    """`masked` adds -10000 to masked positions, and the next node reads the rest"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["score"], "scores"),
             oh.make_node("Add", ["score", "m"], ["low"], "masked"),
             oh.make_node("Max", ["low", "floor"], ["seen"], "floor"),
             oh.make_node("Conv", ["seen", "u"], ["y"], "head")]
    m = np.zeros((1, 1, SIDE, SIDE), np.float32)
    m[..., SIDE // 2:] = -10000
    constants = {"w": p.weight(8, 3, 1, 1), "m": m, "u": p.weight(CLASSES, 8, 1, 1),
                 "floor": np.full((1, 1, 1, 1), -8, np.float32)}
    p.model = network(nodes, constants, {"x": p.shape}, {"y": [1, CLASSES, SIDE, SIDE]})


def function_int8(p):
    """`curve` reads the fifth power of a tensor, whose few large values leave int8 no steps for the others"""
    power = lambda x, y, name: oh.make_node("Mul", [x, y], [name], name)
    nodes = [oh.make_node("Conv", ["x", "w"], ["a"], "body"), power("a", "a", "square"),
             power("square", "square", "fourth"), power("fourth", "a", "fifth"),
             oh.make_node("Softsign", ["fifth"], ["t"], "curve"),
             oh.make_node("Conv", ["t", "v"], ["y"], "head")]
    w = np.linalg.qr(p.random.normal(0, 1, (3, 3)))[0].reshape(3, 3, 1, 1).astype(np.float32)
    p.shape = [1, 3, 48, 48]
    p.data = [p.random.normal(0, 1, p.shape).astype(np.float32) for _ in range(SAMPLES)]
    p.model = network(nodes, {"w": w, "v": p.weight(4, 3, 1, 1)}, {"x": p.shape}, {"y": [1, 4, 48, 48]})
    p.options += ["--min-cosine", "0.95"]


def full_bias(p):
    """biases of `body` are 300000 times as large as the differences of its results, which `head` computes"""
    nodes = [oh.make_node("Conv", ["x", "w", "b"], ["a"], "body"),
             oh.make_node("Conv", ["a", "v"], ["y"], "head")]
    p.shape = [1, 256, SIDE, SIDE]
    p.data = [p.random.uniform(-1, 1, p.shape).astype(np.float32) for _ in range(SAMPLES)]
    v = np.zeros((4, 8, 1, 1), np.float32)
    for i in range(4):
        v[i, 2 * i], v[i, 2 * i + 1] = 1, -1
    p.model = network(nodes, {"w": p.weight(8, 256, 1, 1), "v": v, "b": np.full(8, 3e5, np.float32)},
                      {"x": p.shape}, {"y": [1, 4, SIDE, SIDE]})
    p.calibration["optimization"] = "set_all_nodes_int16"


def shifted_means(p):
    """most weights of `body` are a third of a step, and its inputs are positive: rounding removes the sum"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["a"], "body"), oh.make_node("Relu", ["a"], ["r"], "body_relu"),
             oh.make_node("Conv", ["r", "v"], ["y"], "head")]
    p.shape = [1, 256, SIDE, SIDE]
    p.data = [p.random.uniform(0, 1, p.shape).astype(np.float32) for _ in range(SAMPLES)]
    w = np.full((8, 256, 1, 1), 0.3 / 127, np.float32)
    for i in range(8):
        w[i, 7 * i] = 1
    p.model = network(nodes, {"w": w, "v": p.weight(4, 8, 1, 1)}, {"x": p.shape}, {"y": [1, 4, SIDE, SIDE]})


def not_quantization(p):
    """`wave` reads an angle of 100000 turns: no step is fine enough"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["a"], "body"), oh.make_node("Sin", ["a"], ["y"], "wave")]
    p.model = network(nodes, {"w": 6e5 * p.weight(4, 3, 1, 1)}, {"x": p.shape}, {"y": [1, 4, SIDE, SIDE]})


def trembling_points(p):
    """outputs of `points` move smoothly in float, by less than a step of int8 each frame"""
    nodes = [oh.make_node("Conv", ["x", "w"], ["y"], "points")]
    p.model = network(nodes, {"w": p.weight(4, 3, 1, 1)}, {"x": p.shape}, {"y": [1, 4, SIDE, SIDE]})
    (p.folder / "frames").mkdir()
    motion = p.random.normal(0, 1, p.shape).astype(np.float32)
    for i in range(12):
        (p.data[0] + np.float32(0.01 * i) * motion).tofile(p.folder / f"frames/{i:02}.bin")
    p.options += ["--frames", "frames"]


def wrong_postprocessing(p):
    """the task reads a different output from the one that training scored (95)"""
    images = p.folder / "images"
    pixels = p.random.integers(0, 256, (12, SIDE, SIDE, 3), np.uint8)
    p.keys = {**pixel_keys("rgb"), "norm_type": "data_scale", "scale_value": "0.00392157"}
    head = p.model.graph.node[-1]
    p.model.graph.node.append(oh.make_node("Neg", [head.output[0]], ["other"], "other"))
    p.model.graph.output.append(oh.make_tensor_value_info("other", tp.FLOAT, [1, CLASSES]))
    p.data = [x.transpose(2, 0, 1)[None].astype(np.float32) for x in pixels[:SAMPLES]]
    lines = []
    images.mkdir()
    for i, x in enumerate(pixels):
        Image.fromarray(x).save(images / f"{i}.png")
        p.dump_model(p.model, x.transpose(2, 0, 1)[None] / np.float32(255), "float")
        lines.append(f"{i}.png {np.load(p.folder / 'float/logits.npy').argmax()}")
    (p.folder / "labels.txt").write_text("\n".join(lines) + "\n")
    (p.folder / "task.yaml").write_text("metric: top_k\nk: 1\nimages: images\nlabels: labels.txt\n"
                                        "output: other\n")
    p.options += ["--task", "task.yaml", "--expect", "95", "--max-drop", "20"]


# ---- faults of what reads the outputs: labels are what the right reading finds ----

HEIGHT, WIDTH, STRIDES = 32, 64, (8, 16, 32)


def detector(p, decoded=False):
    """One output, 1 x BOXES x (5 + CLASSES): `form: yolox`; decoded: in pixels, `form: yolov5`."""
    r, cells, nodes, constants = np.random.default_rng(5), [], [], {"flat": np.array([1, 5 + CLASSES, -1])}

    def node(kind, inputs, *outputs, **more):
        nodes.append(oh.make_node(kind, inputs.split(), outputs, outputs[0], **more))

    for s in STRIDES:
        w = r.normal(0, 3, (5 + CLASSES, 3, s, s)) / s
        w[:4] /= 12  # boxes of about a cell
        constants[f"w{s}"] = w.astype(np.float32)
        constants[f"b{s}"] = np.r_[0.5, 0.5, 0.7, 0.7, np.zeros(1 + CLASSES)].astype(np.float32)
        node("Conv", f"x w{s} b{s}", f"conv{s}", strides=[s, s], kernel_shape=[s, s])
        node("Reshape", f"conv{s} flat", f"flat{s}")
        cells += [(x, y, s) for y in range(HEIGHT // s) for x in range(WIDTH // s)]
    grid = np.array(cells, np.float32)
    constants.update(parts=np.array([2, 2, 1 + CLASSES]), cell=grid[None, :, :2], stride=grid[None, :, 2:])
    node("Concat", " ".join(f"flat{s}" for s in STRIDES), "columns", axis=2)
    node("Transpose", "columns", "rows", perm=[0, 2, 1])
    node("Split", "rows parts", "centre", "size", "logits", axis=2)
    node("Sigmoid", "logits", "scores")
    if decoded:
        node("Add", "centre cell", "moved")
        node("Mul", "moved stride", "centre_pixels")
        node("Exp", "size", "exp")
        node("Mul", "exp stride", "size_pixels")
    node("Concat", "centre_pixels size_pixels scores" if decoded else "centre size scores", "boxes", axis=2)
    p.shape = [1, 3, HEIGHT, WIDTH]
    p.model = network(nodes, constants, {"x": p.shape}, {"boxes": [1, len(cells), 5 + CLASSES]})
    p.keys = {**pixel_keys("rgb"), "norm_type": "data_mean_and_scale", "mean_value": "127.5",
              "scale_value": "0.0156863"}


def images(p):
    """Blocks of colours, so that cells differ; the same for calibration."""
    folder = p.folder / "images"
    folder.mkdir()
    pixels = p.random.integers(0, 256, (12, HEIGHT // 8, WIDTH // 8, 3), np.uint8).repeat(8, 1).repeat(8, 2)
    for i, x in enumerate(pixels):
        Image.fromarray(x).save(folder / f"{i}.png")
    p.data = [x.transpose(2, 0, 1)[None].astype(np.float32) for x in pixels[:SAMPLES]]


def label_boxes(p, right, least):
    """The right reading's boxes become annotations."""
    files = [{"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT} for i in range(12)]
    truth = {"images": files, "annotations": [], "categories": [{"id": 1 + c} for c in range(CLASSES)]}
    (p.folder / "truth.json").write_text(json.dumps(truth))
    onnx.save(p.model, p.folder / "trained.onnx")
    words = [w for k, v in right.items() for w in ("--" + k.replace("_", "-"), v)]
    done = p.run("eval", "trained.onnx", "--metric", "coco", "--images", "images", "--labels", "truth.json",
                 "--colours", "rgb", "--mean", "127.5", "--scale", "0.0156863", "--score-min", least,
                 "--results", "found", *words)
    assert done.returncode == 0, done.stderr
    for i, d in enumerate(json.loads((p.folder / "found/trained.onnx.json").read_text())):
        truth["annotations"].append({"id": 1 + i, "image_id": d["image_id"], "bbox": d["bbox"], "iscrowd": 0,
                                     "category_id": d["category_id"], "area": d["bbox"][2] * d["bbox"][3]})
    assert len(truth["annotations"]) > 20
    (p.folder / "truth.json").write_text(json.dumps(truth))


def reads_boxes(p, right, wrong, least=0.3):
    """A project whose task has the settings `wrong`."""
    images(p)
    label_boxes(p, right, least)
    settings = {"metric": "coco", "images": "images", "labels": "truth.json", "score_min": least, **wrong}
    (p.folder / "task.yaml").write_text("".join(f"{k}: {v}\n" for k, v in settings.items()))
    p.options += ["--task", "task.yaml", "--expect", "95", "--max-drop", "30"]


def double_sigmoid(p):
    """the network ends in a sigmoid, and the task applies another: no score reaches its threshold"""
    detector(p)
    reads_boxes(p, {"form": "yolox"}, {"form": "yolox", "activation": "sigmoid"}, 0.55)


def wrong_stride(p):
    """the task reads the grids of strides 8, 16, 32 as 32, 16, 8"""
    detector(p)
    reads_boxes(p, {"form": "yolox"}, {"form": "yolox", "strides": "32 16 8"})


def exchanged_axes(p):
    """the task takes x for y in boxes and cells"""
    detector(p)
    reads_boxes(p, {"form": "yolox"}, {"form": "yolox", "axes": "yx"})


def other_decode(p):
    """the network decodes its boxes, and the task decodes them again, as an older export required"""
    detector(p, decoded=True)
    reads_boxes(p, {"form": "yolov5", "units": "pixels"}, {"form": "yolox"})


def bgr(p):
    """training read RGB, and the configuration says BGR"""
    detector(p)
    reads_boxes(p, {"form": "yolox"}, {"form": "yolox"})
    p.keys["input_type_train"] = "bgr"
    p.data = [x[:, ::-1] for x in p.data]


def nv12_range(p):
    """the device delivers luma in 16..235, and the configuration says 0..255"""
    pixels = p.random.integers(0, 256, (SAMPLES, 3, SIDE, SIDE))
    p.keys = {**pixel_keys("rgb"), "input_type_rt": "nv12", "norm_type": "data_scale",
              "scale_value": "0.00392157"}
    del p.keys["input_layout_rt"]
    p.data = [x[None].astype(np.float32) for x in pixels]
    p.write()
    p.run("convert", "-c", "net.yaml", "--log", "none")
    yuv = np.zeros((1, 3, SIDE, SIDE), np.int64) + 128
    yuv[0, 0] = np.linspace(16, 235, SIDE * SIDE).round().reshape(SIDE, SIDE)
    p.dump("out/net_quantized_model.onnx", (yuv - 128).astype(np.int8), "device")
    p.options += ["--dumps", "device/tensors"]


FAULTS = {  # step, cause, nodes that are right
    flipped_weight: ("float", "float_differs", ("body",)),
    exchanged_channels: ("float", "float_differs", ("body",)),
    exchanged_colours: ("float", "first_node", ("stem",)),
    unnormalised_input: ("float", "first_node", ("stem",)),
    other_type: ("convert", "unreadable", ("x",)),
    other_shape: ("convert", "unreadable", ("x",)),
    misspelt_key: ("convert", "configuration", (None,)),
    misplaced_key: ("convert", "configuration", (None,)),
    unknown_key: ("convert", "configuration", (None,)),
    misspelt_group: ("convert", "configuration", (None,)),
    misspelt_words: ("convert", "configuration", (None,)),
    misspelt_paths: ("convert", "configuration", (None,)),
    other_layout: ("convert", "configuration", (None,)),
    impossible_shape: ("convert", "configuration", (None,)),
    doubled_normalization: ("convert", "normalised", ("x",)),
    truncated_calibration: ("quantized", "drift", ("x",)),
    trembling_points: ("quantized", "jitter", ("points",)),
    inherited_range: ("quantized", "range_conflict", ("joined",)),
    mask: ("quantized", "mask", ("masked",)),
    function_int8: ("quantized", "function_int8", ("fifth",)),
    full_bias: ("quantized", "full_bias", ("body",)),
    shifted_means: ("quantized", "shifted_means", ("body", "body_relu")),
    not_quantization: ("quantized", "not_quantization", (None,)),
    wrong_postprocessing: ("quantized", "exchanged_outputs", (None,)),
    double_sigmoid: ("quantized", "score_function", (None,)),
    wrong_stride: ("quantized", "strides", (None,)),
    exchanged_axes: ("quantized", "exchanged_axes", (None,)),
    other_decode: ("quantized", "decode", (None,)),
    bgr: ("quantized", "channel_order", (None,)),
    wrong_kernel: ("bin", "program_differs", ("pool",)),
    worse_kernel: ("quantized", "program_differs", ("stem", "stem_relu")),
    nv12_range: ("board", "value_range", ("x",)),
    wrong_scale: ("board", "board_differs", ("body", "body_relu")),
}


def examine(program, fault, folder):
    p = Project(program, folder)
    right = Project(program, folder / "right")
    right.folder.mkdir()
    good = right.flow()
    fault(p)
    out = p.flow()
    step = next((s for s in out["steps"] if s["state"] == "FAIL"), {"step": "--", "node": None})
    where, cause, nodes = FAULTS[fault]
    return {"fault": fault.__name__, "what": fault.__doc__, "step": step["step"], "cause": out.get("cause"),
            "node": step["node"], "evidence": out.get("evidence"), "next_command": out.get("next_command"),
            "right_passes": good["passed"],
            "found": step["step"] == where and out["cause"] == cause and step["node"] in nodes}


def table(results):
    lines = ["| fault | flow stops at | cause | node | right |", "|---|---|---|---|---|"]
    for r in results:
        lines.append(f"| {r['fault']}: {r['what']} | `{r['step']}` | `{r['cause']}` | {r['node'] or '--'} | "
                     f"{'yes' if r['found'] else 'no'} |")
    lines.append(f"\n{sum(r['found'] for r in results)} of {len(results)} faults are found at the right step "
                 f"and node; the project without a fault passes.")
    return "\n".join(lines)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--vernier", default=ROOT / "build/vernier", type=pathlib.Path)
    a.add_argument("--only", default="")
    a.add_argument("--keep", type=pathlib.Path)
    a.add_argument("--write", action="store_true")
    o = a.parse_args()
    results = []
    for fault in FAULTS:
        if o.only not in fault.__name__:
            continue
        with tempfile.TemporaryDirectory() as t:
            folder = o.keep / fault.__name__ if o.keep else pathlib.Path(t)
            folder.mkdir(parents=True, exist_ok=True)
            results.append(examine(o.vernier.resolve(), fault, folder))
        if not results[-1]["found"] or not results[-1]["right_passes"] or o.keep:
            print(json.dumps(results[-1], indent=1))
    if o.write:
        text = page_parts.replaced(PAGE, "seeded_faults.py", faults=table(results))
        page_parts.settle(PAGE, text, "seeded_faults.py")
    print(table(results))
    return 0 if all(r["found"] and r["right_passes"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
