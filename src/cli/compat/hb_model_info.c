/* hb_model_info [-m NAME] BIN: what a .bin says of itself. */
#include <string.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--model-name", 'm', "NAME", 0, 0, "only this model of a pack" },
    { 0 },
};

static void field(const char *key, const char *text)
{
    printf("%-20s: %s\n", key, vn_shown(text, (char[VN_SHOWN]){ 0 }));
}

static void heading(const char *text) { printf("############# %s info #############\n", text); }

/* "compiler_parameters", ...: keys of metadata that begin with a group's name and '.'. */
static void print_group(const struct vn_session *s, const char *group)
{
    const char *key, *text;
    const size_t n = strlen(group);
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        if (!strncmp(key, group, n) && key[n] == '.')
            field(key + n + 1, text);
}

/* Of programs that do not say it, what is known anyway. */
static void input_field(const struct vn_session *s, const char *input, const char *key, const char *otherwise,
                        struct vn_arena *a)
{
    const char *said = vn_session_meta(s, vn_arena_fmt(a, "input_parameters.%s.%s", input, key));
    if (said || otherwise)
        field(key, said ? said : otherwise);
}

static void print_input(const struct vn_session *s, const struct vn_io *io, struct vn_arena *a)
{
    static const char *const keys[] = {
        "input_space_and_range", "input_type_train", "input_layout_train", "norm_type",   "mean_value",
        "scale_value",           "cal_data_dir",     "cal_data_type",      "input_source"
    };
    char shape[VN_TEXT_SHAPE], name[VN_SHOWN];
    printf("---------input info : %s ---------\n", vn_shown(io->name, name));
    field("input_name", io->name);
    input_field(s, io->name, "input_type_rt", vn_text_input_type(io->type), a);
    input_field(s, io->name, "input_layout_rt", io->channels_last ? "NHWC" : "NCHW", a);
    input_field(s, io->name, "input_shape", vn_text_shape(io->rank, io->shape, shape), a);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        input_field(s, io->name, keys[i], NULL, a);
    printf("---------input info : %s end -------\n", name);
}

static void print_types(const struct vn_io *in, int n_in, const struct vn_io *out, int n_out)
{
    printf("--------- input/output types -\nmodel input types   : [");
    for (int i = 0; i < n_in; i++)
        printf("%s%s", i ? ", " : "",
               in[i].type == VN_IN_FEATUREMAP ? vn_text_dtype(in[i].dtype) : vn_text_input_type(in[i].type));
    printf("]\nmodel output types  : [");
    for (int i = 0; i < n_out; i++)
        printf("%s%s", i ? ", " : "", vn_text_dtype(out[i].dtype));
    printf("]\n");
}

static void print_deleted(const struct vn_session *s)
{
    static const char prefix[] = "deleted.";
    const char *key, *text;
    printf("--------- deleted nodes -\n");
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        if (!strncmp(key, prefix, sizeof prefix - 1))
            printf("deleted nodes: %s\n", vn_shown(key + sizeof prefix - 1, (char[VN_SHOWN]){ 0 }));
}

static void print_all(const struct vn_session *s, const char *name, struct vn_arena *a)
{
    static const char *const meta[][2] = { { "model.file", "model" },
                                           { "model.hash", "model hash" },
                                           { "march", "BPU march" },
                                           { "calibration.method", "calibration method" } };
    int n_in, n_out;
    const struct vn_io *in = vn_model_inputs(vn_session_model(s), &n_in),
                       *out = vn_model_outputs(vn_session_model(s), &n_out);
    printf("******** %s info *********\n", name);
    heading("model deps");
    field("vernier version",
          vn_session_meta(s, "vernier.version") ? vn_session_meta(s, "vernier.version") : "-");
    heading("model_parameters");
    for (size_t i = 0; i < sizeof meta / sizeof *meta; i++)
        if (vn_session_meta(s, meta[i][0]))
            field(meta[i][1], vn_session_meta(s, meta[i][0]));
    print_group(s, "model_parameters");
    heading("input_parameters");
    printf("------\n");
    for (int i = 0; i < n_in; i++)
        print_input(s, &in[i], a);
    heading("calibration_parameters");
    print_group(s, "calibration_parameters");
    heading("compiler_parameters");
    print_group(s, "compiler_parameters");
    print_types(in, n_in, out, n_out);
    print_deleted(s);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **file;
    struct compat_models m = { 0 };
    vn_words(&file);
    TRY(vn_compat_models(&m, a, 1, file, vn_opt("--model-name"), e));
    printf("Start hb_model_info....\nvernier version " VN_VERSION "\n");
    for (int i = 0; i < m.n; i++) {
        struct vn_session *s;
        TRY(vn_compat_open(&s, &m.v[i], e));
        print_all(s, m.v[i].name, a);
        vn_session_close(&s);
    }
    return EXIT_DONE;
}

static const struct command info = { "", "FILE.bin", "print what a .bin says of itself", options, 1, 1, run };
static const struct command *const commands[] = { &info };
const struct tool vn_tool_hb_model_info = { "hb_model_info", "", commands, 1, 0, NULL };
