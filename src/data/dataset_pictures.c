/* Calibration data against the pictures that they were made of. */
#include <math.h>

#include "base/file.h"
#include "data/dataset_check.h"

#define ALIKE 0.5 /* correlation of a sample with its picture */
#define CLEARLY 0.02 /* by so much a correlation must be better */
#define RELATED 0.98 /* correlation from which on a relation is taken seriously */
#define MOST_RELATED 32 /* samples */

/* Sums for a line through pairs (x, y). */
struct line {
    double n, x, y, xx, yy, xy;
};

static void add(struct line *l, double x, double y)
{
    l->n++;
    l->x += x;
    l->y += y;
    l->xx += x * x;
    l->yy += y * y;
    l->xy += x * y;
}

static double correlation(const struct line *l)
{
    const double xx = l->xx - l->x * l->x / l->n, yy = l->yy - l->y * l->y / l->n,
                 xy = l->xy - l->x * l->y / l->n;
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static void solve(const struct line *l, double *a, double *b)
{
    const double xx = l->xx - l->x * l->x / l->n, xy = l->xy - l->x * l->y / l->n;
    *a = xx > 0 ? xy / xx : 0;
    *b = (l->y - *a * l->x) / l->n;
}

struct lines {
    struct line straight[3], exchanged[3];
};

/* Sample values (in the data's layout) against a picture's H x W x C. */
static void relate(struct lines *all, struct relation *r, const struct vn_train_values *x,
                   const uint8_t *picture, int channels, const char *path)
{
    struct lines one = { { { 0 } } };
    const int64_t plane = x->plane;
    double alike = 0;
    for (int c = 0; c < channels; c++)
        for (int64_t i = 0; i < plane; i++) {
            const double y = x->v[x->channels_last ? i * channels + c : c * plane + i];
            const double same = picture[i * channels + c], other = picture[i * channels + channels - 1 - c];
            add(&one.straight[c], same, y);
            add(&all->straight[c], same, y);
            add(&all->exchanged[c], other, y);
            add(&one.exchanged[c], other, y);
        }
    for (int c = 0; c < channels; c++)
        alike += fmax(correlation(&one.straight[c]), correlation(&one.exchanged[c])) / channels;
    r->n++;
    if (alike < ALIKE && !r->unlike++)
        r->first_unlike = path;
}

/* The picture with the sample's name. */
static const char *picture_of(const char *path, const char *images, const char *const *names, int n,
                              struct vn_arena *a)
{
    const char *stem = vn_path_stem(a, path);
    for (int i = 0; i < n; i++)
        if (vn_picture_is_image_name(names[i]) &&
            (!strcmp(vn_path_stem(a, names[i]), stem) || !strcmp(names[i], stem)))
            return vn_path_join(a, images, names[i]);
    return NULL;
}

int vn_relate_pictures(struct dataset *d, const char *images, struct vn_err *e)
{
    const char **names;
    int n, failed = 0;
    struct lines all = { { { 0 } } };
    struct relation *r = &d->to_pictures;
    TRY(vn_dir_list(d->arena, images, &names, &n, e));
    for (int i = 0; i < d->all && r->n < MOST_RELATED; i++) {
        struct vn_arena *a = vn_arena_new();
        const char *path = vn_samples_path(d->samples, i, d->input),
                   *picture = picture_of(path, images, names, n, a);
        struct vn_train_values x;
        uint8_t *pixels;
        if (picture && vn_samples_train_values(&x, d->samples, i, d->input, a, NULL) == VN_OK) {
            failed = vn_samples_picture(&pixels, d->samples, d->input, picture, a, e);
            if (failed == VN_OK && x.count == x.plane * d->channels)
                relate(&all, r, &x, pixels, d->channels, path);
        }
        vn_arena_free(&a);
        TRY(failed);
    }
    if (!r->n)
        return vn_fail(e, VN_E_INPUT, "%s: no image is named like a sample of input %s (for example %s)",
                       images, d->in->name, vn_path_base(vn_samples_path(d->samples, 0, d->input)));
    for (int c = 0; c < d->channels; c++) {
        solve(&all.straight[c], &r->a[c], &r->b[c]);
        r->exact += correlation(&all.straight[c]) / d->channels;
        r->straight += c == 1 ? 0 : correlation(&all.straight[c]) / 2;
        r->exchanged += c == 1 ? 0 : correlation(&all.exchanged[c]) / 2;
    }
    return VN_OK;
}

/* ---- detectors ---- */

#define SAY(d, ...) vn_arena_fmt((d)->arena, __VA_ARGS__)

const char *vn_find_unlike(const struct dataset *d)
{
    const struct relation *r = &d->to_pictures;
    return r->unlike ? SAY(d,
                           "%d of %d samples differ from the images of the same names (%s, ...): another "
                           "crop or size, other images, or another layout or type",
                           r->unlike, r->n, vn_path_base(r->first_unlike))
                     : NULL;
}

const char *vn_find_channel_order(const struct dataset *d)
{
    const struct relation *r = &d->to_pictures;
    if (!r->n || (d->in->type_train != VN_IN_RGB && d->in->type_train != VN_IN_BGR) ||
        !(r->exchanged > r->straight + CLEARLY) || r->exchanged < ALIKE)
        return NULL;
    return SAY(d,
               "input %s is %s, but channels 0 and 2 of its calibration data are swapped: their correlation "
               "with the images is %.3f, swapped %.3f. Swap them, or set input_type_train: %s",
               d->in->name, vn_input_type_word(d->in->type_train), r->straight, r->exchanged,
               vn_input_type_word(d->in->type_train == VN_IN_RGB ? VN_IN_BGR : VN_IN_RGB));
}

/* mean_value and scale_value of a channel as a line a * pixel + b. */
static void configured(const struct input_config *in, int c, double *a, double *b)
{
    const double mean = in->n_mean ? in->mean[in->n_mean > 1 ? c : 0] : 0;
    *a = in->n_scale ? in->scale[in->n_scale > 1 ? c : 0] : 1;
    *b = -mean * *a;
}

/* Is the relation found this line in every channel? */
static int is_line(const struct dataset *d, int times)
{
    const struct relation *r = &d->to_pictures;
    for (int c = 0; c < d->channels; c++) {
        double a, b, ta = 1, tb = 0;
        configured(d->in, c, &a, &b);
        for (int k = 0; k < times; k++) {
            tb = tb * a + b;
            ta *= a;
        }
        if (fabs(r->a[c] - ta) > 0.05 * fabs(ta) || fabs(r->b[c] - tb) > 0.05 * fabs(tb) + 5 * fabs(ta))
            return 0;
    }
    return 1;
}

static int has_line(const struct dataset *d)
{
    return d->to_pictures.n && d->to_pictures.exact > RELATED && !is_line(d, 0);
}
static int normalises(const struct dataset *d) { return d->in->n_mean || d->in->n_scale; }

const char *vn_find_applied_twice(const struct dataset *d)
{
    if (!has_line(d) || !normalises(d) || !is_line(d, 2))
        return NULL;
    return SAY(d,
               "input %s: mean_value and scale_value are already applied twice to its calibration data, and "
               "the model would apply them a third time. Calibrate with pixels",
               d->in->name);
}

const char *vn_find_applied(const struct dataset *d)
{
    const struct relation *r = &d->to_pictures;
    if (!has_line(d) || (normalises(d) && is_line(d, 2)))
        return NULL;
    const char *lines = "";
    for (int c = 0; c < d->channels; c++)
        lines = SAY(d, "%s%s%.4g * pixel %+.4g", lines, c ? ", " : "", r->a[c], r->b[c]);
    return SAY(d, "input %s: calibration data are not pixels but %s of the images%s", d->in->name, lines,
               normalises(d) && is_line(d, 1) ? ": mean_value and scale_value are already applied, and the "
                                                "model would apply them a second time. Calibrate with pixels"
                                              : ". Calibrate with pixels in 0..255");
}
