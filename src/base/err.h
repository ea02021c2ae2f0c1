/* base/err.h - how every function of the toolchain fails: a negative status, and one line in the caller's
 * struct vn_err. */
#ifndef VN_BASE_ERR_H
#define VN_BASE_ERR_H

#include <vernier/runtime.h>

/* Write the message and return `code`. `e` may be NULL. */
int vn_fail(struct vn_err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Give the failure in `e` a reason (graph/reason.h); returns `status`:
 * return vn_because(e, REASON_misfit, vn_fail(e, ...)); */
int vn_because(struct vn_err *e, int reason, int status);

/* Put "where: " in front of the message already in `e`; returns e->code. */
int vn_fail_at(struct vn_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define TRY(x) \
    do { \
        int try_status_ = (x); \
        if (try_status_ < 0) \
            return try_status_; \
    } while (0)

#endif
