"""Regions of images (--roi, input_source: resizer), and images whose rows and planes lie anywhere."""
import ctypes
import json
import os
import subprocess

import cv2
import numpy as np
import onnx
import onnx.helper as oh
import pytest
import tool

H, W = 24, 32
CHANNELS = {"nv12": 3, "gray": 1, "rgb": 3}
REGIONS = [(0, 0, 129, 95), (10, 20, 101, 77), (30, 8, 45, 19), (2, 2, 33, 25), (128, 94, 129, 95)]


def convert(folder, rt, source="resizer"):
    """One convolution on such an input; its .bin."""
    c, rng = CHANNELS[rt], np.random.default_rng(3)
    w = rng.normal(size=(2, c, 3, 3)).astype(np.float32)
    graph = oh.make_graph([oh.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[1] * 4)], "g",
                          [oh.make_tensor_value_info("x", 1, [1, c, H, W])],
                          [oh.make_tensor_value_info("y", 1, None)],
                          [oh.make_tensor("w", 1, w.shape, w.ravel())])
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 18)], ir_version=8)
    onnx.save(onnx.shape_inference.infer_shapes(model), folder / "net.onnx")
    (folder / "c.yaml").write_text(f"""model_parameters:
  onnx_model: 'net.onnx'
  working_dir: 'out'
input_parameters:
  input_type_train: '{"rgb" if c == 3 else "gray"}'
  input_layout_train: 'NCHW'
  input_type_rt: '{rt}'
calibration_parameters:
  calibration_type: 'skip'
compiler_parameters:
  input_source: {{x: {source}}}
""")
    tool.run("convert", "-c", "c.yaml", "--log", "none", want=tool.DONE, cwd=folder)
    return folder / "out/model.bin"


def taps(size, to):
    """docs/numerics.md, section 7: the first of two pixels, and the weight of the second."""
    p = (2 * np.arange(to, dtype=np.int64) + 1) * size - to
    at = p // (2 * to)
    weight = ((p - at * 2 * to) * 2048 + to) // (2 * to)
    weight[(at < 0) | (at >= size - 1)] = 0
    return np.clip(at, 0, size - 1), weight


def resized(x, h, w):
    """A plane, h x w x components."""
    (r, v), (c, u) = taps(x.shape[0], h), taps(x.shape[1], w)
    x, u, v = x.astype(np.int64), u[None, :, None], v[:, None, None]
    below, right = np.minimum(r + 1, x.shape[0] - 1), np.minimum(c + 1, x.shape[1] - 1)
    upper = x[r][:, c] * (2048 - u) + x[r][:, right] * u
    lower = x[below][:, c] * (2048 - u) + x[below][:, right] * u
    return ((upper * (2048 - v) + lower * v + (1 << 21)) >> 22).astype(np.uint8)


def picture(path, seed=0, size=(131, 97)):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (9, 13, 3)).astype(np.uint8)
    image = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), image)


def planes_of(image, rt):
    """Its whole planes, as our own conversion at that size gives them."""
    h, w = image.shape[0] & -2, image.shape[1] & -2
    rgb = image[:h, :w, ::-1].astype(np.float64)
    if rt == "gray":
        fixed = image[..., ::-1].astype(np.int64) @ np.array([19595, 38470, 7471])
        return [((fixed + 32768) >> 16).astype(np.uint8)[..., None]]
    y = 0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]
    uv = np.stack([128 + (rgb[..., 2] - y) / 1.772, 128 + (rgb[..., 0] - y) / 1.402], axis=-1)
    y, uv = (np.clip(np.rint(t), 0, 255).astype(np.int64) for t in (y, uv))
    uv = (uv[::2, ::2] + uv[1::2, ::2] + uv[::2, 1::2] + uv[1::2, 1::2] + 2) >> 2
    return [y[..., None].astype(np.uint8), uv.astype(np.uint8)]


