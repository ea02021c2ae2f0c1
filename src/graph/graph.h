/* graph/graph.h - the network in memory: values, nodes, and what is known of them. Free of any file format or
 * version. */
#ifndef VN_GRAPH_H
#define VN_GRAPH_H

#include "base/arena.h"
#include "graph/reason.h"
#include "tensor/tensor.h"

struct op_def; /* ops/op.h */

/* How a value is quantized: real = (q - zero) * scale. */
struct qparam {
    enum vn_dtype dtype; /* VN_I8, VN_I16, VN_I32 (biases) */
    int axis; /* of scale and zero; -1: one for the whole tensor */
    int n; /* entries of scale and zero: 1, or shape.d[axis] */
    const float *scale;
    const int32_t *zero;
    int implied; /* 1: not written to files; a clamp that follows has the same parameters (see vn_graph_imply)
                  */
};

struct use { /* input `slot` of `node` */
    struct node *node;
    int slot;
};

struct value {
    const char *name; /* of the source model; unique in the graph */
    int id; /* index in graph.values when that was indexed last */
    enum vn_dtype
        dtype; /* what the network computes: VN_F32 for activations and weights, also when quantized */
    struct vn_shape shape;
    const struct vn_tensor
        *data; /* constants: their contents (VN_I8.. when stored quantized, else of dtype); else NULL */
    const struct qparam *q; /* quantized with; NULL: not */
    struct node *producer; /* NULL: input or constant */
    int port; /* which output of the producer */
    VEC(struct use) users; /* every input slot that reads it, in no order */
    int outputs; /* how often it is in graph.outputs */
    int raw_output; /* 1: an output that leaves as its quantized integers, not as float32 */
    int raw_input; /* 1: an input that is given as its quantized integers */
    int bounded; /* 1: `shape` is the largest possible; the size depends on the data */
    double threshold; /* calibrated largest magnitude; 0: none */
};

struct node {
    const struct op_def *op;
    const char *name; /* unique; made up where the source has none */
    int id; /* index in graph.nodes when that was indexed last */
    struct value **in; /* n_in entries; NULL: optional input left out */
    int n_in;
    struct value **out; /* n_out entries; NULL: optional output left out */
    int n_out;
    void *attrs; /* the operator's struct, op->attrs_size bytes */
    /* why this node must not compute in integers; NULL: nothing is known against it */
    const struct vn_reason *why_float;
};

/* A tensor of the source model that an optimisation removed. */
struct folded {
    const char *tensor;
    const char *into; /* node that now computes it, or NULL for a constant */
};

struct meta {
    const char *key, *text;
};

/* Links (producer, port, users, outputs) stay exact: nodes and outputs change through the functions below. */
struct graph {
    struct vn_arena *arena;
    const char *name;
    const char *source; /* path it came from, for messages */
    VEC(struct value *) values;
    VEC(struct node *) nodes; /* in an order that can be run */
    VEC(struct value *) inputs;
    VEC(struct value *) outputs;
    VEC(struct folded) folded;
    VEC(struct meta) meta;
    struct vn_map *by_name; /* values */
    struct vn_map *suffixes; /* name -> the first suffix that may be free; NULL: none is known */
    int opset; /* of the source, for messages */
    int ir_version;
    int64_t fold_room; /* elements that constants may still be folded into; 0: not counted yet */
};

struct graph *vn_graph_new(struct vn_arena *a, const char *name);

/* A new value. A name already taken gets "_1", "_2", ... behind it. */
struct value *vn_graph_value(struct graph *g, const char *name, enum vn_dtype t, const struct vn_shape *s);
/* A constant; `data` must live as long as the graph. */
struct value *vn_graph_const(struct graph *g, const char *name, const struct vn_tensor *data);
struct value *vn_graph_const_i64(struct graph *g, const char *name, int n, const int64_t *v); /* 1-D */
struct value *vn_graph_find(const struct graph *g, const char *name);

/* Make a node user of its inputs and producer of its outputs: for one that enters graph.nodes. */
void vn_graph_attach(struct graph *g, struct node *n);
/* The opposite, for a node that leaves graph.nodes. Outputs that have another producer by now keep it. */
void vn_graph_detach(struct node *n);
/* Attach a node and put it in the list in front of `at` (NULL: at the end). */
void vn_graph_insert(struct graph *g, struct node *n, const struct node *at);
/* Detach a node and take it out of the list. */
void vn_graph_remove(struct graph *g, struct node *n);
/* Let input `slot` read v (NULL: left out). A slot beyond the last extends the node. */
void vn_graph_set_input(struct graph *g, struct node *n, int slot, struct value *v);
/* Let output `port` of n be v, which loses its other producer; the value that was there has none any more. */
void vn_graph_set_output(struct node *n, int port, struct value *v);
void vn_graph_add_output(struct graph *g, struct value *v);
/* Every consumer of `from`, and the list of outputs if `outputs_too`, reads `to` instead. */
void vn_graph_replace(struct graph *g, struct value *from, struct value *to, int outputs_too);
/* Drop values that nothing refers to, number the others and the nodes, make all links anew. */
void vn_graph_index(struct graph *g);
static inline int vn_graph_is_output(const struct value *v) { return v->outputs > 0; }
/* Input slots and graph outputs. */
static inline int vn_graph_uses(const struct value *v) { return v->users.n + v->outputs; }
/* The only consumer of v, or NULL when there are none, several, or v is an output. */
static inline struct node *vn_graph_sole_user(const struct value *v)
{
    return v->users.n == 1 && !v->outputs ? v->users.v[0].node : NULL;
}
void vn_graph_note_folded(struct graph *g, const char *tensor, const char *into);
void vn_graph_meta_set(struct graph *g, const char *key, const char *text);
const char *vn_graph_meta(const struct graph *g, const char *key);
/* Sort nodes so that producers come first. Error names a node on a cycle. */
int vn_graph_sort(struct graph *g, struct vn_err *e);
/* Structure and shapes consistent? For tests and after each pass. */
int vn_graph_check(const struct graph *g, struct vn_err *e);
/* Quantization parameters in the graph's arena. */
const struct qparam *vn_qparam_new(struct vn_arena *a, enum vn_dtype t, int axis, int n, const float *scale,
                                   const int32_t *zero);
int vn_qparam_equal(const struct qparam *a, const struct qparam *b);

#endif
