/* What a rule proposes, as keys of the configuration. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "flow/diagnosis.h"

/* "KEY=VALUE;KEY=VALUE" */
static void propose(struct diagnosis *d, const char *sets)
{
    struct repair r = { .n = 0 };
    r.n = vn_flow_words(r.set, d->j->arena, sets);
    VEC_PUSH(d->j->work, &d->repairs, r);
}

/* A value may hold semicolons. */
static void propose_one(struct diagnosis *d, const char *set)
{
    VEC_PUSH(d->j->work, &d->repairs, ((struct repair){ .set = { set }, .n = 1 }));
}

static const char *given(const struct diagnosis *d, const char *key)
{
    const struct setting *s = vn_config_used(d->j->config, key);
    return s && s->text ? s->text : "";
}

/* The numbers of a key, times `by`. */
static void propose_times(struct diagnosis *d, const char *key, double by)
{
    struct vn_arena *a = d->j->arena;
    char *text = vn_arena_str(a, given(d, key)), *save, *word = strtok_r(text, " ,[]", &save);
    const char *out = vn_arena_fmt(a, "%s=", key);
    if (!word)
        return;
    for (int i = 0; word; word = strtok_r(NULL, " ,[]", &save), i++)
        out = vn_arena_fmt(a, "%s%s%.9g", out, i ? " " : "", atof(word) * by);
    propose(d, out);
}

/* With what the key holds already. */
static void propose_more(struct diagnosis *d, const char *key, const char *between, const char *word)
{
    const char *before = given(d, key);
    if (!strstr(before, word))
        propose_one(d, vn_arena_fmt(d->j->arena, "%s=%s%s%s", key, before, *before ? between : "", word));
}

static void mean(struct diagnosis *d, const struct seen *s)
{
    (void)s;
    propose_times(d, "mean_value", 255);
}

static void scale(struct diagnosis *d, const struct seen *s)
{
    (void)s;
    propose_times(d, "scale_value", 1 / 255.0);
}

static void finding(struct diagnosis *d, const struct seen *s)
{
    (void)s;
    if (d->j->setting)
        propose(d, d->j->setting);
}

/* Calibrated with these samples. */
static void test(struct diagnosis *d, const struct seen *s)
{
    struct vn_arena *a = d->j->arena;
    char *here = getcwd(vn_arena_alloc(a, 4096), 4096);
    const char *path = d->j->o->test;
    (void)s;
    if (d->j->config->n_inputs == 1)
        propose_one(d, vn_arena_fmt(a, "cal_data_dir=%s",
                                    *path == '/' || !here ? path : vn_path_join(a, here, path)));
}

/* It helps whatever the cause is, so of a network that passes it tells nothing. */
static void int16(struct diagnosis *d, const struct seen *s)
{
    (void)s;
    if (!d->now.quantized.passes)
        propose_more(d, "optimization", ",", EVERY_NODE_INT16);
}

/* Passing on single frames is no reason against it. */
static void int16_anyway(struct diagnosis *d, const struct seen *s)
{
    (void)s;
    propose_more(d, "optimization", ",", EVERY_NODE_INT16);
}

static void node_int16(struct diagnosis *d, const struct seen *s)
{
    if (s->node)
        propose_more(d, "set_node_data_type", ";", vn_arena_fmt(d->j->arena, "%s:int16", s->node));
}

static void node_float(struct diagnosis *d, const struct seen *s)
{
    if (s->node)
        propose_more(d, "run_on_cpu", ";", s->node);
}

static void meant(struct diagnosis *d, const struct seen *s)
{
    struct repair r = { .n = 0 };
    (void)s;
    r.n = vn_flow_meant(r.set, d->j);
    if (r.n)
        VEC_PUSH(d->j->work, &d->repairs, r);
}

static void layout(struct diagnosis *d, const struct seen *s)
{
    const struct config *c = d->j->config;
    (void)s;
    if (c->n_inputs == 1 && *given(d, "input_layout_train"))
        propose_one(d, vn_arena_fmt(d->j->arena, "input_layout_train=%s",
                                    vn_layout_word(c->inputs[0].layout_train == LAYOUT_NHWC ? LAYOUT_NCHW
                                                                                            : LAYOUT_NHWC)));
}

static const struct {
    const char *word;
    void (*make)(struct diagnosis *d, const struct seen *s);
} made[] = {
    { "@meant", meant },
    { "@layout", layout },
    { "@mean", mean },
    { "@scale", scale },
    { "@finding", finding },
    { "@test", test },
    { "@int16", int16 },
    { "@int16_anyway", int16_anyway },
    { "@node_int16", node_int16 },
    { "@node_float", node_float },
};

static void propose_text(struct diagnosis *d, const struct seen *s, const char *text)
{
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (!strcmp(made[i].word, text)) {
            made[i].make(d, s);
            return;
        }
    if (*text != '+')
        propose(d, text);
    else
        propose_more(d, "optimization", ",", vn_arena_fmt(d->j->arena, text + 1, s->other));
}

/* Does the configuration hold it already? */
static int changes_nothing(const struct diagnosis *d, const char *text)
{
    const size_t n = strcspn(text, "=");
    if (!strcmp(text + n, "=") && !*given(d, vn_arena_strn(d->j->work, text, n)))
        return 1;
    if (!strcmp(text, "max_percentile="))
        return !(d->j->config->max_percentile < 1);
    return !strncmp(text, "calibration_type=default", 24) &&
           d->j->config->calibration_type == CALIBRATION_DEFAULT;
}

void vn_flow_propose(struct diagnosis *d, const struct cause_rule *r, const struct seen *s)
{
    for (int i = 0; i < MOST_PROPOSALS && r->proposals[i]; i++)
        if (!changes_nothing(d, r->proposals[i]))
            propose_text(d, s, r->proposals[i]);
}
