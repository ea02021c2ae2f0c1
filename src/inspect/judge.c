#include "inspect/judge.h"

#include <float.h>
#include <math.h>

#include "inspect/recompute.h"
#include "inspect/static_checks.h"
#include "ops/op.h"

/* The contents of one tensor, from when it is made to its last use. */
struct held {
    struct vn_arena *arena;
    const void *bytes; /* as they lay in memory */
    size_t n;
    const char *place, *end; /* where */
};

/* Memory that an instruction wrote. */
struct write_record {
    int instruction;
    const char *place, *end;
};

struct judge {
    struct vn_arena *arena;
    struct vn_session *bin;
    struct program *program;
    struct judgement result;
    int *row; /* by tensor; -1: none yet */
    unsigned char *reported; /* by tensor: is not verified */
    double tolerance; /* of a tensor's largest magnitude; 0: bounds */
    /* of this run */
    int sample;
    struct held *held; /* by tensor */
    const struct vn_tensor **read; /* by tensor: its elements in the source model's order */
    const struct vn_tensor *const *reference;
    struct vn_arena *scratch; /* of the instruction */
    VEC(struct write_record) log;
};

/* ---- contents ---- */

static void drop(struct judge *j, int t)
{
    vn_arena_free(&j->held[t].arena);
    j->held[t] = (struct held){ 0 };
    j->read[t] = NULL;
}

static void hold(struct judge *j, const struct vn_view *v)
{
    struct held *h = &j->held[v->tensor];
    drop(j, v->tensor);
    h->arena = vn_arena_new();
    h->n = v->bytes;
    h->bytes = vn_arena_copy(h->arena, v->data, v->bytes);
    h->place = v->data;
    h->end = h->place + v->bytes;
    j->read[v->tensor] = vn_view_tensor(v, h->arena);
}

static void release(void *p)
{
    struct judge *j = p;
    for (int t = 0; t < j->program->n_parts; t++)
        drop(j, t);
    vn_arena_free(&j->scratch);
}

/* ---- stale buffers ---- */

static int last_writer_of(const struct judge *j, const struct held *h, int after)
{
    for (int i = j->log.n - 1; i >= 0 && j->log.v[i].instruction > after; i--)
        if (j->log.v[i].place < h->end && j->log.v[i].end > h->place)
            return j->log.v[i].instruction;
    return -1;
}

static const char *node_of(const struct judge *j, int instruction)
{
    return instruction < 0 ? "" : vn_arena_str(j->arena, j->program->instructions[instruction].node);
}

static void report_stale(struct judge *j, int t, int reader, int writer)
{
    for (int i = 0; i < j->result.faults.n; i++)
        if (j->result.faults.v[i].kind == VN_FAULT_STALE && j->result.faults.v[i].tensor == t &&
            j->result.faults.v[i].instruction == reader)
            return;
    struct vn_fault f = vn_fault_of(j->arena, j->program, VN_FAULT_STALE, t);
    f.instruction = reader;
    if (reader >= 0)
        f.node = node_of(j, reader);
    f.writer = writer;
    f.writer_node = node_of(j, writer);
    f.sample = j->sample;
    VEC_PUSH(j->arena, &j->result.faults, f);
}

/* Has what is about to be read changed since it was made? Judge from what is read. reader -1: the caller. */
static void look_at(struct judge *j, int t, int reader)
{
    struct vn_view v;
    const struct held *h = &j->held[t];
    if (!h->bytes || vn_model_tensor(j->program->model, t, &v) < 0 || !v.data)
        return;
    if (h->n == v.bytes && !memcmp(h->bytes, v.data, v.bytes))
        return;
    report_stale(j, t, reader, last_writer_of(j, h, j->program->parts[t].writer));
    hold(j, &v);
}

static int overlaps(const struct vn_view *v, const struct held *h)
{
    const char *place = v->data;
    return place < h->end && place + v->bytes > h->place;
}

/* An instruction that writes over its input may be right by luck: other kernels read in another order. */
static void look_at_overwritten(struct judge *j, int i)
{
    const struct vn_instruction *s = &j->program->instructions[i];
    struct vn_view v;
    if (vn_model_tensor(j->program->model, s->out, &v) < 0 || !v.data)
        return;
    for (int k = 0; k < s->n_in; k++) {
        const struct held *h = &j->held[s->in[k]];
        if (h->bytes && overlaps(&v, h) && memcmp(h->bytes, h->place, h->n))
            report_stale(j, s->in[k], i, i);
    }
}

