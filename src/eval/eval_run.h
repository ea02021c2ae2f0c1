/* eval/eval_run.h - an evaluation while it runs: what evaluate.c, eval_state.c and eval_scores.c share. */
#ifndef VN_EVAL_RUN_H
#define VN_EVAL_RUN_H

#include <pthread.h>
#include <stdio.h>

#include "eval/evaluate.h"

/* Of one output of one sample. */
enum { LIKE_COSINE, LIKE_SIGNAL, LIKE_NOISE, LIKE_MAX, LIKE_EQUAL, LIKE_FIELDS };
enum { NOT_DONE, DONE, FROM_FILE /* by an earlier run */, OTHER_PART };
#define EVAL_STATE "vernier-eval 1 " /* begins a file of results by sample; the fingerprint follows */
#define NOT_COMPARABLE (-2) /* as cosine: other sizes than the first model's output has */

struct kept {
    struct record main, like; /* like: LIKE_FIELDS for each common output */
};

/* What runs one sample at a time: every model. */
struct slot {
    struct vn_arena *arena;
    struct vn_session **session;
};

struct run {
    struct eval_set *eval;
    const struct evaluate_options *o;
    int n_models, n_outputs;
    const char **output; /* that all models have */
    struct vn_pipeline *pipeline;
    struct input_config *pixels; /* how pictures become tensors of models that take them; NULL: they do not */
    int n_mean, n_scale;
    double mean[CONFIG_MAX_CHANNELS], scale[CONFIG_MAX_CHANNELS];
    struct kept *kept; /* [sample][model] */
    struct vn_shard part; /* of the samples */
    char *done; /* of each sample: NOT_DONE, ... */
    const char **results; /* file for each model's results; NULL: none are written */
    struct vn_options run; /* of each model */
    int n_slots, resumed;
    struct slot *slot;
    pthread_mutex_t lock; /* of what follows, and `done` */
    int next; /* samples before it are done and written */
    FILE *state;
};

/* Number of threads for this number of parts. */
static inline int vn_eval_threads(const struct run *w, int parts)
{
    const int most = w->o->run.threads > 1 ? w->o->run.threads : 1;
    return parts < most ? parts : most;
}

/* Earlier results are read; VN_E_INPUT where they are others'. */
int vn_eval_state_open(struct run *w, struct vn_err *e);
int vn_eval_state_append(struct run *w, int sample, struct vn_err *e);

/* Scores, intervals and likeness of all models. */
int vn_eval_summarise(struct evaluation *out, const struct run *w, struct vn_err *e);
/* The records of a model, by sample. */
const struct record **vn_eval_records(const struct run *w, int model);

#endif
