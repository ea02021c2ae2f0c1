/* What the numbers of a quantized network do to it, said before anything is written. */
#include "convert/stages.h"

#include <math.h>
#include <stdlib.h>

#include "ops/op.h"

#define CLIPPED 0.01 /* share of a tensor's elements */
#define LOST_BITS 2.0 /* of weights whose scale grew so that the bias fits: they are lost beside it */
#define FULL 0.999999 /* of the largest bias, rounded to float32 */
#define EXPLODES 1e4 /* times the median of a layer's channels */
enum { MOST_LINES = 5, MOST_PRODUCTS = 32896 }; /* of int8 that 32 bits hold, with a bias of 30 */

/* Some of a kind are named, the others counted. */
struct lines {
    const struct vn_conversion *c;
    int n;
};
#define TELL(l, level, ...) \
    do { \
        if ((l)->n++ < MOST_LINES) \
            vn_say(&(l)->c->listener, level, __VA_ARGS__); \
    } while (0)

static void tell_rest(const struct lines *l, enum vn_log_level level, const char *what)
{
    if (l->n > MOST_LINES)
        vn_say(&l->c->listener, level, "%d more %s", l->n - MOST_LINES, what);
}

/* ---- activations ---- */

static double clipped(const struct histogram *h, double reach)
{
    uint64_t beyond = 0;
    for (int i = HISTOGRAM_BINS - 1; i >= 0 && ldexp(i, h->exponent) >= reach; i--)
        beyond += h->bin[i];
    return h->count ? (double)beyond / (double)h->count : 0;
}

/* What was chosen on held data loses nothing by it. */
static enum vn_log_level level_of_clipping(const struct vn_conversion *c)
{
    return vn_convert_searches(c->config) ? VN_LOG_INFO : VN_LOG_WARNING;
}

/* Flat ends (quant/flat_ends.h) are left out of the scale, but not of the threshold: no result is clipped. */
static void tell_clipped(struct lines *l, const struct value *v, const struct histogram *h)
{
    const struct qparam *q = v->q;
    const double most = fmax(fabs((double)h->min), fabs((double)h->max));
    const double scaled = fmax(vn_q_max(q) - q->zero[0], q->zero[0] - vn_q_min(q)) * (double)q->scale[0];
    const double reach = fmax(scaled, v->threshold);
    if (most > reach && clipped(h, reach) > CLIPPED)
        TELL(l, VN_LOG_WARNING,
             "%s: its scale clips %.1f %% of the elements: it represents up to %.4g, they reach %.4g",
             v->name, 100 * clipped(h, reach), reach, most);
}

static void check_activations(const struct vn_conversion *c)
{
    struct lines l = { c, 0 };
    for (int i = 0; i < c->optimized->values.n; i++) {
        const struct histogram *h = c->ranges->of[c->optimized->values.v[i]->id];
        const struct value *v = h ? vn_graph_find(c->calibrated, c->optimized->values.v[i]->name) : NULL;
        if (v && !v->data && v->q)
            tell_clipped(&l, v, h);
    }
    tell_rest(&l, level_of_clipping(c), "tensors are clipped");
}

/* ---- weights ---- */

struct layer_check {
    const struct node *n;
    int channels, dead, full; /* dead: they never vary; full: their bias is as large as integers are */
    double *most; /* by channel that is not: largest weight */
};

static struct layer_check look_at(struct vn_arena *a, const struct node *n)
{
    const struct value *w = n->in[1];
    struct layer_check k = { .n = n, .channels = w->q->n, .most = NEW_ARRAY(a, double, w->q->n) };
    for (int64_t i = 0; i < vn_shape_count(&w->shape); i++) {
        const int c = w->q->n == 1 ? 0 : (int)vn_shape_coordinate(&w->shape, w->q->axis, i);
        k.most[c] = fmax(k.most[c], fabs(vn_tensor_f64(w->data, i)));
    }
    for (int c = 0; c < k.channels; c++) {
        const double bits = k.most[c] > 0 ? log2(w->q->scale[c] * (double)vn_q_max(w->q) / k.most[c]) : 0;
        if (k.most[c] == 0 || bits > LOST_BITS) {
            k.most[c] = 0;
            k.dead++;
        }
    }
    const int b = n->op->quant.bias;
    for (int c = 0; b && vn_node_has(n, b) && n->in[b]->data && c < k.channels; c++)
        k.full += fabs(vn_tensor_f64(n->in[b]->data, vn_shape_count(&n->in[b]->shape) > 1 ? c : 0)) >=
                  FULL * vn_quantize_bias_most(n, c);
    return k;
}

static int by_size(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Times the median of the channels that are not dead. */
static double spread(struct vn_arena *a, const struct layer_check *k)
{
    double *sorted = vn_arena_copy(a, k->most, (size_t)k->channels * sizeof *sorted);
    qsort(sorted, (size_t)k->channels, sizeof *sorted, by_size);
    const int alive = k->channels - k->dead;
    return alive > 1 ? sorted[k->channels - 1] / sorted[k->dead + alive / 2] : 1;
}

static void tell_layer(struct lines *l, struct vn_arena *a, const struct layer_check *k)
{
    const struct node *n = k->n;
    const int64_t products = vn_shape_count(&n->in[1]->shape) / (k->channels > 1 ? k->channels : 1);
    if (spread(a, k) > EXPLODES)
        TELL(&l[0], VN_LOG_WARNING,
             "%s (%s): the largest weight of a channel is %.3g times that of the median channel", n->name,
             n->op->onnx, spread(a, k));
    if (k->dead)
        TELL(&l[1], VN_LOG_INFO,
             "%s (%s): %d of %d channels are constant: their weights are 0, or lost beside the bias", n->name,
             n->op->onnx, k->dead, k->channels);
    if (k->full)
        TELL(&l[3], VN_LOG_WARNING,
             "%s (%s): the corrected bias of %d of %d channels does not fit its 30 bits: it is clipped",
             n->name, n->op->onnx, k->full, k->channels);
    if (k->channels > 1 && products > MOST_PRODUCTS && n->in[1]->q->dtype == VN_I8)
        TELL(&l[2], VN_LOG_INFO, "%s (%s): sums of %lld products need 64 bits, which is slower", n->name,
             n->op->onnx, (long long)products);
}

static void check_weights(const struct vn_conversion *c)
{
    static const struct {
        enum vn_log_level level;
        const char *what;
    } kinds[] = { { VN_LOG_WARNING, "nodes have such channels" },
                  { VN_LOG_INFO, "nodes have constant channels" },
                  { VN_LOG_INFO, "nodes have such sums" },
                  { VN_LOG_WARNING, "nodes have such biases" } };
    struct lines l[] = { { c, 0 }, { c, 0 }, { c, 0 }, { c, 0 } };
    for (int i = 0; i < c->calibrated->nodes.n; i++) {
        const struct node *n = c->calibrated->nodes.v[i];
        if (n->op->quant.weight != 1 || n->why_float || !n->in[1]->data || !n->in[1]->q)
            continue;
        struct vn_arena *a = vn_arena_new();
        const struct layer_check k = look_at(a, n);
        tell_layer(l, a, &k);
        vn_arena_free(&a);
    }
    for (int i = 0; i < 4; i++)
        tell_rest(&l[i], kinds[i].level, kinds[i].what);
}

void vn_convert_check_arithmetic(const struct vn_conversion *c)
{
    if (c->config->random_data)
        return;
    check_activations(c);
    check_weights(c);
}
