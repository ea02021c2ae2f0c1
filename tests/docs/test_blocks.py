"""Every command of the pages runs: the indented lines that begin with a program of ours, on a small network.
A synopsis runs without its optional parts, with names from WORDS. What cannot run is a closed list with
reasons."""
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tool

PROGRAMS = re.compile(r"(vernier|hb_\w+|hrt_\w+|\./dev|cc|apt-get|pip|export) ")
# test_commands.py runs these pages' own blocks
ELSEWHERE = {"from-horizon.md", "from-onnxruntime.md", "from-sophon.md"}
NOT_RUN = [
    (r"\./dev (demo|test|setup)", "builds this tree and runs these tests"),
    (r"\./dev bench", "measures for minutes, beside programs of others"),
    (r"apt-get |pip ", "installs packages for the whole machine"),
]
# page: what its placeholders stand for
CALIBRATED = {"PREFIX_calibrated_model.onnx": "net_calibrated_model.onnx",
              "--quantize NAMES": "--quantize activation", "--nodes NAME": "--nodes conv_1"}
WORDS = {
    "compare.md": {"LEFT RIGHT": "net.onnx net.bin"},
    "debug.md": CALIBRATED,
    "eval.md": {"MODEL...": "net.bin", "--metric NAME": "--metric top_k", "-c FILE.yaml": "-c net.yaml",
                "DIR --labels PATH": "held_out --labels labels.txt", "MODEL DIR": "net.onnx tensors"},
}


def commands(page):
    """Indented lines, continued ones joined, without what explains them."""
    text = re.sub(r" *\\\n *", " ", page.read_text())
    lines = [line[4:] for line in text.split("\n") if re.match(r"    \S", line)]
    return [re.split(r"  +(?=\w)| +# ", line)[0].strip() if not re.match(r"vernier \w+  ", line) else line
            for line in lines if PROGRAMS.match(line)]


PAGES = [p for p in [tool.ROOT / "README.md", *sorted((tool.ROOT / "docs").glob("*.md"))]
         if p.name not in ELSEWHERE and commands(p)]


def reason(command):
    return next((why for pattern, why in NOT_RUN if re.match(pattern, command)), None)


def without_optional(text):
    """[--option VALUE ...] and ... are left out."""
    while re.search(r"\[[^][]*\]", text):
        text = re.sub(r" ?\[[^][]*\]", "", text)
    return text.replace(" ...", "")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, digits):
    """What the pages call net.*, and the files beside it."""
    f = tmp_path_factory.mktemp("blocks")
    shutil.copy(digits.model, f / "net.onnx")
    for stage in ("original_float", "optimized_float", "calibrated", "quantized"):
        shutil.copy(digits.stage(stage), f / f"net_{stage}_model.onnx")
    shutil.copy(digits.bin, f / "net.bin")
    for name, source, n in (("images", digits.calib, 16), ("held_out", digits.held_out, 12)):
        (f / name).mkdir()
        for path in sorted(source.glob("*.png"))[:n]:
            shutil.copy(path, f / name)
    shutil.copy(digits.labels, f / "labels.txt")
    labelled = {p.name for p in (f / "held_out").iterdir()}
    lines = [x for x in (f / "labels.txt").read_text().splitlines() if x.split()[0] in labelled]
    (f / "labels.txt").write_text("\n".join(lines) + "\n")
    text = tool.YAML.format(model="net.onnx", out="out", data="images").replace("'digits'", "'net'")
    (f / "net.yaml").write_text(text)
    steps = "resize size=8,8; colour gray; normalise; layout NCHW"
    tool.run("prep", "images", "--pipeline", steps, "--output-dir", "tensors", want=tool.DONE, cwd=f)
    (f / "calibration_data").symlink_to("images")
    shutil.copy(digits.picture, f / "image.png")
    return f


def caffe_files(folder):
    sys.path.insert(0, str(tool.ROOT / "tests/front"))
    from caffe_writer import Net
    weights = [np.random.default_rng(3).normal(size=(2, 1, 3, 3))]
    text = "convolution_param { num_output: 2 kernel_size: 3 bias_term: false }"
    Net(data=(1, 1, 4, 5)).layer("Convolution", "data", "y", weights, text).write(folder)
    (folder / "net.yaml").unlink()  # init writes it
    np.save(folder / "x.npy", np.ones((1, 1, 4, 5), np.float32))


def compared_files(folder):
    shutil.copy(folder / "net_original_float_model.onnx", folder / "net.onnx")  # of an image, as net.bin
    words = ("net_quantized_model.onnx", "--input", "image.png", "--dump-all", "--output-dir", "board_dumps")
    tool.run("run", *words, want=tool.DONE, cwd=folder)
    x = np.linspace(-1, 1, 60, dtype=np.float32)
    np.savez(folder / "float.npz", logits=x)
    np.savez(folder / "quantized.npz", logits=np.round(x, 2))


def custom_files(folder):
    sys.path.insert(0, str(tool.ROOT / "tests/cli"))
    import test_custom_op
    test_custom_op.network(folder / "net.onnx")
    shutil.copy(tool.ROOT / "examples/custom_op/swoosh.c", folder)
    text = test_custom_op.YAML.replace(", custom_op_dir: 'ops'", "") % "swoosh.so"
    (folder / "net.yaml").write_text(text)


def reported_files(folder):
    words = ("verify", "net_quantized_model.onnx", "net.bin", "--report")
    for name in ("before", "after"):
        tool.run(*words, f"{name}.html", want=tool.DONE, cwd=folder)


FILES = {"caffe.md": caffe_files, "compare.md": compared_files, "custom-operators.md": custom_files,
         "report.md": reported_files}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_page(page, prepared, tmp_path):
    folder = tmp_path / "work"
    shutil.copytree(prepared, folder, symlinks=True)
    FILES.get(page.name, lambda folder: None)(folder)
    lines = []
    for command in commands(page):
        if reason(command):
            continue
        command = without_optional(command)
        for word, instead in WORDS.get(page.name, {}).items():
            command = command.replace(word, instead)
        assert not re.search(r" [A-Z]{3,}( |$)", command), f"a placeholder is left: {command}"
        lines.append(command)
    path = ":".join([str(tool.BUILD), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "HOME": str(tmp_path), "CPATH": str(tool.ROOT / "include")}
    script = "set -ex\n" + "\n".join(lines)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}"


def test_reasons_are_needed():
    """Every exception is one of a command that stands somewhere."""
    every = [c for p in PAGES for c in commands(p)]
    for pattern, why in NOT_RUN:
        assert any(re.match(pattern, c) for c in every), why
    assert len(every) > 30
