/* Mean intersection over union of segmentations. A sample's record: pairs (cell, pixels) of its table of
 * label x class found; the first number is the count of classes. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "eval/evaluate.h"
#include "tensor/npy.h"

#define MAX_CLASSES 1024

struct truth {
    const char **path; /* label picture of each sample */
    int w, h; /* 0: its own size */
    int turned; /* 1: outputs are WIDTH x HEIGHT */
};

static int label_path(const char **out, struct eval_set *ev, int i, struct vn_err *e)
{
    const char *folder = vn_path_folder(ev->arena, ev->samples[i].name),
               *stem = vn_path_stem(ev->arena, ev->samples[i].name);
    const char *base = strcmp(folder, ".") ? vn_path_join(ev->arena, folder, stem) : stem;
    static const char *const suffixes[] = { ".png", ".npy", ".bmp", ".tiff", ".tif" };
    for (size_t k = 0; k < sizeof suffixes / sizeof *suffixes; k++) {
        *out = vn_path_join(ev->arena, ev->task->labels, vn_arena_fmt(ev->arena, "%s%s", base, suffixes[k]));
        if (vn_file_exists(*out))
            return VN_OK;
    }
    return vn_fail(e, VN_E_INPUT, "%s: no label image %s.png (or .npy, .bmp, .tiff)", ev->task->labels, base);
}

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    struct truth *t = ev->truth = NEW(ev->arena, struct truth);
    char rest;
    if (!ev->task->labels)
        return vn_fail(e, VN_E_USAGE,
                       "miou requires --labels: a folder of label images with the names of the images");
    TRY(vn_eval_choice(&t->turned, "axes", ev->task->axes, "xy", "yx", e));
    if (ev->task->label_size && (sscanf(ev->task->label_size, "%dx%d%c", &t->w, &t->h, &rest) != 2 ||
                                 t->w < 1 || t->h < 1 || t->w > 65536 || t->h > 65536))
        return vn_fail(e, VN_E_USAGE, "label_size: expected WIDTHxHEIGHT, got '%s'", ev->task->label_size);
    if (!vn_dir_exists(ev->task->labels))
        return vn_fail(
            e, VN_E_INPUT,
            "%s: not a folder; miou requires a folder of label images with the names of the images",
            ev->task->labels);
    t->path = NEW_ARRAY(ev->arena, const char *, ev->n_samples);
    for (int i = 0; i < ev->n_samples; i++)
        TRY(label_path(&t->path[i], ev, i, e));
    static const char *const names[] = { "mIoU", "pixel accuracy" };
    ev->n_scores = 2;
    ev->score_name = (const char **)vn_arena_copy(ev->arena, names, sizeof names);
    return VN_OK;
}

/* ---- labels ---- */

/* The classes' numbers as stored: 8 or 16 bits of gray, or an array of integers, at the size that is
 * compared. */
static int read_label(struct vn_picture *out, struct vn_arena *a, const struct truth *t, const char *path,
                      const struct vn_origin *from, struct vn_err *e)
{
    struct vn_picture p;
    if (vn_path_has_suffix(path, ".npy")) {
        struct vn_tensor *x;
        TRY(vn_npy_read(&x, a, path, e));
        TRY(vn_picture_from_tensor(&p, a, x, 0, e));
    } else {
        struct vn_decode_options o = vn_decode_defaults();
        o.unchanged = 1;
        o.orientation = VN_ORIENT_KEEP;
        TRY(vn_decode_file(&p, a, path, &o, e));
    }
    if (p.c != 1)
        return vn_fail(
            e, VN_E_INPUT,
            "%s: expected a label image with one channel, got %d (palette images: store the numbers as gray)",
            path, p.c);
    if ((int64_t)(p.w - p.h) * (from->w - from->h) < 0)
        return vn_fail(e, VN_E_INPUT,
                       "%s: the label image is %d x %d, the image %d x %d after its EXIF orientation", path,
                       p.w, p.h, from->w, from->h);
    const struct vn_resize_rule *nearest;
    struct vn_picture sized;
    TRY(vn_resize_find(&nearest, "pillow", "nearest", -1, NULL, e));
    TRY(vn_resize(&sized, a, &p, nearest, t->w ? t->w : p.w, t->h ? t->h : p.h, e));
    return vn_picture_cast(out, a, &sized, VN_PIXEL_F32, e);
}

/* ---- what the network found ---- */

/* C x h x w values; classes 0: the values are class numbers already. */
struct found {
    const double *v;
    int classes, h, w;
};

static int found_of(struct found *f, const struct output_values *x, const struct vn_session *model,
                    struct vn_err *e)
{
    const struct vn_shape *s = x->shape;
    char text[VN_SHAPE_TEXT];
    const int rank = s->rank, numbers = rank == 3 || (rank == 4 && s->d[1] == 1);
    if (rank < 3 || rank > 4 || s->d[0] != 1 || (!numbers && s->d[1] > MAX_CLASSES) ||
        s->d[rank - 1] > 65536 || s->d[rank - 2] > 65536 || !x->n)
        return vn_fail(e, VN_E_INPUT,
                       "%s: output of shape %s is not a segmentation; expected 1 x CLASSES x HEIGHT x WIDTH "
                       "or 1 x HEIGHT x WIDTH",
                       vn_session_path(model), vn_shape_text(s, text));
    *f = (struct found){ x->v, numbers ? 0 : (int)s->d[1], (int)s->d[rank - 2], (int)s->d[rank - 1] };
    return VN_OK;
}

