/* tensor/npy.h - NumPy's .npy files, format versions 1 to 3. */
#ifndef VN_NPY_H
#define VN_NPY_H

#include "tensor/tensor.h"

/* Does the file's beginning say .npy? */
int vn_npy_is(const uint8_t *data, size_t bytes);
/* Row-major (C order) little-endian arrays; data is copied into the arena. `path` is for messages. */
int vn_npy_parse(struct vn_tensor **out, struct vn_arena *a, const uint8_t *data, size_t bytes,
                 const char *path, struct vn_err *e);
/* The same, but the elements stay where they are in `data`: not aligned. */
int vn_npy_view(struct vn_tensor **out, struct vn_arena *a, const uint8_t *data, size_t bytes,
                const char *path, struct vn_err *e);
int vn_npy_read(struct vn_tensor **out, struct vn_arena *a, const char *path, struct vn_err *e);
/* The file as bytes. */
int vn_npy_bytes(const uint8_t **data, size_t *bytes, struct vn_arena *a, const struct vn_tensor *t,
                 struct vn_err *e);
/* Written whole or not at all. */
int vn_npy_write(const char *path, const struct vn_tensor *t, struct vn_err *e);

#endif
