/* num/half.c - float16 and bfloat16. */
#include "num/num.h"

static float bits_to_f32(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

float vn_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, man = h & 1023;
    if (exp == 0) {
        const float f = (float)man * 0x1p-24f;
        return sign ? -f : f;
    }
    const uint32_t e = exp == 31 ? 255 : exp + 112;
    return bits_to_f32(sign | e << 23 | man << 13);
}

uint16_t vn_f32_to_f16(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    const uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
    u &= 0x7fffffff;
    if (u > 0x7f800000)
        return sign | 0x7e00;
    if (u >= 0x477ff000) /* rounds to 65536 or more */
        return sign | 0x7c00;
    if (u < 0x38800000) { /* below the smallest normal: a multiple of 2^-24 */
        const float m = bits_to_f32(u) * 0x1p24f;
        return sign | (uint16_t)vn_rintf(m);
    }
    u += 0xfff + (u >> 13 & 1); /* half to even */
    return sign | (uint16_t)((u - 0x38000000) >> 13);
}

float vn_bf16_to_f32(uint16_t h) { return bits_to_f32((uint32_t)h << 16); }

uint16_t vn_f32_to_bf16(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 64);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
