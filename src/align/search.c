/* What one side does in a stage: the rule that leads from its input to its output, exactly. A rule has
 * geometry, channels, values and layout, and each is found by itself, cheap tests first. */
#include "align/search.h"

#include <math.h>
#include <stdlib.h>

#include "align/composed.h"

/* ---- accepting ---- */

struct grid *vn_search_input(struct search *s, int i, const struct stage_rule *r)
{
    return r->decoder ? vn_search_decoded(s, i, r->decoder) : &s->pair[i].x;
}

int vn_search_holds(struct search *s, struct stage_rule *r, int i)
{
    if (r->is_list)
        return vn_list_holds(r, &s->pair[i], s->relation);
    struct grid *x = vn_search_input(s, i, r);
    struct vn_arena *a = vn_arena_new();
    const int holds = vn_rule_holds(r, a, x, &s->pair[i].y);
    vn_arena_free(&a);
    return holds;
}

/* Keeps a rule that holds on all pairs that are searched. */
static void accept(struct search *s, const struct stage_rule *r)
{
    struct stage_rule ok = *r;
    ok.decoder = s->decoder;
    const struct grid *x = vn_search_input(s, 0, &ok);
    for (int i = 1; i < s->n; i++) {
        struct stage_rule one = ok;
        if (!vn_search_holds(s, &one, i))
            return;
    }
    ok.layout = s->pair[0].y.layout;
    ok.dtype = vn_dtype_name(s->pair[0].y.t->dtype);
    ok.from_layout = s->decoder ? NULL : x->layout;
    ok.from_dtype = vn_dtype_name(x->t->dtype);
    ok.in_w = x->p.w;
    ok.in_h = x->p.h;
    ok.w = s->pair[0].y.p.w;
    ok.h = s->pair[0].y.p.h;
    if (s->n_found < MOST_RULES)
        s->found[s->n_found++] = ok;
}

/* ---- values ---- */

static int try_value(struct search *s, struct stage_rule r, const struct vn_picture *p, enum value_rule v,
                     double scale)
{
    const struct grid *y = &s->pair[0].y;
    s->tried++;
    r.values = v;
    for (int c = 0; c < VN_MAX_CHANNELS && v != VALUE_AFFINE; c++)
        r.gain[c] = scale;
    if (!vn_rule_possible(p, NULL, y, &r))
        return 0;
    r.left = vn_rule_values(&r.left_count, p, y, &r);
    if (r.left_count)
        return 0;
    accept(s, &r);
    return 1;
}

static int try_values(struct search *s, struct stage_rule r, const struct vn_picture *p)
{
    const struct grid *y = &s->pair[0].y;
    const int floats = vn_dtype_is_float(y->t->dtype), bytes = p->type == VN_PIXEL_U8;
    if (p->w != y->p.w || p->h != y->p.h || p->c != y->p.c)
        return 0;
    if (try_value(s, r, p, VALUE_SAME, 1))
        return 1;
    if (y->t->dtype == VN_I8 && bytes &&
        (try_value(s, r, p, VALUE_MINUS_128, 1) || try_value(s, r, p, VALUE_WRAP_INT8, 1)))
        return 1;
    if (y->t->dtype == VN_I8 && s->relation &&
        s->pair[0].x.t->dtype == VN_I8) { /* one of the two was wrapped */
        struct vn_picture q = *p;
        struct vn_err e;
        if (vn_picture_new(&q, s->a, p->w, p->h, p->c, VN_PIXEL_F32, &e) == VN_OK) {
            for (size_t i = 0, n = vn_picture_values(p); i < n; i++)
                q.f32[i] = (float)(vn_picture_value(p, i) + 128);
            if (try_value(s, r, &q, VALUE_WRAP_INT8, 1))
                return 1;
        }
    }
    if (bytes && !floats)
        return try_value(s, r, p, VALUE_TO_VIDEO, 1) || try_value(s, r, p, VALUE_TO_FULL, 1);
    if (!floats) {
        static const enum value_rule casts[] = { VALUE_TRUNCATED, VALUE_ROUNDED, VALUE_WRAP_UINT8 };
        for (int i = 0; i < 6; i++)
            if (try_value(s, r, p, casts[i / 2], i % 2 ? 255 : 1))
                return 1;
        return 0;
    }
    s->tried++;
    if (!vn_fit_line(&r, p, y))
        return 0;
    accept(s, &r);
    return 1;
}

