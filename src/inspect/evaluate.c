/* Runs every model on every sample, keeps a few numbers of each, and makes scores and intervals of them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "format/bin.h"
#include "inspect/evaluate.h"

#define METRIC(name) extern const struct metric vn_metric_##name;
#include "inspect/metrics.def"
#undef METRIC
const struct metric *const vn_metrics[] = {
#define METRIC(name) &vn_metric_##name,
#include "inspect/metrics.def"
#undef METRIC
};
const int vn_metrics_count = sizeof vn_metrics / sizeof *vn_metrics;

enum { LIKE_COSINE, LIKE_SIGNAL, LIKE_NOISE, LIKE_MAX, LIKE_FIELDS }; /* of one output of one sample */
#define NOT_COMPARABLE (-2) /* as cosine: other sizes than the first model's output has */

struct kept {
    struct record main, like; /* like: LIKE_FIELDS for each common output */
    int done;
};

struct run {
    struct eval_set *eval;
    const struct evaluate_options *o;
    int n_models, n_outputs;
    const char **output; /* that all models have */
    struct runner **runner;
    struct feed *feed;
    struct vn_pipeline *pipeline;
    struct input_config *pixels; /* how pictures become tensors of models that take them; NULL: they do not */
    int n_mean, n_scale;
    double mean[CONFIG_MAX_CHANNELS], scale[CONFIG_MAX_CHANNELS];
    struct kept *kept; /* [sample][model] */
    FILE *state;
    int resumed;
};

/* ---- samples ---- */

static int usable(const char *name)
{
    return vn_picture_is_image_name(name) || vn_path_has_suffix(name, ".npy") || vn_path_has_suffix(name, ".bin");
}

struct sample_list {
    VEC(struct sample) all;
};

static int add_folder(struct sample_list *l, struct vn_arena *a, const char *images, const char *folder, int label, struct vn_err *e)
{
    const char **names;
    int n;
    TRY(vn_dir_list(a, *folder ? vn_path_join(a, images, folder) : images, &names, &n, e));
    for (int i = 0; i < n; i++)
        if (usable(names[i])) {
            const char *name = *folder ? vn_path_join(a, folder, names[i]) : names[i];
            const struct sample s = { vn_path_join(a, images, name), name, label };
            VEC_PUSH(a, &l->all, s);
        }
    return VN_OK;
}

static int list_samples(struct eval_set *ev, struct vn_err *e)
{
    const struct eval_task *t = ev->task;
    struct sample_list l = { { 0 } };
    const char **folders;
    int n;
    if (!t->images)
        return vn_fail(e, VN_E_USAGE, "--images is missing: the folder of pictures");
    if (t->labels && !strcmp(t->labels, "folders")) {
        TRY(vn_dir_folders(ev->arena, t->images, &folders, &n, e));
        for (int i = 0; i < n; i++)
            TRY(add_folder(&l, ev->arena, t->images, folders[i], i, e));
    } else
        TRY(add_folder(&l, ev->arena, t->images, "", -1, e));
    ev->samples = l.all.v;
    ev->n_samples = t->limit && t->limit < l.all.n ? t->limit : l.all.n;
    return l.all.n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no pictures, .npy or .bin files", t->images);
}

/* ---- models ---- */

static int has_output(const struct runner *r, const char *name)
{
    for (int i = 0; i < r->n_out; i++)
        if (!strcmp(r->out_name[i], name))
            return 1;
    return 0;
}

static void common_outputs(struct run *w)
{
    w->output = NEW_ARRAY(w->eval->arena, const char *, w->runner[0]->n_out);
    for (int i = 0; i < w->runner[0]->n_out; i++) {
        int all = 1;
        for (int m = 1; m < w->n_models; m++)
            all &= has_output(w->runner[m], w->runner[0]->out_name[i]);
        if (all)
            w->output[w->n_outputs++] = w->runner[0]->out_name[i];
    }
}

