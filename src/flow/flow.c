/* vernier/flow.h: the steps one after the other, up to the first that fails. */
#include <time.h>

#include <vernier/eval.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/listen.h"
#include "flow/config_edit.h"
#include "flow/flow_job.h"

struct vn_flow_result {
    struct vn_arena *arena;
    struct vn_conversion *c; /* NULL: there is none */
    struct vn_flow_verdict summary;
    struct vn_flow_step *step;
    int n;
};

/* ---- the configuration ---- */

static int check_options(const struct vn_flow_options *o, struct vn_arena *a, struct vn_err *e)
{
    if (!o->n_sets != !o->save)
        return vn_fail(e, VN_E_USAGE, "--set and --save FILE.yaml require each other");
    if (o->save && strcmp(vn_path_folder(a, o->save), vn_path_folder(a, o->config)) != 0)
        return vn_fail(
            e, VN_E_USAGE,
            "--save: expected a file in the folder of %s, which its relative paths start from, got %s",
            o->config, o->save);
    if (o->samples < 1)
        return vn_fail(e, VN_E_USAGE, "samples: expected at least 1, got %d", o->samples);
    if (o->n_task_sets && !o->task)
        return vn_fail(e, VN_E_USAGE, "--task-set: expected a --task");
    if (o->reference && !vn_file_exists(o->reference) && !vn_dir_exists(o->reference))
        return vn_fail(e, VN_E_USAGE, "--reference: no such file or folder: %s", o->reference);
    if (o->test && !vn_dir_exists(o->test))
        return vn_fail(e, VN_E_USAGE, "--test: no such folder: %s", o->test);
    if (o->frames && !vn_dir_exists(o->frames))
        return vn_fail(e, VN_E_USAGE, "--frames: no such folder: %s", o->frames);
    if (o->dumps && !vn_file_exists(o->dumps) && !vn_dir_exists(o->dumps))
        return vn_fail(e, VN_E_USAGE, "--dumps: no such file or folder: %s", o->dumps);
    return vn_eval_task_check(o->task, e);
}

static int save_config(struct flow_job *j, struct vn_err *e)
{
    const char *text;
    j->path = j->o->config;
    if (!j->o->n_sets)
        return VN_OK;
    TRY(vn_config_edit(&text, j->work, j->o->config, j->o->sets, j->o->n_sets, e));
    j->path = vn_arena_str(j->arena, j->o->save);
    return vn_file_write(j->path, text, strlen(text), e);
}

static int read_config(struct flow_job *j, struct vn_err *e)
{
    TRY(vn_config_read_all(&j->config, j->work, j->path, e));
    if (j->config->unreadable) {
        *e = j->config->problems.v[j->config->problems.n - 1];
        return e->code;
    }
    return vn_config_load_custom_ops(j->config, e);
}

/* ---- the steps ---- */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What a step cannot do because of what the user gave is its failure. */
static int run_step(struct flow_job *j, const struct flow_step *step, struct vn_flow_step *s,
                    struct vn_err *e)
{
    const double begin = seconds_now();
    int status = step->run(j, s, e);
    if (status == VN_E_INPUT || status == VN_E_UNSUPPORTED || status == VN_E_USAGE || status == VN_E_IO)
        status = vn_flow_failed(j, s, vn_problem_id(e) ? vn_problem_id(e) : "cannot_run", NULL, "%s", e->msg);
    if (status == VN_OK && s->state == VN_FLOW_FAIL && !s->failure.next_command)
        status = vn_flow_repair(j, s, e);
    if (status == VN_OK && s->state == VN_FLOW_PASS && step->advised && !j->o->task)
        status = vn_flow_advise(j, s, e);
    s->seconds = seconds_now() - begin;
    return status;
}

static void sum_up(struct vn_flow_result *f, const struct flow_job *j)
{
    struct vn_flow_verdict *sum = &f->summary;
    int skipped = 0;
    sum->failed = -1;
    sum->config = vn_arena_str(f->arena, j->path);
    sum->model = vn_arena_str(f->arena, j->config->model);
    sum->prototxt = j->config->prototxt ? vn_arena_str(f->arena, j->config->prototxt) : NULL;
    for (int i = 0; i < f->n; i++) {
        const struct vn_flow_step *s = &f->step[i];
        sum->steps += s->counted;
        sum->checked += s->counted && s->state != VN_FLOW_SKIPPED;
        skipped += s->state == VN_FLOW_SKIPPED;
        if (s->state == VN_FLOW_FAIL && sum->failed < 0)
            sum->failed = i;
    }
    sum->passed = sum->failed < 0 && sum->checked && !(j->o->strict && skipped);
}

static int run_steps(struct vn_flow_result *f, struct flow_job *j, struct vn_err *e)
{
    const struct flow_step *table = vn_flow_table(&f->n);
    const char *broken = NULL;
    f->step = NEW_ARRAY(f->arena, struct vn_flow_step, f->n);
    for (int i = 0; i < f->n; i++) {
        struct vn_flow_step *s = &f->step[i];
        *s = (struct vn_flow_step){ .name = table[i].name,
                                    .what = table[i].what,
                                    .counted = table[i].counted };
        if (broken)
            vn_flow_skipped(j, s, "not run: step %s failed", broken);
        else
            TRY(run_step(j, &table[i], s, e));
        if (s->state == VN_FLOW_FAIL)
            broken = s->name;
        vn_progress(&j->o->listener, "flow", i + 1, f->n);
    }
    sum_up(f, j);
    return VN_OK;
}

static int flow(struct vn_flow_result *f, struct flow_job *j, struct vn_err *e)
{
    TRY(check_options(j->o, j->work, e));
    TRY(save_config(j, e));
    TRY(read_config(j, e));
    return run_steps(f, j, e);
}

static int new_flow(struct vn_flow_result **out, const struct vn_flow_options *o, struct vn_err *e)
{
    struct vn_arena *kept = vn_arena_new(), *work = vn_arena_new();
    struct vn_flow_result *f = NEW(kept, struct vn_flow_result);
    struct flow_job j = { .o = o, .arena = kept, .work = work };
    f->arena = kept;
    const int status = flow(f, &j, e);
    f->c = j.c;
    vn_arena_free(&work);
    if (status < 0)
        vn_flow_free(&f);
    *out = f;
    return status;
}

int vn_flow(struct vn_flow_result **out, const struct vn_flow_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_flow(out, o, e));
    return status;
}

void vn_flow_free(struct vn_flow_result **f)
{
    if (!f || !*f)
        return;
    struct vn_arena *a = (*f)->arena;
    vn_conversion_free(&(*f)->c);
    vn_arena_free(&a);
    *f = NULL;
}

const struct vn_flow_verdict *vn_flow_summary(const struct vn_flow_result *f) { return &f->summary; }

const struct vn_flow_step *vn_flow_steps(const struct vn_flow_result *f, int *n)
{
    *n = f->n;
    return f->step;
}

const struct vn_conversion *vn_flow_conversion(const struct vn_flow_result *f) { return f->c; }
