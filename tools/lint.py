#!/usr/bin/env python3
"""Rules that no compiler checks.

    lint.py [--build FOLDER] [--root FOLDER] [RULE...]      all rules, or only those named
    lint.py lines --update                                  lower the numbers of tools/lint_lines.txt

    layers      a folder of src/ includes only what src/layers.txt allows
    calls       its objects use only what these folders define; no permission is without use  (build)
    circles     no files of src/ that need each other, but those that a `circle:` comment names  (build)
    names       a tag, macro, enumerator or external function means one thing in the tree
    dead        every external name of src/ is used in src/ or declared in a public header  (build)
    functions   at most 45 lines, kernels aside; exceptions with their reasons in tools/lint_functions.txt
    operators   outside src/ops nothing asks which operator a node is; at most 5 times, with a reason in
                `operator identity: REASON`
    words       a word of the configuration is compared in src/config only
    runs        vn_model_run is called in src/session and src/runtime only
    symbols     names of the core, exports of the libraries, needs of libvernier-rt  (build)
    sizes       no source file over 900 lines; file names unique within src/
    headers     the public headers compile alone, as C11 and as C++17
    lines       at most 110 columns; files that had longer ones are listed in tools/lint_lines.txt
    format      as .clang-format says
    references  files and folders that comments and documents name exist
    paths       no absolute paths of a machine in tracked files

A rule marked (build) reads the objects of a build: --build, default build.
Exit status: 0 clean, 1 something is wrong, 2 usage.
"""
import pathlib
import sys

from lint import circles, countdown, files, functions, layers, names, operators, references, symbols, words
from lint.tree import Tree

RULES = {
    "layers": layers.check_layers, "calls": layers.check_calls, "circles": circles.check_circles,
    "names": names.check_names, "dead": functions.check_dead, "functions": functions.check_functions,
    "operators": operators.check_operators, "words": words.check_words, "runs": words.check_runs,
    "symbols": symbols.check_symbols, "sizes": files.check_sizes, "headers": files.check_headers,
    "lines": countdown.check_lines, "format": countdown.check_format,
    "references": references.check_references, "paths": references.check_paths,
}


def option(argv, name, default):
    if name not in argv[:-1]:
        return pathlib.Path(default), argv
    at = argv.index(name)
    return pathlib.Path(argv[at + 1]).resolve(), argv[:at] + argv[at + 2:]


def main(argv):
    root, argv = option(argv, "--root", pathlib.Path(__file__).resolve().parent.parent)
    build, argv = option(argv, "--build", root / "build")
    update = "--update" in argv
    chosen = [name for name in argv if name != "--update"]
    if set(chosen) - set(RULES) or update and (not chosen or set(chosen) - {"lines", "format"}):
        print(__doc__, file=sys.stderr)
        return 2
    tree = Tree(root, build)
    tree.update = update
    for name in chosen or RULES:
        before = len(tree.problems)
        RULES[name](tree)
        count = len(tree.problems) - before
        print(f"{name}: {f'{count} problems' if count else 'ok'}", flush=True)
    for line in tree.problems:
        print(line, file=sys.stderr)
    return 1 if tree.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
