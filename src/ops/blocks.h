/* ops/blocks.h - squares of pixels to channels and back: what DepthToSpace and SpaceToDepth share. */
#ifndef VN_BLOCKS_H
#define VN_BLOCKS_H

#include "ops/lower.h"

struct blocks_attrs {
    int64_t size;
    int mode; /* 1: CRD */
};
/* Elements as [n][channel][row][row in block][column][column in block], with the strides of the tensor that
 * is deep and of the one that is wide. */
struct blocks {
    int64_t d[6], deep[6], wide[6];
};
/* From the shape of the wide tensor, and both tensors' strides per axis; crd: channels outermost. */
struct blocks vn_blocks(const struct vn_shape *wide, int64_t size, int crd, const int64_t *deep_stride,
                        const int64_t *wide_stride);
extern const struct attr_spec vn_blocks_specs[];
/* to_wide: the output is the wide tensor. */
int vn_blocks_infer(struct node *n, int to_wide, struct vn_err *e);
int vn_blocks_eval(const struct node *n, const struct eval *ev, int to_wide);
int vn_blocks_lower(const struct node *n, struct lowering *l, int to_wide, struct vn_err *e);

#endif
