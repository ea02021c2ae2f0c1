"""./dev lint: the rules on small trees that break them, and the tree itself."""
import json
import shutil
import subprocess
import sys

import pytest
import tool

LINT = tool.ROOT / "tools/lint.py"
# rules that the tree keeps
CLEAN = ["layers", "calls", "circles", "names", "dead", "functions", "operators", "words", "runs", "symbols",
         "sizes", "headers", "lines", "format", "references", "paths"]
BUILT = {"calls", "circles", "dead"} # rules that read objects


def run(*args):
    args = [sys.executable, LINT, *map(str, args)]
    return subprocess.run(args, capture_output=True, text=True, timeout=300)


def build(root):
    """What lint reads of a build: objects, and the commands that made them."""
    commands = []
    for source in sorted(root.glob("src/**/*.c")):
        output = "lib.p/" + str(source.relative_to(root)).replace("/", "_") + ".o"
        (root / "build/lib.p").mkdir(parents=True, exist_ok=True)
        flags = ["-O1", "-I", root / "src", "-I", root / "include", "-o", root / "build" / output]
        subprocess.run(["cc", *flags, "-c", source], check=True)
        commands.append({"directory": str(root / "build"), "file": str(source), "output": output})
    (root / "build/compile_commands.json").write_text(json.dumps(commands))


