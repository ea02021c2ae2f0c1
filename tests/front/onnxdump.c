/* Read an ONNX file, print the graph, optionally write it back. For tests.
 *
 *     onnxdump [--shape NAME=1x3x8x8] [--prepare] [--quantize calibrated|integer] [--integer-inputs] [-o OUT]
 * FILE
 *
 * --prepare infers shapes and folds constants first. --quantize puts made-up parameters on every float
 * tensor.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "front/onnx/onnx.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "toolmain.h"

#define MAX_SHAPES 8

struct arguments {
    const char *file, *out, *quantize;
    int prepare, optimize;
    struct vn_onnx_options read;
    struct vn_onnx_write_options write;
    struct vn_onnx_input_shape shapes[MAX_SHAPES];
};

static void note(void *user, enum vn_log_level level, const char *text)
{
    (void)user;
    (void)level;
    printf("note: %s\n", text);
}

/* ---- printing ---- */

static void print_q(const struct qparam *q)
{
    if (!q)
        return;
    printf(" q=%s axis=%d%s", vn_dtype_name(q->dtype), q->axis, q->implied ? " implied" : "");
    for (int i = 0; i < q->n; i++)
        printf(" %.9g/%d", (double)q->scale[i], q->zero[i]);
}

static void print_value(const char *kind, const struct value *v)
{
    char shape[VN_SHAPE_TEXT];
    printf("%s %s %s %s", kind, v->name, vn_dtype_name(v->dtype), vn_shape_text(&v->shape, shape));
    print_q(v->q);
    if (v->data) {
        printf(" data=%s", vn_dtype_name(v->data->dtype));
        const int64_t n = vn_shape_count(&v->data->shape);
        for (int64_t i = 0; i < n && i < 8; i++)
            printf(" %.9g", vn_tensor_f64(v->data, i));
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += vn_tensor_f64(v->data, i) * (double)(i % 7 + 1);
        printf(" sum=%.9g", sum);
    }
    putchar('\n');
}

static void print_attr(const struct attr_spec *s, const char *place)
{
    const struct ints *ints = (const void *)place;
    const struct floats *floats = (const void *)place;
    printf(" %s=", s->onnx);
    if (s->kind == ATTR_INT)
        printf("%lld", (long long)*(const int64_t *)place);
    else if (s->kind == ATTR_FLOAT)
        printf("%.9g", (double)*(const float *)place);
    else if (s->kind == ATTR_ENUM)
        printf("%s", s->choices[*(const int *)place]);
    else if (s->kind == ATTR_STRING)
        printf("%s", *(const char *const *)place ? *(const char *const *)place : "-");
    for (int i = 0; s->kind == ATTR_INTS && i < ints->n; i++)
        printf("%s%lld", i ? "," : "", (long long)ints->v[i]);
    for (int i = 0; s->kind == ATTR_FLOATS && i < floats->n; i++)
        printf("%s%.9g", i ? "," : "", (double)floats->v[i]);
}

static void print_node(const struct node *n)
{
    printf("node %s %s (", n->name, n->op->onnx);
    for (int i = 0; i < n->n_in; i++)
        printf("%s%s", i ? ", " : "", n->in[i] ? n->in[i]->name : "-");
    printf(") -> (");
    for (int i = 0; i < n->n_out; i++)
        printf("%s%s", i ? ", " : "", n->out[i] ? n->out[i]->name : "-");
    printf(")");
    for (const struct attr_spec *s = n->op->attrs; s && s->kind != ATTR_END; s++)
        print_attr(s, (const char *)n->attrs + s->offset);
    putchar('\n');
}

static void print_graph(const struct graph *g)
{
    printf("graph %s opset %d ir %d\n", g->name, g->opset, g->ir_version);
    for (int i = 0; i < g->meta.n; i++)
        printf("meta %s=%s\n", g->meta.v[i].key, g->meta.v[i].text);
    for (int i = 0; i < g->inputs.n; i++)
        print_value("input", g->inputs.v[i]);
    for (int i = 0; i < g->values.n; i++)
        if (g->values.v[i]->data)
            print_value("const", g->values.v[i]);
    for (int i = 0; i < g->values.n; i++)
        if (g->values.v[i]->producer)
            print_value("value", g->values.v[i]);
    for (int i = 0; i < g->nodes.n; i++)
        print_node(g->nodes.v[i]);
    for (int i = 0; i < g->outputs.n; i++)
        printf("output %s\n", g->outputs.v[i]->name);
}

/* ---- made-up quantization ---- */

