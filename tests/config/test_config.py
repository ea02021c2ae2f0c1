"""The configuration through `vernier convert -c`: what is refused, where, and with which words; and what is
taken. `vernier check -c` says the same of every one of them."""
import json
import re
import sys
import zlib

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import config_words  # noqa: E402

WORDS = config_words.tables()


def keys():
    """group, name, type, state, default, choices, needs, excludes of every key, from the one table in
    src/config/keys.c."""
    text = (tool.ROOT / "src/config/keys.c").read_text()
    macros = dict(re.findall(r'#define (\w+) "(\w+)"', text))
    table = []
    for m in re.finditer(
        r'\{ (MODEL|INPUT|CALIB|COMPILER|CUSTOM), "(\w+)", (KEY_\w+), (KEY_\w+), (NULL|"[^"]*")(.*?)\},\n',
        text,
        re.S,
    ):
        rest = m[6]
        positional = re.match(r',\s*vn_words_(\w+)', rest)
        fields = dict(re.findall(r"\.(\w+) = \"([^\"]*)\"", rest))
        table.append(
            dict(
                group=macros[m[1]],
                name=m[2],
                type=m[3][4:],
                state=m[4][4:],
                default=None if m[5] == "NULL" else m[5][1:-1],
                choices=WORDS[positional[1]] if positional else None,
                needs=fields.get("needs"),
                idle=fields.get("idle"),
                excludes=fields.get("excludes"),
                min=re.search(r"\.min = ([\d.e]+)", rest),
                max=re.search(r"\.max = ([\d.e]+)", rest),
            )
        )
    return table


KEYS = keys()
NAMED = {k["name"]: k for k in KEYS}
# a conversion that works and takes no time: random data
BASE = {
    "model_parameters": {"onnx_model": "'{model}'", "working_dir": "'out'"},
    "input_parameters": {"input_type_train": "'gray'", "input_type_rt": "'gray'"},
    "calibration_parameters": {"calibration_type": "'skip'"},
    "compiler_parameters": {"optimize_level": "'O3'"},
}


def compose(changes):
    """YAML text; changes: (group, key) -> text, or None to leave the key out. Also where each key stands."""
    groups = {g: dict(v) for g, v in BASE.items()}
    for (group, key), value in changes.items():
        groups.setdefault(group, {})
        if value is None:
            groups[group].pop(key, None)
        else:
            groups[group][key] = value
    lines, at = [], {}
    for group, settings in groups.items():
        lines.append(f"{group}:")
        for key, value in settings.items():
            lines.append(f"  {key}: {value}")
            at[key] = len(lines)
    return "\n".join(lines).replace("{model}", str(tool.ROOT / "examples/digits/digits.onnx")) + "\n", at


def convert(tmp_path, text, want, cwd=None):
    path = tmp_path / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = tool.run("convert", "-c", path, "--log", "none", want=want, cwd=cwd or tmp_path)
    begin = "vernier convert: "
    lines = [line[len(begin):].replace(str(path),
                                       "c.yaml") for line in done.err.splitlines() if line.startswith(begin)]
    done.problems = lines[:-1] if len(lines) > 1 else lines  # the last of several says how many they are
    assert len(lines) < 2 or lines[-1] == f"c.yaml: {len(lines) - 1} problems"
    done.warnings = [
        line.split(" WARNING ", 1)[1].replace(str(path), "c.yaml")
        for line in done.err.splitlines()
        if " WARNING " in line
    ]
    done.message = lines[0] if lines else ""
    if not cwd and (tool.CAMPAIGN or zlib.crc32(path.read_bytes()) % 4 == 0):
        check_agrees(path, done)
    return done


