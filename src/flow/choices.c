#include "flow/choices.h"

#include <math.h>

#define SUM_OFF 1e-3 /* of probabilities, from 1 */
#define Z95 1.96

struct axis {
    int64_t size, step;
};

static int64_t place_of(const struct axis *k, int64_t i)
{
    return i / k->step * k->step * k->size + i % k->step;
}

static int are_probabilities(const float *x, int64_t n, const struct axis *k)
{
    for (int64_t i = 0; i < n / k->size; i++) {
        const float *p = x + place_of(k, i);
        double sum = 0;
        for (int64_t c = 0; c < k->size; c++) {
            if (!(p[c * k->step] >= 0))
                return 0;
            sum += (double)p[c * k->step];
        }
        if (fabs(sum - 1) > SUM_OFF)
            return 0;
    }
    return n > 0;
}

static int find_axis(struct axis *k, const struct vn_shape *s, const float *x)
{
    const int64_t n = vn_shape_count(s);
    int64_t stride[VN_MAX_RANK] = { 1 };
    vn_shape_strides(s, stride);
    for (int i = 0; i < s->rank; i++) {
        *k = (struct axis){ s->d[i], stride[i] };
        if (k->size > 1 && are_probabilities(x, n, k))
            return 1;
    }
    return 0;
}

static int64_t chosen(const float *x, const struct axis *k, int64_t i)
{
    const float *p = x + place_of(k, i);
    int64_t best = 0;
    for (int64_t c = 1; c < k->size; c++)
        best = p[c * k->step] > p[best * k->step] ? c : best;
    return best;
}

static double entropy(const float *x, const struct axis *k, int64_t i)
{
    const float *p = x + place_of(k, i);
    double sum = 0;
    for (int64_t c = 0; c < k->size; c++) {
        const double v = (double)p[c * k->step];
        sum -= v > 0 ? v * log(v) : 0;
    }
    return sum / log((double)k->size);
}

/* What is chosen at most places; -1: there is one place only. */
static int64_t commonest(const float *x, const struct axis *k, int64_t places, struct vn_arena *a)
{
    int64_t *votes = NEW_ARRAY(a, int64_t, k->size), best = 0;
    for (int64_t i = 0; i < places; i++)
        votes[chosen(x, k, i)]++;
    for (int64_t c = 1; c < k->size; c++)
        best = votes[c] > votes[best] ? c : best;
    return places > 1 ? best : -1;
}

void vn_choices_add(struct choice_count *c, const struct vn_tensor *left, int exact, const float *x,
                    const float *y, struct vn_arena *a)
{
    const int64_t n = vn_shape_count(&left->shape);
    struct axis k;
    if (exact) {
        for (int64_t i = 0; i < n; i++)
            c->kept += x[i] == y[i];
        c->made += n;
        return;
    }
    if (!find_axis(&k, &left->shape, x))
        return;
    const int64_t usual = commonest(x, &k, n / k.size, a);
    for (int64_t i = 0; i < n / k.size; i++) {
        const int64_t l = chosen(x, &k, i), r = chosen(y, &k, i);
        c->made += l != usual || r != usual;
        c->kept += l == r && l != usual;
        c->entropy += entropy(x, &k, i);
        c->places++;
    }
}

void vn_choices_interval(const struct choice_count *c, double *low, double *high)
{
    const double n = (double)c->made, p = (double)c->kept / n, z = Z95 * Z95 / n;
    const double middle = (p + z / 2) / (1 + z), half = sqrt(z * (p * (1 - p) + z / 4)) / (1 + z);
    *low = fmax(middle - half, 0);
    *high = fmin(middle + half, 1);
}
