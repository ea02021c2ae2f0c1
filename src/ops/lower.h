/* ops/lower.h - what an operator's lower() uses to append runtime instructions.
 *
 * A value of the graph becomes one program tensor per memory order in which somebody wants it: plain (axes
 * as in the source model) or channels-last (axis 1 moved to the end; rank >= 3). lower() asks for its
 * inputs in the order that suits it, and says in which order it makes its output. Conversions,
 * dequantization for float nodes, and quantization of a float node's output are inserted by these
 * functions.
 * */
#ifndef VN_LOWER_H
#define VN_LOWER_H

#include "format/bin.h"
#include "ops/op.h"

enum layout { PLAIN = 0, CHANNELS_LAST = 1 };

struct prog_tensor {
    const char *name; /* of the value that it carries or leads to; "": none */
    const char *node; /* that makes it; NULL: an input */
    enum vn_role role;
    enum vn_dtype dtype;
    enum layout layout;
    struct vn_shape shape; /* as the source model has it */
    float scale; /* int8: quantization; 0: none */
    int32_t zero;
    enum bin_place place;
    const void *data; /* BIN_CONST: contents */
    size_t bytes;
};

struct prog_instr {
    enum opcode op;
    const char *node;
    int n_in;
    int *in; /* tensor ids */
    int out;
    void *params; /* struct instr_NAME */
};

struct prog_io {
    int tensor;
    int type; /* enum vn_input_type */
    int channels_last;
};

struct prog {
    struct vn_arena *arena;
    VEC(struct prog_tensor) tensors;
    VEC(struct prog_instr) instrs;
    VEC(struct prog_io) inputs;
    VEC(struct prog_io) outputs;
    VEC(struct meta) meta;
    int batch_last; /* instructions that compute so, as asked for */
};

struct lowering {
    struct prog *prog;
    struct vn_arena *arena;
    struct vn_arena *scratch; /* of the node being lowered; NULL: none is */
    const struct graph *graph;
    const struct node *node; /* being lowered */
    int integer; /* node computes in integers: its quantized inputs and outputs are int8 or int16 tensors */
    int wide; /* vn_node_widens: int8 inputs are given as int16 with zero point 0 */
    int *held[2]; /* value id -> tensor id in PLAIN, CHANNELS_LAST; -1 */
    int *held_f32[2]; /* the same, dequantized */
    int *held_s16[2]; /* of int8 values: as int16 with zero point 0 */
    int batch_last; /* vn_compile has it asked for */
    int raw_out; /* output that vn_lower_node still has to quantize or rescale; -1: none */
    enum layout raw_layout;
};

/* Tensor id of input i in the wanted order. Float nodes get float32, integer nodes the quantized tensor. */
int vn_low_in(struct lowering *l, int i, enum layout want);
/* Any order in which it exists already (channels-last preferred where both do); *got says which. */
int vn_low_in_any(struct lowering *l, int i, enum layout *got);
/* Tensor id for output 0 in the given order: int8 for a quantized output of an integer node, else float32. */
int vn_low_out(struct lowering *l, enum layout order);
/* Output i of a float node with several outputs; call vn_low_finish_at when it has been computed. */
int vn_low_out_at(struct lowering *l, int i, enum layout order);
void vn_low_finish_at(struct lowering *l, int i, int made);
/* A tensor that only the program knows, on the way to output 0 (VN_ROLE_SCRATCH). */
int vn_low_temp(struct lowering *l, enum vn_dtype t, const struct vn_shape *s, enum layout order, float scale,
                int32_t zero);
/* A constant of the program alone, 1-D of n elements (VN_ROLE_CONST). Data is copied. */
int vn_low_const(struct lowering *l, enum vn_dtype t, int64_t n, const void *data);
/* The same, made from the constant `v` of the graph; NULL: from none. */
int vn_low_const_of(struct lowering *l, const struct value *v, enum vn_dtype t, int64_t n, const void *data);
/* A constant's elements in source order, quantized or dequantized to t: int8, int16, int32 or float32.
 * They live while the node is lowered. */
const void *vn_low_elements(struct lowering *l, const struct value *v, enum vn_dtype t);
/* Input i, which tensor x holds, in the parameters of output 0 (VN_ROLE_RESCALED). */
int vn_low_rescaled(struct lowering *l, int i, int x);
/* Append an instruction; returns its zeroed parameters (struct instr_NAME) to fill in. in[] may hold -1 at
 * its end (left out). */
void *vn_low_emit(struct lowering *l, enum opcode op, int n_in, const int *in, int out);
/* A tensor of role `role` that holds a constant: data lives as long as the program; v: the value it is or
 * is made from, or NULL. */
int vn_low_constant(struct lowering *l, const struct value *v, enum vn_role role, enum vn_dtype t,
                    const struct vn_shape *s, enum layout order, void *data);
/* The float32 or int64 cells of a type. */
static inline enum vn_dtype vn_low_cell(enum vn_dtype t) { return vn_dtype_is_float(t) ? VN_F32 : VN_I64; }
static inline struct prog_tensor *vn_low_tensor(struct lowering *l, int id)
{
    return &l->prog->tensors.v[id];
}

/* Is axis 1 moved to the end? */
static inline int vn_low_is_turned(const struct prog_tensor *t)
{
    return t->layout == CHANNELS_LAST && t->shape.rank >= 3;
}
/* Physical dimensions of a tensor in memory order, and the stride in elements of each source axis. */
void vn_low_physical(const struct prog_tensor *t, int64_t *dims);
void vn_low_axis_strides(const struct prog_tensor *t, int64_t *stride);

