/* The command line, read by the table of its command. */
#include <stdlib.h>
#include <string.h>

#include <vernier/custom_op.h>

#include "base/file.h"
#include "base/words.h"
#include "cli/cli.h"

struct given {
    const struct option_def *def;
    const char *value; /* NULL: a switch, turned off */
};

static struct {
    struct vn_arena *arena;
    VEC(struct given) options;
    VEC(const char *) words;
    VEC(const char *) all; /* as they were typed, from the program's name on */
} line;

const char *vn_opt(const char *name)
{
    for (int i = line.options.n - 1; i >= 0; i--)
        if (!strcmp(line.options.v[i].def->name, name))
            return line.options.v[i].value;
    return NULL;
}

int vn_opt_all(const char *name, const char ***v)
{
    VEC(const char *) all = { 0 };
    for (int i = 0; i < line.options.n; i++)
        if (!strcmp(line.options.v[i].def->name, name))
            VEC_PUSH(line.arena, &all, line.options.v[i].value);
    *v = all.v;
    return all.n;
}

int vn_words(const char ***v)
{
    *v = line.words.v;
    return line.words.n;
}

int vn_opt_custom_ops(struct vn_err *e)
{
    const char **paths;
    const int n = vn_opt_all("--custom-op", &paths);
    for (int i = 0; i < n; i++)
        TRY(vn_custom_load(paths[i], e));
    return vn_custom_load_all(getenv("VERNIER_CUSTOM_OPS"), e);
}

int vn_opt_int(const char *name, int otherwise, int lo, int hi, int *out, struct vn_err *e)
{
    const char *s = vn_opt(name);
    *out = otherwise;
    if (!s)
        return VN_OK;
    char *end;
    const long v = strtol(s, &end, 10);
    if (*end || !*s || v < lo || v > hi)
        return vn_fail(e, VN_E_USAGE, "%s: expected an integer from %d to %d, got '%s'", name, lo, hi, s);
    *out = (int)v;
    return VN_OK;
}

int vn_opt_real(const char *name, double otherwise, double lo, double hi, double *out, struct vn_err *e)
{
    const char *s = vn_opt(name);
    *out = otherwise;
    if (!s)
        return VN_OK;
    char *end;
    const double v = strtod(s, &end);
    if (*end || !*s || !(v >= lo && v <= hi))
        return vn_fail(e, VN_E_USAGE, "%s: expected a number from %g to %g, got '%s'", name, lo, hi, s);
    *out = v;
    return VN_OK;
}

int vn_opt_shapes(const char ***names, const char ***texts, int *n, struct vn_arena *a, struct vn_err *e)
{
    const char **given;
    *n = vn_opt_all("--input-shape", &given);
    *names = NEW_ARRAY(a, const char *, *n);
    *texts = NEW_ARRAY(a, const char *, *n);
    for (int i = 0; i < *n; i++) {
        const char *eq = strrchr(given[i], '=');
        if (!eq)
            return vn_fail(e, VN_E_USAGE, "--input-shape: expected a name and a shape, got '%s'", given[i]);
        (*names)[i] = vn_arena_strn(a, given[i], (size_t)(eq - given[i]));
        (*texts)[i] = eq + 1;
    }
    return VN_OK;
}

int vn_opt_source(struct vn_source *s, struct vn_arena *a, struct vn_err *e)
{
    const char **words, **names, **shapes, **values;
    vn_words(&words);
    *s = (struct vn_source){ .model = words[0], .prototxt = vn_opt("--proto") };
    TRY(vn_opt_shapes(&names, &shapes, &s->n_shapes, a, e));
    s->shape_names = names;
    s->shapes = shapes;
    s->n_values = vn_opt_all("--input-value", &values);
    s->values = values;
    return VN_OK;
}

/* A word that a shell would take apart is quoted. */
static const char *quoted(struct vn_arena *a, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:@%+";
    if (*word && !word[strspn(word, plain)])
        return word;
    const char *text = "'";
    for (const char *at; (at = strchr(word, '\'')); word = at + 1)
        text = vn_arena_fmt(a, "%s%.*s'\\''", text, (int)(at - word), word);
    return vn_arena_fmt(a, "%s%s'", text, word);
}

const char *vn_line_text(struct vn_arena *a)
{
    const char *text = "";
    for (int i = 0; i < line.all.n; i++)
        text = vn_arena_fmt(a, "%s%s%s", text, i ? " " : "", quoted(a, line.all.v[i]));
    return text;
}

int vn_opt_is_folder(const char *path) { return vn_dir_exists(path); }

