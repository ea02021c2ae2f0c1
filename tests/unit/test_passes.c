/* passes/: a small graph before and after each rewrite computes the same in the reference executor. */
#include "net.h"

#define FLOAT_ROUNDING 1e-5 /* weights are rounded to float32 again when something is folded into them */

/* Prepare, apply the pass to a copy, compare; returns the copy. */
static struct graph *applied(struct net *n, const char *pass, int want_changes)
{
    net_prepare(n);
    struct graph *copy = vn_graph_clone(n->arena, n->g);
    assert_int_equal(net_pass(copy, pass), want_changes);
    net_same(n, n->g, copy, FLOAT_ROUNDING);
    return copy;
}

static struct value *batchnorm(struct net *n, struct value *x, const char *channels)
{
    struct value *y = net_op(n, &vn_op_batchnormalization,
                             NET_LIST(x, net_const(n, channels, -2, 2), net_const(n, channels, -1, 1),
                                      net_const(n, channels, -1, 1), net_const(n, channels, 0.01f, 3)));
    ((struct bn_attrs *)y->producer->attrs)->epsilon = 1e-3f;
    return y;
}

/* ---- pair_variadic ---- */

static void many_inputs_become_pairs(void **state)
{
    (void)state;
    const struct op_def *ops[] = { &vn_op_sum, &vn_op_max, &vn_op_min };
    for (int i = 0; i < 3; i++) {
        struct net n = net_new();
        struct value *x = net_input(&n, "x", "1x3"), *y = net_input(&n, "y", "4x1"),
                     *z = net_input(&n, "z", "2x4x3");
        net_output(&n, net_op(&n, ops[i], NET_LIST(x, y, z, x)));
        net_output(&n, net_op(&n, ops[i], NET_LIST(x, y)));
        const struct graph *g = applied(&n, "pair_variadic", 1);
        assert_int_equal(g->nodes.n, 4);
        for (int k = 0; k < g->nodes.n; k++)
            assert_int_equal(g->nodes.v[k]->n_in, 2);
        vn_arena_free(&n.arena);
    }
}

/* ---- fold_batchnorm ---- */

static void conv_batchnorm(void **state)
{
    (void)state;
    for (int with_bias = 0; with_bias < 2; with_bias++)
        for (int groups = 1; groups <= 6; groups += groups) {
            if (groups == 4)
                groups = 6; /* 1, 2, 6 (depthwise) */
            struct net n = net_new();
            struct value *x = net_input(&n, "x", "2x6x5x7"),
                         *w = net_const(&n, vn_arena_fmt(n.arena, "12x%dx3x3", 6 / groups), -1, 1);
            struct value *y = with_bias ? net_op(&n, &vn_op_conv, NET_LIST(x, w, net_const(&n, "12", -1, 1)))
                                        : net_op(&n, &vn_op_conv, NET_LIST(x, w));
            ((struct conv_attrs *)y->producer->attrs)->group = groups;
            net_output(&n, batchnorm(&n, y, "12"));
            const struct graph *g = applied(&n, "fold_batchnorm", 1);
            assert_int_equal(g->nodes.n, 1);
            vn_arena_free(&n.arena);
        }
}

static void convtranspose_batchnorm(void **state)
{
    (void)state;
    for (int groups = 1; groups <= 3; groups++) {
        struct net n = net_new();
        struct value *x = net_input(&n, "x", "2x6x4x3"), *w = net_const(&n, "6x5x3x2", -1, 1);
        struct value *y = net_op(&n, &vn_op_convtranspose, NET_LIST(x, w));
        struct convt_attrs *a = y->producer->attrs;
        a->group = groups;
        a->strides = NET_INTS(&n, 2, 3);
        net_output(&n, batchnorm(&n, y, vn_arena_fmt(n.arena, "%d", 5 * groups)));
        assert_int_equal(applied(&n, "fold_batchnorm", 1)->nodes.n, 1);
        vn_arena_free(&n.arena);
    }
}

