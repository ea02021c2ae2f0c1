/* Programs of plans: built in memory, and how long they take. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "tune/tuner.h"

#define PROFILE_NS 2e9 /* for all programs together */
#define LATENCY_NS 8e8 /* for both */
enum { LEAST_ROUNDS = 11, MOST_ROUNDS = 501 };

/* ---- building ---- */

int vn_tune_image(struct vn_image *out, struct vn_arena *a, const struct tuner *t, const struct graph *g,
                  const struct compile_input *inputs, struct vn_err *e)
{
    const struct compile_options o = { .march = t->c->target.name,
                                       .isa = t->c->target.isa,
                                       .level = t->c->config->level,
                                       .economy = t->c->config->economy,
                                       .batch_last = t->c->config->batch_last,
                                       .inputs = inputs };
    return vn_compile(out, a, g, &o, e);
}

static int compile(struct built_program *out, struct tuner *t, struct vn_arena *a, const struct graph *g,
                   struct vn_err *e)
{
    struct vn_image image;
    struct vn_session **s = vn_session_slot(a);
    struct vn_session_options so;
    vn_session_options_default(&so);
    so.run = t->o->run;
    TRY(vn_tune_image(&image, a, t, g, NULL, e));
    TRY(vn_session_open_memory(s, image.data, image.bytes, &so, e));
    out->s = *s;
    out->bytes = (double)image.bytes;
    return vn_session_feed_values(*s, t->held.input, e);
}

int vn_tune_method(struct vn_quant_method *m, struct tuner *t, struct vn_arena *a, int ways, struct vn_err *e)
{
    return vn_convert_refined(m, t->c, a, t->ranges, vn_tune_split_samples(t), ways, e);
}

int vn_tune_quantize(struct graph **out, struct tuner *t, struct vn_arena *a, const struct type_rule *rules,
                     int n, int ways, struct vn_err *e)
{
    struct config *config = t->c->config;
    struct graph *calibrated;
    struct vn_quant_method m;
    const int before = config->types.n;
    for (int i = 0; i < n; i++)
        VEC_PUSH(t->c->arena, &config->types, rules[i]);
    int status = vn_tune_method(&m, t, a, ways, e);
    if (status == VN_OK)
        status = vn_convert_quantize(t->c, a, &m, t->ranges, &calibrated, out, e);
    config->types.n = before;
    return status;
}

int vn_tune_build(struct built_program *out, struct tuner *t, struct vn_arena *a,
                  const struct type_rule *rules, int n, int ways, struct vn_err *e)
{
    struct graph *quantized;
    TRY(vn_tune_quantize(&quantized, t, a, rules, n, ways, e));
    vn_graph_add_judges(quantized);
    return compile(out, t, a, quantized, e);
}

int vn_tune_build_plan(struct built_program *out, struct tuner *t, struct vn_arena *a,
                       const struct tune_plan *p, struct vn_err *e)
{
    struct type_rules rules;
    vn_tune_rules(&rules, a, t, p->type);
    return vn_tune_build(out, t, a, rules.rules.v, rules.rules.n, p->ways, e);
}

/* ---- what a target file says, at 1 GHz ---- */

/* Products of each type in the time of one of int8. */
static double speed(enum vn_dtype type) { return type == VN_I8 ? 1 : type == VN_I16 ? 0.5 : 0.25; }

static double forecast(const struct tuner *t, const struct vn_model *m, int i)
{
    struct vn_instruction s;
    struct vn_view v = { .dtype = VN_F32 };
    vn_model_instruction(m, i, &s);
    double bytes = 0, rate = 1;
    for (int k = 0; k < s.n_in; k++) {
        vn_model_tensor(m, s.in[k], &v);
        bytes += (double)v.bytes;
        rate = v.dtype != VN_I32 && speed(v.dtype) < rate ? speed(v.dtype) : rate;
    }
    vn_model_tensor(m, s.out, &v);
    bytes += (double)v.bytes;
    return (double)s.macs / (t->c->target.macs_per_cycle * rate) +
           bytes * 1e9 / t->c->target.memory_bandwidth;
}

static int check_target(const struct tuner *t, struct vn_err *e)
{
    const struct target *m = &t->c->target;
    return m->macs_per_cycle > 0 && m->memory_bandwidth > 0
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "%s: costs of the target require macs_per_cycle and memory_bandwidth",
                         m->path);
}

