/* ops/resize.c - nearest, linear and cubic resampling. Each axis is resampled by itself: an output
 * position has a few taps of (input index, weight); linear and cubic results are products over the axes. */
#include <float.h>
#include <math.h>

#include "num/num.h"
#include "ops/portable_op.h"

enum { HALF_PIXEL, HALF_PIXEL_SYMMETRIC, PYTORCH_HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC, TF_CROP_AND_RESIZE };
enum { NEAREST, LINEAR, CUBIC };
enum { ROUND_PREFER_FLOOR, ROUND_PREFER_CEIL, FLOOR, CEIL };
enum { STRETCH, NOT_LARGER, NOT_SMALLER };
static const char *const transforms[] = { "half_pixel",
                                          "half_pixel_symmetric",
                                          "pytorch_half_pixel",
                                          "align_corners",
                                          "asymmetric",
                                          "tf_crop_and_resize",
                                          NULL };
static const char *const modes[] = { "nearest", "linear", "cubic", NULL };
static const char *const roundings[] = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL };
static const char *const policies[] = { "stretch", "not_larger", "not_smaller", NULL };

struct attrs {
    int64_t antialias, exclude_outside;
    struct ints axes;
    int transform, mode, nearest, policy;
    float cubic_a, extrapolation;
};
static const struct attr_spec specs[] = {
    A_INT(struct attrs, antialias, "antialias", 0, 0, 1),
    A_INTS(struct attrs, axes, "axes", -VN_MAX_RANK, VN_MAX_RANK - 1),
    A_ENUM(struct attrs, transform, "coordinate_transformation_mode", HALF_PIXEL, transforms),
    A_FLOAT(struct attrs, cubic_a, "cubic_coeff_a", -0.75),
    A_INT(struct attrs, exclude_outside, "exclude_outside", 0, 0, 1),
    A_FLOAT(struct attrs, extrapolation, "extrapolation_value", 0),
    A_ENUM(struct attrs, policy, "keep_aspect_ratio_policy", STRETCH, policies),
    A_ENUM(struct attrs, mode, "mode", NEAREST, modes),
    A_ENUM(struct attrs, nearest, "nearest_mode", ROUND_PREFER_FLOOR, roundings),
    A_END,
};
enum { ROI = 1, SCALES = 2, SIZES = 3 };

/* How one axis is resampled. */
struct axis {
    int64_t in, out;
    double scale, start, end; /* start, end: region of interest */
};

/* Constant floats of an optional input; an empty tensor counts as left out. */
static int numbers(const struct node *n, int i, const char *what, double *v, int want, int *there,
                   struct vn_err *e)
{
    *there = vn_node_has(n, i) && vn_shape_count(&n->in[i]->shape) > 0;
    if (!*there)
        return VN_OK;
    if (!n->in[i]->data)
        return NODE_COMPUTED(n, e, "%s (%s) is computed at run time, expected a constant; simplify the model",
                             what, n->in[i]->name);
    if (vn_shape_count(&n->in[i]->shape) != want)
        return vn_node_fail(n, e, VN_E_INPUT, "%s has %lld entries, expected %d", what,
                            (long long)vn_shape_count(&n->in[i]->shape), want);
    for (int k = 0; k < want; k++)
        v[k] = vn_tensor_f64(n->in[i]->data, k);
    return VN_OK;
}

/* The axes that are resampled, in the order of the inputs' entries. */
static int chosen_axes(const struct node *n, int *axes, int *count, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape;
    uint32_t seen = 0;
    *count = a->axes.n ? a->axes.n : x->rank;
    for (int i = 0; i < *count; i++) {
        axes[i] = a->axes.n ? vn_shape_axis(x, a->axes.v[i]) : i;
        if (*count > x->rank || axes[i] < 0 || seen >> axes[i] & 1)
            return vn_node_fail(n, e, VN_E_INPUT, "axes are out of range or duplicates");
        seen |= 1u << axes[i];
    }
    return VN_OK;
}

