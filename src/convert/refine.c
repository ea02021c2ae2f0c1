/* effort high: weights rounded by what they do to results of their layer, and biases that make up for what
 * all layers before do to the mean of each channel, one layer after the other. (Rounding:
 * quant/weight_rounding.h. Biases: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
 * Correction", 2019, section 4.2, with measured means; in sequence as in NNCF's accurate bias correction.)
 * Each is measured on samples that it has not seen, and kept where it helps by more than the spread: what
 * merely looks best of several loses on other data as often as it gains. */
#include "convert/layer_inputs.h"
#include "convert/method_choice.h"
#include "convert/stages.h"
#include "quant/weight_rounding.h"

#include <math.h>

#include "ops/op.h"

enum {
    MOST_SAMPLES = 32, /* that layers are adapted to */
    LEAST_FOLDS = 2, /* that judge */
    ENOUGH_HELD = 24, /* samples in them */
    ROUNDED = VN_REFINE_ROUNDED,
    SEQUENTIAL = VN_REFINE_BIASES,
    WAYS = VN_REFINE_WAYS
};
#define MOST_BYTES 3e8 /* of products at a time, and of samples */

struct refinement {
    const struct vn_conversion *c;
    struct vn_arena *arena; /* of what stays */
    struct vn_map *of; /* by node: struct vn_refined */
    struct graph *calibrated; /* with all that is found so far */
    int without; /* the fold that is left out; -1: none */
    struct vn_shard part; /* of the samples; as zeroed: all of them */
    struct loaded_sample sample[MOST_SAMPLES];
    int n;
};

static int is_seen(const struct refinement *r, int sample)
{
    return r->c->fold_of[sample] != r->without && vn_shard_has(&r->part, sample);
}

/* In an order given by what they hold. */
static int load_samples(struct refinement *r, struct vn_arena *a, struct vn_err *e)
{
    const struct vn_conversion *c = r->c;
    const int all = vn_samples_count(c->samples), inputs = c->optimized->inputs.n;
    double bytes = 0, each = 0;
    for (int i = 0; i < inputs; i++)
        each += (double)vn_shape_count(&c->optimized->inputs.v[i]->shape) * sizeof(float);
    for (int i = 0; i < all && r->n < MOST_SAMPLES && bytes < MOST_BYTES; i++) {
        if (!is_seen(r, c->ranked[i]))
            continue;
        struct loaded_sample *s = &r->sample[r->n++];
        s->x = NEW_ARRAY(a, float *, inputs);
        TRY(vn_samples_load(c->samples, c->ranked[i], a, s->x, e));
        bytes += each;
    }
    return VN_OK;
}

static int collect(const struct refinement *r, struct layer_inputs *const *l, int n, const struct graph *g,
                   struct vn_err *e)
{
    return vn_layer_inputs_collect(l, n, g, r->sample, r->n, &r->c->run, e);
}

static struct vn_refined *entry(struct refinement *r, const struct node *n)
{
    struct vn_refined *x = vn_map_get(r->of, n->name);
    if (!x) {
        const struct qparam *q = n->in[1]->q;
        x = NEW(r->arena, struct vn_refined);
        x->q = vn_qparam_new(r->arena, q->dtype, q->axis, q->n, q->scale, q->zero);
        vn_map_set(r->of, vn_arena_str(r->arena, n->name), x);
    }
    return x;
}

static int is_refined(const struct node *n)
{
    return vn_layer_inputs_known(n) && !n->why_float && n->op->quant.weight == 1 && n->in[0]->q &&
           n->in[1]->q && n->in[1]->q->dtype == VN_I8;
}

static float scale_of(const struct node *n, int64_t output)
{
    const struct qparam *q = n->in[1]->q;
    return q->scale[q->n == 1 ? 0 : output];
}

static int64_t outputs_of(const struct layer_inputs *l)
{
    const struct weight_layout w = vn_weight_layout(l->node);
    return vn_weight_outputs(&w);
}

/* ---- rounding ---- */

/* Around the mean where a bias makes up for it. */
static void center(const struct layer_inputs *l, int64_t group)
{
    double *gram = l->gram + group * l->n * l->n;
    for (int64_t i = 0; i < l->n; i++)
        for (int64_t j = 0; j <= i; j++)
            gram[i * l->n + j] -= l->rows * l->mean[group * l->n + i] * l->mean[group * l->n + j];
}

/* Where each output's weights stand: outputs x n numbers of elements. */
static int64_t *places(struct vn_arena *a, const struct layer_inputs *l, int64_t outputs)
{
    int64_t *at = NEW_ARRAY(a, int64_t, outputs * l->n);
    for (int64_t i = 0, n = vn_shape_count(&l->node->in[1]->shape); i < n; i++) {
        const struct weight_input p = vn_layer_inputs_place(l, i);
        at[p.output * l->n + p.input] = i;
    }
    return at;
}

