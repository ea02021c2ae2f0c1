/* data/samples.h - what a network is fed with: files of calibration data as tensors. */
#ifndef VN_SAMPLES_H
#define VN_SAMPLES_H

#include "config/config.h"
#include "graph/graph.h"
#include "image/image.h"

struct vn_samples;

/* Everything that is wrong with the pipeline and the folders, noted in the configuration. Needs no model. */
int vn_samples_check(struct config *c, struct vn_arena *a, struct vn_err *e);

/* The calibration set of a configuration for the inputs of a graph (as in the ONNX products: "pixel - 128"
 * or feature maps). Files in name order; sample i takes the i-th file of every input's folder. */
int vn_samples_open(struct vn_samples **out, struct vn_arena *a, const struct config *c,
                    const struct graph *g, struct vn_err *e);
/* The configured steps; *p NULL: none. */
int vn_samples_pipeline(struct vn_pipeline **p, struct vn_arena *a, const struct config *c, struct vn_err *e);
/* Names of the files of a folder that are data, in their order: all but what prep notes. A folder without
 * files has one for each class: CLASS/NAME. */
int vn_samples_files(const char ***names, int *n, struct vn_arena *a, const char *folder, struct vn_err *e);
/* Paths of the files of a folder that can be fed, in name order: images, .npy and .bin files. VN_E_INPUT:
 * there are none. */
int vn_samples_paths(const char ***paths, int *n, struct vn_arena *a, const char *folder, struct vn_err *e);
int vn_samples_is_input(const char *name);
/* n random samples with a fixed seed (calibration_type skip). */
int vn_samples_random(struct vn_samples **out, struct vn_arena *a, const struct config *c,
                      const struct graph *g, int n, struct vn_err *e);
int vn_samples_count(const struct vn_samples *s);
const char *vn_samples_name(const struct vn_samples *s, int i); /* file of the first input */
/* A hash of what all samples are made from: names and sizes of the files (not their contents: that would read
 * all of them), how they become tensors, the version of the program. VN_E_IO where a file is missing. */
int vn_samples_hash(uint64_t *h, const struct vn_samples *s, struct vn_err *e);
/* Room for one sample, in input order; sample i into such room. */
float **vn_samples_room(const struct vn_samples *s, struct vn_arena *a);
int vn_samples_read(float *const *x, const struct vn_samples *s, int i, struct vn_err *e);
/* Sample i as float32 tensors in input order; allocated in `a`. */
int vn_samples_load(const struct vn_samples *s, int i, struct vn_arena *a, float **out, struct vn_err *e);
/* An image input's formats on both sides, from its configuration and shape; 0 for feature maps. */
int vn_input_format(struct vn_pixel_format *f, const struct input_config *in, const struct vn_shape *shape);
/* One file of it: sample i of one input. */
int vn_samples_tensor(float *out, const struct vn_samples *s, int i, int input, struct vn_err *e);
/* One file (picture, .npy or raw dump) as the float32 tensor of input `in` (pictures for feature maps: `p`
 * makes it); where they are not NULL,
 * `pixels` gets the runtime bytes of image inputs, and `from` where a picture's pixels come from (0 x 0
 * for other files). */
int vn_sample_file(float *out, uint8_t *pixels, struct vn_origin *from, const struct input_config *in,
                   const struct vn_shape *shape, const struct vn_pipeline *p, const char *path,
                   struct vn_err *e);

/* Axes of length 1 may be missing, and an array of one axis has no layout that could be wrong. */
int vn_samples_same_axes(const struct vn_shape *got, const struct vn_shape *want);

/* Sample i of an image input in the training type, as it was given: 0..255 for pixels. */
struct vn_train_values {
    const float *v;
    int64_t count, plane; /* elements; elements of one channel where channels are not last */
    int channels_last;
};
int vn_samples_train_values(struct vn_train_values *out, const struct vn_samples *s, int i, int input,
                            struct vn_arena *a, struct vn_err *e);

/* Where sample i of an input comes from, NULL: random data; the configured pipeline on another picture:
 * H x W x C in the training colours. */
int vn_samples_are_images(const struct vn_samples *s, int input); /* files of it are decoded */
const char *vn_samples_path(const struct vn_samples *s, int i, int input);
int vn_samples_picture(uint8_t **train, const struct vn_samples *s, int input, const char *path,
                       struct vn_arena *a, struct vn_err *e);

#endif
