"""Pages that repeat what the code says are checked against it."""
import os
import re
import subprocess
import sys

import pytest
import tool

DOCS = tool.ROOT / "docs"


def test_cli_page_is_fresh():
    done = subprocess.run([sys.executable, tool.ROOT / "tools/cli_docs.py", "--check", "--vernier", tool.BUILD / "vernier"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_vendor_commands_page_is_fresh():
    tools = tool.ROOT / "tools/vendor_docs.py"
    done = subprocess.run([sys.executable, tools, "--check", "--vernier", tool.BUILD / "vernier"])
    assert done.returncode == 0


def test_profiles_page_is_fresh():
    """And no operator is apart from the documented tables without a reason."""
    spec = tool.SHARED / "spec/toolchain.md"
    if not spec.exists():
        pytest.skip(f"no models at {tool.SHARED}: set VERNIER_SHARED")
    tools = tool.ROOT / "tools/profiles_docs.py"
    done = subprocess.run([sys.executable, tools, "--check", "--spec", spec], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_alignment_page_is_fresh():
    """Its tables of steps and causes; tests/oracle/test_align.py checks the table of cases."""
    done = subprocess.run([sys.executable, tool.ROOT / "tools/alignment_docs.py", "--check", "--vernier", tool.BUILD / "vernier"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_caffe_page_is_fresh():
    done = subprocess.run([sys.executable, tool.ROOT / "tools/caffe_docs.py", "--check", "--program", tool.BUILD / "tests/caffetool"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_operators_page_is_fresh():
    done = subprocess.run([sys.executable, tool.ROOT / "tools/operators_docs.py", "--check", "--build", tool.BUILD], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # floors of the page: tests as published, with constant side inputs, failed
    page = (DOCS / "operators.md").read_text()
    patterns = r"(\d+) pass as", r"and (\d+) \(", r"counts\)\. (\d+) fail"
    passed, constant, failed = (int(re.search(p, page)[1]) for p in patterns)
    assert passed >= 843 and constant <= 199 and failed == 0


def test_every_key_is_in_the_page():
    page = (DOCS / "cli.md").read_text()
    table = (tool.ROOT / "src/config/keys.c").read_text()
    names = re.findall(r'^    \{ [A-Z]+, "(\w+)"', table, flags=re.M)
    assert len(names) > 50
    for name in names:
        assert f"| `{name}` |" in page, name


def test_limits_of_targets():
    page = (DOCS / "targets.md").read_text()
    limits = re.findall(r'LIMIT\((\w+), "([^"]*)"\)', (tool.ROOT / "src/config/limits.def").read_text())
    assert limits and all(f"| `{name}` | {meaning} |" in page for name, meaning in limits)


def test_links_lead_somewhere():
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (DOCS / link).exists(), f"{page.name}: {link}"


def test_architecture_names_every_folder():
    page = (DOCS / "architecture.md").read_text()
    for folder in (tool.ROOT / "src").iterdir():
        if folder.is_dir():
            assert f"| `{folder.name}" in page, folder.name


def test_transcendental_errors_are_what_the_page_says():
    """The accuracy that numerics.md states, measured again."""
    page = " ".join((DOCS / "numerics.md").read_text().split())
    stated = {name: float(x) for name, x in re.findall(r"(exp|sigmoid|tanh|log|expm1|erf|softplus) (\d\.\d+) ulp", page)}
    assert len(stated) == 7
    for seed in "123":
        out = subprocess.run([tool.BUILD / "tests/kerneltest", "--only", "functions", "--case", "0", "--seed", seed], capture_output=True, text=True).stdout
        for name, worst in re.findall(r"vn_(\w+)f: worst error ([\d.]+) ulp", out):
            assert float(worst) <= stated[name] + 0.005, f"seed {seed}: {name} {worst} ulp, the page says {stated[name]}"


def test_skips_are_listed(tmp_path):
    """A skip that tests/skips.txt does not list fails the run of .ci/run."""
    path = f"import sys\nsys.path.insert(0, {str(tool.ROOT / 'tests')!r})\n"
    (tmp_path / "conftest.py").write_text(path + "from tests_conftest import *\n")
    (tmp_path / "tests_conftest.py").write_text((tool.ROOT / "tests/conftest.py").read_text())
    (tmp_path / "test_x.py").write_text("import os, pytest\ndef test_x(): pytest.skip(os.environ['WHY'])\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path]

    def status(why, strict, workers="0"):
        env = dict(os.environ, WHY=why, VERNIER_STRICT=strict)
        run = [*command, "-n", workers]
        return subprocess.run(run, env=env, cwd=tmp_path, capture_output=True).returncode
    assert [status("no models at /x", "1"), status("not today", "1"), status("not today", "0")] == [0, 1, 0]
    assert [status("no models at /x", "1", "2"), status("not today", "1", "2")] == [0, 1]
