/* vernier/listener.h - how a long job talks to its caller, and how the caller stops it. */
#ifndef VERNIER_LISTENER_H
#define VERNIER_LISTENER_H

#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vn_log_level { VN_LOG_DEBUG, VN_LOG_INFO, VN_LOG_WARNING, VN_LOG_ERROR };

/* Every function may be NULL. They are called by one thread at a time; texts live as long as the call. */
struct vn_listener {
    void (*log)(void *user, enum vn_log_level level, const char *line);
    void (*progress)(void *user, const char *what, int done, int all);
    void (*problem)(void *user, const struct vn_err *problem); /* one thing that is wrong with an input */
    void *user;
};

/* Once *flag is not 0, calls that this thread makes into libvernier, and the threads that work for them, end
 * with VN_E_CANCELLED, at the next instruction or allocation, as after any other error: jobs leave nothing
 * behind. Another thread or a signal handler may set it. Borrowed; NULL: none, as each thread begins. */
void vn_cancel_on(const volatile int *flag);

#ifdef __cplusplus
}
#endif
#endif
