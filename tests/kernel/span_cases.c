/* tests/kernel/span_cases.c - everything that is not a convolution, against formulas written straight from
 * the contract. */
#include "harness.h"
#include "num/functions.h"

#include <math.h>

static const char *text_of(const char *format, int a, int b, int c, int d)
{
    static char text[128];
    snprintf(text, sizeof text, format, a, b, c, d);
    return text;
}

/* Run `call` with `k` for each level that brings a kernel of its own in `member`. */
#define EACH_LEVEL(member) \
    for (int li = 0; li < t->levels; li++) \
        if (li == 0 || t->level[li].k.member != t->level[li - 1].k.member)

/* ---- matrix product ---- */

static void test_matmul_s8(struct test *t)
{
    struct vn_matmul p = { .m = pick(t, 1, 13),
                           .n = pick(t, 1, 70),
                           .k = pick(t, 1, 80),
                           .za = pick(t, -128, 127),
                           .zb = pick(t, -128, 127),
                           .zy = pick(t, -128, 127),
                           .lo = -128,
                           .hi = pick(t, 0, 127),
                           .out_f32 = one_in(t, 3) };
    if (one_in(t, 50)) {
        p.k = 33500; /* sums beyond 32 bits */
        p.m = p.n = 2;
        p.za = p.zb = -128;
    }
    p.mult = (0.1f + fabsf(real(t, 1.0f))) / (100.0f * (float)p.k);
    p.out_s16 = !p.out_f32 && one_in(t, 3);
    if (p.out_s16)
        p.lo = -32768, p.hi = pick(t, 0, 32767), p.mult *= 200.0f;
    int8_t *const a = new_input(t, (size_t)p.m * p.k), *const b = new_input(t, (size_t)p.k * p.n);
    fill_s8(t, a, (size_t)p.m * p.k);
    fill_s8(t, b, (size_t)p.k * p.n);
    if (p.k > 33000) {
        memset(a, 127, (size_t)p.m * p.k);
        memset(b, 127, (size_t)p.k * p.n);
    }
    const size_t bytes = (size_t)p.m * p.n * (p.out_f32 ? sizeof(float) : p.out_s16 ? 2 : 1);
    void *const want = new_output(bytes), *const got = new_output(bytes);
    for (int i = 0; i < p.m * p.n; i++) {
        int64_t acc = 0;
        for (int k = 0; k < p.k; k++)
            acc += (int64_t)(a[i / p.n * p.k + k] - p.za) * (b[k * p.n + i % p.n] - p.zb);
        if (p.out_f32)
            ((float *)want)[i] = (float)acc * p.mult;
        else if (p.out_s16)
            ((int16_t *)want)[i] = (int16_t)vn_sat_rne((float)acc * p.mult, p.zy, p.lo, p.hi);
        else
            ((int8_t *)want)[i] = (int8_t)vn_sat_rne((float)acc * p.mult, p.zy, p.lo, p.hi);
    }
    EACH_LEVEL(matmul_s8)
    {
        reset_output(got, bytes);
        const int row = pick(t, 0, p.m);
        t->level[li].k.matmul_s8(got, a, b, &p, 0, row);
        t->level[li].k.matmul_s8(got, a, b, &p, row, p.m);
        check(t, t->level[li].name, got, want, bytes, p.out_f32,
              text_of("m %d n %d k %d f32 %d", p.m, p.n, p.k, p.out_f32));
    }
}

static void test_matmul_f32(struct test *t)
{
    const struct vn_matmul p = { .m = pick(t, 1, 13), .n = pick(t, 1, 70), .k = pick(t, 1, 80) };
    float *const a = new_input(t, (size_t)p.m * p.k * sizeof *a);
    float *const b = new_input(t, (size_t)p.k * p.n * sizeof *b);
    fill_f32(t, a, (size_t)p.m * p.k);
    fill_f32(t, b, (size_t)p.k * p.n);
    const size_t bytes = (size_t)p.m * p.n * sizeof(float);
    float *const want = new_output(bytes), *const got = new_output(bytes);
    for (int i = 0; i < p.m * p.n; i++) {
        want[i] = 0.0f;
        for (int k = 0; k < p.k; k++)
            want[i] = fmaf(a[i / p.n * p.k + k], b[k * p.n + i % p.n], want[i]);
    }
    EACH_LEVEL(matmul_f32)
    {
        reset_output(got, bytes);
        const int row = pick(t, 0, p.m);
        t->level[li].k.matmul_f32(got, a, b, &p, 0, row);
        t->level[li].k.matmul_f32(got, a, b, &p, row, p.m);
        check(t, t->level[li].name, got, want, bytes, 1, text_of("m %d n %d k %d", p.m, p.n, p.k, 0));
    }
}

