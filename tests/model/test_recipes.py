"""The recipes of recipes/: converted and scored as their README says. A few images in daily use, all of them
in a campaign (VERNIER_CAMPAIGN=1), whose scores are recipes/scores.csv."""
import csv
import json

import pytest
import shared_models as sm
import tool

pytestmark = pytest.mark.skipif(sm.missing() is not None, reason=str(sm.missing()))
RECIPES = tool.ROOT / "recipes"
with open(RECIPES / "scores.csv", newline="") as f:
    SCORES = {(r["recipe"], r["score"]): r for r in csv.DictReader(f)}
NAMES = sorted(p.stem for p in RECIPES.glob("*.yaml") if not p.stem.endswith(".task"))
DAILY = {"resnet20": 60}  # images


def score(name, folder, limit):
    """{score: (float32, .bin)}"""
    (folder / "models").symlink_to(sm.SHARED / "models")
    (folder / "images").mkdir()
    for p in (sm.SHARED / "images").iterdir():
        (folder / "images" / p.name).symlink_to(p)
    calib = sm.list_pictures(sm.SHARED / "images/cifar10/calib")
    sm.flat_folder(sm.spread(calib, None if not limit else 40), folder / "images/cifar10_calib")
    for file in (f"{name}.yaml", f"{name}.task.yaml"):
        (folder / file).write_text((RECIPES / file).read_text())
    words = ("--log", "none", "--threads", 2)
    tool.run("convert", "-c", f"{name}.yaml", *map(str, words), build=tool.BUILD, want=tool.DONE, cwd=folder,
             timeout=600)
    out = f"out_{name}/{name}"
    files = (f"{out}_original_float_model.onnx", f"{out}.bin")
    words = (f"{out}_quantized_model.onnx", files[1])
    done = tool.run("verify", *words, build=tool.BUILD, want=tool.DONE, cwd=folder, timeout=600)
    assert "PASSED" in done.out, done.out
    options = ["--task", f"{name}.task.yaml", "--json", "--threads", "2"]
    options += ["--limit", str(limit)] if limit else []
    done = tool.run("eval", *files, *options, build=tool.BUILD, want=tool.DONE, cwd=folder, timeout=900)
    first, second = json.loads(done.out)["models"]
    float32 = first["scores"]
    return {k: (float32.get(k, {}).get("value"), v["value"]) for k, v in second["scores"].items()}


@pytest.mark.parametrize("name", NAMES if tool.CAMPAIGN else DAILY)
def test_recipe(name, tmp_path):
    limit = None if tool.CAMPAIGN else DAILY[name]
    for key, (float32, int8) in score(name, tmp_path, limit).items():
        row = SCORES[name, key]
        if limit:  # of a few images
            assert int8 >= (float32 or 0) - 5, (key, float32, int8)
        else:
            assert abs(int8 - float(row["int8"])) < 0.01, (key, int8, row)
            assert float32 is None or abs(float32 - float(row["float32"])) < 0.01


def test_every_recipe_is_listed():
    text = (RECIPES / "README.md").read_text()
    assert {name for name, _ in SCORES} == set(NAMES)
    assert all(f"{name}.yaml" in text for name in NAMES)
