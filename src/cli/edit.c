/* vernier edit - removes nodes at the inputs and outputs of an ONNX file or a .bin, sets other outputs. */
#include <stdlib.h>

#include <vernier/edit.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    { "--remove-type", 0, "TYPE[;TYPE]", 1, 0,
      "remove all nodes of a type at the inputs and outputs: Quantize, Dequantize, Transpose, Cast, Reshape, "
      "Softmax" },
    { "--remove-node", 'r', "NAME", 1, 0, "remove one node; may be repeated, applied in order" },
    { "--all", 'a', NULL, 0, 0, "remove every removable node at the inputs and outputs" },
    { "--output-nodes", 0, "NAME[;NAME]", 1, 0,
      "new outputs: names of tensors, or of nodes for their results; applied first" },
    { "--output", 'o', "FILE", 0, 0, "file to write (default FILE_modified with the same ending)" },
    CUSTOM_OP_OPTION,
    JSON_OPTION,
    { 0 },
};

struct edit_words {
    VEC(const char *) v;
};

/* What a repeated option gave, split at semicolons. */
static struct edit_words all_words(struct vn_arena *a, const char *option)
{
    const char **given;
    struct edit_words w = { 0 };
    const int n = vn_opt_all(option, &given);
    for (int i = 0; i < n; i++)
        for (const char *p = given[i]; *p;) {
            p += strspn(p, "; ");
            size_t len = strcspn(p, ";");
            const char *next = p + len;
            while (len && p[len - 1] == ' ')
                len--;
            if (len)
                VEC_PUSH(a, &w.v, vn_arena_strn(a, p, len));
            p = next;
        }
    return w;
}

static const char *default_output(struct vn_arena *a, const char *path)
{
    const char *dot = strrchr(vn_path_base(path), '.');
    const size_t stem = dot ? (size_t)(dot - path) : strlen(path);
    return vn_arena_fmt(a, "%.*s_modified%s", (int)stem, path, dot ? dot : "");
}

/* ---- results ---- */

static json_t *edges_json(const struct vn_edge *x, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", x[i].name, "type", vn_edge_word(x[i].type),
                              "at", x[i].at_input ? "input" : "output", "from", x[i].from, "to", x[i].to);
        if (x[i].dtype) {
            json_object_set_new(o, "dtype", json_string(vn_text_dtype(x[i].dtype)));
            json_object_set_new(o, "scale", json_real((double)x[i].scale));
            json_object_set_new(o, "zero", json_integer(x[i].zero));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static void print_removable(const struct vn_edge *x, int n)
{
    char name[VN_SHOWN], port[VN_SHOWN];
    printf("Nodes that can be deleted: [");
    for (int i = 0; i < n; i++)
        printf("%s'%s'", i ? ", " : "", vn_shown(x[i].name, name));
    printf("]\n");
    for (int i = 0; i < n; i++) {
        printf("  %s: %s at %s %s", vn_shown(x[i].name, name), vn_edge_word(x[i].type),
               x[i].at_input ? "input" : "output", vn_shown(x[i].from, port));
        if (x[i].dtype)
            printf(", %s, scale %.9g, zero point %d\n", vn_text_dtype(x[i].dtype), (double)x[i].scale,
                   x[i].zero);
        else
            printf(", replaced by %s\n", vn_shown(x[i].to, port));
    }
}

static void print_removed(const struct vn_edge *x, int n)
{
    char name[VN_SHOWN];
    for (int i = 0; i < n; i++) {
        vn_shown(x[i].name, name);
        printf("Node '%s' found, its OP type is '%s'\nNode '%s' is removed\n", name, vn_edge_word(x[i].type),
               name);
    }
}

static int report(const struct vn_edited *d, const struct vn_edit_options *o)
{
    int removed, removable;
    const struct vn_edge *gone = vn_edited_removed(d, &removed), *left = vn_edited_removable(d, &removable);
    if (vn_opt("--json"))
        return vn_print_json(json_pack("{s:s?, s:o, s:o}", "output", o->output, "removed",
                                       edges_json(gone, removed), "removable", edges_json(left, removable)));
    print_removed(gone, removed);
    if (o->output && !removed && !o->n_outputs)
        printf("no node was removed: the written file is a copy\n");
    if (o->output)
        printf("modified model saved as %s\n", o->output);
    else
        print_removable(left, removable);
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **file;
    struct vn_edit_options o;
    struct vn_edited *d;
    struct logger log = { .quiet = vn_opt("--json") != NULL };
    vn_words(&file);
    vn_edit_options_default(&o);
    const struct edit_words types = all_words(a, "--remove-type"), nodes = all_words(a, "--remove-node"),
                            outputs = all_words(a, "--output-nodes");
    o.types = types.v.v, o.n_types = types.v.n;
    o.nodes = nodes.v.v, o.n_nodes = nodes.v.n;
    o.outputs = outputs.v.v, o.n_outputs = outputs.v.n;
    o.all = vn_opt("--all") != NULL;
    o.listener = vn_logger_listener(&log);
    if (o.n_types || o.n_nodes || o.n_outputs || o.all)
        o.output = vn_opt("--output") ? vn_opt("--output") : default_output(a, file[0]);
    else if (vn_opt("--output"))
        return vn_fail(e, VN_E_USAGE,
                       "--output: nothing is removed; expected --remove-type, --remove-node, "
                       "--output-nodes or --all");
    TRY(vn_edit(&d, file[0], &o, e));
    const int status = report(d, &o);
    vn_edited_free(&d);
    return status;
}

const struct command vn_cmd_edit = { "edit",
                                     "FILE.bin|FILE.onnx [options]",
                                     "remove nodes at inputs and outputs; without options: list them",
                                     options,
                                     1,
                                     1,
                                     run };