/* ---- spans ---- */

static void test_binary_s8(struct test *t)
{
    struct vn_binary_s8 p = { .op = one_in(t, 2) ? VN_BIN_ADD : VN_BIN_MUL,
                              .lo = pick(t, -128, 0),
                              .hi = pick(t, 1, 127) };
    p.za = pick(t, -128, 127);
    p.zb = pick(t, -128, 127);
    p.zy = pick(t, -128, 127);
    p.ra = one_in(t, 30) ? odd_float(t) : real(t, 2.0f);
    p.rb = real(t, 2.0f);
    p.fixed = vn_add_fixed(p.za, p.ra, p.zb, p.rb, p.zy);
    const size_t n = (size_t)pick(t, 1, 100);
    const int step_a = !one_in(t, 4), step_b = !one_in(t, 4), in_place = pick(t, 0, 2);
    int8_t *const a = new_input(t, n), *const b = new_input(t, n), *const want = new_output(n),
                  *const got = new_output(n);
    fill_s8(t, a, n);
    fill_s8(t, b, n);
    for (size_t i = 0; i < n; i++) {
        const int u = a[i * step_a] - p.za, v = b[i * step_b] - p.zb;
        const float sum = fmaf(a[i * step_a], p.ra, fmaf(b[i * step_b], p.rb, p.fixed));
        want[i] = (int8_t)(p.op == VN_BIN_MUL ? vn_sat_rne((float)(u * v) * p.ra, p.zy, p.lo, p.hi)
                                              : vn_sat_rne(sum, 0, p.lo, p.hi));
    }
    EACH_LEVEL(binary_s8)
    {
        reset_output(got, n);
        const int8_t *x = a, *y = b;
        if (in_place == 1 && step_a)
            x = memcpy(got, a, n);
        if (in_place == 2 && step_b)
            y = memcpy(got, b, n);
        t->level[li].k.binary_s8(got, x, y, n, step_a, step_b, &p);
        check(t, t->level[li].name, got, want, n, 0,
              text_of("op %d n %d steps %d %d", (int)p.op, (int)n, step_a, step_b));
    }
}

static void test_binary_f32(struct test *t)
{
    const enum vn_binary op = (enum vn_binary)pick(t, 0, VN_BIN_PRELU);
    const size_t n = (size_t)pick(t, 1, 100), bytes = n * sizeof(float);
    const int step_a = !one_in(t, 4), step_b = !one_in(t, 4), in_place = pick(t, 0, 2);
    float *const a = new_input(t, bytes), *const b = new_input(t, bytes), *const want = new_output(bytes),
                 *const got = new_output(bytes);
    fill_f32(t, a, n);
    fill_f32(t, b, n);
    for (size_t i = 0; i < n; i++) {
        const float u = a[i * step_a], v = b[i * step_b];
        want[i] = op == VN_BIN_ADD   ? u + v
                  : op == VN_BIN_SUB ? u - v
                  : op == VN_BIN_MUL ? u * v
                  : op == VN_BIN_DIV ? u / v
                  : op == VN_BIN_MAX ? (u > v ? u : v)
                  : op == VN_BIN_MIN ? (u < v ? u : v)
                  : u < 0.0f         ? u * v
                                     : u;
    }
    EACH_LEVEL(binary_f32)
    {
        reset_output(got, bytes);
        const float *x = a, *y = b;
        if (in_place == 1 && step_a)
            x = memcpy(got, a, bytes);
        if (in_place == 2 && step_b)
            y = memcpy(got, b, bytes);
        t->level[li].k.binary_f32(got, x, y, n, step_a, step_b, op);
        check(t, t->level[li].name, got, want, bytes, 1,
              text_of("op %d n %d steps %d %d", (int)op, (int)n, step_a, step_b));
    }
}

