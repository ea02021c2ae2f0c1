#include "quant/params.h"

#include <math.h>

#include "ops/op.h"

/* Of the 2 * threshold that a symmetric scale spans. */
#define SKEWED 0.75
/* Of the short side of a skewed range: data that calibration has not seen may reach further. */
#define MARGIN 1.4

struct ends {
    double lo, hi;
};

static struct ends with_margin(struct ends e, int flat_lo, int flat_hi)
{
    const double lo = fmax(MARGIN * e.lo, -e.hi), hi = fmin(MARGIN * e.hi, -e.lo);
    return (struct ends){ flat_lo ? e.lo : fmin(lo, e.lo), flat_hi ? e.hi : fmax(hi, e.hi) };
}

static int has_zero_point(enum zero_points zp, struct ends e, double threshold)
{
    return zp == ZERO_POINTS_ASYMMETRIC ||
           (zp == ZERO_POINTS_SKEWED && e.hi - e.lo <= SKEWED * 2 * threshold);
}

const struct qparam *vn_quant_from_range(struct vn_arena *a, enum zero_points zp, const struct range *r,
                                         int wide)
{
    struct ends e = { fmax(fmin(r->lo, 0), -r->threshold), fmin(fmax(r->hi, 0), r->threshold) };
    int32_t zero = 0;
    double scale = r->threshold / (wide ? 32767 : 127);
    if (zp != ZERO_POINTS_SYMMETRIC)
        e = with_margin(e, r->flat_lo, r->flat_hi);
    if (!wide && has_zero_point(zp, e, r->threshold)) {
        scale = (e.hi - e.lo) / 255;
        zero = scale > 0 ? (int32_t)rint(-128 - e.lo / scale) : 0;
    }
    float f = (float)scale;
    if (!(f >= 1e-30f))
        f = wide ? 1.0f / 32767 : 1.0f / 127;
    return vn_qparam_new(a, wide ? VN_I16 : VN_I8, -1, 1, &f, &zero);
}

/* Levels from zero to the threshold, where nothing is clipped. */
static int levels(const struct histogram *h, enum zero_points zp)
{
    const double most = fmax(fabs((double)h->min), fabs((double)h->max));
    struct ends e = { fmin(h->min, 0), fmax(h->max, 0) };
    if (zp != ZERO_POINTS_SYMMETRIC)
        e = with_margin(e, 0, 0);
    return has_zero_point(zp, e, most) && most > 0 ? (int)rint(255 * most / (e.hi - e.lo)) : 127;
}

/* Of int16. Bits are to spare where the root of the mean square keeps 12. */
#define SPARE_SHARE (1 / 16.0)
#define HEADROOM_SPARE 2.0
#define HEADROOM 1.6

static double headroom(const struct histogram *h)
{
    const double most = ldexp(fmax(fabs((double)h->min), fabs((double)h->max)), -h->exponent);
    double squares = 0;
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        squares += (double)h->bin[i] * (i + 0.5) * (i + 0.5);
    const int scarce = squares > 0 && squares < (double)h->count * pow(SPARE_SHARE * most, 2);
    return scarce ? HEADROOM : HEADROOM_SPARE;
}

const struct vn_quant_method *vn_quant_method_of(const struct vn_quant_method *m, const char *tensor)
{
    const struct vn_quant_method *own = m->mix ? vn_map_get(m->mix, tensor) : NULL;
    return own ? own : m;
}

struct range vn_quant_range(const struct histogram *h, const struct vn_quant_method *m, int wide)
{
    struct range r = { .lo = h->min, .hi = h->max, .threshold = fmax(fabs(h->min), fabs(h->max)) };
    if (!wide)
        r.threshold = m->calibrator->threshold(h, m->parameter, levels(h, m->zero_points));
    else
        r.threshold *= headroom(h);
    return r;
}

double vn_quant_int8_step(const struct value *v, const struct vn_ranges *r, const struct vn_quant_method *m,
                          int integer)
{
    struct range range;
    const struct quant_rule *rule = v->producer ? &v->producer->op->quant : NULL;
    if (integer && rule->out == Q_OUT_FIXED)
        range = (struct range){ .lo = rule->lo, .hi = rule->hi, .threshold = fmax(-rule->lo, rule->hi) };
    else if (v->id < r->n && r->of[v->id] && !r->masks[v->id].sign)
        range = vn_quant_range(r->of[v->id], vn_quant_method_of(m, v->name), 0);
    else
        return 0;
    struct vn_arena *work = vn_arena_new();
    const double scale = vn_quant_from_range(work, m->zero_points, &range, 0)->scale[0];
    vn_arena_free(&work);
    return scale;
}
