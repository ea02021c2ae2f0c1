"""vernier eval against NumPy, on the example network and on small ones: top-k, mIoU, likeness, intervals,
going on after a stop."""

import json
import re
import shutil
import sys

import numpy as np
import pytest

import coco as boxes
import tool
from tool import resamples

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


@pytest.fixture(scope="module")
def stages(digits, tmp_path_factory):
    """Three stages of the example on its held-out pictures: (files, {file: {output: rows}}, labels)"""
    files = [digits.stage("original_float"), digits.stage("quantized"), digits.bin]
    out = {}
    for file in files:
        folder = tmp_path_factory.mktemp("rows")
        tool.run("run", file, "--images", digits.held_out, "--output-dir", folder, want=tool.DONE)
        out[file] = {p.stem: np.load(p) for p in folder.glob("*.npy")}
    names = (folder / "files.txt").read_text().split()
    label = dict(line.split() for line in digits.labels.read_text().split("\n") if line)
    return files, out, np.array([int(label[n]) for n in names])


def rank(rows, labels):
    order = np.argsort(-rows, axis=1, kind="stable")
    return np.argmax(order == labels[:, None], axis=1)


def test_top_k_and_intervals(digits, stages):
    files, out, labels = stages
    result = tool.evaluate(
        *files,
        "--metric",
        "top_k",
        "--images",
        digits.held_out,
        "--labels",
        digits.labels,
        "--k",
        "1,2",
        "--bootstrap",
        200,
        "--seed",
        7,
    )
    assert result["samples"] == len(labels) and [m["model"] for m in result["models"]] == [
        str(f) for f in files
    ]
    hits = {f: {k: rank(next(iter(out[f].values())), labels) < k for k in (1, 2)} for f in files}
    picks = list(resamples(len(labels), 200, 7))
    for file, model in zip(files, result["models"]):
        for k in (1, 2):
            score = model["scores"][f"top-{k}"]
            assert score["value"] == pytest.approx(100 * hits[file][k].mean(), abs=1e-12)
            if file is files[0]:
                assert "interval" not in score
                continue
            d = [100 * (hits[file][k][p].mean() - hits[files[0]][k][p].mean()) for p in picks]
            assert score["interval"] == pytest.approx(list(np.percentile(d, [2.5, 97.5])), abs=1e-9)
            assert score["difference"] == pytest.approx(
                100 * (hits[file][k].mean() - hits[files[0]][k].mean()), abs=1e-12
            )


def test_likeness(digits, stages):
    files, out, labels = stages
    result = tool.evaluate(*files, "--images", digits.held_out)
    assert result["metric"] == "outputs" and result["models"][0]["outputs"] == {}
    assert (
        "does not use labels"
        in tool.run(
            "eval", *files, "--images", digits.held_out, "--labels", digits.labels, want=tool.USAGE
        ).err
    )
    for file, model in list(zip(files, result["models"]))[1:]:
        for name, got in model["outputs"].items():
            a, b = (out[f][name].reshape(len(labels), -1).astype(float) for f in (files[0], file))
            cosine = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
            want = {"cosine_mean": cosine.mean(), "cosine_min": cosine.min(),
                    "max_error": np.abs(a - b).max(), "equal": (a == b).mean(),
                    "sqnr_db": 10 * np.log10((a * a).sum() / ((a - b) ** 2).sum())}
            assert got == pytest.approx(want, rel=1e-9)