static void test_quantize(struct test *t)
{
    const size_t n = (size_t)pick(t, 1, 100);
    const float scale = 0.001f + fabsf(real(t, 0.05f));
    const int32_t zero = pick(t, -128, 127);
    float *const x = new_input(t, n * sizeof *x), *const want_f = new_output(n * sizeof *want_f),
                 *const got_f = new_output(n * sizeof *got_f);
    int8_t *const q = new_input(t, n), *const want = new_output(n), *const got = new_output(n);
    fill_f32(t, x, n);
    fill_s8(t, q, n);
    for (size_t i = 0; i < n; i++) {
        if (one_in(t, 4))
            x[i] = scale * ((float)pick(t, -130, 130) + 0.5f); /* halves */
        const float r = x[i] / scale;
        const float c = r != r || r < (float)(-128 - zero) ? (float)(-128 - zero)
                        : r > (float)(127 - zero)          ? (float)(127 - zero)
                                                           : r;
        want[i] = (int8_t)(nearbyintf(c) + (float)zero);
        want_f[i] = (float)(q[i] - zero) * scale;
    }
    EACH_LEVEL(quantize_s8)
    {
        reset_output(got, n);
        t->level[li].k.quantize_s8(got, x, n, scale, zero);
        check(t, t->level[li].name, got, want, n, 0, text_of("quantize n %d", (int)n, 0, 0, 0));
    }
    EACH_LEVEL(dequantize_s8)
    {
        reset_output(got_f, n * sizeof *got_f);
        t->level[li].k.dequantize_s8(got_f, q, n, scale, zero);
        check(t, t->level[li].name, got_f, want_f, n * sizeof *got_f, 1,
              text_of("dequantize n %d", (int)n, 0, 0, 0));
    }
}

static void test_clamp_table(struct test *t)
{
    const size_t n = (size_t)pick(t, 1, 100);
    const int lo = pick(t, -128, 0), hi = pick(t, 0, 127), in_place = one_in(t, 2);
    int8_t table[256];
    fill_s8(t, table, sizeof table);
    int8_t *const x = new_input(t, n), *const want = new_output(n), *const got = new_output(n);
    float *const f = new_input(t, n * sizeof *f), *const want_f = new_output(n * sizeof *f),
                 *const got_f = new_output(n * sizeof *f);
    fill_s8(t, x, n);
    fill_f32(t, f, n);
    EACH_LEVEL(clamp_s8)
    {
        for (size_t i = 0; i < n; i++)
            want[i] = (int8_t)(x[i] < lo ? lo : x[i] > hi ? hi : x[i]);
        reset_output(got, n);
        t->level[li].k.clamp_s8(got, in_place ? memcpy(got, x, n) : x, n, lo, hi);
        check(t, t->level[li].name, got, want, n, 0,
              text_of("clamp n %d in place %d", (int)n, in_place, 0, 0));
    }
    EACH_LEVEL(table_s8)
    {
        for (size_t i = 0; i < n; i++)
            want[i] = table[128 + x[i]];
        reset_output(got, n);
        t->level[li].k.table_s8(got, in_place ? memcpy(got, x, n) : x, n, table);
        check(t, t->level[li].name, got, want, n, 0,
              text_of("table n %d in place %d", (int)n, in_place, 0, 0));
    }
    EACH_LEVEL(clamp_f32)
    {
        for (size_t i = 0; i < n; i++)
            want_f[i] = f[i] > -0.5f ? (f[i] < 1.0f ? f[i] : 1.0f) : -0.5f;
        reset_output(got_f, n * sizeof *f);
        t->level[li].k.clamp_f32(got_f, in_place ? memcpy(got_f, f, n * sizeof *f) : f, n, -0.5f, 1.0f);
        check(t, t->level[li].name, got_f, want_f, n * sizeof *f, 1,
              text_of("clamp_f32 n %d in place %d", (int)n, in_place, 0, 0));
    }
}

/* A function of num/ or the formula of enum vn_unary; -0 keeps its sign where a comparison with 0 decides. */
static float unary(enum vn_unary op, float x, float alpha, float beta)
{
    const float t = alpha * x + beta, unit = t > 0.0f ? (t < 1.0f ? t : 1.0f) : 0.0f;
    switch (op) {
    case VN_UN_EXP: return vn_expf(x);
    case VN_UN_SIGMOID: return sigmoid_f32(x);
    case VN_UN_TANH: return tanh_f32(x);
    case VN_UN_LEAKYRELU: return x < 0.0f ? alpha * x : x;
    case VN_UN_ABS: return x < 0.0f ? -x : x;
    case VN_UN_NEG: return -x;
    case VN_UN_CEIL: return vn_ceilf(x);
    case VN_UN_FLOOR: return vn_floorf(x);
    case VN_UN_ROUND: return vn_rintf(x);
    case VN_UN_SIGN: return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
    case VN_UN_SQRT: return sqrtf(x);
    case VN_UN_RECIPROCAL: return 1.0f / x;
    case VN_UN_ERF: return erf_f32(x);
    case VN_UN_LOG: return vn_logf(x);
    case VN_UN_HARDSIGMOID: return unit;
    case VN_UN_HARDSWISH: return x * unit;
    case VN_UN_ELU: return x < 0.0f ? alpha * expm1_f32(x * beta) : x;
    case VN_UN_SELU: return x > 0.0f ? beta * x : alpha * expm1_f32(x);
    case VN_UN_SOFTPLUS: return softplus_f32(x);
    case VN_UN_SOFTSIGN: return x / (1.0f + fabsf(x));
    case VN_UN_GELU: return 0.5f * x * (1.0f + erf_f32(0.707106781f * x));
    case VN_UN_GELU_TANH: return gelu_tanh_f32(x);
    case VN_UN_MISH: return mish_f32(x);
    case VN_UN_SWISH: return x * sigmoid_f32(alpha * x);
    case VN_UN_POWER: return vn_powif(x, (int)alpha);
    case VN_UN_SHRINK: return x < -alpha ? x + beta : x > alpha ? x - beta : 0.0f;
    case VN_UN_THRESHOLD: return x > alpha ? x : 0.0f;
    default: return 0.0f;
    }
}

