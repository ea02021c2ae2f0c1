/* The two programs of a calibrated network, and which instruction makes what. */
#include "debug/probe.h"

#include "ops/op.h"

/* ---- the graphs ---- */

static int check_constants(const struct graph *g, struct vn_err *e)
{
    for (int i = 0; i < g->values.n; i++) {
        const struct value *v = g->values.v[i];
        if (v->q && v->data && !vn_dtype_is_float(v->data->dtype))
            return vn_fail(e, VN_E_INPUT,
                           "%s: constant %s is stored as %s: expected a calibrated model, with float32 "
                           "weights and QuantizeLinear after them",
                           g->source, v->name, vn_dtype_name(v->data->dtype));
    }
    return VN_OK;
}

/* Without the parameters of activations and, unless they are kept, of constants. */
static struct graph *without_parameters(struct vn_arena *a, const struct graph *g, int keep_constants)
{
    struct graph *f = vn_graph_clone(a, g);
    for (int i = 0; i < f->values.n; i++) {
        struct value *v = f->values.v[i];
        if (!keep_constants || !v->data)
            v->q = NULL;
        v->raw_output = v->raw_input = 0;
    }
    return f;
}

static void keep_parameters(struct probe *p, const struct graph *g)
{
    p->q = NEW_ARRAY(p->arena, const struct qparam *, g->values.n);
    for (int i = 0; i < g->values.n; i++) {
        const struct qparam *q = g->values.v[i]->q;
        p->q[i] = q && !q->implied && q->dtype != VN_I32 ? q : NULL;
    }
}

static int ordered(struct probe *p, const struct graph **g, const struct graph *calibrated, struct vn_err *e)
{
    struct graph *own = vn_graph_clone(p->arena, calibrated);
    vn_graph_add_judges(own);
    vn_probe_order(own);
    *g = own;
    return check_constants(own, e);
}

static int read_graph(struct probe *p, const struct graph **g, const char *model, const struct vn_listener *l,
                      struct vn_err *e)
{
    struct vn_session_options o;
    struct vn_session **file = vn_session_slot(p->arena);
    vn_session_options_default(&o);
    o.run = p->run;
    o.inspect = 1;
    o.listener = l;
    TRY(vn_session_open(file, model, &o, e));
    if (!vn_session_graph(*file))
        return vn_fail(e, VN_E_USAGE, "%s: expected a calibrated model (.onnx), got a .bin", model);
    return ordered(p, g, vn_session_graph(*file), e);
}

/* ---- the programs ---- */

static int compile_both(struct probe *p, const struct graph *g, const struct graph *f, int level,
                        struct vn_err *e)
{
    struct vn_session **floats = vn_session_slot(p->arena), **rounded = vn_session_slot(p->arena);
    struct vn_session_options o;
    vn_session_options_default(&o);
    o.run = p->run;
    o.level = level;
    struct compile_options c;
    vn_compile_defaults(&c);
    c.level = level;
    c.separate = 1; /* tensors are rounded where they lie */
    p->graph = without_parameters(p->arena, f, 0);
    TRY(vn_session_open_graph(floats, p->graph, &c, &o, e));
    TRY(vn_session_open_graph(rounded, without_parameters(p->arena, g, 1), &c, &o, e));
    p->floats = *floats;
    p->rounded = *rounded;
    p->n = vn_session_instructions(*floats);
    if (vn_session_instructions(*rounded) != p->n ||
        vn_model_tensors(vn_session_model(*floats)) != vn_model_tensors(vn_session_model(*rounded)))
        return vn_fail(e, VN_E_INTERNAL, "%s: the programs differ", g->source);
    return VN_OK;
}

static int reads(const struct node *n, const struct value *v)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] == v)
            return 1;
    return 0;
}

