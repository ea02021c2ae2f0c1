/* Reads samples once, then asks a table of detectors about them. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/dataset_check.h"
#include "kernels/values/value_kernels.h"
#include "tensor/npy.h"

#define MOST_LOOKED_AT 256 /* samples, spread over the set */
#define FEW_SAMPLES 10
#define DARK 12.0 /* of 255: mean of a black picture */
#define WHITE 245.0
#define BRIGHT_SHARE 0.7 /* over-exposed */
#define SMOOTHER 0.6 /* the other layout's steps, relative: pictures are smooth along their axes */

const char *vn_severity_word(enum vn_severity s)
{
    static const char *const words[] = { "error", "doubt", "warning" };
    return words[s];
}

/* ---- looking ---- */

static void add(struct channel *c, double x)
{
    c->lo = !c->count || x < c->lo ? x : c->lo;
    c->hi = !c->count || x > c->hi ? x : c->hi;
    c->sum += x;
    c->squares += x * x;
    c->count++;
    c->fractions |= x != rint(x);
}

static int begins_as_npy(const float *v, int64_t n)
{
    static const int magic[] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };
    for (int i = 0; i < 6; i++)
        if (n < 64 || ((int)v[i] != magic[i] && (int)v[i] != magic[i] - 256 && (int)v[i] != magic[i] - 128))
            return 0;
    return 1;
}

/* Sum of the steps between n elements and those `stride` behind them. */
static double steps(const float *v, int64_t n, int64_t stride)
{
    double sum[VN_SUM_LANES] = { 0 };
    vn_value_kernels_chosen()->add_steps(sum, v + stride, v, (size_t)n);
    return vn_sum_lanes(sum);
}

/* Mean step to the right and downwards, where a pixel's channels lie together or in planes. One row or one
 * column has one direction only. */
static double roughness(const float *v, int w, int h, int channels, int last)
{
    const int64_t right = last ? channels : 1, down = right * w, n = (int64_t)w * h * channels;
    const int64_t most = h < 2 ? right : down, pairs = n - most;
    double sum = 0;
    if (pairs <= 0)
        return 0;
    if (w > 1)
        sum += steps(v, pairs, right);
    if (h > 1)
        sum += steps(v, pairs, down);
    return sum / (double)pairs;
}

/* Of bytes that were int8, read as uint8: steps of 255 wherever the picture crosses 128. */
static double flipped_roughness(const struct dataset *d, const struct vn_train_values *x, struct vn_arena *a)
{
    float *v = NEW_ARRAY(a, float, x->count);
    for (int64_t i = 0; i < x->count; i++)
        v[i] = x->v[i] + (x->v[i] < 128 ? 128 : -128);
    return roughness(v, d->w, d->h, d->channels, d->channels_last);
}

static void add_roughness(const struct dataset *d, struct look *l, const struct vn_train_values *x,
                          struct vn_arena *a)
{
    if (!d->w || d->pictures)
        return;
    l->rough = roughness(x->v, d->w, d->h, d->channels, d->channels_last);
    if (d->channels > 1)
        l->rough_other = roughness(x->v, d->w, d->h, d->channels, !d->channels_last);
    if (d->image)
        l->rough_flipped = flipped_roughness(d, x, a);
}

/* Elements of one channel, `step` apart, that are finite. */
static void add_each(struct channel *c, const float *v, int64_t n, int64_t step)
{
    for (int64_t i = 0; i < n * step; i += step)
        if (isfinite(v[i]))
            add(c, v[i]);
}

static int has_fractions(const float *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (v[i] != rintf(v[i]))
            return 1;
    return 0;
}

