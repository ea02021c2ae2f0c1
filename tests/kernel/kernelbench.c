/* tests/kernel/kernelbench.c - `kerneltest --bench`: median time of typical layers on one thread, per level. */
#include "harness.h"

#include <math.h>
#include <time.h>

#define RUNS 15

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct layer {
    const char *name;
    int size, c, k, taps, stride;
};

struct work {
    struct vn_window2d g;
    struct vn_conv_s8 s8;
    struct vn_conv_f32 f32;
    struct vn_pool pool;
    struct vn_matmul matmul;
    struct vn_binary_s8 binary;
    int8_t *x8, *y8;
    float *xf, *yf;
};

typedef void call_fn(const struct vn_kernels *k, struct work *w);
#define PORTABLE(name, call) \
    static void name(const struct vn_kernels *k, struct work *w) { k->call; }

static int rows(const struct work *w) { return w->g.n * w->g.oh; }
static int blocks(const struct work *w) { return (w->g.k + VN_OCB - 1) / VN_OCB; }

PORTABLE(call_conv_s8, conv_s8(w->y8, w->x8, &w->s8, 0, rows(w), 0, blocks(w)))
PORTABLE(call_conv_f32, conv_f32(w->yf, w->xf, &w->f32, 0, rows(w), 0, blocks(w)))
PORTABLE(call_dwconv_s8, dwconv_s8(w->y8, w->x8, &w->s8, 0, rows(w), 0, blocks(w)))
PORTABLE(call_dwconv_f32, dwconv_f32(w->yf, w->xf, &w->f32, 0, rows(w), 0, blocks(w)))
PORTABLE(call_maxpool_s8, maxpool_s8(w->y8, w->x8, &w->pool, 0, rows(w)))
PORTABLE(call_avgpool_s8, avgpool_s8(w->y8, w->x8, &w->pool, 0, rows(w)))
PORTABLE(call_maxpool_f32, maxpool_f32(w->yf, w->xf, &w->pool, 0, rows(w)))
PORTABLE(call_avgpool_f32, avgpool_f32(w->yf, w->xf, &w->pool, 0, rows(w)))
PORTABLE(call_matmul_s8, matmul_s8(w->y8, w->x8, w->s8.weight, &w->matmul, 0, w->matmul.m))
PORTABLE(call_matmul_f32, matmul_f32(w->yf, w->xf, w->f32.weight, &w->matmul, 0, w->matmul.m))

static size_t span(const struct work *w) { return (size_t)w->g.h * w->g.w * w->g.c; }
PORTABLE(call_add_s8, binary_s8(w->y8, w->x8, w->x8, span(w), 1, 1, &w->binary))
PORTABLE(call_add_f32, binary_f32(w->yf, w->xf, w->xf, span(w), 1, 1, VN_BIN_ADD))
PORTABLE(call_quantize, quantize_s8(w->y8, w->xf, span(w), 0.01f, 3))
PORTABLE(call_dequantize, dequantize_s8(w->yf, w->x8, span(w), 0.01f, 3))
static const int8_t table_of_256[256] = { 1, -2, 3 };
PORTABLE(call_table, table_s8(w->y8, w->x8, span(w), table_of_256))
PORTABLE(call_clamp_s8, clamp_s8(w->y8, w->x8, span(w), 0, 100))
PORTABLE(call_clamp_f32, clamp_f32(w->yf, w->xf, span(w), 0.0f, 1.0f))
PORTABLE(call_sigmoid, unary_f32(w->yf, w->xf, span(w), VN_UN_SIGMOID, 0, 0))

static void prepare(struct test *t, struct work *w, const struct layer *l, int depthwise)
{
    const int pad = l->taps / 2, out = (l->size + 2 * pad - l->taps) / l->stride + 1;
    *w = (struct work){ .g = { .n = 1, .h = l->size, .w = l->size, .c = l->c, .oh = out, .ow = out, .k = l->k } };
    w->g.kh = w->g.kw = l->taps;
    w->g.sh = w->g.sw = l->stride;
    w->g.ph = w->g.pw = pad;
    w->g.dh = w->g.dw = w->g.groups = 1;
    const size_t ins = span(w), outs = (size_t)out * out * l->k;
    const size_t weights = ((size_t)l->k + VN_OCB) * (l->c + 4) * l->taps * l->taps, entries = (size_t)l->k + VN_OCB;
    int8_t *const w8 = new_input(t, weights);
    float *const wf = new_input(t, weights * 4), *const mult = new_input(t, entries * 4),
        *const bias_f = new_input(t, entries * 4);
    int32_t *const sums = new_input(t, entries * 4);
    w->x8 = new_input(t, ins);
    w->xf = new_input(t, ins * 4);
    w->y8 = new_output(ins > outs ? ins : outs);
    w->yf = new_output((ins > outs ? ins : outs) * 4);
    for (size_t i = 0; i < ins; i++) {
        w->x8[i] = (int8_t)next(t);
        w->xf[i] = real(t, 1.0f);
    }
    for (size_t i = 0; i < weights; i++) {
        w8[i] = (int8_t)next(t);
        wf[i] = real(t, 1.0f);
    }
    for (size_t i = 0; i < entries; i++) {
        mult[i] = 1e-4f;
        bias_f[i] = 0.5f;
        sums[i] = 100;
    }
    w->g.xp = l->c;
    w->g.yp = w->g.rp = l->k;
    if (depthwise)
        w->g.groups = l->c;
    w->s8 = (struct vn_conv_s8){ .g = w->g, .weight = w8, .bias = sums, .wsum = sums, .mult = mult,
        .zx = -3, .zy = 5, .lo = -128, .hi = 127 };
    w->f32 = (struct vn_conv_f32){ .g = w->g, .weight = wf, .bias = bias_f, .lo = 0.0f, .hi = INFINITY };
    w->pool = (struct vn_pool){ .g = w->g, .ratio = 1.0f };
    w->matmul = (struct vn_matmul){ .m = l->size * l->size, .n = l->k, .k = l->c, .lo = -128, .hi = 127,
        .mult = 1e-4f };
    w->binary = (struct vn_binary_s8){ .op = VN_BIN_ADD, .lo = -128, .hi = 127, .ra = 0.5f, .rb = 0.7f };
}

