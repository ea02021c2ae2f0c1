/* The rules of a diagnosis: what a failure comes from, as numbers, and which keys of the configuration may
 * repair it. Each is tried aside, and only what was measured is said. */
#include <math.h>
#include <stdlib.h>

#include "base/shell.h"
#include "flow/flow_job.h"

#define MOST_SETS 8

struct repair {
    const char *set[MOST_SETS];
    int n;
    struct flow_trial t;
};

struct diagnosis {
    struct flow_job *j;
    struct vn_flow_step *step;
    struct symptoms seen; /* quantization only */
    struct flow_trial now;
    const char *evidence;
    VEC(struct repair) repairs;
};

struct rule {
    const char *failure; /* the cause with which a step fails */
    const char *cause; /* the same, named more closely */
    int (*holds)(struct diagnosis *d); /* NULL: always; sets the evidence */
    void (*propose)(struct diagnosis *d); /* repairs, the cheapest first */
    const char *looks_at; /* for docs */
};

/* ---- proposals ---- */

/* "KEY=VALUE;KEY=VALUE" */
static void propose(struct diagnosis *d, const char *sets)
{
    struct vn_arena *a = d->j->arena;
    char *text = vn_arena_str(a, sets), *save, *word = strtok_r(text, ";", &save);
    struct repair r = { .n = 0 };
    for (; word && r.n < MOST_SETS; word = strtok_r(NULL, ";", &save))
        r.set[r.n++] = word;
    VEC_PUSH(d->j->work, &d->repairs, r);
}

static void propose_finding(struct diagnosis *d)
{
    if (d->j->setting)
        propose(d, d->j->setting);
}

static void propose_featuremap(struct diagnosis *d)
{
    propose(d, "input_type_train=featuremap;input_type_rt=featuremap;norm_type=;mean_value=;scale_value=");
}

/* The numbers of a key, times `by`. */
static void propose_times(struct diagnosis *d, const char *key, double by)
{
    const struct setting *given = vn_config_used(d->j->config, key);
    struct vn_arena *a = d->j->arena;
    if (!given || !given->text)
        return;
    char *text = vn_arena_str(a, given->text), *save, *word = strtok_r(text, " ,[]", &save);
    const char *out = vn_arena_fmt(a, "%s=", key);
    for (int i = 0; word; word = strtok_r(NULL, " ,[]", &save), i++)
        out = vn_arena_fmt(a, "%s%s%.9g", out, i ? " " : "", atof(word) * by);
    propose(d, out);
}

static void propose_mean(struct diagnosis *d) { propose_times(d, "mean_value", 255); }
static void propose_scale(struct diagnosis *d) { propose_times(d, "scale_value", 1 / 255.0); }

/* With what the configuration has already. */
static void propose_optimization(struct diagnosis *d, const char *word)
{
    const struct setting *given = vn_config_used(d->j->config, "optimization");
    if (given && given->text && *given->text && !strstr(given->text, word))
        propose(d, vn_arena_fmt(d->j->arena, "optimization=%s,%s", given->text, word));
    else if (!given)
        propose(d, vn_arena_fmt(d->j->arena, "optimization=%s", word));
}

static void propose_int16(struct diagnosis *d) { propose_optimization(d, "set_all_nodes_int16"); }

static void propose_methods(struct diagnosis *d)
{
    if (d->j->config->calibration_type != CALIBRATION_DEFAULT)
        propose(d, "calibration_type=default;max_percentile=");
    propose_optimization(d, "asymmetric");
    propose_optimization(d, "bias_correction");
    propose_int16(d);
}

static void propose_wider(struct diagnosis *d)
{
    if (d->j->config->max_percentile < 1)
        propose(d, "max_percentile=");
    propose(d, "calibration_type=max;max_percentile=");
    propose_int16(d);
}

static void propose_narrower(struct diagnosis *d)
{
    propose(d, "calibration_type=default;max_percentile=");
    propose(d, "calibration_type=max;max_percentile=0.999");
    propose(d, "calibration_type=kl;max_percentile=");
    propose_int16(d);
}

static void propose_node_int16(struct diagnosis *d)
{
    const struct setting *given = vn_config_used(d->j->config, "set_node_data_type");
    const char *before = given && given->text ? given->text : "", *between = *before ? ";" : "";
    struct repair r = { .n = 1 };
    r.set[0] =
        vn_arena_fmt(d->j->arena, "set_node_data_type=%s%s%s:int16", before, between, d->seen.outlier_node);
    VEC_PUSH(d->j->work, &d->repairs, r);
    propose_int16(d);
}

/* ---- what is seen ---- */

#define CLIPPED 0.01 /* share of a tensor's elements */
#define DOMINANT 8.0 /* times the middle sample */
#define OUTLIER 50.0 /* times the middle channel */

static int is_clipped(struct diagnosis *d)
{
    d->evidence = vn_arena_fmt(d->j->arena, "%.2g %% of tensor %s lie beyond its range",
                               100 * d->seen.clipped, d->seen.clipped_tensor ? d->seen.clipped_tensor : "");
    return d->seen.clipped > CLIPPED;
}

static int has_dominant_sample(struct diagnosis *d)
{
    d->evidence = vn_arena_fmt(d->j->arena, "tensor %s is %.3g times as large in %s as in other samples",
                               d->seen.dominant_tensor ? d->seen.dominant_tensor : "", d->seen.dominant,
                               d->seen.dominant_sample ? d->seen.dominant_sample : "");
    return d->seen.dominant > DOMINANT;
}

