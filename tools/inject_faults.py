#!/usr/bin/env python3
"""Inject faults into converted programs and count how many `vernier verify` finds, and where.

    inject_faults.py [options]                    shared models and random mixed networks, on every march
    inject_faults.py QUANTIZED.onnx FILE.bin      this program only

    --only NAME,..     shared models (tools/subjects.py); default: eight; '' for none. Each march has another
                       type of a model, the larger ones are on two marches
    --all              every model on every march in every type (hours)
    --march NAME,..    default: all five
    --types NAME,..    int8, int16, mixed (some nodes in float32); default: all
    --networks N       random mixed networks per march and types, default 8
    --each N           effective faults of each kind per program, default 1
    --seed N           default 1
    --shard I/N        every N-th program, beginning with the I-th (0 to N - 1): the parts of a campaign
    --json FILE        every fault, one JSON object a line
    --merge FILE,..    no new faults: the table of these files
    --wrong-kernels P  P is build/tests/wrongkernel: also run each program with wrong kernels
    --write            put the table into docs/verify.md

A fault is effective if `vernier run --dump-all` of the changed program writes other bytes than that of
the right one, for the same input; `verify` has no part in that. A fault that the loader refuses does not
count, and one that leaves only differences of rounding errors in float32 tensors has a row of its own.
Found: `verify` exits with 1 and says so. At the right group: everything that it reports (differences,
stale buffers, constants, parameters) is of the node that was changed. Exit status: 0 all effective faults
are found at the right group, 1 not.
"""
import argparse
import collections
import functools
import io
import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np

import binedit
import faults
import page_parts
import subjects
from subjects import vernier

PAGE = subjects.ROOT / "docs/verify.md"
SMALL = ["resnet20", "lprnet", "mobilenet", "dtln", "yunet"]
LARGE = ["magika", "rfb320_with_boxes", "ppocr"]
# instructions that the kernels of tests/inject/wrong_kernel.c compute
WRONG_KERNELS = {name: name.upper() for name in (
    "conv_s8", "dwconv_s8", "conv_s16", "dwconv_s16", "conv_f32", "dwconv_f32", "matmul_s8", "matmul_s16",
    "matmul_f32", "binary_s8", "binary_s16", "binary_f32", "clamp_f32", "table_s8", "unary_f32")}
WRONG_KERNELS |= {f"{name}_{kind}": name.upper() for name in ("quantize", "dequantize", "maxpool", "avgpool")
                  for kind in ("s8", "s16")}
WRONG_KERNELS |= {"maxpool_f32": "MAXPOOL", "avgpool_f32": "AVGPOOL"}
TRIES = 4  # injections for one effective fault, before the kind is given up for this program
SMALL_FAULT = 2.0 ** -16  # of a float32 tensor's largest magnitude: rounding errors of a few hundred terms


def dump(program, folder, wrong=None):
    """{file: bytes} of outputs and all tensors for the first random sample; None if it does not run."""
    run = vernier("run", program, "--dump-all", "-o", folder, wrong_kernel=wrong)
    if run.returncode:
        return None
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(pathlib.Path(folder).rglob("*.npy"))}


def numbers(npy):
    return np.load(io.BytesIO(npy)).astype(np.float64).ravel()


def is_small(good, got):
    """Do only rounding errors of float32 tensors tell the dumps apart?"""
    if good.keys() != got.keys():
        return False
    for a, b in ((good[f], got[f]) for f in good if good[f] != got[f]):
        if b"'<f4'" not in a[:128] or a[:128] != b[:128]:
            return False
        x, y = numbers(a), numbers(b)
        if not np.abs(x - y).max() <= SMALL_FAULT * np.abs(x).max():
            return False
    return True


def reports(said):
    """(tensor, instruction, node, kind, writer) of everything that a verification found."""
    for r in said["tensors"]:
        if r["different"] and not r["fused"]:
            finite = None not in (r["first"]["got"], r["first"]["expected"])
            yield r["number"], r["instruction"], r["node"], "different" if finite else "not finite", -1
    for f in said["faults"]:
        yield f["number"], f["instruction"], f["node"], f["kind"], f.get("writer", -1)


