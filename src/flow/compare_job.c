/* vernier/compare.h: both sides sample by sample, names matched, metrics added up, thresholds applied. */
#include <math.h>
#include <stdlib.h>

#include "base/guard.h"
#include "base/listen.h"
#include "flow/choices.h"
#include "flow/compare_fed.h"
#include "flow/compare_side.h"
#include "flow/tensor_distance.h"
#include "inspect/verify_inputs.h"
#include "session/similarity.h"

struct compared_row {
    const char *name;
    struct tensor_distance d;
    struct choice_count choices;
    int64_t elements;
    const char *differs;
};

struct vn_comparison {
    struct vn_arena *arena;
    struct vn_compare_summary summary;
    struct vn_compared *row;
    int n;
};

struct job {
    const struct vn_compare_options *o;
    const struct compare_feeder *feeder; /* NULL: as the options say */
    struct vn_arena *kept, *arena;
    struct compare_side side[2];
    struct verify_inputs in; /* of artefacts */
    int fed; /* 1: from these; 0: from the other side's arrays */
    int samples;
    VEC(struct compared_row) rows;
    struct vn_map *by_name; /* to row numbers + 1 */
    struct vn_map *seen[2]; /* names that a side has */
    int n_seen[2];
};

/* ---- opening ---- */

static int open_sides(struct job *j, struct vn_err *e)
{
    const char *const path[2] = { j->o->left, j->o->right };
    const struct vn_input_settings *in = &j->o->with.inputs;
    unsigned char *marks = NEW_ARRAY(j->arena, unsigned char, in->n_shapes + in->n_values + 1);
    for (int k = 0; k < 2; k++)
        if (!k && j->feeder && j->feeder->left)
            vn_compare_side_take(&j->side[k], j->arena, path[k], j->feeder->left);
        else if (vn_compare_is_artefact(path[k]))
            TRY(vn_compare_side_open(&j->side[k], j->arena, path[k], j->o, marks, e));
    for (int k = 0; k < 2 && j->feeder; k++)
        j->side[k].outputs_only = j->feeder->outputs_only;
    TRY(vn_session_check_settings(in, marks, e));
    for (int k = 0; k < 2; k++)
        if (!j->side[k].s)
            TRY(vn_compare_side_read(&j->side[k], j->arena, path[k], j->side[!k].s ? &j->side[!k] : NULL,
                                     j->o, e));
    return VN_OK;
}

/* Of two artefacts, the one that is no program says what samples are. */
static const struct compare_side *reads_files(const struct job *j)
{
    const int first = j->side[0].s && (!j->side[1].s || vn_session_kind(j->side[0].s) != VN_ARTEFACT_BIN);
    return &j->side[!first];
}

static int count_samples(struct job *j, struct vn_err *e)
{
    const int artefacts = (j->side[0].s != NULL) + (j->side[1].s != NULL);
    int left_out[2];
    j->samples = j->feeder ? j->feeder->samples : 0;
    if (j->feeder)
        return VN_OK;
    if (!artefacts)
        TRY(vn_trace_common(&j->side[0].t, &j->side[1].t, j->arena, left_out, e));
    j->fed = artefacts == 2 || (artefacts && (j->o->with.n_files || j->o->with.n_folders));
    if (j->fed)
        TRY(vn_verify_inputs(&j->in, j->arena, reads_files(j)->s, &j->o->with, e));
    const struct compare_side *arrays = &j->side[j->side[0].s != NULL];
    j->samples = artefacts == 2 ? j->in.samples : arrays->t.samples;
    if (j->fed && artefacts == 1 && j->in.samples != j->samples)
        return vn_fail(e, VN_E_USAGE, "%s has %d samples, expected as many as there are files for %s: %d",
                       arrays->path, j->samples, reads_files(j)->path, j->in.samples);
    return VN_OK;
}

/* ---- one sample ---- */

static int run_side(struct job *j, int k, int sample, struct vn_arena *a, struct vn_err *e)
{
    struct compare_side *side = &j->side[k];
    if (!side->s)
        return VN_OK;
    if (j->feeder)
        TRY(j->feeder->feed(j->feeder->user, side->s, k, sample, e));
    else
        TRY(j->fed ? vn_verify_feed(side->s, &j->in, sample, e)
                   : vn_compare_side_feed(side, a, &j->side[!k], sample, e));
    return vn_compare_side_run(side, a, e);
}

static const struct vn_tensor *tensor_of(const struct compare_side *side, int stage, int sample)
{
    return side->t.sample[side->s ? 0 : sample].t[stage];
}

