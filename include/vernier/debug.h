/* vernier/debug.h - where a quantized network loses its accuracy.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_debug_options o;
 *     struct vn_sensitivity *s;
 *     int n;
 *     vn_debug_options_default(&o);
 *     o.model = "net_calibrated_model.onnx";
 *     o.data = "calibration_data";
 *     if (vn_debug_sensitivity(&s, &o, VN_DEBUG_NODE, &err) < 0) ...
 *     const struct vn_sensitivity_row *row = vn_sensitivity_rows(s, &n);
 *     vn_sensitivity_free(&s);
 *
 * Every node or tensor is quantized alone. The model is a calibrated one: float32 weights, and QuantizeLinear
 * with DequantizeLinear around what will be quantized. Definitions: docs/debug.md. Strings and arrays of a
 * result live until it is freed. */
#ifndef VERNIER_DEBUG_H
#define VERNIER_DEBUG_H

#include <vernier/listener.h>
#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is quantized on its own. */
enum vn_debug_kind {
    VN_DEBUG_NODE, /* a node: its constants and inputs, for this node only */
    VN_DEBUG_WEIGHT, /* a constant */
    VN_DEBUG_ACTIVATION, /* a tensor, for all its readers */
};

enum vn_debug_metric {
#define DEBUG_METRIC(name, word, rises, meaning) VN_DEBUG_##name,
#include <vernier/debug_metrics.def>
#undef DEBUG_METRIC
    VN_DEBUG_METRICS
};
/* The word of a metric, and the metric of a word (-1: unknown word). */
const char *vn_debug_metric_word(enum vn_debug_metric m);
int vn_debug_metric_find(const char *word);
/* 1: larger is better. */
int vn_debug_metric_rises(enum vn_debug_metric m);

struct vn_debug_options {
    const char *model; /* a calibrated ONNX model */
    const char *data; /* folder of samples; with several inputs: one subfolder per input, with its name */
    int samples; /* maximum number of samples, in name order; 0: all */
    const char *const *outputs; /* NULL: all */
    int n_outputs;
    /* Nodes and calibration nodes ("TENSOR_HzCalibration") to measure; NULL: all of the kind. */
    const char *const *nodes;
    int n_nodes;
    int restore; /* 1: everything is quantized except the row's node, weight or activation */
    enum vn_debug_metric sort; /* rows are sorted by it, the most sensitive first */
    int decision_axis; /* of outputs: the largest along it is the decision; -1: as vn_session_class_axis */
    size_t memory_limit; /* bytes for all threads together; 0: no limit */
    struct vn_options run; /* threads and CPU features; results do not depend on them */
    struct vn_listener listener; /* progress: "sensitivity" */
};
/* All samples, outputs and nodes; cosine, axis 1, no limit, one thread, every CPU feature, no listener. */
void vn_debug_options_default(struct vn_debug_options *o);

/* Per metric, the number of the output that is affected most. */
struct vn_sensitivity_row {
    const char *name; /* of the node, or "TENSOR_HzCalibration" */
    const char *type; /* of the node, or "HzCalibration" */
    enum vn_debug_kind kind;
    double metric[VN_DEBUG_METRICS]; /* infinite where nothing changes: SQNR */
    double agreement; /* share of decisions equal to the float network's, 0..1 */
    double threshold; /* of tensors: largest representable magnitude; 0: a node */
    int bits; /* of tensors: 8 or 16; 0: a node */
};

struct vn_debug_summary {
    enum vn_debug_kind kind;
    int samples, outputs;
    int single; /* outputs of one element, whose cosine is always 1 or -1 */
    int runs; /* partial runs, each from a change to the end of the network */
    int threads; /* number of threads within the memory limit */
    size_t memory; /* bytes of working memory of all threads */
};

struct vn_sensitivity; /* opaque */

/* Measure how quantizing a single node, weight or activation affects the outputs. Results are the same with
 * any number of threads and on every CPU. On failure *s is NULL. Errors: VN_E_USAGE (an unknown output or
 * node, an empty folder), VN_E_INPUT (model, samples), VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM (also if one
 * thread exceeds the memory limit: the message has the required size). */
int vn_debug_sensitivity(struct vn_sensitivity **s, const struct vn_debug_options *o, enum vn_debug_kind kind,
                         struct vn_err *e);
/* Sets *s to NULL; NULL is allowed. */
void vn_sensitivity_free(struct vn_sensitivity **s);

const struct vn_debug_summary *vn_sensitivity_summary(const struct vn_sensitivity *s);
/* n rows, sorted. */
const struct vn_sensitivity_row *vn_sensitivity_rows(const struct vn_sensitivity *s, int *n);

/* ---- accumulated error ---- */

/* What is quantized together: nodes and calibration nodes; "weight" and "activation" select all of the
 * kind. all_but: every node except those named, which must not be calibration nodes. */
