/* What the configuration said, as metadata of the .bin: GROUP.KEY, and input_parameters.INPUT.KEY. Paths are
 * left out, or have no folders: equal conversions give equal files wherever they run. */
#include "convert/stages.h"

#include "base/file.h"
#include "session/session.h"

static void note(struct vn_conversion *c, const char *group, const char *key, const char *text)
{
    if (text && *text)
        vn_graph_meta_set(c->program, vn_arena_fmt(c->arena, "%s.%s", group, key), text);
}

/* Keys that are not told here: of single inputs, and with paths. */
static int is_told_elsewhere(const struct key *k)
{
    static const char *const names[] = { "onnx_model",   "caffe_model",       "prototxt",      "march",
                                         "working_dir",  "cal_data_dir",      "cal_data_type", "pipeline",
                                         "quant_config", "op_register_files", "custom_op_dir", "cache_path" };
    if (!strcmp(k->group, "input_parameters"))
        return 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], k->name))
            return 1;
    return 0;
}

static const char *numbers(struct vn_arena *a, int n, const double *v)
{
    const char *text = "";
    for (int i = 0; i < n; i++)
        text = vn_arena_fmt(a, "%s%s%.9g", text, i ? " " : "", v[i]);
    return text;
}

/* Of a feature map: as the program takes it. */
static enum input_layout layout_rt(const struct vn_conversion *c, const struct input_config *in)
{
    const char *turned = in->type_rt == VN_IN_FEATUREMAP
                             ? vn_graph_meta(c->program, vn_arena_fmt(c->arena, VN_TURNED_KEY "%s", in->name))
                             : NULL;
    return turned ? LAYOUT_NHWC : in->layout_rt;
}

static void note_input(struct vn_conversion *c, const struct input_config *in, const struct value *v)
{
    const char *group = vn_arena_fmt(c->arena, "input_parameters.%s", v->name);
    char shape[VN_SHAPE_TEXT];
    note(c, group, "input_type_rt", vn_input_type_word(in->type_rt));
    note(c, group, "input_space_and_range", vn_word_of(vn_words_value_range, (int)in->range));
    note(c, group, "input_layout_rt", vn_layout_word(layout_rt(c, in)));
    note(c, group, "input_type_train", vn_input_type_word(in->type_train));
    note(c, group, "input_layout_train", vn_layout_word(in->layout_train));
    note(c, group, "norm_type", vn_word_of(vn_words_norm_type, (int)in->norm_type));
    note(c, group, "input_shape", vn_shape_text(&v->shape, shape));
    note(c, group, "mean_value", numbers(c->arena, in->n_mean, in->mean));
    note(c, group, "scale_value", numbers(c->arena, in->n_scale, in->scale));
    note(c, group, "cal_data_dir", in->cal_dir ? vn_path_base(in->cal_dir) : NULL);
    note(c, group, "cal_data_type",
         in->cal_type ? vn_word_of(vn_words_cal_data_type, (int)in->cal_type) : NULL);
    note(c, group, "input_source", vn_word_of(vn_words_input_source, (int)in->source));
}

/* What verification needs to make the same program of the quantized ONNX file. */
static void note_batch(struct vn_conversion *c)
{
    static const char *const keys[] = { "input_batch", "separate_batch", "separate_name" };
    for (int i = 0; i < 3; i++)
        note(c, "input_parameters", keys[i], vn_config_text(c->config, keys[i]));
}

void vn_convert_note_settings(struct vn_conversion *c)
{
    for (int i = 0; i < vn_keys_count; i++)
        if (!is_told_elsewhere(&vn_keys[i]))
            note(c, vn_keys[i].group, vn_keys[i].name, vn_config_text(c->config, vn_keys[i].name));
    for (int i = 0; i < c->program->inputs.n; i++)
        note_input(c, vn_convert_program_input(c, i), c->program->inputs.v[i]);
    if (c->config->batch > 1)
        note_batch(c);
}
