#!/usr/bin/env python3
"""Rules that no compiler checks.

    lint.py [--build FOLDER] [CHECK...]      all checks, or only those named

    layers    a folder of src/ includes only what src/layers.txt allows
    symbols   names of the core and the exports and needs of libvernier-rt (wants a build; --build, default build)
    sizes     no source file over 900 lines; file names unique within src/
    headers   the public headers compile alone, as C11 and as C++17
    paths     no absolute paths of a machine in tracked files
    format    differences from .clang-format: reported, no failure

Exit status: 0 clean, 1 something is wrong, 2 usage.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = (".c", ".h")
problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def say(text):
    print(text)


def tracked():
    """Files of the repository: under git what it tracks or would track; without git, all."""
    if shutil.which("git") and (ROOT / ".git").exists():
        done = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True)
        if done.returncode == 0:
            return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]
    return [p for p in ROOT.rglob("*") if p.is_file() and not any(part.startswith((".", "build")) for part in p.relative_to(ROOT).parts[:-1])]


# ---- layers ----

def read_layers():
    allowed, exceptions, seen = {}, {}, []
    for number, line in enumerate((ROOT / "src/layers.txt").read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if line.startswith("!"):
            file, folder, *why = line[1:].split()
            exceptions[file, folder] = " ".join(why)
        elif line:
            name, _, rest = line.partition(":")
            for other in rest.split():
                if other != "*" and other not in seen:
                    problem(f"src/layers.txt:{number}", f"{name} names {other}, which is not further up: a cycle")
            allowed[name], seen = set(rest.split()), seen + [name]
    return allowed, exceptions


def check_layers():
    allowed, exceptions = read_layers()
    used = set()
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in SOURCES:
            continue
        file = path.relative_to(ROOT / "src")
        folder = file.parts[0]
        if folder not in allowed:
            problem(f"src/{file}", "its folder has no line in src/layers.txt")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+"(?:\.\./)*([^"]+)"', line)
            if not m or "/" not in m[1]:
                continue
            other = m[1].split("/")[0]
            if other in (folder, "vernier") or other in allowed[folder] or "*" in allowed[folder]:
                continue
            if (str(file), other) in exceptions:
                used.add((str(file), other))
            else:
                problem(f"src/{file}:{number}", f"{folder}/ may not include {m[1]} (src/layers.txt)")
    for entry in set(exceptions) - used:
        problem("src/layers.txt", f"the exception '{' '.join(entry)}' is not needed any more")
    for file, other in sorted(used):
        say(f"known: src/{file} includes {other}/: {exceptions[file, other]}")


# ---- symbols ----

# What the runtime may ask of libc and pthreads. Memory and files: vn_model_open and vn_model_close only.
RUNTIME_NEEDS = set("""memcpy memset memmove memcmp strcmp strlen strerror vsnprintf __errno_location
    aligned_alloc free open open64 close fstat fstat64 mmap mmap64 munmap clock_gettime
    pthread_create pthread_join pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_unlock
    pthread_cond_init pthread_cond_destroy pthread_cond_wait pthread_cond_signal pthread_cond_broadcast
    __cxa_finalize __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __stack_chk_fail
    __memcpy_chk __memset_chk __vsnprintf_chk""".split())
ALLOCATES = {"aligned_alloc", "free", "malloc", "calloc", "realloc"}
CORE_NAME = re.compile(r"(vn|bin|rt)_")


def nm(*args):
    return [line.split() for line in subprocess.run(["nm", *map(str, args)], capture_output=True, text=True, check=True).stdout.splitlines()]


def plain(symbol):
    return symbol.split("@")[0]


def check_core_names(build):
    for library in sorted(build.glob("lib*.a")):
        for words in nm("--defined-only", "--extern-only", "-P", library):
            if len(words) >= 2 and words[1] in "TDBRVW" and not CORE_NAME.match(words[0]) and not words[0].startswith("__"):
                problem(library.name, f"{words[0]} does not start with vn_, bin_ or rt_")


def declared_in_runtime_header():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "include/vernier/runtime.h").read_text(), flags=re.S)
    return set(re.findall(r"\b(vn_\w+)\s*\([^;{]*\)\s*;", text))


def check_runtime(build):
    library = build / "libvernier-rt.so"
    if not library.exists():
        problem(library, "is not built")
        return
    exported = {plain(w[0]) for w in nm("-D", "-P", "--defined-only", library)}
    declared = declared_in_runtime_header()
    for name in sorted(exported - declared):
        problem(library.name, f"exports {name}, which include/vernier/runtime.h does not declare")
    for name in sorted(declared - exported):
        problem(library.name, f"does not export {name}, which include/vernier/runtime.h declares")
    for words in nm("-D", "-P", "--undefined-only", library):
        name = plain(words[0])
        if name not in RUNTIME_NEEDS and not name.startswith(("__asan", "__ubsan", "__tsan")):
            problem(library.name, f"needs {name}: the runtime takes libc and pthreads only, no libm, no allocation")
    needed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", needed):
        if not re.match(r"(libc\.so|libpthread\.so|ld-linux|libasan|libubsan)", name):
            problem(library.name, f"needs the library {name}")


def check_allocation(build):
    """Memory is asked for in one function: vn_model_open (and given back in vn_model_close), both in run.c."""
    for object_ in sorted(build.glob("libvernier-rt*.p/*.o")):
        for words in nm("-P", "--undefined-only", object_):
            if plain(words[0]) in ALLOCATES and "runtime_run.c" not in object_.name:
                problem(object_.name, f"calls {words[0]}: nothing but vn_model_open allocates")
    text = (ROOT / "src/runtime/run.c").read_text()
    for m in re.finditer(r"\b(malloc|calloc|realloc|aligned_alloc)\s*\(", text):
        function = re.findall(r"^\w[^\n;]*?\b(\w+)\([^;{}]*\)\s*\{", text[:m.start()], flags=re.M | re.S)[-1]
        if function != "vn_model_open":
            problem("src/runtime/run.c", f"{m[1]} in {function}: nothing but vn_model_open allocates")


def check_symbols(build):
    if not (build / "libvernier.a").exists():
        problem(build, "no build there: meson setup, ninja, then --build FOLDER")
        return
    check_core_names(build)
    check_runtime(build)
    check_allocation(build)


# ---- the rest ----

def check_sizes():
    names = collections.defaultdict(list)
    for path in tracked():
        file = path.relative_to(ROOT)
        if path.suffix in SOURCES + (".py",):
            lines = path.read_text(errors="replace").count("\n")
            if lines > 900:
                problem(file, f"{lines} lines, want at most 900")
        # file = its main noun, unique in the tree: within one folder of src/, and for headers in all of src/
        if file.parts[0] == "src" and path.suffix in SOURCES:
            names[(file.parts[1] if path.suffix == ".c" else "", path.name)].append(str(file))
    for (_, name), files in sorted(names.items()):
        if len(files) > 1:
            problem(files[0], f"the name {name} is taken twice: {' '.join(files)}")


def check_headers():
    for compiler, standard, kind in ("cc", "c11", "c"), ("c++", "c++17", "c++"):
        if not shutil.which(compiler):
            say(f"skipped: no {compiler} to compile the public headers as {standard}")
            continue
        for header in sorted((ROOT / "include/vernier").glob("*.h")):
            done = subprocess.run([compiler, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", ROOT / "include", "-x", kind,
                                   "-"], input=f"#include <vernier/{header.name}>\nint unit;\n", capture_output=True, text=True)
            if done.returncode:
                problem(header.relative_to(ROOT), f"does not compile alone as {standard}: {done.stderr.splitlines()[0]}")


# folders that exist on one machine only; written in two halves, so that this file is clean
MACHINE = re.compile("(" + "|".join(["/wo" + "rk/", "/ho" + r"me/\w+/", "/ro" + r"ot/\w", "/Us" + r"ers/\w+/", "/tm" + r"p/\w+/\w"]) + ")")


def check_paths():
    for path in tracked():
        try:
            text = path.read_text()
        except (UnicodeDecodeError, OSError):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE.search(line):
                problem(f"{path.relative_to(ROOT)}:{number}", f"a path of one machine: {line.strip()[:80]}")


def check_format():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        say("skipped: no clang-format")
        return
    files = [p for p in tracked() if p.suffix in SOURCES]
    different = []
    for path in files:
        done = subprocess.run([tool, "--style=file", "-n", path], capture_output=True, text=True, cwd=ROOT)
        count = done.stderr.count("warning:")
        if count:
            different.append((count, path.relative_to(ROOT)))
    say(f"format: {len(different)} of {len(files)} files differ from .clang-format in {sum(c for c, _ in different)} places (no failure)")


CHECKS = {"layers": check_layers, "symbols": check_symbols, "sizes": check_sizes, "headers": check_headers, "paths": check_paths, "format": check_format}


def main(argv):
    build = ROOT / "build"
    if "--build" in argv[:-1]:
        i = argv.index("--build")
        build, argv = pathlib.Path(argv[i + 1]).resolve(), argv[:i] + argv[i + 2:]
    if set(argv) - set(CHECKS):
        print(__doc__, file=sys.stderr)
        return 2
    for name in argv or CHECKS:
        before = len(problems)
        CHECKS[name](build) if name == "symbols" else CHECKS[name]()
        say(f"{name}: {'ok' if len(problems) == before else f'{len(problems) - before} problems'}")
    for line in problems:
        print(line, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
