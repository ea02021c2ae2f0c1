"""The tree that the rules look at: its files, its objects, and what was found."""
import json
import os
import pathlib
import re
import shutil
import subprocess

C_SUFFIXES = (".c", ".h")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, strings=True):
    """C text with comments blanked, and strings too unless they are kept; every line stays where it is."""
    def replace(m):
        if m[0][0] == "/":
            return blank(m[0])
        return m[0] if strings else m[0][0] + blank(m[0][1:-1]) + m[0][-1]
    return COMMENT_OR_STRING.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def comments(text):
    """(line number, text) of every comment of C text."""
    for m in COMMENT_OR_STRING.finditer(text):
        if m[0][0] == "/":
            yield line_of(text, m.start()), m[0]


def without_directives(code):
    """Code with preprocessor lines blanked, and of #if ... #else ... #endif only the first branch."""
    lines, depths, skip, more = code.split("\n"), [], 0, False
    for i, line in enumerate(lines):
        directive = re.match(r"\s*#\s*(\w*)", line)
        if directive and not more:
            word = directive[1]
            if word.startswith("if"):
                depths.append(False)
            elif word.startswith("el") and depths and not depths[-1]:
                depths[-1] = True
            elif word == "endif" and depths:
                depths.pop()
        skip = any(depths)
        hidden = directive or more
        more = bool(hidden) and line.endswith("\\")
        if hidden or skip:
            lines[i] = blank(line)
    return "\n".join(lines)


class Function:
    def __init__(self, name, static, line, lines):
        self.name, self.static, self.line, self.lines = name, static, line, lines


def function_name(header):
    """The name in the text before a brace at depth 0, or None where it is not the head of a function."""
    if not header.endswith(")") or "=" in re.sub(r"\([^()]*\)", "", header):
        return None
    depth = 0
    for at in range(len(header) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(header[at], 0)
        if not depth:
            break
    name = re.search(r"(\w+)\s*$", header[:at])
    if not name: # it returns a pointer to a function
        name = re.search(r"\(\s*\*\s*(\w+)\s*\(", header)
        return name and name[1]
    argument = re.match(r"\s*(\w+)", header[at + 1:])
    is_macro = re.fullmatch(r"[A-Z][A-Z0-9_]+", name[1]) # VN_CONV_S8(vn_conv_s8_c)
    return argument[1] if is_macro and argument else name[1]


def functions(text):
    """Every function that C text defines."""
    code = without_directives(without_comments(text, strings=False))
    found, depth, begin, name = [], 0, 0, None
    for m in re.finditer(r"[{};]", code):
        if m[0] == "{":
            if depth == 0:
                header = code[begin:m.start()]
                name = function_name(header.rstrip())
                first = line_of(code, begin + len(header) - len(header.lstrip()))
                static = re.search(r"\bstatic\b", header) is not None
            depth += 1
        elif m[0] == "}":
            depth -= 1
            if depth == 0 and name:
                found.append(Function(name, static, first, line_of(code, m.start()) + 1 - first))
                name = None
        if depth == 0 and m[0] in ";}":
            begin = m.end()
    return found


def command(*args, cwd=None):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, check=True, cwd=cwd).stdout


class Tree:
    def __init__(self, root, build):
        self.root, self.build = pathlib.Path(root), pathlib.Path(build)
        self.problems, self.update = [], False
        self.kept = {}

    def problem(self, where, what):
        self.problems.append(f"{where}: {what}")

    def note(self, text):
        print(f"note: {text}")

    def once(self, key, make):
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    # ---- files, all relative to the root ----

    def files(self):
        """Files of the repository: under git what it tracks or would track; without git, all."""
        return self.once("files", self.list_files)

    def list_files(self):
        if shutil.which("git") and (self.root / ".git").exists():
            listed = command("git", "-C", self.root, "ls-files", "--cached", "--others", "--exclude-standard")
            return sorted({pathlib.Path(p) for p in listed.splitlines() if (self.root / p).is_file()})
        found = (p.relative_to(self.root) for p in self.root.rglob("*") if p.is_file())
        return sorted(p for p in found if not any(part.startswith((".", "build")) for part in p.parts[:-1]))

    def sources(self, *folders, suffixes=C_SUFFIXES):
        return [p for p in self.files() if p.suffix in suffixes and (not folders or p.parts[0] in folders)]

    def text(self, file):
        return self.once(("text", file), lambda: (self.root / file).read_text(errors="replace"))

    def code(self, file):
        return self.once(("code", file), lambda: without_comments(self.text(file)))

    def bare_code(self, file):
        """Without comments and without what stands in strings."""
        return self.once(("bare", file), lambda: without_comments(self.text(file), strings=False))

    def functions(self, file):
        return self.once(("functions", file), lambda: functions(self.text(file)))

    # ---- the build ----

    def objects(self):
        """{source below src/: object} of libraries and program, or None (and a problem) without a build."""
        return self.once("objects", self.list_objects)

    def list_objects(self):
        commands = self.build / "compile_commands.json"
        if not commands.exists():
            self.problem(self.build, "not a build: meson setup, ninja, then --build FOLDER")
            return None
        found = {}
        for entry in json.loads(commands.read_text()):
            source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
            file = pathlib.Path(os.path.relpath(source, os.path.realpath(self.root)))
            object_ = pathlib.Path(entry["directory"], entry["output"])
            if file.parts[0] == "src" and not entry["output"].startswith("tests/"):
                if not object_.exists():
                    self.problem(object_, "is not built: ninja")
                elif (self.root / file).exists():
                    found.setdefault(file, object_)
        return found

    def symbols(self):
        """{external symbol: (file, nm's letter)}, and {file: symbols that it takes from elsewhere}"""
        return self.once("symbols", self.read_symbols)

    def read_symbols(self):
        defined, taken = {}, {}
        for file, object_ in (self.objects() or {}).items():
            taken[file] = set()
            for words in nm("-P", "--extern-only", object_):
                if words[1] in "Uw":
                    taken[file].add(words[0])
                else:
                    defined.setdefault(words[0], (file, words[1]))
        return defined, taken

    def public_names(self):
        """What the installed headers declare."""
        text = "\n".join(self.bare_code(p) for p in self.sources("include"))
        functions_ = re.findall(r"\b(\w+)\s*\([^;{]*\)\s*;", text)
        return {*functions_, *re.findall(r"\bextern\b[^;]*?(\w+)\s*(?:\[\w*\])*;", text)}

    # ---- numbers and reasons that are kept under git ----

    def listed(self, name):
        """[(line number, words)] of tools/NAME, without comments; [] where it does not exist."""
        path = self.root / "tools" / name
        lines = path.read_text().splitlines() if path.exists() else []
        numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
        return [(i, line.split(None, 1)) for i, line in numbered]


def nm(*args):
    return [line.split() for line in command("nm", *args).splitlines()]
