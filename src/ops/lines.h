/* ops/lines.h - operators that work on lines along one axis of a float tensor. */
#ifndef VN_LINES_H
#define VN_LINES_H

#include "ops/lower.h"

/* Floats; output as input 0; the axis is inside. */
int vn_infer_lines(struct node *n, int64_t axis, struct vn_err *e);
/* fn for every line: `count` elements `step` apart. */
int vn_eval_lines(const struct node *n, const struct eval *ev, int64_t axis,
                  void (*fn)(const struct node *n, double *y, const double *x, int64_t count, int64_t step));

#endif
