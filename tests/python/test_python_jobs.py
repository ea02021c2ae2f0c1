"""Commands as functions: results equal the command line's, data from memory, progress, errors, Ctrl-C."""
import json
import os
import signal
import threading
import time

import numpy as np
import pytest
import tool

vernier = pytest.importorskip("vernier")
if not (tool.BUILD / "python/vernier/_native.abi3.so").exists():
    pytest.skip("the build has no Python package", allow_module_level=True)


def config(digits, out, **calibration):
    return {"model_parameters": {"onnx_model": digits.model, "output_model_file_prefix": "digits",
                                 "working_dir": out},
            "input_parameters": {"input_type_train": "gray", "input_layout_train": "NCHW",
                                 "input_type_rt": "gray", "norm_type": "data_scale",
                                 "scale_value": 0.003921568627},
            "calibration_parameters": {"calibration_type": "max", **calibration},
            "compiler_parameters": {"optimize_level": "O3"}}


def test_convert_is_the_command(digits, tmp_path):
    seen, lines = [], []
    c = vernier.convert(digits.yaml, log=lambda level, line: lines.append(line),
                        progress=lambda what, done, of: seen.append((what, done, of)))
    assert c.products["bin"] == digits.bin and c.method == "max" and not c.random
    assert seen and "Start Model Convert...." in lines
    conv = next(n for n in c.nodes if n.type == "Conv")
    assert conv.on == "BPU" and 0.99 < conv.cosine <= 1 and conv.threshold > 0
    assert all(0.9 < o.cosine_min <= 1 for o in c.outputs)


def pixels(digits):
    from PIL import Image
    for f in sorted(digits.calib.iterdir()):
        yield np.asarray(Image.open(f).convert("L").resize((8, 8), Image.BILINEAR))[None, None]


