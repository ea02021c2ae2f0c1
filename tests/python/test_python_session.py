"""vernier.Session: every artefact as the command line runs it; threads, observers, errors, Ctrl-C, memory."""
import gc
import os
import signal
import threading
import time

import numpy as np
import onnxruntime
import pytest
import tool

vernier = pytest.importorskip("vernier")
if not (tool.BUILD / "python/vernier/_native.abi3.so").exists():
    pytest.skip("the build has no Python package", allow_module_level=True)
STAGES = ("original_float", "optimized_float", "calibrated", "quantized", "bin")


def command_line(path, folder, *inputs):
    """What `vernier run` writes, by output."""
    tool.run("run", path, *inputs, "--output-dir", folder, want=tool.DONE, build=tool.BUILD)
    return {p.stem: np.load(p) for p in folder.glob("*.npy")}


@pytest.mark.parametrize("stage", STAGES)
def test_as_the_command_line(net, stage, tmp_path):
    with vernier.Session(net.files[stage]) as s:
        (port,) = s.inputs
        for feed, option in ((net.image, net.image), (net.pixels(), None)):
            if option is None:
                option = tmp_path / "pixels.bin"
                feed.tofile(option)
                if stage != "bin":
                    continue
            want = command_line(net.files[stage], tmp_path / "out", "--input", option)
            for p, got in zip(s.outputs, s.run(None, {port.name: feed})):
                assert got.dtype == p.dtype and got.shape == p.shape
                np.testing.assert_array_equal(got, want[p.name])


def test_pixels_and_tensors_are_one_input(net):
    """The bytes of the device give what "pixel - 128" gives; stages of ONNX take both, too."""
    with vernier.Session(net.files["bin"]) as a, vernier.Session(net.files["quantized"]) as b:
        name = a.inputs[0].name
        pixels = net.pixels(1)
        seen = {name: None}
        by_pixels = a.run(None, {name: pixels}, observe=seen)
        for s in (a, b):
            for p, x, y in zip(s.outputs, s.run(None, {name: seen[name]}), by_pixels):
                np.testing.assert_array_equal(p.real(x), a.outputs[s.output_names.index(p.name)].real(y))


def test_floats_as_onnxruntime(net):
    with vernier.Session(net.source) as s:
        x = np.random.default_rng(0).normal(size=s.inputs[0].shape).astype(np.float32)
        peer = onnxruntime.InferenceSession(net.source, providers=["CPUExecutionProvider"])
        names = [o.name for o in s.outputs][::-1]
        for got, want in zip(s.run(names, {s.inputs[0].name: x}), peer.run(names, {s.inputs[0].name: x})):
            assert np.abs(got - want).max() <= 1e-4 * np.abs(want).max()  # two orders of float32 sums


def test_what_it_says(gray, camera):
    with vernier.Session(camera.files["bin"]) as s:
        (p,) = s.inputs
        assert (s.kind, p.type, p.layout, p.dtype) == ("bin", "nv12", "NCHW", np.uint8)
        assert p.shape == (1, 3, 240, 320) and p.nbytes == 240 * 320 * 3 // 2
        assert s.meta["model.hash"] and p.name in s.values
    with vernier.Session(gray.files["bin"].read_bytes()) as s:
        assert s.inputs[0].type == "gray"
    with vernier.Session(gray.source, shapes={"image": (3, 1, 8, 8)}) as s:
        assert s.outputs[0].shape[0] == 3
        batch = s.run(None, {"image": np.ones((3, 1, 8, 8))})[0]
        assert batch.shape[0] == 3 and (batch[0] == batch[1]).all()


def test_order_and_type_of_arrays(gray):
    with vernier.Session(gray.files["optimized_float"]) as s:
        x = np.arange(-32, 32, dtype=np.float32).reshape(1, 1, 8, 8)
        want = s.run(None, {"image": x})[0]
        wide = np.zeros((1, 1, 8, 16), np.float32)
        wide[..., ::2] = x
        orders = wide[..., ::2], x[:, :, ::-1].copy()[:, :, ::-1], np.asfortranarray(x)
        types = x.astype(np.float64), x.astype(np.int8), x.astype(np.float16), x.tolist()
        for same in orders + types:
            np.testing.assert_array_equal(s.run(None, {"image": same})[0], want)
        np.testing.assert_array_equal(x.ravel(), np.arange(-32, 32))