def check_agrees(path, converted):
    """check -c: the same exit status, problems and warnings, and no files."""
    folder = path.parent
    before = sorted(folder.rglob("*"))
    done = tool.run("check", "-c", path, "--json", want=converted.status, cwd=folder)
    assert sorted(folder.rglob("*")) == before
    said = json.loads(done.out)
    problems = [p["problem"].replace(str(path), "c.yaml") for p in said.get("problems", [])]
    assert problems == [p.removesuffix("\n") for p in converted.problems], (problems, converted.problems)
    assert ("nodes" in said) == (converted.status != tool.BAD_INPUT)
    lines = done.err.replace(str(path), "c.yaml").splitlines()
    assert [line.split(" WARNING ", 1)[1] for line in lines if " WARNING " in line] == converted.warnings


def set_keys(**values):
    return {(NAMED[k]["group"], k): v for k, v in values.items()}


def refused(tmp_path, changes, where, *words):
    """The message starts with file:line:column of the key `where`, and has the words."""
    text, at = compose(changes)
    done = convert(tmp_path, text, tool.BAD_INPUT)
    if where:
        assert done.message.startswith(f"c.yaml:{at[where]}:3: {where}: "), done.message
    for w in words:
        assert w in done.message, done.message
    assert not list((tmp_path / "out").glob("*.bin"))
    return done.message


def taken(tmp_path, changes):
    done = convert(tmp_path, compose(changes)[0], tool.DONE)
    assert (tmp_path / "out/model.bin").exists() or "output_model_file_prefix" in str(changes)
    return done


def test_the_table_was_read():
    assert (
        len(KEYS)
        == len(re.findall(r"^    \{ \w+, \"", (tool.ROOT / "src/config/keys.c").read_text(), re.M))
        > 50
    )


def test_base(tmp_path):
    taken(tmp_path, {})


# ---- one key at a time, from the table ----

WRONG = {
    "BOOL": "'perhaps'",
    "INT": "1.5",
    "FLOAT": "'much'",
    "CHOICE": "'something_else'",
    "NUMBERS": "'one two'",
}


def needed(k):
    """What must be set for this key to have an effect."""
    if not k["needs"]:
        return {}
    other, values = k["needs"].split("=")
    return set_keys(**{other: f"'{values.split('|')[0]}'"})


@pytest.mark.parametrize("name", [k["name"] for k in KEYS if k["type"] in WRONG or k["choices"]])
def test_wrong_type(tmp_path, name):
    k = NAMED[name]
    value = "'something_else'" if k["choices"] else WRONG[k["type"]]
    message = refused(tmp_path, {**needed(k), **set_keys(**{name: value})}, name, value.strip("'").split()[0])
    if k["choices"]:
        for choice in k["choices"].split("|"):
            assert choice in message


@pytest.mark.parametrize("name", [k["name"] for k in KEYS if k["type"] in ("INT", "FLOAT")])
@pytest.mark.parametrize("side", ["min", "max"])
def test_out_of_range(tmp_path, name, side):
    k = NAMED[name]
    limit = float(k[side][1]) if k[side] else 0
    value = limit + (1 if side == "max" else -1)
    refused(
        tmp_path,
        {**needed(k), **set_keys(**{name: f"{value:.0f}" if k["type"] == "INT" else value})},
        name,
        "expected ",
    )


@pytest.mark.parametrize("name", [k["name"] for k in KEYS if k["type"] not in ("TREE", "MAP")])
@pytest.mark.parametrize("value", ["{a: 1}", "[1, 2]"])
def test_a_collection_for_a_scalar(tmp_path, name, value):
    text, at = compose(set_keys(**{name: value}))
    message = convert(tmp_path, text, tool.BAD_INPUT).message
    assert (
        message.startswith(f"c.yaml:{at[name]}:")
        and f"{name}: expected one value, got a {'mapping' if '{' in value else 'list'}" in message
    )


@pytest.mark.parametrize(
    "value,words",
    [
        ("[1, 2]", "expected {NAME: WORD}, got a list"),
        ("{image: {a: b}}", "expected {NAME: WORD}"),
        ("'ddr'", "expected {NAME: WORD}"),
    ],
)
def test_a_map(tmp_path, value, words):
    message = convert(tmp_path, compose(set_keys(input_source=value))[0], tool.BAD_INPUT).message
    assert f"input_source: {words}" in message


