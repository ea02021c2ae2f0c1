/* Runs every model on every sample, several samples at a time, and keeps a few numbers of each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/share.h"
#include "base/words.h"
#include "data/samples.h"
#include "eval/eval_run.h"

#define METRIC(name) extern const struct metric vn_metric_##name;
#include "eval/metrics.def"
#undef METRIC
const struct metric *const vn_metrics[] = {
#define METRIC(name) &vn_metric_##name,
#include "eval/metrics.def"
#undef METRIC
};
const int vn_metrics_count = sizeof vn_metrics / sizeof *vn_metrics;

/* ---- samples ---- */

struct sample_list {
    VEC(struct sample) all;
};

static int add_folder(struct sample_list *l, struct vn_arena *a, const char *images, const char *folder,
                      int label, struct vn_err *e)
{
    const char **names;
    int n;
    TRY(vn_dir_list(a, *folder ? vn_path_join(a, images, folder) : images, &names, &n, e));
    for (int i = 0; i < n; i++)
        if (vn_samples_is_input(names[i])) {
            const char *name = *folder ? vn_path_join(a, folder, names[i]) : names[i];
            const struct sample s = { vn_path_join(a, images, name), name, label };
            VEC_PUSH(a, &l->all, s);
        }
    return VN_OK;
}

/* The files of a folder, or where labels are folders those of each folder in it. */
static int list_files(struct sample_list *l, const struct eval_set *ev, const char *images, struct vn_err *e)
{
    const char **folders;
    int n;
    if (ev->task->labels && !strcmp(ev->task->labels, "folders")) {
        TRY(vn_dir_folders(ev->arena, images, &folders, &n, e));
        if (!n)
            return vn_fail(e, VN_E_INPUT, "%s: no folders; labels 'folders' requires one per class", images);
        for (int i = 0; i < n; i++)
            TRY(add_folder(l, ev->arena, images, folders[i], i, e));
    } else
        TRY(add_folder(l, ev->arena, images, "", -1, e));
    return l->all.n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no images, .npy or .bin files", images);
}

static const char *trimmed(struct vn_arena *a, const char *text, size_t n)
{
    while (n && *text == ' ')
        text++, n--;
    while (n && text[n - 1] == ' ')
        n--;
    return vn_arena_strn(a, text, n);
}

/* "NAME=DIR", or "DIR" (*input NULL). */
static const char *split_folder(const char **input, struct vn_arena *a, const char *word)
{
    const char *eq = vn_dir_exists(word) ? NULL : strchr(word, '=');
    *input = eq && eq > word ? vn_arena_strn(a, word, (size_t)(eq - word)) : NULL;
    return *input ? eq + 1 : word;
}

/* The first folder has the labelled samples, the others a file for each of them. */
static int add_input(struct eval_set *ev, int first, const char *word, struct vn_err *e)
{
    const char *input, *folder = split_folder(&input, ev->arena, word);
    struct sample_list l = { { 0 } };
    if (!first && !input)
        return vn_fail(e, VN_E_USAGE, "--images: expected NAME=DIR for another input, got '%s'", word);
    TRY(list_files(&l, ev, folder, e));
    if (!first && l.all.n != ev->n_samples)
        return vn_fail(e, VN_E_INPUT, "%s: %d files, expected %d as in the first folder", folder, l.all.n,
                       ev->n_samples);
    if (first) {
        ev->main_input = input;
        ev->samples = l.all.v;
        ev->n_samples = l.all.n;
    } else
        ev->beside[ev->n_beside++] = (struct input_files){ input, l.all.v };
    return VN_OK;
}

