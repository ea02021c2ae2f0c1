"""Command blocks of pages (```sh) run, in their order, in a folder as the page says."""
import os
import re
import shutil
import subprocess

import pytest
import tool

PAGES = ["from-horizon.md", "from-onnxruntime.md"]


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", (tool.ROOT / "docs" / page).read_text(), re.M | re.S)


@pytest.fixture
def folder(digits, tmp_path):
    """net.onnx, net.yaml (right.yaml), image.png, images."""
    shutil.copy(digits.model, tmp_path / "net.onnx")
    shutil.copy(digits.picture, tmp_path / "image.png")
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
    found = blocks(page)
    assert len(found) > 1
    env = {**os.environ, "PATH": f"{tool.BUILD}:{os.environ['PATH']}"}
    script = "set -ex\n" + "".join(found)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
