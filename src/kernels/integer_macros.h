/* kernels/integer_macros.h - what integer_body.h is written with. Private to kernels/. */

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

/* out[i] = value of A and B; steps of 0 and 1 are distinguished outside the loop, so that the compiler
 * vectorizes it. */
#define EACH_PAIR(value) \
    if (step_a && step_b) \
        PAIRS(a[i], b[i], value) \
    else if (step_a) \
        PAIRS(a[i], b[0], value) \
    else if (step_b) \
        PAIRS(a[0], b[i], value) \
    else \
        PAIRS(a[0], b[0], value) \
    break
#define PAIRS(x, y, value) \
    EACH_ELEMENT(n) \
    { \
        const int32_t A = x, B = y; \
        out[i] = (ELEM)value; \
    }
