/* check --data: are the calibration data what the configuration says? */
#include "convert/stages.h"

#include "base/file.h"
#include "front/front.h"

/* A folder of pictures or arrays for the only input of a model. */
static int folder_as_config(struct vn_conversion *c, const struct check_data_options *o, struct vn_err *e)
{
    const struct graph *g = c->original;
    if (g->inputs.n != 1)
        return vn_fail(e, VN_E_USAGE, "%s has %d inputs: check its data with a configuration, -c FILE.yaml",
                       o->model, g->inputs.n);
    vn_convert_feature_inputs(c);
    struct input_config *in = &c->config->inputs[0];
    const struct vn_shape *s = &g->inputs.v[0]->shape;
    const char **names;
    int n;
    in->cal_dir = o->folder;
    TRY(vn_dir_list(c->arena, o->folder, &names, &n, e));
    if (!n)
        return vn_fail(e, VN_E_INPUT, "%s: no files", o->folder);
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

static int check_data(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct check_data_options *o = options;
    if (o->config) {
        TRY(vn_convert_read_config(c, o->config, e));
        TRY(vn_convert_read_model(c, e));
        TRY(vn_convert_match_inputs(c, e));
        if (c->config->calibration_type == CALIBRATION_SKIP)
            return vn_fail(e, VN_E_INPUT, "%s: calibration_type is skip: there are no calibration data",
                           o->config);
    } else {
        const struct vn_onnx_options read = { .listener = &c->listener };
        TRY(vn_model_read(&c->original, c->arena, o->model, o->prototxt, &read, e));
    }
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    if (!o->config)
        TRY(folder_as_config(c, o, e));
    TRY(vn_samples_open(&c->samples, c->arena, c->config, c->original, e));
    return vn_dataset_check(&c->data, c->arena, c->config, c->original, c->samples, o->images, e);
}

int vn_check_data(struct vn_conversion **out, const struct check_data_options *o, struct vn_err *e)
{
    return vn_convert_guarded(out, check_data, o, NULL, &o->listener, e);
}
