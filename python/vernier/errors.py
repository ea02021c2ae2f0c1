"""The exception of all failures."""
from __future__ import annotations


class Error(Exception):
    """A call failed. `str(e)` is one line: file, place, expected, found.

    Attributes:
        status: what kind of failure: "usage" (the call is wrong), "input" (a file or its contents),
            "unsupported", "io" (an operating system call failed), "memory", "internal" (an error in Vernier),
            "cancelled".
        problem: id of a known problem, the same in every version; None: not a known problem.
        remedy: what to do about it; None: unknown.
        problems: every problem found, if a whole configuration or model was checked.
    """

    def __init__(self, message: str, status: str = "internal", problem: str | None = None,
                 remedy: str | None = None):
        super().__init__(message)
        self.status, self.problem, self.remedy = status, problem, remedy
        self.problems: list[str] = []

    @property
    def place(self) -> str | None:
        """File, with line and column if known: the part of the message before its first ": "."""
        head, colon, _ = str(self).partition(": ")
        return head if colon else None
