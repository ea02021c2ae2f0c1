/* tests/kernel/s16_cases.c - int16 (and what int8 shares with it) but for convolutions, against formulas
 * straight from the contract. */
#include "harness.h"

#include <math.h>

static const char *text_of(const char *format, int a, int b, int c, int d)
{
    static char text[128];
    snprintf(text, sizeof text, format, a, b, c, d);
    return text;
}

#define EACH_LEVEL(member) \
    for (int li = 0; li < t->levels; li++) \
        if (li == 0 || t->level[li].k.member != t->level[li - 1].k.member)

static void test_matmul(struct test *t)
{
    struct vn_matmul p = { .m = pick(t, 1, 9),
                           .n = pick(t, 1, 70),
                           .k = pick(t, 1, 80),
                           .zy = one_in(t, 3) ? pick(t, -128, 127) : 0,
                           .lo = -32768,
                           .hi = one_in(t, 3) ? pick(t, 0, 32767) : 32767,
                           .out_f32 = one_in(t, 3) };
    if (one_in(t, 50)) {
        p.k = pick(t, 32000, 33500); /* around the vector kernel's limit */
        p.m = p.n = 2;
    }
    p.mult = (0.1f + fabsf(real(t, 1.0f))) / (20000.0f * (float)p.k);
    int16_t *const a = new_input(t, (size_t)p.m * p.k * 2), *const b = new_input(t, (size_t)p.k * p.n * 2);
    fill_s16(t, a, (size_t)p.m * p.k);
    fill_s16(t, b, (size_t)p.k * p.n);
    const int smaller = pick(t, 0, 12); /* sums that fit 32 bits in whole, in runs of many pairs, of few */
    for (int i = 0; i < p.m * p.k; i++)
        a[i] = (int16_t)(a[i] / (1 << smaller));
    const size_t bytes = (size_t)p.m * p.n * (p.out_f32 ? 4 : 2);
    void *const want = new_output(bytes), *const got = new_output(bytes);
    for (int i = 0; i < p.m * p.n; i++) {
        int64_t acc = 0;
        for (int k = 0; k < p.k; k++)
            acc += (int64_t)a[i / p.n * p.k + k] * b[k * p.n + i % p.n];
        if (p.out_f32)
            ((float *)want)[i] = (float)acc * p.mult;
        else
            ((int16_t *)want)[i] = (int16_t)vn_sat_rne((float)acc * p.mult, p.zy, p.lo, p.hi);
    }
    EACH_LEVEL(matmul_s16)
    {
        reset_output(got, bytes);
        const int row = pick(t, 0, p.m);
        t->level[li].k.matmul_s16(got, a, b, &p, 0, row);
        t->level[li].k.matmul_s16(got, a, b, &p, row, p.m);
        check(t, t->level[li].name, got, want, bytes, p.out_f32,
              text_of("m %d n %d k %d f32 %d", p.m, p.n, p.k, p.out_f32));
    }
}

/* The result of a binary operation on real integers, zero points off. */
static int32_t binary_one(const struct vn_binary_s8 *p, int32_t a, int32_t b)
{
    const int32_t u = a - p->za, v = b - p->zb;
    const int32_t left = vn_sat_rne((float)u * p->ra, p->zy, p->lo, p->hi),
                  right = vn_sat_rne((float)v * p->rb, p->zy, p->lo, p->hi);
    const float product = (float)(u * v) * p->ra;
    switch (p->op) {
    case VN_BIN_MUL: return vn_sat_rne(product, p->zy, p->lo, p->hi);
    case VN_BIN_DIV: return vn_sat_rne((float)u / (float)v * p->ra, p->zy, p->lo, p->hi);
    case VN_BIN_MAX: return left > right ? left : right;
    case VN_BIN_MIN: return left < right ? left : right;
    case VN_BIN_PRELU: return vn_sat_rne(u < 0 ? product : (float)u * p->rb, p->zy, p->lo, p->hi);
    default: return vn_sat_rne(fmaf((float)a, p->ra, fmaf((float)b, p->rb, p->fixed)), 0, p->lo, p->hi);
    }
}

