"""vernier check --data: every finding of the table appears where it should, and not on data that are
right."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

import tool

sys.path.insert(0, str(tool.ROOT / "tests"))
import shared_models as sm  # noqa: E402

onnx = pytest.importorskip("onnx")
Image = pytest.importorskip("PIL.Image")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

H, W, N = 36, 48, 12
MEAN, SCALE = np.array([123.675, 116.28, 103.53]), np.array([0.01712475, 0.017507, 0.01742919])
PIXELS = {"input_type_train": "rgb", "input_layout_train": "NCHW", "input_type_rt": "rgb"}
NORM = {
    "norm_type": "data_mean_and_scale",
    "mean_value": "123.675 116.28 103.53",
    "scale_value": "0.01712475 0.017507 0.01742919",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    w = numpy_helper.from_array(
        np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32), "w"
    )
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    g = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")],
        "g",
        [info("x", [1, 3, H, W])],
        [info("y", [1, 4, H - 2, W - 2])],
        [w],
    )
    path = tmp_path_factory.mktemp("model") / "m.onnx"
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def picture(seed):
    """A smooth picture with coloured blobs, 0..255, H x W x 3."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:H, :W]
    p = np.full((H, W, 3), rng.uniform(60, 150, 3))
    for _ in range(7):
        blob = np.exp(-((x - rng.uniform(0, W)) ** 2 + (y - rng.uniform(0, H)) ** 2) / rng.uniform(20, 200))
        p += blob[..., None] * rng.uniform(-150, 150, 3)
    return np.clip(p + rng.normal(0, 2, p.shape), 0, 255).round().astype(np.uint8)


PICTURES = [picture(i) for i in range(N)]
GOOD = [p.transpose(2, 0, 1) for p in PICTURES]


class Set:
    """A configuration with raw files, or pictures."""

    def __init__(self, folder, model, data, kind="uint8", npy=False, inputs=None, given=None):
        self.folder, self.data = folder, folder / "data"
        self.data.mkdir(), (folder / "images").mkdir()
        for i, p in enumerate(PICTURES):
            Image.fromarray(p).save(folder / f"images/{i:02}.png")
        for i, x in enumerate(data):
            x = np.ascontiguousarray(x).astype(kind)
            np.save(self.data / f"{i:02}.npy", x) if npy else x.tofile(self.data / f"{i:02}.bin")
        self.config = sm.write_yaml(
            folder / "c.yaml",
            model,
            "generic",
            inputs={**PIXELS, **(inputs or {"norm_type": "no_preprocess"})},
            calibration={
                "cal_data_dir": f"'{self.data}'",
                "cal_data_type": f"'{given or kind}'",
                "calibration_type": "'max'",
            },
        )

    def check(self, *options, want=None):
        done = tool.run("check", "--data", "-c", self.config, "--json", *options, want=want)
        result = json.loads(done.out)
        assert (
            result["passed"]
            == (done.status == tool.DONE)
            == all(f["severity"] == "warning" for f in result["findings"])
        )
        return {f["finding"]: f["text"] for f in result["findings"]}


def changed(first, *others):
    """The good set with its first samples replaced."""
    new = [first, *others]
    return [np.asarray(x) for x in new] + GOOD[len(new):]


def twice(x):
    for _ in range(2):
        x = (x - MEAN[:, None, None]) * SCALE[:, None, None]
    return x


