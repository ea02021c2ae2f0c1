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
                                .special = NEW_ARRAY(a, unsigned char, p->n + 1) };
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

static int run_rounded(struct probe_worker *w, int i, enum probe_part part, struct vn_err *e)
{
    const struct probe *p = w->p;
    const struct vn_instruction *s = &p->instr[i];
    const struct node *n = p->graph->nodes.v[p->node_of[i]];
    for (int k = 0; k < s->n_in; k++) {
        const struct qparam *q = part == PROBE_WHOLE ? operand_q(p, n, s->in[k]) : NULL;
        copy_tensor(w->rounded, w->changed, s->in[k]);
        if (q && vn_session_memory(w->rounded, s->in[k]))
            round_in(w->rounded, s->in[k], q);
    }
    copy_tensor(w->rounded, w->changed, s->out); /* it may write a piece of it */
    TRY(vn_session_run_range(w->rounded, i, i + 1, e));
    copy_tensor(w->changed, w->rounded, s->out);
    return VN_OK;
}

/* ---- runs ---- */

int vn_probe_feed(struct probe_worker *w, const char *const *files, int n, struct vn_err *e)
{
    TRY(vn_session_feed_files(w->clean, files, n, e));
    w->at = 0;
    return vn_session_start(w->clean, e);
}

int vn_probe_advance(struct probe_worker *w, int end, struct vn_err *e)
{
    if (end <= w->at && end < w->p->n)
        return VN_OK;
    TRY(vn_session_run_range(w->clean, w->at, end, e));
    w->at = end;
    return VN_OK;
}

static void round_value(struct probe_worker *w, const struct probe_plan *plan, int value)
{
    if (w->seen)
        w->seen(w->user, value);
    round_in(w->changed, w->p->tensor[value], plan->value[value]);
}

/* Values that are finished right before instruction `at`: all inputs, where it is the first. */
static void round_finished(struct probe_worker *w, const struct probe_plan *plan, int at)
{
    const struct probe *p = w->p;
    for (int v = 0; v < p->graph->values.n; v++)
        if (plan->value[v] && p->made[v] == at - 1)
            round_value(w, plan, v);
}

static void mark_special(struct probe_worker *w, const struct probe_plan *plan, int from)
{
    const struct probe *p = w->p;
    for (int i = from; i < p->n; i++)
        w->special[i] = (p->node_of[i] >= 0 && plan->node[p->node_of[i]]) ||
                        (p->finishes[i] >= 0 && plan->value[p->finishes[i]]);
}

static int run_special(struct probe_worker *w, const struct probe_plan *plan, int i, struct vn_err *e)
{
    const struct probe *p = w->p;
    const enum probe_part part = p->node_of[i] >= 0 ? plan->node[p->node_of[i]] : PROBE_FLOAT;
    TRY(part ? run_rounded(w, i, part, e) : vn_session_run_range(w->changed, i, i + 1, e));
    if (p->finishes[i] >= 0 && plan->value[p->finishes[i]])
        round_value(w, plan, p->finishes[i]);
    return VN_OK;
}

void vn_probe_pair_begin(struct probe_worker *w, const struct probe_plan *plan)
{
    vn_session_follow(w->changed, w->clean);
    mark_special(w, plan, w->at);
    round_finished(w, plan, w->at);
}

int vn_probe_pair_step(struct probe_worker *w, const struct probe_plan *plan, int i, struct vn_err *e)
{
    TRY(vn_probe_advance(w, i + 1, e));
    TRY(w->special[i] ? run_special(w, plan, i, e) : vn_session_run_range(w->changed, i, i + 1, e));
    return i + 1 < w->p->n ? VN_OK : vn_session_run_range(w->changed, i + 1, i + 1, e);
}

int vn_probe_run(struct probe_worker *w, const struct probe_plan *plan, struct vn_err *e)
{
    int i = w->at;
    vn_probe_pair_begin(w, plan);
    while (i < w->p->n) {
        int next = i;
        while (next < w->p->n && !w->special[next])
            next++;
        TRY(vn_session_run_range(w->changed, i, next, e));
        if (next < w->p->n)
            TRY(run_special(w, plan, next++, e));
        i = next;
    }
    return vn_session_run_range(w->changed, i, i, e);
}
