#!/usr/bin/env python3
"""Write a small corpus for each fuzz target.

    seeds.py FOLDER CONVERTED

FOLDER gets a folder for each target. CONVERTED: the folder of a conversion of examples/digits (ONNX stages
and .bin). Needs the packages of the tests.
"""
import glob
import io
import json
import os
import shutil
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/front"))
import caffe_cases  # noqa: E402
import test_front  # noqa: E402

CONFIGS = {
    "image": """model_parameters:
  onnx_model: 'net.onnx'
  march: 'bayes-e'
input_parameters:
  input_name: 'image'
  input_type_train: 'rgb'
  input_type_rt: 'nv12'
  input_space_and_range: 'bt601_video'
  norm_type: 'data_mean_and_scale'
  mean_value: 123.7 116.3 103.5
  scale_value: 0.0171 0.0175 0.0174
calibration_parameters:
  cal_data_dir: './pictures'
  preprocess_on: True
  calibration_type: 'max'
  max_percentile: 0.9999
compiler_parameters:
  optimize_level: 'O2'
""",
    "two_inputs": """model_parameters: {onnx_model: net.onnx}
input_parameters:
  input_name: "image; other"
  input_type_train: 'bgr; featuremap'
  input_type_rt: 'rgb; featuremap'
  input_layout_rt: 'NHWC; None'
  input_shape: '1x3x32x32; 1x10'
  norm_type: 'data_mean; no_preprocess'
  mean_value: '1 2 3; None'
calibration_parameters:
  cal_data_dir: './a; ./b_f32'
  cal_data_type: 'uint8; float32'
  optimization: set_model_output_int8
""",
    "random_data": """input_parameters:
  input_type_train: featuremap
  input_type_rt: featuremap
model_parameters:
  onnx_model: net.onnx
calibration_parameters:
  calibration_type: skip
compiler_parameters:
""",
}


PIPELINES = [
    """steps:
  - decode: {library: opencv, order: gray, orientation: keep, dct: ifast, upsampling: simple, reduce: 2}
  - colour: rgb
  - yuv: {to: rgb, layout: nv12, rule: opencv, range: video, down: mean, up: linear}
  - resize: {size: [7, 11], rule: exact, library: opencv, interpolation: area, stage: resized}
  - normalise: {divide: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
  - layout: NCHW
  - dtype: {to: int8, minus_128: true}
""",
    """- letterbox: {size: 20, library: pillow, interpolation: lanczos, position: top_left, value: [1, 2, 3]}
- warp: {matrix: [1, 0.5, 3, 0, 1, 2], size: [8, 9], inverse: true}
- PadResizeTransformer: {target_size: [16, 12], pad_value: 3}
- BGR2YUV444Transformer(data_format='HWC')
""",
    "decode pillow draft=9,5; short_side 8 interpolation=bicubic version=13; center_crop 20 pad=true; swap; orient 6; HWC2CHW; BGR2RGB('CHW'); F32ToU8",
    "crop 1,1,3,3; pad 1 2 3 4 value=9; pad_to 16 position=bottom_right; normalise times=2 scale=0.5; layout HWC",
    "center_crop 9 rounding=floor pad=true; resize 9 7 rule=least_scale multiple=4 rounding=ceil; resize 30 40 rule=short_long_yolos; pad_multiple 7 value=3",
    "resize 12 library=skimage rule=fit interpolation=order3; resize 3 4 library=torchvision antialias=on; yuv planes layout=i420",
]


def picture(mode, size, seed=0):
    rng = np.random.default_rng(seed)
    x = np.add.outer(np.arange(size[1]), np.arange(size[0])) * 3 % 256 + rng.integers(
        0, 20, (size[1], size[0])
    )
    rgb = np.stack([x, x[::-1], x[:, ::-1], np.full_like(x, 200)], 2).clip(0, 255).astype(np.uint8)
    return Image.fromarray(
        rgb[:, :, 3 if mode == "LA" else 0] if mode in ("L", "P", "LA") else rgb[:, :, : len(mode)], None
    ).convert(mode)


