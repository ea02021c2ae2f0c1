"""layers: what a folder of src/ may include. calls: what its objects may call; no permission without use."""
import collections
import re

LAYERS = "src/layers.txt"


def read(tree):
    """({folder: folders that it may use}, {(file, folder): reason}), in the file's order."""
    allowed, exceptions = {}, {}
    for number, line in enumerate((tree.root / LAYERS).read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if line.startswith("!"):
            file, folder, *why = line[1:].split()
            exceptions[file, folder] = " ".join(why)
        elif line:
            name, _, rest = line.partition(":")
            for other in rest.split():
                if other not in allowed:
                    what = f"{name} names {other}, which is not further up: a cycle"
                    tree.problem(f"{LAYERS}:{number}", what)
            allowed[name] = rest.split()
    return allowed, exceptions


def layers_of(tree):
    return tree.once("layers", lambda: read(tree))


def includes(tree):
    """(file, line, folder that it belongs to, folder that it includes, what it includes)"""
    for path in tree.sources("src"):
        for number, line in enumerate(tree.code(path).splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+"(?:\.\./)*([^"]+)"', line)
            if m and "/" in m[1]:
                yield path, number, path.parts[1], m[1].split("/")[0], m[1]


def check_layers(tree):
    allowed, exceptions = layers_of(tree)
    for folder in sorted({p.parts[1] for p in tree.sources("src")} - set(allowed)):
        tree.problem(f"src/{folder}", f"has no line in {LAYERS}")
    used = set()
    for path, number, folder, other, what in includes(tree):
        file = str(path.relative_to("src"))
        if other in (folder, "vernier") or folder not in allowed or other in allowed[folder]:
            continue
        if (file, other) in exceptions:
            used.add((file, other))
        else:
            tree.problem(f"{path}:{number}", f"{folder}/ may not include {what} ({LAYERS})")
    for file, other in set(exceptions) - used:
        tree.problem(LAYERS, f"the exception '{file} {other}' is not needed any more")


def uses(tree):
    """(file, folder that it belongs to, folder that defines the symbol, symbol)"""
    defined, taken = tree.symbols()
    for file, symbols in taken.items():
        for symbol in sorted(symbols & set(defined)):
            yield file, file.parts[1], defined[symbol][0].parts[1], symbol


def check_calls(tree):
    if tree.objects() is None:
        return
    allowed, exceptions = layers_of(tree)
    order, public = list(allowed), tree.public_names()
    found = collections.defaultdict(list)
    used = {(folder, other) for _, _, folder, other, _ in includes(tree)}
    for file, folder, other, symbol in uses(tree):
        used.add((folder, other))
        known = folder in allowed and other in allowed
        if other == folder or not known or other in allowed[folder]:
            continue
        installed = symbol in public and order.index(other) < order.index(folder) # through include/vernier
        if not installed and (str(file.relative_to("src")), other) not in exceptions:
            found[file, folder, other].append(symbol)
    for folder, other in [(folder, other) for folder in allowed for other in allowed[folder]]:
        if (folder, other) not in used:
            tree.problem(LAYERS, f"{folder} names {other} and uses nothing of it")
    for (file, folder, other), symbols in sorted(found.items()):
        tree.problem(file, f"{folder}/ may not use what {other}/ defines ({LAYERS}): {', '.join(symbols)}")
