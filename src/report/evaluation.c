/* Scores of models and the likeness of their outputs, as text and JSON. */
#include <string.h>

#include "report/report.h"

#define NAME_WIDTH 60

static const char *number(char buf[40], const char *format, double x)
{
    snprintf(buf, 40, x == x ? format : "--", x);
    return buf;
}

static void add_score(struct table *t, const struct vn_eval_model *m, const struct vn_eval_score *s,
                      int first)
{
    char name[NAME_WIDTH + 1], c[4][40];
    vn_table_row(t, (const char *const[]){ vn_cut_left(m->path, NAME_WIDTH, name), s->name,
                                           number(c[0], "%.4f", s->value),
                                           first ? "--" : number(c[1], "%+.4f", s->difference),
                                           s->interval ? number(c[2], "%+.4f", s->low) : "--",
                                           s->interval ? number(c[3], "%+.4f", s->high) : "--" });
}

static void print_scores(FILE *f, const struct vn_evaluation *v)
{
    const char *unit = vn_evaluation_summary(v)->unit;
    const int share = unit && !strcmp(unit, "%");
    const char *const titles[] = { "Model",      "Score",     share ? "Value, %" : "Value",
                                   "Difference", "95 % from", "to" };
    int n;
    const struct vn_eval_model *models = vn_evaluation_models(v, &n);
    struct table *t = vn_table_new(6, titles);
    for (int m = 0; m < n; m++)
        for (int k = 0; k < vn_evaluation_summary(v)->n_scores; k++)
            add_score(t, &models[m], &models[m].scores[k], m == 0);
    vn_table_print(t, f);
    vn_table_free(&t);
}

static void add_likeness(struct table *t, const struct vn_eval_model *m, const struct vn_eval_likeness *l)
{
    char name[2][NAME_WIDTH + 1], c[5][40];
    vn_table_row(t, (const char *const[]){ vn_cut_left(m->path, NAME_WIDTH, name[0]),
                                           vn_cut_left(l->name, NAME_WIDTH, name[1]),
                                           number(c[0], "%.6f", l->cosine_mean),
                                           number(c[1], "%.6f", l->cosine_min), number(c[2], "%.2f", l->sqnr),
                                           number(c[3], "%.6g", l->max), number(c[4], "%.6f", l->equal) });
}

static void print_likeness(FILE *f, const struct vn_evaluation *v)
{
    static const char *const titles[] = { "Model",   "Output",    "Mean Cosine",   "Min Cosine",
                                          "SQNR dB", "Max Error", "Equal Elements" };
    int n;
    const struct vn_eval_model *models = vn_evaluation_models(v, &n);
    struct table *t = vn_table_new(7, titles);
    for (int m = 1; m < n; m++)
        for (int k = 0; k < vn_evaluation_summary(v)->n_outputs; k++)
            add_likeness(t, &models[m], &models[m].outputs[k]);
    vn_table_print(t, f);
    vn_table_free(&t);
}

static void print_changes(FILE *f, const struct vn_evaluation *v)
{
    static const char *const titles[] = { "Model", "Sample", "What Changed" };
    int n;
    const struct vn_eval_model *models = vn_evaluation_models(v, &n);
    struct table *t = vn_table_new(3, titles);
    for (int m = 1; m < n; m++)
        for (int k = 0; k < models[m].n_changes; k++) {
            const struct vn_eval_change *c = &models[m].changes[k];
            char name[2][NAME_WIDTH + 1];
            vn_table_row(t, (const char *const[]){ vn_cut_left(models[m].path, NAME_WIDTH, name[0]),
                                                   vn_cut_left(c->sample, NAME_WIDTH, name[1]), c->text });
        }
    vn_table_print(t, f);
    vn_table_free(&t);
    for (int m = 1; m < n; m++)
        fprintf(f, "%s: %d sample%s whose results differ from the first model's\n", models[m].path,
                models[m].n_changed, models[m].n_changed == 1 ? "" : "s");
}

