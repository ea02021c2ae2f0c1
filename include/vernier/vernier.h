/* vernier/vernier.h - the toolchain: from a float ONNX model to a verified int8 .bin.
 *
 * What the command line does, as functions. Results live in an opaque handle; strings in them are borrowed.
 */
#ifndef VERNIER_H
#define VERNIER_H

#include <vernier/listener.h>
#include <vernier/reason.h>
#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vn_convert_options {
    const char *config;      /* path of the YAML file */
    struct vn_options run;   /* threads and CPU features for calibration; they change no byte of the products */
    int compare_limit;       /* samples for the similarity tables; 0: all */
    int accept_data;         /* 1: calibration data that look wrong are a warning, not an error */
    struct vn_listener listener;
};
void vn_convert_options_default(struct vn_convert_options *o);

/* One row of the node table. */
struct vn_node_row {
    const char *node, *on, *subgraph, *type; /* "BPU" or "CPU"; "id(0)" or "--"; ONNX type */
    int compared;                            /* similarity is known */
    double cosine, cosine_min, cosine_mean;  /* first sample; all samples */
    double threshold;                        /* of the node's input; 0: none */
    const char *dtype;                       /* "int8", "float" */
    const struct vn_reason *why_float;       /* NULL: quantized */
};
/* One row of the output table; against the float model. */
struct vn_output_row {
    const char *output;
    double cosine, l1, l2, chebyshev; /* first sample: mean |d|, ||d||_2 / N, max |d| */
    double cosine_min, cosine_mean;   /* all samples */
};

struct vn_conversion; /* opaque */

/* Convert: four ONNX files and a .bin into the configured folder. On success *c is the result, to be freed with
 * vn_conversion_free. Errors: VN_E_INPUT, VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM, with file and place in e->msg. */
int vn_convert(struct vn_conversion **c, const struct vn_convert_options *o, struct vn_err *e);
void vn_conversion_free(struct vn_conversion **c);
const struct vn_node_row *vn_conversion_nodes(const struct vn_conversion *c, int *n);
const struct vn_output_row *vn_conversion_outputs(const struct vn_conversion *c, int *n);
/* Paths of the products: original_float, optimized_float, calibrated, quantized, bin. */
const char *vn_conversion_product(const struct vn_conversion *c, const char *stage);
const char *vn_conversion_method(const struct vn_conversion *c); /* e.g. "max-percentile:percentile=0.99995" */

#ifdef __cplusplus
}
#endif
#endif
