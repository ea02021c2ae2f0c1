/* Old operator forms become the newest ones. One line a change in `rules`; each rewrites one node as it
 * stands in the file. */
#include "front/onnx/draft.h"
#include "front/onnx/rank.h"

struct upgrade {
    struct draft *d;
    struct vn_map *makers; /* tensor -> node, as in the file */
    VEC(struct draft_node *) done;
    struct vn_err *e;
};

static int refuse(const struct upgrade *u, const struct draft_node *n, const char *why)
{
    return vn_onnx_node_fail(u->d, n, u->e, VN_E_UNSUPPORTED, "%s", why);
}

/* ---- helpers ---- */

static int wrong_type(const struct upgrade *u, const struct draft_node *n, const struct onnx_attr *x,
                      enum onnx_attr_type want)
{
    return vn_onnx_node_fail(u->d, n, u->e, VN_E_INPUT, "attribute %s is %s, expected %s", x->name,
                             vn_onnx_attr_type_name(x->type), vn_onnx_attr_type_name(want));
}

/* *out = NULL where the attribute is absent. */
static int get_attr(const struct upgrade *u, const struct draft_node *n, const char *name,
                    enum onnx_attr_type want, const struct onnx_attr **out)
{
    *out = vn_onnx_attr(&n->raw, name);
    return *out && (*out)->type != want ? wrong_type(u, n, *out, want) : VN_OK;
}

static int get_int(const struct upgrade *u, const struct draft_node *n, const char *name, int64_t def,
                   int64_t *out)
{
    const struct onnx_attr *x;
    TRY(get_attr(u, n, name, ONNX_INT, &x));
    *out = x ? x->i : def;
    return VN_OK;
}

/* A list attribute becomes constant input i. */
static int ints_to_input(struct upgrade *u, struct draft_node *n, const char *attr, int i)
{
    const struct onnx_attr *x;
    TRY(get_attr(u, n, attr, ONNX_INTS, &x));
    if (!x)
        return VN_OK;
    if (*vn_onnx_in(&n->raw, i))
        return vn_onnx_node_fail(u->d, n, u->e, VN_E_INPUT, "has %s both as an attribute and as input %d",
                                 attr, i);
    const char *base = vn_arena_fmt(u->d->arena, "%s_%s", n->name, attr);
    vn_onnx_set_in(u->d->arena, &n->raw, i, vn_onnx_add_constant_i64(u->d, base, x->ints.n, x->ints.v));
    vn_onnx_drop_attr(&n->raw, attr);
    return VN_OK;
}

/* An integer attribute becomes constant input i, a list of one. */
static int int_to_input(struct upgrade *u, struct draft_node *n, const char *attr, int i)
{
    const struct onnx_attr *x;
    TRY(get_attr(u, n, attr, ONNX_INT, &x));
    if (!x)
        return VN_OK;
    const char *base = vn_arena_fmt(u->d->arena, "%s_%s", n->name, attr);
    vn_onnx_set_in(u->d->arena, &n->raw, i, vn_onnx_add_constant_i64(u->d, base, 1, &x->i));
    vn_onnx_drop_attr(&n->raw, attr);
    return VN_OK;
}

/* A float attribute becomes constant scalar input i; left out where it has the value that an absent input
 * means. */
static int float_to_input(struct upgrade *u, struct draft_node *n, const char *attr, int i, float absent)
{
    const struct onnx_attr *x;
    TRY(get_attr(u, n, attr, ONNX_FLOAT, &x));
    if (!x)
        return VN_OK;
    if (x->f != absent) {
        struct vn_tensor *t = vn_tensor_new(u->d->arena, VN_F32, &(struct vn_shape){ 0 });
        memcpy(t->data, &x->f, sizeof x->f);
        vn_onnx_set_in(u->d->arena, &n->raw, i,
                       vn_onnx_add_constant(u->d, vn_arena_fmt(u->d->arena, "%s_%s", n->name, attr), t));
    }
    vn_onnx_drop_attr(&n->raw, attr);
    return VN_OK;
}

static void set_string(struct upgrade *u, struct draft_node *n, const char *attr, const char *text)
{
    vn_onnx_drop_attr(&n->raw, attr);
    vn_onnx_add_string(u->d->arena, &n->raw, attr, text);
}

static int is_text(const struct onnx_attr *x, const char *text)
{
    return x && x->s.n == strlen(text) && !memcmp(x->s.p, text, x->s.n);
}

