/* Two traces, stage by stage. */
#include "align/align.h"

#include <math.h>

static void compare_arrays(struct stage_result *r, const struct vn_tensor *x, const struct vn_tensor *y, int sample, double tolerance, int64_t *different, int64_t *all)
{
    const int64_t n = vn_shape_count(&x->shape);
    const int floats = vn_dtype_is_float(x->dtype) || vn_dtype_is_float(y->dtype);
    double top = 0;
    *all += n;
    for (int64_t i = 0; floats && i < n; i++)
        top = fmax(top, fabs(vn_tensor_f64(x, i)));
    const double limit = floats ? tolerance * top : 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs(vn_tensor_f64(x, i) - vn_tensor_f64(y, i));
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

static void compare_stage(struct stage_result *r, struct vn_arena *a, const struct trace *left, const struct trace *right, int l, int k, double tolerance)
{
    char text[VN_SHAPE_TEXT];
    int64_t different = 0, all = 0;
    r->first = -1;
    r->same_shape = 1;
    for (int i = 0; i < left->samples; i++) {
        const struct vn_tensor *t[2] = { left->sample[i].t[l], right->sample[i].t[k] };
        if (!t[0] || !t[1]) {
            r->state = STAGE_MISSING;
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
    r->state = !r->same_shape || different || types ? STAGE_UNALIGNED : STAGE_ALIGNED;
}

/* Of stage i, as made of the stage `from`; -1: of nothing. */
static struct stage_arrays *arrays_of(struct vn_arena *a, const struct trace *left, const struct trace *right, const int *l, const int *k, int i, int from)
{
    struct stage_arrays *s = NEW_ARRAY(a, struct stage_arrays, left->samples);
    for (int m = 0; m < left->samples; m++) {
        s[m].y[0] = left->sample[m].t[l[i]];
        s[m].y[1] = right->sample[m].t[k[i]];
        if (from >= 0) {
            s[m].x[0] = left->sample[m].t[l[from]];
            s[m].x[1] = right->sample[m].t[k[from]];
        }
    }
    return s;
}

/* The first unaligned stage is explained. A later one follows from it unless both sides do different things with their inputs. */
static void explain_stages(struct alignment *r, struct vn_arena *a, const struct trace *left, const struct trace *right, const int *l, const int *k, int any_input)
{
    const char *from = NULL;
    for (int i = 0; i < r->n; i++) {
        struct stage_result *s = &r->stage[i];
        if (s->state != STAGE_UNALIGNED)
            continue;
        const struct stage_arrays *arrays = arrays_of(a, left, right, l, k, i, i - 1);
        if (from && vn_explain_same(arrays, left->samples) != 0) {
            s->state = STAGE_FOLLOWS;
            s->from = from;
            continue;
        }
        from = s->name;
        s->why = NEW(a, struct explanation);
        vn_explain_stage(s->why, a, arrays, left->samples);
        for (int m = i - 2; any_input && !s->why->found && m >= 0; m--)
            vn_explain_stage(s->why, a, arrays_of(a, left, right, l, k, i, m), left->samples);
    }
}

static int same_samples(const struct trace *left, const struct trace *right, struct vn_err *e)
{
    if (left->samples != right->samples)
        return vn_fail(e, VN_E_INPUT, "%s has %d pictures, %s has %d; want the same", left->path, left->samples, right->path, right->samples);
    for (int i = 0; i < left->samples; i++)
        if (strcmp(left->sample[i].name, right->sample[i].name))
            return vn_fail(e, VN_E_INPUT, "%s has the picture %s where %s has %s; want the same names", left->path, left->sample[i].name, right->path,
                           right->sample[i].name);
    return VN_OK;
}

int vn_align(struct alignment **out, struct vn_arena *a, const struct trace *left, const struct trace *right, const struct align_options *o,
             struct vn_err *e)
{
    struct alignment *r = *out = NEW(a, struct alignment);
    TRY(same_samples(left, right, e));
    r->samples = left->samples;
    r->stage = NEW_ARRAY(a, struct stage_result, left->n + right->n);
    int *l = NEW_ARRAY(a, int, left->n), *k = NEW_ARRAY(a, int, left->n), common = 0;
    for (int i = 0; i < left->n; i++) {
        const int other = vn_trace_find(right, left->stage[i]);
        struct stage_result *s = &r->stage[r->n];
        *s = (struct stage_result){ .name = left->stage[i] };
        if (other < 0)
            continue;
        l[r->n] = i;
        k[r->n++] = other;
        compare_stage(s, a, left, right, i, other, o->tolerance);
        common += s->state != STAGE_MISSING;
    }
    if (!common)
        return vn_fail(e, VN_E_INPUT, "%s and %s have no stage in common; the first has %s, the second %s", left->path, right->path, left->stage[0],
                       right->stage[0]);
    if (o->explain)
        explain_stages(r, a, left, right, l, k, o->any_input);
    for (int i = 0; i < r->n; i++)
        r->unaligned += r->stage[i].state == STAGE_UNALIGNED;
    /* stages of one side only */
    for (int i = 0; i < left->n; i++)
        if (vn_trace_find(right, left->stage[i]) < 0)
            r->stage[r->n++] = (struct stage_result){ .name = left->stage[i], .state = STAGE_MISSING, .missing_in = right->path, .first = -1 };
    for (int i = 0; i < right->n; i++)
        if (vn_trace_find(left, right->stage[i]) < 0)
            r->stage[r->n++] = (struct stage_result){ .name = right->stage[i], .state = STAGE_MISSING, .missing_in = left->path, .first = -1 };
    return VN_OK;
}
