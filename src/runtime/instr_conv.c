/* Convolutions and matrix products. */
#include <math.h>
#include <string.h>

#include "num/num.h"
#include "runtime/model.h"

#define LIMIT VN_MOST_EXTENT
static int within(int32_t x, int32_t lo, int32_t hi) { return x >= lo && x <= hi; }

/* The fields that all convolutions share, in this order in every struct instr_*CONV_*. */
static int window(struct vn_window2d *g, const struct rt_step *s, struct vn_err *e)
{
    const struct instr_CONV_F32 *p = s->params;
    *g = (struct vn_window2d){ .n = p->n,
                               .h = p->h,
                               .w = p->w,
                               .c = p->c,
                               .oh = p->oh,
                               .ow = p->ow,
                               .k = p->k,
                               .kh = p->kh,
                               .kw = p->kw,
                               .sh = p->sh,
                               .sw = p->sw,
                               .dh = p->dh,
                               .dw = p->dw,
                               .ph = p->ph,
                               .pw = p->pw,
                               .groups = p->groups,
                               .xp = p->c,
                               .yp = p->k,
                               .rp = p->k };
    const int32_t sizes[] = { p->n,  p->h,  p->w,  p->c,  p->oh, p->ow, p->k,
                              p->kh, p->kw, p->sh, p->sw, p->dh, p->dw, p->groups };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        WANT(s, e, within(sizes[i], 1, LIMIT), "a size is out of range");
    WANT(s, e, within(p->ph, 0, LIMIT) && within(p->pw, 0, LIMIT), "padding is out of range");
    const int64_t limit = 1 << 30;
    WANT(s, e,
         (int64_t)p->oh * p->sh + (int64_t)p->kh * p->dh < limit &&
             (int64_t)p->ow * p->sw + (int64_t)p->kw * p->dw < limit,
         "window out of range");
    WANT(s, e, p->c % p->groups == 0 && p->k % p->groups == 0, "groups do not divide the channels");
    WANT(s, e, rt_product(p->n, p->oh, 1, 1) < limit, "too many rows");
    WANT(s, e, s->in[0]->count == rt_product(p->n, p->h, p->w, p->c), "input size differs");
    WANT(s, e, s->out->count == rt_product(p->n, p->oh, p->ow, p->k), "output size differs");
    WANT(s, e, rt_product(p->kh, p->kw, p->c, p->k) >= 0, "weights are too large");
    return VN_OK;
}

static int per_channel(const struct rt_step *s, int i, enum vn_dtype t, int64_t count, struct vn_err *e)
{
    WANT(s, e, s->in[i]->dtype == t && s->in[i]->count == count,
         "type or length of a per-channel array differs");
    return VN_OK;
}

/* A residual of the output's shape, or one of a number for each channel. */
static int residual(struct vn_window2d *g, const struct rt_tensor *r, const struct rt_step *s,
                    struct vn_err *e)
{
    WANT(s, e, r->dtype == s->out->dtype && (r->count == s->out->count || r->count == g->k),
         "residual does not match");
    g->rp = r->count == s->out->count ? g->k : 0;
    return VN_OK;
}

static int prepare_residual_s8(struct rt_step *s, struct vn_err *e)
{
    const struct instr_CONV_S8 *p = s->params;
    struct vn_conv_s8 *a = &s->args.conv_s8;
    const struct rt_tensor *r = s->in[5];
    WANT(s, e, s->out->dtype == VN_I8, "a residual of a result that is not int8");
    TRY(residual(&a->g, r, s, e));
    a->residual = (const int8_t *)r->data;
    a->z_mid = p->mid_zero;
    a->r_mid = p->mid_scale / s->out->scale;
    a->r_res = r->scale / s->out->scale;
    a->residual_first = p->residual_first;
    a->fixed = p->residual_first ? vn_add_fixed(r->zero, a->r_res, p->mid_zero, a->r_mid, s->out->zero)
                                 : vn_add_fixed(p->mid_zero, a->r_mid, r->zero, a->r_res, s->out->zero);
    return VN_OK;
}

