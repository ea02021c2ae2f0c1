/* The calibration data of a configuration as a trace, beside one array of the training program. */
#include "align/align.h"

#include "base/file.h"
#include "data/manifest.h"
#include "front/front.h"
#include "inspect/inspect.h"
#include "tensor/npy.h"

static int add_pixels(void *user, const char *stage, const struct vn_frame *f, struct vn_err *e)
{
    struct trace **t = user;
    struct vn_arena *a = (struct vn_arena *)t[2];
    (void)e;
    for (int i = 0; i < 2; i++)
        vn_trace_add(t[i], a, stage, vn_frame_tensor(f, a));
    return VN_OK;
}

/* What the network sees: training pixels, (x - mean) * scale, in the training layout. */
static struct vn_tensor *normalised(struct vn_arena *a, const uint8_t *train, const struct vn_pixel_format *f,
                                    const struct input_config *in)
{
    const int c = vn_pixel_channels(f), last = f->channels_last_train;
    const size_t n = (size_t)f->w * f->h;
    const struct vn_shape s = last ? vn_shape_of(4, (const int64_t[]){ 1, f->h, f->w, c })
                                   : vn_shape_of(4, (const int64_t[]){ 1, c, f->h, f->w });
    struct vn_tensor *t = vn_tensor_new(a, VN_F32, &s);
    float *y = t->data;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < c; k++) {
            const double mean = in->n_mean ? in->mean[k % in->n_mean] : 0,
                         scale = in->n_scale ? in->scale[k % in->n_scale] : 1;
            y[last ? i * c + k : k * n + i] = (float)((train[i * c + k] - mean) * scale);
        }
    return t;
}

/* How the device and training see the one input. */
static int read_input(struct vn_pixel_format *f, struct config *c, struct vn_arena *a, const char *model,
                      struct vn_err *e)
{
    struct graph *g;
    TRY(vn_model_read(&g, a, model, NULL, NULL, e));
    const char **names = NEW_ARRAY(a, const char *, g->inputs.n);
    for (int i = 0; i < g->inputs.n; i++)
        names[i] = g->inputs.v[i]->name;
    TRY(vn_config_match_inputs(c, a, g->inputs.n, names, e));
    if (g->inputs.n != 1)
        return vn_fail(e, VN_E_INPUT, "%s: expected a network with one input, got %d", model, g->inputs.n);
    if (c->inputs[0].type_rt == VN_IN_FEATUREMAP)
        return vn_config_fail(
            c, vn_config_given(c, "input_type_rt"), e, VN_E_INPUT,
            "expected an image input type; use --pipeline instead of --yaml for a featuremap");
    if (g->inputs.v[0]->shape.rank != 4 || !vn_input_format(f, &c->inputs[0], &g->inputs.v[0]->shape))
        return vn_fail(e, VN_E_INPUT, "%s: expected an input of 4 axes", model);
    if (f->w < 1 || f->h < 1)
        return vn_fail(e, VN_E_INPUT, "%s: the input has no fixed size", model);
    return VN_OK;
}

int vn_trace_of_config(struct trace *left, struct trace *right, struct vn_arena *a, const char *yaml,
                       const char *model, const char *image, const char *reference, struct vn_err *e)
{
    struct config *c;
    struct vn_pixel_format f;
    struct vn_pipeline *p = NULL;
    struct vn_tensor *t;
    TRY(vn_config_read(&c, a, yaml, e));
    TRY(read_input(&f, c, a, model, e));
    if (c->pipeline)
        TRY(vn_pipeline_parse(&p, a, c->pipeline, e));
    else if (!c->preprocess_on && c->inputs[0].cal_dir)
        p = vn_manifest_steps(a, c->inputs[0].cal_dir); /* as prep made the calibration data */
    *left = (struct trace){ .path = yaml };
    *right = (struct trace){ .path = reference };
    vn_trace_begin(left, a, "");
    vn_trace_begin(right, a, "");
    left->sample[0].source = right->sample[0].source = image;
    void *both[3] = { left, right, a };
    struct vn_pipeline none = { .path = NULL };
    struct vn_frame frame;
    TRY(vn_pipeline_file(&frame, a, p ? p : &none, image, add_pixels, both, e));
    TRY(vn_pipeline_pixels(&frame, a, p, image, e));
    struct vn_picture pixels = frame.p;
    if (!p)
        vn_resize_pillow_bilinear(&pixels, a, &pixels, f.w, f.h);
    if (pixels.w != f.w || pixels.h != f.h)
        return vn_fail(e, VN_E_INPUT,
                       "%s: the pipeline yields %d x %d pixels, expected %d x %d for the input", image,
                       pixels.w, pixels.h, f.w, f.h);
    uint8_t *train = NEW_ARRAY(a, uint8_t, (size_t)f.w * f.h * 3);
    vn_pixels_train(train, &pixels, &f);
    right->assumed = right->n;
    vn_trace_add(left, a, "input", normalised(a, train, &f, &c->inputs[0]));
    TRY(vn_npy_read(&t, a, reference, e));
    vn_trace_add(right, a, "input", t);
    return VN_OK;
}
