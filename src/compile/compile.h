/* compile/compile.h - a graph becomes a program: lowered, fused, planned, written as a .bin image.
 *
 * Any graph can be compiled: float, fake-quantized weights aside, or quantized. The same path serves the .bin
 * on disk and the programs that the toolchain runs in memory (calibration, evaluation).
 */
#ifndef VN_COMPILE_H
#define VN_COMPILE_H

#include "graph/graph.h"
#include "ops/lower.h"

/* What the program's user hands over for one graph input. */
struct compile_input {
    enum vn_input_type
        type; /* image types: the graph's input is int8 "pixel - 128" (scale 1, zero point 0) */
    int channels_last; /* layout of the bytes: NHWC */
};

struct compile_options {
    const char *march;
    uint32_t isa; /* enum vn_cpu bits that the target names */
    int level; /* 0: no fusion, 1: activations, 2 and 3: residual adds too. Results are the same */
    int economy; /* 0..100: how far instructions may move to need less memory; 0: they stay */
    int batch_last; /* an LSTM's sequences of a batch advance together: less traffic, more working memory */
    int keep_all; /* no memory reuse: every tensor stays readable after a run */
    int separate; /* no views: what is written into one tensor from outside changes no other */
    const struct compile_input *inputs; /* one for each graph input; NULL: each takes the tensor itself
                                           (float32, or int8 where the value is quantized with scale 1) */
};

struct vn_image {
    void *data; /* in the arena, 64-byte aligned */
    size_t bytes;
    size_t arena_bytes, const_bytes;
    int instructions;
    int batch_last; /* instructions that compute so */
};

void vn_compile_defaults(struct compile_options *o);
int vn_compile(struct vn_image *out, struct vn_arena *a, const struct graph *g,
               const struct compile_options *o, struct vn_err *e);

/* The stages, for tests. */
int vn_compile_lower(struct prog **out, struct vn_arena *a, const struct graph *g,
                     const struct compile_options *o, struct vn_err *e);
void vn_compile_fuse(struct prog *p, int level);
void vn_compile_order(struct prog *p, const struct compile_options *o);
/* Where a tensor lies: at byte `at` of the memory of tensor `in`, which may be itself. */
struct prog_view {
    int in;
    uint64_t at;
};
/* Of all tensors of p. */
void vn_compile_views(const struct prog *p, struct prog_view *of);
/* Offsets for all BIN_ARENA tensors; returns bytes of the arena. */
size_t vn_compile_plan(const struct prog *p, const struct compile_options *o, uint64_t *offset);
int vn_compile_write(struct vn_image *out, struct vn_arena *a, const struct prog *p,
                     const struct compile_options *o, struct vn_err *e);

/* The program of a .bin image, and in *o what vn_compile_write needs to write it again: the same bytes, where
 * nothing was changed. Names and constants stay in the image. Nothing is checked: the runtime must have
 * loaded this image. */
struct prog *vn_compile_read(struct vn_arena *a, struct compile_options *o, const void *image);

#endif