static int list_samples(struct eval_set *ev, struct vn_err *e)
{
    const struct eval_task *t = ev->task;
    int folders = 1;
    if (!t->images)
        return vn_fail(e, VN_E_USAGE, "--images is missing: the folder of images");
    for (const char *p = t->images; *p; p++)
        folders += *p == ';';
    ev->beside = NEW_ARRAY(ev->arena, struct input_files, folders);
    for (const char *p = t->images; *p;) {
        const size_t n = strcspn(p, ";");
        TRY(add_input(ev, p == t->images, trimmed(ev->arena, p, n), e));
        p += n + (p[n] == ';');
    }
    ev->n_samples = t->limit && t->limit < ev->n_samples ? t->limit : ev->n_samples;
    return ev->n_samples ? VN_OK : vn_fail(e, VN_E_USAGE, "--images is empty: expected the folder of images");
}

/* ---- models ---- */

static void common_outputs(struct run *w, struct vn_session *const *models)
{
    int n;
    const struct vn_port *out = vn_session_outputs(models[0], &n);
    w->output = NEW_ARRAY(w->eval->arena, const char *, n);
    for (int i = 0; i < n; i++) {
        int all = 1;
        for (int m = 1; m < w->n_models; m++)
            all &= vn_session_output_find(models[m], out[i].name) >= 0;
        if (all)
            w->output[w->n_outputs++] = out[i].name;
    }
}

static void free_arena(void *p)
{
    struct vn_arena *a = p;
    vn_arena_free(&a);
}

/* An arena of its own, since several threads fill one each. */
static struct slot *add_slot(struct run *w)
{
    struct slot *s = &w->slot[w->n_slots++];
    s->arena = vn_arena_new();
    vn_arena_defer(w->eval->arena, free_arena, s->arena);
    s->session = NEW_ARRAY(s->arena, struct vn_session *, w->n_models);
    return s;
}

static int is_beside(const struct eval_set *ev, const char *input)
{
    for (int k = 0; k < ev->n_beside; k++)
        if (!strcmp(ev->beside[k].input, input))
            return 1;
    return 0;
}

/* By name, or the one that is not beside it. */
static int find_main_input(const struct eval_set *ev, struct vn_session *s, struct vn_err *e)
{
    int n, main = -1, without = 0;
    const struct vn_port *in = vn_session_inputs(s, &n);
    for (int k = 0; k < ev->n_beside; k++)
        if (vn_session_input(s, ev->beside[k].input) < 0)
            return vn_fail(e, VN_E_USAGE, "--images: %s has no input '%s'", vn_session_path(s),
                           ev->beside[k].input);
    for (int i = 0; i < n; i++)
        if (!is_beside(ev, in[i].name)) {
            without++;
            main = !ev->main_input || !strcmp(in[i].name, ev->main_input) ? i : main;
        }
    if (main < 0 || without != 1)
        return vn_fail(
            e, VN_E_USAGE,
            "%s has %d inputs (%s, ...): expected a folder for each, --images NAME=DIR, the labelled "
            "one first",
            vn_session_path(s), n, n ? in[0].name : "none");
    vn_session_set_main_input(s, main);
    return VN_OK;
}

static int open_model(struct run *w, struct slot *s, int m, unsigned char *marks, struct vn_err *e)
{
    const char *path = w->o->models[m];
    struct vn_session_options o;
    struct vn_session **session = vn_session_slot(s->arena);
    vn_session_options_default(&o);
    o.run = w->run;
    o.prototxt = vn_path_has_suffix(path, ".caffemodel") ? w->o->prototxt : NULL;
    o.pipeline = w->eval->task->pipeline;
    o.inputs = w->o->inputs;
    o.marks = marks;
    TRY(vn_session_open(session, path, &o, e));
    s->session[m] = *session;
    return find_main_input(w->eval, *session, e);
}

static int open_models(struct run *w, struct vn_err *e)
{
    struct slot *s = add_slot(w);
    unsigned char *marks = NEW_ARRAY(s->arena, unsigned char, w->o->inputs.n_shapes + w->o->inputs.n_values);
    for (int m = 0; m < w->n_models; m++)
        TRY(open_model(w, s, m, marks, e));
    TRY(vn_session_check_settings(&w->o->inputs, marks, e));
    w->eval->judge = s->session[0];
    common_outputs(w, s->session);
    return w->n_models > 1 && !w->n_outputs && !strcmp(w->eval->metric->name, "outputs")
               ? vn_fail(e, VN_E_INPUT, "the models have no common output name to compare")
               : VN_OK;
}

