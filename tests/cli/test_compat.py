"""The vendor flow's commands: every flag of every tool, with and without; output, files and status."""
import json
import os
import re
import subprocess

import numpy as np
import onnx
import pytest
import tool

LIST = subprocess.run([tool.BUILD / "vernier", "compat", "list", "--json"], capture_output=True, check=True)
FLAGS = {
    (p["program"], c["name"], o["name"]): o
    for p in json.loads(LIST.stdout)
    for c in p["commands"]
    for o in c["options"]
}
WITHOUT_EFFECT = {
    ("hb_mapper", "checker", "--output"),
    ("hb_mapper", "infer", "--config"),
    ("hb_mapper", "infer", "--input-layout"),
    ("hb_mapper", "infer", "--model-type"),
    ("hb_verifier", "", "--run-sim"),
    ("hrt_model_exec", "infer", "--core_id"),
    ("hrt_model_exec", "perf", "--core_id"),
    ("hmct-debugger", "get-sensitivity-of-nodes", "--verbose"),
    ("hmct-debugger", "runall", "--verbose"),
    ("hrt_bin_dump", "", "--v"),
}


class Tools:
    """Programs by their names, in a folder of their own."""

    def __init__(self, folder, digits):
        self.folder, self.digits = folder, digits
        tool.run("compat", "install", folder, want=tool.DONE)

    def __call__(self, line, want=tool.DONE, cwd=None):
        d = self.digits
        stages = {k: d.stage(k) for k in ("quantized", "calibrated")}
        paths = dict(bin=d.bin, yaml=d.yaml, model=d.model, picture=d.picture, data=d.calib, **stages)
        words = line.format(**paths).split()
        env = {**os.environ, **tool.SANITIZER_OPTIONS}
        command = [self.folder / "bin" / words[0], *words[1:]]
        cwd = cwd or self.folder
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, env=env)
        r = tool.Run(words, done)
        assert "Sanitizer" not in r.err and "runtime error" not in r.err, str(r)
        assert want is None or r.status == want, str(r)
        return r


@pytest.fixture(scope="module")
def tools(tmp_path_factory, digits):
    return Tools(tmp_path_factory.mktemp("compat"), digits)


# ---- flags: what a line prints or writes without the flag, and with it ----

CHECKER = "hb_mapper checker --model-type onnx --march bayes-e --model {model}"
FAST = "hb_mapper makertbin --fast-perf --model-type onnx --march generic --model {model}"
LAYERS = "hb_mapper infer --model-file {quantized} --model-type onnx --image-file image {picture}"
INFER_LAYERS = LAYERS + " --output-dir o"
INFER = "hrt_model_exec infer --model_file {bin} --input_file {picture}"
DUMP = INFER + " --enable_dump --dump_format=txt"
PERF = "hrt_model_exec perf --model_file {bin} --frame_count 3"
VERIFY = "hb_verifier -m {quantized},{bin}"
OLD = "hb_model_verifier -q {quantized} -b {bin}"

