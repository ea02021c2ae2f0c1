/* tensor/tensor.h - element types, shapes, dense tensors. Row-major, last axis fastest. */
#ifndef VN_TENSOR_H
#define VN_TENSOR_H

#include "base/arena.h"
#include "base/err.h"
#include "num/num.h"

struct vn_shape {
    int rank; /* 0..VN_MAX_RANK; -1: not known */
    int64_t d[VN_MAX_RANK]; /* >= 0; -1: not known */
};

struct vn_tensor {
    enum vn_dtype dtype;
    struct vn_shape shape;
    void *data; /* vn_tensor_bytes() bytes, little-endian; borrowed or in an arena; bool is one byte */
};

const char *vn_dtype_name(enum vn_dtype t); /* "float32", ... ; "?" for an unknown one */
enum vn_dtype vn_dtype_from_name(const char *name); /* NumPy names; VN_NONE: unknown */
size_t vn_dtype_size(enum vn_dtype t); /* bytes; 0 for an unknown one */
int vn_dtype_is_float(enum vn_dtype t);

struct vn_shape vn_shape_of(int rank, const int64_t *d);
struct vn_shape vn_shape_unknown(void);
int vn_shape_equal(const struct vn_shape *a, const struct vn_shape *b);
int vn_shape_is_static(const struct vn_shape *s); /* rank and all dimensions known */
int64_t vn_shape_count(const struct vn_shape *s); /* elements; -1: dynamic or over 2^62 */
/* "1x3x224x224"; "scalar" for rank 0; "?" for what is not known. `buf` of VN_SHAPE_TEXT bytes, returned. */
#define VN_SHAPE_TEXT 192
const char *vn_shape_text(const struct vn_shape *s, char *buf);
/* Parse "1x3x224x224". */
int vn_shape_parse(struct vn_shape *s, const char *text, struct vn_err *e);
/* NumPy broadcasting of two static shapes. */
int vn_shape_broadcast(struct vn_shape *out, const struct vn_shape *a, const struct vn_shape *b,
                       struct vn_err *e);
/* axis in [-rank, rank-1] -> [0, rank-1]; -1 when outside. */
int vn_shape_axis(const struct vn_shape *s, int64_t axis);
/* Coordinate along `axis` (-1: always 0) of the element at flat index i. */
int vn_shape_coordinate(const struct vn_shape *s, int axis, int64_t i);
/* Row-major strides in elements. */
void vn_shape_strides(const struct vn_shape *s, int64_t *stride);

size_t vn_tensor_bytes(const struct vn_tensor *t);
struct vn_tensor *vn_tensor_new(struct vn_arena *a, enum vn_dtype t, const struct vn_shape *s); /* zeroed */
/* Element i converted; integers exactly (64-bit), floats by value. */
double vn_tensor_f64(const struct vn_tensor *t, int64_t i);
int64_t vn_tensor_i64(const struct vn_tensor *t, int64_t i);
void vn_tensor_set_f64(struct vn_tensor *t, int64_t i,
                       double x); /* integers: rounded to nearest even and saturated */
void vn_tensor_to_f32(float *out, const struct vn_tensor *t); /* all elements */
/* A copy in another element type (numpy astype; floats to integers: truncated toward zero and saturated; NaN
 * gives 0). */
struct vn_tensor *vn_tensor_cast(struct vn_arena *a, const struct vn_tensor *t, enum vn_dtype to);

#endif
