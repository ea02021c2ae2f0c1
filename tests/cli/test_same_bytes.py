"""`vernier convert` gives the same bytes with any number of threads, and the same network from samples in any
order."""
import shutil

import onnx
import pytest
import tool


def convert(digits, folder, *args, data=None):
    """Every product as bytes."""
    yaml = digits.write_yaml(folder.with_suffix(".yaml"), folder, data)
    tool.run("convert", "-c", yaml, "--log", "none", "--min-cosine", "-1", *args, want=tool.DONE)
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_change_nothing(digits, tmp_path, threads):
    one = convert(digits, tmp_path / "out")
    assert convert(digits, tmp_path / "out", "--threads", str(threads)) == one and len(one) >= 5


@pytest.fixture(scope="module")
def shuffled(digits, tmp_path_factory):
    """The same pictures, whose names are in another order."""
    folder = tmp_path_factory.mktemp("shuffled")
    pictures = sorted(digits.calib.iterdir())
    for i, picture in enumerate(pictures):
        shutil.copy(picture, folder / f"{i * 7919 % len(pictures):04}{picture.suffix}")
    assert len(list(folder.iterdir())) == len(pictures) == 100
    return folder


def test_the_order_of_samples_changes_nothing(digits, shuffled, tmp_path):
    """But what names samples, or tells of the first one."""
    first, second = tmp_path / "first", tmp_path / "second"
    convert(digits, first)
    convert(digits, second, data=shuffled)
    for stage in ("original_float", "optimized_float", "calibrated", "quantized"):
        models = [onnx.load(out / f"digits_{stage}_model.onnx") for out in (first, second)]
        for m in models:
            del m.metadata_props[:]
        assert models[0].SerializeToString() == models[1].SerializeToString()
    tool.run("verify", first / "digits.bin", second / "digits.bin", "-i", digits.picture, want=tool.DONE)
