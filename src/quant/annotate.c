#include <math.h>

#include "base/listen.h"
#include "ops/op.h"
#include "quant/bottlenecks.h"
#include "quant/flat_ends.h"
#include "quant/floors.h"
#include "quant/limits.h"
#include "quant/loaded.h"
#include "quant/params.h"
#include "quant/quant.h"
#include "quant/splits.h"
#include "quant/steep.h"
#include "quant/widths.h"

struct state {
    struct graph *g;
    struct vn_arena *arena;
    const struct vn_ranges *r;
    const struct vn_quant_options *o;
    char *integer; /* by node id: computes in integers */
    char *tail; /* by node id: only feeds outputs */
    const struct steep *steep; /* by node id */
    char *wide; /* by value id: int16 */
    const struct mask *masks; /* by value id */
    const double *floors; /* by value id: vn_floors_find */
    const char *own; /* by value id: vn_quant_split */
};

const char *vn_quant_method_text(const struct vn_quant_method *m, struct vn_arena *a)
{
    const char *percentile = m->parameter < 1 ? vn_arena_fmt(a, ":percentile=%.6g", m->parameter) : "";
    return vn_arena_fmt(
        a, "%s%s%s%s%s%s%s%s", m->mix ? "mix" : m->calibrator->name, percentile,
        m->per_channel ? ",per_channel" : "", m->zero_points == ZERO_POINTS_ASYMMETRIC ? ",asymmetric" : "",
        m->bias_correction ? ",bias_correction" : "", m->bottlenecks ? ",int16_bottlenecks" : "",
        m->rounded ? ",rounding" : "", m->sequential ? ",sequential_bias" : "");
}

static int data_inputs(const struct node *n)
{
    const int k = n->op->quant.data_inputs;
    return k && k < n->n_in ? k : n->n_in;
}

static int is_weighted(const struct node *n) { return vn_node_kind(n) == Q_LINEAR; }
/* Also in a form that has no integers: such a node is no tail. */
static int has_weights(const struct node *n) { return is_weighted(n) || n->op->quant.kind == Q_LINEAR; }
static int is_passive(const struct node *n)
{
    return vn_node_kind(n) == Q_MOVE || n->op->is_clamp || n->op->quant.whole_out ||
           n->op->quant.data_inputs < 0;
}

/* ---- which nodes ---- */

/* A node is in the tail when everything that it computes only reaches outputs through nodes without weights.
 */
static void find_tail(struct state *s)
{
    char *in_tail = vn_arena_alloc(
        s->arena, (size_t)s->g->values.n); /* value: all its readers are tail nodes or outputs */
    memset(in_tail, 1, (size_t)s->g->values.n);
    for (int i = s->g->nodes.n - 1; i >= 0; i--) {
        const struct node *n = s->g->nodes.v[i];
        s->tail[i] = !has_weights(n);
        for (int k = 0; k < n->n_out; k++)
            if (n->out[k] && !in_tail[n->out[k]->id])
                s->tail[i] = 0;
        for (int k = 0; !s->tail[i] && k < n->n_in; k++)
            if (n->in[k])
                in_tail[n->in[k]->id] = 0;
    }
}

static int is_infinite(const struct value *v)
{
    const int64_t n = v->data ? vn_shape_count(&v->shape) : 0;
    for (int64_t i = 0; i < n; i++)
        if (isinf(vn_tensor_f64(v->data, i)))
            return 1;
    return 0;
}

static const struct vn_reason *infinite(const struct state *s, const struct node *n)
{
    for (int i = 0; i < data_inputs(n); i++) {
        const struct value *v = n->in[i];
        if (v &&
            (s->r->hidden[v->id].infinite || (!n->op->chooses && !s->masks[v->id].sign && is_infinite(v))))
            return vn_reason_new(s->arena, REASON_infinite, REASON_ARGS(v->name));
    }
    if (s->r->hidden[n->out[0]->id].infinite)
        return vn_reason_new(s->arena, REASON_infinite, REASON_ARGS(n->out[0]->name));
    return NULL;
}

