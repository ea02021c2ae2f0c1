"""Caffe files: generations of the format, phases, names, what becomes of a network, and what is said of a
wrong one."""

import re

import numpy as np
import onnx
import onnxruntime
import pytest
import tool
from caffe_cases import rand
from caffe_writer import Net, blob, field
from test_caffe import opencv, random_network, run

WEIGHT, BIAS = rand(4, 3, 3, 3, seed=1), rand(4, seed=2)


def small(**inputs):
    """conv, relu and max pooling in place of each other where Caffe allows it, and a classifier."""
    net = Net(**(inputs or {"data": (1, 3, 8, 8)}))
    net.layer(
        "Convolution",
        "data",
        "conv",
        [WEIGHT, BIAS],
        "convolution_param { num_output: 4 kernel_size: 3 }",
        name="conv",
    )
    net.layer("ReLU", "conv", "conv", name="relu")
    net.layer("Dropout", "conv", "conv", name="drop")
    net.layer(
        "InnerProduct",
        "conv",
        "fc",
        [rand(5, 144, seed=3), rand(5, seed=4)],
        "inner_product_param { num_output: 5 }",
        name="fc",
    )
    return net.layer("Softmax", "fc", "prob", name="prob")


X = rand(1, 3, 8, 8, seed=9)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    return next(iter(opencv(small(), tmp_path_factory.mktemp("wanted"), {"data": X}).values()))


def check(files, *more):
    """vernier check; its message where it fails."""
    return tool.run("check", files[1], "--proto", files[0], *more, want=(tool.DONE, tool.BAD_INPUT))


def agrees(files, folder, wanted, name="prob"):
    for more in ([], ["--reference"]):
        np.testing.assert_allclose(run(files, folder, {"data": X}, *more)[name], wanted, rtol=1e-5, atol=1e-6)


# ---- the binary file ----

@pytest.mark.parametrize("form", ["shape", "legacy", "unpacked", "double"])
def test_forms_of_blobs(tmp_path, wanted, form):
    net = small()
    net.form = form
    agrees(net.write(tmp_path), tmp_path, wanted)


@pytest.mark.parametrize("generation", [0, 1])
def test_older_weights_with_a_new_prototxt(tmp_path, wanted, generation):
    files = small().write(tmp_path)
    files[1].write_bytes(small().caffemodel_v1()[1 - generation])
    agrees(files, tmp_path, wanted)


def test_weights_of_other_layers_are_no_matter(tmp_path, wanted):
    files = small().write(tmp_path)
    extra = field(100, field(1, "old_fc") + field(7, blob(rand(9))))
    files[1].write_bytes(extra + files[1].read_bytes() + extra)
    agrees(files, tmp_path, wanted)


def test_hdf5(tmp_path):
    files = small().write(tmp_path)
    files[1].write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "net.caffemodel: an HDF5 file; save the network as a binary protobuf" in check(files).err


def test_an_onnx_file_is_no_caffemodel(tmp_path, digits):
    files = small().write(tmp_path)
    files[1].write_bytes(digits.model.read_bytes())
    assert re.search(r"net.caffemodel: not a caffemodel, or damaged: |missing|wants blob", check(files).err)


# ---- older texts ----

V1 = """name: "net"
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2 weight_decay: 1
         convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "gaussian" std: 0.01 } } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
layers { name: "fc" type: INNER_PRODUCT bottom: "conv" top: "fc" inner_product_param { num_output: 5 } }
layers { name: "prob" type: SOFTMAX bottom: "fc" top: "prob" }
"""
V0 = """input: 'data'
input_dim: [1, 3, 8, 8];
layers { layer { name: "conv" type: "conv" num_output: 4 kernelsize: 3 weight_filler { type: "gaussian" } blobs_lr: 1. } bottom: "data" top: "conv" }
layers { layer { name: "relu" type: "relu" } bottom: "conv" top: "conv" }
layers < layer < name: "fc" type: "innerproduct" num_output: 5 biasterm: true > bottom: "conv" top: "fc" >
layers { layer { name: "prob" type: "softmax" } bottom: "fc" top: "prob" }
"""
SHAPE = V1.replace(
    "input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8", "input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }"
)


@pytest.mark.parametrize("text", [V1, V0, SHAPE], ids=["V1", "V0", "input_shape"])
@pytest.mark.parametrize("weights", [0, 1, 2])
def test_older_texts(tmp_path, wanted, text, weights):
    files = small().write(tmp_path)
    files[0].write_text(text)
    if weights < 2:
        files[1].write_bytes(small().caffemodel_v1()[1 - weights])
    agrees(files, tmp_path, wanted)


