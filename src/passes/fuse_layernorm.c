/* (x - mean) / sqrt(variance + epsilon) over trailing axes. Scale 1, no bias: fold_normal_affine adds what
 * follows. */
#include "passes/match.h"

#define CENTRED "d=(Sub x m=(ReduceMean x #a))"
#define DIVIDED(squares) \
    "(Div " CENTRED " (Sqrt (Add v=(ReduceMean " squares " #b) #e)))", \
        "(Div " CENTRED " (Pow (Add v=(ReduceMean " squares " #b) #e) 0.5))", \
        "(Mul " CENTRED " (Reciprocal (Sqrt (Add v=(ReduceMean " squares " #b) #e))))", \
        "(Mul " CENTRED " (Pow (Add v=(ReduceMean " squares " #b) #e) -0.5))", \
        "(Mul " CENTRED " (Div 1 (Sqrt (Add v=(ReduceMean " squares " #b) #e))))"
static const char *const forms[] = { DIVIDED("(Pow d 2)"), DIVIDED("(Mul d d)"), NULL };

static int fuse(struct match *m)
{
    return vn_match_normal(m, &vn_op_layernormalization, vn_match_trailing_axes(m, 'x', 'b'));
}

PATTERN_PASS(fuse_layernorm,
             "subtraction of the mean and division by the deviation become LayerNormalization", forms, fuse);
