/* Outputs of the last run, as views. */
#include "session/network.h"

static void view_result(struct vn_view *v, const struct vn_session *s, int i)
{
    int n;
    const struct vn_io *io = &vn_model_outputs(s->model, &n)[i];
    v->dtype = io->dtype;
    v->rank = io->rank;
    vn_model_output_shape(s->model, i, v->shape);
    v->data = s->result[i];
    v->n_scale = io->scale > 0;
    v->scale = &io->scale;
    v->zero = &io->zero;
}

static void view_computed(struct vn_view *v, const struct vn_session *s, int i)
{
    const struct vn_tensor *t = s->computed[i];
    const struct qparam *q = s->net->graph->outputs.v[i]->q;
    v->dtype = t->dtype;
    v->rank = t->shape.rank;
    memcpy(v->shape, t->shape.d, sizeof v->shape);
    v->data = t->data;
    if (!q || vn_dtype_is_float(t->dtype))
        return;
    v->n_scale = q->n;
    v->axis = q->n > 1 ? q->axis : -1;
    v->scale = q->scale;
    v->zero = q->zero;
}

static int check_output(const struct vn_session *s, int i, struct vn_err *e)
{
    return i >= 0 && i < s->net->n_out
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "%s has %d outputs, got index %d", s->net->path, s->net->n_out, i);
}

int vn_session_lend_output(struct vn_session *s, int i, void *buffer, size_t bytes, struct vn_err *e)
{
    int n;
    TRY(check_output(s, i, e));
    if (!s->model)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: the reference executor keeps its outputs", s->net->path);
    const size_t want = vn_model_outputs(s->model, &n)[i].bytes;
    if (buffer && bytes != want)
        return vn_fail(e, VN_E_USAGE, "%s: output %s: expected a buffer of %zu bytes, got %zu", s->net->path,
                       s->net->out[i].name, want, bytes);
    s->result[i] = buffer ? buffer : s->own_result[i];
    s->done = 0;
    return VN_OK;
}

int vn_session_output(const struct vn_session *s, int i, struct vn_view *out, struct vn_err *e)
{
    TRY(check_output(s, i, e));
    if (!s->done)
        return vn_fail(e, VN_E_USAGE, "%s: output %s: the network has not run to its end", s->net->path,
                       s->net->out[i].name);
    *out = (struct vn_view){ .name = s->net->out[i].name,
                             .node = "",
                             .role = VN_ROLE_VALUE,
                             .tensor = -1,
                             .instruction = -1,
                             .axis = -1 };
    if (s->model)
        view_result(out, s, i);
    else
        view_computed(out, s, i);
    const struct vn_shape shape = vn_shape_of(out->rank, out->shape);
    vn_shape_strides(&shape, out->stride);
    out->bytes = (size_t)vn_view_count(out) * vn_dtype_size(out->dtype);
    return VN_OK;
}