@pytest.mark.parametrize("rt", ["nv12", "gray"])
def test_regions(tmp_path, rt):
    """The bytes that a program gets: the formula exactly, OpenCV's to one step; and each stage gets them."""
    program = convert(tmp_path, rt)
    picture(tmp_path / "im.png")
    planes = planes_of(cv2.imread(str(tmp_path / "im.png")), rt)
    tools = tmp_path / "hrt_model_exec"
    tools.symlink_to(tool.SANITIZED / "vernier")
    for left, top, right, bottom in REGIONS:
        roi = f"{left},{top},{right},{bottom}"
        want, theirs = [], []
        for k, plane in enumerate(planes):
            part, h, w = plane[top >> k:(bottom + 1) >> k, left >> k:(right + 1) >> k], H >> k, W >> k
            want.append(resized(part, h, w))
            theirs.append(cv2.resize(np.ascontiguousarray(part), (w, h),
                                     interpolation=cv2.INTER_LINEAR).reshape(h, w, -1))
        subprocess.run([tools, "infer", "--model_file", program, "--input_file", "im.png", "--roi_infer",
                        "--roi", roi, "--enable_dump"], cwd=tmp_path, check=True, capture_output=True)
        got = np.fromfile(tmp_path / "model_infer_input_0.bin", np.uint8)
        assert np.array_equal(np.concatenate([t.ravel() for t in want]), got)
        off = np.abs(np.concatenate([t.ravel() for t in theirs]).astype(int) - got)
        assert off.max() <= 1, roi
        results = []
        for stage in program, tmp_path / "out/model_quantized_model.onnx":
            tool.run("run", stage, "-i", "x=im.png", "--roi", roi, "-o", "o", want=tool.DONE, cwd=tmp_path)
            results.append(np.load(tmp_path / "o/y.npy"))
        assert np.array_equal(*results)


MESSAGES = [
    (["-i", "im.png", "--roi", "10,20,101,78"], tool.USAGE, "nv12 requires even sizes and an even region"),
    (["-i", "im.png", "--roi", "10,20,131,77"], tool.BAD_INPUT, "10,20,131,77 is not in 130 x 96 pixels"),
    (["-i", "im.png", "--roi", "10,20,101"], tool.USAGE, "expected left,top,right,bottom, got '10,20,101'"),
    (["-i", "im.png", "--roi", "0,0,9999999999,3"], tool.USAGE, "expected left,top,right,bottom"),
    (["-i", "im.png", "--roi", "0,0,1,1;0,0,1,1"], tool.USAGE, "more regions than the 1 image inputs"),
    (["--roi", "0,0,1,1"], tool.USAGE, "--roi requires --input"),
    (["--images", ".", "--roi", "0,0,1,1"], tool.USAGE, "--roi excludes --images"),
]


def test_messages(tmp_path):
    program = convert(tmp_path, "nv12")
    picture(tmp_path / "im.png")
    for args, status, words in MESSAGES:
        done = tool.run("run", program, *args, want=status, cwd=tmp_path)
        assert words in done.err, str(done)
    program = convert(tmp_path, "nv12", "pyramid")
    done = tool.run("run", program, "-i", "im.png", "--roi", "0,0,63,63", want=tool.BAD_INPUT,
                    cwd=tmp_path)
    assert "64 x 64, expected 32 x 24; other sizes require input_source: resizer" in done.err
    tool.run("run", program, "-i", "im.png", "--roi", "2,4,33,27", want=tool.DONE, cwd=tmp_path)



@pytest.mark.parametrize("rt", ["nv12", "gray"])
def test_verified(tmp_path, rt):
    """The resizer is a row of `verify` as any node is: on random images, and on a region of a file."""
    program, quantized = convert(tmp_path, rt), tmp_path / "out/model_quantized_model.onnx"
    picture(tmp_path / "im.png")
    for words in [], ["-i", "im.png", "--roi", "10,20,101,77"]:
        done = tool.run("verify", quantized, program, *words, "--json", want=tool.DONE, cwd=tmp_path)
        (row, ) = [r for r in json.loads(done.out)["tensors"] if r["node"] == "resizer"]
        samples = 1 if words else 3
        assert (row["tensor"], row["opcode"], row["instruction"]) == ("x", "resizer", -1)
        assert row["compared"] == samples * H * W * CHANNELS[rt] and row["different"] == 0


