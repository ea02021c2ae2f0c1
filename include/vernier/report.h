/* vernier/report.h - print results as text and as JSON.
 *
 * NOT STABLE: names, and what is written, may change in any release.
 *
 * Every function writes to a stream that the caller has opened; JSON is one object and a newline. */
#ifndef VERNIER_REPORT_H
#define VERNIER_REPORT_H

#include <stdio.h>

#include <vernier/check.h>
#include <vernier/convert.h>
#include <vernier/debug.h>
#include <vernier/tune.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- vernier/convert.h ---- */

/* Tables of nodes and outputs, reasons of float nodes, products. */
void vn_print_conversion(FILE *f, const struct vn_conversion *c);
/* passed: what the caller makes of cosines and findings. */
void vn_print_conversion_json(FILE *f, const struct vn_conversion *c, int passed);
/* Outputs whose mean cosine is not normal or below `least`, and what to try. Returns 1 where all reach it. */
int vn_print_low_outputs(FILE *f, const struct vn_conversion *c, double least);
/* Findings because of which results are not to be trusted. Returns how many. */
int vn_print_doubts(FILE *f, const struct vn_conversion *c);

/* ---- vernier/check.h ---- */

/* The table of nodes, reasons of float nodes with remedies, the table of marches. */
void vn_print_checked(FILE *f, const struct vn_checked *c);
void vn_print_checked_json(FILE *f, const struct vn_checked *c);
/* As vn_print_doubts. */
int vn_print_checked_doubts(FILE *f, const struct vn_checked *c);
/* What is wrong with a model or a configuration, with remedies where one is known. march NULL: the
 * configuration's. */
void vn_print_problems(FILE *f, const struct vn_err *problems, int n);
void vn_print_problems_json(FILE *f, const struct vn_err *problems, int n, const char *march);
/* Findings in calibration data. Returns 1 where all are warnings. */
int vn_print_data_check(FILE *f, const struct vn_data_check *d);
int vn_print_data_check_json(FILE *f, const struct vn_data_check *d);
/* The table of detectors. */
void vn_print_detectors(FILE *f);

/* ---- vernier/debug.h ---- */

/* The table, with n columns of metrics; agreement is always shown. */
void vn_print_sensitivity(FILE *f, const struct vn_sensitivity *s, const enum vn_debug_metric *metrics,
                          int n);
/* The same as lines of comma-separated values. */
void vn_print_sensitivity_csv(FILE *f, const struct vn_sensitivity *s, const enum vn_debug_metric *metrics,
                              int n);
/* All numbers. */
void vn_print_sensitivity_json(FILE *f, const struct vn_sensitivity *s);
/* Curves of one metric: a table of the outputs, and of every node where there are few curves; CSV of every
 * node; JSON of all metrics. */
void vn_print_accumulated(FILE *f, const struct vn_accumulated *r, enum vn_debug_metric metric);
void vn_print_accumulated_csv(FILE *f, const struct vn_accumulated *r, enum vn_debug_metric metric);
void vn_print_accumulated_json(FILE *f, const struct vn_accumulated *r);
/* Each part in percent of all parts; CSV and JSON: mean squares. */
void vn_print_error_split(FILE *f, const struct vn_error_split *r);
void vn_print_error_split_csv(FILE *f, const struct vn_error_split *r);
void vn_print_error_split_json(FILE *f, const struct vn_error_split *r);
/* A table of all; a table of channels for each. */
void vn_print_distributions(FILE *f, const struct vn_distributions *r);
void vn_print_channels(FILE *f, const struct vn_distributions *r);
/* NAME.png of each into a folder, which is made: distributions or, `channels`, boxes of channels. Errors:
 * VN_E_IO. */
int vn_plot_distributions(const char *folder, const struct vn_distributions *r, int channels,
                          struct vn_err *e);
/* TITLE_METRIC.png: the curves of one metric. */
int vn_plot_accumulated(const char *folder, const char *title, const struct vn_accumulated *r,
                        enum vn_debug_metric metric, struct vn_err *e);

/* ---- vernier/tune.h ---- */

/* Changed types, plans, additivity, the difference of the configuration. */
void vn_print_tuning(FILE *f, const struct vn_tuning *t);

#ifdef __cplusplus
}
#endif
#endif
