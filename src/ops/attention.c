/* ops/attention.c - scaled dot-product attention: MatMul, Softmax, MatMul, with masks, key and value caches
 * and groups of query heads. */
#include <math.h>

#include "ops/compose.h"

struct attrs {
    int64_t causal, kv_heads, q_heads, mode, precision, left, right;
    float scale, softcap;
};
static const struct attr_spec specs[] = {
    A_INT(struct attrs, causal, "is_causal", 0, 0, 1),
    A_INT(struct attrs, kv_heads, "kv_num_heads", 0, 0, 1 << 20),
    A_INT(struct attrs, q_heads, "q_num_heads", 0, 0, 1 << 20),
    A_INT(struct attrs, mode, "qk_matmul_output_mode", 0, 0, 3),
    A_INT(struct attrs, precision, "softmax_precision", 0, 0, 64),
    A_INT(struct attrs, left, "left_window_size", -1, -1, INT32_MAX),
    A_INT(struct attrs, right, "right_window_size", -1, -1, INT32_MAX),
    A_FLOAT(struct attrs, scale, "scale", 0),
    A_FLOAT(struct attrs, softcap, "softcap", 0),
    A_END,
};
enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTHS };
enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };

struct sizes {
    int64_t batch, q_heads, kv_heads, queries, fresh, past, keys, size, v_size;
    int64_t group; /* heads of queries for each head of keys */
    int flat; /* operands are (batch, sequence, heads * size) */
};

/* Heads, sequence and size of operand i. */
static int operand(const struct node *n, int i, int64_t given, int64_t *heads, int64_t *sequence,
                   int64_t *size, struct vn_err *e)
{
    const struct vn_shape *s = &n->in[i]->shape;
    if (s->rank == 4) {
        *heads = s->d[1], *sequence = s->d[2], *size = s->d[3];
        return VN_OK;
    }
    if (s->rank != 3 || given < 1 || s->d[2] % given)
        return vn_node_fail(n, e, VN_E_INPUT,
                            "%s: expected 4 dimensions, or 3 and a number of heads that divides the last",
                            n->in[i]->name);
    *heads = given, *sequence = s->d[1], *size = s->d[2] / given;
    return VN_OK;
}

static int sizes_of(struct sizes *s, const struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    int64_t v_heads, v_sequence, k_size;
    *s = (struct sizes){ .batch = n->in[Q]->shape.rank ? n->in[Q]->shape.d[0] : 0,
                         .flat = n->in[Q]->shape.rank == 3 };
    TRY(operand(n, Q, a->q_heads, &s->q_heads, &s->queries, &s->size, e));
    TRY(operand(n, K, a->kv_heads, &s->kv_heads, &s->fresh, &k_size, e));
    TRY(operand(n, V, a->kv_heads, &v_heads, &v_sequence, &s->v_size, e));
    if (v_heads != s->kv_heads || v_sequence != s->fresh || k_size != s->size || s->kv_heads < 1 ||
        s->q_heads % s->kv_heads || s->size < 1 || n->in[K]->shape.d[0] != s->batch ||
        n->in[V]->shape.d[0] != s->batch)
        return vn_node_fail(n, e, VN_E_INPUT, "the shapes of %s, %s and %s do not match", n->in[Q]->name,
                            n->in[K]->name, n->in[V]->name);
    if (vn_node_has(n, PAST_KEY) != vn_node_has(n, PAST_VALUE))
        return vn_node_fail(n, e, VN_E_INPUT, "past_key requires past_value, and vice versa");
    for (int i = PAST_KEY; i <= PAST_VALUE && vn_node_has(n, i); i++) {
        const struct vn_shape *p = &n->in[i]->shape;
        if (p->rank != 4 || p->d[0] != s->batch || p->d[1] != s->kv_heads ||
            p->d[3] != (i == PAST_KEY ? s->size : s->v_size) || (i == PAST_VALUE && p->d[2] != s->past))
            return vn_node_fail(n, e, VN_E_INPUT, "the shape of %s does not match", n->in[i]->name);
        s->past = p->d[2];
    }
    s->keys = s->past + s->fresh;
    s->group = s->q_heads / s->kv_heads;
    if (vn_node_has(n, LENGTHS) &&
        (n->in[LENGTHS]->shape.rank != 1 || n->in[LENGTHS]->shape.d[0] != s->batch))
        return vn_node_fail(n, e, VN_E_INPUT, "nonpad_kv_seqlen (%s) requires one number per batch element",
                            n->in[LENGTHS]->name);
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct sizes s;
    TRY(vn_infer_begin(n, e));
    for (int i = Q; i <= V; i++)
        TRY(vn_infer_float(n, i, e));
    TRY(sizes_of(&s, n, e));
    const enum vn_dtype t = n->in[Q]->dtype;
    const struct vn_shape flat = { 3, { s.batch, s.queries, s.q_heads * s.v_size } },
                          y = { 4, { s.batch, s.q_heads, s.queries, s.v_size } };
    const struct vn_shape key = { 4, { s.batch, s.kv_heads, s.keys, s.size } },
                          value = { 4, { s.batch, s.kv_heads, s.keys, s.v_size } };
    const struct vn_shape scores = { 4, { s.batch, s.q_heads, s.queries, s.keys } };
    TRY(vn_infer_out(n, PRESENT_KEY, t, &key, e));
    TRY(vn_infer_out(n, PRESENT_VALUE, t, &value, e));
    TRY(vn_infer_out(n, SCORES, t, &scores, e));
    return vn_infer_out(n, Y, t, s.flat ? &flat : &y, e);
}

