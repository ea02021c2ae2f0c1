/* What a session says of itself. */
#include "base/hash.h"
#include "ops/op.h"
#include "session/network.h"

/* ---- what it is ---- */

enum vn_artefact vn_session_kind(const struct vn_session *s) { return s->net->kind; }
const char *vn_session_path(const struct vn_session *s) { return s->net->path; }
const struct vn_model *vn_session_model(const struct vn_session *s) { return s->model; }
const struct graph *vn_session_graph(const struct vn_session *s) { return s->net->graph; }

uint64_t vn_session_hash(const struct vn_session *s)
{
    return s->net->image ? vn_hash(s->net->image, s->net->image_bytes, SIZE_MAX) : 0;
}
const struct input_config *vn_session_input_config(const struct vn_session *s, int i)
{
    return &s->net->config[i];
}
void vn_session_name_sample(struct vn_session *s, const char *path) { s->sample = path; }

const char *vn_session_meta(const struct vn_session *s, const char *key)
{
    return s->net->graph ? vn_graph_meta(s->net->graph, key) : vn_model_meta(s->model, key);
}

int vn_session_meta_at(const struct vn_session *s, int i, const char **key, const char **text)
{
    const struct graph *g = s->net->graph;
    if (!g)
        return vn_model_meta_at(s->model, i, key, text);
    if (i < 0 || i >= g->meta.n)
        return VN_E_USAGE;
    *key = g->meta.v[i].key;
    *text = g->meta.v[i].text;
    return VN_OK;
}

int vn_session_graph_info(const struct vn_session *s, struct vn_graph_info *out)
{
    const struct graph *g = s->net->graph;
    if (!g)
        return VN_E_USAGE;
    *out = (struct vn_graph_info){ .ir_version = g->ir_version, .opset = g->opset, .nodes = g->nodes.n };
    for (int i = 0; i < g->nodes.n; i++)
        out->integer_nodes += vn_node_is_integer(g->nodes.v[i]);
    return VN_OK;
}

/* ---- inputs, outputs, values ---- */

const struct vn_port *vn_session_inputs(const struct vn_session *s, int *n)
{
    *n = s->net->n_in;
    return s->net->in;
}

const struct vn_port *vn_session_outputs(const struct vn_session *s, int *n)
{
    *n = s->net->n_out;
    return s->net->out;
}

static int find_port(const struct vn_port *p, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(p[i].name, name))
            return i;
    return -1;
}

int vn_session_input(const struct vn_session *s, const char *name)
{
    return find_port(s->net->in, s->net->n_in, name);
}
int vn_session_output_find(const struct vn_session *s, const char *name)
{
    return find_port(s->net->out, s->net->n_out, name);
}

int vn_session_values(const struct vn_session *s) { return s->net->n_values; }

const char *vn_session_value_name(const struct vn_session *s, int value)
{
    return value >= 0 && value < s->net->n_values ? s->net->value_name[value] : NULL;
}

int vn_session_value(const struct vn_session *s, const char *name)
{
    const char **at = vn_map_get(s->net->by_name, name);
    return at ? (int)(at - s->net->value_name) : -1;
}

int vn_session_value_of(const struct vn_session *s, int tensor)
{
    if (!s->model)
        return tensor >= 0 && tensor < s->net->n_values ? tensor : -1;
    return tensor >= 0 && tensor < s->net->n_tensors ? s->net->value_of[tensor] : -1;
}
