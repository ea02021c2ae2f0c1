#include <math.h>

#include "session/similarity.h"

struct similarity vn_similarity(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0, d1 = 0, d2 = 0, most = 0;
    int64_t zeros = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = a[i], y = b[i], d = fabs(x - y);
        ab += x * y;
        aa += x * x;
        bb += y * y;
        d1 += d;
        d2 += d * d;
        most = d > most ? d : most;
        zeros += x == 0;
    }
    struct similarity s = { .n = n, .chebyshev = most };
    if (!n)
        return s;
    s.cosine = aa == 0 && bb == 0 ? 1 : aa == 0 || bb == 0 ? 0 : ab / (sqrt(aa) * sqrt(bb));
    s.l1 = d1 / (double)n;
    s.l2 = sqrt(d2) / (double)n;
    s.sqnr = d2 == 0 ? INFINITY : 10 * log10(aa / d2);
    s.zeros = (double)zeros / (double)n;
    return s;
}

int64_t vn_view_count(const struct vn_view *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->shape[i];
    return n;
}

static int32_t stored(const struct vn_view *t, int64_t k)
{
    return t->dtype == VN_I16 ? ((const int16_t *)t->data)[k] : ((const int8_t *)t->data)[k];
}

static float real(const struct vn_view *t, int64_t k)
{
    return t->dtype == VN_I8 || t->dtype == VN_I16 ? (float)(stored(t, k) - *t->zero) * *t->scale
         : t->dtype == VN_F32 ? ((const float *)t->data)[k] : 0;
}

/* Steps through a view in the order of its axes: the element's place in memory. */
struct place {
    const struct vn_view *t;
    int64_t index[VN_MAX_RANK], at;
};

static void step(struct place *p)
{
    for (int d = p->t->rank - 1; d >= 0; d--) {
        p->at += p->t->stride[d];
        if (++p->index[d] < p->t->shape[d])
            return;
        p->at -= p->index[d] * p->t->stride[d];
        p->index[d] = 0;
    }
}

void vn_view_integers(int32_t *out, const struct vn_view *t)
{
    const int64_t n = vn_view_count(t);
    struct place p = { .t = t };
    for (int64_t i = 0; i < n; i++, step(&p))
        out[i] = stored(t, p.at);
}

void vn_view_real(float *out, const struct vn_view *t)
{
    const int64_t n = vn_view_count(t);
    struct place p = { .t = t };
    for (int64_t i = 0; i < n; i++, step(&p))
        out[i] = real(t, p.at);
}
