/* The causes that tell two rules apart: a table. Each has a name, whether it differs, what a side does, and
 * the setting of a pipeline that says so. */
#include <math.h>
#include <stdio.h>

#include "align/align.h"
#include "align/rules.h"
#include "eval/metrics_boxes.h"

static int near(double x, double y, double of) { return fabs(x - y) <= 1e-4 * fabs(of) + 1e-9; }

/* ---- geometry ---- */

static int has_resize(const struct stage_rule *r)
{
    return r->geometry == GEO_RESIZE || r->geometry == GEO_LETTERBOX || r->geometry == GEO_RESIZE_CROP ||
           r->geometry == GEO_CROP_RESIZE;
}
static int has_crop(const struct stage_rule *r)
{
    return r->geometry == GEO_CROP || r->geometry == GEO_RESIZE_CROP || r->geometry == GEO_CROP_RESIZE;
}
static int both_resize(const struct stage_rule *l, const struct stage_rule *r)
{
    return has_resize(l) && has_resize(r);
}

/* The same method under the words of different libraries. */
static const char *method(const struct vn_resize_rule *r)
{
    static const char *const same[][2] = { { "bilinear", "linear" },     { "order1", "linear" },
                                           { "bicubic", "cubic" },       { "order3", "cubic" },
                                           { "order0", "nearest" },      { "lanczos4", "lanczos" },
                                           { "linear_exact", "linear" }, { "nearest_exact", "nearest" } };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!strcmp(r->interpolation, same[i][0]))
            return same[i][1];
    return r->interpolation;
}

/* -1: an average over areas, which has no such choice. */
static int antialias(const struct vn_resize_rule *r)
{
    if (r->library == VN_LIB_OPENCV && !strcmp(r->interpolation, "area"))
        return -1;
    return r->antialias >= 0 ? r->antialias
                             : r->library == VN_LIB_PILLOW && strcmp(r->interpolation, "nearest") != 0;
}

static const char *resize_text(struct vn_arena *a, const struct stage_rule *r)
{
    if (!has_resize(r))
        return "no resize";
    static const char *const with[] = { "", " without antialias", " with antialias" };
    return vn_arena_fmt(a, "%s %s%s%s%s%s", vn_library_name(r->rule->library), r->rule->interpolation,
                        with[antialias(r->rule) + 1], *r->rule->versions ? ", version " : "",
                        r->rule->versions, r->as_float ? ", on float32" : "");
}

static int other_library(const struct stage_rule *l, const struct stage_rule *r)
{
    return both_resize(l, r) && l->rule->library != r->rule->library;
}
static int other_method(const struct stage_rule *l, const struct stage_rule *r)
{
    return both_resize(l, r) &&
           (strcmp(method(l->rule), method(r->rule)) ||
            (l->rule->library == r->rule->library && strcmp(l->rule->interpolation, r->rule->interpolation)));
}
static int other_antialias(const struct stage_rule *l, const struct stage_rule *r)
{
    return both_resize(l, r) && antialias(l->rule) >= 0 && antialias(r->rule) >= 0 &&
           antialias(l->rule) != antialias(r->rule);
}
static int other_version(const struct stage_rule *l, const struct stage_rule *r)
{
    return both_resize(l, r) && l->rule->library == r->rule->library &&
           strcmp(l->rule->versions, r->rule->versions) != 0;
}
static int other_pixels(const struct stage_rule *l, const struct stage_rule *r)
{
    return both_resize(l, r) && l->as_float != r->as_float;
}

/* Size rules of one number that lead from the picture's size to the target's, as a set of (rule, number). */
struct size_ways {
    int n, rule[16], number[16];
};

static struct size_ways size_ways(const struct stage_rule *r)
{
    struct size_ways ways = { 0 };
    int n;
    const struct vn_size_rule *rules = vn_size_rules(&n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            struct vn_err e;
            int w, h;
            const int number = k ? r->h : r->w;
            if ((strncmp(rules[i].name, "short_side", 10) && strncmp(rules[i].name, "long_side", 9)) ||
                ways.n == 16 || (k && r->w == r->h))
                continue;
            if (vn_size_apply(&w, &h, &rules[i], r->in_w, r->in_h, &number, 1, &e) == VN_OK && w == r->w &&
                h == r->h) {
                ways.rule[ways.n] = i;
                ways.number[ways.n++] = number;
            }
        }
    return ways;
}

