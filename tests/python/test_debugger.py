"""The vendor's debugger in Python: the numbers of `vernier debug`, under every name that scripts import."""
import json
import os
import subprocess
import sys

import pytest
import tool

pytest.importorskip("vernier")
if not (tool.BUILD / "python/vernier/_native.abi3.so").exists():
    pytest.skip("the build has no Python package", allow_module_level=True)
import vernier  # noqa: E402
from vernier import debugger as dbg  # noqa: E402


def ours(what, digits, *options):
    words = ["debug", what, digits.stage("calibrated"), digits.calib, *options, "--json"]
    return json.loads(tool.run(*words, want=tool.DONE, build=tool.BUILD).out)


def test_sensitivity(digits, tmp_path, capsys):
    got = dbg.get_sensitivity_of_nodes(digits.stage("calibrated"), ["mse", "sqnr"], str(digits.calib),
                                       node_type="activation", data_num=2, verbose=True,
                                       save_dir=tmp_path / "s")
    rows = ours("sensitivity", digits, "-m", "mse", "-m", "sqnr", "-n", "activation", "-d", "2")["rows"]
    assert [(k, float(v["mse"])) for k, v in got.items()] == [(r["node"], r["mse"]) for r in rows]
    log = (tmp_path / "s/sensitivity_of_activation.log").read_text()
    assert log == capsys.readouterr().out
    assert log.splitlines()[1].split() == ["node", "threshold", "bit", "mse", "sqnr"]
    names = list(got)[:2]
    picked = dbg.get_sensitivity_of_nodes(digits.stage("calibrated"), "mse", digits.calib,
                                          interested_nodes=names)
    assert set(picked) == set(names)


def test_accumulated(digits, tmp_path):
    data, model = digits.calib, digits.stage("calibrated")
    got = dbg.plot_acc_error(tmp_path, data, model, [["conv_1", "conv_3"], "weight"], metric="mse")
    want = ours("accumulated", digits, "-q", "conv_1,conv_3", "-q", "weight", "-m", "mse")
    assert list(got.values()) == [c["mse"] for c in want["curves"]]
    assert (tmp_path / "accumulate_error/mse.html").stat().st_size > 1000
    rest = dbg.plot_acc_error(tmp_path, data, model, non_quantize_node=["conv_1"], average_mode=True)
    assert len(rest) == 1
    both = {"quantize_node": ["a"], "non_quantize_node": ["b"]}
    for wrong in ({}, both, {"non_quantize_node": ["weight"]}):
        with pytest.raises(ValueError):
            dbg.plot_acc_error(tmp_path, data, model, **wrong)


def test_tensors_and_all(digits, tmp_path):
    data, model = digits.calib, digits.stage("calibrated")
    rows = ours("tensors", digits)["rows"]
    got = dbg.tensor_analysis(model, data)
    assert list(got.values()) == rows
    assert list(dbg.tensor_analysis(model, data, nodes_list=rows[1]["node"])) == [rows[1]["node"]]
    dbg.runall(model, data, save_dir=tmp_path / "all", data_num=2)
    files = {str(p.relative_to(tmp_path / "all")) for p in (tmp_path / "all").rglob("*.log")}
    assert files == {f"node_sensitivity/sensitivity_of_{k}.log" for k in ("weight", "activation")}
    everything = dbg.sensitivity_analysis(model, data, pick_threshold=2)
    assert set(dbg.sensitivity_analysis(model, data, pick_threshold=0.9999)) <= set(everything) and everything


def test_errors(digits):
    with pytest.raises(vernier.Error, match="absent.onnx") as e:
        dbg.get_sensitivity_of_nodes("absent.onnx", calibrated_data=digits.calib)
    assert e.value.status == "input"
    with pytest.raises(vernier.Error, match="expected nodes"):
        dbg.plot_distribution("x", digits.stage("calibrated"), digits.calib, [])


def test_distributions(digits, tmp_path):
    node = ours("tensors", digits)["rows"][0]["node"]
    model, data = digits.stage("calibrated"), digits.calib
    for what, folder, function in (
            ("distribution", "data_distribution", dbg.plot_distribution),
            ("channels", "channelwise_distribution", dbg.get_channelwise_data_distribution)):
        got = function(tmp_path, model, data, [node], data_num=2)
        assert list(got.values()) == ours(what, digits, "--nodes", node, "--samples", "2")["rows"]
        assert len(list((tmp_path / folder).glob("*.png"))) == 1


NAMES = ["hmct.quantizer.debugger", "horizon_nn.quantizer.debugger", "horizon_nn.debug",
         "vernier.hmct.quantizer.debugger", "vernier.horizon_nn.quantizer.debugger",
         "vernier.horizon_nn.debug"]


def test_names(tmp_path):
    """With PYTHONPATH as `compat install` says."""
    tool.run("compat", "install", tmp_path, want=tool.DONE, build=tool.BUILD)
    code = "".join(f"import {n} as m{i}\nassert callable(m{i}.get_sensitivity_of_nodes)\n"
                   for i, n in enumerate(NAMES))
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "python")}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
