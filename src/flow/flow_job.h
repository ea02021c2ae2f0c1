/* flow/flow_job.h - what the steps of a flow share: inside flow/ only. */
#ifndef VN_FLOW_JOB_H
#define VN_FLOW_JOB_H

#include <vernier/check.h>
#include <vernier/convert.h>
#include <vernier/flow.h>

#include "config/config.h"
#include "data/samples.h"
#include "flow/compare_fed.h"
#include "session/session.h"

enum product { ORIGINAL, OPTIMIZED, CALIBRATED, QUANTIZED, PROGRAM, FLOW_PRODUCTS };

struct flow_job {
    const struct vn_flow_options *o;
    struct vn_arena *arena; /* of the result */
    struct vn_arena *work;
    const char *path; /* of the configuration */
    struct config *config;
    struct vn_conversion *c; /* NULL: not converted yet */
    const char *product[FLOW_PRODUCTS];
    struct vn_session *original; /* to look at; its graph says what samples are */
    struct vn_samples *samples;
    /* The worst output where one set of images takes other routes: dB, and cosine of the last. Colours are
     * those of the device, before quantization; known: 1: they are not those of training. */
    struct {
        int known;
        double conversion, colours, cosine;
    } routes;
    int problems; /* of the configuration, which does not convert */
    int serious; /* findings in the calibration data that stop the flow */
    const char *setting; /* what repairs the first of them; NULL: not known */
};

struct flow_step {
    const char *name, *what;
    int (*run)(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
    int counted;
    int advised; /* 1: what passes without a task may have a cause of loss nevertheless */
};
/* The steps in their order, n of them. */
const struct flow_step *vn_flow_table(int *n);

/* How a step ends; all return VN_OK. */
int vn_flow_end(struct flow_job *j, struct vn_flow_step *s, enum vn_flow_state state, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#define vn_flow_passed(j, s, ...) vn_flow_end(j, s, VN_FLOW_PASS, __VA_ARGS__)
#define vn_flow_skipped(j, s, ...) vn_flow_end(j, s, VN_FLOW_SKIPPED, __VA_ARGS__)
int vn_flow_failed(struct flow_job *j, struct vn_flow_step *s, const char *cause, const char *node,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The step functions. */
int vn_flow_float(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
int vn_flow_convert(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
int vn_flow_original(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
int vn_flow_optimized(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
int vn_flow_quantized(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
int vn_flow_program(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
int vn_flow_board(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);

#define SAME_DB 60.0 /* two float programs of one network: their rounding errors lie far below */
/* Shapes and values of the float model's inputs, before it is converted. */
int vn_flow_float_settings(struct vn_input_settings *s, struct flow_job *j);
/* first_node.c: `tensor`, the first behind the input, is not what the training program saved. Where another
 * preparation of the saved input explains it, s says so and hands over to `align`. */
int vn_flow_first_node(struct flow_job *j, struct vn_flow_step *s, const char *tensor, struct vn_err *e);

/* flow_task.c: the quantized step, where a task is given. */
#define FAILS_IN_FLOAT "task_fails_in_float" /* cause: float scores too little, or cannot be scored */
int vn_flow_judge_task(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
/* First score of the original float model, with `more` settings of the task ("KEY=VALUE;KEY=VALUE"); NaN, and
 * the metric is left, where it cannot be evaluated so. */
int vn_flow_float_score(double *score, const char **metric, struct flow_job *j, const char *more,
                        struct vn_err *e);
/* readings.c: of such a step, another reading of the outputs that scores enough. */
int vn_flow_try_readings(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);

/* flow_samples.c: open the samples of the configuration for the original network; and feed them. */
int vn_flow_open_samples(struct flow_job *j, struct vn_err *e);
int vn_flow_samples(const struct flow_job *j, int most); /* how many are compared */
int vn_flow_sample(const struct flow_job *j, int i, int n); /* the i-th of n, spread over all */
/* Those of another folder, in the form of cal_data_dir; after vn_flow_open_samples. */
int vn_flow_open_folder(struct vn_samples **out, struct flow_job *j, const char *folder, struct vn_err *e);
/* Shapes and values of the float model's inputs, as the configuration has them. */
int vn_flow_inputs(struct vn_input_settings *s, struct flow_job *j, struct vn_err *e);
/* Two products on the same samples. */
int vn_flow_compare(struct vn_comparison **c, struct flow_job *j, const char *left, const char *right,
                    int samples, int outputs_only, struct vn_err *e);

/* flow_pixels.c: what the float model reads where the device hands over pixels. */
enum pixel_route {
    ROUTE_TRAINING, /* from the pixels as training sees them */
    ROUTE_DEVICE, /* from the device's pixels, converted back in float64 */
};
int vn_flow_network_input(float *out, const struct flow_job *j, int sample, int input, enum pixel_route route,
                          struct vn_arena *a, struct vn_err *e);

/* flow_next.c: the words of "KEY=VALUE;KEY=VALUE", at most MOST_SETS; returns how many. */
#define MOST_SETS 8
int vn_flow_words(const char **word, struct vn_arena *a, const char *text);

/* "vernier flow -c CONFIG" with the options of this run. */
const char *vn_flow_again(const struct flow_job *j, const char *config);

/* The same with keys set anew. */
const char *vn_flow_set(const struct flow_job *j, const char *const *sets, int n);

/* flow_judge.c: the quantized network against the optimized one, on the samples. */
struct flow_judgement {
    int passes;
    const char *text; /* the output that fails, else the one that loses most */
    double cosine, sqnr; /* least of the outputs, each on its own */
};
int vn_flow_judge(struct flow_judgement *v, struct flow_job *j, struct vn_err *e);

struct flow_jitter {
    double ratio; /* of second differences, quantized by float: of the output that trembles most */
    const char *output, *text;
};

/* trials.c: a configuration with other keys, converted aside. */
struct flow_trial {
    int converted;
    int problems, serious; /* of the configuration; findings in the calibration data */
    const char *cause; /* why it does not convert */
    struct flow_judgement quantized;
    struct flow_jitter jitter; /* with --frames */
    double score; /* of the task, in float: vn_flow_try_float only */
    double nanoseconds; /* of a run of the program */
};
int vn_flow_try(struct flow_trial *t, struct flow_job *j, const char *const *sets, int n, struct vn_err *e);
/* The same, but nothing is calibrated, and only the task's score in float is measured; NaN: it has none. */
int vn_flow_try_float(struct flow_trial *t, struct flow_job *j, const char *const *sets, int n,
                      const char *more, struct vn_err *e);
/* The configuration as it is, which has been converted. */
int vn_flow_try_nothing(struct flow_trial *t, struct flow_job *j, struct vn_err *e);

/* repairs.c: name the cause more closely, and what to run next. */
int vn_flow_repair(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);
/* Of a quantized network that passes: what costs accuracy nevertheless, where a key gains a lot. */
int vn_flow_advise(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e);

#endif
