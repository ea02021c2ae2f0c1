/* PriorBox: the default boxes of a map of features; they depend on sizes only, so they are a constant. */
#include <math.h>

#include "front/caffe/layer.h"

struct params {
    struct text_floats min_size, max_size, ratio, variance;
    int64_t flip, clip, size, size_h, size_w;
    double step, step_h, step_w, offset;
};
static const struct text_field fields[] = {
    T_FLOATS(struct params, min_size, "min_size"),
    T_FLOATS(struct params, max_size, "max_size"),
    T_FLOATS(struct params, ratio, "aspect_ratio"),
    T_BOOL(struct params, flip, "flip", 1),
    T_BOOL(struct params, clip, "clip", 0),
    T_FLOATS(struct params, variance, "variance"),
    T_INT(struct params, size, "img_size", 0, 1, 65536),
    T_INT(struct params, size_h, "img_h", 0, 1, 65536),
    T_INT(struct params, size_w, "img_w", 0, 1, 65536),
    T_FLOAT(struct params, step, "step", 0),
    T_FLOAT(struct params, step_h, "step_h", 0),
    T_FLOAT(struct params, step_w, "step_w", 0),
    T_FLOAT(struct params, offset, "offset", 0.5),
    T_END,
};
static const struct text_message params = { sizeof(struct params), fields };

#define MAX_BOXES 64 /* at one place */
#define MAX_ALL (1 << 22)

struct boxes {
    double w[MAX_BOXES], h[MAX_BOXES];
    int n;
};

static void add_box(struct caffe_builder *b, struct boxes *x, double w, double h)
{
    if (x->n == MAX_BOXES) {
        vn_caffe_fail(b, VN_E_UNSUPPORTED, "more than %d boxes per location", MAX_BOXES);
        return;
    }
    x->w[x->n] = w;
    x->h[x->n++] = h;
}

/* 1 and all different ratios, each with its inverse where flipped. */
static int list_ratios(struct caffe_builder *b, const struct params *p, double *ratio)
{
    int n = 1;
    ratio[0] = 1;
    for (int i = 0; i < p->ratio.n; i++) {
        const double r = p->ratio.v[i];
        int there = 0;
        for (int k = 0; k < n; k++)
            there |= fabs(ratio[k] - r) < 1e-6;
        if (there)
            continue;
        if (r <= 0 || n + 2 > MAX_BOXES) {
            vn_caffe_fail(b, VN_E_INPUT,
                          "aspect_ratio %g: expected a positive number, and at most %d of them", r,
                          MAX_BOXES / 2);
            return n;
        }
        ratio[n++] = r;
        if (p->flip)
            ratio[n++] = 1 / r;
    }
    return n;
}

/* For each size: a square, one of the geometric mean of both sizes, then the other ratios. */
static void list_boxes(struct caffe_builder *b, const struct params *p, struct boxes *x)
{
    double ratio[MAX_BOXES];
    const int ratios = list_ratios(b, p, ratio);
    for (int i = 0; i < p->min_size.n && !b->failed; i++) {
        const double s = p->min_size.v[i];
        add_box(b, x, s, s);
        if (p->max_size.n)
            add_box(b, x, sqrt(s * p->max_size.v[i]), sqrt(s * p->max_size.v[i]));
        for (int k = 1; k < ratios && !b->failed; k++)
            add_box(b, x, s * sqrt(ratio[k]), s / sqrt(ratio[k]));
    }
}

static void check(struct caffe_builder *b, const struct params *p)
{
    if (!p->min_size.n)
        vn_caffe_fail(b, VN_E_INPUT, "min_size is missing");
    if (p->max_size.n && p->max_size.n != p->min_size.n)
        vn_caffe_fail(b, VN_E_INPUT, "max_size is given %d times, min_size %d times", p->max_size.n,
                      p->min_size.n);
    for (int i = 0; i < p->min_size.n; i++)
        if (p->min_size.v[i] <= 0 || (p->max_size.n && p->max_size.v[i] <= p->min_size.v[i]))
            vn_caffe_fail(b, VN_E_INPUT, "min_size and max_size: expected 0 < min_size < max_size");
    if (p->variance.n > 1 && p->variance.n != 4)
        vn_caffe_fail(b, VN_E_INPUT, "variance is given %d times, expected 1 or 4 times", p->variance.n);
}

static float clipped(double x, int64_t clip) { return (float)(clip ? (x < 0 ? 0 : x > 1 ? 1 : x) : x); }

static void fill(float *y, const struct params *p, const struct boxes *x, const int64_t *map,
                 const double *step, const double *image)
{
    for (int64_t i = 0; i < map[0]; i++)
        for (int64_t j = 0; j < map[1]; j++)
            for (int k = 0; k < x->n; k++, y += 4) {
                const double cx = ((double)j + p->offset) * step[1], cy = ((double)i + p->offset) * step[0];
                y[0] = clipped((cx - x->w[k] / 2) / image[1], p->clip);
                y[1] = clipped((cy - x->h[k] / 2) / image[0], p->clip);
                y[2] = clipped((cx + x->w[k] / 2) / image[1], p->clip);
                y[3] = clipped((cy + x->h[k] / 2) / image[0], p->clip);
            }
}

/* Top: 1 x 2 x 4 * boxes, corners in the first row, variances in the second. */
static void build(struct caffe_builder *b)
{
    const struct params *p = b->params;
    struct boxes x = { .n = 0 };
    if (!vn_caffe_want_rank(b, 0, 4) || !vn_caffe_want_rank(b, 1, 4))
        return;
    check(b, p);
    list_boxes(b, p, &x);
    const int64_t map[] = { vn_caffe_dim(b, 0, 2), vn_caffe_dim(b, 0, 3) },
                  size[] = { p->size_h ? p->size_h : p->size, p->size_w ? p->size_w : p->size };
    double image[2], step[2] = { p->step_h > 0 ? p->step_h : p->step, p->step_w > 0 ? p->step_w : p->step };
    for (int i = 0; i < 2; i++) {
        image[i] = (double)(size[i] ? size[i] : vn_caffe_dim(b, 1, 2 + i));
        step[i] = step[i] > 0 ? step[i] : image[i] / (double)map[i];
        if (map[i] < 1 || map[i] > 4096 || image[i] < 1)
            vn_caffe_fail(b, VN_E_INPUT, "a map of %lld x %lld locations", (long long)map[0],
                          (long long)map[1]);
    }
    const int64_t n = map[0] * map[1] * x.n;
    if (!b->failed && n > MAX_ALL)
        vn_caffe_fail(b, VN_E_UNSUPPORTED, "%lld boxes, expected at most %d", (long long)n, MAX_ALL);
    if (b->failed)
        return;
    struct vn_tensor *t = vn_tensor_new(b->g->arena, VN_F32, &(struct vn_shape){ 3, { 1, 2, 4 * n } });
    float *y = t->data;
    fill(y, p, &x, map, step, image);
    for (int64_t i = 0; i < 4 * n; i++)
        y[4 * n + i] = !p->variance.n ? 0.1f : (float)p->variance.v[p->variance.n > 1 ? i % 4 : 0];
    vn_caffe_top(b, 0, vn_caffe_constant(b, "boxes", t));
}

const struct caffe_layer vn_caffe_priorbox = { .type = "PriorBox",
                                               .onnx = "a constant",
                                               .param = "prior_box_param",
                                               .params = &params,
                                               .min_bottom = 2,
                                               .max_bottom = 2,
                                               .build = build };
