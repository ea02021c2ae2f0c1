/* Every tensor of the .bin by its source name against the reference executor: integers must be equal. */
#include <float.h>
#include <math.h>

#include <vernier/verify.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/listen.h"
#include "interp/interp.h"
#include "kernels/image/image_kernels.h"
#include "ops/op.h"
#include "session/session.h"
#include "session/similarity.h"

struct vn_verification {
    struct vn_arena *arena;
    struct vn_verify_summary summary;
    VEC(struct vn_verified) rows;
};

/* What is fed: files, or random numbers. */
struct check_inputs {
    VEC(const char *) files;
    int samples;
};

struct check {
    struct check_inputs in;
    struct vn_arena *arena; /* of the run */
    struct vn_arena *scratch; /* of this sample */
    struct vn_session *onnx, *bin;
    const struct graph *g; /* of the ONNX file */
    int *in_graph; /* by value id of the .bin: the graph's, -1: none */
    struct vn_tensor **reference; /* by value id, this sample: VN_I64 or VN_F64 */
    struct vn_tensor **observed;  /* by value id, this sample: what the .bin made, in the source's order; NULL: not seen yet */
    int *row;                     /* by value id: index in rows, -1 */
    struct vn_verification *v;
    int sample;
};

static void keep_reference(void *user, int value, const struct vn_view *t)
{
    struct check *c = user;
    c->reference[value] = vn_view_tensor(t, c->scratch);
}

static struct vn_verified *row_of(struct check *c, const struct value *v, const struct vn_view *t,
                                  int integer)
{
    if (c->row[v->id] < 0) {
        struct vn_arena *kept = c->v->arena;
        const struct vn_verified r = { .name = vn_arena_str(kept, v->name),
                                       .node = v->producer ? vn_arena_str(kept, v->producer->name) : "",
                                       .integer = integer,
                                       .fused = t->fused,
                                       .first = -1 };
        c->row[v->id] = c->v->rows.n;
        VEC_PUSH(kept, &c->v->rows, r);
    }
    return &c->v->rows.v[c->row[v->id]];
}

static void note_difference(struct vn_verified *r, int64_t i, int sample)
{
    r->different++;
    if (r->first >= 0)
        return;
    r->first = i;
    r->first_sample = sample;
}

static void check_integers(struct check *c, struct vn_verified *r, int value, const struct vn_tensor *ref,
                           const struct vn_view *t, int64_t n)
{
    const int64_t *got = c->observed[value]->data, *want = ref->data;
    int64_t zeros = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t step = got[i] > want[i] ? got[i] - want[i] : want[i] - got[i];
        zeros += want[i] == *t->zero;
        if (step)
            note_difference(r, i, c->sample);
        r->max_step = step > r->max_step ? step : r->max_step;
    }
    r->zeros += (double)zeros;
}

/* One float tensor against its reference. Returns how many elements differ; *worst gets the largest relative difference. */
static int64_t compare_floats(const float *got, const struct vn_tensor *ref, int64_t n, double *worst, int64_t *first)
{
    double most = 0;
    int64_t different = 0;
    *worst = 0;
    *first = -1;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(vn_tensor_f64(ref, i)));
    for (int64_t i = 0; i < n; i++) {
        const double want = vn_tensor_f64(ref, i), d = (double)got[i] == want ? 0 : fabs((double)got[i] - want), relative = most > 0 && most <= DBL_MAX ? d / most : d;
        if (!(relative <= VN_VERIFY_TOLERANCE)) {
            *first = *first < 0 ? i : *first;
            different++;
        }
        if (!(relative <= *worst))
            *worst = relative;
    }
    return different;
}

/* What the node that makes v computes from the .bin's own inputs; NULL where one of them was not seen. A sort, a maximum or a suppression of
 * overlapping boxes may choose otherwise once its inputs differ in their last bits. */
