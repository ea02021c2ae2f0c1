/* tests/kernel/conv_cases.c - convolutions against sums written straight from the contract: OIHW weights, one
 * output at a time. */
#include "harness.h"

#include <math.h>

static const char *describe(const struct vn_window2d *g, const char *more)
{
    static char text[256];
    snprintf(text, sizeof text,
             "n%d %dx%dx%d -> %dx%dx%d kernel %dx%d stride %d,%d dilation %d,%d pad %d,%d groups %d pitch "
             "%d,%d,%d %s",
             g->n, g->h, g->w, g->c, g->oh, g->ow, g->k, g->kh, g->kw, g->sh, g->sw, g->dh, g->dw, g->ph,
             g->pw, g->groups, g->xp, g->yp, g->rp, more);
    return text;
}

/* Output size: as the usual formula has it with some padding behind, or one more than that covers. */
static int out_size(struct test *t, int in, int taps, int stride, int dilation, int pad)
{
    const int span = (taps - 1) * dilation + 1, rest = in + pad + pick(t, 0, taps - 1) - span;
    return (rest < 0 ? 0 : rest / stride) + 1 + one_in(t, 20);
}

/* Most tensors are whole; the others are some channels of a larger one. */
static void random_pitch(struct test *t, struct vn_window2d *g)
{
    g->xp = g->c + (one_in(t, 3) ? pick(t, 1, 40) : 0);
    g->yp = g->k + (one_in(t, 3) ? pick(t, 1, 40) : 0);
    g->rp = one_in(t, 6) ? 0 : g->k + (one_in(t, 3) ? pick(t, 1, 40) : 0);
}

static size_t in_size(const struct vn_window2d *g) { return (size_t)g->n * g->h * g->w * g->xp; }
static size_t out_pixels(const struct vn_window2d *g) { return (size_t)g->n * g->oh * g->ow; }
static size_t residual_size(const struct vn_window2d *g)
{
    return g->rp ? out_pixels(g) * g->rp : (size_t)g->k; /* of each pixel, or one of all */
}

static void random_window(struct test *t, struct vn_window2d *g, int depthwise)
{
    static const int group_choices[] = { 1, 1, 1, 1, 2, 3, 4 };
    static const int taps[] = { 1, 1, 3, 3, 3, 5, 2, 7 };
    *g = (struct vn_window2d){ .n = pick(t, 1, 2), .h = pick(t, 1, 12), .w = pick(t, 1, 12) };
    g->groups = group_choices[pick(t, 0, 6)];
    g->c = pick(t, 1, 40);
    g->k = one_in(t, 4) ? pick(t, 60, 130) : pick(t, 1, 40);
    if (depthwise) {
        g->c = one_in(t, 4) ? pick(t, 60, 130) : one_in(t, 3) ? 8 * pick(t, 1, 4) : g->c;
        g->w = one_in(t, 4) ? pick(t, 12, 60) : g->w;
        g->groups = g->k = g->c;
    } else {
        g->c = (g->c + g->groups - 1) / g->groups * g->groups;
        g->k = (g->k + g->groups - 1) / g->groups * g->groups;
    }
    g->kh = taps[pick(t, 0, 7)];
    g->kw = one_in(t, 3) ? taps[pick(t, 0, 7)] : g->kh;
    if (depthwise && one_in(t, 40))
        g->kh = g->kw = 12; /* more taps than the vector kernels plan for */
    if (depthwise && one_in(t, 40))
        g->w = pick(t, 400, 1200), g->h = 3; /* longer rows */
    if (!depthwise && one_in(t, 25)) {
        g->c = g->groups * pick(t, 1020, 1400); /* more than a patch takes, and than a list */
        g->k = g->groups * pick(t, 1, 5);
        g->h = g->w = 3;
    }
    const int plain = one_in(t, 3);
    g->sh = plain ? 1 : pick(t, 1, 3);
    g->sw = one_in(t, 4) ? pick(t, 1, 3) : g->sh;
    g->dh = one_in(t, 4) ? pick(t, 1, 3) : 1;
    g->dw = one_in(t, 4) ? pick(t, 1, 3) : 1;
    g->ph = plain && g->kh == 1 ? 0 : pick(t, 0, g->kh - 1);
    g->pw = plain && g->kw == 1 ? 0 : pick(t, 0, g->kw - 1);
    g->oh = out_size(t, g->h, g->kh, g->sh, g->dh, g->ph);
    g->ow = out_size(t, g->w, g->kw, g->sw, g->dw, g->pw);
    random_pitch(t, g);
}

