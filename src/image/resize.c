/* The table of resize rules, and the rules for the target's size. */
#include "image/resize.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/resize_rules.h"

#define U8 (1u << VN_PIXEL_U8)
#define F32 (1u << VN_PIXEL_F32)
#define ALL (U8 | F32 | 1u << VN_PIXEL_U16)

/* versions in hundredths: 1202 = 12.2 */
#define OPENCV(word, m) \
    { \
        VN_LIB_OPENCV, word, -1, "", 0, 0, U8 | F32, vn_resize_opencv, m \
    }
#define PILLOW(word, m) \
    { VN_LIB_PILLOW, word, -1, "<13", 0, 1300, U8 | F32, vn_resize_pillow, m }, \
    { \
        VN_LIB_PILLOW, word, -1, ">=13", 1300, 0, U8 | F32, vn_resize_pillow, (m) | PILLOW_BY_COST \
    }

/* antialias 0 and 1: torchvision's default on tensors is off; skimage's is on, but for order 0 of integers */
#define BOTH(lib, word, types, run, m, plain_is_default) \
    { lib, word, 0, "", 0, 0, types, run, m, !(plain_is_default) }, \
    { \
        lib, word, 1, "", 0, 0, types, run, m, plain_is_default \
    }
#define TORCHVISION(word, m) \
    { \
        VN_LIB_TORCHVISION, word, -1, "", 0, 0, U8 | F32, vn_resize_torchvision, m \
    }
#define SKIMAGE(word, order) BOTH(VN_LIB_SKIMAGE, word, ALL, vn_resize_skimage, order, 0)

static const struct vn_resize_rule rules[] = {
    OPENCV("nearest", OPENCV_NEAREST),
    { VN_LIB_OPENCV, "nearest_exact", -1, "<5", 0, 500, U8 | F32, vn_resize_opencv, OPENCV_NEAREST_EXACT },
    { VN_LIB_OPENCV, "nearest_exact", -1, ">=5", 500, 0, U8 | F32, vn_resize_opencv, OPENCV_NEAREST_STEPS },
    OPENCV("linear", OPENCV_LINEAR),
    OPENCV("linear_exact", OPENCV_LINEAR_EXACT),
    OPENCV("area", OPENCV_AREA),
    OPENCV("cubic", OPENCV_CUBIC),
    OPENCV("lanczos4", OPENCV_LANCZOS4),
    { VN_LIB_PILLOW, "nearest", -1, "", 0, 0, ALL, vn_resize_pillow, PILLOW_NEAREST },
    PILLOW("box", PILLOW_BOX),
    PILLOW("bilinear", PILLOW_BILINEAR),
    PILLOW("hamming", PILLOW_HAMMING),
    PILLOW("bicubic", PILLOW_BICUBIC),
    PILLOW("lanczos", PILLOW_LANCZOS),
    TORCHVISION("nearest", TORCH_NEAREST),
    TORCHVISION("nearest_exact", TORCH_NEAREST_EXACT),
    BOTH(VN_LIB_TORCHVISION, "bilinear", U8 | F32, vn_resize_torchvision, TORCH_BILINEAR, 1),
    BOTH(VN_LIB_TORCHVISION, "bicubic", U8 | F32, vn_resize_torchvision, TORCH_BICUBIC, 1),
    BOTH(VN_LIB_SKIMAGE, "order0", ALL, vn_resize_skimage, 0, 1),
    SKIMAGE("order1", 1),
    SKIMAGE("order3", 3),
};
#define N_RULES ((int)(sizeof rules / sizeof *rules))

const struct vn_resize_rule *vn_resize_rules(int *n)
{
    *n = N_RULES;
    return rules;
}

/* "12.2" or "12.2.0" -> 1202; NULL: newer than all. */
static int version_number(const char *text)
{
    int major = 0, minor = 0;
    if (!text)
        return INT_MAX;
    return sscanf(text, "%4d.%4d", &major, &minor) < 1 || major < 0 || minor < 0 ? -1 : major * 100 + minor;
}

