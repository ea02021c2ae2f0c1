"""What goes wrong, as one exception."""
from __future__ import annotations


class Error(Exception):
    """A call failed. `str(e)` is one line: file, place, expected, found.

    Attributes:
        status: what kind of failure: "usage" (the call is wrong), "input" (a file or its contents),
            "unsupported",
            "io" (the operating system refused), "memory", "internal" (a mistake in Vernier), "cancelled".
        problem: id of a known problem, the same in every version; None: it is none of them.
        remedy: what to do about it; None: nothing is known.
        problems: every problem that was found, where a whole configuration or model was checked.
    """

    def __init__(self, message: str, status: str = "internal", problem: str | None = None,
                 remedy: str | None = None):
        super().__init__(message)
        self.status, self.problem, self.remedy = status, problem, remedy
        self.problems: list[str] = []

    @property
    def place(self) -> str | None:
        """File, with line and column where known: what is in front of the message's first ": "."""
        head, colon, _ = str(self).partition(": ")
        return head if colon else None
