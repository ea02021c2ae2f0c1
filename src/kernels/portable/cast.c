/* kernels/portable/cast.c - another element type: how integers and half floats come into a program and
 * leave it, and Cast.
 * in: x of any type. i[0]: the type whose numbers the result holds (Cast's `to`; the output's own type may
 * be the wider cell). */
#include "kernels/portable.h"

#include "num/num.h"

static size_t size_of(enum vn_dtype t)
{
    switch (t) {
    case VN_BOOL:
    case VN_I8:
    case VN_U8: return 1;
    case VN_I16:
    case VN_U16:
    case VN_F16:
    case VN_BF16: return 2;
    case VN_F32:
    case VN_I32:
    case VN_U32: return 4;
    case VN_F64:
    case VN_I64:
    case VN_U64: return 8;
    default: return 0;
    }
}

static int is_real(enum vn_dtype t) { return t == VN_F32 || t == VN_F64 || t == VN_F16 || t == VN_BF16; }

static const char *check(const struct vn_portable_args *a)
{
    const enum vn_dtype to = (enum vn_dtype)a->i[0];
    if (a->n_in != 1 || !vn_cells_same(&a->in[0], &a->out) || !size_of(a->in[0].dtype) ||
        !size_of(a->out.dtype) || !size_of(to))
        return "cast: shapes or types do not match";
    return is_real(to) == is_real(a->out.dtype) ? NULL : "cast: unsupported output type";
}

#define CHUNK 256
#define FOR_ALL(expr) \
    for (int64_t k = 0; k < n; k++) \
        expr;
#define LOAD_AS(type) FOR_ALL(v[k] = ((const type *)x->data)[at + k])
#define STORE_AS(type) FOR_ALL(((type *)y->data)[at + k] = (type)v[k])

/* Elements [at, at + n), n up to CHUNK, of a tensor; integers as real numbers, too. */
static void load_real(double *v, const struct vn_cells *x, int64_t at, int64_t n)
{
    switch (x->dtype) {
    case VN_F16: FOR_ALL(v[k] = vn_f16_to_f32(((const uint16_t *)x->data)[at + k])) break;
    case VN_BF16: FOR_ALL(v[k] = vn_bf16_to_f32(((const uint16_t *)x->data)[at + k])) break;
    case VN_F32: LOAD_AS(float) break;
    case VN_F64: LOAD_AS(double) break;
    case VN_BOOL:
    case VN_U8: LOAD_AS(uint8_t) break;
    case VN_I8: LOAD_AS(int8_t) break;
    case VN_I16: LOAD_AS(int16_t) break;
    case VN_U16: LOAD_AS(uint16_t) break;
    case VN_I32: LOAD_AS(int32_t) break;
    case VN_U32: LOAD_AS(uint32_t) break;
    case VN_U64: LOAD_AS(uint64_t) break;
    default: LOAD_AS(int64_t) break;
    }
}

static void load_whole(int64_t *v, const struct vn_cells *x, int64_t at, int64_t n)
{
    switch (x->dtype) {
    case VN_BOOL:
    case VN_U8: LOAD_AS(uint8_t) break;
    case VN_I8: LOAD_AS(int8_t) break;
    case VN_I16: LOAD_AS(int16_t) break;
    case VN_U16: LOAD_AS(uint16_t) break;
    case VN_I32: LOAD_AS(int32_t) break;
    case VN_U32: LOAD_AS(uint32_t) break;
    default: LOAD_AS(int64_t) break;
    }
}

static void store_whole(struct vn_cells *y, const int64_t *v, int64_t at, int64_t n)
{
    switch (size_of(y->dtype)) {
    case 1: STORE_AS(uint8_t) break;
    case 2: STORE_AS(uint16_t) break;
    case 4: STORE_AS(uint32_t) break;
    default: STORE_AS(int64_t) break;
    }
}

static void store_real(struct vn_cells *y, const double *v, int64_t at, int64_t n)
{
    switch (y->dtype) {
    case VN_F16: FOR_ALL(((uint16_t *)y->data)[at + k] = vn_f32_to_f16((float)v[k])) break;
    case VN_BF16: FOR_ALL(((uint16_t *)y->data)[at + k] = vn_f32_to_bf16((float)v[k])) break;
    case VN_F32: STORE_AS(float) break;
    default: STORE_AS(double) break;
    }
}

/* A real number as type `to` holds it. */
static double narrow_real(double v, enum vn_dtype to)
{
    switch (to) {
    case VN_F32: return (float)v;
    case VN_F16: return vn_f16_to_f32(vn_f32_to_f16((float)v));
    case VN_BF16: return vn_bf16_to_f32(vn_f32_to_bf16((float)v));
    default: return v;
    }
}

/* Truncated toward zero and saturated; NaN gives 0. */
static int64_t to_whole(double v, enum vn_dtype to)
{
    static const struct {
        double lo, hi;
    } range[] = {
        [VN_U8] = { 0, UINT8_MAX },          [VN_I8] = { INT8_MIN, INT8_MAX },
        [VN_U16] = { 0, UINT16_MAX },        [VN_I16] = { INT16_MIN, INT16_MAX },
        [VN_I32] = { INT32_MIN, INT32_MAX }, [VN_I64] = { -0x1p63, 0x1p63 },
        [VN_U32] = { 0, UINT32_MAX },        [VN_U64] = { 0, 0x1p64 },
    };
    if (to == VN_BOOL)
        return v != 0; /* NaN is true */
    if (v != v)
        return 0;
    if (v <= range[to].lo)
        return (int64_t)range[to].lo;
    if (to == VN_U64)
        return v >= 0x1p64 ? -1 : (int64_t)(uint64_t)v;
    if (v >= range[to].hi)
        return to == VN_I64 ? INT64_MAX : (int64_t)range[to].hi;
    return (int64_t)v;
}

static void cast_to_real(struct vn_cells *y, const struct vn_cells *x, enum vn_dtype to, int64_t at,
                         int64_t n)
{
    double v[CHUNK];
    load_real(v, x, at, n);
    if (to != y->dtype)
        FOR_ALL(v[k] = narrow_real(v[k], to))
    store_real(y, v, at, n);
}

static void cast_to_whole(struct vn_cells *y, const struct vn_cells *x, enum vn_dtype to, int64_t at,
                          int64_t n)
{
    double v[CHUNK];
    int64_t w[CHUNK];
    if (is_real(x->dtype)) {
        load_real(v, x, at, n);
        FOR_ALL(w[k] = to_whole(v[k], to))
    } else {
        load_whole(w, x, at, n);
        FOR_ALL(w[k] = vn_cell_wrap(w[k], to))
    }
    store_whole(y, w, at, n);
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const enum vn_dtype to = (enum vn_dtype)a->i[0];
    memcpy(a->out.d, x->d, sizeof x->d); /* of a size that depends on the data */
    for (int64_t at = 0; at < x->count; at += CHUNK) {
        const int64_t n = x->count - at < CHUNK ? x->count - at : CHUNK;
        (is_real(to) ? cast_to_real : cast_to_whole)(&a->out, x, to, at, n);
    }
    return NULL;
}

const struct vn_portable vn_portable_cast = { "cast", check, NULL, run };
