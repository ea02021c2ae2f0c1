/* The graph behind a session, to look at. */
#include "ops/op.h"
#include "session/network.h"

static const struct node *node_of(const struct vn_session *s, int i)
{
    const struct graph *g = s->net->graph;
    return g && i >= 0 && i < g->nodes.n ? g->nodes.v[i] : NULL;
}

int vn_session_node(const struct vn_session *s, int i, struct vn_node_info *out)
{
    const struct node *n = node_of(s, i);
    if (!n)
        return VN_E_USAGE;
    *out = (struct vn_node_info){ .name = n->name,
                                  .type = vn_node_type(n),
                                  .integer = vn_node_is_integer(n),
                                  .n_in = n->n_in,
                                  .n_out = n->n_out };
    return VN_OK;
}

int vn_session_node_input(const struct vn_session *s, int i, int slot)
{
    const struct node *n = node_of(s, i);
    return n && slot >= 0 && slot < n->n_in && n->in[slot] ? n->in[slot]->id : -1;
}

int vn_session_node_output(const struct vn_session *s, int i, int slot)
{
    const struct node *n = node_of(s, i);
    return n && slot >= 0 && slot < n->n_out && n->out[slot] ? n->out[slot]->id : -1;
}

int vn_session_value_info(const struct vn_session *s, int value, struct vn_view *out)
{
    const struct graph *g = s->net->graph;
    if (!g || value < 0 || value >= g->values.n)
        return VN_E_USAGE;
    const struct value *v = g->values.v[value];
    *out = (struct vn_view){ .name = v->name,
                             .node = v->producer ? v->producer->name : "",
                             .role = VN_ROLE_VALUE,
                             .tensor = -1,
                             .instruction = v->producer ? v->producer->id : -1,
                             .dtype = v->q ? v->q->dtype : v->dtype,
                             .rank = v->shape.rank,
                             .constant = v->data != NULL,
                             .axis = -1 };
    memcpy(out->shape, v->shape.d, sizeof out->shape);
    if (v->q) {
        out->axis = v->q->axis;
        out->n_scale = v->q->n;
        out->scale = v->q->scale;
        out->zero = v->q->zero;
    }
    return VN_OK;
}

int vn_session_class_axis(const struct vn_session *s, int value)
{
    const struct graph *g = s->net->graph;
    return g && value >= 0 && value < g->values.n ? vn_value_class_axis(g->values.v[value]) : -1;
}
