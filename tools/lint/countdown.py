"""lines: at most 110 columns. format: as .clang-format says.

Long lines in files that are older than the rule are counted in tools/lint_lines.txt. `lint.py lines --update`
lowers these numbers, and never raises one.
"""
import collections
import re
import shutil
import subprocess

from lint.tree import command

COLUMNS = 110
CLANG_FORMAT = 14 # versions format differently; Debian 12 has this one
WIDE_SUFFIXES = (".c", ".h", ".def", ".inc", ".py")


def write(tree, name, counts):
    head = f"# Findings in files older than the rule: `lint.py {name[5:-4]} --update` lowers the numbers.\n"
    lines = "".join(f"{path} {count}\n" for path, count in sorted(counts.items()) if count)
    (tree.root / "tools" / name).write_text(head + lines)


def compare(tree, name, counts, where, what):
    """Counts of now ({path: number}) against the list: a file that is not listed must have none."""
    listed = {words[0]: int(words[1]) for _, words in tree.listed(name)}
    if tree.update:
        first = not (tree.root / "tools" / name).exists()
        listed = dict(counts) if first else {path: min(n, counts.get(path, 0)) for path, n in listed.items()}
        write(tree, name, listed)
    for path, count in sorted(counts.items()):
        if count > listed.get(path, 0):
            known = f", listed {listed[path]}" if path in listed else ""
            tree.problem(where.get(path, path), f"{count} {what}{known}")
    for path, number in sorted(listed.items()):
        if counts.get(path, 0) < number:
            what = f"{path} has {counts.get(path, 0)}, listed {number}: lint.py {name[5:-4]} --update"
            tree.problem(f"tools/{name}", what)


def check_lines(tree):
    counts, where = {}, {}
    for path in tree.sources(suffixes=WIDE_SUFFIXES):
        wide = [i for i, line in enumerate(tree.text(path).split("\n"), 1) if len(line) > COLUMNS]
        if wide:
            counts[str(path)], where[str(path)] = len(wide), f"{path}:{wide[0]}"
    compare(tree, "lint_lines.txt", counts, where, f"lines over {COLUMNS} columns")


def clang_format():
    for name in f"clang-format-{CLANG_FORMAT}", "clang-format":
        if shutil.which(name) and f"version {CLANG_FORMAT}." in command(name, "--version"):
            return name
    return None


def check_format(tree):
    tool = clang_format()
    if not tool:
        tree.note(f"format: skipped, clang-format {CLANG_FORMAT} is not installed")
        return
    files = [str(path) for path in tree.sources()]
    args = [tool, "--style=file", "--dry-run", *files]
    done = subprocess.run(args, capture_output=True, text=True, cwd=tree.root)
    if done.returncode:
        tree.problem(".clang-format", done.stderr.splitlines()[0])
        return
    places = collections.defaultdict(list)
    for path, line in re.findall(r"^(.+?):(\d+):\d+: warning:", done.stderr, flags=re.M):
        places[path].append(line)
    for path, lines in sorted(places.items()):
        tree.problem(f"{path}:{lines[0]}", f"{len(lines)} differences from .clang-format")
