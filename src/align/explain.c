/* Why two arrays differ. Each side of a stage is searched for the rule that leads from its input to its
 * output, exactly; the causes are what tells the two rules apart (causes.c). So pairs of causes need no
 * search of their own: a rule has geometry, channels, values and layout, and each is found by itself, cheap
 * tests first. Where there is no input, the rule that turns one array into the other is searched.
 *
 * The search sees the first half of the samples; the others check what it found. */
#include <time.h>

#include "align/search.h"

/* Files by each decoder: only decoded, then anything after it. */
static void search_decoders(struct search *s)
{
    const struct decoder_rule *list[MOST_DECODERS];
    const int n = vn_decoders_differ(list, s);
    for (int k = 0; k < 2 * n && !s->n_found; k++) {
        s->decoder = list[k % n];
        s->pair[0].x = *vn_search_decoded(s, 0, s->decoder);
        (k < n ? vn_search_same_size : vn_search_arrays)(s);
    }
    if (!s->n_found)
        s->decoder = NULL;
}

/* `seen`: how many of the n samples the search looks at. */
static struct search *new_search(struct vn_arena *a, const struct stage_arrays *arrays, int n, int seen,
                                 int side, int relation)
{
    struct search *s = NEW(a, struct search);
    *s = (struct search){
        .a = a, .pair = NEW_ARRAY(a, struct search_pair, n), .n = seen, .all = n, .relation = relation
    };
    for (int i = 0; i < n; i++) {
        struct search_pair *p = &s->pair[i];
        const struct vn_tensor *x = relation ? arrays[i].y[side] : arrays[i].x[side];
        p->of = &arrays[i];
        p->side = relation ? !side : side;
        vn_grid_of(&p->y, a, arrays[i].y[p->side]);
        if (x)
            vn_grid_of(&p->x, a, x);
    }
    if (vn_is_list(s->pair[0].y.t))
        vn_search_lists(s);
    if (!s->n_found && s->pair[0].x.t)
        vn_search_arrays(s);
    if (!s->n_found && !relation && !s->pair[0].x.t && arrays[0].source)
        search_decoders(s);
    return s;
}

/* ---- both sides ---- */

static int count_causes(const struct stage_rule *l, const struct stage_rule *r)
{
    int n, count = 0;
    const struct cause *c = vn_causes(&n);
    for (int i = 0; i < n; i++)
        count += c[i].differs(l, r) != 0;
    return count;
}

static void list_causes(struct explanation *x, struct vn_arena *a)
{
    int n;
    const struct cause *c = vn_causes(&n);
    for (int i = 0; i < n; i++)
        if (c[i].differs(&x->left, &x->right)) {
            VEC_PUSH(a, &x->causes, c[i].name);
            VEC_PUSH(a, &x->settings, c[i].setting);
            VEC_PUSH(a, &x->sides[0], c[i].side(a, &x->left));
            VEC_PUSH(a, &x->sides[1], c[i].side(a, &x->right));
        }
}

static int old(const struct stage_rule *r) { return r->rule && r->rule->until ? 2 * MOST_RULES : 0; }

/* The two rules that differ in the least; of equal ones the newer versions, then those that were tried first.
 */
static int choose(struct explanation *x, const struct search *l, const struct search *r)
{
    int best = 1 << 30;
    for (int i = 0; i < l->n_found; i++)
        for (int k = 0; k < r->n_found; k++) {
            const int count = count_causes(&l->found[i], &r->found[k]) * 10000 + old(&l->found[i]) +
                              old(&r->found[k]) + i + k;
            if (count < best) {
                best = count;
                x->left = l->found[i];
                x->right = r->found[k];
            }
        }
    return best < 1 << 30;
}

static int holds_on(struct search *s, struct stage_rule *rule, int i, double *left)
{
    struct stage_rule r = *rule;
    const int ok = vn_search_holds(s, &r, i);
    if (r.left > *left || r.left != r.left)
        *left = r.left;
    if (ok)
        rule->list = r.list;
    return ok;
}

/* Only the rules that hold on one more sample stay. */
static void keep_holding(struct search *s, int sample)
{
    int n = 0;
    double left = 0;
    for (int i = 0; i < s->n_found; i++)
        if (holds_on(s, &s->found[i], sample, &left))
            s->found[n++] = s->found[i];
    s->n_found = n;
}

/* The best rules (of one side in a relation: l is NULL), tried on the samples that were not searched. One
 * that refutes them becomes a searched one, and the next best rules are tried. */
static void settle(struct explanation *x, struct search *l, struct search *r, int n)
{
    char *used = vn_arena_alloc(r->a, (size_t)n);
    for (;;) {
        x->found = l ? choose(x, l, r) : r->n_found > 0;
        if (!x->found)
            return;
        if (!l)
            x->right = r->found[0];
        x->checked = x->refuted = 0;
        x->residual = 0;
        int bad = -1;
        for (int i = r->n; i < n && bad < 0; i++) {
            if (used[i])
                continue;
            const int ok =
                (!l || holds_on(l, &x->left, i, &x->residual)) && holds_on(r, &x->right, i, &x->residual);
            x->checked += ok;
            bad = ok ? -1 : i;
        }
        if (bad < 0)
            return;
        x->refuted = 1;
        used[bad] = 1;
        if (l)
            keep_holding(l, bad);
        keep_holding(r, bad);
    }
}