def lint(root, rule, files, *args):
    """Problems of the rule in a tree with these files added, as one text; the program's status must agree."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if rule in BUILT:
        build(root)
    done = run("--root", root, rule, *args)
    assert done.returncode == (1 if done.stderr else 0), done.stdout + done.stderr
    return done.stderr


@pytest.fixture
def check(tmp_path):
    return lambda rule, files, *args: lint(tmp_path, rule, files, *args)


@pytest.fixture(scope="module")
def tree():
    """One run of all rules: they share what they read."""
    return run("--build", tool.BUILD, *CLEAN)


@pytest.mark.parametrize("rule", CLEAN)
def test_tree(tree, rule):
    if rule in BUILT | {"symbols"} and not shutil.which("nm"):
        pytest.skip("no nm")
    assert f"{rule}: ok" in tree.stdout.splitlines(), tree.stderr


def test_usage():
    assert run("no_such_rule").returncode == 2
    assert run("--update").returncode == 2
    assert run("names", "--update").returncode == 2


# ---- layers, calls, circles ----

LAYERS = "base:\ngraph: base\n"
BASE_H = "int vn_base(void);\n"
GRAPH_H = "int vn_graph(void);\n"
GRAPH_C = '#include "graph/graph.h"\n#include "base/base.h"\nint vn_graph(void) { return vn_base(); }\n'
TWO_LAYERS = {"src/layers.txt": LAYERS, "src/base/base.h": BASE_H, "src/graph/graph.h": GRAPH_H,
              "src/graph/graph.c": GRAPH_C,
              "src/base/base.c": '#include "base/base.h"\nint vn_base(void) { return 1; }\n'}


def test_upward_include(check):
    assert not check("layers", TWO_LAYERS)
    found = check("layers", {"src/base/bad.c": '#include "graph/graph.h"\n'})
    assert "src/base/bad.c:1: base/ may not include graph/graph.h" in found


def test_upward_include_of_the_real_tree(tmp_path):
    shutil.copytree(tool.ROOT / "src", tmp_path / "src")
    found = lint(tmp_path, "layers", {"src/base/bad.c": '#include "graph/graph.h"\n',
                                      "src/cli/bad.c": '#include "session/session.h"\n'})
    assert "src/base/bad.c:1: base/ may not include graph/graph.h" in found
    assert "src/cli/bad.c:1: cli/ may not include session/session.h" in found


def test_cycle_of_permissions(check):
    found = check("layers", {**TWO_LAYERS, "src/layers.txt": "base: graph\ngraph: base\n"})
    assert "base names graph, which is not further up" in found


def test_no_folder_may_include_everything(check):
    found = check("layers", {**TWO_LAYERS, "src/layers.txt": "base:\ngraph: *\n"})
    assert "graph names *, which is not further up" in found


MAIN = "int main(void) { return vn_graph(); }\n"
BAD = "int vn_bad(void) { return vn_base(); }\n"


def test_commands_include_public_headers_only(check):
    commands = {**TWO_LAYERS, "src/layers.txt": LAYERS + "cli:\n", "include/vernier/graph.h": GRAPH_H,
                "src/cli/cli.h": "\n",
                "src/cli/run.c": '#include "cli/cli.h"\n#include "vernier/graph.h"\n' + MAIN}
    assert not check("layers", commands)
    assert not check("calls", {})
    bad = {"src/cli/bad.c": '#include "graph/graph.h"\n#include "base/base.h"\n' + BAD}
    assert "src/cli/bad.c:1: cli/ may not include graph/graph.h" in check("layers", bad)
    found = check("calls", {})
    assert "src/cli/bad.c: cli/ may not use what base/ defines (src/layers.txt): vn_base" in found


def test_upward_call(check):
    assert not check("calls", TWO_LAYERS)
    bad = "int vn_bad(void) { return vn_graph(); }\n"
    found = check("calls", {"src/base/bad.c": "int vn_graph(void);\n" + bad})
    assert "src/base/bad.c: base/ may not use what graph/ defines (src/layers.txt): vn_graph" in found
    public = {"include/vernier/graph.h": GRAPH_H, "src/base/bad.c": '#include "vernier/graph.h"\n' + bad}
    assert "vn_graph" in check("calls", public)


def test_permission_without_use(check):
    unused = {**TWO_LAYERS, "src/layers.txt": "base:\nnum:\ngraph: base num\n", "src/num/num.h": "\n"}
    assert "graph names num and uses nothing of it" in check("calls", unused)


def test_rules_of_objects_need_a_build(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/layers.txt").write_text(LAYERS)
    for rule in BUILT:
        assert "not a build" in run("--root", tmp_path, rule).stderr


CIRCLE = {"src/graph/a.c": "int vn_b(void);\nint vn_a(int i) { return i ? vn_b() : 0; }\n",
          "src/graph/b.c": "int vn_c(void);\nint vn_b(void) { return vn_c(); }\n",
          "src/graph/c.c": "int vn_a(int i);\nint vn_c(void) { return vn_a(0); }\n"}


def test_circle(check):
    found = check("circles", CIRCLE)
    assert "src/graph: circle of a.c b.c c.c: a -> b (vn_b); b -> c (vn_c); c -> a (vn_a)" in found
    allowed = "/* circle: a b c: a graph holds graphs */\n"
    assert not check("circles", {"src/graph/a.c": allowed + CIRCLE["src/graph/a.c"]})
    found = check("circles", {"src/graph/c.c": "int vn_c(void) { return 0; }\n"})
    assert "src/graph/a.c: the comment allows a circle that does not exist" in found


def test_circle_by_a_variable(check):
    assert "circle of a.c b.c" in check("circles", {
        "src/graph/a.c": "int vn_b(void);\nint vn_state;\nint vn_a(void) { return vn_b(); }\n",
        "src/graph/b.c": "extern int vn_state;\nint vn_b(void) { return vn_state++; }\n"})


def test_lists_are_no_circles(check):
    """The table of a .def list names its members, and these use what stands beside the table."""
    op = "struct op { int (*eval)(int); };\nint vn_twice(int);\n"
    assert not check("circles", {
        "src/ops/op.h": op,
        "src/ops/list.c": '#include "ops/op.h"\nextern const struct op vn_op_add;\n'
                          "const struct op *const vn_ops[] = { &vn_op_add };\n"
                          "int vn_run(int i) { return vn_ops[i]->eval(1); }\n"
                          "int vn_twice(int x) { return 2 * x; }\n",
        "src/ops/add.c": '#include "ops/op.h"\nstatic int eval(int x) { return vn_twice(x); }\n'
                         "const struct op vn_op_add = { eval };\n"})


# ---- names, dead, functions ----

@pytest.mark.parametrize("one, other, name", [
    ("src/a/one.h:#define VN_SLACK 64\n", "src/b/other.h:#define VN_SLACK 8\n", "VN_SLACK"),
    ("src/a/one.h:#define LIST(T) T *\n", "src/b/other.c:#define LIST 3\n", "LIST"),
    ("src/a/one.h:struct box { int x; };\n", "src/b/other.c:struct box { float x; };\n", "box"),
    ("src/a/one.h:struct box { int x; };\n", "src/b/other.h:enum box { X };\n", "box"),
    ("src/a/one.h:struct vn_resize { int x; };\n", "src/b/other.c:int vn_resize(int x)\n{\n}\n", "vn_resize"),
    ("src/a/one.h:enum kind { PLAIN, FANCY };\n", "src/b/other.c:#define PLAIN 3\n", "PLAIN"),
    ("src/a/one.c:int vn_f(void) { return 1; }\n", "src/b/other.c:int vn_f(void) { return 2; }\n", "vn_f"),
])
def test_two_meanings(check, one, other, name):
    files = dict(f.split(":", 1) for f in (one, other))
    found = check("names", files)
    assert found.count("\n") == 1 and f"{name} means 2 things" in found


def test_names_of_single_files(check):
    assert not check("names", {
        "src/a/one.c": "#define N 4\nstruct attrs { int a; };\nstatic int eval(void) { return 0; }\n",
        "src/b/other.c": "#define N 5\nstruct attrs { int b; };\nstatic int eval(void) { return 1; }\n"
                         "#define OP(x) x\n#undef OP\n",
        "src/b/list.h": "#define OP(x) int x;\n#undef OP\nstruct graph;\n"
                        "#ifdef A\n#define M 1\n#else\n#define M 2\n#endif\n",
        "src/c/user.c": "struct graph { int n; };\nstruct graph *vn_graph(void) { return 0; }\n"})


def test_dead(check):
    names = ["vn_dead", "vn_used", "vn_public", "vn_own"]
    functions = "".join(f"int {name}(void) {{ return 0; }}\n" for name in names)
    functions += "const int vn_table[2] = { 1, 2 };\nint vn_public_too(void) { return vn_own(); }\n"
    header = "".join(f"int {name}(void);\n" for name in names) + "extern const int vn_table[2];\n"
    files = {"src/a/a.h": header, "src/a/a.c": '#include "a/a.h"\n' + functions,
             "src/b/b.c": '#include "a/a.h"\nint main(void) { return vn_used(); }\n',
             "include/vernier/a.h": "int vn_public(void);\nint vn_public_too(void);\n",
             "tests/unit/test_a.c": "int main(void) { return vn_dead(); }\n"}
    found = check("dead", files)
    assert [line.split()[-1] for line in found.splitlines()] == ["vn_dead", "vn_table"]
    entries = "/* not used in src: vn_dead: for fuzzing */\n/* not used in src: vn_table: tests read it */\n"
    assert not check("dead", {"src/a/a.c": entries + files["src/a/a.c"]})


LONG = "\nint vn_long(struct s *p,\n            int y)\n{\n"
LONG += "    y++; /* } */\n" * 44 + '    return y + "}"[0];\n}\n'


def test_long_functions(check):
    found = check("functions", {"src/a/a.c": "struct s { int x; };\n" + LONG, "src/kernels/k.c": LONG})
    assert found == "src/a/a.c:3: vn_long has 49 lines, expected at most 45\n"
    assert "has no reason" in check("functions", {"tools/lint_functions.txt": "src/a/a.c:vn_long\n"})
    listed = {"tools/lint_functions.txt": "# reasons\nsrc/a/a.c:vn_long one long table\n"}
    assert not check("functions", listed)
    stale = check("functions", {"src/a/a.c": "int vn_long(void) { return 1; }\n"})
    assert "tools/lint_functions.txt:2: src/a/a.c:vn_long is not a function of more than 45 lines" in stale


def test_functions_are_found(check):
    """Static ones, those of macros and of the first branch of an #if, in Linux braces and on one line."""
    body = "{\n" + "    ;\n" * 50 + "}\n"
    text = ("#define OPEN {\nstatic int one(void)\n" + body + "VN_CONV_S8(vn_two)\n" + body
            + "#if A\nint three(int a)\n#else\nint four(int b)\n#endif\n" + body
            + "static const int table[] = {\n" + "    1,\n" * 50 + "};\n"
            + "struct big {\n" + "    int x;\n" * 50 + "};\n"
            + "const struct op *(*five(int (*f)(int)))(void)\n" + body)
    found = check("functions", {"src/a/a.c": text})
    assert [line.split()[1] for line in found.splitlines()] == ["one", "vn_two", "three", "five"]


