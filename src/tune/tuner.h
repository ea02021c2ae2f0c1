/* tune/tuner.h - the precision planner: what its files share, in the order of the work.
 *
 *     groups -> held-out samples -> noise of each group -> costs -> choice -> plans, built and measured
 *
 * A group is a set of tensors that have one type; a plan gives each group one of the types of vernier/tune.h.
 * Every measurement goes through the journal: what is used is what was written, so that a run that was
 * interrupted ends like one that was not. */
#ifndef VN_TUNER_H
#define VN_TUNER_H

#include <vernier/tune.h>

#include "convert/stages.h"
#include "debug/probe.h"
#include "debug/probe_outputs.h"
#include "tune/journal.h"

/* What reads a group: input `slot` of a node of the probe's graph. */
struct group_reader {
    const struct node *node;
    int slot;
};

/* What of a group is rounded alone. */
enum change_kind {
    CHANGE_TENSORS, /* in int8, and constants beside them */
    CHANGE_WIDE, /* tensors in int16 */
    CHANGE_WEIGHTS, /* of what reads the group */
    CHANGE_KINDS
};

struct tune_group {
    const char *tensor;
    /* What sets its type: the result of `node` (slot -1), or what the node reads there. */
    const char *node;
    int slot;
    VEC(int) values; /* of the probe's graph */
    VEC(struct group_reader) readers;
    int allowed; /* bits 1 << enum vn_tune_type */
    int stays_quantized; /* also where everything that reads it computes in float32 */
    double noise[CHANGE_KINDS]; /* loss by each alone */
    double ns[VN_TUNE_TYPES]; /* added to a run */
    double bytes[VN_TUNE_TYPES]; /* added to the .bin */
};

/* How far outputs lie from float's: sums over samples, of one output. */
struct output_loss {
    double signal, noise; /* of float^2 and difference^2 */
    double risk; /* of (difference between a decision and another class)^2 / (its margin^2 + a floor) */
    double decisions, agreed;
};

/* Samples that ranges do not come from, and float's outputs. */
struct held_out {
    int n, inputs, outputs;
    int losses; /* of each plan: by output, and of boxes */
    struct box_judge *boxes; /* what the task says of them; NULL: none */
    struct found_boxes **truth; /* [sample] */
    struct judged_outputs judged; /* `outputs` of them */
    float **input; /* [sample * inputs + i] */
    struct output_numbers *reference; /* [sample * outputs + k] */
    double *floor; /* by output: of squared margins */
    struct output_loss *base; /* of the network as configured */
    int range_samples; /* 0: ranges come from the same samples */
};

/* What a plan says. */
struct tune_plan {
    unsigned char *type; /* by group */
    int ways; /* in which weights and biases are refined: VN_REFINE_ROUNDED, VN_REFINE_BIASES */
};

/* A plan that was measured. */
struct built {
    struct tune_plan plan;
    const char *key; /* in the journal */
    struct vn_tune_plan r;
};

struct tuner {
    const struct vn_tune_options *o;
    struct vn_tuning *result;
    struct vn_conversion *c;
    struct vn_arena *arena; /* of the work */
    struct vn_arena *kept; /* of the result */
    struct vn_journal *journal;
    struct vn_listener listener;
    struct probe p;
    const struct qparam **wide; /* by value of the probe: in int16; NULL: it has none */
    VEC(struct tune_group) groups;
    struct vn_ranges *ranges; /* of the samples that are not scored */
    struct held_out held;
    struct vn_session *base; /* the network as configured */
    double base_ns; /* of a run */
    double base_bytes;
    VEC(struct built) plans;
    int best, best_types; /* index in plans; of those that are not refined beyond the configuration */
    int base_ways; /* of the configuration */
    const char *yaml; /* path of what is written */
    const char *difference;
    double started, plan_seconds;
    int is_scored; /* the task has images */
    int stopped;
};

/* groups.c */
int vn_tune_find_groups(struct tuner *t, struct vn_err *e);
/* Types of nodes that make the plan, behind those of the configuration. */
struct type_rules {
    VEC(struct type_rule) rules;
};
void vn_tune_rules(struct type_rules *out, struct vn_arena *a, const struct tuner *t,
                   const unsigned char *type);

