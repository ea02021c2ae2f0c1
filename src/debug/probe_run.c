/* One sample through the clean network, and from any place on through the changed one. */
#include "debug/probe.h"

#include "num/num.h"
#include "ops/op.h"

int vn_probe_worker(struct probe_worker *w, struct vn_arena *a, const struct probe *p, struct vn_err *e)
{
    struct vn_session **clean = vn_session_slot(a), **changed = vn_session_slot(a),
                      **rounded = vn_session_slot(a);
    TRY(vn_session_share(clean, p->floats, &p->run, e));
    TRY(vn_session_share(changed, p->floats, &p->run, e));
    TRY(vn_session_share(rounded, p->rounded, &p->run, e));
    *w = (struct probe_worker){ .p = p,
                                .clean = *clean,
                                .changed = *changed,
                                .rounded = *rounded,
                                .base = { *clean, NULL, NEW_ARRAY(a, unsigned char, p->n + 1) },
                                .other = { *changed, NULL, NEW_ARRAY(a, unsigned char, p->n + 1) } };
    return VN_OK;
}

/* ---- rounding in place ---- */

static void round_some(float *x, int64_t n, const struct qparam *q, int entry)
{
    const float scale = q->scale[entry];
    const int32_t zero = q->zero[entry], lo = vn_q_min(q), hi = vn_q_max(q);
    for (int64_t i = 0; i < n; i++)
        x[i] = vn_dequantize(vn_quantize(x[i], scale, zero, lo, hi), scale, zero);
}

/* Elements lie close together, in whatever order. */
static void round_tensor(float *x, const struct vn_view *t, const struct qparam *q)
{
    const int64_t n = vn_view_count(t);
    if (q->n == 1) {
        round_some(x, n, q, 0);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        round_some(&x[i], 1, q, (int)(i / t->stride[q->axis] % t->shape[q->axis]));
}

static void round_in(struct vn_session *s, int tensor, const struct qparam *q)
{
    struct vn_view t;
    vn_model_tensor(vn_session_model(s), tensor, &t);
    if (t.dtype == VN_F32)
        round_tensor(vn_session_memory(s, tensor), &t, q);
}

/* ---- one instruction of a quantized node, in the program of rounded constants ---- */

static void copy_tensor(struct vn_session *to, struct vn_session *from, int tensor)
{
    struct vn_view t;
    void *memory = vn_session_memory(to, tensor);
    vn_model_tensor(vn_session_model(from), tensor, &t);
    if (memory)
        memcpy(memory, vn_session_memory(from, tensor), t.bytes);
}

/* The parameters of what a quantized node reads: not of its own intermediate results. */
static const struct qparam *operand_q(const struct probe *p, const struct node *n, int tensor)
{
    const int v = vn_session_value_of(p->floats, tensor);
    return v < 0 || p->graph->values.v[v]->producer == n || p->graph->values.v[v]->data ? NULL : p->q[v];
}

static int run_rounded(struct probe_worker *w, struct vn_session *at, int i, enum probe_part part,
                       struct vn_err *e)
{
    const struct probe *p = w->p;
    const struct vn_instruction *s = &p->instr[i];
    const struct node *n = p->graph->nodes.v[p->node_of[i]];
    for (int k = 0; k < s->n_in; k++) {
        const struct qparam *q = part == PROBE_WHOLE ? operand_q(p, n, s->in[k]) : NULL;
        copy_tensor(w->rounded, at, s->in[k]);
        if (q && vn_session_memory(w->rounded, s->in[k]))
            round_in(w->rounded, s->in[k], q);
    }
    copy_tensor(w->rounded, at, s->out); /* it may write a piece of it */
    TRY(vn_session_run_range(w->rounded, i, i + 1, e));
    copy_tensor(at, w->rounded, s->out);
    return VN_OK;
}

/* ---- a session and its plan ---- */

static void round_value(struct probe_worker *w, const struct probe_side *side, int value)
{
    if (w->seen && side == &w->other)
        w->seen(w->user, value);
    round_in(side->s, w->p->tensor[value], side->plan->value[value]);
}

/* Values that are finished right before instruction `at`: all inputs, where it is the first. What is rounded
 * already stays as it is. */
static void round_finished(struct probe_worker *w, const struct probe_side *side, int at)
{
    const struct probe *p = w->p;
    for (int v = 0; side->plan && v < p->graph->values.n; v++)
        if (side->plan->value[v] && p->made[v] == at - 1)
            round_value(w, side, v);
}

static void set_side(struct probe_side *side, const struct probe *p, const struct probe_plan *plan)
{
    side->plan = plan;
    for (int i = 0; i < p->n; i++)
        side->special[i] = plan && ((p->node_of[i] >= 0 && plan->node[p->node_of[i]]) ||
                                    (p->finishes[i] >= 0 && plan->value[p->finishes[i]]));
}

static int run_special(struct probe_worker *w, const struct probe_side *side, int i, struct vn_err *e)
{
    const struct probe *p = w->p;
    const enum probe_part part = p->node_of[i] >= 0 ? side->plan->node[p->node_of[i]] : PROBE_FLOAT;
    TRY(part ? run_rounded(w, side->s, i, part, e) : vn_session_run_range(side->s, i, i + 1, e));
    if (p->finishes[i] >= 0 && side->plan->value[p->finishes[i]])
        round_value(w, side, p->finishes[i]);
    return VN_OK;
}

/* Instructions from `i` to `end`, and at the end of all the outputs. */
static int walk(struct probe_worker *w, const struct probe_side *side, int i, int end, struct vn_err *e)
{
    while (i < end) {
        int next = i;
        while (next < end && !side->special[next])
            next++;
        TRY(vn_session_run_range(side->s, i, next, e));
        if (next < end)
            TRY(run_special(w, side, next++, e));
        i = next;
    }
    return end < w->p->n ? VN_OK : vn_session_run_range(side->s, end, end, e);
}

/* ---- runs ---- */

void vn_probe_base(struct probe_worker *w, const struct probe_plan *plan) { set_side(&w->base, w->p, plan); }

int vn_probe_feed(struct probe_worker *w, const char *const *files, int n, struct vn_err *e)
{
    TRY(vn_session_feed_files(w->clean, files, n, e));
    w->at = 0;
    return vn_session_start(w->clean, e);
}

int vn_probe_feed_values(struct probe_worker *w, float *const *x, struct vn_err *e)
{
    TRY(vn_session_feed_values(w->clean, x, e));
    w->at = 0;
    return vn_session_start(w->clean, e);
}

/* Inputs are rounded only when the first instruction runs: a change may leave them as they are. */
int vn_probe_advance(struct probe_worker *w, int end, struct vn_err *e)
{
    if (end <= w->at && end < w->p->n)
        return VN_OK;
    if (!w->at)
        round_finished(w, &w->base, 0);
    TRY(walk(w, &w->base, w->at, end, e));
    w->at = end;
    return VN_OK;
}

void vn_probe_pair_begin(struct probe_worker *w, const struct probe_plan *plan)
{
    vn_session_follow(w->changed, w->clean, w->at);
    set_side(&w->other, w->p, plan);
    round_finished(w, &w->other, w->at);
}

int vn_probe_pair_step(struct probe_worker *w, int i, struct vn_err *e)
{
    TRY(vn_probe_advance(w, i + 1, e));
    return walk(w, &w->other, i, i + 1, e);
}

int vn_probe_run(struct probe_worker *w, const struct probe_plan *plan, struct vn_err *e)
{
    vn_probe_pair_begin(w, plan);
    return walk(w, &w->other, w->at, w->p->n, e);
}