static int share_a_way(const struct stage_rule *l, const struct stage_rule *r)
{
    const struct size_ways a = size_ways(l), b = size_ways(r);
    for (int i = 0; i < a.n; i++)
        for (int k = 0; k < b.n; k++)
            if (a.rule[i] == b.rule[k] && a.number[i] == b.number[k])
                return 1;
    return 0;
}

static int same_input(const struct stage_rule *l, const struct stage_rule *r)
{
    return l->in_w == r->in_w && l->in_h == r->in_h;
}
static struct stage_rule transposed(const struct stage_rule *r)
{
    struct stage_rule t = *r;
    t.w = r->h;
    t.h = r->w;
    return t;
}

/* Different sizes of equal pictures; of different ones, sizes that no rule of both explains. */
static int sizes_differ(const struct stage_rule *l, const struct stage_rule *r)
{
    return both_resize(l, r) && (l->w != r->w || l->h != r->h) && (same_input(l, r) || !share_a_way(l, r));
}
static int exchanged_sizes(const struct stage_rule *l, const struct stage_rule *r)
{
    const struct stage_rule t = transposed(r);
    return sizes_differ(l, r) && ((l->w == t.w && l->h == t.h) || (!same_input(l, r) && share_a_way(l, &t)));
}
static int exchanged(const struct stage_rule *l, const struct stage_rule *r)
{
    return (l->geometry == GEO_EXCHANGED) != (r->geometry == GEO_EXCHANGED) || exchanged_sizes(l, r);
}
static int other_inner_size(const struct stage_rule *l, const struct stage_rule *r)
{
    const int inside =
        l->geometry == r->geometry && (l->geometry == GEO_LETTERBOX || l->geometry == GEO_RESIZE_CROP);
    return (sizes_differ(l, r) && !exchanged(l, r)) ||
           (inside && (strcmp(l->size_rule, r->size_rule) || l->number[0] != r->number[0]));
}

/* Rules that give this size from that picture, when one side of it is what was asked for. */
static const char *size_text(struct vn_arena *a, const struct stage_rule *r)
{
    const struct size_ways ways = size_ways(r);
    const char *text = vn_arena_fmt(a, "%d x %d", r->w, r->h);
    int n;
    const struct vn_size_rule *rules = vn_size_rules(&n);
    if (r->geometry == GEO_LETTERBOX)
        return vn_arena_fmt(a, "%s in %s", r->size_rule, text);
    if (r->geometry == GEO_RESIZE_CROP)
        return vn_arena_fmt(a, r->numbers == 2 ? "%s %d %d" : "%s %d", r->size_rule, r->number[0],
                            r->number[1]);
    for (int i = 0; i < ways.n; i++)
        text = vn_arena_fmt(a, "%s%s%s %d", text, i ? ", " : " = ", rules[ways.rule[i]].name, ways.number[i]);
    return text;
}

static const char *exchanged_text(struct vn_arena *a, const struct stage_rule *r)
{
    return has_resize(r)                  ? vn_arena_fmt(a, "%d x %d", r->w, r->h)
           : r->geometry == GEO_EXCHANGED ? "rows and columns swapped"
                                          : "unchanged";
}

static int turned(const struct stage_rule *r) { return r->geometry == GEO_ORIENTED ? r->orientation : 1; }
static int other_orientation(const struct stage_rule *l, const struct stage_rule *r)
{
    return turned(l) != turned(r);
}
static const char *orientation_text(struct vn_arena *a, const struct stage_rule *r)
{
    return turned(r) == 1 ? "unchanged" : vn_arena_fmt(a, "rotated by EXIF orientation %d", turned(r));
}

