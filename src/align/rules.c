/* What a stage may do, applied: geometry, channels, values. */
#include "align/rules.h"

#include <math.h>

static const char *layout_of(const struct vn_shape *s, int64_t *h, int64_t *w, int64_t *c)
{
    const int batch = s->rank == 4;
    const int64_t *d = s->d + batch;
    if (s->rank < 2 || s->rank > 4 || (batch && s->d[0] != 1))
        return NULL;
    if (s->rank == 2) {
        *h = d[0];
        *w = d[1];
        *c = 1;
        return "HW";
    }
    if (d[0] < 1 || d[1] < 1 || d[2] < 1)
        return NULL;
    const int last = d[2] <= VN_MAX_CHANNELS && d[0] > VN_MAX_CHANNELS,
              first = d[0] <= VN_MAX_CHANNELS && d[2] > VN_MAX_CHANNELS;
    if (!last && !first)
        return NULL;
    *c = d[last ? 2 : 0];
    *h = d[last ? 0 : 1];
    *w = d[last ? 1 : 2];
    return last ? batch ? "NHWC" : "HWC" : batch ? "NCHW" : "CHW";
}

/* Largest difference that counts as none. */
static double rounding_of(const struct grid *g)
{
    double top = 0;
    if (!vn_dtype_is_float(g->t->dtype))
        return 0;
    for (size_t i = 0, n = vn_picture_values(&g->p); i < n; i++)
        top = fmax(top, fabs(g->p.f32[i]));
    return top * 4e-6;
}

/* Pixels of another type, or channels first. */
static void copy_pixels(struct grid *g, int first)
{
    const size_t n = (size_t)g->p.w * g->p.h, c = (size_t)g->p.c;
    const uint8_t *bytes = g->t->data;
    const float *floats = g->t->data;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c; k++) {
            const size_t from = first ? k * n + i : i * c + k;
            if (g->t->dtype == VN_U8)
                g->p.data[i * c + k] = bytes[from];
            else
                g->p.f32[i * c + k] =
                    g->t->dtype == VN_F32 ? floats[from] : (float)vn_tensor_f64(g->t, (int64_t)from);
        }
}

void vn_grid_of(struct grid *g, struct vn_arena *a, const struct vn_tensor *t)
{
    int64_t h, w, c;
    struct vn_err e;
    *g = (struct grid){ .t = t, .layout = layout_of(&t->shape, &h, &w, &c) };
    if (!g->layout)
        return;
    const int first = strchr(g->layout, 'C') && g->layout[strlen(g->layout) - 1] != 'C';
    const enum vn_pixel_type type = t->dtype == VN_U8 ? VN_PIXEL_U8 : VN_PIXEL_F32;
    if (!first && (t->dtype == VN_U8 || t->dtype == VN_F32) && w * h <= VN_MAX_PIXELS && w * h > 0) {
        g->p = (struct vn_picture){ .w = (int)w, .h = (int)h, .c = (int)c, .data = t->data, .type = type };
    } else if (vn_picture_new(&g->p, a, (int)w, (int)h, (int)c, type, &e) < 0) {
        g->layout = NULL;
        return;
    } else {
        copy_pixels(g, first);
    }
    g->rounding = rounding_of(g);
}

/* ---- geometry ---- */

static int inner_size(int *w, int *h, const struct vn_picture *in, const struct stage_rule *r, int target_w,
                      int target_h)
{
    struct vn_err e;
    const int arg[2] = { target_w, target_h };
    return vn_size_apply(w, h, vn_size_rule_find(r->size_rule), in->w, in->h, arg, 2, &e) == VN_OK &&
           *w <= target_w && *h <= target_h;
}

