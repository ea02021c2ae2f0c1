/* kernels/portable/binary.c - y = f(a, b) with broadcasting.
 * in: a, b of one type. i[0]: enum vn_portable_binary; i[1]: type to whose width integers are cut. */
#include <math.h>

#include "kernels/portable.h"
#include "num/num.h"

typedef double real_fn(double, double);
typedef int64_t whole_fn(int64_t, int64_t, int);
typedef int test_fn(double, double);
typedef int whole_test_fn(int64_t, int64_t);

#define WHOLE(name, expr) \
    static int64_t name(int64_t a, int64_t b, int dtype) { return (void)dtype, (int64_t)(expr); }
WHOLE(add, (uint64_t)a + (uint64_t)b)
WHOLE(sub, (uint64_t)a - (uint64_t)b)
WHOLE(mul, (uint64_t)a *(uint64_t)b)
WHOLE(larger, a > b ? a : b)
WHOLE(smaller, a < b ? a : b)
WHOLE(and, a &b)
WHOLE(or, a | b)
WHOLE(xor, a ^ b)
WHOLE(left, (uint64_t)b > 63 ? 0 : (uint64_t)a << b)

static int64_t right(int64_t a, int64_t b, int dtype)
{
    if (dtype == VN_U64)
        return (uint64_t)b > 63 ? 0 : (int64_t)((uint64_t)a >> b);
    return (uint64_t)b > 63 ? -(a < 0) : a >> b;
}

/* A divisor of 0 gives 0. */
static int64_t divide(int64_t a, int64_t b, int dtype)
{
    if (dtype == VN_U64)
        return b ? (int64_t)((uint64_t)a / (uint64_t)b) : 0;
    return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
static int64_t remainder_c(int64_t a, int64_t b, int dtype)
{
    if (dtype == VN_U64)
        return b ? (int64_t)((uint64_t)a % (uint64_t)b) : 0;
    return b == 0 || b == -1 ? 0 : a % b;
}
static int64_t remainder_floor(int64_t a, int64_t b, int dtype)
{
    const int64_t r = remainder_c(a, b, dtype);
    return r && (r < 0) != (b < 0) && dtype != VN_U64 ? r + b : r;
}
static int64_t power(int64_t a, int64_t b, int dtype)
{
    uint64_t x = (uint64_t)a, y = 1;
    if (b < 0 && dtype != VN_U64)
        return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
    for (uint64_t k = (uint64_t)b; k; k >>= 1, x *= x)
        if (k & 1)
            y *= x;
    return (int64_t)y;
}

/* a - b * trunc(a / b), exactly, as C's fmod: subtracts b * 2^n from the largest n down. */
static double real_remainder(double a, double b)
{
    const double m = b < 0 ? -b : b;
    double r = a < 0 ? -a : a;
    if (!(m > 0) || r - r != 0)
        return NAN;
    if (m == INFINITY)
        return a;
    while (r >= m) {
        double step = m;
        while (step <= r * 0.5)
            step *= 2;
        r -= step;
    }
    return a < 0 ? -r : r;
}
static double real_floor_remainder(double a, double b)
{
    const double r = real_remainder(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

#define TESTS(name, op) \
    static int name(double a, double b) { return a op b; } \
    static int whole_##name(int64_t a, int64_t b) { return a op b; }
TESTS(equal, ==)
TESTS(greater, >)
TESTS(greater_equal, >=)
TESTS(less, <)
TESTS(less_equal, <=)

static const struct {
    real_fn *real;
    whole_fn *whole;
    test_fn *test;
    whole_test_fn *whole_test;
} ops[VN_CB_COUNT] = {
    [VN_CB_ADD] = { .whole = add },
    [VN_CB_SUB] = { .whole = sub },
    [VN_CB_MUL] = { .whole = mul },
    [VN_CB_DIV] = { .whole = divide },
    [VN_CB_MAX] = { .whole = larger },
    [VN_CB_MIN] = { .whole = smaller },
    [VN_CB_POW] = { vn_pow, power },
    [VN_CB_MOD] = { real_floor_remainder, remainder_floor },
    [VN_CB_FMOD] = { real_remainder, remainder_c },
    [VN_CB_AND] = { .whole = and},
    [VN_CB_OR] = { .whole = or },
    [VN_CB_XOR] = { .whole = xor},
    [VN_CB_LEFT] = { .whole = left },
    [VN_CB_RIGHT] = { .whole = right },
    [VN_CB_EQUAL] = { .test = equal, .whole_test = whole_equal },
    [VN_CB_GREATER] = { .test = greater, .whole_test = whole_greater },
    [VN_CB_GREATER_EQUAL] = { .test = greater_equal, .whole_test = whole_greater_equal },
    [VN_CB_LESS] = { .test = less, .whole_test = whole_less },
    [VN_CB_LESS_EQUAL] = { .test = less_equal, .whole_test = whole_less_equal },
};

static const char *check(const struct vn_portable_args *a)
{
    int64_t stride[VN_MAX_RANK];
    const int op = a->i[0];
    if (a->n_in != 2 || op < 0 || op >= VN_CB_COUNT || a->in[0].dtype != a->in[1].dtype)
        return "binary: wrong operation or types";
    if (vn_cells_broadcast(stride, &a->in[0], &a->out) || vn_cells_broadcast(stride, &a->in[1], &a->out))
        return "binary: shapes do not match";
    const int in = vn_cells_real(&a->in[0]), out = vn_cells_real(&a->out);
    return (ops[op].real && in && out) || (ops[op].whole && !in && !out) || (ops[op].test && !out)
               ? NULL
               : "binary: wrong types";
}

static const char *run(struct vn_portable_args *a)
{
    const int op = a->i[0], real = vn_cells_real(&a->in[0]), wrap = a->i[1];
    int64_t sa[VN_MAX_RANK], sb[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_cells_broadcast(sa, &a->in[0], &a->out);
    vn_cells_broadcast(sb, &a->in[1], &a->out);
    for (int64_t k = 0; k < a->out.count; k++, vn_cells_next(idx, &a->out)) {
        const int64_t p = vn_cells_at(idx, sa, a->out.rank), q = vn_cells_at(idx, sb, a->out.rank);
        if (real && ops[op].real)
            vn_cell_set(&a->out, k, ops[op].real(vn_cell(&a->in[0], p), vn_cell(&a->in[1], q)));
        else if (real)
            vn_cell_set_int(&a->out, k, ops[op].test(vn_cell(&a->in[0], p), vn_cell(&a->in[1], q)));
        else if (ops[op].whole)
            vn_cell_set_int(
                &a->out, k,
                vn_cell_wrap(ops[op].whole(vn_cell_int(&a->in[0], p), vn_cell_int(&a->in[1], q), wrap),
                             wrap));
        else
            vn_cell_set_int(&a->out, k,
                            ops[op].whole_test(vn_cell_int(&a->in[0], p), vn_cell_int(&a->in[1], q)));
    }
    return NULL;
}

const struct vn_portable vn_portable_binary = { "binary", check, NULL, run };
