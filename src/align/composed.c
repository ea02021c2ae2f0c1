/* Two steps saved as one stage: resize and centre crop, centre crop and resize. The size between them is not known: one resize to each
 * size says which ones look right, and only those are tried with every rule. */
#include <math.h>

#include "align/search.h"

#define BEST 3       /* sizes that are tried exactly */
#define ALIKE 0.5    /* correlation below which a size is not worth it */
#define STEP 3       /* of sizes in the first look */
#define LARGEST 2.0  /* the size between, in sizes of the target */

struct guess {
    struct stage_rule r;
    double alike;
};

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
    const int side = in.w < in.h ? in.w : in.h, enough = (int)((y->w > y->h ? y->w : y->h) * LARGEST * ENOUGH);
    const double scale = (double)enough / side;
    return scale >= 1 || vn_resize(x, a, &in, smooth(), (int)rint(in.w * scale), (int)rint(in.h * scale), &e) == VN_OK;
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
        if (vn_rule_inside(&in, &r, x->w, x->h, y->w, y->h) && memcmp(&in, &last, sizeof in) && vn_rule_geometry(&p, a, x, &r, y->w, y->h))
            best = fmax(best, correlation(&p, y));
    }
    vn_arena_free(&a);
    return best;
}

static void keep_guess(struct guess best[BEST], struct guess g)
{
    for (int i = 0; i < BEST; i++) {
        if (g.alike == best[i].alike && g.r.number[0] == best[i].r.number[0] && g.r.fraction == best[i].r.fraction)
            return;
        if (g.alike > ALIKE && g.alike > best[i].alike) {
            memmove(best + i + 1, best + i, (size_t)(BEST - 1 - i) * sizeof *best);
            best[i] = g;
            return;
        }
    }
}

static void guess(struct guess best[BEST], struct search *s, struct stage_rule r, const struct vn_picture *x, const struct vn_picture *y)
{
    s->tried++;
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
static void guess_sizes(struct guess best[BEST], struct search *s, const struct stage_rule *r, const struct vn_picture *x, const struct vn_picture *y)
{
    const int least = y->w < y->h ? y->w : y->h, most = (int)((y->w > y->h ? y->w : y->h) * LARGEST);
    struct guess coarse[BEST] = { 0 };
    for (int size = least; size <= most; size += STEP)
        guess(coarse, s, of_size(r, size), x, y);
    for (int i = 0; i < BEST && coarse[i].alike > 0; i++)
        for (int d = 1 - STEP; d < STEP; d++)
            if (coarse[i].r.number[0] + d >= least)
                guess(best, s, of_size(r, coarse[i].r.number[0] + d), x, y);
}

/* Do both rules cut the same out of every picture? */
static int same_inside(struct search *s, const struct stage_rule *r, const struct stage_rule *q)
{
    for (int i = 0; i < s->all; i++) {
        struct stage_rule with = *r;
        with.decoder = s->decoder;
        const struct vn_picture *x = &vn_search_input(s, i, &with)->p, *y = &s->pair[i].y.p;
        struct inside a = { 0 }, b = { 0 };
        if (vn_rule_inside(&a, r, x->w, x->h, y->w, y->h) != vn_rule_inside(&b, q, x->w, x->h, y->w, y->h) || a.w != b.w || a.h != b.h || a.x != b.x || a.y != b.y)
            return 0;
    }
    return 1;
}

/* The guesses with every way to round, until one fits. */
static void try_guesses(struct search *s, const struct guess best[BEST], const char *const *rules, int n_rules, enum resize_effort effort)
{
    for (int i = 0; i < BEST && best[i].alike > 0 && !s->n_found; i++) {
        struct stage_rule tried[9];
        int n = 0;
        for (int k = 0; k < n_rules * VN_CROP_ROUNDINGS; k++) {
            struct stage_rule r = best[i].r;
            int again = 0;
            r.size_rule = rules[k / VN_CROP_ROUNDINGS];
            r.rounding = (enum vn_crop_rounding)(k % VN_CROP_ROUNDINGS);
            for (int m = 0; m < n; m++)
                again |= same_inside(s, &tried[m], &r);
            if (again)
                continue;
            tried[n++] = r;
            vn_try_resizes(s, r, effort);
        }
    }
}

void vn_search_composed(struct search *s)
{
    static const char *const short_side[] = { "short_side", "short_side_round", "short_side_ceil" }, *const exact[] = { "exact" };
    static const double fractions[] = { 0, 0.875, 0.9, 0.95, 0.8, 0.75 };
    static const struct stage_rule by_short = { .geometry = GEO_RESIZE_CROP, .size_rule = "short_side", .numbers = 1 },
                                   by_both = { .geometry = GEO_RESIZE_CROP, .size_rule = "exact", .numbers = 2 };
    struct guess of_short[BEST] = { 0 }, of_both[BEST] = { 0 }, of_crop[BEST] = { 0 };
    struct vn_arena *a = vn_arena_new();
    struct vn_picture x, y;
    if (smooth() && mean_of_channels(&x, a, &s->pair[0].x.p) && mean_of_channels(&y, a, &s->pair[0].y.p) && shrink(&x, a, &y)) {
        guess_sizes(of_short, s, &by_short, &x, &y);
        guess_sizes(of_both, s, &by_both, &x, &y);
        for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
            const struct stage_rule r = { .geometry = GEO_CROP_RESIZE, .fraction = fractions[i] };
            guess(of_crop, s, r, &x, &y);
        }
        for (int effort = 0; effort < RESIZE_EFFORTS && !s->n_found; effort++) {
            try_guesses(s, of_short, short_side, 3, (enum resize_effort)effort);
            if (!s->n_found)
                try_guesses(s, of_both, exact, 1, (enum resize_effort)effort);
            if (!s->n_found)
                try_guesses(s, of_crop, exact, 1, (enum resize_effort)effort);
        }
    }
    vn_arena_free(&a);
}