static int prepare_s8(struct vn_model *m, struct rt_step *s, int depthwise, struct vn_err *e)
{
    const struct instr_CONV_S8 *p = s->params;
    struct vn_conv_s8 *a = &s->args.conv_s8;
    TRY(window(&a->g, s, e));
    const struct vn_window2d *g = &a->g;
    WANT(s, e, !depthwise || (g->groups == g->c && g->c == g->k), "not depthwise");
    const int64_t entries = depthwise ? g->k : (int64_t)vn_conv_blocks(g) * VN_OCB;
    const uint64_t packed = depthwise ? (uint64_t)g->kh * g->kw * g->c : vn_conv_s8_packed_bytes(g);
    WANT(s, e, s->in[0]->dtype == VN_I8 && s->in[1]->dtype == VN_I8 && s->in[1]->bytes == packed,
         "size of the weights differs");
    TRY(per_channel(s, 2, VN_I32, entries, e));
    TRY(per_channel(s, 3, VN_F32, entries, e));
    TRY(per_channel(s, 4, VN_I32, entries, e));
    const enum vn_dtype y = s->out->dtype == VN_F32 ? VN_I8 : s->out->dtype;
    WANT(s, e, rt_is_quantized(y), "output type differs");
    WANT(s, e,
         within(p->lo, rt_least(y), p->hi) && within(p->hi, p->lo, rt_most(y)) &&
             within(p->mid_zero, -128, 127) && within(p->residual_first, 0, 1),
         "bounds out of range");
    WANT(s, e, y == VN_I8 || (p->hidden_conv < 0 && p->hidden_sum < 0),
         "a hidden tensor behind an int16 result");
    WANT(s, e, p->wide || (int64_t)g->kh * g->kw * (g->c / g->groups) <= VN_NARROW_TAPS,
         "sums do not fit 32 bits");
    a->weight = (const int8_t *)s->in[1]->data;
    a->bias = (const int32_t *)s->in[2]->data;
    a->mult = (const float *)s->in[3]->data;
    a->wsum = (const int32_t *)s->in[4]->data;
    for (int64_t i = 0; i < entries && !p->wide; i++)
        WANT(s, e, within(a->bias[i], -VN_NARROW_BIAS, VN_NARROW_BIAS), "bias does not fit 30 bits");
    a->zx = s->in[0]->zero;
    a->zy = s->out->zero;
    a->lo = p->lo;
    a->hi = p->hi;
    a->wide = p->wide;
    a->out_s16 = s->out->dtype == VN_I16;
    a->out_f32 = s->out->dtype == VN_F32;
    if (s->n_in == 6)
        TRY(prepare_residual_s8(s, e));
    return rt_hidden(m, s, p->hidden_conv, p->hidden_sum, e);
}

static int prepare_conv_s8(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    return prepare_s8(m, s, 0, e);
}
static int prepare_dwconv_s8(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    return prepare_s8(m, s, 1, e);
}

