/* Sessions, samples and the summary of a verification; judge.c does the work. */
#include <math.h>

#include <vernier/verify.h>

#include "base/guard.h"
#include "base/listen.h"
#include "inspect/edited_ports.h"
#include "inspect/judge.h"
#include "inspect/verify_inputs.h"
#include "inspect/verify_regions.h"
#include "ops/op.h"
#include "session/session.h"
#include "session/similarity.h"

struct vn_verification {
    struct vn_arena *arena;
    struct vn_verify_summary summary;
    const struct judgement *found;
};

struct check {
    struct verify_inputs in;
    struct vn_arena *scratch; /* of this sample */
    struct vn_session *onnx, *bin;
    const struct graph *g; /* of the ONNX file */
    const struct vn_tensor **reference; /* by value id, this sample: VN_I64 or VN_F64 */
    struct judge *judge;
    double drift; /* of the outputs, over all samples */
    double *cosine; /* by sample: least of the outputs; NULL: nobody is shown any */
    int sample;
};

static void keep_reference(void *user, int value, const struct vn_view *t)
{
    struct check *c = user;
    c->reference[value] = vn_view_tensor(t, c->scratch);
}

/* The network's outputs against those of the reference executor; quantized ones as they leave it. */
static void measure_drift(struct check *c)
{
    for (int i = 0; i < c->g->outputs.n; i++) {
        const struct value *v = c->g->outputs.v[i];
        const struct vn_tensor *ref = c->reference[v->id];
        struct vn_view out, leaves;
        double most = 0, worst = 0;
        if (!ref || vn_session_output(c->bin, i, &out, NULL) < 0 ||
            vn_session_output(c->onnx, i, &leaves, NULL) < 0 ||
            vn_view_count(&out) != vn_shape_count(&ref->shape))
            continue;
        for (int64_t k = 0, n = vn_view_count(&out); k < n; k++) {
            const double want = v->q ? vn_view_at(&leaves, k) : vn_tensor_f64(ref, k),
                         got = vn_view_at(&out, k);
            if (isfinite(want))
                most = fmax(most, fabs(want));
            if (got != want && !(isnan(got) && isnan(want)))
                worst = fmax(worst, isfinite(got - want) ? fabs(got - want) : INFINITY);
        }
        c->drift = fmax(c->drift, most > 0 ? worst / most : worst);
    }
}

/* ---- the worst samples ---- */

static double least_cosine(const struct check *c)
{
    double least = 1;
    for (int i = 0; i < c->g->outputs.n; i++) {
        struct vn_view want, got;
        if (vn_session_output(c->onnx, i, &want, NULL) < 0 || vn_session_output(c->bin, i, &got, NULL) < 0 ||
            vn_view_count(&want) != vn_view_count(&got))
            continue;
        const int64_t n = vn_view_count(&want);
        float *x = NEW_ARRAY(c->scratch, float, n + 1), *y = NEW_ARRAY(c->scratch, float, n + 1);
        vn_view_real(x, &want);
        vn_view_real(y, &got);
        least = fmin(least, vn_similarity(x, y, n).cosine);
    }
    return least;
}

/* Both run it again. */
static int show_sample(struct check *c, const struct vn_odd_listener *l, int sample, struct vn_err *e)
{
    TRY(vn_verify_feed(c->bin, &c->in, sample, e));
    TRY(vn_verify_feed_same(c->onnx, c->bin, e));
    TRY(vn_session_run(c->onnx, e));
    TRY(vn_session_run(c->bin, e));
    const struct vn_odd_sample shown = { .path = c->in.files[0][sample],
                                         .cosine = c->cosine[sample],
                                         .model = { c->onnx, c->bin } };
    l->show(l->user, &shown);
    return VN_OK;
}

static int show_worst(struct check *c, const struct vn_odd_listener *l, struct vn_err *e)
{
    vn_session_observe(c->onnx, NULL);
    vn_session_observe(c->bin, NULL);
    for (int k = 0; c->cosine && k < l->most && k < c->in.samples; k++) {
        int worst = 0;
        for (int i = 1; i < c->in.samples; i++)
            worst = c->cosine[i] < c->cosine[worst] ? i : worst;
        TRY(show_sample(c, l, worst, e));
        c->cosine[worst] = INFINITY;
    }
    return VN_OK;
}

/* Both sessions get the images: the program's resizer, and the reference executor's. */
static int verify_resizers(struct check *c, struct vn_err *e)
{
    for (int i = 0; i < c->in.n; i++) {
        struct vn_planes *images;
        TRY(vn_verify_regions(&images, c->scratch, c->bin, &c->in, i, c->sample, e));
        if (!images)
            continue;
        TRY(vn_session_feed_planes(c->onnx, i, images, e));
        vn_judge_resizer(c->judge, i, c->sample, vn_session_fed(c->bin, i), vn_session_fed(c->onnx, i));
    }
    return VN_OK;
}

static int verify_sample(struct check *c, struct vn_err *e)
{
    TRY(vn_verify_feed(c->bin, &c->in, c->sample, e));
    TRY(verify_resizers(c, e));
    TRY(vn_verify_feed_same(c->onnx, c->bin, e));
    memset(c->reference, 0, (size_t)c->g->values.n * sizeof *c->reference);
    TRY(vn_session_run(c->onnx, e));
    TRY(vn_judge_run(c->judge, c->sample, c->reference, e));
    measure_drift(c);
    if (c->cosine)
        c->cosine[c->sample] = least_cosine(c);
    return VN_OK;
}