# ---- operators, words, runs ----

@pytest.mark.parametrize("line", [
    "if (n->op == &vn_op_conv) return 1;",
    "if (&vn_op_conv != n->op) return 1;",
    'if (!strcmp(n->op->onnx, "Conv")) return 1;',
    'if (!strcmp("Conv", n->op->name)) return 1;',
    "switch (n->op->id) { case OP_conv: return 1; }",
    "if (n->op->id == OP_conv) return 1;",
    "if (node_is(n, &vn_op_conv)) return 1;",
    "static const struct op_def *const ops[] = { &vn_op_conv };",
])
def test_operator_identity(check, line):
    found = check("operators", {"src/passes/a.c": "int f(struct node *n) {\n" + line + "\n}\n"})
    assert "src/passes/a.c:2: asks which operator it is" in found
    reason = " /* operator identity: it ends here */\n"
    assert not check("operators", {"src/passes/a.c": "int f(struct node *n) {\n" + line + reason + "}\n"})


def test_making_nodes_is_no_question(check):
    assert not check("operators", {
        "src/ops/a.c": "int f(void) { return op == &vn_op_conv; }\n",
        "src/passes/a.c": "/* op == &vn_op_conv */\n"
                          "void f(void) { vn_graph_add_node(g, &vn_op_mul, 2, in); n->op = &vn_op_gemm; }\n"})


