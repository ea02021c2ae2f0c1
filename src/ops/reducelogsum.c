/* ops/reducelogsum.c - the logarithm of the sum over a set of axes. */
#include "ops/reduce.h"

REDUCE(reducelogsum, "ReduceLogSum", VN_RED_LOG_SUM);