static const struct vn_tensor *from_own_inputs(struct check *c, const struct value *v)
{
    const struct node *n = v->producer;
    if (!n || vn_node_is_integer(n))
        return NULL;
    const struct vn_tensor **in = NEW_ARRAY(c->scratch, const struct vn_tensor *, n->n_in);
    struct vn_tensor **out = NEW_ARRAY(c->scratch, struct vn_tensor *, n->n_out);
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i])
            continue;
        in[i] = n->in[i]->data ? n->in[i]->data : c->observed[n->in[i]->id];
        if (!in[i])
            return NULL;
    }
    return vn_interp_fed(c->scratch, n, in, out, NULL) < 0 ? NULL : out[v->port];
}

static void check_floats(struct check *c, struct vn_verified *r, const struct value *v,
                         const struct vn_tensor *ref, int64_t n)
{
    const float *got = c->observed[v->id]->data;
    double worst;
    int64_t first, different = compare_floats(got, ref, n, &worst, &first);
    const struct vn_tensor *own = different ? from_own_inputs(c, v) : NULL;
    if (own && vn_shape_count(&own->shape) == n) {
        double own_worst;
        int64_t own_first;
        const int64_t own_different = compare_floats(got, own, n, &own_worst, &own_first);
        if (own_different < different)
            different = own_different, worst = own_worst, first = own_first;
    }
    for (int64_t i = 0; i < n; i++)
        r->zeros += vn_tensor_f64(ref, i) == 0;
    if (different) {
        note_difference(r, first, c->sample);
        r->different += different - 1;
    }
    r->max_relative = fmax(r->max_relative, worst);
}

/* Indices, counts and truth values: plain integers. */
static void check_plain(struct check *c, struct vn_verified *r, const struct value *v,
                        const struct vn_tensor *ref, int64_t n)
{
    const int64_t *got = c->observed[v->id]->data;
    const struct vn_tensor *own = memcmp(got, ref->data, (size_t)n * sizeof *got) ? from_own_inputs(c, v) : NULL;
    const int64_t *want = own && vn_shape_count(&own->shape) == n ? own->data : ref->data;
    for (int64_t i = 0; i < n; i++) {
        r->zeros += want[i] == 0;
        if (got[i] != want[i])
            note_difference(r, i, c->sample);
    }
}

static struct vn_tensor *observed(struct check *c, const struct value *v, const struct vn_view *t)
{
    const int real = !v->q && t->dtype == VN_F32;
    struct vn_tensor *x = vn_tensor_new(c->scratch, real ? VN_F32 : VN_I64, &v->shape);
    if (real)
        vn_view_real(x->data, t);
    else
        vn_view_integers(x->data, t);
    return x;
}

static void check_tensor(void *user, int value, const struct vn_view *t)
{
    struct check *c = user;
    const struct value *v = c->g->values.v[c->in_graph[value]];
    const struct vn_tensor *ref = c->reference[v->id];
    const int64_t n = vn_view_count(t);
    if (vn_shape_count(&v->shape) != n)
        return;
    const int integer = v->q != NULL;
    if (integer ? t->dtype != v->q->dtype : t->dtype != VN_F32 && t->dtype != VN_I64)
        return;
    c->observed[v->id] = observed(c, v, t);
    const int plain = !integer && t->dtype == VN_I64;
    if (!ref || vn_shape_count(&ref->shape) != n || ((integer || plain) != (ref->dtype == VN_I64)))
        return;
    struct vn_verified *r = row_of(c, v, t, integer || plain);
    r->compared += n;
    if (plain)
        check_plain(c, r, v, ref, n);
    else if (integer)
        check_integers(c, r, v->id, ref, t, n);
    else
        check_floats(c, r, v, ref, n);
}

