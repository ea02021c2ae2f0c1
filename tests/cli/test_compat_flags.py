"""Every flag of the vendor flow's tools, with and without: output, files or status differ, and nothing else
varies. Flags without effect, and those that need a board, are closed lists."""
import re
import shutil
import sys

import cv2
import numpy as np
import onnx
import onnx.helper as oh
import pytest
import tool
from test_compat import CHECKER, EFFECTS, FLAGS, INFER, INFER_LAYERS, OLD, VERIFY, WITHOUT_EFFECT, Tools

sys.path.insert(0, str(tool.ROOT / "tests/front"))
from caffe_cases import Net  # noqa: E402

LATER = {
    ("hmct-debugger", "runall", "--interested_nodes"),
    ("hmct-debugger", "runall", "--sensitive_nodes"),
    ("hmct-debugger", "runall", "--ae_metric"),
    ("hb_verifier", "", "--board-ip"), ("hb_verifier", "", "--username"), ("hb_verifier", "", "--password"),
    ("hb_model_verifier", "", "--arm-board-ip"), ("hb_config_generator", "", "--custom-op"),
}

YAML = """model_parameters:
  onnx_model: '{folder}/net.onnx'
  working_dir: '{folder}/{name}'
  output_model_file_prefix: '{name}'
input_parameters:
  input_type_train: '{train}'
  input_layout_train: 'NCHW'
  input_type_rt: '{rt}'
calibration_parameters:
  calibration_type: 'skip'
  optimization: '{optimization}'
compiler_parameters:
  input_source: {{x: {source}}}
"""
# name of a program: what its configuration says
PROGRAMS = {
    "resizer": dict(train="gray", rt="gray", source="resizer", optimization=""),
    "feature": dict(train="featuremap", rt="featuremap", source="ddr", optimization=""),
    "integers": dict(train="gray", rt="gray", source="pyramid", optimization="set_model_output_int8"),
}


def save_network(path):
    """Two convolutions on one plane."""
    rng = np.random.default_rng(3)
    weights = [oh.make_tensor(f"w{i}", 1, [c, b, 3, 3], rng.normal(size=9 * b * c).astype(np.float32) / 3)
               for i, (b, c) in enumerate([(1, 4), (4, 2)])]
    nodes = [oh.make_node("Conv", ["x", "w0"], ["a"], "first", pads=[1] * 4),
             oh.make_node("Conv", ["a", "w1"], ["y"], "second", pads=[1] * 4)]
    graph = oh.make_graph(nodes, "g", [oh.make_tensor_value_info("x", 1, [1, 1, 16, 16])],
                          [oh.make_tensor_value_info("y", 1, [1, 2, 16, 16])], weights)
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 13)], ir_version=8), path)


def save_caffe(folder):
    w = np.random.default_rng(4).normal(size=(2, 1, 3, 3))
    text = "convolution_param { num_output: 2 kernel_size: 3 bias_term: false }"
    return Net(data=(1, 1, 8, 8)).layer("Convolution", "data", "y", [w], text).write(folder)


@pytest.fixture(scope="module")
def flags(tmp_path_factory, digits):
    """Runs a line in a new folder: status, output without times, names of files, contents of dumps."""
    folder = tmp_path_factory.mktemp("flags")
    tools = Tools(folder, digits)
    save_network(folder / "net.onnx")
    for name, keys in PROGRAMS.items():
        (folder / f"{name}.yaml").write_text(YAML.format(folder=folder, name=name, **keys))
        tool.run("convert", "-c", folder / f"{name}.yaml", "--log", "none", want=tool.DONE)
    proto, weights = save_caffe(folder)
    shutil.copy(digits.bin, folder / "digits.bin")
    tools(f"hb_pack {folder}/digits.bin {folder}/feature/feature.bin -o {folder}/two.bin")
    images = folder / "images"
    images.mkdir()
    for i in range(3):
        cv2.imwrite(str(images / f"{i}.png"), np.full((40, 50, 3), 60 * i, np.uint8))
    (folder / "val.txt").write_text("1.png 0\n")
    (folder / "some.json").write_text('{"conv_1": "x"}')
    feature = onnx.load(folder / "feature/feature_quantized_model.onnx").graph
    conv = [n.name for n in onnx.load(digits.stage("calibrated")).graph.node if n.op_type == "Conv"]
    places = dict(F=str(folder), proto=str(proto), weights=str(weights), picture=str(digits.picture),
                  edge=feature.node[0].name, a=conv[0], b=conv[1],
                  o=onnx.load(digits.stage("calibrated")).graph.node[-1].name)
    return lambda line, where: seen(tools, fill(line, places), where)


def fill(line, places):
    for key, text in places.items():
        line = line.replace("{%s}" % key, text)
    return line


KEPT = (".txt", ".csv", ".png", ".bin", ".yaml")


