/* Mean intersection over union of segmentations. A sample's record: pairs (cell, pixels) of its table of label x class found; the first
 * number is the count of classes. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "inspect/evaluate.h"
#include "tensor/npy.h"

#define MAX_CLASSES 1024

struct truth {
    const char **path; /* label picture of each sample */
    int w, h;          /* 0: its own size */

};

static int label_path(const char **out, struct eval_set *ev, int i, struct vn_err *e)
{
    const char *folder = vn_path_folder(ev->arena, ev->samples[i].name), *stem = vn_path_stem(ev->arena, ev->samples[i].name);
    const char *base = strcmp(folder, ".") ? vn_path_join(ev->arena, folder, stem) : stem;
    static const char *const suffixes[] = { ".png", ".npy", ".bmp", ".tiff", ".tif" };
    for (size_t k = 0; k < sizeof suffixes / sizeof *suffixes; k++) {
        *out = vn_path_join(ev->arena, ev->task->labels, vn_arena_fmt(ev->arena, "%s%s", base, suffixes[k]));
        if (vn_file_exists(*out))
            return VN_OK;
    }
    return vn_fail(e, VN_E_INPUT, "%s: no label picture %s.png (or .npy, .bmp, .tiff)", ev->task->labels, base);
}

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    struct truth *t = ev->truth = NEW(ev->arena, struct truth);
    char rest;
    if (!ev->task->labels)
        return vn_fail(e, VN_E_USAGE, "miou wants --labels: a folder of label pictures with the pictures' names");
    if (ev->task->label_size && (sscanf(ev->task->label_size, "%dx%d%c", &t->w, &t->h, &rest) != 2 || t->w < 1 || t->h < 1 || t->w > 65536 || t->h > 65536))
        return vn_fail(e, VN_E_USAGE, "label_size: want WIDTHxHEIGHT, got '%s'", ev->task->label_size);
    t->path = NEW_ARRAY(ev->arena, const char *, ev->n_samples);
    for (int i = 0; i < ev->n_samples; i++)
        TRY(label_path(&t->path[i], ev, i, e));
    static const char *const names[] = { "mIoU", "pixel accuracy" };
    ev->n_scores = ev->n_boot = 2;
    ev->score_name = (const char **)vn_arena_copy(ev->arena, names, sizeof names);
    return VN_OK;
}

/* ---- labels ---- */

/* The classes' numbers as stored: 8 or 16 bits of gray, or an array of integers, at the size that is compared. */
static int read_label(struct vn_picture *out, struct vn_arena *a, const struct truth *t, const char *path, struct vn_err *e)
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
        return vn_fail(e, VN_E_INPUT, "%s: a label picture has one channel, this one %d (pictures with a palette: store the numbers as gray)", path, p.c);
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

static int found_of(struct found *f, const struct output_values *x, const struct runner *r, struct vn_err *e)
{
    const struct vn_shape *s = x->shape;
    char text[VN_SHAPE_TEXT];
    const int rank = s->rank, numbers = rank == 3 || (rank == 4 && s->d[1] == 1);
    if (rank < 3 || rank > 4 || s->d[0] != 1 || (!numbers && s->d[1] > MAX_CLASSES) || s->d[rank - 1] > 65536 || s->d[rank - 2] > 65536 || !x->n)
        return vn_fail(e, VN_E_INPUT, "%s: output of shape %s is no segmentation; want 1 x CLASSES x HEIGHT x WIDTH or 1 x HEIGHT x WIDTH", r->path,
                       vn_shape_text(s, text));
    *f = (struct found){ x->v, numbers ? 0 : (int)s->d[1], (int)s->d[rank - 2], (int)s->d[rank - 1] };
    return VN_OK;
}

struct tap {
    int a, b;
    double w; /* of b */
};

