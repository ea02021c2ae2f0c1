/* What a failure comes from, and what repairs it: rules name causes, and repairs are tried aside. Only what
 * was measured is said. */
#include <math.h>

#include "base/shell.h"
#include "flow/diagnosis.h"

#define LARGE_GAIN 6.0 /* dB: what is left has another cause, which the next run names */
#define SMALL_GAIN 1.0 /* less is no help */
#define WORTH_SAYING 3.0 /* of a network that passes as it is */

/* ---- trying ---- */

static int is_quantization(const struct diagnosis *d)
{
    return !strcmp(d->failure, "quantization") || !strcmp(d->failure, "drift") ||
           !strcmp(d->failure, "jitter");
}

static int is_jitter(const struct diagnosis *d) { return !strcmp(d->failure, "jitter"); }

static double jitter_gain(const struct diagnosis *d, const struct flow_trial *t)
{
    return 20 * log10(d->now.jitter.ratio / t->jitter.ratio);
}

/* Cheap repairs come first; what helps that much is not outdone by int16. */
static int is_enough(const struct diagnosis *d, const struct flow_trial *t)
{
    const struct flow_judgement *now = &d->now.quantized;
    if (is_jitter(d))
        return t->converted && t->quantized.passes && t->jitter.ratio <= d->j->o->max_jitter;
    return t->converted && (!is_quantization(d) || (t->quantized.passes && !now->passes) ||
                            t->quantized.sqnr >= now->sqnr + LARGE_GAIN);
}

/* Does it help at all: fewer findings; decibels. */
static double gain(const struct diagnosis *d, const struct flow_trial *t)
{
    const double least = d->now.quantized.passes ? WORTH_SAYING : SMALL_GAIN,
                 more = is_jitter(d) ? jitter_gain(d, t) : t->quantized.sqnr - d->now.quantized.sqnr;
    if (!is_quantization(d) && d->j->problems != t->problems)
        return (double)d->j->problems - t->problems;
    if (!is_quantization(d))
        return (double)d->j->serious - t->serious;
    return t->converted && more > least ? more : 0;
}

/* The first that is enough, else the one that gains most; NULL: none does. */
static const struct repair *best_repair(struct diagnosis *d, struct vn_err *e)
{
    const struct repair *best = NULL;
    for (int i = 0; i < d->repairs.n; i++) {
        struct repair *r = &d->repairs.v[i];
        if (vn_flow_try(&r->t, d->j, r->set, r->n, e) < 0)
            return NULL;
        if (is_enough(d, &r->t))
            return r;
        if (gain(d, &r->t) > 0 && (!best || gain(d, &r->t) > gain(d, &best->t)))
            best = r;
    }
    return best;
}

static const char *latency(const struct diagnosis *d, const struct repair *r)
{
    const double more = round(100 * (r->t.nanoseconds / d->now.nanoseconds - 1));
    return more != 0 ? vn_arena_fmt(d->j->arena, "%+.0f", more) : "0"; /* no "-0" */
}

static const char *measured(const struct diagnosis *d, const struct repair *r)
{
    struct vn_arena *a = d->j->arena;
    if (!is_quantization(d) && !d->j->serious && r->t.converted)
        return "; the next command makes it convert";
    if (d->j->problems && !r->t.problems)
        return "; with the next command it is right, but the calibration data then do not fit it";
    if (d->j->problems)
        return vn_arena_fmt(a, "; with the next command %d of %d problems remain", r->t.problems,
                            d->j->problems);
    if (!is_quantization(d))
        return vn_arena_fmt(a, "; with the next command %d of %d findings remain%s", r->t.serious,
                            d->j->serious, r->t.converted ? ", and it converts" : "");
    if (is_jitter(d))
        return vn_arena_fmt(a, "; the next command reduces it to %.2f times, at %s %% latency",
                            r->t.jitter.ratio, latency(d, r));
    return vn_arena_fmt(a, "; the next command gains %.1f dB (cosine %.6f to %.6f), at %s %% latency",
                        r->t.quantized.sqnr - d->now.quantized.sqnr, d->now.quantized.cosine,
                        r->t.quantized.cosine, latency(d, r));
}

