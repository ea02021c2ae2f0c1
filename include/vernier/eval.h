/* vernier/eval.h - several models on the same images: scores, and confidence intervals of their differences.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     const struct vn_eval_setting settings[] = {
 *         { "metric", "top_k" }, { "images", "held_out" }, { "labels", "labels.txt" },
 *     };
 *     const char *const models[] = { "net.onnx", "net.bin" };
 *     struct vn_eval_options o;
 *     struct vn_evaluation *v;
 *     vn_eval_options_default(&o);
 *     o.settings = settings;
 *     o.n_settings = 3;
 *     o.models = models;
 *     o.n_models = 2;
 *     if (vn_eval(&v, &o, &err) < 0) ...
 *     vn_evaluation_free(&v);
 *
 * Metrics, labels and formats: docs/eval.md. Strings and arrays in the result are borrowed: they live until
 * it is freed. */
#ifndef VERNIER_EVAL_H
#define VERNIER_EVAL_H

#include <vernier/listener.h>
#include <vernier/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One setting as text; vernier/eval_keys.def has keys, ranges, defaults and meanings. */
struct vn_eval_setting {
    const char *key, *value;
    const char *where; /* start of the message about an invalid value; NULL: the key */
};

struct vn_eval_options {
    const char *task; /* flat YAML file of settings; NULL: none */
    const struct vn_eval_setting *settings; /* override the file; later ones override earlier ones */
    int n_settings;
    const char *const *models; /* artefacts; differences are from the first one */
    int n_models;
    const char *prototxt; /* of the Caffe networks among the models; NULL: there is none */
    struct vn_input_settings inputs; /* shapes and values; VN_E_USAGE if no model has the input */
    int finished; /* 1: the models are files of results that other programs wrote; metric coco only */
    const char *results; /* folder for each model's results, as MODEL.json; NULL: none. coco only */
    const char *state; /* file of results per image, to resume from: continued if it exists, written while
                        * images are processed. VN_E_INPUT if it belongs to another evaluation. NULL: none */
    struct vn_options run; /* threads and CPU features; results do not depend on them */
    struct vn_listener listener; /* progress: "eval" */
    struct vn_odd_listener odd; /* of models that run: the first one is the reference */
};
/* No settings, no models, one thread, every CPU feature, no listener. */
void vn_eval_options_default(struct vn_eval_options *o);

/* A score; NaN if undefined. */
struct vn_eval_score {
    const char *name; /* "top-1" */
    double value;
    double difference; /* from the first model; 0 for itself */
    int interval; /* 1: low and high are the 95 % confidence interval of the difference */
    double low, high;
};
/* Similarity of an output to the first model's output of the same name, over all samples. */
struct vn_eval_likeness {
    const char *name;
    double cosine_mean, cosine_min; /* cosine of the angle between both as vectors, -1..1 */
    double sqnr; /* dB, all samples as one signal; infinite if they are equal */
    double max; /* largest difference */
    double equal; /* share of equal elements, 0..1; for integers, whose cosine and sqnr are NaN */
};
/* A sample whose result differs from the first model's. */
struct vn_eval_change {
    const char *sample, *text; /* "plate7.png", "wrong characters: 0 -> 1" */
    double amount; /* above 0: worse than with the first model, in the metric's unit */
};
struct vn_eval_model {
    const char *path;
    const struct vn_eval_score *scores; /* vn_eval_summary.n_scores, in the metric's order */
    const struct vn_eval_likeness *outputs; /* vn_eval_summary.n_outputs; NULL for the first model */
    int n_changed; /* samples whose results differ from the first model's, if the setting `list` is not 0 */
    const struct vn_eval_change *changes; /* n_changes, worst first */
    int n_changes;
};

struct vn_eval_summary {
    const char *metric, *unit; /* unit "%": scores are shares */
    int n_scores;
    int n_outputs; /* common to all models; 0 if results were read from files */
    int samples;
    int labelled; /* images that have a label; 0: unknown */
    int resumed; /* samples processed by an earlier run */
    int bootstrap, seed; /* resamples for the intervals */
};

struct vn_evaluation; /* opaque */

/* Check that a file of settings can be read, for callers that use it only after long work. NULL: no file.
 * Errors: as vn_eval. */
int vn_eval_task_check(const char *path, struct vn_err *e);

/* Run every model on every sample. On success *v is the result, to be freed with vn_evaluation_free; on
 * failure NULL, and `state` keeps the finished images. The same settings and data give the same result with
 * any number of threads, interrupted or not. Errors, with file and reason in e->msg: VN_E_USAGE (settings),
 * VN_E_INPUT (models, images, labels), VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_eval(struct vn_evaluation **v, const struct vn_eval_options *o, struct vn_err *e);
/* Sets *v to NULL; NULL is allowed. */
void vn_evaluation_free(struct vn_evaluation **v);

const struct vn_eval_summary *vn_evaluation_summary(const struct vn_evaluation *v);
/* The n models in the order of the options. */
const struct vn_eval_model *vn_evaluation_models(const struct vn_evaluation *v, int *n);

#ifdef __cplusplus
}
#endif
#endif
