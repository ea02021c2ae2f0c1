/* graph/: the links between values and nodes stay exact while the graph is changed. */
#include "net.h"

/* x -> relu a -> add(a, a) -> output, and a is an output itself. */
static struct net twice(struct value **x, struct value **a, struct value **y)
{
    struct net n = net_new();
    *x = net_input(&n, "x", "2x3");
    *a = net_op(&n, &vn_op_relu, NET_LIST(*x));
    *y = net_op(&n, &vn_op_add, NET_LIST(*a, *a));
    net_output(&n, *a);
    net_output(&n, *y);
    net_links(n.g);
    return n;
}

static void new_nodes_are_users(void **state)
{
    struct value *x, *a, *y;
    struct net n = twice(&x, &a, &y);
    (void)state;
    assert_int_equal(x->users.n, 1);
    assert_ptr_equal(vn_graph_sole_user(x), a->producer);
    assert_int_equal(a->users.n, 2); /* one value in two slots */
    assert_int_not_equal(a->users.v[0].slot, a->users.v[1].slot);
    assert_int_equal(vn_graph_uses(a), 3);
    assert_null(vn_graph_sole_user(a));
    assert_null(vn_graph_sole_user(y)); /* an output only */
    assert_int_equal(vn_graph_uses(y), 1);
    vn_arena_free(&n.arena);
}

static void nodes_are_put_in_front_of_others(void **state)
{
    struct value *x, *a, *y, *b;
    struct net n = twice(&x, &a, &y);
    (void)state;
    b = vn_graph_value(n.g, "b", VN_F32, &x->shape);
    struct node *neg = vn_graph_node_before(n.g, a->producer, &vn_op_neg, "neg", 1, &x, 1, &b);
    assert_ptr_equal(n.g->nodes.v[0], neg);
    vn_graph_set_input(n.g, a->producer, 0, b);
    net_links(n.g);
    assert_ptr_equal(vn_graph_sole_user(x), neg);
    vn_arena_free(&n.arena);
}

static void replaced_values_have_no_users(void **state)
{
    struct value *x, *a, *y;
    for (int outputs_too = 0; outputs_too < 2; outputs_too++) {
        struct net n = twice(&x, &a, &y);
        vn_graph_replace(n.g, a, x, outputs_too);
        net_links(n.g);
        assert_int_equal(a->users.n, 0);
        assert_int_equal(vn_graph_is_output(a), !outputs_too);
        assert_int_equal(x->users.n, 3);
        assert_int_equal(x->outputs, outputs_too);
        vn_graph_replace(n.g, x, x, 1);
        net_links(n.g);
        vn_arena_free(&n.arena);
    }
    (void)state;
}

static void removed_nodes_are_no_users(void **state)
{
    struct value *x, *a, *y;
    struct net n = twice(&x, &a, &y);
    struct node *add = y->producer;
    (void)state;
    vn_graph_remove(n.g, add);
    net_links(n.g);
    assert_int_equal(n.g->nodes.n, 1);
    assert_null(y->producer);
    assert_int_equal(a->users.n, 0);
    vn_graph_remove(n.g, add); /* it is not there any more */
    assert_int_equal(n.g->nodes.n, 1);
    net_links(n.g);
    vn_arena_free(&n.arena);
}

static void inputs_are_set_one_by_one(void **state)
{
    struct value *x, *a, *y;
    struct net n = twice(&x, &a, &y);
    (void)state;
    vn_graph_set_input(n.g, y->producer, 1, x); /* the other slot keeps a */
    net_links(n.g);
    assert_int_equal(a->users.n, 1);
    assert_int_equal(a->users.v[0].slot, 0);
    vn_graph_set_input(n.g, y->producer, 3, a); /* slot 2 is left out */
    net_links(n.g);
    assert_int_equal(y->producer->n_in, 4);
    assert_null(y->producer->in[2]);
    vn_graph_set_input(n.g, y->producer, 3, NULL);
    net_links(n.g);
    assert_int_equal(a->users.n, 1);
    vn_arena_free(&n.arena);
}

static void outputs_change_their_producer(void **state)
{
    struct value *x, *a, *y;
    struct net n = twice(&x, &a, &y);
    struct node *relu = a->producer, *add = y->producer;
    (void)state;
    vn_graph_remove(n.g, add);
    vn_graph_set_output(relu, 0, y);
    net_links(n.g);
    assert_ptr_equal(y->producer, relu);
    assert_null(a->producer);
    vn_arena_free(&n.arena);
}

static void names_are_free_once_nothing_has_them(void **state)
{
    struct value *x, *a, *y;
    struct net n = twice(&x, &a, &y);
    (void)state;
    assert_string_equal(vn_graph_value(n.g, "x", VN_F32, NULL)->name, "x_1");
    assert_string_equal(vn_graph_value(n.g, "x", VN_F32, NULL)->name, "x_2");
    vn_graph_index(n.g); /* drops both */
    net_links(n.g);
    assert_null(vn_graph_find(n.g, "x_1"));
    assert_string_equal(vn_graph_value(n.g, "x", VN_F32, NULL)->name, "x_1");
    vn_arena_free(&n.arena);
}

static void copies_have_links_of_their_own(void **state)
{
    struct value *x, *a, *y;
    struct net n = twice(&x, &a, &y);
    (void)state;
    struct graph *copy = vn_graph_clone(n.arena, n.g);
    net_links(copy);
    net_links(n.g);
    vn_graph_remove(copy, copy->nodes.v[1]);
    net_links(copy);
    net_links(n.g);
    vn_arena_free(&n.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_nodes_are_users),
        cmocka_unit_test(nodes_are_put_in_front_of_others),
        cmocka_unit_test(replaced_values_have_no_users),
        cmocka_unit_test(removed_nodes_are_no_users),
        cmocka_unit_test(inputs_are_set_one_by_one),
        cmocka_unit_test(outputs_change_their_producer),
        cmocka_unit_test(names_are_free_once_nothing_has_them),
        cmocka_unit_test(copies_have_links_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
