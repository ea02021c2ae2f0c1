#include "quant/loaded.h"

#include <math.h>

#include "num/num.h"
#include "ops/op.h"

/* ---- taking them from the network ---- */

/* A constant as real numbers; a float one as its integers would give them. */
static void make_float(struct graph *g, struct value *v)
{
    const struct qparam *q = v->q;
    const int stored = v->data->dtype != VN_F32;
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_F32, &v->shape);
    const int64_t n = vn_shape_count(&v->shape);
    for (int64_t i = 0; i < n; i++) {
        const int c = vn_shape_coordinate(&v->shape, q->axis, i);
        const double x = vn_tensor_f64(v->data, i);
        const double k =
            stored ? x : vn_quantize((float)x, q->scale[c], q->zero[c], vn_q_min(q), vn_q_max(q));
        ((float *)t->data)[i] = (float)((k - q->zero[c]) * q->scale[c]);
    }
    v->data = t;
}

/* Quantizers drop a Relu in front of integers that begin at zero: the real network needs it. */
static int clips_at_zero(const struct value *v)
{
    const struct op_def *op = v->producer ? v->producer->op : NULL;
    return op && v->q->n == 1 && v->q->zero[0] == vn_q_min(v->q) && !op->is_clamp &&
           (op->quant.kind == Q_LINEAR || op->pair == PAIR_SUM);
}

static void add_relu(struct graph *g, struct value *y)
{
    struct node *maker = y->producer;
    struct node *next = maker->id + 1 < g->nodes.n ? g->nodes.v[maker->id + 1] : NULL;
    struct value *x = vn_graph_value(g, vn_arena_fmt(g->arena, "%s_unclipped", y->name), y->dtype, &y->shape);
    vn_graph_set_output(maker, y->port, x);
    vn_graph_node_before(g, next, &vn_op_relu, vn_arena_fmt(g->arena, "%s_clip", y->name), 1, &x, 1, &y);
    vn_graph_index(g);
}

int vn_quantize_take(const struct vn_map **loaded, struct graph *g)
{
    struct vn_map *m = vn_map_new(g->arena);
    int taken = 0;
    vn_graph_index(g);
    for (int i = 0; i < g->values.n; i++) {
        struct value *v = g->values.v[i];
        if (!v->q || v->raw_input || v->raw_output) /* those are what a program outside reads and writes */
            continue;
        if (v->q->implied) { /* those of its clamp's result */
            v->q = NULL;
            continue;
        }
        vn_map_set(m, v->name, (void *)(uintptr_t)v->q);
        if (v->data)
            make_float(g, v);
        else if (clips_at_zero(v))
            add_relu(g, v);
        v->q = NULL;
        taken++;
    }
    *loaded = m;
    return taken;
}

/* ---- giving them back ---- */

static int data_inputs(const struct node *n)
{
    const int k = n->op->quant.data_inputs;
    return k && k < n->n_in ? k : n->n_in;
}

static const struct qparam *of_value(const struct vn_map *loaded, const struct value *v, const char *wide)
{
    const struct qparam *q = vn_map_get(loaded, v->name);
    if (!q || v->data || q->n != 1 || q->dtype != (wide[v->id] ? VN_I16 : VN_I8))
        return NULL;
    return q->dtype == VN_I16 && q->zero[0] ? NULL : q;
}

static void set(struct value *v, const struct qparam *q)
{
    if (!q || v->q)
        return;
    v->q = q;
    v->threshold = fmax(vn_q_max(q) - q->zero[0], q->zero[0] - vn_q_min(q)) * (double)q->scale[0];
}

/* Of a clamp in float behind it: what it cuts off is lost there, too. */
static const struct qparam *of_float_clamp(const struct vn_map *loaded, const struct value *v,
                                           const char *integer, const char *wide)
{
    const struct node *user = vn_graph_sole_user(v);
    return user && user->op->is_clamp && !integer[user->id] ? of_value(loaded, user->out[0], wide) : NULL;
}

