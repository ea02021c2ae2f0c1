"""The parts of bench/ that run nothing: keys, ratios, agreement, tables, counts of work."""

import importlib.util
import sys

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper

from coco import with_pycocotools

sys.path.insert(0, str(tool.ROOT / "bench"))
import boxes  # noqa: E402
import cache  # noqa: E402
import convert  # noqa: E402
import engines  # noqa: E402
import layers  # noqa: E402
import networks  # noqa: E402
import table  # noqa: E402

# tests/model has an accuracy.py, too
spec = importlib.util.spec_from_file_location("bench_accuracy", tool.ROOT / "bench/accuracy.py")
accuracy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(accuracy)


def row(engine, ms, cosine=1.0, model="net", **more):
    return {
        "model": model,
        "engine": engine,
        "median_ms": ms,
        "cosine": cosine,
        "sqnr_db": 30,
        "note": "",
        **more,
    }


ROWS = [
    row("vernier int8", 2),
    row("vernier float", 6),
    row("vernier int16", 8),
    row("onnxruntime float", 5),
    row("onnxruntime int8", 3),
    row("openvino float", 4),
    row("openvino int8", ""),
]


def test_ratios():
    assert table.ratios(ROWS) == {
        "int8 / best int8": 1.5,
        "float / best float": 4 / 6,
        "int8 / own float": 3,
        "int16 / own float": 0.75,
    }


def test_times_of_something_else_do_not_count():
    """Neither a rival that computes something else, nor our own."""
    rows = [*ROWS, row("ncnn float", 1, cosine=0.99), row("openvino int8", 1, cosine=0.3)]
    assert table.ratios(rows) == table.ratios(ROWS)
    assert table.ratios([row("vernier int8", 1, cosine=0.2), *ROWS[1:]])["int8 / own float"] is None
    assert (
        table.cell(rows[-1]) == "1.000 !" and table.cell(ROWS[0]) == "2.000" and table.cell(ROWS[-1]) == "-"
    )


def test_no_rival_no_ratio():
    assert table.ratios(ROWS[:1]) == dict.fromkeys(table.RATIOS)


def test_geometric_mean():
    assert table.geomean([2, 8]) == pytest.approx(4)
    assert table.geomean(iter([0.5])) == pytest.approx(0.5)
    assert table.geomean([]) is None


def test_agreement():
    assert table.agreement([[1, 2]], [[1, 2]]) == (1, float("inf"))
    assert table.agreement([[1, 2], [0, 1]], [[1, 2], [1, 0]])[0] == 0, "the least similar output counts"
    assert table.agreement([[1, 2]], [[1, 2, 3]]) is None and table.agreement([[1]], [[1], [2]]) is None
    assert table.pair([0, 0], [0, 0])[0] == 1 and table.pair([1, 0], [0, 0])[0] == 0
    assert table.pair([1.1, 0], [1, 0])[1] == pytest.approx(20)


def test_tables_show_every_cell():
    text = table.times(
        [*ROWS, row("vernier int8", 1, model="other")], ["vernier int8", "openvino int8"]
    ).splitlines()
    assert text[1].split() == ["net", "2.000", "-", "1.50", "0.67", "3.00", "0.75"]
    assert text[2].split() == ["other", "1.000", "-", "-", "-", "-", "-"]
    assert text[3].startswith("geometric mean") and text[4].startswith("least")
    assert "30.0 (1.0000)" in table.fidelity(ROWS, ["vernier int8"])
    assert table.notes([row("ncnn float", "", note="no form of X")]) == "net, ncnn float: no form of X"


def test_results_keep_what_was_not_measured(tmp_path):
    old = [row("vernier int8", 2), row("ncnn float", 7), row("gone int8", 1)]
    new = [row("vernier int8", 1), row("vernier int8", 5, model="other")]
    merged = table.merge(old, new, ["other", "net"], ["ncnn float", "vernier int8"])
    assert [(r["model"], r["median_ms"]) for r in merged] == [("other", 5), ("net", 7), ("net", 1)]
    table.write(tmp_path / "r.csv", merged)
    assert [(r["model"], r["median_ms"]) for r in table.read(tmp_path / "r.csv")] == [
        ("other", "5"),
        ("net", "7"),
        ("net", "1"),
    ]
    assert table.read(tmp_path / "none.csv") == []


def test_keys_tell_settings_apart():
    key = cache.key("hash", {"a": 1, "b": [1, 2]})
    assert len(key) == 12 and key == cache.key("hash", {"b": (1, 2), "a": 1})
    assert key != cache.key("hash", {"a": 1, "b": [2, 1]}) and key != cache.key(
        "other", {"a": 1, "b": [1, 2]}
    )


def test_cache_fills_once_and_drops_the_old(tmp_path):
    made = []
    for version in 1, 1, 2:
        cache.fill(cache.entry(tmp_path, "tool-int8", version), lambda folder: made.append(folder))
    assert len(made) == 2 and len(list(tmp_path.iterdir())) == 1
    cache.fill(cache.entry(tmp_path, "tool", 1), lambda folder: None)
    assert len(list(tmp_path.iterdir())) == 2, "names that begin alike are different entries"


