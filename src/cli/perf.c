/* vernier perf - how long one inference takes. */
#include <float.h>
#include <stdlib.h>

#include <vernier/session.h>

#include "cli/cli.h"
#include "report/report.h"

#define MAX_ROUNDS 1000000
#define MAX_SECONDS 3600
#define WARM_UP_NS 1e8

static const struct option_def options[] = {
    INPUT_OPTION,
    PIPELINE_OPTION,
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--rounds", 0, "N", 0, 0, "measure N runs, 1 to 1000000" },
    { "--seconds", 0, "S", 0, 0, "measure for S seconds, at most 1000000 runs (default 1)" },
    { "--profile", 0, NULL, 0, 0, "also print the mean time of each node, longest first" },
    LEVEL_OPTION,
    MODEL_OPTIONS,
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

/* Where a measurement ends, whichever comes first; it has at least one run. */
struct perf_limit {
    int rounds;
    double ns;
};

struct measurement {
    VEC(uint64_t) ns; /* of each run */
    struct vn_profile_row *rows; /* sums over the runs; NULL: without profile */
    int n_rows;
};

static int read_limit(struct perf_limit *l, struct vn_err *e)
{
    const char *s = vn_opt("--seconds");
    char *end;
    if (s && vn_opt("--rounds"))
        return vn_fail(e, VN_E_USAGE, "--rounds cannot be combined with --seconds");
    TRY(vn_opt_int("--rounds", MAX_ROUNDS, 1, MAX_ROUNDS, &l->rounds, e));
    const double seconds = s ? strtod(s, &end) : 1;
    if (s && (*end || end == s || !(seconds > 0 && seconds <= MAX_SECONDS)))
        return vn_fail(e, VN_E_USAGE, "--seconds: expected a number above 0, at most %d, got '%s'",
                       MAX_SECONDS, s);
    l->ns = vn_opt("--rounds") ? DBL_MAX : seconds * 1e9;
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
        if (m->rows)
            vn_profile_add(m->rows, vn_session_model(s));
    }
    return VN_OK;
}

/* ---- per node ---- */

static int longest_first(const void *x, const void *y)
{
    const double a = ((const struct vn_profile_row *)x)->ns, b = ((const struct vn_profile_row *)y)->ns;
    return a < b ? 1 : a > b ? -1 : 0;
}

static struct vn_profile_row *row_of(struct vn_profile_row *rows, int n, const char *node)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(rows[i].node, node))
            return &rows[i];
    return NULL;
}

/* Sums over instructions and runs become means of nodes, each with its longest instruction. */
static void fold_nodes(struct measurement *m)
{
    int n = 0;
    qsort(m->rows, (size_t)m->n_rows, sizeof *m->rows, longest_first);
    for (int i = 0; i < m->n_rows; i++) {
        const struct vn_profile_row x = { m->rows[i].opcode, m->rows[i].node, m->rows[i].ns / m->ns.n };
        struct vn_profile_row *first = row_of(m->rows, n, x.node);
        if (first)
            first->ns += x.ns;
        else
            m->rows[n++] = x;
    }
    qsort(m->rows, (size_t)n, sizeof *m->rows, longest_first);
    m->n_rows = n;
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

static double fps(const struct measurement *m) { return 1000 / vn_times_ms(m->ns.v, m->ns.n, 50); }

static void print(const struct measurement *m)
{
    static const char *const titles[] = { "Latency", "Value", "Unit" };
    struct table *t = vn_table_new(3, titles);
    char text[40];
    for (int i = 0; i < RANKS; i++) {
        snprintf(text, sizeof text, "%.3f", vn_times_ms(m->ns.v, m->ns.n, ranks[i].percent));
        vn_table_row(t, (const char *const[]){ ranks[i].title, text, "ms" });
    }
    snprintf(text, sizeof text, "%.1f", fps(m));
    vn_table_row(t, (const char *const[]){ "Throughput", text, "fps" });
    snprintf(text, sizeof text, "%d", m->ns.n);
    vn_table_row(t, (const char *const[]){ "Rounds", text, "runs" });
    vn_table_print(t, stdout);
    vn_table_free(&t);
    if (m->rows)
        vn_print_profile(stdout, m->rows, m->n_rows);
}

static int print_json(const struct measurement *m, const struct vn_session *s)
{
    json_t *j = json_pack("{s:s, s:i}", "model", vn_session_path(s), "rounds", m->ns.n);
    for (int i = 0; i < RANKS; i++)
        json_object_set_new(j, ranks[i].key, json_real(vn_times_ms(m->ns.v, m->ns.n, ranks[i].percent)));
    json_object_set_new(j, "fps", vn_json_real(fps(m)));
    if (m->rows)
        json_object_set_new(j, "nodes", vn_json_profile(m->rows, m->n_rows));
    return vn_print_json(j);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct vn_session *s;
    struct perf_limit limit;
    struct measurement warm_up = { 0 }, m = { 0 };
    TRY(read_limit(&limit, e));
    TRY(vn_opt_session(&s, a, e));
    TRY(vn_opt_feed(s, e));
    TRY(measure(&warm_up, s, (struct perf_limit){ MAX_ROUNDS, WARM_UP_NS }, a, e));
    if (vn_opt("--profile")) {
        m.n_rows = vn_model_instructions(vn_session_model(s));
        m.rows = NEW_ARRAY(a, struct vn_profile_row, m.n_rows);
        vn_session_profile(s, 1);
    }
    TRY(measure(&m, s, limit, a, e));
    vn_times_sort(m.ns.v, m.ns.n);
    if (m.rows)
        fold_nodes(&m);
    if (vn_opt("--json"))
        return print_json(&m, s);
    print(&m);
    return EXIT_DONE;
}

const struct command vn_cmd_perf = { "perf",
                                     "MODEL.onnx|MODEL.bin|MODEL.caffemodel [options]",
                                     "measure the latency of a model",
                                     options,
                                     1,
                                     1,
                                     run };
