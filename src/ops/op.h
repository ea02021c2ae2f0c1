/* ops/op.h - what an operator is: one file, one descriptor, one line in ops.def.
 *
 * The graph holds the newest ONNX form of each operator; front/onnx upgrades older ones and writes
 * operator set 20 or 21, or the first that has all of the graph's operators.
 */
#ifndef VN_OP_H
#define VN_OP_H

#include "base/arena.h"
#include "base/err.h"
#include "graph/graph.h"
#include "graph/reason.h"
#include "tensor/tensor.h"

struct lowering; /* ops/lower.h */
struct portable_params; /* ops/portable_op.h */

/* ---- attributes: parsing, defaults, bounds, dumps, writing and docs come from the table ---- */

struct ints {
    int n;
    const int64_t *v;
};
struct floats {
    int n;
    const float *v;
};

struct texts {
    int n;
    const char *const *v;
};

enum attr_kind {
    ATTR_END = 0,
    ATTR_INT, /* int64_t, within [min, max] */
    ATTR_INTS, /* struct ints, each within [min, max] */
    ATTR_FLOAT, /* float */
    ATTR_FLOATS, /* struct floats */
    ATTR_ENUM, /* int: index into choices; a string in files */
    ATTR_STRING, /* const char * */
    ATTR_TENSOR, /* const struct vn_tensor * */
    ATTR_STRINGS, /* struct texts */
    ATTR_BRANCH, /* const struct branch * */
};

struct attr_spec {
    const char *onnx; /* name in ONNX */
    enum attr_kind kind;
    size_t offset; /* of the field in the operator's struct */
    double def; /* default of INT, FLOAT and ENUM (index); lists, strings and tensors start empty */
    int64_t min, max;
    const char *const *choices; /* ATTR_ENUM: NULL-terminated */
    int required;
};
#define A_INT(type, field, onnx_name, dflt, lo, hi) \
    { \
        .onnx = onnx_name, .kind = ATTR_INT, .offset = offsetof(type, field), .def = dflt, .min = lo, \
        .max = hi \
    }
#define A_INTS(type, field, onnx_name, lo, hi) \
    { \
        .onnx = onnx_name, .kind = ATTR_INTS, .offset = offsetof(type, field), .min = lo, .max = hi \
    }
#define A_FLOAT(type, field, onnx_name, dflt) \
    { \
        .onnx = onnx_name, .kind = ATTR_FLOAT, .offset = offsetof(type, field), .def = dflt \
    }
#define A_FLOATS(type, field, onnx_name) \
    { \
        .onnx = onnx_name, .kind = ATTR_FLOATS, .offset = offsetof(type, field) \
    }
#define A_ENUM(type, field, onnx_name, dflt, list) \
    { \
        .onnx = onnx_name, .kind = ATTR_ENUM, .offset = offsetof(type, field), .def = dflt, .choices = list \
    }
#define A_STRINGS(type, field, onnx_name) \
    { \
        .onnx = onnx_name, .kind = ATTR_STRINGS, .offset = offsetof(type, field) \
    }
#define A_TENSOR(type, field, onnx_name) \
    { \
        .onnx = onnx_name, .kind = ATTR_TENSOR, .offset = offsetof(type, field) \
    }
#define A_END \
    { \
        .kind = ATTR_END \
    }

/* ---- reference evaluation ---- */

/* Tensors of the reference executor hold VN_F64 for every float type and VN_I64 for every integer type and
 * bool, so an operator that only moves elements moves 8-byte cells. Integer meaning (qeval): quantized
 * tensors arrive as VN_I64 holding q itself, with the parameters in node->in[i]->q. */
struct eval {
    struct vn_arena *arena;
    const struct vn_tensor *const *in; /* NULL where the node's input is left out */
    struct vn_tensor **out; /* allocated from the inferred shapes; NULL where the output is left out */
};

/* ---- quantization rule ---- */