def test_half_made_entries_are_not_kept(tmp_path):
    def fail(folder):
        (folder / "half").write_text("")
        raise OSError

    with pytest.raises(OSError):
        cache.fill(tmp_path / "x", fail)
    assert list(cache.fill(tmp_path / "x", lambda folder: None).iterdir()) == []


def test_reasons():
    assert engines.reason("Traceback ...\nValueError:  no\tform \n\n", 1) == "ValueError: no form"
    assert engines.reason("", -11) == "crashed with signal 11" and engines.reason("", 3) == "exit status 3"


def job(name, seconds, samples="", compared="", peak=""):
    return {
        "model": "net",
        "job": name,
        "samples": samples,
        "compared": compared,
        "seconds": seconds,
        "peak_mb": peak,
    }


JOBS = [
    job("float run", "0.002"),
    job("int8 run", "0.001"),
    job("vernier max", 1, 32, 0, 20),
    job("onnxruntime minmax", 3, 32, 0, 90),
    job("nncf accurate", ""),
    job("slope", 0.2, 10, 1, 20),
    job("slope", "0.5", "110", "1", "20"),
    job("slope", 0.3, 10, 10, 20),
    job("slope", 1.1, 110, 110, 22),
]


def test_what_a_conversion_takes():
    """Of numbers, and of text from the CSV file."""
    ratios = {name: f(convert.View(JOBS)) for name, f in convert.RATIOS.items()}
    assert ratios == {
        "max / minmax": 3,
        "default / accurate": None,
        "collecting / float run": pytest.approx(0.003 / 0.002),
        "tables / runs": pytest.approx(0.005 / 0.003),
        "memory": pytest.approx(1.1),
    }
    assert not any(f(convert.View([])) for f in convert.RATIOS.values())


def test_engines_and_networks_are_named_once():
    assert {table.kind(e) for e in engines.ENGINES} == {"int8", "int16", "float"} == set(table.TRUST)
    listed = {n.file for n in networks.NETWORKS.values()} | set(networks.DUPLICATES)
    models = tool.SHARED / "models"
    if models.is_dir():
        assert {p.name for p in models.iterdir() if p.suffix in (".onnx", ".caffemodel")} <= listed


