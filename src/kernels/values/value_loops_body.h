/* kernels/values/value_loops_body.h - see value_kernels.h. */
#include <math.h>
#include <string.h>

#include "kernels/values/value_kernels.h"

/* Lanes of one register, and registers of a sum. */
enum { WIDTH = VALUE_WIDTH, PARTS = VN_SUM_LANES / WIDTH };

typedef double lanes __attribute__((vector_size(8 * WIDTH)));
typedef int64_t lane_bits __attribute__((vector_size(8 * WIDTH)));
typedef float reals __attribute__((vector_size(4 * WIDTH)));
typedef int32_t real_bits __attribute__((vector_size(4 * WIDTH)));

#define LOOP_INLINE static inline __attribute__((always_inline))
#define EACH_PART(k) for (int k = 0; k < PARTS; k++)

LOOP_INLINE lanes load_reals(const float *p)
{
    reals x;
    memcpy(&x, p, sizeof x);
    return __builtin_convertvector(x, lanes);
}

/* The last elements, and 0 behind them. */
static const float *fill_up(float rest[VN_SUM_LANES], const float *p, size_t n)
{
    memset(rest, 0, VN_SUM_LANES * sizeof *rest);
    return memcpy(rest, p, n * sizeof *p);
}

/* Floats in the order of their values as integers: that of -0 is below that of 0. */
static int32_t in_order(int32_t bits) { return bits ^ (bits >> 31 & INT32_MAX); }

static float from_order(int32_t key)
{
    const int32_t bits = in_order(key);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int extremes(float *lo, float *hi, const float *x, size_t n)
{
    const int32_t infinite = 0x7f800000;
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        const int32_t key = in_order(bits);
        least = key < least ? key : least;
        most = key > most ? key : most;
    }
    *lo = from_order(least);
    *hi = from_order(most);
    return most < infinite && least > ~infinite;
}

static void bins(int16_t *restrict bin, const float *restrict x, float inverse, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bin[i] = (int16_t)(int32_t)(fabsf(x[i]) * inverse);
}

/* Lanes in registers while a loop runs. */
struct sum {
    lanes of[PARTS];
};

LOOP_INLINE void load_sum(struct sum *s, const double *p) { memcpy(s, p, sizeof *s); }
LOOP_INLINE void store_sum(double *p, const struct sum *s) { memcpy(p, s, sizeof *s); }

LOOP_INLINE void add_block(struct sum *s, const float *x)
{
    EACH_PART(k)
    s->of[k] += load_reals(x + k * WIDTH);
}

static void add(double sum[VN_SUM_LANES], const float *x, size_t n)
{
    float rest[VN_SUM_LANES];
    struct sum s;
    size_t i = 0;
    load_sum(&s, sum);
    for (; i + VN_SUM_LANES <= n; i += VN_SUM_LANES)
        add_block(&s, x + i);
    if (i < n)
        add_block(&s, fill_up(rest, x + i, n - i));
    store_sum(sum, &s);
}

struct moments {
    struct sum sum, squares;
};

LOOP_INLINE void square_block(struct moments *s, const float *p)
{
    EACH_PART(k)
    {
        const lanes x = load_reals(p + k * WIDTH);
        s->sum.of[k] += x;
        s->squares.of[k] += x * x;
    }
}

static void add_moments(struct vn_moments *to, const float *x, size_t n)
{
    float rest[VN_SUM_LANES];
    struct moments s;
    size_t i = 0;
    memcpy(&s, to, sizeof s);
    for (; i + VN_SUM_LANES <= n; i += VN_SUM_LANES)
        square_block(&s, x + i);
    if (i < n)
        square_block(&s, fill_up(rest, x + i, n - i));
    memcpy(to, &s, sizeof s);
}

LOOP_INLINE lanes magnitude(lanes x) { return (lanes)((lane_bits)x & INT64_MAX); }

LOOP_INLINE void step_block(struct sum *s, const float *p, const float *q)
{
    EACH_PART(k)
    s->of[k] += magnitude(load_reals(p + k * WIDTH) - load_reals(q + k * WIDTH));
}

static void add_steps(double sum[VN_SUM_LANES], const float *x, const float *y, size_t n)
{
    float rest[2][VN_SUM_LANES];
    struct sum s;
    size_t i = 0;
    load_sum(&s, sum);
    for (; i + VN_SUM_LANES <= n; i += VN_SUM_LANES)
        step_block(&s, x + i, y + i);
    if (i < n)
        step_block(&s, fill_up(rest[0], x + i, n - i), fill_up(rest[1], y + i, n - i));
    store_sum(sum, &s);
}

struct products {
    struct sum xy, xx, yy;
};

LOOP_INLINE void multiply_block(struct products *s, const float *p, const float *q)
{
    EACH_PART(k)
    {
        const lanes x = load_reals(p + k * WIDTH), y = load_reals(q + k * WIDTH);
        s->xy.of[k] += x * y;
        s->xx.of[k] += x * x;
        s->yy.of[k] += y * y;
    }
}

static void add_products(struct vn_products *to, const float *x, const float *y, size_t n)
{
    float rest[2][VN_SUM_LANES];
    struct products s;
    size_t i = 0;
    memcpy(&s, to, sizeof s);
    for (; i + VN_SUM_LANES <= n; i += VN_SUM_LANES)
        multiply_block(&s, x + i, y + i);
    if (i < n)
        multiply_block(&s, fill_up(rest[0], x + i, n - i), fill_up(rest[1], y + i, n - i));
    memcpy(to, &s, sizeof s);
}

