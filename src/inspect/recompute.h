/* inspect/recompute.h - what a tensor of a program must be, from the tensors that it was computed from. */
#ifndef VN_INSPECT_RECOMPUTE_H
#define VN_INSPECT_RECOMPUTE_H

#include "inspect/program.h"

struct expected {
    const struct vn_tensor *cells; /* VN_I64: these integers; VN_F64: these numbers */
    /* VN_F64: how far float32 may lie from each cell; NULL: its result is the cell, rounded once */
    const struct vn_tensor *slack;
};

struct recompute {
    const struct program *program;
    struct vn_arena *arena; /* of the results */
    /* By tensor: its elements as the program read them, with its shape; NULL: not there. */
    const struct vn_tensor *const *read;
    /* By value id: what the reference executor had in a run of its own, as cells; or NULL. */
    const struct vn_tensor *const *reference;
};

/* Tensor t, whose origin is ORIGIN_CONVERTED or ORIGIN_COMPUTED. Errors: VN_E_UNSUPPORTED where what it is
 * computed from is not among its leaves, and those of the operator. */
int vn_recompute(struct expected *out, const struct recompute *r, int t, struct vn_err *e);

#endif
