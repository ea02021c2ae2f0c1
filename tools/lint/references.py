"""references: files and folders that comments and documents name exist. paths: no folders of one machine.

CHANGELOG.md speaks of the past. A name with a word in capitals (ops/NAME.c) stands for many, as with `*`.
"""
import io
import re
import tokenize

from lint.tree import C_SUFFIXES, comments

PATH = re.compile(r"(?<![\w./~$<\\*{-])(?:[\w.-]+/)+(?:[\w*.-]+\b/?|\*)?")
BARE = re.compile(r"(?<![\w./<*\"'-])\w+\.(?:c|h|def)\b(?!\()")
ROOT_FOLDERS = ("bench", "docs", "examples", "fuzz", "include", "python", "src", "targets", "tests", "tools")
STANDS_FOR_MANY = re.compile(r"(?:^|[/_])[A-Z]{2,}(?=[_./]|$)|(?:^|/)[xX](?=\.\w+$)")
CODE_SUFFIXES = (".c", ".h", ".def", ".py", ".inc", ".md", ".txt", ".yaml", ".csv", ".sh", ".build")

# folders that exist on one machine only; written in two halves, so that this file is clean
FOLDERS = ["/wo" + "rk/", "/ho" + r"me/\w+/", "/ro" + r"ot/\w", "/Us" + r"ers/\w+/", "/tm" + r"p/\w+/\w"]
MACHINE = re.compile("|".join(FOLDERS))


def prose(tree):
    """(file, line number, text) of what is written for people."""
    for path in tree.files():
        if path.suffix == ".md" and path.name != "CHANGELOG.md":
            yield from ((path, i, line) for i, line in enumerate(tree.text(path).splitlines(), 1))
        elif path.suffix in C_SUFFIXES + (".def", ".inc"):
            for first, text in comments(tree.text(path)):
                yield from ((path, first + i, line) for i, line in enumerate(text.splitlines()))
        elif path.suffix == ".py":
            tokens = tokenize.generate_tokens(io.StringIO(tree.text(path)).readline)
            yield from ((path, t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT)
        elif path.name in ("layers.txt", "meson.build"):
            for i, line in enumerate(tree.text(path).splitlines(), 1):
                yield path, i, line.partition("#")[2]


def folders(tree):
    """Folders below src/ and in them: their names make the path of a source file one of ours."""
    return {name for path in tree.sources("src") for name in path.parts[1:-1]}


def exists(tree, name, path):
    name = re.sub(r"\{[^}]*\}", "*", name.rstrip("/."))
    places = [tree.root, tree.root / "src", tree.root / "include", *[tree.root / p for p in path.parents]]
    return any(next(iter(place.glob(name)), None) is not None for place in places)


def check_references(tree):
    inner = folders(tree)
    names = {path.name for path in tree.files()}
    for path, number, line in prose(tree):
        found = set()
        for m in PATH.finditer(line):
            name = re.sub(r"^(?:\.\./)+", "", m[0])
            first = name.split("/")[0]
            looks_like_ours = first in ROOT_FOLDERS or first in inner and name.endswith(CODE_SUFFIXES)
            if looks_like_ours and not STANDS_FOR_MANY.search(name) and not exists(tree, name, path):
                found.add(name)
        for name in BARE.findall(line):
            if name not in names and not STANDS_FOR_MANY.search(name):
                found.add(name)
        for name in sorted(found):
            tree.problem(f"{path}:{number}", f"names {name}, which does not exist")


def check_paths(tree):
    for path in tree.files():
        try:
            text = (tree.root / path).read_text()
        except (UnicodeDecodeError, OSError):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE.search(line):
                tree.problem(f"{path}:{number}", f"a path of one machine: {line.strip()[:80]}")
