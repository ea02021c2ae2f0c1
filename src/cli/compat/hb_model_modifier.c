/* hb_model_modifier BIN [-r NODE]... [-a TYPE]... [-o OUT]: nodes leave the edges of a .bin. */
#include <string.h>

#include <vernier/edit.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--remove", 'r', "NODE", 1, 0, "remove this node" },
    { "--all", 'a', "TYPE", 1, 0,
      "remove all nodes of this type: Quantize, Dequantize, Transpose, Cast, ..." },
    { "--output", 'o', "FILE", 0, 0, "file to write (default MODEL_modified.bin)" },
    { 0 },
};

static const char *default_output(struct vn_arena *a, const char *path)
{
    const char *dot = strrchr(vn_path_base(path), '.');
    const size_t stem = dot ? (size_t)(dot - path) : strlen(path);
    return vn_arena_fmt(a, "%.*s_modified%s", (int)stem, path, dot ? dot : "");
}

static void print_removable(const struct vn_edge *x, int n)
{
    printf("Nodes that can be deleted: [");
    for (int i = 0; i < n; i++)
        printf("%s'%s'", i ? ", " : "", vn_shown(x[i].name, (char[VN_SHOWN]){ 0 }));
    printf("]\n");
}

static void print_removed(const struct vn_edge *x, int n)
{
    for (int i = 0; i < n; i++) {
        char name[VN_SHOWN];
        vn_shown(x[i].name, name);
        printf("Node '%s' found, its OP type is '%s'\nNode '%s' is removed\n", name, vn_edge_word(x[i].type),
               name);
    }
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **file, **nodes, **types;
    int n;
    struct logger log = { 0 };
    struct vn_edit_options o;
    struct vn_edited *d;
    vn_words(&file);
    vn_edit_options_default(&o);
    o.n_nodes = vn_opt_all("--remove", &nodes), o.nodes = nodes;
    o.n_types = vn_opt_all("--all", &types), o.types = types;
    o.listener = vn_logger_listener(&log);
    if (o.n_nodes || o.n_types)
        o.output = vn_opt("--output") ? vn_opt("--output") : default_output(a, file[0]);
    TRY(vn_edit(&d, file[0], &o, e));
    const struct vn_edge *removed = vn_edited_removed(d, &n);
    print_removed(removed, n);
    if (o.output) {
        printf("modified model saved as %s\n", o.output);
    } else {
        const struct vn_edge *removable = vn_edited_removable(d, &n);
        print_removable(removable, n);
    }
    vn_edited_free(&d);
    return EXIT_DONE;
}

static const struct command modify = {
    "", "FILE.bin [options]", "remove nodes at inputs and outputs; without options: list them", options, 1, 1,
    run
};
static const struct command *const commands[] = { &modify };
const struct tool vn_tool_hb_model_modifier = { "hb_model_modifier", "", commands, 1, 0, NULL };
