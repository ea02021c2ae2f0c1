"""words: a word of the configuration is compared in src/config only. runs: only sessions run models."""
import re

from lint.tree import line_of

WORDS = "src/config/words.def"
ROW = re.compile(r'^\w+\(\w+, "(\w+)"\)', re.M)
COMPARE = re.compile(r"\b(?:\w*str\w*(?:cmp|eq)|memcmp|vn_\w*(?:word|text|str)\w*_(?:is|equal|eq))\s*\(")
ELSEWHERE = re.compile(r"/\*\s*not a key's word:\s*\S")


def arguments(code, begin):
    depth = 0
    for m in re.finditer(r"[()]", code[begin:]):
        depth += 1 if m[0] == "(" else -1
        if not depth:
            return code[begin:begin + m.end()]
    return ""


def check_words(tree):
    known = set(ROW.findall(tree.code(WORDS)))
    if not known:
        tree.problem(WORDS, "no words found: the rule `words` does not understand the list")
    for path in tree.sources("src"):
        if path.parts[1] == "config":
            continue
        code, lines = tree.code(path), tree.text(path).splitlines()
        for m in COMPARE.finditer(code):
            number = line_of(code, m.start())
            words = known & set(re.findall(r'"([^"]*)"', arguments(code, m.end() - 1)))
            if words and not any(ELSEWHERE.search(line) for line in lines[max(0, number - 2):number]):
                what = f"compares a word of the configuration: {', '.join(sorted(words))}"
                tree.problem(f"{path}:{number}", what)


def check_runs(tree):
    for path in tree.sources("src"):
        if path.parts[1] in ("session", "runtime"):
            continue
        code = tree.bare_code(path)
        for m in re.finditer(r"\b(vn_model_run(?:_range)?)\b", code):
            where = f"{path}:{line_of(code, m.start())}"
            tree.problem(where, f"uses {m[1]}: a session runs models (src/session)")
