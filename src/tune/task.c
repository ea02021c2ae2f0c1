/* Plans on labelled data: the score of the task, against the float network's. */
#include <math.h>

#include <vernier/eval.h>

#include "base/file.h"
#include "front/front.h"
#include "tune/tuner.h"

/* As the configuration has them. */
static const struct compile_input *inputs_of(const struct tuner *t, struct vn_arena *a, const struct graph *g)
{
    struct compile_input *in = NEW_ARRAY(a, struct compile_input, g->inputs.n);
    for (int i = 0; i < g->inputs.n; i++) {
        in[i].type = t->c->config->inputs[i].type_rt;
        in[i].channels_last = t->c->config->inputs[i].layout_rt == LAYOUT_NHWC;
    }
    return in;
}

/* The float network and the plan's program, in files that go with the arena. */
static int write_models(const char **paths, struct tuner *t, struct vn_arena *a, const struct tune_plan *p,
                        struct vn_err *e)
{
    struct vn_staging *folder;
    struct vn_image image;
    struct type_rules rules;
    struct graph *quantized;
    const struct vn_onnx_write_options o = { .producer_version = VN_VERSION };
    TRY(vn_dir_stage(&folder, a, t->c->config->working_dir, e));
    paths[0] = vn_path_join(a, vn_dir_stage_path(folder), "float.onnx");
    paths[1] = vn_path_join(a, vn_dir_stage_path(folder), "plan.bin");
    vn_tune_rules(&rules, a, t, p->type);
    TRY(vn_tune_quantize(&quantized, t, a, rules.rules.v, rules.rules.n, p->ways, e));
    TRY(vn_tune_image(&image, a, t, quantized, inputs_of(t, a, quantized), e));
    TRY(vn_onnx_write(t->c->original, paths[0], &o, e));
    return vn_file_write_soon(paths[1], image.data, image.bytes, e);
}

static int score(struct tuner *t, const char *const *models, const char *key, struct vn_err *e)
{
    struct vn_evaluation *v;
    struct vn_eval_options o;
    int n;
    vn_eval_options_default(&o);
    o.task = t->o->task;
    o.models = models;
    o.n_models = 2;
    o.run = t->o->run;
    TRY(vn_eval(&v, &o, e));
    const struct vn_eval_summary *s = vn_evaluation_summary(v);
    const struct vn_eval_model *m = vn_evaluation_models(v, &n);
    if (s->n_scores < 1) {
        vn_evaluation_free(&v);
        return vn_fail(e, VN_E_USAGE, "%s: tune requires a metric with scores: top_k, miou, coco or ctc",
                       t->o->task);
    }
    const struct vn_eval_score x = m[1].scores[0];
    json_t *record = json_pack("{s:s, s:f, s:f, s:f}", "score", x.name, "value", x.value, "float",
                               m[0].scores[0].value, "difference", x.difference);
    if (x.interval && isfinite(x.low) && isfinite(x.high)) {
        json_object_set_new(record, "low", json_real(x.low));
        json_object_set_new(record, "high", json_real(x.high));
    }
    vn_evaluation_free(&v);
    return vn_journal_add(t->journal, "score", key, record, e);
}

static int measure(struct tuner *t, const struct tune_plan *p, const char *key, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const char *paths[2];
    int status = write_models(paths, t, a, p, e);
    if (status == VN_OK)
        status = score(t, paths, key, e);
    vn_arena_free(&a);
    return status;
}

static double number_or_nan(const json_t *record, const char *key)
{
    const json_t *x = json_object_get(record, key);
    return x ? json_number_value(x) : NAN;
}

int vn_tune_score(struct built *b, struct tuner *t, struct vn_err *e)
{
    const char *task;
    TRY(vn_convert_hash(&task, t->arena, t->o->task, e));
    const char *key = vn_arena_fmt(t->arena, "%s task %s", b->key, task);
    if (!vn_journal_find(t->journal, "score", key))
        TRY(measure(t, &b->plan, key, e));
    const json_t *record = vn_journal_find(t->journal, "score", key);
    b->r.score = number_or_nan(record, "difference");
    b->r.score_low = number_or_nan(record, "low");
    b->r.score_high = number_or_nan(record, "high");
    return VN_OK;
}
