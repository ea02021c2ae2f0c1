/* quant/limits.h - does a node fit what a target allows? */
#ifndef VN_QUANT_LIMITS_H
#define VN_QUANT_LIMITS_H

#include "config/config.h"
#include "graph/graph.h"

/* Why a node cannot compute in int8 on the target, e.g. "march bayes-e limits Conv: kernel is 33, want 1 to
 * 31"; in the arena. NULL: it fits. */
const struct vn_reason *vn_limits_reason(const struct target *t, const struct node *n, struct vn_arena *a);

#endif
