/* vernier/flow.h - the recommended verification of a conversion, from the training program to the program.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_flow_options o;
 *     struct vn_flow_result *f;
 *     vn_flow_options_default(&o);
 *     o.config = "net.yaml";
 *     if (vn_flow(&f, &o, &err) < 0) ...
 *     puts(vn_flow_summary(f)->passed ? "passed" : "failed");
 *     vn_flow_free(&f);
 *
 * Steps run one after the other; the first that fails is the last (docs/flow.md). Strings and arrays in the
 * result are borrowed: they live until it is freed. */
#ifndef VERNIER_FLOW_H
#define VERNIER_FLOW_H

#include <vernier/convert.h>
#include <vernier/failure.h>
#include <vernier/listener.h>
#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vn_flow_options {
    const char *config; /* path of the YAML file. Required */
    const char *reference; /* what the training program saved: inputs and outputs of the network as arrays
                            * (docs/compare.md); NULL: nothing */
    const char *task; /* settings of an evaluation (docs/eval.md); NULL: similarity decides */
    int n_task_sets; /* "KEY=VALUE": settings of the task that override its file */
    const char *const *task_sets;
    /* the task's score in training: the float model must reach it within max_drop; NaN: unknown */
    double expect;
    /* folder of samples not used for calibration, in the form of cal_data_dir; NULL: none */
    const char *test;
    /* folder of consecutive frames, in the form of cal_data_dir, in name order; NULL: none */
    const char *frames;
    const char *dumps; /* inputs and outputs that a board has saved as arrays; NULL: none */
    int n_sets; /* "KEY=VALUE": keys to change in the configuration; an empty value removes the key */
    const char *const *sets;
    /* file for the configuration with `sets`, in the folder of `config`; required with them */
    const char *save;
    int strict; /* 1: a step that is skipped counts as failed */
    int no_repair; /* 1: report the cause of a failure without trying repairs */
    int samples; /* calibration samples that are compared, at least 1 */
    double min_cosine; /* of an output of the quantized network, without a task; mean of the samples */
    double min_choices; /* of an output with decisions, instead of it: minimum share of unchanged decisions,
                         * within the 95 % interval */
    double max_jitter; /* maximum second differences over frames, relative to float */
    double max_drop; /* of the task's first score, in its unit */
    struct vn_options run; /* threads and CPU features */
    struct vn_listener listener; /* progress */
    struct vn_odd_listener odd; /* float network and quantized one on calibration files */
};
/* No configuration, 10 samples, min_cosine 0.99, min_choices 0.95, no score expected, max_jitter 2,
 * max_drop 1, one thread, every CPU feature. */
void vn_flow_options_default(struct vn_flow_options *o);

enum vn_flow_state { VN_FLOW_PASS, VN_FLOW_FAIL, VN_FLOW_SKIPPED };

/* A finding in addition to the cause of a failure. */
struct vn_flow_finding {
    const char *cause, *evidence;
};

struct vn_flow_step {
    const char *name; /* "quantized" */
    const char *what; /* one line of description */
    enum vn_flow_state state;
    int counted; /* 1: one of the five that this machine can check */
    const char *why; /* what was found, or why it was skipped */
    const char *node; /* FAIL: the node where it fails; NULL: unknown */
    struct vn_failure failure; /* FAIL */
    /* PASS: a cause of loss and a change that gains; its cause is NULL if there is none */
    struct vn_failure advice;
    const struct vn_flow_finding *also; /* n of them, beside the cause of the failure or the advice */
    int n_also;
    double seconds;
};

/* Rule i = 0, 1, ... of the diagnosis: the cause that a failed step reports, the more specific cause,
 * and the evidence for it; returns 0 after the last one. Strings are static. */
int vn_flow_rule(int i, const char **failure, const char **cause, const char **looks_at);

struct vn_flow_verdict {
    const char *config; /* the file that was used */
    const char *model, *prototxt; /* what it converts; prototxt NULL: no Caffe network */
    int passed;
    int steps, checked; /* that count, and of them those that were not skipped */
    int failed; /* index of the step that failed; -1: none */
};

struct vn_flow_result; /* opaque */

/* Convert and verify. On success *f is the result, to be freed with vn_flow_free, whether the steps passed or
 * not; on failure NULL. A configuration, a model or data that cannot be used are a failed step, not an error.
 * Errors: VN_E_USAGE (options), VN_E_INPUT (a configuration that cannot be read), VN_E_IO, VN_E_NOMEM. */
int vn_flow(struct vn_flow_result **f, const struct vn_flow_options *o, struct vn_err *e);
/* Sets *f to NULL; NULL is allowed. */
void vn_flow_free(struct vn_flow_result **f);

const struct vn_flow_verdict *vn_flow_summary(const struct vn_flow_result *f);
const struct vn_flow_step *vn_flow_steps(const struct vn_flow_result *f, int *n);
/* NULL: a step in front of it failed, or itself. */
const struct vn_conversion *vn_flow_conversion(const struct vn_flow_result *f);

#ifdef __cplusplus
}
#endif
#endif
