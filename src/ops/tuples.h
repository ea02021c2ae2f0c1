/* ops/tuples.h - index tensors whose last axis holds coordinates: GatherND, ScatterND. Also what the Scatter operators share. */
#ifndef VN_TUPLES_H
#define VN_TUPLES_H

#include "ops/lower.h"

/* Offset in x (of shape s) that the tuple of k coordinates names, behind `batch` leading coordinates; -1: outside. */
int64_t vn_tuple_offset(const struct vn_shape *s, const int64_t *tuple, int batch, int64_t k);
extern const char *const vn_scatter_modes[]; /* none add mul max min */
/* *to joined with v; both are cells. */
void vn_scatter_cell(struct vn_tensor *y, int64_t at, const struct vn_tensor *v, int64_t from, int mode);

#endif