static void list_instructions(struct probe *p)
{
    const struct vn_model *m = vn_session_model(p->floats);
    struct vn_map *nodes = vn_map_new(p->arena);
    for (int i = 0; i < p->graph->nodes.n; i++)
        vn_map_set(nodes, p->graph->nodes.v[i]->name, p->graph->nodes.v[i]);
    p->instr = NEW_ARRAY(p->arena, struct vn_instruction, p->n);
    p->node_of = NEW_ARRAY(p->arena, int, p->n);
    p->first = NEW_ARRAY(p->arena, int, p->graph->nodes.n);
    for (int i = 0; i < p->graph->nodes.n; i++)
        p->first[i] = -1;
    for (int i = 0; i < p->n; i++) {
        vn_model_instruction(m, i, &p->instr[i]);
        const struct node *n = vn_map_get(nodes, p->instr[i].node);
        const int v = vn_session_value_of(p->floats, p->instr[i].out);
        /* a copy of what another node made, in another memory order, is no part of the node */
        p->node_of[i] = n && (v < 0 || !reads(n, p->graph->values.v[v])) ? n->id : -1;
        if (p->node_of[i] >= 0 && p->first[n->id] < 0)
            p->first[n->id] = i;
    }
}

static int first_writer(const struct probe *p, int tensor)
{
    for (int i = 0; i < p->n; i++)
        if (p->instr[i].out == tensor)
            return i;
    return 0;
}

/* The tensor that is the value itself is the first that bears its name. */
static void list_values(struct probe *p)
{
    const struct vn_model *m = vn_session_model(p->floats);
    const int n = p->graph->values.n;
    struct vn_view t;
    p->made = NEW_ARRAY(p->arena, int, n);
    p->tensor = NEW_ARRAY(p->arena, int, n);
    p->starts = NEW_ARRAY(p->arena, int, n);
    p->finishes = NEW_ARRAY(p->arena, int, p->n);
    for (int i = 0; i < n; i++)
        p->made[i] = -2, p->tensor[i] = -1;
    for (int i = 0; i < p->n; i++)
        p->finishes[i] = -1;
    for (int i = 0; vn_model_tensor(m, i, &t) == VN_OK; i++) {
        const int v = vn_session_value_of(p->floats, i);
        if (v < 0 || p->tensor[v] >= 0 || t.role != VN_ROLE_VALUE || !vn_session_memory(p->floats, i))
            continue;
        p->tensor[v] = i;
        p->made[v] = t.instruction;
        p->starts[v] = first_writer(p, i);
        if (t.instruction >= 0)
            p->finishes[t.instruction] = v;
    }
}

/* A quantized activation that a fusion hides. */
static int hides_one(const struct probe *p)
{
    for (int i = 0; i < p->graph->values.n; i++)
        if (p->q[i] && !p->graph->values.v[i]->data && p->made[i] == -2)
            return 1;
    return 0;
}

static size_t worker_bytes(const struct probe *p)
{
    size_t constants, floats, rounded;
    vn_model_bytes(vn_session_model(p->floats), &constants, &floats);
    vn_model_bytes(vn_session_model(p->rounded), &constants, &rounded);
    return 2 * floats + rounded;
}

/* Residual adds stay apart: a convolution's result is quantized in front of them. */
static int compile_probe(struct probe *p, const struct graph *g, const struct graph *f, struct vn_err *e)
{
    keep_parameters(p, g);
    for (int level = 1; level >= 0; level--) {
        TRY(compile_both(p, g, f, level, e));
        list_instructions(p);
        list_values(p);
        if (!hides_one(p))
            break;
    }
    p->bytes = worker_bytes(p);
    return VN_OK;
}

int vn_probe_open(struct probe *p, struct vn_arena *a, const char *model, const struct vn_options *run,
                  const struct vn_listener *l, struct vn_err *e)
{
    const struct graph *g = NULL;
    *p = (struct probe){ .arena = a, .run = { 1, run->cpumask } };
    TRY(read_graph(p, &g, model, l, e));
    return compile_probe(p, g, g, e);
}

int vn_probe_open_graph(struct probe *p, struct vn_arena *a, const struct graph *calibrated,
                        const struct graph *floats, const struct vn_options *run, struct vn_err *e)
{
    const struct graph *g = NULL, *f = NULL;
    *p = (struct probe){ .arena = a, .run = { 1, run->cpumask } };
    TRY(ordered(p, &g, calibrated, e));
    TRY(ordered(p, &f, floats ? floats : calibrated, e));
    return compile_probe(p, g, f, e);
}
