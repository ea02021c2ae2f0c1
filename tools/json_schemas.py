#!/usr/bin/env python3
"""Write schemas/COMMAND-N.json, the schemas of what commands print with --json, from samples of it.

    json_schemas.py FOLDER     widen the schemas by FOLDER/COMMAND-*.json, which tests write where
                               VERNIER_JSON_SAMPLES names FOLDER

Every output that a test reads is checked against them (tests/json_schema.py), so a new field fails a test
until this has been run. N rises when a field is removed or gets another meaning, not when one is added.
"""
import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = 1
# objects whose keys are names of the user's: command, path
MAPS = {("info", "meta"), ("eval", "models[].scores"), ("eval", "models[].outputs"),
        ("report", "nodes[]"), ("debug", "curves[].outputs")}
NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number",
         type(None): "null"}


def kind(schema):
    t = schema.get("type", [])
    return {t} if isinstance(t, str) else set(t)


def joined(kinds):
    if "number" in kinds:
        kinds = kinds - {"integer"}
    kinds = sorted(kinds)
    return kinds[0] if len(kinds) == 1 else kinds


def schema_of(value, command, path=""):
    s = {"type": NAMES[type(value)]}
    if isinstance(value, list):
        for x in value:
            one = schema_of(x, command, path + "[]")
            s["items"] = merged(s["items"], one) if "items" in s else one
    if isinstance(value, dict) and (command, path) in MAPS:
        for x in value.values():
            one = schema_of(x, command, path + ".*")
            others = s.get("additionalProperties")
            s["additionalProperties"] = merged(others, one) if others else one
    elif isinstance(value, dict):
        inside = {k: schema_of(x, command, f"{path}.{k}".lstrip(".")) for k, x in value.items()}
        s |= {"properties": inside, "required": sorted(value), "additionalProperties": False}
    return s


def merged(a, b):
    """What both allow."""
    s = {"type": joined(kind(a) | kind(b))}
    if "items" in a or "items" in b:
        items = [x["items"] for x in (a, b) if "items" in x]
        s["items"] = merged(*items) if len(items) == 2 else items[0]
    if "properties" in a or "properties" in b:
        pa, pb = a.get("properties", {}), b.get("properties", {})
        both = {**pa, **pb} | {k: merged(pa[k], pb[k]) for k in pa if k in pb}
        required = set.intersection(*(set(x["required"]) for x in (a, b) if "properties" in x))
        s |= {"properties": both, "required": sorted(required), "additionalProperties": False}
    elif "additionalProperties" in a or "additionalProperties" in b:
        others = [x["additionalProperties"] for x in (a, b) if "additionalProperties" in x]
        s["additionalProperties"] = merged(*others) if len(others) == 2 else others[0]
    return s


def main(argv):
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    samples = collections.defaultdict(list)
    for file in sorted(pathlib.Path(argv[0]).glob("*.json")):
        samples[file.name.split("-")[0]].append(json.loads(file.read_text()))
    for command, values in samples.items():
        file = ROOT / f"schemas/{command}-{VERSION}.json"
        s = json.loads(file.read_text()) if file.exists() else None
        for v in values:
            one = schema_of(v, command)
            s = merged(s, one) if s else one
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": f"vernier {command} --json"}
        file.write_text(json.dumps({**head, **s}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