static int is_empty(const struct value *v) { return v && !vn_shape_count(&v->shape); }

/* Tensors without elements have no range. */
static const struct value *empty_value(const struct node *n)
{
    for (int i = 0; i < data_inputs(n); i++)
        if (is_empty(n->in[i]) && !n->in[i]->data)
            return n->in[i];
    return is_empty(n->out[0]) ? n->out[0] : NULL;
}

static const struct vn_reason *unfit_value(const struct state *s, const struct node *n)
{
    for (int i = 0; i < data_inputs(n); i++) {
        const struct value *v = n->in[i];
        if (!v)
            continue;
        if (v->dtype != VN_F32)
            return vn_reason_new(s->arena,
                                 vn_dtype_is_float(v->dtype) ? REASON_float_type : REASON_input_type,
                                 REASON_ARGS(v->name, vn_dtype_name(v->dtype)));
        if (!v->data && !is_empty(v) && !s->r->of[v->id] && !s->r->hidden[v->id].infinite && v->producer &&
            !v->producer->op->is_clamp)
            return vn_reason_new(s->arena, REASON_range, REASON_ARGS(v->name));
    }
    if (empty_value(n))
        return vn_reason_new(s->arena, REASON_empty, REASON_ARGS(empty_value(n)->name));
    if (n->out[0]->dtype != VN_F32 && !vn_op_has_whole_out(n->op, 0))
        return vn_reason_new(s->arena, REASON_output_type,
                             REASON_ARGS(n->out[0]->name, vn_dtype_name(n->out[0]->dtype)));
    return infinite(s, n);
}

static const struct vn_reason *unfit_input(const struct state *s, const struct node *n)
{
    const struct vn_reason *why = unfit_value(s, n);
    if (why)
        return why;
    const int w = n->op->quant.weight;
    const enum reason_id unfit = n->op->unfit ? n->op->unfit(n) : REASON_NONE;
    if (unfit)
        return vn_reason_new(s->arena, unfit, NULL);
    if (w && !n->op->quant.weight_computed && !n->in[w]->data)
        return vn_reason_new(s->arena, REASON_weight, REASON_ARGS(n->in[w]->name));
    return NULL;
}

static int quantized_outputs(const struct state *s) { return s->o->outputs_int8 || s->o->outputs_int16; }

/* Why the node cannot compute in integers, wherever it stands; NULL: it can. What a request overrides comes
 * last, so that its remedy works. */
static const struct vn_reason *inability(const struct state *s, const struct node *n, enum unit on)
{
    if (n->op->quant.kind == Q_FLOAT)
        return vn_reason_new(s->arena, REASON_operator, REASON_ARGS(vn_node_type(n)));
    if (n->n_out > 1 && n->out[1] && !vn_op_has_whole_out(n->op, 1))
        return vn_reason_new(s->arena, REASON_outputs, NULL);
    const struct vn_reason *why = vn_limits_reason(s->o->target, n, s->arena);
    if (!why)
        why = unfit_input(s, n);
    if (!why && vn_node_kind(n) == Q_FLOAT)
        return vn_reason_new(s->arena, REASON_form, REASON_ARGS(n->op->onnx));
    if (!why && vn_target_floats(s->o->target, n->op->onnx) && on != UNIT_INTEGER)
        return vn_reason_new(s->arena, REASON_march_float, REASON_ARGS(s->o->target->name, n->op->onnx));
    return why;
}

static const struct vn_reason *reason_for_float(const struct state *s, const struct node *n)
{
    const enum unit on = vn_widths_wanted(s->o, n).on;
    if (on == UNIT_FLOAT)
        return vn_reason_new(s->arena, REASON_configured, NULL);
    const struct vn_reason *why = inability(s, n, on);
    if (!why && s->steep[n->id].of && on != UNIT_INTEGER)
        return vn_steep_reason(s->arena, &s->steep[n->id], n);
    if (!why && s->tail[n->id] && s->o->target->float_tail && !quantized_outputs(s) && on != UNIT_INTEGER)
        return vn_reason_new(s->arena, REASON_tail, NULL);
    return why;
}

