/* x * tanh(softplus(x)). */
#include "passes/match.h"

static const char *const forms[] = { "(Mul x (Tanh (Softplus x)))", "(Mul x (Tanh (Log (Add (Exp x) 1))))",
                                     NULL };

static int fuse(struct match *m)
{
    if (!vn_match_keeps_shape(m, 'x'))
        return 0;
    vn_match_replace(m, &vn_op_mish, 1, (struct value *[]){ vn_match_value(m, 'x') });
    return 1;
}

PATTERN_PASS(fuse_mish, "x * Tanh(Softplus(x)) becomes Mish", forms, fuse);