@pytest.mark.parametrize("name", [k["name"] for k in KEYS if k["state"] == "VENDOR"])
def test_vendor_keys_are_checked_and_reported(tmp_path, name):
    k = NAMED[name]
    value = k["default"] or (k["choices"] or "").split("|")[0] or {"BOOL": "True", "INT": "3",
                                                                   "TREE": "{a: b}",
                                                                   "MAP": "{image: ddr}"}.get(k["type"],
                                                                                              "'x'")
    done = taken(tmp_path, {**needed(k), **set_keys(**{name: value})})
    assert f"{name}: checked, but has no effect here" in done.err


@pytest.mark.parametrize("name", [k["name"] for k in KEYS if k["needs"]])
def test_no_effect_in_this_combination(tmp_path, name):
    k = NAMED[name]
    value = {"INT": "50", "FLOAT": "0.9999", "NUMBERS": "2", "BOOL": "True",
             "CHOICE": (k["choices"] or "").split("|")[-1]}.get(k["type"], "'center_crop 8'")
    other = k["needs"].split("=")[0]
    if k["idle"] == "*":
        assert any(
            f"{name}: has no effect: {other} is " in w
            for w in taken(tmp_path, set_keys(**{name: value})).warnings
        )
        return
    refused(
        tmp_path,
        set_keys(**{name: value}),
        name,
        "has no effect",
        other,
        "remove this key or change the other",
    )


@pytest.mark.parametrize("name", [k["name"] for k in KEYS])
def test_wrong_group(tmp_path, name):
    right = NAMED[name]["group"]
    wrong = "compiler_parameters" if right != "compiler_parameters" else "model_parameters"
    text, at = compose({(wrong, name): "1"}) if name not in BASE.get(wrong, {}) else (None, None)
    message = convert(tmp_path, text, tool.BAD_INPUT).message
    line = text.splitlines().index(f"  {name}: 1") + 1
    assert message == f"c.yaml:{line}:3: key '{name}' belongs under {right}, not under {wrong}"


@pytest.mark.parametrize("name", [k["name"] for k in KEYS if len(k["name"]) > 5])
def test_misspelt(tmp_path, name):
    wrong = name[:2] + name[3:]
    if wrong in NAMED:
        pytest.skip(f"{wrong} is a key")
    group = NAMED[name]["group"]
    message = convert(tmp_path, compose({(group, wrong): "1"})[0], tool.BAD_INPUT).message
    assert re.match(
        rf"c\.yaml:\d+:3: unknown key '{wrong}' under {group}; did you mean '{name}'\?$", message
    ), message


@pytest.mark.parametrize(
    "name", ["march", "input_type_rt", "calibration_type", "optimize_level", "node_info"]
)
def test_given_twice(tmp_path, name):
    text, at = compose(set_keys(**{name: "1"}))
    lines = text.splitlines()
    lines.insert(at[name], lines[at[name] - 1])
    message = convert(tmp_path, "\n".join(lines), tool.BAD_INPUT).message
    assert message == f"c.yaml:{at[name] + 1}:3: duplicate key '{name}'; first on line {at[name]}"


def test_given_twice_with_the_first_one_empty(tmp_path):
    text = compose({})[0].replace("compiler_parameters:\n", "compiler_parameters:\n  optimize_level:\n")
    assert "duplicate key" in convert(tmp_path, text, tool.BAD_INPUT).message


@pytest.mark.parametrize(
    "name",
    ["march", "input_shape", "cal_data_type", "optimize_level", "debug_mode", "max_percentile", "pipeline"],
)
def test_a_key_without_a_value_counts_as_absent(tmp_path, name):
    taken(tmp_path, set_keys(**{name: ""}))


# ---- groups and the file itself ----