/* The models again, once for each sample that runs beside the first one. */
static int share_models(struct run *w, int slots, struct vn_err *e)
{
    while (w->n_slots < slots) {
        struct slot *s = add_slot(w);
        for (int m = 0; m < w->n_models; m++) {
            struct vn_session **session = vn_session_slot(s->arena);
            TRY(vn_session_share(session, w->slot[0].session[m], &w->run, e));
            vn_session_set_main_input(*session, vn_session_main_input(w->slot[0].session[m]));
            s->session[m] = *session;
        }
    }
    return VN_OK;
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
    const struct config_word *colours = vn_word_find(vn_words_input_type_train, t->colours);
    if (!colours ||
        (colours->value != VN_IN_RGB && colours->value != VN_IN_BGR && colours->value != VN_IN_GRAY))
        return vn_fail(e, VN_E_USAGE, "colours: expected rgb, bgr or gray, got '%s'", t->colours);
    w->pixels = NEW(w->eval->arena, struct input_config);
    for (int i = 0; w->pipeline && i < w->pipeline->steps.n; i++) {
        const struct vn_step_kind *k = w->pipeline->steps.v[i].kind;
        if (k && k->to_values)
            return vn_fail(
                e, VN_E_USAGE,
                "colours: step %s of the pipeline already produces the tensor; remove one of the two",
                k->name);
    }
    *w->pixels =
        (struct input_config){ .type_train = colours->value, .type_rt = colours->value, .cal_type = VN_U8 };
    return VN_OK;
}

static const struct vn_port *input_of(const struct vn_session *model)
{
    int n;
    return &vn_session_inputs(model, &n)[vn_session_main_input(model)];
}

static int not_described(const struct vn_session *model, struct vn_err *e)
{
    return vn_fail(e, VN_E_USAGE,
                   "%s: input %s is a normalized tensor, not an image: set --colours, --mean and --scale, or "
                   "add steps to --pipeline",
                   vn_session_path(model), input_of(model)->name);
}

static int feed_values(struct vn_session *model, const float *x, const struct vn_origin *from,
                       struct vn_err *e)
{
    const struct vn_port *p = input_of(model);
    const int i = vn_session_main_input(model);
    TRY(vn_session_feed_array(model, i, VN_F32, p->rank, p->shape, NULL, x, e));
    vn_session_set_origin(model, i, from);
    return VN_OK;
}

/* A picture for a model that takes the normalised tensor. */
static int feed_normalised(const struct run *w, struct vn_session *model, const char *path,
                           struct vn_arena *a, struct vn_err *e)
{
    const struct vn_port *p = input_of(model);
    const struct vn_shape s = vn_shape_of(p->rank, p->shape);
    struct input_config in = *w->pixels;
    const int channels = in.type_train == VN_IN_GRAY ? 1 : 3,
              last = p->nhwc || (s.rank == 4 && s.d[1] != channels);
    char text[VN_SHAPE_TEXT];
    if (s.rank != 4 || s.d[last ? 3 : 1] != channels || p->dtype != VN_F32 ||
        (w->n_mean != 1 && w->n_mean != channels) || (w->n_scale != 1 && w->n_scale != channels))
        return vn_fail(e, VN_E_INPUT,
                       "%s: input %s of shape %s does not match %s images with %d mean and %d scale values",
                       vn_session_path(model), p->name, vn_shape_text(&s, text),
                       vn_input_type_word(in.type_train), w->n_mean, w->n_scale);
    in.name = p->name;
    in.layout_train = last ? LAYOUT_NHWC : LAYOUT_NCHW;
    const int64_t n = vn_shape_count(&s), plane = last ? 1 : s.d[2] * s.d[3];
    struct vn_origin from;
    float *x = NEW_ARRAY(a, float, n);
    TRY(vn_sample_file(x, NULL, &from, &in, &s, w->pipeline, path, e)); /* pixel - 128 */
    for (int64_t i = 0; i < n; i++) {
        const int c = (int)(i / plane % channels);
        x[i] = (float)((x[i] + 128 - w->mean[w->n_mean > 1 ? c : 0]) * w->scale[w->n_scale > 1 ? c : 0]);
    }
    return feed_values(model, x, &from, e);
}

