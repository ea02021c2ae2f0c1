/* Two graphs of one network on the same samples: how alike each value is. */
#include <limits.h>
#include <math.h>

#include "inspect/inspect.h"
#include "ops/masks.h"

/* Numbers of a tensor that is not compared as it lies in memory. */
struct numbers {
    struct vn_shape shape;
    float *real; /* in C order; */
    int64_t *exact; /* or as stored, where it is not float */
};

/* A value of the reference in one sample. */
struct kept_value {
    struct numbers n;
    /* Its numbers in the order of its memory, integers as they are stored; no data: they are not flat. */
    struct vn_view flat;
    void *room; /* of flat.data, for all samples */
    size_t bytes; /* of it */
};

/* The two sessions, and what the reference's showed of this sample. */
struct graph_pair {
    struct vn_session *reference, *quantized;
    int *in_quantized; /* by the reference's value id: the id in the quantized graph, which indexes all else;
                          -1: none */
    struct kept_value *kept; /* the reference's values of this sample */
    struct kept_value other; /* one of the quantized graph */
    struct mask *masks; /* by the quantized id: elements that the reference masks say nothing */
    struct vn_arena *arena; /* of this sample */
    struct vn_arena *work; /* of all samples */
    struct comparison *compared;
    struct vn_arena *of_result;
    float **x; /* the inputs of one sample */
    int sample;
    double *least; /* by sample: cosine of the outputs */
};

static int is_real(const struct vn_view *t) { return vn_dtype_is_float(t->dtype) || t->n_scale; }

static struct numbers numbers_of(struct graph_pair *p, const struct vn_view *t)
{
    struct numbers k = { .shape.rank = t->rank };
    memcpy(k.shape.d, t->shape, (size_t)t->rank * sizeof *t->shape);
    if (is_real(t)) {
        k.real = NEW_ARRAY(p->arena, float, vn_view_count(t));
        vn_view_real(k.real, t);
    } else {
        k.exact = NEW_ARRAY(p->arena, int64_t, vn_view_count(t));
        vn_view_integers(k.exact, t);
    }
    return k;
}

static int is_flat(const struct vn_view *t) { return is_real(t) ? vn_view_is_flat(t) : vn_view_is_dense(t); }

static void *room_for(struct kept_value *k, struct vn_arena *a, size_t bytes)
{
    if (bytes > k->bytes || !k->room) {
        k->bytes = bytes;
        k->room = vn_arena_alloc(a, bytes);
    }
    return k->room;
}

/* The view's real numbers as float32, or its integers, in the order of its memory. */
static void flatten(struct kept_value *k, struct vn_arena *a, const struct vn_view *t)
{
    const size_t n = (size_t)vn_view_count(t);
    k->flat = *t;
    if (is_real(t)) {
        vn_view_flat(room_for(k, a, n * sizeof(float)), t);
        k->flat.dtype = VN_F32;
        k->flat.n_scale = 0;
    } else {
        const size_t bytes = n * vn_dtype_size(t->dtype);
        void *to = room_for(k, a, bytes);
        if (bytes)
            memcpy(to, t->data, bytes);
    }
    k->flat.data = k->room;
}

static void keep(void *user, int value, const struct vn_view *t)
{
    struct graph_pair *p = user;
    struct kept_value *k = &p->kept[p->in_quantized[value]];
    if (is_flat(t))
        flatten(k, p->work, t);
    else
        k->n = numbers_of(p, t);
}

static void forget(struct graph_pair *p)
{
    for (int i = 0; i < p->compared->n; i++) {
        p->kept[i].n = (struct numbers){ 0 };
        p->kept[i].flat.data = NULL;
    }
}

/* A similarity as numbers of a result, and back. */
enum { SIMILARITY_NUMBERS = 7 };

static void put_similarity(double *v, const struct similarity *m)
{
    const double all[SIMILARITY_NUMBERS] = { m->cosine, m->l1,    m->l2,       m->chebyshev,
                                             m->sqnr,   m->zeros, (double)m->n };
    memcpy(v, all, sizeof all);
}