/* Input element of a tap, or -1 for padding. */
static long input_at(const struct vn_window2d *g, int n, int oy, int ox, int ky, int kx, int c)
{
    const int iy = oy * g->sh - g->ph + ky * g->dh, ix = ox * g->sw - g->pw + kx * g->dw;
    if (iy < 0 || iy >= g->h || ix < 0 || ix >= g->w)
        return -1;
    return (((long)n * g->h + iy) * g->w + ix) * g->xp + c;
}

/* Numbers per output channel, as the network has them. */
struct channels_s8 {
    const int8_t *w; /* OIHW */
    int32_t *bias, *wsum;
    float *mult;
};

static void naive_s8(void *out, const int8_t *x, const struct vn_conv_s8 *p, const struct channels_s8 *ch)
{
    const struct vn_window2d *const g = &p->g;
    const int cg = g->c / g->groups, kg = g->k / g->groups;
    for (int n = 0; n < g->n; n++)
        for (int oy = 0; oy < g->oh; oy++)
            for (int ox = 0; ox < g->ow; ox++)
                for (int k = 0; k < g->k; k++) {
                    const size_t pixel = ((size_t)n * g->oh + oy) * g->ow + ox, at = pixel * g->yp + k;
                    int64_t acc = ch->bias[k];
                    for (int ky = 0; ky < g->kh; ky++)
                        for (int kx = 0; kx < g->kw; kx++)
                            for (int c = 0; c < cg; c++) {
                                const long i = input_at(g, n, oy, ox, ky, kx, k / kg * cg + c);
                                if (i >= 0)
                                    acc += (int64_t)(x[i] - p->zx) *
                                           ch->w[(((size_t)k * cg + c) * g->kh + ky) * g->kw + kx];
                            }
                    if (p->out_f32) {
                        ((float *)out)[at] = (float)acc * ch->mult[k];
                    } else if (p->residual) {
                        const int32_t m = vn_sat_rne((float)acc * ch->mult[k], p->z_mid, -128, 127);
                        const float a = (float)m, b = (float)p->residual[pixel * g->rp + k];
                        const float sum = p->residual_first ? fmaf(b, p->r_res, fmaf(a, p->r_mid, p->fixed))
                                                            : fmaf(a, p->r_mid, fmaf(b, p->r_res, p->fixed));
                        ((int8_t *)out)[at] = (int8_t)vn_sat_rne(sum, 0, p->lo, p->hi);
                    } else if (p->out_s16) {
                        ((int16_t *)out)[at] =
                            (int16_t)vn_sat_rne((float)acc * ch->mult[k], p->zy, p->lo, p->hi);
                    } else {
                        ((int8_t *)out)[at] =
                            (int8_t)vn_sat_rne((float)acc * ch->mult[k], p->zy, p->lo, p->hi);
                    }
                }
}

static int32_t random_zero(struct test *t)
{
    static const int ends[] = { -128, 127, 0 };
    return one_in(t, 2) ? ends[pick(t, 0, 2)] : pick(t, -128, 127);
}

