/* The quantized stages by one method. */
#include "convert/stages.h"

static void leave_as_integers(struct value *v, const struct config *c)
{
    if (c->outputs_int8 || c->outputs_int16)
        v->raw_output = v->q && v->producer && v->q->n == 1;
}

int vn_convert_quantize(const struct vn_conversion *c, struct vn_arena *a, const struct vn_quant_method *m,
                        const struct vn_ranges *r, struct graph **calibrated, struct graph **quantized,
                        struct vn_err *e)
{
    const struct vn_quant_options o = { .method = *m,
                                        .target = &c->target,
                                        .outputs_int8 = c->config->outputs_int8,
                                        .outputs_int16 = c->config->outputs_int16,
                                        .rules = c->config->types.v,
                                        .n_rules = c->config->types.n,
                                        .random = c->config->random_data,
                                        .loaded = c->loaded,
                                        .listener = calibrated == &c->calibrated ? &c->listener : NULL };
    *calibrated = vn_graph_clone(a, m->per_channel && c->scaled.graph ? c->scaled.graph : c->optimized);
    TRY(vn_quantize_annotate(*calibrated, r, &o, e));
    *quantized = vn_graph_clone(a, *calibrated);
    TRY(vn_quantize_store(*quantized, e));
    for (int i = 0; i < (*quantized)->outputs.n; i++)
        leave_as_integers((*quantized)->outputs.v[i], c->config);
    return VN_OK;
}

struct vn_quant_method vn_convert_method(const struct vn_conversion *c, const char *calibrator,
                                         double parameter)
{
    const struct config *g = c->config;
    return (struct vn_quant_method){ .calibrator = vn_calibrator_find(calibrator),
                                     .parameter = parameter,
                                     .zero_points =
                                         g->asymmetric ? ZERO_POINTS_ASYMMETRIC : c->target.zero_points,
                                     .bias_correction = g->bias_correction,
                                     .per_channel = g->per_channel,
                                     .bottlenecks = g->bottlenecks == REFINE_ON };
}