/* An instruction's own scratch memory has no writer. */
static int is_unwritten(const struct judge *j, int t)
{
    const struct part *p = &j->program->parts[t];
    return p->writer >= 0 && !j->held[t].bytes && p->view.bytes && !j->reported[t];
}

static void report_unwritten(struct judge *j, int t, int reader)
{
    struct vn_fault f = vn_fault_of(j->arena, j->program, VN_FAULT_UNVERIFIED, t);
    j->reported[t] = 1;
    f.instruction = reader;
    f.node = node_of(j, reader);
    f.why = vn_arena_fmt(j->arena, "instruction %d reads it before it is written", reader);
    VEC_PUSH(j->arena, &j->result.faults, f);
}

static void look_at_inputs(struct judge *j, int i)
{
    const struct vn_instruction *s = &j->program->instructions[i];
    for (int k = 0; k < s->n_in; k++)
        if (is_unwritten(j, s->in[k]))
            report_unwritten(j, s->in[k], i);
        else
            look_at(j, s->in[k], i);
}

static void look_at_outputs(struct judge *j)
{
    for (int t = 0; t < j->program->n_parts; t++)
        if (j->program->parts[t].is_output)
            look_at(j, t, -1);
}

static void note_written(struct judge *j, int i, const struct vn_view *v)
{
    const struct write_record w = { i, v->data, (const char *)v->data + v->bytes };
    VEC_PUSH(j->arena, &j->log, w);
}

/* What instruction i has changed: its output, and scratch memory of its own. */
static void note_writes(struct judge *j, int i)
{
    const struct vn_instruction *s = &j->program->instructions[i];
    struct vn_view v;
    if (s->finishes && vn_model_tensor(j->program->model, s->out, &v) == VN_OK && v.data)
        note_written(j, i, &v);
    for (int k = 0; k < s->n_in; k++)
        if (j->program->parts[s->in[k]].n_writers == 0 &&
            vn_model_tensor(j->program->model, s->in[k], &v) == VN_OK && v.data &&
            v.role == VN_ROLE_SCRATCH && !v.constant)
            note_written(j, i, &v);
}

/* ---- comparisons ---- */

static struct vn_verified *row_of(struct judge *j, int t, int integer)
{
    const struct part *p = &j->program->parts[t];
    if (j->row[t] < 0) {
        const struct vn_verified r = {
            .name = vn_arena_str(j->arena, p->view.name),
            .node = vn_arena_str(j->arena, p->view.node ? p->view.node : ""),
            .opcode = p->writer < 0 ? "" : vn_arena_str(j->arena, j->program->instructions[p->writer].opcode),
            .role = p->view.role,
            .tensor = t,
            .instruction = p->writer,
            .integer = integer,
            .fused = p->fused,
            .first = -1
        };
        j->row[t] = j->result.rows.n;
        VEC_PUSH(j->arena, &j->result.rows, r);
    }
    return &j->result.rows.v[j->row[t]];
}

static void note_difference(const struct judge *j, struct vn_verified *r, int64_t i, double got,
                            double expected)
{
    r->different++;
    if (r->first >= 0)
        return;
    r->first = i;
    r->first_sample = j->sample;
    r->got = got;
    r->expected = expected;
}

static void compare_integers(const struct judge *j, struct vn_verified *r, const struct vn_tensor *got,
                             const struct vn_tensor *want, int64_t zero)
{
    const int64_t n = vn_shape_count(&got->shape);
    for (int64_t i = 0; i < n; i++) {
        const int64_t g = vn_tensor_i64(got, i), w = vn_tensor_i64(want, i);
        const uint64_t step = g > w ? (uint64_t)g - (uint64_t)w : (uint64_t)w - (uint64_t)g;
        r->zeros += w == zero;
        if (step)
            note_difference(j, r, i, (double)g, (double)w);
        if (step > (uint64_t)r->max_step)
            r->max_step = step > INT64_MAX ? INT64_MAX : (int64_t)step;
    }
}

static double largest(const struct vn_tensor *t)
{
    double most = 0;
    for (int64_t i = 0, n = vn_shape_count(&t->shape); i < n; i++) {
        const double x = fabs(vn_tensor_f64(t, i));
        most = x > most && x <= DBL_MAX ? x : most;
    }
    return most;
}

/* |got - want|; 0 where both are the same infinity. A result that is not a number (0/0, log(-1)) is not
 * defined: clamps and maxima may make a number of it. */
static double distance(double got, double want) { return got == want || isnan(want) ? 0 : fabs(got - want); }

/* A distance in units of what is allowed; above 1: different. */
static double in_bounds(double d, double allowed)
{
    return d == 0 ? 0 : allowed > 0 && d <= DBL_MAX ? d / allowed : INFINITY;
}

