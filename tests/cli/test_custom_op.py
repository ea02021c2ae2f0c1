"""Operators of the user's own (examples/custom_op): every command takes them, a .bin loads no file itself."""
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np
import onnx
import pytest
import tool
from onnx import helper, numpy_helper

sys.path.insert(0, str(tool.ROOT / "tools"))
import bindump

YAML = """model_parameters: {onnx_model: 'net.onnx', working_dir: 'out', output_model_file_prefix: 'net'}
input_parameters: {input_type_train: 'featuremap', input_type_rt: 'featuremap'}
calibration_parameters: {calibration_type: 'skip'}
custom_op: {custom_op_method: 'register', op_register_files: '%s', custom_op_dir: 'ops'}
"""
LIBRARY = ("--custom-op", "ops/swoosh.so")
ATTRIBUTES = {"sharpness": 1.5, "offset": -0.25, "note": "a b%c", "steps": [3, -4]}


def build(source, library):
    warnings = ["-Wall", "-Wextra", "-Werror"]
    include = f"-I{tool.ROOT}/include"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", *warnings, include, "-o", library, source, "-lm"],
                   check=True)
    return library


def network(path):
    rng = np.random.default_rng(1)
    weights = [numpy_helper.from_array(rng.normal(size=s).astype(np.float32) / 4, n)
               for n, s in (("w", (8, 3, 3, 3)), ("v", (4, 8, 1, 1)))]
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], "conv", pads=[1] * 4),
             helper.make_node("Swoosh", ["a"], ["b"], "swoosh", domain="com.example", **ATTRIBUTES),
             helper.make_node("Conv", ["b", "v"], ["c"], "conv2"),
             helper.make_node("Halves", ["c"], ["left", "right"], "halves", domain="com.example"),
             helper.make_node("Add", ["left", "right"], ["y"], "add")]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "net", [value("x", 1, [1, 3, 8, 8])], [value("y", 1, None)], weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    folder = tmp_path_factory.mktemp("custom")
    (folder / "ops").mkdir()
    build(tool.ROOT / "examples/custom_op/swoosh.c", folder / "ops/swoosh.so")
    network(folder / "net.onnx")
    (folder / "net.yaml").write_text(YAML % "swoosh.so")
    tool.run("convert", "-c", "net.yaml", "--log", "none", want=tool.DONE, cwd=folder)
    return folder


def expected(folder, x):
    """The network as NumPy has it."""
    constants = onnx.load(folder / "net.onnx").graph.initializer
    w, v = (numpy_helper.to_array(t).astype(np.float64) for t in constants)
    padded = np.pad(x[0].astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    a = sum(np.einsum("oc,chw->ohw", w[:, :, i, j], padded[:, i:i + 8, j:j + 8])
            for i in range(3) for j in range(3))
    b = np.einsum("oc,chw->ohw", v[:, :, 0, 0], a / (1 + np.exp(-1.5 * a + 0.25)))
    return b[:, :, :4] + b[:, :, 4:]


def test_commands(net):
    table = tool.run("check", "net.onnx", *LIBRARY, want=tool.DONE, cwd=net).out
    assert re.search(r"swoosh +CPU +-- +Swoosh", table) and "Swoosh has no integer form" in table
    files = ("out/net_quantized_model.onnx", "out/net.bin")
    assert "PASSED" in tool.run("verify", *files, *LIBRARY, want=tool.DONE, cwd=net).out
    x = np.random.default_rng(2).uniform(-1, 1, size=(1, 3, 8, 8)).astype(np.float32)
    np.save(net / "x.npy", x)
    results = []
    for i, model in enumerate(("net.onnx", "out/net_optimized_float_model.onnx", "out/net.bin")):
        options = (*LIBRARY, "-i", "x.npy", "--output-dir", f"r{i}")
        tool.run("run", model, *options, want=tool.DONE, cwd=net)
        results.append(np.load(net / f"r{i}/y.npy")[0])
    want = expected(net, x)
    assert np.abs(results[0] - want).max() < 1e-5 and np.abs(results[1] - want).max() < 1e-5
    assert np.sum(results[2] * want) / np.linalg.norm(results[2]) / np.linalg.norm(want) > 0.999


def test_files_keep_the_nodes(net):
    for stage in ("original_float", "optimized_float", "calibrated", "quantized"):
        m = onnx.load(net / f"out/net_{stage}_model.onnx")
        onnx.checker.check_model(m)
        node = next(n for n in m.graph.node if n.op_type == "Swoosh")
        got = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        assert node.domain == "com.example" and got == {**ATTRIBUTES, "note": b"a b%c"}
        assert "com.example" in [o.domain for o in m.opset_import]


def test_bin_names_what_it_requires(net):
    done = tool.run("info", "out/net.bin", "--json", *LIBRARY, want=tool.DONE, cwd=net)
    assert json.loads(done.out)["meta"]["needs.custom_ops"] == "com.example.Swoosh,com.example.Halves"
    tool.run("info", "out/net.bin", env={"VERNIER_CUSTOM_OPS": str(net / "ops/swoosh.so")}, want=tool.DONE,
             cwd=net)
    for command in ("info", "run"):
        err = tool.run(command, "out/net.bin", want=tool.BAD_INPUT, cwd=net).err
        assert "out/net.bin: node swoosh requires the custom operator com.example.Swoosh" in err
        assert "--custom-op" in err
    err = tool.run("check", "net.onnx", want=tool.BAD_INPUT, cwd=net).err
    assert "operator com.example.Swoosh is not supported" in err and "--custom-op" in err


COUNTING = """#include <vernier/custom_op.h>
VN_CUSTOM_LIBRARY;
VN_CUSTOM_OP(Counting)
{
    for (int i = 0; i < c->n_out; i++) {
        c->out[i].dtype = VN_F32;
        c->out[i].rank = 4;
        for (int k = 0; k < 4; k++)
            c->out[i].shape[k] = c->in[1].shape[k];
        for (int k = 0; c->task == VN_CUSTOM_RUN && c->out[i].data && k < 48; k++)
            ((float *)c->out[i].data)[k] = (float)k;
    }
    return 0;
}
"""


def test_first_input_left_out(tmp_path):
    (tmp_path / "counting.c").write_text(COUNTING)
    library = build(tmp_path / "counting.c", tmp_path / "counting.so")
    nodes = [helper.make_node("Transpose", ["x"], ["t"], "turn", perm=[0, 3, 1, 2]),
             helper.make_node("Counting", ["", "t"], ["y"], "counting", domain="com.example")]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "net", [value("x", 1, [1, 4, 4, 3])], [value("y", 1, None)])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "net.onnx")
    tool.run("check", "net.onnx", "--custom-op", library, want=tool.DONE, cwd=tmp_path)
    tool.run("run", "net.onnx", "--custom-op", library, "-o", "r", want=tool.DONE, cwd=tmp_path)
    assert np.array_equal(np.load(tmp_path / "r/y.npy").reshape(-1), np.arange(48))


