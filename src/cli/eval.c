/* vernier eval - several models on the same labelled pictures: scores, likeness, confidence of the differences. */
#include <math.h>

#include "cli/cli.h"
#include "eval/evaluate.h"

static const struct option_def options[] = {
    { "--task", 0, "FILE.yaml", 0, 0, "a flat YAML file with the settings below as keys (label_size for --label-size); options win" },
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) { option, 0, value, 0, 0, help },
#include "eval/eval_keys.def"
#undef EVAL_KEY
    { "--detections", 0, "FILE.json", 1, 0, "coco: detections that a program has written, in place of models" },
    { "--proto", 0, "FILE", 0, 0, "prototxt of a Caffe network among the models; the model is its caffemodel" },
    { "--results", 0, "DIR", 0, 0, "coco: write each model's detections there, as MODEL.json" },
    { "--resume", 0, "FILE", 0, 0, "keep the results of each picture there, and go on from what is there already" },
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

static int read_task(struct eval_task *t, struct vn_arena *a, struct vn_err *e)
{
    static const struct {
        const char *key, *option;
    } all[] = {
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) { #field, option },
#include "eval/eval_keys.def"
#undef EVAL_KEY
    };
    vn_eval_task_default(t);
    if (vn_opt("--task"))
        TRY(vn_eval_task_read(t, a, vn_opt("--task"), e));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (vn_opt(all[i].option))
            TRY(vn_eval_task_set(t, a, all[i].key, vn_opt(all[i].option), all[i].option, e));
    return VN_OK;
}

/* ---- printing ---- */

#define NAME_WIDTH 60

static const char *number(char buf[40], const char *format, double x)
{
    snprintf(buf, 40, x == x ? format : "--", x);
    return buf;
}

static void print_scores(const struct evaluation *v)
{
    static const char *const titles[] = { "Model", "Score", "Value", "Difference", "95 % from", "to" };
    const struct eval_set *ev = v->eval;
    struct table *t = vn_table_new(6, titles);
    for (int m = 0; m < v->n_models; m++)
        for (int k = 0; k < ev->n_scores; k++) {
            const struct evaluated *x = &v->models[m];
            char name[NAME_WIDTH + 1], c[4][40];
            const int interval = x->low != NULL;
            vn_table_row(t, (const char *const[]){ vn_cut_left(x->path, NAME_WIDTH, name), ev->score_name[k], number(c[0], "%.4f", x->score[k]),
                                                   m ? number(c[1], "%+.4f", x->score[k] - v->models[0].score[k]) : "--",
                                                   interval ? number(c[2], "%+.4f", x->low[k]) : "--", interval ? number(c[3], "%+.4f", x->high[k]) : "--" });
        }
    vn_table_print(t, stdout);
    vn_table_free(&t);
}

static void print_likeness(const struct evaluation *v)
{
    static const char *const titles[] = { "Model", "Output", "Mean Cosine", "Min Cosine", "SQNR dB", "Max Error" };
    struct table *t = vn_table_new(6, titles);
    for (int m = 1; m < v->n_models; m++)
        for (int k = 0; k < v->n_outputs; k++) {
            const struct output_likeness *l = &v->models[m].outputs[k];
            char name[2][NAME_WIDTH + 1], c[4][40];
            vn_table_row(t, (const char *const[]){ vn_cut_left(v->models[m].path, NAME_WIDTH, name[0]), vn_cut_left(l->name, NAME_WIDTH, name[1]),
                                                   number(c[0], "%.6f", l->cosine_mean), number(c[1], "%.6f", l->cosine_min), number(c[2], "%.2f", l->sqnr),
                                                   number(c[3], "%.6g", l->max) });
        }
    vn_table_print(t, stdout);
    vn_table_free(&t);
}

static void print_text(const struct evaluation *v)
{
    const struct eval_set *ev = v->eval;
    if (ev->n_scores)
        print_scores(v);
    if (v->n_outputs && v->n_models > 1)
        print_likeness(v);
    printf("%d sample%s", ev->n_samples, ev->n_samples == 1 ? "" : "s");
    if (ev->n_labelled > ev->n_samples)
        printf(" of the %d that the labels know", ev->n_labelled);
    if (v->resumed)
        printf(", %d of them from an earlier run", v->resumed);
    if (v->n_models > 1)
        printf("; differences are from %s", v->models[0].path);
    if (v->n_models > 1 && ev->n_scores && ev->task->bootstrap)
        printf(", intervals of %d paired resamples", ev->task->bootstrap);
    putchar('\n');
}

static json_t *json_scores(const struct evaluation *v, const struct evaluated *x)
{
    json_t *o = json_object();
    for (int k = 0; k < v->eval->n_scores; k++) {
        json_t *s = json_pack("{s:o}", "value", vn_json_real(x->score[k]));
        if (x != v->models)
            json_object_set_new(s, "difference", vn_json_real(x->score[k] - v->models[0].score[k]));
        if (x->low)
            json_object_set_new(s, "interval", json_pack("[o, o]", vn_json_real(x->low[k]), vn_json_real(x->high[k])));
        json_object_set_new(o, v->eval->score_name[k], s);
    }
    return o;
}

static json_t *json_likeness(const struct evaluation *v, const struct evaluated *x)
{
    json_t *o = json_object();
    for (int k = 0; x->outputs && k < v->n_outputs; k++) {
        const struct output_likeness *l = &x->outputs[k];
        json_object_set_new(o, l->name, json_pack("{s:o, s:o, s:o, s:o}", "cosine_mean", vn_json_real(l->cosine_mean), "cosine_min",
                                                  vn_json_real(l->cosine_min), "sqnr_db", vn_json_real(l->sqnr), "max_error", vn_json_real(l->max)));
    }
    return o;
}

static int print_json(const struct evaluation *v)
{
    json_t *list = json_array();
    for (int m = 0; m < v->n_models; m++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "model", v->models[m].path, "scores", json_scores(v, &v->models[m]), "outputs",
                                              json_likeness(v, &v->models[m])));
    json_t *j = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:o}", "metric", v->eval->metric->name, "unit", v->eval->metric->unit, "samples", v->eval->n_samples,
                          "labelled", v->eval->n_labelled, "resumed", v->resumed, "bootstrap", v->eval->task->bootstrap, "seed", v->eval->task->seed, "models", list);
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(j);
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct logger log = { 0 };
    const struct vn_listener listener = vn_logger_listener(&log);
    struct evaluate_options o = { .state = vn_opt("--resume"), .prototxt = vn_opt("--proto"), .listener = &listener };
    TRY(read_task(&o.task, a, e));
    TRY(vn_opt_run(&o.run, e));
    o.n_models = vn_words(&o.models);
    o.results = vn_opt("--results");
    o.finished = vn_opt("--detections") != NULL;
    if (o.finished == (o.n_models > 0))
        return vn_fail(e, VN_E_USAGE, "eval: want models, or files with --detections, but not both");
    if (o.finished)
        o.n_models = vn_opt_all("--detections", &o.models);
    struct evaluation *v;
    TRY(vn_evaluate(&v, a, &o, e));
    if (vn_opt("--json"))
        return print_json(v);
    print_text(v);
    return EXIT_DONE;
}

const struct command vn_cmd_eval = {
    "eval", "MODEL...|--detections FILE.json... [options]", "count the accuracy of models on the same pictures, and how sure their difference is", options, 0, 64, run,
};
