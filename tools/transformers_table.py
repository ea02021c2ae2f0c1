#!/usr/bin/env python3
"""What the types of a transformer's nodes gain: the table of docs/transformers.md.

    transformers_table.py [--model NAME]... [--json FILE] [--write]

SegFormer-B0 and SVTR (ppocr_v4_rec), each as bench/networks.py prepares it, are converted with each of
RECIPES from 16 samples. SQNR and equal decisions are those of the .bin against the float network on HELD
other samples. --json keeps rows, so that networks can be measured one at a time; --write puts the table into
the page. Requires the shared models and images (VERNIER_SHARED).
"""
import argparse
import inspect
import json
import shutil
import sys
from pathlib import Path

import numpy as np

import subjects

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import cache  # noqa: E402
from networks import HALF, IMAGENET, NETWORKS, featuremaps, images, sm  # noqa: E402

PAGE = ROOT / "docs/transformers.md"
HELD = 12
# unseen samples, axis of decisions
UNSEEN = {"segformer_b0": (images("camvid/val", IMAGENET), 1),
          "ppocr_v4_rec": (images("plates/test", HALF), 2)}
ATTENTION = "set_MatMul_input_int16,set_Softmax_input_int16,set_Softmax_output_int16"
STREAM = "set_Add_input_int16,set_Add_output_int16,set_LayerNormalization_input_int16"
RECIPES = {  # name: calibration keys
    "int8, calibration max": {},
    "int8, calibration default": {"calibration_type": "'default'"},
    "int8, attention in int16": {"optimization": f"'{ATTENTION}'"},
    "int8, residual stream in int16": {"optimization": f"'{STREAM}'"},
    "int8, both in int16": {"optimization": f"'{ATTENTION},{STREAM}'"},
    "int16": {"optimization": "'set_all_nodes_int16'"},
}


def write_held(network, folder):
    """Samples that calibration has not seen."""
    sample, _ = UNSEEN[network.name]
    shapes = [list(x.shape) for x in network.test()]
    folder.mkdir()
    for i, x in enumerate(sample(shapes, HELD)):
        np.save(folder / f"{i:03}.npy", x[0])


def convert(network, keys, folder):
    data = f"'{';'.join(map(str, network.sample_folders()))}'"
    config = sm.write_yaml(folder / "m.yaml", network.float, "x86-64-v4", working_dir=folder / "out",
                           inputs=featuremaps(network.inputs),
                           calibration={"calibration_type": "'max'", "cal_data_dir": data, **keys})
    sm.vernier("convert", "-c", config, "--compare", 1, "--accept-data", "--min-cosine", -1, "--log", "none")
    (folder / "out/m.bin").rename(folder / "m.bin")


def judge(network, program, held):
    """SQNR in dB and equal decisions in % of the worst output on unseen samples."""
    files = network.float, program, "--images", held, "--json"
    axis = UNSEEN[network.name][1]
    like = json.loads(sm.vernier("eval", *files).stdout)["models"][1]["outputs"]
    same = json.loads(sm.vernier("eval", *files, "--metric", "agreement", "--axis", axis).stdout)
    return {"sqnr": min(o["sqnr_db"] for o in like.values()),
            "same": same["models"][1]["scores"]["agreement"]["value"]}


def prepared(network, recipe):
    """The folder of m.bin and judged.json, from the cache of the benchmarks where it is there."""
    keys = RECIPES[recipe]

    def make(folder):
        write_held(network, folder / "held")
        convert(network, keys, folder)
        (folder / "judged.json").write_text(json.dumps(judge(network, folder / "m.bin", folder / "held")))
        shutil.rmtree(folder / "out")
    parts = keys, HELD, network.hashes, cache.file_hash(sm.VERNIER)
    name = f"{network.name}-types{list(RECIPES).index(recipe)}"
    return cache.fill(cache.entry(cache.FOLDER, name, *parts), make)


def measure(name):
    """Rows of the table."""
    network = NETWORKS[name].prepare()
    for recipe in RECIPES:
        judged = json.loads((prepared(network, recipe) / "judged.json").read_text())
        yield {"network": name, "types": recipe, **judged}


HEAD = "| network | types | SQNR, dB | equal decisions |\n|---|---|---|---|"


def line(r):
    return f"| {r['network']} | {r['types']} | {r['sqnr']:.1f} | {r['same']:.1f} % |"


def main():
    parser = argparse.ArgumentParser(description=inspect.getdoc(sys.modules[__name__]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=list(UNSEEN))
    parser.add_argument("--json", type=Path, help="keep rows there; the table is of all of them")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    options = parser.parse_args()
    rows = json.loads(options.json.read_text()) if options.json and options.json.exists() else []
    for name in options.model or UNSEEN:
        rows = [r for r in rows if r["network"] != name] + list(measure(name))
        if options.json:
            options.json.write_text(json.dumps(rows))
    text = "\n".join([HEAD, *map(line, rows)]) + "\n"
    print(text)
    if options.write:
        subjects.replace_between(PAGE, "transformers_table.py", "measured", text)


if __name__ == "__main__":
    main()
