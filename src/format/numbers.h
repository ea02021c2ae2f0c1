/* format/numbers.h - every number that a parameter of an instruction may hold, and the sizes that a
 * program relies on. All of them are in .bin files: new ones go to the end of their list and raise
 * BIN_VERSION; docs/bin-format.md shows them. The codes of instructions are the order of instr.def, those
 * of functions the order of portable.def. */
#ifndef VN_NUMBERS_H
#define VN_NUMBERS_H

/* ---- memory ---- */

#define BIN_ALIGN 64 /* of sections and tensors */
#define BIN_SLACK 64 /* readable bytes behind every tensor; what they hold does not matter */
#define VN_OCB 16 /* output channels in one block of packed weights */
/* 32-bit sums hold this many products of full range (255 * 128) and a bias of at most 30 bits; more
 * requires `wide`. */
#define VN_NARROW_TAPS 32896
#define VN_NARROW_BIAS (1 << 30)

/* Most elements along an axis of a convolution or a pool, or in one reduction; most in a pool's window. */
#define VN_MOST_EXTENT (1 << 24)
#define VN_MOST_WINDOW (1 << 22)

/* ---- op of BINARY_*, UNARY_F32, REDUCE_F32 ---- */

enum vn_binary { VN_BIN_ADD, VN_BIN_SUB, VN_BIN_MUL, VN_BIN_DIV, VN_BIN_MAX, VN_BIN_MIN, VN_BIN_PRELU };

enum vn_unary {
    VN_UN_EXP,
    VN_UN_SIGMOID,
    VN_UN_TANH,
    VN_UN_LEAKYRELU,
    VN_UN_ABS,
    VN_UN_NEG,
    VN_UN_CEIL,
    VN_UN_FLOOR,
    VN_UN_ROUND,
    VN_UN_SIGN,
    VN_UN_SQRT,
    VN_UN_RECIPROCAL,
    VN_UN_ERF,
    VN_UN_LOG,
    VN_UN_HARDSIGMOID,
    VN_UN_HARDSWISH,
    VN_UN_ELU,
    VN_UN_SELU,
    VN_UN_SOFTPLUS,
    VN_UN_SOFTSIGN,
    VN_UN_GELU,
    VN_UN_GELU_TANH,
    VN_UN_MISH,
    VN_UN_SWISH,
    VN_UN_POWER,
    VN_UN_SHRINK,
    VN_UN_THRESHOLD,
    VN_UN_COUNT
};

/* Also i[0] of `reduce_whole`, which has those of integers: not L2 and the logarithms. */
enum vn_reduce {
    VN_RED_SUM,
    VN_RED_MEAN,
    VN_RED_MAX,
    VN_RED_MIN,
    VN_RED_PROD,
    VN_RED_L1,
    VN_RED_L2,
    VN_RED_SUM_SQUARE,
    VN_RED_LOG_SUM,
    VN_RED_LOG_SUM_EXP,
    VN_RED_COUNT
};

/* count_include_pad of AVGPOOL: what the sum of a window is divided by. */
enum vn_pool_divisor {
    VN_POOL_TAPS, /* taps inside the input */
    VN_POOL_PADDED, /* taps inside input and padding */
    VN_POOL_ONE, /* 1: the result is the sum */
    VN_POOL_DIVISORS
};

/* ---- PORTABLE: the functions, and their parameters that choose ---- */

#define VN_PORTABLE_IN 12 /* inputs, scratch memory not counted */
#define VN_PORTABLE_INTS 32
#define VN_PORTABLE_FLOATS 4

enum vn_portable_id {
#define PORTABLE(name) VN_PORTABLE_##name,
#include "format/portable.def"
#undef PORTABLE
    VN_PORTABLE_COUNT
};

enum vn_portable_unary {
    VN_CU_ABS,
    VN_CU_NEG,
    VN_CU_SIGN,
    VN_CU_NOT,
    VN_CU_COMPLEMENT,
    VN_CU_RELU, /* of integers */
    VN_CU_ISNAN,
    VN_CU_ISINF,
    VN_CU_ISPLUSINF,
    VN_CU_ISMINUSINF,
    VN_CU_NEVER, /* tests of real numbers */
    VN_CU_SIN,
    VN_CU_COS,
    VN_CU_TAN,
    VN_CU_ASIN,
    VN_CU_ACOS,
    VN_CU_ATAN,
    VN_CU_SINH,
    VN_CU_COSH,
    VN_CU_ASINH,
    VN_CU_ACOSH,
    VN_CU_ATANH,
    VN_CU_COUNT
};