static int open_models(struct run *w, struct vn_err *e)
{
    struct vn_arena *a = w->eval->arena;
    w->runner = NEW_ARRAY(a, struct runner *, w->n_models);
    w->feed = NEW_ARRAY(a, struct feed, w->n_models);
    for (int m = 0; m < w->n_models; m++) {
        const struct runner_options o = { .run = w->o->run, .level = 3 };
        TRY(vn_runner_open(&w->runner[m], a, w->o->models[m], &o, e));
        if (w->runner[m]->n_in != 1)
            return vn_fail(e, VN_E_UNSUPPORTED, "%s: models with one input are evaluated, it has %d", w->o->models[m], w->runner[m]->n_in);
        w->feed[m] = vn_feed_new(w->runner[m], a);
    }
    common_outputs(w);
    return w->n_models > 1 && !w->n_outputs && !strcmp(w->eval->metric->name, "outputs")
               ? vn_fail(e, VN_E_INPUT, "the models have no output of the same name, so nothing can be compared") : VN_OK;
}

static int read_feeding(struct run *w, struct vn_err *e)
{
    const struct eval_task *t = w->eval->task;
    if (t->pipeline)
        TRY(vn_pipeline_parse(&w->pipeline, w->eval->arena, t->pipeline, e));
    TRY(vn_eval_numbers(w->mean, CONFIG_MAX_CHANNELS, &w->n_mean, t->mean, "mean", e));
    TRY(vn_eval_numbers(w->scale, CONFIG_MAX_CHANNELS, &w->n_scale, t->scale, "scale", e));
    if (!t->colours)
        return VN_OK;
    const char *layout = "NCHW";
    if (strcmp(t->colours, "rgb") && strcmp(t->colours, "bgr") && strcmp(t->colours, "gray"))
        return vn_fail(e, VN_E_USAGE, "colours: want rgb, bgr or gray, got '%s'", t->colours);
    w->pixels = NEW(w->eval->arena, struct input_config);
    *w->pixels = (struct input_config){ .type_train = t->colours, .type_rt = t->colours, .layout_train = layout, .norm_type = "no_preprocess", .cal_type = "uint8" };
    return VN_OK;
}

/* A picture for a model that takes the normalised tensor. */
static int feed_normalised(struct run *w, int m, const char *path, struct vn_err *e)
{
    const struct runner *r = w->runner[m];
    const struct vn_shape *s = &r->in_shape[0];
    struct input_config in = *w->pixels;
    const int channels = strcmp(in.type_train, "gray") ? 3 : 1, last = s->rank == 4 && s->d[1] != channels;
    char text[VN_SHAPE_TEXT];
    if (s->rank != 4 || s->d[last ? 3 : 1] != channels || !w->feed[m].tensor[0] || (w->n_mean != 1 && w->n_mean != channels) ||
        (w->n_scale != 1 && w->n_scale != channels))
        return vn_fail(e, VN_E_INPUT, "%s: input %s of shape %s takes no %s pictures with %d mean and %d scale values", r->path, r->in_name[0],
                       vn_shape_text(s, text), in.type_train, w->n_mean, w->n_scale);
    in.name = r->in_name[0];
    in.layout_train = last ? "NHWC" : "NCHW";
    TRY(vn_sample_file(w->feed[m].tensor[0], NULL, &w->feed[m].from[0], &in, s, w->pipeline, path, e)); /* pixel - 128 */
    const int64_t n = vn_shape_count(s), plane = last ? 1 : s->d[2] * s->d[3];
    for (int64_t i = 0; i < n; i++) {
        const int c = (int)(i / plane % channels);
        w->feed[m].tensor[0][i] = (float)((w->feed[m].tensor[0][i] + 128 - w->mean[w->n_mean > 1 ? c : 0]) * w->scale[w->n_scale > 1 ? c : 0]);
    }
    return VN_OK;
}

static int feed(struct run *w, int m, const char *path, struct vn_err *e)
{
    const struct runner *r = w->runner[m];
    if (strcmp(r->in[0].type_rt, "featuremap") || !vn_picture_is_image_name(path))
        return vn_feed_file(&w->feed[m], r, 0, path, w->pipeline, e);
    return w->pixels ? feed_normalised(w, m, path, e)
                     : vn_fail(e, VN_E_USAGE, "%s: input %s takes the normalised tensor, not pictures: say how with --colours, --mean and --scale",
                               r->path, r->in_name[0]);
}

/* ---- outputs ---- */

static void quantization_of(const struct runner *r, int i, double *scale, double *zero)
{
    const struct vn_io *io = r->reference ? NULL : &r->program.out[i];
    *scale = io && io->scale > 0 ? io->scale : 1;
    *zero = io && io->scale > 0 ? io->zero : 0;
}

