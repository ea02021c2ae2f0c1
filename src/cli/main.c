/* The multi-call binary: finds program and command, maps failures to exit statuses. */
#include <signal.h>
#include <string.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <vernier/reason.h>

#include "base/words.h"
#include "cli/cli.h"
#include "cli/compat/compat.h"
#include "cli/help.h"

#define CMD(name) extern const struct command vn_cmd_##name;
#include "cli/cmds.def"
#undef CMD

static const struct command *const commands[] = {
#define CMD(name) &vn_cmd_##name,
#include "cli/cmds.def"
#undef CMD
};

static const struct tool vernier = {
    .name = "vernier",
    .help =
        "Converts float ONNX and Caffe models to verified int8 programs for CPUs. It does not generate code "
        "for vendor NPUs.",
    .commands = commands,
    .n_commands = sizeof commands / sizeof *commands,
    .strict = 1,
};

static int exit_status(int status)
{
    static const int map[] = {
        [0] = EXIT_DONE,
        [-VN_E_USAGE] = EXIT_USAGE,
        [-VN_E_INPUT] = EXIT_BAD_INPUT,
        [-VN_E_UNSUPPORTED] = EXIT_BAD_INPUT,
        [-VN_E_IO] = EXIT_BAD_INPUT,
        [-VN_E_NOMEM] = EXIT_INTERNAL,
        [-VN_E_INTERNAL] = EXIT_INTERNAL,
    };
    return status >= 0 ? status : map[-status];
}

static const struct command *find_command(const struct tool *p, const char *name)
{
    for (int i = 0; i < p->n_commands; i++)
        if (!strcmp(p->commands[i]->name, name))
            return p->commands[i];
    return NULL;
}

static int unknown_command(const struct tool *p, const char *name)
{
    const char *names[32];
    for (int i = 0; i < p->n_commands; i++)
        names[i] = p->commands[i]->name;
    const char *near = vn_nearest(name, names, p->n_commands);
    if (near)
        fprintf(stderr, "%s: unknown command '%s'; did you mean '%s'?\n", p->name, name, near);
    else
        fprintf(stderr, "%s: unknown command '%s'; '%s --help' lists the commands\n", p->name, name, p->name);
    return EXIT_USAGE;
}

static int is_help(const char *word) { return !strcmp(word, "--help") || !strcmp(word, "-h"); }

static int wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (is_help(argv[i]))
            return 1;
    return 0;
}

/* Advice that this command can take. */
static void print_remedy(const struct command *c, const struct vn_err *e)
{
    static const char shape[] = "--input-shape";
    const char *remedy = vn_problem_remedy(e);
    if (remedy && (strncmp(remedy, shape, strlen(shape)) != 0 || vn_command_takes(c, shape)))
        fprintf(stderr, "  try: %s\n", remedy);
}

static void print_error(const struct tool *p, const struct command *c, int status, const struct vn_err *e)
{
    fprintf(stderr, "%s%s%s: %s%s\n", p->name, *c->name ? " " : "", c->name,
            status == VN_E_INTERNAL ? "internal error, please report it: " : "", e->msg);
    print_remedy(c, e);
    if (p->failed)
        p->failed(c);
}

/* Blocks of a sample's size, freed and wanted again for every sample, are not given back to the system. */
static void keep_memory(void)
{
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 128 << 20);
    mallopt(M_TOP_PAD, 16 << 20);
#endif
}

static int run_command(const struct tool *p, const struct command *c, int argc, char **argv)
{
    struct vn_err e = { 0 };
    struct vn_oom guard;
    keep_memory();
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error to report, not an end */
    if (VN_OOM_GUARD(&guard)) {
        fprintf(stderr, "%s: out of memory\n", p->name);
        return EXIT_INTERNAL;
    }
    struct vn_arena *a = vn_arena_new();
    vn_failure_line(c, argc, argv);
    int status = vn_line_read(p, c, argc, argv, a, &e);
    if (status == VN_OK)
        status = vn_opt_custom_ops(&e);
    if (status == VN_OK)
        status = c->run(a, &e);
    vn_oom_leave(&guard);
    if (status < 0)
        print_error(p, c, status, &e);
    if (status < 0 && p == &vernier && vn_failure_wanted())
        vn_print_failure(status, &e, a);
    vn_arena_free(&a);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "%s: cannot write to standard output\n", p->name);
        return EXIT_BAD_INPUT;
    }
    return exit_status(status);
}

/* gflags takes options in front of the command, too: the command is moved to the front. */
static void move_command(const struct tool *p, int argc, char **argv)
{
    int i = 1;
    while (i < argc && !find_command(p, argv[i]))
        i++;
    for (char *word = i < argc ? argv[i] : NULL; word && i > 0; i--)
        argv[i] = i > 1 ? argv[i - 1] : word;
}

static int run_program(const struct tool *p, int argc, char **argv)
{
    if (p->instead) {
        fprintf(stderr, "%s is not available. Use %s.\n", p->name, p->instead);
        return EXIT_USAGE;
    }
    const struct command *c = *p->commands[0]->name ? NULL : p->commands[0];
    const int first = c ? 1 : 2;
    if (!c && (argc < 2 || is_help(argv[1]) || (p != &vernier && !strcmp(argv[1], "help")))) {
        vn_print_usage(argc < 2 ? stderr : stdout, p);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (p->loose && !c)
        move_command(p, argc, argv);
    if (argc > 1 && (!strcmp(argv[1], "--version") || (p->loose && !c && !strcmp(argv[1], "-v")))) {
        printf("%s %s\n", p->name, VN_VERSION);
        return EXIT_DONE;
    }
    if (!c && !(c = find_command(p, argv[1])))
        return unknown_command(p, argv[1]);
    if (wants_help(argc - first, argv + first)) {
        vn_print_help(p, c);
        return EXIT_DONE;
    }
    return run_command(p, c, argc - first, argv + first);
}

int main(int argc, char **argv)
{
    const struct tool *p = argc ? vn_compat_program(argv[0]) : NULL;
    vn_help_program(&vernier);
    return run_program(p ? p : &vernier, argc, argv);
}
