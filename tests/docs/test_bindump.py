"""tools/bindump.py, which was written from docs/bin-format.md alone, sees what `vernier info` sees; the page
matches instr.def."""

import json
import math
import re
import struct
import subprocess
import sys

import pytest
import shared_models as sm
import tool

sys.path[:0] = [str(tool.ROOT / "tools"), str(tool.ROOT / "tests/hostile")]
import bindump  # noqa: E402
import many_ops  # noqa: E402


def instr_def():
    """[(name, least, most, parameters)] of src/format/instr.def, in bindump's notation."""
    text = re.sub(r"/\*.*?\*/", "", (tool.ROOT / "src/format/instr.def").read_text(), flags=re.S)
    for m in re.finditer(r"INSTR\((\w+), (\d+), (\d+), ((?:[IFA]\([^)]*\)\s*)+)\)", text):
        words = []
        for kind, what in re.findall(r"([IFA])\(([^)]*)\)", m[4]):
            name, _, count = what.partition(", ")
            words.append(f"{name}[{count}]" if kind == "A" else f"{name}:f" if kind == "F" else name)
        yield m[1], int(m[2]), int(m[3]), " ".join(words)


def test_page_matches_instr_def():
    page = (tool.ROOT / "docs/bin-format.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (\d+)(?:\.\.(\d+))? \| `([^`]*)` \|", page, flags=re.M)
    said = [(int(code), name, int(lo), int(hi or lo), words) for code, name, lo, hi, words in rows]
    assert said == [(i, *row) for i, row in enumerate(instr_def(), 1)]


def test_page_matches_portable_def():
    """The functions of PORTABLE: every one has a row, under its number."""
    names = re.findall(r"^PORTABLE\((\w+)\)", (tool.ROOT / "src/format/portable.def").read_text(), flags=re.M)
    page = (tool.ROOT / "docs/bin-format.md").read_text().partition("## Functions")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d+) \| `(\w+)` \|", page, flags=re.M) == [
        (str(i), name) for i, name in enumerate(names)
    ]


def enums():
    """{enum: its numbers without COUNT} of src/format/numbers.h, for those that count from 0."""
    text = re.sub(r"/\*.*?\*/", "", (tool.ROOT / "src/format/numbers.h").read_text(), flags=re.S)
    found = re.findall(r"enum (\w+) \{([^}#=]*)\}", text)
    return {name: [w for w in re.findall(r"\w+", body) if not w.endswith("_COUNT")] for name, body in found}


@pytest.mark.parametrize("enum, start, end", [
    ("vn_binary", "- **BINARY.** `op` ", ". The output"), ("vn_unary", "`UNARY_F32`: `op` ", "\n- "),
    ("vn_reduce", "[`outer`][`n`][`inner`]. `op` ", "\n- "),
    ("vn_portable_unary", "| 1 | `unary` | x | `i[0]`: ", "|\n"),
    ("vn_portable_binary", "| 2 | `binary` | a, b, broadcasting | `i[0]`: ", "|\n"),
    ("vn_pool_function", "extents. `i[1]`: ", "; `i[14]`"),
    ("vn_scatter", "indices, updates | `i[0]`: axis; `i[1]`: ", ". As Scatter"),
    ("vn_recurrent", "lengths, first h, first c, peepholes | `i[0]`: ", ";"),
    ("vn_activation", "three for each direction (", ")"),
    ("vn_grid_mode", "| x, grid | `i[0]`: ", ";"), ("vn_grid_outside", "`i[1]`: outside ", ";"),
    ("vn_box_code", "the background's, −1 none; `i[2]`: ", ";")])
def test_page_names_every_number(enum, start, end):
    """Where the page explains a parameter, it counts from 0 to the last of the list."""
    page = (tool.ROOT / "docs/bin-format.md").read_text()
    assert page.count(start) == 1, start
    text = page.partition(start)[2].partition(end)[0]
    said = [int(k) for k in re.findall(r"(?:^|[,;(] ?|\n  )(\d+) (?=\S)", text)]
    assert sorted(set(said)) == list(range(len(enums()[enum]))), text


def roles_def():
    text = (tool.ROOT / "include/vernier/roles.def").read_text()
    return re.findall(r'^VN_ROLE\(\w+, "(\w+)",\s+"([^"]*)"\)', text, flags=re.M)


def test_page_and_bindump_match_roles_def():
    page = (tool.ROOT / "docs/bin-format.md").read_text().partition("## Roles")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", page, flags=re.M)
    assert rows == [(str(i), *row) for i, row in enumerate(roles_def(), 1)]
    assert bindump.ROLES == [None, *(word for word, _ in roles_def())]


