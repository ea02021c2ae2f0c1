/* vernier/eval.h: from options to a result that outlives the models. */
#include <vernier/eval.h>

#include "base/guard.h"
#include "eval/evaluate.h"
#include "kernels/image/image_kernels.h"

struct vn_evaluation {
    struct vn_arena *arena;
    struct vn_eval_summary summary;
    struct vn_eval_model *models;
    int n_models;
};

static const struct vn_eval_score *public_scores(struct vn_arena *a, const struct evaluation *v, int m)
{
    const struct evaluated *x = &v->models[m];
    struct vn_eval_score *scores = NEW_ARRAY(a, struct vn_eval_score, v->eval->n_scores);
    for (int k = 0; k < v->eval->n_scores; k++)
        scores[k] = (struct vn_eval_score){
            .name = vn_arena_str(a, v->eval->score_name[k]),
            .value = x->score[k],
            .difference = m ? x->score[k] - v->models[0].score[k] : 0,
            .interval = x->low != NULL,
            .low = x->low ? x->low[k] : 0,
            .high = x->low ? x->high[k] : 0,
        };
    return scores;
}

static const struct vn_eval_likeness *public_outputs(struct vn_arena *a, const struct evaluation *v, int m)
{
    const struct output_likeness *x = v->models[m].outputs;
    if (!x)
        return NULL;
    struct vn_eval_likeness *outputs = NEW_ARRAY(a, struct vn_eval_likeness, v->n_outputs);
    for (int k = 0; k < v->n_outputs; k++)
        outputs[k] = (struct vn_eval_likeness){
            vn_arena_str(a, x[k].name), x[k].cosine_mean, x[k].cosine_min, x[k].sqnr, x[k].max, x[k].equal
        };
    return outputs;
}

static const struct vn_eval_change *public_changes(struct vn_arena *a, const struct evaluation *v, int m)
{
    const struct evaluated *x = &v->models[m];
    struct vn_eval_change *changes = NEW_ARRAY(a, struct vn_eval_change, x->n_listed);
    for (int i = 0; i < x->n_listed; i++)
        changes[i] = (struct vn_eval_change){ vn_arena_str(a, v->eval->samples[x->changes[i].sample].name),
                                              vn_arena_str(a, x->changes[i].text), x->changes[i].amount };
    return changes;
}

static void publish(struct vn_evaluation *out, const struct evaluation *v)
{
    struct vn_arena *a = out->arena;
    const struct eval_set *ev = v->eval;
    out->n_models = v->n_models;
    out->models = NEW_ARRAY(a, struct vn_eval_model, v->n_models);
    for (int m = 0; m < v->n_models; m++)
        out->models[m] = (struct vn_eval_model){ .path = vn_arena_str(a, v->models[m].path),
                                                 .scores = public_scores(a, v, m),
                                                 .outputs = public_outputs(a, v, m),
                                                 .n_changed = v->models[m].n_changed,
                                                 .changes = public_changes(a, v, m),
                                                 .n_changes = v->models[m].n_listed };
    out->summary = (struct vn_eval_summary){
        .metric = ev->metric->name,
        .unit = ev->metric->unit,
        .n_scores = ev->n_scores,
        .n_outputs = v->n_outputs,
        .samples = ev->n_samples,
        .labelled = ev->n_labelled,
        .resumed = v->resumed,
        .bootstrap = ev->task->bootstrap,
        .seed = ev->task->seed,
    };
}

static int read_task(struct eval_task *t, struct vn_arena *a, const struct vn_eval_options *o,
                     struct vn_err *e)
{
    vn_eval_task_default(t);
    if (o->task)
        TRY(vn_eval_task_read(t, a, o->task, e));
    for (int i = 0; i < o->n_settings; i++) {
        const struct vn_eval_setting *s = &o->settings[i];
        TRY(vn_eval_task_set(t, a, s->key, s->value, s->where ? s->where : s->key, e));
    }
    return VN_OK;
}

static int evaluate(struct vn_evaluation *out, struct vn_arena *work, const struct vn_eval_options *o,
                    struct vn_err *e)
{
    struct evaluation *v;
    struct evaluate_options how = { .run = o->run,
                                    .n_models = o->n_models,
                                    .models = NEW_ARRAY(work, const char *, o->n_models),
                                    .prototxt = o->prototxt,
                                    .inputs = o->inputs,
                                    .finished = o->finished,
                                    .results = o->results,
                                    .state = o->state,
                                    .listener = &o->listener,
                                    .odd = o->odd };
    for (int m = 0; m < o->n_models; m++)
        how.models[m] = o->models[m];
    vn_image_cpu(o->run.cpumask);
    TRY(read_task(&how.task, work, o, e));
    if (o->n_models < 1)
        return vn_fail(e, VN_E_USAGE, "expected at least one model, got none");
    TRY(vn_evaluate(&v, work, &how, e));
    publish(out, v);
    return VN_OK;
}

static int new_evaluation(struct vn_evaluation **out, const struct vn_eval_options *o, struct vn_err *e)
{
    struct vn_arena *kept = vn_arena_new(), *work = vn_arena_new();
    struct vn_evaluation *v = NEW(kept, struct vn_evaluation);
    v->arena = kept;
    const int status = evaluate(v, work, o, e);
    vn_arena_free(&work);
    if (status < 0)
        vn_arena_free(&kept);
    else
        *out = v;
    return status;
}

int vn_eval(struct vn_evaluation **out, const struct vn_eval_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_evaluation(out, o, e));
    return status;
}

void vn_evaluation_free(struct vn_evaluation **v)
{
    if (!v || !*v)
        return;
    struct vn_arena *a = (*v)->arena;
    vn_arena_free(&a);
    *v = NULL;
}

void vn_eval_options_default(struct vn_eval_options *o)
{
    *o = (struct vn_eval_options){ 0 };
    vn_options_default(&o->run);
}

const struct vn_eval_summary *vn_evaluation_summary(const struct vn_evaluation *v) { return &v->summary; }

const struct vn_eval_model *vn_evaluation_models(const struct vn_evaluation *v, int *n)
{
    *n = v->n_models;
    return v->models;
}