/* Does a size rule lead from every picture's size to its target? */
static int size_fits(struct search *s, const struct stage_rule *r)
{
    for (int i = 0; i < s->all; i++) {
        const struct vn_picture *x = &vn_search_input(s, i, r)->p, *y = &s->pair[i].y.p;
        struct vn_err e;
        int w, h;
        if (vn_size_apply(&w, &h, vn_size_rule_find(r->size_rule), x->w, x->h, r->number, r->numbers, &e) <
                0 ||
            w != y->w || h != y->h)
            return 0;
    }
    return 1;
}

/* What was asked of a resize: one size for all, or a side. */
static void name_size(struct search *s, struct stage_rule *r)
{
    int n;
    const struct vn_size_rule *rules = vn_size_rules(&n);
    if (r->geometry != GEO_RESIZE || r->is_list)
        return;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            const int both = !strcmp(rules[i].name, "exact") || rules[i].min_args == 2;
            r->size_rule = rules[i].name;
            r->numbers = both ? 2 : 1;
            r->number[0] = k && !both ? r->h : r->w;
            r->number[1] = r->h;
            if (size_fits(s, r))
                return;
        }
    r->size_rule = NULL;
}

/* From the left array to the right one, or back. */
static void explain_relation(struct explanation *x, struct vn_arena *a, const struct stage_arrays *s, int n)
{
    for (int side = 0; side < 2 && !x->found; side++) {
        struct search *r = new_search(a, s, n, (n + 1) / 2, side, 1);
        x->tried += r->tried;
        if (!r->n_found)
            continue;
        const struct grid *g = &r->pair[0].x;
        struct stage_rule same = { .dtype = vn_dtype_name(g->t->dtype), .w = g->p.w, .h = g->p.h };
        if (r->found[0].is_list) {
            same.is_list = 1;
            same.list = vn_list_same();
        } else {
            same.layout = g->layout;
        }
        settle(x, NULL, r, n);
        x->relation = 1;
        x->left = same;
        if (side) {
            const struct stage_rule t = x->left;
            x->left = x->right;
            x->right = t;
        }
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int has_inputs(const struct stage_arrays *s, int n)
{
    int arrays = 1, files = 1;
    for (int i = 0; i < n; i++) {
        arrays &= s[i].x[0] && s[i].x[1];
        files &= s[i].source != NULL;
    }
    return arrays || files;
}

/* 2: of different shapes, 1: of different values, 0: equal. */
static int difference(const struct stage_arrays *s)
{
    const struct vn_tensor *l = s->y[0], *r = s->y[1];
    if (!vn_shape_equal(&l->shape, &r->shape))
        return 2;
    return l->dtype != r->dtype || memcmp(l->data, r->data, vn_tensor_bytes(l)) != 0;
}

/* The samples with those first that differ the most: what is equal says little. */
static const struct stage_arrays *telling_first(struct vn_arena *a, const struct stage_arrays *s, int n)
{
    struct stage_arrays *order = NEW_ARRAY(a, struct stage_arrays, n);
    int k = 0;
    for (int level = 2; level >= 0; level--)
        for (int i = 0; i < n; i++)
            if (difference(&s[i]) == level)
                order[k++] = s[i];
    return order;
}

void vn_explain_stage(struct explanation *x, struct vn_arena *a, const struct stage_arrays *s, int n)
{
    struct vn_arena *work = vn_arena_new();
    const int seen = (n + 1) / 2;
    s = telling_first(work, s, n);
    const double start = now();
    *x = (struct explanation){ 0 };
    if (has_inputs(s, n)) {
        struct search *l = new_search(work, s, n, seen, 0, 0), *r = new_search(work, s, n, seen, 1, 0);
        x->tried = l->tried + r->tried;
        settle(x, l, r, n);
        if (x->found) {
            name_size(l, &x->left);
            name_size(r, &x->right);
            x->steps[0] = vn_rule_steps(a, &x->left);
            x->steps[1] = vn_rule_steps(a, &x->right);
        }
    }
    if (!x->found)
        explain_relation(x, work, s, n);
    if (x->found)
        list_causes(x, a);
    if (!x->causes.n)
        x->found = 0;
    x->seconds = now() - start;
    vn_arena_free(&work);
}

int vn_explain_same(const struct stage_arrays *s, int n)
{
    struct vn_arena *work = vn_arena_new();
    int same = -1;
    s = telling_first(work, s, n);
    if (has_inputs(s, n)) {
        const struct search *r = new_search(work, s, n, n, 1, 0),
                            *l = r->n_found ? new_search(work, s, n, n, 0, 0) : r;
        struct explanation x = { 0 };
        if (r->n_found && choose(&x, l, r))
            same = count_causes(&x.left, &x.right) == 0;
    }
    vn_arena_free(&work);
    return same;
}

void vn_explain_exchanged(struct explanation *x, struct vn_arena *a, const char *name, const char *other,
                          int n)
{
    *x = (struct explanation){
        .found = 1, .left = { .taken_from = name }, .right = { .taken_from = other }, .checked = n, .tried = 1
    };
    list_causes(x, a);
}

const char *vn_describe_stage(struct vn_arena *a, const struct stage_arrays *s, int n, int side)
{
    struct vn_arena *work = vn_arena_new();
    struct search *r = new_search(work, s, n, (n + 1) / 2, side, 0);
    const char *steps = NULL;
    for (int i = r->n; i < n; i++)
        keep_holding(r, i);
    for (int i = 0; i < 2 * r->n_found && !steps; i++) { /* the newer versions first */
        struct stage_rule *rule = &r->found[i % r->n_found];
        if (i < r->n_found && old(rule))
            continue;
        name_size(r, rule);
        steps = vn_rule_steps(a, rule);
    }
    vn_arena_free(&work);
    return steps;
}
