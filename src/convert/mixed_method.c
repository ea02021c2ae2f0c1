/* Calibration type mix: kl, but where a tensor suffers from it the best of several calibrators. */
#include "convert/stages.h"

#include <math.h>

enum { MIX_SAMPLES = 10 };
#define SENSITIVE 0.999 /* cosine; what lies below is */

enum { MIXED = 3 }; /* the first is what the others are compared with */
static const struct {
    const char *calibrator;
    double parameter;
} mixed[MIXED] = { { "kl", 1 }, { "max", 1 }, { "max-percentile", 0.99995 } };

struct vn_quant_method vn_convert_mixed(const struct vn_conversion *c, int i)
{
    return vn_convert_method(c, mixed[i].calibrator, mixed[i].parameter);
}

int vn_convert_mixed_count(void) { return MIXED; }

/* By tensor name in *cosine, of a pointer to the mean. */
static int measure(struct vn_map **cosine, struct vn_arena *a, const struct vn_conversion *c,
                   const struct vn_quant_method *m, struct vn_err *e)
{
    struct graph *calibrated, *quantized;
    struct comparison *cmp;
    const struct compare_options o = {
        .run = c->run, .limit = MIX_SAMPLES, .listener = &c->listener, .what = vn_quant_method_text(m, a)
    };
    TRY(vn_convert_quantize(c, a, m, c->ranges, &calibrated, &quantized, e));
    TRY(vn_compare_graphs(&cmp, a, c->optimized, quantized, c->samples, &o, e));
    *cosine = vn_map_new(a);
    for (int i = 0; i < quantized->values.n; i++) {
        const struct value *v = quantized->values.v[i];
        if (v->q && !v->data && cmp->of[i].samples)
            vn_map_set(*cosine, v->name, &cmp->of[i].mean);
    }
    return VN_OK;
}

static double mean_of(const struct vn_map *cosine, const struct value *v)
{
    const double *mean = vn_map_get(cosine, v->name);
    return mean ? *mean : -2;
}

static int mix(struct vn_map *to, struct vn_arena *a, const struct vn_conversion *c, struct vn_err *e)
{
    struct vn_quant_method *m = NEW_ARRAY(c->arena, struct vn_quant_method, MIXED);
    struct vn_map *cosine[MIXED];
    int counts[MIXED] = { 0 };
    for (int k = 0; k < MIXED; k++) {
        m[k] = vn_convert_mixed(c, k);
        TRY(measure(&cosine[k], a, c, &m[k], e));
    }
    for (int i = 0; i < c->optimized->values.n; i++) {
        const struct value *v = c->optimized->values.v[i];
        int best = 0;
        if (!vn_map_get(cosine[0], v->name) || mean_of(cosine[0], v) >= SENSITIVE)
            continue;
        for (int k = 1; k < MIXED; k++)
            best = mean_of(cosine[k], v) > mean_of(cosine[best], v) ? k : best;
        vn_map_set(to, v->name, &m[best]);
        counts[best]++;
    }
    INFO(c, "mix: tensors below %g with kl: %d stay, %d take max, %d max-percentile", SENSITIVE, counts[0],
         counts[1], counts[2]);
    return VN_OK;
}

int vn_convert_mix(struct vn_quant_method *out, const struct vn_conversion *c, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct vn_map *of = vn_map_new(c->arena);
    const int status = mix(of, work, c, e);
    vn_arena_free(&work);
    *out = vn_convert_mixed(c, 0);
    out->mix = of;
    return status;
}
