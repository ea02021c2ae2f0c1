/* session/runner.h - any model file, ready to run. */
#ifndef VN_RUNNER_H
#define VN_RUNNER_H

#include "data/samples.h"
#include "session/program.h"

enum runner_kind { RUN_BIN, RUN_ONNX };

struct runner {
    struct vn_arena *arena;
    enum runner_kind kind;
    const char *path;
    struct graph *graph;            /* RUN_ONNX */
    struct vn_program program;      /* not for reference runs */
    int reference;                  /* RUN_ONNX on the reference executor */
    int n_in, n_out;
    const char **in_name, **out_name;
    struct vn_shape *in_shape;      /* of the network's input tensor (also for image inputs of a .bin) */
    struct input_config *in;        /* what the artefact says of its inputs; feature maps where it says nothing */
    int *in_int8;                   /* RUN_ONNX: the input is int8 "pixel - 128" */
    struct vn_tensor **out;         /* results of the last run: float32, or integers */
    const char *sample;             /* the file being run, one of several; VERNIER_SAVE_IO keeps each in a folder of its name. NULL: only one */
};

struct runner_options {
    struct vn_options run;
    int reference;
    int level; /* fusion of programs made from ONNX */
    const char *prototxt; /* the file is a caffemodel, this its network; NULL: it is none */
};
/* Open a .bin, .onnx or caffemodel. */
int vn_runner_open(struct runner **out, struct vn_arena *a, const char *path, const struct runner_options *o, struct vn_err *e);
/* The same model a second time, to run beside the first, which lives longer: they share weights, names and shapes. Not for reference runs. */
int vn_runner_again(struct runner **out, struct vn_arena *a, const struct runner *r, const struct vn_options *run, struct vn_err *e);
/* Buffers of one run: `tensor` is float32 of in_shape; `bytes` what a .bin takes (image inputs). */
struct feed {
    float **tensor;
    uint8_t **bytes;
    struct vn_tensor **plain; /* inputs of other types than float32 and pixels: the tensor itself; NULL: not such an input */
    struct vn_origin *from;   /* where the pixels come from of pictures that were fed; 0 x 0: no picture */
};
struct feed vn_feed_new(const struct runner *r, struct vn_arena *a);
/* Fill input i from a picture, .npy or raw file; a file whose array is the input tensor itself is taken as it is. */
int vn_feed_file(struct feed *f, const struct runner *r, int i, const char *path, const struct vn_pipeline *p, struct vn_err *e);
void vn_feed_random(struct feed *f, const struct runner *r, uint64_t seed);
int vn_runner_run(struct runner *r, const struct feed *f, const struct vn_watch *watch, struct vn_err *e);

/* Text about an input that artefacts carry ("input.NAME"), and back. */
const char *vn_input_text(const struct input_config *in, struct vn_arena *a);
void vn_input_parse(struct input_config *in, struct vn_arena *a, const char *text);

#endif
