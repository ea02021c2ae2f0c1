/* ops/normal.h - what the normalizations share: rows brought to mean 0 and variance 1, then scaled and shifted. */
#ifndef VN_NORMAL_H
#define VN_NORMAL_H

#include "ops/lower.h"

/* x is [outer][count]; each row becomes (x - mean) / sqrt(mean of squares + epsilon), mean = 0 where not `centre`. Then times
 * input 1 plus input 2 (where there), whose strides along the output's axes are in `stride`. */
struct normal {
    int64_t outer, count;
    double epsilon;
    int centre;
    int64_t stride[2][VN_MAX_RANK];
    int mean, inverse; /* programs: tensors that get an entry for each row; 0: none */
};
/* mean, inverse: NULL, or an entry for each row. */
void vn_eval_normal(const struct node *n, const struct eval *ev, const struct normal *p, double *mean, double *inverse);
int vn_low_normal(const struct node *n, struct lowering *l, const struct normal *p, struct vn_err *e);
struct instance_attrs {
    float epsilon;
};
struct group_attrs {
    float epsilon;
    int64_t groups, stash;
};
/* Scale and bias hold one entry for each channel (axis 1). */
int vn_infer_channels(struct node *n, struct vn_err *e);
/* Strides of scale and bias by broadcasting or (channels) along axis 1. */
void vn_normal_strides(const struct node *n, struct normal *p, int channels);

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

#endif
