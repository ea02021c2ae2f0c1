/* The worst samples of a report: the image, and the outputs of both networks as classes, masks or boxes. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "image/image.h"
#include "report/html_report.h"
#include "report/report.h"
#include "tensor/tensor.h"

#define SIDE 288 /* pixels of the longer side of an image */
#define TOP 5 /* classes that are listed */
#define MOST_BOXES 30
#define LEAST_SCORE 0.25 /* of boxes that are drawn */
#define MOST_CLASSES 512 /* of a mask */

static const char *const labels[2] = { "float", "quantized" };

void vn_odd_init(struct vn_odd_list *l) { *l = (struct vn_odd_list){ json_array(), json_object() }; }

void vn_odd_free(struct vn_odd_list *l)
{
    json_decref(l->samples);
    json_decref(l->images);
}

/* ---- images ---- */

static const char *base64(const uint8_t *x, size_t n, struct vn_arena *a)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = vn_arena_alloc(a, (n + 2) / 3 * 4 + 1), *at = text;
    for (size_t i = 0; i < n; i += 3) {
        const unsigned v =
            (unsigned)x[i] << 16 | (i + 1 < n ? x[i + 1] << 8 : 0) | (i + 2 < n ? x[i + 2] : 0);
        *at++ = digits[v >> 18];
        *at++ = digits[v >> 12 & 63];
        *at++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *at++ = i + 2 < n ? digits[v & 63] : '=';
    }
    return text;
}

/* The id of an image in the page. */
static json_t *add_image(struct vn_odd_list *l, const struct vn_picture *p, struct vn_arena *a)
{
    const void *data;
    size_t bytes;
    struct vn_err e;
    char id[32];
    if (vn_png_encode(&data, &bytes, a, p, &e) < 0)
        return json_null();
    snprintf(id, sizeof id, "p%zu", json_object_size(l->images));
    json_object_set_new(l->images, id,
                        json_string(vn_arena_fmt(a, "data:image/png;base64,%s", base64(data, bytes, a))));
    return json_string(id);
}

static json_t *side_json(const char *label, json_t *image)
{
    return json_pack("{s:s, s:o}", "label", label, "image", image);
}

/* At most SIDE pixels wide and high; *scale: what coordinates are multiplied by. */
static int read_image(struct vn_picture *out, double *scale, const char *path, struct vn_arena *a)
{
    struct vn_picture p;
    struct vn_decode_options o = vn_decode_defaults();
    struct vn_err e;
    o.orientation = VN_ORIENT_APPLY; /* boxes are in the image as it is shown */
    if (!path || !vn_picture_is_image_name(path) || vn_decode_file(&p, a, path, &o, &e) < 0 || p.c != 3 ||
        p.type != VN_PIXEL_U8)
        return 0;
    const int longer = p.w > p.h ? p.w : p.h;
    *scale = longer > SIDE ? (double)SIDE / longer : 1;
    const int w = (int)fmax(1, p.w * *scale), h = (int)fmax(1, p.h * *scale);
    vn_resize_pillow_bilinear(out, a, &p, w, h);
    return 1;
}

/* Column i of n in an image, at most SIDE pixels wide and high. */
static struct vn_picture column(const struct vn_picture *p, int i, int n, struct vn_arena *a)
{
    struct vn_picture one = *p, out;
    one.w = p->w / n;
    one.data = NEW_ARRAY(a, uint8_t, (size_t)one.w * one.h * 3);
    for (int y = 0; y < p->h; y++)
        memcpy(one.data + (size_t)y * one.w * 3, p->data + ((size_t)y * p->w + (size_t)i * one.w) * 3,
               (size_t)one.w * 3);
    const int longer = one.w > one.h ? one.w : one.h;
    const double scale = longer > SIDE ? (double)SIDE / longer : 1;
    vn_resize_pillow_bilinear(&out, a, &one, (int)fmax(1, one.w * scale), (int)fmax(1, one.h * scale));
    return out;
}