/* n elements of one channel behind each other; 0: some are not finite. */
static int add_plane(struct channel *c, const float *v, int64_t n)
{
    const struct vn_value_kernels *k = vn_value_kernels_chosen();
    struct vn_moments s = { { 0 } };
    float lo, hi;
    if (!k->extremes(&lo, &hi, v, (size_t)n))
        return 0;
    k->add_moments(&s, v, (size_t)n);
    c->lo = c->count ? fmin(c->lo, lo) : lo;
    c->hi = c->count ? fmax(c->hi, hi) : hi;
    c->sum += vn_sum_lanes(s.sum);
    c->squares += vn_sum_lanes(s.squares);
    c->count += (double)n;
    c->fractions = c->fractions || has_fractions(v, n);
    return 1;
}

static void add_channels(struct dataset *d, const struct vn_train_values *x)
{
    const int64_t plane = d->channels > 1 ? x->plane : x->count;
    for (int c = 0; c < d->channels && d->channels > 1 && x->channels_last; c++)
        add_each(&d->of[c], x->v + c, (x->count - c + d->channels - 1) / d->channels, d->channels);
    for (int64_t at = 0; at < x->count && (d->channels == 1 || !x->channels_last); at += plane) {
        struct channel *c = &d->of[at / plane % d->channels];
        const int64_t n = x->count - at < plane ? x->count - at : plane;
        if (!add_plane(c, x->v + at, n))
            add_each(c, x->v + at, n, 1);
    }
}

/* Of all elements. */
static void add_whole(struct look *l, const struct vn_train_values *x)
{
    const struct vn_value_kernels *k = vn_value_kernels_chosen();
    double sum[VN_SUM_LANES] = { 0 };
    int64_t bright = 0;
    float lo, hi;
    k->add(sum, x->v, (size_t)x->count);
    l->not_finite = !k->extremes(&lo, &hi, x->v, (size_t)x->count);
    for (int64_t i = 0; i < x->count; i++)
        bright += x->v[i] >= 250;
    for (int64_t i = 0; i < x->count && l->not_finite; i++) {
        l->lo = x->v[i] < l->lo ? x->v[i] : l->lo;
        l->hi = x->v[i] > l->hi ? x->v[i] : l->hi;
    }
    l->lo = l->not_finite ? l->lo : lo;
    l->hi = l->not_finite ? l->hi : hi;
    l->mean = vn_sum_lanes(sum) / (double)x->count;
    l->bright = (double)bright / (double)x->count;
}

/* Infinities that only mask lie at the mask's bounds. */
static struct vn_train_values without_masked(const struct dataset *d, const struct vn_train_values *x,
                                             struct vn_arena *a)
{
    struct vn_train_values seen = *x;
    if (!isfinite(d->masked.lo) && !isfinite(d->masked.hi))
        return seen;
    float *v = NEW_ARRAY(a, float, x->count);
    for (int64_t i = 0; i < x->count; i++)
        v[i] = isinf(x->v[i]) ? (float)fmin(fmax(x->v[i], d->masked.lo), d->masked.hi) : x->v[i];
    seen.v = v;
    return seen;
}

static void look_at(struct dataset *d, struct look *l, const struct vn_train_values *x, struct vn_arena *a)
{
    *l = (struct look){ .path = l->path,
                        .lo = INFINITY,
                        .hi = -INFINITY,
                        .hash = vn_hash(x->v, (size_t)x->count * sizeof *x->v, SIZE_MAX),
                        .is_npy = begins_as_npy(x->v, x->count) };
    const struct vn_train_values seen = without_masked(d, x, a);
    add_whole(l, &seen);
    add_channels(d, &seen);
    add_roughness(d, l, x, a);
}

/* Sample i as it was given: pixels of image inputs, else the tensor. */
static int values(struct vn_train_values *x, const struct dataset *d, int i, struct vn_arena *a,
                  struct vn_err *e)
{
    if (d->image)
        return vn_samples_train_values(x, d->samples, i, d->input, a, e);
    TRY(vn_samples_tensor(d->room, d->samples, i, d->input, e));
    *x = (struct vn_train_values){ d->room, vn_shape_count(&d->shape), (int64_t)d->w * d->h,
                                   d->channels_last };
    return VN_OK;
}

