"""HTML reports: what headless Chromium makes of them, and the numbers beside them."""
import base64
import io
import json
import os
import pathlib
import re
import subprocess

import coco
import numpy as np
import onnx
import pytest
from PIL import Image
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from tool import BAD_INPUT, CHECK_FAILED, DONE, ROOT, USAGE, run

HOSTILE = ["</script><script>window.hostile=1</script><img src=x onerror=window.hostile=2>",
           "\"'&lt;${7*7}`\u2028\u0007 名字 " + "n" * 300, "__proto__", "constructor"]
PYTHON = "/usr/bin/python3"  # of the system, which has selenium


def network(path, size, names=()):
    """Blocks of five nodes with a residual each."""
    nodes, x = [], "x"

    def node(op, *inputs):
        i = len(nodes)
        name = names[i] if i < len(names) else f"/block.{i // 5}/layer.{i}/{op}"
        nodes.append(h.make_node(op, inputs, [f"v{i}"], name))
        return f"v{i}"

    while len(nodes) < size:
        x = node("Tanh", node("Add", node("Conv", node("Relu", node("Conv", x, "w")), "w"), x))
    g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 8, 4, 4])],
                     [h.make_tensor_value_info(x, T.FLOAT, None)],
                     [nh.from_array(np.eye(8, dtype=np.float32).reshape(8, 8, 1, 1), "w")])
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), path)


def browse(page, *more):
    words = [PYTHON, ROOT / "tests/report/browser.py", page, *more]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def numbers(texts):
    return [float(t.replace(",", "")) for t in texts if t != "–"]


def check_page(seen):
    """What holds for every report."""
    assert seen["ready"] == "yes" and seen["sections"][0] == "verdict" and "origin" in seen["sections"]
    assert not seen["console"] and not seen["requests"] and seen["hostile"] is None and not seen["markup"]
    for theme in ("light", "dark"):
        looked, bad = seen["contrast"][theme]
        assert looked > 20 and not bad, (theme, bad[:5])
    assert seen["backs"]["light"] != seen["backs"]["dark"]
    assert seen["lang_zh"] == "zh-CN" and seen["lang_en"] == "en"
    zh, en = seen["titles"]["zh"], seen["titles"]["en"]
    assert len(zh) == len(en) and all(a != b for a, b in zip(zh, en))
    assert all(any(c > "\u4e00" for c in t) for t in zh)
    assert not seen["untranslated"], seen["untranslated"]
    assert not seen["unreachable"] and not seen["nameless"] and seen["first_tab"] == "skip"
    assert all(done and width for done, width in seen["images"]) and all(seen["charts"])


def check_nodes(seen):
    down, up = numbers(seen["down"]), numbers(seen["up"])
    assert down == sorted(down, reverse=True) and up == sorted(up)
    assert [seen["down_said"], seen["up_said"]] == ["descending", "ascending"]
    assert seen["filtered"] and not seen["none"]
    assert all(seen["filter"].lower() in row.lower() for row in seen["filtered"])
    assert seen["details"] == seen["clicked"] and seen["chosen_rows"] == 1


def check_drawing(seen, nodes):
    assert seen["drawn"] == nodes and seen["edges"] >= nodes - 1
    kind, name = seen["shape_clicked"][0].split(" ", 1)
    assert seen["shape_clicked"][1] == name
    assert seen["arrow"][0] != seen["arrow"][1] and seen["zoomed"][1] < seen["zoomed"][0]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    network(folder / "net.onnx", 1000, HOSTILE)
    run("perf", folder / "net.onnx", "--rounds", "3", "--report", folder / "net.html", want=DONE)
    return folder / "net.html"


def test_a_thousand_nodes(large):
    """Opens in 2 s, answers within 300 ms (of the page's own computing)."""
    seen = browse(large)
    check_page(seen)
    check_nodes(seen)
    check_drawing(seen, 1000)
    assert seen["opened"] < 2000, seen["opened"]
    assert max(seen["times"].values()) < 300, seen["times"]
    assert seen["fills"] > 5