static int feed_main(const struct run *w, struct vn_session *model, const char *path, struct vn_arena *a,
                     struct vn_err *e)
{
    const int i = vn_session_main_input(model);
    if (input_of(model)->type != VN_IN_FEATUREMAP || !vn_picture_is_image_name(path))
        return vn_session_feed_file(model, i, path, e);
    if (w->pixels)
        return feed_normalised(w, model, path, a, e);
    return vn_session_makes_features(model) ? vn_session_feed_file(model, i, path, e)
                                            : not_described(model, e);
}

static int feed(const struct run *w, struct vn_session *model, int sample, struct vn_arena *a,
                struct vn_err *e)
{
    const struct eval_set *ev = w->eval;
    for (int k = 0; k < ev->n_beside; k++)
        TRY(vn_session_feed_file(model, vn_session_input(model, ev->beside[k].input),
                                 ev->beside[k].samples[sample].path, e));
    return feed_main(w, model, ev->samples[sample].path, a, e);
}

/* ---- outputs ---- */

static int find_output(int *k, const struct vn_session *model, const char *name, struct vn_arena *a,
                       struct vn_err *e)
{
    int n;
    const struct vn_port *out = vn_session_outputs(model, &n);
    if (!name && n != 1)
        return vn_fail(e, VN_E_USAGE, "%s has %d outputs (%s, %s, ...): select one with --output",
                       vn_session_path(model), n, out[0].name, out[1].name);
    *k = name ? vn_session_output_find(model, name) : 0;
    if (*k >= 0)
        return VN_OK;
    const char **names = NEW_ARRAY(a, const char *, n);
    for (int i = 0; i < n; i++)
        names[i] = out[i].name;
    const char *near = vn_nearest(name, names, n);
    return vn_fail(e, VN_E_USAGE, "%s has no output '%s'; nearest: '%s'", vn_session_path(model), name,
                   near ? near : names[0]);
}

int vn_eval_output(struct output_values *out, struct vn_arena *a, const struct vn_session *model,
                   const char *name, struct vn_err *e)
{
    int k = 0;
    struct vn_view view;
    TRY(find_output(&k, model, name, a, e));
    TRY(vn_session_output(model, k, &view, e));
    struct vn_shape *shape = NEW(a, struct vn_shape);
    *shape = vn_shape_of(view.rank, view.shape);
    out->shape = shape;
    out->n = vn_view_count(&view);
    double *v = NEW_ARRAY(a, double, out->n);
    for (int64_t i = 0; i < out->n; i++)
        v[i] = vn_view_at(&view, i);
    out->v = v;
    return VN_OK;
}

int vn_eval_input_size(double *w, double *h, const struct vn_session *model, struct vn_err *e)
{
    const struct vn_port *p = input_of(model);
    const struct vn_shape s = vn_shape_of(p->rank, p->shape);
    char text[VN_SHAPE_TEXT];
    if (s.rank != 4)
        return vn_fail(e, VN_E_INPUT, "%s: input of shape %s is not an image", vn_session_path(model),
                       vn_shape_text(&s, text));
    const int last = p->nhwc || (p->type == VN_IN_FEATUREMAP && s.d[1] != 1 && s.d[1] != 3);
    *h = (double)s.d[last ? 1 : 2];
    *w = (double)s.d[last ? 2 : 3];
    return VN_OK;
}