/* One output: its weights become multiples of their step; returns what that takes from its mean. */
static double round_output(float *to, const struct layer_inputs *l, const struct input_factor *f,
                           const int64_t *at, int64_t group, float step)
{
    struct vn_arena *work = vn_arena_new();
    const struct vn_tensor *w = l->node->in[1]->data;
    double *x = NEW_ARRAY(work, double, l->n), shift = 0;
    int32_t *q = NEW_ARRAY(work, int32_t, l->n);
    for (int64_t k = 0; k < l->n; k++)
        x[k] = vn_tensor_f64(w, at[k]) / (double)step;
    vn_rounding_solve(q, x, f, vn_q_max(l->node->in[1]->q));
    for (int64_t k = 0; k < l->n; k++) {
        to[at[k]] = (float)q[k] * step;
        shift += (x[k] - q[k]) * (double)step * l->mean[group * l->n + k] * l->step;
    }
    vn_arena_free(&work);
    return shift;
}

static void round_layer(struct refinement *r, const struct layer_inputs *l)
{
    struct vn_arena *work = vn_arena_new();
    const struct node *n = l->node;
    const int64_t outputs = outputs_of(l), per_group = outputs / l->groups;
    const int64_t *at = places(work, l, outputs);
    float *w = NEW_ARRAY(r->arena, float, vn_shape_count(&n->in[1]->shape));
    double *shift = NEW_ARRAY(r->arena, double, outputs);
    const int takes_bias = vn_quantize_takes_bias(n);
    int done = 1;
    for (int64_t i = 0; i < vn_shape_count(&n->in[1]->shape); i++)
        w[i] = (float)vn_tensor_f64(n->in[1]->data, i);
    for (int64_t g = 0; g < l->groups; g++) {
        struct vn_arena *a = vn_arena_new();
        struct input_factor f;
        if (takes_bias)
            center(l, g);
        const int found = vn_rounding_factor(&f, a, l->gram + g * l->n * l->n, (int)l->n) == VN_OK;
        for (int64_t o = g * per_group; found && o < (g + 1) * per_group; o++)
            shift[o] = round_output(w, l, &f, at + o * l->n, g, scale_of(n, o));
        done &= found || l->groups > 1; /* a channel that is always 0 keeps what it has */
        vn_arena_free(&a);
    }
    if (done) {
        struct vn_refined *x = entry(r, n);
        x->w = w;
        x->shift = takes_bias ? shift : NULL;
        x->outputs = outputs;
    }
    vn_arena_free(&work);
}

/* From *first on, as many as the memory takes. */
static int round_some(struct refinement *r, const struct graph *quantized, int *first, struct vn_err *e)
{
    const struct graph *g = r->calibrated;
    struct vn_arena *work = vn_arena_new();
    struct layer_inputs **l = NEW_ARRAY(work, struct layer_inputs *, g->nodes.n);
    double bytes = 0;
    int n = 0;
    for (; *first < g->nodes.n && bytes < MOST_BYTES; ++*first) {
        const struct node *node = g->nodes.v[*first];
        if (!is_refined(node))
            continue;
        l[n] = NEW(work, struct layer_inputs);
        *l[n] = vn_layer_inputs_of(work, node, r->n, 1);
        bytes += (double)(l[n]->groups * l[n]->n * l[n]->n) * sizeof(double);
        n++;
    }
    const int status = collect(r, l, n, quantized, e);
    for (int i = 0; status == VN_OK && i < n; i++) {
        round_layer(r, l[i]);
        vn_progress(&r->c->listener, "rounding", *first - n + i + 1, g->nodes.n);
    }
    vn_arena_free(&work);
    return status;
}

/* ---- biases ---- */

/* By node id: the number of layers in front of it, at most; -1: none of them. */
static int *levels(struct vn_arena *a, const struct graph *g, int *most)
{
    int *of_node = NEW_ARRAY(a, int, g->nodes.n), *of_value = NEW_ARRAY(a, int, g->values.n);
    *most = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        int level = 0;
        for (int k = 0; k < n->n_in; k++)
            level = n->in[k] && of_value[n->in[k]->id] > level ? of_value[n->in[k]->id] : level;
        const int counts = is_refined(n) && vn_quantize_takes_bias(n);
        of_node[i] = counts ? level : -1;
        *most = counts && level + 1 > *most ? level + 1 : *most;
        for (int k = 0; k < n->n_out; k++)
            if (n->out[k])
                of_value[n->out[k]->id] = level + counts;
    }
    return of_node;
}

static struct node *find_node(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, name))
            return g->nodes.v[i];
    return NULL;
}

