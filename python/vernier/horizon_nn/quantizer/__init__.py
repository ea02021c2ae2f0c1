"""The vendor's package of this name: its debugger."""
from . import debugger  # noqa: F401
