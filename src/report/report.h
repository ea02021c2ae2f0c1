/* report/report.h - numbers to terminal and JSON. */
#ifndef VN_REPORT_H
#define VN_REPORT_H

#include <stdio.h>

#include <jansson.h>
#include <vernier/align.h>
#include <vernier/check.h>
#include <vernier/compare.h>
#include <vernier/convert.h>
#include <vernier/debug.h>
#include <vernier/eval.h>
#include <vernier/flow.h>
#include <vernier/tune.h>
#include <vernier/reason.h>
#include <vernier/session.h>
#include <vernier/verify.h>

#include "base/arena.h"

/* A table of text cells: columns left-aligned, padded to the widest cell and two spaces; a rule of '=' above,
 * of '-' below the header. Cells are copied. */
struct table;
struct table *vn_table_new(int columns, const char *const *titles);
void vn_table_row(struct table *t, const char *const *cells);
void vn_table_print(const struct table *t, FILE *f);
/* The same with a title within the first rule. */
void vn_table_print_titled(const struct table *t, const char *title, FILE *f);
void vn_table_free(struct table **t);
/* At most `max` characters: longer text is cut on the left with "..." in front. `buf` has max + 1 bytes. */
const char *vn_cut_left(const char *s, int max, char *buf);

/* Findings because of which results are not to be trusted; returns how many. */
int vn_print_doubtful(FILE *f, const struct vn_finding *v, int n);
void vn_print_nodes(FILE *f, const struct vn_node_row *rows, int n, int compared);
void vn_print_outputs(FILE *f, const struct vn_output_row *rows, int n);
/* Nodes that stay float, each reason once with its nodes and, where `remedies`, what to do about it. */
void vn_print_fallbacks(FILE *f, const struct vn_node_row *rows, int n, int remedies);
void vn_print_evaluation(FILE *f, const struct vn_evaluation *v);
void vn_print_verification(FILE *f, const struct vn_verification *v, int all);
/* Outputs, and the values that differ most; all: every value. */
void vn_print_pair(FILE *f, const struct vn_pair *p, int all);

/* Outputs, those that fail, and the first rows; all: every tensor. */
void vn_print_flow(FILE *f, const struct vn_flow_result *r);
void vn_print_comparison(FILE *f, const struct vn_comparison *c, int all);

/* The table of steps of pipelines (image/steps.h). */
void vn_print_steps(FILE *f);

void vn_print_alignment(FILE *f, const struct vn_alignment *r);
void vn_print_align_causes(FILE *f);
void vn_print_description(FILE *f, const struct vn_description *d);

json_t *vn_json_conversion(const struct vn_conversion *c, int passed);
json_t *vn_json_sensitivity(const struct vn_sensitivity *s);
json_t *vn_json_accumulated(const struct vn_accumulated *r);
json_t *vn_json_distributions(const struct vn_distributions *r);
json_t *vn_json_error_split(const struct vn_error_split *r);
json_t *vn_json_alignment(const struct vn_alignment *r);
/* The pictures that vn_align has written for stages that differ, to a report's samples. */
struct vn_odd_list;
void vn_odd_add_stages(struct vn_odd_list *l, const struct vn_alignment *r, const char *folder);
json_t *vn_json_description(const struct vn_description *d);
/* A line for each field; takes the reference. */
void vn_json_print(FILE *f, json_t *j);
void vn_json_print_exact(FILE *f, json_t *j); /* the same with all digits */
json_t *vn_json_checked(const struct vn_checked *c);
json_t *vn_json_problems(const struct vn_err *problems, int n, const char *march);
json_t *vn_json_data_check(const struct vn_data_check *d);
json_t *vn_json_conversion(const struct vn_conversion *c, int passed);
json_t *vn_json_text(const char *text); /* a string, with what is not UTF-8 escaped */
json_t *vn_json_real(double x); /* null where x is not finite */
/* {"id": ..., "args": [...], "text": ...} */
json_t *vn_json_reason(const struct vn_reason *r);
json_t *vn_json_nodes(const struct vn_node_row *rows, int n);
json_t *vn_json_outputs(const struct vn_output_row *rows, int n);
json_t *vn_json_evaluation(const struct vn_evaluation *v);
json_t *vn_json_verification(const struct vn_verification *v);
json_t *vn_json_flow(const struct vn_flow_result *r);
json_t *vn_json_tuning(const struct vn_tuning *t);
json_t *vn_json_comparison(const struct vn_comparison *c);
json_t *vn_json_pair(const struct vn_pair *p);

