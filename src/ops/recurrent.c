/* ops/recurrent.c - what RNN, GRU and LSTM share: shapes and the parameters of the function that computes
 * them. */
#include "ops/recurrent.h"

const char *const vn_recurrent_directions[] = { "forward", "reverse", "bidirectional", NULL };

/* With the parameters that ONNX gives where the node has none. */
static const struct {
    const char *name;
    float alpha, beta;
    int takes_alpha, takes_beta;
} activations[VN_ACT_COUNT] = {
    [VN_ACT_RELU] = { "Relu", 0, 0, 0, 0 },
    [VN_ACT_TANH] = { "Tanh", 0, 0, 0, 0 },
    [VN_ACT_SIGMOID] = { "Sigmoid", 0, 0, 0, 0 },
    [VN_ACT_AFFINE] = { "Affine", 1, 0, 1, 1 },
    [VN_ACT_LEAKYRELU] = { "LeakyRelu", 0.01f, 0, 1, 0 },
    [VN_ACT_THRESHOLDEDRELU] = { "ThresholdedRelu", 1, 0, 1, 0 },
    [VN_ACT_SCALEDTANH] = { "ScaledTanh", 1, 1, 1, 1 },
    [VN_ACT_HARDSIGMOID] = { "HardSigmoid", 0.2f, 0.5f, 1, 1 },
    [VN_ACT_ELU] = { "Elu", 1, 0, 1, 0 },
    [VN_ACT_SOFTSIGN] = { "Softsign", 0, 0, 0, 0 },
    [VN_ACT_SOFTPLUS] = { "Softplus", 0, 0, 0, 0 },
};

static int same_text(const char *a, const char *b) /* ONNX names them in any case */
{
    for (; *a && *b; a++, b++)
        if ((*a | 32) != (*b | 32))
            return 0;
    return *a == *b;
}

static int known(const char *name)
{
    for (int i = 0; i < VN_ACT_COUNT; i++)
        if (same_text(activations[i].name, name))
            return i;
    return -1;
}

static const int functions[] = { 1, 2, 3 }, gates[] = { 1, 3, 4 };
static const int standard[3][3] = { { VN_ACT_TANH },
                                    { VN_ACT_SIGMOID, VN_ACT_TANH },
                                    { VN_ACT_SIGMOID, VN_ACT_TANH, VN_ACT_TANH } };

static int check_activations(const struct node *n, int expected, struct vn_err *e)
{
    const struct recurrent_attrs *a = n->attrs;
    if (a->activations.n && a->activations.n != expected)
        return vn_node_fail(n, e, VN_E_INPUT, "activations has %d entries, expected %d", a->activations.n,
                            expected);
    for (int k = 0; k < a->activations.n; k++)
        if (known(a->activations.v[k]) < 0)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "activation '%.60s'", a->activations.v[k]);
    return VN_OK;
}

int vn_recurrent_infer(struct node *n, int kind, struct vn_err *e)
{
    const struct recurrent_attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    const struct vn_shape *x = &n->in[0]->shape, *w = &n->in[1]->shape, *r = &n->in[2]->shape;
    const int64_t d = a->direction == 2 ? 2 : 1, h = r->rank == 3 ? r->d[2] : 0;
    if (x->rank != 3 || w->rank != 3 || r->rank != 3 || w->d[0] != d || r->d[0] != d ||
        w->d[1] != gates[kind] * h || r->d[1] != gates[kind] * h || w->d[2] != x->d[2] || h < 1 ||
        h > 1 << 24 || (a->hidden && a->hidden != h))
        return vn_node_fail(n, e, VN_E_INPUT,
                            "the weights %s and %s do not match the input, the direction or hidden_size",
                            n->in[1]->name, n->in[2]->name);
    const int64_t steps = x->d[a->layout], batch = x->d[!a->layout];
    const struct {
        int i;
        const char *what;
        int rank;
        int64_t d[3];
    } fixed[] = {
        { 3, "B", 2, { d, 2 * gates[kind] * h } },
        { 4, "sequence_lens", 1, { batch } },
        { 5, "initial_h", 3, { a->layout ? batch : d, a->layout ? d : batch, h } },
        { 6, "initial_c", 3, { a->layout ? batch : d, a->layout ? d : batch, h } },
        { 7, "P", 2, { d, 3 * h } },
    };
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++) {
        const struct vn_shape want = vn_shape_of(fixed[k].rank, fixed[k].d);
        char text[VN_SHAPE_TEXT];
        if (vn_node_has(n, fixed[k].i) && !vn_shape_equal(&n->in[fixed[k].i]->shape, &want))
            return vn_node_fail(n, e, VN_E_INPUT, "%s (%s): expected shape %s", fixed[k].what,
                                n->in[fixed[k].i]->name, vn_shape_text(&want, text));
    }
    TRY(check_activations(n, functions[kind] * (int)d, e));
    const struct vn_shape y = {
        4, { a->layout ? batch : steps, a->layout ? steps : d, a->layout ? d : batch, h }
    };
    const struct vn_shape last = { 3, { a->layout ? batch : d, a->layout ? d : batch, h } };
    TRY(vn_infer_out(n, 0, n->in[0]->dtype, &y, e));
    TRY(vn_infer_out(n, 1, n->in[0]->dtype, &last, e));
    return kind == VN_RECURRENT_LSTM ? vn_infer_out(n, 2, n->in[0]->dtype, &last, e) : VN_OK;
}

