/* session/program.h - a graph compiled and loaded in memory. */
#ifndef VN_PROGRAM_H
#define VN_PROGRAM_H

#include "compile/compile.h"

struct vn_program {
    struct vn_model *model; /* stopped with the arena */
    const struct vn_io *in, *out;
    int n_in, n_out;
    void **result; /* one buffer per output */
    const void *image; /* what it was loaded from */
    size_t image_bytes;
};
int vn_program_start(struct vn_program *p, struct vn_arena *a, const struct graph *g, const struct compile_options *o,
                     const struct vn_options *run, struct vn_err *e);

/* An image that is there and lives at least as long as `a`. Several programs may share one, and with it the weights. */
int vn_program_load(struct vn_program *p, struct vn_arena *a, const void *image, size_t bytes, const struct vn_options *run, struct vn_err *e);

/* What an input of the tensor itself is given as: x, or its values as integers where the program takes them: rounded and saturated
 * for "pixel - 128", else as C converts them. */
const void *vn_program_input(struct vn_arena *a, const struct vn_io *io, const float *x);

#endif
