/* Every failure as programs read it, with --json: cause, evidence, and the command to run next. */
#include <string.h>

#include <vernier/reason.h>

#include "base/shell.h"
#include "cli/cli.h"

static struct {
    const struct command *command;
    int n;
    char **words; /* behind the command's name */
} line;

static const struct {
    const char *cause, *command, *next;
} rows[] = {
#define FAILURE(cause, command, next) { cause, command, next },
#include "cli/failures.def"
#undef FAILURE
};

void vn_failure_line(const struct command *c, int argc, char **argv)
{
    line.command = c;
    line.n = argc;
    line.words = argv;
}

static int is_json(const char *word) { return !strcmp(word, "--json"); }

int vn_failure_wanted(void)
{
    for (int i = 0; i < line.n; i++)
        if (is_json(line.words[i]))
            return 1;
    return 0;
}

/* ---- a command line for a shell ---- */

static const char *whole_line(struct vn_arena *a)
{
    const char *out = NULL;
    for (int i = 0; i < line.n; i++)
        if (!is_json(line.words[i]))
            out = vn_arena_fmt(a, "%s%s%s", out ? out : "", out ? " " : "", vn_shell_word(a, line.words[i]));
    return out;
}

static const char *word_at(struct vn_arena *a, int i)
{
    const char **words;
    return i < vn_words(&words) ? vn_shell_word(a, words[i]) : NULL;
}

static const char *value_of(struct vn_arena *a, const char *name)
{
    const char *value = NULL;
    if (!strcmp(name, "command"))
        value = line.command->name;
    else if (!strcmp(name, "line"))
        value = whole_line(a);
    else if (*name >= '0' && *name <= '9')
        value = word_at(a, *name - '0');
    else if (vn_opt(name))
        value = vn_shell_word(a, vn_opt(name));
    return value;
}

/* NULL: the command line lacks a word, or has an option that would come twice. */
static const char *filled(struct vn_arena *a, const char *next)
{
    const char *out = "";
    char *rest = vn_arena_str(a, next), *save, *word = strtok_r(rest, " ", &save);
    const int adds = strstr(next, "{line}") != NULL;
    for (; word; word = strtok_r(NULL, " ", &save)) {
        const size_t n = strlen(word);
        const char *value = word;
        if (word[0] == '{' && word[n - 1] == '}')
            value = value_of(a, vn_arena_strn(a, word + 1, n - 2));
        else if (adds && word[0] == '-' && vn_opt(word))
            value = NULL;
        if (!value)
            return NULL;
        out = vn_arena_fmt(a, "%s%s%s", out, *out ? " " : "", value);
    }
    return out;
}

static int fits(const char *given, const char *have) { return !*given || !strcmp(given, have); }

static const char *next_command(struct vn_arena *a, const char *cause)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *next = NULL;
        if (fits(rows[i].cause, cause) && fits(rows[i].command, line.command->name))
            next = filled(a, rows[i].next);
        if (next)
            return next;
    }
    return NULL; /* not reached: the last row fits every command */
}

/* ---- JSON ---- */

int vn_finding_failure(struct vn_failure *f, const struct vn_finding *v, int n)
{
    for (int i = 0; i < n; i++)
        if (v[i].severity != VN_FINDING_WARNING) {
            *f = (struct vn_failure){ v[i].detector, v[i].text, NULL };
            return 1;
        }
    return 0;
}

void vn_failure_add(json_t *j, const struct vn_failure *f, struct vn_arena *a)
{
    const char *next = f->next_command ? f->next_command : next_command(a, f->cause);
    json_object_update_new(
        j, json_pack("{s:s, s:s, s:s?}", "cause", f->cause, "evidence", f->evidence, "next_command", next));
}

int vn_print_result(json_t *j, const struct vn_failure *f, struct vn_arena *a)
{
    if (f)
        vn_failure_add(j, f, a);
    vn_json_print(stdout, j);
    return f ? EXIT_CHECK_FAILED : EXIT_DONE;
}

const char *vn_failure_cause(int status, const struct vn_err *e)
{
    static const char *const words[] = {
        [-VN_E_USAGE] = "usage",
        [-VN_E_INPUT] = "input",
        [-VN_E_UNSUPPORTED] = "unsupported",
        [-VN_E_IO] = "io",
        [-VN_E_NOMEM] = "no_memory",
        [-VN_E_INTERNAL] = "internal",
        [-VN_E_CANCELLED] = "cancelled",
    };
    return vn_problem_id(e) ? vn_problem_id(e) : words[-status];
}

void vn_print_failure(int status, const struct vn_err *e, struct vn_arena *a)
{
    const struct vn_failure f = { vn_failure_cause(status, e), e->msg, NULL };
    vn_print_result(json_pack("{s:b}", "passed", 0), &f, a);
}
