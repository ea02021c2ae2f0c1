/* graph/reason: ids, arguments, texts; and their way through an ONNX file. */
#include "front/onnx/onnx.h"
#include "graph/reason.h"
#include "net.h"

static void text_is_made_of_arguments(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    const struct vn_reason *r =
        vn_reason_new(a, REASON_march_limit, REASON_ARGS("bayes", "Conv", "kernel", "33", "1 to 31"));
    const char *const *args, *const whole = "march bayes limits Conv: kernel is 33, expected 1 to 31";
    char text[16];
    assert_string_equal(vn_reason_string(a, r), whole);
    assert_int_equal(vn_reason_text(text, sizeof text, r), (int)strlen(whole));
    assert_memory_equal(text, whole, 15);
    assert_int_equal(text[15], 0);
    assert_int_equal(vn_reason_args(r, &args), 5);
    assert_string_equal(args[3], "33");
    assert_string_equal(vn_reason_id(r), "march_limit");
    assert_non_null(vn_reason_remedy(r));
    vn_arena_free(&a);
}

static void equal_means_id_and_arguments(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    const struct vn_reason *r = vn_reason_new(a, REASON_input_type, REASON_ARGS("x", "int64"));
    assert_true(vn_reason_equal(r, vn_reason_new(a, REASON_input_type, REASON_ARGS("x", "int64"))));
    assert_false(vn_reason_equal(r, vn_reason_new(a, REASON_input_type, REASON_ARGS("y", "int64"))));
    assert_false(vn_reason_equal(r, vn_reason_new(a, REASON_output_type, REASON_ARGS("x", "int64"))));
    vn_arena_free(&a);
}

static void files_are_not_trusted(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    const char *const two[] = { "x", "int64" };
    assert_int_equal(vn_reason_parse(a, "input_type", 2, two, "text")->id, REASON_input_type);
    assert_int_equal(vn_reason_parse(a, "input_type", 1, two, "text")->id, REASON_other);
    assert_int_equal(vn_reason_parse(a, "misfit", 0, NULL, "text")->id, REASON_other); /* a problem's */
    assert_int_equal(vn_reason_parse(a, "none", 0, NULL, "text")->id, REASON_other);
    const struct vn_reason *later = vn_reason_parse(a, "of tomorrow", 2, two, "100 %s of it");
    assert_string_equal(vn_reason_string(a, later), "100 %s of it");
    assert_string_equal(vn_reason_string(a, vn_reason_parse(a, NULL, 0, NULL, "text")), "text");
    vn_arena_free(&a);
}

static void a_file_keeps_ids_and_arguments(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "1x4"), *y = net_op(&n, &vn_op_relu, NET_LIST(x));
    const uint8_t *data;
    size_t bytes;
    struct graph *back;
    struct vn_err e;
    net_output(&n, y);
    net_prepare(&n);
    y->producer->why_float = vn_reason_new(n.arena, REASON_march_float, REASON_ARGS("a march", "Relu"));
    OK(vn_onnx_write_memory(&data, &bytes, n.arena, n.g, NULL, &e));
    OK(vn_onnx_read_memory(&back, n.arena, data, bytes, "test", NULL, &e));
    assert_int_equal(back->nodes.n, 1);
    assert_non_null(back->nodes.v[0]->why_float);
    assert_true(vn_reason_equal(back->nodes.v[0]->why_float, y->producer->why_float));
    vn_arena_free(&n.arena);
}

static void errors_carry_an_id(void **state)
{
    (void)state;
    struct vn_err e;
    assert_int_equal(vn_because(&e, REASON_misfit, vn_fail(&e, VN_E_INPUT, "5 rows")), VN_E_INPUT);
    assert_string_equal(vn_problem_id(&e), "misfit");
    vn_fail_at(&e, "m.onnx");
    assert_string_equal(e.msg, "m.onnx: 5 rows");
    assert_string_equal(vn_problem_id(&e), "misfit");
    assert_non_null(vn_problem_remedy(&e));
    vn_fail(&e, VN_E_INPUT, "something else");
    assert_null(vn_problem_id(&e));
    assert_null(vn_problem_remedy(&e));
    assert_int_equal(vn_because(NULL, REASON_misfit, VN_E_INPUT), VN_E_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_made_of_arguments), cmocka_unit_test(equal_means_id_and_arguments),
        cmocka_unit_test(files_are_not_trusted),     cmocka_unit_test(a_file_keeps_ids_and_arguments),
        cmocka_unit_test(errors_carry_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
