/* kernels/portable/compare.c - is the real number behind a above, ... the one behind b? With broadcasting.
 * in: a, b, int8 or int16. i[0]: one of the tests of enum vn_portable_binary; i[1], i[2]: zero points of a
 * and b; f[0], f[1]: their scales. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    int64_t stride[VN_MAX_RANK];
    if (a->n_in != 2 || a->i[0] < VN_CB_EQUAL || a->i[0] > VN_CB_LESS_EQUAL || vn_cells_real(&a->out))
        return "compare: wrong operation or types";
    for (int k = 0; k < 2; k++) {
        if (a->in[k].dtype != VN_I8 && a->in[k].dtype != VN_I16)
            return "compare: wrong types";
        if (a->i[1 + k] < INT16_MIN || a->i[1 + k] > INT16_MAX)
            return "compare: a zero point is out of range";
        if (vn_cells_broadcast(stride, &a->in[k], &a->out))
            return "compare: shapes do not match";
    }
    return NULL;
}

static int holds(int test, float x, float y)
{
    switch (test) {
    case VN_CB_EQUAL: return x == y;
    case VN_CB_GREATER: return x > y;
    case VN_CB_GREATER_EQUAL: return x >= y;
    case VN_CB_LESS: return x < y;
    default: return x <= y;
    }
}

static float real(const struct vn_portable_args *a, int k, int64_t at)
{
    return (float)((int32_t)vn_cell(&a->in[k], at) - a->i[1 + k]) * a->f[k];
}

static const char *run(struct vn_portable_args *a)
{
    int64_t stride[2][VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    for (int k = 0; k < 2; k++)
        vn_cells_broadcast(stride[k], &a->in[k], &a->out);
    for (int64_t i = 0; i < a->out.count; i++, vn_cells_next(idx, &a->out)) {
        const float x = real(a, 0, vn_cells_at(idx, stride[0], a->out.rank)),
                    y = real(a, 1, vn_cells_at(idx, stride[1], a->out.rank));
        vn_cell_set_int(&a->out, i, holds(a->i[0], x, y));
    }
    return NULL;
}

const struct vn_portable vn_portable_compare = { "compare", check, NULL, run, .quantized = 3 };
