/* Functions of whole tensors: kernels/portable.h. */
#include "kernels/portable.h"

#include <string.h>

#include "runtime/model.h"

static void view(struct vn_cells *c, const struct rt_tensor *t)
{
    *c = (struct vn_cells){ t->dtype, t->rank, { 0 }, t->count, t->data };
    memcpy(c->d, t->dims, sizeof c->d);
}

/* The extents of the last run, where they depend on the data; `cast` alone passes them on. */
static void view_live(struct vn_cells *c, const struct rt_tensor *t)
{
    c->count = 1;
    for (int k = 0; k < t->rank; k++)
        c->count *= c->d[k] = t->live[k];
}

static void fill(struct vn_portable_args *a, const struct rt_step *s)
{
    const struct instr_PORTABLE *p = s->params;
    a->n_in = s->n_in - (p->scratch != 0);
    for (int k = 0; k < a->n_in; k++)
        view(&a->in[k], s->in[k]);
    view(&a->out, s->out);
    if (p->function == VN_PORTABLE_cast)
        view_live(&a->in[0], s->in[0]);
    memcpy(a->i, p->i, sizeof a->i);
    memcpy(a->f, &p->f0, sizeof a->f);
    a->scratch = p->scratch ? (int64_t *)s->in[a->n_in]->data : NULL;
}

static int is_cell(const struct rt_tensor *t, int quantized_too)
{
    return t->dtype == VN_F32 || t->dtype == VN_I64 || (quantized_too && rt_is_quantized(t->dtype));
}

static int prepare(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    (void)m;
    const struct instr_PORTABLE *p = s->params;
    WANT(s, e, p->function >= 0 && p->function < VN_PORTABLE_COUNT, "unknown function");
    WANT(s, e, p->scratch == 0 || p->scratch == 1, "scratch is 0 or 1");
    const struct vn_portable *call = vn_portables[p->function];
    struct vn_portable_args a = { 0 };
    WANT(s, e, s->n_in > p->scratch && s->n_in - p->scratch <= VN_PORTABLE_IN, "wrong number of inputs");
    fill(&a, s);
    for (int k = 0; k < a.n_in; k++) /* checked before their elements are looked at */
        WANT(s, e, is_cell(s->in[k], (call->quantized >> k & 1) != 0) || p->function == VN_PORTABLE_cast,
             "wrong types");
    WANT(s, e, is_cell(s->out, (call->quantized & VN_PORTABLE_OUT) != 0) || p->function == VN_PORTABLE_cast,
         "wrong types");
    const char *wrong = call->check(&a);
    WANT(s, e, !wrong, wrong);
    WANT(s, e, (call->scratch != NULL) == p->scratch, "scratch memory is missing, or unexpected");
    if (p->scratch) {
        const struct rt_tensor *t = s->in[s->n_in - 1];
        WANT(s, e, t->place == BIN_ARENA && t->dtype == VN_I64 && t->count >= call->scratch(&a),
             "too little scratch memory");
    }
    return VN_OK;
}

static void run(struct vn_model *m, const struct rt_step *s)
{
    const struct instr_PORTABLE *p = s->params;
    struct vn_portable_args a;
    fill(&a, s);
    a.kernels = &m->kernels;
    const char *wrong = vn_portables[p->function]->run(&a);
    memcpy(s->out->live, a.out.d, sizeof a.out.d);
    if (wrong && !m->failed) {
        m->failed = s;
        m->why = wrong;
    }
}

const struct rt_instr rt_instr_PORTABLE = { "PORTABLE", NULL, prepare, run, NULL };
