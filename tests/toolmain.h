/* tests/toolmain.h - what the mains of test tools share: a function in an arena of its own, and its error. */
#ifndef VN_TOOLMAIN_H
#define VN_TOOLMAIN_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

typedef int tool_function(struct vn_arena *a, int argc, char **argv, struct vn_err *e);

/* Exit status: 0, 1 with the message on stderr, or 2 for VN_E_USAGE. */
static inline int tool_run(tool_function *run, int argc, char **argv)
{
    struct vn_err e = { 0 };
    struct vn_arena *a = vn_arena_new();
    const int status = run(a, argc, argv, &e);
    if (status < 0)
        fprintf(stderr, "error %d: %s\n", status, e.msg);
    vn_arena_free(&a);
    return status == VN_E_USAGE ? 2 : status < 0;
}

#endif
