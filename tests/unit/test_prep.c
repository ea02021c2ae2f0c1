/* vernier/prep.h: what the command does not reach. */
#include <vernier/prep.h>

#include "unit.h"

static void pipeline_alone(void **state)
{
    (void)state;
    struct vn_prep_options o;
    struct vn_prepared *p;
    struct vn_err e = { 0 };
    int n = -1;
    vn_prep_options_default(&o);
    o.pipeline = "resize 8 6";
    OK(vn_prep(&p, &o, &e));
    assert_non_null(strstr(vn_prep_pipeline(p), "size: [8, 6]"));
    vn_prep_files(p, &n);
    assert_int_equal(n, 0);
    vn_prep_free(&p);
    assert_null(p);
    vn_prep_free(&p);
    vn_prep_free(NULL);
}

static void mistakes(void **state)
{
    (void)state;
    struct vn_prep_options o;
    struct vn_prepared *p;
    struct vn_err e = { 0 };
    vn_prep_options_default(&o);
    o.folder = "/nowhere";
    assert_int_equal(vn_prep(&p, &o, &e), VN_E_USAGE);
    assert_null(p);
    o.output_dir = "/nowhere/too";
    assert_int_equal(vn_prep(&p, &o, &e), VN_E_INPUT);
    assert_non_null(strstr(e.msg, "/nowhere"));
    o.pipeline = "resice 3";
    assert_int_equal(vn_prep(&p, &o, &e), VN_E_INPUT);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(pipeline_alone), cmocka_unit_test(mistakes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
