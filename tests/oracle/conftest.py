"""Fixtures for the checks against onnx and onnxruntime."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import shared_models as sm


@pytest.fixture
def say(capsys):
    """Print a table past pytest's capture, and keep it in the reports folder beside the program."""
    def write(file, text):
        sm.REPORTS.mkdir(exist_ok=True)
        (sm.REPORTS / file).write_text(text + "\n")
        with capsys.disabled():
            print("\n" + text)
    return write


def pytest_generate_tests(metafunc):
    if "model" in metafunc.fixturenames:
        metafunc.parametrize("model", list(sm.MODELS.values()), ids=list(sm.MODELS))
