/* base/arena.h - memory that lives and dies together.
 *
 * A stage's result owns one arena; nothing in it is freed singly. Allocation never returns NULL: when memory
 * runs out, the arenas that this thread made since its innermost vn_oom guard are freed, and control jumps
 * there. Everything that must be released (mapped files, open files) is therefore tied to an arena with
 * vn_arena_defer. On a pool thread this needs a guard of its own, as base/share.h has it; an arena is filled
 * by one thread at a time and freed by the thread that made it.
 */
#ifndef VN_BASE_ARENA_H
#define VN_BASE_ARENA_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct vn_arena;

struct vn_arena *vn_arena_new(void);
void vn_arena_free(struct vn_arena **a); /* runs the deferred functions, last first; NULL is allowed */
/* From now on any thread may free the arena, and no guard does: its owner must. */
void vn_arena_detach(struct vn_arena *a);

/* Zeroed memory, aligned to 64 bytes. */
void *vn_arena_alloc(struct vn_arena *a, size_t bytes);
/* n * size with overflow checked. */
void *vn_arena_array(struct vn_arena *a, size_t n, size_t size);
void *vn_arena_copy(struct vn_arena *a, const void *src, size_t bytes);
char *vn_arena_str(struct vn_arena *a, const char *s);
char *vn_arena_strn(struct vn_arena *a, const char *s, size_t n);
char *vn_arena_fmt(struct vn_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Call fn(p) when the arena is freed. */
void vn_arena_defer(struct vn_arena *a, void (*fn)(void *), void *p);

#define NEW(arena, type) ((type *)vn_arena_alloc(arena, sizeof(type)))
#define NEW_ARRAY(arena, type, n) ((type *)vn_arena_array(arena, (size_t)(n), sizeof(type)))

/* Guard: `if (VN_OOM_GUARD(&g)) { ...out of memory... }`, then vn_oom_leave(&g) on every way out. When memory
 * runs out, the arenas that were made behind the guard are freed before it is reached. */
struct vn_oom {
    jmp_buf env;
    struct vn_oom *outer;
    struct vn_arena *newest; /* when the guard was entered */
    int cancelled; /* 1: it was reached because the caller asked to stop (vn_cancel_on) */
};
void vn_oom_enter(struct vn_oom *g);
void vn_oom_leave(struct vn_oom *g);
/* What vn_cancel_on has set for this thread; NULL: nothing. Allocating looks at it. */
const volatile int *vn_cancel_flag(void);
/* As if an arena could not grow: for callers that cannot return VN_E_NOMEM. */
_Noreturn void vn_oom_now(void);
#define VN_OOM_GUARD(g) (vn_oom_enter(g), setjmp((g)->env))

/* A growable array in an arena: VEC(struct node *) nodes; VEC_PUSH(a, &nodes, n); nodes.v[i], nodes.n */
#define VEC(type) \
    struct { \
        type *v; \
        int n, cap; \
    }
#define VEC_PUSH(arena, vec, x) \
    do { \
        if ((vec)->n == (vec)->cap) \
            (vec)->v = vn_vec_grow(arena, (vec)->v, (vec)->n, &(vec)->cap, sizeof *(vec)->v); \
        (vec)->v[(vec)->n++] = (x); \
    } while (0)
void *vn_vec_grow(struct vn_arena *a, void *v, int n, int *cap, size_t size);

/* String-keyed map in an arena; keys are borrowed and must outlive the map. */
struct vn_map;
struct vn_map *vn_map_new(struct vn_arena *a);
void vn_map_set(struct vn_map *m, const char *key, void *value);
void *vn_map_get(const struct vn_map *m, const char *key); /* NULL: absent */

#endif
