/* Bounds spelled out: what stays between two constants is Clip. */
#include "passes/match.h"

static const char *const forms[] = { "(Min (Max x #l) #h)", "(Max (Min x #h) #l)", "(Min (Relu x) #h)",
                                     NULL };

static int fuse(struct match *m)
{
    double lo = 0, hi;
    if ((vn_match_value(m, 'l') && !vn_match_number(m, 'l', &lo)) || !vn_match_number(m, 'h', &hi) ||
        lo > hi || !vn_match_keeps_shape(m, 'x'))
        return 0;
    vn_match_replace(m, &vn_op_clip, 3,
                     (struct value *[]){ vn_match_value(m, 'x'), vn_match_scalar(m, "min", lo),
                                         vn_match_scalar(m, "max", hi) });
    return 1;
}

PATTERN_PASS(fuse_clip, "maximum and minimum with constants become Clip", forms, fuse);