static int other_crop(const struct stage_rule *l, const struct stage_rule *r)
{
    return (has_crop(l) && has_crop(r) &&
            (l->rounding != r->rounding || l->dx != r->dx || l->dy != r->dy || l->absolute != r->absolute ||
             l->fraction != r->fraction)) ||
           (l->geometry == GEO_SHIFT) != (r->geometry == GEO_SHIFT);
}
static const char *crop_text(struct vn_arena *a, const struct stage_rule *r)
{
    if (r->geometry == GEO_SHIFT)
        return vn_arena_fmt(a, "shifted by (%d, %d)", r->dx, r->dy);
    if (!has_crop(r))
        return "unchanged";
    if (r->geometry == GEO_CROP_RESIZE)
        return vn_arena_fmt(a, "centre, %s, rounding %s",
                            r->fraction ? vn_arena_fmt(a, "%g of each side", r->fraction)
                                        : "square of the short side",
                            vn_crop_rounding_name(r->rounding));
    const char *at = r->dx || r->dy ? vn_arena_fmt(a, ", then shifted by (%d, %d)", r->dx, r->dy) : "";
    return r->absolute ? vn_arena_fmt(a, "from (%d, %d)", r->dx, r->dy)
                       : vn_arena_fmt(a, "centre, rounding %s%s", vn_crop_rounding_name(r->rounding), at);
}

static int padded(const struct stage_rule *r)
{
    return r->geometry == GEO_PAD || r->geometry == GEO_LETTERBOX;
}
static int other_pad_value(const struct stage_rule *l, const struct stage_rule *r)
{
    int differ = 0;
    for (int i = 0; i < 3; i++)
        differ |= l->pad[i] != r->pad[i];
    return padded(l) && padded(r) && differ;
}
static const char *pad_value_text(struct vn_arena *a, const struct stage_rule *r)
{
    return vn_arena_fmt(a, "%g, %g, %g", r->pad[0], r->pad[1], r->pad[2]);
}
static int other_pad_position(const struct stage_rule *l, const struct stage_rule *r)
{
    return padded(l) && padded(r) && l->position != r->position;
}
static const char *pad_position_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return vn_pad_position_name(r->position);
}

static enum geometry_rule group(const struct stage_rule *r)
{
    return r->geometry == GEO_EXCHANGED || r->geometry == GEO_ORIENTED || r->geometry == GEO_SHIFT
               ? GEO_SAME
               : r->geometry;
}
static int other_geometry(const struct stage_rule *l, const struct stage_rule *r)
{
    return group(l) != group(r);
}
static const char *geometry_text(struct vn_arena *a, const struct stage_rule *r)
{
    static const char *const names[] = { [GEO_SAME] = "size unchanged",
                                         [GEO_CROP] = "crop",
                                         [GEO_PAD] = "pad",
                                         [GEO_RESIZE] = "resize",
                                         [GEO_LETTERBOX] = "letterbox",
                                         [GEO_RESIZE_CROP] = "resize and crop",
                                         [GEO_CROP_RESIZE] = "crop and resize" };
    const char *how = r->geometry == GEO_RESIZE_CROP
                          ? vn_arena_fmt(a, "resize to %s, crop to %d x %d", size_text(a, r), r->w, r->h)
                          : names[group(r)];
    return has_resize(r) ? vn_arena_fmt(a, "%s by %s", how, resize_text(a, r)) : how;
}

/* ---- channels ---- */

static void order_of(int o[3], const struct stage_rule *r)
{
    for (int i = 0; i < 3; i++)
        o[i] = r->channels == CHAN_ORDER ? r->order[i] : i;
}
static int other_order(const struct stage_rule *l, const struct stage_rule *r)
{
    int a[3], b[3];
    order_of(a, l);
    order_of(b, r);
    return memcmp(a, b, sizeof a) != 0 || l->bgr != r->bgr;
}
static const char *order_text(struct vn_arena *a, const struct stage_rule *r)
{
    int o[3];
    order_of(o, r);
    return r->channels >= CHAN_GRAY ? r->bgr ? "read as B, G, R" : "read as R, G, B"
                                    : vn_arena_fmt(a, "channels %d, %d, %d", o[0], o[1], o[2]);
}

static enum channel_rule conversion(const struct stage_rule *r)
{
    return r->channels == CHAN_ORDER ? CHAN_SAME : r->channels;
}
static int is_yuv(const struct stage_rule *r) { return r->channels >= CHAN_YUV; }
static int both_yuv(const struct stage_rule *l, const struct stage_rule *r) { return is_yuv(l) && is_yuv(r); }

