/* x / sqrt(mean of squares + epsilon) over trailing axes. Scale 1: fold_normal_affine adds what follows. */
#include "passes/match.h"

#define DIVIDED(squares) \
    "(Div x (Sqrt (Add v=(ReduceMean " squares " #a) #e)))", \
        "(Mul x (Reciprocal (Sqrt (Add v=(ReduceMean " squares " #a) #e))))", \
        "(Mul x (Pow (Add v=(ReduceMean " squares " #a) #e) -0.5))", \
        "(Mul x (Div 1 (Sqrt (Add v=(ReduceMean " squares " #a) #e))))"
static const char *const forms[] = { DIVIDED("(Pow x 2)"), DIVIDED("(Mul x x)"), NULL };

static int fuse(struct match *m)
{
    return vn_match_normal(m, &vn_op_rmsnormalization, vn_match_trailing_axes(m, 'x', 'a'));
}

PATTERN_PASS(fuse_rmsnorm, "division by the root mean square becomes RMSNormalization", forms, fuse);