static int no_rule(int lib, const char *library, const char *interpolation, struct vn_err *e)
{
    char words[256] = "", last[32] = "";
    for (int i = 0; i < N_RULES; i++)
        if ((int)rules[i].library == lib && strcmp(last, rules[i].interpolation)) {
            snprintf(last, sizeof last, "%s", rules[i].interpolation);
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", *words ? ", " : "", last);
        }
    return vn_fail(e, VN_E_INPUT, "resize: %s has no interpolation '%s'; expected %s", library, interpolation,
                   words);
}

int vn_resize_find(const struct vn_resize_rule **r, const char *library, const char *interpolation,
                   int antialias, const char *version, struct vn_err *e)
{
    const int lib = vn_library_find(library), v = version_number(version);
    int known = 0;
    if (lib < 0)
        return vn_fail(e, VN_E_INPUT,
                       "resize: unknown library '%s'; expected opencv, pillow, skimage or torchvision",
                       library);
    if (v < 0)
        return vn_fail(e, VN_E_INPUT, "resize: version '%s' of %s; expected numbers such as 4.10", version,
                       library);
    for (int i = 0; i < N_RULES; i++) {
        const struct vn_resize_rule *c = &rules[i];
        const int settings = antialias < 0 ? !c->other : c->antialias < 0 || c->antialias == antialias;
        const int holds = v >= c->from && (!c->until || v < c->until);
        known |= (int)c->library == lib && !strcmp(c->interpolation, interpolation);
        if ((int)c->library == lib && !strcmp(c->interpolation, interpolation) && settings && holds) {
            *r = c;
            return VN_OK;
        }
    }
    return known ? vn_fail(e, VN_E_UNSUPPORTED,
                           "resize: %s %s of version %s is not supported with these settings", library,
                           interpolation, version ? version : "latest")
                 : no_rule(lib, library, interpolation, e);
}

int vn_resize(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
              const struct vn_resize_rule *r, int w, int h, struct vn_err *e)
{
    const struct vn_picture from = *in;
    TRY(vn_picture_check_size(w, h, "resize", e));
    TRY(vn_picture_check_size(w, from.h, "resize", e));
    TRY(vn_picture_check_size(from.w, h, "resize", e));
    if (!(r->types >> from.type & 1))
        return vn_fail(e, VN_E_UNSUPPORTED, "resize: %s %s of %s pixels", vn_library_name(r->library),
                       r->interpolation, vn_pixel_name(from.type));
    if (from.c > VN_MAX_CHANNELS)
        return vn_fail(e, VN_E_UNSUPPORTED, "resize: %d channels; expected up to %d", from.c,
                       VN_MAX_CHANNELS);
    return r->run(out, a, &from, r, w, h, e);
}

void vn_resize_pillow_bilinear(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w,
                               int h)
{
    const struct vn_resize_rule *r;
    struct vn_err e;
    if (vn_resize_find(&r, "pillow", "bilinear", -1, "12.2", &e) == VN_OK)
        vn_resize(out, a, in, r, w, h, &e);
}

/* ---- sizes ---- */

/* One side becomes `size`, the other follows by a rounding. Integers first, as int(size * long / short) does.
 */
static void one_side(double *w, double *h, int in_w, int in_h, const int *arg, int n, int width,
                     double (*rounding)(double))
{
    const double size = arg[0];
    double other = rounding(size * (width ? in_h : in_w) / (width ? in_w : in_h)), mine = size;
    if (n > 1 && other > arg[1]) {
        mine = rounding(mine * arg[1] / other);
        other = arg[1];
    }
    *w = width ? mine : other;
    *h = width ? other : mine;
}

static void size_exact(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    (void)in_w;
    (void)in_h;
    *w = arg[0];
    *h = n > 1 ? arg[1] : arg[0];
}

