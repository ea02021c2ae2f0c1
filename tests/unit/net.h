/* tests/unit/net.h - small graphs for tests, built by hand. */
#ifndef VN_UNIT_NET_H
#define VN_UNIT_NET_H

#include "interp/interp.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "unit.h"

struct net {
    struct vn_arena *arena;
    struct graph *g;
    int names;
};

static inline struct net net_new(void)
{
    struct net n = { .arena = vn_arena_new() };
    n.g = vn_graph_new(n.arena, "test");
    n.g->source = "test";
    return n;
}

static inline struct vn_shape net_shape(const char *text)
{
    struct vn_shape s = { 0 };
    struct vn_err e;
    OK(vn_shape_parse(&s, text, &e));
    return s;
}

static inline struct value *net_input(struct net *n, const char *name, const char *shape)
{
    const struct vn_shape s = net_shape(shape);
    struct value *v = vn_graph_value(n->g, name, VN_F32, &s);
    VEC_PUSH(n->arena, &n->g->inputs, v);
    return v;
}

/* A constant with values in [lo, hi). */
static inline struct value *net_const(struct net *n, const char *shape, float lo, float hi)
{
    const struct vn_shape s = net_shape(shape);
    struct vn_tensor *t = vn_tensor_new(n->arena, VN_F32, &s);
    for (int64_t i = 0; i < vn_shape_count(&s); i++)
        ((float *)t->data)[i] = lo + (hi - lo) * (0.5f + unit_real(0.5f));
    return vn_graph_const(n->g, vn_arena_fmt(n->arena, "const%d", n->names++), t);
}

#define NET_LIST(...) \
    (int)(sizeof((struct value *[]){ __VA_ARGS__ }) / sizeof(struct value *)), (struct value *[]) \
    { \
        __VA_ARGS__ \
    }
/* struct value *y = net_op(&n, &vn_op_add, NET_LIST(a, b)); attributes: y->producer->attrs */
static inline struct value *net_op(struct net *n, const struct op_def *op, int n_in, struct value **in)
{
    const struct vn_shape unknown = vn_shape_unknown();
    struct value *y =
        vn_graph_value(n->g, vn_arena_fmt(n->arena, "%s%d", op->name, n->names++), VN_F32, &unknown);
    vn_graph_node(n->g, op, vn_arena_fmt(n->arena, "node_%s", y->name), n_in, in, 1, &y);
    return y;
}

static inline struct ints net_ints(struct net *n, int count, const int64_t *v)
{
    return (struct ints){ count, vn_arena_copy(n->arena, v, (size_t)count * sizeof *v) };
}
#define NET_INTS(net, ...) \
    net_ints(net, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (int64_t[]){ __VA_ARGS__ })

static inline void net_output(struct net *n, struct value *v) { vn_graph_add_output(n->g, v); }

static inline void net_prepare(struct net *n)
{
    struct vn_err e;
    vn_graph_index(n->g);
    OK(vn_passes_prepare(n->g, &e));
}

/* Producers, users and outputs say what nodes and lists say. */
static inline void net_links(const struct graph *g)
{
    int uses = 0, outputs = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        for (int k = 0; k < n->n_out; k++)
            assert_true(!n->out[k] || (n->out[k]->producer == n && n->out[k]->port == k));
        for (int k = 0; k < n->n_in; k++) {
            int found = 0;
            for (int u = 0; n->in[k] && u < n->in[k]->users.n; u++)
                found += n->in[k]->users.v[u].node == n && n->in[k]->users.v[u].slot == k;
            assert_int_equal(found, n->in[k] != NULL);
            uses += found;
        }
    }
    for (int i = 0; i < g->outputs.n; i++)
        assert_true(vn_graph_is_output(g->outputs.v[i]));
    for (int i = 0; i < g->values.n; i++) {
        uses -= g->values.v[i]->users.n;
        outputs += g->values.v[i]->outputs;
    }
    assert_int_equal(uses, 0);
    assert_int_equal(outputs, g->outputs.n);
}

/* One pass of passes.def until it changes nothing; returns the changes it made. */
static inline int net_pass(struct graph *g, const char *name)
{
    struct vn_err e;
    int all = 0, now = 0;
    for (int i = 0; i < vn_passes_count; i++)
        if (!strcmp(vn_passes[i]->name, name)) {
            do {
                vn_graph_index(g);
                OK(now = vn_pass_run(vn_passes[i], g, &e));
                net_links(g);
                all += now;
            } while (now);
            vn_graph_index(g);
            OK(vn_graph_check(g, &e));
            return all;
        }
    fail_msg("no pass %s", name);
    return 0;
}

static inline int net_count(const struct graph *g, const struct op_def *op)
{
    int n = 0;
    for (int i = 0; i < g->nodes.n; i++)
        n += g->nodes.v[i]->op == op;
    return n;
}

static inline const struct vn_tensor **net_feed(struct net *n, const struct graph *g)
{
    const struct vn_tensor **in = NEW_ARRAY(n->arena, const struct vn_tensor *, g->inputs.n);
    for (int i = 0; i < g->inputs.n; i++) {
        struct vn_tensor *t = vn_tensor_new(n->arena, VN_F32, &g->inputs.v[i]->shape);
        for (int64_t k = 0; k < vn_shape_count(&t->shape); k++)
            ((float *)t->data)[k] = unit_real(2);
        in[i] = t;
    }
    return in;
}

/* Both graphs give the same outputs, by name and within `relative` of the largest magnitude. */
static inline void net_same(struct net *n, const struct graph *a, const struct graph *b, double relative)
{
    struct vn_err e;
    assert_int_equal(a->outputs.n, b->outputs.n);
    const struct vn_tensor **in = net_feed(n, a);
    struct vn_tensor **x = NEW_ARRAY(n->arena, struct vn_tensor *, a->outputs.n),
                     **y = NEW_ARRAY(n->arena, struct vn_tensor *, a->outputs.n);
    OK(vn_interp_run(n->arena, a, in, x, NULL, &e));
    OK(vn_interp_run(n->arena, b, in, y, NULL, &e));
    for (int i = 0; i < a->outputs.n; i++) {
        assert_string_equal(a->outputs.v[i]->name, b->outputs.v[i]->name);
        assert_true(vn_shape_equal(&x[i]->shape, &y[i]->shape));
        double most = 0, worst = 0;
        for (int64_t k = 0; k < vn_shape_count(&x[i]->shape); k++) {
            most = fmax(most, fabs(vn_tensor_f64(x[i], k)));
            worst = fmax(worst, fabs(vn_tensor_f64(x[i], k) - vn_tensor_f64(y[i], k)));
        }
        if (!(worst <= relative * most))
            fail_msg("output %s: difference %g where the largest value is %g", a->outputs.v[i]->name, worst,
                     most);
    }
}

#endif
