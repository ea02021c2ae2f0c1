/* QuantizeLinear and DequantizeLinear nodes become parameters of tensors: the inverse of qdq_write.c.
 *
 *     x made by a node -> Q -> DQ -> y      the node makes y, which has the parameters
 *     x input or float constant -> Q -> DQ  consumers read x, which has the parameters
 *     int8 input x -> DQ -> y               consumers read x, which has the parameters: pixels, files of ours
 *     integer constant -> DQ -> y           y is the constant, stored as integers
 *     x made by a node -> Q -> output y     the node makes y, which leaves as integers
 *
 * Several DQ behind one Q are the same tensor. uint8 becomes int8: both lose 128. Everything else stays:
 * nodes that compute.
 */
#include "front/onnx/draft.h"

/* Who makes and who reads a tensor. */
struct tensor {
    struct draft_node *maker;
    int readers; /* input slots, graph output included */
    int outputs; /* how often it is in the graph's outputs */
    const struct draft_input *input;
    const char *becomes; /* its readers read this one instead */
    const char *dequantized; /* of what a Q makes: the tensor of the first DQ behind it */
    int stays; /* of what a Q makes: the Q is no parameter */
};

struct absorb {
    struct draft *d;
    struct vn_map *tensors;
    struct vn_err *e;
};

static int is_q(const struct draft_node *n) { return n && !strcmp(n->raw.op_type, "QuantizeLinear"); }
static int is_dq(const struct draft_node *n) { return n && !strcmp(n->raw.op_type, "DequantizeLinear"); }

static struct tensor *tensor(struct absorb *s, const char *name)
{
    struct tensor *t = vn_map_get(s->tensors, name);
    if (t)
        return t;
    t = NEW(s->d->arena, struct tensor);
    vn_map_set(s->tensors, name, t);
    return t;
}

/* Not one of the forms: the node stays. */
static int refuse(const struct absorb *s, const struct draft_node *n, const char *why)
{
    return vn_onnx_node_fail(s->d, n, s->e, VN_E_UNSUPPORTED, "%s", why);
}

static void survey(struct absorb *s)
{
    const struct draft *d = s->d;
    for (int i = 0; i < d->inputs.n; i++)
        tensor(s, d->inputs.v[i].name)->input = &d->inputs.v[i];
    for (int i = 0; i < d->nodes.n; i++) {
        for (int j = 0; j < d->nodes.v[i]->raw.in.n; j++)
            tensor(s, vn_onnx_in(&d->nodes.v[i]->raw, j))->readers++;
        for (int j = 0; j < d->nodes.v[i]->raw.out.n; j++)
            tensor(s, vn_onnx_out(&d->nodes.v[i]->raw, j))->maker = d->nodes.v[i];
    }
    for (int i = 0; i < d->outputs.n; i++) {
        tensor(s, d->outputs.v[i])->readers++;
        tensor(s, d->outputs.v[i])->outputs++;
    }
}

/* ---- parameters of one node ---- */

static const struct {
    const char *attr;
    int64_t value; /* the only one that we take */
} fixed_attrs[] = { { "block_size", 0 }, { "saturate", 1 } };

static int check_attrs(const struct absorb *s, const struct draft_node *n, int64_t *axis, int64_t *type)
{
    const struct onnx_attr *x = n->raw.attrs.v;
    for (int i = 0; i < n->raw.attrs.n; i++) {
        int ok = x[i].name && x[i].type == ONNX_INT;
        if (ok && !strcmp(x[i].name, "axis"))
            *axis = x[i].i;
        else if (ok && !strcmp(x[i].name, "output_dtype") && is_q(n))
            *type = x[i].i;
        else {
            int known = 0;
            for (size_t k = 0; ok && k < sizeof fixed_attrs / sizeof *fixed_attrs; k++)
                known |= !strcmp(x[i].name, fixed_attrs[k].attr) && x[i].i == fixed_attrs[k].value;
            if (!known)
                return refuse(
                    s, n,
                    vn_arena_fmt(s->d->arena, "attribute %.100s", x[i].name ? x[i].name : "without a name"));
        }
    }
    return VN_OK;
}

