#!/usr/bin/env python3
"""Hash what a conversion computes, without what it says about itself.

    artefact_hashes.py [--only NAME,...]    convert every shared model in int8 and int16; one line for each
    artefact artefact_hashes.py FILE...              hash these .onnx and .bin files

A hash covers graphs, weights and instructions: an ONNX file without its metadata texts, a .bin without
checksum, names and metadata. Two builds that print the same table make the same programs:

    tools/artefact_hashes.py >before; (another build); tools/artefact_hashes.py >after; diff before after

VERNIER and VERNIER_SHARED choose the program and the folder of models (tests/shared_models.py). Run it with
.venv/bin/python.
"""
import hashlib
import json
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests")]
import bindump  # noqa: E402
import shared_models as sm  # noqa: E402

TYPES = {"int8": None, "int16": "set_all_nodes_int16"}


def plain(name, file, names=None, shape=None, prototxt=None, march="x86-64-v4"):
    """A network fed with random features: for models without pictures of their own."""
    return {"name": name, "file": file, "shape": shape, "prototxt": prototxt, "march": march,
            "names": names}


RANDOM = [
    plain("rfb320_caffe", "rfb320.caffemodel", prototxt="rfb320.prototxt"),
    plain("retinaface", "retinaface.caffemodel", prototxt="retinaface.prototxt"),
    plain("lprnet", "lprnet.onnx"),
    plain("yolox_nano", "yolox_nano.onnx"),
    plain("yunet", "yunet_n_dynamic.onnx", "input", "1x3x320x320"),
    plain("ppocr", "ppocr_v4_rec.onnx", "x", "1x3x48x160"),
    plain("basic_pitch", "basic_pitch.onnx"),
    plain("magika", "magika_v3.onnx"),
    plain("dtln", "dtln_1.onnx", "input_2;input_3"),
    plain("rfb320_bayes", "rfb320.onnx", march="bayes"),
    plain("fastestdet_bernoulli2", "fastestdet.onnx", march="bernoulli2"),
]


def onnx_hash(path):
    import onnx
    model = onnx.load(path)
    model.ClearField("metadata_props")
    for graph in [model.graph, *model.functions]:
        for part in [*graph.node, *getattr(graph, "initializer", []), *graph.value_info]:
            part.ClearField("metadata_props")
        graph.ClearField("metadata_props")
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


def bin_hash(path):
    b = bindump.Bin(pathlib.Path(path).read_bytes())
    layout = ["dtype", "place", "shape", "channels_last", "scale", "zero", "offset", "bytes"]
    codes = [i[0] for i in bindump.INSTRUCTIONS]
    text = json.dumps(
        [
            b.header["arena_bytes"],
            b.header["isa"],
            [[t[k] for k in layout] for t in b.tensors],
            [
                [codes.index(i["opcode"]), i["node"], i["in"], i["out"], list(i["params"].values())]
                for i in b.instructions
            ],
            [[x[k] for k in ("tensor", "type", "channels_last")] for x in b.inputs + b.outputs],
        ]
    )
    return hashlib.sha256(text.encode() + b.bytes_of("CONSTS")).hexdigest()


def hash_of(path):
    return (bin_hash if path.suffix == ".bin" else onnx_hash)(path)[:16]


def write_plain(m, folder, types):
    lines = [
        "model_parameters:",
        f"  march: '{m['march']}'",
        f"  output_model_file_prefix: '{m['name']}'",
        "  working_dir: 'out'",
    ]
    if m["prototxt"]:
        lines += [
            f"  prototxt: '{sm.SHARED / 'models' / m['prototxt']}'",
            f"  caffe_model: '{sm.SHARED / 'models' / m['file']}'",
        ]
    else:
        lines += [f"  onnx_model: '{sm.SHARED / 'models' / m['file']}'"]
    inputs = {
        "input_type_rt": "featuremap",
        "input_type_train": "featuremap",
        "input_layout_train": "NCHW",
        "norm_type": "no_preprocess",
    }
    inputs = {key: ";".join([word] * len((m["names"] or "").split(";"))) for key, word in inputs.items()}
    inputs |= {"input_name": m["names"], "input_shape": m["shape"]}
    lines += ["input_parameters:"] + [f"  {key}: '{text}'" for key, text in inputs.items() if text]
    lines += ["calibration_parameters:", "  calibration_type: 'skip'"] + (
        [f"  optimization: '{types}'"] if types else []
    )
    path = pathlib.Path(folder) / f"{m['name']}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def print_table(name, kind, folder, run):
    files = sorted(folder.glob("*.onnx")) + sorted(folder.glob("*.bin"))
    if run.returncode > 1:
        print(
            f"{name:24} {kind:6} refused: {run.stderr.strip().splitlines()[-1] if run.stderr.strip() else run.returncode}"
        )
    for f in files:
        print(
            f"{name:24} {kind:6} {f.stem.removeprefix(name + '_') if f.suffix != '.bin' else 'bin':24} {hash_of(f)}"
        )
    sys.stdout.flush()


def convert_all(only):
    pictures = [m for m in [*sm.MODELS.values(), sm.SEGMENTERS["segformer"]] if not only or m.name in only]
    for kind, types in TYPES.items():
        for m in pictures:
            with tempfile.TemporaryDirectory() as folder:
                config = sm.write_config(m, folder, {"optimization": types and f"'{types}'"}, samples=8)
                print_table(
                    m.name,
                    kind,
                    pathlib.Path(folder) / "out",
                    sm.vernier("convert", "-c", config, check=False),
                )
        for m in RANDOM:
            if only and m["name"] not in only:
                continue
            with tempfile.TemporaryDirectory() as folder:
                run = sm.vernier("convert", "-c", write_plain(m, folder, types), check=False)
                print_table(m["name"], kind, pathlib.Path(folder) / "out", run)


def main(argv):
    if argv[:1] == ["--only"] and len(argv) == 2:
        convert_all(argv[1].split(","))
    elif not argv:
        if sm.missing():
            print(sm.missing(), file=sys.stderr)
            return 2
        convert_all(None)
    elif argv[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    else:
        for f in map(pathlib.Path, argv):
            print(f"{hash_of(f)}  {f.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
