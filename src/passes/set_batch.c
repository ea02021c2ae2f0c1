/* A network of single images becomes one of several: the first axis of its inputs grows, and with it that of
 * everything behind them. On request an input is split again, into one for each image. */
#include "ops/op.h"
#include "passes/pass.h"

static int fail_axis(const struct value *v, struct vn_err *e)
{
    char text[VN_SHAPE_TEXT];
    return vn_fail(e, VN_E_UNSUPPORTED, "input %s: a batch requires a first axis of 1, got %s", v->name,
                   vn_shape_text(&v->shape, text));
}

static int is_list(const struct value *v)
{
    return v && v->data && v->dtype == VN_I64 && v->shape.rank == 1 && v->shape.d[0] >= 1 &&
           v->shape.d[0] <= VN_MAX_RANK;
}

/* Is the constant the shape of the node's result, or (with an entry that is computed) could it be? */
static int is_shape(const struct node *n, int slot, const int64_t *d)
{
    const struct vn_shape *s = &n->out[0]->shape;
    const int reshape = n->op->elements == ELEMENTS_KEPT && slot == 1;
    int same = n->in[slot]->shape.d[0] == s->rank;
    for (int i = 0; same && i < s->rank; i++)
        same = d[i] == s->d[i] || (reshape && d[i] <= 0);
    return same;
}

/* The axis along which v has grown; -1: none. */
static int grown_axis(const struct value *v, const struct vn_shape *before)
{
    const struct vn_shape *old = &before[v->id];
    for (int i = 0; v->shape.rank == old->rank && i < old->rank; i++)
        if (v->shape.d[i] != old->d[i])
            return i;
    return -1;
}

/* The axis of `to` in front of which there are as many elements as in front of axis `at` of `from`. */
static int same_place(const struct vn_shape *from, int at, const struct vn_shape *to)
{
    int64_t want = 1, product = 1;
    for (int i = 0; i < at; i++)
        want *= from->d[i];
    for (int i = 0; i < to->rank; product *= to->d[i++])
        if (product == want)
            return i;
    return -1;
}

/* A constant shape that counts one image takes all. */
static void widen_shape(struct graph *g, struct node *n, int slot, int axis, const struct vn_shape *before,
                        int batch)
{
    const struct value *list = n->in[slot];
    const int rank = (int)list->shape.d[0], reshape = n->op->elements == ELEMENTS_KEPT;
    int64_t d[VN_MAX_RANK];
    memcpy(d, list->data->data, (size_t)rank * sizeof *d);
    const int at = reshape ? same_place(&before[n->in[0]->id], axis, &before[n->out[0]->id]) : axis;
    if (!is_shape(n, slot, d) || at < 0 || at >= rank || d[at] <= 0)
        return;
    d[at] *= batch;
    vn_graph_set_input(g, n, slot,
                       vn_graph_const_i64(g, vn_arena_fmt(g->arena, "%s_batch", list->name), rank, d));
}

/* New constants have no shape from before; nothing asks for it. */
static int infer_all(struct graph *g, const struct vn_shape *before, int batch, struct vn_err *e)
{
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        const int axis = n->n_in && n->in[0] && !n->in[0]->data ? grown_axis(n->in[0], before) : -1;
        for (int k = 1; k < n->n_in && axis >= 0; k++)
            if (is_list(n->in[k]))
                widen_shape(g, n, k, axis, before, batch);
        TRY(n->op->infer(n, e));
    }
    return VN_OK;
}

static int is_among(const struct batch_spec *b, const char *name)
{
    for (int i = 0; i < b->n_separate; i++)
        if (!strcmp(b->separate[i], name))
            return 1;
    return b->separate_all;
}

/* The node in front of which single images meet: pixels are prepared one by one. */
static struct node *preparation(const struct value *v)
{
    struct node *n = vn_graph_sole_user(v);
    return n && n->op->pixel_axis ? n : NULL;
}