/* A node in front of the one at hand, with one output. */
static struct draft_node *emit(struct upgrade *u, const struct draft_node *model, const char *op,
                               const char *out)
{
    struct vn_arena *a = u->d->arena;
    struct draft_node *n = NEW(a, struct draft_node);
    n->name = vn_onnx_new_name(a, u->d->node_names, vn_arena_fmt(a, "%s_%s", model->name, op));
    n->raw.op_type = op;
    *(const char **)vn_wire_append(a, &n->raw.out, sizeof out) = out;
    VEC_PUSH(a, &u->done, n);
    return n;
}

static const char *new_tensor(struct upgrade *u, const struct draft_node *n, const char *suffix)
{
    return vn_onnx_new_name(u->d->arena, u->d->names,
                            vn_arena_fmt(u->d->arena, "%s_%s", vn_onnx_out(&n->raw, 0), suffix));
}

/* The node becomes the Reshape of y behind `computing`, which keeps the name of the file. */
static void becomes_reshape(const struct upgrade *u, struct draft_node *n, struct draft_node *computing,
                            const char *y, const char *shape)
{
    const char *name = computing->name;
    computing->name = n->name;
    n->name = name;
    n->raw.op_type = "Reshape";
    n->raw.in.n = 0;
    vn_onnx_set_in(u->d->arena, &n->raw, 0, y);
    vn_onnx_set_in(u->d->arena, &n->raw, 1, shape);
}

/* ---- attributes that became inputs ---- */

static int reshape_shape(struct upgrade *u, struct draft_node *n) { return ints_to_input(u, n, "shape", 1); }
static int split_sizes(struct upgrade *u, struct draft_node *n) { return ints_to_input(u, n, "split", 1); }
static int axes_input(struct upgrade *u, struct draft_node *n) { return ints_to_input(u, n, "axes", 1); }
static int topk_count(struct upgrade *u, struct draft_node *n) { return int_to_input(u, n, "k", 1); }

static int slice_inputs(struct upgrade *u, struct draft_node *n)
{
    TRY(ints_to_input(u, n, "starts", 1));
    TRY(ints_to_input(u, n, "ends", 2));
    return ints_to_input(u, n, "axes", 3);
}

static int pad_inputs(struct upgrade *u, struct draft_node *n)
{
    TRY(ints_to_input(u, n, "pads", 1));
    return float_to_input(u, n, "value", 2, 0);
}

static int clip_inputs(struct upgrade *u, struct draft_node *n)
{
    const float largest = 3.4028234663852886e+38f;
    TRY(float_to_input(u, n, "min", 1, -largest));
    return float_to_input(u, n, "max", 2, largest);
}

/* ---- attributes that went away ---- */

static int dropout(struct upgrade *u, struct draft_node *n)
{
    int64_t is_test;
    TRY(get_int(u, n, "is_test", 1, &is_test));
    if (!is_test)
        return refuse(u, n, "is_test is 0: networks in training mode are not supported");
    vn_onnx_drop_attr(&n->raw, "is_test");
    vn_onnx_drop_attr(&n->raw, "ratio");
    return VN_OK;
}

static int batchnorm(struct upgrade *u, struct draft_node *n)
{
    int64_t spatial;
    TRY(get_int(u, n, "spatial", 1, &spatial));
    if (spatial != 1)
        return refuse(u, n, "spatial is 0: statistics per element are not supported");
    if (n->raw.out.n > 1)
        return refuse(u, n, "has training outputs: export the network for inference");
    vn_onnx_drop_attr(&n->raw, "spatial");
    return VN_OK;
}

/* ---- names and defaults that changed ---- */

static int scatter(struct upgrade *u, struct draft_node *n)
{
    (void)u;
    n->raw.op_type = "ScatterElements";
    return VN_OK;
}

static int grid_sample(struct upgrade *u, struct draft_node *n)
{
    const struct onnx_attr *mode;
    TRY(get_attr(u, n, "mode", ONNX_STRING, &mode));
    if (is_text(mode, "bilinear"))
        set_string(u, n, "mode", "linear");
    else if (is_text(mode, "bicubic"))
        set_string(u, n, "mode", "cubic");
    return VN_OK;
}

static int roi_align(struct upgrade *u, struct draft_node *n)
{
    if (!vn_onnx_attr(&n->raw, "coordinate_transformation_mode"))
        set_string(u, n, "coordinate_transformation_mode", "output_half_pixel");
    return VN_OK;
}

