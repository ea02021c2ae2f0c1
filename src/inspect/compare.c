/* Two graphs of one network on the same samples: how alike each value is. */
#include "inspect/inspect.h"

/* The two sessions, and what the reference's showed of this sample. */
struct graph_pair {
    struct vn_session *reference, *quantized;
    int *in_quantized; /* by the reference's value id: the id in the quantized graph, which indexes all else;
                          -1: none */
    float **kept; /* the reference's values of this sample */
    struct vn_arena *arena; /* of this sample */
    struct comparison *result;
    int sample;
};

static int is_number(const struct vn_view *t)
{
    return t->dtype == VN_F32 || t->dtype == VN_I8 || t->dtype == VN_I16;
}

static float *numbers(struct graph_pair *p, const struct vn_view *t)
{
    float *x = NEW_ARRAY(p->arena, float, vn_view_count(t));
    vn_view_real(x, t);
    return x;
}

static void keep(void *user, int value, const struct vn_view *t)
{
    struct graph_pair *p = user;
    if (is_number(t))
        p->kept[p->in_quantized[value]] = numbers(p, t);
}

static void compare(void *user, int value, const struct vn_view *t)
{
    struct graph_pair *p = user;
    if (!p->kept[value] || !is_number(t))
        return;
    const struct similarity m = vn_similarity(p->kept[value], numbers(p, t), vn_view_count(t));
    struct node_similarity *r = &p->result->of[value];
    if (!r->samples++) {
        r->first = m;
        r->min = 2;
    }
    if (m.cosine < r->min) {
        r->min = m.cosine;
        r->worst = p->sample;
    }
    r->mean += m.cosine;
}

static int run_one(struct graph_pair *p, const struct vn_samples *samples, struct vn_err *e)
{
    float **x = NEW_ARRAY(p->arena, float *, vn_session_graph(p->reference)->inputs.n);
    memset(p->kept, 0, (size_t)p->result->n * sizeof *p->kept);
    TRY(vn_samples_load(samples, p->sample, p->arena, x, e));
    TRY(vn_session_feed_values(p->reference, x, e));
    TRY(vn_session_feed_values(p->quantized, x, e));
    TRY(vn_session_run(p->reference, e));
    return vn_session_run(p->quantized, e);
}

static int open_side(struct vn_session **out, struct vn_arena *a, const struct graph *g, int level,
                     const struct vn_options *run, struct vn_err *e)
{
    struct vn_session_options o;
    struct vn_session **session = vn_session_slot(a);
    vn_session_options_default(&o);
    o.run = *run;
    o.level = level;
    TRY(vn_session_open_graph(session, g, NULL, &o, e));
    *out = *session;
    return VN_OK;
}

/* Each side shows what the other has, too. */
static void watch_both(struct graph_pair *p, struct vn_arena *a)
{
    const int n = vn_session_values(p->reference);
    unsigned char *left = NEW_ARRAY(a, unsigned char, n), *right = NEW_ARRAY(a, unsigned char, p->result->n);
    p->in_quantized = NEW_ARRAY(a, int, n);
    for (int i = 0; i < n; i++) {
        const int k = p->in_quantized[i] =
            vn_session_value(p->quantized, vn_session_value_name(p->reference, i));
        left[i] = k >= 0;
        if (k >= 0)
            right[k] = 1;
    }
    vn_session_observe(p->reference, &(struct vn_observer){ .after = keep, .wanted = left, .user = p });
    vn_session_observe(p->quantized, &(struct vn_observer){ .after = compare, .wanted = right, .user = p });
}

static int compare_samples(struct graph_pair *p, const struct vn_samples *samples, int n,
                           const struct vn_listener *l, const char *what, struct vn_err *e)
{
    int status = VN_OK;
    for (p->sample = 0; p->sample < n && status == VN_OK; p->sample++) {
        p->arena = vn_arena_new();
        status = run_one(p, samples, e);
        vn_arena_free(&p->arena);
        vn_progress(l, what, p->sample + 1, n);
    }
    return status;
}

int vn_compare_graphs(struct comparison **out, struct vn_arena *a, const struct graph *reference,
                      const struct graph *quantized, const struct vn_samples *samples, int limit,
                      const struct vn_options *run, const struct vn_listener *l, const char *what,
                      struct vn_err *e)
{
    struct comparison *c = *out = NEW(a, struct comparison);
    c->n = quantized->values.n;
    c->of = NEW_ARRAY(a, struct node_similarity, c->n);
    struct vn_arena *work = vn_arena_new();
    struct graph_pair p = { .result = c, .kept = NEW_ARRAY(work, float *, c->n) };
    const int all = vn_samples_count(samples);
    int status = open_side(&p.reference, work, reference, 0, run, e);
    if (status == VN_OK)
        status = open_side(&p.quantized, work, quantized, 3, run, e);
    if (status == VN_OK) {
        watch_both(&p, work);
        status = compare_samples(&p, samples, limit && limit < all ? limit : all, l, what, e);
    }
    vn_arena_free(&work);
    for (int i = 0; i < c->n; i++)
        if (c->of[i].samples)
            c->of[i].mean /= c->of[i].samples;
    return status;
}
