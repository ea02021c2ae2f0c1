/* tests/kernel/num_cases.c - rounding, the float64 fma and the transcendental functions. */
#include "harness.h"
#include "num/functions.h"

#include <math.h>

static void test_rne(struct test *t)
{
    int ok = 1;
    for (int i = 0; i < 1000000 && ok; i++) {
        const float x = i < 2000 ? (float)(i - 1000) * 0.5f : i % 2 ? real(t, 4194303.0f) : real(t, 300.0f);
        ok = vn_rne(x) == nearbyintf(x);
    }
    verdict(t, ok, "num", "vn_rne equals nearbyintf below 2^22");
    verdict(t,
            vn_sat_rne(NAN, 3, -7, 9) == -7 && vn_sat_rne(INFINITY, 3, -7, 9) == 9 &&
                vn_sat_rne(-INFINITY, 3, -7, 9) == -7,
            "num", "vn_sat_rne: NaN gives lo, infinities the ends");
}

static float near_cancel(struct test *t, float a, float b) /* -a * b, a few bits off */
{
    float c = -(a * b);
    uint32_t u;
    memcpy(&u, &c, sizeof u);
    u += (uint32_t)pick(t, -3, 3);
    memcpy(&c, &u, sizeof c);
    return c;
}

static void test_fma(struct test *t)
{
    for (int kind = 0; kind < 5; kind++) {
        static const char *const name[] = { "any bits", "near one", "cancellation", "subnormal results",
                                            "halfway cases" };
        long wrong = 0;
        for (int i = 0; i < 2000000; i++) {
            float a = odd_float(t), b = odd_float(t), c = odd_float(t);
            if (kind == 1) {
                a = real(t, 2.0f);
                b = real(t, 2.0f);
                c = ldexpf(real(t, 2.0f), pick(t, -50, 50));
            } else if (kind == 2) {
                a = real(t, 100.0f);
                b = real(t, 100.0f);
                c = near_cancel(t, a, b);
            } else if (kind == 3) {
                a = ldexpf(real(t, 1.0f), -pick(t, 60, 80));
                b = ldexpf(real(t, 1.0f), -pick(t, 60, 75));
                c = ldexpf(real(t, 1.0f), -pick(t, 120, 150));
            } else if (kind == 4) { /* c ends where the product's far bits decide the rounding */
                a = (float)(2 * pick(t, 1, 2047) + 1);
                b = ldexpf((float)(2 * pick(t, 1, 2047) + 1), -pick(t, 20, 60));
                c = (float)pick(t, -16777215, 16777215);
            }
            const float want = fmaf(a, b, c), soft = vn_fma_soft(a, b, c), own = vn_fma(a, b, c);
            const int nan = want != want;
            if (nan)
                wrong += soft == soft || own == own;
            else
                wrong += memcmp(&want, &soft, sizeof want) || memcmp(&want, &own, sizeof want);
        }
        char text[96];
        snprintf(text, sizeof text, "vn_fma_soft equals fmaf, %s: %ld of 2000000 differ", name[kind], wrong);
        verdict(t, wrong == 0, "num", text);
    }
}

static double ulps(float got, double want)
{
    int e;
    frexp(want, &e);
    return fabs((double)got - want) / ldexp(1.0, (e < -125 ? -125 : e) - 24);
}

static double exact_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

static double exact_log(double x) { return x == 0 ? -INFINITY : log(x); }
static double exact_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

struct function {
    const char *name;
    float (*fn)(float);
    double (*exact)(double);
    float lo, hi;
    double limit; /* ulp */
};

static void test_functions(struct test *t)
{
    static const struct function list[] = {
        { "vn_expf", vn_expf, exp, -87.33f, 88.72f, 2.0 },
        { "sigmoid_f32", sigmoid_f32, exact_sigmoid, -87.0f, 100.0f, 3.0 },
        { "tanh_f32", tanh_f32, tanh, -100.0f, 100.0f, 3.0 },
        { "vn_logf", vn_logf, exact_log, 0.0f, 1e9f, 2.0 },
        { "expm1_f32", expm1_f32, expm1, -20.0f, 88.0f, 4.0 },
        { "erf_f32", erf_f32, erf, -6.0f, 6.0f, 3.0 },
        { "softplus_f32", softplus_f32, exact_softplus, -80.0f, 80.0f, 4.0 },
    };
    for (size_t f = 0; f < sizeof list / sizeof *list; f++) {
        double worst = 0;
        float at = 0;
        for (int i = 0; i < 1500000; i++) {
            float x = list[f].lo + (list[f].hi - list[f].lo) * (0.5f + real(t, 0.5f));
            if (i % 3 == 1)
                x = real(t, 2.0f);
            if (i % 3 == 2)
                x = ldexpf(real(t, 2.0f), -pick(t, 0, 120));
            const double e = ulps(list[f].fn(x), list[f].exact((double)x));
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
        char text[96];
        snprintf(text, sizeof text, "%s: worst error %.2f ulp at %.9g, limit %.1f", list[f].name, worst, at,
                 list[f].limit);
        if (t->verbose)
            printf("%s\n", text);
        verdict(t, worst <= list[f].limit, "num", text);
    }
    const float nan = NAN, inf = INFINITY;
    verdict(t,
            vn_expf(nan) != vn_expf(nan) && sigmoid_f32(nan) != sigmoid_f32(nan) &&
                tanh_f32(nan) != tanh_f32(nan),
            "num", "NaN stays NaN");
    verdict(t,
            vn_expf(-inf) == 0 && vn_expf(inf) == inf && vn_expf(0) == 1 && vn_expf(-87.4f) == 0 &&
                vn_expf(88.8f) == inf && vn_expf(-0.0f) == 1,
            "num", "vn_expf: limits");
    verdict(t, sigmoid_f32(-inf) == 0 && sigmoid_f32(inf) == 1 && sigmoid_f32(0) == 0.5f, "num",
            "sigmoid_f32: limits");
    verdict(t, tanh_f32(-inf) == -1 && tanh_f32(inf) == 1 && tanh_f32(0) == 0 && signbit(tanh_f32(-0.0f)),
            "num", "tanh_f32: limits");
}

static void test_softmax_table(struct test *t)
{
    uint32_t table[256];
    vn_softmax_table(table, 0.1f);
    int ok = table[0] == 1u << 24;
    for (int d = 0; d < 256; d++)
        ok &= fabs(table[d] - exp(-d * (double)0.1f) * 16777216.0) <= 0.5;
    verdict(t, ok, "num", "vn_softmax_table");
}

const struct family num_families[] = {
    { "rne", test_rne, 1 },
    { "fma", test_fma, 1 },
    { "functions", test_functions, 1 },
    { "softmax_table", test_softmax_table, 1 },
    { 0 },
};
