/* Is the quantized network good? Outputs that choose are judged by their choices, others by their cosine. */
#include <math.h>

#include "flow/choices.h"
#include "flow/flow_job.h"

#define FEW 30 /* with fewer choices the interval is wide, so the cosine must pass, too */
#define LESS_STRICT 5 /* factor on 1 - min_cosine */

static int kept_enough(const struct vn_compared *r, const struct vn_flow_options *o)
{
    const struct choice_count c = { r->choices, r->choices_kept };
    double low, high;
    if (r->differs)
        return 0;
    if (!c.made)
        return r->exact || r->metric[VN_COMPARE_COSINE] >= o->min_cosine;
    vn_choices_interval(&c, &low, &high);
    const double least = 1 - LESS_STRICT * (1 - o->min_cosine);
    return high >= o->min_choices && (c.made >= FEW || r->exact || r->metric[VN_COMPARE_COSINE] >= least);
}

static const char *choices_text(const struct vn_compared *r, int passes, struct vn_arena *a,
                                const struct vn_flow_options *o)
{
    const struct choice_count c = { r->choices, r->choices_kept };
    double low, high;
    if (!c.made)
        return passes ? "" : vn_arena_fmt(a, "; expected a mean cosine of at least %g", o->min_cosine);
    vn_choices_interval(&c, &low, &high);
    return vn_arena_fmt(
        a, ", %lld of %lld choices kept (95 %%: %.3f to %.3f)%s", (long long)c.kept, (long long)c.made, low,
        high,
        passes ? ""
               : vn_arena_fmt(a, "; expected at least %g, and with fewer than %d choices a cosine of %g",
                              o->min_choices, FEW, 1 - LESS_STRICT * (1 - o->min_cosine)));
}

static const char *text_of(const struct vn_compared *r, int passes, struct vn_arena *a,
                           const struct vn_flow_options *o)
{
    if (r->differs)
        return vn_arena_fmt(a, "%s: %s", r->name, r->differs);
    if (r->exact)
        return vn_arena_fmt(a, "%d samples, %s: %.2f %% of the elements are equal%s", r->samples, r->name,
                            100 * r->metric[VN_COMPARE_AGREEMENT], choices_text(r, passes, a, o));
    return vn_arena_fmt(a, "%d samples, %s: cosine %.6f, SQNR %.1f dB, agreement %.4f%s", r->samples, r->name,
                        r->metric[VN_COMPARE_COSINE], r->metric[VN_COMPARE_SQNR],
                        r->metric[VN_COMPARE_AGREEMENT], choices_text(r, passes, a, o));
}

/* Is r to be shown rather than `best`: what fails first, then what loses most. */
static int is_shown(const struct vn_compared *r, const struct vn_compared *best,
                    const struct vn_flow_options *o)
{
    const int good = kept_enough(r, o), best_good = best && kept_enough(best, o);
    if (!best || good != best_good)
        return !best || !good;
    if (r->exact || best->exact)
        return best->exact && !r->exact;
    return !(r->metric[VN_COMPARE_SQNR] >= best->metric[VN_COMPARE_SQNR]);
}

int vn_flow_judge(struct flow_judgement *v, struct flow_job *j, struct vn_err *e)
{
    struct vn_comparison *c;
    int n;
    TRY(vn_flow_open_samples(j, e));
    TRY(vn_flow_compare(&c, j, j->product[OPTIMIZED], j->product[QUANTIZED],
                        vn_flow_samples(j, j->o->samples), 1, e));
    const struct vn_compared *r = vn_comparison_rows(c, &n), *shown = NULL;
    *v = (struct flow_judgement){ .passes = 1, .cosine = 1, .sqnr = INFINITY };
    for (int i = 0; i < n; i++) {
        v->passes &= kept_enough(&r[i], j->o);
        v->cosine = fmin(v->cosine, r[i].metric[VN_COMPARE_COSINE]);
        v->sqnr = fmin(v->sqnr, r[i].metric[VN_COMPARE_SQNR]);
        shown = is_shown(&r[i], shown, j->o) ? &r[i] : shown;
    }
    v->text = text_of(shown, v->passes, j->arena, j->o);
    vn_comparison_free(&c);
    return VN_OK;
}
