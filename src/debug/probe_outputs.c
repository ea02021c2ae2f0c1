#include "debug/probe_outputs.h"

int vn_judged_outputs(struct judged_outputs *o, struct vn_arena *a, const struct probe *p,
                      const char *const *names, int n, int axis, struct vn_err *e)
{
    int all;
    vn_session_outputs(p->floats, &all);
    *o = (struct judged_outputs){ names ? n : all, NEW_ARRAY(a, int, names ? n : all), axis };
    for (int i = 0; i < o->n; i++) {
        o->index[i] = names ? vn_session_output_find(p->floats, names[i]) : i;
        if (o->index[i] < 0)
            return vn_fail(e, VN_E_USAGE, "%s has no output %s", p->graph->source, names[i]);
    }
    return VN_OK;
}

/* Along the axis; where the tensor has none, every element decides for itself. */
static void set_decisions(struct output_numbers *out, const struct vn_view *v, int axis)
{
    out->classes = out->step = 1;
    if (axis >= v->rank)
        return;
    out->classes = v->shape[axis] > 0 ? v->shape[axis] : 1;
    for (int d = axis + 1; d < v->rank; d++)
        out->step *= v->shape[d] > 0 ? v->shape[d] : 1;
}

int vn_output_numbers(struct output_numbers *out, struct vn_arena *a, const struct vn_session *s, int output,
                      int axis, struct vn_err *e)
{
    struct vn_view v;
    TRY(vn_session_output(s, output, &v, e));
    out->n = vn_view_count(&v);
    if (out->n > out->room) {
        out->room = out->n;
        out->x = NEW_ARRAY(a, float, out->n);
    }
    vn_view_real(out->x, &v);
    set_decisions(out, &v, axis);
    return VN_OK;
}