def test_hostile_names_stay_names(large):
    data = json.loads(large.with_suffix(".json").read_text())
    names = [n["name"] for n in data["network"]["nodes"]]
    assert names[0] == HOSTILE[0] and names[1].startswith("\"'&lt;${7*7}`\u2028") and "n" * 300 in names[1]
    page = large.read_text()
    data = page[page.index('id="data">') + 10:]
    assert "<" not in data[:data.index("</script>")]


@pytest.fixture(scope="module")
def verified(digits, tmp_path_factory):
    page = tmp_path_factory.mktemp("verified") / "verify.html"
    run("verify", digits.stage("quantized"), digits.bin, "--report", page, want=DONE)
    return page


def test_verify(verified):
    seen = browse(verified)
    check_page(seen)
    check_nodes(seen)
    data = json.loads(verified.with_suffix(".json").read_text())
    check_drawing(seen, len(data["network"]["nodes"]))
    assert "Passed" in seen["verdict"] and data["passed"] is True
    ends = {k: [float(x) for x in v.split(" … ")] for k, v in seen["scales"].items()}
    assert [v for k, v in ends.items() if k.endswith("max_bound")] == [[0, 1]], ends
    assert all(v[1] - v[0] >= 0.00099 for k, v in ends.items() if "cosine" in k)


def test_json_is_what_the_command_prints(digits, verified):
    said = json.loads(run("verify", digits.stage("quantized"), digits.bin, "--json", want=DONE).out)
    data = json.loads(verified.with_suffix(".json").read_text())
    assert data["result"] == said and data["command"] == "verify"
    assert data["line"].startswith("vernier verify ") and "--report" in data["line"]
    sizes = [p.stat().st_size for p in (digits.stage("quantized"), digits.bin)]
    assert [f["bytes"] for f in data["files"]] == sizes and all(f["meta"] for f in data["files"])


def test_every_debug_part(digits, tmp_path):
    """All columns have a name in both languages, and the network is drawn."""
    model, data = digits.stage("calibrated"), digits.calib
    parts = {"sensitivity": ["--node-type", "activation"], "accumulated": ["--quantize", "weight"],
             "tensors": [], "sensitivity-analysis": [], "distribution": ["--nodes", "conv_1"],
             "channels": ["--nodes", "conv_1"], "runall": ["--save-dir", tmp_path / "all"]}
    for part, more in parts.items():
        page = tmp_path / f"{part}.html"
        run("debug", part, model, data, "--samples", "2", *more, "--report", page, want=DONE)
        seen = browse(page)
        check_page(seen)
        check_drawing(seen, len(json.loads(page.with_suffix(".json").read_text())["network"]["nodes"]))


def test_instructions_of_no_node(tmp_path):
    """A node without a name can be chosen."""
    network(tmp_path / "n.onnx", 10)
    run("perf", tmp_path / "n.onnx", "--rounds", "1", "--report", tmp_path / "r.html", want=DONE)
    seen = browse(tmp_path / "r.html")
    check_page(seen)
    assert all(seen["nodes"])


def test_a_failure_stands_first(digits, tmp_path):
    model = onnx.load(digits.stage("quantized"))
    for t in model.graph.initializer:
        if t.data_type == T.INT8 and len(t.dims) > 1:
            w = nh.to_array(t).copy()
            w.flat[0] ^= 64
            t.CopyFrom(nh.from_array(w, t.name))
            break
    onnx.save(model, tmp_path / "other.onnx")
    run("verify", tmp_path / "other.onnx", digits.bin, "--report", tmp_path / "r.html", want=CHECK_FAILED)
    seen = browse(tmp_path / "r.html")
    check_page(seen)
    assert "Failed" in seen["verdict"]