def seen(tools, line, where):
    where.mkdir()
    r = tools(line, want=None, cwd=where)
    assert r.status in (tool.DONE, tool.CHECK_FAILED, tool.USAGE, tool.BAD_INPUT), str(r)
    text = re.sub(r"[\d.]+(?=\s*(ms|us|FPS|bytes/s)\b)|\d{4}-[-\d]+ [:,\d]+", "#", r.out + r.err)
    text = re.sub(r"(time|latency|rate|cost|average|FPS)[^\n]*", r"\1", text, flags=re.I)
    dumps = {str(p.relative_to(where)): p.read_bytes() if p.suffix in KEPT else ""
             for p in sorted(where.rglob("*")) if p.is_file() and "profiler" not in p.name}
    return r.status, text.replace(str(where), ""), dumps


CAFFE = "hb_mapper checker --model-type caffe --march bayes --model {weights} --proto {proto}"
FAST_CAFFE = CAFFE.replace("checker", "makertbin --fast-perf")
SHAPED = "hb_mapper makertbin --fast-perf --model-type onnx --march generic --model {F}/net.onnx"
MAKE = "hb_mapper makertbin --config {F}/feature.yaml --model-type onnx"
INFO = "hrt_model_exec model_info --model_file {F}/two.bin"
PACKED = "hrt_model_exec infer --model_file {F}/two.bin --input_file {picture} --model_name digits"
DUMPED = INFER + " --enable_dump --dump_format txt"
WHOLE = ("hrt_model_exec infer --model_file {F}/integers/integers.bin --input_file {F}/images/1.png "
         "--enable_dump")
CUT = "hrt_model_exec infer --model_file {F}/resizer/resizer.bin --input_file {F}/images/1.png --roi_infer"
CUT_PERF = "hrt_model_exec perf --frame_count 2 --model_file {F}/resizer/resizer.bin --roi_infer"
PERF_PACK = "hrt_model_exec perf --model_file {F}/two.bin --frame_count 2 --model_name digits"
MODIFY = "hb_model_modifier {F}/feature/feature.bin"
GENERATE = "hb_config_generator --simple-yaml --model {model}"
EVAL = "hb_eval_preprocess --model_name mobilenetv1 --image_dir {F}/images --output_dir o"
DUMP = "hrt_bin_dump --model_file {bin} --input_file {picture} --conv_dump_path d"
NODES = "hmct-debugger get-sensitivity-of-nodes {calibrated} {data} --data_num 1"
ERRORS = "hmct-debugger plot-acc-error {calibrated} {data} --data_num 1 --quantize_node ['{a}','{b}']"
SPREAD = "hmct-debugger plot-distribution {calibrated} {data} --data_num 1 --nodes_list ['{a}']"
CHANNELS = ("hmct-debugger get-channelwise-data-distribution {calibrated} {data} --data_num 1 "
            "--nodes_list ['{a}']")
MIXED = "hmct-debugger sensitivity-analysis {calibrated} {data} --data_num 1"
TENSORS = "hmct-debugger tensor-analysis {calibrated} {data} --data_num 1"
ALL = "hmct-debugger runall {calibrated} {data} --data_num 1"

