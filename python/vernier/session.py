"""Sessions: run any artefact."""
from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Sequence, Union

import numpy as np

from . import _native

INPUT_TYPES = ("featuremap", "rgb", "bgr", "yuv444", "nv12", "gray")

#: What an input can be fed with: an array, what becomes one, or the path of an image, .npy or raw file.
Feed = Union[np.ndarray, Sequence[Any], str, "os.PathLike[str]"]
#: What is told of intermediates: a dict that is filled, or a function of name and array.
Observer = Union[dict, Callable[[str, np.ndarray], Any]]


@dataclass(frozen=True)
class Port:
    """An input or output of a network.

    Attributes:
        name: its name in the source model.
        shape: of the network's tensor; the largest one if it depends on the data.
        dtype: element type of the array. Images of every artefact also take uint8 pixels.
        layout: "NCHW" or "NHWC" of an image, "NHWC" of a feature map that conversion turned
            (`quantized_layout`); None for other tensors.
        scale, zero_point: of quantized integers: real = (q - zero_point) * scale; scale
            0: none.
        type: of an input: "featuremap" (the tensor itself), or the pixels of the device: "rgb", "bgr",
            "yuv444", "nv12", "gray". The tensor of an image is "pixel - 128", from -128 to 127.
        pixel_layout: of the device's pixels: "NCHW" or "NHWC"; None: planes of different sizes.
        nbytes: of an input: number of bytes that the device delivers (nv12: height * width * 3 / 2).
    """
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    layout: str | None = None
    scale: float = 0.0
    zero_point: int = 0
    type: str = "featuremap"
    nbytes: int = 0
    pixel_layout: str | None = None

    def real(self, array: np.ndarray) -> np.ndarray:
        """An output as real numbers, float32: (q - zero_point) * scale if quantized, else unchanged."""
        if not self.scale or array.dtype.kind not in "iu":
            return array
        return (array.astype(np.int32) - self.zero_point).astype(np.float32) * np.float32(self.scale)


