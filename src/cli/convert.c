/* vernier convert - a configuration becomes four ONNX files and a .bin. */
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <vernier/report.h>
#include <vernier/tune.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--config", 'c', "FILE.yaml", 0, 0, "configuration (vernier init writes one)" },
    { "--fast-perf", 0, NULL, 0, 0,
      "no configuration: random calibration, everything possible in integers; for speed measurements only" },
    MODEL_OPTIONS,
    { "--march", 0, "NAME", 0, 0, "with --fast-perf: the target (default generic)" },
    { "--output-dir", 0, "DIR", 0, 0, "with --fast-perf: folder of the products (default model_output)" },
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--compare", 0, "N", 0, 0, "samples for the similarity tables (default 0: all)" },
    { "--min-cosine", 0, "X", 0, 0,
      "exit with 1 if the mean cosine of an output is below X (default 0.8, a clear loss)" },
    { "--accept-data", 0, NULL, 0, 0, "treat errors in calibration data (check --data) as warnings" },
    { "--log", 0, "FILE", 0, 0, "log file (default vernier_convert.log in the current folder; 'none')" },
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

/* Weights that are freed go back to the system: with holes between them, the next stage's would not fit.
 * Chunks of arenas stay. */
static void return_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 512 << 10);
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
    static const char *const only_fast[] = { "--proto", "--march", "--output-dir", "--input-shape",
                                             "--input-value" },
                             *const only_config[] = { "--config", "--compare", "--min-cosine" };
    const char **words;
    if (!fast && vn_words(&words))
        return vn_fail(e, VN_E_USAGE, "unexpected '%s'; expected -c FILE.yaml, or --fast-perf --model FILE",
                       words[0]);
    if (!fast && !vn_opt("--config"))
        return vn_fail(e, VN_E_USAGE,
                       "usage: vernier convert -c FILE.yaml, or vernier convert --fast-perf --model FILE");
    if (fast && !vn_words(&words))
        return vn_fail(e, VN_E_USAGE, "--fast-perf requires --model FILE");
    for (size_t i = 0; !fast && i < sizeof only_fast / sizeof *only_fast; i++)
        if (vn_opt(only_fast[i]))
            return vn_fail(e, VN_E_USAGE, "%s requires --fast-perf; a configuration has a key for it",
                           only_fast[i]);
    for (size_t i = 0; fast && i < sizeof only_config / sizeof *only_config; i++)
        if (vn_opt(only_config[i]))
            return vn_fail(e, VN_E_USAGE, "%s cannot be combined with --fast-perf", only_config[i]);
    return VN_OK;
}

static int read_fast_options(struct vn_fast_options *o, struct vn_arena *a, struct vn_err *e)
{
    TRY(vn_opt_source(&o->source, a, e));
    o->march = vn_opt("--march");
    o->output_dir = vn_opt("--output-dir");
    return vn_opt_run(&o->run, e);
}

static int read_options(struct vn_convert_options *o, struct vn_err *e)
{
    o->config = vn_opt("--config");
    o->accept_data = vn_opt("--accept-data") != NULL;
    TRY(vn_opt_run(&o->run, e));
    return vn_opt_int("--compare", 0, 0, 1 << 30, &o->compare_limit, e);
}

static int convert(struct vn_conversion **c, struct logger *log, int fast, struct vn_odd_list *odd,
                   struct vn_arena *a, struct vn_err *e)
{
    struct vn_convert_options o;
    struct vn_fast_options f;
    vn_convert_options_default(&o);
    vn_fast_options_default(&f);
    TRY(fast ? read_fast_options(&f, a, e) : read_options(&o, e));
    TRY(open_log(log, e));
    o.listener = f.listener = vn_logger_listener(log);
    o.odd = (struct vn_odd_listener){ vn_opt("--report") ? VN_ODD_SHOWN : 0, vn_odd_add, odd };
    int status = fast ? vn_convert_fast(c, &f, e) : vn_tune_convert(c, &o, e);
    status = vn_logger_problems(log, "convert", fast ? f.source.model : o.config, status, e);
    if (status < 0 && log->file)
        fprintf(log->file, "%s\n", e->msg);
    return status;
}