def encoded(image, **options):
    f = io.BytesIO()
    image.save(f, **options)
    return f.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x112] = 6
    return exif


def run_length_bmp():
    """9 x 5 pixels in runs: repeated, copied, moved, ended."""
    pixels = b"".join(bytes([5, y, 0, 4, 1, 2, 3, 4, 0, 0]) for y in range(3)) + bytes(
        [0, 2, 2, 1, 3, 7, 0, 1]
    )
    palette = bytes(range(256)) * 4
    head = struct.pack("<IiiHHIIiiII", 40, 9, 5, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return (
        b"BM"
        + struct.pack("<IHHI", 54 + len(palette) + len(pixels), 0, 0, 54 + len(palette))
        + head
        + palette
        + pixels
    )


def arrays():
    for dtype in ("float32", "float64", "float16", "uint8", "int8", "int64", "bool"):
        yield dtype, np.arange(12).reshape(1, 3, 4).astype(dtype)
    yield "scalar", np.float32(3)
    yield "empty", np.zeros((0, 3), np.float32)
    yield "vector", np.arange(5, dtype=np.int16)


def npy(x):
    f = io.BytesIO()
    np.save(f, x)
    return f.getvalue()


def caffe():
    """The network as text, a zero byte, the weights: as fuzz/caffe_reader.c takes them apart."""
    for i, (net, *_) in enumerate(caffe_cases.CASES.values()):
        with tempfile.TemporaryDirectory() as folder:
            prototxt, caffemodel = net.write(Path(folder))
            yield f"caffe_reader/{i}.caffe", prototxt.read_bytes() + b"\0" + caffemodel.read_bytes()


def coco():
    """Annotations, a zero byte, detections: as fuzz/coco.c takes them apart."""
    image = lambda i: {"id": i, "width": 640, "height": 480, "file_name": f"{i}.jpg"}
    truth = lambda i, box, **more: {
        "id": i + 1,
        "image_id": i % 3 + 1,
        "category_id": i % 2 + 1,
        "bbox": box,
        "area": box[2] * box[3],
        **more,
    }
    found = lambda i, box, score: {
        "image_id": i % 3 + 1,
        "category_id": i % 2 + 1,
        "bbox": box,
        "score": score,
    }
    boxes = [[10.5 * i, 7 * i, 20 + 30 * i, 15 + 25.25 * i] for i in range(6)]
    whole = {
        "images": [image(i) for i in (3, 1, 2)],
        "categories": [{"id": 2}, {"id": 1, "name": "cat"}],
        "annotations": [truth(i, b) for i, b in enumerate(boxes)],
    }
    crowds = {**whole, "annotations": [truth(i, b, iscrowd=i % 2) for i, b in enumerate(boxes)]}
    for name, annotations, detections in (
        ("whole", whole, [found(i, [b[0] + 2, *b[1:]], 0.9 - 0.1 * i) for i, b in enumerate(boxes)]),
        ("crowds", crowds, [found(0, b, 0.5) for b in boxes * 3]),
        ("nothing", {**whole, "annotations": []}, []),
        ("wrong", {"images": [], "categories": {}}, {"bbox": [1e300, -1, None, "x"]}),
    ):
        yield f"coco/{name}.coco", json.dumps(annotations).encode() + b"\0" + json.dumps(detections).encode()


def traces():
    """As fuzz/trace.c takes them apart: samples, stages; for each stage type, rank, shape, repetition,
    values, whether the right side has others."""

    def stage(kind, x, other=None):
        head = lambda v: bytes([kind, v.ndim, *v.shape, 0]) + v.tobytes()
        return head(x) + (b"\1" if other is None else b"\0" + head(other))

    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (12, 14, 3)).astype(np.uint8)
    yield "swapped", b"\0\1" + stage(0, x) + stage(0, x, x[:, :, ::-1])
    yield "shifted", b"\0\0" + stage(0, x[:10, :10], x[2:, 3:13])
    yield "scaled", b"\0\1" + stage(0, x) + stage(1, (x / 255).astype(np.float32), x.astype(np.float32))
    yield "cropped", b"\0\1" + stage(0, x) + stage(0, x[2:9, 3:10], x[3:10, 3:10])
    yield (
        "resized",
        b"\0\1"
        + stage(0, x)
        + stage(
            0, np.asarray(Image.fromarray(x).resize((7, 6))), np.asarray(Image.fromarray(x).resize((7, 6), 0))
        ),
    )
    boxes = rng.uniform(0, 40, (9, 4)).astype(np.float32)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.sort(rng.random(9).astype(np.float32))[::-1]
    yield "boxes", b"\0\3" + stage(0, x) + stage(1, boxes) + stage(1, scores) + stage(1, boxes[:5], boxes[:3])
    yield (
        "indices",
        b"\0\3" + stage(0, x) + stage(1, boxes) + stage(1, scores) + stage(3, np.arange(4), np.arange(2)),
    )
    yield "exchanged", b"\0\1" + stage(1, scores, boxes[:, 0]) + stage(1, boxes[:, 0], scores)
    for name, save in ("stored", np.savez), ("deflated", np.savez_compressed):
        f = io.BytesIO()
        save(f, read=x, scores=scores)
        yield name, f.getvalue()