/* ---- channels ---- */

#define TILE 64 /* rows that a quick look converts; the last ones miss their neighbours */

/* Do the first rows agree? Colour conversions look no further than the next rows. Small pictures are not
 * worth the look. */
static int top_agrees(struct search *s, struct stage_rule r, const struct vn_picture *p)
{
    struct grid y = s->pair[0].y;
    struct vn_picture q;
    struct vn_err e;
    int64_t different;
    if (p->h < 2 * TILE || y.p.h != p->h || y.p.w != p->w)
        return 1;
    struct vn_arena *a = vn_arena_new();
    int ok = vn_crop(&q, a, p, 0, 0, p->w, TILE, &e) == VN_OK && vn_rule_channels(&q, a, &q, &r) &&
             q.h == TILE && vn_crop(&q, a, &q, 0, 0, q.w, TILE - 4, &e) == VN_OK &&
             vn_crop(&y.p, a, &y.p, 0, 0, y.p.w, TILE - 4, &e) == VN_OK;
    if (ok) {
        vn_rule_values(&different, &q, &y, &r);
        ok = !different || (vn_dtype_is_float(y.t->dtype) && vn_fit_line(&r, &q, &y));
    }
    vn_arena_free(&a);
    return ok;
}

static void try_yuv(struct search *s, const struct stage_rule *base, const struct vn_picture *p)
{
    const struct grid *y = &s->pair[0].y;
    const int same = p->w == y->p.w && p->h == y->p.h && p->c == 3 && y->p.c == 3;
    const int planes = p->c == 3 && y->p.c == 1 && y->p.h * 2 == p->h * 3,
              from = p->c == 1 && y->p.c == 3 && p->h * 2 == y->p.h * 3;
    const struct {
        enum channel_rule what;
        enum vn_yuv_layout first, last;
        int fits, unpacked;
    } ways[] = {
        { CHAN_YUV, VN_YUV444, VN_YUV444, same, 0 },       { CHAN_FROM_YUV, VN_YUV444, VN_YUV444, same, 0 },
        { CHAN_THROUGH_YUV, VN_YUV444, VN_NV12, same, 0 }, { CHAN_YUV, VN_NV12, VN_NV12, same, 1 },
        { CHAN_YUV, VN_NV12, VN_YV12, planes, 0 },         { CHAN_FROM_YUV, VN_NV12, VN_YV12, from, 0 }
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!ways[i].fits)
            continue;
        for (int layout = (int)ways[i].first; layout <= (int)ways[i].last; layout++)
            for (int k = 0; k < 2 * 2 * 2 * VN_DOWNS * VN_UPS; k++) {
                struct stage_rule r = *base;
                struct vn_picture q;
                r.channels = ways[i].what;
                r.unpacked = ways[i].unpacked;
                r.yuv_layout = (enum vn_yuv_layout)layout;
                r.bgr = k & 1;
                r.yuv =
                    (struct vn_yuv_format){ (enum vn_yuv_rule)(k >> 1 & 1), (enum vn_yuv_range)(k >> 2 & 1),
                                            (enum vn_chroma_down)((k >> 3) % VN_DOWNS),
                                            (enum vn_chroma_up)((k >> 3) / VN_DOWNS) };
                if ((layout == VN_YUV444 || r.channels == CHAN_FROM_YUV) && r.yuv.down)
                    continue;
                if ((layout == VN_YUV444 || (r.channels == CHAN_YUV && !r.unpacked)) && r.yuv.up)
                    continue;
                struct vn_arena *a = vn_arena_new();
                s->tried++;
                if (top_agrees(s, r, p) && vn_rule_channels(&q, a, p, &r))
                    try_values(s, r, &q);
                vn_arena_free(&a);
            }
    }
}

/* May any values follow p's channels in this order? A look at a few places spares exchanging all pixels. */
static int order_possible(const struct search *s, const struct vn_picture *p, const int order[3])
{
    const struct grid *y = &s->pair[0].y;
    if (vn_dtype_is_float(y->t->dtype) && vn_line_possible(p, y, order))
        return 1;
    if (y->t->dtype == VN_I8 && s->relation) /* has a way of its own */
        return 1;
    for (int v = VALUE_SAME; v < VALUE_BYTES; v++)
        for (int scale = 1; scale <= 255; scale += 254) {
            const struct stage_rule r = { .values = (enum value_rule)v,
                                          .gain = { scale, scale, scale, scale } };
            if (v != VALUE_AFFINE && vn_rule_possible(p, order, y, &r))
                return 1;
        }
    return 0;
}