/* 0: nothing failed. */
static int find_failure(struct vn_failure *f, const struct vn_conversion *c, double least, int good,
                        struct vn_arena *a)
{
    int n;
    const struct vn_finding *v = vn_conversion_findings(c, &n);
    if (vn_finding_failure(f, v, n))
        return 1;
    const struct vn_output_row *rows = vn_conversion_outputs(c, &n);
    const struct vn_output_row *worst = n ? &rows[0] : NULL;
    for (int i = 1; i < n; i++)
        worst = rows[i].cosine_mean < worst->cosine_mean ? &rows[i] : worst;
    *f = (struct vn_failure){ "low_similarity",
                              worst ? vn_arena_fmt(a, "output %s: mean cosine %.6f, expected at least %g",
                                                   worst->output, worst->cosine_mean, least)
                                    : "no output",
                              NULL };
    return !good;
}

static int write_report(const struct vn_conversion *c, const struct vn_failure *f,
                        const struct vn_odd_list *odd, struct vn_arena *a, struct vn_err *e)
{
    const char *const files[] = { vn_conversion_product(c, "bin"), vn_conversion_product(c, "original_float"),
                                  vn_conversion_product(c, "quantized") };
    json_t *j = vn_json_conversion(c, !f);
    const struct vn_html_report r = { .command = "convert",
                                      .passed = !f,
                                      .result = j,
                                      .files = files,
                                      .n_files = 3,
                                      .config = vn_opt("--config"),
                                      .samples = odd->samples,
                                      .images = odd->images };
    if (f)
        vn_failure_add(j, f, a);
    const int status = vn_opt_report(&r, e);
    json_decref(j);
    return status;
}

static int report(const struct vn_conversion *c, double least, const struct logger *log,
                  const struct vn_odd_list *odd, struct vn_arena *a, struct vn_err *e)
{
    const int random = vn_opt("--fast-perf") != NULL;
    struct vn_failure f;
    const int high = random || vn_print_low_outputs(stderr, c, least);
    const int good = random || !find_failure(&f, c, least, high, a);
    if (vn_opt("--json"))
        vn_print_result(vn_json_conversion(c, good), good ? NULL : &f, a);
    else
        vn_print_conversion(stdout, c);
    if (random && !vn_opt("--json"))
        printf("Random calibration: for speed measurements only.\n");
    fflush(stdout);
    vn_print_doubts(stderr, c);
    if (log->file) {
        vn_print_conversion(log->file, c);
        vn_print_low_outputs(log->file, c, least);
        vn_print_doubts(log->file, c);
    }
    TRY(write_report(c, good ? NULL : &f, odd, a, e));
    return good ? EXIT_DONE : EXIT_CHECK_FAILED;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const int fast = vn_opt("--fast-perf") != NULL;
    struct logger log = { .quiet = vn_opt("--json") != NULL, .arena = a };
    struct vn_conversion *c;
    struct vn_odd_list odd;
    double least = 0.8;
    TRY(check_words(fast, e));
    TRY(vn_opt_real("--min-cosine", least, -1, 2, &least, e));
    return_memory();
    vn_odd_init(&odd);
    int status = convert(&c, &log, fast, &odd, a, e);
    if (status == VN_OK) {
        status = report(c, least, &log, &odd, a, e);
        const int told = log.quiet ? VN_OK : vn_print_advice(stdout, vn_conversion_product(c, "bin"), a, e);
        status = told < 0 ? told : status;
        vn_conversion_free(&c);
    }
    vn_odd_free(&odd);
    if (log.file)
        fclose(log.file);
    return status;
}

const struct command vn_cmd_convert = {
    "convert",
    "-c FILE.yaml | --fast-perf --model FILE [options]",
    "convert a float model to ONNX stages and a .bin",
    options,
    0,
    1,
    run,
};
