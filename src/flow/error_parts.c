/* The parts of each tensor's error (vernier/debug.h), for what a range alone does not show. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <vernier/debug.h>

#include "base/file.h"
#include "flow/symptoms.h"
#include "graph/graph.h"
#include "ops/op.h"
#include "tensor/npy.h"

#define SAMPLES 4
#define OWN_DB 30.0 /* rounding below that is no cause */
#define BAD_DB 30.0

/* One computed input, whose value decides by more than its size. */
static int is_function(const struct node *n)
{
    int computed = 0;
    for (int i = 0; i < n->n_in; i++)
        computed += n->in[i] && !n->in[i]->data;
    return computed == 1 && !n->op->is_clamp && (vn_node_kind(n) == Q_TABLE || vn_node_kind(n) == Q_OWN);
}

/* The kind of a function that reads the value: optimization: set_KIND_input_int16; NULL: none does. */
static const char *function_reading(const struct value *v)
{
    for (int i = 0; v && i < v->users.n; i++)
        if (is_function(v->users.v[i].node))
            return v->users.v[i].node->op->onnx;
    return NULL;
}

static const struct value *value_of(const struct graph *g, const char *calibration_node, struct vn_arena *a)
{
    const char *suffix = strstr(calibration_node, "_HzCalibration");
    return suffix ? vn_graph_find(g, vn_arena_strn(a, calibration_node, (size_t)(suffix - calibration_node)))
                  : NULL;
}

static void judge_row(struct symptoms *s, struct flow_job *j, const struct graph *g,
                      const struct vn_tensor_error *r)
{
    const struct value *v = value_of(g, r->name, j->work);
    const char *function = function_reading(v);
    const double own = r->part[VN_ERROR_CLIPPING] + r->part[VN_ERROR_ROUNDING] + r->part[VN_ERROR_RANGE],
                 signal = r->total * pow(10, r->sqnr / 10);
    if (!v || !(r->total > 0))
        return;
    struct seen seen = { own / r->total, vn_arena_str(j->arena, v->name), NULL, function };
    seen.node = v->producer ? vn_arena_str(j->arena, v->producer->name) : NULL;
    if (function && 10 * log10(signal / own) < OWN_DB)
        vn_symptom_see(s, SEEN_FUNCTION, seen);
    seen.size = r->part[VN_ERROR_BIAS] / r->total;
    if (r->sqnr < BAD_DB)
        vn_symptom_see(s, SEEN_SHIFT, seen);
}

static int write_sample(struct flow_job *j, const char *const *folder, int sample, int number,
                        struct vn_err *e)
{
    const struct graph *g = vn_session_graph(j->original);
    struct vn_arena *a = vn_arena_new();
    float **x = NEW_ARRAY(a, float *, g->inputs.n);
    int status = vn_samples_load(j->samples, sample, a, x, e);
    for (int k = 0; status == VN_OK && k < g->inputs.n; k++) {
        const struct vn_tensor t = { VN_F32, g->inputs.v[k]->shape, x[k] };
        status = vn_npy_write(vn_path_join(a, folder[k], vn_arena_fmt(a, "%d.npy", number)), &t, e);
    }
    vn_arena_free(&a);
    return status;
}

/* A folder with a link for each input to the folder of its samples; all are gone with the arena. */
static int write_samples(const char **path, struct flow_job *j, struct vn_arena *a, struct vn_err *e)
{
    const struct graph *g = vn_session_graph(j->original);
    const char *beside = vn_path_folder(a, j->path), **folder = NEW_ARRAY(a, const char *, g->inputs.n);
    const int n = vn_flow_samples(j, SAMPLES);
    struct vn_staging *stage;
    TRY(vn_dir_stage(&stage, a, beside, e));
    *path = vn_dir_stage_path(stage);
    for (int k = 0; k < g->inputs.n; k++) {
        TRY(vn_dir_stage(&stage, a, beside, e));
        folder[k] = realpath(vn_dir_stage_path(stage), vn_arena_alloc(a, PATH_MAX));
        if (!folder[k] || symlink(folder[k], vn_path_join(a, *path, g->inputs.v[k]->name)) != 0)
            return vn_fail(e, VN_E_IO, "%s: cannot write: %s", *path, strerror(errno));
    }
    for (int i = 0; i < n; i++)
        TRY(write_sample(j, folder, vn_flow_sample(j, i, n), i, e));
    return VN_OK;
}

static int measure(struct symptoms *s, struct flow_job *j, struct vn_arena *a, struct vn_err *e)
{
    struct vn_session **graph = vn_session_slot(a);
    struct vn_session_options inspect;
    struct vn_debug_options o;
    struct vn_error_split *r;
    int n;
    vn_session_options_default(&inspect);
    inspect.inspect = 1;
    TRY(vn_session_open(graph, j->product[CALIBRATED], &inspect, e));
    vn_debug_options_default(&o);
    o.model = j->product[CALIBRATED];
    TRY(write_samples(&o.data, j, a, e));
    o.run = j->o->run;
    TRY(vn_debug_tensors(&r, &o, e));
    const struct vn_tensor_error *rows = vn_error_split_rows(r, &n);
    for (int i = 0; i < n; i++)
        judge_row(s, j, vn_session_graph(*graph), &rows[i]);
    vn_error_split_free(&r);
    return VN_OK;
}

int vn_flow_error_parts(struct symptoms *s, struct flow_job *j, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_err why;
    const int status = measure(s, j, a, &why);
    vn_arena_free(&a);
    if (status == VN_E_NOMEM || status == VN_E_CANCELLED) {
        *e = why;
        return status;
    }
    return VN_OK; /* a network that cannot be split keeps its other symptoms */
}
