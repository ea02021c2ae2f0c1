/* Levels that calibrators are asked for; the last resort against scales that are not finite and positive. */
#include <math.h>

#include "net.h"
#include "quant/params.h"
#include "quant/quant.h"

static void expect(float scale, const char *message)
{
    struct vn_err e;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "1x4");
    struct value *k = net_const(&n, "4", 0.5f, 1);
    const float scales[] = { 0.25f, scale };
    k->q = vn_qparam_new(n.arena, VN_I8, 0, 2, scales, NULL);
    k->threshold = 3;
    vn_graph_add_output(n.g, net_op(&n, &vn_op_add, NET_LIST(x, k)));
    vn_graph_index(n.g);
    const int status = vn_quantize_check(n.g, &e);
    assert_int_equal(status, message ? VN_E_INPUT : VN_OK);
    if (message && !strstr(e.msg, message))
        fail_msg("expected '%s' in '%s'", message, e.msg);
    vn_arena_free(&n.arena);
}

static void scales(void **state)
{
    (void)state;
    expect(0.5f, NULL);
    expect(0x1p-140f, NULL);
    expect(INFINITY,
           "test: tensor const0 cannot be quantized: scale inf of channel 1 is not finite and positive");
    expect(NAN, "is not finite and positive: its largest magnitude is 3");
    expect(0, "scale 0 of channel 1");
    expect(-1, "scale -1 of channel 1");
}

static void names_the_element(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = net_new();
    struct value *k = net_const(&n, "4", 0.5f, 1);
    const float infinite = INFINITY;
    ((float *)k->data->data)[2] = -INFINITY;
    k->q = vn_qparam_new(n.arena, VN_I8, -1, 1, &infinite, NULL);
    assert_int_equal(vn_quantize_check(n.g, &e), VN_E_INPUT);
    assert_non_null(strstr(e.msg, "element 2 of this constant is -inf"));
    vn_arena_free(&n.arena);
}

static int asked; /* for so many levels */

static double ask(const struct histogram *h, double parameter, int levels)
{
    (void)h, (void)parameter;
    asked = levels;
    return 1;
}

static void expect_levels(float lo, float hi, enum zero_points zp, int levels)
{
    static const struct calibrator c = { "ask", "", ask };
    const struct histogram h = { .count = 2, .min = lo, .max = hi };
    const struct vn_quant_method m = { .calibrator = &c, .zero_points = zp };
    vn_quant_range(&h, &m, 0);
    assert_int_equal(asked, levels);
}

/* 255 between both ends, so many from zero to the further one. */
static void levels(void **state)
{
    (void)state;
    expect_levels(0, 4, ZERO_POINTS_SKEWED, 255);
    expect_levels(-4, 0, ZERO_POINTS_SKEWED, 255);
    expect_levels(-4, -1, ZERO_POINTS_ASYMMETRIC, 255);
    expect_levels(-1, 4, ZERO_POINTS_SKEWED, 189); /* 255 / 1.35 */
    expect_levels(-4, 1, ZERO_POINTS_ASYMMETRIC, 189);
    expect_levels(-3, 4, ZERO_POINTS_SKEWED, 127);
    expect_levels(0, 4, ZERO_POINTS_SYMMETRIC, 127);
    expect_levels(-4, 4, ZERO_POINTS_ASYMMETRIC, 128);
    expect_levels(0, 0, ZERO_POINTS_ASYMMETRIC, 127);
}

/* Of int16, in units of the largest magnitude seen. */
static double reach(float middle)
{
    static const struct vn_quant_method m = { 0 };
    struct histogram h = { 0 };
    float x[1024];
    for (int i = 0; i < 1024; i++)
        x[i] = i ? middle : 1;
    assert_int_equal(vn_histogram_add(&h, x, 1024), VN_OK);
    return vn_quant_range(&h, &m, 1).threshold;
}

static void headroom(void **state)
{
    (void)state;
    assert_true(reach(0.1f) == 2);
    assert_true(reach(-0.1f) == 2);
    assert_true(reach(0.01f) == 1.6); /* the root of the mean square is 1/30 */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(scales), cmocka_unit_test(names_the_element),
                                        cmocka_unit_test(levels), cmocka_unit_test(headroom) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
