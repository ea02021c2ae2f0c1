"""The n-th allocation fails: `vernier check` and `vernier convert` end with status 4 and say so, or succeed
without that memory."""

import concurrent.futures
import json
import re
import shutil
import sys

import coco as boxes
import numpy as np
import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tests/front"))
import caffe_cases  # noqa: E402

STEPS = 400  # of each kind; the first 300 in turn, then spread over the run
SHIM = tool.BUILD / "tests/libfailing_malloc.so"


def steps(total):
    first = list(range(1, min(300, total) + 1))
    return (
        first + [300 + round((total - 300) * (i + 1) / (STEPS - 300)) for i in range(STEPS - 300)]
        if total > STEPS
        else list(range(1, total + 1))
    )


def once(args, n, forever):
    env = {"LD_PRELOAD": str(SHIM)}
    if n:
        env.update(VN_FAIL_AT=str(n), **({"VN_FAIL_ALL": "1"} if forever else {}))
    return tool.run(*args, env=env, build=tool.BUILD)


def caffe(folder):
    prototxt, caffemodel = caffe_cases.CASES["Convolution"][0].write(folder)
    return ["check", caffemodel, "--proto", prototxt]


def coco(folder):
    box = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}
    (folder / "t.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "width": 4, "height": 4}],
                "categories": [{"id": 1}],
                "annotations": [{**box, "id": 1, "area": 4}],
            }
        )
    )
    (folder / "d.json").write_text(json.dumps([{**box, "score": 0.5}]))
    return [
        "eval",
        "--metric",
        "coco",
        "--labels",
        folder / "t.json",
        "--detections",
        folder / "d.json",
        "--bootstrap",
        "2",
    ]


def detector(folder):
    """A small model that gives boxes, two pictures, two threads: COCO's metric with all that leads to it."""
    folder = folder / "detector"
    folder.mkdir()
    boxes.save_rectangles(folder)
    net = boxes.save_seeing_net(folder / "net.onnx", "pixels")
    return [
        "eval",
        net,
        "--metric",
        "coco",
        "--images",
        folder / "images",
        "--labels",
        folder / "truth.json",
        "--form",
        "corners",
        "--scores",
        "scores",
        "--boxes",
        "boxes",
        "--units",
        "pixels",
        "--colours",
        "rgb",
        "--pipeline",
        "letterbox 64 48",
        "--limit",
        "2",
        "--bootstrap",
        "2",
        "--threads",
        "2",
        "--results",
        folder / "out",
    ]


def traces(folder):
    """Two programs that resize otherwise, as traces; .npz, lists and files of pictures are read, too."""
    from PIL import Image
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (12, 14, 3)).astype(np.uint8)
    Image.fromarray(x).save(folder / "x.png")
    rows, scores = rng.uniform(0, 40, (6, 4)).astype(np.float32).cumsum(1), rng.random(6).astype(np.float32)
    for side, how, n in ("a", Image.Resampling.BILINEAR, 4), ("b", Image.Resampling.NEAREST, 3):
        np.savez_compressed(
            folder / f"{side}.npz",
            input=np.asarray(Image.fromarray(x).resize((7, 6), how)),
            boxes=rows,
            scores=scores,
            kept=rows[:n],
        )
    return ["align", folder / "a.npz", folder / "b.npz", "--images", folder / "x.png"]


def check(total, runs, done=tool.DONE):
    statuses = [r.status for _, r in runs]
    print(
        f"{total} allocations, {len(runs)} runs: "
        + ", ".join(f"{statuses.count(s)} with status {s}" for s in sorted(set(statuses)))
    )
    for n, r in runs:
        assert r.status in (done, tool.INTERNAL), f"allocation {n}: {r}"
        assert r.status == done or re.search("(?i)memory", r.err), f"allocation {n}: {r}"
    assert tool.INTERNAL in statuses