PLANE = np.ones((3, H, W))
HEADER = np.frombuffer(
    b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (3, 36, 48), }".ljust(128),
    np.uint8,
)
CASES = {  # finding: (data, type of files, more settings, part of the message)
    "npy_header": (
        [np.concatenate([HEADER, x.reshape(-1)])[: x.size] for x in GOOD],
        "float32",
        {},
        "numpy.load, not numpy.fromfile",
    ),
    "not_finite": (
        changed(np.where(np.arange(W) == 3, np.nan, GOOD[0].astype(float))),
        "float32",
        {},
        "1 of 12 samples contain infinite values or NaN (00.bin)",
    ),
    "minus_128": ([x.astype(int) - 128 for x in GOOD], "float32", {}, "pixel - 128"),
    "wrapped": ([x ^ 128 for x in GOOD], "uint8", {}, "int8 values (pixel - 128) are read as uint8"),
    "normalised": ([x / 255 for x in GOOD], "float32", {}, "range from 0 to 1: they are already normalized"),
    "layout": (PICTURES, "uint8", {}, "is NCHW, but its calibration data look like NHWC"),
    "scale_value": (
        GOOD,
        "uint8",
        {"inputs": {"norm_type": "data_scale", "scale_value": "4.3668 4.4643 4.4444"}},
        "divide by 255",
    ),
    "mean_value": (
        GOOD,
        "uint8",
        {"inputs": {"norm_type": "data_mean", "mean_value": "0.485 0.456 0.406"}},
        "multiply by 255",
    ),
    "dtype": (
        GOOD,
        "uint8",
        {"npy": True, "given": "float32"},
        "contains uint8, but cal_data_type is float32",
    ),
    "constant": (changed(PLANE * 7), "uint8", {}, "1 of 12 samples contain a single value (00.bin)"),
    "black": (
        changed(GOOD[0] % 9, GOOD[1] % 7),
        "uint8",
        {},
        "2 of 12 samples are nearly black (00.bin, 01.bin)",
    ),
    "all_black": ([x % 9 for x in GOOD], "uint8", {}, "every sample is black: no value exceeds 8 of 255"),
    "white": (changed(255 - GOOD[0] % 9), "uint8", {}, "are nearly white (00.bin)"),
    "over_exposed": (
        changed(np.where(np.arange(W) < 40, 255, GOOD[0] // 2)),
        "uint8",
        {},
        "are over-exposed",
    ),
    "duplicate": (changed(GOOD[5]), "uint8", {}, "1 of 12 samples are duplicates (00.bin"),
    "too_few": (GOOD[:4], "uint8", {}, "4 samples"),
}


@pytest.mark.parametrize("finding", CASES)
def test_finding(tmp_path, model, finding):
    data, kind, more, message = CASES[finding]
    found = Set(tmp_path, model, data, kind, **more).check()
    assert list(found) == [finding] and message in found[finding]


@pytest.mark.parametrize(
    "kind, npy, inputs",
    [("uint8", False, None), ("uint8", True, NORM), ("float32", False, NORM), ("float32", True, None)],
)
def test_good_data(tmp_path, model, kind, npy, inputs):
    s = Set(tmp_path, model, GOOD, kind, npy, inputs)
    assert s.check() == {} and s.check("--images", tmp_path / "images") == {}


def test_good_nhwc(tmp_path, model):
    """The model's layout is what the configuration says, so data in it are fine: only gray where the picture
    is."""
    gray = [np.repeat(x[:1], 3, 0) for x in GOOD]
    assert Set(tmp_path, model, gray).check() == {}


@pytest.mark.parametrize("shape", [(3, 1, 64), (3, 64, 1)])
def test_one_row_has_no_layout(tmp_path, shape):
    """Planes of one row: read as pixels, rows would look smoother. The bytes of int8 are still seen."""
    w = numpy_helper.from_array(np.random.default_rng(0).standard_normal((4, 3, 1, 1)).astype(np.float32),
                                "w")
    shapes = (("x", shape), ("y", (4, *shape[1:])))
    ends = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, *s])] for n, s in shapes]
    g = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"], "conv")], "g", *ends, [w])
    path = tmp_path / "row.onnx"
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    rows = [np.stack([p[5], p[9], p[13]])[:, :48, 0].repeat(2, 1)[:, :64].reshape(shape) for p in PICTURES]
    for name, data, want in ("good", rows, []), ("bad", [x ^ 128 for x in rows], ["wrapped"]):
        (tmp_path / name).mkdir()
        assert list(Set(tmp_path / name, path, data).check()) == want


def test_all_samples_of_nothing(tmp_path, model):
    assert list(Set(tmp_path, model, [PLANE * 0] * N).check()) == ["all_black"]


def test_axes_of_arrays(tmp_path, model):
    """Without axes of length 1, or flat: the same values in the same order; in another order: an error."""
    for k, x in enumerate((GOOD[0], GOOD[0][None], GOOD[0].reshape(-1), GOOD[0].transpose(1, 2, 0))):
        (tmp_path / str(k)).mkdir()
        found = Set(tmp_path / str(k), model, [x, *GOOD[1:]], npy=True).check()
        assert ("array of shape 36x48x3, expected 1x3x36x48" in found.get("unreadable", "")) == (k == 3)
        assert k == 3 or not found


def test_one_sample(tmp_path, model):
    data = Set(tmp_path, model, GOOD[:1])
    assert "1 sample; activation ranges" in data.check()["too_few"]
    assert "\n1 sample: passed" in tool.run("check", "--data", "-c", data.config, want=tool.DONE).out


