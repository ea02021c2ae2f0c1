/* Pools, softmax, resize, and the image input. */
#include <string.h>

#include "num/num.h"
#include "runtime/model.h"

#define LIMIT VN_MOST_EXTENT
static int within(int32_t x, int32_t lo, int32_t hi) { return x >= lo && x <= hi; }
static int is_s8(const struct rt_tensor *t) { return t->dtype == VN_I8; }
static int is_s16(const struct rt_tensor *t) { return t->dtype == VN_I16; }
/* Input and output of one type, int8, int16 without a zero point in front, or float32. */
static int same_type(const struct rt_step *s)
{
    const enum vn_dtype t = s->in[0]->dtype;
    return (t == VN_I8 || t == VN_F32 || (t == VN_I16 && s->in[0]->zero == 0)) && t == s->out->dtype;
}
static float ratio_of(const struct rt_step *s)
{
    return rt_is_quantized(s->out->dtype) ? s->in[0]->scale / s->out->scale : 1;
}

struct row_job {
    struct vn_model *m;
    const struct rt_step *s;
    int rows, parts;
};

static void run_rows(struct vn_model *m, const struct rt_step *s, int rows, void (*part)(void *, int))
{
    struct row_job j = { m, s, rows, rt_parts(m, rows) };
    rt_parallel(m, j.parts, part, &j);
}

#define ROWS(j, i) rt_cut((j)->rows, (j)->parts, i), rt_cut((j)->rows, (j)->parts, (i) + 1)

/* ---- pools ---- */

static int check_pool(const struct rt_step *s, struct vn_err *e)
{
    const struct instr_AVGPOOL *p = s->params;
    const int32_t sizes[] = {
        p->n, p->h, p->w, p->c, p->oh, p->ow, p->kh, p->kw, p->sh, p->sw, p->dh, p->dw
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        WANT(s, e, within(sizes[i], 1, LIMIT), "a size is out of range");
    WANT(s, e,
         within(p->ph, 0, LIMIT) && within(p->pw, 0, LIMIT) && within(p->ph_end, 0, LIMIT) &&
             within(p->pw_end, 0, LIMIT),
         "padding out of range");
    const int64_t limit = 1 << 30;
    WANT(s, e,
         (int64_t)p->oh * p->sh + (int64_t)p->kh * p->dh < limit &&
             (int64_t)p->ow * p->sw + (int64_t)p->kw * p->dw < limit &&
             (int64_t)p->kh * p->kw <= VN_MOST_WINDOW && rt_product(p->n, p->oh, 1, 1) < limit,
         "window out of range");
    WANT(s, e, same_type(s) && s->in[0]->count == rt_product(p->n, p->h, p->w, p->c),
         "input type or size differs");
    WANT(s, e, s->out->count == rt_product(p->n, p->oh, p->ow, p->c), "output size differs");
    WANT(s, e, within(p->count_include_pad, 0, VN_POOL_DIVISORS - 1), "count_include_pad is out of range");
    WANT(s, e,
         !is_s16(s->out) || s->instr == rt_instrs[OPCODE_MAXPOOL] || (int64_t)p->kh * p->kw <= VN_NORM_MOST,
         "window too large");
    return VN_OK;
}

static int prepare_pool(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_AVGPOOL *p = s->params;
    TRY(check_pool(s, e));
    const struct vn_window2d window = { p->n,  p->h,  p->w,  p->c,  p->oh, p->ow, p->c, p->kh, p->kw, p->sh,
                                        p->sw, p->dh, p->dw, p->ph, p->pw, p->c,  p->c, p->c,  p->c };
    s->args.pool = (struct vn_pool){ .g = window,
                                     .count_include_pad = p->count_include_pad,
                                     .ph_end = p->ph_end,
                                     .pw_end = p->pw_end,
                                     .zx = s->in[0]->zero,
                                     .zy = s->out->zero,
                                     .ratio = ratio_of(s) };
    return VN_OK;
}

static void maxpool_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct rt_step *s = j->s;
    if (is_s8(s->out))
        j->m->kernels.maxpool_s8((int8_t *)s->out->data, (const int8_t *)s->in[0]->data, &s->args.pool,
                                 ROWS(j, i));
    else if (is_s16(s->out))
        j->m->kernels.maxpool_s16((int16_t *)s->out->data, (const int16_t *)s->in[0]->data, &s->args.pool,
                                  ROWS(j, i));
    else
        j->m->kernels.maxpool_f32((float *)s->out->data, (const float *)s->in[0]->data, &s->args.pool,
                                  ROWS(j, i));
}

