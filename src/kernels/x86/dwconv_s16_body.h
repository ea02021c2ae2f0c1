/* kernels/x86/dwconv_s16_body.h - int16 depthwise convolution, included once per instruction set. Sums are
 * kept as in conv_s16_body.h.
 *
 * Input rows become columns: LANES channels, of each two neighbouring pixels; a column every two pixels. A
 * column serves two outputs, or one at stride 2, by weights at either of two places. With 8 channels, the
 * upper lanes hold the pixels two further on. Other strides and dilations have columns of their own for each
 * output. A column is made once and read by all output rows that need it.
 *
 * Besides what conv_s16_body.h asks for, the includer defines
 *   COLUMN(a, b)        LANES channels of two pixels
 *   FEW                 1: LANES is 16, and there is FEW_COLUMN(x): eight channels of four pixels
 *   ORDER(few, places)  of PACK_BY(a, b, order): two outputs, or four */

#define COLUMNS (32768 / (int)sizeof(VECTOR)) /* of all rows that a window spans */
#define MAX_ROWS 32 /* that a window spans */
#define MAX_VECTORS 64 /* of weights */
#define MAX_UNITS 4
#define SUMS 8

struct dw_plan {
    const struct vn_conv_s16 *p;
    void *out;
    const int16_t *x;
    int few; /* 8 channels */
    int places; /* outputs that a column serves */
    int near; /* columns are shared */
    int groups; /* of two taps in a row */
    int apart; /* columns from one sum to the next */
    int span; /* input rows of a window */
    int per; /* outputs of SUMS sums */
    int across; /* outputs of a row at a time */
    int units; /* of LANES channels, at a time */
    VECTOR order;
};

/* `left` outputs from `pixel` on, whose columns begin at row[ky]. */
struct slab;
typedef void outputs_fn(const struct dw_plan *s, const struct slab *u, const VECTOR *const *row, size_t pixel,
                        int left);

/* What one unit of channels needs. */
struct slab {
    int c, count; /* first channel; channels that exist */
    outputs_fn *run;
    int plain; /* the usual end */
    VECTOR bias, low, high;
    VECTOR centre; /* columns have inputs less that */
    FLOATS mult;
    VECTOR weight[MAX_VECTORS][2]; /* at either place */
};

static int columns_of(const struct dw_plan *s, int outputs)
{
    const int tiles = (outputs + s->per - 1) / s->per, sums = tiles * SUMS / s->places;
    return s->near ? sums * s->apart + s->groups - 1 : sums * s->groups;
}

static int plan_depthwise(struct dw_plan *s, const struct vn_window2d *g, int units)
{
    s->near = g->dw == 1 && g->sw <= 2;
    s->places = s->near && g->sw == 1 ? 2 : 1;
    s->few = FEW && s->near && g->c == 8 && g->xp == 8;
    s->groups = (g->kw + s->places) / 2;
    s->apart = !s->near ? s->groups : s->few ? 2 : 1;
    s->span = (g->kh - 1) * g->dh + 1;
    s->per = s->few ? 2 * SUMS : SUMS;
    s->order = ORDER(s->few, s->places);
    if (s->span > MAX_ROWS || s->groups > MAX_VECTORS / g->kh)
        return 0;
    for (s->across = (g->ow + s->per - 1) / s->per * s->per; s->across > s->per; s->across -= s->per)
        if (columns_of(s, s->across) * s->span <= COLUMNS)
            break;
    s->units = min_int(min_int(units, MAX_UNITS), COLUMNS / (columns_of(s, s->across) * s->span));
    return s->units > 0;
}

/* ---- columns ---- */

