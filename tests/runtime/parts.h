/* tests/runtime/parts.h - a run that is watched, cut in two, saved and restored gives the bytes of a whole
 * run. Public header alone. */
#ifndef VN_RUNTIME_PARTS_H
#define VN_RUNTIME_PARTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vernier/runtime.h>

struct parts {
    struct vn_model *m;
    const void *const *in;
    int n_out;
    const struct vn_io *io;
    void **want, **got; /* outputs of a whole run, and of the one that is tried */
    struct vn_err e;
    char why[1200];
    /* of the watched run */
    const unsigned char *wanted;
    int views, calls, bad;
};

static inline int parts_fail(struct parts *p, const char *what, int at)
{
    snprintf(p->why, sizeof p->why, "%s, at instruction %d of %d: %s", what, at, vn_model_instructions(p->m),
             p->e.msg);
    return -1;
}

static inline int parts_equal(struct parts *p, const char *what, int at)
{
    for (int i = 0; i < p->n_out; i++) {
        if (memcmp(p->want[i], p->got[i], p->io[i].bytes))
            return parts_fail(p, what, at);
        memset(p->got[i], 0xa5, p->io[i].bytes);
    }
    return 0;
}

static inline int parts_finish(struct parts *p, int from, const char *what)
{
    p->e.msg[0] = 0;
    if (vn_model_run_range(p->m, from, vn_model_instructions(p->m), &p->e) < 0 ||
        vn_model_read_outputs(p->m, p->got, &p->e) < 0)
        return parts_fail(p, what, from);
    return parts_equal(p, what, from);
}

static inline int parts_cut(struct parts *p, int at, void *state)
{
    if (vn_model_write_inputs(p->m, p->in, &p->e) < 0 || vn_model_run_range(p->m, 0, at, &p->e) < 0)
        return parts_fail(p, "the first part", at);
    vn_model_state_save(p->m, state);
    if (parts_finish(p, at, "run on") < 0 || vn_model_state_restore(p->m, state, &p->e) < 0)
        return parts_fail(p, "restored", at);
    return parts_finish(p, at, "run on from a saved state");
}

static inline void parts_before(void *user, int instruction, const struct vn_view *in, int n)
{
    struct parts *p = user;
    struct vn_instruction i;
    p->calls++;
    p->bad += vn_model_instruction(p->m, instruction, &i) < 0 || i.n_in != n;
    for (int k = 0; k < n; k++)
        p->bad += in[k].tensor != i.in[k] || !in[k].data;
}

static inline void parts_after(void *user, const struct vn_view *t)
{
    struct parts *p = user;
    struct vn_view same;
    p->views++;
    p->bad += !t->data || t->constant || (p->wanted && !p->wanted[t->tensor]) ||
              vn_model_tensor(p->m, t->tensor, &same) < 0;
    p->bad += strcmp(same.name, t->name) || same.role != t->role ||
              (t->fused ? same.data != NULL : same.data != t->data);
}

/* Watch all tensors, then only the one that instruction `only` makes. */
static inline int parts_watched(struct parts *p, int only)
{
    struct vn_instruction last = { 0 };
    unsigned char *wanted = calloc((size_t)vn_model_tensors(p->m) + 1, 1);
    if (only >= 0 && vn_model_instruction(p->m, only, &last) == VN_OK)
        wanted[last.out] = 1;
    p->wanted = only < 0 ? NULL : wanted;
    p->views = p->calls = p->bad = 0;
    vn_model_watch(p->m, &(struct vn_watch){
                             .before = parts_before, .after = parts_after, .wanted = p->wanted, .user = p });
    const int status = vn_model_run(p->m, p->in, p->got, &p->e);
    vn_model_watch(p->m, NULL);
    free(wanted);
    if (status < 0 || p->bad ||
        (only < 0 ? p->calls != vn_model_instructions(p->m) : p->views != 1 || p->calls < 1))
        return parts_fail(p, "watched", only);
    return parts_equal(p, "watched", only);
}

static inline int parts_cancelled(struct parts *p)
{
    volatile int stop = 1;
    vn_model_cancel_on(p->m, &stop);
    const int status = vn_model_run(p->m, p->in, p->got, &p->e);
    vn_model_cancel_on(p->m, NULL);
    return status == VN_E_CANCELLED || !vn_model_instructions(p->m) ? 0 : parts_fail(p, "not cancelled", 0);
}

/* 0, or -1 with the reason in p->why. p: m, in, want and got are filled in; want holds buffers. */
static inline int parts_check(struct parts *p)
{
    p->io = vn_model_outputs(p->m, &p->n_out);
    const int n = vn_model_instructions(p->m);
    if (vn_model_run(p->m, p->in, p->want, &p->e) < 0)
        return parts_fail(p, "whole", n);
    void *state = malloc(vn_model_state_bytes(p->m) + 1);
    int status = parts_cancelled(p);
    for (int i = -1; i < n && status == 0; i++)
        status = parts_watched(p, i);
    for (int at = 0; at <= n && status == 0; at++)
        status = parts_cut(p, at, (char *)state + 1); /* at any alignment */
    free(state);
    if (status == 0 && vn_model_run_range(p->m, 1, n + 1, &p->e) != VN_E_USAGE)
        return parts_fail(p, "a range that is not there", n);
    return status;
}

#endif
