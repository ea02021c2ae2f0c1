/* skimage.transform.resize(mode="reflect", clip=True, preserve_range=False): Gaussian filter where it shrinks
 * and antialias is on, then splines of order 0, 1 or 3 on half-pixel centres; borders mirrored without
 * repeating the edge. All in float64 and 0..1; order 0 keeps integers as they are. */
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "kernels/image/image_kernels.h"

/* out[i] = sum of weight * in[index], the same for every line along an axis */
struct taps {
    int n, out;
    int *index;
    double *weight;
};

static struct taps new_taps(struct vn_arena *a, int n, int out)
{
    return (struct taps){ n, out, NEW_ARRAY(a, int, (size_t)n *out), NEW_ARRAY(a, double, (size_t)n *out) };
}

static int mirror(int64_t i, int n)
{
    if (n == 1)
        return 0;
    const int64_t period = 2 * (int64_t)n - 2;
    i %= period;
    i = i < 0 ? i + period : i;
    return (int)(i < n ? i : period - i);
}

/* NumPy's sum: eight at a time up to 128 values, halves beyond. */
static double numpy_sum(const double *x, int n)
{
    double part[8] = { 0 }, sum = 0;
    if (n > 128)
        return numpy_sum(x, n / 2 / 8 * 8) + numpy_sum(x + n / 2 / 8 * 8, n - n / 2 / 8 * 8);
    const int eights = n / 8 * 8;
    for (int i = 0; i < eights; i++)
        part[i % 8] += x[i];
    sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    for (int i = eights; i < n; i++)
        sum += x[i];
    return sum;
}

static void spline_weights(double *w, double x, int order)
{
    if (order == 1) {
        w[0] = 1 - x;
        w[1] = x;
        return;
    }
    const double y = 1 - x;
    w[1] = (x * x * (x - 2) * 3 + 4) / 6;
    w[2] = (y * y * (y - 2) * 3 + 4) / 6;
    w[0] = y * y * y / 6;
    w[3] = 1 - w[0] - w[1] - w[2];
}

static struct taps samples(struct vn_arena *a, int in, int out, int order)
{
    struct taps t = new_taps(a, order + 1, out);
    const double zoom = (double)in / out;
    for (int i = 0; i < out; i++) {
        const double x = (i + 0.5) * zoom - 0.5;
        int *index = t.index + (size_t)i * t.n;
        double *w = t.weight + (size_t)i * t.n;
        const double at = floor(order ? x : x + 0.5);
        if (order)
            spline_weights(w, x - at, order);
        else
            w[0] = 1;
        for (int k = 0; k < t.n; k++)
            index[k] = mirror((int64_t)at - order / 2 + k, in);
    }
    return t;
}

/* SciPy's Gaussian filter along an axis of n rows of `inner` values, `lines` times. In its order: the centre,
 * then pairs from the outermost inwards. Of integers it cuts off what is behind the point. */
static double *blur(struct vn_arena *a, const double *in, double sigma, size_t lines, int n, size_t inner,
                    int integers)
{
    const struct vn_skimage_rows *rows = vn_image_kernels_chosen()->skimage;
    const int radius = (int)(4 * sigma + 0.5);
    double *out = NEW_ARRAY(a, double, lines *n *inner),
           *weight = NEW_ARRAY(a, double, 2 * (size_t)radius + 1);
    for (int k = -radius; k <= radius; k++)
        weight[k + radius] = exp(-0.5 / (sigma * sigma) * ((double)k * k));
    const double sum = numpy_sum(weight, 2 * radius + 1);
    for (size_t line = 0; line < lines; line++)
        for (int i = 0; i < n; i++) {
            const double *from = in + line * n * inner;
            double *to = out + (line * n + i) * inner;
            rows->add(to, from + i * inner, weight[radius] / sum, inner);
            for (int k = radius; k > 0; k--)
                rows->add_pair(to, from + mirror((int64_t)i - k, n) * inner,
                               from + mirror((int64_t)i + k, n) * inner, weight[radius + k] / sum, inner);
        }
    for (size_t i = 0; integers && i < lines * n * inner; i++)
        out[i] = trunc(out[i]);
    return out;
}