def test_every_command(digits, tmp_path):
    """convert, debug, eval and align write the same kind of page."""
    page = tmp_path / "r.html"
    digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    run("convert", "-c", tmp_path / "d.yaml", "--log", "none", "--report", page, want=DONE)
    data = json.loads(page.with_suffix(".json").read_text())
    assert data["config"]["text"] == (tmp_path / "d.yaml").read_text()
    assert data["result"]["nodes"] and data["passed"]
    assert page.stat().st_size < 1 << 20
    check_page(browse(page))
    models = [digits.stage("original_float"), digits.bin]
    run("eval", *models, "--metric", "top_k", "--images", digits.held_out, "--labels", digits.labels,
        "--limit", "20", "--report", page, want=DONE)
    data = json.loads(page.with_suffix(".json").read_text())
    assert [m["model"] for m in data["result"]["models"]] == [str(m) for m in models]
    check_page(browse(page))


def test_stages_of_an_alignment(tmp_path):
    """Each stage that differs: both sides and their difference as images; also where shapes differ."""
    r = np.random.default_rng(2)
    rgb = r.integers(0, 200, (40, 60, 3), np.uint8)
    stages = {"read": (rgb, rgb), "shifted": (rgb, rgb + np.uint8(20)), "resize": (rgb, rgb[:30, :50]),
              "numbers": (np.arange(7.0), np.arange(7.0) + 1)}
    for k, side in enumerate(("left", "right")):
        (tmp_path / side).mkdir()
        np.savez(tmp_path / f"{side}.npz", **{n: x[k] for n, x in stages.items()})
    page = tmp_path / "r.html"
    run("align", tmp_path / "left.npz", tmp_path / "right.npz", "--report", page, want=CHECK_FAILED)
    samples = {s["sample"]: s for s in json.loads(page.with_suffix(".json").read_text())["samples"]}
    labels = {n: [side["label"] for side in s["outputs"][0]["sides"]] for n, s in samples.items()}
    assert labels["shifted"] == ["left", "right", "difference"] and labels["resize"] == ["left_right"]
    assert "read" not in labels and "numbers" not in labels and samples["shifted"]["numbers"]["max"] == 20
    left, right, difference = [pixels(page, s["image"]) for s in samples["shifted"]["outputs"][0]["sides"]]
    assert (left == rgb).all() and (right == rgb + 20).all() and (difference == 255).all()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".vernier")]
    check_page(browse(page))


def test_flow_and_tune(digits, tmp_path):
    page = tmp_path / "r.html"
    digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    done = run("flow", "-c", tmp_path / "d.yaml", "--samples", "2", "--report", page, "--json", want=DONE)
    data = json.loads(page.with_suffix(".json").read_text())
    assert data["result"] == json.loads(done.out) and data["result"]["steps"]
    assert data["samples"] and {n["node"] for n in data["result"]["nodes"]} <= {
        n["name"] for n in data["network"]["nodes"]}
    words = (ROOT / "src/report/html/words.js").read_text()
    keys = {*data["result"], *(k for s in data["result"]["steps"] for k in s)}
    assert not [k for k in keys if not re.search(rf"^  (flow_)?{k}:", words, re.M)]
    seen = browse(page)
    check_page(seen)
    check_drawing(seen, len(data["network"]["nodes"]))
    run("flow", "-c", tmp_path / "d.yaml", "--set", "input_type_train=featuremap", "--save",
        tmp_path / "e.yaml", "--report", page, want=CHECK_FAILED)
    data = json.loads(page.with_suffix(".json").read_text())
    assert data["network"]["nodes"] and not data["result"]["nodes"]
    run("tune", "-c", tmp_path / "d.yaml", "--latency-ratio", "2", "--plans", "2", "--samples", "4",
        "--report", page, want=DONE)
    data = json.loads(page.with_suffix(".json").read_text())
    assert data["command"] == "tune" and len([p for p in data["result"]["plans"] if not p["refined"]]) == 2
    assert data["config"]["file"] == data["result"]["yaml"]  # to copy
    seen = browse(page)
    check_page(seen)
    check_drawing(seen, len(data["network"]["nodes"]))


