/* Element by element: arithmetic, clamps, tables, copies. */
#include <string.h>

#include "num/num.h"
#include "runtime/model.h"

#define LIMIT (1 << 30)
static int within(int32_t x, int32_t lo, int32_t hi) { return x >= lo && x <= hi; }

/* Spans of one-dimensional work are cut into parts of at least this many elements. */
#define SPAN 16384
static int span_parts(const struct vn_model *m, int64_t n) { return rt_parts(m, (n + SPAN - 1) / SPAN); }

struct span_job {
    struct vn_model *m;
    const struct rt_step *s;
    int parts;
};

static void span(const struct span_job *j, int i, int64_t *at, int64_t *n)
{
    const int64_t total = j->s->out->count;
    *at = total * i / j->parts;
    *n = total * (i + 1) / j->parts - *at;
}

static void run_spans(struct vn_model *m, const struct rt_step *s, void (*part)(void *, int))
{
    struct span_job j = { m, s, span_parts(m, s->out->count) };
    rt_parallel(m, j.parts, part, &j);
}

/* ---- binary with broadcasting: the two innermost-contiguous cases run as spans, outer dimensions as a loop
 * ---- */

static int check_dims(const struct rt_step *s, int rank, const int32_t *dims, struct vn_err *e)
{
    WANT(s, e, within(rank, 0, 8), "rank out of range");
    int64_t n = 1;
    for (int i = 0; i < rank; i++) {
        WANT(s, e, within(dims[i], 0, LIMIT), "a size is out of range");
        n = n < 0 ? -1 : rt_product(n, dims[i], 1, 1);
    }
    WANT(s, e, n == s->out->count, "output size differs");
    return VN_OK;
}

int rt_reaches(int rank, const int32_t *dims, int64_t at, const int32_t *stride, int64_t count)
{
    int64_t lo = at, hi = at;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 0)
            return 0;
        const int64_t step = (int64_t)(dims[i] - 1) * stride[i];
        if (step > LIMIT || step < -(int64_t)LIMIT)
            return -1;
        *(step < 0 ? &lo : &hi) += step;
    }
    return lo >= 0 && hi < count ? 0 : -1;
}

struct binary_layout {
    int rank;
    const int32_t *dims, *a, *b;
};

static struct binary_layout binary_layout(const struct rt_step *s)
{
    if (s->instr != rt_instrs[OPCODE_BINARY_F32]) { /* both integer forms have the same fields */
        const struct instr_BINARY_S8 *p = s->params;
        return (struct binary_layout){ p->rank, p->dims, p->a_stride, p->b_stride };
    }
    const struct instr_BINARY_F32 *p = s->params;
    return (struct binary_layout){ p->rank, p->dims, p->a_stride, p->b_stride };
}

static int prepare_integers(struct rt_step *s, enum vn_dtype t, int32_t op, struct vn_err *e)
{
    const struct instr_BINARY_S8 *p = s->params;
    WANT(s, e, within(p->lo, rt_least(t), p->hi) && within(p->hi, p->lo, rt_most(t)), "bounds out of range");
    WANT(s, e, t == VN_I8 || (s->in[0]->zero == 0 && s->in[1]->zero == 0), "int16 with a zero point");
    const float sa = s->in[0]->scale, sb = s->in[1]->scale, sy = s->out->scale;
    struct vn_binary_s8 *const b = &s->args.binary_s8;
    *b = (struct vn_binary_s8){ .op = op == VN_BIN_SUB ? VN_BIN_ADD : op,
                                .za = s->in[0]->zero,
                                .zb = s->in[1]->zero,
                                .zy = s->out->zero,
                                .lo = p->lo,
                                .hi = p->hi,
                                .ra = sa / sy,
                                .rb = sb / sy };
    switch (op) {
    case VN_BIN_MUL: b->ra = vn_requant_mult(sa, sb, sy); break;
    case VN_BIN_DIV: b->ra = (sa / sb) / sy; break;
    case VN_BIN_SUB: b->rb = -(sb / sy); break;
    case VN_BIN_PRELU:
        b->rb = sa / sy;
        b->ra = vn_requant_mult(sa, sb, sy);
        break;
    default: break;
    }
    b->fixed = vn_add_fixed(b->za, b->ra, b->zb, b->rb, b->zy);
    return VN_OK;
}

