/* Static memory plan: tensors whose lives do not overlap share memory. Largest first, each at the lowest offset that is free for
 * the whole of its life. */
#include <stdlib.h>

#include "compile/compile.h"

struct life {
    int tensor, first, last;
    uint64_t bytes, offset;
};

static uint64_t padded(size_t bytes) { return (bytes + BIN_SLACK + BIN_ALIGN - 1) / BIN_ALIGN * BIN_ALIGN; }

static void touch(struct life *l, int at)
{
    if (at < l->first)
        l->first = at;
    if (at > l->last)
        l->last = at;
}

static struct life *lives(const struct prog *p, int keep_all, int *count)
{
    struct life *all = NEW_ARRAY(p->arena, struct life, p->tensors.n);
    for (int i = 0; i < p->tensors.n; i++)
        all[i] = (struct life){ i, p->instrs.n + 1, -2, padded(p->tensors.v[i].bytes), 0 };
    for (int i = 0; i < p->instrs.n; i++) {
        for (int k = 0; k < p->instrs.v[i].n_in; k++)
            touch(&all[p->instrs.v[i].in[k]], i);
        touch(&all[p->instrs.v[i].out], i);
    }
    for (int i = 0; i < p->inputs.n; i++)
        touch(&all[p->inputs.v[i].tensor], -1);
    for (int i = 0; i < p->outputs.n; i++)
        touch(&all[p->outputs.v[i].tensor], p->instrs.n);
    int n = 0;
    for (int i = 0; i < p->tensors.n; i++) {
        if (p->tensors.v[i].place != BIN_ARENA || all[i].last == -2)
            continue;
        if (keep_all) {
            all[i].first = -1;
            all[i].last = p->instrs.n;
        }
        all[n++] = all[i];
    }
    *count = n;
    return all;
}

static int larger(const void *x, const void *y)
{
    const struct life *a = x, *b = y;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->tensor - b->tensor;
}

static int lower_offset(const void *x, const void *y)
{
    const struct life *a = *(const struct life *const *)x, *b = *(const struct life *const *)y;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->tensor - b->tensor;
}

static uint64_t place(struct life *l, int i, const struct life **near)
{
    int n = 0;
    for (int k = 0; k < i; k++)
        if (l[k].first <= l[i].last && l[i].first <= l[k].last)
            near[n++] = &l[k];
    qsort(near, (size_t)n, sizeof *near, lower_offset);
    uint64_t at = 0;
    for (int k = 0; k < n; k++) {
        if (near[k]->offset >= at + l[i].bytes)
            break;
        if (near[k]->offset + near[k]->bytes > at)
            at = near[k]->offset + near[k]->bytes;
    }
    return at;
}

size_t vn_compile_plan(const struct prog *p, int keep_all, uint64_t *offset)
{
    int n;
    struct life *l = lives(p, keep_all, &n);
    if (n)
        qsort(l, (size_t)n, sizeof *l, larger);
    const struct life **near = NEW_ARRAY(p->arena, const struct life *, n);
    uint64_t end = 0;
    for (int i = 0; i < n; i++) {
        l[i].offset = place(l, i, near);
        offset[l[i].tensor] = l[i].offset;
        if (l[i].offset + l[i].bytes > end)
            end = l[i].offset + l[i].bytes;
    }
    return (size_t)end;
}