int vn_eval_output(struct output_values *out, struct vn_arena *a, const struct runner *r, const char *name, struct vn_err *e)
{
    int k = 0;
    if (!name && r->n_out != 1)
        return vn_fail(e, VN_E_USAGE, "%s has %d outputs (%s, %s, ...): say which one with --output", r->path, r->n_out, r->out_name[0], r->out_name[1]);
    while (name && k < r->n_out && strcmp(r->out_name[k], name))
        k++;
    if (k == r->n_out) {
        const char *near = vn_nearest(name, r->out_name, r->n_out);
        return vn_fail(e, VN_E_USAGE, "%s has no output '%s'; nearest: '%s'", r->path, name, near ? near : r->out_name[0]);
    }
    const struct vn_tensor *t = r->out[k];
    double scale, zero, *v;
    quantization_of(r, k, &scale, &zero);
    out->shape = &t->shape;
    out->n = vn_shape_count(&t->shape);
    out->v = v = NEW_ARRAY(a, double, out->n);
    for (int64_t i = 0; i < out->n; i++)
        v[i] = scale != 1 || zero != 0 ? (double)((float)(vn_tensor_f64(t, i) - zero) * (float)scale) : vn_tensor_f64(t, i);
    return VN_OK;
}

static void likeness(double *out, const double *x, int64_t n, const double *y, int64_t m)
{
    double xy = 0, xx = 0, yy = 0, noise = 0, most = 0;
    for (int64_t i = 0; i < n && n == m; i++) {
        const double d = fabs(x[i] - y[i]);
        xy += x[i] * y[i];
        xx += x[i] * x[i];
        yy += y[i] * y[i];
        noise += d * d;
        most = d > most || d != d ? d : most;
    }
    out[LIKE_COSINE] = n != m ? NOT_COMPARABLE : xx == 0 && yy == 0 ? 1 : xx == 0 || yy == 0 ? 0 : xy / (sqrt(xx) * sqrt(yy));
    out[LIKE_SIGNAL] = xx;
    out[LIKE_NOISE] = noise;
    out[LIKE_MAX] = most;
}

static int compare_outputs(struct run *w, struct record *out, int m, struct vn_arena *a, struct vn_err *e)
{
    double *v = NEW_ARRAY(w->eval->arena, double, w->n_outputs * LIKE_FIELDS);
    *out = (struct record){ w->n_outputs * LIKE_FIELDS, v };
    for (int i = 0; i < w->n_outputs; i++) {
        struct output_values x, y;
        TRY(vn_eval_output(&x, a, w->runner[0], w->output[i], e));
        TRY(vn_eval_output(&y, a, w->runner[m], w->output[i], e));
        likeness(v + i * LIKE_FIELDS, x.v, x.n, y.v, y.n);
    }
    return VN_OK;
}

/* ---- the file of results: a line for each sample, written whole ---- */

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    const uint64_t both[2] = { h, bin_hash(data, n, SIZE_MAX) };
    return bin_hash(both, sizeof both, SIZE_MAX);
}

static int mix_file(uint64_t *h, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *a = vn_arena_new();
    const int status = vn_file_map(a, path, &data, &bytes, e);
    if (status == VN_OK)
        *h = mix(*h, data, bytes);
    vn_arena_free(&a);
    return status;
}

/* Of all that results depend on: task, models, samples' names. */
static int fingerprint(uint64_t *h, const struct run *w, struct vn_err *e)
{
    const struct eval_task *t = w->eval->task;
    const char *text = VN_VERSION;
#define TEXT_OF_TEXT(f) f ? f : ""
#define TEXT_OF_INT(f) vn_arena_fmt(w->eval->arena, "%d", f)
#define TEXT_OF_REAL(f) vn_arena_fmt(w->eval->arena, "%.17g", f)
    const struct {
        const char *key, *text;
    } all[] = {
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) { #field, TEXT_OF_##kind(t->field) },
#include "inspect/eval_keys.def"
#undef EVAL_KEY
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].key, "bootstrap") && strcmp(all[i].key, "seed")) /* they change no sample's results */
            text = vn_arena_fmt(w->eval->arena, "%s|%s", text, all[i].text);
    *h = mix(0, text, strlen(text));
    for (int m = 0; m < w->n_models; m++)
        TRY(mix_file(h, w->o->models[m], e));
    for (int i = 0; i < w->eval->n_samples; i++)
        *h = mix(*h, w->eval->samples[i].name, strlen(w->eval->samples[i].name));
    return VN_OK;
}

