/* The task decides: its score of float and quantized. */
#include <math.h>

#include <vernier/eval.h>

#include "flow/flow_job.h"

/* Settings of the user, then of `more`. */
static struct vn_eval_setting *settings(struct flow_job *j, const char *more, int *n)
{
    struct vn_arena *a = j->work;
    const int given = j->o->n_task_sets;
    struct vn_eval_setting *s = NEW_ARRAY(a, struct vn_eval_setting, given + MOST_SETS);
    const char *word[MOST_SETS];
    *n = given + vn_flow_words(word, a, more);
    for (int i = 0; i < *n; i++) {
        char *text = vn_arena_str(a, i < given ? j->o->task_sets[i] : word[i - given]),
             *equals = strchr(text, '=');
        if (equals)
            *equals = '\0';
        s[i] = (struct vn_eval_setting){ text, equals ? equals + 1 : "", "--task-set" };
    }
    return s;
}

static int evaluate(struct vn_evaluation **v, struct flow_job *j, const char *const *models, int n,
                    const char *more, struct vn_err *e)
{
    struct vn_eval_options o;
    vn_eval_options_default(&o);
    o.task = j->o->task;
    o.settings = settings(j, more, &o.n_settings);
    o.models = models;
    o.n_models = n;
    o.run = j->o->run;
    o.listener = j->o->listener;
    return vn_eval(v, &o, e);
}

int vn_flow_float_score(double *score, const char **metric, struct flow_job *j, const char *more,
                        struct vn_err *e)
{
    const char *const model[] = { j->product[ORIGINAL] };
    struct vn_evaluation *v;
    int n;
    *score = NAN;
    const int status = evaluate(&v, j, model, 1, more, e);
    if (status < 0)
        return status == VN_E_NOMEM || status == VN_E_CANCELLED ? status : VN_OK;
    const struct vn_eval_summary *sum = vn_evaluation_summary(v);
    *metric = vn_arena_str(j->work, sum->metric);
    if (sum->n_scores)
        *score = vn_evaluation_models(v, &n)[0].scores[0].value;
    vn_evaluation_free(&v);
    return VN_OK;
}

static const char *score_text(struct vn_arena *a, const struct vn_eval_score *q, double floats,
                              const struct vn_eval_summary *sum)
{
    return vn_arena_fmt(a, "%s %.2f, float %.2f: %+.2f %s (95 %% %+.2f to %+.2f), %d samples", q->name,
                        q->value, floats, q->difference, sum->unit, q->low, q->high, sum->samples);
}

int vn_flow_judge_task(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    const char *const models[] = { j->product[ORIGINAL], j->product[QUANTIZED] };
    struct vn_evaluation *v;
    int n;
    const int status = evaluate(&v, j, models, 2, "", e);
    if (status == VN_E_INPUT || status == VN_E_USAGE)
        return vn_flow_failed(j, s, FAILS_IN_FLOAT, NULL, "%s", e->msg);
    TRY(status);
    const struct vn_eval_summary *sum = vn_evaluation_summary(v);
    const struct vn_eval_model *m = vn_evaluation_models(v, &n);
    const struct vn_eval_score *q = sum->n_scores ? &m[1].scores[0] : NULL;
    const double floats = q ? m[0].scores[0].value : 0, difference = q ? q->difference : 0;
    const char *text = q ? score_text(j->arena, q, floats, sum) : NULL;
    vn_evaluation_free(&v);
    if (!text)
        return vn_flow_skipped(j, s, "the task's metric has no score");
    if (!(floats > 0))
        return vn_flow_failed(j, s, FAILS_IN_FLOAT, NULL, "%s: the float model scores 0", text);
    if (floats < j->o->expect - j->o->max_drop)
        return vn_flow_failed(j, s, FAILS_IN_FLOAT, NULL, "%s; expected a float score of %.2f", text,
                              j->o->expect);
    return difference < -j->o->max_drop ? vn_flow_failed(j, s, "quantization", NULL,
                                                         "%s; expected at most %g less", text, j->o->max_drop)
                                        : vn_flow_passed(j, s, "%s", text);
}
