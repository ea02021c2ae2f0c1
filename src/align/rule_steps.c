/* A rule as steps of a pipeline, in the short form. */
#include <math.h>
#include <stdio.h>

#include "align/align.h"
#include "align/rules.h"

/* Steps so far; NULL: it cannot be said. */
struct text {
    struct vn_arena *a;
    const char *s;
};

#define ADD(t, ...) add(t, vn_arena_fmt((t)->a, __VA_ARGS__))

static void add(struct text *t, const char *step)
{
    t->s = t->s ? vn_arena_fmt(t->a, "%s%s%s", t->s, *t->s ? "; " : "", step) : NULL;
}

static const char *numbers(struct vn_arena *a, const double *v, int n)
{
    const char *s = "";
    int same = 1;
    for (int i = 1; i < n; i++)
        same &= v[i] == v[0];
    for (int i = 0; i < (same ? 1 : n); i++)
        s = vn_arena_fmt(a, "%s%s%s", s, i ? "," : "", vn_rule_number(a, v[i]));
    return s;
}

/* " library=opencv interpolation=linear ..." */
static const char *method(struct vn_arena *a, const struct vn_resize_rule *r)
{
    static const char *const antialias[] = { "", " antialias=off", " antialias=on" };
    const int version = r->from ? r->from : r->until ? r->until - 1 : 0;
    return vn_arena_fmt(a, " library=%s interpolation=%s%s%s", vn_library_name(r->library), r->interpolation,
                        antialias[r->antialias + 1],
                        version ? vn_arena_fmt(a, " version=%d.%d", version / 100, version % 100) : "");
}

static const char *size(struct vn_arena *a, const struct stage_rule *r)
{
    return vn_arena_fmt(a, r->numbers == 2 ? "resize %d %d%s%s" : "resize %d%.0d%s%s", r->number[0],
                        r->numbers == 2 ? r->number[1] : 0,
                        strcmp(r->size_rule, "exact") ? vn_arena_fmt(a, " rule=%s", r->size_rule) : "",
                        method(a, r->rule));
}

static void geometry(struct text *t, const struct stage_rule *r, int channels)
{
    const char *crop =
        vn_arena_fmt(t->a, "center_crop %d %d rounding=%s", r->w, r->h, vn_crop_rounding_name(r->rounding));
    const char *pad = vn_arena_fmt(t->a, "value=%s position=%s", numbers(t->a, r->pad, channels),
                                   vn_pad_position_name(r->position));
    const int moved = r->dx || r->dy;
    if (r->as_float)
        t->s = NULL;
    switch (r->geometry) {
    case GEO_SAME: return;
    case GEO_EXCHANGED:
    case GEO_ORIENTED: ADD(t, "orient %d", r->geometry == GEO_EXCHANGED ? 5 : r->orientation); return;
    case GEO_CROP:
        if (r->absolute)
            ADD(t, "crop %d %d %d %d", r->dx, r->dy, r->w, r->h);
        else
            add(moved ? &(struct text){ 0 } : t, crop);
        t->s = moved && !r->absolute ? NULL : t->s;
        return;
    case GEO_PAD: ADD(t, "pad_to %d %d %s", r->w, r->h, pad); return;
    case GEO_RESIZE:
        if (r->size_rule)
            add(t, size(t->a, r));
        else
            t->s = NULL;
        return;
    case GEO_LETTERBOX:
        ADD(t, "letterbox %d %d rule=%s%s %s", r->w, r->h, r->size_rule, method(t->a, r->rule), pad);
        return;
    case GEO_RESIZE_CROP:
        add(t, size(t->a, r));
        add(t, crop);
        return;
    default: t->s = NULL;
    }
}

static void colours(struct text *t, const struct stage_rule *r)
{
    static const char *const rules[] = { [VN_YUV_EXACT] = "exact", [VN_YUV_OPENCV] = "opencv" };
    const int exchanged = r->order[0] == 2 && r->order[1] == 1 && r->order[2] == 0;
    const char *yuv =
        vn_arena_fmt(t->a, "layout=%s rule=%s range=%s down=%s up=%s", vn_yuv_layout_name(r->yuv_layout),
                     rules[r->yuv.rule], r->yuv.range == VN_YUV_VIDEO ? "video" : "full",
                     vn_chroma_down_name(r->yuv.down), vn_chroma_up_name(r->yuv.up));
    if (r->bgr || (r->channels == CHAN_ORDER && !exchanged) || r->channels == CHAN_FROM_YUV)
        t->s = NULL;
    else if (r->channels == CHAN_ORDER)
        add(t, "swap");
    else if (r->channels == CHAN_GRAY)
        ADD(t, "colour gray library=%s", vn_library_name(r->library));
    else if (r->channels == CHAN_THROUGH_YUV)
        ADD(t, "yuv rgb %s", yuv);
    else if (r->channels == CHAN_YUV)
        ADD(t, "yuv %s %s", r->unpacked || r->yuv_layout == VN_YUV444 ? "yuv444" : "planes", yuv);
}

static void values(struct text *t, const struct stage_rule *r, int channels)
{
    double mean[VN_MAX_CHANNELS];
    for (int c = 0; c < VN_MAX_CHANNELS; c++)
        mean[c] = -r->offset[c] / r->gain[c] + 0.0;
    if (r->values == VALUE_AFFINE)
        ADD(t, "normalise mean=%s scale=%s", numbers(t->a, mean, channels), numbers(t->a, r->gain, channels));
    else if (r->values == VALUE_MINUS_128)
        ADD(t, "dtype %s minus_128=true", r->dtype);
    else if (r->values == VALUE_SAME && strcmp(r->dtype, r->from_dtype) &&
             !(r->rule && r->rule->library == VN_LIB_SKIMAGE))
        ADD(t, "dtype %s", r->dtype);
    else if (r->values != VALUE_SAME)
        t->s = NULL;
}

const char *vn_rule_steps(struct vn_arena *a, const struct stage_rule *r)
{
    struct text t = { a, r->is_list || r->taken_from || !r->layout ? NULL : "" };
    if (!t.s)
        return NULL;
    const int channels = strcmp(r->layout, "HW") ? 3 : 1;
    const char *from = r->from_layout ? r->from_layout : channels == 1 ? "HW" : "HWC";
    if (r->decoder)
        add(&t, r->decoder->steps);
    geometry(&t, r, channels);
    colours(&t, r);
    values(&t, r, channels);
    if (channels > 1 && strcmp(r->layout, from))
        ADD(&t, "layout %s", r->layout);
    return t.s;
}
