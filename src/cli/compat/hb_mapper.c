/* hb_mapper checker | makertbin | infer: check, convert, and one sample layer by layer. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vernier/report.h>
#include <vernier/tune.h>

#include "base/file.h"
#include "cli/compat/compat.h"

#define LEAST_COSINE 0.8 /* of an output: below, the loss is clear */

#define MODEL_TYPE_OPTION \
    { \
        "--model-type", 0, "caffe|onnx", 0, 0, "format of the model" \
    }
#define MARCH_OPTION \
    { \
        "--march", 0, "NAME", 0, 0, "bernoulli2, bayes, bayes-e, or another target" \
    }

static const struct option_def checker_options[] = {
    MODEL_TYPE_OPTION,
    MARCH_OPTION,
    { "--proto", 0, "FILE", 0, 0, "prototxt of a Caffe network" },
    { "--model", 0, "FILE", 0, 0, "caffemodel or ONNX file" },
    { "--input-shape", 0, "NAME SHAPE", 1, 1, "shape of an input, e.g. --input-shape data 1x3x224x224" },
    { "--output", 0, "FILE", 0, 0, "the checker writes no model", OPTION_WITHOUT_EFFECT },
    { 0 },
},
    makertbin_options[] = {
        { "--config", 'c', "FILE.yaml", 0, 0, "configuration" },
        MODEL_TYPE_OPTION,
        { "--fast-perf", 0, NULL, 0, 0, "random calibration, all possible in integers; for speed tests" },
        { "--model", 0, "FILE", 0, 0, "with --fast-perf: caffemodel or ONNX file" },
        { "--proto", 0, "FILE", 0, 0, "with --fast-perf: prototxt of a Caffe network" },
        { "--march", 0, "NAME", 0, 0, "with --fast-perf: the target" },
        { "--input-shape", 0, "NAME SHAPE", 1, 1, "with --fast-perf: shape of an input" },
        { 0 },
    },
    infer_options[] = {
        { "--config", 'c', "FILE.yaml", 0, 0, "stages contain their preprocessing", OPTION_WITHOUT_EFFECT },
        { "--model-file", 0, "FILE", 0, 0, "original_float, optimized_float or quantized ONNX file" },
        { "--model-type", 0, "caffe|onnx", 0, 0, "every stage is an ONNX file", OPTION_WITHOUT_EFFECT },
        { "--image-file", 0, "NODE FILE", 1, 1, "image, .npy or raw bytes for an input" },
        { "--input-layout", 0, "NCHW|NHWC", 0, 0, "read from file and model", OPTION_WITHOUT_EFFECT },
        { "--output-dir", 0, "DIR", 0, 0, "folder for the LAYER_float.bin files" },
        { 0 },
    };

/* ---- log ---- */

static int open_log(struct logger *log, const char *verb, struct vn_arena *a, struct vn_err *e)
{
    const char *name = vn_arena_fmt(a, "hb_mapper_%s.log", verb);
    static const char *const parts[] = { "hbdk", "horizon_nn", "hb_mapper" };
    *log = (struct logger){ .terminal = stdout, .arena = a, .details = 1 };
    log->origin = vn_arena_fmt(a, "file: hb_mapper func: %s line No: 0", verb);
    log->file = fopen(name, "w");
    if (!log->file)
        return vn_fail(e, VN_E_IO, "%s: cannot write the log", name);
    char here[PATH_MAX];
    if (getcwd(here, sizeof here))
        vn_log_line(log, VN_LOG_INFO, vn_arena_fmt(a, "log will be stored in %s/%s", here, name));
    vn_log_line(log, VN_LOG_INFO, "Start hb_mapper....");
    for (int i = 0; i < 3; i++)
        vn_log_line(log, VN_LOG_INFO, vn_arena_fmt(a, "%s version " VN_VERSION " (vernier)", parts[i]));
    return VN_OK;
}