/* (batch, heads, sequence, size) */
static struct value *by_heads(struct graph *g, const struct node *n, int i, int64_t heads, int64_t size)
{
    struct value *x = n->in[i];
    if (x->shape.rank == 4)
        return x;
    x = vn_expand_reshape(g, n, x, 4, (int64_t[]){ x->shape.d[0], x->shape.d[1], heads, size }, NULL);
    return vn_expand_transpose(g, n, x, 4, (int64_t[]){ 0, 2, 1, 3 }, NULL);
}

/* Keys or values behind the cached ones; an output of the node where present. */
static struct value *cached(struct graph *g, const struct node *n, struct value *x, int past, int present)
{
    struct value *out = present < n->n_out ? n->out[present] : NULL;
    if (vn_node_has(n, past))
        return vn_expand_concat(g, n, n->in[past], x, 2, out);
    if (out)
        vn_expand1(g, n, "Identity", x, out);
    return x;
}

static struct value *output(const struct node *n, int mode)
{
    return n->n_out > SCORES && n->out[SCORES] && ((const struct attrs *)n->attrs)->mode == mode
               ? n->out[SCORES]
               : NULL;
}

/* The scores of this stage as an output, where qk_matmul_output_mode selects it. */
static void show(struct graph *g, const struct node *n, struct value *x, int mode)
{
    if (output(n, mode))
        vn_expand1(g, n, "Identity", x, output(n, mode));
}

/* ---- masks: booleans that broadcast to (batch, heads, queries, keys) ---- */

static struct value *both(struct graph *g, const struct node *n, struct value *a, struct value *b)
{
    return a && b ? vn_expand2(g, n, "And", a, b, NULL) : a ? a : b;
}

/* 0, 1, 2, ... along the last axis (keys) or the one in front of it (queries). */
static struct value *counting(struct graph *g, const struct node *n, const char *what, int64_t count,
                              int by_row)
{
    const struct vn_shape s = { 4, { 1, 1, by_row ? count : 1, by_row ? 1 : count } };
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_I64, &s);
    for (int64_t i = 0; i < count; i++)
        ((int64_t *)t->data)[i] = i;
    return vn_graph_const(g, vn_arena_fmt(g->arena, "%s_%s", n->name, what), t);
}

static struct value *whole(struct graph *g, const struct node *n, int64_t x)
{
    return vn_expand_number(g, n, "position", VN_I64, (double)x);
}