@pytest.mark.parametrize(
    "text,words",
    [
        ("", ["c.yaml:1:1", "expected a mapping with model_parameters"]),
        ("- a\n- b\n", ["c.yaml:1:1", "expected a mapping"]),
        ("just text\n", ["c.yaml:1:1", "expected a mapping"]),
        (
            "model_paramters:\n  march: x\n",
            ["c.yaml:1:1", "unknown group 'model_paramters'; did you mean 'model_parameters'?"],
        ),
        ("march: generic\n", ["c.yaml:1:1", "key 'march' belongs under model_parameters"]),
        ("model_parameters: 3\n", ["group 'model_parameters': expected keys below it"]),
        ("model_parameters: [a]\n", ["group 'model_parameters': expected keys below it"]),
        (
            "model_parameters:\n  march: generic\nmodel_parameters:\n  march: generic\n",
            ["c.yaml:3:1", "duplicate group 'model_parameters'"],
        ),
        ("model_parameters:\n\tmarch: generic\n", ["c.yaml:2:1", "not YAML"]),
        ("model_parameters:\n  march: 'generic\n", ["not YAML"]),
        ("model_parameters:\n  march: *there\n", ["aliases are not supported"]),
        ("model_parameters: &a\n  march: generic\n  [x, y]: 2\n", ["expected a key of model_parameters"]),
        ("model_parameters:\n  march: generic\n  <<: *a\n", ["unknown key '<<'"]),
        (b"model_parameters:\n  march: '\xff\xfe'\n", ["c.yaml:", "not YAML", "UTF-8"]),
        (b"model_parameters:\n  march: \"a\\0b\"\n", ["c.yaml:2:", "zero byte"]),
        (b"\0\0\0\0", ["c.yaml:1:1", "not YAML"]),
        (
            "model_parameters:\n  node_info: " + "[" * 40 + "]" * 40 + "\n",
            ["c.yaml:2:", "nested deeper than 16"],
        ),
        (
            "model_parameters:\n  march: " + "{a: " * 200 + "1" + "}" * 200 + "\n",
            ["c.yaml:2:", "expected one value"],
        ),
        ("a: &a [x]\nb: [*a, *a]\n", ["c.yaml:1:1", "unknown group 'a'"]),
    ],
)
def test_file(tmp_path, text, words):
    message = convert(tmp_path, text, tool.BAD_INPUT).message
    for w in words:
        assert w in message, message


def test_second_document(tmp_path):
    message = convert(
        tmp_path, compose({})[0] + "---\nmodel_parameters:\n  march: bayes\n", tool.BAD_INPUT
    ).message
    assert "expected one document, got a second" in message


def test_missing_file(tmp_path):
    done = tool.run("convert", "-c", tmp_path / "none.yaml", "--log", "none", want=tool.BAD_INPUT)
    assert f"{tmp_path}/none.yaml: cannot open" in done.err


def test_windows_lines_and_byte_order_mark(tmp_path):
    convert(tmp_path, b"\xef\xbb\xbf" + compose({})[0].replace("\n", "\r\n").encode(), tool.DONE)


@pytest.mark.parametrize(
    "name,words",
    [
        ("onnx_model", "Key 'model_parameters' error: Missing keys: 'onnx_model'"),
        ("input_type_train", "Missing keys: 'input_type_train'"),
        ("input_type_rt", "Missing keys: 'input_type_rt'"),
    ],
)
def test_missing_key(tmp_path, name, words):
    assert words in convert(tmp_path, compose(set_keys(**{name: None}))[0], tool.BAD_INPUT).message


def test_missing_calibration_data(tmp_path):
    message = convert(tmp_path, compose(set_keys(calibration_type="'max'"))[0], tool.BAD_INPUT).message
    assert "Missing keys: 'cal_data_dir'" in message


# ---- combinations ----

def test_caffe_and_onnx_exclude_each_other(tmp_path):
    refused(
        tmp_path,
        set_keys(caffe_model="'x.caffemodel'"),
        "onnx_model",
        "excludes caffe_model, given on line 4",
    )


