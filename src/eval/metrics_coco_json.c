/* COCO's annotations and detections as JSON. Files are hostile: every field is looked at before use. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "config/json_text.h"
#include "eval/metrics_boxes.h"

#define MAX_ENTRIES 100000000

struct reader {
    struct vn_arena *arena;
    const char *path, *list; /* list: what is being read, for messages */
    size_t index;
    struct vn_err *e;
};

#define FAIL(r, ...) fail_at(r, vn_arena_fmt((r)->arena, __VA_ARGS__))

static int fail_at(const struct reader *r, const char *what)
{
    return vn_fail(r->e, VN_E_INPUT, "%s: %s[%zu]: %s", r->path, r->list, r->index, what);
}

/* ---- fields ---- */

static int read_id(const struct reader *r, const json_t *o, const char *key, int64_t *out)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v))
        return FAIL(r, "%s: expected an integer", key);
    *out = json_integer_value(v);
    return *out > -(1LL << 53) && *out < 1LL << 53
               ? VN_OK
               : FAIL(r, "%s: %lld is out of range", key, (long long)*out);
}

static int read_number(const struct reader *r, const json_t *o, const char *key, double *out)
{
    const json_t *v = json_object_get(o, key);
    *out = json_number_value(v);
    return json_is_number(v) && fabs(*out) < 1e12 ? VN_OK : FAIL(r, "%s: expected a number", key);
}

static int read_box(const struct reader *r, const json_t *o, double box[4])
{
    const json_t *v = json_object_get(o, "bbox");
    if (!json_is_array(v) || json_array_size(v) != 4)
        return FAIL(r, "bbox: expected [x, y, width, height]");
    for (size_t i = 0; i < 4; i++) {
        const json_t *n = json_array_get(v, i);
        box[i] = json_number_value(n);
        if (!json_is_number(n) || !(fabs(box[i]) < 1e12) || (i > 1 && box[i] < 0))
            return FAIL(r, "bbox: expected four numbers, width and height not negative");
    }
    return VN_OK;
}

/* The objects of a list, one after the other. */
static int each(struct reader *r, const char *name, const json_t *list,
                int (*fn)(struct reader *r, const json_t *o, void *to, size_t i), void *to)
{
    r->list = name;
    for (r->index = 0; r->index < json_array_size(list); r->index++) {
        const json_t *o = json_array_get(list, r->index);
        if (!json_is_object(o))
            return FAIL(r, "expected an object {...}");
        TRY(fn(r, o, to, r->index));
    }
    return VN_OK;
}

/* ---- annotations ---- */

static int read_image(struct reader *r, const json_t *o, void *to, size_t i)
{
    struct coco_image *m = (struct coco_image *)to + i;
    const char *file = json_string_value(json_object_get(o, "file_name"));
    m->sample = -1;
    m->file = vn_arena_str(r->arena, file ? file : "");
    TRY(read_id(r, o, "id", &m->id));
    TRY(read_number(r, o, "width", &m->w));
    return read_number(r, o, "height", &m->h);
}

static int read_category(struct reader *r, const json_t *o, void *to, size_t i)
{
    return read_id(r, o, "id", (int64_t *)to + i);
}

static int read_truth(struct reader *r, const json_t *o, void *to, size_t i)
{
    struct coco_set *s = to;
    struct coco_truth *t = &s->truths[i];
    const json_t *crowd = json_object_get(o, "iscrowd");
    int64_t image, category;
    double box[4];
    TRY(read_id(r, o, "id", &t->id));
    TRY(read_id(r, o, "image_id", &image));
    TRY(read_id(r, o, "category_id", &category));
    TRY(read_number(r, o, "area", &t->area));
    TRY(read_box(r, o, box));
    const struct coco_image *m = vn_coco_image(s, image);
    t->sample = m ? (int)(m - s->images) : -1;
    t->category = vn_coco_category(s, category);
    t->crowd = json_is_true(crowd) || (json_is_integer(crowd) && json_integer_value(crowd) != 0);
    t->x = box[0], t->y = box[1], t->w = box[2], t->h = box[3];
    return VN_OK;
}

static int compare_ids(int64_t a, int64_t b) { return a < b ? -1 : a > b; }
static int by_number(const void *a, const void *b)
{
    return compare_ids(*(const int64_t *)a, *(const int64_t *)b);
}
static int by_image(const void *a, const void *b)
{
    return compare_ids(((const struct coco_image *)a)->id, ((const struct coco_image *)b)->id);
}

struct coco_image *vn_coco_image(const struct coco_set *s, int64_t id)
{
    const struct coco_image key = { .id = id };
    return s->n_images ? bsearch(&key, s->images, (size_t)s->n_images, sizeof key, by_image) : NULL;
}

int vn_coco_category(const struct coco_set *s, int64_t id)
{
    const int64_t *at =
        s->n_categories ? bsearch(&id, s->categories, (size_t)s->n_categories, sizeof id, by_number) : NULL;
    return at ? (int)(at - s->categories) : -1;
}

static int count_of(const json_t *root, const char *key, int *n, const char *path, struct vn_err *e)
{
    const json_t *list = json_object_get(root, key);
    if (!json_is_array(list) || json_array_size(list) > MAX_ENTRIES)
        return vn_fail(e, VN_E_INPUT,
                       "%s: no list \"%s\"; expected COCO's annotations: images, annotations, categories",
                       path, key);
    *n = (int)json_array_size(list);
    return VN_OK;
}

