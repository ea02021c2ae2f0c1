/* Which samples were done: ranges, so that a whole job is one of them. */
#include "result/result_kind.h"

static void add_range(struct sample_set *s, struct vn_arena *a, struct sample_range x)
{
    if (s->all.n && s->all.v[s->all.n - 1].end == x.first)
        s->all.v[s->all.n - 1].end = x.end;
    else
        VEC_PUSH(a, &s->all, x);
}

void vn_sample_set_add(struct sample_set *s, struct vn_arena *a, uint64_t sample)
{
    add_range(s, a, (struct sample_range){ sample, sample + 1 });
}

uint64_t vn_sample_set_count(const struct sample_set *s)
{
    uint64_t n = 0;
    for (int i = 0; i < s->all.n; i++)
        n += s->all.v[i].end - s->all.v[i].first;
    return n;
}

uint64_t vn_sample_set_missing(const struct sample_set *s, uint64_t n)
{
    if (!s->all.n || s->all.v[0].first)
        return 0;
    return s->all.v[0].end < n ? s->all.v[0].end : n;
}

static int merge(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    struct sample_set *s = to, both = { { 0 } };
    const struct sample_set *x = s, *y = from;
    uint64_t end = 0;
    for (int i = 0, k = 0; i < x->all.n || k < y->all.n;) {
        const int left = k == y->all.n || (i < x->all.n && x->all.v[i].first < y->all.v[k].first);
        const struct sample_range next = left ? x->all.v[i++] : y->all.v[k++];
        if (next.first < end)
            return vn_fail(e, VN_E_INPUT, "sample %llu is in both", (unsigned long long)next.first);
        end = next.end;
        add_range(&both, a, next);
    }
    *s = both;
    return VN_OK;
}

static void write_entry(struct result_writer *w, const void *entry)
{
    const struct sample_set *s = entry;
    uint64_t end = 0;
    vn_result_put(w, (uint64_t)s->all.n);
    for (int i = 0; i < s->all.n; i++) {
        vn_result_put(w, s->all.v[i].first - end);
        vn_result_put(w, s->all.v[i].end - s->all.v[i].first);
        end = s->all.v[i].end;
    }
}

static int read_entry(struct result_reader *r, void *entry)
{
    struct sample_set *s = entry;
    uint64_t end = 0, gap, length;
    int n;
    TRY(vn_result_get_count(r, &n, 2, "number of ranges"));
    for (int i = 0; i < n; i++) {
        TRY(vn_result_get(r, &gap, UINT64_MAX - end, "gap between samples"));
        TRY(vn_result_get(r, &length, UINT64_MAX - end - gap, "length of a range"));
        if (!length || (i && !gap))
            return vn_result_bad(r, "range %d of samples is empty, or continues the previous one", i);
        add_range(s, r->arena, (struct sample_range){ end + gap, end + gap + length });
        end += gap + length;
    }
    return VN_OK;
}

const struct result_kind vn_result_samples = { "samples", sizeof(struct sample_set), merge, write_entry,
                                               read_entry };
