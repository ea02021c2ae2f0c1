/* kernels/values, session/similarity: every level gives the numbers of C, and C those of plain loops. */
#include <vernier/runtime.h>

#include "kernels/kernels.h"
#include "kernels/values/value_kernels.h"
#include "session/session.h"
#include "session/similarity.h"
#include "unit.h"

enum { MOST = 300, ROUNDS = 400 };

static const uint32_t masks[] = { 0, VN_CPU_AVX2, VN_CPU_AVX2 | VN_CPU_AVX512 };
enum { LEVELS = sizeof masks / sizeof *masks };

static const struct vn_value_kernels *level(int i)
{
    return vn_value_kernels_for(masks[i] & vn_kernels_cpu());
}

static void fill(float *x, int n)
{
    for (int i = 0; i < n; i++) {
        const float u = unit_real(100);
        x[i] = unit_pick(0, 9) ? u : unit_pick(0, 1) ? 0.0f : ldexpf(u, unit_pick(-60, 60));
    }
}

/* Every level, tails and unaligned starts included. */
static void extremes_are_right(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        float x[MOST], lo = INFINITY, hi = -INFINITY, got[2];
        const int n = unit_pick(1, MOST - 4), at = unit_pick(0, 3), odd = unit_pick(0, 3);
        fill(x, MOST);
        for (int i = at; i < at + n; i++) {
            lo = fminf(lo, x[i]);
            hi = fmaxf(hi, x[i]);
        }
        if (!odd)
            x[at + unit_pick(0, n - 1)] = (float[]){ INFINITY, -INFINITY, NAN, -NAN }[unit_pick(0, 3)];
        for (int l = 0; l < LEVELS; l++) {
            assert_int_equal(level(l)->extremes(&got[0], &got[1], x + at, (size_t)n), odd != 0);
            assert_true(!odd || (got[0] == lo && got[1] == hi));
        }
    }
}

static int64_t zeros_of(const struct vn_differences *d)
{
    int64_t n = 0;
    for (int k = 0; k < VN_SUM_LANES; k++)
        n += d->zeros[k];
    return n;
}

static void lanes_are_right(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        float x[MOST], y[MOST];
        struct vn_products p = { 0 };
        struct vn_differences d = { 0 };
        struct vn_moments m = { 0 };
        double sum[VN_SUM_LANES] = { 0 };
        const int n = unit_pick(0, MOST), first = unit_pick(0, n / VN_SUM_LANES) * VN_SUM_LANES;
        fill(x, MOST);
        fill(y, MOST);
        for (int i = 0; i < n; i++) {
            const double a = x[i], b = y[i], off = fabs(a - b);
            const int k = i % VN_SUM_LANES;
            sum[k] += a;
            m.squares[k] += a * a;
            p.xy[k] += a * b;
            p.xx[k] += a * a;
            p.yy[k] += b * b;
            d.sum[k] += off;
            d.squares[k] += off * off;
            d.most[k] = fmax(d.most[k], off);
            d.zeros[k] += a == 0;
        }
        memcpy(m.sum, sum, sizeof sum);
        for (int l = 0; l < LEVELS; l++) { /* in two calls */
            struct vn_products gp = { 0 };
            struct vn_differences gd = { 0 };
            struct vn_moments gm = { 0 };
            double gs[VN_SUM_LANES] = { 0 }, steps[VN_SUM_LANES] = { 0 };
            for (int part = 0; part < 2; part++) {
                const int at = part ? first : 0;
                const size_t count = (size_t)(part ? n - first : first);
                level(l)->add(gs, x + at, count);
                level(l)->add_moments(&gm, x + at, count);
                level(l)->add_steps(steps, x + at, y + at, count);
                level(l)->add_products(&gp, x + at, y + at, count);
                level(l)->add_differences(&gd, x + at, y + at, count);
            }
            assert_memory_equal(&gm, &m, sizeof m);
            assert_memory_equal(steps, d.sum, sizeof steps);
            assert_int_equal(zeros_of(&gd), zeros_of(&d));
            memcpy(gd.zeros, d.zeros, sizeof gd.zeros); /* only their sum is defined */
            assert_memory_equal(gs, sum, sizeof sum);
            assert_memory_equal(&gp, &p, sizeof p);
            assert_memory_equal(&gd, &d, sizeof d);
        }
    }
}

static void rows_and_bins_are_right(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        float x[MOST], real[MOST];
        int16_t bin[MOST + 1], wide[MOST];
        int8_t q[MOST];
        const int channels = unit_pick(1, 40), rows = unit_pick(0, MOST / channels), n = rows * channels;
        const int zero = unit_pick(-128, 127);
        const float scale = fabsf(unit_real(1)), inverse = 163.0f;
        double want[40] = { 0 };
        for (int i = 0; i < MOST; i++) {
            x[i] = unit_real(100);
            q[i] = (int8_t)unit_pick(-128, 127);
            wide[i] = (int16_t)unit_pick(-32768, 32767);
        }
        for (int i = 0; i < n; i++)
            want[i % channels] += (double)x[i];
        for (int l = 0; l < LEVELS; l++) {
            double sum[40] = { 0 };
            level(l)->add_rows(sum, x, (size_t)rows, (size_t)channels);
            assert_memory_equal(sum, want, sizeof sum);
            float top[40] = { 0 };
            level(l)->raise_rows(top, x, (size_t)rows, (size_t)channels);
            for (int c = 0; c < channels; c++) {
                float most = 0;
                for (int i = c; i < rows * channels; i += channels)
                    most = fmaxf(most, fabsf(x[i]));
                assert_true(top[c] == most);
            }
            bin[n] = 77;
            level(l)->bins(bin, x, inverse, (size_t)n);
            assert_int_equal(bin[n], 77);
            for (int i = 0; i < n; i++)
                assert_int_equal(bin[i], (int)(fabsf(x[i]) * inverse));
            level(l)->real_s8(real, q, zero, scale, (size_t)n);
            for (int i = 0; i < n; i++)
                assert_true(real[i] == (float)(q[i] - zero) * scale);
            level(l)->real_s16(real, wide, zero, scale, (size_t)n);
            for (int i = 0; i < n; i++)
                assert_true(real[i] == (float)(wide[i] - zero) * scale);
        }
    }
}