static int read_set(struct coco_set *s, struct reader *r, const json_t *root)
{
    TRY(count_of(root, "images", &s->n_images, r->path, r->e));
    TRY(count_of(root, "categories", &s->n_categories, r->path, r->e));
    TRY(count_of(root, "annotations", &s->n_truths, r->path, r->e));
    s->images = NEW_ARRAY(r->arena, struct coco_image, s->n_images);
    s->categories = NEW_ARRAY(r->arena, int64_t, s->n_categories);
    s->truths = NEW_ARRAY(r->arena, struct coco_truth, s->n_truths);
    TRY(each(r, "images", json_object_get(root, "images"), read_image, s->images));
    TRY(each(r, "categories", json_object_get(root, "categories"), read_category, s->categories));
    qsort(s->images, (size_t)s->n_images, sizeof *s->images, by_image);
    qsort(s->categories, (size_t)s->n_categories, sizeof *s->categories, by_number);
    for (int i = 1; i < s->n_images; i++)
        if (s->images[i].id == s->images[i - 1].id)
            return vn_fail(r->e, VN_E_INPUT, "%s: two images have the id %lld", r->path,
                           (long long)s->images[i].id);
    for (int i = 1; i < s->n_categories; i++)
        if (s->categories[i] == s->categories[i - 1])
            return vn_fail(r->e, VN_E_INPUT, "%s: two categories have the id %lld", r->path,
                           (long long)s->categories[i]);
    return each(r, "annotations", json_object_get(root, "annotations"), read_truth, s);
}

int vn_coco_read(struct coco_set **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    json_t *root;
    struct vn_arena *work = vn_arena_new();
    struct reader r = { .arena = a, .path = path, .e = e };
    *out = NEW(a, struct coco_set);
    int status = vn_json_read(&root, work, path, e);
    if (status == VN_OK)
        status = read_set(*out, &r, root);
    vn_arena_free(&work);
    return status;
}

/* ---- detections ---- */

static int read_detection(struct reader *r, const json_t *o, void *to, size_t i)
{
    struct coco_detection *d = (struct coco_detection *)to + i;
    int64_t category;
    TRY(read_id(r, o, "image_id", &d->image));
    TRY(read_id(r, o, "category_id", &category));
    TRY(read_number(r, o, "score", &d->v[DET_SCORE]));
    d->v[DET_CATEGORY] = (double)category;
    return read_box(r, o, &d->v[DET_X]);
}

int vn_coco_detections(struct coco_detection **out, int *n, struct vn_arena *a, const char *path,
                       struct vn_err *e)
{
    json_t *root;
    struct vn_arena *work = vn_arena_new();
    struct reader r = { .arena = work, .path = path, .e = e };
    int status = vn_json_read(&root, work, path, e);
    if (status == VN_OK && (!json_is_array(root) || json_array_size(root) > MAX_ENTRIES))
        status = vn_fail(
            e, VN_E_INPUT,
            "%s: expected a list of detections [{\"image_id\", \"category_id\", \"bbox\", \"score\"}, ...]",
            path);
    if (status == VN_OK) {
        *n = (int)json_array_size(root);
        *out = NEW_ARRAY(a, struct coco_detection, *n);
        status = each(&r, "detections", root, read_detection, *out);
    }
    vn_arena_free(&work);
    return status;
}

int vn_coco_read_detections(struct record *of, struct vn_arena *a, const struct coco_set *s, int n_samples,
                            const char *path, struct vn_err *e)
{
    struct coco_detection *d;
    struct vn_arena *work = vn_arena_new();
    int n = 0, status = vn_coco_detections(&d, &n, work, path, e);
    int *sample = NEW_ARRAY(work, int, n);
    double **to = NEW_ARRAY(work, double *, n_samples);
    for (int i = 0; i < n && status == VN_OK; i++) {
        const struct coco_image *m = vn_coco_image(s, d[i].image);
        if (!m)
            status =
                vn_fail(e, VN_E_INPUT, "%s: detections[%d]: image_id: the annotations have no image %lld",
                        path, i, (long long)d[i].image);
        else if ((sample[i] = m->sample) >= 0)
            of[m->sample].n += DET_FIELDS;
    }
    for (int i = 0; status == VN_OK && i < n_samples; i++)
        of[i].v = to[i] = NEW_ARRAY(a, double, of[i].n);
    for (int i = 0; status == VN_OK && i < n; i++)
        if (sample[i] >= 0) {
            memcpy(to[sample[i]], d[i].v, sizeof d[i].v);
            to[sample[i]] += DET_FIELDS;
        }
    vn_arena_free(&work);
    return status;
}

/* The fewest digits that give the same number back. */
static void shortest(char text[32], double x)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            return;
    }
}

int vn_coco_write_detections(const char *path, const struct record *const *of, const struct coco_set *s,
                             struct vn_arena *a, struct vn_err *e)
{
    struct vn_file_out *f;
    const char *before = "[";
    TRY(vn_file_create(&f, a, path, e));
    for (int i = 0; i < s->n_images; i++)
        for (int k = 0; s->images[i].sample >= 0 && k < of[s->images[i].sample]->n; k += DET_FIELDS) {
            const double *v = of[s->images[i].sample]->v + k;
            char line[400], n[5][32];
            for (int j = 0; j < 5; j++)
                shortest(n[j], v[DET_SCORE + j]);
            snprintf(
                line, sizeof line,
                "%s{\"image_id\": %lld, \"category_id\": %.0f, \"bbox\": [%s, %s, %s, %s], \"score\": %s}",
                before, (long long)s->images[i].id, v[DET_CATEGORY], n[1], n[2], n[3], n[4], n[0]);
            TRY(vn_file_put(f, line, strlen(line), e));
            before = ",\n";
        }
    TRY(vn_file_put(f, *before == '[' ? "[]\n" : "]\n", *before == '[' ? 3 : 2, e));
    return vn_file_commit(f, e);
}