void vn_odd_add_panels(struct vn_odd_list *l, const char *name, json_t *numbers, const char *path, int panels)
{
    static const char *const words[] = { "left", "right", "difference" };
    struct vn_arena *a = vn_arena_new();
    struct vn_picture p;
    struct vn_decode_options o = vn_decode_defaults();
    struct vn_err e;
    json_t *sides = json_array();
    if (vn_file_exists(path) && vn_decode_file(&p, a, path, &o, &e) == VN_OK && p.c == 3)
        for (int i = 0; i < panels; i++) {
            const struct vn_picture one = column(&p, i, panels, a);
            json_array_append_new(sides,
                                  side_json(panels > 1 ? words[i] : "left_right", add_image(l, &one, a)));
        }
    if (json_array_size(sides))
        json_array_append_new(l->samples, json_pack("{s:o, s:O, s:[{s:O}]}", "sample", vn_json_text(name),
                                                    "numbers", numbers, "outputs", "sides", sides));
    json_decref(sides);
    json_decref(numbers);
    vn_arena_free(&a);
}

/* ---- boxes ---- */

/* Colours of classes: neighbours differ. */
static void colour_of(uint8_t rgb[3], int64_t class)
{
    const double hue = fmod((double)class * 0.6180339887 + 0.08, 1) * 6;
    const double light = class % 3 == 0 ? 0.95 : class % 3 == 1 ? 0.7 : 0.45;
    for (int k = 0; k < 3; k++) {
        const double d = fabs(fmod(hue + 6 - 2 * k, 6) - 3);
        rgb[k] = (uint8_t)(255 * light * (0.25 + 0.75 * fmin(1, fmax(0, d - 1))));
    }
}

static void put_pixel(struct vn_picture *p, int x, int y, const uint8_t rgb[3])
{
    if (x >= 0 && x < p->w && y >= 0 && y < p->h)
        memcpy(p->data + ((size_t)y * p->w + x) * 3, rgb, 3);
}

static int pixel_of(double x, int most) { return x > 0 ? x < most ? (int)x : most : 0; }

static void draw_box(struct vn_picture *p, const double *v, double scale)
{
    uint8_t rgb[3];
    colour_of(rgb, (int64_t)v[0]);
    const int x1 = pixel_of(v[2] * scale, p->w - 1), y1 = pixel_of(v[3] * scale, p->h - 1);
    const int x2 = pixel_of((v[2] + v[4]) * scale, p->w - 1), y2 = pixel_of((v[3] + v[5]) * scale, p->h - 1);
    for (int d = 0; d < 2; d++) {
        for (int x = x1; x <= x2; x++) {
            put_pixel(p, x, y1 + d, rgb);
            put_pixel(p, x, y2 - d, rgb);
        }
        for (int y = y1; y <= y2; y++) {
            put_pixel(p, x1 + d, y, rgb);
            put_pixel(p, x2 - d, y, rgb);
        }
    }
}

enum { BOX_FIELDS = 6 }; /* category, score, x, y, width, height */

static json_t *boxes_side(struct vn_odd_list *l, const struct vn_odd_sample *s, int side,
                          const struct vn_picture *image, double scale, struct vn_arena *a)
{
    struct vn_picture p = *image;
    json_t *rows = json_array();
    p.data = vn_arena_copy(a, image->data, vn_picture_values(image));
    for (int i = 0; i < s->n_record[side] / BOX_FIELDS && json_array_size(rows) < MOST_BOXES; i++) {
        const double *v = s->record[side] + i * BOX_FIELDS;
        if (!(v[1] >= LEAST_SCORE))
            continue;
        draw_box(&p, v, scale);
        json_array_append_new(rows, json_pack("{s:I, s:o}", "class", (json_int_t)v[0], "score",
                                              vn_json_real(round(v[1] * 1e4) / 1e4)));
    }
    json_t *o = side_json(labels[side], add_image(l, &p, a));
    json_object_set_new(o, "rows", rows);
    return o;
}

