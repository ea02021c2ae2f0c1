/* vernier/convert.h - from a float ONNX or Caffe network to an int8 or int16 program.
 *
 * Stable.
 *
 *     struct vn_convert_options o;
 *     struct vn_conversion *c;
 *     struct vn_err err;
 *     vn_convert_options_default(&o);
 *     o.config = "net.yaml";
 *     if (vn_convert(&c, &o, &err) < 0) { fprintf(stderr, "%s\n", err.msg); return 1; }
 *     puts(vn_conversion_product(c, "bin"));
 *     vn_conversion_free(&c);
 *
 * Functions that can fail return 0 or a negative enum vn_status and write the reason, with file and place,
 * into *e. Running out of memory is an ordinary error (VN_E_NOMEM). Strings and arrays in results are
 * borrowed: they live until the handle is freed. Different conversions may run in different threads; one
 * handle belongs to one caller at a time. */
#ifndef VERNIER_CONVERT_H
#define VERNIER_CONVERT_H

#include <vernier/finding.h>
#include <vernier/listener.h>
#include <vernier/reason.h>
#include <vernier/runtime.h>
#include <vernier/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A model given directly, without a configuration. */
struct vn_source {
    const char *model; /* path: .onnx, or .caffemodel with `prototxt` */
    const char *prototxt; /* of a Caffe network; NULL: the model is ONNX */
    int n_shapes; /* shapes of inputs, instead of those in the file: */
    const char *const *shape_names; /* names of inputs */
    const char *const *shapes; /* "1x3x224x224" */
    int n_values; /* inputs of an ONNX model that are constants: */
    const char *const *values; /* "NAME=NUMBER", or a number for each element, ',' between */
};

/* The format of a configuration's model. */
enum vn_source_format { VN_SOURCE_ANY, VN_SOURCE_ONNX, VN_SOURCE_CAFFE };

struct vn_convert_options {
    const char *config; /* path of the YAML file. Required */
    enum vn_source_format format; /* another one in the configuration is an error */
    /* Threads and CPU features of calibration (for image functions: from then on in the whole process). The
     * products do not depend on them. */
    struct vn_options run;
    int compare_limit; /* samples for the similarity tables, at least 0; 0: all */
    int accept_data; /* 1: errors in calibration data are reported as warnings */
    struct vn_listener listener; /* log, progress, and every problem of configuration, model and data */
    /* receives the calibration files with the largest differences between float and quantized network */
    struct vn_odd_listener odd;
};
/* No configuration, one thread, every CPU feature, all samples, data errors are errors, no listener. */
void vn_convert_options_default(struct vn_convert_options *o);

struct vn_fast_options {
    struct vn_source source;
    const char *march; /* a target's name or file; NULL: "generic" */
    const char *prefix; /* of the products' names; NULL: the model's name without suffix */
    const char *output_dir; /* of the products, made with its parents; NULL: "model_output" */
    struct vn_options run;
    struct vn_listener listener;
};
void vn_fast_options_default(struct vn_fast_options *o);

struct vn_conversion; /* opaque */

/* Convert: four ONNX files and a .bin into the configured folder. They appear together at the end; after an
 * error the folder is unchanged, except for PREFIX_fail.onnx, the last stage that succeeded. On success *c is
 * the result, to be freed with vn_conversion_free; on failure NULL. Errors: VN_E_INPUT (configuration, model
 * or data), VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_convert(struct vn_conversion **c, const struct vn_convert_options *o, struct vn_err *e);

/* Convert for speed measurements only: every node that has an integer form computes in integers, including
 * outputs; nodes that only move data at the ends are removed; calibrated with random numbers. The results are
 * meaningless. Errors: as vn_convert. */
int vn_convert_fast(struct vn_conversion **c, const struct vn_fast_options *o, struct vn_err *e);

/* Sets *c to NULL; NULL is allowed. */
void vn_conversion_free(struct vn_conversion **c);

/* A node of the network, in execution order. Similarities compare the quantized network with the
 * float one on calibration samples: cosine of the angle between both values as vectors, -1..1. */
struct vn_node_row {
    const char *node, *type; /* name; ONNX operator */
    const char *on; /* "BPU": computes in integers; "CPU": in float32 */
    const char *subgraph; /* "id(0)": which run of integer nodes it is part of; "--" */
    const char *dtype; /* "int8", "int16", "float" */
    int compared; /* 1: the similarity of its output is known */
    double cosine, cosine_min, cosine_mean; /* of the first sample; minimum and mean of all samples */
    double threshold; /* largest magnitude of its input, from calibration; 0: none */
    const struct vn_reason *why_float; /* NULL: it computes in integers */
};
/* An output of the network, against the float network. Integers and booleans (`exact`) are compared exactly;
 * their cosines are those of `judged_by`, and their distances are 0. What was not compared is NaN. */
struct vn_output_row {
    const char *output;
    double cosine, l1, l2, chebyshev; /* first sample; d = difference: mean |d|, ||d||_2 / N, max |d| */
    double cosine_min, cosine_mean; /* of all samples */
    int exact;
    /* Of the last float tensors before an exact output, the one with the lowest mean cosine; else NULL */
    const char *judged_by;
    double equal, equal_min, equal_mean; /* exact: share of equal elements, 0..1, likewise; else NaN */
    const char *worst_sample; /* of cosine_min: file in the first input's folder; NULL: random data */
    int64_t elements; /* of it, or of judged_by; 1: the cosine is always 1 or -1 */
};
const struct vn_node_row *vn_conversion_nodes(const struct vn_conversion *c, int *n);
const struct vn_output_row *vn_conversion_outputs(const struct vn_conversion *c, int *n);

/* Findings in the calibration data; none if they are random. */
const struct vn_finding *vn_conversion_findings(const struct vn_conversion *c, int *n);

/* Path of a product: "original_float", "optimized_float", "calibrated", "quantized" or "bin"; else NULL. */
const char *vn_conversion_product(const struct vn_conversion *c, const char *stage);

struct vn_convert_summary {
    const char *march;
    const char *method; /* of calibration, e.g. "max-percentile:percentile=0.99995" */
    int searched; /* 1: it is the best of several */
    int bias_corrected;
    int random; /* 1: calibrated with random numbers: only the speed is meaningful */
};
const struct vn_convert_summary *vn_conversion_summary(const struct vn_conversion *c);

#ifdef __cplusplus
}
#endif
#endif