static int prepare_binary(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct binary_layout l = binary_layout(s);
    const int r = check_dims(s, l.rank, l.dims, e);
    if (r < 0)
        return r;
    WANT(s, e,
         !rt_reaches(l.rank, l.dims, 0, l.a, s->in[0]->count) &&
             !rt_reaches(l.rank, l.dims, 0, l.b, s->in[1]->count),
         "an operand is too small");
    const int32_t op = *(const int32_t *)s->params;
    const enum vn_dtype t = s->instr == rt_instrs[OPCODE_BINARY_S8]    ? VN_I8
                            : s->instr == rt_instrs[OPCODE_BINARY_S16] ? VN_I16
                                                                       : VN_F32;
    WANT(s, e, within(op, VN_BIN_ADD, VN_BIN_PRELU), "unknown operation");
    WANT(s, e, s->in[0]->dtype == t && s->in[1]->dtype == t && s->out->dtype == t, "wrong types");
    return t == VN_F32 ? VN_OK : prepare_integers(s, t, op, e);
}

static void binary_span(const struct span_job *j, int64_t out, int64_t a, int64_t b, int64_t n, int step_a,
                        int step_b)
{
    const struct rt_step *s = j->s;
    const struct vn_kernels *k = &j->m->kernels;
    if (s->out->dtype == VN_I8)
        k->binary_s8((int8_t *)s->out->data + out, (const int8_t *)s->in[0]->data + a,
                     (const int8_t *)s->in[1]->data + b, (size_t)n, step_a, step_b, &s->args.binary_s8);
    else if (s->out->dtype == VN_I16)
        k->binary_s16((int16_t *)s->out->data + out, (const int16_t *)s->in[0]->data + a,
                      (const int16_t *)s->in[1]->data + b, (size_t)n, step_a, step_b, &s->args.binary_s8);
    else
        k->binary_f32((float *)s->out->data + out, (const float *)s->in[0]->data + a,
                      (const float *)s->in[1]->data + b, (size_t)n, step_a, step_b,
                      *(const int32_t *)s->params);
}

/* dims merged from the inside while both operands are contiguous (or both constant) there: fewer, longer
 * spans */
struct merged {
    int rank;
    int64_t dims[8], a[8], b[8];
};

static struct merged merge(const struct binary_layout *l)
{
    struct merged m = { 0 };
    for (int i = l->rank - 1; i >= 0; i--) {
        if (l->dims[i] == 1)
            continue;
        const int k = m.rank - 1;
        if (m.rank && l->a[i] == m.a[k] * m.dims[k] && l->b[i] == m.b[k] * m.dims[k])
            m.dims[k] *= l->dims[i];
        else {
            m.dims[m.rank] = l->dims[i];
            m.a[m.rank] = l->a[i];
            m.b[m.rank] = l->b[i];
            m.rank++;
        }
    }
    if (!m.rank) {
        m.dims[0] = 1;
        m.rank = 1;
    }
    return m; /* innermost first */
}

static void binary_part(void *ctx, int part)
{
    const struct span_job *j = ctx;
    const struct binary_layout l = binary_layout(j->s);
    const struct merged m = merge(&l);
    const int vector = m.a[0] <= 1 && m.b[0] <= 1; /* steps 0 or 1 */
    const int64_t inner = vector ? m.dims[0] : 1, rows = inner ? j->s->out->count / inner : 0;
    const int64_t r0 = rows * part / j->parts, r1 = rows * (part + 1) / j->parts;
    for (int64_t r = r0; r < r1; r++) {
        int64_t rest = r, a = 0, b = 0;
        for (int i = vector; i < m.rank; i++) {
            const int64_t x = rest % m.dims[i];
            rest /= m.dims[i];
            a += x * m.a[i];
            b += x * m.b[i];
        }
        binary_span(j, r * inner, a, b, inner, vector ? (int)m.a[0] : 1, vector ? (int)m.b[0] : 1);
    }
}