def test_multiply_accumulates_and_lines():
    graph = helper.make_graph(
        [
            helper.make_node(
                "Conv", ["x", "w"], ["y"], "conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=2
            ),
            helper.make_node("Flatten", ["y"], ["f"], "flat"),
            helper.make_node("MatMul", ["f", "m"], ["z"], "product"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 10])],
        [
            helper.make_tensor("w", TensorProto.FLOAT, [6, 2, 3, 3], [0.0] * 108),
            helper.make_tensor("m", TensorProto.FLOAT, [384, 10], [0.0] * 3840),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(model)
    counts = layers.multiply_accumulates(model)
    assert counts == {"conv": 6 * 8 * 8 * 2 * 9, "product": 3840}
    ours = [("conv", "COPY", 5.0), ("conv", "CONV_S8", 0.001), ("product", "CONV_S8", 0.002)]
    theirs = [({"conv", "relu"}, "Convolution", 0.002)]
    rows = list(layers.layers(counts, ours, theirs, top=20))
    assert layers.line(rows[0]) == ["conv", "0.0", "1.0", "14", "69%", "2.0", "7", "2.00"]
    assert layers.line(rows[1])[-1] == "-" and set(rows[0]) < set(layers.COLUMNS)


def test_large_layers_below_the_goal_are_marked():
    row = {"mmac": 50.0, "of_peak": 0.74}
    assert layers.is_slow(row)
    others = {"mmac": 49}, {"of_peak": 0.75}, {"of_peak": ""}
    assert not any(layers.is_slow({**row, **other}) for other in others)


def test_least_of_profiles():
    assert layers.least([[("a", "CONV", t), ("b", "ADD", 1)] for t in (5, 1, 2)]) == [
        ("a", "CONV", 1),
        ("b", "ADD", 1),
    ]


def test_second_half_of_averages():
    """Runs of 9 and 5 ms, then 2 and 4: 7 on average, all together 5."""
    assert layers.second_half([("a", "CONV", 7)], [("a", "CONV", 5)]) == [("a", "CONV", 3)]


def test_metrics_of_accuracy():
    top = accuracy.TopOne([1, 0])
    assert top.score(top.records([np.array([[0, 1.0], [0, 1]])])) == 50
    plates = accuracy.Plates(["AB", "AA"], ["A", "B", "-"])
    steps = np.eye(3)[[[0, 0, 1, 2], [0, 2, 0, 0]]].transpose(0, 2, 1)
    assert plates.score(plates.records([steps])) == 100
    pixels = accuracy.MeanIoU([np.array([[0, 0], [1, 11]])])
    x = np.zeros((1, 11, 2, 2), np.float32)
    x[0, 0, 0] = x[0, 1, 1] = 1
    assert pixels.score(pixels.records([x])) == 100
    x[0, 1, 0, 1] = 2
    assert pixels.score(pixels.records([x])) == pytest.approx(50)
    assert np.allclose(accuracy.enlarge(np.array([[[0.0, 1]]]), (1, 4)), [[[0, 0.25, 0.75, 1]]])


def test_agreement_counts_decisions_that_are_made():
    found = accuracy.detections(lambda o: o[0])
    a, b = (found([np.array([x])]) for x in ([[0.9, 0], [0.1, 0], [0, 0.6]], [[0.8, 0], [0, 0.7], [0, 0.9]]))
    assert a.tolist() == [[0, -1, 1]] and accuracy.agreement(a, b) == pytest.approx(200 / 3)
    assert accuracy.agreement(a, a) == 100


def test_fidelity():
    x, y = [np.array([[1.0, 0], [0, 2]])], [np.array([[1.0, 0.5], [0, 2]])]
    mean, least, cosine = accuracy.fidelity(x, y)
    assert mean == least == pytest.approx(10 * np.log10(5 / 0.25)) and cosine == pytest.approx(1 / 1.25**0.5)


# ---- boxes ----

def scattered(rng, n, classes=3):
    corner = rng.uniform(0, 60, (n, 2))
    side = rng.uniform(10, 40, (n, 2))
    return np.hstack([rng.integers(0, classes, (n, 1)), rng.uniform(0, 1, (n, 1)), corner, corner + side])


def coco_boxes(images, scores=False):
    rows = []
    for i, image in enumerate(images):
        for c, score, x, y, x2, y2 in image:
            row = {"id": len(rows) + 1, "image_id": i, "category_id": int(c), "bbox": [x, y, x2 - x, y2 - y]}
            rows.append({**row, "score": score} if scores else
                        {**row, "area": (x2 - x) * (y2 - y), "iscrowd": 0})
    return rows


def test_ap50_is_that_of_coco():
    """Of random boxes, about half of them near true ones."""
    rng = np.random.default_rng(4)
    truth = [scattered(rng, 6) for _ in range(5)]
    found = []
    for t in truth:
        near = t + rng.normal(size=t.shape) * np.array([0, 0.1, 4, 4, 4, 4])
        near[:, 4:] = np.maximum(near[:, 4:], near[:, 2:4] + 1)
        both = np.vstack([near, scattered(rng, 5)])
        found.append(both[np.argsort(-both[:, 1], kind="stable")])
    metric = boxes.AP50.__new__(boxes.AP50)
    metric.truth = truth
    metric.boxes = lambda outputs: outputs
    names = [{"id": c, "name": str(c)} for c in range(3)]
    truths = {"images": [{"id": i} for i in range(5)], "categories": names, "annotations": coco_boxes(truth)}
    want = with_pycocotools(truths, coco_boxes(found, True))[1]
    assert 0.2 < want < 0.9
    assert metric.score(metric.records(found)) == pytest.approx(100 * want, abs=1e-6)
    assert metric.score(metric.records(truth)) == 100


def test_boxes_of_one_object_count_once():
    decode = boxes.ssd(16, 16, ((8, (8,)),), lambda o: o[0], lambda o: o[1])
    scores, offsets = np.zeros((1, 4, 2)), np.zeros((1, 4, 4))
    scores[0, :, 1] = 0.9, 0.8, 0.2, 0.7
    offsets[0, 1, 0] = -9  # 0.9 of a side to the left: onto the first
    offsets[0, 3, 2:] = np.log(2) / 0.2
    found = boxes.find(decode, [scores, offsets], 0.5)
    np.testing.assert_allclose(found, [[0, 0.9, 0, 0, 8, 8], [0, 0.7, 4, 4, 20, 20]], atol=1e-6)


def test_resampled_ap50_needs_no_outputs():
    decode = boxes.plain(10, 10)
    scores, corners = np.zeros((2, 1, 2)), np.tile([0.1, 0.1, 0.5, 0.5], (2, 1, 1))
    scores[:, 0, 1] = 0.9
    metric = boxes.AP50(decode, 0.5, [scores, corners])
    lost = scores.copy()
    lost[1] = 0
    a, b = metric.records([scores, corners]), metric.records([lost, corners])
    assert metric.score(a) == 100 and metric.score(b) == pytest.approx(100 * 51 / 101)
    low, high = accuracy.interval(metric, a, b)
    assert low == -100 and high == 0


# ---- docs/transformers.md ----

def test_table_of_transformers():
    """Every network with every choice of types, and a line for each as the page has it."""
    sys.path.insert(0, str(tool.ROOT / "tools"))
    import transformers_table as t
    page = t.PAGE.read_text().partition("<!-- end of measured -->")[0]
    begin = tuple(f"| {n} |" for n in t.UNSEEN)
    rows = [line.split(" | ")[:2] for line in page.splitlines() if line.startswith(begin)]
    assert sorted(rows) == sorted([f"| {n}", r] for n in t.UNSEEN for r in t.RECIPES)
    said = {"network": "n", "types": "int8", "sqnr": 20.12, "same": 99.0}
    assert t.line(said) == "| n | int8 | 20.1 | 99.0 % |"
