/* data/dataset.h - is a calibration set what the configuration says it is? */
#ifndef VN_DATASET_H
#define VN_DATASET_H

#include <vernier/finding.h>

#include "data/samples.h"

struct data_report {
    int samples;
    VEC(struct vn_finding) findings;
};
/* Elements of an input that only mask others, of any size: those below lo or above hi. */
struct masked_elements {
    double lo, hi;
};
/* Look at the samples of every input, where infinity is allowed to `masked` (by input; NULL: to none), and at
 * the pictures that they were made of where `images` is not NULL: files of the same name without suffix.
 * Nothing is an error but want of memory and a folder `images` that cannot be read. */
int vn_dataset_check(struct data_report *out, struct vn_arena *a, const struct config *c,
                     const struct graph *g, const struct vn_samples *s, const char *images,
                     const struct masked_elements *masked, struct vn_err *e);

#endif