/* ---- shapes of lowering that several operators share ---- */

/* COPY of dims elements with given source and destination offsets and strides (elements). */
int vn_low_copy(struct lowering *l, int from, int to, int rank, const int64_t *dims, int64_t src,
                const int64_t *src_stride, int64_t dst, const int64_t *dst_stride, struct vn_err *e);
/* The walk that such a copy makes of dims and strides, none of the dims being 0. */
struct joint_walk;
void vn_low_copy_walk(struct joint_walk *w, int rank, const int64_t *dims, const int64_t *src_stride,
                      const int64_t *dst_stride);
void vn_low_fill(struct lowering *l, int to, float value);
/* Same element count, same memory, another shape (Reshape, Flatten, ...): PLAIN in, PLAIN out. */
int vn_low_reshape(const struct node *n, struct lowering *l, struct vn_err *e);
/* Does a node that reads v, as it is or reshaped, compute with channels last? */
int vn_low_is_wanted_last(const struct value *v);
/* Elementwise over two inputs with broadcasting; op is enum vn_binary. */
int vn_low_binary(const struct node *n, struct lowering *l, int op, struct vn_err *e);
/* op over any number of float inputs, left to right. */
int vn_low_fold(const struct node *n, struct lowering *l, int op, struct vn_err *e);
/* The same into tensor y; y < 0: into a new one. Returns the tensor. */
int vn_low_fold_into(const struct node *n, struct lowering *l, int op, int y, struct vn_err *e);
/* Table (integer) or UNARY_F32 (float); op is enum vn_unary, -1: the runtime does not have the function in
 * float32. */
int vn_low_unary(const struct node *n, struct lowering *l, int op, float alpha, float beta, struct vn_err *e);
/* Table (integer) or a function of whole tensors (else): enum vn_portable_unary. */
int vn_low_portable_unary(const struct node *n, struct lowering *l, int op, struct vn_err *e);
/* lower of functions of one value that the runtime has as tables only. */
int vn_low_table(const struct node *n, struct lowering *l, struct vn_err *e);
/* BINARY_F32 of a and b into y; strides per source axis of y's shape, 0 broadcasts. */
void vn_low_binary_f32(struct lowering *l, int op, int a, const int64_t *a_stride, int b,
                       const int64_t *b_stride, int y);
/* x's elements along one source axis picked by index[0..count) into a tensor of the same layout: y, or a
 * new one where y < 0. */
int vn_low_gather(struct lowering *l, int x, int axis, int64_t count, const int64_t *index, int y);
/* y = the quantized tensor x in y's parameters; a copy where they are the same. */
void vn_low_rescale(struct lowering *l, int x, int y, const struct qparam *qx, const struct qparam *qy);
/* The same within the real numbers [lo, hi]. */
void vn_low_rescale_within(struct lowering *l, int x, int y, const struct qparam *qx, const struct qparam *qy,
                           double lo, double hi);
/* TABLE of an integer function for every value of x. */
typedef int32_t vn_table_fn(const void *ctx, int32_t q);
void vn_low_emit_table(struct lowering *l, int x, int y, vn_table_fn *fn, const void *ctx);
/* RESCALE: x in the parameters of tensor y, clamped to [lo, hi]. */
void vn_low_rescale_limits(struct lowering *l, int x, int y, int32_t lo, int32_t hi);
/* lower of operators that constant folding removes: says that this node was not folded. */
int vn_low_none(const struct node *n, struct lowering *l, struct vn_err *e);
/* Clamp to [lo, hi] in real numbers. */
int vn_low_clamp(const struct node *n, struct lowering *l, float lo, float hi, struct vn_err *e);
/* Conv, Gemm, MatMul by a constant: weight OIHW (quantized: int8 with per-output-channel scale), bias or
 * NULL. `x`, `y`: tensor ids; fills in everything else from w. */
struct low_conv {
    int n, h, w, c, oh, ow, k, kh, kw, sh, sw, dh, dw, ph, pw, groups;
    const void *weight; /* k * c/groups * kh * kw of weight_type, OIHW */
    enum vn_dtype weight_type; /* int8, int16 or float32 */
    const float *weight_scale; /* k entries, integer only */
    const void *bias; /* k int32 or float32; NULL: none */
};
/* weight, weight_scale and bias of `c` from the node's constants: input 1, and input `bias` (-1: none), in
 * their own order. */
int vn_low_weights(struct lowering *l, struct low_conv *c, int bias, struct vn_err *e);
int vn_low_conv(struct lowering *l, int x, int y, const struct low_conv *c, struct vn_err *e);

/* ---- for the compiler ---- */

/* Lower one node, with dequantization and quantization around it where it computes in float. Before the
 * first node, held[] and held_f32[] are filled with -1 and the graph's inputs entered in held[]. */
int vn_lower_node(struct lowering *l, const struct node *n, struct vn_err *e);
/* Tensor id of any value in the wanted order, converted from the other one where needed; `f32`:
 * dequantized when it is quantized. -1: nothing has made it. */
int vn_low_value(struct lowering *l, const struct value *v, enum layout want, int f32);
/* A new BIN_ARENA tensor that carries `v`; its scale and zero point are still 0. */
int vn_low_carry(struct lowering *l, const struct value *v, enum vn_role role, enum vn_dtype t,
                 const struct vn_shape *s, enum layout order);
/* A new tensor with all that tensor `id` has, but for role and order. */
int vn_low_like(struct lowering *l, int id, enum vn_role role, enum layout order);
/* The parameters of a tensor: real = (q - zero) * scale. */
void vn_low_quantized(struct lowering *l, int id, float scale, int32_t zero);

#endif
