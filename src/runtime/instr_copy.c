/* Copies. At load, the walk becomes rows, transposed blocks or single elements, with loops around them. */
#include <string.h>

#include "runtime/model.h"

#define LIMIT (1 << 30)

/* ---- planning ---- */

/* Dimensions of a walk, in any order; strides in elements. */
struct copy_walk {
    int rank;
    int64_t dims[8], src[8], dst[8];
};

static void drop(struct copy_walk *w, int i)
{
    w->rank--;
    for (; i < w->rank; i++)
        w->dims[i] = w->dims[i + 1], w->src[i] = w->src[i + 1], w->dst[i] = w->dst[i + 1];
}

/* Does dimension o continue where a pass over dimension i ends, on both sides? */
static int continues(const struct copy_walk *w, int o, int i)
{
    return o != i && w->src[o] == w->src[i] * w->dims[i] && w->dst[o] == w->dst[i] * w->dims[i];
}

static int join_once(struct copy_walk *w)
{
    for (int o = 0; o < w->rank; o++)
        for (int i = 0; i < w->rank; i++)
            if (continues(w, o, i)) {
                w->dims[i] *= w->dims[o];
                drop(w, o);
                return 1;
            }
    return 0;
}

static struct copy_walk walk_of(const struct instr_COPY *p)
{
    struct copy_walk w = { 0 };
    for (int i = 0; i < p->rank; i++)
        if (p->dims[i] != 1) {
            w.dims[w.rank] = p->dims[i];
            w.src[w.rank] = p->src_stride[i];
            w.dst[w.rank++] = p->dst_stride[i];
        }
    while (join_once(&w))
        ;
    return w;
}

/* The largest dimension with the given strides; -1 for any. No such dimension: -1. */
static int find(const struct copy_walk *w, int64_t src, int64_t dst)
{
    int best = -1;
    for (int i = 0; i < w->rank; i++)
        if ((src < 0 || w->src[i] == src) && (dst < 0 || w->dst[i] == dst) &&
            (best < 0 || w->dims[i] > w->dims[best]))
            best = i;
    return best;
}

/* Takes a dimension out of the walk: its extent, 1 where there is none. */
static int64_t take(struct copy_walk *w, int i, int64_t *src, int64_t *dst)
{
    if (i < 0)
        return 1;
    const int64_t n = w->dims[i];
    *src = w->src[i];
    *dst = w->dst[i];
    drop(w, i);
    return n;
}

static struct rt_copy plan(struct copy_walk w, const struct instr_COPY *p, int size)
{
    struct rt_copy c = { .size = size, .x = (int64_t)p->src * size, .y = (int64_t)p->dst * size, .cols = 1 };
    int64_t one = 0, other = 0;
    const int run = find(&w, 1, 1), row = find(&w, 1, -1), column = find(&w, -1, 1);
    if (run >= 0 || !w.rank) {
        c.form = COPY_ROWS;
        c.cols = take(&w, run, &one, &other) * size;
        c.rows = take(&w, find(&w, -1, -1), &c.xs, &c.ys);
    } else if (row >= 0 && column >= 0) {
        c.form = COPY_TRANSPOSED;
        c.cols = take(&w, row, &one, &c.ys);
        c.rows = take(&w, find(&w, -1, 1), &c.xs, &one);
    } else {
        c.form = COPY_STRIDED;
        c.rows = take(&w, find(&w, -1, -1), &c.xs, &c.ys);
    }
    c.xs *= size;
    c.ys *= size;
    for (c.rank = 0; c.rank < w.rank; c.rank++) {
        c.dims[c.rank] = w.dims[c.rank];
        c.src[c.rank] = w.src[c.rank] * size;
        c.dst[c.rank] = w.dst[c.rank] * size;
    }
    return c;
}

/* Are its elements where they should be? */
static int is_in_place(const struct rt_step *s, const struct instr_COPY *p, const struct copy_walk *w)
{
    const int64_t size = (int64_t)rt_element(s->out);
    int same = s->in[0]->data + p->src * size == s->out->data + p->dst * size;
    for (int i = 0; i < w->rank; i++)
        same &= w->src[i] == w->dst[i];
    return same;
}