static void likeness(double *out, const double *x, int64_t n, const double *y, int64_t m)
{
    double xy = 0, xx = 0, yy = 0, noise = 0, most = 0, equal = 0;
    for (int64_t i = 0; i < n && n == m; i++) {
        const double d = fabs(x[i] - y[i]);
        xy += x[i] * y[i];
        xx += x[i] * x[i];
        yy += y[i] * y[i];
        noise += d * d;
        most = d > most || d != d ? d : most;
        equal += x[i] == y[i];
    }
    out[LIKE_COSINE] = n != m               ? NOT_COMPARABLE
                       : xx == 0 && yy == 0 ? 1
                       : xx == 0 || yy == 0 ? 0
                                            : xy / (sqrt(xx) * sqrt(yy));
    out[LIKE_SIGNAL] = xx;
    out[LIKE_NOISE] = noise;
    out[LIKE_MAX] = most;
    out[LIKE_EQUAL] = n ? equal / (double)n : 1;
}

static int compare_outputs(const struct run *w, struct record *out, const struct slot *s, int m,
                           struct vn_arena *a, struct vn_err *e)
{
    double *v = NEW_ARRAY(s->arena, double, w->n_outputs *LIKE_FIELDS);
    *out = (struct record){ w->n_outputs * LIKE_FIELDS, v };
    for (int i = 0; i < w->n_outputs; i++) {
        struct output_values x, y;
        TRY(vn_eval_output(&x, a, s->session[0], w->output[i], e));
        TRY(vn_eval_output(&y, a, s->session[m], w->output[i], e));
        likeness(v + i * LIKE_FIELDS, x.v, x.n, y.v, y.n);
    }
    return VN_OK;
}

/* ---- running ---- */

/* Errors of the data name the sample. */
static int at_sample(const struct run *w, int i, int status, struct vn_err *e)
{
    return status == VN_E_INPUT ? vn_fail_at(e, "%s", w->eval->samples[i].path) : status;
}

static int run_model(const struct run *w, const struct slot *s, int i, int m, struct vn_arena *a,
                     struct vn_err *e)
{
    struct kept *k = &w->kept[i * w->n_models + m];
    struct vn_session *model = s->session[m];
    const char *path = w->eval->samples[i].path;
    vn_session_name_sample(model, path);
    TRY(feed(w, model, i, a, e));
    TRY(at_sample(w, i, vn_session_run(model, e), e));
    const struct vn_origin *from = vn_session_origin(model, vn_session_main_input(model));
    TRY(at_sample(w, i, w->eval->metric->keep(&k->main, s->arena, w->eval, i, model, from, e), e));
    return m ? compare_outputs(w, &k->like, s, m, a, e) : VN_OK;
}

/* Samples are written in their order, whoever is ready first. */
static int finish(struct run *w, int i, struct vn_err *e)
{
    int status = VN_OK;
    pthread_mutex_lock(&w->lock);
    w->done[i] = DONE;
    while (w->next < w->eval->n_samples && w->done[w->next] && status == VN_OK) {
        const int k = w->next++;
        status = w->done[k] == DONE ? vn_eval_state_append(w, k, e) : VN_OK;
        vn_progress(w->o->listener, "eval", w->next, w->eval->n_samples);
    }
    pthread_mutex_unlock(&w->lock);
    return status;
}

static int run_sample(void *ctx, int worker, int i, struct vn_err *e)
{
    struct run *w = ctx;
    int status = VN_OK;
    if (w->done[i])
        return VN_OK;
    struct vn_arena *a = vn_arena_new();
    for (int m = 0; m < w->n_models && status == VN_OK; m++)
        status = run_model(w, &w->slot[worker], i, m, a, e);
    vn_arena_free(&a);
    TRY(status);
    return finish(w, i, e);
}

/* How many samples are to be run. */
static int leave_other_parts(struct run *w)
{
    int n = 0;
    for (int i = 0; i < w->eval->n_samples; i++) {
        if (w->done[i] == NOT_DONE && !vn_shard_has(&w->part, i))
            w->done[i] = OTHER_PART;
        n += w->done[i] == NOT_DONE;
    }
    return n;
}

