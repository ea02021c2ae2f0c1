/* ops/reducel1.c - the sum of the magnitudes over a set of axes. */
#include "ops/reduce.h"

REDUCE(reducel1, "ReduceL1", VN_RED_L1);
