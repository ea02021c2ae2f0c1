/* hmct-debugger: vernier debug under the vendor flow's names. */
#include <string.h>
#include <strings.h>

#include "base/file.h"
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

/* What all lines begin with. */
static struct words begin(struct vn_arena *a, const char *part)
{
    const char **files;
    struct words w = { a, { 0 } };
    vn_words(&files);
    vn_word_push(&w, part);
    vn_word_push(&w, files[0]);
    vn_word_push(&w, files[1]);
    push_list(&w, "--metrics", "--metric");
    push_list(&w, "--metric", "--metric");
    push_list(&w, "--output_node", "--output");
    push_list(&w, "--data_num", "--samples");
    return w;
}

static void push_folder(struct words *w)
{
    vn_word_push(w, "--save-dir");
    vn_word_push(w, vn_opt("--save_dir") ? vn_opt("--save_dir") : "./debug_result/");
}

static int is_true(const char *option)
{
    const char *word = vn_opt(option);
    return word && (!strcasecmp(word, "true") || !strcmp(word, "1"));
}

static int run_sensitivity(struct vn_arena *a, struct vn_err *e)
{
    const char *kind = vn_opt("--node_type") ? vn_opt("--node_type") : "node";
    struct words w = begin(a, "sensitivity");
    push_list(&w, "--interested_nodes", "--nodes");
    push_list(&w, "--node_type", "--node-type");
    if (vn_opt("--save_dir")) {
        vn_word_push(&w, "--csv");
        vn_word_push(&w, vn_arena_fmt(a, "%s/sensitivity_of_%s.csv", vn_opt("--save_dir"), kind));
    }
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

/* "[a, b]": a curve for each; "[[a, b], [c]]": one for each inner list. */
static void push_curves(struct words *w, const char *theirs, const char *ours)
{
    const char *text = vn_opt(theirs);
    const char *first = text ? strchr(text, '[') : NULL, *inner = first ? strchr(first + 1, '[') : NULL;
    if (!inner) {
        push_list(w, theirs, ours);
        return;
    }
    for (const char *at = inner, *end; at && (end = strchr(at, ']')); at = strchr(end, '[')) {
        char *set = vn_arena_strn(w->arena, at + 1, (size_t)(end - at - 1));
        const char *joined = "";
        for (char *p = set; *p; p++)
            *p = strchr("'\"", *p) ? ' ' : *p;
        const struct pieces p = vn_split(w->arena, set, ',');
        for (int i = 0; i < p.n; i++)
            joined = vn_arena_fmt(w->arena, "%s%s%s", joined, i ? "," : "", p.v[i]);
        vn_word_push(w, ours);
        vn_word_push(w, joined);
    }
}

static int run_curves(struct vn_arena *a, struct vn_err *e)
{
    struct words w = begin(a, "accumulated");
    push_curves(&w, "--quantize_node", "--quantize");
    push_curves(&w, "--non_quantize_node", "--keep");
    if (is_true("--average_mode"))
        vn_word_push(&w, "--average");
    push_folder(&w);
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

static int run_distribution(struct vn_arena *a, struct vn_err *e)
{
    struct words w = begin(a, "distribution");
    push_list(&w, "--nodes_list", "--nodes");
    push_folder(&w);
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

static int run_channels(struct vn_arena *a, struct vn_err *e)
{
    struct words w = begin(a, "channels");
    push_list(&w, "--nodes_list", "--nodes");
    push_list(&w, "--axis", "--axis");
    push_folder(&w);
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

static int run_analysis(struct vn_arena *a, struct vn_err *e)
{
    struct words w = begin(a, "sensitivity-analysis");
    if (vn_opt("--qtype") && strcmp(vn_opt("--qtype"), vn_text_dtype(VN_F32)) != 0)
        return vn_fail(e, VN_E_UNSUPPORTED, "--qtype: expected float32, got '%s'", vn_opt("--qtype"));
    push_list(&w, "--pick_threshold", "--pick-threshold");
    push_list(&w, "--sensitive_nodes", "--nodes");
    push_folder(&w);
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

static int run_all(struct vn_arena *a, struct vn_err *e)
{
    struct words w = begin(a, "runall");
    push_list(&w, "--ns_metrics", "--metric");
    push_list(&w, "--node_type", "--node-type");
    push_list(&w, "--dis_nodes_list", "--nodes");
    push_list(&w, "--cw_nodes_list", "--nodes");
    push_list(&w, "--axis", "--axis");
    push_list(&w, "--pick_threshold", "--pick-threshold");
    push_curves(&w, "--quantize_node", "--quantize");
    push_curves(&w, "--non_quantize_node", "--keep");
    if (is_true("--average_mode"))
        vn_word_push(&w, "--average");
    push_folder(&w);
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

static int run_tensors(struct vn_arena *a, struct vn_err *e)
{
    struct words w = begin(a, "tensors");
    push_list(&w, "--nodes_list", "--nodes");
    push_list(&w, "--num_processes", "--threads");
    if (vn_opt("--save_dir")) {
        TRY(vn_dir_make(vn_opt("--save_dir"), e));
        vn_word_push(&w, "--csv");
        vn_word_push(&w, vn_arena_fmt(a, "%s/tensor_analysis.csv", vn_opt("--save_dir")));
    }
    return vn_compat_run(&vn_cmd_debug, &w, e);
}

#define METRICS_OPTION(name, letter) \
    { \
        name, letter, "NAME or [NAME,...]", 1, 0, "cosine-similarity (default), mse, mre, sqnr, chebyshev" \
    }
#define FOLDER_OPTION \
    { \
        "--save_dir", 's', "DIR", 0, 0, "folder of the plots (default ./debug_result/)" \
    }
#define SAMPLES_OPTION \
    { \
        "--data_num", 'd', "N", 0, 0, "use the first N samples (default: all)" \
    }
#define NODES_OPTION \
    { \
        "--nodes_list", 'n', "NAME or [NAME,...]", 1, 0, "nodes or calibration nodes; required" \
    }
#define NO_EFFECT(name, abbreviation, why) \
    { \
        name, 0, "VALUE", 0, 0, why, OPTION_WITHOUT_EFFECT, abbreviation \
    }

static const struct option_def curve_options[] = {
    FOLDER_OPTION,
    { "--quantize_node", 'q', "[NAME,...]", 0, 0,
      "one curve per node, or per inner list; 'weight' or 'activation': all of a kind" },
    { "--non_quantize_node", 0, "[NAME,...]", 0, 0, "quantize all nodes except these",
      .abbreviation = "-nq" },
    METRICS_OPTION("--metric", 'm'),
    { "--average_mode", 'a', "True|False", 0, 0, "plot the running mean (default False)" },
    SAMPLES_OPTION,
    { 0 },
};
static const struct option_def distribution_options[] = {
    FOLDER_OPTION, NODES_OPTION, SAMPLES_OPTION, { 0 }
};
static const struct option_def channel_options[] = {
    FOLDER_OPTION,
    NODES_OPTION,
    { "--axis", 'a', "N", 0, 0, "channel axis (default: 1; for weights the axis of their scales, else 0)" },
    SAMPLES_OPTION,
    { 0 },
};
static const struct option_def analysis_options[] = {
    METRICS_OPTION("--metrics", 'm'),
    { "--pick_threshold", 'p', "X", 0, 0, "nodes with a worse metric are sensitive (default 0.999)" },
    SAMPLES_OPTION,
    { "--sensitive_nodes", 0, "[NAME,...]", 1, 0, "nodes to treat as sensitive", .abbreviation = "-sn" },
    { "--qtype", 'q', "TYPE", 0, 0, "type of the sensitive nodes: float32 (default)" },
    { "--save_dir", 's', "DIR", 0, 0, "folder of the plots (default ./debug_result/)",
      .abbreviation = "-sd" },
    { 0 },
};
static const struct option_def tensor_options[] = {
    { "--nodes_list", 'n', "NAME or [NAME,...]", 1, 0, "activation calibration nodes (default: all)" },
    { "--save_dir", 's', "DIR", 0, 0, "folder of tensor_analysis.csv" },
    { "--num_processes", 0, "N", 0, 0, "threads (default 1)", .abbreviation = "-np" },
    SAMPLES_OPTION,
    { 0 },
};
static const struct option_def all_options[] = {
    FOLDER_OPTION,
    { "--ns_metrics", 0, "NAME or [NAME,...]", 1, 0, "cosine-similarity (default), mse, mre, sqnr, chebyshev",
      .abbreviation = "-nm" },
    { "--output_node", 'o', "NAME", 0, 0, "judge this output (default: all)" },
    { "--data_num", 'd', "N", 0, 0, "use the first N samples (default: all)", .abbreviation = "-dn" },
    { "--dis_nodes_list", 0, "[NAME,...]", 1, 0,
      "plot distributions and channels of these (default: the five most sensitive of each kind)",
      .abbreviation = "-dnl" },
    { "--cw_nodes_list", 0, "[NAME,...]", 1, 0, "as --dis_nodes_list", .abbreviation = "-cn" },
    { "--quantize_node", 0, "[NAME,...]", 0, 0,
      "curves of the accumulated error (default: weights, activations, both)", .abbreviation = "-qn" },
    { "--non_quantize_node", 0, "[NAME,...]", 0, 0, "quantize all nodes except these",
      .abbreviation = "-nqn" },
    { "--average_mode", 0, "True|False", 0, 0, "plot the running mean (default False)",
      .abbreviation = "-avm" },
    { "--node_type", 0, "KIND", 0, 0, "node, weight or activation (default: weight and activation)",
      .abbreviation = "-nt" },
    { "--axis", 'a', "N", 0, 0, "channel axis (default: 1; for weights the axis of their scales, else 0)" },
    { "--pick_threshold", 0, "X", 0, 0, "nodes with a worse metric are sensitive (default 0.999)",
      .abbreviation = "-pt" },
    { "--interested_nodes", 'i', "[NAME,...]", 1, 0,
      "runall measures all nodes; use get-sensitivity-of-nodes -i", OPTION_LATER },
    { "--sensitive_nodes", 0, "[NAME,...]", 1, 0,
      "runall keeps what --pick_threshold finds in float; use sensitivity-analysis -sn", OPTION_LATER,
      "-sn" },
    { "--ae_metric", 0, "NAME", 0, 0, "curves have the first of --ns_metrics; use plot-acc-error -m",
      OPTION_LATER, "-am" },
    NO_EFFECT("--verbose", "-v", "progress is shown on a terminal"),
    { 0 },
};

static const struct command sensitivity = { "get-sensitivity-of-nodes",
                                            "CALIBRATED.onnx FOLDER [options]",
                                            "effect of each node's quantization on the outputs",
                                            sensitivity_options,
                                            2,
                                            2,
                                            run_sensitivity };
static const struct command curves = {
    "plot-acc-error",
    "CALIBRATED.onnx FOLDER [options]",
    "plot the error of every node's result while selected nodes are quantized",
    curve_options,
    2,
    2,
    run_curves
};
static const struct command distribution = { "plot-distribution",
                                             "CALIBRATED.onnx FOLDER -n NODES [options]",
                                             "plot the distribution of values before and after quantization",
                                             distribution_options,
                                             2,
                                             2,
                                             run_distribution };
static const struct command channels = { "get-channelwise-data-distribution",
                                         "CALIBRATED.onnx FOLDER -n NODES [options]",
                                         "plot the distribution of values per channel",
                                         channel_options,
                                         2,
                                         2,
                                         run_channels };
static const struct command analysis = { "sensitivity-analysis",
                                         "CALIBRATED.onnx FOLDER [options]",
                                         "gain from keeping the most sensitive nodes in float32",
                                         analysis_options,
                                         2,
                                         2,
                                         run_analysis };
static const struct command tensor_analysis = { "tensor-analysis",
                                                "CALIBRATED.onnx FOLDER [options]",
                                                "quantization error of each tensor, by cause",
                                                tensor_options,
                                                2,
                                                2,
                                                run_tensors };
static const struct command all = { "runall",
                                    "CALIBRATED.onnx FOLDER [options]",
                                    "sensitivity, distributions and accumulated error",
                                    all_options,
                                    2,
                                    2,
                                    run_all };
static const struct command *const commands[] = { &sensitivity, &curves,          &distribution, &channels,
                                                  &analysis,    &tensor_analysis, &all };
const struct tool vn_tool_hmct_debugger = {
    "hmct-debugger", "Does what 'vernier debug' does.", commands, sizeof commands / sizeof *commands, 0, NULL
};
