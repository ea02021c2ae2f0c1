#!/usr/bin/env python3
"""Convert correct networks, verify them, and count alarms: there must be none.

    false_alarms.py [options]    random mixed networks, every shared model, on five marches in three types

    --networks N       random mixed networks in all, default 1010
    --only NAME,..     shared models (tools/subjects.py); default: all; '' for none
    --march NAME,..    default: all five
    --types NAME,..    int8, int16, mixed (some nodes in float32); default: all
    --samples N        random samples per network, default 1
    --seed N           first number of the random networks, default 0
    --floor N          least number of integers compared in all, default 1000 per program verified
    --shard I/N        every N-th network, beginning with the I-th (0 to N - 1): the parts of a campaign
    --json FILE        every network, one JSON object a line
    --merge FILE,..    no new networks: the table of these files
    --keep DIR         folder of what did not pass; default: deleted, and the command repeats it
    --write            put the table into docs/verify.md

An alarm is a program that `verify` does not pass. The rest is listed with the reason and the command that
repeats it. Exit status: 0 no alarm, at least 95 % of the networks convert and verify, everything
converted is judged, and enough was compared to say so; 1 not.
"""
import argparse
import collections
import functools
import json
import pathlib
import shutil
import sys
import tempfile

import page_parts
import subjects

PAGE = subjects.ROOT / "docs/verify.md"
FLOOR = 1000
SHARE = 95  # percent of the networks that must convert and verify


class Count:
    """One row: sums over programs."""

    def __init__(self):
        self.c = collections.Counter()

    def row(self, name):
        c = self.c
        return f"| {name} | {' | '.join(str(c[key]) for key in COLUMNS)} |"


COLUMNS = ("networks", "converted", "verified", "alarms", "program_tensors", "unjudged", "compared", "floats")
HEAD = ("| networks | tried | converted | verified | alarms | tensors | not judged | integers compared "
        "| floats compared |\n|---|---|---|---|---|---|---|---|---|\n")


class Campaign:
    def __init__(self, options):
        self.options, self.rows, self.all = options, collections.defaultdict(Count), Count()
        self.failures = []
        self.journal = open(options.json, "w") if options.json else None

    def count(self, record):
        for row in self.rows[record["group"]], self.all:
            row.c.update(record["counts"])
        if record["failure"]:
            self.failures.append(f"{record['failure']}: {record['command']}")

    def note(self, record, folder):
        if self.journal:
            print(json.dumps(record), file=self.journal, flush=True)
        self.count(record)
        if record["failure"]:
            print(f"{record['failure']}\n    {record['command']}", file=sys.stderr, flush=True)
            if self.options.keep:
                shutil.copytree(folder, pathlib.Path(self.options.keep) / folder.name, dirs_exist_ok=True)

    def check(self, group, config, command):
        """Convert and verify one network."""
        counts, failure = convert_and_verify(config, self.options.samples)
        record = {"group": group, "command": command, "counts": counts, "failure": failure}
        self.note(record, config.parent)


def convert_and_verify(config, samples):
    """(counts, what is wrong or None) of one network."""
    c = subjects.convert(config)
    if not c.bin.exists():
        return {"networks": 1}, f"not converted: {c.reason}"
    status, said, error = subjects.verify(c.onnx, c.bin, samples=samples)
    alarm = status != 0 or not said or not said["passed"]
    counts = {"networks": 1, "converted": 1, "verified": 1, "alarms": int(alarm)}
    if said:
        counts |= {key: said[key] for key in ("compared", "floats", "program_tensors", "constants")}
        counts["unjudged"] = sum(f["kind"] == "unverified" for f in said["faults"])
    if not alarm:
        return counts, None
    return counts, f"ALARM: {first_report(said) if said else error[-300:]}"


def first_report(said):
    row = said.get("first_wrong")
    return json.dumps(said["faults"][:1] or {k: row[k] for k in (
        "tensor", "role", "node", "opcode", "different", "max_bound")})


