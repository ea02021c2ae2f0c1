/* graph/reason.h - why a node or a model is treated as it is: an id of reasons.def and its arguments; the
 * text is made when it is shown. The functions that read a reason are public (vernier/reason.h). */
#ifndef VN_GRAPH_REASON_H
#define VN_GRAPH_REASON_H

#include <vernier/reason.h>

#include "base/arena.h"

enum reason_id {
    REASON_NONE,
#define REASON(id, format, remedy) REASON_##id,
#define PROBLEM(id, remedy) REASON_##id,
#include "graph/reasons.def"
#undef REASON
#undef PROBLEM
    REASON_COUNT
};

struct vn_reason {
    enum reason_id id;
    int n;
    const char *const *args; /* as many as the format has %s */
};

/* The arguments of a reason, ended by NULL. */
#define REASON_ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Arguments are copied; NULL where the format has none. */
const struct vn_reason *vn_reason_new(struct vn_arena *a, enum reason_id id, const char *const *args);
/* From a file: REASON_other with the text where the id is unknown or has another number of arguments. */
const struct vn_reason *vn_reason_parse(struct vn_arena *a, const char *id, int n, const char *const *args,
                                        const char *text);
int vn_reason_equal(const struct vn_reason *a, const struct vn_reason *b);
const char *vn_reason_string(struct vn_arena *a, const struct vn_reason *r);

#endif