static void avgpool_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct rt_step *s = j->s;
    if (is_s8(s->out))
        j->m->kernels.avgpool_s8((int8_t *)s->out->data, (const int8_t *)s->in[0]->data, &s->args.pool,
                                 ROWS(j, i));
    else if (is_s16(s->out))
        j->m->kernels.avgpool_s16((int16_t *)s->out->data, (const int16_t *)s->in[0]->data, &s->args.pool,
                                  ROWS(j, i));
    else
        j->m->kernels.avgpool_f32((float *)s->out->data, (const float *)s->in[0]->data, &s->args.pool,
                                  ROWS(j, i));
}

static void run_maxpool(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, s->args.pool.g.n * s->args.pool.g.oh, maxpool_part);
}

static void run_avgpool(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, s->args.pool.g.n * s->args.pool.g.oh, avgpool_part);
}

const struct rt_instr rt_instr_MAXPOOL = { "MAXPOOL", NULL, prepare_pool, run_maxpool, NULL };
const struct rt_instr rt_instr_AVGPOOL = { "AVGPOOL", NULL, prepare_pool, run_avgpool, NULL };

/* ---- softmax ---- */

static int prepare_softmax(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_SOFTMAX *p = s->params;
    WANT(s, e, within(p->outer, 1, 1 << 30) && within(p->n, 1, LIMIT) && within(p->inner, 1, LIMIT),
         "a size is out of range");
    WANT(s, e,
         same_type(s) && s->in[0]->count == s->out->count &&
             s->out->count == rt_product(p->outer, p->n, p->inner, 1),
         "wrong type or size");
    s->args.softmax = (struct vn_softmax){ .n = p->n, .inner = p->inner };
    if (!rt_is_quantized(s->out->dtype))
        return VN_OK;
    WANT(s, e,
         s->n_in == 2 && s->in[1]->dtype == VN_U32 &&
             s->in[1]->count == (is_s8(s->out) ? 256 : VN_SOFTMAX16_ENTRIES),
         "no table");
    s->args.softmax.table = (const uint32_t *)s->in[1]->data;
    s->args.softmax.zy = s->out->zero;
    s->args.softmax.inv = 1 / s->out->scale;
    return VN_OK;
}

static void softmax_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct rt_step *s = j->s;
    const struct vn_kernels *const k = &j->m->kernels;
    const struct vn_softmax *const p = &s->args.softmax;
    if (is_s8(s->out))
        k->softmax_s8((int8_t *)s->out->data, (const int8_t *)s->in[0]->data, p, ROWS(j, i));
    else if (is_s16(s->out))
        k->softmax_s16((int16_t *)s->out->data, (const int16_t *)s->in[0]->data, p, ROWS(j, i));
    else
        k->softmax_f32((float *)s->out->data, (const float *)s->in[0]->data, p, ROWS(j, i));
}

static void run_softmax(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, ((const struct instr_SOFTMAX *)s->params)->outer, softmax_part);
}

const struct rt_instr rt_instr_SOFTMAX = { "SOFTMAX", NULL, prepare_softmax, run_softmax, NULL };

/* ---- normalization ---- */

static int prepare_normalize(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_NORMALIZE *p = s->params;
    WANT(s, e, within(p->rows, 1, 1 << 30) && within(p->n, 1, VN_NORM_MOST) && within(p->centre, 0, 1),
         "a size is out of range");
    WANT(s, e,
         same_type(s) && s->in[0]->count == s->out->count && s->out->count == rt_product(p->rows, p->n, 1, 1),
         "wrong type or size");
    for (int k = 1; k <= 2; k++)
        WANT(s, e, s->in[k]->dtype == VN_F32 && s->in[k]->count == p->n,
             "type or length of scale or bias differs");
    s->args.normalize = (struct vn_normalize){ .n = p->n,
                                               .centre = p->centre,
                                               .scale = (const float *)s->in[1]->data,
                                               .bias = (const float *)s->in[2]->data,
                                               .zx = s->in[0]->zero,
                                               .zy = s->out->zero,
                                               .sx = s->in[0]->scale,
                                               .epsilon = (double)p->epsilon };
    return VN_OK;
}

static void normalize_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct rt_step *s = j->s;
    const int64_t at = rt_cut(j->rows, j->parts, i) * (int64_t)s->args.normalize.n;
    if (is_s8(s->out))
        j->m->kernels.normalize_s8((int8_t *)s->out->data + at, (const int8_t *)s->in[0]->data + at,
                                   &s->args.normalize, ROWS(j, i));
    else if (is_s16(s->out))
        j->m->kernels.normalize_s16((int16_t *)s->out->data + at, (const int16_t *)s->in[0]->data + at,
                                    &s->args.normalize, ROWS(j, i));
    else
        j->m->kernels.normalize_f32((float *)s->out->data + at, (const float *)s->in[0]->data + at,
                                    &s->args.normalize, ROWS(j, i));
}

