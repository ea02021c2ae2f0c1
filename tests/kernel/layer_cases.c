/* tests/kernel/layer_cases.c - layers of known networks: one list drives the comparison with C and the times
 * of the same calls.
 *
 * Buffers end at pages that cannot be touched: inputs with their slack, outputs and weights without any. */
#include "harness.h"

#include <math.h>

#include <vernier/session.h>

enum kind { DENSE, DEPTHWISE, PRODUCT };

struct layer {
    const char *network;
    enum kind kind;
    int h, w, c, k; /* PRODUCT: h rows of c elements times a matrix of k columns */
    int kh, kw, stride, groups;
    int residual;
};

static const struct layer layers[] = {
    { "resnet50", DENSE, 56, 56, 64, 64, 1, 1, 1, 1 },
    { "resnet50", DENSE, 56, 56, 64, 64, 3, 3, 1, 1 },
    { "resnet50", DENSE, 56, 56, 64, 256, 1, 1, 1, 1, 1 },
    { "resnet50", DENSE, 56, 56, 256, 64, 1, 1, 1, 1 },
    { "resnet50", DENSE, 56, 56, 128, 128, 3, 3, 2, 1 },
    { "resnet50", DENSE, 28, 28, 128, 128, 3, 3, 1, 1 },
    { "resnet50", DENSE, 28, 28, 512, 128, 1, 1, 1, 1 },
    { "resnet50", DENSE, 14, 14, 256, 256, 3, 3, 1, 1 },
    { "resnet50", DENSE, 14, 14, 256, 1024, 1, 1, 1, 1, 1 },
    { "resnet50", DENSE, 14, 14, 1024, 2048, 1, 1, 2, 1 },
    { "resnet50", DENSE, 7, 7, 512, 512, 3, 3, 1, 1 },
    { "resnet50", DENSE, 7, 7, 2048, 512, 1, 1, 1, 1 },
    { "resnet50", DENSE, 1, 1, 2048, 1000, 1, 1, 1, 1 },
    { "mobilenet_v2", DENSE, 224, 224, 3, 32, 3, 3, 2, 1 },
    { "mobilenet_v2", DEPTHWISE, 112, 112, 32, 32, 3, 3, 1, 32 },
    { "mobilenet_v2", DENSE, 112, 112, 32, 16, 1, 1, 1, 1 },
    { "mobilenet_v2", DENSE, 112, 112, 16, 96, 1, 1, 1, 1 },
    { "mobilenet_v2", DEPTHWISE, 112, 112, 96, 96, 3, 3, 2, 96 },
    { "mobilenet_v2", DENSE, 56, 56, 96, 24, 1, 1, 1, 1 },
    { "mobilenet_v2", DENSE, 56, 56, 24, 144, 1, 1, 1, 1 },
    { "mobilenet_v2", DEPTHWISE, 56, 56, 144, 144, 3, 3, 1, 144 },
    { "mobilenet_v2", DENSE, 28, 28, 192, 32, 1, 1, 1, 1, 1 },
    { "mobilenet_v2", DEPTHWISE, 14, 14, 576, 576, 3, 3, 1, 576 },
    { "mobilenet_v2", DENSE, 7, 7, 960, 320, 1, 1, 1, 1 },
    { "mobilenet_v1 0.25", DEPTHWISE, 112, 112, 8, 8, 3, 3, 1, 8 },
    { "mobilenet_v1 0.25", DENSE, 112, 112, 8, 16, 1, 1, 1, 1 },
    { "mobilenet_v1 0.25", DEPTHWISE, 112, 112, 16, 16, 3, 3, 2, 16 },
    { "mobilenet_v1 0.25", DENSE, 56, 56, 16, 32, 1, 1, 1, 1 },
    { "mobilenet_v1 0.25", DEPTHWISE, 56, 56, 32, 32, 3, 3, 1, 32 },
    { "mobilenet_v1 0.25", DENSE, 56, 56, 32, 32, 1, 1, 1, 1 },
    { "mobilenet_v1 0.25", DENSE, 14, 14, 128, 128, 1, 1, 1, 1 },
    { "mobilenet_v1 0.25", DEPTHWISE, 14, 14, 128, 128, 3, 3, 1, 128 },
    { "resnet20", DENSE, 32, 32, 3, 16, 3, 3, 1, 1 },
    { "resnet20", DENSE, 32, 32, 16, 16, 3, 3, 1, 1, 1 },
    { "resnet20", DENSE, 16, 16, 32, 32, 3, 3, 1, 1 },
    { "resnet20", DENSE, 8, 8, 64, 64, 3, 3, 1, 1, 1 },
    { "fastestdet", DENSE, 88, 88, 24, 24, 1, 1, 1, 1 },
    { "fastestdet", DEPTHWISE, 44, 44, 24, 24, 3, 3, 1, 24 },
    { "fastestdet", DENSE, 44, 44, 24, 24, 1, 1, 1, 1 },
    { "fastestdet", DENSE, 22, 22, 48, 48, 1, 1, 1, 1 },
    { "fastestdet", DEPTHWISE, 22, 22, 96, 96, 5, 5, 1, 96 },
    { "rfb320", DENSE, 120, 160, 16, 32, 1, 1, 1, 1 },
    { "rfb320", DEPTHWISE, 120, 160, 16, 16, 3, 3, 1, 16 },
    { "rfb320", DENSE, 30, 40, 64, 8, 1, 1, 1, 1 },
    { "rfb320", DENSE, 30, 40, 12, 16, 3, 3, 1, 1 },
    { "segformer", DENSE, 128, 128, 3, 32, 7, 7, 4, 1 },
    { "segformer", DENSE, 32, 32, 32, 32, 8, 8, 8, 1 },
    { "segformer", DEPTHWISE, 32, 32, 128, 128, 3, 3, 1, 128 },
    { "segformer", PRODUCT, 1024, 1, 32, 64, 1, 1, 1, 1 },
    { "segformer", PRODUCT, 1024, 1, 64, 32, 1, 1, 1, 1 },
    { "vit_b_16", PRODUCT, 197, 1, 64, 197, 1, 1, 1, 1 },
    { "vit_b_16", PRODUCT, 197, 1, 197, 64, 1, 1, 1, 1 },
    { "one row", PRODUCT, 1, 1, 256, 256, 1, 1, 1, 1 },
};
#define LAYERS ((int)(sizeof layers / sizeof *layers))

