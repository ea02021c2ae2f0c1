/* Quantization with one method, and the search for the best one. */
#include "convert/stages.h"

static void leave_as_integers(struct value *v, const struct config *c)
{
    if (c->outputs_int8 || c->outputs_int16)
        v->raw_output = v->q && v->producer && v->q->n == 1;
}

int vn_convert_quantize(const struct vn_conversion *c, struct vn_arena *a, const struct vn_quant_method *m,
                        struct graph **calibrated, struct graph **quantized, struct vn_err *e)
{
    const struct vn_quant_options o = { .method = *m,
                                        .target = &c->target,
                                        .outputs_int8 = c->config->outputs_int8,
                                        .outputs_int16 = c->config->outputs_int16,
                                        .rules = c->config->types.v,
                                        .n_rules = c->config->types.n,
                                        .listener = calibrated == &c->calibrated ? &c->listener : NULL };
    *calibrated = vn_graph_clone(a, c->optimized);
    TRY(vn_quantize_annotate(*calibrated, c->ranges, &o, e));
    *quantized = vn_graph_clone(a, *calibrated);
    TRY(vn_quantize_store(*quantized, e));
    for (int i = 0; i < (*quantized)->outputs.n; i++)
        leave_as_integers((*quantized)->outputs.v[i], c->config);
    return VN_OK;
}

/* Mean cosine of the outputs over a few samples; the worst output counts. */
#define SEARCH_SAMPLES 10

/* What judges the outputs is enough, so everything else may be fused. */
static int compare_outputs(struct comparison **out, struct vn_arena *a, const struct vn_conversion *c,
                           const struct graph *quantized, const char *what, struct vn_err *e)
{
    const struct compare_options o = { .run = c->run,
                                       .limit = SEARCH_SAMPLES,
                                       .wanted = vn_convert_judges(a, quantized),
                                       .level = 3,
                                       .listener = &c->listener,
                                       .what = what };
    return vn_compare_graphs(out, a, c->optimized, quantized, c->samples, &o, e);
}

static int score(const struct vn_conversion *c, const struct vn_quant_method *m, double *cosine,
                 struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct graph *calibrated, *quantized;
    struct comparison *cmp;
    const char *text = vn_quant_method_text(m, a);
    int status = vn_convert_quantize(c, a, m, &calibrated, &quantized, e);
    if (status == VN_OK)
        status = compare_outputs(&cmp, a, c, quantized, text, e);
    if (status == VN_OK) {
        *cosine = vn_convert_worst_cosine(a, quantized, cmp);
        INFO(c, "  %s: output cosine %.6f", text, *cosine);
    }
    vn_arena_free(&a);
    return status;
}

static const struct {
    const char *calibrator;
    double parameter;
} candidates[] = {
    { "max", 1 }, { "max-percentile", 0.99999 }, { "max-percentile", 0.99995 }, { "max-percentile", 0.9999 }
};

struct vn_quant_method vn_convert_method(const struct vn_conversion *c, const char *calibrator,
                                         double parameter)
{
    return (struct vn_quant_method){ vn_calibrator_find(calibrator), parameter,
                                     c->config->asymmetric ? ZERO_POINTS_ASYMMETRIC : c->target.zero_points,
                                     c->config->bias_correction };
}

/* Keep the better of what was best so far and m. */
static int try_method(struct vn_conversion *c, struct vn_quant_method m, double *best, struct vn_err *e)
{
    double cosine;
    TRY(score(c, &m, &cosine, e));
    if (cosine > *best) {
        *best = cosine;
        c->method = m;
    }
    return VN_OK;
}

int vn_convert_search(struct vn_conversion *c, struct vn_err *e)
{
    double best = -2;
    INFO(c, "Run calibration model with modelwise search method.");
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        TRY(try_method(c, vn_convert_method(c, candidates[i].calibrator, candidates[i].parameter), &best, e));
    struct vn_quant_method corrected = c->method;
    corrected.bias_correction = 1;
    return c->method.bias_correction ? VN_OK : try_method(c, corrected, &best, e);
}
