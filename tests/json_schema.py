"""The part of JSON Schema that schemas/*.json use, and what every `--json` output is checked with."""
import json
import os
import pathlib
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = 1
TYPES = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None),
         "integer": int, "number": (int, float)}


def is_type(value, kind):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def wrong(value, schema, where="result"):
    """What a value has against a schema: a list of texts."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_type(value, k) for k in kinds):
        return [f"{where}: expected {' or '.join(kinds)}, got {type(value).__name__}"]
    found = []
    if isinstance(value, list):
        for i, x in enumerate(value):
            found += wrong(x, schema.get("items", {}), f"{where}[{i}]")
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{where}.{k}: missing" for k in schema.get("required", ()) if k not in value]
        for k, x in value.items():
            if k in properties:
                found += wrong(x, properties[k], f"{where}.{k}")
            elif others is False:
                found.append(f"{where}.{k}: not in the schema")
            elif others is not True:
                found += wrong(x, others, f"{where}.{k}")
    return found


def parse(text):
    """The only JSON value of an output; None: it has none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def check_output(command, text):
    """What `vernier COMMAND ... --json` printed. VERNIER_JSON_SAMPLES=DIR: keep it for the schemas."""
    value = parse(text)
    if value is None:
        return
    samples = os.environ.get("VERNIER_JSON_SAMPLES")
    if samples:
        name = {"dir": samples, "prefix": command + "-", "suffix": ".json", "delete": False}
        with tempfile.NamedTemporaryFile("w", **name) as f:
            json.dump(value, f)
        return
    file = ROOT / f"schemas/{command}-{VERSION}.json"
    problems = wrong(value, json.loads(file.read_text())) if file.exists() else []
    assert not problems, f"schemas/{file.name}: {problems[:5]}\n{text[:2000]}"
