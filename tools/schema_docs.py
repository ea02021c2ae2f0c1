#!/usr/bin/env python3
"""Write schemas/configuration-N.json: the JSON schema of configurations, from the table of keys.

    schema_docs.py            rewrite the file
    schema_docs.py --check    exit with 1 where it is not what would be written

N counts changes that make a configuration invalid that was valid. Editors that know YAML schemas complete
keys and show their meaning, with `# yaml-language-server: $schema=schemas/configuration-1.json` as the first
line of a file.
"""
import json
import pathlib
import sys

import cli_docs

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = 1
FILE = ROOT / f"schemas/configuration-{VERSION}.json"
# YAML reads '3' and 3 differently; both are right.
TYPES = {"bool": ["boolean", "string"], "int": ["integer", "string"], "float": ["number", "string"],
         "numbers": ["string", "number"], "tree": ["object", "string"], "map": ["object"]}


def words(row):
    return row["choices"].split("|") if row["choices"] else []


def property_of(row):
    state = "" if row["state"] == "works" else f" ({row['state']})"
    p = {"description": row.get("help", "") + state, "type": TYPES.get(row["type"], ["string"])}
    if row["type"] == "choice":
        p = {"description": p["description"], "enum": words(row)}
    elif words(row):  # a list of words
        p["pattern"] = f"^ *({'|'.join(words(row))}|None)?( *; *({'|'.join(words(row))}|None)?)* *$"
    if row["default"]:
        p["default"] = row["default"]
    if row["type"] in ("int", "float") and "max" in row:
        p |= {"minimum": float(row.get("min", 0)), "maximum": float(row["max"])}
    return p


def schema():
    groups = {}
    for row in cli_docs.key_rows():
        groups.setdefault(row["group"], {})[row["name"]] = property_of(row)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Vernier configuration",
            "version": VERSION, "type": "object", "additionalProperties": False,
            "required": [g for g in groups if g != "custom_op"],
            "properties": {g: {"type": "object", "additionalProperties": False, "properties": p}
                           for g, p in groups.items()}}


def main(argv):
    text = json.dumps(schema(), indent=2) + "\n"
    if "--check" in argv:
        return text != FILE.read_text()
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
