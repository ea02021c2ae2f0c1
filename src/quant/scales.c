/* The last resort: no artefact holds a scale that is not finite and positive. */
#include <math.h>

#include "ops/op.h"
#include "quant/quant.h"

/* In the graph's arena. */
static const char *cause(const struct graph *g, const struct value *v)
{
    const int64_t n = v->data ? vn_shape_count(&v->shape) : 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = vn_tensor_f64(v->data, i);
        if (!isfinite(x))
            return vn_arena_fmt(g->arena, "element %lld of this constant is %g", (long long)i, x);
    }
    return vn_arena_fmt(g->arena, "its largest magnitude is %g", v->threshold);
}

static int check_value(const struct graph *g, const struct value *v, struct vn_err *e)
{
    for (int c = 0; v->q && c < v->q->n; c++) {
        const float s = v->q->scale[c];
        if (isfinite(s) && s > 0)
            continue;
        const char *where = v->q->n > 1 ? vn_arena_fmt(g->arena, " of channel %d", c) : "";
        return vn_fail(e, VN_E_INPUT,
                       "%s: tensor %s cannot be quantized: scale %g%s is not finite and positive: %s",
                       g->source, v->name, (double)s, where, cause(g, v));
    }
    return VN_OK;
}

int vn_quantize_check(const struct graph *g, struct vn_err *e)
{
    for (int i = 0; i < g->values.n; i++)
        TRY(check_value(g, g->values.v[i], e));
    return VN_OK;
}
