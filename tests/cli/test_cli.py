"""Every command: what it prints, what it leaves behind, how it ends.

Expected output is in expected/NAME.txt with times and folders normalised; `UPDATE=1 pytest tests/cli` writes
these files anew.
"""
import difflib
import json
import os
import pathlib
import pty
import re
import resource
import signal
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper
import pytest
import tool
from tool import BAD_INPUT, CHECK_FAILED, DONE, USAGE, run

EXPECTED = pathlib.Path(__file__).parent / "expected"
COMMANDS = re.findall(r"^CMD\((\w+)\)", (tool.ROOT / "src/cli/cmds.def").read_text(), re.M)


def same(name, text):
    path = EXPECTED / f"{name}.txt"
    if os.environ.get("UPDATE"):
        path.write_text(text)
    want = path.read_text()
    assert text == want, "".join(
        difflib.unified_diff(want.splitlines(1), text.splitlines(1), str(path), "got")
    )


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


# ---- help, usage ----

def test_help_lists_every_command():
    text = run("--help", want=DONE).out
    assert run("help", want=DONE).out == text and run("-h", want=DONE).out == text
    for c in COMMANDS:
        assert re.search(rf"^  {c} +\w", text, re.M)
    assert (
        "does not generate code for vendor NPUs" in text
        and "0 success, 1 a check failed, 2 usage, 3 invalid input, 4 internal" in text
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_a_command(command, flag):
    done = run(command, flag, want=DONE)
    assert done.out.startswith(f"usage: vernier {command} ") and not done.err
    for option in re.findall(r'^    \{ "(--[\w-]+)"', (tool.ROOT / f"src/cli/{command}.c").read_text(), re.M):
        assert re.search(rf"{option} .*\w\w\w", done.out)


def test_version():
    assert re.fullmatch(r"vernier \d+\.\d+\.\d+\n", run("--version", want=DONE).out)


@pytest.mark.parametrize("args,message", [
    ([], "usage: vernier COMMAND"),
    (["covert"], "unknown command 'covert'; did you mean 'convert'?"),
    (["xyzzy"], "unknown command 'xyzzy'; 'vernier --help' lists the commands"),
    (["check"], "usage: vernier check MODEL.onnx"),
    (["check", "a", "b"], "usage: vernier check MODEL.onnx"),
    (["check", "a", "--mach", "x"], "unknown option '--mach'; did you mean '--march'?"),
    (["check", "a", "--march"], "--march requires NAME"),
    (["check", "a", "--march", "x", "--march=y"], "duplicate option --march"),
    (["check", "a", "--json=1"], "--json does not take a value"),
    (["check", "a", "--input-shape", "x"], "expected a name and a shape, got 'x'"),
    (["convert"], "usage: vernier convert -c FILE.yaml"),
    (["convert", "-c", "a", "--threads", "0"], "--threads: expected an integer from 1 to 256, got '0'"),
    (["convert", "-c", "a", "--threads", "2x"], "got '2x'"),
    (["convert", "-c", "a", "--cpumask", "sse9"], "--cpumask: expected a number, c, avx2"),
    (["convert", "-c", "a", "--min-cosine", "high"], "--min-cosine: expected a number"),
    (["run", "a", "--format", "csv"], "--format: expected npy, bin or txt, got 'csv'"),
    (["run", "a", "--dump-all"], "--dump-all requires --output-dir"),
    (["run", "a.bin", "--reference"], "expected an .onnx file; the reference executor cannot run a .bin"),
    (["convert", "a.yaml"], "unexpected 'a.yaml'; expected -c FILE.yaml"),
    (["verify", "a"], "usage: vernier verify"),
    (["info"], "usage: vernier info"),
    (["init"], "usage: vernier init"),
    (["run", "-x"], "unknown option '-x'"),
])
def test_usage(args, message, tmp_path):
    done = run(*args, want=USAGE, cwd=tmp_path)
    assert message in done.err and not done.out
    assert not args or f"{args[0]}: {args[0]}:" not in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "args",
    [
        ["check", "none.onnx"],
        ["convert", "-c", "none.yaml", "--log", "none"],
        ["run", "none.bin"],
        ["run", "none.onnx"],
        ["info", "none.bin"],
        ["verify", "none.onnx", "none.bin"],
        ["init", "none.onnx"],
    ],
)
def test_missing_file(args, tmp_path):
    done = run(*args, want=BAD_INPUT, cwd=tmp_path)
    assert re.search(r"none\.\w+: cannot open: No such file or directory", done.err)


