/* init: a configuration for a model, with guesses. */
#include "convert/stages.h"

#include "base/file.h"

struct vn_configuration {
    struct vn_conversion *c;
    const char *path, *text;
};

struct text {
    struct vn_arena *arena;
    const char *s;
    int full; /* with the keys that are left out, as comments */
};

static void add(struct text *t, const char *more) { t->s = vn_arena_fmt(t->arena, "%s%s", t->s, more); }

static int is_image(const struct value *v)
{
    return v->dtype == VN_F32 && v->shape.rank == 4 &&
           (v->shape.d[1] == 3 || v->shape.d[1] == 1 || v->shape.d[3] == 3 || v->shape.d[3] == 1);
}

typedef const char *value_text(struct vn_arena *a, const struct value *v);

/* One value per input with ; between. */
static const char *per_input(struct vn_arena *a, const struct graph *g, value_text *of)
{
    const char *s = "";
    for (int i = 0; i < g->inputs.n; i++)
        s = vn_arena_fmt(a, "%s%s%s", s, i ? "; " : "", of(a, g->inputs.v[i]));
    return s;
}

/* For a YAML string in single quotes. */
static const char *quoted(struct vn_arena *a, const char *s)
{
    char *q = vn_arena_alloc(a, 2 * strlen(s) + 1), *p = q;
    for (; *s; s++) {
        *p++ = *s;
        if (*s == '\'')
            *p++ = '\'';
    }
    return q;
}

/* Names of inputs are separated by ; in a configuration: the only input needs none. */
static const char *name_of(struct vn_arena *a, const struct value *v)
{
    return strchr(v->name, ';') ? "" : quoted(a, v->name);
}

static int check_names(const struct graph *g, struct vn_err *e)
{
    for (int i = 0; g->inputs.n > 1 && i < g->inputs.n; i++)
        if (strchr(g->inputs.v[i]->name, ';'))
            return vn_fail(e, VN_E_UNSUPPORTED,
                           "%s: input '%s': a configuration separates the names of inputs by ';': rename it "
                           "in the network",
                           g->source, g->inputs.v[i]->name);
    return VN_OK;
}

static int channels_last(const struct value *v)
{
    return is_image(v) && v->shape.d[1] != 3 && v->shape.d[1] != 1;
}

static const char *type_of(struct vn_arena *a, const struct value *v)
{
    (void)a;
    const int gray = is_image(v) && v->shape.d[channels_last(v) ? 3 : 1] == 1;
    return vn_input_type_word(!is_image(v) ? VN_IN_FEATUREMAP : gray ? VN_IN_GRAY : VN_IN_RGB);
}

static const char *layout_of(struct vn_arena *a, const struct value *v)
{
    (void)a;
    return vn_layout_word(channels_last(v) ? LAYOUT_NHWC : LAYOUT_NCHW);
}

static const char *shape_of(struct vn_arena *a, const struct value *v)
{
    char text[VN_SHAPE_TEXT];
    return vn_arena_str(a, vn_shape_text(&v->shape, text));
}

static const char *norm_of(struct vn_arena *a, const struct value *v)
{
    (void)a;
    return vn_word_of(vn_words_norm_type, is_image(v) ? NORM_SCALE : NORM_NONE);
}

static const char *scale_of(struct vn_arena *a, const struct value *v)
{
    (void)a;
    return is_image(v) ? "0.003921568627" : "None";
}

static const char *folder_of(struct vn_arena *a, const struct value *v)
{
    return vn_arena_fmt(a, "./calibration_data/%s", quoted(a, v->name));
}

static int any_image(const struct graph *g)
{
    for (int i = 0; i < g->inputs.n; i++)
        if (is_image(g->inputs.v[i]))
            return 1;
    return 0;
}

static int any_of(const struct graph *g, value_text *of, const char *word)
{
    for (int i = 0; i < g->inputs.n; i++)
        if (!strcmp(of(NULL, g->inputs.v[i]), word))
            return 1;
    return 0;
}