def pack_names(path: str | os.PathLike[str]) -> list[str]:
    """Names of the models of a pack (written by hb_pack); empty: not a pack, or damaged.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as f:
        if not os.fstat(f.fileno()).st_size:
            return []
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return _native.pack_names(image)


def load_custom_ops(path: str | os.PathLike[str]) -> None:
    """Load a shared library of custom operators (docs/custom-operators.md) for all networks of this process.

    Raises:
        Error: it cannot be loaded, or is not such a library.
    """
    _native.load_custom_ops(path)


def _port(p: dict) -> Port:
    kind = INPUT_TYPES[p["type"]]
    planes = kind not in ("featuremap", "nv12")
    return Port(name=p["name"], shape=p["shape"], dtype=np.dtype(p["dtype"]), scale=p["scale"],
                zero_point=p["zero"], type=kind, nbytes=p["bytes"],
                layout="NHWC" if p["nhwc"] else None if kind == "featuremap" else "NCHW",
                pixel_layout=("NHWC" if p["channels_last"] else "NCHW") if planes else None)


class Session(_native.Session):
    """A network ready to run: a float ONNX model, the ONNX file of any stage, a Caffe network, a .bin.

    One session may be used by any number of threads at a time; each call that runs beside others takes
    working memory of its own, which is kept for later calls. The GIL is free while a network is opened and
    runs. Ctrl-C ends a call of the main thread at the next instruction of the network.

        with vernier.Session("net.bin") as net:
            logits, = net.run(None, {"images": pixels})

    Args:
        source: path of the file, or a .bin or ONNX model as bytes.
        prototxt: of a Caffe network, whose weights are `source`.
        model: name of the model in a pack (written by hb_pack).
        threads: of each run, 1 to 256; 0: one for each CPU. The results do not depend on it.
        shapes: of inputs, instead of those in an ONNX or Caffe file: {"x": (1, 3, 224, 224)}.
        values: inputs of an ONNX model that become constants: {"size": [640, 480]}.
        pipeline: steps that turn image files into inputs (docs/alignment.md), or the path of a .yaml file
            of them.
        reference: run on the reference executor: float64, exact integers, slow. Not for a .bin.
        level: fusion of ONNX and Caffe networks, 0 to 3. The results do not depend on it.
        cpu: features that may be used: "all", "c", "avx2", "avx512", "avx512vnni", "neon", "dotprod".
        memory_limit: bytes for programs, working memory and buffers; 0: no limit.
        log: called with a level (0 debug to 3 error) and a line for each warning while the file is read.

    Raises:
        Error: the file is damaged or unsupported, options exclude each other.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes, *,
                 prototxt: str | os.PathLike[str] | None = None, model: str | None = None,
                 threads: int = 1,
                 shapes: Mapping[str, Sequence[int]] | None = None, values: Mapping[str, Any] | None = None,
                 pipeline: str | None = None, reference: bool = False,
                 level: int = 3, cpu: str = "all", memory_limit: int = 0,
                 log: Callable[[int, str], Any] | None = None):
        shapes, values = shapes or {}, values or {}
        options = {
            "prototxt": None if prototxt is None else os.fspath(prototxt), "threads": threads, "level": level,
            "reference": int(reference), "pipeline": pipeline, "cpumask": _native.cpu_mask(cpu),
            "memory_limit": memory_limit, "model": model, "shape_names": list(shapes),
            "shapes": ["x".join(str(int(d)) for d in s) for s in shapes.values()],
            "values": [f"{k}={','.join(repr(x) for x in np.ravel(v).tolist())}" for k, v in values.items()],
        }
        in_memory = isinstance(source, (bytes, bytearray, memoryview))
        if model is not None and not in_memory and not pack_names(source):
            raise ValueError(f"{os.fspath(source)}: is no pack: it has no model {model!r}")
        super().__init__(source if in_memory else os.fspath(source), options, log)
        self._ports = [_port(p) for p in self._inputs()], [_port(p) for p in self._outputs()]

    @property
    def inputs(self) -> list[Port]:
        """The inputs, in the network's order."""
        return list(self._ports[0])

    @property
    def outputs(self) -> list[Port]:
        """The outputs, in the network's order."""
        return list(self._ports[1])

    @property
    def values(self) -> list[str]:
        """Names of the tensors of the source network that can be observed."""
        return self._values()

    @property
    def meta(self) -> dict[str, str]:
        """Metadata of the artefact: hashes, calibration method, versions."""
        return self._meta()

    @property
    def kind(self) -> str:
        """"bin", "onnx" or "caffe"."""
        return self._kind()

    def run(self, names: Iterable[str] | None, feed: Mapping[str, Feed], observe: Observer | None = None,
            stored: bool = False) -> list[np.ndarray]:
        """Run the network once.

        Args:
            names: outputs to return, in this order; None: all.
            feed: for each input, by name, one of
                - an array of the input's shape: the network's tensor. Other number types are converted as C
                  does, or quantized where the tensor is quantized; integers for a quantized tensor are its
                  stored ones. Where type and order are the program's, it is read in place;
                - for an image input, a uint8 array of `Port.nbytes` bytes: the pixels as the device hands
                  them over;
                - the path of a file: an image through the pipeline, .npy, or raw bytes.
            observe: receives intermediate values of the run. A dict is filled with arrays by name (only these
                names if it has any); a function is called with a name and an array, in execution order.
            stored: intermediate values as stored; otherwise quantized ones are dequantized to float32.

        Returns:
            New arrays, one for each output: float32, or the integers of an output that is quantized or an
                index.

        Raises:
            Error: an array has the wrong shape, or a node cannot compute with these data.
            KeyError: no such input, output or value; an input without data.
            KeyboardInterrupt: Ctrl-C.
        """
        return super().run(names, feed, observe, stored)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
