/* vernier check - can this model be imported, quantized and compiled? No data is needed. */
#include "cli/cli.h"

static const struct option_def options[] = {
    { "--march", 0, "NAME", 0, 0, "target (default generic)" },
    MODEL_OPTIONS,
    SHAPE_OPTION,
    JSON_OPTION,
    { 0 },
};

static int print_json(const struct vn_conversion *c)
{
    return vn_print_json(json_pack("{s:s, s:o}", "march", c->target.name, "nodes", vn_json_nodes(c->nodes.v, c->nodes.n)));
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    vn_words(&words);
    struct logger log = { .quiet = vn_opt("--json") != NULL };
    struct check_options o = { .model = words[0], .prototxt = vn_opt("--proto"), .march = vn_opt("--march") ? vn_opt("--march") : "generic", .listener = vn_logger_listener(&log) };
    TRY(vn_opt_shapes(&o.shape_names, &o.shape_texts, &o.n_shapes, a, e));
    struct vn_conversion *c;
    TRY(vn_check(&c, &o, e));
    if (vn_opt("--json"))
        print_json(c);
    else {
        printf("The converted model node information:\n");
        vn_print_nodes(stdout, c->nodes.v, c->nodes.n, 0);
        vn_print_fallbacks(stdout, c->nodes.v, c->nodes.n);
        printf("\n%s: %d of %d nodes compute in integers on march %s. Next: vernier init %s%s%s\n", words[0], vn_quantize_count(c->quantized),
               c->nodes.n, c->target.name, words[0], o.prototxt ? " --proto " : "", o.prototxt ? o.prototxt : "");
    }
    vn_conversion_free(&c);
    return EXIT_DONE;
}

const struct command vn_cmd_check = {
    "check", "MODEL.onnx|MODEL.caffemodel [options]", "say which nodes can compute in integers, and why others cannot", options, 1, 1, run,
};
