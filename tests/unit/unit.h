/* tests/unit/unit.h - what the unit tests share: cmocka with its headers, a seeded random source, a place for
 * files. */
#ifndef VN_UNIT_H
#define VN_UNIT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"

/* Fails with the message that the call left behind. */
#define OK(call) \
    do { \
        e = (struct vn_err){ 0 }; \
        if ((call) < 0) \
            fail_msg("%s: %s", #call, e.msg); \
    } while (0)

static uint64_t unit_seed = 1;
static inline uint64_t unit_random(void) /* splitmix64 */
{
    uint64_t z = unit_seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static inline int unit_pick(int lo, int hi) { return lo + (int)(unit_random() % (uint64_t)(hi - lo + 1)); }
static inline float unit_real(float most)
{
    return (float)((double)(unit_random() >> 11) * 0x1p-52 - 1) * most;
}

/* A new folder under $TMPDIR. */
static inline const char *unit_folder(struct vn_arena *a)
{
    const char *top = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char *path = vn_arena_fmt(a, "%s/vernier-unit-XXXXXX", top);
    assert_non_null(mkdtemp(path));
    return path;
}

#endif
