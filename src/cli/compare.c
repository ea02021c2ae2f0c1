/* vernier compare - two artefacts, or arrays that their runs have saved, tensor by tensor. */
#include <stdlib.h>
#include <string.h>

#include <vernier/compare.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--input", 'i', "[NAME=]FILE", 1, 0,
      "image, .npy or raw bytes for an input; may be repeated (default: the inputs among the other side's "
      "arrays; for two artefacts, random samples)" },
    { "--images", 0, "[NAME=]DIR", 1, 0, "folder of images and .npy files; may be repeated" },
    { "--limit", 0, "N", 0, 0, "at most N files" },
    { "--random", 0, "N", 0, 0, "N random samples for two artefacts (default 3)" },
    { "--raw", 0, "[NAME=]SHAPE:DTYPE", 1, 0,
      "shape and type of raw dumps (.bin, .dat, .bmrt), e.g. --raw data=1x3x224x224:float32; without NAME=: "
      "of all dumps. Not required for dumps named after tensors of an artefact" },
    { "--threshold", 't', "METRIC=X", 1, 0,
      "exit with 1 if an output (for two dumps: a tensor) is not within X, e.g. cosine=0.99, max=0.01; may "
      "be repeated" },
    { "--judge", 0, "outputs|all", 0, 0, "tensors that thresholds apply to (default outputs)" },
    { "--sort", 0, "METRIC|order", 0, 0,
      "sort by this metric, worst first (default cosine), or by execution order" },
    { "--decision-axis", 0, "N", 0, 0,
      "axis whose largest element is a decision (default: the axis of the Softmax or of the last linear "
      "operator before the output, else 1)" },
    { "--all", 0, NULL, 0, 0, "print every tensor, not only the first 20 and the outputs" },
    { "--proto", 0, "FILE", 0, 0, "prototxt of a Caffe network; the model is its caffemodel" },
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--pipeline", 0, "STEPS", 0, 0, "image steps, e.g. 'short_side 256; center_crop 224'" },
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

static int find_metric(const char *word, const char *option, struct vn_err *e)
{
    const int m = vn_compare_metric_find(word);
    return m >= 0 ? m
                  : vn_fail(e, VN_E_USAGE,
                            "%s: expected cosine, sqnr, l1, l2, max, mre, kl or agreement, got '%s'", option,
                            word);
}

static int read_threshold(struct vn_compare_threshold *t, const char *text, struct vn_arena *a,
                          struct vn_err *e)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    if (equals)
        t->value = strtod(equals + 1, &end);
    if (!equals || end == equals + 1 || *end || t->value != t->value)
        return vn_fail(e, VN_E_USAGE, "--threshold: expected METRIC=NUMBER, such as cosine=0.99, got '%s'",
                       text);
    const int m = find_metric(vn_arena_strn(a, text, (size_t)(equals - text)), "--threshold", e);
    TRY(m);
    t->metric = (enum vn_compare_metric)m;
    return VN_OK;
}

static int read_thresholds(struct vn_compare_options *o, struct vn_arena *a, struct vn_err *e)
{
    const char **texts, *judge = vn_opt("--judge");
    o->n_thresholds = vn_opt_all("--threshold", &texts);
    struct vn_compare_threshold *t = NEW_ARRAY(a, struct vn_compare_threshold, o->n_thresholds);
    o->thresholds = t;
    for (int i = 0; i < o->n_thresholds; i++)
        TRY(read_threshold(&t[i], texts[i], a, e));
    o->judge_all = judge && !strcmp(judge, "all");
    if (judge && !o->judge_all && strcmp(judge, "outputs") != 0)
        return vn_fail(e, VN_E_USAGE, "--judge: expected outputs or all, got '%s'", judge);
    return vn_opt_int("--decision-axis", -1, 0, VN_MAX_RANK - 1, &o->decision_axis, e);
}

static int read_options(struct vn_compare_options *o, struct logger *log, struct vn_arena *a,
                        struct vn_err *e)
{
    const char **words;
    vn_words(&words);
    vn_compare_options_default(o);
    o->left = words[0];
    o->right = words[1];
    struct vn_verify_options *w = &o->with;
    w->n_files = vn_opt_all("--input", &words);
    w->files = words;
    w->n_folders = vn_opt_all("--images", &words);
    w->folders = words;
    o->n_raw = vn_opt_all("--raw", &words);
    o->raw = words;
    w->pipeline = vn_opt("--pipeline");
    w->prototxt = vn_opt("--proto");
    w->listener = vn_logger_listener(log);
    TRY(vn_opt_run(&w->run, e));
    TRY(vn_opt_inputs(&w->inputs, a, e));
    TRY(vn_opt_int("--random", w->random_samples, 1, 1000000, &w->random_samples, e));
    TRY(vn_opt_int("--limit", 0, 1, 1 << 30, &w->limit, e));
    return read_thresholds(o, a, e);
}

/* The first tensor that fails, with the metrics that thresholds are for. */
static const char *first_failed(const struct vn_comparison *c, const struct vn_compare_options *o,
                                struct vn_arena *a)
{
    int n, i = 0;
    const struct vn_compared *r = vn_comparison_rows(c, &n);
    while (i < n && (!r[i].judged || r[i].passed))
        i++;
    if (i == n || r[i].differs)
        return i == n ? NULL : vn_arena_fmt(a, "tensor %s: %s", r[i].name, r[i].differs);
    const char *text = vn_arena_fmt(a, "tensor %s:", r[i].name);
    for (int k = 0; k < o->n_thresholds; k++) {
        const enum vn_compare_metric m = o->thresholds[k].metric;
        text = vn_arena_fmt(a, "%s%s %s %.6g, expected at %s %g", text, k ? ";" : "",
                            vn_compare_metric_word(m), r[i].metric[m],
                            vn_compare_metric_rises(m) ? "least" : "most", o->thresholds[k].value);
    }
    return text;
}

static int report(struct vn_comparison *c, const struct vn_compare_options *o, int by, struct vn_arena *a)
{
    const struct vn_failure f = { "thresholds", first_failed(c, o, a), NULL };
    if (by >= 0)
        vn_comparison_sort(c, (enum vn_compare_metric)by);
    if (vn_opt("--json"))
        return vn_print_result(vn_json_comparison(c), f.evidence ? &f : NULL, a);
    vn_print_comparison(stdout, c, vn_opt("--all") != NULL);
    return f.evidence ? EXIT_CHECK_FAILED : EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char *order = vn_opt("--sort");
    struct logger log = { 0 };
    struct vn_compare_options o;
    struct vn_comparison *c;
    int by = VN_COMPARE_COSINE;
    TRY(read_options(&o, &log, a, e));
    if (order && !strcmp(order, "order"))
        by = -1;
    else if (order)
        TRY(by = find_metric(order, "--sort", e));
    TRY(vn_compare(&c, &o, e));
    const int status = report(c, &o, by, a);
    vn_comparison_free(&c);
    return status;
}

const struct command vn_cmd_compare = {
    "compare",
    "LEFT RIGHT [options]",
    "compare artefacts, or dumps of their runs, tensor by tensor: cosine, SQNR, L1, L2, KL, ...",
    options,
    2,
    2,
    run,
};