static int check_type(const struct absorb *s, const struct draft_node *n, enum vn_dtype t)
{
    if (t == VN_I8 || t == VN_U8 || t == VN_I16 || t == VN_I32)
        return VN_OK;
    return refuse(s, n, vn_arena_fmt(s->d->arena, "quantized type %s", vn_dtype_name(t)));
}

/* The scale's axis: -1 for a single number. `rank` of the tensor, -1 where it is not known. */
static int settle_axis(const struct absorb *s, const struct draft_node *n, const struct vn_tensor *scale,
                       int64_t given, int has_axis, const struct vn_shape *x, int *axis)
{
    *axis = -1;
    if (scale->shape.rank == 0 || (scale->shape.d[0] == 1 && !has_axis))
        return VN_OK;
    if (given < 0 && x && x->rank > 0)
        given += x->rank;
    if (given < 0 || given >= VN_MAX_RANK)
        return refuse(s, n, "a negative axis");
    if (x && x->rank >= 0 && (given >= x->rank || (x->d[given] >= 0 && x->d[given] != scale->shape.d[0])))
        return vn_onnx_node_fail(s->d, n, s->e, VN_E_INPUT,
                                 "has %lld scales, which do not match axis %lld of its input",
                                 (long long)scale->shape.d[0], (long long)given);
    *axis = (int)given;
    return VN_OK;
}

static int check_scale(const struct absorb *s, const struct draft_node *n, const struct vn_tensor *scale,
                       const struct vn_tensor *zero)
{
    if (!scale || (*vn_onnx_in(&n->raw, 2) && !zero))
        return vn_because(s->e, REASON_computed, refuse(s, n, "a scale or zero point computed at run time"));
    if (scale->dtype != VN_F32 || scale->shape.rank > 1 || vn_shape_count(&scale->shape) < 1)
        return refuse(s, n, "a scale that is not a float32 scalar or vector");
    if (zero && vn_shape_count(&zero->shape) != vn_shape_count(&scale->shape))
        return vn_onnx_node_fail(s->d, n, s->e, VN_E_INPUT, "the numbers of zero points and scales differ");
    const float *x = scale->data;
    for (int64_t i = 0; i < vn_shape_count(&scale->shape); i++)
        if (!(x[i] > 0 && x[i] <= 3.4028234663852886e+38f))
            return vn_onnx_node_fail(s->d, n, s->e, VN_E_INPUT,
                                     "scale %lld is %g, expected a positive number", (long long)i,
                                     (double)x[i]);
    return VN_OK;
}

/* `x`: type and shape of the stored tensor where known, else NULL. */
static int parameters(const struct qparam **out, const struct absorb *s, const struct draft_node *n,
                      enum vn_dtype stored, const struct vn_shape *x)
{
    const struct vn_tensor *scale = vn_onnx_constant(s->d, vn_onnx_in(&n->raw, 1));
    const struct vn_tensor *zero = vn_onnx_constant(s->d, vn_onnx_in(&n->raw, 2));
    const int has_axis = vn_onnx_attr(&n->raw, "axis") != NULL;
    int64_t given = 1, type = 0;
    int axis;
    TRY(check_attrs(s, n, &given, &type));
    TRY(check_scale(s, n, scale, zero));
    const enum vn_dtype t = zero                ? zero->dtype
                            : stored != VN_NONE ? stored
                            : type              ? (enum vn_dtype)type
                                                : VN_U8;
    TRY(check_type(s, n, t));
    if ((stored != VN_NONE && t != stored) || (type && type != (int64_t)t))
        return vn_onnx_node_fail(s->d, n, s->e, VN_E_INPUT, "the zero point is %s, the tensor %s",
                                 vn_dtype_name(t),
                                 vn_dtype_name(stored != VN_NONE ? stored : (enum vn_dtype)type));
    TRY(settle_axis(s, n, scale, given, has_axis, x, &axis));
    const int count = (int)vn_shape_count(&scale->shape);
    int32_t *zeros = NEW_ARRAY(s->d->arena, int32_t, count);
    for (int i = 0; zero && i < count; i++)
        zeros[i] = (int32_t)vn_tensor_i64(zero, i);
    for (int i = 0; t == VN_U8 && i < count; i++)
        zeros[i] -= 128;
    *out = vn_qparam_new(s->d->arena, t == VN_U8 ? VN_I8 : t, axis, count, scale->data, zeros);
    return VN_OK;
}

