"""A key with fixed values is an enum once it is read: no text in struct config, no word compared outside src/config/."""
import re
import sys

import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import config_words  # noqa: E402

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
        assert not {key, key.removeprefix("input_"), key.removeprefix("cal_data_"), key.removeprefix("optimize_")} & text_fields(), key


def test_words_are_compared_here_only():
    words = {word for key, word in config_words.rows() if not key.startswith("DATA_TYPE")}  # NumPy's names are words of pipelines, too
    assert {"featuremap", "NHWC", "skip"} <= words
    for path in sorted((tool.ROOT / "src").rglob("*.[ch]")):
        if path.parent == CONFIG:
            continue
        for call in re.findall(r'str(?:n?case)?cmp\([^;]*?"(\w+)"', path.read_text()):
            assert call not in words, f"{path}: compares with '{call}'"
