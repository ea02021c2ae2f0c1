"""Words of the configuration's keys with fixed values: src/config/words.def and its tables in words.c."""
import re
from pathlib import Path

CONFIG = Path(__file__).resolve().parent.parent / "src/config"


def rows():
    """(macro, word) of each line of words.def."""
    return re.findall(r'^(\w+)\(\w+, "(\w+)"\)', (CONFIG / "words.def").read_text(), re.M)


def tables():
    """Name of a table, as keys.c has it behind vn_words_ -> "a|b|c"."""
    found = {}
    text = (CONFIG / "words.c").read_text()
    for name, body in re.findall(r"^WORDS\((\w+)\) = \{(.*?)^\};", text, re.S | re.M):
        macros = set(re.findall(r"#define (\w+) ROW", body))
        if "INPUT_TYPE_RT(id, word)" not in body:
            macros |= {f"{m}_RT" for m in macros}
        found[name] = "|".join(word for macro, word in rows() if macro in macros)
    return found
