#include "front/onnx/proto.h"

/* Field numbers are those of the published format; the order is that in which they are written. */
/* clang-format off */
#define FIELD(type, number, kind, member) { number, kind, offsetof(struct type, member), NULL }
#define SUB(type, number, kind, member, what) { number, kind, offsetof(struct type, member), &what##_message }
#define MESSAGE(id, text, type, ...)                                        \
    static const struct wire_field id##_fields[] = { __VA_ARGS__, { 0 } };  \
    static const struct wire_message id##_message = { text, sizeof(struct type), id##_fields }

MESSAGE(entry, "StringStringEntryProto", onnx_entry,
        FIELD(onnx_entry, 1, WIRE_STRING, key),
        FIELD(onnx_entry, 2, WIRE_STRING, value));

MESSAGE(tensor, "TensorProto", onnx_tensor,
        FIELD(onnx_tensor, 1, WIRE_INTS, dims),
        FIELD(onnx_tensor, 2, WIRE_INT, data_type),
        FIELD(onnx_tensor, 3, WIRE_COUNT, segments),
        FIELD(onnx_tensor, 4, WIRE_FLOATS, float_data),
        FIELD(onnx_tensor, 5, WIRE_INTS, int32_data),
        FIELD(onnx_tensor, 7, WIRE_INTS, int64_data),
        FIELD(onnx_tensor, 8, WIRE_STRING, name),
        FIELD(onnx_tensor, 9, WIRE_BYTES, raw_data),
        FIELD(onnx_tensor, 10, WIRE_DOUBLES, double_data),
        FIELD(onnx_tensor, 11, WIRE_INTS, uint64_data),
        SUB(onnx_tensor, 13, WIRE_MESSAGES, external_data, entry),
        FIELD(onnx_tensor, 14, WIRE_INT, data_location));

static const struct wire_message graph_message; /* of attributes: If */

MESSAGE(attr, "AttributeProto", onnx_attr,
        FIELD(onnx_attr, 1, WIRE_STRING, name),
        FIELD(onnx_attr, 21, WIRE_STRING, ref_attr_name),
        FIELD(onnx_attr, 2, WIRE_FLOAT, f),
        FIELD(onnx_attr, 3, WIRE_INT, i),
        FIELD(onnx_attr, 4, WIRE_BYTES, s),
        SUB(onnx_attr, 5, WIRE_MESSAGE, t, tensor),
        SUB(onnx_attr, 6, WIRE_MESSAGE, g, graph),
        FIELD(onnx_attr, 7, WIRE_FLOATS, floats),
        FIELD(onnx_attr, 8, WIRE_INTS, ints),
        FIELD(onnx_attr, 9, WIRE_BLOBS, strings),
        FIELD(onnx_attr, 20, WIRE_INT, type));

MESSAGE(node, "NodeProto", onnx_node,
        FIELD(onnx_node, 1, WIRE_STRINGS, in),
        FIELD(onnx_node, 2, WIRE_STRINGS, out),
        FIELD(onnx_node, 3, WIRE_STRING, name),
        FIELD(onnx_node, 4, WIRE_STRING, op_type),
        SUB(onnx_node, 5, WIRE_MESSAGES, attrs, attr),
        FIELD(onnx_node, 7, WIRE_STRING, domain),
        SUB(onnx_node, 9, WIRE_MESSAGES, metadata, entry));

MESSAGE(dim, "TensorShapeProto.Dimension", onnx_dim,
        FIELD(onnx_dim, 1, WIRE_OPTIONAL, value),
        FIELD(onnx_dim, 2, WIRE_STRING, param));

MESSAGE(shape, "TensorShapeProto", onnx_shape,
        SUB(onnx_shape, 1, WIRE_MESSAGES, dims, dim));

MESSAGE(tensor_type, "TypeProto.Tensor", onnx_tensor_type,
        FIELD(onnx_tensor_type, 1, WIRE_INT, elem_type),
        SUB(onnx_tensor_type, 2, WIRE_MESSAGE, shape, shape));

MESSAGE(type, "TypeProto", onnx_type,
        SUB(onnx_type, 1, WIRE_MESSAGE, tensor, tensor_type));

MESSAGE(value_info, "ValueInfoProto", onnx_value_info,
        FIELD(onnx_value_info, 1, WIRE_STRING, name),
        SUB(onnx_value_info, 2, WIRE_MESSAGE, type, type));

MESSAGE(graph, "GraphProto", onnx_graph,
        SUB(onnx_graph, 1, WIRE_MESSAGES, nodes, node),
        FIELD(onnx_graph, 2, WIRE_STRING, name),
        SUB(onnx_graph, 5, WIRE_MESSAGES, initializers, tensor),
        SUB(onnx_graph, 11, WIRE_MESSAGES, inputs, value_info),
        SUB(onnx_graph, 12, WIRE_MESSAGES, outputs, value_info),
        SUB(onnx_graph, 13, WIRE_MESSAGES, value_infos, value_info),
        FIELD(onnx_graph, 15, WIRE_COUNT, sparse_initializers));