def test_integer_outputs_have_a_share(digits, tmp_path):
    files, info = [], helper.make_tensor_value_info
    for k, name in enumerate("ab"):
        scale = np.random.default_rng(k).uniform(0.5, 2, (1, 1, 8, 8)).astype(np.float32)
        nodes = [helper.make_node("Mul", ["image", "k"], ["m"]),
                 helper.make_node("ArgMax", ["m"], ["y"], axis=3)]
        graph = helper.make_graph(nodes, "g", [info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
                                  [info("y", TensorProto.INT64, None)], [numpy_helper.from_array(scale, "k")])
        files.append(tmp_path / f"{name}.onnx")
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, files[-1])
    args = ("--images", digits.held_out, "--limit", 20, "--colours", "gray")
    got = tool.evaluate(*files, *args)["models"][1]["outputs"]["y"]
    assert got["cosine_mean"] is None and got["sqnr_db"] is None and 0.1 < got["equal"] < 1
    said = tool.run("eval", *files, *map(str, args), want=tool.DONE).out
    assert "Equal Elements" in said and f"{got['equal']:.6f}" in said


def test_outputs_go_by_name(digits, tmp_path):
    """Two models with the same outputs in another order, and one that has only one of them."""
    files = []
    for name, outputs in (("a", "xyz"), ("b", "zyx"), ("c", "yw")):
        nodes = [helper.make_node("Mul", ["image", "k" + o], [o]) for o in "xyzw"]
        info = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, 8, 8])
        graph = helper.make_graph(
            nodes,
            "g",
            [info("image")],
            [info(o) for o in outputs],
            [numpy_helper.from_array(np.float32(k + 1), "k" + o) for k, o in enumerate("xyzw")],
        )
        files.append(tmp_path / f"{name}.onnx")
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), files[-1]
        )
    args = ("--images", digits.held_out, "--limit", 3, "--colours", "gray")
    both = tool.evaluate(*files[:2], *args)["models"][1]["outputs"]
    assert sorted(both) == ["x", "y", "z"] and all(o["max_error"] == 0 for o in both.values())
    assert list(tool.evaluate(*files, *args)["models"][1]["outputs"]) == ["y"]
    assert (
        "no common output name to compare"
        in tool.run("eval", digits.bin, *files, *map(str, args), want=tool.BAD_INPUT).err
    )
    top = ("--metric", "top_k", "--labels", digits.labels)
    assert (
        "a.onnx has 3 outputs (x, y, ...): select one with --output"
        in tool.run("eval", files[0], *map(str, args + top), want=tool.USAGE).err
    )
    assert (
        tool.evaluate(*files[:2], *args, *top, "--output", "z")["models"][1]["scores"]["top-1"]["difference"]
        == 0
    )


def test_caffe_networks(tmp_path):
    sys.path.insert(0, str(tool.ROOT / "tests/front"))
    from caffe_writer import Net
    rng = np.random.default_rng(3)
    prototxt, caffemodel = (
        Net(data=(1, 1, 4, 5))
        .layer(
            "Convolution",
            "data",
            "y",
            [rng.normal(size=(2, 1, 3, 3))],
            "convolution_param { num_output: 2 kernel_size: 3 bias_term: false }",
        )
        .write(tmp_path)
    )
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in/x.npy", rng.normal(size=(1, 1, 4, 5)).astype(np.float32))
    args = (caffemodel, caffemodel, "--images", tmp_path / "in")
    assert tool.evaluate(*args, "--proto", prototxt)["models"][1]["outputs"]["y"]["max_error"] == 0
    assert (
        "also requires its prototxt (--proto FILE)"
        in tool.run("eval", *args, want=(tool.USAGE, tool.BAD_INPUT)).err
    )


def test_folders_are_classes_and_limit(digits, stages, tmp_path):
    files, out, labels = stages
    names = sorted(p.name for p in digits.held_out.glob("*.png"))
    for name, label in zip(names, labels):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        shutil.copy(digits.held_out / name, tmp_path / str(label))
    first = tool.evaluate(
        files[2], "--metric", "top_k", "--images", digits.held_out, "--labels", digits.labels
    )
    assert (
        first["models"][0]["scores"]
        == tool.evaluate(files[2], "--metric", "top_k", "--images", tmp_path, "--labels", "folders")[
            "models"
        ][0]["scores"]
    )
    assert (
        tool.evaluate(
            files[2], "--metric", "top_k", "--images", tmp_path, "--labels", "folders", "--limit", 5
        )["samples"]
        == 5
    )
    args = ("eval", files[2], "--metric", "top_k", "--images", digits.held_out, "--labels", digits.labels)
    assert (
        f"1 sample of the {len(labels)} with labels\n" in tool.run(*args, "--limit", "1", want=tool.DONE).out
    )
    assert f"\n{len(labels)} samples\n" in tool.run(*args, want=tool.DONE).out


