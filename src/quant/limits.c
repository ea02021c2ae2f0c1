/* Measures of a node, one function for each line of config/limits.def, against what a target allows. */
#include "quant/limits.h"

#include "ops/op.h"
#include "ops/reduce.h"

/* What one measure gives: every number must be allowed. None where the measure means nothing for the node. */
struct numbers {
    int n;
    double v[2 * VN_MAX_RANK];
};

static void add(struct numbers *x, int64_t v) { x->v[x->n++] = (double)v; }

static int64_t product(const int64_t *d, int n)
{
    double p = 1;
    for (int i = 0; i < n; i++)
        p *= (double)d[i];
    return p < 9e18 ? (int64_t)p : INT64_MAX;
}

/* ---- shapes ---- */

static const struct vn_shape *in_shape(const struct node *n) { return &n->in[0]->shape; }
static const struct vn_shape *out_shape(const struct node *n) { return &n->out[0]->shape; }

static void measure_rank(const struct node *n, struct numbers *x)
{
    add(x, in_shape(n)->rank);
    add(x, out_shape(n)->rank);
}

static void measure_batch(const struct node *n, struct numbers *x)
{
    if (in_shape(n)->rank > 1)
        add(x, in_shape(n)->d[0]);
}

static void measure_channels(const struct node *n, struct numbers *x)
{
    if (in_shape(n)->rank > 1)
        add(x, in_shape(n)->d[1]);
    if (out_shape(n)->rank > 1)
        add(x, out_shape(n)->d[1]);
}

static void measure_height_width(const struct node *n, struct numbers *x)
{
    for (int d = 2; d < in_shape(n)->rank; d++)
        add(x, in_shape(n)->d[d]);
    for (int d = 2; d < out_shape(n)->rank; d++)
        add(x, out_shape(n)->d[d]);
}

static void measure_area(const struct node *n, struct numbers *x)
{
    if (in_shape(n)->rank > 2)
        add(x, product(in_shape(n)->d + 2, in_shape(n)->rank - 2));
}

static void measure_volume(const struct node *n, struct numbers *x)
{
    if (in_shape(n)->rank > 1)
        add(x, product(in_shape(n)->d + 1, in_shape(n)->rank - 1));
}

static void measure_elements(const struct node *n, struct numbers *x)
{
    add(x, vn_shape_count(in_shape(n)));
    add(x, vn_shape_count(out_shape(n)));
}

/* ---- windows ---- */

static int window_of(const struct node *n, struct window *w)
{
    return n->op->window && n->op->window(w, n, NULL) == VN_OK;
}

static void measure_kernel(const struct node *n, struct numbers *x)
{
    struct window w;
    for (int i = 0; window_of(n, &w) && i < w.rank; i++)
        add(x, w.kernel[i]);
}

static void measure_kernel_area(const struct node *n, struct numbers *x)
{
    struct window w;
    if (window_of(n, &w))
        add(x, product(w.kernel, w.rank));
}

static void measure_kernel_volume(const struct node *n, struct numbers *x)
{
    struct window w;
    if (vn_node_is_convolution(n) && window_of(n, &w))
        add(x, product(w.kernel, w.rank) * (in_shape(n)->d[1] / vn_node_groups(n)));
}

static void measure_stride(const struct node *n, struct numbers *x)
{
    struct window w;
    for (int i = 0; window_of(n, &w) && i < w.rank; i++)
        add(x, w.stride[i]);
}

static void measure_stride_area(const struct node *n, struct numbers *x)
{
    struct window w;
    if (window_of(n, &w))
        add(x, product(w.stride, w.rank));
}

static void measure_dilation(const struct node *n, struct numbers *x)
{
    struct window w;
    for (int i = 0; window_of(n, &w) && i < w.rank; i++)
        add(x, w.dilation[i]);
}

static void measure_dilated_stride(const struct node *n, struct numbers *x)
{
    struct window w;
    if (window_of(n, &w) && product(w.dilation, w.rank) > 1)
        measure_stride(n, x);
}

static void measure_pad(const struct node *n, struct numbers *x)
{
    struct window w;
    for (int i = 0; window_of(n, &w) && i < w.rank; i++) {
        add(x, w.pad_begin[i]);
        add(x, w.pad_end[i]);
    }
}

static void measure_output_padding(const struct node *n, struct numbers *x)
{
    struct window w;
    for (int i = 0; window_of(n, &w) && i < w.output_padding.n && i < VN_MAX_RANK; i++)
        add(x, w.output_padding.v[i]);
}

static void measure_output_channels(const struct node *n, struct numbers *x)
{
    if (vn_node_is_convolution(n))
        add(x, out_shape(n)->d[1]);
}

static void measure_group_channels(const struct node *n, struct numbers *x)
{
    if (vn_node_is_convolution(n))
        add(x, in_shape(n)->d[1] / vn_node_groups(n));
}

static void measure_grouped_channels(const struct node *n, struct numbers *x)
{
    if (vn_node_is_convolution(n) && vn_node_groups(n) > 1)
        add(x, in_shape(n)->d[1] / vn_node_groups(n));
}

