"""vernier verify raises no alarm where nothing is broken."""
import os
import subprocess
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import subjects  # noqa: E402

NETWORKS = [(57, "generic", "int8"), (28, "bayes", "int16"), (2, "bernoulli2", "mixed")]
PROGRAMS = {}


@pytest.fixture(autouse=True)
def program_under_test(monkeypatch):
    monkeypatch.setattr(subjects.sm, "VERNIER", tool.BUILD / "vernier")


@pytest.fixture
def converted(tmp_path_factory):
    """converted(seed, march, types): a random mixed network, converted once."""
    def get(*network):
        if network not in PROGRAMS:
            c = subjects.convert(subjects.mixed.write(tmp_path_factory.mktemp("mixed"), *network))
            assert c.bin.exists(), c.reason
            PROGRAMS[network] = c
        return PROGRAMS[network]
    return get


def test_no_alarm():
    words = ["--networks", "56", "--only", "", "--floor", "150000"]
    run = subprocess.run([sys.executable, tool.ROOT / "tools/false_alarms.py", *words], capture_output=True,
                         text=True, env={**os.environ, "VERNIER": str(tool.BUILD / "vernier")})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| **all** | 56 | 56 | 56 | 0 |" in run.stdout, run.stdout

