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

int64_t vn_seen_count(const struct vn_seen *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->shape[i];
    return n;
}

/* Flat index in source order -> offset in memory, walked in order: N, C, rest. */
struct order {
    int64_t channels, inner;
    int moved;
};

static struct order order_of(const struct vn_seen *t)
{
    struct order o = { 1, 1, t->channels_last && t->rank >= 3 };
    if (!o.moved)
        return o;
    o.channels = t->shape[1];
    for (int i = 2; i < t->rank; i++)
        o.inner *= t->shape[i];
    return o;
}

static int64_t memory_index(const struct order *o, int64_t i)
{
    if (!o->moved)
        return i;
    const int64_t per = o->channels * o->inner, n = i / per, c = i % per / o->inner, p = i % o->inner;
    return n * per + p * o->channels + c;
}

static int32_t stored(const struct vn_seen *t, int64_t k)
{
    return t->dtype == VN_I16 ? ((const int16_t *)t->data)[k] : ((const int8_t *)t->data)[k];
}

void vn_seen_integers(int32_t *out, const struct vn_seen *t)
{
    const struct order o = order_of(t);
    const int64_t n = vn_seen_count(t);
    for (int64_t i = 0; i < n; i++)
        out[i] = stored(t, memory_index(&o, i));
}

void vn_seen_real(float *out, const struct vn_seen *t)
{
    const struct order o = order_of(t);
    const int64_t n = vn_seen_count(t);
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = memory_index(&o, i);
        out[i] = t->dtype == VN_I8 || t->dtype == VN_I16 ? (float)(stored(t, k) - t->zero) * t->scale
               : t->dtype == VN_F32 ? ((const float *)t->data)[k] : 0;
    }
}