/* What the key expects, or which problems the model has: only the user knows what to change. */
static const char *look_at_config(const struct flow_job *j, const struct vn_flow_step *s)
{
    const char *key = vn_config_blamed(j->config, j->arena, s->why);
    if (key || !j->config->model)
        return vn_arena_fmt(j->arena, "vernier help %s", key ? key : "convert");
    return vn_arena_fmt(j->arena, "vernier check %s%s%s", vn_shell_word(j->arena, j->config->model),
                        j->config->prototxt ? " --proto " : "",
                        j->config->prototxt ? vn_shell_word(j->arena, j->config->prototxt) : "");
}

/* No single key helps: the planner mixes types; else what is wrong with the configuration. */
static const char *look_closer(const struct flow_job *j, const struct vn_flow_step *s)
{
    struct vn_arena *a = j->arena;
    const char *path = vn_shell_word(a, j->path);
    if (!strcmp(s->failure.cause, FAILS_IN_FLOAT))
        return vn_arena_fmt(a, "vernier check --data -c %s", path);
    if (!j->samples)
        return look_at_config(j, s);
    if (!strcmp(s->name, "board")) /* dumps that cannot be read: what the program's tensors are */
        return vn_arena_fmt(a, "vernier info %s", vn_shell_word(a, j->product[PROGRAM]));
    return vn_arena_fmt(a, "vernier tune -c %s%s%s --max-drop %g", path, j->o->task ? " --task " : "",
                        j->o->task ? vn_shell_word(a, j->o->task) : "", j->o->max_drop);
}

/* ---- rules ---- */

static const struct seen *seen_by(const struct diagnosis *d, const struct cause_rule *r)
{
    return &d->seen.of[r->symptom];
}

static void name_cause(struct diagnosis *d, struct vn_failure *f, const struct cause_rule *r)
{
    const struct seen *s = seen_by(d, r);
    struct vn_arena *a = d->j->arena;
    *f = (struct vn_failure){ r->cause, d->step->why, NULL };
    if (r->say)
        f->evidence = vn_arena_fmt(a, "%s; %s", d->step->why, r->say(s, a));
    d->step->node = s->node ? vn_arena_str(d->j->arena, s->node) : d->step->node;
}

/* Every rule that holds, the first as the cause; with `general`, where none does, what always does. */
static const struct cause_rule *find_rules(struct diagnosis *d, struct vn_failure *f, int general)
{
    const struct cause_rule *first = NULL, *r = vn_flow_rules;
    struct vn_arena *a = d->j->arena;
    VEC(struct vn_flow_finding) also = { 0 };
    for (; r < vn_flow_rules + vn_flow_rules_count; r++) {
        const struct seen *s = seen_by(d, r);
        if (strcmp(r->failure, d->failure) != 0 || (r->symptom ? !(s->size > r->least) : !general) ||
            (first && (r->alone || !r->symptom)))
            continue;
        if (first)
            VEC_PUSH(a, &also, ((struct vn_flow_finding){ r->cause, r->say(s, a) }));
        else
            name_cause(d, f, r);
        first = first ? first : r;
        vn_flow_propose(d, r, s);
    }
    d->step->also = also.v;
    d->step->n_also = also.n;
    return first;
}

/* Not even int16 everywhere helps: then what is wrong is no matter of steps. */
static void note_ceiling(struct diagnosis *d, struct vn_failure *f)
{
    for (int i = 0; i < d->repairs.n; i++) {
        const struct repair *r = &d->repairs.v[i];
        if (!strstr(r->set[0], EVERY_NODE_INT16) || !r->t.converted || r->t.quantized.passes)
            continue;
        vn_symptom_see(&d->seen, SEEN_CEILING, (struct seen){ .size = 1 - r->t.quantized.cosine });
        for (int k = 0; k < vn_flow_rules_count; k++)
            if (vn_flow_rules[k].symptom == SEEN_CEILING)
                name_cause(d, f, &vn_flow_rules[k]);
    }
}

