"""The accuracy debugger: vernier.debugger."""
from ..debugger import *  # noqa: F401,F403