static VECTOR edge_column(const struct dw_plan *s, const int16_t *row, int px, int apart)
{
    static const int16_t zero[LANES];
    const struct vn_window2d *const g = &s->p->g;
#if FEW
    if (s->few) {
        int16_t pixels[4][8] = { { 0 } };
        for (int i = 0; i < 4; i++)
            if (is_inside(px + i, g->w))
                memcpy(pixels[i], row + (ptrdiff_t)(px + i) * g->xp, sizeof pixels[i]);
        return FEW_COLUMN(pixels[0]);
    }
#endif
    const int16_t *const a = is_inside(px, g->w) ? row + (ptrdiff_t)px * g->xp : zero;
    const int16_t *const b = is_inside(px + apart, g->w) ? row + (ptrdiff_t)(px + apart) * g->xp : zero;
    return COLUMN(a, b);
}

/* All columns of one input row for one unit from pixel `first` on; row: its first pixel's channel. */
static void fill_row(VECTOR *column, int n, const struct dw_plan *s, const int16_t *row, int first,
                     VECTOR centre)
{
    const struct vn_window2d *const g = &s->p->g;
    const int wide = s->few ? 4 : 2;
    int i = 0;
    if (!s->near) {
        for (; i < n; i++)
            column[i] =
                SUB16(edge_column(s, row, first + i / s->groups * g->sw + i % s->groups * 2 * g->dw, g->dw),
                      centre);
        return;
    }
    const int inner = g->w - first < wide ? 0 : min_int(n, (g->w - first - wide) / 2 + 1);
    for (; i < n && first + 2 * i < 0; i++)
        column[i] = SUB16(edge_column(s, row, first + 2 * i, 1), centre);
    const int16_t *x = row + (ptrdiff_t)(first + 2 * i) * g->xp;
#if FEW
    for (; s->few && i < inner; i++, x += 16)
        column[i] = SUB16(FEW_COLUMN(x), centre);
#endif
    for (; i < inner; i++, x += 2 * g->xp)
        column[i] = SUB16(COLUMN(x, x + g->xp), centre);
    for (; i < n; i++)
        column[i] = SUB16(edge_column(s, row, first + 2 * i, 1), centre);
}

/* ---- outputs ---- */

static ALWAYS_INLINE void store_outputs(int16_t *y, size_t pitch, const VECTOR q[SUMS / 2],
                                        const struct dw_plan *s, int count, int left)
{
    const int lanes = s->few ? LANES / 2 : LANES;
    if (left >= s->per && count == lanes && pitch == (size_t)lanes) {
        EACH(j, SUMS / 2)
        STORE(y + j * 2 * LANES, q[j]);
    } else if (left >= SUMS && count == LANES) {
        EACH(j, SUMS / 2)
        {
            STORE_LOW(y, q[j]);
            STORE_HIGH(y + pitch, q[j]);
            y += 2 * pitch;
        }
    } else {
        VECTOR copy[SUMS / 2];
        EACH(j, SUMS / 2)
        copy[j] = q[j];
        store_rest(y, pitch, copy, lanes, count, min_int(left, s->per));
    }
}

/* Any end. */
static __attribute__((noinline)) void finish_sums(const struct dw_plan *s, const struct slab *u,
                                                  const FLOATS sum[SUMS], size_t pixel, int left)
{
    const struct vn_conv_s16 *const p = s->p;
    const int lanes = s->few ? LANES / 2 : LANES, places = s->few ? s->places : 1;
    const int group = places * LANES / lanes; /* outputs of `places` sums; halves of one are so far apart */
    for (int i = 0; i < min_int(left, s->per); i++) {
        float t[LANES];
        memcpy(t, &sum[i / group * places + i % places], sizeof t);
        const float *const from = t + i % group / places * lanes;
        const size_t to = out_at(&p->g, pixel + i, u->c);
        if (p->out_f32)
            memcpy((float *)s->out + to, from, (size_t)u->count * sizeof *from);
        for (int c = 0; c < u->count && !p->out_f32; c++)
            ((int16_t *)s->out)[to + c] = (int16_t)vn_sat_rne(from[c], p->zy, p->lo, p->hi);
    }
}

static ALWAYS_INLINE void carry_sums(VECTOR acc[SUMS], VECTOR high[SUMS])
{
    EACH(j, SUMS)
    {
        high[j] = ADD(high[j], UPPER(acc[j]));
        acc[j] = LOWER(acc[j]);
    }
}