def test_without_graphviz(tmp_path):
    """The own layout: rows by the longest way, no two nodes at one place."""
    network(tmp_path / "n.onnx", 40)
    run("perf", tmp_path / "n.onnx", "--rounds", "1", "--report", tmp_path / "r.html", want=DONE,
        env={"PATH": str(tmp_path)})
    nodes = json.loads((tmp_path / "r.json").read_text())["network"]["nodes"]
    rows = {}
    for n in nodes:
        rows.setdefault(n["y"], []).append(n)
    for row in rows.values():
        row.sort(key=lambda n: n["x"])
        assert all(a["x"] + a["w"] / 2 < b["x"] - b["w"] / 2 for a, b in zip(row, row[1:]))
    made = {v: n["y"] for n in nodes for v in n["out"]}
    assert all(made[v] < n["y"] for n in nodes for v in n["in"] if v in made)


def test_same_bytes(digits, tmp_path):
    pages = []
    for name in ("a.html", "b.html"):
        run("verify", digits.stage("quantized"), digits.bin, "--report", "r.html", want=DONE, cwd=tmp_path,
            env={"SOURCE_DATE_EPOCH": "1700000000"})
        pages.append((tmp_path / "r.html").read_bytes())
    assert pages[0] == pages[1] and b"2023-11-14T22:13:20Z" in pages[0]


def test_names_and_places(digits, tmp_path):
    done = run("verify", digits.stage("quantized"), digits.bin, "--report", tmp_path / "r.htm", want=USAGE)
    assert "expected a name that ends in .html" in done.err
    done = run("perf", digits.bin, "--rounds", "1", "--report", tmp_path / "no/such/r.html")
    assert done.status not in (DONE, 1) and "r.json" in done.err


def test_the_page_is_closed():
    """Nothing of the page's own text can be fetched from elsewhere."""
    for path in (ROOT / "src/report/html").iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text and "https:" not in text and "innerHTML" not in text, path
        assert "insertAdjacentHTML" not in text and "eval(" not in text
    assert pathlib.Path(PYTHON).exists() and os.access(PYTHON, os.X_OK)


# ---- the worst samples ----

def pixels(page, image):
    text = page.read_text()
    text = text[text.index('id="images">') + 12:]
    uri = json.loads(text[:text.index("</script>")])[image]
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_boxes_are_drawn(tmp_path):
    """On the image as it is shown; the other network's boxes lie 3 pixels of its input further out."""
    coco.save_rectangles(tmp_path)
    nets = [coco.save_seeing_net(tmp_path / f"{extra}.onnx", "pixels", extra=extra) for extra in (0, 3)]
    page = tmp_path / "r.html"
    run("eval", *nets, "--metric", "coco", "--images", tmp_path / "images", "--labels",
        tmp_path / "truth.json", "--boxes", "boxes", "--scores", "scores", "--form", "corners", "--units",
        "pixels", "--colours", "rgb", "--scale", "0.00392156862745098", "--report", page, want=DONE)
    samples = json.loads(page.with_suffix(".json").read_text())["samples"]
    assert len(samples) == 6
    for s in samples:
        left, right = s["outputs"][0]["sides"]
        assert [left["label"], right["label"]] == ["float", "quantized"]
        assert left["rows"][0]["class"] == 1 and left["rows"][0]["score"] > 0.9
        a, b = pixels(page, left["image"]), pixels(page, right["image"])
        assert a.shape == b.shape == (coco.SIZE[1], coco.SIZE[0], 3)
        coloured = [np.argwhere(np.ptp(x.astype(int), axis=2) > 60) for x in (a, b)]
        x, y, w, h = coco.RECTANGLE
        for found, out in zip(coloured, (0, 8)):
            (top, first), (bottom, last) = found.min(0), found.max(0)
            got = np.array([first, top, last, bottom]) - [x - out, y - out, x + w + out, y + h + out]
            assert np.abs(got).max() <= 5, (got, out)  # a pixel of the input is 3 of the image's


