/* convert/channel_factors.h - powers of two for the channels of a tensor that convolutions and matrix
 * products read. */
#ifndef VN_CHANNEL_FACTORS_H
#define VN_CHANNEL_FACTORS_H

#include "graph/graph.h"

/* What is known of the tensor, by channel. */
struct channel_stats {
    int n;
    const float *top; /* largest magnitude */
    const double *power; /* mean square */
};

/* Multiplying channel c by k[c], and dividing what its readers' weights do with it, makes its rounding errors
 * smaller and those of the weights larger: the share of log2(top / top[c]) for which the sum of both is least
 * at the readers' results, as a model of evenly spread errors has it. Returns by how many dB it falls; 0: all
 * k are 1. */
double vn_channel_factors(double *k, const struct channel_stats *s, struct node *const *reader, int readers);

#endif
