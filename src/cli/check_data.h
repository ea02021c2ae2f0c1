/* cli/check_data.h - the part of `vernier check` that checks calibration data. */
#ifndef VN_CHECK_DATA_H
#define VN_CHECK_DATA_H

#include "base/arena.h"
#include "base/err.h"

#define CHECK_DATA_OPTIONS \
    { "--data", 0, NULL, \
      0,        0, "check calibration data instead: check --data -c FILE.yaml, or check MODEL DIR --data" }, \
        { "--images", 0, "DIR", 0, 0, "with --data: source images, named like the data files" }, \
    { \
        "--list", 0, NULL, 0, 0, "print the checks of --data and exit" \
    }

/* An exit status, or a negative enum vn_status. */
int vn_run_check_data(struct vn_arena *a, struct vn_err *e);
int vn_list_detectors(void);

#endif
