/* num/table.c - tables made at compile time, in float64. Not part of the runtime. */
#include "num/num.h"

#include <math.h>

void vn_softmax_table(uint32_t table[256], float sx)
{
    for (int d = 0; d < 256; d++)
        table[d] = (uint32_t)nearbyint(exp(-d * (double)sx) * 16777216.0);
}

void vn_softmax16_table(uint32_t table[VN_SOFTMAX16_ENTRIES], float sx)
{
    for (int d = 0; d < 256; d++) {
        table[d] = (uint32_t)nearbyint(exp(-256.0 * d * (double)sx) * 1073741824.0);
        table[256 + d] = (uint32_t)nearbyint(exp(-d * (double)sx) * 1073741824.0);
    }
}
