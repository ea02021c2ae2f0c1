"""quantized_model in onnxruntime with its integer kernels: every node, fed with our inputs, must give our
results."""

import sys
from collections import Counter

import numpy as np
import onnx
import pytest
import tool

import cut
import ort
import shared_models as sm

PICTURES = 3
EXACT = ("Conv", "Add")  # no difference allowed where onnxruntime has an integer kernel; one step elsewhere
FLOAT_TOLERANCE = (
    1e-5  # of results that leave the integers: a float32 sum against our exact one, relative to the largest
)


def test_graph_uses_integer_kernels(products, model, tmp_path, say):
    """The whole quantized model: every convolution and add between quantized tensors becomes an integer
    kernel."""
    p = products(model.name)
    ort.session(p.onnx("quantized"), int8=True, optimized=tmp_path / "o.onnx")
    source, fused = ort.op_counts(p.onnx("quantized")), ort.op_counts(tmp_path / "o.onnx")
    say(
        f"kernels-{model.name}.txt",
        f"{model.name}: " + ", ".join(f"{k} {v}" for k, v in sorted(fused.items())),
    )
    quantized = Counter(
        piece.op for piece in cut.Cutter(onnx.load(p.onnx("quantized"))).pieces() if piece.integer
    )
    assert quantized["Conv"] and source["Conv"] >= quantized["Conv"]
    assert fused["QLinearConv"] == quantized["Conv"]
    assert fused["QLinearAdd"] == quantized["Add"]


class Count:
    def __init__(self):
        self.nodes = self.values = self.different = 0
        self.step = self.relative = 0.0
        self.kernels = Counter()


def compare(piece, tensors, count, tmp_path):
    """Run a piece on the integers of one or more of our runs; messages about what must not be."""
    file = tmp_path / "piece.onnx"
    s = ort.session(piece.model, int8=True, optimized=file)
    kernel = cut.used_integer_kernel(file) if piece.integer else None
    count.nodes += 1
    count.kernels[kernel or "float"] += 1
    bad = []
    for folder in tensors:
        load = lambda name: np.load(folder / (sm.safe_name(name) + ".npy"))
        feed = {
            i: load(name).reshape([d for d in next(v.shape for v in s.get_inputs() if v.name == i)])
            for i, name in piece.inputs.items()
        }
        theirs, ours = s.run([piece.output], feed)[0], load(piece.result)
        assert theirs.size == ours.size, piece.name
        if piece.integer:
            step = np.abs(theirs.reshape(-1).astype(int) - ours.reshape(-1).astype(int))
            count.values += step.size
            count.different += int((step > 0).sum())
            count.step = max(count.step, int(step.max()))
            if step.max() > (0 if piece.op in EXACT and kernel else 1):
                bad.append(
                    f"{piece.name} ({piece.op}, {kernel or 'float'}): {(step > 0).sum()} of {step.size} differ, by up to {step.max()}"
                )
        else:
            r = ort.relative(theirs, ours)
            count.values += theirs.size
            count.relative = max(count.relative, r)
            if not r <= FLOAT_TOLERANCE:
                bad.append(f"{piece.name} ({piece.op}, float result): relative difference {r:.3g}")
    return bad


def test_every_node_fed_with_our_inputs(products, model, tmp_path, say):
    p = products(model.name)
    tensors = [
        sm.dump(p.bin, picture, tmp_path / str(i), model)
        for i, picture in enumerate(sm.ten_pictures(model)[:PICTURES])
    ]
    counts, bad = {}, []
    for piece in cut.Cutter(onnx.load(p.onnx("quantized"))).pieces():
        count = counts.setdefault((piece.op, "int8" if piece.integer else "float"), Count())
        bad += compare(piece, tensors, count, tmp_path)
    lines = [
        f"{model.name}: nodes of quantized_model in onnxruntime against ours, on our inputs, {PICTURES} pictures",
        f"{'operator':20}{'result':8}{'nodes':>6}{'values':>10}{'different':>11}{'largest':>10}  onnxruntime's kernels",
    ]
    for (op, result), c in sorted(counts.items()):
        largest = f"{c.step:g} step" if result == "int8" else f"{c.relative:.1e}"
        lines.append(
            f"{op:20}{result:8}{c.nodes:6}{c.values:10}{c.different:11}{largest:>10}  "
            + ", ".join(f"{k} {n}" for k, n in c.kernels.items())
        )
    say(f"integers-{model.name}.txt", "\n".join(lines))
    assert not bad, "\n".join(bad)
    for op in EXACT:  # the zeros above mean something only where the integer kernel ran
        if (op, "int8") in counts:
            assert "float" not in counts[op, "int8"].kernels


sys.path.insert(0, str(tool.ROOT / "tests/hostile"))
import many_ops  # noqa: E402


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return many_ops.convert(tmp_path_factory.mktemp("many"))


@pytest.mark.parametrize("name", [name for name, _, _ in many_ops.CONFIGS])
def test_every_operator_in_every_type(name, many, tmp_path, say):
    """Nearly every operator in int8, int16 and both, on random pixels: onnxruntime computes int16 in float32,
    so one step is allowed."""
    tool.run("run", many / f"many_{name}.bin", "--output-dir", tmp_path / "run", "--dump-all", want=tool.DONE)
    counts, bad = {}, []
    for piece in cut.Cutter(onnx.load(many / f"many_{name}_quantized_model.onnx")).pieces():
        count = counts.setdefault(piece.op, Count())
        bad += compare(piece, [tmp_path / "run" / "tensors"], count, tmp_path)
    say(
        f"integers-many-{name}.txt",
        f"{name}: "
        + ", ".join(
            f"{op} {c.values} values, {c.different} differ by up to {c.step:g}"
            for op, c in sorted(counts.items())
        ),
    )
    assert not bad, "\n".join(bad)
    assert len(counts) > (8 if name == "bayes-e" else 16)
