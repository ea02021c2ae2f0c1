/* tests/alloc/failing_malloc.c - for LD_PRELOAD: the VN_FAIL_AT-th allocation of the process fails, and with
 * VN_FAIL_ALL=1 every later one, too. Without VN_FAIL_AT nothing fails and the number of allocations goes to
 * standard error at the end. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long count;
static long fail_at;
static int fail_all, ready;

/* dlsym may allocate before it has found malloc, and libraries when they are loaded (libstdc++ behind
 * libtiff: 72 KB) */
static char early[1 << 18];
static size_t early_used;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void (*real_free)(void *);

__attribute__((constructor)) static void start(void)
{
    *(void **)&real_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&real_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&real_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    *(void **)&real_free = dlsym(RTLD_NEXT, "free");
    const char *at = getenv("VN_FAIL_AT"), *all = getenv("VN_FAIL_ALL");
    fail_at = at ? atol(at) : 0;
    fail_all = all != NULL;
    ready = 1;
}

__attribute__((destructor)) static void finish(void)
{
    if (!fail_at)
        dprintf(2, "allocations: %ld\n", atomic_load(&count));
}

static int fails(void)
{
    if (!ready)
        return 0;
    const long n = atomic_fetch_add(&count, 1) + 1;
    if (!fail_at || (n != fail_at && !(fail_all && n > fail_at)))
        return 0;
    errno = ENOMEM;
    return 1;
}

static void *before_start(size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (bytes > sizeof early - early_used)
        _exit(99);
    early_used += bytes;
    return early + early_used - bytes;
}

void *malloc(size_t n) { return !real_malloc ? before_start(n) : fails() ? NULL : real_malloc(n); }
void *calloc(size_t n, size_t size)
{
    return !real_calloc ? before_start(n * size) : fails() ? NULL : real_calloc(n, size);
}
void *realloc(void *p, size_t n) { return fails() ? NULL : real_realloc(p, n); }
void *aligned_alloc(size_t align, size_t n) { return fails() ? NULL : real_aligned_alloc(align, n); }
int posix_memalign(void **p, size_t align, size_t n)
{
    return fails() ? ENOMEM : real_posix_memalign(p, align, n);
}

void free(void *p)
{
    if ((char *)p < early || (char *)p >= early + sizeof early)
        real_free(p);
}