def test_goes_on_from_earlier_results(digits, stages, tmp_path):
    files, state = stages[0], tmp_path / "state"
    args = (
        *files,
        "--metric",
        "top_k",
        "--images",
        digits.held_out,
        "--labels",
        digits.labels,
        "--resume",
        state,
        "--bootstrap",
        50,
    )
    whole = tool.evaluate(*args)
    lines = state.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + whole["samples"] and whole["resumed"] == 0
    again = tool.evaluate(*args)
    assert again["resumed"] == whole["samples"] and again["models"] == whole["models"]
    state.write_bytes(b"".join(lines[:11]) + lines[11][:-9])  # stopped while it wrote
    again = tool.evaluate(*args, "--threads", 2)
    assert (
        again["resumed"] == 10
        and again["models"] == whole["models"]
        and state.read_bytes() == b"".join(lines)
    )
    state.write_bytes(b"".join([lines[0], *lines[7:3:-1], *lines[20:]]))  # in any order
    again = tool.evaluate(*args)
    assert again["models"] == whole["models"] and sorted(state.read_bytes().splitlines()) == sorted(
        b"".join(lines).splitlines()
    )
    assert (
        "other models, images, labels or settings"
        in tool.run("eval", *map(str, args), "--k", "3", want=tool.BAD_INPUT).err
    )
    for bad in (
        b"0 9 1 0 1 7\n",
        b"-1\n",
        b"0\n",
        b"0 9 99999999999 1\n",
        b"0 9 1 nan 0 1 0 4 1 1 1 1\n",
        b"x\n",
        lines[1] + lines[1],
        lines[1][:-1] + b" 1\n",
    ):
        state.write_bytes(lines[0] + bad)
        assert "damaged" in tool.run("eval", *map(str, args), want=tool.BAD_INPUT).err
    state.write_text("my thesis\n")
    assert "not a file of evaluation results" in tool.run("eval", *map(str, args), want=tool.BAD_INPUT).err
    assert state.read_text() == "my thesis\n"


def test_threads_change_nothing(digits, stages, tmp_path):
    """Pictures and resamples on several threads: the same results and the same file of results, byte by
    byte."""
    ran = {}
    for threads in (1, 3, 64):
        state = tmp_path / str(threads)
        args = map(
            str,
            (
                *stages[0],
                "--metric",
                "top_k",
                "--images",
                digits.held_out,
                "--labels",
                digits.labels,
                "--limit",
                61,
                "--resume",
                state,
            ),
        )
        ran[threads] = (
            tool.run("eval", *args, "--json", "--threads", str(threads), want=tool.DONE).out,
            state.read_bytes(),
        )
    assert ran[1] == ran[3] == ran[64]


def test_the_first_bad_picture_is_named(digits, stages, tmp_path):
    """With any number of threads; the pictures before it are kept."""
    pictures, state = tmp_path / "pictures", tmp_path / "state"
    shutil.copytree(digits.held_out, pictures)
    names = sorted(p.name for p in pictures.iterdir())
    for k in (20, 23, 40):
        (pictures / names[k]).write_bytes(b"no picture")
    for threads in ("1", "4"):
        state.unlink(missing_ok=True)
        args = ("eval", *stages[0][1:], "--images", pictures, "--resume", state, "--threads", threads)
        assert f"{names[20]}: not an image" in tool.run(*args, want=(tool.BAD_INPUT, tool.INTERNAL)).err
        assert [line.split()[0] for line in state.read_text().splitlines()[1:]] == [str(k) for k in range(20)]


