"""The n-th allocation fails: `vernier check` and `vernier convert` end with status 4 and say so, or succeed without that memory."""
import concurrent.futures
import json
import re
import sys

import numpy as np
import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tests/front"))
import caffe_cases  # noqa: E402

STEPS = 400  # of each kind; the first 300 in turn, then spread over the run
SHIM = tool.BUILD / "tests/libfailing_malloc.so"


def steps(total):
    first = list(range(1, min(300, total) + 1))
    return first + [300 + round((total - 300) * (i + 1) / (STEPS - 300)) for i in range(STEPS - 300)] if total > STEPS else list(range(1, total + 1))


def once(args, n, forever):
    env = {"LD_PRELOAD": str(SHIM)}
    if n:
        env.update(VN_FAIL_AT=str(n), **({"VN_FAIL_ALL": "1"} if forever else {}))
    return tool.run(*args, env=env, build=tool.BUILD)


def caffe(folder):
    prototxt, caffemodel = caffe_cases.CASES["Convolution"][0].write(folder)
    return ["check", caffemodel, "--proto", prototxt]


def coco(folder):
    box = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}
    (folder / "t.json").write_text(json.dumps({"images": [{"id": 1, "width": 4, "height": 4}], "categories": [{"id": 1}], "annotations": [{**box, "id": 1, "area": 4}]}))
    (folder / "d.json").write_text(json.dumps([{**box, "score": 0.5}]))
    return ["eval", "--metric", "coco", "--labels", folder / "t.json", "--detections", folder / "d.json", "--bootstrap", "2"]


def traces(folder):
    """Two programs that resize otherwise, as traces; .npz, lists and files of pictures are read, too."""
    from PIL import Image
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (12, 14, 3)).astype(np.uint8)
    Image.fromarray(x).save(folder / "x.png")
    boxes, scores = rng.uniform(0, 40, (6, 4)).astype(np.float32).cumsum(1), rng.random(6).astype(np.float32)
    for side, how, n in ("a", Image.Resampling.BILINEAR, 4), ("b", Image.Resampling.NEAREST, 3):
        np.savez_compressed(folder / f"{side}.npz", input=np.asarray(Image.fromarray(x).resize((7, 6), how)), boxes=boxes, scores=scores, kept=boxes[:n])
    return ["align", folder / "a.npz", folder / "b.npz", "--images", folder / "x.png"]


@pytest.mark.parametrize("forever", [False, True], ids=["one_fails", "all_later_fail"])
@pytest.mark.parametrize("command", ["check", "convert", "run", "verify", "init", "caffe", "eval", "coco", "data", "align"])
def test_failing_allocations(digits, tmp_path, command, forever):
    out = tmp_path / "out"
    args = {"check": ["check", digits.model], "run": ["run", digits.bin, "--input", digits.picture],
            "verify": ["verify", digits.stage("quantized"), digits.bin, "--random", "1"],
            "caffe": caffe(tmp_path), "data": ["check", "--data", "-c", digits.yaml], "coco": coco(tmp_path), "align": traces(tmp_path),
            "eval": ["eval", digits.bin, "--metric", "top_k", "--images", digits.held_out, "--labels", digits.labels, "--limit", "3", "--bootstrap", "2"],
            "init": ["init", digits.model, "-o", tmp_path / "x.yaml"],
            "convert": ["convert", "-c", digits.write_yaml(tmp_path / "d.yaml", out), "--log", "none", "--compare", "2"]}[command]
    whole = once(args, 0, False)
    assert whole.status == (tool.CHECK_FAILED if command == "align" else tool.DONE)
    if command == "init":
        (tmp_path / "x.yaml").unlink()
    total = int(re.search(r"allocations: (\d+)", whole.err)[1])
    with concurrent.futures.ThreadPoolExecutor(1 if command in ("init", "convert") else 2) as pool:
        runs = list(pool.map(lambda n: (n, once(args, n, forever), (tmp_path / "x.yaml").unlink(missing_ok=True)), steps(total)))
    statuses = [r.status for _, r, _ in runs]
    print(f"{total} allocations, {len(runs)} runs: " + ", ".join(f"{statuses.count(s)} with status {s}" for s in sorted(set(statuses))))
    for n, r, _ in runs:
        assert r.status in (whole.status, tool.INTERNAL), f"allocation {n}: {r}"
        assert r.status == whole.status and r.out == whole.out or re.search("(?i)memory", r.err), f"allocation {n}: {r}"
    assert tool.INTERNAL in statuses
    left = [p.name for p in out.rglob("*")] if out.exists() else []
    assert all(name.endswith((".onnx", ".bin")) for name in left), left
