/* kernels/portable/matmul_whole.c - matrix products of integers. in: a (..., M, K), b (..., K, N); the
 * axes in front broadcast; both have at least two axes. */
#include "kernels/portable.h"

/* The axes in front of the matrices. */
static struct vn_cells batch(const struct vn_cells *t)
{
    struct vn_cells b = *t;
    b.rank -= 2;
    b.count = vn_cells_product(t, 0, b.rank);
    return b;
}

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *p = &a->in[0], *q = &a->in[1], *y = &a->out;
    int64_t stride[VN_MAX_RANK];
    if (a->n_in != 2 || vn_cells_real(p) != vn_cells_real(y) || vn_cells_real(q) != vn_cells_real(y) ||
        p->rank < 2 || q->rank < 2 || y->rank < 2)
        return "matmul: wrong types or shapes";
    const struct vn_cells bp = batch(p), bq = batch(q), by = batch(y);
    if (vn_cells_broadcast(stride, &bp, &by) || vn_cells_broadcast(stride, &bq, &by))
        return "matmul: batches do not match";
    return p->d[p->rank - 1] == q->d[q->rank - 2] && p->d[p->rank - 2] == y->d[y->rank - 2] &&
                   q->d[q->rank - 1] == y->d[y->rank - 1]
               ? NULL
               : "matmul: shapes do not match";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *p = &a->in[0], *q = &a->in[1], bp = batch(p), bq = batch(q), by = batch(&a->out);
    const int64_t rows = p->d[p->rank - 2], depth = p->d[p->rank - 1], columns = q->d[q->rank - 1];
    int64_t sp[VN_MAX_RANK], sq[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_cells_broadcast(sp, &bp, &by);
    vn_cells_broadcast(sq, &bq, &by);
    for (int64_t b = 0; b < by.count; b++, vn_cells_next(idx, &by)) {
        const int64_t from_p = vn_cells_at(idx, sp, by.rank) * rows * depth,
                      from_q = vn_cells_at(idx, sq, by.rank) * depth * columns;
        for (int64_t i = 0; i < rows * columns; i++) {
            uint64_t whole = 0;
            double real = 0;
            for (int64_t k = 0; k < depth; k++) {
                const int64_t at_p = from_p + i / columns * depth + k,
                              at_q = from_q + k * columns + i % columns;
                if (vn_cells_real(p))
                    real += vn_cell(p, at_p) * vn_cell(q, at_q);
                else
                    whole += (uint64_t)vn_cell_int(p, at_p) * (uint64_t)vn_cell_int(q, at_q);
            }
            if (vn_cells_real(p))
                vn_cell_set(&a->out, b * rows * columns + i, real);
            else
                vn_cell_set_int(&a->out, b * rows * columns + i, (int64_t)whole);
        }
    }
    return NULL;
}

const struct vn_portable vn_portable_matmul_whole = { "matmul_whole", check, NULL, run };
