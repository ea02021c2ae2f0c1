/* flow/compare_fed.h - vn_compare of artefacts that the caller feeds. */
#ifndef VN_COMPARE_FED_H
#define VN_COMPARE_FED_H

#include <vernier/compare.h>

struct compare_feeder {
    int samples;
    /* Feed sample i to the left (side 0) or the right artefact. */
    int (*feed)(void *user, struct vn_session *s, int side, int sample, struct vn_err *e);
    void *user;
    int outputs_only; /* 1: outputs alone are compared */
    struct vn_session *left; /* is the left side, in place of its file; NULL: the file is opened */
};
/* Both sides are artefacts. `with` says how they run, not what they read. */
int vn_compare_fed(struct vn_comparison **c, const struct vn_compare_options *o,
                   const struct compare_feeder *f, struct vn_err *e);

#endif
