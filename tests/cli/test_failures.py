"""With --json, every failure of every command says cause, evidence and next_command, which runs."""
import json
import os
import re
import subprocess

import numpy as np
import pytest
from tool import BUILD, CHECK_FAILED, DONE, ROOT, USAGE, convert_digits, run

COMMANDS = re.findall(r"^CMD\((\w+)\)", (ROOT / "src/cli/cmds.def").read_text(), flags=re.M)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    d = convert_digits(tmp_path_factory.mktemp("failures"))
    (d.folder / "broken.onnx").write_bytes(b"no model")
    (d.folder / "broken.bin").write_bytes(b"no program")
    (d.folder / "wrong.yaml").write_text(d.yaml.read_text().replace("'gray'", "'grey'"))
    for name, change in (("x", 0), ("y", 1)):
        (d.folder / name).mkdir()
        np.save(d.folder / name / "a.npy", np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4) + change)
    low = d.yaml.read_text().replace(str(d.out), str(d.folder / "low"))
    (d.folder / "low.yaml").write_text(low)
    return d


def failure(done):
    out = json.loads(done.out)
    assert out["cause"] and out["evidence"] and out["next_command"].startswith("vernier "), done
    return out


def follow(command, cwd):
    """Run it as a shell does: it must be a command line that exists."""
    path = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"}
    return subprocess.run(command, shell=True, cwd=cwd, env=path, capture_output=True, timeout=300,
                          check=False)


CASES = {
    "check": ("check", "broken.onnx"),
    "check of a configuration": ("check", "-c", "wrong.yaml"),
    "convert": ("convert", "-c", "wrong.yaml", "--log", "none"),
    "convert, low": ("convert", "-c", "low.yaml", "--log", "none", "--min-cosine", "1.5"),
    "flow": ("flow", "-c", "wrong.yaml"),
    "flow, low": ("flow", "-c", "low.yaml", "--min-cosine", "1"),
    "run": ("run", "broken.bin"),
    "perf": ("perf", "broken.bin"),
    "info": ("info", "broken.onnx"),
    "verify": ("verify", "broken.onnx", "out/digits.bin"),
    "verify, differs": ("verify", "out/digits_original_float_model.onnx", "out/digits_quantized_model.onnx",
                        "--min-cosine", "1", "--random", "1"),
    "compare": ("compare", "x", "nothing"),
    "compare, differs": ("compare", "x", "y", "-t", "max=0.5"),
    "prep": ("prep", "nothing", "-o", "prepared", "--pipeline", "resize 8 8"),
    "edit": ("edit", "broken.bin"),
    "eval": ("eval", "broken.onnx", "broken.bin", "--images", "calib"),
    "align": ("align", "x", "nothing"),
    "align, differs": ("align", "x", "y"),
    "debug": ("debug", "sensitivity", "broken.onnx", "calib"),
    "tune": ("tune", "-c", "wrong.yaml", "--latency-ratio", "1.1"),
    "report": ("report", "nothing.json", "nothing.json"),
    "init": ("init", "broken.onnx"),
    "help": ("help", "nonsense"),
    "compat": ("compat", "nonsense"),
}


def test_every_command_has_a_case():
    assert {c.split(",")[0].split(" ")[0] for c in CASES} == set(COMMANDS)


@pytest.mark.parametrize("case", CASES)
def test_failure(digits, case):
    done = run(*CASES[case], "--json", cwd=digits.folder)
    assert done.status != DONE
    out = failure(done)
    if "differs" in case:
        assert done.status == CHECK_FAILED and out["cause"] not in ("usage", "input"), out
    after = follow(out["next_command"], digits.folder)
    assert after.returncode != USAGE, (out, after.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_options(digits, command):
    out = failure(run(command, "--no-such-option", "--json", want=USAGE, cwd=digits.folder))
    assert out["cause"] == "usage" and out["next_command"] == f"vernier {command} --help"
    assert follow(out["next_command"], digits.folder).returncode == DONE


def test_words_are_quoted(digits):
    strange = digits.folder / "it's a file.bin"
    strange.write_bytes(b"?")
    out = failure(run("run", strange, "--json"))
    assert out["next_command"] == "vernier info '" + str(strange).replace("'", "'\\''") + "'"


def test_success_says_nothing(digits):
    done = run("verify", digits.stage("quantized"), digits.bin, "--random", "1", "--json", want=DONE)
    out = json.loads(done.out)
    assert out["passed"] and "cause" not in out and "next_command" not in out
