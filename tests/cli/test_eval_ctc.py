"""vernier eval --metric ctc: greedy decoding against Python, on small networks and on licence plates."""


import numpy as np
import pytest

import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

CHARACTERS = ["京", "é", "A", " ", "0", "A", "<blank>"]  # two classes for one character


def ctc_text(logits, characters, blank):
    """logits: time x class"""
    best = logits.argmax(1)
    return "".join(characters[c] for c, before in zip(best, [blank, *best]) if c != before and c != blank)


def edits(a, b):
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i in range(len(a)):
        for k in range(len(b)):
            table[i + 1, k + 1] = min(table[i, k] + (a[i] != b[k]), table[i, k + 1] + 1, table[i + 1, k] + 1)
    return table[-1, -1]


def ctc_scores(found, labels):
    characters = [1 - edits(f, l) / max(len(f), len(l), 1) for f, l in zip(found, labels)]
    return {"exact match": 100 * np.mean([f == l for f, l in zip(found, labels)]),
            "character accuracy": 100 * np.mean(characters)}


@pytest.fixture
def texts(tmp_path):
    """Samples that are the logits, 7 classes x 12 steps; the network gives them in the order asked for."""
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(11)
    for i in range(20):  # few levels: equal values, repeats and blanks
        np.save(tmp_path / f"images/{i:02}.npy", rng.integers(0, 4, (1, 1, 7, 12)).astype(np.float32))
    (tmp_path / "alphabet.txt").write_text("\n".join(CHARACTERS), encoding="utf-8")

    def net(shape, perm=None):
        nodes = [helper.make_node("Reshape", ["x", "s"], ["y"])]
        if perm:
            nodes.append(helper.make_node("Transpose", ["y"], ["z"], perm=perm))
        info = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
        out = info("z", [shape[k] for k in perm]) if perm else info("y", shape)
        constants = [numpy_helper.from_array(np.array(shape), "s")]
        graph = helper.make_graph(nodes, "g", [info("x", [1, 1, 7, 12])], [out], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, tmp_path / "net.onnx")
        return tmp_path / "net.onnx"
    return tmp_path, net


def ctc_args(folder):
    return ("--metric", "ctc", "--images", folder / "images", "--labels", folder / "labels.txt",
            "--alphabet", folder / "alphabet.txt")


@pytest.mark.parametrize("blank", [None, 0, 3])
@pytest.mark.parametrize("shape, perm", [
    ((1, 7, 12), None), ((7, 12), (1, 0)), ((7, 12, 1), (1, 2, 0)), ((1, 7, 1, 12), None),
])
def test_ctc(texts, shape, perm, blank):
    """Against NumPy's decoding of what `vernier run` writes."""
    folder, net = texts
    plain, at = net((1, 7, 12)), 6 if blank is None else blank
    characters = [c if k == at or len(c) == 1 else "Z" for k, c in enumerate(CHARACTERS)]
    (folder / "alphabet.txt").write_text("\r\n".join(characters) + "\r\n", encoding="utf-8")
    tool.run("run", plain, "--images", folder / "images", "--output-dir", folder / "out", want=tool.DONE)
    found = [ctc_text(x.T, characters, at) for x in np.load(folder / "out/y.npy").reshape(20, 7, 12)]
    labels = [f if i % 3 else f[1:][::-1] for i, f in enumerate(found)]
    lines = "".join(f"{i:02}.npy\t{l}\n" for i, l in enumerate(labels))
    (folder / "labels.txt").write_text(lines, encoding="utf-8")
    options = ["--resume", folder / "state", *(["--blank", blank] if blank is not None else [])]
    args = (net(shape, perm), *ctc_args(folder), *options)
    whole = tool.evaluate(*args)
    assert tool.values_of(whole) == pytest.approx(ctc_scores(found, labels), abs=1e-9)
    again = tool.evaluate(*args, "--threads", 3)
    assert again["resumed"] == 20 and again["models"] == whole["models"]
    characters[1], characters[4] = characters[4], characters[1]
    (folder / "alphabet.txt").write_text("\n".join(characters), encoding="utf-8")
    err = tool.run("eval", *map(str, args), want=tool.BAD_INPUT).err
    assert "other models, images, labels or settings" in err


