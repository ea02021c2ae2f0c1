/* vernier convert - a configuration becomes four ONNX files and a .bin. */
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/file.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    { "--config", 'c', "FILE.yaml", 0, 0, "the configuration (vernier init writes one)" },
    { "--fast-perf", 0, NULL, 0, 0, "no configuration: --model with random calibration, all that can be in integers; for speed, not for results" },
    MODEL_OPTIONS,
    { "--march", 0, "NAME", 0, 0, "with --fast-perf: the target (default generic)" },
    { "--output-dir", 0, "DIR", 0, 0, "with --fast-perf: folder of the products (default model_output)" },
    SHAPE_OPTION,
    { "--compare", 0, "N", 0, 0, "samples for the similarity tables (default 0: all)" },
    { "--min-cosine", 0, "X", 0, 0, "exit with 1 when an output's mean cosine is below X (default 0.8, a clear loss)" },
    { "--accept-data", 0, NULL, 0, 0, "calibration data that look wrong (check --data) are a warning, not an error" },
    { "--log", 0, "FILE", 0, 0, "log file (default vernier_convert.log in the current folder; 'none')" },
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

static const char *const stages[] = { "original_float", "optimized_float", "calibrated", "quantized", "bin" };

static int print_json(const struct vn_conversion *c, int good)
{
    json_t *products = json_object();
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        json_object_set_new(products, stages[i], json_string(vn_conversion_product(c, stages[i])));
    return vn_print_json(json_pack("{s:s, s:s, s:b, s:o, s:o, s:o}", "march", c->target.name, "method", c->method_text, "passed", good, "products",
                                   products, "nodes", vn_json_nodes(c->nodes.v, c->nodes.n), "outputs", vn_json_outputs(c->outputs.v, c->outputs.n)));
}

static void print_text(const struct vn_conversion *c)
{
    printf("The main quantized node information:\n");
    vn_print_nodes(stdout, c->nodes.v, c->nodes.n, 1);
    vn_print_fallbacks(stdout, c->nodes.v, c->nodes.n, 0);
    printf("The quantized model output:\n");
    vn_print_outputs(stdout, c->outputs.v, c->outputs.n);
    printf("\nProducts:\n");
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        printf("    %-16s %s\n", stages[i], vn_conversion_product(c, stages[i]));
    printf("Next: vernier verify %s %s\n", vn_conversion_product(c, "quantized"), vn_conversion_product(c, "bin"));
}

#define NORMAL_COSINE 0.99 /* of an output; less deserves a look */

/* The node where the mean cosine falls most from one row of the table to the next. */
static const char *steepest(const struct vn_conversion *c)
{
    const char *node = NULL;
    double before = 1, most = 0;
    for (int i = 0; i < c->nodes.n; i++) {
        const struct vn_node_row *r = &c->nodes.v[i];
        if (!r->compared)
            continue;
        if (before - r->cosine_mean > most) {
            most = before - r->cosine_mean;
            node = r->node;
        }
        before = r->cosine_mean;
    }
    return node;
}

static void advise(const struct vn_conversion *c)
{
    fprintf(stderr, "    the mean cosine falls most at node %s of the table\n", steepest(c));
    if (c->config->calibration_type != CALIBRATION_DEFAULT)
        fprintf(stderr, "    try 'calibration_type: default', which compares several methods\n");
    if (!c->method.bias_correction)
        fprintf(stderr, "    try 'optimization: bias_correction'\n");
    fprintf(stderr, "    are the calibration samples like those of training (colour order, mean and scale once, about 100 of them)?\n");
}

static int good_enough(const struct vn_conversion *c, double least)
{
    int good = 1, low = 0;
    for (int i = 0; i < c->outputs.n; i++) {
        const double mean = c->outputs.v[i].cosine_mean;
        good &= mean >= least;
        low |= !(mean >= NORMAL_COSINE);
        if (!(mean >= NORMAL_COSINE) || !(mean >= least))
            fprintf(stderr, "output %s: mean cosine %.6f; %.2f and more is normal%s\n", c->outputs.v[i].output, mean, NORMAL_COSINE,
                    mean >= least ? "" : ", and this is below --min-cosine");
    }
    if (low)
        advise(c);
    return good;
}

/* The .bin computes what the float model does, but that would be garbage. */
static void print_doubts(const struct vn_conversion *c)
{
    fflush(stdout);
    for (int i = 0; i < c->data.findings.n; i++)
        if (c->data.findings.v[i].severity != DATA_WARNING)
            fprintf(stderr, "the results are not to be trusted: %s\n", c->data.findings.v[i].text);
}

