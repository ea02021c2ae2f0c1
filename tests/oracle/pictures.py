"""Our picture functions from Python: one process of picturetool (see there) that answers requests."""
import subprocess

import numpy as np
import pytest
import tool

DCT = ["library", "islow", "ifast", "float"]
UPSAMPLING = ["library", "fancy", "simple"]
LIBRARIES = ["opencv", "pillow", "skimage"]
PROGRAM = tool.BUILD / "tests/picturetool"


class Refused(Exception):
    """picturetool's error message."""


class Pictures:
    def __init__(self, *mask):
        self.process = subprocess.Popen(
            [PROGRAM, *map(str, mask)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def call(self, *words, picture=None, flat=True):
        """The answer as an array H x W (one channel) or H x W x C."""
        to, back = self.process.stdin, self.process.stdout
        to.write((" ".join(map(str, words)) + "\n").encode())
        if picture is None:
            to.write(b"none\n")
        else:
            x = np.ascontiguousarray(picture if picture.ndim == 3 else picture[:, :, None])
            to.write(f"{x.dtype} {x.shape[0]} {x.shape[1]} {x.shape[2]}\n".encode() + x.tobytes())
        to.flush()
        status, *rest = back.readline().decode().split(maxsplit=4)
        if status != "ok":
            raise Refused(" ".join(rest))
        dtype, h, w, c = np.dtype(rest[0]), *map(int, rest[1:])
        x = np.frombuffer(back.read(h * w * c * dtype.itemsize), dtype).reshape(h, w, c)
        return x[:, :, 0] if c == 1 and flat else x

    def decode(
        self,
        path,
        library,
        channels=0,
        orientation=0,
        unchanged=0,
        bgr=0,
        dct="library",
        upsampling="library",
        reduce=1,
        draft=(0, 0),
    ):
        return self.call(
            "decode",
            path,
            library,
            channels,
            orientation,
            unchanged,
            bgr,
            DCT.index(dct),
            UPSAMPLING.index(upsampling),
            reduce,
            *draft,
        )

    def resize(self, picture, library, interpolation, size, antialias=-1, version="-"):
        return self.call("resize", library, interpolation, antialias, version, *size, picture=picture)


    def transform(self, text, x):
        """A published transformer on a 3-D array; its answer has three axes, too."""
        return self.call("transform", text, picture=x, flat=False)


def fixture():
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built (meson -Dtests=true)")
    return Pictures()


def noise(rng, h, w, c=3, dtype=np.uint8):
    """Noise on a gradient with hard edges: resizing has something to round, and something to clip."""
    x = rng.random((h, w, c)) * 0.5 + np.linspace(0, 0.5, w)[None, :, None]
    x[rng.random((h, w)) < 0.1] = rng.integers(0, 2)
    x = x if dtype == np.float32 else x * np.iinfo(dtype).max + 0.5
    x = x.astype(dtype)
    return x[:, :, 0] if c == 1 else x


def with_torchvision(program, arrays, folder):
    """Run a program with Debian's torchvision, which lives outside of .venv: arrays by name in and out."""
    if subprocess.run(["/usr/bin/python3", "-c", "import torchvision"], capture_output=True).returncode:
        pytest.skip("Debian's python3-torchvision is not installed")
    np.savez(folder / "in.npz", **arrays)
    done = subprocess.run(
        ["/usr/bin/python3", "-c", program, folder / "in.npz", folder / "out.npz"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npz")