static int look(struct dataset *d, struct vn_err *e)
{
    d->all = vn_samples_count(d->samples);
    d->n = d->all < MOST_LOOKED_AT ? d->all : MOST_LOOKED_AT;
    d->look = NEW_ARRAY(d->arena, struct look, d->n);
    d->room = d->image ? NULL : NEW_ARRAY(d->work, float, vn_shape_count(&d->shape));
    for (int k = 0; k < d->n; k++) {
        const int i = (int)((int64_t)k * d->all / d->n);
        struct vn_arena *a = vn_arena_new();
        struct vn_err why = { 0 };
        struct vn_train_values x;
        d->look[k].path = vn_samples_path(d->samples, i, d->input);
        const int status = values(&x, d, i, a, &why);
        if (status < 0)
            d->look[k].why = vn_arena_str(d->arena, why.msg);
        else if (x.count)
            look_at(d, &d->look[k], &x, a);
        vn_arena_free(&a);
        if (status == VN_E_NOMEM)
            return vn_fail(e, status, "%s", why.msg);
    }
    return VN_OK;
}

/* Which axes are a picture's, by the configuration; for tensors by their sizes. */
static void axes(struct dataset *d)
{
    const struct vn_shape *s = &d->shape;
    const int three = d->in->type_train != VN_IN_GRAY;
    d->channels = 1;
    if (s->rank != 4 || s->d[0] != 1)
        return;
    d->channels_last = d->image ? d->in->layout_train == LAYOUT_NHWC : s->d[1] != 3 && s->d[3] == 3;
    const int64_t c = s->d[d->channels_last ? 3 : 1], h = s->d[d->channels_last ? 1 : 2],
                  w = s->d[d->channels_last ? 2 : 3];
    if (d->image || c == 3) {
        d->channels = (d->image && !three) || c != 3 ? 1 : 3;
        d->h = (int)h;
        d->w = (int)w;
    }
}

/* ---- detectors ---- */

#define SAY(d, ...) vn_arena_fmt((d)->arena, __VA_ARGS__)

typedef int look_fn(const struct look *l);

/* "n of m samples WHAT (first, second, ...)", of which input where there are several; NULL: none. */
static const char *those(const struct dataset *d, look_fn *is, const char *what)
{
    const char *names = "";
    int n = 0;
    for (int i = 0; i < d->n; i++)
        if (!d->look[i].why && is(&d->look[i]) && ++n <= 3)
            names = SAY(d, "%s%s%s", names, n > 1 ? ", " : "", vn_path_base(d->look[i].path));
    const char *input = d->config->n_inputs > 1 ? SAY(d, "input %s: ", d->in->name) : "";
    return n ? SAY(d, "%s%d of %d samples %s (%s%s)", input, n, d->n, what, names, n > 3 ? ", ..." : "")
             : NULL;
}

static const char *find_unreadable(const struct dataset *d)
{
    int n = 0;
    const char *first = NULL;
    for (int i = 0; i < d->n; i++)
        if (d->look[i].why) {
            first = first ? first : d->look[i].why;
            n++;
        }
    return n > 1 ? SAY(d, "%s (and %d other unusable files of input %s)", first, n - 1, d->in->name) : first;
}

static int is_npy_header(const struct look *l) { return l->is_npy; }
static const char *find_npy_header(const struct dataset *d)
{
    const char *s = those(d, is_npy_header, "start with a .npy header that is read as data");
    return s ? SAY(d, "%s; read such files with numpy.load, not numpy.fromfile", s) : NULL;
}

static int is_not_finite(const struct look *l) { return l->not_finite; }
static const char *find_not_finite(const struct dataset *d)
{
    const char *s = those(d, is_not_finite, "contain infinite values or NaN");
    return s ? SAY(d, "%s; the program that wrote them divides by zero or uses a wrong element type", s)
             : NULL;
}

