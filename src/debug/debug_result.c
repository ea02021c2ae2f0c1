/* Results: each in an arena of its own, made while another holds what the work needs. */
#include "base/guard.h"
#include "debug/debug_job.h"

struct debug_result {
    struct vn_arena *arena;
};

static int make(void **out, size_t size, debug_measure *measure, const void *request, struct vn_err *e)
{
    struct vn_arena *kept = vn_arena_new(), *work = vn_arena_new();
    struct debug_result *r = vn_arena_alloc(kept, size);
    memset(r, 0, size);
    r->arena = kept;
    const int status = measure(r, request, work, e);
    vn_arena_free(&work);
    if (status < 0) {
        vn_arena_free(&kept);
        return status;
    }
    vn_arena_detach(kept);
    *out = r;
    return VN_OK;
}

int vn_debug_result(void **out, size_t size, debug_measure *measure, const void *request, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, make(out, size, measure, request, e));
    return status;
}

void vn_debug_result_free(void *result)
{
    if (!result)
        return;
    struct vn_arena *a = ((struct debug_result *)result)->arena;
    vn_arena_free(&a);
}
