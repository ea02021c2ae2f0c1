/* calib/: the histogram does not depend on order, and thresholds are where sorting says. */
#include "calib/calib.h"
#include "unit.h"

#define N 20000

static float *values(struct vn_arena *a, int kind)
{
    float *x = NEW_ARRAY(a, float, N);
    for (int i = 0; i < N; i++) {
        const float u = unit_real(1);
        x[i] = kind == 0   ? u * 7
               : kind == 1 ? u * u * u * 1000
               : kind == 2 ? ldexpf(u, unit_pick(-60, 20))
               : u > 0     ? u
                           : 0;
    }
    return x;
}

static void shuffle(float *x, int n)
{
    for (int i = n - 1; i > 0; i--) {
        const int k = unit_pick(0, i);
        const float t = x[i];
        x[i] = x[k];
        x[k] = t;
    }
}

static void add_in_pieces(struct histogram *h, const float *x, int n)
{
    memset(h, 0, sizeof *h);
    for (int at = 0; at < n;) {
        const int more = unit_pick(1, 3000), end = at + more < n ? at + more : n;
        assert_int_equal(vn_histogram_add(h, x + at, (size_t)(end - at)), VN_OK);
        at = end;
    }
}

static void order_does_not_matter(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct histogram *one = NEW(a, struct histogram), *two = NEW(a, struct histogram);
    for (int kind = 0; kind < 4; kind++) {
        float *x = values(a, kind);
        assert_int_equal(vn_histogram_add(memset(one, 0, sizeof *one), x, N), VN_OK);
        for (int round = 0; round < 20; round++) {
            shuffle(x, N);
            add_in_pieces(two, x, N);
            assert_memory_equal(one, two, sizeof *one);
        }
    }
    vn_arena_free(&a);
}

/* Growing ranges merge bins in pairs: every value lies in the bin that its final width gives. */
static void merged_bins_are_right(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct histogram *h = NEW(a, struct histogram);
    uint64_t *want = NEW_ARRAY(a, uint64_t, HISTOGRAM_BINS);
    for (int kind = 0; kind < 4; kind++) {
        float *x = values(a, kind), lo = x[0], hi = x[0];
        add_in_pieces(h, x, N);
        memset(want, 0, HISTOGRAM_BINS * sizeof *want);
        for (int i = 0; i < N; i++) {
            want[(int)floor(ldexp(fabs((double)x[i]), -h->exponent))]++;
            lo = fminf(lo, x[i]);
            hi = fmaxf(hi, x[i]);
        }
        assert_memory_equal(h->bin, want, HISTOGRAM_BINS * sizeof *want);
        assert_true(h->min == lo && h->max == hi && h->count == N);
        const double most = fmax(-lo, hi);
        assert_true(most < ldexp(HISTOGRAM_BINS, h->exponent) &&
                    most >= ldexp(HISTOGRAM_BINS / 2, h->exponent)); /* no wider than needed */
    }
    vn_arena_free(&a);
}

static int ascending(const void *x, const void *y)
{
    const float a = *(const float *)x, b = *(const float *)y;
    return a < b ? -1 : a > b;
}

/* NumPy's "inverted_cdf": the smallest value with at least a share p of all values at or below it. */
static void percentile_is_within_a_bin(void **state)
{
    (void)state;
    static const double shares[] = { 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99995, 1 };
    struct vn_arena *a = vn_arena_new();
    struct histogram *h = NEW(a, struct histogram);
    const struct calibrator *percentile = vn_calibrator_find("max-percentile"),
                            *max = vn_calibrator_find("max");
    for (int kind = 0; kind < 4; kind++) {
        float *x = values(a, kind);
        add_in_pieces(h, x, N);
        for (int i = 0; i < N; i++)
            x[i] = fabsf(x[i]);
        qsort(x, N, sizeof *x, ascending);
        for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
            const double want = x[(int)ceil(shares[i] * N) - 1],
                         got = percentile->threshold(h, shares[i], 127), bin = ldexp(1, h->exponent);
            assert_true(fabs(got - want) <= bin);
            assert_true(got <= x[N - 1]);
        }
        assert_true(max->threshold(h, 1, 127) == x[N - 1]);
    }
    vn_arena_free(&a);
}

static void ranges_need_no_bins(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct histogram *h = NEW(a, struct histogram), *r = NEW(a, struct histogram);
    for (int kind = 0; kind < 4; kind++) {
        const float *x = values(a, kind);
        for (int at = 0; at < N; at += 1000) {
            const size_t n = N - at < 1000 ? N - at : 1000;
            assert_int_equal(vn_histogram_add(h, x + at, n), VN_OK);
            assert_int_equal(vn_histogram_add_range(r, x + at, n), VN_OK);
            assert_true(h->count == r->count && h->min == r->min && h->max == r->max);
        }
    }
    vn_arena_free(&a);
}

static void odd_values(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct histogram *h = NEW(a, struct histogram);
    const float bad[] = { 1, INFINITY }, nan[] = { NAN }, zeros[] = { 0, -0.0f, 0 },
                big[] = { 3e38f, -3.4e38f, 1e-40f };
    assert_true(vn_histogram_add(h, bad, 2) < 0);
    memset(h, 0, sizeof *h);
    assert_true(vn_histogram_add(h, nan, 1) < 0);
    memset(h, 0, sizeof *h);
    assert_int_equal(vn_histogram_add(h, zeros, 3), VN_OK);
    assert_true(vn_calibrator_find("max")->threshold(h, 1, 127) == 0 && h->bin[0] == 3);
    assert_int_equal(vn_histogram_add(h, big, 3), VN_OK); /* from nothing to the largest floats */
    assert_true(h->count == 6 && h->bin[0] == 4);
    assert_true(vn_calibrator_find("max")->threshold(h, 1, 127) == (double)3.4e38f);
    assert_int_equal(vn_histogram_add(h, NULL, 0), VN_OK);
    assert_null(vn_calibrator_find("no such"));
    vn_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(merged_bins_are_right),
        cmocka_unit_test(percentile_is_within_a_bin),
        cmocka_unit_test(ranges_need_no_bins),
        cmocka_unit_test(odd_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