/* Which keys a query may see by its position: causal, windows, and the length of each sample. */
static struct value *visible(struct graph *g, const struct node *n, const struct sizes *s)
{
    const struct attrs *a = n->attrs;
    struct value *allowed = NULL, *key = counting(g, n, "keys", s->keys, 0), *length = NULL;
    if (vn_node_has(n, LENGTHS)) {
        length = vn_expand_reshape(g, n, vn_expand_cast(g, n, n->in[LENGTHS], VN_I64, NULL), 4,
                                   (int64_t[]){ s->batch, 1, 1, 1 }, NULL);
        allowed = vn_expand2(g, n, "Less", key, length, NULL);
    }
    if (!a->causal && a->left < 0 && a->right < 0)
        return allowed;
    struct value *offset = length && !vn_node_has(n, PAST_KEY)
                               ? vn_expand2(g, n, "Sub", length, whole(g, n, s->queries), NULL)
                               : whole(g, n, s->past);
    struct value *place = vn_expand2(g, n, "Add", counting(g, n, "queries", s->queries, 1), offset, NULL);
    if (a->causal)
        allowed = both(g, n, allowed, vn_expand2(g, n, "LessOrEqual", key, place, NULL));
    if (a->left >= 0)
        allowed = both(g, n, allowed,
                       vn_expand2(g, n, "GreaterOrEqual", key,
                                  vn_expand2(g, n, "Sub", place, whole(g, n, a->left), NULL), NULL));
    if (a->right >= 0)
        allowed = both(g, n, allowed,
                       vn_expand2(g, n, "LessOrEqual", key,
                                  vn_expand2(g, n, "Add", place, whole(g, n, a->right), NULL), NULL));
    return allowed;
}

/* The mask extended to all keys: those that it lacks are masked. */
static struct value *padded(struct graph *g, const struct node *n, const struct sizes *s, enum vn_dtype t,
                            double filler)
{
    struct value *mask = n->in[MASK];
    const struct vn_shape *m = &mask->shape;
    const int64_t missing = m->rank && m->d[m->rank - 1] > 1 ? s->keys - m->d[m->rank - 1] : 0;
    if (missing <= 0)
        return mask;
    struct vn_shape more = *m;
    more.d[m->rank - 1] = missing;
    struct vn_tensor *fill = vn_tensor_new(g->arena, t, &more);
    for (int64_t i = 0; i < vn_shape_count(&more); i++)
        vn_tensor_set_f64(fill, i, filler);
    return vn_expand_concat(g, n, mask, vn_graph_const(g, vn_arena_fmt(g->arena, "%s_unseen", n->name), fill),
                            m->rank - 1, NULL);
}

/* The queries of a group share a key head. Before MatMul: an axis of `shared` heads behind the key heads. */
static struct value *grouped(struct graph *g, const struct node *n, const struct sizes *s, struct value *x,
                             int64_t shared, int64_t rows, int64_t columns)
{
    const int64_t shape[5] = { s->batch, s->kv_heads, shared, rows, columns };
    return s->group > 1 ? vn_expand_reshape(g, n, x, 5, shape, NULL) : x;
}

/* And after it: one axis of heads. */
static struct value *ungrouped(struct graph *g, const struct node *n, const struct sizes *s, struct value *x,
                               int64_t columns, struct value *out)
{
    const int64_t shape[4] = { s->batch, s->q_heads, s->queries, columns };
    return s->group > 1 ? vn_expand_reshape(g, n, x, 4, shape, out) : x;
}

static struct value *scores_of(struct graph *g, const struct node *n, const struct sizes *s, struct value *q,
                               struct value *k)
{
    const float softcap = ((const struct attrs *)n->attrs)->softcap;
    struct value *x = ungrouped(g, n, s, vn_expand2(g, n, "MatMul", q, k, NULL), s->keys, NULL);
    show(g, n, x, 0);
    if (softcap > 0) {
        struct value *cap = vn_expand_number(g, n, "softcap", n->in[Q]->dtype, softcap);
        struct value *bent = vn_expand1(g, n, "Tanh", vn_expand2(g, n, "Div", x, cap, NULL), NULL);
        x = vn_expand2(g, n, "Mul", bent, cap, NULL);
    }
    show(g, n, x, 1);
    return x;
}