static struct tap *taps(struct vn_arena *a, int n, int m)
{
    struct tap *t = NEW_ARRAY(a, struct tap, m);
    for (int i = 0; i < m; i++) {
        const double at = (i + 0.5) * n / m - 0.5;
        const int low = (int)floor(at);
        t[i] = (struct tap){ low < 0 ? 0 : low < n ? low : n - 1, low + 1 < 0 ? 0 : low + 1 < n ? low + 1 : n - 1, at - low };
    }
    return t;
}

/* The class of every pixel at w x h: logits raised bilinearly between pixel centres, rows first; then the largest, the first of equals. */
static void classes_at(int *out, int w, int h, const struct found *f, struct vn_arena *a)
{
    const struct tap *ty = taps(a, f->h, h), *tx = taps(a, f->w, w);
    double *row = NEW_ARRAY(a, double, f->w);
    double *best = NEW_ARRAY(a, double, w);
    for (int y = 0; y < h; y++)
        for (int c = 0; c < f->classes; c++) {
            const double *p = f->v + (size_t)c * f->h * f->w;
            for (int x = 0; x < f->w; x++)
                row[x] = p[(size_t)ty[y].a * f->w + x] * (1 - ty[y].w) + p[(size_t)ty[y].b * f->w + x] * ty[y].w;
            for (int x = 0; x < w; x++) {
                const double v = row[tx[x].a] * (1 - tx[x].w) + row[tx[x].b] * tx[x].w;
                if (c && !(v > best[x]))
                    continue;
                best[x] = v;
                out[(size_t)y * w + x] = c;
            }
        }
}

static int numbers_at(int *out, int w, int h, const struct found *f, const struct runner *r, struct vn_err *e)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const double v = f->v[(size_t)((y + 0.5) * f->h / h) * f->w + (size_t)((x + 0.5) * f->w / w)];
            if (!(v >= 0 && v < MAX_CLASSES))
                return vn_fail(e, VN_E_INPUT, "%s: the output's value %g is no class number from 0 to %d", r->path, v, MAX_CLASSES - 1);
            out[(size_t)y * w + x] = (int)v;
        }
    return VN_OK;
}

/* ---- the table ---- */

static int count(int64_t *table, int classes, const struct vn_picture *label, const int *found, const struct eval_set *ev, const char *path, struct vn_err *e)
{
    for (size_t i = 0; i < vn_picture_values(label); i++) {
        const double l = label->f32[i];
        if (l == ev->task->ignore)
            continue;
        if (!(l >= 0 && l < classes))
            return vn_fail(e, VN_E_INPUT, "%s: label %g, but there are classes 0 to %d; a label that does not count is said with --ignore", path, l, classes - 1);
        table[(size_t)l * classes + found[i]]++;
    }
    return VN_OK;
}

static int tabulate(struct record *out, struct vn_arena *a, struct vn_arena *work, const struct eval_set *ev, int i, const struct runner *r, struct vn_err *e)
{
    const struct truth *t = ev->truth;
    struct output_values x;
    struct found f = { 0 };
    struct vn_picture label;
    TRY(vn_eval_output(&x, work, r, ev->task->output, e));
    TRY(found_of(&f, &x, r, e));
    TRY(read_label(&label, work, t, t->path[i], e));
    int *found = NEW_ARRAY(work, int, vn_picture_values(&label));
    const int classes = f.classes ? f.classes : MAX_CLASSES;
    if (f.classes)
        classes_at(found, label.w, label.h, &f, work);
    else
        TRY(numbers_at(found, label.w, label.h, &f, r, e));
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

static int keep(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i, const struct runner *r, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int status = tabulate(out, a, work, ev, i, r, e);
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
static void score(double *out, int n, const struct eval_set *ev, const struct record *const *of, const int *times)
{
    double hit[MAX_CLASSES] = { 0 }, label[MAX_CLASSES] = { 0 }, found[MAX_CLASSES] = { 0 }, hits = 0, all = 0, sum = 0;
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
    memcpy(out, value, (size_t)n * sizeof *out);
}

const struct metric vn_metric_miou = { "miou", "%", prepare, keep, valid, score };