/* Scales that give the wanted sizes while keeping the aspect ratio. */
static void keep_aspect(struct axis *ax, const int *axes, int count, double *sizes, int policy)
{
    double scale = policy == NOT_LARGER ? INFINITY : 0;
    for (int i = 0; i < count; i++) {
        double s = sizes[i] / (double)ax[axes[i]].in;
        scale = policy == NOT_LARGER ? fmin(scale, s) : fmax(scale, s);
    }
    for (int i = 0; i < count; i++) {
        ax[axes[i]].scale = scale;
        sizes[i] = floor(scale * (double)ax[axes[i]].in + 0.5);
    }
}

static int plan(const struct node *n, struct axis *ax, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape;
    int axes[VN_MAX_RANK], count, has_roi, has_scales, has_sizes;
    double roi[2 * VN_MAX_RANK], scales[VN_MAX_RANK], sizes[VN_MAX_RANK];
    TRY(chosen_axes(n, axes, &count, e));
    for (int d = 0; d < x->rank; d++)
        ax[d] = (struct axis){ x->d[d], x->d[d], 1, 0, 1 };
    TRY(numbers(n, SCALES, "scales", scales, count, &has_scales, e));
    TRY(numbers(n, SIZES, "sizes", sizes, count, &has_sizes, e));
    has_roi = 0;
    if (a->transform == TF_CROP_AND_RESIZE)
        TRY(numbers(n, ROI, "roi", roi, 2 * count, &has_roi, e));
    if (has_scales == has_sizes)
        return vn_node_fail(n, e, VN_E_INPUT, "Resize requires either scales or sizes");
    for (int i = 0; i < count; i++) {
        struct axis *t = &ax[axes[i]];
        double given = has_scales ? scales[i] : sizes[i];
        if (!(given > 0) || !(given <= INT32_MAX) || (t->in == 0 && has_sizes))
            return vn_node_fail(n, e, VN_E_INPUT, "the scale or size of axis %d is %g", axes[i], given);
        if (has_roi)
            t->start = roi[i], t->end = roi[i + count];
        t->scale = has_scales ? given : given / (double)t->in;
    }
    if (has_sizes && a->policy != STRETCH)
        keep_aspect(ax, axes, count, sizes, a->policy);
    for (int i = 0; i < count; i++) {
        struct axis *t = &ax[axes[i]];
        double span = a->transform == TF_CROP_AND_RESIZE && has_scales ? t->end - t->start : 1;
        double out = has_scales ? floor((double)t->in * span * t->scale) : sizes[i];
        if (!(out >= 0 && out <= INT32_MAX))
            return vn_node_fail(n, e, VN_E_INPUT, "axis %d would have %g elements", axes[i], out);
        t->out = (int64_t)out;
    }
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct axis ax[VN_MAX_RANK];
    TRY(vn_infer_begin(n, e));
    if (a->mode != NEAREST)
        TRY(vn_infer_float(n, 0, e));
    TRY(plan(n, ax, e));
    struct vn_shape s = n->in[0]->shape;
    for (int d = 0; d < s.rank; d++)
        s.d[d] = ax[d].out;
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Position in the input of output position i. */
static double position(const struct attrs *a, const struct axis *t, int64_t i)
{
    double length = t->scale * (double)t->in, last = (double)(t->in - 1), x = (double)i;
    switch (a->transform) {
    case ALIGN_CORNERS: return length == 1 ? 0 : x * last / (length - 1);
    case ASYMMETRIC: return x / t->scale;
    case PYTORCH_HALF_PIXEL: return length <= 1 ? 0 : (x + 0.5) / t->scale - 0.5;
    case TF_CROP_AND_RESIZE:
        return t->out > 1 ? t->start * last + x * (t->end - t->start) * last / (double)(t->out - 1)
                          : 0.5 * (t->start + t->end) * last;
    case HALF_PIXEL_SYMMETRIC: {
        double shift = (double)t->in / 2 * (1 - (double)t->out / length);
        return shift + (x + 0.5) / t->scale - 0.5;
    }
    default: return (x + 0.5) / t->scale - 0.5;
    }
}

static double rounded(int mode, double x)
{
    switch (mode) {
    case FLOOR: return floor(x);
    case CEIL: return ceil(x);
    case ROUND_PREFER_CEIL: return floor(x + 0.5);
    default: return ceil(x - 0.5);
    }
}

static double cubic(double x, double a)
{
    x = fabs(x);
    return x <= 1  ? ((a + 2) * x - (a + 3)) * x * x + 1
           : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
                   : 0;
}

/* Taps of one output position. */
struct taps {
    int n, outside; /* outside: the extrapolation value instead */
    int64_t *at;
    double *w;
};

static int64_t clamp_index(double x, int64_t in)
{
    return x > 0 ? x < (double)(in - 1) ? (int64_t)x : in - 1 : 0;
}

/* An axis that keeps its elements. */
static int is_kept(const struct attrs *a, const struct axis *t)
{
    return t->in == t->out && t->scale == 1 && a->transform != TF_CROP_AND_RESIZE;
}

/* How much the filter is stretched so that it covers what it skips. */
static double filter_scale(const struct attrs *a, const struct axis *t)
{
    return a->antialias && t->scale < 1 ? t->scale : 1;
}

/* Most taps that a position of this axis can have. */
static int tap_count(const struct attrs *a, const struct axis *t)
{
    const int reach = a->mode == LINEAR ? 1 : 2;
    return is_kept(a, t) || a->mode == NEAREST ? 1 : 2 * (int)ceil(reach / filter_scale(a, t));
}

static void fill_taps(struct taps *p, const struct attrs *a, const struct axis *t, int64_t i)
{
    p->w[0] = 1;
    p->at[0] = i;
    if (is_kept(a, t))
        return;
    const double x = position(a, t, i), scale = filter_scale(a, t), base = ceil(x) - 1;
    double sum = 0;
    p->outside = a->transform == TF_CROP_AND_RESIZE && (x < 0 || x > (double)(t->in - 1));
    if (a->mode == NEAREST) {
        p->at[0] = clamp_index(rounded(a->nearest, x), t->in);
        return;
    }
    for (int k = 0; k < p->n; k++) {
        const double at = base + k - (p->n / 2 - 1), distance = fabs(x - at) * scale;
        p->w[k] = a->mode == LINEAR ? (distance < 1 ? 1 - distance : 0) : cubic(distance, a->cubic_a);
        if (a->exclude_outside && (at < 0 || at > (double)(t->in - 1)))
            p->w[k] = 0;
        p->at[k] = clamp_index(at, t->in);
        sum += p->w[k];
    }
    for (int k = 0; (a->exclude_outside || scale < 1) && sum != 0 && k < p->n; k++)
        p->w[k] /= sum;
}

static int weight_bits(const struct node *n)
{
    return vn_node_is_wide(n) ? VN_RESIZE16_BITS : VN_RESIZE_BITS;
}

/* Weights in units of 2^-bits; those of a linear pair add up to 1. */
static void whole_weights(const struct taps *t, int bits, int32_t q[2])
{
    q[1] = t->n > 1 ? (int32_t)rint(t->w[1] * (1 << bits)) : 0;
    q[0] = (1 << bits) - q[1];
}

static struct taps **all_taps(struct vn_arena *arena, const struct node *n, const struct axis *ax)
{
    struct taps **t = NEW_ARRAY(arena, struct taps *, VN_MAX_RANK);
    for (int d = 0; d < n->in[0]->shape.rank; d++) {
        const int most = tap_count(n->attrs, &ax[d]);
        t[d] = NEW_ARRAY(arena, struct taps, ax[d].out);
        int64_t *at = NEW_ARRAY(arena, int64_t, ax[d].out * most);
        double *w = NEW_ARRAY(arena, double, ax[d].out *most);
        for (int64_t i = 0; i < ax[d].out; i++) {
            t[d][i] = (struct taps){ most, 0, at + i * most, w + i * most };
            fill_taps(&t[d][i], n->attrs, &ax[d], i);
        }
    }
    return t;
}

/* One output element: the sum over all combinations of taps. */
static double blend(const double *x, const int64_t *own, struct taps *const *t, const int64_t *idx, int rank)
{
    struct vn_shape combos = { .rank = rank };
    for (int d = 0; d < rank; d++)
        combos.d[d] = t[d][idx[d]].n;
    int64_t k[VN_MAX_RANK] = { 0 };
    double sum = 0;
    do {
        double w = 1;
        int64_t at = 0;
        for (int d = 0; d < rank; d++) {
            w *= t[d][idx[d]].w[k[d]];
            at += t[d][idx[d]].at[k[d]] * own[d];
        }
        if (w != 0)
            sum += w * x[at];
    } while (vn_index_next(k, &combos));
    return sum;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *y = &ev->out[0]->shape;
    struct axis ax[VN_MAX_RANK];
    int64_t own[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 }, count = vn_shape_count(y);
    TRY(plan(n, ax, e));
    struct taps **t = all_taps(ev->arena, n, ax);
    vn_shape_strides(&ev->in[0]->shape, own);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, y)) {
        int outside = 0;
        int64_t at = 0;
        for (int d = 0; d < y->rank; d++) {
            outside |= t[d][idx[d]].outside;
            at += t[d][idx[d]].at[0] * own[d];
        }
        if (ev->out[0]->dtype == VN_I64) /* nearest */
            vn_i64(ev->out[0])[i] = outside && n->in[0]->q ? vn_q_one(n->in[0]->q, 0, a->extrapolation)
                                    : outside              ? (int64_t)a->extrapolation
                                                           : vn_i64(ev->in[0])[at];
        else
            vn_f64(ev->out[0])[i] = outside              ? (double)a->extrapolation
                                    : a->mode == NEAREST ? vn_f64(ev->in[0])[at]
                                                         : blend(vn_f64(ev->in[0]), own, t, idx, y->rank);
    }
    return VN_OK;
}