/* ---- GroupNormalization: the old form has one scale and one bias for each group ---- */

static int group_normalization(struct upgrade *u, struct draft_node *n)
{
    struct vn_arena *a = u->d->arena;
    const char *x = vn_onnx_in(&n->raw, 0), *shape = new_tensor(u, n, "shape"),
               *groups = new_tensor(u, n, "groups"), *y = new_tensor(u, n, "normalized");
    int64_t count;
    TRY(get_int(u, n, "num_groups", 0, &count));
    if (count < 1)
        return VN_OK;
    struct draft_node *node = emit(u, n, "Shape", shape);
    vn_onnx_set_in(a, &node->raw, 0, x);
    node = emit(u, n, "Reshape", groups);
    vn_onnx_set_in(a, &node->raw, 0, x);
    vn_onnx_set_in(a, &node->raw, 1,
                   vn_onnx_add_constant_i64(u->d, groups, 3, (const int64_t[]){ 0, count, -1 }));
    node = emit(u, n, "InstanceNormalization", y);
    node->raw.attrs = n->raw.attrs;
    vn_onnx_drop_attr(&node->raw, "num_groups");
    for (int i = 0; i < 3; i++)
        vn_onnx_set_in(a, &node->raw, i, i ? vn_onnx_in(&n->raw, i) : groups);
    n->raw.attrs.n = 0;
    becomes_reshape(u, n, node, y, shape);
    return VN_OK;
}

/* ---- Softmax: the old form treats everything from `axis` on as one axis ---- */

static int softmax_last_axis(struct upgrade *u, struct draft_node *n)
{
    vn_onnx_drop_attr(&n->raw, "axis");
    vn_onnx_add_int(u->d->arena, &n->raw, "axis", -1);
    return VN_OK;
}

static int softmax(struct upgrade *u, struct draft_node *n)
{
    struct vn_arena *a = u->d->arena;
    const char *x = vn_onnx_in(&n->raw, 0);
    const int rank = vn_onnx_rank(u->d, u->makers, x);
    int64_t axis;
    TRY(get_int(u, n, "axis", 1, &axis));
    if (axis == -1 || (rank > 0 && axis == rank - 1))
        return softmax_last_axis(u, n);
    const char *flat = new_tensor(u, n, "flat"), *y = new_tensor(u, n, "rows"),
               *shape = new_tensor(u, n, "shape");
    struct draft_node *node = emit(u, n, "Flatten", flat);
    vn_onnx_set_in(a, &node->raw, 0, x);
    vn_onnx_add_int(a, &node->raw, "axis", axis);
    node = emit(u, n, "Shape", shape);
    vn_onnx_set_in(a, &node->raw, 0, x);
    node = emit(u, n, n->raw.op_type, y);
    vn_onnx_set_in(a, &node->raw, 0, flat);
    vn_onnx_add_int(a, &node->raw, "axis", -1);
    vn_onnx_drop_attr(&n->raw, "axis");
    becomes_reshape(u, n, node, y, shape);
    return VN_OK;
}

/* ---- Upsample and Resize ---- */

static int upsample_scales(struct upgrade *u, struct draft_node *n)
{
    const struct onnx_attr *x;
    TRY(get_attr(u, n, "scales", ONNX_FLOATS, &x));
    if (!x)
        return vn_onnx_node_fail(u->d, n, u->e, VN_E_INPUT, "attribute scales is missing");
    struct vn_tensor *t = vn_tensor_new(u->d->arena, VN_F32, &(struct vn_shape){ 1, { x->floats.n } });
    if (x->floats.n)
        memcpy(t->data, x->floats.v, (size_t)x->floats.n * sizeof(float));
    vn_onnx_set_in(u->d->arena, &n->raw, 1,
                   vn_onnx_add_constant(u->d, vn_arena_fmt(u->d->arena, "%s_scales", n->name), t));
    vn_onnx_drop_attr(&n->raw, "scales");
    return VN_OK;
}