static void random_channels_s8(struct test *t, struct channels_s8 *ch, const struct vn_conv_s8 *p)
{
    const struct vn_window2d *const g = &p->g;
    const size_t per = (size_t)g->c / g->groups * g->kh * g->kw;
    int8_t *const w = new_input(t, per * g->k);
    fill_s8(t, w, per * g->k);
    *ch = (struct channels_s8){ w, new_input(t, g->k * sizeof(int32_t)), new_input(t, g->k * sizeof(int32_t)),
                                new_input(t, g->k * sizeof(float)) };
    const int steep = one_in(t, 8); /* results far beyond their type */
    const float size = steep ? 0.3f : (p->out_s16 ? 200.0f : 1.0f) / (sqrtf((float)per) * 100.0f);
    const int most = steep ? VN_NARROW_BIAS : 100000;
    for (int k = 0; k < g->k; k++) {
        ch->wsum[k] = 0;
        for (size_t i = 0; i < per; i++)
            ch->wsum[k] += w[k * per + i];
        ch->bias[k] = p->wide ? (one_in(t, 2) ? INT32_MAX : INT32_MIN) : pick(t, -most, most);
        ch->mult[k] = one_in(t, 60) ? odd_float(t) : size * (0.1f + fabsf(real(t, 1.0f)));
        if (p->wide)
            ch->mult[k] = 4e-8f;
    }
}

/* Call in four parts: rows and blocks cut at random places. */
static void in_parts(struct test *t, vn_conv_s8_fn *fn, void *out, const int8_t *x,
                     const struct vn_conv_s8 *p, int blocks)
{
    const int rows = p->g.n * p->g.oh, row = pick(t, 0, rows), kb = pick(t, 0, blocks);
    fn(out, x, p, 0, row, 0, kb);
    fn(out, x, p, 0, row, kb, blocks);
    fn(out, x, p, row, rows, 0, kb);
    fn(out, x, p, row, rows, kb, blocks);
}

static void conv_s8(struct test *t, int depthwise)
{
    struct vn_conv_s8 p = {
        .zx = random_zero(t), .zy = random_zero(t), .lo = -128, .hi = 127, .wide = one_in(t, 15)
    };
    struct vn_window2d *const g = &p.g;
    random_window(t, g, depthwise);
    if (one_in(t, 3))
        p.lo = p.zy;
    if (one_in(t, 4))
        p.hi = pick(t, p.lo, 127);
    p.out_f32 = one_in(t, 4);
    p.out_s16 = !p.out_f32 && one_in(t, 4);
    if (p.out_s16)
        p.lo = -32768, p.hi = one_in(t, 2) ? 32767 : pick(t, 0, 32767);
    const size_t outs = out_pixels(g) * g->yp, ins = in_size(g);
    if (!p.out_f32 && !p.out_s16 && one_in(t, 3)) {
        int8_t *const res = new_input(t, residual_size(g));
        fill_s8(t, res, residual_size(g));
        p.residual = res;
        p.z_mid = random_zero(t);
        p.residual_first = one_in(t, 2);
        p.r_mid = real(t, 2.0f);
        p.r_res = real(t, 2.0f);
        p.fixed = vn_add_fixed(p.z_mid, p.r_mid, random_zero(t), p.r_res, p.zy);
    }
    int8_t *const x = new_input(t, ins);
    fill_s8(t, x, ins);
    struct channels_s8 ch;
    random_channels_s8(t, &ch, &p);

    const int blocks = depthwise ? (g->c + VN_OCB - 1) / VN_OCB : vn_conv_blocks(g);
    if (depthwise) {
        int8_t *const w = malloc((size_t)g->kh * g->kw * g->c); /* no slack: weights are read within bounds */
        vn_dwconv_s8_pack(w, ch.w, g);
        p.weight = w;
        p.bias = ch.bias;
        p.mult = ch.mult;
        p.wsum = ch.wsum;
    } else {
        int8_t *const w = malloc(vn_conv_s8_packed_bytes(g));
        int32_t *const sums = new_input(t, 2 * (size_t)blocks * VN_OCB * sizeof *sums);
        float *const mult = new_input(t, (size_t)blocks * VN_OCB * sizeof *mult);
        vn_conv_s8_pack(w, ch.w, g);
        vn_conv_pack_i32(sums, ch.bias, g);
        vn_conv_pack_i32(sums + blocks * VN_OCB, ch.wsum, g);
        vn_conv_pack_f32(mult, ch.mult, g);
        p.weight = w;
        p.bias = sums;
        p.wsum = sums + blocks * VN_OCB;
        p.mult = mult;
    }

    const size_t bytes = outs * (p.out_f32 ? sizeof(float) : p.out_s16 ? 2 : 1);
    void *const want = new_output(bytes), *const got = new_output(bytes);
    naive_s8(want, x, &p, &ch);
    char more[96];
    snprintf(more, sizeof more, "zx %d zy %d%s%s%s", p.zx, p.zy, p.residual ? " residual" : "",
             p.out_f32   ? " f32"
             : p.out_s16 ? " s16"
                         : "",
             p.wide ? " wide" : "");
    vn_conv_s8_fn *before = NULL;
    for (int i = 0; i < t->levels; i++) {
        vn_conv_s8_fn *const fn = depthwise ? t->level[i].k.dwconv_s8 : t->level[i].k.conv_s8;
        if (fn == before)
            continue;
        before = fn;
        reset_output(got, bytes);
        in_parts(t, fn, got, x, &p, blocks);
        check(t, t->level[i].name, got, want, bytes, p.out_f32, describe(g, more));
    }
    free((void *)p.weight);
}

