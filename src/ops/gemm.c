/* ops/gemm.c - y = alpha * A * B + beta * C, A and B optionally transposed. */
#include "kernels/kernels.h"
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct gemm_attrs, alpha, "alpha", 1),
    A_FLOAT(struct gemm_attrs, beta, "beta", 1),
    A_INT(struct gemm_attrs, trans_a, "transA", 0, INT32_MIN, INT32_MAX),
    A_INT(struct gemm_attrs, trans_b, "transB", 0, INT32_MIN, INT32_MAX),
    A_END,
};

struct dims {
    int64_t m, n, k;
};

static struct dims dims_of(const struct node *n)
{
    const struct gemm_attrs *g = n->attrs;
    const int64_t *a = n->in[0]->shape.d, *b = n->in[1]->shape.d;
    return (struct dims){ a[!!g->trans_a], b[!g->trans_b], a[!g->trans_a] };
}

static int infer(struct node *n, struct vn_err *e)
{
    const struct gemm_attrs *g = n->attrs;
    TRY(vn_infer_begin(n, e));
    for (int i = 0; i < n->n_in; i++)
        TRY(vn_infer_float(n, i, e));
    for (int i = 0; i < 2; i++)
        if (n->in[i]->shape.rank != 2)
            return vn_node_fail(n, e, VN_E_INPUT, "%s has %d dimensions, expected 2", n->in[i]->name,
                                n->in[i]->shape.rank);
    struct dims d = dims_of(n);
    int64_t rows = n->in[1]->shape.d[!!g->trans_b];
    if (rows != d.k)
        return NODE_MISFIT(n, e, "weight %s requires %lld input channels, %s has %lld", n->in[1]->name,
                           (long long)rows, n->in[0]->name, (long long)d.k);
    struct vn_shape s = { .rank = 2, .d = { d.m, d.n } };
    if (vn_node_has(n, 2)) {
        const struct vn_shape *c = &n->in[2]->shape;
        int bad = c->rank > 2;
        for (int i = 0; !bad && i < c->rank; i++)
            bad |= c->d[i] != 1 && c->d[i] != s.d[i + 2 - c->rank];
        if (bad) {
            char have[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
            return NODE_MISFIT(n, e, "%s is %s, which does not broadcast to the output's %s", n->in[2]->name,
                               vn_shape_text(c, have), vn_shape_text(&s, want));
        }
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Strides of C along rows and columns of the output. */
static void c_strides(const struct vn_shape *c, int64_t *row, int64_t *col)
{
    *col = c->rank > 0 && c->d[c->rank - 1] != 1;
    *row = c->rank > 1 && c->d[0] != 1 ? c->d[1] : 0;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct gemm_attrs *g = n->attrs;
    struct dims d = dims_of(n);
    const struct vn_tensor *c = n->n_in > 2 ? ev->in[2] : NULL;
    const double *a = vn_f64(ev->in[0]), *b = vn_f64(ev->in[1]);
    int64_t am = g->trans_a ? 1 : d.k, ak = g->trans_a ? d.m : 1, bk = g->trans_b ? 1 : d.n,
            bn = g->trans_b ? d.k : 1;
    int64_t row = 0, col = 0;
    if (c)
        c_strides(&c->shape, &row, &col);
    for (int64_t i = 0; i < d.m; i++)
        for (int64_t j = 0; j < d.n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d.k; k++)
                sum += a[i * am + k * ak] * b[k * bk + j * bn];
            vn_f64(ev->out[0])[i * d.n + j] =
                g->alpha * sum + (c ? g->beta * vn_f64(c)[i * row + j * col] : 0);
        }
    return VN_OK;
}

/* A bias is one number per output column. */
static int bias_ok(const struct node *n)
{
    const struct vn_shape *c = vn_node_has(n, 2) ? &n->in[2]->shape : NULL;
    return !c ||
           (c->rank > 0 && c->d[c->rank - 1] == n->out[0]->shape.d[1] && (c->rank == 1 || c->d[0] == 1));
}

static enum q_kind quant_kind(const struct node *n)
{
    const struct gemm_attrs *g = n->attrs;
    return g->alpha == 1 && g->beta == 1 && bias_ok(n) && n->in[1]->data &&
                   (!vn_node_has(n, 2) || n->in[2]->data)
               ? Q_LINEAR
               : Q_FLOAT;
}

static int weight_axis(const struct node *n)
{
    return ((const struct gemm_attrs *)n->attrs)->trans_b ? 0 : 1;
}

/* The matrix as OIHW weights: output channels first. */
static const void *by_columns(struct lowering *l, const void *w, size_t size, struct dims d)
{
    char *out = NEW_ARRAY(l->scratch, char, (size_t)d.n *(size_t)d.k *size);
    for (int64_t k = 0; k < d.k; k++)
        for (int64_t j = 0; j < d.n; j++)
            memcpy(out + (size_t)(j * d.k + k) * size, (const char *)w + (size_t)(k * d.n + j) * size, size);
    return out;
}

/* Float weights and bias with alpha and beta multiplied in; the bias spread to one number per column. */
static void scale_weights(struct lowering *l, struct low_conv *c, const struct gemm_attrs *g, struct dims d)
{
    if (g->alpha != 1) {
        float *w = vn_arena_copy(l->scratch, c->weight, (size_t)d.n * (size_t)d.k * sizeof(float));
        for (int64_t i = 0; i < d.n * d.k; i++)
            w[i] *= g->alpha;
        c->weight = w;
    }
    if (c->bias) {
        float *b = NEW_ARRAY(l->scratch, float, d.n);
        int64_t row, col;
        c_strides(&l->node->in[2]->shape, &row, &col);
        for (int64_t j = 0; j < d.n; j++)
            b[j] = ((const float *)c->bias)[j * col] * g->beta;
        c->bias = b;
    }
}

/* A (m x k) or B (k x n) as it is, or transposed. */
static int matrix(struct lowering *l, int i, int turn, int64_t rows, int64_t columns, struct vn_err *e)
{
    const struct vn_shape s = { .rank = 2, .d = { rows, columns } };
    const int x = vn_low_in(l, i, PLAIN);
    if (!turn)
        return x;
    const int turned = vn_low_temp(l, VN_F32, &s, PLAIN, 0, 0);
    TRY(vn_low_copy(l, x, turned, 2, s.d, 0, (int64_t[]){ 1, rows }, 0, (int64_t[]){ columns, 1 }, e));
    return turned;
}

/* B or C are computed at run time, or C differs from row to row: a product of activations, then what is
 * left. */
static int computed(const struct node *n, struct lowering *l, struct dims d, struct vn_err *e)
{
    const struct gemm_attrs *g = n->attrs;
    const struct vn_shape *s = &n->out[0]->shape;
    const int64_t own[2] = { d.n, 1 }, none[2] = { 0 };
    int in[2] = { matrix(l, 0, !!g->trans_a, d.m, d.k, e), matrix(l, 1, !!g->trans_b, d.k, d.n, e) };
    int y = vn_low_temp(l, VN_F32, s, PLAIN, 0, 0);
    TRY(in[0] < 0 ? in[0] : in[1]);
    struct instr_MATMUL_F32 *p = vn_low_emit(l, OPCODE_MATMUL_F32, 2, in, y);
    p->m = (int32_t)d.m, p->n = (int32_t)d.n, p->k = (int32_t)d.k;
    const int scaled = vn_node_has(n, 2) ? vn_low_temp(l, VN_F32, s, PLAIN, 0, 0) : vn_low_out(l, PLAIN);
    vn_low_binary_f32(l, VN_BIN_MUL, y, own, vn_low_const(l, VN_F32, 1, &g->alpha), none, scaled);
    if (!vn_node_has(n, 2))
        return VN_OK;
    int64_t c[2];
    c_strides(&n->in[2]->shape, &c[0], &c[1]);
    const int beta = vn_low_temp(l, VN_F32, s, PLAIN, 0, 0);
    vn_low_binary_f32(l, VN_BIN_MUL, vn_low_in(l, 2, PLAIN), c, vn_low_const(l, VN_F32, 1, &g->beta), none,
                      beta);
    vn_low_binary_f32(l, VN_BIN_ADD, scaled, own, beta, own, vn_low_out(l, PLAIN));
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct gemm_attrs *g = n->attrs;
    struct dims d = dims_of(n);
    int64_t row = 0, col = 0;
    if (vn_node_has(n, 2))
        c_strides(&n->in[2]->shape, &row, &col);
    if (row || !n->in[1]->data || (vn_node_has(n, 2) && !n->in[2]->data))
        return computed(n, l, d, e);
    struct low_conv c = { .n = (int)d.m,
                          .h = 1,
                          .w = 1,
                          .c = (int)d.k,
                          .oh = 1,
                          .ow = 1,
                          .k = (int)d.n,
                          .kh = 1,
                          .kw = 1,
                          .sh = 1,
                          .sw = 1,
                          .dh = 1,
                          .dw = 1,
                          .groups = 1 };
    TRY(vn_low_weights(l, &c, vn_node_has(n, 2) ? 2 : -1, e));
    if (!g->trans_b)
        c.weight = by_columns(l, c.weight, vn_dtype_size(c.weight_type), d);
    if (!l->integer)
        scale_weights(l, &c, g, d);
    int x = vn_low_in(l, 0, PLAIN);
    if (g->trans_a) {
        const struct prog_tensor t = *vn_low_tensor(l, x);
        struct vn_shape s = { .rank = 2, .d = { d.m, d.k } };
        int turned = vn_low_temp(l, t.dtype, &s, PLAIN, t.scale, t.zero);
        TRY(vn_low_copy(l, x, turned, 2, s.d, 0, (int64_t[]){ 1, d.m }, 0, (int64_t[]){ d.k, 1 }, e));
        x = turned;
    }
    return vn_low_conv(l, x, vn_low_out(l, PLAIN), &c, e);
}

static enum reason_id unfit(const struct node *n)
{
    const struct gemm_attrs *a = n->attrs;
    if (a->alpha != 1 || (vn_node_has(n, 2) && a->beta != 1) || a->trans_a)
        return REASON_gemm_form;
    if (vn_node_has(n, 2) && (!n->in[2]->data || n->in[2]->shape.rank != 1))
        return REASON_third_operand;
    return REASON_NONE;
}

static int foldable(const struct node *n) { return ((const struct gemm_attrs *)n->attrs)->beta == 1; }

static int64_t terms(const struct node *n)
{
    const struct gemm_attrs *a = n->attrs;
    return n->in[0]->shape.d[a->trans_a ? 0 : 1] + 4;
}

const struct op_def vn_op_gemm = {
    .name = "gemm",
    .onnx = "Gemm",
    .min_in = 2,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct gemm_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_LINEAR,
               .weight = 1,
               .weight_axis = 1,
               .channel_axis = -1,
               .bias = 2,
               .float_out_ok = 1 },
    .quant_kind = quant_kind,
    .weight_axis = weight_axis,
    .unfit = unfit,
    .foldable = foldable,
    .terms = terms,
};
