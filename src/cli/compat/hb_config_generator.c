/* hb_config_generator -s|-f -m MODEL: a configuration, filled from the model. */
#include <vernier/init.h>

#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--simple-yaml", 's', NULL, 0, 0, "write simple_compile_config.yaml: the required keys" },
    { "--full-yaml", 'f', NULL, 0, 0, "write full_compile_config.yaml: every key, with its meaning" },
    { "--custom-op", 'c', NULL, 0, 0, "configurations of custom operators are not supported", OPTION_LATER },
    { "--model", 'm', "FILE", 0, 0, "ONNX file or caffemodel" },
    { "--proto", 'p', "FILE", 0, 0, "prototxt of a Caffe network" },
    { "--march", 0, "NAME", 0, 0, "bernoulli2, bayes or bayes-e, or another target (default bayes-e)" },
    { 0 },
};

static int run(struct vn_arena *a, struct vn_err *e)
{
    const int simple = vn_opt("--simple-yaml") != NULL, full = vn_opt("--full-yaml") != NULL;
    struct vn_init_options o;
    struct vn_configuration *c;
    if (simple + full == 0)
        return vn_fail(e, VN_E_USAGE, "Please specify one mode to run: -s or -f");
    if (simple + full > 1)
        return vn_fail(e, VN_E_USAGE, "We only support specify one mode: -s or -f");
    vn_init_options_default(&o);
    TRY(vn_opt_source(&o.source, a, e));
    o.march = vn_opt("--march") ? vn_opt("--march") : "bayes-e";
    o.full = full;
    o.output = full ? "full_compile_config.yaml" : "simple_compile_config.yaml";
    TRY(vn_init(&c, &o, e));
    printf("%s is written; check the lines marked CHECK.\n", vn_configuration_path(c));
    vn_configuration_free(&c);
    return EXIT_DONE;
}

static const struct command generate = {
    "", "-s|-f -m MODEL [options]", "write a configuration for a model", options, 1, 1, run
};
static const struct command *const commands[] = { &generate };
const struct tool vn_tool_hb_config_generator = { "hb_config_generator", "", commands, 1, 0, NULL };
