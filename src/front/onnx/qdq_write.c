/* Quantized values as QuantizeLinear and DequantizeLinear.
 * The name of the source tensor denotes the dequantized value:
 *
 *     made by a node      node -> X_raw -> Q -> X_quantized -> DQ -> X
 *     integer output      node -> X_raw -> Q -> X, and for nodes that read it -> DQ -> X_dequantized
 *     float32 input       X -> Q -> X_quantized -> DQ -> X_dequantized
 *     integer input       X -> DQ -> X_dequantized
 *     integer constant    X_quantized -> DQ -> X
 *     float constant      X -> Q -> X_quantized -> DQ -> X_dequantized
 *     with moves in float      ... DQ -> X, and for them -> Sum -> X_float
 *
 * Scales are scalars, or lists with an axis. int32 (biases) has no zero point: it is zero.
 */
#include "front/onnx/write.h"

/* QuantizeLinear has no int32: such float constants (biases of a calibrated model) stay plain. */
int vn_onnx_is_quantized(const struct value *v)
{
    if (!v->q || v->q->implied)
        return 0;
    return v->q->dtype != VN_I32 || (v->data && v->data->dtype == VN_I32);
}

static int is_stored_integer(const struct value *v) { return v->data && v->data->dtype == v->q->dtype; }

static int is_graph_input(const struct model_writer *w, const struct value *v)
{
    for (int i = 0; i < w->g->inputs.n; i++)
        if (w->g->inputs.v[i] == v)
            return 1;
    return 0;
}

/* "pixel - 128": int8 as it comes. A feature map stays float32 outside, the first node quantizes it. */
static int is_pixels(const struct qparam *q)
{
    return q->dtype == VN_I8 && q->n == 1 && q->scale[0] == 1 && q->zero[0] == 0;
}

int vn_onnx_is_integer_input(const struct model_writer *w, const struct value *v)
{
    return vn_onnx_is_quantized(v) && (v->raw_input || (w->o->int8_inputs && is_pixels(v->q))) &&
           is_graph_input(w, v);
}

int vn_onnx_is_integer_output(const struct value *v) { return v->raw_output && vn_onnx_is_quantized(v); }

/* From operator set 21 on, onnxruntime 1.31 gives the QuantizeLinear that it inserts behind one of these in
 * float an output_dtype, then changes the zero point to uint8, and refuses the model. It does so for the
 * only reader of a DequantizeLinear; a sum of one thing is none of these. MatMul: it makes a Gemm behind a
 * Reshape of one that has a bias. */
static const char *const moved[] = {
    "MatMul", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze",
};
enum { FIRST_OUTPUT_DTYPE = 21 };

static int is_moved(const struct node *n)
{
    int found = 0;
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
        found |= !strcmp(n->op->onnx, moved[i]); /* operator identity: onnxruntime goes by it */
    return found && !vn_onnx_is_quantized(n->out[0]);
}

static int has_moved_reader(const struct model_writer *w, const struct value *v)
{
    if (w->opset < FIRST_OUTPUT_DTYPE || v->q->dtype != VN_I8)
        return 0;
    for (int i = 0; i < v->users.n; i++)
        if (v->users.v[i].slot == 0 && is_moved(v->users.v[i].node))
            return 1;
    return 0;
}

const char *vn_onnx_read_name(const struct model_writer *w, const struct node *n, int i)
{
    const struct written *x = &w->written[n->in[i]->id];
    return i == 0 && is_moved(n) ? x->moved : x->read;
}

static const char *derived(struct model_writer *w, const char *base, const char *suffix)
{
    return vn_onnx_new_name(w->arena, w->names, vn_arena_fmt(w->arena, "%s_%s", base, suffix));
}

void vn_onnx_name_value(struct model_writer *w, const struct value *v)
{
    struct written *x = &w->written[v->id];
    *x = (struct written){ v->name, v->name, v->name };
    if (!vn_onnx_is_quantized(v))
        return;
    if (v->producer)
        x->made = derived(w, v->name, "raw");
    else if (v->data && is_stored_integer(v))
        x->made = derived(w, v->name, "quantized");
    if (!v->producer ? x->made == v->name : vn_onnx_is_integer_output(v))
        x->read = derived(w, v->name, "dequantized");
    x->moved = has_moved_reader(w, v) ? derived(w, v->name, "float") : x->read;
}

/* ---- scale and zero point ---- */

struct params {
    const char *scale, *zero; /* initializers; zero NULL: none */
    int axis;
};

static struct params put_params(struct model_writer *w, const struct value *v)
{
    const struct qparam *q = v->q;
    const struct vn_shape s = { q->axis >= 0, { q->n } };
    struct params p = { derived(w, v->name, "scale"), NULL, q->axis };
    struct vn_tensor *scale = vn_tensor_new(w->arena, VN_F32, &s);
    memcpy(scale->data, q->scale, (size_t)q->n * sizeof *q->scale);
    vn_onnx_put_initializer(w, p.scale, scale);
    if (q->dtype == VN_I32)
        return p;
    struct vn_tensor *zero = vn_tensor_new(w->arena, q->dtype, &s);
    for (int i = 0; i < q->n; i++)
        vn_tensor_set_f64(zero, i, q->zero[i]);
    p.zero = derived(w, v->name, "zero_point");
    vn_onnx_put_initializer(w, p.zero, zero);
    return p;
}

static void put(struct model_writer *w, const struct value *v, const char *op, const struct params *p,
                const char *in, const char *out)
{
    const char *name =
        vn_onnx_new_name(w->arena, w->node_names, vn_arena_fmt(w->arena, "%s_%s", v->name, op));
    struct onnx_node *n = vn_onnx_put_node(w->arena, &w->graph.nodes, name, op, NULL);
    vn_onnx_put_in(w->arena, n, in);
    vn_onnx_put_in(w->arena, n, p->scale);
    if (p->zero)
        vn_onnx_put_in(w->arena, n, p->zero);
    vn_onnx_put_out(w->arena, n, out);
    if (p->axis >= 0)
        vn_onnx_add_int(w->arena, n, "axis", p->axis);
}

static void dequantize(struct model_writer *w, const struct value *v, const struct params *p, const char *in)
{
    const struct written *x = &w->written[v->id];
    put(w, v, "DequantizeLinear", p, in, x->read);
    if (x->moved == x->read)
        return;
    const char *name = vn_onnx_new_name(w->arena, w->node_names, vn_arena_fmt(w->arena, "%s_Sum", v->name));
    struct onnx_node *n = vn_onnx_put_node(w->arena, &w->graph.nodes, name, "Sum", NULL);
    vn_onnx_put_in(w->arena, n, x->read);
    vn_onnx_put_out(w->arena, n, x->moved);
    vn_onnx_put_value_info(w, &w->graph.value_infos, x->moved, VN_F32, &v->shape);
}

void vn_onnx_put_qdq(struct model_writer *w, const struct value *v)
{
    const struct written *x = &w->written[v->id];
    if (!vn_onnx_is_quantized(v))
        return;
    const struct params p = put_params(w, v);
    if ((v->data && is_stored_integer(v)) || vn_onnx_is_integer_input(w, v)) {
        dequantize(w, v, &p, x->made);
        return;
    }
    const int leaves = vn_onnx_is_integer_output(v);
    const char *quantized = leaves ? v->name : derived(w, v->name, "quantized");
    put(w, v, "QuantizeLinear", &p, x->made, quantized);
    if (!leaves || v->users.n)
        dequantize(w, v, &p, quantized);
    if (!leaves)
        vn_onnx_put_value_info(w, &w->graph.value_infos, quantized, v->q->dtype, &v->shape);
}
