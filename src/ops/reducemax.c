/* ops/reducemax.c - the largest element over a set of axes. */
#include "ops/reduce.h"

REDUCE_EXTREME(reducemax, "ReduceMax", VN_RED_MAX, 0);
