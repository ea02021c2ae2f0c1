/* base/guard.h - running out of memory, and being cancelled, as errors like any other. */
#ifndef VN_GUARD_H
#define VN_GUARD_H

#include "base/arena.h"
#include "base/err.h"

static inline int vn_guard_fail(const struct vn_oom *g, struct vn_err *e)
{
    return g->cancelled ? vn_fail(e, VN_E_CANCELLED, "cancelled") : vn_fail(e, VN_E_NOMEM, "out of memory");
}

/* status = call; VN_E_NOMEM where its memory runs out, VN_E_CANCELLED where the thread is to stop. The arenas
 * that it made are freed then. */
#define VN_GUARDED(status, e, call) \
    do { \
        struct vn_oom guard_; \
        if (VN_OOM_GUARD(&guard_)) \
            (status) = vn_guard_fail(&guard_, e); \
        else \
            (status) = (call); \
        vn_oom_leave(&guard_); \
    } while (0)

#endif