/* ---- the four forms ---- */

static void set_q(struct absorb *s, const char *name, const struct qparam *q)
{
    vn_map_set(s->d->q, name, (void *)(uintptr_t)q);
}

/* Readers of `y` read `x` instead. */
static int redirect(struct absorb *s, const struct draft_node *n, const char *y, const char *x)
{
    if (tensor(s, y)->outputs)
        return refuse(s, n, "a graph output that is a dequantized input or constant");
    tensor(s, y)->becomes = x;
    return VN_OK;
}

static const struct vn_tensor *less_128(const struct absorb *s, const struct vn_tensor *data)
{
    struct vn_tensor *t = vn_tensor_new(s->d->arena, VN_I8, &data->shape);
    for (int64_t i = 0; i < vn_shape_count(&data->shape); i++)
        ((int8_t *)t->data)[i] = (int8_t)(((const uint8_t *)data->data)[i] - 128);
    return t;
}

static int absorb_constant(struct absorb *s, const struct draft_node *n, const char *y,
                           const struct vn_tensor *data)
{
    const struct qparam *q;
    if (tensor(s, y)->outputs)
        return refuse(s, n, "a graph output that is a constant");
    TRY(parameters(&q, s, n, data->dtype, &data->shape));
    set_q(s, y, q);
    vn_map_set(s->d->constants, y, (void *)(uintptr_t)(data->dtype == VN_U8 ? less_128(s, data) : data));
    return VN_OK;
}

/* Integer inputs of other files are no real numbers, but for pixels: the DQ stays. */
static int is_ours(const struct absorb *s)
{
    return s->d->model->producer_name && !strcmp(s->d->model->producer_name, "vernier");
}

static int is_pixels(const struct qparam *q) { return q->n == 1 && q->scale[0] == 1 && q->zero[0] == 0; }

static int absorb_input(struct absorb *s, const struct draft_node *n, const char *x, const char *y)
{
    const struct tensor *t = tensor(s, x);
    const struct qparam *q;
    if (t->readers != 1 || t->input->dtype == VN_U8 || tensor(s, y)->outputs)
        return refuse(s, n, "an integer input that has other consumers, or is uint8");
    TRY(parameters(&q, s, n, t->input->dtype, &t->input->shape));
    if (!is_pixels(q) && !(is_ours(s) && q->n == 1))
        return refuse(s, n, "integers that are not pixels");
    set_q(s, x, q);
    vn_map_set(s->d->raw, x, (void *)(uintptr_t)n);
    return redirect(s, n, y, x);
}

static void rename_output(struct draft_node *n, const char *from, const char *to)
{
    const char **out = n->raw.out.v;
    for (int i = 0; i < n->raw.out.n; i++)
        if (!strcmp(out[i], from))
            out[i] = to;
}

/* A graph input may be an output, too: it leaves as it came. */
static int quantized_readers(const struct tensor *t)
{
    return t->input ? t->readers - t->outputs : t->readers;
}

/* What Q's input was called is `y` from now on, with Q's parameters. */
static void become(struct absorb *s, const struct draft_node *q, const char *y, const struct qparam *p)
{
    const char *x = vn_onnx_in(&q->raw, 0);
    tensor(s, vn_onnx_out(&q->raw, 0))->dequantized = y;
    rename_output(tensor(s, x)->maker, x, y);
    set_q(s, y, p);
}

