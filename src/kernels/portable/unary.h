/* kernels/portable/unary.h - what `unary` and `binary` can do. The numbers are in .bin files: new ones go to the end. */
#ifndef VN_PORTABLE_UNARY_H
#define VN_PORTABLE_UNARY_H

#include "kernels/portable.h"

enum vn_portable_unary {
    VN_CU_ABS, VN_CU_NEG, VN_CU_SIGN, VN_CU_NOT, VN_CU_COMPLEMENT, VN_CU_RELU, /* of integers */
    VN_CU_ISNAN, VN_CU_ISINF, VN_CU_ISPLUSINF, VN_CU_ISMINUSINF, VN_CU_NEVER,   /* tests of real numbers */
    VN_CU_SIN, VN_CU_COS, VN_CU_TAN, VN_CU_ASIN, VN_CU_ACOS, VN_CU_ATAN, VN_CU_SINH, VN_CU_COSH, VN_CU_ASINH, VN_CU_ACOSH, VN_CU_ATANH,
    VN_CU_COUNT
};
enum vn_portable_binary {
    VN_CB_ADD, VN_CB_SUB, VN_CB_MUL, VN_CB_DIV, VN_CB_MAX, VN_CB_MIN, VN_CB_POW, /* integers; POW real numbers too */
    VN_CB_MOD, VN_CB_FMOD,                                                       /* with the sign of b, of a */
    VN_CB_AND, VN_CB_OR, VN_CB_XOR, VN_CB_LEFT, VN_CB_RIGHT,
    VN_CB_EQUAL, VN_CB_GREATER, VN_CB_GREATER_EQUAL, VN_CB_LESS, VN_CB_LESS_EQUAL, /* give 0 and 1 */
    VN_CB_COUNT
};

#endif
