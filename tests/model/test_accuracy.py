"""Accuracy and sizes of the real models as committed in accuracy.csv, and within their limits."""
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]
import accuracy
import shared_models as sm


@pytest.mark.parametrize("model", list(sm.MODELS.values()), ids=list(sm.MODELS))
def test_accuracy(tmp_path, model, capsys):
    if sm.missing():
        pytest.skip(sm.missing())
    row = accuracy.measure(model, tmp_path)
    with capsys.disabled():
        print()
        accuracy.print_table([row])
    bad = accuracy.too_bad(row) + accuracy.changed(row, accuracy.read_csv())
    assert not bad, "\n".join(bad)