/* Nearest of opset 10 and before takes the pixel below when enlarging and the one above when shrinking. */
static int old_nearest(const struct upgrade *u, const struct draft_node *n, const char **mode)
{
    const struct vn_tensor *scales = vn_onnx_constant(u->d, vn_onnx_in(&n->raw, 1));
    int larger = 0, smaller = 0;
    if (!scales)
        return vn_because(u->e, REASON_computed, refuse(u, n, "the scales are computed at run time"));
    for (int64_t i = 0; i < vn_shape_count(&scales->shape); i++) {
        larger |= vn_tensor_f64(scales, i) > 1;
        smaller |= vn_tensor_f64(scales, i) < 1;
    }
    if (larger && smaller)
        return refuse(u, n, "enlarges one axis and shrinks another, with the rounding of old nearest modes");
    *mode = smaller ? "ceil" : "floor";
    return VN_OK;
}

static int resize_10(struct upgrade *u, struct draft_node *n)
{
    const struct onnx_attr *mode;
    const char *rounding = "floor";
    TRY(get_attr(u, n, "mode", ONNX_STRING, &mode));
    if (!mode || is_text(mode, "nearest")) {
        TRY(old_nearest(u, n, &rounding));
        set_string(u, n, "nearest_mode", rounding);
    } else if (is_text(mode, "bilinear")) {
        set_string(u, n, "mode", "linear");
    }
    set_string(u, n, "coordinate_transformation_mode", "asymmetric");
    n->raw.op_type = "Resize";
    vn_onnx_set_in(u->d->arena, &n->raw, 2, vn_onnx_in(&n->raw, 1));
    vn_onnx_set_in(u->d->arena, &n->raw, 1, "");
    return VN_OK;
}

/* (x + 0.5) / scale, rounded down, is half_pixel rounded to the nearest with ties up; rounded to the nearest
 * with ties down, it is half_pixel rounded up. */
static int resize_tf_half_pixel(struct upgrade *u, struct draft_node *n)
{
    const struct onnx_attr *coordinates, *mode, *rounding;
    TRY(get_attr(u, n, "coordinate_transformation_mode", ONNX_STRING, &coordinates));
    TRY(get_attr(u, n, "mode", ONNX_STRING, &mode));
    TRY(get_attr(u, n, "nearest_mode", ONNX_STRING, &rounding));
    if (!is_text(coordinates, "tf_half_pixel_for_nn"))
        return VN_OK;
    const int down = is_text(rounding, "floor"), near = !rounding || is_text(rounding, "round_prefer_floor");
    if ((mode && !is_text(mode, "nearest")) || !(down || near))
        return refuse(u, n,
                      "coordinate_transformation_mode tf_half_pixel_for_nn is supported for mode nearest "
                      "with nearest_mode floor or round_prefer_floor");
    set_string(u, n, "coordinate_transformation_mode", "half_pixel");
    set_string(u, n, "nearest_mode", down ? "round_prefer_ceil" : "ceil");
    return VN_OK;
}

/* Exporters pass empty tensors for the inputs that they do not mean. */
static int resize_empty_inputs(struct upgrade *u, struct draft_node *n)
{
    for (int i = 1; i < n->raw.in.n; i++) {
        const struct vn_tensor *t = vn_onnx_constant(u->d, vn_onnx_in(&n->raw, i));
        if (t && vn_shape_count(&t->shape) == 0)
            vn_onnx_set_in(u->d->arena, &n->raw, i, "");
    }
    while (n->raw.in.n && !*vn_onnx_in(&n->raw, n->raw.in.n - 1))
        n->raw.in.n--;
    return VN_OK;
}

/* ---- integer operators: the real one between DequantizeLinear and QuantizeLinear ---- */

/* x, scale, zero point at inputs i, i + 1, i + 2 as a dequantized tensor. */
static const char *dequantized(struct upgrade *u, const struct draft_node *n, int i, const char *suffix,
                               int64_t axis)
{
    const char *y = new_tensor(u, n, suffix);
    struct draft_node *dq = emit(u, n, "DequantizeLinear", y);
    for (int k = 0; k < 3; k++)
        if (*vn_onnx_in(&n->raw, i + k))
            vn_onnx_set_in(u->d->arena, &dq->raw, k, vn_onnx_in(&n->raw, i + k));
    const struct vn_tensor *scale = vn_onnx_constant(u->d, vn_onnx_in(&n->raw, i + 1));
    if (scale && vn_shape_count(&scale->shape) != 1)
        vn_onnx_add_int(u->d->arena, &dq->raw, "axis", axis);
    return y;
}