/* ---- integers and the runtime: images N,C,H,W or rows N,C,W whose batch and channels keep their size
 * ---- */

static int is_picture(const struct node *n, const struct axis *ax)
{
    int rank = n->in[0]->shape.rank;
    const struct attrs *a = n->attrs;
    return (rank == 3 || rank == 4) && a->transform != TF_CROP_AND_RESIZE && ax[0].in == ax[0].out &&
           ax[0].scale == 1 && ax[1].in == ax[1].out && ax[1].scale == 1;
}

static enum q_kind quant_kind(const struct node *n)
{
    const struct attrs *a = n->attrs;
    struct axis ax[VN_MAX_RANK];
    if (a->mode == NEAREST)
        return a->transform == TF_CROP_AND_RESIZE ? Q_FLOAT : Q_MOVE;
    if (a->mode != LINEAR || a->antialias || plan(n, ax, NULL) < 0 || !is_picture(n, ax))
        return Q_FLOAT;
    return Q_OWN;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct qparam *qx = n->in[0]->q, *qy = n->out[0]->q;
    const struct vn_shape *x = &ev->in[0]->shape, *y = &ev->out[0]->shape;
    const int bits = weight_bits(n);
    struct axis ax[VN_MAX_RANK];
    TRY(plan(n, ax, e));
    struct taps **t = all_taps(ev->arena, n, ax), row = { 1, 0, (int64_t[]){ 0 }, (double[]){ 1 } };
    int64_t w = x->d[x->rank - 1], h = x->rank == 4 ? x->d[2] : 1, ow = y->d[y->rank - 1],
            oh = y->rank == 4 ? y->d[2] : 1;
    for (int64_t i = 0; i < vn_shape_count(y); i++) {
        const struct taps *ty = y->rank == 4 ? &t[2][i / ow % oh] : &row, *tx = &t[y->rank - 1][i % ow];
        const int64_t *in = vn_i64(ev->in[0]) + i / (ow * oh) * h * w;
        int32_t wy[2], wx[2];
        int64_t acc = 0;
        whole_weights(ty, bits, wy);
        whole_weights(tx, bits, wx);
        for (int k = 0; k < 4; k++)
            acc += (in[ty->at[ty->n > 1 ? k / 2 : 0] * w + tx->at[tx->n > 1 ? k % 2 : 0]] - qx->zero[0]) *
                   wy[k / 2] * wx[k % 2];
        vn_i64(ev->out[0])[i] =
            vn_resize_linear(acc, bits, qx->scale[0] / qy->scale[0], qy->zero[0], vn_q_min(qy), vn_q_max(qy));
    }
    return VN_OK;
}

