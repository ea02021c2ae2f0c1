/* Two traces, stage by stage. */
#include "align/align.h"

#include <math.h>

static void compare_arrays(struct stage_result *r, const struct vn_tensor *x, const struct vn_tensor *y,
                           int sample, double tolerance, int64_t *different, int64_t *all)
{
    const int64_t n = vn_shape_count(&x->shape);
    const int floats = vn_dtype_is_float(x->dtype) || vn_dtype_is_float(y->dtype);
    double top = 0;
    *all += n;
    for (int64_t i = 0; floats && i < n; i++)
        top = isfinite(vn_tensor_f64(x, i)) ? fmax(top, fabs(vn_tensor_f64(x, i))) : top;
    const double limit = floats ? tolerance * top : 0;
    for (int64_t i = 0; i < n; i++) {
        const double u = vn_tensor_f64(x, i), v = vn_tensor_f64(y, i);
        if (u == v || (isnan(u) && isnan(v))) /* infinities, too */
            continue;
        const double d = fabs(u - v);
        if (!(d <= limit)) {
            if (r->first < 0) {
                r->first = i;
                r->sample = sample;
            }
            ++*different;
        }
        if (!(d <= r->max))
            r->max = d;
    }
}

static void compare_stage(struct stage_result *r, struct vn_arena *a, const struct trace *left,
                          const struct trace *right, int l, int k, double tolerance)
{
    char text[VN_SHAPE_TEXT];
    int64_t different = 0, all = 0;
    r->first = -1;
    r->same_shape = 1;
    for (int i = 0; i < left->samples; i++) {
        const struct vn_tensor *t[2] = { left->sample[i].t[l], right->sample[i].t[k] };
        if (!t[0] || !t[1]) {
            r->state = VN_STAGE_MISSING;
            r->missing_in = t[0] ? right->path : left->path;
            return;
        }
        for (int s = 0; s < 2 && !i; s++) {
            r->shape[s] = vn_arena_str(a, vn_shape_text(&t[s]->shape, text));
            r->dtype[s] = vn_dtype_name(t[s]->dtype);
        }
        if (!vn_shape_equal(&t[0]->shape, &t[1]->shape))
            r->same_shape = 0;
        else
            compare_arrays(r, t[0], t[1], i, tolerance, &different, &all);
    }
    r->share = all ? (double)different / (double)all : 0;
    const int types = strcmp(r->dtype[0], r->dtype[1]) != 0 && different;
    r->state = !r->same_shape || different || types ? VN_STAGE_UNALIGNED : VN_STAGE_ALIGNED;
}

/* The common stages of two traces: indices of each result's stage in both. */
struct both {
    const struct trace *t[2];
    int *at[2];
};

static const struct vn_tensor *array_of(const struct both *b, int side, int sample, int i)
{
    return b->t[side]->sample[sample].t[b->at[side][i]];
}

/* Of stage i, as made of the stage `from`; -1: of the picture's file. */
static struct stage_arrays *arrays_of(struct vn_arena *a, const struct both *b, int i, int from)
{
    const int samples = b->t[0]->samples;
    struct stage_arrays *s = NEW_ARRAY(a, struct stage_arrays, samples);
    for (int m = 0; m < samples; m++) {
        const char *source =
            b->t[0]->sample[m].source ? b->t[0]->sample[m].source : b->t[1]->sample[m].source;
        s[m].source = from < 0 ? source : NULL;
        s[m].n_before = i;
        for (int side = 0; side < 2; side++) {
            const struct vn_tensor **before = NEW_ARRAY(a, const struct vn_tensor *, i + 1);
            for (int k = 0; k < i; k++)
                before[k] = array_of(b, side, m, i - 1 - k);
            s[m].before[side] = before;
            s[m].y[side] = array_of(b, side, m, i);
            s[m].x[side] = from < 0 ? NULL : array_of(b, side, m, from);
        }
    }
    return s;
}

/* The first unaligned stage is explained. A later one follows from it unless both sides do different things
 * with their inputs. */
static void explain_stages(struct alignment *r, struct vn_arena *a, const struct both *b,
                           const struct align_options *o)
{
    const char *from = NULL;
    for (int i = 0; i < r->n; i++) {
        struct stage_result *s = &r->stage[i];
        if (s->state != VN_STAGE_UNALIGNED || s->why)
            continue;
        const struct stage_arrays *arrays = arrays_of(a, b, i, i - 1);
        if (from && vn_explain_same(arrays, r->samples) != 0) {
            s->state = VN_STAGE_FOLLOWS;
            s->from = from;
            continue;
        }
        from = s->name;
        s->why = NEW(a, struct explanation);
        vn_explain_stage(s->why, a, arrays, r->samples);
        for (int m = i - 2; o->any_input && !s->why->found && m >= -1; m--)
            vn_explain_stage(s->why, a, arrays_of(a, b, i, m), r->samples);
        if (!s->why->found)
            vn_explain_facts(s->why, a, &arrays[s->sample]);
    }
}

/* ---- outputs by position ---- */

static int equal_stages(const struct both *b, int i, int k, int samples, double tolerance)
{
    for (int m = 0; m < samples; m++) {
        const struct vn_tensor *x = array_of(b, 0, m, i), *y = array_of(b, 1, m, k);
        struct stage_result r = { .first = -1 };
        int64_t different = 0, all = 0;
        if (!x || !y || !vn_shape_equal(&x->shape, &y->shape))
            return 0;
        compare_arrays(&r, x, y, m, tolerance, &different, &all);
        if (different || !all)
            return 0;
    }
    return 1;
}

