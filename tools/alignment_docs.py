#!/usr/bin/env python3
"""Write the generated parts of docs/alignment.md: the steps of pipelines, the causes, and what align finds
with the real libraries.

alignment_docs.py [--vernier PROGRAM]            rewrite them (requires the packages of
tests/requirements.txt; a minute) alignment_docs.py --check [--vernier PROGRAM]    exit with 1 if steps or
causes are out of date
"""
import pathlib
import subprocess
import sys
import tempfile

import page_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/alignment.md"
TOOL = "alignment_docs.py"


def output(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout.rstrip()


def steps(program):
    return "```\n" + output(program, "prep", "--steps") + "\n```"


def causes(program):
    lines = [f"| {line} |" for line in output(program, "align", "--causes").splitlines()]
    return "\n".join(["| cause | seen in | setting |", "|---|---|---|", *lines])


def cases(program):
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/oracle")]
    import test_align
    lines = []
    for name in [*test_align.CASES, *test_align.MORE_CASES]:
        with tempfile.TemporaryDirectory() as folder:
            r = test_align.compare(pathlib.Path(folder) / "case", name)[0]
        seconds = sum(s["why"]["seconds"] for s in test_align.stages(r).values())
        lines.append(f"{test_align.row(name, r)} {seconds:.2f} s |")
    with tempfile.TemporaryDirectory() as folder:
        good, _ = test_align.run_pairs(pathlib.Path(folder))
    return "\n".join(
        [
            "| difference between the programs | stage | found | left | search |",
            "|---|---|---|---|---|",
            *lines,
            "",
            f"Of 100 random pairs of causes, {good} leave no difference on images that the search has not seen; the others are reported as unexplained.",
        ]
    )


def main(argv):
    program = argv[argv.index("--vernier") + 1] if "--vernier" in argv[:-1] else ROOT / "build/vernier"
    check = "--check" in argv
    parts = [steps, causes] if check else [steps, causes, cases]
    new = page_parts.replaced(PAGE, TOOL, **{make.__name__: make(program) for make in parts})
    return page_parts.settle(PAGE, new, TOOL, check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