MESSAGE(opset, "OperatorSetIdProto", onnx_opset,
        FIELD(onnx_opset, 1, WIRE_STRING, domain),
        FIELD(onnx_opset, 2, WIRE_INT, version));

MESSAGE(function, "FunctionProto", onnx_function,
        FIELD(onnx_function, 1, WIRE_STRING, name),
        FIELD(onnx_function, 4, WIRE_STRINGS, inputs),
        FIELD(onnx_function, 5, WIRE_STRINGS, outputs),
        FIELD(onnx_function, 6, WIRE_STRINGS, attrs),
        SUB(onnx_function, 7, WIRE_MESSAGES, nodes, node),
        SUB(onnx_function, 9, WIRE_MESSAGES, opsets, opset),
        FIELD(onnx_function, 10, WIRE_STRING, domain),
        SUB(onnx_function, 11, WIRE_MESSAGES, attr_defaults, attr));

static const struct wire_field model_fields[] = {
    FIELD(onnx_model, 1, WIRE_INT, ir_version),
    FIELD(onnx_model, 2, WIRE_STRING, producer_name),
    FIELD(onnx_model, 3, WIRE_STRING, producer_version),
    SUB(onnx_model, 7, WIRE_MESSAGE, graph, graph),
    SUB(onnx_model, 8, WIRE_MESSAGES, opsets, opset),
    SUB(onnx_model, 14, WIRE_MESSAGES, metadata, entry),
    SUB(onnx_model, 25, WIRE_MESSAGES, functions, function),
    { 0 },
};
const struct wire_message vn_onnx_model_message = {
    "ModelProto", sizeof(struct onnx_model), model_fields, "an ONNX model"
};
/* clang-format on */

const char *vn_onnx_attr_type_name(int64_t type)
{
    static const char *const names[] = {
        [0] = "undefined",
        [ONNX_FLOAT] = "a float",
        [ONNX_INT] = "an integer",
        [ONNX_STRING] = "a string",
        [ONNX_TENSOR] = "a tensor",
        [ONNX_GRAPH] = "a graph",
        [ONNX_FLOATS] = "a list of floats",
        [ONNX_INTS] = "a list of integers",
        [ONNX_STRINGS] = "a list of strings",
    };
    const int known = type >= 0 && type < (int64_t)(sizeof names / sizeof *names);
    return known ? names[type] : "an unsupported type";
}

struct onnx_attr *vn_onnx_attr(const struct onnx_node *n, const char *name)
{
    struct onnx_attr *attrs = n->attrs.v;
    for (int i = 0; i < n->attrs.n; i++)
        if (attrs[i].name && !strcmp(attrs[i].name, name))
            return &attrs[i];
    return NULL;
}

static const char *name_at(const struct wire_list *l, int i)
{
    const char *const *names = l->v;
    return i < l->n ? names[i] : "";
}

const char *vn_onnx_in(const struct onnx_node *n, int i) { return name_at(&n->in, i); }
const char *vn_onnx_out(const struct onnx_node *n, int i) { return name_at(&n->out, i); }

void vn_onnx_set_in(struct vn_arena *a, struct onnx_node *n, int i, const char *name)
{
    while (n->in.n <= i)
        *(const char **)vn_wire_append(a, &n->in, sizeof name) = "";
    ((const char **)n->in.v)[i] = name;
}

void vn_onnx_drop_attr(struct onnx_node *n, const char *name)
{
    struct onnx_attr *attrs = n->attrs.v, *x = vn_onnx_attr(n, name);
    if (!x)
        return;
    memmove(x, x + 1, (size_t)(attrs + n->attrs.n - x - 1) * sizeof *x);
    n->attrs.n--;
}

struct onnx_attr *vn_onnx_add_attr(struct vn_arena *a, struct onnx_node *n, const char *name,
                                   enum onnx_attr_type type)
{
    struct onnx_attr *x = vn_wire_append(a, &n->attrs, sizeof *x);
    *x = (struct onnx_attr){ .name = name, .type = type };
    return x;
}

void vn_onnx_add_int(struct vn_arena *a, struct onnx_node *n, const char *name, int64_t x)
{
    vn_onnx_add_attr(a, n, name, ONNX_INT)->i = x;
}

void vn_onnx_add_string(struct vn_arena *a, struct onnx_node *n, const char *name, const char *s)
{
    vn_onnx_add_attr(a, n, name, ONNX_STRING)->s = vn_wire_text(vn_arena_str(a, s));
}

void vn_onnx_add_ints(struct vn_arena *a, struct onnx_node *n, const char *name, int count, const int64_t *x)
{
    struct onnx_attr *attr = vn_onnx_add_attr(a, n, name, ONNX_INTS);
    attr->ints = (struct wire_list){ vn_arena_copy(a, x, (size_t)count * sizeof *x), count, count };
}
