"""targets/*.yaml: what is shipped reads, limits give reasons, mistakes are named with their place."""
import json

import pytest
import tool

np = pytest.importorskip("numpy")
helper = pytest.importorskip("onnx.helper")
import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402

SHIPPED = sorted(p.stem for p in (tool.ROOT / "targets").glob("*.yaml"))


def model(path, kernel=3, channels=4, extra=()):
    """Two convolutions; the first one's window is `kernel`; `extra` operators in between."""
    nodes = [helper.make_node("Conv", ["x", "w1"], ["t0"], pads=[kernel // 2] * 4, name="first")]
    for i, op in enumerate(extra):
        nodes.append(
            helper.make_node(
                op, [f"t{i}"] * (2 if op == "Sub" else 1), [f"t{i + 1}"], name=f"{op.lower()}{i}"
            )
        )
    nodes.append(helper.make_node("Conv", [f"t{len(extra)}", "w2"], ["y"], name="last"))
    rng = np.random.default_rng(1)
    inits = [numpy_helper.from_array(rng.random((channels, 3, kernel, kernel), np.float32) - 0.5, "w1"),
             numpy_helper.from_array(rng.random((4, channels, 1, 1), np.float32) - 0.5, "w2")]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", 1, [1, 3, 40, 40])], [value("y", 1, None)], inits)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def nodes(path, march, **more):
    done = tool.run("check", path, "--march", march, "--json", want=tool.DONE, **more)
    return {n["node"]: n for n in json.loads(done.out)["nodes"]}


def test_shipped():
    assert set(SHIPPED) == {
        "generic",
        "x86-64-v3",
        "x86-64-v4",
        "armv8-a",
        "armv8.2-a",
        "bernoulli2",
        "bayes",
        "bayes-e",
    }


@pytest.mark.parametrize("march", SHIPPED)
def test_shipped_reads(tmp_path, march):
    path = model(tmp_path / "net.onnx", extra=["Relu", "Softmax", "Softmax", "Sub"])
    found = nodes(path, march)
    vendor = march in ("bernoulli2", "bayes", "bayes-e")
    assert found["first"]["dtype"] == "int8" and found["last"]["dtype"] == "int8"
    why = {"bernoulli2": "march bernoulli2 limits Softmax: axis is 3, expected 1"}
    wanted = why.get(march, f"march {march} runs Softmax in float")
    assert (found["softmax1"].get("why_float") == wanted) == vendor
    assert ("why_float" in found["sub3"]) == (march == "bernoulli2")


def test_float_between_integers(tmp_path):
    path = model(tmp_path / "net.onnx", extra=["Relu", "Softmax", "Sub"])
    assert nodes(path, "bayes-e")["softmax1"]["dtype"] == "float"


@pytest.mark.parametrize(
    "march, kernel, want",
    [
        ("bayes-e", 31, None),
        ("bayes-e", 33, "march bayes-e limits Conv: kernel is 33, expected 1 to 31"),
        ("bernoulli2", 7, None),
        ("bernoulli2", 9, "march bernoulli2 limits Conv: kernel is 9, expected 1 to 7"),
        ("generic", 33, None),
    ],
)
def test_limits(tmp_path, march, kernel, want):
    found = nodes(model(tmp_path / "net.onnx", kernel), march)
    assert found["first"].get("why_float") == want


def test_own_target(tmp_path):
    """A target of one's own: by path, and by name from $VERNIER_TARGETS."""
    path = model(tmp_path / "net.onnx", extra=["Tanh"])
    (tmp_path / "mine.yaml").write_text(
        "like: generic\ndescription: mine\noperators:\n  Conv: {types: [int8], limits: {output_channels: {one_of: [4, 8]}}}\n"
        "float_operators: [Tanh]\n"
    )
    for march, env in (tmp_path / "mine.yaml", {}), ("mine", {"VERNIER_TARGETS": f"/nowhere:{tmp_path}"}):
        found = nodes(path, march, env=env)
        assert found["tanh0"]["why_float"] == "march mine does not compute Tanh in integers"
        assert found["first"]["dtype"] == "int8"
    found = nodes(model(tmp_path / "other.onnx", channels=5), tmp_path / "mine.yaml")
    assert found["first"]["why_float"] == "march mine limits Conv: output_channels is 5, expected 4 or 8"


@pytest.mark.parametrize(
    "text, place, message",
    [
        ("like: generic\noperatorz: all\n", "2:1", "unknown key 'operatorz'; did you mean 'operators'?"),
        (
            "like: generic\nlimits: {kernal: [1, 3]}\n",
            "2:10",
            "unknown limit 'kernal'; did you mean 'kernel'?",
        ),
        ("like: generic\nlimits: {kernel: [3, 1]}\n", "2:18", "expected [least, most] in rising order"),
        (
            "like: generic\nlimits: {kernel: 3}\n",
            "2:18",
            "expected [least, most] or {one_of: [a, b]}, got '3'",
        ),
        ("like: generic\nisa: [avx3]\n", "2:6", "unknown CPU feature 'avx3'; did you mean 'avx2'?"),
        ("like: generic\nzero_points: symetric\n", "2:14", "did you mean 'symmetric'?"),
        ("like: generic\nfloat_tail: perhaps\n", "2:13", "expected yes or no, got 'perhaps'"),
        (
            "like: generic\noperators: {Conv: {types: [int9]}}\n",
            "2:27",
            "unknown type 'int9'; did you mean 'int8'?",
        ),
        ("like: generic\noperators: {Conv: {}}\n", "2:13", "expected types: [int8]"),
        ("like: generic\nisa: []\nisa: []\n", "3:1", "duplicate key"),
        ("like: generik\n", "1:7", "unknown march 'generik' (did you mean 'generic'?)"),
        ("like: [generic]\n", "1:7", "expected the name of a target"),
        ("- generic\n", "1:1", "expected keys and values"),
        ("like: generic\nlimits: {kernel: [1, 2\n", "3:1", "not YAML"),
        ("zero_points: symmetric\n", "", "operators is missing"),
        ("operators: all\n", "", "zero_points is missing"),
        ("", "", "expected a target description"),
    ],
)
def test_mistakes(tmp_path, text, place, message):
    path = model(tmp_path / "net.onnx")
    (tmp_path / "bad.yaml").write_text(text)
    done = tool.run("check", path, "--march", tmp_path / "bad.yaml", want=tool.BAD_INPUT)
    assert message in done.err and (f"bad.yaml:{place}:" if place else "bad.yaml: ") in done.err, done.err


def test_unknown_march(tmp_path):
    done = tool.run("check", model(tmp_path / "net.onnx"), "--march", "bayes-f", want=tool.BAD_INPUT)
    assert "unknown march 'bayes-f' (did you mean 'bayes-e'?)" in done.err and "x86-64-v4" in done.err


def test_damaged_targets(tmp_path):
    """Truncated and bit-flipped copies: a clear error or a correct result."""
    path, rng = model(tmp_path / "net.onnx"), np.random.default_rng(7)
    data = (tool.ROOT / "targets/bernoulli2.yaml").read_bytes()
    for i in range(60):
        bad = bytearray(data[:int(rng.integers(0, len(data)))] if i % 2 else data)
        if i % 2 == 0:
            for at in rng.integers(0, len(bad), 3):
                bad[at] ^= 1 << int(rng.integers(0, 8))
        (tmp_path / "bad.yaml").write_bytes(bad)
        done = tool.run("check", path, "--march", tmp_path / "bad.yaml", want=[tool.DONE, tool.BAD_INPUT])
        assert done.status == tool.DONE or done.err.splitlines()[-1].startswith("vernier check: "), done.err