/* Sets f: cause, evidence, and the command that was measured; NULL: none helps. */
static int diagnose(struct diagnosis *d, struct vn_failure *f, int general, struct vn_err *e)
{
    struct flow_job *j = d->j;
    if (is_quantization(d)) {
        TRY(vn_flow_symptoms(&d->seen, j, general, e));
        if (general)
            TRY(vn_flow_error_parts(&d->seen, j, e));
        if (general)
            TRY(vn_flow_look_at_normalization(&d->seen, j, e));
        TRY(vn_flow_try_nothing(&d->now, j, e));
    }
    if (!find_rules(d, f, general))
        return VN_OK;
    if (d->seen.of[SEEN_ARITHMETIC].size > 0) { /* no key repairs a kernel */
        f->next_command = d->seen.of[SEEN_ARITHMETIC].other;
        return VN_OK;
    }
    const struct repair *best = best_repair(d, e);
    if (!best) {
        note_ceiling(d, f);
        return VN_OK;
    }
    f->evidence = vn_arena_fmt(j->arena, "%s%s", f->evidence, measured(d, best));
    f->next_command = vn_flow_set(j, best->set, best->n);
    return VN_OK;
}

/* Where the device's colours are not those of training: conversion, colours and quantization in numbers. */
static const char *three_routes(const struct diagnosis *d)
{
    const struct flow_job *j = d->j;
    return vn_arena_fmt(
        j->arena,
        "; one set of images by three routes: conversion %.1f dB, the device's colours %.1f dB, "
        "quantization %.1f dB",
        j->routes.conversion, j->routes.colours, d->now.quantized.sqnr);
}

/* They cost more than quantization does, and without them nothing is lost: a network must be trained so, or
 * fed otherwise. */
static void advise_colours(struct diagnosis *d, struct vn_flow_step *s)
{
    struct flow_job *j = d->j;
    if (!d->now.converted || !j->routes.known || j->routes.cosine >= j->o->min_cosine ||
        j->routes.colours >= d->now.quantized.sqnr)
        return;
    const char *set =
        vn_arena_fmt(j->arena, "input_type_rt=%s", vn_input_type_word(j->config->inputs[0].type_train));
    s->advice =
        (struct vn_failure){ "device_colours", vn_arena_fmt(j->arena, "%s%s", s->why, three_routes(d)),
                             vn_flow_set(j, &set, 1) };
}

/* What goes wrong while a cause is looked for is no error of the flow. */
static int ignored(int status, const struct vn_err *why, struct vn_err *e)
{
    if (status != VN_E_NOMEM && status != VN_E_CANCELLED)
        return VN_OK;
    *e = *why;
    return status;
}

int vn_flow_repair(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct diagnosis d = { .j = j, .step = s, .failure = s->failure.cause };
    struct vn_err why;
    if (!j->o->no_repair)
        TRY(ignored(!strcmp(d.failure, FAILS_IN_FLOAT) ? vn_flow_try_readings(j, s, &why)
                                                       : diagnose(&d, &s->failure, 1, &why),
                    &why, e));
    if (is_quantization(&d) && j->routes.known && d.now.converted)
        s->failure.evidence = vn_arena_fmt(j->arena, "%s%s", s->failure.evidence, three_routes(&d));
    if (!s->failure.next_command)
        s->failure.next_command = look_closer(j, s);
    return VN_OK;
}

int vn_flow_advise(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct diagnosis d = { .j = j, .step = s, .failure = "quantization" };
    struct vn_err why;
    if (!j->o->no_repair)
        TRY(ignored(diagnose(&d, &s->advice, 0, &why), &why, e));
    if (s->advice.next_command)
        return VN_OK;
    s->advice = (struct vn_failure){ NULL, NULL, NULL }; /* nothing is gained */
    s->node = NULL;
    s->n_also = 0;
    advise_colours(&d, s);
    return VN_OK;
}
