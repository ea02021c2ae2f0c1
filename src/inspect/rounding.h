/* inspect/rounding.h - how far the float32 result of a node may lie from its exact one. docs/verify.md has
 * the formulas. */
#ifndef VN_INSPECT_ROUNDING_H
#define VN_INSPECT_ROUNDING_H

#include "ops/op.h"

/* Slack of output `port` of a float node, from its inputs as real numbers (VN_F64; others as they are), their
 * own slack (in_slack[i] NULL: exact) and the exact output `y`. *out NULL: y rounded once. Errors: those of
 * the operator; VN_E_UNSUPPORTED where inexact inputs go through a node that has no formula for them. */
int vn_rounding_slack(const struct vn_tensor **out, struct vn_arena *a, const struct node *n, int port,
                      const struct vn_tensor *const *in, const struct vn_tensor *const *in_slack,
                      const struct vn_tensor *y, struct vn_err *e);

#endif