static struct value *copy_value(struct graph *g, const struct value *v, int number)
{
    struct value *c =
        vn_graph_value(g, vn_arena_fmt(g->arena, "%s_%d", v->name, number), v->dtype, &v->shape);
    c->shape.d[0] = 1;
    c->q = v->q;
    c->raw_input = v->raw_input;
    return c;
}

static struct value *prepared(struct graph *g, struct node *like, struct value *x, int number)
{
    struct value *y = copy_value(g, like->out[0], number);
    struct value **in = vn_arena_copy(g->arena, like->in, (size_t)like->n_in * sizeof *in);
    in[0] = x;
    struct node *n = vn_graph_node_before(
        g, like, like->op, vn_arena_fmt(g->arena, "%s_%d", like->name, number), like->n_in, in, 1, &y);
    memcpy(n->attrs, like->attrs, like->op->attrs_size);
    return y;
}

/* Where `v` was read, `parts` are, one behind the other; made in front of node `at`. */
static void join(struct graph *g, struct value *v, int n, struct value *const *parts, struct node *at)
{
    struct value *all = vn_graph_value(g, vn_arena_fmt(g->arena, "%s_batch", v->name), v->dtype, &v->shape);
    all->q = v->q;
    vn_graph_replace(g, v, all, 1);
    struct node *concat = vn_graph_node_before(g, at, &vn_op_concat,
                                               vn_arena_fmt(g->arena, "%s_join", v->name), n, parts, 1, &all);
    ((struct axis_attrs *)concat->attrs)->axis = 0;
}

static void separate(struct graph *g, struct value *v, int batch, struct value **to)
{
    struct node *prepare = preparation(v);
    struct value **parts = NEW_ARRAY(g->arena, struct value *, batch);
    const char *text = vn_graph_meta(g, vn_arena_fmt(g->arena, "input.%s", v->name));
    for (int i = 0; i < batch; i++) {
        to[i] = copy_value(g, v, i);
        parts[i] = prepare ? prepared(g, prepare, to[i], i) : to[i];
        if (text)
            vn_graph_meta_set(g, vn_arena_fmt(g->arena, "input.%s", to[i]->name), text);
    }
    join(g, prepare ? prepare->out[0] : v, batch, parts,
         prepare      ? prepare
         : g->nodes.n ? g->nodes.v[0]
                      : NULL);
    if (prepare)
        vn_graph_remove(g, prepare);
}

static void separate_inputs(struct graph *g, const struct batch_spec *b)
{
    struct value **old = vn_arena_copy(g->arena, g->inputs.v, (size_t)g->inputs.n * sizeof *old);
    const int n = g->inputs.n;
    g->inputs.n = 0;
    for (int i = 0; i < n; i++) {
        if (!is_among(b, old[i]->name)) {
            VEC_PUSH(g->arena, &g->inputs, old[i]);
            continue;
        }
        struct value **parts = NEW_ARRAY(g->arena, struct value *, b->n);
        separate(g, old[i], b->n, parts);
        for (int k = 0; k < b->n; k++)
            VEC_PUSH(g->arena, &g->inputs, parts[k]);
    }
    vn_graph_index(g);
}

int vn_set_batch(struct graph *g, const struct batch_spec *b, struct vn_err *e)
{
    struct vn_shape *before = NEW_ARRAY(g->arena, struct vn_shape, g->values.n);
    for (int i = 0; i < g->values.n; i++)
        before[g->values.v[i]->id] = g->values.v[i]->shape;
    for (int i = 0; i < g->inputs.n; i++) {
        struct value *v = g->inputs.v[i];
        if (v->shape.rank < 1 || v->shape.d[0] != 1)
            return fail_axis(v, e);
        v->shape.d[0] = b->n;
    }
    TRY(infer_all(g, before, b->n, e));
    for (int i = 0; i < g->outputs.n; i++) {
        const struct value *v = g->outputs.v[i];
        if (vn_shape_count(&v->shape) != vn_shape_count(&before[v->id]) * b->n)
            return vn_fail(e, VN_E_UNSUPPORTED, "output %s does not grow with the batch", v->name);
    }
    separate_inputs(g, b);
    return VN_OK;
}
