/* The reference executor behind a session. */
#include "interp/interp.h"
#include "session/network.h"

/* ---- what it takes ---- */

static size_t cell_bytes(const struct value *v) { return (size_t)vn_shape_count(&v->shape) * sizeof(double); }

/* From the node that makes a value (or first reads a constant) to its last reader. */
struct life {
    int first, last; /* last -1: a constant that nobody reads */
};

static void find_lives(struct life *of, const struct graph *g)
{
    for (int i = 0; i < g->values.n; i++) {
        const struct value *v = g->values.v[i];
        of[i].first = v->producer ? v->producer->id : v->data ? g->nodes.n : 0;
        of[i].last = v->data ? -1 : of[i].first;
    }
    for (int i = 0; i < g->nodes.n; i++)
        for (int k = 0; k < g->nodes.v[i]->n_in; k++) {
            struct life *l = g->nodes.v[i]->in[k] ? &of[g->nodes.v[i]->in[k]->id] : NULL;
            if (!l)
                continue;
            l->first = i < l->first ? i : l->first;
            l->last = i;
        }
    for (int i = 0; i < g->outputs.n; i++)
        of[g->outputs.v[i]->id].last = g->nodes.n;
}

size_t vn_reference_bytes(const struct graph *g)
{
    struct vn_arena *a = vn_arena_new();
    struct life *of = NEW_ARRAY(a, struct life, g->values.n);
    size_t *change = NEW_ARRAY(a, size_t, g->nodes.n + 2), now = 0, most = 0; /* at each node */
    find_lives(of, g);
    for (int i = 0; i < g->values.n; i++)
        if (of[i].last >= 0) {
            change[of[i].first] += cell_bytes(g->values.v[i]);
            change[of[i].last + 1] -= cell_bytes(g->values.v[i]);
        }
    for (int i = 0; i <= g->nodes.n; i++) {
        now += change[i];
        most = now > most ? now : most;
    }
    vn_arena_free(&a);
    return most;
}

/* ---- views ---- */

static struct vn_view view_of(const struct value *v, const struct vn_tensor *t)
{
    struct vn_view out = { .name = v->name,
                           .node = v->producer ? v->producer->name : "",
                           .role = VN_ROLE_VALUE,
                           .tensor = v->id,
                           .instruction = v->producer ? v->producer->id : -1,
                           .dtype = t->dtype,
                           .rank = t->shape.rank,
                           .constant = v->data != NULL,
                           .data = t->data,
                           .bytes = vn_tensor_bytes(t),
                           .axis = -1 };
    memcpy(out.shape, t->shape.d, sizeof out.shape);
    vn_shape_strides(&t->shape, out.stride);
    if (v->q) {
        out.n_scale = v->q->n;
        out.axis = v->q->n > 1 ? v->q->axis : -1;
        out.scale = v->q->scale;
        out.zero = v->q->zero;
    }
    return out;
}

static void show(void *user, const struct value *v, const struct vn_tensor *t)
{
    const struct vn_session *s = user;
    const struct vn_view out = view_of(v, t);
    if (s->wanted_value[v->id])
        s->watch.after(s->watch.user, v->id, &out);
}

static void show_inputs(void *user, const struct node *n, const struct vn_tensor *const *in)
{
    const struct vn_session *s = user;
    int wanted = 0, count = 0;
    for (int i = 0; i < n->n_out; i++)
        wanted |= n->out[i] && s->wanted_value[n->out[i]->id];
    if (!wanted)
        return;
    struct vn_arena *a = vn_arena_new();
    struct vn_view *views = NEW_ARRAY(a, struct vn_view, n->n_in);
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i])
            views[count++] = view_of(n->in[i], in[i]);
    s->watch.before(s->watch.user, n->id, views, count);
    vn_arena_free(&a);
}

/* ---- running ---- */

/* Input i in its value's own type; real numbers where it is quantized. */
static const struct vn_tensor *input(const struct vn_session *s, int i, struct vn_arena *a)
{
    const struct value *v = s->net->graph->inputs.v[i];
    const enum vn_dtype type = v->q || v->dtype == VN_NONE ? VN_F32 : v->dtype;
    return s->in[i].t.dtype == type ? &s->in[i].t : vn_tensor_cast(a, &s->in[i].t, type);
}

/* The integers of a quantized output are real numbers outside, unless it leaves as integers. */
static struct vn_tensor *leaving(struct vn_arena *a, const struct value *v, struct vn_tensor *t)
{
    if (!v->q || v->raw_output || vn_dtype_is_float(t->dtype))
        return t;
    return vn_tensor_cast(a, vn_dq_cells(a, vn_tensor_cast(a, t, VN_I64), v->q), VN_F32);
}

static int compute(struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    const struct network *n = s->net;
    const struct interp_watch w = { .before = s->watch.before ? show_inputs : NULL,
                                    .after = s->watch.after ? show : NULL,
                                    .cancel = vn_cancel_flag(),
                                    .user = s };
    const struct vn_tensor **in = NEW_ARRAY(a, const struct vn_tensor *, n->n_in);
    for (int i = 0; i < n->n_in; i++)
        in[i] = input(s, i, a);
    s->computed = NEW_ARRAY(a, struct vn_tensor *, n->n_out);
    TRY(vn_interp_run(a, n->graph, in, s->computed, &w, e));
    for (int i = 0; i < n->n_out; i++)
        s->computed[i] = leaving(a, n->graph->outputs.v[i], s->computed[i]);
    return VN_OK;
}

int vn_reference_run(struct vn_session *s, struct vn_err *e)
{
    vn_arena_free(&s->run_arena);
    struct vn_arena *a = vn_arena_new();
    const int status = compute(s, a, e);
    if (status < 0) {
        vn_arena_free(&a);
        return status;
    }
    vn_arena_detach(a);
    s->run_arena = a;
    s->done = 1;
    return VN_OK;
}
