/* ops/mod.c - the remainder of a / b, with broadcasting: with the sign of b, or (fmod) of a. */
#include <math.h>

#include "format/numbers.h"
#include "ops/portable_op.h"

struct attrs {
    int64_t fmod;
};

static const struct attr_spec specs[] = { A_INT(struct attrs, fmod, "fmod", 0, 0, 1), A_END };

/* A divisor of 0 gives 0; one of -1 divides everything. */
static int64_t whole_c(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
static int64_t whole_floor(int64_t a, int64_t b)
{
    const int64_t r = whole_c(a, b);
    return r && (r < 0) != (b < 0) ? r + b : r;
}
static double real_floor(double a, double b)
{
    const double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return ((const struct attrs *)n->attrs)->fmod ? vn_eval_binary(n, ev, fmod, whole_c, e)
                                                  : vn_eval_binary(n, ev, real_floor, whole_floor, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_portable_binary(n, l, ((const struct attrs *)n->attrs)->fmod ? VN_CB_FMOD : VN_CB_MOD, e);
}

const struct op_def vn_op_mod = {
    .name = "mod",
    .onnx = "Mod",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = vn_infer_broadcast,
    .eval = eval,
    .lower = lower,
};
