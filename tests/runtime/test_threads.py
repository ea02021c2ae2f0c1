"""The build with the thread sanitizer: runtime, shared sessions, and every command that works in parallel."""
import os
import pathlib
import subprocess

import pytest
import tool

BUILD = pathlib.Path(os.environ.get("VERNIER_THREADS", tool.ROOT / "build-thread")).resolve()
HERE = (BUILD / "vernier").exists()
pytestmark = pytest.mark.skipif(not HERE, reason=f"no thread sanitizer build at {BUILD}")
OPTIONS = {"TSAN_OPTIONS": f"exitcode={tool.REPORT}"}


@pytest.mark.parametrize("name", ["test_session", "test_base", "test_parts"])
def test_programs(name):
    env = {**os.environ, **OPTIONS}
    done = subprocess.run([BUILD / "tests" / name], capture_output=True, text=True, timeout=600, env=env)
    assert done.returncode == 0 and "ThreadSanitizer" not in done.stderr, done.stderr[-4000:]


def test_commands(digits, tmp_path):
    """A report of the sanitizer ends a command with a status that tool.run does not take."""
    def run(*args):
        tool.run(*args, "--threads", "4", build=BUILD, env=OPTIONS, want=tool.DONE)
    yaml = digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    model = digits.stage("quantized")
    run("convert", "-c", yaml, "--log", "none")
    run("run", digits.bin, "--images", digits.held_out, "--output-dir", tmp_path / "run")
    run("verify", model, digits.bin, "-i", digits.picture)
    run("prep", digits.held_out, "--pipeline", "resize 8 8", "--output-dir", tmp_path / "prep")
    run("eval", digits.bin, model, "--images", digits.held_out, "--limit", "20")
    run("perf", digits.bin, "--rounds", "5")
