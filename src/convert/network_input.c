/* Detects inputs that are normalised differently from training, from the activations of the first layers on
 * a few samples; where these say nothing, from the outputs. A batch normalization in the file holds the
 * variance seen in training; without one, activations of ordinary magnitude are expected. Pixels in 0..255 in
 * place of normalised values are about fifty times too large, and no other check of a conversion shows it. */
#include <math.h>
#include <stdlib.h>

#include "convert/network_input.h"
#include "interp/interp.h"
#include "ops/op.h"

#define LAYERS 6 /* from the input on */
#define FEW_LAYERS 4 /* with fewer it is not known what is ordinary */
#define LARGE 10.0 /* of a first layer's spread, where ordinary is about 1 */
#define ORDINARY 3.0 /* the most that the median of the layers has, and */
#define ORDINARY_MOST 10.0 /* any of them */
#define TIMES_MORE 10.0 /* than training saw: contradicts it */
#define TIMES_LESS 0.05

/* One layer with constant weights, over the samples. */
struct layer {
    const struct node *n;
    int channels;
    double *sum, *squares, count;
    double spread; /* median of the channels' standard deviations */
};

struct layers {
    int n;
    struct layer v[LAYERS];
    double times; /* spread of the first, in that of the batch normalization behind it; 0: there is none */
};

static int by_size(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return n ? v[n / 2] : 0;
}

static double deviation(const struct layer *l, int c)
{
    const double m = l->sum[c] / l->count;
    return sqrt(fmax(l->squares[c] / l->count - m * m, 0));
}

/* ---- a run of the first layers ---- */

static void add_values(struct layer *l, const struct vn_tensor *t, int axis)
{
    const int64_t n = vn_shape_count(&t->shape);
    for (int64_t i = 0; i < n; i++) {
        const double x = vn_f64(t)[i];
        const int c = vn_shape_coordinate(&t->shape, axis, i);
        l->sum[c] += x;
        l->squares[c] += x * x;
    }
    l->count += (double)n / l->channels;
}

static void add_layer(struct layers *out, int k, const struct node *n, const struct vn_tensor *t,
                      struct vn_arena *a)
{
    const int axis = vn_channel_axis(n, t->shape.rank);
    struct layer *l = &out->v[k];
    if (k == out->n) {
        *l = (struct layer){ .n = n, .channels = (int)t->shape.d[axis] };
        l->sum = NEW_ARRAY(a, double, l->channels);
        l->squares = NEW_ARRAY(a, double, l->channels);
        out->n++;
    }
    add_values(l, t, axis);
}

static int has_weights(const struct node *n)
{
    const int w = n->op->quant.weight;
    return vn_node_kind(n) == Q_LINEAR && w && vn_node_has(n, w) && n->in[w]->data &&
           n->out[0]->shape.rank > 1;
}

/* All inputs known, and one of them made from the samples. */
static int is_ready(const struct node *n, struct vn_tensor *const *cells, const struct vn_tensor **in)
{
    int computed = 0;
    for (int i = 0; i < n->n_in; i++) {
        in[i] = n->in[i] ? (n->in[i]->data ? n->in[i]->data : cells[n->in[i]->id]) : NULL;
        if (n->in[i] && !in[i])
            return 0;
        computed |= n->in[i] && !n->in[i]->data;
    }
    return computed;
}

/* Evaluates nodes from `x` on until `most` layers with weights are computed. */
static int run_layers(struct layers *out, const struct judge_input *j, struct vn_tensor *x, int most,
                      struct vn_arena *a, struct vn_err *e)
{
    const struct graph *g = j->c->original;
    struct vn_tensor **cells = NEW_ARRAY(a, struct vn_tensor *, g->values.n);
    cells[j->start->id] = x;
    for (int i = 0, k = 0; i < g->nodes.n && k < most; i++) {
        const struct node *n = g->nodes.v[i];
        const struct vn_tensor **in = NEW_ARRAY(a, const struct vn_tensor *, n->n_in + 1);
        struct vn_tensor **y = NEW_ARRAY(a, struct vn_tensor *, n->n_out + 1);
        if (n->op->pixel_axis || !is_ready(n, cells, in))
            continue;
        TRY(vn_interp_fed(a, n, in, y, e));
        for (int p = 0; p < n->n_out; p++)
            if (n->out[p])
                cells[n->out[p]->id] = y[p];
        if (has_weights(n))
            add_layer(out, k++, n, y[0], j->c->arena);
    }
    return VN_OK;
}

/* The spread of the first layer in that which the batch normalization behind it has from training. */
static double times_trained(const struct layer *l, struct vn_arena *a)
{
    const struct node *b = vn_graph_sole_user(l->n->out[0]);
    const int v = b ? b->op->running_variance : 0;
    double *ratio = NEW_ARRAY(a, double, l->channels), most = 0;
    int n = 0;
    if (!v || !b->in[v]->data || vn_shape_count(&b->in[v]->shape) != l->channels)
        return 0;
    for (int c = 0; c < l->channels; c++)
        most = fmax(most, vn_tensor_f64(b->in[v]->data, c));
    for (int c = 0; c < l->channels; c++)
        if (vn_tensor_f64(b->in[v]->data, c) > 1e-3 * most) /* others are dead */
            ratio[n++] = deviation(l, c) / sqrt(vn_tensor_f64(b->in[v]->data, c));
    return median(ratio, n);
}

