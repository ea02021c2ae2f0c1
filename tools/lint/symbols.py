"""symbols: names of the libraries; what they export, and what libvernier-rt needs."""
import re

from lint.tree import command, nm

# What the runtime may ask of libc and pthreads. Memory and files: vn_model_open and vn_model_close only.
RUNTIME_NEEDS = set("""memcpy memset memmove memcmp strcmp strlen strerror vsnprintf __errno_location
    aligned_alloc free open open64 close fstat fstat64 mmap mmap64 munmap clock_gettime
    pthread_create pthread_join pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock
    pthread_mutex_unlock pthread_cond_init pthread_cond_destroy pthread_cond_wait pthread_cond_signal
    pthread_cond_broadcast
    dlopen dlsym dlclose dlerror strchr strcspn snprintf __snprintf_chk
    __cxa_finalize __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __stack_chk_fail
    __memcpy_chk __memset_chk __vsnprintf_chk""".split())
ALLOCATES = {"aligned_alloc", "free", "malloc", "calloc", "realloc"}
CORE_NAME = re.compile(r"(vn|bin|rt)_")
SANITIZERS = ("__asan", "__ubsan", "__tsan")


def plain(symbol):
    return symbol.split("@")[0]


def check_core_names(tree):
    for library in sorted(tree.build.glob("lib*.a")):
        for words in nm("--defined-only", "--extern-only", "-P", library):
            named = len(words) >= 2 and words[1] in "TDBRVW"
            if named and not CORE_NAME.match(words[0]) and not words[0].startswith("__"):
                tree.problem(library.name, f"{words[0]} does not start with vn_, bin_ or rt_")


def declared(headers):
    """Functions that public headers declare."""
    texts = [re.sub(r"/\*.*?\*/", "", h.read_text(), flags=re.S) for h in headers]
    texts = [re.sub(r"^(static inline .*?^}|typedef [^{;]*;)", "", text, flags=re.S | re.M) for text in texts]
    return {name for text in texts for name in re.findall(r"\b(vn_\w+)\s*\([^;{}]*\);", text)}


def exported(library):
    return {plain(w[0]) for w in nm("-D", "-P", "--defined-only", library)}


def check_exports(tree, library, headers, where):
    """The library shows what the headers declare, and nothing else."""
    if not library.exists():
        tree.problem(library, "is not built")
        return
    shown, promised = exported(library), declared(headers)
    for name in sorted(shown - promised):
        tree.problem(library.name, f"exports {name}, which {where} does not declare")
    for name in sorted(promised - shown):
        tree.problem(library.name, f"does not export {name}, which {where} declares")


def check_toolchain(tree):
    folder = tree.root / "include/vernier"
    check_exports(tree, tree.build / "libvernier.so", sorted(folder.glob("*.h")), "include/vernier")


def check_runtime(tree):
    library, folder = tree.build / "libvernier-rt.so", tree.root / "include/vernier"
    headers = [h for h in (folder / "runtime.h", folder / "custom_op.h") if h.exists()]
    check_exports(tree, library, headers, "include/vernier/runtime.h and custom_op.h")
    if not library.exists():
        return
    for words in nm("-D", "-P", "--undefined-only", library):
        name = plain(words[0])
        if name not in RUNTIME_NEEDS and not name.startswith(SANITIZERS):
            what = f"needs {name}: the runtime takes libc and pthreads only, no libm, no allocation"
            tree.problem(library.name, what)
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", command("readelf", "-d", library)):
        if not re.match(r"(libc\.so|libpthread\.so|ld-linux|libasan|libubsan)", name):
            tree.problem(library.name, f"needs the library {name}")


def check_allocation(tree):
    """Memory is asked for in vn_model_open and given back in vn_model_close, both in run.c."""
    for object_ in sorted(tree.build.glob("libvernier-rt*.p/*.o")):
        for words in nm("-P", "--undefined-only", object_):
            if plain(words[0]) in ALLOCATES and "runtime_run.c" not in object_.name:
                tree.problem(object_.name, f"calls {words[0]}: nothing but vn_model_open allocates")
    text = (tree.root / "src/runtime/run.c").read_text()
    for m in re.finditer(r"\b(malloc|calloc|realloc|aligned_alloc)\s*\(", text):
        function = re.findall(r"^\w[^\n;]*?\b(\w+)\([^;{}]*\)\s*\{", text[:m.start()], flags=re.M | re.S)[-1]
        if function != "vn_model_open":
            tree.problem("src/runtime/run.c", f"{m[1]} in {function}: nothing but vn_model_open allocates")


def check_symbols(tree):
    if not (tree.build / "libvernier.a").exists():
        tree.problem(tree.build, "not a build: meson setup, ninja, then --build FOLDER")
        return
    check_core_names(tree)
    check_toolchain(tree)
    check_runtime(tree)
    check_allocation(tree)