static void test_conv_s8(struct test *t) { conv_s8(t, 0); }
static void test_dwconv_s8(struct test *t) { conv_s8(t, 1); }

/* ---- int16 ---- */

static int max_of(int a, int b) { return a > b ? a : b; }

static void conv_s16(struct test *t, int depthwise)
{
    struct vn_conv_s16 p = { .zy = one_in(t, 4) ? random_zero(t) : 0,
                             .lo = -32768,
                             .hi = 32767,
                             .wide_weights = one_in(t, 2),
                             .out_f32 = one_in(t, 4) };
    struct vn_window2d *const g = &p.g;
    random_window(t, g, depthwise);
    if (one_in(t, 3))
        p.lo = p.zy;
    const size_t outs = out_pixels(g) * g->yp, ins = in_size(g);
    const size_t per = (size_t)g->c / g->groups * g->kh * g->kw, weights = per * g->k;
    const int blocks = depthwise ? (g->c + VN_OCB - 1) / VN_OCB : vn_conv_blocks(g);
    int16_t *const x = new_input(t, ins * 2), *const w16 = new_input(t, weights * 2);
    int8_t *const w8 = new_input(t, weights);
    int32_t *const bias = new_input(t, g->k * sizeof *bias), *const packed_bias =
                                                                 new_input(t, (size_t)blocks * VN_OCB * 4);
    float *const mult = new_input(t, g->k * sizeof *mult), *const packed_mult =
                                                               new_input(t, (size_t)blocks * VN_OCB * 4);
    fill_s16(t, x, ins);
    fill_s16(t, w16, weights);
    const int smaller = pick(t, 0, 8), fewer = one_in(t, 3) ? pick(t, 1, 8) : 0; /* runs of every length */
    const int one_sided = one_in(t, 3); /* inputs of at least 0, or at most, are centred */
    for (size_t i = 0; i < weights; i++)
        w16[i] = (int16_t)(max_of(w16[i], -32767) / (1 << smaller));
    for (size_t i = 0; i < ins && (one_sided || fewer); i++)
        x[i] = (int16_t)((one_sided ? x[i] & 0x7fff : x[i]) / (1 << fewer));
    if (one_sided && one_in(t, 2))
        for (size_t i = 0; i < ins; i++)
            x[i] = (int16_t)-x[i];
    if (one_in(t, 10))
        w16[pick(t, 0, (int)weights - 1)] = -32768; /* pairs that do not fit */
    fill_s8(t, w8, weights);
    for (int k = 0; k < g->k; k++) {
        bias[k] = one_in(t, 8) ? (one_in(t, 2) ? INT32_MAX : INT32_MIN) : pick(t, -100000000, 100000000);
        mult[k] = (0.1f + fabsf(real(t, 1.0f))) / (sqrtf((float)per) * (p.wide_weights ? 30000.0f : 120.0f));
    }
    void *const packed = malloc(depthwise ? weights * 2 : vn_conv_s8_packed_bytes(g) * 2); /* no slack */
    if (p.wide_weights)
        (depthwise ? vn_dwconv_s16_pack : vn_conv_s16_pack)(packed, w16, g);
    else
        (depthwise ? vn_dwconv_s8_pack : vn_conv_s8_pack)(packed, w8, g);
    if (!depthwise) {
        vn_conv_pack_i32(packed_bias, bias, g);
        vn_conv_pack_f32(packed_mult, mult, g);
    }
    p.weight = packed;
    p.bias = depthwise ? bias : packed_bias;
    p.mult = depthwise ? mult : packed_mult;
    vn_conv_s16_sums(&p, depthwise);

    const size_t bytes = outs * (p.out_f32 ? 4 : 2);
    void *const want = new_output(bytes), *const got = new_output(bytes);
    const int cg = g->c / g->groups, kg = g->k / g->groups;
    for (size_t i = 0; i < out_pixels(g) * g->k; i++) {
        const int k = (int)(i % g->k), ox = (int)(i / g->k % g->ow), oy = (int)(i / g->k / g->ow % g->oh),
                  n = (int)(i / g->k / g->ow / g->oh);
        const size_t at = i / g->k * g->yp + k;
        int64_t acc = bias[k];
        for (size_t j = 0; j < per; j++) {
            const int c = (int)(j / (g->kh * g->kw)), ky = (int)(j / g->kw % g->kh), kx = (int)(j % g->kw);
            const long from = input_at(g, n, oy, ox, ky, kx, k / kg * cg + c);
            if (from >= 0)
                acc += (int64_t)x[from] * (p.wide_weights ? w16[k * per + j] : w8[k * per + j]);
        }
        if (p.out_f32)
            ((float *)want)[at] = (float)acc * mult[k];
        else
            ((int16_t *)want)[at] = (int16_t)vn_sat_rne((float)acc * mult[k], p.zy, p.lo, p.hi);
    }
    vn_conv_s16_fn *before = NULL;
    for (int i = 0; i < t->levels; i++) {
        vn_conv_s16_fn *const fn = depthwise ? t->level[i].k.dwconv_s16 : t->level[i].k.conv_s16;
        if (fn == before)
            continue;
        before = fn;
        reset_output(got, bytes);
        const int rows = g->n * g->oh, row = pick(t, 0, rows), kb = pick(t, 0, blocks);
        fn(got, x, &p, 0, row, 0, kb);
        fn(got, x, &p, 0, row, kb, blocks);
        fn(got, x, &p, row, rows, 0, kb);
        fn(got, x, &p, row, rows, kb, blocks);
        check(t, t->level[i].name, got, want, bytes, p.out_f32,
              describe(g, p.wide_weights ? "int16 weights" : "int8 weights"));
    }
    free(packed);
}