static void run_normalize(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, ((const struct instr_NORMALIZE *)s->params)->rows, normalize_part);
}

const struct rt_instr rt_instr_NORMALIZE = { "NORMALIZE", NULL, prepare_normalize, run_normalize, NULL };

/* ---- reductions ---- */

static int prepare_reduce(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_REDUCE_F32 *p = s->params;
    WANT(s, e, within(p->op, VN_RED_SUM, VN_RED_COUNT - 1), "unknown operation");
    WANT(s, e, within(p->outer, 1, 1 << 30) && within(p->n, 1, LIMIT) && within(p->inner, 1, LIMIT),
         "a size is out of range");
    WANT(s, e, s->in[0]->dtype == VN_F32 && s->out->dtype == VN_F32, "wrong types");
    WANT(s, e, s->in[0]->count == rt_product(p->outer, p->n, p->inner, 1), "input size differs");
    WANT(s, e, s->out->count == rt_product(p->outer, p->inner, 1, 1), "output size differs");
    return VN_OK;
}

static void reduce_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct instr_REDUCE_F32 *p = j->s->params;
    vn_reduce_f32_c((float *)j->s->out->data, (const float *)j->s->in[0]->data, p->op, p->n, p->inner,
                    ROWS(j, i));
}

static void run_reduce(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, ((const struct instr_REDUCE_F32 *)s->params)->outer, reduce_part);
}

const struct rt_instr rt_instr_REDUCE_F32 = { "REDUCE_F32", NULL, prepare_reduce, run_reduce, NULL };

/* ---- resize: indices are copied, since they decide what is read ---- */

static size_t own_resize(const struct rt_step *s)
{
    return s->n_in >= 3 ? s->in[1]->bytes + s->in[2]->bytes : 0;
}

static int copy_indices(struct rt_step *s, int per_output, struct vn_err *e)
{
    const struct instr_RESIZE_NEAREST *p = s->params;
    const int32_t sizes[] = { p->n, p->h, p->w, p->c, p->oh, p->ow };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        WANT(s, e, within(sizes[i], 1, LIMIT), "a size is out of range");
    WANT(s, e,
         s->in[0]->count == rt_product(p->n, p->h, p->w, p->c) &&
             s->out->count == rt_product(p->n, p->oh, p->ow, p->c) && rt_product(p->n, p->oh, 1, 1) < 1 << 30,
         "wrong size");
    for (int k = 1; k <= 2; k++) {
        const int32_t out = k == 1 ? p->oh : p->ow, in = k == 1 ? p->h : p->w;
        int32_t *copy = (int32_t *)((char *)s->own + (k == 1 ? 0 : s->in[1]->bytes));
        WANT(s, e,
             s->in[k]->dtype == VN_I32 && s->in[k]->place == BIN_CONST &&
                 s->in[k]->count == (int64_t)out * per_output,
             "wrong indices");
        memcpy(copy, s->in[k]->data, s->in[k]->bytes);
        for (int64_t i = 0; i < s->in[k]->count; i++)
            WANT(s, e, within(copy[i], 0, in - 1), "index out of range");
    }
    s->args.resize = (struct vn_resize2d){ .n = p->n,
                                           .h = p->h,
                                           .w = p->w,
                                           .c = p->c,
                                           .oh = p->oh,
                                           .ow = p->ow,
                                           .iy = s->own,
                                           .ix = (const int32_t *)((const char *)s->own + s->in[1]->bytes) };
    return VN_OK;
}

static int prepare_nearest(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    WANT(s, e, s->in[0]->dtype == s->out->dtype, "wrong type");
    return copy_indices(s, 1, e);
}

/* Pairs of integer weights. */
static int check_weights(const struct rt_step *s, const int32_t *w, int64_t count, struct vn_err *e)
{
    const int32_t one = 1 << (is_s16(s->out) ? VN_RESIZE16_BITS : VN_RESIZE_BITS);
    for (int64_t i = 0; i < count; i += 2)
        WANT(s, e, within(w[i], 0, one) && w[i + 1] == one - w[i], "two weights are not one together");
    return VN_OK;
}