def test_results_of_other_data_are_not_taken(digits, stages, tmp_path):
    state, labels, steps = tmp_path / "state", tmp_path / "labels.txt", tmp_path / "p.yaml"
    pictures = tmp_path / "pictures"
    shutil.copytree(digits.held_out, pictures)
    labels.write_text(digits.labels.read_text())
    steps.write_text("steps:\n  - resize: 8\n")
    args = (
        "eval",
        stages[0][2],
        "--metric",
        "top_k",
        "--images",
        pictures,
        "--labels",
        labels,
        "--resume",
        state,
        "--limit",
        "4",
        "--pipeline",
        steps,
    )
    tool.run(*args, want=tool.DONE)
    tool.run(*args, "--bootstrap", "5", "--threads", "2", want=tool.DONE)
    for file, same, other in (
        (labels, None, labels.read_text() + "\n"),
        (steps, "steps: [resize: 8]\n", "steps:\n  - resize: {size: 8, library: opencv}\n"),
    ):
        was = file.read_text()
        if same:
            file.write_text(same)
            tool.run(*args, want=tool.DONE)
        file.write_text(other)
        assert "other models, images, labels or settings" in tool.run(*args, want=tool.BAD_INPUT).err
        file.write_text(was)
    first, other = sorted(pictures.iterdir())[:2]
    for data, resumed in (
        (other.read_bytes(), 3),
        (first.read_bytes(), 4),
        (other.read_bytes(), 4),
    ):  # a picture is another one, is back, is the other again
        was = state.read_bytes()
        first.write_bytes(data)
        again = tool.evaluate(*args[1:])
        assert (
            again["resumed"] == resumed
            and state.read_bytes().startswith(was)
            and (state.read_bytes() == was) == (resumed == 4)
        )
        assert again["models"] == tool.evaluate(*args[1:-6], *args[-4:])["models"]


def test_task_file(digits, stages, tmp_path):
    task = tmp_path / "t.yaml"
    task.write_text(
        f"metric: top_k\nimages: '{digits.held_out}'\nlabels: '{digits.labels}'\nk: [1, 3]\nbootstrap: 20\nseed: 3\n"
    )
    a = tool.evaluate(stages[0][0], stages[0][2], "--task", task)
    assert list(a["models"][0]["scores"]) == ["top-1", "top-3"] and a["bootstrap"] == 20 and a["seed"] == 3
    assert list(tool.evaluate(stages[0][2], "--task", task, "--k", 2)["models"][0]["scores"]) == ["top-2"]


def test_agreement(digits, stages):
    files, out, labels = stages
    result = tool.evaluate(*files, "--metric", "agreement", "--images", digits.held_out, "--list", 3)
    decisions = [np.argmax(next(iter(out[f].values())).reshape(len(labels), -1), 1) for f in files]
    for found, model in zip(decisions, result["models"]):
        differ = np.flatnonzero(found != decisions[0])
        want = 100 - 100 * len(differ) / len(labels)
        assert list(tool.values_of({"models": [model]}).values()) == pytest.approx([want, want], abs=1e-12)
        assert model["changed"] == len(differ) and len(model["changes"]) == min(3, len(differ))
        for change, i in zip(model["changes"], differ):
            assert change["change"] == f"1 of 1 differ; 0: {decisions[0][i]} -> {found[i]}"
    more = ("--metric", "agreement", "--images", digits.held_out)
    assert (
        "does not use labels"
        in tool.run("eval", *files, *more, "--labels", digits.labels, want=tool.USAGE).err
    )
    assert "expected two or more" in tool.run("eval", files[0], *more, want=tool.USAGE).err


