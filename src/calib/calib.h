/* calib/calib.h - ranges of activations from samples: one streamed pass whose memory does not grow with their number. */
#ifndef VN_CALIB_H
#define VN_CALIB_H

#include "compile/compile.h"
#include "config/config.h"
#include "graph/graph.h"
#include "image/image.h"

/* ---- samples: what the network is fed with (samples.c) ---- */

struct vn_samples;

/* The calibration set of a configuration for the inputs of a graph (as in the ONNX products: "pixel - 128" or feature maps).
 * Files in name order; sample i takes the i-th file of every input's folder. */
int vn_samples_open(struct vn_samples **out, struct vn_arena *a, const struct config *c, const struct graph *g, struct vn_err *e);
/* n random samples with a fixed seed (calibration_type skip). */
int vn_samples_random(struct vn_samples **out, struct vn_arena *a, const struct config *c, const struct graph *g, int n, struct vn_err *e);
int vn_samples_count(const struct vn_samples *s);
const char *vn_samples_name(const struct vn_samples *s, int i); /* file of the first input */
/* Sample i as float32 tensors in input order; allocated in `a`. */
int vn_samples_load(const struct vn_samples *s, int i, struct vn_arena *a, float **out, struct vn_err *e);
/* An image input's formats on both sides, from its configuration and shape; 0 for feature maps. */
int vn_input_format(struct vn_pixel_format *f, const struct input_config *in, const struct vn_shape *shape);
/* One file (picture, .npy or raw dump) as the float32 tensor of input `in`; where they are not NULL, `pixels` gets the runtime bytes
 * of image inputs, and `from` where a picture's pixels come from (0 x 0 for other files). */
int vn_sample_file(float *out, uint8_t *pixels, struct vn_origin *from, const struct input_config *in, const struct vn_shape *shape, const struct vn_pipeline *p,
                   const char *path, struct vn_err *e);

/* Sample i of an image input in the training type, as it was given: 0..255 for pixels. */
struct vn_train_values {
    const float *v;
    int64_t count, plane; /* elements; elements of one channel where channels are not last */
    int channels_last;
};
int vn_samples_train_values(struct vn_train_values *out, const struct vn_samples *s, int i, int input, struct vn_arena *a, struct vn_err *e);

/* Where sample i of an input comes from; the configured pipeline on another picture: H x W x C in the training colours. */
const char *vn_samples_path(const struct vn_samples *s, int i, int input);
int vn_samples_picture(uint8_t **train, const struct vn_samples *s, int input, const char *path, struct vn_arena *a, struct vn_err *e);

/* ---- a graph compiled and loaded in memory (program.c) ---- */

struct vn_program {
    struct vn_model *model; /* stopped with the arena */
    const struct vn_io *in, *out;
    int n_in, n_out;
    void **result; /* one buffer per output */
    const void *image; /* what it was loaded from */
    size_t image_bytes;
};
int vn_program_start(struct vn_program *p, struct vn_arena *a, const struct graph *g, const struct compile_options *o,
                     const struct vn_options *run, struct vn_err *e);

/* An image that is there and lives at least as long as `a`. Several programs may share one, and with it the weights. */
int vn_program_load(struct vn_program *p, struct vn_arena *a, const void *image, size_t bytes, const struct vn_options *run, struct vn_err *e);

/* What an input of the tensor itself is given as: x, or its values as integers where the program takes them: rounded and saturated
 * for "pixel - 128", else as C converts them. */
const void *vn_program_input(struct vn_arena *a, const struct vn_io *io, const float *x);

/* ---- statistics of one tensor ---- */

#define HISTOGRAM_BINS 4096

/* |x| in bins of width 2^exponent from zero on. The width doubles when a larger value comes, merging bins in pairs, so the result
 * depends on the values alone, not on their order. */
struct histogram {
    uint64_t bin[HISTOGRAM_BINS];
    uint64_t count;
    int exponent;
    float min, max; /* of x, not of |x| */
};
/* Add n values; 0, or VN_E_INPUT where one is not finite. */
int vn_histogram_add(struct histogram *h, const float *x, size_t n);

/* A calibrator: one file, one line in calib.def. */
struct calibrator {
    const char *name;
    const char *help;
    double (*threshold)(const struct histogram *h, double parameter); /* largest magnitude to keep; > 0 unless all is zero */
};
extern const struct calibrator *const vn_calibrators[];
extern const int vn_calibrators_count;
const struct calibrator *vn_calibrator_find(const char *name);

/* ---- collecting ---- */

/* Sums along one axis, for values that weights are applied to. */
struct channel_sums {
    int axis, n;
    double *sum;    /* n entries */
    uint64_t count; /* elements behind each */
};

struct vn_ranges {
    int n; /* values of the graph */
    struct histogram **of;       /* by value id; NULL: not seen */
    struct channel_sums **means; /* by value id; NULL: not the input of an operator with weights */
};
/* Run every sample through the float graph and collect all its activations. `progress` may be NULL. */
int vn_calibrate(struct vn_ranges **out, struct vn_arena *a, const struct graph *g, const struct vn_samples *s, const struct vn_options *run,
                 void (*progress)(void *user, int done, int all), void *user, struct vn_err *e);

#endif