static int prepare_linear(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    WANT(s, e, same_type(s), "wrong type");
    const int r = copy_indices(s, 2, e);
    if (r < 0)
        return r;
    const enum vn_dtype t = rt_is_quantized(s->out->dtype) ? VN_I32 : VN_F32;
    for (int k = 3; k <= 4; k++)
        WANT(s, e,
             s->in[k]->dtype == t && s->in[k]->place == BIN_CONST && s->in[k]->count == s->in[k - 2]->count,
             "wrong weights");
    struct vn_resize2d *a = &s->args.resize;
    a->wy = (const float *)s->in[3]->data;
    a->wx = (const float *)s->in[4]->data;
    a->qy = (const int32_t *)s->in[3]->data;
    a->qx = (const int32_t *)s->in[4]->data;
    for (int k = 3; k <= 4 && t == VN_I32; k++)
        TRY(check_weights(s, (const int32_t *)s->in[k]->data, s->in[k]->count, e));
    a->zx = s->in[0]->zero;
    a->zy = s->out->zero;
    a->ratio = ratio_of(s);
    return VN_OK;
}

static void nearest_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct rt_step *s = j->s;
    vn_resize_nearest_c(s->out->data, s->in[0]->data, &s->args.resize,
                        (int)(s->out->bytes / (size_t)s->out->count), ROWS(j, i));
}

static void linear_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct rt_step *s = j->s;
    if (is_s8(s->out))
        j->m->kernels.resize_linear_s8((int8_t *)s->out->data, (const int8_t *)s->in[0]->data,
                                       &s->args.resize, ROWS(j, i));
    else if (is_s16(s->out))
        j->m->kernels.resize_linear_s16((int16_t *)s->out->data, (const int16_t *)s->in[0]->data,
                                        &s->args.resize, ROWS(j, i));
    else
        j->m->kernels.resize_linear_f32((float *)s->out->data, (const float *)s->in[0]->data, &s->args.resize,
                                        ROWS(j, i));
}

static void run_nearest(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, s->args.resize.n * s->args.resize.oh, nearest_part);
}

static void run_linear(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, s->args.resize.n * s->args.resize.oh, linear_part);
}

const struct rt_instr rt_instr_RESIZE_NEAREST = { "RESIZE_NEAREST", own_resize, prepare_nearest, run_nearest,
                                                  NULL };
const struct rt_instr rt_instr_RESIZE_LINEAR = { "RESIZE_LINEAR", own_resize, prepare_linear, run_linear,
                                                 NULL };

/* ---- image input ---- */

static int prepare_image(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_INPUT_IMAGE *p = s->params;
    WANT(s, e,
         within(p->type, VN_IN_RGB, VN_IN_GRAY) && within(p->n, 1, LIMIT) && within(p->h, 1, LIMIT) &&
             within(p->w, 1, LIMIT) && p->c == (p->type == VN_IN_GRAY ? 1 : 3),
         "wrong image type or size");
    const int64_t pixels = rt_product(p->n, p->h, p->w, 1);
    const int nv12 = p->type == VN_IN_NV12;
    WANT(s, e, pixels > 0 && (!nv12 || (p->h % 2 == 0 && p->w % 2 == 0)), "odd size");
    WANT(s, e, s->in[0]->dtype == VN_U8 && s->in[0]->count == (nv12 ? pixels / 2 * 3 : pixels * p->c),
         "input type or size differs");
    WANT(s, e, s->out->dtype == VN_I8 && s->out->count == rt_product(pixels, p->c, 1, 1),
         "output type or size differs");
    return VN_OK;
}

/* One channel of one row of an image: where it begins, and the step from pixel to pixel. */
struct plane_row {
    int64_t first, step;
};

static struct plane_row plane_row(const struct instr_INPUT_IMAGE *p, int row, int c, int channels_last)
{
    const int64_t pixel = (int64_t)row * p->w, pixels = (int64_t)p->h * p->w;
    return channels_last ? (struct plane_row){ pixel * p->c + c, p->c }
                         : (struct plane_row){ c * pixels + pixel, 1 };
}

static void convert_row(int8_t *y, const uint8_t *x, int w, int64_t step_y, int64_t step_x)
{
    for (int i = 0; i < w; i++)
        y[i * step_y] = (int8_t)(x[i * step_x] - 128);
}

/* Chroma of NV12: each U, V pair repeats over its 2 x 2 pixels. */
static void convert_chroma_row(int8_t *y, const uint8_t *uv, int w, int64_t step_y)
{
    for (int i = 0; i < w; i++)
        y[i * step_y] = (int8_t)(uv[i / 2 * 2] - 128);
}

