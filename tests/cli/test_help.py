"""vernier help: keys and commands explained; manual pages and completions hold every command and option."""
import re
import subprocess
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tests/config"))
from test_config import KEYS  # noqa: E402

COMMANDS = re.findall(r"CMD\((\w+)\)", (tool.ROOT / "src/cli/cmds.def").read_text())


def said(*words, want=tool.DONE):
    return tool.run("help", *words, want=want).out


def options_of(command):
    return re.findall(r"^  (?:-\w, |    )(--[\w-]+)", tool.run(command, "--help", want=tool.DONE).out, re.M)


@pytest.mark.parametrize("key", KEYS, ids=lambda k: k["name"])
def test_key(key):
    text = said(key["name"])
    assert f"{key['group']}: {key['name']}\n" in text
    states = {"WORKS": "works", "VENDOR": "checked, no effect on a CPU"}
    assert re.search(rf"^  state:    {states[key['state']]}$", text, re.M)
    if key["default"]:
        assert f"  default:  {key['default']}\n" in text
    for word in (key["choices"] or "").split("|"):
        assert word.strip("()") in text


def test_commands():
    assert said() == tool.run("--help", want=tool.DONE).out
    for command in COMMANDS:
        assert said(command).startswith(tool.run(command, "--help", want=tool.DONE).out)


def test_unknown():
    err = tool.run("help", "input_bath", want=tool.USAGE).err
    assert "'input_bath' is neither a command nor a configuration key; did you mean 'input_batch'?" in err
    assert "expected bash or zsh" in tool.run("help", "--completion", "fish", want=tool.USAGE).err
    assert "is a key, expected a command" in tool.run("help", "march", "--man", want=tool.USAGE).err


@pytest.mark.parametrize("command", COMMANDS)
def test_manual_page(command, tmp_path):
    page = said(command, "--man")
    assert page.startswith(f".TH VERNIER-{command.upper()} 1 ")
    plain = page.replace("\\-", "-")
    assert [o for o in options_of(command) if f"{o}" not in plain] == []
    assert not re.search(r"^[.'](?!TH|SH|TP|B )", page, re.M)  # no text is taken for a request


def test_manual_page_of_the_program():
    page = said("--man").replace("\\-", "-")
    assert all(f"vernier-{c} (1)" in page for c in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_bash(command):
    """Every option of every command is offered by a shell that has read the completion."""
    script = ('source <("$0" help --completion bash); COMP_WORDS=(vernier "$1" --); COMP_CWORD=2; _vernier; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    words = ["bash", "-c", script, tool.SANITIZED / "vernier", command]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.split() == options_of(command), done.stderr


def test_zsh():
    text = said("--completion", "zsh")
    assert text.startswith("#compdef vernier\n")
    assert all(f"        '{c}:" in text for c in COMMANDS)
    for command in COMMANDS:
        part = text[text.index(f"        {command})\n"):]
        assert [o for o in options_of(command) if f"{o}[" not in part] == []