static int read_record(struct record *r, struct vn_arena *a, const char **p)
{
    char *end;
    const long n = strtol(*p, &end, 10);
    if (end == *p || n < 0 || n > (long)strlen(end))
        return 0;
    double *v = NEW_ARRAY(a, double, n);
    *r = (struct record){ (int)n, v };
    for (long i = 0; i < n; i++) {
        *p = end;
        v[i] = strtod(*p, &end);
        if (end == *p)
            return 0;
    }
    *p = end;
    return 1;
}

static int read_line(struct run *w, const char *line)
{
    const char *p = line;
    char *end;
    const long i = strtol(p, &end, 10);
    if (end == p || i < 0 || i >= w->eval->n_samples || w->kept[i * w->n_models].done)
        return 0;
    p = end;
    for (int m = 0; m < w->n_models; m++) {
        struct kept *k = &w->kept[i * w->n_models + m];
        if (!read_record(&k->main, w->eval->arena, &p) || !read_record(&k->like, w->eval->arena, &p) || !w->eval->metric->valid(&k->main, w->eval, (int)i) ||
            k->like.n != (m ? w->n_outputs * LIKE_FIELDS : 0))
            return 0;
        k->done = 1;
    }
    w->resumed++;
    return !*p;
}

static void close_state(void *f) { fclose(f); }

/* Lines of an earlier run; one that was not written to its end is dropped. */
static int read_state(struct run *w, const char *head, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    const char *path = w->o->state;
    TRY(vn_file_map(w->eval->arena, path, &data, &bytes, e));
    size_t whole = bytes;
    while (whole && data[whole - 1] != '\n')
        whole--;
    const char *text = vn_arena_strn(w->eval->arena, (const char *)data, whole);
    if (strlen(text) != whole || strncmp(text, "vernier-eval 1 ", 15))
        return vn_fail(e, VN_E_INPUT, "%s: no file of an evaluation's results; --resume would write there", path);
    if (strncmp(text, head, strlen(head)))
        return vn_fail(e, VN_E_INPUT, "%s: results of other models, pictures or settings; remove the file, or name another one", path);
    int number = 1;
    for (const char *p = strchr(text, '\n') + 1; *p; number++) {
        const size_t n = strcspn(p, "\n");
        if (!read_line(w, vn_arena_strn(w->eval->arena, p, n)))
            return vn_fail(e, VN_E_INPUT, "%s:%d: damaged: no result of a sample", path, number + 1);
        p += n + 1;
    }
    return whole < bytes ? vn_file_write(path, text, whole, e) : VN_OK;
}

static int open_state(struct run *w, struct vn_err *e)
{
    uint64_t h;
    if (!w->o->state)
        return VN_OK;
    TRY(fingerprint(&h, w, e));
    const char *head = vn_arena_fmt(w->eval->arena, "vernier-eval 1 %016llx\n", (unsigned long long)h);
    if (vn_file_exists(w->o->state))
        TRY(read_state(w, head, e));
    else
        TRY(vn_file_write(w->o->state, head, strlen(head), e));
    if (!(w->state = fopen(w->o->state, "a")))
        return vn_fail(e, errno == ENOMEM ? VN_E_NOMEM : VN_E_IO, "%s: %s", w->o->state, strerror(errno));
    vn_arena_defer(w->eval->arena, close_state, w->state);
    return VN_OK;
}

static void print_record(FILE *f, const struct record *r)
{
    fprintf(f, " %d", r->n);
    for (int k = 0; k < r->n; k++)
        fprintf(f, " %.17g", r->v[k]);
}

static int append(struct run *w, int i, struct vn_err *e)
{
    if (!w->state)
        return VN_OK;
    fprintf(w->state, "%d", i);
    for (int m = 0; m < w->n_models; m++) {
        print_record(w->state, &w->kept[i * w->n_models + m].main);
        print_record(w->state, &w->kept[i * w->n_models + m].like);
    }
    fputc('\n', w->state);
    return fflush(w->state) || ferror(w->state) ? vn_fail(e, VN_E_IO, "%s: cannot write: %s", w->o->state, strerror(errno)) : VN_OK;
}

/* ---- running ---- */

