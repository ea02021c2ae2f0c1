#!/usr/bin/env python3
"""Write the generated part of docs/caffe.md: the table of layers.

    caffe_docs.py [--program PROGRAM]            rewrite docs/caffe.md
    caffe_docs.py --check [--program PROGRAM]    exit with 1 if it is out of date

PROGRAM prints the layers (default: build/tests/caffetool, from src/front/caffe/layers.def).
"""
import pathlib
import subprocess
import sys

import page_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/caffe.md"
TOOL = "caffe_docs.py"


def code(words):
    return ", ".join(f"`{w}`" for w in words.split(",") if w)


def row(line):
    name, also, becomes, params = line.split("\t")
    message, _, fields = params.partition(":")
    return f"| {name} | {code(also)} | {becomes} | {f'`{message}`: ' + code(fields) if fields else ''} |"


def page(program):
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    table = [
        f"{len(lines)} types of layers.",
        "",
        "| layer | other names | becomes | parameters |",
        "|---|---|---|---|",
    ] + [row(line) for line in lines]
    return page_parts.replaced(PAGE, TOOL, layers="\n".join(table))


def main(argv):
    program = (
        argv[argv.index("--program") + 1] if "--program" in argv[:-1] else ROOT / "build/tests/caffetool"
    )
    return page_parts.settle(PAGE, page(program), TOOL, "--check" in argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
