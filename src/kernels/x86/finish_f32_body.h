/* kernels/x86/finish_f32_body.h - float epilogue of a tile: pixels in memory order, vectors of channels.
 *
 * The includer defines VECTOR, LANES, LOAD(p), STORE(p, y), STORE_HALF(p, y), SET(x), ADD, MAX, MIN and
 * FINISH(out, pixel, k, acc, count, p). */

/* Any tile, a vector at a time. */
static __attribute__((noinline)) void finish_each(int nv, VECTOR acc[][4], float *out, size_t first,
                                                  int count, int k, int left, const struct vn_conv_f32 *p)
{
    for (int i = 0; i < count; i++)
        for (int v = 0; v < nv && left > LANES * v; v++)
            FINISH(out, first + (size_t)i, k + LANES * v, acc[i][v], min_int(LANES, left - LANES * v), p);
}

/* Pixels [first, first + count) of np, nv vectors of channels from k on; `left` channels exist. */
static ALWAYS_INLINE void finish_tile(const int np, const int nv, VECTOR acc[][4], float *out, size_t first,
                                      int count, int k, int left, const struct vn_conv_f32 *p)
{
    const int half = nv > 1 && left == LANES * nv - LANES / 2; /* of the last vector */
    if (count < np || (left < LANES * nv && !half)) {
        VECTOR copy[8][4]; /* acc itself stays in registers */
        EACH(i, np)
        EACH(v, nv)
        copy[i][v] = acc[i][v];
        finish_each(nv, copy, out, first, count, k, left, p);
        return;
    }
    const VECTOR lo = SET(p->lo), hi = SET(p->hi);
    const size_t step = (size_t)p->g.yp, pitch = (size_t)p->g.rp;
    float *y = out + out_at(&p->g, first, k);
    const float *r = p->residual ? p->residual + residual_at(&p->g, first, k) : NULL;
    EACH(i, np)
    {
        EACH(v, nv)
        {
            const VECTOR sum = r ? ADD(acc[i][v], LOAD(r + LANES * v)) : acc[i][v];
            const VECTOR t = MIN(MAX(sum, lo), hi);
            if (v == nv - 1 && half)
                STORE_HALF(y + LANES * v, t);
            else
                STORE(y + LANES * v, t);
        }
        y += step;
        r = r ? r + pitch : r;
    }
}
