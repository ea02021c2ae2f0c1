/* hmct-debugger: vernier debug under the vendor flow's names. */
#include <string.h>

#include "cli/compat/compat.h"

static const struct option_def sensitivity_options[] = {
    { "--metrics", 'm', "NAME or [NAME,...]", 1, 0,
      "cosine-similarity (default), mse, mre, sqnr, chebyshev" },
    { "--output_node", 'o', "NAME", 0, 0, "judge this output (default: all)" },
    { "--node_type", 'n', "KIND", 0, 0, "node (default), weight or activation" },
    { "--data_num", 'd', "N", 0, 0, "use the first N samples (default: all)" },
    { "--verbose", 'v', "True|False", 0, 0, "progress is shown on a terminal", OPTION_WITHOUT_EFFECT },
    { "--interested_nodes", 'i', "NAME or [NAME,...]", 1, 0, "only these nodes" },
    { "--save_dir", 's', "DIR", 0, 0, "folder of sensitivity_of_KIND.csv" },
    { 0 },
};

/* "a", "a,b" and "['a', 'b']" alike: ours for each. */
static void push_list(struct words *w, const char *theirs, const char *ours)
{
    const char **given;
    const int n = vn_opt_all(theirs, &given);
    for (int i = 0; i < n; i++) {
        char *text = vn_arena_str(w->arena, given[i]);
        for (char *p = text; *p; p++)
            *p = strchr("[]'\"", *p) ? ' ' : *p;
        const struct pieces p = vn_split(w->arena, text, ',');
        for (int k = 0; k < p.n; k++) {
            vn_word_push(w, ours);
            vn_word_push(w, p.v[k]);
        }
    }
}

static int run_sensitivity(struct vn_arena *a, struct vn_err *e)
{
    const char **files, *kind = vn_opt("--node_type") ? vn_opt("--node_type") : "node";
    struct words w = { a, { 0 } };
    vn_words(&files);
    vn_word_push(&w, "sensitivity");
    vn_word_push(&w, files[0]);
    vn_word_push(&w, files[1]);
    push_list(&w, "--metrics", "--metric");
    push_list(&w, "--output_node", "--output");
    push_list(&w, "--interested_nodes", "--nodes");
    push_list(&w, "--data_num", "--samples");
    push_list(&w, "--node_type", "--node-type");
    if (vn_opt("--save_dir")) {
        vn_word_push(&w, "--csv");
        vn_word_push(&w, vn_arena_fmt(a, "%s/sensitivity_of_%s.csv", vn_opt("--save_dir"), kind));
    }
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

static const struct command sensitivity = { "get-sensitivity-of-nodes",
                                            "CALIBRATED.onnx FOLDER [options]",
                                            "what the quantization of each node does to the outputs",
                                            sensitivity_options,
                                            2,
                                            2,
                                            run_sensitivity };
static const struct command *const commands[] = { &sensitivity };
const struct tool vn_tool_hmct_debugger = {
    "hmct-debugger", "Does what 'vernier debug' does.", commands, 1, 0, NULL
};
