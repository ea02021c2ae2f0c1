"""Masks in front of a softmax: int8 stays good, masked elements have probability 0, scales are finite."""
import json
import sys

import masked_networks as mn
import numpy as np
import onnx
import ort
import pytest
from onnx import TensorProto as T, helper as h, numpy_helper as nh

import shared_models as sm

sys.path[:0] = [str(sm.ROOT / "tests"), str(sm.ROOT / "tools")]
import bindump  # noqa: E402
import tool  # noqa: E402

SAMPLES = 6
INT16 = "'set_all_nodes_int16'"


def check_scales(folder):
    """Every scale in the artefacts is finite and positive."""
    checked = 0
    for path in [folder / "m_calibrated_model.onnx", folder / "m_quantized_model.onnx"]:
        g = onnx.load(path).graph
        constants = {t.name: t for t in g.initializer}
        for n in g.node:
            if n.op_type in ("QuantizeLinear", "DequantizeLinear"):
                scale = nh.to_array(constants[n.input[1]])
                assert np.isfinite(scale).all() and (scale > 0).all(), f"{path.name}: {n.name}: {scale}"
                checked += scale.size
    for t in bindump.Bin((folder / "m.bin").read_bytes()).tensors:
        assert np.isfinite(t["scale"]) and (t["scale"] >= 0), t  # 0: not quantized
    return checked


def convert(tmp_path, block, out, want=tool.DONE, march="generic", kind="'max'", **calibration):
    names, k = list(block.inputs), len(block.inputs)
    block.save(tmp_path / "m.onnx")
    for n in names:
        (tmp_path / n).mkdir(exist_ok=True)
        for i in range(SAMPLES):
            np.save(tmp_path / n / f"{i}.npy", mn.sample(i, block)[n])
    inputs = {"input_type_rt": "featuremap", "input_type_train": "featuremap", "input_layout_train": "NCHW",
              "norm_type": "no_preprocess"}
    inputs = {"input_name": ";".join(names), **{key: ";".join([word] * k) for key, word in inputs.items()}}
    config = sm.write_yaml(tmp_path / f"{out}.yaml", "m.onnx", march, working_dir=out, inputs=inputs,
                           calibration={"cal_data_dir": f"'{';'.join(names)}'", "calibration_type": kind,
                                        **calibration})
    return tool.run("convert", "-c", config, "--log", "none", "--json", cwd=tmp_path, want=want)


def worst_cosine(tmp_path, block, out, stage="quantized"):
    """onnxruntime on the given network and on ours, over the samples."""
    files = [tmp_path / out / f"m_{stage}_model.onnx", tmp_path / "m.onnx"]
    ours, given = (ort.session(f, plain=True) for f in files)
    feeds = [mn.sample(i, block) for i in range(SAMPLES)]
    return min(ort.cosine(ours.run(None, x)[0], given.run(None, x)[0]) for x in feeds)


@pytest.mark.parametrize("form, level", mn.CASES)
def test_masks(tmp_path, form, level):
    block = mn.Block(mn.LEVELS[level]).build(form)
    for out, least, more in (("int8", .99, {}), ("int16", .9999, {"optimization": INT16})):
        done = json.loads(convert(tmp_path, block, out, **more).out)
        assert done["outputs"][0]["cosine_min"] > least
        assert all(n.get("cosine_min", 1) > .98 for n in done["nodes"]), "masked elements do not count"
        assert {n["on"] for n in done["nodes"] if n["type"] == "Softmax"} == {"BPU"}
        assert worst_cosine(tmp_path, block, out) > least
        assert check_scales(tmp_path / out) > 20
        tool.run("verify", f"{out}/m_quantized_model.onnx", f"{out}/m.bin", cwd=tmp_path, want=tool.DONE)


@pytest.mark.parametrize("march", ["x86-64-v4", "bernoulli2", "bayes", "bayes-e"])
@pytest.mark.parametrize("form", ["causal_where", "both_in_turn", "padding_product"])
def test_marches(tmp_path, march, form):
    block = mn.Block(mn.LEVELS["1e9"]).build(form)
    convert(tmp_path, block, "out", march=march, kind="'default'")
    assert worst_cosine(tmp_path, block, "out") > .99 and check_scales(tmp_path / "out")


@pytest.mark.parametrize("level", ["1e4", "inf"])
def test_probabilities(tmp_path, level):
    """The probability of a masked element is 0, on every sample."""
    block = mn.Block(mn.LEVELS[level]).build("causal_add")
    convert(tmp_path, block, "out")
    model = onnx.load(tmp_path / "out/m_quantized_model.onnx")
    name = next(n.output[0] for n in model.graph.node if n.op_type == "Softmax")
    model.graph.output.append(h.make_tensor_value_info(name, T.FLOAT, None))
    quantize = next(n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0] == name)
    step = nh.to_array(next(t for t in model.graph.initializer if t.name == quantize.input[1]))
    session = ort.session(model, plain=True)
    for i in range(SAMPLES):
        p = session.run(None, mn.sample(i, block))[1]
        assert (np.where(block.causal(), p, 0).sum(-1) < step / 2).all() and p.max() > .5