struct vn_debug_group {
    const char *const *nodes;
    int n;
    int all_but;
    const char *label; /* of its curve; NULL: "partial_qmodel_0", by its index */
};

struct vn_accumulated_curve {
    const char *label;
    /* By metric: each node's result against the float network; one point for each of vn_accumulated_nodes. */
    const double *metric[VN_DEBUG_METRICS];
    double output[VN_DEBUG_METRICS]; /* of the output that is affected most */
    double agreement;
};
struct vn_accumulated; /* opaque */

/* Quantize each group, and compare every node's result with the float network, in execution order. averaged:
 * running means. o->nodes and o->sort are not used. Errors: as vn_debug_sensitivity; VN_E_USAGE if there is
 * no group. */
int vn_debug_accumulated(struct vn_accumulated **r, const struct vn_debug_options *o,
                         const struct vn_debug_group *groups, int n, int averaged, struct vn_err *e);
/* Sets *r to NULL; NULL is allowed. */
void vn_accumulated_free(struct vn_accumulated **r);
/* The n nodes whose results are in memory; a convolution with a fused Relu has the Relu's result. */
const char *const *vn_accumulated_nodes(const struct vn_accumulated *r, int *n);
/* n curves, one for each group. */
const struct vn_accumulated_curve *vn_accumulated_curves(const struct vn_accumulated *r, int *n);
int vn_accumulated_samples(const struct vn_accumulated *r);

/* ---- the error of each tensor ---- */

enum vn_error_part {
#define ERROR_PART(name, word, meaning) VN_ERROR_##name,
#include <vernier/debug_parts.def>
#undef ERROR_PART
    VN_ERROR_PARTS
};

/* Everything is quantized. Errors are mean squares of differences from float, over all samples. */
struct vn_tensor_error {
    const char *name; /* "TENSOR_HzCalibration" */
    double lo, hi; /* range in float, 0 included */
    double kept_lo, kept_hi; /* representable range */
    int bits; /* 8 or 16 */
    double bits_lost; /* log2 of the step divided by the step that the tensor's own range requires; 0: none */
    double clipped; /* share of float elements outside the representable range */
    double sqnr; /* dB, of the whole error; infinite: no error */
    double total;
    double part[VN_ERROR_PARTS]; /* parts correlate: their sum is near the total, not equal to it */
};
struct vn_error_split; /* opaque */

/* Measure all activations with one scale, or those of o->nodes; o->outputs and o->sort are not used. Errors:
 * as vn_debug_sensitivity. */
int vn_debug_tensors(struct vn_error_split **r, const struct vn_debug_options *o, struct vn_err *e);
/* Sets *r to NULL; NULL is allowed. */
void vn_error_split_free(struct vn_error_split **r);
/* n rows, the lowest SQNR first. */
const struct vn_tensor_error *vn_error_split_rows(const struct vn_error_split *r, int *n);
int vn_error_split_samples(const struct vn_error_split *r);

/* ---- distributions ---- */

#define VN_DISTRIBUTION_BINS 128

/* Float values of one channel, of all samples. */
struct vn_channel_box {
    double lo, q1, median, q3, hi, mean; /* quartiles: linear between neighbours */
};

/* The values of a node's first output or of a calibration node's tensor, of all samples. */
struct vn_distribution {
    const char *name, *type;
    enum vn_debug_kind kind;
    int64_t n; /* number of values */
    double lo, hi, mean, deviation; /* in float */
    double threshold; /* of calibration nodes: the smallest of the representable magnitudes; 0: a node */
    int bits; /* 8, 16; 0: a node */
    /* Counts in equal parts of lo..hi: float, and quantized (nodes: everything is). NULL: activations */
    const double *before, *after;
    double cosine; /* of both; NaN: activations */
    double error_lo, error_hi;
    /* counts of quantized less float in equal parts of error_lo..error_hi; NULL likewise */
    const double *error;
    int channels, axis;
    const struct vn_channel_box *box; /* of each channel */
};
struct vn_distributions; /* opaque */

/* Distributions of o->nodes, in their order. axis: channel axis; -1: 1 for results and activations, for
 * weights the axis of their scales, else 0. Keeps all values in memory. Runs one thread. Errors: as
 * vn_debug_sensitivity; VN_E_USAGE if o->nodes is empty. */
int vn_debug_distributions(struct vn_distributions **r, const struct vn_debug_options *o, int axis,
                           struct vn_err *e);
/* Sets *r to NULL; NULL is allowed. */
void vn_distributions_free(struct vn_distributions **r);
const struct vn_distribution *vn_distributions_rows(const struct vn_distributions *r, int *n);
int vn_distributions_samples(const struct vn_distributions *r);

#ifdef __cplusplus
}
#endif
#endif