static int other_gray(const struct stage_rule *l, const struct stage_rule *r)
{
    return l->channels == CHAN_GRAY && r->channels == CHAN_GRAY && l->library != r->library;
}
static const char *gray_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return vn_library_name(r->library);
}
static int other_conversion(const struct stage_rule *l, const struct stage_rule *r)
{
    return conversion(l) != conversion(r);
}
static int sub_sampled(const struct stage_rule *r) { return is_yuv(r) && r->yuv_layout != VN_YUV444; }
static int other_chroma(const struct stage_rule *l, const struct stage_rule *r)
{
    return sub_sampled(l) != sub_sampled(r) ||
           (both_yuv(l, r) && sub_sampled(l) &&
            (l->yuv.down != r->yuv.down || l->yuv.up != r->yuv.up || l->yuv_layout != r->yuv_layout));
}
static const char *chroma_text(struct vn_arena *a, const struct stage_rule *r)
{
    return !sub_sampled(r) ? "chroma for every pixel"
                           : vn_arena_fmt(a, "%s, chroma down %s, up %s", vn_yuv_layout_name(r->yuv_layout),
                                          vn_chroma_down_name(r->yuv.down), vn_chroma_up_name(r->yuv.up));
}
static int ranged(const struct stage_rule *r)
{
    return r->values == VALUE_TO_VIDEO  ? VN_YUV_VIDEO
           : r->values == VALUE_TO_FULL ? 2
           : is_yuv(r)                  ? (int)r->yuv.range
                                        : 0;
}
static int other_range(const struct stage_rule *l, const struct stage_rule *r)
{
    return (both_yuv(l, r) || l->values >= VALUE_TO_VIDEO || r->values >= VALUE_TO_VIDEO) &&
           l->values <= VALUE_TO_FULL && r->values <= VALUE_TO_FULL && ranged(l) != ranged(r);
}
static const char *range_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return ranged(r) == VN_YUV_VIDEO ? "video range (16..235)"
           : ranged(r) == 2          ? "video range expanded to full"
                                     : "full range";
}
static const char *conversion_text(struct vn_arena *a, const struct stage_rule *r)
{
    static const char *const names[] = { [CHAN_SAME] = "colours unchanged",
                                         [CHAN_GRAY] = "gray",
                                         [CHAN_YUV] = "to YUV",
                                         [CHAN_FROM_YUV] = "from YUV",
                                         [CHAN_THROUGH_YUV] = "to YUV and back" };
    return is_yuv(r)
               ? vn_arena_fmt(a, "%s (%s, %s)", names[conversion(r)], range_text(a, r), chroma_text(a, r))
               : names[conversion(r)];
}
static int other_yuv_rule(const struct stage_rule *l, const struct stage_rule *r)
{
    return both_yuv(l, r) && l->yuv.rule != r->yuv.rule;
}
static const char *yuv_rule_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return r->yuv.rule == VN_YUV_OPENCV ? "OpenCV fixed point" : "rounded once";
}

/* ---- values ---- */

static int linear(const struct stage_rule *r) { return r->values <= VALUE_AFFINE; }
static double gain(const struct stage_rule *r, int c) { return r->values == VALUE_AFFINE ? r->gain[c] : 1; }
static double offset(const struct stage_rule *r, int c)
{
    return r->values == VALUE_AFFINE ? r->offset[c] : 0;
}

static int other_line(const struct stage_rule *l, const struct stage_rule *r)
{
    int differ = 0;
    for (int c = 0; c < 3; c++)
        differ |= !near(gain(l, c), gain(r, c), gain(l, c)) ||
                  fabs(offset(l, c) - offset(r, c)) > 1e-4 * (fabs(offset(l, c)) + fabs(gain(l, c)) * 255);
    return linear(l) && linear(r) && differ;
}

/* Is every channel of `r` what `f` makes of `l`? */
static int all_channels(const struct stage_rule *l, const struct stage_rule *r,
                        int (*f)(const struct stage_rule *, const struct stage_rule *, int))
{
    return f(l, r, 0) && f(l, r, 1) && f(l, r, 2);
}
static int same_line(const struct stage_rule *l, double g, double o, const struct stage_rule *r, int c)
{
    (void)l;
    return near(gain(r, c), g, g) && fabs(offset(r, c) - o) <= 1e-4 * (fabs(o) + fabs(g) * 255);
}
static int scaled_255(const struct stage_rule *l, const struct stage_rule *r, int c)
{
    return same_line(l, gain(l, c) * 255, offset(l, c), r, c);
}
static int twice_1(const struct stage_rule *l, const struct stage_rule *r, int c)
{
    return same_line(l, gain(l, c) * gain(l, c), gain(l, c) * offset(l, c) + offset(l, c), r, c);
}
static int twice_255(const struct stage_rule *l, const struct stage_rule *r, int c)
{
    return same_line(l, 255 * gain(l, c) * gain(l, c), 255 * gain(l, c) * offset(l, c) + offset(l, c), r, c);
}
static int reversed(const struct stage_rule *l, const struct stage_rule *r, int c)
{
    return same_line(l, gain(l, 2 - c), offset(l, 2 - c), r, c);
}