static void gemm_batchnorm(void **state)
{
    (void)state;
    for (int trans = 0; trans < 2; trans++)
        for (int with_bias = 0; with_bias < 2; with_bias++) {
            struct net n = net_new();
            struct value *x = net_input(&n, "x", "3x5"), *w = net_const(&n, trans ? "8x5" : "5x8", -1, 1);
            struct value *y = with_bias ? net_op(&n, &vn_op_gemm, NET_LIST(x, w, net_const(&n, "8", -1, 1)))
                                        : net_op(&n, &vn_op_gemm, NET_LIST(x, w));
            struct gemm_attrs *a = y->producer->attrs;
            a->trans_b = trans;
            a->alpha = 0.5f;
            net_output(&n, batchnorm(&n, y, "8"));
            assert_int_equal(applied(&n, "fold_batchnorm", 1)->nodes.n, 1);
            vn_arena_free(&n.arena);
        }
}

static void batchnorm_stays_where_others_read(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *y =
        net_op(&n, &vn_op_conv, NET_LIST(net_input(&n, "x", "1x3x4x4"), net_const(&n, "4x3x1x1", -1, 1)));
    net_output(&n, batchnorm(&n, y, "4"));
    net_output(&n, net_op(&n, &vn_op_relu, NET_LIST(y)));
    applied(&n, "fold_batchnorm", 0);
    vn_arena_free(&n.arena);
}

/* ---- fold_affine ---- */