static void counts_are_added(void **state)
{
    (void)state;
    for (int n = 0; n <= 40; n++)
        for (int l = 0; l < LEVELS; l++) {
            uint64_t sum[41];
            uint32_t counts[41];
            for (int i = 0; i < 41; i++) {
                sum[i] = (uint64_t)i << 40;
                counts[i] = UINT32_MAX - (uint32_t)i;
            }
            level(l)->add_counts(sum, counts, (size_t)n);
            for (int i = 0; i < 41; i++)
                assert_true(sum[i] == ((uint64_t)i << 40) + (i < n ? counts[i] : 0));
        }
}

/* Against long double; the cosine alone is the same number. */
static void similarity_is_right(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        float x[MOST], y[MOST];
        const int n = unit_pick(1, MOST);
        long double xy = 0, xx = 0, yy = 0, squares = 0, sum = 0;
        double most = 0;
        for (int i = 0; i < n; i++) {
            x[i] = unit_pick(0, 3) ? unit_real(5) : 0;
            y[i] = x[i] + unit_real(0.5f);
            const long double a = x[i], b = y[i];
            xy += a * b;
            xx += a * a;
            yy += b * b;
            sum += fabsl(a - b);
            squares += (a - b) * (a - b);
            most = fmax(most, fabs((double)x[i] - (double)y[i]));
        }
        const struct similarity s = vn_similarity(x, y, n);
        const double zero_free = xx > 0 ? (double)(xy / sqrtl(xx * yy)) : 0;
        assert_true(fabs(s.cosine - zero_free) < 1e-12 && s.chebyshev == most && s.n == n);
        assert_true(fabs(s.l1 - (double)sum / n) < 1e-12 && fabs(s.l2 - sqrt((double)squares) / n) < 1e-12);
        assert_true(xx == 0 || fabs(s.sqnr - 10 * log10((double)(xx / squares))) < 1e-9);
        assert_true(vn_cosine(x, y, n) == s.cosine);
    }
}

static void odd_tensors(void **state)
{
    (void)state;
    const float x[] = { 1, INFINITY, 2, 0 }, y[] = { 1, INFINITY, 4, 0 }, z[] = { 0, 0, 0, 0 },
                far[] = { 1, -INFINITY, 2, 0 }, nan[] = { 1, NAN, 2, 0 };
    const struct similarity s = vn_similarity(x, y, 4);
    assert_true(fabs(s.cosine - 9 / sqrt(5.0 * 17)) < 1e-15 && s.chebyshev == 2 && s.l1 == 0.5 &&
                s.zeros == 0.25);
    assert_true(vn_cosine(x, y, 4) == s.cosine);
    assert_true(vn_cosine(x, far, 4) == 0 && isnan(vn_cosine(y + 2, nan, 2)));
    assert_true(vn_cosine(z, z, 4) == 1 && vn_cosine(z, y + 2, 1) == 0 && vn_cosine(x, y, 0) == 1);
    assert_true(isinf(vn_similarity(x, x, 4).sqnr) && vn_similarity(x, y, 0).n == 0);
}

/* Views that are flat have the same elements in another order. */
static void flat_views(void **state)
{
    (void)state;
    int8_t q[24];
    float flat[24], real[24];
    const float scale = 0.5f;
    const int32_t zero = 3;
    for (int i = 0; i < 24; i++)
        q[i] = (int8_t)unit_pick(-128, 127);
    struct vn_view v = { .dtype = VN_I8,
                         .rank = 3,
                         .shape = { 2, 3, 4 },
                         .stride = { 12, 1, 3 },
                         .data = q,
                         .axis = -1,
                         .n_scale = 1,
                         .scale = &scale,
                         .zero = &zero };
    assert_true(vn_view_is_flat(&v));
    vn_view_flat(flat, &v);
    vn_view_real(real, &v);
    for (int i = 0; i < 24; i++) {
        assert_true(flat[i] == (float)(q[i] - 3) * 0.5f);
        assert_true(real[i] == flat[i / 12 * 12 + i / 4 % 3 + i % 4 * 3]);
    }
    v.stride[0] = 13;
    assert_false(vn_view_is_flat(&v)); /* a gap */
    v.stride[0] = 12;
    v.n_scale = 0;
    assert_false(vn_view_is_flat(&v)); /* no numbers */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_are_right),
        cmocka_unit_test(lanes_are_right),
        cmocka_unit_test(rows_and_bins_are_right),
        cmocka_unit_test(counts_are_added),
        cmocka_unit_test(similarity_is_right),
        cmocka_unit_test(odd_tensors),
        cmocka_unit_test(flat_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