/* Rows become columns. */
static void turn(struct found *f, struct vn_arena *a)
{
    const int64_t plane = (int64_t)f->w * f->h, n = plane * (f->classes ? f->classes : 1);
    double *v = NEW_ARRAY(a, double, n);
    for (int64_t i = 0; i < n; i++)
        v[i / plane * plane + i % f->w * f->h + i % plane / f->w] = f->v[i];
    *f = (struct found){ v, f->classes, f->w, f->h };
}

/* From positions in the label picture, w x h, to those in the output. What is no picture was one as a whole.
 */
static int way_forth(double m[6], int w, int h, const struct found *f, const struct vn_session *model,
                     const struct vn_origin *from, struct vn_err *e)
{
    double in_w = w, in_h = h;
    memcpy(m, (const double[6]){ 1, 0, 0, 0, 1, 0 }, 6 * sizeof *m);
    if (from->w) {
        TRY(vn_eval_input_size(&in_w, &in_h, model, e));
        vn_affine_invert(m, from->m);
        vn_affine_after(m, m, (const double[6]){ (double)from->w / w, 0, 0, 0, (double)from->h / h, 0 });
    }
    vn_affine_after(m, (const double[6]){ f->w / in_w, 0, 0, 0, f->h / in_h, 0 }, m);
    return VN_OK;
}

#define EDGE 1e-6 /* positions are computed; a label's edge on the output's edge is inside */

/* Where the centre of pixel (x, y) is in the output; 0: not in it, the network did not see that part of the
 * picture. */
static int place(double *u, double *v, const double m[6], int x, int y, const struct found *f)
{
    *u = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2];
    *v = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
    return *u > -EDGE && *v > -EDGE && *u < f->w + EDGE && *v < f->h + EDGE;
}

static int within(double at, int n) { return at < 0 ? 0 : at < n ? (int)at : n - 1; }

/* A value between four pixel centres. */
struct tap {
    size_t at[4];
    double x, y; /* weights of the right, of the lower */
};

static struct tap tap(double u, double v, const struct found *f)
{
    const double x = floor(u - 0.5), y = floor(v - 0.5);
    const size_t left = (size_t)within(x, f->w), right = (size_t)within(x + 1, f->w);
    const size_t top = (size_t)within(y, f->h) * (size_t)f->w,
                 low = (size_t)within(y + 1, f->h) * (size_t)f->w;
    return (struct tap){ { top + left, top + right, low + left, low + right }, u - 0.5 - x, v - 0.5 - y };
}

static double between(const double *p, const struct tap *t)
{
    const double left = p[t->at[0]] * (1 - t->y) + p[t->at[2]] * t->y,
                 right = p[t->at[1]] * (1 - t->y) + p[t->at[3]] * t->y;
    return left * (1 - t->x) + right * t->x;
}

#define UNSEEN (-1)

/* The class of every pixel at w x h: logits raised bilinearly between pixel centres, then the largest, the
 * first of equals. */
static void classes_at(int *out, int w, int h, const struct found *f, const double m[6], struct vn_arena *a)
{
    struct tap *t = NEW_ARRAY(a, struct tap, w);
    double *best = NEW_ARRAY(a, double, w), u, v;
    for (int y = 0; y < h; y++, out += w) {
        for (int x = 0; x < w; x++) {
            out[x] = place(&u, &v, m, x, y, f) ? 0 : UNSEEN;
            t[x] = tap(u, v, f);
            best[x] = between(f->v, &t[x]);
        }
        for (int c = 1; c < f->classes; c++)
            for (int x = 0; x < w; x++) {
                const double value = between(f->v + (size_t)c * f->h * f->w, &t[x]);
                if (out[x] == UNSEEN || !(value > best[x]))
                    continue;
                best[x] = value;
                out[x] = c;
            }
    }
}

static int numbers_at(int *out, int w, int h, const struct found *f, const double m[6],
                      const struct vn_session *model, struct vn_err *e)
{
    double u, v;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, out++) {
            *out = UNSEEN;
            if (!place(&u, &v, m, x, y, f))
                continue;
            const double number = f->v[(size_t)within(v, f->h) * (size_t)f->w + (size_t)within(u, f->w)];
            if (!(number >= 0 && number < MAX_CLASSES))
                return vn_fail(e, VN_E_INPUT, "%s: output value %g is not a class number from 0 to %d",
                               vn_session_path(model), number, MAX_CLASSES - 1);
            *out = (int)number;
        }
    return VN_OK;
}

/* ---- the table ---- */

