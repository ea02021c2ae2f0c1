/* No labels: what a model decides, against the first model. A sample's record: classes, the largest element
 * along an axis at each place of each output; or, where the outputs hold boxes (form), BOX_FIELDS numbers of
 * each box. */
#include <math.h>
#include <stdlib.h>

#include "eval/average_precision.h"
#include "eval/metrics_boxes.h"

enum { BOX_CLASS, BOX_SCORE, BOX_X1, BOX_Y1, BOX_X2, BOX_Y2, BOX_FIELDS };
#define LEAST_OVERLAP 0.5

struct truth {
    struct box_form *form; /* NULL: classes */
};

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    static const char *const names[] = { "agreement", "equal samples", "AP50" };
    struct truth *t = ev->truth = NEW(ev->arena, struct truth);
    if (ev->task->labels)
        return vn_fail(e, VN_E_USAGE, "metric agreement does not use labels: select another --metric");
    ev->n_scores = ev->task->form ? 3 : 2;
    ev->score_name = (const char **)vn_arena_copy(ev->arena, names, sizeof names);
    return ev->task->form ? vn_box_form(&t->form, ev->arena, ev->task, e) : VN_OK;
}

/* ---- classes ---- */

static double largest(const double *x, int64_t n, int64_t step)
{
    int64_t best = 0;
    for (int64_t c = 1; c < n; c++)
        if (x[c * step] > x[best * step])
            best = c;
    return (double)best;
}

/* Of one output. Without the axis, or as integers, its elements are decisions; one class is a yes or no. */
static int64_t decide(double *out, const struct vn_view *v, const double *x, int axis)
{
    const int64_t n = vn_view_count(v), real = vn_dtype_is_float(v->dtype) || v->n_scale;
    int64_t step = 1;
    axis += axis < 0 ? v->rank : 0;
    if (!real || axis < 0 || axis >= v->rank) {
        memcpy(out, x, (size_t)n * sizeof *x);
        return n;
    }
    for (int d = axis + 1; d < v->rank; d++)
        step *= v->shape[d];
    const int64_t classes = v->shape[axis], places = classes ? n / classes : 0;
    for (int64_t i = 0; i < places; i++) {
        const double *at = x + i / step * classes * step + i % step;
        out[i] = classes > 1 ? largest(at, classes, step) : *at >= 0.5;
    }
    return places;
}

static int keep_output(struct record *out, struct vn_arena *a, struct vn_arena *work, int axis,
                       const struct vn_session *model, int k, struct vn_err *e)
{
    struct vn_view v;
    TRY(vn_session_output(model, k, &v, e));
    const int64_t n = vn_view_count(&v);
    double *x = NEW_ARRAY(work, double, n), *all = NEW_ARRAY(a, double, out->n + n);
    for (int64_t i = 0; i < n; i++)
        x[i] = vn_view_at(&v, i);
    if (out->n)
        memcpy(all, out->v, (size_t)out->n * sizeof *all);
    out->n += (int)decide(all + out->n, &v, x, axis);
    out->v = all;
    return VN_OK;
}

enum { AXIS_OF_NETWORK = -9, USUAL_AXIS = 1 };

/* VN_CLASSES_MIXED: its elements are no decisions. */
static int axis_of(const struct eval_set *ev, const char *output)
{
    if (ev->task->axis != AXIS_OF_NETWORK)
        return ev->task->axis;
    const int axis = vn_session_class_axis(ev->judge, vn_session_value(ev->judge, output));
    return axis == VN_CLASSES_MIXED ? axis : axis < 0 ? USUAL_AXIS : axis;
}

static int fail_undecided(const struct vn_session *model, const char *mixed, struct vn_err *e)
{
    return vn_fail(e, VN_E_USAGE,
                   "%s: output %s concatenates results of several nodes along its class axis, so the largest "
                   "element is not a decision: set --form for boxes, or --axis",
                   vn_session_path(model), mixed);
}