def test_wrong_texts(texts):
    folder, net = texts
    good = "".join(f"{i:02}.npy A\n" for i in range(20))
    (folder / "labels.txt").write_text(good)
    args = [net((1, 7, 12)), *ctc_args(folder)]

    def fails(message, want=tool.BAD_INPUT, more=(), **files):
        for name, data in files.items():
            (folder / f"{name}.txt").write_bytes(data)
        assert message in tool.run("eval", *map(str, args), *more, want=want).err
        (folder / "labels.txt").write_text(good)
        (folder / "alphabet.txt").write_text("\n".join(CHARACTERS), encoding="utf-8")
    fails("labels.txt:2: label 'AX': character 'X' is not in", labels=b"00.npy A\n01.npy AX\n")
    fails("labels.txt:1: expected text in UTF-8", labels=b"00.npy \xe4\n")
    fails("no text for 01.npy", labels=b"00.npy A\n")
    fails(":1: expected the name of an image and its text", labels=b"00.npy\n")
    fails("alphabet.txt:2: expected one character in UTF-8, got 'AB'", alphabet=b"A\nAB\nC\n")
    fails("alphabet.txt:1: expected one character in UTF-8, got ''", alphabet=b"\nA\nB\n")
    fails("expected two or more lines", alphabet=b"A\n")
    fails("shape 1x7x12: expected one axis of 6 classes", alphabet="\n".join(CHARACTERS[1:]).encode())
    fails("blank: expected a class from 0 to 6, got 7", tool.USAGE, ["--blank", "7"])
    del args[-2:]
    fails("ctc requires --alphabet", tool.USAGE)
    del args[-2:]
    fails("ctc requires --labels: a file of lines 'IMAGE TEXT'", tool.USAGE)


def test_ctc_reads_licence_plates(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    if not (tool.SHARED / "images/plates").is_dir():
        pytest.skip("requires VERNIER_SHARED: licence plates")
    plates, model = tool.SHARED / "images/plates", tool.SHARED / "models/lprnet.onnx"
    for path in (plates / "test").iterdir():
        rgb = Image.open(path).convert("RGB").resize((94, 24), Image.BILINEAR)
        x = (np.asarray(rgb)[..., ::-1].astype(np.float32) - np.float32(127.5)) * np.float32(0.0078125)
        np.save(tmp_path / f"{path.name}.npy", x.transpose(2, 0, 1)[None])
    tool.run("run", model, "--images", tmp_path, "--output-dir", tmp_path / "out", want=tool.DONE)
    lines = (plates / "test.txt").read_text(encoding="utf-8").splitlines()
    label = dict(line.split(" ") for line in lines)
    characters = (plates / "alphabet.txt").read_text(encoding="utf-8").split("\n")[:68]
    names = (tmp_path / "out/files.txt").read_text().split()
    found = [ctc_text(x.T, characters, 67) for x in np.load(tmp_path / "out/logits.npy").reshape(-1, 68, 18)]
    want = ctc_scores(found, [label[n[:-4]] for n in names])
    assert want["exact match"] == pytest.approx(89.78, abs=0.005)  # as published with the model
    feeding = ("--images", plates / "test", "--colours", "bgr", "--mean", "127.5", "--scale", "0.0078125")
    given = ("--labels", plates / "test.txt", "--alphabet", plates / "alphabet.txt")
    assert tool.values_of(tool.evaluate(model, "--metric", "ctc", *feeding, *given)) == pytest.approx(
        want, abs=1e-9
    )


# ---- what it is told ----
