/* quant/splits.h - values that one scale in int8 does not suit.
 *
 * A move gives its result the parameters of its input. Where it selects elements of a range far below the
 * input's (a Slice of small channels, scores beside boxes), that costs bits of every element. Such a result
 * gets parameters of its own: the input is held in int16, and each group of readers takes it in int8 with the
 * parameters that suit it. A gate (one number per channel that multiplies a whole map) is int16, too.
 */
#ifndef VN_QUANT_SPLITS_H
#define VN_QUANT_SPLITS_H

#include "quant/quant.h"

struct splits {
    const char *own; /* by value id: the move that makes it does not hand down parameters */
    char *held; /* by value id: int16 for the sake of such moves, or a gate */
    const struct vn_ranges *ranges; /* of all values, the new ones included */
};

/* Find them, and add to g an Identity in front of the readers that keep int8 with the input's own parameters.
 * integer: by node id, computes in integers. Nodes and values of g have new ids after it. */
struct splits vn_quant_split(struct graph *g, const struct vn_ranges *r, const struct vn_quant_options *o,
                             const char *integer);

#endif
