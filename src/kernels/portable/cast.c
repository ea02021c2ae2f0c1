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

static double load_real(const struct vn_cells *x, int64_t k)
{
    switch (x->dtype) {
    case VN_F16: return vn_f16_to_f32(((const uint16_t *)x->data)[k]);
    case VN_BF16: return vn_bf16_to_f32(((const uint16_t *)x->data)[k]);
    default: return vn_cell(x, k);
    }
}

static int64_t load_whole(const struct vn_cells *x, int64_t k)
{
    switch (x->dtype) {
    case VN_BOOL:
    case VN_U8: return ((const uint8_t *)x->data)[k];
    case VN_I8: return ((const int8_t *)x->data)[k];
    case VN_I16: return ((const int16_t *)x->data)[k];
    case VN_U16: return ((const uint16_t *)x->data)[k];
    case VN_I32: return ((const int32_t *)x->data)[k];
    case VN_U32: return ((const uint32_t *)x->data)[k];
    default: return vn_cell_int(x, k);
    }
}

static void store_whole(struct vn_cells *y, int64_t k, int64_t v)
{
    memcpy((char *)y->data + (size_t)k * size_of(y->dtype), &v, size_of(y->dtype)); /* little-endian */
}

static void store_real(struct vn_cells *y, int64_t k, double v)
{
    if (y->dtype == VN_F16)
        ((uint16_t *)y->data)[k] = vn_f32_to_f16((float)v);
    else if (y->dtype == VN_BF16)
        ((uint16_t *)y->data)[k] = vn_f32_to_bf16((float)v);
    else
        vn_cell_set(y, k, v);
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

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const enum vn_dtype to = (enum vn_dtype)a->i[0];
    memcpy(a->out.d, x->d, sizeof x->d); /* of a size that depends on the data */
    for (int64_t k = 0; k < x->count; k++)
        if (is_real(to)) {
            const double v = is_real(x->dtype)    ? load_real(x, k)
                             : x->dtype == VN_U64 ? (double)(uint64_t)load_whole(x, k)
                                                  : (double)load_whole(x, k);
            store_real(&a->out, k, narrow_real(v, to));
        } else
            store_whole(&a->out, k,
                        is_real(x->dtype) ? to_whole(load_real(x, k), to)
                                          : vn_cell_wrap(load_whole(x, k), to));
    return NULL;
}

const struct vn_portable vn_portable_cast = { "cast", check, NULL, run };
