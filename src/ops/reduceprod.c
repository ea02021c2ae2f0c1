/* ops/reduceprod.c - the product over a set of axes. */
#include "ops/reduce.h"

REDUCE(reduceprod, "ReduceProd", VN_RED_PROD);
