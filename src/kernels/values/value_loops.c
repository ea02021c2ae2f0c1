/* kernels/values/value_loops.c - loops over elements: the definition of right. */
#define VALUE_KERNELS vn_value_kernels_c
#define VALUE_CPU 0
#define VALUE_WIDTH 2
#include "kernels/values/value_loops_body.h"
