/* quant/steep.h - functions that amplify the rounding of their operand, such as the logarithm of magnitudes.
 *
 * The steps of a scale are equal, the slope of such a function is not: near 0, one step of its operand is a
 * large part of its result's range. It computes in float, and so does what makes its operand, up to operators
 * with weights, whose exact sums become float without being rounded.
 */
#ifndef VN_STEEP_H
#define VN_STEEP_H

#include "quant/quant.h"

struct steep {
    const struct node *of; /* the function for whose sake the node computes in float; NULL: none */
    double share; /* of its result's range that half a step of its operand is */
    int wide; /* of a step in int16 */
};

/* By node id, in the graph's arena. */
const struct steep *vn_steep_find(const struct graph *g, const struct vn_ranges *r,
                                  const struct vn_quant_options *o);
/* of->of is not NULL. */
const struct vn_reason *vn_steep_reason(struct vn_arena *a, const struct steep *of, const struct node *n);

#endif