enum element { INT8, INT16, FLOAT, ELEMENTS };

struct call {
    const struct layer *l;
    enum element e;
    size_t bytes; /* of the output */
    struct vn_window2d g;
    struct vn_conv_s8 s8;
    struct vn_conv_s16 s16;
    struct vn_conv_f32 f32;
    struct vn_matmul matmul;
    void *x, *b, *y;
};

static void run(const struct call *c, const struct vn_kernels *k)
{
    const int rows = c->g.n * c->g.oh;
    const int blocks = c->l->kind == DEPTHWISE ? (c->g.k + VN_OCB - 1) / VN_OCB : vn_conv_blocks(&c->g);
    const int dense = c->l->kind == DENSE;
    if (c->l->kind == PRODUCT && c->e == FLOAT)
        k->matmul_f32(c->y, c->x, c->b, &c->matmul, 0, c->matmul.m);
    else if (c->l->kind == PRODUCT && c->e == INT16)
        k->matmul_s16(c->y, c->x, c->b, &c->matmul, 0, c->matmul.m);
    else if (c->l->kind == PRODUCT)
        k->matmul_s8(c->y, c->x, c->b, &c->matmul, 0, c->matmul.m);
    else if (c->e == FLOAT)
        (dense ? k->conv_f32 : k->dwconv_f32)(c->y, c->x, &c->f32, 0, rows, 0, blocks);
    else if (c->e == INT16)
        (dense ? k->conv_s16 : k->dwconv_s16)(c->y, c->x, &c->s16, 0, rows, 0, blocks);
    else
        (dense ? k->conv_s8 : k->dwconv_s8)(c->y, c->x, &c->s8, 0, rows, 0, blocks);
}

