/* Two artefacts of one network on the same inputs: value by value, by name. */
#include <math.h>

#include <vernier/verify.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/listen.h"
#include "inspect/edited_ports.h"
#include "inspect/verify_inputs.h"
#include "ops/op.h"
#include "session/similarity.h"

struct vn_pair {
    struct vn_arena *arena;
    struct vn_pair_info summary;
    struct vn_verification *steps;
    VEC(struct vn_agreement) rows;
};

struct shown { /* a value of the first artefact, this sample */
    const float *real;
    int64_t n;
    int whole; /* 1: integers or booleans */
};

struct comparing {
    struct vn_pair *pair;
    struct vn_arena *arena, *scratch;
    struct vn_session *side[2];
    unsigned char *marks; /* settings of inputs that a side uses */
    struct shown *first; /* by value id of side 0 */
    int *row; /* the same; -1 */
    int *other; /* by value id of side 1: the value of side 0, or -1 */
    int sample;
    int edited; /* 1: their ports differ; side 1 lies within side 0 */
    double digits; /* tolerance of strict floats, of the largest magnitude; 0: none */
};

/* ---- one value ---- */

static int is_whole(const struct vn_view *v) { return !v->n_scale && !vn_dtype_is_float(v->dtype); }

static const float *reals(struct comparing *c, const struct vn_view *v)
{
    float *x = NEW_ARRAY(c->scratch, float, vn_view_count(v));
    vn_view_real(x, v);
    return x;
}

static void keep_first(void *user, int value, const struct vn_view *v)
{
    struct comparing *c = user;
    if (value >= 0)
        c->first[value] = (struct shown){ reals(c, v), vn_view_count(v), is_whole(v) };
}

static int is_output(const struct vn_session *s, const char *value)
{
    return vn_session_output_find(s, value) >= 0;
}

static struct vn_agreement *row_of(struct comparing *c, int value, int whole)
{
    struct vn_pair *p = c->pair;
    if (c->row[value] < 0) {
        const char *name = vn_arena_str(p->arena, vn_session_value_name(c->side[0], value));
        const struct vn_agreement r = { .name = name,
                                        .output = is_output(c->side[c->edited], name),
                                        .integer = whole,
                                        .cosine_min = INFINITY,
                                        .sqnr_min = INFINITY };
        c->row[value] = p->rows.n;
        VEC_PUSH(p->arena, &p->rows, r);
    }
    return &p->rows.v[c->row[value]];
}

static int is_same(float x, float y, double tolerance)
{
    return x == y || (isnan(x) && isnan(y)) || fabs((double)x - (double)y) <= tolerance;
}

static void compare(struct comparing *c, struct vn_agreement *r, const float *x, const float *y, int64_t n)
{
    const struct similarity s = vn_similarity(x, y, n);
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = isfinite(x[i]) ? fmax(most, fabs((double)x[i])) : most;
    for (int64_t i = 0; i < n; i++)
        r->different += !is_same(x[i], y[i], c->digits * most);
    if (s.cosine < r->cosine_min || !r->samples)
        r->worst_sample = c->sample;
    r->compared += n;
    r->samples++;
    r->cosine_min = fmin(r->cosine_min, s.cosine);
    r->cosine_mean += s.cosine;
    r->sqnr_min = fmin(r->sqnr_min, s.sqnr);
    r->max_difference = fmax(r->max_difference, s.chebyshev);
    r->zeros += s.zeros;
}

static void compare_second(void *user, int value, const struct vn_view *v)
{
    struct comparing *c = user;
    const int to = value < 0 ? -1 : c->other[value];
    const int64_t n = vn_view_count(v);
    if (to < 0 || !c->first[to].real || c->first[to].n != n)
        return;
    compare(c, row_of(c, to, is_whole(v) || c->first[to].whole), c->first[to].real, reals(c, v), n);
}

/* ---- the summary ---- */

/* What both files say of where they come from, where it differs. */
static const char *differing_origin(struct vn_arena *a, const struct vn_session *x,
                                    const struct vn_session *y)
{
    static const char *const keys[] = { "model.hash", "config.hash", "calibration.hash", "calibration.method",
                                        "march" };
    const char *text = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *p = vn_session_meta(x, keys[i]), *q = vn_session_meta(y, keys[i]);
        if (p && q && strcmp(p, q))
            text = vn_arena_fmt(a, "%s%s%s: %s and %s", text ? text : "", text ? "; " : "", keys[i], p, q);
    }
    return text;
}

/* Across a quantization, an index differs where a float in front of it does: the share of equal ones
 * counts. */
