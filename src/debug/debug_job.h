/* debug/debug_job.h - what every measurement of `debug` begins with: network, samples, names, threads. */
#ifndef VN_DEBUG_JOB_H
#define VN_DEBUG_JOB_H

#include "debug/debug_samples.h"
#include "debug/probe.h"
#include "debug/probe_outputs.h"

#define CALIBRATION_NODE "_HzCalibration" /* behind the name of the tensor that it quantizes */

struct debug_thread {
    struct probe_worker w;
    struct probe_plan plan; /* what is quantized in the changed network */
    struct probe_plan *base; /* in the clean one; NULL: nothing */
    struct output_numbers *reference, changed; /* of the judged outputs, and of one of them */
};

struct debug_job {
    const struct vn_debug_options *o;
    struct vn_arena *arena; /* of all that the job needs */
    struct probe p;
    struct debug_samples samples;
    struct judged_outputs outputs;
    struct debug_thread *thread;
    int threads; /* 0: not opened yet */
};
int vn_debug_job_open(struct debug_job *j, struct vn_arena *a, const struct vn_debug_options *o,
                      struct vn_err *e);
/* An empty plan. */
struct probe_plan vn_debug_plan(struct debug_job *j);
/* As many as asked for, and as fit the memory limit. */
int vn_debug_job_threads(struct debug_job *j, struct vn_err *e);

/* ---- results ---- */

/* A result begins with its arena; `measure` fills it. */
typedef int debug_measure(void *result, const void *request, struct vn_arena *work, struct vn_err *e);
/* Make one of `size` bytes, which belongs to nobody's guard; NULL where it failed. */
int vn_debug_result(void **out, size_t size, debug_measure *measure, const void *request, struct vn_err *e);
/* NULL is allowed. */
void vn_debug_result_free(void *result);

/* Feed a sample and make float's outputs; then it is fed once more, with the base, and nothing has run.
 * Numbers live in `a`. */
int vn_debug_run_float(struct debug_job *j, struct debug_thread *t, struct vn_arena *a, int sample,
                       struct vn_err *e);
/* Judged outputs of the changed network: d[k] of output k. */
int vn_debug_judge(struct debug_job *j, struct debug_thread *t, struct vn_arena *a, struct distance *d,
                   struct vn_err *e);

/* ---- what can be quantized ---- */

struct debug_item {
    enum vn_debug_kind kind;
    int id; /* of the node, or of the value */
};
int vn_debug_can_change_node(const struct probe *p, const struct node *n);
int vn_debug_can_change_value(const struct probe *p, const struct value *v);
/* Every item of a kind in the order of the network: fn(ctx, item). */
typedef void vn_debug_item_fn(void *ctx, struct debug_item item);
void vn_debug_items(const struct probe *p, enum vn_debug_kind kind, vn_debug_item_fn *fn, void *ctx);
/* A node, or a calibration node. VN_E_USAGE: there is none, or nothing of it is quantized. */
int vn_debug_find(struct debug_item *item, const struct debug_job *j, const char *name, struct vn_err *e);
const char *vn_debug_item_name(const struct probe *p, struct debug_item item, struct vn_arena *a);
/* Quantize all items of a kind. */
void vn_debug_set_all(const struct probe *p, struct probe_plan *plan, enum vn_debug_kind kind);
/* Quantize it, or no longer. */
void vn_debug_set(const struct probe *p, struct probe_plan *plan, struct debug_item item, int on);

#endif
