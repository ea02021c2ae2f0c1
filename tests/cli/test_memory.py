"""Peak memory of `vernier convert`: at most five times the weights."""
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import scaling  # noqa: E402

MEGABYTES, LIMIT = 50, 5  # fixed costs are a tenth of such weights


@pytest.mark.parametrize("name", ["conv", "matmul"])
def test_peak(name, monkeypatch):
    monkeypatch.setattr(scaling, "VERNIER", tool.BUILD / "vernier")
    assert scaling.measure(scaling.by_weights(name, MEGABYTES), name)[1] <= LIMIT
