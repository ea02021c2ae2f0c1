/* front/caffe/layer.h - what a Caffe layer is: one descriptor, one line in layers.def; and what its build()
 * uses.
 *
 * build() turns one layer into nodes. The first thing that goes wrong is kept in the builder; from then on
 * the functions below do nothing and give NULL, so that calls can be nested without checks.
 *
 *     static void build(struct caffe_builder *b)
 *     {
 *         const struct params *p = b->params;
 *         vn_caffe_top(b, 0, PUT(b, "Softmax", IN(b->in[0]), AT_INT("axis", vn_caffe_axis(b, "axis", p->axis,
 * rank))));
 *     }
 */
#ifndef VN_FRONT_CAFFE_LAYER_H
#define VN_FRONT_CAFFE_LAYER_H

#include "front/caffe/caffemodel.h"
#include "front/caffe/prototxt.h"
#include "ops/op.h"

struct caffe_builder;

enum caffe_fate {
    CAFFE_BUILT = 0,
    CAFFE_INPUT, /* build sets the shapes of its tops in b->shape */
    CAFFE_TRAINING, /* dropped */
    CAFFE_SILENT, /* dropped, but what it reads is no output */
};

struct caffe_layer {
    const char *type; /* "Convolution" */
    const char *also; /* another name for it; NULL */
    const char *v1,
        *v0; /* in `layers { type: CONVOLUTION }`, and the string of the oldest form; NULL: not there */
    const char *onnx; /* the operators that it becomes, for the documentation; one alone is what
                         vn_caffe_plain makes */
    const char *param; /* "convolution_param"; NULL: none */
    const struct text_message *params;
    enum caffe_fate fate;
    int label; /* of a dropped layer: the bottom that holds what is right; 0: none */
    int min_bottom, max_bottom; /* max -1: any number */
    int min_top, max_top; /* 0 min_top means 1; 0 max_top means min_top */
    void (*build)(struct caffe_builder *b);
};

#define LAYER(name) extern const struct caffe_layer vn_caffe_##name;
#include "front/caffe/layers.def"
#undef LAYER
extern const struct caffe_layer *const vn_caffe_layers[];
extern const int vn_caffe_layers_count;

#define CAFFE_MAX_TOPS 256
#define CAFFE_MAX_BOTTOMS 1024

struct caffe_builder {
    struct graph *g;
    const struct caffe_layer *kind;
    const char *name; /* of the layer */
    const char *unique; /* of its nodes */
    void *params; /* filled in by kind->params; NULL: none */
    struct value **in;
    int n_in;
    struct value *out[CAFFE_MAX_TOPS];
    int n_out;
    struct vn_shape shape[CAFFE_MAX_TOPS]; /* CAFFE_INPUT: rank -1 where the prototxt does not say; from
                                              unread on: no inputs, but labels */
    int unread;
    int64_t crop; /* transform_param.crop_size */
    int gray; /* transform_param.force_gray */
    const struct caffe_weights *weights;
    const char *weights_path;
    int may_advise;
    int failed;
    struct vn_err *e;
};

/* ---- failing ---- */

