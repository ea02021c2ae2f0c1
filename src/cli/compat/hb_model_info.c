/* hb_model_info [-m NAME] BIN: what a .bin says of itself. */
#include <string.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--model-name", 'm', "NAME", 0, 0, "only this model of a pack" },
    { 0 },
};

static void field(FILE *f, const char *key, const char *text)
{
    fprintf(f, "%-20s: %s\n", key, vn_shown(text, (char[VN_SHOWN]){ 0 }));
}

static void heading(FILE *f, const char *text) { fprintf(f, "############# %s info #############\n", text); }

/* "compiler_parameters", ...: keys of metadata that begin with a group's name and '.'. */
static void print_group(FILE *f, const struct vn_session *s, const char *group)
{
    const char *key, *text;
    const size_t n = strlen(group);
    heading(f, group);
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        if (!strncmp(key, group, n) && key[n] == '.')
            field(f, key + n + 1, text);
}

static void print_versions(FILE *f, const struct vn_session *s)
{
    static const char *const parts[] = { "hb_mapper", "hbdk", "hbdk runtime", "horizon_nn" };
    const char *made = vn_session_meta(s, "vernier.version");
    char key[32], text[64];
    snprintf(text, sizeof text, "%s (vernier)", made ? made : "-");
    heading(f, "model deps");
    for (int i = 0; i < 4; i++) {
        snprintf(key, sizeof key, "%s version", parts[i]);
        field(f, key, text);
    }
}

static int is_caffe(const char *file)
{
    const char *dot = file ? strrchr(file, '.') : NULL;
    return dot && !strcmp(dot, ".caffemodel");
}

/* Where it is now: a .bin has no paths. */
static void print_folder(FILE *f, const char *path)
{
    struct vn_arena *a = vn_arena_new();
    field(f, "working dir", vn_path_folder(a, path));
    vn_arena_free(&a);
}

/* The vendor's tool prints its default level. */
static const char *log_level(const struct vn_session *s)
{
    return vn_session_meta(s, "model_parameters.log_level") ? NULL : "DEBUG";
}

static void print_model(FILE *f, const struct vn_session *s)
{
    const char *file = vn_session_meta(s, "model.file");
    const struct {
        const char *key, *text;
    } fields[] = { { is_caffe(file) ? "caffe_model" : "onnx_model", file },
                   { "model hash", vn_session_meta(s, "model.hash") },
                   { "BPU march", vn_session_meta(s, "march") },
                   { "log_level", log_level(s) },
                   { "calibration method", vn_session_meta(s, "calibration.method") } };
    print_group(f, s, "model_parameters");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].text)
            field(f, fields[i].key, fields[i].text);
    print_folder(f, vn_session_path(s));
}

static void print_input(FILE *f, const struct vn_session *s, const struct vn_io *io)
{
    char shape[VN_TEXT_SHAPE], name[VN_SHOWN], key[512];
    const struct {
        const char *shown, *key, *otherwise; /* of programs that do not say it: what is known anyway */
    } fields[] = { { "input_name", "input_name", io->name },
                   { "input_type_rt", "input_type_rt", vn_text_input_type(io->type) },
                   { "input_space&range", "input_space_and_range", NULL },
                   { "input_layout_rt", "input_layout_rt", io->channels_last ? "NHWC" : "NCHW" },
                   { "input_type_train", "input_type_train", NULL },
                   { "input_layout_train", "input_layout_train", NULL },
                   { "norm_type", "norm_type", NULL },
                   { "input_shape", "input_shape", vn_text_shape(io->rank, io->shape, shape) },
                   { "mean_value", "mean_value", NULL },
                   { "scale_value", "scale_value", NULL },
                   { "cal_data_dir", "cal_data_dir", NULL },
                   { "cal_data_type", "cal_data_type", NULL },
                   { "input_source", "input_source", NULL } };
    fprintf(f, "---------input info : %s ---------\n", vn_shown(io->name, name));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        snprintf(key, sizeof key, "input_parameters.%s.%s", io->name, fields[i].key);
        const char *said = vn_session_meta(s, key);
        if (said || fields[i].otherwise)
            field(f, fields[i].shown, said ? said : fields[i].otherwise);
    }
    fprintf(f, "---------input info : %s end -------\n", name);
}