@pytest.mark.parametrize(
    "data, kind, message",
    [
        (
            [GOOD[0][:, :5]] * 3,
            "uint8",
            r"00.bin: 720 bytes, expected 5184 .*\(and 2 other unusable files of input x",
        ),
        ([GOOD[0]] * 3, "float32", "of type float32 or int32, set cal_data_type"),
        ([GOOD[0]] * 3, "int16", "of type int16, set cal_data_type"),
    ],
)
def test_size(tmp_path, model, data, kind, message):
    found = Set(tmp_path, model, data, kind, given="uint8").check(want=tool.CHECK_FAILED)
    assert set(found) == {"unreadable", "too_few"} and re.search(message, found["unreadable"])


def test_size_of_the_type_that_is_set(tmp_path, model):
    """Four times too long as float32: that it is to be float32 is no advice."""
    found = Set(tmp_path, model, [np.stack([GOOD[0]] * 4)] * 3, "float32").check(want=tool.CHECK_FAILED)
    assert "00.bin: 82944 bytes, expected 20736" in found["unreadable"]
    assert "set cal_data_type" not in found["unreadable"]


def test_damaged_npy(tmp_path, model):
    s = Set(tmp_path, model, GOOD, npy=True)
    (s.data / "03.npy").write_bytes((s.data / "03.npy").read_bytes()[:-100])
    (s.data / "05.npy").write_bytes(b"\x93NUMPY\1\0")
    found = s.check(want=tool.CHECK_FAILED)
    assert (
        list(found) == ["unreadable"]
        and "03.npy" in found["unreadable"]
        and "1 other unusable files" in found["unreadable"]
    )


# ---- against the pictures ----

PICTURE_CASES = {
    "channel_order": ([x[::-1] for x in GOOD], "uint8", None, "set input_type_train: bgr"),
    "applied": ([x * 0.5 + 20 for x in GOOD], "float32", None, "0.5 * pixel +20"),
    "unlike": (
        GOOD[1:] + GOOD[:1],
        "uint8",
        None,
        "12 of 12 samples differ from the images of the same names",
    ),
}


@pytest.mark.parametrize("finding", PICTURE_CASES)
def test_finding_with_pictures(tmp_path, model, finding):
    data, kind, inputs, message = PICTURE_CASES[finding]
    s = Set(tmp_path, model, data, kind, inputs=inputs)
    assert s.check() == {}
    found = s.check("--images", tmp_path / "images")
    assert list(found) == [finding] and message in found[finding]


def test_mean_and_scale_applied_already_and_twice(tmp_path, model):
    for n, (finding, data) in enumerate(
        {
            "applied": [(x - MEAN[:, None, None]) * SCALE[:, None, None] for x in GOOD],
            "applied_twice": [twice(x) for x in GOOD],
        }.items()
    ):
        (tmp_path / str(n)).mkdir()
        s = Set(tmp_path / str(n), model, data, "float32", inputs=NORM)
        found = s.check("--images", tmp_path / str(n) / "images")
        assert (
            list(found) == ["normalised", finding]
            and ("a second time" if n == 0 else "already applied twice") in found[finding]
        )


