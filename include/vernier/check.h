/* vernier/check.h - check whether a model can be converted and calibration data fit it. Writes no files.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 * Results live in opaque handles; strings and arrays in them are borrowed. Errors are as in
 * vernier/convert.h. */
#ifndef VERNIER_CHECK_H
#define VERNIER_CHECK_H

#include <vernier/convert.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a model, without data; or a configuration with its model and data ---- */

struct vn_check_options {
    const char *config; /* path of a configuration as for vn_convert; NULL: `source` */
    struct vn_source source;
    const char *march; /* of `source`: a target's name or file; NULL: "generic" */
    int accept_data; /* with `config`: as in struct vn_convert_options */
    struct vn_options run; /* with `config`: threads and CPU features of calibration */
    struct vn_listener listener; /* `problem` receives every problem */
};
void vn_check_options_default(struct vn_check_options *o);

struct vn_checked; /* opaque */

/* Import, quantize with random data (`source`) or the configured samples, and compile. A configuration passes
 * exactly if vn_convert accepts it: both run the same checks. On failure, the listener receives every problem
 * found, including the error. On success *c is the result, to be freed with vn_checked_free; on
 * failure NULL. Errors: VN_E_INPUT, VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_check(struct vn_checked **c, const struct vn_check_options *o, struct vn_err *e);
void vn_checked_free(struct vn_checked **c); /* sets *c to NULL; NULL is allowed */

const char *vn_checked_march(const struct vn_checked *c);
/* Where each node computes; similarities and thresholds are meaningless. */
const struct vn_node_row *vn_checked_nodes(const struct vn_checked *c, int *n);
int vn_checked_integers(const struct vn_checked *c); /* nodes that compute in integers */
/* Findings in the calibration data of a configuration; none if they are random. */
const struct vn_finding *vn_checked_findings(const struct vn_checked *c, int *n);

/* The result for each known target. */
struct vn_march_row {
    const char *march, *description;
    int integers; /* nodes that would compute in integers, of all */
};
const struct vn_march_row *vn_checked_marches(const struct vn_checked *c, int *n);

/* ---- calibration data ---- */

struct vn_data_options {
    const char *config; /* a configuration whose data are checked; NULL: `source` and `folder` */
    struct vn_source source; /* a model with one input */
    const char *folder; /* of images or arrays for it */
    const char *images; /* folder of the source images, with the same names except for the suffix; NULL:
                         * unknown */
    struct vn_listener listener;
};
void vn_data_options_default(struct vn_data_options *o);

struct vn_data_check; /* opaque */

/* Check calibration data. On success *d is the result, to be freed with vn_data_check_free; on failure
 * NULL. Problems in the data are findings, not errors. */
int vn_check_data(struct vn_data_check **d, const struct vn_data_options *o, struct vn_err *e);
void vn_data_check_free(struct vn_data_check **d); /* sets *d to NULL; NULL is allowed */

int vn_data_check_samples(const struct vn_data_check *d);
const struct vn_finding *vn_data_check_findings(const struct vn_data_check *d, int *n);

#ifdef __cplusplus
}
#endif
#endif
