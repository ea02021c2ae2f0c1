/* What the outputs of a comparison say. Integers and booleans are compared exactly; how well a method did is
 * judged by the last float tensors in front of them, which change before an index does. */
#include <math.h>

#include "convert/stages.h"

struct judge {
    const struct comparison *cmp;
    const struct value *worst;
    char *seen; /* by value id */
};

/* The float value with the least mean cosine among v and, where it is not float or was not compared, the
 * nearest in front of it. A chain is as long as the network: no recursion. */
static void judge_front(struct judge *j, struct vn_arena *a, const struct value *from)
{
    VEC(const struct value *) todo = { 0 };
    VEC_PUSH(a, &todo, from);
    while (todo.n) {
        const struct value *v = todo.v[--todo.n];
        const struct node_similarity *s = &j->cmp->of[v->id];
        if (j->seen[v->id])
            continue;
        j->seen[v->id] = 1;
        if (s->samples && !s->exact) {
            if (!j->worst || s->mean < j->cmp->of[j->worst->id].mean)
                j->worst = v;
            continue;
        }
        for (int i = 0; v->producer && i < v->producer->n_in; i++)
            if (v->producer->in[i] && !v->producer->in[i]->data)
                VEC_PUSH(a, &todo, v->producer->in[i]);
    }
}

const struct value *vn_convert_judge(struct vn_arena *a, const struct graph *g, const struct comparison *cmp,
                                     const struct value *output)
{
    struct judge j = { .cmp = cmp, .seen = vn_arena_alloc(a, (size_t)g->values.n) };
    judge_front(&j, a, output);
    return j.worst;
}

double vn_convert_worst_cosine(struct vn_arena *a, const struct graph *g, const struct comparison *cmp)
{
    double worst = NAN;
    for (int i = 0; i < g->outputs.n; i++) {
        const struct value *v = vn_convert_judge(a, g, cmp, g->outputs.v[i]);
        if (v)
            worst = fmin(worst, cmp->of[v->id].mean);
    }
    return worst;
}

/* The least mean of the outputs that are compared exactly, or that are not. NaN: there are none. */
static double worst_mean(const struct graph *g, const struct comparison *cmp, int exact)
{
    double worst = NAN;
    for (int i = 0; i < g->outputs.n; i++) {
        const struct node_similarity *s = &cmp->of[g->outputs.v[i]->id];
        if (s->samples && s->exact == exact)
            worst = fmin(worst, s->mean);
    }
    return worst;
}

static void note(struct vn_conversion *c, struct graph *g, const char *key, double x)
{
    if (!isnan(x))
        vn_graph_meta_set(g, key, vn_arena_fmt(c->arena, "%.6f", x));
}

void vn_convert_note_accuracy(struct vn_conversion *c, struct graph *g)
{
    const double exact = worst_mean(c->quantized, c->comparison, 1);
    note(c, g, "accuracy.output_cosine_mean", worst_mean(c->quantized, c->comparison, 0));
    note(c, g, "accuracy.output_equal_mean", exact);
    if (!isnan(exact))
        note(c, g, "accuracy.last_float_cosine_mean",
             vn_convert_worst_cosine(c->arena, c->quantized, c->comparison));
}