@pytest.mark.parametrize("rt", ["nv12", "gray"])
def test_wrong_resizer_is_found(tmp_path, rt):
    program, quantized = convert(tmp_path, rt), tmp_path / "out/model_quantized_model.onnx"
    wrong = [tool.BUILD / "tests/wrongkernel", "verify", quantized, program, "--json"]
    env = {**os.environ, "VERNIER_WRONG_KERNEL": "region_u8"}
    done = subprocess.run(wrong, capture_output=True, text=True, env=env)
    assert done.returncode == tool.CHECK_FAILED, done.stderr
    said = json.loads(done.stdout)
    (row, ) = [r for r in said["tensors"] if r["different"]]  # what is behind reads what the program made
    assert row["node"] == "resizer" and row["max_step"] == 1
    assert said["evidence"].startswith("node resizer, tensor x:")


def test_regions_of_several_inputs(tmp_path):
    """Regions belong to images in the order in which these are named; features between take none."""
    w = np.ones((1, 1, 1, 1), np.float32)
    nodes = [oh.make_node("Conv", ["a", "w"], ["p"], "first"),
             oh.make_node("Conv", ["b", "w"], ["q"], "second"),
             oh.make_node("Add", ["p", "f"], ["y"], "sum")]
    shapes = {"a": [1, 1, 8, 8], "f": [1, 1, 8, 8], "b": [1, 1, 8, 8]}
    graph = oh.make_graph(nodes, "g", [oh.make_tensor_value_info(n, 1, s) for n, s in shapes.items()],
                          [oh.make_tensor_value_info(n, 1, [1, 1, 8, 8]) for n in "yq"],
                          [oh.make_tensor("w", 1, w.shape, w.ravel())])
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, tmp_path / "net.onnx")
    (tmp_path / "c.yaml").write_text("""model_parameters: {onnx_model: net.onnx, working_dir: out}
input_parameters:
  input_name: 'a;f;b'
  input_type_train: 'gray;featuremap;gray'
  input_type_rt: 'gray;featuremap;gray'
calibration_parameters: {calibration_type: skip}
compiler_parameters: {input_source: {a: resizer, f: ddr, b: resizer}}
""")
    tool.run("convert", "-c", "c.yaml", "--log", "none", "--min-cosine", "-1", want=tool.DONE, cwd=tmp_path)
    picture(tmp_path / "1.png", 1), picture(tmp_path / "2.png", 2)
    np.save(tmp_path / "f.npy", np.zeros((1, 1, 8, 8), np.float32))
    program, quantized = tmp_path / "out/model.bin", tmp_path / "out/model_quantized_model.onnx"
    one, two = "0,0,7,7", "40,40,99,70"
    straight = ["-i", "a=1.png", "-i", "f=f.npy", "-i", "b=2.png", "--roi", f"{one};{two}"]
    swapped = ["-i", "b=2.png", "-i", "f=f.npy", "-i", "a=1.png", "--roi", f"{two};{one}"]
    results = []
    for words in straight, swapped:
        tool.run("run", program, *words, "-o", "o", want=tool.DONE, cwd=tmp_path)
        results.append([np.load(tmp_path / f"o/{n}.npy") for n in "yq"])
        tool.run("verify", quantized, program, *words, want=tool.DONE, cwd=tmp_path)
    assert all(np.array_equal(*pair) for pair in zip(*results))
    done = tool.run("verify", quantized, program, *straight[:-1], one, want=tool.USAGE, cwd=tmp_path)
    assert "1 regions; image input b has none" in done.err
    done = tool.run("verify", quantized, program, "--roi", one, want=tool.USAGE, cwd=tmp_path)
    assert "regions require image files" in done.err
    twice = ["-i", "a=1.png", "-i", "a=2.png"]
    done = tool.run("run", program, *twice, "--roi", one, want=tool.USAGE, cwd=tmp_path)
    assert "two files for the same input" in done.err