static void quantize_constant(struct graph *g, struct value *v, enum vn_dtype t, int axis, int integer)
{
    const int n = axis >= 0 ? (int)v->shape.d[axis] : 1;
    float *scale = NEW_ARRAY(g->arena, float, n);
    for (int i = 0; i < n; i++)
        scale[i] = (t == VN_I32 ? 1e-5f : 0.01f) * (float)(i % 5 + 1);
    v->q = vn_qparam_new(g->arena, t, axis, n, scale, NULL);
    if (!integer)
        return;
    struct vn_tensor *stored = vn_tensor_new(g->arena, t, &v->shape);
    const int64_t count = vn_shape_count(&v->shape), inner = n > 0 ? count / n : 1;
    for (int64_t i = 0; i < count; i++) /* axis 0 */
        vn_tensor_set_f64(stored, i, vn_tensor_f64(v->data, i) / (double)scale[n > 1 ? i / inner : 0]);
    v->data = stored;
}

static void quantize_activation(struct graph *g, struct value *v)
{
    const float scale = 0.02f + 0.001f * (float)(v->id % 10);
    const int32_t zero = v->id % 3 - 1;
    v->q = vn_qparam_new(g->arena, v->id % 3 == 2 ? VN_I16 : VN_I8, -1, 1, &scale, &zero);
}

/* "pixel - 128", which the writer stores as int8. */
static void quantize_pixels(struct graph *g)
{
    const float one = 1;
    for (int i = 0; i < g->inputs.n; i++)
        g->inputs.v[i]->q = vn_qparam_new(g->arena, VN_I8, -1, 1, &one, NULL);
}

/* What vn_graph_imply is for. */
static int is_implied(const struct value *v)
{
    const struct node *user = vn_graph_sole_user(v);
    return user && user->op->is_clamp && v->producer;
}

static void quantize(struct graph *g, int integer)
{
    vn_graph_index(g);
    for (int i = 0; i < g->values.n; i++) {
        struct value *v = g->values.v[i];
        if (v->dtype == VN_F32 && !v->data && v->shape.rank >= 0 && !is_implied(v))
            quantize_activation(g, v);
    }
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const struct quant_rule *r = &n->op->quant;
        if (r->weight && vn_node_has(n, r->weight) && n->in[r->weight]->data && !n->in[r->weight]->q)
            quantize_constant(g, n->in[r->weight], VN_I8, r->weight_axis == 0 ? 0 : -1, integer);
        if (r->bias && integer && vn_node_has(n, r->bias) && n->in[r->bias]->data && !n->in[r->bias]->q)
            quantize_constant(g, n->in[r->bias], VN_I32, 0, integer);
    }
}

/* ---- command line ---- */

static int add_shape(struct arguments *x, char *text, struct vn_err *e)
{
    char *equals = strchr(text, '=');
    if (!equals || x->read.n_shapes == MAX_SHAPES)
        return vn_fail(e, VN_E_USAGE, "--shape NAME=1x2x3");
    *equals = 0;
    x->shapes[x->read.n_shapes].name = text;
    return vn_shape_parse(&x->shapes[x->read.n_shapes++].shape, equals + 1, e);
}

static int parse(struct arguments *x, int argc, char **argv, struct vn_err *e)
{
    static const struct vn_listener listener = { .log = note };
    *x = (struct arguments){ .read = { .listener = &listener } };
    x->read.shapes = x->shapes;
    for (int i = 1; i < argc; i++) {
        char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--prepare"))
            x->prepare = 1;
        else if (!strcmp(argv[i], "--optimize"))
            x->prepare = x->optimize = 1;
        else if (!strcmp(argv[i], "--external-above") && next)
            x->write.external_above = (size_t)atol(argv[++i]);
        else if (!strcmp(argv[i], "--integer-inputs"))
            x->write.int8_inputs = 1;
        else if (!strcmp(argv[i], "--quantize") && next)
            x->quantize = argv[++i];
        else if (!strcmp(argv[i], "-o") && next)
            x->out = argv[++i];
        else if (!strcmp(argv[i], "--shape") && next)
            TRY(add_shape(x, argv[++i], e));
        else
            x->file = argv[i];
    }
    return x->file ? VN_OK : vn_fail(e, VN_E_USAGE, "onnxdump [options] FILE");
}

static int run(struct vn_arena *a, int argc, char **argv, struct vn_err *e)
{
    struct arguments x;
    struct graph *g = NULL;
    TRY(parse(&x, argc, argv, e));
    TRY(vn_onnx_read(&g, a, x.file, &x.read, e));
    TRY(vn_graph_check(g, e));
    if (x.prepare)
        TRY(vn_passes_prepare(g, e));
    if (x.optimize)
        TRY(vn_passes_optimize(g, NULL, e));
    if (x.quantize)
        quantize(g, !strcmp(x.quantize, "integer"));
    if (x.quantize && x.write.int8_inputs)
        quantize_pixels(g);
    if (x.quantize)
        vn_graph_imply(g);
    print_graph(g);
    return x.out ? vn_onnx_write(g, x.out, &x.write, e) : VN_OK;
}

int main(int argc, char **argv) { return tool_run(run, argc, argv); }
