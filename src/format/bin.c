#include "format/bin.h"

#define I(f) +1
#define F(f) +1
#define A(f, n) +(n)
const struct instr_info bin_instr_info[OPCODE_COUNT] = {
#define INSTR(name, lo, hi, fields) [OPCODE_##name] = { #name, lo, hi, 0 fields },
#include "format/instr.def"
#undef INSTR
};
#undef I
#undef F
#undef A

/* ---- what compile/ and runtime/ rely on: sizes of records, parameters that instructions share ---- */

_Static_assert(sizeof(struct bin_header) == 184 && sizeof(struct bin_tensor) == 72 &&
                   sizeof(struct bin_instr) == 16,
               "record sizes");
_Static_assert(sizeof(struct bin_io) == 8 && sizeof(struct bin_meta) == 8 &&
                   offsetof(struct bin_tensor, role) == 52,
               "record sizes");

_Static_assert(sizeof(struct bin_pack) == 32 && sizeof(struct bin_packed) == 256, "record sizes");

/* Field f lies at the same place in a and b. */
#define AGREE(a, b, f) \
    _Static_assert(offsetof(struct instr_##a, f) == offsetof(struct instr_##b, f), \
                   #a " and " #b " differ in " #f)
/* a and b are the same up to their last field f. */
#define SAME(a, b, f) \
    AGREE(a, b, f); \
    _Static_assert(sizeof(struct instr_##a) == sizeof(struct instr_##b), #a " and " #b " differ in size")

/* The window of a convolution, in front of everything else. */
#define WINDOW(a, b) \
    AGREE(a, b, n); \
    AGREE(a, b, h); \
    AGREE(a, b, w); \
    AGREE(a, b, c); \
    AGREE(a, b, oh); \
    AGREE(a, b, ow); \
    AGREE(a, b, k); \
    AGREE(a, b, kh); \
    AGREE(a, b, kw); \
    AGREE(a, b, sh); \
    AGREE(a, b, sw); \
    AGREE(a, b, dh); \
    AGREE(a, b, dw); \
    AGREE(a, b, ph); \
    AGREE(a, b, pw); \
    AGREE(a, b, groups)
WINDOW(CONV_S8, CONV_F32);
WINDOW(CONV_S8, CONV_S16);
WINDOW(CONV_S8, DWCONV_S8);
WINDOW(CONV_S8, DWCONV_F32);
WINDOW(CONV_S8, DWCONV_S16);
AGREE(CONV_S8, DWCONV_S8, lo);
AGREE(CONV_S8, DWCONV_S8, hi);
AGREE(CONV_S8, DWCONV_S8, wide);
AGREE(CONV_S8, DWCONV_S8, mid_scale);
AGREE(CONV_S8, DWCONV_S8, mid_zero);
AGREE(CONV_S8, DWCONV_S8, residual_first);
AGREE(CONV_S8, DWCONV_S8, hidden_conv);
SAME(CONV_S8, DWCONV_S8, hidden_sum);
AGREE(CONV_F32, DWCONV_F32, lo);
AGREE(CONV_F32, DWCONV_F32, hi);
AGREE(CONV_F32, DWCONV_F32, hidden_conv);
SAME(CONV_F32, DWCONV_F32, hidden_sum);
AGREE(CONV_S16, DWCONV_S16, lo);
AGREE(CONV_S16, DWCONV_S16, hi);
SAME(CONV_S16, DWCONV_S16, hidden_conv);

#define MATMUL(a, b) \
    AGREE(a, b, m); \
    AGREE(a, b, n); \
    AGREE(a, b, k); \
    AGREE(a, b, rank); \
    AGREE(a, b, dims); \
    AGREE(a, b, a_stride); \
    SAME(a, b, b_stride)
MATMUL(MATMUL_S8, MATMUL_F32);
MATMUL(MATMUL_S8, MATMUL_S16);

AGREE(BINARY_S8, BINARY_S16, op);
AGREE(BINARY_S8, BINARY_S16, lo);
AGREE(BINARY_S8, BINARY_S16, hi);
AGREE(BINARY_S8, BINARY_S16, rank);
AGREE(BINARY_S8, BINARY_S16, dims);
AGREE(BINARY_S8, BINARY_S16, a_stride);
SAME(BINARY_S8, BINARY_S16, b_stride);
AGREE(BINARY_S8, BINARY_F32, op);

AGREE(MAXPOOL, AVGPOOL, n);
AGREE(MAXPOOL, AVGPOOL, h);
AGREE(MAXPOOL, AVGPOOL, w);
AGREE(MAXPOOL, AVGPOOL, c);
AGREE(MAXPOOL, AVGPOOL, oh);
AGREE(MAXPOOL, AVGPOOL, ow);
AGREE(MAXPOOL, AVGPOOL, kh);
AGREE(MAXPOOL, AVGPOOL, kw);
AGREE(MAXPOOL, AVGPOOL, sh);
AGREE(MAXPOOL, AVGPOOL, sw);
AGREE(MAXPOOL, AVGPOOL, dh);
AGREE(MAXPOOL, AVGPOOL, dw);
AGREE(MAXPOOL, AVGPOOL, ph);
AGREE(MAXPOOL, AVGPOOL, pw);
AGREE(MAXPOOL, AVGPOOL, ph_end);
AGREE(MAXPOOL, AVGPOOL, pw_end);
SAME(MAXPOOL, AVGPOOL, count_include_pad);

AGREE(RESIZE_NEAREST, RESIZE_LINEAR, n);
AGREE(RESIZE_NEAREST, RESIZE_LINEAR, h);
AGREE(RESIZE_NEAREST, RESIZE_LINEAR, w);
AGREE(RESIZE_NEAREST, RESIZE_LINEAR, c);
AGREE(RESIZE_NEAREST, RESIZE_LINEAR, oh);
SAME(RESIZE_NEAREST, RESIZE_LINEAR, ow);
AGREE(PREPROCESS_S8, PREPROCESS_F32, pixels);
SAME(PREPROCESS_S8, PREPROCESS_F32, c);

#define PORTABLE_BYTES(field) sizeof(((struct instr_PORTABLE *)0)->field)
_Static_assert(PORTABLE_BYTES(i) == 4 * VN_PORTABLE_INTS, "words of a function");
_Static_assert(PORTABLE_BYTES(f0) * VN_PORTABLE_FLOATS ==
                   sizeof(struct instr_PORTABLE) - offsetof(struct instr_PORTABLE, f0),
               "numbers of a function");