# ---- check ----

def test_check(digits):
    done = run("check", digits.model, want=DONE)
    same("check", tool.normal(done.out))
    same("check_log", tool.normal(done.err))


def test_check_json(digits):
    got = json.loads(run("check", digits.model, "--json", "--march", "x86-64-v4", want=DONE).out)
    assert got["march"] == "x86-64-v4"
    assert [n["node"] for n in got["nodes"]][:2] == ["conv_1", "relu_1"]
    assert all({"node", "on", "subgraph", "type", "dtype"} <= set(n) for n in got["nodes"])


@pytest.mark.parametrize(
    "words",
    [
        ["--input-shape", "image", "1x1x16x16"],
        ["--input-shape=image=1x1x16x16"],
        ["--input-shape", "image=1x1x16x16"],
    ],
)
def test_check_input_shape(digits, words):
    """16 x 16 pictures: the fully connected layer does not fit any more, and the message says so by name."""
    done = run("check", digits.model, *words, want=BAD_INPUT)
    assert "gemm_1" in done.err


def test_check_input_shape_of_an_unknown_input(digits):
    assert (
        "data" in run("check", digits.model, "--input-shape", "data", "1x1x8x8", want=(USAGE, BAD_INPUT)).err
    )


def test_check_leaves_nothing_behind(digits, tmp_path):
    run("check", digits.model, want=DONE, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_unknown_march(digits):
    assert (
        "unknown march 'armv8' (did you mean 'armv8-a'?); expected"
        in run("check", digits.model, "--march", "armv8", want=(USAGE, BAD_INPUT)).err
    )


# ---- convert ----

PRODUCTS = ["digits.bin", "digits_calibrated_model.onnx", "digits_optimized_float_model.onnx",
            "digits_original_float_model.onnx", "digits_quant_info.json", "digits_quantized_model.onnx"]


def test_convert(digits, tmp_path, out):
    done = run("convert", "-c", digits.write_yaml(tmp_path / "d.yaml", out), want=DONE, cwd=tmp_path)
    same("convert", tool.normal(done.out, tmp_path))
    same("convert_log", tool.normal(done.err, digits.folder, tmp_path))
    log = (tmp_path / "vernier_convert.log").read_text()
    assert tool.normal(log) == tool.normal(done.err + done.out)
    assert sorted(p.name for p in out.iterdir()) == PRODUCTS
    for line in done.err.splitlines():
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) ", line)


def test_convert_json(digits, tmp_path, out):
    done = run(
        "convert",
        "-c",
        digits.write_yaml(tmp_path / "d.yaml", out),
        "--json",
        "--log",
        tmp_path / "x.log",
        want=DONE,
        cwd=tmp_path,
    )
    got = json.loads(done.out)
    assert got["passed"] is True and got["march"] == "generic" and got["method"] == "max"
    assert set(got["products"]) == {"original_float", "optimized_float", "calibrated", "quantized", "bin"}
    assert all(pathlib.Path(p).is_file() for p in got["products"].values())
    assert {"cosine", "cosine_min", "cosine_mean", "l1", "l2", "chebyshev", "output"} <= set(
        got["outputs"][0]
    )
    assert {"cosine", "cosine_min", "cosine_mean", "threshold"} <= set(got["nodes"][1])
    assert not done.err and "INFO End Model Convert" in (tmp_path / "x.log").read_text()


def test_convert_below_the_wanted_similarity(digits, tmp_path, out):
    done = run(
        "convert",
        "-c",
        digits.write_yaml(tmp_path / "d.yaml", out),
        "--min-cosine",
        "0.9999999",
        "--log",
        "none",
        want=CHECK_FAILED,
        cwd=tmp_path,
    )
    assert (
        re.search(r"logits.* 0\.9999\d+.*below --min-cosine", done.out + done.err)
        and (out / "digits.bin").exists()
    )


