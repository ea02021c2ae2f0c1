#include "compile/compile.h"

#include "ops/portable_op.h"

void vn_compile_defaults(struct compile_options *o)
{
    *o = (struct compile_options){ .march = "generic", .level = 3 };
}

/* ---- inputs: bytes from outside become the tensor of the graph's input ---- */

static int is_pixel_input(const struct value *v)
{
    return v->q && v->q->dtype == VN_I8 && v->q->n == 1 && v->q->scale[0] == 1 && v->q->zero[0] == 0;
}

static struct vn_shape image_shape(const struct compile_input *in, int n, int h, int w, int c)
{
    if (in->type == VN_IN_NV12)
        return vn_shape_of(3, (int64_t[]){ n, h / 2 * 3, w });
    return in->channels_last ? vn_shape_of(4, (int64_t[]){ n, h, w, c })
                             : vn_shape_of(4, (int64_t[]){ n, c, h, w });
}

/* Which axis of a 4-D image holds its channels: 1 or 3, as the preprocess node that reads it says; 1 without
 * one. */
static int channel_axis(const struct value *v)
{
    for (int i = 0; i < v->users.n; i++) {
        const struct node *n = v->users.v[i].node;
        if (n->op->pixel_axis)
            return n->op->pixel_axis(n);
    }
    return 1;
}

static void add_input(struct prog *p, int tensor, int type, int channels_last)
{
    const struct prog_io io = { tensor, type, channels_last };
    VEC_PUSH(p->arena, &p->inputs, io);
}

static int lower_image(struct lowering *l, const struct value *v, const struct compile_input *in,
                       struct vn_err *e)
{
    const int axis = v->shape.rank == 4 ? channel_axis(v) : 0;
    const int channels = in->type == VN_IN_GRAY ? 1 : 3;
    if (!axis || !is_pixel_input(v) || v->shape.d[axis] != channels) {
        char shape[VN_SHAPE_TEXT];
        return vn_fail(e, VN_E_INPUT,
                       "input %s: an image input requires int8 pixels of rank 4 with %d channels, got %s",
                       v->name, channels, vn_shape_text(&v->shape, shape));
    }
    const int64_t *d = v->shape.d;
    const int n = (int)d[0], h = (int)d[axis == 1 ? 2 : 1], w = (int)d[axis == 1 ? 3 : 2];
    const struct vn_shape bytes = image_shape(in, n, h, w, channels);
    const int from = vn_low_carry(l, v, VN_ROLE_BYTES, VN_U8, &bytes, PLAIN);
    const enum layout order = axis == 1 ? CHANNELS_LAST : PLAIN;
    const int to = vn_low_carry(l, v, VN_ROLE_VALUE, VN_I8, &v->shape, order);
    vn_low_quantized(l, to, 1, 0);
    struct instr_INPUT_IMAGE *q = vn_low_emit(l, OPCODE_INPUT_IMAGE, 1, (int[]){ from }, to);
    *q = (struct instr_INPUT_IMAGE){ .type = in->type,
                                     .n = n,
                                     .h = h,
                                     .w = w,
                                     .c = channels,
                                     .channels_last_in = in->channels_last,
                                     .channels_last_out = 1 };
    l->held[order][v->id] = to;
    add_input(l->prog, from, in->type, in->type == VN_IN_NV12 ? 0 : in->channels_last);
    return VN_OK;
}

/* An input of another type than float32 and int64: its cells. */
static int lower_narrow(struct lowering *l, const struct value *v, struct vn_err *e)
{
    const int from = vn_low_carry(l, v, VN_ROLE_BYTES, v->dtype, &v->shape, PLAIN);
    const int to = vn_low_carry(l, v, VN_ROLE_VALUE, vn_low_cell(v->dtype), &v->shape, PLAIN);
    add_input(l->prog, from, VN_IN_FEATUREMAP, 0);
    TRY(vn_low_cast(l, from, to, v->dtype == VN_F64 ? VN_F32 : v->dtype, e));
    l->held[PLAIN][v->id] = to;
    return VN_OK;
}

static int lower_input(struct lowering *l, const struct value *v, const struct compile_input *in,
                       struct vn_err *e)
{
    if (in && in->type != VN_IN_FEATUREMAP)
        return lower_image(l, v, in, e);
    if (v->dtype != vn_low_cell(v->dtype))
        return lower_narrow(l, v, e);
    const int quantized = v->q != NULL, raw = quantized && (v->raw_input || (!in && is_pixel_input(v)));
    const enum vn_role role = quantized && !raw ? VN_ROLE_BYTES : VN_ROLE_VALUE;
    const int from = vn_low_carry(l, v, role, raw ? v->q->dtype : v->dtype, &v->shape, PLAIN);
    if (raw)
        vn_low_quantized(l, from, v->q->scale[0], v->q->zero[0]);
    add_input(l->prog, from, VN_IN_FEATUREMAP, 0);
    int to = from;
    if (quantized && !raw) {
        to = vn_low_carry(l, v, VN_ROLE_VALUE, v->q->dtype, &v->shape, PLAIN);
        vn_low_quantized(l, to, v->q->scale[0], v->q->zero[0]);
        vn_low_emit(l, OPCODE_QUANTIZE, 1, (int[]){ from }, to);
    }
    l->held[PLAIN][v->id] = to;
    return VN_OK;
}

/* ---- outputs: plain order, float32 unless raw ---- */

