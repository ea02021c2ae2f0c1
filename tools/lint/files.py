"""sizes: no source file over 900 lines; file names unique. headers: the public ones compile alone."""
import collections
import shutil
import subprocess

from lint.tree import C_SUFFIXES

LONGEST = 900


def check_sizes(tree):
    names = collections.defaultdict(list)
    for path in tree.sources(suffixes=C_SUFFIXES + (".py",)):
        lines = tree.text(path).count("\n")
        if lines > LONGEST:
            tree.problem(path, f"{lines} lines, expected at most {LONGEST}")
    # file = its main noun, unique in the tree: within one folder of src/, and for headers in all of src/
    for path in tree.sources("src"):
        names[path.parts[1] if path.suffix == ".c" else "", path.name].append(str(path))
    for (_, name), files in sorted(names.items()):
        if len(files) > 1:
            tree.problem(files[0], f"the name {name} is taken twice: {' '.join(files)}")


def check_headers(tree):
    for compiler, standard, kind in ("cc", "c11", "c"), ("c++", "c++17", "c++"):
        if not shutil.which(compiler):
            tree.note(f"headers: skipped, no {compiler} to compile them as {standard}")
            continue
        for header in sorted((tree.root / "include/vernier").glob("*.h")):
            flags = [f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
            args = [compiler, *flags, "-I", tree.root / "include", "-x", kind, "-"]
            unit = f"#include <vernier/{header.name}>\nint unit;\n"
            done = subprocess.run(args, capture_output=True, text=True, input=unit)
            if done.returncode:
                where = header.relative_to(tree.root)
                tree.problem(where, f"does not compile alone as {standard}: {done.stderr.splitlines()[0]}")