/* Weights that are freed go back to the system: with holes between them, the next stage's would not fit. */
static void return_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

static int open_log(struct logger *log, struct vn_err *e)
{
    const char *path = vn_opt("--log") ? vn_opt("--log") : "vernier_convert.log";
    if (!strcmp(path, "none"))
        return VN_OK;
    log->file = fopen(path, "w");
    return log->file ? VN_OK : vn_fail(e, VN_E_IO, "%s: cannot write the log", path);
}

/* Options that belong to the other way of calling. */
static int check_words(int fast, struct vn_err *e)
{
    static const char *const only_fast[] = { "--proto", "--march", "--output-dir", "--input-shape" }, *const only_config[] = { "--config", "--compare", "--min-cosine" };
    const char **words;
    if (!fast && (!vn_opt("--config") || vn_words(&words)))
        return vn_fail(e, VN_E_USAGE, "usage: vernier convert -c FILE.yaml, or vernier convert --fast-perf --model FILE");
    if (fast && !vn_words(&words))
        return vn_fail(e, VN_E_USAGE, "--fast-perf wants --model FILE");
    for (size_t i = 0; !fast && i < sizeof only_fast / sizeof *only_fast; i++)
        if (vn_opt(only_fast[i]))
            return vn_fail(e, VN_E_USAGE, "%s goes with --fast-perf; a configuration has a key for it", only_fast[i]);
    for (size_t i = 0; fast && i < sizeof only_config / sizeof *only_config; i++)
        if (vn_opt(only_config[i]))
            return vn_fail(e, VN_E_USAGE, "%s does not go with --fast-perf", only_config[i]);
    return VN_OK;
}

static int run_fast(struct vn_arena *a, struct logger *log, struct vn_err *e)
{
    const char **words;
    vn_words(&words);
    struct fast_options o = { .model = { .model = words[0], .prototxt = vn_opt("--proto"), .march = vn_opt("--march") ? vn_opt("--march") : "generic" },
                              .prefix = vn_path_stem(a, words[0]), .working_dir = vn_opt("--output-dir") ? vn_opt("--output-dir") : "model_output" };
    vn_options_default(&o.run);
    TRY(vn_opt_run(&o.run, e));
    TRY(vn_opt_shapes(&o.model.shape_names, &o.model.shape_texts, &o.model.n_shapes, a, e));
    o.model.listener = vn_logger_listener(log);
    struct vn_conversion *c;
    const int status = vn_convert_fast(&c, &o, e);
    if (status < 0 && log->file)
        fprintf(log->file, "%s\n", e->msg);
    TRY(status);
    if (vn_opt("--json"))
        print_json(c, 1);
    else {
        print_text(c);
        printf("Calibrated with random numbers: time it, do not use its results.\n");
    }
    vn_conversion_free(&c);
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct vn_convert_options o;
    const int fast = vn_opt("--fast-perf") != NULL;
    TRY(check_words(fast, e));
    return_memory();
    vn_convert_options_default(&o);
    o.config = vn_opt("--config");
    double least = 0.8;
    const char *text = vn_opt("--min-cosine");
    char *end;
    if (text && ((least = strtod(text, &end)), *end || !*text))
        return vn_fail(e, VN_E_USAGE, "--min-cosine: want a number, got '%s'", text);
    o.accept_data = vn_opt("--accept-data") != NULL;
    TRY(vn_opt_run(&o.run, e));
    TRY(vn_opt_int("--compare", 0, 0, 1 << 30, &o.compare_limit, e));
    struct logger log = { .quiet = vn_opt("--json") != NULL };
    TRY(open_log(&log, e));
    if (fast) {
        const int done = run_fast(a, &log, e);
        if (log.file)
            fclose(log.file);
        return done;
    }
    o.listener = vn_logger_listener(&log);
    struct vn_conversion *c;
    const int status = vn_convert(&c, &o, e);
    if (status < 0 && log.file)
        fprintf(log.file, "%s\n", e->msg);
    if (log.file)
        fclose(log.file);
    TRY(status);
    int doubts = 0;
    for (int i = 0; i < c->data.findings.n; i++)
        doubts += c->data.findings.v[i].severity != DATA_WARNING;
    const int good = good_enough(c, least) & !doubts;
    if (vn_opt("--json"))
        print_json(c, good);
    else
        print_text(c);
    print_doubts(c);
    vn_conversion_free(&c);
    return good ? EXIT_DONE : EXIT_CHECK_FAILED;
}

const struct command vn_cmd_convert = {
    "convert", "-c FILE.yaml | --fast-perf --model FILE [options]", "convert a float model to ONNX stages and a .bin", options, 0, 1, run,
};