static void test_binary(struct test *t)
{
    static const enum vn_binary ops[] = { VN_BIN_ADD, VN_BIN_MUL, VN_BIN_DIV,
                                          VN_BIN_MAX, VN_BIN_MIN, VN_BIN_PRELU };
    const int wide = one_in(t, 2), least = wide ? -32768 : -128, most = wide ? 32767 : 127;
    struct vn_binary_s8 p = { .op = ops[pick(t, 0, 5)],
                              .lo = one_in(t, 2) ? least : pick(t, least, 0),
                              .hi = one_in(t, 2) ? most : pick(t, 1, most) };
    if (!wide) {
        p.za = pick(t, -128, 127);
        p.zb = pick(t, -128, 127);
        p.zy = pick(t, -128, 127);
    }
    p.ra = real(t, 2.0f) / (wide && p.op == VN_BIN_MUL ? 30000.0f : 1.0f);
    p.rb = real(t, 2.0f);
    p.fixed = vn_add_fixed(p.za, p.ra, p.zb, p.rb, p.zy);
    const size_t n = (size_t)pick(t, 1, 100), size = wide ? 2 : 1;
    const int step_a = !one_in(t, 4), step_b = !one_in(t, 4), in_place = pick(t, 0, 2);
    void *const a = new_input(t, n * 2), *const b = new_input(t, n * 2), *const want = new_output(n * size),
                *const got = new_output(n * size);
    fill_s16(t, a, n);
    fill_s16(t, b, n);
    for (size_t i = 0; i < n; i++) {
        const size_t k = i * step_a, l = i * step_b;
        if (wide)
            ((int16_t *)want)[i] = (int16_t)binary_one(&p, ((int16_t *)a)[k], ((int16_t *)b)[l]);
        else
            ((int8_t *)want)[i] = (int8_t)binary_one(&p, ((int8_t *)a)[k], ((int8_t *)b)[l]);
    }
    for (int li = 0; li < t->levels; li++) {
        reset_output(got, n * size);
        const void *x = in_place == 1 && step_a ? memcpy(got, a, n * size) : a,
                   *y = in_place == 2 && step_b ? memcpy(got, b, n * size) : b;
        if (wide)
            t->level[li].k.binary_s16(got, x, y, n, step_a, step_b, &p);
        else
            t->level[li].k.binary_s8(got, x, y, n, step_a, step_b, &p);
        check(t, t->level[li].name, got, want, n * size, 0,
              text_of("bytes %d op %d n %d steps %d", (int)size, (int)p.op, (int)n, step_a * 10 + step_b));
    }
}