static void test_unary_f32(struct test *t)
{
    const size_t n = (size_t)pick(t, 1, 200), bytes = n * sizeof(float);
    const enum vn_unary op = (enum vn_unary)(t->case_no % VN_UN_COUNT);
    const float alpha = op == VN_UN_POWER ? (float)pick(t, -5, 9) : real(t, 1.0f), beta = real(t, 1.0f);
    const int in_place = one_in(t, 2);
    float *const x = new_input(t, bytes), *const want = new_output(bytes), *const got = new_output(bytes);
    for (size_t i = 0; i < n; i++) {
        x[i] = one_in(t, 10) ? odd_float(t) : real(t, one_in(t, 2) ? 20.0f : 1.0f);
        want[i] = unary(op, x[i], alpha, beta);
    }
    EACH_LEVEL(unary_f32)
    {
        reset_output(got, bytes);
        t->level[li].k.unary_f32(got, in_place ? memcpy(got, x, bytes) : x, n, op, alpha, beta);
        check(t, t->level[li].name, got, want, bytes, 1, text_of("op %d n %d", (int)op, (int)n, 0, 0));
    }
}

/* ---- pools ---- */

static int divisor_of(const struct vn_pool *p, int inside, int padded)
{
    const int by[VN_POOL_DIVISORS] = { inside, padded, 1 };
    return by[p->count_include_pad];
}

static void random_pool(struct test *t, struct vn_pool *p)
{
    struct vn_window2d *const g = &p->g;
    *p = (struct vn_pool){ .count_include_pad = pick(t, 0, VN_POOL_DIVISORS - 1),
                           .zx = pick(t, -128, 127),
                           .zy = pick(t, -128, 127) };
    p->ratio = 0.1f + fabsf(real(t, 2.0f));
    *g = (struct vn_window2d){ .n = pick(t, 1, 2),
                               .h = pick(t, 1, 10),
                               .w = pick(t, 1, 10),
                               .c = pick(t, 1, 80),
                               .kh = pick(t, 1, 5),
                               .kw = pick(t, 1, 5),
                               .sh = pick(t, 1, 3),
                               .sw = pick(t, 1, 3),
                               .dh = 1 + one_in(t, 4),
                               .dw = 1 + one_in(t, 4) };
    g->ph = pick(t, 0, g->kh - 1);
    g->pw = pick(t, 0, g->kw - 1);
    p->ph_end = pick(t, 0, g->kh - 1);
    p->pw_end = pick(t, 0, g->kw - 1);
    const int rest_h = g->h + g->ph + p->ph_end - (g->kh - 1) * g->dh - 1,
              rest_w = g->w + g->pw + p->pw_end - (g->kw - 1) * g->dw - 1;
    g->oh =
        (rest_h < 0 ? 0 : rest_h / g->sh) + 1 + one_in(t, 6); /* ceil mode: a window may hang over the end */
    g->ow = (rest_w < 0 ? 0 : rest_w / g->sw) + 1 + one_in(t, 6);
    g->k = g->c;
    g->groups = 1;
    g->xp = g->c + (one_in(t, 3) ? pick(t, 1, 40) : 0);
    g->yp = g->c + (one_in(t, 3) ? pick(t, 1, 40) : 0);
}

struct pooled {
    int inside, padded; /* taps within the input; within the padded input */
    int max_q, sum_q;
    float max_f, part[16];
};