def test_convert_gives_the_same_bytes(digits, tmp_path):
    """Under every CPU level, with one and two threads, and again."""
    files = {}
    for i, more in enumerate(([], ["--cpumask", "0"], ["--cpumask", "avx2"], ["--threads", "2"])):
        out = tmp_path / "out"
        run("convert", "-c", digits.write_yaml(tmp_path / "d.yaml", out), "--log", "none", *more, want=DONE)
        files[i] = {p.name: p.read_bytes() for p in out.iterdir()}
        assert files[i] == files[0]


def test_convert_of_a_failing_conversion_logs_the_reason(digits, tmp_path, out):
    empty = tmp_path / "empty"
    empty.mkdir()
    run("convert", "-c", digits.write_yaml(tmp_path / "d.yaml", out, empty), want=BAD_INPUT, cwd=tmp_path)
    assert (
        f"no images (jpg, png) in {empty}" in (tmp_path / "vernier_convert.log").read_text().splitlines()[-1]
    )


# ---- run ----

def test_run(digits):
    same("run", run("run", digits.bin, "--input", digits.picture, want=DONE).out)


@pytest.mark.parametrize("form", ["npy", "bin", "txt"])
def test_run_formats(digits, out, form):
    run("run", digits.bin, "--input", digits.picture, "-o", out, "--format", form, want=DONE)
    assert [p.name for p in out.iterdir()] == [f"logits.{form}"]
    path = out / f"logits.{form}"
    got = (
        np.load(path).ravel()
        if form == "npy"
        else np.fromfile(path, np.float32)
        if form == "bin"
        else np.loadtxt(path, np.float32)
    )
    run("run", digits.bin, "--input", digits.picture, "-o", out / "again", want=DONE)
    np.testing.assert_array_equal(got, np.load(out / "again/logits.npy").ravel())


@pytest.mark.parametrize("stage", ["original_float", "optimized_float", "calibrated", "quantized", "bin"])
def test_run_every_stage(digits, out, stage):
    """The largest logit is the same in all; float32 stages agree closely with the reference executor."""
    model = digits.bin if stage == "bin" else digits.stage(stage)
    run("run", model, "--input", f"image={digits.picture}", "-o", out, want=DONE)
    run(
        "run",
        digits.stage("original_float"),
        "--input",
        digits.picture,
        "-o",
        out / "float",
        "--reference",
        want=DONE,
    )
    got, want = np.load(out / "logits.npy"), np.load(out / "float/logits.npy")
    assert got.shape == (1, 10) and got.argmax() == want.argmax()
    assert np.abs(got - want).max() < (1e-4 if "float" in stage else 0.6)


def test_run_inputs_agree(digits, tmp_path, out):
    """A picture, the same as .npy, and as raw bytes."""
    from PIL import Image
    pixels = np.asarray(Image.open(digits.picture))
    np.save(tmp_path / "x.npy", pixels.reshape(1, 1, 8, 8))
    (tmp_path / "x.bin").write_bytes(pixels.tobytes())
    texts = {
        run("run", digits.bin, "--input", f, want=DONE).out
        for f in (digits.picture, tmp_path / "x.npy", tmp_path / "x.bin")
    }
    assert len(texts) == 1


@pytest.mark.parametrize("make,message", [
    (lambda p: np.save(p, np.zeros((1, 1, 9, 8), np.uint8)), "1x1x9x8, input image requires 1x1x8x8"),
    (lambda p: np.save(p, np.zeros((1, 1, 8, 8), np.float32)), "requires uint8 gray bytes, got float32"),
    (lambda p: np.save(p, np.zeros((8, 8), np.complex64)), "is not supported"),
    (lambda p: p.write_bytes(b"x" * 63), "63 bytes, input image requires 64 bytes"),
])
def test_run_with_a_wrong_input(digits, tmp_path, make, message):
    path = tmp_path / "x.npy"
    make(path)
    assert message in run("run", digits.bin, "--input", path, want=BAD_INPUT).err


def test_run_input_names(digits):
    assert (
        "has no input 'imag'; nearest: 'image'"
        in run("run", digits.bin, "--input", f"imag={digits.picture}", want=USAGE).err
    )
    assert (
        "expected at most 1 files, one per input, got 2"
        in run("run", digits.bin, "-i", digits.picture, "-i", digits.picture, want=USAGE).err
    )


