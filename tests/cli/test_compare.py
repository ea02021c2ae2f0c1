"""vernier compare: artefacts and arrays in every combination, names, metrics against NumPy, thresholds."""
import json

import numpy as np
import pytest
from tool import BAD_INPUT, CHECK_FAILED, DONE, USAGE, convert_digits, run


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    d = convert_digits(tmp_path_factory.mktemp("compare"))
    for name, model in (("f", d.stage("original_float")), ("q", d.bin)):
        run("run", model, "--input", d.picture, "--dump-all", "--dequantize", "-o", d.folder / name,
            want=DONE)
    return d


def rows(*args, want=DONE):
    out = json.loads(run("compare", *args, "--json", want=want).out)
    return {r["tensor"]: r for r in out["tensors"]}, out


def histogram_kl(x, y):
    lo, hi = min(x.min(), y.min()), max(x.max(), y.max())
    at = [np.minimum((v.ravel().astype(np.float64) - lo) / ((hi - lo) / 256), 255) for v in (x, y)]
    p, q = (np.bincount(i.astype(int), minlength=256) + 0.5 for i in at)
    return (p / p.sum() * np.log(p / q)).sum()


def expected(x, y, axis=1):
    a, b = x.astype(np.float64).ravel(), y.astype(np.float64).ravel()
    d = b - a
    axis = min(axis, x.ndim - 1)
    return {
        "cosine": a @ b / np.sqrt((a @ a) * (b @ b)),
        "sqnr": 10 * np.log10((a @ a) / (d @ d)),
        "l1": np.abs(d).mean(),
        "l2": np.sqrt(d @ d) / len(d),
        "max": np.abs(d).max(),
        "mre": (np.abs(d)[a != 0] / np.abs(a)[a != 0]).mean(),
        "kl": histogram_kl(x, y),
        "agreement": (x.argmax(axis) == y.argmax(axis)).mean(),
    }


def test_metrics_are_numpys(digits):
    got, out = rows(digits.folder / "f/tensors", digits.folder / "q/tensors")
    assert out["passed"] and not out["judged"] and out["only_right"] == 0
    for name in ("relu_2_out", "maxpool_1_out", "logits"):
        x, y = (np.load(digits.folder / side / f"tensors/{name}.npy") for side in "fq")
        for metric, value in expected(x, y).items():
            assert got[name][metric] == pytest.approx(value, rel=1e-6), (name, metric)


def test_artefacts_run_and_feed_each_other(digits):
    """A run is what it saved: two artefacts, an artefact and arrays, arrays."""
    f, q = digits.folder / "f/tensors", digits.folder / "q/tensors"
    both, _ = rows(digits.stage("original_float"), digits.bin, "--input", digits.picture)
    arrays, _ = rows(f, q)
    fed, _ = rows(digits.stage("original_float"), q)
    other, _ = rows(f, digits.bin)
    assert "relu_1_out" in both and "logits" in both
    only_relu_reads = "batchnormalization_1_out"
    assert only_relu_reads not in both and only_relu_reads in arrays
    for name in both:
        for metric in ("cosine", "l1", "max", "kl", "agreement"):
            assert both[name][metric] == arrays[name][metric] == fed[name][metric] == other[name][metric]
    assert both["logits"]["output"] and not arrays["logits"]["output"]


def test_stored_integers_are_dequantized(digits, tmp_path):
    """What `run --dump-all` saves fits as it is."""
    for name, model in (("q", digits.stage("quantized")), ("bin", digits.bin)):
        run("run", model, "--input", digits.picture, "--dump-all", "-o", tmp_path / name, want=DONE)
        saved = tmp_path / name / "tensors"
        assert np.load(saved / "relu_1_out.npy").dtype == np.int8
        for other in (digits.stage("quantized"), digits.bin):
            got, out = rows(saved, other, "-t", "max=0", "--judge", "all")
            assert out["judged"] == len(got) >= 9
        got, _ = rows(digits.stage("original_float"), saved)
        assert "without a scale" in got["relu_1_out"]["differs"] and got["logits"]["cosine"] > 0.99


