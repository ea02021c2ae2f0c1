/* vernier help - a command, a key of the configuration; manual pages and completions of shells. */
#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include <vernier/init.h>

#include "base/words.h"

static const struct option_def options[] = {
    { "--completion", 0, "bash|zsh", 0, 0, "print a completion script for this shell" },
    { "--man", 0, NULL, 0, 0, "print the manual page of the command, or of the program" },
    { 0 },
};

static const struct tool *program; /* whose commands are explained */
void vn_help_program(const struct tool *p) { program = p; }

/* ---- as text ---- */

void vn_print_usage(FILE *f, const struct tool *p)
{
    fprintf(f, "usage: %s COMMAND [options]\n\n%s\n\n", p->name, p->help);
    for (int i = 0; i < p->n_commands; i++)
        fprintf(f, "  %-9s %s\n", p->commands[i]->name, p->commands[i]->help);
    fprintf(f,
            "\n'%s COMMAND --help' prints the options. Exit status: 0 success, 1 a check failed, 2 "
            "usage, 3 invalid input, 4 internal.\n",
            p->name);
}

void vn_print_help(const struct tool *p, const struct command *c)
{
    static const char *const fates[] = { "", "no effect: ", "not available: " };
    printf("usage: %s%s%s %s\n\n%s\n\n", p->name, *c->name ? " " : "", c->name, c->args, c->help);
    for (const struct option_def *o = c->options; o->name; o++) {
        char left[64];
        const char letter[4] = { '-', o->letter, ',', 0 };
        snprintf(left, sizeof left, "%s%s %s %s",
                 o->letter         ? letter
                 : o->abbreviation ? o->abbreviation
                                   : "   ",
                 o->abbreviation ? "," : "", o->name, o->value ? o->value : "");
        printf("  %-30s %s%s\n", left, fates[o->fate], o->help);
    }
}

static void print_words(int key)
{
    const char *w;
    for (int i = 0; (w = vn_key_word(key, i)); i++)
        printf("%s%s", i ? ", " : "  values:   ", w);
    if (vn_key_word(key, 0))
        printf("\n");
}

static void print_line(const char *what, const char *text)
{
    if (text)
        printf("  %-9s %s\n", what, text);
}

static void print_key(int i)
{
    struct vn_key_info k;
    vn_key_describe(i, &k);
    printf("%s: %s\n\n  %s\n\n", k.group, k.name, k.help);
    print_line("type:", k.type);
    print_words(i);
    if (k.most > k.least)
        printf("  range:    %g to %g\n", k.least, k.most);
    print_line("default:", k.otherwise);
    print_line("needs:", k.needs);
    print_line("excludes:", k.excludes);
    print_line("state:", k.state);
}

/* ---- manual pages ---- */

/* What troff would read as its own: a leading dot or quote, backslashes, minus signs. */
static void troff(const char *s)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", stdout);
    for (; *s; s++)
        if (*s == '\\' || *s == '-')
            printf("\\%c", *s == '\\' ? 'e' : '-');
        else
            putchar(*s);
}

static void man_head(const char *name, const char *help)
{
    printf(".TH ");
    for (const char *p = name; *p; p++)
        putchar(toupper((unsigned char)*p));
    printf(" 1 \"\" \"vernier %s\" \"Vernier\"\n.SH NAME\n", VN_VERSION);
    troff(name);
    printf(" \\- ");
    troff(help);
    printf("\n.SH SYNOPSIS\n");
}

static void man_command(const struct command *c, struct vn_arena *a)
{
    man_head(vn_arena_fmt(a, "%s-%s", program->name, c->name), c->help);
    printf(".B ");
    troff(vn_arena_fmt(a, "%s %s", program->name, c->name));
    printf("\n");
    troff(c->args);
    printf("\n.SH OPTIONS\n");
    for (const struct option_def *o = c->options; o->name; o++) {
        printf(".TP\n.B ");
        if (o->letter)
            printf("\\-%c, ", o->letter);
        if (o->abbreviation)
            printf("\\%s, ", o->abbreviation);
        troff(o->name);
        if (o->value) {
            putchar(' ');
            troff(o->value);
        }
        printf("\n");
        troff(o->help);
        printf("\n");
    }
}

static void man_program(struct vn_arena *a)
{
    man_head(program->name, "verified int8 programs from float models");
    printf(".B vernier\nCOMMAND [options]\n.SH DESCRIPTION\n");
    troff(program->help);
    printf("\n.SH COMMANDS\n");
    for (int i = 0; i < program->n_commands; i++) {
        printf(".TP\n.BR ");
        troff(vn_arena_fmt(a, "%s-%s", program->name, program->commands[i]->name));
        printf(" (1)\n");
        troff(program->commands[i]->help);
        printf("\n");
    }
    printf(".SH EXIT STATUS\n0 success, 1 a check failed, 2 usage, 3 invalid input, 4 internal error.\n");
}

