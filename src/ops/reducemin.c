/* ops/reducemin.c - the smallest element over a set of axes. */
#include "ops/reduce.h"

REDUCE_EXTREME(reducemin, "ReduceMin", VN_RED_MIN, 1);