# (program, command, flag): a line with the flag, a line without, what only the first one's output or
# names of files have
EFFECTS = {
    ("hb_mapper", "checker", "--march"): (
        CHECKER,
        CHECKER.replace("--march bayes-e", "--march generic"),
        "compile the model with march bayes-e",
    ),
    ("hb_mapper", "checker", "--input-shape"): (
        CHECKER + " --input-shape image 1x1x16x16",
        None,
        "expected|image",
    ),
    ("hb_mapper", "makertbin", "--march"): (
        FAST,
        FAST.replace("march generic", "march x86-64-v4"),
        "march generic",
    ),
    ("hb_mapper", "infer", "--output-dir"): (INFER_LAYERS, None, "layers written to o"),
    ("hrt_model_exec", "infer", "--enable_dump"): (
        INFER + " --enable_dump",
        INFER,
        "model_infer_output_0.bin",
    ),
    ("hrt_model_exec", "infer", "--dump_format"): (
        DUMP,
        INFER + " --enable_dump",
        "model_infer_output_0.txt",
    ),
    ("hrt_model_exec", "infer", "--dump_intermediate"): (
        INFER + " --dump_intermediate 2",
        INFER,
        "logits.txt",
    ),
    ("hrt_model_exec", "infer", "--enable_cls_post_process"): (
        INFER + " --enable_cls_post_process",
        INFER,
        r"class result: \[id\]\d",
    ),
    ("hrt_model_exec", "infer", "--frame_count"): (
        INFER + " --frame_count=3",
        INFER,
        r"(Infer time: [\d.]+ ms\n){3}",
    ),
    ("hrt_model_exec", "perf", "--frame_count"): (PERF, PERF.replace("3", "4"), "Frame count: 3,"),
    ("hrt_model_exec", "perf", "--thread_num"): (PERF + " --thread_num 2", PERF, "Thread number is: 2"),
    ("hrt_model_exec", "perf", "--profile_path"): (PERF + " --profile_path p", PERF, r"profiler\.(log|csv)"),
    ("hb_verifier", "", "--dump-all-nodes-results"): (VERIFY + " -r", VERIFY, "Integer|Tensor"),
}


