"""The five real models, stage by stage, in the stock onnx and onnxruntime and in the program."""
import hashlib

import numpy as np
import onnx
import pytest

import ort
import preprocess as pre
import shared_models as sm
import tool


def io_names(path):
    g = onnx.load(path).graph
    constants = {i.name for i in g.initializer}
    return [i.name for i in g.input if i.name not in constants], [o.name for o in g.output]


def input_of(path):
    """(name, height, width) of the image input."""
    s = ort.session(path)
    assert len(s.get_inputs()) == 1
    i = s.get_inputs()[0]
    return i.name, i.shape[2], i.shape[3]


def runtime_pixels(model, path):
    """A picture as C x H x W pixels in the runtime's colours."""
    _, h, w = input_of(path)
    rgb = sm.picture_pixels(model.pictures()[0], w, h, model.pipeline).transpose(2, 0, 1)
    if model.runtime == "nv12":
        return pre.share_chroma(pre.rgb_to_yuv(rgb))
    return rgb[::-1] if model.runtime == "bgr" else rgb


@pytest.mark.parametrize("stage", sm.STAGES)
def test_stock_tools_open_it(products, model, stage):
    path = products(model.name).onnx(stage)
    onnx.checker.check_model(str(path), full_check=True)
    ort.session(path)
    assert io_names(path) == io_names(model.file)


def test_original_float_is_the_source(products, model):
    p = products(model.name)
    name, *_ = input_of(p.onnx("original_float"))
    pixels = runtime_pixels(model, p.onnx("original_float"))
    source = ort.run(
        model.file, {name: model.normalise(pre.to_training(pixels, model.runtime, model.train)[None])}
    )
    ours = ort.run(p.onnx("original_float"), {name: (pixels.astype(np.float32) - 128)[None]})
    for output in source:
        assert ort.relative(source[output], ours[output]) <= 1e-4, output


def test_optimized_float_is_original_float(products, model, tmp_path):
    p = products(model.name)
    name, *_ = input_of(p.onnx("original_float"))
    x = (runtime_pixels(model, p.onnx("original_float")).astype(np.float32) - 128)[None]
    np.save(tmp_path / "x.npy", x)
    theirs = [ort.run(p.onnx(stage), {name: x}) for stage in sm.STAGES[:2]]
    for stage in sm.STAGES[:2]:
        sm.vernier("run", p.onnx(stage), "--input", tmp_path / "x.npy", "--output-dir", tmp_path / stage)
    for output in theirs[0]:
        ours = [np.load(tmp_path / stage / (sm.safe_name(output) + ".npy")) for stage in sm.STAGES[:2]]
        assert ort.relative(theirs[0][output], theirs[1][output]) <= 1e-5, output
        assert ort.relative(ours[0], ours[1]) <= 1e-5, output
        assert ort.relative(theirs[1][output], ours[1]) <= 1e-4, output


def test_calibrated_model_in_onnxruntime(products, model, tmp_path, say):
    """Fake quantization in float32: where a value lies between two steps, another order of adding tips it
    over, and networks with a coarse calibration carry that on. So onnxruntime is compared with itself, too,
    run as it stands and optimized: we may be as far from it as it is from itself (twice, since both may be
    off), and no farther than cosine 0.999 where it agrees with itself."""
    p = products(model.name)
    name, *_ = input_of(p.onnx("calibrated"))
    x = (runtime_pixels(model, p.onnx("calibrated")).astype(np.float32) - 128)[None]
    np.save(tmp_path / "x.npy", x)
    plain, optimized = (ort.run(p.onnx("calibrated"), {name: x}, plain=flag) for flag in (True, False))
    sm.vernier("run", p.onnx("calibrated"), "--input", tmp_path / "x.npy", "--output-dir", tmp_path)
    lines = []
    for output, value in plain.items():
        ours, itself = (
            ort.cosine(value, np.load(tmp_path / (sm.safe_name(output) + ".npy"))),
            ort.cosine(value, optimized[output]),
        )
        lines.append(
            f"calibrated_model of {model.name}, {output}: cosine {ours:.6f}; onnxruntime with itself {itself:.6f}"
        )
        assert ours >= min(0.999, 1 - 2 * (1 - itself)), lines[-1]
    say(f"calibrated-{model.name}.txt", "\n".join(lines))


@pytest.mark.parametrize("mask", sm.MASKS)
def test_verify_finds_no_difference(products, model, mask):
    import json
    p = products(model.name)
    inputs = [w for picture in sm.ten_pictures(model) for w in ("--input", picture)]
    r = sm.vernier(
        "verify",
        p.onnx("quantized"),
        p.bin,
        *inputs,
        *sm.pipeline_options(model),
        "--cpumask",
        mask,
        "--json",
    )
    v = json.loads(r.stdout)
    assert v["passed"] and v["different"] == 0 and v["compared"] > 0 and v["samples"] == 10, r.stdout[:500]


WAYS = [*[(mask, 1) for mask in sm.MASKS], (sm.MASKS[0], 2), (sm.MASKS[-1], 2)]


def test_convert_makes_the_same_bytes(products, model, tmp_path):
    """All ways on 8 samples for the smallest model (for all with VERNIER_CAMPAIGN=1), else two ways on 2."""
    whole, hashes = model.name == "resnet20" or tool.CAMPAIGN, {}
    for mask, threads in WAYS if whole else (WAYS[0], WAYS[-1]):
        how = "--cpumask", mask, "--threads", threads
        p = sm.convert(model, tmp_path, options=how, samples=8 if whole else 2)
        hashes[mask, threads] = [hashlib.sha256(f.read_bytes()).hexdigest() for f in p.files()]
    for i, file in enumerate(p.files()):
        assert len({h[i] for h in hashes.values()}) == 1, (
            file.name,
            {k: h[i][:8] for k, h in hashes.items()},
        )
