#include "flow/choices.h"

#include <math.h>

#define Z95 1.96

static int are_probabilities(const float *x, int64_t places, const struct choice_axis *k)
{
    for (int64_t i = 0; i < places; i++)
        if (!vn_choice_is_probable(x, k, i))
            return 0;
    return places > 0;
}

static int find_axis(struct choice_axis *k, const struct vn_shape *s, const float *x)
{
    for (int i = 0; i < s->rank; i++) {
        *k = vn_choice_axis(s, i);
        if (k->classes > 1 && are_probabilities(x, vn_shape_count(s) / k->classes, k))
            return 1;
    }
    return 0;
}

/* What is chosen at most places; -1: there is one place only. */
static int64_t commonest(const float *x, const struct choice_axis *k, int64_t places, struct vn_arena *a)
{
    int64_t *votes = NEW_ARRAY(a, int64_t, k->classes), best = 0;
    for (int64_t i = 0; i < places; i++)
        votes[vn_choice(x, k, i)]++;
    for (int64_t c = 1; c < k->classes; c++)
        best = votes[c] > votes[best] ? c : best;
    return places > 1 ? best : -1;
}

void vn_choices_add(struct choice_count *c, const struct vn_tensor *left, int exact, const float *x,
                    const float *y, struct vn_arena *a)
{
    const int64_t n = vn_shape_count(&left->shape);
    struct choice_axis k;
    if (exact) {
        for (int64_t i = 0; i < n; i++)
            c->kept += x[i] == y[i];
        c->made += n;
        return;
    }
    if (!find_axis(&k, &left->shape, x))
        return;
    const int64_t usual = commonest(x, &k, n / k.classes, a);
    for (int64_t i = 0; i < n / k.classes; i++) {
        const int64_t l = vn_choice(x, &k, i), r = vn_choice(y, &k, i);
        c->made += l != usual || r != usual;
        c->kept += l == r && l != usual;
        c->entropy += vn_choice_entropy(x, &k, i);
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
