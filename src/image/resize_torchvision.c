/* torchvision's Resize on tensors: torch.nn.functional.interpolate in float32; uint8 is rounded half to even
 * at the end. */
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "kernels/image/image_kernels.h"

static float filter_linear(float x)
{
    x = fabsf(x);
    return x < 1 ? 1 - x : 0;
}

/* Near the centre in float64, further out in float32: constants decide that there. */
static float filter_cubic(float x)
{
    x = fabsf(x);
    if (x < 1)
        return (float)((1.5 * x - 2.5) * x * x + 1);
    return x < 2 ? fmaf(fmaf(x - 5, x, 8), x, -4) * -0.5f : 0;
}

/* Cubic without antialias. The library's compiler fuses all multiply-adds but the last. */
static float near_part(float x) { return fmaf(1.25f, x, -2.25f) * x * x + 1; }
static float far_part(float x) { return fmaf(fmaf(-0.75f, x, 3.75f), x, -6) * x + 3; }

static int clamp(int64_t x, int hi) { return x < 0 ? 0 : x > hi ? hi : (int)x; }

static struct vn_torch_taps new_axis(struct vn_arena *a, int taps, int out)
{
    return (struct vn_torch_taps){ taps, NEW_ARRAY(a, int, out), NEW_ARRAY(a, int, (size_t)taps *out),
                                   NEW_ARRAY(a, float, (size_t)taps *out) };
}

/* As wide as the reduction asks for. */
static struct vn_torch_taps antialiased(struct vn_arena *a, int in, int out, int cubic)
{
    const float scale = (float)in / (float)out, half = cubic ? 2 : 1;
    const float support = scale >= 1 ? half * scale : half, inverse = scale >= 1 ? 1.f / scale : 1.f;
    struct vn_torch_taps x = new_axis(a, (int)ceilf(support) * 2 + 1, out);
    for (int i = 0; i < out; i++) {
        const float center = scale * ((float)i + 0.5f);
        const int64_t lo = (int64_t)fmax((center - support) + 0.5, 0),
                      end = (int64_t)((center + support) + 0.5);
        const int n = clamp((end < in ? end : in) - lo, x.n);
        float sum = 0, *w = x.weight + (size_t)i * x.n;
        x.count[i] = n;
        for (int k = 0; k < n; k++) {
            const float d = (float)(((float)(k + lo) - center + 0.5) * inverse);
            x.index[(size_t)i * x.n + k] = (int)lo + k;
            w[k] = cubic ? filter_cubic(d) : filter_linear(d);
            sum += w[k];
        }
        for (int k = 0; k < n && sum != 0; k++)
            w[k] /= sum;
    }
    return x;
}

static struct vn_torch_taps linear(struct vn_arena *a, int in, int out)
{
    const float scale = (float)in / (float)out;
    struct vn_torch_taps x = new_axis(a, 2, out);
    for (int i = 0; i < out; i++) {
        x.count[i] = x.n;
        const double at =
            in == out ? i : fmax(scale * (i + 0.5) - 0.5, 0); /* the scale is float32, the position float64 */
        const int s = clamp((int64_t)at, in - 1);
        const float f = (float)fmin(fmax(at - s, 0), 1);
        x.index[2 * (size_t)i] = s;
        x.index[2 * (size_t)i + 1] = s + (s < in - 1);
        x.weight[2 * (size_t)i] = 1.f - f;
        x.weight[2 * (size_t)i + 1] = f;
    }
    return x;
}

static struct vn_torch_taps cubic(struct vn_arena *a, int in, int out)
{
    const float scale = (float)in / (float)out;
    struct vn_torch_taps x = new_axis(a, 4, out);
    for (int i = 0; i < out; i++) {
        x.count[i] = x.n;
        const double at = scale * (i + 0.5) - 0.5;
        const float index = floorf((float)at),
                    f = (float)(at - index); /* the index from the rounded position: f may be below 0 */
        const float w[4] = { far_part(f + 1), near_part(f), near_part(1 - f), far_part((1 - f) + 1) };
        memcpy(x.weight + 4 * (size_t)i, w, sizeof w);
        for (int t = 0; t < 4; t++)
            x.index[4 * (size_t)i + t] = clamp((int64_t)index - 1 + t, in - 1);
    }
    return x;
}