/* Index and weight tensors of one axis. */
static int index_const(struct lowering *l, const struct taps *t, int64_t out, int per)
{
    int32_t *v = NEW_ARRAY(l->arena, int32_t, out * per);
    for (int64_t i = 0; i < out * per; i++)
        v[i] = (int32_t)t[i / per].at[t[i / per].n > 1 ? i % per : 0];
    return vn_low_const(l, VN_I32, out * per, v);
}

static int weight_const(struct lowering *l, const struct taps *t, int64_t out)
{
    int32_t *q = NEW_ARRAY(l->arena, int32_t, 2 * out);
    float *f = NEW_ARRAY(l->arena, float, 2 * out);
    for (int64_t i = 0; i < out; i++) {
        whole_weights(&t[i], weight_bits(l->node), q + 2 * i);
        f[2 * i + 1] = t[i].n > 1 ? (float)t[i].w[1] : 0;
        f[2 * i] = t[i].n > 1 ? (float)t[i].w[0] : 1;
    }
    return l->integer ? vn_low_const(l, VN_I32, 2 * out, q) : vn_low_const(l, VN_F32, 2 * out, f);
}

static void lower_picture(const struct node *n, struct lowering *l, struct taps *const *t)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape, *y = &n->out[0]->shape;
    const struct taps row = { 1, 0, (int64_t[]){ 0 }, (double[]){ 1 } };
    int flat = x->rank == 3, linear = a->mode == LINEAR, per = linear ? 2 : 1;
    int64_t oh = flat ? 1 : y->d[2], ow = y->d[x->rank - 1];
    const struct taps *ty = flat ? &row : t[2], *tx = t[x->rank - 1];
    int in[5] = { vn_low_in(l, 0, CHANNELS_LAST), index_const(l, ty, oh, per), index_const(l, tx, ow, per),
                  -1, -1 };
    if (linear) {
        in[3] = weight_const(l, ty, oh);
        in[4] = weight_const(l, tx, ow);
    }
    struct instr_RESIZE_NEAREST *p = vn_low_emit(l, linear ? OPCODE_RESIZE_LINEAR : OPCODE_RESIZE_NEAREST,
                                                 linear ? 5 : 3, in, vn_low_out(l, CHANNELS_LAST));
    p->n = (int32_t)x->d[0], p->c = (int32_t)x->d[1]; /* both instructions have the same fields */
    p->h = flat ? 1 : (int32_t)x->d[2], p->w = (int32_t)x->d[x->rank - 1];
    p->oh = (int32_t)oh, p->ow = (int32_t)ow;
}

