/* Do the values of calibration data and the normalization fit the pixels that the device gives? Judged by
 * what the data hold. */
#include <math.h>

#include "data/dataset_check.h"

#define BRIGHTEST 255.0
#define FEW_LEVELS 16 /* of 256: no picture is that flat */

static struct channel whole(const struct dataset *d)
{
    struct channel w = d->of[0];
    for (int c = 1; c < d->channels; c++) {
        w.lo = fmin(w.lo, d->of[c].lo);
        w.hi = fmax(w.hi, d->of[c].hi);
        w.fractions |= d->of[c].fractions;
    }
    return w;
}

/* ---- data that are no pixels ---- */

/* Numbers that would turn 0 to 255 into what the data hold. */
static const char *undone(const struct dataset *v)
{
    const char *mean = "", *scale = "";
    for (int c = 0; c < v->channels; c++) {
        const double s = (v->of[c].hi - v->of[c].lo) / BRIGHTEST;
        mean = vn_arena_fmt(v->arena, "%s%s%.4g", mean, c ? " " : "",
                            s > 0 && v->of[c].lo < 0 ? -v->of[c].lo / s : 0.0);
        scale = vn_arena_fmt(v->arena, "%s%s%.4g", scale, c ? " " : "", s);
    }
    return vn_arena_fmt(v->arena,
                        "norm_type: data_mean_and_scale with about mean_value: '%s' and scale_value: '%s'",
                        mean, scale);
}

/* Raw data only: pictures are decoded to pixels. */
int vn_data_no_pixels(const struct dataset *d)
{
    const struct channel w = whole(d);
    return d->image && !d->pictures && w.count &&
           (w.lo < -0.5 || w.hi > BRIGHTEST + 0.5 || (w.fractions && w.hi - w.lo < FEW_LEVELS));
}

static int less_128(const struct dataset *d)
{
    const struct channel w = whole(d);
    return w.lo < -0.5 && w.lo >= -128 && w.hi <= 127 && !w.fractions && w.hi - w.lo >= FEW_LEVELS;
}

const char *vn_find_minus_128(const struct dataset *d)
{
    const struct channel w = whole(d);
    if (!vn_data_no_pixels(d) || !less_128(d))
        return NULL;
    return vn_arena_fmt(
        d->arena,
        "input %s requires %s pixels in 0..255, but its calibration data are integers from %.4g to %.4g: "
        "pixel - 128, as in the device's int8 input. Calibration requires pixels: add 128",
        d->in->name, vn_input_type_word(d->in->type_rt), w.lo, w.hi);
}

const char *vn_find_normalised(const struct dataset *d)
{
    const struct channel w = whole(d);
    if (!vn_data_no_pixels(d) || less_128(d))
        return NULL;
    if (w.hi - w.lo > 2 * BRIGHTEST)
        return vn_arena_fmt(d->arena,
                            "input %s has %s pixels in 0..255 on the device, but its calibration data range "
                            "from %.4g to %.4g; calibrate with pixels",
                            d->in->name, vn_input_type_word(d->in->type_rt), w.lo, w.hi);
    const int none = d->in->norm_type == NORM_NONE;
    return vn_arena_fmt(
        d->arena,
        "input %s has %s pixels in 0..255 on the device, but its calibration data range from %.4g to %.4g: "
        "they are already normalized, and %s. Calibrate with pixels%s; or set input_type_train and "
        "input_type_rt to featuremap, and feed the device normalized data",
        d->in->name, vn_input_type_word(d->in->type_rt), w.lo, w.hi,
        none ? "norm_type no_preprocess passes pixels to the network unchanged"
             : "norm_type would normalize a second time",
        none ? vn_arena_fmt(d->arena, ", and set %s", undone(d)) : "");
}

/* ---- a normalization that does not fit ---- */

static double entry(const double *v, int n, int c, double absent) { return n ? v[n == 1 ? 0 : c] : absent; }

/* How far from 1, as a ratio. */
static double off(double x) { return fabs(log(x > 1e-12 ? x : 1e-12)); }

/* Mean and spread of what the network gets when mean_value and scale_value are multiplied so. */
static void normalized(const struct input_config *in, const struct dataset *v, double mean_by,
                       double scale_by, double *mean, double *spread)
{
    *mean = *spread = 0;
    for (int c = 0; c < v->channels; c++) {
        const struct channel *k = &v->of[c];
        const double m = k->sum / k->count, scale = entry(in->scale, in->n_scale, c, 1) * scale_by;
        *mean += fabs((m - entry(in->mean, in->n_mean, c, 0) * mean_by) * scale) / v->channels;
        *spread += sqrt(fmax(k->squares / k->count - m * m, 0)) * fabs(scale) / v->channels;
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

/* scale_value is 1 / std of pixels in 0..1: it multiplies, and one 255th of it gives the network numbers of
 * ordinary size. */
const char *vn_find_scale(const struct dataset *v)
{
    const struct input_config *in = v->in;
    struct vn_arena *a = v->arena;
    double mean, spread, fixed;
    normalized(in, v, 1, 1, &mean, &spread);
    normalized(in, v, 1, 1 / BRIGHTEST, &mean, &fixed);
    if (!v->image || !v->of[0].count || !all_between(in->scale, in->n_scale, 1, INFINITY) ||
        off(fixed) >= off(spread))
        return NULL;
    return vn_arena_fmt(a,
                        "input %s: scale_value %s multiplies pixels in 0..255, so the network input has a "
                        "spread of %.3g; a normalized input has about 1. The value looks like 1 / std for "
                        "pixels in 0..1: divide by 255, scale_value: '%s' (spread %.3g)",
                        in->name, scaled(a, in->scale, in->n_scale, 1), spread,
                        scaled(a, in->scale, in->n_scale, 1 / BRIGHTEST), fixed);
}

/* mean_value is that of pixels in 0..1: nearly nothing is taken off. */
const char *vn_find_mean(const struct dataset *v)
{
    const struct input_config *in = v->in;
    struct vn_arena *a = v->arena;
    double mean, spread, fixed, same;
    normalized(in, v, 1, 1, &mean, &spread);
    normalized(in, v, BRIGHTEST, 1, &fixed, &same);
    if (!v->image || !v->of[0].count || !all_between(in->mean, in->n_mean, 0, 1) || fixed >= mean)
        return NULL;
    return vn_arena_fmt(
        a,
        "input %s: mean_value %s is subtracted from pixels in 0..255, which has almost no effect. The value "
        "looks like a mean of pixels in 0..1: multiply by 255, mean_value: '%s'",
        in->name, scaled(a, in->mean, in->n_mean, 1), scaled(a, in->mean, in->n_mean, BRIGHTEST));
}
