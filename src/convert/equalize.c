/* Channels of a tensor are brought to like ranges: where one convolution makes it and depthwise convolutions
 * read it, maybe through Relu, LeakyRelu or MaxPool, each channel is multiplied by the power of two that
 * brings its largest magnitude closest to the tensor's, and the readers' weights are divided by it.
 * (Cross-layer equalization of Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
 * Correction", 2019, section 4.1, with measured ranges of activations: weights have a scale for each channel
 * already.)
 *
 * per_channel does it in front of all operators with constant weights, with factors that weigh the errors of
 * the tensor against those of the weights: a scale for each channel, of which integers know nothing. */
#include <math.h>

#include "convert/channel_factors.h"
#include "convert/stages.h"
#include "kernels/values/value_kernels.h"

#include "ops/op.h"
#include "passes/weights.h"
#include "session/session.h"

enum {
    LONGEST = 16, /* values of a chain, and its readers */
    MOST_SAMPLES = 64, /* spread over all: powers of two need no more */
    MOST_BITS = 8, /* more is below the rounding error of the largest channels */
    MOST_RANGE = 64 /* bits below 1 that a weight may have, so that none of it is lost */
};
#define LEAST_GAIN 1 /* dB */

/* From a convolution to those that read its result. */
struct chain {
    struct node *maker;
    struct value *v[LONGEST];
    struct node *reader[LONGEST];
    int values, readers, channels;
    int axis; /* of the channels */
    float *top; /* by channel: the largest magnitude of what readers read */
    struct exact_sums squares; /* by channel, of the same; n 0: not needed */
    uint64_t elements; /* behind each */
};

struct equalizer {
    struct graph *g;
    struct vn_arena *work;
    int all; /* readers, not only depthwise convolutions */
    struct chain **of; /* by id of the values whose range counts */
    VEC(struct chain *) chains;
};

/* ---- finding ---- */

static int is_maker(const struct equalizer *q, const struct node *n)
{
    return vn_weights_channels(n) > 0 && n->in[n->op->quant.weight]->shape.rank >= 2 &&
           (q->all || (vn_node_is_convolution(n) && vn_weight_out_axis(n) == 0));
}

static int is_reader(const struct equalizer *q, const struct chain *c, const struct node *n,
                     const struct value *v)
{
    return is_maker(q, n) && vn_channel_axis(n, v->shape.rank) == c->axis &&
           (q->all || vn_node_groups(n) == v->shape.d[1]);
}

static int add_user(const struct equalizer *q, struct chain *c, const struct value *v, const struct use *u)
{
    struct node *n = u->node;
    if (u->slot != 0 || c->values == LONGEST || c->readers == LONGEST)
        return 0;
    if (is_reader(q, c, n, v))
        c->reader[c->readers++] = n;
    else if (n->op->scales_through && n->n_out == 1)
        c->v[c->values++] = n->out[0];
    else
        return 0;
    return 1;
}

static int follow(const struct equalizer *q, struct chain *c)
{
    for (int i = 0; i < c->values; i++) {
        const struct value *v = c->v[i];
        if (v->outputs || v->q || v->dtype != VN_F32)
            return 0;
        for (int k = 0; k < v->users.n; k++)
            if (!add_user(q, c, v, &v->users.v[k]))
                return 0;
    }
    return c->readers > 0;
}

static void find_chains(struct equalizer *q)
{
    for (int i = 0; i < q->g->nodes.n; i++) {
        struct node *n = q->g->nodes.v[i];
        if (!is_maker(q, n))
            continue;
        struct chain *c = NEW(q->work, struct chain);
        c->maker = n;
        c->axis = vn_weights_axis(n);
        c->v[c->values++] = n->out[0];
        if (!follow(q, c))
            continue;
        c->channels = (int)vn_weights_channels(n);
        c->top = NEW_ARRAY(q->work, float, c->channels);
        if (q->all)
            vn_exact_sums_start(&c->squares, q->work, c->channels);
        for (int k = 0; k < c->readers; k++)
            q->of[c->reader[k]->in[0]->id] = c;
        VEC_PUSH(q->work, &q->chains, c);
    }
}

/* ---- ranges ---- */

static void look_at_line(struct chain *c, struct vn_arena *a, int channel, const float *x, int64_t n)
{
    double squares = 0;
    float top = c->top[channel];
    for (int64_t i = 0; i < n; i++) {
        top = fabsf(x[i]) > top ? fabsf(x[i]) : top;
        squares += (double)x[i] * x[i];
    }
    c->top[channel] = top;
    if (c->squares.n)
        vn_exact_sums_add(&c->squares, a, channel, squares);
}

/* Line by line, each of one channel. */
static void look_at_lines(const struct equalizer *q, struct chain *c, const struct vn_view *t)
{
    struct vn_arena *a = vn_arena_new();
    const int64_t n = vn_view_count(t);
    int64_t inner = 1;
    for (int d = c->axis + 1; d < t->rank; d++)
        inner *= t->shape[d];
    float *x = NEW_ARRAY(a, float, n);
    vn_view_real(x, t);
    for (int64_t i = 0; i < n; i += inner)
        look_at_line(c, q->work, (int)(i / inner % c->channels), x + i, inner);
    vn_arena_free(&a);
}

static void look(void *user, int value, const struct vn_view *t)
{
    const struct equalizer *q = user;
    struct chain *c = q->of[value];
    const int64_t pixels = vn_view_count(t) / c->channels;
    if (t->dtype == VN_F32 && t->stride[c->axis] == 1 && vn_view_is_flat(t) && !c->squares.n)
        vn_value_kernels_chosen()->raise_rows(c->top, t->data, (size_t)pixels, (size_t)c->channels);
    else
        look_at_lines(q, c, t);
    c->elements += (uint64_t)pixels;
}

