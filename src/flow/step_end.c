/* How a step ends. */
#include <stdarg.h>
#include <stdio.h>

#include "flow/flow_job.h"

static const char *text_of(struct flow_job *j, const char *fmt, va_list ap)
{
    char text[2048];
    vsnprintf(text, sizeof text, fmt, ap);
    return vn_arena_str(j->arena, text);
}

int vn_flow_end(struct flow_job *j, struct vn_flow_step *s, enum vn_flow_state state, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    s->state = state;
    s->why = text_of(j, fmt, ap);
    va_end(ap);
    return VN_OK;
}

int vn_flow_failed(struct flow_job *j, struct vn_flow_step *s, const char *cause, const char *node,
                   const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    s->state = VN_FLOW_FAIL;
    s->why = text_of(j, fmt, ap);
    s->node = node ? vn_arena_str(j->arena, node) : NULL;
    s->failure = (struct vn_failure){ cause, s->why, NULL };
    va_end(ap);
    return VN_OK;
}