/* ---- completion ---- */

static void print_options(const struct command *c, const char *between)
{
    for (const struct option_def *o = c->options; o->name; o++)
        printf("%s%s", o == c->options ? "" : between, o->name);
}

static void print_commands(void)
{
    for (int i = 0; i < program->n_commands; i++)
        printf("%s%s", i ? " " : "", program->commands[i]->name);
}

static void print_bash(void)
{
    printf("# bash completion for vernier: written by 'vernier help --completion bash'\n"
           "_vernier() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
           "        COMPREPLY=($(compgen -W '");
    print_commands();
    printf("' -- \"$word\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    for (int i = 0; i < program->n_commands; i++) {
        printf("        %s) words='", program->commands[i]->name);
        print_options(program->commands[i], " ");
        printf("' ;;\n");
    }
    printf("    esac\n"
           "    case $word in\n"
           "        -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
           "        *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
           "    esac\n"
           "}\n"
           "complete -o filenames -F _vernier vernier\n");
}

/* Within '...' and within [...]. */
static void zsh(const char *s)
{
    for (; *s; s++)
        if (*s == '\'')
            fputs("'\\''", stdout);
        else if (*s == '[' || *s == ']' || *s == ':' || *s == '\\')
            printf("\\%c", *s);
        else
            putchar(*s);
}

static void print_zsh_options(const struct command *c)
{
    for (const struct option_def *o = c->options; o->name; o++) {
        printf(" \\\n                '%s%s[", o->repeats ? "*" : "", o->name);
        zsh(o->help);
        printf("]");
        if (o->value) {
            printf(":");
            zsh(o->value);
            printf(":_files");
        }
        printf("'");
    }
}

static void print_zsh(void)
{
    printf("#compdef vernier\n# written by 'vernier help --completion zsh'\n"
           "_vernier() {\n    local -a commands=(\n");
    for (int i = 0; i < program->n_commands; i++) {
        printf("        '%s:", program->commands[i]->name);
        zsh(program->commands[i]->help);
        printf("'\n");
    }
    printf(
        "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
        "    local command=$words[2]\n    shift words; (( CURRENT-- ))\n    case $command in\n");
    for (int i = 0; i < program->n_commands; i++) {
        printf("        %s)\n            _arguments", program->commands[i]->name);
        print_zsh_options(program->commands[i]);
        printf(" \\\n                '*:file:_files' ;;\n");
    }
    printf("    esac\n}\n_vernier \"$@\"\n");
}

/* ---- the command ---- */

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < program->n_commands; i++)
        if (!strcmp(program->commands[i]->name, name))
            return program->commands[i];
    return NULL;
}

static int find_key(const char *name)
{
    struct vn_key_info k;
    for (int i = 0; vn_key_describe(i, &k) == VN_OK; i++)
        if (!strcmp(k.name, name))
            return i;
    return -1;
}

static int unknown(const char *word, struct vn_arena *a, struct vn_err *e)
{
    VEC(const char *) names = { 0 };
    struct vn_key_info k;
    for (int i = 0; i < program->n_commands; i++)
        VEC_PUSH(a, &names, program->commands[i]->name);
    for (int i = 0; vn_key_describe(i, &k) == VN_OK; i++)
        VEC_PUSH(a, &names, k.name);
    const char *near = vn_nearest(word, names.v, names.n);
    return vn_fail(e, VN_E_USAGE, "'%s' is neither a command nor a configuration key%s%s%s", word,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int print_completion(const char *shell, struct vn_err *e)
{
    if (!strcmp(shell, "bash"))
        print_bash();
    else if (!strcmp(shell, "zsh"))
        print_zsh();
    else
        return vn_fail(e, VN_E_USAGE, "--completion: expected bash or zsh, got '%s'", shell);
    return EXIT_DONE;
}

/* A name may be that of a command and of a key. */
static void explain(const struct command *c, int key)
{
    if (c)
        vn_print_help(program, c);
    if (c && key >= 0)
        printf("\nAlso a configuration key:\n\n");
    if (key >= 0)
        print_key(key);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    const int n = vn_words(&words);
    const struct command *c = n ? find_command(words[0]) : NULL;
    const int key = n ? find_key(words[0]) : -1;
    if (vn_opt("--completion"))
        return print_completion(vn_opt("--completion"), e);
    if (n && !c && key < 0)
        return unknown(words[0], a, e);
    if (vn_opt("--man") && n && !c)
        return vn_fail(e, VN_E_USAGE, "--man: '%s' is a key, expected a command", words[0]);
    if (vn_opt("--man"))
        c ? man_command(c, a) : man_program(a);
    else if (!n)
        vn_print_usage(stdout, program);
    else
        explain(c, key);
    return EXIT_DONE;
}

const struct command vn_cmd_help = {
    "help", "[COMMAND|KEY] [options]", "explain a command or a configuration key", options, 0, 1, run
};