@pytest.mark.parametrize(
    "changes,where,words",
    [
        (dict(optimization="'assymetric'"), "optimization", "did you mean 'asymmetric'?"),
        (
            dict(march="'bayes-f'"),
            "march",
            "unknown march 'bayes-f' (did you mean 'bayes-e'?); expected one of",
        ),
        (dict(output_model_file_prefix="'a/b'"), "output_model_file_prefix", "without '/'"),
        (dict(norm_type="'data_mean'"), None, "norm_type data_mean requires mean_value"),
        (dict(norm_type="'data_mean_and_scale'", mean_value="1"), None, "requires scale_value"),
        (
            dict(norm_type="'data_mean'", mean_value="1", scale_value="2"),
            "scale_value",
            "has no effect: norm_type is data_mean",
        ),
        (
            dict(norm_type="'data_scale'", scale_value="'1 2 3'"),
            "scale_value",
            "expected 1 or 1 numbers for gray, got 3",
        ),
        (dict(norm_type="'data_scale'", scale_value="nan"), "scale_value", "expected numbers"),
        (dict(norm_type="'data_scale'", scale_value="'1e999'"), "scale_value", "expected numbers"),
        (dict(input_name="'image; other'"), "input_name", "describes 2 inputs, the model has 1"),
        (dict(input_name="'imagine'"), "input_name", "the model has no input 'imagine'; it has 'image'"),
        (dict(input_type_rt="'gray; gray'", input_name="'image'"), "input_type_rt", "2 values for 1 inputs"),
        (dict(input_shape="'1x1x8'"), None, ""),
        (dict(input_shape="'1x1xAx8'"), "input_shape", "1x1xAx8"),
        (dict(input_shape="'1x0x8x8'"), "input_shape", "1x0x8x8"),
        (dict(input_shape="'1x1x8x'"), "input_shape", "1x1x8x"),
        (dict(max_percentile="0.2", calibration_type="'max'"), "max_percentile", "expected 0.5 to 1"),
    ],
)
def test_combination(tmp_path, changes, where, words):
    refused(tmp_path, set_keys(**changes), where, words)


# ---- image types ----

