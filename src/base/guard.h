/* base/guard.h - running out of memory as an error like any other. */
#ifndef VN_GUARD_H
#define VN_GUARD_H

#include "base/arena.h"
#include "base/err.h"

/* status = call, or VN_E_NOMEM where its memory runs out; the arenas that it made are freed then. */
#define VN_GUARDED(status, e, call) \
    do { \
        struct vn_oom guard_; \
        if (VN_OOM_GUARD(&guard_)) \
            (status) = vn_fail(e, VN_E_NOMEM, "out of memory"); \
        else \
            (status) = (call); \
        vn_oom_leave(&guard_); \
    } while (0)

#endif
