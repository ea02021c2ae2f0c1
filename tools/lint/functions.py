"""functions: at most 45 lines, or listed with a reason. dead: external names that nothing in src/ uses.

An entry for tests or fuzz targets alone says so in its file:

    /* not used in src: vn_name: why tests need it */
"""
import re

from lint.tree import without_comments

LONGEST = 45
LIST = "lint_functions.txt"
ENTRY = re.compile(r"/\*\s*not used in src:\s*(\w+):\s*\S")
KERNELS = re.compile(r"src/kernels/|src/image/resize\w*\.c$") # kernels may be long


def check_functions(tree):
    reasons = {}
    for number, words in tree.listed(LIST):
        reasons[words[0]] = number
        if len(words) < 2:
            tree.problem(f"tools/{LIST}:{number}", f"{words[0]} has no reason")
    for path in tree.sources("src", "include"):
        for f in tree.functions(path) if not KERNELS.match(str(path)) else []:
            if f.lines > LONGEST and not reasons.pop(f"{path}:{f.name}", None):
                tree.problem(f"{path}:{f.line}", f"{f.name} has {f.lines} lines, expected at most {LONGEST}")
    for entry, number in reasons.items():
        tree.problem(f"tools/{LIST}:{number}", f"{entry} is not a function of more than {LONGEST} lines")


def inner_words(text):
    """The words of C text within braces, and of its macros: uses, where the rest declares."""
    code, words, depth = without_comments(text, strings=False), set(), 0
    macros = re.findall(r"^[ \t]*#[ \t]*define\b(?:.*\\\n)*.*", code, flags=re.M)
    for macro in macros:
        words |= set(re.findall(r"\w+", macro))
    for m in re.finditer(r"[{}]|\w+", re.sub(r"^[ \t]*#(?:.*\\\n)*.*", "", code, flags=re.M)):
        depth += {"{": 1, "}": -1}.get(m[0], 0)
        if depth > 0 and m[0] not in "{}":
            words.add(m[0])
    return words


def check_dead(tree):
    if tree.objects() is None:
        return
    defined, taken = tree.symbols()
    used = set().union(*taken.values()) if taken else set()
    public = tree.public_names()
    for symbol, (path, _) in sorted(defined.items(), key=lambda item: (str(item[1][0]), item[0])):
        if symbol in used or symbol in public or symbol == "main":
            continue
        inner = tree.once(("words", path), lambda: inner_words(tree.text(path)))
        reasons = tree.once(("entries", path), lambda: set(ENTRY.findall(tree.text(path))))
        if symbol not in inner | reasons:
            tree.problem(path, f"nothing in src/ uses {symbol}")
