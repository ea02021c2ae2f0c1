"""Boxes from outputs of the benchmark's detectors, and AP50 with the float network's boxes as truth.

Decoders take the outputs of one sample and return corners in pixels (n x 4) and scores (n x classes). AP50 is
that of `vernier eval --metric agreement`: both networks' boxes above one score; COCO's 101 recalls.
"""
import functools

import numpy as np

OVERLAP, SUPPRESS, MOST = 0.5, 0.45, 100  # of a hit; of two boxes of one object; boxes of an image


# ---- decoding ----

@functools.cache
def cells(height, width, strides, each=1):
    """x, y and stride of the cells of all strides, each so many times."""
    rows = [np.stack([*np.meshgrid(np.arange(-(-width // s)), np.arange(-(-height // s))),
                      np.full((-(-height // s), -(-width // s)), s)], -1).reshape(-1, 3) for s in strides]
    return np.repeat(np.concatenate(rows), each, 0).astype(float)


@functools.cache
def priors(height, width, sizes):
    """Centre, width and height; sizes: for each stride."""
    rows = []
    for stride, sides in sizes:
        at = cells(height, width, (stride,), len(sides))
        side = np.tile(sides, len(at) // len(sides))[:, None]
        rows.append(np.hstack([(at[:, :2] + 0.5) * stride, side, side]))
    return np.concatenate(rows)


def corners(centre, size):
    return np.hstack([centre - size / 2, centre + size / 2])


def ssd(height, width, sizes, scores, boxes):
    """Offsets from priors; class 0 is the background. scores, boxes: from outputs."""
    def decode(outputs):
        p, d = priors(height, width, sizes), boxes(outputs).reshape(-1, 4).astype(float)
        s = scores(outputs)
        return (corners(p[:, :2] + d[:, :2] * 0.1 * p[:, 2:], p[:, 2:] * np.exp(0.2 * d[:, 2:])),
                s.reshape(len(p), -1)[:, 1:])
    return decode


def plain(height, width):
    """Corners in units of the input's sides; class 0 is the background."""
    def decode(outputs):
        scores, boxes = sorted(outputs, key=lambda x: x.shape[-1])
        return boxes[0] * np.array([width, height] * 2, float), scores[0][:, 1:]
    return decode


def yolox(side):
    def decode(outputs):
        x, at = outputs[0][0].astype(float), cells(side, side, (8, 16, 32))
        return (corners((at[:, :2] + x[:, :2]) * at[:, 2:], np.exp(x[:, 2:4]) * at[:, 2:]),
                x[:, 4:5] * x[:, 5:])
    return decode


def yunet(side):
    """Outputs: classes, objects and boxes of each stride, then landmarks."""
    def decode(outputs):
        of = lambda k: np.concatenate([x[0] for x in outputs[3 * k:3 * k + 3]]).astype(float)
        at, box = cells(side, side, (8, 16, 32)), of(2)
        return (corners((at[:, :2] + box[:, :2]) * at[:, 2:], np.exp(box[:, 2:]) * at[:, 2:]),
                np.sqrt(np.clip(of(0) * of(1), 0, None)))
    return decode


def grid(side):
    """FastestDet: objectness, offset and size of the box, classes, in planes."""
    def decode(outputs):
        x = outputs[0][0].astype(float)
        n = x.shape[1]
        at, x = cells(side, side, (side // n,)), x.reshape(len(x), -1).T
        centre = (at[:, :2] + np.tanh(x[:, 1:3])) * side / n
        return (corners(centre, side / (1 + np.exp(-x[:, 3:5]))),
                np.clip(x[:, :1], 0, None) ** 0.6 * np.clip(x[:, 5:], 0, None) ** 0.4)
    return decode


# ---- boxes of an image: class, score, corners; the best first ----

def overlaps(box, others):
    side = np.clip(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0, None)
    both = side.prod(1)
    area = lambda b: np.clip(b[..., 2:] - b[..., :2], 0, None).prod(-1)
    return both / np.maximum(area(box) + area(others) - both, 1e-12)


def suppress(boxes):
    kept = []
    while len(boxes):
        kept.append(boxes[0])
        boxes = boxes[1:][overlaps(boxes[0, 2:], boxes[1:, 2:]) <= SUPPRESS]
    return kept


def find(decode, outputs, least):
    """Rows of class, score and corners."""
    corner, score = decode(outputs)
    best, kept = score.argmax(1), []
    rows = np.hstack([best[:, None], score.max(1)[:, None], corner])[score.max(1) > least]
    rows = rows[np.argsort(-rows[:, 1], kind="stable")]
    for c in np.unique(rows[:, 0]):
        kept += suppress(rows[rows[:, 0] == c])
    return sorted(kept, key=lambda r: -r[1])[:MOST]


def match(truth, found):
    """For each found box whether it hits a true one, and the classes of true ones."""
    left, rows = list(range(len(truth))), []
    for b in found:
        same = [k for k in left if truth[k][0] == b[0]]
        hit = max(same, key=lambda k: overlaps(b[2:], truth[k][None, 2:])[0], default=None)
        if hit is not None and overlaps(b[2:], truth[hit][None, 2:])[0] >= OVERLAP:
            left.remove(hit)
        else:
            hit = None
        rows.append((b[0], b[1], hit is not None))
    return rows, [t[0] for t in truth]


# ---- AP50 ----

def precision(rows, truths):
    """COCO's average precision of one class; rows: score and hit."""
    hits = np.cumsum([hit for _, hit in sorted(rows, key=lambda r: -r[0])])
    if not len(hits):
        return 0.0
    precisions = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(100 * hits, np.arange(101) * truths)
    return float(np.where(at < len(hits), precisions[np.minimum(at, len(hits) - 1)], 0).mean())


class AP50:
    """Mean over classes of the float network's boxes, in percent; float has 100."""
    name = "AP50 agreement"

    def __init__(self, decode, least, reference):
        self.decode, self.least = decode, least
        self.truth = self.boxes(reference)

    def boxes(self, outputs):
        return [find(self.decode, [x[i:i + 1] for x in outputs], self.least) for i in range(len(outputs[0]))]

    def records(self, outputs):
        all_ = np.empty(len(self.truth), object)
        all_[:] = [match(t, f) for t, f in zip(self.truth, self.boxes(outputs))]
        return all_

    def score(self, records):
        found, true = {}, {}
        for rows, classes in records:
            for c in classes:
                true[c] = true.get(c, 0) + 1
            for c, score, hit in rows:
                found.setdefault(c, []).append((score, hit))
        return 100 * float(np.mean([precision(found.get(c, []), n) for c, n in true.items()] or [1]))
