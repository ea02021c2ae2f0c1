/* kernels/integer_macros.h - what integer_body.h is written with. Private to kernels/. */
#include <string.h>

/* An operand may be the result: the same elements, so nothing is carried from one to the next. */
#define EACH_ELEMENT(n) _Pragma("GCC ivdep") for (size_t i = 0; i < (n); i++)

/* Every output position of the rows. */
#define FOR_EACH_PIXEL(g) \
    for (int row = row0; row < row1; row++) \
        for (int ox = 0; ox < (g)->ow; ox++)

/* Max and min, in the output's parameters. */
static inline int32_t larger(int32_t a, int32_t b, const struct vn_binary_s8 *p)
{
    const int32_t u = vn_rescale(a, p->za, p->ra, p->zy, p->lo, p->hi),
                  v = vn_rescale(b, p->zb, p->rb, p->zy, p->lo, p->hi);
    return u > v ? u : v;
}
static inline int32_t smaller(int32_t a, int32_t b, const struct vn_binary_s8 *p)
{
    const int32_t u = vn_rescale(a, p->za, p->ra, p->zy, p->lo, p->hi),
                  v = vn_rescale(b, p->zb, p->rb, p->zy, p->lo, p->hi);
    return u < v ? u : v;
}

/* Elements at a time: a number that the compiler knows, so no loop for what is left over. */
#define BINARY_BLOCK 64
/* out[i] = value of A and B in all blocks */
#define EACH_PAIR(value) \
    for (; blocks; blocks--, out += BINARY_BLOCK, a += ahead_a, b += ahead_b) \
        EACH_ELEMENT(BINARY_BLOCK) \
        { \
            const int32_t A = a[i], B = b[i]; \
            out[i] = (ELEM)value; \
        } \
    break