static void try_channels(struct search *s, const struct stage_rule *base, const struct vn_picture *p, int yuv)
{
    static const int orders[][3] = { { 2, 1, 0 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 } };
    const struct grid *y = &s->pair[0].y;
    struct vn_arena *a = vn_arena_new();
    int found = try_values(s, *base, p);
    for (int i = 0; i < 5 && !found && p->c == 3 && y->p.c == 3; i++) {
        struct stage_rule r = *base;
        struct vn_picture q;
        r.channels = CHAN_ORDER;
        memcpy(r.order, orders[i], sizeof r.order);
        if (!order_possible(s, p, orders[i]))
            continue;
        found = vn_rule_channels(&q, a, p, &r) && try_values(s, r, &q);
    }
    for (int i = 0; i < 2 * VN_LIBS && p->c == 3 && y->p.c == 1; i++) {
        struct stage_rule r = *base;
        struct vn_picture q;
        r.channels = CHAN_GRAY;
        r.library = (enum vn_image_library)(i / 2);
        r.bgr = i % 2;
        if (vn_rule_channels(&q, a, p, &r))
            try_values(s, r, &q);
    }
    if (yuv && !found && p->type == VN_PIXEL_U8)
        try_yuv(s, base, p);
    vn_arena_free(&a);
}

/* ---- geometry ---- */

/* One geometry with all channels, values and layouts after it. */
static void try_geometry(struct search *s, const struct stage_rule *r, int yuv)
{
    const struct search_pair *p = &s->pair[0];
    struct vn_arena *a = vn_arena_new();
    struct vn_picture out;
    if (vn_rule_geometry(&out, a, &p->x.p, r, p->y.p.w, p->y.p.h))
        try_channels(s, r, &out, yuv);
    vn_arena_free(&a);
}

static void try_turns(struct search *s, int w, int h)
{
    const struct vn_picture *x = &s->pair[0].x.p;
    for (int i = 2; i <= 8; i++) {
        const struct stage_rule r = { .geometry = i == 5 ? GEO_EXCHANGED : GEO_ORIENTED, .orientation = i };
        if (i < 5 ? w == x->w && h == x->h : w == x->h && h == x->w)
            try_geometry(s, &r, 0);
    }
}

/* Does the source, moved, have the target's values at some places that both have? Only for pixels as they
 * are. */
static int alike_at(const struct vn_picture *x, const struct vn_picture *y, int dx, int dy)
{
    for (int i = 0; i < 8; i++) {
        const int u = (int)((int64_t)i * (y->w - 1) / 7), v = (int)((int64_t)((i * 3) % 8) * (y->h - 1) / 7);
        if (u + dx >= 0 && u + dx < x->w && v + dy >= 0 && v + dy < x->h &&
            vn_picture_value(x, ((size_t)(v + dy) * x->w + (u + dx)) * x->c) !=
                vn_picture_value(y, ((size_t)v * y->w + u) * y->c))
            return 0;
    }
    return 1;
}

#define NEAR \
    2 /* shifts that are tried with everything after them; farther ones only where pixels are pixels */

static void try_shifts(struct search *s)
{
    const struct vn_picture *x = &s->pair[0].x.p, *y = &s->pair[0].y.p;
    const int far_x = x->w / 4, far_y = x->h / 4, near = 2 * NEAR + 1;
    for (int i = 0; i < near * near && !s->n_found; i++) {
        const struct stage_rule r = { .geometry = GEO_SHIFT, .dx = i % near - NEAR, .dy = i / near - NEAR };
        if ((r.dx || r.dy) && abs(r.dx) <= far_x && abs(r.dy) <= far_y)
            try_geometry(s, &r, 0);
    }
    for (int dy = -far_y; dy <= far_y && !s->n_found; dy++)
        for (int dx = -far_x; dx <= far_x && !s->n_found; dx++) {
            const struct stage_rule r = { .geometry = GEO_SHIFT, .dx = dx, .dy = dy };
            if (alike_at(x, y, dx, dy))
                try_geometry(s, &r, 0);
        }
}

