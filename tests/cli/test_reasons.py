"""Why a node computes in float32: the real reason, wherever it stands; moves that only keep each other."""
import json

import numpy as np
import pytest
import tool

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def save(path, nodes, inputs, outputs, **weights):
    rng = np.random.default_rng(0)
    info = lambda shapes: [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    arrays = {k: w if isinstance(w, np.ndarray) else rng.standard_normal(w).astype(np.float32)
              for k, w in weights.items()}
    constants = [numpy_helper.from_array(w, k) for k, w in arrays.items()]
    made = [helper.make_node(op, list(ins), list(outs), name, **more) for name, op, ins, outs, more in nodes]
    g = helper.make_graph(made, "g", info(inputs), info(outputs), constants)
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def reasons(path, march="bernoulli2"):
    """{node: reason or None} of a march whose tail is float."""
    rows = json.loads(tool.run("check", path, "--march", march, "--json", want=tool.DONE).out)["nodes"]
    return {r["node"]: r.get("why_float") for r in rows}


def test_three_axes(tmp_path):
    path = save(tmp_path / "m.onnx", [("first", "Conv", "xw", "a", {}), ("relu", "Relu", "a", "b", {}),
                                      ("fold", "Reshape", "bs", "c", {}), ("deep", "Conv", "cv", "y", {})],
                dict(x=[1, 1, 8, 8]), dict(y=[1, 2, 3, 5, 5]), w=(4, 1, 3, 3), v=(2, 1, 2, 2, 2),
                s=np.array([1, 1, 4, 6, 6]))
    why = "it slides over more than 2 axes; integer convolutions slide over 1 or 2"
    assert reasons(path, "generic")["deep"] == why


def test_types_and_empty_tensors(tmp_path):
    half = np.ones((2, 2, 3, 3), np.float16)
    nodes = [("conv", "Conv", "xw", "a", {}), ("relu", "Relu", "a", "b", {}),
             ("cast", "Cast", "b", "c", {"to": TensorProto.FLOAT16}), ("half", "Conv", "ch", "g", {}),
             ("wide", "Cast", "g", "d", {"to": TensorProto.FLOAT}), ("none", "Slice", "bzzi", "e", {}),
             ("cat", "Concat", "eb", "f", {"axis": 1}), ("last", "Conv", "fv", "y", {})]
    path = save(tmp_path / "m.onnx", nodes, dict(x=[1, 1, 9, 9]), dict(y=[1, 2, 5, 5], d=[1, 2, 5, 5]),
                w=(2, 1, 3, 3), v=(2, 2, 3, 3), h=half, z=np.array([0]), i=np.array([1]))
    why = reasons(path, "generic")
    assert why["half"] == "input c is float16; integer forms begin with float32"
    assert why["cat"] == "e has no elements"


def test_a_request_is_advised_where_it_works(tmp_path):
    """bayes-e runs Softmax in float, unless it is named; one of two axes stays in float in any case."""
    for name, shape, why in (("four", [1, 4, 6, 6], "march bayes-e runs Softmax in float"),
                             ("two", [4, 36], "march bayes-e limits Softmax: rank is 2, expected 4")):
        nodes = [("conv", "Conv", "xw", "a", {}), ("fold", "Reshape", "as", "b", {}),
                 ("soft", "Softmax", "b", "c", {"axis": 1}), ("back", "Reshape", "ct", "d", {}),
                 ("last", "Conv", "dv", "y", {})]
        path = save(tmp_path / f"{name}.onnx", nodes,
                    dict(x=[1, 1, 8, 8]), dict(y=[1, 2, 4, 4]), w=(4, 1, 3, 3), v=(2, 4, 3, 3),
                    s=np.array(shape), t=np.array([1, 4, 6, 6]))
        assert reasons(path, "bayes-e")["soft"] == why


def test_weights_and_bias_at_run_time(tmp_path):
    path = save(tmp_path / "m.onnx", [("first", "Conv", "xw", "a", {}), ("last", "Conv", "av", "y", {})],
                dict(x=[1, 1, 8, 8], v=[2, 4, 3, 3]), dict(y=[1, 2, 4, 4]), w=(4, 1, 3, 3))
    assert reasons(path)["last"] == "weight v is computed at run time"
    path = save(tmp_path / "b.onnx", [("first", "Conv", "xw", "a", {}), ("last", "Conv", "avb", "y", {})],
                dict(x=[1, 1, 8, 8], b=[2]), dict(y=[1, 2, 4, 4]), w=(4, 1, 3, 3), v=(2, 4, 3, 3))
    assert reasons(path)["last"] == "its bias is computed at run time"


def test_trans_a(tmp_path):
    path = save(tmp_path / "m.onnx", [("first", "Gemm", "xw", "a", {}), ("turned", "Gemm", "av", "y",
                                                                         dict(transA=1))],
                dict(x=[4, 8]), dict(y=[6, 3]), w=(8, 6), v=(4, 3))
    assert reasons(path, "generic")["turned"] == "alpha, beta or transA is not the default"


def test_the_end_of_a_network(tmp_path):
    """What could compute in integers and only leads to outputs says so; what could not says why."""
    path = save(tmp_path / "m.onnx", [("first", "Conv", "xw", "a", {}), ("exp", "Exp", "a", "b", {}),
                                      ("soft", "Softmax", "b", "y", dict(axis=1))],
                dict(x=[1, 1, 8, 8]), dict(y=[1, 4, 6, 6]), w=(4, 1, 3, 3))
    found = reasons(path)
    assert found["first"] is None and found["soft"] == "march bernoulli2 runs Softmax in float"
    assert found["exp"] == "its result only feeds outputs of the network: kept in float32"


def test_moves_do_not_keep_each_other(tmp_path):
    """Two moves behind a float operator: each is the other's only neighbour."""
    path = save(tmp_path / "m.onnx", [("first", "Conv", "xw", "a", {}), ("det", "Hardmax", "a", "b",
                                                                         dict(axis=1)),
                                      ("turn", "Transpose", "b", "c", dict(perm=[0, 2, 3, 1])),
                                      ("cut", "Slice", ("c", "from", "to", "axes"), "d", {}),
                                      ("log", "LogSoftmax", "d", "e", {}), ("last", "Conv", "ev", "y", {})],
                dict(x=[1, 1, 8, 8]), dict(y=[1, 2, 4, 2]), w=(4, 1, 3, 3), v=(2, 5, 3, 3),
                **{"from": np.array([1]), "to": np.array([6]), "axes": np.array([1])})
    found = reasons(path, "generic")
    assert found["turn"] == found["cut"] == "no connected node computes in integers", found


def test_moves_between_integers_stay(tmp_path):
    path = save(tmp_path / "m.onnx", [("first", "Conv", "xw", "a", {}), ("turn", "Transpose", "a", "b",
                                                                         dict(perm=[0, 1, 3, 2])),
                                      ("back", "Transpose", "b", "c", dict(perm=[0, 3, 1, 2])), ("last",
                                                                                                 "Conv", "cv",
                                                                                                 "y", {})],
                dict(x=[1, 1, 8, 8]), dict(y=[1, 2, 2, 4]), w=(4, 1, 3, 3), v=(2, 6, 3, 3))
    assert set(reasons(path, "generic").values()) == {None}
