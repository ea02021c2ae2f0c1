"""Damaged files of every kind through the build with sanitizers: a clear error that names the file, or a
correct result."""

import concurrent.futures
import io
import os
import pathlib
import re
import subprocess
import sys

import damage
import many_ops
import numpy as np
import pytest
import tool
from PIL import Image

sys.path.insert(0, str(tool.ROOT / "fuzz"))
import seeds  # noqa: E402
sys.path.insert(0, str(tool.ROOT / "tests/op"))
import backend  # noqa: E402

COPIES = 100


def outcome(path, want_files, *args, named=None, **more):
    """One run on a damaged file; no crash, a message that names the file (or `named`), and no temporary file
    left."""
    done = tool.run(*args, want=(0, 1, 2, 3), **more)
    left = [p for p in want_files.rglob("*") if p.is_file()] if want_files.exists() else []
    assert not [p for p in left if p.suffix not in (".npy", ".onnx", ".bin", ".txt", ".log", ".json")], (
        left
    )  # NAME.XXXXXX is a temporary file
    if done.status > 1:
        assert path.name in done.err or (named and re.search(named, done.err)), (
            f"the message does not name the file: {done}"
        )
        assert len(done.err) < 4000
    return done.status


def all_outcomes(jobs):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        statuses = [f.result() for f in [pool.submit(outcome, *j[0], **j[1]) for j in jobs]]
    print({s: statuses.count(s) for s in sorted(set(statuses))})
    return statuses


def write(folder, i, suffix, data):
    folder.mkdir(exist_ok=True)
    path = folder / f"damaged_{i}{suffix}"
    path.write_bytes(data)
    return path


def test_onnx(digits, tmp_path):
    jobs = []
    for i, data in enumerate(damage.copies(digits.model.read_bytes(), COPIES, "onnx")):
        path = write(tmp_path / "in", i, ".onnx", data)
        jobs.append(((path, tmp_path / "none", "check", path), {}))
    statuses = all_outcomes(jobs)
    assert statuses.count(3) >= COPIES // 3  # the truncated ones at least


@pytest.mark.parametrize("stage", ["original_float", "quantized"])
def test_onnx_of_our_own(digits, tmp_path, stage):
    """The preprocessing function and quantized tensors have readers of their own."""
    jobs = []
    for i, data in enumerate(damage.copies(digits.stage(stage).read_bytes(), COPIES, stage)):
        path = write(tmp_path / "in", i, ".onnx", data)
        jobs.append(((path, tmp_path / "none", "run", path, "--input", digits.picture), {}))
    all_outcomes(jobs)


def test_yaml(digits, tmp_path):
    text = tool.YAML.format(model=digits.model, out="out", data=digits.calib).encode()
    jobs = []
    for i, data in enumerate(damage.text_copies(text, COPIES, "yaml")):
        folder = tmp_path / str(i)
        folder.mkdir()
        path = write(folder, i, ".yaml", data)
        jobs.append(
            (
                (path, folder / "out", "convert", "-c", path, "--log", "none"),
                {"cwd": folder, "named": r"vernier convert: \S*dig\S*: "},
            )
        )  # a damaged path in it: that one is named
    assert all_outcomes(jobs).count(3) > COPIES // 4


def test_bin(digits, tmp_path):
    jobs = []
    for i, data in enumerate(damage.copies(digits.bin.read_bytes(), COPIES, "bin")):
        path = write(tmp_path / "in", i, ".bin", data)
        out = tmp_path / f"out{i}"
        jobs.append(((path, out, "run", path, "--input", digits.picture, "--output-dir", out), {}))
    assert all_outcomes(jobs) == [tool.BAD_INPUT] * COPIES  # the checksum sees every change


def test_the_checksum_is_the_one_of_the_format(digits):
    data = digits.bin.read_bytes()
    assert damage.repaired(data) == data


@pytest.mark.parametrize("kind", ["bits", "words"])
def test_bin_with_a_repaired_checksum(digits, tmp_path, kind):
    data, jobs = digits.bin.read_bytes(), []
    for i, bad in enumerate(
        (damage.copies if kind == "bits" else damage.bin_copies)(data, COPIES, "repaired")
    ):
        path = write(tmp_path / "in", i, ".bin", damage.repaired(bad))
        out = tmp_path / f"out{i}"
        jobs.append(((path, out, "run", path, "--input", digits.picture, "--output-dir", out), {}))
    assert all_outcomes(jobs).count(3) >= COPIES // 3


@pytest.mark.parametrize("command", ["info", "verify"])
def test_bin_with_a_repaired_checksum_in_other_commands(digits, tmp_path, command):
    jobs = []
    for i, bad in enumerate(damage.bin_copies(digits.bin.read_bytes(), COPIES, command)):
        path = write(tmp_path / "in", i, ".bin", damage.repaired(bad))
        args = (
            ["info", path]
            if command == "info"
            else ["verify", digits.stage("quantized"), path, "--random", "1"]
        )
        jobs.append(((path, tmp_path / "none", *args), {}))
    all_outcomes(jobs)


ORIGIN = b"train=gray layout_train=NCHW rt=gray layout_rt=NCHW range=regular"


