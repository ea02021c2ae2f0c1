/* Float scores less than it must: what reads its outputs, or the colours that it gets, are not those of
 * training. Other readings are tried, each with the task's own settings or keys of the configuration. */
#include <math.h>
#include <stdio.h>

#include <vernier/eval.h>

#include "base/shell.h"
#include "flow/flow_job.h"
#include "graph/graph.h"

#define TRIED_IMAGES "50"
#define MOST_OUTPUTS 6 /* more have too many pairs */
#define BETTER 2.0 /* times the score, where it is not known what it must be */

struct reading {
    const char *cause, *metrics; /* that use these settings; NULL: all */
    const char *set; /* "KEY=VALUE;KEY=VALUE" */
};

/* What is often set wrong, whatever the network; of equal scores the first counts. */
static const struct reading usual[] = {
    { "score_function", "coco", "activation=none" },
    { "score_function", "coco", "activation=sigmoid" },
    { "score_function", "coco", "activation=softmax" },
    { "exchanged_axes", "coco miou", "axes=yx" },
    { "exchanged_axes", "coco miou", "axes=xy" },
    { "strides", "coco", "strides=8 16 32" },
    { "strides", "coco", "strides=32 16 8" },
    { "strides", "coco", "strides=16 32 64" },
    { "strides", "coco", "strides=8 16 32 64" },
    { "strides", "coco", "strides=4 8 16" },
    { "strides", "coco", "strides=16 32" },
    { "decode", "coco", "form=corners" },
    { "decode", "coco", "form=centers" },
    { "decode", "coco", "form=corners;units=pixels" },
    { "decode", "coco", "form=centers;units=pixels" },
    { "decode", "coco", "form=grid" },
    { "decode", "coco", "form=yolox" },
    { "decode", "coco", "form=yolov5;units=pixels" },
    { "decode", "coco", "form=yolov8;units=pixels" },
    { "decode", "coco", "variances=0.1 0.2" },
    { "decode", "coco", "variances=1 1" },
    { "channel_order", NULL, "colours=bgr" },
    { "channel_order", NULL, "colours=rgb" },
    { "postprocessing", "coco", "units=pixels" },
    { "postprocessing", "coco", "units=relative" },
    { "postprocessing", "coco", "first_class=1" },
    { "postprocessing", "coco", "first_class=0" },
    { "postprocessing", "coco", "nms_classes=all" },
    { "postprocessing", "ctc", "blank=0" },
    { "postprocessing", "ctc", "blank=-1" },
};

struct tried {
    const char *cause, *set;
    int in_config; /* 1: keys of the configuration */
    double score; /* NaN: it cannot be evaluated so */
};

struct readings {
    struct flow_job *j;
    const char *metric; /* NULL: not known */
    struct tried now, best;
};

static int keep_better(struct readings *r, const struct tried *t)
{
    if (t->score > r->best.score)
        r->best = *t;
    return VN_OK;
}

/* ---- settings of the task ---- */

static int try_task(struct readings *r, const char *cause, const char *set, struct vn_err *e)
{
    struct tried t = { cause, set, 0, NAN };
    const char *more =
        vn_arena_fmt(r->j->work, "limit=" TRIED_IMAGES ";bootstrap=0%s%s", *set ? ";" : "", set);
    TRY(vn_flow_float_score(&t.score, &r->metric, r->j, more, e));
    if (!cause)
        r->now = t;
    return keep_better(r, &t);
}

static int try_outputs(struct readings *r, struct vn_err *e)
{
    const struct graph *g = vn_session_graph(r->j->original);
    const int n = g->outputs.n > MOST_OUTPUTS ? 0 : g->outputs.n;
    struct vn_arena *a = r->j->arena;
    for (int i = 0; i < n; i++)
        TRY(try_task(r, "exchanged_outputs", vn_arena_fmt(a, "output=%s", g->outputs.v[i]->name), e));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            if (i != k)
                TRY(try_task(
                    r, "exchanged_outputs",
                    vn_arena_fmt(a, "scores=%s;boxes=%s", g->outputs.v[i]->name, g->outputs.v[k]->name), e));
    return VN_OK;
}

