/* quant/weight_rounding.h - which integers stand for the weights of a layer, by what they do to its results.
 */
#ifndef VN_WEIGHT_ROUNDING_H
#define VN_WEIGHT_ROUNDING_H

#include "graph/graph.h"

/* Prepares it: a factor of the matrix in the lower triangle, the matrix itself in the upper one. */
struct input_factor {
    int n;
    double *lower; /* row by row: L of L L' = gram + damping */
    double *gram; /* symmetric, damped */
};
/* VN_E_INPUT where the inputs are such that it has none. */
int vn_rounding_factor(struct input_factor *f, struct vn_arena *a, const double *gram, int n);

/* From w in units of its step to integers q within +-most: those for which the sum of squares of
 * sum (w - q) x over all rows is small. One weight after the other is rounded to what makes up best for the
 * errors of those before (Frantar et al., "GPTQ", 2023; the same as Babai's nearest plane in a lattice), then
 * single weights are moved by a step while that helps. Never worse than rounding to nearest. */
void vn_rounding_solve(int32_t *q, const double *w, const struct input_factor *f, int32_t most);

#endif