def test_data_in_memory(digits, tmp_path):
    """A generator of arrays gives the integers that the images' files give."""
    by_files = vernier.convert(config(digits, tmp_path / "a", cal_data_dir=digits.calib, preprocess_on=True))
    for i, data in enumerate((pixels(digits), list(pixels(digits)), ({"image": x} for x in pixels(digits)))):
        c = vernier.convert(config(digits, tmp_path / f"b{i}", cal_data_type="uint8"), data)
        assert vernier.verify(by_files.products["bin"], c.products["bin"]).passed
        assert [n.threshold for n in c.nodes] == [n.threshold for n in by_files.nodes]
    with pytest.raises(ZeroDivisionError):
        vernier.convert(config(digits, tmp_path / "c"), (1 // 0 for _ in range(3)))
    with pytest.raises(ValueError, match="as a dict"):
        vernier.convert(digits.yaml, [])


def test_everything_wrong_is_told(digits, tmp_path):
    wrong = config(digits, tmp_path / "a", cal_data_dir=tmp_path / "nowhere")
    wrong["input_parameters"]["scale_valu"] = 1
    with pytest.raises(vernier.Error, match="scale_valu") as e:
        vernier.convert(wrong)
    assert e.value.status == "input" and len(e.value.problems) >= 2
    assert any("nowhere" in p for p in e.value.problems) and "config.yaml" in e.value.place
    with pytest.raises(vernier.Error, match="nowhere.onnx"):
        vernier.check("nowhere.onnx")
    with pytest.raises(RuntimeError, match="stop"):
        vernier.convert(digits.yaml, progress=stop)


def stop(*_):
    raise RuntimeError("stop")


def test_check_is_the_command(digits):
    c = vernier.check(digits.model, march="bayes-e")
    want = json.loads(tool.run("check", digits.model, "--march", "bayes-e", "--json", build=tool.BUILD).out)
    assert c.march == "bayes-e" and len(c.nodes) == len(want["nodes"])
    assert c.integers == sum(n.on == "BPU" for n in c.nodes)
    float_nodes = [n for n in c.nodes if n.why_float]
    assert all(n.why_float.id and n.why_float.text for n in float_nodes)
    assert {m.march for m in c.marches} >= {"bayes", "bayes-e", "generic"}


def test_verify(digits, tmp_path):
    v = vernier.verify(digits.stage("quantized"), digits.bin, folders=[digits.held_out], limit=3)
    assert v.passed and v.samples == 3 and v.tensors and not v.faults
    assert sum(t.compared for t in v.tensors) > 0 == sum(t.different for t in v.tensors)
    pair = vernier.verify(digits.stage("optimized_float"), digits.bin)
    assert pair.passed and pair.values and not pair.tensors


def test_compare_is_the_command(digits, tmp_path):
    """Tensor by tensor as `vernier compare`; arrays by name stand for a side."""
    float_model, quantized = digits.stage("optimized_float"), digits.stage("quantized")
    image = next(digits.held_out.glob("*.png"))
    c = vernier.compare(float_model, quantized, files=[image], thresholds={"cosine": 0.9})
    done = tool.run("compare", float_model, quantized, "-i", image, "-t", "cosine=0.9", "--sort", "order",
                    "--all", "--json", want=tool.DONE)
    rows = json.loads(done.out)["tensors"]
    assert [t.name for t in c.tensors] == [r["tensor"] for r in rows] and c.passed and c.judged == 1
    for t, r in zip(c.tensors, rows):
        assert t.metrics["cosine"] == pytest.approx(r["cosine"], abs=1e-9), t.name
    strict = vernier.compare(float_model, quantized, files=[image], thresholds={"max": 0}, sort="cosine")
    assert not strict.passed and strict.failed == 1
    cosines = [t.metrics["cosine"] for t in strict.tensors]
    assert cosines == sorted(cosines)
    with vernier.Session(float_model) as s:
        seen = {}
        s.run(None, {s.inputs[0].name: str(image)}, observe=seen)
    arrays = vernier.compare(seen, float_model, files=[image], thresholds={"max": 0}, judge_all=True)
    assert arrays.passed and arrays.judged > 3
    with pytest.raises(vernier.Error, match="unknown metric 'cosin'"):
        vernier.compare(float_model, quantized, thresholds={"cosin": 1})
    with pytest.raises(vernier.Error, match="absent"):
        vernier.compare(tmp_path / "absent.onnx", quantized)


def test_evaluate(digits):
    models = [digits.stage("optimized_float"), digits.bin]
    r = vernier.evaluate(models, metric="top_k", images=digits.held_out, labels=digits.labels, limit=50)
    top = r.models[1].scores[0]
    assert r.metric == "top_k" and r.samples == 50 and top.name == "top-1" and top.value > 0.8
    assert r.models[0].scores[0].difference == 0 and r.models[1].outputs[0].cosine_mean > 0.95
    with pytest.raises(vernier.Error, match="metric"):
        vernier.evaluate([digits.bin], metric="top_l", images=digits.held_out)


def test_tune(digits, tmp_path):
    path = tmp_path / "net.yaml"
    cal = {"cal_data_dir": str(digits.calib), "preprocess_on": True}
    path.write_text(json.dumps(config(digits, tmp_path / "out", **cal), default=os.fspath))
    with pytest.raises(vernier.Error, match="requires a limit"):
        vernier.tune(path)
    t = vernier.tune(path, latency_ratio=3, plans=3)
    assert t.plans[0].loss == 1 and t.best.fits and t.best.loss <= 1
    assert len([p for p in t.plans if not p.refined]) <= 3
    assert t.yaml == tmp_path / "net_tuned.yaml" or t.yaml.exists()
    assert t.groups and all(len(g.loss) == 4 for g in t.groups) and not t.stopped
    again = vernier.tune(path, latency_ratio=3, plans=3, resume=True)
    assert again.plans == t.plans or [p.types for p in again.plans] == [p.types for p in t.plans]
    assert vernier.convert(t.yaml).products["bin"].exists()


def test_prep_and_align(digits, tmp_path):
    p = vernier.prep(digits.held_out, tmp_path / "a", "resize 16 16; layout NCHW", limit=2)
    assert len(p.files) == 2 and (tmp_path / "a" / p.files[0].name).exists() and "resize" in p.pipeline
    vernier.prep(digits.held_out, tmp_path / "b", "resize 16 16 interpolation=nearest; layout NCHW", limit=2)
    for side in "ab":
        folder = tmp_path / f"trace_{side}"
        folder.mkdir()
        np.save(folder / "out.npy", np.load(tmp_path / side / p.files[0].name))
        (folder / "order.txt").write_text("out\n")
    same = vernier.align(tmp_path / "trace_a", tmp_path / "trace_a")
    other = vernier.align(tmp_path / "trace_a", tmp_path / "trace_b", explain=False)
    assert same.unaligned == 0 and same.stages[0].state == "aligned"
    assert other.unaligned == 1 and other.stages[0].max > 0
    with pytest.raises(ValueError, match="sides"):
        vernier.align("a", "b", sides="left")


def test_interrupted_conversions_leave_nothing(camera, tmp_path, interrupts):
    """Ctrl-C at several moments of a conversion: it ends within 100 ms, and no product is there."""
    whole = {"model_parameters": {"onnx_model": camera.source, "working_dir": tmp_path / "out"},
             "input_parameters": {"input_type_train": "rgb", "input_layout_train": "NCHW",
                                  "input_type_rt": "rgb", "norm_type": "data_mean_and_scale",
                                  "mean_value": 127, "scale_value": 0.0078125},
             "calibration_parameters": {"cal_data_dir": camera.image.parent, "preprocess_on": True,
                                        "calibration_type": "max"},
             "compiler_parameters": {"optimize_level": "O3"}}
    start = time.monotonic()
    undisturbed = {"onnx_model": camera.source, "working_dir": tmp_path / "all"}
    vernier.convert({**whole, "model_parameters": undisturbed})
    length = time.monotonic() - start
    lateness = []
    for moment in (0.05, 0.15, 0.3, 0.5):
        sent = []

        def fire():
            time.sleep(moment * length)
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        t = threading.Thread(target=fire)
        t.start()
        with pytest.raises(KeyboardInterrupt):
            vernier.convert(whole)
            t.join()  # a signal that comes after the conversion must not end the tests
        lateness.append(time.monotonic() - sent[0])
        t.join()
    assert not list((tmp_path / "out").glob("*.bin"))
    assert sorted(lateness)[1] < 0.1, lateness  # the machine may be busy at some moment
