/* front/onnx/write.h - what the writer's files share: the model under construction. */
#ifndef VN_FRONT_ONNX_WRITE_H
#define VN_FRONT_ONNX_WRITE_H

#include "front/onnx/draft.h"

#define ONNX_WRITE_OPSET 21
#define ONNX_WRITE_OPSET_INT8 20 /* the last without QuantizeLinear to int16 */
#define ONNX_WRITE_IR 10
/* The operator set that has all of the graph's operators, and the IR version that came with it. */
int vn_onnx_write_opset(const struct graph *g);
static inline int vn_onnx_write_ir(int opset) { return opset <= 22 ? ONNX_WRITE_IR : opset - 12; }

struct written {
    const char *made; /* what the producer calls it, or the graph input's or initializer's name */
    const char *read; /* what consumers call it */
    const char *moved; /* what nodes call it that onnxruntime would move in front of its DequantizeLinear */
};

struct model_writer {
    struct vn_arena *arena;
    const struct graph *g;
    const struct vn_onnx_write_options *o;
    struct onnx_model model;
    struct onnx_graph graph;
    struct vn_map *names; /* tensors */
    struct vn_map *node_names;
    struct written *written; /* by value id */
    int opset;
    struct vn_err *e;
};

/* ---- building blocks (put.c) ---- */

void vn_onnx_put_name(struct vn_arena *a, struct wire_list *l, const char *name); /* to a list of names */
struct onnx_node *vn_onnx_put_node(struct vn_arena *a, struct wire_list *nodes, const char *name,
                                   const char *op, const char *domain);
void vn_onnx_put_in(struct vn_arena *a, struct onnx_node *n, const char *name);
void vn_onnx_put_out(struct vn_arena *a, struct onnx_node *n, const char *name);
void vn_onnx_put_initializer(struct model_writer *w, const char *name, const struct vn_tensor *t);
void vn_onnx_put_value_info(struct model_writer *w, struct wire_list *list, const char *name, enum vn_dtype t,
                            const struct vn_shape *s);

/* Functions: is there one of this name? A new one; the caller adds the body. */
int vn_onnx_has_function(const struct model_writer *w, const char *name);
struct onnx_function *vn_onnx_new_function(struct model_writer *w, const char *name, const char *inputs,
                                           const char *output);

/* qdq_write.c: choose w->written[v], and put down what stands in front of v's readers.
 * Inputs and constants before all nodes; a node's results right behind it. */
void vn_onnx_name_value(struct model_writer *w, const struct value *v);
void vn_onnx_put_qdq(struct model_writer *w, const struct value *v);
/* Written with QuantizeLinear or DequantizeLinear? */
int vn_onnx_is_quantized(const struct value *v);
/* A graph input that the file holds as integers. */
int vn_onnx_is_integer_input(const struct model_writer *w, const struct value *v);
/* A graph output that the file holds as integers. */
int vn_onnx_is_integer_output(const struct value *v);
/* What n calls its input i. */
const char *vn_onnx_read_name(const struct model_writer *w, const struct node *n, int i);

/* custom_node.c: type, domain and attributes of a node of the user's own type; the domains of all. */
void vn_onnx_custom_write(struct onnx_node *out, const struct node *n);
void vn_onnx_custom_domains(struct model_writer *w);

/* function.c: the model-local function for a preprocess node; returns its name. Each is put down once. */
const char *vn_onnx_put_preprocess(struct model_writer *w, const struct node *n);
/* function_detection.c: likewise for a detection output node, whose sizes are in the body. */
const char *vn_onnx_put_detection(struct model_writer *w, const struct node *n);

#endif