static int is_map(const struct value *v) { return v->shape.rank == 4; }

static int any_map(const struct graph *g)
{
    for (int i = 0; i < g->inputs.n; i++)
        if (is_map(g->inputs.v[i]))
            return 1;
    return 0;
}

/* Of raw files; "": it has no word for that type, and files say it themselves. */
static const char *data_type_of(struct vn_arena *a, const struct value *v)
{
    (void)a;
    return v->dtype == VN_F32 || v->dtype == VN_U8 ? vn_word_of(vn_words_cal_data_type, (int)v->dtype) : "";
}

/* Keys that this file does not set, with their meaning, as comments. */
static void add_rest(struct text *t, const char *group, const char *used)
{
    for (int i = 0; t->full && i < vn_keys_count; i++) {
        const struct key *k = &vn_keys[i];
        if (strcmp(k->group, group) || k->state != KEY_WORKS ||
            strstr(used, vn_arena_fmt(t->arena, " %s ", k->name)))
            continue;
        add(t,
            vn_arena_fmt(t->arena, "  # %s: %s   # %s%s%s\n", k->name, k->def ? k->def : "", k->help,
                         k->words ? "; one of " : "", k->words ? vn_word_list(t->arena, k->words, "|") : ""));
    }
}

static void add_model(struct text *t, const struct vn_source *source, const char *march)
{
    struct vn_arena *a = t->arena;
    const char *stem = quoted(a, vn_path_stem(a, source->model)), *model = quoted(a, source->model);
    add(t, vn_arena_fmt(a, "# Conversion of %s. Written by 'vernier init'; check the lines marked CHECK.\n",
                        vn_path_base(source->model)));
    add(t, "model_parameters:\n");
    if (source->prototxt)
        add(t,
            vn_arena_fmt(a, "  caffe_model: '%s'\n  prototxt: '%s'\n", model, quoted(a, source->prototxt)));
    else
        add(t, vn_arena_fmt(a, "  onnx_model: '%s'\n", model));
    add(t, vn_arena_fmt(a, "  march: '%s'\n  output_model_file_prefix: '%s'\n  working_dir: '%s_output'\n",
                        march, stem, stem));
    add_rest(t, "model_parameters",
             " onnx_model caffe_model prototxt march output_model_file_prefix working_dir ");
}

/* A key with one value per input, and a comment. */
static void add_line(struct text *t, const struct graph *g, const char *key, value_text *of,
                     const char *behind)
{
    add(t, vn_arena_fmt(t->arena, "  %s: '%s'%s\n", key, per_input(t->arena, g, of), behind));
}

static void add_inputs(struct text *t, const struct graph *g, const struct vn_source *source)
{
    add(t, "input_parameters:\n");
    for (int i = 0; i < source->n_values; i++)
        add(t, vn_arena_fmt(t->arena, "%s%s%s", i ? "; " : "  input_value: '",
                            quoted(t->arena, source->values[i]), i + 1 < source->n_values ? "" : "'\n"));
    add_line(t, g, "input_name", name_of, "");
    add_line(t, g, "input_type_train", type_of,
             any_of(g, type_of, "rgb") ? "   # CHECK: rgb or bgr, as in training" : "");
    add_line(t, g, "input_layout_train", layout_of, "");
    add_line(t, g, "input_type_rt", type_of,
             any_map(g)
                 ? "      # CHECK: type of the device's input (rgb, bgr, yuv444, nv12, gray, featuremap)"
                 : "");
    add_line(t, g, "input_shape", shape_of, "");
    add_line(t, g, "norm_type", norm_of,
             any_image(g) ? "   # CHECK: y = (pixel - mean_value) * scale_value, pixel in 0..255" : "");
    if (any_image(g))
        add_line(t, g, "scale_value", scale_of,
                 "   # CHECK: 1/255; for (x/255 - m)/s: mean_value 255*m, scale_value 1/(255*s)");
    add_rest(t, "input_parameters",
             " input_value input_name input_type_train input_layout_train input_type_rt input_shape "
             "norm_type scale_value ");
}

