"""Compiled networks, as scripts on the vendor's boards run them.

    from vernier.hobot_dnn import pyeasy_dnn as dnn
    model = dnn.load("net.bin")[0]
    outputs = model.forward(nv12)
    print(outputs[0].buffer)
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from ..session import Port, Session, pack_names


@dataclass(frozen=True)
class TensorProperties:
    """Properties of a tensor: `tensor_type` ("NV12", "RGB", ..., "float32"), `dtype`, `layout` ("NCHW" or
    "NHWC") and `shape`."""
    tensor_type: str
    dtype: str
    layout: str
    shape: tuple[int, ...]


class Tensor:
    """An input or output: `name`, `properties`, and `buffer`, an array; for an input the data that were fed
    last."""

    def __init__(self, port: Port, output: bool):
        real = output and port.scale != 0
        dtype = "float32" if real else str(port.dtype)
        kind = dtype if port.type == "featuremap" else port.type.upper()
        self.name, self._port = port.name, port
        layout = port.pixel_layout or port.layout or "NCHW"
        self.properties = TensorProperties(kind, dtype, layout, port.shape)
        self.buffer: np.ndarray | None = None


class Model:
    """A network: `name`, `inputs`, `outputs`, `forward`."""

    def __init__(self, path: str, threads: int = 1, model: str | None = None):
        self.name = model or Path(path).stem
        self._session = Session(path, threads=threads, model=model)
        self.inputs = tuple(Tensor(p, False) for p in self._session.inputs)
        self.outputs = tuple(Tensor(p, True) for p in self._session.outputs)

    def forward(self, args: np.ndarray | Sequence[np.ndarray]) -> list[Tensor]:
        """Run once.

        Args:
            args: one array, or a list with one for each input: the device's pixels as uint8 of any shape
                (height * width * 3 / 2 bytes for NV12), or the tensor of a feature map.

        Returns:
            New outputs for each call; `buffer` has real numbers (float32) or indices.
        """
        arrays = [args] if isinstance(args, np.ndarray) else list(args)
        if len(arrays) != len(self.inputs):
            raise ValueError(f"{self.name}: expected {len(self.inputs)} arrays, one for each input, "
                             f"got {len(arrays)}")
        for tensor, array in zip(self.inputs, arrays):
            tensor.buffer = array
        outputs = [Tensor(p, True) for p in self._session.outputs]
        got = self._session.run(None, {t.name: a for t, a in zip(self.inputs, arrays)})
        for tensor, array in zip(outputs, got):
            tensor.buffer = tensor._port.real(array)
        return outputs


def load(model_file: Any) -> list[Model]:
    """The networks of a .bin or a pack, or of several: a list with a Model for each.

    Raises:
        Error: a file is damaged.
        OSError: it cannot be read.
    """
    files = model_file if isinstance(model_file, (list, tuple)) else [model_file]
    return [Model(os.fspath(f), model=name) for f in files for name in pack_names(f) or [None]]