static int reads_integer(const struct state *s, const struct value *v)
{
    for (int i = 0; i < v->users.n; i++) {
        const struct use u = v->users.v[i];
        if (s->integer[u.node->id] && u.slot < data_inputs(u.node))
            return 1;
    }
    return 0;
}

/* Does a node that computes in integers, and is kept, make the input or read the output? */
static int has_kept_neighbour(const char *kept, const struct node *n)
{
    for (int i = 0; i < data_inputs(n); i++) {
        const struct node *maker = n->in[i] ? n->in[i]->producer : NULL;
        if (maker && kept[maker->id])
            return 1;
    }
    for (int i = 0; i < n->out[0]->users.n; i++) {
        const struct use u = n->out[0]->users.v[i];
        if (kept[u.node->id] && u.slot < data_inputs(u.node))
            return 1;
    }
    return 0;
}

/* Nodes that only move or clamp are worth integers only where a chain of them leads to one that computes in
 * them. */
static void drop_lonely(struct state *s)
{
    const int n = s->g->nodes.n;
    char *kept = vn_arena_alloc(s->arena, (size_t)n);
    for (int i = 0; i < n; i++)
        kept[i] = s->integer[i] && !is_passive(s->g->nodes.v[i]);
    for (int more = 1, forward = 1; more; forward = !forward) {
        more = 0;
        for (int k = 0; k < n; k++) {
            const int i = forward ? k : n - 1 - k;
            if (!s->integer[i] || kept[i] || !has_kept_neighbour(kept, s->g->nodes.v[i]))
                continue;
            kept[i] = 1;
            more = 1;
        }
    }
    for (int i = 0; i < n; i++)
        if (s->integer[i] && !kept[i]) {
            s->integer[i] = 0;
            s->g->nodes.v[i]->why_float = vn_reason_new(s->arena, REASON_lonely, NULL);
        }
}

/* Nothing would be gained: the program computes in float32. */
static void stay_float(struct state *s, const struct node *first)
{
    const struct vn_listener *l = s->o->listener;
    for (int i = 0; i < s->g->nodes.n; i++) {
        struct node *n = s->g->nodes.v[i];
        s->integer[i] = 0;
        n->why_float = n->why_float ? n->why_float : vn_reason_new(s->arena, REASON_lonely, NULL);
    }
    if (l && first)
        vn_say(l, VN_LOG_WARNING,
               "%s: nothing to quantize: no Conv, ConvTranspose, Gemm or MatMul can compute in integers, so "
               "the program computes in float32; %s (%s): %s",
               s->g->source, first->name, vn_node_type(first), vn_reason_string(s->arena, first->why_float));
    else if (l)
        vn_say(l, VN_LOG_WARNING,
               "%s: nothing to quantize: it has no Conv, ConvTranspose, Gemm or MatMul, so the program "
               "computes in float32",
               s->g->source);
}

static void choose_nodes(struct state *s)
{
    int n = 0;
    const struct node *first = NULL; /* that would be worth integers */
    find_tail(s);
    s->steep = vn_steep_find(s->g, s->r, s->o);
    for (int i = 0; i < s->g->nodes.n; i++) {
        struct node *node = s->g->nodes.v[i];
        node->why_float = reason_for_float(s, node);
        s->integer[i] = !node->why_float;
        n += is_weighted(node) && s->integer[i];
        if (!first && node->op->quant.kind == Q_LINEAR)
            first = node;
    }
    drop_lonely(s);
    if (!n)
        stay_float(s, first);
}

/* ---- which parameters ---- */

static const struct qparam *from_range(const struct state *s, const struct range *r, int wide)
{
    return vn_quant_from_range(s->arena, s->o->method.zero_points, r, wide);
}

