#include "flow/flow_compared.h"

#include "graph/graph.h"
#include "ops/op.h"

/* Integers and booleans are judged by the floats in front of them. */
static int is_below(const struct vn_compared *r, enum vn_compare_metric m, double least)
{
    return r->differs || (!r->exact && !(r->metric[m] >= least));
}

const struct vn_compared *vn_first_below(const struct vn_comparison *c, enum vn_compare_metric m,
                                         double least, int all)
{
    int n;
    const struct vn_compared *r = vn_comparison_rows(c, &n);
    for (int i = 0; i < n; i++)
        if ((all || r[i].output || r[i].judge) && is_below(&r[i], m, least))
            return &r[i];
    return NULL;
}

static int is_worse(const struct vn_compared *r, const struct vn_compared *worst)
{
    if (!worst || worst->exact || r->exact)
        return !worst || !r->exact;
    return !(r->metric[VN_COMPARE_SQNR] >= worst->metric[VN_COMPARE_SQNR]);
}

const struct vn_compared *vn_worst_output(const struct vn_comparison *c) { return vn_worst_of(c, 0); }

const struct vn_compared *vn_worst_of(const struct vn_comparison *c, int all)
{
    int n;
    const struct vn_compared *r = vn_comparison_rows(c, &n), *worst = NULL;
    for (int i = 0; i < n; i++)
        if ((all || r[i].output || r[i].judge) && is_worse(&r[i], worst))
            worst = &r[i];
    return worst;
}

const char *vn_compared_text(struct vn_arena *a, const struct vn_compared *r)
{
    if (!r)
        return "no output was compared";
    if (r->differs)
        return vn_arena_fmt(a, "%s: %s", r->name, r->differs);
    if (r->exact)
        return vn_arena_fmt(a, "%s: %.2f %% of the elements are equal", r->name,
                            100 * r->metric[VN_COMPARE_AGREEMENT]);
    return vn_arena_fmt(a, "%s: cosine %.6f, SQNR %.1f dB, agreement %.4f", r->name,
                        r->metric[VN_COMPARE_COSINE], r->metric[VN_COMPARE_SQNR],
                        r->metric[VN_COMPARE_AGREEMENT]);
}

/* What is clamped is not compared: where the clamp's result differs, it is mostly what came in. */
static const struct node *in_front_of_clamp(const struct node *n)
{
    const struct node *before = n && n->op->is_clamp && n->in[0] ? n->in[0]->producer : NULL;
    return before && vn_graph_sole_user(n->in[0]) ? before : n;
}

const char *vn_flow_node_of(struct flow_job *j, const char *onnx, const char *tensor)
{
    struct vn_session **s = vn_session_slot(j->work);
    struct vn_session_options o;
    struct vn_err ignored;
    vn_session_options_default(&o);
    o.inspect = 1;
    if (vn_session_open(s, onnx, &o, &ignored) < 0)
        return tensor;
    const struct value *v = vn_graph_find(vn_session_graph(*s), tensor);
    const struct node *n = in_front_of_clamp(v ? v->producer : NULL);
    return vn_arena_str(j->arena, n ? n->name : tensor);
}