static struct similarity get_similarity(const double *v)
{
    return (struct similarity){ .cosine = v[0],
                                .l1 = v[1],
                                .l2 = v[2],
                                .chebyshev = v[3],
                                .sqnr = v[4],
                                .zeros = v[5],
                                .n = (int64_t)v[6] };
}

/* Of later samples only the cosine is of interest. */
static int is_first(const struct graph_pair *p, const char *value)
{
    const struct first_values *f = vn_result_find(p->compared->result, RESULT_first, value);
    return !f || !f->n || (uint64_t)p->sample < f->sample;
}

static void add_named(struct graph_pair *p, const char *value, struct similarity m)
{
    struct vn_result *r = p->compared->result;
    const uint64_t sample = (uint64_t)p->sample;
    struct exact_sums *sum = vn_result_entry(r, RESULT_sums, value);
    double v[SIMILARITY_NUMBERS];
    put_similarity(v, &m);
    if (is_first(p, value))
        vn_first_values_add(vn_result_entry(r, RESULT_first, value), p->of_result, sample, SIMILARITY_NUMBERS,
                            v);
    vn_minimum_add(vn_result_entry(r, RESULT_minimum, value), sample, m.cosine);
    vn_exact_sums_start(sum, p->of_result, 1);
    vn_exact_sums_add(sum, p->of_result, 0, m.cosine);
    ((struct counter *)vn_result_entry(r, RESULT_counter, value))->n++;
}

static void add(struct graph_pair *p, int id, struct similarity m)
{
    const struct value *v = vn_session_graph(p->quantized)->values.v[id];
    if (p->least && vn_graph_is_output(v))
        p->least[p->sample] = fmin(p->least[p->sample], m.cosine);
    add_named(p, v->name, m);
}

/* The shape that holds both; 0: their ranks differ. */
static int common_shape(struct vn_shape *s, const struct vn_shape *a, const struct vn_shape *b)
{
    *s = *a;
    for (int d = 0; d < s->rank && a->rank == b->rank; d++)
        s->d[d] = a->d[d] > b->d[d] ? a->d[d] : b->d[d];
    return a->rank == b->rank;
}

/* Where element i of `from` lies in the larger shape `to`. */
static int64_t place_in(const struct vn_shape *to, const struct vn_shape *from, int64_t i)
{
    int64_t at = 0, step = 1;
    for (int d = from->rank - 1; d >= 0; d--) {
        at += i % from->d[d] * step;
        i /= from->d[d];
        step *= to->d[d];
    }
    return at;
}

/* Real numbers in the larger shape, 0 where they have none. */
static const float *spread(struct graph_pair *p, const struct numbers *k, const struct vn_shape *to)
{
    const int64_t n = vn_shape_count(&k->shape);
    if (!memcmp(k->shape.d, to->d, (size_t)to->rank * sizeof *to->d))
        return k->real;
    float *x = NEW_ARRAY(p->arena, float, vn_shape_count(to));
    for (int64_t i = 0; i < n; i++)
        x[place_in(to, &k->shape, i)] = k->real[i];
    return x;
}

/* Elements of the larger of both that are in both and equal; the share stands for the cosine. Nothing in both
 * is equal. */
static struct similarity share_of_equal(struct graph_pair *p, const struct numbers *a,
                                        const struct numbers *b, const struct vn_shape *common)
{
    const int64_t na = vn_shape_count(&a->shape), nb = vn_shape_count(&b->shape), n = na > nb ? na : nb;
    const int64_t **in_a = NEW_ARRAY(p->arena, const int64_t *, vn_shape_count(common));
    int64_t equal = 0;
    for (int64_t i = 0; i < na; i++)
        in_a[place_in(common, &a->shape, i)] = &a->exact[i];
    for (int64_t i = 0; i < nb; i++) {
        const int64_t *x = in_a[place_in(common, &b->shape, i)];
        equal += x && *x == b->exact[i];
    }
    return (struct similarity){ .cosine = n ? (double)equal / (double)n : 1, .n = n };
}

