/* The usual normalizations, and what a network reads with each of them. */
#include "convert/network_input.h"

const struct norm vn_usual_norms[] = {
    { "norm_type: no_preprocess", 1, { 0 }, { 1 } },
    { "norm_type: data_scale, scale_value: 0.00392157", 1, { 0 }, { 1 / 255.0 } },
    { "norm_type: data_mean_and_scale, mean_value: 127.5, scale_value: 0.00784314",
      1,
      { 127.5 },
      { 1 / 127.5 } },
    { "norm_type: data_mean_and_scale, mean_value: 123.675 116.28 103.53, scale_value: 0.0171248 0.0175070 "
      "0.0174292",
      3,
      { 123.675, 116.28, 103.53 },
      { 1 / 58.395, 1 / 57.12, 1 / 57.375 } },
};
const int vn_usual_norms_count = sizeof vn_usual_norms / sizeof *vn_usual_norms;

struct norm vn_norm_given(const struct input_config *in)
{
    struct norm m = { .text = vn_word_of(vn_words_norm_type, in->norm_type),
                      .n = in->n_mean > in->n_scale ? in->n_mean : in->n_scale };
    for (int c = 0; c < 3; c++) {
        m.mean[c] = in->n_mean ? in->mean[in->n_mean == 1 ? 0 : c] : 0;
        m.scale[c] = in->n_scale ? in->scale[in->n_scale == 1 ? 0 : c] : 1;
    }
    return m;
}

int vn_judged_samples(const struct judge_input *j)
{
    const int n = vn_samples_count(j->c->samples);
    return n < JUDGED_SAMPLES ? n : JUDGED_SAMPLES;
}

int vn_judged_sample(const struct judge_input *j, int i)
{
    return (int)((int64_t)i * vn_samples_count(j->c->samples) / vn_judged_samples(j));
}

/* Numbers for a key; all of them `none`: the key is not needed. */
static const char *numbers(struct vn_arena *a, const double *v, int n, double none)
{
    const char *out = "";
    int needed = 0;
    for (int i = 0; i < n; i++) {
        out = vn_arena_fmt(a, "%s%s%.9g", out, i ? " " : "", v[i]);
        needed |= v[i] != none;
    }
    return needed ? out : "";
}

enum norm_type vn_norm_type(const struct norm *m)
{
    return (m->mean[0] != 0 ? NORM_MEAN : NORM_NONE) | (m->scale[0] != 1 ? NORM_SCALE : NORM_NONE);
}

const char *vn_norm_setting(const struct norm *m, struct vn_arena *a)
{
    return vn_arena_fmt(a, "norm_type=%s;mean_value=%s;scale_value=%s",
                        vn_word_of(vn_words_norm_type, vn_norm_type(m)), numbers(a, m->mean, m->n, 0),
                        numbers(a, m->scale, m->n, 1));
}

int vn_norm_is_other(const struct judge_input *j, const struct norm *m)
{
    return m->n == 3 && j->in->type_train == VN_IN_GRAY;
}

int vn_network_tensor(struct vn_tensor **out, const struct judge_input *j, int sample, const struct norm *m,
                      struct vn_arena *a, struct vn_err *e)
{
    struct vn_train_values x;
    TRY(vn_samples_train_values(&x, j->c->samples, sample, j->input, a, e));
    const int last = j->in->layout_train == LAYOUT_NHWC, channels = (int)j->start->shape.d[last ? 3 : 1];
    struct vn_tensor *t = vn_tensor_new(a, VN_F64, &j->start->shape);
    const int64_t n = vn_shape_count(&t->shape), plane = n / channels;
    for (int64_t i = 0; i < n && x.count == n; i++) {
        const int64_t c = last ? i % channels : i / plane, p = last ? i / channels : i % plane;
        const double v = x.v[x.channels_last ? p * channels + c : c * plane + p];
        const int64_t k = m->n == 1 ? 0 : c;
        vn_f64(t)[i] = (v - m->mean[k]) * m->scale[k];
    }
    *out = t;
    return VN_OK;
}
