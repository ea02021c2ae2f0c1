/* Configurations tried aside: nothing of the user's is touched. */
#include <limits.h>
#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "flow/config_edit.h"
#include "flow/flow_job.h"
#include "flow/jitter.h"

#define TIMED_RUNS 3

static int time_program(double *ns, const char *program, struct flow_job *j, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_session **s = vn_session_slot(a);
    struct vn_session_options o;
    uint64_t t[TIMED_RUNS];
    vn_session_options_default(&o);
    o.run = j->o->run;
    int status = vn_session_open(s, program, &o, e);
    if (status == VN_OK)
        status = vn_session_feed_random(*s, 1, e);
    if (status == VN_OK)
        status = vn_session_time(*s, TIMED_RUNS, t, e);
    *ns = INFINITY;
    for (int i = 0; i < TIMED_RUNS && status == VN_OK; i++)
        *ns = fmin(*ns, (double)t[i]);
    vn_arena_free(&a);
    return status;
}

int vn_flow_try_nothing(struct flow_trial *t, struct flow_job *j, struct vn_err *e)
{
    t->converted = 1;
    TRY(vn_flow_judge(&t->quantized, j, e));
    if (j->o->frames)
        TRY(vn_flow_jitter(&t->jitter, j, e));
    return time_program(&t->nanoseconds, j->product[PROGRAM], j, e);
}

/* In a job of its own, whose configuration lies in `path` and is gone afterwards. more NULL: the quantized
 * network; else the task in float. */
static int try_config(struct flow_trial *t, struct flow_job *aside, const char *more, struct vn_err *e)
{
    struct vn_arena *a = aside->arena;
    const char *metric;
    struct vn_flow_step step = { .name = "convert" };
    TRY(vn_config_read_all(&aside->config, a, aside->path, e));
    TRY(vn_flow_convert(aside, &step, e));
    t->serious = aside->serious;
    t->problems = aside->problems;
    t->cause = step.failure.cause ? step.failure.cause : NULL;
    if (step.state != VN_FLOW_PASS)
        return VN_OK;
    return more ? vn_flow_float_score(&t->score, &metric, aside, more, e) : vn_flow_try_nothing(t, aside, e);
}

static int try_in(struct flow_trial *t, struct flow_job *j, struct vn_arena *a, const char *const *sets,
                  int n, const char *more, struct vn_err *e)
{
    const char *folder = vn_path_folder(a, j->path), *text;
    const char **all = NEW_ARRAY(a, const char *, n + 1);
    struct vn_staging *stage;
    TRY(vn_dir_stage(&stage, a, folder, e));
    memcpy(all, sets, (size_t)n * sizeof *all);
    char *here = getcwd(vn_arena_alloc(a, 4096), 4096);
    const char *path = vn_dir_stage_path(stage);
    all[n] = vn_arena_fmt(a, "working_dir=%s", *path == '/' || !here ? path : vn_path_join(a, here, path));
    TRY(vn_config_edit(&text, a, j->path, all, n + 1, e));
    struct vn_flow_options o = *j->o;
    o.odd = (struct vn_odd_listener){ 0 }; /* samples are those of the configuration itself */
    struct flow_job aside = { .o = &o, .arena = a, .work = a };
    aside.path = vn_path_join(a, folder, vn_arena_fmt(a, ".vernier_try_%ld.yaml", (long)getpid()));
    TRY(vn_file_write(aside.path, text, strlen(text), e));
    const int status = try_config(t, &aside, more, e);
    vn_conversion_free(&aside.c);
    unlink(aside.path);
    if (t->cause)
        t->cause = vn_arena_str(j->arena, t->cause);
    t->quantized.text = t->jitter.text = t->jitter.output = NULL; /* they go with the arena */
    return status;
}

static int try_aside(struct flow_trial *t, struct flow_job *j, const char *const *sets, int n,
                     const char *more, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    *t = (struct flow_trial){ .serious = INT_MAX,
                              .problems = INT_MAX,
                              .quantized = { .cosine = NAN, .sqnr = -INFINITY },
                              .score = NAN };
    const int status = try_in(t, j, a, sets, n, more, e);
    vn_arena_free(&a);
    return status == VN_E_NOMEM || status == VN_E_CANCELLED ? status : VN_OK;
}

int vn_flow_try(struct flow_trial *t, struct flow_job *j, const char *const *sets, int n, struct vn_err *e)
{
    return try_aside(t, j, sets, n, NULL, e);
}

int vn_flow_try_float(struct flow_trial *t, struct flow_job *j, const char *const *sets, int n,
                      const char *more, struct vn_err *e)
{
    static const char *const skip[] = { "calibration_type=skip", "max_percentile=" };
    const char **all = NEW_ARRAY(j->work, const char *, n + 2);
    memcpy(all, skip, sizeof skip);
    memcpy(all + 2, sets, (size_t)n * sizeof *sets);
    return try_aside(t, j, all, n + 2, more, e);
}