enum q_kind {
    Q_FLOAT = 0, /* stays float */
    Q_LINEAR, /* linear in each data input: eval on exact integers, then requantize (num/) */
    Q_MOVE, /* moves or selects elements: eval on the integers themselves; one set of parameters for inputs
               and output */
    Q_TABLE, /* function of one value: a table */
    Q_OWN, /* its own qeval */
};
enum q_out {
    Q_OUT_OWN = 0, /* range from calibration */
    Q_OUT_SAME, /* parameters of input 0 */
    Q_OUT_FIXED, /* range [lo, hi] known beforehand */
};
struct quant_rule {
    enum q_kind kind;
    enum q_out out;
    double lo, hi; /* Q_OUT_FIXED */
    /* How many leading inputs are activations (or weights); the rest are shapes and indices. 0: all; -1:
     * none. */
    int data_inputs;
    int whole_out; /* bit i: output i is an index or a boolean, which is not quantized */
    int weight; /* input index of the weight, 0: none */
    int weight_axis; /* output-channel axis of the weight: 0 or 1; the other one holds the input channels */
    int weight_computed; /* the weight may also be computed: it is another activation then */
    int channel_axis; /* with a weight: axis of the channels in input 0 and the output; -1: the last */
    int bias; /* input index of the bias, 0: none */
    int constant_as_other; /* of two operands: a constant takes the other's parameters where they reach it */
    int inputs_as_out; /* inputs without other readers take the output's parameters: one rounding */
    int float_out_ok; /* the runtime can give its result in float32 without quantizing it (last layers) */
};

/* A bias, as an integer: 30 bits with the sign; what bias correction adds later fits the 31st. Weights of a
 * channel whose bias would exceed it take a larger scale. */
#define VN_BIAS_LIMIT 536870911.0
/* The same beside int16 weights, whose sums have 64 bits. */
#define VN_WIDE_BIAS_LIMIT 2147480000.0

/* ---- what rewrites must know ---- */

/* What output 0 is made of. */
enum elements {
    ELEMENTS_OTHER = 0,
    ELEMENTS_KEPT, /* the elements of input 0 in the same order; the shape may be another one */
    ELEMENTS_PERMUTED, /* the elements of input 0 in an order that keeps_order knows */
    ELEMENTS_CONVERTED, /* the elements of input 0 in the same order and shape, as another type */
};
/* Operators of two values under broadcasting. */
enum pairing {
    PAIR_OTHER = 0,
    PAIR_SUM, /* a + b; inverse: a - b */
    PAIR_PRODUCT, /* a * b; inverse: a / b */
};

/* ---- the descriptor ---- */

struct window;
struct op_def {
    const char *name; /* of the file: "conv" */
    const char *onnx; /* "Conv" */
    const char *domain; /* NULL: the default ONNX domain */
    int min_in, max_in; /* max_in -1: any number */
    int min_out, max_out; /* 0 min_out means 1 */
    const struct attr_spec *attrs;
    size_t attrs_size;
    /* Output types and shapes from inputs (whose shapes are static) and constant inputs' data. Errors name
     * the node. */
    int (*infer)(struct node *n, struct vn_err *e);
    /* Float64 reference: obvious, not fast. */
    int (*eval)(const struct node *n, const struct eval *ev, struct vn_err *e);
    /* Integer reference for Q_OWN; the other kinds are derived from eval. */
    int (*qeval)(const struct node *n, const struct eval *ev, struct vn_err *e);
    /* Append runtime instructions. */
    int (*lower)(const struct node *n, struct lowering *l, struct vn_err *e);
    /* Operators that are a function of kernels/portable.h: eval and lower are vn_eval_portable and
     * vn_low_portable (ops/portable_op.h), and this gives the function and its parameters. */
    void (*portable)(const struct node *n, struct portable_params *p);
    /* Composite operators: append the simpler nodes that compute the same (ops/compose.h); the last of
     * them make n's outputs. Called once the shapes of n are inferred; there is no eval and no lower. */
    int (*expand)(struct graph *g, const struct node *n, struct vn_err *e);
    /* For Q_TABLE: the function itself. */
    double (*f)(const struct node *n, double x);
    struct quant_rule quant;
    /* Where the kind depends on attributes or inputs (Resize, Gemm, Clip): the kind for this node. NULL:
     * quant.kind. Ask vn_node_kind. */
    enum q_kind (*quant_kind)(const struct node *n);
    /* Where the weight's output-channel axis depends on attributes: -1 when scales must be per tensor. NULL:
     * quant.weight_axis. Ask vn_node_weight_axis. */
    int (*weight_axis)(const struct node *n);
    int reads_shape; /* of its input, and no element: always constant */
    int lowers_all; /* lower makes every output, not the first only */
    int reads_bounded; /* lower takes an input whose size depends on the data */
    int any_width; /* takes int8 and int16 side by side itself; others compute in int16 where one of them is
                      (vn_node_is_wide) */
    int since; /* operator set in which ONNX got it in this form, where that is above 20 */
    int running_variance; /* the input that holds the variance per channel that training saw; 0: none */
    int scales_through; /* f(k x) = k f(x) for k > 0, also where each channel has its own k */
    int is_clamp; /* Relu, Clip: monotone, so the tensor in front may share its parameters */
    double (*most)(const struct node *n); /* no element has a larger magnitude; NULL: no such bound */
    int is_mean; /* of elements of input 0 */
    /* Why a node whose types fit has no integer form with its attributes and operands; 0: it has one. The
     * reason takes no arguments. */
    enum reason_id (*unfit)(const struct node *n);

