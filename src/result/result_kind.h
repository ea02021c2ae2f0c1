/* result/result_kind.h - a kind of entry: one file, one descriptor, one line in results.def. */
#ifndef VN_RESULT_KIND_H
#define VN_RESULT_KIND_H

#include "result/result.h"

/* Numbers in the form that files have: integers as LEB128 (seven bits a byte, least first), doubles as their
 * eight bytes. */
struct result_writer {
    struct vn_arena *arena;
    uint8_t *data;
    size_t n, cap;
};
void vn_result_put_bytes(struct result_writer *w, const void *data, size_t bytes);
void vn_result_put(struct result_writer *w, uint64_t x);
void vn_result_put_double(struct result_writer *w, double x);

struct result_reader {
    struct vn_arena *arena;
    const uint8_t *start, *at, *end; /* of the file; the next byte; the end of what may be read */
    const char *name; /* of the file */
    const char *entry, *kind; /* that is being read; NULL: none */
    struct vn_err *e;
};
/* VN_E_INPUT with file, entry and offset; `what` was expected. */
int vn_result_bad(const struct result_reader *r, const char *what, ...) __attribute__((format(printf, 2, 3)));
int vn_result_get_bytes(struct result_reader *r, const void **data, size_t bytes, const char *what);
int vn_result_get(struct result_reader *r, uint64_t *x, uint64_t most, const char *what);
int vn_result_get_double(struct result_reader *r, double *x, const char *what);
/* A number of things of which each takes at least `least` bytes that are still to come. */
int vn_result_get_count(struct result_reader *r, int *n, size_t least, const char *what);

struct result_kind {
    const char *name;
    size_t size; /* of an entry; zeros: an empty one */
    /* Join `from`, which stays as it is and is not borrowed. Messages begin with what does not fit. */
    int (*merge)(void *to, const void *from, struct vn_arena *a, struct vn_err *e);
    void (*write)(struct result_writer *w, const void *entry);
    /* Into an empty entry; only what `write` writes is accepted. */
    int (*read)(struct result_reader *r, void *entry);
};
extern const struct result_kind *const vn_result_kinds[];

#endif