static int prepare_s16(struct vn_model *m, struct rt_step *s, int depthwise, struct vn_err *e)
{
    const struct instr_CONV_S16 *p = s->params;
    struct vn_conv_s16 *a = &s->args.conv_s16;
    TRY(window(&a->g, s, e));
    const struct vn_window2d *g = &a->g;
    WANT(s, e, !depthwise || (g->groups == g->c && g->c == g->k), "not depthwise");
    const int64_t entries = depthwise ? g->k : (int64_t)vn_conv_blocks(g) * VN_OCB;
    const int64_t packed = depthwise ? (int64_t)g->kh * g->kw * g->c : (int64_t)vn_conv_s8_packed_bytes(g);
    WANT(s, e, s->in[0]->dtype == VN_I16 && s->in[0]->zero == 0, "input type differs, or a zero point");
    WANT(s, e, rt_is_quantized(s->in[1]->dtype) && s->in[1]->count == packed,
         "type or size of the weights differs");
    TRY(per_channel(s, 2, VN_I32, entries, e));
    TRY(per_channel(s, 3, VN_F32, entries, e));
    WANT(s, e, s->out->dtype == VN_I16 || s->out->dtype == VN_F32, "output type differs");
    WANT(s, e, within(p->lo, INT16_MIN, p->hi) && within(p->hi, p->lo, INT16_MAX), "bounds out of range");
    a->weight = s->in[1]->data;
    a->wide_weights = s->in[1]->dtype == VN_I16;
    a->bias = (const int32_t *)s->in[2]->data;
    a->mult = (const float *)s->in[3]->data;
    a->zy = s->out->zero;
    a->lo = p->lo;
    a->hi = p->hi;
    a->out_f32 = s->out->dtype == VN_F32;
    vn_conv_s16_sums(a, depthwise);
    WANT(s, e, p->hidden_conv < 0 || !a->out_f32, "a hidden tensor behind a float32 result");
    return rt_hidden(m, s, p->hidden_conv, -1, e);
}

static int prepare_conv_s16(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    return prepare_s16(m, s, 0, e);
}
static int prepare_dwconv_s16(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    return prepare_s16(m, s, 1, e);
}

static int prepare_f32(struct vn_model *m, struct rt_step *s, int depthwise, struct vn_err *e)
{
    const struct instr_CONV_F32 *p = s->params;
    struct vn_conv_f32 *a = &s->args.conv_f32;
    TRY(window(&a->g, s, e));
    const struct vn_window2d *g = &a->g;
    WANT(s, e, !depthwise || (g->groups == g->c && g->c == g->k), "not depthwise");
    const int64_t entries = depthwise ? g->k : (int64_t)vn_conv_blocks(g) * VN_OCB;
    const uint64_t packed = depthwise ? (uint64_t)g->kh * g->kw * g->c * 4 : vn_conv_f32_packed_bytes(g);
    WANT(s, e, s->in[0]->dtype == VN_F32 && s->out->dtype == VN_F32, "wrong types");
    WANT(s, e, s->in[1]->dtype == VN_F32 && s->in[1]->bytes == packed, "size of the weights differs");
    TRY(per_channel(s, 2, VN_F32, entries, e));
    a->weight = (const float *)s->in[1]->data;
    a->bias = (const float *)s->in[2]->data;
    a->lo = p->lo;
    a->hi = p->hi;
    if (s->n_in == 4) {
        TRY(residual(&a->g, s->in[3], s, e));
        a->residual = (const float *)s->in[3]->data;
    }
    return rt_hidden(m, s, p->hidden_conv, p->hidden_sum, e);
}

static int prepare_conv_f32(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    return prepare_f32(m, s, 0, e);
}
static int prepare_dwconv_f32(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    return prepare_f32(m, s, 1, e);
}

/* ---- running: output rows are shared out, or blocks of channels where there are few rows ---- */

struct conv_job {
    vn_conv_s8_fn *s8;
    vn_conv_s16_fn *s16;
    vn_conv_f32_fn *f32;
    void *out;
    const void *x, *args;
    int rows, blocks, parts, by_block;
};

static void conv_part(void *ctx, int i)
{
    const struct conv_job *j = ctx;
    const int r0 = j->by_block ? 0 : rt_cut(j->rows, j->parts, i),
              r1 = j->by_block ? j->rows : rt_cut(j->rows, j->parts, i + 1);
    const int b0 = j->by_block ? rt_cut(j->blocks, j->parts, i) : 0,
              b1 = j->by_block ? rt_cut(j->blocks, j->parts, i + 1) : j->blocks;
    if (j->s8)
        j->s8(j->out, j->x, j->args, r0, r1, b0, b1);
    else if (j->s16)
        j->s16(j->out, j->x, j->args, r0, r1, b0, b1);
    else
        j->f32(j->out, j->x, j->args, r0, r1, b0, b1);
}

