#include "inspect/edited_ports.h"

#include "edit/edit.h"
#include "ops/op.h"

static const char deleted[] = "deleted.";

int vn_is_edited(const struct vn_session *s)
{
    const char *key, *text;
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        if (!strncmp(key, deleted, sizeof deleted - 1) || !strcmp(key, "output_nodes"))
            return 1;
    return 0;
}

static int are_values(const struct vn_port *p, int n, const struct vn_session *of)
{
    for (int i = 0; i < n; i++)
        if (vn_session_value(of, p[i].name) < 0)
            return 0;
    return 1;
}

int vn_is_within(const struct vn_session *part, const struct vn_session *whole)
{
    int n_in, n_out;
    const struct vn_port *in = vn_session_inputs(part, &n_in), *out = vn_session_outputs(part, &n_out);
    return are_values(in, n_in, whole) && are_values(out, n_out, whole);
}

static int are_same(const struct vn_port *x, int n, const struct vn_port *y, int m)
{
    int same = n == m;
    for (int i = 0; same && i < n; i++)
        same = !strcmp(x[i].name, y[i].name);
    return same;
}

int vn_has_same_ports(const struct vn_session *x, const struct vn_session *y)
{
    int n, m, n_out, m_out;
    const struct vn_port *in = vn_session_inputs(x, &n), *other_in = vn_session_inputs(y, &m);
    const struct vn_port *out = vn_session_outputs(x, &n_out), *other_out = vn_session_outputs(y, &m_out);
    return are_same(in, n, other_in, m) && are_same(out, n_out, other_out, m_out);
}

static const char *add_removed(const char *list, struct vn_arena *a, const struct vn_session *x,
                               const struct vn_session *y)
{
    const char *key, *text;
    for (int i = 0; vn_session_meta_at(x, i, &key, &text) == VN_OK; i++)
        if (!strncmp(key, deleted, sizeof deleted - 1) && !vn_session_meta(y, key))
            list = vn_arena_fmt(a, "%s%s%s (%s)", list ? list : "", list ? "; " : "",
                                key + sizeof deleted - 1, text);
    return list;
}

const char *vn_removed_nodes(struct vn_arena *a, const struct vn_session *x, const struct vn_session *y)
{
    return add_removed(add_removed(NULL, a, x, y), a, y, x);
}

static struct edit_port *ports_of(struct vn_arena *a, const struct vn_io *io, int n)
{
    struct edit_port *p = NEW_ARRAY(a, struct edit_port, n);
    for (int i = 0; i < n; i++)
        p[i] = (struct edit_port){ io[i].name, io[i].scale > 0 && io[i].type == VN_IN_FEATUREMAP };
    return p;
}

int vn_cut_session(struct vn_session **s, struct vn_arena *a, const struct vn_session *onnx,
                   const struct vn_session *bin, struct vn_err *e)
{
    int n_in, n_out;
    const struct vn_io *in = vn_model_inputs(vn_session_model(bin), &n_in),
                       *out = vn_model_outputs(vn_session_model(bin), &n_out);
    struct graph *g = vn_graph_clone(a, vn_session_graph(onnx));
    struct vn_session_options o;
    struct vn_session **slot = vn_session_slot(a);
    if (vn_edit_cut(g, n_in, ports_of(a, in, n_in), n_out, ports_of(a, out, n_out), e) < 0)
        return vn_fail_at(e, "%s was edited", vn_session_path(bin));
    vn_session_options_default(&o);
    o.inspect = 1;
    TRY(vn_session_open_graph(slot, g, NULL, &o, e));
    *s = *slot;
    return VN_OK;
}