def test_text_format(tmp_path, wanted):
    files = small().write(tmp_path)
    text = (
        files[0]
        .read_text()
        .replace("convolution_param {", "# a comment { \n convolution_param: <")
        .replace("kernel_size: 3 }", "kernel_size: [0x3], >")
    )
    text = text.replace('"conv"', "'co' \"\\x6e\\166\"").replace("dim: 8 dim: 8", "dim: [8, 8];")
    files[0].write_text(text)
    agrees(files, tmp_path, wanted)


# ---- what a network has when it is used ----

TRAIN_VAL = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { source: "a" batch_size: 64 backend: LMDB } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } transform_param { crop_size: 8 mean_value: 104 }
        data_param { source: "b" batch_size: 50 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" include { phase: TRAIN } }
layer { name: "odd" type: "NoSuchType" bottom: "conv" top: "odd" exclude { phase: TEST } }
layer { name: "staged" type: "NoSuchType" bottom: "conv" top: "odd" include { phase: TEST stage: "deploy" } }
layer { name: "leveled" type: "NoSuchType" bottom: "conv" top: "odd" include { min_level: 1 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
layer { name: "quiet" type: "AbsVal" bottom: "fc" top: "quiet" }
layer { name: "silence" type: "Silence" bottom: "quiet" }
layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" include { phase: TEST } accuracy_param { top_k: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" loss_weight: 1 }
"""


def test_a_network_for_training(tmp_path, wanted):
    files = small().write(tmp_path)
    files[0].write_text(TRAIN_VAL)
    agrees(files, tmp_path, wanted)
    assert set(run(files, tmp_path, {"data": X})) == {"prob"}
    said = check(files).err
    assert "net.prototxt:16: layer accuracy (Accuracy) is for training only and is removed" in said
    assert ":17: layer loss (SoftmaxWithLoss)" in said and "silence" not in said


@pytest.mark.parametrize("between", ["", "Flatten", "Flatten AbsVal"])
def test_accuracy_goes_with_its_label(tmp_path, wanted, between):
    """Also where layers stand between the label's input and the layer that is dropped."""
    files = small().write(tmp_path)
    text, last = files[0].read_text(), "label"
    text += 'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 1 } } }\n'
    for i, kind in enumerate(between.split()):
        text += f'layer {{ name: "l{i}" type: "{kind}" bottom: "{last}" top: "l{i}" }}\n'
        last = f"l{i}"
    layer = f'name: "acc" type: "Accuracy" bottom: "prob" bottom: "{last}" top: "acc"'
    files[0].write_text(f"{text}layer {{ {layer} }}\n")
    agrees(files, tmp_path, wanted)
    assert set(run(files, tmp_path, {"data": X})) == {"prob"}
    out = tool.run("info", files[1], "--proto", files[0], want=tool.DONE).out
    assert "label" not in out and "input[1]" not in out and "output[1]" not in out


def test_a_label_that_the_network_reads_stays(tmp_path):
    files = small().write(tmp_path)
    files[0].write_text(files[0].read_text() + """
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 5 } } }
layer { name: "flat" type: "Flatten" bottom: "label" top: "flat" }
layer { name: "sum" type: "Eltwise" bottom: "prob" bottom: "flat" top: "sum" }
layer { name: "acc" type: "Accuracy" bottom: "sum" bottom: "flat" top: "acc" }
""")
    out = tool.run("info", files[1], "--proto", files[0], want=tool.DONE).out
    assert "input[1]: label" in out and "output[0]: sum" in out and "output[1]" not in out


def test_a_part_of_a_label_that_the_network_reads_stays(tmp_path):
    files = small().write(tmp_path)
    files[0].write_text(files[0].read_text() + """
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 10 } } }
layer { name: "cut" type: "Slice" bottom: "label" top: "one" top: "two" slice_param { axis: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "prob" bottom: "one" top: "sum" }
layer { name: "acc" type: "Accuracy" bottom: "sum" bottom: "two" top: "acc" }
""")
    out = tool.run("info", files[1], "--proto", files[0], want=tool.DONE).out
    assert "input[1]: label" in out and "output[0]: sum" in out and "output[1]" not in out


def test_without_a_crop_the_size_must_be_given(tmp_path, wanted):
    files = small().write(tmp_path)
    files[0].write_text(TRAIN_VAL.replace("crop_size: 8", ""))
    assert "layer data (Data): the shape of input 'data' is not in the prototxt; set it" in check(files).err
    assert check(files, "--input-shape", "data", "1x3x8x8").status == tool.DONE


def test_given_shapes_replace_those_of_the_text(tmp_path):
    files = conv_with().write(tmp_path)
    assert check(files, "--input-shape", "data", "2x3x9x10").status == tool.DONE
    assert (
        "the network has no input 'dta'; its first is 'data'"
        in check(files, "--input-shape", "dta", "2x3x9x10").err
    )


def test_memory_data(tmp_path):
    net = (
        Net()
        .layer(
            "MemoryData",
            (),
            "data label",
            text="memory_data_param { batch_size: 1 channels: 3 height: 8 width: 8 }",
        )
        .layer("ReLU", "data", "y")
    )
    assert run(net, tmp_path, {"data": X})["y"].shape == X.shape


# ---- names ----

def converted(tmp_path, files, shape=(1, 3, 8, 8), inputs="input_name: data"):
    (tmp_path / "cal").mkdir()
    for i in range(4):
        np.save(tmp_path / f"cal/{i}.npy", rand(*shape, seed=i))
    (tmp_path / "c.yaml").write_text(f"""
model_parameters: {{caffe_model: {files[1].name}, prototxt: {files[0].name}, output_model_file_prefix: net, working_dir: out}}
input_parameters: {{{inputs}, input_type_train: featuremap, input_type_rt: featuremap}}
calibration_parameters: {{cal_data_dir: cal, calibration_type: max}}
compiler_parameters: {{}}
""")
    tool.run("convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.DONE, cwd=tmp_path)
    return tmp_path / "out"


def test_conversion(tmp_path, wanted):
    """The network as ONNX is the network: layers are nodes, blobs are tensors; the .bin has the integers of
    the quantized file."""
    out = converted(tmp_path, small().write(tmp_path))
    model = onnx.load(out / "net_original_float_model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert {"conv", "relu", "drop", "fc", "prob"} <= {n.name for n in model.graph.node}
    tensors = [o for n in model.graph.node for o in n.output]
    assert tensors[:3] == ["conv_before_relu", "conv_before_drop", "conv"] and tensors[-1] == "prob"
    session = onnxruntime.InferenceSession(
        out / "net_original_float_model.onnx", providers=["CPUExecutionProvider"]
    )
    np.testing.assert_allclose(session.run(None, {"data": X})[0], wanted, rtol=1e-5, atol=1e-6)
    said = tool.run("verify", out / "net_quantized_model.onnx", out / "net.bin", "--random", "3", want=tool.DONE)
    assert re.search(r"[1-9]\d+ integers compared, 0 different", said.out), str(said)


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_convert(tmp_path, seed):
    out = converted(tmp_path, random_network(np.random.default_rng(seed)).write(tmp_path), (1, 3, 24, 24))
    said = tool.run(
        "verify", out / "net_quantized_model.onnx", out / "net.bin", "--random", "3", want=tool.DONE
    )
    assert re.search(r"[1-9]\d* integers compared, 0 different", said.out), str(said)


def ssd():
    """Two heads on one map of features, default boxes, detections: a detector in small."""
    net = Net(data=(1, 3, 16, 16))
    net.layer(
        "Convolution",
        "data",
        "map",
        [rand(8, 3, 3, 3, seed=1), rand(8, seed=2)],
        "convolution_param { num_output: 8 kernel_size: 3 stride: 2 pad: 1 }",
        name="body",
    )
    net.layer("ReLU", "map", "map", name="relu")
    for name, outputs in ("loc", 16), ("conf", 12):
        net.layer(
            "Convolution",
            "map",
            name,
            [rand(outputs, 8, 3, 3, seed=3), rand(outputs, seed=4)],
            f"convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 }}",
            name=name,
        )
        net.layer(
            "Permute",
            name,
            f"{name}_perm",
            text="permute_param { order: 0 order: 2 order: 3 order: 1 }",
            name=f"{name}_perm",
        )
        net.layer("Flatten", f"{name}_perm", f"{name}_flat", name=f"{name}_flat")
    net.layer(
        "PriorBox",
        "map data",
        "prior",
        text="prior_box_param { min_size: 4 max_size: 7 aspect_ratio: 2 clip: false variance: 0.1 variance: 0.1 variance: 0.2 "
        "variance: 0.2 }",
        name="prior",
    )
    net.layer(
        "Reshape",
        "conf_flat",
        "conf_rows",
        text="reshape_param { shape { dim: 0 dim: -1 dim: 3 } }",
        name="conf_rows",
    )
    net.layer("Softmax", "conf_rows", "conf_soft", text="softmax_param { axis: 2 }", name="conf_soft")
    net.layer("Flatten", "conf_soft", "conf_all", name="conf_all")
    return net.layer(
        "DetectionOutput",
        "loc_flat conf_all prior",
        "found",
        text="detection_output_param { num_classes: 3 share_location: true background_label_id: 0 code_type: CENTER_SIZE "
        "keep_top_k: 20 confidence_threshold: 0.5 nms_param { nms_threshold: 0.45 top_k: 100 } }",
        name="found",
    )


def test_a_detector(tmp_path):
    """OpenCV finds the same; so does stock onnxruntime in each stage's file; the .bin has the integers of the
    quantized one."""
    x = rand(1, 3, 16, 16, seed=11)
    files = ssd().write(tmp_path)
    theirs = next(iter(opencv(files, tmp_path, {"data": x}).values())).reshape(-1, 7)
    theirs = theirs[np.lexsort((-theirs[:, 2], theirs[:, 1]))]
    assert 5 < len(theirs) <= 20
    found = [run(files, tmp_path, {"data": x}, *more)["found"] for more in ([], ["--reference"])]
    out = converted(tmp_path, files, (1, 3, 16, 16))
    for stage in "original_float", "optimized_float":
        path = out / f"net_{stage}_model.onnx"
        onnx.checker.check_model(str(path), full_check=True)
        found.append(
            onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"data": x})[0]
        )
    for y in found:
        assert y.shape == (1, 1, 20, 7)
        rows = y.reshape(20, 7)
        assert (rows[len(theirs):] == [0, -1, -1, -1, -1, -1, -1]).all()
        np.testing.assert_allclose(rows[:len(theirs)], theirs, atol=1e-5)
    said = tool.run(
        "verify",
        out / "net_quantized_model.onnx",
        out / "net.bin",
        "--random",
        "3",
        want=(tool.DONE, tool.CHECK_FAILED),
    )
    assert re.search(r"[1-9]\d+ integers compared, 0 different", said.out), str(
        said
    )  # detections of almost equal scores may change places


def test_an_input_that_is_overwritten_keeps_its_name(tmp_path):
    net = (
        Net(data=(1, 2, 3, 3))
        .layer("Power", "data", "data", text="power_param { scale: 2 }")
        .layer("Power", "data", "y", text="power_param { shift: 1 }")
    )
    np.testing.assert_allclose(
        run(net, tmp_path, {"data": X[:, :2, :3, :3]})["y"], 2 * X[:, :2, :3, :3] + 1, rtol=1e-6
    )


def test_equal_names_of_layers(tmp_path):
    net = (
        Net(data=(1, 2, 3, 3))
        .layer("AbsVal", "data", "a", name="same")
        .layer("AbsVal", "a", "b", name="same")
        .layer("AbsVal", "b", "a", name="same")
    )
    np.testing.assert_array_equal(run(net, tmp_path, {"data": X[:, :2, :3, :3]})["a"], abs(X[:, :2, :3, :3]))


def test_a_shape_without_a_name(tmp_path):
    """input_shape of the only input: everything behind it follows, though a Caffe network has its shapes from
    the start."""
    out = converted(tmp_path, conv_with().write(tmp_path), (2, 3, 9, 10), "input_shape: 2x3x9x10")
    assert [
        d.dim_value
        for d in onnx.load(out / "net_original_float_model.onnx").graph.output[0].type.tensor_type.shape.dim
    ] == [2, 4, 7, 8]


def test_scale_is_folded(tmp_path):
    """Convolution, BatchNorm and Scale, in place as networks have them, become one node."""
    net = conv_with()
    net.layer(
        "BatchNorm", "y", "y", [rand(4, seed=5), rand(4, seed=6, low=0.5, high=2), np.float32([1])], name="bn"
    )
    net.layer(
        "Scale", "y", "y", [rand(4, seed=7), rand(4, seed=8)], "scale_param { bias_term: true }", name="scale"
    ).layer("ReLU", "y", "y", name="relu")
    out = converted(tmp_path, net.write(tmp_path))
    assert [n.op_type for n in onnx.load(out / "net_optimized_float_model.onnx").graph.node] == [
        "Conv",
        "Relu",
    ]
    want = next(iter(opencv(net, tmp_path, {"data": X}).values()))
    for stage in "original_float", "optimized_float":
        session = onnxruntime.InferenceSession(
            out / f"net_{stage}_model.onnx", providers=["CPUExecutionProvider"]
        )
        np.testing.assert_allclose(session.run(None, {"data": X})[0], want, rtol=1e-5, atol=1e-5)


def test_init_writes_a_configuration(tmp_path):
    files = small().write(tmp_path)
    tool.run(
        "init", "--model", files[1], "--proto", files[0], "--output", tmp_path / "x.yaml", want=tool.DONE
    )
    text = (tmp_path / "x.yaml").read_text()
    assert (
        f"caffe_model: '{files[1]}'" in text
        and f"prototxt: '{files[0]}'" in text
        and "onnx_model" not in text
    )


def test_info(tmp_path):
    files = small().write(tmp_path)
    text = tool.run("info", "--model", files[1], "--proto", files[0], want=tool.DONE).out
    assert "net.caffemodel: Caffe, 6 nodes after folding" in text and "output[0]: prob 1x5 float32" in text


@pytest.mark.parametrize(
    "keys,words",
    [
        ("caffe_model: net.caffemodel", "Missing keys: 'prototxt'"),
        ("prototxt: net.prototxt", "Missing keys: 'caffe_model'"),
        ("onnx_model: a.onnx, prototxt: net.prototxt", "excludes"),
    ],
)
def test_configurations_want_both_files(tmp_path, keys, words):
    (tmp_path / "c.yaml").write_text(
        f"model_parameters: {{{keys}}}\ninput_parameters: {{input_type_train: rgb, input_type_rt: rgb}}\n"
        "calibration_parameters: {calibration_type: skip}\ncompiler_parameters: {}\n"
    )
    assert (
        words
        in tool.run(
            "convert", "-c", tmp_path / "c.yaml", "--log", "none", want=tool.BAD_INPUT, cwd=tmp_path
        ).err
    )


@pytest.mark.parametrize(
    "word,words",
    [
        ("net.caffemodel", "a Caffe network also requires its prototxt (--proto FILE)"),
        ("net.prototxt", "a prototxt has no weights"),
    ],
)
def test_one_of_two_files(tmp_path, word, words):
    small().write(tmp_path)
    for command in ("check", "run", "init", "info"):
        if word == "net.caffemodel" or command in ("check", "init"):
            assert words in tool.run(command, tmp_path / word, want=tool.USAGE).err


# ---- problems ----

def conv_with(weight=WEIGHT, bias=BIAS, text="num_output: 4 kernel_size: 3"):
    blobs = [b for b in (weight, bias) if b is not None]
    return Net(data=(1, 3, 8, 8)).layer(
        "Convolution", "data", "y", blobs, f"convolution_param {{ {text} }}", name="conv1"
    )


def of(kind, text="", bottom="data", top="y", blobs=()):
    return Net(data=(1, 4, 8, 8)).layer(kind, bottom, top, blobs, text, name="l")


PROBLEMS = {
    "no weight": (
        conv_with(None, None),
        "line 3: layer conv1 (Convolution): requires blob 0 (weight), net.caffemodel has 0 for this layer",
    ),
    "no bias": (
        conv_with(bias=None),
        "conv1 (Convolution): requires blob 1 (bias), net.caffemodel has 1 for this layer",
    ),
    "wrong weight": (
        conv_with(rand(4, 3, 5, 5)),
        "blob 0 (weight) in net.caffemodel has shape 4x3x5x5, expected 4x3x3x3",
    ),
    "wrong bias": (conv_with(bias=rand(5)), "blob 1 (bias) in net.caffemodel has shape 5, expected 4"),
    "num_output": (conv_with(text="kernel_size: 3"), "num_output is missing"),
    "kernel_size": (conv_with(text="num_output: 4"), "kernel_size is missing"),
    "kernel_size 0": (
        conv_with(text="num_output: 4 kernel_size: 0"),
        "line 8: layer conv1 (Convolution): kernel_size: expected an integer from 1 to 65536, got '0'",
    ),
    "kernel_size word": (
        conv_with(text="num_output: 4 kernel_size: big"),
        "kernel_size: expected an integer from 1 to 65536, got 'big'",
    ),
    "kernel three times": (
        conv_with(text="num_output: 4 kernel_size: 3 kernel_size: 3 kernel_size: 3"),
        "kernel_size is given 3 times for 2 axes",
    ),
    "kernel too large": (
        conv_with(rand(4, 3, 9, 9), text="num_output: 4 kernel_size: 9"),
        "layer conv1 (Convolution): conv1/Conv: ",
    ),
    "group": (
        conv_with(text="num_output: 4 kernel_size: 3 group: 2"),
        "group is 2, which does not divide 3 inputs and 4 outputs",
    ),
    "unknown field": (
        conv_with(text="num_output: 4 kernel_siz: 3"),
        "line 8: layer conv1 (Convolution): unknown field 'kernel_siz'; nearest: 'kernel_size'",
    ),
    "unknown layer": (
        of("Convolutoin"),
        "line 5: layer l (Convolutoin): unsupported layer type; nearest: Convolution",
    ),
    "unknown layer field": (
        of("ReLU", 'botom: "x"'),
        "line 8: layer l (ReLU): unknown field 'botom'; nearest: 'bottom'",
    ),
    "unknown bottom": (
        of("ReLU", bottom="dat"),
        "line 3: layer l (ReLU): no layer above computes bottom 'dat'; nearest: data",
    ),
    "no bottom": (of("ReLU", bottom=()), "layer l (ReLU): has 0 bottoms, expected 1"),
    "two tops": (of("ReLU", top="a b"), "layer l (ReLU): has 2 tops, expected 1"),
    "bool": (
        of("InnerProduct", "inner_product_param { bias_term: maybe }"),
        "bias_term: expected true or false, got 'maybe'",
    ),
    "enum": (
        of("Pooling", "pooling_param { pool: MIN }"),
        "pool: expected one of MAX, AVE, STOCHASTIC, got 'MIN'",
    ),
    "number": (of("Power", "power_param { scale: x }"), "scale: expected a number, got 'x'"),
    "huge number": (of("Power", "power_param { scale: 1e39 }"), "scale: expected a number, got '1e39'"),
    "message": (of("Reshape", "reshape_param { shape: 3 }"), "shape: expected a message in { }, got '3'"),
    "string": (of("ReLU", "bottom: data"), "bottom: expected a string in quotes, got 'data'"),
    "window outside": (
        of("Pooling", "pooling_param { kernel_size: 1 stride: 3 }"),
        "the last window is outside the bottom (8 wide, stride 3, kernel_size 1)",
    ),
    "pad": (
        of("Pooling", "pooling_param { kernel_size: 2 pad: 2 }"),
        "pad is 2, expected less than kernel_size (2)",
    ),
    "axis": (of("Softmax", "softmax_param { axis: 4 }"), "axis is 4, the bottom has 4 axes"),
    "statistics": (
        of("BatchNorm", "batch_norm_param { use_global_stats: false }"),
        "use_global_stats: false computes means and variances from the batch",
    ),
    "BatchNorm blobs": (
        of("BatchNorm", blobs=[rand(4), rand(4)]),
        "requires blob 2 (factor), net.caffemodel has 2 for this layer",
    ),
    "Eltwise": (
        Net(a=(1, 2), b=(1, 3)).layer("Eltwise", "a b", "y"),
        "bottom b has shape 1x3, expected 1x2 as a has",
    ),
    "coeff": (
        Net(a=(1, 2), b=(1, 2)).layer("Eltwise", "a b", "y", text="eltwise_param { coeff: 1 }"),
        "coeff is given 1 times for 2 bottoms",
    ),
    "Concat": (
        Net(a=(1, 2, 3), b=(1, 3, 4)).layer("Concat", "a b", "y"),
        "layer concat0 (Concat): concat0/Concat: ",
    ),
    "slice_point": (
        of("Slice", "slice_param { slice_point: 3 slice_point: 2 }", top="a b c"),
        "slice_point 1: the piece from 3 to 2 is empty",
    ),
    "slice_point beyond": (
        of("Slice", "slice_param { slice_point: 9 }", top="a b"),
        "the piece from 9 to 4 is empty",
    ),
    "slice points": (
        of("Slice", "slice_param { slice_point: 1 }", top="a b c"),
        "slice_point is given 1 times for 3 tops, expected 2 times",
    ),
    "Slice": (of("Slice", top="a b c"), "4 elements along axis 1 cannot be divided into 3 tops"),
    "Crop": (
        Net(a=(1, 2, 3, 3), b=(1, 2, 3, 3)).layer("Crop", "a b", "y", text="crop_param { offset: 1 }"),
        "axis 2: 3 elements starting at 1, the bottom has 3",
    ),
    "Permute": (of("Permute", "permute_param { order: 1 order: 1 }"), "order: 1 is a duplicate"),
    "Reshape": (
        of("Reshape", "reshape_param { shape { dim: 0 dim: 3 dim: -1 } }"),
        "the bottom has 256 elements, shape requires a multiple of 3",
    ),
    "Reshape -1": (of("Reshape", "reshape_param { shape { dim: -1 dim: -1 } }"), "dim: -1 occurs twice"),
    "Reshape overflow": (
        of("Reshape", "reshape_param { shape { dim: 2000000000 dim: 2000000000 dim: 2000000000 } }"),
        "dim: too many elements",
    ),
    "shuffle": (
        of("ShuffleChannel", "shuffle_channel_param { group: 3 }"),
        "group is 3, which does not divide 4 channels",
    ),
    "top_k": (of("ArgMax", "argmax_param { axis: 1 top_k: 5 }"), "top_k is 5 of 4"),
    "Interp": (of("Interp"), "expected height and width, zoom_factor or shrink_factor"),
    "mask": (
        Net(a=(1, 2, 3, 3), b=(1, 2, 3, 3)).layer("Upsample", "a b", "y"),
        "bottom 1 must be the mask of a max pooling",
    ),
    "log": (of("Log", "log_param { base: 1 }"), "base is 1, which has no logarithm"),
    "LRN": (of("LRN", "lrn_param { local_size: 4 }"), "local_size is 4, expected an odd number"),
    "PriorBox": (
        Net(a=(1, 2, 3, 3), b=(1, 3, 9, 9)).layer(
            "PriorBox", "a b", "y", text="prior_box_param { min_size: 3 max_size: 2 }"
        ),
        "expected 0 < min_size < max_size",
    ),
    "PriorBox ratios": (
        Net(a=(1, 2, 3, 3), b=(1, 3, 9, 9)).layer(
            "PriorBox", "a b", "y", text="prior_box_param { min_size: 3 aspect_ratio: -1 }"
        ),
        "aspect_ratio -1: expected a positive number",
    ),
    "shared": (
        Net(l=(1, 8), c=(1, 4), p=(1, 2, 8)).layer(
            "DetectionOutput",
            "l c p",
            "y",
            text="detection_output_param { num_classes: 2 share_location: false }",
        ),
        "share_location: false (separate boxes for each class) is not supported",
    ),
    "eta": (
        Net(l=(1, 8), c=(1, 4), p=(1, 2, 8)).layer(
            "DetectionOutput",
            "l c p",
            "y",
            text="detection_output_param { num_classes: 2 nms_param { eta: 0.9 } }",
        ),
        "eta is 0.9, expected 1 (a fixed nms_threshold)",
    ),
    "scores": (
        Net(l=(1, 8), c=(1, 5), p=(1, 2, 8)).layer(
            "DetectionOutput", "l c p", "y", text="detection_output_param { num_classes: 2 }"
        ),
        "8 offsets, 5 scores of 2 classes and 2 default boxes do not match",
    ),
    "background": (
        Net(l=(1, 8), c=(1, 2), p=(1, 2, 8)).layer(
            "DetectionOutput", "l c p", "y", text="detection_output_param { num_classes: 1 }"
        ),
        "num_classes is 1, the background only",
    ),
    "label": (
        Net()
        .layer(
            "MemoryData",
            (),
            "data label",
            text="memory_data_param { batch_size: 1 channels: 3 height: 8 width: 8 }",
        )
        .layer("ReLU", "label", "y"),
        "bottom 'label' is training data",
    ),
    "no output": (
        Net(data=(1, 2)).layer("AbsVal", "data", "a").layer("Silence", "a", ()),
        "the network has no output",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem(tmp_path, name):
    net, words = PROBLEMS[name]
    done = check(net.write(tmp_path))
    assert done.status == tool.BAD_INPUT and words in done.err, str(done)
    assert "net.prototxt: " in done.err


def test_a_missing_layer_in_the_weights_names_the_nearest(tmp_path):
    files = conv_with().write(tmp_path)
    files[0].write_text(files[0].read_text().replace("conv1", "conv11"))
    assert "net.caffemodel has 0 for this layer; nearest: conv1" in check(files).err


def test_all_problems_at_once(tmp_path):
    net = Net(data=(1, 3, 8, 8))
    net.layer(
        "Convolution", "data", "a", (), "convolution_param { num_output: 4 kernel_size: 3 }", name="first"
    )
    net.layer("ReLU", "a", "a", name="follows")
    net.layer("Softmax", "data", "b", (), "softmax_param { axis: 7 }", name="second")
    net.layer("Whatever", "data", "c", name="third")
    net.layer("ReLU", "c", "d", (), "relu_param { slope: 1 }", name="fourth")
    message = check(net.write(tmp_path)).err
    assert (
        "net.prototxt: 4 problems: " in message and "follows" not in message
    )  # it is fine, its bottom is not
    assert [message.count(f"layer {n} ") for n in ("first", "second", "third", "fourth")] == [1, 1, 1, 1]


def test_too_many_problems_for_one_line(tmp_path):
    net = Net(data=(1, 3, 8, 8))
    for i in range(40):
        net.layer("Softmax", "data", f"b{i}", (), "softmax_param { axis: 7 }", name=f"layer_{i}")
    message = check(net.write(tmp_path)).err
    assert "net.prototxt: 40 problems: " in message and re.search(r"; and \d+ more", message)
    assert all(message.count(f"layer layer_{i} (Softmax): axis is 7") >= 1 for i in range(40))


TEXTS = {
    "layer {": "1: missing '}' at the end of the file: the message that starts on line 1 is not closed",
    "name: \"a\nb\"": "1: unterminated string on this line",
    "name: \"a": "1: unterminated string",
    "name: \"\\q\"": "1: unknown escape in a string",
    "name: \"\\000\"": "1: zero byte in a string",
    "\n\nlayer }": "3: expected ':' or '{' after layer, got '}'",
    "name \"x\"": "1: expected ':' or '{' after name, got 'x'",
    "name: }": "1: expected a value of name, got '}'",
    "name:": "1: expected a value of name, got the end of the file",
    "}": "1: expected a field name, got '}'",
    "input_dim: [1, 2": "1: missing ']'",
    "name: \x01": "1: unexpected byte 0x01",
    "layer { layer > }": "1: expected ':' or '{' after layer, got '>'",
    "a {" * 40: "1: messages are nested too deeply",
    "7: 3": "1: expected a field name, got '7'",
    "": "the network has no output",
    "name: 3 # x": "line 1: name: expected a string in quotes, got '3'",
    "layers: 3": "line 1: layers: expected a message in { }, got '3'",
    "layer { name: \"x\" top: \"y\" }": "line 1: layer x (?): type is missing",
    "layer { type: \"ReLU\" bottom: \"data\" }": "no layer above computes bottom 'data'",
    "input: \"a\" input: \"a\" input_dim: [1, 2, 3, 4, 5, 6, 7, 8]": "duplicate input 'a'",
    "input: \"a\" input_dim: [1, 2, 3]": "the shape of input 'a' is not in the prototxt",
    "input: \"a\" input_dim: [100000, 100000, 100000, 100000]": "has too many elements",
    "input: \"a\" input_shape { dim: [1, 1, 1, 1, 1, 1, 1, 1, 1] }": "a shape with 9 axes, expected at most 8",
}


@pytest.mark.parametrize("text", TEXTS)
def test_text_problem(tmp_path, text):
    files = small().write(tmp_path)
    files[0].write_text(text)
    done = check(files)
    assert done.status == tool.BAD_INPUT and TEXTS[text] in done.err and "net.prototxt:" in done.err, str(
        done
    )


def test_many_equal_names_take_no_time(tmp_path):
    """Names, advice and lists must not grow with the square of the file."""
    layer = 'layer { name: "a" type: "ReLU" bottom: "x" top: "x" }\n'
    files = small().write(tmp_path)
    head = 'input: "x" input_dim: [1, 1, 1, 1]\n'
    for body in (
        layer * 20000,
        layer.replace("ReLU", "ReLUU") * 20000,
        layer.replace('"x" top', '"y" top') * 20000,
        'name: ' + '"a" ' * 200000,
    ):
        files[0].write_text(head + body)
        tool.run("init", files[1], "--proto", files[0], "--output", tmp_path / "x.yaml", timeout=20)
        (tmp_path / "x.yaml").unlink(missing_ok=True)
