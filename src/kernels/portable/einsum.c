/* kernels/portable/einsum.c - sums of products over named axes. in: up to 3 operands. i[0]: letters; then
 * four words for each operand and for the output: the letters (0 to 15) of its axes, two in one word (axis
 * 0 in the low half of the first). Letters that the output lacks are summed over. */
#include "kernels/portable.h"

#define LETTERS 16
#define MOST_WORK ((int64_t)1 << 40)

/* Letter of axis d of operand k (the output comes behind the last input). */
static int letter(const struct vn_portable_args *a, int k, int d)
{
    return a->i[1 + k * 4 + d / 2] >> (d % 2 * 16) & 0xffff;
}

static const struct vn_cells *operand(const struct vn_portable_args *a, int k)
{
    return k < a->n_in ? &a->in[k] : &a->out;
}

/* Extents of the letters; NULL or what is wrong. */
static const char *extents(const struct vn_portable_args *a, int64_t *extent)
{
    for (int k = 0; k < LETTERS; k++)
        extent[k] = -1;
    for (int k = 0; k <= a->n_in; k++)
        for (int d = 0; d < operand(a, k)->rank; d++) {
            const int l = letter(a, k, d);
            const int64_t e = operand(a, k)->d[d];
            if (l >= a->i[0])
                return "einsum: wrong letters";
            if (extent[l] >= 0 && extent[l] != e && extent[l] != 1 && (e != 1 || k == a->n_in))
                return "einsum: extents differ";
            if (k == a->n_in && (extent[l] < 0 || extent[l] != e))
                return "einsum: extents differ";
            extent[l] = extent[l] > 1 || extent[l] == 0 ? extent[l] : e;
        }
    int64_t work = 1;
    for (int l = 0; l < a->i[0]; l++) {
        if (extent[l] < 0)
            return "einsum: a letter without an axis";
        if (extent[l] && work > MOST_WORK / extent[l])
            return "einsum: too many products";
        work *= extent[l] ? extent[l] : 1;
    }
    return NULL;
}

static const char *check(const struct vn_portable_args *a)
{
    int64_t extent[LETTERS];
    if (a->n_in < 1 || a->n_in > 3 || a->i[0] < 0 || a->i[0] > LETTERS)
        return "einsum: wrong number of operands or letters";
    for (int k = 0; k < a->n_in; k++)
        if (vn_cells_real(&a->in[k]) != vn_cells_real(&a->out))
            return "einsum: wrong types";
    return extents(a, extent);
}

/* Steps of every letter in operand k; letters may stand for several axes (a diagonal). */
static void steps(const struct vn_portable_args *a, int k, int64_t *step)
{
    int64_t own[VN_MAX_RANK];
    const struct vn_cells *t = operand(a, k);
    vn_cells_strides(t, own);
    for (int l = 0; l < LETTERS; l++)
        step[l] = 0;
    for (int d = 0; d < t->rank; d++)
        step[letter(a, k, d)] += t->d[d] == 1 ? 0 : own[d];
}

static const char *run(struct vn_portable_args *a)
{
    int64_t extent[LETTERS], step[4][LETTERS], at[LETTERS] = { 0 };
    int order[LETTERS], n = 0, outer = 0, in_output[LETTERS] = { 0 };
    extents(a, extent);
    for (int k = 0; k <= a->n_in; k++)
        steps(a, k, step[k]);
    for (int d = 0; d < a->out.rank; d++)
        in_output[letter(a, a->n_in, d)] = 1;
    for (int pass = 1; pass >= 0; pass--) { /* the output's letters walk outside of the sums */
        for (int l = 0; l < a->i[0]; l++)
            if (in_output[l] == pass)
                order[n++] = l;
        outer = pass ? n : outer;
    }
    for (int64_t i = 0; i < a->out.count; i++) /* a repeated letter leaves zeros beside the diagonal */
        if (vn_cells_real(&a->out))
            vn_cell_set(&a->out, i, 0);
        else
            vn_cell_set_int(&a->out, i, 0);
    for (int l = 0; l < a->i[0]; l++)
        if (!extent[l])
            return NULL;
    for (;;) {
        double real = 0;
        uint64_t whole = 0;
        int k;
        do {
            double product = 1;
            uint64_t whole_product = 1;
            for (int o = 0; o < a->n_in; o++) {
                int64_t p = 0;
                for (int l = 0; l < a->i[0]; l++)
                    p += at[l] * step[o][l];
                if (vn_cells_real(&a->out))
                    product *= vn_cell(&a->in[o], p);
                else
                    whole_product *= (uint64_t)vn_cell_int(&a->in[o], p);
            }
            real += product;
            whole += whole_product;
            for (k = n - 1; k >= outer && ++at[order[k]] == extent[order[k]]; k--)
                at[order[k]] = 0;
        } while (k >= outer);
        int64_t p = 0;
        for (int l = 0; l < a->i[0]; l++)
            p += at[l] * step[a->n_in][l];
        if (vn_cells_real(&a->out))
            vn_cell_set(&a->out, p, real);
        else
            vn_cell_set_int(&a->out, p, (int64_t)whole);
        for (k = outer - 1; k >= 0 && ++at[order[k]] == extent[order[k]]; k--)
            at[order[k]] = 0;
        if (k < 0)
            return NULL;
    }
}

const struct vn_portable vn_portable_einsum = { "einsum", check, NULL, run };