def test_masks_are_drawn(tmp_path):
    rng, weights = np.random.default_rng(5), np.random.default_rng(6).normal(size=(5, 3, 3, 3))
    nets = []
    for name, noise in (("a", 0), ("b", 0.05)):
        w = (weights + noise * rng.normal(size=weights.shape)).astype(np.float32)
        g = h.make_graph([h.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4)], "g",
                         [h.make_tensor_value_info("x", T.FLOAT, [1, 3, 24, 32])],
                         [h.make_tensor_value_info("y", T.FLOAT, [1, 5, 24, 32])], [nh.from_array(w, "w")])
        nets.append(tmp_path / f"{name}.onnx")
        onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8), nets[-1])
    (tmp_path / "x").mkdir()
    for i in range(3):
        np.save(tmp_path / f"x/{i}.npy", rng.normal(size=(1, 3, 24, 32)).astype(np.float32))
    page = tmp_path / "r.html"
    run("eval", *nets, "--metric", "outputs", "--images", tmp_path / "x", "--report", page, want=DONE)
    samples = json.loads(page.with_suffix(".json").read_text())["samples"]
    cosines = [s["numbers"]["least_cosine"] for s in samples]
    assert len(samples) == 3 and cosines == sorted(cosines)
    for s in samples:
        masks = [pixels(page, side["image"]).astype(int) for side in s["outputs"][0]["sides"]]
        assert all(m.shape == (24, 32, 3) for m in masks)
        same = (masks[0] == masks[1]).all(2)
        assert s["outputs"][0]["agreement"] == pytest.approx(same.mean()) and 0.5 < same.mean() < 1
        assert ((masks[2] == 0xd8).all(2) == same).all()
    check_page(browse(page))


def test_worst_samples_of_a_conversion(digits, tmp_path):
    """The worst one is the table's; classes of both networks beside each other."""
    page = tmp_path / "r.html"
    digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    plain = json.loads(run("convert", "-c", tmp_path / "d.yaml", "--log", "none", "--json", want=DONE).out)
    run("convert", "-c", tmp_path / "d.yaml", "--log", "none", "--report", page, want=DONE)
    data = json.loads(page.with_suffix(".json").read_text())
    assert data["result"]["outputs"] == plain["outputs"] and len(data["samples"]) == 6
    worst = data["samples"][0]
    assert pathlib.Path(worst["sample"]).name == plain["outputs"][0]["worst_sample"]
    assert worst["numbers"]["least_cosine"] == pytest.approx(plain["outputs"][0]["cosine_min"], abs=1e-9)
    image, classes = worst["outputs"]
    assert pixels(page, image["sides"][0]["image"]).shape == (8, 8, 3)
    tops = [[r["class"] for r in side["rows"]] for side in classes["sides"]]
    assert len(tops[0]) == 5 and tops[0][0] == tops[1][0]
    scores = [r["score"] for r in classes["sides"][0]["rows"]]
    assert scores == sorted(scores, reverse=True)


def test_worst_samples_of_a_verification(digits, tmp_path):
    """Reference executor and program beside each other; random samples are not shown."""
    page = tmp_path / "v.html"
    run("verify", digits.stage("quantized"), digits.bin, "--images", digits.calib, "--limit", "8", "--report",
        page, want=DONE)
    data = json.loads(page.with_suffix(".json").read_text())
    shown = data["samples"]
    assert 1 < len(shown) <= 8 and len({s["sample"] for s in shown}) == len(shown)
    cosines = [s["numbers"]["least_cosine"] for s in shown]
    assert cosines == sorted(cosines) and cosines[0] > 0.9999 and data["passed"]
    assert pixels(page, shown[0]["outputs"][0]["sides"][0]["image"]).shape == (8, 8, 3)


# ---- two runs, and other programs ----