/* Means of results in float, less those of what integers make of the layer's integer inputs. */
static void shift_bias(struct refinement *r, const struct layer_inputs *exact, const struct layer_inputs *l,
                       const struct node *n)
{
    struct vn_refined *x = entry(r, n);
    const int64_t outputs = outputs_of(l), count = vn_shape_count(&n->in[1]->shape);
    double *shift = NEW_ARRAY(r->arena, double, outputs), *change = NEW_ARRAY(r->arena, double, outputs);
    for (int64_t i = 0; i < count; i++) {
        const struct weight_input p = vn_layer_inputs_place(l, i);
        const int64_t k = p.group * l->n + p.input;
        const float step = scale_of(n, p.output);
        const double most = vn_q_max(n->in[1]->q), w = vn_tensor_f64(n->in[1]->data, i);
        const double rounded = fmax(-most, fmin(most, rint(w / (double)step))) * (double)step;
        shift[p.output] +=
            vn_tensor_f64(exact->node->in[1]->data, i) * exact->mean[k] - rounded * l->step * l->mean[k];
    }
    for (int64_t o = 0; o < outputs; o++)
        change[o] = shift[o] - (x->shift ? x->shift[o] : 0);
    x->shift = shift;
    x->outputs = outputs;
    vn_quantize_shift_bias(r->calibrated, find_node(r->calibrated, n->name), change);
}

static int correct_level(struct refinement *r, struct layer_inputs *const *exact, const int *level, int at,
                         struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const struct graph *g = r->calibrated;
    struct layer_inputs **l = NEW_ARRAY(work, struct layer_inputs *, g->nodes.n);
    int *of = NEW_ARRAY(work, int, g->nodes.n), n = 0;
    for (int i = 0; i < g->nodes.n; i++)
        if (level[i] == at && exact[i]) {
            l[n] = NEW(work, struct layer_inputs);
            *l[n] = vn_layer_inputs_of(work, g->nodes.v[i], r->n, 0);
            of[n++] = i;
        }
    struct graph *quantized = vn_graph_clone(work, g);
    int status = n ? vn_quantize_store(quantized, e) : VN_OK;
    if (n && status == VN_OK)
        status = collect(r, l, n, quantized, e);
    for (int i = 0; status == VN_OK && i < n; i++)
        shift_bias(r, exact[of[i]], l[i], g->nodes.v[of[i]]);
    vn_arena_free(&work);
    return status;
}

/* What layers read in float. By node id of the calibrated graph; NULL: not corrected. */
static int collect_exact(struct layer_inputs ***out, struct refinement *r, struct vn_arena *work,
                         const int *level, struct vn_err *e)
{
    const struct graph *g = r->calibrated;
    struct layer_inputs **all = NEW_ARRAY(work, struct layer_inputs *, g->nodes.n);
    struct layer_inputs **some = NEW_ARRAY(work, struct layer_inputs *, g->nodes.n);
    int n = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *node = level[i] < 0 ? NULL : find_node(r->c->optimized, g->nodes.v[i]->name);
        if (!node)
            continue;
        some[n] = all[i] = NEW(work, struct layer_inputs);
        *some[n++] = vn_layer_inputs_of(work, node, r->n, 0);
    }
    *out = all;
    return collect(r, some, n, r->c->optimized, e);
}

static int correct_biases(struct refinement *r, struct vn_arena *work, struct vn_err *e)
{
    int most;
    struct layer_inputs **exact;
    vn_graph_index(r->calibrated);
    const int *level = levels(work, r->calibrated, &most);
    TRY(collect_exact(&exact, r, work, level, e));
    for (int at = 0; at < most; at++) {
        TRY(correct_level(r, exact, level, at, e));
        vn_progress(&r->c->listener, "biases", at + 1, most);
    }
    return VN_OK;
}

/* ---- both ---- */

static int refine(struct refinement *r, const struct vn_ranges *ranges, int ways, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct vn_quant_method m = r->c->method;
    struct graph *quantized;
    m.bias_correction = 0;
    int status = vn_convert_quantize(r->c, work, &m, ranges, &r->calibrated, &quantized, e);
    for (int i = 0; status == VN_OK && (ways & ROUNDED) && i < r->calibrated->nodes.n;)
        status = round_some(r, quantized, &i, e);
    m.refined = r->of;
    if (status == VN_OK && (ways & ROUNDED))
        status = vn_convert_quantize(r->c, work, &m, ranges, &r->calibrated, &quantized, e);
    if (status == VN_OK && (ways & SEQUENTIAL))
        status = correct_biases(r, work, e);
    vn_arena_free(&work);
    return status;
}

static int refined_method(struct vn_quant_method *m, struct refinement *r, const struct vn_ranges *ranges,
                          int ways, struct vn_err *e)
{
    *m = r->c->method;
    if (!ways)
        return VN_OK;
    r->of = vn_map_new(r->arena);
    struct vn_arena *work = vn_arena_new();
    int status = load_samples(r, work, e);
    if (status == VN_OK)
        status = refine(r, ranges, ways, e);
    vn_arena_free(&work);
    TRY(status);
    m->refined = r->of;
    m->rounded = (ways & ROUNDED) != 0;
    m->sequential = (ways & SEQUENTIAL) != 0;
    return VN_OK;
}

