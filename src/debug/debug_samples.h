/* debug/debug_samples.h - the folder of samples: files for each input, as `debug_mode: dump_calibration_data`
 * writes them. */
#ifndef VN_DEBUG_SAMPLES_H
#define VN_DEBUG_SAMPLES_H

#include "session/session.h"

struct debug_samples {
    int n, inputs;
    const char **file; /* of sample i and input k: [i * inputs + k] */
};

/* The files of FOLDER, or for several inputs of FOLDER/INPUT each, which one input may have, too; in name
 * order. most: 0: all. VN_E_USAGE where there are none, VN_E_INPUT where inputs have different numbers. */
int vn_debug_samples(struct debug_samples *d, struct vn_arena *a, const struct vn_session *s,
                     const char *folder, int most, struct vn_err *e);

#endif
