#include "front/onnx/rank.h"

enum { MAX_HOPS = 256 };

/* Operators whose result has the rank of input 0. Broadcasting ones are not among them. */
static const char *const keeps_rank[] = {
    "Relu",
    "LeakyRelu",
    "Sigmoid",
    "Tanh",
    "Clip",
    "Conv",
    "ConvTranspose",
    "BatchNormalization",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Concat",
    "Slice",
    "Pad",
    "Softmax",
    "LogSoftmax",
    "Identity",
    "Dropout",
    "Cast",
    "Resize",
    "Upsample",
    "Transpose",
    "Exp",
    "Sqrt",
    NULL,
};
static const char *const gives_two[] = { "Gemm", "Flatten", NULL };

static int is_one_of(const char *op, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(op, *list))
            return 1;
    return 0;
}

/* Elements of a 1-D shape tensor glued together from single numbers, as exporters do; -1: not known. */
static int length(const struct draft *d, const struct vn_map *makers, const char *name)
{
    const struct vn_tensor *t = vn_onnx_constant(d, name);
    if (t)
        return t->shape.rank == 1 ? (int)t->shape.d[0] : -1;
    const struct draft_node *concat = vn_map_get(makers, name);
    if (!concat || strcmp(concat->raw.op_type, "Concat"))
        return -1;
    int n = 0;
    for (int i = 0; i < concat->raw.in.n; i++) {
        const char *part = vn_onnx_in(&concat->raw, i);
        const struct draft_node *maker = vn_map_get(makers, part);
        t = vn_onnx_constant(d, part);
        if (t && t->shape.rank == 1)
            n += (int)t->shape.d[0];
        else if (maker && !strcmp(maker->raw.op_type,
                                  "Unsqueeze")) /* Concat joins 1-D tensors here: made from a scalar */
            n += 1;
        else
            return -1;
    }
    return n;
}

/* The rank that follows from the node alone, whatever its input; -1: none. */
static int own_rank(const struct draft *d, const struct vn_map *makers, const struct draft_node *n)
{
    const char *op = n->raw.op_type;
    const struct onnx_attr *perm = vn_onnx_attr(&n->raw, "perm");
    const struct vn_tensor *weight = vn_onnx_constant(d, vn_onnx_in(&n->raw, 1));
    if (is_one_of(op, gives_two))
        return 2;
    if (!strcmp(op, "Reshape")) /* not a key's word: an operator */
        return length(d, makers, vn_onnx_in(&n->raw, 1));
    if (!strcmp(op, "Transpose") /* not a key's word: an operator */ && perm && perm->type == ONNX_INTS)
        return perm->ints.n;
    if ((!strcmp(op, "Conv") || !strcmp(op, "ConvTranspose")) && weight)
        return weight->shape.rank;
    return -1;
}

int vn_onnx_rank(const struct draft *d, const struct vn_map *makers, const char *name)
{
    for (int hops = 0; hops < MAX_HOPS; hops++) {
        const struct vn_tensor *t = vn_onnx_constant(d, name);
        if (t)
            return t->shape.rank;
        const struct draft_node *n = vn_map_get(makers, name);
        if (!n) {
            for (int i = 0; i < d->inputs.n; i++)
                if (!strcmp(d->inputs.v[i].name, name))
                    return d->inputs.v[i].shape.rank;
            return -1;
        }
        const int rank = own_rank(d, makers, n);
        if (rank >= 0)
            return rank;
        if (!is_one_of(n->raw.op_type, keeps_rank))
            return -1;
        name = vn_onnx_in(&n->raw, 0);
    }
    return -1;
}