def test_pictures_of_other_names(tmp_path, model):
    s = Set(tmp_path, model, GOOD)
    for i, p in enumerate(sorted((tmp_path / "images").iterdir())):
        p.rename(p.with_name(f"other{i}.png"))
    assert (
        "no image is named like a sample"
        in tool.run(
            "check", "--data", "-c", s.config, "--images", tmp_path / "images", want=tool.BAD_INPUT
        ).err
    )


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "uint8"])
def test_types_of_raw_files(tmp_path, model, kind):
    """The same values in float32 files give the same program."""
    made = []
    for name, of in ("a", kind), ("b", "float32"):
        (tmp_path / name).mkdir()
        data = [x // 2 for x in GOOD]  # within int8
        s = Set(tmp_path / name, model, data, of, inputs={"norm_type": "data_scale", "scale_value": "0.01"})
        tool.run("convert", "-c", s.config, "--log", "none", cwd=tmp_path / name, want=tool.DONE)
        made.append(onnx.load(next((tmp_path / name).rglob("*_quantized_model.onnx"))).graph)
    assert made[0] == made[1]


# ---- forms of the command, and conversion ----

def test_model_and_folder(tmp_path, model):
    s = Set(tmp_path, model, GOOD)
    result = json.loads(tool.run("check", model, tmp_path / "images", "--data", "--json", want=tool.DONE).out)
    assert result == {"samples": N, "passed": True, "findings": []}
    done = tool.run(
        "check", s.data, model, "--data", want=tool.CHECK_FAILED
    )  # raw uint8 is no float32 tensor
    assert "error (unreadable): " in done.out and "of type uint8 or int8, set cal_data_type" in done.out \
        and "12 samples: FAILED" in done.out


def test_tensors_in_another_layout(tmp_path, model):
    """Feature maps are judged by the shape alone."""
    for name, data, want in ("good", GOOD, tool.DONE), ("bad", PICTURES, tool.CHECK_FAILED):
        (tmp_path / name).mkdir()
        for i, x in enumerate(data):
            np.ascontiguousarray(x).astype(np.float32).tofile(tmp_path / name / f"{i}.bin")
        assert ("layout" in tool.run("check", model, tmp_path / name, "--data", want=want).out) == (
            name == "bad"
        )


def test_convert_stops_unless_told_otherwise(tmp_path, model):
    s = Set(tmp_path, model, PICTURES)
    args = ("convert", "-c", s.config, "--log", "none")
    done = tool.run(*args, want=tool.BAD_INPUT, cwd=tmp_path)
    assert re.search(
        r"c\.yaml:\d+:3: cal_data_dir: input x is NCHW, but its calibration data look like NHWC", done.err
    )
    assert not (tmp_path / "out/m.bin").exists()
    done = tool.run(*args, "--accept-data", want=tool.CHECK_FAILED, cwd=tmp_path)
    assert "the results cannot be trusted: " in done.err and (tmp_path / "out/m.bin").exists()


def test_convert_prints_warnings(tmp_path, model):
    s = Set(tmp_path, model, changed(GOOD[5]))
    done = tool.run("convert", "-c", s.config, "--log", "none", want=tool.DONE, cwd=tmp_path)
    assert "WARNING 1 of 12 samples are duplicates" in done.err and "cannot be trusted" not in done.err


def test_usage(tmp_path, model):
    for args in (("--data",), ("--data", model), ("-c", "x.yaml", model), ("--data", "-c", "x.yaml", model)):
        assert "usage: vernier check" in tool.run("check", *args, want=tool.USAGE).err
    (tmp_path / "empty").mkdir()
    assert "no files" in tool.run("check", model, tmp_path / "empty", "--data", want=tool.BAD_INPUT).err


def test_every_finding_is_listed_and_tested():
    out = subprocess.run([tool.BUILD / "vernier", "check", "--list"], capture_output=True, text=True).stdout
    names = [line.split()[0] for line in out.splitlines()[3:]]
    assert set(names) == {*CASES, *PICTURE_CASES, "unreadable", "applied_twice", "network_input", "manifest"}
    page = (tool.ROOT / "docs/eval.md").read_text()
    for line in out.splitlines()[3:]:
        assert "| `%s` | %s | %s |" % tuple(re.split(r"  +", line.strip())) in page, line


@pytest.mark.skipif(sm.missing() is not None, reason=str(sm.missing()))
def test_real_calibration_sets(tmp_path):
    """The pictures of every model give no finding; three are too few. Nor do arrays made of them, until their
    layout is exchanged."""
    for name, m in {**sm.MODELS, "segformer": sm.SEGMENTERS["segformer"]}.items():
        done = tool.run(
            "check",
            m.file,
            sm.flat_folder(m.calib(), tmp_path / name),
            "--data",
            "--json",
            want=tool.DONE,
            build=tool.BUILD,
        )
        found = [f["finding"] for f in json.loads(done.out)["findings"]]
        assert found == (["too_few"] if name == "fastestdet" else []), name
    m, width, height = sm.SEGMENTERS["segformer"], 256, 192
    for folder, axes, want in (
        ("chw", (2, 0, 1), []),
        ("hwc", (0, 1, 2), ["layout"]),
        ("wrapped", (2, 0, 1), ["wrapped"]),
    ):
        (tmp_path / folder).mkdir()
        for p in m.calib():
            np.ascontiguousarray(
                sm.picture_pixels(p, width, height).transpose(axes) ^ (128 if folder == "wrapped" else 0)
            ).tofile(tmp_path / folder / f"{p.stem}.bin")
        config = sm.write_yaml(
            tmp_path / f"{folder}.yaml",
            m.file,
            "generic",
            inputs={**PIXELS, **NORM},
            calibration={
                "cal_data_dir": f"'{tmp_path / folder}'",
                "cal_data_type": "'uint8'",
                "calibration_type": "'max'",
            },
        )
        done = tool.run(
            "check", "--data", "-c", config, "--images", m.calib()[0].parent, "--json", build=tool.BUILD
        )
        found = [f["finding"] for f in json.loads(done.out)["findings"]]
        assert found == want or (want and found[0] == want[0]), found
