/* The multi-call binary: finds the command, parses its options by its table, maps failures to exit statuses. */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include <vernier/reason.h>

#include "base/file.h"
#include "base/words.h"
#include "cli/cli.h"

#define CMD(name) extern const struct command vn_cmd_##name;
#include "cli/cmds.def"
#undef CMD

const struct command *const vn_commands[] = {
#define CMD(name) &vn_cmd_##name,
#include "cli/cmds.def"
#undef CMD
};
const int vn_commands_count = sizeof vn_commands / sizeof *vn_commands;

struct given {
    const struct option_def *def;
    const char *value;
};

static struct {
    struct vn_arena *arena;
    VEC(struct given) options;
    VEC(const char *) words;
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

int vn_opt_run(struct vn_options *o, struct vn_err *e)
{
    vn_options_default(o);
    TRY(vn_opt_int("--threads", 1, 1, 256, &o->threads, e));
    if (vn_opt("--cpumask"))
        TRY(read_mask(&o->cpumask, vn_opt("--cpumask"), e));
    return VN_OK;
}

/* ---- logging ---- */

static void write_line(FILE *f, enum vn_log_level level, const char *text)
{
    static const char *const names[] = { "DEBUG", "INFO", "WARNING", "ERROR" };
    struct timeval now;
    struct tm t;
    char stamp[32];
    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &t);
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &t);
    fprintf(f, "%s,%03d %s %s\n", stamp, (int)(now.tv_usec / 1000), names[level], text);
    fflush(f);
}

static void log_line(void *user, enum vn_log_level level, const char *text)
{
    struct logger *l = user;
    if (!l->quiet || level >= VN_LOG_WARNING)
        write_line(stderr, level, text);
    if (l->file)
        write_line(l->file, level, text);
}

static void show_progress(void *user, const char *what, int done, int all)
{
    struct logger *l = user;
    l->progress.f = stderr;
    vn_progress_show(&l->progress, what, done, all);
}

static void keep_problem(void *user, const struct vn_err *problem)
{
    struct logger *l = user;
    if (!l->arena)
        return;
    VEC_PUSH(l->arena, &l->problems, *problem);
}

struct vn_listener vn_logger_listener(struct logger *l)
{
    return (struct vn_listener){ log_line, show_progress, keep_problem, l };
}

static void write_problem(FILE *f, const char *command, const struct vn_err *problem)
{
    const char *remedy = vn_problem_remedy(problem);
    fprintf(f, "vernier %s: %s\n", command, problem->msg);
    if (remedy)
        fprintf(f, "  try: %s\n", remedy);
}

int vn_logger_problems(const struct logger *l, const char *command, const char *file, int status,
                       struct vn_err *e)
{
    if (status >= 0 || l->problems.n < 2)
        return status;
    for (int i = 0; i < l->problems.n; i++) {
        write_problem(stderr, command, &l->problems.v[i]);
        if (l->file)
            write_problem(l->file, command, &l->problems.v[i]);
    }
    return vn_fail(e, status, "%s: %d problems", file, l->problems.n);
}

int vn_print_json(json_t *j)
{
    vn_json_print(stdout, j);
    return EXIT_DONE;
}

/* ---- the command line ---- */

static void print_usage(FILE *f)
{
    fprintf(f, "usage: vernier COMMAND [options]\n\nConverts float ONNX and Caffe models to verified int8 "
               "programs for CPUs. It does not generate code for vendor NPUs.\n\n");
    for (int i = 0; i < vn_commands_count; i++)
        fprintf(f, "  %-9s %s\n", vn_commands[i]->name, vn_commands[i]->help);
    fprintf(f, "\n'vernier COMMAND --help' prints the options. Exit status: 0 success, 1 a check failed, 2 "
               "usage, 3 invalid input, 4 internal.\n");
}

static void print_help(const struct command *c)
{
    printf("usage: vernier %s %s\n\n%s\n\n", c->name, c->args, c->help);
    for (const struct option_def *o = c->options; o->name; o++) {
        char left[64];
        const char letter[4] = { '-', o->letter, ',', 0 };
        snprintf(left, sizeof left, "%s %s %s", o->letter ? letter : "   ", o->name, o->value ? o->value : "");
        printf("  %-30s %s\n", left, o->help);
    }
}

static const struct option_def *find_option(const struct command *c, const char *word, size_t n)
{
    for (const struct option_def *o = c->options; o->name; o++)
        if ((strlen(o->name) == n && !strncmp(o->name, word, n)) || (n == 2 && word[0] == '-' && word[1] == o->letter && o->letter))
            return o;
    return NULL;
}