static void bias_variants(void **state)
{
    (void)state;
    static const struct {
        const char *constant;
        int conv, with_bias, swap, folds;
    } cases[] = {
        { "1x4x1x1", 1, 0, 0, 1 },
        { "4x1x1", 1, 1, 1, 1 },
        { "1", 1, 1, 0, 1 },
        { "1x1x1x1", 1, 0, 1, 1 },
        { "4", 1, 0, 0, 0 } /* along the width */,
        { "1x4x4x4", 1, 0, 0, 0 },
        { "4", 0, 1, 0, 1 },
        { "1x4", 0, 0, 1, 1 },
        { "2x4", 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net n = net_new();
        struct value *x = cases[i].conv ? net_input(&n, "x", "2x3x4x4") : net_input(&n, "x", "2x3");
        struct value *w = net_const(&n, cases[i].conv ? "4x3x1x1" : "3x4", -1, 1),
                     *b = net_const(&n, "4", -1, 1), *c = net_const(&n, cases[i].constant, -3, 3);
        const struct op_def *op = cases[i].conv ? &vn_op_conv : &vn_op_gemm;
        struct value *y =
            cases[i].with_bias ? net_op(&n, op, NET_LIST(x, w, b)) : net_op(&n, op, NET_LIST(x, w));
        net_output(&n, cases[i].swap ? net_op(&n, &vn_op_add, NET_LIST(c, y))
                                     : net_op(&n, &vn_op_add, NET_LIST(y, c)));
        assert_int_equal(applied(&n, "fold_affine", cases[i].folds)->nodes.n, 2 - cases[i].folds);
        vn_arena_free(&n.arena);
    }
}

/* ---- fold_pad ---- */

static struct value *padded(struct net *n, struct value *x, const int64_t *pads, float value)
{
    struct value *amounts =
        vn_graph_const_i64(n->g, vn_arena_fmt(n->arena, "pads%d", n->names++), 2 * x->shape.rank, pads);
    return net_op(n, &vn_op_pad, NET_LIST(x, amounts, net_const(n, "1", value, value)));
}

static void pad_conv(void **state)
{
    (void)state;
    static const struct {
        int64_t pads[8];
        float value;
        int folds;
    } cases[] = {
        { { 0, 0, 0, 0, 0, 0, 1, 1 }, 0, 1 },  { { 0, 0, 2, 1, 0, 0, 0, 3 }, 0, 1 },
        { { 0, 0, 1, 1, 0, 0, 1, 1 }, 1, 0 },  { { 0, 1, 1, 1, 0, 0, 1, 1 }, 0, 0 },
        { { 0, 0, -1, 1, 0, 0, 1, 1 }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net n = net_new();
        struct value *x = net_input(&n, "x", "1x3x6x6"), *p = padded(&n, x, cases[i].pads, cases[i].value);
        struct value *y = net_op(&n, &vn_op_conv,
                                 NET_LIST(p, net_const(&n, cases[i].pads[1] ? "4x4x3x3" : "4x3x3x3", -1, 1)));
        ((struct conv_attrs *)y->producer->attrs)->pads = NET_INTS(&n, 1, 0, 0, 2);
        net_output(&n, y);
        assert_int_equal(applied(&n, "fold_pad", cases[i].folds)->nodes.n, 2 - cases[i].folds);
        vn_arena_free(&n.arena);
    }
}

/* ---- remove_identity ---- */

static void identity_inside(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "2x3x4");
    struct value *a = net_op(&n, &vn_op_identity, NET_LIST(net_op(&n, &vn_op_dropout, NET_LIST(x))));
    struct value *t = net_op(&n, &vn_op_transpose, NET_LIST(net_op(&n, &vn_op_relu, NET_LIST(a))));
    ((struct perm_attrs *)t->producer->attrs)->perm = NET_INTS(&n, 0, 1, 2);
    net_output(&n, net_op(&n, &vn_op_sigmoid, NET_LIST(t)));
    const struct graph *g = applied(&n, "remove_identity", 3);
    assert_int_equal(g->nodes.n, 2);
    vn_arena_free(&n.arena);
}

static void identity_at_outputs(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "2x3");
    struct value *r = net_op(&n, &vn_op_relu, NET_LIST(x));
    net_output(&n, net_op(&n, &vn_op_identity, NET_LIST(x))); /* input to output: must stay */
    net_output(&n, net_op(&n, &vn_op_identity,
                          NET_LIST(net_op(&n, &vn_op_sigmoid, NET_LIST(r))))); /* takes the output's name */
    net_output(&n, r);
    net_output(&n, net_op(&n, &vn_op_dropout, NET_LIST(r))); /* one tensor, two outputs: must stay */
    const struct graph *g = applied(&n, "remove_identity", 1);
    assert_int_equal(net_count(g, &vn_op_identity), 1);
    assert_int_equal(net_count(g, &vn_op_dropout), 1);
    vn_arena_free(&n.arena);
}

static void transposes_that_move_stay(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *t = net_op(&n, &vn_op_transpose, NET_LIST(net_input(&n, "x", "3x3x3")));
    ((struct perm_attrs *)t->producer->attrs)->perm = NET_INTS(&n, 0, 2, 1);
    net_output(&n, net_op(&n, &vn_op_relu, NET_LIST(t)));
    applied(&n, "remove_identity", 0);
    vn_arena_free(&n.arena);
}

/* Cropping on one side and padding on the other keeps the shape and moves the elements. */
static void shifting_pad_stays(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *p = padded(&n, net_input(&n, "x", "2x5"), (int64_t[]){ 0, 1, 0, -1 }, 0);
    net_output(&n, net_op(&n, &vn_op_relu, NET_LIST(p)));
    applied(&n, "remove_identity", 0);
    vn_arena_free(&n.arena);
}

/* ---- fold_constants, dead_code ---- */

