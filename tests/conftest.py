"""What all tests share.

VERNIER_BUILD       the normal build          (default: build beside the repository's sources)
VERNIER_SANITIZED   the build with sanitizers (default: build-sanitize; where it is absent the normal one)
VERNIER_SHARED      real models and pictures  (default: ../shared beside the repository); tests that need them
skip without
"""
import os
import re

import pytest
import tool

# for tests that are driven by variables
os.environ.setdefault("VN_ONNXDUMP", str(tool.SANITIZED / "tests/onnxdump"))
os.environ.setdefault("VERNIER", str(tool.BUILD / "vernier"))
os.environ.setdefault("VN_FUZZ_REPLAY", str(tool.SANITIZED / "tests/fuzz_onnx_reader"))
if (tool.SHARED / "models").is_dir():
    os.environ.setdefault("VN_MODELS", str(tool.SHARED / "models"))
os.environ.update(tool.SANITIZER_OPTIONS)
import shared_models as sm  # noqa: E402  (reads VERNIER)


def pytest_collection_modifyitems(items):
    """Short tests first: what is broken shows early."""
    slow = ("tests/model", "tests/oracle", "tests/hostile", "tests/alloc")
    items.sort(key=lambda item: any(s in str(item.path) for s in slow))


def unlisted(skipped):
    """Of {test: reason} what tests/skips.txt does not allow."""
    lines = (tool.ROOT / "tests/skips.txt").read_text().splitlines()
    allowed = [line.split("|")[0].strip() for line in lines if line and not line.startswith("#")]
    return {k: v for k, v in skipped.items() if not any(re.search(a, v) for a in allowed)}


_skipped = {}


def pytest_runtest_logreport(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped[report.nodeid] = report.longrepr[2]


def pytest_sessionfinish(session):
    """VERNIER_STRICT=1: a skip that is not in tests/skips.txt fails the run."""
    bad = unlisted(_skipped)
    if bad and os.environ.get("VERNIER_STRICT") == "1":
        print("\nskipped without being listed in tests/skips.txt:")
        print(*(f"  {k}: {v}" for k, v in bad.items()), sep="\n")
        session.exitstatus = session.exitstatus or 1


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The example, converted: a tool.Digits."""
    return tool.convert_digits(tmp_path_factory.mktemp("digits"))


_converted = {}


@pytest.fixture(scope="session")
def products(tmp_path_factory):
    """products(name): the five files of a converted model."""
    if sm.missing():
        pytest.skip(sm.missing())

    def get(name):
        if name not in _converted:
            _converted[name] = sm.convert(sm.MODELS[name], tmp_path_factory.mktemp(name))
        return _converted[name]
    return get
