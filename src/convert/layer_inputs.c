#include "convert/layer_inputs.h"

#include <math.h>

#include "ops/op.h"
#include "session/session.h"

enum { LEAST_ROWS = 4096, MOST_ROWS = 8192, ROWS_PER_WEIGHT = 8 };

/* ---- rows ---- */

static int64_t taps_of(const struct layer_inputs *l)
{
    return vn_node_is_convolution(l->node) ? vn_weight_layout(l->node).taps : 1;
}

int vn_layer_inputs_known(const struct node *n)
{
    const int w = n->op->quant.weight;
    int64_t transposed = 0;
    if (!w || n->in[0]->data || !n->in[w]->data || n->in[w]->shape.rank < 2)
        return 0;
    vn_node_attr_int(n, "transA", &transposed);
    return n->op->window ? vn_weight_out_axis(n) == 0 : n->in[w]->shape.rank == 2 && !transposed;
}

static int64_t positions(const struct node *n)
{
    const struct vn_shape *x = &n->in[0]->shape, *y = &n->out[0]->shape;
    if (!vn_node_is_convolution(n))
        return vn_shape_count(x) / x->d[x->rank - 1];
    return vn_shape_count(y) / y->d[1];
}

struct layer_inputs vn_layer_inputs_of(struct vn_arena *a, const struct node *n, int samples, int with_gram)
{
    struct layer_inputs l = { .node = n, .input = n->in[0]->name, .groups = vn_node_groups(n) };
    const struct vn_shape *x = &n->in[0]->shape;
    l.n = x->d[vn_channel_axis(n, x->rank)] / l.groups * taps_of(&l);
    l.step = n->in[0]->q ? (double)n->in[0]->q->scale[0] : 0;
    const double rows = fmax(LEAST_ROWS, fmin(MOST_ROWS, (double)(ROWS_PER_WEIGHT * l.n)));
    l.take = (int64_t)fmin((double)positions(n), ceil(rows / samples));
    if (with_gram)
        l.gram = NEW_ARRAY(a, double, l.groups *l.n *l.n);
    l.mean = NEW_ARRAY(a, double, l.groups *l.n);
    vn_exact_sums_start(&l.sums, a, (int)(l.groups * l.n));
    return l;
}

struct weight_input vn_layer_inputs_place(const struct layer_inputs *l, int64_t i)
{
    const int64_t taps = taps_of(l);
    const struct weight_place p = vn_weight_place(l->node, i);
    const int64_t channels = l->n / taps;
    return (struct weight_input){ p.in / channels, p.in % channels * taps + i % taps, p.out };
}

/* Of the input element under a tap: its place along each axis; outside, -1. */
static int64_t under_tap(const struct window *w, const struct vn_shape *x, const struct vn_shape *y,
                         int64_t position, int64_t tap)
{
    int64_t at = 0, step = 1;
    for (int d = w->rank - 1; d >= 0; d--) {
        const int64_t o = position % y->d[d + 2], t = tap % w->kernel[d];
        const int64_t i = o * w->stride[d] - w->pad_begin[d] + t * w->dilation[d];
        if (i < 0 || i >= x->d[d + 2])
            return -1;
        at += i * step;
        step *= x->d[d + 2];
        position /= y->d[d + 2];
        tap /= w->kernel[d];
    }
    return at;
}

static void convolution_row(double *row, const struct layer_inputs *l, const struct window *w, const float *x,
                            int64_t position)
{
    const struct vn_shape *xs = &l->node->in[0]->shape, *ys = &l->node->out[0]->shape;
    const int64_t taps = taps_of(l), channels = xs->d[1];
    const int64_t plane = vn_shape_count(xs) / xs->d[0] / channels,
                  out = vn_shape_count(ys) / ys->d[0] / ys->d[1];
    x += position / out * channels * plane;
    for (int64_t t = 0; t < taps; t++) {
        const int64_t at = under_tap(w, xs, ys, position % out, t);
        for (int64_t c = 0; c < channels; c++)
            row[c * taps + t] = at < 0 ? 0 : (double)x[c * plane + at];
    }
}

static void matrix_row(double *row, const struct layer_inputs *l, const float *x, int64_t position)
{
    for (int64_t i = 0; i < l->n; i++)
        row[i] = (double)x[position * l->n + i];
}

static void add_products(double *gram, const double *row, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const double x = row[i];
        for (int64_t j = 0; x != 0 && j <= i; j++)
            gram[i * n + j] += x * row[j];
    }
}

