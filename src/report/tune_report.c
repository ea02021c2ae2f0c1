/* What the planner found: plans and groups as tables and as JSON. */
#include <math.h>
#include <string.h>

#include <vernier/report.h>

#include "report/report.h"

enum { CELL = 40, MOST_GROUPS = 20 };
#define ADDS_UP 0.9 /* R squared */

/* ---- text ---- */

static const char *number(char *to, const char *form, double x)
{
    if (isnan(x))
        snprintf(to, CELL, "--");
    else
        snprintf(to, CELL, form, x);
    return to;
}

static void print_plans(FILE *f, const struct vn_tuning *t)
{
    static const char *const titles[] = { "plan",    "loss", "predicted", "SQNR (dB)", "agreement",
                                          "latency", "size", "refined",   "" };
    int n;
    const struct vn_tune_plan *p = vn_tuning_plans(t, &n);
    struct table *table = vn_table_new(9, titles);
    for (int i = 0; i < n; i++) {
        char cell[7][CELL];
        snprintf(cell[0], CELL, "%d", i);
        const char *const row[] = { cell[0],
                                    number(cell[1], "%.4f", p[i].loss),
                                    number(cell[2], "%.4f", p[i].predicted_loss),
                                    number(cell[3], "%.2f", p[i].sqnr),
                                    number(cell[4], "%.4f", p[i].agreement),
                                    number(cell[5], "%.3f", p[i].latency),
                                    number(cell[6], "%.3f", p[i].size),
                                    p[i].refined,
                                    p[i].best    ? "best"
                                    : !p[i].fits ? "beyond the limits"
                                    : p[i].front ? "front"
                                                 : "" };
        vn_table_row(table, row);
    }
    vn_table_print_titled(table, "plans", f);
    vn_table_free(&table);
}

/* Those that changed type. */
static void print_changes(FILE *f, const struct vn_tuning *t)
{
    static const char *const titles[] = { "tensor", "type", "loss in int8", "loss left", "latency", "size" };
    int n, changed = 0;
    const struct vn_tune_group *g = vn_tuning_groups(t, &n);
    struct table *table = vn_table_new(6, titles);
    for (int i = 0; i < n; i++) {
        char cell[4][CELL], name[CELL];
        const enum vn_tune_type k = g[i].chosen;
        if (k == VN_TUNE_INT8 || changed++ >= MOST_GROUPS)
            continue;
        const char *const row[] = {
            vn_cut_left(g[i].tensor, CELL - 1, name),         vn_tune_type_word(k),
            number(cell[0], "%.4f", g[i].loss[VN_TUNE_INT8]), number(cell[1], "%.4f", g[i].loss[k]),
            number(cell[2], "%+.4f", g[i].latency[k]),        number(cell[3], "%+.4f", g[i].size[k])
        };
        vn_table_row(table, row);
    }
    if (changed)
        vn_table_print_titled(table, "changed types, as predicted", f);
    vn_table_free(&table);
    if (changed > MOST_GROUPS)
        fprintf(f, "... and %d more\n", changed - MOST_GROUPS);
}

static double correction(const struct vn_tune_plan *p) { return p->loss / p->predicted_loss; }

/* Where the prediction does not hold: by how much measured losses differ from it. */
static void print_correction(FILE *f, const struct vn_tune_plan *p, int n, const struct vn_tune_plan *best)
{
    double sum = 0, low = INFINITY, high = 0;
    int k = 0;
    for (int i = 0; i < n; i++) {
        if (!(p[i].loss > 0) || !(p[i].predicted_loss > 0))
            continue;
        low = fmin(low, correction(&p[i]));
        high = fmax(high, correction(&p[i]));
        sum += log(correction(&p[i]));
        k++;
    }
    if (!k)
        return;
    fprintf(
        f,
        "Losses are not additive for this network: plans lose %.3g times the predicted loss (%.3g to %.3g)",
        exp(sum / k), low, high);
    if (best->predicted_loss > 0)
        fprintf(f, ", the best one %.3g times", correction(best));
    fputs(". Plans were chosen by measured losses.\n", f);
}

static void print_fit(FILE *f, const struct vn_tune_summary *s, const struct vn_tune_plan *p, int n,
                      const struct vn_tune_plan *best)
{
    if (!isnan(s->r_squared))
        fprintf(f, "Additivity: measured loss = %.3f * predicted ^ %.3f, R squared %.3f.\n", s->factor,
                s->exponent, s->r_squared);
    if (s->r_squared < ADDS_UP)
        print_correction(f, p, n, best);
    if (!isnan(s->latency_factor))
        fprintf(f, "Added latency: %.2f times the prediction.\n", s->latency_factor);
}