static void share(struct vn_model *m, struct conv_job *j, const struct vn_window2d *g, int depthwise)
{
    j->rows = g->n * g->oh;
    j->blocks = depthwise ? (g->k + VN_OCB - 1) / VN_OCB : vn_conv_blocks(g);
    j->by_block = j->rows < j->blocks && j->rows < 8;
    j->parts = rt_parts(m, j->by_block ? j->blocks : j->rows);
    rt_parallel(m, j->parts, conv_part, j);
}

static void run_conv_s8(struct vn_model *m, const struct rt_step *s)
{
    struct conv_job j = {
        .s8 = m->kernels.conv_s8, .out = s->out->data, .x = s->in[0]->data, .args = &s->args.conv_s8
    };
    share(m, &j, &s->args.conv_s8.g, 0);
}

static void run_dwconv_s8(struct vn_model *m, const struct rt_step *s)
{
    struct conv_job j = {
        .s8 = m->kernels.dwconv_s8, .out = s->out->data, .x = s->in[0]->data, .args = &s->args.conv_s8
    };
    share(m, &j, &s->args.conv_s8.g, 1);
}

static void run_conv_s16(struct vn_model *m, const struct rt_step *s)
{
    struct conv_job j = {
        .s16 = m->kernels.conv_s16, .out = s->out->data, .x = s->in[0]->data, .args = &s->args.conv_s16
    };
    share(m, &j, &s->args.conv_s16.g, 0);
}

static void run_dwconv_s16(struct vn_model *m, const struct rt_step *s)
{
    struct conv_job j = {
        .s16 = m->kernels.dwconv_s16, .out = s->out->data, .x = s->in[0]->data, .args = &s->args.conv_s16
    };
    share(m, &j, &s->args.conv_s16.g, 1);
}

static void run_conv_f32(struct vn_model *m, const struct rt_step *s)
{
    struct conv_job j = {
        .f32 = m->kernels.conv_f32, .out = s->out->data, .x = s->in[0]->data, .args = &s->args.conv_f32
    };
    share(m, &j, &s->args.conv_f32.g, 0);
}

static void run_dwconv_f32(struct vn_model *m, const struct rt_step *s)
{
    struct conv_job j = {
        .f32 = m->kernels.dwconv_f32, .out = s->out->data, .x = s->in[0]->data, .args = &s->args.conv_f32
    };
    share(m, &j, &s->args.conv_f32.g, 1);
}

/* The same kernel without what was fused behind the wanted tensor. */
static struct vn_conv_s8 unfused_s8(const struct rt_step *s, int which)
{
    struct vn_conv_s8 a = s->args.conv_s8;
    a.lo = -128;
    a.hi = 127;
    a.zy = s->hidden[which]->zero;
    if (which == 0)
        a.residual = NULL;
    return a;
}

static void hidden_s8(struct vn_model *m, const struct rt_step *s, int which, void *out, vn_conv_s8_fn *fn,
                      int depthwise)
{
    const struct vn_conv_s8 a = unfused_s8(s, which);
    struct conv_job j = { .s8 = fn, .out = out, .x = s->in[0]->data, .args = &a };
    share(m, &j, &a.g, depthwise);
}

static void hidden_conv_s8(struct vn_model *m, const struct rt_step *s, int which, void *out)
{
    hidden_s8(m, s, which, out, m->kernels.conv_s8, 0);
}

static void hidden_dwconv_s8(struct vn_model *m, const struct rt_step *s, int which, void *out)
{
    hidden_s8(m, s, which, out, m->kernels.dwconv_s8, 1);
}

static void hidden_s16(struct vn_model *m, const struct rt_step *s, void *out, vn_conv_s16_fn *fn,
                       int depthwise)
{
    struct vn_conv_s16 a = s->args.conv_s16;
    a.lo = INT16_MIN;
    a.hi = INT16_MAX;
    struct conv_job j = { .s16 = fn, .out = out, .x = s->in[0]->data, .args = &a };
    share(m, &j, &a.g, depthwise);
}