/* STEPS: a row of taps fits; what CENTRED does is done by fill_row. */
static ALWAYS_INLINE void outputs(const int places, const int kh, const int groups, const enum mode mode,
                                  const struct dw_plan *s, const struct slab *u, const VECTOR *const *row,
                                  size_t pixel, int left)
{
    const struct vn_conv_s16 *const p = s->p;
    const int apart = s->apart, per = s->per, step = SUMS / places * apart;
    const size_t pitch = (size_t)p->g.yp;
    const VECTOR lo = SET16(p->lo), hi = SET16(p->hi), order = s->order;
    int16_t *y = (int16_t *)s->out + out_at(&p->g, pixel, u->c);
    for (int at = 0; left > 0; at += step, left -= per, pixel += (size_t)per, y += per * pitch) {
        VECTOR acc[SUMS], high[SUMS];
        FLOATS t[SUMS];
        EACH(j, SUMS)
        {
            acc[j] = mode == WHOLE ? u->bias : u->low;
            high[j] = u->high;
        }
        for (int ky = 0; ky < kh; ky++) {
            for (int i = 0; i < groups; i++) {
                const VECTOR *const x = row[ky] + at + i;
                const VECTOR *const w = u->weight[ky * groups + i];
                EACH(j, SUMS)
                acc[j] = ADD_PRODUCTS(acc[j], x[j / places * apart], w[j % places]);
                if (mode == ONE_PAIR)
                    carry_sums(acc, high);
            }
            if (mode == STEPS)
                carry_sums(acc, high);
        }
        EACH(j, SUMS)
        t[j] = SCALE(mode == WHOLE ? FLOAT(acc[j]) : JOIN(high[j], acc[j]), u->mult);
        if (!u->plain) {
            finish_sums(s, u, t, pixel, left);
            continue;
        }
        VECTOR q[SUMS / 2];
        EACH(j, SUMS / 2)
        q[j] = CLAMP(PACK_BY(ROUND(t[2 * j]), ROUND(t[2 * j + 1]), order), lo, hi);
        store_outputs(y, pitch, q, s, u->count, left);
    }
}

#define OUTPUTS(name, places, kh, groups, mode) \
    static __attribute__((noinline)) void name(const struct dw_plan *s, const struct slab *u, \
                                               const VECTOR *const *row, size_t pixel, int left) \
    { \
        outputs(places, kh, groups, mode, s, u, row, pixel, left); \
    }
OUTPUTS(three_whole_1, 1, 3, 2, WHOLE)
OUTPUTS(three_rows_1, 1, 3, 2, STEPS)
OUTPUTS(three_whole_2, 2, 3, 2, WHOLE)
OUTPUTS(three_rows_2, 2, 3, 2, STEPS)
OUTPUTS(five_whole_2, 2, 5, 3, WHOLE)
OUTPUTS(five_rows_2, 2, 5, 3, STEPS)
OUTPUTS(any_rows_1, 1, s->p->g.kh, s->groups, STEPS)
OUTPUTS(any_pairs_1, 1, s->p->g.kh, s->groups, ONE_PAIR)
OUTPUTS(any_rows_2, 2, s->p->g.kh, s->groups, STEPS)
OUTPUTS(any_pairs_2, 2, s->p->g.kh, s->groups, ONE_PAIR)

static outputs_fn *outputs_for(const struct dw_plan *s, enum mode mode)
{
    static outputs_fn *const three[2][4] = { { three_whole_1, three_rows_1, NULL, any_pairs_1 },
                                             { three_whole_2, three_rows_2, NULL, any_pairs_2 } };
    static outputs_fn *const five[4] = { five_whole_2, five_rows_2, NULL, any_pairs_2 };
    static outputs_fn *const any[2][4] = { { any_rows_1, any_rows_1, NULL, any_pairs_1 },
                                           { any_rows_2, any_rows_2, NULL, any_pairs_2 } };
    const int kh = s->p->g.kh;
    return kh == 3 && s->groups == 2                     ? three[s->places - 1][mode]
           : kh == 5 && s->groups == 3 && s->places == 2 ? five[mode]
                                                         : any[s->places - 1][mode];
}

