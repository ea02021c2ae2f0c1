#include "base/share.h"

#include <pthread.h>

#include <vernier/listener.h>

#include "base/guard.h"
#include "base/pool.h"

struct share {
    vn_share_fn *fn;
    void *ctx;
    const volatile int *cancel; /* of the thread that shares */
    pthread_mutex_t lock;
    int failed; /* the first part that did; parts: none */
    struct vn_err error;
    char busy[VN_SHARE_MAX];
};

/* A worker for this part; -1: it need not be done any more. */
static int begin(struct share *s, int part)
{
    int worker = 0;
    pthread_mutex_lock(&s->lock);
    while (s->busy[worker])
        worker++;
    if (part < s->failed)
        s->busy[worker] = 1;
    else
        worker = -1;
    pthread_mutex_unlock(&s->lock);
    return worker;
}

static void end(struct share *s, int part, int worker, int status, const struct vn_err *e)
{
    pthread_mutex_lock(&s->lock);
    s->busy[worker] = 0;
    if (status < 0 && part < s->failed) {
        s->failed = part;
        s->error = *e;
        s->error.code = status;
    }
    pthread_mutex_unlock(&s->lock);
}

static int guarded(const struct share *s, int worker, int part, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, s->fn(s->ctx, worker, part, e));
    return status;
}

static void run_part(void *ctx, int part)
{
    struct share *s = ctx;
    struct vn_err e = { .code = VN_OK };
    vn_cancel_on(s->cancel);
    const int worker = begin(s, part);
    if (worker >= 0)
        end(s, part, worker, guarded(s, worker, part, &e), &e);
}

int vn_share(int parts, int threads, vn_share_fn *fn, void *ctx, struct vn_err *e)
{
    struct share s = { .fn = fn, .ctx = ctx, .cancel = vn_cancel_flag(), .failed = parts };
    const int n = threads < 1 ? 1 : threads < VN_SHARE_MAX ? threads : VN_SHARE_MAX;
    struct vn_arena *a = vn_arena_new();
    struct vn_pool_threads *pool = vn_pool_start(vn_arena_alloc(a, vn_pool_bytes(n)), n);
    pthread_mutex_init(&s.lock, NULL);
    vn_pool_run(pool, parts, run_part, &s);
    vn_pool_stop(pool);
    pthread_mutex_destroy(&s.lock);
    vn_arena_free(&a);
    if (s.failed == parts)
        return VN_OK;
    if (e)
        *e = s.error;
    return s.error.code;
}
