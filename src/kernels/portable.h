/* kernels/portable.h - functions of whole tensors that networks need now and then and whose speed does not
 * matter: gathers by computed indices, sorting, integer arithmetic, windows over three axes, recurrent
 * layers, ...
 *
 * One source serves the reference executor (cells of float64) and the runtime (cells of float32): a
 * function reads and writes through vn_cell and vn_cell_set, computes in float64 in one fixed order, and
 * takes transcendental functions from num/ only, so that every CPU gives the same bytes. Integers and
 * booleans are int64 cells everywhere.
 *
 * A function is one file kernels/portable/NAME.c with a `const struct vn_portable vn_portable_NAME` and
 * one line in format/portable.def.
 */
#ifndef VN_PORTABLE_H
#define VN_PORTABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vernier/runtime.h>

#include "format/numbers.h"

/* A tensor, row-major in the source model's order of axes. */
struct vn_cells {
    /* VN_F32, VN_F64 or VN_I64; `cast` takes any, inputs and outputs in `quantized` VN_I8 and VN_I16, too */
    enum vn_dtype dtype;
    int rank; /* 0..VN_MAX_RANK */
    int64_t d[VN_MAX_RANK];
    int64_t count; /* product of d */
    void *data;
};

struct vn_kernels;
struct vn_portable_args {
    int n_in;
    struct vn_cells in[VN_PORTABLE_IN]; /* an input that the node leaves out: rank 1, count 0 */
    /* run may make an extent smaller where the size depends on the data: elements lie close */
    struct vn_cells out;
    int32_t i[VN_PORTABLE_INTS];
    float f[VN_PORTABLE_FLOATS];
    int64_t *scratch; /* cells that `scratch` asks for */
    const struct vn_kernels *kernels; /* loops of this CPU that give the same bytes; NULL: C */
};

#define VN_PORTABLE_OUT (1u << VN_PORTABLE_IN)

struct vn_portable {
    const char *name;
    /* Do numbers, types, shapes and parameters fit together? NULL, or what is wrong. All that run relies
     * on; nothing is trusted. */
    const char *(*check)(const struct vn_portable_args *a);
    /* Scratch cells of 8 bytes that run requires; NULL: none. Called after check. */
    int64_t (*scratch)(const struct vn_portable_args *a);
    /* NULL, or what is wrong with the data (an index outside). */
    const char *(*run)(struct vn_portable_args *a);
    unsigned quantized; /* what may be int8 or int16: bit k for input k, VN_PORTABLE_OUT */
};

extern const struct vn_portable *const vn_portables[VN_PORTABLE_COUNT];
#define PORTABLE(name) extern const struct vn_portable vn_portable_##name;
#include "format/portable.def"
#undef PORTABLE

/* ---- cells ---- */

/* Any type but int64: read by vn_cell, quantized elements as integers. */
static inline int vn_cells_real(const struct vn_cells *t) { return t->dtype != VN_I64; }
static inline double vn_cell(const struct vn_cells *t, int64_t i)
{
    return t->dtype == VN_F32   ? (double)((const float *)t->data)[i]
           : t->dtype == VN_F64 ? ((const double *)t->data)[i]
           : t->dtype == VN_I8  ? (double)((const int8_t *)t->data)[i]
           : t->dtype == VN_I16 ? (double)((const int16_t *)t->data)[i]
                                : (double)((const int64_t *)t->data)[i];
}
static inline void vn_cell_set(struct vn_cells *t, int64_t i, double x)
{
    if (t->dtype == VN_F32)
        ((float *)t->data)[i] = (float)x;
    else
        ((double *)t->data)[i] = x;
}
static inline int64_t vn_cell_int(const struct vn_cells *t, int64_t i)
{
    return ((const int64_t *)t->data)[i];
}
static inline void vn_cell_set_int(struct vn_cells *t, int64_t i, int64_t x) { ((int64_t *)t->data)[i] = x; }
/* to[i] = from[k]; equal types. */
static inline void vn_cell_copy(struct vn_cells *to, int64_t i, const struct vn_cells *from, int64_t k)
{
    switch (to->dtype) {
    case VN_I8: ((uint8_t *)to->data)[i] = ((const uint8_t *)from->data)[k]; break;
    case VN_I16: ((uint16_t *)to->data)[i] = ((const uint16_t *)from->data)[k]; break;
    case VN_F32: ((uint32_t *)to->data)[i] = ((const uint32_t *)from->data)[k]; break;
    default: ((uint64_t *)to->data)[i] = ((const uint64_t *)from->data)[k]; break;
    }
}
/* Cut to the width of an integer type, as C's conversions do. */
int64_t vn_cell_wrap(int64_t x, int dtype);

/* ---- shapes ---- */

int vn_cells_same(const struct vn_cells *a, const struct vn_cells *b); /* rank and extents */
void vn_cells_strides(const struct vn_cells *t, int64_t *stride);
/* Strides of x seen in the larger shape s, 0 along axes that broadcast; nonzero: it does not broadcast to
 * s. */
int vn_cells_broadcast(int64_t *stride, const struct vn_cells *x, const struct vn_cells *s);
/* Next index in row-major order; 0 after the last. */
int vn_cells_next(int64_t *idx, const struct vn_cells *t);
int64_t vn_cells_product(const struct vn_cells *t, int from, int to); /* of extents [from, to) */
static inline int64_t vn_cells_at(const int64_t *idx, const int64_t *stride, int rank)
{
    int64_t at = 0;
    for (int k = 0; k < rank; k++)
        at += idx[k] * stride[k];
    return at;
}
/* An index that counts from the end where negative -> [0, extent); -1: outside. */
static inline int64_t vn_cells_index(int64_t i, int64_t extent)
{
    return i < -extent || i >= extent ? -1 : i < 0 ? i + extent : i;
}

#endif
