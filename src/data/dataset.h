/* data/dataset.h - is a calibration set what the configuration says it is? */
#ifndef VN_DATASET_H
#define VN_DATASET_H

#include "data/samples.h"

enum data_severity {
    DATA_ERROR,   /* conversion stops */
    DATA_DOUBT,   /* results are not to be trusted */
    DATA_WARNING, /* worth a look */
};
extern const char *const vn_data_severities[];

struct data_finding {
    const char *detector; /* "layout" */
    enum data_severity severity;
    const char *input, *text; /* text: what is wrong, why, and what to do */
};
struct data_report {
    int samples;
    VEC(struct data_finding) findings;
};
/* Look at the samples of every input, and at the pictures that they were made of where `images` is not NULL: files of the same name
 * without suffix. Nothing is an error but want of memory and a folder `images` that cannot be read. */
int vn_dataset_check(struct data_report *out, struct vn_arena *a, const struct config *c, const struct graph *g, const struct vn_samples *s,
                     const char *images, struct vn_err *e);

/* The table of detectors, for docs and tests. */
struct detector;
int vn_dataset_detector(int i, const char **name, enum data_severity *severity, const char **looks_at); /* 0: no more */

#endif