def test_infinity_without_a_mask(tmp_path):
    """What is infinite for another reason has no range: it computes in float, which the table says."""
    block = mn.Block(0).build("logarithm")
    done = json.loads(convert(tmp_path, block, "out").out)
    assert "infinite" in {n["reason"]["id"] for n in done["nodes"] if "reason" in n}
    assert worst_cosine(tmp_path, block, "out") > .99 and check_scales(tmp_path / "out")
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path, want=tool.DONE)


class Small(mn.Block):
    """A matrix product, and `tail` behind it."""

    def tail(self, x, op, constant):
        self.node(op, self.linear(x, mn.WIDTH, mn.WIDTH), self.constant(constant))
        return self


ENDS = np.where(np.arange(mn.WIDTH) % 2, np.inf, .25)


@pytest.mark.parametrize("op, constant", [("Max", -np.inf), ("Min", np.inf), ("Max", -ENDS), ("Min", ENDS)])
def test_infinite_operands(tmp_path, op, constant):
    """Max(x, -infinity) in integers: the constant is the end of the range."""
    block = Small(0).tail("x", op, constant)
    convert(tmp_path, block, "out", optimization="'set_model_output_int8'")
    assert worst_cosine(tmp_path, block, "out") > .999 and check_scales(tmp_path / "out")
    tool.run("verify", "out/m_quantized_model.onnx", "out/m.bin", cwd=tmp_path, want=tool.DONE)
    tool.run("convert", "--fast-perf", "--model", "m.onnx", cwd=tmp_path, want=tool.DONE)
    fast = [f"model_output/m{suffix}" for suffix in ("_quantized_model.onnx", ".bin")]
    tool.run("verify", *fast, cwd=tmp_path, want=tool.DONE)


def test_infinite_divisor(tmp_path):
    """x / infinity is 0, which no integer form says: it computes in float."""
    block = Small(0).tail("x", "Div", np.where(np.arange(mn.WIDTH) == 3, np.inf, 2))
    done = json.loads(convert(tmp_path, block, "out", optimization="'set_model_output_int8'").out)
    assert [n["reason"]["id"] for n in done["nodes"] if n["on"] == "CPU"] == ["infinite"]
    assert worst_cosine(tmp_path, block, "out") > .999 and check_scales(tmp_path / "out")


# ---- real networks ----

def shared(name):
    path = sm.SHARED / "models" / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


def convert_shared(folder, file, inputs, calibration, out):
    inputs = {"input_type_rt": "featuremap", "input_type_train": "featuremap", "input_layout_train": "NCHW",
              "norm_type": "no_preprocess", **inputs}
    config = sm.write_yaml(folder / f"{out}.yaml", file, "generic", working_dir=out, inputs=inputs,
                           calibration=calibration)
    done = tool.run("convert", "-c", config, "--log", "none", "--json", cwd=folder, want=tool.DONE,
                    timeout=300)
    assert check_scales(folder / out)
    return json.loads(done.out)["outputs"][0]["cosine_mean"]


def file_bytes(path):
    """As Magika reads a file: 1024 bytes from its start and 1024 from its end, 256 where there are none."""
    b = np.frombuffer(path.read_bytes().strip(), np.uint8).astype(np.int32)
    start, end = np.full(1024, 256, np.int32), np.full(1024, 256, np.int32)
    start[:len(b[:1024])] = b[:1024]
    end[1024 - len(b[-1024:]):] = b[-1024:]
    return np.concatenate([start, end])[None]


def test_magika(tmp_path):
    """Normalizations over channels with the variance as a difference, and a Max with -infinity."""
    model, data = shared("magika_v3.onnx"), tmp_path / "data"
    data.mkdir()
    files = [sorted(tool.ROOT.glob(p)) for p in ("src/*/*.c", "tests/*/*.py", "docs/*.md", "targets/*.yaml")]
    for i, f in enumerate(f for group in files for f in sm.spread(group, 6)):
        np.save(data / f"{i:02}.npy", file_bytes(f))
    for out, least, more in (("int8", .99, None), ("int16", .9999, INT16)):
        calibration = {"cal_data_dir": f"'{data}'", "calibration_type": "'max'", "optimization": more}
        assert convert_shared(tmp_path, model, {"input_shape": "1x2048"}, calibration, out) > least
    tool.run("convert", "--fast-perf", "--model", model, cwd=tmp_path, want=tool.DONE)
    fast = [f"model_output/magika_v3{suffix}" for suffix in ("_quantized_model.onnx", ".bin")]
    tool.run("verify", *fast, cwd=tmp_path, want=tool.DONE)


PPOCR = [("int8", .99, None), ("int16", .9999, INT16)]


@pytest.mark.parametrize("out, least, more", PPOCR if tool.CAMPAIGN else PPOCR[:1])
def test_ppocr(tmp_path, out, least, more):
    model, inputs = shared("ppocr_v4_rec.onnx"), {"input_name": "x", "input_shape": "1x3x48x320"}
    calibration = {"calibration_type": "'skip'", "optimization": more}
    assert convert_shared(tmp_path, model, inputs, calibration, out) > least
