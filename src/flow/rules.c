/* The rules of a diagnosis: what a failure comes from, as numbers, and which keys of the configuration may
 * repair it. */
#include <math.h>
#include <stdlib.h>

#include "flow/diagnosis.h"

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

/* It helps whatever the cause is, so of a network that passes it tells nothing. */
static void propose_int16(struct diagnosis *d)
{
    if (!d->now.quantized.passes)
        propose_optimization(d, "set_all_nodes_int16");
}

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
    d->node = d->seen.outlier_node;
    return d->seen.outlier > OUTLIER;
}

const struct rule vn_flow_rules[] = {
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

const int vn_flow_rules_count = sizeof vn_flow_rules / sizeof *vn_flow_rules;

int vn_flow_rule(int i, const char **failure, const char **cause, const char **looks_at)
{
    if (i < 0 || i >= vn_flow_rules_count)
        return 0;
    *failure = vn_flow_rules[i].failure;
    *cause = vn_flow_rules[i].cause;
    *looks_at = vn_flow_rules[i].looks_at;
    return 1;
}
