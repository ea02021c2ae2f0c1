/* Do the calibration data and the normalization fit the pixels that the device gives? Judged by what the data hold. */
#include <math.h>

#include "calib/calib.h"

#define SURVEYED 16 /* samples, spread over the set */
#define BRIGHTEST 255.0
#define FEW_LEVELS 16 /* of 256: no picture is that flat */

/* What the samples hold in the training type, channel by channel. */
struct channel {
    double lo, hi, sum, squares, count;
    int fractions;
};
struct survey {
    int n; /* channels */
    struct channel of[3];
};

static int channels_of(const struct input_config *in) { return !strcmp(in->type_train, "gray") ? 1 : 3; }

static void add(struct channel *c, double x)
{
    c->lo = !c->count || x < c->lo ? x : c->lo;
    c->hi = !c->count || x > c->hi ? x : c->hi;
    c->sum += x;
    c->squares += x * x;
    c->count++;
    c->fractions |= x != rint(x);
}

static int look(struct survey *v, const struct vn_samples *s, int input, struct vn_err *e)
{
    const int n = vn_samples_count(s), count = n < SURVEYED ? n : SURVEYED;
    for (int k = 0; k < count; k++) {
        struct vn_arena *a = vn_arena_new();
        struct vn_train_values x;
        const int status = vn_samples_train_values(&x, s, k * n / count, input, a, e);
        for (int64_t i = 0; status == VN_OK && i < x.count; i++)
            add(&v->of[x.channels_last ? i % v->n : i / x.plane % v->n], x.v[i]);
        vn_arena_free(&a);
        TRY(status);
    }
    return VN_OK;
}

static struct channel whole(const struct survey *v)
{
    struct channel w = v->of[0];
    for (int c = 1; c < v->n; c++) {
        w.lo = fmin(w.lo, v->of[c].lo);
        w.hi = fmax(w.hi, v->of[c].hi);
        w.fractions |= v->of[c].fractions;
    }
    return w;
}

/* ---- data that are no pixels ---- */

/* Numbers that would turn 0 to 255 into what the data hold. */
static const char *undone(const struct survey *v, struct vn_arena *a)
{
    const char *mean = "", *scale = "";
    for (int c = 0; c < v->n; c++) {
        const double s = (v->of[c].hi - v->of[c].lo) / BRIGHTEST;
        mean = vn_arena_fmt(a, "%s%s%.4g", mean, c ? " " : "", s > 0 && v->of[c].lo < 0 ? -v->of[c].lo / s : 0.0);
        scale = vn_arena_fmt(a, "%s%s%.4g", scale, c ? " " : "", s);
    }
    return vn_arena_fmt(a, "norm_type: data_mean_and_scale with about mean_value: '%s' and scale_value: '%s'", mean, scale);
}

static int refuse_data(const struct config *c, const struct input_config *in, const struct survey *v, struct vn_arena *a, struct vn_err *e)
{
    const struct channel w = whole(v);
    const int outside = w.lo < -0.5 || w.hi > BRIGHTEST + 0.5, flat = w.fractions && w.hi - w.lo < FEW_LEVELS;
    if (!outside && !flat)
        return VN_OK;
    if (w.hi - w.lo > 2 * BRIGHTEST)
        return vn_config_fail(c, vn_config_given(c, "cal_data_dir"), e, VN_E_INPUT,
                              "input %s takes %s pixels of 0 to 255 on the device, but its calibration data reach from %.4g to %.4g; give them as pixels",
                              in->name, in->type_rt, w.lo, w.hi);
    const int none = !strcmp(in->norm_type, "no_preprocess");
    return vn_config_fail(c, vn_config_given(c, "cal_data_dir"), e, VN_E_INPUT,
                          "input %s takes %s pixels of 0 to 255 on the device, but its calibration data reach from %.4g to %.4g: they are normalised already, and "
                          "%s. Give pixels as calibration data%s; or make input_type_train and input_type_rt featuremap, and feed the device what you have here",
                          in->name, in->type_rt, w.lo, w.hi,
                          none ? "norm_type no_preprocess gives the network the pixels as they are" : "norm_type would do it a second time",
                          none ? vn_arena_fmt(a, ", and set %s", undone(v, a)) : "");
}