def test_changed_samples_of_top_k(digits, stages):
    files, out, labels = stages
    args = ("--metric", "top_k", "--images", digits.held_out, "--labels", digits.labels, "--list", 1000)
    model = tool.evaluate(*files, *args)["models"][-1]
    before, after = (rank(next(iter(out[f].values())), labels) for f in (files[0], files[-1]))
    lost = np.flatnonzero((before < 1) & (after >= 1))
    assert model["changed"] == np.count_nonzero((before < 1) != (after < 1))
    assert [c["change"] for c in model["changes"][:len(lost)]] == [
        f"class {labels[i]}: rank {before[i] + 1} -> {after[i] + 1}" for i in lost]
    assert all(c["amount"] == (1 if i < len(lost) else -1) for i, c in enumerate(model["changes"]))


def test_agreement_of_boxes(tmp_path):
    """Boxes of the first model are the truth: a little larger is equal, much larger is not."""
    boxes.save_rectangles(tmp_path)
    nets = [boxes.save_seeing_net(tmp_path / f"{extra}.onnx", "relative", extra) for extra in (0, 1, 12)]
    args = ("--metric", "agreement", "--images", tmp_path / "images", "--list", "1", "--form", "corners",
            "--scores", "scores", "--boxes", "boxes", "--colours", "rgb", "--scale", str(1 / 255))
    result = tool.evaluate(*nets, *args)
    assert [list(tool.values_of(result, m).values()) for m in range(3)] == [[100] * 3, [100] * 3, [0] * 3]
    change, = result["models"][2]["changes"]
    assert result["models"][2]["changed"] == 8 and change["amount"] == 1
    assert change["change"].startswith("2 of 2 differ; lost class 0, score 1.000 at 59 50")
    assert "; new class 0" in change["change"]
    text = tool.run("eval", *nets, *args, want=tool.DONE).out
    assert "What Changed" in text and "12.onnx: 8 samples whose results differ from the first model's" in text


