"""The package as the build has it (build/python), and two networks: gray pixels, camera images in NV12."""
import signal
import sys

import numpy as np
import pytest
import tool

sys.path.insert(0, str(tool.BUILD / "python"))

STAGES = ("original_float", "optimized_float", "calibrated", "quantized", "bin")


class Net:
    """A converted network: its files by stage, an image for it."""

    def __init__(self, name, files, image, source):
        self.name, self.files, self.image, self.source = name, files, image, source

    def pixels(self, seed=0):
        """What the device hands over, random."""
        import vernier
        with vernier.Session(self.files["bin"]) as s:
            return np.random.default_rng(seed).integers(0, 256, s.inputs[0].nbytes, np.uint8)


@pytest.fixture(scope="session")
def gray(digits):
    files = {s: digits.stage(s) for s in STAGES[:-1]} | {"bin": digits.bin}
    return Net("digits", files, digits.picture, digits.model)


@pytest.fixture(scope="session")
def camera(products):
    p = products("rfb320")
    files = {s: p.onnx(s) for s in STAGES[:-1]} | {"bin": p.bin}
    return Net("rfb320", files, p.model.pictures()[0], p.model.file)


@pytest.fixture
def interrupts():
    """SIGINT raises KeyboardInterrupt, also in the background of a shell, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=["gray", "camera"])
def net(request):
    return request.getfixturevalue(request.param)
