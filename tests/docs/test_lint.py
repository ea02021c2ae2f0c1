"""./dev lint as a test."""
import shutil
import subprocess
import sys

import pytest
import tool

LINT = tool.ROOT / "tools/lint.py"


def lint(*args):
    done = subprocess.run([sys.executable, LINT, *map(str, args)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("check", ["layers", "sizes", "headers", "paths"])
def test_lint(check):
    print(lint(check))


def test_symbols():
    if not shutil.which("nm"):
        pytest.skip("no nm")
    print(lint("--build", tool.BUILD, "symbols"))


def test_format_is_reported():
    print(lint("format"))


def test_violations_are_found(tmp_path):
    """The check itself: a copy with an include that points down must fail."""
    shutil.copytree(tool.ROOT / "src", tmp_path / "src")
    (tmp_path / "tools").mkdir()
    shutil.copy(LINT, tmp_path / "tools")
    (tmp_path / "src/base/bad.c").write_text('#include "graph/graph.h"\n')
    done = subprocess.run([sys.executable, tmp_path / "tools/lint.py", "layers"], capture_output=True, text=True)
    assert done.returncode == 1 and "src/base/bad.c:1: base/ may not include graph/graph.h" in done.stderr