@pytest.mark.parametrize("more", [[], ["--dequantize"]])
def test_dump_all(digits, out, more):
    run("run", digits.bin, "--input", digits.picture, "-o", out, "--dump-all", *more, want=DONE)
    tensors = {p.name for p in (out / "tensors").iterdir()}
    assert {
        "image_preprocessed.npy",
        "relu_1_out.npy",
        "add_1_out.npy",
        "maxpool_1_out.npy",
        "logits.npy",
    } <= tensors
    x = np.load(out / "tensors/relu_1_out.npy")
    assert x.dtype == (np.float32 if more else np.int8) and x.shape == (1, 16, 8, 8)


def test_dump_all_writes_integers(tmp_path, out):
    """Tensors of int64 and bool, and inputs of these types."""
    node, info = helper.make_node, helper.make_tensor_value_info
    i64, f32 = TensorProto.INT64, TensorProto.FLOAT
    nodes = [node("Equal", ["ids", "two"], ["is_two"]), node("Cast", ["is_two"], ["one"], to=f32),
             node("Relu", ["one"], ["y"])]
    g = helper.make_graph(nodes, "g", [info("ids", i64, [1, 4])], [info("y", f32, [1, 4])],
                          [helper.make_tensor("two", i64, [], [2])])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(m, tmp_path / "m.onnx")
    np.save(tmp_path / "ids.npy", np.array([[1, 2, 3, 2]]))
    run("run", tmp_path / "m.onnx", "-i", tmp_path / "ids.npy", "-o", out, "--dump-all", want=DONE)
    assert np.load(out / "tensors/ids.npy").tolist() == [[1, 2, 3, 2]]
    assert np.load(out / "tensors/is_two.npy").tolist() == [[0, 1, 0, 1]]


def test_dumped_tensors_are_those_of_the_float_model(digits, out):
    for model, where in ((digits.bin, "int8"), (digits.stage("optimized_float"), "float")):
        run(
            "run",
            model,
            "--input",
            digits.picture,
            "-o",
            out / where,
            "--dump-all",
            "--dequantize",
            want=DONE,
        )
    for name in ("relu_1_out", "relu_3_out", "maxpool_1_out", "logits"):
        a, b = (np.load(out / where / f"tensors/{name}.npy").ravel() for where in ("int8", "float"))
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.998


def test_run_a_folder(digits, out):
    done = run("run", digits.bin, "--images", digits.held_out, "-o", out, want=DONE)
    assert done.out == f"360 files of {digits.held_out}, outputs in {out}\n"
    files, logits = (out / "files.txt").read_text().split(), np.load(out / "logits.npy")
    assert files == sorted(p.name for p in digits.held_out.iterdir()) and logits.shape == (360, 10)
    labels = dict(line.split() for line in digits.labels.read_text().splitlines())
    right = sum(int(labels[f]) == k for f, k in zip(files, logits.argmax(1)))
    assert right >= 0.97 * 360
    run("run", digits.bin, "--input", digits.held_out / files[7], "-o", out / "one", want=DONE)
    np.testing.assert_array_equal(np.load(out / "one/logits.npy")[0], logits[7])


@pytest.mark.parametrize(
    "more", [["--cpumask", "0"], ["--cpumask", "avx2"], ["--threads", "2"], ["--threads", "7"]]
)
def test_run_does_not_depend_on_cpu_or_threads(digits, out, more):
    for i, options in enumerate(([], more)):
        run("run", digits.bin, "--images", digits.held_out, "-o", out / str(i), *options, want=DONE)
    assert (out / "0/logits.npy").read_bytes() == (out / "1/logits.npy").read_bytes()


def test_run_random_data_is_repeatable(digits):
    assert run("run", digits.bin, want=DONE).out == run("run", digits.bin, want=DONE).out


def test_run_json(digits):
    got = json.loads(run("run", digits.bin, "--input", digits.picture, "--json", want=DONE).out)
    assert sorted(got) == ["model", "outputs"] and got["model"] == str(digits.bin)
    assert {k: got["outputs"][0][k] for k in ("output", "shape", "dtype", "argmax")} == {
        "output": "logits",
        "shape": [1, 10],
        "dtype": "float32",
        "argmax": 1,
    }


def test_run_a_folder_json(digits, out):
    got = json.loads(run("run", digits.bin, "--images", digits.held_out, "-o", out, "--json", want=DONE).out)
    assert got == {"model": str(digits.bin), "files": 360, "output_dir": str(out)}