static struct vn_torch_taps make_axis(struct vn_arena *a, const struct vn_resize_rule *r, int in, int out)
{
    if (r->antialias == 1)
        return antialiased(a, in, out, r->method == TORCH_BICUBIC);
    return r->method == TORCH_BICUBIC ? cubic(a, in, out) : linear(a, in, out);
}

static float *separable(struct vn_arena *a, const struct vn_picture *in, const struct vn_torch_taps *x,
                        const struct vn_torch_taps *y, int w, int h, int antialias)
{
    const struct vn_torchvision_rows *k = vn_image_kernels_chosen()->torchvision;
    const size_t n = (size_t)w * in->c, row = (size_t)in->w * in->c;
    float *rows = NEW_ARRAY(a, float, n * in->h), *out = NEW_ARRAY(a, float, n *h);
    for (int i = 0; i < in->h; i++)
        if (in->type == VN_PIXEL_U8)
            k->across_bytes(rows + i * n, in->data + i * row, x, w, in->c, antialias);
        else
            k->across_floats(rows + i * n, in->f32 + i * row, x, w, in->c, antialias);
    for (int i = 0; i < h; i++)
        k->down(out + i * n, rows, y, i, n, antialias);
    return out;
}

/* One channel counts as channels last: four pixels are weighed at once there, and summed in float64. */
static float *linear_of_four(struct vn_arena *a, const float *in, int in_w, const struct vn_torch_taps *x,
                             const struct vn_torch_taps *y, int w, int h)
{
    float *out = NEW_ARRAY(a, float, (size_t)w *h);
    for (int j = 0; j < h; j++) {
        const float *p = in + (size_t)y->index[2 * (size_t)j] * in_w,
                    *q = in + (size_t)y->index[2 * (size_t)j + 1] * in_w;
        const float top = y->weight[2 * (size_t)j], below = y->weight[2 * (size_t)j + 1];
        for (int i = 0; i < w; i++) {
            const int *at = x->index + 2 * (size_t)i;
            const float left = x->weight[2 * (size_t)i], right = x->weight[2 * (size_t)i + 1];
            const float weight[4] = { top * left, top * right, below * left, below * right };
            const double sum = (double)p[at[0]] * weight[0] + (double)p[at[1]] * weight[1];
            out[(size_t)j * w + i] =
                (float)(sum + (double)q[at[0]] * weight[2] + (double)q[at[1]] * weight[3]);
        }
    }
    return out;
}

static int *nearest_indices(struct vn_arena *a, int in, int n, int exact)
{
    int *index = NEW_ARRAY(a, int, n);
    const float scale = (float)in / (float)n, shift = exact ? 0.5f : 0;
    for (int i = 0; i < n; i++)
        index[i] = clamp((int64_t)(((float)i + shift) * scale), in - 1);
    return index;
}

RESIZE_RUN(vn_resize_torchvision)
{
    if (w == in->w && h == in->h) {
        *out = *in;
        return VN_OK;
    }
    if (r->method == TORCH_NEAREST || r->method == TORCH_NEAREST_EXACT) {
        const int exact = r->method == TORCH_NEAREST_EXACT;
        return vn_resize_pick(out, a, in, nearest_indices(a, in->w, w, exact), w,
                              nearest_indices(a, in->h, h, exact), h, e);
    }
    if (((double)in->w + in->h + w + h) * 9 > 1 << 28)
        return vn_fail(e, VN_E_INPUT, "resize: %d x %d to %d x %d is too long", in->w, in->h, w, h);
    struct vn_arena *work = vn_arena_new();
    const int c = in->c, antialias = r->antialias == 1;
    int status = vn_picture_new(out, a, w, h, c, in->type, e);
    const struct vn_torch_taps x = make_axis(work, r, in->w, w), y = make_axis(work, r, in->h, h);
    struct vn_picture real;
    const float *v = NULL;
    if (status == VN_OK && c == 1 && !antialias && r->method == TORCH_BILINEAR) {
        status = vn_picture_cast(&real, work, in, VN_PIXEL_F32, e);
        v = status == VN_OK ? linear_of_four(work, real.f32, in->w, &x, &y, w, h) : NULL;
    } else if (status == VN_OK)
        v = separable(work, in, &x, &y, w, h, antialias);
    if (v && in->type == VN_PIXEL_F32)
        memcpy(out->f32, v, vn_picture_values(out) * sizeof *v);
    else if (v)
        vn_image_kernels_chosen()->torchvision->round(out->data, v, vn_picture_values(out));
    vn_arena_free(&work);
    return status;
}
