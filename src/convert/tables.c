/* Rows of the result tables. */
#include <math.h>

#include "convert/stages.h"

#include "ops/op.h"

/* What a node's similarity is measured on: a tensor that shares the parameters of the clamp behind it lost
 * what the clamp would remove, so the clamp's result is compared. */
static const struct value *visible_output(const struct node *n)
{
    const struct value *v = n->out[0];
    while (v->q && v->q->implied)
        v = vn_graph_sole_user(v)->out[0];
    return v;
}

/* Nothing is measured on tensors whose clamp is in the table, so the clamps, and no more, may be fused. */
int vn_convert_compare(struct vn_conversion *c, struct vn_err *e)
{
    const struct graph *g = c->quantized;
    unsigned char *wanted = NEW_ARRAY(c->arena, unsigned char, g->values.n);
    for (int i = 0; i < g->values.n; i++)
        wanted[i] = !g->values.v[i]->q || !g->values.v[i]->q->implied;
    const struct compare_options o = { .run = c->run,
                                       .limit = c->compare_limit,
                                       .wanted = wanted,
                                       .level = 1,
                                       .listener = &c->listener,
                                       .odd = &c->odd,
                                       .what = "comparison with float" };
    return vn_compare_graphs(&c->comparison, c->arena, c->optimized, g, c->samples, &o, e);
}

/* What an integer node computes in. */
static const char *type_text(const struct node *n)
{
    const struct qparam *x = n->n_in && n->in[0] ? n->in[0]->q : NULL, *y = n->out[0]->q;
    return vn_node_is_wide(n) || (x && x->dtype == VN_I16) || (y && y->dtype == VN_I16) ? "int16" : "int8";
}

/* In memory that outlives the graph. */
static const struct vn_reason *kept_reason(struct vn_conversion *c, const struct vn_reason *r)
{
    return r ? vn_reason_parse(c->kept, vn_reason_id(r), r->n, r->args, "") : NULL;
}

static void put_similarity(struct vn_node_row *r, const struct node_similarity *s)
{
    if (!s || !s->samples || s->exact)
        return;
    r->compared = 1;
    r->cosine = s->first.cosine;
    r->cosine_min = s->min;
    r->cosine_mean = s->mean;
}

/* Quantized nodes that hang together form a subgraph; each CPU node between them starts a new one. */
void vn_convert_fill_nodes(struct vn_conversion *c)
{
    const struct graph *g = c->quantized;
    int subgraph = 0, open = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const int integer = vn_node_is_integer(n);
        struct vn_node_row r = { .node = vn_arena_str(c->kept, n->name),
                                 .on = integer ? "BPU" : "CPU",
                                 .type = vn_arena_str(c->kept, vn_node_type(n)) };
        if (!integer && open)
            subgraph++;
        open = integer;
        c->integers += integer;
        r.why_float = integer ? NULL : kept_reason(c, n->why_float);
        r.subgraph = integer ? vn_arena_fmt(c->kept, "id(%d)", subgraph) : "--";
        r.threshold = integer && n->n_in && n->in[0] ? n->in[0]->threshold : 0;
        r.dtype = integer ? type_text(n) : "float";
        put_similarity(&r, c->comparison && n->out[0] ? &c->comparison->of[visible_output(n)->id] : NULL);
        VEC_PUSH(c->kept, &c->nodes, r);
    }
}

/* Its name within the folder of the first input. */
static const char *worst_sample(struct vn_conversion *c, const struct node_similarity *s)
{
    if (c->config->random_data || !s->samples)
        return NULL;
    const char *name = vn_samples_name(c->samples, s->worst), *folder = c->config->inputs[0].cal_dir;
    const size_t n = strlen(folder);
    name += strncmp(name, folder, n) ? 0 : n;
    return vn_arena_str(c->kept, name + strspn(name, "/"));
}

/* Integers and booleans have a share of equal elements, and the cosines of what judges them. */
static struct vn_output_row output_row(struct vn_conversion *c, const struct value *v)
{
    const struct node_similarity *own = &c->comparison->of[v->id];
    const struct value *judge = vn_convert_judge(c->arena, c->quantized, c->comparison, v);
    const struct node_similarity *s = judge ? &c->comparison->of[judge->id] : own;
    const struct value *judged = judge ? judge : v;
    const int measured = judge != NULL, exact = !vn_dtype_is_float(v->dtype);
    return (struct vn_output_row){ .worst_sample = worst_sample(c, s),
                                   .elements = vn_shape_count(&judged->shape),
                                   .output = vn_arena_str(c->kept, v->name),
                                   .cosine = measured ? s->first.cosine : NAN,
                                   .l1 = exact ? 0 : s->first.l1,
                                   .l2 = exact ? 0 : s->first.l2,
                                   .chebyshev = exact ? 0 : s->first.chebyshev,
                                   .cosine_min = measured ? s->min : NAN,
                                   .cosine_mean = measured ? s->mean : NAN,
                                   .exact = exact,
                                   .judged_by = exact && judge ? vn_arena_str(c->kept, judge->name) : NULL,
                                   .equal = exact && own->samples ? own->first.cosine : NAN,
                                   .equal_min = exact && own->samples ? own->min : NAN,
                                   .equal_mean = exact && own->samples ? own->mean : NAN };
}

static void fill_outputs(struct vn_conversion *c)
{
    for (int i = 0; i < c->quantized->outputs.n; i++) {
        const struct vn_output_row r = output_row(c, c->quantized->outputs.v[i]);
        VEC_PUSH(c->kept, &c->outputs, r);
    }
}

void vn_convert_fill_tables(struct vn_conversion *c)
{
    vn_convert_fill_nodes(c);
    fill_outputs(c);
}

void vn_convert_name_method(struct vn_conversion *c)
{
    c->summary =
        (struct vn_convert_summary){ .march = vn_arena_str(c->kept, c->target.name),
                                     .method = c->loaded ? "load" : vn_quant_method_text(&c->method, c->kept),
                                     .searched = vn_convert_searches(c->config),
                                     .bias_corrected = c->method.bias_correction,
                                     .random = c->config->random_data };
}

void vn_convert_keep_findings(struct vn_conversion *c, const struct data_report *r)
{
    c->samples_count = r->samples;
    for (int i = 0; i < r->findings.n; i++) {
        struct vn_finding f = r->findings.v[i];
        f.input = vn_arena_str(c->kept, f.input);
        f.text = vn_arena_str(c->kept, f.text);
        VEC_PUSH(c->kept, &c->findings, f);
    }
}
