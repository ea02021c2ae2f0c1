"""COCO's metric by pycocotools, to compare `vernier eval` with."""
import contextlib
import io
import json

import pytest


def with_pycocotools(truth, found, limits=(1, 10, 100), image_ids=None):
    coco, evaluate = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        gt = coco.COCO()
        gt.dataset = json.loads(json.dumps(truth))
        gt.createIndex()
        e = evaluate.COCOeval(gt, gt.loadRes(json.loads(json.dumps(found))), "bbox")
        e.params.maxDets = list(limits)
        if image_ids is not None:
            e.params.imgIds = image_ids
        e.evaluate()
        e.accumulate()
        e.summarize()
    return e.stats


def values(model):
    """The twelve numbers of a model, as pycocotools gives them."""
    return [-1 if s["value"] is None else s["value"] / 100 for s in model["scores"].values()]