static struct pooled pool_one(const struct vn_pool *p, const int8_t *q, const float *f, size_t at)
{
    const struct vn_window2d *const g = &p->g;
    const int c = (int)(at % g->c), ox = (int)(at / g->c % g->ow), oy = (int)(at / g->c / g->ow % g->oh),
              n = (int)(at / g->c / g->ow / g->oh);
    struct pooled r = { .max_q = -128, .max_f = -INFINITY };
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const int iy = oy * g->sh - g->ph + ky * g->dh, ix = ox * g->sw - g->pw + kx * g->dw;
            r.padded += iy < g->h + p->ph_end && ix < g->w + p->pw_end;
            if (iy < 0 || iy >= g->h || ix < 0 || ix >= g->w)
                continue;
            const size_t i = (((size_t)n * g->h + iy) * g->w + ix) * g->xp + c;
            r.max_q = q[i] > r.max_q ? q[i] : r.max_q;
            r.max_f = f[i] > r.max_f ? f[i] : r.max_f;
            r.sum_q += q[i] - p->zx;
            r.part[r.inside++ % 16] += f[i];
        }
    return r;
}

static float tree(float part[16])
{
    for (int step = 8; step; step /= 2)
        for (int i = 0; i < step; i++)
            part[i] += part[i + step];
    return part[0];
}

static void test_pool(struct test *t)
{
    struct vn_pool p;
    random_pool(t, &p);
    const struct vn_window2d *const g = &p.g;
    const size_t ins = (size_t)g->n * g->h * g->w * g->xp, pixels = (size_t)g->n * g->oh * g->ow,
                 outs = pixels * g->yp;
    int8_t *const q = new_input(t, ins), *const max_q = new_output(outs), *const avg_q = new_output(outs),
                  *const got_q = new_output(outs);
    float *const f = new_input(t, ins * 4), *const max_f = new_output(outs * 4),
                 *const avg_f = new_output(outs * 4), *const got_f = new_output(outs * 4);
    fill_s8(t, q, ins);
    fill_f32(t, f, ins);
    for (size_t j = 0; j < pixels * g->c; j++) {
        struct pooled r = pool_one(&p, q, f, j);
        const int taps = divisor_of(&p, r.inside, r.padded), count = taps ? taps : 1;
        const size_t i = j / g->c * g->yp + j % g->c;
        max_q[i] = (int8_t)r.max_q;
        max_f[i] = r.max_f;
        avg_q[i] = (int8_t)vn_sat_rne((float)r.sum_q * p.ratio / (float)count, p.zy, -128, 127);
        avg_f[i] = tree(r.part) / (float)count;
    }
    const int rows = g->n * g->oh, row = pick(t, 0, rows);
    const char *const what =
        text_of("c %d kernel %dx%d include pad %d", g->c, g->kh, g->kw, p.count_include_pad);
#define POOL(member, got, want, size, is_f32) \
    EACH_LEVEL(member) \
    { \
        reset_output(got, outs *size); \
        t->level[li].k.member(got, is_f32 ? (void *)f : (void *)q, &p, 0, row); \
        t->level[li].k.member(got, is_f32 ? (void *)f : (void *)q, &p, row, rows); \
        check(t, t->level[li].name, got, want, outs *size, is_f32, what); \
    }
    POOL(maxpool_s8, got_q, max_q, 1, 0)
    POOL(avgpool_s8, got_q, avg_q, 1, 0)
    POOL(maxpool_f32, got_f, max_f, 4, 1)
    POOL(avgpool_f32, got_f, avg_f, 4, 1)
}

/* ---- softmax, resize: C only; preprocess ---- */

