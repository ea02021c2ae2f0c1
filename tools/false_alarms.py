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
    --keep DIR         folder of what did not pass; default: deleted, and the command repeats it
    --write            put the table into docs/verify.md

An alarm is a program that `verify` does not pass. Exit status: 0 no alarm, everything converted is
judged, and enough was compared to say so; 1 not.
"""
import argparse
import collections
import json
import pathlib
import shutil
import sys
import tempfile

import subjects

PAGE = subjects.ROOT / "docs/verify.md"
FLOOR = 1000


class Count:
    """One row: sums over programs."""

    def __init__(self):
        self.c = collections.Counter()

    def add(self, said, alarm):
        c = self.c
        c["verified"] += 1
        c["alarms"] += alarm
        for key in ("compared", "floats", "program_tensors", "constants") if said else ():
            c[key] += said[key]
        c["unjudged"] += sum(f["kind"] == "unverified" for f in said["faults"]) if said else 0

    def row(self, name):
        c = self.c
        return f"| {name} | {' | '.join(str(c[key]) for key in COLUMNS)} |"


COLUMNS = ("networks", "converted", "verified", "alarms", "program_tensors", "unjudged", "compared", "floats")
HEAD = ("| networks | tried | converted | verified | alarms | tensors | not judged | integers compared "
        "| floats compared |\n|---|---|---|---|---|---|---|---|---|\n")


class Campaign:
    def __init__(self, options):
        self.options, self.rows, self.all, self.failures = options, collections.defaultdict(Count), Count(), [
                                                                                            ]

    def fail(self, what, folder, command):
        self.failures.append(f"{what}: {command}")
        print(f"{what}\n    {command}", file=sys.stderr, flush=True)
        if self.options.keep:
            shutil.copytree(folder, pathlib.Path(self.options.keep) / folder.name, dirs_exist_ok=True)

    def check(self, group, config, command):
        """Convert and verify one network."""
        for row in self.rows[group], self.all:
            row.c["networks"] += 1
        c = subjects.convert(config)
        if not c.bin.exists():
            return self.fail(f"not converted: {c.reason}", config.parent, command)
        status, said, error = subjects.verify(c.onnx, c.bin, samples=self.options.samples)
        alarm = status != 0 or not said or not said["passed"]
        for row in self.rows[group], self.all:
            row.c["converted"] += 1
            row.add(said, alarm)
        if alarm:
            self.fail(f"ALARM: {first_report(said) if said else error[-300:]}", config.parent, command)


def first_report(said):
    row = said.get("first_wrong")
    return json.dumps(said["faults"][:1] or {k: row[k] for k in (
        "tensor", "role", "node", "opcode", "different", "max_bound")})


def kinds(options):
    """Each march with each type that it has."""
    return [(m, t) for m in options.march for t in subjects.types_of(m, options.types)]


def run_mixed(campaign, folder):
    options = campaign.options
    pairs = kinds(options)
    for k in range(options.networks):
        march, types = pairs[k % len(pairs)]
        where = folder / f"mixed{options.seed + k}"
        config = subjects.mixed.write(where, options.seed + k, march, types)
        command = f"tools/mixed_networks.py {options.seed + k} DIR {march} {types}"
        campaign.check(f"random, {march}, {types}", config, command)
        shutil.rmtree(where)


def run_shared(campaign, folder):
    for march, types in kinds(campaign.options):
        for name in campaign.options.only:
            where = folder / f"{name}-{march}-{types}"
            config = subjects.write_shared(name, where, march, types)
            command = f"tools/false_alarms.py --networks 0 --only {name} --march {march} --types {types}"
            campaign.check(f"shared, {march}, {types}", config, command)
            shutil.rmtree(where)
        print(campaign.all.row(f"{march} {types}"), file=sys.stderr, flush=True)


def summary(campaign):
    lines = [row.row(name) for name, row in campaign.rows.items()] + [campaign.all.row("**all**")]
    failures = "".join(f"- {f}\n" for f in campaign.failures)
    return HEAD + "\n".join(lines) + "\n" + ("\nNot converted, or an alarm:\n\n" + \
                            failures if failures else "")


def passed(campaign):
    c, floor = campaign.all.c, campaign.options.floor
    floor = c["converted"] * FLOOR if floor is None else floor
    if c["compared"] < floor:
        print(f"{c['compared']} integers compared, expected at least {floor}", file=sys.stderr)
    return c["verified"] > 0 and not c["alarms"] and not c["unjudged"] and c["compared"] >= floor


def main(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: [w for w in text.split(",") if w]
    p.add_argument("--only", type=words, default=list(subjects.SHARED))
    p.add_argument("--march", type=words, default=subjects.MARCHES)
    p.add_argument("--types", type=words, default=subjects.TYPES)
    for name, default in ("--networks", 1010), ("--samples", 1), ("--seed", 0), ("--floor", None):
        p.add_argument(name, type=int, default=default)
    p.add_argument("--keep")
    p.add_argument("--write", action="store_true")
    campaign = Campaign(p.parse_args(argv))
    with tempfile.TemporaryDirectory() as folder:
        run_mixed(campaign, pathlib.Path(folder))
        run_shared(campaign, pathlib.Path(folder))
    print(summary(campaign))
    if campaign.options.write:
        subjects.replace_between(PAGE, "false_alarms.py", "alarms", summary(campaign))
    return 0 if passed(campaign) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
