/* kernels/x86/conv_s16_body.h - int16 convolution, included once per instruction set.
 *
 * Lanes are output channels; a multiplication adds the products of two neighbouring input channels, a pair.
 * A sum has two parts, acc and high, of which the second counts 2^16. How many pairs acc can take follows
 * from the sums of the weights, vn_conv_s16_sums, and the range of a list's inputs. After so many, its upper
 * half is added to `high`, and its lower half stays: a number from 0 to 65535. Where inputs lie on one side
 * of 0, more fit if the middle of their range is subtracted; what that takes off a sum is added to its bias.
 *
 * The includer defines
 *   VECTOR, FLOATS    LANES lanes of 32 bits
 *   NP2, NP1          pixels of a tile of two vectors of channels, and of one; even
 *   PAIR(x)           two inputs to all lanes
 *   LOAD_PAIRS(w, weights, at, wide)   both pairs of a step: int16 weights if wide, else int8
 *   START(from), START_FLOATS(from)   numbers of channels from memory, in the order of LOAD_PAIRS
 *   ADD_PRODUCTS(acc, x, w), ADD(a, b), UPPER(a), LOWER(a)   the last two: a >> 16, a & 65535
 *   FLOAT(a), JOIN(high, low), MANY(high, low)   float32 of a, of high * 65536 + low rounded once: JOIN where
 *                     both are exact
 *   SCALE(a, mult), ROUND(a)
 *   PACK(a, b)        to int16, saturated: channels of a, then of b, in order
 *   CLAMP(q, lo, hi), SET16(q), SUB16(a, b)   16-bit lanes
 *   STORE(y, q), STORE_LOW(y, q), STORE_HIGH(y, q)   a vector of int16; one half of it
 *   UNPACK(floats, f) channels in order, to memory
 *   IS_BOUNDED(mult, most)   whether such a sum times mult fits 32 bits */
#define ELEM int16_t
#define PARAMS struct vn_conv_s16
#define STEP 4
#define PAD(p) 0
#define MAX_NP 8
#define MAX_NV 2
#define MOST_STEPS 8192
#define MOST_PIXELS 128
#define PATCH 65536
#define SURVEY(l, job) survey(l, &(job)->p->g)
struct list;
static void survey(struct list *l, const struct vn_window2d *g);
#include "kernels/x86/conv_lists_body.h"

/* ---- ranges ---- */

struct extremes {
    __m256i least, most;
};

static inline struct extremes nothing(void)
{
    return (struct extremes){ _mm256_setzero_si256(), _mm256_setzero_si256() };
}

/* n values, perhaps some behind them */
static inline struct extremes with_values(struct extremes r, const int16_t *x, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(x + i));
        r.least = _mm256_min_epi16(r.least, v);
        r.most = _mm256_max_epi16(r.most, v);
    }
    return r;
}

static struct span span_of(struct extremes r)
{
    int16_t least[16], most[16];
    struct span s = { 0, 0 };
    _mm256_storeu_si256((__m256i *)least, r.least);
    _mm256_storeu_si256((__m256i *)most, r.most);
    for (int i = 0; i < 16; i++)
        s = (struct span){ min_int(s.least, least[i]), max_int(s.most, most[i]) };
    return s;
}

static void survey(struct list *l, const struct vn_window2d *g)
{
    const int channels = g->c / g->groups, taps = g->kh * g->kw, last = l->pixels - 1;
    const int per_tap = l->steps / taps;
    const int64_t span = l->pixel[last] - l->pixel[0] + l->step[l->steps - per_tap] + channels;
    struct extremes r = nothing();
    if (l->patched)
        r = with_values(r, l->patch, l->filled);
    else if (span <= (int64_t)l->pixels * taps * channels) /* no more than all windows have */
        r = with_values(r, l->x + l->pixel[0], span);
    else
        for (int i = 0; i <= last; i++)
            for (int tap = 0; tap < taps; tap++)
                r = with_values(r, l->x + l->pixel[i] + l->step[tap * per_tap], channels);
    l->inputs = span_of(r);
}