/* What the call runs at a level: equal pointers are the same call. */
static const char *kernel_name(const struct call *c)
{
    static const char *const names[3][ELEMENTS] = { { "conv_s8", "conv_s16", "conv_f32" },
                                                    { "dwconv_s8", "dwconv_s16", "dwconv_f32" },
                                                    { "matmul_s8", "matmul_s16", "matmul_f32" } };
    return names[c->l->kind][c->e];
}

static const void *kernel_of(const struct call *c, const struct vn_kernels *k)
{
    const void *const all[3][ELEMENTS] = {
        { (const void *)k->conv_s8, (const void *)k->conv_s16, (const void *)k->conv_f32 },
        { (const void *)k->dwconv_s8, (const void *)k->dwconv_s16, (const void *)k->dwconv_f32 },
        { (const void *)k->matmul_s8, (const void *)k->matmul_s16, (const void *)k->matmul_f32 },
    };
    return all[c->l->kind][c->e];
}

static struct vn_window2d window_of(const struct layer *l)
{
    const int ph = l->kh < 8 ? l->kh / 2 : 0,
              pw = l->kw < 8 ? l->kw / 2 : 0; /* 8: segformer's reduction has no padding */
    return (struct vn_window2d){ .n = 1,
                                 .h = l->h,
                                 .w = l->w,
                                 .c = l->c,
                                 .k = l->k,
                                 .groups = l->groups,
                                 .oh = (l->h + 2 * ph - l->kh) / l->stride + 1,
                                 .ow = (l->w + 2 * pw - l->kw) / l->stride + 1,
                                 .kh = l->kh,
                                 .kw = l->kw,
                                 .sh = l->stride,
                                 .sw = l->stride,
                                 .xp = l->c,
                                 .yp = l->k,
                                 .rp = l->k,
                                 .dh = 1,
                                 .dw = 1,
                                 .ph = ph,
                                 .pw = pw };
}

static int8_t *bytes_of(struct test *t, size_t n, size_t slack)
{
    int8_t *const x = new_paged(n + slack);
    for (size_t i = 0; i < n + slack; i++)
        x[i] = (int8_t)next(t);
    return x;
}

static float *floats_of(struct test *t, size_t n, size_t slack)
{
    float *const x = new_paged(n * sizeof *x + slack);
    for (size_t i = 0; i < n; i++)
        x[i] = real(t, 1.0f);
    return x;
}

static void prepare_s8(struct test *t, struct call *c)
{
    const struct vn_window2d *const g = &c->g;
    const int depthwise = c->l->kind == DEPTHWISE;
    const size_t per = (size_t)g->c / g->groups * g->kh * g->kw;
    const size_t entries = depthwise ? (size_t)g->k : (size_t)vn_conv_blocks(g) * VN_OCB;
    int8_t *const w = bytes_of(t, per * g->k, 0);
    int8_t *const packed = new_paged(depthwise ? per * g->k : vn_conv_s8_packed_bytes(g));
    int32_t *const sums = new_paged((size_t)g->k * 2 * sizeof *sums);
    float *const m = floats_of(t, g->k, 0);
    for (int k = 0; k < g->k; k++) {
        sums[k] = pick(t, -2000, 2000);
        sums[g->k + k] = 0;
        for (size_t i = 0; i < per; i++)
            sums[g->k + k] += w[k * per + i];
        m[k] = (1.5f + m[k]) / (sqrtf((float)per) * 100.0f);
    }
    int32_t *const bias = new_paged(entries * sizeof *bias), *const wsum = new_paged(entries * sizeof *wsum);
    float *const mult = new_paged(entries * sizeof *mult);
    (depthwise ? vn_dwconv_s8_pack : vn_conv_s8_pack)(packed, w, g);
    if (depthwise) {
        memcpy(bias, sums, entries * 4);
        memcpy(wsum, sums + g->k, entries * 4);
        memcpy(mult, m, entries * 4);
    } else {
        vn_conv_pack_i32(bias, sums, g);
        vn_conv_pack_i32(wsum, sums + g->k, g);
        vn_conv_pack_f32(mult, m, g);
    }
    c->s8 = (struct vn_conv_s8){ .g = *g,
                                 .weight = packed,
                                 .bias = bias,
                                 .wsum = wsum,
                                 .mult = mult,
                                 .zx = -3,
                                 .zy = -128,
                                 .lo = -128,
                                 .hi = 127 };
    if (c->l->residual) {
        c->s8.residual = bytes_of(t, c->bytes, BIN_SLACK);
        c->s8.z_mid = 3;
        c->s8.r_mid = 0.6f;
        c->s8.r_res = 0.7f;
        c->s8.fixed = vn_add_fixed(3, 0.6f, -4, 0.7f, -128);
    }
}

