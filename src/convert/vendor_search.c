/* The search of the vendor's `default`, for comparison: three calibrators, then channels, then zero points; a
 * step ends it with a cosine that is high enough. It judges by the first sample, from which ranges were
 * collected, too. */
#include "convert/stages.h"

#include <math.h>

enum { STEPS = 5 };

struct step {
    struct vn_quant_method method;
    double cosine;
};

static int measure(struct step *s, const struct vn_conversion *c, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int scaled = s->method.per_channel && c->scaled.graph;
    struct graph *calibrated, *quantized;
    struct comparison *cmp;
    const struct compare_options o = {
        .run = c->run, .limit = 1, .listener = &c->listener, .what = vn_quant_method_text(&s->method, work)
    };
    int status = vn_convert_quantize(c, work, &s->method, scaled ? c->scaled.ranges : c->ranges, &calibrated,
                                     &quantized, e);
    if (status == VN_OK)
        status = vn_compare_graphs(&cmp, work, scaled ? c->scaled.graph : c->optimized, quantized, c->samples,
                                   &o, e);
    if (status == VN_OK) {
        s->cosine = vn_convert_worst_cosine(work, quantized, cmp);
        INFO(c, "  %-52s cosine %.6f", vn_quant_method_text(&s->method, work), s->cosine);
    }
    vn_arena_free(&work);
    return status;
}

static int best_of(const struct step *s, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = s[i].cosine > s[best].cosine ? i : best;
    return best;
}

int vn_convert_vendor_search(struct vn_conversion *c, struct vn_err *e)
{
    struct step s[STEPS] = { { .method = vn_convert_method(c, "max", 1) },
                             { .method = vn_convert_method(c, "max-percentile", 0.99995) },
                             { .method = vn_convert_method(c, "kl", 1) } };
    int n = 0;
    INFO(c, "Run calibration model with the vendor's search: cosine of the first sample, up to %g.",
         VENDOR_ENOUGH);
    while (n < 3)
        TRY(measure(&s[n++], c, e));
    if (s[best_of(s, n)].cosine < VENDOR_ENOUGH) {
        s[n].method = s[1].method;
        s[n].method.per_channel = 1;
        TRY(measure(&s[n++], c, e));
    }
    if (s[best_of(s, n)].cosine < VENDOR_ENOUGH) {
        s[n].method = s[best_of(s, n)].method;
        s[n].method.zero_points = ZERO_POINTS_ASYMMETRIC;
        TRY(measure(&s[n++], c, e));
    }
    c->method = s[best_of(s, n)].method;
    return VN_OK;
}
