/* vernier/tune.h - choose the tensors of a network to keep in int16 or float32, under a limit.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_tune_options o;
 *     struct vn_tuning *t;
 *     vn_tune_options_default(&o);
 *     o.config = "net.yaml";
 *     o.latency_ratio = 1.1;
 *     if (vn_tune(&t, &o, &err) < 0) ...
 *     puts(vn_tuning_summary(t)->yaml);
 *     vn_tuning_free(&t);
 *
 * Terms and method: docs/tune.md. Strings and arrays of a result live until it is freed. */
#ifndef VERNIER_TUNE_H
#define VERNIER_TUNE_H

#include <vernier/convert.h>
#include <vernier/listener.h>
#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The type of a tensor and of the nodes that read it. */
enum vn_tune_type {
    VN_TUNE_INT8, /* as configured */
    VN_TUNE_INT16, /* the tensor; weights stay int8 */
    VN_TUNE_INT16_WEIGHTS, /* the tensor, and the weights that multiply it */
    VN_TUNE_FLOAT, /* the nodes that read it compute in float32 */
    VN_TUNE_TYPES
};
/* "int8", "int16", "int16+weights", "float32". */
const char *vn_tune_type_word(enum vn_tune_type t);

enum vn_tune_cost {
    VN_TUNE_MEASURED, /* times on this machine */
    VN_TUNE_TARGET, /* macs_per_cycle and memory_bandwidth of the target file */
};

struct vn_tune_options {
    const char *config; /* YAML file of `convert`. Required */
    /* At least one limit; 0: none. */
    double latency_ratio, size_ratio; /* relative to the network as configured, at least 1 */
    /* Percentage points: of the task's first score, or without a task of decisions equal to the float
     * network's. With this limit the fastest plan within it is chosen; without it, the plan with the least
     * loss. */
    double max_drop;
    const char *task; /* of `eval`; NULL: none */
    double minutes; /* time limit of the search; 0: none */
    int plans; /* maximum number of plans of types; 0: 16. Refined weights come on top */
    int resume; /* 1: resume from the journal in working_dir */
    int samples; /* maximum number of samples to score; 0: 50 */
    int decision_axis; /* of outputs: the largest along it is the decision; -1: as vn_session_class_axis */
    enum vn_tune_cost cost;
    int accept_data; /* as in vn_convert_options */
    struct vn_options run; /* threads and CPU features */
    struct vn_listener listener;
};
/* Axis 1, measured times, one thread, every CPU feature, no limits, no listener. */
void vn_tune_options_default(struct vn_tune_options *o);

/* A set of tensors with a common type, and the cost of changing it. */
struct vn_tune_group {
    const char *tensor; /* the first of them */
    const char *node; /* whose type the plan sets */
    int allowed; /* bits 1 << enum vn_tune_type */
    enum vn_tune_type chosen; /* in the best plan */
    /* By type: predicted loss that remains (the network as configured: 1), predicted latency and size added,
     * as shares of the network as configured. */
    double loss[VN_TUNE_TYPES], latency[VN_TUNE_TYPES], size[VN_TUNE_TYPES];
};

/* A plan that was built and measured. */
struct vn_tune_plan {
    const char *types; /* a digit for each group: enum vn_tune_type */
    const char *refined; /* "", "rounding", "biases", "rounding and biases": of weights, as the keys say */
    double loss, predicted_loss; /* the network as configured: 1; float: 0. NaN: not predicted */
    double sqnr; /* dB, of the worst output; infinite: equal */
    double agreement; /* share of decisions equal to the float network's, of the worst output */
    double latency, predicted_latency; /* ratios to the network as configured */
    double size;
    /* With a task: the first score minus the float score, in percentage points if it is a share, and its 95 %
     * interval; NaN: not measured. */
    double score, score_low, score_high;
    int fits; /* 1: within the limits */
    int best; /* 1: the plan that was written */
    int front; /* 1: no other plan is better in loss, latency and size */
};

struct vn_tune_summary {
    const char *yaml, *journal; /* paths */
    const char *model, *prototxt; /* of the network; prototxt NULL: no Caffe network */
    /* between the given YAML file and the written one: lines that begin with '-' or '+'; "": none */
    const char *difference;
    const char *method; /* of calibration */
    int samples, range_samples; /* samples scored; samples used for ranges, if they are others */
    int groups, plans;
    double base_ms; /* latency of the network as configured; of a target: forecast at 1 GHz */
    int64_t base_bytes;
    /* Of predicted against measured loss (in dB) over all plans; NaN: too few. measured = factor *
     * predicted^exponent, in the least squares of their logarithms. */
    double r_squared, factor, exponent;
    double latency_factor; /* measured added latency by the predicted one, median of plans; NaN: none */
    double seconds, plan_seconds; /* total; up to the first plan */
    int stopped; /* 1: `minutes` ended the search */
};

struct vn_tuning; /* opaque */

/* Measure what each tensor loses and costs, choose, build, measure, improve; write PREFIX_tuned.yaml beside
 * the configuration and PREFIX_tune.jsonl into its working_dir. Both are complete at any time: after a crash,
 * `resume` continues. On failure *t is NULL. Errors: VN_E_USAGE (no limit), VN_E_INPUT (configuration, model,
 * data, a journal of another job), VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_tune(struct vn_tuning **t, const struct vn_tune_options *o, struct vn_err *e);
/* vn_convert; with `node_info: auto` in the configuration, vn_tune first, then vn_convert of the file that it
 * writes. Errors: those of both. */
int vn_tune_convert(struct vn_conversion **c, const struct vn_convert_options *o, struct vn_err *e);
/* Sets *t to NULL; NULL is allowed. */
void vn_tuning_free(struct vn_tuning **t);

const struct vn_tune_summary *vn_tuning_summary(const struct vn_tuning *t);
const struct vn_tune_group *vn_tuning_groups(const struct vn_tuning *t, int *n);
/* In the order in which they were built; the first is the network as configured. */
const struct vn_tune_plan *vn_tuning_plans(const struct vn_tuning *t, int *n);

#ifdef __cplusplus
}
#endif
#endif