static int has_changes(const struct vn_evaluation *v)
{
    int n, found = 0;
    const struct vn_eval_model *models = vn_evaluation_models(v, &n);
    for (int m = 1; m < n; m++)
        found |= models[m].n_changed > 0;
    return found;
}

void vn_print_evaluation(FILE *f, const struct vn_evaluation *v)
{
    const struct vn_eval_summary *sum = vn_evaluation_summary(v);
    int n;
    const struct vn_eval_model *models = vn_evaluation_models(v, &n);
    if (sum->n_scores)
        print_scores(f, v);
    if (sum->n_outputs && n > 1)
        print_likeness(f, v);
    if (has_changes(v))
        print_changes(f, v);
    fprintf(f, "%d sample%s", sum->samples, sum->samples == 1 ? "" : "s");
    if (sum->labelled > sum->samples)
        fprintf(f, " of the %d with labels", sum->labelled);
    if (sum->resumed)
        fprintf(f, ", %d of them from an earlier run", sum->resumed);
    if (n > 1)
        fprintf(f, "; differences are from %s", models[0].path);
    if (n > 1 && sum->n_scores && sum->bootstrap)
        fprintf(f, ", intervals of %d paired resamples", sum->bootstrap);
    fputc('\n', f);
}

static json_t *scores_json(const struct vn_evaluation *v, const struct vn_eval_model *m, int first)
{
    json_t *o = json_object();
    for (int k = 0; k < vn_evaluation_summary(v)->n_scores; k++) {
        const struct vn_eval_score *x = &m->scores[k];
        json_t *s = json_pack("{s:o}", "value", vn_json_real(x->value));
        if (!first)
            json_object_set_new(s, "difference", vn_json_real(x->difference));
        if (x->interval)
            json_object_set_new(s, "interval",
                                json_pack("[o, o]", vn_json_real(x->low), vn_json_real(x->high)));
        json_object_set_new(o, x->name, s);
    }
    return o;
}

static json_t *likeness_json(const struct vn_evaluation *v, const struct vn_eval_model *m)
{
    json_t *o = json_object();
    for (int k = 0; m->outputs && k < vn_evaluation_summary(v)->n_outputs; k++) {
        const struct vn_eval_likeness *l = &m->outputs[k];
        json_object_set_new(o, l->name,
                            json_pack("{s:o, s:o, s:o, s:o, s:o}", "cosine_mean",
                                      vn_json_real(l->cosine_mean), "cosine_min", vn_json_real(l->cosine_min),
                                      "sqnr_db", vn_json_real(l->sqnr), "max_error", vn_json_real(l->max),
                                      "equal", vn_json_real(l->equal)));
    }
    return o;
}

static json_t *changes_json(const struct vn_eval_model *m)
{
    json_t *list = json_array();
    for (int k = 0; k < m->n_changes; k++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o}", "sample", m->changes[k].sample, "change",
                                        m->changes[k].text, "amount", vn_json_real(m->changes[k].amount)));
    return list;
}

json_t *vn_json_evaluation(const struct vn_evaluation *v)
{
    const struct vn_eval_summary *sum = vn_evaluation_summary(v);
    int n;
    const struct vn_eval_model *models = vn_evaluation_models(v, &n);
    json_t *list = json_array();
    for (int m = 0; m < n; m++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:i, s:o}", "model", models[m].path, "scores",
                                              scores_json(v, &models[m], m == 0), "outputs",
                                              likeness_json(v, &models[m]), "changed", models[m].n_changed,
                                              "changes", changes_json(&models[m])));
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:o}", "metric", sum->metric, "unit", sum->unit,
                     "samples", sum->samples, "labelled", sum->labelled, "resumed", sum->resumed, "bootstrap",
                     sum->bootstrap, "seed", sum->seed, "models", list);
}