static json_t *boxes_json(struct vn_odd_list *l, const struct vn_odd_sample *s,
                          const struct vn_picture *image, double scale, struct vn_arena *a)
{
    json_t *sides = json_array();
    for (int i = 0; i < 2; i++)
        json_array_append_new(sides, boxes_side(l, s, i, image, scale, a));
    return json_pack("{s:o}", "sides", sides);
}

/* ---- classes ---- */

static json_t *top_rows(const struct vn_view *v)
{
    int64_t best[TOP];
    int n = 0;
    const int64_t count = vn_view_count(v);
    for (int64_t i = 0; i < count; i++) {
        int at = n;
        while (at > 0 && vn_view_at(v, i) > vn_view_at(v, best[at - 1]))
            at--;
        if (at >= TOP)
            continue;
        n += n < TOP;
        memmove(best + at + 1, best + at, (size_t)(n - 1 - at) * sizeof *best);
        best[at] = i;
    }
    json_t *rows = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(rows, json_pack("{s:I, s:o}", "class", (json_int_t)best[i], "score",
                                              vn_json_real(vn_view_at(v, best[i]))));
    return rows;
}

static json_t *classes_json(const struct vn_view v[2])
{
    json_t *sides = json_array();
    for (int i = 0; i < 2; i++)
        json_array_append_new(sides, json_pack("{s:s, s:o}", "label", labels[i], "rows", top_rows(&v[i])));
    return json_pack("{s:o}", "sides", sides);
}

/* ---- masks ---- */

/* How an output is a plane of classes: scores of `c` classes along one axis, or (c = 1) their numbers. */
struct plane {
    int64_t c, h, w, step, pixel; /* elements from class to class and from pixel to pixel */
};

static int plane_of(struct plane *p, const struct vn_view *v)
{
    int64_t d[VN_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < v->rank; i++)
        if (v->shape[i] != 1 || (i == 1 && v->rank == 4))
            d[rank++] = v->shape[i];
    const int whole = !vn_dtype_is_float(v->dtype) && !v->n_scale;
    if (rank == 2 && whole)
        *p = (struct plane){ 1, d[0], d[1], 0, 1 };
    else if (rank == 3 && d[0] == 1 && whole)
        *p = (struct plane){ 1, d[1], d[2], 0, 1 };
    else if (rank == 3 && d[0] > 1 && d[0] <= MOST_CLASSES)
        *p = (struct plane){ d[0], d[1], d[2], d[1] * d[2], 1 };
    else
        return 0;
    if (p->c > p->h && p->c > p->w && d[2] > 1 && d[2] <= MOST_CLASSES) /* channels are last */
        *p = (struct plane){ d[2], d[0], d[1], 1, d[2] };
    return p->h >= 8 && p->w >= 8 && p->h <= 4096 && p->w <= 4096;
}

static int64_t *classes_of(const struct plane *p, const struct vn_view *v, struct vn_arena *a)
{
    int64_t *class = NEW_ARRAY(a, int64_t, p->h * p->w);
    for (int64_t i = 0; i < p->h * p->w; i++) {
        double most = vn_view_at(v, i * p->pixel);
        if (p->c == 1)
            class[i] = (int64_t)most;
        for (int64_t c = 1; c < p->c; c++) {
            const double x = vn_view_at(v, i * p->pixel + c * p->step);
            if (x > most) {
                most = x;
                class[i] = c;
            }
        }
    }
    return class;
}

