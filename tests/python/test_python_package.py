"""The package as a whole: the README's example, what is installed, forwarding packages."""
import ast
import importlib
import inspect
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


MODULES = ["vernier.session", "vernier.jobs", "vernier.errors", "vernier.transformer", "vernier.debugger",
           "vernier.trace", "vernier.horizon_tc_ui", "vernier.hobot_dnn.pyeasy_dnn"]


def public(module):
    """(name, function or class) of what the module itself defines, with the members of its classes."""
    for name, x in vars(module).items():
        if name.startswith("_") or getattr(x, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(x) or inspect.isclass(x):
            yield name, x
        for member, y in vars(x).items() if inspect.isclass(x) else ():
            y = y.fget if isinstance(y, property) else y
            if not member.startswith("_") and inspect.isfunction(y):
                yield f"{name}.{member}", y


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_and_hints(name):
    """Every public member says what it does, with hints; every function of a module what it raises."""
    members = dict(public(importlib.import_module(name)))
    assert members
    for member, x in members.items():
        assert x.__doc__ and len(x.__doc__.split()) > 1, member
        if inspect.isclass(x):
            continue
        s = inspect.signature(x)
        assert s.return_annotation is not s.empty, member
        assert all(p.annotation is not p.empty for p in s.parameters.values() if p.name != "self"), member
        assert "." in member or "Raises:" in x.__doc__, member


# section 4 and 7 of the vendor flow, and the samples' functions; arguments by name
THEIRS = {
    "vernier.horizon_tc_ui": {
        "HB_ONNXRuntime": "model_file", "HB_ONNXRuntime.get_inputs": "", "HB_ONNXRuntime.get_outputs": "",
        "HB_ONNXRuntime.input_names": "", "HB_ONNXRuntime.output_names": "",
        "HB_ONNXRuntime.input_shapes": "", "HB_ONNXRuntime.layout": "", "HB_ONNXRuntime.get_hw": "",
        "HB_ONNXRuntime.set_dim_param": "input_idx dim_idx", "HB_ONNXRuntime.set_providers": "providers",
        "HB_ONNXRuntime.get_provider": "", "HB_ONNXRuntime.run": "output_names input_feed input_offset",
        "HB_ONNXRuntime.run_feature": "output_names input_feed input_offset",
        "HBSession.run": "output_names input_feed", "HBRuntime.run": "output_names input_feed",
        "HBRuntime.input_names": "", "HBRuntime.output_names": "", "NodeArg": "name shape"},
    "vernier.hobot_dnn.pyeasy_dnn": {"load": "model_file", "Model.forward": "args",
                                     "TensorProperties": "tensor_type dtype layout shape"},
    "vernier.debugger": {
        "get_sensitivity_of_nodes": "model_or_file metrics calibrated_data output_node node_type data_num "
                                    "verbose interested_nodes",
        "plot_acc_error": "save_dir calibrated_data model_or_file quantize_node non_quantize_node metric "
                          "average_mode",
        "plot_distribution": "save_dir model_or_file calibrated_data nodes_list",
        "get_channelwise_data_distribution": "save_dir model_or_file calibrated_data nodes_list axis",
        "runall": "model_or_file calibrated_data", "sensitivity_analysis": "model_or_file calibrated_data",
    },
}
TRANSFORMERS = """AddTransformer(value) MeanTransformer(means, data_format) ScaleTransformer(scale_value)
NormalizeTransformer(std) TransposeTransformer(order) HWC2CHW CHW2HWC PILCenterCrop(size)
CenterCropTransformer(crop_size, data_type) LongSideCrop
PadResizeTransformer(target_size, pad_value, pad_position)
ResizeTransformer(target_size, mode, method, data_type, interpolation) PILResize(size)
ShortLongResize(short_size, long_size, include_im) PadTransformer(size_divisor, target_size)
ShortSideResizeTransformer(short_size) PaddedCenterCrop(image_size, crop_pad) BGR2RGB RGB2BGR RGB2GRAY
BGR2GRAY RGB2GRAY_128 RGB2YUV444 BGR2YUV444 RGB2YUV444_128 BGR2YUV444_128 BGR2YUVBT601VIDEO RGB2YUVBT601VIDEO
YUVTransformer(color_sequence) ReduceChannel BGR2NV12(data_format, cvt_mode) RGB2NV12(data_format, cvt_mode)
NV12ToYUV444(target_size, yuv444_output_layout) WarpAffine(input_shape, scale) F32ToS8 F32ToU8"""


@pytest.mark.parametrize("module", THEIRS)
def test_members_of_the_vendor_flow(module):
    for path, arguments in THEIRS[module].items():
        x = importlib.import_module(module)
        for part in path.split("."):
            x = getattr(x, part)
        names = set(inspect.signature(x).parameters) if callable(x) else set()
        assert set(arguments.split()) <= names, path


def test_transformers_of_the_vendor_flow():
    from vernier import transformer
    for name, arguments in re.findall(r"(\w+)(?:\(([^)]*)\))?", TRANSFORMERS):
        names = [p[0] for p in getattr(transformer, name).parameters]
        assert set(filter(None, arguments.replace(",", " ").split())) <= set(names), name


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
