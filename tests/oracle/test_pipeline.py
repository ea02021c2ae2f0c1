"""Pipelines (src/image/steps.c) through `vernier prep`, against the libraries whose rules the steps name."""
import json

import numpy as np
import pytest
import tool
from pictures import noise

Image = pytest.importorskip("PIL.Image")
cv2 = pytest.importorskip("cv2")
simplejpeg = pytest.importorskip("simplejpeg")

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(5)
    (tmp_path / "in").mkdir()
    for i, (h, w) in enumerate([(60, 80), (91, 47), (50, 50)]):
        Image.fromarray(noise(rng, h, w)).save(tmp_path / "in" / f"{i}.png")
    return tmp_path


def prep(folder, pipeline, *more, want=0):
    if "\n" in pipeline:
        (folder / "p.yaml").write_text(pipeline)
        pipeline = folder / "p.yaml"
    return tool.run("prep", folder / "in", "--pipeline", pipeline, "-o", folder / "out", *more, want=want)


def test_named_images(folder):
    """The first word of each line, in this order; a list of boxes names an image once for each box."""
    (folder / "list.txt").write_text("2.png 5 5 9 9\n0.png 1 1 2 2\n2.png 3 3 4 4\n")
    prep(folder, "resize 8 8", "--names", folder / "list.txt")
    made = json.loads((folder / "out/manifest.json").read_text())["files"]
    assert sorted(f["source"] for f in made.values()) == ["0.png", "2.png"]
    (folder / "list.txt").write_text("7.png\n")
    said = prep(folder, "resize 8 8", "--names", folder / "list.txt", want=tool.BAD_INPUT)
    assert "names 7.png, which is not an image of" in said.err


def opencv(path):
    x = cv2.resize(cv2.imread(str(path)), (40, 32))
    x = (cv2.cvtColor(x, cv2.COLOR_BGR2RGB).astype(np.float32) / np.float32(255) - MEAN) / STD
    return x.transpose(2, 0, 1)[None]


def letterbox(path):
    x = cv2.imread(str(path))
    h, w = x.shape[:2]
    r = min(64 / w, 64 / h)
    nw, nh = round(w * r), round(h * r)
    x = cv2.resize(x, (nw, nh))
    left, top = round((64 - nw) / 2 - 0.1), round((64 - nh) / 2 - 0.1)
    return cv2.copyMakeBorder(
        x, top, 64 - nh - top, left, 64 - nw - left, cv2.BORDER_CONSTANT, value=(114, 114, 114)
    )