def test_run_levels_agree(digits, out):
    for level in range(4):
        run(
            "run",
            digits.stage("quantized"),
            "--images",
            digits.held_out,
            "-o",
            out / str(level),
            "--level",
            str(level),
            want=DONE,
        )
        assert (out / f"{level}/logits.npy").read_bytes() == (out / "0/logits.npy").read_bytes()


# ---- info ----

def test_info(digits, tmp_path):
    def text(path):
        return re.sub(r"[0-9a-f]{16}", "HASH", tool.normal(run("info", path, want=DONE).out, digits.folder))
    same("info_bin", text(digits.bin))
    same("info_onnx", text(digits.stage("quantized")))


def test_info_json(digits):
    got = json.loads(run("info", digits.bin, "--json", want=DONE).out)
    assert got["inputs"][0] == {"name": "image", "dtype": "uint8", "shape": [1, 1, 8, 8], "bytes": 64,
                                "strides": [64, 64, 8, 1], "type": "gray"}
    assert (
        got["outputs"][0]["shape"] == [1, 10]
        and got["meta"]["march"] == "generic"
        and got["instructions"] > 5
    )
    got = json.loads(run("info", digits.stage("calibrated"), "--json", want=DONE).out)
    assert got["opset"] == 20 and got["ir_version"] == 10 and got["meta"]["calibration.method"] == "max"


# ---- verify ----

def test_verify(digits):
    done = run(
        "verify",
        digits.stage("quantized"),
        digits.bin,
        "--images",
        digits.held_out,
        "--limit",
        "5",
        want=DONE,
    )
    same("verify", tool.normal(done.out, digits.folder))
    assert done.out.endswith("Strict check PASSED\n")


@pytest.mark.parametrize("mask", ["0", "avx2", "all"])
def test_verify_json(digits, mask):
    got = json.loads(
        run(
            "verify",
            digits.stage("quantized"),
            digits.bin,
            "-i",
            digits.picture,
            "--json",
            "--cpumask",
            mask,
            want=DONE,
        ).out
    )
    assert got["passed"] is True and got["different"] == 0 and got["compared"] > 4000 and got["samples"] == 1
    assert "relu_1_out" in [t["tensor"] for t in got["tensors"]]


def test_verify_sees_a_difference(digits, tmp_path, out):
    """The .bin of another calibration."""
    yaml = digits.write_yaml(tmp_path / "d.yaml", out)
    yaml.write_text(
        yaml.read_text().replace("calibration_type: 'max'", "calibration_type: 'max'\n  max_percentile: 0.9")
    )
    run("convert", "-c", yaml, "--log", "none", want=(DONE, CHECK_FAILED))
    done = run(
        "verify", digits.stage("quantized"), out / "digits.bin", "-i", digits.picture, want=CHECK_FAILED
    )
    assert "Strict check FAILED" in done.out and "DIFFERENT" in done.out


# ---- init ----

def test_init_then_convert(digits, tmp_path):
    (tmp_path / "net.onnx").write_bytes(digits.model.read_bytes())
    done = run("init", "net.onnx", "--cal-data-dir", digits.calib, want=DONE, cwd=tmp_path)
    assert done.out == "net.yaml written. Check the lines marked CHECK, then: vernier check -c net.yaml\n"
    same("init", tool.normal((tmp_path / "net.yaml").read_text(), digits.folder))
    run("convert", "-c", "net.yaml", want=DONE, cwd=tmp_path)
    run("verify", "net_output/net_quantized_model.onnx", "net_output/net.bin", want=DONE, cwd=tmp_path)


def test_init_full_explains_every_key(digits, tmp_path):
    run("init", digits.model, "--full", "-o", "x.yaml", "--march", "bayes-e", want=DONE, cwd=tmp_path)
    text = (tmp_path / "x.yaml").read_text()
    same("init_full", tool.normal(text))
    for key in ("debug_mode", "input_space_and_range", "max_percentile", "optimization"):
        assert key in text


def test_init_does_not_overwrite(digits, tmp_path):
    (tmp_path / "x.yaml").write_text("mine")
    assert "x.yaml already exists" in run("init", digits.model, "-o", "x.yaml", want=USAGE, cwd=tmp_path).err
    assert (tmp_path / "x.yaml").read_text() == "mine"