/* Each channel's sum of weights times `middle` is added to the bias that it starts from. */
static void centre_slab(struct slab *u, const struct dw_plan *s, int middle)
{
    VECTOR sum = SET16(0);
    for (int i = 0; i < s->p->g.kh * s->groups; i++)
        sum = ADD_PRODUCTS(sum, SET16(1), u->weight[i][0]);
    start_from(&u->low, &u->high, u->bias, sum, middle);
    u->centre = SET16(middle);
}

static void choose_outputs(struct slab *u, const struct dw_plan *s, const struct span *inputs)
{
    const struct vn_conv_s16 *const p = s->p;
    const int32_t(*const sums)[2] = vn_sums_of(p, u->c / VN_OCB, (p->g.c + VN_OCB - 1) / VN_OCB);
    const int64_t all = most_of(sums[VN_RUNS - 1], inputs) + p->most_bias;
    const int middle = (inputs->least + inputs->most) / 2;
    const struct span centred = around(middle, inputs);
    const int fits = most_of(sums[VN_ROW_RUN], inputs) <= MOST_ACC;
    const int centre = all > MOST_ACC && !fits && most_of(sums[VN_ROW_RUN], &centred) <= MOST_ACC;
    if (centre)
        centre_slab(u, s, middle);
    u->run = outputs_for(s, all <= MOST_ACC ? WHOLE : fits || centre ? STEPS : ONE_PAIR);
    u->plain = !p->out_f32 && !p->zy && IS_BOUNDED(u->mult, (float)all);
}

/* ---- rows ---- */

/* The channels' weights of a tap as int16, twice where they are few. */
static void widen_tap(int16_t w[LANES], const struct dw_plan *s, const struct slab *u, int tap)
{
    const size_t at = (size_t)tap * s->p->g.c + u->c;
    if (!s->p->wide_weights)
        for (int lane = 0; lane < u->count; lane++)
            w[lane] = ((const int8_t *)s->p->weight)[at + lane];
    else if (u->count == LANES)
        memcpy(w, (const int16_t *)s->p->weight + at, LANES * sizeof *w);
    else
        memcpy(w, (const int16_t *)s->p->weight + at, (size_t)u->count * sizeof *w);
    if (s->few)
        memcpy(w + LANES / 2, w, LANES / 2 * sizeof *w);
}

static void plan_slab(struct slab *u, const struct dw_plan *s, int c, int end, const struct span *inputs)
{
    const struct vn_conv_s16 *const p = s->p;
    int32_t bias[LANES] = { 0 };
    float mult[LANES] = { 0 };
    u->c = c;
    u->count = min_int(LANES, end - c);
    for (int first = 0; first < (s->few ? LANES : 1); first += LANES / 2) {
        memcpy(bias + first, p->bias + c, (size_t)u->count * sizeof *bias);
        memcpy(mult + first, p->mult + c, (size_t)u->count * sizeof *mult);
    }
    memcpy(&u->bias, bias, sizeof bias);
    memcpy(&u->mult, mult, sizeof mult);
    u->low = LOWER(u->bias);
    u->high = UPPER(u->bias);
    u->centre = SET16(0);
    for (int ky = 0; ky < p->g.kh; ky++) {
        int16_t w[2 * MAX_VECTORS + 2][LANES] = { { 0 } }; /* a row of taps from w[1] on */
        for (int kx = 0; kx < p->g.kw; kx++)
            widen_tap(w[kx + 1], s, u, ky * p->g.kw + kx);
        for (int i = 0; i < s->groups; i++)
            for (int place = 0; place < s->places; place++)
                u->weight[ky * s->groups + i][place] = COLUMN(w[2 * i - place + 1], w[2 * i - place + 2]);
    }
    choose_outputs(u, s, inputs);
}