/* held_out.c */
/* The samples that ranges come from: half of them, where there are enough; else all. */
struct vn_shard vn_tune_split_samples(struct tuner *t);
int vn_tune_hold_out(struct tuner *t, struct vn_err *e);
/* Add what `s` has computed on a held-out sample: of[k] of output k, behind them of boxes. */
int vn_tune_add_loss(struct output_loss *of, const struct tuner *t, const struct vn_session *s, int sample,
                     struct vn_err *e);
/* Relative to the network as configured. */
double vn_tune_loss(const struct tuner *t, const struct output_loss *of);

/* box_loss.c */
/* Of the task: t->held.boxes, t->is_scored. */
int vn_tune_read_form(struct tuner *t, struct vn_err *e);
int vn_tune_find_boxes(struct found_boxes **out, struct vn_arena *a, const struct tuner *t,
                       const struct vn_session *s, struct vn_err *e);
/* Loss and decisions of boxes y; x: float's. */
void vn_tune_compare_boxes(struct output_loss *to, const struct tuner *t, const struct found_boxes *x,
                           const struct found_boxes *y);

/* noise.c */
int vn_tune_measure_noise(struct tuner *t, struct vn_err *e);

/* programs.c */
struct built_program {
    struct vn_session *s;
    double bytes; /* of the .bin */
};
/* The method of the configuration, refined for the types that it has now. */
int vn_tune_method(struct vn_quant_method *m, struct tuner *t, struct vn_arena *a, int ways,
                   struct vn_err *e);
/* The quantized graph with more rules. */
int vn_tune_quantize(struct graph **out, struct tuner *t, struct vn_arena *a, const struct type_rule *rules,
                     int n, int ways, struct vn_err *e);
/* inputs NULL: each takes the network's tensor. */
int vn_tune_image(struct vn_image *out, struct vn_arena *a, const struct tuner *t, const struct graph *g,
                  const struct compile_input *inputs, struct vn_err *e);
int vn_tune_build(struct built_program *out, struct tuner *t, struct vn_arena *a,
                  const struct type_rule *rules, int n, int ways, struct vn_err *e);
int vn_tune_build_plan(struct built_program *out, struct tuner *t, struct vn_arena *a,
                       const struct tune_plan *p, struct vn_err *e);
/* Times of the instructions of n programs, in nanoseconds: of[i] has one for each of program i. */
int vn_tune_times(double **of, const struct tuner *t, struct vn_arena *a, struct built_program *programs,
                  int n, struct vn_err *e);
/* A run of `s` by a run of the base, interleaved. */
int vn_tune_latency(double *ratio, const struct tuner *t, struct vn_session *s, struct vn_err *e);

/* costs.c */
int vn_tune_measure_costs(struct tuner *t, struct vn_err *e);

/* choose.c */
struct choice_limits {
    double ns, bytes; /* added; infinite: no limit */
};
/* The plan with the least predicted loss within limits. type: by group. */
void vn_tune_choose(unsigned char *type, const struct tuner *t, struct choice_limits l);
/* Sums of a plan. */
struct prediction {
    double loss, ns, bytes;
};
struct prediction vn_tune_predict(const struct tuner *t, const unsigned char *type);
double vn_tune_group_loss(const struct tune_group *g, int type);
/* What is made least: the loss, and a little of what it costs. */
double vn_tune_objective(const struct tuner *t, struct prediction p);

/* task.c */
int vn_tune_score(struct built *b, struct tuner *t, struct vn_err *e);

/* search.c */
int vn_tune_search(struct tuner *t, struct vn_err *e);
int vn_tune_base_plan(struct tuner *t, struct vn_err *e);
double vn_tune_seconds(void);

/* plan_yaml.c: into t->yaml and t->difference */
int vn_tune_write_yaml(struct tuner *t, const struct tune_plan *p, struct vn_err *e);
/* May it say how weights are refined, and does it not yet? */
int vn_tune_can_refine(const struct tuner *t);
/* Before anything is measured: can types be written into the configuration? */
int vn_tune_check_yaml(struct tuner *t, struct vn_err *e);

/* fit.c */
void vn_tune_fit(struct vn_tune_summary *s, const struct tuner *t);

#endif