@pytest.fixture(scope="module")
def two_runs(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    for name, method in (("a", "max"), ("b", "kl")):
        text = digits.write_yaml(folder / "d.yaml", folder / name).read_text()
        (folder / f"{name}.yaml").write_text(text.replace("'max'", f"'{method}'"))
        run("convert", "-c", folder / f"{name}.yaml", "--log", "none", "--report", folder / f"{name}.html",
            "--overlay", folder / f"{name}.overlay", want=DONE)
    return folder


def test_two_runs_say_what_changed(two_runs):
    page = two_runs / "both.html"
    words = ["report", two_runs / "a.json", two_runs / "b.json", "--output", page]
    got = json.loads(run(*words, "--json", want=DONE).out)
    pages = [json.loads((two_runs / f"{x}.json").read_text()) for x in "ab"]
    changed = {row["key"]: row for row in got["changed"]}
    assert changed["method"] == {"key": "method", "a": "max", "b": "kl"} and "configuration" in changed
    a, b = (p["result"]["outputs"][0]["cosine_min"] for p in pages)
    row = changed["outputs logits.cosine_min"]
    assert (row["a"], row["b"]) == (a, b) and row["worse_by"] == pytest.approx(a - b)
    shares = [abs(r["b"] - r["a"]) / max(abs(r["a"]), abs(r["b"])) for r in got["changed"] if "worse_by" in r]
    assert len(shares) > 3 and shares == sorted(shares, reverse=True)
    rows = [{n["node"]: n for n in p["result"]["nodes"]} for p in pages]
    assert got["nodes"] and not got["only_in_a"] and not got["only_in_b"]
    for n in got["nodes"]:
        x, y = (r[n["node"]]["cosine_mean"] for r in rows)
        assert n.get("cosine_mean", {"worse_by": 0})["worse_by"] == pytest.approx(x - y, abs=1e-12)
    seen = browse(page)
    check_page(seen)
    check_nodes(seen)
    assert json.loads((two_runs / "both.json").read_text())["result"] == got
    table = run("report", two_runs / "a.json", two_runs / "b.json", want=DONE).out
    assert "method" in table and f"{len(got['changed'])} values and {len(got['nodes'])} nodes differ" in table


def test_equal_runs_differ_in_nothing(two_runs):
    got = json.loads(run("report", two_runs / "a.json", two_runs / "a.json", "--json", want=DONE).out)
    assert not got["changed"] and not got["nodes"]


def test_files_that_are_no_reports(two_runs, digits, verified, tmp_path):
    ours = two_runs / "a.json"
    wrong = '{"report": 1, "command": "convert", "line": "", "result": [], "files": []}'
    for text, message in (("{", "line 1"), ("[]", "expected the"), ('{"report": 1}', "expected the"),
                          (wrong, "expected the JSON file")):
        (tmp_path / "x.json").write_text(text)
        assert message in run("report", ours, tmp_path / "x.json", want=BAD_INPUT).err
    assert "'vernier verify'" in run("report", ours, verified.with_suffix(".json"), want=BAD_INPUT).err
    run("report", ours, ours, "-o", tmp_path / "x.txt", want=USAGE)
    text = '{"report": 1, "command": "convert", "line": "", "files": [3], "config": 5, "network": "none", ' \
           '"result": {"nodes": [{"node": "a"}, 5, null], "outputs": [[], {"output": "x", "y": {"z": [1]}}]}}'
    (tmp_path / "x.json").write_text(text)
    run("report", ours, tmp_path / "x.json", "-o", tmp_path / "y.html", want=DONE)
    run("report", tmp_path / "x.json", ours, "-o", tmp_path / "z.html", want=DONE)


def test_overlay_names_tensors(two_runs):
    """The form of model_explorer.node_data_builder.GraphNodeData; keys are outputs of nodes."""
    overlay, page = (json.loads((two_runs / name).read_text()) for name in ("a.overlay", "a.json"))
    model = onnx.load(two_runs / "a/digits_quantized_model.onnx")
    made = {o for n in model.graph.node for o in n.output}
    assert set(overlay) == {"results", "gradient"} and [g["stop"] for g in overlay["gradient"]] == [0, 1]
    assert overlay["results"] and set(overlay["results"]) <= made
    cosines = {n["node"]: n["cosine_mean"] for n in page["result"]["nodes"] if "cosine_mean" in n}
    values = [v["value"] for v in overlay["results"].values()]
    assert sorted(set(values)) == pytest.approx(sorted(set(cosines.values())))