static int prepare_copy(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_COPY *p = s->params;
    WANT(s, e, p->rank >= 0 && p->rank <= 8 && rt_element(s->in[0]) == rt_element(s->out),
         "wrong rank or type");
    int64_t n = 1;
    for (int i = 0; i < p->rank; i++) {
        WANT(s, e, p->dims[i] >= 0 && p->dims[i] <= LIMIT, "a size is out of range");
        n = n < 0 ? -1 : rt_product(n, p->dims[i], 1, 1);
    }
    WANT(s, e, n >= 0 && n <= s->out->count, "too many elements");
    WANT(s, e,
         !n || (!rt_reaches(p->rank, p->dims, p->src, p->src_stride, s->in[0]->count) &&
                !rt_reaches(p->rank, p->dims, p->dst, p->dst_stride, s->out->count)),
         "copies outside of its tensors");
    const struct copy_walk w = walk_of(p);
    s->args.copy = n && !is_in_place(s, p, &w) ? plan(w, p, (int)rt_element(s->out)) : (struct rt_copy){ 0 };
    return VN_OK;
}

/* ---- running: parts are cut along the longer side ---- */

struct copy_job {
    const struct vn_model *m;
    const struct rt_step *s;
    int parts;
};

static int by_column(const struct rt_copy *c) { return c->form == COPY_TRANSPOSED && c->cols > c->rows; }
static int64_t lines(const struct rt_copy *c) { return by_column(c) ? c->cols : c->rows; }

/* Lines [l0, l1) of one pass. */
static void copy_lines(const struct copy_job *j, const char *x, char *y, int64_t l0, int64_t l1)
{
    const struct rt_copy *c = &j->s->args.copy;
    const struct vn_kernels *k = &j->m->kernels;
    const size_t n = (size_t)(l1 - l0);
    if (c->form == COPY_ROWS)
        k->copy_rows(y + l0 * c->ys, x + l0 * c->xs, n, (size_t)c->cols, c->xs, c->ys);
    else if (c->form == COPY_STRIDED)
        k->copy_strided(y + l0 * c->ys, x + l0 * c->xs, n, c->xs, c->ys, c->size);
    else if (by_column(c))
        k->transpose(y + l0 * c->ys, x + l0 * c->size, (size_t)c->rows, n, c->xs, c->ys, c->size);
    else
        k->transpose(y + l0 * c->size, x + l0 * c->xs, n, (size_t)c->cols, c->xs, c->ys, c->size);
}

static int64_t passes(const struct rt_copy *c)
{
    int64_t n = 1;
    for (int i = 0; i < c->rank; i++)
        n *= c->dims[i];
    return n;
}

static void copy_part(void *ctx, int part)
{
    const struct copy_job *j = ctx;
    const struct rt_copy *c = &j->s->args.copy;
    const int64_t per = lines(c), all = passes(c) * per;
    const int64_t end = all * (part + 1) / j->parts;
    for (int64_t at = all * part / j->parts, next; at < end; at = next) {
        const char *x = j->s->in[0]->data + c->x;
        char *y = j->s->out->data + c->y;
        int64_t rest = at / per;
        for (int i = 0; i < c->rank; rest /= c->dims[i++]) {
            x += rest % c->dims[i] * c->src[i];
            y += rest % c->dims[i] * c->dst[i];
        }
        next = (at / per + 1) * per < end ? (at / per + 1) * per : end;
        copy_lines(j, x, y, at % per, at % per + next - at);
    }
}

#define PART_BYTES 16384 /* less is not worth another thread */

static void run_copy(struct vn_model *m, const struct rt_step *s)
{
    const struct rt_copy *c = &s->args.copy;
    const int64_t all = passes(c) * lines(c), bytes = passes(c) * c->rows * c->cols;
    struct copy_job j = { m, s, bytes < PART_BYTES ? 1 : rt_parts(m, all) };
    if (all)
        rt_parallel(m, j.parts, copy_part, &j);
}

const struct rt_instr rt_instr_COPY = { "COPY", NULL, prepare_copy, run_copy, NULL };