/* A message begins with the file that it is about. */
static int is_about(const char *file, const struct vn_err *problem)
{
    const size_t n = strlen(file);
    return !strncmp(problem->msg, file, n) && problem->msg[n] == ':';
}

/* The flow's line after whatever is wrong with a configuration. */
static void tell_unread(const struct logger *log, const char *config, const struct vn_err *e)
{
    static const char line[] = "yaml file parse failed. Please double check your input\n";
    if (!vn_opt("--config"))
        return;
    int found = is_about(config, e);
    for (int i = 0; i < log->problems.n; i++)
        found |= is_about(config, &log->problems.v[i]);
    if (!found)
        return;
    fputs(line, stderr);
    fputs(line, log->file);
}

static int close_log(struct logger *log, const char *file, const char *verb, int status, struct vn_err *e)
{
    status = vn_logger_problems(log, verb, file, status, e);
    if (status < 0) {
        fprintf(log->file, "%s\n", e->msg);
        tell_unread(log, file, e);
    }
    fclose(log->file);
    return status;
}

static void both(const struct logger *log, void (*print)(FILE *f, const void *result), const void *result)
{
    print(stdout, result);
    print(log->file, result);
}

/* ---- the source ---- */

static int read_type(enum vn_source_format *to, struct vn_err *e)
{
    const char *type = vn_opt("--model-type");
    *to = !type ? VN_SOURCE_ANY : !strcmp(type, "caffe") ? VN_SOURCE_CAFFE : VN_SOURCE_ONNX;
    return *to != VN_SOURCE_ONNX || !strcmp(type, "onnx")
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "--model-type: expected caffe or onnx, got '%s'", type);
}

static int read_source(struct vn_source *s, struct vn_arena *a, struct vn_err *e)
{
    enum vn_source_format type;
    TRY(read_type(&type, e));
    if (type == VN_SOURCE_ANY)
        return vn_fail(e, VN_E_USAGE, "--model-type caffe|onnx is required");
    if (!vn_opt("--model"))
        return vn_fail(e, VN_E_USAGE, "--model FILE is required");
    if ((type == VN_SOURCE_CAFFE) != (vn_opt("--proto") != NULL))
        return vn_fail(e, VN_E_USAGE,
                       type == VN_SOURCE_ONNX ? "--proto is for --model-type caffe"
                                              : "--model-type caffe requires --proto FILE");
    return vn_opt_source(s, a, e);
}

/* ---- checker ---- */

static void print_checked(FILE *f, const void *result) { vn_print_checked(f, result); }

static int check(struct logger *log, const struct vn_source *source, struct vn_err *e)
{
    struct vn_check_options o;
    struct vn_checked *c;
    vn_check_options_default(&o);
    o.source = *source;
    o.march = vn_opt("--march");
    o.listener = vn_logger_listener(log);
    TRY(vn_check(&c, &o, e));
    both(log, print_checked, c);
    vn_log_line(log, VN_LOG_INFO, "End model checking....");
    vn_checked_free(&c);
    return EXIT_DONE;
}

static int run_checker(struct vn_arena *a, struct vn_err *e)
{
    struct vn_source source = { 0 };
    struct logger log;
    TRY(read_source(&source, a, e));
    if (!vn_opt("--march"))
        return vn_fail(e, VN_E_USAGE,
                       "--march NAME is required: bernoulli2, bayes, bayes-e, or another target");
    TRY(open_log(&log, "checker", a, e));
    return close_log(&log, source.model, "checker", check(&log, &source, e), e);
}

/* ---- makertbin ---- */

static void print_conversion(FILE *f, const void *result) { vn_print_conversion(f, result); }

/* The subgraph of an instruction's node, as "id(N)"; "--": it computes in float. */
static const char *subgraph_of(const struct vn_conversion *c, const char *node)
{
    int n;
    const struct vn_node_row *rows = vn_conversion_nodes(c, &n);
    for (int i = 0; i < n; i++)
        if (!strcmp(rows[i].node, node))
            return rows[i].subgraph;
    return "--";
}

