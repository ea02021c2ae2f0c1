"""Caffe networks: every layer on the reference executor and on the runtime, against OpenCV's own reader of
Caffe files, or against a formula in NumPy where OpenCV lacks a layer or departs from Caffe."""
import subprocess

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import tool
from caffe_cases import CASES, boxes_fed, rand
from caffe_writer import Net


def files(net, folder):
    if isinstance(net, Net):
        return net.write(folder)
    return net


def run(net, folder, inputs, *more):
    """Outputs by name."""
    prototxt, caffemodel = files(net, folder)
    args = []
    for name, x in inputs.items():
        np.save(folder / f"{name}.npy", x)
        args += ["-i", f"{name}={folder / name}.npy"]
    out = folder / ("out" + "".join(more))
    tool.run("run", caffemodel, "--proto", prototxt, *args, "-o", out, *more, want=tool.DONE)
    return {p.stem: np.load(p) for p in out.glob("*.npy")}


def opencv(net, folder, inputs):
    prototxt, caffemodel = files(net, folder)
    dnn = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
    for name, x in inputs.items():
        dnn.setInput(x, name)
    names = dnn.getUnconnectedOutLayersNames()
    return dict(zip(names, dnn.forward(names)))


def inputs_and_outputs(name, folder):
    """What a case is fed, and by top what it must give."""
    net, want, low, high, _ = CASES[name]
    inputs = {n: rand(*s, seed=7 + i, low=low, high=high) for i, (n, s) in enumerate(net.inputs.items())}
    if name.startswith("DetectionOutput"):
        inputs = boxes_fed(**inputs)
    tops = net.layers[-1][3]
    if callable(want):
        wanted = want(*inputs.values())
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    else:
        wanted = opencv(want or net, folder, inputs).values()
    assert len(tops) == len(wanted)
    return inputs, {top: np.asarray(y, np.float32) for top, y in zip(tops, wanted)}


def compare(have, wanted, tolerance):
    assert set(have) == set(wanted)
    for top, y in wanted.items():
        assert have[top].shape == y.shape, top
        np.testing.assert_allclose(have[top], y, rtol=tolerance, atol=tolerance, err_msg=top)


@pytest.mark.parametrize("name", CASES)
def test_layer(tmp_path, name):
    inputs, wanted = inputs_and_outputs(name, tmp_path)
    for more in ([], ["--reference"]):
        compare(run(CASES[name][0], tmp_path, inputs, *more), wanted, CASES[name][4])


@pytest.mark.parametrize("name", CASES)
def test_layer_as_onnx(tmp_path, name):
    """The file that is written says the same in stock onnxruntime, and in the program when it is read
    again."""
    inputs, wanted = inputs_and_outputs(name, tmp_path)
    path = tmp_path / "net.onnx"
    subprocess.run([tool.SANITIZED / "tests/caffetool", *CASES[name][0].write(tmp_path), path], check=True)
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    used = {i.name for i in session.get_inputs()}
    compare(
        dict(
            zip(
                [o.name for o in session.get_outputs()],
                session.run(None, {n: x for n, x in inputs.items() if n in used}),
            )
        ),
        wanted,
        CASES[name][4],
    )
    args = [w for n in used for w in ("-i", f"{n}={tmp_path / n}.npy")]
    for n in used:
        np.save(tmp_path / f"{n}.npy", inputs[n])
    tool.run("run", path, *args, "-o", tmp_path / "again", "--reference", want=tool.DONE)
    compare({p.stem: np.load(p) for p in (tmp_path / "again").glob("*.npy")}, wanted, CASES[name][4])


# ---- whole networks of random layers, against OpenCV ----