static void test_softmax(struct test *t)
{
    uint32_t table[256];
    const float sx = 0.01f + fabsf(real(t, 0.3f));
    vn_softmax_table(table, sx);
    const int many = one_in(t, 4), outer = many ? pick(t, 1, 70) : pick(t, 1, 3);
    struct vn_softmax p = { .n = many            ? pick(t, 1, 17)
                                 : one_in(t, 15) ? pick(t, 1000, 1100)
                                                 : pick(t, 1, 150),
                            .inner = many || one_in(t, 2) ? 1 : pick(t, 2, 40),
                            .table = table,
                            .zy = -128,
                            .inv = 256.0f };
    for (int i = 0; i < 256 && one_in(t, 2); i++) /* any table */
        table[i] = one_in(t, 2) ? (uint32_t)next(t) : UINT32_MAX;
    if (one_in(t, 2))
        p.zy = pick(t, -128, 127);
    const size_t n = (size_t)outer * p.n * p.inner;
    int8_t *const q = new_input(t, n), *const want_q = new_output(n), *const got_q = new_output(n);
    float *const f = new_input(t, n * 4), *const want_f = new_output(n * 4), *const got_f = new_output(n * 4);
    fill_s8(t, q, n);
    fill_f32(t, f, n);
    for (int s = 0; s < outer * p.inner; s++) {
        const size_t at = (size_t)(s / p.inner) * p.n * p.inner + s % p.inner;
        int max = -128;
        float max_f = f[at], part[16] = { 0 };
        uint64_t sum = 0;
        for (int i = 0; i < p.n; i++) {
            max = q[at + i * p.inner] > max ? q[at + i * p.inner] : max;
            max_f = f[at + i * p.inner] > max_f ? f[at + i * p.inner] : max_f;
        }
        for (int i = 0; i < p.n; i++) {
            sum += table[max - q[at + i * p.inner]];
            part[i % 16] += vn_expf(f[at + i * p.inner] - max_f);
        }
        const float total = tree(part);
        for (int i = 0; i < p.n; i++) {
            const double share = (double)table[max - q[at + i * p.inner]] / (double)sum;
            want_q[at + i * p.inner] = (int8_t)vn_sat_rne((float)share * p.inv, p.zy, -128, 127);
            want_f[at + i * p.inner] = vn_expf(f[at + i * p.inner] - max_f) / total;
        }
    }
    const int o = pick(t, 0, outer);
    EACH_LEVEL(softmax_s8)
    {
        reset_output(got_q, n);
        t->level[li].k.softmax_s8(got_q, q, &p, 0, o);
        t->level[li].k.softmax_s8(got_q, q, &p, o, outer);
        check(t, t->level[li].name, got_q, want_q, n, 0,
              text_of("s8 outer %d n %d inner %d", outer, p.n, p.inner, 0));
    }
    EACH_LEVEL(softmax_f32)
    {
        reset_output(got_f, n * 4);
        t->level[li].k.softmax_f32(got_f, f, &p, 0, o);
        t->level[li].k.softmax_f32(got_f, f, &p, o, outer);
        check(t, t->level[li].name, got_f, want_f, n * 4, 1,
              text_of("f32 outer %d n %d inner %d", outer, p.n, p.inner, 0));
    }
}