/* Masked elements saturate, low enough (quant/floors.h). */
static void reach_floor(const struct state *s, struct range *r, int value)
{
    const double floor = s->floors[value];
    if (isnan(floor))
        return;
    if (s->masks[value].sign > 0)
        r->lo = fmin(r->lo, floor);
    else
        r->hi = fmax(r->hi, -floor);
    r->threshold = fmax(r->threshold, -floor);
}

/* No headroom beyond what the operator can give. */
static double bounded(const struct value *v, double threshold)
{
    return v->producer && v->producer->op->most ? fmin(threshold, v->producer->op->most(v->producer))
                                                : threshold;
}

#define MOST_HEADROOM 4.0 /* of what data that calibration has not seen make of the operand's headroom */

static double magnitude(const struct histogram *h)
{
    return fmax(fabs((double)h->min), fabs((double)h->max));
}

/* The largest magnitude that the node makes of an operand that reaches its threshold; 0: not known. */
static double reached(const struct state *s, const struct node *n)
{
    const struct value *x = n->in[0];
    const struct histogram *h = s->r->of[x->id], *y = s->r->of[n->out[0]->id];
    if (!h || !(magnitude(h) > 0) || !(x->threshold > 0))
        return 0;
    if (n->op->is_mean)
        return x->threshold / magnitude(h) * magnitude(y);
    if (vn_node_kind(n) != Q_TABLE)
        return 0;
    const double low = fabs(n->op->f(n, h->min < 0 ? -x->threshold : 0));
    const double high = fabs(n->op->f(n, x->threshold));
    return fmax(isfinite(low) ? low : 0, isfinite(high) ? high : 0);
}

/* Headroom of int16 grows where a function or a mean would clip what its operand still holds. */
static double grown(const struct state *s, const struct value *v, double threshold)
{
    const struct node *n = v->producer;
    if (!n || !s->integer[n->id] || !s->wide[n->in[0]->id])
        return threshold;
    return fmax(threshold, fmin(reached(s, n), MOST_HEADROOM * magnitude(s->r->of[v->id])));
}

static const struct qparam *from_histogram(const struct state *s, struct value *v)
{
    const struct histogram *h = s->r->of[v->id];
    if (!h) /* a tensor that was not seen on its own is quantized with what follows; see unfit_input */
        return NULL;
    const int wide = s->wide[v->id];
    struct range r = vn_quant_range(h, vn_quant_method_of(&s->o->method, v->name), wide);
    if (wide)
        r.threshold = grown(s, v, r.threshold);
    r.threshold = bounded(v, r.threshold);
    reach_floor(s, &r, v->id);
    v->threshold = r.threshold;
    if (!wide)
        vn_flat_ends_cut(&r, &(struct flat_ends){ s->r, &s->o->method, s->integer, s->wide }, v);
    return from_range(s, &r, wide);
}

/* Infinite elements saturate: at the ends of the result's range, if it has one. */
static void reach_result(struct range *r, const struct value *y)
{
    if (!y->q)
        return;
    r->lo = fmin(r->lo, (vn_q_min(y->q) - y->q->zero[0]) * (double)y->q->scale[0]);
    r->hi = fmax(r->hi, (vn_q_max(y->q) - y->q->zero[0]) * (double)y->q->scale[0]);
}

/* of: its id before it became the node's own. */
static const struct qparam *from_constant(const struct state *s, const struct node *n, struct value *v,
                                          int of, int wide)
{
    struct range r = { 0 };
    int infinite = 0;
    const struct mask *m = &s->masks[of];
    const int64_t count = vn_shape_count(&v->shape);
    for (int64_t i = 0; i < count; i++) {
        double x = vn_tensor_f64(v->data, i);
        if (m->sign * x < s->floors[of])
            x = m->sign * s->floors[of];
        infinite |= isinf(x);
        r.lo = isfinite(x) ? fmin(r.lo, x) : r.lo;
        r.hi = isfinite(x) ? fmax(r.hi, x) : r.hi;
    }
    if (infinite)
        reach_result(&r, n->out[0]);
    v->threshold = r.threshold = fmax(-r.lo, r.hi);
    return from_range(s, &r, wide);
}

