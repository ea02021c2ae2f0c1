#include "tensor/choice.h"

#include <math.h>

#define SUM_OFF 1e-3 /* of probabilities, from 1 */

struct choice_axis vn_choice_axis(const struct vn_shape *s, int axis)
{
    int64_t stride[VN_MAX_RANK] = { 1 };
    vn_shape_strides(s, stride);
    return (struct choice_axis){ s->d[axis], stride[axis] };
}

static const float *first_of(const float *x, const struct choice_axis *k, int64_t place)
{
    return x + place / k->step * k->step * k->classes + place % k->step;
}

int64_t vn_choice(const float *x, const struct choice_axis *k, int64_t place)
{
    const float *p = first_of(x, k, place);
    int64_t best = 0;
    for (int64_t c = 1; c < k->classes; c++)
        best = p[c * k->step] > p[best * k->step] ? c : best;
    return best;
}

int vn_choice_is_probable(const float *x, const struct choice_axis *k, int64_t place)
{
    const float *p = first_of(x, k, place);
    double sum = 0;
    for (int64_t c = 0; c < k->classes; c++) {
        if (!(p[c * k->step] >= 0))
            return 0;
        sum += (double)p[c * k->step];
    }
    return fabs(sum - 1) <= SUM_OFF;
}

double vn_choice_entropy(const float *x, const struct choice_axis *k, int64_t place)
{
    const float *p = first_of(x, k, place);
    const int given = vn_choice_is_probable(x, k, place);
    const double most = (double)p[vn_choice(x, k, place) * k->step];
    double sum = 0, h = 0;
    for (int64_t c = 0; c < k->classes && !given; c++)
        sum += exp((double)p[c * k->step] - most);
    for (int64_t c = 0; c < k->classes; c++) {
        const double v = (double)p[c * k->step], q = given ? v : exp(v - most) / sum;
        h -= q > 0 ? q * log(q) : 0;
    }
    return h / log((double)k->classes);
}