static int measure(struct layers *out, const struct judge_input *j, const struct norm *m, int most,
                   struct vn_err *e)
{
    *out = (struct layers){ 0 };
    for (int i = 0; i < vn_judged_samples(j); i++) {
        struct vn_arena *a = vn_arena_new();
        struct vn_tensor *x;
        int status = vn_network_tensor(&x, j, vn_judged_sample(j, i), m, a, e);
        if (status == VN_OK)
            status = run_layers(out, j, x, most, a, e);
        vn_arena_free(&a);
        TRY(status);
    }
    for (int k = 0; k < out->n; k++) {
        double *d = NEW_ARRAY(j->c->arena, double, out->v[k].channels);
        for (int c = 0; c < out->v[k].channels; c++)
            d[c] = deviation(&out->v[k], c);
        out->v[k].spread = median(d, out->v[k].channels);
    }
    if (out->n)
        out->times = times_trained(&out->v[0], j->c->arena);
    return VN_OK;
}

/* ---- the judgement ---- */

/* Is a layers' computation of ordinary size? */
static int is_ordinary(const struct layers *l, double *middle)
{
    double v[LAYERS];
    int within = l->n >= FEW_LAYERS;
    for (int k = 0; k < l->n; k++) {
        v[k] = l->v[k].spread;
        within &= v[k] <= ORDINARY_MOST;
    }
    *middle = median(v, l->n);
    return within && *middle <= ORDINARY;
}

/* Numbers are more often wrong than the norm_type: as much as this, as |log|. */
#define TYPE_COUNTS 1.6

/* Of the usual normalizations the one that comes nearest to a spread of 1; NULL: none does. */
static const struct norm *find_better(double *size, const struct judge_input *j, int trained,
                                      struct vn_err *e)
{
    const struct norm *best = NULL;
    double nearest = 1.6; /* as |log|: a factor of 5 */
    for (int k = 0; k < vn_usual_norms_count; k++) {
        struct layers l;
        double middle;
        if (vn_norm_is_other(j, &vn_usual_norms[k]))
            continue;
        if (measure(&l, j, &vn_usual_norms[k], trained ? 1 : LAYERS, e) < 0)
            return NULL;
        const int fits = trained ? l.times > 0 : is_ordinary(&l, &middle) && l.v[0].spread > 0;
        const double x = trained ? l.times : fits ? l.v[0].spread : 0;
        const int as_given = vn_norm_type(&vn_usual_norms[k]) == j->in->norm_type;
        const double away = fabs(log(x)) - (as_given ? TYPE_COUNTS : 0);
        if (!fits || away >= nearest)
            continue;
        nearest = away;
        *size = x;
        best = &vn_usual_norms[k];
    }
    return best;
}

static const char *text_trained(const struct judge_input *j, const struct layers *l,
                                const struct norm *better, double size)
{
    const struct node *n = l->v[0].n, *b = vn_graph_sole_user(n->out[0]);
    return vn_arena_fmt(
        j->c->arena,
        "input %s: with norm_type %s, %s computes values with %.3g times the spread that %s was "
        "trained on; for example with %s it would be %.2g times. Check norm_type, mean_value and scale_value",
        j->in->name, vn_word_of(vn_words_norm_type, j->in->norm_type), n->name, l->times, b->name,
        better->text, size);
}

static const char *text_large(const struct judge_input *j, const struct layers *l, const struct norm *better,
                              double size)
{
    return vn_arena_fmt(j->c->arena,
                        "input %s: with norm_type %s, the first layer %s computes values with a spread of "
                        "%.3g, where about 1 is usual; for example with %s it would be %.2g, and the spread "
                        "of the layers after it is normal, too. Check norm_type, mean_value and scale_value",
                        j->in->name, vn_word_of(vn_words_norm_type, j->in->norm_type), l->v[0].n->name,
                        l->v[0].spread, better->text, size);
}

/* The warning where the first layers contradict the normalization; NULL: they do not. */
static int judge_layers(const char **text, const struct norm **better, const struct judge_input *j,
                        const struct norm *given, struct vn_err *e)
{
    struct layers l;
    double size = 0;
    TRY(measure(&l, j, given, 1, e));
    const int trained = l.times > 0, contradicts = l.times > TIMES_MORE || l.times < TIMES_LESS;
    *text = NULL;
    if (!l.n || (trained ? !contradicts : l.v[0].spread <= LARGE))
        return VN_OK;
    *better = find_better(&size, j, trained, e);
    if (*better)
        *text = trained ? text_trained(j, &l, *better, size) : text_large(j, &l, *better, size);
    return VN_OK;
}

static int judge(struct judge_input *j, struct vn_err *e)
{
    struct norm given = vn_norm_given(j->in);
    given.n = 3;
    const struct norm *better = NULL;
    const char *text;
    TRY(judge_layers(&text, &better, j, &given, e));
    if (!text)
        TRY(vn_judge_outputs(&text, j, &given, e));
    if (!text)
        return VN_OK;
    const struct vn_finding f = { "network_input", VN_FINDING_WARNING, vn_arena_str(j->c->kept, j->in->name),
                                  vn_arena_str(j->c->kept, text),
                                  better ? vn_norm_setting(better, j->c->kept) : NULL };
    VEC_PUSH(j->c->kept, &j->c->findings, f);
    return VN_OK;
}

void vn_convert_judge_inputs(struct vn_conversion *c)
{
    const struct graph *g = c->original;
    for (int i = 0; i < g->inputs.n; i++) {
        struct vn_err ignored; /* what cannot be judged is not judged */
        const struct input_config *in = &c->config->inputs[i];
        const struct value *v = g->inputs.v[i];
        const struct node *first = v->users.n == 1 ? v->users.v[0].node : NULL;
        struct judge_input j = {
            .c = c, .in = in, .input = i, .start = first && first->op->pixel_axis ? first->out[0] : v
        };
        if (in->type_rt != VN_IN_FEATUREMAP && v->shape.rank == 4 && v->shape.d[0] == 1)
            judge(&j, &ignored);
    }
}