#define ONE_SIDE(name, width, rounding) \
    static void name(double *w, double *h, int in_w, int in_h, const int *arg, int n) \
    { \
        one_side(w, h, in_w, in_h, arg, n, width, rounding); \
    }
ONE_SIDE(size_short, in_w <= in_h, floor)
ONE_SIDE(size_short_round, in_w <= in_h, rint)
ONE_SIDE(size_short_ceil, in_w <= in_h, ceil)
ONE_SIDE(size_long, in_w >= in_h, floor)
ONE_SIDE(size_long_round, in_w >= in_h, rint)
ONE_SIDE(size_long_ceil, in_w >= in_h, ceil)

/* Shorter side `short`, reduced so that the longer is at most `long` (Hugging Face's DETR: the shorter is
 * rounded, then the longer cut). */
static void short_long(double *w, double *h, int in_w, int in_h, const int *arg, int may_stay)
{
    const double lo = in_w < in_h ? in_w : in_h, hi = in_w < in_h ? in_h : in_w;
    double size = arg[0], raw = size;
    if (hi / lo * size > arg[1]) {
        raw = arg[1] * lo / hi;
        size = rint(raw);
    }
    if (lo == size && may_stay) {
        *w = in_w;
        *h = in_h;
        return;
    }
    const double other = floor((raw < arg[0] ? raw : size) * hi / lo);
    *w = in_w < in_h ? size : other;
    *h = in_w < in_h ? other : size;
    if (in_w == in_h)
        *w = *h = size;
}

static void size_short_long(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    (void)n;
    short_long(w, h, in_w, in_h, arg, 1);
}

static void size_short_long_yolos(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    (void)n;
    short_long(w, h, in_w, in_h, arg, in_w >= in_h);
}

static double same(double x) { return x; }
static double half_up(double x) { return floor(x + 0.5); }

static void scaled(double *w, double *h, int in_w, int in_h, double s, double (*rounding)(double))
{
    *w = rounding(in_w * s);
    *h = rounding(in_h * s);
}

static double ratio(const int *arg, int n, int in_w, int in_h, int cover)
{
    const double x = (double)arg[0] / in_w, y = (double)(n > 1 ? arg[1] : arg[0]) / in_h;
    return (x < y) != cover ? x : y;
}

static void size_fit(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    scaled(w, h, in_w, in_h, ratio(arg, n, in_w, in_h, 0), floor);
}

static void size_fit_round(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    scaled(w, h, in_w, in_h, ratio(arg, n, in_w, in_h, 0), rint);
}

static void size_fit_half_up(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    scaled(w, h, in_w, in_h, ratio(arg, n, in_w, in_h, 0), half_up);
}

static void size_cover(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    scaled(w, h, in_w, in_h, ratio(arg, n, in_w, in_h, 1), floor);
}

static void size_cover_round(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    scaled(w, h, in_w, in_h, ratio(arg, n, in_w, in_h, 1), rint);
}

static void size_scale(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    scaled(w, h, in_w, in_h, (double)arg[0] / (n > 1 ? arg[1] : 1), same);
}

static void size_least_scale(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    const double x = (double)arg[0] / in_w, y = (double)arg[n - 1] / in_h;
    scaled(w, h, in_w, in_h, fabs(1 - x) < fabs(1 - y) ? x : y, same);
}

static void size_each_scale(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    *w = (double)arg[0] / in_w * in_w;
    *h = (double)arg[n - 1] / in_h * in_h;
}

/* The number next to `x` (below or above, at least 1) whose aspect is nearest. */
static double nearest_aspect(double x, double other, double aspect, int x_is_width)
{
    const double lo = floor(x), hi = ceil(x);
    const double d_lo = fabs(aspect - (x_is_width ? lo / other : other / lo));
    const double d_hi = fabs(aspect - (x_is_width ? hi / other : other / hi));
    const double best = lo < 1 ? hi : d_hi < d_lo ? hi : lo;
    return best < 1 ? 1 : best;
}