static void put(int32_t *to, float f) { memcpy(to, &f, sizeof f); }

static struct portable_params params(const struct node *n, int kind, int result)
{
    const struct recurrent_attrs *a = n->attrs;
    struct portable_params p = { .id = VN_PORTABLE_recurrent, .f = { a->clip } };
    const int32_t head[] = {
        kind, a->direction, result, (int32_t)a->option, (int32_t)a->layout, (int32_t)n->in[2]->shape.d[2]
    };
    memcpy(p.i, head, sizeof head);
    int alphas = 0, betas = 0;
    for (int d = 0; d < (a->direction == 2 ? 2 : 1); d++)
        for (int f = 0; f < functions[kind]; f++) {
            const int at = d * functions[kind] + f, slot = d * 3 + f,
                      id = a->activations.n ? known(a->activations.v[at]) : standard[kind][f];
            p.i[VN_RW_ACTIVATION + slot] = id;
            put(&p.i[VN_RW_ALPHA + 2 * slot], activations[id].takes_alpha && alphas < a->alpha.n
                                                  ? a->alpha.v[alphas++]
                                                  : activations[id].alpha);
            put(&p.i[VN_RW_ALPHA + 2 * slot + 1],
                activations[id].takes_beta && betas < a->beta.n ? a->beta.v[betas++] : activations[id].beta);
        }
    return p;
}

int vn_recurrent_eval(const struct node *n, const struct eval *ev, int kind, struct vn_err *e)
{
    const struct vn_tensor *in[8] = { NULL };
    for (int i = 0; i < n->n_in; i++)
        in[i] = ev->in[i];
    for (int k = 0; k < n->n_out; k++) {
        const struct portable_params p = params(n, kind, k);
        if (n->out[k])
            TRY(vn_portable_eval(n, &p, ev->arena, 8, in, ev->out[k], e));
    }
    return VN_OK;
}

/* W and R, if constant, are given with the rows of gates side by side in memory. */
static int is_turned(const struct node *n, int i) { return (i == 1 || i == 2) && n->in[i]->data; }

static struct portable_params params_in_program(const struct node *n, struct lowering *l, int kind,
                                                int result)
{
    const struct recurrent_attrs *a = n->attrs;
    const int together = l->batch_last && kind == VN_RECURRENT_LSTM && n->in[0]->shape.d[!a->layout] > 1;
    struct portable_params p = params(n, kind, result);
    p.i[VN_RW_TURNED] = is_turned(n, 1) | is_turned(n, 2) << 1;
    p.i[VN_RW_TOGETHER] = together;
    l->prog->batch_last += together;
    return p;
}

/* Output k of the node from `at` on in a tensor that holds all. */
static int take_output(const struct node *n, struct lowering *l, int k, int all, int64_t at, struct vn_err *e)
{
    const int64_t count = vn_shape_count(&n->out[k]->shape), one = 1;
    const int y = k ? vn_low_out_at(l, k, PLAIN) : vn_low_out(l, PLAIN);
    TRY(vn_low_copy(l, all, y, 1, &count, at, &one, 0, &one, e));
    if (k)
        vn_low_finish_at(l, k, y);
    return VN_OK;
}

/* Computed once for all outputs. */
static int lower_together(const struct node *n, struct lowering *l, int kind, const int *in, struct vn_err *e)
{
    const struct portable_params p = params_in_program(n, l, kind, VN_RR_EVERYTHING);
    const struct recurrent_attrs *a = n->attrs;
    const int64_t *x = n->in[0]->shape.d;
    const int64_t last = (a->direction == 2 ? 2 : 1) * x[!a->layout] * n->in[2]->shape.d[2];
    const int64_t states = x[a->layout] * last;
    const struct vn_shape s = { 1, { states + (kind == VN_RECURRENT_LSTM ? 2 : 1) * last } };
    const int all = vn_low_temp(l, VN_F32, &s, PLAIN, 0, 0);
    TRY(vn_portable_emit(l, &p, 8, in, all, e));
    for (int k = 0; k < n->n_out; k++)
        if (n->out[k])
            TRY(take_output(n, l, k, all, k ? states + (k - 1) * last : 0, e));
    return VN_OK;
}

int vn_recurrent_lower(const struct node *n, struct lowering *l, int kind, struct vn_err *e)
{
    int in[8];
    for (int i = 0; i < 8; i++)
        in[i] = vn_node_has(n, i) ? vn_low_in(l, i, is_turned(n, i) ? CHANNELS_LAST : PLAIN) : -1;
    int outputs = 0;
    for (int k = 0; k < n->n_out; k++)
        outputs += n->out[k] != NULL;
    if (outputs > 1 && n->out[0])
        return lower_together(n, l, kind, in, e);
    for (int k = 0; k < n->n_out; k++) {
        const struct portable_params p = params_in_program(n, l, kind, k);
        if (!n->out[k])
            continue;
        const int y = k ? vn_low_out_at(l, k, PLAIN) : vn_low_out(l, PLAIN);
        TRY(vn_portable_emit(l, &p, 8, in, y, e));
        if (k)
            vn_low_finish_at(l, k, y);
    }
    return VN_OK;
}