enum vn_portable_binary {
    VN_CB_ADD,
    VN_CB_SUB,
    VN_CB_MUL,
    VN_CB_DIV,
    VN_CB_MAX,
    VN_CB_MIN,
    VN_CB_POW, /* integers; POW real numbers too */
    VN_CB_MOD,
    VN_CB_FMOD, /* with the sign of b, of a */
    VN_CB_AND,
    VN_CB_OR,
    VN_CB_XOR,
    VN_CB_LEFT,
    VN_CB_RIGHT,
    VN_CB_EQUAL,
    VN_CB_GREATER,
    VN_CB_GREATER_EQUAL,
    VN_CB_LESS,
    VN_CB_LESS_EQUAL, /* give 0 and 1 */
    VN_CB_COUNT
};

/* i[] of conv_nd, conv_transpose_nd and pool_nd: spatial axes, 1 or 3 words each. */
enum vn_window_words {
    VN_CW_RANK = 0,
    VN_CW_GROUPS = 1, /* convolutions */
    VN_CW_FUNCTION = 1, /* pool_nd: enum vn_pool_function */
    VN_CW_STRIDE = 2,
    VN_CW_DILATION = 5,
    VN_CW_PAD = 8, /* in front; may be negative for conv_transpose_nd */
    VN_CW_KERNEL = 11,
    /* pool_nd alone */
    VN_CW_COUNT_INCLUDE_PAD = 14,
    VN_CW_PAD_END = 15,
    VN_CW_POWER = 18,
    VN_CW_TYPE = 19, /* whose smallest number stands for nothing */
};
/* PLACE: of the largest in x, row by row; the other column by column. */
enum vn_pool_function {
    VN_POOL_LARGEST,
    VN_POOL_MEAN,
    VN_POOL_NORM,
    VN_POOL_PLACE,
    VN_POOL_PLACE_BY_COLUMNS,
    VN_POOL_COUNT
};

/* scatter_elements, scatter_nd */
enum vn_scatter {
    VN_SCATTER_NONE,
    VN_SCATTER_ADD,
    VN_SCATTER_MUL,
    VN_SCATTER_MAX,
    VN_SCATTER_MIN,
    VN_SCATTER_COUNT
};

/* recurrent: i[0], the activations from i[6] on with their alpha and beta from i[12] on, and the memory
 * order of the weights */
enum vn_recurrent { VN_RECURRENT_RNN, VN_RECURRENT_GRU, VN_RECURRENT_LSTM, VN_RECURRENT_COUNT };
enum vn_activation {
    VN_ACT_RELU,
    VN_ACT_TANH,
    VN_ACT_SIGMOID,
    VN_ACT_AFFINE,
    VN_ACT_LEAKYRELU,
    VN_ACT_THRESHOLDEDRELU,
    VN_ACT_SCALEDTANH,
    VN_ACT_HARDSIGMOID,
    VN_ACT_ELU,
    VN_ACT_SOFTSIGN,
    VN_ACT_SOFTPLUS,
    VN_ACT_COUNT
};
/* EVERYTHING: the three, or two, one after the other */
enum vn_recurrent_result { VN_RR_STATES, VN_RR_LAST, VN_RR_CELL, VN_RR_EVERYTHING };
enum vn_recurrent_words { VN_RW_ACTIVATION = 6, VN_RW_ALPHA = 12, VN_RW_TURNED = 24, VN_RW_TOGETHER };

/* grid_sample: i[0], i[1] */
enum vn_grid_mode { VN_GRID_NEAREST, VN_GRID_LINEAR, VN_GRID_CUBIC, VN_GRID_MODE_COUNT };
enum vn_grid_outside { VN_GRID_ZEROS, VN_GRID_BORDER, VN_GRID_REFLECTION, VN_GRID_OUTSIDE_COUNT };

/* detection_output: i[2]; CORNER_SIZE: in sizes of the default box */
enum vn_box_code { VN_BOX_CORNER, VN_BOX_CENTER_SIZE, VN_BOX_CORNER_SIZE, VN_BOX_CODE_COUNT };

#endif
