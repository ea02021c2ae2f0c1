/* tests/alloc/failing_open.c - for LD_PRELOAD: a file whose path ends in VN_FAIL_OPEN can be opened
 * VN_FAIL_AFTER times, then no more. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int is_meant(const char *path)
{
    const char *end = getenv("VN_FAIL_OPEN");
    return end && strlen(path) >= strlen(end) && !strcmp(path + strlen(path) - strlen(end), end);
}

static int fails(const char *path)
{
    static int opened;
    if (!is_meant(path) || opened++ < atoi(getenv("VN_FAIL_AFTER")))
        return 0;
    errno = EACCES;
    return 1;
}

int open(const char *path, int flags, ...)
{
    static int (*real_open)(const char *, int, ...);
    va_list more;
    va_start(more, flags);
    const int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    if (!real_open)
        *(void **)&real_open = dlsym(RTLD_NEXT, "open");
    return fails(path) ? -1 : real_open(path, flags, mode);
}