/* An input that leaves as it came, before it was quantized; -1: v is none. */
static int given_tensor(struct lowering *l, const struct value *v)
{
    for (int i = 0; i < l->graph->inputs.n; i++)
        if (l->graph->inputs.v[i] == v && v->q &&
            vn_low_tensor(l, l->prog->inputs.v[i].tensor)->dtype == VN_F32)
            return l->prog->inputs.v[i].tensor;
    return -1;
}

static int lower_output(struct lowering *l, const struct value *v, struct vn_err *e)
{
    const int given = given_tensor(l, v);
    int id = given >= 0 ? given : vn_low_value(l, v, PLAIN, !v->raw_output);
    if (id < 0)
        return vn_fail(e, VN_E_INTERNAL, "no instruction computes output %s", v->name);
    const struct prog_tensor t = *vn_low_tensor(l, id);
    int is_input = 0;
    for (int i = 0; i < l->prog->inputs.n; i++)
        is_input |= l->prog->inputs.v[i].tensor == id;
    if (t.place != BIN_ARENA || is_input) { /* the output wants memory of its own */
        const enum vn_role role = given >= 0 ? VN_ROLE_BYTES : VN_ROLE_COPY;
        const int copy = vn_low_carry(l, v, role, t.dtype, &t.shape, PLAIN);
        vn_low_quantized(l, copy, t.scale, t.zero);
        const int64_t n = vn_shape_count(&t.shape), one = 1;
        TRY(vn_low_copy(l, id, copy, 1, &n, 0, &one, 0, &one, e));
        id = copy;
    }
    if (!v->q && v->dtype != t.dtype) { /* in the type that the network declares */
        const int narrow = vn_low_carry(l, v, VN_ROLE_CELLS, v->dtype, &t.shape, PLAIN);
        TRY(vn_low_cast(l, id, narrow, v->dtype, e));
        id = narrow;
    }
    const struct prog_io io = { id, 0, 0 };
    VEC_PUSH(l->arena, &l->prog->outputs, io);
    return VN_OK;
}

static int *no_tensors(struct vn_arena *a, int n)
{
    int *v = NEW_ARRAY(a, int, n);
    for (int i = 0; i < n; i++)
        v[i] = -1;
    return v;
}

static int lower_graph(struct lowering *l, const struct compile_options *o, struct vn_err *e)
{
    const struct graph *g = l->graph;
    for (int i = 0; i < g->inputs.n; i++)
        TRY(lower_input(l, g->inputs.v[i], o->inputs ? &o->inputs[i] : NULL, e));
    for (int i = 0; i < g->nodes.n; i++)
        TRY(vn_lower_node(l, g->nodes.v[i], e));
    l->node = NULL;
    for (int i = 0; i < g->outputs.n; i++)
        TRY(lower_output(l, g->outputs.v[i], e));
    return VN_OK;
}

static int is_needed_before(const struct graph *g, int i)
{
    const struct custom_attrs *p = vn_node_custom(g->nodes.v[i]);
    for (int k = 0; k < i; k++) {
        const struct custom_attrs *q = vn_node_custom(g->nodes.v[k]);
        if (q && !strcmp(p->domain, q->domain) && !strcmp(p->type, q->type))
            return 1;
    }
    return 0;
}

/* The custom operators that the program requires, as "domain.Type" with commas; NULL: none. */
static const char *needed_operators(struct vn_arena *a, const struct graph *g)
{
    const char *list = NULL;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct custom_attrs *p = vn_node_custom(g->nodes.v[i]);
        if (p && !is_needed_before(g, i))
            list = vn_arena_fmt(a, "%s%s%s%s%s", list ? list : "", list ? "," : "", p->domain,
                                *p->domain ? "." : "", p->type);
    }
    return list;
}

int vn_compile_lower(struct prog **out, struct vn_arena *a, const struct graph *g,
                     const struct compile_options *o, struct vn_err *e)
{
    struct prog *p = NEW(a, struct prog);
    p->arena = a;
    struct lowering l = { .prog = p, .arena = a, .graph = g, .batch_last = o->batch_last };
    for (int k = 0; k < 2; k++) {
        l.held[k] = no_tensors(a, g->values.n);
        l.held_f32[k] = no_tensors(a, g->values.n);
        l.held_s16[k] = no_tensors(a, g->values.n);
    }
    const int status = lower_graph(&l, o, e);
    vn_arena_free(&l.scratch);
    TRY(status);
    for (int i = 0; i < g->meta.n; i++)
        VEC_PUSH(a, &p->meta, g->meta.v[i]);
    const struct meta needs = { "needs.custom_ops", needed_operators(a, g) };
    if (needs.text)
        VEC_PUSH(a, &p->meta, needs);
    *out = p;
    return VN_OK;
}

static int compile_in(struct vn_arena *work, struct vn_image *out, struct vn_arena *a, const struct graph *g,
                      const struct compile_options *o, struct vn_err *e)
{
    struct prog *p;
    TRY(vn_compile_lower(&p, work, g, o, e));
    vn_compile_fuse(p, o->level);
    vn_compile_order(p, o);
    return vn_compile_write(out, a, p, o, e);
}

/* Nothing but the image stays. */
int vn_compile(struct vn_image *out, struct vn_arena *a, const struct graph *g,
               const struct compile_options *o, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int status = compile_in(work, out, a, g, o, e);
    vn_arena_free(&work);
    return status;
}
