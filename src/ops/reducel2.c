/* ops/reducel2.c - the root of the sum of squares over a set of axes. */
#include "ops/reduce.h"

REDUCE(reducel2, "ReduceL2", VN_RED_L2);