/* What the stage is called in the source network; an artefact's own names are right as they are. */
static const char *source_name(const struct job *j, int k, int stage, struct vn_arena *a)
{
    const struct compare_side *artefact = !j->side[k].s && j->side[!k].s ? &j->side[!k] : NULL;
    const char *name = j->side[k].t.stage[stage],
               *value = artefact ? vn_compare_value(artefact, a, name) : name;
    return value ? value : name;
}

static struct compared_row *row_of(struct job *j, const char *name)
{
    size_t at = (size_t)vn_map_get(j->by_name, name);
    if (!at) {
        VEC_PUSH(j->kept, &j->rows, (struct compared_row){ .name = vn_arena_str(j->kept, name) });
        at = (size_t)j->rows.n;
        vn_map_set(j->by_name, j->rows.v[at - 1].name, (void *)at);
    }
    return &j->rows.v[at - 1];
}

/* Its clamp's result stands for it. */
static int is_clamped(const struct job *j, const char *name)
{
    for (int k = 0; k < 2; k++)
        if (j->side[k].s && vn_map_get(j->side[k].clamped, name))
            return 1;
    return 0;
}

static void note_seen(struct job *j, int k, const char *name)
{
    if (!vn_map_get(j->seen[k], name)) {
        vn_map_set(j->seen[k], vn_arena_str(j->kept, name), j);
        j->n_seen[k]++;
    }
}

static int is_output(const struct job *j, const char *name)
{
    for (int k = 0; k < 2; k++)
        if (j->side[k].s && vn_session_output_find(j->side[k].s, name) >= 0)
            return 1;
    return 0;
}

static int is_exact(const struct job *j, int k, const char *name, const struct vn_tensor *t)
{
    return j->side[k].s ? vn_map_get(j->side[k].exact, name) != NULL : !vn_dtype_is_float(t->dtype);
}

/* Of decisions: as given, as an artefact's graph says, or 1. */
static int decision_axis(const struct job *j, const char *name)
{
    for (int k = 0; k < 2 && j->o->decision_axis < 0; k++) {
        const struct vn_session *s = j->side[k].s;
        const int axis = s ? vn_session_class_axis(s, vn_session_value(s, name)) : -1;
        if (axis >= 0)
            return axis;
    }
    return j->o->decision_axis < 0 ? 1 : j->o->decision_axis;
}

/* N,C,H,W of N,H,W,C. */
static const struct vn_tensor *channels_first(struct vn_arena *a, const struct vn_tensor *t)
{
    const int64_t *d = t->shape.d, count = vn_shape_count(&t->shape), plane = d[1] * d[2], one = plane * d[3];
    const struct vn_shape s = vn_shape_of(4, (int64_t[]){ d[0], d[3], d[1], d[2] });
    struct vn_tensor *y = vn_tensor_new(a, t->dtype, &s);
    const size_t size = vn_dtype_size(t->dtype);
    for (int64_t i = 0; i < count; i++) {
        const int64_t k = i % one, to = i - k + k % d[3] * plane + k / d[3];
        memcpy((char *)y->data + (size_t)to * size, (const char *)t->data + (size_t)i * size, size);
    }
    return y;
}

/* A tensor of side k as training has its axes. */
static const struct vn_tensor *as_trained(struct job *j, int k, const char *name, const struct vn_tensor *t,
                                          struct vn_arena *a)
{
    const struct vn_session *s = j->side[k].s;
    return s && t->shape.rank == 4 && vn_session_is_turned(s, name) ? channels_first(a, t) : t;
}

/* Where the left is infinite, as behind a mask of -inf, the right may hold any lowest value. */
static void leave_out_masked(const float **x, const float **y, int64_t n, struct vn_arena *a)
{
    float *copy[2] = { NULL };
    for (int64_t i = 0; i < n; i++) {
        if (!isinf((*x)[i]) || isnan((*y)[i]))
            continue;
        for (int k = 0; k < 2 && !copy[1]; k++) {
            const float **from = k ? y : x;
            copy[k] = NEW_ARRAY(a, float, n);
            memcpy(copy[k], *from, (size_t)n * sizeof(float));
            *from = copy[k];
        }
        copy[0][i] = copy[1][i] = 0;
    }
}