def results():
    """Results of parts of a job (src/result/result_file.c); the fuzz target puts the checksum right."""
    def number(x):
        return bytes([x]) if x < 128 else bytes([x & 127 | 128]) + number(x >> 7)

    def text(s):
        return number(len(s)) + s.encode()

    def entry(name, kind, body):
        return text(name) + number(kind) + number(len(body)) + body

    def result(*entries):
        head = b"vnresult" + struct.pack("<QQ", 1, 0) + text("job")
        return head + number(1) + text("network") + bytes(range(8)) + number(len(entries)) + b"".join(entries)

    bodies = {
        "counter": number(300),
        "samples": bytes([2, 0, 5, 3, 1]),
        "sums": bytes([3, 0, 0, 0, 8, 134, 1, 3, 1, 2, 3, 5, 0, 0]),
        "minimum": struct.pack("<d", -2.5) + number(7),
        "maximum": b"",
        "first": bytes([4, 2]) + struct.pack("<dd", 1, float("nan")),
        "histogram": number(6) + struct.pack("<ff", -1, 3) + bytes([2, 5, 2]) + number(3066) + bytes([4]),
        "records": bytes([2, 0, 0, 9, 1]) + struct.pack("<d", 0.1),
    }
    yield "empty", result()
    for kind, (name, body) in enumerate(bodies.items()):
        yield name, result(entry("x", kind, body))
    yield "no_words", result(entry("x", 2, bytes([2, 0, 0, 0, 1, 0, 0])))
    yield "all", result(*(entry("x", kind, body) for kind, body in enumerate(bodies.values())))


TASKS = ["metric: top_k\nlabels: 'labels.txt'\nk: 1 5\nimages: 'held'\n",
         "metric: miou\nlabel_size: 32x24\nignore: 11\n",
         "metric: coco\nform: priors\npriors: '8: 10 16; 16: 32'\nvariances: 0.1 0.2\nnms_iou: 0.45\n",
         "metric: agreement\naxis: 1\nlist: 3\nbootstrap: 0\n"]


