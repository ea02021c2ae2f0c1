/* kernels/integer_body.h - the kernels that differ in the width of their integers only: included once for
 * int8, once for int16, in C and per instruction set; the compiler makes the vectors. ELEM is the type, LEAST
 * and MOST its limits, SQUARES a type for the sum of VN_NORM_MOST squares, NAME(x) the function vn_x_s8_c or
 * vn_x_s16_c. */

/* ahead_a, ahead_b: from block to block of an operand. */
static void NAME(binary_blocks)(ELEM *out, const ELEM *a, const ELEM *b, size_t blocks, size_t ahead_a,
                                size_t ahead_b, const struct vn_binary_s8 *p)
{
    const struct vn_binary_s8 q = *p; /* nothing that is written can change it */
    switch (q.op) {
    case VN_BIN_MUL: EACH_PAIR(vn_mul(A, q.za, B, q.zb, q.ra, q.zy, q.lo, q.hi));
    case VN_BIN_DIV: EACH_PAIR(vn_div(A, q.za, B, q.zb, q.ra, q.zy, q.lo, q.hi));
    case VN_BIN_PRELU: EACH_PAIR(vn_prelu(A, q.za, B, q.zb, q.rb, q.ra, q.zy, q.lo, q.hi));
    case VN_BIN_MAX: EACH_PAIR(larger(A, B, &q));
    case VN_BIN_MIN: EACH_PAIR(smaller(A, B, &q));
    default: EACH_PAIR(vn_add(A, q.ra, B, q.rb, q.fixed, q.lo, q.hi));
    }
}

/* n elements of an operand at x, 0 behind them; or one of them repeated, where the step is 0. */
static void NAME(operand)(ELEM *block, const ELEM *x, int step, size_t n)
{
    for (size_t i = 0; i < BINARY_BLOCK; i++)
        block[i] = step ? 0 : *x;
    if (step)
        memcpy(block, x, n * sizeof *x);
}

void NAME(binary)(ELEM *out, const ELEM *a, const ELEM *b, size_t n, int step_a, int step_b,
                  const struct vn_binary_s8 *p)
{
    ELEM of_a[BINARY_BLOCK], of_b[BINARY_BLOCK], rest[BINARY_BLOCK];
    const size_t left = n % BINARY_BLOCK, whole = n - left;
    const size_t ahead_a = (size_t)step_a * BINARY_BLOCK, ahead_b = (size_t)step_b * BINARY_BLOCK;
    if (!step_a)
        NAME(operand)(of_a, a, 0, 0);
    if (!step_b)
        NAME(operand)(of_b, b, 0, 0);
    NAME(binary_blocks)(out, step_a ? a : of_a, step_b ? b : of_b, n / BINARY_BLOCK, ahead_a, ahead_b, p);
    if (!left)
        return;
    if (whole && out != a && out != b) { /* the last block begins so early that it is whole */
        const size_t at = n - BINARY_BLOCK;
        NAME(binary_blocks)(out + at, step_a ? a + at : of_a, step_b ? b + at : of_b, 1, 0, 0, p);
        return;
    }
    if (step_a)
        NAME(operand)(of_a, a + whole, 1, left);
    if (step_b)
        NAME(operand)(of_b, b + whole, 1, left);
    NAME(binary_blocks)(rest, of_a, of_b, 1, 0, 0, p);
    memcpy(out + whole, rest, left * sizeof *out);
}

void NAME(quantize)(ELEM *out, const float *x, size_t n, float scale, int32_t zero)
{
    EACH_ELEMENT(n)
    out[i] = (ELEM)vn_quantize(x[i], scale, zero, LEAST, MOST);
}

void NAME(dequantize)(float *out, const ELEM *x, size_t n, float scale, int32_t zero)
{
    EACH_ELEMENT(n)
    out[i] = vn_dequantize(x[i], scale, zero);
}

/* The sums are integers, which doubles hold exactly. */
void NAME(normalize)(ELEM *out, const ELEM *x, const struct vn_normalize *p, int row0, int row1)
{
    const int32_t zx = p->zx, zy = p->zy;
    const float *const scale = p->scale, *const bias = p->bias;
    const int n = p->n;
    const double count = n;
    for (int row = row0; row < row1; row++, out += n, x += n) {
        int32_t sum = 0;
        SQUARES squares = 0;
        for (int i = 0; i < n; i++) {
            const int32_t c = x[i] - zx;
            sum += c;
            squares += (SQUARES)(c * c);
        }
        const int64_t shift = p->centre ? sum : 0;
        const double factor = vn_norm_factor(n, n * (int64_t)squares - shift * shift, p->sx, p->epsilon);
        const double total = (double)shift;
        EACH_ELEMENT(n)
        out[i] =
            (ELEM)vn_norm(count * (double)(x[i] - zx) - total, factor, scale[i], bias[i], zy, LEAST, MOST);
    }
}