def files_of(folder):
    return {p.name for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("flag", EFFECTS, ids=lambda f: "".join(f[1:]))
def test_flag(tools, tmp_path, flag):
    assert FLAGS[flag]["fate"] == "works"
    line, without, sign = EFFECTS[flag]
    seen = []
    for i, text in enumerate(filter(None, (line, without))):
        folder = tmp_path / str(i)
        folder.mkdir()
        want = tool.BAD_INPUT if flag[2] == "--input-shape" else tool.DONE
        r = tools(text, want=want, cwd=folder)
        seen.append(r.out + r.err + "\n".join(files_of(folder)))
    assert re.search(sign, seen[0]), seen[0]
    assert not without or not re.search(sign, seen[1]), seen[1]


def test_flags_without_effect_are_listed():
    assert {k for k, o in FLAGS.items() if o["fate"] == "no effect"} == WITHOUT_EFFECT


def test_flag_without_effect_says_so(tools, tmp_path):
    r = tools(INFER + " --core_id 1", cwd=tmp_path)
    assert "--core_id has no effect: the system chooses the CPU" in r.err


def test_board_flag_is_refused(tools):
    r = tools(VERIFY + " -b 10.0.0.1", want=tool.BAD_INPUT)
    assert r.err == "hb_verifier: --board-ip: boards come with the next version\n"


def test_unknown_flag_has_a_neighbour(tools):
    r = tools("hrt_model_exec infer --modelfile x", want=tool.USAGE)
    assert "unknown option '--modelfile'; did you mean '--model_file'?" in r.err


# ---- the forms that scripts read ----

def test_makertbin(tools, tmp_path):
    d = tools.digits
    yaml = d.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    r = tools(f"hb_mapper makertbin -c {yaml} --model-type onnx", cwd=tmp_path)
    log = (tmp_path / "hb_mapper_makertbin.log").read_text()
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO log will be stored in /", r.out)
    placed = r"^[-\d]+ [:,\d]+ file: \S+ func: makertbin line No: \d+ Start hb_mapper\.\.\.\.$"
    assert re.search(placed, log, re.M)
    assert re.search(r"INFO FPS=[\d.]+, latency = [\d.]+ us, DDR = \d+ bytes ", r.out)
    order = [
        "hb_mapper version ",
        "Start Model Convert....",
        "validating model_parameters...",
        f"Using abs path {d.model.resolve()}",
        f"Using onnx model file: {d.model}",
        "Model input names: ['image']",
        "validating model_parameters finished",
        "validating input_parameters...",
        "Model input shape not given in yaml_file, using shape from model file: [[1, 1, 8, 8]]",
        "gray input type rt received.",
        "validating input_parameters finished",
        "validating calibration_parameters finished",
        "custom_op does not exist, skipped",
        "validating compiler_parameters...",
        "Input node image's input_source not set, it will be set to pyramid by default",
        "validating compiler_parameters finished",
        "validating deprecated parameters...",
        "validating deprecated parameters finished",
        "Dump config:",
        "  output_model_file_prefix: digits",
        "input 'image' : original model shape: [1, 1, 8, 8]",
        "call build params:",
        "Start to Horizon NN Model Convert.",
        "Loading horizon_nn debug methods:set()",
        "The activation calibration parameters:",
        "    calibration_type:     ['max']",
        "    max_percentile:       [1.0]",
        "    asymmetric:           [False]",
        "The specified model compilation architecture: generic.",
        "Start to prepare the onnx model.",
        "End to prepare the onnx model.",
        "Start to optimize the onnx model.",
        f"working_dir does not exist. Creating working_dir: {tmp_path}/out",
        "Start to calibrate the model.",
        "input name: image,  number_of_samples: 100",
        "Start to quantize the model.",
        "Start to compile the model with march",
        "Compile submodel: main_graph_subgraph_0",
        "FPS=",
        "End to compile the model with march",
        "The main quantized node information:",
        "The quantized model output:",
        "End to Horizon NN Model Convert.",
        "start convert to *.bin file....",
        "ONNX model output num : 1",
        "############# model deps info #############",
        "input-source        : {'image': 'pyramid', '_default_value': 'ddr'}",
        "--------- deleted nodes -",
        "Convert to runtime bin file successfully!",
        "End Model Convert",
    ]
    assert [text for text in order if text not in log] == []
    at = [r.out.index(text) for text in order]
    assert at == sorted(at)
    tools(f"hb_verifier -m {d.stage('quantized')},{tmp_path}/out/digits.bin")
    quiet = ("working_dir does not exist", "The calibration dir name suffix", "quantization is enabled")
    again = tools(f"hb_mapper makertbin -c {yaml} --model-type onnx", cwd=tmp_path).out
    assert [text for text in quiet if text in again] == []
    plain = tool.run("convert", "-c", yaml, cwd=tmp_path, want=tool.DONE)
    assert "abs path" not in plain.err and "deprecated" not in plain.err


def test_makertbin_tells_raw_files(tools, tmp_path):
    """Files by name, a folder's name against the key, the debug mode, properties of the method."""
    d = tools.digits
    yaml = d.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    data = tmp_path / "data_f32"
    data.mkdir()
    for i in range(3):
        np.full((1, 1, 8, 8), 40 * i + 9, np.uint8).tofile(data / f"{i}.bin")
    text = re.sub(r"cal_data_dir: .*", f"cal_data_dir: '{data}'\n  cal_data_type: 'uint8'", yaml.read_text())
    text = re.sub(r"( *)calibration_type: .*", r"\1calibration_type: 'max'\n\1optimization: asymmetric\n"
                  r"\1per_channel: True", re.sub(r" *preprocess_on.*\n", "", text))
    yaml.write_text(text.replace("model_parameters:\n", "model_parameters:\n  log_level: 'info'\n"
                                 "  debug_mode: 'dump_calibration_data'\n"))
    out = tools(f"hb_mapper makertbin -c {yaml} --model-type onnx", want=None, cwd=tmp_path).out
    lines = ["The calibration dir name suffix is not the same as the value uint8 of the parameter "
             "cal_data_type, the parameter setting will prevail",
             "Loading horizon_nn debug methods:{'dump_calibration_data'}",
             "created RawImageDirLoader of shape:[1, 1, 8, 8]",
             *(f"Read raw file: {data}/{i}.bin" for i in range(3)),
             "Perchannel quantization is enabled.", "Asymmetric quantization is enabled.",
             f"{'log_level':20}: info"]
    assert [line for line in lines if line not in out] == [], out


def test_the_parameters_of_a_search(tools, tmp_path):
    d = tools.digits
    yaml = d.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    search = "calibration_type: 'default'\n  search: 'vendor'"
    yaml.write_text(yaml.read_text().replace("calibration_type: 'max'", search))
    r = tools(f"hb_mapper makertbin -c {yaml} --model-type onnx", cwd=tmp_path)
    block = [line.split("INFO ")[1] for line in r.out.splitlines() if "INFO " in line]
    at = block.index("The activation calibration parameters:")
    assert block[at + 1:at + 9] == ["    calibration_type:     ['max', 'kl']",
                                    "    max_percentile:       [0.99995, 1.0]",
                                    "    per_channel:          [True, False]",
                                    "    asymmetric:           [True, False]",
                                    "    bias_correction:      [False]",
                                    "The modelwise search parameters:",
                                    "    similarity:           0.995",
                                    "    metric:               cosine-similarity"]


def test_speed_of_subgraphs(tools, tmp_path):
    """A float node parts the network: what computes in integers before and after it has a page each."""
    d = tools.digits
    yaml = d.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    on_cpu = "model_parameters:\n  node_info: {'conv_2': {'ON': 'CPU'}}"
    yaml.write_text(yaml.read_text().replace("model_parameters:", on_cpu))
    tools(f"hb_mapper makertbin -c {yaml} --model-type onnx", cwd=tmp_path)
    parts = [json.loads((tmp_path / f"out/main_graph_subgraph_{i}.json").read_text()) for i in (0, 1)]
    nodes = [[layer["node"] for layer in p["layers"]] for p in parts]
    assert "conv_1" in nodes[0] and "conv_3" in nodes[1] and "conv_2" not in nodes[0] + nodes[1]
    for p in parts:
        assert p["latency_ms"] == pytest.approx(sum(layer["median_ms"] for layer in p["layers"]), abs=1e-6)
    assert "conv_3" in (tmp_path / "out/main_graph_subgraph_1.html").read_text()
    assert not (tmp_path / "out/main_graph_subgraph_2.json").exists()


def test_makertbin_names_missing_keys(tools, tmp_path):
    (tmp_path / "m.yaml").write_text("model_parameters:\n  caffe_model: x.caffemodel\n")
    r = tools("hb_mapper makertbin -c m.yaml --model-type caffe", want=tool.BAD_INPUT, cwd=tmp_path)
    assert "Key 'model_parameters' error: Missing keys: 'prototxt'" in r.err
    assert "Key 'input_parameters' error: Missing keys: 'input_type_rt'" in r.err
    assert "yaml file parse failed. Please double check your input\n" in r.err
    (tmp_path / "n.onnx").write_bytes(b"no model")
    yaml = tools.digits.write_yaml(tmp_path / "n.yaml", tmp_path / "out")
    yaml.write_text(re.sub("onnx_model:.*", "onnx_model: n.onnx", yaml.read_text()))
    assert "yaml file" not in tools(f"hb_mapper makertbin -c {yaml}", want=tool.BAD_INPUT, cwd=tmp_path).err


def test_makertbin_wants_the_type_that_is_named(tools, tmp_path):
    yaml = tools.digits.write_yaml(tmp_path / "d.yaml", tmp_path / "out")
    r = tools(f"hb_mapper makertbin --model-type=caffe --config={yaml}", want=tool.BAD_INPUT, cwd=tmp_path)
    assert "Key 'model_parameters' error: Missing keys: 'caffe_model', 'prototxt'" in r.err
    assert not (tmp_path / "out").exists()


def test_makertbin_fails_with_the_vendors_last_line(tools, tmp_path):
    r = tools("hb_mapper makertbin -c absent.yaml --model-type onnx", want=tool.BAD_INPUT, cwd=tmp_path)
    assert r.err.endswith("exception in command: makertbin\n")


INCOMPLETE = [
    "hb_mapper makertbin",
    "hb_mapper makertbin --fast-perf --model-type onnx",
    "hb_mapper makertbin -c {yaml} --model-type tf",
    "hb_mapper makertbin -c {yaml} --march bayes",
    "hb_mapper checker --model {model} --march bayes",
    "hb_mapper infer --output-dir o",
    "hb_config_generator -m {model}",
    "hb_config_generator -s -f -m {model}",
    "hb_verifier -m {bin}",
    "hb_model_verifier -q {quantized}",
    "hrt_model_exec infer --input_file x",
    "hrt_model_exec infer --model_file {bin}",
]


@pytest.mark.parametrize("line", INCOMPLETE)
def test_usage(tools, line, tmp_path):
    tools(line, want=tool.USAGE, cwd=tmp_path)
    assert files_of(tmp_path) == set()


FORMS = [
    ("hb_mapper makertbin --conf {yaml} --model-t onnx", "hb_mapper makertbin -c{yaml} --model-type=onnx"),
    ("hb_verifier --mod {quantized},{bin} --compare=4", "hb_verifier -m{quantized},{bin} -c4"),
    ("hrt_model_exec --model_file={bin} model_info", "hrt_model_exec model_info -model_file {bin}"),
    ("hb_config_generator --simple --model {model}", "hb_config_generator -s -m{model}"),
]


@pytest.mark.parametrize("first, second", FORMS)
def test_forms_of_options(tools, tmp_path, first, second):
    """Shortened names, values joined to letters, options in front of the command: as the vendor's parsers."""
    seen = []
    for i, line in enumerate((first, second)):
        (tmp_path / str(i)).mkdir()
        out = tools(line, cwd=tmp_path / str(i)).out
        seen.append(re.sub(r"[\d.:,-]+|/\S+", "#", out))
    assert seen[0] == seen[1]


def test_ambiguous_names_and_vernier_are_strict(tools):
    r = tools("hb_mapper checker --mod {model}", want=tool.USAGE)
    assert "ambiguous option '--mod': --model-type or --model" in r.err
    r = tools("hrt_bin_dump --model_file {bin} --conv_m x", want=None)
    assert "ambiguous" not in r.err
    r = tools("hmct-debugger runall {calibrated} {data} --n=x", want=tool.USAGE)
    assert "ambiguous option '--n': --ns_metrics, --non_quantize_node or --node_type" in r.err
    assert "unknown option" in tool.run("check", tools.digits.model, "--marc", "bayes", want=tool.USAGE).err
    assert re.match(r"hrt_model_exec \d", tools("hrt_model_exec -v").out)


def test_infer_equals_run(tools, tmp_path):
    """The dumped output is what `vernier run` gives; the .txt holds the same numbers."""
    d = tools.digits
    tools(INFER + " --enable_dump --dump_precision=6 --dump_format=bin", cwd=tmp_path)
    tool.run("run", d.bin, "--input", d.picture, "-o", tmp_path / "npy", want=tool.DONE)
    want = np.load(next((tmp_path / "npy").glob("*.npy")))
    got = np.fromfile(tmp_path / "model_infer_output_0.bin", np.float32)
    assert np.array_equal(got, want.ravel())
    tools(DUMP + " --dump_precision=6 --dump_txt_axis=1", cwd=tmp_path)
    lines = (tmp_path / "model_infer_output_0.txt").read_text().splitlines()
    assert len(lines) == want.shape[0]
    assert np.allclose([float(x) for x in lines[0].split()], want[0].ravel(), atol=1e-6)
    pixels = np.loadtxt(tmp_path / "model_infer_input_0.txt", dtype=int).ravel()
    (tmp_path / "raw.bin").write_bytes(pixels.astype(np.uint8).tobytes())
    tools(INFER.replace("{picture}", str(tmp_path / "raw.bin")) + " --enable_dump", cwd=tmp_path)
    assert np.array_equal(np.fromfile(tmp_path / "model_infer_output_0.bin", np.float32), got)


def test_layers_equal_the_stage(tools, tmp_path):
    """LAYER_float.bin of the output is the stage's output in float32."""
    tools(INFER_LAYERS, cwd=tmp_path)
    d = tools.digits
    tool.run("run", d.stage("quantized"), "--input", d.picture, "-o", tmp_path / "npy", want=tool.DONE)
    want = np.load(next((tmp_path / "npy").glob("*.npy"))).ravel()
    layers = [np.fromfile(p, np.float32) for p in (tmp_path / "o").glob("*_float.bin")]
    assert any(x.size == want.size and np.array_equal(x, want) for x in layers)


def test_model_info(tools):
    out = tools("hrt_model_exec model_info --model_file={bin}").out
    lines = [
        "This model file has 1 model:",
        "[digits]",
        "[model name]: digits",
        "input[0]: ",
        "name: image",
        "tensor type: HB_DNN_IMG_TYPE_Y",
        "output[0]: ",
        "tensor type: HB_DNN_TENSOR_TYPE_F32",
        "quanti type: NONE",
    ]
    for line in lines:
        assert line in out.splitlines(), out
    assert re.search(r"^Load model to DDR cost [\d.]+ms\.$", out, re.M)


def test_perf(tools):
    out = tools(PERF).out
    fps = float(re.search(r"Frame      rate       is: ([\d.]+) FPS", out)[1])
    latency = float(re.search(r"Average    latency    is: ([\d.]+) ms", out)[1])
    assert 0 < fps * latency <= 1001


def test_verifiers(tools, digits, tmp_path):
    for line in (VERIFY, OLD, VERIFY + " -i image:{picture}"):
        out = tools(line).out
        assert "Quanti.onnx and Sim result Strict check PASSED" in out
        assert "INFO mismatch result num: 0" in out
    broken = tmp_path / "broken.onnx"
    m = onnx.load(digits.stage("quantized"))
    w = next(t for t in m.graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 4)
    data = bytearray(w.raw_data)
    data[0] ^= 0x40
    w.raw_data = bytes(data)
    onnx.save(m, broken)
    out = tools(f"hb_verifier -m {broken},{{bin}}", want=tool.CHECK_FAILED).out
    assert "Quanti.onnx and Sim result Strict check FAILED" in out


def test_perf_page(tools, tmp_path):
    tools("hb_perf {bin}", cwd=tmp_path)
    figures = json.loads((tmp_path / "hb_perf_result/digits/digits.json").read_text())
    page = (tmp_path / "hb_perf_result/digits/digits.html").read_text()
    assert figures["latency_ms"] > 0 and len(figures["layers"]) > 3
    assert page.count("<tr><td>") == len(figures["layers"]) and "Model Performance Summary" in page


def test_info_and_modifier(tools, tmp_path):
    out = tools("hb_model_info {bin}").out
    for key in ("hb_mapper version", "hbdk runtime version", "onnx_model", "BPU march", "input_space&range",
                "norm_type", "cal_data_type", "calibration_type", "hbdk_pass_through_params"):
        assert re.search(f"^{key:20}: \\S", out, re.M), key
    assert f"\n{'working dir':20}: {tools.digits.bin.parent}\n" in out
    assert f"\n{'log_level':20}: DEBUG\n" in out
    types = "model input types   : [<InputDataType.GRAY>]\nmodel output types  : [<InputDataType.F32: 5>]\n"
    assert "--------- input/output types -\n" + types in out
    assert "******** digits info *********" in out and re.search(r"^input_type_rt +: gray$", out, re.M)
    out = tools("hb_model_modifier {bin}").out
    names = re.findall(r"'([^']*)'", out)
    assert out.startswith("Nodes that can be deleted: [")
    if names:
        out = tools(f"hb_model_modifier {{bin}} -r {names[0]} -o {tmp_path}/m.bin").out
        assert f"Node '{names[0]}' is removed" in out and f"modified model saved as {tmp_path}/m.bin" in out
        assert f"deleted nodes: {names[0]}" in tools(f"hb_model_info {tmp_path}/m.bin").out


def test_bin_dump_equals_the_layers(tools, tmp_path):
    """Convolutions have the same numbers in the .bin and in the quantized ONNX file."""
    tools(INFER_LAYERS, cwd=tmp_path)
    line = "hrt_bin_dump --model_file {bin} --input_file {picture} --conv_dump_path c"
    out = tools(line, cwd=tmp_path).out
    convolutions = sorted(p.name for p in (tmp_path / "c").iterdir())
    assert out == f"{len(convolutions)} convolutions written to c\n" and len(convolutions) > 2
    for name in convolutions:
        assert (tmp_path / "c" / name).read_bytes() == (tmp_path / "o" / name).read_bytes()


SENSITIVITY = "hmct-debugger get-sensitivity-of-nodes {calibrated} {data}"


def test_debugger_is_vernier_debug(tools, tmp_path):
    d = tools.digits
    ours = ["-m", "mse", "-m", "sqnr", "-n", "weight", "-d", "2"]
    want = tool.run("debug", "sensitivity", d.stage("calibrated"), d.calib, *ours, want=tool.DONE).out
    got = tools(SENSITIVITY + " -m ['mse','sqnr'] -n weight -d 2 -s .", cwd=tmp_path).out
    assert got == want and (tmp_path / "sensitivity_of_weight.csv").stat().st_size > 100
    assert tools(SENSITIVITY + " -d 2").out != want


def names_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_debugger_plots_are_those_of_vernier_debug(tools, tmp_path):
    """Each line, and the line of `vernier debug` that it stands for: same text, same files, byte by byte."""
    d = tools.digits
    nodes = [i.name for i in onnx.load(d.stage("calibrated")).graph.node if i.op_type == "Conv"][:2]
    first = next(n for n in onnx.load(d.stage("calibrated")).graph.node if n.op_type == "QuantizeLinear")
    names = [nodes[0], first.input[0] + "_HzCalibration"]
    a, b = nodes
    both = f"['{a}','{b}']"
    title = "accumulate_error/{}_cosine-similarity.png"
    cases = {
        f"plot-acc-error -q {both}": (["accumulated", "-q", a, "-q", b],
                                      [title.format("quantize_node_accumulate_err_of_node")]),
        f"plot-acc-error -q [{both},['{b}']] -a True": (
            ["accumulated", "-q", f"{a},{b}", "-q", b, "-a"],
            [title.format("quantize_node_accumulate_err_of_partial_qmodel")]),
        f"plot-acc-error -nq {both}": (
            ["accumulated", "--keep", a, "--keep", b],
            [title.format("non_quantize_node_accumulate_err_of_partial_qmodel")]),
        "plot-acc-error -q [['weight'],['activation']] -m mse": (
            ["accumulated", "-q", "weight", "-q", "activation", "-m", "mse"],
            ["accumulate_error/weight_activation_quantized_separately_mse.png"]),
        f"plot-distribution -n ['{names[0]}','{names[1]}']": (
            ["distribution", "--nodes", names[0], "--nodes", names[1]],
            [f"data_distribution/{n.replace('/', '_')}.png" for n in names]),
        f"get-channelwise-data-distribution -n {names[1]} -a 0": (
            ["channels", "--nodes", names[1], "--axis", "0"],
            [f"channelwise_distribution/{names[1].replace('/', '_')}.png"]),
        "sensitivity-analysis -p 0.9999 -q float32 -sn []": (
            ["sensitivity-analysis", "--pick-threshold", "0.9999"],
            ["sensitivity_analysis/sensitive_nodes_in_float_cosine-similarity.png"]),
    }
    for i, (line, (words, files)) in enumerate(cases.items()):
        theirs, ours = tmp_path / f"{i}/theirs", tmp_path / f"{i}/ours"
        part, rest = line.split(" ", 1)
        got = tools(f"hmct-debugger {part} {{calibrated}} {{data}} {rest} -d 2 -s {theirs}").out
        command = ["debug", words[0], d.stage("calibrated"), d.calib, *words[1:], "-d", "2", "-s", ours]
        assert got == tool.run(*command, want=tool.DONE).out, line
        assert names_in(theirs) == names_in(ours) == sorted(files), line
        for name in files:
            assert (theirs / name).read_bytes() == (ours / name).read_bytes()
            assert (theirs / name).read_bytes()[1:4] == b"PNG"
    tools("hmct-debugger sensitivity-analysis {calibrated} {data} -q int16 -d 1", want=tool.BAD_INPUT)


def test_debugger_runall(tools, tmp_path):
    tools("hmct-debugger runall {calibrated} {data} -d 2", cwd=tmp_path)
    names = names_in(tmp_path / "debug_result")
    assert {n.split("/")[0] for n in names} == {
        "node_sensitivity", "data_distribution", "channelwise_distribution", "accumulate_error",
        "sensitivity_analysis"}
    assert {n for n in names if n.startswith("node")} == {
        f"node_sensitivity/sensitivity_of_{k}.log" for k in ("weight", "activation")}
    assert "accumulate_error/weight_activation_quantized_separately_cosine-similarity.png" in names
    pictures = [n.split("/")[1] for n in names if n.startswith("data_distribution")]
    assert len(pictures) == 10 and pictures == [n.split("/")[1] for n in names if n.startswith("channelwise")]


def test_debugger_short_options(tools, tmp_path):
    """Options of several letters; and tensor-analysis."""
    d = tools.digits
    conv = next(n.name for n in onnx.load(d.stage("calibrated")).graph.node if n.op_type == "Conv")
    tools(f"hmct-debugger runall {{calibrated}} {{data}} -dn 1 -nm mse -dnl {conv} -nqn {conv} -avm True "
          f"-nt node -a 0 -pt 0.5 -s {tmp_path}/all")
    names = names_in(tmp_path / "all")
    assert f"data_distribution/{conv}.png" in names and sum(n.endswith(".png") for n in names) == 4
    assert "node_sensitivity/sensitivity_of_node.log" in names
    for refused, use in (("-i a", "get-sensitivity-of-nodes -i"), ("-sn a", "sensitivity-analysis -sn"),
                         ("-am mse", "plot-acc-error -m")):
        r = tools(f"hmct-debugger runall {{calibrated}} {{data}} {refused}", want=tool.BAD_INPUT)
        assert f"use {use}" in r.err
    assert "accumulate_error/non_quantize_node_accumulate_err_of_partial_qmodel_mse.png" in names
    got = tools(f"hmct-debugger tensor-analysis {{calibrated}} {{data}} -d 1 -np 2 -s {tmp_path}").out
    assert got == tool.run("debug", "tensors", d.stage("calibrated"), d.calib, "-d", "1", want=tool.DONE).out
    assert (tmp_path / "tensor_analysis.csv").read_text().startswith("node")
    assert "-nqn, --non_quantize_node" in tools("hmct-debugger runall --help").out


@pytest.mark.parametrize("name", ["hb_compile", "hb_analyzer", "hbm_runtime"])
def test_later_generation_is_answered(tools, name):
    r = tools(f"{name} --model x -c y", want=tool.USAGE)
    assert r.err.startswith(f"{name} is not available. Use vernier ")


def test_config_generator(tools, tmp_path):
    tools("hb_config_generator -s -m {model}", cwd=tmp_path)
    tools("hb_config_generator -f -m {model} --march bayes", cwd=tmp_path)
    simple, full = [(tmp_path / f"{k}_compile_config.yaml").read_text() for k in ("simple", "full")]
    assert "march: 'bayes-e'" in simple and "march: 'bayes'" in full and len(full) > 2 * len(simple)


def test_install_overwrites_nothing(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/hb_perf").write_text("mine")
    r = tool.run("compat", "install", tmp_path, want=tool.BAD_INPUT)
    assert "exists and is not a link to this program" in r.err
    assert (tmp_path / "bin/hb_perf").read_text() == "mine"
