/* inspect/inspect.h - numbers about networks: run, compare, verify. Never text for humans. */
#ifndef VN_INSPECT_H
#define VN_INSPECT_H

#include "base/listen.h"
#include "data/samples.h"
#include "session/session.h"
#include "session/similarity.h"

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
/* Both graphs have the same value names. limit: at most so many samples, 0 for all. `what` is for the
 * listener, which may be NULL. */
int vn_compare_graphs(struct comparison **out, struct vn_arena *a, const struct graph *reference, const struct graph *quantized,
                      const struct vn_samples *s, int limit, const struct vn_options *run,
                      const struct vn_listener *l, const char *what, struct vn_err *e);

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
              const struct vn_listener *l, struct vn_err *e);

#endif