/* `lines` times: t->out rows of `inner` values from rows of the same length, `in_rows` of them. */
static double *apply(struct vn_arena *a, const double *in, const struct taps *t, size_t lines, int in_rows,
                     size_t inner)
{
    const struct vn_skimage_rows *rows = vn_image_kernels_chosen()->skimage;
    double *out = NEW_ARRAY(a, double, lines * t->out * inner);
    for (size_t line = 0; line < lines; line++)
        for (int i = 0; i < t->out; i++) {
            double *to = out + (line * t->out + i) * inner;
            for (int k = 0; k < t->n; k++) {
                const size_t at = (size_t)i * t->n + k;
                rows->add(to, in + (line * in_rows + t->index[at]) * inner, t->weight[at], inner);
            }
        }
    return out;
}

/* Values to coefficients of cubic B-splines whose mirrored extension passes through them: one recursion each
 * way. */
static void prefilter(double *x, size_t lines, int n, size_t inner)
{
    const double z = sqrt(3.) - 2;
    for (size_t line = 0; line < lines && n > 1; line++)
        for (size_t q = 0; q < inner; q++) {
            double *c = x + line * n * inner + q, up = z, down = pow(z, n - 1), last = down * down;
            double first = c[0] + down * c[(size_t)(n - 1) * inner];
            down *= down / z;
            for (int i = 1; i < n - 1; i++, up *= z, down /= z)
                first += (up + down) * c[(size_t)i * inner];
            c[0] = first / (1 - last);
            for (int i = 1; i < n; i++)
                c[(size_t)i * inner] += z * c[(size_t)(i - 1) * inner];
            c[(size_t)(n - 1) * inner] =
                (z * c[(size_t)(n - 2) * inner] + c[(size_t)(n - 1) * inner]) * z / (z * z - 1);
            for (int i = n - 2; i >= 0; i--)
                c[(size_t)i * inner] = z * (c[(size_t)(i + 1) * inner] - c[(size_t)i * inner]);
            for (int i = 0; i < n; i++)
                c[(size_t)i * inner] *= 6;
        }
}

static double *to_double(struct vn_arena *a, const struct vn_picture *in, int keep, double range[2])
{
    const size_t n = vn_picture_values(in);
    const double scale = keep ? 1 : in->type == VN_PIXEL_U8 ? 255 : in->type == VN_PIXEL_U16 ? 65535 : 1;
    double *x = NEW_ARRAY(a, double, n);
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        x[i] = vn_picture_value(in, i) / scale;
        range[0] = x[i] < range[0] ? x[i] : range[0];
        range[1] = x[i] > range[1] ? x[i] : range[1];
    }
    return x;
}

static void store(struct vn_picture *out, const double *x, const double range[2])
{
    for (size_t i = 0, n = vn_picture_values(out); i < n; i++) {
        const double v = x[i] < range[0] ? range[0] : x[i] > range[1] ? range[1] : x[i];
        if (out->type == VN_PIXEL_U8)
            out->data[i] = (uint8_t)v;
        else if (out->type == VN_PIXEL_U16)
            out->u16[i] = (uint16_t)v;
        else
            out->f32[i] = (float)v;
    }
}

RESIZE_RUN(vn_resize_skimage)
{
    const int order = r->method, c = in->c, keep = order == 0 && in->type != VN_PIXEL_F32;
    const size_t row_in = (size_t)in->w * c;
    double range[2], *x;
    if (((double)in->w / w + (double)in->h / h) * ((double)in->w + in->h) > 1 << 28)
        return vn_fail(e, VN_E_INPUT,
                       "resize: %d x %d to %d x %d exceeds the limit of the Gaussian filter's weights", in->w,
                       in->h, w, h);
    struct vn_arena *work = vn_arena_new();
    x = to_double(work, in, keep, range);
    const double sy = ((double)in->h / h - 1) / 2, sx = ((double)in->w / w - 1) / 2;
    if (r->antialias && sy > 1e-15)
        x = blur(work, x, sy, 1, in->h, row_in, keep);
    if (r->antialias && sx > 1e-15)
        x = blur(work, x, sx, (size_t)in->h, in->w, (size_t)c, keep);
    if (order == 3) {
        prefilter(x, 1, in->h, row_in);
        prefilter(x, (size_t)in->h, in->w, (size_t)c);
    }
    const struct taps ty = samples(work, in->h, h, order), tx = samples(work, in->w, w, order);
    x = apply(work, x, &ty, 1, in->h, row_in);
    x = apply(work, x, &tx, (size_t)h, in->w, (size_t)c);
    const int status = vn_picture_new(out, a, w, h, c, keep ? in->type : VN_PIXEL_F32, e);
    if (status == VN_OK)
        store(out, x, range);
    vn_arena_free(&work);
    return status;
}
