/* quantized_layout: inputs of the quantized network as N,H,W,C where the march's own tools have them so, or
 * the device hands feature maps over so. A node behind each brings the axes back into their order; what a
 * preprocess node reads it turns itself. */
#include "convert/stages.h"
#include "ops/op.h"
#include "session/input_text.h"
#include "session/session.h"

static const int64_t to_channels_first[] = { 0, 3, 1, 2 };

static struct vn_shape turned(const struct vn_shape *s)
{
    return vn_shape_of(4, (int64_t[]){ s->d[0], s->d[2], s->d[3], s->d[1] });
}

static int must_turn(const struct vn_conversion *c, const struct input_config *in, const struct value *v)
{
    const int features = in->type_rt == VN_IN_FEATUREMAP && in->layout_rt == LAYOUT_NHWC;
    return c->config->quantized_layout != QUANTIZED_LAYOUT_ORIGINAL && v->shape.rank == 4 &&
           in->layout_train == LAYOUT_NCHW &&
           (features || c->target.channels_last == CHANNELS_LAST_ON ||
            (c->target.channels_last == CHANNELS_LAST_NV12 && in->type_rt == VN_IN_NV12));
}

/* A feature map has one order of axes in the quantized network and the .bin. */
static void tell_layout(const struct vn_conversion *c, const struct input_config *in, const struct value *v)
{
    const enum input_layout now = must_turn(c, in, v) ? LAYOUT_NHWC : in->layout_train;
    if (in->type_rt == VN_IN_FEATUREMAP && v->shape.rank == 4 && in->layout_rt != now &&
        vn_config_given(c->config, "input_layout_rt"))
        WARN(c,
             "%s: input_layout_rt has no effect on input %s: the .bin takes it as %s with march %s and "
             "quantized_layout %s",
             c->config->path, in->name, vn_layout_word(now), c->target.name,
             vn_word_of(vn_words_quantized_layout, c->config->quantized_layout));
}

/* Value y made from x, which has its axes as N,H,W,C. */
static void put_transpose(struct graph *g, const char *name, struct value *x, struct value *y)
{
    struct node *n = vn_graph_node(g, &vn_op_transpose, name, 1, &x, 1, &y);
    ((struct perm_attrs *)n->attrs)->perm = (struct ints){ 4, to_channels_first };
    if (!x->q)
        n->why_float = vn_reason_new(g->arena, REASON_lonely, NULL);
}

static struct value *copy_as(struct graph *g, const struct value *v, const char *suffix,
                             const struct vn_shape *s)
{
    struct value *y = vn_graph_value(g, vn_arena_fmt(g->arena, "%s%s", v->name, suffix), v->dtype, s);
    y->q = v->q;
    y->threshold = v->threshold;
    return y;
}

/* The node that reads pixels reads them in the new order, and its result is turned. */
static void turn_behind(struct graph *g, struct node *n)
{
    struct preprocess_attrs *p = n->attrs;
    struct value *y = n->out[0];
    const struct vn_shape s = turned(&y->shape);
    struct value *x = copy_as(g, y, "_NHWC", &s);
    p->channels_last = 1;
    p->data_format = "NHWC";
    vn_graph_set_output(n, 0, x);
    put_transpose(g, vn_arena_fmt(g->arena, "%s_TransposeOutput0", n->name), x, y);
}

static void turn_value(struct graph *g, struct value *x)
{
    struct value *y = copy_as(g, x, "_NCHW", &x->shape);
    while (x->users.n) {
        const struct use u = x->users.v[x->users.n - 1];
        vn_graph_set_input(g, u.node, u.slot, y);
    }
    put_transpose(g, vn_arena_fmt(g->arena, "%s_TransposeInput0", x->name), x, y);
}

static void turn_input(struct graph *g, struct value *v, const struct input_config *in)
{
    const struct node *reader = vn_graph_sole_user(v);
    struct input_config now = *in;
    if (reader && reader->op->pixel_axis)
        turn_behind(g, v->users.v[0].node);
    else
        turn_value(g, v);
    v->shape = turned(&v->shape);
    now.layout_train = LAYOUT_NHWC;
    vn_graph_meta_set(g, vn_arena_fmt(g->arena, "input.%s", in->name), vn_input_text(&now, g->arena));
    vn_graph_meta_set(g, vn_arena_fmt(g->arena, VN_TURNED_KEY "%s", in->name), "NHWC");
}

int vn_convert_turn_inputs(struct vn_conversion *c, struct vn_err *e)
{
    int turns = 0;
    c->turned = c->quantized;
    for (int i = 0; i < c->quantized->inputs.n; i++) {
        tell_layout(c, &c->config->inputs[i], c->quantized->inputs.v[i]);
        turns |= must_turn(c, &c->config->inputs[i], c->quantized->inputs.v[i]);
    }
    if (!turns)
        return VN_OK;
    c->turned = vn_graph_clone(c->arena, c->quantized);
    for (int i = 0; i < c->turned->inputs.n; i++)
        if (must_turn(c, &c->config->inputs[i], c->turned->inputs.v[i]))
            turn_input(c->turned, c->turned->inputs.v[i], &c->config->inputs[i]);
    TRY(vn_graph_sort(c->turned, e));
    vn_graph_index(c->turned);
    return VN_OK;
}
