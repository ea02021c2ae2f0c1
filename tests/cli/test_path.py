"""The way of a user from command to command: each takes what the one before wrote."""
import json

import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
Image = pytest.importorskip("PIL.Image")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

H, W, N = 24, 32, 12
STEPS = "decode opencv; resize 32 24"
FEATURES = "; normalise divide=255 mean=0.5 std=0.25; layout NCHW"


def picture(seed):
    """A smooth image with coloured blobs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:H + 8, :W + 8]
    p = np.full((H + 8, W + 8, 3), rng.uniform(60, 150, 3))
    for _ in range(7):
        blob = (x - rng.uniform(0, W)) ** 2 + (y - rng.uniform(0, H)) ** 2
        p += np.exp(-blob / rng.uniform(20, 200))[..., None] * rng.uniform(-150, 150, 3)
    return np.clip(p + rng.normal(0, 2, p.shape), 0, 255).round().astype(np.uint8)


def info(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def save(path, nodes, inputs, outputs, weights=None):
    stored = [numpy_helper.from_array(np.asarray(v), k) for k, v in (weights or {}).items()]
    g = helper.make_graph(nodes, "g", inputs, outputs, stored)
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


class Way:
    """A folder with a model of one image input, images and a configuration."""

    def __init__(self, folder):
        self.folder, self.images, self.out = folder, folder / "images", folder / "out"
        self.images.mkdir()
        for i in range(N):
            Image.fromarray(picture(i)).save(self.images / f"{i:02}.png")
        w = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
        self.model = save(folder / "m.onnx", [helper.make_node("Conv", ["x", "w"], ["y"], "conv")],
                          [info("x", [1, 3, H, W])], [info("y", [1, 4, H - 2, W - 2])], {"w": w})

    def prep(self, steps, *options, want=tool.DONE):
        out = self.folder / "data"
        return tool.run("prep", self.images, "--pipeline", steps, "-o", out, *options, want=want)

    def configure(self, kind="bgr", data=None, name="c.yaml", model=None, inputs="",
                  **calibration):
        path = self.folder / name
        norm = "norm_type: 'data_mean_and_scale'\n  mean_value: 127.5\n  scale_value: 0.0157"
        lines = [f"  {k}: {v}" for k, v in calibration.items()]
        path.write_text("\n".join((
            "model_parameters:", f"  onnx_model: '{model or self.model}'", "  output_model_file_prefix: 'm'",
            f"  working_dir: '{self.out}'", "input_parameters:", f"  input_type_train: '{kind}'",
            f"  input_type_rt: '{kind}'", "  input_layout_train: 'NCHW'",
            f"  {norm if kind != 'featuremap' else 'norm_type: no_preprocess'}", inputs,
            "calibration_parameters:", f"  cal_data_dir: '{data or self.folder / 'data'}'",
            "  calibration_type: 'max'", *lines)) + "\n")
        return path

    def convert(self, yaml, *options, want=tool.DONE):
        return tool.run("convert", "-c", yaml, "--log", "none", *options, want=want)

    def stage(self, name):
        return self.out / f"m_{name}_model.onnx"


@pytest.fixture
def way(tmp_path):
    return Way(tmp_path)


def findings(yaml, want):
    return {f["finding"]: f["text"] for f in json.loads(
        tool.run("check", "--data", "-c", yaml, "--json", want=want).out)["findings"]}


# ---- prep ----

@pytest.mark.parametrize("kind", ["npy", "bin"])
def test_what_prep_writes_is_calibration_data(way, kind):
    way.prep(STEPS + "; layout NCHW", "--format", kind)
    yaml = way.configure(cal_data_type="'uint8'")
    assert "12 samples: passed" in tool.run("check", "--data", "-c", yaml, want=tool.DONE).out
    way.convert(yaml)
    tool.run("verify", way.stage("quantized"), way.out / "m.bin", want=tool.DONE)
    about = json.loads(tool.run("info", way.out / "m.bin", "--json", want=tool.DONE).out)
    assert "decode" in json.dumps(about) and "layout" in json.dumps(about)  # how the data were made
    assert "12 samples: passed" in tool.run("check", way.model, way.folder / "data", "--data").out


def test_align_knows_what_prep_did(way):
    """The data of the configuration are not what a plain resize would give."""
    way.prep("decode opencv; center_crop 32 24; layout NCHW")
    yaml = way.configure(cal_data_type="'uint8'")
    x = np.load(way.folder / "data/00.npy").reshape(1, 3, H, W)
    np.save(way.folder / "t.npy", ((x - 127.5) * 0.0157).astype(np.float32))
    done = tool.run("align", "--yaml", yaml, "--model", way.model, "--image", way.images / "00.png",
                    "--reference", way.folder / "t.npy", want=tool.DONE)
    assert done.out.split() == ["input", "aligned"]


@pytest.mark.parametrize("steps,kind,keys,text", [
    (STEPS, "bgr", {}, "wrote 00.bin with shape 24x32x3; add 'layout NCHW' to its pipeline"),
    ("decode opencv; resize 30 24; layout NCHW", "bgr", {}, "shape 1x3x24x32, but prep wrote 00.bin"),
    ("resize 32 24; layout NCHW", "bgr", {}, "00.bin in rgb; set input_type_train: rgb, or add 'colour bgr'"),
    (STEPS + FEATURES, "bgr", {"cal_data_type": "'float32'"}, "of prep contains the step normalise"),
    (STEPS + FEATURES, "featuremap", {}, "00.bin with float32 values; set cal_data_type: float32"),
])
def test_the_manifest_against_the_configuration(way, steps, kind, keys, text):
    way.prep(steps, "--format", "bin")
    yaml = way.configure(kind, **{"cal_data_type": "'uint8'", **keys})
    assert text in findings(yaml, tool.CHECK_FAILED)["manifest"]
    done = way.convert(yaml, want=tool.BAD_INPUT)
    assert ":3: cal_data_dir: " in done.err and text in done.err and "manifest.json" in done.err


def test_a_manifest_of_another_program_is_no_data(way):
    way.prep(STEPS + "; layout NCHW")
    bad = '{"pipeline": "steps: [nonsense]", "files": {"00.npy": {"shape": [1e99]}}}'
    for text in ("{}", "not JSON", bad):
        (way.folder / "data/manifest.json").write_text(text)
        assert "manifest" not in findings(way.configure(), tool.DONE)


# ---- convert ----

def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


LATE = {"data": "shape 1x3x24x32", "node": "unknown node 'nothing'",
        "folder": "m.bin: cannot write: is a folder", "march": "'nothing'"}


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("why", LATE)
def test_a_conversion_that_fails_leaves_what_was_there(way, why, earlier):
    way.prep(STEPS + "; layout NCHW")
    if earlier:
        way.convert(way.configure())
    if why == "data":
        np.save(way.folder / "data/05.npy", np.zeros((3, 20, 20), np.uint8))
    if why == "folder":
        (way.out / "m.bin").unlink(missing_ok=True)
        (way.out / "m.bin/sub").mkdir(parents=True)
    before = contents(way.out)
    bad = way.configure(name="bad.yaml", **({"run_on_cpu": "nothing"} if why == "node" else {}))
    if why != "folder":
        more = "march: 'nothing'" if why == "march" else "debug_mode: 'dump_calibration_data'"
        bad.write_text(bad.read_text().replace("model_parameters:", f"model_parameters:\n  {more}"))
    done = way.convert(bad, want=tool.BAD_INPUT)
    assert LATE[why] in done.err
    after = contents(way.out) if way.out.exists() else {}
    fail = [p for p in after if p not in before]
    assert {k: v for k, v in after.items() if k in before} == before
    # what is wrong with the configuration or the data ends it before a stage is written
    assert [str(p) for p in fail] == (["m_fail.onnx"] if why == "folder" else [])
    assert not list(way.out.glob(".*"))
    for p in fail:
        onnx.checker.check_model(onnx.load(way.out / p))
        tool.run("run", way.out / p, want=tool.DONE)


def test_success_removes_the_file_of_a_failure(way):
    way.prep(STEPS + "; layout NCHW")
    way.out.mkdir()
    (way.out / "m_fail.onnx").write_bytes(b"old")
    way.convert(way.configure())
    assert len(contents(way.out)) == 6


# ---- images for a feature map ----

@pytest.mark.parametrize("made_by", ["configuration", "prep"])
def test_images_for_a_feature_map(way, made_by):
    """Calibrated with images and steps, all artefacts take images, by the same steps; or by those given."""
    if made_by == "prep":
        way.prep(STEPS + FEATURES)
        yaml = way.configure("featuremap", cal_data_type="'float32'")
    else:
        yaml = way.configure("featuremap", data=way.images, preprocess_on="True",
                             pipeline=f"'{STEPS + FEATURES}'")
    assert "12 samples: passed" in tool.run("check", "--data", "-c", yaml, want=tool.DONE).out
    way.convert(yaml)
    want = np.stack([steps(i) for i in range(N)])
    image, given = way.images / "03.png", ("--pipeline", STEPS + FEATURES)
    for model, more in ((way.stage("original_float"), ()), (way.stage("quantized"), ()),
                        (way.out / "m.bin", ()), (way.out / "m.bin", given), (way.model, given)):
        tool.run("run", model, "--images", way.images, "-o", way.folder / "r", *more, want=tool.DONE)
        tool.run("run", model, "--input", image, "-o", way.folder / "one", *more, want=tool.DONE)
        one, all_ = np.load(way.folder / "one/y.npy"), np.load(way.folder / "r/y.npy")
        assert np.array_equal(one[0], all_[3])
        np.save(way.folder / "x.npy", want[3])
        tool.run("run", model, "--input", way.folder / "x.npy", "-o", way.folder / "x", want=tool.DONE)
        assert np.array_equal(np.load(way.folder / "x/y.npy"), one)
        tool.run("perf", model, "--input", image, "--rounds", "1", *more, want=tool.DONE)
    for more in ((), given):
        both = way.stage("quantized"), way.out / "m.bin", "--images", way.images, *more
        tool.run("verify", *both, want=tool.DONE)
        tool.run("eval", *both, "--metric", "outputs", want=tool.DONE)


def steps(i):
    x = np.asarray(Image.fromarray(picture(i)).resize((W, H), Image.Resampling.BILINEAR, reducing_gap=None))
    return ((x[..., ::-1].astype(np.float32) / 255 - np.float32(0.5)) / np.float32(0.25)).transpose(2, 0, 1)


@pytest.mark.parametrize("keys,text", [
    ({}, "to decode images, and pipeline to steps that produce the featuremap tensor"),
    ({"preprocess_on": "True"}, "preprocess_on: images for a featuremap input: set pipeline to steps that"),
    ({"preprocess_on": "True", "pipeline": "'resize 32 24; layout NCHW'"}, "yields uint8 pixels, but"),
    ({"preprocess_on": "True", "pipeline": "'resize 32 24; normalise divide=255'"}, "float32 of shape 24x32"),
])
def test_steps_that_make_no_feature_map(way, keys, text):
    yaml = way.configure("featuremap", data=way.images, **keys)
    assert text in way.convert(yaml, want=tool.BAD_INPUT).err
    done = tool.run("check", "--data", "-c", yaml)
    assert text in done.out + done.err


def test_an_image_without_steps(way):
    done = tool.run("run", way.model, "--input", way.images / "00.png", want=tool.BAD_INPUT)
    assert "00.png: an image, but input x is a featuremap: a pipeline must produce the tensor" in done.err


# ---- what is told ----

def test_one_folder_for_each_class(way):
    """As cal_data_dir, for `check MODEL DIR --data`, and for prep, whose files get the class in front."""
    for i, p in enumerate(sorted(way.images.glob("*.png"))):
        (way.images / f"class {i % 3}").mkdir(exist_ok=True)
        p.rename(way.images / f"class {i % 3}" / f"{i // 3}.png")
    yaml = way.configure(data=way.images, preprocess_on="True", pipeline="'resize 32 24'")
    assert "12 samples: passed" in tool.run("check", "--data", "-c", yaml, want=tool.DONE).out
    assert "12 samples: passed" in tool.run("check", way.model, way.images, "--data").out
    way.convert(yaml)
    way.prep(STEPS + "; layout NCHW")
    made = sorted(p.name for p in (way.folder / "data").glob("*.npy"))
    assert made == [f"class {c}_{i}.npy" for c in range(3) for i in range(4)]
    way.convert(way.configure())


def test_tables_are_in_the_log_with_the_worst_sample(way):
    way.prep(STEPS + "; layout NCHW")
    yaml, log = way.configure(), way.folder / "log.txt"
    done = tool.run("convert", "-c", yaml, "--log", log, want=tool.DONE)
    line, = [x for x in done.out.splitlines() if x.startswith("worst sample of output y: ")]
    assert done.out.splitlines()[-1].startswith("Next:") and done.out in log.read_text()
    done = tool.run("convert", "-c", yaml, "--log", log, "--json", want=tool.DONE)
    worst = json.loads(done.out)["outputs"][0]
    assert f"{worst['worst_sample']}, cosine {worst['cosine_min']:.6f}" in line and line in log.read_text()
    cosines = [cosine(way, p) for p in sorted((way.folder / "data").glob("*.npy"))]
    assert worst["worst_sample"] == f"{np.argmin(cosines):02}.npy"


def cosine(way, path):
    """Of the quantized program with the float network on one sample."""
    np.save(way.folder / "x.npy", np.load(path).astype(np.float32) - 128)
    out = []
    for stage in ("optimized_float", "quantized"):
        file = way.folder / "x.npy"
        tool.run("run", way.stage(stage), "--input", file, "-o", way.folder / "o", want=tool.DONE)
        out.append(np.load(way.folder / "o/y.npy").astype(float).ravel())
    return out[0] @ out[1] / np.linalg.norm(out[0]) / np.linalg.norm(out[1])


def test_outputs_that_are_not_written(way):
    steps = "--pipeline", STEPS + FEATURES
    words = "run", way.model, "--images", way.images, *steps
    out = tool.run(*words, want=tool.DONE).out
    assert "12 files of" in out and "outputs are not written: set --output-dir" in out
    out = tool.run(*words, "-o", way.folder / "r", want=tool.DONE).out
    assert out.rstrip().endswith(f"outputs in {way.folder / 'r'}")


def test_arrays_in_another_axis_order(way):
    """Of images and of feature maps, fed to a .bin or to a stage: an error, not other values."""
    way.prep(STEPS + "; layout NCHW")
    way.convert(way.configure())
    x = np.load(way.folder / "data/00.npy")
    for shape, want in ((x, tool.DONE), (x[0], tool.DONE), (x.ravel(), tool.DONE),
                        (x.transpose(0, 2, 3, 1), tool.BAD_INPUT), (x.transpose(0, 1, 3, 2), tool.BAD_INPUT)):
        np.save(way.folder / "x.npy", np.ascontiguousarray(shape))
        for model in (way.out / "m.bin", way.stage("original_float"), way.model):
            done = tool.run("run", model, "--input", way.folder / "x.npy", want=want)
            assert want == tool.DONE or "x.npy: array of shape" in done.err


def test_integer_arrays_in_another_axis_order(way):
    model = save(way.folder / "i.onnx", [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)],
                 [info("x", [2, 3], TensorProto.INT64)], [info("y", [2, 3])])
    for shape, want in (((2, 3), tool.DONE), ((6,), tool.DONE), ((3, 2), tool.BAD_INPUT)):
        np.save(way.folder / "x.npy", np.arange(6).reshape(shape))
        tool.run("run", model, "--input", way.folder / "x.npy", want=want)
