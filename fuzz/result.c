/* Fuzz the reader of results: what it accepts is written back as the same bytes, and joins with itself or is
 * refused. */
#include <stdlib.h>

#include "base/hash.h"
#include "guarded.h"
#include "result/result.h"

/* The checksum put right: with a wrong one nothing else would be read. */
static uint8_t *repaired(struct vn_arena *a, const uint8_t *data, size_t size)
{
    uint8_t *copy = vn_arena_copy(a, data, size);
    if (size >= RESULT_CHECKSUM + 8) {
        const uint64_t h = vn_hash(copy, size, RESULT_CHECKSUM);
        memcpy(copy + RESULT_CHECKSUM, &h, sizeof h);
    }
    return copy;
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct vn_result *r, *again;
    struct vn_err e;
    const uint8_t *in = repaired(a, data, size), *out;
    size_t bytes;
    if (vn_result_parse(&r, a, in, size, "fuzz", &e) < 0 || vn_result_bytes(&out, &bytes, a, r, &e) < 0)
        return;
    if (bytes != size || memcmp(in, out, size) || vn_result_parse(&again, a, out, bytes, "fuzz", &e) < 0)
        abort();
    vn_result_merge(r, again, &e);
    vn_result_bytes(&out, &bytes, a, r, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