def misplaced(hit, found):
    """Reports that name neither what was changed nor who read what it overwrote. Where a fault makes numbers
    infinite or not a number, nothing is specified behind it."""
    stale = {r[1] for r in found if r[3] == "stale" and hit.stale is not None and r[4] in hit.stale}
    return [r for r in found if not hit.has(*r[:3]) and r[1] not in stale and r[3] != "not finite"]


def judge(onnx, program, hit, wrong=None):
    """(outcome, details): right, elsewhere or missed."""
    status, said, error = subjects.verify(onnx, program, wrong_kernel=wrong)
    if said is None or status not in (0, 1):
        return "missed", [f"exit status {status}: {error[-200:]}"]
    if status == 0 or said["passed"]:
        return "missed", []
    found = list(reports(said))
    wrong_place = misplaced(hit, found)
    return ("right", []) if found and not wrong_place else ("elsewhere", wrong_place[:4])


class Campaign:
    def __init__(self, options):
        self.options, self.counts, self.misses = options, collections.defaultdict(collections.Counter), []
        self.journal = open(options.json, "w") if options.json else None
        self.programs = set()

    def note(self, kind, name, outcome, what, details):
        record = {"kind": kind, "program": name, "outcome": outcome, "what": what, "details": details}
        if self.journal:
            print(json.dumps(record), file=self.journal, flush=True)
        self.count(record)

    def count(self, record):
        c = self.counts[record["kind"]]
        c["injected"] += 1
        c[record["outcome"]] += 1
        self.programs.add(record["program"])
        if record["outcome"] in ("missed", "elsewhere"):
            self.misses.append(record)
            print(json.dumps(record), file=sys.stderr, flush=True)

    def inject(self, kind, name, c, good, place, rng, work):
        """One fault; returns whether it was effective."""
        change, hit = place
        e = binedit.Edit(c.bin.read_bytes())
        change(e, rng)
        what = changes(e)
        bad = work / "bad.bin"
        bad.write_bytes(e.sealed())
        got = dump(bad, work / "bad") if what else good
        if got is None or got == good:
            self.note(kind, name, "refused" if got is None else "no effect", what, [])
            return False
        outcome, details = judge(c.onnx, bad, hit)
        if outcome == "missed" and not details and is_small(good, got):
            outcome = "below the bound"
        self.note(kind, name, outcome, what, details)
        return True

    def kind_of_program(self, kind, name, c, good, places, rng):
        """Inject until `each` faults were effective."""
        effective, tries = 0, self.options.each * TRIES
        order = rng.permutation(len(places))[:tries]
        for i in order:
            with tempfile.TemporaryDirectory() as work:
                effective += self.inject(kind, name, c, good, places[i], rng, pathlib.Path(work))
            if effective == self.options.each:
                return

    def program(self, name, c):
        program = faults.Program(binedit.Edit(c.bin.read_bytes()))
        status, said, _ = subjects.verify(c.onnx, c.bin)
        if status:
            self.note("(no fault)", name, "elsewhere", "alarm", list(reports(said))[:4] if said else [status])
            return
        with tempfile.TemporaryDirectory() as work:
            good = dump(c.bin, pathlib.Path(work) / "good")
        for k, (kind, places) in enumerate([*faults.KINDS.items(), *faults.LOW_BITS.items()]):
            rng = np.random.default_rng([self.options.seed, k, *name.encode()])
            self.kind_of_program(kind, name, c, good, list(places(program)), rng)
        if self.options.wrong_kernels:
            self.wrong_kernels(name, c, good, program)

    def wrong_kernels(self, name, c, good, program):
        """The right program on kernels that are wrong."""
        present = {s["opcode"] for s in program.b.instructions}
        for kernel, opcode in WRONG_KERNELS.items():
            if opcode not in present:
                continue
            wrong = (self.options.wrong_kernels, kernel)
            with tempfile.TemporaryDirectory() as work:
                got = dump(c.bin, pathlib.Path(work), wrong)
            if got is None or got == good:
                self.note("wrong kernel", name, "refused" if got is None else "no effect", kernel, [])
                continue
            hit = faults.Hit(program, [i for i, _ in program.of(opcode)])
            outcome, details = judge(c.onnx, c.bin, hit, wrong)
            self.note("wrong kernel", name, outcome, kernel, details)