/* The node becomes the QuantizeLinear of `x` with scale and zero point at inputs `scale` and `scale + 1`. */
static void becomes_quantize(struct upgrade *u, struct draft_node *n, const char *x, int scale)
{
    const char *s = vn_onnx_in(&n->raw, scale), *z = vn_onnx_in(&n->raw, scale + 1);
    n->raw.op_type = "QuantizeLinear";
    n->raw.domain = "";
    n->raw.attrs.n = 0;
    n->raw.in.n = 0;
    vn_onnx_set_in(u->d->arena, &n->raw, 0, x);
    vn_onnx_set_in(u->d->arena, &n->raw, 1, s);
    if (*z)
        vn_onnx_set_in(u->d->arena, &n->raw, 2, z);
}

/* An operator in the middle, with n's attributes and name. */
static struct draft_node *middle(struct upgrade *u, struct draft_node *n, const char *op, const char **y)
{
    *y = new_tensor(u, n, "real");
    struct draft_node *m = emit(u, n, op, *y);
    const char *name = m->name;
    m->name = n->name;
    n->name = name;
    m->raw.attrs = n->raw.attrs;
    n->raw.attrs = (struct wire_list){ 0 };
    return m;
}

static int qlinear_conv(struct upgrade *u, struct draft_node *n)
{
    struct vn_arena *a = u->d->arena;
    const char *x = dequantized(u, n, 0, "x", 1), *w = dequantized(u, n, 3, "w", 0),
               *b = vn_onnx_in(&n->raw, 8), *y;
    const struct vn_tensor *sx = vn_onnx_constant(u->d, vn_onnx_in(&n->raw, 1)),
                           *sw = vn_onnx_constant(u->d, vn_onnx_in(&n->raw, 4));
    struct draft_node *conv = middle(u, n, "Conv", &y);
    vn_onnx_set_in(a, &conv->raw, 0, x);
    vn_onnx_set_in(a, &conv->raw, 1, w);
    if (*b) { /* int32 of scale x * w */
        if (!sx || !sw || vn_shape_count(&sx->shape) != 1)
            return vn_because(u->e, REASON_computed, refuse(u, n, "a bias, and scales computed at run time"));
        const int64_t count = vn_shape_count(&sw->shape);
        struct vn_tensor *s = vn_tensor_new(a, VN_F32, &(struct vn_shape){ count == 1 ? 0 : 1, { count } });
        for (int64_t i = 0; i < count; i++)
            ((float *)s->data)[i] = (float)vn_tensor_f64(sx, 0) * (float)vn_tensor_f64(sw, i);
        const char *real = new_tensor(u, n, "bias");
        struct draft_node *dq = emit(u, n, "DequantizeLinear", real);
        vn_onnx_set_in(a, &dq->raw, 0, b);
        vn_onnx_set_in(a, &dq->raw, 1,
                       vn_onnx_add_constant(u->d, vn_arena_fmt(a, "%s_bias_scale", n->name), s));
        if (count != 1)
            vn_onnx_add_int(a, &dq->raw, "axis", 0);
        struct draft_node **last = &u->done.v[u->done.n - 1],
                          *held = last[-1]; /* in front of the convolution */
        last[-1] = dq;
        *last = held;
        vn_onnx_set_in(a, &conv->raw, 2, real);
    }
    becomes_quantize(u, n, y, 6);
    return VN_OK;
}

static int qlinear_two(struct upgrade *u, struct draft_node *n, const char *op)
{
    const char *x = dequantized(u, n, 0, "a", 0), *w = dequantized(u, n, 3, "b", 1), *y;
    struct draft_node *m = middle(u, n, op, &y);
    vn_onnx_set_in(u->d->arena, &m->raw, 0, x);
    vn_onnx_set_in(u->d->arena, &m->raw, 1, w);
    becomes_quantize(u, n, y, 6);
    return VN_OK;
}

static int qlinear_matmul(struct upgrade *u, struct draft_node *n) { return qlinear_two(u, n, "MatMul"); }
static int qlinear_add(struct upgrade *u, struct draft_node *n) { return qlinear_two(u, n, "Add"); }
static int qlinear_mul(struct upgrade *u, struct draft_node *n) { return qlinear_two(u, n, "Mul"); }

static int qlinear_pool(struct upgrade *u, struct draft_node *n)
{
    int64_t last;
    TRY(get_int(u, n, "channels_last", 0, &last));
    if (last)
        return refuse(u, n, "channels_last is 1");
    const char *x = dequantized(u, n, 0, "x", 1), *y;
    struct draft_node *m = middle(u, n, "GlobalAveragePool", &y);
    m->raw.attrs.n = 0;
    vn_onnx_set_in(u->d->arena, &m->raw, 0, x);
    becomes_quantize(u, n, y, 3);
    return VN_OK;
}