def test_masked_elements_are_left_out(tmp_path):
    """Behind a mask of -inf a quantized tensor holds its lowest value; the divergence stays positive."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 4, 50)).astype(np.float32)
    y = (x + 0.01 * rng.normal(size=x.shape)).astype(np.float32)
    masked = rng.random(x.shape) < 0.4
    for name, t, low in (("a", x, -np.inf), ("b", y, -4)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "t.npy", np.where(masked, np.float32(low), t))
    got, _ = rows(tmp_path / "a", tmp_path / "b")
    assert got["t"]["cosine"] > 0.999 and 0 < got["t"]["l1"] < 0.02 and got["t"]["kl"] >= 0
    got, _ = rows(tmp_path / "b", tmp_path / "a")
    assert got["t"]["max"] is None or not np.isfinite(got["t"]["max"])


def test_equal_programs_are_equal(digits):
    got, out = rows(digits.stage("quantized"), digits.folder / "q/tensors", "-t", "max=0", "--judge", "all")
    assert out["passed"] and out["judged"] == len(got) >= 9
    assert all(r["max"] == 0 and r["sqnr"] is None for r in got.values())


def test_thresholds(digits):
    sides = digits.stage("original_float"), digits.bin, "--images", digits.held_out, "--limit", "3"
    assert rows(*sides, "-t", "cosine=0.99", "-t", "agreement=1")[1]["passed"]
    assert "Comparison PASSED: 1 of 1" in run("compare", *sides, "-t", "cosine=0.99", want=DONE).out
    _, out = rows(*sides, "-t", "max=0.0001", want=CHECK_FAILED)
    assert out["failed"] == out["judged"] == 1
    _, out = rows(*sides, "-t", "sqnr=36", "--judge", "all", want=CHECK_FAILED)
    assert 0 < out["failed"] < out["judged"]
    for wrong in ("cosine", "cosine=", "cosine=x", "cosinus=1", "=1"):
        assert "--threshold: expected" in run("compare", *sides, "-t", wrong, want=USAGE).err


def test_sorted(digits):
    sides = digits.folder / "f/tensors", digits.folder / "q/tensors"
    for metric, rises in (("cosine", True), ("l1", False), ("kl", False)):
        got = [r[metric] for r in rows(*sides, "--sort", metric)[1]["tensors"]]
        assert got == sorted(got, reverse=not rises)
    _, out = rows(digits.stage("original_float"), sides[1], "--sort", "order")
    in_order = [r["tensor"] for r in out["tensors"]]
    assert in_order[0] == "image" and in_order[-1] == "logits"
    assert "--sort: expected" in run("compare", *sides, "--sort", "size", want=USAGE).err


def test_raw_dumps_of_a_device(digits, tmp_path):
    """Names and sizes as hrt_bin_dump and hrt_model_exec write them."""
    dump = tmp_path / "dump"
    dump.mkdir()
    tensors = digits.folder / "q/tensors"
    np.load(tensors / "relu_2_out.npy").astype(np.float32).tofile(dump / "relu_2_out_float.bin")
    np.load(tensors / "logits.npy").astype(np.float32).tofile(dump / "model_infer_output_0.bin")
    np.load(tensors / "image.npy").astype(np.float32).tofile(dump / "model_infer_input_0.bin")
    np.zeros(7, np.float32).tofile(dump / "unknown.bin")
    got, _ = rows(digits.stage("quantized"), dump)
    assert set(got) == {"relu_2_out", "logits", "image"} and all(r["max"] == 0 for r in got.values())
    (dump / "relu_2_out_float.bin").write_bytes(b"\0" * 12)
    got, out = rows(digits.stage("quantized"), dump, "-t", "max=0", "--judge", "all", want=CHECK_FAILED)
    assert got["relu_2_out"]["differs"] == "shape 3, expected " + "x".join(
        map(str, np.load(tensors / "relu_2_out.npy").shape))
    assert out["tensors"][0]["tensor"] == "relu_2_out"


def test_npz_and_samples(digits, tmp_path):
    x = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.ones(5, np.float32)}
    np.savez(tmp_path / "l.npz", **x)
    np.savez(tmp_path / "r.npz", a=x["a"] + 1, c=x["b"])
    got, out = rows(tmp_path / "l.npz", tmp_path / "r.npz")
    assert got["a"]["l1"] == 1 and (out["only_left"], out["only_right"]) == (1, 1)
    for side, add in (("l", 0), ("r", 2)):
        for sample in ("1", "2"):
            (tmp_path / side / sample).mkdir(parents=True)
            np.save(tmp_path / side / sample / "a.npy", x["a"] + add * int(sample))
    got, out = rows(tmp_path / "l", tmp_path / "r")
    assert out["samples"] == got["a"]["samples"] == 2 and got["a"]["l1"] == 3 and got["a"]["max"] == 4
    np.savez(tmp_path / "other.npz", z=x["a"])
    strange = run("compare", tmp_path / "l.npz", tmp_path / "other.npz", want=BAD_INPUT)
    assert "no tensor of the same name" in strange.err
    assert "input image of" in run("compare", digits.bin, tmp_path / "l.npz", want=USAGE).err
