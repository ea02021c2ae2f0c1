"""circles: files of src/ that need each other.

A file needs the files that define what it calls or reads. A table that lists descriptors does not need them:
that is how a .def list reaches its members. Files that reach each other are a circle (a strongly connected
component). One that has to be is allowed by one comment in one of its files, with the names of all:

    /* circle: attrs branch reader: why they need each other */
"""
import collections
import re

from lint.tree import command

TABLES = (".data", ".rodata")
COMMENT = re.compile(r"/\*\s*circle:\s*([\w\s]+?)\s*:\s*(\S.*?)\*/", re.S)


def relocations(object_):
    """(section, symbol) of everything that the object takes an address of, debug information aside."""
    section = ""
    for line in command("readelf", "-rW", object_).splitlines():
        head = re.match(r"Relocation section '\.rela?(\.\S+)'", line)
        words = line.split()
        if head:
            section = head[1]
        elif len(words) >= 5 and not section.startswith((".debug", ".eh_frame")):
            yield section, words[4].split("@")[0]


def needs(tree):
    """{file: {file: names}}"""
    defined, _ = tree.symbols()
    graph = {file: collections.defaultdict(set) for file in tree.objects()}
    for file, object_ in tree.objects().items():
        found = {(section, symbol) for section, symbol in relocations(object_) if symbol in defined}
        is_data = {symbol for _, symbol in found if defined[symbol][1] not in "TW"}
        members = {symbol for section, symbol in found if symbol in is_data and section.startswith(TABLES)}
        for symbol in {symbol for _, symbol in found} - members:
            if defined[symbol][0] != file:
                graph[file][defined[symbol][0]].add(symbol)
    return graph


def components(graph):
    """The strongly connected components of more than one file (Tarjan, without recursion)."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []
    for start in sorted(graph):
        work = [(start, None)] if start not in index else []
        while work:
            at, successors = work.pop()
            if successors is None:
                index[at] = low[at] = len(index)
                stack.append(at)
                on_stack.add(at)
                successors = iter(sorted(graph.get(at, ())))
            for other in successors:
                if other not in index:
                    work += [(at, successors), (other, None)]
                    break
                if other in on_stack:
                    low[at] = min(low[at], low[other])
            else:
                if low[at] == index[at]:
                    component = stack[stack.index(at):]
                    del stack[stack.index(at):]
                    on_stack -= set(component)
                    found += [sorted(component)] if len(component) > 1 else []
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[at])
    return found


def allowed(tree):
    """{names of the files without suffix: file of the comment}"""
    found = {}
    for path in tree.sources("src"):
        for m in COMMENT.finditer(tree.text(path)):
            found[frozenset(str(path.with_name(name).with_suffix("")) for name in m[1].split())] = path
    return found


def check_circles(tree):
    if tree.objects() is None:
        return
    graph, known = needs(tree), allowed(tree)
    for component in components(graph):
        names = frozenset(str(path.with_suffix("")) for path in component)
        if known.pop(names, None):
            tree.note(f"circle, allowed: {' '.join(map(str, component))}")
            continue
        inner = [f"{a.stem} -> {b.stem} ({', '.join(sorted(names))})"
                 for a in component for b, names in sorted(graph[a].items()) if b in component]
        files = " ".join(path.name for path in component)
        tree.problem(component[0].parent, f"circle of {files}: {'; '.join(inner)}")
    for names, path in known.items():
        tree.problem(path, f"the comment allows a circle that does not exist: {' '.join(sorted(names))}")