def pillow(path):
    im = Image.open(path).convert("RGB")
    w, h = im.size
    size = (24, 24 * h // w) if w <= h else (24 * w // h, 24)
    im = im.resize(size, Image.BICUBIC)
    x, y = (round((s - 20) / 2) for s in im.size)
    return np.asarray(im.crop((x, y, x + 20, y + 20)))


CASES = {
    "opencv": (
        """steps:
  - decode: {library: opencv}
  - resize: {size: [40, 32], library: opencv}
  - colour: rgb
  - normalise: {divide: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
  - layout: NCHW
""",
        opencv,
    ),
    "letterbox": (
        """- decode: {library: opencv}
- letterbox: {size: 64, library: opencv, position: center_round}
""",
        letterbox,
    ),
    "pillow": ("short_side 24 interpolation=bicubic version=13; center_crop 20", pillow),
    "transformers": (
        "short_side 24 interpolation=bicubic version=13; center_crop 20; HWC2CHW; BGR2RGB('CHW'); F32ToU8",
        lambda p: pillow(p).transpose(2, 0, 1)[::-1],
    ),
    "numbers of many digits": (
        "- warp: {matrix: [0.123456789012345, 0.1, 7, 0.3333333333333333, 1.7, -20.123456789], size: [30, 20], inverse: true, version: 4.13}\n",
        lambda p: cv2.warpAffine(
            np.asarray(Image.open(p).convert("RGB")),
            np.array([[0.123456789012345, 0.1, 7], [0.3333333333333333, 1.7, -20.123456789]]),
            (30, 20),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        ),
    ),
    "quotes": (
        'short_side 24 interpolation=bicubic version=13; center_crop 20; HWC2CHW; BGR2RGB("CHW"); F32ToU8',
        lambda p: pillow(p).transpose(2, 0, 1)[::-1],
    ),
    "transformers in YAML": (
        """- short_side: {size: 24, interpolation: bicubic, version: 13}
- center_crop: 20
- MeanTransformer: {means: [1, 2, 3], data_format: HWC}
- ScaleTransformer(0.5)
""",
        lambda p: (pillow(p).astype(np.float32) - np.float32([1, 2, 3])) * np.float32(0.5),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_against_the_library(folder, name):
    pipeline, theirs = CASES[name]
    prep(folder, pipeline)
    for path in sorted((folder / "in").iterdir()):
        got, want = np.load(folder / "out" / f"{path.stem}.npy"), theirs(path)
        assert got.dtype == want.dtype and np.array_equal(got, want), f"{path.name}: {got.shape} {want.shape}"


@pytest.mark.parametrize("name", CASES)
def test_the_shown_text_is_the_same_pipeline(folder, name):
    prep(folder, CASES[name][0])
    before = {p.name: p.read_bytes() for p in (folder / "out").glob("*.npy")}
    shown = prep(folder, CASES[name][0], "--show").out
    for p in (folder / "out").iterdir():
        p.unlink()
    prep(folder, shown)
    assert {p.name: p.read_bytes() for p in (folder / "out").glob("*.npy")} == before
    assert prep(folder, shown, "--show").out == shown


def test_a_text_says_all_digits_and_no_step(folder):
    assert "0.123456789012345," in prep(folder, CASES["numbers of many digits"][0], "--show").out
    assert prep(folder, ";", "--show").out == prep(folder, "steps: []\n", "--show").out == "steps: []\n"


def fast(path):
    return simplejpeg.decode_jpeg(path.read_bytes(), fastdct=True, fastupsample=True)


def draft(path):
    image = Image.open(path)
    image.draft(None, (20, 15))
    return np.asarray(image.convert("RGB"))


DECODED = {
    "decode pillow dct=ifast upsampling=simple": fast,
    "- decode: {dct: ifast, upsampling: simple}\n": fast,
    "decode dct=float": None,
    "decode upsampling=simple": lambda p: simplejpeg.decode_jpeg(p.read_bytes(), fastupsample=True),
    "decode opencv reduce=4": lambda p: cv2.imread(str(p), cv2.IMREAD_REDUCED_COLOR_4),
    "decode opencv reduce=8 order=gray": lambda p: cv2.imread(str(p), cv2.IMREAD_REDUCED_GRAYSCALE_8),
    "decode pillow draft=20,15": draft,
    "- decode: {draft: [20, 15]}\n": draft,
}


@pytest.mark.parametrize("pipeline", DECODED)
def test_how_jpegs_are_decoded(folder, pipeline):
    for path in (folder / "in").iterdir():
        Image.open(path).save(path.with_suffix(".jpg"), subsampling=2)
        path.unlink()
    prep(folder, prep(folder, pipeline, "--show").out)
    plain = []
    for path in sorted((folder / "in").iterdir()):
        got, as_usual = np.load(folder / "out" / f"{path.stem}.npy"), np.asarray(Image.open(path))
        plain.append(np.array_equal(got, as_usual))
        if DECODED[pipeline]:
            assert np.array_equal(got.squeeze(), DECODED[pipeline](path)), path.name
        else:  # nobody in Python offers it
            assert 0 < np.abs(got.astype(int) - as_usual).max() <= 3
    assert not any(plain)


def test_nv12_is_real_subsampling(folder):
    prep(folder, "resize 32 32; yuv yuv444 layout=nv12; dtype int8 minus_128=true")
    x = np.load(folder / "out/0.npy").astype(int)
    uv = x[:, :, 1:]
    assert np.array_equal(uv[0::2, 0::2], uv[1::2, 1::2]) and len(np.unique(uv)) > 4
    assert not np.array_equal(x[0::2, 0::2, 0], x[1::2, 1::2, 0])


def test_resumes_and_repairs(folder):
    pipeline = "resize 20 20"
    assert "out: 3 written, 0 already up to date" in prep(folder, pipeline).out
    manifest = json.loads((folder / "out/manifest.json").read_text())
    assert (
        sorted(manifest["files"]) == ["0.npy", "1.npy", "2.npy"]
        and manifest["files"]["0.npy"]["source"] == "0.png"
    )
    want = (folder / "out/1.npy").read_bytes()
    (folder / "out/1.npy").write_bytes(want[:-5])  # damaged
    Image.open(folder / "in/0.png").rotate(90).save(folder / "in/2.png")  # another picture
    assert json.loads(prep(folder, pipeline, "--json").out)["kept"] == 1
    assert "out: 0 written, 3 already up to date" in prep(folder, pipeline).out
    assert (folder / "out/1.npy").read_bytes() == want
    assert json.loads(prep(folder, "resize 20 21", "--json").out)["kept"] == 0


def test_names_that_json_cannot_hold(folder):
    import os
    os.rename(folder / "in/0.png", os.fsencode(folder / "in") + b"/\xff.png")
    assert "not UTF-8" in prep(folder, "resize 20 20", want=3).err


@pytest.mark.parametrize(
    "more", [["--threads", "3"], ["--cpumask", "0"], ["--cpumask", "avx2"]], ids=" ".join
)
def test_threads_and_cpus_change_nothing(folder, more):
    prep(folder, "resize 20 20")
    one = {p.name: p.read_bytes() for p in (folder / "out").iterdir()}
    for p in (folder / "out").iterdir():
        p.unlink()
    prep(folder, "resize 20 20", *more)
    assert {p.name: p.read_bytes() for p in (folder / "out").iterdir()} == one


def test_raw_bytes(folder):
    prep(folder, "resize 20 10", "--format", "bin")
    assert (folder / "out/0.bin").stat().st_size == 600


@pytest.mark.parametrize(
    "pipeline,message",
    [
        ("resice 3 3", "unknown step 'resice' (did you mean 'resize'?); expected"),
        ("resize", "size is missing; expected 1 to 2 integers from 1 to 16384"),
        ("resize 0 5", "got '0'"),
        ("resize 5 5 5", "got '3 values'"),
        ("resize 5 5 libary=opencv", "did you mean 'library'?"),
        ("resize 5 5 library=cv2", "expected opencv|pillow|skimage|torchvision, got 'cv2'"),
        ("resize 5 5 interpolation=area", "pillow has no interpolation 'area'"),
        ("resize 5 5; decode", "must be the first step"),
        ("MeanTransformer(1", "expected NAME"),
        ("colour violet", "expected rgb|bgr|gray"),
        (
            "steps:\n  - resize: {size: 5}\n  - crop: {box: [1, 2, 3]}\n",
            "p.yaml:3: step crop: box: expected 4 integers",
        ),
        ("steps:\n  - resize: {size: 5}\n    crop: 3\n", "p.yaml:3: expected one step in each entry"),
        ("- resize: {size: 5, size: 6}\n", "p.yaml:1: step resize: duplicate parameter size"),
        ("pipes:\n- a\n", "expected steps:"),
        ("- resize: {size: [[1]]}\n", "expected a list of scalars"),
        ("- {\n", "not YAML"),
        ("- resize: &a 5\n- resize: *a\n", "aliases"),
        ("- crop: [0, 0, 70, 70]\n- center_crop: 5\n", "p.yaml:1: crop of 70 x 70"),
        ("- MeanTransformr: 5\n", "did you mean 'MeanTransformer'?"),
        ("- ' '\n", "without a name"),
        ("- resize: 5\n- pad: {border: [1,1,1,1], stage: resize}\n", "duplicate stage"),
        ("- resize: [1,2,3,4,5,6,7,8,9]\n", "expected a list of at most 8 values"),
        ("- swap: {stage: ../x}\n", "step swap: stage: expected letters, digits, '_', '.', '-', got '../x'"),
        ("- swap: {stage: [a, b]}\n", "got 'a list'"),
        ("resize 5 5 version='12'", "version: expected letters"),
        ("normalise times=2 divide=3", "expected one of divide and times, got both"),
        ("decode reduce=3", "reduce: expected 1|2|4|8, got '3'"),
        ("decode dct=fast", "dct: expected library|islow|ifast|float, got 'fast'"),
        ("pad_multiple 0", "multiple: expected 1 integers from 1 to 16384"),
        ("resize 9 rounding=up", "rounding: expected round|floor|ceil, got 'up'"),
        (
            "resize 1 rule=scale multiple=64",
            "0.png: size rule scale: an image of 80 x 60 would become 64 x 0",
        ),
        ("decode reduce=2 draft=9", "expected one of reduce and draft, got both"),
        ("decode draft=0", "draft: expected 1 to 2 integers"),
    ],
)
def test_mistakes(folder, pipeline, message):
    assert message in prep(folder, pipeline, want=3).err


def test_convert_and_run_take_a_file(digits, tmp_path):
    """A pipeline file in the configuration, found beside it, gives what the same steps in short form give."""
    steps, out = {}, {}
    (tmp_path / "p.yaml").write_text(
        "steps:\n  - resize: {size: [8, 8]}\n  - normalise: {divide: 255}\n"
    )  # normalise: the network's own
    for name, text in ("short", "resize 8 8"), ("file", "p.yaml"):
        config = digits.write_yaml(tmp_path / f"{name}.yaml", tmp_path / name)
        config.write_text(
            config.read_text().replace(
                "  preprocess_on: True", f"  preprocess_on: True\n  pipeline: '{text}'"
            )
        )
        tool.run("convert", "-c", config, "--log", "none", want=0)
        out[name] = (tmp_path / name / "digits_calibrated_model.onnx").read_bytes()
        steps[name] = tool.run(
            "run",
            tmp_path / name / "digits.bin",
            "-i",
            digits.picture,
            "--pipeline",
            text,
            cwd=tmp_path,
            want=0,
        ).out
    assert steps["short"] == steps["file"]
    for name in steps:
        golden(
            json.loads(tool.run("info", tmp_path / name / "digits.bin", "--json", want=0).out)["meta"],
            digits,
            tmp_path,
        )


def golden(meta, digits, tmp_path):
    """What an artefact says of its pipeline can be run again, and gives the picture that it names."""
    import sys
    sys.path.insert(0, str(tool.ROOT / "tools"))
    import bindump
    name, digest = meta["pipeline.golden_input"].split()
    assert f"{bindump.file_hash((digits.calib / name).read_bytes()):016x}" == digest
    (tmp_path / "again.yaml").write_text(meta["pipeline"])
    steps = tool.run("prep", "--pipeline", tmp_path / "again.yaml", "--show", want=0).out
    (tmp_path / "pixels.yaml").write_text(
        "".join(line + "\n" for line in steps.splitlines() if "normalise" not in line)
    )
    tool.run("prep", digits.calib, "--pipeline", tmp_path / "pixels.yaml", "-o", tmp_path / "golden", want=0)
    x = np.load(tmp_path / "golden" / (name.rsplit(".", 1)[0] + ".npy"))
    want = np.asarray(Image.open(digits.calib / name).convert("RGB").resize((8, 8), Image.BILINEAR))
    assert np.array_equal(x, want)
    shape, _, _, digest, _, middle = meta["pipeline.golden_output"].replace(",", "").split()
    assert (
        shape == "8x8x3"
        and middle == x[2:6, 2:6].tobytes().hex()
        and digest == f"{bindump.file_hash(x.tobytes()):016x}"
    )
