/* kernels/portable/quantize.c - q = sat(rne(x / scale) + zero) in any integer type, and back. in: x,
 * scale, optionally zero; scale and zero broadcast by the parameters. i[0]: 1 back; i[1]: type of q; i[2]:
 * axis of the scales, -1: one; i[3]: block along that axis, 0: none. */
#include "kernels/portable.h"
#include "num/num.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *s = &a->in[1];
    const int axis = a->i[2];
    if (a->n_in < 2 || a->n_in > 3 || !vn_cells_same(x, &a->out) || vn_cells_real(x) == a->i[0] ||
        vn_cells_real(&a->out) != a->i[0] || !vn_cells_real(s) ||
        (a->n_in == 3 && (vn_cells_real(&a->in[2]) || a->in[2].count != s->count)) || axis < -1 ||
        axis >= x->rank || a->i[3] < 0)
        return "quantize: wrong types";
    if (axis < 0)
        return s->count == 1 ? NULL : "quantize: scales do not match";
    if (!a->i[3])
        return s->count == x->d[axis] ? NULL : "quantize: scales do not match";
    if (s->rank != x->rank)
        return "quantize: scales do not match";
    for (int d = 0; d < x->rank; d++)
        if (s->d[d] != (d == axis ? (x->d[d] + a->i[3] - 1) / a->i[3] : x->d[d]))
            return "quantize: scales do not match";
    return NULL;
}

static int64_t lowest(int t)
{
    return t == VN_I8 ? INT8_MIN : t == VN_I16 ? INT16_MIN : t == VN_I32 ? INT32_MIN : 0;
}
static int64_t highest(int t)
{
    return t == VN_I8    ? INT8_MAX
           : t == VN_U8  ? UINT8_MAX
           : t == VN_I16 ? INT16_MAX
           : t == VN_U16 ? UINT16_MAX
           : t == VN_I32 ? INT32_MAX
                         : UINT32_MAX;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *s = &a->in[1];
    const int axis = a->i[2];
    int64_t idx[VN_MAX_RANK] = { 0 }, stride[VN_MAX_RANK];
    vn_cells_strides(s, stride);
    for (int64_t k = 0; k < x->count; k++, vn_cells_next(idx, x)) {
        int64_t at = axis < 0 ? 0 : idx[axis];
        if (axis >= 0 && a->i[3]) {
            at = 0;
            for (int d = 0; d < x->rank; d++)
                at += (d == axis ? idx[d] / a->i[3] : idx[d]) * stride[d];
        }
        const double scale = vn_cell(s, at);
        const int64_t zero = a->n_in == 3 ? vn_cell_int(&a->in[2], at) : 0;
        if (a->i[0]) {
            vn_cell_set(&a->out, k,
                        (float)(int64_t)((uint64_t)vn_cell_int(x, k) - (uint64_t)zero) * (float)scale);
            continue;
        }
        const float t = (float)vn_cell(x, k) / (float)scale;
        const double lo = (double)lowest(a->i[1]) - (double)zero,
                     hi = (double)highest(a->i[1]) - (double)zero,
                     v = t != t   ? lo
                         : t < lo ? lo
                         : t > hi ? hi
                                  : t;
        const double q = (v + 0x1.8p52) - 0x1.8p52;
        vn_cell_set_int(&a->out, k,
                        q > -0x1p62 && q < 0x1p62 ? (int64_t)((uint64_t)(int64_t)q + (uint64_t)zero) : 0);
    }
    return NULL;
}

const struct vn_portable vn_portable_quantize = { "quantize", check, NULL, run };
