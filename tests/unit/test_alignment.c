/* vernier/align.h: what the command does not reach. */
#include <vernier/align.h>

#include "unit.h"

static void mistakes(void **state)
{
    (void)state;
    struct vn_align_options o;
    struct vn_alignment *r;
    struct vn_err e = { 0 };
    vn_align_options_default(&o);
    assert_int_equal(vn_align(&r, &o, &e), VN_E_USAGE);
    assert_null(r);
    o.left = o.right = "/nowhere";
    assert_int_equal(vn_align(&r, &o, &e), VN_E_INPUT);
    assert_non_null(strstr(e.msg, "/nowhere"));
    o.tolerance = 1;
    assert_int_equal(vn_align(&r, &o, &e), VN_E_USAGE);
    o.tolerance = NAN;
    assert_int_equal(vn_align(&r, &o, &e), VN_E_USAGE);
    o.tolerance = -1;
    o.sides = VN_ALIGN_CONFIG;
    assert_int_equal(vn_align(&r, &o, &e), VN_E_USAGE);
    vn_alignment_free(&r);
    vn_alignment_free(NULL);
}

static void descriptions_fail_by_name(void **state)
{
    (void)state;
    struct vn_description *d;
    struct vn_err e = { 0 };
    assert_int_equal(vn_describe(&d, "/nowhere", NULL, 0, &e), VN_E_INPUT);
    assert_null(d);
    assert_non_null(strstr(e.msg, "/nowhere"));
    vn_description_free(&d);
}

static void causes_end(void **state)
{
    (void)state;
    const char *name, *seen_in, *setting;
    int n = 0;
    while (vn_align_known_cause(n, &name, &seen_in, &setting))
        n++;
    assert_true(n > 10);
    assert_false(vn_align_known_cause(-1, &name, &seen_in, &setting));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(mistakes),
                                        cmocka_unit_test(descriptions_fail_by_name),
                                        cmocka_unit_test(causes_end) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