static void compare_tensors(struct job *j, const char *name, const struct vn_tensor *l,
                            const struct vn_tensor *r, int sample, struct vn_arena *a)
{
    struct compared_row *row = row_of(j, name);
    const struct compare_side *artefact = j->side[0].s ? &j->side[0] : j->side[1].s ? &j->side[1] : NULL;
    char text[2][VN_SHAPE_TEXT];
    l = as_trained(j, 0, name, l, a);
    r = as_trained(j, 1, name, r, a);
    const int exact = is_exact(j, 0, name, l) && is_exact(j, 1, name, r);
    const struct vn_tensor *whole = l->shape.rank >= r->shape.rank ? l : r; /* a raw dump has one axis */
    row->elements = vn_shape_count(&l->shape);
    if (row->elements != vn_shape_count(&r->shape)) {
        row->differs = vn_arena_fmt(j->kept, "shape %s, expected %s", vn_shape_text(&r->shape, text[0]),
                                    vn_shape_text(&l->shape, text[1]));
        return;
    }
    const float *x = vn_compare_reals(artefact, a, name, l, exact),
                *y = vn_compare_reals(artefact, a, name, r, exact);
    if (!x || !y) {
        row->differs = "stored integers without a scale: run --dump-all --dequantize saves real numbers";
        return;
    }
    leave_out_masked(&x, &y, row->elements, a);
    vn_tensor_distance_add(&row->d, whole, x, y, exact ? -1 : decision_axis(j, name), sample);
    if (is_output(j, name))
        vn_choices_add(&row->choices, whole, exact, x, y, a);
}

static void compare_sample(struct job *j, int sample, struct vn_arena *a)
{
    struct vn_map *right = vn_map_new(a);
    for (int i = 0; i < j->side[1].t.n; i++) {
        const struct vn_tensor *t = tensor_of(&j->side[1], i, sample);
        const char *name = source_name(j, 1, i, a);
        if (t && !is_clamped(j, name) && !vn_map_get(right, name)) {
            vn_map_set(right, name, (void *)t);
            note_seen(j, 1, name);
        }
    }
    for (int i = 0; i < j->side[0].t.n; i++) {
        const struct vn_tensor *l = tensor_of(&j->side[0], i, sample);
        const char *name = source_name(j, 0, i, a);
        const struct vn_tensor *r = vn_map_get(right, name);
        if (l && !is_clamped(j, name))
            note_seen(j, 0, name);
        if (l && r)
            compare_tensors(j, name, l, r, sample, a);
    }
}

static int run_samples(struct job *j, struct vn_err *e)
{
    int status = VN_OK;
    for (int i = 0; i < j->samples && status == VN_OK; i++) {
        struct vn_arena *a = vn_arena_new();
        for (int k = 0; k < 2 && status == VN_OK; k++)
            status = run_side(j, k, i, a, e);
        if (status == VN_OK)
            compare_sample(j, i, a);
        vn_arena_free(&a);
        vn_progress(&j->o->with.listener, "compare", i + 1, j->samples);
    }
    return status;
}

/* ---- the result ---- */

static int judges(const struct job *j, const char *name)
{
    for (int k = 0; k < 2; k++) {
        const int v = j->side[k].judges ? vn_session_value(j->side[k].s, name) : -1;
        if (v >= 0 && j->side[k].judges[v] && !vn_map_get(j->side[k].exact, name))
            return 1;
    }
    return 0;
}

/* A metric that exact tensors do not have asks that all elements are equal. */
static int reaches(const struct vn_compare_threshold *t, const struct vn_compared *c)
{
    const double x = c->metric[t->metric];
    if (c->exact && isnan(x))
        return c->metric[VN_COMPARE_AGREEMENT] == 1;
    return vn_compare_metric_rises(t->metric) ? x >= t->value : x <= t->value;
}

static struct vn_compared publish(const struct job *j, const struct compared_row *r)
{
    const double samples = (double)(r->d.sums.samples ? r->d.sums.samples : 1);
    struct vn_compared c = {
        .name = r->name,
        .output = is_output(j, r->name),
        .judge = judges(j, r->name),
        .exact = r->d.exact,
        .samples = (int)r->d.sums.samples,
        .elements = r->elements,
        .choices = r->choices.made,
        .choices_kept = r->choices.kept,
        .cosine_min = r->d.exact ? NAN : r->d.cosine_min,
        .worst_sample = r->d.worst,
        .mistrusted = r->d.zeros / samples > MISTRUST_ZEROS,
        .passed = !r->differs,
        .differs = r->differs,
    };
    for (int m = 0; m < VN_COMPARE_METRICS; m++)
        c.metric[m] = r->differs ? NAN : vn_tensor_distance_metric(&r->d, (enum vn_compare_metric)m);
    for (int i = 0; i < j->o->n_thresholds; i++)
        c.passed &= reaches(&j->o->thresholds[i], &c);
    return c;
}

