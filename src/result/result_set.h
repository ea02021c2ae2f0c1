/* result/result_set.h - a result's own fields: for result.c and result_file.c. */
#ifndef VN_RESULT_SET_H
#define VN_RESULT_SET_H

#include "result/result_kind.h"

struct result_key {
    const char *to;
    uint64_t hash;
};
struct result_entry {
    const char *name;
    enum result_id kind;
    void *data;
};
struct vn_result {
    struct vn_arena *arena;
    const char *job;
    const char *name; /* for messages: the file that it comes from */
    VEC(struct result_key) keys; /* in the order given */
    VEC(struct result_entry) entries;
    struct vn_map *by_name[RESULT_KINDS];
};

#endif