# Lines, and changes of them: "-NAME" takes a flag and its value away, "--NAME VALUE" adds them.
LINES = {
    "hb_mapper checker": (CHECKER, ["-model-type", "-model"]),
    "hb_mapper checker 2": (CAFFE, ["-proto"]),
    "hb_mapper makertbin": (MAKE, ["-config"]),
    "hb_mapper makertbin 2": (MAKE, ["--model-type caffe"]),
    "hb_mapper makertbin 3": (SHAPED, ["-fast-perf", "-model", "--input-shape x 1x3x16x16"]),
    "hb_mapper makertbin 4": (FAST_CAFFE, ["-proto"]),
    "hb_mapper infer": (INFER_LAYERS, ["-model-file", "-image-file"]),
    "hb_verifier ": (VERIFY, ["--input-img {picture}", "--compare_digits 0"]),
    "hb_verifier  2": (VERIFY.replace("-m", "--model"), ["-model"]),
    "hb_model_verifier ": (OLD, ["--input-img {picture}", "--compare_digits 0"]),
    "hb_model_verifier  2": (OLD.replace("-q", "--quanti_model").replace("-b", "--bin_model"),
                             ["-quanti_model", "-bin_model"]),
    "hrt_model_exec model_info": (INFO, ["-model_file", "--model_name digits"]),
    "hrt_model_exec infer": (PACKED, ["-model_file", "-input_file", "-model_name"]),
    "hrt_model_exec infer 2": (DUMPED, ["--dump_precision 3", "--dump_txt_axis 0"]),
    "hrt_model_exec infer 3": (WHOLE, ["--hybrid_dequantize_process true"]),
    "hrt_model_exec infer 4": (CUT + " --roi 0,0,15,15 --enable_dump", ["-roi", "-roi_infer"]),
    "hrt_model_exec perf": (PERF_PACK, ["-model_file", "-model_name", "--input_file absent.bin",
                                        "--perf_time x"]),
    "hrt_model_exec perf 2": (CUT_PERF + " --roi 0,0,15,15", ["-roi", "-roi_infer"]),
    "hb_perf ": ("hb_perf {F}/two.bin", ["--model-name digits"]),
    "hb_perf  2": ("hb_perf {bin}", ["--packed"]),
    "hb_model_info ": ("hb_model_info {F}/two.bin", ["--model-name digits"]),
    "hb_model_modifier ": (MODIFY, ["--remove {edge}", "--all Quantize"]),
    "hb_model_modifier  2": (MODIFY + " --all Quantize --output o.bin", ["-output"]),
    "hb_config_generator ": (GENERATE, ["-simple-yaml", "-model", "--march bayes", "--full-yaml"]),
    "hb_config_generator  2": ("hb_config_generator --simple-yaml --model {weights} --proto {proto}",
                               ["-proto"]),
    "hb_eval_preprocess ": (EVAL, ["-model_name", "-image_dir", "-output_dir", "--val_txt {F}/val.txt"]),
    "hb_pack ": ("hb_pack {bin} --output two.bin", ["-output"]),
    "hrt_bin_dump ": (DUMP, ["-model_file", "-input_file", "-conv_dump_path",
                             "--conv_mapping_file {F}/some.json"]),
    "hmct-debugger get-sensitivity-of-nodes": (
        NODES, ["--metrics mse", "--output_node {o}x", "--node_type activation", "--data_num 2",
                "--interested_nodes {a}", "--save_dir s"]),
    "hmct-debugger plot-acc-error": (
        ERRORS, ["-quantize_node", "--save_dir s", "--metric mse", "--data_num 2"]),
    "hmct-debugger plot-acc-error 2": (ERRORS.replace("['{a}','{b}']", "[['{a}'],['{b}']]"),
                                       ["--average_mode True"]),
    "hmct-debugger plot-acc-error 3": (ERRORS.replace("--quantize_node", "--non_quantize_node"),
                                       ["-non_quantize_node"]),
    "hmct-debugger plot-distribution": (SPREAD, ["-nodes_list", "--save_dir s", "--data_num 2"]),
    "hmct-debugger get-channelwise-data-distribution": (
        CHANNELS, ["-nodes_list", "--save_dir s", "--axis 2", "--data_num 2"]),
    "hmct-debugger sensitivity-analysis": (
        MIXED, ["--metrics mse", "--pick_threshold 0.9999999", "--data_num 2", "--sensitive_nodes ['{a}']",
                "--qtype int16", "--save_dir s"]),
    "hmct-debugger tensor-analysis": (
        TENSORS, ["--nodes_list ['{a}']", "--save_dir s", "--num_processes x", "--data_num 2"]),
    "hmct-debugger runall": (
        ALL, ["--save_dir s", "--ns_metrics mse", "--output_node {o}x", "--data_num 2",
              "--dis_nodes_list ['{a}']", "--cw_nodes_list ['{a}']", "--node_type node", "--axis 0",
              "--pick_threshold 2", "--quantize_node ['{a}','{b}']",
              "--non_quantize_node ['{a}','{b}']"]),
    "hmct-debugger runall 2": (ALL + " --quantize_node [['{a}'],['{b}']]", ["--average_mode True"]),
}


def less(line, flag):
    """A line without a flag and its value."""
    words = line.split()
    at = words.index(flag)
    values = 0
    while at + 1 + values < len(words) and not words[at + 1 + values].startswith("-"):
        values += 1
    return " ".join(words[:at] + words[at + 1 + values:])


CASES = []
for place, (line, changes) in LINES.items():
    program, command = re.sub(r" \d$", "", place).split(" ")
    for change in changes:
        flag = "--" + change.lstrip("-").split()[0]
        removed = not change.startswith("--")
        CASES.append(((program, command, flag), line, less(line, flag) if removed else f"{line} {change}"))


@pytest.mark.parametrize("case", CASES, ids=lambda c: "".join(c[0]))
def test_flag(flags, tmp_path, case):
    flag, line, other = case
    assert FLAGS[flag]["fate"] == "works"
    first, again, changed = (flags(x, tmp_path / str(i)) for i, x in enumerate((line, line, other)))
    assert first == again, f"{line}: two runs differ"
    assert first != changed, f"{flag}: no effect\n{line}\n{other}"


def test_every_flag_is_here():
    tested = {c[0] for c in CASES} | set(EFFECTS)
    assert set(FLAGS) == tested | WITHOUT_EFFECT | LATER, set(FLAGS) ^ (tested | WITHOUT_EFFECT | LATER)
    assert not tested & (WITHOUT_EFFECT | LATER)
    assert {k for k, o in FLAGS.items() if o["fate"] == "not available"} == LATER