static const char *find_layout(const struct dataset *d)
{
    double given = 0, other = 0;
    for (int i = 0; i < d->n; i++) {
        given += d->look[i].rough;
        other += d->look[i].rough_other;
    }
    if (d->w < 2 || d->h < 2 || d->channels != 3 || d->pictures || !(other < SMOOTHER * given))
        return NULL; /* rows and columns tell layouts apart only together */
    const char *is = vn_layout_word(d->channels_last ? LAYOUT_NHWC : LAYOUT_NCHW),
               *would = vn_layout_word(d->channels_last ? LAYOUT_NCHW : LAYOUT_NHWC);
    return SAY(d,
               "input %s is %s, but its calibration data look like %s: read that way, neighbouring values "
               "differ by %.3g instead of %.3g. Transpose the data%s",
               d->in->name, is, would, other / d->n, given / d->n,
               d->image ? SAY(d, ", or set input_layout_train: %s", would) : "");
}

static const char *find_wrapped(const struct dataset *d)
{
    double given = 0, flipped = 0;
    for (int i = 0; i < d->n; i++) {
        given += d->look[i].rough;
        flipped += d->look[i].rough_flipped;
    }
    if (!d->image || !d->w || d->pictures || vn_data_no_pixels(d) || !(flipped < SMOOTHER * given))
        return NULL;
    return SAY(d,
               "input %s: calibration data jump between 0 and 255 where an image is mid-gray: int8 values "
               "(pixel - 128) are read as uint8. Calibration requires pixels: add 128",
               d->in->name);
}

static int is_dark(const struct look *l) { return l->mean < DARK && l->hi < 4 * DARK; }
static int is_black(const struct look *l) { return is_dark(l) && l->hi > l->lo; }

static int all_black(const struct dataset *d)
{
    int read = 0, dark = 0;
    for (int i = 0; i < d->n; i++) {
        read += !d->look[i].why;
        dark += !d->look[i].why && is_dark(&d->look[i]);
    }
    return d->image && !vn_data_no_pixels(d) && read && dark == read;
}

static int is_constant(const struct look *l) { return l->lo == l->hi; }
/* A single value is one, and a mask of ones is usual. */
static const char *find_constant(const struct dataset *d)
{
    const int may_be = all_black(d) || d->integers || vn_shape_count(&d->shape) < 2;
    const char *s = may_be ? NULL : those(d, is_constant, "contain a single value");
    return s ? SAY(d, "%s; check that the data were written after they were computed", s) : NULL;
}

static const char *find_all_black(const struct dataset *d)
{
    double hi = 0;
    for (int i = 0; i < d->n; i++)
        hi = fmax(hi, d->look[i].why ? 0 : d->look[i].hi);
    return all_black(d)
               ? SAY(d,
                     "input %s: every sample is black: no value exceeds %.4g of 255. Check the program "
                     "that wrote the data: type, scaling to 0..255, the order of its steps",
                     d->in->name, hi)
               : NULL;
}

static const char *find_black(const struct dataset *d)
{
    const char *s =
        d->image && !vn_data_no_pixels(d) && !all_black(d) ? those(d, is_black, "are nearly black") : NULL;
    return s ? SAY(d, "%s; they do not represent the ranges of real images: remove them", s) : NULL;
}

static int is_white(const struct look *l) { return l->mean > WHITE && l->hi > l->lo; }
static const char *find_white(const struct dataset *d)
{
    const char *s = d->image && !vn_data_no_pixels(d) ? those(d, is_white, "are nearly white") : NULL;
    return s ? SAY(d, "%s; they do not represent the ranges of real images: remove them", s) : NULL;
}

static int is_over_exposed(const struct look *l)
{
    return l->bright > BRIGHT_SHARE && !is_white(l) && l->hi > l->lo;
}
static const char *find_over_exposed(const struct dataset *d)
{
    const char *s = d->image && !vn_data_no_pixels(d)
                        ? those(d, is_over_exposed, "are over-exposed: most of their values are >= 250")
                        : NULL;
    return s ? SAY(d, "%s; remove them, unless the network will see such images", s) : NULL;
}

