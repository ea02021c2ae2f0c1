"""HB_ONNXRuntime and HBRuntime with the interface of the vendor's toolchain, for every artefact.

    from vernier.horizon_tc_ui import HB_ONNXRuntime
    sess = HB_ONNXRuntime(model_file="net_quantized_model.onnx")
    outputs = sess.run(None, {"data": pixels}, input_offset=128)

Every class here opens float ONNX models, the ONNX files of all stages and .bin files alike, and takes feature
maps beside images. Outputs are real numbers (float32) or indices, also of a .bin.
"""
from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from .session import Port, Session

_log = logging.getLogger("vernier.horizon_tc_ui")


@dataclass(frozen=True)
class NodeArg:
    """An input or output: `name`, `shape` (a list; "?" if a dimension is dynamic) and `type`, as in
    "tensor(float)"."""
    name: str
    shape: list
    type: str


def _type(p: Port) -> str:
    word = {"float32": "float", "float64": "double"}.get(str(p.dtype), str(p.dtype))
    return f"tensor({word})"


class _Network:
    """A file, opened for the shapes that are fed."""

    def __init__(self, path: str | os.PathLike[str], **options: Any):
        self.path, self.options = os.fspath(path), options
        self.session = Session(self.path, **options)
        self.by_shapes: dict[tuple, Session] = {}
        self.free: set[tuple[int, int]] = set()

    def for_shapes(self, feed: Mapping[str, np.ndarray]) -> Session:
        if not self.free:
            return self.session
        shapes = {p.name: self._shape(i, p, feed) for i, p in enumerate(self.session.inputs)}
        key = tuple(shapes.values())
        if key not in self.by_shapes:
            self.by_shapes[key] = Session(self.path, **{**self.options, "shapes": shapes})
        return self.by_shapes[key]

    def _shape(self, i: int, p: Port, feed: Mapping[str, np.ndarray]) -> tuple[int, ...]:
        got = np.shape(feed.get(p.name, ()))
        free = [len(got) == len(p.shape) and (i, k) in self.free for k in range(len(p.shape))]
        return tuple(got[k] if free[k] else d for k, d in enumerate(p.shape))

    def run(self, names: Iterable[str] | None, feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        session = self.for_shapes(feed)
        wanted = list(session.output_names if names is None else names)
        ports = {p.name: p for p in session.outputs}
        inputs = {p.name: p for p in session.inputs}
        given = {k: _tensor(inputs.get(k), v) for k, v in feed.items()}
        return [ports[n].real(a) for n, a in zip(wanted, session.run(wanted, given))]


def _tensor(p: Port | None, array: Any) -> Any:
    """Bytes in the tensor's own shape are its numbers, not the device's pixels."""
    a = np.asarray(array)
    own = p is not None and p.type != "featuremap" and a.shape == p.shape
    return a.astype(np.int16) if own and a.dtype == np.uint8 else a


class HBSession:
    """The network without any handling of inputs: minus 128 and types are the caller's; images and feature
    maps may be mixed."""

    def __init__(self, network: _Network):
        self._network = network

    def run(self, output_names: Iterable[str] | None, input_feed: Mapping[str, Any],
            run_options: Any = None) -> list[np.ndarray]:
        """Run once on the network's own tensors ("pixel - 128" of image inputs). Returns arrays in the order
        of `output_names`; None: all."""
        return self._network.run(output_names, input_feed)

    def get_inputs(self) -> list[NodeArg]:
        """The inputs."""
        shapes = [list(p.shape) for p in self._network.session.inputs]
        for i, k in self._network.free:
            shapes[i][k] = "?"
        return [NodeArg(p.name, s, _type(p)) for p, s in zip(self._network.session.inputs, shapes)]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs; quantized outputs as real numbers."""
        return [NodeArg(p.name, list(p.shape), "tensor(float)" if p.scale else _type(p))
                for p in self._network.session.outputs]


class HB_ONNXRuntime:
    """A network, run as the vendor's class of this name does.

    Args:
        model_file: path of an ONNX file of any stage, or of a .bin.
        options: those of vernier.Session: threads, pipeline, ...
    """

    def __init__(self, model_file: str | os.PathLike[str], **options: Any):
        self._network = _Network(model_file, **options)
        self._providers = ["CPUExecutionProvider"]
        self.hb_session = HBSession(self._network)

    def get_inputs(self) -> list[NodeArg]:
        """The inputs, each with `.name` and `.shape`."""
        return self.hb_session.get_inputs()

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, each with `.name` and `.shape`."""
        return self.hb_session.get_outputs()

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return list(self._network.session.input_names)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        return list(self._network.session.output_names)

    @property
    def input_shapes(self) -> list[list]:
        """Shapes of the inputs."""
        return [i.shape for i in self.get_inputs()]

    @property
    def layout(self) -> list[str]:
        """"NCHW" or "NHWC" of each input; for feature maps derived from their sizes."""
        return [p.layout or ("NHWC" if len(p.shape) == 4 and p.shape[3] in (1, 3) and p.shape[1] not in (1, 3)
                             else "NCHW") for p in self._network.session.inputs]

    def get_hw(self) -> tuple[int, int]:
        """Height and width of the first input."""
        shape = self._network.session.inputs[0].shape
        return (shape[1], shape[2]) if self.layout[0] == "NHWC" else (shape[-2], shape[-1])

    def set_dim_param(self, input_idx: int, dim_idx: int, dim_param: str = "?") -> None:
        """Make a dimension dynamic: runs take it from the fed arrays. The shapes of a .bin are fixed."""
        inputs = self._network.session.inputs
        if self._network.session.kind == "bin":
            raise ValueError(f"{self._network.path}: the shapes of a .bin are fixed")
        if not (0 <= input_idx < len(inputs) and 0 <= dim_idx < len(inputs[input_idx].shape)):
            raise IndexError(f"input {input_idx}, dimension {dim_idx}: the inputs have {self.input_shapes}")
        self._network.free.add((input_idx, dim_idx))

    def set_providers(self, providers: Sequence[str]) -> None:
        """Recorded, without effect: networks run on the CPU."""
        self._providers = list(providers)

    def get_provider(self) -> list[str]:
        """The providers of set_providers."""
        return list(self._providers)

    def run(self, output_names: Iterable[str] | None, input_feed: Mapping[str, Any],
            input_offset: int = 128) -> list[np.ndarray]:
        """Run on images.

        Args:
            output_names: outputs in their order; None: all.
            input_feed: uint8 images in the shape of the input, in the intermediate colours (yuv444 for nv12);
                `input_offset` is subtracted. Arrays of other types are taken as they are: feature maps, and
                pixels from which the offset has been subtracted.
            input_offset: 128, or 0 for a network without preprocessing node.

        Returns:
            Arrays, float32 where outputs are real numbers.
        """
        feed = {k: self._shifted(k, v, input_offset) for k, v in input_feed.items()}
        return self._network.run(output_names, feed)

    def _shifted(self, name: str, array: Any, offset: int) -> np.ndarray:
        a = np.asarray(array)
        if a.dtype != np.uint8:
            return a
        _log.info("input[%s] model input type is int8, input data type is uint8, will be convert.", name)
        return a.astype(np.int16) - np.int16(offset)

    def run_feature(self, output_names: Iterable[str] | None, input_feed: Mapping[str, Any],
                    input_offset: int = 0) -> list[np.ndarray]:
        """Run on feature maps: float32 arrays in the shape of the input, from which `input_offset` is
        subtracted. Otherwise as run()."""
        def moved(x: Any) -> np.ndarray:
            a = np.asarray(x)
            return a.astype(np.float32) - np.float32(input_offset) if input_offset else a
        return self._network.run(output_names, {k: moved(v) for k, v in input_feed.items()})


class HBRuntime:
    """A network by its path, whatever its kind: `run` takes the network's own tensors, and of image inputs
    also the device's pixels as uint8."""

    def __init__(self, model_path: str | os.PathLike[str], **options: Any):
        self._network = _Network(model_path, **options)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return list(self._network.session.input_names)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        return list(self._network.session.output_names)

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the inputs."""
        return [p.shape for p in self._network.session.inputs]

    def run(self, output_names: Iterable[str] | None, input_feed: Mapping[str, Any]) -> list[np.ndarray]:
        """Run once. Returns arrays in the order of `output_names`; None: all."""
        return self._network.run(output_names, input_feed)
