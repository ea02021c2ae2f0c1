/* ops/prog.c - the tensors and instructions of a program that is being made. */
#include "ops/lower.h"

void vn_low_physical(const struct prog_tensor *t, int64_t *dims)
{
    memcpy(dims, t->shape.d, sizeof t->shape.d);
    if (!vn_low_is_turned(t))
        return;
    memmove(dims + 1, dims + 2, sizeof *dims * (size_t)(t->shape.rank - 2));
    dims[t->shape.rank - 1] = t->shape.d[1];
}

void vn_low_axis_strides(const struct prog_tensor *t, int64_t *stride)
{
    struct vn_shape memory = t->shape;
    int64_t s[VN_MAX_RANK];
    vn_low_physical(t, memory.d);
    vn_shape_strides(&memory, s);
    for (int d = 0; d < t->shape.rank; d++)
        stride[d] = !vn_low_is_turned(t) || d == 0 ? s[d] : d == 1 ? s[t->shape.rank - 1] : s[d - 1];
}

/* ---- tensors ---- */

static int add_tensor(struct lowering *l, const struct prog_tensor *t)
{
    struct prog_tensor copy = *t;
    if (copy.shape.rank < 3)
        copy.layout = PLAIN;
    copy.bytes = (size_t)vn_shape_count(&copy.shape) * vn_dtype_size(copy.dtype);
    VEC_PUSH(l->arena, &l->prog->tensors, copy);
    return l->prog->tensors.n - 1;
}

int vn_low_carry(struct lowering *l, const struct value *v, enum vn_role role, enum vn_dtype t,
                 const struct vn_shape *s, enum layout order)
{
    const struct prog_tensor p = { .name = v->name,
                                   .node = v->producer ? v->producer->name : NULL,
                                   .role = role,
                                   .dtype = t,
                                   .layout = order,
                                   .shape = *s,
                                   .place = BIN_ARENA };
    return add_tensor(l, &p);
}

int vn_low_like(struct lowering *l, int id, enum vn_role role, enum layout order)
{
    struct prog_tensor p = *vn_low_tensor(l, id);
    p.role = role;
    p.layout = order;
    return add_tensor(l, &p);
}

void vn_low_quantized(struct lowering *l, int id, float scale, int32_t zero)
{
    struct prog_tensor *t = vn_low_tensor(l, id);
    t->scale = scale;
    t->zero = zero;
}

int vn_low_temp(struct lowering *l, enum vn_dtype t, const struct vn_shape *s, enum layout order, float scale,
                int32_t zero)
{
    const int id = vn_low_carry(l, l->node->out[0], VN_ROLE_SCRATCH, t, s, order);
    vn_low_quantized(l, id, scale, zero);
    return id;
}

int vn_low_constant(struct lowering *l, const struct value *v, enum vn_role role, enum vn_dtype t,
                    const struct vn_shape *s, enum layout order, void *data)
{
    const struct prog_tensor p = { .name = v ? v->name : "",
                                   .node = l->node ? l->node->name : NULL,
                                   .role = role,
                                   .dtype = t,
                                   .layout = order,
                                   .shape = *s,
                                   .place = BIN_CONST,
                                   .data = data };
    return add_tensor(l, &p);
}

int vn_low_const_of(struct lowering *l, const struct value *v, enum vn_dtype t, int64_t n, const void *data)
{
    const struct vn_shape s = { .rank = 1, .d = { n } };
    return vn_low_constant(l, v, VN_ROLE_CONST, t, &s, PLAIN,
                           vn_arena_copy(l->arena, data, (size_t)n * vn_dtype_size(t)));
}

int vn_low_const(struct lowering *l, enum vn_dtype t, int64_t n, const void *data)
{
    return vn_low_const_of(l, NULL, t, n, data);
}

/* ---- instructions ---- */

void *vn_low_emit(struct lowering *l, enum opcode op, int n_in, const int *in, int out)
{
    static const size_t words[OPCODE_COUNT] = {
#define INSTR(name, lo, hi, fields) [OPCODE_##name] = sizeof(struct instr_##name),
#include "format/instr.def"
#undef INSTR
    };
    while (n_in > 0 && in[n_in - 1] < 0)
        n_in--;
    struct prog_instr p = { .op = op,
                            .node = l->node ? l->node->name : NULL,
                            .n_in = n_in,
                            .out = out,
                            .in = vn_arena_copy(l->arena, in, (size_t)n_in * sizeof *in),
                            .params = vn_arena_alloc(l->arena, words[op] ? words[op] : 4) };
    VEC_PUSH(l->arena, &l->prog->instrs, p);
    return p.params;
}