static int by_hash(const void *x, const void *y)
{
    const struct look *a = *(const struct look *const *)x, *b = *(const struct look *const *)y;
    return a->hash != b->hash ? (a->hash < b->hash ? -1 : 1) : strcmp(a->path, b->path);
}

/* A mask or a state beside other inputs is often the same. */
static const char *find_duplicate(const struct dataset *d)
{
    if (d->config->n_inputs > 1 && !d->image)
        return NULL;
    const struct look **l = NEW_ARRAY(d->arena, const struct look *, d->n);
    const struct look *first = NULL;
    int n = 0, read = 0;
    for (int i = 0; i < d->n; i++)
        if (!d->look[i].why && !is_constant(&d->look[i]))
            l[read++] = &d->look[i];
    qsort(l, (size_t)read, sizeof *l, by_hash);
    for (int i = 1; i < read; i++)
        if (l[i]->hash == l[i - 1]->hash && !n++)
            first = l[i - 1];
    return n ? SAY(d, "%d of %d samples are duplicates (%s, ...); use a different image for each sample", n,
                   d->n, vn_path_base(first->path))
             : NULL;
}

static const char *find_too_few(const struct dataset *d)
{
    return d->all >= FEW_SAMPLES ? NULL
                                 : SAY(d,
                                       "input %s: %d sample%s; activation ranges require about 100 different "
                                       "samples, at least 20",
                                       d->in->name, d->all, d->all == 1 ? "" : "s");
}

static const char *find_dtype(const struct dataset *d)
{
    if (d->pictures || !vn_config_given(d->config, "cal_data_type") || !d->n)
        return NULL;
    struct vn_arena *a = vn_arena_new();
    const uint8_t *data;
    size_t bytes;
    struct vn_tensor *t = NULL;
    if (vn_file_map(a, d->look[0].path, &data, &bytes, NULL) == VN_OK && vn_npy_is(data, bytes))
        vn_npy_parse(&t, a, data, bytes, d->look[0].path, NULL);
    const enum vn_dtype held = t ? t->dtype : VN_NONE;
    vn_arena_free(&a);
    return held == VN_NONE || held == d->in->cal_type
               ? NULL
               : SAY(d, "%s contains %s, but cal_data_type is %s; the type of the file is used",
                     vn_path_base(d->look[0].path), vn_dtype_name(held), vn_dtype_name(d->in->cal_type));
}

