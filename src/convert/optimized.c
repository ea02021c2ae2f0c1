/* The second stage: passes, and whether the types that are asked for name nodes that are left. */
#include "convert/stages.h"

#include "ops/op.h"

static const struct node *find_node(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, name))
            return g->nodes.v[i];
    return NULL;
}

/* The name of a node, or of an operator, that a rule means; an error with the nearest where there is none. */
static int check_rule(struct vn_conversion *c, const struct type_rule *r, struct vn_err *e)
{
    const int kind = r->level == LEVEL_KIND;
    const struct graph *g = c->optimized ? c->optimized : c->original;
    if (r->level == LEVEL_ALL || (kind ? vn_op_find(r->name, NULL) != NULL : find_node(g, r->name) != NULL))
        return VN_OK;
    if (!kind && find_node(c->original, r->name)) {
        WARN(c, "%s:%d: %s: no effect: optimization merged node %s into others", c->config->path, r->line,
             r->given->key->name, r->name);
        return VN_OK;
    }
    const char **names = NEW_ARRAY(c->arena, const char *, g->nodes.n + vn_ops_count);
    int n = 0;
    for (int i = 0; i < (kind ? vn_ops_count : g->nodes.n); i++)
        names[n++] = kind ? vn_ops[i]->onnx : g->nodes.v[i]->name;
    const char *near = vn_nearest(r->name, names, n);
    return vn_config_fail_rule(c->config, r, e, VN_E_INPUT, "%s '%s'%s%s%s",
                               kind ? "unknown operator" : "unknown node", r->name,
                               near ? "; nearest name: '" : "", near ? near : "", near ? "'" : "");
}

int vn_convert_check_rules(struct vn_conversion *c, struct vn_err *e)
{
    for (int i = 0; i < c->config->types.n; i++)
        TRY(vn_convert_note(c, check_rule(c, &c->config->types.v[i], e), e));
    TRY(vn_convert_add_subgraphs(c, e));
    return vn_convert_note(c, vn_convert_check_removals(c, e), e);
}

int vn_convert_optimize(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to optimize the onnx model.");
    c->optimized = vn_graph_clone(c->arena, c->original);
    c->passes = NEW_ARRAY(c->arena, struct pass_report, vn_passes_count);
    TRY(vn_passes_optimize(c->optimized, c->passes, e));
    for (int i = 0; i < vn_passes_count; i++)
        if (c->passes[i].changes) {
            const struct pass_report *p = &c->passes[i];
            INFO(c, "Summary info for %s:", p->name);
            INFO(c, "  After %s, the number of nodes has changed from %d to %d.", p->name, p->nodes_before,
                 p->nodes_after);
            INFO(c, "  After %s, the number of parameters has changed from %lld to %lld.", p->name,
                 (long long)p->params_before, (long long)p->params_after);
        }
    INFO(c, "End to optimize the onnx model.");
    return VN_OK;
}
