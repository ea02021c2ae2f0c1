/* kernels/portable/unary.c - y = f(x) of each element.
 * in: x. i[0]: enum vn_portable_unary; i[1]: type to whose width integers are cut. Tests of real numbers
 * give integers 0 and 1. */
#include <math.h>

#include "kernels/portable.h"
#include "num/num.h"

typedef double real_fn(double);
typedef int64_t whole_fn(int64_t);
typedef int test_fn(double);

static int64_t absolute(int64_t x) { return x < 0 ? (int64_t)(0 - (uint64_t)x) : x; }
static int64_t negate(int64_t x) { return (int64_t)(0 - (uint64_t)x); }
static int64_t sign(int64_t x) { return (x > 0) - (x < 0); }
static int64_t not(int64_t x) { return !x; }
static int64_t complement(int64_t x) { return ~x; }
static int64_t relu(int64_t x) { return x > 0 ? x : 0; }
static int is_nan(double x) { return x != x; }
static int is_inf(double x) { return x == INFINITY || x == -INFINITY; }
static int is_plus_inf(double x) { return x == INFINITY; }
static int is_minus_inf(double x) { return x == -INFINITY; }
static int never(double x) { return (void)x, 0; }

static const struct {
    real_fn *real;
    whole_fn *whole;
    test_fn *test;
} ops[VN_CU_COUNT] = {
    [VN_CU_ABS] = { .whole = absolute },
    [VN_CU_NEG] = { .whole = negate },
    [VN_CU_SIGN] = { .whole = sign },
    [VN_CU_NOT] = { .whole = not },
    [VN_CU_COMPLEMENT] = { .whole = complement },
    [VN_CU_RELU] = { .whole = relu },
    [VN_CU_ISNAN] = { .test = is_nan },
    [VN_CU_ISINF] = { .test = is_inf },
    [VN_CU_ISPLUSINF] = { .test = is_plus_inf },
    [VN_CU_ISMINUSINF] = { .test = is_minus_inf },
    [VN_CU_NEVER] = { .test = never },
    [VN_CU_SIN] = { .real = vn_sin },
    [VN_CU_COS] = { .real = vn_cos },
    [VN_CU_TAN] = { .real = vn_tan },
    [VN_CU_ASIN] = { .real = vn_asin },
    [VN_CU_ACOS] = { .real = vn_acos },
    [VN_CU_ATAN] = { .real = vn_atan },
    [VN_CU_SINH] = { .real = vn_sinh },
    [VN_CU_COSH] = { .real = vn_cosh },
    [VN_CU_ASINH] = { .real = vn_asinh },
    [VN_CU_ACOSH] = { .real = vn_acosh },
    [VN_CU_ATANH] = { .real = vn_atanh },
};

static const char *check(const struct vn_portable_args *a)
{
    const int op = a->i[0];
    if (a->n_in != 1 || op < 0 || op >= VN_CU_COUNT || !vn_cells_same(&a->in[0], &a->out))
        return "unary: wrong operation or shapes";
    const int in = vn_cells_real(&a->in[0]), out = vn_cells_real(&a->out);
    return (ops[op].real && in && out) || (ops[op].whole && !in && !out) || (ops[op].test && in && !out)
               ? NULL
               : "unary: wrong types";
}

static const char *run(struct vn_portable_args *a)
{
    const int op = a->i[0];
    for (int64_t k = 0; k < a->out.count; k++)
        if (ops[op].whole)
            vn_cell_set_int(&a->out, k, vn_cell_wrap(ops[op].whole(vn_cell_int(&a->in[0], k)), a->i[1]));
        else if (ops[op].test)
            vn_cell_set_int(&a->out, k, ops[op].test(vn_cell(&a->in[0], k)));
        else
            vn_cell_set(&a->out, k, ops[op].real(vn_cell(&a->in[0], k)));
    return NULL;
}

const struct vn_portable vn_portable_unary = { "unary", check, NULL, run };
