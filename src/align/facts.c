/* What can be said of a difference that no rule explains: where it lies, how large it is, in what. Counted,
 * not guessed. */
#include <math.h>
#include <stdlib.h>

#include "align/rules.h"

/* Two pictures of one size. */
struct two {
    const struct vn_picture *l, *r;
    double rounding;
};

static double difference(const struct two *t, size_t pixel, int c)
{
    const size_t i = pixel * (size_t)t->l->c + (size_t)c;
    const double d = fabs(vn_picture_value(t->l, i) - vn_picture_value(t->r, i));
    return d <= t->rounding ? 0 : d;
}

static double largest(const struct two *t, size_t pixel)
{
    double top = 0;
    for (int c = 0; c < t->l->c; c++)
        top = fmax(top, difference(t, pixel, c));
    return top;
}

static const char *channels(const struct two *t, struct vn_arena *a)
{
    const char *names = "";
    int n = 0;
    for (int c = 0; c < t->l->c; c++) {
        int differs = 0;
        for (size_t i = 0; i < (size_t)t->l->w * t->l->h && !differs; i++)
            differs = difference(t, i, c) > 0;
        if (differs)
            names = vn_arena_fmt(a, "%s%s%d", names, n++ ? ", " : "", c);
    }
    return n && n < t->l->c ? vn_arena_fmt(a, "only channel%s %s of %d differ%s", n > 1 ? "s" : "", names,
                                           t->l->c, n > 1 ? "" : "s")
                            : NULL;
}

#define PART 0.5 /* of the picture: a larger region says nothing */

static const char *region(const struct two *t, struct vn_arena *a)
{
    const int w = t->l->w, h = t->l->h;
    int x[2] = { w, -1 }, y[2] = { h, -1 };
    for (int v = 0; v < h; v++)
        for (int u = 0; u < w; u++)
            if (largest(t, (size_t)v * w + u) > 0) {
                x[0] = u < x[0] ? u : x[0];
                x[1] = u > x[1] ? u : x[1];
                y[0] = v < y[0] ? v : y[0];
                y[1] = v;
            }
    const double area = (double)(x[1] - x[0] + 1) * (y[1] - y[0] + 1);
    return x[1] >= 0 && area < PART * w * h
               ? vn_arena_fmt(a, "only rows %d to %d, columns %d to %d of %d x %d differ", y[0], y[1], x[0],
                              x[1], h, w)
               : NULL;
}

static const char *steps(const struct two *t, struct vn_arena *a)
{
    double top = 0, sum = 0;
    const size_t n = (size_t)t->l->w * t->l->h;
    for (size_t i = 0; i < n; i++) {
        top = fmax(top, largest(t, i));
        sum += largest(t, i);
    }
    return t->l->type == VN_PIXEL_U8 && top > 0 && top <= 2
               ? vn_arena_fmt(a, "no element differs by more than %g: different rounding", top)
               : vn_arena_fmt(a, "mean |d| %.4g, largest %.4g", sum / (double)n, top);
}

static double brightness(const struct vn_picture *p, size_t i)
{
    return 0.299 * p->data[i * 3] + 0.587 * p->data[i * 3 + 1] + 0.114 * p->data[i * 3 + 2];
}

#define SAME_BRIGHTNESS 2.5
#define OTHER_COLOUR 8

static const char *chroma(const struct two *t, struct vn_arena *a)
{
    double bright = 0, colour = 0;
    if (t->l->c != 3 || t->l->type != VN_PIXEL_U8)
        return NULL;
    for (size_t i = 0; i < (size_t)t->l->w * t->l->h; i++) {
        bright = fmax(bright, fabs(brightness(t->l, i) - brightness(t->r, i)));
        colour = fmax(colour, largest(t, i));
    }
    return bright <= SAME_BRIGHTNESS && colour >= OTHER_COLOUR
               ? vn_arena_fmt(a, "luma agrees within %.2g, chroma only within %g: different chroma sampling",
                              bright, colour)
               : NULL;
}

#define MUCH_MORE 4.0

/* Mean |d| where neighbours differ a lot, beside that of the rest. */
static const char *edges(const struct two *t, struct vn_arena *a)
{
    const int w = t->l->w, h = t->l->h;
    double slope = 0, sum[2] = { 0 };
    int64_t n[2] = { 0 };
    for (int pass = 0; pass < 2; pass++)
        for (int v = 0; v + 1 < h; v++)
            for (int u = 0; u + 1 < w; u++) {
                const size_t i = (size_t)v * w + u;
                const double here = vn_picture_value(t->l, i * (size_t)t->l->c);
                const double s = fabs(vn_picture_value(t->l, (i + 1) * (size_t)t->l->c) - here) +
                                 fabs(vn_picture_value(t->l, (i + (size_t)w) * (size_t)t->l->c) - here);
                if (!pass) {
                    slope += s / ((double)(w - 1) * (h - 1));
                } else {
                    const int steep = s > 2 * slope;
                    sum[steep] += largest(t, i);
                    n[steep]++;
                }
            }
    if (!n[0] || !n[1] || !(sum[1] / (double)n[1] > MUCH_MORE * (sum[0] / (double)n[0])))
        return NULL;
    return vn_arena_fmt(a, "differences are concentrated at edges: mean |d| %.3g there, %.3g elsewhere",
                        sum[1] / (double)n[1], sum[0] / (double)n[0]);
}

void vn_explain_facts(struct explanation *x, struct vn_arena *a, const struct stage_arrays *s)
{
    static const char *(*const all[])(const struct two *, struct vn_arena *) = { channels, region, steps,
                                                                                 chroma, edges };
    struct vn_arena *work = vn_arena_new();
    struct grid l, r;
    vn_grid_of(&l, work, s->y[0]);
    vn_grid_of(&r, work, s->y[1]);
    const struct two t = { &l.p, &r.p, fmax(l.rounding, r.rounding) };
    if (l.layout && r.layout && l.p.w == r.p.w && l.p.h == r.p.h && l.p.c == r.p.c && l.p.type == r.p.type)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            const char *fact = all[i](&t, a);
            if (fact)
                VEC_PUSH(a, &x->facts, fact);
        }
    vn_arena_free(&work);
}