/* ---- matrix products ---- */

static void measure_rows(const struct node *n, struct numbers *x)
{
    if (vn_node_is_product(n))
        add(x, out_shape(n)->rank > 1 ? out_shape(n)->d[out_shape(n)->rank - 2] : 1);
}

static void measure_columns(const struct node *n, struct numbers *x)
{
    if (vn_node_is_product(n))
        add(x, out_shape(n)->rank > 0 ? out_shape(n)->d[out_shape(n)->rank - 1] : 1);
}

static void measure_inner(const struct node *n, struct numbers *x)
{
    const struct vn_shape *w = vn_node_is_product(n) ? &n->in[n->op->quant.weight]->shape : NULL;
    if (w)
        add(x, w->rank < 2 ? w->d[0] : w->d[w->rank - 1 - vn_weight_out_axis(n)]);
}

/* ---- the rest ---- */

static void measure_constants(const struct node *n, struct numbers *x)
{
    int count = 0;
    for (int i = 0; i < n->n_in && i < 2; i++)
        count += n->in[i] && n->in[i]->data;
    add(x, count);
}

/* Operators that reduce axes share an attribute. */
static uint32_t reduced_axes(const struct node *n)
{
    int64_t noop;
    return vn_node_attr_int(n, "noop_with_empty_axes", &noop) ? vn_reduce_axes(n) : 0;
}

static void measure_axes(const struct node *n, struct numbers *x)
{
    const uint32_t mask = reduced_axes(n);
    if (mask)
        add(x, __builtin_popcount(mask));
}

static void measure_reduced(const struct node *n, struct numbers *x)
{
    const uint32_t mask = reduced_axes(n);
    int64_t elements = 1;
    for (int d = 0; d < in_shape(n)->rank; d++)
        elements *= mask >> d & 1 ? in_shape(n)->d[d] : 1;
    if (mask)
        add(x, elements);
}

static void measure_keepdims(const struct node *n, struct numbers *x)
{
    int64_t keep;
    if (reduced_axes(n) && vn_node_attr_int(n, "keepdims", &keep))
        add(x, keep);
}

static void measure_sorted(const struct node *n, struct numbers *x)
{
    int64_t sorted;
    if (vn_node_attr_int(n, "sorted", &sorted))
        add(x, sorted);
}

static void measure_block(const struct node *n, struct numbers *x)
{
    int64_t size;
    if (vn_node_attr_int(n, "blocksize", &size))
        add(x, size);
}

static void measure_axis(const struct node *n, struct numbers *x)
{
    int64_t axis;
    if (vn_node_attr_int(n, "axis", &axis))
        add(x, vn_shape_axis(in_shape(n), axis));
}

static void (*const measures[])(const struct node *n, struct numbers *x) = {
#define LIMIT(name, meaning) measure_##name,
#include "config/limits.def"
#undef LIMIT
};

static int allowed(const struct target_limit *l, double x)
{
    if (!l->one_of)
        return x >= l->v[0] && x <= l->v[1];
    for (int i = 0; i < l->one_of; i++)
        if (x == l->v[i])
            return 1;
    return 0;
}

static const char *want_text(const struct target_limit *l, struct vn_arena *a)
{
    if (!l->one_of)
        return l->v[0] == l->v[1] ? vn_arena_fmt(a, "%.0f", l->v[0])
                                  : vn_arena_fmt(a, "%.0f to %.0f", l->v[0], l->v[1]);
    const char *s = "";
    for (int i = 0; i < l->one_of; i++)
        s = vn_arena_fmt(a, "%s%s%.0f", s, !i ? "" : i + 1 < l->one_of ? ", " : " or ", l->v[i]);
    return s;
}

static const struct vn_reason *broken(const struct target *t, const struct node *n,
                                      const struct target_limit *l, int count, struct vn_arena *a)
{
    for (int i = 0; i < count; i++) {
        struct numbers x = { 0 };
        measures[l[i].what](n, &x);
        for (int k = 0; k < x.n; k++)
            if (!allowed(&l[i], x.v[k]))
                return vn_reason_new(a, REASON_march_limit,
                                     REASON_ARGS(t->name, n->op->onnx, vn_limit_names[l[i].what],
                                                 vn_arena_fmt(a, "%.0f", x.v[k]), want_text(&l[i], a)));
    }
    return NULL;
}

const struct vn_reason *vn_limits_reason(const struct target *t, const struct node *n, struct vn_arena *a)
{
    const struct target_op *op = vn_target_op(t, n->op->onnx);
    if (!n->n_in || !n->in[0])
        return NULL;
    if (!op && !t->all_ops)
        return vn_reason_new(a, REASON_march_operator, REASON_ARGS(t->name, n->op->onnx));
    if (op && !op->int8)
        return vn_reason_new(a, REASON_march_int16, REASON_ARGS(t->name, n->op->onnx));
    const struct vn_reason *why = op ? broken(t, n, op->limits, op->n_limits, a) : NULL;
    return why ? why : broken(t, n, t->limits, t->n_limits, a);
}
