/* From instructions to groups: each tensor that carries a value is computed from the nearest tensors in front
 * of it that carry values, too; what lies between is scratch memory of one node. */
#include "inspect/program.h"

#include "ops/op.h"

struct leaf_search {
    struct vn_arena *arena;
    struct program *p;
    int *seen; /* by tensor: the walk that came here last */
    int number; /* of this walk */
    VEC(int) open; /* scratch tensors still to be followed */
    VEC(int) found;
};

static int carries_value(const struct part *t)
{
    return t->value && t->view.role != VN_ROLE_SCRATCH && t->view.role != VN_ROLE_CONST;
}

static void visit(struct leaf_search *w, int tensor)
{
    struct part *t = &w->p->parts[tensor];
    if (w->seen[tensor] == w->number || t->view.role == VN_ROLE_CONST)
        return;
    w->seen[tensor] = w->number;
    if (carries_value(t)) {
        VEC_PUSH(w->arena, &w->found, tensor);
        return;
    }
    t->reached++;
    VEC_PUSH(w->arena, &w->open, tensor);
}

static void find_leaves(struct leaf_search *w, int tensor)
{
    w->open.n = 0;
    VEC_PUSH(w->arena, &w->open, tensor);
    while (w->open.n) {
        const struct part *t = &w->p->parts[w->open.v[--w->open.n]];
        for (int i = 0; i < t->n_writers; i++) {
            const struct vn_instruction *s = &w->p->instructions[t->writers[i]];
            for (int k = 0; k < s->n_in; k++)
                visit(w, s->in[k]);
        }
    }
}

static void read_instructions(struct program *p, struct vn_arena *a)
{
    struct vn_instruction *all = NEW_ARRAY(a, struct vn_instruction, p->n_instructions);
    int *count = NEW_ARRAY(a, int, p->n_parts), **list = NEW_ARRAY(a, int *, p->n_parts);
    for (int i = 0; i < p->n_instructions; i++) {
        vn_model_instruction(p->model, i, &all[i]);
        count[all[i].out]++;
        for (int k = 0; k < 2; k++)
            if (all[i].hidden[k] >= 0)
                count[all[i].hidden[k]]++;
    }
    for (int t = 0; t < p->n_parts; t++)
        p->parts[t].writers = list[t] = NEW_ARRAY(a, int, count[t]);
    for (int i = 0; i < p->n_instructions; i++) {
        const int made[] = { all[i].out, all[i].hidden[0], all[i].hidden[1] };
        for (int k = 0; k < 3; k++)
            if (made[k] >= 0) {
                list[made[k]][p->parts[made[k]].n_writers++] = i;
                p->parts[made[k]].writer = i;
            }
    }
    p->instructions = all;
}

static void read_tensors(struct program *p, struct vn_arena *a)
{
    p->parts = NEW_ARRAY(a, struct part, p->n_parts);
    for (int t = 0; t < p->n_parts; t++) {
        struct part *x = &p->parts[t];
        vn_model_tensor(p->model, t, &x->view);
        x->view.data = NULL;
        x->value = *x->view.name ? vn_graph_find(p->graph, x->view.name) : NULL;
        x->fused = x->view.fused;
        x->writer = -1;
    }
}

/* Is it made from the value itself, and never by the value's node? */
static int is_conversion(enum vn_role r)
{
    return r == VN_ROLE_FLOAT || r == VN_ROLE_COPY || r == VN_ROLE_WIDE || r == VN_ROLE_RESCALED ||
           r == VN_ROLE_CELLS;
}

/* A raw result is on the way to its value; no other node reads it. */
static int reads_raw(const struct program *p, const struct part *t)
{
    for (int k = 0; k < t->n_leaves; k++) {
        const struct part *from = &p->parts[t->leaves[k]];
        if (from->view.role == VN_ROLE_RAW && from->value != t->value)
            return 1;
    }
    return 0;
}

