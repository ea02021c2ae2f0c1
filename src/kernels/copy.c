/* kernels/copy.c - rows and transposed blocks of elements: the C references. */
#include "kernels/kernels.h"

#include <string.h>

void vn_copy_rows_c(char *out, const char *x, size_t rows, size_t bytes, ptrdiff_t xs, ptrdiff_t ys)
{
    for (size_t r = 0; r < rows; r++, x += xs, out += ys)
        memcpy(out, x, bytes);
}

/* The longer side is the inner loop. */
#define STRIDED(type) \
    static void strided_##type(char *out, const char *x, size_t n, ptrdiff_t xs, ptrdiff_t ys) \
    { \
        for (size_t i = 0; i < n; i++, x += xs, out += ys) { \
            type v; \
            memcpy(&v, x, sizeof v); \
            memcpy(out, &v, sizeof v); \
        } \
    }
STRIDED(uint8_t)
STRIDED(uint16_t)
STRIDED(uint32_t)
STRIDED(uint64_t)

void vn_copy_strided_c(char *out, const char *x, size_t n, ptrdiff_t xs, ptrdiff_t ys, int size)
{
    switch (size) {
    case 1: strided_uint8_t(out, x, n, xs, ys); break;
    case 2: strided_uint16_t(out, x, n, xs, ys); break;
    case 4: strided_uint32_t(out, x, n, xs, ys); break;
    default: strided_uint64_t(out, x, n, xs, ys); break;
    }
}

void vn_transpose_c(char *out, const char *x, size_t rows, size_t cols, ptrdiff_t xs, ptrdiff_t ys, int size)
{
    for (size_t r = 0; rows <= cols && r < rows; r++)
        vn_copy_strided_c(out + (ptrdiff_t)r * size, x + (ptrdiff_t)r * xs, cols, size, ys, size);
    for (size_t c = 0; rows > cols && c < cols; c++)
        vn_copy_strided_c(out + (ptrdiff_t)c * ys, x + (ptrdiff_t)c * size, rows, xs, size, size);
}
