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
    assert list(dbg.tensor_analysis(model, data, node_names=rows[1]["node"])) == [rows[1]["node"]]
    assert list(dbg.tensor_analysis(model, data, num_processes=2).values()) == rows
    with pytest.raises(vernier.Error, match="--threads"):
        dbg.tensor_analysis(model, data, num_processes=-1)


def steps(digits, *options):
    found = ours("sensitivity-analysis", digits, *options)["restored"]
    return {s["quantized"]: s["cosine-similarity"] for s in found}


def test_sensitivity_analysis(digits, tmp_path):
    data, model = digits.calib, digits.stage("calibrated")
    got = dbg.sensitivity_analysis(model, data, pick_threshold=0.99999, save_dir=tmp_path)
    assert got == steps(digits, "--pick-threshold", "0.99999", "-d", "1")
    assert [*got][3:5][0] == "all nodes" and len(got) > 4
    assert len(list((tmp_path / "sensitivity_analysis").glob("*.png"))) == 1
    picked = dbg.sensitivity_analysis(model, data, data_num=2, sensitive_nodes=["conv_1"], save_dir=tmp_path)
    assert picked == steps(digits, "--nodes", "conv_1", "-d", "2") and [*picked][-1] == "all but 1 (conv_1)"
    with pytest.raises(vernier.Error, match="qtype: expected float32, got 'int16'") as e:
        dbg.sensitivity_analysis(model, data, qtype="int16")
    assert e.value.status == "unsupported"


def test_outputs_separated(digits, tmp_path):
    """A network of two outputs, whose sensitive nodes differ."""
    import onnx
    model = onnx.load(digits.stage("calibrated"))
    inner = next(n.output[0] for n in model.graph.node if n.op_type == "Conv")
    model.graph.output.append(onnx.helper.make_tensor_value_info(inner, onnx.TensorProto.FLOAT, None))
    onnx.save(model, tmp_path / "two.onnx")
    first, rest = (o.name for o in model.graph.output)
    found = dbg.sensitivity_analysis(tmp_path / "two.onnx", digits.calib, pick_threshold=2,
                                     output_separated=True, save_dir=tmp_path)
    assert list(found) == [first, rest] and found[first] != found[rest]
    assert len(list(tmp_path.glob("*/sensitivity_analysis/*.png"))) == 2
    words = ["debug", "sensitivity-analysis", tmp_path / "two.onnx", digits.calib, "-o", rest]
    one = json.loads(tool.run(*words, "-d", "1", "--pick-threshold", "2", "--json", want=tool.DONE).out)
    assert found[rest] == {s["quantized"]: s["cosine-similarity"] for s in one["restored"]}


def all_files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_runall(digits, tmp_path):
    data, model = digits.calib, digits.stage("calibrated")
    dbg.runall(model, data, save_dir=tmp_path, data_num=2)
    made = all_files(tmp_path)
    assert {f for f in made if f.startswith("node")} == {
        f"node_sensitivity/sensitivity_of_{k}.log" for k in ("weight", "activation")}
    assert "accumulate_error/weight_activation_quantized_separately_cosine-similarity.png" in made
    assert "sensitivity_analysis/sensitive_nodes_in_float_cosine-similarity.png" in made
    plots = [sorted(f.split("/")[1] for f in made if f.startswith(k)) for k in ("data_d", "channelwise_d")]
    assert plots[0] == plots[1] and len(plots[0]) == 10


def test_runall_obeys_its_arguments(digits, tmp_path, capsys):
    data, model = digits.calib, digits.stage("calibrated")
    weight = next(iter(dbg.get_sensitivity_of_nodes(model, "mse", data, node_type="weight", data_num=1)))
    dbg.runall(model, data, tmp_path, ["mse"], None, "weight", 1, True, ["conv_3"], ["conv_1"], [weight], 1,
               None, ["conv_3"], "sqnr", True, 0.9, ["conv_1"])
    assert all_files(tmp_path) == {
        "node_sensitivity/sensitivity_of_node.log", "data_distribution/conv_1.png",
        f"channelwise_distribution/{weight.replace('/', '_')}.png", "accumulate_error/sqnr.html",
        "accumulate_error/sqnr.json",
        "accumulate_error/non_quantize_node_accumulate_err_of_partial_qmodel_sqnr.png",
        "sensitivity_analysis/sensitive_nodes_in_float_cosine-similarity.png"}
    shown = capsys.readouterr().out
    assert shown == (tmp_path / "node_sensitivity/sensitivity_of_node.log").read_text()
    assert shown.splitlines()[1].split() == ["node", "mse"] and len(shown.splitlines()) == 4
    short = {"data_num": 1, "dis_nodes_list": "conv_1", "cw_nodes_list": "conv_1"}
    dbg.runall(model, data, tmp_path / "old", node_type="node", ac_metric="mse", **short)
    assert (tmp_path / "old/accumulate_error/mse.html").exists()
    assert (tmp_path / "old/node_sensitivity/sensitivity_of_node.log").exists()
    for wrong, error in (({"output_node": "absent"}, vernier.Error), ({"axis": 9}, vernier.Error),
                         ({"quantize_node": "a", "non_quantize_node": "b"}, ValueError)):
        with pytest.raises(error):
            dbg.runall(model, data, tmp_path / "wrong", **wrong, **short)


def test_errors(digits):
    with pytest.raises(vernier.Error, match="absent.onnx") as e:
        dbg.get_sensitivity_of_nodes("absent.onnx", calibrated_data=digits.calib)
    assert e.value.status == "input"
    with pytest.raises(vernier.Error, match="expected at least one node"):
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
