/* vernier/compare.h - compare two artefacts or saved runs of one network, tensor by tensor.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_compare_options o;
 *     struct vn_comparison *c;
 *     vn_compare_options_default(&o);
 *     o.left = "net.onnx";
 *     o.right = "board_dumps";
 *     if (vn_compare(&c, &o, &err) < 0) ...
 *     vn_comparison_free(&c);
 *
 * A side is an artefact (.onnx, .caffemodel, .bin), which runs, or arrays that a run has saved: a folder of
 * .npy files and raw dumps, a folder of such folders for several samples, an .npz file, one array. Tensors
 * are matched by the names of the source network, including those that a fusion keeps in registers. A
 * tensor that only a clamp reads (Relu, Clip) is skipped if the network is known, because a program may not
 * keep the values that the clamp removes; the clamp's result is compared. Strings and arrays in the result
 * are borrowed: they live until it is freed. */
#ifndef VERNIER_COMPARE_H
#define VERNIER_COMPARE_H

#include <vernier/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vn_compare_metric {
#define COMPARE_METRIC(name, word, rises, meaning) VN_COMPARE_##name,
#include <vernier/compare_metrics.def>
#undef COMPARE_METRIC
    VN_COMPARE_METRICS
};
const char *vn_compare_metric_word(enum vn_compare_metric m); /* "cosine" */
int vn_compare_metric_find(const char *word); /* -1: unknown word */
int vn_compare_metric_rises(enum vn_compare_metric m); /* 1: larger is better */

/* A tensor passes if its metric is at least (a metric that rises) or at most `value`. */
struct vn_compare_threshold {
    enum vn_compare_metric metric;
    double value;
};

struct vn_compare_options {
    const char *left, *right; /* differences are from the left */
    /* Inputs of artefacts, and how they run. Without files, they read the inputs among the other side's
     * arrays; if both sides are artefacts, random samples. min_cosine and digits are not used. */
    struct vn_verify_options with;
    int n_raw; /* raw dumps (.bin, .dat, .bmrt): "NAME=1x3x224x224:float32" each, */
    /* or without NAME= for all others. Not required for dumps of values of the other side */
    const char *const *raw;
    const struct vn_compare_threshold *thresholds;
    int n_thresholds;
    /* 1: thresholds apply to every tensor; 0: to the network's outputs, if a network is known */
    int judge_all;
    int decision_axis; /* of `agreement`; -1: as vn_session_class_axis; tensors of fewer axes: the last one */
};
/* No sides, no thresholds, decisions along the network's own axis. */
void vn_compare_options_default(struct vn_compare_options *o);

/* A common tensor, over all samples. */
struct vn_compared {
    const char *name;
    int output; /* 1: an output of an artefact */
    int judge; /* 1: a float tensor that an output is judged by: itself, or the last one before integers */
    int exact; /* 1: integers or booleans: `agreement` is the share of equal elements; some are NaN */
    int samples;
    int64_t elements; /* of a sample */
    double metric[VN_COMPARE_METRICS]; /* NaN: it has none */
    /* Of an output of probabilities or integers: decisions where a side differs from the left side's most
     * frequent decision in the sample (with one position, all decisions), and how many of them are equal. */
    int64_t choices, choices_kept;
    double cosine_min;
    int worst_sample; /* of cosine_min, counted from 0 */
    int mistrusted; /* 1: the left is nearly all zeros */
    int judged, passed; /* by the thresholds */
    const char *differs; /* a sentence if the sizes differ, and nothing else is known; else NULL */
};

struct vn_compare_summary {
    const char *left, *right;
    int samples;
    int only[2]; /* tensors that only the left has, and only the right */
    int judged, failed; /* tensors */
    int passed; /* nothing failed */
};

struct vn_comparison; /* opaque */

/* On success *c is the result, to be freed with vn_comparison_free; on failure NULL. Errors, with file and
 * reason in e->msg: VN_E_INPUT (damaged files, no tensor in common), VN_E_USAGE (missing inputs),
 * VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_compare(struct vn_comparison **c, const struct vn_compare_options *o, struct vn_err *e);
/* Sets *c to NULL; NULL is allowed. */
void vn_comparison_free(struct vn_comparison **c);

const struct vn_compare_summary *vn_comparison_summary(const struct vn_comparison *c);
/* The n tensors, at least one, in the order of the left side's run, or of its files. */
const struct vn_compared *vn_comparison_rows(const struct vn_comparison *c, int *n);
/* Sort the rows by a metric, the worst first. */
void vn_comparison_sort(struct vn_comparison *c, enum vn_compare_metric by);

#ifdef __cplusplus
}
#endif
#endif