static void test_conv_s16(struct test *t) { conv_s16(t, 0); }
static void test_dwconv_s16(struct test *t) { conv_s16(t, 1); }

static void naive_f32(float *out, const float *x, const float *w, const float *bias,
                      const struct vn_conv_f32 *p)
{
    const struct vn_window2d *const g = &p->g;
    const int cg = g->c / g->groups, kg = g->k / g->groups;
    for (int n = 0; n < g->n; n++)
        for (int oy = 0; oy < g->oh; oy++)
            for (int ox = 0; ox < g->ow; ox++)
                for (int k = 0; k < g->k; k++) {
                    const size_t pixel = ((size_t)n * g->oh + oy) * g->ow + ox;
                    float y = bias[k];
                    for (int ky = 0; ky < g->kh; ky++)
                        for (int kx = 0; kx < g->kw; kx++)
                            for (int c = 0; c < cg; c++) {
                                const long i = input_at(g, n, oy, ox, ky, kx, k / kg * cg + c);
                                y = fmaf(i < 0 ? 0.0f : x[i],
                                         w[(((size_t)k * cg + c) * g->kh + ky) * g->kw + kx], y);
                            }
                    if (p->residual)
                        y = y + p->residual[pixel * g->rp + k];
                    y = y > p->lo ? y : p->lo;
                    out[pixel * g->yp + k] = y < p->hi ? y : p->hi;
                }
}