static int unknown_option(const struct command *c, const char *word, struct vn_err *e)
{
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

static int parse(const struct command *c, int argc, char **argv, struct vn_err *e)
{
    for (int i = 2; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || !word[1]) {
            VEC_PUSH(line.arena, &line.words, word);
            continue;
        }
        const char *eq = strncmp(word, "--", 2) ? NULL : strchr(word, '=');
        const struct option_def *o = find_option(c, word, eq ? (size_t)(eq - word) : strlen(word));
        if (!o)
            return unknown_option(c, word, e);
        if (!o->repeats && vn_opt(o->name))
            return vn_fail(e, VN_E_USAGE, "duplicate option %s", o->name);
        struct given g = { o, "" };
        if (!o->value && eq)
            return vn_fail(e, VN_E_USAGE, "%s does not take a value", o->name);
        if (o->value) {
            if (!eq && i + 1 >= argc)
                return vn_fail(e, VN_E_USAGE, "%s requires %s", o->name, o->value);
            g.value = eq ? eq + 1 : argv[++i];
            if (o->rest && i + 1 < argc && argv[i + 1][0] != '-' && !strchr(g.value, '='))
                g.value = vn_arena_fmt(line.arena, "%s=%s", g.value, argv[++i]);
        }
        VEC_PUSH(line.arena, &line.options, g);
    }
    if (vn_opt("--model"))
        insert_word(vn_opt("--model"));
    if (line.words.n < c->min_words || (c->max_words >= 0 && line.words.n > c->max_words))
        return vn_fail(e, VN_E_USAGE, "usage: vernier %s %s", c->name, c->args);
    return VN_OK;
}

static int exit_status(int status)
{
    static const int map[] = { [0] = EXIT_DONE, [-VN_E_USAGE] = EXIT_USAGE, [-VN_E_INPUT] = EXIT_BAD_INPUT, [-VN_E_UNSUPPORTED] = EXIT_BAD_INPUT,
                               [-VN_E_IO] = EXIT_BAD_INPUT, [-VN_E_NOMEM] = EXIT_INTERNAL, [-VN_E_INTERNAL] = EXIT_INTERNAL };
    return status >= 0 ? status : map[-status];
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < vn_commands_count; i++)
        if (!strcmp(vn_commands[i]->name, name))
            return vn_commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[32];
    for (int i = 0; i < vn_commands_count; i++)
        names[i] = vn_commands[i]->name;
    const char *near = vn_nearest(name, names, vn_commands_count);
    if (near)
        fprintf(stderr, "vernier: unknown command '%s'; did you mean '%s'?\n", name, near);
    else
        fprintf(stderr, "vernier: unknown command '%s'; 'vernier --help' lists the commands\n", name);
    return EXIT_USAGE;
}

static int wants_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return 1;
    return 0;
}

/* Advice that this command can take. */
static void print_remedy(const struct command *c, const struct vn_err *e)
{
    static const char shape[] = "--input-shape";
    const char *remedy = vn_problem_remedy(e);
    if (remedy && (strncmp(remedy, shape, strlen(shape)) != 0 || find_option(c, shape, strlen(shape))))
        fprintf(stderr, "  try: %s\n", remedy);
}

int main(int argc, char **argv)
{
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("vernier " VN_VERSION);
        return EXIT_DONE;
    }
    const struct command *c = find_command(argv[1]);
    if (!c)
        return unknown_command(argv[1]);
    if (wants_help(argc, argv)) {
        print_help(c);
        return EXIT_DONE;
    }
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error to report, not an end */
    struct vn_err e = { 0 };
    struct vn_oom guard;
    if (VN_OOM_GUARD(&guard)) {
        fputs("vernier: out of memory\n", stderr);
        return EXIT_INTERNAL;
    }
    line.arena = vn_arena_new();
    int status = parse(c, argc, argv, &e);
    if (status == VN_OK)
        status = c->run(line.arena, &e);
    vn_oom_leave(&guard);
    if (status < 0) {
        fprintf(stderr, "vernier %s: %s%s\n", c->name, status == VN_E_INTERNAL ? "internal error, please report it: " : "", e.msg);
        print_remedy(c, &e);
    }
    vn_arena_free(&line.arena);
    if (fflush(stdout) || ferror(stdout)) {
        fputs("vernier: cannot write to standard output\n", stderr);
        return EXIT_BAD_INPUT;
    }
    return exit_status(status);
}
