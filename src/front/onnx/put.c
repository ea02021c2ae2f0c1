/* Building blocks of a file: nodes, initializers, value infos, functions. */
#include "front/onnx/write.h"

void vn_onnx_put_name(struct vn_arena *a, struct wire_list *l, const char *name)
{
    *(const char **)vn_wire_append(a, l, sizeof name) = name;
}

struct onnx_node *vn_onnx_put_node(struct vn_arena *a, struct wire_list *nodes, const char *name,
                                   const char *op, const char *domain)
{
    struct onnx_node *n = vn_wire_append(a, nodes, sizeof *n);
    *n = (struct onnx_node){ .name = name, .op_type = op, .domain = domain };
    return n;
}

void vn_onnx_put_in(struct vn_arena *a, struct onnx_node *n, const char *name)
{
    vn_onnx_put_name(a, &n->in, name);
}
void vn_onnx_put_out(struct vn_arena *a, struct onnx_node *n, const char *name)
{
    vn_onnx_put_name(a, &n->out, name);
}

void vn_onnx_put_initializer(struct model_writer *w, const char *name, const struct vn_tensor *t)
{
    vn_onnx_tensor_write(vn_wire_append(w->arena, &w->graph.initializers, sizeof(struct onnx_tensor)), name,
                         t, w->arena);
}

static struct onnx_shape *write_shape(struct vn_arena *a, const struct vn_shape *s)
{
    struct onnx_shape *out = NEW(a, struct onnx_shape);
    for (int i = 0; i < s->rank; i++) {
        struct onnx_dim *d = vn_wire_append(a, &out->dims, sizeof *d);
        *d = (struct onnx_dim){ .value = { s->d[i], s->d[i] >= 0 } };
    }
    return out;
}

void vn_onnx_put_value_info(struct model_writer *w, struct wire_list *list, const char *name, enum vn_dtype t,
                            const struct vn_shape *s)
{
    struct vn_arena *a = w->arena;
    struct onnx_value_info *v = vn_wire_append(a, list, sizeof *v);
    *v = (struct onnx_value_info){ .name = name, .type = NEW(a, struct onnx_type) };
    v->type->tensor = NEW(a, struct onnx_tensor_type);
    v->type->tensor->elem_type = t;
    v->type->tensor->shape = s->rank >= 0 ? write_shape(a, s) : NULL;
}

/* ---- functions ---- */

/* Integers of 8 bits and no others. */
static int is_int8(const struct graph *g)
{
    int bytes = 0;
    for (int i = 0; i < g->values.n; i++) {
        const struct qparam *q = g->values.v[i]->q;
        if (q && q->dtype == VN_I16)
            return 0;
        bytes |= q && q->dtype == VN_I8;
    }
    return bytes;
}

int vn_onnx_write_opset(const struct graph *g)
{
    int opset = is_int8(g) ? ONNX_WRITE_OPSET_INT8 : ONNX_WRITE_OPSET;
    for (int i = 0; i < g->nodes.n; i++)
        opset = g->nodes.v[i]->op->since > opset ? g->nodes.v[i]->op->since : opset;
    return opset;
}

int vn_onnx_has_function(const struct model_writer *w, const char *name)
{
    const struct onnx_function *f = w->model.functions.v;
    for (int i = 0; i < w->model.functions.n; i++)
        if (!strcmp(f[i].name, name))
            return 1;
    return 0;
}

struct onnx_function *vn_onnx_new_function(struct model_writer *w, const char *name, const char *inputs,
                                           const char *output)
{
    struct onnx_function *f = vn_wire_append(w->arena, &w->model.functions, sizeof *f);
    f->name = name;
    f->domain = ONNX_OUR_DOMAIN;
    for (const char *p = inputs; *p; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " ");
        vn_onnx_put_name(w->arena, &f->inputs, vn_arena_strn(w->arena, p, n));
        p += n;
    }
    vn_onnx_put_name(w->arena, &f->outputs, output);
    *(struct onnx_opset *)vn_wire_append(w->arena, &f->opsets, sizeof(struct onnx_opset)) =
        (struct onnx_opset){ "", w->opset };
    return f;
}
