"""Functions that amplify the rounding of their operand compute in float, with what makes the operand."""
import json

import numpy as np
import onnx
import pytest
import tool
from onnx import helper, numpy_helper
from test_thresholds import YAML

def save_network(path, floor):
    """The logarithm of a power, as front ends of audio networks have it, between two convolutions."""
    rng = np.random.default_rng(3)
    w = lambda name, *shape: numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)
    floor = numpy_helper.from_array(np.float32(floor), "floor")
    nodes = [helper.make_node("Conv", ["x", "a"], ["c"], "filters"),
             helper.make_node("Mul", ["c", "c"], ["p"], "power"),
             helper.make_node("Add", ["p", "floor"], ["s"], "sum"),
             helper.make_node("Log", ["s"], ["l"], "log"),
             helper.make_node("Conv", ["l", "b"], ["y"], "last")]
    port = lambda name, c: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, c, 16, 16])
    graph = helper.make_graph(nodes, "g", [port("x", 4)], [port("y", 2)],
                              [w("a", 8, 4, 1, 1), floor, w("b", 2, 8, 1, 1)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)


def convert(folder, floor, keys=()):
    save_network(folder / "net.onnx", floor)
    rng = np.random.default_rng(4)
    for name in ("data", "unseen"):
        (folder / name).mkdir()
        for i in range(4):
            np.save(folder / name / f"{i}.npy", rng.standard_normal((1, 4, 16, 16)).astype(np.float32))
    lines = [YAML.format(kind="max", march="generic"), *(f"  {k}: '{v}'\n" for k, v in keys)]
    (folder / "c.yaml").write_text("".join(lines))
    done = tool.run("convert", "-c", "c.yaml", "--log", "none", "--json", cwd=folder,
                    want=(tool.DONE, tool.CHECK_FAILED))
    return {n["node"]: n.get("reason", {}).get("id") for n in json.loads(done.out)["nodes"]}


def sqnr(folder):
    """Of data that calibration has not seen."""
    out = {}
    for model in ("net_optimized_float_model.onnx", "net.bin"):
        tool.run("run", f"out/{model}", "--images", "unseen", "-o", model, cwd=folder, want=tool.DONE)
        out[model] = np.load(folder / model / "y.npy").astype(np.float64)
    exact, y = out.values()
    return 10 * np.log10((exact ** 2).sum() / ((exact - y) ** 2).sum())


INT16 = ("optimization", "set_all_nodes_int16")


def test_logarithm_of_a_power(tmp_path):
    reasons = convert(tmp_path, 1e-9, [INT16])
    assert reasons == {"filters": None, "power": "exact", "sum": "exact", "log": "steep", "last": None}
    assert sqnr(tmp_path) > 40


def test_on_request_in_integers(tmp_path):
    reasons = convert(tmp_path, 1e-9, [INT16, ("run_on_bpu", "power;sum;log")])
    assert not any(reasons.values())
    assert sqnr(tmp_path) < 25


@pytest.mark.parametrize("keys", [[], [INT16]], ids=["int8", "int16"])
def test_far_from_zero(tmp_path, keys):
    assert not any(convert(tmp_path, 50, keys).values())


def test_of_int8_only(tmp_path):
    assert convert(tmp_path, 0.05)["log"] == "steep"


def test_not_of_int16(tmp_path):
    assert not any(convert(tmp_path, 0.05, [INT16]).values())


def test_random_data_judge_nothing(tmp_path):
    """check without data, and convert without them, would judge the network by noise of their own."""
    save_network(tmp_path / "net.onnx", 1e-9)
    done = tool.run("check", "net.onnx", "--json", cwd=tmp_path, want=tool.DONE)
    assert not any(n.get("reason") for n in json.loads(done.out)["nodes"] if n["node"] != "last")
    (tmp_path / "c.yaml").write_text(YAML.format(kind="skip", march="generic"))
    done = tool.run("convert", "-c", "c.yaml", "--log", "none", "--json", cwd=tmp_path,
                    want=(tool.DONE, tool.CHECK_FAILED))
    assert not any("reason" in n for n in json.loads(done.out)["nodes"])
