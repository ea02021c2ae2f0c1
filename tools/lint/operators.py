"""operators: what sets an operator apart stands in its descriptor.

Outside src/ops its identity is asked for rarely, with a reason beside it: /* operator identity: REASON */
"""
import re

from lint.tree import line_of

MOST = 5
REASON = re.compile(r"/\*\s*operator identity:\s*\S")
SPELLINGS = [
    r"[=!]=\s*&\s*vn_op_\w+", r"&\s*vn_op_\w+\s*[=!]=",
    r"\bstr\w*(?:cmp|eq)\w*\s*\([^;]*\bop->(?:onnx|caffe|name)\b",
    r"\bcase\s+OP_[a-z]\w*", r"[=!]=\s*OP_[a-z]\w*",
    r"\b\w*(?:is|has|same|any_of|one_of|made_by|comes_from)(?:_\w+)?\s*\([^;{}]*&\s*vn_op_\w+",
    r"\b(?:static\s+)?const\s+struct\s+op_def\s*\*\s*(?:const\s+)?\w+\[\w*\]\s*=\s*\{[^;]*?&\s*vn_op_\w+",
    r"^\s*\{\s*&vn_op_\w+\s*,",
]
IDENTITY = re.compile("|".join(f"(?:{s})" for s in SPELLINGS), re.M)


def check_operators(tree):
    reasoned = []
    for path in tree.sources("src"):
        if path.parts[1] == "ops":
            continue
        code, lines = tree.code(path), tree.text(path).splitlines()
        places = {line_of(code, m.end()) for m in IDENTITY.finditer(code)}
        for number in sorted(places):
            if any(REASON.search(line) for line in lines[max(0, number - 2):number]):
                reasoned.append(f"{path}:{number}")
            else:
                what = lines[number - 1].strip()[:90]
                tree.problem(f"{path}:{number}", f"asks which operator it is: {what}")
    if len(reasoned) > MOST:
        what = f"{len(reasoned)} comparisons of operators have a reason, expected at most {MOST}"
        tree.problem("src", f"{what}: {' '.join(reasoned)}")
