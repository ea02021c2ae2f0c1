"""The JSON schema of configurations: fresh, and right about files that convert takes or refuses."""
import json
import re
import subprocess
import sys

import pytest
import tool
import yaml

SCHEMA = json.loads((tool.ROOT / "schemas/configuration-1.json").read_text())
TYPES = {"string": str, "object": dict, "boolean": bool, "integer": int, "number": (int, float)}


def wrong(value, schema, where=""):
    """What a file has against the part of JSON schema that ours uses."""
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r}"]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[k]) for k in kinds):
        return [f"{where}: type {type(value).__name__}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{where}: {value!r}"]
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and isinstance(value, (int, float)) and not least <= value <= most:
        return [f"{where}: {value} is out of range"]
    found = []
    for key in value if isinstance(value, dict) and "properties" in schema else ():
        known = schema["properties"].get(key)
        found += wrong(value[key], known, f"{where}.{key}") if known else [f"{where}.{key}: unknown"]
    return found + [f"{k} is missing" for k in schema.get("required", ()) if k not in value]


def test_fresh():
    assert subprocess.run([sys.executable, tool.ROOT / "tools/schema_docs.py", "--check"]).returncode == 0


def test_files(tmp_path):
    text = tool.YAML.format(model="m.onnx", out="o", data="d")
    tool.run("init", tool.ROOT / "examples/digits/digits.onnx", "-o", tmp_path / "i.yaml", want=tool.DONE)
    example = (tool.ROOT / "examples/digits/digits.yaml").read_text()
    for good in (text, example, (tmp_path / "i.yaml").read_text()):
        assert wrong(yaml.safe_load(good), SCHEMA) == []


@pytest.mark.parametrize("group, key, value", [
    ("compiler_parameters", "optimize_level", "O4"), ("compiler_parameters", "advice", -1),
    ("input_parameters", "input_type_rt", "nv12; nv21"), ("input_parameters", "input_batch", 5000),
    ("model_parameters", "layer_out_dump", 3.5), ("model_parameters", "onnx_modell", "x")])
def test_refused(group, key, value, tmp_path):
    c = yaml.safe_load(tool.YAML.format(model=tool.ROOT / "examples/digits/digits.onnx", out="o", data="d"))
    c[group][key] = value
    assert len(wrong(c, SCHEMA)) == 1
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(c))
    assert key in tool.run("check", "-c", tmp_path / "c.yaml", want=tool.BAD_INPUT).err
