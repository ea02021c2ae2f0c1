/* x / 2 * (1 + erf(x / sqrt 2)), and its approximation by tanh. */
#include "ops/activations.h"
#include "passes/match.h"

/* where the half may stand */
#define WHOLE(step) \
    "(Mul (Mul x (Add " step " 1)) 0.5)", "(Mul (Mul x 0.5) (Add " step " 1))", \
        "(Mul x (Mul (Add " step " 1) 0.5))", "(Div (Mul x (Add " step " 1)) 2)", \
        "(Mul (Div x 2) (Add " step " 1))", "(Mul x (Add (Mul " step " 0.5) 0.5))"
#define TANH(argument) WHOLE("t=(Tanh " argument ")")
/* sqrt(2 / pi) * (x + 0.044715 x^3) */
#define CUBE(cube) TANH("(Mul (Add x (Mul " cube " 0.044715)) 0.7978845608)")
static const char *const forms[] = {
    WHOLE("(Erf (Div x 1.4142135624))"),
    WHOLE("(Erf (Mul x 0.7071067812))"),
    CUBE("(Pow x 3)"),
    CUBE("(Mul x (Mul x x))"),
    TANH("(Mul (Add x (Mul x (Mul x (Mul x 0.044715)))) 0.7978845608)"),
    TANH("(Mul (Mul x 0.7978845608) (Add (Mul (Mul x x) 0.044715) 1))"),
    TANH("(Mul (Mul x 0.7978845608) (Add (Mul x (Mul x 0.044715)) 1))"),
    TANH("(Mul x (Add (Mul (Mul x x) 0.0356774081) 0.7978845608))"),
    NULL,
};

static int fuse(struct match *m)
{
    if (!vn_match_keeps_shape(m, 'x'))
        return 0;
    const int approximate = vn_match_value(m, 't') != NULL;
    struct gelu_attrs *p =
        vn_match_replace(m, &vn_op_gelu, 1, (struct value *[]){ vn_match_value(m, 'x') })->attrs;
    p->approximate = approximate;
    return 1;
}

PATTERN_PASS(fuse_gelu, "GELU spelled out with Erf or Tanh becomes Gelu", forms, fuse);
