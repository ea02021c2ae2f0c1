"""Preprocessing programs as people write them, with the real libraries: one program with knobs, whose
settings are causes of misalignment. Both sides of every comparison in test_align.py come from here; nothing
of our own code computes a picture."""
import json
import subprocess
import sys

import cv2
import numpy as np
import tool
from PIL import Image

sys.path.insert(0, str(tool.BUILD / "python"))
from vernier import trace  # noqa: E402

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


# ---- steps: each a function of the array ----

def read_pillow(path):
    return np.asarray(Image.open(path).convert("RGB"))


def read_opencv(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def read_turbojpeg(**how):
    """libjpeg-turbo's own interface: the flags are those of tjDecompress."""
    import simplejpeg
    return lambda path: simplejpeg.decode_jpeg(path.read_bytes(), **how)


def read_draft(path):
    """What Image.thumbnail and loaders in a hurry do."""
    im = Image.open(path)
    im.draft("RGB", (im.width // 2, im.height // 2))
    return np.asarray(im.convert("RGB"))


def read_reduced(path):
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_2), cv2.COLOR_BGR2RGB)


def only_decoded(folder, pictures, read):
    trace.start(folder)
    for path in pictures:
        trace.picture(path)
        trace.save("decode", read(path))
    return folder


def pillow(method, size=None):
    def step(x, size):
        return np.asarray(Image.fromarray(x).resize(size, getattr(Image.Resampling, method)))
    return step


def opencv(method):
    return lambda x, size: cv2.resize(x, size, interpolation=getattr(cv2, "INTER_" + method))


def skimage_order1(x, size):
    from skimage.transform import resize
    return resize(x, size[::-1], order=1, anti_aliasing=False)


def skimage_antialias(x, size):
    from skimage.transform import resize
    return resize(x, size[::-1], order=1, anti_aliasing=True)


def short_side(rounding):
    def size(x, s=40):
        h, w = x.shape[:2]
        return (s, rounding(s * h / w)) if w <= h else (rounding(s * w / h), s)
    return size


def center(offset, dx=0, dy=0):
    def crop(x, s=33):
        top, left = offset((x.shape[0] - s) / 2) + dy, offset((x.shape[1] - s) / 2) + dx
        return x[top:top + s, left:left + s]
    return crop


def pad(value, where):
    def step(x, s=48):
        dh, dw = s - x.shape[0], s - x.shape[1]
        top, left = {"center": (dh // 2, dw // 2), "top_left": (0, 0), "bottom_right": (dh, dw)}[where]
        return cv2.copyMakeBorder(x, top, dh - top, left, dw - left, cv2.BORDER_CONSTANT, value=(value,) * 3)
    return step


def letterbox(value, where, rounding=round):
    def step(x, s=48):
        r = min(s / x.shape[0], s / x.shape[1])
        return pad(value, where)(cv2.resize(x, (rounding(x.shape[1] * r), rounding(x.shape[0] * r))), s)
    return step


def normalise(mean, std, divide=255, times=1):
    def step(x):
        x = x.astype(np.float32)
        if divide != 1:
            x = x / np.float32(divide)
        for _ in range(times):
            x = (x - np.float32(mean)) / np.float32(std)
        return x
    return step


def i420(x):
    """OpenCV's video range, chroma of one pixel in four, and back."""
    x = x if x.dtype == np.uint8 else np.rint(x * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_RGB2YUV_I420), cv2.COLOR_YUV2RGB_I420)


def same(x):
    return x


def swapped(x):
    return np.ascontiguousarray(x[:, :, ::-1])


def chw(x):
    return np.ascontiguousarray(x.transpose(2, 0, 1))


# ---- the program ----

BASE = {
    "decode": read_pillow,
    "colour": same,
    "size": short_side(int),
    "resize": pillow("BILINEAR"),
    "crop": center(round),
    "pad": pad(114, "center"),
    "yuv": same,
    "normalise": normalise(*IMAGENET),
    "layout": chw,
}


def run(folder, pictures, **knobs):
    """A trace of the program on every picture."""
    steps = {**BASE, **knobs}
    trace.start(folder)
    for path in pictures:
        trace.picture(path)
        x = trace.save("decode", steps["decode"](path))
        x = trace.save("colour", steps["colour"](x))
        x = trace.save("resize", steps["resize"](x, steps["size"](x)))
        x = trace.save("crop", steps["crop"](x))
        x = trace.save("pad", steps["pad"](x))
        x = trace.save("yuv", steps["yuv"](x))
        x = trace.save("normalise", steps["normalise"](x))
        trace.save("layout", steps["layout"](x))
    return folder


def only_input(folder, pictures, resize, crop, decode=read_pillow, size=short_side(int)):
    """A program that saves nothing but what the network gets."""
    trace.start(folder)
    for path in pictures:
        trace.picture(path)
        x = decode(path)
        trace.save("input", chw(normalise(*IMAGENET)(crop(resize(x, size(x))))))
    return folder


# ---- behind the network ----

def network_with_two_outputs(path):
    """Boxes and scores of 12 places, from a 3 x 48 x 48 picture."""
    import onnx
    rng = np.random.default_rng(5)
    init = [
        onnx.numpy_helper.from_array(rng.normal(0, 0.1, (12, 3, 48, 48)).astype(np.float32), "w"),
        onnx.numpy_helper.from_array(rng.normal(0, 0.1, (12, 3, 48, 48)).astype(np.float32), "v"),
        onnx.numpy_helper.from_array(np.array([1, 12]), "s"),
    ]
    n = onnx.helper.make_node
    nodes = [
        n("Conv", ["x", "w"], ["a"]),
        n("Reshape", ["a", "s"], ["first"]),
        n("Conv", ["x", "v"], ["b"]),
        n("Reshape", ["b", "s"], ["c"]),
        n("Sigmoid", ["c"], ["second"]),
    ]
    v = onnx.helper.make_tensor_value_info
    g = onnx.helper.make_graph(
        nodes, "two", [v("x", 1, [1, 3, 48, 48])], [v("first", 1, [1, 12]), v("second", 1, [1, 12])], init
    )
    onnx.save(onnx.helper.make_model(g, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def run_network(folder, model, pictures, names):
    """Outputs saved as `names`, in the order in which onnxruntime gives them."""
    import onnxruntime
    session = onnxruntime.InferenceSession(model)
    trace.start(folder)
    for path in pictures:
        trace.picture(path)
        x = trace.save(
            "input", chw(normalise(*IMAGENET)(opencv("LINEAR")(read_pillow(path), (48, 48))))[None]
        )
        for name, y in zip(names, session.run(None, {"x": x})):
            trace.save(name, y)
    return folder


def detections(rng, n=60):
    """Boxes x1 y1 x2 y2 in clusters, with scores and classes."""
    centre = rng.uniform(30, 200, (8, 2))[rng.integers(0, 8, n)] + rng.normal(0, 6, (n, 2))
    half = rng.uniform(12, 30, (n, 2))
    return (
        np.hstack([centre - half, centre + half]).astype(np.float32),
        rng.uniform(0.01, 0.99, n).astype(np.float32),
        rng.integers(0, 3, n),
    )


def at_the_threshold(rng):
    """Pairs of boxes that overlap by exactly 0.3, and by 0.305."""
    pairs = [[[0, 0, 60, 10], [30, 0, 100, 10]], [[0, 0, 130, 10], [69, 0, 200, 10]]] * 6
    boxes = np.concatenate([np.array(b) + [0, 50 * i, 0, 50 * i] for i, b in enumerate(pairs)]).astype(
        np.float32
    )
    return boxes, rng.uniform(0.1, 0.99, len(boxes)).astype(np.float32), None


def nms_opencv(boxes, scores, iou, score):
    corner_size = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    return np.asarray(cv2.dnn.NMSBoxes(corner_size.tolist(), scores.tolist(), score, iou)).ravel()


TORCHVISION_NMS = """
import sys, pathlib, numpy as np, torch, torchvision
for folder in sorted(f for f in pathlib.Path(sys.argv[1]).iterdir() if f.is_dir()):
    boxes, scores = (torch.from_numpy(np.load(folder / f"{n}.npy")) for n in ("boxes", "scores"))
    above = torch.nonzero(scores > float(sys.argv[3])).ravel()
    keep = above[torchvision.ops.nms(boxes[above], scores[above], float(sys.argv[2]))].numpy()
    np.save(folder / "kept.npy", np.hstack([boxes[keep], scores[keep, None]]))
"""


def suppressed(folder, iou, score, by="opencv", pictures=6, make=detections):
    """boxes, scores, and what stays: rows of box and score. torchvision runs in Debian's Python."""
    trace.start(folder)
    for i in range(pictures):
        trace.picture(str(i))
        boxes, scores, _ = make(np.random.default_rng(100 + i))
        trace.save("boxes", boxes)
        trace.save("scores", scores)
        keep = nms_opencv(boxes, scores, iou, score)
        trace.save("kept", np.hstack([boxes[keep], scores[keep, None]]))
    if by == "torchvision":
        subprocess.run(["/usr/bin/python3", "-c", TORCHVISION_NMS, folder, str(iou), str(score)], check=True)
    return folder


def coco_results(path, box=lambda x: x, score=lambda x: x, category=lambda x: x, images=6):
    """What programs write for pycocotools."""
    rows = []
    for image in range(images):
        boxes, scores, classes = detections(np.random.default_rng(200 + image), 30)
        for b, s, c in zip(boxes.astype(float), scores.astype(float), classes):
            rows.append(
                {
                    "image_id": image + 17,
                    "category_id": category(int(c)),
                    "bbox": [box(float(v)) for v in (b[0], b[1], b[2] - b[0], b[3] - b[1])],
                    "score": score(float(s)),
                }
            )
    path.write_text(json.dumps(rows))
    return path


# ---- pictures ----

def photograph(rng, h, w):
    """Smooth shapes, edges and grain; no symmetry."""
    y, x = np.mgrid[0:h, 0:w]
    p = np.zeros((h, w, 3))
    for c in range(3):
        for _ in range(5):
            fx, fy, phase = rng.normal(0, 0.15), rng.normal(0, 0.15), rng.random() * 6
            p[:, :, c] += np.sin(fx * x + fy * y + phase) * rng.random()
    p = (p - p.min()) / (p.max() - p.min()) * 200 + 20
    for _ in range(6):
        t, left = rng.integers(0, h - 8), rng.integers(0, w - 8)
        p[t:t + rng.integers(4, 20), left:left + rng.integers(4, 20)] = rng.integers(0, 256, 3)
    return np.clip(p + rng.normal(0, 12, p.shape), 0, 255).astype(np.uint8)


def pictures(folder, seed, n=4, exif=False):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(n):
        h, w = rng.integers(56, 110, 2)
        im = Image.fromarray(photograph(rng, h, w))
        paths.append(folder / f"{i}.{'jpg' if exif else 'png'}")
        if exif:
            tags = Image.Exif()
            tags[0x112] = exif
            im.save(paths[-1], exif=tags, quality=95)
        else:
            im.save(paths[-1])
    return paths
