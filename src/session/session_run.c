/* Running: whole, in parts, from saved states, many times for the clock. */
#include <time.h>

#include "runtime/model.h"
#include "session/network.h"

/* ---- on the runtime ---- */

static int needs_runtime(const struct vn_session *s, struct vn_err *e)
{
    return s->model ? VN_OK
                    : vn_fail(e, VN_E_UNSUPPORTED,
                              "%s: running in parts is unsupported on the reference executor", s->net->path);
}

int vn_session_instructions(const struct vn_session *s)
{
    return s->model ? vn_model_instructions(s->model) : 0;
}

int vn_session_start(struct vn_session *s, struct vn_err *e)
{
    TRY(needs_runtime(s, e));
    TRY(vn_session_check_fed(s, e));
    s->done = 0;
    return vn_model_write_inputs(s->model, s->given, e);
}

static int run_range(struct vn_session *s, int first, int end, struct vn_err *e)
{
    vn_model_cancel_on(s->model, vn_cancel_flag());
    TRY(vn_model_run_range(s->model, first, end, e));
    s->done = end == vn_model_instructions(s->model);
    return s->done ? vn_model_read_outputs(s->model, s->result, e) : VN_OK;
}

int vn_session_run_range(struct vn_session *s, int first, int end, struct vn_err *e)
{
    int status;
    TRY(needs_runtime(s, e));
    s->done = 0;
    VN_GUARDED(status, e, run_range(s, first, end, e));
    return status;
}

/* ---- whole ---- */

static int run(struct vn_session *s, struct vn_err *e)
{
    TRY(vn_session_check_fed(s, e));
    s->done = 0;
    if (s->model) {
        TRY(vn_model_write_inputs(s->model, s->given, e));
        TRY(run_range(s, 0, vn_model_instructions(s->model), e));
    } else
        TRY(vn_reference_run(s, e));
    return vn_session_save_io(s, e);
}

int vn_session_run(struct vn_session *s, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, run(s, e));
    return status;
}

/* ---- states ---- */

struct vn_session_state {
    struct vn_arena *arena; /* detached */
    struct network *net;
    void *data;
    size_t bytes;
};

static int save(struct vn_session_state **out, const struct vn_session *s, struct vn_err *e)
{
    const size_t bytes = vn_model_state_bytes(s->model);
    TRY(vn_network_take(s->net, bytes, "a saved state", e));
    struct vn_arena *a = vn_arena_new();
    struct vn_session_state *state = NEW(a, struct vn_session_state);
    state->data = vn_arena_alloc(a, bytes);
    vn_arena_detach(a);
    state->arena = a;
    state->net = s->net;
    state->bytes = bytes;
    atomic_fetch_add(&s->net->users, 1);
    vn_model_state_save(s->model, state->data);
    *out = state;
    return VN_OK;
}

int vn_session_save(struct vn_session_state **state, const struct vn_session *s, struct vn_err *e)
{
    int status;
    *state = NULL;
    TRY(needs_runtime(s, e));
    VN_GUARDED(status, e, save(state, s, e));
    return status;
}

int vn_session_restore(struct vn_session *s, const struct vn_session_state *state, struct vn_err *e)
{
    TRY(needs_runtime(s, e));
    if (state->net != s->net)
        return vn_fail(e, VN_E_USAGE, "%s: the state belongs to another network, %s", s->net->path,
                       state->net->path);
    s->done = 0;
    return vn_model_state_restore(s->model, state->data, e);
}

void vn_session_state_free(struct vn_session_state **p)
{
    if (!p || !*p)
        return;
    struct vn_session_state *state = *p;
    struct network *n = state->net;
    struct vn_arena *a = state->arena;
    *p = NULL;
    atomic_fetch_sub(&n->taken, state->bytes);
    vn_arena_free(&a);
    vn_network_leave(n);
}

/* ---- parts that others change ---- */

void *vn_session_memory(struct vn_session *s, int tensor) { return rt_memory(s->model, tensor); }

void vn_session_follow(struct vn_session *to, const struct vn_session *from, int at)
{
    to->done = 0;
    rt_follow(to->model, from->model, at);
}

/* ---- the clock ---- */

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int time_runs(struct vn_session *s, int runs, uint64_t *nanoseconds, struct vn_err *e)
{
    for (int i = 0; i < runs; i++) {
        const uint64_t start = now();
        TRY(run(s, e));
        nanoseconds[i] = now() - start;
    }
    return VN_OK;
}

int vn_session_time(struct vn_session *s, int runs, uint64_t *nanoseconds, struct vn_err *e)
{
    int status;
    if (runs < 1)
        return vn_fail(e, VN_E_USAGE, "%s: expected at least one run to time, got %d", s->net->path, runs);
    VN_GUARDED(status, e, time_runs(s, runs, nanoseconds, e));
    return status;
}

void vn_session_profile(struct vn_session *s, int on)
{
    if (s->model)
        vn_model_profile(s->model, on);
}