static int run_sample(struct vn_session *session, const struct vn_samples *s, int i, float *const *x,
                      struct vn_err *e)
{
    TRY(vn_samples_read(x, s, i, e));
    TRY(vn_session_feed_values(session, x, e));
    return vn_session_run(session, e);
}

static int collect(struct equalizer *q, const struct vn_conversion *c, struct vn_err *e)
{
    struct vn_session_options how;
    struct vn_session **session = vn_session_slot(q->work);
    unsigned char *wanted = NEW_ARRAY(q->work, unsigned char, q->g->values.n);
    for (int i = 0; i < q->g->values.n; i++)
        wanted[i] = q->of[i] != NULL;
    vn_session_options_default(&how);
    how.run = c->run;
    how.level = 3;
    TRY(vn_session_open_graph(session, q->g, NULL, &how, e));
    vn_session_observe(*session, &(struct vn_observer){ .after = look, .wanted = wanted, .user = q });
    const int64_t all = vn_samples_count(c->samples);
    const int n = all < MOST_SAMPLES ? (int)all : MOST_SAMPLES;
    float *const *x = vn_samples_room(c->samples, q->work);
    for (int i = 0; i < n; i++) {
        TRY(run_sample(*session, c->samples, (int)(i * all / n), x, e));
        vn_progress(&c->listener, "equalization", i + 1, n);
    }
    return VN_OK;
}

/* ---- scaling ---- */

/* Powers of two lose nothing but what falls below the least normal number. */
static int loses_nothing(const struct node *n)
{
    const struct vn_tensor *w = n->in[n->op->quant.weight]->data;
    for (int64_t i = 0; i < vn_shape_count(&w->shape); i++) {
        const double x = fabs(vn_tensor_f64(w, i));
        if ((x > 0 && x < ldexp(1, -MOST_RANGE)) || !(x < ldexp(1, MOST_RANGE)))
            return 0;
    }
    return 1;
}

/* The same with what is measured of channels, and of all readers' weights. */
static double weigh(double *k, const struct chain *c)
{
    struct vn_arena *a = vn_arena_new();
    double *power = NEW_ARRAY(a, double, c->channels);
    for (int i = 0; i < c->channels; i++)
        power[i] = vn_exact_sums_value(&c->squares, i) / fmax(1, (double)c->elements);
    const double gain =
        vn_channel_factors(k, &(struct channel_stats){ c->channels, c->top, power }, c->reader, c->readers);
    vn_arena_free(&a);
    return gain;
}

/* A factor for each channel; by how many dB rounding errors fall, seen by weights that are as they were. */
static double choose(double *k, const struct chain *c)
{
    float top = 0;
    double error = 0;
    int live = 0;
    for (int i = 0; i < c->channels; i++)
        top = fmaxf(top, c->top[i]);
    for (int i = 0; i < c->channels; i++) {
        const int bits = c->top[i] > 0 ? (int)floor(log2((double)top / c->top[i])) : 0;
        k[i] = ldexp(1, bits < MOST_BITS ? bits : MOST_BITS);
        error += c->top[i] > 0 ? 1 / (k[i] * k[i]) : 0;
        live += c->top[i] > 0;
    }
    return live ? -10 * log10(error / live) : 0;
}

static void equalize(const struct vn_conversion *conversion, const struct equalizer *q, const struct chain *c)
{
    double *k = NEW_ARRAY(q->work, double, c->channels);
    const double gain = (q->all ? weigh : choose)(k, c);
    int exact = loses_nothing(c->maker);
    for (int i = 0; i < c->readers; i++)
        exact &= loses_nothing(c->reader[i]);
    if (!exact || !(gain > 0) ||
        (!q->all && conversion->config->equalization == EQUALIZATION_AUTO && gain < LEAST_GAIN))
        return;
    INFO(conversion, "%s: %d channels %s, rounding errors fall by %.1f dB", c->v[0]->name, c->channels,
         q->all ? "with scales of their own" : "equalized", gain);
    vn_weights_affine(q->g, c->maker, k, NULL);
    for (int i = 0; i < c->readers; i++)
        vn_weights_divide_inputs(q->g, c->reader[i], k);
    for (int i = 0; i < c->values; i++)
        vn_pass_rename_scaled(q->g, c->v[i]);
}

/* Ranges of random data say nothing of channels; a network's own scales hold for the values as they are. */
static int is_wanted(const struct config *c)
{
    return c->calibration_type != CALIBRATION_LOAD &&
           (c->equalization == EQUALIZATION_ON || (c->equalization == EQUALIZATION_AUTO && !c->random_data));
}

static int equalize_graph(const struct vn_conversion *c, struct graph *g, int all, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct equalizer q = {
        .g = g, .work = work, .all = all, .of = NEW_ARRAY(work, struct chain *, g->values.n)
    };
    find_chains(&q);
    const int status = q.chains.n ? collect(&q, c, e) : VN_OK;
    for (int i = 0; status == VN_OK && i < q.chains.n; i++)
        equalize(c, &q, q.chains.v[i]);
    if (q.chains.n)
        vn_graph_index(g);
    vn_arena_free(&work);
    return status;
}

int vn_convert_equalize(struct vn_conversion *c, struct vn_err *e)
{
    if (is_wanted(c->config))
        TRY(equalize_graph(c, c->optimized, 0, e));
    return c->config->per_channel ? equalize_graph(c, c->optimized, 1, e) : VN_OK;
}

int vn_convert_scale_channels(struct vn_conversion *c, struct vn_err *e)
{
    c->scaled.graph = vn_graph_clone(c->arena, c->optimized);
    return equalize_graph(c, c->scaled.graph, 1, e);
}
