/* Pooling. Caffe rounds the number of windows up, drops a last one that starts behind the padding in front
 * of the far edge, and divides an average by the part of the window that lies within the padded image. */
#include "front/caffe/layer.h"

enum { MAX, AVE, STOCHASTIC };
static const char *const kinds[] = { "MAX", "AVE", "STOCHASTIC", NULL };
enum { CEIL, FLOOR };
static const char *const roundings[] = { "CEIL", "FLOOR", NULL };

struct params {
    int64_t kind, global, rounding, ceil;
    struct caffe_extent kernel, stride, pad;
};
static const struct text_field fields[] = {
    T_ENUM(struct params, kind, "pool", MAX, kinds),
    T_BOOL(struct params, global, "global_pooling", 0),
    T_ENUM(struct params, rounding, "round_mode", CEIL, roundings),
    T_BOOL(struct params, ceil, "ceil_mode", 1),
    T_EXTENT(struct params, kernel, "kernel_size", "kernel", 1),
    T_EXTENT(struct params, stride, "stride", "stride", 1),
    T_EXTENT(struct params, pad, "pad", "pad", 0),
    T_ANY("engine"),
    T_END,
};
static const struct text_message params = { sizeof(struct params), fields };

struct windows {
    int64_t kernel[2], stride[2], pad[2];
    int64_t beyond[2]; /* how far the last window reaches over the padding at the far edge */
};

static int64_t count_windows(struct caffe_builder *b, const struct params *p, const struct windows *w, int i)
{
    const int64_t in = vn_caffe_dim(b, 0, 2 + i), span = in + 2 * w->pad[i] - w->kernel[i];
    const int up = p->rounding == CEIL && p->ceil;
    int64_t n = span < 0 ? 0 : (span + (up ? w->stride[i] - 1 : 0)) / w->stride[i] + 1;
    if (w->pad[i] && n && (n - 1) * w->stride[i] >= in + w->pad[i])
        n--;
    if (n < 1)
        vn_caffe_fail(b, VN_E_INPUT, "kernel_size is %lld, the padded bottom has %lld",
                      (long long)w->kernel[i], (long long)(in + 2 * w->pad[i]));
    else if ((n - 1) * w->stride[i] >= in + w->pad[i])
        vn_caffe_fail(b, VN_E_UNSUPPORTED,
                      "the last window is outside the bottom (%lld wide, stride %lld, kernel_size %lld)",
                      (long long)in, (long long)w->stride[i], (long long)w->kernel[i]);
    return n;
}

static int find_windows(struct caffe_builder *b, const struct params *p, struct windows *w)
{
    vn_caffe_extent(b, "kernel_size", &p->kernel, 2, -1, w->kernel);
    vn_caffe_extent(b, "stride", &p->stride, 2, 1, w->stride);
    vn_caffe_extent(b, "pad", &p->pad, 2, 0, w->pad);
    for (int i = 0; i < 2; i++) {
        const int64_t reach = (count_windows(b, p, w, i) - 1) * w->stride[i] + w->kernel[i] -
                              vn_caffe_dim(b, 0, 2 + i) - 2 * w->pad[i];
        w->beyond[i] = reach > 0 ? reach : 0;
        if (w->pad[i] >= w->kernel[i])
            vn_caffe_fail(b, VN_E_INPUT, "pad is %lld, expected less than kernel_size (%lld)",
                          (long long)w->pad[i], (long long)w->kernel[i]);
    }
    return !b->failed;
}

/* Places outside of the image never win, so the padding can be made as long as the windows reach. */
static void largest(struct caffe_builder *b, const struct windows *w)
{
    const int64_t pads[] = { w->pad[0], w->pad[1], w->pad[0] + w->beyond[0], w->pad[1] + w->beyond[1] };
    const struct caffe_attr attrs[] = { AT_INTS("kernel_shape", 2, w->kernel),
                                        AT_INTS("strides", 2, w->stride), AT_INTS("pads", 4, pads), AT_NONE };
    struct value *out[2];
    vn_caffe_put_many(b, "MaxPool", 1, b->in, attrs, b->n_out, out);
    for (int i = 0; i < b->n_out; i++)
        vn_caffe_top(b, i, out[i]);
}

/* The padding counts, what lies beyond it does not: where there are both, the padding becomes part of the
 * image. */
static void average(struct caffe_builder *b, const struct windows *w)
{
    const int padded = w->pad[0] || w->pad[1], beyond = w->beyond[0] || w->beyond[1];
    const int64_t around[] = { 0, 0, w->pad[0], w->pad[1], 0, 0, w->pad[0], w->pad[1] };
    const int64_t even[] = { w->pad[0], w->pad[1], w->pad[0], w->pad[1] },
                  far[] = { 0, 0, w->beyond[0], w->beyond[1] };
    struct value *x = b->in[0];
    if (padded && beyond)
        x = PUT(b, "Pad", IN(x, vn_caffe_integers(b, 8, around), vn_caffe_number(b, 0)), AT_NONE);
    vn_caffe_top(b, 0,
                 PUT(b, "AveragePool", IN(x), AT_INTS("kernel_shape", 2, w->kernel),
                     AT_INTS("strides", 2, w->stride), AT_INTS("pads", 4, beyond ? far : even),
                     AT_INT("count_include_pad", padded && !beyond)));
}

static void build(struct caffe_builder *b)
{
    const struct params *p = b->params;
    struct windows w;
    if (!vn_caffe_want_rank(b, 0, 4))
        return;
    if (b->n_out > 1 && (p->kind != MAX || p->global))
        vn_caffe_fail(b, VN_E_UNSUPPORTED, "a second top requires max pooling with windows");
    else if (p->global)
        vn_caffe_top(b, 0,
                     vn_caffe_put(b, p->kind == MAX ? "GlobalMaxPool" : "GlobalAveragePool", 1, b->in,
                                  (const struct caffe_attr[]){ AT_NONE }));
    else if (find_windows(b, p, &w))
        (p->kind == MAX ? largest : average)(b, &w);
}

const struct caffe_layer vn_caffe_pooling = { .type = "Pooling",
                                              .v1 = "POOLING",
                                              .v0 = "pool",
                                              .onnx =
                                                  "MaxPool, AveragePool or a global one; STOCHASTIC as AVE",
                                              .param = "pooling_param",
                                              .params = &params,
                                              .min_bottom = 1,
                                              .max_bottom = 1,
                                              .max_top = 2,
                                              .build = build };