static int run_model(struct run *w, int i, int m, struct vn_arena *a, struct vn_err *e)
{
    struct kept *k = &w->kept[i * w->n_models + m];
    TRY(feed(w, m, w->eval->samples[i].path, e));
    TRY(vn_runner_run(w->runner[m], &w->feed[m], NULL, NULL, e));
    TRY(w->eval->metric->keep(&k->main, w->eval->arena, w->eval, i, w->runner[m], e));
    if (m)
        TRY(compare_outputs(w, &k->like, m, a, e));
    k->done = 1;
    return VN_OK;
}

static int run_samples(struct run *w, struct vn_err *e)
{
    for (int i = 0; i < w->eval->n_samples; i++) {
        if (!w->kept[i * w->n_models].done) {
            struct vn_arena *a = vn_arena_new();
            int status = VN_OK;
            for (int m = 0; m < w->n_models && status == VN_OK; m++)
                status = run_model(w, i, m, a, e);
            vn_arena_free(&a);
            TRY(status);
            TRY(append(w, i, e));
        }
        if (w->o->progress)
            w->o->progress(w->o->user, i + 1, w->eval->n_samples);
    }
    return VN_OK;
}

/* ---- scores ---- */

static const struct record **records_of(const struct run *w, int m)
{
    const struct record **of = NEW_ARRAY(w->eval->arena, const struct record *, w->eval->n_samples);
    for (int i = 0; i < w->eval->n_samples; i++)
        of[i] = &w->kept[i * w->n_models + m].main;
    return of;
}

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return a < b ? -1 : a > b;
}

/* Paired: every resample draws the same samples for both models. The percentile interval of Efron's bootstrap. */
static void intervals(const struct run *w, struct evaluated *to, const struct record *const *base, const struct record *const *of)
{
    const struct eval_set *ev = w->eval;
    const int b = ev->task->bootstrap, n = ev->n_boot;
    double *d = NEW_ARRAY(ev->arena, double, (size_t)b * (size_t)n), *x = NEW_ARRAY(ev->arena, double, n), *y = NEW_ARRAY(ev->arena, double, n);
    int *times = NEW_ARRAY(ev->arena, int, ev->n_samples), *drawn = NEW_ARRAY(ev->arena, int, n);
    uint64_t seed = (uint64_t)ev->task->seed;
    for (int i = 0; i < b; i++) {
        vn_resample(times, ev->n_samples, &seed);
        ev->metric->score(x, n, ev, base, times);
        ev->metric->score(y, n, ev, of, times);
        for (int k = 0; k < n; k++)
            if (isfinite(y[k] - x[k]))
                d[(size_t)k * (size_t)b + (size_t)drawn[k]++] = y[k] - x[k];
    }
    to->low = NEW_ARRAY(ev->arena, double, n);
    to->high = NEW_ARRAY(ev->arena, double, n);
    for (int k = 0; k < n; k++) {
        double *v = d + (size_t)k * (size_t)b;
        qsort(v, (size_t)drawn[k], sizeof *v, ascending);
        to->low[k] = vn_percentile(v, drawn[k], 2.5);
        to->high[k] = vn_percentile(v, drawn[k], 97.5);
    }
}

static void sum_likeness(const struct run *w, struct evaluated *to, int m)
{
    to->outputs = NEW_ARRAY(w->eval->arena, struct output_likeness, w->n_outputs);
    for (int o = 0; o < w->n_outputs; o++) {
        struct output_likeness *l = &to->outputs[o];
        double signal = 0, noise = 0;
        int n = 0;
        *l = (struct output_likeness){ .name = w->output[o], .cosine_min = INFINITY };
        for (int i = 0; i < w->eval->n_samples; i++) {
            const double *v = w->kept[i * w->n_models + m].like.v + o * LIKE_FIELDS;
            if (v[LIKE_COSINE] == NOT_COMPARABLE)
                continue;
            n++;
            l->cosine_mean += v[LIKE_COSINE];
            l->cosine_min = v[LIKE_COSINE] < l->cosine_min ? v[LIKE_COSINE] : l->cosine_min;
            l->max = v[LIKE_MAX] > l->max || v[LIKE_MAX] != v[LIKE_MAX] ? v[LIKE_MAX] : l->max;
            signal += v[LIKE_SIGNAL];
            noise += v[LIKE_NOISE];
        }
        l->cosine_mean = n ? l->cosine_mean / n : NAN;
        l->cosine_min = n ? l->cosine_min : NAN;
        l->sqnr = !n ? NAN : noise == 0 ? INFINITY : 10 * log10(signal / noise);
    }
}