static void run_binary(struct vn_model *m, const struct rt_step *s)
{
    const struct binary_layout l = binary_layout(s);
    const struct merged g = merge(&l);
    const int64_t rows = s->out->count / (g.dims[0] ? g.dims[0] : 1);
    struct span_job j = { m, s, rt_parts(m, rows > 1 ? rows : 1) };
    if (s->out->count)
        rt_parallel(m, s->out->count < SPAN ? (j.parts = 1) : j.parts, binary_part, &j);
}

const struct rt_instr rt_instr_BINARY_S8 = { "BINARY_S8", NULL, prepare_binary, run_binary, NULL };
const struct rt_instr rt_instr_BINARY_S16 = { "BINARY_S16", NULL, prepare_binary, run_binary, NULL };
const struct rt_instr rt_instr_BINARY_F32 = { "BINARY_F32", NULL, prepare_binary, run_binary, NULL };

/* ---- one input, one output, same size ---- */

static int same_size(const struct rt_step *s, enum vn_dtype in, enum vn_dtype out, struct vn_err *e)
{
    WANT(s, e, s->in[0]->dtype == in && s->out->dtype == out && s->in[0]->count == s->out->count,
         "wrong type or size");
    return VN_OK;
}

static int prepare_clamp_s8(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_CLAMP_S8 *p = s->params;
    WANT(s, e, within(p->lo, -128, p->hi) && within(p->hi, p->lo, 127), "bounds out of range");
    return same_size(s, VN_I8, VN_I8, e);
}

static int prepare_f32(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    return same_size(s, VN_F32, VN_F32, e);
}

static int prepare_unary(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    const struct instr_UNARY_F32 *p = s->params;
    WANT(s, e, within(p->op, VN_UN_EXP, VN_UN_COUNT - 1), "unknown function");
    WANT(s, e, p->op != VN_UN_POWER || (p->alpha >= -64.0f && p->alpha <= 64.0f), "exponent out of range");
    return prepare_f32(m, s, e);
}

static int prepare_table(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    WANT(s, e, s->in[1]->dtype == VN_I8 && s->in[1]->count == 256, "table is not 256 int8");
    return same_size(s, VN_I8, VN_I8, e);
}

static int prepare_table_s16(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct rt_tensor *x = s->in[0], *y = s->out;
    WANT(s, e, rt_is_quantized(x->dtype) && rt_is_quantized(y->dtype) && x->count == y->count,
         "wrong type or size");
    WANT(s, e, s->in[1]->dtype == y->dtype && s->in[1]->count == (x->dtype == VN_I8 ? 256 : 65536),
         "type or length of the table differs");
    return VN_OK;
}

static int prepare_rescale(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_RESCALE *p = s->params;
    const struct rt_tensor *x = s->in[0], *y = s->out;
    WANT(s, e, rt_is_quantized(x->dtype) && rt_is_quantized(y->dtype) && x->count == y->count,
         "wrong type or size");
    WANT(s, e, within(p->lo, rt_least(y->dtype), p->hi) && within(p->hi, p->lo, rt_most(y->dtype)),
         "bounds out of range");
    s->args.rescale = (struct vn_rescale){
        .zx = x->zero, .zy = y->zero, .lo = p->lo, .hi = p->hi, .ratio = x->scale / y->scale
    };
    return VN_OK;
}

static int prepare_quantize(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    return same_size(s, VN_F32, s->out->dtype == VN_I16 ? VN_I16 : VN_I8, e);
}

static int prepare_dequantize(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    return same_size(s, s->in[0]->dtype == VN_I16 ? VN_I16 : VN_I8, VN_F32, e);
}