/* The instructions of a tensor without elements, or one filled with a constant, read nothing. */
static enum origin origin_of(const struct program *p, const struct part *t)
{
    if (t->view.constant)
        return ORIGIN_CONSTANT;
    if (t->writer < 0)
        return t->needed_until >= 0 ? ORIGIN_INPUT : ORIGIN_UNUSED;
    if (!carries_value(t))
        return t->view.role == VN_ROLE_SCRATCH ? ORIGIN_INNER : ORIGIN_UNKNOWN;
    const struct part *from = t->n_leaves == 1 ? &p->parts[t->leaves[0]] : NULL;
    if (from && from->value == t->value)
        return from->view.role == VN_ROLE_BYTES && from->view.dtype == VN_U8 && t->view.n_scale
                   ? ORIGIN_PIXELS
                   : ORIGIN_CONVERTED;
    return t->value->producer && !is_conversion(t->view.role) && !reads_raw(p, t) ? ORIGIN_COMPUTED
                                                                                  : ORIGIN_UNKNOWN;
}

static void keep_until(struct program *p, int tensor, int instruction)
{
    struct part *t = &p->parts[tensor];
    t->needed_until = instruction > t->needed_until ? instruction : t->needed_until;
}

static void keep_outputs(struct program *p)
{
    int n;
    const struct vn_io *out = vn_model_outputs(p->model, &n);
    for (int i = 0; i < n; i++) {
        p->parts[out[i].tensor].is_output = 1;
        keep_until(p, out[i].tensor, p->n_instructions);
    }
}

static void connect(struct program *p, struct vn_arena *a)
{
    struct leaf_search w = { .arena = a, .p = p, .seen = NEW_ARRAY(a, int, p->n_parts) };
    for (int t = 0; t < p->n_parts; t++)
        p->parts[t].needed_until = -1;
    for (int i = 0; i < p->n_instructions; i++)
        for (int k = 0; k < p->instructions[i].n_in; k++)
            keep_until(p, p->instructions[i].in[k], i);
    for (int t = 0; t < p->n_parts; t++) {
        struct part *x = &p->parts[t];
        if (!carries_value(x) || x->writer < 0)
            continue;
        w.number = t + 1;
        w.found.n = 0;
        find_leaves(&w, t);
        x->leaves = vn_arena_copy(a, w.found.v, (size_t)w.found.n * sizeof *w.found.v);
        x->n_leaves = w.found.n;
        for (int k = 0; k < x->n_leaves; k++)
            keep_until(p, x->leaves[k], x->writer);
    }
    for (int t = 0; t < p->n_parts; t++)
        keep_until(p, t, p->parts[t].writer);
    keep_outputs(p);
    for (int t = 0; t < p->n_parts; t++)
        p->parts[t].origin = origin_of(p, &p->parts[t]);
}

static void list_ends(struct program *p, struct vn_arena *a)
{
    const int n = p->n_instructions + 1; /* outputs end behind the last one */
    int *from = NEW_ARRAY(a, int, n + 1), *all = NEW_ARRAY(a, int, p->n_parts),
        *next = NEW_ARRAY(a, int, n + 1);
    for (int t = 0; t < p->n_parts; t++)
        if (p->parts[t].needed_until >= 0)
            from[p->parts[t].needed_until + 1]++;
    for (int i = 0; i < n; i++)
        from[i + 1] += from[i];
    memcpy(next, from, (size_t)(n + 1) * sizeof *from);
    for (int t = 0; t < p->n_parts; t++)
        if (p->parts[t].needed_until >= 0)
            all[next[p->parts[t].needed_until]++] = t;
    p->dying = all;
    p->dies_from = from;
}

struct program *vn_program_new(struct vn_arena *a, const struct vn_session *s, const struct graph *g)
{
    struct program *p = NEW(a, struct program);
    p->session = s;
    p->model = vn_session_model(s);
    p->graph = g;
    p->n_parts = vn_model_tensors(p->model);
    p->n_instructions = vn_model_instructions(p->model);
    read_tensors(p, a);
    read_instructions(p, a);
    connect(p, a);
    list_ends(p, a);
    return p;
}