def random_network(rng):
    """A trunk of blocks as real networks have them, in place where Caffe allows it, and a classifier. A name,
    channels and size go along."""
    net, top, c, size = Net(data=(1, 3, 24, 24)), "data", 3, 24

    def weights(*shape):
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)

    def conv(bottom, name, outputs, kernel, group=1, stride=1):
        net.layer(
            "Convolution",
            bottom,
            name,
            [weights(outputs, c // group, kernel, kernel), weights(outputs)],
            f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} stride: {stride} group: {group} }}",
            name=name,
        )
        if rng.random() < 0.5:
            net.layer(
                "BatchNorm",
                name,
                name,
                [weights(outputs), rng.uniform(0.5, 2, outputs).astype(np.float32), np.float32([1])],
                name=f"{name}_bn",
            )
            net.layer(
                "Scale",
                name,
                name,
                [rng.uniform(0.5, 2, outputs).astype(np.float32), weights(outputs)],
                "scale_param { bias_term: true }",
                name=f"{name}_scale",
            )
        kind = rng.choice(["ReLU", "PReLU", "ELU", "TanH"])
        net.layer(
            kind,
            name,
            name,
            [rng.uniform(0, 0.5, outputs).astype(np.float32)] if kind == "PReLU" else (),
            name=f"{name}_act",
        )

    for i in range(5):
        block, name = rng.choice(["conv", "residual", "branches", "shuffle", "pool", "lrn"]), f"b{i}"
        if block in ("conv", "lrn") or i == 0:
            outputs = int(rng.choice([4, 8, 12]))
            conv(top, name, outputs, int(rng.choice([1, 3, 5])))
            top, c = name, outputs
            if block == "lrn":
                net.layer(
                    "LRN",
                    top,
                    f"{name}_lrn",
                    text="lrn_param { local_size: 3 alpha: 0.01 beta: 0.75 }",
                    name=f"{name}_lrn",
                )
                top = f"{name}_lrn"
        elif block == "residual":
            conv(top, f"{name}_a", c, 3, group=c if rng.random() < 0.5 else 1)
            net.layer(
                "Eltwise",
                [top, f"{name}_a"],
                name,
                text=f"eltwise_param {{ operation: {rng.choice(['SUM', 'PROD', 'MAX'])} }}",
                name=name,
            )
            top = name
        elif block == "branches":
            conv(top, f"{name}_a", 4, 1)
            conv(top, f"{name}_b", 4, 3)
            net.layer("Concat", [f"{name}_a", f"{name}_b"], name, name=name)
            top, c = name, 8
        elif block == "shuffle":
            net.layer(
                "Slice",
                top,
                [f"{name}_a", f"{name}_b"],
                text=f"slice_param {{ slice_point: {c // 2} }}",
                name=f"{name}_slice",
            )
            net.layer("Sigmoid", f"{name}_b", f"{name}_b", name=f"{name}_sigmoid")
            net.layer("Concat", [f"{name}_b", f"{name}_a"], f"{name}_c", name=f"{name}_concat")
            net.layer(
                "ShuffleChannel", f"{name}_c", name, text="shuffle_channel_param { group: 2 }", name=name
            )
            top = name
        else:
            net.layer(
                "Pooling",
                top,
                name,
                text=f"pooling_param {{ pool: {rng.choice(['MAX', 'AVE'])} kernel_size: 3 stride: 2 }}",
                name=name,
            )
            top, size = name, -(-(size - 3) // 2) + 1
    net.layer("Dropout", top, top, name="drop")
    net.layer(
        "InnerProduct",
        top,
        "fc",
        [weights(6, c * size * size), weights(6)],
        "inner_product_param { num_output: 6 }",
        name="fc",
    )
    return net.layer("Softmax", "fc", "prob", name="prob")


@pytest.mark.parametrize("seed", range(20))
def test_random_network(tmp_path, seed):
    net, x = random_network(np.random.default_rng(seed)), rand(1, 3, 24, 24, seed=seed)
    want = next(iter(opencv(net, tmp_path, {"data": x}).values()))
    for more in ([], ["--reference"]):
        np.testing.assert_allclose(run(net, tmp_path, {"data": x}, *more)["prob"], want, rtol=1e-4, atol=1e-5)
