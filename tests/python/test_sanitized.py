"""The extension built with sanitizers, in one process that opens, feeds, observes, fails and stops."""
import os
import subprocess
import sys

import pytest
import tool

SCRIPT = """
import gc, sys, threading
import numpy as np
import vernier

model, program, picture = sys.argv[1:]

def work(path, n):
    with vernier.Session(path) as s:
        port, = s.inputs
        pixels = np.random.default_rng(n).integers(0, 256, port.nbytes, np.uint8)
        for i in range(20):
            seen = {}
            out = s.run(None, {port.name: pixels}, observe=seen if i % 5 == 0 else None)
            assert out[0].shape == (1, 10) and (i % 5 or seen)
        s.run(None, {port.name: picture})

for path in (program, model):
    threads = [threading.Thread(target=work, args=(path, n)) for n in range(3)] if path == program else []
    [t.start() for t in threads]
    [t.join() for t in threads]
work(program, 9)
for bad in ("absent.bin", b"x" * 4096, picture):
    try:
        vernier.Session(bad)
    except vernier.Error as e:
        assert str(e)
with vernier.Session(program) as s:
    few = np.zeros(3, np.uint8)
    for feed in ({}, {"image": few}, {"other": few}, {"image": object()}):
        try:
            s.run(None, feed)
        except (vernier.Error, TypeError, ValueError, KeyError):
            pass
    closed = s
try:
    closed.run(None, {})
except (vernier.Error, ValueError):
    pass
result = vernier.check(model)
try:
    vernier.load_custom_ops("absent.so")
except vernier.Error:
    pass
gc.collect()
print("done")
"""


def library(name):
    done = subprocess.run(["cc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_sanitized_extension(digits, tmp_path):
    package = tool.SANITIZED / "python"
    if tool.SANITIZED == tool.BUILD or not (package / "vernier").exists():
        pytest.skip("the build has no Python package")
    # leaks of the interpreter itself are not ours: test_a_thousand_sessions looks for growth
    options = tool.SANITIZER_OPTIONS["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")
    env = {**os.environ, **tool.SANITIZER_OPTIONS, "ASAN_OPTIONS": options, "PYTHONPATH": str(package),
           "LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}", "PYTHONMALLOC": "malloc"}
    command = [sys.executable, "-c", SCRIPT, digits.model, digits.bin, digits.picture]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, env=env, cwd=tmp_path)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr[-4000:]
    assert done.stdout == "done\n", done.stdout + done.stderr[-3000:]