int vn_rule_inside(struct inside *o, const struct stage_rule *r, int in_w, int in_h, int w, int h)
{
    struct vn_err e;
    const int side = in_w < in_h ? in_w : in_h;
    if (r->geometry == GEO_RESIZE_CROP) {
        if (vn_size_apply(&o->w, &o->h, vn_size_rule_find(r->size_rule), in_w, in_h, r->number, r->numbers,
                          &e) < 0)
            return 0;
        o->x = vn_crop_begin(o->w, w, r->rounding);
        o->y = vn_crop_begin(o->h, h, r->rounding);
        return o->w >= w && o->h >= h;
    }
    o->w = r->fraction ? (int)(in_w * r->fraction) : side;
    o->h = r->fraction ? (int)(in_h * r->fraction) : side;
    o->x = vn_crop_begin(in_w, o->w, r->rounding);
    o->y = vn_crop_begin(in_h, o->h, r->rounding);
    return o->w > 0 && o->h > 0;
}

/* Out(x, y) = in(x + dx, y + dy); what is not there stays, and is not compared. */
static int shift(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int dx, int dy)
{
    const size_t n = vn_pixel_size(in->type) * (size_t)in->c;
    struct vn_err e;
    const struct vn_picture from = *in;
    if (vn_picture_new(out, a, from.w, from.h, from.c, from.type, &e) < 0)
        return 0;
    for (int y = 0; y < from.h; y++)
        for (int x = 0; x < from.w; x++)
            if (x + dx >= 0 && x + dx < from.w && y + dy >= 0 && y + dy < from.h)
                memcpy(out->data + ((size_t)y * from.w + x) * n,
                       from.data + ((size_t)(y + dy) * from.w + (x + dx)) * n, n);
    return 1;
}

int vn_rule_geometry(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     const struct stage_rule *r, int w, int h)
{
    struct vn_err e;
    struct vn_picture p = *in;
    struct inside in_it;
    int iw = w, ih = h;
    if (r->as_float && vn_picture_cast(&p, a, &p, VN_PIXEL_F32, &e) < 0)
        return 0;
    *out = p;
    switch (r->geometry) {
    case GEO_SAME: return 1;
    case GEO_EXCHANGED:
    case GEO_ORIENTED:
        return vn_orient(out, a, &p, r->geometry == GEO_EXCHANGED ? 5 : r->orientation, &e) == VN_OK;
    case GEO_CROP:
        return vn_crop(out, a, &p, (r->absolute ? 0 : vn_crop_begin(p.w, w, r->rounding)) + r->dx,
                       (r->absolute ? 0 : vn_crop_begin(p.h, h, r->rounding)) + r->dy, w, h, &e) == VN_OK;
    case GEO_PAD: return vn_pad_to(out, a, &p, w, h, r->position, r->pad, &e) == VN_OK;
    case GEO_RESIZE: return vn_resize(out, a, &p, r->rule, w, h, &e) == VN_OK;
    case GEO_LETTERBOX:
        return inner_size(&iw, &ih, in, r, w, h) && vn_resize(out, a, &p, r->rule, iw, ih, &e) == VN_OK &&
               vn_pad_to(out, a, out, w, h, r->position, r->pad, &e) == VN_OK;
    case GEO_RESIZE_CROP:
        return vn_rule_inside(&in_it, r, p.w, p.h, w, h) &&
               vn_resize(out, a, &p, r->rule, in_it.w, in_it.h, &e) == VN_OK &&
               vn_crop(out, a, out, in_it.x, in_it.y, w, h, &e) == VN_OK;
    case GEO_CROP_RESIZE:
        return vn_rule_inside(&in_it, r, p.w, p.h, w, h) &&
               vn_crop(out, a, &p, in_it.x, in_it.y, in_it.w, in_it.h, &e) == VN_OK &&
               vn_resize(out, a, out, r->rule, w, h, &e) == VN_OK;
    case GEO_SHIFT: return shift(out, a, &p, r->dx, r->dy);
    }
    return 0;
}

/* ---- channels ---- */

