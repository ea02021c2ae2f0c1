"""onnxruntime as the tests use it."""
from collections import Counter

import numpy as np
import onnx
import onnxruntime as rt


def session(model, int8=False, optimized=None, threads=1, plain=False):
    """A session on a file or a ModelProto. int8: let it fuse QDQ with int8 activations to its integer
    kernels. optimized: file that gets the graph as it is run. plain: no optimization, every node as it
    stands."""
    o = rt.SessionOptions()
    o.log_severity_level = 4
    o.intra_op_num_threads = threads
    if int8:
        o.graph_optimization_level = rt.GraphOptimizationLevel.ORT_ENABLE_ALL
        o.add_session_config_entry("session.qdqisint8allowed", "1")
    if plain:
        o.graph_optimization_level = rt.GraphOptimizationLevel.ORT_DISABLE_ALL
    if optimized:
        o.optimized_model_filepath = str(optimized)
    what = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    return rt.InferenceSession(what, o, providers=["CPUExecutionProvider"])


def run(model, feed, **options):
    s = session(model, **options)
    return dict(zip([o.name for o in s.get_outputs()], s.run(None, feed)))


def op_counts(path):
    return Counter(n.op_type for n in onnx.load(path).graph.node)


def relative(a, b):
    """Largest difference relative to the largest magnitude."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.size == b.size and a.size, (a.shape, b.shape)
    most = np.abs(a).max()
    return np.abs(a.reshape(-1) - b.reshape(-1)).max() / (most if most > 0 else 1)


def cosine(a, b):
    a, b = np.asarray(a, np.float64).reshape(-1), np.asarray(b, np.float64).reshape(-1)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
