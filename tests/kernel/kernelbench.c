/* tests/kernel/kernelbench.c - `kerneltest --bench`: median time of typical calls on one thread, per level.
 *
 * layer_cases.c has those that multiply. */
#include "harness.h"

#include <math.h>
#include <time.h>

#define RUNS 15

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct work {
    struct vn_window2d g;
    struct vn_pool pool;
    struct vn_binary_s8 binary;
    int8_t *x8, *y8;
    float *xf, *yf;
};

typedef void call_fn(const struct vn_kernels *k, void *ctx);
#define PORTABLE(name, call) \
    static void name(const struct vn_kernels *k, void *ctx) \
    { \
        struct work *const w = ctx; \
        k->call; \
    }

static int rows(const struct work *w) { return w->g.n * w->g.oh; }

PORTABLE(call_maxpool_s8, maxpool_s8(w->y8, w->x8, &w->pool, 0, rows(w)))
PORTABLE(call_avgpool_s8, avgpool_s8(w->y8, w->x8, &w->pool, 0, rows(w)))
PORTABLE(call_maxpool_f32, maxpool_f32(w->yf, w->xf, &w->pool, 0, rows(w)))
PORTABLE(call_avgpool_f32, avgpool_f32(w->yf, w->xf, &w->pool, 0, rows(w)))

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

static void prepare(struct test *t, struct work *w)
{
    *w = (struct work){ .g = { .n = 1, .h = 56, .w = 56, .c = 64, .oh = 28, .ow = 28, .k = 64 } };
    w->g.kh = w->g.kw = 3;
    w->g.sh = w->g.sw = 2;
    w->g.ph = w->g.pw = w->g.dh = w->g.dw = w->g.groups = 1;
    w->g.xp = w->g.yp = w->g.rp = 64;
    const size_t ins = span(w);
    w->x8 = new_input(t, ins);
    w->xf = new_input(t, ins * 4);
    w->y8 = new_output(ins);
    w->yf = new_output(ins * 4);
    for (size_t i = 0; i < ins; i++) {
        w->x8[i] = (int8_t)next(t);
        w->xf[i] = real(t, 1.0f);
    }
    w->pool = (struct vn_pool){ .g = w->g, .ratio = 1.0f };
    w->binary = (struct vn_binary_s8){ .op = VN_BIN_ADD, .lo = -128, .hi = 127, .ra = 0.5f, .rb = 0.7f };
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

double median_ns(const struct vn_kernels *k, void (*call)(const struct vn_kernels *, void *), void *ctx)
{
    double times[RUNS];
    for (int i = 0; i < RUNS; i++) {
        int reps = 0;
        const double start = now();
        do {
            call(k, ctx);
            reps++;
        } while (now() - start < 1e6);
        times[i] = (now() - start) / reps;
    }
    qsort(times, RUNS, sizeof *times, by_value);
    return times[RUNS / 2];
}

/* bytes in and out */
#define BENCH(name, call, bytes) bench(t, #name, offsetof(struct vn_kernels, name), call, &w, bytes)
static void bench(struct test *t, const char *kernel, size_t member, call_fn *call, struct work *w,
                  double bytes)
{
    double c_ns = 0;
    for (int i = 0; i < t->levels; i++) {
        const char *const own = (const char *)&t->level[i].k + member;
        if (i && !memcmp(own, (const char *)&t->level[i - 1].k + member, sizeof(vn_conv_s8_fn *)))
            continue;
        const double ns = median_ns(&t->level[i].k, call, w);
        c_ns = i ? c_ns : ns;
        printf("%-13s %-11s %10.1f %8.1f %7.1fx\n", kernel, t->level[i].name, ns / 1e3, bytes / ns,
               c_ns / ns);
    }
}

void bench_kernels(struct test *t)
{
    struct work w;
    prepare(t, &w);
    const double n = (double)span(&w), pooled = n + (double)w.g.oh * w.g.ow * w.g.c;
    printf("%-13s %-11s %10s %8s %8s   56x56x64\n", "kernel", "level", "us", "GB/s", "to C");
    BENCH(maxpool_s8, call_maxpool_s8, pooled);
    BENCH(avgpool_s8, call_avgpool_s8, pooled);
    BENCH(maxpool_f32, call_maxpool_f32, 4 * pooled);
    BENCH(avgpool_f32, call_avgpool_f32, 4 * pooled);
    BENCH(binary_s8, call_add_s8, 3 * n);
    BENCH(binary_f32, call_add_f32, 12 * n);
    BENCH(quantize_s8, call_quantize, 5 * n);
    BENCH(dequantize_s8, call_dequantize, 5 * n);
    BENCH(table_s8, call_table, 2 * n);
    BENCH(clamp_s8, call_clamp_s8, 2 * n);
    BENCH(clamp_f32, call_clamp_f32, 8 * n);
    BENCH(unary_f32, call_sigmoid, 8 * n);
    free_all();
}