ALLOWED = {
    "yuv444": ["nv12", "yuv444"],
    "rgb": ["nv12", "yuv444", "rgb", "bgr"],
    "bgr": ["nv12", "yuv444", "rgb", "bgr"],
    "gray": ["gray"],
    "featuremap": ["featuremap"],
}
TYPES = ["rgb", "bgr", "yuv444", "nv12", "gray", "featuremap"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A network for each number of channels and layout, and one with two inputs."""
    onnx = pytest.importorskip("onnx")
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
    folder = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)

    def info(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def save(name, nodes, inputs, output, weights):
        graph = helper.make_graph(
            nodes,
            name,
            inputs,
            [info("y", output)],
            [numpy_helper.from_array(v, k) for k, v in weights.items()],
        )
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
            folder / f"{name}.onnx",
        )

    for c in (1, 3):
        w = rng.standard_normal((4, c, 3, 3)).astype(np.float32)
        v = rng.standard_normal((4, 4, 1, 1)).astype(np.float32)
        turn = helper.make_node("Transpose", ["x"], ["t"], "turn", perm=[0, 3, 1, 2])
        rest = [
            helper.make_node("Relu", ["c"], ["r"], "relu"),
            helper.make_node("Conv", ["r", "v"], ["y"], "last"),
        ]
        save(
            f"NCHW{c}",
            [helper.make_node("Conv", ["x", "w"], ["c"], "conv"), *rest],
            [info("x", [1, c, 8, 8])],
            [1, 4, 6, 6],
            {"w": w, "v": v},
        )
        save(
            f"NHWC{c}",
            [turn, helper.make_node("Conv", ["t", "w"], ["c"], "conv"), *rest],
            [info("x", [1, 8, 8, c])],
            [1, 4, 6, 6],
            {"w": w, "v": v},
        )
    save(
        "two",
        [
            helper.make_node("Conv", ["a", "w"], ["t"], "conv"),
            helper.make_node("Add", ["t", "b"], ["y"], "add"),
        ],
        [info("a", [1, 3, 8, 8]), info("b", [1, 4, 6, 6])],
        [1, 4, 6, 6],
        {"w": rng.standard_normal((4, 3, 3, 3)).astype(np.float32)},
    )
    return folder


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("train,rt", [(t, r) for t in ALLOWED for r in ALLOWED[t]])
def test_allowed_types_convert_and_verify(tmp_path, models, train, rt, layout):
    model = models / f"{layout}{1 if train == 'gray' else 3}.onnx"
    changes = set_keys(
        onnx_model=f"'{model}'",
        input_type_train=f"'{train}'",
        input_type_rt=f"'{rt}'",
        input_layout_train=f"'{layout}'",
    )
    taken(tmp_path, changes)
    out = tmp_path / "out"
    tool.run("verify", out / "model_quantized_model.onnx", out / "model.bin", want=tool.DONE)


@pytest.mark.parametrize("train,rt", [(t, r) for t in ALLOWED for r in TYPES if r not in ALLOWED[t]])
def test_forbidden_types(tmp_path, train, rt):
    refused(
        tmp_path,
        set_keys(input_type_train=f"'{train}'", input_type_rt=f"'{rt}'"),
        "input_type_rt",
        f"{rt} cannot be converted to {train}",
        "|".join(ALLOWED[train]).split("|")[0],
    )


def test_nv12_is_no_training_type(tmp_path):
    refused(
        tmp_path,
        set_keys(input_type_train="'nv12'", input_type_rt="'nv12'"),
        "input_type_train",
        "expected one of rgb, bgr, yuv444, gray, featuremap",
    )


@pytest.mark.parametrize(
    "changes,where,words",
    [
        (
            dict(input_space_and_range="'bt601_video'", input_type_rt="'rgb'", input_type_train="'rgb'"),
            "input_space_and_range",
            "bt601_video requires input_type_rt nv12",
        ),
        (
            dict(input_space_and_range="'bt601_video'", input_type_rt="'nv12'", input_type_train="'yuv444'"),
            "input_space_and_range",
            "input_type_train rgb or bgr",
        ),
        (
            dict(
                input_type_rt="'featuremap'",
                input_type_train="'featuremap'",
                norm_type="'data_scale'",
                scale_value="2",
            ),
            "norm_type",
            "featuremap inputs are not preprocessed",
        ),
    ],
)
def test_image_combinations(tmp_path, changes, where, words):
    refused(tmp_path, set_keys(**changes), where, words)


@pytest.mark.parametrize("rt,range_", [("nv12", "regular"), ("nv12", "bt601_video"), ("rgb", "regular")])
def test_ranges(tmp_path, models, rt, range_):
    taken(
        tmp_path,
        set_keys(
            onnx_model=f"'{models}/NCHW3.onnx'",
            input_type_train="'bgr'",
            input_type_rt=f"'{rt}'",
            input_space_and_range=f"'{range_}'",
        ),
    )


@pytest.mark.parametrize(
    "norm",
    [
        dict(norm_type="'data_mean'", mean_value="'1 2 3'"),
        dict(norm_type="'data_mean'", mean_value="7"),
        dict(norm_type="'data_scale'", scale_value="'0.1, 0.2, 0.3'"),
        dict(norm_type="'data_scale'", scale_value="1e-2"),
        dict(norm_type="'data_mean_and_scale'", mean_value="'[1 2 3]'", scale_value="0.5"),
        dict(norm_type="'no_preprocess'"),
        dict(norm_type="'no_preprocess'", mean_value="'None'", scale_value="None"),
    ],
)
def test_norm_types(tmp_path, models, norm):
    changes = set_keys(
        onnx_model=f"'{models}/NCHW3.onnx'", input_type_train="'rgb'", input_type_rt="'bgr'", **norm
    )
    taken(tmp_path, changes)


# ---- values that change nothing ----

@pytest.mark.parametrize("changes,words", [
    (dict(norm_type="'no_preprocess'", mean_value="'0 0 0'", scale_value="'1 1 1'"),
     ["mean_value: has no effect", "scale_value: has no effect"]),
    (dict(norm_type="'no_preprocess'", mean_value="'None'"), ["mean_value: has no effect"]),
    (dict(norm_type="'data_mean'", mean_value="'1 2 3'", scale_value="1"),
     ["scale_value: has no effect: norm_type is data_mean"]),
    (dict(max_percentile="0.99999"), ["max_percentile: has no effect: calibration_type is skip"]),
    (dict(cal_data_dir="'nowhere'", cal_data_type="'float32'"),
     ["cal_data_dir: has no effect: calibration_type skip uses random data",
      "cal_data_type: has no effect: calibration_type skip"]),
    (dict(input_layout_rt="'NHWC'", input_type_rt="'nv12'"), ["input_layout_rt: has no effect for nv12"]),
])
def test_values_that_change_nothing_are_warnings(tmp_path, models, changes, words):
    base = dict(onnx_model=f"'{models}/NCHW3.onnx'", input_type_train="'rgb'", input_type_rt="'rgb'")
    text, at = compose(set_keys(**{**base, **changes}))
    warnings = convert(tmp_path, text, tool.DONE).warnings
    assert len(warnings) == len(words)
    for w in words:
        assert any(f"c.yaml:{at[w.split(':')[0]]}:3: {w}" in line for line in warnings), warnings


def test_a_featuremap_with_a_normalization_of_nothing(tmp_path, models):
    done = taken(tmp_path, set_keys(onnx_model=f"'{models}/NCHW3.onnx'", input_type_train="'featuremap'",
                                    input_type_rt="'featuremap'",
                                    norm_type="'data_mean_and_scale'", mean_value="0", scale_value="1"))
    assert any("norm_type: has no effect: a featuremap is not preprocessed" in w for w in done.warnings)


def test_preprocess_on_makes_cal_data_type_a_warning(tmp_path, digits):
    text = compose(set_keys(calibration_type="'max'", cal_data_dir=f"'{tmp_path}'", preprocess_on="True",
                            cal_data_type="'uint8'"))[0]
    done = convert(tmp_path, text, tool.BAD_INPUT)  # the folder holds no images
    assert (
        any("cal_data_type: has no effect: with preprocess_on" in w for w in done.warnings)
        and len(done.problems) == 1
    )


# ---- what the format forbids ----

@pytest.mark.parametrize("changes,where,words", [
    (dict(compile_mode="'balance'"), "compile_mode", "balance requires balance_factor"),
    (dict(max_time_per_fc="500"), "max_time_per_fc",
     "expected 0 or 1000 to 4294967295 microseconds, got 500"),
    (dict(core_num="2", march="'bayes-e'"), "core_num",
     "march bayes-e runs a model on at most 1 core, got 2"),
    (dict(core_num="3", march="'bernoulli2'"), "core_num",
     "march bernoulli2 runs a model on at most 2 cores, got 3"),
    (dict(core_num="2", march="'bayes'"), "core_num", "march bayes runs a model on at most 1 core, got 2"),
])
def test_forbidden(tmp_path, changes, where, words):
    refused(tmp_path, set_keys(**changes), where, words)


@pytest.mark.parametrize("changes,words", [
    (dict(input_source="{imagine: ddr}"),
     "input_source: the model has no input 'imagine'; it has 'image'"),
    (dict(input_source="{image: disk}"),
     "input_source: image: expected one of ddr, pyramid, resizer, got 'disk'"),
    (dict(input_source="{image: resizer}", input_type_train="'featuremap'", input_type_rt="'featuremap'"),
     "input_source: image: resizer requires input_type_rt nv12 or gray, got featuremap"),
    (dict(input_source="{image: resizer}", layer_out_dump="True"),
     "input_source: image: resizer excludes layer_out_dump"),
])
def test_forbidden_sources(tmp_path, changes, words):
    assert words in convert(tmp_path, compose(set_keys(**changes))[0], tool.BAD_INPUT).message


@pytest.mark.parametrize("changes", [dict(compile_mode="'balance'", balance_factor="50"),
                                     dict(max_time_per_fc="1000"), dict(core_num="2", march="'bernoulli2'"),
                                     dict(core_num="4"), dict(input_source="{image: resizer}"),
                                     dict(input_source="{image: pyramid}")])
def test_permitted(tmp_path, changes):
    taken(tmp_path, set_keys(**changes))


# ---- several inputs ----

TWO = dict(input_name="'a; b'", input_type_train="'rgb; featuremap'", input_type_rt="'nv12; featuremap'")


@pytest.mark.parametrize(
    "more",
    [
        {},
        dict(input_layout_rt="'None; NCHW'"),
        dict(input_shape="'1x3x8x8; 1x4x6x6'"),
        dict(input_name="'b; a'", input_type_train="'featuremap;rgb'", input_type_rt="'featuremap;bgr;'"),
        dict(
            norm_type="'data_mean_and_scale; no_preprocess'",
            mean_value="'1 2 3; None'",
            scale_value="'0.1; None'",
        ),
        dict(input_space_and_range="'bt601_video; regular'"),
    ],
)
def test_two_inputs(tmp_path, models, more):
    taken(tmp_path, set_keys(onnx_model=f"'{models}/two.onnx'", **{**TWO, **more}))
    tool.run(
        "verify", tmp_path / "out/model_quantized_model.onnx", tmp_path / "out/model.bin", want=tool.DONE
    )


@pytest.mark.parametrize(
    "more,where,words",
    [
        (dict(input_name=None), None, "It is necessary to explicitly specify all the input_name"),
        (dict(input_name="'a; c'"), "input_name", "the model has no input 'c'; it has 'a', 'b'"),
        (dict(input_name="duplicate input name 'a; a'"), "input_name", "'a'"),
        (
            dict(input_name="'a'", input_type_train="'rgb'", input_type_rt="'rgb'"),
            "input_name",
            "describes 1 inputs, the model has 2",
        ),
        (dict(input_shape="'1x3x8x8; 1x4x6x6; 1'"), "input_shape", "3 values for 2 inputs"),
        (
            dict(norm_type="'data_mean; data_mean'", mean_value="1"),
            "norm_type",
            "featuremap inputs are not preprocessed",
        ),
        (
            dict(norm_type="'data_mean; no_preprocess'", mean_value="'1; 2'"),
            "mean_value",
            "norm_type no_preprocess excludes mean_value",
        ),
        (
            dict(norm_type="'data_mean; no_preprocess'", mean_value="'1 2; None'"),
            "mean_value",
            "expected 1 or 3 numbers for rgb, got 2",
        ),
    ],
)
def test_two_inputs_refused(tmp_path, models, more, where, words):
    refused(tmp_path, set_keys(onnx_model=f"'{models}/two.onnx'", **{**TWO, **more}), where, words)


def test_dump_calibration_data(tmp_path):
    taken(tmp_path, set_keys(debug_mode="'dump_calibration_data'"))
    assert len(list((tmp_path / "out/calibration_data/image").glob("*.npy"))) == 8


def test_relative_paths_start_at_the_file(tmp_path, digits):
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "m.onnx").write_bytes(digits.model.read_bytes())
    convert(tmp_path, compose(set_keys(onnx_model="'m.onnx'"))[0], tool.DONE, cwd=other)
    assert (tmp_path / "out/model.bin").exists()