/* ---- tiles ---- */

enum mode {
    WHOLE, /* a sum fits acc, with its bias; rare with wide weights, where it is STEPS with one run */
    STEPS, /* a limited number of steps fits */
    CENTRED, /* the same, with u->centre subtracted from the inputs */
    ONE_PAIR /* one pair fits */
};

/* Two vectors of output channels, or one, for all pixels of a list. */
struct channel_vectors {
    const struct job *job;
    const struct list *l;
    int kb, oc, left; /* as of struct outputs */
    int run; /* steps that fit acc */
    int plain, many; /* the usual end; sums whose `high` is not exact as float32 */
    VECTOR bias[MAX_NV], low[MAX_NV], high[MAX_NV], centre;
    FLOATS mult[MAX_NV];
};

#define EACH_SUM(np, nv) EACH(i, np) EACH(v, nv)

static ALWAYS_INLINE void carry(const int np, const int nv, VECTOR acc[MAX_NP][MAX_NV],
                                VECTOR high[MAX_NP][MAX_NV])
{
    EACH_SUM(np, nv)
    {
        high[i][v] = ADD(high[i][v], UPPER(acc[i][v]));
        acc[i][v] = LOWER(acc[i][v]);
    }
}

static ALWAYS_INLINE void add_step(const int np, const int nv, const int wide, const enum mode mode,
                                   VECTOR acc[MAX_NP][MAX_NV], VECTOR high[MAX_NP][MAX_NV],
                                   const int16_t *const *x, ptrdiff_t step, VECTOR centre, const void *w,
                                   size_t at, size_t block)
{
    VECTOR wv[MAX_NV][2];
    EACH(v, nv)
    LOAD_PAIRS(wv[v], w, at + (size_t)(v * LANES / VN_OCB) * block + v * LANES % VN_OCB * STEP, wide);
    EACH(j, 2)
    {
        EACH(i, np)
        {
            const VECTOR two = PAIR(x[i] + step + 2 * j), xv = mode == CENTRED ? SUB16(two, centre) : two;
            EACH(v, nv)
            acc[i][v] = ADD_PRODUCTS(acc[i][v], xv, wv[v][j]);
        }
        if (mode == ONE_PAIR)
            carry(np, nv, acc, high);
    }
}

/* Any end, a vector at a time. */
static __attribute__((noinline)) void finish_each(const struct channel_vectors *u, int nv,
                                                  const enum mode mode, VECTOR acc[MAX_NP][MAX_NV],
                                                  VECTOR high[MAX_NP][MAX_NV], int at, int count)
{
    const struct vn_conv_s16 *const p = u->job->p;
    for (int i = 0; i < count; i++)
        for (int v = 0; v < nv; v++) {
            const FLOATS sum = mode == WHOLE ? FLOAT(acc[i][v])
                               : u->many     ? MANY(high[i][v], acc[i][v])
                                             : JOIN(high[i][v], acc[i][v]);
            float t[LANES];
            UNPACK(t, SCALE(sum, u->mult[v]));
            const size_t to = out_at(&p->g, u->l->first + at + i, u->oc + LANES * v);
            for (int k = 0; k < min_int(LANES, u->left - LANES * v); k++)
                if (p->out_f32)
                    ((float *)u->job->out)[to + k] = t[k];
                else
                    ((int16_t *)u->job->out)[to + k] = (int16_t)vn_sat_rne(t[k], p->zy, p->lo, p->hi);
        }
}

static inline void copy_some(int16_t *y, const int16_t *from, int n)
{
    int k = 0;
    for (; k + 8 <= n; k += 8)
        _mm_storeu_si128((__m128i *)(y + k), _mm_loadu_si128((const __m128i *)(from + k)));
    for (; k < n; k++)
        y[k] = from[k];
}