#define PART(name, in_type, out_type, call) \
    static void name##_part(void *ctx, int i) \
    { \
        const struct span_job *j = ctx; \
        const struct rt_step *s = j->s; \
        const struct vn_kernels *k = &j->m->kernels; \
        int64_t at, n; \
        span(j, i, &at, &n); \
        const in_type *x = (const in_type *)s->in[0]->data + at; \
        out_type *y = (out_type *)s->out->data + at; \
        call; \
        (void)k; \
    } \
    static void run_##name(struct vn_model *m, const struct rt_step *s) { run_spans(m, s, name##_part); }

PART(clamp_s8, int8_t, int8_t,
     k->clamp_s8(y, x, (size_t)n, ((const struct instr_CLAMP_S8 *)s->params)->lo,
                 ((const struct instr_CLAMP_S8 *)s->params)->hi))
PART(clamp_f32, float, float,
     k->clamp_f32(y, x, (size_t)n, ((const struct instr_CLAMP_F32 *)s->params)->lo,
                  ((const struct instr_CLAMP_F32 *)s->params)->hi))
PART(table_s8, int8_t, int8_t, k->table_s8(y, x, (size_t)n, (const int8_t *)s->in[1]->data))
PART(unary_f32, float, float,
     k->unary_f32(y, x, (size_t)n, ((const struct instr_UNARY_F32 *)s->params)->op,
                  ((const struct instr_UNARY_F32 *)s->params)->alpha,
                  ((const struct instr_UNARY_F32 *)s->params)->beta))
PART(quantize_s8, float, int8_t, k->quantize_s8(y, x, (size_t)n, s->out->scale, s->out->zero))
PART(dequantize_s8, int8_t, float, k->dequantize_s8(y, x, (size_t)n, s->in[0]->scale, s->in[0]->zero))
PART(quantize_s16, float, int16_t, k->quantize_s16(y, x, (size_t)n, s->out->scale, s->out->zero))
PART(dequantize_s16, int16_t, float, k->dequantize_s16(y, x, (size_t)n, s->in[0]->scale, s->in[0]->zero))
PART(table_s8_s16, int8_t, int16_t, vn_table_s8_s16_c(y, x, (size_t)n, (const int16_t *)s->in[1]->data))
PART(table_s16_s8, int16_t, int8_t, vn_table_s16_s8_c(y, x, (size_t)n, (const int8_t *)s->in[1]->data))
PART(table_s16_s16, int16_t, int16_t, vn_table_s16_c(y, x, (size_t)n, (const int16_t *)s->in[1]->data))
PART(rescale_s8_s8, int8_t, int8_t, k->rescale_s8(y, x, (size_t)n, &s->args.rescale))
PART(rescale_s8_s16, int8_t, int16_t, k->rescale_s8_s16(y, x, (size_t)n, &s->args.rescale))
PART(rescale_s16_s8, int16_t, int8_t, k->rescale_s16_s8(y, x, (size_t)n, &s->args.rescale))
PART(rescale_s16_s16, int16_t, int16_t, k->rescale_s16(y, x, (size_t)n, &s->args.rescale))

typedef void run_fn(struct vn_model *m, const struct rt_step *s);
static run_fn *const quantizers[2] = { run_quantize_s8, run_quantize_s16 };
static run_fn *const dequantizers[2] = { run_dequantize_s8, run_dequantize_s16 };
/* [x is int16][y is int16] */
static run_fn *const tables[2][2] = { { run_table_s8, run_table_s8_s16 },
                                      { run_table_s16_s8, run_table_s16_s16 } };
static run_fn *const rescales[2][2] = { { run_rescale_s8_s8, run_rescale_s8_s16 },
                                        { run_rescale_s16_s8, run_rescale_s16_s16 } };

static int wide(const struct rt_tensor *t) { return t->dtype == VN_I16; }
static void run_quantize(struct vn_model *m, const struct rt_step *s) { quantizers[wide(s->out)](m, s); }
static void run_dequantize(struct vn_model *m, const struct rt_step *s)
{
    dequantizers[wide(s->in[0])](m, s);
}
static void run_table_s16(struct vn_model *m, const struct rt_step *s)
{
    tables[wide(s->in[0])][wide(s->out)](m, s);
}
static void run_rescale(struct vn_model *m, const struct rt_step *s)
{
    rescales[wide(s->in[0])][wide(s->out)](m, s);
}

