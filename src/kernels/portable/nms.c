/* kernels/portable/nms.c - non-maximum suppression, class by class. in: boxes (batch, n, 4), scores
 * (batch, classes, n) [, most boxes of a class [, overlap [, score]]]. i[0]: 0 corners (y1, x1, y2, x2), 1
 * centre (x, y, width, height). Where there are two inputs only, i[1]: most boxes of a class; f[0]: overlap
 * from which on a box goes; f[1]: lowest score, -inf: any. The output (n, 3) gets (batch, class, box) of as
 * many as are left. */
#include <math.h>

#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *b = &a->in[0], *s = &a->in[1], *y = &a->out;
    if (a->n_in < 2 || a->n_in > 5 || !vn_cells_real(b) || !vn_cells_real(s) || vn_cells_real(y) ||
        b->rank != 3 || s->rank != 3 || y->rank != 2 || a->i[0] < 0 || a->i[0] > 1 || a->i[1] < 0)
        return "nms: wrong types";
    for (int i = 2; i < a->n_in; i++)
        if (a->in[i].count > 1 || (a->in[i].count && vn_cells_real(&a->in[i]) != (i > 2)))
            return "nms: wrong limits";
    const int64_t most = a->n_in == 2 && a->i[1] < s->d[2] ? a->i[1] : s->d[2];
    return b->d[2] == 4 && b->d[0] == s->d[0] && b->d[1] == s->d[2] && y->d[1] == 3 &&
                   y->d[0] >= s->d[0] * s->d[1] * most
               ? NULL
               : "nms: shapes do not match";
}

static int64_t scratch(const struct vn_portable_args *a) { return 2 * a->in[1].d[2]; }

struct limits {
    int64_t most;
    double overlap, score;
};

static double input_or(const struct vn_portable_args *a, int i, double otherwise)
{
    return i < a->n_in && a->in[i].count ? vn_cell(&a->in[i], 0) : otherwise;
}

static struct limits limits_of(const struct vn_portable_args *a)
{
    if (a->n_in == 2)
        return (struct limits){ a->i[1], a->f[0], a->f[1] };
    const int64_t most = a->in[2].count ? vn_cell_int(&a->in[2], 0) : 0;
    return (struct limits){ most, input_or(a, 3, 0), input_or(a, 4, -INFINITY) };
}

struct corners {
    double y1, x1, y2, x2;
};

static struct corners corners_of(const struct vn_portable_args *a, int64_t at)
{
    double v[4];
    for (int k = 0; k < 4; k++)
        v[k] = vn_cell(&a->in[0], at * 4 + k);
    if (a->i[0])
        return (struct corners){ v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2 };
    return (struct corners){ v[0] < v[2] ? v[0] : v[2], v[1] < v[3] ? v[1] : v[3], v[0] < v[2] ? v[2] : v[0],
                             v[1] < v[3] ? v[3] : v[1] };
}

static int overlaps(const struct corners *p, const struct corners *q, double limit)
{
    const double top = p->y1 > q->y1 ? p->y1 : q->y1, left = p->x1 > q->x1 ? p->x1 : q->x1;
    const double bottom = p->y2 < q->y2 ? p->y2 : q->y2, right = p->x2 < q->x2 ? p->x2 : q->x2;
    const double shared = bottom > top && right > left ? (bottom - top) * (right - left) : 0;
    const double both = (p->y2 - p->y1) * (p->x2 - p->x1) + (q->y2 - q->y1) * (q->x2 - q->x1) - shared;
    return both > 0 && shared / both > limit;
}

/* Candidates above the lowest score, best first, equal ones in their order: a stable merge of `list`
 * through `spare`. */
static int64_t sorted(const struct vn_portable_args *a, int64_t scores, int64_t n, double lowest,
                      int64_t **list, int64_t *spare)
{
    int64_t count = 0, *from = *list, *to = spare;
    for (int64_t i = 0; i < n; i++)
        if (vn_cell(&a->in[1], scores + i) > lowest)
            from[count++] = i;
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t lo = 0; lo < count; lo += 2 * width) {
            const int64_t mid = lo + width < count ? lo + width : count,
                          hi = lo + 2 * width < count ? lo + 2 * width : count;
            for (int64_t i = lo, j = mid, k = lo; k < hi; k++)
                to[k] = i < mid && (j >= hi || vn_cell(&a->in[1], scores + from[j]) <=
                                                   vn_cell(&a->in[1], scores + from[i]))
                            ? from[i++]
                            : from[j++];
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    *list = from;
    return count;
}

static const char *run(struct vn_portable_args *a)
{
    const int64_t n = a->in[1].d[2], classes = a->in[1].d[1];
    const struct limits limit = limits_of(a);
    int64_t left = 0;
    for (int64_t b = 0; b < a->in[1].d[0]; b++)
        for (int64_t c = 0; c < classes; c++) {
            int64_t *list = a->scratch, kept = 0;
            const int64_t count = sorted(a, (b * classes + c) * n, n, limit.score, &list, a->scratch + n);
            for (int64_t i = 0; i < count && kept < limit.most; i++) {
                const struct corners p = corners_of(a, b * n + list[i]);
                int gone = 0;
                for (int64_t k = 0; k < kept && !gone; k++) {
                    const struct corners q = corners_of(a, b * n + list[k]);
                    gone = overlaps(&p, &q, limit.overlap);
                }
                if (gone)
                    continue;
                list[kept++] = list[i];
                vn_cell_set_int(&a->out, left * 3, b);
                vn_cell_set_int(&a->out, left * 3 + 1, c);
                vn_cell_set_int(&a->out, left * 3 + 2, list[kept - 1]);
                left++;
            }
        }
    a->out.d[0] = left;
    return NULL;
}

const struct vn_portable vn_portable_nms = { "nms", check, scratch, run };