static int agrees(const struct vn_pair_info *s, const struct vn_agreement *r)
{
    if (s->strict)
        return !r->different;
    if (r->integer)
        return (double)(r->compared - r->different) >= s->min_cosine * (double)r->compared;
    return r->cosine_min >= s->min_cosine;
}

static void sum_up(struct vn_pair *p, int least_outputs)
{
    struct vn_pair_info *s = &p->summary;
    int outputs = 0, wrong = 0;
    for (int i = 0; i < p->rows.n; i++) {
        struct vn_agreement *r = &p->rows.v[i];
        r->cosine_mean /= r->samples;
        r->mistrusted = r->zeros / r->samples > MISTRUST_ZEROS;
        outputs += r->output;
        wrong += (r->output || s->strict) && !agrees(s, r);
    }
    s->passed = outputs >= least_outputs && !wrong;
}

/* ---- a job ---- */

/* inspect: to find out what they are; then those that run compiled are opened again. */
static int open_sides(struct comparing *c, const char *const *path, int inspect,
                      const struct vn_verify_options *o, struct vn_err *e)
{
    for (int k = 0; k < 2; k++) {
        struct vn_session **s = vn_session_slot(c->arena);
        if (!inspect && vn_session_kind(c->side[k]) == VN_ARTEFACT_BIN)
            continue;
        TRY(vn_verify_open(s, path[k], inspect, o, c->marks, e));
        c->side[k] = *s;
    }
    return VN_OK;
}

static void connect(struct comparing *c)
{
    const int n = vn_session_values(c->side[0]), m = vn_session_values(c->side[1]);
    c->first = NEW_ARRAY(c->arena, struct shown, n);
    c->row = NEW_ARRAY(c->arena, int, n);
    c->other = NEW_ARRAY(c->arena, int, m);
    for (int i = 0; i < n; i++)
        c->row[i] = -1;
    for (int i = 0; i < m; i++)
        c->other[i] = vn_session_value(c->side[0], vn_session_value_name(c->side[1], i));
    vn_session_observe(c->side[0], &(struct vn_observer){ .after = keep_first, .user = c });
    vn_session_observe(c->side[1], &(struct vn_observer){ .after = compare_second, .user = c });
}

/* The inputs of side 1, which are values of side 0, from its run. */
static int feed_inner(struct comparing *c, struct vn_err *e)
{
    int n;
    const struct vn_port *in = vn_session_inputs(c->side[1], &n);
    for (int i = 0; i < n; i++) {
        const int given = vn_session_input(c->side[0], in[i].name),
                  value = vn_session_value(c->side[0], in[i].name);
        const struct vn_tensor *x = given < 0 ? NULL : vn_session_fed(c->side[0], given);
        if (!x && !c->first[value].real)
            return vn_fail(e, VN_E_INPUT, "%s: the value of input %s is not available in %s",
                           vn_session_path(c->side[1]), in[i].name, vn_session_path(c->side[0]));
        TRY(vn_session_feed_array(c->side[1], i, x ? x->dtype : VN_F32, in[i].rank, in[i].shape, NULL,
                                  x ? x->data : c->first[value].real, e));
    }
    return VN_OK;
}

static int compare_sample(struct comparing *c, const struct verify_inputs *in, struct vn_err *e)
{
    memset(c->first, 0, (size_t)vn_session_values(c->side[0]) * sizeof *c->first);
    for (int k = 0; k < 2; k++) {
        TRY(k && c->edited ? feed_inner(c, e) : vn_verify_feed(c->side[k], in, c->sample, e));
        TRY(vn_session_run(c->side[k], e));
    }
    return VN_OK;
}

static int compare_samples(struct comparing *c, const struct verify_inputs *in, const struct vn_listener *l,
                           struct vn_err *e)
{
    int status = VN_OK;
    for (c->sample = 0; c->sample < in->samples && status == VN_OK; c->sample++) {
        c->scratch = vn_arena_new();
        status = compare_sample(c, in, e);
        vn_arena_free(&c->scratch);
        vn_progress(l, "verify", c->sample + 1, in->samples);
    }
    return status;
}

/* Weights are integers? (Those of the calibrated model are still real numbers.) A network in which nothing is
 * quantized says so by its calibration. */
static int is_quantized(const struct vn_session *s)
{
    const struct graph *g = vn_session_graph(s);
    int integers = 0;
    for (int i = 0; g && i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        if (!vn_node_is_integer(n) || vn_node_kind(n) == Q_FLOAT)
            continue;
        integers++;
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && n->in[k]->data && n->in[k]->q && vn_dtype_is_float(n->in[k]->data->dtype))
                return 0;
    }
    return integers || vn_session_meta(s, "calibration.method") != NULL;
}

