"""Everything wrong with a configuration is said in one run, each thing once, nothing for its consequences."""
import numpy as np
import pytest
import tool
from test_config import compose, convert, set_keys


def problems(tmp_path, text, cwd=None):
    done = convert(tmp_path, text, tool.BAD_INPUT, cwd=cwd)
    assert not (tmp_path / "out").exists()
    return done.problems


def places(found):
    """(line, key or the words behind it) of each."""
    return [(int(p.split(":")[1]), p.split(": ")[1]) for p in found]


def test_problems_of_every_kind(tmp_path):
    (tmp_path / "empty").mkdir()
    units = "{'conv_99': {'ON': 'CPU'}, 'conv_1': {'ON': 'GPU', 'InputType': 'int4'}}"
    wrong = set_keys(march="'bayes-f'", node_info=units, input_shape="'1x1x8xA'", calibration_type="'max'",
                     cal_data_dir="'empty'", max_percentile="2", compile_mode="'fast'", max_time_per_fc="500",
                     optimization="'assymetric,set_Convv_input_int16'")
    text, at = compose({**wrong, ("compiler_parameters", "optimise_level"): "'O4'"})
    found = problems(tmp_path, text)
    keys = {key for _, key in places(found)}
    assert keys == {"march", "node_info", "input_shape", "cal_data_dir", "max_percentile", "optimization",
                    "compile_mode", "max_time_per_fc",
                    "unknown key 'optimise_level' under compiler_parameters; did you mean 'optimize_level'?"}
    assert len(found) == 12, found  # three of node_info, two of optimization
    for line, key in places(found):
        assert line == at.get(key, line)
    for words in ["unknown node 'conv_99'", "conv_1: expected ON: BPU or ON: CPU",
                  "conv_1: expected int8 or int16", "'assymetric'", "unknown operator 'Convv'"]:
        assert sum(words in p for p in found) == 1, (words, found)


@pytest.mark.parametrize("changes,key", [
    (dict(input_type_rt="'rbg'"), "input_type_rt"),
    # no word about what rbg cannot be converted to, or that it is missing
    (dict(input_type_train="'grey'"), "input_type_train"), (dict(calibration_type="'mixx'"),
                                                            "calibration_type"),
    (dict(norm_type="'data_meen'", mean_value="3"), "norm_type"), (dict(norm_type="'data_mean'",
                                                                        mean_value="'a b'"), "mean_value"),
    (dict(norm_type="'data_mean'", mean_value="'1 2 3'"), "mean_value"), (dict(onnx_model="[a]"),
                                                                          "onnx_model"),
    (dict(input_name="'image; other'"), "input_name"), (dict(march="'bayes-f'"), "march"),
    (dict(input_shape="'1x1x9x9'", input_name="'imagine'"), "input_name"),
    (dict(input_layout_train="'NHWC'"), "input_layout_train"),
    (dict(input_type_train="'rgb'", input_type_rt="'rgb'"), "input_type_train"),
    (dict(input_shape="'1x1x2x2'"), "input_shape"),
])
def test_one_mistake_is_one_problem(tmp_path, changes, key):
    found = problems(tmp_path, compose(set_keys(**changes))[0])
    assert len(found) == 1 and f": {key}: " in found[0], found


@pytest.mark.parametrize("wrong,right", [("onnx_modell", "onnx_model"), ("input_typ_rt", "input_type_rt"),
                                         ("calibration_typ", "calibration_type")])
def test_a_misspelt_key_is_not_missing_too(tmp_path, wrong, right):
    found = problems(tmp_path, compose({})[0].replace(f"  {right}:", f"  {wrong}:"))
    assert len(found) == 1 and f"did you mean '{right}'?" in found[0], found


def test_a_misspelt_group_is_read(tmp_path):
    text = compose(set_keys(march="'bayes-f'"))[0].replace("model_parameters", "model_parameter")
    found = problems(tmp_path, text)
    assert len(found) == 2 and "did you mean 'model_parameters'?" in found[0], found
    assert "unknown march 'bayes-f'" in found[1], found


def test_what_was_found_before_the_text_ends(tmp_path):
    found = problems(tmp_path, "model_parameters:\n  marsh: x\n  onnx_model: 'a\n")
    assert len(found) == 2 and "unknown key 'marsh'" in found[0] and "not YAML" in found[1]


def test_model_and_data_that_are_not_there(tmp_path):
    text = compose(set_keys(onnx_model="'none.onnx'", calibration_type="'max'", cal_data_dir="'nowhere'",
                            preprocess_on="True", pipeline="'resise 8'"))[0]
    found = problems(tmp_path, text)
    assert len(found) == 3, found
    for words in ("none.onnx", "nowhere", "pipeline: "):
        assert any(words in p for p in found), found


def test_data_and_nodes_together(tmp_path):
    """Wrong data are found in the same run as what is found in the network."""
    folder = tmp_path / "data_f32"
    folder.mkdir()
    for i in range(12):
        np.random.default_rng(i).random((1, 1, 8, 8), np.float32).tofile(folder / f"{i}.bin")
    text, at = compose(set_keys(calibration_type="'max'", cal_data_dir="'data_f32'",
                                node_info="{'conv_99': {'ON': 'CPU'}}", core_num="3", march="'bayes'"))
    found = problems(tmp_path, text)
    assert len(found) == 3, found
    assert [key for _, key in places(found)] == ["core_num", "node_info", "cal_data_dir"]
    assert "already normalized" in found[2]


def test_many_problems_have_an_end(tmp_path):
    words = ",".join(f"word{i}" for i in range(5000))
    found = problems(tmp_path, compose(set_keys(optimization=f"'{words}'"))[0])
    assert len(found) == 200


def test_check_data_says_all_of_them_too(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(compose(set_keys(march="'bayes-f'", calibration_type="'max'",
                                     cal_data_dir="'nowhere'"))[0])
    err = tool.run("check", "--data", "-c", path, want=tool.BAD_INPUT).err
    assert "unknown march 'bayes-f'" in err and "nowhere" in err
    assert err.rstrip().endswith("c.yaml: 2 problems")


def test_the_log_holds_them(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(compose(set_keys(march="'bayes-f'", core_num="9"))[0])
    tool.run("convert", "-c", path, "--log", tmp_path / "log", want=tool.BAD_INPUT)
    log = (tmp_path / "log").read_text()
    assert "unknown march 'bayes-f'" in log and "core_num: expected 1 to 4" in log
