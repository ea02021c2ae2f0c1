/* vernier compat - the names of the vendor flow's tools, as links to this program. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/compat/compat.h"

static const struct option_def options[] = { JSON_OPTION, { 0 } };

static const char *const fates[] = { "works", "no effect", "not available" };

static json_t *options_json(const struct command *c)
{
    json_t *list = json_array();
    for (const struct option_def *o = c->options; o->name; o++) {
        const char letter[3] = { '-', o->letter, 0 };
        json_array_append_new(list, json_pack("{s:s, s:s?, s:s?, s:s, s:s}", "name", o->name, "letter",
                                              o->letter ? letter : o->abbreviation, "value", o->value, "fate",
                                              fates[o->fate], "help", o->help));
    }
    return list;
}

static json_t *program_json(const struct tool *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->n_commands; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name", p->commands[i]->name, "args",
                                              p->commands[i]->args, "help", p->commands[i]->help, "options",
                                              options_json(p->commands[i])));
    return json_pack("{s:s, s:s?, s:o}", "program", p->name, "instead", p->instead, "commands", list);
}

static void print_program(const struct tool *p)
{
    if (p->instead)
        printf("  %-20s not available: use %s\n", p->name, p->instead);
    else
        printf("  %-20s %s\n", p->name, *p->help ? p->help : p->commands[0]->help);
}

static int list_programs(void)
{
    json_t *all = json_array();
    for (int i = 0; i < vn_compat_programs_count; i++) {
        const struct tool *p = vn_compat_programs[i];
        if (vn_opt("--json"))
            json_array_append_new(all, program_json(p));
        else
            print_program(p);
    }
    if (vn_opt("--json"))
        return vn_print_json(all);
    json_decref(all);
    return EXIT_DONE;
}

/* A link that is ours already is as good as a new one; anything else stays. */
static int make_link(const char *target, const char *link, struct vn_err *e)
{
    char there[PATH_MAX];
    if (symlink(target, link) == 0)
        return VN_OK;
    if (errno != EEXIST)
        return vn_fail(e, VN_E_IO, "%s: cannot create link: %s", link, strerror(errno));
    const ssize_t n = readlink(link, there, sizeof there - 1);
    if (n == (ssize_t)strlen(target) && !strncmp(there, target, (size_t)n))
        return VN_OK;
    return vn_fail(e, VN_E_INPUT, "%s: exists and is not a link to this program; nothing is overwritten",
                   link);
}

/* A program that was not installed has its package beside it. */
static int link_package(const char *self, const char *python, struct vn_arena *a, struct vn_err *e)
{
    const char *package = vn_path_join(a, vn_path_folder(a, self), "python/vernier");
    return vn_file_exists(vn_path_join(a, package, "__init__.py"))
               ? make_link(package, vn_path_join(a, python, "vernier"), e)
               : VN_OK;
}

static int install(const char *folder, struct vn_arena *a, struct vn_err *e)
{
    char self[PATH_MAX], where[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *bin = vn_path_join(a, folder, "bin"), *python = vn_path_join(a, folder, "python");
    if (n < 0)
        return vn_fail(e, VN_E_IO, "/proc/self/exe: %s", strerror(errno));
    self[n] = 0;
    TRY(vn_compat_write_packages(python, a, e));
    TRY(link_package(self, python, a, e));
    TRY(vn_dir_make(bin, e));
    for (int i = 0; i < vn_compat_programs_count; i++)
        TRY(make_link(self, vn_path_join(a, bin, vn_compat_programs[i]->name), e));
    if (!realpath(bin, where))
        return vn_fail(e, VN_E_IO, "%s: %s", bin, strerror(errno));
    printf("%d commands in %s. To use them: export PATH=\"%s:$PATH\"\n", vn_compat_programs_count, bin,
           where);
    if (!realpath(python, where))
        return vn_fail(e, VN_E_IO, "%s: %s", python, strerror(errno));
    printf("Python packages in %s. To use them: export PYTHONPATH=\"%s:$PYTHONPATH\"\n", python, where);
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    const int n = vn_words(&words);
    if (!strcmp(words[0], "list") && n == 1)
        return list_programs();
    if (!strcmp(words[0], "install") && n == 2)
        return install(words[1], a, e);
    return vn_fail(e, VN_E_USAGE, "usage: vernier compat list, or vernier compat install DIR");
}

const struct command vn_cmd_compat = {
    "compat", "list | install DIR", "the vendor flow's commands under their names", options, 1, 2, run
};