static struct similarity alike(struct graph_pair *p, int value, const float *a, const float *b, int64_t n)
{
    if (!p->masks[value].sign)
        return vn_similarity(a, b, n);
    float *x = NEW_ARRAY(p->arena, float, n), *y = NEW_ARRAY(p->arena, float, n);
    int64_t left = 0;
    for (int64_t i = 0; i < n; i++)
        if (!vn_mask_hides(&p->masks[value], a[i])) {
            x[left] = a[i];
            y[left++] = b[i];
        }
    return vn_similarity(x, y, left);
}

#define COUNT_EQUAL(type) \
    static int64_t equal_##type(const type *a, const type *b, int64_t n) \
    { \
        int64_t equal = 0; \
        for (int64_t i = 0; i < n; i++) \
            equal += a[i] == b[i]; \
        return equal; \
    }
COUNT_EQUAL(uint8_t)
COUNT_EQUAL(uint16_t)
COUNT_EQUAL(uint32_t)
COUNT_EQUAL(uint64_t)

static int64_t count_equal(const void *a, const void *b, int64_t n, size_t size)
{
    return size == 1   ? equal_uint8_t(a, b, n)
           : size == 2 ? equal_uint16_t(a, b, n)
           : size == 4 ? equal_uint32_t(a, b, n)
                       : equal_uint64_t(a, b, n);
}

static struct similarity flat_share_of_equal(const struct vn_view *a, const struct vn_view *b)
{
    const int64_t n = vn_view_count(b), equal = count_equal(a->data, b->data, n, vn_dtype_size(b->dtype));
    return (struct similarity){ .cosine = n ? (double)equal / (double)n : 1, .n = n };
}

/* Do elements lie in the same order? Where they do, that of memory serves. */
static int same_order(const struct vn_view *a, const struct vn_view *b)
{
    int same = a->rank == b->rank;
    for (int d = 0; same && d < a->rank; d++)
        same = a->shape[d] == b->shape[d] && (a->shape[d] == 1 || a->stride[d] == b->stride[d]);
    return same;
}

static void compare_flat(struct graph_pair *p, int value, const struct vn_view *a, const struct vn_view *b)
{
    const char *name = vn_session_value_name(p->quantized, value);
    const float *y = b->data;
    const int64_t n = vn_view_count(b);
    if (b->dtype != VN_F32) {
        flatten(&p->other, p->work, b);
        y = p->other.flat.data;
    }
    add(p, value,
        is_first(p, name) ? vn_similarity(a->data, y, n)
                          : (struct similarity){ .cosine = vn_cosine(a->data, y, n) });
}

static int same_kind(const struct vn_view *kept, const struct vn_view *t)
{
    return is_real(t) ? is_real(kept) : kept->dtype == t->dtype;
}

static void compare(void *user, int value, const struct vn_view *t)
{
    struct graph_pair *p = user;
    struct kept_value *k = &p->kept[value];
    struct vn_shape common;
    if (k->flat.data && is_flat(t) && same_kind(&k->flat, t) && same_order(&k->flat, t) &&
        !p->masks[value].sign) {
        if (is_real(t))
            compare_flat(p, value, &k->flat, t);
        else
            add(p, value, flat_share_of_equal(&k->flat, t));
        return;
    }
    const struct numbers a = k->flat.data ? numbers_of(p, &k->flat) : k->n, b = numbers_of(p, t);
    if ((!a.real && !a.exact) || !a.real != !b.real || !common_shape(&common, &a.shape, &b.shape))
        return;
    add(p, value,
        a.real ? alike(p, value, spread(p, &a, &common), spread(p, &b, &common), vn_shape_count(&common))
               : share_of_equal(p, &a, &b, &common));
}

static int run_one(struct graph_pair *p, const struct vn_samples *samples, struct vn_err *e)
{
    forget(p);
    TRY(vn_samples_read(p->x, samples, p->sample, e));
    TRY(vn_session_feed_values(p->reference, p->x, e));
    TRY(vn_session_feed_values(p->quantized, p->x, e));
    TRY(vn_session_run(p->reference, e));
    return vn_session_run(p->quantized, e);
}