#define EITHER(f) (all_channels(l, r, f) || all_channels(r, l, f))
static int missing_255(const struct stage_rule *l, const struct stage_rule *r)
{
    return other_line(l, r) && EITHER(scaled_255);
}
static int twice(const struct stage_rule *l, const struct stage_rule *r)
{
    return other_line(l, r) && !missing_255(l, r) && (EITHER(twice_1) || EITHER(twice_255));
}
static int line_order(const struct stage_rule *l, const struct stage_rule *r)
{
    return other_line(l, r) && !missing_255(l, r) && !twice(l, r) && EITHER(reversed);
}
static int other_recipe(const struct stage_rule *l, const struct stage_rule *r)
{
    return other_line(l, r) && !missing_255(l, r) && !twice(l, r) && !line_order(l, r);
}

static const char *line_text(struct vn_arena *a, const struct stage_rule *r)
{
    const char *mean = "", *scale = "";
    for (int c = 0; c < 3; c++) {
        mean = vn_arena_fmt(a, "%s%s%.6g", mean, c ? ", " : "", -offset(r, c) / gain(r, c) + 0.0);
        scale = vn_arena_fmt(a, "%s%s%s", scale, c ? ", " : "", vn_rule_number(a, gain(r, c)));
    }
    return vn_arena_fmt(a, "(x - [%s]) * [%s]", mean, scale);
}

static int odd_values(const struct stage_rule *r)
{
    return r->values > VALUE_AFFINE && r->values != VALUE_TO_VIDEO && r->values != VALUE_TO_FULL;
}
static int other_values(const struct stage_rule *l, const struct stage_rule *r)
{
    return (odd_values(l) || odd_values(r)) && (l->values != r->values || l->gain[0] != r->gain[0]) &&
           l->values != VALUE_HEADER && r->values != VALUE_HEADER;
}
static const char *values_text(struct vn_arena *a, const struct stage_rule *r)
{
    static const char *const names[] = { [VALUE_SAME] = "values unchanged",
                                         [VALUE_AFFINE] = "scaled values",
                                         [VALUE_MINUS_128] = "pixel - 128",
                                         [VALUE_WRAP_INT8] = "bytes read as int8",
                                         [VALUE_TRUNCATED] = "fractions truncated",
                                         [VALUE_ROUNDED] = "rounded",
                                         [VALUE_WRAP_UINT8] = "wrapped into uint8",
                                         [VALUE_TO_VIDEO] = "video range",
                                         [VALUE_TO_FULL] = "full range",
                                         [VALUE_BYTES] = "bytes read as another type",
                                         [VALUE_HEADER] = ".npy header read as pixels" };
    const int scaled = r->values >= VALUE_TRUNCATED && r->values <= VALUE_WRAP_UINT8 && r->gain[0] != 1;
    return vn_arena_fmt(a, "%s%s (%s)", scaled ? "times 255, " : "", names[r->values], r->dtype);
}
static int header(const struct stage_rule *l, const struct stage_rule *r)
{
    return (l->values == VALUE_HEADER) != (r->values == VALUE_HEADER);
}

static const char *core(const char *layout) { return layout ? *layout == 'N' ? layout + 1 : layout : ""; }
static int other_layout(const struct stage_rule *l, const struct stage_rule *r)
{
    return strcmp(core(l->layout), core(r->layout)) != 0 && l->values < VALUE_BYTES &&
           r->values < VALUE_BYTES;
}
static const char *layout_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return r->layout ? r->layout : "not an image";
}

/* ---- files ---- */

static int other_decoder(const struct stage_rule *l, const struct stage_rule *r)
{
    return l->decoder && r->decoder && l->decoder != r->decoder;
}
static const char *decoder_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return r->decoder->text;
}

/* ---- outputs ---- */

