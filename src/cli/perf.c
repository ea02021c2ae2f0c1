/* vernier perf - how long one inference takes, and where its time goes. */
#include <float.h>

#include <vernier/session.h>

#include "base/file.h"
#include "cli/cli.h"
#include "report/report.h"

#define MAX_ROUNDS 1000000
#define MAX_SECONDS 3600
#define WARM_UP_SECONDS 0.1

static const struct option_def options[] = {
    INPUT_OPTION,
    PIPELINE_OPTION,
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--rounds", 0, "N", 0, 0, "measure N runs, 1 to 1000000" },
    { "--seconds", 0, "S", 0, 0, "measure for S seconds, at most 1000000 runs (default 1)" },
    { "--warm-up", 0, "S", 0, 0, "warm up for S seconds, at least one run (default 0.1)" },
    { "--profile", 0, NULL, 0, 0, "also print the time of each node, slowest first" },
    { "--instructions", 0, NULL, 0, 0, "also print the time of each instruction, in execution order" },
    { "--profile-path", 0, "DIR", 0, 0, "write the profile to DIR/profiler.log and DIR/profiler.csv" },
    LEVEL_OPTION,
    MODEL_OPTIONS,
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

/* Where a measurement ends, whichever comes first; it has at least one run. */
struct perf_limit {
    int rounds;
    double ns;
};

struct measurement {
    const char *path;
    int threads, warm_up; /* runs before */
    VEC(uint64_t) ns; /* of each run; sorted once all are there */
    struct vn_profile *profile; /* NULL: without */
};

static int read_seconds(const char *option, double otherwise, double *ns, struct vn_err *e)
{
    double seconds;
    TRY(vn_opt_real(option, otherwise, 0, MAX_SECONDS, &seconds, e));
    *ns = seconds * 1e9;
    return VN_OK;
}

static int read_limits(struct perf_limit *warm_up, struct perf_limit *l, struct vn_err *e)
{
    if (vn_opt("--seconds") && vn_opt("--rounds"))
        return vn_fail(e, VN_E_USAGE, "--rounds cannot be combined with --seconds");
    *warm_up = (struct perf_limit){ .rounds = MAX_ROUNDS };
    TRY(read_seconds("--warm-up", WARM_UP_SECONDS, &warm_up->ns, e));
    TRY(vn_opt_int("--rounds", MAX_ROUNDS, 1, MAX_ROUNDS, &l->rounds, e));
    TRY(read_seconds("--seconds", 1, &l->ns, e));
    l->ns = vn_opt("--rounds") ? DBL_MAX : l->ns;
    return VN_OK;
}

static int measure(struct measurement *m, struct vn_session *s, struct perf_limit l, struct vn_arena *a,
                   struct vn_err *e)
{
    for (double spent = 0; m->ns.n < l.rounds && (!m->ns.n || spent < l.ns);) {
        uint64_t ns;
        TRY(vn_session_time(s, 1, &ns, e));
        VEC_PUSH(a, &m->ns, ns);
        spent += (double)ns;
        if (m->profile)
            vn_profile_add(m->profile, vn_session_model(s));
    }
    return VN_OK;
}

/* ---- what is printed ---- */

static const struct {
    const char *title, *key;
    int percent;
} ranks[] = { { "Min", "min_ms", 0 },
              { "Median", "median_ms", 50 },
              { "P90", "p90_ms", 90 },
              { "P99", "p99_ms", 99 },
              { "Max", "max_ms", 100 } };
enum { RANKS = sizeof ranks / sizeof *ranks };

static const struct {
    const char *key;
    enum vn_dtype type;
} peaks[] = { { "int8", VN_I8 }, { "int16", VN_I16 }, { "float32", VN_F32 } };
enum { PEAKS = sizeof peaks / sizeof *peaks };

static double fps(const struct measurement *m) { return 1000 / vn_times_ms(m->ns.v, m->ns.n, 50); }

static double sum_ms(const struct measurement *m)
{
    double sum = 0;
    for (int i = 0; i < m->ns.n; i++)
        sum += (double)m->ns.v[i];
    return sum / 1e6;
}

static void add_line(struct table *t, const char *title, const char *form, double value, const char *unit)
{
    char text[40];
    snprintf(text, sizeof text, form, value);
    vn_table_row(t, (const char *const[]){ title, text, unit });
}

static void print(const struct measurement *m)
{
    static const char *const titles[] = { "Latency", "Value", "Unit" };
    struct table *t = vn_table_new(3, titles);
    for (int i = 0; i < RANKS; i++)
        add_line(t, ranks[i].title, "%.3f", vn_times_ms(m->ns.v, m->ns.n, ranks[i].percent), "ms");
    add_line(t, "Mean", "%.3f", sum_ms(m) / m->ns.n, "ms");
    add_line(t, "Throughput", "%.1f", fps(m), "fps");
    add_line(t, "Rounds", "%.0f", m->ns.n, "runs");
    add_line(t, "Warm-up", "%.0f", m->warm_up, "runs");
    add_line(t, "Threads", "%.0f", m->threads, "threads");
    for (int i = 0; m->profile && i < PEAKS; i++) {
        char title[32];
        snprintf(title, sizeof title, "Peak %s", peaks[i].key);
        if (m->profile->peak[i] > 0)
            add_line(t, title, "%.1f", m->profile->peak[i], "GMAC/s");
    }
    vn_table_print(t, stdout);
    vn_table_free(&t);
    if (vn_opt("--profile"))
        vn_print_profile(stdout, "Nodes, slowest first", m->profile->nodes, m->profile->n_nodes);
    if (vn_opt("--instructions"))
        vn_print_profile(stdout, "Instructions", m->profile->instructions, m->profile->n_instructions);
}

static void add_profile(json_t *j, const struct vn_profile *p)
{
    json_t *peak = json_object();
    for (int i = 0; i < PEAKS; i++)
        json_object_set_new(peak, peaks[i].key, p->peak[i] > 0 ? json_real(p->peak[i]) : json_null());
    json_object_set_new(j, "peak_gmac_per_s", peak);
    json_object_set_new(j, "nodes", vn_json_profile(p->nodes, p->n_nodes));
    json_object_set_new(j, "instructions", vn_json_profile(p->instructions, p->n_instructions));
}

static json_t *to_json(const struct measurement *m)
{
    json_t *j = json_pack("{s:s, s:i, s:i, s:i}", "model", m->path, "rounds", m->ns.n, "warm_up", m->warm_up,
                          "threads", m->threads);
    for (int i = 0; i < RANKS; i++)
        json_object_set_new(j, ranks[i].key, json_real(vn_times_ms(m->ns.v, m->ns.n, ranks[i].percent)));
    json_object_set_new(j, "mean_ms", json_real(sum_ms(m) / m->ns.n));
    json_object_set_new(j, "fps", vn_json_real(fps(m)));
    if (m->profile)
        add_profile(j, m->profile);
    return j;
}

static int write_report(const struct measurement *m, struct vn_err *e)
{
    json_t *j = to_json(m);
    const struct vn_html_report r = {
        .command = "perf", .passed = -1, .result = j, .files = &m->path, .n_files = 1
    };
    const int status = vn_opt_report(&r, e);
    json_decref(j);
    return status;
}

/* ---- the profile ---- */

static void open_profile(struct measurement *m, struct vn_session *s, const struct vn_options *o,
                         struct vn_arena *a)
{
    double peak[PEAKS];
    if (!vn_opt("--profile") && !vn_opt("--instructions") && !vn_opt("--profile-path") &&
        !vn_opt("--report") && !vn_opt("--overlay"))
        return;
    for (int i = 0; i < PEAKS; i++)
        peak[i] = vn_peak_speed(peaks[i].type, o->cpumask) * m->threads;
    m->profile = NEW(a, struct vn_profile);
    vn_profile_open(m->profile, vn_session_model(s), peak, a);
    vn_session_profile(s, 1);
}

static int write_profile(const struct measurement *m, struct vn_arena *a, struct vn_err *e)
{
    const char *dir = vn_opt("--profile-path");
    const int n = m->ns.n;
    if (!dir)
        return VN_OK;
    const struct vn_profile_run r = {
        .model = vn_path_stem(a, m->path),
        .latency = { .sum = sum_ms(m) * 1e6,
                     .min = (double)m->ns.v[0],
                     .max = (double)m->ns.v[n - 1],
                     .runs = n },
        .fps = fps(m),
        .threads = m->threads,
    };
    return vn_profile_write(dir, m->profile, &r, a, e);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct vn_session *s;
    struct vn_options o;
    struct perf_limit first = { 0 }, limit = { 0 };
    struct measurement warm_up = { 0 }, m = { 0 };
    TRY(read_limits(&first, &limit, e));
    TRY(vn_opt_run(&o, e));
    TRY(vn_opt_session(&s, a, e));
    TRY(vn_opt_feed(s, e));
    TRY(measure(&warm_up, s, first, a, e));
    m.path = vn_session_path(s);
    m.threads = o.threads;
    m.warm_up = warm_up.ns.n;
    open_profile(&m, s, &o, a);
    TRY(measure(&m, s, limit, a, e));
    vn_times_sort(m.ns.v, m.ns.n);
    if (m.profile)
        vn_profile_close(m.profile);
    TRY(write_profile(&m, a, e));
    TRY(write_report(&m, e));
    if (vn_opt("--json"))
        return vn_print_json(to_json(&m));
    print(&m);
    return EXIT_DONE;
}

const struct command vn_cmd_perf = { "perf",
                                     "MODEL.onnx|MODEL.bin|MODEL.caffemodel [options]",
                                     "measure the latency of a model and profile its nodes",
                                     options,
                                     1,
                                     1,
                                     run };