/* Reshape(x, Concat(Slice(Shape(x)), [-1])): what exporters write for flatten. */
static void shape_arithmetic(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "2x3x4x5"), *s = net_op(&n, &vn_op_shape, NET_LIST(x));
    const int64_t zero = 0, two = 2, rest = -1;
    struct value *slice = net_op(
        &n, &vn_op_slice,
        NET_LIST(s, vn_graph_const_i64(n.g, "from", 1, &zero), vn_graph_const_i64(n.g, "to", 1, &two)));
    struct value *target =
        net_op(&n, &vn_op_concat, NET_LIST(slice, vn_graph_const_i64(n.g, "rest", 1, &rest)));
    ((struct axis_attrs *)target->producer->attrs)->axis = 0;
    struct value *c =
        net_op(&n, &vn_op_mul, NET_LIST(net_const(&n, "1x3x1", -1, 1), net_const(&n, "1x3x1", -1, 1)));
    struct value *r = net_op(&n, &vn_op_reshape, NET_LIST(x, target));
    net_output(&n, net_op(&n, &vn_op_add, NET_LIST(r, c)));
    net_prepare(&n);
    assert_int_equal(n.g->nodes.n, 2); /* Reshape, Add */
    const struct vn_shape want = net_shape("2x3x20");
    assert_true(vn_shape_equal(&n.g->outputs.v[0]->shape, &want));
    struct vn_err e;
    struct vn_tensor *y;
    const struct vn_tensor **in = net_feed(&n, n.g);
    OK(vn_interp_run(n.arena, n.g, in, &y, NULL, &e));
    for (int i = 0; i < 120; i++) {
        const double k = vn_tensor_f64(c->data, i / 20 % 3);
        assert_true(fabs(vn_tensor_f64(y, i) - (vn_tensor_f64(in[0], i) + k)) < 1e-6);
    }
    vn_arena_free(&n.arena);
}

static void dead_nodes_go(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "2x3"), *y = net_op(&n, &vn_op_relu, NET_LIST(x));
    net_op(&n, &vn_op_sigmoid, NET_LIST(net_op(&n, &vn_op_tanh, NET_LIST(y))));
    net_output(&n, y);
    assert_int_equal(applied(&n, "dead_code", 2)->nodes.n, 1);
    vn_arena_free(&n.arena);
}

/* ---- patterns ---- */

/* x * Sigmoid(x), or with `other` beside it; operands in either order. */
static void swish_is_found(void **state)
{
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++)
        for (int other = 0; other < 3; other++) { /* none, a second reader, an output inside */
            struct net n = net_new();
            struct value *x = net_input(&n, "x", "2x3"), *s = net_op(&n, &vn_op_sigmoid, NET_LIST(x));
            net_output(&n, swapped ? net_op(&n, &vn_op_mul, NET_LIST(s, x))
                                   : net_op(&n, &vn_op_mul, NET_LIST(x, s)));
            if (other)
                net_output(&n, other == 1 ? net_op(&n, &vn_op_relu, NET_LIST(s)) : s);
            const struct graph *g = applied(&n, "fuse_swish", !other);
            assert_int_equal(net_count(g, &vn_op_swish), !other);
            assert_int_equal(g->folded.n, !other);
            vn_arena_free(&n.arena);
        }
}

/* A pattern of two commutative nodes where the first order that fits inside is the wrong one outside. */
static void matching_goes_back(void **state)
{
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        struct net n = net_new();
        struct value *x = net_input(&n, "x", "2x3"), *three = net_const(&n, "1", 3, 3),
                     *six = net_const(&n, "1", 6, 6), *zero = net_const(&n, "1", 0, 0);
        struct value *a =
            swapped ? net_op(&n, &vn_op_add, NET_LIST(three, x)) : net_op(&n, &vn_op_add, NET_LIST(x, three));
        struct value *c = net_op(&n, &vn_op_clip, NET_LIST(a, zero, six));
        struct value *m =
            swapped ? net_op(&n, &vn_op_mul, NET_LIST(c, x)) : net_op(&n, &vn_op_mul, NET_LIST(x, c));
        net_output(&n, net_op(&n, &vn_op_div, NET_LIST(m, six)));
        assert_int_equal(net_count(applied(&n, "fuse_hardswish", 1), &vn_op_hardswish), 1);
        vn_arena_free(&n.arena);
    }
}

