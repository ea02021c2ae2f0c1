/* x * sigmoid(x) (SiLU), and x * sigmoid(1.702 x), the quick GELU. */
#include "ops/activations.h"
#include "passes/match.h"

static const char *const forms[] = { "(Mul x (Sigmoid x))", "(Mul x (Sigmoid (Mul x #a)))",
                                     "(Div x (Add (Exp (Neg x)) 1))", NULL };

static int fuse(struct match *m)
{
    double alpha = 1;
    if ((vn_match_value(m, 'a') && !vn_match_number(m, 'a', &alpha)) || !vn_match_keeps_shape(m, 'x'))
        return 0;
    struct swish_attrs *p =
        vn_match_replace(m, &vn_op_swish, 1, (struct value *[]){ vn_match_value(m, 'x') })->attrs;
    p->alpha = (float)alpha;
    return 1;
}

PATTERN_PASS(fuse_swish, "x * Sigmoid(x) becomes Swish", forms, fuse);