static int keep_classes(struct record *out, struct vn_arena *a, struct vn_arena *work,
                        const struct eval_set *ev, const struct vn_session *model, struct vn_err *e)
{
    const struct eval_task *t = ev->task;
    int n;
    const struct vn_port *ports = vn_session_outputs(model, &n);
    const char *mixed = NULL;
    int found = 0;
    *out = (struct record){ 0, NEW(a, double) };
    for (int k = 0; k < n; k++) {
        if (t->output && strcmp(t->output, ports[k].name) != 0)
            continue;
        const int axis = axis_of(ev, ports[k].name);
        if (axis == VN_CLASSES_MIXED) {
            mixed = ports[k].name;
            continue;
        }
        TRY(keep_output(out, a, work, axis, model, k, e));
        found = 1;
    }
    if (!found && mixed)
        return fail_undecided(model, mixed, e);
    return found ? VN_OK : vn_fail(e, VN_E_USAGE, "%s has no output '%s'", vn_session_path(model), t->output);
}

/* ---- boxes ---- */

static int keep_boxes(struct record *out, struct vn_arena *a, struct vn_arena *work, const struct truth *t,
                      const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    struct box *b;
    double w = from->w, h = from->h;
    int n;
    if (!from->w)
        TRY(vn_eval_input_size(&w, &h, model, e));
    TRY(vn_boxes_of(&b, &n, work, t->form, model, from, w, h, e));
    double *v = NEW_ARRAY(a, double, (size_t)n *BOX_FIELDS + 1);
    for (int i = 0; i < n; i++) {
        const double one[BOX_FIELDS] = { b[i].class, b[i].score, b[i].x1, b[i].y1, b[i].x2, b[i].y2 };
        memcpy(v + (size_t)i * BOX_FIELDS, one, sizeof one);
    }
    *out = (struct record){ n * BOX_FIELDS, v };
    return VN_OK;
}

static int keep(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i,
                const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    const struct truth *t = ev->truth;
    struct vn_arena *work = vn_arena_new();
    (void)i;
    const int status =
        t->form ? keep_boxes(out, a, work, t, model, from, e) : keep_classes(out, a, work, ev, model, e);
    vn_arena_free(&work);
    return status;
}

static int valid(const struct record *r, const struct eval_set *ev, int i)
{
    const struct truth *t = ev->truth;
    (void)i;
    return !t->form || r->n % BOX_FIELDS == 0;
}

/* ---- agreement ---- */

/* Decisions that either makes, and those that both make. */
struct counts {
    double all, equal;
};

/* By falling score of y, the box of x with the same class and the largest overlap that is left: its index, or
 * -1. taken: by box of x, the box of y plus 1. */
static void match(int *taken, const struct record *x, const struct record *y)
{
    for (int i = 0; i < y->n / BOX_FIELDS; i++) {
        const double *b = y->v + (size_t)i * BOX_FIELDS;
        double most = LEAST_OVERLAP;
        int best = -1;
        for (int k = 0; k < x->n / BOX_FIELDS; k++) {
            const double *a = x->v + (size_t)k * BOX_FIELDS;
            const double o =
                taken[k] || a[BOX_CLASS] != b[BOX_CLASS] ? 0 : vn_box_overlap(a + BOX_X1, b + BOX_X1);
            if (o >= most && (best < 0 || o > most)) {
                most = o;
                best = k;
            }
        }
        if (best >= 0)
            taken[best] = i + 1;
    }
}

static struct counts count_boxes(const struct record *x, const struct record *y)
{
    struct vn_arena *work = vn_arena_new();
    const int nx = x->n / BOX_FIELDS, ny = y->n / BOX_FIELDS;
    int *taken = NEW_ARRAY(work, int, nx + 1), both = 0;
    match(taken, x, y);
    for (int k = 0; k < nx; k++)
        both += taken[k] > 0;
    vn_arena_free(&work);
    return (struct counts){ nx + ny - both, both };
}

static struct counts count_classes(const struct record *x, const struct record *y)
{
    struct counts c = { x->n > y->n ? x->n : y->n, 0 };
    for (int i = 0; i < x->n && i < y->n; i++)
        c.equal += x->v[i] == y->v[i];
    return c;
}

static struct counts count(const struct eval_set *ev, const struct record *x, const struct record *y)
{
    return ((const struct truth *)ev->truth)->form ? count_boxes(x, y) : count_classes(x, y);
}

static struct counted_box *counted(struct vn_arena *a, const struct record *r, int times, int *n)
{
    struct counted_box *b = NEW_ARRAY(a, struct counted_box, r->n / BOX_FIELDS + 1);
    for (int i = 0; i < r->n / BOX_FIELDS; i++) {
        const double *v = r->v + (size_t)i * BOX_FIELDS;
        b[i] = (struct counted_box){ v[BOX_CLASS], v[BOX_SCORE], 0, times, (*n)++ };
    }
    return b;
}

