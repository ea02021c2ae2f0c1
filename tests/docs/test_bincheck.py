"""tools/bincheck.py computes a program's constants from the quantized ONNX and the pages alone: equal."""
import sys

import pytest
import shared_models as sm
import tool

pytest.importorskip("onnx")
sys.path[:0] = [str(tool.ROOT / "tools"), str(tool.ROOT / "tests/hostile")]
import bincheck  # noqa: E402
import binedit  # noqa: E402
import many_ops  # noqa: E402
import mixed_networks  # noqa: E402


CHECKED = {"CONV", "DWCONV", "TABLE", "SOFTMAX", "NORMALIZE"}


def compared(quantized, program, calibrated):
    done = bincheck.check(quantized, program, calibrated)
    assert not done.differences, done.differences[:5]
    return done


@pytest.mark.parametrize("name", ["mobilenet", "rfb320"])
def test_real_models(name, products):
    p = products(name)
    done = compared(p.onnx("quantized"), p.bin, p.onnx("calibrated"))
    assert done.compared["weights"] > 100000 and done.compared["weights from floats"] > 100000
    assert done.compared["multipliers"] > 1000 and done.compared["biases from floats"] > 1000


def test_every_instruction(tmp_path):
    folder = many_ops.convert(tmp_path)
    total = 0
    for name, _, _ in many_ops.CONFIGS:
        done = compared(*(folder / f"many_{name}{end}" for end in ("_quantized_model.onnx", ".bin",
                                                                   "_calibrated_model.onnx")))
        total += done.compared["table entries"] + done.compared["softmax entries"]
    assert total > 100000


def test_a_wrong_constant_is_found(tmp_path):
    """One element of each kind of constant, one bit off."""
    folder = many_ops.convert(tmp_path)
    seen = set()
    for name, _, _ in many_ops.CONFIGS:
        quantized = folder / f"many_{name}_quantized_model.onnx"
        data = (folder / f"many_{name}.bin").read_bytes()
        for at, i in enumerate(binedit.Edit(data).instructions):
            for k, t in enumerate(i["in"][1:], 1):
                place = i["opcode"].split("_")[0], k
                b = binedit.Edit(data)
                if b.tensors[t]["place"] != "const" or (name, place) in seen or place[0] not in CHECKED:
                    continue
                seen.add((name, place))
                value = b.get_element(t, 0)
                b.set_element(t, 0, value * 2 + 1 if isinstance(value, float) else value ^ 1)
                (tmp_path / "wrong.bin").write_bytes(b.sealed())
                found = bincheck.check(quantized, tmp_path / "wrong.bin").differences
                assert any(f"of {i['node']}:" in line for line in found), (name, at, place)
    assert len(seen) > 20


def test_random_networks(tmp_path):
    """30 of them, with the tables of most functions."""
    tables = 0
    for seed in range(30):
        march, types = mixed_networks.MARCHES[seed % 5], mixed_networks.TYPES[seed // 5 % 3]
        folder = tmp_path / str(seed)
        config = mixed_networks.write(folder, seed, march, types)
        tool.run("convert", "-c", config, "--log", "none", "--min-cosine", "-1", want=tool.DONE)
        [program] = folder.glob("**/*.bin")
        base = str(program)[:-4]
        done = compared(f"{base}_quantized_model.onnx", program, f"{base}_calibrated_model.onnx")
        tables += done.compared["table entries"]
    assert tables > 1000
