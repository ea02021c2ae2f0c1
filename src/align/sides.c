/* Both sides of an alignment: traces from files, a pipeline and a model run on images, a configuration. */
#include "align/align.h"

#include "base/file.h"
#include "session/session.h"

static int check_count(const struct trace *t, int n, struct vn_err *e)
{
    if (n == t->samples)
        return VN_OK;
    return vn_fail(e, VN_E_USAGE, "%d images, expected %d, one per folder of %s", n, t->samples, t->path);
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
    const struct raw_forms raw = { o->raw, o->n_raw };
    TRY(vn_trace_read(&s->t[0], a, o->left, &raw, e));
    TRY(vn_trace_read(&s->t[1], a, o->right, &raw, e));
    if (!vn_dir_exists(o->left) && !vn_dir_exists(o->right) && s->t[0].n == 1 && s->t[1].n == 1)
        s->t[1].stage = s->t[0].stage; /* two arrays: whatever their files are called */
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

static int add_output(struct trace *t, const char *stage, const struct vn_session *model, int i,
                      struct vn_arena *a, struct vn_err *e)
{
    struct vn_view v;
    TRY(vn_session_output(model, i, &v, e));
    vn_trace_add(t, a, stage, vn_view_tensor(&v, a));
    return VN_OK;
}

static int feed_result(struct vn_session *model, const struct vn_tensor *x, struct vn_arena *a,
                       struct vn_err *e)
{
    char got[VN_SHAPE_TEXT], expected[VN_SHAPE_TEXT];
    int n;
    const struct vn_port *in = vn_session_inputs(model, &n);
    const char *path = vn_session_path(model);
    if (n != 1 || in->dtype != VN_F32 || vn_session_kind(model) == VN_ARTEFACT_BIN)
        return vn_fail(e, VN_E_USAGE, "%s: expected an .onnx with one float input", path);
    const struct vn_shape shape = vn_shape_of(in->rank, in->shape);
    if (vn_shape_count(&x->shape) != vn_shape_count(&shape))
        return vn_fail(e, VN_E_INPUT, "the pipeline yields %s, input %s of %s requires %s",
                       vn_shape_text(&x->shape, got), in->name, path, vn_shape_text(&shape, expected));
    return vn_session_feed_array(model, 0, VN_F32, in->rank, in->shape, NULL,
                                 vn_tensor_cast(a, x, VN_F32)->data, e);
}

/* The model on the pipeline's result: its first output, and all that the other side has, too. */
static int infer(struct sides *s, struct vn_arena *a, struct vn_session *model, const struct vn_tensor *x,
                 struct vn_err *e)
{
    int n;
    const struct vn_port *out = vn_session_outputs(model, &n);
    TRY(feed_result(model, x, a, e));
    TRY(vn_session_run(model, e));
    TRY(add_output(&s->t[0], "infer", model, 0, a, e));
    for (int i = 0; i < n; i++)
        if (vn_trace_find(&s->t[1], out[i].name) >= 0 && strcmp(out[i].name, "infer"))
            TRY(add_output(&s->t[0], out[i].name, model, i, a, e));
    return VN_OK;
}

static int run_image(struct sides *s, struct vn_arena *a, struct vn_session *model, const char *image,
                     const char *name, struct vn_err *e)
{
    struct trace *left = &s->t[0];
    struct tracer t = { left, a };
    struct vn_frame f;
    vn_trace_begin(left, a, name);
    left->sample[left->samples - 1].source = image;
    TRY(vn_pipeline_file(&f, a, s->pipeline, image, add_stage, &t, e));
    return model ? infer(s, a, model, vn_frame_tensor(&f, a), e) : VN_OK;
}

static int run_pipeline(struct sides *s, struct vn_arena *a, const struct vn_align_options *o,
                        struct vn_err *e)
{
    struct vn_session_options options;
    struct vn_session **model = vn_session_slot(a);
    struct vn_pipeline *p;
    vn_session_options_default(&options);
    options.run = o->run;
    TRY(vn_trace_read(&s->t[1], a, o->right, &(struct raw_forms){ o->raw, o->n_raw }, e));
    TRY(check_count(&s->t[1], o->n_images, e));
    TRY(vn_pipeline_parse(&p, a, o->left, e));
    s->pipeline = p;
    options.inputs = o->inputs;
    if (o->model)
        TRY(vn_session_open(model, o->model, &options, e));
    s->t[0].path = o->left;
    for (int i = 0; i < o->n_images; i++)
        TRY(run_image(s, a, *model, o->images[i], s->t[1].sample[i].name, e));
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