/* Scores plus the mask, -infinity where a query must not see a key; x itself where every query sees all. */
static struct value *masked(struct graph *g, const struct node *n, const struct sizes *s, struct value *x,
                            struct vn_err *e)
{
    const enum vn_dtype t = n->in[Q]->dtype;
    struct value *allowed = visible(g, n, s);
    const int has_mask = vn_node_has(n, MASK);
    if (has_mask && n->in[MASK]->dtype == VN_BOOL)
        allowed = both(g, n, allowed, padded(g, n, s, VN_BOOL, 0));
    else if (has_mask)
        x = vn_expand2(g, n, "Add", x, padded(g, n, s, t, -INFINITY), NULL);
    if (allowed) {
        struct value *const choice[3] = { allowed, x, vn_expand_number(g, n, "unseen", t, -INFINITY) };
        x = vn_expand(g, n, "Where", 3, choice, NULL, e)->out[0];
    }
    show(g, n, x, 2);
    return x;
}

/* p, but zeros for a query whose keys are all masked (scores of -infinity). */
static struct value *zero_masked_rows(struct graph *g, const struct node *n, struct value *p,
                                      struct value *scores, struct vn_err *e)
{
    const enum vn_dtype t = n->in[Q]->dtype;
    struct value *const axes[2] = { scores, vn_expand_ints(g, n, "axes", 1, (int64_t[]){ -1 }) };
    struct value *most = vn_expand(g, n, "ReduceMax", 2, axes, NULL, e)->out[0];
    struct value *nothing = vn_expand_number(g, n, "nothing", t, -INFINITY);
    struct value *sees = vn_expand2(g, n, "Greater", most, nothing, NULL);
    struct value *const choice[3] = { sees, p, vn_expand_number(g, n, "zero", t, 0) };
    return vn_expand(g, n, "Where", 3, choice, NULL, e)->out[0];
}

/* Probabilities times values, in the output's order. */
static void weighted_values(struct graph *g, const struct node *n, const struct sizes *s, struct value *p,
                            struct value *v)
{
    struct value *out = n->out[Y], *at_end = s->flat ? NULL : out;
    struct value *y = vn_expand2(g, n, "MatMul", p, v, s->group > 1 ? NULL : at_end);
    y = ungrouped(g, n, s, y, s->v_size, at_end);
    if (!s->flat)
        return;
    y = vn_expand_transpose(g, n, y, 4, (int64_t[]){ 0, 2, 1, 3 }, NULL);
    vn_expand_reshape(g, n, y, 3, (int64_t[]){ s->batch, s->queries, s->q_heads * s->v_size }, out);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct sizes s;
    TRY(sizes_of(&s, n, e));
    const double factor = a->scale != 0 ? (double)a->scale : 1 / sqrt((double)s.size);
    struct value *scale = vn_expand_number(g, n, "scale", n->in[Q]->dtype, factor);
    struct value *q = vn_expand2(g, n, "Mul", by_heads(g, n, Q, s.q_heads, s.size), scale, NULL);
    struct value *k = cached(g, n, by_heads(g, n, K, s.kv_heads, s.size), PAST_KEY, PRESENT_KEY);
    struct value *v = cached(g, n, by_heads(g, n, V, s.kv_heads, s.v_size), PAST_VALUE, PRESENT_VALUE);
    k = vn_expand_transpose(g, n, k, 4, (int64_t[]){ 0, 1, 3, 2 }, NULL);
    q = grouped(g, n, &s, q, s.group, s.queries, s.size);
    k = grouped(g, n, &s, k, 1, s.size, s.keys);
    v = grouped(g, n, &s, v, 1, s.keys, s.v_size);
    struct value *all = scores_of(g, n, &s, q, k), *seen = masked(g, n, &s, all, e);
    struct value *p = vn_expand1(g, n, "Softmax", seen, NULL);
    if (seen != all)
        p = zero_masked_rows(g, n, p, seen, e);
    show(g, n, p, 3);
    weighted_values(g, n, &s, grouped(g, n, &s, p, s.group, s.queries, s.keys), v);
    return VN_OK;
}

const struct op_def vn_op_attention = {
    .name = "attention",
    .onnx = "Attention",
    .min_in = 3,
    .max_in = 7,
    .min_out = 1,
    .max_out = 4,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .expand = expand,
};
