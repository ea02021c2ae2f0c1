"""names: a tag, a macro, an enumerator or an external function means one thing in the whole tree.

Static names, and tags and macros of single .c files that no header knows, are their file's own affair; so are
macros that a file defines for a list or a template and takes back (#undef).
"""
import collections
import re

from lint.tree import without_directives

CORE_NAMES = ("vn_", "bin_", "rt_") # of external names, see `symbols`; macros hide the word static
TAG = re.compile(r"\b(struct|union|enum)\s+(\w+)\s*\{")
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)]*\))?((?:.*\\\n)*.*)", re.M)


def body_at(code, begin):
    depth = 0
    for m in re.finditer(r"[{}]", code[begin:]):
        depth += 1 if m[0] == "{" else -1
        if not depth:
            return " ".join(code[begin:begin + m.end()].split())
    return ""


def tags(code):
    """(kind, tag, body) and the enumerators, as ("enumerator", name, tag)."""
    for m in TAG.finditer(code):
        body = body_at(code, m.end() - 1)
        yield "tag", m[2], f"{m[1]} {body}"
        if m[1] == "enum":
            for name in re.findall(r"(?:^\{|,)\s*([A-Za-z_]\w*)(?=\s*[,=}])", body):
                yield "enumerator", name, m[2]


def undone_in(code):
    return set(re.findall(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", code, flags=re.M))


def macros(tree, code):
    undone = undone_in(code)
    for name in set(re.findall(r'^#[ \t]*include "([\w/]+(?:\.def|_body\.h))"', code, flags=re.M)):
        if (tree.root / "src" / name).exists():
            undone |= undone_in(tree.code(f"src/{name}"))  # taken back by the list or template
    guards = set(re.findall(r"^[ \t]*#[ \t]*ifndef[ \t]+(\w+)", code, flags=re.M))
    for m in DEFINE.finditer(code):
        if m[1] not in undone | guards:
            yield "macro", m[1], " ".join(((m[2] or "") + " " + m[3].replace("\\\n", " ")).split())


def meanings(tree):
    """{name: {(kind, meaning): [file]}}"""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in tree.sources("src", "include"):
        code = tree.code(path)
        for kind, name, meaning in [*tags(without_directives(code)), *macros(tree, code)]:
            found[name][kind, meaning].append(path)
        if path.suffix == ".c":
            for f in tree.functions(path):
                if not f.static and f.name.startswith(CORE_NAMES):
                    found[f.name]["function", f"in {path}"].append(path)
    return found


def is_shared(path, kind):
    """A template (x_body.h) belongs to the file that includes it."""
    return kind == "function" or path.suffix == ".h" and not path.stem.endswith("_body")


def check_names(tree):
    for name, by_meaning in sorted(meanings(tree).items()):
        places = [(kind, path) for (kind, _), paths in by_meaning.items() for path in paths[:1]]
        branches = {(kind, path) for (kind, _), paths in by_meaning.items() for path in paths}
        in_one_file = len({path for _, path in branches}) == 1 and len({kind for kind, _ in branches}) == 1
        if len(places) < 2 or in_one_file: # one file: the branches of an #if
            continue
        if any(is_shared(path, kind) for kind, path in branches):
            what = ", ".join(f"{kind} in {path}" for kind, path in places)
            tree.problem(places[0][1], f"{name} means {len(places)} things: {what}")