/* ---- of ONNX Runtime: the same as in ONNX, or a convolution with its activation ---- */

static int standard(struct upgrade *u, struct draft_node *n)
{
    (void)u;
    n->raw.domain = "";
    return VN_OK;
}

static const struct activation {
    const char *name, *param[2]; /* the attributes that its parameters become */
} activations[] = {
    { "Relu", { NULL } },
    { "Sigmoid", { NULL } },
    { "Tanh", { NULL } },
    { "LeakyRelu", { "alpha" } },
    { "Clip", { NULL } }, /* its bounds are inputs */
    { "HardSigmoid", { "alpha", "beta" } },
};

static void set_bounds(struct upgrade *u, struct draft_node *clip, const float *v, int count)
{
    struct vn_arena *a = u->d->arena;
    for (int i = 0; i < 2 && i < count; i++) {
        struct vn_tensor *t = vn_tensor_new(a, VN_F32, &(struct vn_shape){ 0 });
        *(float *)t->data = v[i];
        const char *bound = vn_onnx_add_constant(u->d, vn_arena_fmt(a, "%s_bound", clip->name), t);
        vn_onnx_set_in(a, &clip->raw, i + 1, bound);
    }
}

/* n becomes the activation of that name; v: its parameters. */
static int becomes_activation(struct upgrade *u, struct draft_node *n, const char *name, const float *v,
                              int count)
{
    for (size_t k = 0; k < sizeof activations / sizeof *activations; k++) {
        const struct activation *known = &activations[k];
        if (strcmp(known->name, name))
            continue;
        n->raw.op_type = known->name;
        for (int i = 0; i < 2 && i < count && known->param[i]; i++)
            vn_onnx_add_attr(u->d->arena, &n->raw, known->param[i], ONNX_FLOAT)->f = v[i];
        if (!strcmp(name, "Clip"))
            set_bounds(u, n, v, count);
        return VN_OK;
    }
    return vn_onnx_node_fail(u->d, n, u->e, VN_E_UNSUPPORTED, "activation '%.60s'", name);
}

/* A convolution in front of n takes n's operands and attributes; it computes y. */
static void emit_conv(struct upgrade *u, struct draft_node *n, const char *y)
{
    struct draft_node *conv = emit(u, n, "Conv", y);
    conv->raw.attrs = n->raw.attrs;
    for (int i = 0; i < 3 && *vn_onnx_in(&n->raw, i); i++)
        vn_onnx_set_in(u->d->arena, &conv->raw, i, vn_onnx_in(&n->raw, i));
    n->raw.attrs = (struct wire_list){ 0 };
    n->raw.in.n = 0;
}

static int fused_conv(struct upgrade *u, struct draft_node *n)
{
    struct vn_arena *a = u->d->arena;
    const struct onnx_attr *act, *params;
    TRY(get_attr(u, n, "activation", ONNX_STRING, &act));
    TRY(get_attr(u, n, "activation_params", ONNX_FLOATS, &params));
    const char *y = act ? new_tensor(u, n, "conv") : vn_onnx_out(&n->raw, 0);
    const char *sum =
        *vn_onnx_in(&n->raw, 3) ? vn_onnx_in(&n->raw, 3) : NULL; /* added in front of the activation */
    const char *name = act ? vn_arena_strn(a, (const char *)act->s.p, act->s.n) : "";
    const float *v = params ? params->floats.v : NULL;
    const int count = params ? params->floats.n : 0;
    vn_onnx_drop_attr(&n->raw, "activation");
    vn_onnx_drop_attr(&n->raw, "activation_params");
    n->raw.domain = "";
    n->raw.op_type = "Conv";
    if (!act && !sum)
        return VN_OK;
    const char *product = sum ? new_tensor(u, n, "product") : y;
    emit_conv(u, n, product);
    struct draft_node *add = !sum ? NULL : act ? emit(u, n, "Add", y) : n;
    if (add) {
        add->raw.op_type = "Add";
        vn_onnx_set_in(a, &add->raw, 0, product);
        vn_onnx_set_in(a, &add->raw, 1, sum);
    }
    if (!act)
        return VN_OK;
    vn_onnx_set_in(a, &n->raw, 0, y);
    return becomes_activation(u, n, name, v, count);
}