/* Half the distance to the next float32, and a little: exact results are themselves rounded to float64. */
static double half_step(double x)
{
    const float a = fabsf((float)x);
    return ((double)nextafterf(a, INFINITY) - (double)a) * 0.5001;
}

static void compare_reals(const struct judge *j, struct vn_verified *r, const struct vn_tensor *got,
                          const struct expected *want)
{
    const int64_t n = vn_shape_count(&got->shape);
    const double most = largest(want->cells);
    for (int64_t i = 0; i < n; i++) {
        const double g = vn_tensor_f64(got, i), exact = vn_tensor_f64(want->cells, i);
        const double w = (double)(float)exact, d = g == w ? 0 : distance(g, exact);
        const double allowed = j->tolerance > 0 ? j->tolerance * most
                               : want->slack    ? vn_f64(want->slack)[i]
                                                : half_step(w);
        const double bound = in_bounds(d, allowed), relative = most > 0 ? d / most : d;
        r->zeros += w == 0;
        if (bound > 1)
            note_difference(j, r, i, g, w);
        r->max_bound = fmax(r->max_bound, bound);
        r->max_difference = !(d <= r->max_difference) ? d : r->max_difference;
        r->max_relative = !(relative <= r->max_relative) ? relative : r->max_relative;
    }
}

static void compare_drift(const struct judge *j, struct vn_verified *r, const struct part *p,
                          const struct vn_tensor *got)
{
    const struct vn_tensor *ref = j->reference ? j->reference[p->value->id] : NULL;
    const int64_t n = vn_shape_count(&got->shape);
    if (!ref || p->view.role != VN_ROLE_VALUE || vn_shape_count(&ref->shape) != n)
        return;
    const double most = r->integer ? 0 : largest(ref);
    for (int64_t i = 0; i < n; i++) {
        if (r->integer)
            r->drifted += vn_tensor_i64(got, i) != vn_tensor_i64(ref, i);
        else {
            const double d = distance(vn_tensor_f64(got, i), vn_tensor_f64(ref, i));
            r->drift = fmax(r->drift, most > 0 ? d / most : d);
        }
    }
}

static void report_unverified(struct judge *j, int t, const char *why)
{
    if (j->reported[t])
        return;
    j->reported[t] = 1;
    struct vn_fault f = vn_fault_of(j->arena, j->program, VN_FAULT_UNVERIFIED, t);
    f.why = vn_arena_str(j->arena, why);
    VEC_PUSH(j->arena, &j->result.faults, f);
}

static void compare(struct judge *j, int t, const struct vn_tensor *got, const struct expected *want)
{
    const struct part *p = &j->program->parts[t];
    const int integer = !vn_dtype_is_float(got->dtype);
    const int64_t n = vn_shape_count(&got->shape);
    if (vn_shape_count(&want->cells->shape) != n) {
        report_unverified(j, t, "its size differs from that of the value");
        return;
    }
    struct vn_verified *r = row_of(j, t, integer);
    r->compared += n;
    if (integer)
        compare_integers(j, r, got, want->cells, p->view.n_scale ? *p->view.zero : 0);
    else
        compare_reals(j, r, got, want);
    compare_drift(j, r, p, got);
}

/* ---- one tensor ---- */

/* The input's pixels as the session made them of what it was fed with. */
static struct expected pixels(struct judge *j, const struct part *p)
{
    for (int i = 0; i < j->program->graph->inputs.n; i++)
        if (j->program->graph->inputs.v[i] == p->value)
            return (struct expected){
                .cells = vn_q_cells(j->scratch, vn_tensor_cast(j->scratch, vn_session_fed(j->bin, i), VN_F64),
                                    p->value->q)
            };
    return (struct expected){ 0 };
}

void vn_judge_resizer(struct judge *j, int i, int sample, const struct vn_tensor *got,
                      const struct vn_tensor *want)
{
    const struct program *p = j->program;
    int t = 0;
    while (t < p->n_parts &&
           (p->parts[t].origin != ORIGIN_INPUT || p->parts[t].value != p->graph->inputs.v[i]))
        t++;
    if (t == p->n_parts)
        return;
    struct vn_verified *r = row_of(j, t, 1);
    r->node = r->opcode = "resizer";
    r->compared += vn_shape_count(&got->shape);
    j->sample = sample;
    compare_integers(j, r, got, want, 0);
}

