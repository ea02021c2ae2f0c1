/* vernier/transformer.h - the published transformer functions of the vendor's samples, on an array.
 *
 * NOT STABLE: names and fields may change in any release. */
#ifndef VERNIER_TRANSFORMER_H
#define VERNIER_TRANSFORMER_H

#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Argument k of function i, both counted from 0. */
struct vn_transformer_arg {
    const char *name;
    const char *preset; /* the default as text; NULL: it must be given */
    const char *words; /* "a|b": one of these; NULL: numbers */
};
/* Name of function i; NULL behind the last one. Strings are static. */
const char *vn_transformer_name(int i);
/* 1, or 0 where there is no such argument. */
int vn_transformer_arg_at(int i, int k, struct vn_transformer_arg *out);

struct vn_transformed; /* opaque */

/* Apply "PadResizeTransformer(target_size=(512, 512), pad_value=127)" to an array in C order: H x W x C or
 * C x H x W as the function expects; also 1 x ... of it. On success *out is the caller's, on failure NULL.
 * Errors: VN_E_USAGE (rank), VN_E_INPUT (an unknown function, wrong arguments, an array that it cannot take),
 * VN_E_NOMEM. */
int vn_transformer_run(struct vn_transformed **out, const char *text, enum vn_dtype dtype, int rank,
                       const int64_t *shape, const void *data, struct vn_err *e);
/* The array, in C order; it lives as long as *t. */
const struct vn_view *vn_transformed_view(const struct vn_transformed *t);
/* Sets *t to NULL; NULL is allowed. */
void vn_transformed_free(struct vn_transformed **t);

#ifdef __cplusplus
}
#endif
#endif