/* Unaligned stages of the right that are other unaligned stages of the left. */
static void find_exchanged(struct alignment *r, struct vn_arena *a, const struct both *b, double tolerance)
{
    for (int k = 0; k < r->n; k++)
        for (int i = 0; i < r->n && r->stage[k].state == VN_STAGE_UNALIGNED && !r->stage[k].why; i++)
            if (i != k && r->stage[i].state == VN_STAGE_UNALIGNED &&
                equal_stages(b, i, k, r->samples, tolerance)) {
                r->stage[k].why = NEW(a, struct explanation);
                vn_explain_exchanged(r->stage[k].why, a, r->stage[k].name, r->stage[i].name, r->samples);
            }
}

/* ---- the class that wins ---- */

static int winner(const struct vn_tensor *t)
{
    int best = 0;
    const int64_t n = vn_shape_count(&t->shape);
    for (int64_t i = 1; i < n; i++)
        if (vn_tensor_f64(t, i) > vn_tensor_f64(t, best))
            best = (int)i;
    return best;
}

static int is_scores(const struct vn_tensor *t)
{
    const int64_t n = vn_shape_count(&t->shape);
    int64_t longest = 0;
    for (int i = 0; i < t->shape.rank; i++)
        longest = t->shape.d[i] > longest ? t->shape.d[i] : longest;
    return n > 1 && n == longest && vn_dtype_is_float(t->dtype);
}

/* What the network says, where its scores are a stage. */
static void compare_winners(struct alignment *r, struct vn_arena *a, const struct both *b, const char *stage)
{
    int at = -1;
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->stage[i].name, stage))
            at = i;
    if (at < 0 || r->stage[at].state == VN_STAGE_MISSING)
        return;
    struct winners *w = NEW_ARRAY(a, struct winners, r->samples);
    for (int m = 0; m < r->samples; m++)
        for (int side = 0; side < 2; side++) {
            const struct vn_tensor *t = array_of(b, side, m, at);
            if (!is_scores(t))
                return;
            w[m].class[side] = winner(t);
            w[m].score[side] = vn_tensor_f64(t, w[m].class[side]);
        }
    r->winners = w;
    for (int m = 0; m < r->samples; m++)
        r->other_winners += w[m].class[0] != w[m].class[1];
}

/* The same network in two executors. */
static double tolerance_of(const char *stage, const struct align_options *o)
{
    return strcmp(stage, "infer") ? o->tolerance : fmax(o->tolerance, o->infer_tolerance);
}

int vn_align_traces(struct alignment **out, struct vn_arena *a, const struct trace *left,
                    const struct trace *right, const struct align_options *o, struct vn_err *e)
{
    struct alignment *r = *out = NEW(a, struct alignment);
    r->samples = left->samples;
    r->stage = NEW_ARRAY(a, struct stage_result, left->n + right->n);
    struct both b = { { left, right }, { NEW_ARRAY(a, int, left->n), NEW_ARRAY(a, int, left->n) } };
    int common = 0;
    for (int i = 0; i < left->n; i++) {
        const int other = vn_trace_find(right, left->stage[i]);
        struct stage_result *s = &r->stage[r->n];
        *s = (struct stage_result){ .name = left->stage[i] };
        if (other < 0)
            continue;
        b.at[0][r->n] = i;
        b.at[1][r->n++] = other;
        compare_stage(s, a, left, right, i, other, tolerance_of(s->name, o));
        common += s->state != VN_STAGE_MISSING;
    }
    if (!common)
        return vn_fail(e, VN_E_INPUT, "%s and %s have no common stage; the first has %s, the second %s",
                       left->path, right->path, left->stage[0], right->stage[0]);
    if (o->explain) {
        find_exchanged(r, a, &b, o->tolerance);
        explain_stages(r, a, &b, o);
    }
    compare_winners(r, a, &b, "infer");
    for (int i = 0; i < r->n; i++)
        r->unaligned += r->stage[i].state == VN_STAGE_UNALIGNED;
    /* stages of one side only */
    for (int i = 0; i < left->n; i++)
        if (vn_trace_find(right, left->stage[i]) < 0)
            r->stage[r->n++] = (struct stage_result){
                .name = left->stage[i], .state = VN_STAGE_MISSING, .missing_in = right->path, .first = -1
            };
    for (int i = 0; i < right->n; i++)
        if (vn_trace_find(left, right->stage[i]) < 0)
            r->stage[r->n++] = (struct stage_result){
                .name = right->stage[i], .state = VN_STAGE_MISSING, .missing_in = left->path, .first = -1
            };
    return VN_OK;
}

/* ---- one trace ---- */

void vn_describe_trace(struct description *out, struct vn_arena *a, const struct trace *t)
{
    struct both b = { { t, t }, { NEW_ARRAY(a, int, t->n), NEW_ARRAY(a, int, t->n) } };
    *out = (struct description){ t->n, t->stage, NEW_ARRAY(a, const char *, t->n) };
    for (int i = 0; i < t->n; i++) {
        int whole = 1;
        b.at[0][i] = b.at[1][i] = i;
        const struct stage_arrays *s = arrays_of(a, &b, i, i - 1);
        for (int m = 0; m < t->samples; m++)
            whole &= s[m].y[0] && (s[m].x[0] || s[m].source);
        out->steps[i] = whole ? vn_describe_stage(a, s, t->samples, 0) : NULL;
    }
}