static void judge_tensor(struct judge *j, int t, const struct vn_tensor *got)
{
    const struct part *p = &j->program->parts[t];
    const struct recompute r = {
        .program = j->program, .arena = j->scratch, .read = j->read, .reference = j->reference
    };
    struct vn_err e = { 0 };
    struct expected want = { 0 };
    if (!vn_shape_count(&got->shape) && p->origin != ORIGIN_UNKNOWN) {
        row_of(j, t, !vn_dtype_is_float(got->dtype));
        return;
    }
    switch (p->origin) {
    case ORIGIN_PIXELS: want = pixels(j, p); break;
    case ORIGIN_CONVERTED:
    case ORIGIN_COMPUTED: vn_recompute(&want, &r, t, &e); break;
    case ORIGIN_INNER:
        if (!p->reached)
            report_unverified(j, t, "no tensor with a value of the network depends on it");
        return;
    default:
        report_unverified(j, t,
                          p->value ? "how it is computed is unknown" : "it holds no value of the network");
        return;
    }
    if (want.cells)
        compare(j, t, got, &want);
    else
        report_unverified(j, t, e.msg);
}

/* Tensors in registers exist in a callback only. */
static void keep_fused(void *user, int value, const struct vn_view *v)
{
    struct judge *j = user;
    (void)value;
    if (v->fused)
        j->read[v->tensor] = vn_view_tensor(v, j->scratch);
}

static void judge_instruction(struct judge *j, int i)
{
    const struct vn_instruction *s = &j->program->instructions[i];
    struct vn_view v;
    for (int k = 0; k < 2; k++)
        if (s->hidden[k] >= 0 && j->read[s->hidden[k]]) {
            judge_tensor(j, s->hidden[k], j->read[s->hidden[k]]);
            j->read[s->hidden[k]] = NULL;
        }
    if (!s->finishes || vn_model_tensor(j->program->model, s->out, &v) < 0 || !v.data)
        return;
    hold(j, &v);
    judge_tensor(j, s->out, j->read[s->out]);
}

static void drop_unneeded(struct judge *j, int i)
{
    const struct program *p = j->program;
    for (int k = p->dies_from[i]; k < p->dies_from[i + 1]; k++)
        drop(j, p->dying[k]);
}

/* ---- a run ---- */

static void hold_inputs(struct judge *j)
{
    struct vn_view v;
    for (int t = 0; t < j->program->n_parts; t++)
        if (j->program->parts[t].origin == ORIGIN_INPUT &&
            vn_model_tensor(j->program->model, t, &v) == VN_OK && v.data)
            hold(j, &v);
}

static int run_instruction(struct judge *j, int i, struct vn_err *e)
{
    j->scratch = vn_arena_new();
    look_at_inputs(j, i);
    int status = vn_session_run_range(j->bin, i, i + 1, e);
    if (status == VN_OK) {
        note_writes(j, i);
        look_at_overwritten(j, i);
        judge_instruction(j, i);
        drop_unneeded(j, i);
    }
    vn_arena_free(&j->scratch);
    return status;
}

int vn_judge_run(struct judge *j, int sample, const struct vn_tensor *const *reference, struct vn_err *e)
{
    j->sample = sample;
    j->reference = reference;
    j->log.n = 0;
    int status = vn_session_start(j->bin, e);
    if (status == VN_OK)
        hold_inputs(j);
    for (int i = 0; status == VN_OK && i < j->program->n_instructions; i++)
        status = run_instruction(j, i, e);
    if (status == VN_OK)
        look_at_outputs(j);
    release(j);
    return status;
}

int vn_judge_new(struct judge **out, struct vn_arena *a, struct vn_session *bin, const struct graph *g,
                 int digits, struct vn_err *e)
{
    struct judge *j = NEW(a, struct judge);
    j->arena = a;
    j->bin = bin;
    j->program = vn_program_new(a, bin, g);
    const int n = j->program->n_parts;
    j->row = NEW_ARRAY(a, int, n);
    j->reported = NEW_ARRAY(a, unsigned char, n);
    j->held = NEW_ARRAY(a, struct held, n);
    j->read = NEW_ARRAY(a, const struct vn_tensor *, n);
    for (int t = 0; t < n; t++)
        j->row[t] = -1;
    if (digits)
        j->tolerance = pow(10, -digits);
    vn_session_observe(bin, &(struct vn_observer){ .after = keep_fused, .roles = ~0u, .user = j });
    vn_arena_defer(a, release, j);
    vn_check_parameters(&j->result, a, j->program);
    vn_check_outputs(&j->result, a, j->program);
    *out = j;
    return vn_check_constants(&j->result, a, j->program, e);
}

const struct judgement *vn_judge_result(const struct judge *j) { return &j->result; }
const struct program *vn_judge_program(const struct judge *j) { return j->program; }
