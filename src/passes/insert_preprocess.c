/* The preprocess node behind an image input: from "pixel - 128" in the runtime's colours to what the
 * network was trained on. BT.601 coefficients; colours are not clamped. */
#include "config/config.h"
#include "ops/op.h"
#include "passes/pass.h"

/* video range: luma spans 219 steps, chroma 224 */
#define VY (float)(255.0 / 219)
#define VR (float)(1.402 * 255 / 224)
#define VGU (float)(0.344136 * 255 / 224)
#define VGV (float)(0.714136 * 255 / 224)
#define VB (float)(1.772 * 255 / 224)

static const struct colour {
    enum vn_input_type rt, train;
    int video;
    float offset[3];
    float matrix[9]; /* all zero: identity */
} colours[] = {
    { VN_IN_RGB, VN_IN_RGB, 0, { 128, 128, 128 }, { 0 } },
    { VN_IN_BGR, VN_IN_BGR, 0, { 128, 128, 128 }, { 0 } },
    { VN_IN_GRAY, VN_IN_GRAY, 0, { 128 }, { 0 } },
    { VN_IN_YUV444, VN_IN_YUV444, 0, { 128, 128, 128 }, { 0 } },
    { VN_IN_RGB, VN_IN_BGR, 0, { 128, 128, 128 }, { 0, 0, 1, 0, 1, 0, 1, 0, 0 } },
    { VN_IN_BGR, VN_IN_RGB, 0, { 128, 128, 128 }, { 0, 0, 1, 0, 1, 0, 1, 0, 0 } },
    { VN_IN_YUV444, VN_IN_RGB, 0, { 128, 0, 0 }, { 1, 0, 1.402f, 1, -0.344136f, -0.714136f, 1, 1.772f, 0 } },
    { VN_IN_YUV444, VN_IN_BGR, 0, { 128, 0, 0 }, { 1, 1.772f, 0, 1, -0.344136f, -0.714136f, 1, 0, 1.402f } },
    { VN_IN_YUV444, VN_IN_RGB, 1, { 112, 0, 0 }, { VY, 0, VR, VY, -VGU, -VGV, VY, VB, 0 } },
    { VN_IN_YUV444, VN_IN_BGR, 1, { 112, 0, 0 }, { VY, VB, 0, VY, -VGU, -VGV, VY, 0, VR } },
};

/* The attribute input_type: pixels less 128. */
static const char *const device_types[] = {
    [VN_IN_RGB] = "RGB_128",     [VN_IN_BGR] = "BGR_128",   [VN_IN_YUV444] = "YUV444_128",
    [VN_IN_NV12] = "YUV444_128", [VN_IN_GRAY] = "GRAY_128",
};

/* NV12 is turned into YUV444 in front of the network. */
static const struct colour *find_colour(const struct preprocess_spec *s)
{
    const enum vn_input_type rt = s->type_rt == VN_IN_NV12 ? VN_IN_YUV444 : s->type_rt;
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (rt == colours[i].rt && s->type_train == colours[i].train && s->video_range == colours[i].video)
            return &colours[i];
    return NULL;
}

static struct floats floats(struct graph *g, const float *v, int n)
{
    return (struct floats){ n, vn_arena_copy(g->arena, v, (size_t)n * sizeof *v) };
}

static struct floats per_channel(struct graph *g, const double *v, int n, int channels, float otherwise)
{
    float *f = NEW_ARRAY(g->arena, float, channels);
    for (int c = 0; c < channels; c++)
        f[c] = n ? (float)v[n == 1 ? 0 : c] : otherwise;
    return (struct floats){ channels, f };
}

static int channels_of(const struct preprocess_spec *s) { return s->type_rt == VN_IN_GRAY ? 1 : 3; }

int vn_preprocess_fits(const struct value *input, const struct preprocess_spec *s, struct vn_err *e)
{
    const int channels = channels_of(s);
    char shape[VN_SHAPE_TEXT];
    if (input->shape.rank == 4 && input->shape.d[s->channels_last ? 3 : 1] == channels)
        return VN_OK;
    return vn_fail(
        e, VN_E_INPUT, "input %s: expected a 4-D %s image with %d channel%s in %s layout, the model has %s",
        input->name, vn_input_type_word(s->type_rt), channels, channels == 1 ? "" : "s",
        vn_layout_word(s->channels_last ? LAYOUT_NHWC : LAYOUT_NCHW), vn_shape_text(&input->shape, shape));
}

int vn_insert_preprocess(struct graph *g, struct value *input, const struct preprocess_spec *s,
                         struct vn_err *e)
{
    const int channels = channels_of(s);
    const struct colour *c = find_colour(s);
    if (!c)
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "input %s: runtime type %s cannot be converted to training type %s%s", input->name,
                       vn_input_type_word(s->type_rt), vn_input_type_word(s->type_train),
                       s->video_range ? " in bt601_video range" : "");
    TRY(vn_preprocess_fits(input, s, e));
    if (vn_graph_is_output(input))
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "input %s is an output of the network, too, which preprocessing would change: set "
                       "input_type_train and input_type_rt to featuremap, or remove the output",
                       input->name);
    struct value *y = vn_graph_value(g, vn_arena_fmt(g->arena, "%s_preprocessed", input->name), input->dtype,
                                     &input->shape);
    vn_graph_replace(g, input, y, 0);
    const char *name = vn_arena_fmt(g->arena, "HZ_PREPROCESS_FOR_%s", input->name);
    struct node *first = g->nodes.n ? g->nodes.v[0] : NULL;
    struct node *n = vn_graph_node_before(g, first, &vn_op_preprocess, name, 1, &input, 1, &y);
    struct preprocess_attrs *a = n->attrs;
    int identity = 1;
    for (int i = 0; i < 9; i++)
        identity &= c->matrix[i] == 0;
    a->offset = floats(g, c->offset, channels);
    a->matrix = identity ? (struct floats){ 0 } : floats(g, c->matrix, 9);
    a->mean = per_channel(g, s->mean, s->n_mean, channels, 0);
    a->scale = per_channel(g, s->scale, s->n_scale, channels, 1);
    a->channels_last = s->channels_last;
    a->input_type = vn_arena_str(g->arena, device_types[s->type_rt]);
    a->train_type = vn_arena_str(g->arena, vn_input_type_word(s->type_train));
    a->data_format = vn_layout_word(s->channels_last ? LAYOUT_NHWC : LAYOUT_NCHW);
    vn_graph_index(g);
    return VN_OK;
}
