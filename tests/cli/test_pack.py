"""Several models in one file (hb_pack): loaded by name, listed, refused where damaged."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import tool
from PIL import Image

sys.path.insert(0, str(tool.ROOT / "tools"))
import bindump


@pytest.fixture(scope="module")
def packed(tmp_path_factory, digits):
    """two.bin: digits and its edited copy, whose outputs are integers."""
    folder = tmp_path_factory.mktemp("pack")
    shutil.copy(digits.bin, folder / "digits.bin")
    tool.run("edit", "digits.bin", "--remove-type", "Quantize", "-o", "raw.bin", cwd=folder)
    if not (folder / "raw.bin").exists():
        shutil.copy(digits.bin, folder / "raw.bin")
    out = called("hb_pack", folder, "digits.bin", "raw.bin", "-o", "two.bin").out
    assert out == "2 models packed into two.bin\n"
    return folder


def called(name, folder, *words, want=tool.DONE):
    link = folder / name
    if not link.exists():
        link.symlink_to(tool.SANITIZED / "vernier")
    env = {**os.environ, **tool.SANITIZER_OPTIONS}
    done = subprocess.run([link, *words], capture_output=True, text=True, cwd=folder, env=env)
    done = tool.Run(words, done)
    assert done.status == want, str(done)
    return done


def test_runs_by_name(packed, digits):
    for name, where in (("alone", ["digits.bin"]), ("pack", ["two.bin", "--model-name", "digits"])):
        options = ("--input", digits.picture, "-o", name)
        tool.run("run", *where, *options, want=tool.DONE, cwd=packed)
    arrays = [np.load(next((packed / name).glob("*.npy"))) for name in ("alone", "pack")]
    assert np.array_equal(*arrays)
    quantized = digits.stage("quantized")
    done = tool.run("verify", quantized, "two.bin", "--model-name", "digits", want=tool.DONE, cwd=packed)
    assert "PASSED" in done.out


def test_names(packed):
    assert "model[0]: digits\nmodel[1]: raw\n" in tool.run("info", "two.bin", want=tool.DONE, cwd=packed).out
    listed = json.loads(tool.run("info", "two.bin", "--json", want=tool.DONE, cwd=packed).out)
    assert listed == {"file": "two.bin", "models": ["digits", "raw"]}
    one = tool.run("info", "two.bin", "--model-name", "raw", "--json", want=tool.DONE, cwd=packed).out
    assert json.loads(one)["instructions"] > 0
    err = tool.run("run", "two.bin", want=tool.USAGE, cwd=packed).err
    assert "two.bin: a pack of 2 models: name one of digits, raw (--model-name)" in err
    err = tool.run("run", "two.bin", "--model-name", "x", want=tool.USAGE, cwd=packed).err
    assert "the pack has no model 'x'; it has digits, raw" in err


def test_vendor_tools(packed, digits):
    out = called("hrt_model_exec", packed, "model_info", "--model_file=two.bin").out
    assert "This model file has 2 model:\n[digits]\n[raw]\n" in out and out.count("[model name]:") == 2
    infer = ("infer", "--model_file=two.bin", f"--input_file={digits.picture}")
    assert "select one by --model_name" in called("hrt_model_exec", packed, *infer, want=tool.USAGE).err
    called("hrt_model_exec", packed, *infer, "--model_name=digits", "--enable_cls_post_process")
    perf = ("perf", "--model_file=two.bin", "--frame_count=2", "--thread_num=2", "--model_name=digits")
    assert "Frame      rate" in called("hrt_model_exec", packed, *perf).out
    assert called("hb_model_info", packed, "two.bin").out.count("info *********") == 2
    assert called("hb_model_info", packed, "-m", "raw", "two.bin").out.count("******** raw info") == 1
    assert called("hb_perf", packed, "-p", "two.bin").out.count("FPS=") == 2
    assert called("hb_perf", packed, "-p", "-m", "raw", "two.bin").out.count("FPS=") == 1
    assert "expected a pack" in called("hb_perf", packed, "-p", "digits.bin", want=tool.BAD_INPUT).err


def test_not_packed_again(packed):
    r = called("hb_pack", packed, "two.bin", "digits.bin", "-o", "x.bin", want=tool.BAD_INPUT)
    assert "ERROR model: two.bin is a packed model, it can not be packed again!" in r.err
    r = called("hb_pack", packed, "digits.bin", "digits.bin", "-o", "x.bin", want=tool.USAGE)
    assert "duplicate model name 'digits'" in r.err
    called("hb_pack", packed, "digits.bin", want=tool.USAGE)
    assert "is a pack" in tool.run("edit", "two.bin", want=tool.BAD_INPUT, cwd=packed).err
    assert not (packed / "x.bin").exists()


def test_python(packed, digits):
    if not (tool.BUILD / "python/vernier").exists():
        pytest.skip("the build has no Python package")
    script = ("import vernier\n"
              "with vernier.Session('two.bin', model='digits') as s: print(s.inputs[0].name)\n"
              "try: vernier.Session('two.bin')\nexcept vernier.Error as e: print('digits, raw' in str(e))")
    env = {**os.environ, "PYTHONPATH": str(tool.BUILD / "python")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=packed, capture_output=True, text=True, env=env)
    assert done.stdout == "image\nTrue\n", done.stdout + done.stderr


DAMAGE = [(8, "<I", 9, "format version 9"), (12, "<I", 0, "0 models"), (12, "<I", 1 << 30, "models in"),
          (16, "<Q", 5, "models in"), (32, "<Q", 0, "empty or has no end"), (264, "<B", 65, "no end"),
          (32, "<B", ord("/"), "not that of a file"), (32, "<B", 27, "not that of a file"),
          (272, "<Q", 7, "outside"), (272, "<Q", 1 << 62, "outside"), (280, "<Q", 1 << 63, "outside"),
          (280, "<Q", 100, "not a Vernier .bin")]


@pytest.mark.parametrize("at, layout, value, message", DAMAGE)
def test_hostile(packed, tmp_path, at, layout, value, message):
    data = bytearray((packed / "two.bin").read_bytes())
    if message == "no end":
        data[32:272] = b"A" * 240
    else:
        struct.pack_into(layout, data, at, value)
    struct.pack_into("<Q", data, 24, bindump.file_hash(bytes(data[:32 + 2 * 256]), 24))
    (tmp_path / "bad.bin").write_bytes(data)
    done = tool.run("run", tmp_path / "bad.bin", "--model-name", "digits", want=(tool.BAD_INPUT, tool.USAGE))
    assert message in done.err, done.err
    data[40] ^= 1
    (tmp_path / "bad.bin").write_bytes(data)
    tool.run("info", tmp_path / "bad.bin", want=tool.BAD_INPUT)


def test_eval_preprocess(tmp_path, digits):
    words = ("-m", "resnet18", "-i", str(digits.calib), "-o", "o")
    two = sorted(digits.calib.glob("*.png"))[:2]
    (tmp_path / "val.txt").write_text("\n".join(f"{p.name} 3" for p in two))
    r = called("hb_eval_preprocess", tmp_path, *words, "-v", "val.txt")
    assert r.out == "2 images written to o\n"
    files = sorted((tmp_path / "o").glob("*.bin"))
    assert len(files) == 2 and files[0].stat().st_size in (224 * 224, 224 * 224 * 3)
    r = called("hb_eval_preprocess", tmp_path, "-m", "resnet8", *words[2:], want=tool.USAGE)
    assert "did you mean 'resnet" in r.err and "fastscnn_efficientnetb0" in r.err
    (tmp_path / "val.txt").write_text("absent.png\n")
    r = called("hb_eval_preprocess", tmp_path, *words, "-v", "val.txt", want=tool.BAD_INPUT)
    assert "val.txt: names absent.png, which is not an image of" in r.err
    called("hb_eval_preprocess", tmp_path, *words[:4], want=tool.USAGE)


def test_every_network_has_steps(tmp_path):
    text = (tool.ROOT / "src/cli/compat/hb_eval_preprocess.c").read_text()
    names = re.findall(r'^    \{ "(\w+)", [A-Z]', text, re.M)
    assert len(names) == 23
    (tmp_path / "i").mkdir()
    Image.new("RGB", (640, 480), (200, 30, 90)).save(tmp_path / "i/x.jpg")
    for name in names[::5] + ["ssd_mobilenetv1", "fastscnn_efficientnetb0", "yolov5x"]:
        called("hb_eval_preprocess", tmp_path, "-m", name, "-i", "i", "-o", name)
        size = (tmp_path / name / "x.bin").stat().st_size
        assert size % 3 == 0 and size >= 224 * 224 * 3


def test_name_without_pack(packed, digits):
    """A name that nothing can have is not ignored."""
    for words in (["run", "digits.bin"], ["info", "digits.bin"], ["perf", "digits.bin"],
                  ["verify", digits.stage("quantized"), "digits.bin"]):
        done = tool.run(*words, "--model-name", "digits", want=tool.USAGE, cwd=packed)
        assert "--model-name digits: none of the files is a pack" in done.err
    tool.run("verify", "digits.bin", "two.bin", "--model-name", "digits", want=tool.DONE, cwd=packed)


def test_many_models(packed, tmp_path):
    """As many as fit: names are looked up once."""
    for i in range(1024):
        (tmp_path / f"m{i}.bin").symlink_to(packed / "digits.bin")
    called("hb_pack", tmp_path, *(f"m{i}.bin" for i in range(1024)), "-o", "all.bin")
    done = tool.run("info", tmp_path / "all.bin", "--json", want=tool.DONE)
    assert len(json.loads(done.out)["models"]) == 1024
