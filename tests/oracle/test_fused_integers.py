"""Fusing keeps nodes in integers: networks of fused operators compute in int8 throughout, every tensor is
verified, onnxruntime opens the files and finds about the same, and its integer convolutions are chosen at the
raised operator set, too."""

import json
import re
from collections import Counter

import numpy as np
import onnx
import pytest
import tool
from onnx import TensorProto, helper

import ort
import shared_models as sm
from test_patterns import Net, gelu_erf, hardswish, mish, normalized, swish


def rms(n, x):
    return n.Mul(normalized(n, x, x, 0, [-1]), n.w(8))


FUSED = {
    "Swish": lambda n, x: swish(n, x, 0),
    "HardSwish": lambda n, x: hardswish(n, x, 1),
    "Mish": lambda n, x: mish(n, x, 0),
    "Gelu": lambda n, x: gelu_erf(n, x, 0),
    "LayerNormalization": lambda n, x: n.Mul(
        normalized(n, n.Sub(x, n.ReduceMean(x, n.ints(-1))), x, 0, [-1]), n.w(8)
    ),
    "RMSNormalization": rms,
    "groups": lambda n, x: n.InstanceNormalization(x, n.w(6), n.w(6)),
    "SpaceToDepth": lambda n, x: n.Reshape(
        n.Transpose(n.Reshape(x, n.ints(1, 6, 4, 2, 4, 2)), perm=[0, 3, 5, 1, 2, 4]), n.ints(1, 24, 4, 4)
    ),
}


IN_PARTS = ("Swish", "HardSwish", "SpaceToDepth")  # whose parts the constraint target has in integers


@pytest.mark.parametrize(
    "name, march", [*((name, "generic") for name in FUSED), *((name, "bayes-e") for name in IN_PARTS)]
)
def test_all_in_integers(tmp_path, name, march):
    n = Net(1, 3, 8, 8, opset=18)
    y = FUSED[name](n, n.Conv("x", n.w(6, 3, 3, 3), n.w(6), pads=[1, 1, 1, 1]))
    channels = 24 if name == "SpaceToDepth" else 6
    y = n.Conv(n.Conv(y, n.w(4, channels, 1, 1)), n.w(4, 4, 1, 1))
    n.give(y)
    onnx.save(n.model(), tmp_path / "net.onnx")
    (tmp_path / "data").mkdir()
    rng = np.random.default_rng(0)
    for i in range(8):
        np.save(tmp_path / f"data/{i}.npy", rng.standard_normal(n.shape).astype(np.float32))
    config = sm.write_yaml(
        tmp_path / "c.yaml",
        "net.onnx",
        march,
        inputs={"input_type_train": "featuremap", "input_type_rt": "featuremap"},
        calibration={"cal_data_dir": "'data'", "cal_data_type": "'float32'", "calibration_type": "'max'"},
    )
    done = tool.run("convert", "-c", config, "--log", "none", want=tool.DONE, cwd=tmp_path)
    rows = re.findall(r"^\S+ +(BPU|CPU) +\S+ +(\w+) ", done.out, flags=re.M)
    assert Counter(on for on, _ in rows) == Counter(BPU=len(rows)), done.out
    assert ("LayerNormalization" if name == "groups" else name) in [kind for _, kind in rows]
    quantized = tmp_path / "out/m_quantized_model.onnx"
    said = json.loads(
        tool.run(
            "verify",
            "--json",
            quantized,
            tmp_path / "out/m.bin",
            "--input",
            tmp_path / "data/0.npy",
            want=tool.DONE,
        ).out
    )
    assert said["different"] == 0
    onnx.checker.check_model(onnx.load(quantized), full_check=True)
    x = {"x": np.load(tmp_path / "data/1.npy")}
    found = ort.run(quantized, x, int8=True, optimized=tmp_path / "run.onnx")
    assert ort.cosine(*found.values(), *ort.run(tmp_path / "net.onnx", x).values()) > 0.98
    assert ort.op_counts(tmp_path / "run.onnx")["QLinearConv"] >= 2