static int read_mask(uint32_t *mask, const char *s, struct vn_err *e)
{
    char *end;
    if (vn_cpu_find(mask, s) == VN_OK)
        return VN_OK;
    *mask = (uint32_t)strtoul(s, &end, 0);
    return *end || !*s
               ? vn_fail(e, VN_E_USAGE,
                         "--cpumask: expected a number, c, avx2, avx512, avx512vnni, avx512vbmi or all, "
                         "got '%s'",
                         s)
               : VN_OK;
}

/* Is a word of the command line, or what follows a '=' in it, a pack? */
static int is_pack(const char *word, struct vn_arena *a)
{
    const char **names, *eq = strchr(word, '=');
    return vn_pack_names(&names, a, word) || (eq && vn_pack_names(&names, a, eq + 1));
}

int vn_opt_pack_model(const char **name, struct vn_err *e)
{
    int packs = 0;
    *name = vn_opt("--model-name");
    for (int i = 0; *name && i < line.all.n; i++)
        packs += is_pack(line.all.v[i], line.arena);
    return packs || !*name
               ? VN_OK
               : vn_fail(e, VN_E_USAGE,
                         "--model-name %s: none of the files is a pack; a .bin of one model requires no name",
                         *name);
}

int vn_opt_run(struct vn_options *o, struct vn_err *e)
{
    vn_options_default(o);
    TRY(vn_opt_pack_model(&o->model, e));
    TRY(vn_opt_int("--threads", 1, 1, 256, &o->threads, e));
    if (vn_opt("--cpumask"))
        TRY(read_mask(&o->cpumask, vn_opt("--cpumask"), e));
    return VN_OK;
}

/* ---- reading it ---- */

/* The option that the first n characters of a word name. */
static const struct option_def *find_option(const struct command *c, const char *word, size_t n)
{
    for (const struct option_def *o = c->options; o->name; o++)
        if ((strlen(o->name) == n && !strncmp(o->name, word, n)) ||
            (n == 2 && word[0] == '-' && word[1] == o->letter && o->letter) ||
            (o->abbreviation && strlen(o->abbreviation) == n && !strncmp(o->abbreviation, word, n)))
            return o;
    return NULL;
}

/* As Python's tools read them: "--conf" where one option only begins so, "-cFILE". NULL: none. */
static const struct option_def *find_shortened(const struct command *c, const char *word, size_t n,
                                               const char **joined)
{
    const struct option_def *found = word[1] == '-' ? NULL : find_option(c, word, 2);
    *joined = found && found->value ? word + 2 : NULL;
    if (word[1] != '-')
        return *joined ? found : NULL;
    for (const struct option_def *o = c->options; n > 2 && o->name; o++) {
        if (strncmp(o->name, word, n))
            continue;
        if (found)
            return NULL;
        found = o;
    }
    return found;
}

int vn_command_takes(const struct command *c, const char *option)
{
    return find_option(c, option, strlen(option)) != NULL;
}

/* Options that a command had once: what does their work now. */
static const struct {
    const char *command, *option, *now;
} moved[] = { { "run", "--repeat", "vernier perf --rounds N" },
              { "run", "--profile", "vernier perf --profile" } };

/* What the first n characters of a word are short for: "--a, --b or --c", and how many. */
static int could_be(const char **text, const struct command *c, const char *word, size_t n)
{
    const char *last = "", *before = "";
    int found = 0;
    for (const struct option_def *o = c->options; n > 2 && o->name; o++) {
        if (strncmp(o->name, word, n))
            continue;
        if (found++)
            before = vn_arena_fmt(line.arena, "%s%s%s", before, *before ? ", " : "", last);
        last = o->name;
    }
    *text = found > 1 ? vn_arena_fmt(line.arena, "%s or %s", before, last) : last;
    return found;
}