static double median_ns(const struct vn_kernels *k, call_fn *call, struct work *w)
{
    double times[RUNS];
    for (int i = 0; i < RUNS; i++) {
        int reps = 0;
        const double start = now();
        do {
            call(k, w);
            reps++;
        } while (now() - start < 1e6);
        times[i] = (now() - start) / reps;
    }
    qsort(times, RUNS, sizeof *times, by_value);
    return times[RUNS / 2];
}

/* macs: multiply-accumulates per call, or 0: the speed then is bytes in and out. */
#define BENCH(name, call, w, l, macs, bytes) \
    bench(t, #name, offsetof(struct vn_kernels, name), call, w, l, macs, bytes)
static void bench(struct test *t, const char *kernel, size_t member, call_fn *call, struct work *w,
                  const struct layer *l, double macs, double bytes)
{
    double c_ns = 0;
    for (int i = 0; i < t->levels; i++) {
        const char *const own = (const char *)&t->level[i].k + member;
        if (i && !memcmp(own, (const char *)&t->level[i - 1].k + member, sizeof(vn_conv_s8_fn *)))
            continue;
        const double ns = median_ns(&t->level[i].k, call, w);
        c_ns = i ? c_ns : ns;
        printf("%-13s %-22s %-11s %12.0f %8.1f %s %7.1fx\n", kernel, l->name, t->level[i].name, ns,
            (macs ? macs : bytes) / ns,
               macs ? "GMAC/s" : "GB/s  ", c_ns / ns);
    }
}

void bench_kernels(struct test *t)
{
    static const struct layer dense[] = {
        { "3x3 64->64 56x56", 56, 64, 64, 3, 1 },
        { "1x1 256->256 14x14", 14, 256, 256, 1, 1 },
        { "3x3 3->32 /2 224x224", 224, 3, 32, 3, 2 },
        { "3x3 512->512 7x7", 7, 512, 512, 3, 1 },
        { "1x1 24->144 56x56", 56, 24, 144, 1, 1 },
        { "1x1 2048->1000 1x1", 1, 2048, 1000, 1, 1 },
    };
    static const struct layer depthwise[] = {
        { "3x3 c256 28x28", 28, 256, 256, 3, 1 },
        { "3x3 c144 /2 56x56", 56, 144, 144, 3, 2 },
        { "5x5 c120 28x28", 28, 120, 120, 5, 1 },
    };
    static const struct layer other = { "56x56 c64", 56, 64, 64, 3, 2 };
    static const struct layer product = { "196x64 * 64x192", 14, 64, 192, 1, 1 };
    struct work w;
    printf("%-13s %-22s %-11s %12s %15s %8s\n", "kernel", "shape", "level", "median ns", "speed", "to C");
    for (size_t i = 0; i < sizeof dense / sizeof *dense; i++) {
        prepare(t, &w, &dense[i], 0);
        const double macs = (double)w.g.oh * w.g.ow * w.g.k * w.g.c * w.g.kh * w.g.kw;
        BENCH(conv_s8, call_conv_s8, &w, &dense[i], macs, 0);
        BENCH(conv_f32, call_conv_f32, &w, &dense[i], macs, 0);
        free_all();
    }
    for (size_t i = 0; i < sizeof depthwise / sizeof *depthwise; i++) {
        prepare(t, &w, &depthwise[i], 1);
        const double macs = (double)w.g.oh * w.g.ow * w.g.k * w.g.kh * w.g.kw;
        BENCH(dwconv_s8, call_dwconv_s8, &w, &depthwise[i], macs, 0);
        BENCH(dwconv_f32, call_dwconv_f32, &w, &depthwise[i], macs, 0);
        free_all();
    }
    prepare(t, &w, &product, 0);
    const double macs = (double)w.matmul.m * w.matmul.n * w.matmul.k;
    BENCH(matmul_s8, call_matmul_s8, &w, &product, macs, 0);
    BENCH(matmul_f32, call_matmul_f32, &w, &product, macs, 0);
    free_all();

    prepare(t, &w, &other, 0);
    const double n = (double)span(&w), pooled = n + (double)w.g.oh * w.g.ow * w.g.c;
    BENCH(maxpool_s8, call_maxpool_s8, &w, &other, 0, pooled);
    BENCH(avgpool_s8, call_avgpool_s8, &w, &other, 0, pooled);
    BENCH(maxpool_f32, call_maxpool_f32, &w, &other, 0, 4 * pooled);
    BENCH(avgpool_f32, call_avgpool_f32, &w, &other, 0, 4 * pooled);
    BENCH(binary_s8, call_add_s8, &w, &other, 0, 3 * n);
    BENCH(binary_f32, call_add_f32, &w, &other, 0, 12 * n);
    BENCH(quantize_s8, call_quantize, &w, &other, 0, 5 * n);
    BENCH(dequantize_s8, call_dequantize, &w, &other, 0, 5 * n);
    BENCH(table_s8, call_table, &w, &other, 0, 2 * n);
    BENCH(clamp_s8, call_clamp_s8, &w, &other, 0, 2 * n);
    BENCH(clamp_f32, call_clamp_f32, &w, &other, 0, 8 * n);
    BENCH(unary_f32, call_sigmoid, &w, &other, 0, 8 * n);
    free_all();
}