static int feed_bin(struct check *c, struct vn_err *e)
{
    int n;
    if (!c->in.files.n)
        return vn_session_feed_random(c->bin, (uint64_t)c->sample + 1, e);
    vn_session_inputs(c->bin, &n);
    if (n != 1)
        return vn_fail(e, VN_E_UNSUPPORTED, "input files require a model with one input, got %d", n);
    vn_session_name_sample(c->bin, c->in.samples > 1 ? c->in.files.v[c->sample] : NULL);
    return vn_session_feed_file(c->bin, 0, c->in.files.v[c->sample], e);
}

static int verify_sample(struct check *c, struct vn_err *e)
{
    int n;
    const struct vn_port *in = vn_session_inputs(c->onnx, &n);
    TRY(feed_bin(c, e));
    for (int i = 0; i < n; i++) {
        const struct vn_tensor *x = vn_session_fed(c->bin, i);
        TRY(vn_session_feed_array(c->onnx, i, x->dtype, in[i].rank, in[i].shape, NULL, x->data, e));
    }
    memset(c->reference, 0, (size_t)c->g->values.n * sizeof *c->reference);
    memset(c->observed, 0, (size_t)c->g->values.n * sizeof *c->observed);
    TRY(vn_session_run(c->onnx, e));
    return vn_session_run(c->bin, e);
}

static int64_t elements(const struct vn_port *p)
{
    const struct vn_shape s = vn_shape_of(p->rank, p->shape);
    return vn_shape_count(&s);
}

static int same_interface(const struct vn_session *onnx, const struct vn_session *bin, struct vn_err *e)
{
    int n, bin_n, out, bin_out;
    const struct vn_port *x = vn_session_inputs(onnx, &n), *y = vn_session_inputs(bin, &bin_n);
    vn_session_outputs(onnx, &out);
    vn_session_outputs(bin, &bin_out);
    if (n != bin_n || out != bin_out)
        return vn_fail(e, VN_E_INPUT,
                       "%s has %d inputs and %d outputs, %s has %d and %d: not the same network",
                       vn_session_path(onnx), n, out, vn_session_path(bin), bin_n, bin_out);
    for (int i = 0; i < n; i++)
        if (strcmp(x[i].name, y[i].name) || elements(&x[i]) != elements(&y[i]))
            return vn_fail(e, VN_E_INPUT,
                           "input %d differs (%s in %s, %s in %s, or in size): not the same network", i,
                           x[i].name, vn_session_path(onnx), y[i].name, vn_session_path(bin));
    return VN_OK;
}

static int open_both(struct check *c, const char *onnx, const char *bin, const struct vn_verify_options *o,
                     struct vn_err *e)
{
    struct vn_session_options how;
    struct vn_session **left = vn_session_slot(c->arena), **right = vn_session_slot(c->arena);
    vn_session_options_default(&how);
    how.run = o->run;
    how.pipeline = o->pipeline;
    how.reference = 1;
    TRY(vn_session_open(left, onnx, &how, e));
    how.reference = 0;
    TRY(vn_session_open(right, bin, &how, e));
    c->onnx = *left;
    c->bin = *right;
    c->g = vn_session_graph(c->onnx);
    return same_interface(c->onnx, c->bin, e);
}

/* The reference shows what nodes compute, the .bin all that the graph has. */
static void watch_both(struct check *c)
{
    const int n = vn_session_values(c->bin);
    unsigned char *computed = NEW_ARRAY(c->arena, unsigned char, c->g->values.n),
                  *known = NEW_ARRAY(c->arena, unsigned char, n);
    c->in_graph = NEW_ARRAY(c->arena, int, n);
    for (int i = 0; i < c->g->values.n; i++)
        computed[i] = c->g->values.v[i]->producer != NULL;
    for (int i = 0; i < n; i++) {
        c->in_graph[i] = vn_session_value(c->onnx, vn_session_value_name(c->bin, i));
        known[i] = c->in_graph[i] >= 0;
    }
    vn_session_observe(c->onnx,
                       &(struct vn_observer){ .after = keep_reference, .wanted = computed, .user = c });
    vn_session_observe(c->bin, &(struct vn_observer){ .after = check_tensor, .wanted = known, .user = c });
}

