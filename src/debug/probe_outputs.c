#include "debug/probe_outputs.h"

int vn_judged_outputs(struct judged_outputs *o, struct vn_arena *a, const struct probe *p,
                      const char *const *names, int n, int axis, struct vn_err *e)
{
    int all;
    const struct vn_port *ports = vn_session_outputs(p->floats, &all);
    *o = (struct judged_outputs){ 0, NEW_ARRAY(a, int, names ? n : all), axis };
    for (int i = 0; !names && i < all; i++)
        if (vn_dtype_is_float(ports[i].dtype))
            o->index[o->n++] = i;
    for (int i = 0; names && i < n; i++) {
        const int k = vn_session_output_find(p->floats, names[i]);
        if (k < 0)
            return vn_fail(e, VN_E_USAGE, "%s has no output %s", p->graph->source, names[i]);
        if (!vn_dtype_is_float(ports[k].dtype))
            return vn_fail(e, VN_E_USAGE,
                           "%s: output %s is %s and is judged by the last float tensors before it: omit "
                           "--output to judge them",
                           p->graph->source, names[i], vn_dtype_name(ports[k].dtype));
        o->index[o->n++] = k;
    }
    return o->n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no output depends on a float tensor", p->graph->source);
}

/* Along the axis; where the tensor has none, every element decides for itself. */
static void set_decisions(struct output_numbers *out, const struct vn_view *v, int axis)
{
    out->classes = out->step = 1;
    if (axis < 0 || axis >= v->rank)
        return;
    out->classes = v->shape[axis] > 0 ? v->shape[axis] : 1;
    for (int d = axis + 1; d < v->rank; d++)
        out->step *= v->shape[d] > 0 ? v->shape[d] : 1;
}

int vn_output_numbers(struct output_numbers *out, struct vn_arena *a, const struct vn_session *s, int output,
                      int axis, struct vn_err *e)
{
    struct vn_view v;
    int outputs;
    TRY(vn_session_output(s, output, &v, e));
    if (axis < 0)
        axis = vn_session_class_axis(s, vn_session_outputs(s, &outputs)[output].value);
    out->n = vn_view_count(&v);
    if (out->n > out->room) {
        out->room = out->n;
        out->x = NEW_ARRAY(a, float, out->n);
    }
    vn_view_real(out->x, &v);
    set_decisions(out, &v, axis);
    return VN_OK;
}
