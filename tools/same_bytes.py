#!/usr/bin/env python3
"""Run random networks on every CPU level, and in another build: all tensors must have the same bytes.

    same_bytes.py [options]

    --networks N       random mixed networks (tools/mixed_networks.py), default 1000
    --seed N           number of the first one, default 0
    --types NAME,..    int8, int16, mixed (some nodes in float32); default: all, in turns
    --levels NAME,..   masks of CPU features; default 0,avx2,avx512,avx512vnni,all
    --old FILE         also run every program with this build, on all features
    --keep DIR         folder of networks that differ; default: deleted, and the command repeats them

Each network is converted for x86-64-v4. Its program and its optimized float model run once on each level,
with every tensor written. The first level is what the others are compared with. VERNIER chooses the
program. Exit status: 0 all bytes are the same and every network was converted, 1 not.
"""
import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

import subjects

LEVELS = "0,avx2,avx512,avx512vnni,all"
STAGES = "m.bin", "m_optimized_float_model.onnx"


def hashes(program, stage, level, folder):
    """{tensor file: hash} of one run."""
    words = [program, "run", stage, "--output-dir", folder, "--dump-all", "--cpumask", level]
    subprocess.run(list(map(str, words)), check=True, capture_output=True, timeout=600)
    found = {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).digest()
             for f in folder.rglob("*.npy")}
    shutil.rmtree(folder)
    return found


def differences(config, options):
    """(tensors of all stages, what differs) of one network."""
    converted = subjects.convert(config)
    if not converted.bin.exists():
        return 0, [f"not converted: {converted.reason}"]
    runs = [(subjects.sm.VERNIER, level) for level in options.levels]
    runs += [(options.old, "all")] if options.old else []
    count, wrong = 0, []
    for stage in STAGES:
        path = config.parent / "out" / stage
        want, *others = [hashes(*run[:1], path, run[1], config.parent / "run") for run in runs]
        count += len(want)
        for (program, level), got in zip(runs[1:], others):
            bad = sorted(name for name in want.keys() | got.keys() if want.get(name) != got.get(name))
            wrong += [f"{program} on {level}: {stage}: {', '.join(bad[:3])} ({len(bad)} differ)"] * bool(bad)
    return count, wrong


def main(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: text.split(",")
    p.add_argument("--networks", type=int, default=1000)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--types", type=words, default=list(subjects.TYPES))
    p.add_argument("--levels", type=words, default=words(LEVELS))
    p.add_argument("--old")
    p.add_argument("--keep")
    options = p.parse_args(argv)
    tensors = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seed, options.seed + options.networks):
            types = options.types[seed % len(options.types)]
            where = pathlib.Path(folder) / f"mixed{seed}"
            count, wrong = differences(subjects.mixed.write(where, seed, "x86-64-v4", types), options)
            tensors += count
            bad += bool(wrong)
            again = f"tools/same_bytes.py --networks 1 --seed {seed} --types {types}"
            for line in wrong:
                print(f"{line}\n    {again}", flush=True)
            if wrong and options.keep:
                shutil.copytree(where, pathlib.Path(options.keep) / where.name, dirs_exist_ok=True)
            shutil.rmtree(where)
    levels = len(options.levels) + bool(options.old)
    print(f"{options.networks} networks, {tensors} tensors on {levels} levels: {bad} networks differ")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