/* PIL.Image.thumbnail: never larger than the image. */
static void size_thumbnail(double *w, double *h, int in_w, int in_h, const int *arg, int n)
{
    const double x = arg[0], y = n > 1 ? arg[1] : arg[0], aspect = (double)in_w / in_h;
    *w = x;
    *h = y;
    if (x >= in_w && y >= in_h) {
        *w = in_w;
        *h = in_h;
    } else if (x / y >= aspect)
        *w = nearest_aspect(y * aspect, y, aspect, 1);
    else
        *h = nearest_aspect(x / aspect, x, aspect, 0);
}

static const struct vn_size_rule sizes[] = {
    { "exact", "exact W [H]", 1, 2, size_exact },
    { "short_side", "short_side S [MAX]", 1, 2, size_short },
    { "short_side_round", "short_side_round S [MAX]", 1, 2, size_short_round },
    { "short_side_ceil", "short_side_ceil S [MAX]", 1, 2, size_short_ceil },
    { "long_side", "long_side S", 1, 1, size_long },
    { "long_side_round", "long_side_round S", 1, 1, size_long_round },
    { "long_side_ceil", "long_side_ceil S", 1, 1, size_long_ceil },
    { "short_long", "short_long SHORT LONG", 2, 2, size_short_long },
    { "short_long_yolos", "short_long_yolos SHORT LONG", 2, 2, size_short_long_yolos },
    { "fit", "fit W [H]", 1, 2, size_fit },
    { "fit_round", "fit_round W [H]", 1, 2, size_fit_round },
    { "fit_half_up", "fit_half_up W [H]", 1, 2, size_fit_half_up },
    { "cover", "cover W [H]", 1, 2, size_cover },
    { "cover_round", "cover_round W [H]", 1, 2, size_cover_round },
    { "scale", "scale NUMERATOR [DENOMINATOR]", 1, 2, size_scale },
    { "least_scale", "least_scale W [H]", 1, 2, size_least_scale },
    { "each_scale", "each_scale W [H]", 1, 2, size_each_scale },
    { "thumbnail", "thumbnail W [H]", 1, 2, size_thumbnail },
};
#define N_SIZES ((int)(sizeof sizes / sizeof *sizes))

const struct vn_size_rule *vn_size_rules(int *n)
{
    *n = N_SIZES;
    return sizes;
}

const struct vn_size_rule *vn_size_rule_find(const char *name)
{
    for (int i = 0; i < N_SIZES; i++)
        if (!strcmp(sizes[i].name, name))
            return &sizes[i];
    return NULL;
}

int vn_size_apply(int *w, int *h, const struct vn_size_rule *r, int in_w, int in_h, const int *arg, int n,
                  struct vn_err *e)
{
    return vn_size_multiple(w, h, r, in_w, in_h, arg, n, 1, VN_CROP_FLOOR, e);
}

int vn_size_multiple(int *w, int *h, const struct vn_size_rule *r, int in_w, int in_h, const int *arg, int n,
                     int multiple, enum vn_crop_rounding rounding, struct vn_err *e)
{
    double x = 0, y = 0;
    if (n < r->min_args || n > r->max_args)
        return vn_fail(e, VN_E_INPUT, "size rule %s: %d numbers, expected %s", r->name, n, r->usage);
    for (int i = 0; i < n; i++)
        if (arg[i] < 1)
            return vn_fail(e, VN_E_INPUT, "size rule %s: %d, expected 1 or more", r->name, arg[i]);
    r->size(&x, &y, in_w, in_h, arg, n);
    x = vn_rounded(x / multiple, rounding) * multiple;
    y = vn_rounded(y / multiple, rounding) * multiple;
    if (!(x >= 1 && y >= 1 && x * y <= (double)VN_MAX_PIXELS))
        return vn_fail(e, VN_E_INPUT, "size rule %s: an image of %d x %d would become %.0f x %.0f", r->name,
                       in_w, in_h, x, y);
    *w = (int)x;
    *h = (int)y;
    return VN_OK;
}