static void test_resize(struct test *t)
{
    struct vn_resize2d p = { .n = pick(t, 1, 2),
                             .h = pick(t, 1, 9),
                             .w = pick(t, 1, 9),
                             .c = one_in(t, 20) ? pick(t, 1000, 5000) : pick(t, 1, 40),
                             .oh = pick(t, 1, 12),
                             .ow = pick(t, 1, 12),
                             .zx = pick(t, -128, 127),
                             .zy = pick(t, -128, 127),
                             .ratio = 0.2f + fabsf(real(t, 2.0f)) };
    int32_t index[2][24], whole[2][24];
    float weight[2][24];
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < 24; i += 2) {
            const int size = axis ? p.w : p.h;
            index[axis][i] = pick(t, 0, size - 1);
            index[axis][i + 1] = pick(t, 0, size - 1);
            whole[axis][i] = pick(t, 0, 1 << VN_RESIZE_BITS);
            whole[axis][i + 1] = (1 << VN_RESIZE_BITS) - whole[axis][i];
            weight[axis][i] = fabsf(real(t, 1.0f));
            weight[axis][i + 1] = 1.0f - weight[axis][i];
        }
    p.iy = index[0], p.ix = index[1], p.qy = whole[0], p.qx = whole[1], p.wy = weight[0], p.wx = weight[1];
    const size_t ins = (size_t)p.n * p.h * p.w * p.c, outs = (size_t)p.n * p.oh * p.ow * p.c;
    int8_t *const q = new_input(t, ins), *const want_q = new_output(outs), *const got_q = new_output(outs),
                  *const near_q = new_output(outs);
    float *const f = new_input(t, ins * 4), *const want_f = new_output(outs * 4),
                 *const got_f = new_output(outs * 4), *const near_f = new_output(outs * 4);
    fill_s8(t, q, ins);
    fill_f32(t, f, ins);
    for (size_t at = 0; at < outs; at++) {
        const int c = (int)(at % p.c), ox = (int)(at / p.c % p.ow), oy = (int)(at / p.c / p.ow % p.oh),
                  n = (int)(at / p.c / p.ow / p.oh);
#define IN(y, x) ((((size_t)n * p.h + (y)) * p.w + (x)) * p.c + c)
        near_q[at] = q[IN(p.iy[oy], p.ix[ox])];
        near_f[at] = f[IN(p.iy[oy], p.ix[ox])];
        int64_t acc = 0;
        float line[2];
        for (int i = 0; i < 2; i++) {
            const size_t l = IN(p.iy[2 * oy + i], p.ix[2 * ox]), r = IN(p.iy[2 * oy + i], p.ix[2 * ox + 1]);
            acc += (int64_t)(q[l] - p.zx) * p.qy[2 * oy + i] * p.qx[2 * ox] +
                   (int64_t)(q[r] - p.zx) * p.qy[2 * oy + i] * p.qx[2 * ox + 1];
            line[i] = f[l] * p.wx[2 * ox] + f[r] * p.wx[2 * ox + 1];
        }
        want_q[at] = (int8_t)vn_resize_linear((int32_t)acc, VN_RESIZE_BITS, p.ratio, p.zy, -128, 127);
        want_f[at] = line[0] * p.wy[2 * oy] + line[1] * p.wy[2 * oy + 1];
    }
    const int rows = p.n * p.oh, row = pick(t, 0, rows);
    const char *const what = text_of("%dx%d -> %dx%d", p.h, p.w, p.oh, p.ow);
    for (int linear = 0; linear < 2; linear++) {
        reset_output(got_q, outs);
        reset_output(got_f, outs * 4);
        for (int part = 0; part < 2; part++) {
            const int row0 = part ? row : 0, row1 = part ? rows : row;
            if (linear) {
                vn_resize_linear_s8_c(got_q, q, &p, row0, row1);
                vn_resize_linear_f32_c(got_f, f, &p, row0, row1);
            } else {
                vn_resize_nearest_c(got_q, q, &p, 1, row0, row1);
                vn_resize_nearest_c(got_f, f, &p, 4, row0, row1);
            }
        }
        check(t, "c", got_q, linear ? want_q : near_q, outs, 0, what);
        check(t, "c", got_f, linear ? want_f : near_f, outs * 4, 1, what);
    }
    EACH_LEVEL(resize_linear_s8)
    {
        reset_output(got_q, outs);
        t->level[li].k.resize_linear_s8(got_q, q, &p, 0, row);
        t->level[li].k.resize_linear_s8(got_q, q, &p, row, rows);
        check(t, t->level[li].name, got_q, want_q, outs, 0, what);
    }
    EACH_LEVEL(resize_linear_f32)
    {
        reset_output(got_f, outs * 4);
        t->level[li].k.resize_linear_f32(got_f, f, &p, 0, row);
        t->level[li].k.resize_linear_f32(got_f, f, &p, row, rows);
        check(t, t->level[li].name, got_f, want_f, outs * 4, 1, what);
    }
}

static void test_preprocess(struct test *t)
{
    const int c = one_in(t, 2) ? 1 : 3, pixels = pick(t, 1, 150), cut = pick(t, 0, pixels);
    const size_t n = (size_t)c * pixels;
    int16_t w[9];
    int32_t bias[3];
    float mult[3], a[9], b[3];
    for (int i = 0; i < 9; i++) {
        w[i] = (int16_t)pick(t, -32768, 32767);
        a[i] = real(t, 2.0f);
    }
    for (int i = 0; i < 3; i++) {
        bias[i] = pick(t, -10000000, 10000000);
        mult[i] = fabsf(real(t, 1e-4f));
        b[i] = real(t, 3.0f);
    }
    const struct vn_preprocess_s8 p = { c, w, bias, mult, pick(t, -128, 127) };
    int8_t *const q = new_input(t, n), *const want_q = new_output(n), *const got_q = new_output(n);
    float *const f = new_input(t, n * 4), *const want_f = new_output(n * 4), *const got_f = new_output(n * 4);
    fill_s8(t, q, n);
    fill_f32(t, f, n);
    for (size_t i = 0; i < n; i++) {
        const size_t row = i % c, first = i - row;
        int64_t acc = bias[row];
        float y = b[row];
        for (int k = 0; k < c; k++) {
            acc += (int64_t)w[row * c + k] * q[first + k];
            y = fmaf(a[row * c + k], f[first + k], y);
        }
        want_q[i] = (int8_t)vn_sat_rne((float)acc * mult[row], p.zy, -128, 127);
        want_f[i] = y;
    }
    EACH_LEVEL(preprocess_s8)
    {
        reset_output(got_q, n);
        t->level[li].k.preprocess_s8(got_q, q, &p, 0, (size_t)cut);
        t->level[li].k.preprocess_s8(got_q, q, &p, (size_t)cut, (size_t)pixels);
        check(t, t->level[li].name, got_q, want_q, n, 0, text_of("s8 c %d pixels %d", c, pixels, 0, 0));
    }
    vn_preprocess_f32_c(got_f, f, c, a, b, 0, (size_t)cut);
    vn_preprocess_f32_c(got_f, f, c, a, b, (size_t)cut, (size_t)pixels);
    check(t, "c", got_f, want_f, n * 4, 1, text_of("f32 c %d pixels %d", c, pixels, 0, 0));
}