static int hands_down(const struct node *n) { return n->op->quant.out == Q_OUT_SAME && !n->op->is_clamp; }

void vn_loaded_apply(struct graph *g, const struct vn_map *loaded, const char *integer, const char *wide)
{
    for (int i = g->nodes.n - 1; i >= 0; i--) {
        struct node *n = g->nodes.v[i];
        if (!integer[i] || n->op->pixel_axis)
            continue;
        for (int k = 0; k < data_inputs(n); k++)
            if (n->in[k])
                set(n->in[k], of_value(loaded, n->in[k], wide));
        set(n->out[0], of_value(loaded, n->out[0], wide));
        set(n->out[0], of_float_clamp(loaded, n->out[0], integer, wide));
        if (hands_down(n) && n->out[0]->q && !n->in[0]->data && wide[n->in[0]->id] == wide[n->out[0]->id])
            set(n->in[0], n->out[0]->q);
    }
}

/* Is every element a multiple of its scale, within what the type holds? */
static int is_stored(const struct value *v, const struct qparam *q)
{
    const int64_t n = vn_shape_count(&v->shape);
    for (int64_t i = 0; i < n; i++) {
        const int c = vn_shape_coordinate(&v->shape, q->axis, i);
        const double k = vn_tensor_f64(v->data, i) / (double)q->scale[c] + q->zero[c];
        if (!(fabs(k - rint(k)) < 0.01) || k < vn_q_min(q) - 0.5 || k > vn_q_max(q) + 0.5)
            return 0;
    }
    return 1;
}

const struct qparam *vn_loaded_constant(const struct vn_map *loaded, const char *name, const struct value *v,
                                        int axis, int wide)
{
    const struct qparam *q = loaded ? vn_map_get(loaded, name) : NULL;
    if (!q || q->dtype != (wide ? VN_I16 : VN_I8) ||
        (q->n > 1 && (q->axis != axis || q->n != v->shape.d[axis])))
        return NULL;
    return is_stored(v, q) ? q : NULL;
}

/* ---- telling ---- */

enum { MOST_NAMES = 10 };

struct told {
    struct vn_arena *arena;
    struct vn_map *seen;
    const char *names;
    int own, other;
};

static void tell(struct told *t, const struct vn_map *loaded, const struct value *v)
{
    const struct qparam *q = vn_map_get(loaded, v->name);
    if (!v->q || vn_map_get(t->seen, v->name))
        return;
    vn_map_set(t->seen, v->name, t);
    if (q && vn_qparam_equal(q, v->q)) {
        t->own++;
        return;
    }
    if (t->other++ < MOST_NAMES)
        t->names = vn_arena_fmt(t->arena, "%s%s%s", t->names, *t->names ? ", " : "", v->name);
}

void vn_loaded_report(const struct graph *g, const struct vn_map *loaded, const char *integer,
                      const struct vn_listener *l)
{
    struct vn_arena *work = vn_arena_new();
    struct told t = { .arena = work, .seen = vn_map_new(work), .names = "" };
    for (int i = 0; l && i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        if (!integer[i] || n->op->pixel_axis)
            continue;
        for (int k = 0; k < data_inputs(n); k++)
            if (n->in[k] && k != n->op->quant.bias && !(hands_down(n) && k == 0))
                tell(&t, loaded, n->in[k]);
        if (!hands_down(n))
            tell(&t, loaded, n->out[0]);
    }
    if (l)
        vn_say(l, VN_LOG_INFO, "%d tensors keep the network's own scale and zero point", t.own);
    if (l && t.other)
        vn_say(l, VN_LOG_WARNING,
               "%d tensors have none, or none that fits, and get theirs by calibration: %s%s", t.other,
               t.names, t.other > MOST_NAMES ? ", ..." : "");
    vn_arena_free(&work);
}