static int verify_steps(struct vn_pair *p, struct vn_session *onnx, struct vn_session *bin,
                        const struct vn_verify_options *o, struct vn_err *e)
{
    p->summary.strict = 1;
    TRY(vn_verify_sessions(&p->steps, onnx, bin, o, e));
    p->summary.passed = vn_verification_summary(p->steps)->passed;
    p->summary.samples = vn_verification_summary(p->steps)->samples;
    return VN_OK;
}

/* The whole network is side 0. */
static int order_sides(struct comparing *c, struct vn_err *e)
{
    struct vn_session *first = c->side[0];
    const int edited = vn_is_edited(c->side[0]) || vn_is_edited(c->side[1]);
    if (!edited || vn_has_same_ports(c->side[0], c->side[1]))
        return vn_verify_same_network(c->side[0], c->side[1], e);
    c->edited = 1;
    if (vn_is_within(c->side[1], c->side[0]))
        return VN_OK;
    c->side[0] = c->side[1];
    c->side[1] = first;
    return vn_is_within(first, c->side[0])
               ? VN_OK
               : vn_fail(e, VN_E_INPUT, "neither %s nor %s has all inputs and outputs of the other as values",
                         vn_session_path(first), vn_session_path(c->side[0]));
}

static int compare_values(struct comparing *c, const char *const *path, const struct vn_verify_options *o,
                          struct vn_err *e)
{
    struct verify_inputs in;
    int outputs;
    TRY(open_sides(c, path, 0, o, e));
    TRY(order_sides(c, e));
    const int second = !c->edited && vn_session_kind(c->side[1]) == VN_ARTEFACT_BIN;
    TRY(vn_verify_inputs(&in, c->arena, c->side[second], o, e));
    c->pair->summary.samples = in.samples;
    connect(c);
    TRY(compare_samples(c, &in, &o->listener, e));
    vn_session_outputs(c->side[1], &outputs);
    sum_up(c->pair, c->edited ? outputs : 1);
    return VN_OK;
}

static int verify_pair(struct vn_pair *p, struct vn_arena *work, const char *a, const char *b,
                       const struct vn_verify_options *o, struct vn_err *e)
{
    struct comparing c = { .pair = p, .arena = work, .digits = o->digits ? pow(10, -o->digits) : 0 };
    const char *const path[2] = { a, b };
    c.marks = NEW_ARRAY(work, unsigned char, o->inputs.n_shapes + o->inputs.n_values);
    TRY(open_sides(&c, path, 1, o, e));
    TRY(vn_session_check_settings(&o->inputs, c.marks, e));
    const int first = vn_session_kind(c.side[0]) == VN_ARTEFACT_BIN, /* 1: it is the program */
        second = vn_session_kind(c.side[1]) == VN_ARTEFACT_BIN;
    p->summary.min_cosine = o->min_cosine;
    p->summary.origin = differing_origin(p->arena, c.side[0], c.side[1]);
    p->summary.removed = vn_removed_nodes(p->arena, c.side[0], c.side[1]);
    if (first != second && is_quantized(c.side[first]))
        return verify_steps(p, c.side[first], c.side[second], o, e);
    p->summary.strict = first && second;
    return compare_values(&c, path, o, e);
}

static int new_pair(struct vn_pair **out, const char *a, const char *b, const struct vn_verify_options *o,
                    struct vn_err *e)
{
    struct vn_arena *kept = vn_arena_new(), *work = vn_arena_new();
    struct vn_pair *p = NEW(kept, struct vn_pair);
    p->arena = kept;
    const int status = verify_pair(p, work, a, b, o, e);
    vn_arena_free(&work);
    if (status < 0)
        vn_pair_free(&p);
    else
        *out = p;
    return status;
}

int vn_verify_pair(struct vn_pair **out, const char *a, const char *b, const struct vn_verify_options *o,
                   struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_pair(out, a, b, o, e));
    return status;
}

void vn_pair_free(struct vn_pair **p)
{
    if (!p || !*p)
        return;
    struct vn_arena *a = (*p)->arena;
    vn_verification_free(&(*p)->steps);
    vn_arena_free(&a);
    *p = NULL;
}

const struct vn_pair_info *vn_pair_summary(const struct vn_pair *p) { return &p->summary; }
const struct vn_verification *vn_pair_steps(const struct vn_pair *p) { return p->steps; }

const struct vn_agreement *vn_pair_values(const struct vn_pair *p, int *n)
{
    *n = p->rows.n;
    return p->rows.v;
}