/* The factor behind a product of activations: into the weights of the one, else of the other, else in front
 * of the smaller operand. */
static void factors_rise(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct net n = net_new();
        struct value *x = net_input(&n, "x", "1x8x4"), *t = net_op(&n, &vn_op_tanh, NET_LIST(x));
        struct value *weighted = net_op(&n, &vn_op_matmul, NET_LIST(x, net_const(&n, "4x4", -1, 1)));
        struct value *q = way == 0 ? weighted : t,
                     *k = net_op(&n, &vn_op_transpose,
                                 NET_LIST(way == 1 ? weighted : net_op(&n, &vn_op_sin, NET_LIST(x))));
        ((struct perm_attrs *)k->producer->attrs)->perm = NET_INTS(&n, 0, 2, 1);
        net_output(
            &n, net_op(&n, &vn_op_mul,
                       NET_LIST(net_op(&n, &vn_op_matmul, NET_LIST(q, k)), net_const(&n, "1", 0.5f, 0.5f))));
        const struct graph *g = applied(&n, "raise_scale", 1);
        assert_int_equal(net_count(g, &vn_op_mul), way == 2);
        vn_arena_free(&n.arena);
    }
}

/* ---- all of them ---- */

static void all_passes_together(void **state)
{
    (void)state;
    struct net n = net_new();
    struct vn_err e;
    struct value *x = net_input(&n, "x", "1x3x9x9");
    struct value *p = padded(&n, x, (int64_t[]){ 0, 0, 1, 1, 0, 0, 1, 1 }, 0);
    struct value *c =
        batchnorm(&n, net_op(&n, &vn_op_conv, NET_LIST(p, net_const(&n, "8x3x3x3", -1, 1))), "8");
    struct value *r = net_op(&n, &vn_op_relu, NET_LIST(net_op(&n, &vn_op_identity, NET_LIST(c))));
    struct value *d = net_op(&n, &vn_op_conv, NET_LIST(r, net_const(&n, "8x1x3x3", -1, 1)));
    struct conv_attrs *a = d->producer->attrs;
    a->group = 8;
    a->pads = NET_INTS(&n, 1, 1, 1, 1);
    struct value *b = net_op(&n, &vn_op_add, NET_LIST(net_const(&n, "8x1x1", -1, 1), d));
    struct value *s = net_op(&n, &vn_op_add, NET_LIST(r, batchnorm(&n, b, "8")));
    net_output(&n, net_op(&n, &vn_op_identity, NET_LIST(net_op(&n, &vn_op_globalaveragepool, NET_LIST(s)))));
    net_prepare(&n);
    struct graph *g = vn_graph_clone(n.arena, n.g);
    struct pass_report *report = NEW_ARRAY(n.arena, struct pass_report, vn_passes_count);
    OK(vn_passes_optimize(g, report, &e));
    net_same(&n, n.g, g, FLOAT_ROUNDING);
    assert_int_equal(g->nodes.n, 5); /* Conv, Relu, Conv, Add, GlobalAveragePool */
    vn_arena_free(&n.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_inputs_become_pairs),
        cmocka_unit_test(conv_batchnorm),
        cmocka_unit_test(convtranspose_batchnorm),
        cmocka_unit_test(gemm_batchnorm),
        cmocka_unit_test(batchnorm_stays_where_others_read),
        cmocka_unit_test(bias_variants),
        cmocka_unit_test(pad_conv),
        cmocka_unit_test(identity_inside),
        cmocka_unit_test(identity_at_outputs),
        cmocka_unit_test(transposes_that_move_stay),
        cmocka_unit_test(shifting_pad_stays),
        cmocka_unit_test(shape_arithmetic),
        cmocka_unit_test(dead_nodes_go),
        cmocka_unit_test(swish_is_found),
        cmocka_unit_test(matching_goes_back),
        cmocka_unit_test(factors_rise),
        cmocka_unit_test(all_passes_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