def test_reasons_are_counted(check):
    line = "int a = op == &vn_op_conv; /* operator identity: why */\n"
    assert not check("operators", {"src/passes/a.c": line * 5})
    found = check("operators", {"src/passes/a.c": line * 6})
    assert "6 comparisons of operators have a reason, expected at most 5" in found


WORDS = 'LAYOUT(LAYOUT_NCHW, "NCHW")\nLAYOUT(LAYOUT_NHWC, "NHWC")\n/* LAYOUT(A, "a") */\n'
COMPARES = ['strcmp(t, "NHWC")', 'strncmp("NCHW", t, 4)', 'vn_streq(at(t, 1), "NHWC")',
            'strcasecmp(t, c ? "x" : "NCHW")']


@pytest.mark.parametrize("line", COMPARES)
def test_words_of_the_configuration(check, line):
    text = f"int x = {line};\n"
    found = check("words", {"src/config/words.def": WORDS, "src/config/a.c": text, "src/data/a.c": text})
    assert "src/data/a.c:1: compares a word of the configuration: N" in found and found.count("\n") == 1
    assert not check("words", {"src/data/a.c": "/* not a key's word: the layout of a file */\n" + text})


def test_other_words(check):
    others = 'int x = strcmp(t, "a"), y = strcmp(t, "def"); const char *z = "NHWC";\n'
    assert not check("words", {"src/config/words.def": WORDS, "src/data/a.c": others})
    assert "no words found" in check("words", {"src/config/words.def": "\n"})