static const struct detector {
    const char *name;
    enum vn_severity severity;
    const char *looks_at;
    find_fn *find;
    int names_file; /* its text begins with the path of a file */
} detectors[] = {
    { "manifest", VN_FINDING_ERROR, "manifest.json of prep: shape, type, colours and steps of its files",
      vn_find_manifest },
    { "unreadable", VN_FINDING_ERROR, "size and axes against input_shape and type, damaged files",
      find_unreadable, 1 },
    { "npy_header", VN_FINDING_ERROR, "the first values of raw data", find_npy_header },
    { "not_finite", VN_FINDING_ERROR, "NaN, and infinity that is not a mask", find_not_finite },
    { "minus_128", VN_FINDING_ERROR, "integers in -128..127 for a pixel input", vn_find_minus_128 },
    { "wrapped", VN_FINDING_ERROR, "smoothness with the sign bit flipped: int8 read as uint8", find_wrapped },
    { "normalised", VN_FINDING_ERROR,
      "range and fractions of data for a pixel input: 0..1, or mean and scale already applied",
      vn_find_normalised },
    { "layout", VN_FINDING_ERROR, "smoothness along the axes, NCHW and NHWC", find_layout },
    { "channel_order", VN_FINDING_ERROR, "channels 0 and 2 against the images", vn_find_channel_order },
    { "applied", VN_FINDING_ERROR, "values against the pixels of the images: value = a * pixel + b",
      vn_find_applied },
    { "applied_twice", VN_FINDING_ERROR, "the same, for mean_value and scale_value", vn_find_applied_twice },
    { "all_black", VN_FINDING_ERROR, "largest value of all samples", find_all_black },
    { "scale_value", VN_FINDING_DOUBT, "spread of the resulting network input", vn_find_scale },
    { "mean_value", VN_FINDING_DOUBT, "mean of the resulting network input", vn_find_mean },
    { "network_input", VN_FINDING_WARNING,
      "response of the first layers and the outputs, against other normalizations",
      NULL }, /* see convert/network_input.c, network_output.c */
    { "unlike", VN_FINDING_WARNING, "similarity to the source images", vn_find_unlike },
    { "dtype", VN_FINDING_WARNING, "type in .npy against cal_data_type", find_dtype },
    { "constant", VN_FINDING_WARNING, "samples with a single value", find_constant },
    { "black", VN_FINDING_WARNING, "mean and largest value", find_black },
    { "white", VN_FINDING_WARNING, "mean", find_white },
    { "over_exposed", VN_FINDING_WARNING, "share of values >= 250", find_over_exposed },
    { "duplicate", VN_FINDING_WARNING, "duplicate samples", find_duplicate },
    { "too_few", VN_FINDING_WARNING, "number of samples", find_too_few },
};
#define N_DETECTORS ((int)(sizeof detectors / sizeof *detectors))

int vn_finding_detector(int i, const char **name, enum vn_severity *severity, const char **looks_at)
{
    if (i < 0 || i >= N_DETECTORS)
        return 0;
    *name = detectors[i].name;
    *severity = detectors[i].severity;
    *looks_at = detectors[i].looks_at;
    return 1;
}

/* What is wrong in the data is said at the key that names them. */
static const char *placed(const struct dataset *d, const char *text)
{
    struct vn_err e = { 0 };
    const struct setting *s = vn_config_given(d->config, "cal_data_dir");
    if (!s)
        return text;
    vn_config_fail(d->config, s, &e, VN_E_INPUT, "%s", text);
    return vn_arena_str(d->arena, e.msg);
}

static int look_through(struct dataset *d, struct vn_err *e)
{
    d->work = vn_arena_new();
    const int status = look(d, e);
    vn_arena_free(&d->work);
    return status;
}

int vn_dataset_check(struct data_report *out, struct vn_arena *a, const struct config *c,
                     const struct graph *g, const struct vn_samples *s, const char *images,
                     const struct masked_elements *masked, struct vn_err *e)
{
    *out = (struct data_report){ .samples = vn_samples_count(s) };
    for (int i = 0; i < c->n_inputs; i++) {
        struct dataset d = { .arena = a,
                             .config = c,
                             .in = &c->inputs[i],
                             .samples = s,
                             .shape = g->inputs.v[i]->shape,
                             .input = i,
                             .integers = !vn_dtype_is_float(g->inputs.v[i]->dtype),
                             .masked = masked ? masked[i] : (struct masked_elements){ -INFINITY, INFINITY },
                             .image = c->inputs[i].type_rt != VN_IN_FEATUREMAP,
                             .pictures = vn_samples_are_images(s, i) };
        axes(&d);
        TRY(look_through(&d, e));
        if (images && d.image)
            TRY(vn_relate_pictures(&d, images, e));
        for (int k = 0; k < N_DETECTORS; k++) {
            const char *text = detectors[k].find ? detectors[k].find(&d) : NULL;
            const int place = text && detectors[k].severity == VN_FINDING_ERROR && !detectors[k].names_file;
            const struct vn_finding f = { detectors[k].name, detectors[k].severity, d.in->name,
                                          place ? placed(&d, text) : text };
            if (text)
                VEC_PUSH(a, &out->findings, f);
        }
    }
    return VN_OK;
}
