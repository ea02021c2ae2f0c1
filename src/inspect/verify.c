/* Every tensor of the .bin by its source name against the reference executor: integers must be equal. */
#include <float.h>
#include <math.h>

#include "inspect/inspect.h"
#include "interp/interp.h"
#include "ops/op.h"

struct check {
    struct vn_arena *arena;       /* of the result */
    struct vn_arena *scratch;     /* of this sample */
    const struct graph *g;
    struct vn_tensor **reference; /* by value id, this sample: VN_I64 or VN_F64 */
    struct vn_tensor **observed;  /* by value id, this sample: what the .bin made, in the source's order; NULL: not seen yet */
    int *row;                     /* by value id: index in rows, -1 */
    VEC(struct verified) rows;
    int sample;
};

static void keep_reference(void *user, const struct value *v, const struct vn_tensor *t)
{
    struct check *c = user;
    struct vn_tensor *copy = vn_tensor_new(c->scratch, t->dtype, &t->shape);
    memcpy(copy->data, t->data, vn_tensor_bytes(t));
    c->reference[v->id] = copy;
}

static struct verified *row_of(struct check *c, const struct value *v, const struct vn_view *t, int integer)
{
    if (c->row[v->id] < 0) {
        const struct verified r = { .name = v->name, .node = v->producer ? v->producer->name : "", .integer = integer, .fused = t->fused, .first = -1 };
        c->row[v->id] = c->rows.n;
        VEC_PUSH(c->arena, &c->rows, r);
    }
    return &c->rows.v[c->row[v->id]];
}

static void note_difference(struct verified *r, int64_t i, int sample)
{
    r->different++;
    if (r->first >= 0)
        return;
    r->first = i;
    r->first_sample = sample;
}