def test_models_are_run_by_sessions(check):
    run_it = "int f(void) { return vn_model_run(m, in, out, e); } /* vn_model_run_range */\n"
    assert not check("runs", {"src/session/a.c": run_it, "src/runtime/a.c": run_it, "tests/a.c": run_it})
    assert "src/cli/a.c:1: uses vn_model_run: a session" in check("runs", {"src/cli/a.c": run_it})
    found = check("runs", {"src/cli/a.c": "int (*f)(void) = vn_model_run_range;\n"})
    assert "uses vn_model_run_range" in found


# ---- lines, format ----

def test_lines(check, tmp_path):
    line, listed = "/* " + "x" * 120 + " */\n", "tools/lint_lines.txt"
    (tmp_path / "tools").mkdir()
    assert not check("lines", {"src/old.c": line * 3, "src/new.c": "int y;\n"}, "--update") # the first list
    assert (tmp_path / listed).read_text().splitlines()[1:] == ["src/old.c 3"]
    assert not check("lines", {})
    assert "src/new.c:1: 1 " in check("lines", {"src/new.c": line})
    assert "src/new.c:1: 1 " in check("lines", {}, "--update") # refuses to raise
    assert "src/old.c:1: 4 " in check("lines", {"src/new.c": "int y;\n", "src/old.c": line * 4}, "--update")
    assert "src/old.c 3" in (tmp_path / listed).read_text()
    assert "src/old.c has 1, listed 3" in check("lines", {"src/old.c": line})
    assert not check("lines", {}, "--update")
    assert not check("lines", {"src/old.c": "int z;\n"}, "--update")
    assert "src" not in (tmp_path / listed).read_text().split("\n", 1)[1]


def test_format(check, tmp_path):
    if "skipped" in run("format", "--root", tmp_path).stdout:
        pytest.skip("no clang-format")
    shutil.copy(tool.ROOT / ".clang-format", tmp_path)
    assert not check("format", {"src/a.c": "int y;\n"})
    assert "src/a.c:2: 1 differences from .clang-format" in check("format", {"src/a.c": "int y;\nint   x;\n"})


# ---- sizes, headers, references, paths ----

def test_sizes(check):
    assert "901 lines" in check("sizes", {"src/a/a.c": "\n" * 901})
    assert "the name one.h is taken twice" in check("sizes", {"src/a/one.h": "\n", "src/b/one.h": "\n"})


def test_headers(check):
    assert not check("headers", {"include/vernier/a.h": "int vn_a(int);\n"})
    found = check("headers", {"include/vernier/a.h": "size_t vn_a(int);\n"})
    assert "include/vernier/a.h: does not compile alone as c11" in found


@pytest.mark.parametrize("file, text, name", [
    ("README.md", "Tests are in `tests/unit` and `tests/pass`.\n", "tests/pass"),
    ("docs/a.md", "[the steps](../src/a/gone.c), `src/a/a.c`\n", "src/a/gone.c"),
    ("src/a/a.c", "/* a/a.c - see a/gone.c, rule b.h */\n", "a/gone.c"),
    ("src/a/a.c", "int x; /* as in gone.c */\n", "gone.c"),
    ("src/layers.txt", "# checked by tools/gone.py\n", "tools/gone.py"),
    ("tools/a.py", "x = 1 # the numbers of src/a/gone.def\n", "src/a/gone.def"),
])
def test_stale_reference(check, file, text, name):
    clean = {"README.md": "`src/*/a.c`, src/a/NAME.c, a/x.c, `tests/unit/`, /usr/src/a/b.c, net_a/b.c\n",
             "CHANGELOG.md": "src/a/gone.c\n", "src/a/b.h": "/* a/a.c */\n", "tests/unit/a.c": "\n",
             "src/a/a.c": '/* a/a.c - see b.h */\nconst char *s = "src/a/gone.c";\n'}
    assert not check("references", clean)
    found = check("references", {file: text})
    assert f"{file}:1: names {name}, which does not exist" in found


def test_paths(check):
    folder = "/ho" + "me/somebody/x"
    assert not check("paths", {"README.md": "~/x\n"})
    assert "README.md:1: a path of one machine" in check("paths", {"README.md": f"see {folder}\n"})