def packs():
    """As docs/bin-format.md has packs; fuzz/pack.c puts the checksum right."""
    for names in ["a"], ["a", "net_2"]:
        first = -(-(32 + 256 * len(names)) // 64) * 64
        table = b"".join(n.encode().ljust(240, b"\0") + struct.pack("<QQ", first + 64 * i, 64)
                         for i, n in enumerate(names))
        size = first + 64 * len(names)
        head = b"VNRPACK\n" + struct.pack("<IIQQ", 1, len(names), size, 0)
        yield f"{len(names)}", (head + table).ljust(first, b"\0") + bytes(64 * len(names))


def corpus(converted):
    yield from ((f"pack/{name}.bin", data) for name, data in packs())
    yield from ((f"task/{i}.yaml", text.encode()) for i, text in enumerate(TASKS))
    yield from ((f"result/{name}.vnr", data) for name, data in results())
    yield from ((f"trace/{name}", data) for name, data in traces())
    yield from caffe()
    yield from coco()
    yield from ((f"config/{name}.yaml", text.encode()) for name, text in CONFIGS.items())
    yield from ((f"pipeline/{i}.txt", text.encode()) for i, text in enumerate(PIPELINES))
    yield from ((f"npy/{name}.npy", npy(x)) for name, x in arrays())
    for mode in ("RGB", "L", "RGBA", "LA", "P", "1"):
        yield (
            f"png/{mode}.png",
            encoded(
                picture("L", (9, 7)).convert(mode) if mode == "1" else picture(mode, (9, 7)), format="PNG"
            ),
        )
    for mode, format in (
        ("RGB", "bmp"),
        ("L", "bmp"),
        ("P", "bmp"),
        ("1", "bmp"),
        ("RGBA", "bmp"),
        ("RGB", "ppm"),
        ("L", "ppm"),
        ("1", "ppm"),
        ("RGB", "webp"),
        ("RGBA", "webp"),
        ("RGB", "tiff"),
        ("L", "tiff"),
        ("1", "tiff"),
        ("P", "tiff"),
        ("RGBA", "tiff"),
    ):
        im = picture("L", (13, 11)).convert("1") if mode == "1" else picture(mode, (13, 11))
        yield f"{'pnm' if format == 'ppm' else format}/{mode}.{format}", encoded(im, format=format)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        im = picture("L", (40, 33)).convert("1") if compression == "group4" else picture("RGB", (40, 33))
        yield f"tiff/{compression}.tiff", encoded(im, format="tiff", compression=compression)
    for planar in ("contig", "separate"):
        f, x = (
            io.BytesIO(),
            np.arange(3 * 40 * 40, dtype=np.uint16).reshape(
                (40, 40, 3) if planar == "contig" else (3, 40, 40)
            ),
        )
        tifffile.imwrite(f, x, tile=(16, 32), compression="zlib", planarconfig=planar, photometric="rgb")
        yield f"tiff/tiles_{planar}.tiff", f.getvalue()
    yield "webp/lossless.webp", encoded(picture("RGBA", (17, 9)), format="webp", lossless=True)
    frames = [picture("RGBA", (17, 9), seed) for seed in range(3)]
    yield (
        "webp/animation.webp",
        encoded(frames[0], format="webp", save_all=True, append_images=frames[1:], exif=turned()),
    )
    yield "pnm/text.ppm", b"P3 # note\n2 2\n255\n0 1 2 3 4 5 6 7 8 9 10 11\n"
    yield "pnm/deep.pgm", b"P5 3 2 65535\n" + bytes(range(12))
    yield "bmp/rle8.bmp", run_length_bmp()
    for mode, sub in (("RGB", 0), ("RGB", 1), ("RGB", 2), ("L", 0), ("CMYK", 0)):
        yield (
            f"jpeg/{mode}_{sub}.jpg",
            encoded(picture(mode, (19, 13)), format="JPEG", quality=80, subsampling=sub),
        )
    yield (
        "jpeg/progressive.jpg",
        encoded(picture("RGB", (24, 24)), format="JPEG", progressive=True, exif=turned()),
    )
    for target in ("onnx_reader", "onnx_passes"):
        yield f"{target}/functions.onnx", test_front.function_model().SerializeToString()
        yield f"{target}/if.onnx", test_front.if_model(3).SerializeToString()
    for path in glob.glob(os.path.join(converted, "*.onnx")):
        yield "onnx_passes/" + os.path.basename(path), path
        yield "onnx_reader/" + os.path.basename(path), path
    for path in glob.glob(os.path.join(converted, "*.bin")):
        yield "bin/" + os.path.basename(path), path


def write(folder, converted):
    for name, data in corpus(converted):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(data, bytes):
            with open(path, "wb") as f:
                f.write(data)
        else:
            shutil.copy(data, path)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(*sys.argv[1:])
