/* kernels/portable/binary.c - y = f(a, b) with broadcasting.
 * in: a, b of one type. i[0]: enum vn_portable_binary; i[1]: type to whose width integers are cut. */
#include <math.h>

#include "kernels/portable.h"
#include "num/num.h"

/* The last axis: n elements of y; those of an operand are neighbours (step 1), or all one (step 0). */
struct row {
    int64_t *y;
    const int64_t *a, *b;
    int64_t n, step_a, step_b;
};

typedef double real_fn(double, double);
typedef int test_fn(double, double);
typedef void row_fn(const struct row *);

#define ROW_LOOP(expr, step_a, step_b) \
    for (int64_t k = 0; k < r->n; k++) { \
        const int64_t a = r->a[k * (step_a)], b = r->b[k * (step_b)]; \
        r->y[k] = (int64_t)(expr); \
    }
#define ROW(name, expr) \
    static void name(const struct row *r) \
    { \
        if (r->step_a && r->step_b) \
            ROW_LOOP(expr, 1, 1) \
        else if (r->step_a) \
            ROW_LOOP(expr, 1, 0) \
        else \
            ROW_LOOP(expr, 0, r->step_b) \
    }

/* A divisor of 0 gives 0. */
static int64_t quotient(int64_t a, int64_t b)
{
    return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
static int64_t remainder_c(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
static int64_t remainder_floor(int64_t a, int64_t b)
{
    const int64_t r = remainder_c(a, b);
    return r && (r < 0) != (b < 0) ? r + b : r;
}
static uint64_t power_u64(uint64_t x, uint64_t n)
{
    uint64_t y = 1;
    for (; n; n >>= 1, x *= x)
        if (n & 1)
            y *= x;
    return y;
}
static int64_t power(int64_t a, int64_t b)
{
    if (b < 0)
        return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
    return (int64_t)power_u64((uint64_t)a, (uint64_t)b);
}

ROW(row_add, (uint64_t)a + (uint64_t)b)
ROW(row_sub, (uint64_t)a - (uint64_t)b)
ROW(row_mul, (uint64_t)a *(uint64_t)b)
ROW(row_max, a > b ? a : b)
ROW(row_min, a < b ? a : b)
ROW(row_and, a &b)
ROW(row_or, a | b)
ROW(row_xor, a ^ b)
ROW(row_left, (uint64_t)b > 63 ? 0 : (uint64_t)a << b)
ROW(row_right, (uint64_t)b > 63 ? -(a < 0) : a >> b)
ROW(row_div, quotient(a, b))
ROW(row_mod, remainder_floor(a, b))
ROW(row_fmod, remainder_c(a, b))
ROW(row_pow, power(a, b))
ROW(row_right_u64, (uint64_t)b > 63 ? 0 : (uint64_t)a >> b)
ROW(row_div_u64, b ? (uint64_t)a / (uint64_t)b : 0)
ROW(row_mod_u64, b ? (uint64_t)a % (uint64_t)b : 0)
ROW(row_pow_u64, power_u64((uint64_t)a, (uint64_t)b))

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
    ROW(row_##name, a op b)
TESTS(equal, ==)
TESTS(greater, >)
TESTS(greater_equal, >=)
TESTS(less, <)
TESTS(less_equal, <=)

/* A real function or test, or none; loops for integers, and those for uint64 where they differ. */
static const struct {
    real_fn *real;
    test_fn *test;
    row_fn *row, *row_u64;
} ops[VN_CB_COUNT] = {
    [VN_CB_ADD] = { .row = row_add },
    [VN_CB_SUB] = { .row = row_sub },
    [VN_CB_MUL] = { .row = row_mul },
    [VN_CB_DIV] = { .row = row_div, .row_u64 = row_div_u64 },
    [VN_CB_MAX] = { .row = row_max },
    [VN_CB_MIN] = { .row = row_min },
    [VN_CB_POW] = { .real = vn_pow, .row = row_pow, .row_u64 = row_pow_u64 },
    [VN_CB_MOD] = { .real = real_floor_remainder, .row = row_mod, .row_u64 = row_mod_u64 },
    [VN_CB_FMOD] = { .real = real_remainder, .row = row_fmod, .row_u64 = row_mod_u64 },
    [VN_CB_AND] = { .row = row_and },
    [VN_CB_OR] = { .row = row_or },
    [VN_CB_XOR] = { .row = row_xor },
    [VN_CB_LEFT] = { .row = row_left },
    [VN_CB_RIGHT] = { .row = row_right, .row_u64 = row_right_u64 },
    [VN_CB_EQUAL] = { .test = equal, .row = row_equal },
    [VN_CB_GREATER] = { .test = greater, .row = row_greater },
    [VN_CB_GREATER_EQUAL] = { .test = greater_equal, .row = row_greater_equal },
    [VN_CB_LESS] = { .test = less, .row = row_less },
    [VN_CB_LESS_EQUAL] = { .test = less_equal, .row = row_less_equal },
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
    const int known = ops[op].test ? !out : in ? ops[op].real && out : !out;
    return known ? NULL : "binary: wrong types";
}

static void real_row(struct vn_portable_args *a, int64_t at, int64_t n, const int64_t from[2],
                     const int64_t step[2])
{
    const int op = a->i[0];
    for (int64_t k = 0; k < n; k++) {
        const double x = vn_cell(&a->in[0], from[0] + k * step[0]),
                     y = vn_cell(&a->in[1], from[1] + k * step[1]);
        if (ops[op].test)
            vn_cell_set_int(&a->out, at + k, ops[op].test(x, y));
        else
            vn_cell_set(&a->out, at + k, ops[op].real(x, y));
    }
}

static void whole_row(struct vn_portable_args *a, int64_t at, int64_t n, const int64_t from[2],
                      const int64_t step[2])
{
    const int op = a->i[0], wrap = a->i[1];
    int64_t *const y = (int64_t *)a->out.data + at;
    const struct row r = { y,
                           (const int64_t *)a->in[0].data + from[0],
                           (const int64_t *)a->in[1].data + from[1],
                           n,
                           step[0],
                           step[1] };
    (wrap == VN_U64 && ops[op].row_u64 ? ops[op].row_u64 : ops[op].row)(&r);
    for (int64_t k = 0; k < n && wrap != VN_I64 && wrap != VN_U64 && !ops[op].test; k++)
        y[k] = vn_cell_wrap(y[k], wrap);
}

static const char *run(struct vn_portable_args *a)
{
    const int last = a->out.rank - 1;
    int64_t stride[2][VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_cells_broadcast(stride[0], &a->in[0], &a->out);
    vn_cells_broadcast(stride[1], &a->in[1], &a->out);
    const int64_t n = last < 0 ? 1 : a->out.d[last];
    const int64_t step[2] = { last < 0 ? 0 : stride[0][last], last < 0 ? 0 : stride[1][last] };
    struct vn_cells rows = a->out; /* the axes before the last */
    rows.rank = last < 0 ? 0 : last;
    for (int64_t at = 0; at < a->out.count; at += n, vn_cells_next(idx, &rows)) {
        const int64_t from[2] = { vn_cells_at(idx, stride[0], rows.rank),
                                  vn_cells_at(idx, stride[1], rows.rank) };
        (vn_cells_real(&a->in[0]) ? real_row : whole_row)(a, at, n, from, step);
    }
    return NULL;
}

const struct vn_portable vn_portable_binary = { "binary", check, NULL, run };
