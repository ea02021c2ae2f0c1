/* COCO's average precision of boxes that are matched already. */
#include "eval/average_precision.h"
#include "unit.h"

/* Class 0 has two truths, class 1 one, class 2 none; every sample counts `times` times. */
static double measure(int times)
{
    struct counted_box box[] = {
        { 0, 0.7, 1, times, 0 }, { 2, 0.99, 0, times, 1 }, { 0, 0.9, 1, times, 2 }, { 0, 0.8, 0, times, 3 }
    };
    struct counted_box truth[] = { { 1, 0, 0, times, 0 }, { 0, 0, 0, times, 1 }, { 0, 0, 0, times, 2 } };
    return vn_average_precision(box, 4, truth, 3);
}

static void classes_count_alike(void **state)
{
    (void)state;
    const double first = (51 + 50 * 2.0 / 3) / 101; /* recalls 0 to 0.5: precision 1; then 2 of 3 */
    assert_true(fabs(measure(1) - 100 * first / 2) < 1e-9);
    assert_true(fabs(measure(3) - 100 * first / 2) < 1e-9);
}

static void all_or_nothing(void **state)
{
    (void)state;
    struct counted_box box[] = { { 0, 0.5, 1, 1, 0 } }, truth[] = { { 0, 0.5, 0, 1, 0 } };
    assert_true(vn_average_precision(box, 1, truth, 1) == 100);
    assert_true(vn_average_precision(box, 0, truth, 1) == 0);
    assert_true(vn_average_precision(box, 1, truth, 0) == 0);
    assert_true(vn_average_precision(box, 0, truth, 0) == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_count_alike),
        cmocka_unit_test(all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