/* `left` pixels of `count` channels; in q, a pixel has `lanes` of them. */
static __attribute__((noinline)) void store_rest(int16_t *y, size_t pitch, const VECTOR *q, int lanes,
                                                 int count, int left)
{
    const int16_t *const part = (const int16_t *)q;
    for (int i = 0; i < left; i++)
        copy_some(y + i * pitch, part + i * lanes, count);
}

/* `count` of np pixels from the list's pixel `at` on; np is 1 or even. */
static ALWAYS_INLINE void finish(const int np, const int nv, const struct channel_vectors *u,
                                 VECTOR q[MAX_NP][MAX_NV], int at, int count)
{
    const struct vn_conv_s16 *const p = u->job->p;
    const VECTOR lo = SET16(p->lo), hi = SET16(p->hi);
    int16_t *y = (int16_t *)u->job->out + out_at(&p->g, u->l->first + (size_t)at, u->oc);
    const size_t pitch = (size_t)p->g.yp;
    const int per = min_int(3 - nv, np), vectors = np / per; /* pixels of a packed vector */
    VECTOR packed[MAX_NP];
    EACH(j, vectors)
    packed[j] = CLAMP(PACK(q[j * per][0], nv == 2 ? q[j][1] : q[j * per + per - 1][0]), lo, hi);
    if (count < np || u->left < nv * LANES) {
        VECTOR copy[MAX_NP]; /* packed itself stays in registers */
        EACH(j, vectors)
        copy[j] = packed[j];
        store_rest(y, pitch, copy, nv * LANES, min_int(u->left, nv * LANES), count);
        return;
    }
    EACH(j, vectors)
    {
        if (nv == 2) {
            STORE(y, packed[j]);
        } else {
            STORE_LOW(y, packed[j]);
            if (per == 2)
                STORE_HIGH(y + pitch, packed[j]);
        }
        y += per * pitch;
    }
}

/* np pixels from the list's pixel `at` on. */
static ALWAYS_INLINE void tile(const int np, const int nv, const int wide, const enum mode mode,
                               const struct channel_vectors *u, int at)
{
    const struct list *const l = u->l;
    const size_t block = u->job->block_elems;
    const void *const w = u->job->p->weight;
    const int carries = mode == STEPS || mode == CENTRED, run = u->run;
    const VECTOR centre = u->centre;
    const int16_t *x[MAX_NP];
    VECTOR acc[MAX_NP][MAX_NV], high[MAX_NP][MAX_NV];
    EACH(i, np)
    {
        x[i] = l->x + l->pixel[at + i];
        EACH(v, nv)
        {
            acc[i][v] = mode == WHOLE ? u->bias[v] : u->low[v];
            high[i][v] = u->high[v];
        }
    }
    size_t from = (size_t)u->kb * block;
    for (int s = 0, steps = l->steps; s < steps;) {
        const int end = carries ? min_int(s + run, steps) : steps;
        for (; s < end; s++, from += STEP * VN_OCB)
            add_step(np, nv, wide, mode, acc, high, x, l->step[s], centre, w, from, block);
        if (carries)
            carry(np, nv, acc, high);
    }
    const int count = min_int(np, l->pixels - at);
    if (!u->plain) {
        VECTOR a[MAX_NP][MAX_NV], h[MAX_NP][MAX_NV]; /* the others stay in registers */
        EACH_SUM(np, nv)
        {
            a[i][v] = acc[i][v];
            h[i][v] = high[i][v];
        }
        finish_each(u, nv, mode, a, h, at, count);
        return;
    }
    EACH_SUM(np, nv)
    {
        const FLOATS sum = mode == WHOLE ? FLOAT(acc[i][v]) : JOIN(high[i][v], acc[i][v]);
        acc[i][v] = ROUND(SCALE(sum, u->mult[v]));
    }
    finish(np, nv, u, acc, at, count);
}