static int count(int64_t *table, int classes, const struct vn_picture *label, const int *found,
                 const struct eval_set *ev, const char *path, struct vn_err *e)
{
    for (size_t i = 0; i < vn_picture_values(label); i++) {
        const double l = label->f32[i];
        if (l == ev->task->ignore || found[i] == UNSEEN)
            continue;
        if (!(l >= 0 && l < classes))
            return vn_fail(e, VN_E_INPUT,
                           "%s: label %g, expected a class from 0 to %d; set --ignore to skip a label", path,
                           l, classes - 1);
        table[(size_t)l * classes + found[i]]++;
    }
    return VN_OK;
}

static int tabulate(struct record *out, struct vn_arena *a, struct vn_arena *work, const struct eval_set *ev,
                    int i, const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    const struct truth *t = ev->truth;
    struct output_values x;
    struct found f = { 0 };
    struct vn_picture label;
    double forth[6];
    TRY(vn_eval_output(&x, work, model, ev->task->output, e));
    TRY(found_of(&f, &x, model, e));
    if (t->turned)
        turn(&f, work);
    TRY(read_label(&label, work, t, t->path[i], from, e));
    TRY(way_forth(forth, label.w, label.h, &f, model, from, e));
    int *found = NEW_ARRAY(work, int, vn_picture_values(&label));
    const int classes = f.classes ? f.classes : MAX_CLASSES;
    if (f.classes)
        classes_at(found, label.w, label.h, &f, forth, work);
    else
        TRY(numbers_at(found, label.w, label.h, &f, forth, model, e));
    int64_t *table = NEW_ARRAY(work, int64_t, (size_t)classes * classes);
    TRY(count(table, classes, &label, found, ev, t->path[i], e));
    int n = 0;
    for (int k = 0; k < classes * classes; k++)
        n += table[k] != 0;
    double *v = NEW_ARRAY(a, double, 1 + 2 * n);
    *out = (struct record){ 1 + 2 * n, v };
    *v++ = classes;
    for (int k = 0; k < classes * classes; k++)
        if (table[k]) {
            *v++ = k;
            *v++ = (double)table[k];
        }
    return VN_OK;
}

static int keep(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i,
                const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int status = tabulate(out, a, work, ev, i, model, from, e);
    vn_arena_free(&work);
    return status;
}

static int valid(const struct record *r, const struct eval_set *ev, int i)
{
    (void)ev, (void)i;
    if (r->n < 1 || r->n % 2 != 1 || !(r->v[0] >= 1 && r->v[0] <= MAX_CLASSES) || r->v[0] != rint(r->v[0]))
        return 0;
    for (int k = 1; k < r->n; k += 2)
        if (!(r->v[k] >= 0 && r->v[k] < r->v[0] * r->v[0]) || !(r->v[k + 1] > 0 && r->v[k + 1] < 1e15))
            return 0;
    return 1;
}

/* A class that occurs in neither labels nor results does not count. */
static void score(double *out, const struct eval_set *ev, const struct record *const *of, const int *times)
{
    double hit[MAX_CLASSES] = { 0 }, label[MAX_CLASSES] = { 0 }, found[MAX_CLASSES] = { 0 }, hits = 0,
           all = 0, sum = 0;
    int occurring = 0;
    for (int i = 0; i < ev->n_samples; i++)
        for (int k = 1; times[i] && k < of[i]->n; k += 2) {
            const int classes = (int)of[i]->v[0], cell = (int)of[i]->v[k];
            const double pixels = of[i]->v[k + 1] * times[i];
            label[cell / classes] += pixels;
            found[cell % classes] += pixels;
            hit[cell / classes] += cell / classes == cell % classes ? pixels : 0;
        }
    for (int c = 0; c < MAX_CLASSES; c++) {
        const double either = label[c] + found[c] - hit[c];
        occurring += either > 0;
        sum += either > 0 ? hit[c] / either : 0;
        hits += hit[c];
        all += label[c];
    }
    const double value[] = { occurring ? 100 * sum / occurring : NAN, all > 0 ? 100 * hits / all : NAN };
    memcpy(out, value, sizeof value);
}

/* Percent of a sample's pixels. */
static double right_pixels(const struct record *r)
{
    double hit = 0, all = 0;
    for (int k = 1; k < r->n; k += 2) {
        const int classes = (int)r->v[0], cell = (int)r->v[k];
        hit += cell / classes == cell % classes ? r->v[k + 1] : 0;
        all += r->v[k + 1];
    }
    return all > 0 ? 100 * hit / all : 100;
}

static double change(const char **text, struct vn_arena *a, const struct eval_set *ev, int i,
                     const struct record *x, const struct record *y)
{
    const double was = right_pixels(x), is = right_pixels(y);
    (void)ev, (void)i;
    if (was != is)
        *text = vn_arena_fmt(a, "correct pixels: %.2f -> %.2f %%", was, is);
    return was - is;
}

const struct metric vn_metric_miou = {
    "miou", "%", prepare, keep, valid, score, .change = change,
};