    /* How far the runtime's float32 result may lie from eval's on the same inputs (inspect/rounding.h): the
     * first of these that is there; none: it is eval's, rounded once. */
    int64_t (*terms)(
        const struct node *n); /* linear operators: rounded operations that an output depends on */
    int relative; /* y = f(x): in units of 2^-24 of |y| */
    double (*rounding)(const struct node *n, double x, double y); /* y = f(x): in units of 2^-24 */
    /* Others: an absolute bound for each element of output `port`, from the inputs as real numbers and the
     * exact result; zeroed before. */
    int (*slack)(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a);

    enum elements elements;
    int (*keeps_order)(const struct node *n); /* ELEMENTS_PERMUTED: is the order nevertheless the same? */
    /* The output has input 0's type and shape: is it equal? ELEMENTS_KEPT and _CONVERTED need none. */
    int (*is_identity)(const struct node *n);
    /* Along an axis, y[i] = x[start + i * step]. 0: not known. */
    int (*picks)(const struct node *n, int axis, int64_t *start, int64_t *step);
    enum pairing pair;
    int inverse;
    int commutative; /* its two inputs may be swapped */
    int chooses; /* 1 + i: every element of the result is one of inputs i and on, as it is */
    int drops_low; /* elements far below the largest of their line give 0, and change no other result */
    int over_classes; /* its axis attribute says along which axis classes lie */
    int associative; /* of many inputs: equals pairs from the left */

    /* Operators with a weight (quant.weight). */
    /* Groups of channels; NULL: 1. Ask vn_node_groups. */
    int64_t (*groups)(const struct node *n);
    /* Can a factor and a summand per output channel be folded into weight and bias? NULL: yes. */
    int (*foldable)(const struct node *n);
    /* For operators without a bias: the one that, by its defaults, adds a bias to the same matrix product. */
    const struct op_def *with_bias;
    /* The attribute that zeros around input 0 can be added to; returns NULL where they cannot. */
    struct ints *(*padding)(struct node *n);

    /* The window that slides over the spatial axes (2 and up) of input 0. */
    int (*window)(struct window *w, const struct node *n, struct vn_err *e);
    /* lower() asks for input 0 with channels last, or follows it and is read so, where there are pixels
     * (rank 4). Operators with a window do, too. */
    int wants_channels_last;
    /* For operators that read the pixels of an image input (int8, scale 1): their channel axis. */
    int (*pixel_axis)(const struct node *n);
};

/* The list, from ops.def. */
extern const struct op_def *const vn_ops[];
extern const int vn_ops_count;
#define OP(name) extern const struct op_def vn_op_##name;
#include "ops/ops.def"
#undef OP

const struct op_def *vn_op_find(
    const char *onnx, const char *domain); /* NULL: unknown. "" and "ai.onnx" are the default domain */