static int reorder(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                   const int order[3])
{
    struct vn_err e;
    const struct vn_picture from = *in;
    if (from.c != 3 || vn_picture_new(out, a, from.w, from.h, 3, from.type, &e) < 0)
        return 0;
    const size_t n = vn_pixel_size(from.type);
    for (size_t i = 0, pixels = (size_t)from.w * from.h; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            memcpy(out->data + (i * 3 + c) * n, from.data + (i * 3 + (size_t)order[c]) * n, n);
    return 1;
}

int vn_rule_channels(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     const struct stage_rule *r)
{
    struct vn_err e;
    struct vn_picture p = *in;
    const int u8 = p.type == VN_PIXEL_U8;
    *out = p;
    switch (r->channels) {
    case CHAN_SAME: return 1;
    case CHAN_ORDER: return reorder(out, a, &p, r->order);
    case CHAN_GRAY: return p.c == 3 && vn_gray(out, a, &p, r->library, r->bgr, &e) == VN_OK;
    case CHAN_YUV:
    case CHAN_THROUGH_YUV:
        if (p.c != 3 || !u8 || (r->bgr && vn_swap_channels(&p, a, &p, &e) < 0))
            return 0;
        if (r->yuv_layout == VN_YUV444 && r->channels == CHAN_YUV)
            return vn_rgb_to_yuv444(out, a, &p, &r->yuv, &e) == VN_OK;
        if (vn_rgb_to_planes(out, a, &p, r->yuv_layout, &r->yuv, &e) < 0)
            return 0;
        if (r->unpacked)
            return vn_yuv_unpack(out, a, out, r->yuv_layout, r->yuv.up, &e) == VN_OK;
        return r->channels == CHAN_YUV ||
               (vn_planes_to_rgb(out, a, out, r->yuv_layout, &r->yuv, &e) == VN_OK &&
                (!r->bgr || vn_swap_channels(out, a, out, &e) == VN_OK));
    case CHAN_FROM_YUV:
        if (!u8)
            return 0;
        if (p.c == 3 ? vn_yuv444_to_rgb(out, a, &p, &r->yuv, &e) < 0
                     : p.c != 1 || p.h % 3 || vn_planes_to_rgb(out, a, &p, r->yuv_layout, &r->yuv, &e) < 0)
            return 0;
        return !r->bgr || vn_swap_channels(out, a, out, &e) == VN_OK;
    }
    return 0;
}

/* ---- values ---- */

static double limited(double x, double lo, double hi) { return x > lo ? x < hi ? x : hi : lo; }

static double value_of(const struct stage_rule *r, double v, int c)
{
    switch (r->values) {
    case VALUE_AFFINE: return v * r->gain[c] + r->offset[c];
    case VALUE_MINUS_128: return v - 128;
    case VALUE_WRAP_INT8: return v >= 128 ? v - 256 : v;
    case VALUE_TRUNCATED: return trunc(limited(v * r->gain[c], -1e9, 1e9));
    case VALUE_ROUNDED: return rint(limited(v * r->gain[c], 0, 255));
    case VALUE_WRAP_UINT8: return (double)(uint8_t)(int64_t)limited(v * r->gain[c], -1e9, 1e9);
    case VALUE_TO_VIDEO: return rint(v * 219 / 255 + 16);
    case VALUE_TO_FULL: return rint(limited((v - 16) * 255 / 219, 0, 255));
    default: return v;
    }
}

static inline double at(const struct vn_picture *p, size_t i)
{
    return p->type == VN_PIXEL_U8 ? p->data[i] : p->f32[i];
}

#define SOME 61 /* places of a quick look */

/* Compares at every step-th pixel; of p the channels in this order. With `first` until something differs. */
static double compare_values(int64_t *different, const struct vn_picture *p, const int order[3],
                             const struct grid *y, const struct stage_rule *r, size_t step, int first)
{
    const struct vn_picture *q = &y->p;
    const double limit = y->rounding;
    const size_t n = (size_t)q->w * q->h;
    double top = 0;
    *different = p->w != q->w || p->h != q->h || p->c != q->c;
    if (*different)
        return INFINITY;
    const int dx = r->geometry == GEO_SHIFT ? r->dx : 0, dy = r->geometry == GEO_SHIFT ? r->dy : 0;
    for (size_t i = 0; i < n; i += step) {
        const int x = (int)(i % (size_t)q->w) + dx, row = (int)(i / (size_t)q->w) + dy;
        if (x < 0 || x >= q->w || row < 0 || row >= q->h)
            continue;
        for (int c = 0; c < q->c; c++) {
            const double d = fabs(value_of(r, at(p, i * (size_t)q->c + (size_t)(order ? order[c] : c)), c) -
                                  at(q, i * (size_t)q->c + (size_t)c));
            *different += !(d <= limit);
            top = d <= top ? top : d; /* NaN stays */
        }
        if (first && *different)
            return top;
    }
    return top <= limit ? 0 : top;
}

static size_t some_of(const struct grid *y)
{
    const size_t n = (size_t)y->p.w * y->p.h;
    return n > SOME ? n / SOME : 1;
}

double vn_rule_values(int64_t *different, const struct vn_picture *p, const struct grid *y,
                      const struct stage_rule *r)
{
    return compare_values(different, p, NULL, y, r, 1, 0);
}

int vn_rule_possible(const struct vn_picture *p, const int order[3], const struct grid *y,
                     const struct stage_rule *r)
{
    int64_t different;
    compare_values(&different, p, order, y, r, some_of(y), 1);
    return !different;
}

/* Least squares over every step-th pixel: channel c of q from channel k of p. */
static void fit_channel(double *gain, double *offset, const struct vn_picture *p, int k,
                        const struct vn_picture *q, int c, size_t step)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    const size_t pixels = (size_t)q->w * q->h;
    for (size_t i = 0; i < pixels; i += step) {
        const double x = at(p, i * (size_t)p->c + (size_t)k), y = at(q, i * (size_t)q->c + (size_t)c);
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    const double d = n * sxx - sx * sx;
    *gain = d > 1e-9 * n * n ? (n * sxy - sx * sy) / d : 1;
    *offset = (sy - *gain * sx) / n;
}

int vn_line_possible(const struct vn_picture *p, const struct grid *y, const int order[3])
{
    const size_t pixels = (size_t)y->p.w * y->p.h, step = some_of(y);
    if (p->w != y->p.w || p->h != y->p.h || p->c != y->p.c || !pixels)
        return 0;
    for (int c = 0; c < p->c; c++) {
        const int k = order ? order[c] : c;
        double gain, offset;
        fit_channel(&gain, &offset, p, k, &y->p, c, step);
        for (size_t i = 0; i < pixels; i += step)
            if (fabs(at(p, i * (size_t)p->c + (size_t)k) * gain + offset -
                     at(&y->p, i * (size_t)p->c + (size_t)c)) > 100 * y->rounding)
                return 0;
    }
    return 1;
}

/* ---- the numbers that people write ---- */

static int close_to(double x, double y, double tolerance)
{
    return fabs(x - y) <= tolerance * fmax(fabs(y), 1);
}

static double rounded(double x, double steps) { return rint(x * steps) / steps; }

/* 1 / 255, 1 / 127.5, 1 / (255 * 0.229); else few digits. */
static double written_gain(double g)
{
    const double inverse = 1 / g, half = rounded(inverse, 2), std = rounded(inverse / 255, 1000);
    if (fabs(half) >= 1 && close_to(inverse, half, 1e-5))
        return 1 / half;
    if (std != 0 && close_to(inverse, 255 * std, 1e-5))
        return 1 / (255 * std);
    return rounded(g, 1e6);
}

/* 0, 127.5, 255 * 0.485; else few digits. */
static double written_mean(double m)
{
    const double half = rounded(m, 2), unit = 255 * rounded(m / 255, 1000);
    return close_to(m, half, 1e-3) ? half : close_to(m, unit, 1e-4) ? unit : rounded(m, 1e4);
}

/* Takes them where they leave no difference either. */
static void write_line(struct stage_rule *r, const struct vn_picture *p, const struct grid *y)
{
    struct stage_rule w = *r;
    for (int c = 0; c < VN_MAX_CHANNELS; c++) {
        if (!(fabs(r->gain[c]) > 1e-12))
            return;
        w.gain[c] = written_gain(r->gain[c]);
        w.offset[c] = -written_mean(-r->offset[c] / r->gain[c]) * w.gain[c];
        if (!(fabs(w.gain[c]) > 1e-12))
            return;
    }
    w.left = vn_rule_values(&w.left_count, p, y, &w);
    if (!w.left_count && w.left <= fmax(r->left, y->rounding))
        *r = w;
}

int vn_fit_line(struct stage_rule *r, const struct vn_picture *p, const struct grid *y)
{
    if (p->c > VN_MAX_CHANNELS || !vn_line_possible(p, y, NULL))
        return 0;
    r->values = VALUE_AFFINE;
    for (int c = 0; c < p->c; c++)
        fit_channel(&r->gain[c], &r->offset[c], p, c, &y->p, c, 1);
    for (int c = p->c; c < VN_MAX_CHANNELS; c++) {
        r->gain[c] = r->gain[0];
        r->offset[c] = r->offset[0];
    }
    r->left = vn_rule_values(&r->left_count, p, y, r);
    if (!r->left_count)
        write_line(r, p, y);
    return !r->left_count;
}

/* 1/255 where that is what it is. */
const char *vn_rule_number(struct vn_arena *a, double x)
{
    const double inverse = fabs(x) < 1 && x != 0 ? rounded(1 / x, 2) : 0;
    return inverse && close_to(x * inverse, 1, 1e-12) ? vn_arena_fmt(a, "1/%g", inverse)
                                                      : vn_arena_fmt(a, "%.7g", x + 0.0);
}

/* ---- bytes ---- */

/* y as the bytes that were taken for pixels. */
static int as_bytes(const struct grid *y, const uint8_t **b, size_t *n, struct vn_arena *a)
{
    const struct vn_tensor *t = y->t;
    *n = vn_tensor_bytes(t);
    *b = t->data;
    if (t->dtype != VN_F32)
        return 1;
    const int64_t count = vn_shape_count(&t->shape);
    uint8_t *to = NEW_ARRAY(a, uint8_t, count);
    for (int64_t i = 0; i < count; i++) {
        const double v = vn_tensor_f64(t, i);
        if (!(v >= 0 && v <= 255 && v == floor(v)))
            return 1; /* its own bytes */
        to[i] = (uint8_t)v;
    }
    *b = to;
    *n = (size_t)count;
    return 1;
}

static int bytes_hold(const struct stage_rule *r, struct vn_arena *a, const struct grid *x,
                      const struct grid *y)
{
    const uint8_t *b, *s = x->t->data;
    size_t n, m = vn_tensor_bytes(x->t), head = 0;
    as_bytes(y, &b, &n, a);
    if (r->values == VALUE_HEADER) {
        if (n < 11 || memcmp(b, "\x93NUMPY", 6))
            return 0;
        head = 10 + (size_t)b[8] + 256 * (size_t)b[9];
    }
    return n > head && n - head <= m && !memcmp(b + head, s, n - head);
}

int vn_rule_holds(struct stage_rule *r, struct vn_arena *a, const struct grid *x, const struct grid *y)
{
    struct vn_picture p;
    if (r->values == VALUE_BYTES || r->values == VALUE_HEADER)
        return bytes_hold(r, a, x, y);
    if (!x->layout || !y->layout)
        return 0;
    int w = y->p.w, h = y->p.h;
    if (r->channels == CHAN_YUV && r->yuv_layout != VN_YUV444 && !r->unpacked)
        h = h / 3 * 2;
    if (r->channels == CHAN_FROM_YUV && x->p.c == 1)
        h = h / 2 * 3;
    if (!vn_rule_geometry(&p, a, &x->p, r, w, h) || !vn_rule_channels(&p, a, &p, r))
        return 0;
    r->left = vn_rule_values(&r->left_count, &p, y, r);
    return !r->left_count;
}
