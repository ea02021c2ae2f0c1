/* Both sides of an alignment: traces from files, a pipeline and a model run on images, a configuration. */
#include "align/align.h"

#include "base/file.h"
#include "session/runner.h"

static int check_count(const struct trace *t, int n, struct vn_err *e)
{
    if (n == t->samples)
        return VN_OK;
    return vn_fail(e, VN_E_USAGE, "%d pictures for the %d of %s; one for each is required", n, t->samples,
                   t->path);
}

int vn_trace_sources(struct trace *t, const char *const *images, int n, struct vn_err *e)
{
    TRY(check_count(t, n, e));
    for (int i = 0; i < n; i++)
        t->sample[i].source = images[i];
    return VN_OK;
}

/* ---- two traces ---- */

static int read_two(struct sides *s, struct vn_arena *a, const struct vn_align_options *o, struct vn_err *e)
{
    if (vn_path_has_suffix(o->left, ".json") && vn_path_has_suffix(o->right, ".json"))
        return vn_trace_of_results(&s->t[0], &s->t[1], a, o->left, o->right, e);
    TRY(vn_trace_read(&s->t[0], a, o->left, e));
    TRY(vn_trace_read(&s->t[1], a, o->right, e));
    return o->n_images ? vn_trace_sources(&s->t[0], o->images, o->n_images, e) : VN_OK;
}

/* ---- a pipeline, and a model behind it ---- */

struct tracer {
    struct trace *t;
    struct vn_arena *a;
};

static int add_stage(void *user, const char *stage, const struct vn_frame *f, struct vn_err *e)
{
    struct tracer *t = user;
    (void)e;
    vn_trace_add(t->t, t->a, stage, vn_frame_tensor(f, t->a));
    return VN_OK;
}

static struct vn_tensor *copy_of(const struct vn_tensor *t, struct vn_arena *a)
{
    struct vn_tensor *y = NEW(a, struct vn_tensor);
    *y = *t;
    y->data = vn_arena_copy(a, t->data, vn_tensor_bytes(t));
    return y;
}

static int feed_result(struct feed *f, const struct runner *r, const struct vn_tensor *x, struct vn_err *e)
{
    char got[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
    const int64_t n = vn_shape_count(&r->in_shape[0]);
    if (r->n_in != 1 || !f->tensor[0] || r->kind != RUN_ONNX)
        return vn_fail(e, VN_E_USAGE, "%s: want an .onnx with one float input", r->path);
    if (vn_shape_count(&x->shape) != n)
        return vn_fail(e, VN_E_INPUT, "the pipeline gives %s, input %s of %s wants %s",
                       vn_shape_text(&x->shape, got), r->in_name[0], r->path,
                       vn_shape_text(&r->in_shape[0], want));
    for (int64_t i = 0; i < n; i++)
        f->tensor[0][i] = (float)vn_tensor_f64(x, i);
    return VN_OK;
}

/* The model on the pipeline's result: its first output, and all that the other side has, too. */
static int infer(struct sides *s, struct vn_arena *a, struct runner *r, const struct vn_tensor *x,
                 struct vn_err *e)
{
    struct feed f = vn_feed_new(r, a);
    TRY(feed_result(&f, r, x, e));
    TRY(vn_runner_run(r, &f, NULL, e));
    vn_trace_add(&s->t[0], a, "infer", copy_of(r->out[0], a));
    for (int i = 0; i < r->n_out; i++)
        if (vn_trace_find(&s->t[1], r->out_name[i]) >= 0 && strcmp(r->out_name[i], "infer"))
            vn_trace_add(&s->t[0], a, r->out_name[i], copy_of(r->out[i], a));
    return VN_OK;
}

static int run_image(struct sides *s, struct vn_arena *a, struct runner *r, const char *image,
                     const char *name, struct vn_err *e)
{
    struct trace *left = &s->t[0];
    struct tracer t = { left, a };
    struct vn_frame f;
    vn_trace_begin(left, a, name);
    left->sample[left->samples - 1].source = image;
    TRY(vn_pipeline_file(&f, a, s->pipeline, image, add_stage, &t, e));
    return r ? infer(s, a, r, vn_frame_tensor(&f, a), e) : VN_OK;
}

static int run_pipeline(struct sides *s, struct vn_arena *a, const struct vn_align_options *o,
                        struct vn_err *e)
{
    const struct runner_options options = { .run = o->run, .level = 3 };
    struct vn_pipeline *p;
    struct runner *r = NULL;
    TRY(vn_trace_read(&s->t[1], a, o->right, e));
    TRY(check_count(&s->t[1], o->n_images, e));
    TRY(vn_pipeline_parse(&p, a, o->left, e));
    s->pipeline = p;
    if (o->model)
        TRY(vn_runner_open(&r, a, o->model, &options, e));
    s->t[0].path = o->left;
    for (int i = 0; i < o->n_images; i++)
        TRY(run_image(s, a, r, o->images[i], s->t[1].sample[i].name, e));
    return VN_OK;
}

/* ---- which ---- */

static int read_config(struct sides *s, struct vn_arena *a, const struct vn_align_options *o,
                       struct vn_err *e)
{
    if (!o->model || o->n_images != 1)
        return vn_fail(e, VN_E_USAGE, "%s: a configuration requires a model and one image", o->left);
    return vn_trace_of_config(&s->t[0], &s->t[1], a, o->left, o->model, o->images[0], o->right, e);
}

int vn_sides_read(struct sides *out, struct vn_arena *a, const struct vn_align_options *o, struct vn_err *e)
{
    *out = (struct sides){ .pipeline = NULL };
    if (!o->left || !o->right)
        return vn_fail(e, VN_E_USAGE, "two sides are required");
    switch (o->sides) {
    case VN_ALIGN_PIPELINE: return run_pipeline(out, a, o, e);
    case VN_ALIGN_CONFIG: return read_config(out, a, o, e);
    default: return read_two(out, a, o, e);
    }
}
