/* align/raw.h - raw dumps as stages of a trace, with shape and type from the caller. */
#ifndef VN_ALIGN_RAW_H
#define VN_ALIGN_RAW_H

#include "base/arena.h"
#include "tensor/tensor.h"

/* "STAGE=1x3x224x224:float32" each, or without STAGE= for all others. */
struct raw_forms {
    const char *const *v;
    int n;
};
/* Ends in .bin, .dat or .bmrt? */
int vn_raw_is_name(const char *file);
/* The dump at `path` as the stage; *t NULL: none of the forms is for it. */
int vn_raw_read(struct vn_tensor **t, struct vn_arena *a, const struct raw_forms *forms, const char *stage,
                const char *path, struct vn_err *e);

#endif
