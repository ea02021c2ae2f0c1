/* convert/layer_inputs.h - what the weights of a network's layers multiply, from samples: rows of inputs, one
 * for each result that is looked at. Integers are summed exactly, so neither threads, nor CPUs, nor the order
 * of samples change anything. */
#ifndef VN_LAYER_INPUTS_H
#define VN_LAYER_INPUTS_H

#include "convert/conversion.h"

struct layer_inputs {
    const struct node *node; /* of the graph that was asked about */
    const char *input; /* name of the value */
    int64_t groups, n; /* a group's weights of one output */
    double step; /* of the value; inputs are counted in it. 0: real numbers */
    int64_t take; /* rows of a sample */
    double rows; /* that were seen */
    double *mean; /* groups x n, in steps */
    double *gram; /* groups x n x n: sums of products, lower triangles; NULL: not wanted */
    struct exact_sums sums; /* groups x n */
};

/* Inputs of the float network, as they are fed. */
struct loaded_sample {
    float **x;
};

/* Conv, Gemm or MatMul with constant weights of two or more axes. */
int vn_layer_inputs_known(const struct node *n);
/* Prepares those of one node: how many rows of `samples` samples are enough. with_gram: products, too. */
struct layer_inputs vn_layer_inputs_of(struct vn_arena *a, const struct node *n, int samples, int with_gram);
/* Which input of a group weight element i multiplies, and which output it belongs to. */
struct weight_input {
    int64_t group, input, output;
};
struct weight_input vn_layer_inputs_place(const struct layer_inputs *l, int64_t i);

/* Runs samples through g, as far as the last of the layers, and sets what these read. */
int vn_layer_inputs_collect(struct layer_inputs *const *layers, int n, const struct graph *g,
                            const struct loaded_sample *samples, int n_samples, const struct vn_options *run,
                            struct vn_err *e);

#endif