REQUIRES = "requires the custom operator"


@pytest.mark.parametrize("text, message", [
    (b"a\n../../../tmp/evil.so", "is incomplete"), (b"a\n/tmp/evil.so\n", REQUIRES),
    (b"a\ns_abi\n", REQUIRES),
    (b"\n\n\n", REQUIRES), (b"com.example\nHalves\n", "expected one float input whose last axis"),
    (None, "has no end")])
def test_hostile_text(net, tmp_path, text, message):
    """What stands in place of the operator's name is a name, never a path."""
    data = bytearray((net / "out/net.bin").read_bytes())
    at = data.index(b"com.example\nSwoosh\n")
    end = data.index(b"\0", at)
    end += -(end - at) % 4 or 4
    data[at:end] = text.ljust(end - at, b"\0") if text else b"\xff" * (end - at)
    data[24:32] = struct.pack("<Q", bindump.file_hash(bytes(data), 24))
    (tmp_path / "bad.bin").write_bytes(data)
    err = tool.run("run", tmp_path / "bad.bin", *LIBRARY, want=tool.BAD_INPUT, cwd=net).err
    assert "swoosh" in err and message in err, err


def test_libraries_that_are_none(net, tmp_path):
    def check(library):
        return tool.run("check", "net.onnx", "--custom-op", library, want=tool.BAD_INPUT, cwd=net).err

    (tmp_path / "none.c").write_text("int x;\n")
    (tmp_path / "old.c").write_text("#include <stdint.h>\nconst uint32_t vernier_ops_abi = 99;\n")
    assert "VN_CUSTOM_LIBRARY is missing" in check(build(tmp_path / "none.c", tmp_path / "none.so"))
    assert "version 99" in check(build(tmp_path / "old.c", tmp_path / "old.so"))
    assert "absent.so" in check("absent.so")
    for files, message in (("a.py", "expected a shared library"), ("absent.so", "absent.so")):
        (net / "bad.yaml").write_text(YAML % files)
        err = tool.run("convert", "-c", "bad.yaml", "--log", "none", want=tool.BAD_INPUT, cwd=net).err
        assert "bad.yaml:4" in err and message in err, err


SCRIPT = """import numpy as np, vernier
vernier.load_custom_ops('ops/swoosh.so')
with vernier.Session('out/net.bin') as s:
    print(s.run(None, {'x': np.zeros((1, 3, 8, 8), np.float32)})[0].shape)
try:
    vernier.load_custom_ops('absent.so')
except vernier.Error as e:
    print('absent.so' in str(e))
"""


def test_python(net):
    if not (tool.BUILD / "python/vernier").exists():
        pytest.skip("the build has no Python package")
    env = {**os.environ, "PYTHONPATH": str(tool.BUILD / "python")}
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=net, capture_output=True, text=True, env=env)
    assert done.stdout.split("\n")[:2] == ["(1, 4, 8, 4)", "True"], done.stdout + done.stderr