struct differences {
    struct sum sum, squares, most;
    lane_bits zeros[PARTS];
};

LOOP_INLINE void subtract_block(struct differences *s, const float *p, const float *q)
{
    EACH_PART(k)
    {
        const lanes x = load_reals(p + k * WIDTH), y = load_reals(q + k * WIDTH);
        const lanes d = magnitude(x - y);
        const lane_bits more = d > s->most.of[k];
        s->sum.of[k] += d;
        s->squares.of[k] += d * d;
        s->most.of[k] = (lanes)(((lane_bits)d & more) | ((lane_bits)s->most.of[k] & ~more));
        s->zeros[k] -= x == 0;
    }
}

static void add_differences(struct vn_differences *to, const float *x, const float *y, size_t n)
{
    float rest[2][VN_SUM_LANES];
    struct differences s;
    size_t i = 0;
    memcpy(&s, to, sizeof s);
    for (; i + VN_SUM_LANES <= n; i += VN_SUM_LANES)
        subtract_block(&s, x + i, y + i);
    if (i < n) {
        subtract_block(&s, fill_up(rest[0], x + i, n - i), fill_up(rest[1], y + i, n - i));
        s.zeros[0][0] -= (int64_t)(VN_SUM_LANES - (n - i)); /* those filled up */
    }
    memcpy(to, &s, sizeof s);
}

/* Some channels of some rows at once: what is found of them stays in registers from row to row, and the rows
 * in the nearest cache from one set of channels to the next. */
enum { ROWS_AT_ONCE = 32, CHANNELS_AT_ONCE = 4 * VN_SUM_LANES };

LOOP_INLINE void add_block_of_rows(double *sum, const float *x, size_t rows, size_t channels, int parts)
{
    lanes s[CHANNELS_AT_ONCE / WIDTH];
    memcpy(s, sum, (size_t)parts * sizeof *s);
    for (size_t r = 0; r < rows; r++, x += channels)
        for (int k = 0; k < parts; k++)
            s[k] += load_reals(x + k * WIDTH);
    memcpy(sum, s, (size_t)parts * sizeof *s);
}

static void add_few_rows(double *sum, const float *x, size_t rows, size_t channels)
{
    size_t c = 0;
    for (; c + CHANNELS_AT_ONCE <= channels; c += CHANNELS_AT_ONCE)
        add_block_of_rows(sum + c, x + c, rows, channels, CHANNELS_AT_ONCE / WIDTH);
    for (; c + VN_SUM_LANES <= channels; c += VN_SUM_LANES)
        add_block_of_rows(sum + c, x + c, rows, channels, PARTS);
    for (; c < channels; c++)
        for (size_t r = 0; r < rows; r++)
            sum[c] += (double)x[r * channels + c];
}

static void add_rows(double *sum, const float *x, size_t rows, size_t channels)
{
    for (size_t r = 0; r < rows; r += ROWS_AT_ONCE)
        add_few_rows(sum, x + r * channels, rows - r < ROWS_AT_ONCE ? rows - r : ROWS_AT_ONCE, channels);
}

LOOP_INLINE void raise_block_of_rows(float *top, const float *x, size_t rows, size_t channels)
{
    reals most[PARTS];
    memcpy(most, top, sizeof most);
    for (size_t r = 0; r < rows; r++, x += channels)
        EACH_PART(k)
        {
            real_bits v;
            memcpy(&v, x + k * WIDTH, sizeof v);
            v &= INT32_MAX;
            const real_bits more = (reals)v > most[k];
            most[k] = (reals)((v & more) | ((real_bits)most[k] & ~more));
        }
    memcpy(top, most, sizeof most);
}

static void raise_few_rows(float *top, const float *x, size_t rows, size_t channels)
{
    size_t c = 0;
    for (; c + VN_SUM_LANES <= channels; c += VN_SUM_LANES)
        raise_block_of_rows(top + c, x + c, rows, channels);
    for (; c < channels; c++)
        for (size_t r = 0; r < rows; r++)
            top[c] = fabsf(x[r * channels + c]) > top[c] ? fabsf(x[r * channels + c]) : top[c];
}

static void raise_rows(float *top, const float *x, size_t rows, size_t channels)
{
    for (size_t r = 0; r < rows; r += ROWS_AT_ONCE)
        raise_few_rows(top, x + r * channels, rows - r < ROWS_AT_ONCE ? rows - r : ROWS_AT_ONCE, channels);
}

static void add_counts(uint64_t *restrict sum, const uint32_t *restrict counts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += counts[i];
}

#define REAL(name, type) \
    static void name(float *restrict out, const type *restrict q, int32_t zero, float scale, size_t n) \
    { \
        for (size_t i = 0; i < n; i++) \
            out[i] = (float)((int32_t)q[i] - zero) * scale; \
    }
REAL(real_s8, int8_t)
REAL(real_s16, int16_t)

const struct vn_value_kernels VALUE_KERNELS = { VALUE_CPU,   extremes,   bins,         add,
                                                add_moments, add_steps,  add_products, add_differences,
                                                add_rows,    raise_rows, add_counts,   real_s8,
                                                real_s16 };
