/* Static memory plan: tensors whose lives do not overlap share memory, views (views.c) aside. Largest first,
 * each at the lowest offset that is free for the whole of its life. */
#include <limits.h>
#include <stdlib.h>

#include "compile/compile.h"

struct life {
    int tensor, first, last;
    int leaf; /* place in order of first use */
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

static struct prog_view *views_of(const struct prog *p, int separate)
{
    struct prog_view *v = NEW_ARRAY(p->arena, struct prog_view, p->tensors.n);
    for (int i = 0; separate && i < p->tensors.n; i++)
        v[i].in = i;
    if (!separate)
        vn_compile_views(p, v);
    return v;
}

/* Of tensors with memory of their own: each until nothing in it is needed. */
static struct life *lives(const struct prog *p, const struct prog_view *view, int keep_all, int *count)
{
    struct life *all = NEW_ARRAY(p->arena, struct life, p->tensors.n);
    for (int i = 0; i < p->tensors.n; i++)
        all[i] = (struct life){ i, p->instrs.n + 1, -2, 0, padded(p->tensors.v[i].bytes), 0 };
    for (int i = 0; i < p->instrs.n; i++) {
        for (int k = 0; k < p->instrs.v[i].n_in; k++)
            touch(&all[p->instrs.v[i].in[k]], i);
        touch(&all[p->instrs.v[i].out], i);
    }
    for (int i = 0; i < p->inputs.n; i++)
        touch(&all[p->inputs.v[i].tensor], -1);
    for (int i = 0; i < p->outputs.n; i++)
        touch(&all[p->outputs.v[i].tensor], p->instrs.n);
    for (int i = 0; i < p->tensors.n; i++)
        if (view[i].in != i) {
            touch(&all[view[i].in], all[i].first);
            touch(&all[view[i].in], all[i].last);
        }
    int n = 0;
    for (int i = 0; i < p->tensors.n; i++) {
        if (p->tensors.v[i].place != BIN_ARENA || all[i].last == -2 || view[i].in != i)
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

/* Finds the placed lives that overlap a given one without visiting the others: a binary tree over all lives,
 * sorted by first use; each node holds the latest use of what is placed below it. */
struct tree {
    int leaves; /* a power of two */
    int *latest; /* nodes 1 to 2 * leaves - 1; node i has 2i and 2i + 1 below it */
    struct life **by_first;
    const struct life **found; /* by the last search */
    int n;
};
#define NEVER INT_MIN

static int earlier(const void *x, const void *y)
{
    const struct life *a = *(const struct life *const *)x, *b = *(const struct life *const *)y;
    return a->first != b->first ? (a->first < b->first ? -1 : 1) : a->tensor - b->tensor;
}

static struct tree new_tree(struct vn_arena *a, struct life *l, int n)
{
    struct tree t = { .leaves = 1 };
    t.by_first = NEW_ARRAY(a, struct life *, n);
    t.found = NEW_ARRAY(a, const struct life *, n);
    while (t.leaves < n)
        t.leaves *= 2;
    t.latest = NEW_ARRAY(a, int, 2 * t.leaves);
    for (int i = 0; i < 2 * t.leaves; i++)
        t.latest[i] = NEVER;
    for (int i = 0; i < n; i++)
        t.by_first[i] = &l[i];
    qsort(t.by_first, (size_t)n, sizeof *t.by_first, earlier);
    for (int i = 0; i < n; i++)
        t.by_first[i]->leaf = i;
    return t;
}

static void insert(struct tree *t, const struct life *l)
{
    for (int i = t->leaves + l->leaf; i; i /= 2)
        if (t->latest[i] < l->last)
            t->latest[i] = l->last;
}

/* Below node i, which covers the leaves from `from` on, `width` of them. As deep as the tree: 32 at most. */
static void search(struct tree *t, const struct life *l, int i, int from, int width)
{
    if (t->latest[i] == NEVER || t->latest[i] < l->first || t->by_first[from]->first > l->last)
        return;
    if (width == 1) {
        t->found[t->n++] = t->by_first[from];
        return;
    }
    search(t, l, 2 * i, from, width / 2);
    search(t, l, 2 * i + 1, from + width / 2, width / 2);
}

static uint64_t place(struct tree *t, const struct life *l)
{
    t->n = 0;
    search(t, l, 1, 0, t->leaves);
    if (t->n)
        qsort(t->found, (size_t)t->n, sizeof *t->found, lower_offset);
    uint64_t at = 0;
    for (int k = 0; k < t->n; k++) {
        if (t->found[k]->offset >= at + l->bytes)
            break;
        if (t->found[k]->offset + t->found[k]->bytes > at)
            at = t->found[k]->offset + t->found[k]->bytes;
    }
    return at;
}

/* Tensors that all live to the end: one behind the other. */
static uint64_t stack(const struct life *l, int n, uint64_t *offset)
{
    uint64_t end = 0;
    for (int i = 0; i < n; i++) {
        offset[l[i].tensor] = end;
        end += l[i].bytes;
    }
    return end;
}

static uint64_t share(struct life *l, int n, struct vn_arena *a, uint64_t *offset)
{
    struct tree t = new_tree(a, l, n);
    uint64_t end = 0;
    for (int i = 0; i < n; i++) {
        l[i].offset = offset[l[i].tensor] = place(&t, &l[i]);
        insert(&t, &l[i]);
        if (l[i].offset + l[i].bytes > end)
            end = l[i].offset + l[i].bytes;
    }
    return end;
}

size_t vn_compile_plan(const struct prog *p, const struct compile_options *o, uint64_t *offset)
{
    int n;
    const struct prog_view *view = views_of(p, o->separate || o->keep_all);
    struct life *l = lives(p, view, o->keep_all, &n);
    if (!n)
        return 0;
    qsort(l, (size_t)n, sizeof *l, larger);
    const uint64_t bytes = o->keep_all ? stack(l, n, offset) : share(l, n, p->arena, offset);
    for (int i = 0; i < p->tensors.n; i++)
        if (view[i].in != i)
            offset[i] = offset[view[i].in] + view[i].at;
    return (size_t)bytes;
}
