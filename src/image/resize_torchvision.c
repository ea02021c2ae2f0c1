/* torchvision's Resize on tensors: torch.nn.functional.interpolate in float32; uint8 is rounded half to even at the end. */
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "image/simd.h"

struct axis {
    int taps;
    int *index;
    float *weight;
};

/* Multiply-adds are fused where the library's compiler fuses them. */
static float near_part(float x, float a) { return fmaf(fmaf(a + 2, x, -(a + 3)) * x, x, 1); }
static float far_part(float x, float a) { return fmaf(fmaf(fmaf(a, x, -5 * a), x, 8 * a), x, -4 * a); }

static float filter_linear(float x)
{
    x = fabsf(x);
    return x < 1 ? 1 - x : 0;
}

static float filter_cubic(float x)
{
    x = fabsf(x);
    return x < 1 ? near_part(x, -0.5f) : x < 2 ? far_part(x, -0.5f) : 0;
}

static int clamp(int64_t x, int hi) { return x < 0 ? 0 : x > hi ? hi : (int)x; }

static struct axis new_axis(struct vn_arena *a, int taps, int out)
{
    return (struct axis){ taps, NEW_ARRAY(a, int, (size_t)taps * out), NEW_ARRAY(a, float, (size_t)taps * out) };
}

/* As wide as the reduction asks for; unused taps have weight 0. */
static struct axis antialiased(struct vn_arena *a, int in, int out, int cubic)
{
    const float scale = (float)in / (float)out, half = cubic ? 2 : 1;
    const float support = scale >= 1 ? half * scale : half, inverse = scale >= 1 ? 1.f / scale : 1.f;
    struct axis x = new_axis(a, (int)ceilf(support) * 2 + 1, out);
    for (int i = 0; i < out; i++) {
        const float center = scale * ((float)i + 0.5f);
        const int64_t lo = (int64_t)fmaxf(center - support + 0.5f, 0), end = (int64_t)(center + support + 0.5f);
        const int n = clamp((end < in ? end : in) - lo, x.taps);
        float sum = 0, *w = x.weight + (size_t)i * x.taps;
        for (int k = 0; k < x.taps; k++)
            x.index[(size_t)i * x.taps + k] = clamp(lo + k, in - 1);
        for (int k = 0; k < n; k++) {
            const float d = (float)(((float)(k + lo) - center + 0.5) * inverse);
            w[k] = cubic ? filter_cubic(d) : filter_linear(d);
            sum += w[k];
        }
        for (int k = 0; k < n && sum != 0; k++)
            w[k] /= sum;
    }
    return x;
}

static struct axis linear(struct vn_arena *a, int in, int out)
{
    const float scale = (float)in / (float)out;
    struct axis x = new_axis(a, 2, out);
    for (int i = 0; i < out; i++) {
        const double at = in == out ? i : fmax(scale * (i + 0.5) - 0.5, 0); /* the scale is float32, the position float64 */
        const int s = clamp((int64_t)at, in - 1);
        const float f = (float)fmin(fmax(at - s, 0), 1);
        x.index[2 * (size_t)i] = s;
        x.index[2 * (size_t)i + 1] = s + (s < in - 1);
        x.weight[2 * (size_t)i] = 1.f - f;
        x.weight[2 * (size_t)i + 1] = f;
    }
    return x;
}

static struct axis cubic(struct vn_arena *a, int in, int out)
{
    const float scale = (float)in / (float)out, k = -0.75f;
    struct axis x = new_axis(a, 4, out);
    for (int i = 0; i < out; i++) {
        const double at = scale * (i + 0.5) - 0.5;
        const float f = (float)(at - floor(at));
        const float w[4] = { far_part(f + 1, k), near_part(f, k), near_part(1 - f, k), far_part(2 - f, k) };
        memcpy(x.weight + 4 * (size_t)i, w, sizeof w);
        for (int t = 0; t < 4; t++)
            x.index[4 * (size_t)i + t] = clamp((int64_t)floor(at) - 1 + t, in - 1);
    }
    return x;
}

static struct axis make_axis(struct vn_arena *a, const struct vn_resize_rule *r, int in, int out)
{
    if (r->antialias == 1)
        return antialiased(a, in, out, r->method == TORCH_BICUBIC);
    return r->method == TORCH_BICUBIC ? cubic(a, in, out) : linear(a, in, out);
}

VN_SIMD_FMA static void weigh(float *restrict out, const float *restrict in, float w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = fmaf(in[i], w, out[i]);
}

/* The second product is rounded, the first added to it. */
VN_SIMD_FMA static void weigh_two(float *restrict out, const float *in, const float *in2, float w, float w2, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = fmaf(in[i], w, in2[i] * w2);
}

static float *apply(struct vn_arena *a, const float *in, const struct axis *x, size_t lines, int in_rows, int out_rows, size_t inner, int pairs)
{
    float *out = NEW_ARRAY(a, float, lines * out_rows * inner);
    for (size_t line = 0; line < lines; line++)
        for (int i = 0; i < out_rows; i++) {
            const int *index = x->index + (size_t)i * x->taps;
            const float *w = x->weight + (size_t)i * x->taps, *from = in + line * in_rows * inner;
            float *to = out + (line * out_rows + i) * inner;
            if (pairs)
                weigh_two(to, from + index[0] * inner, from + index[1] * inner, w[0], w[1], inner);
            for (int k = pairs ? 2 : 0; k < x->taps; k++)
                weigh(to, from + index[k] * inner, w[k], inner);
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

RUN(vn_resize_torchvision)
{
    if (w == in->w && h == in->h) {
        *out = *in;
        return VN_OK;
    }
    if (r->method == TORCH_NEAREST || r->method == TORCH_NEAREST_EXACT) {
        const int exact = r->method == TORCH_NEAREST_EXACT;
        return vn_resize_pick(out, a, in, nearest_indices(a, in->w, w, exact), w, nearest_indices(a, in->h, h, exact), h, e);
    }
    if (((double)in->w + in->h + w + h) * 9 > 1 << 28)
        return vn_fail(e, VN_E_INPUT, "resize: %d x %d to %d x %d is too long", in->w, in->h, w, h);
    struct vn_arena *work = vn_arena_new();
    const int c = in->c, pairs = r->antialias != 1;
    struct vn_picture real;
    int status = vn_picture_cast(&real, work, in, VN_PIXEL_F32, e);
    if (status == VN_OK)
        status = vn_picture_new(out, a, w, h, c, in->type, e);
    if (status == VN_OK) {
        const struct axis x = make_axis(work, r, in->w, w), y = make_axis(work, r, in->h, h);
        float *v = apply(work, real.f32, &x, (size_t)in->h, in->w, w, (size_t)c, pairs);
        v = apply(work, v, &y, 1, in->h, h, (size_t)w * c, pairs);
        const size_t n = vn_picture_values(out);
        if (in->type == VN_PIXEL_F32)
            memcpy(out->f32, v, n * sizeof *v);
        else
            for (size_t i = 0; i < n; i++)
                out->data[i] = (uint8_t)(v[i] < 0 ? 0 : v[i] > 255 ? 255 : rintf(v[i]));
    }
    vn_arena_free(&work);
    return status;
}