static double forecast_all(const struct tuner *t, const struct vn_session *s)
{
    double sum = 0;
    for (int i = 0; i < vn_session_instructions(s); i++)
        sum += forecast(t, vn_session_model(s), i);
    return sum;
}

/* ---- times ---- */

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The lower quartile: what else the machine does only adds time. */
static double usual(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    return x[n / 4];
}

static int profile_once(struct vn_session *s, double *of, uint64_t *ns, struct vn_err *e)
{
    TRY(vn_session_time(s, 1, ns, e));
    for (int i = 0; i < vn_session_instructions(s); i++) {
        struct vn_instruction x;
        vn_model_instruction(vn_session_model(s), i, &x);
        of[i * MOST_ROUNDS] = (double)x.nanoseconds;
    }
    return VN_OK;
}

static int profile(double **of, struct vn_arena *work, struct built_program *programs, int n,
                   struct vn_err *e)
{
    double **all = NEW_ARRAY(work, double *, n), spent = 0;
    int rounds = 0;
    uint64_t ns;
    for (int k = 0; k < n; k++) {
        all[k] = NEW_ARRAY(work, double, (size_t)vn_session_instructions(programs[k].s) * MOST_ROUNDS);
        vn_session_profile(programs[k].s, 1);
        TRY(profile_once(programs[k].s, all[k], &ns, e));
    }
    for (; rounds < LEAST_ROUNDS || (rounds < MOST_ROUNDS && spent < PROFILE_NS); rounds++)
        for (int k = 0; k < n; k++) {
            TRY(profile_once(programs[k].s, &all[k][rounds], &ns, e));
            spent += (double)ns;
        }
    for (int k = 0; k < n; k++) {
        vn_session_profile(programs[k].s, 0);
        for (int i = 0; i < vn_session_instructions(programs[k].s); i++)
            of[k][i] = usual(&all[k][(size_t)i * MOST_ROUNDS], rounds);
    }
    return VN_OK;
}

int vn_tune_times(double **of, const struct tuner *t, struct vn_arena *a, struct built_program *programs,
                  int n, struct vn_err *e)
{
    for (int k = 0; k < n; k++)
        of[k] = NEW_ARRAY(a, double, vn_session_instructions(programs[k].s));
    if (t->o->cost == VN_TUNE_MEASURED) {
        struct vn_arena *work = vn_arena_new();
        const int status = profile(of, work, programs, n, e);
        vn_arena_free(&work);
        return status;
    }
    TRY(check_target(t, e));
    for (int k = 0; k < n; k++)
        for (int i = 0; i < vn_session_instructions(programs[k].s); i++)
            of[k][i] = forecast(t, vn_session_model(programs[k].s), i);
    return VN_OK;
}

/* Of one thread what it computed, without what interrupted it; else as long as it took. */
static int time_once(double *ns, const struct tuner *t, struct vn_session *s, struct vn_err *e)
{
    struct timespec from, to;
    uint64_t wall;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    TRY(vn_session_time(s, 1, &wall, e));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    *ns = t->o->run.threads == 1
              ? 1e9 * (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec)
              : (double)wall;
    return VN_OK;
}

/* Both in turn; which of them runs first alternates. */
static int measure_ratio(double *ratio, const struct tuner *t, struct vn_session *s, struct vn_err *e)
{
    struct vn_session *const pair[2] = { t->base, s };
    double each[2][MOST_ROUNDS], spent = 0;
    int rounds = 0;
    for (; rounds < LEAST_ROUNDS || (rounds < MOST_ROUNDS && spent < LATENCY_NS); rounds++)
        for (int i = 0; i < 2; i++) {
            const int k = i ^ (rounds & 1);
            TRY(time_once(&each[k][rounds], t, pair[k], e));
            spent += each[k][rounds];
        }
    *ratio = usual(each[1], rounds) / fmax(usual(each[0], rounds), 1);
    return VN_OK;
}

int vn_tune_latency(double *ratio, const struct tuner *t, struct vn_session *s, struct vn_err *e)
{
    uint64_t ns;
    if (t->o->cost == VN_TUNE_TARGET) {
        *ratio = forecast_all(t, s) / forecast_all(t, t->base);
        return VN_OK;
    }
    TRY(vn_session_time(t->base, 1, &ns, e));
    TRY(vn_session_time(s, 1, &ns, e));
    return measure_ratio(ratio, t, s, e);
}