static int is_subgraph(const struct vn_conversion *c, const char *id)
{
    int n;
    const struct vn_node_row *rows = vn_conversion_nodes(c, &n);
    for (int i = 0; i < n; i++)
        if (!strcmp(rows[i].subgraph, id))
            return 1;
    return 0;
}

/* Its instructions, and the sum of their times. */
static struct speed part_of(const struct speed *all, const struct vn_conversion *c, const char *id,
                            struct vn_arena *a)
{
    struct vn_profile_row *rows = NEW_ARRAY(a, struct vn_profile_row, all->layers);
    struct speed part = { .layer = rows, .detailed = all->detailed };
    for (int i = 0; i < all->layers; i++)
        if (!strcmp(subgraph_of(c, all->layer[i].node), id)) {
            rows[part.layers++] = all->layer[i];
            part.ms += vn_clocked_median(&all->layer[i].time) / 1e6;
        }
    return part;
}

/* main_graph_subgraph_N.html and .json, beside the .bin; none where all of it was fused away. */
static int write_subgraphs(struct logger *log, const struct speed *all, const struct vn_conversion *c,
                           const char *folder, struct vn_arena *a, struct vn_err *e)
{
    const char *id = "id(0)";
    for (int k = 0; is_subgraph(c, id); id = vn_arena_fmt(a, "id(%d)", ++k)) {
        struct speed part = part_of(all, c, id, a);
        part.name = vn_arena_fmt(a, "main_graph_subgraph_%d", k);
        vn_log_line(log, VN_LOG_INFO, vn_arena_fmt(a, "Compile submodel: %s", part.name));
        if (!part.layers)
            continue;
        TRY(vn_compat_write_speed(&part, folder, a, e));
        vn_log_line(log, VN_LOG_INFO,
                    vn_arena_fmt(a, "Speed of subgraph %s: %s/%s.html", id, folder, part.name));
    }
    return VN_OK;
}

/* The line that scripts read the speed from; a measurement on this machine. */
static int print_speed(struct logger *log, const struct vn_conversion *c, struct vn_session *s,
                       struct vn_arena *a, struct vn_err *e)
{
    struct speed all;
    TRY(vn_compat_measure(&all, s, a, e));
    TRY(write_subgraphs(log, &all, c, vn_path_folder(a, vn_conversion_product(c, "bin")), a, e));
    vn_log_line(
        log, VN_LOG_INFO,
        vn_arena_fmt(a, "FPS=%.2f, latency = %.1f us, DDR = %zu bytes   (measured on this CPU, one thread)",
                     1000 / all.ms, all.ms * 1000, all.constants + all.working));
    return VN_OK;
}

static void print_info(FILE *f, const void *session) { vn_compat_print_info(f, session); }

/* What follows a conversion: speed, tables and what the .bin says of itself stand between the lines of the
 * log that they belong to. */
static int print_made(struct logger *log, const struct vn_conversion *c, struct vn_arena *a, struct vn_err *e)
{
    struct vn_session *s;
    int outputs;
    TRY(vn_session_open(&s, vn_conversion_product(c, "bin"), NULL, e));
    const int status = print_speed(log, c, s, a, e);
    vn_log_release(log, log->keep_from);
    both(log, print_conversion, c);
    vn_log_line(log, VN_LOG_INFO, "End to Horizon NN Model Convert.");
    vn_log_release(log, "start convert to");
    vn_session_outputs(s, &outputs);
    vn_log_line(log, VN_LOG_INFO, vn_arena_fmt(a, "ONNX model output num : %d", outputs));
    both(log, print_info, s);
    vn_log_release(log, NULL);
    vn_session_close(&s);
    return status;
}

/* One of them is used: o has a configuration, or f a source. */
struct making {
    struct vn_convert_options o;
    struct vn_fast_options f;
};