static int run_samples(struct run *w, struct vn_err *e)
{
    const int n = w->eval->n_samples, slots = vn_eval_threads(w, leave_other_parts(w));
    TRY(share_models(w, slots, e));
    pthread_mutex_init(&w->lock, NULL);
    const int status = vn_share(n, slots, run_sample, w, e);
    pthread_mutex_destroy(&w->lock);
    return status;
}

/* ---- all of it ---- */

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
    const int slots = vn_eval_threads(w, ev->n_samples);
    w->slot = NEW_ARRAY(ev->arena, struct slot, slots);
    w->run = w->o->run;
    w->run.threads /= slots; /* threads that samples leave over help within each */
    TRY(open_models(w, e));
    w->kept = NEW_ARRAY(ev->arena, struct kept, (size_t)ev->n_samples * (size_t)w->n_models);
    w->done = NEW_ARRAY(ev->arena, char, ev->n_samples);
    TRY(vn_eval_state_open(w, e));
    return run_samples(w, e);
}

static int read_finished(struct run *w, struct vn_err *e)
{
    struct eval_set *ev = w->eval;
    if (!ev->metric->read_results)
        return vn_fail(e, VN_E_USAGE, "metric %s cannot read results from files", ev->metric->name);
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

/* Before the work: it would be a pity to find out behind it. */
static int name_results(struct run *w, struct vn_err *e)
{
    struct vn_arena *a = w->eval->arena;
    struct vn_map *taken = vn_map_new(a);
    if (!w->o->results)
        return VN_OK;
    if (!w->eval->metric->write_results)
        return vn_fail(e, VN_E_USAGE, "metric %s cannot write results", w->eval->metric->name);
    w->results = NEW_ARRAY(a, const char *, w->n_models);
    for (int m = 0; m < w->n_models; m++) {
        const char *base = vn_path_base(w->o->models[m]);
        w->results[m] =
            vn_path_join(a, w->o->results,
                         vn_arena_fmt(a, "%s%s", base, vn_path_has_suffix(base, ".json") ? "" : ".json"));
        if (vn_map_get(taken, w->results[m]))
            return vn_fail(e, VN_E_USAGE, "two models are named %s: they would write the same result file",
                           base);
        vn_map_set(taken, w->results[m], taken);
    }
    return vn_dir_make(w->o->results, e);
}

static int write_results(const struct run *w, struct vn_err *e)
{
    for (int m = 0; m < w->n_models && w->results; m++)
        TRY(w->eval->metric->write_results(w->results[m], w->eval, vn_eval_records(w, m), e));
    return VN_OK;
}

/* "a, b or c" */
static const char *metric_names(struct vn_arena *a)
{
    const char *names = "";
    for (int i = 0; i < vn_metrics_count; i++)
        names = vn_arena_fmt(a, "%s%s%s", names,
                             !i                         ? ""
                             : i + 1 < vn_metrics_count ? ", "
                                                        : " or ",
                             vn_metrics[i]->name);
    return names;
}

static int begin(struct run *w, struct vn_arena *a, const struct evaluate_options *o, struct vn_err *e)
{
    struct eval_set *ev = NEW(a, struct eval_set);
    *ev = (struct eval_set){ .arena = a, .task = &o->task, .metric = find_metric(o->task.metric) };
    *w = (struct run){ .eval = ev, .o = o, .n_models = o->n_models };
    if (!ev->metric)
        return vn_fail(e, VN_E_USAGE, "metric: expected %s, got '%s'", metric_names(a), o->task.metric);
    const int compares = !strcmp(ev->metric->name, "outputs") || !strcmp(ev->metric->name, "agreement");
    if (compares && o->n_models < 2)
        return vn_fail(e, VN_E_USAGE,
                       "metric %s compares models with the first one: expected two or more models, "
                       "or another --metric",
                       ev->metric->name);
    return VN_OK;
}

/* ---- the worst samples ---- */

struct odd {
    int sample, model;
    int changed; /* worse than any cosine */
    double cosine;
};

/* The model that differs most from the first one. */
static struct odd judge_sample(const struct run *w, int i)
{
    struct odd x = { .sample = i, .model = -1, .cosine = 1 };
    const struct kept *k = &w->kept[i * w->n_models];
    for (int m = 1; m < w->n_models; m++) {
        const int changed = !strcmp(w->eval->metric->name, "top_k") && k[m].main.v[0] != k[0].main.v[0];
        double cosine = 1;
        for (int o = 0; o < w->n_outputs; o++)
            cosine = fmin(cosine, k[m].like.v[o * LIKE_FIELDS + LIKE_COSINE]);
        if (x.model < 0 || changed > x.changed || (changed == x.changed && cosine < x.cosine)) {
            x.model = m;
            x.changed = changed;
            x.cosine = cosine;
        }
    }
    return x;
}

static int worst_first(const void *x, const void *y)
{
    const struct odd *a = x, *b = y;
    if (a->changed != b->changed)
        return b->changed - a->changed;
    return a->cosine != b->cosine ? (a->cosine > b->cosine ? 1 : -1) : a->sample - b->sample;
}

static int show_sample(struct run *w, const struct odd *x, struct vn_err *e)
{
    struct slot *s = &w->slot[0];
    const struct kept *k = &w->kept[x->sample * w->n_models];
    const char *path = w->eval->samples[x->sample].path;
    const int models[2] = { 0, x->model };
    struct vn_odd_sample shown = {
        .path = path, .metric = w->eval->metric->name, .cosine = x->cosine, .changed = x->changed
    };
    struct vn_arena *a = vn_arena_new();
    int status = VN_OK;
    for (int i = 0; i < 2 && status == VN_OK; i++) {
        shown.model[i] = s->session[models[i]];
        shown.record[i] = k[models[i]].main.v;
        shown.n_record[i] = k[models[i]].main.n;
        status = feed(w, s->session[models[i]], x->sample, a, e);
        if (status == VN_OK)
            status = vn_session_run(s->session[models[i]], e);
    }
    if (status == VN_OK)
        w->o->odd.show(w->o->odd.user, &shown);
    vn_arena_free(&a);
    return status;
}

static int show_odd(struct run *w, struct vn_err *e)
{
    const int n = w->eval->n_samples;
    if (!w->o->odd.most || w->o->finished || w->n_models < 2)
        return VN_OK;
    struct odd *all = NEW_ARRAY(w->eval->arena, struct odd, n);
    for (int i = 0; i < n; i++)
        all[i] = judge_sample(w, i);
    qsort(all, (size_t)n, sizeof *all, worst_first);
    for (int i = 0; i < n && i < w->o->odd.most; i++)
        TRY(show_sample(w, &all[i], e));
    return VN_OK;
}

int vn_evaluate(struct evaluation **out, struct vn_arena *a, const struct evaluate_options *o,
                struct vn_err *e)
{
    struct run w;
    TRY(begin(&w, a, o, e));
    TRY(name_results(&w, e));
    TRY(o->finished ? read_finished(&w, e) : run_all(&w, e));
    TRY(show_odd(&w, e));
    TRY(write_results(&w, e));
    *out = NEW(a, struct evaluation);
    **out = (struct evaluation){
        .eval = w.eval, .n_models = w.n_models, .n_outputs = w.n_outputs, .resumed = w.resumed
    };
    return vn_eval_summarise(*out, &w, e);
}

static int evaluate_part(struct vn_arena *a, const struct evaluate_options *o, const struct vn_shard *part,
                         struct vn_err *e)
{
    struct run w;
    TRY(vn_shard_check(part, e));
    if (!o->state || o->finished)
        return vn_fail(e, VN_E_USAGE,
                       "a part of an evaluation requires models to run and a file for their results");
    TRY(begin(&w, a, o, e));
    w.part = *part;
    return run_all(&w, e);
}

/* not used in src: vn_evaluate_part: a job is divided by who uses the library, and by tests */
int vn_evaluate_part(const struct evaluate_options *o, const struct vn_shard *part, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const int status = evaluate_part(a, o, part, e);
    vn_arena_free(&a);
    return status;
}