static void test_spans(struct test *t)
{
    const size_t n = (size_t)pick(t, 1, 100);
    const float scale = 1e-5f + fabsf(real(t, 1e-4f));
    struct vn_rescale r = { .zx = 0,
                            .zy = pick(t, -128, 127),
                            .lo = pick(t, -32768, 0),
                            .hi = pick(t, 1, 32767),
                            .ratio = real(t, 2.0f) };
    int16_t *const q = new_input(t, n * 2), *const want = new_output(n * 2), *const got = new_output(n * 2);
    int16_t *const table = new_input(t, 65536 * 2);
    int8_t *const s8 = new_input(t, n), *const want8 = new_output(n), *const got8 = new_output(n),
                  *const table8 = new_input(t, 65536);
    float *const f = new_input(t, n * 4), *const want_f = new_output(n * 4), *const got_f = new_output(n * 4);
    fill_s16(t, q, n);
    fill_s16(t, table, 65536);
    fill_s8(t, table8, 65536);
    fill_s8(t, s8, n);
    fill_f32(t, f, n);
    EACH_LEVEL(quantize_s16)
    {
        for (size_t i = 0; i < n; i++) {
            const float x = f[i] / scale, c = x != x || x < -32768.0f ? -32768.0f
                                              : x > 32767.0f          ? 32767.0f
                                                                      : x;
            want[i] = (int16_t)nearbyintf(c);
        }
        reset_output(got, n * 2);
        t->level[li].k.quantize_s16(got, f, n, scale, 0);
        check(t, t->level[li].name, got, want, n * 2, 0, text_of("quantize n %d", (int)n, 0, 0, 0));
    }
    EACH_LEVEL(dequantize_s16)
    {
        for (size_t i = 0; i < n; i++)
            want_f[i] = (float)q[i] * scale;
        reset_output(got_f, n * 4);
        t->level[li].k.dequantize_s16(got_f, q, n, scale, 0);
        check(t, t->level[li].name, got_f, want_f, n * 4, 1, text_of("dequantize n %d", (int)n, 0, 0, 0));
    }
    EACH_LEVEL(rescale_s16)
    {
        for (size_t i = 0; i < n; i++)
            want[i] = (int16_t)vn_sat_rne((float)q[i] * r.ratio, r.zy, r.lo, r.hi);
        reset_output(got, n * 2);
        t->level[li].k.rescale_s16(got, q, n, &r);
        check(t, t->level[li].name, got, want, n * 2, 0, text_of("rescale n %d", (int)n, 0, 0, 0));
    }
#define IN_C(call, got, want, size, value) \
    for (size_t i = 0; i < n; i++) \
        (want)[i] = value; \
    reset_output(got, n *size); \
    call; \
    check(t, "c", got, want, n *size, 0, #call)
    IN_C(vn_table_s16_c(got, q, n, table), got, want, 2, table[q[i] + 32768]);
    IN_C(vn_table_s8_s16_c(got, s8, n, table), got, want, 2, table[s8[i] + 128]);
    IN_C(vn_table_s16_s8_c(got8, q, n, table8), got8, want8, 1, table8[q[i] + 32768]);
    r.zx = pick(t, -128, 127);
#define RESCALED(member, got, from, want, size) \
    EACH_LEVEL(member) \
    { \
        for (size_t i = 0; i < n; i++) \
            (want)[i] = vn_sat_rne((float)((from)[i] - r.zx) * r.ratio, r.zy, r.lo, r.hi); \
        reset_output(got, n *size); \
        t->level[li].k.member(got, from, n, &r); \
        check(t, t->level[li].name, got, want, n *size, 0, #member); \
    }
    RESCALED(rescale_s8_s16, got, s8, want, 2)
    r.lo = pick(t, -128, 0), r.hi = pick(t, 1, 127);
    RESCALED(rescale_s16_s8, got8, q, want8, 1)
    RESCALED(rescale_s8, got8, s8, want8, 1)
}

static void test_pool(struct test *t)
{
    struct vn_pool p = { .count_include_pad = pick(t, 0, VN_POOL_DIVISORS - 1),
                         .zy = one_in(t, 2) ? pick(t, -128, 127) : 0,
                         .ratio = 0.1f + fabsf(real(t, 2.0f)) };
    struct vn_window2d *const g = &p.g;
    *g = (struct vn_window2d){ .n = pick(t, 1, 2),
                               .h = pick(t, 1, 9),
                               .w = pick(t, 1, 9),
                               .c = pick(t, 1, 40),
                               .kh = pick(t, 1, 4),
                               .kw = pick(t, 1, 4),
                               .sh = pick(t, 1, 3),
                               .sw = pick(t, 1, 3),
                               .dh = 1,
                               .dw = 1 };
    g->ph = pick(t, 0, g->kh - 1), g->pw = pick(t, 0, g->kw - 1);
    p.ph_end = pick(t, 0, g->kh - 1), p.pw_end = pick(t, 0, g->kw - 1);
    const int rest_h = g->h + g->ph + p.ph_end - g->kh, rest_w = g->w + g->pw + p.pw_end - g->kw;
    g->oh = (rest_h < 0 ? 0 : rest_h / g->sh) + 1, g->ow = (rest_w < 0 ? 0 : rest_w / g->sw) + 1;
    g->xp = g->c + (one_in(t, 3) ? pick(t, 1, 20) : 0), g->yp = g->c + (one_in(t, 3) ? pick(t, 1, 20) : 0);
    const size_t ins = (size_t)g->n * g->h * g->w * g->xp, pixels = (size_t)g->n * g->oh * g->ow,
                 outs = pixels * g->yp;
    int16_t *const x = new_input(t, ins * 2), *const most = new_output(outs * 2),
                   *const mean = new_output(outs * 2), *const got = new_output(outs * 2);
    fill_s16(t, x, ins);
    for (size_t i = 0; i < pixels * g->c; i++) {
        const int c = (int)(i % g->c), ox = (int)(i / g->c % g->ow), oy = (int)(i / g->c / g->ow % g->oh),
                  n = (int)(i / g->c / g->ow / g->oh);
        const size_t at = i / g->c * g->yp + c;
        int max = -32768, sum = 0, inside = 0, padded = 0;
        for (int k = 0; k < g->kh * g->kw; k++) {
            const int iy = oy * g->sh - g->ph + k / g->kw, ix = ox * g->sw - g->pw + k % g->kw;
            padded += iy < g->h + p.ph_end && ix < g->w + p.pw_end;
            if (iy < 0 || iy >= g->h || ix < 0 || ix >= g->w)
                continue;
            const int16_t v = x[(((size_t)n * g->h + iy) * g->w + ix) * g->xp + c];
            max = v > max ? v : max;
            sum += v;
            inside++;
        }
        const int by[VN_POOL_DIVISORS] = { inside, padded, 1 }, taps = by[p.count_include_pad];
        most[at] = (int16_t)max;
        mean[at] = (int16_t)vn_sat_rne((float)sum * p.ratio / (float)(taps ? taps : 1), p.zy, -32768, 32767);
    }
    const int rows = g->n * g->oh, row = pick(t, 0, rows);
#define POOL(member, want) \
    EACH_LEVEL(member) \
    { \
        reset_output(got, outs * 2); \
        t->level[li].k.member(got, x, &p, 0, row); \
        t->level[li].k.member(got, x, &p, row, rows); \
        check(t, t->level[li].name, got, want, outs * 2, 0, \
              text_of("c %d kernel %dx%d", g->c, g->kh, g->kw, 0)); \
    }
    POOL(maxpool_s16, most)
    POOL(avgpool_s16, mean)
}

static void test_softmax(struct test *t)
{
    uint32_t table[VN_SOFTMAX16_ENTRIES];
    const float sx = 1e-5f + fabsf(real(t, 1e-3f));
    vn_softmax16_table(table, sx);
    for (int i = 0; i < 20; i++) { /* the two tables together are the function */
        const uint32_t d = (uint32_t)pick(t, 0, 65535);
        const double e = exp(-(double)d * (double)sx) * 1073741824.0;
        verdict(t, fabs((double)vn_softmax16_entry(table, d) - e) <= 2, "c", "exp from two tables");
    }
    struct vn_softmax p = { .n = one_in(t, 15) ? pick(t, 1000, 1100) : pick(t, 1, 150),
                            .inner = one_in(t, 2) ? 1 : pick(t, 2, 40),
                            .table = table,
                            .inv = 32767.0f };
    const int outer = pick(t, 1, 3), o = pick(t, 0, outer);
    const size_t n = (size_t)outer * p.n * p.inner;
    int16_t *const x = new_input(t, n * 2), *const want = new_output(n * 2), *const got = new_output(n * 2);
    fill_s16(t, x, n);
    for (int s = 0; s < outer * p.inner; s++) {
        const size_t at = (size_t)(s / p.inner) * p.n * p.inner + s % p.inner;
        int max = -32768;
        uint64_t sum = 0;
        for (int i = 0; i < p.n; i++)
            max = x[at + i * p.inner] > max ? x[at + i * p.inner] : max;
        for (int i = 0; i < p.n; i++)
            sum += vn_softmax16_entry(table, (uint32_t)(max - x[at + i * p.inner]));
        for (int i = 0; i < p.n; i++) {
            const double share =
                (double)vn_softmax16_entry(table, (uint32_t)(max - x[at + i * p.inner])) / (double)sum;
            want[at + i * p.inner] = (int16_t)vn_sat_rne((float)share * p.inv, 0, -32768, 32767);
        }
    }
    EACH_LEVEL(softmax_s16)
    {
        reset_output(got, n * 2);
        t->level[li].k.softmax_s16(got, x, &p, 0, o);
        t->level[li].k.softmax_s16(got, x, &p, o, outer);
        check(t, t->level[li].name, got, want, n * 2, 0,
              text_of("outer %d n %d inner %d", outer, p.n, p.inner, 0));
    }
}

static void test_resize(struct test *t)
{
    struct vn_resize2d p = { .n = 1,
                             .h = pick(t, 1, 9),
                             .w = pick(t, 1, 9),
                             .c = pick(t, 1, 40),
                             .oh = pick(t, 1, 12),
                             .ow = pick(t, 1, 12),
                             .zy = one_in(t, 2) ? pick(t, -128, 127) : 0,
                             .ratio = 0.2f + fabsf(real(t, 2.0f)) };
    int32_t index[2][24], whole[2][24];
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < 24; i += 2) {
            index[axis][i] = pick(t, 0, (axis ? p.w : p.h) - 1);
            index[axis][i + 1] = pick(t, 0, (axis ? p.w : p.h) - 1);
            whole[axis][i] = pick(t, 0, 1 << VN_RESIZE16_BITS);
            whole[axis][i + 1] = (1 << VN_RESIZE16_BITS) - whole[axis][i];
        }
    p.iy = index[0], p.ix = index[1], p.qy = whole[0], p.qx = whole[1];
    const size_t ins = (size_t)p.h * p.w * p.c, outs = (size_t)p.oh * p.ow * p.c;
    int16_t *const x = new_input(t, ins * 2), *const want = new_output(outs * 2),
                   *const got = new_output(outs * 2);
    fill_s16(t, x, ins);
    for (size_t at = 0; at < outs; at++) {
        const int c = (int)(at % p.c), ox = (int)(at / p.c % p.ow), oy = (int)(at / p.c / p.ow);
        int64_t acc = 0;
        for (int k = 0; k < 4; k++) {
            const size_t from = ((size_t)p.iy[2 * oy + k / 2] * p.w + p.ix[2 * ox + k % 2]) * p.c + c;
            acc += (int64_t)x[from] * p.qy[2 * oy + k / 2] * p.qx[2 * ox + k % 2];
        }
        want[at] = (int16_t)vn_sat_rne((float)acc * (p.ratio / 1073741824.0f), p.zy, -32768, 32767);
    }
    const int row = pick(t, 0, p.oh);
    EACH_LEVEL(resize_linear_s16)
    {
        reset_output(got, outs * 2);
        t->level[li].k.resize_linear_s16(got, x, &p, 0, row);
        t->level[li].k.resize_linear_s16(got, x, &p, row, p.oh);
        check(t, t->level[li].name, got, want, outs * 2, 0, text_of("%dx%d -> %dx%d", p.h, p.w, p.oh, p.ow));
    }
}

static void test_normalize(struct test *t)
{
    const int wide = one_in(t, 2), n = one_in(t, 20) ? 3000 : pick(t, 1, 70), rows = pick(t, 1, 4),
              row = pick(t, 0, rows);
    float *const scale = new_input(t, (size_t)n * 4), *const bias = new_input(t, (size_t)n * 4);
    struct vn_normalize p = { .n = n,
                              .centre = !one_in(t, 3),
                              .scale = scale,
                              .bias = bias,
                              .zx = wide ? 0 : pick(t, -128, 127),
                              .zy = pick(t, -128, 127),
                              .sx = 0.001f + fabsf(real(t, 0.1f)),
                              .epsilon = 1e-5 };
    const size_t count = (size_t)n * rows, size = wide ? 2 : 1;
    void *const x = new_input(t, count * 2), *const want = new_output(count * size),
                *const got = new_output(count * size);
    fill_s16(t, x, count);
    for (int i = 0; i < n; i++) {
        scale[i] = real(t, wide ? 9000.0f : 40.0f);
        bias[i] = real(t, wide ? 3000.0f : 20.0f);
    }
    for (int r = 0; r < rows; r++) {
        int64_t sum = 0, squares = 0;
        for (int i = 0; i < n; i++) {
            const int64_t v = (wide ? ((int16_t *)x)[r * n + i] : ((int8_t *)x)[r * n + i]) - p.zx;
            sum += p.centre ? v : 0;
            squares += v * v;
        }
        const double count_ = n, s = (double)p.sx;
        const double variance = (double)(n * squares - sum * sum) / (count_ * count_) * (s * s) + p.epsilon;
        const double factor = s / (count_ * sqrt(variance));
        for (int i = 0; i < n; i++) {
            const int64_t v = (wide ? ((int16_t *)x)[r * n + i] : ((int8_t *)x)[r * n + i]) - p.zx;
            const float y = (float)((double)(n * v - sum) * factor) * scale[i];
            const int32_t q = vn_sat_rne(y + bias[i], p.zy, wide ? -32768 : -128, wide ? 32767 : 127);
            if (wide)
                ((int16_t *)want)[r * n + i] = (int16_t)q;
            else
                ((int8_t *)want)[r * n + i] = (int8_t)q;
        }
    }
    for (int li = 0; li < t->levels; li++) {
        reset_output(got, count * size);
        for (int part = 0; part < 2; part++) {
            const int r0 = part ? row : 0, r1 = part ? rows : row;
            if (wide)
                t->level[li].k.normalize_s16((int16_t *)got + r0 * n, (int16_t *)x + r0 * n, &p, r0, r1);
            else
                t->level[li].k.normalize_s8((int8_t *)got + r0 * n, (int8_t *)x + r0 * n, &p, r0, r1);
        }
        check(t, t->level[li].name, got, want, count * size, 0,
              text_of("bytes %d n %d rows %d centre %d", (int)size, n, rows, p.centre));
    }
}

static void test_normalize_f32(struct test *t)
{
    const int n = one_in(t, 20) ? 3000 : pick(t, 1, 70), rows = pick(t, 1, 4), row = pick(t, 0, rows);
    const size_t count = (size_t)n * rows;
    float *const scale = new_input(t, (size_t)n * 4), *const bias = new_input(t, (size_t)n * 4);
    float *const x = new_input(t, count * 4), *const want = new_output(count * 4),
                 *const got = new_output(count * 4);
    const struct vn_normalize p = {
        .n = n, .centre = !one_in(t, 3), .scale = scale, .bias = bias, .epsilon = one_in(t, 4) ? 0 : 1e-5f
    };
    fill_f32(t, x, count);
    fill_f32(t, scale, (size_t)n);
    for (int i = 0; i < n; i++)
        bias[i] = one_in(t, 4) ? -0.0f : real(t, 3.0f);
    vn_normalize_f32_c(want, x, &p, 0, rows);
    for (int li = 0; li < t->levels; li++) {
        reset_output(got, count * 4);
        t->level[li].k.normalize_f32(got, x, &p, 0, row);
        t->level[li].k.normalize_f32(got + (size_t)row * n, x + (size_t)row * n, &p, row, rows);
        check(t, t->level[li].name, got, want, count * 4, 1,
              text_of("n %d rows %d centre %d", n, rows, p.centre, 0));
    }
}

static void test_preprocess(struct test *t)
{
    const int c = one_in(t, 2) ? 1 : 3, pixels = pick(t, 1, 150), cut = pick(t, 0, pixels);
    const size_t n = (size_t)c * pixels;
    int16_t w[9];
    int32_t bias[3];
    float mult[3];
    for (int i = 0; i < 9; i++)
        w[i] = (int16_t)pick(t, -32768, 32767);
    for (int i = 0; i < 3; i++) {
        bias[i] = pick(t, -10000000, 10000000);
        mult[i] = fabsf(real(t, 1e-2f));
    }
    const struct vn_preprocess_s8 p = { c, w, bias, mult, 0 };
    int8_t *const x = new_input(t, n);
    int16_t *const want = new_output(n * 2), *const got = new_output(n * 2);
    fill_s8(t, x, n);
    for (size_t i = 0; i < n; i++) {
        int64_t acc = bias[i % c];
        for (int k = 0; k < c; k++)
            acc += (int64_t)w[i % c * c + k] * x[i - i % c + k];
        want[i] = (int16_t)vn_sat_rne((float)acc * mult[i % c], 0, -32768, 32767);
    }
    EACH_LEVEL(preprocess_s16)
    {
        reset_output(got, n * 2);
        t->level[li].k.preprocess_s16(got, x, &p, 0, (size_t)cut);
        t->level[li].k.preprocess_s16(got, x, &p, (size_t)cut, (size_t)pixels);
        check(t, t->level[li].name, got, want, n * 2, 0, text_of("c %d pixels %d", c, pixels, 0, 0));
    }
}

const struct family s16_families[] = {
    { "matmul_s16", test_matmul, 300 },         { "binary_s16", test_binary, 900 },
    { "spans_s16", test_spans, 200 },           { "pool_s16", test_pool, 300 },
    { "softmax_s16", test_softmax, 100 },       { "resize_s16", test_resize, 200 },
    { "normalize_s16", test_normalize, 200 },   { "normalize_f32", test_normalize_f32, 200 },
    { "preprocess_s16", test_preprocess, 100 }, { 0 },
};