def kinds(options):
    """Each march with each type that it has."""
    return [(m, t) for m in options.march for t in subjects.types_of(m, options.types)]


def mixed(options):
    """(group, folder, how to write a configuration there, command that repeats it) of each random network."""
    pairs = kinds(options)
    for k in range(options.networks):
        (march, types), seed = pairs[k % len(pairs)], options.seed + k
        write = functools.partial(subjects.mixed.write, seed=seed, march=march, types=types)
        yield (f"random, {march}, {types}", f"mixed{seed}", write,
               f"tools/mixed_networks.py {seed} DIR {march} {types}")


def shared(options):
    """The same of each shared model."""
    for march, types in kinds(options):
        for name in options.only:
            write = functools.partial(subjects.write_shared, name, march=march, types=types)
            yield (f"shared, {march}, {types}", f"{name}-{march}-{types}", write,
                   f"tools/false_alarms.py --networks 0 --only {name} --march {march} --types {types}")


def run(options):
    campaign = Campaign(options)
    if options.merge:
        for record in subjects.journals(options.merge):
            campaign.count(record)
        return campaign
    with tempfile.TemporaryDirectory() as folder:
        for group, name, write, command in subjects.shard([*mixed(options), *shared(options)], options.shard):
            where = pathlib.Path(folder) / name
            campaign.check(group, write(where), command)
            shutil.rmtree(where)
    return campaign


def in_order(rows):
    """Random networks first, then by march and type, in whatever order they ran."""
    groups = [f"{what}, {m}, {t}" for what in ("random", "shared") for m in subjects.MARCHES
              for t in subjects.TYPES]
    return [(g, rows[g]) for g in groups if g in rows]


def summary(campaign):
    lines = [row.row(name) for name, row in in_order(campaign.rows)] + [campaign.all.row("**all**")]
    failures = "".join(f"- {f}\n" for f in campaign.failures)
    failures = " The rest:\n\n" + failures if failures else "\n"
    c = campaign.all.c
    verdict = f"`convert` and `verify` end with 0 for {right(c)} of {c['networks']} networks"
    return HEAD + "\n".join(lines) + f"\n\n{verdict} ({share(c):.1f} %)." + failures


def right(c):
    return c["verified"] - c["alarms"]


def share(c):
    return 100 * right(c) / max(c["networks"], 1)


def passed(campaign):
    c, floor = campaign.all.c, campaign.options.floor
    if share(c) < SHARE:
        print(f"{share(c):.1f} % convert and verify, expected at least {SHARE} %", file=sys.stderr)
    floor = c["converted"] * FLOOR if floor is None else floor
    if c["compared"] < floor:
        print(f"{c['compared']} integers compared, expected at least {floor}", file=sys.stderr)
    return share(c) >= SHARE and not c["alarms"] and not c["unjudged"] and c["compared"] >= floor


def main(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: [w for w in text.split(",") if w]
    p.add_argument("--only", type=words, default=list(subjects.SHARED))
    p.add_argument("--march", type=words, default=subjects.MARCHES)
    p.add_argument("--types", type=words, default=subjects.TYPES)
    for name, default in ("--networks", 1010), ("--samples", 1), ("--seed", 0), ("--floor", None):
        p.add_argument(name, type=int, default=default)
    p.add_argument("--shard", type=subjects.shard_numbers, default=(0, 1))
    p.add_argument("--merge", type=words, default=[])
    p.add_argument("--json")
    p.add_argument("--keep")
    p.add_argument("--write", action="store_true")
    campaign = run(p.parse_args(argv))
    print(summary(campaign))
    if campaign.options.write:
        text = page_parts.replaced(PAGE, "false_alarms.py", alarms=summary(campaign))
        page_parts.settle(PAGE, text, "false_alarms.py")
    return 0 if passed(campaign) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