static void sum_up(struct check *c)
{
    struct vn_verify_summary *sum = &c->v->summary;
    VEC(const char *) missing = { 0 };
    for (int i = 0; i < c->v->rows.n; i++) {
        struct vn_verified *r = &c->v->rows.v[i];
        r->zeros = r->compared ? r->zeros / (double)r->compared : 0;
        r->mistrusted = r->zeros > MISTRUST_ZEROS;
        sum->integer_tensors += r->integer;
        sum->float_tensors += !r->integer;
        if (r->integer) {
            sum->compared += r->compared;
            sum->different += r->different;
        } else
            sum->max_relative = fmax(sum->max_relative, r->max_relative);
    }
    for (int i = 0; i < c->g->values.n; i++)
        if (c->g->values.v[i]->producer && c->row[i] < 0)
            VEC_PUSH(c->v->arena, &missing, vn_arena_str(c->v->arena, c->g->values.v[i]->name));
    sum->missing = missing.v;
    sum->n_missing = missing.n;
    sum->samples = c->in.samples;
    sum->passed = sum->different == 0 && sum->max_relative <= VN_VERIFY_TOLERANCE && c->v->rows.n > 0;
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

static int list_inputs(struct check_inputs *in, struct vn_arena *a, const struct vn_verify_options *o,
                       struct vn_err *e)
{
    for (int i = 0; i < o->n_files; i++)
        VEC_PUSH(a, &in->files, o->files[i]);
    if (o->folder) {
        const char **names;
        int n;
        const int before = in->files.n;
        TRY(vn_dir_list(a, o->folder, &names, &n, e));
        for (int i = 0; i < n; i++)
            if (vn_picture_is_image_name(names[i]) || vn_path_has_suffix(names[i], ".npy"))
                VEC_PUSH(a, &in->files, vn_path_join(a, o->folder, names[i]));
        if (in->files.n == before)
            return vn_fail(e, VN_E_INPUT, "%s: no images or .npy files", o->folder);
    }
    in->samples = in->files.n ? in->files.n : o->random_samples;
    if (in->files.n && o->limit && o->limit < in->files.n)
        in->samples = o->limit;
    return in->samples > 0
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "verify: expected at least one sample, got %d", in->samples);
}

static int verify(struct vn_verification *v, struct vn_arena *a, const char *onnx, const char *bin,
                  const struct vn_verify_options *o, struct vn_err *e)
{
    struct check c = { .arena = a, .v = v };
    vn_image_cpu(o->run.cpumask);
    TRY(list_inputs(&c.in, a, o, e));
    TRY(open_both(&c, onnx, bin, o, e));
    const int n = c.g->values.n;
    c.reference = NEW_ARRAY(a, struct vn_tensor *, n);
    c.observed = NEW_ARRAY(a, struct vn_tensor *, n);
    c.row = NEW_ARRAY(a, int, n);
    for (int i = 0; i < n; i++)
        c.row[i] = -1;
    watch_both(&c);
    TRY(verify_samples(&c, &o->listener, e));
    sum_up(&c);
    return VN_OK;
}

static int new_verification(struct vn_verification **out, const char *onnx, const char *bin,
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

int vn_verify(struct vn_verification **out, const char *onnx, const char *bin,
              const struct vn_verify_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_verification(out, onnx, bin, o, e));
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
    *o = (struct vn_verify_options){ .random_samples = 3 };
    vn_options_default(&o->run);
}

const struct vn_verify_summary *vn_verification_summary(const struct vn_verification *v)
{
    return &v->summary;
}

const struct vn_verified *vn_verification_tensors(const struct vn_verification *v, int *n)
{
    *n = v->rows.n;
    return v->rows.v;
}
