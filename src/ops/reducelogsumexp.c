/* ops/reducelogsumexp.c - log(sum(exp(x))), with the largest element taken out first over a set of axes. */
#include "ops/reduce.h"

REDUCE(reducelogsumexp, "ReduceLogSumExp", VN_RED_LOG_SUM_EXP);
