"""Where the benchmark keeps networks, samples and quantized models, and the keys that tell them apart.

Everything that decides what a file holds is part of its key: hashes of files, versions of tools, settings.
"""
import hashlib
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("VERNIER_BENCH", ROOT / "build-bench"))


def file_hash(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def key(*parts):
    """Twelve characters that stand for the parts: text, numbers, tuples, and dicts in any order."""
    def plain(x):
        if isinstance(x, dict):
            return tuple(sorted((k, plain(v)) for k, v in x.items()))
        return tuple(map(plain, x)) if isinstance(x, (list, tuple)) else x
    return hashlib.sha256(repr(plain(parts)).encode()).hexdigest()[:12]


def entry(folder, name, *parts):
    """The path NAME-KEY in a folder; entries of that name with other keys are removed."""
    path = Path(folder) / f"{name}-{key(*parts)}"
    for old in path.parent.glob(f"{name}-{'?' * 12}"):
        if old != path:
            shutil.rmtree(old)
    return path


def fill(path, make):
    """The folder `path`, made by make(folder) unless it is there; one that failed halfway is not kept."""
    if not path.exists():
        new = path.with_name(path.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        make(new)
        new.rename(path)
    return path
