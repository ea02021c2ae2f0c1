/* num/math.c - the functions of num/functions.h for one value. */
#include "num/functions.h"

float vn_expf(float x) { return exp_f32(x); }
float vn_logf(float x) { return log_f32(x); }

float vn_powif(float x, int n)
{
    float y = 1.0f;
    for (unsigned k = n < 0 ? -(unsigned)n : (unsigned)n; k; k >>= 1, x *= x)
        if (k & 1)
            y *= x;
    return n < 0 ? 1.0f / y : y;
}
