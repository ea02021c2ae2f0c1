#include <math.h>

#include "inspect/inspect.h"

struct side {
    const struct graph *g;      /* the quantized graph: value ids index everything */
    float **kept;               /* reference tensors of this sample */
    char *seen;                 /* in this sample */
    struct vn_arena *arena;     /* of this sample */
    struct comparison *result;
    int sample;
};

static const struct value *fresh(struct side *s, const struct vn_view *t)
{
    const int is_number = t->dtype == VN_F32 || t->dtype == VN_I8 || t->dtype == VN_I16;
    const struct value *v = is_number && vn_view_is_value(t) ? vn_graph_find(s->g, t->name) : NULL;
    if (!v || s->seen[v->id])
        return NULL;
    s->seen[v->id] = 1;
    return v;
}

static void keep(void *user, const struct vn_view *t)
{
    struct side *s = user;
    const struct value *v = fresh(s, t);
    if (!v)
        return;
    s->kept[v->id] = NEW_ARRAY(s->arena, float, vn_view_count(t));
    vn_view_real(s->kept[v->id], t);
}

static void compare(void *user, const struct vn_view *t)
{
    struct side *s = user;
    const struct value *v = fresh(s, t);
    if (!v || !s->kept[v->id])
        return;
    const int64_t n = vn_view_count(t);
    float *x = NEW_ARRAY(s->arena, float, n);
    vn_view_real(x, t);
    const struct similarity m = vn_similarity(s->kept[v->id], x, n);
    struct node_similarity *r = &s->result->of[v->id];
    if (!r->samples++) {
        r->first = m;
        r->min = 2;
    }
    if (m.cosine < r->min) {
        r->min = m.cosine;
        r->worst = s->sample;
    }
    r->mean += m.cosine;
}

static int run_one(struct side *s, const struct vn_program *ref, const struct vn_program *quant, const struct vn_samples *samples, struct vn_err *e)
{
    float **x = NEW_ARRAY(s->arena, float *, ref->n_in);
    const void **q = NEW_ARRAY(s->arena, const void *, ref->n_in);
    TRY(vn_samples_load(samples, s->sample, s->arena, x, e));
    const void **real = NEW_ARRAY(s->arena, const void *, ref->n_in);
    for (int i = 0; i < ref->n_in; i++) {
        real[i] = vn_program_input(s->arena, &ref->in[i], x[i]);
        q[i] = vn_program_input(s->arena, &quant->in[i], x[i]);
    }
    memset(s->seen, 0, (size_t)s->g->values.n);
    memset(s->kept, 0, (size_t)s->g->values.n * sizeof *s->kept);
    TRY(vn_model_run(ref->model, real, ref->result, e));
    memset(s->seen, 0, (size_t)s->g->values.n);
    return vn_model_run(quant->model, q, quant->result, e);
}

int vn_compare_graphs(struct comparison **out, struct vn_arena *a, const struct graph *reference, const struct graph *quantized,
                      const struct vn_samples *samples, int limit, const struct vn_options *run,
                      const struct vn_listener *l, const char *what, struct vn_err *e)
{
    struct compile_options o;
    vn_compile_defaults(&o);
    o.level = 0;
    struct vn_program ref, quant;
    TRY(vn_program_start(&ref, a, reference, &o, run, e));
    o.level = 3;
    TRY(vn_program_start(&quant, a, quantized, &o, run, e));
    struct comparison *c = NEW(a, struct comparison);
    c->n = quantized->values.n;
    c->of = NEW_ARRAY(a, struct node_similarity, c->n);
    struct side s = { .g = quantized, .kept = NEW_ARRAY(a, float *, c->n), .seen = vn_arena_alloc(a, (size_t)c->n), .result = c };
    vn_model_watch(ref.model, &(struct vn_watch){ .after = keep, .user = &s });
    vn_model_watch(quant.model, &(struct vn_watch){ .after = compare, .user = &s });
    int n = vn_samples_count(samples);
    n = limit && limit < n ? limit : n;
    int status = VN_OK;
    for (s.sample = 0; s.sample < n && status == VN_OK; s.sample++) {
        s.arena = vn_arena_new();
        status = run_one(&s, &ref, &quant, samples, e);
        vn_arena_free(&s.arena);
        vn_progress(l, what, s.sample + 1, n);
    }
    for (int i = 0; i < c->n; i++)
        if (c->of[i].samples)
            c->of[i].mean /= c->of[i].samples;
    *out = c;
    return status;
}
