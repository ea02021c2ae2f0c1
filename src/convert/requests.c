/* Requests of the configuration that the quantized network does not follow: each is said, with its reason. */
#include "convert/stages.h"

#include <stdarg.h>

#include "ops/op.h"

/* A warning at the place of a rule, with its name. */
static void warn(struct vn_conversion *c, const struct type_rule *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void warn(struct vn_conversion *c, const struct type_rule *r, const char *fmt, ...)
{
    struct vn_err at = { 0 };
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    vn_config_fail_rule(c->config, r, &at, VN_E_INPUT, "%s: %s", r->word ? r->word : r->name, msg);
    WARN(c, "%s", at.msg);
}

static int asks_types(const struct type_rule *r)
{
    int bits = r->out;
    for (int i = 0; i < CONFIG_NODE_INPUTS; i++)
        bits |= r->in[i];
    return bits != 0;
}

static int matches(const struct type_rule *r, const struct node *n)
{
    /* operator identity: users name types of nodes */
    return !strcmp(r->name, r->level == LEVEL_KIND ? vn_node_type(n) : n->name);
}

/* Nodes of a graph that a rule means; *in_float: those that compute in float, *first: one of them. */
static int count(const struct graph *g, const struct type_rule *r, int *in_float, const struct node **first)
{
    int n = 0;
    *in_float = 0;
    *first = NULL;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *node = g->nodes.v[i];
        if (!matches(r, node))
            continue;
        n++;
        if (vn_node_is_integer(node))
            continue;
        *first = *first ? *first : node;
        ++*in_float;
    }
    return n;
}

static int is_output(const struct graph *g, const struct value *v)
{
    for (int i = 0; i < g->outputs.n; i++)
        if (g->outputs.v[i] == v)
            return 1;
    return 0;
}

/* A type for a result that leaves the network in float32. */
static void tell_float_output(struct vn_conversion *c, const struct type_rule *r)
{
    const struct graph *g = c->quantized;
    for (int i = 0; r->out && r->level == LEVEL_NODE && i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        if (matches(r, n) && vn_node_is_integer(n) && !n->out[0]->q && is_output(g, n->out[0]))
            warn(c, r,
                 "OutputType int%d has no effect: its result is an output of the network, which is float32; "
                 "set 'optimization: set_model_output_int%d' for integer outputs",
                 r->out, r->out);
    }
}

static void tell_rule(struct vn_conversion *c, const struct type_rule *r)
{
    const struct node *first;
    int in_float, before;
    const int n = count(c->quantized, r, &in_float, &first);
    if (!n && r->level == LEVEL_KIND)
        warn(c, r, "no effect: %s",
             count(c->original, r, &before, &first)
                 ? vn_arena_fmt(c->arena, "optimization merged every %s into other nodes", r->name)
                 : vn_arena_fmt(c->arena, "the network has no %s", r->name));
    tell_float_output(c, r);
    if (!in_float || (r->on != UNIT_INTEGER && !(r->on == UNIT_ANY && asks_types(r))))
        return;
    const char *why = vn_reason_string(c->arena, first->why_float);
    if (r->level == LEVEL_NODE)
        warn(c, r, "no effect: the node (%s) computes in float: %s", vn_node_type(first), why);
    else
        warn(c, r, "no effect on %d of %d %s nodes, which compute in float; %s: %s", in_float, n, r->name,
             first->name, why);
}

/* Outputs that were to be integers and are not. */
static void tell_outputs(struct vn_conversion *c)
{
    const struct graph *g = c->quantized;
    const int bits = c->config->outputs_int8 ? 8 : c->config->outputs_int16 ? 16 : 0;
    const struct setting *s = vn_config_given(c->config, "optimization");
    for (int i = 0; bits && s && i < g->outputs.n; i++) {
        const struct value *v = g->outputs.v[i];
        const struct type_rule at = { .given = s,
                                      .line = s->line,
                                      .column = s->column,
                                      .word = vn_arena_fmt(c->arena, "set_model_output_int%d", bits) };
        if (!v->q && v->dtype == VN_F32)
            warn(c, &at, "no effect on output %s, which stays float32: %s", v->name,
                 v->producer && v->producer->why_float ? vn_reason_string(c->arena, v->producer->why_float)
                                                       : "no node computes it in integers");
    }
}

void vn_convert_tell_requests(struct vn_conversion *c)
{
    for (int i = 0; i < c->config->types.n; i++)
        if (c->config->types.v[i].level == LEVEL_KIND || c->config->types.v[i].level == LEVEL_NODE)
            tell_rule(c, &c->config->types.v[i]);
    tell_outputs(c);
}