static int unknown_option(const struct command *c, const char *word, struct vn_err *e)
{
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
        if (!strcmp(c->name, moved[i].command) && !strncmp(word, moved[i].option, strlen(moved[i].option)))
            return vn_fail(e, VN_E_USAGE, "unknown option '%s': times are measured by '%s'", word,
                           moved[i].now);
    const char *names[64];
    int n = 0;
    for (const struct option_def *o = c->options; o->name && n < 64; o++)
        names[n++] = o->name;
    const char *near = vn_nearest(word, names, n);
    return vn_fail(e, VN_E_USAGE, "unknown option '%s'%s%s%s", word, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

static void insert_word(const char *word)
{
    VEC_PUSH(line.arena, &line.words, word);
    memmove(line.words.v + 1, line.words.v, (size_t)(line.words.n - 1) * sizeof *line.words.v);
    line.words.v[0] = word;
}

/* A switch: "--name"; of programs with loose command lines also "--name=false". */
static int read_switch(struct given *g, const char *text, int loose, struct vn_err *e)
{
    static const char *const on[] = { "true", "True", "1", "yes" }, *const off[] = { "false", "False", "0",
                                                                                     "no" };
    if (!text)
        return VN_OK;
    for (size_t i = 0; loose && i < sizeof on / sizeof *on; i++) {
        if (!strcmp(text, on[i]))
            return VN_OK;
        if (!strcmp(text, off[i])) {
            g->value = NULL;
            return VN_OK;
        }
    }
    return loose ? vn_fail(e, VN_E_USAGE, "%s: expected true or false, got '%s'", g->def->name, text)
                 : vn_fail(e, VN_E_USAGE, "%s does not take a value", g->def->name);
}

/* The option at argv[*i]; *i moves to its last word. */
static int read_option(const struct tool *p, const struct command *c, int argc, char **argv, int *i,
                       struct vn_err *e)
{
    const char *word = argv[*i];
    if (p->loose && word[1] != '-' && word[2] && word[2] != '=')
        word = vn_arena_fmt(line.arena, "-%s", word);
    const char *eq = strncmp(word, "--", 2) ? NULL : strchr(word, '=');
    const size_t n = eq ? (size_t)(eq - word) : strlen(word);
    const struct option_def *o = find_option(c, word, n);
    const char *joined = NULL; /* "-cFILE" */
    if (!o && !p->strict && !p->loose)
        o = find_shortened(c, word, n, &joined);
    const char *meanings;
    if (!o && !p->strict && !p->loose && could_be(&meanings, c, word, n) > 1)
        return vn_fail(e, VN_E_USAGE, "ambiguous option '%.*s': %s", (int)n, word, meanings);
    if (!o)
        return unknown_option(c, word, e);
    if (!o->repeats && !p->loose && vn_opt(o->name))
        return vn_fail(e, VN_E_USAGE, "duplicate option %s", o->name);
    struct given g = { o, "" };
    if (!o->value)
        TRY(read_switch(&g, eq ? eq + 1 : NULL, p->loose, e));
    if (o->value) {
        if (!eq && !joined && *i + 1 >= argc)
            return vn_fail(e, VN_E_USAGE, "%s requires %s", o->name, o->value);
        g.value = joined ? joined : eq ? eq + 1 : argv[++*i];
        if (o->rest && *i + 1 < argc && argv[*i + 1][0] != '-' && !strchr(g.value, '='))
            g.value = vn_arena_fmt(line.arena, "%s=%s", g.value, argv[++*i]);
    }
    VEC_PUSH(line.arena, &line.options, g);
    return VN_OK;
}

/* Options that change nothing are said; those that nothing can follow yet are errors. */
static int check_fates(const struct tool *p, struct vn_err *e)
{
    for (int i = 0; i < line.options.n; i++) {
        const struct option_def *o = line.options.v[i].def;
        if (o->fate == OPTION_LATER)
            return vn_fail(e, VN_E_UNSUPPORTED, "%s: %s", o->name, o->help);
        if (o->fate == OPTION_WITHOUT_EFFECT)
            fprintf(stderr, "%s: %s has no effect: %s\n", p->name, o->name, o->help);
    }
    return VN_OK;
}

static int check_report(struct vn_err *e)
{
    const char *path = vn_opt("--report");
    return !path || vn_html_is_name(path)
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "--report: expected a name that ends in .html, got '%s'", path);
}

int vn_line_read(const struct tool *p, const struct command *c, int argc, char **argv, struct vn_arena *a,
                 struct vn_err *e)
{
    line.arena = a;
    line.options.n = line.words.n = line.all.n = 0;
    VEC_PUSH(a, &line.all, p->name);
    if (*c->name)
        VEC_PUSH(a, &line.all, c->name);
    for (int i = 0; i < argc; i++)
        VEC_PUSH(a, &line.all, argv[i]);
    for (int i = 0; i < argc; i++)
        if (argv[i][0] == '-' && argv[i][1])
            TRY(read_option(p, c, argc, argv, &i, e));
        else
            VEC_PUSH(a, &line.words, argv[i]);
    TRY(check_fates(p, e));
    TRY(check_report(e));
    if (vn_opt("--model"))
        insert_word(vn_opt("--model"));
    if (line.words.n < c->min_words || (!p->loose && c->max_words >= 0 && line.words.n > c->max_words))
        return vn_fail(e, VN_E_USAGE, "usage: %s%s%s %s", p->name, *c->name ? " " : "", c->name, c->args);
    return VN_OK;
}