void vn_caffe_fail(struct caffe_builder *b, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- nodes ---- */

struct caffe_attr {
    const char *name; /* of the ONNX attribute; NULL ends a list */
    enum attr_kind kind;
    int64_t i;
    double f;
    int n;
    const int64_t *ints;
    const char *s; /* ATTR_ENUM */
};
#define AT_INT(onnx, x) \
    { \
        .name = onnx, .kind = ATTR_INT, .i = x \
    }
#define AT_FLOAT(onnx, x) \
    { \
        .name = onnx, .kind = ATTR_FLOAT, .f = x \
    }
#define AT_INTS(onnx, count, x) \
    { \
        .name = onnx, .kind = ATTR_INTS, .n = count, .ints = x \
    }
#define AT_ENUM(onnx, x) \
    { \
        .name = onnx, .kind = ATTR_ENUM, .s = x \
    }
#define IN(...) \
    (int)(sizeof((struct value *[]){ __VA_ARGS__ }) / sizeof(struct value *)), (struct value *[]) \
    { \
        __VA_ARGS__ \
    }

/* A node with one output, whose shape is inferred. Inputs may be NULL where the operator allows it. */
#define AT_NONE \
    { \
        .name = NULL \
    }
#define PUT(b, op, inputs, ...) \
    vn_caffe_put(b, op, inputs, (const struct caffe_attr[]){ __VA_ARGS__, AT_NONE })
struct value *vn_caffe_put(struct caffe_builder *b, const char *op, int n_in, struct value *const *in,
                           const struct caffe_attr *attrs);
/* The same with n_out outputs, in out[]. */
void vn_caffe_put_many(struct caffe_builder *b, const char *op, int n_in, struct value *const *in,
                       const struct caffe_attr *attrs, int n_out, struct value **out);
/* The result of a layer is its top i. */
void vn_caffe_top(struct caffe_builder *b, int i, struct value *v);
/* build: the operator kind->onnx on the bottoms. */
void vn_caffe_plain(struct caffe_builder *b);

/* ---- constants ---- */

struct value *vn_caffe_number(struct caffe_builder *b, double x); /* float32 scalar */
struct value *vn_caffe_integers(struct caffe_builder *b, int n, const int64_t *x);
struct value *vn_caffe_constant(struct caffe_builder *b, const char *what, const struct vn_tensor *t);
/* n times x. */
struct value *vn_caffe_filled(struct caffe_builder *b, const char *what, int64_t n, float x);
/* Blob i of the layer as `shape`; leading ones may be missing or superfluous, as the old 4-D form has them.
 * `what`: "weight". */
struct value *vn_caffe_blob(struct caffe_builder *b, int i, const char *what, int rank, const int64_t *shape);
/* The same in another shape of as many elements. */
struct value *vn_caffe_blob_as(struct caffe_builder *b, int i, const char *what, int rank,
                               const int64_t *shape, int as_rank, const int64_t *as);
/* Shape and contents of blob i as stored; NULL: missing or damaged (and b has failed). */
const struct vn_tensor *vn_caffe_raw_blob(struct caffe_builder *b, int i, const char *what);

/* ---- arithmetic that leaves out what changes nothing ---- */

struct value *vn_caffe_times(struct caffe_builder *b, struct value *x, double factor);
struct value *vn_caffe_plus(struct caffe_builder *b, struct value *x, double term);
/* Reduce op over axes [from, to). */
struct value *vn_caffe_reduce(struct caffe_builder *b, const char *op, struct value *x, int from, int to,
                              int keep);
struct value *vn_caffe_reshape(struct caffe_builder *b, struct value *x, int rank, const int64_t *dims);

/* ---- checks; after a failure they give something harmless ---- */

int vn_caffe_rank(const struct caffe_builder *b, int i);
int64_t vn_caffe_dim(const struct caffe_builder *b, int i, int axis);
int64_t vn_caffe_count(const struct caffe_builder *b, int i, int from, int to); /* of dimensions [from, to) */
/* axis in [-rank, rank) -> [0, rank) */
int vn_caffe_axis(struct caffe_builder *b, const char *what, int64_t axis, int rank);
/* Bottom i has the given rank? */
int vn_caffe_want_rank(struct caffe_builder *b, int i, int rank);

/* kernel, stride, pad and dilation as Convolution and Pooling give them: repeated for all axes, or by _h and
 * _w. */
struct caffe_extent {
    struct text_ints all;
    int64_t h, w; /* -1: not given */
};
#define T_EXTENT(type, field, name, one, lo) \
    T_INTS(type, field.all, name, lo, 65536), T_INT(type, field.h, one "_h", -1, lo, 65536), \
        T_INT(type, field.w, one "_w", -1, lo, 65536)
/* One number per axis; dflt -1: must be given. */
void vn_caffe_extent(struct caffe_builder *b, const char *what, const struct caffe_extent *x, int axes,
                     int64_t dflt, int64_t *out);
#define CAFFE_MAX_AXES 3

#endif
