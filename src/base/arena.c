#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/flag.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define ALIGN 64

struct chunk {
    struct chunk *next;
    size_t used, size; /* of the bytes behind this struct, padded to ALIGN */
};
#define CHUNK_HEAD ((sizeof(struct chunk) + ALIGN - 1) / ALIGN * ALIGN)

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *p;
};

struct vn_arena {
    struct vn_arena *older, *newer; /* arenas of this thread that live */
    struct chunk *chunks;
    struct deferred *deferred;
    int detached; /* from the list of its thread */
};

static _Thread_local struct vn_oom *guard;
static _Thread_local struct vn_arena *newest;
static _Thread_local const volatile int *cancel;

void vn_cancel_on(const volatile int *flag) { cancel = flag; }
const volatile int *vn_cancel_flag(void) { return cancel; }

void vn_oom_enter(struct vn_oom *g)
{
    g->outer = guard;
    g->newest = newest;
    g->cancelled = 0;
    guard = g;
}

void vn_oom_leave(struct vn_oom *g) { guard = g->outer; }

static void run_deferred(struct vn_arena *a)
{
    for (struct deferred *d; (d = a->deferred);) {
        a->deferred = d->next;
        d->fn(d->p);
    }
}

/* Frees what was made behind the innermost guard, and jumps there. */
static _Noreturn void leave_now(void)
{
    for (struct vn_arena *a = newest; a != guard->newest; a = a->older)
        run_deferred(a); /* first, while all memory is there: an arena may own newer ones */
    while (newest != guard->newest) {
        struct vn_arena *a = newest;
        vn_arena_free(&a);
    }
    longjmp(guard->env, 1);
}

_Noreturn void vn_oom_now(void)
{
    if (!guard) {
        fputs("out of memory\n", stderr);
        abort();
    }
    leave_now();
}

/* What is released on the way out may allocate. */
static void leave_cancelled(void)
{
    const volatile int *flag = cancel;
    guard->cancelled = 1;
    cancel = NULL;
    for (struct vn_arena *a = newest; a != guard->newest; a = a->older)
        run_deferred(a);
    cancel = flag;
    leave_now();
}

struct vn_arena *vn_arena_new(void)
{
    struct vn_arena *a = calloc(1, sizeof *a);
    if (!a)
        vn_oom_now();
    a->older = newest;
    if (newest)
        newest->newer = a;
    return newest = a;
}

static void unlist(struct vn_arena *a)
{
    if (a->older)
        a->older->newer = a->newer;
    *(a->newer ? &a->newer->older : &newest) = a->older;
    a->older = a->newer = NULL;
}

void vn_arena_detach(struct vn_arena *a)
{
    if (!a->detached)
        unlist(a);
    a->detached = 1;
}

void vn_arena_free(struct vn_arena **a)
{
    if (!a || !*a)
        return;
    if (!(*a)->detached)
        unlist(*a);
    run_deferred(*a);
    for (struct chunk *c = (*a)->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(*a);
    *a = NULL;
}

static struct chunk *add_chunk(struct vn_arena *a, size_t bytes)
{
    const size_t size = bytes > CHUNK_BYTES / 4 ? bytes : CHUNK_BYTES;
    struct chunk *c = size > SIZE_MAX - CHUNK_HEAD - ALIGN ? NULL : aligned_alloc(ALIGN, CHUNK_HEAD + size);
    if (!c)
        vn_oom_now();
    c->used = 0;
    c->size = size;
    if (size == CHUNK_BYTES || !a->chunks) { /* a new current chunk */
        c->next = a->chunks;
        a->chunks = c;
    } else { /* a large block of its own: the current chunk stays in front */
        c->next = a->chunks->next;
        a->chunks->next = c;
    }
    return c;
}

void *vn_arena_alloc(struct vn_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        vn_oom_now();
    if (guard && vn_flag_is_set(cancel))
        leave_cancelled();
    const size_t want = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    struct chunk *c = a->chunks;
    if (!c || c->size - c->used < want)
        c = add_chunk(a, want);
    void *p = (char *)c + CHUNK_HEAD + c->used;
    c->used += want;
    return memset(p, 0, want);
}

void *vn_arena_array(struct vn_arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        vn_oom_now();
    return vn_arena_alloc(a, n * size);
}

void *vn_arena_copy(struct vn_arena *a, const void *src, size_t bytes)
{
    void *p = vn_arena_alloc(a, bytes);
    return bytes ? memcpy(p, src, bytes) : p;
}

char *vn_arena_strn(struct vn_arena *a, const char *s, size_t n)
{
    char *p = vn_arena_alloc(a, n + 1);
    if (n)
        memcpy(p, s, n);
    return p;
}

char *vn_arena_str(struct vn_arena *a, const char *s) { return vn_arena_strn(a, s, strlen(s)); }

char *vn_arena_fmt(struct vn_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = vn_arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void vn_arena_defer(struct vn_arena *a, void (*fn)(void *), void *p)
{
    struct deferred *d = vn_arena_alloc(a, sizeof *d);
    *d = (struct deferred){ a->deferred, fn, p };
    a->deferred = d;
}

void *vn_vec_grow(struct vn_arena *a, void *v, int n, int *cap, size_t size)
{
    const int want = *cap ? *cap * 2 : 8;
    if (want < *cap)
        vn_oom_now();
    void *p = vn_arena_array(a, (size_t)want, size);
    if (n)
        memcpy(p, v, (size_t)n * size);
    *cap = want;
    return p;
}

/* ---- map: open addressing, FNV-1a ---- */

struct entry {
    const char *key;
    void *value;
};

struct vn_map {
    struct vn_arena *arena;
    struct entry *entries;
    size_t n, cap; /* cap is a power of two */
};

static uint64_t hash_key(const char *s)
{
    uint64_t h = 14695981039346656037u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h ^ h >> 29;
}

static struct entry *find_entry(const struct vn_map *m, const char *key)
{
    size_t i = hash_key(key) & (m->cap - 1);
    while (m->entries[i].key && strcmp(m->entries[i].key, key))
        i = (i + 1) & (m->cap - 1);
    return &m->entries[i];
}

struct vn_map *vn_map_new(struct vn_arena *a)
{
    struct vn_map *m = NEW(a, struct vn_map);
    m->arena = a;
    m->cap = 64;
    m->entries = NEW_ARRAY(a, struct entry, m->cap);
    return m;
}

static void grow_map(struct vn_map *m)
{
    const struct vn_map old = *m;
    m->cap *= 2;
    m->entries = NEW_ARRAY(m->arena, struct entry, m->cap);
    for (size_t i = 0; i < old.cap; i++)
        if (old.entries[i].key)
            *find_entry(m, old.entries[i].key) = old.entries[i];
}

void vn_map_set(struct vn_map *m, const char *key, void *value)
{
    if (m->n * 2 >= m->cap)
        grow_map(m);
    struct entry *e = find_entry(m, key);
    m->n += !e->key;
    *e = (struct entry){ key, value };
}

void *vn_map_get(const struct vn_map *m, const char *key) { return find_entry(m, key)->value; }
