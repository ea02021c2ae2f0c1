"""The shared models on the marches, in their types: each converts, and `vernier verify` passes.

Each model runs on one march in one type, so that all marches and types are covered; with VERNIER_CAMPAIGN=1
on all of them. tools/false_alarms.py does the same with random networks, for the table of docs/verify.md.
"""
import itertools
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import false_alarms  # noqa: E402
import subjects  # noqa: E402

KINDS = [(m, t) for m in subjects.MARCHES for t in subjects.types_of(m, subjects.TYPES)]
DAILY = [(name, *kind) for name, kind in zip(subjects.SHARED, itertools.cycle(KINDS))]
ALL = [(name, *kind) for name in subjects.SHARED for kind in KINDS]
# least number of tensors that are judged: four fifths of what there was on the march with the fewest
TENSORS = {
    "resnet20": 47, "lprnet": 57, "mobilenet": 48, "dtln": 20, "magika": 30, "rfb320": 93,
    "rfb320_with_boxes": 108, "rfb320_caffe": 89, "fastestdet": 184, "basic_pitch": 205,
    "yunet": 93, "ppocr": 171, "retinaface": 98, "yolox_nano": 217, "segformer": 326}


def test_every_march_and_type_runs():
    assert {(march, types) for _, march, types in DAILY} == set(KINDS)


@pytest.mark.skipif(subjects.sm.missing() is not None, reason=str(subjects.sm.missing()))
@pytest.mark.parametrize("name, march, types", ALL if tool.CAMPAIGN else DAILY)
def test_verified(tmp_path, monkeypatch, name, march, types):
    monkeypatch.setattr(subjects.sm, "VERNIER", tool.BUILD / "vernier")
    config = subjects.write_shared(name, tmp_path, march, types)
    counts, failure = false_alarms.convert_and_verify(config, samples=1)
    assert failure is None
    assert counts["unjudged"] == 0 and counts["program_tensors"] >= TENSORS[name], counts
