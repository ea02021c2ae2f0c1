"""What the runtime promises: no allocation after load, a small library."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tool

HERE = Path(__file__).parent
LIBRARY = tool.BUILD / "libvernier-rt.a"
ALLOCATORS = ["malloc", "calloc", "realloc", "aligned_alloc"]
LIMIT = 600_000  # bytes of code and data, for all CPU levels


@pytest.fixture(scope="module")
def rtalloc(tmp_path_factory):
    out = tmp_path_factory.mktemp("rtalloc") / "rtalloc"
    wrapped = [f"-Wl,--wrap={name}" for name in ALLOCATORS]
    subprocess.run(["gcc", "-std=c11", "-O1", "-D_GNU_SOURCE", f"-I{tool.ROOT}/include", *wrapped,
                    HERE / "rtalloc.c", LIBRARY, "-lpthread", "-o", out], check=True)
    return out


@pytest.mark.parametrize("threads", [1, 3])
def test_no_allocation_after_load(rtalloc, digits, threads):
    done = subprocess.run([rtalloc, digits.bin, str(threads)], capture_output=True, text=True, check=True)
    loading, running, views = map(int, re.findall(r"\d+", done.stdout))
    assert loading > 0 and views > 0 and running == 0


@pytest.mark.skipif(not shutil.which("size"), reason="no size")
def test_library_is_small():
    said = subprocess.run(["size", "-t", LIBRARY], capture_output=True, text=True, check=True).stdout
    assert sum(map(int, said.splitlines()[-1].split()[:3])) < LIMIT
