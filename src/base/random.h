/* base/random.h - splitmix64: the same sequence for the same seed, everywhere. */
#ifndef VN_BASE_RANDOM_H
#define VN_BASE_RANDOM_H

#include <stdint.h>

/* 64 random bits; `state` is the seed at first. (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014.) */
static inline uint64_t vn_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The state after n numbers more. */
static inline uint64_t vn_random_after(uint64_t state, uint64_t n) { return state + n * 0x9e3779b97f4a7c15u; }

#endif
