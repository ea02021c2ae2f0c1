/* kernels/integer_sums.h - as integer_body.h: the kernels for which x86/ has its own code.
 * SOFTMAX_ENTRY(table, d) is exp(-d). */

void NAME(matmul)(void *c, const ELEM *a, const ELEM *b, const struct vn_matmul *p, int row0, int row1)
{
    for (int i = row0; i < row1; i++)
        for (int j = 0; j < p->n; j++) {
            const size_t at = (size_t)i * p->n + j;
            int64_t acc = 0;
            for (int k = 0; k < p->k; k++)
                acc += (int64_t)(a[(size_t)i * p->k + k] - p->za) * (b[(size_t)k * p->n + j] - p->zb);
            if (p->out_f32)
                ((float *)c)[at] = (float)acc * p->mult;
            else if (p->out_s16)
                ((int16_t *)c)[at] = (int16_t)vn_requantize(acc, p->mult, p->zy, p->lo, p->hi);
            else
                ((ELEM *)c)[at] = (ELEM)vn_requantize(acc, p->mult, p->zy, p->lo, p->hi);
        }
}

void NAME(resize_linear)(ELEM *out, const ELEM *x, const struct vn_resize2d *p, int row0, int row1)
{
    const size_t line = (size_t)p->w * p->c;
    for (int row = row0; row < row1; row++) {
        const int oy = row % p->oh;
        const ELEM *const image = x + (size_t)(row / p->oh) * p->h * line;
        const ELEM *const top = image + p->iy[2 * oy] * line, *const bottom =
                                                                  image + p->iy[2 * oy + 1] * line;
        const int32_t wt = p->qy[2 * oy], wb = p->qy[2 * oy + 1];
        for (int ox = 0; ox < p->ow; ox++) {
            const size_t l = (size_t)p->ix[2 * ox] * p->c, r = (size_t)p->ix[2 * ox + 1] * p->c;
            const int32_t wl = p->qx[2 * ox], wr = p->qx[2 * ox + 1];
            ELEM *const y = out + ((size_t)row * p->ow + ox) * p->c;
            for (int c = 0; c < p->c; c++) {
                const int32_t t = (top[l + c] - p->zx) * wl + (top[r + c] - p->zx) * wr;
                const int32_t b = (bottom[l + c] - p->zx) * wl + (bottom[r + c] - p->zx) * wr;
                y[c] = (ELEM)vn_resize_linear(RESIZE_SUM(t, wt, b, wb), RESIZE_BITS, p->ratio, p->zy, LEAST,
                                              MOST);
            }
        }
    }
}

static void NAME(softmax_slice)(ELEM *y, const ELEM *x, const struct vn_softmax *p)
{
    const size_t step = (size_t)p->inner, end = (size_t)p->n * step;
    int32_t max = LEAST;
    for (size_t i = 0; i < end; i += step)
        max = x[i] > max ? x[i] : max;
    uint64_t sum = 0;
    for (size_t i = 0; i < end; i += step)
        sum += SOFTMAX_ENTRY(p->table, max - x[i]);
    for (size_t i = 0; i < end; i += step)
        y[i] = (ELEM)vn_softmax(SOFTMAX_ENTRY(p->table, max - x[i]), sum, p->inv, p->zy, LEAST, MOST);
}

void NAME(softmax)(ELEM *out, const ELEM *x, const struct vn_softmax *p, int o0, int o1)
{
    for (int o = o0; o < o1; o++)
        for (int i = 0; i < p->inner; i++) {
            const size_t at = (size_t)o * p->n * p->inner + i;
            NAME(softmax_slice)(out + at, x + at, p);
        }
}
