/* ops/reducesumsquare.c - the sum of squares over a set of axes. */
#include "ops/reduce.h"

REDUCE(reducesumsquare, "ReduceSumSquare", VN_RED_SUM_SQUARE);