static void judge(struct vn_comparison *c, const struct vn_compare_options *o)
{
    struct vn_compare_summary *s = &c->summary;
    int outputs = 0;
    for (int i = 0; i < c->n; i++)
        outputs += c->row[i].output;
    for (int i = 0; i < c->n; i++) {
        struct vn_compared *r = &c->row[i];
        r->judged = o->n_thresholds && (o->judge_all || !outputs || r->output);
        s->judged += r->judged;
        s->failed += r->judged && !r->passed;
    }
    s->passed = !s->failed;
}

static int finish(struct vn_comparison *c, struct job *j, struct vn_err *e)
{
    if (!j->rows.n)
        return vn_fail(e, VN_E_INPUT,
                       "%s and %s have no tensor of the same name: the first has %s, the second %s",
                       j->o->left, j->o->right, j->side[0].t.n ? j->side[0].t.stage[0] : "none",
                       j->side[1].t.n ? j->side[1].t.stage[0] : "none");
    c->n = j->rows.n;
    c->row = NEW_ARRAY(c->arena, struct vn_compared, c->n);
    for (int i = 0; i < c->n; i++)
        c->row[i] = publish(j, &j->rows.v[i]);
    c->summary = (struct vn_compare_summary){ .left = vn_arena_str(c->arena, j->o->left),
                                              .right = vn_arena_str(c->arena, j->o->right),
                                              .samples = j->samples,
                                              .only = { j->n_seen[0] - c->n, j->n_seen[1] - c->n } };
    judge(c, j->o);
    return VN_OK;
}

static int compare(struct vn_comparison *c, struct vn_arena *work, const struct vn_compare_options *o,
                   const struct compare_feeder *f, struct vn_err *e)
{
    struct job j = { .o = o, .feeder = f, .kept = c->arena, .arena = work, .by_name = vn_map_new(c->arena) };
    for (int k = 0; k < 2; k++)
        j.seen[k] = vn_map_new(c->arena);
    TRY(open_sides(&j, e));
    TRY(count_samples(&j, e));
    TRY(run_samples(&j, e));
    return finish(c, &j, e);
}

static int new_comparison(struct vn_comparison **out, const struct vn_compare_options *o,
                          const struct compare_feeder *f, struct vn_err *e)
{
    struct vn_arena *kept = vn_arena_new(), *work = vn_arena_new();
    struct vn_comparison *c = NEW(kept, struct vn_comparison);
    c->arena = kept;
    const int status = compare(c, work, o, f, e);
    vn_arena_free(&work);
    if (status < 0)
        vn_comparison_free(&c);
    *out = c;
    return status;
}

int vn_compare(struct vn_comparison **out, const struct vn_compare_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_comparison(out, o, NULL, e));
    return status;
}

int vn_compare_fed(struct vn_comparison **out, const struct vn_compare_options *o,
                   const struct compare_feeder *f, struct vn_err *e)
{
    *out = NULL;
    return new_comparison(out, o, f, e);
}

void vn_comparison_free(struct vn_comparison **c)
{
    if (!c || !*c)
        return;
    struct vn_arena *a = (*c)->arena;
    vn_arena_free(&a);
    *c = NULL;
}

void vn_compare_options_default(struct vn_compare_options *o)
{
    *o = (struct vn_compare_options){ .decision_axis = -1 };
    vn_verify_options_default(&o->with);
}

const struct vn_compare_summary *vn_comparison_summary(const struct vn_comparison *c) { return &c->summary; }

const struct vn_compared *vn_comparison_rows(const struct vn_comparison *c, int *n)
{
    *n = c->n;
    return c->row;
}

/* What is not known is the least alike. */
static int is_worse(const struct vn_compared *x, const struct vn_compared *y, enum vn_compare_metric m)
{
    const double a = x->metric[m], b = y->metric[m];
    if (isnan(a) || isnan(b))
        return isnan(a) && !isnan(b);
    return vn_compare_metric_rises(m) ? a < b : a > b;
}

/* Rows stay in their order where they are equally alike. */
void vn_comparison_sort(struct vn_comparison *c, enum vn_compare_metric by)
{
    struct vn_compared *v = c->row, *to = NEW_ARRAY(c->arena, struct vn_compared, c->n);
    for (int width = 1; width < c->n; width *= 2) {
        for (int from = 0; from < c->n; from += 2 * width) {
            const int mid = from + width < c->n ? from + width : c->n,
                      end = mid + width < c->n ? mid + width : c->n;
            for (int i = from, k = mid, at = from; at < end; at++)
                to[at] = k < end && (i == mid || is_worse(&v[k], &v[i], by)) ? v[k++] : v[i++];
        }
        struct vn_compared *last = v;
        v = to;
        to = last;
    }
    c->row = v;
}