/* Of all samples that count, with the first model's boxes for the truth. */
static double precision(const struct eval_set *ev, const struct record *const *of, const int *times)
{
    struct vn_arena *work = vn_arena_new();
    VEC(struct counted_box) found = { 0 };
    VEC(struct counted_box) truths = { 0 };
    int order = 0;
    for (int i = 0; i < ev->n_samples; i++) {
        const struct record *x = ev->first[i], *y = of[i];
        const int nx = times[i] ? x->n / BOX_FIELDS : 0, ny = times[i] ? y->n / BOX_FIELDS : 0;
        int *taken = NEW_ARRAY(work, int, nx + 1);
        struct counted_box *truth = counted(work, x, times[i], &order),
                           *b = counted(work, y, times[i], &order);
        if (times[i])
            match(taken, x, y);
        for (int k = 0; k < nx; k++) {
            VEC_PUSH(work, &truths, truth[k]);
            if (taken[k])
                b[taken[k] - 1].hit = 1;
        }
        for (int k = 0; k < ny; k++)
            VEC_PUSH(work, &found, b[k]);
    }
    const double ap = vn_average_precision(found.v, found.n, truths.v, truths.n);
    vn_arena_free(&work);
    return ap;
}

static void score(double *out, const struct eval_set *ev, const struct record *const *of, const int *times)
{
    double all = 0, equal = 0, samples = 0, whole = 0;
    for (int i = 0; i < ev->n_samples; i++) {
        if (!times[i])
            continue;
        const struct counts c = count(ev, ev->first[i], of[i]);
        all += times[i] * c.all;
        equal += times[i] * c.equal;
        samples += times[i];
        whole += c.all == c.equal ? times[i] : 0;
    }
    out[0] = all > 0 ? 100 * equal / all : 100;
    out[1] = samples > 0 ? 100 * whole / samples : NAN;
    if (((const struct truth *)ev->truth)->form)
        out[2] = precision(ev, of, times);
}

/* ---- what changed ---- */

enum { TOLD = 3 };

static const char *changed_classes(struct vn_arena *a, const struct record *x, const struct record *y)
{
    const char *text = "";
    for (int i = 0, told = 0; i < x->n && i < y->n && told < TOLD; i++)
        if (x->v[i] != y->v[i]) {
            text = vn_arena_fmt(a, "%s; %d: %g -> %g", text, i, x->v[i], y->v[i]);
            told++;
        }
    return text;
}

static const char *tell_box(struct vn_arena *a, const char *text, const char *what, const double *b)
{
    return vn_arena_fmt(a, "%s; %s class %g, score %.3f at %.0f %.0f %.0f %.0f", text, what, b[BOX_CLASS],
                        b[BOX_SCORE], b[BOX_X1], b[BOX_Y1], b[BOX_X2], b[BOX_Y2]);
}

static const char *changed_boxes(struct vn_arena *a, const struct record *x, const struct record *y)
{
    const int nx = x->n / BOX_FIELDS, ny = y->n / BOX_FIELDS;
    int *taken = NEW_ARRAY(a, int, nx + 1), *found = NEW_ARRAY(a, int, ny + 1), told = 0;
    const char *text = "";
    match(taken, x, y);
    for (int k = 0; k < nx; k++)
        if (taken[k])
            found[taken[k] - 1] = 1;
        else if (told++ < TOLD)
            text = tell_box(a, text, "lost", x->v + (size_t)k * BOX_FIELDS);
    told = 0;
    for (int k = 0; k < ny; k++)
        if (!found[k] && told++ < TOLD)
            text = tell_box(a, text, "new", y->v + (size_t)k * BOX_FIELDS);
    return text;
}

static double change(const char **text, struct vn_arena *a, const struct eval_set *ev, int i,
                     const struct record *x, const struct record *y)
{
    const struct truth *t = ev->truth;
    const struct counts c = count(ev, x, y);
    (void)i;
    if (c.all == c.equal)
        return 0;
    *text = vn_arena_fmt(a, "%.0f of %.0f differ%s", c.all - c.equal, c.all,
                         t->form ? changed_boxes(a, x, y) : changed_classes(a, x, y));
    return (c.all - c.equal) / c.all;
}

const struct metric vn_metric_agreement = { .name = "agreement",
                                            .unit = "%",
                                            .prepare = prepare,
                                            .keep = keep,
                                            .valid = valid,
                                            .score = score,
                                            .change = change };
