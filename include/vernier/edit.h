/* vernier/edit.h - remove nodes at the inputs and outputs of a network; the caller then does their work.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_edit_options o;
 *     struct vn_edited *d;
 *     vn_edit_options_default(&o);
 *     o.types = (const char *const[]){ "Dequantize" }, o.n_types = 1, o.output = "net_integers.bin";
 *     if (vn_edit(&d, "net.bin", &o, &err) < 0) { fprintf(stderr, "%s\n", err.msg); return 1; }
 *     vn_edited_free(&d);
 *
 * What can be removed: at an input Quantize, Transpose, Cast and Reshape (also Flatten, Squeeze and
 * Unsqueeze) if nothing else reads the input; at an output Dequantize, Transpose, Cast, Reshape and
 * Softmax, if nothing else reads the output. The tensor after or before the node becomes the input or
 * output. A removal can make the next node removable. */
#ifndef VERNIER_EDIT_H
#define VERNIER_EDIT_H

#include <vernier/listener.h>
#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vn_edge_type {
    VN_EDGE_QUANTIZE,
    VN_EDGE_DEQUANTIZE,
    VN_EDGE_TRANSPOSE,
    VN_EDGE_CAST,
    VN_EDGE_RESHAPE,
    VN_EDGE_SOFTMAX,
    VN_EDGE_TYPES
};
/* "Quantize", ... */
const char *vn_edge_word(enum vn_edge_type t);
/* enum vn_edge_type of a word; -1: unknown word. */
int vn_edge_find(const char *word);

/* A node that was or can be removed. */
struct vn_edge {
    const char *name;
    enum vn_edge_type type;
    int at_input; /* 1: at an input, 0: at an output */
    int port; /* index of that input or output */
    const char *from; /* its name before the removal */
    const char *to; /* the name of the value that replaces it */
    /* Quantize and Dequantize: real = (q - zero) * scale, q of this type; else dtype 0. */
    enum vn_dtype dtype;
    float scale;
    int32_t zero;
};

struct vn_edit_options {
    /* Values, or nodes whose values, replace all outputs; n_outputs 0: keep the outputs. Applied first. */
    const char *const *outputs;
    int n_outputs;
    /* Words of types: removes all nodes of the first type that are at an edge, or reach it by these removals,
     * then those of the next. */
    const char *const *types;
    int n_types;
    const char *const *nodes; /* names of nodes, in this order */
    int n_nodes;
    int all; /* 1: finally remove every removable node */
    int lenient; /* 1: nodes that cannot be removed are warnings */
    const char *output; /* file to write; NULL: none */
    struct vn_listener listener; /* receives warnings about requests without effect */
};
void vn_edit_options_default(struct vn_edit_options *o);

struct vn_edited; /* opaque */

/* Edit an ONNX file (its name ends in .onnx) or a .bin. The result has metadata "deleted.NODE" for each node
 * and "output_nodes". On success the caller owns *out; on failure it is NULL, and nothing is written. Errors:
 * VN_E_USAGE (no such type, node or value; nothing can be removed), VN_E_UNSUPPORTED (a value that a fusion
 * keeps in registers becomes an output), VN_E_INPUT, VN_E_IO, VN_E_NOMEM. */
int vn_edit(struct vn_edited **out, const char *path, const struct vn_edit_options *o, struct vn_err *e);
/* In the order of their removal. */
const struct vn_edge *vn_edited_removed(const struct vn_edited *d, int *n);
/* What could be removed next. */
const struct vn_edge *vn_edited_removable(const struct vn_edited *d, int *n);
/* The removed nodes with all parameters of their work, as in deleted_nodes_info.txt. */
const char *vn_edited_text(const struct vn_edited *d);
void vn_edited_free(struct vn_edited **d); /* NULL is allowed */

/* Write a pack: n programs in one file, each under its file's name without folder and suffix. A program is
 * loaded from it by that name (vn_options.model). Errors: VN_E_INPUT (a file that does not load, or is a pack
 * itself), VN_E_USAGE (a duplicate name, or one longer than 239 bytes; more than 1024 programs), VN_E_IO. */
int vn_pack(const char *output, int n, const char *const *files, struct vn_err *e);

#ifdef __cplusplus
}
#endif
#endif
