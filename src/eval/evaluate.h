/* eval/evaluate.h - several models on the same pictures: a metric, likeness of outputs, confidence of the
 * differences. */
#ifndef VN_EVALUATE_H
#define VN_EVALUATE_H

#include "base/listen.h"
#include "result/result.h"
#include "session/session.h"
#include "session/similarity.h"

/* ---- what is evaluated: eval_keys.def (eval_task.c) ---- */

#define EVAL_TYPE_TEXT const char *
#define EVAL_TYPE_LIST const char *
#define EVAL_TYPE_PATH const char * /* a text; results also depend on what the file or folder holds */
#define EVAL_TYPE_INT int
#define EVAL_TYPE_REAL double
struct eval_task {
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) EVAL_TYPE_##kind field;
#include <vernier/eval_keys.def>
#undef EVAL_KEY
};

void vn_eval_task_default(struct eval_task *t);
/* Keys of a flat YAML file; values are words, numbers or lists of them. */
int vn_eval_task_read(struct eval_task *t, struct vn_arena *a, const char *path, struct vn_err *e);
/* One key from text; `where` begins the message. VN_E_USAGE where the value is wrong. */
int vn_eval_task_set(struct eval_task *t, struct vn_arena *a, const char *key, const char *text,
                     const char *where, struct vn_err *e);
/* 0 for the first of two words, 1 for the second. */
int vn_eval_choice(int *out, const char *key, const char *text, const char *no, const char *yes,
                   struct vn_err *e);
/* "1 2.5 3" or "1,2.5,3": at most `max` finite numbers. */
int vn_eval_numbers(double *v, int max, int *n, const char *text, const char *what, struct vn_err *e);

/* ---- what is kept of one picture: numbers whose meaning the metric knows ---- */

struct record {
    int n;
    const double *v;
};

struct sample {
    const char *path, *name; /* name: without the folder of --images */
    int label; /* of its folder, where labels are folders; else -1 */
};

/* An input beside the labelled one: a file for each sample. */
struct input_files {
    const char *input;
    struct sample *samples;
};

/* One evaluation while it runs. */
struct eval_set {
    struct vn_arena *arena;
    const struct eval_task *task;
    const struct metric *metric;
    int n_samples;
    struct sample *samples;
    const char *main_input; /* whose samples are labelled; NULL: the one that is not `beside` */
    int n_beside; /* inputs beside it */
    struct input_files *beside;
    int n_labelled; /* pictures that the labels know; 0: they do not say */
    void *truth; /* the metric's labels */
    const struct vn_session *judge; /* the first model, for what its graph says; NULL: files of results */
    const struct record *const *first; /* the first model's records, when scores are made */
    int n_scores; /* numbers that the metric gives */
    const char **score_name;
};

/* A metric: one descriptor and a line in metrics.def. */
struct metric {
    const char *name;
    const char *unit; /* "%": scores are shares */
    /* Labels into ev->truth, names of scores. Without pictures (ev->samples NULL) the labels say which
     * samples there are. */
    int (*prepare)(struct eval_set *ev, struct vn_err *e);
    /* What to keep of sample i from the outputs that the model has just computed; `from`: where the
     * input's pixels come from. By several threads. */
    int (*keep)(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i,
                const struct vn_session *model, const struct vn_origin *from, struct vn_err *e);
    /* Does a record from a file of earlier results make sense? */
    int (*valid)(const struct record *r, const struct eval_set *ev, int i);
    /* All scores; sample i counts times[i] times. NaN where there is nothing to count. Once for each
     * model's records, then by several threads. */
    void (*score)(double *out, const struct eval_set *ev, const struct record *const *of, const int *times);
    /* Results as a file in the format of the metric's field, for all samples; NULL: there is none. */
    int (*read_results)(struct record *of, const struct eval_set *ev, const char *path, struct vn_err *e);
    int (*write_results)(const char *path, const struct eval_set *ev, const struct record *const *of,
                         struct vn_err *e);
    /* By how much sample i is worse with the second record, and what changed; 0: the same, *text is not set.
     * NULL: samples cannot be listed. */
    double (*change)(const char **text, struct vn_arena *a, const struct eval_set *ev, int i,
                     const struct record *x, const struct record *y);
};
extern const struct metric *const vn_metrics[];
extern const int vn_metrics_count;