/* Weights and inputs as networks have them: most of them small. */
static int16_t *words_of(struct test *t, size_t n, size_t slack)
{
    int16_t *const x = new_paged(n * sizeof *x + slack);
    for (size_t i = 0; i < n; i++)
        x[i] = (int16_t)(pick(t, -32767, 32767) / (1 + pick(t, 0, 15)));
    return x;
}

static void prepare_s16(struct test *t, struct call *c)
{
    const struct vn_window2d *const g = &c->g;
    const int depthwise = c->l->kind == DEPTHWISE;
    const size_t per = (size_t)g->c / g->groups * g->kh * g->kw;
    const size_t entries = depthwise ? (size_t)g->k : (size_t)vn_conv_blocks(g) * VN_OCB;
    const int16_t *const w = words_of(t, per * g->k, 0);
    int16_t *const packed = new_paged((depthwise ? per * g->k : vn_conv_s8_packed_bytes(g)) * sizeof *packed);
    (depthwise ? vn_dwconv_s16_pack : vn_conv_s16_pack)(packed, w, g);
    int32_t *const bias = new_paged(entries * sizeof *bias);
    float *const mult = floats_of(t, entries, 0);
    for (size_t i = 0; i < entries; i++) {
        bias[i] = pick(t, -(1 << 30), 1 << 30);
        mult[i] = (1.5f + mult[i]) / (sqrtf((float)per) * 5000.0f);
    }
    c->s16 = (struct vn_conv_s16){
        .g = *g, .weight = packed, .wide_weights = 1, .bias = bias, .mult = mult, .lo = -32768, .hi = 32767
    };
    vn_conv_s16_sums(&c->s16, depthwise);
}

static void prepare_f32(struct test *t, struct call *c)
{
    const struct vn_window2d *const g = &c->g;
    const int depthwise = c->l->kind == DEPTHWISE;
    const size_t weights = (size_t)g->c / g->groups * g->kh * g->kw * g->k;
    const float *const w = floats_of(t, weights, 0);
    float *const packed = new_paged(depthwise ? weights * sizeof *packed : vn_conv_f32_packed_bytes(g));
    (depthwise ? vn_dwconv_f32_pack : vn_conv_f32_pack)(packed, w, g);
    c->f32 = (struct vn_conv_f32){ .g = *g, .weight = packed, .lo = 0.0f, .hi = INFINITY };
    c->f32.bias = floats_of(t, depthwise ? (size_t)g->k : (size_t)vn_conv_blocks(g) * VN_OCB, 0);
    if (c->l->residual)
        c->f32.residual = floats_of(t, c->bytes / sizeof(float), BIN_SLACK);
}

static void *elements_of(struct test *t, enum element e, size_t n)
{
    return e == FLOAT   ? (void *)floats_of(t, n, BIN_SLACK)
           : e == INT16 ? (void *)words_of(t, n, BIN_SLACK)
                        : (void *)bytes_of(t, n, BIN_SLACK);
}