static int other_output(const struct stage_rule *l, const struct stage_rule *r)
{
    return l->taken_from && r->taken_from && strcmp(l->taken_from, r->taken_from) != 0;
}
static const char *output_text(struct vn_arena *a, const struct stage_rule *r)
{
    return vn_arena_fmt(a, "output '%s' of the left side", r->taken_from);
}

/* ---- lists ---- */

static int lists(const struct stage_rule *l, const struct stage_rule *r) { return l->is_list && r->is_list; }
static int suppressing(const struct stage_rule *r) { return r->list.nms != NMS_NONE; }

static int other_nms(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.nms != r->list.nms;
}
static const char *nms_text(struct vn_arena *a, const struct stage_rule *r)
{
    static const char *const names[] = { [NMS_NONE] = "no suppression",
                                         [NMS_TORCHVISION] = "torchvision.ops.nms",
                                         [NMS_OPENCV] = "cv2.dnn.NMSBoxes" };
    (void)a;
    return names[r->list.nms];
}
static int other_iou(const struct stage_rule *l, const struct stage_rule *r)
{
    int common = 0;
    for (int t = 1; t < 100; t++)
        common |= l->list.iou[t] && r->list.iou[t];
    return lists(l, r) && suppressing(l) && suppressing(r) && !common;
}
static const char *iou_text(struct vn_arena *a, const struct stage_rule *r)
{
    static const int steps[] = { 50, 10, 5, 1 };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        for (int t = steps[i]; t < 100; t += steps[i])
            if (r->list.iou[t])
                return vn_arena_fmt(a, "overlap above %g", t / 100.0);
    return "no overlap";
}
static int other_class_rule(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && suppressing(l) && suppressing(r) && l->list.per_class != r->list.per_class;
}
static const char *class_rule_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return r->list.per_class ? "each class separately" : "all classes together";
}
static int other_score(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && (l->list.above >= r->list.upto || r->list.above >= l->list.upto);
}
/* A number that people write, of those between which there was no score. */
static double usual_score(double from, double to)
{
    static const double usual[] = { 0.5, 0.25, 0.05, 0.01, 0.001, 0.1, 0.3, 0.4, 0.2, 0.6, 0.7, 0.02, 0.005 };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i] >= from && usual[i] < to)
            return usual[i];
    for (double u = 0.1; u > 1e-8; u /= 10)
        if (ceil(from / u) * u < to)
            return ceil(from / u) * u;
    return from;
}
static const char *score_text(struct vn_arena *a, const struct stage_rule *r)
{
    const double lo = r->list.above, hi = r->list.upto;
    if (lo == -INFINITY)
        return hi == INFINITY ? "every score" : vn_arena_fmt(a, "every score (>= %.4g)", hi);
    return vn_arena_fmt(a, "scores above %.8g (any threshold from %.4g to %.4g fits)", usual_score(lo, hi),
                        lo, hi);
}
static int other_most(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.most != r->list.most;
}
static const char *most_text(struct vn_arena *a, const struct stage_rule *r)
{
    return r->list.most ? vn_arena_fmt(a, "at most %d", r->list.most) : "no limit";
}
static int other_sorting(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.by_score != r->list.by_score;
}
static const char *sorting_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return r->list.by_score ? "by descending score" : "in original order";
}
static int other_format(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.format != r->list.format;
}
static const char *format_text(struct vn_arena *a, const struct stage_rule *r)
{
    (void)a;
    return vn_list_format_name(r->list.format);
}
static int other_place(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.led != r->list.led;
}
static const char *place_text(struct vn_arena *a, const struct stage_rule *r)
{
    const struct list_rule *q = &r->list;
    return q->led ? vn_arena_fmt(a, "in the first image x * %.6g %+.4g, y * %.6g %+.4g", q->gain[0],
                                 q->offset[0], q->gain[1], q->offset[1])
                  : "unchanged";
}
static const char *digits_text(struct vn_arena *a, int digits)
{
    return digits == LIST_EXACT       ? "unchanged"
           : digits == LIST_TRUNCATED ? "fractions truncated"
           : digits                   ? vn_arena_fmt(a, "rounded to %d decimals", digits)
                                      : "rounded to integers";
}
static int other_box_digits(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.box_digits != r->list.box_digits;
}
static const char *box_digits_text(struct vn_arena *a, const struct stage_rule *r)
{
    return digits_text(a, r->list.box_digits);
}
static int other_score_digits(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.score_digits != r->list.score_digits;
}
static const char *score_digits_text(struct vn_arena *a, const struct stage_rule *r)
{
    return digits_text(a, r->list.score_digits);
}
static int other_numbers(const struct stage_rule *l, const struct stage_rule *r)
{
    return lists(l, r) && l->list.class_offset != r->list.class_offset;
}
static const char *numbers_text(struct vn_arena *a, const struct stage_rule *r)
{
    return r->list.class_offset ? vn_arena_fmt(a, "%+d", r->list.class_offset) : "unchanged";
}