static void summarise(struct evaluation *out, const struct run *w)
{
    const struct eval_set *ev = w->eval;
    int *once = NEW_ARRAY(ev->arena, int, ev->n_samples);
    for (int i = 0; i < ev->n_samples; i++)
        once[i] = 1;
    const struct record *const *base = records_of(w, 0);
    out->models = NEW_ARRAY(ev->arena, struct evaluated, w->n_models);
    for (int m = 0; m < w->n_models; m++) {
        struct evaluated *to = &out->models[m];
        const struct record *const *of = m ? records_of(w, m) : base;
        to->path = w->o->models[m];
        to->score = NEW_ARRAY(ev->arena, double, ev->n_scores);
        ev->metric->score(to->score, ev->n_scores, ev, of, once);
        if (m && ev->task->bootstrap && ev->n_boot)
            intervals(w, to, base, of);
        if (m)
            sum_likeness(w, to, m);
    }
}

static const struct metric *find_metric(const char *name)
{
    for (int i = 0; i < vn_metrics_count; i++)
        if (!strcmp(vn_metrics[i]->name, name))
            return vn_metrics[i];
    return NULL;
}

static int run_all(struct run *w, struct vn_err *e)
{
    struct eval_set *ev = w->eval;
    TRY(list_samples(ev, e));
    TRY(ev->metric->prepare(ev, e));
    TRY(read_feeding(w, e));
    TRY(open_models(w, e));
    w->kept = NEW_ARRAY(ev->arena, struct kept, (size_t)ev->n_samples * (size_t)w->n_models);
    TRY(open_state(w, e));
    return run_samples(w, e);
}

static int read_finished(struct run *w, struct vn_err *e)
{
    struct eval_set *ev = w->eval;
    if (!ev->metric->read_results)
        return vn_fail(e, VN_E_USAGE, "metric %s has no files of results that could be read", ev->metric->name);
    TRY(ev->metric->prepare(ev, e));
    w->kept = NEW_ARRAY(ev->arena, struct kept, (size_t)ev->n_samples * (size_t)w->n_models);
    struct record *of = NEW_ARRAY(ev->arena, struct record, ev->n_samples);
    for (int m = 0; m < w->n_models; m++) {
        memset(of, 0, (size_t)ev->n_samples * sizeof *of);
        TRY(ev->metric->read_results(of, ev, w->o->models[m], e));
        for (int i = 0; i < ev->n_samples; i++)
            w->kept[i * w->n_models + m].main = of[i];
    }
    return VN_OK;
}

static int write_results(const struct run *w, struct vn_err *e)
{
    struct vn_map *taken = vn_map_new(w->eval->arena);
    if (!w->o->results)
        return VN_OK;
    if (!w->eval->metric->write_results)
        return vn_fail(e, VN_E_USAGE, "metric %s has no format for results", w->eval->metric->name);
    TRY(vn_dir_make(w->o->results, e));
    for (int m = 0; m < w->n_models; m++) {
        const char *base = vn_path_base(w->o->models[m]);
        const char *file = vn_path_join(w->eval->arena, w->o->results, vn_arena_fmt(w->eval->arena, "%s%s", base, vn_path_has_suffix(base, ".json") ? "" : ".json"));
        if (vn_map_get(taken, file))
            return vn_fail(e, VN_E_USAGE, "two models have the name %s, so their results would be one file", base);
        vn_map_set(taken, file, taken);
        TRY(w->eval->metric->write_results(file, w->eval, records_of(w, m), e));
    }
    return VN_OK;
}

int vn_evaluate(struct evaluation **out, struct vn_arena *a, const struct evaluate_options *o, struct vn_err *e)
{
    struct eval_set *ev = NEW(a, struct eval_set);
    *ev = (struct eval_set){ .arena = a, .task = &o->task, .metric = find_metric(o->task.metric) };
    struct run w = { .eval = ev, .o = o, .n_models = o->n_models };
    if (!ev->metric)
        return vn_fail(e, VN_E_USAGE, "metric: want top_k, miou, coco or outputs, got '%s'", o->task.metric);
    TRY(o->finished ? read_finished(&w, e) : run_all(&w, e));
    TRY(write_results(&w, e));
    *out = NEW(a, struct evaluation);
    **out = (struct evaluation){ .eval = ev, .n_models = w.n_models, .n_outputs = w.n_outputs, .resumed = w.resumed };
    summarise(*out, &w);
    return VN_OK;
}
