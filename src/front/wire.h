/* front/wire.h - the protobuf wire format (https://protobuf.dev/programming-guides/encoding), driven by
 * tables.
 *
 * A message is a C struct and a table that maps field numbers to members. The reader fills such structs
 * from a file image without copying byte fields, checks every length, skips unknown fields and rejects
 * groups; nesting is bounded and uses no stack. The writer walks the same tables.
 *
 *     struct point { int64_t x; const char *name; };
 *     static const struct wire_field fields[] = {
 *         { 1, WIRE_INT, offsetof(struct point, x), NULL },
 *         { 2, WIRE_STRING, offsetof(struct point, name), NULL },
 *         { 0 } };
 *     static const struct wire_message point = { "Point", sizeof(struct point), fields, "a list of points" };
 */
#ifndef VN_FRONT_WIRE_H
#define VN_FRONT_WIRE_H

#include "base/arena.h"
#include "base/err.h"

#define WIRE_MAX_DEPTH 100 /* as protobuf's own readers */

/* Bytes inside the file image; p is NULL where the field is absent. */
struct wire_bytes {
    const uint8_t *p;
    size_t n;
};

/* A repeated field: v points to n elements of the type that its kind names. */
struct wire_list {
    void *v;
    int n, cap;
};

/* An integer whose presence matters. */
struct wire_optional {
    int64_t value;
    int present;
};

enum wire_kind {
    WIRE_INT = 1, /* int64_t */
    WIRE_OPTIONAL, /* struct wire_optional */
    WIRE_FLOAT, /* float */
    WIRE_STRING, /* const char *, terminated; NULL: absent */
    WIRE_BYTES, /* struct wire_bytes */
    WIRE_MESSAGE, /* pointer to the message's struct; NULL: absent */
    WIRE_INTS, /* struct wire_list of int64_t, and so on */
    WIRE_FLOATS,
    WIRE_DOUBLES,
    WIRE_STRINGS,
    WIRE_BLOBS, /* struct wire_list of struct wire_bytes */
    WIRE_MESSAGES, /* the structs themselves, not pointers */
    WIRE_FLOAT_RUNS, /* struct wire_list of struct wire_bytes: numbers where they lie in the image, not
                        aligned; never written */
    WIRE_DOUBLE_RUNS,
    WIRE_COUNT, /* int64_t: how often the field occurs; contents are skipped; never written */
};

struct wire_message;
struct wire_field {
    uint32_t number; /* 0 ends a table */
    enum wire_kind kind;
    size_t offset;
    const struct wire_message *message; /* WIRE_MESSAGE, WIRE_MESSAGES */
};
struct wire_message {
    const char *name; /* for messages */
    size_t size;
    const struct wire_field *fields;
    const char *file; /* what a file of this message is, for messages: "an ONNX model" */
};

/* Fill the zeroed struct `out` from an image, which must outlive it. Where a singular field comes twice the
 * last one counts, and singular messages merge, as the format demands. `path` is for messages. */
int vn_wire_read(void *out, const struct wire_message *m, struct vn_arena *a, struct wire_bytes image,
                 const char *path, struct vn_err *e);

/* The image of a struct, in pieces that follow each other. Zero integers, NULL strings and bytes, and empty
 * lists are left out. Long strings and bytes are not copied: what they point to must outlive the pieces. */
struct wire_image {
    const struct wire_bytes *pieces;
    int n;
    size_t bytes; /* of all of them */
};
struct wire_image vn_wire_write(const void *in, const struct wire_message *m, struct vn_arena *a);
/* The pieces as one copy in the arena. */
struct wire_bytes vn_wire_join(const struct wire_image *image, struct vn_arena *a);

/* Append `size` zeroed bytes to a list and return them. */
void *vn_wire_append(struct vn_arena *a, struct wire_list *l, size_t size);
static inline struct wire_bytes vn_wire_text(const char *s)
{
    return (struct wire_bytes){ (const uint8_t *)s, strlen(s) };
}

#endif
