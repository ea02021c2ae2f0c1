"""Running the program in tests: what is wrong with any run (a signal, a sanitizer's report, an unknown exit
status) fails the test."""

import json
import os
import pathlib
import re
import subprocess
import sys

import json_schema

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("VERNIER_SHARED", ROOT / "../shared")).resolve()
BUILD = pathlib.Path(os.environ.get("VERNIER_BUILD", ROOT / "build")).resolve()
SANITIZED = pathlib.Path(os.environ.get("VERNIER_SANITIZED", ROOT / "build-sanitize")).resolve()
if not (SANITIZED / "vernier").exists():
    SANITIZED = BUILD

CAMPAIGN = os.environ.get("VERNIER_CAMPAIGN") == "1"  # what is shortened for daily use runs in full

REPORT = 99  # exit status of a sanitizer's report
SANITIZER_OPTIONS = {"ASAN_OPTIONS": f"exitcode={REPORT}:detect_leaks=1:allocator_may_return_null=1",
                     "UBSAN_OPTIONS": f"exitcode={REPORT}:halt_on_error=1:print_stacktrace=1",
                     "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0"}

DONE, CHECK_FAILED, USAGE, BAD_INPUT, INTERNAL = range(5)


class Run:
    def __init__(self, args, done):
        self.args, self.status = [str(a) for a in args], done.returncode
        self.out, self.err = done.stdout, done.stderr

    def __str__(self):
        return f"{' '.join(self.args)}\nstatus {self.status}\n{self.out[-2000:]}\n{self.err[-6000:]}"


def run(*args, want=None, build=SANITIZED, timeout=120, env=None, cwd=None, **more):
    """vernier ARGS; want: the exit status, or several."""
    args = [build / "vernier", *args]
    full = {**os.environ, **SANITIZER_OPTIONS, **(env or {})}
    done = Run(
        args,
        subprocess.run(
            args, capture_output=True, text=True, errors="replace", timeout=timeout, env=full, cwd=cwd, **more
        ),
    )
    assert 0 <= done.status <= 4, f"crashed: {done}"
    assert "Sanitizer" not in done.err and "runtime error" not in done.err, str(done)
    if "--json" in done.args:
        json_schema.check_output(done.args[1], done.out)
    if want is not None:
        assert done.status in ([want] if isinstance(want, int) else want), str(done)
    return done


def normal(text, *folders):
    """Text with what differs from run to run replaced: times, folders, versions."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME", text)
    for folder in folders:
        text = text.replace(str(folder), "DIR")
    return text.replace(str(ROOT), "ROOT")


YAML = """model_parameters:
  onnx_model: '{model}'
  output_model_file_prefix: 'digits'
  working_dir: '{out}'
input_parameters:
  input_type_train: 'gray'
  input_layout_train: 'NCHW'
  input_type_rt: 'gray'
  norm_type: 'data_scale'
  scale_value: 0.003921568627
calibration_parameters:
  cal_data_dir: '{data}'
  preprocess_on: True
  calibration_type: 'max'
compiler_parameters:
  optimize_level: 'O3'
"""


class Digits:
    """The example network, its pictures and its stages in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.model = ROOT / "examples/digits/digits.onnx"
        self.calib, self.held_out = folder / "calib", folder / "held_out"
        self.picture = sorted(self.held_out.glob("*.png"))[0]
        self.labels = folder / "held_out.txt"
        self.yaml, self.out = folder / "digits.yaml", folder / "out"
        self.bin = self.out / "digits.bin"

    def stage(self, name):
        return self.out / f"digits_{name}_model.onnx"

    def write_yaml(self, path, out, data=None):
        path.write_text(YAML.format(model=self.model, out=out, data=data or self.calib))
        return path


def convert_digits(folder):
    subprocess.run(
        [sys.executable, ROOT / "examples/digits/images.py", folder], check=True, stdout=subprocess.DEVNULL
    )
    d = Digits(folder)
    d.write_yaml(d.yaml, d.out)
    run("convert", "-c", d.yaml, "--log", "none", want=DONE)
    return d


# ---- the random numbers of `vernier eval` ----

def splitmix(state):
    """base/random.h"""
    while True:
        state = (state + 0x9e3779b97f4a7c15) & 0xffffffffffffffff
        z = state
        z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & 0xffffffffffffffff
        z = ((z ^ z >> 27) * 0x94d049bb133111eb) & 0xffffffffffffffff
        yield z ^ z >> 31


def evaluate(*args, **more):
    """What `vernier eval --json` prints"""
    return json.loads(run("eval", *map(str, args), "--json", want=DONE, **more).out)


def values_of(result, model=0):
    return {name: score["value"] for name, score in result["models"][model]["scores"].items()}


def resamples(n, times, seed):
    """Which of n samples each resample draws."""
    random = splitmix(seed)
    for _ in range(times):
        yield [(next(random) >> 32) * n >> 32 for _ in range(n)]