static int try_usual(struct readings *r, struct vn_err *e)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!r->metric || !usual[i].metrics || strstr(usual[i].metrics, r->metric))
            TRY(try_task(r, usual[i].cause, usual[i].set, e));
    return VN_OK;
}

/* ---- keys of the configuration ---- */

/* ";KEY=C B A" of the key's A B C; "": it holds other numbers. */
static const char *reversed(const struct flow_job *j, const char *key)
{
    const struct setting *s = vn_config_used(j->config, key);
    double v[3];
    char rest;
    return s && s->text && sscanf(s->text, "%lf%*[ ,]%lf%*[ ,]%lf %c", v, v + 1, v + 2, &rest) == 3
               ? vn_arena_fmt(j->arena, ";%s=%.9g %.9g %.9g", key, v[2], v[1], v[0])
               : "";
}

static int try_config(struct readings *r, const char *set, struct vn_err *e)
{
    const char *all[MOST_SETS];
    struct flow_trial trial;
    const int n = vn_flow_words(all, r->j->work, set);
    TRY(vn_flow_try_float(&trial, r->j, all, n, "limit=" TRIED_IMAGES ";bootstrap=0", e));
    return keep_better(r, &(struct tried){ "channel_order", set, 1, trial.score });
}

/* Training read the other order of colours; numbers of each channel may be given in it, too. */
static int try_colours(struct readings *r, struct vn_err *e)
{
    const struct input_config *in = r->j->config->inputs;
    struct vn_arena *a = r->j->arena;
    if (r->j->config->n_inputs != 1 || in->type_rt == VN_IN_FEATUREMAP ||
        (in->type_train != VN_IN_RGB && in->type_train != VN_IN_BGR))
        return VN_OK;
    const char *set = vn_arena_fmt(a, "input_type_train=%s",
                                   vn_input_type_word(in->type_train == VN_IN_RGB ? VN_IN_BGR : VN_IN_RGB));
    TRY(try_config(r, set, e));
    const char *all = vn_arena_fmt(a, "%s%s%s%s", set, reversed(r->j, "mean_value"),
                                   reversed(r->j, "scale_value"), reversed(r->j, "std_value"));
    return strcmp(all, set) ? try_config(r, all, e) : VN_OK;
}

/* ---- the cause ---- */

static const char *again_with(const struct readings *r)
{
    const char *word[MOST_SETS], *line = vn_flow_again(r->j, r->j->path);
    struct vn_arena *a = r->j->arena;
    const int n = vn_flow_words(word, a, r->best.set);
    if (r->best.in_config)
        return vn_flow_set(r->j, word, n);
    for (int i = 0; i < n; i++)
        line = vn_arena_fmt(a, "%s --task-set %s", line, vn_shell_word(a, word[i]));
    return line;
}

static const char *score_text(struct vn_arena *a, double score)
{
    return isnan(score) ? "evaluation fails as configured" : vn_arena_fmt(a, "%.2f as configured", score);
}

int vn_flow_try_readings(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct readings r = { .j = j, .best = { .score = -1 } };
    TRY(vn_flow_open_samples(j, e));
    TRY(try_task(&r, NULL, "", e));
    TRY(try_outputs(&r, e));
    TRY(try_usual(&r, e));
    TRY(try_colours(&r, e));
    const double now = isnan(r.now.score) ? 0 : r.now.score,
                 enough = isnan(j->o->expect) ? BETTER * now : j->o->expect - j->o->max_drop;
    if (!r.best.cause || !(r.best.score > now && r.best.score >= enough))
        return VN_OK;
    s->failure.cause = r.best.cause;
    s->failure.evidence =
        vn_arena_fmt(j->arena, "%s; float score on at most " TRIED_IMAGES " images: %s, %.2f with %s", s->why,
                     score_text(j->arena, r.now.score), r.best.score, r.best.set);
    s->failure.next_command = again_with(&r);
    return VN_OK;
}