void vn_op_defaults(const struct op_def *op, void *attrs);
/* Axis of a tensor whose largest element is a decision (ops/classes.c); as vn_session_class_axis. */
int vn_value_class_axis(const struct value *v);
/* By value id, 1: on the way from an output to what it is judged by (ops/judges.c), a float value. */
const unsigned char *vn_graph_judges(struct vn_arena *a, const struct graph *g);
/* Float values that integer outputs are judged by become outputs, behind those that are there. Their order is
 * the same in all graphs of a network. */
void vn_graph_add_judges(struct graph *g);
/* The integer attribute of that ONNX name; 0: the operator has none. */
int vn_node_attr_int(const struct node *n, const char *onnx, int64_t *x);

/* Has output i of integer nodes no parameters, being an index or a boolean? */
static inline int vn_op_has_whole_out(const struct op_def *op, int i) { return op->quant.whole_out >> i & 1; }

/* A node of a type that a library of the user defines. */
struct custom_attrs {
    const char *domain, *type; /* as the file has them */
    const char *attributes; /* as vn_custom_attribute reads them */
    const void *source; /* of front/onnx: the same, to write them again */
};
#define CUSTOM_TYPE "custom" /* the operator of all of them */
#define CUSTOM_DOMAIN "user"
/* NULL: the node is of a type of ours. */
static inline struct custom_attrs *vn_node_custom(const struct node *n)
{
    return n->op == &vn_op_custom ? n->attrs : NULL;
}
/* Its type as users know it. */
static inline const char *vn_node_type(const struct node *n)
{
    return vn_node_custom(n) ? vn_node_custom(n)->type : n->op->onnx;
}

/* The quantization rule of a node, with what its attributes change. */
static inline enum q_kind vn_node_kind(const struct node *n)
{
    return n->op->quant_kind ? n->op->quant_kind(n) : n->op->quant.kind;
}
static inline int vn_node_weight_axis(const struct node *n)
{
    return n->op->weight_axis ? n->op->weight_axis(n) : n->op->quant.weight_axis;
}

/* ---- nodes with weights (weight_layout.c) ---- */

struct weight_place {
    int64_t out, in; /* channels */
};
int64_t vn_node_groups(const struct node *n);
/* Output-channel axis of the weight, also where scales are per tensor. */
int vn_weight_out_axis(const struct node *n);
/* Which channels element i of the weight (2 axes or more) connects. */
struct weight_place vn_weight_place(const struct node *n, int64_t i);
/* The same for all elements in turn: `taps` neighbours connect the same channels. */
struct weight_layout {
    int64_t first, second, taps; /* lengths of axis 0, axis 1, all others */
    int64_t per_group; /* of axis 0 */
    int out_axis;
};
struct weight_layout vn_weight_layout(const struct node *n);
static inline struct weight_place vn_weight_at(const struct weight_layout *l, int64_t first, int64_t second)
{
    const int64_t other = first / l->per_group * l->second + second;
    return l->out_axis == 0 ? (struct weight_place){ first, other } : (struct weight_place){ other, first };
}
/* Output channels that the weight makes. */
static inline int64_t vn_weight_outputs(const struct weight_layout *l)
{
    return l->first && l->second ? vn_weight_at(l, l->first - 1, l->second - 1).out + 1 : 0;
}
/* quant.channel_axis of a tensor of that rank. */
int vn_channel_axis(const struct node *n, int rank);
/* Weights slide over pixels, channels on axis 1 (Conv, ConvTranspose)? Or multiply rows (Gemm, MatMul)? */
static inline int vn_node_is_convolution(const struct node *n)
{
    return n->op->quant.weight && n->op->quant.channel_axis > 0;
}
static inline int vn_node_is_product(const struct node *n)
{
    return n->op->quant.weight && n->op->quant.channel_axis < 0;
}

/* ---- nodes of a graph (node.c) ---- */

/* Append a node (attrs zeroed to the operator's defaults); output values get it as producer. */
struct node *vn_graph_node(struct graph *g, const struct op_def *op, const char *name, int n_in,
                           struct value *const *in, int n_out, struct value *const *out);
/* The same, but placed before node `at` in running order (NULL: at the end). */
struct node *vn_graph_node_before(struct graph *g, struct node *at, const struct op_def *op, const char *name,
                                  int n_in, struct value *const *in, int n_out, struct value *const *out);
