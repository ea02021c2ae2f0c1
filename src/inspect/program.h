/* inspect/program.h - a program as a list of tensors, each with the tensors that it is computed from. */
#ifndef VN_INSPECT_PROGRAM_H
#define VN_INSPECT_PROGRAM_H

#include "session/session.h"

/* How a tensor comes into being. */
enum origin {
    ORIGIN_INPUT, /* from the caller */
    ORIGIN_CONSTANT, /* from the file */
    ORIGIN_PIXELS, /* from the bytes of an image */
    ORIGIN_CONVERTED, /* from one tensor that carries the same value in another role */
    ORIGIN_COMPUTED, /* by nodes, from `leaves` */
    ORIGIN_INNER, /* a step on the way to such a tensor: judged with it */
    ORIGIN_UNUSED, /* by no instruction */
    ORIGIN_UNKNOWN,
};

struct part { /* one tensor of a program */
    struct vn_view view; /* without data */
    const struct value *value; /* of the graph; NULL: none */
    enum origin origin;
    int fused; /* kept in registers by `writer` */
    int writer; /* last instruction that writes it; -1: none */
    int n_writers;
    const int *writers; /* all of them, in running order */
    int n_leaves;
    const int *leaves; /* tensors from which it is computed, each with a value */
    int reached; /* an inner tensor: by how many judged ones */
    int is_output; /* of the program */
    int needed_until; /* the last instruction after which its contents are needed; outputs: after all */
};

struct program {
    const struct vn_session *session;
    const struct vn_model *model;
    const struct graph *graph;
    int n_parts, n_instructions;
    struct part *parts; /* by tensor */
    const struct vn_instruction *instructions;
    /* Tensors that are not needed after instruction i: dying[dies_from[i]] to dying[dies_from[i + 1] - 1] */
    const int *dying, *dies_from;
};

/* Describe the program of session `s` by the values of graph g. Lives in `a` and borrows both. */
struct program *vn_program_new(struct vn_arena *a, const struct vn_session *s, const struct graph *g);

#endif
