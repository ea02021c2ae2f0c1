/* front/onnx/draft.h - a model between file and graph: nodes still as in the file, constants decoded.
 *
 * The stages of reading rewrite it in turn: Constant nodes become constants, old operator forms become new
 * ones, pairs of QuantizeLinear and DequantizeLinear become parameters. Then each node is typed.
 */
#ifndef VN_FRONT_ONNX_DRAFT_H
#define VN_FRONT_ONNX_DRAFT_H

#include "front/onnx/onnx.h"
#include "front/onnx/proto.h"
#include "ops/op.h"

#define ONNX_OUR_DOMAIN "ai.vernier"

struct draft_node {
    struct onnx_node raw;
    const char *name; /* unique */
};

struct draft_input {
    const char *name;
    enum vn_dtype dtype;
    struct vn_shape shape;
};

struct draft {
    struct vn_arena *arena;
    const char *path;
    const struct onnx_model *model;
    const struct vn_onnx_options *options; /* may be NULL */
    int external; /* files beside the model may be read */
    int opset;
    VEC(struct draft_node *) nodes;
    VEC(struct draft_input) inputs;
    VEC(const char *) outputs;
    struct vn_map *constants; /* tensor name -> const struct vn_tensor * */
    struct vn_map *q; /* tensor name -> const struct qparam * */
    struct vn_map *raw; /* names of inputs and outputs that are the integers of their parameters */
    struct vn_map *names; /* every tensor name in use */
    struct vn_map *node_names; /* every node name in use */
};

/* `base` itself, or with _1, _2, ... behind it where taken; it is taken from now on. */
const char *vn_onnx_new_name(struct vn_arena *a, struct vn_map *taken, const char *base);
const struct vn_tensor *vn_onnx_constant(const struct draft *d, const char *name); /* NULL: computed */
/* Add a constant under a new name, which is returned. */
const char *vn_onnx_add_constant(struct draft *d, const char *base, const struct vn_tensor *t);
const char *vn_onnx_add_constant_i64(struct draft *d, const char *base, int n, const int64_t *x);
/* A failure that concerns one node or input only: VN_OK where the caller collects such problems (the text is
 * handed over), else its code. */
int vn_onnx_problem(const struct draft *d, int status, struct vn_err *e);
/* "path: node NAME (OP): message" */
int vn_onnx_node_fail(const struct draft *d, const struct draft_node *n, struct vn_err *e, int code,
                      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* branch.c: the subgraphs of If. Outer names that the two branches of a node read, in a fixed order. */
struct wire_list vn_onnx_captured(const struct onnx_node *n, struct vn_arena *a);
int vn_onnx_branch(const struct branch **out, const struct draft *d, const struct draft_node *n,
                   const struct onnx_graph *g, struct vn_err *e);
/* reader.c: the stages from a decoded model on. */
int vn_onnx_read_model(struct graph **g, struct vn_arena *a, struct onnx_model *m, const char *path,
                       int external, const struct vn_onnx_options *o, struct vn_err *e);
/* inline.c: calls of the model's own functions become the nodes that they stand for; If nodes get what their
 * branches read as inputs. */
int vn_onnx_inline(struct onnx_model *m, struct vn_arena *a, const char *path, struct vn_err *e);
/* pinned.c: an input to which the options give a value becomes a constant. */
int vn_onnx_pin(int *pinned, struct draft *d, struct draft_input *in, const struct vn_onnx_options *o,
                struct vn_err *e);
int vn_onnx_check_values(const struct draft *d, const struct onnx_graph *g, const struct vn_onnx_options *o,
                         struct vn_err *e);
/* draft.c: model -> draft. Names are checked here: unique, defined. */
int vn_onnx_draft(struct draft *d, const struct onnx_model *m, const struct vn_onnx_options *o, int external,
                  struct vn_err *e);
/* support.c: one error that lists all operators which cannot be read. */
int vn_onnx_check_support(struct draft *d, struct vn_err *e);
/* upgrade.c: every node to its newest form. */
int vn_onnx_upgrade(struct draft *d, struct vn_err *e);
int vn_onnx_upgrade_knows(const char *domain,
                          const char *op_type); /* it becomes another one, or its own newest form */
/* qdq_read.c: QuantizeLinear and DequantizeLinear nodes to d->q. */
int vn_onnx_absorb_qdq(struct draft *d, struct vn_err *e);
/* custom_node.c: the operator of nodes whose type a library of the user has; NULL: none has it. */
const struct op_def *vn_onnx_custom_op(const struct onnx_node *n);
int vn_onnx_custom_read(struct node *node, const struct draft *d, const struct draft_node *n,
                        struct vn_err *e);
/* op for a node: our own functions by domain, else by type; NULL: unknown. */
const struct op_def *vn_onnx_op(const struct onnx_node *n);

/* tensors.c */
struct external_files {
    struct vn_arena *arena;
    const char *folder; /* NULL: refused */
    struct vn_map *files; /* location -> struct wire_bytes * */
};
/* `what` names the tensor in messages. */
int vn_onnx_tensor_read(const struct vn_tensor **out, const struct onnx_tensor *t, struct external_files *x,
                        const char *what, struct vn_err *e);
void vn_onnx_tensor_write(struct onnx_tensor *out, const char *name, const struct vn_tensor *t,
                          struct vn_arena *a);
int vn_onnx_dtype(enum vn_dtype *out, int64_t elem_type, const char *what, struct vn_err *e);

/* attrs.c: raw attributes <-> the operator's struct, by its table. */
int vn_onnx_attrs_read(struct node *n, const struct draft *d, const struct draft_node *raw, struct vn_err *e);
void vn_onnx_attrs_write(struct onnx_node *out, const struct node *n, struct vn_arena *a);

#endif