/* Deep copy into another arena (constant data is shared). */
struct graph *vn_graph_clone(struct vn_arena *a, const struct graph *g);

/* Does the node compute in integers: every data input and every output quantized, the operator has a rule,
 * and nothing was found against it (why_float)? */
int vn_node_is_integer(const struct node *n);
/* Does an integer node compute with 16 bits: is an operand or the result int16? int8 operands are then
 * taken without their zero points, as int16 with zero point 0. Moves, tables and what says any_width deal
 * with each type as it is. */
int vn_node_is_wide(const struct node *n);
/* Does its program take int8 operands as int16? Not a linear node of int8 operands alone: its exact sum does
 * not depend on the result's type. */
int vn_node_widens(const struct node *n);
/* Give the unquantized input of a clamp (Relu, Clip) with quantized output the same parameters, flagged
 * implied, where its producer computes in integers and nobody else reads it. */
void vn_graph_imply(struct graph *g);

/* ---- helpers that infer functions share ---- */

/* Message with the node's name in front; returns code. */
int vn_node_fail(const struct node *n, struct vn_err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Shapes that do not fit together; a tensor that must be a constant. */
#define NODE_MISFIT(n, e, ...) vn_because(e, REASON_misfit, vn_node_fail(n, e, VN_E_INPUT, __VA_ARGS__))
#define NODE_COMPUTED(n, e, ...) \
    vn_because(e, REASON_computed, vn_node_fail(n, e, VN_E_UNSUPPORTED, __VA_ARGS__))
/* Set type and shape of output i (an absent output is fine). */
void vn_node_out(struct node *n, int i, enum vn_dtype t, const struct vn_shape *s);
/* The same for shapes that were computed: fails where a tensor would have more than 2^31 - 1 elements. */
int vn_infer_out(struct node *n, int i, enum vn_dtype t, const struct vn_shape *s, struct vn_err *e);
/* Checks that required inputs are present and data inputs have known shapes. Every infer starts with it. */
int vn_infer_begin(const struct node *n, struct vn_err *e);
/* Input i has a float type? */
int vn_infer_float(const struct node *n, int i, struct vn_err *e);
/* Constant contents of input i, at most `max` integers, into v[]; returns how many, or an error. */
int vn_node_list(const struct node *n, int i, const char *what, int64_t *v, int max, struct vn_err *e);
/* The axes named by an optional constant input: `mask` bit per axis. Refuses duplicates and axes outside
 * [-rank, rank-1]. */
int vn_node_axes(const struct node *n, int i, int rank, uint32_t *mask, struct vn_err *e);
/* Constant contents of input i as integers (1-D or scalar). Fails with "is computed at run time" if it
 * is not constant. */
int vn_node_ints(const struct node *n, int i, const char *what, struct ints *out, struct vn_arena *a,
                 struct vn_err *e);
static inline int vn_node_has(const struct node *n, int i) { return i < n->n_in && n->in[i]; }
/* Output type and shape of input 0. */
int vn_infer_same(struct node *n, struct vn_err *e);
/* What one result is made of: VN_E_UNSUPPORTED above `most` elements, so that no program is made that does
 * not load. */
int vn_infer_most(const struct node *n, int64_t elements, int64_t most, struct vn_err *e);
/* The same, of a float type. */
int vn_infer_same_float(struct node *n, struct vn_err *e);
/* NumPy broadcast of all inputs, type of input 0. */
int vn_infer_broadcast(struct node *n, struct vn_err *e);

/* ---- helpers that eval functions share ---- */

static inline double *vn_f64(const struct vn_tensor *t) { return (double *)t->data; }
static inline int64_t *vn_i64(const struct vn_tensor *t) { return (int64_t *)t->data; }
/* y[i] = f(n, x[i]) with n->op->f. */
int vn_eval_unary(const struct node *n, const struct eval *ev, struct vn_err *e);
/* The same for tensors of integers too, by fi (NULL: refuse). */
int vn_eval_number(const struct node *n, const struct eval *ev, int64_t (*fi)(int64_t), struct vn_err *e);
/* Cells of output 0 cut to the width of its integer type, as C's conversions do. */
void vn_eval_wrap(const struct node *n, const struct eval *ev);
/* y = f(f(in0, in1), in2)... over any number of inputs under broadcasting. */
int vn_eval_fold(const struct node *n, const struct eval *ev, double (*ff)(double, double),
                 int64_t (*fi)(int64_t, int64_t), struct vn_err *e);
/* Truth values of a comparison under broadcasting, and its output type. */
int vn_eval_compare(const struct node *n, const struct eval *ev, int (*ff)(double, double),
                    int (*fi)(int64_t, int64_t), struct vn_err *e);
/* qeval of comparisons: of the real numbers behind the integers, in float32. */
int vn_qeval_compare(const struct node *n, const struct eval *ev, int (*ff)(double, double),
                     struct vn_err *e);
int vn_infer_compare(struct node *n, struct vn_err *e);
/* NumPy broadcast of integers or booleans. */
int vn_infer_whole(struct node *n, struct vn_err *e);
/* Strides of x seen in the larger shape s; 0 along axes that broadcast. */
void vn_broadcast_strides(int64_t *stride, const struct vn_shape *x, const struct vn_shape *s);
/* y = f(a, b) under broadcasting; fi for integer tensors (NULL: refuse). */
int vn_eval_binary(const struct node *n, const struct eval *ev, double (*ff)(double, double),
                   int64_t (*fi)(int64_t, int64_t), struct vn_err *e);
/* Walks indices of an n-d shape: idx starts at zeros; returns 0 after the last. A shape with a zero
 * dimension has no index at all: ask vn_shape_count first. */
int vn_index_next(int64_t *idx, const struct vn_shape *s);
/* y[index] = x[from + sum index*stride] over y's shape: how Slice, Transpose, Concat and others move
 * 8-byte cells. */
void vn_eval_gather(struct vn_tensor *y, const struct vn_tensor *x, int64_t from, const int64_t *stride);
/* Cells of x to y unchanged. */
int vn_eval_copy(const struct node *n, const struct eval *ev, struct vn_err *e);
/* What a float type and an integer type become in the reference executor. */
static inline enum vn_dtype vn_cell_type(enum vn_dtype t) { return vn_dtype_is_float(t) ? VN_F64 : VN_I64; }

/* ---- quantized cells ---- */

/* Smallest and largest integer of a quantized type. */
int32_t vn_q_min(const struct qparam *q);
int32_t vn_q_max(const struct qparam *q);
/* Entry of scale[] and zero[] for element i of a tensor. */
int vn_q_entry(const struct qparam *q, const struct vn_shape *s, int64_t i);
int32_t vn_q_one(const struct qparam *q, int entry,
                 double x); /* quantize one number (as float32; biases in float64) */
double vn_dq_one(const struct qparam *q, int entry, int64_t v);
/* VN_F64 cells to VN_I64 cells of q, and back. */
struct vn_tensor *vn_q_cells(struct vn_arena *a, const struct vn_tensor *x, const struct qparam *q);
struct vn_tensor *vn_dq_cells(struct vn_arena *a, const struct vn_tensor *x, const struct qparam *q);
/* The integer meaning of Q_TABLE operators: dequantize to float32, f in float64, quantize as float32. */
int32_t vn_table_entry(const struct node *n, int64_t q);
/* q of x's parameters in y's: vn_rescale; the integer meaning of moves whose parameters differ. */
int32_t vn_q_rescale(int64_t q, const struct qparam *x, const struct qparam *y);
/* The clamp's meaning in integers: rescale to y's parameters, then clamp at the quantized bounds. */
int32_t vn_q_clamp(int64_t q, const struct qparam *x, const struct qparam *y, double lo, double hi);
/* qeval of Relu and Clip. */
int vn_qeval_clamp(const struct node *n, const struct eval *ev, double lo, double hi);
/* qeval of Add, Sub, Mul, Div, Max, Min, PRelu; op is enum vn_binary. */
int vn_qeval_binary(const struct node *n, const struct eval *ev, int op, struct vn_err *e);

/* ---- sliding windows: Conv, ConvTranspose, pools ---- */

struct window {
    int rank; /* spatial dimensions, 1..3 */
    int64_t kernel[3], stride[3], dilation[3], pad_begin[3], pad_end[3];
    struct ints output_padding; /* ConvTranspose */
};
enum auto_pad { AUTO_PAD_NOTSET, AUTO_PAD_SAME_UPPER, AUTO_PAD_SAME_LOWER, AUTO_PAD_VALID };
extern const char *const vn_auto_pad_names[];
/* Resolve kernel_shape/strides/pads/dilations/auto_pad against the input's shape (spatial dims from axis
 * 2). `kernel` may be empty when `weight` (its dims from 2) is given. */
int vn_window(struct window *w, const struct node *n, const struct vn_shape *x, const struct vn_shape *weight,
              struct ints kernel, struct ints strides, struct ints pads, struct ints dilations, int auto_pad,
              struct vn_err *e);
/* Output extent along spatial dimension i; below 1: the window does not fit. */
int64_t vn_window_out(const struct window *w, int i, int64_t in, int ceil_mode);

/* ---- attributes that other stages need to read or change ---- */

struct conv_attrs {
    struct ints kernel, strides, pads, dilations;
    int64_t group;
    int auto_pad;
};
struct convt_attrs {
    struct ints kernel, strides, pads, dilations, output_padding, output_shape;
    int64_t group;
    int auto_pad;
};
struct gemm_attrs {
    float alpha, beta;
    int64_t trans_a, trans_b;
};
struct bn_attrs {
    float epsilon, momentum;
    int64_t training_mode;
};
struct axis_attrs { /* Softmax, Concat, Gather, Flatten, ... */
    int64_t axis;
};
struct perm_attrs {
    struct ints perm;
};
struct pad_attrs {
    int mode; /* 0 constant, 1 reflect, 2 edge, 3 wrap */
};
struct cast_attrs {
    int64_t to, saturate;
};
/* A subgraph of If, still in its file's form: known and imported once the condition is. Inputs 1 and on of
 * the node are the values that either branch reads from outside. */
struct branch {
    /* Append the branch's nodes to g; they read n's inputs and make n's outputs. */
    int (*import)(struct graph *g, const struct node *n, const struct branch *b, struct vn_err *e);
};
/* The model-local function that turns a runtime image into the network's input: y = ((matrix (x + offset))
 * - mean) * scale, per channel; x is "pixel - 128". Kept as attributes so that they can be read in Netron. */
struct preprocess_attrs {
    struct floats offset; /* C: added first; brings "pixel - 128" back */
    struct floats matrix; /* C*C row-major colour matrix, or empty: identity */
    struct floats mean; /* C */
    struct floats scale; /* C: multiplies */
    int64_t channels_last; /* channel axis: 0 = axis 1, 1 = last axis */
    const char *input_type, *train_type, *data_format; /* for readers: "YUV444_128", "rgb", "NCHW" */
};
/* What an SSD detector has found: see kernels/portable/detection_output.c. */
struct detection_attrs {
    int64_t classes, background; /* background -1: none */
    int code; /* 0 corner, 1 center_size, 2 corner_size */
    int64_t encoded, candidates, rows;
    float overlap, score;
};
/* Classes without the background. */
static inline int64_t vn_detection_classes(const struct detection_attrs *p)
{
    return p->classes - (p->background >= 0 && p->background < p->classes);
}
/* y[c] = sum_k a[c*C+k] * x[k] + b[c], in float64, from the attributes. a: C*C, b: C. */
void vn_preprocess_affine(const struct preprocess_attrs *p, int channels, double *a, double *b);
/* Its integer form for an input of scale sx and an output of scale sy: acc[c] = sum_k w[c*C+k] * (x[k] -
 * zx) + bias[c], then vn_requantize(acc[c], mult[c]). A row's weights share one scale, their largest is
 * 32767; |bias| <= 2^30, so that acc fits int32. */
void vn_preprocess_quantize(const struct preprocess_attrs *p, int channels, float sx, float sy, int16_t *w,
                            int32_t *bias, float *mult);

#endif