def test_values_that_are_watched(net):
    with vernier.Session(net.files["bin"]) as s:
        feed = {s.inputs[0].name: net.pixels(2)}
        want = s.run(None, feed)
        every, order = {}, []
        s.run(None, feed, observe=every)
        s.run(None, feed, observe=lambda name, a: order.append(name))
        assert list(every) == list(dict.fromkeys(order)) and len(every) > 5
        one = {order[3]: None}
        s.run(None, feed, observe=one)
        np.testing.assert_array_equal(one[order[3]], every[order[3]])
        out = {s.output_names[0]: None}
        s.run(None, feed, observe=out, stored=True)
        np.testing.assert_array_equal(out[s.output_names[0]].reshape(want[0].shape), want[0])
        with pytest.raises(ZeroDivisionError):
            s.run(None, feed, observe=lambda name, a: 1 // 0)
        with pytest.raises(KeyError, match="no value 'nowhere'"):
            s.run(None, feed, observe={"nowhere": None})
        np.testing.assert_array_equal(s.run(None, feed)[0], want[0])


@pytest.mark.parametrize("feed, wrong, text", [
    ({}, KeyError, "input 'image' has no data"),
    ({"image": np.zeros((1, 1, 8, 8)), "x": 1}, KeyError, "no input 'x'"),
    ({"image": np.zeros((1, 8, 8))}, vernier.Error, "expected shape 1x1x8x8, got 1x8x8"),
    ({"image": np.zeros(63, np.uint8)}, vernier.Error, "expected 64 bytes, got 63"),
    ({"image": np.zeros((1,) * 9, np.float32)}, TypeError, "9 axes"),
    ({"image": np.zeros((1, 1, 8, 8), ">f4")}, TypeError, "byte order"),
    ({"image": ["a"]}, TypeError, "array of numbers"),
    ({"image": "nowhere.png"}, vernier.Error, "nowhere.png"),
    ([1], TypeError, "expected a dict"),
])
def test_wrong_data(gray, feed, wrong, text):
    with vernier.Session(gray.files["bin"]) as s:
        with pytest.raises(wrong, match=text):
            s.run(None, feed)
        with pytest.raises(KeyError, match="no output 'x'"):
            s.run(["x"], {"image": gray.pixels()})
        s.run(None, {"image": gray.pixels()})
    with pytest.raises(ValueError, match="closed"):
        s.run(None, {"image": gray.pixels()})


def test_wrong_files(gray, tmp_path):
    damaged = tmp_path / "damaged.bin"
    damaged.write_bytes(gray.files["bin"].read_bytes()[:-100])
    with pytest.raises(vernier.Error, match="damaged.bin") as e:
        vernier.Session(damaged)
    assert e.value.status == "input" and e.value.place == str(damaged)
    with pytest.raises(vernier.Error) as e:
        vernier.Session(gray.files["bin"], reference=True)
    assert e.value.status in ("usage", "unsupported")
    with pytest.raises(ValueError, match="got 'fast'"):
        vernier.Session(gray.files["bin"], cpu="fast")


def test_many_threads(net):
    """Each sees its own data, while others run."""
    with vernier.Session(net.files["bin"], threads=2) as s:
        name = s.inputs[0].name
        fed = [net.pixels(k) for k in range(4)]
        want = [s.run(None, {name: x}) for x in fed]
        wrong = []

        def work(k):
            for _ in range(20):
                got = s.run(None, {name: fed[k]})
                wrong.extend(1 for a, b in zip(got, want[k]) if not np.array_equal(a, b))
        threads = [threading.Thread(target=work, args=[k]) for k in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong


def test_other_threads_go_on(camera):
    """No GIL while a network runs: a counter goes on in the meantime."""
    with vernier.Session(camera.files["original_float"], reference=True) as s:
        count, stop = 0, threading.Event()

        def work():
            s.run(None, {s.inputs[0].name: np.zeros(s.inputs[0].shape, np.float32)})
            stop.set()
        threading.Thread(target=work).start()
        while not stop.wait(0.001):
            count += 1
        assert count > 20


def test_interrupt(camera, interrupts):
    with vernier.Session(camera.files["original_float"], reference=True) as s:
        sent = []

        def fire():
            time.sleep(0.05)
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        t = threading.Thread(target=fire)
        t.start()
        with pytest.raises(KeyboardInterrupt):
            while True:
                s.run(None, {s.inputs[0].name: np.zeros(s.inputs[0].shape, np.float32)})
        late = time.monotonic() - sent[0]
        t.join()
        assert late < 0.1 * tool_slowness()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def tool_slowness():
    """Machines that test under load are given more time."""
    return 3 if os.getloadavg()[0] > os.cpu_count() else 1


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_sessions(gray):
    """Opened, run and closed: memory does not grow."""
    feed = {"image": gray.pixels()}

    def some(n):
        for i in range(n):
            with vernier.Session(gray.files["bin"]) as s:
                s.run(None, feed, observe={} if i % 10 == 0 else None)
        gc.collect()
    some(100)
    before = resident()
    some(1000)
    assert resident() - before < 1 << 20  # a leaked session takes 10 KB and more