static int absorb_pair(struct absorb *s, const struct draft_node *q, const struct draft_node *dq)
{
    const char *x = vn_onnx_in(&q->raw, 0), *y = vn_onnx_out(&dq->raw, 0);
    struct tensor *tx = tensor(s, x), *tq = tensor(s, vn_onnx_in(&dq->raw, 0));
    const struct vn_tensor *data = vn_onnx_constant(s->d, x);
    const struct vn_shape *shape = data ? &data->shape : tx->input ? &tx->input->shape : NULL;
    const struct qparam *pq, *pdq;
    TRY(parameters(&pq, s, q, VN_NONE, shape));
    TRY(parameters(&pdq, s, dq, VN_NONE, shape));
    if (!vn_qparam_equal(pq, pdq))
        return refuse(s, dq, "parameters that differ from the QuantizeLinear before it");
    if (tq->dequantized)
        return redirect(s, dq, y, tq->dequantized);
    if (quantized_readers(tx) != 1)
        return refuse(s, q, "an input that other nodes read without quantization");
    if (is_q(tx->maker) || is_dq(tx->maker))
        return refuse(s, q, "requantization");
    if (tx->maker) {
        become(s, q, y, pq);
        return VN_OK;
    }
    tq->dequantized = x;
    set_q(s, x, pq);
    return redirect(s, dq, y, x);
}

static int absorb_dq(struct absorb *s, const struct draft_node *n)
{
    const char *x = vn_onnx_in(&n->raw, 0), *y = vn_onnx_out(&n->raw, 0);
    const struct vn_tensor *data = vn_onnx_constant(s->d, x);
    const struct tensor *t = tensor(s, x);
    if (n->raw.in.n < 2 || n->raw.in.n > 3 || n->raw.out.n != 1)
        return vn_onnx_node_fail(s->d, n, s->e, VN_E_INPUT,
                                 "has %d inputs and %d outputs, expected 2 or 3 inputs and 1 output",
                                 n->raw.in.n, n->raw.out.n);
    if (data)
        return absorb_constant(s, n, y, data);
    if (t->input)
        return absorb_input(s, n, x, y);
    if (is_q(t->maker))
        return absorb_pair(s, t->maker, n);
    return refuse(s, n, "an input that does not come from a QuantizeLinear");
}

static int check_q(struct absorb *s, const struct draft_node *n)
{
    if (n->raw.in.n < 2 || n->raw.in.n > 3 || n->raw.out.n != 1)
        return vn_onnx_node_fail(s->d, n, s->e, VN_E_INPUT,
                                 "has %d inputs and %d outputs, expected 2 or 3 inputs and 1 output",
                                 n->raw.in.n, n->raw.out.n);
    return VN_OK;
}

/* A refusal leaves the node where it is; a wrong file is an error. */
static int settle(int status) { return status == VN_E_UNSUPPORTED ? 0 : status < 0 ? status : 1; }

/* An integer output with one scale. uint8 would lose 128: such a Q stays. */
static int leaves_as_integers(struct absorb *s, const struct draft_node *q, const struct qparam *p)
{
    const struct vn_tensor *zero = vn_onnx_constant(s->d, vn_onnx_in(&q->raw, 2));
    return tensor(s, vn_onnx_in(&q->raw, 0))->maker && zero && zero->dtype == p->dtype && p->n == 1;
}

/* May Q become parameters: are all its readers DQ of the same parameters? `dq` of `count` are the DQ nodes of
 * the model. */
static int check_pairs(struct absorb *s, const struct draft_node *q, struct draft_node *const *dq, int count)
{
    const char *y = vn_onnx_out(&q->raw, 0), *x = vn_onnx_in(&q->raw, 0);
    const struct tensor *ty = tensor(s, y), *tx = tensor(s, x);
    const struct vn_tensor *data = vn_onnx_constant(s->d, x);
    const struct vn_shape *shape = data ? &data->shape : tx->input ? &tx->input->shape : NULL;
    const struct qparam *pq, *pdq;
    int found = ty->outputs;
    TRY(parameters(&pq, s, q, VN_NONE, shape));
    for (int i = 0; i < count; i++) {
        if (strcmp(vn_onnx_in(&dq[i]->raw, 0), y))
            continue;
        TRY(parameters(&pdq, s, dq[i], VN_NONE, shape));
        if (!vn_qparam_equal(pq, pdq))
            return refuse(s, dq[i], "parameters that differ from the QuantizeLinear before it");
        if ((found || !tx->maker) && tensor(s, vn_onnx_out(&dq[i]->raw, 0))->outputs)
            return refuse(s, dq[i], "a graph output that is a dequantized input or constant");
        found++;
    }
    if (!found || found != ty->readers || (ty->outputs && !leaves_as_integers(s, q, pq)))
        return refuse(s, q, "a result that nodes other than DequantizeLinear read");
    if (quantized_readers(tx) != 1 || is_q(tx->maker) || is_dq(tx->maker))
        return refuse(s, q, "an input that other nodes read without quantization, or a requantization");
    if (ty->outputs) {
        become(s, q, y, pq);
        vn_map_set(s->d->raw, y, (void *)(uintptr_t)q);
    }
    return VN_OK;
}