static void hidden_conv_s16(struct vn_model *m, const struct rt_step *s, int which, void *out)
{
    (void)which;
    hidden_s16(m, s, out, m->kernels.conv_s16, 0);
}

static void hidden_dwconv_s16(struct vn_model *m, const struct rt_step *s, int which, void *out)
{
    (void)which;
    hidden_s16(m, s, out, m->kernels.dwconv_s16, 1);
}

static void hidden_f32(struct vn_model *m, const struct rt_step *s, int which, void *out, vn_conv_f32_fn *fn,
                       int depthwise)
{
    struct vn_conv_f32 a = s->args.conv_f32;
    a.lo = -INFINITY;
    a.hi = INFINITY;
    if (which == 0)
        a.residual = NULL;
    struct conv_job j = { .f32 = fn, .out = out, .x = s->in[0]->data, .args = &a };
    share(m, &j, &a.g, depthwise);
}

static void hidden_conv_f32(struct vn_model *m, const struct rt_step *s, int which, void *out)
{
    hidden_f32(m, s, which, out, m->kernels.conv_f32, 0);
}

static void hidden_dwconv_f32(struct vn_model *m, const struct rt_step *s, int which, void *out)
{
    hidden_f32(m, s, which, out, m->kernels.dwconv_f32, 1);
}

static uint64_t conv_macs(const struct rt_step *s)
{
    const struct instr_CONV_F32 *p = s->params;
    return (uint64_t)s->out->count * (uint64_t)p->kh * (uint64_t)p->kw * (uint64_t)(p->c / p->groups);
}

#define CONV(name, kind, hidden) \
    const struct rt_instr rt_instr_##name = { #name, NULL, prepare_##kind, run_##kind, hidden, conv_macs }
CONV(CONV_S8, conv_s8, hidden_conv_s8);
CONV(DWCONV_S8, dwconv_s8, hidden_dwconv_s8);
CONV(CONV_S16, conv_s16, hidden_conv_s16);
CONV(DWCONV_S16, dwconv_s16, hidden_dwconv_s16);
CONV(CONV_F32, conv_f32, hidden_conv_f32);
CONV(DWCONV_F32, dwconv_f32, hidden_dwconv_f32);

/* ---- matrix products of two activations ---- */

/* Largest element offset that dims and non-negative strides reach; -1: out of range. */
static int64_t reach(int rank, const int32_t *dims, const int32_t *stride, int64_t last)
{
    for (int i = 0; i < rank; i++) {
        if (stride[i] < 0)
            return -1;
        const int64_t step = rt_product(dims[i] - 1, stride[i], 1, 1);
        if (step < 0)
            return -1;
        last += step;
    }
    return last;
}