static void prepare(struct test *t, struct call *c, const struct layer *l, enum element e)
{
    static void (*const prepare_conv[])(struct test *, struct call *) = { prepare_s8, prepare_s16,
                                                                          prepare_f32 };
    static const size_t sizes[] = { 1, 2, 4 };
    *c = (struct call){ .l = l, .e = e, .g = window_of(l) };
    const struct vn_window2d *const g = &c->g;
    c->bytes = (size_t)g->n * g->oh * g->ow * g->k * sizes[e];
    c->y = new_paged(c->bytes);
    c->x = elements_of(t, e, (size_t)g->n * g->h * g->w * g->c);
    if (l->kind != PRODUCT) {
        prepare_conv[e](t, c);
        return;
    }
    c->b = elements_of(t, e, (size_t)l->c * l->k);
    c->matmul = (struct vn_matmul){ .m = l->h, .n = l->k, .k = l->c, .lo = -128, .hi = 127, .mult = 0.002f };
    if (e == INT8) {
        c->matmul.za = 4;
        c->matmul.zb = -3;
        c->matmul.zy = 7;
    }
}

static const char *describe(const struct call *c)
{
    static char text[128];
    const struct layer *const l = c->l;
    snprintf(text, sizeof text, l->kind == PRODUCT ? "%s %dx%dx%d->%d" : "%s %dx%dx%d->%d %dx%d%s%s",
             l->network, l->h, l->w, l->c, l->k, l->kh, l->kw,
             l->stride == 1   ? ""
             : l->stride == 2 ? " /2"
                              : " /4+",
             l->residual ? " +" : "");
    return text;
}

/* Every level against C. */
static void test_layer(struct test *t)
{
    for (int e = 0; e < ELEMENTS; e++) {
        struct call c;
        prepare(t, &c, &layers[t->case_no], (enum element)e);
        void *const want = malloc(c.bytes), *const got = c.y;
        memset(c.y, 0x5a, c.bytes);
        run(&c, &t->level[0].k);
        memcpy(want, got, c.bytes);
        for (int i = 1; i < t->levels; i++) {
            if (kernel_of(&c, &t->level[i].k) == kernel_of(&c, &t->level[i - 1].k))
                continue;
            memset(got, 0xa5, c.bytes);
            run(&c, &t->level[i].k);
            verdict(t, !memcmp(got, want, c.bytes), t->level[i].name, describe(&c));
        }
        free(want);
        free_all();
    }
}

const struct family layer_families[] = {
    { "layers", test_layer, LAYERS },
    { 0 },
};

/* ---- times ---- */

static void timed_run(const struct vn_kernels *k, void *ctx) { run(ctx, k); }

/* Multiply-accumulates per call. */
static double work_of(const struct call *c)
{
    const struct vn_window2d *const g = &c->g;
    return (double)g->n * g->oh * g->ow * g->k * g->kh * g->kw * (g->c / g->groups);
}

void bench_layers(struct test *t, const char *only)
{
    printf("%-11s %-38s %-10s %10s %8s %6s\n", "kernel", "layer", "level", "us", "GMAC/s", "peak");
    for (int n = 0; n < ELEMENTS * LAYERS; n++) {
        struct call c;
        prepare(t, &c, &layers[n % LAYERS], (enum element)(n / LAYERS));
        for (int i = 1; i < t->levels && (!only || !strcmp(only, kernel_name(&c))); i++) {
            if (kernel_of(&c, &t->level[i].k) == kernel_of(&c, &t->level[i - 1].k))
                continue;
            const double ns = median_ns(&t->level[i].k, timed_run, &c), speed = work_of(&c) / ns;
            const double peak = vn_peak_speed(c.e == INT8 ? VN_I8 : VN_F32, t->level[i].cpu);
            printf("%-11s %-38s %-10s %10.1f %8.1f %5.0f%%\n", kernel_name(&c), describe(&c),
                   t->level[i].name, ns / 1e3, speed, 100 * speed / peak);
        }
        free_all();
    }
}
