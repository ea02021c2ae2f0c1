/* base/pool.h - a fixed set of threads that share out the parts of one job. Needs pthreads only; the runtime
 * takes it along. */
#ifndef VN_BASE_POOL_H
#define VN_BASE_POOL_H

#include <stddef.h>

struct vn_pool_threads;

/* Bytes of memory that a pool of `threads` (caller included) needs. */
size_t vn_pool_bytes(int threads);
/* Start threads - 1 workers in `mem`. Fewer are started where the system refuses; the result is the same. */
struct vn_pool_threads *vn_pool_start(void *mem, int threads);
void vn_pool_stop(struct vn_pool_threads *p);
int vn_pool_size(const struct vn_pool_threads *p);
/* Call fn(ctx, i) for each i in [0, parts), on any thread, and return when all are done. Parts must not
 * depend on each other. */
void vn_pool_run(struct vn_pool_threads *p, int parts, void (*fn)(void *ctx, int part), void *ctx);

#endif
