/* vernier init - a filled-in configuration for a model. */
#include <vernier/init.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--output", 'o', "FILE", 0, 0,
      "output file (default MODEL.yaml; an existing file is not overwritten)" },
    { "--full", 0, NULL, 0, 0, "write every supported key, with its meaning" },
    { "--march", 0, "NAME", 0, 0, "target (default generic); vernier check lists all" },
    MODEL_OPTIONS,
    SHAPE_OPTION,
    VALUE_OPTION,
    CUSTOM_OP_OPTION,
    { "--cal-data-dir", 0, "DIR", 0, 0, "folder of calibration images or arrays" },
    { 0 },
};

static void note(void *user, enum vn_log_level level, const char *text)
{
    (void)user;
    if (level >= VN_LOG_WARNING)
        fprintf(stderr, "note: %s\n", text);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct vn_init_options o;
    struct vn_configuration *c;
    vn_init_options_default(&o);
    TRY(vn_opt_source(&o.source, a, e));
    o.march = vn_opt("--march");
    o.data_dir = vn_opt("--cal-data-dir");
    o.output = vn_opt("--output");
    o.full = vn_opt("--full") != NULL;
    o.listener.log = note;
    TRY(vn_init(&c, &o, e));
    const char *path = vn_configuration_path(c);
    printf("%s written. Check the lines marked CHECK, then: vernier check -c %s\n", path, path);
    vn_configuration_free(&c);
    return EXIT_DONE;
}

const struct command vn_cmd_init = {
    "init", "MODEL.onnx|MODEL.caffemodel [options]", "write a configuration for a model", options, 1, 1, run
};
