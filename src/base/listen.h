/* base/listen.h - calls a listener's functions; NULL and missing functions are skipped. */
#ifndef VN_BASE_LISTEN_H
#define VN_BASE_LISTEN_H

#include <vernier/listener.h>

void vn_say(const struct vn_listener *l, enum vn_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void vn_progress(const struct vn_listener *l, const char *what, int done, int all);
void vn_problem(const struct vn_listener *l, const struct vn_err *problem);

#endif
