/* quant/quant.h - from ranges to scales: which nodes compute in integers, and with which parameters. */
#ifndef VN_QUANT_H
#define VN_QUANT_H

#include "base/listen.h"
#include "calib/calib.h"
#include "config/config.h"
#include "graph/graph.h"

struct vn_quant_method {
    const struct calibrator *calibrator;
    double parameter; /* of the calibrator: the percentile's share */
    enum zero_points zero_points;
    int bias_correction;
    int per_channel; /* the graph's channels are scaled */
    int bottlenecks; /* what int8 does not suit is int16 (quant/bottlenecks.h) */
    const struct vn_map *mix; /* by tensor: a method whose calibrator it takes instead; NULL: none */
    const struct vn_map *refined; /* by node: struct vn_refined; NULL: none */
    int rounded, sequential; /* what it was refined by */
};
/* Of a node with weights: what stands for them, found from samples. Not used where they have other scales. */
struct vn_refined {
    const struct qparam *q; /* of the weights */
    const float *w; /* in their order, multiples of their scales; NULL: to nearest */
    const double *shift; /* by output, of the bias; NULL: as the method says */
    int64_t outputs;
};
/* "max", "max-percentile:percentile=0.99995", with ",per_channel", ",asymmetric" behind; in the arena. */
const char *vn_quant_method_text(const struct vn_quant_method *m, struct vn_arena *a);

struct vn_quant_options {
    struct vn_quant_method method;
    const struct target *target;
    int outputs_int8, outputs_int16; /* results that leave the network are quantized too */
    const struct type_rule *rules; /* types of nodes */
    int n_rules;
    int random; /* ranges are of random data: no node is judged by them */
    const struct vn_map *loaded; /* parameters that the network brought along; NULL: none */
    const struct vn_listener *listener; /* gets warnings about what the target does not allow; NULL: none */
};

/* Annotate a float graph (values' q, nodes' why_float): the calibrated model. Weights stay float with
 * per-channel scales; biases stay float. `r` was collected on a graph with the same values. If no node
 * benefits from integers, all stay float. */
int vn_quantize_annotate(struct graph *g, const struct vn_ranges *r, const struct vn_quant_options *o,
                         struct vn_err *e);

/* Take the parameters that a network has brought along: by tensor in *loaded, in the graph's arena. Its
 * constants become real numbers. Returns how many tensors had any. */
int vn_quantize_take(const struct vn_map **loaded, struct graph *g);

/* Make up for what rounding the weights does to the mean of each output channel: bias += sum (w -
 * fake_quantized(w)) * mean(x), with the means that calibration saw. Padding counts like the rest. (The
 * one-pass form of Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
 * 2019, section 4.2, with measured instead of modelled means.) */
void vn_quantize_correct_biases(struct graph *g, const struct vn_ranges *r, const struct vn_map *refined);

/* Can the node's bias be changed, or one be added? */
int vn_quantize_takes_bias(const struct node *n);
/* The largest magnitude of an output's bias beside int8 weights; infinite: they are not int8. */
double vn_quantize_bias_most(const struct node *n, int64_t output);
/* Add a number to the bias of each output, within that magnitude. */
void vn_quantize_shift_bias(struct graph *g, struct node *n, const double *shift);
/* The node's entry, where it holds for its weights; NULL. */
const struct vn_refined *vn_quantize_refined(const struct vn_map *refined, const struct node *n);
/* Weights and biases of nodes become those of their entries. */
void vn_quantize_apply_refined(struct graph *g, const struct vn_map *refined);

/* From the calibrated model to the quantized one: weights and constants become integers, biases int32. */
int vn_quantize_store(struct graph *g, struct vn_err *e);

/* VN_E_INPUT, with tensor and cause, where a scale is not finite and positive. What annotates and stores ends
 * with it. */
int vn_quantize_check(const struct graph *g, struct vn_err *e);

/* Integer nodes in the graph. */
int vn_quantize_count(const struct graph *g);

#endif
