"""Saves the stages of a preprocessing program, for `vernier align`.

    from vernier import trace
    trace.start("trace_a")
    ...
    trace.save("resize", image)

Accepts NumPy and OpenCV arrays, PIL images and torch tensors. With several images, call
trace.picture("path") before each. Requires only NumPy; this file may be copied into another project.
"""
import os
import re
from typing import Any

import numpy as np

_folder = None
_base = None


def start(folder: "str | os.PathLike[str]") -> None:
    """Save to this folder from now on; discards the stages of an earlier run.

    Raises:
        OSError: the folder cannot be made.
    """
    global _folder, _base
    _base = _folder = os.fspath(folder)
    _begin()


def picture(name: "str | os.PathLike[str]") -> None:
    """The stages that follow belong to this image and go to its own folder. Records a path, so that the
    decoder can be compared, too.

    Raises:
        RuntimeError: start() was not called.
    """
    global _folder
    if _base is None:
        raise RuntimeError("trace.start(FOLDER) must be called first")
    _folder = os.path.join(_base, _safe(os.path.splitext(os.path.basename(os.fspath(name)))[0]))
    _begin()
    if os.path.isfile(name):
        with open(os.path.join(_folder, "source.txt"), "w", encoding="utf-8") as f:
            f.write(os.path.abspath(name) + "\n")


def save(stage: str, array: Any) -> Any:
    """Write one stage as NAME.npy and return the array, so that a call can wrap an expression. No effect
    before start().

    Raises:
        OSError: the file cannot be written.
    """
    if _folder is None:
        return array
    stage = _safe(stage)
    np.save(os.path.join(_folder, stage + ".npy"), np.ascontiguousarray(as_numpy(array)))
    with open(os.path.join(_folder, "order.txt"), "a", encoding="utf-8") as f:
        f.write(stage + "\n")
    return array


def as_numpy(array: Any) -> np.ndarray:
    """Moves torch tensors to the CPU; PIL images become H x W (x C).

    Raises:
        ValueError: it is nothing that NumPy can take.
    """
    for step in ("detach", "cpu"):
        if hasattr(array, step):
            array = getattr(array, step)()
    return (
        array.numpy() if hasattr(array, "numpy") and not isinstance(array, np.ndarray) else np.asarray(array)
    )


def _safe(name):
    name = re.sub(r"[^\w.-]", "_", str(name))
    return "_" + name if name.startswith(".") or not name else name


def _begin():
    os.makedirs(_folder, exist_ok=True)
    with open(os.path.join(_folder, "order.txt"), "w", encoding="utf-8"):
        pass