@pytest.mark.parametrize(
    "text",
    [
        "train=rgb rt=rgb layout_train=NCHW layout_rt=NCHW",
        "train=rgb rt=nv12 layout_train=NHWC layout_rt=NCHW",
    ],
)
@pytest.mark.parametrize("kind", ["bin", "onnx"])
def test_wrong_image_kind_in_the_metadata(digits, tmp_path, kind, text):
    """Says that the gray input has three channels: buffers must not be sized by one and filled by the
    other."""
    source = digits.bin if kind == "bin" else digits.stage("quantized")
    data = source.read_bytes()
    assert data.count(ORIGIN) == 1
    bad = data.replace(ORIGIN, text.encode().ljust(len(ORIGIN)))
    path = write(tmp_path, 0, source.suffix, damage.repaired(bad) if kind == "bin" else bad)
    for args in ([], ["--input", digits.picture]):
        done = tool.run("run", path, *args, want=tool.BAD_INPUT)
        assert f"{path}: input image of shape" in done.err and "as the file declares" in done.err


def picture_files(tmp_path, kind, suffix, data, digits):
    jobs = []
    for i, bad in enumerate(damage.copies(data, COPIES, kind)):
        path = write(tmp_path / "in", i, suffix, bad)
        out = tmp_path / f"out{i}"
        jobs.append(((path, out, "run", digits.bin, "--input", path, "--output-dir", out), {}))
    return jobs


def test_npy(digits, tmp_path):
    f = io.BytesIO()
    np.save(f, np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8))
    assert all_outcomes(picture_files(tmp_path, "npy", ".npy", f.getvalue(), digits)).count(3) >= COPIES // 3


@pytest.mark.parametrize(
    "kind,options",
    [
        ("jpg", {"format": "JPEG"}),
        ("jpg", {"format": "JPEG", "progressive": True}),
        ("png", {"format": "PNG"}),
    ],
)
def test_pictures(digits, tmp_path, kind, options):
    f = io.BytesIO()
    Image.open(digits.picture).resize((16, 16)).save(f, **options)
    assert (
        all_outcomes(picture_files(tmp_path, str(options), "." + kind, f.getvalue(), digits)).count(3)
        >= COPIES // 4
    )


def test_damaged_calibration_picture_stops_the_conversion(digits, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    good = digits.picture.read_bytes()
    (data / "0.png").write_bytes(good)
    (data / "1.png").write_bytes(good[:60])
    done = tool.run(
        "convert",
        "-c",
        digits.write_yaml(tmp_path / "x.yaml", tmp_path / "out", data),
        "--log",
        "none",
        want=tool.BAD_INPUT,
    )
    assert "1.png: damaged PNG" in done.err
    assert not (tmp_path / "out/digits.bin").exists()


@pytest.mark.parametrize("what", ["folder", "empty", "fifo", "missing", "device"])
@pytest.mark.parametrize("suffix", [".onnx", ".bin", ".npy", ".png", ".yaml"])
def test_no_plain_file(digits, tmp_path, what, suffix):
    path = tmp_path / f"odd{suffix}"
    if what == "folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    args = {
        ".onnx": ["check", path],
        ".bin": ["run", path],
        ".yaml": ["convert", "-c", path, "--log", "none"],
    }.get(suffix, ["run", digits.bin, "--input", path])
    done = tool.run(*args, want=tool.BAD_INPUT)
    assert f"odd{suffix}" in done.err


# ---- the fuzz targets on their corpus and damaged copies of it ----

REPLAYED = {
    "config": 600,
    "npy": 600,
    "jpeg": 300,
    "png": 300,
    "bmp": 600,
    "pnm": 600,
    "webp": 300,
    "tiff": 600,
    "pipeline": 1500,
    "onnx_reader": 300,
    "onnx_passes": 300,
    "bin": 1500,
    "caffe_reader": 1500,
    "trace": 600,
    "coco": 900,
    "result": 1500,
    "pack": 1500,
    "task": 600,
}


@pytest.fixture(scope="module")
def corpus(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    seeds.write(folder, digits.out)
    seeds.write(folder, many_ops.convert(tmp_path_factory.mktemp("many")))
    backend.programs(folder / "bin", tool.BUILD / "tests/onnxbin")
    return folder


def caffe_copies(data, n, seed):
    """The text damaged as a text, and all of it as bytes."""
    text, weights = data.split(b"\0", 1)
    yield from (t.replace(b"\0", b"") + b"\0" + weights for t in damage.text_copies(text, n - n // 3, seed))
    yield from damage.copies(data, n // 3, seed)


def coco_copies(data, n, seed):
    """Annotations or detections damaged as texts."""
    annotations, detections = data.split(b"\0")
    yield from (
        t.replace(b"\0", b"") + b"\0" + detections for t in damage.text_copies(annotations, n // 2, seed)
    )
    yield from (annotations + b"\0" + t for t in damage.text_copies(detections, n - n // 2, seed))


@pytest.mark.parametrize("target", REPLAYED)
def test_fuzz_target(corpus, tmp_path, target):
    files = sorted((corpus / target).iterdir())
    assert files
    for k, source in enumerate(list(files)):
        data = source.read_bytes()
        make = {
            "config": damage.text_copies,
            "pipeline": damage.text_copies,
            "task": damage.text_copies,
            "bin": damage.bin_copies,
            "caffe_reader": caffe_copies,
            "coco": coco_copies,
        }.get(target, damage.copies)
        for i, bad in enumerate(make(data, REPLAYED[target] // len(files) + 1, f"{target}.{k}")):
            files.append(write(tmp_path, f"{k}_{i}", source.suffix, bad))
    program = pathlib.Path(tool.SANITIZED / f"tests/fuzz_{target}")
    done = subprocess.run(
        [program, *map(str, files)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=600,
        env={**os.environ, **tool.SANITIZER_OPTIONS},
    )
    assert done.returncode == 0, done.stderr[-6000:]
