/* Numbers of each sample, and of the first one. */
#include "result/result_kind.h"

static int same_values(int n, const double *x, int m, const double *y)
{
    return n == m && (!n || !memcmp(x, y, (size_t)n * sizeof *x));
}

static int differs(uint64_t sample, struct vn_err *e)
{
    return vn_fail(e, VN_E_INPUT, "sample %llu has different values in both", (unsigned long long)sample);
}

static const double *copied(struct vn_arena *a, const double *v, int n)
{
    return n ? vn_arena_copy(a, v, (size_t)n * sizeof *v) : NULL;
}

static void put_values(struct result_writer *w, uint64_t sample, int n, const double *v)
{
    vn_result_put(w, sample);
    vn_result_put(w, (uint64_t)n);
    vn_result_put_bytes(w, v, (size_t)n * sizeof *v);
}

static int get_values(struct result_reader *r, uint64_t *sample, int *n, const double **v)
{
    const void *p;
    TRY(vn_result_get(r, sample, UINT64_MAX, "sample"));
    TRY(vn_result_get_count(r, n, sizeof **v, "values of a sample"));
    TRY(vn_result_get_bytes(r, &p, (size_t)*n * sizeof **v, "values of a sample"));
    *v = copied(r->arena, p, *n);
    return VN_OK;
}

/* ---- of the first sample ---- */

void vn_first_values_add(struct first_values *f, struct vn_arena *a, uint64_t sample, int n, const double *v)
{
    if (n && (!f->n || sample < f->sample))
        *f = (struct first_values){ sample, n, copied(a, v, n) };
}

static int merge_first(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    struct first_values *f = to;
    const struct first_values *x = from;
    if (f->n && x->n && f->sample == x->sample && !same_values(f->n, f->v, x->n, x->v))
        return differs(f->sample, e);
    vn_first_values_add(f, a, x->sample, x->n, x->v);
    return VN_OK;
}

static void write_first(struct result_writer *w, const void *entry)
{
    const struct first_values *f = entry;
    if (f->n)
        put_values(w, f->sample, f->n, f->v);
}

static int read_first(struct result_reader *r, void *entry)
{
    struct first_values *f = entry;
    if (r->at == r->end)
        return VN_OK;
    TRY(get_values(r, &f->sample, &f->n, &f->v));
    return f->n ? VN_OK : vn_result_bad(r, "values of a sample: expected at least one");
}

const struct result_kind vn_result_first = { "first", sizeof(struct first_values), merge_first, write_first,
                                             read_first };

/* ---- of all samples ---- */

void vn_sample_records_add(struct sample_records *s, struct vn_arena *a, uint64_t sample, int n,
                           const double *v)
{
    const struct sample_record x = { sample, n, copied(a, v, n) };
    VEC_PUSH(a, &s->all, x);
}

static int merge(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    struct sample_records *s = to, both = { { 0 } };
    const struct sample_records *y = from;
    for (int i = 0, k = 0; i < s->all.n || k < y->all.n;) {
        const struct sample_record *p = i < s->all.n ? &s->all.v[i] : NULL,
                                   *q = k < y->all.n ? &y->all.v[k] : NULL;
        if (p && q && p->sample == q->sample && !same_values(p->n, p->v, q->n, q->v))
            return differs(p->sample, e);
        const int left = p && (!q || p->sample <= q->sample);
        i += left;
        k += q && (!p || q->sample <= p->sample);
        if (left)
            VEC_PUSH(a, &both.all, *p);
        else
            vn_sample_records_add(&both, a, q->sample, q->n, q->v);
    }
    *s = both;
    return VN_OK;
}

static void write_entry(struct result_writer *w, const void *entry)
{
    const struct sample_records *s = entry;
    vn_result_put(w, (uint64_t)s->all.n);
    for (int i = 0; i < s->all.n; i++)
        put_values(w, s->all.v[i].sample, s->all.v[i].n, s->all.v[i].v);
}

static int read_entry(struct result_reader *r, void *entry)
{
    struct sample_records *s = entry;
    struct sample_record x;
    int n;
    TRY(vn_result_get_count(r, &n, 2, "number of records"));
    for (int i = 0; i < n; i++) {
        TRY(get_values(r, &x.sample, &x.n, &x.v));
        if (i && s->all.v[i - 1].sample >= x.sample)
            return vn_result_bad(r, "record of sample %llu: out of order", (unsigned long long)x.sample);
        VEC_PUSH(r->arena, &s->all, x);
    }
    return VN_OK;
}

const struct result_kind vn_result_records = { "records", sizeof(struct sample_records), merge, write_entry,
                                               read_entry };