const struct rt_instr rt_instr_CLAMP_S8 = { "CLAMP_S8", NULL, prepare_clamp_s8, run_clamp_s8, NULL };
const struct rt_instr rt_instr_CLAMP_F32 = { "CLAMP_F32", NULL, prepare_f32, run_clamp_f32, NULL };
const struct rt_instr rt_instr_TABLE_S8 = { "TABLE_S8", NULL, prepare_table, run_table_s8, NULL };
const struct rt_instr rt_instr_TABLE_S16 = { "TABLE_S16", NULL, prepare_table_s16, run_table_s16, NULL };
const struct rt_instr rt_instr_RESCALE = { "RESCALE", NULL, prepare_rescale, run_rescale, NULL };
const struct rt_instr rt_instr_UNARY_F32 = { "UNARY_F32", NULL, prepare_unary, run_unary_f32, NULL };
const struct rt_instr rt_instr_QUANTIZE = { "QUANTIZE", NULL, prepare_quantize, run_quantize, NULL };
const struct rt_instr rt_instr_DEQUANTIZE = { "DEQUANTIZE", NULL, prepare_dequantize, run_dequantize, NULL };

/* ---- constant values, picked elements ---- */

static int prepare_fill(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_FILL *p = s->params;
    const enum vn_dtype t = s->out->dtype;
    WANT(s, e,
         t == VN_F32 ||
             (rt_is_quantized(t) && p->value >= (float)rt_least(t) && p->value <= (float)rt_most(t)),
         "value does not fit");
    return VN_OK;
}

static void run_fill(struct vn_model *m, const struct rt_step *s)
{
    (void)m;
    const float v = ((const struct instr_FILL *)s->params)->value;
    if (s->out->dtype == VN_I8) {
        memset(s->out->data, (int)v & 255, s->out->bytes);
        return;
    }
    for (int64_t i = 0; i < s->out->count && s->out->dtype == VN_I16; i++)
        ((int16_t *)s->out->data)[i] = (int16_t)v;
    for (int64_t i = 0; i < s->out->count && s->out->dtype == VN_F32; i++)
        ((float *)s->out->data)[i] = v;
}

const struct rt_instr rt_instr_FILL = { "FILL", NULL, prepare_fill, run_fill, NULL };

static size_t own_gather(const struct rt_step *s) { return s->n_in == 2 ? s->in[1]->bytes : 0; }

static int prepare_gather(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_GATHER *p = s->params;
    WANT(s, e, s->in[1]->dtype == VN_I32 && s->in[1]->place == BIN_CONST && s->in[1]->count == p->count,
         "indices must be constant");
    WANT(s, e, rt_element(s->in[0]) == rt_element(s->out), "wrong type");
    WANT(s, e, s->in[0]->count == rt_product(p->outer, p->extent, p->inner, 1), "input size differs");
    WANT(s, e, s->out->count == rt_product(p->outer, p->count, p->inner, 1), "output size differs");
    memcpy(s->own, s->in[1]->data, s->in[1]->bytes);
    for (int i = 0; i < p->count; i++)
        WANT(s, e, within(((const int32_t *)s->own)[i], 0, p->extent - 1), "index out of range");
    return VN_OK;
}

static void run_gather(struct vn_model *m, const struct rt_step *s)
{
    (void)m;
    const struct instr_GATHER *p = s->params;
    const int32_t *index = s->own;
    const size_t run = (size_t)p->inner * rt_element(s->out);
    if (!run)
        return;
    for (int64_t o = 0; o < p->outer; o++)
        for (int64_t i = 0; i < p->count; i++)
            memcpy(s->out->data + (size_t)(o * p->count + i) * run,
                   s->in[0]->data + (size_t)(o * p->extent + index[i]) * run, run);
}

const struct rt_instr rt_instr_GATHER = { "GATHER", own_gather, prepare_gather, run_gather, NULL };