/* A file of lines "IMAGE LABEL", cut at the last tab, or where there is none at the last space. */
struct label_line {
    const char *image, *label;
    int number; /* from 1 */
};
struct label_file {
    struct label_line *lines;
    int n;
    struct vn_map *of; /* an image's line */
};
/* `label`: what stands behind an image, for messages. */
int vn_eval_labels(struct label_file *out, struct vn_arena *a, const char *path, const char *label,
                   struct vn_err *e);
int vn_eval_label_wrong(const struct label_line *l, const char *path, const char *label, struct vn_err *e);

/* Values of an output as real numbers (quantized outputs are dequantized). By name; NULL: the only one. */
struct output_values {
    const struct vn_shape *shape;
    int64_t n;
    const double *v;
};
/* Width and height of the picture that the network's main input holds. */
int vn_eval_input_size(double *w, double *h, const struct vn_session *model, struct vn_err *e);
int vn_eval_output(struct output_values *out, struct vn_arena *a, const struct vn_session *model,
                   const char *name, struct vn_err *e);

/* ---- results ---- */

/* An output of a model against the same output of the first model, over all samples. */
struct output_likeness {
    const char *name;
    double cosine_mean, cosine_min, sqnr, max; /* sqnr: of all samples as one signal; +inf when equal */
    double equal; /* share of equal elements */
};
struct sample_change {
    int sample;
    double amount; /* above 0: worse than with the first model */
    const char *text;
};
struct evaluated {
    const char *path;
    double *score; /* n_scores */
    /* 95 % intervals of (this - first model), NaN where a score is not defined; NULL for the first */
    double *low, *high;
    struct output_likeness *outputs; /* n_outputs; NULL for the first */
    int n_changed, n_listed; /* samples whose results are not the first model's; the worst of them */
    struct sample_change *changes; /* n_listed */
};
struct evaluation {
    const struct eval_set *eval;
    int n_models, n_outputs;
    int resumed; /* samples that an earlier run had done */
    struct evaluated *models;
};

struct evaluate_options {
    struct eval_task task;
    struct vn_options run;
    int n_models;
    const char **models;
    const char *prototxt; /* of the models that are Caffe networks */
    struct vn_input_settings inputs; /* each model takes what concerns its input */
    int finished; /* the models are files of results that others have made */
    const char *results; /* folder to write each model's results to, as MODEL.json; NULL: do not */
    const char *state; /* results picture by picture, to go on from; NULL: none */
    const struct vn_listener *listener; /* NULL: nobody listens */
    struct vn_odd_listener odd;
};
int vn_evaluate(struct evaluation **out, struct vn_arena *a, const struct evaluate_options *o,
                struct vn_err *e);

/* ---- an evaluation in parts, perhaps on several machines ---- */

/* Only the samples of `part`: their records go to the file o->state, which is required; there are no scores.
 * Every machine requires the same models, labels and settings, and samples of the same names and sizes. */
int vn_evaluate_part(const struct evaluate_options *o, const struct vn_shard *part, struct vn_err *e);
/* Join n files of parts, in any order, to the file `path`: where no sample is missing, the same bytes as the
 * file of a whole evaluation. vn_evaluate with it as `state` gives the scores. VN_E_INPUT where a file is
 * damaged, belongs to another evaluation, or has another result of a sample than one before it; equal ones
 * are one. */
int vn_evaluate_join(const char *path, int n, const char *const *parts, struct vn_err *e);

/* ---- statistics (metrics.c) ---- */

/* Percentile (0..100) of n sorted numbers, linear between neighbours, as numpy.percentile. */
double vn_percentile(const double *sorted, int n, double percent);
/* How often each of n samples is drawn in one resample. */
void vn_resample(int *times, int n, uint64_t *seed);

#endif
