/* The float model's own input, made here in float64 from a sample's pixels: the network that was converted
 * has a node for this, so that both agree only where the node is right. */
#include "flow/flow_job.h"

#define MIDDLE 128.0 /* pixel - 128 is what a network of pixels reads */

struct colour {
    double v[3];
};

static int is_yuv(enum vn_input_type t) { return t == VN_IN_YUV444 || t == VN_IN_NV12; }

/* BT.601 (docs/numerics.md); colours are not clamped. */
static struct colour to_rgb(struct colour p, enum vn_input_type from, int video)
{
    const double y = video ? (p.v[0] - 16) * 255 / 219 : p.v[0], by = video ? 255.0 / 224 : 1,
                 u = (p.v[1] - MIDDLE) * by, v = (p.v[2] - MIDDLE) * by;
    if (from == VN_IN_BGR)
        return (struct colour){ { p.v[2], p.v[1], p.v[0] } };
    return is_yuv(from) ? (struct colour){ { y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u } }
                        : p;
}

static struct colour from_rgb(struct colour p, enum vn_input_type to)
{
    const double y = 0.299 * p.v[0] + 0.587 * p.v[1] + 0.114 * p.v[2];
    if (to == VN_IN_BGR)
        return (struct colour){ { p.v[2], p.v[1], p.v[0] } };
    return is_yuv(to) ? (struct colour){ { y, MIDDLE + (p.v[2] - y) / 1.772, MIDDLE + (p.v[0] - y) / 1.402 } }
                      : p;
}

static double entry(const double *v, int n, int c, double absent) { return n ? v[n == 1 ? 0 : c] : absent; }

static float normalised(const struct input_config *in, double x, int c)
{
    return (float)((x - entry(in->mean, in->n_mean, c, 0)) * entry(in->scale, in->n_scale, c, 1));
}

/* Where channel c of pixel p lies among n of them. */
static int64_t place(int last, int64_t pixels, int channels, int64_t p, int c)
{
    return last ? p * channels + c : c * pixels + p;
}

static void from_device(float *out, const float *x, const struct input_config *in, int64_t pixels,
                        int channels)
{
    const int last = in->layout_train == LAYOUT_NHWC, same = in->type_rt == in->type_train || channels != 3;
    for (int64_t p = 0; p < pixels; p++) {
        struct colour k = { { 0 } };
        for (int c = 0; c < channels && c < 3; c++)
            k.v[c] = x[place(last, pixels, channels, p, c)] + MIDDLE;
        if (!same)
            k = from_rgb(to_rgb(k, in->type_rt, in->range == RANGE_BT601_VIDEO), in->type_train);
        for (int c = 0; c < channels && c < 3; c++)
            out[place(last, pixels, channels, p, c)] = normalised(in, k.v[c], c);
    }
}

static int from_training(float *out, const struct flow_job *j, int sample, int input, int64_t pixels,
                         int channels, struct vn_arena *a, struct vn_err *e)
{
    const struct input_config *in = &j->config->inputs[input];
    const int last = in->layout_train == LAYOUT_NHWC;
    struct vn_train_values t;
    TRY(vn_samples_train_values(&t, j->samples, sample, input, a, e));
    for (int64_t p = 0; p < pixels; p++)
        for (int c = 0; c < channels; c++)
            out[place(last, pixels, channels, p, c)] =
                normalised(in, t.v[place(t.channels_last, pixels, channels, p, c)], c);
    return VN_OK;
}

int vn_flow_network_input(float *out, const struct flow_job *j, int sample, int input, enum pixel_route route,
                          struct vn_arena *a, struct vn_err *e)
{
    const struct input_config *in = &j->config->inputs[input];
    const struct graph *g = vn_session_graph(j->original);
    const struct vn_shape *s = &g->inputs.v[input]->shape;
    const int64_t n = vn_shape_count(s);
    float **x = NEW_ARRAY(a, float *, g->inputs.n);
    TRY(vn_samples_load(j->samples, sample, a, x, e));
    if (in->type_rt == VN_IN_FEATUREMAP || s->rank != 4) {
        memcpy(out, x[input], (size_t)n * sizeof *out);
        return VN_OK;
    }
    const int channels = (int)s->d[in->layout_train == LAYOUT_NHWC ? 3 : 1];
    if (route == ROUTE_TRAINING)
        return from_training(out, j, sample, input, n / channels, channels, a, e);
    from_device(out, x[input], in, n / channels, channels);
    return VN_OK;
}
