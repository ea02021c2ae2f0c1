/* vernier/edit.h - nodes at the inputs and outputs of a network leave it, so that the caller does their work.
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
 * What can be removed: at an input Quantize, Transpose, Cast and Reshape (Flatten, Squeeze and Unsqueeze are
 * the same), where nothing else reads the input; at an output Dequantize, Transpose, Cast, Reshape and
 * Softmax, where nothing else reads the output. The tensor behind or in front of the node takes the place of
 * the input or output. A removal may bring the next node to the edge. */
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
/* enum vn_edge_type; -1: another word. */
int vn_edge_find(const char *word);

/* A node that was or can be removed. */
struct vn_edge {
    const char *name;
    enum vn_edge_type type;
    int at_input; /* 1: at an input, 0: at an output */
    int port; /* the number of that input or output */
    const char *from; /* its name, with the node */
    const char *to; /* the name of the value that takes its place */
    /* Quantize and Dequantize: real = (q - zero) * scale, q of this type; else dtype 0. */
    enum vn_dtype dtype;
    float scale;
    int32_t zero;
};

struct vn_edit_options {
    /* Values or nodes whose values become the outputs, all of them; n_outputs 0: the outputs stay. This is
     * done first. */
    const char *const *outputs;
    int n_outputs;
    /* Words of types: all nodes of the first that are at an edge, or come there by these removals; then of
     * the next. */
    const char *const *types;
    int n_types;
    const char *const *nodes; /* names of nodes, in this order */
    int n_nodes;
    int all; /* 1: then everything that can be removed */
    int lenient; /* 1: nodes that cannot be removed are warnings */
    const char *output; /* file to write; NULL: none */
    struct vn_listener listener; /* hears what was without effect, as warnings */
};
void vn_edit_options_default(struct vn_edit_options *o);

struct vn_edited; /* opaque */

/* Edit an ONNX file (its name ends in .onnx) or a .bin. The result has metadata "deleted.NODE" for each node
 * and "output_nodes". On success *out is the caller's, on failure NULL, and nothing is written. Errors:
 * VN_E_USAGE (no such type, node or value; nothing can be removed), VN_E_UNSUPPORTED (a value that a fusion
 * keeps in registers becomes an output), VN_E_INPUT, VN_E_IO, VN_E_NOMEM. */
int vn_edit(struct vn_edited **out, const char *path, const struct vn_edit_options *o, struct vn_err *e);
/* In the order of their removal. */
const struct vn_edge *vn_edited_removed(const struct vn_edited *d, int *n);
/* What could be removed next. */
const struct vn_edge *vn_edited_removable(const struct vn_edited *d, int *n);
/* The removed nodes with all that their work requires, as in deleted_nodes_info.txt. */
const char *vn_edited_text(const struct vn_edited *d);
void vn_edited_free(struct vn_edited **d); /* NULL is allowed */

/* Write a pack: n programs in one file, each under its file's name without folder and suffix. A program is
 * loaded from it by that name (vn_options.model).
 * Errors: VN_E_INPUT (a file that does not load, or is a pack itself), VN_E_USAGE (a name twice, or longer
 * than 239 bytes; more than 1024 programs), VN_E_IO. */
int vn_pack(const char *output, int n, const char *const *files, struct vn_err *e);

#ifdef __cplusplus
}
#endif
#endif
