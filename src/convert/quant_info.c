/* PREFIX_quant_info.json: what each node computes in, its scales, and how close its result is to float32. */
#include "convert/stages.h"

#include <math.h>

#include "base/escape.h"
#include "ops/op.h"

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* Names from a file need not be UTF-8. */
static json_t *text(const char *name)
{
    json_t *o = json_string(name);
    return o ? o : json_string(vn_shown(name, (char[VN_SHOWN]){ 0 }));
}

static json_t *scales(const struct qparam *q)
{
    json_t *list = json_array();
    for (int i = 0; i < q->n; i++)
        json_array_append_new(list, number((double)q->scale[i]));
    return list;
}

static json_t *zero_points(const struct qparam *q)
{
    json_t *list = json_array();
    for (int i = 0; i < q->n; i++)
        json_array_append_new(list, json_integer(q->zero[i]));
    return list;
}

/* One entry of scale and zero_point for the whole tensor, or one for each index of `axis`. */
static json_t *tensor(const struct value *v)
{
    json_t *o = json_object();
    json_object_set_new(o, "name", text(v->name));
    json_object_set_new(o, "dtype", json_string(vn_dtype_name(v->q ? v->q->dtype : v->dtype)));
    if (!v->q)
        return o;
    json_object_set_new(o, "scale", scales(v->q));
    json_object_set_new(o, "zero_point", zero_points(v->q));
    if (v->q->axis >= 0)
        json_object_set_new(o, "axis", json_integer(v->q->axis));
    if (v->threshold > 0)
        json_object_set_new(o, "threshold", number(v->threshold));
    return o;
}

static json_t *tensors(struct value *const *v, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        if (v[i])
            json_array_append_new(list, tensor(v[i]));
    return list;
}

static json_t *node(const struct node *n, const struct vn_node_row *row)
{
    json_t *o = json_object();
    json_object_set_new(o, "name", text(row->node));
    json_object_set_new(o, "type", json_string(row->type));
    json_object_set_new(o, "on", json_string(row->on));
    json_object_set_new(o, "dtype", json_string(row->dtype));
    json_object_set_new(o, "inputs", tensors(n->in, n->n_in));
    json_object_set_new(o, "outputs", tensors(n->out, n->n_out));
    if (row->compared) {
        json_object_set_new(o, "cosine", number(row->cosine));
        json_object_set_new(o, "cosine_min", number(row->cosine_min));
        json_object_set_new(o, "cosine_mean", number(row->cosine_mean));
    }
    return o;
}

/* The rows of the table follow the nodes of the graph. */
static json_t *quant_info(const struct vn_conversion *c)
{
    json_t *o = json_object(), *list = json_array();
    json_object_set_new(o, "march", json_string(c->summary.march));
    json_object_set_new(o, "calibration_method", json_string(c->summary.method));
    for (int i = 0; i < c->quantized->nodes.n; i++)
        json_array_append_new(list, node(c->quantized->nodes.v[i], &c->nodes.v[i]));
    json_object_set_new(o, "nodes", list);
    return o;
}

int vn_convert_write_quant_info(struct vn_conversion *c, struct vn_err *e)
{
    const char *file = vn_arena_fmt(c->arena, "%s_quant_info.json", c->config->prefix);
    return vn_convert_write_json(c, "quant_info", file, quant_info(c), e);
}