def changes(e):
    """The bytes that differ from the file, by section."""
    out = []
    for name, (offset, size) in e.sections.items():
        a, b = e.data[offset:offset + size], bytes(e.raw[offset:offset + size])
        if a == b:
            continue
        record = binedit.bindump.RECORD[name]
        differ = np.flatnonzero(np.frombuffer(a, np.uint8) != np.frombuffer(b, np.uint8))
        at = sorted({int(k) // record for k in differ})
        out.append(f"{name} {','.join(map(str, at[:4]))}")
    return "; ".join(out)


# ---- table ----

def effective(c):
    return c["right"] + c["elsewhere"] + c["missed"]


def row(name, c):
    found = c["right"] + c["elsewhere"]
    return f"| {name} | {c['injected']} | {c['refused']} | {effective(c)} | {found} | {c['right']} |"


def table(campaign):
    kinds = [*faults.KINDS, *faults.LOW_BITS, "wrong kernel", "(no fault)"]
    lines = [
    "| fault | injected | refused by the loader | effective | found | at the right group |",
     "|---|---|---|---|---|---|"]
    total = collections.Counter()
    for kind in kinds:
        c = campaign.counts.get(kind)
        if c:
            lines.append(row(kind, c))
            total.update(c)
    small = total["below the bound"]
    lines += [row("**all**", total), f"| float faults below the bound | {small} | 0 | {small} | 0 | 0 |"]
    return "\n".join(lines) + "\n"


def summary(campaign):
    misses = "".join(f"- {m['outcome']}: {m['kind']}, {m['program']}, {m['what']}\n" for m in campaign.misses)
    return f"{len(campaign.programs)} programs.\n\n" + table(campaign) + ("\n" + misses if misses else "")


# ---- what is run ----

def programs(options):
    """(name, how to write its configuration into a folder) of everything that the options choose."""
    for m, march in enumerate(options.march):
        kinds = subjects.types_of(march, options.types)
        for t, types in enumerate(kinds):
            for k, name in enumerate(options.only):
                if options.all or (t == (k + m) % len(kinds) and (name not in LARGE or (k + m) % 5 < 2)):
                    yield (f"{name}-{march}-{types}",
                           functools.partial(subjects.write_shared, name, march=march, types=types))
            for k in range(options.networks):
                seed = k + 1000 * options.seed + 100 * subjects.MARCHES.index(march)
                yield (f"mixed{seed}-{march}-{types}",
                       functools.partial(subjects.mixed.write, seed=seed, march=march, types=types))


def run(options):
    campaign = Campaign(options)
    if options.merge:
        for record in subjects.journals(options.merge):
            campaign.count(record)
        return campaign
    if options.files:
        files = argparse.Namespace(onnx=pathlib.Path(options.files[0]), bin=pathlib.Path(options.files[1]))
        campaign.program(files.bin.stem, files)
        return campaign
    with tempfile.TemporaryDirectory() as folder:
        for name, write in subjects.shard(programs(options), options.shard):
            c = subjects.convert(write(pathlib.Path(folder) / name))
            if not c.bin.exists():
                print(f"{name}: not converted: {c.reason}", file=sys.stderr)
                continue
            campaign.program(name, c)
            shutil.rmtree(c.folder)
            print(name, sum(effective(x) for x in campaign.counts.values()),
                  "effective", file=sys.stderr, flush=True)
    return campaign


def words(text):
    return [w for w in text.split(",") if w]


def main(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("files", nargs="*")
    p.add_argument("--only", type=words, default=SMALL + LARGE)
    p.add_argument("--march", type=words, default=subjects.MARCHES)
    p.add_argument("--types", type=words, default=subjects.TYPES)
    for name, default in ("--networks", 8), ("--each", 1), ("--seed", 1):
        p.add_argument(name, type=int, default=default)
    p.add_argument("--shard", type=subjects.shard_numbers, default=(0, 1))
    p.add_argument("--json")
    p.add_argument("--merge", type=words, default=[])
    p.add_argument("--all", action="store_true")
    p.add_argument("--wrong-kernels", type=pathlib.Path)
    p.add_argument("--write", action="store_true")
    options = p.parse_args(argv)
    if len(options.files) not in (0, 2):
        p.error("expected QUANTIZED.onnx and FILE.bin, or neither")
    campaign = run(options)
    print(summary(campaign))
    if options.write:
        text = page_parts.replaced(PAGE, "inject_faults.py", faults=summary(campaign))
        page_parts.settle(PAGE, text, "inject_faults.py")
    return 1 if campaign.misses else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