# ---- terminal and pipe ----

def on_terminal(*args):
    """Standard error of a run whose standard error is a terminal."""
    try:
        ours, theirs = pty.openpty()
    except OSError:
        pytest.skip("no pseudo-terminals here (is /dev/pts mounted?)")
    p = subprocess.Popen(
        [str(a) for a in (tool.BUILD / "vernier", *args)], stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        text += more
    os.close(ours)
    assert p.wait() == 0
    return text.decode(errors="replace")


def test_progress_bar_only_on_a_terminal(digits, tmp_path, out):
    yaml = digits.write_yaml(tmp_path / "d.yaml", out)
    bar = on_terminal("convert", "-c", yaml, "--log", "none")
    assert "\r" in re.sub("\r\n", "\n", bar) and "calibration" in bar and "100" in bar
    pipe = run("convert", "-c", yaml, "--log", "none", want=DONE, build=tool.BUILD)
    assert "\r" not in pipe.err and "\x1b" not in pipe.err and "\r" not in pipe.out


def test_closed_or_full_output(digits):
    with open("/dev/full", "w") as full:
        p = subprocess.run(
            [tool.BUILD / "vernier", "info", digits.bin], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert p.returncode == BAD_INPUT and "cannot write to standard output" in p.stderr


# ---- disks ----

def no_temporary_files(folder):
    left = [p.name for p in folder.rglob("*") if p.is_file()]
    assert not [
        n for n in left if not n.endswith((".onnx", ".bin", ".yaml", ".npy", ".txt", ".log", ".json"))
    ], left
    return left


def files_up_to(limit):
    """In the child: a longer file fails as on a full disk, instead of the signal that is the default."""
    def prepare():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return prepare


@pytest.mark.parametrize("limit", [1, 1000, 20000, 47000])
def test_a_full_disk(digits, tmp_path, out, limit):
    """Files may not grow beyond the limit: what is there is whole, the message names the file."""
    yaml = digits.write_yaml(tmp_path / "d.yaml", out)
    run("convert", "-c", yaml, "--log", "none", want=DONE)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    done = run("convert", "-c", yaml, "--log", "none", want=(DONE, BAD_INPUT), build=tool.BUILD,
               preexec_fn=files_up_to(limit))
    if limit < 40000:
        assert done.status == BAD_INPUT and re.search(
            r"out/digits\S+: cannot write: File too large", done.err
        )
    no_temporary_files(out)
    (out / "digits_fail.onnx").unlink(missing_ok=True)
    assert {
        p.name: p.read_bytes() for p in out.iterdir()
    } == before  # the same conversion: equal where it was written again


def test_a_full_disk_at_first(digits, tmp_path, out):
    yaml = digits.write_yaml(tmp_path / "d.yaml", out)
    run("convert", "-c", yaml, "--log", "none", want=BAD_INPUT, build=tool.BUILD,
        preexec_fn=files_up_to(1000))
    assert no_temporary_files(out) == []


@pytest.mark.parametrize("kind", ["file", "under_a_file", "read_only"])
def test_a_folder_that_cannot_be_made(digits, tmp_path, kind):
    if kind == "read_only":
        where = pathlib.Path("/proc/vernier")  # also root cannot write there
    else:
        (tmp_path / "file").write_text("x")
        where = tmp_path / "file" if kind == "file" else tmp_path / "file/sub"
    done = run(
        "convert", "-c", digits.write_yaml(tmp_path / "d.yaml", where), "--log", "none", want=BAD_INPUT
    )
    assert str(where if kind == "read_only" else tmp_path / "file") in done.err and ("folder" in done.err)


def test_run_into_a_folder_that_cannot_be_written(digits):
    assert "/proc/x" in run("run", digits.bin, "-o", "/proc/x", want=BAD_INPUT).err


def test_a_log_that_cannot_be_written(digits, tmp_path, out):
    done = run(
        "convert",
        "-c",
        digits.write_yaml(tmp_path / "d.yaml", out),
        "--log",
        tmp_path / "no/x.log",
        want=BAD_INPUT,
    )
    assert "no/x.log: cannot write the log" in done.err and not out.exists()