/* ---- the table ---- */

#define MICROSOFT "com.microsoft"

enum { ALWAYS = 1000 };

static const struct rule {
    const char *op;
    int below; /* for opsets less than this */
    int (*apply)(struct upgrade *u, struct draft_node *n);
    const char *domain; /* NULL: ONNX */
} rules[] = {
    { "Reshape", ALWAYS, reshape_shape }, /* some exporters mix it with a newer opset */
    { "Slice", 10, slice_inputs },
    { "Pad", 11, pad_inputs },
    { "Clip", 11, clip_inputs },
    { "Squeeze", 13, axes_input },
    { "Unsqueeze", 13, axes_input },
    { "ReduceSum", 13, axes_input },
    { "ReduceMean", 18, axes_input },
    { "ReduceMax", 18, axes_input },
    { "ReduceMin", 18, axes_input },
    { "ReduceProd", 18, axes_input },
    { "ReduceL1", 18, axes_input },
    { "ReduceL2", 18, axes_input },
    { "ReduceSumSquare", 18, axes_input },
    { "ReduceLogSum", 18, axes_input },
    { "ReduceLogSumExp", 18, axes_input },
    { "Split", 13, split_sizes },
    { "TopK", 10, topk_count },
    { "Scatter", ALWAYS, scatter },
    { "GridSample", 20, grid_sample },
    { "RoiAlign", 16, roi_align },
    { "GroupNormalization", 21, group_normalization },
    { "Dropout", 12, dropout },
    { "BatchNormalization", 14, batchnorm },
    { "Softmax", 13, softmax },
    { "LogSoftmax", 13, softmax },
    { "Hardmax", 13, softmax },
    { "Upsample", 9, upsample_scales },
    { "Upsample", 11, resize_10 },
    { "Resize", 11, resize_10 },
    { "Resize", 13, resize_tf_half_pixel },
    { "Resize", ALWAYS, resize_empty_inputs },
    { "QLinearConv", ALWAYS, qlinear_conv },
    { "QLinearMatMul", ALWAYS, qlinear_matmul },
    { "QLinearAdd", ALWAYS, qlinear_add, MICROSOFT },
    { "QLinearMul", ALWAYS, qlinear_mul, MICROSOFT },
    { "QLinearGlobalAveragePool", ALWAYS, qlinear_pool, MICROSOFT },
    { "QuantizeLinear", ALWAYS, standard, MICROSOFT },
    { "DequantizeLinear", ALWAYS, standard, MICROSOFT },
    { "Gelu", ALWAYS, standard, MICROSOFT },
    { "FusedConv", ALWAYS, fused_conv, MICROSOFT },
};

static int applies(const struct rule *r, const char *domain, const char *op)
{
    const int ours = !domain || !*domain || !strcmp(domain, "ai.onnx");
    return !strcmp(r->op, op) && (r->domain ? domain && !strcmp(domain, r->domain) : ours);
}

int vn_onnx_upgrade_knows(const char *domain, const char *op_type)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (applies(&rules[i], domain, op_type))
            return 1;
    return 0;
}

static int upgrade_node(struct upgrade *u, struct draft_node *n)
{
    const char *op = n->raw.op_type;
    const char *domain = n->raw.domain;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (applies(&rules[i], domain, op) && u->d->opset < rules[i].below)
            TRY(rules[i].apply(u, n));
    return VN_OK;
}

int vn_onnx_upgrade(struct draft *d, struct vn_err *e)
{
    struct upgrade u = { .d = d, .makers = vn_map_new(d->arena), .e = e };
    for (int i = 0; i < d->nodes.n; i++)
        for (int j = 0; j < d->nodes.v[i]->raw.out.n; j++)
            vn_map_set(u.makers, vn_onnx_out(&d->nodes.v[i]->raw, j), d->nodes.v[i]);
    for (int i = 0; i < d->nodes.n; i++) {
        const int status = upgrade_node(&u, d->nodes.v[i]);
        if (status < 0)
            TRY(vn_onnx_problem(d, status, e));
        else
            VEC_PUSH(d->arena, &u.done, d->nodes.v[i]);
    }
    d->nodes.v = u.done.v;
    d->nodes.n = u.done.n;
    d->nodes.cap = u.done.cap;
    return VN_OK;
}
