/* base/share.h - parts of a job on several threads, with arenas and errors. */
#ifndef VN_BASE_SHARE_H
#define VN_BASE_SHARE_H

#include "base/err.h"

#define VN_SHARE_MAX 256 /* threads */

/* One part. `worker`, from 0 to threads - 1, is used by one part at a time: data kept per worker needs no
 * lock. Arenas that are made here are freed here; one that the caller made for this worker may be filled. */
typedef int vn_share_fn(void *ctx, int worker, int part, struct vn_err *e);

/* Call fn for each part in [0, parts), begun in their order. When one fails, none behind it is begun any
 * more, and the error is that of the first part that fails: the same for any number of threads. Memory
 * that runs out within a part is its error VN_E_NOMEM. */
int vn_share(int parts, int threads, vn_share_fn *fn, void *ctx, struct vn_err *e);

#endif