/* A constant of an integer node is its own: another reader may want it in float, or with other scales. */
static struct value *own_constant(struct state *s, struct node *n, int i)
{
    struct value *v = n->in[i];
    if (vn_graph_uses(v) == 1)
        return v;
    vn_graph_set_input(s->g, n, i, vn_graph_const(s->g, v->name, v->data));
    return n->in[i];
}

#define LEAST_PRODUCT 1e-37 /* of two scales: above 0 in float32 */
#define BIAS_BEYOND 1e9 /* a mask: what is further from 0 saturates */

/* By channel, the largest magnitude. */
static double *largest_weights(const struct state *s, const struct value *w, int axis, int channels)
{
    double *most = NEW_ARRAY(s->arena, double, channels);
    const int64_t count = vn_shape_count(&w->shape);
    int64_t run = 1; /* neighbours of one channel */
    for (int d = axis < 0 ? 0 : axis + 1; d < w->shape.rank; d++)
        run *= w->shape.d[d];
    for (int64_t i = 0, line = 0; i < count; line++) {
        double *m = &most[line % channels];
        for (const int64_t end = i + run; i < end; i++) {
            const double x = fabs(vn_tensor_f64(w->data, i));
            *m = x > *m ? x : *m;
        }
    }
    return most;
}

/* Symmetric, one scale per output channel; grown where the bias would not fit 30 bits, and chosen by the bias
 * where all weights are zero. */
static const struct qparam *from_weight(const struct state *s, struct value *w, int axis,
                                        const struct value *bias, double sx, int wide)
{
    const int n = axis < 0 ? 1 : (int)w->shape.d[axis];
    float *scale = NEW_ARRAY(s->arena, float, n);
    const double *most = largest_weights(s, w, axis, n);
    for (int c = 0; c < n; c++) {
        w->threshold = fmax(w->threshold, most[c]);
        double least = 0, b = 0;
        const int64_t nb = bias ? vn_shape_count(&bias->shape) : 0;
        for (int64_t i = n == 1 ? 0 : c; i < (n == 1 ? nb : c + 1) && i < nb; i++)
            b = fmax(b, fmin(fabs(vn_tensor_f64(bias->data, i)), BIAS_BEYOND));
        least = b / sx / (wide ? VN_WIDE_BIAS_LIMIT : VN_BIAS_LIMIT) * 1.000001;
        double want = most[c] > 0 ? most[c] / (wide ? 32767 : 127) : b > 0 ? b / sx / (1 << 24) : 1;
        scale[c] = (float)fmax(fmax(want, least), fmax(1e-30, LEAST_PRODUCT / sx));
    }
    return vn_qparam_new(s->arena, wide ? VN_I16 : VN_I8, axis, n, scale, NULL);
}

/* Is constant operand i int16: asked for, or (weights excepted) next to an operand or a result that is? */
static int wide_constant(const struct state *s, const struct node *n, int i)
{
    const struct wanted w = vn_widths_wanted(s->o, n);
    const int bits = w.in[i < CONFIG_NODE_INPUTS ? i : CONFIG_NODE_INPUTS - 1];
    if (bits || (n->op->quant.weight && i == n->op->quant.weight))
        return bits == 16 && vn_widths_allowed(s->o, n);
    int wide = s->wide[n->out[0]->id];
    for (int k = 0; k < data_inputs(n); k++)
        wide |= n->in[k] && !n->in[k]->data && s->wide[n->in[k]->id];
    return wide;
}

/* Parameters of the operand beside constant i, if they reach all its elements; NULL: its own. */
static const struct qparam *of_other(const struct node *n, int i)
{
    const struct qparam *q = n->op->quant.constant_as_other ? n->in[!i]->q : NULL;
    const struct vn_tensor *t = n->in[i]->data;
    const int64_t count = q ? vn_shape_count(&t->shape) : 0;
    for (int64_t k = 0; k < count; k++) {
        const double at = vn_tensor_f64(t, k) / (double)q->scale[0] + q->zero[0];
        if (!(at >= vn_q_min(q) && at <= vn_q_max(q)))
            return NULL;
    }
    return q;
}

