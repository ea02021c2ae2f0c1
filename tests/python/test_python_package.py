"""The package as a whole: the README's example, what is installed, forwarding packages."""
import ast
import re
import subprocess
import sys

import numpy as np
import pytest
import tool

vernier = pytest.importorskip("vernier")
if not (tool.BUILD / "python/vernier/_native.abi3.so").exists():
    pytest.skip("the build has no Python package", allow_module_level=True)


def test_readme(digits, tmp_path, capsys, monkeypatch):
    """The example runs as it stands in README.md."""
    (code,) = re.findall(r"```python\n(.*?)```", (tool.ROOT / "README.md").read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    digits.write_yaml(tmp_path / "net.yaml", tmp_path / "out")
    exec(compile(code, "README.md", "exec"), {})
    assert "True" in capsys.readouterr().out


def test_every_name_is_there():
    for name in vernier.__all__:
        assert getattr(vernier, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vernier.nothing


def python(folder, code):
    env = {"PYTHONPATH": f"{folder}:{tool.BUILD / 'python'}"}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def test_forwarding_packages(digits, tmp_path):
    for _ in range(2):
        done = tool.run("compat", "install", tmp_path, want=tool.DONE, build=tool.BUILD)
    assert f"PYTHONPATH=\"{tmp_path}/python" in done.out
    r = python(tmp_path / "python", f"""
from horizon_tc_ui import HB_ONNXRuntime
from hobot_dnn import pyeasy_dnn as dnn
sess = HB_ONNXRuntime(model_file={str(digits.stage('quantized'))!r})
print(sess.input_names, dnn.load({str(digits.bin)!r})[0].name)
""")
    assert r.stdout == "['image'] digits\n", r.stderr


def test_foreign_files_stay(tmp_path):
    own = tmp_path / "python/hobot_dnn/pyeasy_dnn.py"
    own.parent.mkdir(parents=True)
    own.write_text("x = 1\n")
    r = tool.run("compat", "install", tmp_path, want=tool.BAD_INPUT, build=tool.BUILD)
    assert "pyeasy_dnn.py: exists and was not written by this program" in r.err
    assert [p.name for p in (tmp_path / "python").rglob("*.py")] == ["pyeasy_dnn.py"]


CASES = ["HWC2CHW", "PadResizeTransformer(target_size=(12, 10))",
         "ResizeTransformer(target_size=(5, 7), mode=opencv)",
         "ShortSideResizeTransformer(short_size=6)", "BGR2RGB(data_format=HWC)", "LongSideCrop", "F32ToU8"]


@pytest.mark.parametrize("text", CASES)
def test_transformers_are_the_steps_of_prep(text, tmp_path):
    """Each function with its defaults gives what the step of this name gives on a file."""
    from PIL import Image
    from vernier import transformer
    image = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(image).save(tmp_path / "in/a.png")
    done = vernier.prep(tmp_path / "in", tmp_path / "out", text)
    name, _, words = text.partition("(")
    named = dict(re.findall(r"(\w+)=(\([^)]*\)|\w+)", words))
    values = {k: ast.literal_eval(v) if v[0] in "(0123456789" else v for k, v in named.items()}
    f = getattr(transformer, name)(**values)
    want = np.load(tmp_path / "out" / done.files[0].name)
    got = f(image)
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(f([image])[0], got)


def test_arguments_of_transformers():
    from vernier import transformer
    assert "size_divisor=128" in transformer.PadTransformer.__doc__
    assert transformer.AddTransformer(2)(np.zeros((2, 2, 3), np.float32)).max() == 2
    with pytest.raises(TypeError, match="speed"):
        transformer.AddTransformer(speed=1)
    with pytest.raises(vernier.Error, match="value is missing"):
        transformer.AddTransformer()(np.zeros((2, 2, 3)))