typedef void pixels_fn(const struct channel_vectors *u);
#define PIXELS(name, nv, np, wide, mode) \
    static __attribute__((noinline)) void name(const struct channel_vectors *u) \
    { \
        int at = 0; \
        for (; u->l->pixels - at > np / 2; at += np) \
            tile(np, nv, wide, mode, u, at); \
        for (; at < u->l->pixels; at++) \
            tile(1, nv, wide, mode, u, at); \
    }
#define EACH_MODE(nv, np) \
    PIXELS(narrow_whole_##nv, nv, np, 0, WHOLE) \
    PIXELS(narrow_steps_##nv, nv, np, 0, STEPS) \
    PIXELS(wide_steps_##nv, nv, np, 1, STEPS) \
    PIXELS(wide_centred_##nv, nv, np, 1, CENTRED) \
    PIXELS(wide_pairs_##nv, nv, np, 1, ONE_PAIR)
EACH_MODE(1, NP1)
EACH_MODE(2, NP2)

/* ---- what fits ---- */

#define MOST_ACC (INT32_MAX - 65535) /* of sums after a carry, or that start from a lower half */

/* The largest |sum| of products with weights whose sums these are. */
static int64_t most_of(const int32_t sums[2], const struct span *inputs)
{
    const int64_t any = (int64_t)sums[VN_ANY_SIGN] * max_int(inputs->most, -inputs->least);
    const int64_t one = (int64_t)sums[VN_ONE_SIGN] * (inputs->most - inputs->least);
    return any < one ? any : one;
}

static struct span around(int middle, const struct span *inputs)
{
    return (struct span){ inputs->least - middle, inputs->most - middle };
}

/* The longest run that fits after a carry. */
static int longest_run(const struct channel_vectors *u, int blocks, const struct span *inputs)
{
    const struct vn_conv_s16 *const p = u->job->p;
    int run = VN_RUNS - 1;
    for (int kb = u->kb; kb < u->kb + blocks; kb++) {
        const int32_t(*const sums)[2] = vn_sums_of(p, kb, vn_conv_blocks(&p->g));
        while (run > 0 && most_of(sums[run], inputs) > MOST_ACC)
            run--;
    }
    return run;
}

/* bias + weights * middle, in two parts */
static void start_from(VECTOR *low, VECTOR *high, VECTOR bias, VECTOR weights, int middle)
{
    int32_t b[LANES], w[LANES], h[LANES];
    memcpy(b, &bias, sizeof b);
    memcpy(w, &weights, sizeof w);
    for (int i = 0; i < LANES; i++) {
        const int64_t start = b[i] + (int64_t)w[i] * middle;
        b[i] = (int32_t)(start & 65535);
        h[i] = (int32_t)(start >> 16);
    }
    memcpy(low, b, sizeof b);
    memcpy(high, h, sizeof h);
}

/* Sums of a vector's weights times `middle` are added to the bias that it starts from. */
static void centre_on(struct channel_vectors *u, int vectors, int middle)
{
    const struct job *const job = u->job;
    for (int v = 0; v < vectors; v++) {
        size_t at = (size_t)(u->kb + v * LANES / VN_OCB) * job->block_elems + v * LANES % VN_OCB * STEP;
        VECTOR sum = SET16(0), w[2];
        for (int s = 0; s < u->l->steps; s++, at += STEP * VN_OCB) {
            LOAD_PAIRS(w, job->p->weight, at, 1);
            sum = ADD_PRODUCTS(ADD_PRODUCTS(sum, SET16(1), w[0]), SET16(1), w[1]);
        }
        start_from(&u->low[v], &u->high[v], u->bias[v], sum, middle);
    }
    u->centre = SET16(middle);
}

/* In eighths of an operation for each pair and pixel; to subtract the centre costs 8. */
static int carry_cost(const struct channel_vectors *u, int vectors, int run)
{
    return 3 * 8 * vectors / (run == VN_RUNS - 1 ? 2 * u->l->steps : 1 << run);
}

static enum mode choose(struct channel_vectors *u, int vectors, int blocks)
{
    static const int steps[] = { 0, 1, 2, 4, MOST_STEPS };
    const struct vn_conv_s16 *const p = u->job->p;
    const struct span *const inputs = &u->l->inputs;
    int64_t all = 0;
    for (int kb = u->kb; kb < u->kb + blocks; kb++) {
        const int64_t most = most_of(vn_sums_of(p, kb, vn_conv_blocks(&p->g))[VN_RUNS - 1], inputs);
        all = most > all ? most : all;
    }
    all += p->most_bias;
    u->many = all / 65536 + 1 > 1 << 24;
    u->plain = !p->out_f32 && !p->zy && !u->many;
    for (int v = 0; v < vectors; v++)
        u->plain &= IS_BOUNDED(u->mult[v], (float)all);
    u->run = MOST_STEPS;
    if (all <= MOST_ACC)
        return WHOLE;
    const int middle = (inputs->least + inputs->most) / 2;
    const struct span centred = around(middle, inputs);
    const int run = longest_run(u, blocks, inputs), longer = longest_run(u, blocks, &centred);
    const int centre = p->wide_weights && carry_cost(u, vectors, longer) + 8 < carry_cost(u, vectors, run);
    if (centre)
        centre_on(u, vectors, middle);
    u->run = steps[centre ? longer : run];
    return centre ? CENTRED : run ? STEPS : ONE_PAIR;
}

static int outputs_of(const struct job *job, struct outputs *o, int most, const struct list *l)
{
    static pixels_fn *const narrow[MAX_NV][2] = { { narrow_whole_1, narrow_steps_1 },
                                                  { narrow_whole_2, narrow_steps_2 } };
    static pixels_fn *const wide[MAX_NV][4] = {
        { wide_steps_1, wide_steps_1, wide_centred_1, wide_pairs_1 },
        { wide_steps_2, wide_steps_2, wide_centred_2, wide_pairs_2 },
    };
    const struct vn_conv_s16 *const p = job->p;
    const int vectors = o->left > LANES && most * VN_OCB > LANES ? 2 : 1;
    struct channel_vectors u = {
        .job = job, .l = l, .kb = o->kb, .oc = o->oc, .left = o->left, .centre = SET16(0)
    };
    for (int v = 0; v < vectors; v++) {
        const size_t lane = (size_t)o->kb * VN_OCB + v * LANES;
        u.bias[v] = START(p->bias + lane);
        u.low[v] = LOWER(u.bias[v]);
        u.high[v] = UPPER(u.bias[v]);
        u.mult[v] = START_FLOATS(p->mult + lane);
    }
    const int blocks = (vectors * LANES + VN_OCB - 1) / VN_OCB;
    const enum mode mode = choose(&u, vectors, blocks);
    (p->wide_weights ? wide[vectors - 1][mode] : narrow[vectors - 1][mode])(&u);
    return blocks;
}

/* Whether the kernel can do without 64-bit sums: any pair fits acc. */
static int pairs_fit(const struct vn_conv_s16 *p, int blocks, int kb0, int kb1)
{
    for (int kb = kb0; kb < kb1; kb++)
        if (vn_sums_of(p, kb, blocks)[0][VN_ANY_SIGN] > 65534)
            return 0;
    return 1;
}

static void dense(void *out, const int16_t *x, const struct vn_conv_s16 *p, int row0, int row1, int kb0,
                  int kb1)
{
    const struct vn_window2d *const g = &p->g;
    const struct job job = { out, x, p, vn_conv_s8_packed_bytes(g) / (size_t)vn_conv_blocks(g) };
    if (pairs_fit(p, vn_conv_blocks(g), kb0, kb1) && fits_list(g))
        run(&job, row0, row1, kb0, kb1);
    else
        vn_conv_s16_c(out, x, p, row0, row1, kb0, kb1);
}