static json_t *mask_side(struct vn_odd_list *l, const struct plane *p, const int64_t *class,
                         const int64_t *other, const char *label, struct vn_arena *a)
{
    struct vn_picture out;
    struct vn_err e;
    const int step = (int)((p->w > p->h ? p->w : p->h) + SIDE - 1) / SIDE;
    if (vn_picture_new(&out, a, (int)p->w / step, (int)p->h / step, 3, VN_PIXEL_U8, &e) < 0)
        return side_json(label, json_null());
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++) {
            const int64_t at = (int64_t)y * step * p->w + (int64_t)x * step;
            uint8_t *rgb = out.data + ((size_t)y * out.w + x) * 3;
            colour_of(rgb, class[at]);
            if (other)
                memcpy(rgb, class[at] == other[at] ? "\xd8\xd8\xd8" : "\xc0\x10\x18", 3);
        }
    return side_json(label, add_image(l, &out, a));
}

static json_t *mask_json(struct vn_odd_list *l, const struct plane *p, const struct vn_view v[2],
                         struct vn_arena *a)
{
    const int64_t *class[2] = { classes_of(p, &v[0], a), classes_of(p, &v[1], a) };
    int64_t same = 0;
    for (int64_t i = 0; i < p->h * p->w; i++)
        same += class[0][i] == class[1][i];
    const double share = (double)same / (double)(p->h * p->w);
    json_t *sides = json_array();
    for (int i = 0; i < 2; i++)
        json_array_append_new(sides, mask_side(l, p, class[i], NULL, labels[i], a));
    json_array_append_new(sides, mask_side(l, p, class[0], class[1], "different", a));
    return json_pack("{s:o, s:o}", "sides", sides, "agreement", vn_json_real(share));
}

/* ---- a sample ---- */

static int is_list(const struct vn_view *v)
{
    int axes = 0;
    for (int i = 0; i < v->rank; i++)
        axes += v->shape[i] != 1;
    return axes == 1 && vn_view_count(v) <= 1 << 20;
}

static json_t *output_json(struct vn_odd_list *l, const struct vn_view v[2], struct vn_arena *a)
{
    struct plane p[2];
    if (vn_view_count(&v[0]) != vn_view_count(&v[1]))
        return NULL;
    if (is_list(&v[0]))
        return classes_json(v);
    return plane_of(&p[0], &v[0]) && plane_of(&p[1], &v[1]) ? mask_json(l, &p[0], v, a) : NULL;
}

static void add_outputs(struct vn_odd_list *l, json_t *list, const struct vn_odd_sample *s,
                        struct vn_arena *a)
{
    struct vn_view v[2];
    int n;
    const struct vn_port *out = vn_session_outputs(s->model[0], &n);
    for (int i = 0; i < n; i++) {
        const int k = vn_session_output_find(s->model[1], out[i].name);
        if (k < 0 || vn_session_output(s->model[0], i, &v[0], NULL) < 0 ||
            vn_session_output(s->model[1], k, &v[1], NULL) < 0)
            continue;
        json_t *o = output_json(l, v, a);
        if (o) {
            json_object_set_new(o, "output", vn_json_text(out[i].name));
            json_array_append_new(list, o);
        }
    }
}

void vn_odd_add(void *list, const struct vn_odd_sample *s)
{
    struct vn_odd_list *l = list;
    struct vn_arena *a = vn_arena_new();
    struct vn_picture image;
    double scale;
    json_t *outputs = json_array(), *numbers = json_pack("{s:o}", "least_cosine", vn_json_real(s->cosine));
    const int has_image = read_image(&image, &scale, s->path, a);
    if (has_image && s->metric && !strcmp(s->metric, "coco"))
        json_array_append_new(outputs, boxes_json(l, s, &image, scale, a));
    else {
        if (has_image)
            json_array_append_new(outputs,
                                  json_pack("{s:[o]}", "sides", side_json("image", add_image(l, &image, a))));
        add_outputs(l, outputs, s, a);
    }
    if (s->changed)
        json_object_set_new(numbers, "rank_changed", json_true());
    json_array_append_new(l->samples,
                          json_pack("{s:o, s:o, s:o}", "sample", vn_json_text(s->path ? s->path : ""),
                                    "numbers", numbers, "outputs", outputs));
    vn_arena_free(&a);
}
