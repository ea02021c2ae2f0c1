/* ops/reducesum.c - the sum over a set of axes. */
#include "ops/reduce.h"

REDUCE(reducesum, "ReduceSum", VN_RED_SUM);
