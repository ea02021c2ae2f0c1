/* front/caffe/prototxt.h - the text format of protobuf
 * (https://protobuf.dev/reference/protobuf/textformat-spec), as a tree, and tables that turn parts of the
 * tree into C structs.
 *
 *     struct shape { struct text_ints dim; };
 *     static const struct text_field shape_fields[] = { T_INTS(struct shape, dim, "dim", 0, INT32_MAX), T_END
 * };
 */
#ifndef VN_FRONT_CAFFE_PROTOTXT_H
#define VN_FRONT_CAFFE_PROTOTXT_H

#include "base/arena.h"
#include "base/err.h"

#define TEXT_MAX_DEPTH 32

/* One field: a message with children, or a scalar as written (strings without quotes and escapes). */
struct text_node {
    const char *name; /* NULL: the file */
    int line;
    const char *text; /* NULL: a message */
    int quoted;
    VEC(struct text_node *) of;
};

/* Parse a file image. `path` is for messages. Iterative; depth is limited. */
int vn_text_parse(struct text_node **root, struct vn_arena *a, const char *data, size_t bytes,
                  const char *path, struct vn_err *e);

/* ---- tables ---- */

struct text_ints {
    int n, cap;
    int64_t *v;
};
struct text_floats {
    int n, cap;
    double *v;
};
struct text_strings {
    int n, cap;
    const char **v;
};
struct text_list { /* of structs */
    int n, cap;
    void *v;
};

enum text_kind {
    TEXT_END = 0,
    TEXT_INT, /* int64_t within [min, max] */
    TEXT_FLOAT, /* double, a finite float32 */
    TEXT_BOOL, /* int64_t */
    TEXT_ENUM, /* int64_t: index into choices */
    TEXT_STRING, /* const char * */
    TEXT_INTS, /* struct text_ints, and so on: repeated fields */
    TEXT_FLOATS,
    TEXT_STRINGS,
    TEXT_MESSAGE, /* pointer to the message's struct; NULL: absent */
    TEXT_MESSAGES, /* struct text_list of structs */
    TEXT_ANY, /* known, without meaning here */
};
struct text_message;
struct text_field {
    const char *name;
    enum text_kind kind;
    size_t offset;
    double def, min, max;
    const char *const *choices; /* NULL-terminated */
    const struct text_message *message;
};
struct text_message {
    size_t size;
    const struct text_field *fields;
};
#define T_INT(type, field, text, dflt, lo, hi) \
    { \
        .name = text, .kind = TEXT_INT, .offset = offsetof(type, field), .def = dflt, .min = lo, .max = hi \
    }
#define T_FLOAT(type, field, text, dflt) \
    { \
        .name = text, .kind = TEXT_FLOAT, .offset = offsetof(type, field), .def = dflt \
    }
#define T_BOOL(type, field, text, dflt) \
    { \
        .name = text, .kind = TEXT_BOOL, .offset = offsetof(type, field), .def = dflt \
    }
#define T_ENUM(type, field, text, dflt, list) \
    { \
        .name = text, .kind = TEXT_ENUM, .offset = offsetof(type, field), .def = dflt, .choices = list \
    }
#define T_ENUM_FROM(type, field, text, dflt, first, list) /* the first choice's number is not 0 */ \
    { \
        .name = text, .kind = TEXT_ENUM, .offset = offsetof(type, field), .def = dflt, .min = first, \
        .choices = list \
    }
#define T_STRING(type, field, text) \
    { \
        .name = text, .kind = TEXT_STRING, .offset = offsetof(type, field) \
    }
#define T_INTS(type, field, text, lo, hi) \
    { \
        .name = text, .kind = TEXT_INTS, .offset = offsetof(type, field), .min = lo, .max = hi \
    }
#define T_FLOATS(type, field, text) \
    { \
        .name = text, .kind = TEXT_FLOATS, .offset = offsetof(type, field) \
    }
#define T_STRINGS(type, field, text) \
    { \
        .name = text, .kind = TEXT_STRINGS, .offset = offsetof(type, field) \
    }
#define T_MESSAGE(type, field, text, what) \
    { \
        .name = text, .kind = TEXT_MESSAGE, .offset = offsetof(type, field), .message = &(what) \
    }
#define T_MESSAGES(type, field, text, what) \
    { \
        .name = text, .kind = TEXT_MESSAGES, .offset = offsetof(type, field), .message = &(what) \
    }
#define T_ANY(text) \
    { \
        .name = text, .kind = TEXT_ANY \
    }
#define T_END \
    { \
        .kind = TEXT_END \
    }

/* Told each problem: line and text without the line. */
struct text_listener {
    void (*problem)(void *user, int line, const char *text);
    void *user;
    int count; /* problems so far; advice, which takes time, comes with the first TEXT_ADVISED only */
};
#define TEXT_ADVISED 50

void vn_text_defaults(void *out, const struct text_message *m);
/* Fill `out` (with its defaults) from a node's children. Nesting is bounded by the tables. Singular fields
 * that come twice count the last time. Problems are reported one by one; the return value says how many. */
int vn_text_read(void *out, const struct text_message *m, const struct text_node *n, struct vn_arena *a,
                 struct text_listener *l);
/* The same for one field of a message. */
int vn_text_read_field(void *out, const struct text_field *f, const struct text_node *n, struct vn_arena *a,
                       struct text_listener *l);
/* Report an unknown field. */
void vn_text_unknown(const struct text_message *m, const struct text_node *n, struct vn_arena *a,
                     struct text_listener *l);
const struct text_field *vn_text_field(const struct text_message *m, const char *name); /* NULL: unknown */

#endif