static int has_outlier_channel(struct diagnosis *d)
{
    d->evidence = vn_arena_fmt(d->j->arena, "channel %d of tensor %s is %.3g times as large as the others",
                               d->seen.outlier_channel, d->seen.outlier_tensor ? d->seen.outlier_tensor : "",
                               d->seen.outlier);
    if (d->seen.outlier > OUTLIER)
        d->step->node = d->seen.outlier_node;
    return d->seen.outlier > OUTLIER;
}

static const struct rule rules[] = {
    { "normalised", "normalised", NULL, propose_featuremap, "finding normalised of the calibration data" },
    { "mean_value", "mean_value", NULL, propose_mean, "finding mean_value" },
    { "scale_value", "scale_value", NULL, propose_scale, "finding scale_value" },
    { "network_input", "network_input", NULL, propose_finding, "finding network_input" },
    { "quantization", "clipping", is_clipped, propose_wider,
      "share of a tensor's float values beyond its quantized range" },
    { "quantization", "wide_range", has_dominant_sample, propose_narrower,
      "largest magnitude of a tensor in one sample by that of the middle sample" },
    { "quantization", "outlier_channel", has_outlier_channel, propose_node_int16,
      "largest magnitude of a channel by that of the middle channel" },
    { "quantization", "quantization", NULL, propose_methods, "none of the above" },
};

int vn_flow_rule(int i, const char **failure, const char **cause, const char **looks_at)
{
    if (i < 0 || i >= (int)(sizeof rules / sizeof *rules))
        return 0;
    *failure = rules[i].failure;
    *cause = rules[i].cause;
    *looks_at = rules[i].looks_at;
    return 1;
}

static const struct rule *find_rule(struct diagnosis *d)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rules[i].failure, d->step->failure.cause) && (!rules[i].holds || rules[i].holds(d)))
            return &rules[i];
    return NULL;
}

/* ---- trying ---- */

static int is_quantization(const struct diagnosis *d) { return d->j->samples != NULL; }

#define LARGE_GAIN 6.0 /* dB: what is left has another cause, which the next run names */

/* Cheap repairs come first; what helps that much is not outdone by int16. */
static int is_enough(const struct diagnosis *d, const struct flow_trial *t)
{
    return t->converted &&
           (!is_quantization(d) || t->cosine >= d->j->o->min_cosine || t->sqnr >= d->now.sqnr + LARGE_GAIN);
}

/* Does it help at all: fewer findings; a decibel. */
static double gain(const struct diagnosis *d, const struct flow_trial *t)
{
    if (!is_quantization(d))
        return d->j->serious - t->serious;
    return t->converted && t->sqnr > d->now.sqnr + 1 ? t->sqnr - d->now.sqnr : 0;
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

static const char *measured(const struct diagnosis *d, const struct repair *r)
{
    struct vn_arena *a = d->j->arena;
    if (!is_quantization(d))
        return vn_arena_fmt(a, "; with the next command %d of %d findings remain%s", r->t.serious,
                            d->j->serious, r->t.converted ? ", and it converts" : "");
    return vn_arena_fmt(a, "; the next command gains %.1f dB (cosine %.6f to %.6f) and costs %+.0f %% time",
                        r->t.sqnr - d->now.sqnr, d->now.cosine, r->t.cosine,
                        100 * (r->t.nanoseconds / d->now.nanoseconds - 1));
}

/* No single key helps: the planner mixes types; else what is wrong with the configuration. */
static const char *look_closer(const struct flow_job *j)
{
    struct vn_arena *a = j->arena;
    const char *path = vn_shell_word(a, j->path);
    if (!j->samples)
        return vn_arena_fmt(a, "vernier check -c %s", path);
    return vn_arena_fmt(a, "vernier tune -c %s%s%s --max-drop %g", path, j->o->task ? " --task " : "",
                        j->o->task ? vn_shell_word(a, j->o->task) : "", j->o->max_drop);
}

static int diagnose(struct diagnosis *d, struct vn_err *e)
{
    struct flow_job *j = d->j;
    struct vn_failure *f = &d->step->failure;
    if (is_quantization(d) && !strcmp(f->cause, "quantization")) {
        TRY(vn_flow_symptoms(&d->seen, j, e));
        TRY(vn_flow_try_nothing(&d->now, j, e));
    }
    const struct rule *r = find_rule(d);
    if (!r)
        return VN_OK;
    f->cause = r->cause;
    if (r->holds)
        f->evidence = vn_arena_fmt(j->arena, "%s; %s", d->step->why, d->evidence);
    r->propose(d);
    const struct repair *best = best_repair(d, e);
    if (!best)
        return VN_OK;
    f->evidence = vn_arena_fmt(j->arena, "%s%s", f->evidence, measured(d, best));
    f->next_command = vn_flow_set(j, best->set, best->n);
    return VN_OK;
}

int vn_flow_repair(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct diagnosis d = { .j = j, .step = s };
    struct vn_err why;
    int status = j->o->no_repair ? VN_OK : diagnose(&d, &why);
    if (status == VN_E_NOMEM || status == VN_E_CANCELLED) {
        *e = why;
        return status;
    }
    if (!s->failure.next_command)
        s->failure.next_command = look_closer(j);
    return VN_OK;
}