static void quantize_constants(struct state *s, struct node *n)
{
    const struct quant_rule *r = &n->op->quant;
    for (int i = 0; i < data_inputs(n); i++) {
        if (!n->in[i] || !n->in[i]->data || (r->bias && i == r->bias))
            continue;
        const int wide = wide_constant(s, n, i), of = n->in[i]->id, is_weight = r->weight && i == r->weight;
        const struct qparam *loaded = vn_loaded_constant(s->o->loaded, n->in[i]->name, n->in[i],
                                                         is_weight ? vn_node_weight_axis(n) : -1, wide);
        struct value *v = own_constant(s, n, i);
        if (loaded && !(is_weight && loaded->zero[0]))
            v->q = loaded;
        else if (is_weight)
            v->q = from_weight(s, v, vn_node_weight_axis(n),
                               vn_node_has(n, r->bias ? r->bias : 99) ? n->in[r->bias] : NULL,
                               n->in[0]->q->scale[0], wide);
        else if (vn_node_kind(n) == Q_MOVE &&
                 n->out[0]->q) /* a table of embeddings: rounded once, as what is read from it */
            v->q = n->out[0]->q;
        else if (of_other(n, i))
            v->q = of_other(n, i);
        else
            v->q = from_constant(s, n, v, of, wide);
    }
    if (r->bias && vn_node_has(n, r->bias))
        own_constant(s, n, r->bias);
}

static int wants_quantized_output(const struct state *s, const struct node *n)
{
    return !n->op->quant.float_out_ok || quantized_outputs(s) || reads_integer(s, n->out[0]);
}

/* Has the result the parameters of the input? */
static int inherits(const struct state *s, const struct node *n)
{
    return n->op->quant.out == Q_OUT_SAME && !n->op->is_clamp && !s->own[n->out[0]->id];
}

/* The input of a clamp that nobody else reads takes the clamp's parameters (vn_graph_imply), so it gets none
 * of its own. */
static int implied_by_clamp(const struct state *s, const struct value *v)
{
    const struct node *user = vn_graph_sole_user(v);
    return user && s->integer[user->id] && user->op->is_clamp && v->producer && s->integer[v->producer->id] &&
           !v->producer->op->is_clamp;
}

static void quantize_output(struct state *s, struct node *n)
{
    struct value *y = n->out[0];
    if (y->q && n->in[0]->q && inherits(s, n) && !vn_qparam_equal(y->q, n->in[0]->q))
        y->q = NULL; /* a move that came with two sets of parameters */
    if (y->q || vn_op_has_whole_out(n->op, 0) || !wants_quantized_output(s, n) || implied_by_clamp(s, y))
        return;
    const struct quant_rule *r = &n->op->quant;
    if (inherits(s, n) && n->in[0]->q) {
        y->q = n->in[0]->q;
        y->threshold = n->in[0]->threshold;
    } else if (r->out == Q_OUT_FIXED) {
        const struct range fixed = { .lo = r->lo, .hi = r->hi, .threshold = fmax(-r->lo, r->hi) };
        y->threshold = fixed.threshold;
        y->q = from_range(s, &fixed, s->wide[y->id]);
    } else
        y->q = from_histogram(s, y);
}

/* Values that integer nodes read but no integer node makes: graph inputs, and results of float nodes. */
static void quantize_inputs(struct state *s, struct node *n)
{
    for (int i = 0; i < data_inputs(n); i++) {
        struct value *v = n->in[i];
        if (!v || v->data || v->q || (v->producer && s->integer[v->producer->id]))
            continue;
        if (n->op->pixel_axis) { /* pixels - 128 as they are */
            const float one = 1;
            v->q = vn_qparam_new(s->arena, VN_I8, -1, 1, &one, NULL);
            v->threshold = 127;
        } else
            v->q = from_histogram(s, v);
    }
}

