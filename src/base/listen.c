#include "base/listen.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"

void vn_say(const struct vn_listener *l, enum vn_log_level level, const char *fmt, ...)
{
    if (!l || !l->log)
        return;
    char line[2048], shown[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    l->log(l->user, level, vn_escape(shown, sizeof shown, line));
}

void vn_progress(const struct vn_listener *l, const char *what, int done, int all)
{
    if (l && l->progress)
        l->progress(l->user, what, done, all);
}

void vn_problem(const struct vn_listener *l, const struct vn_err *problem)
{
    if (l && l->problem)
        l->problem(l->user, problem);
}
