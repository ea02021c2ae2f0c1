"""The published transformer functions of the vendor's samples, by their names and defaults.

    from vernier.transformer import PadResizeTransformer
    image = PadResizeTransformer(target_size=(640, 640))(image)

Each takes an array (H x W x C or C x H x W as the function expects, float32 or pixels, optionally with a
batch axis of 1) and returns a new one. A list of images gives a list with the first one transformed.
docs/alignment.md describes each function, with the rules of the libraries that it follows; the pipelines of
prep and align have the same functions. Invalid arguments raise `Error`.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from . import _native


class Transformer:
    """A function with its arguments set; call it with an array."""
    name = ""
    parameters: list[tuple[str, str | None, str | None]] = []

    def __init__(self, *args: Any, **named: Any):
        names = [p[0] for p in self.parameters]
        if len(args) > len(names) or set(named) - set(names) or set(named) & set(names[:len(args)]):
            raise TypeError(f"{self.name}: expected arguments ({', '.join(names)}), got {args} and {named}")
        values = {**dict(zip(names, args)), **named}
        self.text = f"{self.name}({', '.join(f'{k}={_word(v)}' for k, v in values.items())})"

    def __call__(self, data: Any) -> Any:
        """The array transformed, or a list with its first image transformed.

        Raises:
            Error: the function cannot take an array of this shape or type.
        """
        if isinstance(data, (list, tuple)):
            return [self(data[0])]
        return _native.transform(self.text, np.ascontiguousarray(data))

    run_transform = __call__

    def __repr__(self) -> str:
        return self.text


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value
    numbers = np.ravel(value).tolist()
    return f"({', '.join(map(repr, numbers))})" if np.ndim(value) else repr(numbers[0])


def _make(name: str, parameters: list) -> type:
    text = ", ".join(n if preset is None else f"{n}={preset}" for n, preset, _ in parameters)
    about = f"{name}({text}): a step of pipelines; docs/alignment.md says what it does."
    return type(name, (Transformer,), {"name": name, "parameters": parameters, "__doc__": about})


__all__ = ["Transformer"]
for _name, _parameters in _native.transformers().items():
    globals()[_name] = _make(_name, _parameters)
    __all__.append(_name)