# ---- the runtime's interface ----

class Planes(ctypes.Structure):
    _fields_ = [("width", ctypes.c_int), ("height", ctypes.c_int), ("plane", ctypes.c_void_p * 3),
                ("pitch", ctypes.c_int64 * 3), ("left", ctypes.c_int), ("top", ctypes.c_int),
                ("region_width", ctypes.c_int), ("region_height", ctypes.c_int)]


class Err(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("reason", ctypes.c_int), ("msg", ctypes.c_char * 1024)]


class Model:
    def __init__(self, path):
        self.rt = ctypes.CDLL(str(tool.BUILD / "libvernier-rt.so.0"))
        self.m, self.e = ctypes.c_void_p(), Err()
        opened = self.rt.vn_model_open(ctypes.byref(self.m), str(path).encode(), None, ctypes.byref(self.e))
        assert opened == 0, self.e.msg

    def pack(self, planes, size, width, height, pitch=None, region=(0, 0, 0, 0)):
        """planes: arrays with any distance between rows."""
        p = Planes(width, height, (ctypes.c_void_p * 3)(*[t.ctypes.data for t in planes]),
                   (ctypes.c_int64 * 3)(*(pitch or [t.strides[0] for t in planes])), *region)
        out = np.full(size + 1, 99, np.uint8)
        status = self.rt.vn_model_pack_input(self.m, 0, ctypes.byref(p), out.ctypes.data_as(ctypes.c_void_p),
                                             ctypes.byref(self.e))
        assert out[-1] == 99
        return out[:-1] if status == 0 else self.e.msg.decode()

    def close(self):
        self.rt.vn_model_close(ctypes.byref(self.m))


def apart(x, pitch):
    """The same elements, rows `pitch` bytes apart."""
    room = np.zeros((x.shape[0], pitch), np.uint8)
    room[:, :x.shape[1]] = x
    return room[:, :x.shape[1]]


def test_planes(tmp_path):
    rng = np.random.default_rng(1)
    y, uv = (rng.integers(0, 256, (h, 64), np.uint8) for h in (48, 24))
    m = Model(convert(tmp_path, "nv12"))
    size = W * H * 3 // 2
    for pitch in 64, 80, 4096:
        planes = apart(y, pitch), apart(uv, pitch + 2)
        got = m.pack(planes, size, 64, 48)
        parts = [resized(y[..., None], H, W), resized(uv.reshape(24, 32, 2), H // 2, W // 2)]
        assert np.array_equal(got, np.concatenate([t.ravel() for t in parts]))
        got = m.pack(planes, size, 64, 48, region=(6, 10, W, H))
        assert np.array_equal(got, np.concatenate([y[10:34, 6:38].ravel(), uv[5:17, 6:38].ravel()]))
    for args, words in [(dict(width=64, height=47), "requires even sizes"),
                        (dict(width=64, height=48, region=(40, 0, 32, 24)), "is not in 64 x 48"),
                        (dict(width=0, height=48), "an image of 0 x 48 pixels"),
                        (dict(width=64, height=48, pitch=[64, 63]), "rows of plane 1 lie 63 bytes apart")]:
        assert words in m.pack((y, uv), size, **args)
    assert "plane 1 is NULL" in m.pack((y,), size, 64, 48)
    m.close()


def test_planes_of_colours(tmp_path):
    rng = np.random.default_rng(2)
    m = Model(convert(tmp_path, "rgb", "ddr"))
    planes = [rng.integers(0, 256, (H, W), np.uint8) for _ in range(3)]
    got = m.pack([apart(t, 50) for t in planes], 3 * W * H, W, H)
    assert np.array_equal(got, np.concatenate([t.ravel() for t in planes]))
    assert "require input_source: resizer" in m.pack(planes, 3 * W * H, W, H, region=(0, 0, 16, 12))
    m.close()
