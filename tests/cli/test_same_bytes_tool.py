"""tools/same_bytes.py: networks have the same bytes on every CPU level; a build that differs is found."""
import os
import subprocess
import sys

import tool


def same_bytes(*words, wrong_kernel=""):
    env = {**os.environ, "VERNIER": str(tool.BUILD / "vernier"), "VERNIER_WRONG_KERNEL": wrong_kernel}
    return subprocess.run([sys.executable, tool.ROOT / "tools/same_bytes.py", *map(str, words)],
                          capture_output=True, text=True, env=env)


def test_levels_compute_the_same_bytes():
    networks = 1000 if os.environ.get("VERNIER_CAMPAIGN") == "1" else 6
    done = same_bytes("--networks", networks)
    assert done.returncode == 0 and f"{networks} networks" in done.stdout, done.stdout + done.stderr


def test_a_wrong_kernel_is_found():
    done = same_bytes("--networks", 1, "--seed", 0, "--types", "int8", "--levels", "all", "--old",
                      tool.BUILD / "tests/wrongkernel", wrong_kernel="conv_s8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "m.bin" in done.stdout and "1 networks differ" in done.stdout