static void image_part(void *ctx, int part)
{
    const struct row_job *j = ctx;
    const struct instr_INPUT_IMAGE *p = j->s->params;
    const int64_t pixels = (int64_t)p->h * p->w;
    const int nv12 = p->type == VN_IN_NV12;
    for (int r = rt_cut(j->rows, j->parts, part); r < rt_cut(j->rows, j->parts, part + 1); r++) {
        const int n = r / p->h, row = r % p->h;
        const uint8_t *x = (const uint8_t *)j->s->in[0]->data + n * (nv12 ? pixels / 2 * 3 : pixels * p->c);
        int8_t *y = (int8_t *)j->s->out->data + n * pixels * p->c;
        for (int c = 0; c < p->c; c++) {
            const struct plane_row to = plane_row(p, row, c, p->channels_last_out),
                                   from = plane_row(p, row, nv12 ? 0 : c, !nv12 && p->channels_last_in);
            if (nv12 && c)
                convert_chroma_row(y + to.first, x + pixels + (int64_t)(row / 2) * p->w + c - 1, p->w,
                                   to.step);
            else
                convert_row(y + to.first, x + from.first, p->w, to.step, from.step);
        }
    }
}

static void run_image(struct vn_model *m, const struct rt_step *s)
{
    const struct instr_INPUT_IMAGE *p = s->params;
    run_rows(m, s, p->n * p->h, image_part);
}

const struct rt_instr rt_instr_INPUT_IMAGE = { "INPUT_IMAGE", NULL, prepare_image, run_image, NULL };

static int prepare_preprocess(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_PREPROCESS_S8 *p = s->params;
    const int s8 = s->instr == rt_instrs[OPCODE_PREPROCESS_S8];
    const enum vn_dtype t = s8 ? VN_I8 : VN_F32;
    WANT(s, e, (p->c == 1 || p->c == 3) && within(p->pixels, 1, 1 << 30), "a size is out of range");
    const int64_t count = rt_product(p->pixels, p->c, 1, 1);
    WANT(s, e,
         s->in[0]->dtype == t && (s->out->dtype == t || (s8 && is_s16(s->out))) && s->in[0]->count == count &&
             s->out->count == count,
         "wrong type or size");
    WANT(s, e, s->in[1]->dtype == (s8 ? VN_I16 : VN_F32) && s->in[1]->count == p->c * p->c, "wrong weights");
    WANT(s, e, s->in[2]->dtype == (s8 ? VN_I32 : VN_F32) && s->in[2]->count == p->c, "wrong bias");
    if (!s8)
        return VN_OK;
    WANT(s, e, s->in[3]->dtype == VN_F32 && s->in[3]->count == p->c, "wrong multipliers");
    s->args.preprocess_s8 = (struct vn_preprocess_s8){ .c = p->c,
                                                       .weight = (const int16_t *)s->in[1]->data,
                                                       .bias = (const int32_t *)s->in[2]->data,
                                                       .mult = (const float *)s->in[3]->data,
                                                       .zy = s->out->zero };
    for (int i = 0; i < p->c; i++)
        WANT(s, e, within(s->args.preprocess_s8.bias[i], -(1 << 30), 1 << 30), "bias does not fit 30 bits");
    return VN_OK;
}

static void preprocess_part(void *ctx, int i)
{
    const struct row_job *j = ctx;
    const struct rt_step *s = j->s;
    const struct instr_PREPROCESS_S8 *p = s->params;
    const size_t p0 = (size_t)rt_cut(j->rows, j->parts, i), p1 = (size_t)rt_cut(j->rows, j->parts, i + 1);
    if (is_s8(s->out))
        j->m->kernels.preprocess_s8((int8_t *)s->out->data, (const int8_t *)s->in[0]->data,
                                    &s->args.preprocess_s8, p0, p1);
    else if (is_s16(s->out))
        j->m->kernels.preprocess_s16((int16_t *)s->out->data, (const int8_t *)s->in[0]->data,
                                     &s->args.preprocess_s8, p0, p1);
    else
        vn_preprocess_f32_c((float *)s->out->data, (const float *)s->in[0]->data, p->c,
                            (const float *)s->in[1]->data, (const float *)s->in[2]->data, p0, p1);
}

static void run_preprocess(struct vn_model *m, const struct rt_step *s)
{
    run_rows(m, s, ((const struct instr_PREPROCESS_S8 *)s->params)->pixels, preprocess_part);
}

const struct rt_instr rt_instr_PREPROCESS_S8 = { "PREPROCESS_S8", NULL, prepare_preprocess, run_preprocess,
                                                 NULL };
const struct rt_instr rt_instr_PREPROCESS_F32 = { "PREPROCESS_F32", NULL, prepare_preprocess, run_preprocess,
                                                  NULL };
