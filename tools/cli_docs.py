#!/usr/bin/env python3
"""Write the generated parts of docs/cli.md: the commands' options and the table of YAML keys.

    cli_docs.py [--vernier PROGRAM]            rewrite docs/cli.md
    cli_docs.py --check [--vernier PROGRAM]    exit with 1 where it is not what would be written

Options come from `vernier COMMAND --help`, keys from the table in src/config/keys.c.
"""
import pathlib
import re
import subprocess
import sys

import config_words
import page_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/cli.md"
TOOL = "cli_docs.py"
KEYS = ROOT / "src/config/keys.c"
WORDS = config_words.tables()
STATES = {"KEY_WORKS": "works", "KEY_VENDOR": "checked, no effect here"}


def help_of(program, *words):
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commands(program):
    names = re.findall(r"^  (\w+) ", help_of(program), flags=re.M)
    return "\n\n".join(f"### {name}\n\n```\n{help_of(program, name)}\n```" for name in names)


# ---- the table of keys: { GROUP, "name", TYPE, STATE, default, vn_words_TABLE, .field = value, ... } ----

TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<field>\.\w+)\s*=|(?P<word>[-\w.]+)|(?P<comma>,))')


def split_row(row):
    """Positional values, and named ones."""
    positional, named, field, at = [], {}, None, 0
    while at < len(row) and row[at:].strip():
        m = TOKEN.match(row, at)
        if not m:
            raise SystemExit(f"{KEYS}: cannot read {row!r}")
        at = m.end()
        if m["field"]:
            field = m["field"][1:]
        elif not m["comma"]:
            value = m["text"][1:-1].replace('\\"', '"') if m["text"] else m["word"]
            if field:
                named[field] = named.get(field, "") + value if m["text"] else value
            else:
                positional.append(value)
        else:
            field = None
    return positional, named


def key_rows():
    text = KEYS.read_text()
    groups = dict(re.findall(r'#define (\w+) "(\w+)"', text))
    body = re.sub(r"/\*.*?\*/", "", text[text.index("vn_keys[] = {") + 13:], flags=re.S)
    for m in re.finditer(r"\{((?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\}", body):
        positional, named = split_row(m[1])
        group, name, kind, state, *rest = positional
        default, choices = (rest + ["NULL", "NULL"])[:2] if len(rest) < 2 else rest[:2]
        yield {
            "group": groups[group],
            "name": name,
            "type": kind.removeprefix("KEY_").lower(),
            "state": STATES[state],
            "default": None if default == "NULL" else default,
            "choices": None if choices == "NULL" else WORDS[choices.removeprefix("vn_words_")],
            **named,
        }


def allowed(k):
    if k["choices"]:
        words = [f"*{w[1:-1]}*" if w.startswith("(") else f"`{w}`" for w in k["choices"].split("|")]
        return ", ".join(words)
    if k["type"] in ("int", "float") and "max" in k:
        return f"{k.get('min', '0')} to {k['max']}"
    return "True, False" if k["type"] == "bool" else ""


def keys():
    lines, group = [], None
    for k in key_rows():
        if k["group"] != group:
            group = k["group"]
            lines += [
                "",
                f"### {group}",
                "",
                "| key | type | default | allowed | needs | excludes | state | |",
                "|---|---|---|---|---|---|---|---|",
            ]
        needs = f"`{k['needs']}`".replace("|", "` or `") if "needs" in k else ""
        cells = [f"`{k['name']}`", k["type"], f"`{k['default']}`" if k["default"] else "", allowed(k), needs,
                 f"`{k['excludes']}`" if "excludes" in k else "", k["state"], k.get("help", "")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines[1:])


def page(program):
    return page_parts.replaced(PAGE, TOOL, commands=commands(program), keys=keys())


def main(argv):
    program = argv[argv.index("--vernier") + 1] if "--vernier" in argv[:-1] else ROOT / "build/vernier"
    return page_parts.settle(PAGE, page(program), TOOL, "--check" in argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