static int prepare_matmul(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_MATMUL_S8 *p = s->params;
    WANT(s, e,
         within(p->rank, 0, 6) && within(p->m, 1, LIMIT) && within(p->n, 1, LIMIT) && within(p->k, 1, LIMIT),
         "a size is out of range");
    int64_t batches = 1;
    for (int i = 0; i < p->rank; i++) {
        WANT(s, e, within(p->dims[i], 1, LIMIT), "a size is out of range");
        batches = batches < 0 ? -1 : rt_product(batches, p->dims[i], 1, 1);
    }
    WANT(s, e, batches > 0 && s->out->count == rt_product(batches, p->m, p->n, 1), "output size differs");
    const int64_t a = rt_product(p->m, p->k, 1, 1), b = rt_product(p->k, p->n, 1, 1);
    const int64_t ra = reach(p->rank, p->dims, p->a_stride, a - 1),
                  rb = reach(p->rank, p->dims, p->b_stride, b - 1);
    WANT(s, e, a > 0 && b > 0 && ra >= 0 && rb >= 0 && ra < s->in[0]->count && rb < s->in[1]->count,
         "an operand is too small");
    const enum vn_dtype t = s->instr == rt_instrs[OPCODE_MATMUL_S8]    ? VN_I8
                            : s->instr == rt_instrs[OPCODE_MATMUL_S16] ? VN_I16
                                                                       : VN_F32;
    WANT(s, e, t != VN_I16 || (s->in[0]->zero == 0 && s->in[1]->zero == 0), "int16 with a zero point");
    WANT(s, e,
         s->in[0]->dtype == t && s->in[1]->dtype == t &&
             (s->out->dtype == t || s->out->dtype == VN_F32 || (t == VN_I8 && s->out->dtype == VN_I16)),
         "wrong types");
    const float real = s->in[0]->scale * s->in[1]->scale;
    s->args.matmul = (struct vn_matmul){ .m = p->m,
                                         .n = p->n,
                                         .k = p->k,
                                         .za = s->in[0]->zero,
                                         .zb = s->in[1]->zero,
                                         .zy = s->out->zero,
                                         .lo = rt_least(s->out->dtype == VN_I16 ? VN_I16 : t),
                                         .hi = rt_most(s->out->dtype == VN_I16 ? VN_I16 : t),
                                         .out_s16 = s->out->dtype == VN_I16,
                                         .out_f32 = s->out->dtype == VN_F32 };
    s->args.matmul.mult =
        s->args.matmul.out_f32 ? real : vn_requant_mult(s->in[0]->scale, s->in[1]->scale, s->out->scale);
    return VN_OK;
}

struct matmul_job {
    const struct vn_model *m;
    const struct rt_step *s;
    const char *a, *b;
    char *c;
    int parts;
};

static void matmul_part(void *ctx, int i)
{
    const struct matmul_job *j = ctx;
    const struct vn_matmul *p = &j->s->args.matmul;
    const int r0 = rt_cut(p->m, j->parts, i), r1 = rt_cut(p->m, j->parts, i + 1);
    if (j->s->in[0]->dtype == VN_I8)
        j->m->kernels.matmul_s8(j->c, (const int8_t *)j->a, (const int8_t *)j->b, p, r0, r1);
    else if (j->s->in[0]->dtype == VN_I16)
        j->m->kernels.matmul_s16(j->c, (const int16_t *)j->a, (const int16_t *)j->b, p, r0, r1);
    else
        j->m->kernels.matmul_f32((float *)j->c, (const float *)j->a, (const float *)j->b, p, r0, r1);
}

static void run_matmul(struct vn_model *m, const struct rt_step *s)
{
    const struct instr_MATMUL_S8 *p = s->params;
    const size_t in_bytes = rt_element(s->in[0]), out_bytes = rt_element(s->out);
    int32_t index[6] = { 0 };
    const int64_t batches = s->out->count / ((int64_t)p->m * p->n);
    for (int64_t b = 0; b < batches; b++) {
        int64_t oa = 0, ob = 0;
        for (int i = 0; i < p->rank; i++) {
            oa += (int64_t)index[i] * p->a_stride[i];
            ob += (int64_t)index[i] * p->b_stride[i];
        }
        struct matmul_job j = { m,
                                s,
                                s->in[0]->data + oa * (int64_t)in_bytes,
                                s->in[1]->data + ob * (int64_t)in_bytes,
                                s->out->data + b * p->m * p->n * (int64_t)out_bytes,
                                rt_parts(m, p->m) };
        rt_parallel(m, j.parts, matmul_part, &j);
        for (int i = p->rank - 1; i >= 0 && ++index[i] == p->dims[i]; i--)
            index[i] = 0;
    }
}

static uint64_t matmul_macs(const struct rt_step *s)
{
    return (uint64_t)s->out->count * (uint64_t)s->args.matmul.k;
}

#define MATMUL(name) \
    const struct rt_instr rt_instr_##name = { #name, NULL, prepare_matmul, run_matmul, NULL, matmul_macs }
MATMUL(MATMUL_S8);
MATMUL(MATMUL_S16);
MATMUL(MATMUL_F32);