static void try_crops(struct search *s, int w, int h)
{
    const struct vn_picture *x = &s->pair[0].x.p, *y = &s->pair[0].y.p;
    for (int i = 0; i < VN_CROP_ROUNDINGS; i++) {
        const struct stage_rule r = { .geometry = GEO_CROP, .rounding = (enum vn_crop_rounding)i };
        try_geometry(s, &r, 0);
    }
    for (int i = 0; i < 9 && !s->n_found; i++) {
        const struct stage_rule r = {
            .geometry = GEO_CROP, .rounding = VN_CROP_FLOOR, .dx = i % 3 - 1, .dy = i / 3 - 1
        };
        try_geometry(s, &r, 0);
    }
    for (int dy = 0; dy <= x->h - h && !s->n_found; dy++)
        for (int dx = 0; dx <= x->w - w && !s->n_found; dx++)
            if (alike_at(x, y, dx, dy)) {
                const struct stage_rule r = { .geometry = GEO_CROP, .absolute = 1, .dx = dx, .dy = dy };
                try_geometry(s, &r, 0);
            }
}

/* The border that a picture of iw x ih leaves at the rule's position: r->pad gets its value. 0: there is
 * none, or it has several. */
static int find_border(struct stage_rule *r, const struct vn_picture *y, int iw, int ih)
{
    const int left = vn_pad_before(y->w - iw, r->position), top = vn_pad_before(y->h - ih, r->position);
    int found = 0;
    for (int v = 0; v < y->h; v++)
        for (int u = 0; u < y->w; u++) {
            if (v >= top && v < top + ih && u == left)
                u += iw;
            if (u >= y->w)
                break;
            for (int c = 0; c < y->c; c++) {
                const double value = vn_picture_value(y, ((size_t)v * y->w + (size_t)u) * y->c + (size_t)c);
                if (found && r->pad[c] != value)
                    return 0;
                r->pad[c] = value;
            }
            found = 1;
        }
    return found;
}

static void try_pads(struct search *s)
{
    for (int i = 0; i < VN_PAD_POSITIONS; i++) {
        struct stage_rule r = { .geometry = GEO_PAD, .position = (enum vn_pad_position)i };
        if (find_border(&r, &s->pair[0].y.p, s->pair[0].x.p.w, s->pair[0].x.p.h))
            try_geometry(s, &r, 0);
    }
}

/* With every resize rule: quick ones, those that are slow on large pictures, and all on pixels made
 * float32, which programs seldom do. */
enum resize_effort { RESIZE_QUICK, RESIZE_SLOW, RESIZE_FLOATS, RESIZE_EFFORTS };

#define LARGE 1000000 /* pixels: two libraries do not resize them alike, and skimage takes seconds */

static void try_resizes(struct search *s, struct stage_rule base, enum resize_effort effort)
{
    const struct vn_picture *x = &s->pair[0].x.p;
    const int large = (int64_t)x->w * x->h > LARGE;
    int n;
    const struct vn_resize_rule *rules = vn_resize_rules(&n);
    base.as_float = effort == RESIZE_FLOATS;
    if (base.as_float && x->type == VN_PIXEL_F32)
        return;
    for (int i = 0; i < n; i++) {
        const struct vn_resize_rule *found = s->n_found ? s->found[0].rule : NULL;
        const int slow = large && rules[i].library == VN_LIB_SKIMAGE,
                  other = large && found && found->library != rules[i].library;
        base.rule = &rules[i];
        if (rules[i].types >> (base.as_float ? VN_PIXEL_F32 : x->type) & 1 && !other &&
            (base.as_float || slow == (effort == RESIZE_SLOW)))
            try_geometry(s, &base, 0);
    }
}

static void try_all_resizes(struct search *s, const struct stage_rule *base)
{
    for (int effort = 0; effort < RESIZE_EFFORTS && !s->n_found; effort++)
        try_resizes(s, *base, (enum resize_effort)effort);
}

static void try_letterboxes(struct search *s, int w, int h)
{
    static const char *const rules[] = { "fit", "fit_round" };
    const struct search_pair *p = &s->pair[0];
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < VN_PAD_POSITIONS; i++) {
            struct stage_rule r = { .geometry = GEO_LETTERBOX,
                                    .size_rule = rules[k],
                                    .position = (enum vn_pad_position)i };
            struct vn_err e;
            int iw, ih;
            const int arg[2] = { w, h };
            if (vn_size_apply(&iw, &ih, vn_size_rule_find(rules[k]), p->x.p.w, p->x.p.h, arg, 2, &e) < 0 ||
                (iw == w && ih == h) || iw > w || ih > h)
                continue;
            if (find_border(&r, &p->y.p, iw, ih))
                try_all_resizes(s, &r);
        }
}

