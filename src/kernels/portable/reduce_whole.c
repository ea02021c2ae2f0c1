/* kernels/portable/reduce_whole.c - reductions of integers, and of nothing. in: x. i[0]: enum vn_reduce;
 * i[1]: bit per axis that goes; i[2]: type to whose width results are cut; i[3]: type whose ends the
 * largest and smallest of nothing are. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    int64_t kept = 1;
    if (a->n_in != 1 || vn_cells_real(x) || vn_cells_real(&a->out) || a->i[0] < VN_RED_SUM ||
        a->i[0] > VN_RED_SUM_SQUARE || a->i[0] == VN_RED_L2)
        return "reduce: wrong operation or types";
    for (int d = 0; d < x->rank; d++)
        kept *= a->i[1] >> d & 1 ? 1 : x->d[d];
    return kept == a->out.count ? NULL : "reduce: shapes do not match";
}

static int64_t start(int op, int dtype)
{
    static const struct {
        int dtype;
        int64_t lo, hi;
    } ends[] = {
        { VN_BOOL, 0, 1 },         { VN_U8, 0, UINT8_MAX },          { VN_I8, INT8_MIN, INT8_MAX },
        { VN_U16, 0, UINT16_MAX }, { VN_I16, INT16_MIN, INT16_MAX }, { VN_I32, INT32_MIN, INT32_MAX },
        { VN_U32, 0, UINT32_MAX }, { VN_I64, INT64_MIN, INT64_MAX }, { VN_U64, 0, -1 },
    };
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
        if (ends[k].dtype == dtype && (op == VN_RED_MAX || op == VN_RED_MIN))
            return op == VN_RED_MAX ? ends[k].lo : ends[k].hi;
    return op == VN_RED_PROD;
}

static int64_t joined(int op, int64_t a, int64_t b)
{
    const uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
    switch (op) {
    case VN_RED_MAX: return a > b ? a : b;
    case VN_RED_MIN: return a < b ? a : b;
    case VN_RED_PROD: return (int64_t)(ua * ub);
    case VN_RED_L1: return (int64_t)(ua + (b < 0 ? 0 - ub : ub));
    case VN_RED_SUM_SQUARE: return (int64_t)(ua + ub * ub);
    default: return (int64_t)(ua + ub);
    }
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    int64_t stride[VN_MAX_RANK] = { 0 }, idx[VN_MAX_RANK] = { 0 }, step = 1;
    for (int d = x->rank - 1; d >= 0; d--) {
        stride[d] = a->i[1] >> d & 1 ? 0 : step;
        step *= a->i[1] >> d & 1 ? 1 : x->d[d];
    }
    for (int64_t k = 0; k < a->out.count; k++)
        vn_cell_set_int(&a->out, k, start(a->i[0], a->i[3]));
    for (int64_t k = 0; k < x->count; k++, vn_cells_next(idx, x)) {
        const int64_t at = vn_cells_at(idx, stride, x->rank);
        vn_cell_set_int(&a->out, at, joined(a->i[0], vn_cell_int(&a->out, at), vn_cell_int(x, k)));
    }
    const int64_t n = a->out.count ? x->count / a->out.count : 0;
    for (int64_t k = 0; k < a->out.count; k++) {
        const int64_t v = vn_cell_int(&a->out, k);
        vn_cell_set_int(&a->out, k, vn_cell_wrap(a->i[0] == VN_RED_MEAN && n ? v / n : v, a->i[2]));
    }
    return NULL;
}

const struct vn_portable vn_portable_reduce_whole = { "reduce_whole", check, NULL, run };
