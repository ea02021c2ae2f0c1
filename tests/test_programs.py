"""The test programs in C, each as one test (the kernels: one for each family)."""
import os
import pathlib
import subprocess
import sys

import pytest
import tool

HERE = pathlib.Path(__file__).parent


def execute(*args, timeout=600):
    env = {**os.environ, **tool.SANITIZER_OPTIONS}
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=timeout, env=env)
    assert done.returncode == 0, (
        f"{' '.join(map(str, args))}\nstatus {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    )
    return done.stdout


# without the sanitizers, too: the optimizer of the real build is what users get
BUILDS = {"normal": tool.BUILD, "sanitized": tool.SANITIZED}


def kernel_families():
    """Names in the tables of tests/kernel/*_cases.c, which kerneltest runs."""
    for source in sorted((HERE / "kernel").glob("*_cases.c")):
        lines = source.read_text().split("_families[] = {")[1].splitlines()
        yield from (line.split('"')[1] for line in lines if line.strip().startswith('{ "'))


@pytest.mark.parametrize("family", list(kernel_families()))
@pytest.mark.parametrize("build", BUILDS)
def test_kernels(build, family):
    last = execute(BUILDS[build] / "tests/kerneltest", "--only", family).splitlines()[-1]
    passed, failed = (int(w.split()[0]) for w in last.split(", "))
    assert passed > 0 and failed == 0


@pytest.mark.parametrize("build", BUILDS)
def test_ops(build):
    assert ", 0 failures" in execute(BUILDS[build] / "tests/optest")


# (the ONNX backend tests run in tests/docs, where docs/operators.md is compared with their result)


@pytest.mark.parametrize("how", ["--runtime", "-v"], ids=["runtime", "reference"])
def test_onnx_light_networks(how):
    """On the reference executor the two small ones, or all with VERNIER_CAMPAIGN=1."""
    names = [] if how == "--runtime" or tool.CAMPAIGN else ["squeezenet", "shufflenet"]
    command = HERE / "op/backend.py", "--cli", tool.BUILD / "vernier", "--networks", how, *names
    last = execute(sys.executable, *command).splitlines()[-1]
    assert last == f"{len(names) or 9} passed, 0 skipped, 0 not in the runtime, 0 failed"


PROGRAMS = sorted(p.stem for folder in ("front", "unit", "pass") for p in (HERE / folder).glob("test_*.c"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_unit(name):
    execute(tool.SANITIZED / "tests" / name)