/* Nearest along any axes: pick elements, one axis after the other. */
static int lower_by_index(const struct node *n, struct lowering *l, const struct axis *ax,
                          struct taps *const *t, struct vn_err *e)
{
    enum layout order;
    int last = -1, rank = n->in[0]->shape.rank;
    for (int d = 0; d < rank; d++)
        last = ax[d].in != ax[d].out || ax[d].scale != 1 ? d : last;
    if (last < 0)
        return vn_low_reshape(n, l, e);
    int x = vn_low_in_any(l, 0, &order);
    for (int d = 0; d <= last; d++) {
        int64_t *index = NEW_ARRAY(l->arena, int64_t, ax[d].out);
        for (int64_t i = 0; i < ax[d].out; i++)
            index[i] = t[d][i].at[0];
        if (d == last)
            vn_low_gather(l, x, d, ax[d].out, index, vn_low_out(l, order));
        else if (ax[d].in != ax[d].out || ax[d].scale != 1)
            x = vn_low_gather(l, x, d, ax[d].out, index, -1);
    }
    return VN_OK;
}

/* One axis after the other: picked elements (nearest) or weighted sums; then the places outside of the
 * region of interest. */
static int lower_general(const struct node *n, struct lowering *l, const struct axis *ax,
                         struct taps *const *t, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct vn_shape s = n->in[0]->shape;
    const enum vn_dtype type = vn_low_cell(n->in[0]->dtype);
    int x = vn_low_in(l, 0, PLAIN);
    for (int d = 0; d < s.rank; d++) {
        const int64_t out = ax[d].out, taps = out ? t[d][0].n : 0;
        if (is_kept(a, &ax[d]))
            continue;
        int64_t *index = NEW_ARRAY(l->arena, int64_t, out * taps);
        float *weight = NEW_ARRAY(l->arena, float, out *taps);
        for (int64_t i = 0; i < out * taps; i++) {
            index[i] = t[d][i / taps].at[i % taps];
            weight[i] = (float)t[d][i / taps].w[i % taps];
        }
        s.d[d] = out;
        if (a->mode == NEAREST) {
            x = vn_low_gather(l, x, d, out, index, -1);
            continue;
        }
        const struct portable_params p = { .id = VN_PORTABLE_resize_axis, .i = { d } };
        const int in[3] = { x, vn_low_const(l, VN_I64, out * taps, index),
                            vn_low_const(l, VN_F32, out * taps, weight) };
        x = vn_low_temp(l, VN_F32, &s, PLAIN, 0, 0);
        TRY(vn_portable_emit(l, &p, 3, in, x, e));
    }
    for (int d = 0; a->transform == TF_CROP_AND_RESIZE && d < s.rank; d++) {
        const struct portable_params p = { .id = VN_PORTABLE_where };
        const struct vn_shape column = { .rank = s.rank - d, .d = { s.d[d], 1, 1, 1, 1, 1, 1, 1 } };
        const int64_t whole = (int64_t)a->extrapolation;
        int64_t *outside = NEW_ARRAY(l->arena, int64_t, s.d[d]), one = 1;
        for (int64_t i = 0; i < s.d[d]; i++)
            outside[i] = t[d][i].outside;
        int in[3] = { vn_low_temp(l, VN_I64, &column, PLAIN, 0, 0),
                      vn_low_const(l, type, 1, type == VN_F32 ? (const void *)&a->extrapolation : &whole),
                      x };
        TRY(vn_low_copy(l, vn_low_const(l, VN_I64, s.d[d], outside), in[0], 1, &s.d[d], 0, &one, 0, &one, e));
        x = vn_low_temp(l, type, &s, PLAIN, 0, 0);
        TRY(vn_portable_emit(l, &p, 3, in, x, e));
    }
    const int64_t count = vn_shape_count(&s), one = 1;
    return vn_low_copy(l, x, vn_low_out(l, PLAIN), 1, &count, 0, &one, 0, &one, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct axis ax[VN_MAX_RANK];
    TRY(plan(n, ax, e));
    struct taps **t = all_taps(l->arena, n, ax);
    const int simple =
        a->transform != TF_CROP_AND_RESIZE && (a->mode == NEAREST || (a->mode == LINEAR && !a->antialias));
    if (simple && is_picture(n, ax) && vn_dtype_is_float(n->in[0]->dtype))
        lower_picture(n, l, t);
    else if (simple && a->mode == NEAREST)
        return lower_by_index(n, l, ax, t, e);
    else
        return lower_general(n, l, ax, t, e);
    return VN_OK;
}

/* Weights and each axis are rounded; weights of cubic interpolation are negative, too. */
static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a)
{
    const int mode = ((const struct attrs *)n->attrs)->mode;
    double most = 0;
    (void)port, (void)a;
    for (int64_t i = 0, count = vn_shape_count(&in[0]->shape); i < count; i++)
        most = fmax(most, fabs(vn_f64(in[0])[i]));
    for (int64_t i = 0, count = vn_shape_count(&y->shape); i < count; i++)
        vn_f64(out)[i] = FLT_EPSILON / 2 * (mode == NEAREST ? 1 : mode == LINEAR ? 12 : 64) * most;
    return VN_OK;
}

const struct op_def vn_op_resize = {
    .name = "resize",
    .onnx = "Resize",
    .min_in = 1,
    .max_in = 4,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .out = Q_OUT_SAME, .data_inputs = 1 },
    .quant_kind = quant_kind,
    .slack = slack,
    .wants_channels_last = 1,
};
