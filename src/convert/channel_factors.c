#include "convert/channel_factors.h"

#include <math.h>

#include "ops/op.h"

enum { SHARES = 4, MOST_BITS = 8 };

/* Of one reader: by input channel the sum of squared weights; of each pair of channels the largest one. */
struct reader_weights {
    int64_t outputs, taps;
    struct weight_layout layout;
    double *energy; /* by input channel */
    double *largest; /* by place: axis 0 * second + axis 1 */
};

static struct reader_weights measure(struct vn_arena *a, const struct node *n, int channels)
{
    const struct vn_tensor *w = n->in[n->op->quant.weight]->data;
    struct reader_weights r = { .layout = vn_weight_layout(n) };
    const struct weight_layout *l = &r.layout;
    r.energy = NEW_ARRAY(a, double, channels);
    r.largest = NEW_ARRAY(a, double, l->first * l->second);
    r.taps = l->taps;
    for (int64_t p = 0; p < l->first * l->second; p++) {
        const struct weight_place at = vn_weight_at(l, p / l->second, p % l->second);
        for (int64_t i = p * l->taps; i < (p + 1) * l->taps; i++) {
            const double x = fabs(vn_tensor_f64(w, i));
            r.energy[at.in] += x * x;
            r.largest[p] = fmax(r.largest[p], x);
        }
        r.outputs = at.out >= r.outputs ? at.out + 1 : r.outputs;
    }
    return r;
}

/* Of the results' sum of squares; both terms without the 1/12 of a step's square, and steps in units of
 * 1/127. */
static double noise(struct vn_arena *a, const struct reader_weights *r, const struct channel_stats *s,
                    const double *k)
{
    double *step = NEW_ARRAY(a, double, r->outputs), top = 0, of_input = 0, of_weights = 0, signal = 0;
    for (int c = 0; c < s->n; c++) {
        top = fmax(top, k[c] * s->top[c]);
        signal += r->energy[c] * s->power[c];
    }
    for (int c = 0; c < s->n; c++)
        of_input += r->energy[c] * pow(top / k[c], 2);
    const int64_t places = r->layout.first * r->layout.second;
    for (int64_t p = 0; p < places; p++) {
        const struct weight_place at = vn_weight_at(&r->layout, p / r->layout.second, p % r->layout.second);
        step[at.out] = fmax(step[at.out], r->largest[p] / k[at.in]);
    }
    for (int64_t p = 0; p < places; p++) {
        const struct weight_place at = vn_weight_at(&r->layout, p / r->layout.second, p % r->layout.second);
        of_weights += pow(step[at.out] * k[at.in], 2) * s->power[at.in] * (double)r->taps;
    }
    return signal > 0 ? (of_input + of_weights) / signal : 0;
}

static void by_share(double *k, const struct channel_stats *s, double share)
{
    float top = 0;
    for (int c = 0; c < s->n; c++)
        top = fmaxf(top, s->top[c]);
    for (int c = 0; c < s->n; c++) {
        const double bits = s->top[c] > 0 ? floor(share * log2((double)top / s->top[c])) : 0;
        k[c] = ldexp(1, (int)fmin(bits, MOST_BITS));
    }
}

double vn_channel_factors(double *k, const struct channel_stats *s, struct node *const *reader, int readers)
{
    struct vn_arena *a = vn_arena_new();
    struct reader_weights *r = NEW_ARRAY(a, struct reader_weights, readers);
    double of[SHARES + 1] = { 0 };
    int best = 0;
    for (int i = 0; i < readers; i++)
        r[i] = measure(a, reader[i], s->n);
    for (int share = 0; share <= SHARES; share++) {
        by_share(k, s, (double)share / SHARES);
        for (int i = 0; i < readers; i++)
            of[share] += noise(a, &r[i], s, k);
        best = of[share] < of[best] ? share : best;
    }
    by_share(k, s, (double)best / SHARES);
    vn_arena_free(&a);
    return best && of[0] > 0 ? 10 * log10(of[0] / of[best]) : 0;
}
