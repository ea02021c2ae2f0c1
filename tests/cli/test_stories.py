"""What users did and lost days over: here it is refused or doubted, with the reason and the way out."""
import re
import sys

import numpy as np
import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tests"))
import shared_models as sm  # noqa: E402

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """(model, height, width, folder of pictures as H x W x 3 arrays): the SegFormer where it is, else a small
    network and noise."""
    if (tool.SHARED / "models/segformer_b0_camvid.onnx").exists():
        pictures = [
            sm.picture_pixels(p, 256, 192)
            for p in sm.spread(sm.list_pictures(tool.SHARED / "images/camvid/calib"), 3)
        ]
        return tool.SHARED / "models/segformer_b0_camvid.onnx", 192, 256, pictures
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    w = numpy_helper.from_array(
        np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32), "w"
    )
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    g = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")],
        "g",
        [info("x", [1, 3, 12, 16])],
        [info("y", [1, 4, 10, 14])],
        [w],
    )
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return (
        path,
        12,
        16,
        [np.random.default_rng(i).integers(0, 256, (12, 16, 3)).astype(np.uint8) for i in range(3)],
    )


def convert(tmp_path, network, values, want, norm="no_preprocess", kind="float32", type_="rgb", **keys):
    """Convert with raw calibration data: `values` makes an NCHW array of an H x W x 3 picture."""
    model, _, _, pictures = network
    data = tmp_path / "data"
    data.mkdir()
    for i, p in enumerate(pictures):
        np.ascontiguousarray(values(p.astype(np.float64))).astype(kind).tofile(data / f"{i}.bin")
    config = sm.write_yaml(
        tmp_path / "c.yaml",
        model,
        "generic",
        inputs={
            "input_type_train": type_,
            "input_layout_train": "NCHW",
            "input_type_rt": type_,
            "norm_type": norm,
            **keys,
        },
        calibration={"cal_data_dir": f"'{data}'", "cal_data_type": f"'{kind}'", "calibration_type": "'max'"},
    )
    return tool.run(
        "convert", "-c", config, "--log", "none", "--compare", "1", want=want, cwd=tmp_path, build=tool.BUILD
    )


def planes(x):
    return x.transpose(2, 0, 1)[None]


def normalized(x):
    return planes((x - MEAN) / STD)


def test_normalised_calibration_data_for_raw_pixels(tmp_path, network):
    """A SegFormer on a forum: input_type_rt rgb, no_preprocess, calibrated with normalised float32; the
    board, fed with raw int8 pictures, gave garbage after a conversion that reported success."""
    done = convert(tmp_path, network, normalized, tool.BAD_INPUT)
    assert re.search(
        r"c\.yaml:\d+:3: cal_data_dir: input \S+ has rgb pixels in 0\.\.255 on the device", done.err
    )
    assert (
        "they are already normalized, and norm_type no_preprocess passes pixels to the network unchanged"
        in done.err
    )
    assert (
        "set norm_type: data_mean_and_scale with about mean_value:" in done.err and "featuremap" in done.err
    )
    assert not (tmp_path / "out/m.bin").exists()
    mean, scale = (
        np.array([float(v) for v in re.search(rf"{k}: '([^']*)'", done.err)[1].split()])
        for k in ("mean_value", "scale_value")
    )
    pictures = np.stack(network[3]).reshape(-1, 3)
    if (pictures.min(0) == 0).all() and (
        pictures.max(0) == 255
    ).all():  # then what is proposed is what was done
        assert np.allclose(mean, MEAN, rtol=0.01) and np.allclose(scale, 1 / STD, rtol=0.01)


def test_normalised_twice(tmp_path, network):
    done = convert(
        tmp_path,
        network,
        normalized,
        tool.BAD_INPUT,
        "data_mean_and_scale",
        mean_value="123.675 116.28 103.53",
        scale_value="0.01712475 0.017507 0.01742919",
    )
    assert (
        "they are already normalized, and norm_type would normalize a second time" in done.err
        and "set norm_type" not in done.err
    )


def test_pixels_of_0_to_1(tmp_path, network):
    done = convert(tmp_path, network, lambda x: planes(x / 255), tool.BAD_INPUT)
    assert (
        re.search(r"range from 0(\.0\d+)? to 1: they are already normalized", done.err)
        and "scale_value: '0.00" in done.err
    )


@pytest.mark.parametrize(
    "norm",
    [
        {},
        dict(
            norm="data_mean_and_scale",
            mean_value="123.675 116.28 103.53",
            scale_value="0.01712475 0.017507 0.01742919",
        ),
        dict(norm="data_scale", scale_value="0.00392"),
        dict(norm="data_mean_and_scale", mean_value="127.5", scale_value="0.0078"),
    ],
)
@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_pixels_are_fine(tmp_path, network, norm, kind):
    done = convert(tmp_path, network, planes, tool.DONE, kind=kind, **norm)
    assert "cannot be trusted" not in done.err


def test_normalised_feature_maps_are_fine(tmp_path, network):
    assert (
        "cannot be trusted" not in convert(tmp_path, network, normalized, tool.DONE, type_="featuremap").err
    )


def test_scale_without_255(tmp_path, network):
    """scale_value is 1 / std of pixels in 0..1, mean_value that of pixels in 0..255."""
    done = convert(
        tmp_path,
        network,
        planes,
        tool.CHECK_FAILED,
        "data_mean_and_scale",
        "uint8",
        mean_value="123.675 116.28 103.53",
        scale_value="4.3668 4.4643 4.4444",
    )
    assert (
        "scale_value 4.3668 4.4643 4.4444 multiplies pixels in 0..255, so the network input has a spread of"
        in done.err
    )
    assert "divide by 255, scale_value: '0.0171247 0.0175071 0.017429'" in done.err
    assert done.err.strip().splitlines()[-1].startswith("the results cannot be trusted: ")
    assert "WARNING" in done.err + done.out


def test_mean_without_255(tmp_path, network):
    done = convert(
        tmp_path,
        network,
        planes,
        tool.CHECK_FAILED,
        "data_mean_and_scale",
        "uint8",
        mean_value="0.485 0.456 0.406",
        scale_value="0.01712475 0.017507 0.01742919",
    )
    assert "multiply by 255, mean_value: '123.675 116.28 103.53'" in done.err