/* Real numbers are summed within a sample, which then counts as one term. */
static void add_rows(struct layer_inputs *l, struct vn_arena *a, const float *x)
{
    struct vn_arena *work = vn_arena_new();
    const int64_t n = l->groups * l->n, all = positions(l->node);
    double *row = NEW_ARRAY(work, double, n), *sum = NEW_ARRAY(work, double, n);
    struct window w;
    if (l->node->op->window)
        l->node->op->window(&w, l->node, NULL);
    for (int64_t r = 0; r < l->take; r++) {
        const int64_t position = r * all / l->take;
        if (l->node->op->window)
            convolution_row(row, l, &w, x, position);
        else
            matrix_row(row, l, x, position);
        for (int64_t i = 0; i < n; i++) {
            row[i] = l->step > 0 ? rint(row[i] / l->step) : row[i];
            sum[i] += row[i];
        }
        for (int64_t g = 0; l->gram && g < l->groups; g++)
            add_products(l->gram + g * l->n * l->n, row + g * l->n, l->n);
    }
    for (int64_t i = 0; i < n; i++)
        vn_exact_sums_add(&l->sums, a, (int)i, sum[i]);
    l->rows += (double)l->take;
    vn_arena_free(&work);
}

/* ---- running ---- */

struct collecting {
    struct layer_inputs *const *layers;
    int n, left; /* layers; values that are still to come */
    struct vn_arena *arena;
    struct vn_session *session;
    const int *value_of; /* by layer */
    unsigned char *seen; /* by value */
};

static void see(void *user, int value, const struct vn_view *v)
{
    struct collecting *k = user;
    if (k->seen[value])
        return;
    k->seen[value] = 1;
    k->left--;
    struct vn_arena *work = vn_arena_new();
    float *x = NEW_ARRAY(work, float, vn_view_count(v));
    vn_view_real(x, v);
    for (int i = 0; i < k->n; i++)
        if (k->value_of[i] == value && !k->layers[i]->node->in[0]->bounded)
            add_rows(k->layers[i], k->arena, x);
    vn_arena_free(&work);
}

static int run_sample(struct collecting *k, const struct loaded_sample *x, const unsigned char *wanted,
                      struct vn_err *e)
{
    const int values = vn_session_values(k->session), end = vn_session_instructions(k->session);
    memset(k->seen, 0, (size_t)values);
    k->left = 0;
    for (int v = 0; v < values; v++)
        k->left += wanted[v];
    TRY(vn_session_feed_values(k->session, x->x, e));
    TRY(vn_session_start(k->session, e));
    for (int at = 0; at < end && k->left; at++)
        TRY(vn_session_run_range(k->session, at, at + 1, e));
    return VN_OK;
}

static void set_means(struct layer_inputs *l)
{
    for (int64_t i = 0; l->rows > 0 && i < l->groups * l->n; i++)
        l->mean[i] = vn_exact_sums_value(&l->sums, (int)i) / l->rows;
}

static int collect(struct collecting *k, struct vn_arena *work, const struct graph *g,
                   const struct loaded_sample *samples, int n, const struct vn_options *run, struct vn_err *e)
{
    struct vn_session_options o;
    struct vn_session **s = vn_session_slot(work);
    vn_session_options_default(&o);
    o.run = *run;
    o.level = 3;
    TRY(vn_session_open_graph(s, g, NULL, &o, e));
    k->session = *s;
    unsigned char *wanted = NEW_ARRAY(work, unsigned char, vn_session_values(*s));
    int *value_of = NEW_ARRAY(work, int, k->n);
    k->seen = NEW_ARRAY(work, unsigned char, vn_session_values(*s));
    for (int i = 0; i < k->n; i++) {
        value_of[i] = vn_session_value(*s, k->layers[i]->input);
        if (value_of[i] >= 0)
            wanted[value_of[i]] = 1;
    }
    k->value_of = value_of;
    vn_session_observe(*s, &(struct vn_observer){ .after = see, .wanted = wanted, .user = k });
    for (int i = 0; i < n; i++)
        TRY(run_sample(k, &samples[i], wanted, e));
    for (int i = 0; i < k->n; i++)
        set_means(k->layers[i]);
    return VN_OK;
}

int vn_layer_inputs_collect(struct layer_inputs *const *layers, int n, const struct graph *g,
                            const struct loaded_sample *samples, int n_samples, const struct vn_options *run,
                            struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct collecting k = { .layers = layers, .n = n, .arena = work };
    const int status = collect(&k, work, g, samples, n_samples, run, e);
    vn_arena_free(&work);
    return status;
}
