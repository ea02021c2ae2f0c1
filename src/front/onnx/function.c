/* The preprocess operator as a model-local function with a body of standard operators.
 *
 * A body cannot branch on attributes, so there are four functions; all are the one operator when read back.
 * y = ((matrix (float(x) + offset)) - mean) * scale
 */
#include "front/onnx/write.h"

struct body {
    struct vn_arena *arena;
    struct onnx_function *f;
};

static struct onnx_node *call(const struct body *b, const char *op, const char *out, const char *in0,
                              const char *in1)
{
    struct onnx_node *n =
        vn_onnx_put_node(b->arena, &b->f->nodes, vn_arena_fmt(b->arena, "%s_%s", op, out), op, NULL);
    if (in0)
        vn_onnx_put_in(b->arena, n, in0);
    if (in1)
        vn_onnx_put_in(b->arena, n, in1);
    vn_onnx_put_out(b->arena, n, out);
    return n;
}

/* A constant 1-D tensor: the function's attribute of that name. */
static void attribute(const struct body *b, const char *out, const char *attr)
{
    struct onnx_node *n = call(b, "Constant", out, NULL, NULL);
    vn_onnx_add_attr(b->arena, n, "value_floats", ONNX_FLOATS)->ref_attr_name = attr;
}

static void integers(const struct body *b, const char *out, int n, const int64_t *x)
{
    vn_onnx_add_ints(b->arena, call(b, "Constant", out, NULL, NULL), "value_ints", n, x);
}

/* One number per channel, shaped to broadcast along the channel axis. */
static void per_channel(const struct body *b, const char *attr, int channels_last)
{
    const char *flat = vn_arena_fmt(b->arena, "%s_list", attr);
    attribute(b, channels_last ? attr : flat, attr);
    if (!channels_last)
        call(b, "Reshape", attr, flat, "per_channel");
}

static void apply_matrix(const struct body *b, const char *out, const char *in, int channels_last)
{
    attribute(b, "matrix_list", "matrix");
    attribute(b, "channel_list", "offset");
    call(b, "Shape", "channels", "channel_list", NULL);
    integers(b, "other_axes", channels_last ? 1 : 3, (const int64_t[]){ -1, 1, 1 });
    vn_onnx_add_int(b->arena, call(b, "Concat", "matrix_shape", "channels", "other_axes"), "axis", 0);
    call(b, "Reshape", "matrix_rows", "matrix_list", "matrix_shape");
    if (channels_last) {
        call(b, "Transpose", "matrix_columns", "matrix_rows", NULL);
        call(b, "MatMul", out, in, "matrix_columns");
    } else {
        call(b, "Conv", out, in, "matrix_rows");
    }
}

static void write_body(const struct body *b, int with_matrix, int channels_last)
{
    if (!channels_last)
        integers(b, "per_channel", 4, (const int64_t[]){ 1, -1, 1, 1 });
    per_channel(b, "offset", channels_last);
    per_channel(b, "mean", channels_last);
    per_channel(b, "scale", channels_last);
    vn_onnx_add_int(b->arena, call(b, "Cast", "real", "x", NULL), "to", VN_F32);
    call(b, "Add", "shifted", "real", "offset");
    if (with_matrix)
        apply_matrix(b, "coloured", "shifted", channels_last);
    call(b, "Sub", "centred", with_matrix ? "coloured" : "shifted", "mean");
    call(b, "Mul", "y", "centred", "scale");
}

/* Inputs of the node that the body reads, and those that only inform readers of the file. */
static const char *const attr_names[] = { "offset",     "mean",       "scale",      "channels_last",
                                          "input_type", "train_type", "data_format" };

const char *vn_onnx_put_preprocess(struct model_writer *w, const struct node *n)
{
    const struct preprocess_attrs *p = n->attrs;
    static const char *const names[2][2] = { { "Preprocess", "PreprocessChannelsLast" },
                                             { "PreprocessMatrix", "PreprocessMatrixChannelsLast" } };
    const int with_matrix = p->matrix.n > 0, channels_last = p->channels_last != 0;
    const char *name = names[with_matrix][channels_last];
    struct vn_arena *a = w->arena;
    if (vn_onnx_has_function(w, name))
        return name;
    struct onnx_function *f = vn_onnx_new_function(w, name, "x", "y");
    for (size_t i = 0; i < sizeof attr_names / sizeof *attr_names; i++)
        vn_onnx_put_name(a, &f->attrs, attr_names[i]);
    if (with_matrix)
        vn_onnx_put_name(a, &f->attrs, "matrix");
    write_body(&(struct body){ a, f }, with_matrix, channels_last);
    return name;
}
