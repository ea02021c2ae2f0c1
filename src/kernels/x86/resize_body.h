/* kernels/x86/resize_body.h - linear resize: the pass along x once per input row, kept for the output rows
 * that read it; the compiler makes the vectors. Included once per type.
 *
 * The includer defines NAME(x), a name with the type and the instruction set, ELEM, HALF (a sum along x),
 * WEIGHTS_X(p) and WEIGHTS_Y(p), FINISH(a, wa, b, wb): an element of the output from two halves, with the
 * locals m and p at hand. Integers: zx is taken off at the first pass. */

/* Columns [x0, x1), channels [c0, c1). */
#define PART NAME(part)
struct PART {
    int x0, x1, c0, c1;
};

/* The sums along x of two input rows; -1: none. */
#define LINES NAME(lines)
struct LINES {
    int64_t row[2];
    HALF half[2][RESIZE_CHUNK];
};

static void NAME(along_x)(HALF *h, const ELEM *x, const struct vn_resize2d *p, const struct PART *t)
{
    const int n = t->c1 - t->c0;
    for (int ox = t->x0; ox < t->x1; ox++, h += n) {
        const ELEM *const l = x + (size_t)p->ix[2 * ox] * p->c + t->c0;
        const ELEM *const r = x + (size_t)p->ix[2 * ox + 1] * p->c + t->c0;
        const HALF wl = (HALF)WEIGHTS_X(p)[2 * ox], wr = (HALF)WEIGHTS_X(p)[2 * ox + 1];
        const HALF zx = (HALF)p->zx;
        (void)zx;
        for (int c = 0; c < n; c++)
            h[c] = ACROSS(l[c], wl, r[c], wr);
    }
}

/* The half of an input row; `other` is not to be lost. */
static const HALF *NAME(half_of)(struct LINES *l, const ELEM *x, const struct vn_resize2d *p,
                                 const struct PART *t, int64_t row, int64_t other)
{
    for (int i = 0; i < 2; i++)
        if (l->row[i] == row)
            return l->half[i];
    const int i = l->row[0] == other;
    l->row[i] = row;
    NAME(along_x)(l->half[i], x + (size_t)row * p->w * p->c, p, t);
    return l->half[i];
}

static void NAME(along_y)(ELEM *y, const HALF *a, const HALF *b, const struct vn_resize2d *p, int oy, int n)
{
    const HALF wa = (HALF)WEIGHTS_Y(p)[2 * oy], wb = (HALF)WEIGHTS_Y(p)[2 * oy + 1];
    const float m = vn_resize_mult(p->ratio, RESIZE_BITS);
    const int32_t zy = p->zy;
    (void)m, (void)zy;
    for (int i = 0; i < n; i++)
        y[i] = FINISH(a[i], wa, b[i], wb);
}

static void NAME(columns)(ELEM *out, const ELEM *x, const struct vn_resize2d *p, const struct PART *t,
                          int row0, int row1)
{
    struct LINES l;
    l.row[0] = l.row[1] = -1;
    for (int row = row0; row < row1; row++) {
        const int oy = row % p->oh;
        const int64_t image = (int64_t)(row / p->oh) * p->h;
        const int64_t top = image + p->iy[2 * oy], bottom = image + p->iy[2 * oy + 1];
        const HALF *const a = NAME(half_of)(&l, x, p, t, top, bottom);
        const HALF *const b = NAME(half_of)(&l, x, p, t, bottom, top);
        NAME(along_y)
        (out + ((size_t)row * p->ow + t->x0) * p->c + t->c0, a, b, p, oy, (t->x1 - t->x0) * (t->c1 - t->c0));
    }
}

void NAME(vn_resize_linear)(ELEM *out, const ELEM *x, const struct vn_resize2d *p, int row0, int row1)
{
    const int channels = min_int(p->c, RESIZE_CHUNK), wide = RESIZE_CHUNK / channels;
    for (int c = 0; c < p->c; c += channels)
        for (int ox = 0; ox < p->ow; ox += wide) {
            const struct PART t = { ox, min_int(p->ow, ox + wide), c, min_int(p->c, c + channels) };
            NAME(columns)(out, x, p, &t, row0, row1);
        }
}

#undef PART
#undef LINES
#undef NAME
#undef ELEM
#undef HALF
#undef WEIGHTS_X
#undef WEIGHTS_Y
#undef ACROSS
#undef FINISH
#undef RESIZE_BITS
