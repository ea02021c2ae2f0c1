#include "base/hash.h"

#include <string.h>

#define LANES 8
#define PRIME 0x9e3779b97f4a7c15u

static uint64_t word_at(const unsigned char *p, size_t at, size_t bytes, size_t skip)
{
    uint64_t w = 0;
    if (at == skip)
        return 0;
    memcpy(&w, p + at, bytes - at < 8 ? bytes - at : 8);
    return w;
}

static uint64_t mix(uint64_t h, uint64_t w)
{
    h = (h ^ w) * PRIME;
    return h ^ h >> 32;
}

/* LANES words, the one at `skip` as 0, unrolled: the lanes stay in registers. */
static void mix_block(uint64_t lane[LANES], const unsigned char *p, size_t skip)
{
    uint64_t w[LANES];
    memcpy(w, p, sizeof w);
    if (skip < sizeof w && skip % 8 == 0)
        w[skip / 8] = 0;
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i++)
        lane[i] = mix(lane[i], w[i]);
}

uint64_t vn_hash(const void *data, size_t bytes, size_t skip)
{
    const unsigned char *p = data;
    uint64_t lane[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = PRIME * (uint64_t)(i + 1);
    size_t at = 0;
    for (; bytes - at >= 8 * LANES; at += 8 * LANES)
        mix_block(lane, p + at, skip - at);
    for (int i = 0; at < bytes; at += 8, i++)
        lane[i] = mix(lane[i], word_at(p, at, bytes, skip));
    uint64_t h = bytes;
    for (int i = 0; i < LANES; i++)
        h = mix(h, lane[i]);
    return h;
}