static int brings_scales(const struct graph *g)
{
    for (int i = 0; i < g->values.n; i++)
        if (g->values.v[i]->q)
            return 1;
    return 0;
}

static void add_calibration(struct text *t, const struct graph *g, const char *dir)
{
    struct vn_arena *a = t->arena;
    const int image = any_image(g);
    const char *guess = g->inputs.n > 1 ? per_input(a, g, folder_of) : "./calibration_data";
    add(t, "calibration_parameters:\n");
    add(t,
        vn_arena_fmt(a, "  cal_data_dir: '%s'   # CHECK: about 100 samples\n", dir ? quoted(a, dir) : guess));
    if (image)
        add(t, any_of(g, type_of, "featuremap") ? "  preprocess_on: True      # folders of rgb and gray "
                                                  "inputs hold images, of featuremap inputs arrays\n"
                                                : "  preprocess_on: True      # the folder holds images\n");
    else if (!any_of(g, data_type_of, ""))
        add_line(t, g, "cal_data_type", data_type_of, "");
    add(t, brings_scales(g)
               ? "  calibration_type: 'load'   # keeps the network's own scales; default computes new ones\n"
               : "  calibration_type: 'default'\n");
    add_rest(t, "calibration_parameters",
             image ? " cal_data_dir preprocess_on calibration_type cal_data_type "
                   : " cal_data_dir calibration_type cal_data_type ");
}

static const char *compose(struct vn_arena *a, const struct graph *g, const struct vn_init_options *o,
                           const char *march)
{
    struct text t = { a, "", o->full };
    add_model(&t, &o->source, march);
    add_inputs(&t, g, &o->source);
    add_calibration(&t, g, o->data_dir);
    add(&t, "compiler_parameters:\n  optimize_level: 'O3'\n");
    return t.s;
}

/* All that a conversion needs, but for data. */
static int try_model(struct vn_conversion *c, struct vn_err *e)
{
    struct compile_options o;
    struct vn_image image;
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    vn_convert_feature_inputs(c);
    TRY(vn_convert_optimize(c, e));
    vn_compile_defaults(&o);
    return vn_compile(&image, c->arena, c->optimized, &o, e);
}

static int init(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct vn_init_options *o = options;
    const char *march = o->march ? o->march : "generic", *model = o->source.model;
    struct vn_configuration *made = c->configuration = NEW(c->kept, struct vn_configuration);
    made->c = c;
    made->path = o->output ? vn_arena_str(c->kept, o->output)
                           : vn_arena_fmt(c->kept, "%s.yaml", vn_path_stem(c->arena, model));
    TRY(vn_target_read(&c->target, c->arena, march, e));
    TRY(vn_convert_read_named(c, &o->source, NULL, e));
    if (vn_file_exists(made->path))
        return vn_fail(e, VN_E_USAGE, "%s already exists; choose another file with --output", made->path);
    TRY(check_names(c->original, e));
    TRY(try_model(c, e));
    made->text = vn_arena_str(c->kept, compose(c->arena, c->original, o, march));
    return vn_file_write(made->path, made->text, strlen(made->text), e);
}

void vn_init_options_default(struct vn_init_options *o) { *o = (struct vn_init_options){ 0 }; }

int vn_init(struct vn_configuration **out, const struct vn_init_options *o, struct vn_err *e)
{
    struct vn_conversion *c;
    const int status = vn_convert_guarded(&c, init, o, NULL, &o->listener, e);
    *out = status < 0 ? NULL : c->configuration;
    return status;
}

void vn_configuration_free(struct vn_configuration **c)
{
    if (c && *c)
        vn_conversion_free(&(struct vn_conversion *){ (*c)->c });
    if (c)
        *c = NULL;
}

const char *vn_configuration_path(const struct vn_configuration *c) { return c->path; }
const char *vn_configuration_text(const struct vn_configuration *c) { return c->text; }