def test_boxes_of_yolox(tmp_path):
    """Cells of strides 8, 16 and 32, row by row, against NumPy."""
    Image, rng = pytest.importorskip("PIL.Image"), np.random.default_rng(3)
    cells = [(x, y, s) for s in (8, 16, 32) for y in range(64 // s) for x in range(96 // s)]
    out = rng.uniform(0, 1, (1, len(cells), 7)).astype(np.float32)
    info = helper.make_tensor_value_info
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0),
             helper.make_node("Mul", ["m", "zero"], ["n"]), helper.make_node("Add", ["n", "out"], ["y"])]
    constants = {"out": out, "zero": np.float32(0)}
    graph = helper.make_graph(nodes, "g", [info("x", TensorProto.FLOAT, [1, 3, 64, 96])],
                              [info("y", TensorProto.FLOAT, out.shape)],
                              [numpy_helper.from_array(v, k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "n.onnx")
    (tmp_path / "images").mkdir()
    Image.new("RGB", (192, 128)).save(tmp_path / "images/a.png")
    truth = {"images": [{"id": 1, "file_name": "a.png", "width": 192, "height": 128}], "annotations": [],
             "categories": [{"id": 1}, {"id": 2}]}
    (tmp_path / "t.json").write_text(json.dumps(truth))
    tool.evaluate(tmp_path / "n.onnx", "--metric", "coco", "--form", "yolox", "--nms", "none",
             "--images", tmp_path / "images", "--labels", tmp_path / "t.json", "--score-min", 0.5,
             "--results", tmp_path / "r", "--colours", "rgb", "--scale", 1)
    want = []
    for (x, y, s), v in zip(cells, out[0].astype(float)):
        w, h, score = np.exp(v[2]) * s, np.exp(v[3]) * s, v[4] * v[5:].max()
        corner = (v[0] + x) * s - w / 2, (v[1] + y) * s - h / 2
        if score > 0.5:  # the image is twice as large as the input
            want.append([score, v[5:].argmax() + 1, *(2 * k for k in (*corner, w, h))])
    found = json.loads((tmp_path / "r/n.onnx.json").read_text())
    found = [[d["score"], d["category_id"], *d["bbox"]] for d in found]
    assert len(want) > 5 and np.allclose(sorted(found), sorted(want), atol=1e-3)
    args = ("--metric", "agreement", "--form", "yolox", "--images", tmp_path / "images",
            "--colours", "rgb", "--scale", "1")
    small = boxes.save_seeing_net(tmp_path / "small.onnx", "relative", 0)
    done = tool.run("eval", small, small, *args, "--output", "boxes", want=tool.BAD_INPUT)
    assert re.search(r"output of shape \S+; expected 1 x \d+ x \(5 \+ CLASSES\)", done.err)


@pytest.mark.parametrize(
    "text, message",
    [
        ("metrik: top_k", "1:9: unknown key 'metrik'; did you mean 'metric'?"),
        ("k: 1\nk: 2", "2:1: duplicate key 'k'"),
        ("seed: 1.5", "1:7: seed: expected an integer"),
        ("seed: {a: b}", "1:7: expected a word, a number or a list"),
        ("[1, 2]", "expected keys and values"),
        ("k: [1, [2]]", "in lists numbers or words"),
        ("k: *x", "aliases"),
        ("k: [1", "not YAML"),
        ("a\0b", "not YAML"),
        ("word", "expected keys and values"),
        ("? [a]\n: b", "expected keys and values"),
        ("limit: 1e99", "limit: expected an integer"),
        ("k: " + "9" * 5000, "at most 4096"),
        ("k: [" + "1," * 40000 + "1]", "too long"),
    ],
)
def test_wrong_task_files(tmp_path, text, message):
    task = tmp_path / "t.yaml"
    task.write_text(text)
    assert message in tool.run("eval", "no.onnx", "--task", task, want=tool.BAD_INPUT).err


@pytest.mark.parametrize(
    "args, message",
    [
        (("--metric", "bleu"), "expected top_k, miou, coco, ctc, agreement or outputs"),
        (("--metric", "top_k"), "top_k requires --labels"),
        (("--seed", "x"), "seed: expected an integer"),
        (("--metric", "top_k", "--labels", "{labels}", "--k", "0"), "integers >= 1"),
        (("--metric", "top_k", "--labels", "{labels}", "--k", "a"), "expected numbers"),
        (("--output", "nope", "--metric", "top_k", "--labels", "{labels}"), "no output 'nope'"),
        (("--metric", "top_k", "--labels", "{labels}", "--pipeline", "spin"), "spin"),
        ((), "expected two or more"),
        (("--labels", "{labels}"), "expected two or more"),
        (("--metric", "top_k", "--labels", "folders"), "no folders; labels"),
        (("--metric", "miou", "--labels", "{labels}"), "not a folder; miou requires"),
    ],
)
def test_wrong_settings(digits, args, message):
    args = [a.replace("{labels}", str(digits.labels)) for a in args]
    assert (
        message
        in tool.run(
            "eval", digits.bin, "--images", digits.held_out, *args, want=(tool.USAGE, tool.BAD_INPUT)
        ).err
    )


def test_wrong_label_lines(digits, tmp_path):
    for text, message in (
        ("a.png", ":1: expected the name of an image"),
        ("a.png x", "expected the name"),
        ("a.png 3", "no class for"),
        ("a.png -3", "expected the name"),
        ("a.png 3\nb.png 2\na.png 3", ":3: duplicate image a.png"),
    ):
        (tmp_path / "l.txt").write_text(text)
        assert (
            message
            in tool.run(
                "eval",
                digits.bin,
                "--metric",
                "top_k",
                "--images",
                digits.held_out,
                "--labels",
                tmp_path / "l.txt",
                want=tool.BAD_INPUT,
            ).err
        )
    (tmp_path / "l.txt").write_text(digits.labels.read_text().replace(" 3", " 33"))
    assert (
        "class 33, but the output has 10 classes"
        in tool.run(
            "eval",
            digits.bin,
            "--metric",
            "top_k",
            "--images",
            digits.held_out,
            "--labels",
            tmp_path / "l.txt",
            want=tool.BAD_INPUT,
        ).err
    )