/* ---- sessions (session_report.c) ---- */

#define VN_TEXT_SHAPE 192
const char *vn_text_shape(int rank, const int64_t *shape,
                          char *buf); /* "1x3x224x224"; buf of VN_TEXT_SHAPE bytes, returned */
const char *vn_text_dtype(enum vn_dtype t); /* "float32" */
const char *vn_text_input_type(enum vn_input_type t); /* "nv12" */
json_t *vn_json_shape(int rank, const int64_t *shape);
/* Outputs of the last run: shapes, types, smallest and largest number. */
void vn_print_run(FILE *f, const struct vn_session *s);
json_t *vn_json_run(const struct vn_session *s);
/* Inputs or outputs of a program: names, types and bytes. */
void vn_print_io(FILE *f, const char *what, const struct vn_io *io, int n, int inputs);
json_t *vn_json_io(const struct vn_io *io, int n, int inputs);

/* ---- times (times.c) ---- */

void vn_times_sort(uint64_t *ns, int n);
/* The time that `percent` of n > 0 sorted times are below, in ms: 0 the least, 50 the median, 100 the
 * most. */
double vn_times_ms(const uint64_t *ns, int n, int percent);

/* ---- where the time goes (profile.c, profile_files.c) ---- */

/* Times of something that every run has once, in nanoseconds. */
struct vn_clocked {
    double sum, min, max;
    double current; /* of the run being added */
    float *first; /* of the first runs, for the median; NULL: it is not wanted */
    int runs;
};

/* An instruction, or all instructions of a node: of those, the longest gives the opcode. */
struct vn_profile_row {
    const char *opcode, *node; /* borrowed from the model */
    struct vn_clocked time;
    double macs; /* multiply-accumulates of a run */
    double peak; /* of them that the machine could do in a nanosecond; 0: not known */
    double longest; /* ns of the longest instruction, in all runs */
};

enum vn_profile_unit { VN_UNIT_FLOAT, VN_UNIT_INTEGER, VN_UNITS };

struct vn_profile {
    struct vn_profile_row *instructions; /* in order */
    struct vn_profile_row *nodes; /* in order of their first instruction; once closed, longest first */
    struct vn_clocked unit[VN_UNITS]; /* instructions whose first input is int8 or int16 are INTEGER's */
    int n_instructions, n_nodes;
    int *node_of, *unit_of; /* of each instruction */
    double peak[3]; /* multiply-accumulates in a nanosecond: int8, int16, float32 */
};
/* A profile without runs. peak: of one core and type times the threads, as vn_peak_speed measures it. */
void vn_profile_open(struct vn_profile *p, const struct vn_model *m, const double peak[3],
                     struct vn_arena *a);
/* The times of the model's last run. Allocates nothing. */
void vn_profile_add(struct vn_profile *p, const struct vn_model *m);
void vn_profile_close(struct vn_profile *p);
double vn_clocked_median(const struct vn_clocked *c);
/* Billions of multiply-accumulates a second, and the share of the peak that this is; 0: not known. */
double vn_profile_speed(const struct vn_profile_row *r);
double vn_profile_reached(const struct vn_profile_row *r);

void vn_print_profile(FILE *f, const char *title, const struct vn_profile_row *rows, int n);
json_t *vn_json_profile(const struct vn_profile_row *rows, int n);

/* What profiler.log says besides the profile. */
struct vn_profile_run {
    const char *model;
    struct vn_clocked latency;
    double fps;
    int threads;
};
/* The texts of profiler.log and profiler.csv. */
const char *vn_profile_log(const struct vn_profile *p, const struct vn_profile_run *r, struct vn_arena *a);
const char *vn_profile_csv(const struct vn_profile *p, struct vn_arena *a);
/* Both as profiler.log and profiler.csv, into a folder that is made. */
int vn_profile_write(const char *folder, const struct vn_profile *p, const struct vn_profile_run *r,
                     struct vn_arena *a, struct vn_err *e);

/* A progress bar on a terminal; nothing in a pipe. Call with done == all to finish the line. */
struct progress {
    FILE *f;
    int last;
};
void vn_progress_show(struct progress *p, const char *what, int done, int all);

#endif
