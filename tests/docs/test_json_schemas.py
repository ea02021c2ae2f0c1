"""The schemas of --json: one for each command that has the option, installed, and strict. What tests print is
checked with them wherever it is printed (tool.run)."""
import json
import re
import subprocess
import sys

import json_schema
import tool

FILES = {p.name.rsplit("-", 1)[0]: p for p in (tool.ROOT / "schemas").glob("*-*.json")}


def test_every_command_has_one():
    with_option = set()
    for name in re.findall(r"^CMD\((\w+)\)", (tool.ROOT / "src/cli/cmds.def").read_text(), re.M):
        if "--json" in tool.run(name, "--help", want=tool.DONE).out:
            with_option.add(name)
    assert with_option <= set(FILES), with_option - set(FILES)
    for name, file in FILES.items():
        assert file.name == f"{name}-1.json" and json.loads(file.read_text())["type"]


def test_strict():
    """A missing, an unknown and a wrong field are found."""
    schema = json.loads(FILES["info"].read_text())
    model = tool.ROOT / "examples/digits/digits.onnx"
    good = json.loads(tool.run("info", model, "--json", want=tool.DONE).out)
    assert json_schema.wrong(good, schema) == []
    for change, message in ({"colour": 1}, "not in the schema"), ({"opset": "13"}, "opset: expected"):
        assert message in " ".join(json_schema.wrong({**good, **change}, schema))
    short = {k: v for k, v in good.items() if k != "file"}
    assert json_schema.wrong(short, {"required": ["file"]}) == ["result.file: missing"]


def test_widening(tmp_path):
    """tools/json_schemas.py: of what both samples have, and of what one has alone."""
    sys.path.insert(0, str(tool.ROOT / "tools"))
    import json_schemas
    one = json_schemas.schema_of({"a": 1, "b": [{"x": None}], "c": "t"}, "tune")
    two = json_schemas.schema_of({"a": 1.5, "b": [{"x": "y", "z": True}]}, "tune")
    both = json_schemas.merged(one, two)
    assert both["required"] == ["a", "b"] and both["properties"]["a"]["type"] == "number"
    item = both["properties"]["b"]["items"]
    assert item["required"] == ["x"] and item["properties"]["x"]["type"] == ["null", "string"]
    for value in ({"a": 1, "b": []}, {"a": 2.5, "b": [{"x": "y"}], "c": ""}):
        assert json_schema.wrong(value, both) == []
    assert json_schema.wrong({"a": True, "b": []}, both)


def test_installed():
    text = (tool.ROOT / "meson.build").read_text()
    assert "schemas" in text
    command = [sys.executable, tool.ROOT / "tools/json_schemas.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "json_schemas.py FOLDER" in done.stderr