static int open_side(struct vn_session **out, struct vn_arena *a, const struct graph *g,
                     const struct compare_options *how, struct vn_err *e)
{
    struct vn_session_options o;
    struct vn_session **session = vn_session_slot(a);
    vn_session_options_default(&o);
    o.run = how->run;
    o.level = how->level;
    TRY(vn_session_open_graph(session, g, NULL, &o, e));
    *out = *session;
    return VN_OK;
}

/* Each side shows what the other has, too. wanted NULL: all. */
static void watch_both(struct graph_pair *p, struct vn_arena *a, const unsigned char *wanted)
{
    const int n = vn_session_values(p->reference);
    unsigned char *left = NEW_ARRAY(a, unsigned char, n),
                  *right = NEW_ARRAY(a, unsigned char, p->compared->n);
    const struct mask *masks = vn_masks_find(a, vn_session_graph(p->reference));
    p->in_quantized = NEW_ARRAY(a, int, n);
    p->masks = NEW_ARRAY(a, struct mask, p->compared->n);
    for (int i = 0; i < n; i++) {
        const int k = p->in_quantized[i] =
            vn_session_value(p->quantized, vn_session_value_name(p->reference, i));
        if (k < 0 || (wanted && !wanted[k]))
            continue;
        left[i] = 1;
        right[k] = 1;
        p->masks[k] = masks[i];
    }
    vn_session_observe(p->reference, &(struct vn_observer){ .after = keep, .wanted = left, .user = p });
    vn_session_observe(p->quantized, &(struct vn_observer){ .after = compare, .wanted = right, .user = p });
}

/* ---- the whole and its parts ---- */

/* The table as the result has it now. A file may hold anything. */
static int set_table(struct comparison *c, const struct graph *g, struct vn_err *e)
{
    for (int i = 0; i < c->n; i++) {
        const char *name = g->values.v[i]->name;
        const struct counter *count = vn_result_find(c->result, RESULT_counter, name);
        const struct first_values *first = vn_result_find(c->result, RESULT_first, name);
        const struct extreme *least = vn_result_find(c->result, RESULT_minimum, name);
        const struct exact_sums *sum = vn_result_find(c->result, RESULT_sums, name);
        if (!count || !count->n)
            continue;
        if (!first || first->n != SIMILARITY_NUMBERS || !least || !sum || sum->n != 1 || count->n > INT_MAX ||
            least->sample > INT_MAX || !(first->v[6] >= 0 && first->v[6] < 0x1p62))
            return vn_fail(e, VN_E_INPUT, "comparison of %s: damaged: invalid values", name);
        c->of[i] = (struct node_similarity){ .exact = !vn_dtype_is_float(g->values.v[i]->dtype),
                                             .first = get_similarity(first->v),
                                             .min = least->value,
                                             .mean = vn_exact_sums_value(sum, 0) / (double)count->n,
                                             .worst = (int)least->sample,
                                             .samples = (int)count->n };
    }
    return VN_OK;
}

/* Both sessions, and an empty result of this job. */
static int begin(struct graph_pair *p, struct vn_arena *a, struct vn_arena *work,
                 const struct graph *reference, const struct graph *quantized, const struct vn_samples *s,
                 const struct compare_options *o, struct vn_err *e)
{
    uint64_t samples;
    struct comparison *c = p->compared = NEW(a, struct comparison);
    c->n = quantized->values.n;
    c->of = NEW_ARRAY(a, struct node_similarity, c->n);
    p->of_result = a;
    p->work = work;
    p->kept = NEW_ARRAY(work, struct kept_value, c->n);
    p->x = vn_samples_room(s, work);
    TRY(open_side(&p->reference, work, reference, o, e));
    TRY(open_side(&p->quantized, work, quantized, o, e));
    TRY(vn_samples_hash(&samples, s, e));
    c->result = vn_result_new(a, "comparison");
    vn_result_belongs(c->result, "network", vn_session_hash(p->reference));
    vn_result_belongs(c->result, "quantized network", vn_session_hash(p->quantized));
    vn_result_belongs(c->result, "samples", samples);
    return VN_OK;
}

