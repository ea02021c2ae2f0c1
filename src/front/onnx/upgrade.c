/* Old operator forms become those of opset 21. One line a change in `rules`; each rewrites one node as it stands in the file. */
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

static int wrong_type(const struct upgrade *u, const struct draft_node *n, const struct onnx_attr *x, enum onnx_attr_type want)
{
    return vn_onnx_node_fail(u->d, n, u->e, VN_E_INPUT, "attribute %s is %s, want %s", x->name, vn_onnx_attr_type_name(x->type),
                             vn_onnx_attr_type_name(want));
}

/* *out = NULL where the attribute is absent. */
static int get_attr(const struct upgrade *u, const struct draft_node *n, const char *name, enum onnx_attr_type want,
                    const struct onnx_attr **out)
{
    *out = vn_onnx_attr(&n->raw, name);
    return *out && (*out)->type != want ? wrong_type(u, n, *out, want) : VN_OK;
}

static int get_int(const struct upgrade *u, const struct draft_node *n, const char *name, int64_t def, int64_t *out)
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
        return vn_onnx_node_fail(u->d, n, u->e, VN_E_INPUT, "has %s both as an attribute and as input %d", attr, i);
    const char *base = vn_arena_fmt(u->d->arena, "%s_%s", n->name, attr);
    vn_onnx_set_in(u->d->arena, &n->raw, i, vn_onnx_add_constant_i64(u->d, base, x->ints.n, x->ints.v));
    vn_onnx_drop_attr(&n->raw, attr);
    return VN_OK;
}

/* A float attribute becomes constant scalar input i; left out where it has the value that an absent input means. */
static int float_to_input(struct upgrade *u, struct draft_node *n, const char *attr, int i, float absent)
{
    const struct onnx_attr *x;
    TRY(get_attr(u, n, attr, ONNX_FLOAT, &x));
    if (!x)
        return VN_OK;
    if (x->f != absent) {
        struct vn_tensor *t = vn_tensor_new(u->d->arena, VN_F32, &(struct vn_shape){ 0 });
        memcpy(t->data, &x->f, sizeof x->f);
        vn_onnx_set_in(u->d->arena, &n->raw, i, vn_onnx_add_constant(u->d, vn_arena_fmt(u->d->arena, "%s_%s", n->name, attr), t));
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
static struct draft_node *emit(struct upgrade *u, const struct draft_node *model, const char *op, const char *out)
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
    return vn_onnx_new_name(u->d->arena, u->d->names, vn_arena_fmt(u->d->arena, "%s_%s", vn_onnx_out(&n->raw, 0), suffix));
}

/* ---- attributes that became inputs ---- */

static int reshape_shape(struct upgrade *u, struct draft_node *n) { return ints_to_input(u, n, "shape", 1); }
static int split_sizes(struct upgrade *u, struct draft_node *n) { return ints_to_input(u, n, "split", 1); }
static int axes_input(struct upgrade *u, struct draft_node *n) { return ints_to_input(u, n, "axes", 1); }

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
        return refuse(u, n, "is_test is 0: a network in training cannot be read");
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
    const char *flat = new_tensor(u, n, "flat"), *y = new_tensor(u, n, "rows"), *shape = new_tensor(u, n, "shape");
    struct draft_node *node = emit(u, n, "Flatten", flat);
    vn_onnx_set_in(a, &node->raw, 0, x);
    vn_onnx_add_int(a, &node->raw, "axis", axis);
    node = emit(u, n, "Shape", shape);
    vn_onnx_set_in(a, &node->raw, 0, x);
    node = emit(u, n, n->raw.op_type, y);
    vn_onnx_set_in(a, &node->raw, 0, flat);
    vn_onnx_add_int(a, &node->raw, "axis", -1);
    const char *name = node->name; /* the computing node keeps the name of the file */
    node->name = n->name;
    n->name = name;
    n->raw.op_type = "Reshape";
    vn_onnx_drop_attr(&n->raw, "axis");
    vn_onnx_set_in(a, &n->raw, 0, y);
    vn_onnx_set_in(a, &n->raw, 1, shape);
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
    vn_onnx_set_in(u->d->arena, &n->raw, 1, vn_onnx_add_constant(u->d, vn_arena_fmt(u->d->arena, "%s_scales", n->name), t));
    vn_onnx_drop_attr(&n->raw, "scales");
    return VN_OK;
}

/* Nearest of opset 10 and before takes the pixel below when enlarging and the one above when shrinking. */
static int old_nearest(const struct upgrade *u, const struct draft_node *n, const char **mode)
{
    const struct vn_tensor *scales = vn_onnx_constant(u->d, vn_onnx_in(&n->raw, 1));
    int larger = 0, smaller = 0;
    if (!scales)
        return refuse(u, n, "its scales are computed at run time");
    for (int64_t i = 0; i < vn_shape_count(&scales->shape); i++) {
        larger |= vn_tensor_f64(scales, i) > 1;
        smaller |= vn_tensor_f64(scales, i) < 1;
    }
    if (larger && smaller)
        return refuse(u, n, "enlarges one axis and shrinks another with old nearest rounding");
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

/* ---- the table ---- */

enum { ALWAYS = 1000 };

static const struct rule {
    const char *op;
    int below; /* for opsets less than this */
    int (*apply)(struct upgrade *u, struct draft_node *n);
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
    { "Dropout", 12, dropout },
    { "BatchNormalization", 14, batchnorm },
    { "Softmax", 13, softmax },
    { "LogSoftmax", 13, softmax },
    { "Hardmax", 13, softmax },
    { "Upsample", 9, upsample_scales },
    { "Upsample", 11, resize_10 },
    { "Resize", 11, resize_10 },
    { "Resize", ALWAYS, resize_empty_inputs },
};

/* Old operators that no graph has: they turn into another one. */
static const char *const replaced[] = { "Upsample" };

int vn_onnx_upgrade_knows(const char *op_type)
{
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
        if (!strcmp(replaced[i], op_type))
            return 1;
    return 0;
}

static int upgrade_node(struct upgrade *u, struct draft_node *n)
{
    const char *op = n->raw.op_type;
    const char *domain = n->raw.domain;
    const int ours = !domain || !*domain || !strcmp(domain, "ai.onnx");
    for (size_t i = 0; ours && i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rules[i].op, op) && u->d->opset < rules[i].below)
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
        TRY(upgrade_node(&u, d->nodes.v[i]));
        VEC_PUSH(d->arena, &u.done, d->nodes.v[i]);
    }
    d->nodes.v = u.done.v;
    d->nodes.n = u.done.n;
    d->nodes.cap = u.done.cap;
    return VN_OK;
}