/* What only a Concat reads takes its parameters (quant.inputs_as_out). */
static void share_out(struct state *s)
{
    for (int i = s->g->nodes.n - 1; i >= 0; i--) {
        struct node *n = s->g->nodes.v[i];
        if (!s->integer[i] || !n->op->quant.inputs_as_out)
            continue;
        if (!n->out[0]->q)
            n->out[0]->q = from_histogram(s, n->out[0]);
        for (int k = 0; k < n->n_in; k++) {
            struct value *v = n->in[k];
            const struct node *maker = v->producer;
            if (v->q || vn_graph_uses(v) != 1 || s->wide[v->id] != s->wide[n->out[0]->id] || !maker ||
                !s->integer[maker->id])
                continue;
            if (maker->op->quant.out == Q_OUT_OWN || maker->op->is_clamp || s->own[v->id]) {
                v->q = n->out[0]->q;
                v->threshold = n->out[0]->threshold;
            }
        }
    }
}

/* Pairs of values with one set of parameters. */
static const int *same_parameters(const struct state *s)
{
    int *pairs = NEW_ARRAY(s->arena, int, 4 * s->g->nodes.n + 1), n = 0;
    for (int i = 0; i < s->g->nodes.n; i++) {
        const struct node *node = s->g->nodes.v[i];
        if (!s->integer[i])
            continue;
        if (inherits(s, node) || (node->op->is_clamp && implied_by_clamp(s, node->in[0]))) {
            pairs[n++] = node->in[0]->id;
            pairs[n++] = node->out[0]->id;
        }
    }
    pairs[n] = -1;
    return pairs;
}

/* What is known before parameters are chosen. */
static struct state begin(struct graph *g, const struct vn_ranges *r, const struct vn_quant_options *o)
{
    struct state s = { .g = g, .arena = g->arena, .r = r, .o = o };
    s.integer = vn_arena_alloc(g->arena, (size_t)g->nodes.n);
    s.tail = vn_arena_alloc(g->arena, (size_t)g->nodes.n);
    s.masks = vn_masks_find(g->arena, g);
    choose_nodes(&s);
    return s;
}

/* Adds nodes, so what is known is found again. */
static struct state split(struct graph *g, const struct vn_ranges *r, const struct vn_quant_options *o,
                          struct splits *splits)
{
    struct vn_quant_options quiet = *o;
    quiet.listener = NULL;
    *splits = vn_quant_split(g, r, o, begin(g, r, &quiet).integer);
    struct state s = begin(g, splits->ranges, o);
    s.own = splits->own;
    return s;
}

int vn_quantize_annotate(struct graph *g, const struct vn_ranges *r, const struct vn_quant_options *o,
                         struct vn_err *e)
{
    struct splits splits;
    vn_graph_index(g);
    struct state s = split(g, r, o, &splits);
    if (o->method.bottlenecks && !o->loaded)
        vn_bottlenecks_hold(splits.held, g, s.r, o, s.integer);
    s.wide = vn_widths_decide(g->arena, g, o, s.integer, same_parameters(&s), splits.held);
    s.floors = vn_floors_find(g->arena, g, s.masks, s.r, s.wide);
    if (o->loaded)
        vn_loaded_apply(g, o->loaded, s.integer, s.wide);
    share_out(&s);
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        if (!s.integer[i])
            continue;
        quantize_inputs(&s, n);
        quantize_output(&s, n);
    }
    for (int i = 0; i < g->nodes.n; i++)
        if (s.integer[i])
            quantize_constants(&s, g->nodes.v[i]);
    if (o->loaded)
        vn_loaded_report(g, o->loaded, s.integer, o->listener);
    if (o->method.bias_correction)
        vn_quantize_correct_biases(g, s.r, o->method.refined);
    if (o->method.refined)
        vn_quantize_apply_refined(g, o->method.refined);
    return vn_quantize_check(g, e);
}
