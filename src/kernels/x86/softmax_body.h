/* kernels/x86/softmax_body.h - softmax, included once per instruction set; the compiler makes the vectors.
 * NAME(x) is the function vn_softmax_x with the set. */
#include "kernels/conv.h"
#include "num/functions.h"

#include "kernels/x86/softmax_shares.h"

#define LANES 16

/* ---- float32 ---- */

static inline float tree(float part[LANES])
{
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] += part[i + half];
    return part[0];
}

/* max[j] = x[j] > max[j] ? x[j] : max[j] */
static inline void raise(float max[LANES], const float *x, int count)
{
    for (int j = 0; j < count; j++)
        max[j] = x[j] > max[j] ? x[j] : max[j];
}

static inline void add_powers(float part[LANES], float *y, const float *x, float max)
{
    for (int j = 0; j < LANES; j++) {
        y[j] = exp_f32(x[j] - max);
        part[j] += y[j];
    }
}

/* Which of several equal maxima is found, or of 0 and -0, changes nothing; NaN counts at the beginning
 * alone. */
static void line_f32(float *y, const float *x, int n)
{
    const int whole = n / LANES * LANES;
    float max[LANES], part[LANES] = { 0 }, rest[LANES] = { 0 }, last[LANES];
    for (int j = 0; j < LANES; j++)
        max[j] = x[0];
    for (int i = 0; i < whole; i += LANES)
        raise(max, x + i, LANES);
    raise(max, x + whole, n - whole);
    float most = max[0];
    for (int j = 1; j < LANES; j++)
        most = max[j] > most ? max[j] : most;
    for (int i = 0; i < whole; i += LANES)
        add_powers(part, y + i, x + i, most);
    memcpy(rest, x + whole, (size_t)(n - whole) * sizeof *x);
    float none[LANES] = { 0 };
    add_powers(none, last, rest, most);
    for (int j = 0; j < n - whole; j++)
        part[j] += y[whole + j] = last[j];
    const float sum = tree(part);
    for (int i = 0; i < n; i++)
        y[i] = y[i] / sum;
}

/* LANES lines beside each other, of which `count` exist. Reads LANES elements of each row. */
static void lines_f32(float *y, const float *x, int n, size_t step, int count)
{
    float max[LANES], part[LANES][LANES] = { { 0 } };
    memcpy(max, x, sizeof max);
    for (int i = 1; i < n; i++)
        raise(max, x + (size_t)i * step, LANES);
    for (int i = 0; i < n; i++) {
        float e[LANES];
        for (int j = 0; j < LANES; j++) {
            e[j] = exp_f32(x[(size_t)i * step + (size_t)j] - max[j]);
            part[i % LANES][j] += e[j];
        }
        memcpy(y + (size_t)i * step, e, (size_t)count * sizeof *y);
    }
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            for (int j = 0; j < LANES; j++)
                part[i][j] += part[i + half][j];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < count; j++)
            y[(size_t)i * step + (size_t)j] = y[(size_t)i * step + (size_t)j] / part[0][j];
}

/* `count` lines of n < LANES elements, one behind the other. */
static void short_lines_f32(float *y, const float *x, int n, int count)
{
    float beside[LANES * LANES] = { 0 };
    for (int j = 0; j < count; j++)
        for (int i = 0; i < n; i++)
            beside[i * LANES + j] = x[j * n + i];
    lines_f32(beside, beside, n, LANES, LANES);
    for (int j = 0; j < count; j++)
        for (int i = 0; i < n; i++)
            y[j * n + i] = beside[i * LANES + j];
}

void NAME(f32)(float *out, const float *x, const struct vn_softmax *p, int o0, int o1)
{
    if (p->inner == 1 && p->n < LANES) {
        for (int o = o0; o < o1; o += LANES)
            short_lines_f32(out + (size_t)o * p->n, x + (size_t)o * p->n, p->n, min_int(LANES, o1 - o));
        return;
    }
    const size_t step = (size_t)p->inner, slice = (size_t)p->n * step;
    for (int o = o0; o < o1; o++)
        for (int i = 0; i < p->inner; i += LANES) {
            const size_t at = (size_t)o * slice + (size_t)i;
            if (p->inner == 1)
                line_f32(out + at, x + at, p->n);
            else
                lines_f32(out + at, x + at, p->n, step, min_int(LANES, p->inner - i));
        }
}

/* ---- integers ---- */

/* A line with its elements side by side. */
#define LINE(width, type, least, most, entry) \
    static void line_##width(type *y, const type *x, const struct vn_softmax *p) \
    { \
        uint32_t e[MOST_ENTRIES]; \
        const int n = p->n; \
        type max = least; \
        for (int i = 0; i < n; i++) \
            max = x[i] > max ? x[i] : max; \
        uint64_t sum = 0; \
        for (int i = 0; i < n; i++) \
            sum += e[i] = entry(p->table, (uint32_t)(max - x[i])); \
        const struct shares s = shares_of(sum); \
        const float inv = p->inv; \
        const int32_t zy = p->zy; \
        for (int i = 0; i < n; i++) \
            y[i] = (type)vn_sat_rne(share(&s, e[i]) * inv, zy, least, most); \
    } \
    void NAME(width)(type * out, const type *x, const struct vn_softmax *p, int o0, int o1) \
    { \
        const size_t n = (size_t)p->n, step = (size_t)p->inner; \
        if (p->n > MOST_ENTRIES) { \
            vn_softmax_##width##_c(out, x, p, o0, o1); \
            return; \
        } \
        for (size_t i = (size_t)o0 * step; i < (size_t)o1 * step; i++) { \
            type from[MOST_ENTRIES], to[MOST_ENTRIES]; \
            const size_t at = i / step * n * step + i % step; \
            if (step == 1) { \
                line_##width(out + at, x + at, p); \
                continue; \
            } \
            for (size_t k = 0; k < n; k++) \
                from[k] = x[at + k * step]; \
            line_##width(to, from, p); \
            for (size_t k = 0; k < n; k++) \
                out[at + k * step] = to[k]; \
        } \
    }

#define ENTRY8(table, d) (table)[(d)&255]
LINE(s8, int8_t, INT8_MIN, INT8_MAX, ENTRY8)
LINE(s16, int16_t, INT16_MIN, INT16_MAX, vn_softmax16_entry)