/* Equal bits; any NaN equals any NaN. */
static void check_f64(struct test *t, const char *level, const double *got, const double *want, size_t n,
                      const char *what)
{
    int same = guards_hold(got, n * 8);
    for (size_t i = 0; i < n; i++)
        same &= !memcmp(got + i, want + i, 8) || (got[i] != got[i] && want[i] != want[i]);
    verdict(t, same, level, what);
}

static void test_dots_f64(struct test *t)
{
    const size_t rows = (size_t)pick(t, 0, 300), n = (size_t)pick(t, 0, 70),
                 pitch = rows + (size_t)pick(t, 0, 9);
    float *const w = new_paged((n * pitch + 1) * 4);
    double *const x = new_paged((n + 1) * 8), *const y = new_output(rows * 8),
                  *const start = new_paged(rows * 8), *const want = new_paged(rows * 8);
    fill_f32(t, w, n * pitch + 1);
    for (size_t k = 0; k < n; k++)
        x[k] = (double)real(t, 2.0f) / 3;
    for (size_t r = 0; r < rows; r++) {
        start[r] = want[r] = (double)real(t, 9.0f) / 7;
        for (size_t k = 0; k < n; k++) {
            const double product = x[k] * (double)w[k * pitch + r];
            want[r] = want[r] + product;
        }
    }
    EACH_LEVEL(dots_f64)
    {
        reset_output(y, rows * 8);
        memcpy(y, start, rows * 8);
        t->level[li].k.dots_f64(y, x, w, rows, n, pitch);
        check_f64(t, t->level[li].name, y, want, rows, text_of("rows %d n %d", (int)rows, (int)n, 0, 0));
    }
}

static double exact_squash(double x, int is_tanh) { return is_tanh ? tanh(x) : 1 / (1 + exp(-x)); }

static void test_squash_f64(struct test *t)
{
    const size_t n = (size_t)pick(t, 0, 100);
    const int is_tanh = one_in(t, 2);
    const float size = one_in(t, 3) ? 1000.0f : one_in(t, 2) ? 0.6f : 20.0f;
    double *const x = new_paged(n * 8), *const y = new_output(n * 8), *const want = new_paged(n * 8);
    int close = 1;
    for (size_t i = 0; i < n; i++)
        x[i] = one_in(t, 30) ? (double)odd_float(t) : (double)real(t, size) / 3;
    memcpy(want, x, n * 8);
    vn_squash_f64_c(want, n, is_tanh);
    for (size_t i = 0; i < n; i++) {
        const double exact = exact_squash(x[i], is_tanh);
        close &= x[i] != x[i] ? want[i] != want[i] : fabs(want[i] - exact) <= 1e-14 * fabs(exact) + 1e-300;
    }
    verdict(t, close, "c", is_tanh ? "tanh within 1e-14" : "sigmoid within 1e-14");
    EACH_LEVEL(squash_f64)
    {
        reset_output(y, n * 8);
        memcpy(y, x, n * 8);
        t->level[li].k.squash_f64(y, n, is_tanh);
        check_f64(t, t->level[li].name, y, want, n, text_of("tanh %d n %d", is_tanh, (int)n, 0, 0));
    }
}

const struct family span_families[] = {
    { "dots_f64", test_dots_f64, 200 },
    { "squash_f64", test_squash_f64, 200 },
    { "matmul_s8", test_matmul_s8, 300 },
    { "matmul_f32", test_matmul_f32, 200 },
    { "binary_s8", test_binary_s8, 500 },
    { "binary_f32", test_binary_f32, 400 },
    { "quantize", test_quantize, 300 },
    { "clamp_table", test_clamp_table, 200 },
    { "unary_f32", test_unary_f32, 20 * VN_UN_COUNT },
    { "pool", test_pool, 400 },
    { "softmax", test_softmax, 200 },
    { "resize", test_resize, 200 },
    { "preprocess", test_preprocess, 100 },
    { 0 },
};
