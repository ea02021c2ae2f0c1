"""A key with fixed values is an enum once it is read: struct config has no text for it."""
import re

import tool

CONFIG = tool.ROOT / "src/config"


def text_fields():
    """Fields of struct config and struct input_config that are text."""
    header = (CONFIG / "config.h").read_text()
    fields = set()
    for struct in ("input_config", "config"):
        body = re.search(rf"^struct {struct} \{{(.*?)^\}};", header, re.S | re.M)[1]
        for line in re.findall(r"const char ([^;]*);", body):
            fields |= {re.sub(r"\W", "", name) for name in line.split(",")}
    return fields


def fixed_keys():
    return re.findall(r'"(\w+)", KEY_\w+, KEY_\w+, [^,]+, vn_words_', (CONFIG / "keys.c").read_text())


def test_fields():
    assert len(fixed_keys()) > 10 and "march" in text_fields()
    for key in fixed_keys():
        names = {key, *(key.removeprefix(start) for start in ("input_", "cal_data_", "optimize_"))}
        assert not names & text_fields(), key