static void check_integers(struct check *c, struct verified *r, const struct vn_tensor *ref, const struct vn_view *t, int64_t n)
{
    int32_t *got = NEW_ARRAY(c->scratch, int32_t, n);
    vn_view_integers(got, t);
    const int64_t *want = ref->data;
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
        if (!(relative <= VERIFY_FLOAT_TOLERANCE)) {
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

static void check_floats(struct check *c, struct verified *r, const struct value *v, const struct vn_tensor *ref, int64_t n)
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
static void check_plain(struct check *c, struct verified *r, const struct value *v, const struct vn_tensor *ref, int64_t n)
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
    struct vn_tensor *x = vn_tensor_new(c->scratch, v->q ? VN_I32 : t->dtype, &v->shape);
    if (v->q)
        vn_view_integers(x->data, t);
    else if (t->dtype == VN_F32)
        vn_view_real(x->data, t);
    else
        memcpy(x->data, t->data, vn_tensor_bytes(x)); /* int64 cells: always in the source's order */
    return x;
}

static void check_tensor(void *user, const struct vn_view *t)
{
    struct check *c = user;
    const struct value *v = vn_view_is_value(t) ? vn_graph_find(c->g, t->name) : NULL;
    const struct vn_tensor *ref = v ? c->reference[v->id] : NULL;
    const int64_t n = vn_view_count(t);
    if (!v || c->observed[v->id] || vn_shape_count(&v->shape) != n)
        return;
    const int integer = v->q != NULL;
    if (integer ? t->dtype != v->q->dtype : t->dtype != VN_F32 && t->dtype != VN_I64)
        return;
    c->observed[v->id] = observed(c, v, t);
    const int plain = !integer && t->dtype == VN_I64;
    if (!ref || vn_shape_count(&ref->shape) != n || ((integer || plain) != (ref->dtype == VN_I64)))
        return;
    struct verified *r = row_of(c, v, t, integer || plain);
    r->compared += n;
    if (plain)
        check_plain(c, r, v, ref, n);
    else if (integer)
        check_integers(c, r, ref, t, n);
    else
        check_floats(c, r, v, ref, n);
}

static int verify_sample(struct check *c, struct runner *onnx, struct runner *bin, const struct verify_options *o, const struct vn_pipeline *p,
                         struct vn_err *e)
{
    struct feed f = vn_feed_new(bin, c->scratch);
    if (o->n_files) {
        if (bin->n_in != 1)
            return vn_fail(e, VN_E_UNSUPPORTED, "files can be given for models with one input; this one has %d", bin->n_in);
        bin->sample = o->n_files > 1 ? o->files[c->sample] : NULL;
        TRY(vn_feed_file(&f, bin, 0, o->files[c->sample], p, e));
    } else
        vn_feed_random(&f, bin, (uint64_t)c->sample + 1);
    const struct vn_tensor **in = NEW_ARRAY(c->scratch, const struct vn_tensor *, onnx->n_in);
    for (int i = 0; i < onnx->n_in; i++) {
        struct vn_tensor *x = NEW(c->scratch, struct vn_tensor);
        *x = (struct vn_tensor){ VN_F32, onnx->in_shape[i], f.tensor[i] };
        in[i] = f.plain[i] ? f.plain[i] : x;
    }
    struct vn_tensor **results = NEW_ARRAY(c->scratch, struct vn_tensor *, onnx->n_out);
    memset(c->reference, 0, (size_t)c->g->values.n * sizeof *c->reference);
    memset(c->observed, 0, (size_t)c->g->values.n * sizeof *c->observed);
    TRY(vn_interp_run(c->scratch, onnx->graph, in, results, keep_reference, c, e));
    return vn_runner_run(bin, &f, &(struct vn_watch){ .after = check_tensor, .user = c }, e);
}

static int same_interface(const struct runner *onnx, const struct runner *bin, struct vn_err *e)
{
    if (onnx->n_in != bin->n_in || onnx->n_out != bin->n_out)
        return vn_fail(e, VN_E_INPUT, "%s has %d inputs and %d outputs, %s has %d and %d: not the same network", onnx->path, onnx->n_in,
                       onnx->n_out, bin->path, bin->n_in, bin->n_out);
    for (int i = 0; i < onnx->n_in; i++)
        if (strcmp(onnx->in_name[i], bin->in_name[i]) || vn_shape_count(&onnx->in_shape[i]) != vn_shape_count(&bin->in_shape[i]))
            return vn_fail(e, VN_E_INPUT, "input %d is %s in %s and %s in %s, or differs in size: not the same network", i, onnx->in_name[i],
                           onnx->path, bin->in_name[i], bin->path);
    return VN_OK;
}

static void sum_up(struct verification *v, struct check *c)
{
    VEC(const char *) missing = { 0 };
    for (int i = 0; i < c->rows.n; i++) {
        struct verified *r = &c->rows.v[i];
        r->zeros = r->compared ? r->zeros / (double)r->compared : 0;
        v->integer_tensors += r->integer;
        v->float_tensors += !r->integer;
        if (r->integer) {
            v->compared += r->compared;
            v->different += r->different;
        } else
            v->max_relative = fmax(v->max_relative, r->max_relative);
    }
    for (int i = 0; i < c->g->values.n; i++)
        if (c->g->values.v[i]->producer && c->row[i] < 0)
            VEC_PUSH(c->arena, &missing, c->g->values.v[i]->name);
    v->n = c->rows.n;
    v->tensors = c->rows.v;
    v->n_missing = missing.n;
    v->missing = missing.v;
}

int vn_verify(struct verification **out, struct vn_arena *a, const char *onnx_path, const char *bin_path, const struct verify_options *o,
              const struct vn_listener *l, struct vn_err *e)
{
    struct runner *onnx, *bin;
    struct vn_pipeline *p = NULL;
    if (o->pipeline)
        TRY(vn_pipeline_parse(&p, a, o->pipeline, e));
    TRY(vn_runner_open(&onnx, a, onnx_path, &(struct runner_options){ .reference = 1 }, e));
    TRY(vn_runner_open(&bin, a, bin_path, &(struct runner_options){ .run = o->run }, e));
    TRY(same_interface(onnx, bin, e));
    struct check c = { .arena = a, .g = onnx->graph };
    c.reference = NEW_ARRAY(a, struct vn_tensor *, c.g->values.n);
    c.observed = NEW_ARRAY(a, struct vn_tensor *, c.g->values.n);
    c.row = NEW_ARRAY(a, int, c.g->values.n);
    for (int i = 0; i < c.g->values.n; i++)
        c.row[i] = -1;
    struct verification *v = NEW(a, struct verification);
    v->samples = o->n_files ? o->n_files : o->random_samples;
    int status = VN_OK;
    for (c.sample = 0; c.sample < v->samples && status == VN_OK; c.sample++) {
        c.scratch = vn_arena_new();
        status = verify_sample(&c, onnx, bin, o, p, e);
        vn_arena_free(&c.scratch);
        vn_progress(l, "verify", c.sample + 1, v->samples);
    }
    sum_up(v, &c);
    *out = v;
    return status;
}