/* ---- which of them help ---- */

static int is_allowed(const struct config *c, int ways)
{
    const enum refine_key keys[] = { c->rounding, c->sequential_bias };
    for (int k = 0; k < 2; k++) {
        const int on = (ways >> k) & 1;
        if ((keys[k] == REFINE_ON && !on) || (keys[k] == REFINE_OFF && on) ||
            (keys[k] == REFINE_AUTO && on && c->effort != EFFORT_HIGH))
            return 0;
    }
    return 1;
}

int vn_convert_refines(const struct config *c)
{
    return c->calibration_type != CALIBRATION_LOAD && !c->random_data &&
           (is_allowed(c, ROUNDED) || is_allowed(c, SEQUENTIAL) || is_allowed(c, ROUNDED | SEQUENTIAL));
}

static int score(struct method_trial *t, struct held_samples *h, const struct vn_conversion *c, int ways,
                 int fold, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct vn_ranges *ranges;
    struct graph *calibrated, *quantized;
    struct vn_quant_method m;
    const int without = c->folds.n > 1 ? fold : -1;
    int status = vn_folds_join(&ranges, work, c->optimized, &c->folds, without, e);
    struct refinement r = { .c = c, .arena = work, .without = without };
    if (status == VN_OK)
        status = refined_method(&m, &r, ranges, ways, e);
    if (status == VN_OK)
        status = vn_convert_quantize(c, work, &m, ranges, &calibrated, &quantized, e);
    if (status == VN_OK)
        status = vn_held_score(t->score, h, quantized, fold, &c->run, e);
    for (int i = 0; status == VN_OK && i < h->n; i++)
        t->done[i] |= h->of[i].fold == fold;
    t->method = c->method;
    t->method.rounded = (ways & ROUNDED) != 0;
    t->method.sequential = (ways & SEQUENTIAL) != 0;
    vn_arena_free(&work);
    return status;
}

static int judging_folds(const struct held_samples *h)
{
    int folds = 0, samples = 0;
    while (folds < h->folds && (folds < LEAST_FOLDS || samples < ENOUGH_HELD)) {
        for (int i = 0; i < h->n; i++)
            samples += h->of[i].fold == folds;
        folds++;
    }
    return folds;
}

/* *ways: those of the best; the table is in the log. */
static int choose(int *ways, struct vn_conversion *c, struct vn_arena *a, struct vn_err *e)
{
    struct held_samples *h;
    struct method_trial t[WAYS];
    int of[WAYS], n = 0;
    TRY(vn_held_samples(&h, a, c, e));
    for (int w = 0; w < WAYS; w++) {
        if (!is_allowed(c->config, w))
            continue;
        of[n] = w;
        t[n] = (struct method_trial){ .method = c->method,
                                      .score = NEW_ARRAY(a, struct held_score, h->n),
                                      .done = vn_arena_alloc(a, (size_t)h->n) };
        for (int fold = 0; fold < judging_folds(h); fold++)
            TRY(score(&t[n], h, c, w, fold, e));
        n++;
    }
    for (int i = 1; i < n; i++)
        t[i].dropped = !vn_trial_helps(&t[i], &t[0], h->n);
    const int chosen = vn_trials_choose(t, n, h->n);
    vn_convert_print_trials(c, t, n, h->n, chosen);
    *ways = of[chosen];
    return VN_OK;
}

static int only_way(const struct config *c)
{
    int found = -1;
    for (int w = 0; w < WAYS; w++)
        if (is_allowed(c, w)) {
            if (found >= 0)
                return -1;
            found = w;
        }
    return found;
}

int vn_convert_refine(struct vn_conversion *c, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    int ways = only_way(c->config), status = VN_OK;
    INFO(c, "Round weights and correct biases layer by layer.");
    if (ways < 0)
        status = choose(&ways, c, work, e);
    if (status == VN_OK) {
        struct vn_quant_method m;
        struct refinement r = { .c = c, .arena = c->arena, .without = -1 };
        status = refined_method(&m, &r, c->ranges, ways, e);
        if (status == VN_OK)
            c->method = m;
    }
    vn_arena_free(&work);
    return status;
}

int vn_convert_refined(struct vn_quant_method *m, const struct vn_conversion *c, struct vn_arena *a,
                       const struct vn_ranges *ranges, struct vn_shard part, int ways, struct vn_err *e)
{
    struct refinement r = { .c = c, .arena = a, .without = -1, .part = part };
    return refined_method(m, &r, ranges, ways, e);
}