static void add_row(struct vn_verify_summary *sum, const struct vn_verified *r, int i)
{
    if (r->fused)
        return;
    if (r->different && sum->wrong < 0)
        sum->wrong = i;
    sum->integer_tensors += r->integer;
    sum->float_tensors += !r->integer;
    sum->drifted += r->drifted;
    *(r->integer ? &sum->compared : &sum->floats) += r->compared;
    *(r->integer ? &sum->different : &sum->floats_different) += r->different;
    sum->max_relative = fmax(sum->max_relative, r->max_relative);
    sum->max_bound = fmax(sum->max_bound, r->max_bound);
}

static void sum_up(struct vn_verification *v, const struct check *c)
{
    struct vn_verify_summary *sum = &v->summary;
    const struct program *p = vn_judge_program(c->judge);
    sum->wrong = -1;
    sum->samples = c->in.samples;
    sum->constants = v->found->constants;
    sum->drift = c->drift;
    for (int t = 0; t < p->n_parts; t++)
        sum->tensors += p->parts[t].writer >= 0 && p->parts[t].origin != ORIGIN_INNER;
    for (int i = 0; i < v->found->rows.n; i++) {
        struct vn_verified *r = &v->found->rows.v[i];
        r->zeros = r->compared ? r->zeros / (double)r->compared : 0;
        r->mistrusted = r->zeros > MISTRUST_ZEROS;
        add_row(sum, r, i);
    }
    sum->passed = sum->wrong < 0 && !v->found->faults.n && v->found->rows.n > 0;
}

static int verify_samples(struct check *c, const struct vn_listener *l, struct vn_err *e)
{
    const int n = c->in.samples;
    int status = VN_OK;
    for (c->sample = 0; c->sample < n && status == VN_OK; c->sample++) {
        c->scratch = vn_arena_new();
        status = verify_sample(c, e);
        vn_arena_free(&c->scratch);
        vn_progress(l, "verify", c->sample + 1, n);
    }
    return status;
}

static int verify(struct vn_verification *v, struct vn_arena *a, struct vn_session *onnx,
                  struct vn_session *bin, const struct vn_verify_options *o, struct vn_err *e)
{
    struct check c = { .onnx = onnx, .bin = bin };
    if (vn_session_is_batched(bin))
        TRY(vn_session_open_batched(&c.onnx, a, onnx, bin, e));
    if (vn_is_edited(bin))
        TRY(vn_cut_session(&c.onnx, a, c.onnx, bin, e));
    c.g = vn_session_graph(c.onnx);
    TRY(vn_verify_same_network(c.onnx, bin, e));
    TRY(vn_verify_inputs(&c.in, a, c.bin, o, e));
    c.in.random_regions = 1;
    c.cosine = o->odd.most && c.in.files ? NEW_ARRAY(a, double, c.in.samples) : NULL;
    c.reference = NEW_ARRAY(a, const struct vn_tensor *, c.g->values.n);
    TRY(vn_judge_new(&c.judge, v->arena, c.bin, c.g, o->digits, e));
    v->found = vn_judge_result(c.judge);
    vn_session_observe(c.onnx, &(struct vn_observer){ .after = keep_reference, .user = &c });
    TRY(verify_samples(&c, &o->listener, e));
    sum_up(v, &c);
    return show_worst(&c, &o->odd, e);
}

int vn_verify_sessions(struct vn_verification **out, struct vn_session *onnx, struct vn_session *bin,
                       const struct vn_verify_options *o, struct vn_err *e)
{
    struct vn_arena *kept = vn_arena_new(), *work = vn_arena_new();
    struct vn_verification *v = NEW(kept, struct vn_verification);
    v->arena = kept;
    const int status = verify(v, work, onnx, bin, o, e);
    vn_arena_free(&work);
    if (status < 0)
        vn_arena_free(&kept);
    else
        *out = v;
    return status;
}

static int open_and_verify(struct vn_verification **out, struct vn_arena *a, const char *onnx,
                           const char *bin, const struct vn_verify_options *o, struct vn_err *e)
{
    struct vn_session **left = vn_session_slot(a), **right = vn_session_slot(a);
    unsigned char *marks = NEW_ARRAY(a, unsigned char, o->inputs.n_shapes + o->inputs.n_values);
    TRY(vn_verify_open(left, onnx, 1, o, marks, e));
    TRY(vn_verify_open(right, bin, 1, o, marks, e));
    TRY(vn_session_check_settings(&o->inputs, marks, e));
    return vn_verify_sessions(out, *left, *right, o, e);
}

static int verify_files(struct vn_verification **out, const char *onnx, const char *bin,
                        const struct vn_verify_options *o, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const int status = open_and_verify(out, a, onnx, bin, o, e);
    vn_arena_free(&a);
    return status;
}

int vn_verify(struct vn_verification **out, const char *onnx, const char *bin,
              const struct vn_verify_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, verify_files(out, onnx, bin, o, e));
    return status;
}

void vn_verification_free(struct vn_verification **v)
{
    if (!v || !*v)
        return;
    struct vn_arena *a = (*v)->arena;
    vn_arena_free(&a);
    *v = NULL;
}

void vn_verify_options_default(struct vn_verify_options *o)
{
    *o = (struct vn_verify_options){ .random_samples = 3, .min_cosine = 0.9 };
    vn_options_default(&o->run);
}

const struct vn_verify_summary *vn_verification_summary(const struct vn_verification *v)
{
    return &v->summary;
}

const struct vn_verified *vn_verification_tensors(const struct vn_verification *v, int *n)
{
    *n = v->found->rows.n;
    return v->found->rows.v;
}

const struct vn_fault *vn_verification_faults(const struct vn_verification *v, int *n)
{
    *n = v->found->faults.n;
    return v->found->faults.v;
}
