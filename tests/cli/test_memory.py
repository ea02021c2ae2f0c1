"""Peak memory of `vernier convert`: at most five times the weights, for any number of samples."""
import os
import subprocess
import sys

import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

sys.path.insert(0, str(tool.ROOT / "tools"))
import scaling  # noqa: E402

MEGABYTES, LIMIT = 50, 5  # fixed costs are a tenth of such weights


@pytest.mark.parametrize("name", ["conv", "matmul"])
def test_peak(name, monkeypatch):
    monkeypatch.setattr(scaling, "VERNIER", tool.BUILD / "vernier")
    assert scaling.measure(scaling.by_weights(name, MEGABYTES), name)[1] <= LIMIT


def peak_of(digits, folder, samples):
    """Kilobytes of a conversion with so many pictures."""
    data = folder / f"data{samples}"
    data.mkdir()
    pictures = sorted(digits.calib.iterdir())
    for i in range(samples):
        (data / f"{i:04}.png").symlink_to(pictures[i % len(pictures)])
    yaml = digits.write_yaml(folder / f"{samples}.yaml", folder / f"out{samples}", data)
    command = [tool.BUILD / "vernier", "convert", "-c", yaml, "--log", "none", "--accept-data"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == tool.DONE
    return usage.ru_maxrss


def test_samples_are_not_kept(digits, tmp_path):
    few, many = (peak_of(digits, tmp_path, n) for n in (10, 1000))
    assert many - few < 1000, f"{few} KB with 10 samples, {many} KB with 1000"


def small_file_of_much(path, kind):
    """A few hundred bytes that ask for 13 GB of constants, by many Expands or by Concats that double."""
    nodes, last = [], "x"
    if kind == "expand":
        for i in range(200):
            nodes += [helper.make_node("Expand", ["one", "size"], [f"e{i}"]),
                      helper.make_node("Slice", [f"e{i}", "from", "to"], [f"s{i}"]),
                      helper.make_node("Add", [last, f"s{i}"], [f"y{i}"])]
            last = f"y{i}"
    else:
        nodes.append(helper.make_node("Expand", ["one", "size"], ["e0"]))
        nodes += [helper.make_node("Concat", [f"e{i}"] * 2, [f"e{i + 1}"], axis=0) for i in range(8)]
        nodes += [helper.make_node("Slice", ["e8", "from", "to"], ["s"]),
                  helper.make_node("Add", ["x", "s"], ["y"])]
        last = "y"
    constants = {"one": np.ones(1, np.float32), "size": np.array([4096, 4096]),
                 "from": np.array([0, 0]), "to": np.array([4, 4])}
    weights = [numpy_helper.from_array(v, k) for k, v in constants.items()]
    info = lambda name: [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 4])]
    g = helper.make_graph(nodes, "g", info("x"), info(last), weights)
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("kind", ["expand", "concat"])
def test_a_small_file_does_not_fill_the_memory(tmp_path, kind):
    model = small_file_of_much(tmp_path / "m.onnx", kind)
    process = subprocess.Popen([tool.BUILD / "vernier", "check", model], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (tool.DONE, tool.BAD_INPUT), err
    assert usage.ru_maxrss < 2e6, f"{usage.ru_maxrss} KB"