/* What the windows of output rows [row0, row1) read of the units from channel c on. */
static struct span inputs_of(const struct dw_plan *s, int row0, int row1, int c, int channels)
{
    const struct vn_window2d *const g = &s->p->g;
    struct extremes r = nothing();
    for (int n = row0 / g->oh; n <= (row1 - 1) / g->oh; n++) {
        const int first = max_int(row0, n * g->oh) % g->oh,
                  last = min_int(row1, (n + 1) * g->oh) - 1 - n * g->oh;
        const int y0 = max_int(0, first * g->sh - g->ph), y1 = min_int(g->h, last * g->sh - g->ph + s->span);
        const int16_t *const x = s->x + ((ptrdiff_t)n * g->h + y0) * g->w * g->xp + c;
        const int64_t pixels = (int64_t)max_int(0, y1 - y0) * g->w;
        if (channels == g->xp)
            r = with_values(r, x, pixels * channels);
        else
            for (int64_t i = 0; i < pixels; i++)
                r = with_values(r, x + i * g->xp, channels);
    }
    return span_of(r);
}

/* Outputs [ox, ox + across) of all rows, for the units from channel c on. */
static void some_units(const struct dw_plan *s, int row0, int row1, int ox, int c, int end)
{
    const struct vn_window2d *const g = &s->p->g;
    const int across = min_int(s->across, g->ow - ox), columns = columns_of(s, across);
    const int units = min_int(s->units, (end - c + LANES - 1) / LANES), first = ox * g->sw - g->pw;
    const struct span inputs = inputs_of(s, row0, row1, c, min_int(units * LANES, end - c));
    VECTOR column[COLUMNS];
    struct slab u[MAX_UNITS];
    int filled = 0; /* input row from which on columns are missing, of the current image */
    for (int k = 0; k < units; k++)
        plan_slab(&u[k], s, c + k * LANES, end, &inputs);
    for (int r = row0; r < row1; r++) {
        const int n = r / g->oh, top = r % g->oh * g->sh - g->ph;
        if (r == row0 || r % g->oh == 0)
            filled = top;
        for (filled = max_int(filled, top); filled < top + s->span; filled++) {
            const int16_t *const x = s->x + ((ptrdiff_t)n * g->h + filled) * g->w * g->xp + c;
            for (int k = 0; k < units; k++) {
                VECTOR *const to = column + (k * s->span + (filled + g->ph) % s->span) * columns;
                if (is_inside(filled, g->h))
                    fill_row(to, columns, s, x + k * LANES, first, u[k].centre);
                else
                    for (int i = 0; i < columns; i++)
                        to[i] = SUB16(SET16(0), u[k].centre);
            }
        }
        for (int k = 0; k < units; k++) {
            const VECTOR *row[MAX_ROWS];
            for (int ky = 0; ky < g->kh; ky++)
                row[ky] = column + (k * s->span + (top + ky * g->dh + g->ph) % s->span) * columns;
            u[k].run(s, &u[k], row, (size_t)r * g->ow + ox, across);
        }
    }
}

static void depthwise(void *out, const int16_t *x, const struct vn_conv_s16 *p, int row0, int row1, int kb0,
                      int kb1)
{
    const struct vn_window2d *const g = &p->g;
    const int end = min_int(g->c, kb1 * VN_OCB), first = kb0 * VN_OCB;
    struct dw_plan s = { .p = p, .out = out, .x = x };
    if (!pairs_fit(p, (g->c + VN_OCB - 1) / VN_OCB, kb0, kb1) ||
        !plan_depthwise(&s, g, (end - first + LANES - 1) / LANES)) {
        vn_dwconv_s16_c(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    for (int ox = 0; ox < g->ow; ox += s.across)
        for (int c = first; c < end; c += s.units * LANES)
            some_units(&s, row0, row1, ox, c, end);
}
