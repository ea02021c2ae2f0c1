"""Vernier: from float networks to verified int8 and int16 programs.

    import vernier
    with vernier.Session("net.bin") as net:
        print(net.inputs, net.run(None, {"images": pixels}))

`vernier.trace` records preprocessing programs and needs NumPy only.
"""
from __future__ import annotations

import importlib
from typing import Any

_WHERE = {"Error": "errors", "Session": "session", "Port": "session",
          "load_custom_ops": "session", "pack_names": "session",
          **{name: "jobs" for name in ("convert", "check", "verify", "compare", "evaluate", "align", "prep",
                                      "tune", "Alignment", "Checked", "Comparison", "Conversion",
                                      "Evaluation", "Prepared", "Tuning", "Verification")}}
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    """Names are loaded when they are used: vernier.trace works without the library."""
    if name not in _WHERE:
        raise AttributeError(f"module 'vernier' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