@pytest.mark.parametrize("forever", [False, True], ids=["one_fails", "all_later_fail"])
@pytest.mark.parametrize(
    "command",
    ["check", "convert", "run", "verify", "init", "caffe", "eval", "coco", "detector", "data", "align"],
)
def test_failing_allocations(digits, tmp_path, command, forever):
    out = tmp_path / "out"
    args = {
        "check": ["check", digits.model],
        "run": ["run", digits.bin, "--input", digits.picture],
        "verify": ["verify", digits.stage("quantized"), digits.bin, "--random", "1"],
        "caffe": caffe(tmp_path),
        "data": ["check", "--data", "-c", digits.yaml],
        "coco": coco(tmp_path),
        "detector": detector(tmp_path),
        "align": traces(tmp_path),
        "eval": [
            "eval",
            digits.bin,
            "--metric",
            "top_k",
            "--images",
            digits.held_out,
            "--labels",
            digits.labels,
            "--limit",
            "3",
            "--bootstrap",
            "2",
        ],
        "init": ["init", digits.model, "-o", tmp_path / "x.yaml"],
        "convert": [
            "convert",
            "-c",
            digits.write_yaml(tmp_path / "d.yaml", out),
            "--log",
            "none",
            "--compare",
            "2",
        ],
    }[command]
    whole = once(args, 0, False)
    assert whole.status == (tool.CHECK_FAILED if command == "align" else tool.DONE)
    if command == "init":
        (tmp_path / "x.yaml").unlink()
    total = int(re.search(r"allocations: (\d+)", whole.err)[1])
    with concurrent.futures.ThreadPoolExecutor(1 if command in ("init", "convert") else 2) as pool:
        runs = list(
            pool.map(
                lambda n: (n, once(args, n, forever), (tmp_path / "x.yaml").unlink(missing_ok=True)),
                steps(total),
            )
        )
    if command == "align":
        assert all(r.status == tool.INTERNAL or r.out == whole.out for _, r, _ in runs)
    check(total, [(n, r) for n, r, _ in runs], whole.status)
    left = [p.name for p in out.rglob("*")] if out.exists() else []
    assert all(name.endswith((".onnx", ".bin", ".json")) for name in left), left


# Not here: lossless WebP, and TIFF with LZW, deflate or JPEG: libwebp 1.2.4 and libtiff 4.5.0 fall over failed allocations of their own.
PICTURES = {
    "x.png": ("P", {}),
    "x.bmp": ("P", {}),
    "x.ppm": ("RGB", {}),
    "x.jpg": ("RGB", {"progressive": True}),
    "cmyk.jpg": ("CMYK", {}),
    "x.webp": ("RGB", {"quality": 80}),
    "animation.webp": ("RGB", {"quality": 80, "frames": 2}),
    "x.tiff": ("RGB", {}),
    "palette.tiff": ("P", {}),
    "fax.tiff": ("1", {"compression": "group4"}),
}
PIPELINE = """steps:
  - decode: {library: opencv, reduce: 2, orientation: keep}
  - letterbox: {size: [9, 8], library: opencv}
  - BGR2RGB(data_format=HWC)
  - normalise: {divide: 255, mean: [0.4, 0.5, 0.6]}
  - layout: NCHW
"""


@pytest.mark.parametrize("forever", [False, True], ids=["one_fails", "all_later_fail"])
@pytest.mark.parametrize("name", PICTURES)
def test_failing_allocations_of_prep(tmp_path, name, forever):
    """A decoder that goes on without memory would give other pixels: what is written is right."""
    Image = pytest.importorskip("PIL.Image")
    mode, options = PICTURES[name]
    frames = [
        Image.linear_gradient("L").rotate(90 * i).resize((13, 10)).convert("RGB").convert(mode)
        for i in range(options.pop("frames", 1))
    ]
    more = {"save_all": True, "append_images": frames[1:]} if frames[1:] else {}
    (tmp_path / "in").mkdir()
    frames[0].save(tmp_path / "in" / name, **options, **more)
    (tmp_path / "p.yaml").write_text(PIPELINE)
    file = tmp_path / "out" / (name.split(".")[0] + ".npy")

    def prep(n):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        r = once(
            ["prep", tmp_path / "in", "--pipeline", tmp_path / "p.yaml", "-o", tmp_path / "out"], n, forever
        )
        return r, file.read_bytes() if file.exists() else None
    whole, want = prep(0)
    total = int(re.search(r"allocations: (\d+)", whole.err)[1])
    assert whole.status == tool.DONE and want
    runs = [(n, *prep(n)) for n in steps(total)]
    check(total, [(n, r) for n, r, _ in runs])
    assert all(made == want for _, r, made in runs if r.status == tool.DONE)
