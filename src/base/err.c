#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"

int vn_fail(struct vn_err *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    char msg[sizeof e->msg]; /* arguments may point into e->msg */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    vn_escape(e->msg, sizeof e->msg, msg);
    e->code = code;
    e->reason = 0;
    return code;
}

int vn_because(struct vn_err *e, int reason, int status)
{
    if (e)
        e->reason = reason;
    return status;
}

int vn_fail_at(struct vn_err *e, const char *fmt, ...)
{
    if (!e)
        return VN_E_INTERNAL;
    char where[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(where, sizeof where, fmt, ap);
    va_end(ap);
    const int reason = e->reason;
    return vn_because(e, reason, vn_fail(e, e->code, "%s: %s", where, e->msg));
}
