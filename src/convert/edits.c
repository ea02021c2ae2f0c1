/* Other outputs, and nodes that leave the .bin: output_nodes, remove_node_type, remove_node_name. */
#include "convert/stages.h"

#include "base/words.h"
#include "edit/edit.h"

int vn_convert_set_outputs(struct vn_conversion *c, struct vn_err *e)
{
    const struct name_list *n = &c->config->output_nodes;
    const struct setting *s = vn_config_given(c->config, "output_nodes");
    if (!n->n)
        return VN_OK;
    if (vn_edit_outputs(c->original, n->n, n->v, e) < 0) {
        const struct vn_err why = *e;
        return vn_config_fail(c->config, s, e, VN_E_INPUT, "%s", why.msg);
    }
    vn_graph_meta_set(c->original, "output_nodes", s->text);
    return VN_OK;
}

/* Is it the name of a node, or of the Quantize or Dequantize of a value? */
static int is_known(struct vn_conversion *c, const char *name)
{
    static const char *const ends[] = { "_QuantizeLinear", "_DequantizeLinear" };
    for (int i = 0; i < c->original->nodes.n; i++)
        if (!strcmp(c->original->nodes.v[i]->name, name))
            return 1;
    for (int i = 0; i < 2; i++) {
        const size_t n = strlen(name), end = strlen(ends[i]);
        if (n > end && !strcmp(name + n - end, ends[i]) &&
            vn_graph_find(c->original, vn_arena_strn(c->arena, name, n - end)))
            return 1;
    }
    return 0;
}

int vn_convert_check_removals(struct vn_conversion *c, struct vn_err *e)
{
    const struct name_list *n = &c->config->remove_nodes;
    for (int i = 0; i < n->n; i++) {
        if (is_known(c, n->v[i]))
            continue;
        const char **names = NEW_ARRAY(c->arena, const char *, c->original->nodes.n);
        for (int k = 0; k < c->original->nodes.n; k++)
            names[k] = c->original->nodes.v[k]->name;
        const char *near = vn_nearest(n->v[i], names, c->original->nodes.n);
        return vn_config_fail(c->config, vn_config_given(c->config, "remove_node_name"), e, VN_E_INPUT,
                              "unknown node '%s'%s%s%s", n->v[i], near ? "; nearest name: '" : "",
                              near ? near : "", near ? "'" : "");
    }
    return VN_OK;
}

int vn_convert_remove_nodes(struct vn_conversion *c, struct vn_err *e)
{
    const struct name_list *types = &c->config->remove_types, *nodes = &c->config->remove_nodes;
    struct edge_list removed = { 0 };
    struct vn_edit_options o;
    if (!types->n && !nodes->n)
        return VN_OK;
    vn_edit_options_default(&o);
    o.types = types->v, o.n_types = types->n;
    o.nodes = nodes->v, o.n_nodes = nodes->n;
    o.lenient = 1;
    o.listener = c->listener;
    TRY(vn_edit_image(&c->bin, c->arena, &o, &removed, e));
    for (int i = 0; i < removed.v.n; i++)
        INFO(c, "Node '%s' (%s) is removed from the .bin", removed.v.v[i].name,
             vn_edge_word(removed.v.v[i].type));
    if (!removed.v.n || !c->written)
        return VN_OK;
    return vn_convert_write_text(c, "deleted_nodes", "deleted_nodes_info.txt",
                                 vn_edit_text(c->arena, &removed), e);
}