/* Of the first score of the task. */
static void print_scores(FILE *f, const struct vn_tune_plan *base, const struct vn_tune_plan *best)
{
    if (!isnan(base->score) && !isnan(best->score))
        fprintf(
            f,
            "Score minus the float score: %+.2f [%+.2f, %+.2f] -> %+.2f [%+.2f, %+.2f] (95 %% intervals).\n",
            base->score, base->score_low, base->score_high, best->score, best->score_low, best->score_high);
}

static void print_best(FILE *f, const struct vn_tune_plan *base, const struct vn_tune_plan *best)
{
    fprintf(f, "Best: SQNR %.2f -> %.2f dB, ", base->sqnr, best->sqnr);
    if (!isnan(base->agreement))
        fprintf(f, "agreement %.4f -> %.4f, ", base->agreement, best->agreement);
    fprintf(f, "latency %.3f times, size %.3f times.\n", best->latency, best->size);
}

static const char *plural(int n) { return n == 1 ? "" : "s"; }

void vn_print_tuning(FILE *f, const struct vn_tuning *t)
{
    const struct vn_tune_summary *s = vn_tuning_summary(t);
    int n;
    const struct vn_tune_plan *p = vn_tuning_plans(t, &n), *best = p;
    for (int i = 0; i < n; i++)
        best = p[i].best ? &p[i] : best;
    print_changes(f, t);
    print_plans(f, t);
    print_fit(f, s, p, n, best);
    fprintf(f, "%d sample%s scored%s, %d group%s of tensors, %d plan%s, %.1f s%s.\n", s->samples,
            plural(s->samples), s->range_samples ? ", not used for ranges" : "", s->groups, plural(s->groups),
            s->plans, plural(s->plans), s->seconds, s->stopped ? "; stopped by the time limit" : "");
    print_best(f, p, best);
    print_scores(f, p, best);
    fputs(s->difference, f);
    fprintf(f, "%s%s written. Next: vernier convert -c %s\n",
            *s->difference ? "" : "No plan improves on the configuration. ", s->yaml, s->yaml);
}

/* ---- JSON ---- */

static json_t *by_type(const double *x, int allowed)
{
    json_t *o = json_object();
    for (int k = 0; k < VN_TUNE_TYPES; k++)
        if (allowed >> k & 1)
            json_object_set_new(o, vn_tune_type_word(k), vn_json_real(x[k]));
    return o;
}

static json_t *groups_json(const struct vn_tuning *t)
{
    int n;
    const struct vn_tune_group *g = vn_tuning_groups(t, &n);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "tensor", g[i].tensor, "node",
                                              g[i].node, "type", vn_tune_type_word(g[i].chosen), "loss",
                                              by_type(g[i].loss, g[i].allowed), "latency",
                                              by_type(g[i].latency, g[i].allowed), "size",
                                              by_type(g[i].size, g[i].allowed)));
    return list;
}

static json_t *plans_json(const struct vn_tuning *t)
{
    int n;
    const struct vn_tune_plan *p = vn_tuning_plans(t, &n);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b}", "types",
                      p[i].types, "refined", p[i].refined, "loss", vn_json_real(p[i].loss), "predicted_loss",
                      vn_json_real(p[i].predicted_loss), "sqnr", vn_json_real(p[i].sqnr), "agreement",
                      vn_json_real(p[i].agreement), "latency", vn_json_real(p[i].latency),
                      "predicted_latency", vn_json_real(p[i].predicted_latency), "size",
                      vn_json_real(p[i].size), "score_difference", vn_json_real(p[i].score), "score_low",
                      vn_json_real(p[i].score_low), "score_high", vn_json_real(p[i].score_high), "fits",
                      p[i].fits, "best", p[i].best, "front", p[i].front));
    return list;
}

json_t *vn_json_tuning(const struct vn_tuning *t)
{
    const struct vn_tune_summary *s = vn_tuning_summary(t);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:b}", "yaml", s->yaml, "journal", s->journal,
                          "difference", s->difference, "method", s->method, "samples", s->samples,
                          "range_samples", s->range_samples, "stopped", s->stopped);
    json_object_set_new(o, "base_ms", vn_json_real(s->base_ms));
    json_object_set_new(o, "base_bytes", json_integer(s->base_bytes));
    json_object_set_new(o, "r_squared", vn_json_real(s->r_squared));
    json_object_set_new(o, "factor", vn_json_real(s->factor));
    json_object_set_new(o, "exponent", vn_json_real(s->exponent));
    json_object_set_new(o, "latency_factor", vn_json_real(s->latency_factor));
    json_object_set_new(o, "seconds", vn_json_real(s->seconds));
    json_object_set_new(o, "plan_seconds", vn_json_real(s->plan_seconds));
    json_object_set_new(o, "plans", plans_json(t));
    json_object_set_new(o, "groups", groups_json(t));
    return o;
}