/* In files of ours, a Sum of one tensor behind a DequantizeLinear is there for onnxruntime (qdq_write.c). */
static const char *sum_of_one(struct absorb *s, const char *name)
{
    const struct draft_node *n = tensor(s, name)->maker;
    if (!n || strcmp(n->raw.op_type, "Sum") || n->raw.in.n != 1 || tensor(s, name)->outputs)
        return NULL;
    const char *x = vn_onnx_in(&n->raw, 0);
    return is_dq(tensor(s, x)->maker) ? x : NULL;
}

static void remove_sums(struct draft *d)
{
    struct absorb s = { .d = d, .tensors = vn_map_new(d->arena) };
    int kept = 0;
    if (!is_ours(&s))
        return;
    survey(&s);
    for (int i = 0; i < d->nodes.n; i++) {
        struct draft_node *n = d->nodes.v[i];
        const char *x = sum_of_one(&s, vn_onnx_in(&n->raw, 0));
        if (x)
            vn_onnx_set_in(d->arena, &n->raw, 0, x);
        if (!sum_of_one(&s, vn_onnx_out(&n->raw, 0)))
            d->nodes.v[kept++] = n;
    }
    d->nodes.n = kept;
}

int vn_onnx_absorb_qdq(struct draft *d, struct vn_err *e)
{
    remove_sums(d);
    struct vn_err why = { 0 };
    struct absorb s = { d, vn_map_new(d->arena), &why };
    VEC(struct draft_node *) dq = { 0 };
    struct vn_map *gone = vn_map_new(d->arena); /* nodes that became parameters */
    int kept = 0, status = 0;
    survey(&s);
    for (int i = 0; i < d->nodes.n; i++)
        if (is_dq(d->nodes.v[i]))
            VEC_PUSH(d->arena, &dq, d->nodes.v[i]);
    for (int i = 0; i < d->nodes.n && status >= 0; i++) {
        struct draft_node *n = d->nodes.v[i];
        if (!is_q(n))
            continue;
        status = settle(check_q(&s, n) < 0 ? why.code : check_pairs(&s, n, dq.v, dq.n));
        if (status > 0)
            vn_map_set(gone, n->name, n);
        else
            tensor(&s, vn_onnx_out(&n->raw, 0))->stays = 1;
    }
    for (int i = 0; i < dq.n && status >= 0; i++) {
        status = tensor(&s, vn_onnx_in(&dq.v[i]->raw, 0))->stays ? 0 : settle(absorb_dq(&s, dq.v[i]));
        if (status > 0)
            vn_map_set(gone, dq.v[i]->name, dq.v[i]);
    }
    if (status < 0)
        return vn_fail(e, why.code, "%s", why.msg);
    for (int i = 0; i < d->nodes.n; i++) {
        struct draft_node *n = d->nodes.v[i];
        if (vn_map_get(gone, n->name))
            continue;
        for (int j = 0; j < n->raw.in.n; j++) {
            const char *to = tensor(&s, vn_onnx_in(&n->raw, j))->becomes;
            if (to)
                vn_onnx_set_in(d->arena, &n->raw, j, to);
        }
        d->nodes.v[kept++] = n;
    }
    d->nodes.n = kept;
    return VN_OK;
}