/* ---- a normalization that does not fit ---- */

static double entry(const double *v, int n, int c, double absent) { return n ? v[n == 1 ? 0 : c] : absent; }

/* How far from 1, as a ratio. */
static double off(double x) { return fabs(log(x > 1e-12 ? x : 1e-12)); }

/* Mean and spread of what the network gets when mean_value and scale_value are multiplied so. */
static void normalized(const struct input_config *in, const struct survey *v, double mean_by, double scale_by, double *mean, double *spread)
{
    *mean = *spread = 0;
    for (int c = 0; c < v->n; c++) {
        const struct channel *k = &v->of[c];
        const double m = k->sum / k->count, scale = entry(in->scale, in->n_scale, c, 1) * scale_by;
        *mean += fabs((m - entry(in->mean, in->n_mean, c, 0) * mean_by) * scale) / v->n;
        *spread += sqrt(fmax(k->squares / k->count - m * m, 0)) * fabs(scale) / v->n;
    }
}

static const char *scaled(struct vn_arena *a, const double *v, int n, double by)
{
    const char *s = "";
    for (int i = 0; i < n; i++)
        s = vn_arena_fmt(a, "%s%s%.6g", s, i ? " " : "", v[i] * by);
    return s;
}

static int all_between(const double *v, int n, double lo, double hi)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(v[i]) > lo && fabs(v[i]) < hi))
            return 0;
    return n > 0;
}

/* scale_value is 1 / std of pixels in 0..1: it multiplies, and one 255th of it gives the network numbers of ordinary size. */
static const char *doubt_scale(const struct input_config *in, const struct survey *v, struct vn_arena *a)
{
    double mean, spread, fixed;
    normalized(in, v, 1, 1, &mean, &spread);
    normalized(in, v, 1, 1 / BRIGHTEST, &mean, &fixed);
    if (!all_between(in->scale, in->n_scale, 1, INFINITY) || off(fixed) >= off(spread))
        return NULL;
    return vn_arena_fmt(a, "input %s: scale_value %s multiplies pixels of 0 to 255, so the network gets numbers that spread by %.3g; a normalised input "
                        "spreads by about 1. It looks like 1 / std for pixels of 0 to 1: divide by 255, scale_value: '%s' (spread %.3g)",
                        in->name, scaled(a, in->scale, in->n_scale, 1), spread, scaled(a, in->scale, in->n_scale, 1 / BRIGHTEST), fixed);
}

/* mean_value is that of pixels in 0..1: nearly nothing is taken off. */
static const char *doubt_mean(const struct input_config *in, const struct survey *v, struct vn_arena *a)
{
    double mean, spread, fixed, same;
    normalized(in, v, 1, 1, &mean, &spread);
    normalized(in, v, BRIGHTEST, 1, &fixed, &same);
    if (!all_between(in->mean, in->n_mean, 0, 1) || fixed >= mean)
        return NULL;
    return vn_arena_fmt(a, "input %s: mean_value %s is taken off pixels of 0 to 255, so nearly nothing is. It looks like a mean of pixels of 0 to 1: "
                        "multiply by 255, mean_value: '%s'", in->name, scaled(a, in->mean, in->n_mean, 1), scaled(a, in->mean, in->n_mean, BRIGHTEST));
}

int vn_samples_survey(struct vn_doubts *out, struct vn_arena *a, const struct config *c, const struct vn_samples *s, struct vn_err *e)
{
    *out = (struct vn_doubts){ 0 };
    for (int i = 0; i < c->n_inputs; i++) {
        const struct input_config *in = &c->inputs[i];
        struct survey v = { channels_of(in), { { 0 } } };
        if (!strcmp(in->type_rt, "featuremap"))
            continue;
        TRY(look(&v, s, i, e));
        if (!c->preprocess_on)
            TRY(refuse_data(c, in, &v, a, e));
        const char *doubts[] = { doubt_scale(in, &v, a), doubt_mean(in, &v, a) };
        for (int k = 0; k < 2; k++)
            if (doubts[k])
                VEC_PUSH(a, &out->text, doubts[k]);
    }
    return VN_OK;
}
