/* fuzz/guarded.h - run one input with an arena of its own; running out of memory is no crash. */
#ifndef VN_FUZZ_GUARDED_H
#define VN_FUZZ_GUARDED_H

#include "base/arena.h"
#include "base/err.h"

static int guarded(void (*fn)(struct vn_arena *, const uint8_t *, size_t), const uint8_t *data, size_t size)
{
    struct vn_oom guard;
    if (!VN_OOM_GUARD(&guard)) {
        struct vn_arena *a = vn_arena_new();
        fn(a, data, size);
        vn_arena_free(&a);
    }
    vn_oom_leave(&guard);
    return 0;
}

#endif
