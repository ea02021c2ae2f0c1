/* front/onnx/proto.h - the ONNX messages that we read and write, as C structs. Names follow the ONNX
 * specification.
 *
 * Lists are struct wire_list; the comment says of what. Subgraphs and other things that we cannot use are
 * counted only.
 */
#ifndef VN_FRONT_ONNX_PROTO_H
#define VN_FRONT_ONNX_PROTO_H

#include "front/wire.h"

enum onnx_attr_type { /* AttributeProto.type */
                      ONNX_FLOAT = 1,
                      ONNX_INT = 2,
                      ONNX_STRING = 3,
                      ONNX_TENSOR = 4,
                      ONNX_GRAPH = 5,
                      ONNX_FLOATS = 6,
                      ONNX_INTS = 7,
                      ONNX_STRINGS = 8,
};
const char *vn_onnx_attr_type_name(int64_t type); /* "an integer", ... */

struct onnx_entry {
    const char *key, *value;
};

struct onnx_tensor {
    const char *name;
    struct wire_list dims; /* int64_t */
    int64_t data_type;
    struct wire_list float_data; /* float */
    struct wire_list int32_data, int64_data; /* int64_t */
    struct wire_list double_data; /* double */
    struct wire_list uint64_data; /* int64_t */
    struct wire_bytes raw_data;
    struct wire_list external_data; /* struct onnx_entry */
    int64_t data_location; /* 1: external */
    int64_t segments; /* count */
};

struct onnx_attr {
    const char *name, *ref_attr_name;
    int64_t type; /* enum onnx_attr_type */
    float f;
    int64_t i;
    struct wire_bytes s;
    struct onnx_tensor *t;
    struct onnx_graph *g;
    struct wire_list floats, ints; /* float, int64_t */
    struct wire_list strings; /* struct wire_bytes */
};

struct onnx_node {
    struct wire_list in, out; /* const char * */
    const char *name, *op_type, *domain;
    struct wire_list attrs; /* struct onnx_attr */
    struct wire_list metadata; /* struct onnx_entry */
};

/* Node metadata: why it computes in float although its neighbours are quantized. */
#define ONNX_FLOAT_KEY "vernier.float" /* the text of a node's reason for float32 */
#define ONNX_REASON_KEY ONNX_FLOAT_KEY ".reason" /* its id */
#define ONNX_REASON_ARG_KEY ONNX_FLOAT_KEY ".arg." /* and a number: an argument */

struct onnx_dim {
    struct wire_optional value;
    const char *param;
};
struct onnx_shape {
    struct wire_list dims; /* struct onnx_dim */
};
struct onnx_tensor_type {
    int64_t elem_type;
    struct onnx_shape *shape; /* NULL: rank unknown */
};
struct onnx_type {
    struct onnx_tensor_type *tensor; /* NULL: a sequence, map, ... */
};
struct onnx_value_info {
    const char *name;
    struct onnx_type *type;
};

struct onnx_graph {
    struct wire_list nodes; /* struct onnx_node */
    const char *name;
    struct wire_list initializers; /* struct onnx_tensor */
    int64_t sparse_initializers; /* count */
    struct wire_list inputs, outputs, value_infos; /* struct onnx_value_info */
};

struct onnx_opset {
    const char *domain; /* NULL or "": the default one */
    int64_t version;
};

struct onnx_function {
    const char *name, *domain;
    struct wire_list inputs, outputs, attrs; /* const char * */
    struct wire_list nodes; /* struct onnx_node */
    struct wire_list opsets; /* struct onnx_opset */
    struct wire_list attr_defaults; /* struct onnx_attr */
};

struct onnx_model {
    int64_t ir_version;
    const char *producer_name, *producer_version;
    struct onnx_graph *graph;
    struct wire_list opsets; /* struct onnx_opset */
    struct wire_list metadata; /* struct onnx_entry */
    struct wire_list functions; /* struct onnx_function */
};

extern const struct wire_message vn_onnx_model_message;

/* NULL: the node has no such attribute. */
struct onnx_attr *vn_onnx_attr(const struct onnx_node *n, const char *name);
/* "" where left out or beyond the last. */
const char *vn_onnx_in(const struct onnx_node *n, int i);
const char *vn_onnx_out(const struct onnx_node *n, int i);
/* Replace input i; missing ones in front become empty names. */
void vn_onnx_set_in(struct vn_arena *a, struct onnx_node *n, int i, const char *name);
/* Take an attribute away. */
void vn_onnx_drop_attr(struct onnx_node *n, const char *name);
/* A new attribute with the given name and type; the caller fills in the contents. */
struct onnx_attr *vn_onnx_add_attr(struct vn_arena *a, struct onnx_node *n, const char *name,
                                   enum onnx_attr_type type);
void vn_onnx_add_int(struct vn_arena *a, struct onnx_node *n, const char *name, int64_t x);
void vn_onnx_add_string(struct vn_arena *a, struct onnx_node *n, const char *name, const char *s);
void vn_onnx_add_ints(struct vn_arena *a, struct onnx_node *n, const char *name, int count, const int64_t *x);

#endif
