/* vernier report - two runs of one command: what changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--output", 'o', "FILE.html", 0, 0, "HTML page to write; its numbers go to FILE.json" },
    JSON_OPTION,
    { 0 },
};

static int read_page(json_t **page, const char *path, struct vn_err *e)
{
    json_error_t why;
    *page = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!*page && why.line < 0)
        return vn_fail(e, VN_E_INPUT, "%s: %s", path, strerror(errno));
    if (!*page)
        return vn_fail(e, VN_E_INPUT, "%s: line %d: %s", path, why.line, why.text);
    if (json_integer_value(json_object_get(*page, "report")) != 1 ||
        !json_is_string(json_object_get(*page, "command")) ||
        !json_is_string(json_object_get(*page, "line")) ||
        !json_is_object(json_object_get(*page, "result")) || !json_is_array(json_object_get(*page, "files")))
        return vn_fail(e, VN_E_INPUT, "%s: expected the JSON file that --report writes beside its page",
                       path);
    return VN_OK;
}

static int write_page(json_t *page, struct vn_err *e)
{
    const char *path = vn_opt("--output");
    return path ? vn_html_write_page(path, page, NULL, e) : VN_OK;
}

static int compare(json_t *page[2], const char **words, struct vn_arena *a, struct vn_err *e)
{
    TRY(read_page(&page[0], words[0], e));
    TRY(read_page(&page[1], words[1], e));
    const char *command[2];
    for (int i = 0; i < 2; i++)
        command[i] = json_string_value(json_object_get(page[i], "command"));
    if (strcmp(command[0], command[1]))
        return vn_fail(e, VN_E_INPUT, "%s is of 'vernier %s', %s of 'vernier %s'", words[0], command[0],
                       words[1], command[1]);
    json_t *both = vn_html_two_runs(page[0], page[1], a);
    json_object_set_new(both, "line", vn_json_text(vn_line_text(a)));
    const int status = write_page(both, e);
    if (status == VN_OK && vn_opt("--json"))
        vn_print_json(json_incref(json_object_get(both, "result")));
    else if (status == VN_OK)
        vn_print_two_runs(stdout, json_object_get(both, "result"));
    json_decref(both);
    return status;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words, *path = vn_opt("--output");
    json_t *page[2] = { NULL, NULL };
    vn_words(&words);
    if (path && !vn_html_is_name(path))
        return vn_fail(e, VN_E_USAGE, "--output: expected a name that ends in .html, got '%s'", path);
    const int status = compare(page, words, a, e);
    json_decref(page[0]);
    json_decref(page[1]);
    return status;
}

const struct command vn_cmd_report = { "report",
                                       "A.json B.json [-o FILE.html]",
                                       "compare two runs by the JSON files that --report wrote",
                                       options,
                                       2,
                                       2,
                                       run };