static int samples_of(const struct vn_samples *s, const struct compare_options *o)
{
    const int all = vn_samples_count(s);
    return o->limit && o->limit < all ? o->limit : all;
}

static int compare_samples(struct graph_pair *p, const struct vn_samples *s, const struct compare_options *o,
                           struct vn_err *e)
{
    int status = VN_OK;
    const int n = samples_of(s, o);
    for (p->sample = 0; p->sample < n && status == VN_OK; p->sample++) {
        if (!vn_shard_has(&o->part, p->sample))
            continue;
        p->arena = vn_arena_new();
        status = run_one(p, s, e);
        vn_arena_free(&p->arena);
        vn_result_did(p->compared->result, (uint64_t)p->sample);
        vn_progress(o->listener, o->what, p->sample + 1, n);
    }
    return status;
}

/* ---- the worst samples ---- */

static int worst_left(const struct graph_pair *p, int n)
{
    int worst = -1;
    for (int i = 0; i < n; i++)
        if (p->least[i] <= 1 && (worst < 0 || p->least[i] < p->least[worst]))
            worst = i;
    return worst;
}

static int show_sample(struct graph_pair *p, const struct vn_samples *s, const struct vn_odd_listener *odd,
                       struct vn_err *e)
{
    p->arena = vn_arena_new();
    const int status = run_one(p, s, e);
    const struct vn_odd_sample x = { .path = vn_samples_path(s, p->sample, 0),
                                     .cosine = p->least[p->sample],
                                     .model = { p->reference, p->quantized } };
    if (status == VN_OK)
        odd->show(odd->user, &x);
    vn_arena_free(&p->arena);
    return status;
}

static int show_odd(struct graph_pair *p, const struct vn_samples *s, const struct vn_odd_listener *odd,
                    int n, struct vn_err *e)
{
    vn_session_observe(p->reference, NULL);
    vn_session_observe(p->quantized, NULL);
    for (int i = 0; i < odd->most; i++) {
        p->sample = worst_left(p, n);
        if (p->sample < 0)
            return VN_OK;
        TRY(show_sample(p, s, odd, e));
        p->least[p->sample] = HUGE_VAL; /* done */
    }
    return VN_OK;
}

static int compare_part(struct graph_pair *p, struct vn_arena *work, const struct vn_samples *s,
                        const struct compare_options *o, struct vn_err *e)
{
    TRY(vn_shard_check(&o->part, e));
    const int odd = o->odd && o->odd->most, n = samples_of(s, o);
    p->least = odd ? NEW_ARRAY(work, double, n) : NULL;
    for (int i = 0; i < n && odd; i++)
        p->least[i] = HUGE_VAL;
    watch_both(p, work, o->wanted);
    TRY(compare_samples(p, s, o, e));
    return odd ? show_odd(p, s, o->odd, n, e) : VN_OK;
}

int vn_compare_graphs(struct comparison **out, struct vn_arena *a, const struct graph *reference,
                      const struct graph *quantized, const struct vn_samples *s,
                      const struct compare_options *o, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct graph_pair p = { 0 };
    int status = begin(&p, a, work, reference, quantized, s, o, e);
    if (status == VN_OK)
        status = compare_part(&p, work, s, o, e);
    vn_arena_free(&work);
    TRY(status);
    *out = p.compared;
    return set_table(p.compared, quantized, e);
}

/* not used in src: vn_compare_join: a job is divided by who uses the library, and by tests */
int vn_compare_join(struct comparison **out, struct vn_arena *a, const struct graph *reference,
                    const struct graph *quantized, const struct vn_samples *s,
                    const struct compare_options *o, int n, const char *const *parts, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct graph_pair p = { 0 };
    const int status = begin(&p, a, work, reference, quantized, s, o, e);
    vn_arena_free(&work);
    TRY(status);
    TRY(vn_result_join(p.compared->result, (uint64_t)samples_of(s, o), n, parts, e));
    *out = p.compared;
    return set_table(p.compared, quantized, e);
}
