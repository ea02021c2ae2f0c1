"""Command blocks of pages (```sh) run, in their order, in a folder as the page says."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tool
from PIL import Image

PAGES = ["from-horizon.md", "from-onnxruntime.md", "from-sophon.md"]


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", (tool.ROOT / "docs" / page).read_text(), re.M | re.S)


@pytest.fixture
def folder(digits, tmp_path):
    """net.onnx, net.yaml (right.yaml), image.png, images."""
    shutil.copy(digits.model, tmp_path / "net.onnx")
    shutil.copy(digits.picture, tmp_path / "image.png")
    smooth = np.add.outer(np.arange(60), np.arange(80))[..., None] * [1, 2, 3]
    smooth += (np.eye(60, 80, dtype=int) * 90)[..., None]
    Image.fromarray((smooth % 256).astype(np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "images").mkdir()
    for path in sorted(digits.calib.iterdir())[:24]:
        shutil.copy(path, tmp_path / "images")
    text = tool.YAML.format(model="net.onnx", out="out", data="images").replace("'digits'", "'net'")
    (tmp_path / "net.yaml").write_text(text)
    (tmp_path / "right.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_page(page, folder):
    if page == "from-onnxruntime.md":
        (folder / "net.yaml").unlink()  # init writes it
    if page == "from-sophon.md":
        tool.run("convert", "-c", "right.yaml", "--log", "none", want=tool.DONE, cwd=folder)
    found = blocks(page)
    assert len(found) > 1
    if "vernier import" in "".join(found) and not (tool.BUILD / "python/vernier").exists():
        pytest.skip("the build has no Python package")
    path = [str(tool.BUILD), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]
    env = {**os.environ, "PATH": ":".join(path), "PYTHONPATH": str(tool.BUILD / "python")}
    script = "set -ex\n" + "".join(found)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
