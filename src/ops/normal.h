/* ops/normal.h - what the normalizations share: rows brought to mean 0 and variance 1, then scaled and
 * shifted. */
#ifndef VN_NORMAL_H
#define VN_NORMAL_H

#include "ops/lower.h"

/* ---- GroupNormalization and InstanceNormalization: over groups of channels, over each channel ---- */

struct group_attrs {
    float epsilon;
    int64_t groups, stash; /* GroupNormalization; else 0 groups: each channel is one */
};
/* Scale and bias hold one entry for each channel (axis 1). */
int vn_infer_channels(struct node *n, struct vn_err *e);
int vn_group_eval(const struct node *n, const struct eval *ev, struct vn_err *e);
int vn_group_lower(const struct node *n, struct lowering *l, struct vn_err *e);
int vn_group_slack(const struct node *n, int port, const struct vn_tensor *const *in,
                   const struct vn_tensor *y, struct vn_tensor *out, struct vn_arena *a);

/* ---- LayerNormalization and RMSNormalization: over the trailing axes ---- */

struct trailing_attrs {
    int64_t axis, stash;
    float epsilon;
};
extern const struct attr_spec vn_trailing_specs[];
int vn_trailing_infer(struct node *n, struct vn_err *e);
/* centre: the mean is taken off; outputs 1 and 2 (where there) get mean and 1 / deviation of each row. */
int vn_trailing_eval(const struct node *n, const struct eval *ev, int centre);
enum q_kind vn_trailing_kind(const struct node *n);
int vn_trailing_qeval(const struct node *n, const struct eval *ev, int centre);
int vn_trailing_lower(const struct node *n, struct lowering *l, int centre, struct vn_err *e);
int vn_trailing_slack(const struct node *n, int port, const struct vn_tensor *const *in,
                      const struct vn_tensor *y, struct vn_tensor *out, int centre);

#endif