def test_versions_agree():
    """The title, the header's table, the history's last row, the second reader and the C header."""
    page = (tool.ROOT / "docs/bin-format.md").read_text()
    header = (tool.ROOT / "src/format/bin.h").read_text()
    found = [
        re.search(pattern, text, flags=re.M)[1]
        for text, pattern in (
            (page, r"^# The \.bin format, version (\d+)$"),
            (page, r"^\| 8 \| u32 \| `version` \| (\d+) \|$"),
            (header, r"^#define BIN_VERSION (\d+)$"),
        )
    ]
    history = re.findall(r"^\| (\d+) \|", page.partition("## Versions")[2], flags=re.M)
    assert {*found, history[-1]} == {str(bindump.VERSION)} and history == [
        str(i) for i in range(1, bindump.VERSION + 1)
    ]


def test_bindump_matches_instr_def():
    assert [(n, lo, hi, " ".join(text.split())) for n, lo, hi, text in bindump.INSTRUCTIONS] == list(
        instr_def()
    )


def bits(scale):
    """A float32, however many digits it was printed with."""
    return struct.pack("<f", scale)


def check(path):
    done = subprocess.run(
        [sys.executable, tool.ROOT / "tools/bindump.py", path, "--json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    info = json.loads(tool.run("info", "--json", path, want=tool.DONE).out)
    assert seen["checksum_ok"]
    assert len(seen["instructions"]) == info["instructions"]
    assert seen["meta"] == info["meta"] and list(seen["meta"]) == list(info["meta"])
    for side in "inputs", "outputs":
        assert len(seen[side]) == len(info[side])
        for ours, theirs in zip(seen[side], info[side]):
            assert bits(ours["scale"]) == bits(theirs.pop("scale", ours["scale"]))
            size, rows = ours["bytes"] // math.prod(ours["shape"]), ours["shape"][1:] + [1]
            assert theirs.pop("strides") == [size * math.prod(rows[i:]) for i in range(len(ours["shape"]))]
            assert {k: ours[k] for k in theirs} == theirs
    if "march" in info["meta"]:
        assert seen["header"]["march"] == info["meta"]["march"]
    check_program(seen)
    return seen


def check_program(seen):
    """What the page promises of every program."""
    tensors, written = seen["tensors"], {io["tensor"] for io in seen["inputs"]}
    check_roles(tensors)
    for i in seen["instructions"]:
        for k in i["in"][:-1] if i["params"].get("scratch") else i["in"]:
            assert tensors[k]["place"] == "const" or k in written, (
                "an instruction reads what nothing has written"
            )
        for k in (i["params"].get("hidden_conv", -1), i["params"].get("hidden_sum", -1)):
            assert k < 0 or tensors[k]["place"] == "hidden"
        assert tensors[i["out"]]["place"] == "arena"
        written.add(i["out"])
        p = i["params"]
        if i["opcode"] == "CONV_S8":
            blocks = p["groups"] * -(-(p["k"] // p["groups"]) // 16)
            assert (
                tensors[i["in"][1]]["bytes"]
                == blocks * p["kh"] * p["kw"] * -(-(p["c"] // p["groups"]) // 4) * 64
            )
            assert all(tensors[k]["bytes"] == blocks * 16 * 4 for k in i["in"][2:5])
    assert all(io["tensor"] in written for io in seen["outputs"])


def check_roles(tensors):
    """Each value at most once in each memory order; nothing but constants without a name."""
    values = [(t["name"], t["channels_last"]) for t in tensors if t["role"] == "value"]
    assert len(set(values)) == len(values)
    assert all(t["name"] for t in tensors if t["role"] != "const")
    assert all(t["place"] == "const" for t in tensors if t["role"] == "const")


def packed_sums_are_right(path, seen):
    """wsum is the sum of each channel's packed weights, padding included as zeros."""
    b = bindump.Bin(path.read_bytes())
    base, data, found = b.sections["CONSTS"][0], b.data, 0

    def const(k):
        t = seen["tensors"][k]
        return data[base + t["offset"]:base + t["offset"] + t["bytes"]]

    for i in seen["instructions"]:
        if i["opcode"] != "CONV_S8":
            continue
        weight, wsum = const(i["in"][1]), const(i["in"][4])
        blocks = len(wsum) // 64
        size = len(weight) // blocks
        for block in range(blocks):
            sums = [0] * 16
            for at in range(0, size, 64):
                for j in range(16):
                    part = weight[block * size + at + 4 * j:block * size + at + 4 * j + 4]
                    sums[j] += sum(x - 256 * (x > 127) for x in part)
            want = [
                int.from_bytes(wsum[(block * 16 + j) * 4 : (block * 16 + j) * 4 + 4], "little", signed=True)
                for j in range(16)
            ]
            assert sums == want
        found += 1
    return found


def make_model(path):
    """Branches, a depthwise convolution, a pool, a resize and a softmax."""
    np, helper = pytest.importorskip("numpy"), pytest.importorskip("onnx.helper")
    import onnx
    rng = np.random.default_rng(1)

    def const(name, *shape):
        return onnx.numpy_helper.from_array((rng.random(shape, np.float32) - 0.5), name)

    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], group=20, pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["a"]),
        helper.make_node("Sigmoid", ["a"], ["s"]),
        helper.make_node("Mul", ["a", "s"], ["m"]),
        helper.make_node("MaxPool", ["m"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["p", "", "scales"], ["z"], mode="linear"),
        helper.make_node("Concat", ["z", "m"], ["k"], axis=1),
        helper.make_node("GlobalAveragePool", ["k"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], transB=1),
        helper.make_node("Softmax", ["y"], ["prob"]),
    ]
    inits = [
        const("w1", 20, 3, 3, 3),
        const("b1", 20),
        const("w2", 20, 1, 3, 3),
        const("w3", 5, 40),
        const("b3", 5),
        onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", 1, [1, 3, 16, 16])], [value("prob", 1, [1, 5])], inits)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


CONFIG = """model_parameters:
  onnx_model: 'net.onnx'
  working_dir: 'out'
  march: 'x86-64-v4'
input_parameters:
  input_type_train: 'rgb'
  input_type_rt: '{rt}'
  norm_type: 'data_scale'
  scale_value: 0.0078125
calibration_parameters:
  calibration_type: 'skip'
compiler_parameters:
  optimize_level: '{level}'
"""


@pytest.mark.parametrize("level", ["O0", "O3"])
@pytest.mark.parametrize("rt", ["rgb", "nv12"])
def test_small_network(tmp_path, rt, level):
    make_model(tmp_path / "net.onnx")
    (tmp_path / "net.yaml").write_text(CONFIG.format(rt=rt, level=level))
    tool.run("convert", "-c", tmp_path / "net.yaml", "--log", "none", "--min-cosine", "-1", want=tool.DONE)
    path = tmp_path / "out/model.bin"
    seen = check(path)
    assert packed_sums_are_right(path, seen) >= 2
    assert seen["inputs"][0]["type"] == rt
    assert any(t["place"] == "hidden" for t in seen["tensors"]) == (level == "O3")


def test_example(digits):
    seen = check(digits.bin)
    assert packed_sums_are_right(digits.bin, seen) >= 1
    names_are_of_the_model(seen, digits.stage("quantized"))


def names_are_of_the_model(seen, quantized):
    """Every name is that of a tensor in the quantized ONNX file."""
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(quantized).graph
    known = {name for n in graph.node for name in [*n.input, *n.output]} | {
        x.name for x in [*graph.input, *graph.initializer]
    }
    assert {t["name"] for t in seen["tensors"]} - known <= {""}


@pytest.mark.parametrize("name", sm.MODELS)
def test_real_models(name, products):
    p = products(name)
    seen = check(p.bin)
    assert packed_sums_are_right(p.bin, seen) >= 1
    names_are_of_the_model(seen, p.onnx("quantized"))


def test_every_instruction(tmp_path):
    """Programs with nearly every instruction, in int8, int16 and both."""
    folder = many_ops.convert(tmp_path)
    for name, _, _ in many_ops.CONFIGS:
        names_are_of_the_model(
            check(folder / f"many_{name}.bin"), folder / f"many_{name}_quantized_model.onnx"
        )


def test_damage_is_found(digits, tmp_path, capsys):
    data = bytearray(digits.bin.read_bytes())
    data[-100] ^= 1
    path = tmp_path / "damaged.bin"
    path.write_bytes(data)
    assert bindump.main([str(path)]) == 1 and "WRONG" in capsys.readouterr().out
    path.write_bytes(data[:1000])
    assert bindump.main([str(path)]) == 3
    path.write_bytes(b"no program")
    assert bindump.main([str(path)]) == 3
    assert bindump.main([]) == 2