/* ---- resize and crop as one stage ---- */

/* Do both rules cut the same out of every picture? */
static int same_inside(struct search *s, const struct stage_rule *r, const struct stage_rule *q)
{
    for (int i = 0; i < s->all; i++) {
        struct stage_rule with = *r;
        with.decoder = s->decoder;
        const struct vn_picture *x = &vn_search_input(s, i, &with)->p, *y = &s->pair[i].y.p;
        struct inside a = { 0 }, b = { 0 };
        if (vn_rule_inside(&a, r, x->w, x->h, y->w, y->h) != vn_rule_inside(&b, q, x->w, x->h, y->w, y->h) ||
            a.w != b.w || a.h != b.h || a.x != b.x || a.y != b.y)
            return 0;
    }
    return 1;
}

/* The guesses with every way to round, until one fits. */
static void try_guesses(struct search *s, const struct guess best[MOST_GUESSES], const char *const *rules,
                        int n_rules, enum resize_effort effort)
{
    for (int i = 0; i < MOST_GUESSES && best[i].alike > 0 && !s->n_found; i++) {
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
            try_resizes(s, r, effort);
        }
    }
}

static void try_composed(struct search *s)
{
    static const char *const short_side[] = { "short_side", "short_side_round", "short_side_ceil" },
                             *const exact[] = { "exact" };
    struct vn_arena *a = vn_arena_new();
    struct composed c;
    const int looked = vn_guess_composed(&c, a, &s->pair[0].x.p, &s->pair[0].y.p);
    vn_arena_free(&a);
    s->tried += c.tried;
    for (int effort = 0; looked && effort < RESIZE_EFFORTS && !s->n_found; effort++) {
        try_guesses(s, c.of_short, short_side, 3, (enum resize_effort)effort);
        if (!s->n_found)
            try_guesses(s, c.of_both, exact, 1, (enum resize_effort)effort);
        if (!s->n_found)
            try_guesses(s, c.of_crop, exact, 1, (enum resize_effort)effort);
    }
}

/* ---- one side ---- */

static void try_bytes(struct search *s)
{
    static const enum value_rule ways[] = { VALUE_HEADER, VALUE_BYTES };
    const struct search_pair *p = &s->pair[0];
    for (int i = 0; i < 2 && !s->n_found; i++) {
        struct stage_rule r = { .values = ways[i] };
        const int same_type =
            p->x.t->dtype == p->y.t->dtype && vn_shape_equal(&p->x.t->shape, &p->y.t->shape);
        s->tried++;
        if ((ways[i] == VALUE_HEADER || !same_type) && vn_rule_holds(&r, s->a, &p->x, &p->y))
            accept(s, &r);
    }
}

void vn_search_same_size(struct search *s)
{
    const struct search_pair *p = &s->pair[0];
    const struct stage_rule same = { .geometry = GEO_SAME };
    if (!p->x.layout || !p->y.layout)
        return;
    try_geometry(s, &same, 1);
    if (!s->n_found)
        try_turns(s, p->y.p.w, p->y.p.h);
}

#define SMALLEST 4 /* side of what a resize or crop is looked for in */

void vn_search_arrays(struct search *s)
{
    const struct search_pair *p = &s->pair[0];
    const int pictures = p->x.layout && p->y.layout, w = p->y.p.w, h = p->y.p.h, iw = p->x.p.w, ih = p->x.p.h;
    const int equal = w == iw && h == ih;
    vn_search_same_size(s);
    if (pictures && !s->n_found && equal && s->relation)
        try_shifts(s);
    if (!s->n_found && !s->decoder)
        try_bytes(s);
    if (!pictures || s->n_found || s->relation || w < SMALLEST || h < SMALLEST)
        return;
    if (!equal && w <= iw && h <= ih)
        try_crops(s, w, h);
    if (!equal && w >= iw && h >= ih)
        try_pads(s);
    if (!s->n_found) {
        const struct stage_rule r = { .geometry = GEO_RESIZE };
        try_letterboxes(s, w, h);
        if (!equal && !s->n_found)
            try_all_resizes(s, &r);
    }
    if (!s->n_found)
        try_composed(s);
}
