/* inspect/inspect.h - numbers about networks: run, compare, verify. Never text for humans. */
#ifndef VN_INSPECT_H
#define VN_INSPECT_H

#include "calib/calib.h"
#include "graph/graph.h"

/* ---- similarity of two tensors ---- */

struct similarity {
    double cosine;    /* 1 when both are all zero, 0 when one is */
    double l1;        /* mean |d| */
    double l2;        /* ||d||_2 / N */
    double chebyshev; /* max |d| */
    double sqnr;      /* dB: 10 log10(sum a^2 / sum d^2); +inf when equal */
    double zeros;     /* share of zeros in the reference */
    int64_t n;
};
/* b against the reference a. */
struct similarity vn_similarity(const float *a, const float *b, int64_t n);
/* A comparison whose reference is mostly zeros says little. */
#define MISTRUST_ZEROS 0.99

/* A tensor that the runtime shows, as float32 in the source model's axis order. out has the tensor's element count. */
void vn_seen_real(float *out, const struct vn_seen *t);
/* Its stored integers in that order. */
void vn_seen_integers(int32_t *out, const struct vn_seen *t);
int64_t vn_seen_count(const struct vn_seen *t);

/* ---- any model file, ready to run ---- */

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
    struct input_config *in;        /* what the artefact says of its inputs; type_rt "featuremap" where it says nothing */
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
int vn_runner_run(struct runner *r, const struct feed *f, vn_observer *watch, void *user, struct vn_err *e);

/* Text about an input that artefacts carry ("input.NAME"), and back. */
const char *vn_input_text(const struct input_config *in, struct vn_arena *a);
void vn_input_parse(struct input_config *in, struct vn_arena *a, const char *text);

/* ---- float against quantized, node by node ---- */

struct node_similarity {
    struct similarity first; /* first sample */
    double min, mean;        /* cosine over all samples */
    int worst;               /* sample of the minimum */
    int samples;
};
struct comparison {
    int n;                       /* values of the quantized graph */
    struct node_similarity *of;  /* by value id; samples 0: not seen in both */
};
/* Both graphs have the same value names. limit: at most so many samples, 0 for all. */
int vn_compare_graphs(struct comparison **out, struct vn_arena *a, const struct graph *reference, const struct graph *quantized,
                      const struct vn_samples *s, int limit, const struct vn_options *run,
                      void (*progress)(void *user, int done, int all), void *user, struct vn_err *e);

/* ---- quantized ONNX on the reference executor against the .bin ---- */

struct verified {
    const char *name, *node;
    int integer;          /* compared as integers, else float32 */
    int fused;            /* kept in registers; recomputed for the check */
    int64_t compared, different;
    int64_t max_step;     /* largest difference of integers */
    double max_relative;  /* floats: largest |d| / largest |reference| */
    int64_t first;        /* flat index of the first difference, -1: none */
    int first_sample;
    double zeros;         /* share of zeros in the reference, over all samples */
};
struct verification {
    int samples;
    int n;
    struct verified *tensors; /* in running order */
    int n_missing;
    const char **missing;     /* values of the ONNX model that the .bin does not show (aliases, folded copies) */
    int64_t compared, different; /* integers */
    int integer_tensors, float_tensors;
    double max_relative;
};
struct verify_options {
    struct vn_options run;
    const char *pipeline;
    int n_files; /* pictures or tensors for input 0; none: random data */
    const char **files;
    int random_samples;
};
#define VERIFY_FLOAT_TOLERANCE 1e-4
int vn_verify(struct verification **out, struct vn_arena *a, const char *onnx, const char *bin, const struct verify_options *o,
              void (*progress)(void *user, int done, int all), void *user, struct vn_err *e);

#endif
