/* check --data: are the calibration data what the configuration says? */
#include "convert/stages.h"

#include "data/manifest.h"

struct vn_data_check {
    struct vn_conversion *c;
};

/* The type of raw files that prep wrote; else float32. */
static enum vn_dtype type_of(const char *folder, const char *file, struct vn_arena *a)
{
    struct vn_made made;
    const json_t *m = vn_manifest_read(a, folder);
    return m && vn_manifest_file(&made, m, file) ? made.dtype : VN_NONE;
}

/* A folder of images or arrays for the only input of a model. */
static int folder_as_config(struct vn_conversion *c, const struct vn_data_options *o, struct vn_err *e)
{
    const struct graph *g = c->original;
    if (g->inputs.n != 1)
        return vn_fail(
            e, VN_E_USAGE,
            "%s: expected a model with one input, got %d; use a configuration: check --data -c FILE.yaml",
            o->source.model, g->inputs.n);
    vn_convert_feature_inputs(c);
    struct input_config *in = &c->config->inputs[0];
    const struct vn_shape *s = &g->inputs.v[0]->shape;
    const char **names;
    int n;
    in->cal_dir = o->folder;
    TRY(vn_samples_files(&names, &n, c->arena, o->folder, e));
    if (!n)
        return vn_fail(e, VN_E_INPUT, "%s: no files", o->folder);
    in->cal_type = type_of(o->folder, names[0], c->arena);
    if (!vn_picture_is_image_name(names[0]) || s->rank != 4 ||
        (s->d[1] != 3 && s->d[1] != 1 && s->d[3] != 3 && s->d[3] != 1))
        return VN_OK;
    const int last = s->d[1] != 3 && s->d[1] != 1;
    c->config->preprocess_on = 1;
    in->type_train = in->type_rt = s->d[last ? 3 : 1] == 1 ? VN_IN_GRAY : VN_IN_RGB;
    in->layout_train = in->layout_rt = last ? LAYOUT_NHWC : LAYOUT_NCHW;
    in->cal_type = VN_U8;
    return VN_OK;
}

static int model_of_config(struct vn_conversion *c, struct vn_err *e)
{
    if (!c->config->model)
        return VN_OK;
    TRY(vn_convert_read_model(c, e));
    TRY(vn_convert_match_inputs(c, e));
    return vn_convert_check_layouts(c, e);
}

static int read_configured(struct vn_conversion *c, const char *config, struct vn_err *e)
{
    TRY(vn_convert_read_config(c, config, e));
    TRY(vn_convert_note(c, model_of_config(c, e), e));
    TRY(vn_samples_check(c->config, c->arena, e));
    TRY(vn_convert_verdict(c, e));
    return c->config->random_data
               ? vn_fail(e, VN_E_INPUT, "%s: calibration_type is skip: no calibration data to check", config)
               : VN_OK;
}

static int check_data(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct vn_data_options *o = options;
    struct data_report r;
    TRY(o->config ? read_configured(c, o->config, e) : vn_convert_read_named(c, &o->source, NULL, e));
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    if (!o->config)
        TRY(folder_as_config(c, o, e));
    TRY(vn_samples_open(&c->samples, c->arena, c->config, c->original, e));
    TRY(vn_dataset_check(&r, c->arena, c->config, c->original, c->samples, o->images,
                         vn_convert_masked_inputs(c), e));
    vn_convert_keep_findings(c, &r);
    if (o->config)
        vn_convert_judge_inputs(c);
    c->data_check = NEW(c->kept, struct vn_data_check);
    c->data_check->c = c;
    return VN_OK;
}

void vn_data_options_default(struct vn_data_options *o) { *o = (struct vn_data_options){ 0 }; }

int vn_check_data(struct vn_data_check **out, const struct vn_data_options *o, struct vn_err *e)
{
    struct vn_conversion *c;
    const int status = vn_convert_guarded(&c, check_data, o, NULL, &o->listener, e);
    *out = status < 0 ? NULL : c->data_check;
    return status;
}

void vn_data_check_free(struct vn_data_check **d)
{
    if (d && *d)
        vn_conversion_free(&(struct vn_conversion *){ (*d)->c });
    if (d)
        *d = NULL;
}

int vn_data_check_samples(const struct vn_data_check *d) { return d->c->samples_count; }

const struct vn_finding *vn_data_check_findings(const struct vn_data_check *d, int *n)
{
    return vn_conversion_findings(d->c, n);
}
