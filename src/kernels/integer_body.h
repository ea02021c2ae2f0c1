/* kernels/integer_body.h - the kernels that differ in the width of their integers only: included once for int8, once for int16.
 * ELEM is the type, LEAST and MOST its limits, NAME(x) the function vn_x_s8_c or vn_x_s16_c. */

void NAME(binary)(ELEM *out, const ELEM *a, const ELEM *b, size_t n, int step_a, int step_b, const struct vn_binary_s8 *p)
{
    switch (p->op) {
    case VN_BIN_MUL: EACH_PAIR(vn_mul(A, p->za, B, p->zb, p->ra, p->zy, p->lo, p->hi));
    case VN_BIN_DIV: EACH_PAIR(vn_div(A, p->za, B, p->zb, p->ra, p->zy, p->lo, p->hi));
    case VN_BIN_PRELU: EACH_PAIR(vn_prelu(A, p->za, B, p->zb, p->rb, p->ra, p->zy, p->lo, p->hi));
    case VN_BIN_MAX: EACH_PAIR(larger(A, B, p));
    case VN_BIN_MIN: EACH_PAIR(smaller(A, B, p));
    default: EACH_PAIR(vn_add(A, p->ra, B, p->rb, p->fixed, p->lo, p->hi));
    }
}

void NAME(quantize)(ELEM *out, const float *x, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (ELEM)vn_quantize(x[i], scale, zero, LEAST, MOST);
}

void NAME(dequantize)(float *out, const ELEM *x, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vn_dequantize(x[i], scale, zero);
}

void NAME(maxpool)(ELEM *out, const ELEM *x, const struct vn_pool *p, int row0, int row1)
{
    const struct vn_window2d *const g = &p->g;
    FOR_EACH_PIXEL(g) {
        const struct pool_window t = window_at(g, row % g->oh, ox);
        ELEM *const y = out + ((size_t)row * g->ow + ox) * g->yp;
        for (int c = 0; c < g->c; c++)
            y[c] = LEAST;
        for (int ky = t.y0; ky < t.y1; ky++)
            for (int kx = t.x0; kx < t.x1; kx++) {
                const ELEM *const xt = x + tap_pixel(g, row / g->oh, &t, ky, kx);
                for (int c = 0; c < g->c; c++)
                    y[c] = xt[c] > y[c] ? xt[c] : y[c];
            }
    }
}

void NAME(avgpool)(ELEM *out, const ELEM *x, const struct vn_pool *p, int row0, int row1)
{
    const struct vn_window2d *const g = &p->g;
    FOR_EACH_PIXEL(g) {
        const struct pool_window t = window_at(g, row % g->oh, ox);
        ELEM *const y = out + ((size_t)row * g->ow + ox) * g->yp;
        for (int c = 0; c < g->c; c++) {
            int32_t sum = 0;
            for (int ky = t.y0; ky < t.y1; ky++)
                for (int kx = t.x0; kx < t.x1; kx++)
                    sum += x[tap_pixel(g, row / g->oh, &t, ky, kx) + c] - p->zx;
            y[c] = (ELEM)vn_average(sum, pool_divisor(p, &t), p->ratio, p->zy, LEAST, MOST);
        }
    }
}

void NAME(normalize)(ELEM *out, const ELEM *x, const struct vn_normalize *p, int row0, int row1)
{
    for (int row = row0; row < row1; row++, out += p->n, x += p->n) {
        int64_t sum = 0, squares = 0;
        for (int i = 0; i < p->n; i++) {
            const int32_t c = x[i] - p->zx;
            sum += c;
            squares += (int64_t)c * c;
        }
        sum = p->centre ? sum : 0;
        const double factor = vn_norm_factor(p->n, p->n * squares - sum * sum, p->sx, p->epsilon);
        for (int i = 0; i < p->n; i++)
            out[i] = (ELEM)vn_norm((int64_t)p->n * (x[i] - p->zx) - sum, factor, p->scale[i], p->bias[i], p->zy, LEAST, MOST);
    }
}