static void conv_f32(struct test *t, int depthwise)
{
    struct vn_conv_f32 p = { .lo = one_in(t, 3) ? 0.0f : -INFINITY, .hi = one_in(t, 3) ? 6.0f : INFINITY };
    struct vn_window2d *const g = &p.g;
    random_window(t, g, depthwise);
    const size_t outs = out_pixels(g) * g->yp, ins = in_size(g);
    const size_t weights = (size_t)g->c / g->groups * g->kh * g->kw * g->k;
    const int blocks = depthwise ? (g->c + VN_OCB - 1) / VN_OCB : vn_conv_blocks(g);
    float *const x = new_input(t, ins * sizeof *x), *const w = new_input(t, weights * sizeof *w);
    float *const bias = new_input(t, g->k * sizeof *bias), *const res =
                                                               new_input(t, residual_size(g) * sizeof *res);
    fill_f32(t, x, ins);
    fill_f32(t, w, weights);
    fill_f32(t, bias, (size_t)g->k);
    fill_f32(t, res, residual_size(g));
    p.residual = one_in(t, 3) ? res : NULL;

    float *const packed = malloc(depthwise ? weights * sizeof *packed : vn_conv_f32_packed_bytes(g));
    float *const packed_bias = malloc((size_t)blocks * VN_OCB * sizeof *packed_bias);
    p.weight = packed;
    p.bias = depthwise ? bias : packed_bias;
    if (depthwise) {
        vn_dwconv_f32_pack(packed, w, g);
    } else {
        vn_conv_f32_pack(packed, w, g);
        vn_conv_pack_f32(packed_bias, bias, g);
    }

    float *const want = new_output(outs * sizeof *want), *const got = new_output(outs * sizeof *got);
    naive_f32(want, x, w, bias, &p);
    vn_conv_f32_fn *before = NULL;
    for (int i = 0; i < t->levels; i++) {
        vn_conv_f32_fn *const fn = depthwise ? t->level[i].k.dwconv_f32 : t->level[i].k.conv_f32;
        if (fn == before)
            continue;
        before = fn;
        reset_output(got, outs * sizeof *got);
        const int rows = g->n * g->oh, row = pick(t, 0, rows), kb = pick(t, 0, blocks);
        fn(got, x, &p, 0, row, 0, kb);
        fn(got, x, &p, 0, row, kb, blocks);
        fn(got, x, &p, row, rows, 0, kb);
        fn(got, x, &p, row, rows, kb, blocks);
        check(t, t->level[i].name, got, want, outs * sizeof *got, 1,
              describe(g, p.residual ? "residual" : ""));
    }
    free(packed);
    free(packed_bias);
}

static void test_conv_f32(struct test *t) { conv_f32(t, 0); }
static void test_dwconv_f32(struct test *t) { conv_f32(t, 1); }

const struct family conv_families[] = {
    { "conv_s8", test_conv_s8, 2000 },
    { "dwconv_s8", test_dwconv_s8, 1500 },
    { "conv_s16", test_conv_s16, 600 },
    { "dwconv_s16", test_dwconv_s16, 500 },
    { "conv_f32", test_conv_f32, 1000 },
    { "dwconv_f32", test_dwconv_f32, 1000 },
    { 0 },
};