/* What the vendor's compiler would have been called with. */
static void print_compiler(FILE *f, const struct vn_session *s, const struct vn_io *in, int n)
{
    const char *level = vn_session_meta(s, "compiler_parameters.optimize_level");
    char key[512];
    print_group(f, s, "compiler_parameters");
    if (level)
        fprintf(f, "%-20s: --fast --%s\n", "hbdk_pass_through_params", level);
    fprintf(f, "%-20s: {", "input-source");
    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof key, "input_parameters.%s.input_source", in[i].name);
        const char *source = vn_session_meta(s, key);
        fprintf(f, "'%s': '%s', ", vn_shown(in[i].name, (char[VN_SHOWN]){ 0 }), source ? source : "ddr");
    }
    fprintf(f, "'_default_value': 'ddr'}\n");
}

/* As Python prints the vendor's enumeration; its numbers are known of two members. */
static void print_type(FILE *f, const struct vn_io *io, int input)
{
    static const char *const images[] = { NULL, "RGB", "BGR", "YUV444", "NV12: 7", "GRAY" };
    static const char *const numbers[] = {
        [VN_F32] = "F32: 5", [VN_U8] = "U8",   [VN_I8] = "S8",     [VN_U16] = "U16", [VN_I16] = "S16",
        [VN_I32] = "S32",    [VN_I64] = "S64", [VN_BOOL] = "BOOL", [VN_F16] = "F16", [VN_F64] = "F64",
        [VN_U32] = "U32",    [VN_U64] = "U64", [VN_BF16] = "BF16",
    };
    const int image = input && io->type != VN_IN_FEATUREMAP;
    fprintf(f, "<InputDataType.%s>", image ? images[io->type] : numbers[io->dtype]);
}

static void print_types(FILE *f, const char *what, const struct vn_io *io, int n, int inputs)
{
    fprintf(f, "model %-14s: [", what);
    for (int i = 0; i < n; i++) {
        fputs(i ? ", " : "", f);
        print_type(f, &io[i], inputs);
    }
    fputs("]\n", f);
}

static void print_deleted(FILE *f, const struct vn_session *s)
{
    static const char prefix[] = "deleted.";
    const char *key, *text;
    fprintf(f, "--------- deleted nodes -\n");
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        if (!strncmp(key, prefix, sizeof prefix - 1))
            fprintf(f, "deleted nodes: %s\n", vn_shown(key + sizeof prefix - 1, (char[VN_SHOWN]){ 0 }));
}

void vn_compat_print_info(FILE *f, const struct vn_session *s)
{
    int n_in, n_out;
    const struct vn_io *in = vn_model_inputs(vn_session_model(s), &n_in),
                       *out = vn_model_outputs(vn_session_model(s), &n_out);
    print_versions(f, s);
    print_model(f, s);
    heading(f, "input_parameters");
    fprintf(f, "------\n");
    for (int i = 0; i < n_in; i++)
        print_input(f, s, &in[i]);
    print_group(f, s, "calibration_parameters");
    print_compiler(f, s, in, n_in);
    fprintf(f, "--------- input/output types -\n");
    print_types(f, "input types", in, n_in, 1);
    print_types(f, "output types", out, n_out, 0);
    print_deleted(f, s);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **file;
    struct compat_models m = { 0 };
    vn_words(&file);
    TRY(vn_compat_models(&m, a, 1, file, vn_opt("--model-name"), e));
    printf("Start hb_model_info....\nhb_model_info version " VN_VERSION " (vernier)\n");
    for (int i = 0; i < m.n; i++) {
        struct vn_session *s;
        TRY(vn_compat_open(&s, &m.v[i], e));
        printf("******** %s info *********\n", m.v[i].name);
        vn_compat_print_info(stdout, s);
        vn_session_close(&s);
    }
    return EXIT_DONE;
}

static const struct command info = { "", "FILE.bin", "print the metadata of a .bin", options, 1, 1, run };
static const struct command *const commands[] = { &info };
const struct tool vn_tool_hb_model_info = { "hb_model_info", "", commands, 1, 0, NULL };