/* ---- the table ---- */

static const struct cause causes[] = {
    { "decoder", "decode", other_decoder, decoder_text, "decode: library, dct, upsampling, reduce, order" },
    { "geometry", "resize, crop, pad", other_geometry, geometry_text, "the step itself" },
    { "decoder orientation", "decode", other_orientation, orientation_text, "decode: orientation" },
    { "width and height swapped", "resize, layout", exchanged, exchanged_text, "resize: size" },
    { "resize library", "resize", other_library, resize_text, "resize: library" },
    { "interpolation", "resize", other_method, resize_text, "resize: interpolation" },
    { "antialias", "resize", other_antialias, resize_text, "resize: antialias" },
    { "library version", "resize", other_version, resize_text, "resize: version" },
    { "pixel type before resize", "resize", other_pixels, resize_text, "dtype before resize" },
    { "rounding of the size", "resize, letterbox", other_inner_size, size_text, "resize: rule" },
    { "crop", "crop", other_crop, crop_text, "center_crop: rounding" },
    { "pad value", "pad, letterbox", other_pad_value, pad_value_text, "pad_to: value" },
    { "pad position", "pad, letterbox", other_pad_position, pad_position_text, "pad_to: position" },
    { "channel order", "colour", other_order, order_text, "colour: to" },
    { "colour conversion", "colour, yuv", other_conversion, conversion_text, "the step itself" },
    { "gray rule", "colour", other_gray, gray_text, "colour: library" },
    { "chroma", "yuv", other_chroma, chroma_text, "yuv: layout, down, up" },
    { "range", "yuv", other_range, range_text, "yuv: range" },
    { "yuv arithmetic", "yuv", other_yuv_rule, yuv_rule_text, "yuv: rule" },
    { "missing /255", "normalise", missing_255, line_text, "normalise: divide" },
    { "normalised twice", "normalise", twice, line_text, "normalise: remove one" },
    { "order of mean and std", "normalise", line_order, line_text, "normalise: mean, std" },
    { "mean and std", "normalise", other_recipe, line_text, "normalise: mean, std" },
    { "value type", "dtype", other_values, values_text, "dtype: to" },
    { ".npy header read as pixels", "file", header, values_text, "cal_data_type, the file's name" },
    { "layout", "layout", other_layout, layout_text, "layout: to" },
    { "outputs by position", "outputs", other_output, output_text, "outputs taken by name" },
    { "suppression", "boxes", other_nms, nms_text, "suppression function (eval: --nms)" },
    { "overlap threshold", "boxes", other_iou, iou_text, "suppression threshold (eval: --nms-iou)" },
    { "classes in suppression", "boxes", other_class_rule, class_rule_text,
      "classes of the suppression (eval: --nms-classes)" },
    { "score threshold", "boxes", other_score, score_text, "score threshold (eval: --score-min)" },
    { "number of boxes", "boxes", other_most, most_text, "limit (eval: --max-boxes)" },
    { "order of boxes", "boxes", other_sorting, sorting_text, "order of the boxes" },
    { "box format", "boxes", other_format, format_text, "format of the boxes" },
    { "box coordinates", "boxes, COCO results", other_place, place_text,
      "mapping from network to image coordinates: scale, padding" },
    { "rounding of boxes", "boxes, COCO results", other_box_digits, box_digits_text,
      "rounding of written results (eval: --round-boxes)" },
    { "rounding of scores", "scores, COCO results", other_score_digits, score_digits_text,
      "rounding of written results (eval: --round-scores)" },
    { "class numbers", "classes, COCO results", other_numbers, numbers_text,
      "table of class numbers (eval: --category-ids)" },
};

const struct cause *vn_causes(int *n)
{
    *n = (int)(sizeof causes / sizeof *causes);
    return causes;
}
