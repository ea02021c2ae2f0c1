/* kernels/integer_pools.h - as integer_body.h: pools. */

void NAME(maxpool)(ELEM *out, const ELEM *x, const struct vn_pool *p, int row0, int row1)
{
    const struct vn_window2d *const g = &p->g;
    FOR_EACH_PIXEL (g) {
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
    FOR_EACH_PIXEL (g) {
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
