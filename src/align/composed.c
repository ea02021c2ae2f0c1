/* Two steps saved as one stage: resize and centre crop, centre crop and resize. The size between them is not
 * known: one resize to each size says which ones look right, and only those are worth a try with every rule.
 */
#include <math.h>

#include "align/composed.h"

#define ALIKE 0.5 /* correlation below which a size is not worth it */
#define STEP 3 /* of sizes in the first look */
#define LARGEST 2.0 /* the size between, in sizes of the target */

static const struct vn_resize_rule *smooth(void)
{
    const struct vn_resize_rule *r;
    struct vn_err e;
    return vn_resize_find(&r, "torchvision", "bilinear", 1, NULL, &e) == VN_OK ? r : NULL;
}

#define ENOUGH 2 /* sides of the picture that is looked at, in those of the largest size between */

/* A large picture made smaller, so that a look at each size is cheap. */
static int shrink(struct vn_picture *x, struct vn_arena *a, const struct vn_picture *y)
{
    struct vn_err e;
    const struct vn_picture in = *x;
    const int side = in.w < in.h ? in.w : in.h,
              enough = (int)((y->w > y->h ? y->w : y->h) * LARGEST * ENOUGH);
    const double scale = (double)enough / side;
    return scale >= 1 ||
           vn_resize(x, a, &in, smooth(), (int)rint(in.w * scale), (int)rint(in.h * scale), &e) == VN_OK;
}

/* One channel, which no order of channels and no line for each channel changes much. */
static int mean_of_channels(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in)
{
    struct vn_err e;
    if (vn_picture_new(out, a, in->w, in->h, 1, VN_PIXEL_F32, &e) < 0)
        return 0;
    for (size_t i = 0; i < (size_t)in->w * in->h; i++) {
        double sum = 0;
        for (int c = 0; c < in->c; c++)
            sum += vn_picture_value(in, i * (size_t)in->c + (size_t)c);
        out->f32[i] = (float)sum;
    }
    return 1;
}

static double correlation(const struct vn_picture *p, const struct vn_picture *q)
{
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    const size_t n = vn_picture_values(q);
    for (size_t i = 0; i < n; i++) {
        const double x = p->f32[i], y = q->f32[i];
        sx += x, sy += y, sxx += x * x, syy += y * y, sxy += x * y;
    }
    const double d = (sxx * (double)n - sx * sx) * (syy * (double)n - sy * sy);
    return d > 0 ? (sxy * (double)n - sx * sy) / sqrt(d) : 0;
}

/* The best correlation of a rule, over the places of the crop that rounding gives. */
static double likeness(const struct stage_rule *of, const struct vn_picture *x, const struct vn_picture *y)
{
    double best = 0;
    struct stage_rule r = *of;
    struct inside in, last = { 0 };
    struct vn_arena *a = vn_arena_new();
    r.rule = smooth();
    for (int i = 0; i < VN_CROP_ROUNDINGS; i++, last = in) {
        struct vn_picture p;
        r.rounding = (enum vn_crop_rounding)i;
        if (vn_rule_inside(&in, &r, x->w, x->h, y->w, y->h) && memcmp(&in, &last, sizeof in) &&
            vn_rule_geometry(&p, a, x, &r, y->w, y->h))
            best = fmax(best, correlation(&p, y));
    }
    vn_arena_free(&a);
    return best;
}

static void keep_guess(struct guess best[MOST_GUESSES], struct guess g)
{
    for (int i = 0; i < MOST_GUESSES; i++) {
        if (g.alike == best[i].alike && g.r.number[0] == best[i].r.number[0] &&
            g.r.fraction == best[i].r.fraction)
            return;
        if (g.alike > ALIKE && g.alike > best[i].alike) {
            memmove(best + i + 1, best + i, (size_t)(MOST_GUESSES - 1 - i) * sizeof *best);
            best[i] = g;
            return;
        }
    }
}

static void guess(struct guess best[MOST_GUESSES], int *tried, struct stage_rule r,
                  const struct vn_picture *x, const struct vn_picture *y)
{
    ++*tried;
    keep_guess(best, (struct guess){ r, likeness(&r, x, y) });
}

static struct stage_rule of_size(const struct stage_rule *r, int size)
{
    struct stage_rule q = *r;
    for (int i = 0; i < r->numbers; i++)
        q.number[i] = size;
    return q;
}

/* Every STEP-th size, then those around the best. */
static void guess_sizes(struct guess best[MOST_GUESSES], int *tried, const struct stage_rule *r,
                        const struct vn_picture *x, const struct vn_picture *y)
{
    const int least = y->w < y->h ? y->w : y->h, most = (int)((y->w > y->h ? y->w : y->h) * LARGEST);
    struct guess coarse[MOST_GUESSES] = { 0 };
    for (int size = least; size <= most; size += STEP)
        guess(coarse, tried, of_size(r, size), x, y);
    for (int i = 0; i < MOST_GUESSES && coarse[i].alike > 0; i++)
        for (int d = 1 - STEP; d < STEP; d++)
            if (coarse[i].r.number[0] + d >= least)
                guess(best, tried, of_size(r, coarse[i].r.number[0] + d), x, y);
}

int vn_guess_composed(struct composed *out, struct vn_arena *a, const struct vn_picture *from,
                      const struct vn_picture *to)
{
    static const double fractions[] = { 0, 0.875, 0.9, 0.95, 0.8, 0.75 };
    static const struct stage_rule by_short = { .geometry = GEO_RESIZE_CROP,
                                                .size_rule = "short_side",
                                                .numbers = 1 },
                                   by_both = { .geometry = GEO_RESIZE_CROP,
                                               .size_rule = "exact",
                                               .numbers = 2 };
    struct vn_picture x, y;
    *out = (struct composed){ .tried = 0 };
    if (!smooth() || !mean_of_channels(&x, a, from) || !mean_of_channels(&y, a, to) || !shrink(&x, a, &y))
        return 0;
    guess_sizes(out->of_short, &out->tried, &by_short, &x, &y);
    guess_sizes(out->of_both, &out->tried, &by_both, &x, &y);
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        const struct stage_rule r = { .geometry = GEO_CROP_RESIZE, .fraction = fractions[i] };
        guess(out->of_crop, &out->tried, r, &x, &y);
    }
    return 1;
}
