#include "quant/flat_ends.h"

#include <math.h>

#include "ops/op.h"

#define SHARE 0.25 /* of a step of the result: what it may differ by along a flat end */
#define BEYOND 2.0 /* times the calibrated range: room for data that calibration has not seen */
#define POINTS 1024

/* From BEYOND * end towards 0, the last point up to which the result differs by at most `tolerance`. */
static double flat_until(const struct node *n, double end, double tolerance)
{
    double least = INFINITY, most = -INFINITY, flat = BEYOND * end;
    for (int i = POINTS; i > 0; i--) {
        const double x = BEYOND * end * i / POINTS, y = n->op->f(n, x);
        least = fmin(least, y);
        most = fmax(most, y);
        if (!(most - least <= tolerance))
            break;
        flat = x;
    }
    return fabs(flat) < fabs(end) ? flat : end;
}

/* Of the function's result, as fine as its range allows. */
static double result_step(const struct flat_ends *f, const struct node *n)
{
    const struct value *y = n->out[0];
    const struct quant_rule *rule = &n->op->quant;
    const double levels = f->wide[y->id] ? 65535 : 255;
    if (rule->out == Q_OUT_FIXED)
        return (rule->hi - rule->lo) / levels;
    if (!f->r->of[y->id])
        return 0;
    const struct range r = vn_quant_range(f->r->of[y->id], vn_quant_method_of(f->method, y->name), 0);
    return (fmin(r.hi, r.threshold) - fmax(r.lo, -r.threshold)) / levels;
}

void vn_flat_ends_cut(struct range *r, const struct flat_ends *f, const struct value *v)
{
    double lo = 0, hi = 0;
    for (int i = 0; i < v->users.n; i++) {
        const struct node *n = v->users.v[i].node;
        if (!f->integer[n->id] || vn_node_kind(n) != Q_TABLE)
            return;
        const double tolerance = SHARE * result_step(f, n);
        lo = fmin(lo, flat_until(n, r->lo, tolerance));
        hi = fmax(hi, flat_until(n, r->hi, tolerance));
    }
    if (!v->users.n || v->outputs)
        return;
    r->flat_lo = r->lo < lo;
    r->flat_hi = r->hi > hi;
    r->lo = fmax(r->lo, lo);
    r->hi = fmin(r->hi, hi);
    r->threshold = fmin(r->threshold, fmax(-r->lo, r->hi));
}
