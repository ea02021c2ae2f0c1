/* kernels/x86/softmax_shares.h - (float)((double)entry / (double)sum) by a multiplication, for sums below
 * 2^43.
 *
 * r = 1 / sum and q = entry * r are rounded, so q is less than two units of its last place away from the
 * quotient. What is left, entry - q * sum, is exact with a fused multiply-add; its product with r, added to
 * q, gives the quotient with an error below 2^-50 units, rounded once. That is the rounded quotient, unless
 * the middle of two doubles lies within the error. A middle is M / 2^k with an odd M of 54 bits. M does not
 * divide entry * 2^k, so entry * 2^k - M * sum is not 0 but an integer, and the quotient is at least 1 /
 * (sum * 2^k) away from the middle: 2^-44 units. */
#ifndef VN_KERNELS_X86_SOFTMAX_SHARES_H
#define VN_KERNELS_X86_SOFTMAX_SHARES_H

#include <stdint.h>

#define MOST_ENTRIES 1024 /* their sum is below 2^42 */

struct shares {
    double sum, part;
};

static inline struct shares shares_of(uint64_t sum)
{
    return (struct shares){ (double)sum, 1.0 / (double)sum };
}

static inline float share(const struct shares *s, uint32_t entry)
{
    const double e =
        (double)(int32_t)(entry ^ 0x80000000u) + 2147483648.0; /* AVX2 has vectors for signed ones */
    const double q = e * s->part;
    return (float)__builtin_fma(__builtin_fma(-q, s->sum, e), s->part, q);
}

#endif
