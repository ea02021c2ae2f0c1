/* image/transform.h - the published transformer functions of the vendor's samples, by their names and
 * defaults.
 *
 * They act on an array: H x W x C or C x H x W float32 as the function expects (4-D with batch 1 is taken,
 * too). A table row each. */
#ifndef VN_TRANSFORM_H
#define VN_TRANSFORM_H

#include "image/origin.h"
#include "tensor/tensor.h"

enum vn_arg_kind { VN_ARG_INT, VN_ARG_FLOAT, VN_ARG_LIST, VN_ARG_WORD }; /* LIST: 1..4 numbers */

struct vn_transform_arg {
    const char *name;
    enum vn_arg_kind kind;
    const char *preset; /* the default as text; NULL: must be given */
    const char *words; /* WORD: "a|b" */
};

#define VN_TRANSFORM_ARGS 5
struct vn_arg_value {
    double v[4];
    int n;
    const char *word;
};

struct vn_transform {
    const char *name;
    struct vn_transform_arg args[VN_TRANSFORM_ARGS + 1]; /* ended by name NULL */
    /* `from` is kept up to date where pixels move. */
    int (*run)(struct vn_tensor **out, struct vn_arena *a, const struct vn_tensor *in,
               const struct vn_transform *t, const struct vn_arg_value *arg, struct vn_origin *from,
               struct vn_err *e);
    int variant; /* for run */
};
const struct vn_transform *vn_transforms(int *n);
const struct vn_transform *vn_transform_find(const char *name); /* NULL: unknown */
/* "PadResizeTransformer(target_size=(512, 512), pad_value=127)" or "HWC2CHW": the transform and its values,
 * defaults filled in. */
int vn_transform_parse(const struct vn_transform **t, struct vn_arg_value arg[VN_TRANSFORM_ARGS],
                       struct vn_arena *a, const char *text, struct vn_err *e);

#endif