static int read_making(struct making *m, struct vn_arena *a, struct vn_err *e)
{
    vn_convert_options_default(&m->o);
    vn_fast_options_default(&m->f);
    m->o.config = vn_opt("--config");
    m->f.march = vn_opt("--march");
    return m->o.config ? read_type(&m->o.format, e) : read_source(&m->f.source, a, e);
}

static int make(struct logger *log, struct making *m, struct vn_arena *a, struct vn_err *e)
{
    struct vn_conversion *c;
    m->o.listener = m->f.listener = vn_logger_listener(log);
    log->keep_from = "End to compile the model";
    int status = m->o.config ? vn_tune_convert(&c, &m->o, e) : vn_convert_fast(&c, &m->f, e);
    if (status < 0) {
        vn_log_release(log, NULL);
        return status;
    }
    status = print_made(log, c, a, e);
    if (status == VN_OK)
        status = vn_print_advice(stdout, vn_conversion_product(c, "bin"), a, e);
    const int good =
        !m->o.config || (vn_print_low_outputs(stderr, c, LEAST_COSINE) & !vn_print_doubts(stderr, c));
    vn_conversion_free(&c);
    return status < 0 ? status : good ? EXIT_DONE : EXIT_CHECK_FAILED;
}

static int run_makertbin(struct vn_arena *a, struct vn_err *e)
{
    static const char *const only_fast[] = { "--model", "--proto", "--march", "--input-shape" };
    const char *config = vn_opt("--config");
    struct logger log;
    struct making m;
    if (!config == !vn_opt("--fast-perf"))
        return vn_fail(e, VN_E_USAGE,
                       "expected either -c FILE.yaml or --fast-perf --model FILE --march NAME");
    for (size_t i = 0; config && i < sizeof only_fast / sizeof *only_fast; i++)
        if (vn_opt(only_fast[i]))
            return vn_fail(e, VN_E_USAGE, "%s requires --fast-perf; a configuration has a key for it",
                           only_fast[i]);
    TRY(read_making(&m, a, e));
    TRY(open_log(&log, "makertbin", a, e));
    return close_log(&log, config ? config : m.f.source.model, "makertbin", make(&log, &m, a, e), e);
}

/* ---- infer ---- */

static int run_infer(struct vn_arena *a, struct vn_err *e)
{
    const char *model = vn_opt("--model-file"), *folder = vn_opt("--output-dir"), **files;
    const int n = vn_opt_all("--image-file", &files);
    struct vn_session *s;
    int written;
    if (!model || !folder || !n)
        return vn_fail(e, VN_E_USAGE, "--model-file, --image-file and --output-dir are required");
    TRY(vn_session_open(&s, model, NULL, e));
    int status = vn_session_feed_files(s, files, n, e);
    if (status == VN_OK)
        status = vn_compat_write_layers(s, folder, &written, a, e);
    vn_session_close(&s);
    if (status == VN_OK)
        printf("%d layers written to %s\n", written, folder);
    return status;
}

static void say_exception(const struct command *c) { fprintf(stderr, "exception in command: %s\n", c->name); }

static const struct command checker = { "checker",
                                        "--model-type TYPE --march NAME --model FILE [options]",
                                        "which nodes compute in integers, and why others do not",
                                        checker_options,
                                        1,
                                        1,
                                        run_checker },
                            makertbin = { "makertbin",
                                          "-c FILE.yaml | --fast-perf --model FILE --march NAME [options]",
                                          "convert a float model to ONNX stages and a .bin",
                                          makertbin_options,
                                          0,
                                          1,
                                          run_makertbin },
                            infer_command = { "infer",
                                              "--model-file FILE --image-file NODE FILE --output-dir DIR",
                                              "run a stage on one sample and write every layer",
                                              infer_options,
                                              0,
                                              0,
                                              run_infer };
static const struct command *const commands[] = { &checker, &makertbin, &infer_command };
const struct tool vn_tool_hb_mapper = {
    "hb_mapper", "Checks, converts and runs models, as 'vernier check', 'convert' and 'run' do.",
    commands,    3,
    0,           say_exception
};
