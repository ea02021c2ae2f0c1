/* The task decides: its score of float and quantized. Where float itself scores less than it must, what reads
 * the outputs is wrong: other settings of the task are tried. */
#include <math.h>

#include <vernier/eval.h>

#include "base/shell.h"
#include "flow/flow_job.h"
#include "graph/graph.h"

#define TRIED_IMAGES "50"
#define MOST_OUTPUTS 6 /* more have too many pairs */
#define BETTER 2.0 /* times the score, where it is not known what it must be */

/* What is often set wrong, whatever the network. */
static const char *const usual[] = { "colours=bgr",    "colours=rgb",   "units=pixels",
                                     "units=relative", "form=corners",  "form=centers",
                                     "first_class=1",  "first_class=0", "nms_classes=all" };

struct tried {
    const char *set; /* "KEY=VALUE;KEY=VALUE" */
    double score; /* NaN: it cannot be evaluated so */
};

/* Settings of the user, then of `more`. */
static struct vn_eval_setting *settings(struct flow_job *j, const char *more, int *n)
{
    struct vn_arena *a = j->work;
    const char *text = "";
    for (int i = 0; i < j->o->n_task_sets; i++)
        text = vn_arena_fmt(a, "%s%s;", text, j->o->task_sets[i]);
    char *all = vn_arena_fmt(a, "%s%s", text, more), *save;
    struct vn_eval_setting *s = NEW_ARRAY(a, struct vn_eval_setting, strlen(all) + 1);
    *n = 0;
    for (char *word = strtok_r(all, ";", &save); word; word = strtok_r(NULL, ";", &save)) {
        char *equals = strchr(word, '=');
        if (equals)
            *equals = '\0';
        s[(*n)++] = (struct vn_eval_setting){ word, equals ? equals + 1 : "", "--task-set" };
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

/* ---- what reads the outputs ---- */

static int try_set(struct tried *t, struct flow_job *j, const char *set, struct vn_err *e)
{
    const char *const model[] = { j->product[ORIGINAL] };
    struct vn_evaluation *v;
    int n;
    *t = (struct tried){ set, NAN };
    const int status =
        evaluate(&v, j, model, 1,
                 vn_arena_fmt(j->work, "limit=" TRIED_IMAGES ";bootstrap=0%s%s", *set ? ";" : "", set), e);
    if (status < 0)
        return status == VN_E_NOMEM || status == VN_E_CANCELLED ? status : VN_OK;
    if (vn_evaluation_summary(v)->n_scores)
        t->score = vn_evaluation_models(v, &n)[0].scores[0].value;
    vn_evaluation_free(&v);
    return VN_OK;
}

static int keep_better(struct tried *best, struct flow_job *j, const char *set, struct vn_err *e)
{
    struct tried t;
    TRY(try_set(&t, j, set, e));
    if (t.score > best->score)
        *best = t;
    return VN_OK;
}

static int try_outputs(struct tried *best, struct flow_job *j, struct vn_err *e)
{
    const struct graph *g = vn_session_graph(j->original);
    const int n = g->outputs.n > MOST_OUTPUTS ? 0 : g->outputs.n;
    for (int i = 0; i < n; i++)
        TRY(keep_better(best, j, vn_arena_fmt(j->arena, "output=%s", g->outputs.v[i]->name), e));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            if (i != k)
                TRY(keep_better(best, j,
                                vn_arena_fmt(j->arena, "scores=%s;boxes=%s", g->outputs.v[i]->name,
                                             g->outputs.v[k]->name),
                                e));
    return VN_OK;
}

static const char *again_with(const struct flow_job *j, const char *set)
{
    const char *line = vn_flow_again(j, j->path);
    char *all = vn_arena_str(j->arena, set), *save;
    for (char *word = strtok_r(all, ";", &save); word; word = strtok_r(NULL, ";", &save))
        line = vn_arena_fmt(j->arena, "%s --task-set %s", line, vn_shell_word(j->arena, word));
    return line;
}

/* Float scores less than it must: another reading of its outputs that reaches it, or twice as much. */
static int fails_in_float(struct flow_job *j, struct vn_flow_step *s, const char *text, struct vn_err *e)
{
    struct tried now, best;
    vn_flow_failed(j, s, "task_fails_in_float", NULL, "%s", text);
    if (j->o->no_repair)
        return VN_OK;
    TRY(vn_flow_open_samples(j, e));
    TRY(try_set(&now, j, "", e));
    best = now;
    TRY(try_outputs(&best, j, e));
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        TRY(keep_better(&best, j, usual[i], e));
    const double enough = isnan(j->o->expect) ? BETTER * now.score : j->o->expect - j->o->max_drop;
    if (!(best.score > now.score && best.score >= enough))
        return VN_OK;
    s->failure.cause = "postprocessing";
    s->failure.evidence = vn_arena_fmt(
        j->arena, "%s; of float, on at most " TRIED_IMAGES " images: %.2f as it is, %.2f with %s", text,
        now.score, best.score, best.set);
    s->failure.next_command = again_with(j, best.set);
    return VN_OK;
}

/* ---- the step ---- */

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
    TRY(evaluate(&v, j, models, 2, "", e));
    const struct vn_eval_summary *sum = vn_evaluation_summary(v);
    const struct vn_eval_model *m = vn_evaluation_models(v, &n);
    const struct vn_eval_score *q = sum->n_scores ? &m[1].scores[0] : NULL;
    const double floats = q ? m[0].scores[0].value : 0, difference = q ? q->difference : 0;
    const char *text = q ? score_text(j->arena, q, floats, sum) : NULL;
    vn_evaluation_free(&v);
    if (!text)
        return vn_flow_skipped(j, s, "the task's metric has no score");
    if (!(floats > 0))
        return fails_in_float(j, s, vn_arena_fmt(j->arena, "%s: float scores 0", text), e);
    if (floats < j->o->expect - j->o->max_drop)
        return fails_in_float(j, s, vn_arena_fmt(j->arena, "%s; expected %.2f of float", text, j->o->expect),
                              e);
    return difference < -j->o->max_drop ? vn_flow_failed(j, s, "quantization", NULL,
                                                         "%s; expected at most %g less", text, j->o->max_drop)
                                        : vn_flow_passed(j, s, "%s", text);
}
