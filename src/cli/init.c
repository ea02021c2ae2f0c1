/* vernier init - a filled-in configuration for a model. */
#include "base/file.h"
#include "cli/cli.h"
#include "config/config.h"
#include "front/front.h"

static const struct option_def options[] = {
    { "--output", 'o', "FILE", 0, 0, "where to write (default MODEL.yaml; an existing file is not overwritten)" },
    { "--full", 0, NULL, 0, 0, "every key that works, with its meaning" },
    { "--march", 0, "NAME", 0, 0, "target (default generic)" },
    MODEL_OPTIONS,
    SHAPE_OPTION,
    { "--cal-data-dir", 0, "DIR", 0, 0, "folder of calibration pictures or arrays" },
    { 0 },
};

struct text {
    struct vn_arena *arena;
    const char *s;
};

static void add(struct text *t, const char *more) { t->s = vn_arena_fmt(t->arena, "%s%s", t->s, more); }

static int is_image(const struct value *v)
{
    return v->dtype == VN_F32 && v->shape.rank == 4 && (v->shape.d[1] == 3 || v->shape.d[1] == 1 || v->shape.d[3] == 3 || v->shape.d[3] == 1);
}

/* One value per input with ; between. */
static const char *per_input(struct vn_arena *a, const struct graph *g, const char *(*of)(struct vn_arena *, const struct value *))
{
    const char *s = "";
    for (int i = 0; i < g->inputs.n; i++)
        s = vn_arena_fmt(a, "%s%s%s", s, i ? "; " : "", of(a, g->inputs.v[i]));
    return s;
}

static const char *name_of(struct vn_arena *a, const struct value *v)
{
    (void)a;
    return v->name;
}

static int channels_last(const struct value *v) { return is_image(v) && v->shape.d[1] != 3 && v->shape.d[1] != 1; }

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
    return vn_arena_fmt(a, "./calibration_data/%s", v->name);
}

static int any_image(const struct graph *g)
{
    for (int i = 0; i < g->inputs.n; i++)
        if (is_image(g->inputs.v[i]))
            return 1;
    return 0;
}

/* Keys that this file does not set, with their meaning, as comments. */
static void add_rest(struct text *t, const char *group, const char *used)
{
    for (int i = 0; vn_opt("--full") && i < vn_keys_count; i++) {
        const struct key *k = &vn_keys[i];
        if (strcmp(k->group, group) || k->state != KEY_WORKS || strstr(used, vn_arena_fmt(t->arena, " %s ", k->name)))
            continue;
        add(t, vn_arena_fmt(t->arena, "  # %s: %s   # %s%s%s\n", k->name, k->def ? k->def : "", k->help, k->words ? "; one of " : "",
                            k->words ? vn_word_list(t->arena, k->words, "|", 1) : ""));
    }
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

static const char *compose(struct vn_arena *a, const struct graph *g, const char *model, const char *march)
{
    struct text t = { a, "" };
    const char *stem = quoted(a, vn_path_stem(a, model)), *dir = vn_opt("--cal-data-dir");
    const int image = any_image(g);
    add(&t, vn_arena_fmt(a, "# Conversion of %s. Written by 'vernier init'; check the lines marked CHECK.\n", vn_path_base(model)));
    add(&t, "model_parameters:\n");
    if (vn_opt("--proto"))
        add(&t, vn_arena_fmt(a, "  caffe_model: '%s'\n  prototxt: '%s'\n", quoted(a, model), quoted(a, vn_opt("--proto"))));
    else
        add(&t, vn_arena_fmt(a, "  onnx_model: '%s'\n", quoted(a, model)));
    add(&t, vn_arena_fmt(a, "  march: '%s'\n  output_model_file_prefix: '%s'\n  working_dir: '%s_output'\n", march, stem, stem));
    add_rest(&t, "model_parameters", " onnx_model caffe_model prototxt march output_model_file_prefix working_dir ");
    add(&t, vn_arena_fmt(a, "input_parameters:\n  input_name: '%s'\n", per_input(a, g, name_of)));
    add(&t, vn_arena_fmt(a, "  input_type_train: '%s'   # CHECK: rgb or bgr, as in training\n", per_input(a, g, type_of)));
    add(&t, vn_arena_fmt(a, "  input_layout_train: '%s'\n", per_input(a, g, layout_of)));
    add(&t, vn_arena_fmt(a, "  input_type_rt: '%s'      # CHECK: what the device gives (rgb, bgr, yuv444, nv12, gray, featuremap)\n", per_input(a, g, type_of)));
    add(&t, vn_arena_fmt(a, "  input_shape: '%s'\n", per_input(a, g, shape_of)));
    add(&t, vn_arena_fmt(a, "  norm_type: '%s'   # CHECK: y = (pixel - mean_value) * scale_value, pixel in 0..255\n", per_input(a, g, norm_of)));
    if (image)
        add(&t, vn_arena_fmt(a, "  scale_value: '%s'   # CHECK: 1/255; for (x/255 - m)/s: mean_value 255*m, scale_value 1/(255*s)\n", per_input(a, g, scale_of)));
    add_rest(&t, "input_parameters", " input_name input_type_train input_layout_train input_type_rt input_shape norm_type scale_value ");
    add(&t, vn_arena_fmt(a, "calibration_parameters:\n  cal_data_dir: '%s'   # CHECK: about 100 samples\n", dir ? quoted(a, dir) : g->inputs.n > 1 ? per_input(a, g, folder_of) : "./calibration_data"));
    if (image)
        add(&t, "  preprocess_on: True      # the folder holds pictures\n");
    else
        add(&t, "  cal_data_type: 'float32'\n");
    add(&t, "  calibration_type: 'default'\n");
    add_rest(&t, "calibration_parameters", image ? " cal_data_dir preprocess_on calibration_type cal_data_type " : " cal_data_dir calibration_type cal_data_type ");
    add(&t, "compiler_parameters:\n  optimize_level: 'O3'\n");
    return t.s;
}

static void note(void *user, enum vn_log_level level, const char *text)
{
    (void)user;
    (void)level;
    fprintf(stderr, "note: %s\n", text);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words, *march = vn_opt("--march") ? vn_opt("--march") : "generic";
    vn_words(&words);
    struct graph *g;
    struct target t;
    const char **names, **texts;
    const struct vn_listener listener = { .log = note };
    struct vn_onnx_options o = { .listener = &listener };
    TRY(vn_target_read(&t, a, march, e));
    TRY(vn_opt_shapes(&names, &texts, &o.n_shapes, a, e));
    struct vn_onnx_input_shape *shapes = NEW_ARRAY(a, struct vn_onnx_input_shape, o.n_shapes);
    for (int i = 0; i < o.n_shapes; i++) {
        shapes[i].name = names[i];
        TRY(vn_shape_parse(&shapes[i].shape, texts[i], e));
    }
    o.shapes = shapes;
    TRY(vn_model_read(&g, a, words[0], vn_opt("--proto"), &o, e));
    const char *path = vn_opt("--output") ? vn_opt("--output") : vn_arena_fmt(a, "%s.yaml", vn_path_stem(a, words[0]));
    if (vn_file_exists(path))
        return vn_fail(e, VN_E_USAGE, "%s exists already; name another file with --output", path);
    const char *text = compose(a, g, words[0], march);
    TRY(vn_file_write(path, text, strlen(text), e));
    printf("%s written. Check the lines marked CHECK, then: vernier convert -c %s\n", path, path);
    return EXIT_DONE;
}

const struct command vn_cmd_init = { "init", "MODEL.onnx|MODEL.caffemodel [options]", "write a configuration for a model", options, 1, 1, run };
